"""Draws of machine code are those of `ops.random`, bit for bit, for any key and any number of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.native.steps import Call
from glassgrad.native.target import named
from glassgrad.ops import random

DRAWS: dict[str, Any] = {
    "bits": lambda k, n: random.bits(k, (n,)),
    "uniform32": lambda k, n: random.uniform(k, (n,), np.float32),
    "uniform64": lambda k, n: random.uniform(k, (n,), np.float64),
    "scaled": lambda k, n: random.uniform(k, (n,), np.float32, -2.0, 3.0),
    "normal32": lambda k, n: random.normal(k, (n,), np.float32),
    "normal64": lambda k, n: random.normal(k, (n,), np.float64),
    "bernoulli": lambda k, n: random.bernoulli(k, 0.3, (n,)),
    "dice": lambda k, n: random.integers(k, 6, (n,)),
    "words": lambda k, n: random.integers(k, 1 << 32, (n,)),
    "split": lambda k, n: random.split(k, n),
    "matrix": lambda k, n: random.normal(k, (2, n, 3), np.float32),
    "of another key": lambda k, n: random.uniform(random.fold_in(random.split(k, 3)[1], n), (n,), np.float32),
}


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_the_same_bits(name: str) -> None:
    for n in (1, 2, 3, 4, 5, 8, 31, 32, 33, 200, 1003):
        compiled = gg.compile(lambda key, n=n: DRAWS[name](key, n))
        for seed in (0, 7, 2**64 - 1):
            got, want = compiled(random.key(seed)), DRAWS[name](random.key(seed), n)
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)
        assert not [s for s in compiled.programs[0].plan.steps if isinstance(s, Call)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_normal_numbers_a_hundred_thousand_times(dtype: Any) -> None:
    """Rare quarters of a turn and small logarithms come up too."""
    draw = gg.compile(lambda key: random.normal(key, (100_000,), dtype))
    np.testing.assert_array_equal(draw(random.key(3)), random.normal(random.key(3), (100_000,), dtype))


def test_the_same_bits_for_another_cpu() -> None:
    for name in ("normal32", "normal64", "uniform64", "bits"):
        try:
            got = gg.compile(lambda key, name=name: DRAWS[name](key, 101), named("x86-64-avx2"))(random.key(1))
        except gg.errors.GlassgradError as error:
            pytest.skip(f"this machine does not run AVX2 code: {error}")
        np.testing.assert_array_equal(got, DRAWS[name](random.key(1), 101))


@pytest.mark.parametrize("number", [0, 5, -1, 2**40 + 3, -(2**62)])
@pytest.mark.parametrize("dtype", [None, np.int64, np.int32, np.int8, np.uint8, np.uint32, np.uint64])
def test_keys_from_numbers(number: int, dtype: Any) -> None:
    fold = gg.compile(random.fold_in)
    number = number if dtype is None else np.array(number).astype(dtype)[()]
    np.testing.assert_array_equal(fold(random.key(9), number), random.fold_in(random.key(9), number))
    np.testing.assert_array_equal(
        gg.compile(lambda k: random.fold_in(k, number))(random.key(9)), fold(random.key(9), number)
    )
