"""Random draws as machine code: the same bits as ``ops/random.py`` gives, from the same words.

Each is written operation by operation as in ``ops/philox.py``; nothing is fused, so nothing is rounded otherwise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassgrad.native.draws import fold_in, philox
from glassgrad.native.emit import F32, F64, I32, I64, element_of, type_of, vector
from glassgrad.native.math import Math
from glassgrad.native.math_kernel import format_of
from glassgrad.native.steps import Single
from glassgrad.native.walks import Walks
from glassgrad.ops.philox import COS, LN2, LOG, SIN

_SPLIT = 2  # the purpose that `split` gives its blocks


class Generators(Walks):
    """Walks that draw."""

    def draw(self, step: Single) -> None:
        """A whole array of draws: `lanes` blocks of the generator at once, their numbers side by side."""
        b, out, name = self.b, self.plan.views[step.gate.serial], step.gate.op.name
        element, double = type_of(out.dtype), out.dtype == np.float64
        each = 2 if double or name == "split_key" else 4  # numbers that are made of a block
        blocks = -(-out.size // each)
        lanes = max(2, self._lanes([np.dtype(np.int64)], blocks))
        kind, place = vector(I64, lanes), self._address(out, (), ())
        key = self._key(step)
        wide = b.splat(key[0], lanes), b.splat(key[1], lanes)
        zero = b.const(0, kind)
        purpose = b.const(_SPLIT if name == "split_key" else 0, kind)

        def at(i: Any, width: int, mask: Any) -> None:
            number = b.lane_numbers(lanes)
            if not isinstance(i, int):
                number = b.add(number, b.splat(b.shift_right(i, each.bit_length() - 1), lanes))
            elif i:
                number = b.add(number, b.const(i // each, kind))
            low = b.both(number, b.const(0xFFFFFFFF, kind))
            words = philox(b, (low, b.shift_right(number, 32), zero, purpose), wide)
            made = self._made(name, words, element, step.gate.params)
            while len(made) > 1:  # of a, b, c, d: a with c and b with d, then both
                half = len(made) // 2
                made = [b.zip(x, y) for x, y in zip(made[:half], made[half:], strict=True)]
            self._write(made[0], b.at(place, i, element), out, mask)

        if out.size:
            self._along(out.size, lanes * each, at, alone=True)

    def fold_in(self, step: Single) -> None:
        """A key made from a key and a whole number."""
        b, out, view = self.b, self.plan.views[step.gate.serial], step.reads[1]
        number = b.load(self._address(view, (), ()), type_of(view.dtype))
        if view.dtype.itemsize < 8:
            number = b.widen(number, I64, view.dtype.kind == "i")
        for i, word in enumerate(fold_in(b, self._key(step), number)):
            b.store(b.narrow(word, I32), self._address(out, (1,), (i,)))

    def _key(self, step: Single) -> tuple[Any, Any]:
        """The two words of the key, in 64 bits each."""
        b, view = self.b, step.reads[0]
        first, second = (
            b.widen(b.load(self._address(view, view.strides, (i,)), I32), I64, signed=False) for i in range(2)
        )
        return first, second

    def _made(self, name: str, words: Any, element: Any, params: dict[str, Any]) -> list[Any]:
        """The numbers that some words become, in the order of a block."""
        b = self.b
        if name in ("bits", "split_key"):
            return [b.narrow(word, I32) for word in words[: 4 if name == "bits" else 2]]
        if name == "integers":
            return [b.shift_right(b.mul(word, b.const(params["n"], word.type)), 32) for word in words]
        if element is F32:
            units = [_scaled(b, b.shift_right(word, 8), F32, 0, -24) for word in words]
            if name == "uniform":
                return units
            return [
                x
                for i in (0, 2)
                for x in _normal(b, _scaled(b, words[i], F32, 1, -32), units[i + 1])
            ]  # fmt: skip
        longs = [
            b.shift_right(b.either(low, b.shift_left(high, 32)), 11)
            for low, high in zip(words[0::2], words[1::2], strict=True)
        ]
        if name == "uniform":
            return [_scaled(b, number, F64, 0, -53) for number in longs]
        return _normal(b, _scaled(b, longs[0], F64, 1, -53), _scaled(b, longs[1], F64, 0, -53))


def _scaled(b: Math, number: Any, element: Any, more: int, power: int) -> Any:
    """``(number + more) * 2**power`` as floating numbers."""
    x = b.to_float(number, element)
    x = b.add(x, b.const(more, x.type)) if more else x
    return b.mul(x, b.const(2.0**power, x.type))


def _normal(b: Math, u: Any, turn: Any) -> list[Any]:
    """Box–Muller: a pair of draws from u in (0, 1] and a part of a turn."""
    radius = b.sqrt(b.mul(b.const(-2, u.type), _log(b, u)))
    return [b.mul(radius, part) for part in _cos_sin(b, turn)]


def _dtype(x: Any) -> Any:
    return np.float32 if element_of(x.type) is F32 else np.float64


def _horner(b: Math, x: Any, coefficients: tuple[float, ...]) -> Any:
    total = b.const(coefficients[-1], x.type)
    for c in reversed(coefficients[:-1]):
        total = b.add(b.mul(total, x), b.const(c, x.type))
    return total


def _log(b: Math, x: Any) -> Any:
    """Logarithm of 0 < x <= 1."""
    dtype, f = _dtype(x), format_of(x)

    def same(value: float) -> Any:
        return b.const(value, x.type)

    bits = b.to_bits(x)
    exponent = b.sub(b.shift_right(bits, f.digits), b.const(f.bias - 1, bits.type))
    fraction = b.both(bits, b.const(2**f.digits - 1, bits.type))
    mantissa = b.from_bits(b.either(fraction, b.const((f.bias - 1) << f.digits, bits.type)))
    small = b.compare("<", mantissa, same(math.sqrt(0.5)))
    part = b.sub(b.select(small, b.add(mantissa, mantissa), mantissa), same(1))
    e = b.to_float(b.select(small, b.sub(exponent, b.const(1, bits.type)), exponent), f.element)
    s = b.div(part, b.add(same(2), part))
    z = b.mul(s, s)
    half = b.mul(b.mul(same(0.5), part), part)
    r = b.mul(z, _horner(b, z, LOG[dtype]))
    high, low = LN2[dtype]
    inner = b.add(b.mul(s, b.add(half, r)), b.mul(e, same(low)))
    return b.sub(b.mul(e, same(high)), b.sub(b.sub(half, inner), part))


def _cos_sin(b: Math, turn: Any) -> tuple[Any, Any]:
    """Cosine and sine of 2πt for 0 <= t < 1."""
    dtype = _dtype(turn)

    def same(value: float) -> Any:
        return b.const(value, turn.type)

    quarter = b.rint(b.mul(turn, same(4)))
    a = b.mul(b.sub(turn, b.mul(quarter, same(0.25))), same(2 * math.pi))
    z = b.mul(a, a)
    sine = b.add(a, b.mul(a, b.mul(z, _horner(b, z, SIN[dtype]))))
    cosine = b.sub(same(1), b.sub(b.mul(same(0.5), z), b.mul(b.mul(z, z), _horner(b, z, COS[dtype]))))
    number = b.to_int(quarter, format_of(turn).integer)
    q = b.both(number, b.const(3, number.type))

    def is_(value: int) -> Any:
        return b.compare("==", q, b.const(value, q.type))

    swapped = b.either(is_(1), is_(3))
    c, s = b.select(swapped, sine, cosine), b.select(swapped, cosine, sine)
    flip_cos, flip_sin = b.either(is_(1), is_(2)), b.either(is_(2), is_(3))
    return b.select(flip_cos, b.neg(c), c), b.select(flip_sin, b.neg(s), s)
