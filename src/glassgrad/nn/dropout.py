"""Dropout: units left out at random while training."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.errors import DataError
from glassgrad.nn.layer import Layer
from glassgrad.nn.randomness import next_key
from glassgrad.ops import random


class Dropout(Layer):
    """Sets each number to 0 with probability `rate`, and divides the others by ``1 - rate``.

    So their expected value stays, and in use (outside `nn.training`) the layer does nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import nn
    >>> with nn.training(0):
    ...     dropped = nn.Dropout(0.25)(np.ones(1000))
    >>> bool(abs(np.mean(dropped) - 1) < 0.1)
    True
    """

    def __init__(self, rate: float = 0.5) -> None:
        if not 0 <= rate < 1:
            raise DataError(f"Dropout: the rate lies between 0 and 1 (1 excluded), and is {rate}")
        self.rate = float(rate)

    def forward(self, x: Any) -> Any:
        """`x` with holes, or `x` itself in use."""
        if self.rate == 0:
            return x
        key = next_key()
        if key is None:
            return x
        return np.where(random.bernoulli(key, 1 - self.rate, x.shape), x * (1 / (1 - self.rate)), 0)

    def settings(self) -> str:
        """The rate."""
        return f"{self.rate:g}"
