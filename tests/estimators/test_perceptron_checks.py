"""scikit-learn's own checks of an estimator, on the perceptron."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from glassgrad.estimators import Perceptron

_REASON = "a row of weight 2 is one step of twice the length, and two rows are two steps"
_EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": _REASON,
    "check_sample_weight_equivalence_on_sparse_data": _REASON,
}


def _expected(estimator: Any) -> dict[str, str]:
    return _EXPECTED


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [Perceptron(), Perceptron(penalty="elasticnet", eta0=0.1)],
    expected_failed_checks=_expected,
)
def test_scikit_learn_accepts_it(estimator: Any, check: Any) -> None:
    check(estimator)
