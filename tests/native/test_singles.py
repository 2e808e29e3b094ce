"""Gates that are a step of their own, against NumPy: in every dtype, on views, over nothing, with bad indices."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import glassgrad as gg
from glassgrad.native.steps import Call
from glassgrad.ops import OPS
from glassgrad.ops.index import _index_cases
from glassgrad.trees import flatten

WHOLE = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
DTYPES = [*WHOLE, np.float32, np.float64, np.bool_]


def drawn(rng: np.random.Generator, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Numbers of the whole range of a dtype."""
    if dtype == np.bool_:
        return rng.random(shape) < 0.5
    if np.dtype(dtype).kind == "f":
        return (10 * rng.normal(size=shape)).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def same(f: Any, *args: Any, close: float = 0.0, called: bool = False) -> None:
    """Compile and run; the results are those of NumPy, and none of them is called."""
    compiled = gg.compile(f)
    with np.errstate(all="ignore"):
        pairs = zip(flatten(compiled(*args))[0], flatten(f(*args))[0], strict=True)
    for got, want in pairs:
        want = np.asarray(getattr(want, "value", want))
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        np.testing.assert_allclose(got, want, rtol=close, atol=close)
    steps = compiled.programs[-1].plan.steps
    assert called or not [s.gate.op.name for s in steps if isinstance(s, Call)]


SHAPES: list[tuple[tuple[int, ...], Any]] = [
    ((5,), (0,)), ((3, 4), (0,)), ((3, 4), (1,)), ((3, 4), (0, 1)), ((2, 3, 4), (0, 2)), ((2, 0, 3), (1,)),
    ((2, 0), (0,)), ((), ()),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "any", "all"])
def test_folds(name: str, dtype: Any, rng: np.random.Generator) -> None:
    close = 1e-5 if dtype == np.float32 else 1e-11 if dtype == np.float64 or name == "mean" else 0.0
    chosen = [(s, axes) for s, axes in SHAPES if name in ("sum", "any", "all") or 0 not in [s[a] for a in axes]]

    def every(*xs: Any) -> Any:
        f = getattr(np, name)
        return [
            (f(x, axis=axes, keepdims=True), f(x.T, axis=tuple(len(shape) - 1 - a for a in axes)))
            for x, (shape, axes) in zip(xs, chosen, strict=True)
        ]

    same(every, *[drawn(rng, dtype, shape) for shape, _ in chosen], close=close)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions(name: str, dtype: Any, rng: np.random.Generator) -> None:
    for shape, axis in (((5,), 0), ((4, 6), 0), ((4, 6), 1), ((4, 6), None), ((2, 3, 5), 1)):
        x = drawn(rng, dtype, shape)
        ties = x if dtype == np.bool_ else (x % 2).astype(dtype)
        f = getattr(np, name)
        same(
            lambda x, y, f=f, axis=axis: [
                (f(z, axis=axis), f(z[::-1].T, axis=axis, keepdims=True)) for z in (x, y)
            ], x, ties,
        )  # fmt: skip


