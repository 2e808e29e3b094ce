"""Networks of two hidden layers on a rectangle: hat functions on a triangulated grid, and boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.geometry.plan import Plan, rising
from glassgrad.geometry.polylines import NO_RAMPS
from glassgrad.geometry.rounding import Stage
from glassgrad.geometry.target import Target

Array = np.ndarray[Any, Any]
_NEAR = 9  # vertices (i, j) with |ξ − i| and |η − j| below 1.5


def interpolated(target: Target, cells: tuple[int, int], dtype: DTypeLike) -> Plan:
    """The piecewise linear interpolant on a grid whose cells are halved by their rising diagonals.

    In the coordinates ξ, η that count cells, the hat function of the vertex (i, j) with u = ξ − i and v = η − j is

        max(0, 1 − ½ (|u| + |v| + |u − v|)),

    since the sum of the three distances between 0, u and v is twice the greatest minus the least. With
    |t| = 2 max(0, t) − t this is max(0, 1 + u − max(0, u) − max(0, v) − max(0, u − v)): 2 (n₁ + n₂) ReLUs in a first
    layer, shared by all hats, one for each grid line and diagonal; one ReLU for each vertex in a second. All weights
    between them are 0, 1 or −1.

    The bound: on a triangle the network is Σ λᵢ f(vᵢ) with x = Σ λᵢ vᵢ, so the error is at most Σ λᵢ ω(‖x − vᵢ‖). For
    every c, Σ λᵢ ‖x − vᵢ‖² = Σ λᵢ ‖vᵢ − c‖² − ‖x − c‖², and with the centre of the smallest ball around the triangle
    as c that is at most its radius², so that Σ λᵢ ‖x − vᵢ‖ ≤ r (Cauchy–Schwarz). For a right triangle r is half its
    longest side, d/2 with d the diagonal of a cell: the error is at most ω(d/2) for concave ω, else ω(d).
    """
    (n1, n2), low, high = cells, target.low, target.high
    per = np.array(cells) / (high - low)  # cells per unit
    at = low * per
    lines: list[tuple[float, float, float, float]] = []  # weights of x and y, bias, and its scale
    lines += [(per[0], 0.0, -at[0] - i, abs(at[0]) + i) for i in range(n1)]
    lines += [(0.0, per[1], -at[1] - j, abs(at[1]) + j) for j in range(n2)]
    lines += [(per[0], -per[1], at[1] - at[0] - k, abs(at[0]) + abs(at[1]) + abs(k)) for k in range(-n2, n1)]
    table = np.array(lines).T
    first = Stage(table[:2], table[2], (np.abs(table[:2]), table[3]))
    i, j = (a.ravel() for a in np.meshgrid(np.arange(n1 + 1), np.arange(n2 + 1), indexing="ij"))
    W = np.zeros((len(lines), len(i)))
    W[0] = 1.0  # ξ itself
    for unit, exists in ((i, i < n1), (n1 + j, j < n2), (n1 + n2 + n2 + i - j, i - j < n1)):
        where = np.flatnonzero(exists)  # a ReLU of the farthest lines is 0 on the whole rectangle
        W[unit[where], where] -= 1.0
    second = Stage(W, 1.0 - i, top=1.0)
    axes = tuple(np.linspace(a, b, n + 1) for a, b, n in zip(low, high, cells, strict=True))
    values = target(*np.meshgrid(*axes, indexing="ij")).ravel()
    output = _weighted(values, _NEAR)
    moved = 8 * np.finfo(np.float64).eps * float(np.max(np.abs([low, high])))  # vertices, by rounding
    sup = target.modulus.spread(float(np.linalg.norm((high - low) / cells)) / 2 + moved)
    reason = "ω(d/2), d the diagonal of a cell" if target.modulus.concave else "ω(d), d the diagonal of a cell"
    return Plan((first, second, output), sup, sup, sup * target.volume, (NO_RAMPS, NO_RAMPS), axes, values, reason)


def stepped(target: Target, cells: tuple[int, int], ramp: float, dtype: DTypeLike) -> Plan:
    """A box over each cell: max(0, box(x) + box(y) − 1), whose boxes along the axes are differences of steps.

    Outside the ramps, f is at most half a diagonal, d/2, away from the middle of its cell: ω(d/2). Inside, weights of
    neighbouring cells rise and fall. Where only x or only y is in a ramp, they sum to 1, so the error is at most ω of
    the largest distance D, half a diagonal of a cell with its ramps. Where both are, they sum to
    |t + s − 1| + |t − s| ≤ 1, with t and s the heights of the two ramps; what is missing, 1/3 in the mean, leaves
    the middle c of all values in place of f: at most 1/3 (M + ω(D)) more in the mean, with M the largest distance of a
    value from c.
    """
    sides: list[tuple[Array, Array, Array]] = []
    for a, b, n in zip(target.low, target.high, cells, strict=True):
        edges = np.linspace(a, b, n + 1)
        half = ramp * (b - a) / n / 2
        inner = np.column_stack([edges[1:-1] - half, edges[1:-1] + half])
        ramps = rising(inner.ravel(), dtype).reshape(-1, 2) if n > 1 else NO_RAMPS
        sides.append((ramps, (edges[:-1] + edges[1:]) / 2, np.concatenate([[a], ramps.ravel(), [b]]).reshape(-1, 2)))
    values = target(*np.meshgrid(*(middles for _, middles, _ in sides), indexing="ij")).ravel()
    output = _weighted(values, min(len(values), 2 * sum(cells)))
    flat = [float(np.max(np.abs(flats - middles[:, None]))) for _, middles, flats in sides]
    wide = [float(np.max(ramps[:, 1] - ramps[:, 0], initial=0.0)) for ramps, _, _ in sides]
    sup, far = (target.modulus(float(np.linalg.norm(d))) for d in (flat, np.add(flat, wide)))
    share = [float(np.sum(r[:, 1] - r[:, 0])) / (b - a) for (r, _, _), a, b in zip(
        sides, target.low, target.high, strict=True)]  # fmt: skip
    both = share[0] * share[1]
    single = share[0] + share[1] - 2 * both
    most = float(np.abs(values - output.b).max())
    mean = (1 - single - both) * sup + single * far + both * (far + (most + far) / 3)
    stages = (*_axes_and_boxes(sides, cells), output)
    marks = tuple(ramps.ravel() for ramps, _, _ in sides)
    everywhere = far + (most + far if both else 0.0)
    return Plan(stages, sup, everywhere, mean * target.volume, tuple(r for r, _, _ in sides), marks, values,
                "ω(d/2), d the diagonal of a cell")  # fmt: skip


def _axes_and_boxes(sides: list[tuple[Array, Array, Array]], cells: tuple[int, int]) -> tuple[Stage, Stage]:
    """The ReLUs of all steps, and one for each cell."""
    knots = [ramps.ravel() for ramps, _, _ in sides]
    count = max(1, len(knots[0]) + len(knots[1]))
    W, b = np.zeros((2, count)), np.zeros(count)
    heights: list[Array] = []  # of each step, as a sum of ReLUs
    first = 0
    for axis, (ramps, _, _) in enumerate(sides):
        last = first + 2 * len(ramps)
        W[axis, first:last], b[first:last] = 1.0, -knots[axis]
        steps = np.zeros((len(ramps), count))
        for k, (p, q) in enumerate(ramps):
            steps[k, first + 2 * k : first + 2 * k + 2] = 1 / (q - p), -1 / (q - p)
        heights.append(steps)
        first = last
    columns, bias = np.zeros((count, *cells)), -np.ones(cells)
    for axis, steps in enumerate(heights):
        none = np.zeros((1, count))
        along = np.concatenate([none, steps]) - np.concatenate([steps, none])  # a box: this step minus the next
        shape = (count, -1, 1) if axis == 0 else (count, 1, -1)
        columns += along.T.reshape(shape)
        bias += (np.arange(cells[axis]) == 0).reshape(shape[1:])  # the first box has risen before the rectangle
    return Stage(W, b), Stage(columns.reshape(count, -1), bias.ravel(), top=1.0)


def _weighted(values: Array, active: int) -> Stage:
    """Σ (value − c) unit + c, with c in the middle of the values."""
    centre = (values.min() + values.max()) / 2
    scale = (np.abs(values)[:, None] + abs(centre), np.array([abs(centre)]))
    return Stage((values - centre)[:, None], np.array([centre]), scale, active=active)
