"""The regions on which a network of straight pieces is one affine map, found by cutting, layer by layer."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.errors import DataError, OperandError, ShapeError
from glassgrad.geometry import limits, region_plots
from glassgrad.geometry.exact import Shape, Tag, box, neighbours
from glassgrad.geometry.piecewise import Affine, Stages, States, Units, stages, whole

Array = np.ndarray[Any, Any]
LIMIT = 200_000
"""Regions after which counting ends with an error."""


@dataclass(frozen=True, eq=False)
class Cell:
    """An activation region: where every hidden unit stays in one state. It is convex.

    Attributes
    ----------
    pattern : tuple of tuples of int
        For each hidden layer each unit's state: the thresholds it is past (of ReLU: 0 off, 1 on), or of Maxout which
        member is the largest.
    region : int
        The number of the linear region it belongs to.
    """

    shape: Shape
    pattern: tuple[States, ...]
    region: int
    _map: tuple[Array, int]

    @property
    def corners(self) -> Array:
        """Float64 of shape (corners, dimension), counterclockwise."""
        return self.shape.points

    @property
    def sides(self) -> tuple[Tag, ...]:
        """The hidden layer and the unit that bends at the side from each corner to the next; None at the edge."""
        return self.shape.tags

    @functools.cached_property
    def size(self) -> float:
        """Length or area."""
        return float(self.shape.size())

    @property
    def slope(self) -> Array:
        """Of each output, float64 of shape (outputs, dimension)."""
        return self._floats[:, :-1]

    @property
    def offset(self) -> Array:
        """Of each output at the origin, float64 of shape (outputs,)."""
        return self._floats[:, -1]

    @functools.cached_property
    def _floats(self) -> Array:
        forms, exponent = self._map
        return np.array([[_ratio(n, 1 << exponent) for n in row] for row in forms], np.float64)


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of a network in an interval or a rectangle.

    An **activation region** is where every hidden unit stays in one state; a **linear region** is a largest connected
    open set on which the network is one affine map. Activation regions that touch along more than a point and have
    the same map are one linear region; linear regions apart may have the same map.

    Attributes
    ----------
    cells : tuple of Cell
        The activation regions.
    dimension : int
        1 or 2.
    low, high : tuple of float
        The box that was looked at.
    activation, linear, maps : int
        Activation regions, linear regions, different affine maps.
    by_layer : tuple of int
        Activation regions if the hidden layers ended after the first, the second, and so on.
    bound : int
        What `activation`, and so `linear`, can be at most with these widths; see `glassgrad.geometry.bounds`.
    """

    cells: tuple[Cell, ...]
    dimension: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    linear: int
    by_layer: tuple[int, ...]
    bound: int
    widths: tuple[int, ...]
    where: str = "the box"
    anchors: tuple[Array, ...] = ()

    @property
    def activation(self) -> int:
        """The number of activation regions."""
        return len(self.cells)

    @functools.cached_property
    def maps(self) -> int:
        """The number of different affine maps."""
        return len({_key(cell._map) for cell in self.cells})

    @property
    def breakpoints(self) -> Array:
        """Of an interval: where one linear region ends and the next begins, float64, rising."""
        if self.dimension != 1:
            raise ShapeError("regions of two dimensions have sides and no breakpoints: see cells[i].corners")
        ends = zip(self.cells, self.cells[1:], strict=False)
        return np.array([cell.corners[1, 0] for cell, after in ends if cell.region != after.region])

    def __len__(self) -> int:
        return self.linear

    def text(self) -> str:
        """The counts beside their bound, in 80 columns."""
        layers = "-".join(map(str, self.widths)) or "none"
        counts = [
            (self.linear, "linear regions (connected, one affine map each)"),
            (self.activation, "activation regions (one state of every hidden unit each)"),
            (self.maps, "different affine maps"),
            (self.bound, "activation regions at most, of such widths"),
        ]
        wide = max(len(f"{n:,}") for n, _ in counts)
        lines = [f"regions in {self.where}, hidden layers {layers}", *(f"  {n:>{wide},}  {of}" for n, of in counts)]
        if len(self.by_layer) > 1:
            lines.append(f"  activation regions after each hidden layer: {', '.join(f'{n:,}' for n in self.by_layer)}")
        return "\n".join(lines)

    def picture(self, title: str | None = None) -> Any:
        """The matplotlib figure: filled polygons in two dimensions, the outputs between breakpoints in one.

        Neighbouring linear regions have different tints; boundaries have the colour of the hidden layer that bends
        there.
        """
        return region_plots.draw_regions(self, title)

    def _repr_png_(self) -> bytes:
        return region_plots.png(self.picture())

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Regions: {self.linear:,} linear, {self.activation:,} activation, at most {self.bound:,}>"


