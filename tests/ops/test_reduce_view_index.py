"""Reductions, views, indexing and compositions: NumPy's answers at the edges, ties, and what errors say."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import (
    DataError,
    GateError,
    IndexRangeError,
    OperandError,
    ShapeError,
    UnsupportedError,
    ValueMissingError,
)
from glassgrad.ops.composed import log_softmax, logsumexp, one_hot, softmax
from glassgrad.ops.index import gather, scatter_add
from glassgrad.ops.view import embed, sliced
from glassgrad.tensors import traced

N: Any = np
"""NumPy as called on tensors, which its annotations do not know."""

X = np.arange(24.0).reshape(2, 3, 4)


def gradient(f: Any, x: Any) -> Any:
    t = gg.tensor(x)
    f(t).backward()
    return t.grad


# Reductions


TRUTH = ["sum", "prod", "max", "min", "mean", "cumsum", "any", "argmax"]
NUMBERS = [*TRUTH, "argmin", "all", "ptp", "var", "std", "average"]


@pytest.mark.parametrize(
    ("dtype", "name"),
    [("bool", name) for name in TRUTH]
    + [(d, name) for d in ("uint8", "int32", "int64", "float16", "float32", "float64") for name in NUMBERS],
)
def test_dtypes_are_those_of_numpy(dtype: str, name: str) -> None:
    x = np.array([[1, 0, 1], [1, 1, 1]], dtype)
    f = getattr(np, name)
    want = f(x, axis=1)
    for got in (f(gg.tensor(x), axis=1), f(traced(x.shape, x.dtype), axis=1)):
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
    np.testing.assert_allclose(f(gg.tensor(x), axis=1).value, want, rtol=1e-3)


def test_ties_share_the_gradient() -> None:
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    third = 1 / 3
    np.testing.assert_allclose(gradient(lambda t: np.sum(np.max(t, axis=1)), x), [[0, 0.5, 0.5], [third] * 3])
    np.testing.assert_allclose(gradient(lambda t: np.sum(np.min(t, axis=1)), x), [[1, 0, 0], [third] * 3])
    np.testing.assert_allclose(gradient(np.max, x), [[0, 0.5, 0.5], [0, 0, 0]])


def test_a_nan_is_the_largest_and_gets_the_gradient() -> None:
    x = np.array([1.0, np.nan, 3.0])
    assert np.isnan(N.max(gg.tensor(x)).value)
    np.testing.assert_array_equal(gradient(np.max, x), [0, 1, 0])


def test_ufunc_reduce_is_over_axis_0() -> None:
    t: Any = gg.tensor(X)
    for ufunc in (N.add, N.multiply, N.maximum, N.minimum):
        np.testing.assert_array_equal(ufunc.reduce(t).value, ufunc.reduce(X))
        np.testing.assert_allclose(ufunc.reduce(t, axis=None).value, ufunc.reduce(X, axis=None))
        np.testing.assert_array_equal(
            ufunc.reduce(t, axis=(0, 2), keepdims=True).value, ufunc.reduce(X, axis=(0, 2), keepdims=True)
        )


def test_prod_of_zeros_is_exact() -> None:
    np.testing.assert_array_equal(gradient(np.prod, [2.0, 0.0, 5.0, 3.0, 1.0]), [0, 30, 0, 0, 0])
    np.testing.assert_array_equal(gradient(np.prod, [2.0, 0.0, 0.0]), [0, 0, 0])
    np.testing.assert_array_equal(gg.hessian(np.prod)(np.array([2.0, 0.0, 0.0]))[1, 2], 2)


def test_empty() -> None:
    empty = gg.tensor(np.zeros((0, 3)))
    assert N.sum(empty).value == 0
    assert N.prod(empty).value == 1
    assert N.mean(empty, axis=1).shape == (0,)
    assert N.max(empty, axis=1).shape == (0,)
    for f in (np.max, np.argmin):
        with pytest.raises(ShapeError, match="no elements"):
            f(empty)
    for f in (np.mean, np.var, logsumexp, softmax):
        with pytest.raises(ShapeError, match=r"no elements[^\n]*\n.*float64\[0, 3\]"):
            f(empty, axis=0)
    with pytest.raises(ShapeError, match="1 elements with ddof=1"):
        N.std(gg.tensor([1.0]), ddof=1)


def test_flat_places_have_gradient_zero() -> None:
    same = np.full(3, 2.0)
    np.testing.assert_array_equal(gradient(np.std, same), 0)
    for order in (None, 1, 2, 3, np.inf):
        np.testing.assert_array_equal(gradient(lambda t, p=order: N.linalg.norm(t, p), np.zeros(3)), 0)
    np.testing.assert_array_equal(gradient(np.linalg.norm, np.zeros((2, 2))), 0)
    assert np.all(np.isfinite(gg.hessian(np.linalg.norm)(np.zeros(2))))


def test_average_learns_its_weights() -> None:
    x, w = np.array([1.0, 2.0, 6.0]), np.array([1.0, 2.0, 1.0])
    g = gg.grad(lambda w: N.average(x, weights=w))(w)
    np.testing.assert_allclose(g, (x - np.average(x, weights=w)) / np.sum(w))


def test_options_that_tensors_do_not_have() -> None:
    t = gg.tensor([1.0, 2.0])
    with pytest.raises(UnsupportedError, match=r"np.sum has no 'where'.*np.where"):
        np.sum(t, where=np.array([True, False]))
    with pytest.raises(UnsupportedError, match=r"np.max has no 'initial'"):
        N.max(t, initial=0.0)
    with pytest.raises(UnsupportedError, match=r"np.mean has no 'out'.*immutable"):
        N.mean(t, out=np.zeros(()))
    with pytest.raises(UnsupportedError, match="order"):
        N.reshape(t, (2, 1), order="F")


@pytest.mark.parametrize(("axis", "says"), [(2, "use -2 to 1"), ((0, 0), "twice"), (1.5, "whole number")])
def test_wrong_axis(axis: Any, says: str) -> None:
    t = gg.tensor(np.ones((2, 3)), "x")
    with pytest.raises((ShapeError, OperandError), match=says) as caught:
        N.sum(t, axis=axis)
    assert "x: float64[2, 3]" in str(caught.value)
    assert "N.sum(t, axis=axis)" in str(caught.value)


# Views


def views() -> list[tuple[str, Any]]:
    return [
        ("reshape", lambda x: np.reshape(x, (-1, 4))),
        ("ravel", np.ravel),
        ("transpose", lambda x: np.transpose(x, (1, -1, 0))),
        ("transpose all", np.transpose),
        ("swapaxes", lambda x: np.swapaxes(x, 0, -1)),
        ("moveaxis", lambda x: np.moveaxis(x, (0, 1), (-1, 0))),
        ("matrix_transpose", np.matrix_transpose),
        ("expand_dims", lambda x: np.expand_dims(x, (0, -1))),
        ("squeeze", lambda x: np.squeeze(np.expand_dims(x, (1, 3)))),
        ("squeeze one", lambda x: np.squeeze(np.expand_dims(x, (1, 3)), axis=3)),
        ("broadcast_to", lambda x: np.broadcast_to(x, (2, 2, 3, 4))),
        ("flip", lambda x: np.flip(x, (0, 2))),
        ("fliplr", np.fliplr),
        ("flipud", np.flipud),
        ("concatenate flat", lambda x: np.concatenate([x, x[0]], axis=None)),
        ("concatenate dtype", lambda x: np.concatenate([x, x], dtype=np.float32)),
        ("stack", lambda x: np.stack([x, x], axis=-1)),
        ("roll", lambda x: np.roll(x, (1, -2, 5), (0, 1, 0))),
        ("roll flat", lambda x: np.roll(x, 7)),
        ("tile", lambda x: np.tile(x, (2, 1, 1, 2))),
        ("repeat", lambda x: np.repeat(x, [0, 2, 1], axis=1)),
        ("diagonal", lambda x: np.diagonal(x, -1, 1, 2)),
        ("diagonal far", lambda x: np.diagonal(x, 7)),
        ("trace", lambda x: np.trace(x, 1, 2, 1)),
        ("tril", lambda x: np.tril(x, -1)),
        ("triu", lambda x: np.triu(x, 1)),
        ("diff", lambda x: np.diff(x, 2, axis=1)),
        ("cumsum flat", np.cumsum),
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize(("name", "f"), views(), ids=[name for name, _ in views()])
def test_views_are_those_of_numpy(name: str, f: Any, dtype: str) -> None:
    x = X.astype(dtype)
    want = f(x)
    got = f(gg.tensor(x))
    np.testing.assert_array_equal(got.value, want)
    assert got.dtype == want.dtype
    symbolic = f(traced(x.shape, x.dtype))
    assert (symbolic.shape, symbolic.dtype) == (want.shape, want.dtype)


@pytest.mark.parametrize("cut", [3, [1], [1, 3], [3, 1], [-1], [0, 9], (), np.array([2])])
def test_split(cut: Any) -> None:
    x = np.arange(6.0)
    for f in (np.split, np.array_split):
        want = f(x, cut)
        got: Any = f(gg.tensor(x), cut)
        assert isinstance(got, list)
        for a, b in itertools.zip_longest(got, want):
            np.testing.assert_array_equal(a.value, b)
    g = gradient(lambda t: sum((i + 1) * np.sum(part) for i, part in enumerate(np.array_split(t, cut))), x)
    counted = np.zeros(6)
    for i, part in enumerate(np.array_split(np.arange(6), cut)):
        counted[part] += i + 1
    np.testing.assert_array_equal(g, counted)


def test_split_that_does_not_divide() -> None:
    with pytest.raises(ShapeError, match=r"5 does not divide into 2 equal sections: use np.array_split"):
        N.split(gg.tensor(np.zeros(5)), 2)
    assert [p.shape for p in np.array_split(gg.tensor(np.zeros(5)), 3)] == [(2,), (2,), (1,)]


@pytest.mark.parametrize("width", [1, (2, 1), ((1, 0), (0, 2)), ((3,), (1,)), np.array([[0, 0], [1, 1]])])
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_pad(width: Any, mode: Any) -> None:
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(N.pad(gg.tensor(x), width, mode).value, np.pad(x, width, mode))


def test_pad_with_constants() -> None:
    x = np.arange(3.0)
    np.testing.assert_array_equal(
        N.pad(gg.tensor(x), 2, constant_values=(7, -1)).value, np.pad(x, 2, constant_values=(7, -1))
    )
    with pytest.raises(UnsupportedError, match="no mode 'mean'"):
        N.pad(gg.tensor(x), 2, "mean")
    with pytest.raises(ShapeError, match="pad_width"):
        N.pad(gg.tensor(x), -1)


def test_stack_family_mixes_arrays_and_tensors() -> None:
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for f in (N.stack, N.vstack, N.hstack, N.column_stack, N.concatenate):
        np.testing.assert_array_equal(f([gg.tensor(a), b]).value, f([a, b]))
        np.testing.assert_array_equal(f((a, gg.tensor(b))).value, f((a, b)))
    x, y = np.atleast_2d(gg.tensor(a), gg.tensor(1.0))
    assert (x.shape, y.shape) == ((1, 2), (1, 1))
    p, q = np.broadcast_arrays(gg.tensor(a), gg.tensor([[1.0], [2.0]]))
    assert p.shape == q.shape == (2, 2)


def test_view_errors() -> None:
    t = gg.tensor(np.ones((2, 3)), "x")
    with pytest.raises(ShapeError, match=r"\(6 elements\) into \(4,\)[\s\S]*x: float64\[2, 3\]"):
        np.reshape(t, 4)
    with pytest.raises(ShapeError, match="6 elements"):
        np.reshape(t, (-1, 4))
    with pytest.raises(ShapeError, match="all other sizes must be equal"):
        N.concatenate([t, np.ones((2, 2))])
    with pytest.raises(ShapeError, match="one shape"):
        N.stack([t, np.ones(3)])
    with pytest.raises(ShapeError, match="cannot broadcast"):
        np.broadcast_to(t, (3, 2))
    with pytest.raises(ShapeError, match="its size is not 1"):
        np.squeeze(t, axis=0)
    with pytest.raises(ShapeError, match="each of 2 axes"):
        np.transpose(t, (0,))
    with pytest.raises(ShapeError, match="diagonal"):
        N.diagonal(gg.tensor([1.0]))


def test_slice_and_embed_are_each_others_rules() -> None:
    t = gg.tensor([1.0, 2.0, 3.0])
    assert gg.grad(lambda x: np.sum(x[::-2] * x[::2]))(t.value).tolist() == [6, 0, 2]
    part = sliced(t, index=((0, 3, 2),))
    whole = embed(part, index=((0, 3, 2),), shape=(3,))
    assert whole.value.tolist() == [1, 0, 3]


# Indexing

BASIC = [
    (), 0, -1, ..., None, slice(None), slice(None, None, -1), slice(5, None, -2), slice(-9, 9), slice(1, 1),
    (0, 1, 2), (..., 1), (1, ..., None), (None, 0, None), (slice(1, None), slice(None, 0, -1), slice(None, None, 3)),
    (slice(2, 0), ..., -1), np.int64(1), (0, ..., 1, slice(None)), (np.array(1), slice(None), np.array(2)),
]  # fmt: skip
ROWS, PAIR = np.array([0, 2, 1, 0]), np.array([[1], [-1]])
MASK = np.array([[True, False, True], [False, False, True]])
ADVANCED = [
    [1, 0], [], ROWS % 2, (ROWS % 2, ROWS), (slice(None), ROWS), (..., ROWS), (PAIR, ROWS), (0, slice(None), ROWS),
    (slice(None), 0, ROWS), (0, None, ROWS), (None, PAIR, slice(None, None, -1)), (slice(None), PAIR, None, ROWS),
    (PAIR, ..., ROWS), (PAIR, None, ROWS), MASK, (MASK, 1), (MASK, ROWS[:3]), (..., np.array([1, 0, 1, 1], bool)),
    (slice(None), [True, False, False], [1]), (1, [], slice(1, 3)), X > 11, ([0, 1], np.array(1), slice(None)),
    (np.zeros((0, 2), int), ROWS[:2]), (ROWS[:1], slice(1, None), PAIR), [[0, 1], [1, 1]], ((0, 1), (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize("index", BASIC + ADVANCED, ids=lambda i: " ".join(str(i).split()))
def test_indexing_is_that_of_numpy(index: Any) -> None:
    want = X[index]
    got = gg.tensor(X)[index]
    np.testing.assert_array_equal(got.value, want)
    assert got.shape == want.shape
    assert traced(X.shape, X.dtype)[index].shape == want.shape
    weights = np.arange(1.0, want.size + 1).reshape(want.shape)
    expected = np.zeros(X.shape)
    np.add.at(expected, index, weights)
    np.testing.assert_array_equal(gradient(lambda t: np.sum(t[index] * weights), X), expected)
    np.testing.assert_array_equal(scatter_add(gg.tensor(X), index, weights).value, X + expected)


def test_an_index_may_be_a_tensor_without_a_value() -> None:
    x, i = gg.tensor([1.0, 2.0, 3.0]), traced((2,), np.int64)
    y = x[i]
    assert (y.shape, y.op, y.operands[1]) == ((2,), gather, i)
    assert x[gg.tensor(2)].value == 3
    assert np.sum(traced((4, 3), np.float32)[:, i]).dtype == np.float32


def test_indexing_errors() -> None:
    t = gg.tensor(np.ones((2, 3)), "x")
    for index, says in (
        (2, "index 2 is out of bounds for axis 0 of size 2: use -2 to 1"),
        ((0, -4), "index -4 is out of bounds for axis 1"),
        (([0, 7],), "index 7 is out of bounds for axis 0"),
        ((0, 0, 0), "too many indices: 3 were given for 2"),
        ((..., ...), "only one ellipsis"),
        (1.0, "whole numbers"),
        (np.array([0.0]), "whole numbers"),
        (np.array([True, True, True]), r"a mask of shape \(3,\)"),
    ):
        with pytest.raises(IndexRangeError, match=says) as caught:
            _ = t[index]
        assert isinstance(caught.value, IndexError)
        assert "x: float64[2, 3]" in str(caught.value)
    with pytest.raises(ShapeError, match="do not broadcast"):
        _ = t[[0, 1], [0, 1, 2]]
    with pytest.raises(GateError, match="zero"):
        _ = t[::0]
    with pytest.raises(UnsupportedError, match=r"np\.where"):
        _ = t[True]
    with pytest.raises(ValueMissingError, match=r"np\.where\(mask, x, 0\)"):
        _ = t[traced((2, 3), np.bool_)]
    with pytest.raises(ValueMissingError, match=r"np\.where"):
        np.nonzero(traced((2,), np.float64))


def test_boolean_mask_follows_values() -> None:
    np.testing.assert_array_equal(gradient(lambda t: np.sum(t[t > 1] ** 2), [1.0, 2.0, 3.0]), [0, 4, 6])


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_take(axis: int | None, mode: Any) -> None:
    x = np.arange(6.0).reshape(2, 3)
    i = np.array([[0, 1], [-1, 1]]) if mode == "raise" else np.array([-5, 7])
    np.testing.assert_array_equal(N.take(gg.tensor(x), i, axis, mode=mode).value, np.take(x, i, axis, mode=mode))
    np.testing.assert_array_equal(N.take(gg.tensor(x), 1, axis).value, np.take(x, 1, axis))


def test_sorting_is_stable_and_routes_back() -> None:
    x = np.array([[2.0, 1.0, 2.0, 0.0]])
    np.testing.assert_array_equal(N.argsort(gg.tensor(x)).value, [[3, 1, 0, 2]])
    np.testing.assert_array_equal(N.sort(gg.tensor(x), axis=None).value, [0, 1, 2, 2])
    w = np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(gradient(lambda t: np.sum(np.sort(t) * w), x), [[3, 2, 4, 1]])


def test_search_and_nonzero_have_no_gradient() -> None:
    t = gg.tensor([0.0, 1.0, 2.0])
    i = N.searchsorted(t, np.array([[0.5], [1.0]]), side="right")
    np.testing.assert_array_equal(i.value, [[1], [2]])
    assert not i.active
    assert N.nonzero(t)[0].tolist() == [1, 2]


def test_scatter_add_keeps_dtype_and_checks_values() -> None:
    x = gg.tensor(np.zeros(3, np.float32))
    y = scatter_add(x, [0, 0], np.array([1.0, 2.0]))
    assert y.dtype == np.float32
    assert y.value.tolist() == [3, 0, 0]
    assert scatter_add(np.zeros(2), 1, 5.0).tolist() == [0, 5]
    with pytest.raises(ShapeError, match="cannot broadcast"):
        scatter_add(x, [0, 1], np.ones(3))
    with pytest.raises(OperandError, match="float64 cannot be added to int64"):
        scatter_add(np.zeros(2, np.int64), 0, 0.5)


def test_one_hot() -> None:
    np.testing.assert_array_equal(one_hot([[0, 2]], 3), [[[1, 0, 0], [0, 0, 1]]])
    assert one_hot(np.array([1]), 2).dtype == np.float32
    assert one_hot(traced((4,), np.int64), 3, dtype=np.float64).shape == (4, 3)
    for label in (3, -1):
        with pytest.raises(DataError, match=f"label {label} is out of range: 3 classes are 0 to 2"):
            one_hot(np.array([0, label]), 3)
    with pytest.raises(OperandError, match="whole numbers"):
        one_hot(np.array([0.5]), 3)


# Compositions


def test_softmax_never_overflows() -> None:
    x = np.array([[1000.0, 1001.0], [-1000.0, -np.inf], [0.0, 0.0]])
    t = gg.tensor(x)
    np.testing.assert_allclose(softmax(t, axis=1).value, [[0.2689414, 0.7310586], [1, 0], [0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(
        log_softmax(t).value, [[-1.3132617, -0.3132617], [0, -np.inf], [-0.6931472] * 2], rtol=1e-6
    )
    np.testing.assert_allclose(logsumexp(t, axis=1).value, [1001.3132617, -1000, 0.6931472], rtol=1e-7)
    np.testing.assert_allclose(np.sum(softmax(t, axis=None)).value, 1)
    assert np.all(np.isfinite(gradient(lambda t: np.sum(logsumexp(t, axis=1)), x)))


def test_logsumexp_of_infinities() -> None:
    rows = np.array([[-np.inf, -np.inf], [np.inf, 1000.0], [-np.inf, 3.0]])
    np.testing.assert_array_equal(logsumexp(gg.tensor(rows), axis=1).value, [-np.inf, np.inf, 3])
    assert np.isnan(logsumexp(np.array([np.nan, 1000.0])))
    assert softmax(gg.tensor(np.zeros(2, np.float32))).dtype == np.float32
    assert softmax([0, 0]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("order", [None, "fro", 1, -1, np.inf, -np.inf])
def test_matrix_norms(order: Any) -> None:
    x = np.array([[1.0, -2.0, 3.0], [4.0, 0.5, -6.0]])
    np.testing.assert_allclose(N.linalg.norm(gg.tensor(x), order).value, np.linalg.norm(x, order))


def test_norm_errors() -> None:
    with pytest.raises(UnsupportedError, match=r"singular values: use np\.linalg\.svd"):
        N.linalg.norm(gg.tensor(np.ones((2, 2))), 2)
    with pytest.raises(ShapeError, match="one or two axes"):
        N.linalg.norm(gg.tensor(X), 1)
    with pytest.raises(OperandError, match="no vector norm"):
        N.linalg.norm(gg.tensor([1.0]), "fro")
