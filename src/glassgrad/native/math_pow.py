"""The general power x ** y: e^(y ln |x|) in twice the precision of its result, and its sign."""

from __future__ import annotations

import math
from typing import Any

from glassgrad.native.emit import F64
from glassgrad.native.math_exp import Exponential
from glassgrad.native.math_kernel import format_of

# (2 artanh s / s − 2) / s² for |s| ≤ (√2 − 1) / (√2 + 1), in s²; relative error of the logarithm below 2^-51.2
_SINGLE = (
    0.666666666665872, 0.400000000522764, 0.28571417129327886,
    0.22223371717160792, 0.18123641457992218, 0.16819835315628692,
)  # fmt: skip
# the same without its first term, ⅔, in s²; relative error of the logarithm below 2^-72.4
_DOUBLE = (
    0.3999999999999998, 0.2857142857144384, 0.22222222217789775, 0.1818181884398279,
    0.15384558429614428, 0.13336264444308485, 0.11675782057413743, 0.1198174052168369,
)  # fmt: skip
# (eʳ − 1 − r) / r² for |r| ≤ 0.3474; relative error of the exponential below 2^-34.2
_EXP = (
    0.500000007896186, 0.16666666863941973, 0.04166626634893351,
    0.008333263578189058, 0.0013946332237175264, 0.00019918818614453866,
)  # fmt: skip
_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
_LOG2E = (1.4426950408889634, 2.0355273740931033e-17)


class Power(Exponential):
    """A builder with the general power."""

    def pow(self, x: Any, y: Any) -> Any:
        """X ** y, with C's and NumPy's rules for what is not finite; of float32 computed in float64."""
        single = format_of(x).single
        size = self.abs(x)
        if single:
            size = self.convert(self._pow_single(self.convert(size, F64), self.convert(y, F64)), format_of(x).element)
        else:
            size = self._pow_double(size, y)
        zero, one, infinity, nan = (self.same(v, x) for v in (0.0, 1.0, math.inf, math.nan))
        # Where |x| is 0 or infinite, or y is, the result is 0 or infinite, but 1 for |x| = 1.
        falls = self.xor(self._is("<", self.abs(x), 1.0), self._is("<", y, 0.0))
        extreme = self.either(self._is("==", x, 0.0), self._is("==", self.abs(x), math.inf))
        extreme = self.either(extreme, self._is("==", self.abs(y), math.inf))
        edge = self.select(self._is("==", self.abs(x), 1.0), one, self.select(falls, zero, infinity))
        size = self.select(extreme, edge, size)
        size = self.select(self.either(self.is_nan(x), self.is_nan(y)), nan, size)
        # An odd integer has a half that is none.
        half = self._times(y, 0.5)
        whole = self.compare("==", self.floor(y), y)
        odd = self.both(whole, self.compare("!=", self.floor(half), half))
        size = self.select(odd, self.copysign(size, x), size)
        below = self.both(self._is("<", x, 0.0), self._is(">", x, -math.inf))
        broken = self.both(self.finite(y), self.compare("!=", self.floor(y), y))
        size = self.select(self.both(below, broken), nan, size)
        return self.select(self.either(self._is("==", y, 0.0), self._is("==", x, 1.0)), one, size)

    def _pow_single(self, x: Any, y: Any) -> Any:
        """X ** y for float64 numbers that were float32, x > 0, to about 33 bits."""
        m, e = self.split(x, math.sqrt(0.5))
        f = self._minus(m, 1.0)
        s = self.div(f, self._plus(m, 1.0))
        z = self.mul(s, s)
        logarithm = self.fma(self.mul(s, z), self.polynomial(z, _SINGLE), self.add(s, s))
        power = self.mul(y, self.fma(logarithm, self.same(_LOG2E[0], x), e))
        power = self.at_least(self.at_most(power, 200.0), -200.0)
        n, bits = self.rounded(power, 1.0, 1023)
        r = self._times(self.sub(power, n), math.log(2))
        small = self.fma(self.mul(r, r), self.polynomial(r, _EXP), r)
        return self.mul(self._plus(small, 1.0), self.power_of_two(bits, x))

    def _pow_double(self, x: Any, y: Any) -> Any:
        """X ** y for x > 0; the logarithm has an error below 2^-64 of itself."""
        high, low = self._log2_pair(x)
        power, rest = self.exact_product(y, high)
        rest = self.fma(y, low, rest)
        inside = self._is("<", self.abs(power), 1100.0)
        rest = self.select(inside, rest, self.same(0.0, x))
        power = self.at_least(self.at_most(power, 1100.0), -1100.0)
        n, bits = self.rounded(power, 1.0, 2046)
        r = self._times(self.add(self.sub(power, n), rest), math.log(2))
        return self.scaled(self._plus(self.small_expm1(r), 1.0), bits)

    def _log2_pair(self, x: Any) -> tuple[Any, Any]:
        """log₂ x as the sum of two numbers, from s = (m − 1) / (m + 1) and 2 artanh s = 2 s + s³ (⅔ + …)."""
        m, e = self.split(x, math.sqrt(0.5))
        f = self._minus(m, 1.0)
        below, below_low = self.quick_sum(self.same(1.0, x), m)
        inverse = self.div(self.same(1.0, x), below)
        s = self.mul(f, inverse)
        missing = self.fma(self.neg(s), below_low, self.fma(self.neg(s), below, f))
        s_low = self.mul(missing, inverse)
        z, z_low = self.exact_product(s, s)
        z_low = self.fma(self.add(s, s), s_low, z_low)
        tail = self.mul(z, self.polynomial(z, _DOUBLE))
        u, u_low = self.quick_sum(self.same(_THIRDS[0], x), tail)
        u_low = self._plus(u_low, _THIRDS[1])
        p, p_low = self.exact_product(z, u)
        p_low = self.fma(z, u_low, self.fma(z_low, u, p_low))
        q, q_low = self.exact_product(s, p)
        q_low = self.fma(s, p_low, self.fma(s_low, p, q_low))
        high, low = self.quick_sum(self.add(s, s), q)
        low = self.add(low, self.fma(s_low, self.same(2.0, x), q_low))
        g, g_low = self.exact_product(high, self.same(_LOG2E[0], x))
        g_low = self.fma(high, self.same(_LOG2E[1], x), self.fma(low, self.same(_LOG2E[0], x), g_low))
        total, rest = self.quick_sum(e, g)
        return self.quick_sum(total, self.add(rest, g_low))
