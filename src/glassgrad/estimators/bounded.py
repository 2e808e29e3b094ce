"""What can be known of the rows that a perceptron learned from: separable, by which margin, with how many mistakes."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from glassgrad.errors import NoAttributeError
from glassgrad.estimators.linear import LinearClassifier
from glassgrad.estimators.row_by_row import Learned
from glassgrad.estimators.separability import Question, Separation, UndecidedError
from glassgrad.ops.sparse import csr_of

Array = np.ndarray[Any, Any]
_NUMBERS, _WEIGHTS = 400_000, 500  # rows × weights, and weights, of a linear program that is solved in passing
_ROUNDS = 20  # and what it may take


class NotSeparableWarning(ConvergenceWarning):
    """No linear classifier gets every row right, so a perceptron goes on making mistakes for ever."""


class Bounded(LinearClassifier):
    """A linear estimator that can say whether its rows are separable; computed when first asked for.

    The estimator hands its rows to `_learned_from`, and has the plain weights as `last_coef_` and `last_intercept_`.
    """

    last_coef_: Array
    max_iter: int
    mistakes_: Array
    tol: float | None
    last_intercept_: Array
    _rows: Any
    _from_zero: bool

    @property
    def separable_(self) -> bool:
        """Whether a linear classifier gets every row right that `fit` learned from."""
        return self._separator is not None

    @property
    def margin_(self) -> float:
        """δ, the margin of the best linear classifier; 0 where none gets every row right."""
        return self._separation.margin

    @property
    def mistake_bound_(self) -> float:
        """The most mistakes that training could make; infinity where no bound is known."""
        return self._weighted_separation.mistake_bound if self.separable_ and self._from_zero else np.inf

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, "_rows": None}

    def __dir__(self) -> list[str]:
        """The attributes that it has; without those that take long to compute, so that showing it computes nothing.

        scikit-learn asks for the value of every one, to list those that there are.
        """
        skipped = {"_separator", "_separation", "_weighted_separation"}
        if "_separator" not in vars(self) and not (vars(self).get("_rows") is not None and self._quick()):
            skipped |= {"separable_", "margin_", "mistake_bound_"}
        return [name for name in object.__dir__(self) if name not in skipped and hasattr(self, name)]

    def _learned_from(self, rows: Learned | None, from_zero: bool) -> None:
        """Take the rows, and whether plain updates from zero were made on them."""
        self._rows, self._from_zero = rows, from_zero
        for name in ("_separator", "_separation", "_weighted_separation"):
            self.__dict__.pop(name, None)

    def _warn_if_not_separable(self, mistakes: int, stacklevel: int) -> bool:
        """Whether mistakes cannot end; looked at only where that is quick."""
        if not mistakes or not self._quick():
            return False
        try:
            self.__dict__["_separator"] = self._question(weighted=False).separator(self._plain_weights(), limit=_ROUNDS)
        except UndecidedError:
            return False
        if self.separable_:
            return False
        warnings.warn(
            f"no linear classifier gets all of these {self._rows.X.shape[0]:,} rows right (a linear program proves "
            f"it), so a perceptron never ends making mistakes; {mistakes:,} in its last pass. Average the weights "
            "(average=True), stop by held-out rows (early_stopping=True), or find better features",
            NotSeparableWarning,
            stacklevel=stacklevel + 1,
        )
        return True

    def _constant(self, X: Any) -> float:
        """The feature behind the bias, the same in every row; 0 without a bias."""
        raise NotImplementedError

    def _warn(self, stopped: bool) -> None:
        """Say where training cannot end, or has not."""
        if self._warn_if_not_separable(int(self.mistakes_[-1]), stacklevel=4):
            return
        if not stopped and self.tol is not None:
            warnings.warn(
                f"{self.max_iter} passes did not suffice ({self.mistakes_[-1]:,} mistakes in the last); increase "
                "max_iter, or tol", ConvergenceWarning, stacklevel=4,
            )  # fmt: skip

    def _quick(self) -> bool:
        """Whether a linear program on these rows takes a fraction of a second."""
        weights = self.last_coef_.size
        return self._rows.X.shape[0] * weights <= _NUMBERS and weights <= _WEIGHTS

    def _plain_weights(self) -> Array:
        """The plain weights; where there is a bias, the weight of the feature behind it is the last row."""
        constant = self._constant(self._rows.X)
        parts = [self.last_coef_.T, *([self.last_intercept_[None] / constant] if constant else [])]
        return np.concatenate(parts).astype(np.float64)

    def _question(self, weighted: bool) -> Question:
        """The rows as a question about W; each multiplied by its weight where asked."""
        check_is_fitted(self)
        if self.__dict__.get("_rows") is None:
            raise NoAttributeError(
                "separable_, margin_ and mistake_bound_ are of the rows that fit was given, which are not kept with a "
                "stored or copied model, nor by partial_fit: use separation(X, y) of glassgrad.estimators"
            )
        X, codes, weight = self._rows
        X = csr_of(X, "X") if issparse(X) else X  # fit was a while ago, and whoever gave it may have changed it
        if weight is not None and not weighted:
            weight = (weight > 0).astype(np.float64)
        return Question(X, codes, len(self.classes_), self._constant(X), weight)

    @functools.cached_property
    def _separator(self) -> Array | None:
        return self._question(weighted=False).separator(self._plain_weights())

    @functools.cached_property
    def _separation(self) -> Separation:
        return self._question(weighted=False).separation(self._separator)

    @functools.cached_property
    def _weighted_separation(self) -> Separation:
        plain = self._rows is None or self._rows.weight is None
        return self._separation if plain else self._question(weighted=True).separation(self._separator)
