"""Writes the instructions of LLVM's language, a line each.

What is known, or was computed in the same block before, is not computed again: that is text which LLVM need not read.
The names and arguments are those of the builders of LLVM's own libraries.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from glassgrad.native.ir import I1, POINTER, VOID, Block, Constant, Function, Phi, Type, Value, vector

_SIGNED = {"<": "slt", "<=": "sle", "==": "eq", "!=": "ne", ">=": "sge", ">": "sgt"}
_UNSIGNED = {"<": "ult", "<=": "ule", "==": "eq", "!=": "ne", ">=": "uge", ">": "ugt"}
_ORDERED = {"<": "olt", "<=": "ole", "==": "oeq", "!=": "one", ">=": "oge", ">": "ogt", "ord": "ord"}
_UNORDERED = {"<": "ult", "<=": "ule", "==": "ueq", "!=": "une", ">=": "uge", ">": "ugt", "uno": "uno"}

_EXACT: dict[str, Callable[[int, int], int]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "and": operator.and_, "or": operator.or_,
    "xor": operator.xor,
}  # fmt: skip
_SHIFTS = frozenset(("shl", "lshr", "ashr"))


def _known(name: str, x: Value, y: Value) -> Value | None:
    """What an operation on whole numbers gives where one or both of them are known, if that is no new value."""
    if x.value is not None and y.value is not None and name in _EXACT:
        return Constant(x.type, _EXACT[name](x.value, y.value))
    if x.value == 0 and name in _SHIFTS:
        return x
    if y.value is None:
        if name not in _EXACT or name == "sub":
            return None
        x, y = y, x
    if y.value == 0:
        return y if name in ("mul", "and") else x
    return x if y.value == 1 and name == "mul" else None


def _whole(name: str) -> Callable[..., Value]:
    def write(self: IRBuilder, x: Value, y: Value, flags: Sequence[str] = ()) -> Value:
        if x.value is not None or y.value is not None:
            known = _known(name, x, y)
            if known is not None:
                return known
        words = " ".join([name, *flags]) if flags else name
        return self.pure(x.type, f"{words} {x.type.text} {x.text}, {y.text}")

    return write


def _division(name: str) -> Callable[..., Value]:
    def write(self: IRBuilder, x: Value, y: Value) -> Value:
        return self.pure(x.type, f"{name} {x.type.text} {x.text}, {y.text}")

    return write


def _compared(name: str, words: dict[str, str]) -> Callable[..., Value]:
    def write(self: IRBuilder, how: str, x: Value, y: Value) -> Value:
        kind = x.type
        return self.pure(vector(I1, kind.count), f"{name} {words[how]} {kind.text} {x.text}, {y.text}")

    return write


def _cast(name: str) -> Callable[..., Value]:
    def write(self: IRBuilder, x: Value, kind: Type) -> Value:
        return x if x.type is kind else self.pure(kind, f"{name} {x.type.text} {x.text} to {kind.text}")

    return write


class IRBuilder:
    """Writes at the end of a block of a function.

    Values that are not written in the order of the text have names: LLVM wants numbers to rise.
    """

    __slots__ = ("_known", "_lines", "_sign", "block", "function")

    def __init__(self, block: Block) -> None:
        self.function: Function = block.function
        self.position_at_end(block)

    def position_at_end(self, block: Block) -> None:
        """Write in a block from here on."""
        blocks = self.function.blocks
        if not block.placed:
            block.placed = True
            blocks.append(block)
        self.block, self._lines, self._known = block, block.lines, block.known
        self._sign = "%" if blocks[-1] is block else "%."

    @contextmanager
    def goto_entry_block(self) -> Iterator[None]:
        """What follows in the with-statement is written in the first block."""
        before, entry = self.block, self.function.blocks[0]
        self.position_at_end(entry)
        last = entry.lines.pop() if entry.is_terminated else None
        yield
        if last is not None:
            entry.lines.append(last)
        self.position_at_end(before)

    def pure(self, kind: Type, text: str) -> Value:
        """The value of an instruction that depends on its operands alone, and does nothing else."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self.result(kind, text)
        return known

    def result(self, kind: Type, text: str) -> Value:
        """Write an instruction that makes a value."""
        function = self.function
        function.count += 1
        name = f"{self._sign}{function.count}"
        self._lines.append(f"{name} = {text}")
        return Value(kind, name)

    # arithmetic

    add, sub, mul = _whole("add"), _whole("sub"), _whole("mul")
    and_, or_, xor = _whole("and"), _whole("or"), _whole("xor")
    shl, lshr, ashr = _whole("shl"), _whole("lshr"), _whole("ashr")
    fadd, fsub, fmul, fdiv = _division("fadd"), _division("fsub"), _division("fmul"), _division("fdiv")
    sdiv = _division("sdiv")

    def neg(self, x: Value) -> Value:
        """0 - x."""
        return self.sub(Constant(x.type, 0), x)

    def not_(self, x: Value) -> Value:
        """All bits the other way."""
        return self.xor(x, Constant(x.type, -1))

    def fneg(self, x: Value) -> Value:
        """The floating number with the other sign."""
        return self.pure(x.type, f"fneg {x.type.text} {x.text}")

    # comparison and choice

    icmp_signed, icmp_unsigned = _compared("icmp", _SIGNED), _compared("icmp", _UNSIGNED)
    fcmp_ordered, fcmp_unordered = _compared("fcmp", _ORDERED), _compared("fcmp", _UNORDERED)

    def select(self, condition: Value, x: Value, y: Value) -> Value:
        """The first where the condition holds, else the second."""
        kind = x.type
        return self.pure(
            kind, f"select {condition.type.text} {condition.text}, {kind.text} {x.text}, {kind.text} {y.text}"
        )

    # conversions

    sext, zext, trunc = _cast("sext"), _cast("zext"), _cast("trunc")
    fpext, fptrunc = _cast("fpext"), _cast("fptrunc")
    sitofp, uitofp = _cast("sitofp"), _cast("uitofp")
    bitcast, ptrtoint, inttoptr = _cast("bitcast"), _cast("ptrtoint"), _cast("inttoptr")

    # parts of vectors and structures

    def shuffle_vector(self, x: Value, y: Value, lanes: Value) -> Value:
        """Chosen lanes of two vectors, side by side."""
        kind, of, chosen = vector(x.type.element, lanes.type.count), x.type.text, lanes.type.text
        return self.pure(kind, f"shufflevector {of} {x.text}, {of} {y.text}, {chosen} {lanes.text}")

    def insert_element(self, x: Value, one: Value, lane: Value) -> Value:
        """A vector with one lane replaced."""
        return self.pure(
            x.type, f"insertelement {x.type.text} {x.text}, {one.type.text} {one.text}, {lane.type.text} {lane.text}"
        )

    def extract_element(self, x: Value, lane: Value) -> Value:
        """One lane of a vector."""
        return self.pure(x.type.element, f"extractelement {x.type.text} {x.text}, {lane.type.text} {lane.text}")

    def insert_value(self, x: Value, one: Value, place: int) -> Value:
        """A structure with one part replaced."""
        return self.pure(x.type, f"insertvalue {x.type.text} {x.text}, {one.type.text} {one.text}, {place}")

    def extract_value(self, x: Value, place: int) -> Value:
        """One part of a structure."""
        return self.pure(x.type.parts[place], f"extractvalue {x.type.text} {x.text}, {place}")

    # memory

    def alloca(self, kind: Type, count: int = 1, align: int = 1) -> Value:
        """Memory on the stack."""
        return self.result(POINTER, f"alloca {kind.text}, i32 {count}, align {align}")

    def gep(self, base: Value, offsets: Sequence[Value], inbounds: bool = False, source_etype: Any = None) -> Value:
        """The address some numbers of a type after another."""
        words = "getelementptr inbounds" if inbounds else "getelementptr"
        places = ", ".join([f"{o.type.text} {o.text}" for o in offsets])
        return self.pure(base.type, f"{words} {source_etype.text}, {base.type.text} {base.text}, {places}")

    def load(self, address: Value, align: int, typ: Type) -> Value:
        """Read memory."""
        return self.result(typ, f"load {typ.text}, ptr {address.text}, align {align}")

    def store(self, x: Value, address: Value, align: int) -> None:
        """Write memory."""
        self._lines.append(f"store {x.type.text} {x.text}, ptr {address.text}, align {align}")

    def load_atomic(self, address: Value, ordering: str, align: int, typ: Type) -> Value:
        """Read memory that other threads write."""
        return self.result(typ, f"load atomic {typ.text}, ptr {address.text} {ordering}, align {align}")

    def atomic_rmw(self, how: str, address: Value, x: Value, ordering: str) -> Value:
        """Change memory that other threads change; what it was before."""
        return self.result(x.type, f"atomicrmw {how} ptr {address.text}, {x.type.text} {x.text} {ordering}")

    # control

    def call(self, function: Function, arguments: Sequence[Value]) -> Value:
        """Call a function."""
        given = ", ".join([f"{x.type.text} {x.text}" for x in arguments])
        text = f"call {function.result.text} {function.text}({given})"
        if function.result is VOID:
            self._lines.append(text)
            return Value(VOID, "")
        return self.result(function.result, text)

    def phi(self, kind: Type) -> Phi:
        """What the block that ran before hands over."""
        function, block = self.function, self.block
        function.count += 1
        made = Phi(kind, f"{'%.' if block.lines else self._sign}{function.count}")
        block.phis.append(made)
        return made

    def _ends(self, text: str) -> None:
        self._lines.append(text)
        self.block.is_terminated = True

    def branch(self, block: Block) -> None:
        """Go on in a block."""
        self._ends(f"br label {block.text}")

    def cbranch(self, condition: Value, then: Block, otherwise: Block, likely: bool | None = None) -> None:
        """Go on in one of two blocks."""
        text = f"br i1 {condition.text}, label {then.text}, label {otherwise.text}"
        if likely is not None:
            weights = "i32 99, i32 1" if likely else "i32 1, i32 99"
            note = self.function.module.note(f'!"branch_weights", {weights}')
            text = f"{text}, !prof {note}"
        self._ends(text)

    def ret(self, x: Value) -> None:
        """Return a value."""
        self._ends(f"ret {x.type.text} {x.text}")

    def ret_void(self) -> None:
        """Return nothing."""
        self._ends("ret void")

    @contextmanager
    def if_then(self, condition: Value, likely: bool | None = None) -> Iterator[None]:
        """What follows in the with-statement runs if the condition holds."""
        then, end = (self.function.append_basic_block(name) for name in ("then", "end"))
        self.cbranch(condition, then, end, likely)
        with self._branch(then, end):
            yield
        self.position_at_end(end)

    @contextmanager
    def if_else(self, condition: Value) -> Iterator[tuple[AbstractContextManager[None], AbstractContextManager[None]]]:
        """Two bodies, of which the first runs if the condition holds, else the second."""
        then, otherwise, end = (self.function.append_basic_block(name) for name in ("then", "else", "end"))
        self.cbranch(condition, then, otherwise)
        yield self._branch(then, end), self._branch(otherwise, end)
        self.position_at_end(end)

    @contextmanager
    def _branch(self, block: Block, end: Block) -> Iterator[None]:
        self.position_at_end(block)
        yield
        if not self.block.is_terminated:
            self.branch(end)
