"""A network of straight pieces in whole numbers: weights as stored, each a whole number times a power of two.

Floating-point numbers are such numbers, and sums and products of such numbers are too. So the affine map that a network
is on a region, and the forms on whose zeros its units bend, are computed here without any rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.errors import DataError, OperandError, UnsupportedError
from glassgrad.geometry import straight
from glassgrad.geometry.exact import Form, Shape
from glassgrad.geometry.hand import Step
from glassgrad.geometry.straight import layers_of, network_in, units_of

Array = np.ndarray[Any, Any]
States = tuple[int, ...]


def whole(values: Any, name: str = "a value") -> tuple[Array, int]:
    """Floats as whole numbers n and an exponent e ≥ 0 with value = n / 2ᵉ, without rounding.

    Raises
    ------
    DataError
        Where one is not finite.
    """
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"{name} holds numbers that are not finite: regions are counted of finite weights only")
    mantissa, exponent = np.frexp(values)
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    trailing = np.where(digits == 0, 1, digits & -digits)
    digits //= trailing
    exponent = np.where(digits == 0, 0, exponent - 53 + np.frexp(trailing.astype(np.float64))[1] - 1)
    scale = max(0, -int(exponent.min(initial=0)))
    return digits.astype(object) << (exponent + scale).astype(object), scale


class Affine:
    """x W + b; remembers its last answer, since the next region mostly differs in a unit or two."""

    def __init__(self, W: Any, b: Any, name: str) -> None:
        both, self.scale = whole(np.vstack([W, np.zeros(np.shape(W)[1]) if b is None else b]), name)
        self.weights, self.bias = both[:-1], both[-1]
        self._last: tuple[Array, Array] | None = None

    @property
    def width(self) -> int:
        """Numbers that come out."""
        return self.weights.shape[1]

    def __call__(self, forms: Array, exponent: int) -> tuple[Array, int]:
        """The forms of the outputs."""
        changed = None if self._last is None else np.flatnonzero((forms != self._last[0]).any(axis=1))
        if self._last is None or changed is None or 2 * len(changed) > len(forms):
            out = self.weights.T @ forms
            out[:, -1] += self.bias << exponent
        else:
            out = self._last[1] + self.weights[changed].T @ (forms[changed] - self._last[0][changed])
        self._last = forms, out
        return out, exponent + self.scale


class Bent:
    """Units that bend at thresholds: between two of them, slope · z + offset.

    Parameters
    ----------
    thresholds : array of shape (k,)
        Rising. A unit is past a threshold where z is larger, and not where it is equal.
    slopes, offsets : arrays of shape (k + 1,), or of shape (units, k + 1)
        One for each piece, from the lowest z on.
    """

    def __init__(self, thresholds: Any, slopes: Any, offsets: Any, name: str) -> None:
        self.thresholds, self._threshold_scale = whole(thresholds, name)
        both, self._scale = whole(np.stack(np.broadcast_arrays(slopes, offsets)), name)
        self._slopes, self._offsets = np.atleast_2d(both[0]), np.atleast_2d(both[1])
        self.pieces = len(self.thresholds) + 1
        self.kills = bool(self.pieces == 2 and (self._slopes == [0, 1 << self._scale]).all())
        self.flat = not self._slopes.any()

    def split(self, shape: Shape, forms: Array, exponent: int, layer: int) -> list[tuple[Shape, States]]:
        """The shape cut where units bend, and in each part how many thresholds each unit is past."""
        raised = forms << self._threshold_scale
        rows: list[Form] = []
        for form in raised:
            for threshold in self.thresholds:
                rows.append((*form[:-1], form[-1] - (threshold << exponent)))
        count = len(self.thresholds)
        return [
            (part, tuple(sum(past[i : i + count]) for i in range(0, len(past), count)) if count else (0,) * len(forms))
            for part, past in _arranged(shape, rows, lambda row: (layer, row // count))
        ]

    def apply(self, forms: Array, exponent: int, states: States) -> tuple[Array, int]:
        """The forms of the outputs in these states."""
        units = np.arange(len(forms)) if len(self._slopes) > 1 else np.zeros(len(forms), int)
        out = forms * self._slopes[units, states][:, None]
        out[:, -1] += self._offsets[units, states] << exponent
        return out, exponent + self._scale


class Largest:
    """The largest of each group of neighbours; the first of equals."""

    kills = flat = False

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces

    def split(self, shape: Shape, forms: Array, exponent: int, layer: int) -> list[tuple[Shape, States]]:
        """The shape cut where another member becomes the largest, and in each part which one is."""
        parts: list[tuple[Shape, States]] = [(shape, ())]
        for unit, start in enumerate(range(0, len(forms), self.pieces)):
            group = forms[start : start + self.pieces]
            parts = [
                (inner, (*states, best))
                for part, states in parts
                for best in range(self.pieces)
                if (inner := _clipped(part, group, best, (layer, unit))) is not None
            ]
        return parts

    def apply(self, forms: Array, exponent: int, states: States) -> tuple[Array, int]:
        """The forms of the largest."""
        return forms[np.arange(0, len(forms), self.pieces) + np.array(states)], exponent


Units = Bent | Largest


def _clipped(shape: Shape, group: Array, best: int, tag: tuple[int, int]) -> Shape | None:
    """The part of a shape where a member of a group is the largest."""
    inner: Shape | None = shape
    for other in range(len(group)):
        if other == best or inner is None:
            continue
        form = tuple(group[best] - group[other])
        if any(form):
            inner = inner.split(form, tag)[0]
        elif other < best:
            return None
    return inner


def _arranged(
    shape: Shape, rows: Sequence[Form], tag: Callable[[int], tuple[int, int]]
) -> list[tuple[Shape, list[bool]]]:
    """A shape cut by the zeros of forms, and in each part which forms are positive."""
    done: list[tuple[Shape, list[bool]]] = []
    todo: list[tuple[Shape, list[bool], list[int]]] = [(shape, [False] * len(rows), list(range(len(rows))))]
    while todo:
        part, past, open_ = todo.pop()
        past, cutting, first = past.copy(), [], None
        for row in open_:
            values = part.values(rows[row])
            if max(values) > 0:
                if min(values) < 0:
                    cutting.append(row)
                    first = first or values
                else:
                    past[row] = True
        if first is None:
            done.append((part, past))
            continue
        row = cutting.pop(0)
        above, below = part.split(rows[row], tag(row), first)
        assert above is not None
        assert below is not None
        todo.append((below, past, cutting))
        past = past.copy()
        past[row] = True
        todo.append((above, past, cutting))
    return done


def _bent(layer: nn.Layer, net: nn.Layer) -> Units | None:
    """What a layer of hidden units does, in whole numbers; None where it leaves its input alone in use.

    Settings such as a slope are taken as the network computes with them: in the dtype of its parameters.
    """
    if isinstance(layer, Step):
        return Bent([0], [0, 0], [0, 1], layer.title)
    units = units_of(layer)
    if units is None:
        raise UnsupportedError(
            f"{layer.title} is not known to be made of straight pieces: linear regions are counted for Linear layers "
            "with ReLU, LeakyReLU, PReLU, RandomizedReLU, AbsoluteValue, HardTanh, Maxout, Identity, Dropout or "
            "geometry.Step after them, one after the other; leave a last layer of another kind off with net[:-1]"
        )
    if not units:
        return None
    unit = units[0]
    if isinstance(unit, straight.Largest):
        return Largest(unit.pieces)
    kinds = [p.dtype for p in net.parameters()]

    def stored(x: Any) -> Array:
        return np.asarray(x, np.result_type(*kinds) if kinds else np.float64).astype(np.float64)

    kinks, pieces = stored(unit.kinks), [stored(slope) for slope in unit.slopes]
    starts = [stored(unit.start) - pieces[0] * kinks[0]]
    for kink, before, after in zip(kinks, pieces, pieces[1:], strict=False):
        starts.append(starts[-1] + (before - after) * kink)
    slopes, offsets = (np.stack(np.broadcast_arrays(*values), axis=-1) for values in (pieces, starts))
    return Bent(kinks, slopes, offsets, layer.title)


def network_of(model: Any) -> nn.Layer:
    """The network of a layer, a trainer, or a fitted estimator.

    Raises
    ------
    OperandError
        Where there is none.
    """
    net = network_in(model)
    if net is None:
        raise OperandError(
            f"{type(model).__name__} has no network whose regions could be found: give a layer of gg.nn such as "
            "Sequential, a Trainer, or an estimator of gg.estimators after fit"
        )
    return net


@dataclass(frozen=True)
class Stages:
    """A network in whole numbers: its stages in order, and how many numbers go in and come out."""

    steps: tuple[Affine | Units, ...]
    inputs: int
    outputs: int
    widths: tuple[int, ...]  # of the layers of hidden units

    @property
    def units(self) -> tuple[Units, ...]:
        """The layers of hidden units."""
        return tuple(step for step in self.steps if not isinstance(step, Affine))


def with_last(net: Stages, units: Units) -> Stages:
    """The network with one more layer of hidden units, which read its outputs."""
    width = net.outputs // units.pieces if isinstance(units, Largest) else net.outputs
    return Stages((*net.steps, units), net.inputs, width, (*net.widths, width))


def stages(model: Any) -> Stages:
    """Read a network.

    Raises
    ------
    UnsupportedError
        For layers that are not made of straight pieces.
    DataError
        For weights that are not finite, or a network without a Linear layer.
    """
    net = network_of(model)
    steps: list[Affine | Units] = []
    widths: list[int] = []
    inputs = width = 0
    for layer in layers_of(net):
        if isinstance(layer, nn.Linear):
            W = layer.W.value
            steps.append(Affine(W, None if layer.b is None else layer.b.value, layer.title))
            inputs, width = inputs or W.shape[0], W.shape[1]
        elif (bent := _bent(layer, net)) is not None:
            if not inputs:
                raise DataError(f"{layer.title} comes before any Linear layer: put nn.Linear(inputs, units) before it")
            width = width // bent.pieces if isinstance(bent, Largest) else width
            steps.append(bent)
            widths.append(width)
    if not inputs:
        raise DataError(f"{type(net).__name__} has no Linear layer, so nothing says how many inputs it takes")
    return Stages(tuple(steps), inputs, width, tuple(widths))
