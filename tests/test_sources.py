"""Every number that the sources print for S1, S2, S12, S19, S20, S6 and S23."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import worked
from glassgrad.views.formulas import RULES, plain
from glassgrad.worked import differences, networks, perturbed

EXACT = {"rtol": 1e-12, "atol": 1e-12}


def table(name: str, **options):
    example = worked.example(name)
    return gg.explain(example.build(), fold=options.get("fold", False))


def gradients(name: str, *wires: str) -> list[float]:
    return [table(name)[wire].gradient for wire in wires]


def test_s1_values_and_gradients_of_the_first_graph():
    t = table("add-mul")
    assert (t["q"].value, t["f"].value) == (3, -12)
    assert (t["x"].gradient, t["y"].gradient, t["z"].gradient) == (-4, -4, 3)
    assert (t["f"].gradient, t["q"].gradient) == (1, -4)


def test_s1_backward_sets_the_same_gradients():
    f = worked.example("add-mul").build()
    f.backward()
    assert {w.name: w.grad for w in gg.Graph([f]).inputs} == {"x": -4, "y": -4, "z": 3}


NEURON = {"w0": -0.1966, "x0": 0.3932, "w1": -0.3932, "x1": -0.5898, "w2": 0.1966}


def test_s2_neuron_to_the_printed_digits():
    t = table("sigmoid-neuron")
    assert t["dot"].value == 1.00
    assert round(t["out"].value, 4) == 0.7311
    assert {name: round(float(t[name].gradient), 4) for name in NEURON} == NEURON


def test_s2_neuron_against_its_closed_form():
    t = table("sigmoid-neuron")
    sigma = 1 / (1 + math.exp(-1.0))
    slope = sigma * (1 - sigma)
    closed = {"w0": -1 * slope, "x0": 2 * slope, "w1": -2 * slope, "x1": -3 * slope, "w2": slope}
    np.testing.assert_allclose(t["out"].value, sigma, **EXACT)
    for name, value in closed.items():
        np.testing.assert_allclose(t[name].gradient, value, **EXACT)


def test_s2_upstream_gradients_of_the_four_gates_of_sigma():
    upstream = [round(float(g), 2) for g in gradients("sigmoid-neuron", "out", "den", "ex", "neg", "dot")]
    assert upstream == [1.00, -0.53, -0.53, -0.20, 0.20]
    e = math.exp(-1.0)
    exact = [1, -1 / (1 + e) ** 2, -1 / (1 + e) ** 2, -e / (1 + e) ** 2, e / (1 + e) ** 2]
    np.testing.assert_allclose(gradients("sigmoid-neuron", "out", "den", "ex", "neg", "dot"), exact, **EXACT)


def test_s2_folded_neuron_has_one_gate_with_slope_sigma_times_one_minus_sigma():
    t = gg.explain(worked.example("sigmoid-neuron-folded").build(), fold="sigmoid")
    row = t["out"]
    sigma = row.value
    assert (row.kind, row.gate, row.gates) == ("group", "sigmoid", 4)
    np.testing.assert_allclose(row.handed[0].local, sigma * (1 - sigma), **EXACT)
    np.testing.assert_allclose(row.handed[0].gradient, t["dot"].gradient, **EXACT)
    assert {name: round(float(t[name].gradient), 4) for name in NEURON} == NEURON


def test_s2_squared_norm():
    t = table("squared-norm")
    np.testing.assert_allclose(t["q"].value, [0.22, 0.26], **EXACT)
    np.testing.assert_allclose(t["f"].value, 0.116, **EXACT)
    np.testing.assert_allclose(t["q"].gradient, [0.44, 0.52], **EXACT)
    np.testing.assert_allclose(t["W"].gradient, [[0.088, 0.176], [0.104, 0.208]], **EXACT)
    np.testing.assert_allclose(t["x"].gradient, [-0.112, 0.636], **EXACT)
    assert t["W"].gradient.shape == t["W"].shape


def test_s2_polynomial():
    t = table("polynomial")
    assert (t["g"].value, t["w1"].gradient, t["w2"].gradient) == (30, 39, 8)
    assert t["w1"].branches == (("c", 36), ("t", 3))


@pytest.mark.parametrize("x", [-2.0, -0.5, 0.0, 1.5, 3.0])
def test_s2_square_and_copy(x):
    def loss(x):
        return np.square(np.square(x)) + np.square(x)

    assert gg.grad(loss)(x) == pytest.approx(4 * x**3 + 2 * x, rel=1e-12, abs=1e-12)
    t = table("square-and-copy")
    assert t["x"].gradient == 4 * 1.5**3 + 2 * 1.5


def test_s3_each_pattern_by_name():
    t = table("patterns")
    assert [t[n].pattern for n in ("p", "m", "s", "x")] == ["switches", "routes", "distributes", "adds at a branch"]
    assert [h.gradient for h in t["m"].handed] == [t["m"].gradient, 0]
    assert [h.gradient for h in t["s"].handed] == [t["s"].gradient] * 2
    assert t["x"].gradient == sum(g for _, g in t["x"].branches)


def test_s4_chain_rule_of_several_variables():
    w = 0.5
    closed = math.sin(w) * 2 * w + w**2 * math.cos(w) + math.exp(w)
    np.testing.assert_allclose(table("chain-rule")["w"].gradient, closed, **EXACT)


def test_s4_units_source_to_sink():
    t = table("units")
    W, x, b, y = (t[n].value for n in ("W", "x", "b", "y"))
    z = np.tanh(W @ x + b)
    error = y - z.sum()
    by_unit = -2 * error * (1 - z**2)
    np.testing.assert_allclose(t["f"].value, error**2, **EXACT)
    np.testing.assert_allclose(t["W"].gradient, by_unit[:, None] * x, **EXACT)
    np.testing.assert_allclose(t["b"].gradient, by_unit, **EXACT)
    np.testing.assert_allclose(t["x"].gradient, W.T @ by_unit, **EXACT)
    np.testing.assert_allclose(t["y"].gradient, 2 * error, **EXACT)


def test_s4_two_layer_derivation_agrees_and_every_gradient_has_its_variables_shape():
    example = worked.example("two-layer")
    t = table("two-layer")
    for name in example.values:
        assert t[name].gradient.shape == t[name].value.shape
    assert "8 of 8 equal" in example.text(80)


def test_s4_elementwise_gate_builds_no_jacobian():
    row = table("elementwise")["h"]
    assert row.handed[0].jacobian == "diagonal Jacobian 4096×4096, never built"
    assert row.handed[0].local.shape == (4096,)
    np.testing.assert_array_equal(row.handed[0].local, row.handed[0].wire.value > 0)


def test_s4_the_gradient_at_an_inner_node_is_what_a_nudge_there_does():
    out = worked.example("inner-nodes").build()
    t = gg.explain(out)
    h = 1e-6
    for row in t.rows:
        if row.kind == "gate" and row.wire is not out:
            up, down = (gg.Graph([out], [row.wire]).run(row.value + s * h)[0] for s in (1, -1))
            assert (up - down) / (2 * h) == pytest.approx(row.gradient, rel=1e-7)


@pytest.mark.parametrize("d", [2, 4, 8, 16])
def test_s5_runs_are_n_plus_one_and_twice_n(d):
    cost = differences.counted(d)
    n = 2 * d * d
    assert (cost.numbers, cost.one_sided.passes, cost.central.passes) == (n, n + 1, 2 * n)


@pytest.mark.parametrize(("method", "runs"), [("forward", 9), ("central", 16)])
def test_s5_the_runs_happen(method, runs):
    count = 0

    def loss(W):
        nonlocal count
        count += 1
        return differences.loss(W[0], np.ones(2), np.ones(2), W[1], np.ones(2))

    gg.numerical_gradient(loss, [np.eye(2), np.eye(2)], method=method)
    assert count == runs


def test_s5_backpropagation_grows_as_d_squared_and_differences_as_d_to_the_fourth():
    small, big = differences.counted(512), differences.counted(1024)
    assert big.backward.flops / small.backward.flops == pytest.approx(4, rel=0.01)
    assert big.one_sided.flops / small.one_sided.flops == pytest.approx(16, rel=0.01)
    assert big.central.flops / small.central.flops == pytest.approx(16, rel=0.01)


def test_s5_central_differences_are_closer_than_one_sided_ones():
    found = differences.estimates()
    one_sided, central = (np.abs(found[m] - found["backpropagation"]).max() for m in ("one-sided", "central"))
    assert central < 1e-8
    assert central < one_sided < 1e-6


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
@pytest.mark.parametrize("x", [0.3, 0.7, 1.0])
def test_s6_rule_equals_its_closed_form(rule, x):
    ours = gg.grad(rule.f)(x)
    assert ours == pytest.approx(rule.closed(x), rel=1e-12, abs=1e-12)
    assert gg.numerical_gradient(rule.f, x) == pytest.approx(rule.closed(x), rel=1e-7, abs=1e-9)


def test_s6_has_every_rule_and_its_formula():
    assert [plain(r.formula) for r in RULES] == [
        "a", "x", "a u", "u + v - w", "u v", "u/v", "uⁿ", "√u", "1/u", "1/uⁿ", "f(u)", "ln u", "logₐ u", "e^u", "a^u",
        "u^v", "sin u", "cos u", "tan u", "cot u", "sec u", "csc u",
    ]  # fmt: skip
    derivatives = {r.name: plain(r.derivative) for r in RULES}
    assert derivatives["u/v"] == "u′/v - u v′/v²"
    assert derivatives["u^v"] == "v u^(v-1) u′ + ln u u^v v′"
    assert derivatives["csc u"] == "-csc u cot u u′"


def test_s7_a_gradient_costs_a_few_forward_passes():
    counted = gg.cost(differences.g, *(np.ones((256, 256)) for _ in range(3)), argnums=(0, 1, 2))
    assert 2 < counted.backward.flops / counted.forward.flops < 4


def test_s12_xor_made_by_hand():
    t = table("xor")
    np.testing.assert_array_equal(t["h"].value, [[0, 0], [1, 0], [1, 0], [2, 1]])
    np.testing.assert_array_equal(t["out"].value, [0, 1, 1, 0])
    values = worked.example("xor").values
    assert (values["W"], values["c"], values["w"], values["b"]) == ([[1, 1], [1, 1]], [0, -1], [1, -2], 0)
    assert t["J"].value == 0
    assert all(np.all(t[n].gradient == 0) for n in ("W", "c", "w", "b"))


def test_s12_a_linear_model_answers_one_half():
    t = table("xor-linear")
    np.testing.assert_array_equal(t["out"].value, np.full(4, 0.5))
    assert t["J"].value == 0.25
    np.testing.assert_array_equal(t["w"].gradient, [0, 0])
    assert t["b"].gradient == 0


def test_s12_no_linear_model_does_better(rng):
    X, y = np.array(networks._X), np.array(networks._Y)
    best = np.linalg.lstsq(np.column_stack([X, np.ones(4)]), y, rcond=None)[0]
    np.testing.assert_allclose(best, [0, 0, 0.5], atol=1e-12)

    def loss(w, b):
        return np.mean((X @ w + b - y) ** 2)

    curvature = gg.hessian(lambda p: loss(p[:2], p[2]))(best)
    assert np.linalg.eigvalsh(curvature).min() > 0
    assert all(loss(rng.normal(size=2), rng.normal()) > 0.25 for _ in range(100))


@pytest.mark.parametrize(("name", "second"), [("delta", "w2"), ("delta-many", "W2")])
def test_s20_delta_recursion_is_backpropagation(name, second):
    t = table(name)
    v = {n: t[n].value for n in ("x", "W1", second, "b2", "y")}
    z = np.tanh(v["x"] @ v["W1"])
    out = z @ v[second] + v["b2"] - v["y"]
    hidden = (1 - z**2) * np.dot(v[second], out)
    np.testing.assert_allclose(t["ŷ"].gradient, out, **EXACT)
    np.testing.assert_allclose(t["a"].gradient, hidden, **EXACT)
    np.testing.assert_allclose(t["W1"].gradient, np.outer(v["x"], hidden), **EXACT)
    np.testing.assert_allclose(t[second].gradient, np.multiply.outer(z, out), **EXACT)
    by_hand = networks.recursion(*v.values())
    np.testing.assert_allclose(by_hand["hidden"], hidden, **EXACT)


@pytest.mark.parametrize("name", ["delta", "delta-many"])
def test_s20_agrees_with_finite_differences(name):
    example = worked.example(name)
    names = list(example.values)
    values = [np.asarray(v, dtype=float) for v in example.values.values()]

    def loss(*wires):
        x, W1, W2, b2, y = wires
        return 0.5 * np.sum((y - (np.tanh(x @ W1) @ W2 + b2)) ** 2)

    t = gg.explain(example.build())
    numerical = gg.numerical_gradient(loss, *values, argnums=tuple(range(5)))
    for wire, g in zip(names, numerical, strict=True):
        np.testing.assert_allclose(t[wire].gradient, g, rtol=1e-6, atol=1e-9)


def test_s23_one_neurons_firing_rate():
    v = {n: np.asarray(x) for n, x in worked.example("neuron").values.items()}
    body = np.sum(v["inputs"] * v["weights"]) + v["bias"]
    np.testing.assert_allclose(worked.example("neuron").build().value, 1 / (1 + np.exp(-body)), **EXACT)


def test_s23_a_layer_is_its_neurons():
    v = {n: np.asarray(x) for n, x in worked.example("layer").values.items()}
    rates = [
        networks.one_neuron(gg.tensor(v["x"]), gg.tensor(w), gg.tensor(b)) for w, b in zip(v["W"], v["b"], strict=True)
    ]
    np.testing.assert_allclose(worked.example("layer").build().value, [r.value for r in rates], **EXACT)


def test_s23_three_layer_forward_pass():
    v = {n: np.asarray(x) for n, x in worked.example("three-layers").values.items()}

    def f(x):
        return 1 / (1 + np.exp(-x))

    h1 = f(np.dot(v["W1"], v["x"]) + v["b1"])
    h2 = f(np.dot(v["W2"], h1) + v["b2"])
    out = np.dot(v["W3"], h2) + v["b3"]
    t = table("three-layers")
    assert (h1.shape, h2.shape, out.shape) == ((4, 1), (4, 1), (1, 1))
    np.testing.assert_allclose(t["h1"].value, h1, **EXACT)
    np.testing.assert_allclose(t["h2"].value, h2, **EXACT)
    np.testing.assert_allclose(t["out"].value, out, **EXACT)


def test_s13_s14_costs_and_their_gradients_are_those_of_the_distributions():
    d = gg.distributions
    t = table("bernoulli-cost")
    z, y = t["z"].value, t["y"].value
    np.testing.assert_allclose(t["nll"].value, d.Bernoulli().nll(np.array([[z]]), np.array([[y]]))[0], **EXACT)
    np.testing.assert_allclose(t["z"].gradient, 1 / (1 + np.exp(-z)) - y, **EXACT)
    t = table("categorical-cost")
    z, y = t["z"].value, t["y"].value
    np.testing.assert_allclose(t["nll"].value, d.Categorical().nll(z[None], np.array([1]))[0], **EXACT)
    np.testing.assert_allclose(t["z"].gradient, np.exp(z) / np.exp(z).sum() - y, **EXACT)
    t = table("gaussian-cost")
    yhat, y = t["yhat"].value, t["y"].value
    np.testing.assert_allclose(t["nll"].value, d.Gaussian().nll(yhat[None], y[None])[0], **EXACT)
    np.testing.assert_allclose(t["yhat"].gradient, yhat - y, **EXACT)


def test_s19_the_mean_over_all_signs_is_the_gradient_of_a_square():
    w, x, y = (np.array(perturbed.VALUES[name]) for name in ("w", "x", "y"))
    tries = perturbed.patterns(w, x, y)
    assert len(tries) == 8
    np.testing.assert_allclose(np.mean([g for *_, g in tries], axis=0), gg.grad(perturbed.neuron)(w, x, y), **EXACT)
    assert all(np.linalg.norm(g - (x @ w - y) * x) > 1 for *_, g in tries)
    text = worked.example("without-backpropagation").text(80)
    assert max(map(len, text.splitlines())) <= 80
    ways = re.findall(
        r"^(one weight|hill climbing|all weights|activations only).*?([\d,]+) +[\d.e+]+ +([\d.]+) ", text, re.M
    )
    assert [name for name, *_ in ways] == ["one weight", "hill climbing", "all weights", "activations only"]
    assert all(float(ratio) > 1 for *_, ratio in ways)
