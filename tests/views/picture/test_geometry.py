"""Nothing in a picture overlaps, leaves the paper or is crossed by a wire, at 10 and at 100 gates, folded and open."""

from __future__ import annotations

import re

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import worked
from glassgrad.views.picture.measure import shortened, text_width
from glassgrad.wire import group


def random_graph(n, seed):
    """A graph of gates of many kinds, with wires that branch, long names, groups and gates of several results."""
    rng = np.random.default_rng(seed)
    wires = [gg.tensor(float(v), f"x{i}") for i, v in enumerate(rng.normal(size=5 + n // 10))]
    wanted = len(wires) + n
    while len(wires) < wanted:
        a, b = (wires[max(0, len(wires) - 1 - int(rng.exponential(6 + n / 8)))] for _ in range(2))
        kind = rng.integers(7)
        if kind == 5:
            made = (a * a + 1).named(f"a_rather_long_name_{len(wires)}")
        elif kind == 6:
            with group("pair"):
                low, high = np.split(np.stack([a * b, a]), 2)
                made = np.sum(low * high)
        else:
            made = (
                a + b if kind == 0 else a * b if kind == 1 else np.tanh(a) if kind == 2 else np.maximum(a, b)
                if kind == 3 else gg.softmax(np.stack([a, b]))[0]
            )  # fmt: skip
        wires.append(made)
    return gg.Graph([sum(wires[-5:], start=wires[-6])])


@pytest.mark.parametrize(("n", "seed"), [(10, 0), (10, 1), (10, 2), (10, 3), (100, 0), (100, 1), (100, 2)])
@pytest.mark.parametrize("fold", [True, False])
def test_nothing_overlaps_in_random_graphs(n, seed, fold, Drawing, faults):
    drawing = Drawing(gg.draw(random_graph(n, seed), fold=fold).svg)
    assert len(drawing.of("face")) > n / 8
    assert faults(drawing) == []


@pytest.mark.parametrize("fold", [None, False])
def test_nothing_overlaps_in_the_worked_examples(fold, Drawing, faults):
    for name, example in worked.EXAMPLES.items():
        drawing = Drawing(gg.draw(example.build(), fold=example.fold if fold is None else fold).svg)
        assert faults(drawing) == [], name


def test_nothing_overlaps_whatever_stands_open(Drawing, faults):
    """Boxes make room when they are opened, in any combination."""
    graph = random_graph(60, 9)
    rng = np.random.default_rng(0)
    for _ in range(4):
        chosen = {id(g.group): bool(rng.random() < 0.5) for g in graph.gates if g.group is not None}
        drawing = Drawing(gg.draw(graph, fold=lambda g, chosen=chosen: chosen.get(id(g), True)).svg)
        assert faults(drawing) == []


def test_odd_graphs_look_right_too(Drawing, faults):
    rng = np.random.default_rng(0)
    x = gg.tensor([1.0, 0.0, -1.0], "x")
    with np.errstate(all="ignore"):
        odd = np.sum(np.log(x) / x)
    A = gg.tensor(np.array([[2.0, 0.5], [0.5, 1.0]]), "A")
    w, V = np.linalg.eigh(A)
    index, table = gg.tensor(np.arange(6), "index"), gg.tensor(rng.normal(size=(10, 3)).astype("f"), "t" * 60)
    rows = table[index]
    net = gg.nn.Sequential(gg.nn.Linear(8, 8), gg.nn.Tanh(), gg.nn.Linear(8, 8), gg.nn.Tanh(), gg.nn.Linear(8, 3))
    loss = np.mean(gg.log_softmax(net(gg.tensor(rng.normal(size=(5, 8)).astype("f"), "X"))))
    step = gg.trace(gg.grad(lambda W, X: np.mean(np.tanh(X @ W) ** 2)), np.ones((9, 4)), np.ones((5, 9)), values=False)
    cases = (
        odd, gg.Graph([np.sum(w * w), V]), gg.Graph([np.sum(rows * rows), index + 1], [table, index, gg.tensor(3.0)]),
        loss, step, gg.tensor(3) * 2, np.sum(gg.tensor(np.ones((0, 3)))), gg.constant(2.0), gg.tensor(np.ones((3, 50))),
    )  # fmt: skip
    for case in cases:
        for fold in (True, False):
            assert faults(Drawing(gg.draw(case, fold=fold).svg)) == []


def test_a_fault_would_be_seen(Drawing, faults):
    """The same picture with one node moved onto another, with a label that is too long, and with a wire moved."""
    x, y = gg.tensor(3.0, "x"), gg.tensor(4.0, "y")
    svg = gg.draw(np.tanh(x * y) + x).svg
    assert faults(Drawing(svg)) == []
    places = re.findall(r'<g class="node" transform="(translate[^"]*)"', svg)
    assert any("meets" in f for f in faults(Drawing(svg.replace(places[-1], places[-2]))))
    assert any("meets" in f for f in faults(Drawing(svg.replace(">12<", f">{'12' * 20}<"))))
    assert any("leaves the paper" in f for f in faults(Drawing(svg.replace(">x<", f">{'long' * 99}<"))))
    lines = re.findall(r'class="wire" d="M([\d.]+) ([\d.]+)', svg)
    left, top = lines[0]
    through = svg.replace(f'd="M{left} {top}', f'd="M{left} {top}H{float(left) + 400}M{left} {top}', 1)
    assert any("runs through" in f for f in faults(Drawing(through)))


def test_text_is_never_wider_than_was_thought(measured):
    samples = [chr(i) for i in range(33, 127)] + list("×−σΣ∂∇√²ᵀ…→·ℓπ") + ["0.7311", "-0.1966", "Linear · ReLU ×3"]
    for said in samples:
        assert text_width(said, 10) >= 10 * measured(said) - 1e-9, said
        assert text_width(said, 10, bold=True) >= 10 * measured(said, True) - 1e-9, said
    assert text_width(shortened("w" * 400, 12, 150), 12) <= 150


def places(n, make):
    """How many things have a place in a picture with everything open, wires that pass columns included."""
    from glassgrad.views.asked import asked
    from glassgrad.views.picture.facts import Facts
    from glassgrad.views.picture.plans import Planner

    planner = Planner(Facts(*asked(make(n), (), None, "draw")))
    planner.place(planner.facts.root, lambda _: True)
    return sum(len(plan.line) for plan in planner.plans.values()), max(len(p.line) for p in planner.plans.values())


def chain(n):
    h, w = gg.tensor(0.3, "x"), gg.tensor(1.1, "w")
    for _ in range(n // 2):
        h = np.tanh(h * w)
    return h


def test_the_work_grows_with_the_number_of_gates_and_no_faster():
    (few, small), (many, large) = places(400, chain), places(4000, chain)
    assert many < 12 * few
    assert large <= max(4 * small, 400)


def test_a_graph_of_ten_thousand_gates_is_a_small_picture_with_every_gate_in_it(Drawing, faults):
    out = chain(10_000)
    drawing = Drawing(gg.draw(out).svg)
    assert len(drawing.of("face")) < 60
    assert faults(drawing) == []
    assert sum(int(t.split()[0].replace(",", "")) for t in drawing.texts if t.endswith(" gates")) == 10_000


def test_every_gate_is_in_the_picture_when_it_is_unfolded():
    out = chain(600)
    picture = gg.draw(out)
    assert picture.svg.count('class="gate ') == 0
    assert gg.draw(out, fold=False).svg.count('class="gate ') == 600
    assert picture.html.count('class="gate ') == 600
