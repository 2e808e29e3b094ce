"""A graph can be traced, named, read, folded, verified, and run again with new values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors
from glassgrad.graphs import Row
from glassgrad.op import Spec
from glassgrad.wire import group


def loss(w, X, y):
    hidden = np.tanh(X @ w)
    return np.mean((hidden - y) ** 2)


@pytest.fixture
def data(rng):
    return rng.normal(size=3), rng.normal(size=(5, 3)), rng.normal(size=5)


# tracing


def test_trace_takes_the_names_of_the_arguments(data):
    graph = gg.trace(loss, *data)
    assert [w.name for w in graph.inputs] == ["w", "X", "y"]
    assert [g.op.name for g in graph.gates] == ["matmul", "tanh", "subtract", "power", "mean"]
    assert graph.outputs[0].value == loss(*data)
    assert len(graph) == 5
    assert repr(graph) == "<Graph of 5 gates, 3 inputs, 1 outputs>"


def test_trace_of_trees_variadic_and_nameless_functions():
    graph = gg.trace(lambda p, *rest: {"out": p["a"] * rest[0] + rest[1]}, {"a": 1.0}, 2.0, 3.0)
    assert [w.name for w in graph.inputs] == ["p.a", "rest[0]", "rest[1]"]
    assert graph.run(2.0, 3.0, 4.0) == [10.0]
    assert gg.trace(np.maximum, 1.0, 2.0).run(5.0, 3.0) == [5.0]


def test_trace_by_shapes_alone():
    graph = gg.trace(loss, Spec((3,), np.dtype(np.float32)), np.ones((5, 3), np.float32), np.ones(5), values=False)
    assert all(w._value is None for w in graph.wires if w.op is not None or not w.weak)
    assert graph.outputs[0].dtype == np.float64
    assert graph.inputs[0].dtype == np.float32


def test_a_traced_graph_holds_for_all_values(data):
    graph = gg.trace(loss, *data, values=False)
    for scale in (0.5, 1.0, 2.0):
        w = data[0] * scale
        assert graph.run(w, *data[1:])[0] == loss(w, *data[1:])
    with_values = gg.trace(loss, *data)
    assert str(with_values) == str(graph)


def test_a_function_that_ignores_its_input_or_returns_a_constant():
    graph = gg.trace(lambda x, y: y * 2, 1.0, 3.0)
    assert graph.run(100.0, 4.0) == [8.0]
    constant = gg.trace(lambda x: 3.0, 1.0)
    assert constant.run(5.0) == [3.0]
    assert len(constant) == 0
    same = gg.trace(lambda x: x, np.ones(2))
    np.testing.assert_array_equal(same.run(np.zeros(2))[0], np.zeros(2))
    twice = gg.trace(lambda x: [x, x + 1, x], 1.0)
    assert twice.run(4.0) == [4.0, 5.0, 4.0]


# names and words


def test_names_are_unique_and_kept():
    x = gg.tensor(1.0, "x")
    a = (x + 1).named("x")  # the same name again
    b = (a * a).named("multiply_1")
    c = b * a
    graph = gg.Graph([c + x])
    names = [graph.names[w.serial] for w in graph.wires]
    assert len(set(names)) == len(names)
    assert graph.name(x) == "x"
    assert graph.name(b) == "multiply_1"
    assert graph.wire("multiply_1") is b
    assert graph.wire(graph.name(c)) is c


def test_an_unknown_wire_lists_those_that_exist():
    graph = gg.Graph([gg.tensor(1.0, "weight") * gg.tensor(2.0, "bias")])
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'weight'") as caught:
        graph.wire("wieght")
    assert "weight, bias, multiply_1" in str(caught.value)


def test_text_reads_as_a_program(data):
    text = gg.trace(loss, *data).text()
    lines = text.splitlines()
    assert lines[0] == "graph(w: float64[3], X: float64[5, 3], y: float64[5]):"
    assert lines[1].startswith("  matmul_1: float64[5] = matmul(X, w)")
    assert lines[2].startswith("  tanh_1: float64[5] = tanh(matmul_1)")
    assert lines[4].startswith("  power_1: float64[5] = power(subtract_1, 2)")
    assert "axis=(0,)" in lines[5]
    assert lines[-1] == "  return mean_1"
    assert all("# test_graphs.py:" in line for line in lines[1:-1])
    number = int(re.search(r"test_graphs\.py:(\d+)", lines[1]).group(1))
    assert number == loss.__code__.co_firstlineno + 1


def test_text_shows_dtypes_parts_and_long_parameters():
    graph = gg.trace(lambda x: np.linalg.slogdet(x)[1] * 2, np.eye(2, dtype=np.float32))
    assert "float32[2, 2]" in graph.text()
    assert "slogdet" in graph.text()
    picked = gg.trace(lambda x: x[:, None, ::-1, 1:3, None, 2, 0], np.ones((2, 3, 4, 5, 6)))
    assert max(len(line) for line in picked.text().splitlines()) < 160


def test_rows_fold_groups():
    def net(x):
        with group("first"):
            x = gg.softmax(np.tanh(x))
        with group("second"):
            return np.mean(x * 2)

    graph = gg.trace(net, np.ones(3))
    flat, folded = graph.rows(), graph.rows(fold=True)
    assert len(flat) == len(graph.gates)
    assert [row.group.name for row in folded] == ["first", "second"]
    assert sum(len(row.gates) for row in folded) == len(graph.gates)
    assert all(isinstance(row, Row) for row in folded)
    only = graph.rows(fold=lambda group: group.name == "softmax")
    assert [row.group.name for row in only if row.group is not None] == ["softmax"]
    first, second = folded
    assert [w.name for w in first.operands()] == ["x"]
    assert [w.serial for w in second.operands() if w.op is not None] == [first.gates[-1].serial]
    text = graph.text(fold=True)
    assert "= first(x)" in text
    assert len(text.splitlines()) == 4


def test_groups_nest_and_have_paths():
    with group("net"):
        y = gg.softmax(gg.tensor([1.0, 2.0]))
    assert [g.name for g in y.group.path] == ["net", "softmax"]
    assert repr(y.group) == "<group net/softmax>"
    assert gg.tensor(1.0).group is None
    with pytest.raises(RuntimeError), group("broken"):
        raise RuntimeError
    assert (gg.tensor(1.0) * 2).group is None
    with pytest.raises(errors.ShapeError):
        gg.softmax(gg.tensor(np.zeros(0)))
    assert (gg.tensor(1.0) * 2).group is None


def test_large_graphs_fold_by_themselves():
    def f(x):
        for _ in range(10):
            x = gg.softmax(x)
        return x

    graph = gg.trace(f, np.ones(3))
    assert len(str(graph).splitlines()) == 12
    assert len(graph.text().splitlines()) == len(graph) + 2


# structure


def test_inputs_are_the_leaves_that_are_not_constants():
    x, k = gg.tensor(2.0, "x"), gg.tensor(3, "k")
    p, frozen = gg.Parameter(1.0, "p"), gg.Parameter(5.0, "frozen", frozen=True)
    graph = gg.Graph([x * k + p * 2.5 + frozen])
    assert [w.name for w in graph.inputs] == ["x", "p"]
    assert graph.run(1.0, 10.0) == [3 + 25 + 5]
    whole = gg.Graph(graph.outputs, [x, k, p, frozen])
    assert whole.run(1.0, 2, 3.0, 4.0) == [2 + 7.5 + 4]


def test_a_graph_can_start_in_the_middle():
    x = gg.tensor(2.0, "x")
    middle = (x * x).named("middle")
    out = np.exp(middle) + 1
    graph = gg.Graph([out], [middle])
    assert len(graph) == 2
    assert x.serial not in {w.serial for w in graph.wires}
    np.testing.assert_allclose(graph.run(0.0), [2.0])


def test_a_wire_that_is_no_input_keeps_its_value_or_is_refused():
    x, w = gg.tensor(2.0, "x"), gg.tensor(3.0, "w")
    assert gg.Graph([x * w], [x]).run(10.0) == [30.0]
    traced = gg.trace(lambda a, b: a * b, 1.0, 1.0, values=False)
    with pytest.raises(errors.OperandError, match="b, which is not among its inputs"):
        gg.Graph(traced.outputs, traced.inputs[:1]).run(1.0)


def test_parameters_are_read_when_the_graph_runs():
    p = gg.Parameter(2.0, "p")
    graph = gg.Graph([gg.tensor(3.0, "x") * p], [])
    assert graph.run() == [6.0]
    p.value = np.array(10.0)
    assert graph.run() == [30.0]


def test_consumers():
    x = gg.tensor(2.0, "x")
    square = x * x
    out = square + x
    consumers = gg.Graph([out]).consumers()
    assert consumers[x.serial] == [square, square, out]
    assert consumers[square.serial] == [out]
    assert consumers[out.serial] == []


def test_run_takes_values_of_the_inputs_dtype(data):
    graph = gg.trace(lambda x: x * 2, np.ones(2, np.float32))
    out = graph.run(np.array([1.0, 2.0]))[0]
    assert out.dtype == np.float32
    assert graph.run([1, 2])[0].tolist() == [2.0, 4.0]
    with pytest.raises(errors.OperandError):
        graph.run(np.array([1j, 2j]))
    with pytest.raises(errors.ShapeError):
        graph.run(np.ones(3))


def test_run_does_not_change_its_values_nor_keep_them():
    graph = gg.trace(lambda x: np.sum(x) + x, np.ones(3))
    given = np.array([1.0, 2.0, 3.0])
    out = graph.run(given)[0]
    np.testing.assert_array_equal(given, [1.0, 2.0, 3.0])
    given[:] = 0
    np.testing.assert_array_equal(out, [7.0, 8.0, 9.0])


def test_a_graph_of_gradients_runs(data):
    graph = gg.trace(gg.value_and_grad(loss, argnums=(0, 1)), *data, values=False).verify()
    w = data[0] * 2
    value, (gw, gx) = gg.value_and_grad(loss, argnums=(0, 1))(w, *data[1:])
    got = graph.run(w, *data[1:])
    for a, b in zip(got, (value, gw, gx), strict=True):
        np.testing.assert_array_equal(a, b)
    backward = [g for g in graph.gates if g.origin is not None]
    assert backward
    forward = {g.serial for g in graph.gates if g.origin is None}
    assert all(g.origin.serial in forward for g in backward), "every gradient gate knows the gate it belongs to"


def test_a_graph_of_second_derivatives_runs():
    graph = gg.trace(gg.hessian(lambda x: np.sum(np.sin(x) ** 2)), np.ones(3), values=False).verify()
    x = np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(graph.run(x)[0], np.diag(2 * np.cos(2 * x)), atol=1e-15)


def test_gates_of_several_outputs_run():
    graph = gg.trace(lambda A: np.linalg.eigh(A)[0] * np.linalg.slogdet(A)[1], np.eye(2), values=False).verify()
    A = np.array([[2.0, 0.5], [0.5, 1.0]])
    want = np.linalg.eigvalsh(A) * np.linalg.slogdet(A)[1]
    np.testing.assert_allclose(graph.run(A)[0], want, rtol=1e-12)


# verify


def corrupted(change: Any) -> gg.Graph:
    x = gg.tensor(np.ones((2, 3)), "x")
    y = (x * 2).named("y")
    out = np.sum(y, axis=1)
    graph = gg.Graph([out])
    assert graph.verify() is graph
    change(y, out)
    return graph


@pytest.mark.parametrize(
    "change",
    [
        lambda y, out: setattr(y, "shape", (3, 2)),
        lambda y, out: setattr(y, "dtype", np.dtype(np.float32)),
        lambda y, out: setattr(out, "shape", (3,)),
        lambda y, out: setattr(out, "params", {"axis": (0,), "keepdims": False}),
    ],
    ids=["shape", "dtype", "result", "parameter"],
)
def test_verify_finds_a_corrupted_wire(change):
    with pytest.raises(errors.ShapeError, match=r"y =|sum_1 ="):
        corrupted(change).verify()


def test_verify_finds_a_wire_that_comes_too_early():
    x = gg.tensor(1.0, "x")
    graph = gg.Graph([np.exp(np.sin(x))])
    graph.wires[1], graph.wires[2] = graph.wires[2], graph.wires[1]
    with pytest.raises(errors.ShapeError, match="before its operand"):
        graph.verify()


@pytest.mark.parametrize(
    "f", [lambda a: a, lambda a: a.reshape(3, 1), lambda a: np.einsum("i->i", a), lambda a: a[::-1]]
)
def test_results_of_a_run_are_the_callers_own(f):
    a = np.ones(3)
    [out] = gg.trace(f, a).run(a)
    out[...] = 9
    assert a.tolist() == [1.0, 1.0, 1.0]


def test_outputs_that_are_the_same_wire_or_a_constant_are_separate_arrays():
    c = np.ones(2)
    graph = gg.trace(lambda a: (b := a * 2, b, gg.constant(c)), c)
    first, second, constant = graph.run(c)
    first[...], constant[...] = 9, 9
    assert second.tolist() == [2.0, 2.0]
    assert graph.run(c)[2].tolist() == [1.0, 1.0]
