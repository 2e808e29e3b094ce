"""Every gate has its ONNX rule, or its reason why not; what onnxruntime computes is what the gate computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import UnsupportedError
from glassgrad.exchange.written import RULES, UNSAID
from glassgrad.op import Spec
from glassgrad.ops import COMPOSITIONS, MODULES, OPS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

FUNCTIONS: dict[str, Any] = {
    f.composition.name: f for m in MODULES for f in vars(m).values() if hasattr(f, "composition")
}
UNSAID_COMPOSITIONS = {"bernoulli", "eigvalsh", "svdvals"}


def run(model: Any, *inputs: Any) -> list[np.ndarray[Any, Any]]:
    """What onnxruntime makes of a model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {spec.name: x for spec, x in zip(session.get_inputs(), inputs, strict=True)})


def agree(function: Any, xs: tuple[Any, ...], params: dict[str, Any]) -> None:
    """The graph of one call, exported and run, gives the same numbers, shapes and dtypes."""
    arrays = [x for x in xs if isinstance(x, np.ndarray)]

    def call(*given: Any) -> Any:
        rest = iter(given)
        return function(*[next(rest) if isinstance(x, np.ndarray) else x for x in xs], **params)

    graph = gg.trace(call, *[Spec(x.shape, x.dtype) for x in arrays], values=False)
    want = graph.run(*arrays)
    for got, expected, wire in zip(run(gg.exchange.to_onnx(graph), *arrays), want, graph.outputs, strict=True):
        assert got.shape == wire.shape
        assert got.dtype == wire.dtype
        tolerance = 2e-6 if wire.dtype == np.float32 else 1e-6
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def narrow(x: Any) -> Any:
    return x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x


@pytest.mark.parametrize("name", sorted(set(RULES)))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gate_in_onnxruntime(name: str, dtype: str) -> None:
    for xs, params in OPS[name].cases(np.random.default_rng(7)):
        if dtype == "float32":
            xs = tuple(narrow(x) for x in xs)
        agree(OPS[name], tuple(np.asarray(x) if isinstance(x, np.generic) else x for x in xs), params)


@pytest.mark.parametrize("name", sorted(set(COMPOSITIONS) - UNSAID_COMPOSITIONS))
def test_a_composition_in_onnxruntime(name: str) -> None:
    for xs, params in COMPOSITIONS[name].cases(np.random.default_rng(7)):
        if name == "matrix_power" and params["n"] < 0:
            with pytest.raises(UnsupportedError, match="the gate 'inv'"):
                agree(FUNCTIONS[name], xs, params)
            continue
        agree(FUNCTIONS[name], tuple(narrow(x) for x in xs), params)


@pytest.mark.parametrize("name", sorted(UNSAID))
def test_a_gate_that_onnx_cannot_say_is_named_with_the_reason(name: str) -> None:
    xs, params = next(iter(OPS[name].cases(np.random.default_rng(7))))
    arrays = [np.asarray(x) for x in xs]
    graph = gg.trace(lambda *given: OPS[name](*given, **params), *arrays)
    with pytest.raises(UnsupportedError, match=f"ONNX cannot say the gate '{name}': ONNX has no"):
        gg.exchange.to_onnx(graph)


def test_each_gate_has_a_rule_or_a_reason() -> None:
    assert set(RULES) | set(UNSAID) | {"part"} == set(OPS)
    assert not set(RULES) & set(UNSAID)
    assert len(RULES) > 80


