"""grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp, checkpoint and gates of one's own, nested in every way."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors

# orders and nesting


def test_derivatives_to_order_four():
    f, expected = np.sin, [math.sin, math.cos, lambda x: -math.sin(x), lambda x: -math.cos(x), math.sin]
    for order in range(5):
        assert math.isclose(f(0.7), expected[order](0.7), rel_tol=1e-12)
        f = gg.grad(f)
    g = lambda x: x**5  # noqa: E731 a polynomial and its derivatives
    for value in (5 * 16.0, 20 * 8.0, 60 * 4.0, 120 * 2.0, 120.0, 0.0):
        g = gg.grad(g)
        assert math.isclose(g(2.0), value, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize("f", [np.tanh, gg.sigmoid, np.log, lambda x: x**-1.5, lambda x: np.exp(-x * x)])
def test_forward_and_reverse_mode_nest_in_every_order(f):
    def forward(f):
        return lambda x: gg.jvp(f, (x,), (1.0,))[1]

    x, h = 0.6, 1e-4
    second = (gg.grad(f)(x + h) - gg.grad(f)(x - h)) / (2 * h)
    ways = [gg.grad(gg.grad(f)), forward(gg.grad(f)), gg.grad(forward(f)), forward(forward(f))]
    found = [way(x) for way in ways]
    np.testing.assert_allclose(found, second, rtol=1e-6)
    np.testing.assert_allclose(found, found[0], rtol=1e-12)


def test_perturbations_are_not_confused():
    """The inner derivative is by y alone, though y is multiplied with x (Siskind and Pearlmutter, 2005)."""
    assert gg.grad(lambda x: x * gg.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert gg.grad(lambda x: x * gg.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert gg.jvp(lambda x: x * gg.jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1] == 1.0
    assert gg.grad(lambda x: gg.jvp(lambda y: x * x * y, (1.0,), (x,))[1])(2.0) == 12.0
    assert gg.grad(lambda x: gg.grad(lambda y: gg.grad(lambda z: x * y * z)(1.0) * y)(5.0))(7.0) == 10.0


def test_the_worked_example_of_the_lecture():
    f = lambda x: (x**2) ** 2 + x**2  # noqa: E731 ℓ(x) = h(x², x), h = a² + b²
    assert gg.grad(f)(1.5) == 4 * 1.5**3 + 2 * 1.5
    value, (g1, g2) = gg.value_and_grad(lambda a, b: a**3 * b + 3 * a, (0, 1))(2.0, 3.0)
    assert (value, g1, g2) == (30.0, 39.0, 8.0)


# arguments and results


def test_plain_arrays_in_plain_arrays_out_and_tensors_stay_tensors():
    g = gg.grad(lambda x: np.sum(x**2))
    assert type(g(np.ones(2))) is np.ndarray
    assert isinstance(g(2.0), np.floating)
    t = gg.tensor([1.0, 2.0], "t")
    out = g(t)
    assert isinstance(out, gg.Tensor)
    np.sum(out * out).backward()  # Σ (2t)², whose gradient is 8t
    np.testing.assert_array_equal(t.grad, [8.0, 16.0])
    p = gg.Parameter([3.0])
    inner = gg.grad(lambda x: np.sum(p * x**2))(np.ones(1))
    assert isinstance(inner, gg.Tensor), "a caught parameter keeps the graph open"
    np.sum(inner).backward()
    np.testing.assert_array_equal(p.grad, [2.0])


def test_dtypes_and_shapes_of_gradients():
    for dtype in (np.float32, np.float64):
        g = gg.grad(lambda x: np.mean(np.tanh(x) ** 2))(np.ones((2, 3), dtype))
        assert (g.dtype, g.shape) == (dtype, (2, 3))
    assert gg.grad(lambda n: n * n)(3) == 6.0, "a Python int is a number like any other"


def test_argnums():
    def f(a, b, c):
        return np.sum(a * b * c)

    a, b, c = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
    np.testing.assert_array_equal(gg.grad(f)(a, b, c), b * c)
    np.testing.assert_array_equal(gg.grad(f, argnums=1)(a, b, c), a * c)
    np.testing.assert_array_equal(gg.grad(f, argnums=-1)(a, b, c), a * b)
    one = gg.grad(f, argnums=[1])(a, b, c)
    assert isinstance(one, tuple)
    assert len(one) == 1
    last, first = gg.grad(f, argnums=(2, 0))(a, b, c)
    np.testing.assert_array_equal(last, a * b)
    np.testing.assert_array_equal(first, b * c)
    with pytest.raises(errors.OperandError, match="argnums"):
        gg.grad(f, argnums=3)(a, b, c)


def test_the_same_array_twice_is_two_arguments():
    a = np.array([2.0])
    first, second = gg.grad(lambda x, y: np.sum(x * x * y), (0, 1))(a, a)
    np.testing.assert_array_equal(first, [8.0])
    np.testing.assert_array_equal(second, [4.0])


def test_keyword_arguments_pass_through():
    def f(x, *, scale=1.0, flag=False):
        return np.sum(x) * scale if flag else x.sum()

    assert gg.grad(f)(np.ones(1), scale=3.0, flag=True)[0] == 3.0
    assert gg.grad(f)(np.ones(1))[0] == 1.0
    assert gg.jacobian(f)(np.ones(1), scale=2.0, flag=True)[0] == 2.0


def test_the_wrapped_function_keeps_its_name():
    def loss(x):
        """Its own words."""
        return x

    for g in (gg.grad(loss), gg.value_and_grad(loss), gg.jacobian(loss), gg.checkpoint(loss)):
        assert g.__name__ == "loss"
        assert g.__doc__ == "Its own words."


def test_has_aux():
    def f(x):
        return np.sum(x**2), {"twice": x * 2, "note": "kept", "count": 3}

    (value, aux), g = gg.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert value == 5.0
    np.testing.assert_array_equal(g, [2.0, 4.0])
    assert aux["note"] == "kept"
    assert aux["count"] == 3
    assert type(aux["twice"]) is np.ndarray
    g, aux = gg.grad(f, has_aux=True)(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(aux["twice"], [2.0, 4.0])


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass(frozen=True)
class Layer:
    W: Any
    b: Any
    name: str = field(default="layer", init=False)


@dataclass
class Net:
    layers: list[Layer]
    scale: float


def test_trees_of_arguments():
    W, b = np.array([[1.0, 2.0]]), np.array([3.0])
    tree = {"a": [W, (b, 2.0)], "p": Point(b, None), "l": Layer(W, b)}

    def f(tree):
        assert isinstance(tree["p"], Point)
        assert isinstance(tree["l"], Layer)
        total = np.sum(tree["a"][0] ** 2) + np.sum(tree["a"][1][0] * tree["a"][1][1])
        return total + np.sum(tree["p"].x * 7) + np.sum(tree["l"].W * tree["l"].b)

    g = gg.grad(f)(tree)
    assert list(g) == ["a", "p", "l"]
    np.testing.assert_array_equal(g["a"][0], 2 * W)
    assert isinstance(g["a"][1], tuple)
    np.testing.assert_array_equal(g["a"][1][0], [2.0])
    assert g["a"][1][1] == 3.0
    assert isinstance(g["p"], Point)
    assert g["p"].y is None
    np.testing.assert_array_equal(g["p"].x, [7.0])
    assert isinstance(g["l"], Layer)
    np.testing.assert_array_equal(g["l"].b, [3.0])
    np.testing.assert_array_equal(g["l"].W, np.full((1, 2), 3.0))


def test_trees_through_every_transform():
    net = Net([Layer(np.array([[0.3, -0.2]]), np.array([0.1, 0.4]))], 0.5)
    x = np.array([[1.0], [2.0]])

    def f(net, x):
        return np.tanh(x @ net.layers[0].W + net.layers[0].b) * net.scale

    def loss(net, x):
        return np.sum(f(net, x) ** 2)

    out, pullback = gg.vjp(f, net, x)
    g_net, g_x = pullback(2 * out)
    g = gg.grad(loss)(net, x)
    np.testing.assert_allclose(g_net.layers[0].W, g.layers[0].W)
    np.testing.assert_allclose(g_net.scale, g.scale)
    assert g_x.shape == x.shape
    _, tangent = gg.jvp(loss, (net, x), (g, np.zeros_like(x)))
    expected = sum(np.sum(v**2) for v in (g.layers[0].W, g.layers[0].b, g.scale))
    np.testing.assert_allclose(tangent, expected)
    J = gg.jacobian(f)(net, x)
    assert J.layers[0].W.shape == (2, 2, 1, 2)
    assert J.scale.shape == (2, 2)
    v = Net([Layer(np.ones((1, 2)), np.zeros(2))], 1.0)
    product = gg.hvp(loss, net, v, x)
    h = 1e-5

    def moved(sign):
        at = Net([Layer(net.layers[0].W + sign * h, net.layers[0].b)], net.scale + sign * h)
        return gg.grad(loss)(at, x)

    np.testing.assert_allclose(product.scale, (moved(1).scale - moved(-1).scale) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(
        product.layers[0].b, (moved(1).layers[0].b - moved(-1).layers[0].b) / (2 * h), rtol=1e-6, atol=1e-9
    )


def test_trees_as_results():
    out, pullback = gg.vjp(lambda x: {"s": np.sin(x), "both": [x, x * 2]}, 0.5)
    assert list(out) == ["s", "both"]
    (g,) = pullback({"s": 1.0, "both": [10.0, 100.0]})
    assert math.isclose(g, math.cos(0.5) + 10 + 200)
    out, tangent = gg.jvp(lambda x: (x * x, [3.0, x]), (2.0,), (1.0,))
    assert out == (4.0, [3.0, 2.0])
    assert tangent[0] == 4.0
    assert tangent[1][1] == 1.0
    assert tangent[1][0] == 0.0
    J = gg.jacobian(lambda x: {"a": x**2, "b": np.sum(x)})(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(J["a"], np.diag([2.0, 4.0]))
    np.testing.assert_array_equal(J["b"], [1.0, 1.0])


def test_an_output_given_twice_adds():
    _, pullback = gg.vjp(lambda x: (x, x), 1.0)
    assert pullback((2.0, 3.0))[0] == 5.0

    def twice(x):
        y = np.sin(x)
        return y, y

    _, tangent = gg.jvp(twice, (0.0,), (1.0,))
    assert tangent == (1.0, 1.0)


def test_a_pullback_can_be_called_again():
    _, pullback = gg.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2.0, 4.0])
    np.testing.assert_array_equal(pullback(np.array([0.0, 10.0]))[0], [0.0, 40.0])
    t = gg.tensor([1.0, 1.0])
    linear = pullback(t)[0]
    assert isinstance(linear, gg.Tensor)
    np.sum(linear * np.array([1.0, 3.0])).backward()
    np.testing.assert_array_equal(t.grad, [2.0, 12.0])


def test_what_is_not_used_gets_zeros():
    g = gg.grad(lambda p: np.sum(p["used"]))({"used": np.ones(2), "not": np.ones((3, 1), np.float32)})
    np.testing.assert_array_equal(g["not"], np.zeros((3, 1)))
    assert g["not"].dtype == np.float32
    assert gg.grad(lambda x: 3.0)(1.0) == 0.0
    assert gg.grad(lambda x: gg.stop_gradient(x) ** 2)(1.0) == 0.0
    assert gg.grad(gg.grad(lambda x: 3.0 * x))(1.0) == 0.0
    _, tangent = gg.jvp(lambda x: np.ones(3), (1.0,), (1.0,))
    np.testing.assert_array_equal(tangent, np.zeros(3))
    np.testing.assert_array_equal(gg.hessian(lambda x: np.sum(x))(np.ones(2)), np.zeros((2, 2)))


@pytest.mark.parametrize("bad", [np.arange(3), np.array([True]), [1, 2]])
def test_integers_are_refused(bad):
    for transform in (gg.grad, gg.value_and_grad, gg.jacobian):
        with (
            pytest.raises(errors.OperandError, match="only floating")
            if not isinstance(bad, list)
            else pytest.raises(TypeError)
        ):
            transform(lambda x: np.sum(np.asarray(x) * 1.0))(bad)
    with pytest.raises(errors.OperandError, match="complex"):
        gg.grad(lambda x: np.sum(x))(np.ones(2, complex))


def test_integer_arguments_beside_are_fine():
    g = gg.grad(lambda w, i: np.sum(w[i]))(np.array([1.0, 2.0, 3.0]), np.array([0, 0, 2]))
    np.testing.assert_array_equal(g, [2.0, 0.0, 1.0])


def test_results_that_are_not_one_number_are_refused():
    with pytest.raises(errors.ShapeError, match="one number"):
        gg.grad(lambda x: x * 2)(np.ones(2))
    with pytest.raises(errors.ShapeError, match="one number"):
        gg.hessian(lambda x: x * 2)(np.ones(2))
    with pytest.raises(errors.ShapeError):
        gg.grad(lambda x: np.sum(x, keepdims=True))(np.ones(2))


def test_python_control_flow():
    def f(x, n):
        y = x
        for i in range(n):
            y = y - i if y > 2 else y * x
        while y > 1:
            y = y / 2
        return y

    for x, n in ((1.5, 4), (0.5, 3), (3.3, 5)):
        h = 1e-6
        assert math.isclose(gg.grad(f)(x, n), (f(x + h, n) - f(x - h, n)) / (2 * h), rel_tol=1e-5)


def test_closures_over_tensors_and_parameters():
    w = gg.Parameter([1.0, -2.0], "w")
    t = gg.tensor([0.5, 0.25], "t")

    def loss(x):
        return np.sum(np.tanh(w * x) + t * x)

    value, g = gg.value_and_grad(loss)(np.array([0.3, 0.4]))
    assert isinstance(value, gg.Tensor)
    assert isinstance(g, gg.Tensor)
    sech = 1 - np.tanh(w.value * [0.3, 0.4]) ** 2
    np.testing.assert_allclose(g.value, w.value * sech + t.value)
    np.sum(g).backward()
    np.testing.assert_allclose(t.grad, [1.0, 1.0])
    z = w.value * [0.3, 0.4]
    np.testing.assert_allclose(w.grad, sech - 2 * z * np.tanh(z) * sech)
    with gg.no_grad():
        assert type(gg.grad(loss)(np.ones(2))) is np.ndarray


# jacobians and hessians


def test_shapes_of_jacobians():
    x = np.arange(1.0, 7.0).reshape(2, 3)
    J = gg.jacobian(lambda x: np.sum(x**2, axis=1))(x)
    assert J.shape == (2, 2, 3)
    np.testing.assert_array_equal(J[0], [[2.0, 4.0, 6.0], [0.0, 0.0, 0.0]])
    assert gg.jacobian(lambda x: np.sum(x))(x).shape == (2, 3)
    assert gg.jacobian(lambda s: s * x)(2.0).shape == (2, 3)
    assert np.shape(gg.jacobian(lambda s: s * s)(2.0)) == ()
    assert gg.jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)
    assert gg.jacobian(lambda x: np.sum(x) * np.ones(2))(np.ones(0)).shape == (2, 0)
    first, second = gg.jacobian(lambda a, b: np.outer(a, b), (0, 1))(np.ones(2), np.ones(3))
    assert first.shape == (2, 3, 2)
    assert second.shape == (2, 3, 3)
    assert gg.jacobian(lambda x: x.astype(np.float32))(np.ones(2)).dtype == np.float64


def test_a_jacobian_of_tensors_can_be_differentiated():
    t = gg.tensor([1.0, 2.0])
    J = gg.jacobian(lambda x: x**3)(t)
    assert isinstance(J, gg.Tensor)
    np.sum(J).backward()
    np.testing.assert_array_equal(t.grad, [6.0, 12.0])


def test_hessians():
    A = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0], [1.0, 0.0, 1.0]])
    x, v = np.array([0.1, -0.5, 2.0]), np.array([1.0, 2.0, -1.0])

    def quadratic(x):
        return x @ A @ x

    H = gg.hessian(quadratic)(x)
    np.testing.assert_allclose(H, A + A.T)
    np.testing.assert_allclose(gg.hvp(quadratic, x, v), (A + A.T) @ v)

    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    from scipy.optimize import rosen_der, rosen_hess, rosen_hess_prod

    np.testing.assert_allclose(gg.grad(rosenbrock)(x), rosen_der(x))
    np.testing.assert_allclose(gg.hessian(rosenbrock)(x), rosen_hess(x))
    np.testing.assert_allclose(gg.hvp(rosenbrock, x, v), rosen_hess_prod(x, v))


def test_a_hessian_of_several_arguments_has_mixed_blocks():
    blocks = gg.hessian(lambda a, b: np.sum(a * b**2), (0, 1))(np.array([1.0]), np.array([3.0]))
    assert [[float(np.squeeze(b)) for b in row] for row in blocks] == [[0.0, 6.0], [6.0, 2.0]]


def test_hvp_takes_further_arguments():
    np.testing.assert_array_equal(gg.hvp(lambda x, c: c * np.sum(x**3), np.ones(2), np.ones(2), 2.0), [12.0, 12.0])


def test_third_derivatives():
    T = gg.jacobian(gg.hessian(lambda x: np.sum(x) ** 3))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(T, np.full((2, 2, 2), 6.0))


# checkpoint


def block(x):
    return np.sum(np.tanh(np.exp(np.sin(x)) * x))


def test_checkpoint_changes_no_derivative():
    f, x = gg.checkpoint(block), np.array([0.3, -0.7])
    assert f(x) == block(x)
    np.testing.assert_array_equal(gg.grad(f)(x), gg.grad(block)(x))
    np.testing.assert_allclose(gg.hessian(f)(x), gg.hessian(block)(x), rtol=1e-12)
    np.testing.assert_allclose(gg.jvp(f, (x,), (x,))[1], gg.jvp(block, (x,), (x,))[1], rtol=1e-12)
    third = [gg.grad(gg.grad(gg.grad(g)))(0.4) for g in (f, block)]
    assert math.isclose(*third, rel_tol=1e-10)


def test_checkpoint_gives_gradients_to_what_it_catches():
    w, c = gg.Parameter([2.0, 3.0], "w"), gg.tensor([0.5, 0.1], "c")
    hidden = np.exp(c)

    def f(x):
        return np.sum(np.tanh(w * x) * hidden)

    results = []
    for g in (f, gg.checkpoint(f)):
        t = gg.tensor([0.2, 0.4])
        g(t).backward()
        results.append((t.grad, w.grad, c.grad))
    for plain, again in zip(*results, strict=True):
        np.testing.assert_array_equal(plain, again)
    loss = gg.checkpoint(f)(gg.tensor([0.2, 0.4]))
    assert len(gg.Graph([loss]).gates) == 2  # the checkpoint, and exp outside it


def test_checkpoint_keeps_no_inner_value():
    seen: list[Any] = []

    def f(x):
        y = np.exp(x)
        seen.append(weakref.ref(y))
        return np.sum(np.sin(y))

    t = gg.tensor(np.ones(3))
    loss = gg.checkpoint(f)(t)
    assert len(seen) == 1
    assert seen[0]() is None, "the inner wire is kept alive"
    loss.backward()
    assert len(seen) == 2, "going backward it is computed again, once"
    np.testing.assert_allclose(t.grad, np.cos(np.e) * np.e)
    assert seen[1]() is None


def test_checkpoint_again_with_another_upstream_gradient():
    t = gg.tensor([1.0, 2.0])
    y = gg.checkpoint(lambda x: x**2)(t)
    y.backward([1.0, 0.0])
    np.testing.assert_array_equal(t.grad, [2.0, 0.0])
    y.backward([0.0, 1.0])
    np.testing.assert_array_equal(t.grad, [0.0, 4.0])
    g = np.array([1.0, 1.0])
    y.backward(g)
    g[:] = 0
    y.backward(g)
    np.testing.assert_array_equal(t.grad, [0.0, 0.0])


def test_checkpoint_takes_arguments_by_name():
    f = gg.checkpoint(lambda x, k=2.0: np.sum(np.sin(x) * k))
    np.testing.assert_allclose(gg.grad(f)(np.ones(2), k=3.0), 3.0 * np.cos(np.ones(2)))


def test_a_pullback_through_a_checkpoint_reads_its_upstream_anew():
    _, pullback = gg.vjp(gg.checkpoint(lambda x: np.sin(x) * x), np.array([1.0, 2.0]))
    g = np.ones(2)
    first = pullback(g)[0]
    g *= 5
    np.testing.assert_allclose(pullback(g)[0], 5 * first)


def test_a_checkpoint_traced_without_values_runs():
    f, x = gg.checkpoint(lambda x: np.sum(np.sin(x))), np.ones(2)
    graph = gg.trace(f, x, values=False)
    for _ in range(2):
        np.testing.assert_allclose(graph.run(x), [np.sum(np.sin(x))])


def test_a_checkpoint_that_does_not_repeat_itself_is_refused():
    c, x = np.ones(2), gg.tensor([1.0, 2.0])
    loss = np.sum(gg.checkpoint(lambda x: x * c)(x))
    c[:] = 7
    with pytest.raises(errors.GradientError, match="another result"):
        loss.backward()


def test_checkpoint_of_a_changed_parameter_is_stale():
    w = gg.Parameter([2.0], "w")
    loss = gg.checkpoint(lambda x: np.sum(w * x))(gg.tensor([1.0]))
    w.value = np.array([5.0])
    with pytest.raises(errors.StaleError, match="'w'"):
        loss.backward()


def test_checkpoints_nest_and_take_trees():
    inner = gg.checkpoint(lambda p: np.tanh(p["W"]) * p["k"])
    outer = gg.checkpoint(lambda p: np.sum(inner(p) ** 2))
    tree = {"W": np.array([0.2, 0.4]), "k": 3.0}
    found = gg.grad(outer)(tree)
    want = gg.grad(lambda p: np.sum((np.tanh(p["W"]) * p["k"]) ** 2))(tree)
    np.testing.assert_allclose(found["W"], want["W"])
    np.testing.assert_allclose(found["k"], want["k"])


def test_checkpoint_repeats_its_random_draws():
    def f(x):
        return np.sum(x * gg.random.normal(gg.random.key(3), (4,)))

    t = gg.tensor(np.ones(4))
    gg.checkpoint(f)(t).backward()
    np.testing.assert_array_equal(t.grad, gg.random.normal(gg.random.key(3), (4,)))


def test_checkpoint_in_a_traced_graph():
    f = gg.checkpoint(block)
    graph = gg.trace(gg.grad(lambda x: f(x) * 2), np.ones(2), values=False).verify()
    x = np.array([0.1, 0.9])
    np.testing.assert_allclose(graph.run(x)[0], 2 * gg.grad(block)(x))
    np.testing.assert_allclose(graph.run(2 * x)[0], 2 * gg.grad(block)(2 * x))


# gates of one's own


def cube_gate(factor: float = 1.0, **options: Any) -> Any:
    return gg.gate(lambda x: x**3, lambda g, out, x: g * (3 * factor * x**2), name="cube", **options)


def test_a_gate_of_ones_own():
    cube = cube_gate()
    assert cube(2.0) == 8.0
    np.testing.assert_array_equal(cube(np.array([1.0, 2.0])), [1.0, 8.0])
    assert gg.grad(cube)(2.0) == 12.0
    assert gg.grad(gg.grad(cube))(2.0) == 12.0
    assert gg.grad(gg.grad(gg.grad(cube)))(2.0) == 6.0
    assert gg.jvp(cube, (2.0,), (1.0,))[1] == 12.0
    t = gg.tensor(2.0, "t")
    out = cube(t)
    assert out.op.name == "cube"
    assert "cube(t)" in gg.Graph([out]).text()
    assert cube(gg.tensor(np.ones(2, np.float32))).dtype == np.float32


@pytest.mark.parametrize("factor", [1.0005, 0.9995, -1.0, 2.0])
def test_a_wrong_gate_is_refused(factor):
    with pytest.raises(errors.GradientError, match="gradient of gate 'cube' is wrong") as caught:
        cube_gate(factor)
    assert "analytic" in str(caught.value)
    assert "numerical" in str(caught.value)


def test_a_gate_that_forgets_a_second_order_term_is_refused():
    """The rule is right at order one and hides its dependence on x from order two."""
    with pytest.raises(errors.GradientError):
        gg.gate(lambda x: x**3, lambda g, out, x: g * (3 * gg.stop_gradient(x) ** 2), name="frozen_cube")


def test_gates_of_two_operands_with_reasons_and_parameters():
    scaled = gg.gate(
        lambda x, k, power=2: k * x**power,
        (lambda g, out, x, k, power=2: g * (k * power * x ** (power - 1)), "the scale is not learned"),
        name="scaled",
    )
    assert scaled(3.0, 2.0, power=3) == 54.0
    x, k = gg.tensor(3.0), gg.tensor(2.0)
    y = scaled(x, k, power=3)
    y.backward()
    assert x.grad == 54.0
    assert k.grad is None
    assert y.op.rule(1) == "the scale is not learned"
    with pytest.raises(errors.GradientError, match="the scale is not learned"):
        scaled(3.0, k).backward()
    broadcast = gg.gate(
        lambda x, y: x * y,
        (lambda g, out, x, y: g * y, lambda g, out, x, y: g * x),
        example=(np.ones((2, 3)), np.ones(3)),
    )
    g = gg.grad(lambda b: np.sum(broadcast(np.ones((4, 3)), b)))(np.ones(3))
    np.testing.assert_array_equal(g, [4.0, 4.0, 4.0])


def test_gates_of_ones_own_are_traced():
    cube = cube_gate()
    graph = gg.trace(gg.grad(lambda x: np.sum(cube(x))), np.ones((2, 2)), values=False).verify()
    np.testing.assert_array_equal(graph.run(np.full((2, 2), 2.0))[0], np.full((2, 2), 12.0))
    reduced = gg.gate(
        lambda x: np.sum(x**2), lambda g, out, x: g * (2 * x), name="energy", example=(np.array([1.0, 2.0]),)
    )
    graph = gg.trace(gg.grad(reduced), np.ones(3), values=False).verify()
    np.testing.assert_array_equal(graph.run(np.array([1.0, 2.0, 3.0]))[0], [2.0, 4.0, 6.0])


def test_a_gate_needs_an_example_it_can_run_on():
    with pytest.raises(errors.GradientError, match="example="):
        gg.gate(lambda x: np.linalg.inv(x), lambda g, out, x: -out.T @ g @ out.T, name="inverse")
    inverse = gg.gate(
        lambda x: np.linalg.inv(x),
        lambda g, out, x: -np.swapaxes(out, -1, -2) @ g @ np.swapaxes(out, -1, -2),
        name="inverse",
        example=(np.array([[2.0, 1.0], [0.5, 3.0]]),),
    )
    A = np.array([[1.0, 0.2], [0.0, 2.0]])
    np.testing.assert_allclose(gg.grad(lambda x: np.sum(inverse(x)))(A), gg.grad(lambda x: np.sum(np.linalg.inv(x)))(A))


def test_a_gate_without_any_gradient():
    parity = gg.gate(lambda x: np.floor(x) % 2, ["a step has no slope"], name="parity")
    assert parity(3.5) == 1.0
    assert gg.grad(lambda x: x * parity(x))(3.5) == 1.0


def test_a_gate_that_changes_its_operands_is_refused():
    def forward(x):
        x *= 2
        return x

    with pytest.raises((errors.GlassgradError, ValueError)):
        gg.gate(forward, lambda g, out, x: 2 * g, name="greedy")(gg.tensor(np.ones(2)))


# everything inside everything


def test_transforms_inside_transforms_inside_a_trace():
    def inner(w, x):
        return np.sum(np.tanh(w * x))

    def outer(w, x):
        return np.sum(gg.grad(inner, argnums=1)(w, x) ** 2) + np.sum(gg.hvp(lambda v: inner(v, x), w, w) * x)

    w, x = np.array([0.2, -0.4]), np.array([1.0, 3.0])
    graph = gg.trace(gg.value_and_grad(outer), w, x, values=False).verify()
    value, g = gg.value_and_grad(outer)(w, x)
    np.testing.assert_array_equal(graph.run(w, x)[0], value)
    np.testing.assert_array_equal(graph.run(w, x)[1], g)
    np.testing.assert_allclose(g, gg.numerical_gradient(outer, w, x), rtol=1e-7)


def test_inner_transforms_over_plain_arrays_leave_plain_arrays():
    """What an inner transform is taken by belongs to the call, and is nothing caught from outside."""
    x = np.array([1.0, 3.0])
    inner = {
        "grad": lambda w: np.sum(gg.grad(lambda u: np.sum(w * u * u))(x)),
        "vjp": lambda w: np.sum(gg.vjp(lambda u: w * u * u, x)[1](np.ones(2))[0]),
        "jvp": lambda w: np.sum(gg.jvp(lambda u: w * u * u, (x,), (np.ones(2),))[1]),
        "jacobian": lambda w: np.sum(gg.jacobian(lambda u: w * u * u)(x)),
        "leaf": lambda w: np.sum(w * gg.tensor(2 * x)),
    }
    for name, f in inner.items():
        value, g = gg.value_and_grad(f)(np.ones(2))
        assert not isinstance(value, gg.Tensor), name
        assert not isinstance(g, gg.Tensor), name
        np.testing.assert_array_equal(g, 2 * x)


def test_one_step_of_learning_how_to_learn():
    """The derivative by the learning rate, through a gradient step."""
    w, x = np.array([0.5, -0.3]), np.array([1.0, 2.0])

    def loss(w):
        return np.sum((w * x - 1) ** 2)

    def after(rate):
        return loss(w - rate * gg.grad(loss)(w))

    slope = gg.grad(after)(0.05)
    h = 1e-6
    assert math.isclose(slope, (after(0.05 + h) - after(0.05 - h)) / (2 * h), rel_tol=1e-6)


def test_an_implicit_jacobian_with_jvp_and_vjp():
    def f(x):
        return np.linalg.solve(np.diag(x) + np.ones((3, 3)), np.sin(x))

    x = np.array([1.0, 2.0, 3.0])
    J = gg.jacobian(f)(x)
    columns = np.stack([gg.jvp(f, (x,), (e,))[1] for e in np.eye(3)], axis=1)
    rows = np.stack([gg.vjp(f, x)[1](e)[0] for e in np.eye(3)])
    np.testing.assert_allclose(J, columns, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(J, rows)


def test_backward_through_grad():
    """A penalty on a gradient, as in gradient-regularised learning."""
    w = gg.Parameter(np.array([0.3, -0.2]), "w")

    def model(x):
        return np.sum(np.tanh(w * x))

    penalty = np.sum(gg.grad(model)(np.ones(2)) ** 2)
    penalty.backward()
    numerical = gg.numerical_gradient(lambda w: np.sum((w * (1 - np.tanh(w) ** 2)) ** 2), w.value)
    np.testing.assert_allclose(w.grad, numerical, rtol=1e-7)
