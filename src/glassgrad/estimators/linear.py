"""What linear classifiers share: scores, the class of the largest, weights as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from glassgrad import nn
from glassgrad.errors import DataError
from glassgrad.estimators import base
from glassgrad.parameters import Parameter

Array = np.ndarray[Any, Any]


class LinearClassifier(ClassifierMixin, base.NetworkEstimator):
    """A linear model that tells classes apart: one score with two classes, else one each.

    Attributes
    ----------
    classes_ : array, shape ``(n_classes,)``
    coef_ : array, shape ``(1, n_features)`` or ``(n_classes, n_features)``
    intercept_ : array, shape ``(1,)`` or ``(n_classes,)``
    """

    classes_: Array
    coef_: Array
    intercept_: Array
    n_features_in_: int
    fit_intercept: bool

    def decision_function(self, X: Any) -> Array:
        """Scores: ``(n_rows,)`` with two classes, where above 0 means the second; else ``(n_rows, n_classes)``."""
        check_is_fitted(self)
        z = self._scores(X)
        return z[:, 0] if z.shape[1] == 1 else z

    def _scores(self, X: Any) -> Array:
        X = base.features(self, X, reset=False)
        return np.asarray(X @ self.coef_.T) + self.intercept_

    def predict(self, X: Any) -> Array:
        """The most probable class of each row."""
        check_is_fitted(self)
        z = self._scores(X)
        return self.classes_[(z[:, 0] > 0).astype(np.intp) if z.shape[1] == 1 else z.argmax(axis=1)]

    def network(self) -> nn.Linear:
        """The fitted layer: features in, scores out."""
        check_is_fitted(self)
        layer = nn.Linear(*self.coef_.T.shape, bias=self.fit_intercept, dtype=self.coef_.dtype)
        layer.W = Parameter(self.coef_.T)
        if self.fit_intercept:
            layer.b = Parameter(self.intercept_)
        return layer

    def _fitted(self, params: Sequence[Array]) -> None:
        """Take weights (features × scores) and bias as the fitted attributes."""
        W = params[0]
        self.coef_ = np.ascontiguousarray(W.T)
        self.intercept_ = np.array(params[1]) if self.fit_intercept else np.zeros(W.shape[1], W.dtype)

    def _codes(self, y: Array, name: str) -> Array:
        """For each row the number of its class, among those that are known."""
        known = np.isin(y, self.classes_)
        if not known.all():
            row = int(np.argmin(known))
            raise DataError(
                f"{name} has the class {base.shown(y[row])} in row {row}, which is not among {self.classes_}"
            )
        return np.searchsorted(self.classes_, y).astype(np.int64)

    def __sklearn_tags__(self) -> Any:
        """Sparse rows are taken too."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
