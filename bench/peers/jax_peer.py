"""JAX: one `jit` call a step, or `jit` around a `fori_loop`, with what changes donated."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.peers import Makers
from bench.workloads import LEAKY_SLOPE, PIECES, PRELU_START, Array, Function, Network, Prediction

STEP, LOOP, DRAWING, PLAIN = "JAX step", "JAX loop", "JAX drawing", "JAX"
_CHUNK = 4096  # steps of a loop whose length the compiler knows

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda x: x, "relu": jax.nn.relu, "abs": jnp.abs,
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, LEAKY_SLOPE), "elu": jax.nn.elu, "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh, "softplus": jax.nn.softplus, "hard_tanh": jax.nn.hard_tanh, "softmax": jax.nn.softmax,
    "maxout": lambda x: x.reshape(*x.shape[:-1], -1, PIECES).max(-1),
}  # fmt: skip


def _start(w: Network) -> list[dict[str, Any]]:
    layers = [{"W": jnp.asarray(W), "b": jnp.asarray(b)} for W, b in w.start()]
    for layer, activation in zip(layers, w.activations, strict=False):
        if activation == "prelu":
            layer["slope"] = jnp.float32(PRELU_START)
    return layers


def _forward(w: Network, layers: Any, x: Any) -> Any:
    for i, layer in enumerate(layers):
        x = x @ layer["W"] + layer["b"]
        for activation in w.activations[i : i + 1]:
            x = jnp.where(x > 0, x, layer["slope"] * x) if activation == "prelu" else _ACTIVATIONS[activation](x)
    return x


def _adam(rate: float, p: Any, g: Any, m: Any, v: Any, t: Any) -> Any:
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * (g * g), v, g)
    early, late = 1 - 0.9 ** (t + 1), jnp.sqrt(1 - 0.999 ** (t + 1))
    p = jax.tree.map(lambda p, m, v: p - rate * (m / early) / (jnp.sqrt(v) / late + 1e-8), p, m, v)
    return p, m, v


class Trained:
    """What changes goes from call to call: (weights, optimiser state, steps taken, loss)."""

    def __init__(self, w: Network, how: str) -> None:
        self.network, self.how, self.t = w, how, 0
        layers = _start(w)
        self.fixed, learning = layers[: w.fixed], layers[w.fixed :]
        self.X, self.Y = (jnp.asarray(a) for a in w.data)
        self.rows = None if how == DRAWING else jnp.asarray(w.indices)
        zeros = functools.partial(jax.tree.map, jnp.zeros_like)
        state = (zeros(learning), zeros(learning)) if w.optimizer == "adam" else ()
        self.carry: Any = (learning, state, jnp.int32(0), jnp.float32(0))

        def step(carry: Any, rows: Any, fixed: Any, X: Any, Y: Any) -> Any:
            p, state, t, _ = carry

            def cost(p: Any) -> Any:
                return jnp.mean(jnp.square(_forward(w, [*fixed, *p], X[rows]) - Y[rows]))

            loss, g = jax.value_and_grad(cost)(p)
            if w.optimizer == "adam":
                p, *state = _adam(w.rate, p, g, *state, t)
            else:
                p = jax.tree.map(lambda p, g: p - w.rate * g, p, g)
            return p, tuple(state), t + 1, loss

        def loop(carry: Any, rows: Any, first: Any, count: Any, *data: Any) -> Any:
            def body(i: Any, carry: Any) -> Any:
                if rows is None:
                    key = jax.random.fold_in(jax.random.key(0), carry[2])
                    return step(carry, jax.random.randint(key, (w.batch,), 0, w.examples), *data)
                return step(carry, rows[i], *data)

            return jax.lax.fori_loop(first, first + count, body, carry)

        self.step = jax.jit(step, donate_argnums=0)
        self.loop = jax.jit(loop, donate_argnums=0)
        self.chunk = jax.jit(loop, donate_argnums=0, static_argnums=(2, 3))
        self.forward = jax.jit(lambda p, fixed, x: _forward(w, [*fixed, *p], x))

    def __call__(self, n: int) -> float:
        """Take `n` steps."""
        if self.how == STEP:
            self._steps(n)
        else:
            self._loops(n)
        return float(self.carry[3])

    def _steps(self, n: int) -> None:
        carry, data = self.carry, (self.fixed, self.X, self.Y)
        rows = self.network.indices
        for _ in range(n):
            carry = self.step(carry, rows[self.t % len(rows)], *data)
            self.t += 1
        self.carry = carry

    def _loops(self, n: int) -> None:
        data = (self.fixed, self.X, self.Y)
        while n:
            first = self.t % self.network.drawn
            count = min(n, self.network.drawn - first)
            if count >= _CHUNK and first % _CHUNK == 0:
                count = _CHUNK
                rows = self.rows if self.rows is None else self.rows[first : first + count]
                self.carry = self.chunk(self.carry, rows, 0, count, *data)
            else:
                count = min(count, _CHUNK - first % _CHUNK)
                self.carry = self.loop(self.carry, self.rows, np.int32(first), np.int32(count), *data)
            self.t, n = self.t + count, n - count

    def outputs(self, X: Array) -> Array:
        """Forward, back in NumPy."""
        return np.asarray(self.forward(self.carry[0], self.fixed, X))


def training(w: Network) -> Makers:
    """One call a step, and the loop with rows drawn beforehand."""
    return {how: lambda how=how: Trained(w, how) for how in (STEP, LOOP)}


def drawing(w: Network) -> Makers:
    """The loop that draws its own rows: not the same rows as the others, so only its time can be compared."""
    return {DRAWING: lambda: Trained(w, DRAWING)}


def prediction(p: Prediction) -> Makers:
    """One `jit` call."""

    def make() -> Callable[[], Array]:
        net, X = Trained(p.network, STEP), p.X
        return lambda: net.outputs(X)

    return {PLAIN: make}


def _recurrent(W: Any, U: Any, b: Any, X: Any) -> Any:
    def cell(h: Any, fed: Any) -> Any:
        return jnp.tanh(fed + h @ U), None

    h, _ = jax.lax.scan(cell, jnp.zeros((X.shape[1], U.shape[0]), X.dtype), X @ W + b)
    return jnp.mean(h * h)


def gradient(f: Function) -> Makers:
    """`jit`; each call is waited for. A recurrence also as a `scan`."""

    def make(function: Callable[..., Any]) -> tuple[Callable[[], Any], Callable[[], Any]]:
        arguments = [jnp.asarray(a) for a in f.arguments]
        value = jax.jit(function)
        both = jax.jit(jax.value_and_grad(function, argnums=tuple(range(f.inputs))))
        return (
            lambda: jax.block_until_ready(value(*arguments)),
            lambda: jax.block_until_ready(both(*arguments)),
        )

    found: Makers = {PLAIN: lambda: make(f.make(jnp, jax.nn.logsumexp))}
    if f.name == "recurrent":
        found["JAX scan"] = lambda: make(_recurrent)
    return found
