"""Every gate and composition is proved by its own record: shape, values, gradients, dtypes, words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import GradientError
from glassgrad.op import PATTERNS, Op
from glassgrad.ops import COMPOSITIONS, MODULES, NUMPY, OPS
from glassgrad.tensors import traced

FUNCTIONS: dict[str, Any] = {
    **OPS,
    **{f.composition.name: f for m in MODULES for f in vars(m).values() if hasattr(f, "composition")},
}
RECORDS: dict[str, Any] = {**COMPOSITIONS, **OPS}
NAMES = sorted(FUNCTIONS)


def cases(name: str) -> list[Any]:
    return list(RECORDS[name].cases(np.random.default_rng(7)))


def learnable(xs: tuple[Any, ...]) -> list[int]:
    return [i for i, x in enumerate(xs) if isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f"]


def with_operands(name: str, xs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """The gate as a function of its floating operands alone."""

    def f(*given: Any) -> Any:
        full = list(xs)
        for i, x in zip(learnable(xs), given, strict=True):
            full[i] = x
        return FUNCTIONS[name](*full, **params)

    return f


def leaves(out: Any) -> list[Any]:
    return list(out) if isinstance(out, tuple) else [out]


def test_every_module_contributes_and_no_gate_is_left_out() -> None:
    assert len(OPS) > 100
    assert len(COMPOSITIONS) > 30
    for module in MODULES:
        assert any(isinstance(v, Op) or hasattr(v, "numpy") for v in vars(module).values()), module.__name__


@pytest.mark.parametrize("name", [n for n in NAMES if n != "part"])
def test_every_gate_has_cases(name: str) -> None:
    assert cases(name)


@pytest.mark.parametrize("name", sorted(OPS))
def test_shape_rule_says_what_forward_gives(name: str) -> None:
    op = OPS[name]
    for xs, params in cases(name):
        specs = [gg.tensor(x) if isinstance(x, np.ndarray) else gg.tensor(np.asarray(x)) for x in xs]
        said, got = leaves(op.shape(*specs, **params)), leaves(op.forward(*xs, **params))
        assert [(s.shape, s.dtype) for s in said] == [(np.shape(v), np.asarray(v).dtype) for v in got]


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_order_one_and_two_and_forward_mode(name: str) -> None:
    for xs, params in cases(name):
        f = with_operands(name, xs, params)
        if not learnable(xs):
            continue
        try:
            report = gg.check_gradient(f, *[xs[i] for i in learnable(xs)], order=2)
        except GradientError as error:
            if "nothing to check" in str(error):
                continue
            raise
        assert report, f"{name} {params}\n{report}"
        assert not any(c.verdict == "kink crossed" for c in report.checks), f"a case of {name} sits on a kink"


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_operand_has_a_rule_or_a_reason(name: str) -> None:
    op = OPS[name]
    for xs, _ in cases(name):
        for i in range(len(xs)):
            rule = op.rule(i)
            assert callable(rule) or (isinstance(rule, str) and len(rule) > 8)
        if not callable(op.gradients):
            assert len(op.gradients) == len(xs)


@pytest.mark.parametrize("name", NAMES)
def test_tensors_give_numpys_values_traced_or_not(name: str) -> None:
    for xs, params in cases(name):
        plain = leaves(FUNCTIONS[name](*xs, **params))
        f = with_operands(name, xs, params)
        given = [xs[i] for i in learnable(xs)]
        if not given:
            continue
        eager = leaves(f(*[gg.tensor(x) for x in given]))
        replayed = gg.trace(f, *given, values=False).verify().run(*given)
        for a, b, c in zip(plain, eager, replayed, strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b.value))
            np.testing.assert_array_equal(np.asarray(a), np.asarray(c))


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name: str) -> None:
    for xs, params in cases(name):
        where = learnable(xs)
        if not where or {"dtype", "weights"} & set(params):  # these ask for a dtype of their own
            continue
        narrow = [np.asarray(xs[i], np.float32) for i in where]
        try:
            f = with_operands(name, tuple(np.float32(x) if isinstance(x, float) else x for x in xs), params)
            wires = [gg.tensor(x) for x in narrow]
            outs = leaves(f(*wires))
        except GradientError:
            continue
        for out in outs:
            assert out.dtype != np.float64, f"{name} turned float32 into float64"
        floating = [o for o in outs if o.dtype.kind == "f" and o.active]
        if floating:
            np.sum(floating[0]).backward()
            assert all(w.grad is None or w.grad.dtype == np.float32 for w in wires)


@pytest.mark.parametrize("name", NAMES)
def test_explanations_are_whole(name: str) -> None:
    explain = RECORDS[name].explain
    assert explain.formula
    assert len(explain.role) >= 3
    assert explain.pattern in PATTERNS
    if name in OPS and OPS[name].kind == "elementwise" and not callable(OPS[name].gradients):
        for i, rule in enumerate(OPS[name].gradients):
            if callable(rule):
                assert explain.derivative[i], f"{name} has no formula for the derivative by operand {i}"


ELEMENTWISE = [n for n, op in OPS.items() if op.kind == "elementwise"]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_gates_take_empty_and_strided_arrays(name: str) -> None:
    op = OPS[name]
    xs, params = cases(name)[0]
    empty = [np.zeros((0, 3), np.asarray(x).dtype) for x in xs]
    assert all(v.shape == (0, 3) for v in leaves(op(*empty, **params)))
    xs, params = next((c for c in cases(name) if all(np.ndim(x) for x in c[0])), (None, None))  # pyright: ignore
    if xs is not None:
        wide = [np.repeat(x, 2, axis=-1)[..., ::2] for x in xs]
        np.testing.assert_array_equal(op(*wide, **params), op(*xs, **params))


UFUNCS = [f for f in NUMPY if isinstance(f, np.ufunc)]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_ufuncs_of_tensors_equal_numpy(ufunc: Any) -> None:
    op = NUMPY[ufunc]
    for xs, params in list((op if isinstance(op, Op) else op.composition).cases(np.random.default_rng(3))):
        if params:
            continue
        got = ufunc(*[gg.tensor(x) if np.asarray(x).dtype.kind == "f" else x for x in xs])
        got = got.value if isinstance(got, gg.Tensor) else got
        want = ufunc(*xs)
        # the order in which BLAS sums is not the same for all of its functions on all CPUs
        close = 0 if ufunc.signature is None else 4 * np.finfo(float).eps
        np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=close, atol=close)
        assert np.asarray(got).dtype == np.asarray(want).dtype


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint8, np.bool_, np.float16, np.float32])
@pytest.mark.parametrize("ufunc", [np.exp, np.add, np.true_divide, np.sqrt, np.maximum, np.less, np.multiply])
def test_dtypes_promote_as_in_numpy(ufunc: Any, dtype: Any) -> None:
    x = np.ones(3, dtype)
    for y in (2, 2.5, np.ones(3, np.float32), np.ones(3, np.int64), np.float64(2)):
        operands: tuple[Any, ...] = (x, y)[: ufunc.nin]
        want = ufunc(*operands)
        got = ufunc(*[gg.tensor(o) if isinstance(o, np.ndarray) else o for o in operands])
        assert got.dtype == want.dtype
        specs = [traced(o.shape, o.dtype) if isinstance(o, np.ndarray) else o for o in operands]
        assert ufunc(*specs).dtype == want.dtype


def test_a_wrong_gate_is_found_and_named() -> None:
    for factor in (1.0005, 0.9995):
        bad = Op(
            "wrong_tanh",
            shape=OPS["tanh"].shape,
            forward=np.tanh,
            gradients=(lambda g, out, x, k=factor: k * g * (1 - out * out),),
            explain=OPS["tanh"].explain,
            cases=OPS["tanh"].cases,
        )

        def loss(w: Any, bad: Op = bad) -> Any:
            return np.sum(np.exp(bad(np.sin(w))) ** 2)

        report = gg.check_gradient(loss, np.array([0.3, -0.4]))
        assert not report
        assert report.wrong_gates == ["wrong_tanh"]
        assert "wrong: the rule of wrong_tanh" in str(report)
        assert math.isclose(report.bad[0].error, 0.0005, rel_tol=0.01)
