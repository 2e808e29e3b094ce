"""Static parameters in normal form (axes, shapes, basic indices), and the refusal of options.

A basic index is a tuple with one entry an axis: a whole number that is not negative, a triple
``(start, stop, step)``, or None for a new axis. It can be hashed and printed, as params must.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from glassgrad.errors import (
    GateError,
    IndexRangeError,
    OperandError,
    ShapeError,
    UnsupportedError,
    ValueMissingError,
    describe,
    reason,
    spec_text,
)
from glassgrad.op import shaped

Normal = tuple[int | tuple[int | None, int | None, int | None] | None, ...]
WHOLE = (None, None, None)
"""The entry of a basic index that takes a whole axis."""

_INSTEAD = {
    "out": "a tensor is immutable; use the result that is returned",
    "where": "choose with np.where(condition, x, neutral) first",
    "initial": "combine the result with the initial value yourself",
    "order": "elements are taken in C order, and sorted by value",
    "returned": "sum the weights yourself",
    "sorter": "sort first, with np.take(a, sorter)",
}


def mistake(kind: type[Exception], message: str, *operands: Any) -> Exception:
    """An error that shows the operands by name and shape, and the user's line."""
    wires = "".join(f"\n  {describe(x) if hasattr(x, 'op') else spec_text(x)}" for x in operands)
    return kind(f"{message}{wires}")


def refuse(function: str, **options: Any) -> None:
    """Raise `UnsupportedError` for the first option that is given."""
    for option, value in options.items():
        if value is not None and value is not np._NoValue and value is not False:  # pyright: ignore[reportAttributeAccessIssue]
            raise mistake(UnsupportedError, f"{function} has no '{option}' here: {_INSTEAD[option]}")


def axes_of(axis: Any, x: Any) -> tuple[int, ...]:
    """`axis` as NumPy takes it (one, several, negative, None for all) as numbers that are not negative."""
    ndim = len(x.shape)
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    try:
        return tuple(normalize_axis_tuple(axis, ndim))
    except np.exceptions.AxisError:
        known = f"use {-ndim} to {ndim - 1}" if ndim else "a scalar has no axes"
        raise mistake(ShapeError, f"axis {axis} is out of bounds for {ndim} dimensions: {known}", x) from None
    except ValueError:
        raise mistake(ShapeError, f"axis {axis} names an axis twice", x) from None
    except TypeError:
        raise mistake(OperandError, f"axis must be a whole number or several, not {axis!r}", x) from None


def axis_of(axis: Any, x: Any) -> int:
    """One axis as a number that is not negative."""
    axes = axes_of(axis, x)
    if axis is None or len(axes) != 1:
        raise mistake(OperandError, f"axis must be one whole number, not {axis!r}", x)
    return axes[0]


def shape_of(shape: Any) -> tuple[int, ...]:
    """A shape as NumPy takes it (a number or several) as a tuple of Python numbers."""
    try:
        return tuple(operator.index(n) for n in (shape if isinstance(shape, tuple | list | np.ndarray) else (shape,)))
    except TypeError as error:
        if isinstance(error, OperandError):
            raise
        raise mistake(OperandError, f"a shape must be whole numbers, not {shape!r}") from None


def kept(shape: tuple[int, ...], axis: tuple[int, ...], keepdims: bool = True) -> tuple[int, ...]:
    """A shape after a reduction over `axis`."""
    if keepdims:
        return tuple(1 if i in axis else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axis)


def part_of(start: int, stop: int | None, step: int, axis: int, ndim: int) -> Normal:
    """The basic index that takes ``start:stop:step`` of one axis and all of the others."""
    return (WHOLE,) * axis + ((start, stop, step),) + (WHOLE,) * (ndim - axis - 1)


def numpy_index(index: Any) -> tuple[Any, ...]:
    """A basic index in normal form as NumPy takes it."""
    return tuple(slice(*entry) if isinstance(entry, tuple) else entry for entry in index)


def indexed(shape: tuple[int, ...], index: Normal) -> tuple[int, ...]:
    """The shape that a basic index takes out of an array."""
    sizes, axis = [], 0
    for entry in index:
        if entry is None:
            sizes.append(1)
            continue
        if isinstance(entry, tuple):
            sizes.append(len(range(*slice(*entry).indices(shape[axis]))))
        axis += 1
    return (*sizes, *shape[axis:])


def known(x: Any) -> Any:
    """The numbers of an array or tensor; None where it is traced and has none."""
    if isinstance(x, np.ndarray | np.generic):
        return x
    try:
        return np.asarray(x.value)
    except ValueMissingError:
        return None


def is_mask(entry: Any) -> bool:
    return getattr(getattr(entry, "dtype", None), "kind", "") == "b"


