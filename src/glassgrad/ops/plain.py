"""NumPy functions of shape, dtype or truth, which need no gate: they see shapes or values only."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.op import answers


def _value(x: Any) -> Any:
    return getattr(x, "value", x)


def _filled(x: Any, fill: Any, dtype: Any, shape: Any) -> np.ndarray[Any, Any]:
    return np.full(x.shape if shape is None else shape, fill, dtype or x.dtype)


@answers(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """The shape."""
    return tuple(a.shape)


@answers(np.ndim)
def ndim(a: Any) -> int:
    """The number of axes."""
    return len(a.shape)


@answers(np.size)
def size(a: Any, axis: int | None = None) -> int:
    """The number of elements, or the length of one axis."""
    return a.size if axis is None else a.shape[axis]


@answers(np.zeros_like, np.empty_like)
def zeros_like(a: Any, dtype: Any = None, shape: Any = None) -> np.ndarray[Any, Any]:
    """An array of zeros."""
    return _filled(a, 0, dtype, shape)


@answers(np.ones_like)
def ones_like(a: Any, dtype: Any = None, shape: Any = None) -> np.ndarray[Any, Any]:
    """An array of ones."""
    return _filled(a, 1, dtype, shape)


@answers(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> np.ndarray[Any, Any]:
    """An array of one number."""
    return _filled(a, fill_value, dtype, shape)


@answers(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """No tensor is complex."""
    return False


@answers(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Every tensor is real."""
    return True


@answers(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype that operands meet in."""
    return np.result_type(*[x if isinstance(x, type) else getattr(x, "dtype", x) for x in arrays_and_dtypes])


@answers(np.allclose)
def allclose(a: Any, b: Any, **options: Any) -> bool:
    """Whether the values are equal within a tolerance."""
    return np.allclose(_value(a), _value(b), **options)


@answers(np.array_equal)
def array_equal(a1: Any, a2: Any, **options: Any) -> bool:
    """Whether shapes and values are equal."""
    return np.array_equal(_value(a1), _value(a2), **options)
