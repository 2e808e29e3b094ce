"""Inverses of sine, cosine and tangent, and the length of two sides."""

from __future__ import annotations

import math
from typing import Any

from glassgrad.native.math_kernel import Kernel, format_of

# (arctan t / t − 1) / t² for |t| ≤ √2 − 1, in t²; relative error of the arc below 2^-30.4 and 2^-63.8
_ARCTAN = (
    (-0.33333316445350647, 0.19998528063297272, -0.14244391024112701, 0.10599168390035629, -0.06090052053332329),
    (
        -0.33333333333333326, 0.19999999999997098, -0.1428571428531708, 0.11111111083805894, -0.09090907988556433,
        0.07692279271273122, -0.06666175824215945, 0.05876528388101007, -0.052152612951965126,
        0.0449089802604795, -0.03318280204017704, 0.014901753362282048,
    ),
)  # fmt: skip
# (arcsin s / s − 1) / s² for |s| ≤ ½, in s²; relative error of the arc below 2^-59.8
_ARCSIN = (
    0.1666666666666676, 0.07499999999970863, 0.04464285717456457, 0.030381942709672403, 0.022372214941543574,
    0.01735161275062695, 0.013980812537186551, 0.011398972437465908, 0.01077993971028865,
    0.0037075141761170344, 0.021704916898457913, -0.0209956760154191, 0.03262661152479825,
)  # fmt: skip
# π/2 and π/4, each as a number of the format and what is missing
_HALF_PI = ((1.5707963705062866, -4.371138828673793e-08), (1.5707963267948966, 6.123233995736766e-17))
_QUARTER_PI = ((0.7853981852531433, -2.1855694143368964e-08), (0.7853981633974483, 3.061616997868383e-17))
_TAN_EIGHTH = math.sqrt(2) - 1


