"""The logarithm and what is made of it: log, log1p, log2, log10, softplus, logaddexp, arcsinh, arccosh, arctanh."""

from __future__ import annotations

import math
from typing import Any

from glassgrad.native.math_exp import Exponential
from glassgrad.native.math_kernel import format_of

# ln 2, 1 / ln 2, 1 / ln 10 and log₁₀ 2, each as a number of the format and what is missing
_LN2 = ((0.6931471824645996, -1.9046542121259336e-09), (0.6931471805599453, 2.3190468138462996e-17))
_LOG2E = ((1.4426950216293335, 1.925963033500011e-08), (1.4426950408889634, 2.0355273740931033e-17))
_LOG10E = ((0.4342944920063019, -1.0103049952192578e-08), (0.4342944819032518, 1.098319650216765e-17))
_LOG10_2 = ((0.3010300099849701, -1.432098883924482e-08), (0.3010299956639812, -2.8037281277851704e-18))
# (ln(1 + f) − f + f²/2) / f³ for |f| ≤ ⅓; relative error of the logarithm below 2^-27.6
_SINGLE = (
    0.3333321511745453, -0.2499980628490448, 0.2001042664051056, -0.16680195927619934,
    0.14005735516548157, -0.12187481671571732, 0.1398458033800125, -0.12880021333694458,
)  # fmt: skip
# (2 artanh s / s − 2) / s² for |s| ≤ (√2 − 1) / (√2 + 1), in s²; relative error of the logarithm below 2^-58.4
_DOUBLE = (
    0.6666666666666734, 0.39999999999416647, 0.2857142874202674, 0.22222198605184496,
    0.18183562845894252, 0.15314084946526152, 0.14795632583370755,
)  # fmt: skip
# where the interval of m = 1 + f starts: 1 + f is at most twice that
_LOWEST = (2 / 3, math.sqrt(0.5))
# above which 1 + x is as good as x in the formulas below
_LARGE = 2.0**30


