"""LogisticRegression: probabilities of classes from a weighted sum of the features."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from glassgrad.distributions import Bernoulli, Categorical, Distribution
from glassgrad.errors import DataError, OperandError, UnsupportedError
from glassgrad.estimators import base
from glassgrad.estimators.linear import LinearClassifier
from glassgrad.estimators.logistic_fit import Problem, learn, online, solve, weights_of
from glassgrad.estimators.logistic_settings import CONSTRAINTS, ONLINE, strength
from glassgrad.estimators.progress import HeldOut, Progress
from glassgrad.graphs import Graph
from glassgrad.ops.composed import log_softmax
from glassgrad.train.online import Online

Array = np.ndarray[Any, Any]


def _online(estimator: Any) -> bool:
    if estimator.solver in ONLINE:
        return True
    raise AttributeError(
        f"solver={estimator.solver!r} takes all rows at once; partial_fit needs solver='sgd' or 'minibatch'"
    )


class LogisticRegression(LinearClassifier):
    """Logistic regression for two classes, softmax regression for more, with scikit-learn's objective.

    Minimises C Σ wᵢ −log p(yᵢ | xᵢ) + (1 − l1_ratio)/2 ‖W‖² + l1_ratio ‖W‖₁; the bias is not penalised. Two classes
    have one score z = w·x + b and p = σ(z); more have one each and p = softmax(z). The cost is a graph, and its
    gradient and Hessian products are compiled; X's dtype is kept.

    Parameters
    ----------
    penalty : {"l1", "l2", "elasticnet"} or None
        Deprecated as in scikit-learn 1.8: use `l1_ratio` and `C`.
    C : float
        How much the data count beside the penalty; ``np.inf`` for no penalty.
    l1_ratio : float
        Share of L1 in the penalty, from 0 to 1. Above 0 it needs solver "proximal", "saga", "liblinear", or one of the
        gradient descents, which truncate the weights.
    dual, intercept_scaling
        Taken because scikit-learn's liblinear has them; without effect.
    tol : float
        The solvers that take all rows end when no element of the gradient (with L1: of the smallest subgradient) of
        the objective ÷ (C Σ w) is larger. The gradient descents end when the loss has not fallen by `tol` for
        `n_iter_no_change` passes.
    fit_intercept : bool
        Whether there is a bias.
    class_weight : dict, "balanced" or None
        Weights of classes, multiplied with `sample_weight`.
    random_state : int, RandomState or None
        For the order of the rows in "sgd" and "minibatch", and for the rows held out by `early_stopping`.
    solver : str
        "lbfgs" (SciPy's L-BFGS-B), "newton-cg", "proximal" (L1 and elastic net: `ProximalNewton`); "gd", "minibatch"
        and "sgd" (gradient descent with all, some, or one row a step). scikit-learn's other names are taken and mean
        the solver here with the same objective: "newton-cholesky" is "newton-cg"; "sag" and "saga" are "lbfgs";
        "liblinear" is "newton-cg"; "saga" and "liblinear" with L1 are "proximal". scikit-learn's liblinear penalises
        the bias too and takes two classes only; here neither is so.
    max_iter : int
        Iterations at most; for the gradient descents passes over the data.
    verbose : int
        Above 0, print each iteration.
    warm_start : bool
        Start from the weights of the last fit.
    n_jobs : int, optional
        Threads; by default as many as pay. The result has the same bits for any number.
    batch_size : int, optional
        Rows in a step of "minibatch" (200 by default) and "sgd" (1).
    learning_rate : {"optimal", "constant"} or callable
        "optimal" falls as 1 / (1 + decay · step); a callable is a schedule: a function of the step, counted from 0,
        in NumPy functions.
    eta0 : float, optional
        The first learning rate; by default 1 ÷ an estimate of how strongly the cost is curved.
    average : bool
        Use the mean of the weights over all steps of a gradient descent.
    early_stopping : bool
        End when the loss of held-out rows has not fallen by `tol` for `n_iter_no_change` iterations, and take the
        weights where it was lowest. The rows are `X_val`, `y_val` of `fit` where given.
    validation_fraction : float
        Share of the rows held out for that otherwise.
    n_iter_no_change : int
        See `tol` and `early_stopping`.
    callbacks : callable or list of callables, optional
        Called after each iteration as ``callback(estimator, iteration)``, with `coef_`, `intercept_` and
        `loss_curve_` up to date; ends the fit by returning True.
    engine : {"native", "numpy"}
        What runs the graphs.

    Attributes
    ----------
    classes_ : array, shape ``(n_classes,)``
    coef_ : array, shape ``(1, n_features)`` or ``(n_classes, n_features)``
    intercept_ : array, shape ``(1,)`` or ``(n_classes,)``
        Zeros without `fit_intercept`.
    n_iter_ : array of int, shape ``(1,)``
        Iterations, or passes.
    loss_curve_ : list of float
        The objective ÷ (C Σ w) after each iteration; for gradient descents the mean over the pass.
    validation_loss_curve_ : list of float or None
        The mean of −log p over the held-out rows after each iteration.
    distribution_ : Bernoulli or Categorical
        The cost's distribution.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import glassgrad as gg
    >>> from glassgrad.estimators import LogisticRegression
    >>> X, X_test, y, y_test = gg.data.split(*gg.data.digits(), stratify=True)
    >>> model = LogisticRegression().fit(X, y)
    >>> model.score(X_test, y_test) > 0.95
    True
    """

    stored: ClassVar[tuple[str, ...]] = (
        "classes_", "coef_", "intercept_", "n_iter_", "loss_curve_", "validation_loss_curve_", "distribution_",
        "n_features_in_", "feature_names_in_", "t_",
    )  # fmt: skip
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    def __init__(
        self,
        penalty: Any = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
        batch_size: int | None = None,
        learning_rate: Any = "optimal",
        eta0: float | None = None,
        average: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        callbacks: Any = None,
        engine: str = "native",
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.average = average
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.engine = engine

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Learn from rows and their classes.

        Parameters
        ----------
        X : array_like, data frame or SciPy sparse matrix, shape ``(n_rows, n_features)``
        y : array_like, shape ``(n_rows,)``
            Classes.
        sample_weight : array_like, shape ``(n_rows,)``, optional
            How much each row counts.
        X_val, y_val, sample_weight_val : optional
            Held-out rows, whose loss is noted after each iteration.

        Raises
        ------
        DataError
            With one class only; where a gradient descent has diverged.
        UnsupportedError
            For L1 with a solver that cannot have it.
        """
        self._validate_params()
        C, ratio = strength(self)
        before = (self.classes_, self.coef_, self.intercept_) if self.warm_start and hasattr(self, "coef_") else None
        X, labels = base.features_and_targets(self, X, y, reset=True)
        self.classes_, codes = base.classes_and_codes(self, labels)
        weight = base.row_weights(X, labels, sample_weight, self.class_weight)
        generator = check_random_state(self.random_state)
        problem = self._problem(X, codes, weight, C, ratio)
        held_out = self._held_out(X_val, y_val, sample_weight_val)
        if self.early_stopping and held_out is None:
            problem, held_out = self._split(problem, generator)
        start = self._start(before, X.dtype)
        progress = self._progress(held_out)
        if self.solver in ONLINE:
            model = self._online_model(problem, start, base.seed_of(generator))
            iterations = learn(model, problem, self, progress, self.max_iter)
            params, self._made = weights_of(model, self), model
        else:
            params, iterations, self._made = solve(problem, self, start, progress, self._threads())
        self._fitted(params if progress.best is None else progress.best)
        self.n_iter_ = np.array([iterations], np.int32)
        self.t_ = self._made.step_count if isinstance(self._made, Online) else 0
        return self

    @available_if(_online)
    def partial_fit(
        self, X: Any, y: ArrayLike, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn from more rows, in one pass; for solver "sgd", "minibatch" or "gd".

        The penalty counts as beside the rows of the first call: 1 ÷ (C · rows) for each of them.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array_like, shape ``(n_classes,)``
            All classes that there can be; needed in the first call.
        """
        self._validate_params()
        C, ratio = strength(self)
        first = not hasattr(self, "coef_")
        if self.class_weight == "balanced":
            raise UnsupportedError("class_weight='balanced' needs all rows at once: give partial_fit a dict of weights")
        X, labels = base.features_and_targets(self, X, y, reset=first)
        if first:
            if classes is None:
                raise DataError("the first call of partial_fit needs `classes`: all classes that there can be")
            self.classes_, _ = base.classes_and_codes(self, np.asarray(classes))
            self.loss_curve_, self.validation_loss_curve_, self.n_iter_ = [], None, np.zeros(1, np.int32)
        elif classes is not None and not np.array_equal(self.classes_, np.unique(classes)):
            raise DataError(f"`classes` are {np.unique(classes)}, and were {self.classes_} in the first call")
        codes = self._codes(labels, "y")
        weight = base.row_weights(X, labels, sample_weight, self.class_weight, self.classes_)
        problem = self._problem(X, codes, weight, C, ratio)
        model = getattr(self, "_made", None)
        if not isinstance(model, Online):  # the first call, or an estimator that was read from disk
            before = None if first else (self.classes_, self.coef_, self.intercept_)
            seed = base.seed_of(self.random_state)
            model = self._online_model(problem, self._start(before, X.dtype), seed)
            model.step_count = 0 if first else self.t_
        progress = Progress(losses=self.loss_curve_)
        learn(model, problem, self, progress, 1)
        self._made, self.t_ = model, model.step_count
        self._fitted(weights_of(model, self))
        self.n_iter_ = self.n_iter_ + np.int32(1)
        return self

    def _threads(self) -> int | None:
        return None if self.n_jobs is None else effective_n_jobs(self.n_jobs)

    def _problem(self, X: Any, codes: Array, weight: Array | None, C: float, ratio: float) -> Problem:
        binary = len(self.classes_) == 2
        self.distribution_: Distribution = Bernoulli() if binary else Categorical()
        outputs = 1 if binary else len(self.classes_)
        return Problem(X, codes, weight, self.distribution_, outputs, C, ratio, self.fit_intercept)

    def _start(self, before: Any, dtype: Any) -> list[Array]:
        """Zeros, or the weights of the fit before where they fit."""
        n = len(self.classes_)
        shape = (self.n_features_in_, 1 if n == 2 else n)
        W, b = np.zeros(shape, dtype), np.zeros(shape[1], dtype)
        if before is not None and np.array_equal(before[0], self.classes_) and before[1].T.shape == shape:
            W, b = before[1].T.astype(dtype), before[2].astype(dtype)
        return [W, b] if self.fit_intercept else [W]

    def _held_out(self, X: Any, y: Any, sample_weight: Any) -> HeldOut | None:
        """The held-out rows that `fit` was given, checked."""
        if X is None:
            return None
        if y is None:
            raise OperandError("X_val needs y_val, the classes of its rows")
        X, y = base.features_and_targets(self, X, y, reset=False)
        weight = base.row_weights(X, y, sample_weight)
        return HeldOut(X, self._codes(y, "y_val"), weight, self.distribution_)

    def _split(self, problem: Problem, generator: Any) -> tuple[Problem, HeldOut]:
        """A part of the rows to learn from, and the others held out."""
        codes, weight = problem.y, problem.weight
        stratify = base.in_shares(codes, self.validation_fraction)
        parts = train_test_split(
            np.arange(len(codes)), test_size=self.validation_fraction, random_state=generator, stratify=stratify
        )
        (X, y, w), out = [(problem.X[p], codes[p], None if weight is None else weight[p]) for p in parts]
        return replace(problem, X=X, y=y, weight=w), HeldOut(*out, self.distribution_)

    def _progress(self, held_out: HeldOut | None) -> Progress:
        patience = self.n_iter_no_change if self.early_stopping or self.solver in ONLINE else None
        given = self.callbacks
        callbacks = [] if given is None else [given] if callable(given) else list(given)
        progress = Progress(
            held_out, patience, self.early_stopping, self.tol, self.verbose, [self._told(c) for c in callbacks]
        )
        self.loss_curve_ = progress.losses
        self.validation_loss_curve_ = None if held_out is None else progress.held_out_losses
        return progress

    def _told(self, callback: Any) -> Any:
        """A user's callback as one that is handed the parameters."""

        def tell(number: int, params: Any) -> Any:
            self._fitted(params)
            return callback(self, number)

        return tell

    def _online_model(self, problem: Problem, start: list[Array], seed: int) -> Online:
        model = online(problem, self, seed, self._threads())
        model.W = start[0]
        if self.fit_intercept:
            model.b = start[1]
        return model

    def predict_proba(self, X: Any) -> Array:
        """The probability of every class, shape ``(n_rows, n_classes)``."""
        check_is_fitted(self)
        p = np.asarray(self.distribution_.mean(self._scores(X)))
        return np.concatenate([1 - p, p], axis=1) if p.shape[1] == 1 else p

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of every class's probability; exact also where a probability rounds to 0."""
        check_is_fitted(self)
        z = self._scores(X)
        if z.shape[1] == 1:
            return np.concatenate([-np.logaddexp(0, z), -np.logaddexp(0, -z)], axis=1)
        return np.asarray(log_softmax(z))

    def graph(self) -> Graph:
        """The graph that was run: of a block's cost and gradient, or of a step of gradient descent.

        Raises
        ------
        DataError
            When the estimator was not fitted in this process.
        """
        check_is_fitted(self)
        made = getattr(self, "_made", None)
        if made is None:
            raise DataError("the graph is of the run, and this estimator was read from disk: fit it again to see one")
        return made.graph()
