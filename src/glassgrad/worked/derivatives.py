"""The table of derivatives, each rule differentiated by backpropagation and by its closed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.tensors import Tensor
from glassgrad.transforms import grad
from glassgrad.views.formulas import RULES, A, N, plain
from glassgrad.worked.record import Example


def u_to_the_v(x: Any) -> Tensor:
    """Each rule of the table is a gate or a few, and the chain rule puts them together.

    The function below shows one of them, uᵛ: both the base and the exponent depend on x, and the two
    ways add. No formula is manipulated: a rule is one local gradient, and the sweep does the rest.
    """
    u = (x**2 + 0.5).named("u")
    v = (x**3 + 1).named("v")
    return (u**v).named("f")


def table(x: float = 0.7) -> list[tuple[str, str, float, float]]:
    """For every rule: formula, derivative, our gradient and the closed form at x."""
    return [(plain(r.formula), plain(r.derivative), float(grad(r.f)(np.float64(x))), float(r.closed(x))) for r in RULES]


def _rules(out: Tensor, width: int) -> str:
    x = float(next(w for w in Graph([out]).inputs).value)
    lines = [f"u = x² + ½, v = x³ + 1, w = √x, f = tanh, a = {A}, n = {N}, x = {x}; u′ is du/dx", ""]
    lines.append(f"{'rule':<11} {'d/dx':<29}{'backpropagation':>19}{'closed form':>19}")
    lines.append("─" * 79)
    for formula, derivative, ours, closed in table(x):
        lines.append(f"{formula:<11} {derivative:<29}{ours:>19.14f}{closed:>19.14f}")
    return "\n".join(lines)


EXAMPLES = (Example("derivatives", "The table of derivatives", "S6", u_to_the_v, {"x": 0.7}, more=_rules),)
