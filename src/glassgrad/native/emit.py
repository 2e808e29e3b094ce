"""A module of LLVM IR and its types: the only file that imports ``llvmlite.ir``.

A `Code` is one module, whose functions a `Builder` (``builder.py``) writes. Nothing here executes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir as _ir
from numpy.typing import DTypeLike

ir: Any = _ir  # llvmlite has no types of its own
VOID, POINTER = ir.VoidType(), ir.PointerType()
I1, I8, I32, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)
F32, F64 = ir.FloatType(), ir.DoubleType()
_TYPES: dict[str, Any] = {"f4": F32, "f8": F64, "i8": I64, "u8": I64, "i4": I32, "u4": I32, "i2": ir.IntType(16),
                          "u2": ir.IntType(16), "i1": I8, "u1": I8, "b1": I8}  # fmt: skip


def type_of(dtype: DTypeLike) -> Any:
    """The LLVM type in which an array of this dtype is stored (a truth value is a byte)."""
    dtype = np.dtype(dtype)
    key = dtype.kind + str(dtype.itemsize)
    if key not in _TYPES:
        raise TypeError(f"compiled code has no numbers of dtype {dtype}")
    return _TYPES[key]


def vector(element: Any, lanes: int) -> Any:
    """The type of `lanes` numbers side by side; of one lane, the number itself."""
    return element if lanes == 1 else ir.VectorType(element, lanes)


def lanes_of(kind: Any) -> int:
    """How many numbers a type holds."""
    return kind.count if isinstance(kind, ir.VectorType) else 1


def element_of(kind: Any) -> Any:
    """The type of one number of a type."""
    return kind.element if isinstance(kind, ir.VectorType) else kind


def like(kind: Any, element: Any) -> Any:
    """`element` as wide as `kind`."""
    return vector(element, lanes_of(kind))


class Code:
    """One module of IR; ``str(code)`` is its text."""

    def __init__(self, name: str = "glassgrad") -> None:
        self.module = ir.Module(name)
        self._tables: dict[Any, Any] = {}

    def __str__(self) -> str:
        return str(self.module)

    def intrinsic(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """A declared function, each once (``declare_intrinsic`` does not take vectors)."""
        known = self.module.globals.get(name)
        return known if known is not None else ir.Function(self.module, ir.FunctionType(result, list(arguments)), name)

    def function(
        self, name: str, arguments: Sequence[Any], result: Any = VOID, inline: bool = False, exported: bool = True
    ) -> Any:
        """A new function without a body. Pointer arguments are promised not to overlap (noalias)."""
        f = ir.Function(self.module, ir.FunctionType(result, list(arguments)), name)
        f.attributes.add("nounwind")
        if inline:
            f.attributes.add("alwaysinline")
        if not exported:
            f.linkage = "internal"
        for a in f.args:
            if isinstance(a.type, ir.PointerType):
                a.add_attribute("noalias")
        return f

    def table(self, values: Sequence[float], element: Any) -> Any:
        """A constant array in the module, each content once; a pointer to it."""
        key = (tuple(values), str(element))
        if key not in self._tables:
            kind = ir.ArrayType(element, len(values))
            g = ir.GlobalVariable(self.module, kind, f"table{len(self._tables)}")
            g.global_constant, g.linkage, g.align = True, "internal", 64
            g.initializer = ir.Constant(kind, [ir.Constant(element, v) for v in values])
            self._tables[key] = g
        return self._tables[key]


def bytes_of(element: Any) -> int:
    """Size of one number in memory."""
    sizes = {"float": 4, "double": 8, "ptr": 8}
    return sizes.get(str(element)) or max(1, element.width // 8)


def suffix(kind: Any) -> str:
    """How LLVM writes a type in the name of an intrinsic: ``v16f32``."""
    names = {"float": "f32", "double": "f64"}
    element = str(element_of(kind))
    return ("" if lanes_of(kind) == 1 else f"v{lanes_of(kind)}") + names.get(element, element)
