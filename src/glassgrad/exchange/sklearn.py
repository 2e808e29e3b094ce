"""from_sklearn: scikit-learn's fitted models as ours, with their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.distributions import Bernoulli, Categorical, Gaussian, Poisson
from glassgrad.errors import OperandError, UnsupportedError

_MLP = (
    "out_activation_", "n_iter_", "t_", "loss_", "loss_curve_", "best_loss_", "validation_scores_",
    "best_validation_score_",
)  # fmt: skip
"""What both kinds of multilayer perceptron note of training."""


def from_sklearn(model: Any) -> Any:
    """A fitted model of scikit-learn as the estimator of glassgrad, with the same predictions.

    Settings, weights and what was noted of training are carried over, so that ``warm_start`` and
    ``partial_fit`` go on from there; the state of an optimiser (momentum) starts anew. Losses noted by a Poisson
    regression differ from ours by a constant of the data.

    Parameters
    ----------
    model : estimator
        A fitted Perceptron, LogisticRegression, MLPClassifier, MLPRegressor, or SGDClassifier with
        ``loss="log_loss"`` (two classes) or ``"perceptron"``. A Perceptron of several classes, which scikit-learn
        trains one against the rest, goes on as the one model of all classes that ours is.

    Returns
    -------
    estimator
        Of `glassgrad.estimators`, in the dtype of the model's weights.

    Raises
    ------
    UnsupportedError
        For a model that has no equal here, with the reason.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> import glassgrad as gg
    >>> X, y = load_iris(return_X_y=True)
    >>> theirs = LogisticRegression(max_iter=1000).fit(X, y)
    >>> ours = gg.exchange.from_sklearn(theirs)
    >>> bool((abs(ours.predict_proba(X) - theirs.predict_proba(X)) < 1e-6).all())
    True
    """
    from sklearn.utils.validation import check_is_fitted

    kind = type(model)
    if isinstance(model, type) or not hasattr(model, "get_params"):
        raise OperandError(f"from_sklearn takes a fitted model of scikit-learn, not {_kind(model)}")
    if kind.__name__ not in _KINDS or not kind.__module__.startswith("sklearn."):
        raise UnsupportedError(f"{kind.__name__} has no equal here; these have: {', '.join(_KINDS)}")
    check_is_fitted(model)
    return _KINDS[kind.__name__](model)


def _kind(x: Any) -> str:
    return f"the class {x.__name__}" if isinstance(x, type) else type(x).__name__


def _made(kind: type[Any], model: Any, **changed: Any) -> Any:
    """An estimator of ours with a model's settings, as far as both have them."""
    own = kind().get_params()
    ours = kind(**{**{name: v for name, v in model.get_params().items() if name in own}, **changed})
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(model, name):
            setattr(ours, name, getattr(model, name))
    return ours


def _mlp(kind: type[Any], model: Any) -> Any:
    """Weights and notes of a multilayer perceptron."""
    from glassgrad.estimators.networks import build, connections, widths

    weights, biases = model.coefs_, model.intercepts_
    hidden = widths(model.hidden_layer_sizes)
    ours = _made(kind, model)
    net = build(model.n_features_in_, hidden, weights[-1].shape[1], model.activation, 0.0, weights[0].dtype)
    for layer, W, b in zip(connections(net), weights, biases, strict=True):
        assert isinstance(layer, nn.Linear)
        assert layer.b is not None
        layer.W.value, layer.b.value = W, b
    ours.net_ = net.initialise(0)
    ours.n_outputs_, ours.n_layers_ = model.n_outputs_, model.n_layers_
    for name in _MLP:
        value = getattr(model, name, None)
        setattr(ours, name, list(value) if isinstance(value, list) else value)
    ours.validation_loss_curve_ = None
    return ours


