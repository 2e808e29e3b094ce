"""Distributions of classes: Bernoulli and Categorical."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from glassgrad.distributions.base import Distribution, bad_targets, flat, hits, mismatch, value_of
from glassgrad.errors import OperandError
from glassgrad.op import shaped
from glassgrad.ops.composed import log_softmax, softmax
from glassgrad.ops.elementwise import sigmoid, softplus


@dataclass(frozen=True)
class Bernoulli(Distribution):
    """Yes or no: p(y = 1) = σ(output). Several outputs a row are several labels, each with its own answer.

    Examples
    --------
    >>> from glassgrad import distributions
    >>> print(distributions.Bernoulli().nll([1000.0, -1000.0, 0.0], [1, 1, 1]).round(3))
    [0.00e+00 1.00e+03 6.93e-01]
    """

    name: ClassVar[str] = "bernoulli"

    def terms(self, output: Any, y: Any) -> Any:
        """softplus((1 − 2y) z)."""
        return softplus((1 - 2 * y) * output)

    def mean(self, output: Any) -> Any:
        """p(y = 1)."""
        return sigmoid(shaped(output))

    def predict(self, output: Any) -> Any:
        """1 where p(y = 1) > ½, else 0; one output a row gives one number a row."""
        return flat(shaped(output) > 0).astype(np.int64)

    def accuracy(self, output: Any, y: Any) -> Any:
        """Share of labels that `predict` hits."""
        return hits(self.predict(output), y)

    def _check_values(self, y: Any) -> None:
        self._all((y == 0) | (y == 1), y, "targets are 0 or 1")


@dataclass(frozen=True)
class Categorical(Distribution):
    """One of k classes: p(y = i) = softmax(output)_i, and −log p = logsumexp(z) − z_y.

    Targets are labels 0 … k − 1, one a row, or rows of probabilities (one-hot rows are such).

    Examples
    --------
    >>> from glassgrad import distributions
    >>> print(distributions.Categorical().nll([[0.0, 0.0], [1000.0, 0.0]], [0, 1]).round(4))
    [6.931e-01 1.000e+03]
    """

    name: ClassVar[str] = "categorical"

    def nll(self, output: Any, y: Any) -> Any:
        """logsumexp(z) − z_y, one number a row."""
        output, y = shaped(output), shaped(y)
        if len(output.shape) == 0:
            raise mismatch(self.name, output, y, "a row of scores is needed, one a class")
        if len(y.shape) == len(output.shape):
            output, y = self._pair(output, y)
            return -np.sum(y * log_softmax(output), axis=-1)
        if tuple(y.shape) != tuple(output.shape[:-1]):
            raise mismatch(self.name, output, y, "one label a row is needed, or one row of probabilities")
        if y.dtype.kind not in "iub":
            y = self._whole(y)
        labels = value_of(y)
        if labels is not None and labels.size:
            self._check_labels(np.asarray(labels), output.shape[-1])
        if y.dtype.kind == "b":
            y = y.astype(np.int64)
        picked = np.take_along_axis(log_softmax(output), np.expand_dims(y, -1), axis=-1)
        return -np.squeeze(picked, axis=-1)

    def _whole(self, y: Any) -> Any:
        numbers = value_of(y)
        if numbers is None or not np.all(np.mod(numbers, 1) == 0):
            raise OperandError(f"{self.name}: labels are whole numbers, and these are {y.dtype}")
        return y.astype(np.int64)

    def mean(self, output: Any) -> Any:
        """The probability of every class."""
        return softmax(shaped(output))

    def predict(self, output: Any) -> Any:
        """The most probable class."""
        return shaped(output).argmax(axis=-1)

    def accuracy(self, output: Any, y: Any) -> Any:
        """Share of rows whose class `predict` hits."""
        output, y = shaped(output), shaped(y)
        return hits(self.predict(output), np.argmax(y, axis=-1) if len(y.shape) == len(output.shape) else y)

    def outputs(self, targets: Any) -> int:
        """The number of classes."""
        targets = np.asarray(value_of(targets))
        return int(targets.shape[-1]) if targets.ndim > 1 else int(targets.max()) + 1 if targets.size else 0

    def check_targets(self, y: Any, n_outputs: int | None = None) -> None:
        """Labels are 0 … n_outputs − 1; rows of probabilities are positive and sum to one."""
        y = self._numbers(y)
        if y.ndim == 1:
            self._all(np.mod(y, 1) == 0, y, "labels are whole numbers")
            self._check_labels(y, n_outputs)
            return
        if n_outputs is not None and y.shape[-1] != n_outputs:
            hint = "; labels are one a row: use y.ravel()" if y.shape[-1] == 1 else ""
            raise bad_targets(self.name, f"rows of {y.shape[-1]} probabilities do not fit {n_outputs} outputs{hint}")
        self._all(y >= 0, y, "probabilities are not negative")
        sums = np.sum(y, axis=-1)
        self._all(np.abs(sums - 1) < 1e-3, sums, "probabilities of a row sum to 1")

    def _check_labels(self, y: Any, classes: int | None) -> None:
        if y.dtype.kind == "b":
            y = y.astype(np.int64)
        if y.min() < 0 or (classes is not None and y.max() >= classes):
            top = "" if classes is None else f" to {classes - 1}, one for each output"
            self._all((y >= 0) & (y < (math.inf if classes is None else classes)), y, f"labels go from 0{top}")
