"""The exponential and what is made of it: exp, exp2, expm1, tanh, sigmoid, sinh, cosh."""

from __future__ import annotations

import math
from typing import Any

from glassgrad.native.math_kernel import Kernel, format_of

_LOG2E = 1 / math.log(2)
# ln 2 as a number of the format and what is missing
_LN2 = ((0.6931471824645996, -1.9046542121259336e-09), (0.6931471805599453, 2.3190468138462996e-17))
# (eʳ − 1 − r) / r² for |r| ≤ 0.3474; relative error of eʳ − 1 below 2^-26.1 and 2^-61.6
_EXP = (
    (0.4999999701976776, 0.1666654497385025, 0.041667453944683075, 0.008366442285478115, 0.001386905205436051),
    (
        0.5, 0.16666666666666677, 0.04166666666666667, 0.00833333333332171, 0.0013888888888900222,
        0.0001984126988568993, 2.48015872681305e-05, 2.755724470601533e-06, 2.755733709534344e-07,
        2.5108869211189585e-08, 2.0892048235797318e-09,
    ),
)  # fmt: skip
# (sinh x / x − 1) / x² for |x| ≤ 1, in x²; relative error of sinh below 2^-31.6 and 2^-61.8
_SINH = (
    (0.1666666716337204, 0.00833331048488617, 0.00019842895562760532, 2.7822131869470468e-06),
    (
        0.16666666666666669, 0.008333333333332912, 0.00019841269841593402, 2.7557319106762496e-06,
        2.505213099719721e-08, 1.6056659338074734e-10, 7.776593305470375e-13,
    ),
)  # fmt: skip
# arguments beyond which eˣ and 2ˣ are surely 0 or infinite
_EXP_RANGE = ((-104.0, 89.0), (-746.0, 710.0))
_EXP2_RANGE = ((-151.0, 129.0), (-1076.0, 1025.0))
# where tanh is 1, where sinh and cosh are infinite, and below which expm1 is −1
_TANH_ONE, _SINH_INFINITE, _EXPM1_LOWEST = (9.1, 20.0), (90.0, 711.0), (-18.0, -38.0)


class Exponential(Kernel):
    """A builder with the exponential family."""

    def remainder_of_ln2(self, x: Any, bias: int) -> tuple[Any, Any]:
        """R and the bits of n (see `rounded`), x = n ln 2 + r and |r| ≤ ½ ln 2; the error of r is half an ulp of r."""
        n, bits = self.rounded(x, _LOG2E, bias)
        high, low = format_of(x).of(_LN2)
        return self.fma(n, self.same(-low, x), self.fma(n, self.same(-high, x), x)), bits

    def small_expm1(self, r: Any) -> Any:
        """The difference eʳ − 1 for |r| ≤ 0.3474."""
        return self.fma(self.mul(r, r), self.polynomial(r, format_of(r).of(_EXP)), r)

    def exp(self, x: Any) -> Any:
        """eˣ, also where it is subnormal.

        e^(n ln 2 + r) = 2ⁿ (1 + (eʳ − 1)).
        """
        f = format_of(x)
        lowest, highest = f.of(_EXP_RANGE)
        r, bits = self.remainder_of_ln2(self.at_least(self.at_most(x, highest), lowest), 2 * f.bias)
        return self.scaled(self._plus(self.small_expm1(r), 1.0), bits)

    def exp_of_negative(self, x: Any) -> Any:
        """eˣ for x ≤ 0."""
        f = format_of(x)
        r, bits = self.remainder_of_ln2(self.at_least(x, f.of(_EXP_RANGE)[0]), 2 * f.bias)
        return self.scaled(self._plus(self.small_expm1(r), 1.0), bits)

    def exp2(self, x: Any) -> Any:
        """2ˣ, exact where x is an integer."""
        f = format_of(x)
        lowest, highest = f.of(_EXP2_RANGE)
        x = self.at_least(self.at_most(x, highest), lowest)
        n, bits = self.rounded(x, 1.0, 2 * f.bias)
        r = self._times(self.sub(x, n), math.log(2))
        return self.scaled(self._plus(self.small_expm1(r), 1.0), bits)

    def expm1(self, x: Any) -> Any:
        """The difference eˣ − 1, which near 0 keeps all its digits."""
        f = format_of(x)
        y = self.at_least(self.at_most(x, f.of(_EXP_RANGE)[1]), f.of(_EXPM1_LOWEST))
        r, bits = self.remainder_of_ln2(y, f.bias - 1)
        half = self.power_of_two(bits, x)  # half of 2ⁿ, which may be too large itself
        total = self.fma(half, self.small_expm1(r), self._minus(half, 0.5))
        # −0 is lost above
        return self.copysign(self.add(total, total), x)

    def tanh(self, x: Any) -> Any:
        """The hyperbolic tangent: h / (1 + h) with h = ½ (e^(2|x|) − 1), where 2|x| = n ln 2 + 2 r."""
        f = format_of(x)
        y = self.at_most(self.abs(x), f.of(_TANH_ONE))
        n, bits = self.rounded(y, 2 * _LOG2E, f.bias)
        # What the low part of ln 2 would add is lost in 1 + h.
        r = self.fma(n, self.same(-0.5 * f.of(_LN2)[0], x), y)
        scale = self.power_of_two(bits, x)
        doubled = [c * 2 ** (i + 1) for i, c in enumerate(f.of(_EXP))]
        small = self.fma(self.mul(r, r), self.polynomial(r, doubled), r)
        h = self.fma(scale, small, self.fma(scale, self.same(0.5, x), self.same(-0.5, x)))
        y = self.div(h, self._plus(h, 1.0))
        return self.copysign(self.select(self._is("<", h, 0.5), self._refined(h, y), y), x)

    def _refined(self, t: Any, share: Any) -> Any:
        """The quotient t / (1 + t) once more, as t − t · share: it hardly feels how 1 + t was rounded."""
        return self.fma(self.neg(t), share, t)

    def sigmoid(self, x: Any) -> Any:
        """1 / (1 + e⁻ˣ), with all its digits where it is nearly 0: t / (1 + t) or 1 less that, with t = e^-|x|."""
        t = self.exp_of_negative(self.neg(self.abs(x)))
        small = self._refined(t, self.div(t, self._plus(t, 1.0)))
        return self.select(self._is("<", x, 0.0), small, self.sub(self.same(1.0, x), small))

    def _half_exp(self, x: Any) -> Any:
        """½ eˣ for x ≥ 0, which is finite a little further than eˣ."""
        f = format_of(x)
        y = self.at_most(x, f.of(_SINH_INFINITE))
        r, bits = self.remainder_of_ln2(y, 2 * f.bias - 1)
        return self.scaled(self._plus(self.small_expm1(r), 1.0), bits)

    def cosh(self, x: Any) -> Any:
        """The hyperbolic cosine: h + ¼ / h with h = ½ e^|x|."""
        half = self._half_exp(self.abs(x))
        return self.add(half, self.div(self.same(0.25, x), half))

    def sinh(self, x: Any) -> Any:
        """The hyperbolic sine: h − ¼ / h with h = ½ e^|x|, below 1 a polynomial."""
        y = self.abs(x)
        half = self._half_exp(y)
        large = self.sub(half, self.div(self.same(0.25, x), half))
        z = self.mul(y, y)
        small = self.fma(self.mul(y, z), self.polynomial(z, format_of(x).of(_SINH)), y)
        return self.copysign(self.select(self._is("<", y, 1.0), small, large), x)
