"""Derivations: as a teacher writes them, and never other than what the engine computes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy

import glassgrad as gg
from glassgrad import worked
from glassgrad.errors import GradientError, OperandError, UnknownNameError, UnsupportedError
from glassgrad.op import Explanation, Op, same_shape
from glassgrad.views.derivation.tree import Symbol, evaluate
from glassgrad.views.formulas import RULES

RNG = np.random.default_rng(0)


def normal(shape: tuple[int, ...]) -> Any:
    return RNG.normal(size=shape)[()] if shape else RNG.normal()


def positive(shape: tuple[int, ...]) -> Any:
    return RNG.uniform(0.3, 1.6, size=shape)[()] if shape else RNG.uniform(0.3, 1.6)


def load(name: str) -> Any:
    """Another file of tests, for what it draws graphs with."""
    path = Path(__file__).parents[1] / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"loaded_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loss(W1, x, b, W2, y):
    """S4: two layers and half the squared error, nothing named."""
    return 0.5 * np.sum((W2 @ np.tanh(W1 @ x + b) - y) ** 2)


def results(d: gg.Derivation) -> dict[str, str]:
    """The right-hand sides that were put together."""
    return {s.name: s.text.partition(" = ")[2] for s in d.steps if s.kind == "result"}


def chain(d: gg.Derivation) -> dict[str, str]:
    return {s.name: s.text.partition(" = ")[2] for s in d.steps if s.kind == "chain"}


def as_matrix(value: Any) -> Any:
    value = np.asarray(value)
    return sympy.Float(float(value)) if value.ndim == 0 else sympy.Matrix(value.reshape(len(value), -1).tolist())


def read_back(d: gg.Derivation, name: str, values: dict[str, Any]) -> Any:
    """The gradient's line, read and computed by SymPy at these values."""
    names = {n: getattr(sympy, n) for n in dir(sympy) if not n.startswith("_")}
    found = eval(d.sympy(name), {**names, **{n: as_matrix(v) for n, v in values.items()}})
    if isinstance(found, sympy.MatrixBase):
        return np.array(sympy.Matrix(found).evalf().tolist(), float)
    return float(sympy.sympify(found).evalf())


def assert_read_back(d: gg.Derivation, draw: Any, points: int = 3) -> None:
    """SymPy's numbers are the engine's, at random points; `evaluate` compares the formulas there too."""
    for _ in range(points):
        values = {n: draw(s.shape) for n, s in d.made.inputs.items()}
        gradients = d.evaluate(**values)
        assert gradients
        for name, gradient in gradients.items():
            found = read_back(d, name, values)
            np.testing.assert_allclose(np.reshape(found, np.shape(gradient)), gradient, rtol=1e-9, atol=1e-12)


# S4


def test_two_layers_come_out_as_in_the_lecture() -> None:
    d = gg.derive(loss, "h×d", "d", "h", "m×h", "m")
    assert (
        d.text
        == """\
Forward: a name for everything in between
  q1 = W1 x + b                                                            [h×1]
  q2 = tanh q1                                                             [h×1]
  q3 = W2 q2 − y                                                           [m×1]
  ℓ = ½ ‖q3‖²

Backward: the chain rule, step by step, from ℓ to W1, x, b, W2, y
  ∂ℓ/∂q3 = q3                                                              [m×1]
  ∂ℓ/∂q2 = (∂q3/∂q2)ᵀ ∂ℓ/∂q3
         = W2ᵀ ∂ℓ/∂q3                                         [(h×m)(m×1) = h×1]
  ∂ℓ/∂q1 = (∂q2/∂q1)ᵀ ∂ℓ/∂q2
         = (1 − q2²) ⊙ (∂ℓ/∂q2)                                            [h×1]
  ∂ℓ/∂W1 = (∂ℓ/∂q1) xᵀ                                        [(h×1)(1×d) = h×d]
  ∂ℓ/∂x = (∂q1/∂x)ᵀ ∂ℓ/∂q1
        = W1ᵀ ∂ℓ/∂q1                                          [(d×h)(h×1) = d×1]
  ∂ℓ/∂b = (∂q1/∂b)ᵀ ∂ℓ/∂q1
        = ∂ℓ/∂q1                                                           [h×1]
  ∂ℓ/∂W2 = (∂ℓ/∂q3) q2ᵀ                                       [(m×1)(1×h) = m×h]
  ∂ℓ/∂y = (∂q3/∂y)ᵀ ∂ℓ/∂q3
        = −∂ℓ/∂q3                                                          [m×1]

Put together
  ∂ℓ/∂W1 = ((1 − q2²) ⊙ (W2ᵀ q3)) xᵀ                          [(h×1)(1×d) = h×d]
  ∂ℓ/∂x = W1ᵀ ((1 − q2²) ⊙ (W2ᵀ q3))                          [(d×h)(h×1) = d×1]
  ∂ℓ/∂b = (1 − q2²) ⊙ (W2ᵀ q3)                                             [h×1]
  ∂ℓ/∂W2 = q3 q2ᵀ                                             [(m×1)(1×h) = m×h]
  ∂ℓ/∂y = −q3                                                              [m×1]"""
    )
    step = next(s for s in d.steps if s.name == "W1" and s.kind == "chain")
    assert step.latex == r"\frac{\partial \ell}{\partial W_{1}} = \frac{\partial \ell}{\partial q_{1}}\, x^{\top}"
    assert step.through == ("q1",)


