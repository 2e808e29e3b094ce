"""General functions whose gradients are timed, written in NumPy style."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.workloads import Function


def _logsumexp(np: Any, logsumexp: Any) -> Callable[..., Any]:
    """The logarithm of a sum of exponentials."""
    return lambda x: logsumexp(x)


def _mixture(np: Any, logsumexp: Any) -> Callable[..., Any]:
    """The log-likelihood of a Gaussian mixture with diagonal precisions, without its constant."""

    def likelihood(shares: Any, means: Any, logs: Any, X: Any) -> Any:
        apart = np.exp(logs) * (X[:, None, :] - means)
        terms = shares + np.sum(logs, axis=1) - 0.5 * np.sum(apart * apart, axis=2)
        return np.mean(logsumexp(terms, axis=1)) - logsumexp(shares)

    return likelihood


def _squares(np: Any, logsumexp: Any) -> Callable[..., Any]:
    """Least squares."""

    def cost(w: Any, X: Any, y: Any) -> Any:
        apart = X @ w - y
        return np.mean(apart * apart)

    return cost


def _recurrent(np: Any, logsumexp: Any) -> Callable[..., Any]:
    """Fifty steps of a recurrent cell; the mean square of its last state."""

    def cost(W: Any, U: Any, b: Any, X: Any) -> Any:
        h = np.tanh(X[0] @ W + b)
        for t in range(1, X.shape[0]):
            h = np.tanh(X[t] @ W + h @ U + b)
        return np.mean(h * h)

    return cost


def _rosenbrock(np: Any, logsumexp: Any) -> Callable[..., Any]:
    """Rosenbrock's valley."""

    def valley(x: Any) -> Any:
        a, b = x[:-1], x[1:]
        return np.sum(100 * (b - a * a) ** 2 + (1 - a) ** 2)

    return valley


def functions() -> list[Function]:
    """The functions with their arguments, float32."""
    rng = np.random.default_rng(0)

    def normal(*shape: int, scale: float = 1.0) -> Any:
        return (scale * rng.normal(size=shape)).astype(np.float32)

    n, d, k = 1000, 10, 8
    steps, batch, n_in, units = 50, 16, 16, 64
    cell = (normal(n_in, units, scale=0.2), normal(units, units, scale=0.12), normal(units, scale=0.1))
    return [
        Function("logsumexp", _logsumexp, (normal(2500),), 1),
        Function("mixture", _mixture, (normal(k), normal(k, d), normal(k, d, scale=0.3), normal(n, d)), 3),
        Function("least-squares", _squares, (normal(200), normal(1000, 200), normal(1000)), 1),
        Function("recurrent", _recurrent, (*cell, normal(steps, batch, n_in)), 3),
        Function("rosenbrock", _rosenbrock, (normal(1000, scale=0.5),), 1),
    ]
