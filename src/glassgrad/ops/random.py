"""Seeded draws that depend on (key, index) only, so they come out the same in any order and compiled.

A key is a ``uint32[2]`` array or wire. A draw is a function of its key: use a key once, and derive
more with `fold_in` and `split`. The same key gives the same bits on every machine. What an element
takes from the key's stream of words w₀, w₁, … (see ``philox.py``):

- bits, integers, uniform of float32, bernoulli: element i takes word i.
- uniform of float64, permutation: element i takes w₂ᵢ + 2³² w₂ᵢ₊₁.
- normal: elements 2j and 2j + 1 share two draws, words 2j and 2j + 1 in float32 and the 64-bit
  numbers 2j and 2j + 1 (the whole block j) in float64.

Derived keys are words 0 and 1 of blocks with 1 (`fold_in`) or 2 (`split`) as last counter word, so
they never overlap with draws. Default dtype of `uniform` and `normal`: float64.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.errors import DataError, OperandError, ShapeError
from glassgrad.op import Case, Explanation, Op, Spec, composition, shaped
from glassgrad.ops.philox import (
    Array,
    check_key,
    derived_keys,
    long_words_of,
    long_words_of_each,
    normal_draws,
    unit_draws,
    words_of,
)  # fmt: skip

_MANY, _SEVERAL = 4096, 128  # words that are sorted digit by digit: alone, and together with others
_NO_GRADIENT = "random bits do not vary smoothly with their key"


def _size(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of integers."""
    sizes = tuple(operator.index(n) for n in (shape if isinstance(shape, tuple | list) else (shape,)))
    if any(n < 0 for n in sizes):
        raise ShapeError(f"random draws of shape {sizes}: sizes cannot be negative")
    return sizes


def _float(dtype: DTypeLike) -> np.dtype[Any]:
    """float32 or float64, the dtypes that draws come in."""
    kind = np.dtype(dtype)
    if kind not in (np.float32, np.float64):
        raise OperandError(f"random draws are float32 or float64, not {kind}; convert them with .astype")
    return kind


def _drawn(draw: Any) -> Any:
    """Forward of a gate that draws a whole shape."""

    def forward(key: Array, *, shape: tuple[int, ...], **params: Any) -> Array:
        return draw(key, math.prod(shape), **params).reshape(shape)

    return forward


def _below(key: Array, count: int, n: int) -> Array:
    """The upper 32 bits of a word times n."""
    return ((words_of(key, count).astype(np.uint64) * np.uint64(n)) >> np.uint64(32)).astype(np.int64)


def _draw_shape(fixed: Any = None) -> Any:
    """Shape rule of a gate that draws a whole shape, in a fixed dtype or that of its parameter."""

    def rule(key: Any, *, shape: tuple[int, ...], **params: Any) -> Spec:
        check_key(key)
        return Spec(shape, np.dtype(params["dtype"] if fixed is None else fixed))

    return rule


def _keyed(*params: dict[str, Any]) -> Any:
    """Cases of a gate whose operand is a key."""
    return lambda rng: [((rng.integers(0, 1 << 32, 2, dtype=np.uint32),), p) for p in params]


def _draw(name: str, shape: Any, forward: Any, formula: str, role: str, cases: Any) -> Op:
    """The record of a gate that draws from a key."""
    return Op(
        name,
        shape=shape,
        forward=forward,
        gradients=(_NO_GRADIENT,),
        explain=Explanation(formula, role, "draws"),
        cases=cases,
        kind="generator",
    )


_FLOATS = [{"shape": s, "dtype": np.dtype(t)} for s in ((), (5,), (2, 3), (0, 2)) for t in (np.float32, np.float64)]

draw_bits = _draw(
    "bits", _draw_shape(np.uint32), _drawn(words_of), r"\text{32 bits}", "draws 32 random bits an element",
    _keyed({"shape": ()}, {"shape": (5,)}, {"shape": (2, 3)}, {"shape": (0,)}),
)  # fmt: skip
draw_uniform = _draw(
    "uniform", _draw_shape(), _drawn(unit_draws), "u \\sim U[0, 1)", "draws evenly between 0 and 1", _keyed(*_FLOATS)
)
draw_normal = _draw(
    "normal", _draw_shape(), _drawn(normal_draws), "n \\sim N(0, 1)", "draws from the bell curve", _keyed(*_FLOATS)
)
draw_integers = _draw(
    "integers",
    _draw_shape(np.int64),
    _drawn(_below),
    r"i \sim \{0, \ldots, n - 1\}", "draws whole numbers below n",
    _keyed({"shape": (), "n": 3}, {"shape": (2, 3), "n": 10}, {"shape": (4,), "n": 1 << 32}),
)  # fmt: skip