def regions(model: Any, low: ArrayLike = -1.0, high: ArrayLike = 1.0, limit: int = LIMIT) -> Regions:
    """Count and find the regions of a network with one or two inputs, exactly.

    The box is cut by the units of the first layer; inside each part the second layer is affine, and cuts it again, and
    so on. All is done in whole numbers, since floating-point weights are whole numbers times powers of two: the counts
    are exact for the weights as stored, with real arithmetic between them (a network run in floating point rounds).

    Parameters
    ----------
    model : nn.Layer, Trainer or estimator
        Linear layers and, after them, units of straight pieces: ReLU, LeakyReLU, PReLU, RandomizedReLU (its mean),
        AbsoluteValue, HardTanh, Maxout, `Step`; Dropout does nothing in use.
    low, high : float or one for each input
        The box.
    limit : int
        Give up after so many activation regions.

    Raises
    ------
    UnsupportedError
        For units that are curved.
    ShapeError
        For more than two inputs: see `line_regions` and `plane_regions`.
    DataError
        For weights that are not finite, an empty box, and more regions than the limit.

    Examples
    --------
    >>> import glassgrad as gg
    >>> net = gg.nn.Sequential(gg.nn.Linear(2, 6), gg.nn.ReLU(), gg.nn.Linear(6, 6), gg.nn.ReLU(), gg.nn.Linear(6, 1))
    >>> found = gg.geometry.regions(net.initialise(29), low=-2, high=2)
    >>> print(found)
    regions in the box, hidden layers 6-6
       25  linear regions (connected, one affine map each)
       26  activation regions (one state of every hidden unit each)
       24  different affine maps
      484  activation regions at most, of such widths
      activation regions after each hidden layer: 12, 26
    """
    net = stages(model)
    if net.inputs > 2:
        raise ShapeError(
            f"the network takes {net.inputs} inputs, and regions are drawn in one or two: use line_regions(net, a, b) "
            "between two inputs, or plane_regions(net, a, b, c) on the plane through three"
        )
    return found_regions(net, *square(net.inputs, low, high), "the box", limit)


def line_regions(model: Any, a: ArrayLike, b: ArrayLike, limit: int = LIMIT) -> Regions:
    """The regions that the way from one input to another crosses, in any number of dimensions, exactly.

    The inputs are a + t (b − a) with t from 0 to 1; breakpoints are values of t.

    Parameters
    ----------
    model, limit
        As for `regions`.
    a, b : array of one row's shape
        Where the line starts and ends.

    Raises
    ------
    ShapeError, DataError, UnsupportedError
        As `regions` raises them, and where a and b are not inputs of this network.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.digits()
    >>> net = gg.nn.Sequential(gg.nn.Linear(64, 32), gg.nn.ReLU(), gg.nn.Linear(32, 10)).initialise(0)
    >>> found = gg.geometry.line_regions(net, X[0], X[1])
    >>> found.linear, found.breakpoints[:2].round(3).tolist()
    (7, [0.255, 0.562])
    """
    net = stages(model)
    start, end = (_input(x, net.inputs, name) for x, name in ((a, "a"), (b, "b")))
    if (start == end).all():
        raise DataError("a and b are the same input: there is no line between them")
    return found_regions(net, _frame(start, [end]), (0.0,), (1.0,), "the line from a to b", limit, (start, end))


def plane_regions(
    model: Any, a: ArrayLike, b: ArrayLike, c: ArrayLike, low: ArrayLike = -0.25, high: ArrayLike = 1.25,
    limit: int = LIMIT,
) -> Regions:  # fmt: skip
    """The regions on the plane through three inputs, in any number of dimensions, exactly.

    The inputs are a + s (b − a) + t (c − a): a is at (0, 0), b at (1, 0), c at (0, 1).

    Parameters
    ----------
    model, limit
        As for `regions`.
    a, b, c : array of one row's shape
        Three inputs that are not on one line.
    low, high : float or pair
        The part of the plane, in s and t.

    Raises
    ------
    ShapeError, DataError, UnsupportedError
        As `regions` raises them, and where the three are not inputs of this network or lie on one line.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.digits()
    >>> net = gg.nn.Sequential(gg.nn.Linear(64, 16), gg.nn.ReLU(), gg.nn.Linear(16, 10)).initialise(0)
    >>> len(gg.geometry.plane_regions(net, X[0], X[1], X[2]))
    23
    """
    net = stages(model)
    points = [_input(x, net.inputs, name) for x, name in ((a, "a"), (b, "b"), (c, "c"))]
    frame = _frame(points[0], points[1:])
    u, v = frame[0][:, 0], frame[0][:, 1]
    if not np.outer(u, v).ravel().any() or (np.outer(u, v) == np.outer(v, u)).all():
        raise DataError("a, b and c lie on one line, so there is no one plane through them")
    bottom, top = (_corner(x, 2, name) for x, name in ((low, "low"), (high, "high")))
    return found_regions(net, frame, bottom, top, "the plane through a, b, c", limit, tuple(points))