@pytest.mark.parametrize("sizes", [(2, 2, 2), (3, 1, 4), (1, 3, 2)])
def test_two_layers_are_read_back_by_sympy(sizes: tuple[int, int, int]) -> None:
    d, h, m = sizes
    shapes = ((h, d), (d,), (h,), (m, h), (m,))
    assert_read_back(gg.derive(loss, *map(normal, shapes)), normal, 2)


def test_a_sum_of_units_is_derived_and_read_back() -> None:
    """S4: f = (y − Σ φ(wᵢᵀx + bᵢ))²."""

    def f(W, x, b, y):
        return (y - np.sum(np.tanh(W @ x + b))) ** 2

    d = gg.derive(f, "n×d", "d", "n", "")
    assert [s.text for s in d.steps if s.kind == "name"] == [
        "q1 = W x + b", "q2 = tanh q1", "q3 = y − Σ q2", "f = q3²",
    ]  # fmt: skip
    assert results(d) == {
        "W": "−2q3 (1 − q2²) xᵀ", "x": "−2q3 Wᵀ (1 − q2²)", "b": "−2q3 (1 − q2²)", "y": "2q3",
    }  # fmt: skip
    assert_read_back(gg.derive(f, *map(normal, ((3, 2), (2,), (3,), ()))), normal)


# S2


def test_the_worked_examples_come_out_as_by_hand() -> None:
    expected = {
        "add-mul": {"x": "z", "y": "z", "z": "x + y"},
        "polynomial": {"w1": "3w1² w2 + 3", "w2": "w1³"},
        "square-and-copy": {"x": "4x³ + 2x"},
        "squared-norm": {"W": "2q xᵀ", "x": "2 Wᵀ q"},
    }
    for name, gradients in expected.items():
        assert results(gg.derive(worked.example(name).build())) == gradients
    neuron = chain(gg.derive(worked.example("sigmoid-neuron").build()))
    assert neuron["dot"] == "σ(dot) (1 − σ(dot))"
    opened = chain(gg.derive(worked.example("sigmoid-neuron").build(), fold=False))
    assert opened["den"] == "−1/den²"
    assert opened["ex"] == "∂out/∂den"
    assert opened["neg"] == "ex · ∂out/∂ex"
    assert opened["dot"] == "−∂out/∂neg"


@pytest.mark.parametrize(
    "name", ["add-mul", "sigmoid-neuron", "squared-norm", "polynomial", "square-and-copy", "chain-rule"]
)
@pytest.mark.parametrize("fold", [True, False])
def test_the_worked_examples_are_read_back_by_sympy(name: str, fold: bool) -> None:
    assert_read_back(gg.derive(worked.example(name).build(), fold=fold), normal)


# S6