def _sorting_order(words: Array) -> Array:
    """The stable sorting order of 64-bit words.

    Many are sorted 16 bits after 16 bits, which NumPy does by counting: by their upper halves first. Where two of
    these are equal the lower ones decide, and only if that leaves disorder all bits are gone through.
    """
    if len(words) < _MANY:
        return np.argsort(words, kind="stable").astype(np.int64)
    order = _by_digits(words, (32, 48))
    found = words[order]
    late = np.flatnonzero(found[1:] < found[:-1])
    if len(late):
        order[late], order[late + 1] = order[late + 1], order[late]
        found = words[order]
        if (found[1:] < found[:-1]).any():
            order = _by_digits(words, (0, 16, 32, 48))
    return order.astype(np.int64, copy=False)


def _by_digits(words: Array, shifts: tuple[int, ...]) -> Array:
    """The stable sorting order along the last axis by some digits of 16 bits, the least first."""
    order: Any = None
    for shift in shifts:
        digit = (words >> np.uint64(shift)).astype(np.uint16)
        if order is None:
            order = np.argsort(digit, axis=-1, kind="stable")
        else:
            again = np.argsort(np.take_along_axis(digit, order, -1), axis=-1, kind="stable")
            order = np.take_along_axis(order, again, -1)
    return order


def _permutation_shape(key: Any, n: int) -> Spec:
    check_key(key)
    return Spec((n,), np.dtype(np.int64))


draw_permutation = _draw(
    "permutation",
    _permutation_shape,
    lambda key, n: _sorting_order(long_words_of(key, n)),
    r"\pi(0, \ldots, n - 1)", "shuffles 0 to n − 1",
    _keyed({"n": 0}, {"n": 1}, {"n": 7}),
)  # fmt: skip


def _check_number(x: Any) -> None:
    if tuple(x.shape) != () or x.dtype.kind not in "iu":
        raise OperandError(f"fold_in takes one whole number, not {x.dtype}{list(x.shape)}")


def _fold_in_shape(key: Any, number: Any) -> Spec:
    check_key(key)
    _check_number(number)
    return Spec((2,), np.dtype(np.uint32))


def _fold_in(key: Array, number: Any) -> Array:
    number = np.asarray(number)
    _check_number(number)
    return derived_keys(key, number.astype(np.uint64).reshape(1), 1)[0]


def _fold_in_cases(rng: np.random.Generator) -> list[Case]:
    return [((rng.integers(0, 1 << 32, 2, dtype=np.uint32), n), {}) for n in (0, 7, np.array(1 << 40), np.int32(3))]


fold_in_number = Op(
    "fold_in",
    shape=_fold_in_shape,
    forward=_fold_in,
    gradients=(_NO_GRADIENT, "a whole number is not differentiable"),
    explain=Explanation("k' = \\mathrm{Philox}_k(n)", "makes a new key from a key and a number", "draws"),
    cases=_fold_in_cases,
    kind="generator",
)


def _split_shape(key: Any, n: int) -> Spec:
    check_key(key)
    return Spec((n, 2), np.dtype(np.uint32))


split_key = _draw(
    "split_key", _split_shape, lambda key, n: derived_keys(key, np.arange(n, dtype=np.uint64), 2),
    "k_1, \\ldots, k_n", "makes n new keys from one", _keyed({"n": 2}, {"n": 3}, {"n": 0}),
)  # fmt: skip


def key(seed: int) -> Array:
    """A random key from a seed: its lower and its upper 32 bits.

    Parameters
    ----------
    seed : int
        From 0 to 2⁶⁴ − 1.

    Examples
    --------
    >>> from glassgrad.ops import random
    >>> print(random.key(7))
    [7 0]
    """
    try:
        number = operator.index(seed)
    except TypeError:
        raise OperandError(f"a seed is a whole number, not {type(seed).__name__}") from None
    if not 0 <= number < 1 << 64:
        raise DataError(f"a seed lies between 0 and 2**64 - 1, and {number} does not")
    return np.array([number & 0xFFFFFFFF, number >> 32], np.uint32)


def fold_in(key: Any, number: Any) -> Any:
    """A new key from a key and a whole number, which may be an integer wire, such as a step count.

    Negative numbers count as their 64-bit two's complement.

    Examples
    --------
    >>> from glassgrad.ops import random
    >>> a = random.fold_in(random.key(0), 1)
    >>> bool((a == random.fold_in(random.key(0), 2)).all())
    False
    """
    return fold_in_number(shaped(key), number)


def split(key: Any, n: int = 2) -> Any:
    """`n` new keys, as the rows of a ``uint32[n, 2]`` array. They differ from those of `fold_in`.

    Examples
    --------
    >>> from glassgrad.ops import random
    >>> weights, noise = random.split(random.key(0))
    >>> weights.shape
    (2,)
    """
    (n,) = _size(n)
    return split_key(shaped(key), n=n)


