"""The cost of a linear model over all rows, block by block."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import glassgrad as gg
from glassgrad.distributions import Bernoulli, Categorical
from glassgrad.estimators import objective
from glassgrad.estimators.objective import Objective


def made(rng, n=700, features=5, outputs=3, kind="dense", dtype=np.float64, **settings):
    X = rng.normal(size=(n, features)) * (rng.random((n, features)) < 0.5)
    X = X.astype(dtype)
    y = rng.integers(0, max(outputs, 2), n)
    weight = (rng.random(n) * (rng.random(n) < 0.9)).astype(dtype)
    params = [rng.normal(size=(features, outputs)).astype(dtype), rng.normal(size=outputs).astype(dtype)]
    given = sparse.csr_matrix(X) if kind == "sparse" else X
    distribution = Bernoulli() if outputs == 1 else Categorical()
    return X, y, weight, params, Objective(given, y, weight, distribution, outputs, **settings)


def plain(X, y, weight, l2, bias=True):
    """The objective in NumPy, as one function of the parameters."""

    def value(params):
        z = X @ params[0] + (params[1] if bias else 0)
        if z.shape[1] == 1:
            costs = np.logaddexp(0, (1 - 2 * y[:, None]) * z)[:, 0]
        else:
            costs = gg.distributions.Categorical().nll(z, y)
        return np.sum(weight * costs) / weight.sum() + 0.5 * l2 * np.sum(params[0] ** 2)

    return value


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_value_gradient_and_hessian_products_are_those_of_the_formula(rng, kind, outputs, engine):
    X, y, weight, params, cost = made(rng, outputs=outputs, kind=kind, l2=0.3, engine=engine)
    f = plain(X, y, weight, 0.3)
    value, gradient = cost.value_and_gradient(params)
    expected, slopes = gg.value_and_grad(f)(params)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for a, b in zip(gradient, slopes, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)
    direction = [rng.normal(size=p.shape) for p in params]
    for a, b in zip(cost.hessian_product(params, direction), gg.hvp(f, params, direction), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)


def test_without_a_bias(rng):
    X, y, weight, params, cost = made(rng, fit_intercept=False, l2=0.1)
    value, gradient = cost.value_and_gradient(params[:1])
    expected, slopes = gg.value_and_grad(plain(X, y, weight, 0.1, bias=False))(params[:1])
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    assert len(gradient) == 1
    np.testing.assert_allclose(gradient[0], slopes[0], atol=1e-13)


def test_the_gradient_of_one_example_is_that_of_the_lecture(rng):
    x, params = rng.normal(size=(1, 4)), [rng.normal(size=(4, 1)), np.zeros(1)]
    for y in (0, 1):
        _, (slope, _) = Objective(x, np.array([y]), None, Bernoulli(), 1).value_and_gradient(params)
        p = 1 / (1 + np.exp(-(x @ params[0])[0, 0]))
        np.testing.assert_allclose(-slope[:, 0], (y - p) * x[0], rtol=1e-12)  # likelihood rises by (y − σ(θᵀx)) x
    params = [rng.normal(size=(4, 3)), np.zeros(3)]
    _, (slope, _) = Objective(x, np.array([2]), None, Categorical(), 3).value_and_gradient(params)
    p = np.exp(x @ params[0])[0]
    p /= p.sum()
    np.testing.assert_allclose(-slope[:, 2], x[0] * (1 - p[2]), rtol=1e-12)
    np.testing.assert_allclose(-slope[:, :2], -x[0][:, None] * p[:2], rtol=1e-12)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_any_number_of_threads_gives_the_same_bits(rng, kind, monkeypatch):
    monkeypatch.setattr(objective, "_WORTH", 0)
    seed, found = int(rng.integers(1 << 30)), []
    for threads in (1, 2, 3):
        _, _, _, params, cost = made(
            np.random.default_rng(seed), n=3000, outputs=3, kind=kind, dtype=np.float32, threads=threads
        )
        assert len(cost._blocks) > 3
        value, gradient = cost.value_and_gradient(params)
        found.append([np.float64(value), *gradient, *cost.hessian_product(params, params)])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


def test_float32_rows_are_summed_in_float64(rng):
    n = 40_000
    X = np.ones((n, 1), np.float32)
    cost = Objective(X, np.zeros(n, int), None, Bernoulli(), 1, fit_intercept=False)
    value, (slope,) = cost.value_and_gradient([np.full((1, 1), 0.1, np.float32)])
    z = np.float64(np.float32(0.1))
    np.testing.assert_allclose(value, np.log1p(np.exp(z)), rtol=1e-7)
    np.testing.assert_allclose(slope[0, 0], 1 / (1 + np.exp(-z)), rtol=1e-6)


def test_scores_are_those_of_the_rows_and_not_of_what_fills_the_last_block(rng):
    X, _, _, params, cost = made(rng, n=333)
    cost.value_and_gradient(params)
    np.testing.assert_allclose(cost.scores(), X @ params[0] + params[1], rtol=1e-12)


def test_sparse_rows_may_be_empty_unsorted_repeated_or_have_wide_indices(rng):
    data = np.array([1.0, 2.0, 3.0, 0.0, 5.0])
    matrix = sparse.csr_matrix((data, np.array([2, 0, 1, 1, 1]), np.array([0, 2, 2, 5])), shape=(3, 3))
    y, params = np.array([0, 1, 1]), [rng.normal(size=(3, 1)), rng.normal(size=1)]
    dense = Objective(matrix.toarray(), y, None, Bernoulli(), 1).value_and_gradient(params)
    for index in (np.int32, np.int64):
        wide = sparse.csr_matrix((data, matrix.indices.astype(index), matrix.indptr.astype(index)), shape=(3, 3))
        wide.indices, wide.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
        value, gradient = Objective(wide, y, None, Bernoulli(), 1).value_and_gradient(params)
        np.testing.assert_allclose(value, dense[0], rtol=1e-13)
        np.testing.assert_allclose(gradient[0], dense[1][0], atol=1e-14)


def test_every_gate_of_the_graphs_is_right(rng):
    _, _, _, _, cost = made(rng, n=20, features=3, outputs=3, kind="dense")
    names = {gate.op.name for gate in cost.form.graph().gates}
    assert {"matmul", "exp", "log"} <= names
    X, y, weight, params, _ = made(rng, n=20, features=3, outputs=3)
    assert gg.check_gradient(plain(X, y, weight, 0.1), params)
