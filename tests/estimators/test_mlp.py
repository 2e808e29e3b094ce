"""MLPClassifier: scikit-learn's contract, its numbers, and what goes beyond it."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from glassgrad.estimators import MLPClassifier

SMALL = {"hidden_layer_sizes": 8, "max_iter": 30, "batch_size": 200}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore:batch_size=200 is more")
@parametrize_with_checks([
    MLPClassifier(max_iter=100),
    MLPClassifier(**SMALL, solver="lbfgs", activation=["tanh"]),
    MLPClassifier(**SMALL, solver="nesterov", learning_rate="adaptive", activation="maxout", learning_rate_init=0.05),
])  # fmt: skip
def test_the_contract(estimator, check) -> None:
    check(estimator)
