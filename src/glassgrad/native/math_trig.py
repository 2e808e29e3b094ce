"""Sine, cosine and tangent, right for every finite number, and their inverses."""

from __future__ import annotations

import itertools
import math
from typing import Any

from glassgrad.native.emit import F32, F64, I1, I32, I64, POINTER, element_of, ir, lanes_of, suffix, vector
from glassgrad.native.math_kernel import Kernel, format_of

# π/2 as the sum of numbers of the format
_HALF_PI = (
    (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
)
# (sin r / r − 1) / r² in r²; |r| ≤ 0.82 and 0.7855, relative error of the sine below 2^-27.4 and 2^-58.0
_SIN = (
    (-0.16666650772094727, 0.00833191815763712, -0.00019482758943922818),
    (
        -0.16666666666666632, 0.008333333333322486, -0.00019841269829853154, 2.755731370490245e-06,
        -2.505075985098906e-08, 1.5896883587413139e-10,
    ),
)  # fmt: skip
# (cos r − 1 + r²/2) / r⁴ in r², same intervals; relative error of the cosine below 2^-32.2 and 2^-63.9
_COS = (
    (0.04166663810610771, -0.0013886959059163928, 2.4393648345721886e-05),
    (
        0.041666666666666595, -0.0013888888888873338, 2.4801587288997492e-05, -2.755731421530524e-07,
        2.0875705116205255e-09, -1.1358732855101167e-11,
    ),
)  # fmt: skip
# (tan r / r − 1) / r² in r² for |r| ≤ 0.82; relative error of the tangent below 2^-28.3
_TAN = (
    0.33333367109298706, 0.13332071900367737, 0.05412611737847328, 0.02094513736665249,
    0.01169601734727621, -0.0009828975889831781, 0.0048960307613015175,
)  # fmt: skip
# Up to here three parts of π/2 suffice.
_NEAR = (2.0**16, 2.0**28)
# The first 1280 bits of 2/π after 64 zeros, for numbers beyond.
_TWO_OVER_PI = (
    "0000000000000000"
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e0"
    "06492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f4"
    "9c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d"
    "7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361d"
)
_WORDS = [int(_TWO_OVER_PI[i : i + 16], 16) for i in range(0, len(_TWO_OVER_PI), 16)]
_LOW = 2**32 - 1


class Trigonometry(Kernel):
    """A builder with sin, cos and tan."""

    def sin(self, x: Any) -> Any:
        """The sine."""
        high, low, quarter = self._reduced(self.abs(x))
        return self._of_quarter(high, low, quarter, self.sign_of(x))

    def cos(self, x: Any) -> Any:
        """The cosine: the sine a quarter turn later."""
        high, low, quarter = self._reduced(self.abs(x))
        return self._of_quarter(high, low, self.add(quarter, self.same(1, quarter)), None)

    def tan(self, x: Any) -> Any:
        """The tangent."""
        high, low, quarter = self._reduced(self.abs(x))
        odd = self._odd(quarter)
        if format_of(x).single:
            z = self.mul(high, high)
            rest = self.fma(self.mul(high, z), self.polynomial(z, _TAN), low)
            y, lost = self.quick_sum(high, rest)
            inverse = self.div(self.same(-1.0, x), y)
            missing = self.fma(inverse, lost, self.fma(inverse, y, self.same(1.0, x)))
            y = self.select(odd, self.fma(inverse, missing, inverse), y)
        else:
            sine, cosine = self._sine(high, low), self._cosine(high, low)
            y = self.div(self.select(odd, self.neg(cosine), sine), self.select(odd, sine, cosine))
        return self.flip(y, self.sign_of(x))

    def _of_quarter(self, high: Any, low: Any, quarter: Any, signs: Any) -> Any:
        """The sine of r + n π/2, with its sign changed where `signs` has one."""
        y = self.select(self._odd(quarter), self._cosine(high, low), self._sine(high, low))
        turned = self.shift_left(self.shift_right(quarter, 1), element_of(quarter.type).width - 1)
        return self.flip(y, turned if signs is None else self.xor(turned, signs))

    def _odd(self, quarter: Any) -> Any:
        return self.compare("!=", self.both(quarter, self.same(1, quarter)), self.same(0, quarter))

    def _sine(self, high: Any, low: Any) -> Any:
        z = self.mul(high, high)
        inner = self.polynomial(z, format_of(high).of(_SIN))
        return self.add(high, self.fma(self.mul(high, z), inner, low))

    def _cosine(self, high: Any, low: Any) -> Any:
        z = self.mul(high, high)
        half = self._times(z, 0.5)
        one = self.same(1.0, z)
        total = self.sub(one, half)
        lost = self.sub(self.sub(one, total), half)
        inner = self.polynomial(z, format_of(high).of(_COS))
        rest = self.fma(self.mul(z, z), inner, self.fma(self.neg(high), low, lost))
        return self.add(total, rest)

    def _reduced(self, x: Any) -> tuple[Any, Any, Any]:
        """High and low part of r, and bits whose low end is n: x = n π/2 + r with |r| about π/4 at most, x ≥ 0."""
        f = format_of(x)
        first, second, third = f.of(_HALF_PI)
        n, bits = self.rounded(x, 2 / math.pi)
        rest = self.fma(n, self.same(-first, x), x)  # exact
        product, error = self.exact_product(n, self.same(second, x))
        high, low = self.exact_sum(rest, self.neg(product))
        low = self.fma(n, self.same(-third, x), self.sub(low, error))
        high, low = self.quick_sum(high, low)
        return self._far(x, high, low, bits)

    def _far(self, x: Any, high: Any, low: Any, bits: Any) -> tuple[Any, Any, Any]:
        """The same where x is large.

        The longer way is gone only if some lane needs it; what a lane gets does not depend on the others.
        """
        f = format_of(x)
        far = self._is(">", x, f.of(_NEAR))
        lanes = lanes_of(x.type)
        some = far if lanes == 1 else self.call("llvm.vector.reduce.or", far, result=I1)
        before = self.ir.block
        with self.ir.if_then(some, likely=False):
            turned = self.ir.call(self._far_function(lanes), [self.convert(x, F64)])
            parts = [self.ir.extract_value(turned, i) for i in range(3)]
            if f.single:
                short = self.convert(parts[0], F32)
                parts[1] = self.convert(self.sub(parts[0], self.convert(short, F64)), F32)
                parts[0], parts[2] = short, self.narrow(parts[2], I32)
            chosen = [self.select(far, new, old) for new, old in zip(parts, (high, low, bits), strict=True)]
            after = self.ir.block
        results = []
        for new, old in zip(chosen, (high, low, bits), strict=True):
            phi = self.ir.phi(old.type)
            phi.add_incoming(old, before)
            phi.add_incoming(new, after)
            results.append(phi)
        return results[0], results[1], results[2]

    def _far_function(self, lanes: int) -> Any:
        """The function of the module that reduces large float64 numbers, written at its first use."""
        numbers, integers = vector(F64, lanes), vector(I64, lanes)
        name = f"quarter_turns.{suffix(numbers)}"
        known = self.code.module.globals.get(name)
        if known is None:
            result = ir.LiteralStructType([numbers, numbers, integers])
            known = self.code.function(name, [numbers], result, exported=False)
            known.attributes.add("noinline")
            inner = _FarTurns(self.code, known)
            packed = ir.Constant(result, ir.Undefined)
            for i, value in enumerate(inner.turns(known.args[0])):
                packed = inner.ir.insert_value(packed, value, i)
            inner.finish(packed)
        return known


class _FarTurns(Kernel):
    """The body of the reduction after Payne and Hanek: x · 2/π, whose whole turns are never computed."""

    def turns(self, x: Any) -> tuple[Any, Any, Any]:
        """High and low part of r and the number of quarter turns, for x ≥ 2**16, infinity and NaN."""
        bits = self.to_bits(x)
        exponent = self.shift_right(bits, 52)
        # x is a 53-bit integer times 2**(exponent − 1075). The bits of 2/π from `start` on matter:
        # those before make whole turns of it, and there are 192 of them, 60 more than the worst x needs.
        start = self.add(exponent, self.same(-1075 + 62, bits))
        window = self._window(start)
        fraction = self.either(self.both(bits, self.same(2**52 - 1, bits)), self.same(2**52, bits))
        digits = self._product(fraction, window)
        # The first two bits count quarter turns; they are rounded to the nearest.
        top = self.either(self.shift_left(digits[0], 32), digits[1])
        quarter = self.shift_right(self.add(top, self.same(2**61, top)), 62)
        signed = self.shift_right(self.sub(top, self.shift_left(quarter, 62)), 32, signed=True)
        # Integers of 32 bits fit into float64, and all signed ones become positive by adding 2**32.
        first = self._minus(self._number(self.add(signed, self.same(2**32, top))), 2.0**32)
        parts = [first, *(self._number(d) for d in digits[1:4])]
        a, b, c, d = (self._times(part, 2.0 ** (-30 - 32 * i)) for i, part in enumerate(parts))
        high, error = self.exact_sum(a, b)
        middle, last = self.exact_sum(c, d)
        high, lost = self.exact_sum(high, middle)
        high, low = self.quick_sum(high, self.add(self.add(error, lost), last))
        pi_high, pi_low, _ = _HALF_PI[1]
        product, rest = self.exact_product(high, self.same(pi_high, x))
        rest = self.fma(high, self.same(pi_low, x), self.fma(low, self.same(pi_high, x), rest))
        product, rest = self.quick_sum(product, rest)
        product = self.select(self.finite(x), product, self.same(math.nan, x))
        return product, rest, quarter

    def _number(self, x: Any) -> Any:
        """A positive integer below 2⁵² as a floating number: conversion of 64-bit integers is not everywhere."""
        large = self.bitcast(self.same(2**52, self.bitcast(x, F64)), I64)
        return self._minus(self.bitcast(self.either(x, large), F64), 2.0**52)

    def _window(self, start: Any) -> list[Any]:
        """192 bits of 2/π as six numbers of 32 bits, the first bits first."""
        place, by = self.shift_right(start, 6), self.both(start, self.same(63, start))
        table = self.code.table([w - 2**64 if w >= 2**63 else w for w in _WORDS], I64)
        # an infinite x has no place there
        place = self.select(self.compare(">", place, self.same(len(_WORDS) - 4, place)), self.same(0, place), place)
        words = [self._gather(table, self.add(place, self.same(i, place))) for i in range(4)]
        back = self.sub(self.same(63, by), by)
        digits = []
        for word, following in itertools.pairwise(words):
            shifted = self.either(self.ir.shl(word, by), self.ir.lshr(self.shift_right(following, 1), back))
            digits += [self.shift_right(shifted, 32), self.both(shifted, self.same(_LOW, shifted))]
        return digits

    def _gather(self, table: Any, places: Any) -> Any:
        """The words at some places of a table."""
        lanes = lanes_of(places.type)
        if lanes == 1:
            return self.load(self.at(table, places, I64), I64)
        pointers = vector(POINTER, lanes)
        base = self.splat(self.ir.ptrtoint(table, I64), lanes)
        addresses = self.ir.inttoptr(self.add(base, self.shift_left(places, 3)), pointers)
        name = f"llvm.masked.gather.{suffix(places.type)}.v{lanes}p0"
        on = self.truth(True, lanes)
        f = self.code.intrinsic(name, places.type, [pointers, I32, on.type, places.type])
        return self.ir.call(f, [addresses, ir.Constant(I32, 8), on, ir.Constant(places.type, None)])

    def _product(self, fraction: Any, window: list[Any]) -> list[Any]:
        """The low 192 bits of a 53-bit number times the window, as numbers of 32 bits, the first bits first."""
        low = self.same(_LOW, fraction)
        near, far = self.both(fraction, low), self.shift_right(fraction, 32)
        digits, carry = [], self.same(0, fraction)
        for i in range(5, -1, -1):
            total = self.add(self.mul(near, window[i]), carry)
            other = self.both(total, low)
            if i < 5:
                other = self.add(other, self.mul(far, window[i + 1]))
            digits.insert(0, self.both(other, low))
            carry = self.add(self.shift_right(total, 32), self.shift_right(other, 32))
        return digits