ODD = np.array([-np.inf, -1e30, -1e3, -90, -20, -3, -1e-3, -1e-8, -0.0, 0, 1e-8, 1e-3, 3, 20, 90, 1e3, 1e30, np.inf])
TAILS = (
    "absolute", "arcsinh", "arctan", "ceil", "cosh", "erf", "exp", "expm1", "floor", "identity", "isfinite", "isinf",
    "isnan", "negative", "relu", "rint", "sigmoid", "sign", "signbit", "sinh", "softplus", "square", "tanh", "trunc",
)  # fmt: skip
RUNTIME = {"sigmoid": 2e-8, "tanh": 1e-7}  # how far onnxruntime's own approximations are off


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_large_and_infinite_numbers_keep_their_digits(dtype: str) -> None:
    for name, xs in [*[(n, ODD) for n in TAILS], *[(n, np.abs(ODD)) for n in ("log1p", "sqrt", "log")]]:
        x = xs.astype(dtype)
        if name in ("sinh", "cosh", "arcsinh"):  # ONNX squares or inverts on the way
            x = x[np.abs(x) < 80]
        with np.errstate(all="ignore"):
            want = OPS[name](x)
        got = run(gg.exchange.to_onnx(gg.trace(OPS[name], x, values=False)), x)[0]
        np.testing.assert_allclose(
            got, want, rtol=5e-6 if dtype == "float32" else 1e-6, atol=RUNTIME.get(name, 0), err_msg=name
        )


def test_pairs_at_the_edge() -> None:
    x, y = (v.ravel().astype(np.float32) for v in np.meshgrid(ODD, ODD))
    for name in ("logaddexp", "maximum", "minimum", "copysign", "hypot", "less", "equal", "arctan2"):
        kept = np.isfinite(x) & np.isfinite(y) & (np.abs(x) < 1e30) & (np.abs(y) < 1e30) if name == "hypot" else x == x
        if name == "arctan2":
            kept = np.isfinite(x) & np.isfinite(y)
        a, b = x[kept], y[kept]
        got = run(gg.exchange.to_onnx(gg.trace(OPS[name], a, b, values=False)), a, b)[0]
        np.testing.assert_allclose(got, OPS[name](a, b), rtol=2e-6, atol=1e-7, err_msg=name)


WHOLE_GATES = (
    "add", "subtract", "multiply", "divide", "negative", "absolute", "sign", "square", "maximum", "minimum", "equal",
    "less", "greater_equal", "floor_divide", "remainder", "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "exp",
    "sqrt", "logical_and", "logical_not", "relu", "floor", "isfinite", "signbit",
)  # fmt: skip


@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_whole_numbers(dtype: str) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(-9, 9, (2, 40)).astype(dtype)
    y[y == 0] = 4
    for name in WHOLE_GATES:
        xs = (x, y)[: len(OPS[name].gradients)]  # pyright: ignore[reportArgumentType] these gates have a rule an operand
        with np.errstate(all="ignore"):
            agree(OPS[name], tuple(np.abs(v) for v in xs) if name == "sqrt" else xs, {})


@pytest.mark.parametrize(
    "name", ["add", "multiply", "maximum", "minimum", "equal", "less", "absolute", "logical_xor", "invert"]
)
def test_truth_values(name: str) -> None:
    x = np.array([True, True, False, False])
    xs = (x, np.array([True, False, True, False]))[: len(OPS[name].gradients)]  # pyright: ignore[reportArgumentType]
    agree(OPS[name], xs, {})


def test_a_whole_training_step_exported_is_the_step_that_is_run() -> None:
    """Gradients and updates are gates too, so a step goes to ONNX as it stands."""
    net = gg.nn.Sequential(gg.nn.Linear(5, 4, seed=0), gg.nn.Tanh(), gg.nn.Linear(4, 3, seed=1))
    trainer = gg.train.Trainer(net, gg.distributions.Categorical(), gg.optim.Adam(0.01), batch_size=6)
    rng = np.random.default_rng(0)
    trainer.steps(rng.normal(size=(6, 5)).astype(np.float32), rng.integers(0, 3, 6), n=1)
    graph = trainer.graph()
    values = [
        rng.random(w.shape).astype(w.dtype) if w.dtype.kind == "f" else np.ones(w.shape, w.dtype) for w in graph.inputs
    ]
    for got, want in zip(run(gg.exchange.to_onnx(graph), *values), graph.run(*values), strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-6)
