"""The table of a graph: numbers in its rows, and the text that is made of them."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors
from glassgrad.wire import group


def add_mul():
    x, y, z = gg.tensor(-2.0, "x"), gg.tensor(5.0, "y"), gg.tensor(-4.0, "z")
    q = (x + y).named("q")
    return (q * z).named("f")


def network(X, W, b):
    with group("0.Linear"):
        a = X @ W + b
    with group("1.Softmax"):
        p = gg.softmax(a)
    return np.mean(p * p)


FIRST = """\
f: 2 gates, 3 inputs · test_text.py

wire          gate          value   gradient  pattern        line
  → operand   derivative  local ×   upstream  = handed down
─────────────────────────────────────────────────────────────────
x             input            -2         -4
y             input             5         -4
z             input            -4          3
q = x + y     add               3         -4  distributes    L15
  → x         1                 1 ×       -4  = -4
  → y         1                 1 ×       -4  = -4
f = q z       multiply        -12          1  switches       L16
  → q         z                -4 ×        1  = -4
  → z         q                 3 ×        1  = 3
─────────────────────────────────────────────────────────────────
distributes: passes the upstream gradient to every operand (an add gate)
switches: hands each operand the upstream gradient times the other (a mul gate)"""


def test_the_first_table_to_the_letter():
    assert gg.explain(add_mul()).text(80) == FIRST


def test_str_and_repr_are_the_text():
    table = gg.explain(add_mul(), width=80)
    assert str(table) == repr(table) == table.text(80)


def test_explaining_changes_no_gradient():
    f = add_mul()
    before = gg.explain(f).text(80)
    assert all(w.grad is None for w in gg.Graph([f]).wires)
    f.backward()
    after = {w.name: w.grad for w in gg.Graph([f]).wires}
    assert gg.explain(f).text(80) == before
    assert {w.name: w.grad for w in gg.Graph([f]).wires} == after


def test_local_times_upstream_is_what_is_handed_down_everywhere(rng):
    out = network(
        gg.tensor(rng.normal(size=(3, 4)), "X"), gg.tensor(rng.normal(size=(4, 2)), "W"), gg.tensor([0.0, 1.0])
    )
    table = gg.explain(out, fold=False)
    out.backward()
    for row in table.rows:
        if row.gradient is not None and row.wire.grad is not None:
            np.testing.assert_allclose(row.gradient, row.wire.grad, rtol=1e-12, atol=1e-15)
        for handed in row.handed:
            if handed.local is not None:
                product = np.asarray(handed.local * handed.upstream)
                np.testing.assert_allclose(product.sum(), np.sum(handed.gradient), rtol=1e-9, atol=1e-12)


def test_a_wire_used_twice_adds_what_its_branches_hand_back():
    x = gg.tensor(3.0, "x")
    table = gg.explain((x * x).named("f"))
    assert table["x"].pattern == "adds at a branch"
    assert table["x"].branches == (("f", 3), ("f", 3))
    assert "+ from f (twice)" in table.text(80)
    assert "3 + 3 = 6" in table.text(80)


def test_a_function_and_its_arguments(rng):
    W, x = rng.normal(size=(2, 2)), rng.normal(size=2)

    def squares(W, x):
        return np.sum((W @ x) ** 2)

    table = gg.explain(squares, W, x)
    np.testing.assert_allclose(table["W"].gradient, gg.grad(squares)(W, x))
    assert table["squares"].gradient == 1
    assert [row.kind for row in table.rows[:2]] == ["input", "input"]


def test_a_graph_without_values_shows_shapes_and_formulas():
    graph = gg.trace(lambda W, x: np.sum(np.tanh(W @ x)), np.ones((2, 3)), np.ones(3), values=False)
    text = gg.explain(graph).text(80)
    assert "traced: shapes and formulas, no numbers" in text
    assert "shape 2×3" in text
    assert "diagonal Jacobian 2×2, never built" in text


def test_the_upstream_gradient_is_that_of_the_last_backward_or_one_or_given():
    q = gg.tensor([1.0, 2.0], "x") * 3
    assert "starts with ones" in gg.explain(q).text(80)
    q.backward([1.0, 10.0])
    table = gg.explain(q)
    np.testing.assert_array_equal(table["x"].gradient, [3, 30])
    assert "starts with upstream gradient [1 10]" in table.text(80)
    np.testing.assert_array_equal(gg.explain(q, upstream=[2.0, 0.0])["x"].gradient, [6, 0])
    with pytest.raises(errors.ShapeError, match="upstream gradient has shape"):
        gg.explain(q, upstream=1.0)


def test_groups_fold_and_open(rng):
    args = rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), np.zeros(4)
    opened = gg.explain(network, *args, fold=False)
    assert all(row.kind != "group" for row in opened.rows)
    folded = gg.explain(network, *args, fold=True)
    assert [row.gate for row in folded.rows if row.kind == "group"] == ["0.Linear", "1.Softmax"]
    named = gg.explain(network, *args, fold="softmax")
    assert [row.gate for row in named.rows if row.kind == "group"] == ["softmax"]
    assert "1.Softmax" not in [row.gate for row in gg.explain(network, *args, fold=True, unfold="1.Softmax").rows]
    chosen = gg.explain(network, *args, fold=lambda g: g.name.startswith("0."))
    assert [row.gate for row in chosen.rows if row.kind == "group"] == ["0.Linear"]
    for name in ("X", "W", "b"):
        for table in (folded, named, chosen):
            np.testing.assert_allclose(table[name].gradient, opened[name].gradient)
    row = folded.rows[4]
    assert row.gates == sum(r.kind == "gate" for r in opened.rows) - 4
    np.testing.assert_allclose(row.handed[0].gradient, folded.rows[3].gradient)


def test_a_large_graph_is_folded_by_itself(rng):
    def deep(x):
        for i in range(30):
            with group(f"{i}.Layer"):
                x = np.tanh(x * 1.1) + 0.1
        return np.sum(x)

    table = gg.explain(deep, rng.normal(size=3))
    assert [row.kind for row in table.rows].count("group") == 30
    assert len(gg.explain(deep, rng.normal(size=3), fold=False).rows) == 92


def test_a_folded_group_shows_its_own_local_gradient():
    def by_hand(x):
        with group("sigmoid"):
            return 1 / (1 + np.exp(-x))

    x = np.array([-1.0, 0.5, 2.0])
    row = gg.explain(lambda x: np.sum(by_hand(x)), x, fold="sigmoid").rows[1]
    s = 1 / (1 + np.exp(-x))
    assert (row.formula, row.handed[0].derivative) == ("σ(x)", "σ(x) (1 - σ(x))")
    np.testing.assert_allclose(row.handed[0].local, s * (1 - s))
    assert row.handed[0].jacobian == "diagonal Jacobian 3×3, never built"


def test_why_there_is_no_gradient():
    x, k = gg.tensor(2.0, "x"), gg.tensor(3, "k")
    f = (gg.stop_gradient(x) * x * k).named("f")
    text = gg.explain(f).text(80)
    assert "stopped by stop_gradient" in text
    assert "it holds int64" in text

    table = gg.explain(lambda x, y: x * np.sign(y), 2.0, 3.0)
    assert table["y"].gradient == 0
    assert "sign is constant between jumps" in table["y"].note
    unused = gg.explain(lambda x, y: x * 2, 2.0, 3.0)
    assert "nothing on the way uses it" in unused["y"].note


def test_no_path_at_all_is_said_first():
    p = gg.Parameter(2.0, "p", frozen=True)
    text = gg.explain((p * 2).named("f")).text(80)
    assert text.splitlines()[1] == "no gradient path to f: it was computed from constants only"
    assert "the parameter is frozen" in gg.explain((p * gg.tensor(1.0, "x")).named("f")).text(80)


def test_the_first_value_that_is_not_finite_is_named():
    with np.errstate(all="ignore"):
        f = np.sum((np.log(gg.tensor([-1.0, 1.0], "x")).named("l") * 2).named("m")).named("f")
    assert "the first value that is not finite is on wire l" in gg.explain(f).text(80)


def test_large_arrays_are_summarised_and_small_ones_written_out():
    text = gg.explain(lambda x: np.sum(np.maximum(x, 0)), np.linspace(-1, 1, 4096)).text(80)
    assert "shape 4096" in text
    assert "min -1  mean 0  max 1" in text.replace("mean -0 ", "mean 0 ") or "mean" in text
    assert "diagonal Jacobian 4096×4096, never built" in text
    small = gg.explain(lambda x: np.sum(x * 2), np.array([0.1, 0.25])).text(80)
    assert "[0.1 0.25]" in small
    assert "2 × 1 = 2 for each number" in small


def test_broadcast_operands_say_how_often_they_are_used():
    table = gg.explain(lambda x, b: np.sum((x + b) ** 2), np.ones((4, 2)), np.zeros(2))
    assert table["add_1"].handed[1].jacobian == "used 4 times (broadcast): gradients add"
    np.testing.assert_array_equal(table["b"].gradient, [8, 8])


def test_gates_with_several_results():
    table = gg.explain(lambda x: np.sum(np.linalg.eigh(x)[0] ** 2), np.diag([1.0, 2.0]))
    assert "2 results" in table.text(80)
    np.testing.assert_allclose(table["x"].gradient, np.diag([2.0, 4.0]), atol=1e-12)


@pytest.mark.parametrize("width", [30, 44, 60, 64, 80, 100, 120])
def test_no_line_is_wider_than_asked(width, rng):
    long = gg.tensor(rng.normal(size=3), "a_wire_with_a_really_long_name_that_nobody_would_want")
    f = np.sum(np.tanh(np.where(long > 0, long * long, gg.softmax(long)))) + network(
        rng.normal(size=(30, 20)), gg.tensor(rng.normal(size=(20, 4)), "W"), gg.tensor(np.zeros(4))
    )
    for fold in (False, True):
        lines = gg.explain(f, fold=fold).text(width).splitlines()
        assert max(map(len, lines)) <= max(width, 44)
        assert all(line == line.rstrip() for line in lines)


def test_float32_and_random_gates():
    table = gg.explain(lambda x: np.sum(x * gg.random.uniform(gg.random.key(0), (2,))), np.ones(2, np.float32))
    assert "float32, shape 2" in table.text(80)
    assert table["x"].gradient.dtype == np.float32


def test_unknown_wires_and_things_that_are_no_graph():
    with pytest.raises(errors.UnknownNameError, match="There are: x, y, z, q, f"):
        gg.explain(add_mul())["w"]
    with pytest.raises(errors.OperandError, match="takes a tensor, a graph, or a function"):
        gg.explain(3.0)


def test_lines_from_several_files_carry_the_file():
    from glassgrad import worked

    f = worked.example("add-mul").build() * gg.tensor(2.0, "s")
    text = gg.explain(f).text(80)
    assert "first.py:" in text
    assert "test_text.py:" in text
