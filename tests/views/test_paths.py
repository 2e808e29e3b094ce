"""Paths: their products sum to the gradient, their count is exact, the largest come first."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors, worked
from glassgrad.ops import OPS


class Ways:
    """A number of paths that acts like a number: whatever is computed from two is reached by the paths of both."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __add__(self, other):
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array asks each of its elements
        return Ways(self.n + (other.n if isinstance(other, Ways) else 0))

    def same(self):
        return self

    __sub__ = __mul__ = __radd__ = __rmul__ = __add__
    tanh = sin = exp = same


def matrix(rng, shape):
    return rng.normal(size=shape)


def ways_of(x):
    """An array of which only the first number is counted from."""
    found = np.array([Ways(0) for _ in range(x.size)], dtype=object)
    found[0] = Ways(1)
    return found.reshape(x.shape) if x.shape else found[0]


def program(rng, shape, gates):
    """A random function of one array, written in operations that numbers, tensors and `Ways` all know."""
    steps = []
    shapes = [shape]
    for _ in range(gates):
        i = int(rng.integers(max(0, len(shapes) - 4), len(shapes)))
        s = shapes[i]
        mates = [j for j, t in enumerate(shapes) if t == s or t == () or s == ()]
        j = int(rng.choice(mates))
        both = np.broadcast_shapes(s, shapes[j])
        kind = rng.choice(["tanh", "sin", "add", "subtract", "multiply", "matmul", "sum", "slice", "reshape", "join"])
        if kind in ("tanh", "sin"):
            unary = np.tanh if kind == "tanh" else np.sin
            steps.append((lambda p, i=i, f=unary: f(p[i]), s))
        elif kind == "matmul" and len(s) == 2:
            w = matrix(rng, (s[1], 2))
            steps.append((lambda p, i=i, w=w: p[i] @ w, (s[0], 2)))
        elif kind == "sum" and s:
            axis = int(rng.integers(len(s)))
            steps.append((lambda p, i=i, a=axis: np.sum(p[i], axis=a), tuple(n for k, n in enumerate(s) if k != axis)))
        elif kind == "slice" and s and s[0] > 1:
            steps.append((lambda p, i=i: p[i][::-1][:2], (2, *s[1:])))
        elif kind == "reshape" and len(s) == 2:
            steps.append((lambda p, i=i: np.transpose(p[i]), s[::-1]))
        elif kind == "join" and s and s[0] <= 3:
            steps.append((lambda p, i=i: np.concatenate([p[i], p[i]], axis=0), (2 * s[0], *s[1:])))
        elif kind == "multiply":
            steps.append((lambda p, i=i, j=j: p[i] * p[j], both))
        elif kind == "subtract":
            steps.append((lambda p, i=i, j=j: p[i] - p[j], both))
        else:
            steps.append((lambda p, i=i, j=j: p[i] + p[j], both))
        shapes.append(steps[-1][1])

    def f(x):
        pool = [x]
        for step, _ in steps:
            pool.append(step(pool))
        return np.sum(pool[-1]) + np.sum(pool[-2])

    return f


SHAPES = ((), (), (3,), (2, 3), (3, 2))


def test_products_of_200_random_graphs_sum_to_the_gradient_and_counts_are_those_of_brute_force():
    counts = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shape = SHAPES[seed % len(SHAPES)]
        f = program(rng, shape, int(rng.integers(2, 16)))
        x = gg.tensor(rng.normal(size=shape), "x")
        loss = f(x)
        found = gg.paths(loss, x, (0,) * len(shape), limit=20)
        loss.backward()
        engine = float(np.ravel(x.grad)[0])
        assert found.gradient == engine
        assert found.total == pytest.approx(engine, rel=1e-12, abs=1e-12)
        ways = f(ways_of(np.zeros(shape)))
        assert found.count == np.asarray(ways, object)[()].n
        assert len(found) == min(20, found.count)
        assert sum(p.product for p in found) + found.rest == pytest.approx(engine, rel=1e-12, abs=1e-12)
        sizes = [abs(p.product) for p in found]
        assert all(a >= b * (1 - 1e-12) for a, b in itertools.pairwise(sizes))
        for path in found:
            assert path.product == pytest.approx(math.prod(path.local))
        counts.append(found.count)
    assert sum(n > 20 for n in counts) > 20  # lists that are cut, and have a rest
    assert max(counts) > 100
    assert len(set(counts)) > 30


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.explain.pattern not in ("blocks", "draws")])
def test_every_gate_can_be_taken_apart(name, rng):
    for operands, params in itertools.islice(OPS[name].cases(rng), 3):
        xs = [gg.tensor(x) if np.asarray(x).dtype.kind == "f" else gg.constant(x) for x in operands]
        out = OPS[name](*xs, **params)
        outs = [o for o in (out if isinstance(out, tuple) else (out,)) if o.dtype.kind == "f"]
        loss = sum((np.sum(o * rng.normal(size=o.shape)) for o in outs), start=gg.constant(0.0))
        if not loss.active:
            continue
        loss.backward()
        for x in xs:
            if x.active and x.size and x.grad is not None:
                k = int(rng.integers(x.size))
                found = gg.paths(loss, x, np.unravel_index(k, x.shape) if x.shape else None, limit=1000)
                assert found.total == pytest.approx(float(np.ravel(x.grad)[k]), rel=1e-9, abs=1e-12)
                assert sum(p.product for p in found) + found.rest == pytest.approx(found.total, rel=1e-9, abs=1e-12)


