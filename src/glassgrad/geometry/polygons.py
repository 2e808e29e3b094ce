"""From half-planes to convex polygons to unions: networks built by hand, one layer more for each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from glassgrad import nn
from glassgrad.errors import DataError, ShapeError, unknown
from glassgrad.geometry.hand import Step, linear

Array = np.ndarray[Any, Any]
UnitsKind = Literal["step", "relu"]
UNITS = ("step", "relu")


def half_plane(normal: ArrayLike, offset: float = 0.0, dtype: DTypeLike = np.float64) -> nn.Sequential:
    """One threshold unit: 1 where normal · x + offset > 0, which is a half-plane, and 0 elsewhere.

    Parameters
    ----------
    normal : array of shape (inputs,)
        Points into the half-plane. In one dimension it is a half-line, in more a half-space.
    offset : float
    dtype : dtype

    Raises
    ------
    ShapeError, DataError
        Where the normal is no row of numbers, zero, or not finite.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> net = gg.geometry.half_plane([1.0, 1.0], -1.0)  # x + y > 1
    >>> net(np.array([[0.2, 0.2], [0.9, 0.9]])).ravel().tolist()
    [0.0, 1.0]
    """
    n = np.asarray(normal, np.float64)
    if n.ndim != 1:
        raise ShapeError(f"normal is one row of numbers, one for each input, and has shape {n.shape}")
    if not (np.isfinite(n).all() and np.isfinite(offset) and n.any()):
        raise DataError(f"normal is finite and not zero, and the offset is finite: {normal!r}, {offset!r}")
    return nn.Sequential(linear(n[:, None], np.array([offset]), dtype), Step())


def polygon_network(
    corners: ArrayLike, units: UnitsKind = "step", margin: float = 1e-3, dtype: DTypeLike = np.float64
) -> nn.Sequential:
    """Two layers of units for a convex polygon: a half-plane for each side, and one unit that wants all of them.

    Parameters
    ----------
    corners : array of shape (corners, 2)
        Of a convex polygon, in order, either way around.
    units : {"step", "relu"}
        With threshold units the output is 1 inside, 0 outside and on the sides. With ReLU it is relu(1 − Σᵢ rᵢ /
        margin) with rᵢ how far the point is beyond side i: 1 inside and on the sides, falling to 0 within the margin.
    margin : float
        For ReLU: where the output is positive contains the polygon, and is contained in what its sides bound when each
        is moved out by the margin.
    dtype : dtype

    Raises
    ------
    ShapeError, DataError, UnknownNameError
        For fewer than three corners, a polygon that is not convex, a margin that is not positive, other units.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> net = gg.geometry.polygon_network([(0, 0), (1, 0), (1, 1), (0, 1)])
    >>> net(np.array([[0.5, 0.5], [1.5, 0.5]])).ravel().tolist()
    [1.0, 0.0]
    """
    return nn.Sequential(*_layers([_sides(corners, "the polygon")], units, margin, dtype))


def union_network(
    polygons: Sequence[ArrayLike], units: UnitsKind = "step", margin: float = 1e-3, dtype: DTypeLike = np.float64
) -> nn.Sequential:
    """Three layers of units for a union of convex polygons: their sides, the polygons, and one unit that wants any.

    Any region with straight sides is such a union, also one with holes or in several parts.

    Parameters
    ----------
    polygons : sequence of arrays of shape (corners, 2)
        Convex polygons, which may overlap.
    units, margin, dtype
        As for `polygon_network`. With ReLU the outputs of the polygons are added.

    Raises
    ------
    ShapeError, DataError, UnknownNameError
        As `polygon_network` raises them; and where there is no polygon.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> net = gg.geometry.union_network([[(0, 0), (1, 0), (0, 1)], [(2, 2), (3, 2), (2, 3)]])
    >>> net(np.array([[0.2, 0.2], [1.5, 1.5], [2.2, 2.2]])).ravel().tolist()
    [1.0, 0.0, 1.0]
    """
    if not len(polygons):
        raise DataError("there is no polygon: give at least one")
    layers = _layers([_sides(corners, f"polygon {i}") for i, corners in enumerate(polygons)], units, margin, dtype)
    ones = np.ones((len(polygons), 1))
    if units == "step":
        return nn.Sequential(*layers, linear(ones, np.array([-0.5]), dtype), Step())
    return nn.Sequential(*layers, linear(ones, np.zeros(1), dtype), nn.ReLU())


def _layers(polygons: Sequence[Array], units: str, margin: float, dtype: DTypeLike) -> list[nn.Layer]:
    """The sides of all polygons, and for each a unit that wants to be within all of its own."""
    if units not in UNITS:
        raise unknown("kind of units", units, UNITS)
    if not (margin > 0 and np.isfinite(margin)):
        raise DataError(f"margin is a positive number, and is {margin!r}")
    forms = np.vstack(polygons)
    members = np.zeros((len(forms), len(polygons)))
    ends = np.cumsum([0, *map(len, polygons)])
    for i, (start, end) in enumerate(itertools.pairwise(ends)):
        members[start:end, i] = 1
    if units == "step":
        first = linear(forms[:, :2].T, forms[:, 2], dtype)
        return [first, Step(), linear(members, 0.5 - members.sum(axis=0), dtype), Step()]
    forms = forms / np.hypot(forms[:, :1], forms[:, 1:2])
    first = linear(-forms[:, :2].T, -forms[:, 2], dtype)
    return [first, nn.ReLU(), linear(-members / margin, np.ones(len(polygons)), dtype), nn.ReLU()]


def _sides(corners: ArrayLike, name: str) -> Array:
    """For each side the numbers (a, b, c) of a x + b y + c, which is positive inside."""
    points = np.asarray(corners, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
        raise ShapeError(f"{name} has three corners or more, of two numbers each, and its shape is {points.shape}")
    if not np.isfinite(points).all():
        raise DataError(f"{name} has a corner that is not finite")
    exact = [tuple(map(Fraction, point)) for point in points.tolist()]
    ways = [(q[0] - p[0], q[1] - p[1]) for p, q in zip(exact, [*exact[1:], exact[0]], strict=True)]
    turns = [u[0] * v[1] - u[1] * v[0] for u, v in zip(ways, [*ways[1:], ways[0]], strict=True)]
    if not (min(turns) > 0 or max(turns) < 0) or not _once_around(ways):
        raise DataError(
            f"{name} is not convex, or has three corners in a line: cut it into convex polygons and hand those to "
            "union_network"
        )
    sign = 1 if turns[0] > 0 else -1
    sides = [
        (-sign * v, sign * u, sign * (v * p[0] - u * p[1])) for (u, v), p in zip(ways, exact, strict=True)
    ]  # fmt: skip
    return np.array([[float(n) for n in side] for side in sides])


def _once_around(ways: Sequence[tuple[Fraction, Fraction]]) -> bool:
    """Whether sides that always turn one way come around once, and not twice as those of a star do."""
    upward = [dy > 0 or (dy == 0 and dx > 0) for dx, dy in ways]
    return sum(one != other for one, other in zip(upward, [*upward[1:], upward[0]], strict=True)) == 2
