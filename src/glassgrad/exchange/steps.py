"""What scikit-learn's preparing steps do to a matrix, as functions of NumPy: for the steps of a Pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.errors import UnsupportedError

Function = Callable[[Any], Any]


def _like(values: Any, x: Any) -> Any:
    """Fitted numbers in the dtype of X, which scikit-learn keeps."""
    return np.asarray(values).astype(x.dtype)


def _standard(s: Any) -> Function:
    def f(x: Any) -> Any:
        x = x if s.mean_ is None or not s.with_mean else x - _like(s.mean_, x)
        return x if s.scale_ is None or not s.with_std else x / _like(s.scale_, x)

    return f


def _min_max(s: Any) -> Function:
    def f(x: Any) -> Any:
        scaled = x * _like(s.scale_, x) + _like(s.min_, x)
        return np.clip(scaled, *s.feature_range) if s.clip else scaled

    return f


def _robust(s: Any) -> Function:
    def f(x: Any) -> Any:
        x = x - _like(s.center_, x) if s.with_centering else x
        return x / _like(s.scale_, x) if s.with_scaling else x

    return f


def _normalizer(s: Any) -> Function:
    sizes: dict[str, Function] = {
        "l1": lambda x: np.sum(np.abs(x), axis=1, keepdims=True),
        "l2": lambda x: np.sqrt(np.sum(np.square(x), axis=1, keepdims=True)),
        "max": lambda x: np.max(np.abs(x), axis=1, keepdims=True),
    }

    def f(x: Any) -> Any:
        size = sizes[s.norm](x)
        return x / np.where(size == 0, 1, size)

    return f


def _imputer(s: Any) -> Function:
    if not (isinstance(s.missing_values, float) and np.isnan(s.missing_values)):
        raise UnsupportedError(f"SimpleImputer(missing_values={s.missing_values!r}): to_onnx takes NaN as missing only")
    statistics = np.asarray(s.statistics_, np.float64)
    kept = np.flatnonzero(~np.isnan(statistics))

    def f(x: Any) -> Any:
        gone = np.isnan(x)
        filled = np.where(gone, _like(np.nan_to_num(statistics), x), x)[:, kept]
        if not s.add_indicator:
            return filled
        return np.concatenate([filled, gone[:, np.asarray(s.indicator_.features_)].astype(x.dtype)], axis=1)

    return f


def _pca(s: Any) -> Function:
    def f(x: Any) -> Any:
        turned = (x - _like(s.mean_, x)) @ _like(s.components_.T, x)
        return turned / _like(np.sqrt(s.explained_variance_), x) if s.whiten else turned

    return f


STEPS: dict[str, Callable[[Any], Function]] = {
    "MaxAbsScaler": lambda s: lambda x: x / _like(s.scale_, x),
    "MinMaxScaler": _min_max,
    "Normalizer": _normalizer,
    "PCA": _pca,
    "RobustScaler": _robust,
    "SimpleImputer": _imputer,
    "StandardScaler": _standard,
}
"""For each of scikit-learn's steps that are known here, its fitted object to its function."""


def function_of(step: Any) -> Function:
    """What a fitted step of a Pipeline does.

    Raises
    ------
    UnsupportedError
        For a step that is not known here.
    """
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return lambda x: x
    kind = type(step)
    make = STEPS.get(kind.__name__) if kind.__module__.startswith("sklearn.") else None
    if make is None:
        raise UnsupportedError(
            f"to_onnx does not know the step {kind.__name__}; it knows {', '.join(STEPS)} and glassgrad's own"
        )
    return make(step)