def test_the_number_of_paths_may_be_astronomical():
    x = gg.tensor(1.001, "x")
    y = x
    for _ in range(200):
        y = 0.5 * (y + y)
    found = gg.paths(y, x, limit=3)
    assert found.count == found.open == 2**200
    assert len(found) == 3
    assert found.total == found.gradient == 1
    assert [p.product for p in found] == [0.5**200] * 3
    assert "∂multiply_200/∂x = 1, the sum over about 1.61e+60 paths" in found.text()
    assert found.further == 2**200 - 3


def test_a_digit_network_in_float32():
    X, y = gg.data.digits()
    net = gg.nn.Sequential(gg.nn.Linear(64, 16), gg.nn.ReLU(), gg.nn.Linear(16, 10)).initialise(0)
    loss = gg.distributions.Categorical().loss(net(X[:20]), y[:20]).named("J")
    W = net.parameters()[0]
    found = gg.paths(loss, W, (20, 3), limit=4)
    loss.backward()
    assert found.gradient == float(W.grad[20, 3])
    assert found.total == pytest.approx(found.gradient, rel=1e-4)
    # in each row the unit reaches the loss by the logit of the right class, and by all ten through Σ exp
    assert found.count == 20 * (1 + 10)
    assert found.parameter == "0.W[20,3]"
    rows = {path.wires[1].split("[")[1].split(",")[0] for path in found}
    assert all(X[int(row), 20] > 0 for row in rows)


def test_shut_paths_are_counted_and_come_last():
    x, w = gg.tensor([2.0, -3.0], "x"), gg.tensor(0.5, "w")
    found = gg.paths(np.sum(gg.relu(w * x)).named("J"), w)
    assert (found.count, found.open, found.gradient) == (2, 1, 2.0)
    assert [p.product for p in found] == [2.0, 0.0]
    assert found.head == "∂J/∂w = 2, the sum over 2 paths, 1 of them shut (a local derivative is 0)"
    assert found[1].local == (-3.0, 0.0, 1.0)
    assert found[1].steps[1].formula == "[multiply_1 > 0]"


def test_the_text_of_the_lecture():
    text = gg.paths(worked.example("inner-nodes").build(), "w1").text()
    assert "     36   w1 ─12→ c ─3→ p ─1→ g" in text.splitlines()
    assert "      3   w1 ─3→ t ─1→ g" in text.splitlines()


def test_text_fits_and_the_page_is_whole(Page):
    out = worked.example("two-layer").build()
    found = gg.paths(out, "W1", (0, 1), limit=1)
    for width in (44, 80, 100):
        assert max(map(len, found.text(width).splitlines())) <= width
    assert "… one further path: 0.8788" in found.text()
    page = Page(found._repr_html_())
    assert "∂ℓ/∂W1[0,1] = 3.169, the sum over 2 paths" in page.text
    titles = [str(attributes["title"]) for _, attributes in page.tags if "title" in attributes]
    assert len(titles) == len(found[0].steps)
    assert titles[1].startswith("add · 1 · chain.py:")


def test_an_inner_wire_and_the_loss_itself():
    x = gg.tensor([1.0, 2.0], "x")
    h = np.square(x).named("h")
    loss = np.sum(h * h).named("J")
    assert gg.paths(loss, h, 1).total == 8.0
    assert gg.paths(loss, loss).total == 1.0
    assert gg.paths(loss, "h", -1).parameter == "h[1]"


def test_no_path():
    x, y = gg.tensor(1.0, "x"), gg.tensor(2.0, "y")
    found = gg.paths((x * gg.stop_gradient(y)).named("J"), y)
    assert (found.count, found.gradient, len(found)) == (0, 0.0, 0)
    assert found.text().startswith("∂J/∂y = 0: there is no path from y to J")
    assert gg.paths(x * 2, y).count == 0


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda J, W: gg.paths(J, W), errors.OperandError, r"say which of its numbers, for instance index=\(0, 0\)"),
        (lambda J, W: gg.paths(J, W, (2, 0)), errors.OperandError, r"has no number at index \(2, 0\)"),
        (lambda J, W: gg.paths(J, W, 1), errors.OperandError, r"has no number at index \(1,\)"),
        (lambda J, W: gg.paths(J, W, "a"), errors.OperandError, "one whole number for each axis of W, not 'a'"),
        (lambda J, W: gg.paths(J, 3.0), errors.OperandError, "takes a tensor or the name of a wire, got float"),
        (lambda J, W: gg.paths(3.0, W), errors.OperandError, "takes the tensor of a loss, got float"),
        (lambda J, W: gg.paths(W, W), errors.GradientError, "starts from a single number, and W"),
        (lambda J, W: gg.paths(J, "V"), errors.UnknownNameError, "there is no wire 'V'"),
    ],
)
def test_mistakes(ask, error, words):
    W = gg.tensor(np.ones((2, 2)), "W")
    with pytest.raises(error, match=words):
        ask(np.sum(W * W), W)


def test_a_slope_that_is_not_finite_is_named():
    x = gg.tensor(0.0, "x")
    with pytest.raises(errors.GradientError, match=r"that of r = sqrt\(…\) by x is inf; gg.why says"):
        gg.paths(np.sqrt(x).named("r"), x)


def test_a_graph_too_large_to_take_apart_is_refused():
    x = gg.tensor(0.5, "x")
    loss = np.sum(np.linalg.inv(np.eye(80) + x * np.ones((80, 80))))
    with pytest.raises(errors.OperandError, match=r"inv connects 6,400 numbers with 6,400, .* from fewer rows"):
        gg.paths(loss, x)