def found_regions(
    net: Stages, frame: tuple[Array, int], low: tuple[float, ...], high: tuple[float, ...], where: str, limit: int,
    anchors: tuple[Array, ...] = (),
) -> Regions:  # fmt: skip
    """The regions of a network whose inputs are affine in one or two numbers, with the forms of `frame`."""
    if not all(least < most for least, most in zip(low, high, strict=True)):
        raise DataError(f"the box from {low} to {high} is empty: low lies below high")
    start = box([Fraction(x) for x in low], [Fraction(x) for x in high])
    counts = [0] * len(net.units)
    cells = list(_cut(net, start, frame, counts, limit))
    if len(low) == 1:
        cells.sort(key=lambda cell: cell.shape.points[0, 0])
    numbers = merged([cell.shape for cell in cells], [_key(cell._map) for cell in cells])
    cells = [Cell(cell.shape, cell.pattern, n, cell._map) for cell, n in zip(cells, numbers, strict=True)]
    bound = limits.upper_bound([(n, u.pieces, u.flat) for n, u in zip(net.widths, net.units, strict=True)], len(low),
                               all(u.kills for u in net.units))  # fmt: skip
    return Regions(
        tuple(cells), len(low), low, high, max(numbers) + 1, tuple(counts), bound, net.widths, where, anchors
    )


def merged(shapes: Sequence[Shape], labels: Sequence[Hashable]) -> list[int]:
    """For each shape the number of its connected part: neighbours with equal labels are in one."""
    parent = list(range(len(shapes)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in neighbours(shapes):
        if labels[i] == labels[j]:
            parent[root(i)] = root(j)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(i), len(numbers)) for i in range(len(shapes))]


def _cut(net: Stages, start: Shape, first: tuple[Array, int], counts: list[int], limit: int) -> Iterator[Cell]:
    """The activation regions; `counts` is filled with how many there are after each hidden layer."""

    def down(step: int, layer: int, shape: Shape, forms: Array, exponent: int, pattern: Any) -> Iterator[Cell]:
        while step < len(net.steps) and isinstance(net.steps[step], Affine):
            forms, exponent = net.steps[step](forms, exponent)  # pyright: ignore
            step += 1
        if step == len(net.steps):
            yield Cell(shape, pattern, 0, (forms, exponent))
            return
        units: Units = net.steps[step]  # pyright: ignore
        for part, states in units.split(shape, forms, exponent, layer):
            counts[layer] += 1
            if counts[layer] > limit:
                raise DataError(
                    f"there are more than {limit:,} activation regions after hidden layer {layer + 1}: look at a "
                    "smaller box, or raise limit"
                )
            bent, raised = units.apply(forms, exponent, states)
            yield from down(step + 1, layer + 1, part, bent, raised, (*pattern, states))

    yield from down(0, 0, start, *first, ())


def _ratio(n: int, of: int) -> float:
    try:
        return n / of
    except OverflowError:
        return np.inf if n > 0 else -np.inf


def _key(map_: tuple[Array, int]) -> tuple[int, ...]:
    return tuple(map_[0].ravel())


def square(
    inputs: int, low: ArrayLike, high: ArrayLike
) -> tuple[tuple[Array, int], tuple[float, ...], tuple[float, ...]]:
    """The inputs themselves as the numbers that regions are found in, and the box."""
    return whole(np.eye(inputs, inputs + 1)), _corner(low, inputs, "low"), _corner(high, inputs, "high")


def _frame(origin: Array, others: Sequence[Array]) -> tuple[Array, int]:
    """The forms of origin + Σ tᵢ (otherᵢ − origin), without rounding."""
    points, exponent = whole(np.stack([origin, *others]), "an input")
    return np.column_stack([*(points[1:] - points[0]), points[0]]), exponent


def _corner(x: ArrayLike, inputs: int, name: str) -> tuple[float, ...]:
    values = np.asarray(x, np.float64)
    if values.shape not in ((), (inputs,)) or not np.isfinite(values).all():
        raise DataError(f"{name} is a number, or one for each of the {inputs} inputs, and finite; it is {x!r}")
    return tuple(float(v) for v in np.broadcast_to(values, (inputs,)))


def _input(x: ArrayLike, inputs: int, name: str) -> Array:
    values = np.asarray(x)
    if values.dtype.kind not in "fiub":
        raise OperandError(f"{name} is an array of numbers, not of {values.dtype}")
    if values.shape != (inputs,):
        raise ShapeError(f"{name} is one input of the network, of shape ({inputs},), and has shape {values.shape}")
    return values.astype(np.float64)
