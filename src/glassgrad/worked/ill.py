"""Networks with a planted illness, one for each code that the doctor knows: what it says of them, and a picture."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.data import digits, split
from glassgrad.distributions import Bernoulli, Categorical, Gaussian
from glassgrad.doctor import Diagnosis, diagnose
from glassgrad.ops.arithmetic import stop_gradient
from glassgrad.ops.elementwise import sigmoid
from glassgrad.optim import SGD, Adam
from glassgrad.train import Trainer

Array = np.ndarray[Any, Any]
Planted = Callable[[int], Diagnosis]
ROWS = 400


def rows(seed: int) -> tuple[Array, Array, Array, Array]:
    """Some digits to learn from and some held out."""
    X, y = digits()
    X, X_held, y, y_held = split(X, y, held_out=ROWS, seed=seed, stratify=True)
    return X[:ROWS], X_held, y[:ROWS], y_held


def network(*widths: int, unit: Callable[[], nn.Layer] = nn.ReLU, **options: Any) -> nn.Sequential:
    """Linear layers of these widths with units between them."""
    layers: list[nn.Layer] = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b, **options), unit()]
    return nn.Sequential(*layers[:-1])


def trainer(net: nn.Layer, seed: int, loss: Any = None, optimizer: Any = None, batch: int = 32) -> Trainer:
    """A trainer that takes its steps gate by gate: such short runs are not worth compiling."""
    optimizer = optimizer or SGD(0.1)
    return Trainer(net, loss or Categorical(), optimizer, batch_size=batch, seed=seed, engine="numpy")


def unscaled_inputs(seed: int) -> Diagnosis:
    """One feature in other units than the rest."""
    X, _, y, _ = rows(seed)
    X = X.copy()
    X[:, 20] *= 1000
    return diagnose(trainer(network(64, 32, 10), seed), X, y)


def constant_features(seed: int) -> Diagnosis:
    """A column copied into most others."""
    X, _, y, _ = rows(seed)
    X = X.copy()
    X[:, :40] = X[0, 20]
    return diagnose(trainer(network(64, 32, 10), seed), X, y)


def constant_labels(seed: int) -> Diagnosis:
    """A filter that left one class."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(network(64, 32, 10), seed), X, np.full_like(y, 3))


def classes_missing(seed: int) -> Diagnosis:
    """Sorted data, cut off before the last classes."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(network(64, 32, 10), seed), X[y < 7], y[y < 7])


def class_imbalance(seed: int) -> Diagnosis:
    """One picture of a 7 among many others."""
    X, _, y, _ = rows(seed)
    keep = np.sort(np.r_[np.flatnonzero(y != 7), np.flatnonzero(y == 7)[:1]])
    return diagnose(trainer(network(64, 32, 10), seed), X[keep], y[keep])


def conflicting_labels(seed: int) -> Diagnosis:
    """Rows that are there twice, the second time with another label."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(network(64, 32, 10), seed), np.r_[X, X[:200]], np.r_[y, (y[:200] + 1) % 10])


def unlearnable_labels(seed: int) -> Diagnosis:
    """Labels shuffled apart from their rows, learned by heart."""
    X, X_held, y, y_held = rows(seed)
    y = np.random.default_rng(seed).permutation(y)
    made = trainer(network(64, 64, 10), seed)
    made.fit(X, y, epochs=30)
    return diagnose(made, validation=(X_held, y_held))


def unscaled_targets(seed: int) -> Diagnosis:
    """Prices in cents."""
    X, _, y, _ = rows(seed)
    made = trainer(network(64, 32, 1), seed, Gaussian(), SGD(1e-3))
    return diagnose(made, X, (5e5 * (X[:, 20:30].sum(axis=1, keepdims=True) + y[:, None])).astype(np.float32))


def probabilities_as_logits(seed: int) -> Diagnosis:
    """A softmax before a loss that applies its own."""
    X, _, y, _ = rows(seed)
    made = trainer(nn.Sequential(*network(64, 32, 10), nn.Softmax()), seed)
    made.fit(X, y, epochs=3)
    return diagnose(made)


def clipped(output: Any, y: Any) -> Any:
    """A cross-entropy that keeps probabilities away from 0: rows that are sure and wrong get no gradient."""
    p = np.clip(sigmoid(output), 1e-3, 1 - 1e-3)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def loss_cuts_gradients(seed: int) -> Diagnosis:
    """A clipped cross-entropy, and a first layer that is sure before it has learned."""
    X, _, y, _ = rows(seed)
    made = trainer(nn.Linear(64, 1, weight=nn.Normal(8.0)), seed, clipped)
    return diagnose(made, X, (y[:, None] % 2).astype(np.float32))


class Detached(nn.Layer):
    """Two layers, the first of which was cut off by mistake."""

    def __init__(self) -> None:
        self.first, self.second = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x: Any) -> Any:
        """The second layer learns, the first does not."""
        return self.second(np.maximum(0, stop_gradient(self.first(x))))


def unused_parameters(seed: int) -> Diagnosis:
    """A layer behind stop_gradient."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(Detached(), seed), X, y)


def zero_weights(seed: int) -> Diagnosis:
    """All weights zero: no unit has a reason to differ from another."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(network(64, 32, 10, unit=nn.Tanh, weight=nn.Zeros()), seed), X, y)


