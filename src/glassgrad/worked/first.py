"""First graphs: one gate after another, the patterns of the backward flow, gradients that add at branches."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.tensors import Tensor
from glassgrad.views.numbers import number
from glassgrad.views.text import explain
from glassgrad.wire import group
from glassgrad.worked.record import Example


def add_mul(x: Any, y: Any, z: Any) -> Tensor:
    """Values run down the table from the inputs, gradients run up it from f, whose own gradient is 1.

    Each gate multiplies the gradient that reaches it (upstream) by its local gradient and hands the
    product to its operand. The add gate hands the same number to both operands; the mul gate hands
    each operand the other's value.
    """
    q = (x + y).named("q")
    return (q * z).named("f")


def neuron(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Tensor:
    """Read the gradients of the last five wires upwards: 1, -0.53, -0.53, -0.20, 0.20.

    Each of the four small gates 1/x, +1, exp and ×(-1) only needs its own local gradient. Together
    they are σ, and the 0.20 that leaves them is σ(1 - σ) = 0.73 · 0.27.
    """
    a = (w0 * x0).named("a")
    b = (w1 * x1).named("b")
    c = (a + b).named("c")
    dot = (c + w2).named("dot")
    with group("sigmoid"):
        neg = (-1 * dot).named("neg")
        ex = np.exp(neg).named("ex")
        den = (ex + 1).named("den")
        return np.reciprocal(den).named("out")


def neuron_folded(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Tensor:
    """The same neuron with its last four gates folded into one, σ, with local gradient σ(1 - σ).

    Any gates may be drawn as one: what a group hands down is its own local gradient times upstream,
    and every number outside the group stays what it was.
    """
    return neuron(w0, x0, w1, x1, w2)


def squared_norm(W: Any, x: Any) -> Tensor:
    """A gradient always has the shape of its variable: ∂f/∂W is 2×2 because W is.

    ∂f/∂q = 2q, and ∂f/∂W_ij = 2 q_i x_j: the outer product of ∂f/∂q with x, which is how the rule
    ∇q xᵀ writes it.
    """
    q = (W @ x).named("q")
    s = np.square(q).named("s")
    return np.sum(s).named("f")


def polynomial(w1: Any, w2: Any) -> Tensor:
    """w1 goes two ways, through the cube and through 3w1, and its gradient is the sum of what comes back.

    The cube's path contributes 3w1² · w2 = 36, the product's 3: a tiny step in w1 moves g by 39 times
    that step.
    """
    c = (w1**3).named("c")
    p = (c * w2).named("p")
    t = (3 * w1).named("t")
    return (p + t).named("g")


def square_and_copy(x: Any) -> Tensor:
    """Two ways lead from x to ℓ: through a = x², which gives 2a · 2x = 4x³, and through b = x, which gives 2x.

    At x the two add: ℓ′(x) = 4x³ + 2x.
    """
    a = np.square(x).named("a")
    b = (+x).named("b")
    left = np.square(a).named("left")
    right = np.square(b).named("right")
    return (left + right).named("ℓ")


def patterns(x: Any, y: Any, z: Any, w: Any) -> Tensor:
    """Four patterns in the backward flow, each by name in the table.

    An add gate distributes: both operands get the upstream gradient. A max gate routes: the larger
    gets all of it, the other nothing. A mul gate switches: each operand gets upstream times the
    other. A wire that is used twice (x here) adds what its two branches hand back.
    """
    p = (x * y).named("p")
    m = np.maximum(z, w).named("m")
    s = (p + m).named("s")
    return (s * x).named("f")


def inner_nodes(w1: Any, w2: Any) -> Tensor:
    """Take hold of one wire, move it a little, let everything after it be computed again and leave the
    rest as it is: the result moves by the wire's gradient times that little. That is what a partial
    derivative at an inner node means, and the last table does so with every wire.
    """
    return polynomial(w1, w2)


def _nudges(out: Tensor, width: int) -> str:
    """Move every wire by a little and compute what comes after it again."""
    h = 1e-4
    graph = Graph([out])
    table = explain(out)
    lines = [f"{'move by 0.0001':<16}{'value':>8}{'result':>14}{'moved by / 0.0001':>20}{'gradient':>12}", "─" * 70]
    for wire in graph.wires:
        if wire.active and wire is not out:
            moved = Graph([out], [wire]).run(wire.value + h)[0]
            lines.append(
                f"{graph.name(wire):<16}{number(wire.value):>8}{moved:>14.6f}{(moved - out.value) / h:>20.3f}"
                f"{number(table[graph.name(wire)].gradient):>12}"
            )
    return "\n".join(lines)


def _slope(out: Tensor, width: int) -> str:
    x = next(w for w in Graph([out]).inputs).value
    return f"by hand: 4x³ + 2x = {number(4 * x**3)} + {number(2 * x)} = {number(4 * x**3 + 2 * x)}"


_NEURON = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}

EXAMPLES = (
    Example("add-mul", "f(x, y, z) = (x + y) z", "S1", add_mul, {"x": -2.0, "y": 5.0, "z": -4.0}),
    Example("sigmoid-neuron", "A neuron, σ(w0 x0 + w1 x1 + w2), gate by gate", "S2", neuron, _NEURON),
    Example(
        "sigmoid-neuron-folded", "The same neuron with σ as one gate", "S2", neuron_folded, _NEURON, fold="sigmoid",
        source=neuron,
    ),
    Example(
        "squared-norm", "f(W, x) = ‖W x‖²", "S2", squared_norm, {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}
    ),
    Example("polynomial", "g(w1, w2) = w1³ w2 + 3 w1", "S2", polynomial, {"w1": 2.0, "w2": 3.0}),
    Example("square-and-copy", "ℓ(x) = h(x², x), h(a, b) = a² + b²", "S2", square_and_copy, {"x": 1.5}, more=_slope),
    Example(
        "patterns", "Patterns in the backward flow", "S3", patterns, {"x": 3.0, "y": -4.0, "z": 2.0, "w": -1.0}
    ),
    Example(
        "inner-nodes", "The gradient at an inner node", "S4", inner_nodes, {"w1": 2.0, "w2": 3.0}, more=_nudges,
        source=polynomial,
    ),
)  # fmt: skip
