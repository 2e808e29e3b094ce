"""Hidden units: what a network applies to each number, or to a few, between its linear layers.

At kinks: ReLU and the absolute value have slope 0 at 0; leaky units have the slope of their negative
side there; HardTanh has slope 1 at its corners; Maxout shares the gradient between tied pieces.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.errors import DataError
from glassgrad.nn.initialisers import Constant
from glassgrad.nn.layer import Layer, as_dtype, weight, wrong_width
from glassgrad.nn.randomness import next_key
from glassgrad.ops import random
from glassgrad.ops.arithmetic import identity, relu
from glassgrad.ops.composed import softmax
from glassgrad.ops.elementwise import sigmoid, softplus
from glassgrad.parameters import Parameter


def _leaky(x: Any, slope: Any) -> Any:
    """max(0, x) + slope · min(0, x)."""
    return np.where(x > 0, x, slope * x)


class ReLU(Layer):
    """max(0, x)."""

    def forward(self, x: Any) -> Any:
        """max(0, x)."""
        return relu(x)


class AbsoluteValue(Layer):
    """|x| = max(0, x) + a min(0, x) with a = −1."""

    def forward(self, x: Any) -> Any:
        """|x|."""
        return np.abs(x)


class LeakyReLU(Layer):
    """max(0, x) + slope · min(0, x), with a fixed slope, 0.01 by default."""

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = float(slope)

    def forward(self, x: Any) -> Any:
        """x, or slope · x where x is negative."""
        return _leaky(x, self.slope)

    def settings(self) -> str:
        """The slope."""
        return f"{self.slope:g}"


class PReLU(Layer):
    """max(0, x) + a min(0, x), with a learned slope a: one for all, or one a unit.

    Parameters
    ----------
    units : int, optional
        Give each of so many units its own slope.
    slope : float
        Where a starts.
    dtype : dtype
        float32 by default.
    """

    a: Parameter

    def __init__(self, units: int | None = None, slope: float = 0.25, dtype: DTypeLike = np.float32) -> None:
        self.units, self.slope = units, float(slope)
        self.a = weight(() if units is None else (units,), Constant(self.slope), dtype)

    def forward(self, x: Any) -> Any:
        """x, or a · x where x is negative."""
        if self.units is not None and (not x.shape or x.shape[-1] != self.units):
            raise wrong_width(self, x, f"rows of {self.units} numbers", self.a)
        return _leaky(as_dtype(x, self.a.dtype), self.a)

    def settings(self) -> str:
        """How many slopes are learned."""
        return "" if self.units is None else str(self.units)


class RandomizedReLU(Layer):
    """Leaky, with a slope drawn evenly from [low, high) for each number in training, and their mean in use."""

    def __init__(self, low: float = 1 / 8, high: float = 1 / 3) -> None:
        if not low <= high:
            raise DataError(f"RandomizedReLU: low={low} is above high={high}")
        self.low, self.high = float(low), float(high)

    def forward(self, x: Any) -> Any:
        """x, or slope · x where x is negative."""
        key = next_key()
        if key is None:
            return _leaky(x, (self.low + self.high) / 2)
        dtype = np.float64 if x.dtype == np.float64 else np.float32
        return _leaky(x, as_dtype(random.uniform(key, x.shape, dtype, self.low, self.high), x.dtype))

    def settings(self) -> str:
        """The bounds of the slope."""
        return f"{self.low:.4g}, {self.high:.4g}"


class ELU(Layer):
    """x, or alpha · (eˣ − 1) where x is negative."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = float(alpha)

    def forward(self, x: Any) -> Any:
        """x, or alpha · (eˣ − 1) where x is negative."""
        positive = x > 0
        return np.where(positive, x, self.alpha * np.expm1(np.where(positive, 0, x)))

    def settings(self) -> str:
        """Minus the lowest value."""
        return f"{self.alpha:g}"


class Maxout(Layer):
    """The largest of every group of `pieces` neighbours: width inputs give width / pieces outputs.

    With a linear layer before it, it learns its own convex function: over 2 pieces it can be the
    absolute value, ReLU or PReLU exactly.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import nn
    >>> print(nn.Maxout(2)(np.array([1.0, 5.0, -3.0, -4.0])))
    [ 5. -3.]
    """

    def __init__(self, pieces: int = 2) -> None:
        if not isinstance(pieces, int) or pieces < 1:
            raise DataError(f"Maxout: pieces is a whole number from 1, and is {pieces!r}")
        self.pieces = pieces

    def forward(self, x: Any) -> Any:
        """The largest of each group."""
        if not x.shape or x.shape[-1] % self.pieces:
            raise wrong_width(self, x, f"rows whose width is a multiple of pieces={self.pieces}")
        return np.max(np.reshape(x, (*x.shape[:-1], x.shape[-1] // self.pieces, self.pieces)), axis=-1)

    def settings(self) -> str:
        """Pieces a group."""
        return str(self.pieces)


class Sigmoid(Layer):
    """σ(x) = 1 / (1 + e⁻ˣ)."""

    def forward(self, x: Any) -> Any:
        """σ(x)."""
        return sigmoid(x)


class Tanh(Layer):
    """tanh x = 2σ(2x) − 1."""

    def forward(self, x: Any) -> Any:
        """The hyperbolic tangent."""
        return np.tanh(x)


class Softplus(Layer):
    """ln(1 + eˣ), a smooth ReLU."""

    def forward(self, x: Any) -> Any:
        """ln(1 + eˣ)."""
        return softplus(x)


class HardTanh(Layer):
    """x kept between `low` and `high`."""

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        if not low <= high:
            raise DataError(f"HardTanh: low={low} is above high={high}")
        self.low, self.high = float(low), float(high)

    def forward(self, x: Any) -> Any:
        """Keep x between the bounds."""
        return np.clip(x, self.low, self.high)

    def settings(self) -> str:
        """The bounds."""
        return "" if (self.low, self.high) == (-1, 1) else f"{self.low:g}, {self.high:g}"


class Softmax(Layer):
    """Shares that are positive and sum to one along the last axis.

    A Categorical loss takes the scores before it, and so needs no such layer.
    """

    def forward(self, x: Any) -> Any:
        """Shares."""
        return softmax(x)


class Identity(Layer):
    """x itself."""

    def forward(self, x: Any) -> Any:
        """The input."""
        return identity(x)
