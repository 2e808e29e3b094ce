"""The exact pieces of a network along a line: where it bends, and its slope in between.

A line through input space is carried through the network layer by layer, as its breakpoints, the values of all units
at these, and the slopes of all units between them. Slopes are products of weights, never differences, and a unit
that crosses a kink puts a breakpoint where its own straight piece reaches it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad import plots
from glassgrad.errors import ShapeError
from glassgrad.geometry.straight import Affine, Bend, Largest, Step, straight

Array = np.ndarray[Any, Any]
_EPS = float(np.finfo(np.float64).eps)
_NEAR = 8 * _EPS  # places nearer than this, relatively, are one
_SAME = 64 * _EPS  # slopes that differ by less, relative to the largest, are equal


@dataclass(frozen=True, eq=False)
class Pieces:
    """A function of one number that is straight between its breakpoints, with one or more outputs.

    Attributes
    ----------
    places, values, between : float64 arrays of shape (m,), (m, outputs), (m + 1, outputs)
        Points of the function and its slopes between and beyond them. Some places may be no breakpoints: a unit bends
        there and the outputs do not.
    """

    places: Array
    values: Array
    between: Array

    @functools.cached_property
    def _bends(self) -> Array:
        """Which places are breakpoints."""
        change = np.abs(np.diff(self.between, axis=0)).max(axis=1, initial=0)
        return change > _SAME * np.abs(self.between).max(initial=0)

    @property
    def breakpoints(self) -> Array:
        """Where the slope changes, ascending; float64, of shape (k,)."""
        return self.places[self._bends]

    @property
    def slopes(self) -> Array:
        """The slopes from left to right, of shape (k + 1, outputs); the first and last piece reach to infinity."""
        return self.between[np.concatenate([[True], self._bends])]

    def __call__(self, x: ArrayLike) -> Array:
        """Its values, of shape ``(*x.shape, outputs)``."""
        x = np.asarray(x, np.float64)
        at = np.searchsorted(self.places, x)
        nearest = np.maximum(at - 1, 0)
        return self.values[nearest] + (x - self.places[nearest])[..., None] * self.between[at]

    def slope(self, x: ArrayLike) -> Array:
        """Its slopes, of shape ``(*x.shape, outputs)``; at a breakpoint that of the piece to its left."""
        return self.between[np.searchsorted(self.places, np.asarray(x, np.float64))]

    def text(self) -> str:
        """A table of the pieces."""
        ends = [-np.inf, *self.breakpoints, np.inf]
        lines = [f"{'from':>12}{'to':>12}   slope", "─" * 40]
        for low, high, slope in zip(ends[:-1], ends[1:], self.slopes, strict=True):
            lines.append(f"{number(low):>12}{number(high):>12}   {'  '.join(number(s) for s in slope)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    @plots.styled
    def picture(self, low: float | None = None, high: float | None = None) -> Any:
        """The function and its slope as a matplotlib figure, by default from a little before to a little behind."""
        ends = self.breakpoints if len(self.breakpoints) else self.places
        room = 0.1 * float(np.ptp(ends)) or 1.0
        low, high = ends[0] - room if low is None else low, ends[-1] + room if high is None else high
        inside = self.breakpoints[(self.breakpoints > low) & (self.breakpoints < high)]
        x = np.array([low, *inside, high])
        figure, (top, below) = plots.figure(2, 1, (6.4, 5.2), sharex=True, height_ratios=(3, 2))
        for j in range(self.values.shape[1]):
            color = plots.COLORS[j % len(plots.COLORS)]
            top.plot(x, self(x)[:, j], color=color)
            top.plot(inside, self(inside)[:, j], ".", color=color, ms=7)
            below.stairs(self.slope((x[:-1] + x[1:]) / 2)[:, j], x, baseline=None, color=color, lw=1.8)
        top.set(title="The function, and where it bends", xlim=(low, high))
        below.set(title="Its slope", xlabel="x")
        return figure


def number(x: float) -> str:
    """A number in a table."""
    return f"{x:.5g}".replace("inf", "∞").replace("-", "−")


@dataclass(frozen=True, eq=False)
class Passed:
    """A layer of units that a line has passed.

    Attributes
    ----------
    layer : int
        Its place in the network.
    places : float64 array of shape (m,)
        Places on the line, where units of this layer or one before bend.
    sections : int array of shape (m + 1, units)
        On which side of its kinks each unit is, between these places.
    slopes, gains : float64 arrays of shape (m + 1, units)
        The slopes of what the units are fed, and what they multiply these by.
    """

    layer: int
    places: Array
    sections: Array
    slopes: Array
    gains: Array


@dataclass(eq=False)
class Line:
    """A line on its way through a network: origin + t · direction.

    Attributes
    ----------
    t, values, slopes
        As in `Pieces`, for all units of the layer that was reached.
    passed : list of Passed
        The layers of units behind it.
    """

    t: Array
    values: Array
    slopes: Array
    passed: list[Passed] = field(default_factory=list)

    def step(self, layer: int, step: Step) -> None:
        """Go through one step of a network."""
        match step:
            case Affine():
                if self.values.shape[1] != len(step.W):
                    raise ShapeError(f"layer {layer} takes {len(step.W)} numbers and is fed {self.values.shape[1]}")
                self.values, self.slopes = self.values @ step.W + step.b, self.slopes @ step.W
            case Bend():
                self._bend(layer, step)
            case Largest():
                self._largest(layer, step.pieces)

    def _bend(self, layer: int, bend: Bend) -> None:
        for kink in dict.fromkeys(bend.kinks):
            self._cut(np.arange(self.values.shape[1]), kink)
        section = bend.section(self._middles(self.values, self.slopes))
        gain = bend.slope(section)
        self.passed.append(Passed(layer, self.t, section, self.slopes, gain))
        self.values, self.slopes = bend(self.values), self.slopes * gain

    def _largest(self, layer: int, pieces: int) -> None:
        """Neighbour after neighbour: max(a, b) = b + max(0, a − b)."""
        if self.values.shape[1] % pieces:
            raise ShapeError(f"layer {layer} takes groups of {pieces} and is fed {self.values.shape[1]} numbers")
        n = self.values.shape[1] // pieces
        best, won = np.arange(n) * pieces, None
        for k in range(1, pieces):
            rival = np.arange(n) * pieces + k
            width = self.values.shape[1]
            self.values = np.concatenate([self.values, self.values[:, best] - self.values[:, rival]], axis=1)
            self.slopes = np.concatenate([self.slopes, self.slopes[:, best] - self.slopes[:, rival]], axis=1)
            lead = np.arange(width, width + n)
            before = self.t
            self._cut(lead, 0.0)
            ahead = self._middles(self.values[:, lead], self.slopes[:, lead]) > 0
            if won is not None:
                won = won[np.searchsorted(before, self._inner())]
            won = np.where(ahead, np.zeros(n, np.int64) if won is None else won, k)
            values = self.values[:, rival] + np.maximum(self.values[:, lead], 0)
            slopes = np.where(ahead, self.slopes[:, best], self.slopes[:, rival])
            self.values = np.concatenate([self.values[:, :width], values], axis=1)
            self.slopes = np.concatenate([self.slopes[:, :width], slopes], axis=1)
            best = lead
        self.values, self.slopes = self.values[:, best], self.slopes[:, best]
        sections = np.zeros((len(self.t) + 1, n), np.int64) if won is None else won
        self.passed.append(Passed(layer, self.t, sections, self.slopes, np.ones_like(self.slopes)))

    def _inner(self) -> Array:
        """A place inside each piece."""
        return np.concatenate([[self.t[0] - 1], (self.t[:-1] + self.t[1:]) / 2, [self.t[-1] + 1]])

    def _middles(self, values: Array, slopes: Array) -> Array:
        """The values inside each piece; on the outer ones far out, where only the slope decides."""
        outward = slopes[[0, -1]] * [[-1], [1]]
        far = np.where(outward == 0, values[[0, -1]], np.copysign(np.inf, outward))
        return np.concatenate([far[:1], (values[:-1] + values[1:]) / 2, far[1:]])

    def _cut(self, units: Array, kink: float) -> None:
        """Put a breakpoint wherever one of these units crosses a kink."""
        t, d, s = self.t, self.values[:, units] - kink, self.slopes[:, units]
        piece, unit = np.nonzero(np.signbit(d[:-1]) != np.signbit(d[1:]))
        ends = d[piece, unit], d[piece + 1, unit]
        real = (ends[0] != 0) & (ends[1] != 0)
        piece, unit, (a, b) = piece[real], unit[real], (ends[0][real], ends[1][real])
        found = [(t[piece] + (t[piece + 1] - t[piece]) * (a / (a - b)), unit)]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for end, outward in ((0, -1), (-1, 1)):
                where = t[end] - d[end] / s[end]
                out = np.nonzero((d[end] * s[end] * outward < 0) & np.isfinite(where))[0]
                found.append((where[out], out))
        places, crossing = np.concatenate([p for p, _ in found]), np.concatenate([u for _, u in found])
        if not len(places):
            return
        new = np.concatenate([t, places])
        order = np.argsort(new, kind="stable")
        gap = np.diff(new[order]) > _NEAR * np.maximum(np.abs(new[order][1:]), np.abs(new[order][:-1]))
        label = np.empty(len(new), np.int64)
        label[order] = np.concatenate([[0], np.cumsum(gap)])
        merged = np.full(label.max() + 1, np.nan)
        merged[label[::-1]] = new[::-1]  # of places that are one, an old one stays
        self._refine(merged)
        self.values[label[len(t) :], units[crossing]] = kink

    def _refine(self, places: Array) -> None:
        """The same line with more places."""
        at = np.searchsorted(self.t, places)
        nearest = np.clip(np.where(at < len(self.t), at, len(self.t) - 1), 0, None)
        same = self.t[nearest] == places
        left = np.maximum(at - 1, 0)
        values = self.values[left] + (places - self.t[left])[:, None] * self.slopes[at]
        values[same] = self.values[nearest[same]]
        self.slopes = self.slopes[np.concatenate([[0], np.where(same, nearest + 1, at)])]
        self.t, self.values = places, values


def walk(net: Any, origin: ArrayLike, direction: ArrayLike) -> Line:
    """Carry the line origin + t · direction, for all real t, through a network; its last stop are the outputs."""
    start, along = np.array(origin, np.float64).reshape(1, -1), np.array(direction, np.float64).reshape(1, -1)
    line = Line(np.zeros(1), start, np.concatenate([along, along]))
    for layer, step in straight(net):
        line.step(layer, step)
    return line


def pieces(net: Any) -> Pieces:
    """The function that a network of one input is: its exact breakpoints and slopes, for all real numbers.

    Parameters
    ----------
    net : nn.Layer, Trainer or fitted MLP
        One input; linear layers, and units that are straight between kinks (ReLU and its relatives, HardTanh, Maxout).
        Any depth, any number of outputs.

    Returns
    -------
    Pieces
        In float64, whatever the network's dtype: exact for its weights, but for rounding.

    Raises
    ------
    ShapeError
        Where the network does not take one number.
    UnsupportedError
        For a layer that is not made of straight pieces.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> net = gg.nn.Sequential(gg.nn.Linear(1, 2), gg.nn.ReLU(), gg.nn.Linear(2, 1))
    >>> net[0].W.value, net[0].b.value = np.array([[1.0, 1.0]]), np.array([0.0, -1.0])
    >>> net[2].W.value, net[2].b.value = np.array([[2.0], [-4.0]]), np.zeros(1)
    >>> hat = gg.geometry.pieces(net)
    >>> hat.breakpoints.tolist(), hat.slopes.ravel().tolist(), hat([0.5, 1.5]).ravel().tolist()
    ([0.0, 1.0], [0.0, 2.0, -2.0], [1.0, 1.0])
    """
    line = walk(net, [0.0], [1.0])
    return Pieces(line.t, line.values, line.slopes)
