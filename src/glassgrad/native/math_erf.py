"""The error function."""

from __future__ import annotations

from typing import Any

from glassgrad.native.math_exp import Exponential
from glassgrad.native.math_kernel import format_of

# erf x / x − 1 for |x| ≤ 1, in x²; relative error of erf below 2^-29.3 and 2^-56.3
_SMALL = (
    (
        0.12837916612625122, -0.3761262595653534, 0.11283578723669052, -0.026853347197175026,
        0.005187162198126316, -0.0007997853099368513, 7.806903158780187e-05,
    ),
    (
        0.1283791670955126, -0.376126389031841, 0.11283791670971195, -0.026866170648066047, 0.005223977653177938,
        -0.0008548328571358645, 0.00012055387748947162, -1.492692463909418e-05, 1.6481838613033415e-06,
        -1.6566265656956244e-07, 1.608020111428644e-08, -1.6743809957629607e-09, 1.484800631721828e-10,
    ),
)  # fmt: skip
# ln(1 − erf x) for 1 ≤ x ≤ 4 and 6; absolute error of erf below 2^-29.8 and 2^-56.6
_LARGE = (
    (
        -0.00035386692616157234, -1.1270394325256348, -0.6382266879081726, -0.10303648561239243,
        0.021804895251989365, -0.0029395022429525852, 0.00018556344730313867,
    ),
    (
        -5.007840368610388e-07, -1.1283741623803623, -0.6366430350856457, -0.10270591033047842,
        0.018996704639779136, 0.00039858865191602167, -0.001899575374246176, 0.0007537079640116784,
        -0.00012144972204780305, -2.8842205883173095e-05, 2.7089439529908567e-05, -1.0341887168839383e-05,
        2.6510675339714928e-06, -4.961166196711888e-07, 6.860456822973513e-08, -6.8663181516801855e-09,
        4.717562137411328e-10, -1.992655879972196e-11, 3.9012834472874195e-13,
    ),
)  # fmt: skip
_ONE = (4.0, 6.0)


class ErrorFunction(Exponential):
    """A builder with erf."""

    def erf(self, x: Any) -> Any:
        """The error function: below 1 an odd polynomial, above 1 − e^p(|x|)."""
        f = format_of(x)
        y = self.abs(x)
        z = self.mul(y, y)
        small = self.fma(y, self.polynomial(z, f.of(_SMALL)), y)
        t = self.at_most(y, f.of(_ONE))
        power = self.polynomial(t, f.of(_LARGE))
        # Below 1 the power does not matter, and far below 0 it is what the exponential can take.
        r, bits = self.remainder_of_ln2(power, f.bias)
        rest = self.mul(self._plus(self.small_expm1(r), 1.0), self.power_of_two(bits, x))
        large = self.sub(self.same(1.0, x), rest)
        return self.copysign(self.select(self._is("<", y, 1.0), small, large), x)
