"""What the estimators share: data checked as scikit-learn does it, classes, weights of rows, the network opened."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from glassgrad import nn
from glassgrad.errors import DataError
from glassgrad.graphs import Graph
from glassgrad.train.inputs import all_finite

Array = np.ndarray[Any, Any]
FLOATS = (np.float64, np.float32)


class NetworkEstimator(BaseEstimator):
    """A scikit-learn estimator whose model is a network that can be opened.

    Attributes
    ----------
    stored : tuple of str
        The fitted attributes that make a fitted estimator again: numbers, text, arrays, layers, distributions.
    """

    stored: ClassVar[tuple[str, ...]] = ()

    def network(self) -> nn.Layer:
        """The fitted network: features in, scores (or means before the link) out."""
        raise NotImplementedError

    def graph(self) -> Graph:
        """The graph of one training step, as it was run: forward, backward, update."""
        raise NotImplementedError


def features(estimator: Any, X: Any, *, reset: bool, sparse: bool = True) -> Any:
    """X as a matrix of float32 or float64, whichever it has (others become float64); CSR where it is sparse."""
    if not reset and _surely_good(estimator, X):
        return X
    return validate_data(estimator, X, reset=reset, dtype=FLOATS, order="C", accept_sparse="csr" if sparse else False)


def _surely_good(estimator: Any, X: Any) -> bool:
    """Whether scikit-learn's checks would find nothing and change nothing: for one row they take 100 µs."""
    known = vars(estimator)
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and (X.dtype == np.float32 or X.dtype == np.float64)
        and X.dtype.isnative
        and X.flags.c_contiguous
        and len(X) > 0
        and X.shape[1] == known.get("n_features_in_")
        and "feature_names_in_" not in known
        and all_finite(X)
    )


def features_and_targets(estimator: Any, X: Any, y: Any, *, reset: bool, sparse: bool = True, **checks: Any) -> Any:
    """X as `features` has it, and y beside it; `checks` are further settings of scikit-learn's `validate_data`."""
    return validate_data(
        estimator, X, y, reset=reset, dtype=FLOATS, order="C", accept_sparse="csr" if sparse else False, **checks
    )


def classes_and_codes(estimator: Any, y: Array) -> tuple[Array, Array]:
    """The classes in order, and for each row the number of its class.

    Raises
    ------
    DataError
        When there is one class only.
    """
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"{type(estimator).__name__} needs at least two classes to tell apart, and y has one class only: "
            f"{shown(classes[0])}"
        )
    return classes, codes.astype(np.int64)


def shown(label: Any) -> str:
    """A class in a message, without NumPy's name of its type."""
    return repr(label.item() if isinstance(label, np.generic) else label)


def row_weights(
    X: Any, y: Array, sample_weight: Any, class_weight: Any = None, classes: Array | None = None
) -> Array | None:
    """How much each row counts; None where all count alike.

    class_weight="balanced" balances the weights of the rows, not their number; `classes` are those there can be, in
    order, where `y` may lack some.
    """
    if sample_weight is None and class_weight is None:
        return None
    weight = _check_sample_weight(
        sample_weight, X, dtype=X.dtype, ensure_non_negative=True, allow_all_zero_weights=True
    )
    if class_weight is not None:
        classes = np.unique(y) if classes is None else classes
        counts = weight > 0  # a class without a row that counts is as if it were not there
        there = np.isin(classes, y[counts])
        each = np.ones(len(classes), X.dtype)
        if class_weight != "balanced":
            each[:] = compute_class_weight(class_weight, classes=classes, y=y)
        elif there.any():
            each[there] = compute_class_weight(
                "balanced", classes=classes[there], y=y[counts], sample_weight=weight[counts]
            )
        weight = weight * each[np.searchsorted(classes, y)]
    if not weight.any():
        what = "sample_weight" if class_weight is None else "sample_weight, times class_weight,"
        raise DataError(f"{what} is zero for every row, so there is nothing to learn from")
    return weight


def in_shares(labels: Array, fraction: float) -> Array | None:
    """The labels, where each class can have its share of the rows held out; None where some class is too rare for it.

    To hand to scikit-learn's `train_test_split` as `stratify`, which refuses rare classes.
    """
    _, counts = np.unique(labels, return_counts=True)
    held = math.ceil(fraction * len(labels))
    return labels if counts.min() > 1 and len(counts) <= min(held, len(labels) - held) else None


def seed_of(random_state: Any) -> int:
    """A seed from what scikit-learn calls random_state: None, a number, or a generator, which moves on."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
