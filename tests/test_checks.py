"""Numerical gradients, the report that names the wrong gate, and the cost of each way to a gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors
from glassgrad.costs import flops_of
from glassgrad.op import Op
from glassgrad.ops import OPS


def wrong(name: str, *rules: Any) -> Op:
    """A gate that computes what the one of this name does, with other gradient rules."""
    right = OPS[name]
    return Op(
        f"wrong_{name}",
        shape=right.shape,
        forward=right.forward,
        gradients=rules,
        explain=right.explain,
        cases=right.cases,
        kind=right.kind,
    )


# check_gradient


def loss(W, b, x):
    return np.mean((np.tanh(x @ W + b) - 0.5) ** 2)


@pytest.fixture
def network(rng):
    return rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=(4, 3))


def test_a_right_function_gives_a_truthy_report(network):
    report = gg.check_gradient(loss, *network, order=2)
    assert report
    assert report.bad == []
    assert report.wrong_gates == []
    assert report.skipped == 0
    report.raise_if_wrong()
    assert {c.part for c in report.checks} == {"gate", "input", "forward mode", "order 2"}
    assert {c.name for c in report.checks if c.part == "input"} == {"W", "b", "x"}
    assert {"matmul", "add", "tanh"} <= {c.gate for c in report.checks}
    assert report.worst is not None
    assert report.worst.error < 1e-6
    assert str(report).splitlines()[-1].startswith("all ")


@pytest.mark.parametrize("factor", [1.0005, 0.9995])
def test_a_rule_that_is_wrong_by_a_twentieth_of_a_percent_is_named(factor):
    gate = wrong("exp", lambda g, out, x: factor * g * out)

    def f(a, b):
        return np.sum(np.tanh(gate(np.sin(a))) * b)

    report = gg.check_gradient(f, np.array([0.3, 0.4]), np.array([1.0, 2.0]))
    assert not report
    assert report.wrong_gates == ["wrong_exp"]
    assert "wrong: the rule of wrong_exp" in str(report)
    assert "test_checks.py" in str(report)
    assert {c.name for c in report.bad if c.part == "input"} == {"a"}, "b has no part in it"
    (check,) = [c for c in report.bad if c.part == "gate"]
    assert check.operand == "sin_1"
    assert math.isclose(check.error, 5e-4, rel_tol=0.01)
    assert math.isclose(check.analytic / check.numerical, factor, rel_tol=1e-6)
    with pytest.raises(errors.GradientError, match="wrong_exp"):
        report.raise_if_wrong()


@pytest.mark.parametrize(
    ("gate", "call"),
    [
        (wrong("sin", lambda g, out, x: -g * np.cos(x)), lambda gate, x: gate(x)),  # the sign
        (wrong("square", lambda g, out, x: g * x), lambda gate, x: gate(x)),  # the factor 2
        (wrong("multiply", lambda g, out, x, y: g * x, lambda g, out, x, y: g * y), lambda gate, x: gate(x, x + 1)),
        (
            wrong("divide", lambda g, out, x, y: g / y, lambda g, out, x, y: g * out / y),
            lambda gate, x: gate(1.0, x + 3),
        ),
        (
            wrong("matmul", lambda g, out, x, y: g @ y, lambda g, out, x, y: x.T @ g),
            lambda gate, x: gate(x[:, :2], x[:, 1:]),
        ),
        (wrong("transpose", lambda g, out, x, axes: np.reshape(g, x.shape)), lambda gate, x: gate(x, axes=(1, 0))),
        (wrong("cumsum", lambda g, out, x, axis: np.cumsum(g, axis=axis)), lambda gate, x: gate(x, axis=1)),
        (wrong("exp", lambda g, out, x: g * np.where(x > 1.15, 1.01, 1) * out), lambda gate, x: gate(x)),
    ],
    ids=["sign", "factor", "swapped", "quotient", "transposed", "layout", "order", "one element"],
)
def test_usual_mistakes_are_found(gate, call):
    x = np.linspace(-1.2, 1.2, 6).reshape(2, 3) + 0.01
    report = gg.check_gradient(lambda x: np.sum(np.sin(call(gate, x))), x)
    assert not report
    assert report.wrong_gates == [gate.name]


def test_one_wrong_operand_is_told_from_the_right_one():
    gate = wrong("arctan2", OPS["arctan2"].rule(0), lambda g, out, x, y: g * x / (x * x + y * y))
    report = gg.check_gradient(lambda x, y: np.sum(gate(x, y)), np.array([0.5]), np.array([0.7]))
    assert [c.operand for c in report.bad if c.part == "gate"] == ["y"]


def test_a_forgotten_sum_over_what_was_broadcast():
    """The sweep sums; a rule that returns a mean, or does its own sum over the wrong axis, is found."""
    right = OPS["add"].rule(0)
    mean = wrong("add", right, lambda g, out, x, y: np.mean(g, axis=0) if len(g.shape) > len(y.shape) else g)
    report = gg.check_gradient(
        lambda x, y: np.sum(np.sin(mean(x, y))), np.ones((4, 3)) * 0.3, np.array([0.1, 0.2, 0.3])
    )
    assert report.wrong_gates == ["wrong_add"]
    shape = wrong("add", right, lambda g, out, x, y: np.sum(g, axis=1))
    with pytest.raises(errors.GradientError, match=r"wrong_add.*float64\[4\]"):
        gg.check_gradient(lambda x, y: np.sum(shape(x, y)), np.ones((4, 3)), np.ones(3))


def test_a_rule_wrong_at_order_two_only():
    hidden = wrong("exp", lambda g, out, x: g * gg.stop_gradient(out))
    f = lambda x: np.sum(hidden(x))  # noqa: E731 one gate
    x = np.array([0.3, 0.4])
    assert gg.check_gradient(f, x)
    report = gg.check_gradient(f, x, order=2)
    assert not report
    assert {c.part for c in report.bad} == {"order 2"}
    assert report.wrong_gates == ["wrong_exp"]


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.sum(gg.relu(x)), np.array([-1.0, 0.0, 2.0])),
        (lambda x: np.sum(np.abs(x)), np.array([0.0, 1.0])),
        (lambda x: np.max(x), np.array([2.0, 2.0, 1.0])),
        (lambda x: np.sum(np.maximum(x, 1.0)), np.array([1.0, 3.0])),
        (lambda x: np.sum(np.minimum(x, x * x)), np.array([1.0])),
        (lambda x: np.sum(np.clip(x, 0, 1)), np.array([0.0, 1.0])),
        (lambda x: np.linalg.norm(x), np.zeros(2)),
    ],
    ids=["relu", "abs", "max", "maximum", "minimum", "clip", "norm"],
)
def test_a_kink_passes_and_is_said(f, x):
    report = gg.check_gradient(f, x)
    assert report, str(report)
    kinks = [c for c in report.checks if c.verdict == "kink crossed"]
    assert kinks
    assert "kink crossed" in str(report)


def test_a_wrong_slope_at_a_kink_is_still_wrong():
    steep = wrong("relu", lambda g, out, x: g * np.where(x >= 0, 1.5, 0))
    report = gg.check_gradient(lambda x: np.sum(steep(x)), np.array([0.0, -1.0]))
    assert not report
    assert report.wrong_gates == ["wrong_relu"]


def test_random_draws_are_held_fixed():
    def dropped(x):
        mask = gg.random.bernoulli(gg.random.key(5), 0.5, x.shape)
        noise = gg.random.normal(gg.random.key(6), x.shape)
        return np.sum(np.where(mask, x**2, 0) * noise)

    assert gg.check_gradient(dropped, np.arange(1.0, 7.0))
    w = gg.tensor(np.arange(1.0, 7.0), "w")
    key = gg.tensor(gg.random.key(5))
    assert gg.check_gradient(np.sum(w * gg.random.normal(key, (6,))))


def test_a_function_that_does_not_repeat_itself_is_recorded_once():
    rng = np.random.default_rng(0)
    assert gg.check_gradient(lambda x: np.sum(x * rng.normal(size=3)), np.ones(3))


def test_stopped_gradients_are_held_fixed():
    def f(x):
        return np.sum(gg.stop_gradient(np.exp(x)) * x)

    x = np.array([0.2, 0.4])
    assert gg.check_gradient(f, x)
    assert not np.allclose(gg.grad(f)(x), gg.numerical_gradient(f, x))


def test_float32_functions_are_checked_in_float64(rng):
    W = rng.normal(size=(3, 2)).astype(np.float32)
    x = rng.normal(size=(4, 3)).astype(np.float32)

    def f(W, x):
        return np.mean(gg.softmax(np.tanh(x @ W)).astype(np.float32)[:, 0] * np.float32(2))

    report = gg.check_gradient(f, W, x, order=2)
    assert report, str(report)
    assert report.worst.error < 1e-6
    half = gg.check_gradient(lambda x: np.sum(x * x), np.ones(3, np.float16))
    assert half


def test_nan_and_infinity_are_named():
    with pytest.raises(errors.GradientError, match="'x' is the first wire with NaN"):
        gg.check_gradient(lambda x: np.sum(x), np.array([1.0, np.nan]))
    with np.errstate(all="ignore"), pytest.raises(errors.GradientError, match=r"'log_1' = log\(…\)"):
        gg.check_gradient(lambda x: np.sum(np.log(x)), np.array([1.0, 0.0]))
    bad = wrong("sqrt", lambda g, out, x: g / (x - x))
    with np.errstate(all="ignore"):
        report = gg.check_gradient(lambda x: np.sum(bad(x)), np.array([2.0]))
    assert not report
    assert {c.verdict for c in report.bad} == {"not finite"}
    assert "not finite" in str(report)


def test_an_infinite_slope_is_not_called_right():
    with np.errstate(all="ignore"):
        report = gg.check_gradient(lambda x: np.sum(np.sqrt(x)), np.array([0.0, 1.0]))
    assert not report


def test_trees_integers_and_tensors():
    tree = {"W": np.ones((2, 2)), "layers": [np.array([0.5, 0.1]), 2.0]}

    def f(tree, labels):
        z = tree["W"] @ tree["layers"][0] * tree["layers"][1]
        return np.sum(z[labels])

    report = gg.check_gradient(f, tree, np.array([0, 1, 1]))
    assert report
    assert {c.name for c in report.checks if c.part == "input"} == {"tree.W", "tree.layers[0]", "tree.layers[1]"}
    w = gg.tensor([0.3, 0.5], "w")
    p = gg.Parameter([1.0, 2.0], "p")
    report = gg.check_gradient(np.sum(np.tanh(w * p)))
    assert report
    assert {c.name for c in report.checks if c.part == "input"} == {"w", "p"}
    assert gg.check_gradient(lambda x: {"a": np.sin(x), "b": [x * x]}, np.ones(3)), "several outputs"


def test_gates_of_several_outputs_are_checked():
    A = np.array([[2.0, 0.3], [0.1, 1.0]])
    assert gg.check_gradient(lambda A: np.sum(np.linalg.slogdet(A)[1] * 2) + np.sum(np.split(A, 2)[0] ** 2), A, order=2)


def test_large_arrays_are_sampled():
    calls = []

    def forward(x):
        calls.append(1)
        return np.tanh(x)

    tanh = Op(
        "counted_tanh",
        shape=OPS["tanh"].shape,
        forward=forward,
        gradients=OPS["tanh"].gradients,
        explain=OPS["tanh"].explain,
        cases=OPS["tanh"].cases,
    )
    x = np.random.default_rng(0).normal(size=(300, 300))
    assert gg.check_gradient(lambda x: np.sum(tanh(x)), x, elements=5)
    assert len(calls) < 200
    bad = wrong(
        "tanh", lambda g, out, x: g * (1 - out * out) * np.where(np.arange(90_000).reshape(x.shape) == 777, 3, 1)
    )
    report = gg.check_gradient(lambda x: np.sum(bad(x)), x, elements=5)
    assert not report, "one wrong element in 90,000 is seen along a random direction"


def test_max_gates():
    def f(x):
        for _ in range(30):
            x = np.sin(x) + 1
        return x

    report = gg.check_gradient(f, 0.3, max_gates=10)
    assert report
    assert report.skipped == 50
    assert "50 gates were left out" in str(report)
    assert report.checks != gg.check_gradient(f, 0.3, max_gates=10, seed=1).checks
    assert str(report) == str(gg.check_gradient(f, 0.3, max_gates=10)), "the same seed, the same report"


def test_the_report_fits_a_terminal(network):
    def a_rather_long_name_of_a_function(the_first_weights_of_the_network, x):
        return np.mean(gg.log_softmax(x @ the_first_weights_of_the_network)[:, 0])

    bad = wrong("exp", lambda g, out, x: 1e9 * g * out)
    reports = [
        gg.check_gradient(a_rather_long_name_of_a_function, network[0], network[2], order=2),
        gg.check_gradient(lambda quite_a_long_name_for_x: np.sum(bad(quite_a_long_name_for_x)), np.ones((2, 3, 4))),
        gg.check_gradient(lambda x: np.sum(np.abs(x)), np.zeros((2, 3))),
    ]
    for report in reports:
        widest = max(str(report).splitlines(), key=len)
        assert len(widest) <= 80, widest


def test_the_tolerance_is_the_users():
    slightly = wrong("exp", lambda g, out, x: (1 + 1e-5) * g * out)
    f = lambda x: np.sum(slightly(x))  # noqa: E731 one gate
    assert not gg.check_gradient(f, np.ones(2))
    assert gg.check_gradient(f, np.ones(2), tolerance=1e-4)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e3, 1e8])
def test_a_step_is_chosen_for_each_scale(scale):
    """Right gradients pass and wrong ones are found, whatever the size of the numbers."""
    x = np.array([0.3, -0.7, 1.1]) * scale
    assert gg.check_gradient(lambda x: np.sum(np.sin(x / scale) ** 2), x)
    assert gg.check_gradient(lambda x: scale * np.sum(x * x), x)
    bad = wrong("square", lambda g, out, x: 1.001 * 2 * g * x)
    report = gg.check_gradient(lambda x: np.sum(bad(x)), x)
    assert report.wrong_gates == ["wrong_square"]


# numerical_gradient


@pytest.mark.parametrize(("method", "runs"), [("central", 2 * 6), ("forward", 6 + 1), ("backward", 6 + 1)])
def test_numerical_gradients_and_their_number_of_runs(method, runs):
    x = np.linspace(0.2, 1.2, 6).reshape(2, 3)
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(np.exp(x) * x)

    found = gg.numerical_gradient(f, x, method=method)
    assert len(calls) == runs
    np.testing.assert_allclose(found, gg.grad(f)(x), rtol=1e-9 if method == "central" else 1e-6)


def test_one_sided_differences_see_one_side_of_a_kink():
    assert math.isclose(gg.numerical_gradient(np.abs, 0.0, method="forward"), 1.0)
    assert math.isclose(gg.numerical_gradient(np.abs, 0.0, method="backward"), -1.0)
    assert gg.numerical_gradient(np.abs, 0.0) == 0.0


def test_the_error_of_a_difference_falls_with_its_order():
    """One-sided: half the error for half the step. Central: a quarter."""
    errors_ = {
        method: [abs(gg.numerical_gradient(np.exp, 1.0, method=method, step=h) - math.e) for h in (1e-2, 5e-3)]
        for method in ("forward", "central")
    }
    assert math.isclose(errors_["forward"][0] / errors_["forward"][1], 2, rel_tol=0.01)
    assert math.isclose(errors_["central"][0] / errors_["central"][1], 4, rel_tol=0.01)


def test_numerical_gradients_of_trees_and_several_arguments():
    def f(p, c):
        return np.sum(p["a"] ** 2) * c + p["b"]

    p = {"a": np.array([1.0, 2.0]), "b": 3.0}
    g = gg.numerical_gradient(f, p, 2.0)
    np.testing.assert_allclose(g["a"], [4.0, 8.0], rtol=1e-8)
    assert math.isclose(g["b"], 1.0, rel_tol=1e-8)
    gp, gc = gg.numerical_gradient(f, p, 2.0, argnums=(0, 1))
    assert math.isclose(gc, 5.0, rel_tol=1e-8)
    np.testing.assert_allclose(gp["a"], g["a"])
    assert p["a"].tolist() == [1.0, 2.0], "the user's array is not touched"


def test_numerical_gradients_of_functions_of_tensors():
    w = gg.Parameter([1.0, 2.0])
    np.testing.assert_allclose(gg.numerical_gradient(lambda x: np.sum(w * x**2), np.ones(2)), [2.0, 4.0], rtol=1e-8)
    np.testing.assert_allclose(gg.numerical_gradient(lambda x: np.sum(x**2), gg.tensor([3.0])), [6.0], rtol=1e-8)


# cost


def two_layers(weights, x, y):
    W1, W2 = weights
    return 0.5 * np.sum((np.tanh(x @ W1) @ W2 - y) ** 2)


def test_backpropagation_costs_d_squared_and_differences_d_to_the_fourth():
    sizes = np.array([8, 16, 32, 64])
    slopes = {}
    for name in ("forward", "backward", "one_sided", "central"):
        flops = []
        for d in sizes:
            c = gg.cost(two_layers, [np.ones((d, d)), np.ones((d, d))], np.ones((1, d)), np.ones((1, d)))
            assert c.numbers == 2 * d * d
            assert c.one_sided.passes == 2 * d * d + 1
            assert c.central.passes == 4 * d * d
            flops.append(getattr(c, name).flops)
        slopes[name] = np.polyfit(np.log(sizes), np.log(flops), 1)[0]
    for name, order in (("forward", 2), ("backward", 2), ("one_sided", 4), ("central", 4)):
        assert abs(slopes[name] - order) < 0.1, slopes


def test_a_matrix_product_costs_2mnk():
    m, n, k = 3, 5, 7
    graph = gg.trace(lambda x, y: x @ y, np.ones((m, k)), np.ones((k, n)))
    assert flops_of(graph.gates[0]) == 2 * m * n * k
    batched = gg.trace(lambda x, y: x @ y, np.ones((4, m, k)), np.ones((k, n)))
    assert flops_of(batched.gates[0]) == 2 * 4 * m * n * k
    sums = gg.trace(lambda x, y: np.einsum("ik,kj->ij", x, y), np.ones((m, k)), np.ones((k, n)))
    assert flops_of(sums.gates[0]) == 2 * m * n * k
    c = gg.cost(lambda W, x: np.sum(x @ W), np.ones((k, n)), np.ones((m, k)))
    assert c.forward.flops == 2 * m * n * k + m * n
    assert c.backward.flops < 2.1 * c.forward.flops  # the gradient by W alone is one more product


def test_views_cost_nothing_and_bytes_are_counted():
    c = gg.cost(lambda x: np.sum(x.T), np.ones((3, 4)))
    assert c.forward.flops == 12
    assert c.forward.bytes == 12 * 8 + 8
    narrow = gg.cost(lambda x: np.sum(x.T), np.ones((3, 4), np.float32))
    assert narrow.forward.bytes == (12 + 1) * 4


def test_cost_is_counted_and_not_measured():
    text = str(gg.cost(two_layers, [np.ones((4, 4))] * 2, np.ones((1, 4)), np.ones((1, 4))))
    assert text == str(gg.cost(two_layers, [np.zeros((4, 4))] * 2, np.zeros((1, 4)), np.zeros((1, 4))))
    assert max(map(len, text.splitlines())) <= 80
    assert "one-sided differences" in text
    assert "32 numbers" in text
