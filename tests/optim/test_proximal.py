"""Minimising a smooth loss plus λ Σ |w|."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso

import glassgrad as gg
from glassgrad import optim
from glassgrad.errors import DataError, ShapeError
from glassgrad.optim.proximal import soft_threshold, subgradient


def given(f):
    """Value and gradient, and products with the Hessian, of a function of a list of arrays."""
    return gg.value_and_grad(f), lambda params, direction: gg.hvp(f, params, direction)


def test_soft_threshold_is_the_minimum_of_what_it_stands_for(rng):
    u = rng.normal(size=50)
    grid = np.linspace(-4, 4, 80_001)
    best = [grid[np.argmin(0.5 * (grid - x) ** 2 + 0.7 * np.abs(grid))] for x in u]
    np.testing.assert_allclose(soft_threshold(u, 0.7), best, atol=1e-4)


def test_the_smallest_subgradient():
    w, g = np.array([1.0, -1.0, 0.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.2, 1.5, -1.5])
    np.testing.assert_allclose(subgradient(w, g, np.ones(5)), [1.5, -0.5, 0, 0.5, -0.5])


def test_least_squares_equals_scikit_learns_lasso(rng):
    X = rng.normal(size=(80, 12)) * np.logspace(-1, 1, 12)
    y = X @ np.where(np.arange(12) % 3 == 0, 2.0, 0.0) + rng.normal(size=80) + 3

    def loss(params):
        w, b = params
        return 0.5 * np.mean((X @ w + b - y) ** 2)

    (w, b), info = optim.ProximalNewton(tolerance=1e-9).minimize(
        *given(loss), [np.zeros(12), np.zeros(())], penalties=[0.3, 0.0]
    )
    lasso = Lasso(alpha=0.3, tol=1e-12, max_iter=100_000).fit(X, y)
    np.testing.assert_allclose(w, lasso.coef_, atol=1e-6)
    np.testing.assert_allclose(b, lasso.intercept_, atol=1e-6)
    np.testing.assert_array_equal(w == 0, lasso.coef_ == 0)
    assert 0 < np.count_nonzero(w) < 12
    assert info.converged
    assert all(b <= a + 1e-12 for a, b in zip(info.losses, info.losses[1:], strict=False))


def test_the_conditions_of_a_minimum_hold_for_logistic_regression(rng):
    X, y = rng.normal(size=(100, 20)), np.sign(rng.normal(size=100))

    def loss(params):
        (w,) = params
        return np.mean(np.logaddexp(0, -y * (X @ w)))

    (w,), info = optim.ProximalNewton(tolerance=1e-8).minimize(*given(loss), [rng.normal(size=20)], [0.05])
    g = gg.grad(loss)([w])[0]
    assert info.converged
    assert np.abs(g[w == 0]).max() <= 0.05 + 1e-7
    np.testing.assert_allclose(g[w != 0], -0.05 * np.sign(w[w != 0]), atol=1e-7)
    assert 0 < np.count_nonzero(w) < 20
    np.testing.assert_allclose(info.loss, loss([w]) + 0.05 * np.abs(w).sum(), rtol=1e-12)


def test_a_large_penalty_leaves_nothing_and_none_is_newtons_method(rng):
    c = rng.normal(size=8)

    def loss(params):
        (w,) = params
        return np.sum(np.cosh(w - c))

    (w,), info = optim.ProximalNewton().minimize(*given(loss), [np.ones(8)], [100.0])
    assert not w.any()
    assert info.converged
    (w,), _ = optim.ProximalNewton().minimize(*given(loss), [np.zeros(8)], [0.0])
    np.testing.assert_allclose(w, c, atol=1e-6)


def test_it_ends_at_the_most_iterations_or_when_the_callback_says_so(rng):
    X, y = rng.normal(size=(50, 10)), np.sign(rng.normal(size=50))

    def loss(params):
        (w,) = params
        return np.mean(np.logaddexp(0, -y * (X @ w)))

    _, info = optim.ProximalNewton(max_iterations=1, tolerance=0).minimize(*given(loss), [np.zeros(10)], [0.01])
    assert (info.converged, info.iterations) == (False, 1)
    _, info = optim.ProximalNewton(tolerance=0).minimize(
        *given(loss), [np.zeros(10)], [0.01], lambda number, value, params: number == 2
    )
    assert info.iterations == 2
    assert "callback" in info.message


def test_what_it_is_given_is_checked():
    with pytest.raises(DataError, match="tolerance"):
        optim.ProximalNewton(tolerance=-1)
    with pytest.raises(ShapeError, match="2 penalties"):
        optim.ProximalNewton().minimize(lambda p: (0.0, [p[0]]), lambda p, v: v, [np.zeros(1)], [1.0, 2.0])
    with pytest.raises(DataError, match="not finite"):
        optim.ProximalNewton().minimize(lambda p: (np.inf, [p[0]]), lambda p, v: v, [np.zeros(1)], [1.0])
