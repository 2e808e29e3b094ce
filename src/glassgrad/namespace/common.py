"""What every function of the namespace does: take arrays as tensors, refuse devices and complex dtypes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.errors import UnsupportedError
from glassgrad.op import Op
from glassgrad.ops import NUMPY
from glassgrad.tensors import Tensor, constant

numpy: Any = np  # NumPy's stubs promise arrays; given a tensor, NumPy returns a tensor


def on_cpu(device: Any) -> None:
    """Refuse any other device."""
    if device not in (None, "cpu"):
        raise UnsupportedError(f"there is no device {device!r} here: tensors stand in main memory, device='cpu'")


def made(array: Any, device: Any = None) -> Tensor:
    """A new array as a constant, without copying it."""
    on_cpu(device)
    array = np.asarray(array)
    array.setflags(write=False)
    return constant(array)


def real(dtype: DTypeLike | None) -> Any:
    """A dtype that tensors can have; None stays None."""
    if dtype is None:
        return None
    dtype = np.dtype(dtype)
    if dtype.kind not in "biuf":
        raise UnsupportedError(f"tensors hold bool, integers and floating numbers, not {dtype}")
    return dtype


def wire(x: Any) -> Any:
    """`x` as a tensor; a list of arrays as a list of tensors."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, list | tuple):
        return [wire(part) for part in x]
    return constant(np.asarray(x))


def answered(name: str) -> Callable[..., Any]:
    """The function of the standard that a gate, or a function beside the gates, answers for NumPy's of that name."""
    module, _, function = name.rpartition(".")
    target: Any = NUMPY[getattr(np.linalg if module else np, function)]

    def call(*operands: Any, **options: Any) -> Any:
        rest = (wire(x) if isinstance(x, np.ndarray) else x for x in operands[1:])
        result = target(wire(operands[0]), *rest, **options)
        return made(result) if isinstance(result, np.ndarray) else result

    if isinstance(target, Op):
        names = ("x",) if len(target.rules or ()) == 1 else ("x1", "x2", "x3")[: len(target.rules or ())]
        call.__signature__ = inspect.Signature(  # pyright: ignore[reportFunctionMemberAccess]
            [inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in names]
        )
        call.__doc__ = f"The gate {target.name}: {target.explain.role}."
    else:
        functools.update_wrapper(call, target)
    call.__name__ = call.__qualname__ = function
    call.__module__ = "glassgrad.namespace" + (".linalg" if module else "")
    return call
