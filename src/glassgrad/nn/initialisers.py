"""Initialisers: what the first value of a parameter is drawn from.

Each is a small record that is called with a random key, a shape and a dtype. A weight has the shape
``(n_in, n_out)``; a vector counts as both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.displays import Shown
from glassgrad.errors import DataError
from glassgrad.ops import random

Initialiser = Callable[[Any, tuple[int, ...], DTypeLike], Any]
"""``(key, shape, dtype) -> array``: any function of this form serves."""


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many numbers go into a unit of this weight, and out of one.

    Examples
    --------
    >>> fans((64, 10))
    (64, 10)
    """
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    return math.prod(shape[:-1]), shape[-1]


def _uniform(key: Any, shape: tuple[int, ...], dtype: DTypeLike, low: float, high: float) -> Any:
    wide = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    return random.uniform(key, shape, wide, low, high).astype(dtype)


def _normal(key: Any, shape: tuple[int, ...], dtype: DTypeLike, mean: float, std: float) -> Any:
    wide = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    return (mean + std * random.normal(key, shape, wide)).astype(dtype)


def _not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise DataError(f"{name} must not be negative, and is {value}")


@dataclass(frozen=True)
class Constant(Shown):
    """The same number everywhere. The biases of ReLU units start well at 0.1: most units are then open."""

    value: float = 0.1

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """First value of a parameter."""
        return np.full(shape, self.value, dtype)


@dataclass(frozen=True)
class Zeros(Shown):
    """Zero everywhere: for biases."""

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """First value of a parameter."""
        return np.zeros(shape, dtype)


@dataclass(frozen=True)
class Normal(Shown):
    """N(mean, std²)."""

    std: float = 1.0
    mean: float = 0.0

    def __post_init__(self) -> None:
        _not_negative("std", self.std)

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """First value of a parameter."""
        return _normal(key, shape, dtype, self.mean, self.std)


@dataclass(frozen=True)
class Uniform(Shown):
    """Evenly between `low` and `high`."""

    low: float = -0.1
    high: float = 0.1

    def __post_init__(self) -> None:
        _not_negative("high - low", self.high - self.low)

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """First value of a parameter."""
        return _uniform(key, shape, dtype, self.low, self.high)


@dataclass(frozen=True)
class _Scaled(Shown):
    """Mean 0, and a variance that keeps the signal's size from layer to layer, times `gain`²."""

    gain: float = 1.0

    def __post_init__(self) -> None:
        _not_negative("gain", self.gain)

    def variance(self, n_in: int, n_out: int) -> float:
        """Variance of a weight with so many inputs and outputs, at gain 1."""
        raise NotImplementedError

    def std(self, shape: tuple[int, ...]) -> float:
        """Standard deviation of a weight of this shape; 0 for an empty one."""
        n_in, n_out = fans(shape)
        return self.gain * math.sqrt(self.variance(n_in, n_out)) if n_in and n_out else 0.0


class _ScaledUniform(_Scaled):
    def __call__(self, key: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """First value of a parameter."""
        limit = math.sqrt(3) * self.std(shape)
        return _uniform(key, shape, dtype, -limit, limit)


class _ScaledNormal(_Scaled):
    def __call__(self, key: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """First value of a parameter."""
        return _normal(key, shape, dtype, 0.0, self.std(shape))


class _Glorot(_Scaled):
    def variance(self, n_in: int, n_out: int) -> float:
        """2 / (n_in + n_out)."""
        return 2 / (n_in + n_out)


class _He(_Scaled):
    def variance(self, n_in: int, n_out: int) -> float:
        """2 / n_in."""
        return 2 / n_in


class _LeCun(_Scaled):
    def variance(self, n_in: int, n_out: int) -> float:
        """1 / n_in."""
        return 1 / n_in


class GlorotUniform(_Glorot, _ScaledUniform):
    """U(±gain·√(6 / (n_in + n_out))): for tanh and sigmoid units (Glorot and Bengio, 2010)."""


class GlorotNormal(_Glorot, _ScaledNormal):
    """N(0, gain²·2 / (n_in + n_out)): for tanh and sigmoid units (Glorot and Bengio, 2010)."""


class HeUniform(_He, _ScaledUniform):
    """U(±gain·√(6 / n_in)): for ReLU units (He et al., 2015)."""


class HeNormal(_He, _ScaledNormal):
    """N(0, gain²·2 / n_in): for ReLU units (He et al., 2015)."""


class LeCunUniform(_LeCun, _ScaledUniform):
    """U(±gain·√(3 / n_in)) (LeCun et al., 1998)."""


class LeCunNormal(_LeCun, _ScaledNormal):
    """N(0, gain² / n_in) (LeCun et al., 1998)."""
