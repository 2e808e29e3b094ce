"""Construction: a network made without training, and the proven bound on its error."""

from __future__ import annotations

import functools
import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.geometry.plan import Plan, rounded
from glassgrad.geometry.rounding import network, rounding
from glassgrad.geometry.target import Target
from glassgrad.plots import embedded
from glassgrad.views.numbers import array, number
from glassgrad.wire import no_grad

Array = np.ndarray[Any, Any]
_CHUNK = 2**21  # numbers of a hidden layer at once
_POINTS = {1: 4000, 2: 180}  # a side, beside those between the knots


@dataclass(frozen=True)
class Measured:
    """The error of a network, measured.

    Attributes
    ----------
    sup : float
        The largest error where the sup bound holds.
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
    widest = max(p.shape[-1] for p in net.parameters())
    dtype = net.parameters()[0].dtype
    step = max(1, _CHUNK // widest)
    with no_grad():
        parts = [net(rows[i : i + step].astype(dtype)).value for i in range(0, len(rows), step)]
    return np.concatenate(parts).astype(np.float64).reshape(first.shape)


@dataclass(frozen=True, eq=False)
class Construction:
    """A network that was made, not trained, with a proven bound on its error; printing it says all that is known.

    The bounds hold for inputs of the network's dtype, and cover three things: the construction in exact arithmetic,
    the rounding of the network's own arithmetic (see `glassgrad.geometry.rounding`), and what f's own may be
    off: 64 units in the last place of its greatest value, 4 in those of its argument.

    Attributes
    ----------
    net : nn.Sequential
        Linear and ReLU layers. Its input is one row a point.
    by : str
        "interpolation", "steps" or "boxes".
    cells : tuple of int
        Pieces along each axis; none of a single step or box.
    sup : float
        |f − net| is at most this: everywhere for interpolation, outside the ramps for steps and boxes.
    everywhere : float or None
        |f − net| is at most this, ramps included; None where f jumps.
    l1 : float
        ∫ |f − net| is at most this, ramps included.
    rounding : float
        The part of the sup bound that rounding takes.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import geometry
    >>> made = geometry.constructed(np.sin, 0, 6, lipschitz=1, error=0.11)
    >>> made.net
    Sequential(Linear(1, 30), ReLU(), Linear(30, 1))
    >>> made.measure().sup <= made.sup <= 0.11
    True
    """

    target: Target
    plan: Plan
    by: str
    cells: tuple[int, ...]
    dtype: np.dtype[Any]

    @functools.cached_property
    def net(self) -> nn.Sequential:
        """The network."""
        return network(self.plan.stages, self.dtype)

    @functools.cached_property
    def rounding(self) -> float:
        """What the arithmetic of the network and of f may add to the error."""
        target, plan = self.target, self.plan
        return rounding(plan.stages, target.low, target.high, self.dtype) + 2 * target.slack(plan.values)

    @property
    def sup(self) -> float:
        """The bound on |f − net| outside the ramps, or everywhere where there are none."""
        return _up(self.plan.sup + self.rounding)

    @property
    def everywhere(self) -> float | None:
        """The bound on |f − net| with the ramps; None where none is proven."""
        return None if self.plan.everywhere is None else _up(self.plan.everywhere + self.rounding)

    @property
    def l1(self) -> float:
        """The bound on ∫ |f − net|."""
        return _up(self.plan.l1 + self.rounding * self.target.volume)

    @property
    def norm(self) -> str:
        """Where the sup bound holds, in words."""
        return "outside the ramps" if self.ramps else "everywhere"

    @property
    def ramps(self) -> bool:
        """Whether there are intervals in which steps rise."""
        return any(len(r) for r in self.plan.ramps)

    @property
    def units(self) -> int:
        """ReLUs."""
        return sum(stage.W.shape[1] for stage in self.plan.stages[:-1])

    def __call__(self, *coordinates: Any) -> Array:
        """The network's value at a number, at a pair of numbers, or at arrays of them."""
        return evaluate(self.net, *coordinates)

    def outside(self, *coordinates: Array) -> Array:
        """For each point, whether it is outside the ramps."""
        free = np.ones(np.shape(coordinates[0]), bool)
        for x, ramps in zip(coordinates, self.plan.ramps, strict=True):
            if len(ramps):
                k = np.clip(np.searchsorted(ramps[:, 0], x, side="left") - 1, 0, None)
                free &= ~((x > ramps[k, 0]) & (x < ramps[k, 1]))
        return free

    def measure(self, points: int | None = None) -> Measured:
        """The error on a dense grid and where it is worst: at the knots, beside them, and between them.

        `points` is how many equal parts of an axis are looked at beside the knots; by default 4,000 of an interval and
        180 of the sides of a rectangle.
        """
        count = points or _POINTS[self.target.dims]
        axes = [self._points(i, count) for i in range(self.target.dims)]
        grid = np.meshgrid(*axes, indexing="ij")
        error = np.where(self.outside(*grid), np.abs(self.target(*grid) - self(*grid)), -1.0)
        worst = np.unravel_index(int(np.argmax(error)), error.shape)
        even = np.meshgrid(*(self._even(i, count) for i in range(self.target.dims)), indexing="ij")
        l1 = float(np.mean(np.abs(self.target(*even) - self(*even)))) * self.target.volume
        at = tuple(float(axis[i]) for axis, i in zip(axes, worst, strict=True))
        return Measured(float(error[worst]), l1, at, error.size)

    def _points(self, axis: int, count: int) -> Array:
        """Coordinates at which errors are looked at, in the network's dtype."""
        low, high = self.target.low[axis], self.target.high[axis]
        edges = np.unique([low, *self.plan.marks[axis], high])
        between = [edges[:-1] + part * np.diff(edges) for part in (1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6)]
        knots = edges.astype(self.dtype)
        beside = [np.nextafter(knots, self.dtype.type(way)) for way in (-np.inf, np.inf)]
        dense = np.linspace(low, high, count + 1)
        points = np.concatenate([edges, dense, *between, *(b.astype(np.float64) for b in beside)])
        points = np.unique(rounded(points, self.dtype))
        return points[(points >= low) & (points <= high)]

    def _even(self, axis: int, count: int) -> Array:
        """Midpoints of equal parts."""
        low, high = self.target.low[axis], self.target.high[axis]
        return rounded(low + (np.arange(count) + 0.5) / count * (high - low), self.dtype)

    def __str__(self) -> str:
        found, low, high = self.measure(), self.target.low, self.target.high
        place = " × ".join(f"[{number(a)}, {number(b)}]" for a, b in zip(low, high, strict=True))
        widths = "-".join(str(n) for n in (len(low), *(stage.W.shape[1] for stage in self.plan.stages)))
        jumps = f", between jumps at {array(np.array(self.target.jumps))}" if self.target.jumps else ""
        lines = [
            f"A network by {self.by} on {place}, without training",
            f"f:        {self.target.modulus}{jumps}",
            f"network:  {widths}, {self.units:,} ReLUs, {self.net.count():,} parameters, {self.dtype}",
            *([f"cells:    {'×'.join(map(str, self.cells))}"] if self.cells else []),
            "",
            f"{'':<34}{'proven':>12}{'measured':>12}",
            "─" * 58,
            f"{f'sup |f - net| {self.norm}':<34}{number(self.sup):>12}{number(found.sup):>12}",
        ]
        if self.ramps and self.everywhere is not None:
            lines.append(f"{'sup |f - net| with the ramps':<34}{number(self.everywhere):>12}")
        lines += [
            f"{'∫ |f - net|':<34}{number(self.l1):>12}{number(found.l1):>12}",
            "",
            f"proven: {self.plan.reason}, and {self.rounding:.1e} for rounding;",
            f"measured at {found.points:,} points, the largest error at "
            + ", ".join(f"{n} = {number(x)}" for n, x in zip("xy", found.at, strict=False)),
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Construction by {self.by}, {self.units} ReLUs, sup ≤ {number(self.sup)} {self.norm}>"

    def picture(self) -> Any:
        """A matplotlib figure: f and the network, and the error against its bound."""
        from glassgrad.geometry.construction_pictures import construction_picture

        return construction_picture(self)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>{embedded(self.picture())}"


def _up(x: float) -> float:
    """A little more: what the arithmetic of the bound itself may have lost."""
    return x * (1 + 1e-12)
