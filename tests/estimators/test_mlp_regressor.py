"""MLPRegressor: scikit-learn's contract, its numbers, and what goes beyond it."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from glassgrad.estimators import MLPRegressor

SMALL = {"hidden_layer_sizes": 8, "max_iter": 30}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([
    MLPRegressor(max_iter=100),
    MLPRegressor(**SMALL, solver="lbfgs", activation=["elu"]),
    MLPRegressor("laplace", **SMALL, solver="adamw", learning_rate_init=0.05, activation="prelu"),
])  # fmt: skip
def test_the_contract(estimator, check) -> None:
    check(estimator)
