"""Numerical gradients against backpropagation: what they say, and what they cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.costs import Cost, cost
from glassgrad.differences import numerical_gradient
from glassgrad.graphs import Graph
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, tensor
from glassgrad.transforms import grad
from glassgrad.worked.chain import LAYERS
from glassgrad.worked.record import Example


def loss(W1: Any, x: Any, b: Any, W2: Any, y: Any) -> Any:
    """ℓ = ½‖W2 Φ(W1 x + b) - y‖² with Φ = tanh."""
    x4 = W2 @ np.tanh(W1 @ x + b) - y
    return 0.5 * np.sum(x4**2)


def counted(d: int) -> Cost:
    """The cost of ∂ℓ/∂W1 and ∂ℓ/∂W2 with d×d weights, each way."""
    square, one = np.ones((d, d)), np.ones(d)
    return cost(loss, square, one, one, square, one, argnums=(0, 3))


def timed(d: int) -> dict[str, float]:
    """Milliseconds for ∂ℓ/∂W1 and ∂ℓ/∂W2 with d×d weights, each way, measured."""
    rng = np.random.default_rng(d)
    square, one = (lambda: rng.normal(size=(d, d)) / np.sqrt(d)), (lambda: rng.normal(size=d))
    values = (square(), one(), one(), square(), one())
    ways: dict[str, Callable[[], Any]] = {
        "backpropagation": lambda: grad(loss, argnums=(0, 3))(*values),
        "one-sided": lambda: numerical_gradient(loss, *values, argnums=(0, 3), method="forward"),
        "central": lambda: numerical_gradient(loss, *values, argnums=(0, 3)),
    }
    return {name: _least(run, 3) * 1e3 for name, run in ways.items()}


def numerical(W1: Any, x: Any, b: Any, W2: Any, y: Any) -> Tensor:
    """Differences need no rules, only runs of ℓ: n + 1 of them one-sided, 2n central, for n numbers.

    They are approximate (the one-sided ones to about half the digits, the central ones to about two
    thirds), and slow: with d×d weights one run costs O(d²), so that all 2d² gradients cost O(d⁴).
    Backpropagation gives them all, exactly, in O(d²).
    """
    x4 = (W2 @ np.tanh(W1 @ x + b) - y).named("x4")
    return (0.5 * np.sum(np.square(x4))).named("ℓ")


def estimates() -> dict[str, Any]:
    """∂ℓ/∂W1 by backpropagation and by differences, one-sided and central."""
    values = [np.array(LAYERS[name]) for name in ("W1", "x", "b", "W2", "y")]
    return {
        "backpropagation": grad(loss)(*values),
        "one-sided": numerical_gradient(loss, *values, method="forward"),
        "central": numerical_gradient(loss, *values),
    }


def _comparison(out: Tensor, width: int) -> str:
    found = estimates()
    exact = found["backpropagation"]
    lines = [f"{'∂ℓ/∂W1':<18}" + "".join(f"{f'[{i}, {j}]':>13}" for i, j in np.ndindex(2, 2)), "─" * 70]
    for name, g in found.items():
        lines.append(f"{name:<18}" + "".join(f"{v:>13.9f}" for v in g.flat))
    for name in ("one-sided", "central"):
        lines.append(f"{f'error, {name}':<18}" + "".join(f"{v:>13.1e}" for v in np.abs(found[name] - exact).flat))
    lines += ["", "All of ∂ℓ/∂W1 and ∂ℓ/∂W2, floating-point operations counted and time measured:", ""]
    lines.append(f"{'':>12}{'backpropagation':>18}{'one-sided, n + 1 runs':>24}{'central, 2n runs':>25}")
    lines.append(
        f"{'d':>3}{'numbers':>9}{'flops':>9}{'ms':>9}{'runs':>7}{'flops':>9}{'ms':>8}{'runs':>7}{'flops':>10}{'ms':>8}"
    )
    lines.append("─" * 79)
    for d in (2, 4, 8, 16):
        c, t = counted(d), timed(d)
        lines.append(
            f"{d:>3}{c.numbers:>9,}{c.backward.flops:>9,}{t['backpropagation']:>9.2f}"
            f"{c.one_sided.passes:>7,}{c.one_sided.flops:>9,}{t['one-sided']:>8.2f}"
            f"{c.central.passes:>7,}{c.central.flops:>10,}{t['central']:>8.2f}"
        )
    big, small = counted(1024), counted(512)
    lines += [
        "",
        f"from d = 512 to d = 1024 backpropagation grows {big.backward.flops / small.backward.flops:.1f}-fold, O(d²),",
        f"and differences {big.central.flops / small.central.flops:.1f}-fold, O(d⁴)",
    ]
    return "\n".join(lines)


def g(x: Any, y: Any, w: Any) -> Tensor:
    """Only the function is written; the derivative by any of its arguments follows from the graph.

    The forward pass keeps every value on its wire, the backward pass uses them. It costs about one to
    two forward passes: what is one matrix product forward is two products backward.
    """
    a = np.tanh(x @ w).named("a")
    return np.mean(np.square(a - y)).named("g")


def _least(f: Callable[[], Any], runs: int = 15) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return min(times)


def ratio(n: int = 512) -> dict[str, float]:
    """Seconds of a forward pass of `g` at n×n, of forward and backward by w, and their ratio, measured."""
    rng = np.random.default_rng(0)
    x, y, w = (tensor(rng.normal(size=(n, n)) / np.sqrt(n)) for _ in range(3))
    forward = _least(lambda: g(x, y, w))
    out = g(x, y, w)
    backward = _least(lambda: sweep({out: np.float64(1)}, [w]))
    return {"forward": forward, "backward": backward, "ratio": (forward + backward) / forward}


def _measured(out: Tensor, width: int) -> str:
    lines = [f"{'size':>10}{'forward':>14}{'backward':>14}{'(forward + backward) / forward':>34}", "─" * 72]
    for n in (64, 256, 512):
        r = ratio(n)
        lines.append(
            f"{f'{n}×{n}':>10}{r['forward'] * 1e3:>11.2f} ms{r['backward'] * 1e3:>11.2f} ms{r['ratio']:>34.2f}"
        )
    gates = len(Graph([out]).gates)
    return "\n".join([f"measured here, now, the least of 15 runs, {gates} gates forward:", "", *lines])


_SQUARE = np.sin(np.arange(36.0)).reshape(6, 6)

EXAMPLES = (
    Example("numerical", "Numerical gradients, and what they cost", "S5", numerical, LAYERS, _comparison, table=False),
    Example(
        "gradient-time", "Backward costs about as much as forward", "S7", g,
        {"x": _SQUARE, "y": np.cos(_SQUARE), "w": _SQUARE.T / 3}, more=_measured,
    ),
)  # fmt: skip