def _mlp_classifier(model: Any) -> Any:
    from glassgrad.estimators import MLPClassifier

    ours = _mlp(MLPClassifier, model)
    ours.classes_ = np.array(model.classes_)
    ours.distribution_ = Categorical() if model.out_activation_ == "softmax" else Bernoulli()
    ours._many_labels = model._label_binarizer.y_type_.startswith("multilabel")
    return ours


def _mlp_regressor(model: Any) -> Any:
    from glassgrad.estimators import MLPRegressor

    ours = _mlp(MLPRegressor, model)
    if model.out_activation_ == "identity":  # scikit-learn takes the mean over the outputs of a row, and we the sum
        ours.loss_curve_ = [loss * ours.n_outputs_ for loss in ours.loss_curve_]
        ours.loss_, ours.best_loss_ = (v and v * ours.n_outputs_ for v in (ours.loss_, ours.best_loss_))
    ours.distribution_ = Poisson(whole=False) if model.out_activation_ == "exp" else Gaussian()
    return ours


def _linear(ours: Any, model: Any) -> Any:
    """Weights of a linear classifier."""
    for name in ("classes_", "coef_", "intercept_"):
        setattr(ours, name, np.array(getattr(model, name)))
    return ours


def _logistic(model: Any, **changed: Any) -> Any:
    from glassgrad.estimators import LogisticRegression

    ours = _linear(_made(LogisticRegression, model, **changed), model)
    ours.distribution_ = Bernoulli() if len(ours.classes_) == 2 else Categorical()
    ours.n_iter_, ours.t_ = np.array(np.atleast_1d(model.n_iter_), np.int32), int(getattr(model, "t_", 1)) - 1
    ours.loss_curve_, ours.validation_loss_curve_ = [], None
    return ours


def _perceptron(model: Any, **changed: Any) -> Any:
    from glassgrad.estimators import Perceptron

    ours = _linear(_made(Perceptron, model, **changed), model)
    ours.last_coef_ = np.array(getattr(model, "standard_coef_", model.coef_)).reshape(ours.coef_.shape)
    ours.last_intercept_ = np.array(getattr(model, "standard_intercept_", model.intercept_))
    ours.mistakes_, ours.validation_scores_ = np.zeros(0, np.int64), np.zeros(0)
    ours.n_iter_ = ours.best_iter_ = int(model.n_iter_)
    ours.t_ = int(model.t_)
    return ours


def _descent(model: Any) -> Any:
    """SGDClassifier, which is one model or the other by its loss."""
    average = bool(model.average) and model.average <= model.t_
    if model.loss == "perceptron":
        return _perceptron(model, average=average, eta0=model.eta0 or 1.0)
    if model.loss != "log_loss":
        raise UnsupportedError(
            f"SGDClassifier(loss={model.loss!r}) has no equal here; loss='log_loss' and 'perceptron' have"
        )
    if len(model.classes_) > 2:
        raise UnsupportedError(
            f"SGDClassifier told {len(model.classes_)} classes apart one against the rest, which gives other "
            "probabilities than the softmax of LogisticRegression; with two classes they are the same"
        )
    rows = (model.t_ - 1) / model.n_iter_
    constant = model.learning_rate == "constant"
    return _logistic(
        model,
        penalty="deprecated",
        C=np.inf if model.penalty is None or not model.alpha else 1 / (model.alpha * rows),
        l1_ratio={"l1": 1.0, "elasticnet": model.l1_ratio}.get(str(model.penalty), 0.0),
        solver="sgd",
        learning_rate="constant" if constant else "optimal",
        eta0=model.eta0 if constant else None,
        tol=model.tol or 0.0,
        average=average,
    )


_KINDS: dict[str, Callable[[Any], Any]] = {
    "LogisticRegression": _logistic,
    "MLPClassifier": _mlp_classifier,
    "MLPRegressor": _mlp_regressor,
    "Perceptron": _perceptron,
    "SGDClassifier": _descent,
}
"""For each model of scikit-learn that has an equal here, how that is made."""
