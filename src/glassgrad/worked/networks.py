"""Networks: one neuron, a layer, three layers; XOR by hand; the δ recursion of a tanh network."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.ops.arithmetic import relu
from glassgrad.ops.elementwise import sigmoid
from glassgrad.tensors import Tensor, tensor
from glassgrad.views.numbers import array, number
from glassgrad.views.text import explain
from glassgrad.worked.record import Example


def xor(X: Any, W: Any, c: Any, w: Any, b: Any, y: Any) -> Tensor:
    """Two ReLU units make XOR linear: they fold the square so that (0,1) and (1,0) fall on one point.

    The solution is made by hand and fits exactly, so the loss is 0 and so is every gradient:
    nothing is left to learn.
    """
    h = relu(X @ W + c).named("h")
    out = (h @ w + b).named("out")
    return np.mean(np.square(out - y)).named("J")


def xor_linear(X: Any, w: Any, b: Any, y: Any) -> Tensor:
    """The best a linear model can do: w = 0 and b = ½, which answers ½ to everything.

    The gradients at that point are 0, so no step leads away from it, and the loss is convex, so no
    other point is better: it stays at ¼.
    """
    out = (X @ w + b).named("out")
    return np.mean(np.square(out - y)).named("J")


def _columns(title: str, columns: dict[str, Any]) -> str:
    """Matrices side by side, row by row."""
    texts = {n: [array(row) for row in np.asarray(m)] for n, m in columns.items()}
    widths = {n: max(len(n), *map(len, t)) for n, t in texts.items()}
    head = "   ".join(f"{n:<{widths[n]}}" for n in texts)
    body = ["   ".join(f"{t[i]:<{widths[n]}}" for n, t in texts.items()) for i in range(4)]
    return "\n".join([title, "", f"  {head}", f"  {'─' * len(head)}", *(f"  {line}".rstrip() for line in body)])


def _xor_rows(out: Tensor, width: int) -> str:
    table = explain(out)
    v = {name: table[name].value for name in ("X", "W", "c", "h", "out", "y")}
    shown = {
        "X": v["X"], "XW": v["X"] @ v["W"], "XW + c": v["X"] @ v["W"] + v["c"], "h = max(0, XW + c)": v["h"],
        "h w + b": v["out"], "y": v["y"],
    }  # fmt: skip
    return _columns("One row for each of the four inputs:", shown)


def _linear_rows(out: Tensor, width: int) -> str:
    table = explain(out)
    X, y = table["X"].value, table["y"].value
    best = np.linalg.lstsq(np.column_stack([X, np.ones(4)]), y, rcond=None)[0]
    shown = {"X": X, "X w + b": table["out"].value, "y": y}
    solved = f"the normal equations give w = {array(best[:2].round(12) + 0.0)}, b = {number(best[2].round(12))}"
    return f"{_columns('One row for each of the four inputs:', shown)}\n\n{solved}"


def delta(x: Any, W1: Any, w2: Any, b2: Any, y: Any) -> Tensor:
    """The δ of a unit is the gradient on the wire that goes into its activation: ∂L/∂a.

    Output unit: δ = ŷ - y. Hidden unit: δⱼ = (1 - zⱼ²) wⱼ δ, since tanh′(a) = 1 - tanh²(a). The weights
    then get δⱼ xᵢ and δ zⱼ. The first number of x is 1, so that the first row of W1 are the biases.
    """
    a = (x @ W1).named("a")
    z = np.tanh(a).named("z")
    yhat = (z @ w2 + b2).named("ŷ")
    return (0.5 * np.square(y - yhat)).named("L")


def delta_many(x: Any, W1: Any, W2: Any, b2: Any, y: Any) -> Tensor:
    """With several outputs each has its own δ_k = ŷ_k - y_k, and a hidden unit adds up what they send back.

    δⱼ = (1 - zⱼ²) Σ_k w_jk δ_k: the sum over k is the matrix product's rule, W2 times the δ of the outputs.
    """
    a = (x @ W1).named("a")
    z = np.tanh(a).named("z")
    yhat = (z @ W2 + b2).named("ŷ")
    return (0.5 * np.sum(np.square(y - yhat))).named("L")


def recursion(x: Any, W1: Any, W2: Any, b2: Any, y: Any) -> dict[str, Any]:
    """The δ recursion in plain NumPy, for one output or several."""
    z = np.tanh(x @ W1)
    out = z @ W2 + b2 - y
    hidden = (1 - z**2) * (W2 @ out if np.ndim(out) else W2 * out)
    return {"out": out, "hidden": hidden, "W1": np.outer(x, hidden), "W2": np.multiply.outer(z, out)}


def _recursion(out: Tensor, width: int) -> str:
    table = explain(out)
    second = "w2" if "w2" in table.table.by_name else "W2"
    by_hand = recursion(*(table[n].value for n in ("x", "W1", second, "b2", "y")))
    pairs = (
        ("output units: δ = ŷ - y", by_hand["out"], "ŷ"),
        ("hidden units: δⱼ = (1 - zⱼ²) Σ_k w_jk δ_k", by_hand["hidden"], "a"),
        ("first weights: ∂L/∂w_ij = δⱼ xᵢ", by_hand["W1"], "W1"),
        ("second weights: ∂L/∂w_jk = δ_k zⱼ", by_hand["W2"], second),
    )
    lines = ["The δ recursion by hand, and the gradient that backpropagation leaves on a wire:", ""]
    for formula, value, wire in pairs:
        lines += [f"  {formula}", f"    {'by hand':<10}{array(value)}"]
        lines.append(f"    {f'on {wire}':<10}{array(table[wire].gradient)}")
    return "\n".join(lines)


def one_neuron(inputs: Any, weights: Any, bias: Any) -> Tensor:
    """A neuron sums its weighted inputs and its bias, and fires at the rate σ of that sum."""
    cell_body_sum = (np.sum(inputs * weights) + bias).named("sum")
    return sigmoid(cell_body_sum).named("firing_rate")


def layer(x: Any, W: Any, b: Any) -> Tensor:
    """A whole layer at once: each row of W is one neuron's weights, and one matrix product sums for all."""
    a = (W @ x + b).named("a")
    return sigmoid(a).named("h")


