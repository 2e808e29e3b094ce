"""Every rule alone: what it makes of a graph, and where it must leave it as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import passes
from glassgrad.op import Explanation, Op, Spec
from glassgrad.ops import arithmetic, index, logic, random, view
from glassgrad.passes.constants import LARGEST, fold_constants
from glassgrad.passes.dead import drop_dead
from glassgrad.passes.duplicates import merge_duplicates
from glassgrad.passes.simplify import simplify
from glassgrad.tensors import traced

NAN, INF = float("nan"), float("inf")
SPECIAL = np.array([0.0, -0.0, INF, -INF, NAN, 1.0, -1.5, 1e308, 5e-324])


def graph_of(f: Any, *shapes: tuple[int, ...], dtype: Any = np.float64) -> gg.Graph:
    inputs = [traced(s, dtype, n, active=np.dtype(dtype).kind == "f") for s, n in zip(shapes, "xyz", strict=False)]
    out = f(*inputs)
    return gg.Graph(list(out) if isinstance(out, tuple | list) else [out], inputs)


def made(graph: gg.Graph, one: passes.Pass = simplify) -> list[str]:
    """The gates after one pass, which computes the same bits, signs of zeros included."""
    after = one(graph).verify()
    rng = np.random.default_rng(0)
    for draw in (lambda s: rng.normal(size=s), lambda s: rng.choice(SPECIAL, size=s)):
        with np.errstate(all="ignore"):
            values = [np.asarray(draw(w.shape)).astype(w.dtype) for w in graph.inputs]
            for a, b in zip(after.run(*values), graph.run(*values), strict=True):
                np.testing.assert_array_equal(a, b)
                assert np.asarray(a).dtype == np.asarray(b).dtype
                finite = ~np.isnan(a)
                np.testing.assert_array_equal(np.signbit(a)[finite], np.signbit(b)[finite])
    return [w.op.name for w in after.gates]


N = (9,)
ONES, ZEROS = np.ones(9), np.zeros(9)
REMOVED = {
    "x * 1": (lambda x: x * 1, []),
    "1.0 * x": (lambda x: 1.0 * x, []),
    "x * ones": (lambda x: x * ONES, []),
    "ones * x": (lambda x: ONES * x, []),
    "x * repeated one": (lambda x: x * np.broadcast_to(gg.constant(1.0), 9), []),
    "x / 1": (lambda x: x / 1, []),
    "x * -1": (lambda x: x * -1, ["negative"]),
    "x / -1.0": (lambda x: x / -1.0, ["negative"]),
    "x - 0": (lambda x: x - 0, []),
    "x - zeros": (lambda x: x - ZEROS, []),
    "x + -0": (lambda x: x + -0.0, []),
    "x² + 0": (lambda x: np.square(x) + 0, ["square"]),
    "sum + 0": (lambda x: 0.0 + np.sum(x), ["sum"]),
    "x ** 1": (lambda x: x**1, []),
    "x ** 2": (lambda x: x**2.0, ["square"]),
    "x ** 0.5": (lambda x: x**0.5, ["sqrt"]),
    "x ** -1": (lambda x: x**-1, ["reciprocal"]),
    "x ** 0": (lambda x: x**0, ["broadcast_to"]),
    "--x": (lambda x: -np.negative(x), []),
    "x + -y": (lambda x: x + -(x * x), ["multiply", "subtract"]),
    "-x + y": (lambda x: -x + x * x, ["multiply", "subtract"]),
    "x - -y": (lambda x: x - -(x * x), ["multiply", "add"]),
    "-x * -y": (lambda x: -x * -np.exp(x), ["exp", "multiply"]),
    "-x / -y": (lambda x: -x / -np.exp(x), ["exp", "divide"]),
    "-x * 3": (lambda x: -x * 3.0, ["multiply"]),
    "-(3 x)": (lambda x: -(3.0 * x), ["multiply"]),
    "-(x / 3)": (lambda x: -(x / 3.0), ["divide"]),
    "2 / -x": (lambda x: 2.0 / -x, ["divide"]),
    "(-x)²": (lambda x: np.square(-x), ["square"]),
    "|-x|": (lambda x: abs(-x), ["absolute"]),
    "||x||": (lambda x: abs(abs(x)), ["absolute"]),
    "identity": (np.positive, []),
    "stopped": (gg.stop_gradient, []),
    "max(x, x)": (lambda x: np.maximum(x, x), []),
    "min(x, x)": (lambda x: np.minimum(x, x), []),
    "where(true, x, y)": (lambda x: np.where(np.full(9, True), x, np.exp(x)), []),
    "where(false, x, 1)": (lambda x: np.where(False, x, 1), ["broadcast_to"]),
    "where(c, x, x)": (lambda x: np.where(x > 0, x, x), []),
    "same reshape": (lambda x: view.reshape_to(x, shape=N), []),
    "reshape of reshape": (lambda x: np.reshape(np.reshape(x, (3, 3)), (1, 9)), ["reshape"]),
    "reshape and back": (lambda x: np.reshape(np.reshape(x, (3, 3)), (9,)), []),
    "same transpose": (lambda x: np.transpose(x, (0,)), []),
    "transpose of transpose": (lambda x: np.reshape(x, (3, 3)).T.T, ["reshape"]),
    "broadcast of broadcast": (lambda x: np.broadcast_to(np.broadcast_to(x, (2, 9)), (3, 2, 9)), ["broadcast_to"]),
    "same broadcast": (lambda x: np.broadcast_to(x, N), []),
    "broadcast of new axes": (lambda x: np.broadcast_to(np.reshape(x, (1, 9)), (4, 9)), ["broadcast_to"]),
    "broadcast that adds axes": (lambda x: np.broadcast_to(x, (1, 9)), ["reshape"]),
    "reshape of a number repeated": (
        lambda x: np.reshape(np.broadcast_to(x[:1], (2, 3)), (3, 2)), ["slice", "reshape", "broadcast_to"],
    ),
    "same cast": (lambda x: logic.cast(x, dtype="float64"), []),
    "whole slice": (lambda x: view.sliced(x, index=((0, 9, 1),)), []),
    "slice of new axes": (lambda x: x[None, :, None], ["reshape"]),
    "whole embedding": (lambda x: view.embed(x, index=((None, None, None),), shape=N), []),
    "one piece": (lambda x: np.concatenate([x]), []),
    "max of one": (lambda x: np.max(np.reshape(x, (9, 1)), axis=1), []),
    "sum of a reshape": (lambda x: np.sum(np.reshape(x, (1, 9))), ["sum"]),
    "repeated, added": (lambda x: np.broadcast_to(np.sum(x), 9) + x, ["sum", "add"]),
    "new axes, added": (lambda x: np.reshape(x, (1, 9)) * np.reshape(np.tile(x, 2), (2, 9)), None),
    "repeated late": (lambda x: np.exp(np.broadcast_to(np.sum(x), 9)), ["sum", "exp", "broadcast_to"]),
    "two repeated": (
        lambda x: np.broadcast_to(np.sum(x), 9) * np.broadcast_to(np.max(x), 9),
        ["sum", "max", "multiply", "broadcast_to"],
    ),
    "full of one number": (lambda x: x * np.full(9, 0.3), ["multiply"]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*encountered")
@pytest.mark.parametrize("name", REMOVED)
def test_what_goes(name: str) -> None:
    f, gates = REMOVED[name]
    got = made(graph_of(f, N))
    assert gates is None or got == gates


KEPT = {
    "x + 0": lambda x: x + 0.0,
    "0 + x": lambda x: 0 + x,
    "x - -0": lambda x: x - -0.0,
    "0 - x": lambda x: 0.0 - x,
    "x * 0": lambda x: x * 0,
    "0 / x": lambda x: 0 / x,
    "x - x": lambda x: x - x,
    "x / x": lambda x: x / x,
    "1 / x": lambda x: 1.0 / x,
    "x ** 3": lambda x: x**3,
    "x ** many": lambda x: x ** np.full(9, 0.5),
    "x * some ones": lambda x: x * np.array([1.0] * 8 + [2.0]),
    "zeros of both signs": lambda x: x - np.array([0.0] * 8 + [-0.0]),
    "sums in another order": lambda x: np.sum(np.sum(np.reshape(x, (3, 3)), axis=1)),
    "narrow and wide": lambda x: x.astype(np.float32).astype(np.float64),
    "to whole numbers and back": lambda x: np.rint(x).astype(np.int8).astype(np.float64),
    "reversed": lambda x: x[::-1],
    "some": lambda x: x[1:],
    "embedded": lambda x: view.embed(x, index=((1, 10, 1),), shape=(12,)),
    "sum of something repeated in part": lambda x: np.sum(np.broadcast_to(x, (2, 9)), axis=1),
    "matrix product": lambda x: np.reshape(x, (3, 3)).T @ np.reshape(x, (3, 3)),
    "where it is so": lambda x: np.where(np.arange(9) > 3, x, 0),
    "negative, shifted": lambda x: -(x + 1.0),
}


@pytest.mark.filterwarnings("ignore:.*encountered")
@pytest.mark.parametrize("name", KEPT)
def test_what_stays(name: str) -> None:
    graph = graph_of(KEPT[name], N)
    assert simplify(graph) is graph


def test_a_product_keeps_its_transposed_operands() -> None:
    graph = graph_of(lambda x, y: (x.T @ y, y @ np.swapaxes(x, 0, 1), x @ y.T), (3, 3), (3, 3))
    after = passes.run(graph)
    assert [w.op.name for w in after.gates] == ["transpose", "matmul", "matmul", "transpose", "matmul"]


def test_a_single_number_has_no_square_root_for_a_power() -> None:
    """pow(−0, ½) is +0, and NumPy asks pow for single numbers."""
    graph = graph_of(lambda x: x**0.5, ())
    assert simplify(graph) is graph


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_a_sum_of_copies_is_a_product(dtype: Any) -> None:
    f = lambda x: (  # noqa: E731 shortest here
        np.sum(np.broadcast_to(x, (7, 3))), np.sum(np.broadcast_to(x, (7, 3)), axis=0, keepdims=True),
    )  # fmt: skip
    graph = graph_of(lambda x: (f(x[0])[0], f(x)[1]), (3,), dtype=dtype)
    after = passes.run(graph)
    assert "sum" not in [w.op.name for w in after.gates]
    assert [w.dtype for w in after.outputs] == [w.dtype for w in graph.outputs]
    x = np.array([1, 2, 3], dtype) / dtype(2 if dtype != np.int64 else 1)
    for a, b in zip(after.run(x.astype(dtype)), graph.run(x.astype(dtype)), strict=True):
        np.testing.assert_allclose(a, b, rtol=4 * np.finfo(dtype).eps if dtype != np.int64 else 0)


def test_a_count_that_does_not_fit_is_not_a_factor() -> None:
    graph = graph_of(lambda x: np.sum(np.broadcast_to(x, (5001,))), (), dtype=np.float16)
    assert [w.op.name for w in simplify(graph).gates] == ["broadcast_to", "sum"]
    none = graph_of(lambda x: np.sum(np.broadcast_to(x, (0, 3))), (3,))
    assert "sum" in [w.op.name for w in simplify(none).gates]
    assert simplify(none).run(np.full(3, INF))[0] == 0


def test_a_sum_of_one_number_is_that_number() -> None:
    """NumPy makes +0 of −0; everything else is kept to the bit."""
    graph = graph_of(lambda x: (np.sum(x, axis=1), np.sum(x, axis=(1, 2), keepdims=True)), (4, 1, 1))
    after = simplify(graph)
    assert {w.op.name for w in after.gates} == {"reshape"}
    x = np.array([1.0, -INF, NAN, -0.0]).reshape(4, 1, 1)
    for a, b in zip(after.run(x), graph.run(x), strict=True):
        np.testing.assert_array_equal(a, b)
    small = graph_of(lambda x: np.sum(x, axis=1), (4, 1), dtype=np.int8)
    assert simplify(small) is small, "a sum of int8 is int64"


def test_dtypes_and_weak_numbers() -> None:
    narrow = graph_of(lambda x: (x * 1.0, x * np.float64(1), x / np.ones(3), x + np.float32(2)), (3,), dtype=np.float32)
    after = passes.run(narrow)
    assert [w.dtype for w in after.outputs] == [np.float32, np.float64, np.float64, np.float32]
    assert after.outputs[0] is after.inputs[0]
    whole = graph_of(lambda x: (x * 1, x * 1.0, x / 1, x**2, x**0.5, x + 0, -x * -x), (3,), dtype=np.int64)
    after = passes.run(whole)
    assert [w.dtype for w in after.outputs] == [w.dtype for w in whole.outputs]
    for a, b in zip(after.run([1, 2, 3]), whole.run([1, 2, 3]), strict=True):
        np.testing.assert_array_equal(a, b)
    assert after.outputs[0] is after.outputs[5] is after.inputs[0]
    chosen = graph_of(lambda x: np.where(True, 2, x) * np.float32(1), (3,), dtype=np.float32)
    assert passes.run(chosen).outputs[0].dtype == np.float32
    bits = graph_of(lambda x: (x > 0) * 1, (3,))
    assert passes.run(bits).outputs[0].dtype == np.int64
    weak = gg.Graph([np.broadcast_to(gg.constant(2.0), (3,)) * traced((3,), np.float32, "x")])
    assert passes.run(weak).outputs[0].dtype == np.float64


def test_casts_of_casts() -> None:
    wide = graph_of(lambda x: x.astype(np.float64).astype(np.float32), (3,), dtype=np.float32)
    assert simplify(wide).outputs[0] is wide.inputs[0]
    once = graph_of(lambda x: x.astype(np.float64).astype(np.float16), (3,), dtype=np.float32)
    assert [(w.op.name, w.dtype) for w in simplify(once).gates] == [("cast", np.float16)]
    big = graph_of(lambda x: x.astype(np.float64).astype(np.float32), (3,), dtype=np.int64)
    assert simplify(big) is big, "float64 does not hold every int64"


def test_constants_are_folded() -> None:
    c = gg.constant(np.array([1.0, 4.0]), "c")
    graph = graph_of(
        lambda x: x * (np.sqrt(c) @ np.array([[1.0, 2.0], [3.0, 4.0]])).T + np.linalg.eigh(np.eye(2))[0], (2,)
    )
    after = fold_constants(graph)
    assert [w.op.name for w in after.gates] == ["multiply", "add"]
    np.testing.assert_array_equal(after.run([1.0, 1.0])[0], graph.run([1.0, 1.0])[0])
    assert after.wire("multiply_1").operands[1].name is None
    named = graph_of(lambda x: x + np.exp(c).named("e"), (2,))
    assert fold_constants(named).wire("e").op is None


def test_what_is_not_constant_is_not_folded() -> None:
    p = gg.Parameter(np.ones(3), "p", frozen=True)
    key = traced((2,), np.uint32, "key")
    c = gg.constant(np.ones(3), "c")
    graph = gg.Graph([np.exp(p) + random.normal(random.fold_in(key, 3), 3), np.exp(gg.tensor(np.ones(3)))], [key])
    assert fold_constants(graph) is graph
    assert fold_constants(gg.Graph([np.exp(c)], [c])).inputs[0] is c, "a constant that is an input is an input"
    assert len(fold_constants(gg.Graph([np.exp(c)], [c]))) == 1
    drawn = gg.Graph([random.normal(random.fold_in(gg.constant(random.key(1)), 3), 3)], [])
    assert len(fold_constants(drawn)) == 0, "a draw is a function of its key"
    np.testing.assert_array_equal(fold_constants(drawn).run()[0], drawn.run()[0])
    p.value = np.zeros(3)
    np.testing.assert_array_equal(passes.run(gg.Graph([np.exp(p)], [])).run()[0], np.ones(3))


def constant_gate(op: Op, *values: Any, **params: Any) -> Any:
    """A gate on constants that has not been run."""
    wires = [gg.constant(v) for v in values]
    spec = op.shape(*wires, **params)
    out = traced(spec.shape, spec.dtype)
    out.op, out.operands, out.params = op, tuple(wires), params
    return out


def test_folding_knows_its_limits() -> None:
    n = LARGEST + 1
    outer = gg.Graph([gg.constant(np.ones((n, 1))) * gg.constant(np.arange(2.0))], [])
    assert fold_constants(outer) is outer
    shrinks = gg.Graph([np.sum(np.exp(gg.constant(np.zeros(n))))], [])
    assert fold_constants(shrinks).outputs[0].op is None
    repeated = gg.Graph([np.broadcast_to(gg.constant(2.0), (n,)), np.sum(np.broadcast_to(gg.constant(2.0), (n,)))], [])
    assert [w.op is None for w in fold_constants(repeated).outputs] == [False, True]


def test_a_gate_that_fails_on_its_constants_stays() -> None:
    wrong = constant_gate(index.gather, np.arange(3.0), np.array([7]), template=("array",))
    graph = gg.Graph([wrong], [])
    assert fold_constants(graph) is graph
    with pytest.raises(IndexError):
        graph.run()
    infinite = gg.Graph([constant_gate(arithmetic.divide, np.ones(2), np.zeros(2))], [])
    assert np.all(fold_constants(infinite).outputs[0].value == INF)


def test_a_gate_of_a_user_is_not_run_ahead_of_time() -> None:
    twice = gg.gate(lambda x: 2 * x, [lambda g, out, x: 2 * g], name="twice")
    graph = gg.Graph([twice(gg.constant(np.ones(3)))], [])
    assert fold_constants(graph) is graph


def test_duplicates_become_one() -> None:
    graph = graph_of(
        lambda x, y: (np.exp(x) + np.exp(x), x * y, y * x, x - y, y - x, np.sum(x), np.sum(x, keepdims=True)),
        (3,), (3,),
    )  # fmt: skip
    after = merge_duplicates(graph)
    assert [w.op.name for w in after.gates] == ["exp", "add", "multiply", "subtract", "subtract", "sum", "sum"]
    assert after.outputs[1] is after.outputs[2]
    names = graph_of(lambda x: np.exp(x) * np.exp(x).named("e"), (3,))
    assert merge_duplicates(names).wire("e").op.name == "exp"


def test_constants_that_are_equal_to_the_bit_become_one() -> None:
    rows = [np.arange(3.0), np.arange(3.0), np.array([-0.0, 1, 2]), np.arange(3.0, dtype=np.float32)]
    after = merge_duplicates(graph_of(lambda x: tuple(x * r for r in rows), (3,)))
    assert [w.serial == after.outputs[0].serial for w in after.outputs] == [True, True, False, False]
    zeros = merge_duplicates(graph_of(lambda x: (x * 0.0, x * -0.0, x * 0.0, x * 0, x * False), (3,)))
    assert len({w.serial for w in zeros.outputs}) == 4
    assert len({w.serial for w in merge_duplicates(graph_of(lambda x: (x + NAN, x + NAN), (3,))).outputs}) == 1


def test_draws_of_one_key_are_one_draw() -> None:
    key = traced((2,), np.uint32, "key")
    k, same, other = (random.fold_in(key, n) for n in (1, 1, 2))
    draws = [random.normal(a, 3) for a in (k, same, other)] + [random.normal(k, 4), random.normal(k, 3, np.float32)]
    after = merge_duplicates(gg.Graph(draws, [key]))
    assert [w is after.outputs[0] for w in after.outputs] == [True, True, False, False, False]


def test_parameters_that_cannot_be_compared_are_no_duplicates() -> None:
    odd = Op(
        "odd", shape=lambda x, table: Spec(x.shape, x.dtype), forward=lambda x, table: x * table[0],
        gradients=("none",), explain=Explanation("", ""), cases=lambda rng: [], kind="library",
    )  # fmt: skip
    graph = graph_of(lambda x: (odd(x, table=[2.0]), odd(x, table=[2.0])), (3,))
    assert merge_duplicates(graph) is graph


def slices(x: Any) -> tuple[Any, ...]:
    a, b, _ = np.split(x, [2, 3])
    joined = np.concatenate([x, -x, x[:2]])
    return (
        b, a + 1.0, x[1:][::-1], x[::-2][1], x[2:2][::-1], x[::-1][::-1], joined[4], joined[9:5:-1], joined[3:7],
        joined[10:], joined[5:5], view.sliced(view.embed(x, index=((1, 6, 1),), shape=(8,)), index=((1, 6, 1),)),
        np.reshape(x, (5, 1))[1:][::2, 0],
    )  # fmt: skip


def test_elements_that_no_output_needs() -> None:
    graph = graph_of(slices, (5,))
    after = passes.run(graph)
    x = np.arange(5.0)
    for a, b in zip(after.run(x), graph.run(x), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "split" not in {w.op.name for w in after.gates}
    assert [w.op.name for w in after.gates].count("concatenate") == 1, "two slices reach over the edge of a piece"
    assert made(graph_of(lambda x: np.split(x, 3)[1], N), drop_dead) == ["slice"]
    assert made(graph_of(lambda x: x[2:][:3], N), drop_dead) == ["slice"]
    assert made(graph_of(lambda x: np.concatenate([x, -x])[9:12], N), drop_dead) == ["negative", "slice"]
    mixed = graph_of(lambda x: np.concatenate([x, np.arange(2)])[9:], N)
    assert [w.op.name for w in drop_dead(mixed).gates] == ["concatenate", "slice"], "the piece has another dtype"


@pytest.mark.parametrize("first", [(1, 7, 1), (None, None, -1), (7, 0, -2), (3, 3, 1), (0, None, 3)])
@pytest.mark.parametrize("second", [(1, None, 1), (None, None, -1), (0, 5, 2), (None, None, None)])
def test_a_slice_of_a_slice(first: Any, second: Any) -> None:
    graph = graph_of(lambda x: view.sliced(view.sliced(x, index=(first,)), index=(second,)), N)
    assert made(graph, drop_dead) == ["slice"]


def test_several_outputs_come_through() -> None:
    graph = graph_of(lambda x: [w * 1.0 for w in np.linalg.eigh(np.reshape(x, (3, 3)) @ np.eye(3))], N)
    after = passes.run(graph)
    x = np.arange(9.0)
    for a, b in zip(after.run(x), graph.run(x), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [w.op.name for w in after.gates].count("part") == 2
