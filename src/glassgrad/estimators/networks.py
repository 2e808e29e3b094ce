"""Multilayer perceptrons from an estimator's settings: hidden units by name, dropout, first weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.errors import DataError, OperandError, unknown

UNITS: dict[str, Callable[[int, Any], nn.Layer]] = {
    "identity": lambda width, dtype: nn.Identity(),
    "relu": lambda width, dtype: nn.ReLU(),
    "abs": lambda width, dtype: nn.AbsoluteValue(),
    "leaky": lambda width, dtype: nn.LeakyReLU(),
    "prelu": lambda width, dtype: nn.PReLU(width, dtype=dtype),
    "rrelu": lambda width, dtype: nn.RandomizedReLU(),
    "elu": lambda width, dtype: nn.ELU(),
    "maxout": lambda width, dtype: nn.Maxout(2),
    "logistic": lambda width, dtype: nn.Sigmoid(),
    "sigmoid": lambda width, dtype: nn.Sigmoid(),
    "tanh": lambda width, dtype: nn.Tanh(),
    "softplus": lambda width, dtype: nn.Softplus(),
    "hardtanh": lambda width, dtype: nn.HardTanh(),
}
"""Hidden units by name, for a layer of so many; "rbf" stands beside them, since it has no weighted sum."""
NAMES = (*UNITS, "rbf")


def widths(hidden_layer_sizes: Any) -> tuple[int, ...]:
    """Units of each hidden layer.

    Raises
    ------
    DataError
        When one is not a whole number from 1 up.
    """
    given = [hidden_layer_sizes] if np.ndim(hidden_layer_sizes) == 0 else list(hidden_layer_sizes)
    for n in given:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise DataError(f"hidden_layer_sizes must be > 0: whole numbers from 1 up, and has {n!r}")
    return tuple(int(n) for n in given)


def for_each(value: Any, hidden: Sequence[int], name: str) -> list[Any]:
    """A setting for each hidden layer: one for all, or a list with one a layer."""
    if not isinstance(value, list | tuple | np.ndarray):
        return [value] * len(hidden)
    if len(value) != len(hidden):
        raise DataError(f"{name} has {len(value)} entries, and there are {len(hidden)} hidden layers: give one a layer")
    return list(value)


def build(
    n_features: int, hidden: Sequence[int], outputs: int, activation: Any, dropout: Any, dtype: Any
) -> nn.Sequential:
    """The network: a linear layer and hidden units for each width, dropout after them, and a linear layer at last.

    First weights and biases are even in ±√(6 / (inputs + outputs)), as scikit-learn draws them (Glorot and Bengio,
    2010); before logistic units ±√(2 / (inputs + outputs)).

    Raises
    ------
    UnknownNameError, OperandError, DataError
        For an activation or a dropout that does not exist.
    """
    layers: list[nn.Layer] = []
    units, rates = for_each(activation, hidden, "activation"), for_each(dropout, hidden, "dropout")
    before = n_features
    for width, unit, rate in zip(hidden, units, rates, strict=True):
        if isinstance(unit, str) and unit == "rbf":
            spread = nn.Constant(math.sqrt(2 * before))  # features of variance 1 lie about so far from a centre
            layers.append(nn.RadialBasis(before, width, widths=spread, dtype=dtype))
        else:
            after = _unit(unit, width, dtype)
            pieces = after.pieces if isinstance(after, nn.Maxout) else 1
            layers += [_linear(before, width * pieces, isinstance(after, nn.Sigmoid), dtype), after]
        if not isinstance(rate, int | float | np.number) or isinstance(rate, bool):
            raise OperandError(f"dropout is a number from 0 to below 1, or one a hidden layer, not {rate!r}")
        if rate:
            layers.append(nn.Dropout(float(rate)))
        before = width
    last = units[-1] if units else None
    return nn.Sequential(*layers, _linear(before, outputs, last in ("logistic", "sigmoid"), dtype))


def kind_of(activation: Any, dropout: Any) -> Hashable:
    """What tells networks of one architecture apart, beside their widths; None where it is not known."""
    given = activation if isinstance(activation, list | tuple | np.ndarray) else [activation]
    named = []
    for unit in given:
        if isinstance(unit, str):
            named.append(unit)
        elif type(unit).__module__ == "glassgrad.nn.activations":
            named.append(repr(unit))
        else:
            return None
    rates = dropout if isinstance(dropout, list | tuple | np.ndarray) else [dropout]
    return tuple(named), tuple(float(rate) for rate in rates)


def connections(net: nn.Layer) -> list[nn.Linear | nn.RadialBasis]:
    """The layers that have weights, in order."""
    return [layer for layer in net.layers() if isinstance(layer, nn.Linear | nn.RadialBasis)]


def _unit(unit: Any, width: int, dtype: Any) -> nn.Layer:
    if isinstance(unit, nn.Layer):
        return copy.deepcopy(unit)
    if not isinstance(unit, str):
        raise OperandError(f"activation is a name, one of {', '.join(NAMES)}, or a layer of gg.nn, not {unit!r}")
    if unit not in UNITS:
        raise unknown("activation", unit, NAMES)
    return UNITS[unit](width, dtype)


def _linear(n_in: int, n_out: int, logistic: bool, dtype: Any) -> nn.Linear:
    factor = 2.0 if logistic else 6.0
    limit = math.sqrt(factor / (n_in + n_out))
    even = nn.Uniform(-limit, limit)
    return nn.Linear(n_in, n_out, weight=even, bias_init=even, dtype=dtype)