def symmetric_units(seed: int) -> Diagnosis:
    """All weights alike, and still alike after training."""
    X, _, y, _ = rows(seed)
    made = trainer(network(64, 32, 10, unit=nn.Tanh, weight=nn.Constant(0.05)), seed)
    made.fit(X, y, epochs=2)
    return diagnose(made)


def no_nonlinearity(seed: int) -> Diagnosis:
    """Three layers that are one."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(network(64, 32, 32, 10, unit=nn.Identity), seed), X, y)


def growing_activations(seed: int) -> Diagnosis:
    """First weights of deviation 1 in wide layers of ReLU."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(network(64, 64, 64, 64, 64, 10, weight=nn.Normal(1.0)), seed, None, SGD(1e-6)), X, y)


class Waves(nn.Layer):
    """Sines keep their output small, whatever their weights; their slopes they do not."""

    def __init__(self) -> None:
        self.hidden = [nn.Linear(64, 64, weight=nn.Normal(1.0)) for _ in range(6)]
        self.last = nn.Linear(64, 10)

    def forward(self, x: Any) -> Any:
        """Six layers of sines and a linear one."""
        for layer in self.hidden:
            x = np.sin(layer(x))
        return self.last(x)


def exploding_gradients(seed: int) -> Diagnosis:
    """First weights eight times as large as they should be, before units that hide it."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(Waves(), seed, None, SGD(1e-6)), X, y)


def large_updates(seed: int) -> Diagnosis:
    """A rate a thousand times as large as Adam's usual one."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(network(64, 32, 10), seed, None, Adam(1.0)), X, y)


def dead_units(seed: int) -> Diagnosis:
    """Biases so low that no row gets above them."""
    X, _, y, _ = rows(seed)
    net = nn.Sequential(nn.Linear(64, 32, bias_init=nn.Constant(-10.0)), nn.ReLU(), nn.Linear(32, 10))
    return diagnose(trainer(net, seed), X, y)


def saturated_units(seed: int) -> Diagnosis:
    """First weights of deviation 10 before tanh."""
    X, _, y, _ = rows(seed)
    net = nn.Sequential(nn.Linear(64, 32, weight=nn.Normal(10.0)), nn.Tanh(), nn.Linear(32, 10))
    return diagnose(trainer(net, seed), X, y)


def shrinking_activations(seed: int) -> Diagnosis:
    """First weights of deviation 0.01, as some books had them."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(network(64, 32, 32, 10, unit=nn.Tanh, weight=nn.Normal(0.01)), seed), X, y)


def vanishing_gradients(seed: int) -> Diagnosis:
    """Eight layers of sigmoids, each of which hands back a quarter of the gradient at most."""
    X, _, y, _ = rows(seed)
    return diagnose(trainer(network(64, *[32] * 8, 10, unit=nn.Sigmoid), seed), X, y)


def small_updates(seed: int) -> Diagnosis:
    """A rate of a millionth."""
    X, _, y, _ = rows(seed)
    made = trainer(network(64, 32, 10), seed, None, SGD(1e-7))
    made.fit(X, y, epochs=3, monitor=False)
    return diagnose(made)


def diverged(seed: int) -> Diagnosis:
    """A weight that is no number."""
    X, _, y, _ = rows(seed)
    made = trainer(network(64, 32, 10), seed)
    made.net.parameters()[0].value = np.full((64, 32), np.nan, np.float32)
    return diagnose(made, X, y)


def stalled(seed: int) -> Diagnosis:
    """The exclusive or, learned by a linear model."""
    generator = np.random.default_rng(seed)
    X = generator.uniform(-1, 1, (ROWS, 2)).astype(np.float32)
    made = trainer(nn.Linear(2, 1), seed, Bernoulli())
    made.fit(X, (X[:, :1] * X[:, 1:] > 0).astype(np.float32), epochs=40)
    return diagnose(made)


def overfitting(seed: int) -> Diagnosis:
    """Sixty rows, many units, and no end."""
    X, X_held, y, y_held = rows(seed)
    wrong = np.random.default_rng(seed).random(60) < 0.4
    y = np.where(wrong, (y[:60] + 3) % 10, y[:60])
    made = trainer(network(64, 128, 10), seed, None, Adam(3e-3))
    made.fit(X[:60], y, epochs=200)
    return diagnose(made, validation=(X_held, y_held))


PLANTED: dict[str, Planted] = {
    f.__name__.replace("_", "-"): f
    for f in (
        unscaled_inputs, constant_features, constant_labels, classes_missing, class_imbalance, conflicting_labels,
        unlearnable_labels, unscaled_targets, probabilities_as_logits, loss_cuts_gradients, unused_parameters,
        zero_weights, symmetric_units, no_nonlinearity, growing_activations, exploding_gradients, large_updates,
        dead_units, saturated_units, shrinking_activations, vanishing_gradients, small_updates, diverged, stalled,
        overfitting,
    )
}  # fmt: skip
"""Code of an illness to a function of a seed that plants it and asks the doctor."""