TABLE = {
    "constant": "0", "x": "1", "au": "5x", "u+v-w": "2x + 3x² − 1/(2 √x)", "uv": "2x (x³ + 1) + 3x² (x² + ½)",
    "u/v": "2x/(x³ + 1) − 3x² (x² + ½)/(x³ + 1)²", "u^n": "6x (x² + ½)²", "sqrt u": "x/√(x² + ½)",
    "1/u": "−2x/(x² + ½)²", "1/u^n": "−6x/(x² + ½)⁴", "f(u)": "2x (1 − tanh²(x² + ½))", "ln u": "2x/(x² + ½)",
    "log_a u": "2x/((x² + ½) ln 2.5)", "e^u": "2x e^(x² + ½)", "a^u": "2x · 2.5^(x² + ½) ln 2.5",
    "u^v": "2x (x² + ½)^x³ (x³ + 1) + 3x² (x² + ½)^(x³ + 1) ln(x² + ½)", "sin u": "2x cos(x² + ½)",
    "cos u": "−2x sin(x² + ½)", "tan u": "2x sec²(x² + ½)", "cot u": "−2x csc²(x² + ½)",
    "sec u": "2x sec(x² + ½) tan(x² + ½)", "csc u": "−2x csc(x² + ½) cot(x² + ½)",
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=[r.name for r in RULES])
def test_every_line_of_the_table_is_derived_and_read_back(rule: Any) -> None:
    d = gg.derive(rule.f, 0.7)
    last = [s for s in d.steps if s.kind == "result"][-1]
    assert last.text == f"∂f/∂x = {TABLE[rule.name]}"
    assert_read_back(d, positive, 5)
    for x in (0.4, 0.9, 1.2):
        assert d.evaluate(x=x)["x"] == pytest.approx(rule.closed(x), rel=1e-12)


SIMPLIFIED = {
    "3 cos(3x)": lambda x: np.sin(3 * x),
    "xˣ (ln x + 1)": lambda x: x**x,
    "−2x e^(−x²)": lambda x: np.exp(-(x**2)),
    "15 (3x + 1)⁴": lambda x: (3 * x + 1) ** 5,
    "−tan x": lambda x: np.log(np.cos(x)),
    "−x/√(1 − x²)": lambda x: np.sqrt(1 - x**2),
    "2 [x > 0] max(0, x)": lambda x: gg.relu(x) ** 2,
    "(cos x)/x − (sin x)/x²": lambda x: np.sin(x) / x,
    "1.5 √x": lambda x: x**1.5,
    "2ˣ ln 2": lambda x: np.exp2(x),
    "2": lambda x: x + x,
    "0": lambda x: x - x,
}


@pytest.mark.parametrize("written", SIMPLIFIED)
def test_derivatives_are_simplified(written: str) -> None:
    d = gg.derive(SIMPLIFIED[written], 0.6)
    assert results(d)["x"] == written
    assert_read_back(d, lambda shape: RNG.uniform(0.2, 0.9))


# S20, S13, S10


def test_the_delta_recursion_of_a_tanh_network() -> None:
    d = gg.derive(worked.example("delta-many").build())
    steps = chain(d)
    assert (steps["z"], steps["a"]) == ("W2 ∂L/∂ŷ", "(1 − z²) ⊙ (∂L/∂z)")
    assert (steps["W1"], steps["W2"]) == ("x (∂L/∂a)ᵀ", "z (∂L/∂ŷ)ᵀ")
    assert_read_back(d, normal, 1)
    deltas = gg.derive(worked.example("delta-many").build(), delta=True)
    steps = {s.name: s.text for s in deltas.steps if s.kind == "chain"}
    assert steps["a"] == "δ_a = (1 − z²) ⊙ (W2 δ_ŷ)"
    assert (steps["W1"], steps["W2"], steps["b2"]) == ("∂L/∂W1 = x δ_aᵀ", "∂L/∂W2 = z δ_ŷᵀ", "∂L/∂b2 = δ_ŷ")
    assert "z" not in steps
    deltas.evaluate(W1=normal((3, 2)))


def softmax_loss(X, W, b, y):
    return np.mean(gg.distributions.Categorical().nll(X @ W + b, y))


def test_softmax_cross_entropy_is_the_error() -> None:
    assert results(gg.derive(worked.example("categorical-cost").build()))["z"] == "softmax(z) − y"
    X, W, b, y = normal((5, 3)), normal((3, 4)), normal((4,)), np.array([0, 3, 1, 2, 2])
    d = gg.derive(softmax_loss, X, W, b, y)
    assert results(d)["W"] == "1/5 Xᵀ (softmax(q1) − onehot(y))"
    assert results(d)["b"] == "1/5 (softmax(q1) − onehot(y))ᵀ 𝟏"
    d.evaluate(X=normal((5, 3)), W=normal((3, 4)))
    letters = gg.derive(softmax_loss, "N×d", "d×k", "k", "N×k")
    where = {s.name: s for s in letters.steps if s.kind == "where"}
    assert where["W"].text == "∂ℓ/∂W = (1/N) Xᵀ (softmax(q1) − y)"
    assert where["W"].sizes == "(d×N)(N×k) = d×k"
    assert "each row of y sums to 1" in where["W"].note
    assert "y" not in where


