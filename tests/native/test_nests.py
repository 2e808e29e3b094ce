"""Loops with the sums over what they compute, and products with what follows them: right for every shape and stride."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.compiler import Program
from glassgrad.native.steps import Loop, Multiply
from glassgrad.native.target import named

SHAPES = [(), (1,), (3,), (16,), (50,), (1, 7), (40, 1), (5, 3), (33, 17), (4, 100), (2, 3, 5), (3, 1, 70), (9, 2, 16)]
REDUCTIONS: dict[str, Any] = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min}


def axes_of(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    every = range(len(shape))
    return [axes for n in range(1, len(shape) + 1) for axes in itertools.combinations(every, n)] or [()]


def steps_of(compiled: Any) -> list[Any]:
    return compiled.programs[-1].plan.steps


def compared(f: Any, *args: Any, target: Any = None) -> list[Any]:
    compiled = gg.compile(f, target)
    got, want = compiled(*args), f(*args)
    for a, b in zip(
        got if isinstance(got, tuple) else (got,), want if isinstance(want, tuple) else (want,), strict=True
    ):
        assert (np.shape(a), np.asarray(a).dtype) == (np.shape(b), np.asarray(b).dtype)
        close = 3e-5 if np.asarray(b).dtype == np.float32 else 1e-12
        np.testing.assert_allclose(a, b, rtol=close, atol=close * 10)
    return steps_of(compiled)


@pytest.mark.parametrize("target", [None, "x86-64-avx2", "x86-64-sse2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_reduction_over_every_axis_with_what_it_sums(dtype: Any, target: str | None) -> None:
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        x, y = rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
        column = rng.normal(size=(*shape[:-1], 1) if shape else ()).astype(dtype)
        for axes, keep in itertools.product(axes_of(shape), (False, True)):

            def f(x: Any, y: Any, column: Any, axes: Any = axes, keep: Any = keep) -> Any:
                inside = np.maximum(x, 0.25) * column + y
                folds = [reduce(inside, axis=axes, keepdims=keep) for reduce in REDUCTIONS.values()]
                return (inside, np.sum(x * y, axis=axes, keepdims=keep), np.mean(x * x, axis=axes), *folds)

            steps = compared(f, x, y, column, target=None if target is None else named(target))
            assert len(steps) == 1  # all of it in one loop, but where x is all there is
            assert isinstance(steps[0], Loop)


def test_strides_of_every_kind() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(12, 34, 3)).astype(np.float32)
    for f in (
        lambda x: np.sum(np.tanh(x[::2, ::-1, 1]), axis=0),
        lambda x: np.sum(np.exp(x.T), axis=(0, 2)),
        lambda x: np.max(x.transpose(2, 0, 1) * x[3, :, 0], axis=2),
        lambda x: np.sum(x[:, None, 5:25, 0] * x[None, :, 5:25, 2], axis=-1),
        lambda x: np.mean(np.broadcast_to(x[:, :1], x.shape) * x, axis=1),
        lambda x: (x * 2 + np.sum(x, axis=(0, 1))) / np.sum(x[..., 0] ** 2),
    ):
        compared(f, x)


def test_nothing_and_things_that_are_no_numbers() -> None:
    for shape in ((0, 5), (5, 0)):
        compared(lambda x: (np.sum(x * 2, axis=0), np.sum(x * 2, axis=1), np.sum(x * 2)), np.zeros(shape, np.float32))
    x = np.array([[1.0, np.nan, 3.0], [np.inf, 2.0, -np.inf]])
    with np.errstate(all="ignore"):
        compared(lambda x: (np.max(x + 0.5, axis=1), np.min(x + 0.5, axis=0), np.sum(np.exp(-np.abs(x)), axis=1)), x)


def test_products_take_in_what_follows() -> None:
    rng = np.random.default_rng(2)
    for m, n, k in ((5, 7, 9), (33, 100, 40), (64, 10, 300), (1, 200, 130), (300, 1, 90), (17, 31, 5)):
        x, W, b = (rng.normal(size=s).astype(np.float32) for s in ((m, k), (k, n), (n,)))
        row, mask, C = rng.normal(size=(m, 1)).astype(np.float32), rng.random((m, n)) < 0.5, np.ones((m, n), np.float32)
        steps = compared(lambda x, W, b, row, mask, C: np.tanh(x @ W + b) * row * mask + C, x, W, b, row, mask, C)
        (product,) = [s for s in steps if isinstance(s, Multiply)]
        assert product.then is not None
        assert not product.keep
        assert len(product.then.gates) >= 4
        compared(lambda x, W, b: (x @ W, np.exp(-((x @ W + b) ** 2)), np.sum(x @ W + b, axis=0)), x, W, b)
        compared(lambda x, W, b, C: (x @ W + x[:, :1] @ W[:1] + C, (x @ W).T * 2), x, W, b, C)


def test_a_product_is_not_moved_past_what_it_reads() -> None:
    rng = np.random.default_rng(3)
    W, x = rng.normal(size=(40, 40)).astype(np.float32), rng.normal(size=(40, 40)).astype(np.float32)

    def f(W: Any, x: Any) -> Any:
        first = x @ W
        second = np.tanh(first) @ W
        return W - 0.1 * (x.T @ second), first * second + W

    compared(f, W, x)
    compared(lambda W: W - 0.1 * (W @ W), W)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_threads_give_the_bits_of_one(threads: int) -> None:
    rng = np.random.default_rng(4)
    W, x = rng.normal(size=(300, 170)).astype(np.float32), rng.normal(size=(257, 300)).astype(np.float32)

    def f(x: Any, W: Any) -> Any:
        h = np.tanh(x @ W)
        return h, np.sum(h * h, axis=0), np.max(np.exp(h), axis=1), np.mean(np.sqrt(np.abs(h)), axis=0), h.T @ x

    graph = gg.trace(f, x, W, values=False)
    alone, together = Program(graph, threads=1).run([x, W]), Program(graph, threads=threads).run([x, W])
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)
