"""What can become a leaf of a graph: arrays of real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.errors import GlassgradError, OperandError
from glassgrad.wire import NO_PARAMS, next_serial, threads

_DTYPES = {np.dtype(c) for c in "?bhilqBHILQefd"}


def accepted(value: Any, name: str | None) -> np.ndarray[Any, Any]:
    """`value` as an array of real numbers, or an error that says what was wrong with it."""
    if type(value) is np.ndarray and value.dtype in _DTYPES:
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise OperandError(
            f"{called(name)} is a masked array, whose mask would be lost; use .filled(number) or np.where"
        )
    if isinstance(value, np.matrix):
        raise OperandError(f"{called(name)} is an np.matrix, whose * means @; use np.asarray(…) of it")
    try:
        array = np.asarray(value)
    except GlassgradError:
        raise
    except (ValueError, TypeError) as error:
        raise OperandError(f"{called(name)} is not an array of numbers: {error}") from error
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype not in _DTYPES:
        what = {"c": "complex numbers are", "O": "Python objects are", "U": "text is", "S": "text is"}.get(
            array.dtype.kind, f"{array.dtype} is"
        )
        hint = {"c": "; differentiate real and imaginary part as two real arrays"}.get(array.dtype.kind, "")
        raise OperandError(
            f"{what} not supported ({called(name)} is {type(value).__name__} of dtype {array.dtype}): "
            f"glassgrad takes bool, integers, float16, float32 and float64{hint}"
        )
    return array


def called(name: str | None) -> str:
    """What a message calls an operand."""
    return f"'{name}'" if name else "an operand"


def leaf(
    cls: type[Any],
    value: Any,
    shape: Any,
    dtype: Any,
    name: str | None = None,
    active: bool = False,
    weak: bool = False,
) -> Any:
    """A wire that no gate made."""
    t = object.__new__(cls)
    t.op, t.operands, t.params, t.parts = None, (), NO_PARAMS, None
    t.shape, t.dtype, t.weak = shape, dtype, weak
    t.name, t._code, t._lasti, t.group, t.origin = name, None, 0, threads.recording.group, threads.recording.origin
    t.active, t.changed, t._value, t._grad = active, 0, value, None
    t.serial = next_serial()
    return t


def changeable(array: Any) -> bool:
    """Whether somebody may write to an array's memory, directly or through the array it is a view of."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return True
        array = array.base
    return array is not None
