"""A module of LLVM IR that is being written: its functions, its tables, and the types of arrays in it.

A `Code` is one module, whose functions a `Builder` (``builder.py``) writes. Nothing here executes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.native import ir
from glassgrad.native.ir import F32, F64, I1, I8, I16, I32, I64, POINTER, VOID, vector

__all__ = [
    "F32", "F64", "I1", "I8", "I32", "I64", "POINTER", "VOID", "Code", "bytes_of", "element_of", "ir", "lanes_of",
    "like", "suffix", "type_of", "vector",
]  # fmt: skip

_TYPES: dict[str, Any] = {"f4": F32, "f8": F64, "i8": I64, "u8": I64, "i4": I32, "u4": I32, "i2": I16, "u2": I16,
                          "i1": I8, "u1": I8, "b1": I8}  # fmt: skip


def type_of(dtype: DTypeLike) -> Any:
    """The LLVM type in which an array of this dtype is stored (a truth value is a byte)."""
    dtype = np.dtype(dtype)
    key = dtype.kind + str(dtype.itemsize)
    if key not in _TYPES:
        raise TypeError(f"compiled code has no numbers of dtype {dtype}")
    return _TYPES[key]


def lanes_of(kind: Any) -> int:
    """How many numbers a type holds."""
    return kind.count


def element_of(kind: Any) -> Any:
    """The type of one number of a type."""
    return kind.element


def like(kind: Any, element: Any) -> Any:
    """`element` as wide as `kind`."""
    return vector(element, kind.count)


def bytes_of(element: Any) -> int:
    """Size of one number in memory."""
    return element.bytes


def suffix(kind: Any) -> str:
    """How LLVM writes a type in the name of an intrinsic: ``v16f32``."""
    return kind.suffix


class Table(ir.Value):
    """A constant array in a module; as a value, its address."""

    __slots__ = ("content",)

    def __init__(self, name: str, content: str) -> None:
        super().__init__(POINTER, f"@{name}")
        self.content = content

    def __str__(self) -> str:
        return f"{self.text} = internal constant {self.content}, align 64"


class Code:
    """One module of IR; ``str(code)`` is its text."""

    def __init__(self) -> None:
        self.module = ir.Module()
        self._tables: dict[Any, Table] = {}

    def __str__(self) -> str:
        return str(self.module)

    def intrinsic(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """A declared function, each once."""
        known = self.module.globals.get(name)
        if known is None:
            known = self.module.globals[name] = ir.Function(self.module, name, result, arguments)
        return known

    def function(
        self, name: str, arguments: Sequence[Any], result: Any = VOID, inline: bool = False, exported: bool = True
    ) -> Any:
        """A new function without a body. Pointer arguments are promised not to overlap (noalias)."""
        if name in self.module.globals:
            raise ValueError(f"there is a {name} in this module")
        f = self.module.globals[name] = ir.Function(self.module, name, result, arguments)
        f.attributes.add("nounwind")
        if inline:
            f.attributes.add("alwaysinline")
        if not exported:
            f.linkage = "internal"
        for a in f.args:
            if a.type is POINTER:
                a.add_attribute("noalias")
        return f

    def table(self, values: Sequence[float], element: Any) -> Any:
        """A constant array in the module, each content once; a pointer to it."""
        key = (tuple(values), element)
        if key not in self._tables:
            numbers = ", ".join(f"{element.text} {ir.Constant(element, v).text}" for v in values)
            name = f"table{len(self._tables)}"
            made = Table(name, f"[{len(values)} x {element.text}] [{numbers}]")
            self._tables[key] = self.module.globals[name] = made
        return self._tables[key]