def test_logistic_loss_is_the_error() -> None:
    d = gg.derive(lambda w, x, y: gg.distributions.Bernoulli().terms(w @ x, y), "d", "d", "")
    where = {s.name: s for s in d.steps if s.kind == "where"}
    assert where["w"].text == "∂ℓ/∂w = (σ(q1) − y) x"
    for y in (0.0, 1.0):
        values = {Symbol(n): normal(s.shape) for n, s in d.made.inputs.items()} | {Symbol("y"): np.float64(y)}
        values[Symbol("q1")] = values[Symbol("w")] @ values[Symbol("x")]
        inputs = {s.name: v for s, v in values.items() if s.name in d.made.inputs}
        assert np.allclose(evaluate(where["w"].tree, values), d.evaluate(**inputs)["w"], rtol=1e-12)


def test_sums_over_a_batch() -> None:
    def f(X, W, b, Y):
        return np.mean((X @ W + b - Y) ** 2)

    d = gg.derive(f, "N×d", "d×k", "k", "N×k")
    assert chain(d)["q1"] == "2q1/(N k)"
    assert results(d)["b"] == "(2/(N k)) q1ᵀ 𝟏"
    assert_read_back(gg.derive(f, *map(normal, ((4, 2), (2, 3), (3,), (4, 3)))), normal, 2)


def test_sizes_come_back_as_letters_and_numbers_as_written() -> None:
    d = gg.derive(lambda x: 103 * np.sum(x**2) / x.shape[0] + 3 * x[0] * (1 / x.shape[0]), "n")
    assert [s.text for s in d.steps if s.kind == "name"] == ["q1 = 103 ‖x‖²", "ℓ = q1/n + 3x[0]/n"]
    d.evaluate()
    flat = gg.derive(lambda X: np.mean(np.reshape(X, (-1,)) ** 3), "N×d")
    assert [s.text for s in flat.steps] == [
        "ℓ = (Σ X³)/(N d)", "∂ℓ/∂X = 3X²/(N d)", "∂ℓ/∂X = 3X²/(N d)",
    ]  # fmt: skip
    kept = gg.derive(lambda X: np.max(np.reshape(np.sin(X), (-1,)) * 2), "N×d")
    assert "[N·d×1]" in kept.text
    kept.evaluate()


def test_vectors_beside_matrices_are_spread_by_ones() -> None:
    d = gg.derive(lambda X, w: np.sum(X * w / (1 + w**2)), "N×d", "d")
    assert [s.text for s in d.steps if s.kind == "name"][2] == "q3 = q1/(𝟏q2ᵀ)"
    assert results(d) == {"X": "𝟏(w/q2)ᵀ", "w": "(X/(𝟏q2ᵀ))ᵀ 𝟏 − 2w ⊙ ((q1/(𝟏(q2²)ᵀ))ᵀ 𝟏)"}
    centred = gg.derive(lambda X: np.mean((X - np.mean(X, axis=0)) ** 2), "N×d")
    assert chain(centred)["X"] == "(1/N) 𝟏(∂ℓ/∂q1)ᵀ + ∂ℓ/∂q2"
    values = map(normal, ((3, 2), (2,)))
    assert_read_back(gg.derive(lambda X, w: np.sum(X * w / (1 + w**2)), *values), normal, 2)


@pytest.mark.parametrize("name", worked.EXAMPLES)
def test_every_worked_example_is_derived(name: str) -> None:
    d = worked.example(name).derivation()
    assert set(d.evaluate()) == set(d.made.asked)
    assert max(map(len, d.text.splitlines())) <= 80
    assert d.text.isprintable() or "\n" in d.text


def test_a_result_that_is_an_array_starts_with_its_gradient() -> None:
    d = gg.derive(lambda x, W: gg.sigmoid(x @ W), "n", "n×m")
    assert chain(d)["q1"] == "σ(q1) ⊙ (1 − σ(q1)) ⊙ (∂ℓ/∂f)"
    assert results(d)["x"] == "W (σ(q1) ⊙ (1 − σ(q1)) ⊙ (∂ℓ/∂f))"
    d.evaluate(x=normal(d.made.inputs["x"].shape))


