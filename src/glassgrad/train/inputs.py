"""What a trainer is handed, made into arrays, or an error that names the argument and what to do."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.errors import DataError, OperandError, ShapeError
from glassgrad.ops.sparse import csr_of

Array = np.ndarray[Any, Any]


def features(X: Any, dtype: np.dtype[Any], name: str = "X") -> Any:
    """The rows a network is fed, in its dtype; a SciPy sparse matrix as CSR.

    Raises
    ------
    ShapeError
        When there are not at least two axes: rows and features.
    DataError
        When it is empty, not numeric, or not finite; the first bad cell is named.
    """
    if hasattr(X, "tocsr"):
        return _sparse(X, dtype, name)
    raw = _numbers(X, name)
    if raw.ndim < 2:
        hint = f"use {name}.reshape(-1, 1) for one feature" + (f", {name}[None] for one row" if raw.ndim else "")
        raise ShapeError(f"{name} needs the shape (rows, features) and has shape {raw.shape}; {hint}")
    if raw.size == 0:
        raise DataError(f"{name} is empty (shape {raw.shape}); at least one row and one feature are needed")
    return _finite(raw, dtype, name, X)


def _sparse(X: Any, dtype: np.dtype[Any], name: str) -> Any:
    """A sparse matrix as CSR in this dtype, its indices checked; what it stores keeps its order."""
    if len(X.shape) != 2:
        raise ShapeError(f"{name} needs the shape (rows, features) and has shape {X.shape}")
    if 0 in X.shape:
        raise DataError(f"{name} is empty (shape {X.shape}); at least one row and one feature are needed")
    csr = csr_of(X, name)
    raw = _numbers(csr.data, name)
    if _surely_fits(raw, dtype):
        return csr if raw.dtype == dtype else csr.astype(dtype)
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(raw.astype(dtype))  # as stored: SciPy's astype adds up what is stored twice
    if bad.any():
        place = int(np.argmax(bad))
        row, column = int(np.searchsorted(csr.indptr, place, side="right")) - 1, int(csr.indices[place])
        found = raw[place]
        what = f"does not fit {dtype}; scale the data down" if np.isfinite(found) else "is not finite; fill it in"
        raise DataError(f"{name} has {found:g} at row {row}, column {column}, which {what}")
    return csr.astype(dtype)


def targets(y: Any, rows: int, dtype: np.dtype[Any], name: str = "y", beside: str = "X") -> Array:
    """What is to be predicted, one row for each row of X; whole numbers keep their dtype.

    Raises
    ------
    ShapeError
        When the number of rows differs.
    DataError
        When it is not numeric or not finite.
    """
    raw = _numbers(y, name)
    if raw.ndim == 0 or len(raw) != rows:
        have = f"{len(raw)} rows" if raw.ndim else "no rows: it is a single number"
        raise ShapeError(f"{beside} has {rows} rows and {name} has {have}; each row of {beside} needs one of {name}")
    if raw.dtype.kind in "iub":
        return np.ascontiguousarray(raw)
    return _finite(raw, dtype, name, y)


def weights(sample_weight: Any, rows: int, dtype: np.dtype[Any], name: str = "sample_weight") -> Array:
    """One weight a row: finite, not negative, and not all zero.

    Raises
    ------
    ShapeError
        When it is not one number a row.
    DataError
        When a weight is negative or not finite, or all are zero.
    """
    raw = _numbers(sample_weight, name)
    if raw.shape != (rows,):
        raise ShapeError(f"{name} needs one number a row, shape ({rows},), and has shape {raw.shape}")
    array = _finite(raw, dtype, name, sample_weight)
    if (array < 0).any():
        row = int(np.argmax(array < 0))
        raise DataError(f"{name} cannot be negative, and is {array[row]:g} at row {row}")
    if not array.any():
        raise DataError(f"{name} is zero for every row, so there is nothing to learn from")
    return array


def positive(value: Any, name: str, hint: str = "") -> int:
    """A whole number from 1 up."""
    if isinstance(value, bool | np.bool_):
        raise OperandError(f"{name} is a whole number from 1 up, not {value}{hint}")
    try:
        number = operator.index(value)
    except TypeError:
        raise OperandError(f"{name} is a whole number from 1 up, not {value!r}{hint}") from None
    if number < 1:
        raise DataError(f"{name} is a whole number from 1 up, and is {number}{hint}")
    return number


def _numbers(data: Any, name: str) -> Array:
    """An array of real numbers, or an error that names the first thing that is none."""
    if type(data) is np.ndarray and data.dtype.kind in "fiub":
        return data
    if hasattr(data, "tocsr"):
        raise OperandError(f"{name} is a sparse matrix, and numbers are needed, one for each row; use {name}.toarray()")
    try:
        raw = np.asarray(data)
    except ValueError as error:
        raise DataError(f"{name} is not a table of numbers (do its rows differ in length?): {error}") from error
    if raw.dtype.kind == "O":
        try:
            raw = raw.astype(np.float64)
        except (ValueError, TypeError):
            raise DataError(_not_numeric(raw, name, data)) from None
    if raw.dtype.kind in "US":
        raise DataError(_not_numeric(raw, name, data))
    if raw.dtype.kind not in "fiub":
        what = "complex numbers" if raw.dtype.kind == "c" else str(raw.dtype)
        raise DataError(f"{name} holds {what}; numbers are needed (bool, integers or floating)")
    return raw


def _not_numeric(raw: Array, name: str, data: Any) -> str:
    """A message with the first cell that is not a number."""
    for place in np.ndindex(raw.shape):
        cell = raw[place]
        if raw.dtype.kind != "O" or not _is_number(cell):
            break
    else:
        return f"{name} holds Python objects that do not form an array of numbers"
    return (
        f"{name} is not numeric: {str(cell)!r} at {_place(place, data)}; "
        "turn text and categories into numbers first, e.g. with np.unique(column, return_inverse=True)[1]"
    )


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return not isinstance(cell, str | bytes)


_PART = 1 << 13  # numbers looked at together: few enough for the cache, and for BLAS to wake no threads
_WIDE = (np.dtype(np.float32), np.dtype(np.float64))
_ROOT = {d: (float(np.finfo(d).max) / 2) ** 2 for d in (np.dtype(np.float16), np.dtype(np.float32))}


def all_finite(array: Array) -> bool:
    """Whether every number is finite, in one fast pass."""
    if array.size <= 4 * _PART:
        good = np.isfinite(array)
        return array.size == 0 or bool(good.item(good.argmin()))
    return all(map(all_finite, _parts(array, 4 * _PART)))


def _parts(array: Array, count: int) -> Iterator[Array]:
    flat = array.reshape(-1)
    return (flat[i : i + count] for i in range(0, flat.size, count))


def _surely_fits(raw: Array, dtype: np.dtype[Any]) -> bool:
    """Whether every number is finite in this dtype, found in one fast pass; False where it takes a closer look.

    Where the dtype is narrower, a sum of squares tells: each number is at most its root.
    """
    if raw.dtype.kind != "f":
        return dtype in _WIDE
    if raw.dtype.itemsize <= dtype.itemsize:
        return all_finite(raw)
    limit = _ROOT.get(dtype, 0.0)
    return all(np.vdot(part, part) < limit for part in _parts(raw, _PART))


def _finite(raw: Array, dtype: np.dtype[Any], name: str, data: Any) -> Array:
    """The array in the network's dtype; every number has to fit."""
    if _surely_fits(raw, dtype):
        return np.ascontiguousarray(raw, dtype)
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(raw, dtype)
    bad = ~np.isfinite(array)
    if not bad.any():
        return array
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    found = raw[place]
    if np.isfinite(found):
        raise DataError(
            f"{name} has {found:g} at {_place(place, data)}, which does not fit {dtype}; scale the data down"
        )
    count = int(bad.sum())
    others = f" ({count} values are not finite)" if count > 1 else ""
    raise DataError(
        f"{name} has {found} at {_place(place, data)}{others}; fill such values in, or leave out their rows: "
        f"np.isfinite({name})" + (".all(axis=1)" if array.ndim == 2 else "") + " tells the good ones"
    )


def _place(place: tuple[int, ...], data: Any) -> str:
    """A cell in words; the column by its name as well where the data have names."""
    if not place:
        return "its only place"
    text = f"row {place[0]}"
    if len(place) == 2:
        text += f", column {place[1]}"
        columns = getattr(data, "columns", None)
        if columns is not None and len(columns) > place[1]:
            text += f" ('{columns[place[1]]}')"
    elif len(place) > 2:
        text += f", place {place[1:]}"
    return text
