"""glassgrad: every engine there is, through the public interface only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import glassgrad as gg
from bench.peers import Makers
from bench.workloads import LEAKY_SLOPE, PIECES, PRELU_START, SEED, Array, Function, Network, Prediction
from glassgrad import nn, optim, train

PREFIX = "glassgrad "
_LAYERS: dict[str, Callable[[], nn.Layer]] = {
    "identity": nn.Identity, "relu": nn.ReLU, "abs": nn.AbsoluteValue, "leaky_relu": lambda: nn.LeakyReLU(LEAKY_SLOPE),
    "prelu": lambda: nn.PReLU(slope=PRELU_START), "elu": nn.ELU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
    "softplus": nn.Softplus, "hard_tanh": nn.HardTanh, "softmax": nn.Softmax, "maxout": lambda: nn.Maxout(PIECES),
}  # fmt: skip


def _squared_error(output: Any, y: Any) -> Any:
    return np.mean(np.square(output - y))


def trainer(w: Network, engine: str) -> train.Trainer:
    """A trainer of this network at its start."""
    layers: list[nn.Layer] = []
    for i, (W, b) in enumerate(w.start()):
        linear = nn.Linear(*W.shape).initialise()
        linear.W.value, linear.b.value = W, b
        if i < w.fixed:
            linear.freeze()
        layers += [linear, *[_LAYERS[a]() for a in w.activations[i : i + 1]]]
    optimizer = {"sgd": optim.SGD, "adam": optim.Adam}[w.optimizer](w.rate)
    return train.Trainer(nn.Sequential(*layers), _squared_error, optimizer, w.batch, seed=SEED, engine=engine)


class Trained:
    """A trainer, one call of `steps` a block."""

    def __init__(self, w: Network, engine: str) -> None:
        self.X, self.Y = w.data
        self.trainer = trainer(w, engine)

    def __call__(self, n: int) -> float:
        """Take `n` steps."""
        return float(self.trainer.steps(self.X, self.Y, n, sampling="replacement").loss[-1])

    def outputs(self, X: Array) -> Array:
        """Predict: the loss is a function, so these are the network's outputs."""
        return self.trainer.predict(X)


def losses(w: Network, n: int) -> Array:
    """The first losses on the NumPy engine: what everybody has to find."""
    return trainer(w, "numpy").steps(*w.data, n, sampling="replacement").loss


def outputs(p: Prediction) -> Array:
    """The outputs on the NumPy engine."""
    return trainer(p.network, "numpy").predict(p.X)


def training(w: Network) -> Makers:
    """One for each engine."""
    return {PREFIX + engine: lambda engine=engine: Trained(w, engine) for engine in train.ENGINES}


def prediction(p: Prediction) -> Makers:
    """One for each engine."""

    def make(engine: str) -> Callable[[], Array]:
        predict, X = trainer(p.network, engine).predict, p.X
        return lambda: predict(X)

    return {PREFIX + engine: lambda engine=engine: make(engine) for engine in train.ENGINES}


def gradient(f: Function) -> Makers:
    """Recorded anew at every call and, where there is a compiler, compiled."""

    def make(wrap: Callable[[Any], Any]) -> tuple[Callable[[], Any], Callable[[], Any]]:
        function, arguments = f.make(np, gg.logsumexp), f.arguments
        value = wrap(function)
        both = wrap(gg.value_and_grad(function, argnums=tuple(range(f.inputs))))
        return lambda: value(*arguments), lambda: both(*arguments)

    found: Makers = {PREFIX + "eager": lambda: make(lambda g: g)}
    if hasattr(gg, "compile"):
        found[PREFIX + "compiled"] = lambda: make(gg.compile)
    return found
