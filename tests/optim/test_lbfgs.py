"""L-BFGS with a line search."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import optim
from glassgrad.errors import DataError, ShapeError


def rosenbrock(params):
    x, y = params
    return np.sum((1 - x) ** 2 + 100 * (y - x**2) ** 2)


def test_rosenbrock():
    (x, y), info = optim.LBFGS().minimize(gg.value_and_grad(rosenbrock), [np.array([-1.2]), np.array([1.0])])
    np.testing.assert_allclose([x, y], 1, atol=1e-5)
    assert info.converged
    assert info.iterations == len(info.losses) < 60
    assert info.losses[-1] == info.loss < 1e-10
    assert all(a >= b for a, b in zip(info.losses, info.losses[1:], strict=False))


def test_shapes_and_dtypes_are_kept_and_the_start_is_not_written_to():
    start = [np.zeros((2, 3), np.float32), np.zeros(4)]

    def loss(params):
        a, b = params
        return np.sum((a - 1) ** 2) + np.sum((b + 2) ** 2)

    (a, b), _ = optim.LBFGS().minimize(gg.value_and_grad(loss), start)
    assert (a.dtype, a.shape, b.dtype, b.shape) == (np.float32, (2, 3), np.float64, (4,))
    np.testing.assert_allclose(a, 1, atol=1e-5)
    np.testing.assert_allclose(b, -2, atol=1e-5)
    assert not start[0].any()


def test_weight_decay_is_ridge_regression():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)

    def loss(params):
        return 0.5 * np.sum((x @ params[0] - y) ** 2)

    (w,), _ = optim.LBFGS(weight_decay=2.0).minimize(gg.value_and_grad(loss), [np.zeros(3)])
    np.testing.assert_allclose(w, np.linalg.solve(x.T @ x + 2 * np.eye(3), x.T @ y), rtol=1e-5)


def test_iterations_are_bounded_and_the_callback_can_end_it():
    start = [np.array([-1.2]), np.array([1.0])]
    _, info = optim.LBFGS(max_iterations=3).minimize(gg.value_and_grad(rosenbrock), start)
    assert info.iterations == 3
    assert not info.converged
    seen = []

    def callback(iteration, loss, params):
        seen.append((iteration, loss, rosenbrock(params)))
        return iteration == 2

    params, info = optim.LBFGS().minimize(gg.value_and_grad(rosenbrock), start, callback)
    assert [s[0] for s in seen] == [1, 2]
    np.testing.assert_allclose([s[1] for s in seen], [s[2] for s in seen])
    np.testing.assert_allclose(rosenbrock(params), info.loss)


def test_messages():
    with pytest.raises(DataError, match="not finite at the start"):
        optim.LBFGS().minimize(lambda params: (np.nan, [np.zeros(1)]), [np.zeros(1)])
    with pytest.raises(ShapeError, match="1 parameters, and 2 gradients"):
        optim.LBFGS().minimize(lambda params: (0.0, [np.zeros(1)] * 2), [np.zeros(1)])
    with pytest.raises(DataError, match="max_iterations"):
        optim.LBFGS(max_iterations=0)
