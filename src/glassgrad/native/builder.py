"""Writes LLVM IR instruction by instruction.

Values are LLVM's own: numbers, or vectors of them. Every arithmetic method takes both, so that a gate is
lowered once, and the loop it stands in decides how wide it runs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from glassgrad.native.emit import F64, I1, I32, I64, POINTER, VOID, Code, ir, lanes_of, like, vector
from glassgrad.native.instructions import IRBuilder


class Builder:
    """Writes the body of one function.

    Parameters
    ----------
    code : Code
        The module.
    function : ir.Function
        Made by `Code.function`, without a body yet.
    """

    def __init__(self, code: Code, function: Any) -> None:
        self.code, self.function = code, function
        self.ir = IRBuilder(function.append_basic_block("entry"))

    # constants

    def const(self, value: float, kind: Any) -> Any:
        """A number, in every lane of `kind`."""
        return ir.Constant(kind, value)

    def bits(self, pattern: int, kind: Any) -> Any:
        """The floating number with these bits (IEEE 754), in every lane of `kind`."""
        code = "f" if kind.bytes == 4 else "d"
        (value,) = struct.unpack(f"<{code}", pattern.to_bytes(kind.bytes, "little"))
        return ir.Constant(kind, value)

    def truth(self, value: bool, lanes: int = 1) -> Any:
        """True or false, in every lane."""
        return ir.Constant(vector(I1, lanes), int(value))

    def like(self, x: Any, element: Any) -> Any:
        """The type of `element`, as wide as `x`."""
        return like(x.type, element)

    def index(self, value: int) -> Any:
        """A 64-bit whole number."""
        return ir.Constant(I64, value)

    def splat(self, x: Any, lanes: int) -> Any:
        """One number in every lane."""
        if lanes == 1:
            return x
        kind = vector(x.type, lanes)
        nothing = ir.Constant(kind, ir.Undefined)
        first = self.ir.insert_element(nothing, x, ir.Constant(I32, 0))
        return self.ir.shuffle_vector(first, nothing, ir.Constant(vector(I32, lanes), 0))

    def lane_numbers(self, lanes: int, element: Any = I64) -> Any:
        """0, 1, 2, … in the lanes."""
        return ir.Constant(vector(element, lanes), list(range(lanes)))

    # arithmetic, on numbers and vectors alike

    def add(self, x: Any, y: Any) -> Any:
        """The sum."""
        return self.ir.fadd(x, y) if x.type.floating else self.ir.add(x, y)

    def sub(self, x: Any, y: Any) -> Any:
        """The difference."""
        return self.ir.fsub(x, y) if x.type.floating else self.ir.sub(x, y)

    def mul(self, x: Any, y: Any) -> Any:
        """The product."""
        return self.ir.fmul(x, y) if x.type.floating else self.ir.mul(x, y)

    def div(self, x: Any, y: Any) -> Any:
        """The quotient, of floating numbers."""
        return self.ir.fdiv(x, y)

    def quotient(self, x: Any, y: Any) -> Any:
        """The quotient of signed whole numbers towards 0; y is not 0, and it fits."""
        return self.ir.sdiv(x, y)

    def neg(self, x: Any) -> Any:
        """-x, also of 0 and NaN."""
        return self.ir.fneg(x) if x.type.floating else self.ir.neg(x)

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        """The sum ``x * y + z``, rounded once."""
        return self.call("llvm.fma", x, y, z)

    def call(self, name: str, *operands: Any, result: Any = None) -> Any:
        """An LLVM intrinsic overloaded on the type of its first operand, such as ``llvm.sqrt``."""
        kind = operands[0].type
        full = f"{name}.{kind.suffix}"
        f = self.code.module.globals.get(full)
        if f is None:
            f = self.code.intrinsic(full, result or kind, [x.type for x in operands])
        return self.ir.call(f, operands)

    def sqrt(self, x: Any) -> Any:
        """The square root, correctly rounded."""
        return self.call("llvm.sqrt", x)

    def abs(self, x: Any) -> Any:
        """The absolute value."""
        if not x.type.floating:
            return self.select(self.compare("<", x, self.const(0, x.type)), self.neg(x), x)
        return self.call("llvm.fabs", x)

    def sign(self, x: Any) -> Any:
        """-1, 0 or 1; NaN of NaN."""
        zero = self.const(0, x.type)
        up = self.select(self.compare(">", x, zero), self.const(1, x.type), x)
        return self.select(self.compare("<", x, zero), self.const(-1, x.type), up)

    def floor(self, x: Any) -> Any:
        """Rounded down."""
        return self.call("llvm.floor", x)

    def ceil(self, x: Any) -> Any:
        """Rounded up."""
        return self.call("llvm.ceil", x)

    def trunc(self, x: Any) -> Any:
        """Rounded towards 0."""
        return self.call("llvm.trunc", x)

    def rint(self, x: Any) -> Any:
        """Rounded to the nearest, ties to even."""
        return self.call("llvm.roundeven", x)

    def copysign(self, x: Any, y: Any) -> Any:
        """|x| with the sign of y."""
        return self.call("llvm.copysign", x, y)

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger; NaN if either is, as NumPy's."""
        chosen = self.select(self.compare(">", x, y), x, y)
        return self.select(self.is_nan(x), x, chosen) if x.type.floating else chosen

    def minimum(self, x: Any, y: Any) -> Any:
        """The smaller; NaN if either is, as NumPy's."""
        chosen = self.select(self.compare("<", x, y), x, y)
        return self.select(self.is_nan(x), x, chosen) if x.type.floating else chosen

    # comparison and choice

    def compare(self, how: str, x: Any, y: Any, signed: bool = True) -> Any:
        """One bit for each lane: ``how`` is one of < <= == != >= >; false with NaN, but for ``!=``."""
        if x.type.floating:
            return self.ir.fcmp_unordered(how, x, y) if how == "!=" else self.ir.fcmp_ordered(how, x, y)
        return self.ir.icmp_signed(how, x, y) if signed else self.ir.icmp_unsigned(how, x, y)

    def is_nan(self, x: Any) -> Any:
        """Whether x is not a number."""
        return self.ir.fcmp_unordered("uno", x, x)

    def select(self, condition: Any, x: Any, y: Any) -> Any:
        """The first where the condition holds, else the second."""
        return self.ir.select(condition, x, y)

    def both(self, x: Any, y: Any) -> Any:
        """Bitwise and."""
        return self.ir.and_(x, y)

    def either(self, x: Any, y: Any) -> Any:
        """Bitwise or."""
        return self.ir.or_(x, y)

    def xor(self, x: Any, y: Any) -> Any:
        """Bitwise exclusive or."""
        return self.ir.xor(x, y)

    def invert(self, x: Any) -> Any:
        """Every bit turned."""
        return self.xor(x, self.const(-1, x.type))

    def shift_left(self, x: Any, by: Any) -> Any:
        """Shift to the left by a number of bits, fixed or a value, that is less than those of x."""
        return self.ir.shl(x, self.const(by, x.type) if isinstance(by, int) else by)

    def shift_right(self, x: Any, by: Any, signed: bool = False) -> Any:
        """Shift to the right by a number of bits, fixed or a value; `signed` keeps the sign."""
        return (self.ir.ashr if signed else self.ir.lshr)(x, self.const(by, x.type) if isinstance(by, int) else by)

    # conversions

    def bitcast(self, x: Any, element: Any) -> Any:
        """The same bits as numbers of another type of the same width."""
        return self.ir.bitcast(x, like(x.type, element))

    def to_int(self, x: Any, element: Any = I32, signed: bool = True) -> Any:
        """A floating number, towards 0; what does not fit is saturated and NaN is 0, on every CPU alike."""
        kind = like(x.type, element)
        name = "fptosi" if signed else "fptoui"
        f = self.code.intrinsic(f"llvm.{name}.sat.{kind.suffix}.{x.type.suffix}", kind, [x.type])
        return self.ir.call(f, [x])

    def to_float(self, x: Any, element: Any, signed: bool = True) -> Any:
        """A whole number as a floating one."""
        kind = like(x.type, element)
        return self.ir.sitofp(x, kind) if signed else self.ir.uitofp(x, kind)

    def convert(self, x: Any, element: Any) -> Any:
        """Between float and double."""
        kind = like(x.type, element)
        if kind is x.type:
            return x
        return self.ir.fpext(x, kind) if element is F64 else self.ir.fptrunc(x, kind)

    def widen(self, x: Any, element: Any, signed: bool = True) -> Any:
        """A whole number in more bits."""
        kind = like(x.type, element)
        return self.ir.sext(x, kind) if signed else self.ir.zext(x, kind)

    def narrow(self, x: Any, element: Any) -> Any:
        """The low bits of a whole number."""
        return self.ir.trunc(x, like(x.type, element))

    # across lanes

    def across(self, x: Any, join: Callable[[Any, Any], Any]) -> Any:
        """The lanes joined in a fixed order: halves, until one number is left."""
        while (half := lanes_of(x.type) // 2) > 0:
            x = join(self.part(x, 0, half), self.part(x, half, half))
        return x

    def total(self, x: Any) -> Any:
        """The sum over the lanes."""
        return self.across(x, self.add)

    def largest(self, x: Any) -> Any:
        """The largest of the lanes; NaN if one is."""
        return self.across(x, self.maximum)

    def part(self, x: Any, first: int, count: int) -> Any:
        """Some lanes side by side; of one, the number itself."""
        if count == 1:
            return self.ir.extract_element(x, ir.Constant(I32, first))
        mask = ir.Constant(vector(I32, count), list(range(first, first + count)))
        return self.ir.shuffle_vector(x, ir.Constant(x.type, ir.Undefined), mask)

    def zip(self, x: Any, y: Any) -> Any:
        """The lanes of two vectors by turns: x₀, y₀, x₁, y₁ and so on."""
        lanes = lanes_of(x.type)
        order = [i + lanes * turn for i in range(lanes) for turn in range(2)]
        return self.ir.shuffle_vector(x, y, ir.Constant(vector(I32, 2 * lanes), order))

    # memory

    def at(self, base: Any, offset: Any, element: Any) -> Any:
        """The address of number `offset` (a Python or 64-bit number) after `base`."""
        if isinstance(offset, int):
            if offset == 0:
                return base
            offset = self.index(offset)
        return self.ir.gep(base, [offset], inbounds=True, source_etype=element)

    def load(self, address: Any, kind: Any, align: int | None = None) -> Any:
        """Read a number or vector; aligned to one number unless told."""
        return self.ir.load(address, align or kind.bytes, kind)

    def store(self, x: Any, address: Any, align: int | None = None) -> None:
        """Write a number or vector."""
        self.ir.store(x, address, align or x.type.bytes)

    def first_lanes(self, count: Any, lanes: int) -> Any:
        """A mask with the first `count` lanes on; `count` is a Python or a 64-bit number."""
        if isinstance(count, int):
            return ir.Constant(vector(I1, lanes), [int(i < count) for i in range(lanes)])
        return self.ir.icmp_unsigned("<", self.lane_numbers(lanes), self.splat(count, lanes))

    def load_masked(self, address: Any, kind: Any, mask: Any) -> Any:
        """Read the lanes of the mask; the others are 0 and their memory is not touched."""
        name = f"llvm.masked.load.{kind.suffix}.p0"
        f = self.code.intrinsic(name, kind, [POINTER, I32, mask.type, kind])
        align = ir.Constant(I32, kind.bytes)
        return self.ir.call(f, [address, align, mask, ir.Constant(kind, None)])

    def store_masked(self, x: Any, address: Any, mask: Any) -> None:
        """Write the lanes of the mask; the memory of the others is not touched."""
        name = f"llvm.masked.store.{x.type.suffix}.p0"
        f = self.code.intrinsic(name, VOID, [x.type, POINTER, I32, mask.type])
        self.ir.call(f, [x, address, ir.Constant(I32, x.type.bytes), mask])

    def ask_for(self, address: Any) -> None:
        """Have the memory here brought into the cache while other things are done; any address will do."""
        f = self.code.intrinsic("llvm.prefetch.p0", VOID, [POINTER, I32, I32, I32])
        self.ir.call(f, [address, ir.Constant(I32, 0), ir.Constant(I32, 3), ir.Constant(I32, 1)])

    def room(self, kind: Any, count: int = 1, align: int = 64) -> Any:
        """Memory on the stack, taken once at the start of the function."""
        with self.ir.goto_entry_block():
            return self.ir.alloca(kind, count, align)

    # control

    @contextmanager
    def loop(self, start: Any, stop: Any, step: int = 1) -> Iterator[Any]:
        """``for i in range(start, stop, step)``, with 64-bit numbers; the body stands in the with-statement.

        The condition stands behind the body, as LLVM's passes would put it. One turn for certain is no loop.
        """
        runs = _runs(start, stop)
        if runs and start + step >= stop:
            yield self.index(start)
            return
        start = self.index(start) if isinstance(start, int) else start
        stop = self.index(stop) if isinstance(stop, int) else stop
        before = self.ir.block
        body, end = (self.function.append_basic_block(name) for name in ("body", "end"))
        if runs:
            self.ir.branch(body)
        else:
            self.ir.cbranch(self.ir.icmp_signed("<", start, stop), body, end)
        self.ir.position_at_end(body)
        i = self.ir.phi(I64)
        i.add_incoming(start, before)
        yield i
        following = self.ir.add(i, self.index(step), flags=("nsw",))
        i.add_incoming(following, self.ir.block)
        self.ir.cbranch(self.ir.icmp_signed("<", following, stop), body, end)
        self.ir.position_at_end(end)

    def carry(
        self, start: Any, stop: Any, step: int, first: Sequence[Any], body: Callable[[Any, list[Any]], Sequence[Any]]
    ) -> list[Any]:
        """A loop that carries values in registers: ``body(i, values)`` returns the next values."""
        before = self.ir.block
        with self.loop(start, stop, step) as i:
            if self.ir.block is before:  # there is one turn
                return list(body(i, list(first)))
            values = self._phis(first, before)
            after = list(body(i, list(values)))
            last = self.ir.block
            _come_in(values, after, last)
        if _runs(start, stop):
            return after
        results = self._phis(first, before)
        _come_in(results, after, last)
        return results

    def _phis(self, values: Sequence[Any], block: Any) -> list[Any]:
        """What these values, which come from a block, may be replaced by."""
        phis = [self.ir.phi(x.type) for x in values]
        _come_in(phis, values, block)
        return phis

    def when(self, condition: Any) -> Any:
        """``with b.when(condition):`` runs the body if the one-bit condition holds."""
        return self.ir.if_then(condition)

    def finish(self, result: Any = None) -> None:
        """Return from the function."""
        if result is None:
            self.ir.ret_void()
        else:
            self.ir.ret(result)


def _runs(start: Any, stop: Any) -> bool:
    """Whether a loop is known to have a turn."""
    return isinstance(start, int) and isinstance(stop, int) and start < stop


def _come_in(phis: Sequence[Any], values: Sequence[Any], block: Any) -> None:
    for phi, x in zip(phis, values, strict=True):
        phi.add_incoming(x, block)


def tell(code: Code, name: str, number: int) -> None:
    """Write a function that returns a number: what is known when code is written, kept with the code."""
    b = Builder(code, code.function(name, [], I64))
    b.finish(b.index(number))