def test_a_network_of_layers() -> None:
    net = gg.nn.Sequential(gg.nn.Linear(3, 4), gg.nn.Tanh(), gg.nn.Linear(4, 2))
    X = gg.tensor(RNG.normal(size=(6, 3)).astype(np.float32), "X")
    out = np.mean(gg.distributions.Categorical().nll(net(X), np.array([0, 1, 1, 0, 1, 0])))
    d = gg.derive(out, wrt=["0.W", "2.b"], delta=True)
    steps = {s.name: s.text for s in d.steps if s.kind == "chain"}
    assert steps["0.W"] == "∂ℓ/∂W0 = Xᵀ δ_q1"
    assert steps["q1"] == "δ_q1 = (1 − q2²) ⊙ (δ_q3 W2ᵀ)"
    assert results(d)["2.b"] == "1/6 (softmax(q3) − onehot(c2))ᵀ 𝟏"
    assert set(d.evaluate()) == {"0.W", "2.b"}
    assert "_0_W" in gg.derive(np.sum(X @ net[0].W), wrt="X").sympy("X")
    assert r"\frac{\partial \ell}{\partial W_{0}} = X^{\top}\, \delta_{q_{1}}" in [s.latex for s in d.steps]


# never wrong


def test_random_graphs_evaluate_to_the_engines_gradients() -> None:
    """The generator of the tests of the engine: every family of gates, branches, broadcasting, views."""
    draw_program = load("test_random_graphs").draw_program
    steps, named = 0, 0
    for seed in range(120):
        numbers = np.random.default_rng(seed).integers(0, 10_000, size=1 + seed % 9)
        program = draw_program(seed, [int(n) for n in numbers])
        d = gg.derive(program, *program.point)
        d.evaluate()
        steps += sum(s.kind == "chain" for s in d.steps)
        named += sum(bool(s.note) for s in d.steps if s.kind == "chain")
        assert_well_formed(d._repr_html_())
        assert max(map(len, d.text.splitlines())) <= 80 or any(len(word) > 60 for word in d.text.split())
    assert steps > 1000
    assert named < 0.08 * steps


def test_a_wrong_derivative_in_a_record_is_not_believed() -> None:
    """A record whose formula is off by 0.05 % is found out, and the gate's rule is named instead."""
    for derivative, expected in ((r"4 x^{3}", "4x³ cos(x⁴)"), (r"4.002 x^{3}", "4x³ cos(x⁴)")):
        fourth = Op(
            "fourth", same_shape, lambda x: x**4, (lambda g, out, x: g * 4 * x**3,),
            Explanation("x^{4}", "scales", "scales", (derivative,)), lambda rng: [],
        )  # fmt: skip
        d = gg.derive(lambda x, fourth=fourth: np.sin(fourth(x)), 0.7)
        assert results(d)["x"] == expected
        d.evaluate()
    opaque = Op("opaque", same_shape, lambda x: x**4, (_no_tensors,), fourth.explain, lambda rng: [])
    assert "J_opaque(x)ᵀ" in results(gg.derive(lambda x: np.sin(opaque(x)), 0.7))["x"]


def _no_tensors(g, out, x):
    """A rule that computes on numbers only."""
    return np.float64(float(g) * 4 * float(x) ** 3)


def test_a_tie_is_named_and_a_tie_met_later_raises() -> None:
    def f(x, y):
        return np.maximum(x, y) ** 2

    tied = gg.derive(f, 1.0, 1.0)
    assert list(tied.evaluate().values()) == [1.0, 1.0]
    assert chain(tied)["x"] == "2 where([x = y], ½, [x = max(x, y)]) max(x, y)"
    apart = gg.derive(f, 2.0, 1.0)
    assert results(apart)["x"] == "2 [x > y] max(x, y)"
    with pytest.raises(GradientError, match=r"the formula for ∂f/∂x gives 0 here, and backpropagation 1"):
        apart.evaluate(x=1.0)


def test_what_is_no_formula_is_named_and_said() -> None:
    A = normal((3, 2))
    d = gg.derive(lambda A: np.sum(np.linalg.qr(A)[1] ** 2), A)
    last = [s for s in d.steps if s.kind == "chain"][-1]
    assert last.text == "∂ℓ/∂A = J_qr(A)ᵀ ∂ℓ/∂q1"
    assert last.note == "the vector-Jacobian product of qr, named and not opened"
    d.evaluate(A=normal((3, 2)))
    with pytest.raises(UnsupportedError, match="SymPy has no word for qr"):
        d.sympy("A")


