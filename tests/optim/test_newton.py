"""Newton's method by conjugate gradients."""

import numpy as np
import pytest
from scipy import optimize

import glassgrad as gg
from glassgrad import optim
from glassgrad.errors import DataError, ShapeError
from glassgrad.optim.newton import conjugate_gradients


def given(f):
    """Value and gradient, and products with the Hessian, of a function of a list of arrays."""
    return gg.value_and_grad(f), lambda params, direction: gg.hvp(f, params, direction)


def logistic(seed: int = 0, n: int = 60, features: int = 5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, features)) * np.logspace(-1, 1, features)
    y = np.sign(rng.normal(size=n))

    def loss(params):
        (w,) = params
        return np.mean(np.logaddexp(0, -y * (X @ w))) + 0.005 * np.sum(w * w)

    return loss, features


def test_a_quadratic_takes_one_exact_step_when_the_inner_solve_is_exact(rng):
    A = rng.normal(size=(6, 4))
    H, g = A.T @ A + np.eye(4), rng.normal(size=4)
    found = conjugate_gradients(lambda v: H @ v, g, 1e-12, 10)
    np.testing.assert_allclose(found, -np.linalg.solve(H, g), rtol=1e-9)


def test_few_products_still_give_a_way_down(rng):
    A = rng.normal(size=(30, 20))
    H, g = A.T @ A, rng.normal(size=20)
    for most in (1, 2, 5):
        assert conjugate_gradients(lambda v: H @ v, g, 0.0, most) @ g < 0


def test_negative_curvature_gives_the_steepest_way():
    g = np.array([1.0, -2.0])
    np.testing.assert_array_equal(conjugate_gradients(lambda v: -v, g, 1e-9, 5), -g)
    np.testing.assert_array_equal(conjugate_gradients(lambda v: 0 * v, g, 1e-9, 5), -g)


def test_logistic_regression_reaches_what_scipy_reaches():
    loss, features = logistic()
    (w,), info = optim.NewtonCG(tolerance=1e-10).minimize(*given(loss), [np.zeros(features)])
    best = optimize.minimize(lambda w: float(loss([w])), np.zeros(features), method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(w, best.x, atol=1e-4)
    assert info.converged
    assert info.iterations < 12
    assert info.loss <= best.fun + 1e-12
    assert all(a >= b for a, b in zip(info.losses, info.losses[1:], strict=False))


def test_a_loss_that_is_bent_down_in_places_is_minimised_too():
    def rosenbrock(params):
        x, y = params
        return np.sum((1 - x) ** 2 + 100 * (y - x**2) ** 2)

    (x, y), info = optim.NewtonCG().minimize(*given(rosenbrock), [np.array([-1.2]), np.array([1.0])])
    np.testing.assert_allclose([x, y], 1, atol=1e-6)
    assert info.converged


def test_shapes_and_dtypes_are_kept_and_the_start_is_not_written_to():
    start = [np.zeros((2, 3), np.float32), np.zeros(4)]

    def loss(params):
        a, b = params
        return np.sum(np.cosh(a - 1)) + np.sum((b + 2) ** 2)

    (a, b), _ = optim.NewtonCG().minimize(*given(loss), start)
    assert (a.shape, a.dtype, b.dtype) == ((2, 3), np.float32, np.float64)
    np.testing.assert_allclose(a, 1, atol=1e-6)
    np.testing.assert_allclose(b, -2, atol=1e-6)
    assert not start[0].any()


def test_it_ends_at_the_most_iterations_or_when_the_callback_says_so():
    loss, features = logistic()
    _, info = optim.NewtonCG(max_iterations=2).minimize(*given(loss), [np.zeros(features)])
    assert (info.converged, info.iterations) == (False, 2)
    seen = []

    def enough(number, value, params):
        seen.append((number, value, params[0].copy()))
        return number == 3

    (w,), info = optim.NewtonCG(tolerance=0).minimize(*given(loss), [np.zeros(features)], enough)
    assert info.iterations == 3
    assert "callback" in info.message
    assert [s[0] for s in seen] == [1, 2, 3]
    np.testing.assert_array_equal(seen[-1][2], w)


def test_a_tolerance_below_rounding_ends_and_says_why():
    loss, features = logistic()
    _, info = optim.NewtonCG(tolerance=0, max_iterations=500).minimize(*given(loss), [np.zeros(features)])
    assert info.iterations < 100
    assert info.converged or "no step" in info.message


@pytest.mark.parametrize("setting", [{"max_iterations": 0}, {"max_inner": 0}, {"tolerance": -1.0}])
def test_settings_are_checked(setting):
    with pytest.raises(DataError, match=next(iter(setting))):
        optim.NewtonCG(**setting)


def test_what_it_is_given_is_checked():
    with pytest.raises(DataError, match="not finite"):
        optim.NewtonCG().minimize(lambda p: (np.nan, [np.zeros(1)]), lambda p, v: v, [np.zeros(1)])
    with pytest.raises(ShapeError, match="gradients"):
        optim.NewtonCG().minimize(lambda p: (0.0, []), lambda p, v: v, [np.zeros(1)])