def test_a_nan_is_the_extreme_and_the_first_of_them_wins() -> None:
    x = np.array([[1, np.nan, 3, np.nan], [2, 1, 0, 5], [np.nan, 0, 0, 0]])
    for axis in (0, 1, None):
        same(lambda x, axis=axis: np.argmax(x, axis=axis), x)
        same(lambda x, axis=axis: np.argmin(x, axis=axis), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_running_sums_are_added_in_order(dtype: Any, rng: np.random.Generator) -> None:
    for shape in ((5,), (3, 40), (2, 3, 4), (0, 2)):
        x = drawn(rng, dtype, shape)
        same(lambda x: (np.cumsum(x, axis=-1), np.cumsum(x.T, axis=-1), np.cumsum(x)), x)
    assert np.signbit(gg.compile(np.cumsum)(np.array([-0.0]))).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_joining_cutting_and_putting_among_zeros(dtype: Any, rng: np.random.Generator) -> None:
    x = drawn(rng, dtype, (3, 33))
    others = [drawn(rng, other, (3, 5)) for other in DTYPES]
    same(lambda x, *ys: [np.concatenate([x, y[:, ::2], x[:, :0]], axis=1) for y in ys], x, *others)
    same(lambda x, *ys: [np.concatenate([x.T, y.T]) for y in ys], x, *others)
    same(lambda x: np.split(x, [2, 2, 7], axis=1)[2], x)
    same(lambda x: sum(np.array_split(x.T[::-1], 3)), x)
    for shape, index in (
        ((5, 40), ((1, 4, 1), (2, 35, 1))),
        ((3, 70), ((None, None, -1), (67, 1, -2))),
        ((2, 3, 33), (1,)),
    ):
        same(lambda x, shape=shape, index=index: OPS["embed"](x, index=index, shape=shape), drawn(rng, dtype, (3, 33)))


@pytest.mark.parametrize("source", DTYPES)
def test_casts(source: Any, rng: np.random.Generator) -> None:
    x = drawn(rng, source, (7, 19))
    if np.dtype(source).kind == "f":
        x = np.abs(x) % 100  # beyond the range of whole numbers NumPy promises nothing
    same(lambda x: [x.astype(target) for target in DTYPES], x)


@pytest.mark.parametrize("positions", [np.int8, np.int64, np.uint8, np.uint32])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8, np.bool_])
def test_every_form_of_index(dtype: Any, positions: Any, rng: np.random.Generator) -> None:
    for shape, indices, template in _index_cases(rng):
        indices = [(i if np.dtype(positions).kind == "i" else np.abs(i)).astype(positions) for i in indices]
        x = drawn(rng, dtype, shape)
        same(lambda x, *i, t=template: OPS["gather"](x, *i, template=t), x, *indices)
        values = np.asarray(OPS["gather"](x, *indices, template=template))
        same(lambda v, *i, t=template, s=shape: OPS["scatter_add"](v, *i, template=t, shape=s), values, *indices)


LOOKUPS: list[Any] = [
    lambda x, i, j: x[i],
    lambda x, i, j: x[i, j],
    lambda x, i, j: x[i, j, ::2],
    lambda x, i, j: x[i, :, j],
    lambda x, i, j: x[:, None, i % 5, None],
    lambda x, i, j: x.T[..., j % 5, i],
    lambda x, i, j: x.T[1:30:3, i % 5, 0],
    lambda x, i, j: x[2, :, i],
]


@pytest.mark.parametrize("number", range(len(LOOKUPS)))
def test_lookups_of_rows_and_their_gradients(number: int, rng: np.random.Generator) -> None:
    x, i, j = rng.normal(size=(6, 5, 40)), rng.integers(-6, 6, (3, 1)), rng.integers(-5, 5, (4,))
    same(LOOKUPS[number], x, i, j)
    f = LOOKUPS[number]
    same(lambda x, i, j: gg.grad(lambda x: np.sum(np.sin(f(x, i, j))))(x), x, i, j, close=1e-12)


def test_values_are_added_in_the_order_of_numpy(rng: np.random.Generator) -> None:
    x, i, j = np.zeros((6, 5, 40)), rng.integers(-6, 6, (3, 1)), rng.integers(-5, 5, (30,))
    v = rng.normal(size=(3, 30, 40)) * 10.0 ** rng.integers(-8, 8, (3, 30, 40))
    same(lambda x, i, j, v: gg.scatter_add(x, (i, j), v), x, i, j, v)
    same(lambda x, i, j, v: gg.scatter_add(x, (i, slice(None), j), v[:, :, :5]), x, i, j, v)
    same(lambda x, i: gg.scatter_add(x, (i,), 0.1), x, i)


def test_indices_out_of_range_are_numpy_s_error() -> None:
    look = gg.compile(lambda x, i: x[1:, i])
    add = gg.compile(lambda v, i: gg.scatter_add(np.zeros((4, 3)), (slice(None), i), v))
    for wrong in (3, -4, 2**40, -(2**60)):
        with pytest.raises(IndexError, match="out of bounds"):
            look(np.ones((4, 3)), np.array([0, wrong]))
        with pytest.raises(IndexError, match="out of bounds"):
            add(np.ones((4, 2)), np.array([0, wrong]))
    np.testing.assert_array_equal(look(np.ones((4, 3)), np.array([2, -3])), np.ones((3, 2)))


