"""Elementwise gates in every dtype, on all kinds of numbers, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.native.steps import Call
from glassgrad.trees import flatten

WHOLE = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32]
SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.7, -3.7, 7.0, 0.1, 1e17, 1e300, -1e300, 1e-310, 5e-324,
    np.inf, -np.inf, np.nan,
]  # fmt: skip
EXACT = [np.remainder, np.floor_divide, np.copysign, np.nextafter]


def same(f: Any, *args: Any, called: bool = False) -> None:
    """The very numbers of NumPy, signs of zeros too."""
    compiled = gg.compile(f)
    with np.errstate(all="ignore"):
        pairs = zip(flatten(compiled(*args))[0], flatten(f(*args))[0], strict=True)
    for got, want in pairs:
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        np.testing.assert_array_equal(got, want)
        if want.dtype.kind == "f":
            real = ~np.isnan(want)
            np.testing.assert_array_equal(np.signbit(got[real]), np.signbit(want[real]))
    assert called or not [s for s in compiled.programs[0].plan.steps if isinstance(s, Call)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", EXACT)
def test_exact_functions_of_floating_numbers(f: Any, dtype: Any, rng: np.random.Generator) -> None:
    x, y = (z.ravel() for z in np.meshgrid(SPECIAL, SPECIAL))
    wide = [np.concatenate([z, rng.normal(size=500) * 10.0 ** rng.integers(-30, 30, 500)]) for z in (x, y)]
    near = [rng.integers(-40, 40, 200) / 8, rng.integers(-9, 9, 200) / 4]
    with np.errstate(over="ignore"):
        for a, c in (wide, near):
            same(f, a.astype(dtype), c.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, *WHOLE, np.bool_])
@pytest.mark.parametrize("f", [np.isfinite, np.isinf, np.isnan, np.logical_not])
def test_tests(f: Any, dtype: Any) -> None:
    with np.errstate(all="ignore"):
        x = np.array(SPECIAL)
        same(f, (x if np.dtype(dtype).kind == "f" else np.arange(len(SPECIAL)) % 3).astype(dtype))
        if np.dtype(dtype).kind == "f":
            same(np.signbit, x.astype(dtype))


def pair(rng: np.random.Generator, dtype: Any) -> tuple[Any, Any]:
    """Whole numbers of the full range, with zeros, ones below zero, the smallest, and few bits among them."""
    limits = np.iinfo(dtype)
    x, y = (rng.integers(limits.min, limits.max, 300, dtype=dtype, endpoint=True) for _ in range(2))
    y[:50], y[50:100] = 0, 3
    x[90:120] = limits.min
    y[100:120] = np.array(-1).astype(dtype)
    y[150:] %= np.array(limits.bits + 2, dtype)
    return x, y


@pytest.mark.parametrize("dtype", WHOLE)
def test_whole_numbers(dtype: Any, rng: np.random.Generator) -> None:
    x, y = pair(rng, dtype)
    both = (
        np.add, np.subtract, np.multiply, np.floor_divide, np.remainder, np.left_shift, np.right_shift, np.maximum,
        np.minimum, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.less, np.less_equal, np.greater, np.equal,
    )  # fmt: skip
    same(lambda x, y: [f(x, y) for f in both], x, y)
    same(lambda x: [f(x) for f in (np.invert, np.negative, np.square, np.absolute, np.sign)], x)
    same(lambda x, y: np.where(x > y, x, np.clip(y, 1, 5)), x, y)


def test_whole_numbers_of_64_bits_without_a_sign(rng: np.random.Generator) -> None:
    x, y = pair(rng, np.uint64)
    for f in (np.add, np.multiply, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.equal, np.not_equal):
        same(f, x, y)
    for f in (np.less, np.maximum, np.floor_divide, np.right_shift):
        same(f, x, y, called=True)
    for other in (np.int64, np.float64, np.int8):
        same(np.less, x, y.astype(other), called=True)
        same(np.add, x, y.astype(other), called=True)


def test_two_dtypes_meet_as_in_numpy(rng: np.random.Generator) -> None:
    for one in (*WHOLE, np.float32, np.bool_):
        for other in (*WHOLE, np.float64, np.bool_):
            x, y = rng.integers(0, 100, 50).astype(one), rng.integers(0, 100, 50).astype(other)
            same(lambda x, y: (x + y, x > y, np.where(x > 50, x, y)), x, y)
