"""The random draws of `ops/random.py` as machine code: the same words from the same keys, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from glassgrad.native.builder import Builder
from glassgrad.native.emit import I64, vector
from glassgrad.native.team import Team

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_STEPS = 0x9E3779B9, 0xBB67AE85
_LOW = 0xFFFFFFFF
_FOLD_IN = 1  # the purpose that `fold_in` gives its block


def philox(b: Builder, counter: tuple[Any, Any, Any, Any], key: tuple[Any, Any]) -> tuple[Any, Any, Any, Any]:
    """Ten rounds of Philox4x32 on 64-bit lanes that hold 32-bit words (Salmon et al., SC 2011).

    Only what is multiplied is cut to 32 bits, which CPUs do in the multiplication; the words are cut at the end.
    The rounds are a loop: LLVM takes long over ten in a row.
    """
    kind = counter[0].type
    low = b.const(_LOW, kind)

    def two(_: Any, state: list[Any]) -> list[Any]:
        c0, c1, c2, c3, *keys = state
        for _ in range(2):
            first = b.mul(b.both(c0, low), b.const(_MULTIPLIERS[0], kind))
            second = b.mul(b.both(c2, low), b.const(_MULTIPLIERS[1], kind))
            c0, c1, c2, c3 = (
                b.xor(b.xor(b.shift_right(second, 32), c1), keys[0]),
                second,
                b.xor(b.xor(b.shift_right(first, 32), c3), keys[1]),
                first,
            )
            keys = [b.add(k, b.const(step, kind)) for k, step in zip(keys, _STEPS, strict=True)]
        return [c0, c1, c2, c3, *keys]

    c0, c1, c2, c3, *_ = b.carry(0, 5, 1, [*counter, *key], two)
    return b.both(c0, low), b.both(c1, low), b.both(c2, low), b.both(c3, low)


def fold_in(b: Builder, key: tuple[Any, Any], number: Any) -> tuple[Any, Any]:
    """The key derived from a key and a 64-bit number."""
    low = b.index(_LOW)
    counter = (b.both(number, low), b.shift_right(number, 32), b.index(0), b.index(_FOLD_IN))
    return philox(b, counter, key)[:2]


def room(count: int, lanes: int) -> int:
    """How many 64-bit numbers of memory `integers` takes."""
    return 4 * _blocks(count, lanes)


Each = Callable[[Callable[[Any, Any], None], Any], None]
"""``each(body, team)`` writes ``body(j, number)`` for every number of a list; a team, or None, shares them."""


def integers(b: Builder, key: tuple[Any, Any], n: Any, count: int, place: Any, lanes: int) -> Each:
    """Draw `count` whole numbers below `n` into the memory at `place`; returns what walks over them.

    A block of the generator gives four of them, and `lanes` blocks are made at once: the first of each block lie
    side by side, then the second, and so on.
    """
    kind, blocks = vector(I64, lanes), _blocks(count, lanes)
    wide = (b.splat(key[0], lanes), b.splat(key[1], lanes))
    zero = b.const(0, kind)

    def some(start: Any) -> None:
        number = b.add(b.lane_numbers(lanes), b.const(start, kind) if isinstance(start, int) else b.splat(start, lanes))
        for i, word in enumerate(philox(b, (number, zero, zero, zero), wide)):
            drawn = b.shift_right(b.mul(word, b.splat(n, lanes)), 32)
            b.store(drawn, b.at(b.at(place, i * blocks, I64), start, I64))

    if blocks == lanes:
        some(0)
    else:
        with b.loop(0, blocks, lanes) as start:
            some(start)

    def each(body: Callable[[Any, Any], None], team: Team | None) -> None:
        full, rest = divmod(count, 4)
        with b.loop(*((0, full) if team is None else team.share(full))) as block:
            for i in range(4):
                number = b.load(b.at(b.at(place, i * blocks, I64), block, I64), I64)
                body(b.add(b.shift_left(block, 2), b.index(i)), number)
        with nullcontext() if team is None or not rest else team.last():
            for i in range(rest):
                body(b.index(4 * full + i), b.load(b.at(place, i * blocks + full, I64), I64))

    return each


def listed(b: Builder, count: int, place: Any) -> Each:
    """What walks over `count` numbers that lie in memory."""

    def each(body: Callable[[Any, Any], None], team: Team | None) -> None:
        with b.loop(*((0, count) if team is None else team.share(count))) as j:
            body(j, b.load(b.at(place, j, I64), I64))

    return each


def _blocks(count: int, lanes: int) -> int:
    return -(-count // (4 * lanes)) * lanes