def entry_of(entry: Any, x: Any) -> Any:
    """One entry of an index: None, Ellipsis, a slice, a Python int, or an array of integers or truth values."""
    if entry is None or entry is Ellipsis or isinstance(entry, slice) or type(entry) is int:
        return entry
    if isinstance(entry, np.integer):
        return int(entry)
    array = shaped(entry)
    if isinstance(entry, list | tuple) and array.size == 0:
        array = array.astype(np.intp)
    if array.dtype.kind == "b":
        if not array.shape:
            raise mistake(UnsupportedError, "a single truth value is not an index: choose with np.where", x)
        return array
    if array.dtype.kind not in "iu":
        raise mistake(
            IndexRangeError,
            f"an index is made of whole numbers, slices, ..., None and arrays of integers or truth values, "
            f"not {type(entry).__name__} of {array.dtype}",
            x,
        )
    return int(array) if isinstance(array, np.ndarray) and not array.shape else array


def _normal_slice(entry: slice, n: int, x: Any) -> tuple[int | None, int | None, int | None]:
    try:
        start, stop, step = entry.indices(n)
    except (TypeError, ValueError) as error:
        kind = OperandError if isinstance(error, TypeError) else GateError
        raise mistake(kind, f"{entry}: {reason(error)}", x) from None
    if len(range(start, stop, step)) == 0:
        return (0, 0, 1)
    if (start, stop, step) == (0, n, 1):
        return WHOLE
    return (start, None if stop < 0 else stop, step)


def _positions(mask: Any, x: Any, axis: int) -> tuple[Any, ...]:
    """Where a mask is true: one index array for each of its axes."""
    if tuple(mask.shape) != tuple(x.shape[axis : axis + len(mask.shape)]):
        raise mistake(
            IndexRangeError, f"a mask of shape {tuple(mask.shape)} does not fit the axes it selects from", x, mask
        )
    values = known(mask)
    if values is None:
        raise mistake(
            ValueMissingError,
            "how many elements a mask selects is not known while the function is traced: "
            "use np.where(mask, x, 0) and keep the shape",
            x,
            mask,
        )
    return np.nonzero(values)


def parse(index: Any, x: Any) -> tuple[Any, tuple[Any, ...]]:
    """An index as NumPy takes it, as a template in normal form and its index arrays."""
    if type(index) is int and x.shape and -x.shape[0] <= index < x.shape[0]:
        return (index % x.shape[0],), ()
    entries = [entry_of(e, x) for e in (index if isinstance(index, tuple) else (index,))]
    ndim, used, dots = len(x.shape), 0, 0
    for e in entries:
        dots += e is Ellipsis
        used += 0 if e is None or e is Ellipsis else len(e.shape) if is_mask(e) else 1
    if dots > 1:
        raise mistake(IndexRangeError, "an index can have only one ellipsis (...)", x)
    if used > ndim:
        raise mistake(IndexRangeError, f"too many indices: {used} were given for {ndim} dimensions", x)
    template: list[Any] = []
    arrays: list[Any] = []
    axis = 0
    for e in entries if dots else (*entries, Ellipsis):
        if e is None:
            template.append(None)
        elif e is Ellipsis:
            template.extend([WHOLE] * (ndim - used))
            axis += ndim - used
        elif isinstance(e, slice):
            template.append(_normal_slice(e, x.shape[axis], x))
            axis += 1
        elif isinstance(e, int):
            n = x.shape[axis]
            if not -n <= e < n:
                limits = f"use {-n} to {n - 1}" if n else "the axis is empty"
                raise mistake(IndexRangeError, f"index {e} is out of bounds for axis {axis} of size {n}: {limits}", x)
            template.append(e % n)
            axis += 1
        else:
            found = _positions(e, x, axis) if is_mask(e) else (e,)
            template.extend(["array"] * len(found))
            arrays.extend(found)
            axis += len(found)
    return tuple(template), tuple(arrays)


def as_dtype(x: Any, dtype: Any) -> Any:
    """`x` with a shape, in the dtype a caller asked for, if any."""
    x = shaped(x)
    return x if dtype is None or np.dtype(dtype) == x.dtype else x.astype(dtype)


def count_of(name: str, a: Any, axes: tuple[int, ...], ddof: float = 0) -> Any:
    """How many elements are averaged; an error where there are too few."""
    count = a.size if len(axes) == len(a.shape) else math.prod([a.shape[i] for i in axes])
    if count - ddof <= 0:
        few = "no elements" if count == 0 else f"{count} elements with ddof={ddof}"
        raise mistake(ShapeError, f"np.{name} of {few} does not exist", a)
    return count - ddof
