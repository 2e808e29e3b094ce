"""Construction: a network made without training, and the proven bound on its error."""

from __future__ import annotations

import functools
import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.geometry.measuring import Measured, evaluate, measured
from glassgrad.geometry.plan import Plan
from glassgrad.geometry.rounding import network, rounding
from glassgrad.geometry.target import Target
from glassgrad.plots import embedded
from glassgrad.views.numbers import array, number

Array = np.ndarray[Any, Any]


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
        greatest = np.abs(plan.values).max() + (plan.everywhere or plan.sup)  # of f, at the nodes and between
        return rounding(plan.stages, target.low, target.high, self.dtype) + 2 * target.slack(greatest)

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
        return measured(self.target, self, self.plan.marks, self.dtype, self.outside, points)

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
