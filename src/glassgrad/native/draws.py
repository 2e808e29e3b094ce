"""The random draws of `ops/random.py` as machine code: the same words from the same keys, bit for bit."""

from __future__ import annotations

from typing import Any

from glassgrad.native.builder import Builder
from glassgrad.native.emit import I32, I64, vector

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_STEPS = 0x9E3779B9, 0xBB67AE85
_LOW = 0xFFFFFFFF
_FOLD_IN = 1  # the purpose that `fold_in` gives its block


def philox(b: Builder, counter: tuple[Any, Any, Any, Any], key: tuple[Any, Any]) -> tuple[Any, Any, Any, Any]:
    """Ten rounds of Philox4x32 on 64-bit lanes that hold 32-bit words (Salmon et al., SC 2011)."""
    c0, c1, c2, c3 = counter
    kind = c0.type
    low = b.const(_LOW, kind)
    for turn in range(10):
        keys = [b.both(b.add(k, b.const((turn * step) & _LOW, kind)), low) for k, step in zip(key, _STEPS, strict=True)]
        first = b.mul(c0, b.const(_MULTIPLIERS[0], kind))
        second = b.mul(c2, b.const(_MULTIPLIERS[1], kind))
        c0, c1, c2, c3 = (
            b.xor(b.xor(b.shift_right(second, 32), c1), keys[0]),
            b.both(second, low),
            b.xor(b.xor(b.shift_right(first, 32), c3), keys[1]),
            b.both(first, low),
        )
    return c0, c1, c2, c3


def fold_in(b: Builder, key: tuple[Any, Any], number: Any) -> tuple[Any, Any]:
    """The key derived from a key and a 64-bit number."""
    low = b.index(_LOW)
    counter = (b.both(number, low), b.shift_right(number, 32), b.index(0), b.index(_FOLD_IN))
    return philox(b, counter, key)[:2]


def integers(b: Builder, key: tuple[Any, Any], n: Any, count: int, place: Any, lanes: int) -> None:
    """Write `count` whole numbers below `n`, as 64-bit numbers, to the memory at `place`.

    A block of the generator gives four of them; `lanes` blocks are made at once. There must be room for
    a multiple of ``4 * lanes``.
    """
    kind = vector(I64, lanes)
    wide = (b.splat(key[0], lanes), b.splat(key[1], lanes))
    zero = b.const(0, kind)
    blocks = -(-count // 4)
    for start in range(0, blocks, lanes):
        number = b.add(b.lane_numbers(lanes), b.const(start, kind))
        for i, word in enumerate(philox(b, (number, zero, zero, zero), wide)):
            drawn = b.shift_right(b.mul(word, b.splat(n, lanes)), 32)
            for lane in range(min(lanes, blocks - start)):
                row = 4 * (start + lane) + i
                if row < count:
                    value = drawn if lanes == 1 else b.ir.extract_element(drawn, b.const(lane, I32))
                    b.store(value, b.at(place, row, I64))
