"""Fitted estimators on disk: safetensors and JSON, as a folder or as one file, never pickle.

What is stored is what the estimator was made with (`get_params`) and the fitted attributes it lists in `stored`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from glassgrad import nn
from glassgrad.errors import DataError, OperandError, UnsupportedError, reason, unknown
from glassgrad.estimators.base import NetworkEstimator
from glassgrad.storage import documents
from glassgrad.storage.layers import BROKEN, known_layers
from glassgrad.storage.values import pack, unpack

Array = np.ndarray[Any, Any]
FORMAT = "glassgrad estimator"
VERSION = 1
LONGEST = 1 << 28
"""Bytes that a description with the names of many features may need."""
_FEATURES = ("n_features_in_", "feature_names_in_")


def save(
    estimator: NetworkEstimator,
    path: str | os.PathLike[str],
    info: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a fitted estimator into a folder, or into one file, complete or not at all.

    Parameters
    ----------
    estimator : estimator
        Of `glassgrad.estimators`, fitted.
    path : path
        A folder, or a name that ends in ``.glassgrad`` or ``.safetensors`` for one file.
    info : mapping, optional
        Anything else worth keeping, as JSON can hold it.
    overwrite : bool
        Replace a model that is there. Other files in a folder stay.

    Returns
    -------
    Path
        The folder or file.

    Raises
    ------
    DataError
        When something of this name exists, unless `overwrite`.
    UnsupportedError
        When a parameter is no plain data, such as a function.
    NotFittedError
        When the estimator is not fitted.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from glassgrad import data, estimators
    >>> X, y = data.digits()
    >>> model = estimators.LogisticRegression(max_iter=5, tol=1.0).fit(X[:200], y[:200])
    >>> with tempfile.TemporaryDirectory() as there:
    ...     path = estimators.save(model, pathlib.Path(there) / "digits.glassgrad")
    ...     again = estimators.load(path)
    >>> bool((again.predict(X) == model.predict(X)).all())
    True
    """
    path = Path(path)
    documents.refuse_to_overwrite(path, overwrite)
    entry, arrays = describe_estimator(estimator)
    content = {**entry, "info": documents.plain_info(info)}
    return documents.write(path, FORMAT, VERSION, content, arrays, overwrite)


def load(
    path: str | os.PathLike[str],
    layers: Iterable[type[nn.Layer]] = (),
    estimators: Iterable[type[NetworkEstimator]] = (),
) -> Any:
    """Read a fitted estimator back.

    Parameters
    ----------
    path : path
        Where `save` put it.
    layers, estimators : iterables of classes
        Your own layers and estimators, if the model has any: only these and glassgrad's own are made.

    Returns
    -------
    estimator
        Fitted, of the class it had.

    Raises
    ------
    DataError
        When files are missing, damaged, of a newer version, do not describe an estimator, or name a layer or an
        estimator that is not known here.
    """
    path = Path(path)
    document, arrays = documents.read(path, FORMAT, VERSION, LONGEST)
    return rebuild_estimator(document, arrays, path, layers, estimators)


def describe_estimator(estimator: NetworkEstimator) -> tuple[dict[str, Any], dict[str, Array]]:
    """A fitted estimator as plain data and arrays, to be stored as a part of something.

    Raises
    ------
    UnsupportedError, NotFittedError
        As `save` does.
    """
    if not isinstance(estimator, NetworkEstimator):
        raise OperandError(f"an estimator of glassgrad.estimators can be stored, not {type(estimator).__name__}")
    check_is_fitted(estimator)
    arrays: dict[str, Array] = {}
    parameters = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            parameters[name] = pack(value, f"parameters.{name}", arrays)
        except UnsupportedError as error:
            raise UnsupportedError(
                f"{reason(error)}\n  what was learned does not hang on it: store a copy after set_params({name}=…), "
                "or keep the model with its Python code"
            ) from error
    names = [n for n in dict.fromkeys((*type(estimator).stored, *_FEATURES)) if hasattr(estimator, n)]
    fitted = {name: pack(getattr(estimator, name), name, arrays) for name in names}
    return {"estimator": type(estimator).__name__, "parameters": parameters, "fitted": fitted}, arrays


def rebuild_estimator(
    entry: Mapping[str, Any],
    arrays: Mapping[str, Array],
    path: Path,
    layers: Iterable[type[nn.Layer]] = (),
    estimators: Iterable[type[NetworkEstimator]] = (),
) -> Any:
    """The estimator that `describe_estimator` gave this of; `path` is what messages name.

    Raises
    ------
    DataError
        As `load` does.
    """
    known = known_layers(layers)
    classes = {kind.__name__: kind for kind in (*_own(), *estimators)}
    name = entry.get("estimator")
    if not isinstance(name, str) or name not in classes:
        raise DataError(f"{path} cannot be read: {reason(unknown('estimator', f'{name}', classes))}")
    kind = classes[name]
    try:
        parameters, fitted = (
            {n: unpack(v, arrays, known, path.name) for n, v in _plain_dict(entry, part).items()}
            for part in ("parameters", "fitted")
        )
        for odd in [n for n in parameters if n not in kind._get_param_names()]:
            raise DataError(f"{name} has no parameter {odd!r:.40}")
        for odd in [n for n in fitted if n not in (*kind.stored, *_FEATURES)]:
            raise DataError(f"{name} keeps nothing of the name {odd!r:.40}")
        estimator = kind(**parameters)
        for attribute, value in fitted.items():
            setattr(estimator, attribute, value)
    except BROKEN as error:
        raise DataError(f"{path} does not describe an estimator: {reason(error)}") from error
    _prove(estimator, arrays, path)
    return estimator


def _own() -> list[type[NetworkEstimator]]:
    """Every estimator of the package that has been imported."""
    found, left = [], list(NetworkEstimator.__subclasses__())
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        if kind.__module__.startswith("glassgrad.estimators."):
            found.append(kind)
    return found


def _plain_dict(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = entry.get(name)
    if not isinstance(part, dict):
        raise DataError(f"its '{name}' is missing or wrong")
    return part


def _prove(estimator: Any, arrays: Mapping[str, Array], path: Path) -> None:
    """Whether the parts fit together: the network takes a row of as many features as the estimator says.

    Anything may come of parts that do not, so anything is caught.
    """
    try:
        check_is_fitted(estimator)
        features = estimator.n_features_in_
        most = sum(a.size for a in arrays.values())
        if isinstance(features, bool) or not isinstance(features, int) or not 1 <= features <= most:
            raise DataError(f"n_features_in_ is {features!r:.40}")
        net = estimator.network()
        dtype = net.parameters()[0].dtype
        output = np.asarray(net(np.zeros((1, features), dtype)).value)
        classes = getattr(estimator, "classes_", None)
        if classes is None and is_classifier(estimator):
            raise DataError("it classifies, and its classes are missing")
        if classes is not None and isinstance(classes, np.ndarray) and classes.ndim == 1:
            needed = (1, 2) if len(classes) == 2 else (len(classes),)
            if output.shape[-1] not in needed:
                raise DataError(f"it has {len(classes)} classes and {output.shape[-1]} outputs")
    except Exception as error:
        raise DataError(f"{path} is no estimator whose parts fit together: {reason(error)}") from error
