"""NumPy with every gradient written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers import Makers
from bench.workloads import LEAKY_SLOPE, PIECES, PRELU_START, Array, Function, Network, Prediction

LABEL = "NumPy by hand"


class _Affine:
    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b
        self.parameters = [W, b]

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W + self.b

    def backward(self, g: Array, last: bool) -> tuple[Array | None, list[Array]]:
        return None if last else g @ self.W.T, [self.x.T @ g, g.sum(0)]


def _sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _pieces(z: Array) -> Array:
    return z.reshape(len(z), -1, PIECES)


def _maxout_backward(g: Array, z: Array, a: Array) -> Array:
    mask = _pieces(z) == a[:, :, None]
    return (mask * (g / mask.sum(2))[:, :, None]).reshape(z.shape)


_ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array, Array], Array]]] = {
    "identity": (lambda z: z, lambda g, z, a: g),
    "relu": (lambda z: np.maximum(z, 0), lambda g, z, a: g * (z > 0)),
    "abs": (np.abs, lambda g, z, a: g * np.sign(z)),
    "leaky_relu": (lambda z: np.maximum(z, LEAKY_SLOPE * z), lambda g, z, a: np.where(z > 0, g, LEAKY_SLOPE * g)),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda g, z, a: np.where(z > 0, g, g * (a + 1)),
    ),
    "sigmoid": (_sigmoid, lambda g, z, a: g * a * (1 - a)),
    "tanh": (np.tanh, lambda g, z, a: g * (1 - a * a)),
    "softplus": (lambda z: np.logaddexp(z, 0), lambda g, z, a: g * _sigmoid(z)),
    "hard_tanh": (lambda z: np.clip(z, -1, 1), lambda g, z, a: g * (np.abs(z) <= 1)),
    "softmax": (_softmax, lambda g, z, a: a * (g - (g * a).sum(1, keepdims=True))),
    "maxout": (lambda z: _pieces(z).max(2), _maxout_backward),
}


class _Activation:
    parameters: list[Array] = []

    def __init__(self, name: str) -> None:
        self.f, self.rule = _ACTIVATIONS[name]

    def forward(self, z: Array) -> Array:
        self.z = z
        self.a = self.f(z)
        return self.a

    def backward(self, g: Array, last: bool) -> tuple[Array, list[Array]]:
        return self.rule(g, self.z, self.a), []


class _PReLU:
    def __init__(self) -> None:
        self.slope = np.array(PRELU_START, np.float32)
        self.parameters = [self.slope]

    def forward(self, z: Array) -> Array:
        self.z = z
        return np.where(z > 0, z, self.slope * z)

    def backward(self, g: Array, last: bool) -> tuple[Array, list[Array]]:
        positive = self.z > 0
        return np.where(positive, g, self.slope * g), [(g * np.where(positive, 0, self.z)).sum()]


class _Adam:
    def __init__(self, p: Array, rate: float) -> None:
        self.p, self.rate, self.m, self.v, self.t = p, rate, np.zeros_like(p), np.zeros_like(p), 0

    def __call__(self, g: Array) -> None:
        self.t += 1
        self.m *= 0.9
        self.m += 0.1 * g
        self.v *= 0.999
        self.v += 0.001 * (g * g)
        root = np.sqrt(self.v) / (1 - 0.999**self.t) ** 0.5
        np.subtract(self.p, self.rate / (1 - 0.9**self.t) * self.m / (root + 1e-8), out=self.p)


class Trained:
    """Layers with their rules, updated in place."""

    def __init__(self, w: Network) -> None:
        self.X, self.Y = w.data
        self.rows, self.rate, self.t = w.indices, w.rate, 0
        self.layers: list[Any] = []
        for i, (W, b) in enumerate(w.start()):
            self.layers.append(_Affine(W, b))
            self.layers += [_PReLU() if a == "prelu" else _Activation(a) for a in w.activations[i : i + 1]]
        self.lowest = 2 * w.fixed  # below it nothing learns
        self.adam = None
        if w.optimizer == "adam":
            self.adam = [[_Adam(p, w.rate) for p in layer.parameters] for layer in self.layers]

    def __call__(self, n: int) -> float:
        """Take `n` steps."""
        loss = np.float32(0)
        for _ in range(n):
            loss = self._step(self.rows[self.t % len(self.rows)])
            self.t += 1
        return float(loss)

    def _step(self, rows: Array) -> Any:
        out = self.X[rows]
        for layer in self.layers:
            out = layer.forward(out)
        out -= self.Y[rows]
        loss = np.vdot(out, out) / out.size
        g: Any = out * np.float32(2 / out.size)
        for i in range(len(self.layers) - 1, self.lowest - 1, -1):
            g, gradients = self.layers[i].backward(g, i == self.lowest)
            for j, (p, gradient) in enumerate(zip(self.layers[i].parameters, gradients, strict=True)):
                if self.adam is None:
                    p -= self.rate * gradient
                else:
                    self.adam[i][j](gradient)
        return loss

    def outputs(self, X: Array) -> Array:
        """Forward."""
        for layer in self.layers:
            X = layer.forward(X)
        return X


def training(w: Network) -> Makers:
    """By hand."""
    return {LABEL: lambda: Trained(w)}


def prediction(p: Prediction) -> Makers:
    """By hand."""

    def make() -> Callable[[], Array]:
        net, X = Trained(p.network), p.X
        return lambda: net.outputs(X)

    return {LABEL: make}


def _logsumexp(x: Array) -> tuple[Any, Callable[[], Any]]:
    top = x.max()
    e = np.exp(x - top)
    total = e.sum()
    return top + np.log(total), lambda: (e / total,)


def _mixture(shares: Array, means: Array, logs: Array, X: Array) -> tuple[Any, Callable[[], Any]]:
    scale, away = np.exp(logs), X[:, None, :] - means
    apart = scale * away
    terms = shares + logs.sum(1) - 0.5 * (apart * apart).sum(2)
    top, highest = terms.max(1, keepdims=True), shares.max()
    e, priors = np.exp(terms - top), np.exp(shares - highest)
    totals, total = e.sum(1, keepdims=True), priors.sum()
    value = np.mean(top + np.log(totals)) - highest - np.log(total)

    def backward() -> Any:
        share = e / totals / len(X)
        weighted = share[:, :, None] * apart
        summed = share.sum(0)
        return summed - priors / total, scale * weighted.sum(0), summed[:, None] - (weighted * apart).sum(0)

    return value, backward


def _squares(w: Array, X: Array, y: Array) -> tuple[Any, Callable[[], Any]]:
    apart = X @ w - y
    return np.mean(apart * apart), lambda: ((2 / len(y)) * (apart @ X),)


def _recurrent(W: Array, U: Array, b: Array, X: Array) -> tuple[Any, Callable[[], Any]]:
    fed = X @ W + b
    states = np.empty_like(fed)
    h = states[0] = np.tanh(fed[0])
    for t in range(1, len(X)):
        h = states[t] = np.tanh(fed[t] + h @ U)

    def backward() -> Any:
        gz, g = np.empty_like(states), (2 / h.size) * h
        slopes = 1 - states * states
        for t in range(len(X) - 1, -1, -1):
            gz[t] = g * slopes[t]
            g = gz[t] @ U.T
        flat, units = gz.reshape(-1, gz.shape[2]), states.shape[2]
        gU = states[:-1].reshape(-1, units).T @ gz[1:].reshape(-1, units)
        return X.reshape(-1, X.shape[2]).T @ flat, gU, flat.sum(0)

    return np.mean(h * h), backward


def _rosenbrock(x: Array) -> tuple[Any, Callable[[], Any]]:
    a, c = x[:-1], x[1:] - x[:-1] * x[:-1]

    def backward() -> Any:
        g = np.zeros_like(x)
        g[:-1] = -400 * c * a - 2 * (1 - a)
        g[1:] += 200 * c
        return (g,)

    return np.sum(100 * c * c + (1 - a) ** 2), backward


_FUNCTIONS: dict[str, Callable[..., tuple[Any, Callable[[], Any]]]] = {
    "logsumexp": _logsumexp, "mixture": _mixture, "least-squares": _squares, "recurrent": _recurrent,
    "rosenbrock": _rosenbrock,
}  # fmt: skip


def gradient(f: Function) -> Makers:
    """By hand."""

    def make() -> tuple[Callable[[], Any], Callable[[], Any]]:
        function, arguments = _FUNCTIONS[f.name], f.arguments

        def both() -> Any:
            value, backward = function(*arguments)
            return value, backward()

        return lambda: function(*arguments)[0], both

    return {LABEL: make}
