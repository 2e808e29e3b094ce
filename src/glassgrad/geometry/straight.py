"""Networks whose layers are made of straight pieces, read as plain numbers: weights, kinks and slopes in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.errors import OperandError, UnsupportedError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Affine:
    """x W + b."""

    W: Array
    b: Array


@dataclass(frozen=True, eq=False)
class Bend:
    """A function of each number that is straight between its kinks.

    Parameters
    ----------
    kinks : tuple of float
        Where it bends, ascending.
    slopes : tuple of float or array
        One more than kinks, from left to right; an array has one for each unit.
    start : float
        Its value at the first kink.
    """

    kinks: tuple[float, ...]
    slopes: tuple[Any, ...]
    start: float = 0.0

    def __call__(self, z: Array) -> Array:
        """Its values."""
        ends = (*self.kinks[1:], np.inf)
        value = self.start + self.slopes[0] * np.minimum(z - self.kinks[0], 0)
        for kink, end, slope in zip(self.kinks, ends, self.slopes[1:], strict=True):
            value = value + slope * (np.clip(z, kink, end) - kink)
        return value

    def section(self, z: Array) -> Array:
        """Between which kinks numbers lie: 0 is left of all."""
        return np.searchsorted(np.array(self.kinks), z)

    def slope(self, section: Array) -> Array:
        """The slopes in these sections, a column for each unit."""
        table = np.array([np.broadcast_to(s, section.shape[-1]) for s in self.slopes], np.float64)
        return np.take_along_axis(table, section, axis=0)


@dataclass(frozen=True)
class Largest:
    """The largest of every group of `pieces` neighbours."""

    pieces: int


Step = Affine | Bend | Largest


def network_in(model: Any) -> nn.Layer | None:
    """The network of a layer, a trainer or a fitted estimator; None where there is none."""
    if isinstance(model, nn.Layer):
        return model
    net = getattr(model, "net_", None) or getattr(model, "net", None)
    if isinstance(net, nn.Layer):
        return net
    return model.network() if callable(getattr(model, "network", None)) else None


def layers_of(net: nn.Layer) -> list[nn.Layer]:
    """The layers of a network one after the other, those of a `Sequential` inside another among them."""
    return [inner for layer in net for inner in layers_of(layer)] if isinstance(net, nn.Sequential) else [net]


def straight(net: Any) -> list[tuple[int, Step]]:
    """What a network does to a row, step by step, each with the place of its layer in the network.

    Parameters
    ----------
    net : nn.Layer, Trainer or fitted estimator
        A `Sequential` (or one `Linear`) of linear layers and units that are straight between kinks, or what holds one.
        Dropout does nothing in use; randomised ReLU has its mean slope.

    Raises
    ------
    UnsupportedError
        For a layer that is not made of straight pieces.
    """
    found = network_in(net)
    if found is None:
        raise OperandError(f"net is a network such as nn.Sequential(...), a Trainer or a fitted MLP, not {net!r:.60}")
    return [(i, step) for i, layer in enumerate(layers_of(found)) for step in _steps(layer)]


def units_of(layer: nn.Layer) -> list[Bend | Largest] | None:
    """What a layer of hidden units does in use: one step or none; None for one that is not made of straight pieces."""
    match layer:
        case nn.ReLU():
            return [Bend((0.0,), (0.0, 1.0))]
        case nn.AbsoluteValue():
            return [Bend((0.0,), (-1.0, 1.0))]
        case nn.LeakyReLU():
            return [Bend((0.0,), (layer.slope, 1.0))]
        case nn.PReLU():
            return [Bend((0.0,), (np.asarray(layer.a.value, np.float64), 1.0))]
        case nn.RandomizedReLU():
            return [Bend((0.0,), ((layer.low + layer.high) / 2, 1.0))]
        case nn.HardTanh():
            return [Bend((layer.low, layer.high), (0.0, 1.0, 0.0), layer.low)]
        case nn.Maxout():
            return [Largest(layer.pieces)]
        case nn.Identity() | nn.Dropout():
            return []
        case _:
            return None


def _steps(layer: nn.Layer) -> Sequence[Step]:
    if isinstance(layer, nn.Linear):
        W = np.asarray(layer.W.value, np.float64)
        b = np.zeros(W.shape[1]) if layer.b is None else np.asarray(layer.b.value, np.float64)
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise OperandError(f"{layer.title} has weights that are not finite")
        return [Affine(W, b)]
    units = units_of(layer)
    if units is None:
        raise UnsupportedError(
            f"{layer.title} is not made of straight pieces; those are Linear, ReLU, LeakyReLU, PReLU, "
            "RandomizedReLU, AbsoluteValue, HardTanh, Maxout, Identity and Dropout"
        )
    return units
