"""Division with a remainder, shifts, and the neighbours of a number, with NumPy's rules for signs and zeros."""

from __future__ import annotations

import math
from typing import Any

from glassgrad.native.emit import element_of, lanes_of
from glassgrad.native.math_kernel import DOUBLE, Kernel


class Division(Kernel):
    """What NumPy computes on floating and on whole numbers alike, or on their bits."""

    def fmod(self, x: Any, y: Any) -> Any:
        """The rest of x after dividing by y towards 0, exact."""
        return self.in_double(self._fmod, x, y)

    def _fmod(self, x: Any, y: Any) -> Any:
        """`fmod` of float64. A divisor near the subnormal numbers is first taken 2⁶⁴ times."""
        rest, divisor = self.abs(x), self.abs(y)
        scale = self.select(self._is("<", divisor, 2.0**-900), self.same(2.0**64, x), self.same(1, x))
        divisor = self.mul(divisor, scale)
        rest = self._taken_off(rest, divisor)
        rest = self._taken_off(self.mul(rest, scale), divisor)
        rest = self.copysign(self.div(rest, scale), x)
        exists = self.both(self.finite(x), self.both(self._is("!=", y, 0), self.compare("==", y, y)))
        return self.select(exists, rest, self.same(math.nan, x))

    def _taken_off(self, rest: Any, divisor: Any) -> Any:
        """The rest below a normal divisor: 2ⁿ times it is taken off for n down to 0, each difference exact."""
        digits, bits = DOUBLE.digits, self.to_bits(divisor)
        exponents = [self.shift_right(self.to_bits(z), digits) for z in (rest, divisor)]
        count = self._plus(self.sub(*exponents), 1)
        most = self.largest(count)

        def take(i: Any, values: list[Any]) -> list[Any]:
            power = self.splat(self.sub(self.sub(most, i), self.index(1)), lanes_of(rest.type))
            times = self.from_bits(self.add(bits, self.shift_left(power, digits)))
            fits = self.both(self.compare("<", power, count), self.compare(">=", values[0], times))
            return [self.select(fits, self.sub(values[0], times), values[0])]

        return self.carry(0, most, 1, [rest], take)[0]

    def floor_divide(self, x: Any, y: Any) -> Any:
        """The quotient rounded down, as NumPy's ``//``: of whole numbers, 0 where y is 0."""
        if not x.type.floating:
            return self._whole_division(x, y)[0]
        rest = self.fmod(x, y)
        quotient = self.div(self.sub(x, rest), y)
        quotient = self.select(self._other_sign(rest, y), self._minus(quotient, 1), quotient)
        floor = self.floor(quotient)
        floor = self.select(self._is(">", self.sub(quotient, floor), 0.5), self._plus(floor, 1), floor)
        plain = self.div(x, y)
        floor = self.select(self._is("==", quotient, 0), self.copysign(self.same(0, x), plain), floor)
        return self.select(self._is("==", y, 0), plain, floor)

    def remainder(self, x: Any, y: Any) -> Any:
        """What is left of x, with the sign of y, as NumPy's ``%``: of whole numbers, 0 where y is 0."""
        if not x.type.floating:
            return self._whole_division(x, y)[1]
        rest = self.fmod(x, y)
        moved = self.select(self._other_sign(rest, y), self.add(rest, y), rest)
        moved = self.select(self._is("==", rest, 0), self.copysign(self.same(0, x), y), moved)
        return self.select(self._is("==", y, 0), rest, moved)

    def _other_sign(self, rest: Any, y: Any) -> Any:
        """Whether a rest that is not 0 has another sign than the divisor."""
        differ = self.xor(self._is("<", rest, 0), self._is("<", y, 0))
        return self.both(differ, self._is("!=", rest, 0))

    def _whole_division(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Quotient rounded down and remainder of signed whole numbers; the smallest by −1 is the smallest again."""
        smallest = self.same(-(2 ** (element_of(x.type).width - 1)), x)
        nothing = self._is("==", y, 0)
        wraps = self.both(self.compare("==", x, smallest), self._is("==", y, -1))
        divisor = self.select(self.either(nothing, wraps), self.same(1, y), y)
        quotient = self.quotient(x, divisor)
        rest = self.sub(x, self.mul(quotient, divisor))
        other = self._other_sign(rest, divisor)
        quotient = self.select(other, self._minus(quotient, 1), quotient)
        rest = self.select(other, self.add(rest, divisor), rest)
        zero = self.same(0, x)
        return self.select(nothing, zero, quotient), self.select(nothing, zero, rest)

    def shifted_left(self, x: Any, by: Any) -> Any:
        """Bits moved up; 0 where there are no so many."""
        fits = self._fits(by)
        return self.select(fits, self.shift_left(x, self.select(fits, by, self.same(0, by))), self.same(0, x))

    def shifted_right(self, x: Any, by: Any) -> Any:
        """Bits moved down, the sign kept; only the sign where there are no so many."""
        most = self.same(element_of(x.type).width - 1, by)
        return self.shift_right(x, self.select(self._fits(by), by, most), signed=True)

    def _fits(self, by: Any) -> Any:
        """Whether a number has so many bits, taken as unsigned."""
        return self.compare("<", by, self.same(element_of(by.type).width, by), signed=False)

    def sign_bit(self, x: Any) -> Any:
        """Whether the sign is a minus, that of −0 and NaN too."""
        bits = self.to_bits(x)
        return self._is("<", bits, 0)

    def next_after(self, x: Any, y: Any) -> Any:
        """The neighbour of x in the direction of y; y where they are equal."""
        bits = self.to_bits(x)
        one = self.same(1, bits)
        away = self.xor(self.compare("<", x, y), self._is("<", x, 0))
        moved = self.from_bits(self.select(away, self.add(bits, one), self.sub(bits, one)))
        least = self.copysign(self.from_bits(one), y)
        moved = self.select(self._is("==", x, 0), least, moved)
        moved = self.select(self.compare("==", x, y), y, moved)
        return self.select(self.either(self.is_nan(x), self.is_nan(y)), self.add(x, y), moved)