def _neurons(out: Tensor, width: int) -> str:
    values = {w.name: w.value for w in Graph([out]).inputs}
    lines = ["Neuron by neuron, each as a function of its own row of W:", ""]
    for i, (row, bias) in enumerate(zip(values["W"], values["b"], strict=True)):
        rate = one_neuron(tensor(values["x"], "inputs"), tensor(row, "weights"), tensor(bias, "bias"))
        lines.append(f"  neuron {i}: σ({number(np.sum(values['x'] * row) + bias)}) = {number(rate.value)}")
    return "\n".join([*lines, "", f"  the layer: {array(out.value)}"])


def three_layers(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Tensor:
    """Three inputs, two hidden layers of four sigmoid units, one output: the forward pass is three lines.

    Follow the shapes: W1 is 4×3, W2 is 4×4, W3 is 1×4.
    """
    h1 = sigmoid(W1 @ x + b1).named("h1")
    h2 = sigmoid(W2 @ h1 + b2).named("h2")
    return (W3 @ h2 + b3).named("out")


def _drawn() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shapes = {"x": (3, 1), "W1": (4, 3), "b1": (4, 1), "W2": (4, 4), "b2": (4, 1), "W3": (1, 4), "b3": (1, 1)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


_X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
_Y = [0.0, 1.0, 1.0, 0.0]
_W1 = [[0.1, -0.2], [0.4, 0.3], [-0.5, 0.6]]

EXAMPLES = (
    Example(
        "xor", "XOR with two ReLU units, made by hand", "S12", xor,
        {"X": _X, "W": [[1.0, 1.0], [1.0, 1.0]], "c": [0.0, -1.0], "w": [1.0, -2.0], "b": 0.0, "y": _Y}, more=_xor_rows,
    ),
    Example(
        "xor-linear", "XOR with a linear model", "S12", xor_linear,
        {"X": _X, "w": [0.0, 0.0], "b": 0.5, "y": _Y}, more=_linear_rows,
    ),
    Example(
        "delta", "The δ recursion of a tanh network, one output", "S20", delta,
        {"x": [1.0, 0.5, -1.5], "W1": _W1, "w2": [0.7, -0.4], "b2": 0.2, "y": -1.0}, more=_recursion,
    ),
    Example(
        "delta-many", "The δ recursion of a tanh network, several outputs", "S20", delta_many,
        {
            "x": [1.0, 0.5, -1.5], "W1": _W1, "W2": [[0.7, 0.3], [-0.4, 0.8]], "b2": [0.2, -0.1],
            "y": [-1.0, 1.0],
        }, more=_recursion,
    ),
    Example(
        "neuron", "One neuron's firing rate", "S23", one_neuron,
        {"inputs": [1.0, -2.0, 0.5], "weights": [0.8, 0.3, -1.0], "bias": 0.4},
    ),
    Example(
        "layer", "A whole layer of neurons at once", "S23", layer,
        {"x": [1.0, -2.0], "W": [[0.8, 0.3], [-0.5, 0.2], [0.1, -0.9]], "b": [0.4, 0.0, -0.3]}, more=_neurons,
    ),
    Example("three-layers", "The forward pass of a 3-4-4-1 network", "S23", three_layers, _drawn()),
)  # fmt: skip
