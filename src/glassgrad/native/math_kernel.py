"""What the functions of ``math_*.py`` are made of: facts of the two formats, polynomials, scaling, splitting.

Everything is built from operations that IEEE 754 fixes to the bit (+ − × ÷ √, the fused multiplication
and addition, integer operations, comparison and choice), in an order that LLVM may not change. So a
function has the same bits in every lane, however many lanes there are, and on every CPU; only the
payload of a NaN is not fixed. Errors are given in ulp: the distance from the exact result in units of the
last place of the format at that result.

The polynomials are minimax polynomials, fitted for this project with mpmath in 60 digits (exchange by
linear programming, lowest coefficient rounded first, the others fitted again). Each says what it
approximates, where, and the largest error after rounding its coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from glassgrad.native.builder import Builder
from glassgrad.native.emit import F32, F64, I32, I64, element_of


@dataclass(frozen=True)
class Format:
    """One of the two floating formats.

    Attributes
    ----------
    single : bool
        Whether it is float32.
    element, integer : LLVM types
        Of a number, and of an integer as wide.
    digits : int
        Stored bits of the significand.
    bias : int
        What is added to the exponent of 2 in a number's bits.
    tiny : float
        The smallest normal number.
    round : float
        1.5 · 2**digits: added to a smaller number, it leaves that rounded to an integer, in the low bits.
    """

    single: bool
    element: Any
    integer: Any
    digits: int
    bias: int
    tiny: float
    round: float

    def of(self, pair: tuple[Any, Any]) -> Any:
        """Of a pair of constants, those for this format: float32's come first."""
        return pair[0] if self.single else pair[1]


SINGLE = Format(True, F32, I32, 23, 127, 2.0**-126, 1.5 * 2.0**23)
DOUBLE = Format(False, F64, I64, 52, 1023, 2.0**-1022, 1.5 * 2.0**52)


def format_of(x: Any) -> Format:
    """The format of a value."""
    return SINGLE if x.type.element is F32 else DOUBLE


class Kernel(Builder):
    """A builder with the parts that elementary functions share."""

    # constants beside a value

    def same(self, value: float, x: Any) -> Any:
        """A constant of the type of x."""
        return self.const(value, x.type)

    def _plus(self, x: Any, value: float) -> Any:
        return self.add(x, self.same(value, x))

    def _minus(self, x: Any, value: float) -> Any:
        return self.sub(x, self.same(value, x))

    def _times(self, x: Any, value: float) -> Any:
        return self.mul(x, self.same(value, x))

    def _is(self, how: str, x: Any, value: float) -> Any:
        return self.compare(how, x, self.same(value, x))

    def at_most(self, x: Any, value: float) -> Any:
        """The smaller of x and a constant; NaN stays."""
        return self.select(self._is(">", x, value), self.same(value, x), x)

    def at_least(self, x: Any, value: float) -> Any:
        """The larger of x and a constant; NaN stays."""
        return self.select(self._is("<", x, value), self.same(value, x), x)

    def finite(self, x: Any) -> Any:
        """Whether x is neither infinite nor NaN."""
        return self._is("<", self.abs(x), math.inf)

    # polynomials

    def polynomial(self, x: Any, coefficients: Sequence[float]) -> Any:
        """c₀ + c₁ x + c₂ x² + …, pairs first (Estrin): a few operations more than Horner, but not one after another."""
        terms = [self.same(c, x) for c in coefficients]
        while len(terms) > 1:
            pairs = [self.fma(terms[i + 1], x, terms[i]) for i in range(0, len(terms) - 1, 2)]
            terms = pairs + terms[len(pairs) * 2 :]
            if len(terms) > 1:
                x = self.mul(x, x)
        return terms[0]

    # sums and products of two numbers with their rounding errors

    def quick_sum(self, x: Any, y: Any) -> tuple[Any, Any]:
        """The sum and its error, where |x| ≥ |y| or x = 0."""
        total = self.add(x, y)
        return total, self.sub(y, self.sub(total, x))

    def exact_sum(self, x: Any, y: Any) -> tuple[Any, Any]:
        """The sum and its error."""
        total = self.add(x, y)
        part = self.sub(total, x)
        return total, self.add(self.sub(x, self.sub(total, part)), self.sub(y, part))

    def exact_product(self, x: Any, y: Any) -> tuple[Any, Any]:
        """The product and its error."""
        product = self.mul(x, y)
        return product, self.fma(x, y, self.neg(product))

    # bits

    def to_bits(self, x: Any) -> Any:
        """The bits of a floating number."""
        return self.bitcast(x, format_of(x).integer)

    def from_bits(self, bits: Any) -> Any:
        """The floating number with these bits."""
        return self.bitcast(bits, F32 if element_of(bits.type).width == 32 else F64)

    def sign_of(self, x: Any) -> Any:
        """The bits of x without all but its sign."""
        bits = self.to_bits(x)
        width = element_of(bits.type).width
        return self.both(bits, self.same(-(2 ** (width - 1)), bits))

    def flip(self, x: Any, signs: Any) -> Any:
        """X with its sign changed where `signs`, made by `sign_of`, has one."""
        return self.from_bits(self.xor(self.to_bits(x), signs))

    def rounded(self, x: Any, factor: float, bias: int = 0) -> tuple[Any, Any]:
        """The integer n nearest to x · factor: as a floating number, and as bits whose low part is n + bias."""
        f = format_of(x)
        shifted = self.fma(x, self.same(factor, x), self.same(f.round + bias, x))
        return self._minus(shifted, f.round + bias), self.to_bits(shifted)

    def power_of_two(self, bits: Any, x: Any) -> Any:
        """2ⁿ, normal, from what `rounded` returned with the format's bias."""
        return self.from_bits(self.shift_left(bits, format_of(x).digits))

    def scaled(self, x: Any, bits: Any) -> Any:
        """X · 2ⁿ, rounded once though it may be subnormal, from what `rounded` returned with twice the bias."""
        digits = format_of(x).digits
        half = self.shift_right(bits, 1)
        rest = self.sub(bits, half)
        first, second = (self.from_bits(self.shift_left(part, digits)) for part in (half, rest))
        return self.mul(self.mul(x, first), second)

    def split(self, x: Any, lowest: float) -> tuple[Any, Any]:
        """X > 0 as m · 2ᵉ, lowest ≤ m < 2 · lowest and ½ < lowest < 1: m, and e as a floating number."""
        f = format_of(x)
        small = self._is("<", x, f.tiny)
        x = self.select(small, self._times(x, 2.0 ** (f.digits + 1)), x)
        bits = self.to_bits(x)
        one = self.to_bits(self.same(1.0, x))
        low = self.to_bits(self.same(lowest, x))
        moved = self.add(bits, self.sub(one, low))
        fraction = self.both(moved, self.same(2**f.digits - 1, bits))
        m = self.from_bits(self.add(fraction, low))
        # The exponent's bits as an integer become the low digits of a large floating number.
        large = self.to_bits(self.same(2.0**f.digits, x))
        exponent = self.from_bits(self.either(self.shift_right(moved, f.digits), large))
        shift = 2.0**f.digits + f.bias
        e = self.sub(exponent, self.select(small, self.same(shift + f.digits + 1, x), self.same(shift, x)))
        return m, e

    # precision

    def in_double(self, function: Callable[..., Any], *operands: Any) -> Any:
        """A function computed in float64 and rounded to the format of its operands."""
        element = element_of(operands[0].type)
        return self.convert(function(*(self.convert(x, F64) for x in operands)), element)
