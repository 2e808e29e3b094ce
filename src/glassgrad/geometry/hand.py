"""What networks built by hand are made of: the threshold unit, and layers whose weights are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from glassgrad import nn
from glassgrad.parameters import Parameter


class Step(nn.Layer):
    """1 where x is positive, and 0 elsewhere: the threshold unit.

    Its slope is 0 everywhere, so nothing before it can learn by gradients; it is for networks built by hand.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> print(gg.geometry.Step()(np.array([-1.0, 0.0, 2.0])))
    [0. 0. 1.]
    """

    def forward(self, x: Any) -> Any:
        """1 where x is positive."""
        return np.where(x > 0, np.ones((), x.dtype), np.zeros((), x.dtype))


def linear(W: ArrayLike, b: ArrayLike, dtype: DTypeLike = np.float64) -> nn.Linear:
    """A layer with these weights and biases."""
    weights = np.asarray(W, dtype)
    layer = nn.Linear(*weights.shape, dtype=dtype)
    layer.W, layer.b = Parameter(weights), Parameter(np.asarray(b, dtype))
    return layer


def relu_network(layers: Sequence[tuple[ArrayLike, ArrayLike]], dtype: DTypeLike = np.float64) -> nn.Sequential:
    """Linear layers with these weights and biases, and ReLU between them."""
    parts = [part for W, b in layers for part in (linear(W, b, dtype), nn.ReLU())]
    return nn.Sequential(*parts[:-1])