class Logarithm(Exponential):
    """A builder with the family of the logarithm."""

    def _lowest(self, x: Any) -> float:
        return format_of(x).of(_LOWEST)

    def log_rest(self, f: Any) -> Any:
        """The difference ln(1 + f) − f for f in the interval of its format."""
        half = self._times(f, 0.5)
        if format_of(f).single:
            inner = self.fma(f, self.polynomial(f, _SINGLE), self.same(-0.5, f))
            return self.mul(self.mul(f, f), inner)
        square = self.mul(half, f)
        s = self.div(f, self._plus(f, 2.0))
        z = self.mul(s, s)
        return self.fma(s, self.fma(z, self.polynomial(z, _DOUBLE), square), self.neg(square))

    def _log_from(self, f: Any, e: Any) -> Any:
        """The sum e ln 2 + ln(1 + f)."""
        high, low = format_of(f).of(_LN2)
        rest = self.fma(e, self.same(low, f), self.log_rest(f))
        return self.fma(e, self.same(high, f), self.add(f, rest))

    def _log_range(self, x: Any, y: Any, pole: float = 0.0) -> Any:
        """The value y of a logarithm, or what it is at infinity and at or below its pole."""
        y = self.select(self._is("<", x, math.inf), y, x)
        outside = self.select(self._is("==", x, pole), self.same(-math.inf, x), self.same(math.nan, x))
        return self.select(self._is("<=", x, pole), outside, y)

    def log(self, x: Any) -> Any:
        """The natural logarithm."""
        m, e = self.split(x, self._lowest(x))
        return self._log_range(x, self._log_from(self._minus(m, 1.0), e))

    def log2(self, x: Any) -> Any:
        """The logarithm to base 2, exact at powers of 2."""
        m, e = self.split(x, self._lowest(x))
        high, low = format_of(x).of(_LOG2E)
        f = self._minus(m, 1.0)
        total = self.fma(f, self.same(low, x), self._times(self.log_rest(f), high))
        return self._log_range(x, self.add(e, self.fma(f, self.same(high, x), total)))

    def log10(self, x: Any) -> Any:
        """The logarithm to base 10."""
        m, e = self.split(x, self._lowest(x))
        high, low = format_of(x).of(_LOG10E)
        two_high, two_low = format_of(x).of(_LOG10_2)
        f = self._minus(m, 1.0)
        total = self.fma(e, self.same(two_low, x), self._times(f, low))
        total = self.fma(self.log_rest(f), self.same(high, x), total)
        total = self.fma(f, self.same(high, x), total)
        return self._log_range(x, self.fma(e, self.same(two_high, x), total))

    def log1p(self, x: Any) -> Any:
        """The logarithm of 1 + x, which near 0 keeps all digits of x.

        1 + x = 2ᵉ (1 + f), where f = 2⁻ᵉ x + (2⁻ᵉ − 1) is rounded once.
        """
        t = format_of(x)
        m, e = self.split(self._plus(x, 1.0), self._lowest(x))
        _, bits = self.rounded(self.neg(e), 1.0, t.bias)
        scale = self.power_of_two(bits, x)
        f = self.fma(x, scale, self._minus(scale, 1.0))
        # Of a large x, the scale is no normal number.
        f = self.select(self._is("<", x, _LARGE), f, self._minus(m, 1.0))
        y = self._log_range(x, self._log_from(f, e), -1.0)
        return self.select(self._is("==", x, 0.0), x, y)

    def _log1p_unit(self, t: Any) -> tuple[Any, Any]:
        """The logarithm of 1 + t for 0 ≤ t ≤ 1, as the sum of two numbers."""
        above = self._is(">", t, 2 * self._lowest(t) - 1)
        f = self.select(above, self.fma(t, self.same(0.5, t), self.same(-0.5, t)), t)
        high, low = (self.select(above, self.same(v, t), self.same(0.0, t)) for v in format_of(t).of(_LN2))
        total, lost = self.quick_sum(high, f)
        return total, self.add(self.log_rest(f), self.add(lost, low))

    def softplus(self, x: Any) -> Any:
        """The logarithm of 1 + eˣ: max(x, 0) + ln(1 + e^-|x|)."""
        total, rest = self._log1p_unit(self.exp_of_negative(self.neg(self.abs(x))))
        above = self.select(self._is(">", x, 0.0), x, self.same(0.0, x))
        return self.add(above, self.add(total, rest))

    def logaddexp(self, x: Any, y: Any) -> Any:
        """The logarithm of eˣ + eʸ; its error is relative to the larger of |x|, |y| and |the result|."""
        above = self.compare(">", x, y)
        high, low = self.select(above, x, y), self.select(above, y, x)
        d, error = self.exact_sum(low, self.neg(high))
        d = self.select(self.compare("==", x, y), self.same(0.0, x), d)
        t = self.exp_of_negative(d)
        error = self.select(self.finite(error), error, self.same(0.0, x))  # of infinities it is none
        total, rest = self._log1p_unit(self.fma(t, error, t))
        y, lost = self.exact_sum(high, total)
        return self.select(self.finite(y), self.add(y, self.add(lost, rest)), y)

    # inverse hyperbolic functions; those of float32 are computed in float64

    def arcsinh(self, x: Any) -> Any:
        """The inverse of sinh: ln(1 + |x| + x² / (1 + √(1 + x²)))."""
        if format_of(x).single:
            return self.in_double(self.arcsinh, x)
        y = self.abs(x)
        z = self.mul(y, y)
        root = self.sqrt(self._plus(z, 1.0))
        inner = self.add(y, self.div(z, self._plus(root, 1.0)))
        return self.copysign(self._log1p_or_twice(y, inner), x)

    def arccosh(self, x: Any) -> Any:
        """The inverse of cosh: ln(1 + d + √(d (d + 2))) with d = x − 1."""
        if format_of(x).single:
            return self.in_double(self.arccosh, x)
        d = self._minus(x, 1.0)
        inner = self.add(d, self.sqrt(self.mul(d, self._plus(d, 2.0))))
        return self.select(self._is("<", x, 1.0), self.same(math.nan, x), self._log1p_or_twice(x, inner))

    def _log1p_or_twice(self, x: Any, inner: Any) -> Any:
        """The logarithm of 1 + inner, or of 2 x where x is large."""
        large = self._is(">", x, _LARGE)
        y = self.log1p(self.select(large, self._minus(x, 1.0), inner))
        return self.select(large, self._plus(y, math.log(2)), y)

    def arctanh(self, x: Any) -> Any:
        """The inverse of tanh: ½ ln(1 + 2|x| / (1 − |x|))."""
        if format_of(x).single:
            return self.in_double(self.arctanh, x)
        y = self.abs(x)
        inner = self.div(self.add(y, y), self.sub(self.same(1.0, x), y))
        return self.copysign(self._times(self.log1p(inner), 0.5), x)
