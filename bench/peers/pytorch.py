"""PyTorch: `nn.Sequential` and `torch.optim`, eager and through `torch.compile`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.peers import Makers, NoEqualError
from bench.workloads import LEAKY_SLOPE, PIECES, PRELU_START, Array, Function, Network, Prediction

EAGER, COMPILED = "PyTorch", "torch.compile"


class _Abs(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.abs()


class _Maxout(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.unflatten(-1, (-1, PIECES)).amax(-1)


_LAYERS: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity, "relu": nn.ReLU, "abs": _Abs, "leaky_relu": lambda: nn.LeakyReLU(LEAKY_SLOPE),
    "prelu": lambda: nn.PReLU(init=PRELU_START), "elu": nn.ELU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
    "softplus": nn.Softplus, "hard_tanh": nn.Hardtanh, "softmax": lambda: nn.Softmax(-1), "maxout": _Maxout,
}  # fmt: skip


def _network(w: Network) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, (W, b) in enumerate(w.start()):
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))
        linear.requires_grad_(i >= w.fixed)
        layers += [linear, *[_LAYERS[a]() for a in w.activations[i : i + 1]]]
    return nn.Sequential(*layers)


def _compile(f: Any) -> Any:
    """Compiled for its static shapes; what was compiled before is forgotten, lest a limit turns it off quietly."""
    if not hasattr(torch, "compile"):
        raise NoEqualError("this PyTorch has no torch.compile")
    torch.compiler.reset()
    return torch.compile(f, dynamic=False)


class Trained:
    """The usual loop."""

    def __init__(self, w: Network, compiled: bool) -> None:
        self.X, self.Y = (torch.from_numpy(a) for a in w.data)
        self.rows, self.t = torch.from_numpy(w.indices.astype(np.int64)), 0
        net = _network(w)
        learning = [p for p in net.parameters() if p.requires_grad]
        self.optimizer = (
            torch.optim.SGD(learning, lr=w.rate)
            if w.optimizer == "sgd"
            else torch.optim.Adam(learning, lr=w.rate, fused=True)
        )
        self.net, self.error = _compile(net) if compiled else net, nn.MSELoss()

    def __call__(self, n: int) -> float:
        """Take `n` steps."""
        loss: Any = None
        X, Y, net, error, optimizer = self.X, self.Y, self.net, self.error, self.optimizer
        for _ in range(n):
            rows = self.rows[self.t % len(self.rows)]
            self.t += 1
            optimizer.zero_grad()
            loss = error(net(X[rows]), Y[rows])
            loss.backward()
            optimizer.step()
        return loss.item()

    def outputs(self, X: Array) -> Array:
        """Forward without a graph."""
        with torch.inference_mode():
            return self.net(torch.from_numpy(X)).numpy()


def training(w: Network) -> Makers:
    """Eager and compiled."""
    return {EAGER: lambda: Trained(w, False), COMPILED: lambda: Trained(w, True)}


def prediction(p: Prediction) -> Makers:
    """Eager and compiled."""

    def make(compiled: bool) -> Callable[[], Array]:
        net, X = Trained(p.network, compiled), p.X
        return lambda: net.outputs(X)

    return {EAGER: lambda: make(False), COMPILED: lambda: make(True)}


def _mixture(shares: Any, means: Any, logs: Any, X: Any) -> Any:
    apart = logs.exp() * (X[:, None, :] - means)
    terms = shares + logs.sum(1) - 0.5 * apart.square().sum(2)
    return terms.logsumexp(1).mean() - shares.logsumexp(0)


def _recurrent(W: Any, U: Any, b: Any, X: Any) -> Any:
    h = torch.zeros(X.shape[1], U.shape[0])
    for fed in (X @ W + b).unbind(0):
        h = torch.tanh(torch.addmm(fed, h, U))
    return h.square().mean()


def _rosenbrock(x: Any) -> Any:
    a, b = x[:-1], x[1:]
    return (100 * (b - a * a).square() + (1 - a).square()).sum()


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "logsumexp": lambda x: x.logsumexp(0), "mixture": _mixture,
    "least-squares": lambda w, X, y: (X @ w - y).square().mean(), "recurrent": _recurrent, "rosenbrock": _rosenbrock,
}  # fmt: skip


def gradient(f: Function) -> Makers:
    """Eager and compiled."""

    def make(compiled: bool) -> tuple[Callable[[], Any], Callable[[], Any]]:
        function = _compile(_FUNCTIONS[f.name]) if compiled else _FUNCTIONS[f.name]
        arguments = [torch.from_numpy(a) for a in f.arguments]
        leaves = [a.clone().requires_grad_() for a in arguments[: f.inputs]]
        rest = arguments[f.inputs :]

        def value() -> Any:
            with torch.no_grad():
                return function(*arguments)

        def both() -> Any:
            out = function(*leaves, *rest)
            return out.detach(), torch.autograd.grad(out, leaves)

        return value, both

    return {EAGER: lambda: make(False), COMPILED: lambda: make(True)}
