"""Rows set aside where a class is too rare to have its share of them."""

import numpy as np
import pytest

from glassgrad.estimators import LogisticRegression, MLPClassifier, Perceptron
from glassgrad.estimators.base import in_shares

ESTIMATORS = [
    LogisticRegression(early_stopping=True, random_state=0),
    MLPClassifier(4, early_stopping=True, max_iter=5, n_iter_no_change=5, random_state=0),
    Perceptron(early_stopping=True, random_state=0),
]


def test_labels_are_shared_where_each_class_can_have_rows_in_both_parts() -> None:
    assert in_shares(np.arange(20) % 2, 0.1) is not None
    assert in_shares(np.r_[np.zeros(19), 1], 0.1) is None  # one row cannot be in both
    assert in_shares(np.arange(20) % 10, 0.1) is None  # ten classes, two rows held out


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("rare", [(2, 1), (12, 2)], ids=["one row of a class", "more classes than rows set aside"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::glassgrad.estimators.bounded.NotSeparableWarning")
def test_a_rare_class_does_not_stop_early_stopping(estimator, rare: tuple[int, int]) -> None:
    classes, rows = rare
    y = np.r_[np.arange(60) % 2, np.repeat(np.arange(2, classes + 1), rows)]
    X = np.random.default_rng(0).normal(size=(len(y), 2)) + 4 * np.c_[y % 2, y // 2]
    estimator.fit(X, y)
    assert list(estimator.classes_) == list(np.unique(y))
    assert estimator.score(X, y) > 0.3
