"""LLVM's intermediate representation as text that is written once: types, values, blocks, functions, a module.

Everything here is made to be light, since a training loop has thousands of values. A type exists once, so types
are compared with ``is``. A value is its type and the text by which instructions name it; an instruction is one
line in the list of its block (``instructions.py`` writes them).
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Sequence
from typing import Any

_CONSTANTS = 4096  # as many are remembered


class Type:
    """What LLVM calls a type; made by the functions below, each once.

    Attributes
    ----------
    text : str
        How it is written.
    suffix : str
        How it is written in the name of an intrinsic: ``v16f32``.
    element, count : Type, int
        The numbers of a vector; of anything else, itself and 1.
    floating : bool
        Whether it holds floating numbers.
    width, bytes : int
        Size of one number, in bits, and in memory.
    parts : tuple of Type
        Those of a structure.
    """

    __slots__ = ("bytes", "count", "element", "floating", "parts", "suffix", "text", "vectors", "width")

    def __init__(self, text: str, suffix: str = "", width: int = 0, floating: bool = False) -> None:
        self.text, self.suffix, self.width, self.floating = text, suffix, width, floating
        self.bytes = -(-width // 8)
        self.element: Type = self
        self.count = 1
        self.vectors: dict[int, Type] = {}
        self.parts: tuple[Type, ...] = ()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{self.text}>"


@functools.cache
def IntType(width: int) -> Type:
    """A whole number of so many bits."""
    return Type(f"i{width}", f"i{width}", width)


def VectorType(element: Type, count: int) -> Type:
    """Numbers side by side."""
    made = element.vectors.get(count)
    if made is None:
        text, suffix = f"<{count} x {element.text}>", f"v{count}{element.suffix}"
        made = element.vectors[count] = Type(text, suffix, element.width, element.floating)
        made.element, made.count = element, count
    return made


@functools.cache
def _struct(elements: tuple[Type, ...]) -> Type:
    made = Type(f"{{ {', '.join(e.text for e in elements)} }}")
    made.parts = elements
    return made


def LiteralStructType(elements: Sequence[Type]) -> Type:
    """Values of several types together."""
    return _struct(tuple(elements))


VOID, POINTER = Type("void"), Type("ptr", "p0", 64)
I1, I8, I16, I32, I64 = map(IntType, (1, 8, 16, 32, 64))
F32, F64 = Type("float", "f32", 32, True), Type("double", "f64", 64, True)


def vector(element: Type, lanes: int) -> Type:
    """The type of `lanes` numbers side by side; of one lane, the number itself."""
    return element if lanes == 1 else VectorType(element, lanes)


class Value:
    """What an instruction takes.

    Attributes
    ----------
    type : Type
    text : str
        Names it.
    value : int or None
        The whole number that it is, in every lane, where that is known.
    """

    __slots__ = ("text", "type", "value")

    def __init__(self, kind: Type, text: str, value: int | None = None) -> None:
        self.type, self.text, self.value = kind, text, value

    def __repr__(self) -> str:
        return f"{self.type.text} {self.text}"


Undefined = object()
"""As a constant, no particular value."""


def Constant(kind: Type, value: Any) -> Value:
    """A number; for a vector, one for all lanes or a list of one for each. None is 0.

    Examples
    --------
    >>> Constant(I32, -1), Constant(VectorType(F64, 2), 1.0), Constant(VectorType(I64, 2), [3, 4])
    (i32 -1, <2 x double> splat (double 0x3FF0000000000000), <2 x i64> <i64 3, i64 4>)
    """
    if isinstance(value, list):
        value = tuple([x if isinstance(x, Value) else Constant(kind.element, x) for x in value])
    elif value is None:
        value = 0
    elif value == 0 and kind.floating:
        value = str(float(value))  # a table does not tell 0.0 from -0.0
    return _constant(kind, value)


@functools.lru_cache(maxsize=_CONSTANTS, typed=True)
def _constant(kind: Type, value: Any) -> Value:
    element = kind.element
    if value is Undefined:
        return Value(kind, "poison")
    if kind is POINTER:
        return Value(kind, "null")
    if isinstance(value, tuple):
        one = value[0]
        if any(x.text != one.text for x in value):
            return Value(kind, f"<{', '.join([f'{element.text} {x.text}' for x in value])}>")
    elif element.floating:
        one = Value(element, hexadecimal(float(value), element is F32))
    else:
        whole = _within(int(value), element.width)
        one = Value(element, str(whole), whole)
    if kind.count == 1:
        return one
    zero = one.text in ("0", _ZERO)
    return Value(kind, "zeroinitializer" if zero else f"splat ({element.text} {one.text})", one.value)


def _within(whole: int, width: int) -> int:
    """The number with these low bits that a signed type holds; of one bit, 0 or 1."""
    if width == 1:
        return whole & 1
    half = 1 << (width - 1)
    return (whole + half) % (2 * half) - half


def hexadecimal(value: float, single: bool) -> str:
    """A floating number as LLVM reads it: the bits of a double, which for a float is one that a float can be.

    Examples
    --------
    >>> hexadecimal(1.0, False), hexadecimal(0.1, True), hexadecimal(-0.0, True)
    ('0x3FF0000000000000', '0x3FB99999A0000000', '0x8000000000000000')
    """
    if single:
        try:
            (value,) = _SINGLE.unpack(_SINGLE.pack(value))
        except OverflowError:
            value = math.copysign(math.inf, value)
    return f"0x{_WORD.unpack(_DOUBLE.pack(value))[0]:016X}"


_SINGLE, _DOUBLE, _WORD = (struct.Struct(f"<{letter}") for letter in "fdQ")
_ZERO = hexadecimal(0.0, False)


class Argument(Value):
    """An argument of a function."""

    __slots__ = ("attributes",)

    def __init__(self, kind: Type, text: str) -> None:
        super().__init__(kind, text)
        self.attributes: list[str] = []

    def add_attribute(self, attribute: str) -> None:
        """Promise something of it, such as ``noalias``."""
        if attribute not in self.attributes:
            self.attributes.append(attribute)


class Phi(Value):
    """The value that the block before the current one hands over."""

    __slots__ = ("incoming",)

    def __init__(self, kind: Type, text: str) -> None:
        super().__init__(kind, text)
        self.incoming: list[str] = []

    def add_incoming(self, value: Value, block: Block) -> None:
        """What it is after `block`."""
        self.incoming.append(f"[ {value.text}, {block.text} ]")

    def __str__(self) -> str:
        return f"{self.text} = phi {self.type.text} {', '.join(self.incoming)}"


class Block:
    """Instructions one after another, the last of which says where it goes on.

    Attributes
    ----------
    lines : list of str
        The instructions, but for the phis, which stand first.
    known : dict
        Values computed here, by their instructions.
    """

    __slots__ = ("function", "is_terminated", "known", "lines", "phis", "placed", "text")

    def __init__(self, function: Function, name: str) -> None:
        self.function, self.text = function, f"%{name}"
        self.phis: list[Phi] = []
        self.lines: list[str] = []
        self.known: dict[str, Value] = {}
        self.placed = self.is_terminated = False

    def __str__(self) -> str:
        return "\n  ".join([f"{self.text[1:]}:", *map(str, self.phis), *self.lines])


class Function(Value):
    """A function; without blocks it is declared only.

    Attributes
    ----------
    args : list of Argument
    result : Type
    attributes : set of str
        Such as ``nounwind``.
    linkage : str
        Such as ``internal``.
    blocks : list of Block
        In the order in which they were written.
    count : int
        Numbers given to values so far. LLVM wants them to rise from line to line.
    """

    __slots__ = ("args", "attributes", "blocks", "count", "linkage", "module", "name", "names", "result")

    def __init__(self, module: Module, name: str, result: Type, arguments: Sequence[Type]) -> None:
        plain = name.isascii() and name.replace(".", "_").isidentifier()
        super().__init__(POINTER, f"@{name}" if plain else f'@"{name}"')
        self.module, self.name, self.result, self.linkage = module, name, result, ""
        self.args = [Argument(kind, f"%{i}") for i, kind in enumerate(arguments)]
        self.attributes: set[str] = set()
        self.blocks: list[Block] = []
        self.count, self.names = len(self.args) - 1, 0

    def append_basic_block(self, name: str) -> Block:
        """A new block; its place in the text is where it is written first."""
        block = Block(self, f"{name}.{self.names}" if self.names else name)
        self.names += 1
        return block

    def __str__(self) -> str:
        declared = not self.blocks
        arguments = [
            " ".join([a.type.text, *a.attributes, *([] if declared else [a.text])]) for a in self.args
        ]  # fmt: skip
        head = " ".join(filter(None, ["declare" if declared else "define", self.linkage, self.result.text]))
        head = " ".join([f"{head} {self.text}({', '.join(arguments)})", *sorted(self.attributes)])
        return head if declared else "\n".join([f"{head} {{", *map(str, self.blocks), "}"])


class Module:
    """Functions and tables by name, and what is known of branches."""

    def __init__(self) -> None:
        self.globals: dict[str, Any] = {}
        self.metadata: dict[str, str] = {}

    def note(self, content: str) -> str:
        """The name of a piece of metadata, each once."""
        return self.metadata.setdefault(content, f"!{len(self.metadata)}")

    def __str__(self) -> str:
        notes = [f"{name} = !{{{content}}}" for content, name in self.metadata.items()]
        return "\n\n".join([*map(str, self.globals.values()), *notes, ""])
