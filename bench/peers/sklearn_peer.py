"""scikit-learn: `MLPRegressor`, where it has an equal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.neural_network import MLPRegressor

from bench.peers import Makers, NoEqualError
from bench.workloads import Array, Network, Prediction

LABEL = "scikit-learn"
_ACTIVATIONS = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
_BATCHES = 512  # to a call of `partial_fit`


class Trained:
    """`partial_fit` over the drawn rows, one after another, in batches."""

    def __init__(self, w: Network) -> None:
        kinds = set(w.activations) or {"identity"}
        if len(kinds) > 1 or not kinds <= _ACTIVATIONS.keys():
            raise NoEqualError("MLPRegressor has identity, logistic, tanh or relu, one of them for all layers")
        if w.fixed:
            raise NoEqualError("MLPRegressor trains all layers")
        self.X, self.Y = w.data
        self.Y = self.Y[:, 0] if self.Y.shape[1] == 1 else self.Y
        self.rows, self.t = w.indices, 0
        # its loss is half the squared error, summed over outputs: gradients are outputs / 2 times as large
        scale = 2 / w.widths[-1]
        self.net = MLPRegressor(
            hidden_layer_sizes=tuple(w.widths[1:-1]), activation=_ACTIVATIONS[kinds.pop()], solver=w.optimizer,
            alpha=0.0, batch_size=w.batch, learning_rate_init=w.rate * (scale if w.optimizer == "sgd" else 1),
            shuffle=False, momentum=0.0, nesterovs_momentum=False, epsilon=1e-8 / scale, random_state=0,
        )  # fmt: skip
        self.net.partial_fit(self.X[: w.batch], self.Y[: w.batch])
        for mine, given in zip(self.net.coefs_, w.start(), strict=True):
            mine[...] = given[0]
        for mine, given in zip(self.net.intercepts_, w.start(), strict=True):
            mine[...] = given[1]
        del self.net._optimizer  # so that it starts anew, from the weights given

    def __call__(self, n: int) -> float:
        """Take `n` steps; the loss is their mean."""
        while n:
            first = self.t % len(self.rows)
            count = min(n, _BATCHES, len(self.rows) - first)
            rows = self.rows[first : first + count].ravel()
            self.net.partial_fit(self.X[rows], self.Y[rows])
            self.t, n = self.t + count, n - count
        return 2 * self.net.loss_

    def outputs(self, X: Array) -> Array:
        """Predict."""
        return np.reshape(self.net.predict(X), (len(X), -1))


def training(w: Network) -> Makers:
    """`MLPRegressor`."""
    return {LABEL: lambda: Trained(w)}


def prediction(p: Prediction) -> Makers:
    """`MLPRegressor`."""

    def make() -> Callable[[], Array]:
        net, X = Trained(p.network), p.X
        return lambda: net.outputs(X)

    return {LABEL: make}
