"""Large graphs: a million gates forward and backward, in linear time, without recursion, and freed afterwards."""

from __future__ import annotations

import gc
import inspect
import math
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

SMALL, LARGE = 100_000, 1_000_000
RATIO = 4.0
"""A bound on how much dearer a gate may be in the larger graph: linear time, on a noisy machine."""


@pytest.fixture(autouse=True)
def shallow() -> Iterator[None]:
    """With little room above pytest's own frames, whatever recurses over a graph fails."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 250)
    yield
    sys.setrecursionlimit(limit)


def chain(x: Any, n: int) -> Any:
    """``x + 1e-6 + 1e-6 …``: n gates one after the other; the slope is 1."""
    for _ in range(n):
        x = x + 1e-6
    return x


def ladder(x: Any, n: int) -> Any:
    """``a, b = (a + b) / 2, a``: every rung uses both wires of the one before, so paths multiply.

    Two gates a rung. A sweep that followed paths instead of wires would never end; the halves keep
    the slope at 1.
    """
    a = b = x
    for _ in range(n // 2):
        a, b = (a + b) * 0.5, a
    return a


def run(f: Callable[[Any, int], Any], n: int) -> tuple[float, Any, Any]:
    """Seconds of this process a gate, forward and backward; the end of the graph and its start."""
    x = gg.tensor(1.0, "x")
    start = time.process_time()
    out = f(x, n)
    out.backward()
    return (time.process_time() - start) / n, out, x


@pytest.mark.parametrize("f", [chain, ladder])
def test_a_million_gates_go_forward_and_backward_in_linear_time(f: Callable[[Any, int], Any]) -> None:
    small = min(run(f, SMALL)[0] for _ in range(2))
    large, out, x = run(f, LARGE)
    expected = 1.0 + 1e-6 * LARGE if f is chain else 1.0
    assert math.isclose(out.item(), expected, rel_tol=1e-9)
    assert math.isclose(x.grad, 1.0, rel_tol=1e-9)
    watched = weakref.ref(out), weakref.ref(out.operands[0]), weakref.ref(x)
    del out, x
    gc.collect()
    assert all(w() is None for w in watched)
    if large > RATIO * small:  # a noisy moment: look again, side by side
        small, large = run(f, SMALL)[0], run(f, LARGE)[0]
    assert large < RATIO * small


def test_a_graph_is_freed_without_the_garbage_collector() -> None:
    """Wires know their operands and not the other way round: nothing is a cycle."""
    gc.collect()
    gc.disable()
    try:
        x = gg.tensor(1.0)
        out = chain(x, 20_000)
        out.backward()
        gradient = gg.grad(lambda y: chain(np.sin(y), 1000))(x)
        gradient.backward()
        middle = out
        for _ in range(10_000):
            middle = middle.operands[0]
        watched = [weakref.ref(w) for w in (x, out, middle, gradient)]
        del x, out, middle, gradient
        assert [w() for w in watched] == [None] * 4
    finally:
        gc.enable()


def test_fibonacci_paths_add_up() -> None:
    """Gradients add at branches: the number of paths through n rungs is a Fibonacci number, exactly."""
    x = gg.tensor(1.0)
    a, b = x, x
    for _ in range(70):
        a, b = a + b, a
    a.backward()
    fibonacci = [1, 1]
    while len(fibonacci) < 72:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    assert x.grad == a.item() == fibonacci[71]


def test_a_wide_graph_adds_a_hundred_thousand_branches() -> None:
    x = gg.tensor(0.5)
    total = x * 0
    for i in range(50_000):
        total = total + x * (i % 3)
    total.backward()
    assert x.grad == sum(i % 3 for i in range(50_000))


def test_a_graph_of_a_hundred_thousand_gates_is_opened() -> None:
    n = 100_000
    x = gg.tensor(0.25, "x")
    out = chain(x, n)
    graph = gg.Graph([out])
    assert len(graph) == n
    assert graph.verify() is graph
    np.testing.assert_allclose(graph.run(1.0)[0], 1.1, rtol=1e-9)
    lines = graph.text().splitlines()
    assert len(lines) == n + 2
    assert lines[0] == "graph(x: float64):"
    assert lines[-1].strip().startswith("return")
    assert len(set(graph.names.values())) == len(graph.wires)
    assert len(graph.consumers()[x.serial]) == 1
    assert graph.wire(graph.name(out)) is out


def test_a_large_graph_is_folded_when_shown() -> None:
    x = gg.tensor(np.arange(4.0), "x")
    y = x
    for _ in range(1_000):
        y = gg.softmax(y)
    graph = gg.Graph([y])
    shown = str(graph)
    assert len(graph) > 5 * 1_000
    assert len(shown.splitlines()) == 1_000 + 2
    assert "softmax(" in shown.splitlines()[1]
    assert len(graph.text(fold=False).splitlines()) == len(graph) + 2


def test_folding_takes_linear_time() -> None:
    def seconds(n: int) -> float:
        x = gg.tensor(np.arange(4.0), "x")
        for _ in range(n):
            x = gg.softmax(x)
        graph = gg.Graph([x])
        start = time.process_time()
        graph.text(fold=True)
        return (time.process_time() - start) / n

    pairs = [(seconds(100), seconds(1_000)) for _ in range(3)]
    assert min(large for _, large in pairs) < RATIO * min(small for small, _ in pairs)


def test_the_gradient_of_a_gradient_of_a_deep_chain() -> None:
    """f = x·(1 + c)ⁿ squared: second derivative 2(1 + c)²ⁿ, through 10,000 gates and their rules."""
    n, c = 10_000, 1e-4

    def f(x: Any) -> Any:
        y = x
        for _ in range(n):
            y = y * (1 + c)
        return y * y

    first, second = gg.grad(f)(2.0), gg.grad(gg.grad(f))(2.0)
    np.testing.assert_allclose(first, 4 * (1 + c) ** (2 * n), rtol=1e-9)
    np.testing.assert_allclose(second, 2 * (1 + c) ** (2 * n), rtol=1e-9)


def test_forward_mode_and_tracing_of_a_deep_chain() -> None:
    out, tangent = gg.jvp(lambda x: chain(np.sin(x), 10_000), (0.5,), (2.0,))
    np.testing.assert_allclose([out, tangent], [math.sin(0.5) + 0.01, 2 * math.cos(0.5)], rtol=1e-9)
    graph = gg.trace(gg.grad(lambda x: chain(np.sin(x), 10_000)), 0.5, values=False)
    np.testing.assert_allclose(graph.verify().run(1.0)[0], math.cos(1.0))


def test_a_deep_chain_is_checked_by_sampling() -> None:
    report = gg.check_gradient(lambda x: chain(np.sin(x), 5_000), 0.5, max_gates=20)
    assert report
    assert report.skipped == 5_001 - 20


def test_deeply_nested_trees() -> None:
    tree: Any = np.array([2.0])
    for _ in range(50):
        tree = [tree]

    def loss(tree: Any) -> Any:
        while isinstance(tree, list):
            tree = tree[0]
        return np.sum(tree**3)

    found = gg.grad(loss)(tree)
    for _ in range(50):
        found = found[0]
    np.testing.assert_array_equal(found, [12.0])
