"""The function that a network is to imitate: where, how much it can vary, and whether that is true."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.errors import DataError, OperandError, reason
from glassgrad.geometry.modulus import Continuity
from glassgrad.views.numbers import array, number

Array = np.ndarray[Any, Any]
_EPS = float(np.finfo(np.float64).eps)
_PAIRS = 8  # looked at closely
_HALVINGS = 60
_LEAST = {1: 1025, 2: 65}  # points a side at which the modulus is tried


@dataclass(frozen=True, eq=False)
class Target:
    """A function of one or two numbers on an interval or a rectangle.

    Attributes
    ----------
    f : callable
        From arrays, one for each coordinate, to an array.
    low, high : arrays
        Corners.
    modulus : Continuity
        What is known of f; between jumps, where there are any.
    jumps : tuple of float
        Where f jumps, of one number only.
    """

    f: Callable[..., Any]
    low: Array
    high: Array
    modulus: Continuity
    jumps: tuple[float, ...] = field(default=())

    @property
    def dims(self) -> int:
        """1 for an interval, 2 for a rectangle."""
        return len(self.low)

    @property
    def volume(self) -> float:
        """Length or area."""
        return float(np.prod(self.high - self.low))

    def __call__(self, *coordinates: Array) -> Array:
        """Values of f as float64, checked."""
        try:
            found = np.asarray(self.f(*coordinates))
        except (TypeError, ValueError) as error:
            raise OperandError(
                f"f is called with {self.dims} array(s) of numbers and returns an array; it said: {reason(error)}. "
                "Wrap a function of single numbers in np.vectorize"
            ) from error
        if found.dtype.kind not in "biuf" or found.shape not in ((), coordinates[0].shape):
            raise OperandError(f"f returns one number for each point, and not {found.dtype} of shape {found.shape}")
        values = np.broadcast_to(found, coordinates[0].shape).astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            at = [float(c.ravel()[bad[0]]) for c in coordinates]
            raise DataError(f"f is not finite at {array(np.array(at))}: f = {values.ravel()[bad[0]]}")
        return values

    def slack(self, values: Array) -> float:
        """What f's own rounding may add: 64 units in the last place of its greatest value, and 4 in those of x."""
        far = float(np.max(np.abs([self.low, self.high])))
        return 64 * _EPS * float(np.max(np.abs(values))) + float(self.modulus(4 * _EPS * far))

    def parts(self) -> Iterator[tuple[Array, Array]]:
        """The intervals between jumps, or the rectangle."""
        edges = [self.low, *(np.array([x]) for x in self.jumps), self.high]
        yield from itertools.pairwise(edges)

    def check(self, cells: Sequence[int]) -> None:
        """Raise an error where two values contradict the modulus.

        Pairs of points of a grid are tried, neighbours and others along the axes and diagonals. The steepest
        neighbours are then looked at closely: of two halves the steeper one is halved again, so that a jump between
        two points is found however small a part of the grid's distance it takes.
        """
        for low, high in self.parts():
            gap = 1e-9 * (high - low)  # kept from a jump; the ends of the whole belong to it
            first = low + gap if low[0] in self.jumps else low
            last = high - gap if high[0] in self.jumps else high
            counts = [max(_LEAST[self.dims], 2 * n + 1) for n in cells]
            axes = [np.linspace(a, b, n) for a, b, n in zip(first, last, counts, strict=True)]
            grid = np.stack(np.meshgrid(*axes, indexing="ij"))
            self._try(grid, self(*grid))

    def _try(self, grid: Array, values: Array) -> None:
        slack = self.slack(values)
        for shift in _shifts(values.shape):
            here = tuple(slice(max(0, -s), values.shape[i] - max(0, s)) for i, s in enumerate(shift))
            there = tuple(slice(max(0, s), values.shape[i] + min(0, s)) for i, s in enumerate(shift))
            p, q = grid[(slice(None), *here)].reshape(self.dims, -1), grid[(slice(None), *there)].reshape(self.dims, -1)
            fp, fq = values[here].ravel(), values[there].ravel()
            excess = self._excess(p, q, fp, fq, slack)
            steepest = np.argsort(excess)[::-1][:_PAIRS]
            if max(map(abs, shift)) == 1:
                p, q, fp, fq = self._close(*(a[..., steepest] for a in (p, q, fp, fq)), slack)
                excess = self._excess(p, q, fp, fq, slack)
            worst = int(np.argmax(excess))
            if excess[worst] > 1:
                raise self._contradiction(p[:, worst], q[:, worst], fp[worst], fq[worst])

    def _excess(self, p: Array, q: Array, fp: Array, fq: Array, slack: float) -> Array:
        """How many times more than it may f varies between points."""
        allowed = np.asarray(self.modulus(np.linalg.norm(p - q, axis=0))) * (1 + 1e-9)
        return np.abs(fp - fq) / np.maximum(allowed + slack, 1e-300)

    def _close(self, p: Array, q: Array, fp: Array, fq: Array, slack: float) -> tuple[Array, Array, Array, Array]:
        """The steepest part between each p and q, by halving."""
        for _ in range(_HALVINGS):
            m = (p + q) / 2
            fm = self(*m)
            left, right = self._excess(p, m, fp, fm, slack), self._excess(m, q, fm, fq, slack)
            if (np.maximum(left, right) > 1).any():
                i = int(np.argmax(np.maximum(left, right)))
                ends = (p[:, i], m[:, i], fp[i], fm[i]) if left[i] > right[i] else (m[:, i], q[:, i], fm[i], fq[i])
                raise self._contradiction(*ends)
            go = left >= right
            p, q = np.where(go, p, m), np.where(go, m, q)
            fp, fq = np.where(go, fp, fm), np.where(go, fm, fq)
        return p, q, fp, fq

    def _contradiction(self, p: Array, q: Array, fp: float, fq: float) -> DataError:
        distance, step = float(np.linalg.norm(p - q)), abs(fp - fq)
        a, b = ("(" + ", ".join(f"{x:.10g}" for x in point) + ")" for point in (p, q))
        way = (
            "name the places of jumps, jumps=[…], with by='steps' or by='boxes'"
            if self.dims == 1
            else "a function that jumps has no such bound"
        )
        return DataError(
            f"f varies more than was said: f{a} = {number(fp)} and f{b} = {number(fq)} differ by {number(step)} at a "
            f"distance of {number(distance)}, where {self.modulus} allows {number(self.modulus(distance))}. "
            f"Give a greater constant (there the slope is {number(step / distance)}); {way}"
        )


def _shifts(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Steps between the points of pairs: powers of two along axes and diagonals."""
    lag = 1
    while lag < max(shape):
        directions = [(lag,)] if len(shape) == 1 else [(lag, 0), (0, lag), (lag, lag), (lag, -lag)]
        yield from (d for d in directions if all(abs(s) < n for s, n in zip(d, shape, strict=True)))
        lag *= 2
