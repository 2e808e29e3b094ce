"""What a fitted estimator makes of rows, as one function to be traced, with names for what goes in and comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.data import Preparation
from glassgrad.distributions import Bernoulli, Categorical, Distribution
from glassgrad.errors import OperandError, UnsupportedError
from glassgrad.exchange.steps import Function, function_of
from glassgrad.exchange.tables import columns_of
from glassgrad.exchange.written import Input, Output


@dataclass(frozen=True)
class Head:
    """A function of columns, the columns it takes, and what it puts out; `about` is the model in words."""

    f: Callable[..., Any]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    about: str


def head_of(model: Any, X: Any = None, preparation: Preparation | None = None) -> Head:
    """The head of a fitted estimator, or of a Pipeline of fitted steps.

    Parameters
    ----------
    model : estimator, Pipeline or PreparedModel
        Fitted.
    X : array_like, optional
        Rows whose dtype the model is to take; by default that of the estimator's weights.
    preparation : Preparation, optional
        What makes the estimator's features of a table's columns, which the ONNX model then takes.
    """
    from sklearn.pipeline import Pipeline

    if isinstance(getattr(model, "preparation", None), Preparation):
        model, preparation = model.estimator, model.preparation
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    for step in steps:
        _check(step)
    *before, last = [step for step in steps if not (step is None or step == "passthrough")] or [None]
    transforms = [_transform(step) for step in before]
    read, outputs, dtype = _readout(last)

    def rest(x: Any) -> Any:
        for transform in transforms:
            x = transform(x)
        return read(x)

    if preparation is not None:
        columns, prepare = columns_of(preparation)
        decode = _decoder(preparation)
        return Head(lambda *xs: decode(rest(prepare(*xs))), tuple(columns), tuple(outputs), repr(model))
    if X is not None:
        given = np.asarray(X).dtype
        dtype = given if given.kind == "f" else dtype
    return Head(rest, (Input("X", (int(model.n_features_in_),), dtype),), tuple(outputs), repr(model))


def _check(step: Any) -> None:
    if isinstance(step, type) or not (hasattr(step, "get_params") or step in (None, "passthrough")):
        kind = f"the class {step.__name__}" if isinstance(step, type) else type(step).__name__
        raise OperandError(f"to_onnx takes a network, a graph or a fitted estimator, not {kind}")
    if hasattr(step, "get_params"):
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(step)


def _is_ours(step: Any) -> bool:
    from glassgrad.estimators.base import NetworkEstimator

    return isinstance(step, NetworkEstimator)


def _transform(step: Any) -> Function:
    """What a step before the last does."""
    return step.network() if _is_ours(step) and hasattr(step, "transform") else function_of(step)


def _readout(model: Any) -> tuple[Function, Sequence[Output], np.dtype[Any]]:
    """What the last step makes of rows, its outputs, and the dtype it computes in."""
    if not _is_ours(model):
        return function_of(model), [Output("variable")], np.dtype(np.float64)
    net = model.network()
    dtype = net.parameters()[0].dtype
    if hasattr(model, "transform"):
        return net, [Output("variable")], dtype
    classes = getattr(model, "classes_", None)
    if classes is None:
        distribution = getattr(model, "distribution_", None)
        return (lambda x: _mean(distribution, net(x))), [Output("variable")], dtype
    classes = _plain(np.asarray(classes))
    if not hasattr(model, "predict_proba"):
        return (lambda x: _chosen(net(x))), [Output("label", classes), Output("scores")], dtype
    distribution = getattr(model, "distribution_", None)
    if getattr(model, "n_outputs_", 1) > 1 and not isinstance(distribution, Categorical):  # several labels a row
        return (lambda x: _flags(distribution, net(x))), [Output("label"), Output("probabilities")], dtype
    shares = [Output("label", classes), Output("probabilities")]
    return (lambda x: _shares(distribution, net(x))), shares, dtype


def _plain(classes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Classes as ONNX can hold them: text, or numbers."""
    kinds = {type(c) for c in classes.tolist()}
    if len(kinds) != 1 or kinds - {str, bool, int, float}:
        names = ", ".join(sorted(k.__name__ for k in kinds))
        raise UnsupportedError(f"the classes are {names}, and in ONNX they are all text or all numbers")
    return np.array(classes.tolist()) if classes.dtype == object else classes


def _mean(distribution: Distribution | None, output: Any) -> Any:
    """The mean of a distribution; the output itself where the loss is a function."""
    return output if distribution is None else distribution.mean(output)


def _chosen(scores: Any) -> tuple[Any, Any]:
    """The class of the largest score, the first of a tie; of one score its sign, 0 counting as plus."""
    if scores.shape[-1] == 1:
        scores = scores[:, 0]
        return (scores >= 0).astype(np.int64), scores
    return np.argmax(scores, axis=-1), scores


def _shares(distribution: Distribution | None, output: Any) -> tuple[Any, Any]:
    """The most probable class, and the probability of each."""
    if distribution is None:
        distribution = Bernoulli() if output.shape[-1] == 1 else Categorical()
    mean = distribution.mean(output)
    if mean.shape[-1] == 1:
        mean = np.concatenate([1 - mean, mean], axis=-1)
    return np.reshape(distribution.predict(output), (output.shape[0],)), mean


def _flags(distribution: Distribution | None, output: Any) -> tuple[Any, Any]:
    """Which labels a row has, and the probability of each."""
    distribution = Bernoulli() if distribution is None else distribution
    mean = distribution.mean(output)
    return np.reshape(distribution.predict(output), mean.shape), mean


def _decoder(preparation: Preparation) -> Function:
    """Scaled numbers back as those of the target; classes stay as they are."""
    target = preparation.target
    if target is None or target.task == "classification":
        return lambda found: found
    return lambda found: found.astype(np.float64) * target.scale + target.mean
