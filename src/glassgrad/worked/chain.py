"""The chain rule of several variables, arrays on the wires, and the derivation of a two-layer network."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.ops.arithmetic import relu
from glassgrad.tensors import Tensor
from glassgrad.views.numbers import array, number, shape
from glassgrad.views.text import explain
from glassgrad.worked.record import Example


def several(w: Any) -> Tensor:
    """One variable reaches f through three functions of it; each way gives a product, and the products add.

    d/dw f(g1(w), …, gn(w)) = Σᵢ ∂f/∂xᵢ · gᵢ′(w), with xᵢ = gᵢ(w).
    """
    x1 = np.square(w).named("x1")
    x2 = np.sin(w).named("x2")
    x3 = np.exp(w).named("x3")
    p = (x1 * x2).named("p")
    return (p + x3).named("f")


def _paths(out: Tensor, width: int) -> str:
    table = explain(out)
    ways = [f"{number(table[n].gradient)} · {number(table[n].handed[0].local)}" for n in ("x1", "x2", "x3")]
    return "\n".join(
        [
            "     ┌─ g1 ─ x1 ─┐",
            "  w ─┼─ g2 ─ x2 ─┼─ f      df/dw = Σᵢ ∂f/∂xᵢ · gᵢ′(w)",
            "     └─ g3 ─ x3 ─┘",
            "",
            f"  df/dw = {' + '.join(ways)} = {number(table['w'].gradient)}",
        ]
    )


def units(W: Any, x: Any, b: Any, y: Any) -> Tensor:
    """From the sources W, x, b and y to the sink f, with φ = tanh.

    Row i of W is the weight vector of unit i. The sum spreads one number, the gradient of s, over
    all the units alike; what differs from unit to unit is φ′.
    """
    dot = (W @ x).named("dot")
    a = (dot + b).named("a")
    z = np.tanh(a).named("z")
    s = np.sum(z).named("s")
    r = (y - s).named("r")
    return np.square(r).named("f")


def _sink(out: Tensor, width: int) -> str:
    return "\n".join(
        [
            "  W ─┐",
            "     @ ─ dot ─┐",
            "  x ─┘        + ─ a ─ φ ─ z ─ Σ ─ s ─┐",
            "  b ──────────┘                      - ─ r ─ square ─ f",
            "  y ─────────────────────────────────┘",
        ]
    )


def two_layer(W1: Any, x: Any, b: Any, W2: Any, y: Any) -> Tensor:
    """One name for each step, as one derives it by hand, with Φ = tanh.

    Going backward, each gradient has the shape of its variable. That alone decides where a transpose
    goes and on which side: ∂ℓ/∂W2 must be d×d, and the only product of ∂ℓ/∂x3 and x2 that is d×d is
    the outer one.
    """
    x1 = (W1 @ x + b).named("x1")
    x2 = np.tanh(x1).named("x2")
    x3 = (W2 @ x2).named("x3")
    x4 = (x3 - y).named("x4")
    return (0.5 * np.sum(np.square(x4))).named("ℓ")


def _derivation(out: Tensor, width: int) -> str:
    """The derivation by hand, every dimension beside its term, and its numbers beside backpropagation's."""
    table = explain(out)
    v = {name: table[name].value for name in ("W1", "x", "b", "W2", "y", "x1", "x2", "x3", "x4")}
    d4 = v["x4"]
    d2 = v["W2"].T @ d4
    d1 = (1 - np.tanh(v["x1"]) ** 2) * d2
    d, one = shape(v["x"].shape), "1"
    steps = (
        ("x4", "x4", d, d4),
        ("x3", "∂ℓ/∂x4", d, d4),
        ("W2", "∂ℓ/∂x3 · x2ᵀ", f"({d}×{one})({one}×{d})", np.outer(d4, v["x2"])),
        ("x2", "W2ᵀ · ∂ℓ/∂x3", f"({d}×{d})({d}×{one})", d2),
        ("x1", "Φ′(x1) ⊙ ∂ℓ/∂x2", f"({d}×{one})({d}×{one})", d1),
        ("b", "∂ℓ/∂x1", f"{d}×{one}", d1),
        ("W1", "∂ℓ/∂x1 · xᵀ", f"({d}×{one})({one}×{d})", np.outer(d1, v["x"])),
        ("x", "W1ᵀ · ∂ℓ/∂x1", f"({d}×{d})({d}×{one})", v["W1"].T @ d1),
    )
    agreed = 0
    lines = ["The same by hand, dimensions tracked (d = 2):", ""]
    lines.append(f"  {'gradient':<9}{'formula':<18}{'dimensions':<12}{'shape':<6}numbers")
    lines.append("  " + "─" * (width - 2))
    for name, formula, dimensions, value in steps:
        dimensions = dimensions if "(" in dimensions else f"{d}×{one}"
        size = shape(value.shape if value.ndim > 1 else (*value.shape, 1))
        text = f"  {f'∂ℓ/∂{name}':<9}{formula:<18}{dimensions:<12}{size:<6}"
        written = array(value)
        lines += [text + written] if len(text + written) <= width else [text.rstrip(), f"{'':<29}{written}"]
        agreed += np.allclose(value, table[name].gradient, rtol=1e-12, atol=0)
    return "\n".join([*lines, "", f"{agreed} of {len(steps)} equal the gradient in the table above."])


def elementwise(x: Any) -> Tensor:
    """A relu takes 4096 numbers to 4096 numbers, so its Jacobian has 4096×4096 = 16,777,216 entries.

    All but the diagonal are 0, so nobody builds it: the gradient is the upstream gradient times the
    diagonal, 1 where the input was positive and 0 elsewhere.
    """
    h = relu(x).named("h")
    s = np.square(h).named("s")
    return np.sum(s).named("f")


def _never_built(out: Tensor, width: int) -> str:
    table = explain(out)
    x, diagonal = table["x"], np.asarray(table["h"].handed[0].local)
    return "\n".join(
        [
            f"the Jacobian would take {diagonal.size**2 * 8 / 2**20:.0f} MiB, its diagonal takes "
            f"{diagonal.nbytes / 2**10:.0f} KiB;",
            f"{np.count_nonzero(diagonal)} entries of the diagonal are 1, and as many numbers of ∂f/∂x are not 0:",
            f"{np.count_nonzero(x.gradient)} of {diagonal.size}.",
        ]
    )


LAYERS = {
    "W1": [[0.5, -0.2], [0.1, 0.4]], "x": [1.0, 2.0], "b": [0.1, -0.1],
    "W2": [[0.3, 0.7], [-0.6, 0.2]], "y": [-1.0, 2.0],
}  # fmt: skip

EXAMPLES = (
    Example("chain-rule", "The chain rule of several variables", "S4", several, {"w": 0.5}, more=_paths),
    Example(
        "units", "f(W, x, y) = (y - Σ φ(wᵢᵀ x + bᵢ))²", "S4", units,
        {"W": [[0.1, 0.2, -0.3], [0.4, -0.5, 0.6]], "x": [1.0, 2.0, 3.0], "b": [0.1, -0.2], "y": 1.0}, more=_sink,
    ),
    Example("two-layer", "ℓ = ½‖W2 Φ(W1 x + b) - y‖², every dimension tracked", "S4", two_layer, LAYERS, _derivation),
    Example(
        "elementwise", "A gate on 4096 numbers, and a Jacobian nobody builds", "S4", elementwise,
        {"x": np.sin(np.arange(1.0, 4097.0))}, more=_never_built,
    ),
)  # fmt: skip
