"""The error of a network against a function, measured on dense grids and where it is worst."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad import nn
from glassgrad.geometry.plan import rounded
from glassgrad.geometry.target import Target
from glassgrad.wire import no_grad

Array = np.ndarray[Any, Any]
_CHUNK = 2**21  # numbers of a hidden layer at once
_POINTS = {1: 4000, 2: 180}  # equal parts of a side
_BETWEEN = (1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6)  # middles of pieces, of triangles, and of their sides


@dataclass(frozen=True)
class Measured:
    """The error of a network, measured.

    Attributes
    ----------
    sup : float
        The largest error among the points looked at, outside of ramps.
    l1 : float
        ∫ |f − network|, by the midpoint rule.
    at : tuple of float
        Where the largest error is.
    points : int
        How many points were looked at.
    """

    sup: float
    l1: float
    at: tuple[float, ...]
    points: int


def evaluate(net: nn.Layer, *coordinates: Any) -> Array:
    """A network's values at points, as float64: one number for each, some points at a time."""
    first = np.asarray(coordinates[0])
    rows = np.column_stack([np.ravel(c) for c in coordinates])
    parameters = net.parameters()
    step = max(1, _CHUNK // max(p.shape[-1] for p in parameters))
    with no_grad():
        parts = [net(rows[i : i + step].astype(parameters[0].dtype)).value for i in range(0, len(rows), step)]
    return np.concatenate(parts).astype(np.float64).reshape(first.shape)


def measured(
    target: Target,
    network: Callable[..., Array],
    marks: Sequence[Array],
    dtype: DTypeLike,
    counts: Callable[..., Array] | None = None,
    points: int | None = None,
) -> Measured:
    """The error at equal distances, at the knots of the network, beside them by one rounding, and between them.

    Parameters
    ----------
    target : Target
        The function.
    network : callable
        From an array for each coordinate to an array.
    marks : sequence of arrays
        For each axis the knots.
    dtype : dtype
        Points are numbers of this dtype.
    counts : callable, optional
        Tells of points whether they count for the largest error.
    points : int, optional
        Equal parts of an axis; by default 4,000, or 180 of each of two.
    """
    n = points or _POINTS[target.dims]
    ends = list(zip(target.low.tolist(), target.high.tolist(), strict=True))
    axes = [_points(a, b, np.asarray(m), n, np.dtype(dtype)) for (a, b), m in zip(ends, marks, strict=True)]
    grid = np.meshgrid(*axes, indexing="ij")
    error = np.abs(target(*grid) - network(*grid))
    if counts is not None:
        error = np.where(counts(*grid), error, -1.0)
    worst = np.unravel_index(int(np.argmax(error)), error.shape)
    at = tuple(float(axis[i]) for axis, i in zip(axes, worst, strict=True))
    even = np.meshgrid(*(rounded(a + (np.arange(n) + 0.5) / n * (b - a), dtype) for a, b in ends), indexing="ij")
    l1 = float(np.mean(np.abs(target(*even) - network(*even)))) * target.volume
    return Measured(float(error[worst]), l1, at, error.size)


def _points(low: float, high: float, marks: Array, n: int, dtype: np.dtype[Any]) -> Array:
    """Coordinates at which errors are looked at."""
    edges = np.unique([low, *marks, high])
    between = [edges[:-1] + part * np.diff(edges) for part in _BETWEEN]
    knots = edges.astype(dtype)
    beside = [np.nextafter(knots, dtype.type(way)).astype(np.float64) for way in (-np.inf, np.inf)]
    points = np.unique(rounded(np.concatenate([edges, np.linspace(low, high, n + 1), *between, *beside]), dtype))
    return points[(points >= low) & (points <= high)]
