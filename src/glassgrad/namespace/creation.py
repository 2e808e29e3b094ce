"""Creation functions of the array API standard: constants from numbers, shapes and ranges.

Default dtypes are NumPy's: float64, int64 and bool.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError, UnsupportedError
from glassgrad.leaves import changeable
from glassgrad.namespace.common import made, numpy, on_cpu, real, wire
from glassgrad.tensors import Tensor, constant


def _holds_tensor(x: Any) -> builtins.bool:
    return isinstance(x, Tensor) or (isinstance(x, list | tuple) and any(_holds_tensor(part) for part in x))


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """Numbers as a constant; a tensor, or nested lists that hold tensors, keep their gradient path.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([1.0, 2.0], "x")
    >>> xp = x.__array_namespace__()
    >>> print(xp.asarray([x[1], 0.0, x[0]]).value)
    [2. 0. 1.]
    """
    on_cpu(device)
    if _holds_tensor(obj):
        x = obj if isinstance(obj, Tensor) else numpy.stack([asarray(part) for part in obj])
        return x if dtype is None else x.astype(real(dtype))
    array = np.asarray(obj, real(dtype))
    if copy is False and changeable(array):
        raise UnsupportedError("asarray(copy=False): a tensor shares no memory that can be changed; leave copy out")
    return constant(array)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """Another library's array as a constant."""
    return x if isinstance(x, Tensor) else asarray(np.from_dlpack(x), device=device, copy=copy)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros: a tensor cannot be filled later."""
    return zeros(shape, dtype=dtype, device=device)


def empty_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros in the shape of `x`."""
    return zeros_like(x, dtype=dtype, device=device)


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros."""
    return made(np.zeros(shape, real(dtype)), device)


def zeros_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros in the shape of `x`."""
    return zeros(x.shape, dtype=x.dtype if dtype is None else dtype, device=device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones."""
    return made(np.ones(shape, real(dtype)), device)


def ones_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones in the shape of `x`."""
    return ones(x.shape, dtype=x.dtype if dtype is None else dtype, device=device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """One number everywhere; a tensor keeps its gradient path."""
    if isinstance(fill_value, Tensor):
        return asarray(numpy.broadcast_to(fill_value, shape), dtype=dtype, device=device)
    return made(np.full(shape, fill_value, real(dtype)), device)


def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """One number in the shape of `x`; a tensor keeps its gradient path."""
    return full(tuple(x.shape), fill_value, dtype=x.dtype if dtype is None else dtype, device=device)


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Evenly spaced numbers from `start`, or 0, up to `stop`."""
    first, end = (0, start) if stop is None else (start, stop)
    return made(numpy.arange(first, end, step, real(dtype)), device)


def linspace(
    start: float, stop: float, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: builtins.bool = True
) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`."""
    return made(np.linspace(start, stop, num, endpoint=endpoint, dtype=real(dtype)), device)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones on one diagonal, zeros elsewhere."""
    return made(np.eye(n_rows, n_cols, k, real(dtype) or np.dtype(np.float64)), device)


def meshgrid(*arrays: Any, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Rows of coordinates as the coordinates of every point of the grid between them.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([1.0, 2.0, 3.0])
    >>> xp = x.__array_namespace__()
    >>> [part.shape for part in xp.meshgrid(x, xp.arange(2))]
    [(2, 3), (2, 3)]
    """
    rows = wire(arrays)
    if any(x.ndim > 1 for x in rows) or indexing not in ("xy", "ij"):
        raise ShapeError("meshgrid takes arrays of one axis, and indexing 'xy' or 'ij'")
    axes = list(range(len(rows)))
    if indexing == "xy" and len(rows) > 1:
        axes[:2] = 1, 0
    shapes = [[-1 if j == axis else 1 for j in range(len(rows))] for axis in axes]
    return tuple(numpy.broadcast_arrays(*[numpy.reshape(x, s) for x, s in zip(rows, shapes, strict=True)]))
