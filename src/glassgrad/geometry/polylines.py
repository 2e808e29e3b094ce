"""Networks of one hidden layer on an interval: piecewise linear functions, one ReLU for each change of slope."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.geometry.plan import Plan, rising
from glassgrad.geometry.rounding import Stage
from glassgrad.geometry.target import Target

Array = np.ndarray[Any, Any]
NO_RAMPS = np.empty((0, 2))


def polyline(knots: Array, values: Array, base: int = 0) -> tuple[Stage, Stage]:
    """The function that joins points by straight lines, and is constant beyond the first and the last.

    Right of the base knot, each knot t whose slope changes by a adds a max(0, x − t), left of it a max(0, t − x).
    Starting from the middle keeps the summands, and so their rounding errors, small.

    Examples
    --------
    >>> import numpy as np
    >>> hidden, out = polyline(np.array([0.0, 0.5]), np.array([0.0, 1.0]))  # a step
    >>> print(hidden.W, hidden.b, out.W.ravel(), out.b)
    [[1. 1.]] [ 0.  -0.5] [ 2. -2.] [0.]
    """
    slopes = np.concatenate([[0.0], np.diff(values) / np.diff(knots), [0.0]])
    change, scale = np.diff(slopes), np.abs(slopes[1:]) + np.abs(slopes[:-1])
    right, left = change.copy(), change.copy()
    right[base], left[base] = slopes[base + 1], -slopes[base]
    signs = np.concatenate([np.full(base + 1, -1.0), np.full(len(knots) - base, 1.0)])
    at = np.concatenate([knots[: base + 1], knots[base:]])
    weights, scales = (
        np.concatenate([left[: base + 1], right[base:]]),
        np.concatenate([scale[: base + 1], scale[base:]]),
    )
    used = np.flatnonzero(weights) if np.any(weights) else np.array([0])
    hidden = Stage(signs[None, used], 0.0 - signs[used] * at[used])
    start = values[base : base + 1]
    return hidden, Stage(weights[used, None], start, (scales[used, None], np.abs(start)))


def boxes(edges: Array, values: Array, centre: float = 0.0) -> tuple[Stage, Stage]:
    """A sum of boxes of four ReLUs each: box k rises at ramp k of `edges`, falls at ramp k + 1, as high as values[k].

    `edges` has shape ``(boxes + 1, 2)``: where ramps begin and end. Heights are counted from `centre`.
    """
    up, down = edges[:-1], edges[1:]
    rise, fall = 1 / (up[:, 1] - up[:, 0]), 1 / (down[:, 1] - down[:, 0])
    unit = np.column_stack([rise, -rise, -fall, fall])  # a box of height 1
    weights = ((values - centre)[:, None] * unit).reshape(-1, 1)
    scale = ((np.abs(values) + abs(centre))[:, None] * np.abs(unit)).reshape(-1, 1)
    knots = np.column_stack([up, down]).ravel()
    bias = np.array([centre])
    return Stage(np.ones((1, len(knots))), -knots), Stage(weights, bias, (scale, np.abs(bias)))


def interpolated(target: Target, cells: int, dtype: DTypeLike) -> Plan:
    """Straight lines through n + 1 values of f: n + 2 ReLUs.

    On a piece of length h, x = (1 − t) xₖ + t xₖ₊₁ and the network is (1 − t) f(xₖ) + t f(xₖ₊₁), so that
    |f(x) − network(x)| ≤ (1 − t) ω(t h) + t ω((1 − t) h). The mean distance is 2 t (1 − t) h ≤ h/2: for concave ω the
    sum is at most ω(h/2), by Jensen's inequality, and L h/2 for a Lipschitz constant L, which a tent of height L h/2
    over one piece attains. For any other ω it is at most ω(h).
    """
    knots = rising(np.linspace(target.low[0], target.high[0], cells + 1), dtype)
    values = target(knots)
    reach = float(np.diff(knots).max()) / 2
    sup = target.modulus.spread(reach)
    reason = "ω(h/2), h the length of a piece" if target.modulus.concave else "ω(h), h the length of a piece"
    stages = polyline(knots, values, cells // 2)
    return Plan(stages, sup, sup, sup * target.volume, (NO_RAMPS,), (knots,), values, reason)


def stepped(target: Target, cells: int, ramp: float, dtype: DTypeLike, sums: bool) -> Plan:
    """A value of f on each of n cells, and a ramp from one to the next: 2 (n − 1) ReLUs as steps, 4 n as boxes.

    Outside the ramps a point x of a cell of width h is at most h/2 from its middle m, where the value was taken:
    |f(x) − network(x)| ≤ ω(h/2). On a ramp from p to q the network is (1 − τ) f(m) + τ f(m′) with τ rising from 0 to 1,
    so for f without jumps the error is at most ω of the mean distance where ω is concave, which is again h/2 in the
    middle of the ramp and less elsewhere, and else at most ω of the larger distance.

    For L1, cell by cell ∫ ω(|x − m|) dx, and for each ramp the weight of the other cell's value, min(τ, 1 − τ), times
    the difference of the two: a quarter of the ramp's width, or at most half of it where f jumps inside it.
    """
    edges, jumps = _edges(target, cells)
    widths = ramp * np.minimum(np.diff(edges)[:-1], np.diff(edges)[1:])
    inner = np.column_stack([edges[1:-1] - widths / 2, edges[1:-1] + widths / 2])
    middles = (edges[:-1] + edges[1:]) / 2
    ramps = rising(inner.ravel(), dtype).reshape(-1, 2) if len(inner) else NO_RAMPS
    values = target(middles)
    flats = np.concatenate([[target.low[0]], ramps.ravel(), [target.high[0]]]).reshape(-1, 2)
    flat = float(np.max(np.abs(flats - middles[:, None])))
    split = np.where(jumps, edges[1:-1], ramps.mean(axis=1))
    halves = np.concatenate([[target.low[0]], split, [target.high[0]]])
    steps, wide = np.abs(np.diff(values)), ramps[:, 1] - ramps[:, 0]
    l1 = sum(
        (b - a) * target.modulus.mean(max(m - a, b - m)) for a, b, m in zip(halves, halves[1:], middles, strict=False)
    ) + float(np.sum(steps * wide * np.where(jumps, 0.5, 0.25)))
    sup, everywhere = target.modulus(flat), None
    if not jumps.any():
        near = np.maximum(ramps[:, 0] - middles[:-1], middles[1:] - ramps[:, 1])
        reach = near + wide / 2 if target.modulus.concave else near + wide
        everywhere = max(sup, target.modulus(float(reach.max(initial=0.0))))
    if sums:
        beyond = float(widths.min()) if len(widths) else float(edges[-1] - edges[0]) / 10
        outer = rising(np.array([edges[0] - beyond, edges[0], edges[-1], edges[-1] + beyond]), dtype)
        whole = np.concatenate([outer[None, :2], ramps, outer[None, 2:]])
        stages = boxes(whole, values, (values.min() + values.max()) / 2)
    else:
        stages = _stairs(ramps, values)
    return Plan(stages, sup, everywhere, l1, (ramps,), (ramps.ravel(),), values, "ω(h/2), h the width of a cell")


def _stairs(ramps: Array, values: Array) -> tuple[Stage, Stage]:
    if not len(ramps):
        return polyline(np.array([0.0, 1.0]), np.repeat(values, 2))
    base = 2 * ((len(ramps) - 1) // 2)
    return polyline(ramps.ravel(), np.repeat(values, 2)[1:-1], base)


def _edges(target: Target, cells: int) -> tuple[Array, Array]:
    """Edges of at least so many cells, equal between jumps, and for each inner edge whether f jumps there."""
    edges, jumps = [target.low], [np.zeros(1, bool)]
    width = (target.high[0] - target.low[0]) / cells
    for low, high in target.parts():
        count = max(1, int(np.ceil((high[0] - low[0]) / width * (1 - 1e-12))))
        edges.append(np.linspace(low[0], high[0], count + 1)[1:])
        jumps.append(np.arange(1, count + 1) == count)
    return np.concatenate(edges), np.concatenate(jumps)[1:-1]