def test_inverses_and_determinants() -> None:
    A, b = normal((3, 3)) + 3 * np.eye(3), normal((3,))
    d = gg.derive(lambda A, b: np.sum(np.linalg.inv(A) @ b), A, b)
    assert chain(d)["A"] == "−A⁻ᵀ (∂ℓ/∂q1) A⁻ᵀ"
    assert_read_back(d, lambda shape: normal(shape) + 3 * np.eye(3) if len(shape) == 2 else normal(shape), 1)
    d = gg.derive(lambda A: np.linalg.det(A), A)
    assert results(d)["A"] == "(det A) A⁻ᵀ"
    d.evaluate()


def test_gates_of_several_outputs() -> None:
    """A short rule is opened: ln|det A| has A⁻ᵀ, parts are put side by side."""
    A = normal((3, 3)) + 3 * np.eye(3)
    d = gg.derive(lambda A: np.linalg.slogdet(A)[1], A)
    assert chain(d)["A"] == "A⁻ᵀ"

    def f(x):
        first, second = np.split(x, [2])
        return np.sum(np.sin(first)) + np.sum(second**2)

    d = gg.derive(f, normal((5,)))
    assert results(d)["x"] == "concatenate[axis 0](cos q1, 2q2)"
    d.evaluate(x=normal((5,)))


def test_float32() -> None:
    x = RNG.normal(size=(4, 3)).astype(np.float32)
    d = gg.derive(lambda x, w: np.mean(np.tanh(x @ w) ** 2), x, np.ones(3, np.float32))
    assert set(d.evaluate()) == {"x", "w"}


# looks


def assert_well_formed(html: str) -> None:
    ElementTree.fromstring(f"<div>{html.partition('</style>')[2]}</div>")


def test_html_is_well_formed_and_fetches_nothing() -> None:
    d = gg.derive(softmax_loss, "N×d", "d×k", "k", "N×k")
    assert_well_formed(d._repr_html_())
    page = d.html
    assert page.startswith("<!doctype html>")
    assert "<math " in page
    assert "prefers-color-scheme: dark" in page
    assert "http" not in page.replace("http://www.w3.org/1998/Math/MathML", "").replace("http-equiv", "")


def test_every_equation_is_set_by_mathtext() -> None:
    """matplotlib's reader of LaTeX is strict: what it reads, MathJax does."""
    from matplotlib.mathtext import MathTextParser

    parser = MathTextParser("path")
    for d in (
        gg.derive(softmax_loss, "N×d", "d×k", "k", "N×k"), gg.derive(loss, "h×d", "d", "h", "m×h", "m"),
        gg.derive(lambda x: np.abs(x) ** x / np.sqrt(1 + x**2) + gg.softplus(x) + np.maximum(x, 0.3), 0.7),
    ):  # fmt: skip
        for step in d.steps:
            parser.parse(f"${step.latex}$")
        assert d.latex.startswith("\\begin{aligned}")
        assert d._repr_latex_().startswith("$$")


# what a user can do wrong


def test_errors_say_what_to_do() -> None:
    with pytest.raises(OperandError, match="'2d' is no size in 'n×2d'"):
        gg.derive(loss, "n×2d", "d", "h", "m×h", "m")
    with pytest.raises(OperandError, match="derive takes a function, a tensor or a graph, not"):
        gg.derive(3.0)
    with pytest.raises(UnknownNameError, match="'v'"):
        gg.derive(lambda w: w * 2, 1.0, wrt="v")
    d = gg.derive(lambda w, v: w * v, 1.0, 2.0, wrt="w")
    assert list(results(d)) == ["w"]
    with pytest.raises(UnknownNameError, match="'v'"):
        d.gradient("v")
    with pytest.raises(UnknownNameError, match="'u'"):
        d.evaluate(u=1.0)
    with pytest.raises(OperandError, match="one output"):
        gg.derive(gg.trace(lambda x: (x, x), 1.0))
    with pytest.raises(OperandError, match="no values were found"):
        gg.derive(lambda x: np.log(-np.abs(x)), "n")


def test_no_input_reached_is_no_gradient() -> None:
    d = gg.derive(lambda x, y: x * 2, 1.0, 3.0)
    assert results(d) == {"x": "2", "y": "0"}
    assert d.evaluate()["y"] == 0.0
