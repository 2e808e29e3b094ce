"""The generator below all draws: Philox4x32-10, and what is made of its words with exact arithmetic.

The stream of a key is the words w₀, w₁, …: word i is lane i % 4 of the block whose counter is
(b mod 2³², b ÷ 2³², 0, 0) with b = i // 4. Derived keys come from blocks whose last counter word is
not 0. Every operation is on integers, or one that IEEE 754 fixes to the bit (+ − × ÷ √, rounding,
conversion), in the order written: compiled code that keeps the order, and fuses no multiplication
with an addition, gives the same bits. Reference: Salmon, Moraes, Dror and Shaw, Parallel random
numbers: as easy as 1, 2, 3, SC'11; the polynomials are those of fdlibm and Cephes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassgrad.errors import OperandError

Array = np.ndarray[Any, Any]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
_ROUND_KEYS = np.arange(10, dtype=np.uint64)[:, None] * np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_CHUNK = 1 << 14
LN2 = {
    np.float64: (6.93147180369123816490e-01, 1.90821492927058770002e-10),
    np.float32: (6.9313812256e-01, 9.0580006145e-06),
}
LOG = {
    np.float64: (
        6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
        1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
    ),
    np.float32: (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841),
}  # fmt: skip
SIN = {
    np.float64: (
        -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
        2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10,
    ),
    np.float32: (-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4),
}  # fmt: skip
COS = {
    np.float64: (
        4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
        -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
    ),
    np.float32: (4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5),
}  # fmt: skip


def philox(counter: Array, key: Array) -> Array:
    """Ten rounds of Philox4x32: counters ``(4, n)`` and a key ``(2,)`` in, words ``(n, 4)`` out, all uint32.

    A key of shape ``(2, n)`` is one for each counter.
    """
    even, odd = counter[0::2].astype(np.uint64), counter[1::2].astype(np.uint64)
    for k in (key.astype(np.uint64).reshape(2, -1) + _ROUND_KEYS[:, :, None]) & _LOW:
        products = (even * _MULTIPLIERS)[::-1]
        even = products >> _HALF
        even ^= odd
        even ^= k
        odd = products & _LOW
    words = np.empty((counter.shape[1], 4), np.uint32)
    words[:, 0::2], words[:, 1::2] = even.T, odd.T
    return words


def words_of(key: Array, count: int) -> Array:
    """The first `count` words of a key's stream, uint32; made in chunks that stay in the cache."""
    check_key(key)
    blocks = -(-count // 4)
    words = np.empty((blocks, 4), np.uint32)
    for start in range(0, blocks, _CHUNK):
        number = np.arange(start, min(start + _CHUNK, blocks), dtype=np.uint64)
        counter = np.zeros((4, len(number)), np.uint64)
        counter[0], counter[1] = number & _LOW, number >> _HALF
        words[start : start + _CHUNK] = philox(counter, key)
    return words.reshape(-1)[:count]


def long_words_of(key: Array, count: int) -> Array:
    """The first `count` 64-bit numbers of a key's stream: two words each, the lower first."""
    pairs = words_of(key, 2 * count).reshape(-1, 2).astype(np.uint64)
    return pairs[:, 0] | (pairs[:, 1] << _HALF)


def long_words_of_each(keys: Array, count: int) -> Array:
    """The first `count` 64-bit numbers of each key's stream, ``(keys, count)``: a row is `long_words_of` its key."""
    blocks = -(-count // 2)
    number = np.tile(np.arange(blocks, dtype=np.uint64), len(keys))
    counter = np.zeros((4, len(number)), np.uint64)
    counter[0], counter[1] = number & _LOW, number >> _HALF
    pairs = philox(counter, np.repeat(keys.T, blocks, axis=1)).reshape(len(keys), -1, 2).astype(np.uint64)
    return (pairs[..., 0] | (pairs[..., 1] << _HALF))[:, :count]


def check_key(x: Any) -> None:
    if tuple(x.shape) != (2,) or x.dtype != np.uint32:
        raise OperandError(
            f"a random key is uint32[2], not {x.dtype}{list(x.shape)}; make one with random.key(seed), "
            "and further ones with random.split(key) or random.fold_in(key, step)"
        )


def unit_draws(key: Array, count: int, dtype: np.dtype[Any]) -> Array:
    """Uniform on [0, 1): the top 24 bits of a word, or the top 53 of a 64-bit number, over 2²⁴ or 2⁵³."""
    if dtype == np.float32:
        return (words_of(key, count) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    return (long_words_of(key, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _horner(x: Array, coefficients: tuple[float, ...]) -> Array:
    """c₀ + x (c₁ + x (c₂ + …)), in the dtype of x."""
    total = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = total * x + x.dtype.type(c)
    return total


def _log(x: Array) -> Array:
    """Logarithm: ln x for 0 < x <= 1, as in fdlibm: x = 2ᵉ (1 + f), and a polynomial in (f / (2 + f))²."""
    kind = x.dtype.type
    mantissa, exponent = np.frexp(x)
    small = mantissa < kind(math.sqrt(0.5))
    f = np.where(small, mantissa + mantissa, mantissa) - kind(1)
    e = (exponent - small).astype(x.dtype)
    s = f / (kind(2) + f)
    z = s * s
    half = kind(0.5) * f * f
    r = z * _horner(z, LOG[kind])
    high, low = LN2[kind]
    return e * kind(high) - ((half - (s * (half + r) + e * kind(low))) - f)


def _cos_sin(turn: Array) -> tuple[Array, Array]:
    """Cosine: cos 2πt and sin 2πt for 0 <= t < 1: the nearest quarter turn is taken off exactly."""
    kind = turn.dtype.type
    quarter = np.rint(turn * kind(4))
    a = (turn - quarter * kind(0.25)) * kind(2 * math.pi)
    z = a * a
    sine = a + a * (z * _horner(z, SIN[kind]))
    cosine = kind(1) - (kind(0.5) * z - z * z * _horner(z, COS[kind]))
    q = quarter.astype(np.int64) & 3
    swapped, flip_cos, flip_sin = (q & 1) == 1, (q == 1) | (q == 2), q >= 2
    c, s = np.where(swapped, sine, cosine), np.where(swapped, cosine, sine)
    return np.where(flip_cos, -c, c), np.where(flip_sin, -s, s)


def normal_draws(key: Array, count: int, dtype: np.dtype[Any]) -> Array:
    """Box–Muller, in the given dtype throughout: √(−2 ln u) times the cosine and sine of 2πt."""
    pairs = -(-count // 2)
    if dtype == np.float32:
        words = words_of(key, 2 * pairs)
        u = (words[0::2].astype(np.float32) + np.float32(1)) * np.float32(2.0**-32)
        turn = (words[1::2] >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    else:
        numbers = long_words_of(key, 2 * pairs) >> np.uint64(11)
        u = (numbers[0::2].astype(np.float64) + 1.0) * 2.0**-53
        turn = numbers[1::2].astype(np.float64) * 2.0**-53
    radius = np.sqrt(dtype.type(-2) * _log(u))
    out = np.empty((pairs, 2), dtype)
    out[:, 0], out[:, 1] = (radius * part for part in _cos_sin(turn))
    return out.reshape(-1)[:count]


def derived_keys(key: Array, numbers: Array, purpose: int) -> Array:
    """One new key for each number: words 0 and 1 of the block (number, purpose)."""
    check_key(key)
    counter = np.zeros((4, len(numbers)), np.uint64)
    counter[0], counter[1], counter[3] = numbers & _LOW, numbers >> _HALF, purpose
    return np.ascontiguousarray(philox(counter, key)[:, :2])
