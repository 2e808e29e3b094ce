"""Perceptron: Rosenblatt's rule, binary and truly multiclass, plain and averaged, with its mistakes and their bound."""

from __future__ import annotations

import contextlib
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn import linear_model
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import check_is_fitted

from glassgrad.errors import DataError
from glassgrad.estimators import base
from glassgrad.estimators.bounded import Bounded
from glassgrad.estimators.row_by_row import Learned, given_held_out, hold_out, weights_to_begin_with
from glassgrad.graphs import Graph
from glassgrad.train import criteria
from glassgrad.train.engines import ENGINES
from glassgrad.train.online import Online
from glassgrad.train.rows import Rows, is_sparse

Array = np.ndarray[Any, Any]


class Perceptron(Bounded):
    """Linear classifier that learns from its mistakes only (Rosenblatt, 1958).

    Rows come one by one. For two classes, a row f of class y = ±1 is a mistake where the sign of w · f is not y, a tie
    counting as +1; then w moves by y f. For more there is a weight vector for each class, a row is a mistake where
    another class than its own has the best score (the first of equals), and then its own class moves by +f and the
    class that was said by −f. That is one model of all classes: scikit-learn's `Perceptron` instead trains one binary
    perceptron for each class against the rest.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet"} or None
        Weights shrink at each step (never the bias).
    alpha : float
        Strength of the penalty: ½ alpha ‖w‖², alpha Σ |w|, or a mixture.
    l1_ratio : float
        The share of the second in "elasticnet".
    fit_intercept : bool
        Whether there is a bias: the weight of a feature that is the same in every row.
    max_iter : int
        The most passes over the rows.
    tol : float or None
        Training stops when the share of mistakes in a pass has not fallen by this much below the lowest for
        `n_iter_no_change` passes. With None it goes on; after a pass without a mistake it stops in any case.
    shuffle : bool
        Whether rows come in a new order in each pass.
    verbose : int
        From 1 up, a line is printed for each pass.
    eta0 : float
        What updates are multiplied by. From zero, without a penalty, it scales the weights and changes nothing else.
    n_jobs : None or int
        Of no effect: there is one model, and one row after the other. Taken for scikit-learn's users.
    random_state : int, RandomState or None
        Of the order of the rows and of what is held out.
    early_stopping : bool
        Stop when the held-out score has not risen by `tol` for `n_iter_no_change` passes, and take the weights of
        the best pass back.
    validation_fraction : float
        What `early_stopping` holds out, in the proportions of the classes, unless `fit` is given `X_val`.
    n_iter_no_change : int
        Passes without improvement after which training stops.
    class_weight : dict, "balanced" or None
        What the updates of each class's rows are multiplied by.
    warm_start : bool
        Whether `fit` goes on from the weights that are there.
    average : bool
        Predict with the mean of the weights over all steps, each as it is after its row (Freund and Schapire, 1999):
        better on data that no line separates. Mistakes are those of the plain weights in any case.
    intercept_scaling : float or None
        That feature, c: an update moves the bias by c². None takes 1 for dense rows and 0.1 for sparse ones,
        whose other features are often small beside it (scikit-learn slows the bias of sparse rows as much).
    engine : {"native", "numpy"}
        What runs the steps: machine code, or NumPy gate by gate.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes in order.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights; one row for two classes.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Biases.
    last_coef_, last_intercept_ : ndarray
        The plain weights, which `coef_` and `intercept_` are the means of with ``average=True``, and the same without.
    mistakes_ : ndarray of int
        Mistakes in each pass; `partial_fit` adds to them.
    validation_scores_ : ndarray
        Accuracy on the held-out rows after each pass; empty without such rows.
    best_iter_ : int
        The pass (from 1) with the best held-out score; with `early_stopping`, the weights are from there.
    n_iter_, t_ : int
        Passes taken, and steps plus one.
    separable_ : bool
        Whether a linear classifier gets every row right that `fit` learned from.
    margin_ : float
        By how much the best one does, see `Separation.margin`; 0 where none does.
    mistake_bound_ : float
        The most mistakes that training from zero can make on these rows in all, see `Separation.mistake_bound`, each
        row multiplied by its weight; infinity where there is no bound, or none is known (with a penalty, or from
        other weights than zero).
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Warns
    -----
    NotSeparableWarning
        When the last pass had mistakes and a linear program proves, in a fraction of a second, that they cannot end.
    ConvergenceWarning
        When `max_iter` passes did not suffice.

    Notes
    -----
    `separable_`, `margin_` and `mistake_bound_` are computed when first asked for, from the rows that `fit` was given.
    Those are kept for it as they are (neither copied nor pickled): do not change them before. What large data cost is
    said in `glassgrad.estimators.separability`.

    Examples
    --------
    >>> from glassgrad import data
    >>> from glassgrad.estimators import Perceptron
    >>> X, y = data.digits()
    >>> X, y = X[(y == 3) | (y == 8)], y[(y == 3) | (y == 8)]
    >>> model = Perceptron().fit(X, y)
    >>> model.score(X, y), int(model.mistakes_[-1]), bool(model.mistakes_.sum() <= model.mistake_bound_)
    (1.0, 0, True)
    """

    stored: ClassVar[tuple[str, ...]] = (
        "classes_", "coef_", "intercept_", "last_coef_", "last_intercept_", "mistakes_", "validation_scores_",
        "best_iter_", "n_iter_", "t_", "n_features_in_", "feature_names_in_",
    )  # fmt: skip

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **linear_model.Perceptron._parameter_constraints,
        "average": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither"), None],
        "engine": [StrOptions(set(ENGINES))],
    }

    _before: tuple[int, Array, Array] | None = None  # steps and their means from before this `Online`

    def __init__(
        self,
        *,
        penalty: str | None = None,
        alpha: float = 0.0001,
        l1_ratio: float = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        eta0: float = 1.0,
        n_jobs: int | None = None,
        random_state: Any = 0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: Any = None,
        warm_start: bool = False,
        average: bool = False,
        intercept_scaling: float | None = None,
        engine: str = "native",
    ) -> None:
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.eta0 = eta0
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.average = average
        self.intercept_scaling = intercept_scaling
        self.engine = engine

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        coef_init: ArrayLike | None = None,
        intercept_init: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Perceptron:
        """Learn from rows.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix of shape (n_samples, n_features)
            Rows of features; float32 stays float32.
        y : array_like of shape (n_samples,)
            The class of each.
        coef_init, intercept_init : array_like, optional
            Weights and biases to start from, of the shapes of `coef_` and `intercept_`.
        sample_weight : array_like of shape (n_samples,), optional
            What each row's updates are multiplied by; a row of weight 0 is left out.
        X_val, y_val, sample_weight_val : optional
            Held-out rows, scored after each pass.

        Returns
        -------
        self

        Raises
        ------
        DataError, ShapeError
            When there is one class only, weights fit nothing, or numbers overflow.
        """
        goes_on = bool(self.warm_start) and hasattr(self, "last_coef_")
        known = (self.classes_, self.last_coef_, self.last_intercept_) if goes_on else None
        X, y = base.features_and_targets(self, X, y, reset=True)
        self.classes_, codes = base.classes_and_codes(self, y)
        if known is not None and not np.array_equal(known[0], self.classes_):
            raise DataError(f"warm_start knows the classes {known[0].tolist()}, and y has {self.classes_.tolist()}")
        learned = Learned(X, codes, base.row_weights(X, y, sample_weight, self.class_weight))
        seed = base.seed_of(self.random_state)
        held = given_held_out(self, X_val, y_val, sample_weight_val)
        if held is None and self.early_stopping:
            learned, held = hold_out(learned, self.validation_fraction, seed)
        online = self._online = self._new_online(X, X.dtype, seed)
        shape = (online.outputs, online.features)
        coef, intercept = weights_to_begin_with(shape, known and known[1:], coef_init, intercept_init)
        online.W, online.b, self._before = coef.T, intercept, None
        plain = self._penalties == (0, 0) and not coef.any() and not intercept.any()
        self._learned_from(learned, from_zero=plain)
        rows = online.rows(*learned)
        stopped = self._passes(rows, held)
        self.n_iter_ = len(self.mistakes_)
        self.t_ = 1 + self.n_iter_ * len(rows)
        self._warn(stopped)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Perceptron:
        """One pass over some rows, from the weights that are there.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array_like, optional
            All classes that will ever come; needed at the first call, when `y` may lack some.

        Returns
        -------
        self

        Raises
        ------
        DataError
            For labels that are not among the classes, and for ``class_weight="balanced"``, which needs all rows.
        """
        first = not hasattr(self, "classes_")
        if isinstance(self.class_weight, str):
            raise DataError(
                "class_weight='balanced' needs all rows at once; count them and give partial_fit a dict of weights"
            )
        X, y = base.features_and_targets(self, X, y, reset=first)
        _check_partial_fit_first_call(self, classes)
        if len(self.classes_) < 2:
            raise DataError(f"a perceptron needs at least two classes, and classes is {self.classes_.tolist()}")
        codes = self._codes(y, "y")
        weight = base.row_weights(X, y, sample_weight, self.class_weight)
        online = self.__dict__.get("_online") or self._resumed(X)
        self._online = online
        rows = online.rows(X, codes, weight)
        found = online.epoch(rows, shuffle=self.shuffle)
        self._take_weights()
        self.mistakes_ = np.append(getattr(self, "mistakes_", np.zeros(0, np.int64)), _count(found))
        self.validation_scores_ = getattr(self, "validation_scores_", np.zeros(0))
        self.n_iter_, self.t_ = 1, getattr(self, "t_", 1) + len(rows)
        self._learned_from(None, from_zero=False)
        return self

    def predict(self, X: Any) -> Array:
        """The class of each row; a tie of two classes is the second."""
        check_is_fitted(self)
        return self.classes_[criteria.labels(self._scores(X))]

    def graph(self) -> Graph:
        """The graph of the step that was run: scores, criterion, update; of a restored model, that of a dense row."""
        check_is_fitted(self)
        online: Online | None = self.__dict__.get("_online")
        if online is not None:
            with contextlib.suppress(DataError):  # it was stored without its graphs
                return online.graph()
        row = np.zeros((1, self.n_features_in_), self.coef_.dtype)
        online = self._new_online(row, row.dtype, 0)
        online.epoch(row, np.zeros(1, np.int64))
        return online.graph()

    @property
    def _penalties(self) -> tuple[float, float]:
        """λ of L2 and of L1."""
        share = {None: None, "l2": 0.0, "l1": 1.0, "elasticnet": self.l1_ratio}[self.penalty]
        return (0.0, 0.0) if share is None else (self.alpha * (1 - share), self.alpha * share)

    def _constant(self, X: Any) -> float:
        if not self.fit_intercept:
            return 0.0
        usual = 0.1 if is_sparse(X) else 1.0
        return usual if self.intercept_scaling is None else float(self.intercept_scaling)

    def _new_online(self, X: Any, dtype: Any, seed: int) -> Online:
        l2, l1 = self._penalties
        outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        return Online(
            self.n_features_in_, outputs, criteria.perceptron, self.eta0, l2=l2, l1=l1, average=self.average,
            fit_intercept=self.fit_intercept, bias_rate=self._constant(X) ** 2, dtype=dtype, seed=seed,
            engine=self.engine, noted=criteria.mistakes,
        )  # fmt: skip

    def _resumed(self, X: Any) -> Online:
        """A new `Online` that goes on where the fitted attributes stand."""
        fitted = hasattr(self, "coef_")
        online = self._new_online(X, self.coef_.dtype if fitted else X.dtype, base.seed_of(self.random_state))
        if fitted:
            online.W = getattr(self, "last_coef_", self.coef_).T
            online.b = getattr(self, "last_intercept_", self.intercept_)
            online.epoch_count = len(getattr(self, "mistakes_", ()))
            self._before = (getattr(self, "t_", 1) - 1, self.coef_, self.intercept_)
        return online

    def _passes(self, rows: Rows, held: Learned | None) -> bool:
        """Pass after pass until one of the reasons to stop; whether there was one."""
        self.mistakes_, self.validation_scores_ = np.zeros(0, np.int64), np.zeros(0)
        online, best, waited, taken = self._online, np.inf, 0, None
        tol = -np.inf if self.tol is None else self.tol
        self.best_iter_ = 0
        for number in range(1, self.max_iter + 1):
            count = _count(online.epoch(rows, shuffle=self.shuffle))
            self._take_weights()
            self.mistakes_ = np.append(self.mistakes_, count)
            goal = count / len(rows)
            text = f"pass {number}: {count:,} mistakes in {len(rows):,} rows"
            if held is not None:
                score = held.accuracy(criteria.labels(online.scores(held.X, self.average)))
                if not len(self.validation_scores_) or score > self.validation_scores_.max():
                    self.best_iter_ = number
                    taken = (self.coef_, self.intercept_, self.last_coef_, self.last_intercept_)
                self.validation_scores_ = np.append(self.validation_scores_, score)
                text += f", held-out accuracy {score:.4f}"
                goal = -score if self.early_stopping else goal
            if self.verbose:
                print(text)  # noqa: T201 that is what verbose asks for
            waited = waited + 1 if goal > best - tol else 0
            best = min(best, goal)
            if count == 0 or waited >= self.n_iter_no_change:
                break
        else:
            number = None
        if self.early_stopping and taken is not None:
            self.coef_, self.intercept_, self.last_coef_, self.last_intercept_ = taken
            online.W, online.b = self.last_coef_.T, self.last_intercept_
        return number is not None

    def _take_weights(self) -> None:
        """The weights as fitted attributes."""
        online = self._online
        if not (np.isfinite(online.W).all() and np.isfinite(online.b).all()):
            raise DataError("the weights grew beyond all numbers; scale the features down, or take a smaller eta0")
        self.last_coef_, self.last_intercept_ = online.W.T.copy(), online.b.copy()
        self.coef_, self.intercept_ = self.last_coef_, self.last_intercept_
        if self.average:
            W, b = online.averaged
            means = [W.T, b]
            if self._before is not None:  # steps of which `online` does not know
                steps, *old = self._before
                share = float(steps / (steps + online.step_count))
                means = [share * x + (1 - share) * y for x, y in zip(old, means, strict=True)]
            self.coef_, self.intercept_ = (np.array(x, online.dtype) for x in means)


def _count(found: Array) -> int:
    """Mistakes of a pass, from what its steps noted."""
    return round(float(found.sum()))
