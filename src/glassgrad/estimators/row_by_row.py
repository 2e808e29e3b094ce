"""What estimators that learn row by row need: weights to begin with, held-out rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_sample_weight

from glassgrad.data.splits import split
from glassgrad.errors import DataError, ShapeError
from glassgrad.estimators import base

Array = np.ndarray[Any, Any]


class Learned(NamedTuple):
    """Rows with the numbers of their classes, and perhaps weights: to learn from, or held out."""

    X: Any
    codes: Array
    weight: Array | None

    def take(self, rows: Array) -> Learned:
        """Some of the rows."""
        return Learned(self.X[rows], self.codes[rows], None if self.weight is None else self.weight[rows])

    def accuracy(self, labels: Array) -> float:
        """The weighted share of rows with the right label."""
        return float(np.average(labels == self.codes, weights=self.weight))


def hold_out(rows: Learned, fraction: float, seed: int) -> tuple[Learned, Learned]:
    """Rows to learn from and rows held out, each class its share where none is too rare; in their order."""
    fraction = max(fraction, len(np.unique(rows.codes)) / len(rows.codes))
    shared = base.in_shares(rows.codes, fraction) is not None
    learn, out, _, _ = split(np.arange(len(rows.codes)), rows.codes, fraction, seed, stratify=shared)
    return rows.take(np.sort(learn)), rows.take(np.sort(out))


def given_held_out(estimator: Any, X: Any, y: Any, weight: Any) -> Learned | None:
    """The held-out rows that ``fit(X_val=…, y_val=…, sample_weight_val=…)`` was handed; None where it was not.

    Raises
    ------
    DataError, ShapeError
        Where they do not fit together or `y` has a class that is not learned.
    """
    if X is None or y is None:
        if X is not None or y is not None or weight is not None:
            raise DataError("X_val and y_val go together: give both, or neither")
        return None
    X, y = base.features(estimator, X, reset=False), np.asarray(y)
    if y.shape != X.shape[:1]:
        raise ShapeError(f"X_val has {X.shape[0]} rows and y_val the shape {y.shape}; each row needs one class")
    if weight is not None:
        weight = _check_sample_weight(weight, X, ensure_non_negative=True)
    return Learned(X, estimator._codes(y, "y_val"), weight)


def weights_to_begin_with(
    shape: tuple[int, int], before: tuple[Array, Array] | None, coef: ArrayLike | None, intercept: ArrayLike | None
) -> tuple[Array, Array]:
    """Weights of the shape ``(outputs, features)`` and biases: what is given, else those from before, else zeros.

    Raises
    ------
    ShapeError
        Where a shape does not fit.
    """
    found = [np.zeros(shape), np.zeros(shape[:1])] if before is None else list(before)
    for i, (given, name) in enumerate(((coef, "coef_init"), (intercept, "intercept_init"))):
        if given is not None:
            array, needed = np.asarray(given, np.float64), (shape, shape[:1])[i]
            if array.size != np.prod(needed) or (array.ndim and array.shape[-1] != needed[-1]):
                raise ShapeError(f"{name} has the shape {array.shape}, and {needed} is needed")
            found[i] = array.reshape(needed)
    for array, needed, name in zip(found, (shape, shape[:1]), ("weights", "biases"), strict=True):
        if array.shape != needed:
            raise ShapeError(f"warm_start has {name} of the shape {array.shape}, and these data need {needed}")
    return found[0], found[1]
