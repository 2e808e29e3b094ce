"""Rows that need no check are taken as they are; all others go through scikit-learn's checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import validation

from glassgrad.estimators import base

X = np.arange(6.0).reshape(3, 2)


def _fitted(**more: Any) -> Any:
    estimator: Any = BaseEstimator()
    vars(estimator).update({"n_features_in_": 2, **more})
    return estimator


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 3])
def test_good_rows_are_taken_as_they_are(dtype: Any, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    good = X[:rows].astype(dtype)
    checked = base.features(_fitted(), good.tolist(), reset=False)
    monkeypatch.delattr(validation, "check_array")
    assert base.features(_fitted(), good, reset=False) is good
    np.testing.assert_array_equal(good, checked)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.full((1, 2), np.nan), "NaN"),
        (np.array([[1.0, np.inf]]), "infinity"),
        (np.zeros((1, 3)), "3 features"),
        (np.zeros(2), "1D array"),
        (np.zeros((0, 2)), "0 sample"),
        (np.zeros((1, 2), complex), "Complex"),
    ],
)
def test_bad_rows_are_refused_as_scikit_learn_does(rows: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        base.features(_fitted(), rows, reset=False)


def test_rows_in_another_form_are_made_into_this_one() -> None:
    for other in (X.astype(">f8"), np.asfortranarray(X), X.astype(np.int32), X.tolist()):
        found = base.features(_fitted(), other, reset=False)
        assert found.dtype == np.float64
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, X)


def test_rows_without_the_names_of_the_features_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        base.features(_fitted(feature_names_in_=np.array(["a", "b"], object)), X, reset=False)
