"""One eager training step of the network xor: glassgrad, PyTorch and NumPy by hand, interleaved in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import glassgrad as gg

RATE, BLOCKS, STEPS = 1e-3, 60, 200

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 2)).astype(np.float32)
Y = rng.normal(size=(4, 1)).astype(np.float32)
FIRST = [
    (rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32) if len(shape) == 2 else np.zeros(shape, np.float32)
    for shape in ((2, 8), (8,), (8, 1), (1,))
]


def glassgrad_step() -> Callable[[], Any]:
    """Record, go backward, update."""
    parameters = [gg.Parameter(p, name) for p, name in zip(FIRST, ("W1", "b1", "W2", "b2"), strict=True)]
    W1, b1, W2, b2 = parameters
    x, y = gg.constant(X, "x"), gg.constant(Y, "y")

    def step() -> Any:
        loss = ((np.tanh(x @ W1 + b1) @ W2 + b2 - y) ** 2).mean()
        loss.backward()
        for p in parameters:
            p.value = p.value - RATE * p.grad
        return loss

    return step


def torch_step() -> Callable[[], Any]:
    """The same with PyTorch's layers, loss and optimiser."""
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    with torch.no_grad():
        for p, value in zip(net.parameters(), (FIRST[0].T, FIRST[1], FIRST[2].T, FIRST[3]), strict=True):
            p.copy_(torch.tensor(np.ascontiguousarray(value)))
    optimizer, mse = torch.optim.SGD(net.parameters(), RATE), torch.nn.MSELoss()
    x, y = torch.tensor(X), torch.tensor(Y)

    def step() -> Any:
        optimizer.zero_grad()
        loss = mse(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def numpy_step() -> Callable[[], Any]:
    """The gradient written by hand."""
    W1, b1, W2, b2 = (p.copy() for p in FIRST)

    def step() -> Any:
        nonlocal W1, b1, W2, b2
        h = np.tanh(X @ W1 + b1)
        d = h @ W2 + b2 - Y
        loss = np.mean(d**2)
        g = 2 * d / len(X)
        gh = g @ W2.T * (1 - h * h)
        W2, b2 = W2 - RATE * (h.T @ g), b2 - RATE * g.sum(0)
        W1, b1 = W1 - RATE * (X.T @ gh), b1 - RATE * gh.sum(0)
        return loss

    return step


def main() -> None:
    """Compare losses, then times."""
    makers = {"glassgrad": glassgrad_step, "PyTorch": torch_step, "NumPy by hand": numpy_step}
    runs = {name: maker() for name, maker in makers.items()}
    for _ in range(100):
        losses = {name: float(getattr(loss := run(), "value", loss)) for name, run in runs.items()}
        for name, loss in losses.items():
            np.testing.assert_allclose(loss, losses["NumPy by hand"], rtol=1e-4, err_msg=name)
    steps = {name: maker() for name, maker in makers.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(BLOCKS):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(STEPS):
                step()
            times[name].append((time.perf_counter() - start) / STEPS * 1e6)
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(f"{'':<16}{'µs a step':>10}{'spread':>16}{'÷ PyTorch':>12}")
    for name, found in times.items():
        low, high = np.quantile(found, (0.25, 0.75))
        print(
            f"{name:<16}{medians[name]:>10.1f}{f'{low:.1f}-{high:.1f}':>16}{medians[name] / medians['PyTorch']:>12.2f}"
        )


if __name__ == "__main__":
    main()
