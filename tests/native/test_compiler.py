"""Compiled functions against NumPy: every gate, random graphs, views, calls in between, errors."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors
from glassgrad.compiler import Compiled, Program
from glassgrad.native.steps import Call
from glassgrad.native.target import named
from glassgrad.ops import COMPOSITIONS, MODULES, OPS
from glassgrad.trees import flatten

FUNCTIONS: dict[str, Any] = {
    **OPS,
    **{f.composition.name: f for m in MODULES for f in vars(m).values() if hasattr(f, "composition")},
}
RECORDS: dict[str, Any] = {**COMPOSITIONS, **OPS}


def compared(f: Any, *args: Any, tolerance: float | None = None, target: Any = None) -> Compiled:
    """Compile, run, and compare with the function itself."""
    compiled = Compiled(f, target)
    with np.errstate(all="ignore"):
        got, want = compiled(*args), f(*args)
    for a, b in zip(flatten(got)[0], flatten(want)[0], strict=True):
        b = np.asarray(getattr(b, "value", b))
        assert (np.shape(a), np.asarray(a).dtype) == (b.shape, b.dtype)
        close = tolerance or (2e-5 if b.dtype == np.float32 else 1e-11)
        np.testing.assert_allclose(a, b, rtol=close, atol=close)
    return compiled


def calls(compiled: Compiled) -> list[str]:
    return [s.gate.op.name for s in compiled.programs[-1].plan.steps if isinstance(s, Call)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_gate_equals_numpy(name: str, dtype: Any) -> None:
    for xs, params in RECORDS[name].cases(np.random.default_rng(7)):
        where = [i for i, x in enumerate(xs) if isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f"]
        if not where:
            continue

        def f(*given: Any, xs: Any = xs, params: Any = params, where: Any = where) -> Any:
            full = list(xs)
            for i, x in zip(where, given, strict=True):
                full[i] = x
            return FUNCTIONS[name](*full, **params)

        compared(f, *[np.asarray(xs[i], dtype) for i in where])


def loss(w: Any, X: Any, y: Any) -> Any:
    return np.mean((np.tanh(X @ w["W"] + w["b"]) @ w["v"] - y) ** 2)


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[Any, ...]:
    w = {"W": rng.normal(size=(3, 5)), "b": rng.normal(size=5), "v": rng.normal(size=5)}
    return w, rng.normal(size=(20, 3)), rng.normal(size=20)


def test_values_and_gradients_of_trees(data: Any) -> None:
    compiled = compared(gg.value_and_grad(loss), *data)
    assert list(compiled(*data)[1]) == ["W", "b", "v"]
    compared(gg.hessian(lambda v, X, y: loss({**data[0], "v": v}, X, y)), data[0]["v"], *data[1:])


def test_new_shapes_compile_new_programs_and_old_ones_are_kept(data: Any) -> None:
    compiled = compared(gg.grad(loss), *data)
    compiled(*data)
    assert len(compiled.programs) == 1
    compiled(data[0], data[1][:4], data[2][:4])
    compiled(*data)
    assert len(compiled.programs) == 2


VIEWS: list[Any] = [
    lambda x: (x.T * 2)[::-1],
    lambda x: np.swapaxes(x[None], 0, 1).reshape(-1) + 1,
    lambda x: x.T.reshape(-1) * x.reshape(-1),
    lambda x: x[1:, ::2] - x[:-1, ::2],
    lambda x: np.sum(x.T[::-2], axis=0) * np.max(x, axis=1)[:, None],
    lambda x: x[:, :1] + x[:1],
    lambda x: np.broadcast_to(x[:, None, :], (4, 3, 6)) * np.arange(3.0)[:, None],
    lambda x: (x > 0) & ~(x < 1) | (x == 2),
    lambda x: np.where(x > 0, x, x**2)[3, 2],
    lambda x: (x, x.T, x[0, 0], x * 2, np.sum(x) * 1, x),
    lambda x: np.concatenate([x, x * 2])[np.array([0, 7, -1])],
    lambda x: x.astype(np.float32) * 2 + (x > 0).astype(np.float32),
    lambda x: np.sum(x[:0], axis=0) + np.sum(x[:, :0]),
]


@pytest.mark.parametrize("number", range(len(VIEWS)))
def test_views_broadcasting_and_outputs(number: int, rng: np.random.Generator) -> None:
    compared(VIEWS[number], rng.normal(size=(4, 6)))
    compared(VIEWS[number], np.asfortranarray(rng.normal(size=(4, 6))))


def test_results_belong_to_the_caller(rng: np.random.Generator) -> None:
    compiled = gg.compile(lambda x: (x * 2, x, np.sum(x)))
    x = rng.normal(size=5)
    first, same, _ = compiled(x)
    kept = first.copy()
    compiled(x + 1)
    np.testing.assert_array_equal(first, kept)
    same[:] = 0
    assert np.any(x != 0)


def test_parameters_are_read_at_every_call() -> None:
    w = gg.Parameter(np.array([1.0, 2.0]), "w")
    compiled = gg.compile(lambda x: np.sum(w * x))
    assert compiled(np.ones(2)) == 3
    w.value = np.array([5.0, 6.0])
    assert compiled(np.ones(2)) == 11


def test_what_does_not_compile_is_called_and_listed(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 4)) + 4 * np.eye(4)
    compiled = compared(gg.value_and_grad(lambda x: np.sum(np.linalg.inv(x * 2) + 1)), x, tolerance=1e-9)
    assert "inv" in calls(compiled)
    assert "call of NumPy: inv" in compiled.explain()
    compared(lambda x: np.linalg.eigh(x + x.T)[0] * 2, x, tolerance=1e-9)
    assert all(len(line) <= 160 for line in compiled.explain().splitlines())


def test_indices_out_of_range_are_an_error_and_touch_nothing() -> None:
    x = np.arange(6.0).reshape(2, 3)
    take = gg.compile(lambda x, i: np.take_along_axis(x, i, axis=1) * 2)
    np.testing.assert_array_equal(take(x, np.array([[0], [-1]])), [[0], [10]])
    for wrong in (3, -4, 2**40, -(2**60)):
        with pytest.raises(IndexError, match="out of bounds"):
            take(x, np.array([[0], [wrong]]))
    np.testing.assert_array_equal(take(x, np.array([[1], [2]])), [[2], [10]])


def test_a_choice_by_value_is_refused_with_the_line() -> None:
    with pytest.raises(errors.ValueMissingError, match=r"np\.where"):
        gg.compile(lambda x: x if x > 0 else -x)(1.0)


def test_another_cpu_gives_the_same_numbers(data: Any) -> None:
    try:
        compared(gg.value_and_grad(loss), *data, target=named("x86-64-avx2"))
    except errors.GlassgradError as error:
        pytest.skip(f"this machine does not run AVX2 code: {error}")


def test_threads_share_a_program(data: Any) -> None:
    compiled = gg.compile(gg.grad(loss))
    want = compiled(*data)["W"]
    found: list[Any] = []

    def work() -> None:
        found.extend(compiled(*data)["W"] for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 200
    assert all(np.array_equal(f, want) for f in found)


def test_the_arena_is_used_again() -> None:
    def chain(x: Any) -> Any:
        for _ in range(20):
            x = np.cumsum(x * 2)  # a call of NumPy between the loops keeps them apart
        return x

    compiled = compared(chain, np.ones(1000))
    assert compiled.programs[0].plan.arena <= 4 * 8 * 1024


def test_programs_show_their_passes(data: Any) -> None:
    program = Program(gg.trace(gg.grad(loss), *data, values=False))
    assert program.snapshots
    assert "define" in program.ir