class Arc(Kernel):
    """A builder with arctan, arctan2, arcsin, arccos and hypot."""

    def _arctan_from(self, t: Any, high: Any, low: Any) -> Any:
        """The sum of an angle in two parts and the arctangent of t, |t| ≤ √2 − 1."""
        z = self.mul(t, t)
        rest = self.fma(self.mul(t, z), self.polynomial(z, format_of(t).of(_ARCTAN)), low)
        return self.add(high, self.add(t, rest))

    def arctan(self, x: Any) -> Any:
        """The arctangent: |x| is brought below √2 − 1 by turning by an eighth or a quarter."""
        f = format_of(x)
        y = self.abs(x)
        some, much = self._is(">", y, _TAN_EIGHTH), self._is(">", y, _TAN_EIGHTH + 2)
        one = self.same(1.0, x)
        over = self.select(much, self.neg(one), self.select(some, self._minus(y, 1.0), y))
        under = self.select(much, y, self.select(some, self._plus(y, 1.0), one))
        high, low = (
            self.select(much, self.same(half, x), self.select(some, self.same(quarter, x), self.same(0.0, x)))
            for half, quarter in zip(f.of(_HALF_PI), f.of(_QUARTER_PI), strict=True)
        )
        return self.copysign(self._arctan_from(self.div(over, under), high, low), x)

    def arctan2(self, y: Any, x: Any) -> Any:
        """The angle of the point (x, y); of float32 computed in float64."""
        if format_of(x).single:
            return self.in_double(self.arctan2, y, x)
        a, b = self.abs(x), self.abs(y)
        # Two infinities lie on the diagonal.
        diagonal = self.both(self._is("==", a, math.inf), self._is("==", b, math.inf))
        a, b = (self.select(diagonal, self.same(1.0, x), v) for v in (a, b))
        steep = self.compare(">", b, a)
        large, small = self.select(steep, b, a), self.select(steep, a, b)
        shrunk = self._is(">", large, 2.0**1000)
        large, small = (self.select(shrunk, self._times(v, 0.25), v) for v in (large, small))
        some = self.compare(">", small, self._times(large, _TAN_EIGHTH))
        over = self.select(some, self.sub(small, large), small)
        t = self.div(over, self.select(some, self.add(small, large), large))
        t = self.select(self._is("==", large, 0.0), self.same(0.0, x), t)
        high, low = (self.select(some, self.same(v, x), self.same(0.0, x)) for v in _QUARTER_PI[1])
        # The angle of the first octant is turned to its own before its parts are summed.
        bits = self.to_bits(x)
        back = self.compare("<", bits, self.same(0, bits))
        turn = self.select(self.xor(steep, back), self.same(-1.0, x), self.same(1.0, x))
        quarters = self.select(steep, self.same(1.0, x), self.select(back, self.same(2.0, x), self.same(0.0, x)))
        high, low = (
            self.fma(turn, angle, self._times(quarters, half))
            for angle, half in zip((high, low), _HALF_PI[1], strict=True)
        )
        result = self._arctan_from(self.mul(turn, t), high, low)
        result = self.select(self.either(self.is_nan(x), self.is_nan(y)), self.same(math.nan, x), result)
        return self.copysign(result, y)

    def arcsin(self, x: Any) -> Any:
        """The arcsine; of float32 computed in float64."""
        if format_of(x).single:
            return self.in_double(self.arcsin, x)
        s, rest, large = self._arcsin_parts(x)
        high, low = _HALF_PI[1]
        turned, lost = self.quick_sum(self.same(high, x), self._times(s, -2.0))
        turned = self.add(turned, self.add(lost, self.fma(rest, self.same(-2.0, x), self.same(low, x))))
        return self.copysign(self.select(large, turned, self.add(s, rest)), x)

    def arccos(self, x: Any) -> Any:
        """The arccosine; of float32 computed in float64."""
        if format_of(x).single:
            return self.in_double(self.arccos, x)
        s, rest, large = self._arcsin_parts(x)
        high, low = _HALF_PI[1]
        negative = self._is("<", x, 0.0)
        s, rest = (self.select(self._is("<", x, 0.0), self.neg(v), v) for v in (s, rest))
        # π/2 − arcsin x where |x| ≤ ½, else 2 arcsin s, or π less that
        near = self.quick_sum(self.same(high, x), self.neg(s))
        near = self.add(near[0], self.add(near[1], self.sub(self.same(low, x), rest)))
        pi_high = self.select(negative, self.same(2 * high, x), self.same(0.0, x))
        pi_low = self.select(negative, self.same(2 * low, x), self.same(0.0, x))
        twice = self.add(s, s)
        far, lost = self.quick_sum(pi_high, twice)
        far = self.add(far, self.add(lost, self.fma(rest, self.same(2.0, x), pi_low)))
        return self.select(large, far, near)

    def _arcsin_parts(self, x: Any) -> tuple[Any, Any, Any]:
        """S and arcsin s − s, where s is |x| or √((1 − |x|) / 2); whether it is the latter, |x| > ½."""
        y = self.abs(x)
        large = self._is(">", y, 0.5)
        z = self.select(large, self.fma(y, self.same(-0.5, x), self.same(0.5, x)), self.mul(y, y))
        s = self.select(large, self.sqrt(z), y)
        return s, self.mul(self.mul(s, z), self.polynomial(z, _ARCSIN)), large

    def hypot(self, x: Any, y: Any) -> Any:
        """The square root of x² + y², without overflow; of float32 computed in float64."""
        if format_of(x).single:
            return self.in_double(self.hypot, x, y)
        a, b = self.abs(x), self.abs(y)
        swapped = self.compare("<", a, b)
        large, small = self.select(swapped, b, a), self.select(swapped, a, b)
        one = self.same(1.0, x)
        scale = self.select(self._is(">", large, 2.0**500), self.same(2.0**-600, x), one)
        scale = self.select(self._is("<", large, 2.0**-400), self.same(2.0**600, x), scale)
        unscale = self.div(one, scale)
        u, v = self.mul(large, scale), self.mul(small, scale)
        length = self.mul(self.sqrt(self.fma(u, u, self.mul(v, v))), unscale)
        infinite = self.either(self._is("==", a, math.inf), self._is("==", b, math.inf))
        nan = self.select(self.is_nan(a), a, b)
        length = self.select(self.either(self.is_nan(a), self.is_nan(b)), nan, length)
        return self.select(infinite, self.same(math.inf, x), length)