def bits(key: Any, shape: Any) -> Any:
    """32 random bits an element, uint32.

    Examples
    --------
    >>> from glassgrad.ops import random
    >>> print([hex(w) for w in random.bits(random.key(0), 2)])
    ['0x6627e8d5', '0xe169c58d']
    """
    return draw_bits(shaped(key), shape=_size(shape))


def uniform(key: Any, shape: Any, dtype: DTypeLike = np.float64, low: Any = 0.0, high: Any = 1.0) -> Any:
    """Even draws from [low, high): multiples of 2⁻²⁴ (float32) or 2⁻⁵³ (float64), scaled.

    `low` and `high` may be tensors: the draw is ``low + (high - low) * u``, so gradients flow to them.
    Where that is rounded it can reach `high` itself.

    Examples
    --------
    >>> from glassgrad.ops import random
    >>> random.uniform(random.key(0), (2, 3), low=-1.0).shape
    (2, 3)
    """
    u = draw_uniform(shaped(key), shape=_size(shape), dtype=_float(dtype))
    if isinstance(low, int | float) and isinstance(high, int | float) and (low, high) == (0, 1):
        return u
    return low + (high - low) * u


def normal(key: Any, shape: Any, dtype: DTypeLike = np.float64) -> Any:
    """Draws from N(0, 1) by the Box–Muller transform, computed in `dtype`.

    With u in (0, 1] and t in [0, 1), a pair of elements is √(−2 ln u) cos 2πt and √(−2 ln u) sin 2πt.
    float32 takes u = (w + 1) 2⁻³² from a whole word rounded to float32, t from 24 bits, and reaches
    to ±6.7; float64 takes u and t from 53 bits and reaches to ±8.6. For N(μ, σ²) write ``mu + sigma * n``.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad.ops import random
    >>> n = random.normal(random.key(0), (1000,), np.float32)
    >>> n.dtype, bool(abs(n.mean()) < 0.1)
    (dtype('float32'), True)
    """
    return draw_normal(shaped(key), shape=_size(shape), dtype=_float(dtype))


def _bernoulli_cases(rng: np.random.Generator) -> list[Case]:
    k = rng.integers(0, 1 << 32, 2, dtype=np.uint32)
    return [((k, 0.5), {"shape": (2, 3)}), ((k, rng.uniform(size=3)), {"shape": (2, 3)}), ((k, 1.0), {"shape": ()})]


@composition("[u < p]", "draws true with probability p; no gradient passes", _bernoulli_cases)
def bernoulli(key: Any, p: Any, shape: Any) -> Any:
    """Truth values, true with probability `p`: a float32 uniform draw below p, which resolves 2⁻²⁴.

    Examples
    --------
    >>> from glassgrad.ops import random
    >>> mask = random.bernoulli(random.key(0), 0.9, (1000,))
    >>> mask.dtype, bool(abs(mask.mean() - 0.9) < 0.05)
    (dtype('bool'), True)
    """
    if isinstance(p, int | float) and not 0 <= p <= 1:
        raise DataError(f"a probability lies between 0 and 1, and {p} does not")
    return np.less(uniform(key, shape, np.float32), p)


def integers(key: Any, n: int, shape: Any) -> Any:
    """Whole numbers from 0 to n − 1, int64: the upper 32 bits of a word times n.

    No number's probability is off 1/n by more than 2⁻³², a relative bias below n / 2³²; n is at most 2³².

    Examples
    --------
    >>> from glassgrad.ops import random
    >>> rolls = random.integers(random.key(0), 6, (100,))
    >>> int(rolls.min()), int(rolls.max())
    (0, 5)
    """
    number = operator.index(n)
    if not 1 <= number <= 1 << 32:
        raise DataError(f"integers are drawn below n with 1 <= n <= 2**32, and n is {number}")
    return draw_integers(shaped(key), shape=_size(shape), n=number)


def permutation(key: Any, n: int) -> Any:
    """The numbers 0 to n − 1 shuffled, int64: the stable sorting order of n 64-bit draws.

    Examples
    --------
    >>> from glassgrad.ops import random
    >>> sorted(random.permutation(random.key(0), 4).tolist())
    [0, 1, 2, 3]
    """
    (n,) = _size(n)
    return draw_permutation(shaped(key), n=n)


def permutations(keys: Array, n: int) -> Array:
    """The permutation that each of these keys gives, ``(keys, n)``: many short ones are drawn faster together.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad.ops import random
    >>> keys = random.split(random.key(0), 3)
    >>> bool(np.all(random.permutations(keys, 9)[2] == random.permutation(keys[2], 9)))
    True
    """
    words = long_words_of_each(keys, n)
    if n < _SEVERAL:
        return np.argsort(words, axis=-1, kind="stable").astype(np.int64, copy=False)
    order = _by_digits(words, (32, 48))
    found = np.take_along_axis(words, order, -1)
    for i in np.flatnonzero((found[:, 1:] < found[:, :-1]).any(axis=1)):
        order[i] = _sorting_order(words[i])
    return order.astype(np.int64, copy=False)
