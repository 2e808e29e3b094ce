"""MLPClassifier and MLPRegressor: multilayer perceptrons with scikit-learn's names, on glassgrad's engine."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target

from glassgrad import distributions
from glassgrad.distributions import Bernoulli, BetaBernoulli, Categorical, Distribution, Gaussian
from glassgrad.errors import DataError, unknown
from glassgrad.estimators.base import classes_and_codes, features_and_targets, row_weights
from glassgrad.estimators.mlp_base import BaseMLP, custom, stochastic

Array = np.ndarray[Any, Any]


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multilayer perceptron that classifies: two classes, several, or several labels a row.

    Parameters, their order and defaults are scikit-learn's; below `max_fun` follow our own. The dtype of X is kept:
    float32 data is trained in float32, twice as fast.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each hidden layer.
    activation : str, nn.Layer, or a list with one for each hidden layer
        "identity", "relu", "abs", "leaky", "prelu", "rrelu", "elu", "maxout" (over two pieces), "logistic" or
        "sigmoid", "tanh", "softplus", "hardtanh", "rbf", or a layer such as ``nn.LeakyReLU(0.2)``.
    solver : str or Optimizer
        "adam", "sgd" (with `momentum`), "nesterov", "adamw" (`alpha` is then its decay of the weights), "rmsprop",
        "adagrad", "lbfgs" (all rows in each iteration), or one of `glassgrad.optim` with its own settings.
    alpha : float
        Strength of the penalty ½ alpha Σ‖W‖² / rows, of each batch, on the weights and not the biases.
    batch_size : int or "auto"
        Rows of a step; "auto" is 200, or all where there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"} or schedule
        The first three as in scikit-learn, "invscaling" and "adaptive" for "sgd" and "nesterov" only; or a function
        of the step, such as ``optim.Cosine(0.1, 1000)``, which takes the place of `learning_rate_init`.
    learning_rate_init, power_t : float
        The rate, and the exponent of "invscaling".
    max_iter : int
        Most epochs, or iterations of L-BFGS.
    shuffle : bool
        A new order of the rows in each epoch; without, always that in which they lie.
    random_state : int, RandomState or None
        Of first weights, order, held-out rows, dropout. The same number gives the same bits.
    tol : float
        Training ends when the loss (or with early stopping the score) has not improved by this for more than
        `n_iter_no_change` epochs; for L-BFGS, when no slope is larger.
    verbose : bool
        Show a progress bar, on the error stream.
    warm_start : bool
        Go on from the weights of the last `fit`.
    momentum, nesterovs_momentum
        Of "sgd".
    early_stopping : bool
        Hold out `validation_fraction` of the rows (or use X_val, y_val of `fit`), end training by the score on them,
        and put the best weights back. Not for L-BFGS.
    validation_fraction : float
        Share of the rows that is held out.
    beta_1, beta_2, epsilon : float
        Of "adam" and "adamw"; epsilon of "rmsprop" and "adagrad" too.
    n_iter_no_change : int or inf
        See `tol`.
    max_fun : int
        Most evaluations of L-BFGS.
    loss : "log_loss", "beta_bernoulli", Distribution, or callable
        The cost: −log p(y | x), or a function ``(output, y)`` in NumPy, perhaps with a third parameter for weights,
        that returns one number, the mean over the rows. It gets scores (rows, outputs), and y of the same shape: 0
        and 1, of several classes one column each. Its gradient is checked numerically when `fit` begins.
    class_weight : dict, "balanced" or None
        How much the rows of each class count.
    dropout : float, or a list with one for each hidden layer
        Share of the hidden units that are left out at random in each step.
    clip_norm : float, optional
        Keeps the common norm of all gradients at this or below.
    scoring : None, "loss", str or callable, optional
        What early stopping goes by: by default the accuracy; "loss" is the held-out loss; else a scorer's name, or a
        function ``(estimator, X, y)`` of which more is better.
    callbacks : sequence, optional
        `train.Callback` objects, or functions ``(trainer, history)`` called after each epoch; True ends training.
    monitor : bool
        Warn where updates are far too large or too small for the weights.
    engine : {"native", "numpy"}
        Machine code, or NumPy gate by gate.
    threads : int, optional
        Threads of the native engine; by default as many as pay. Any number gives the same bits.

    Attributes
    ----------
    classes_ : array
        The classes in order; for several labels their columns.
    net_ : nn.Sequential
        The fitted network; it puts out scores. `network()` gives it, `graph()` the training step that was run.
    distribution_ : Distribution
        How scores are read: Categorical, or Bernoulli for two classes and for labels.
    coefs_, intercepts_ : list of arrays
        Weights and biases of each layer.
    loss_, loss_curve_, best_loss_
        The mean loss of the last epoch, of each, and the lowest (None with early stopping).
    validation_scores_, validation_loss_curve_, best_validation_score_
        Of the held-out rows after each epoch; None where there are none.
    n_iter_, t_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn.

    Examples
    --------
    >>> import glassgrad as gg
    >>> from glassgrad.estimators import MLPClassifier
    >>> X, y = gg.data.xor()
    >>> model = MLPClassifier(8, "tanh", solver="lbfgs", random_state=0).fit(X, y.ravel())
    >>> print(model.predict(X))
    [0. 1. 1. 0.]
    """

    stored: ClassVar[tuple[str, ...]] = (*BaseMLP.stored, "classes_")
    class_weight: Any
    classes_: Array

    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: Any = "relu", *, solver: Any = "adam",
        alpha: float = 0.0001, batch_size: Any = "auto", learning_rate: Any = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True,
        random_state: Any = None, tol: float = 1e-4, verbose: bool = False, warm_start: bool = False,
        momentum: float = 0.9, nesterovs_momentum: bool = True,
        early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-8, n_iter_no_change: float = 10, max_fun: int = 15000, loss: Any = "log_loss",
        class_weight: Any = None, dropout: Any = 0.0, clip_norm: float | None = None, scoring: Any = None,
        callbacks: Any = None, monitor: bool = False, engine: str = "native", threads: int | None = None,
    ) -> None:  # fmt: skip
        self._keep(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None) -> MLPClassifier:
        """Train on X, of shape (rows, features), and y: labels, or for several labels a row a matrix of 0 and 1.

        Parameters
        ----------
        X, y : array_like
            Data frames and CSR matrices are taken as well.
        sample_weight : array_like, optional
            How much each row counts.
        X_val, y_val : array_like, optional
            Held-out rows, scored after each epoch; with `early_stopping` they end training.
        """
        return self._fit(X, y, sample_weight, X_val, y_val)

    @available_if(stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """One pass over these rows, going on from where the last call ended; the first call needs all `classes`.

        It never ends early, whatever `early_stopping` says.
        """
        if _check_partial_fit_first_call(self, classes) and type_of_target(y).startswith("multilabel"):
            self.classes_ = np.arange(np.shape(y)[1])
        return self._fit(X, y, sample_weight, once=True, classes=classes)

    def predict(self, X: Any) -> Array:
        """The most probable class of each row; of several labels a matrix of 0 and 1."""
        scores = self._outputs(X)
        if isinstance(self.distribution_, Categorical):
            return self.classes_[scores.argmax(axis=1)]
        found = np.asarray(self.distribution_.predict(scores)).reshape(len(scores), -1)
        return found if self.n_outputs_ > 1 else self.classes_[found[:, 0]]

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, in the order of `classes_`; of several labels that of each."""
        scores = self._outputs(X)
        found = np.asarray(self.distribution_.mean(scores))
        return np.concatenate([1 - found, found], axis=1) if found.shape[1] == 1 else found

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> Array:
        """The scores before softmax or sigmoid: one a row for two classes, else one a class or label."""
        scores = self._outputs(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        X, y = features_and_targets(self, X, y, reset=reset, multi_output=True)
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _weights(self, X: Any, y: Any, sample_weight: Any) -> Array | None:
        return row_weights(X, y, sample_weight, self.class_weight)

    def _targets(self, y: Any, first: bool, classes: Any = None) -> Array:
        given = None if classes is None else np.unique(classes)
        if y.ndim == 2:
            if not type_of_target(y).startswith("multilabel"):
                raise DataError(
                    f"y has {y.shape[1]} columns, and not all of 0 and 1: labels are one a row, or a column each with "
                    "1 where the label is given"
                )
            if first:
                self.classes_ = np.arange(y.shape[1])
            self._many_labels = True
            return y.astype(np.int64)
        self._many_labels = False
        if first:
            found, codes = classes_and_codes(self, y) if given is None else (given, None)
            self.classes_ = found
            if codes is not None:
                return self._coded(codes)
        codes = np.searchsorted(self.classes_, y)
        good = self.classes_[np.minimum(codes, len(self.classes_) - 1)] == y
        if not np.all(good):
            new = np.unique(y[~np.asarray(good)])
            raise DataError(f"y has classes that were not there before: {new!r}; `classes_` are {self.classes_!r}")
        return self._coded(codes.astype(np.int64))

    def _coded(self, codes: Array) -> Array:
        """Numbers of classes; 0 and 1 in a column for two; for a loss that is a function a column for each."""
        if len(self.classes_) == 2:
            return codes[:, None]
        if custom(self.loss) is None:
            return codes
        return (codes[:, None] == np.arange(len(self.classes_))).astype(np.int64)

    def _loss_of(self, y: Array) -> tuple[Distribution, Any, int]:
        labels = self._many_labels or len(self.classes_) == 2
        outputs = y.shape[1] if labels else len(self.classes_)
        self.out_activation_ = "logistic" if labels else "softmax"
        usual: Distribution = Bernoulli() if labels else Categorical()
        function = custom(self.loss)
        if function is not None:
            return usual, function, outputs
        name = self.loss.name if isinstance(self.loss, Distribution) else self.loss
        if name == "log_loss" or name == usual.name:
            return usual, usual, outputs
        if name == "beta_bernoulli" and labels:
            return BetaBernoulli(), BetaBernoulli(), 2 * outputs
        if isinstance(self.loss, Distribution) and type(self.loss).__module__.split(".")[0] != "glassgrad":
            return self.loss, self.loss, self.loss.outputs(y)
        raise unknown(
            "loss of such a classifier named", str(name), ["log_loss", usual.name, *["beta_bernoulli"] * labels]
        )

    def _score_of(self, output: Array, y: Array) -> float:
        found = np.asarray(self.distribution_.predict(output))
        if y.ndim == 2 and isinstance(self.distribution_, Categorical):
            y = y.argmax(axis=1)
        return float(accuracy_score(y, found.reshape(y.shape)))

    def _labels(self, y: Array) -> Array:
        if self._many_labels:
            return y
        if y.ndim == 2:
            y = y[:, 0] if y.shape[1] == 1 else y.argmax(axis=1)
        return self.classes_[y]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multilayer perceptron that predicts quantities, one or several a row.

    Parameters, their order and defaults are scikit-learn's; below `max_fun` follow our own. The dtype of X is kept:
    float32 data is trained in float32, twice as fast.

    Parameters
    ----------
    loss : str, Distribution, or callable
        The cost: "squared_error" (½ of it, summed over the outputs), "absolute_error", "poisson" (any y from 0),
        the name of a distribution ("laplace", "negative_binomial", …) or one made with settings, whose −log p(y | x)
        without constants it is; or a function ``(output, y)`` in NumPy, perhaps with a third parameter for weights,
        that returns one number, the mean over the rows. It gets outputs and y of one shape, (rows, outputs). Its
        gradient is checked numerically when `fit` begins.
    hidden_layer_sizes, activation, solver and all others
        As in `MLPClassifier`; early stopping goes by R² unless `scoring` says otherwise.

    Attributes
    ----------
    net_ : nn.Sequential
        The fitted network; of counts it puts out the logarithm of the mean. `network()` gives it, `graph()` the
        training step that was run.
    distribution_ : Distribution
        How outputs are read; Gaussian, which takes them as they are, where the loss is a function.
    coefs_, intercepts_ : list of arrays
        Weights and biases of each layer.
    loss_, loss_curve_, best_loss_
        The mean loss of the last epoch, of each, and the lowest (None with early stopping).
    validation_scores_, validation_loss_curve_, best_validation_score_
        Of the held-out rows after each epoch; None where there are none.
    n_iter_, t_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad.estimators import MLPRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=20, activation="tanh", solver="lbfgs", max_iter=1000, random_state=0)
    >>> bool(model.fit(X, np.sin(3 * X[:, 0])).score(X, np.sin(3 * X[:, 0])) > 0.999)
    True
    """

    def __init__(
        self, loss: Any = "squared_error", hidden_layer_sizes: Any = (100,), activation: Any = "relu", *,
        solver: Any = "adam", alpha: float = 0.0001, batch_size: Any = "auto", learning_rate: Any = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True,
        random_state: Any = None, tol: float = 1e-4, verbose: bool = False, warm_start: bool = False,
        momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: float = 10, max_fun: int = 15000, dropout: Any = 0.0, clip_norm: float | None = None,
        scoring: Any = None, callbacks: Any = None, monitor: bool = False, engine: str = "native",
        threads: int | None = None,
    ) -> None:  # fmt: skip
        self._keep(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None) -> MLPRegressor:
        """Train on X, of shape (rows, features), and y, of shape (rows,) or (rows, outputs).

        Parameters
        ----------
        X, y : array_like
            Data frames and CSR matrices are taken as well.
        sample_weight : array_like, optional
            How much each row counts.
        X_val, y_val : array_like, optional
            Held-out rows, scored after each epoch; with `early_stopping` they end training.
        """
        return self._fit(X, y, sample_weight, X_val, y_val)

    @available_if(stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """One pass over these rows, going on from where the last call ended, whatever `early_stopping` says."""
        return self._fit(X, y, sample_weight, once=True)

    def predict(self, X: Any) -> Array:
        """The mean of y for each row, in y's own shape."""
        output = self._outputs(X)
        return self._labels(np.asarray(self.distribution_.mean(output)))

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        X, y = features_and_targets(self, X, y, reset=reset, multi_output=True, y_numeric=True)
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _weights(self, X: Any, y: Any, sample_weight: Any) -> Array | None:
        return row_weights(X, y, sample_weight)

    def _targets(self, y: Any, first: bool, classes: Any = None) -> Array:
        y = y if y.dtype.kind == "f" else y.astype(np.float64)
        return y[:, None] if y.ndim == 1 else y

    def _loss_of(self, y: Array) -> tuple[Distribution, Any, int]:
        function = custom(self.loss)
        found: Distribution
        if function is not None:
            found = Gaussian()
        elif isinstance(self.loss, Distribution):
            found = self.loss
        elif self.loss == "poisson":
            found = distributions.Poisson(whole=False)
        else:
            found = distributions.named(str(_NAMES.get(self.loss, self.loss)))
        if isinstance(found, Categorical | Bernoulli | BetaBernoulli):
            raise unknown("loss of a regressor", found.name, [*_NAMES, "poisson", "negative_binomial"])
        self.out_activation_ = "exp" if found.name in ("poisson", "negative_binomial") else "identity"
        return found, function or found, found.outputs(y)

    def _score_of(self, output: Array, y: Array) -> float:
        found = np.asarray(self.distribution_.mean(output))
        return float(r2_score(y, found)) if np.all(np.isfinite(found)) else float("nan")


_NAMES = {"squared_error": "gaussian", "absolute_error": "laplace"}
