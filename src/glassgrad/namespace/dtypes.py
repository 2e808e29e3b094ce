"""Dtypes of the array API standard, questions about them, and what this namespace can do."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.errors import UnsupportedError
from glassgrad.namespace.common import on_cpu, real, wire
from glassgrad.ops import NUMPY
from glassgrad.tensors import Tensor

BOOL = {"bool": np.bool_}
SIGNED = {"int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64}
UNSIGNED = {"uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64}
FLOATING = {"float32": np.float32, "float64": np.float64}
COMPLEX = {"complex64": np.complex64, "complex128": np.complex128}
"""Named, so that code can ask whether a dtype is complex; no tensor has one."""

KINDS: dict[str, dict[str, Any]] = {
    "bool": BOOL,
    "signed integer": SIGNED,
    "unsigned integer": UNSIGNED,
    "integral": SIGNED | UNSIGNED,
    "real floating": FLOATING,
    "complex floating": {},
    "numeric": SIGNED | UNSIGNED | FLOATING,
}


def _dtype(x: Any) -> np.dtype[Any]:
    return x.dtype if hasattr(x, "dtype") and not isinstance(x, type) else np.dtype(x)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """The same numbers in another dtype; the gradient is cast back.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([1.0, 2.0])
    >>> xp = x.__array_namespace__()
    >>> xp.astype(x, xp.float32)
    tensor([1., 2.], dtype=float32, cast)
    """
    on_cpu(device)
    return wire(x).astype(real(dtype))


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether a dtype, or an array's, becomes another by promotion."""
    return np.can_cast(_dtype(from_), np.dtype(to))


def finfo(type: Any, /) -> np.finfo[Any]:
    """Limits of a floating dtype, or of an array's."""
    return np.finfo(_dtype(type))


def iinfo(type: Any, /) -> np.iinfo[Any]:
    """Limits of an integer dtype, or of an array's."""
    return np.iinfo(_dtype(type))


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is another, or of a kind such as 'bool', 'integral', 'real floating' or 'numeric'."""
    return np.isdtype(np.dtype(dtype), kind)


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype that arrays, dtypes and Python numbers meet in."""
    return NUMPY[np.result_type](*arrays_and_dtypes)


class _Info:
    """What the namespace can do, as the standard asks."""

    def capabilities(self) -> dict[str, Any]:
        """Shapes that depend on values: not promised, since a function may be traced without values."""
        return {"boolean indexing": False, "data-dependent shapes": False, "max dimensions": 64}

    def default_device(self) -> str:
        """Main memory."""
        return "cpu"

    def devices(self) -> list[str]:
        """Main memory only."""
        return ["cpu"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:
        """NumPy's; complex numbers do not exist."""
        integer = np.dtype(np.intp)
        return {"real floating": np.dtype(np.float64), "integral": np.dtype(np.int64), "indexing": integer}

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, np.dtype[Any]]:
        """The dtypes tensors can have, by name."""
        kinds = ("bool", "numeric") if kind is None else (kind,) if isinstance(kind, str) else kind
        wrong = [k for k in kinds if k not in KINDS]
        if wrong:
            raise UnsupportedError(f"there is no kind of dtypes {wrong[0]!r}: there are {', '.join(KINDS)}")
        return {name: np.dtype(dtype) for k in kinds for name, dtype in KINDS[k].items()}


def __array_namespace_info__() -> _Info:  # noqa: N807  the standard's own name
    """Dtypes, devices and capabilities.

    Examples
    --------
    >>> import glassgrad as gg
    >>> info = gg.tensor(1.0).__array_namespace__().__array_namespace_info__()
    >>> info.default_device(), list(info.dtypes(kind="real floating"))
    ('cpu', ['float32', 'float64'])
    """
    return _Info()
