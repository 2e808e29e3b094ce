"""Universality by construction: steps, boxes, and any function whose variation is bounded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.errors import DataError, OperandError, unknown
from glassgrad.geometry import polylines, surfaces
from glassgrad.geometry.construction import Construction
from glassgrad.geometry.modulus import Continuity, Hoelder, continuity
from glassgrad.geometry.plan import Plan, rounded
from glassgrad.geometry.target import Target
from glassgrad.views.numbers import number

Array = np.ndarray[Any, Any]
WAYS = ("interpolation", "steps", "boxes")
_MOST = 2_000_000  # weights between two layers


def step_network(
    at: float = 0.0, ramp: float = 0.1, low: float = -1.0, high: float = 1.0, dtype: DTypeLike = np.float64
) -> Construction:
    """The step 1[x > at] from two ReLUs: (max(0, x − at) − max(0, x − at − ramp)) / ramp.

    It is exact outside the ramp (at, at + ramp), where it rises in a straight line, so that ∫ |f − net| is half the
    ramp: no bound on the largest error inside is below 1.

    Parameters
    ----------
    at, ramp : float
        Where the step is, rounded to the dtype, and how wide the ramp.
    low, high : float
        The interval on which bounds are stated.
    dtype : dtype
        Of the network.

    Returns
    -------
    Construction

    Raises
    ------
    DataError
        When the ramp does not lie inside the interval.

    Examples
    --------
    >>> from glassgrad import geometry
    >>> step = geometry.step_network(0.0, ramp=0.1)
    >>> step.units, [round(float(step(x)), 6) for x in (-0.5, 0.0, 0.05, 0.1, 0.5)]
    (2, [0.0, 0.0, 0.5, 1.0, 1.0])
    >>> round(step.l1, 6)
    0.05
    """
    knots = rounded([at, at + ramp], dtype)
    return _exact(lambda x: (x > knots[0]) * 1.0, knots, [0.0, 1.0], knots[:1], low, high, dtype, "steps")


def box_network(
    left: float = 0.0, width: float = 0.5, ramp: float = 0.1, low: float = -1.0, high: float = 1.0,
    dtype: DTypeLike = np.float64,
) -> Construction:  # fmt: skip
    """The box 1[left ≤ x ≤ left + width] from four ReLUs: a step up, minus a step where it ends.

    The ramps lie outside the box, so that it is exact inside and beyond them; ∫ |f − net| is half of each ramp.

    Parameters
    ----------
    left, width, ramp : float
        Where the box begins, rounded to the dtype, its width δ, and how wide each ramp.
    low, high, dtype
        As for `step_network`.

    Returns
    -------
    Construction

    Examples
    --------
    >>> from glassgrad import geometry
    >>> box = geometry.box_network(0.0, 0.5, ramp=0.1)
    >>> box.units, [round(float(box(x)), 6) for x in (-0.1, -0.05, 0.0, 0.5, 0.55, 0.6)]
    (4, [0.0, 0.5, 1.0, 1.0, 0.5, 0.0])
    """
    knots = rounded([left - ramp, left, left + width, left + width + ramp], dtype)
    heights = [0.0, 1.0, 1.0, 0.0]
    inside = knots[1:3]
    return _exact(
        lambda x: ((x >= inside[0]) & (x <= inside[1])) * 1.0, knots, heights, inside, low, high, dtype, "boxes"
    )


def _exact(
    f: Callable[[Any], Any], knots: Array, values: list[float], jumps: Array, low: float, high: float, dtype: DTypeLike,
    by: str,
) -> Construction:  # fmt: skip
    """A polyline that is f itself between its ramps."""
    low, high = rounded([low, high], dtype)
    if not (low < knots[0] and knots[-1] < high and np.all(np.diff(knots) > 0)):
        raise DataError(
            f"ramps from {number(knots[0])} to {number(knots[-1])} have to lie inside [{number(low)}, {number(high)}], "
            "each with a width above 0"
        )
    ramps = knots.reshape(-1, 2)
    target = Target(f, np.array([low]), np.array([high]), Hoelder(0.0), tuple(float(x) for x in jumps))
    l1 = float(np.sum(ramps[:, 1] - ramps[:, 0])) / 2
    stages = polylines.polyline(knots, np.array(values))
    plan = Plan(stages, 0.0, None, l1, (ramps,), (knots,), np.array(values), "outside its ramps it is exact")
    return Construction(target, plan, by, (), np.dtype(dtype))


def constructed(
    f: Callable[..., Any],
    low: float | Sequence[float] = 0.0,
    high: float | Sequence[float] = 1.0,
    *,
    lipschitz: float | None = None,
    modulus: Any = None,
    n: int | Sequence[int] | None = None,
    error: float | None = None,
    by: str = "interpolation",
    ramp: float = 0.1,
    jumps: Iterable[float] = (),
    dtype: DTypeLike = np.float64,
) -> Construction:
    """A ReLU network for a function on an interval or a rectangle, without training, with a proven bound on its error.

    By interpolation the bound holds everywhere. On an interval, n + 1 values of f are joined by straight lines, in one
    hidden layer of n + 2 ReLUs, and the error is at most ω(h/2), h the length of a piece: L h/2 for a Lipschitz
    constant L, which no other use of these values could make smaller. On a rectangle each cell of a grid is halved by
    its diagonal of length d, and two hidden layers give exactly the function that is linear on each triangle: at most
    ω(d/2).

    By steps, or by boxes, as the lectures have it, the network is constant on each cell, and rises or falls on ramps
    between them: at most ω(h/2) or ω(d/2) outside the ramps. Both are the same function, on an interval from 2 (n − 1)
    ReLUs as steps, and 4 n as boxes. The proofs are in `geometry/polylines.py` and `geometry/surfaces.py`.

    Parameters
    ----------
    f : callable
        From an array, or two arrays x, y of the same shape, to an array.
    low, high : float or pair of float
        Ends of an interval, or corners of a rectangle; rounded to the dtype.
    lipschitz : float, optional
        L with ``|f(x) − f(y)| ≤ L ‖x − y‖``, the Euclidean distance.
    modulus : Hoelder, Modulus or callable, optional
        In its place, a modulus of continuity ω: ``|f(x) − f(y)| ≤ ω(‖x − y‖)``.
    n : int or pair of int, optional
        Cells along each axis.
    error : float, optional
        In its place, what the proven sup bound has to stay below: the fewest cells that do it.
    by : {"interpolation", "steps", "boxes"}
        How. Steps are for intervals.
    ramp : float
        Width of the ramps in cells, from 0 to 1.
    jumps : sequence of float
        Where f jumps, on an interval, by steps or boxes: the modulus then holds between jumps.
    dtype : dtype
        Of the network.

    Returns
    -------
    Construction

    Raises
    ------
    DataError
        When two values of f contradict the modulus, or the wanted error is below what rounding allows.
    OperandError
        When arguments do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import geometry
    >>> made = geometry.constructed(lambda x, y: np.hypot(x, y), (-1, -1), (1, 1), lipschitz=1, n=8)
    >>> made
    <Construction by interpolation, 113 ReLUs, sup ≤ 0.1768 everywhere>
    >>> made.measure().sup <= made.sup
    True
    """
    target = target_of(f, low, high, continuity(lipschitz, modulus), by, jumps, dtype)
    if not (0 < ramp < 1):
        raise DataError(f"ramp is a share of a cell between 0 and 1, and not {ramp!r}")
    if (n is None) == (error is None):
        raise OperandError("give n=, the number of cells along an axis, or error=, what the bound has to stay below")
    if n is not None:
        cells = _cells(n, target.dims)
        target.check(cells)
        return made_of(target, cells, by, ramp, dtype)
    assert error is not None
    cells, left = _enough(target, error, by), error
    target.check(cells)
    made = made_of(target, cells, by, ramp, dtype)
    while made.sup > error and made.rounding < error / 2 and left > error / 2:  # more cells, and so more rounding
        left = left * (1 - 1e-9) - 1.1 * made.rounding
        made = made_of(target, _enough(target, left, by), by, ramp, dtype)
    if made.sup <= error:
        return made
    raise DataError(
        f"rounding alone takes {number(made.rounding)} of the error {number(error)} that was asked for: "
        + ("use dtype=np.float64" if np.dtype(dtype) != np.float64 else "ask for a larger error")
    )


def units_for(
    error: float,
    low: float | Sequence[float] = 0.0,
    high: float | Sequence[float] = 1.0,
    *,
    lipschitz: float | None = None,
    modulus: Any = None,
    by: str = "interpolation",
) -> int:
    """How many ReLUs a construction needs so that its bound, without rounding, is at most `error`.

    Parameters
    ----------
    error : float
        The wanted bound.
    low, high, lipschitz, modulus, by
        As for `constructed`.

    Examples
    --------
    >>> from glassgrad import geometry
    >>> [geometry.units_for(error, lipschitz=1) for error in (0.1, 0.01, 0.001)]
    [7, 52, 502]
    >>> geometry.units_for(0.1, (0, 0), (1, 1), lipschitz=1)  # two layers: lines and diagonals, vertices
    113
    """
    target = target_of(None, low, high, continuity(lipschitz, modulus), by, (), np.float64)
    return units_of(_enough(target, error, by), by)


def units_of(cells: tuple[int, ...], by: str) -> int:
    """How many ReLUs a construction with so many cells has."""
    if len(cells) == 1:
        return {"interpolation": cells[0] + 2, "steps": max(1, 2 * (cells[0] - 1)), "boxes": 4 * cells[0]}[by]
    n1, n2 = cells
    if by == "interpolation":
        return 2 * (n1 + n2) + (n1 + 1) * (n2 + 1)
    return max(1, 2 * (n1 + n2 - 2)) + n1 * n2


def target_of(f: Any, low: Any, high: Any, modulus: Continuity, by: str, jumps: Any, dtype: DTypeLike) -> Target:
    """The arguments that say what is to be imitated, checked."""
    if by not in WAYS:
        raise unknown("construction", by, WAYS)
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise OperandError(f"a construction is float32 or float64, and not {np.dtype(dtype)}")
    ends = [np.atleast_1d(np.asarray(end, np.float64)) for end in (low, high)]
    if ends[0].shape != ends[1].shape or ends[0].shape not in ((1,), (2,)):
        raise OperandError(f"low and high are two numbers, or two pairs for a rectangle, and not {low!r} and {high!r}")
    if not (np.all(np.isfinite(ends)) and np.all(ends[0] < ends[1])):
        raise DataError(f"low has to be below high, and both finite: {low!r}, {high!r}")
    ends = [rounded(end, dtype) for end in ends]
    jumps = tuple(sorted(float(x) for x in jumps))
    if len(ends[0]) == 2 and by == "steps":
        raise OperandError(
            "on a rectangle a construction goes by='boxes' or by='interpolation'; steps are for intervals"
        )
    if jumps and (len(ends[0]) == 2 or by == "interpolation"):
        raise OperandError("jumps are for by='steps' and by='boxes' on an interval; a continuous network cannot jump")
    if jumps and not (ends[0][0] < jumps[0] and jumps[-1] < ends[1][0] and len(set(jumps)) == len(jumps)):
        raise DataError(f"jumps lie inside the interval, each once: {jumps}")
    modulus = modulus.checked(float(np.linalg.norm(ends[1] - ends[0])))
    return Target(f, ends[0], ends[1], modulus, jumps)


def _cells(n: Any, dims: int) -> tuple[int, ...]:
    cells = tuple(np.broadcast_to(np.asarray(n), (dims,)).tolist()) if np.ndim(n) == 0 else tuple(n)
    if len(cells) != dims or any(not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1 for k in cells):
        raise OperandError(f"n is a whole number from 1, or one for each of {dims} axes, and not {n!r}")
    return tuple(int(k) for k in cells)


def _enough(target: Target, error: float, by: str) -> tuple[int, ...]:
    """The fewest cells, about square, whose bound without rounding is at most `error`."""
    if not (np.isfinite(error) and error > 0):
        raise DataError(f"error is a positive number, and not {error!r}")
    sides = target.high - target.low
    spread = target.modulus.spread if by == "interpolation" else target.modulus

    def cells(n: int) -> tuple[int, ...]:
        return tuple(max(1, math.ceil(n * side / sides.max() - 1e-9)) for side in sides)

    def enough(n: int) -> bool:
        return spread(float(np.linalg.norm(sides / cells(n))) / 2) <= error * (1 + 1e-12)

    high = 1
    while not enough(high):
        high *= 2
        if high > _MOST:
            raise DataError(f"an error of {number(error)} would need more than {_MOST:,} cells along an axis")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return cells(high)


def made_of(target: Target, cells: tuple[int, ...], by: str, ramp: float, dtype: DTypeLike) -> Construction:
    """The construction with so many cells."""
    n = math.prod(k + 1 for k in cells) * (2 * sum(cells) if target.dims == 2 else 1)
    if n > 4 * _MOST:
        raise DataError(f"{'×'.join(map(str, cells))} cells would need {n:,} weights between two layers: take fewer")
    if target.dims == 1:
        if by == "interpolation":
            plan = polylines.interpolated(target, cells[0], dtype)
        else:
            plan = polylines.stepped(target, cells[0], ramp, dtype, by == "boxes")
            cells = (len(plan.values),)
    elif by == "interpolation":
        plan = surfaces.interpolated(target, (cells[0], cells[1]), dtype)
    else:
        plan = surfaces.stepped(target, (cells[0], cells[1]), ramp, dtype)
    return Construction(target, plan, by, cells, np.dtype(dtype))
