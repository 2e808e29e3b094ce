"""Functions of the array API standard that NumPy has under other names or options: scans, sorting, sets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassgrad.errors import ShapeError, describe
from glassgrad.namespace.common import made, numpy, wire
from glassgrad.namespace.creation import asarray, full
from glassgrad.ops.normal import axis_of
from glassgrad.tensors import Tensor


def _scan(scan: Any, first: int, x: Any, axis: int | None, dtype: Any, include_initial: bool) -> Tensor:
    x = wire(x)
    if axis is None and x.ndim != 1:
        raise ShapeError(f"a running sum or product of several axes needs axis=: {describe(x)}")
    axis = axis_of(0 if axis is None else axis, x)
    result = scan(x, axis=axis, dtype=dtype)
    if not include_initial:
        return result
    start = full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), first, dtype=result.dtype)
    return numpy.concatenate([start, result], axis=axis)


def cumulative_sum(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Tensor:
    """Running sum along an axis; `include_initial` puts a 0 before it.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([1.0, 2.0])
    >>> print(x.__array_namespace__().cumulative_sum(x, include_initial=True).value)
    [0. 1. 3.]
    """
    return _scan(numpy.cumsum, 0, x, axis, dtype, include_initial)


def cumulative_prod(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Tensor:
    """Running product along an axis; `include_initial` puts a 1 before it."""
    return _scan(numpy.cumprod, 1, x, axis, dtype, include_initial)


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences between neighbours along an axis, taken `n` times."""
    parts = [wire(part) for part in (prepend, x, append) if part is not None]
    joined = parts[0] if len(parts) == 1 else numpy.concatenate(parts, axis=axis)
    return numpy.diff(joined, n, axis)


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Positions that would sort along an axis; always stable; no gradient."""
    x = wire(x)
    if not descending:
        return numpy.argsort(x, axis=axis)
    axis = axis_of(axis, x)
    return x.shape[axis] - 1 - numpy.flip(numpy.argsort(numpy.flip(x, axis), axis=axis), axis)


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Elements in rising or falling order along an axis.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([1.0, 3.0, 2.0])
    >>> print(x.__array_namespace__().sort(x, descending=True).value)
    [3. 2. 1.]
    """
    x = wire(x)
    if not descending:
        return numpy.sort(x, axis=axis)
    return numpy.take_along_axis(x, argsort(x, axis=axis, descending=True), axis=axis)


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Tensor:
    """Positions at which values belong in a sorted row; no gradient."""
    x1 = wire(x1)
    return numpy.searchsorted(x1 if sorter is None else numpy.take(x1, wire(sorter)), wire(x2), side=side)


def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    """Each element several times: a fixed number, or a number of its own, which needs values."""
    return numpy.repeat(wire(x), repeats.value if isinstance(repeats, Tensor) else repeats, axis)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> [part.tolist() for part in x.__array_namespace__().unstack(x, axis=1)]
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return tuple(numpy.moveaxis(wire(x), axis, 0))


def nonzero(x: Any, /) -> tuple[Tensor, ...]:
    """Positions of the elements that are not zero, one tensor for each axis; needs values; no gradient."""
    return tuple(made(places) for places in numpy.nonzero(wire(x)))


class UniqueAll(NamedTuple):
    """What `unique_all` returns."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Any, /) -> UniqueAll:
    """Each value once, in rising order, where it stands first, which of them each element is, and how often.

    Needs values. The gradient of a value goes to the element where it stands first.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([2.0, 1.0, 2.0])
    >>> found = x.__array_namespace__().unique_all(x)
    >>> print(found.values.value, found.indices.value, found.inverse_indices.value, found.counts.value)
    [1. 2.] [1 0] [1 0 1] [1 2]
    """
    x = wire(x)
    found = np.unique_all(np.asarray(x.value))
    indices, inverse, counts = asarray(found.indices), asarray(found.inverse_indices), asarray(found.counts)
    return UniqueAll(numpy.take(numpy.reshape(x, (-1,)), indices), indices, inverse, counts)


def unique_counts(x: Any, /) -> UniqueCounts:
    """Each value once, and how often it stands in `x`; needs values."""
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Any, /) -> UniqueInverse:
    """Each value once, and which of them each element of `x` is; needs values."""
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: Any, /) -> Tensor:
    """Each value once; needs values."""
    return unique_all(x).values
