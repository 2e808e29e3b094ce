"""Where a network decides for which class: exact unions of convex polygons."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.errors import ShapeError
from glassgrad.geometry import region_plots
from glassgrad.geometry.counting import LIMIT, Cell, Regions, found_regions, merged, square
from glassgrad.geometry.exact import area, hull
from glassgrad.geometry.piecewise import Bent, Largest, stages, with_last

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Part:
    """One connected part of where a class is decided for.

    Attributes
    ----------
    label
        The class.
    cells : tuple of Cell
        Convex polygons that make it up.
    """

    label: Any
    cells: tuple[Cell, ...]

    @functools.cached_property
    def _size(self) -> Fraction:
        return sum((cell.shape.size() for cell in self.cells), Fraction(0))

    @property
    def size(self) -> float:
        """Length or area."""
        return float(self._size)

    @functools.cached_property
    def convex(self) -> bool:
        """Whether it is convex, exactly: whether its convex hull is no larger than it is."""
        points = [point for cell in self.cells for point in cell.shape.exact_points()]
        return len(points[0]) == 1 or area(hull(points)) == self._size


@dataclass(frozen=True, eq=False)
class DecisionRegions:
    """What a network decides in an interval or a rectangle.

    Attributes
    ----------
    parts : tuple of Part
        Connected parts, the largest first.
    labels : tuple
        The classes there can be.
    regions : Regions
        The regions that they are made of: those of the network, cut where the decision changes.
    """

    parts: tuple[Part, ...]
    labels: tuple[Any, ...]
    regions: Regions

    def of(self, label: Any) -> tuple[Part, ...]:
        """The parts of one class, the largest first."""
        return tuple(part for part in self.parts if part.label == label)

    def share(self, label: Any) -> float:
        """The share of the box that one class has."""
        return sum(part.size for part in self.of(label)) / sum(part.size for part in self.parts)

    def text(self) -> str:
        """A line for each class: its share, its parts, and which of them are convex."""
        wide = max(5, *(len(str(label)) for label in self.labels))
        lines = [f"{'class':<{wide}}  share of the box  connected parts  of them convex"]
        for label in self.labels:
            parts = self.of(label)
            convex = sum(part.convex for part in parts)
            lines.append(f"{label!s:<{wide}}  {self.share(label):>16.1%}  {len(parts):>15}  {convex:>14}")
        return "\n".join(lines)

    def picture(self, X: Any = None, y: Any = None, title: str | None = None) -> Any:
        """The matplotlib figure: each class in its tint, boundaries in ink; with X and y, rows of known classes too.

        Parameters
        ----------
        X : array of shape (rows, 2), optional
        y : array of shape (rows,), optional
            Their classes.
        title : str, optional
        """
        return region_plots.draw_decisions(self, X, y, title)

    def _repr_png_(self) -> bytes:
        return region_plots.png(self.picture())

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<DecisionRegions: {len(self.parts)} parts of {len(self.labels)} classes>"


def decision_regions(
    model: Any, low: ArrayLike = -1.0, high: ArrayLike = 1.0, threshold: float = 0.0, limit: int = LIMIT
) -> DecisionRegions:
    """Where a network with one or two inputs decides for which class, exactly.

    A network with one output decides for its second class where the output is above the threshold; one with several
    decides for the largest, and for the first of equals. Outputs are scores (logits): a sigmoid or softmax after them
    changes no decision.

    Parameters
    ----------
    model, low, high, limit
        As for `glassgrad.geometry.regions`.
    threshold : float
        For one output: 0 for scores, ½ for a network that was trained to put out 0 and 1 themselves.

    Raises
    ------
    UnsupportedError, ShapeError, DataError
        As `glassgrad.geometry.regions` raises them.

    Examples
    --------
    A triangle, built by hand; its sides lie where they should, and it is convex.

    >>> import glassgrad as gg
    >>> net = gg.geometry.polygon_network([(-0.5, -0.5), (0.5, -0.5), (0, 0.5)])
    >>> print(gg.geometry.decision_regions(net))
    class  share of the box  connected parts  of them convex
    0                 87.5%                1               0
    1                 12.5%                1               1
    """
    net = stages(model)
    if net.inputs > 2:
        raise ShapeError(f"decision regions are drawn for networks with one or two inputs, and this takes {net.inputs}")
    one = net.outputs == 1
    last = Bent([threshold], [0, 0], [0, 1], "threshold") if one else Largest(net.outputs)
    found = found_regions(with_last(net, last), *square(net.inputs, low, high), "the box", limit)
    labels = tuple(getattr(model, "classes_", range(2 if one else net.outputs)))
    codes = [cell.pattern[-1][0] for cell in found.cells]
    return DecisionRegions(_parts(found.cells, codes, labels), labels, found)


def _parts(cells: Sequence[Cell], codes: Sequence[int], labels: Sequence[Any]) -> tuple[Part, ...]:
    groups: dict[int, list[int]] = {}
    for i, number in enumerate(merged([cell.shape for cell in cells], codes)):
        groups.setdefault(number, []).append(i)
    parts = [Part(labels[codes[group[0]]], tuple(cells[i] for i in group)) for group in groups.values()]
    return tuple(sorted(parts, key=lambda part: -part.size))