PRODUCTS = [
    ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((2, 0), (0, 3)), ((2, 2, 3), (3, 4)),
    ((2, 1, 2, 3), (5, 3, 2)), ((3,), (2, 3, 2)), ((2, 3, 4), (4,)), ((0, 3), (3, 2)), ((40, 3, 17), (40, 17, 9)),
    ((1, 3, 4), (6, 4, 2)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, np.bool_])
def test_stacks_of_products(dtype: Any, rng: np.random.Generator) -> None:
    close = 3e-4 if dtype == np.float32 else 1e-10 if dtype == np.float64 else 0.0
    for a, b in PRODUCTS:
        x, y = drawn(rng, dtype, a), drawn(rng, dtype, b)
        same(lambda x, y: x @ y, x, y, close=close)
        if min(len(a), len(b)) > 1:
            same(lambda x, y: np.swapaxes(y, -1, -2) @ np.swapaxes(x, -1, -2), x, y, close=close)
            same(lambda x, y: x[::-1, ..., ::-1] @ y[..., ::-1, ::-1], x, y, close=close)
    same(lambda x: np.broadcast_to(x[None], (5, 3, 4)) @ x.T, drawn(rng, dtype, (3, 4)), close=close)


def test_products_of_two_dtypes(rng: np.random.Generator) -> None:
    for one, other in ((np.float32, np.float64), (np.int64, np.float64), (np.bool_, np.float32), (np.int8, np.uint8)):
        for a, b in (((3, 4), (4, 2)), ((5, 3, 4), (5, 4, 2))):
            same(lambda x, y: x @ y, drawn(rng, one, a), drawn(rng, other, b), close=1e-5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("positions", [np.int32, np.int64])
def test_sparse_matrices(dtype: Any, positions: Any, rng: np.random.Generator) -> None:
    gate, rows = OPS["csr_matmul"], OPS["csr_rows"]
    for shape in ((5, 7), (1, 4), (9, 3)):
        matrix = sparse.random_array(shape, density=0.4, rng=rng, format="csr")
        data = drawn(rng, dtype, (matrix.nnz,))
        places = matrix.indices.astype(positions), matrix.indptr.astype(positions)
        same(lambda p, n=matrix.nnz: rows(p, nnz=n), places[1])
        for tail in ((), (1,), (3,), (40,)):
            for turned in (False, True):
                x = drawn(rng, dtype, (shape[0] if turned else shape[1], *tail))
                params = {"shape": shape, "transposed": turned}
                same(lambda d, i, p, x, params=params: gate(d, i, p, x, **params), data, *places, x, close=1e-4)
                if turned:
                    to = drawn(rng, dtype, (shape[1], *tail))
                    adds = partial(OPS["csr_add"], shape=shape)
                    same(lambda t, d, i, p, x, adds=adds: adds(t, d, i, p, x), to, data, *places, x, close=1e-4)


def test_broken_sparse_matrices_are_scipy_s_error() -> None:
    product = gg.compile(lambda d, i, p, x: OPS["csr_matmul"](d, i, p, x, shape=(2, 3), transposed=False))
    good = np.ones(2), np.array([0, 2]), np.array([0, 1, 2]), np.ones((3, 2))
    np.testing.assert_array_equal(product(*good), np.ones((2, 2)))
    broken = [
        (1, [0, 3]),
        (1, [-1, 0]),
        (1, [2**40, 0]),
        (2, [0, 3, 2]),
        (2, [-1, 1, 2]),
        (2, [0, -5, 2]),
        (2, [0, 1, 9]),
    ]
    for place, wrong in broken:
        args = list(good)
        args[place] = np.array(wrong)
        with pytest.raises(ValueError, match=r"indices must|indptr|index pointer|index arrays|Last value"):
            product(*args)
    with pytest.raises(ValueError, match="negative"):
        gg.compile(lambda p: OPS["csr_rows"](p, nnz=3))(np.array([0, 5, 3]))
