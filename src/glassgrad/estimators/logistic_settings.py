"""The settings of logistic regression: what they may be, and the solver and penalty that they ask for."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Hidden, Interval, StrOptions

from glassgrad.errors import UnsupportedError

BATCH = {
    "lbfgs": "lbfgs", "newton-cg": "newton-cg", "newton-cholesky": "newton-cg", "sag": "lbfgs", "saga": "lbfgs",
    "liblinear": "newton-cg", "proximal": "proximal",
}  # fmt: skip
"""What runs for each name of a solver that takes all rows at once."""

SPARSIFYING = ("proximal", "saga", "liblinear")
"""Those of them that take an L1 penalty, by `ProximalNewton`."""

ONLINE = ("gd", "minibatch", "sgd")
"""Gradient descent with all rows, some, or one at a time."""

_POSITIVE = Interval(Integral, 1, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "penalty": [StrOptions({"l1", "l2", "elasticnet"}), None, Hidden(StrOptions({"deprecated"}))],
    "C": [Interval(Real, 0, None, closed="right")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
    "dual": ["boolean"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "fit_intercept": ["boolean"],
    "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "random_state": ["random_state"],
    "solver": [StrOptions({*BATCH, *ONLINE})],
    "max_iter": [Interval(Integral, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "n_jobs": [None, Integral],
    "batch_size": [_POSITIVE, None],
    "learning_rate": [StrOptions({"optimal", "constant"}), callable],
    "eta0": [Interval(Real, 0, None, closed="neither"), None],
    "average": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [_POSITIVE],
    "callbacks": ["array-like", callable, None],
    "engine": [StrOptions({"native", "numpy"})],
}
"""What each setting may be, for scikit-learn's check of settings."""


def strength(est: Any) -> tuple[float, float]:
    """C and the share of L1, from C, l1_ratio and scikit-learn's older setting `penalty`.

    Raises
    ------
    UnsupportedError
        For an L1 penalty with a solver that cannot make weights zero.
    """
    C, ratio = est.C, est.l1_ratio
    if est.penalty != "deprecated":
        warnings.warn(
            "penalty is deprecated, as in scikit-learn 1.8: use l1_ratio=0 for 'l2', l1_ratio=1 for 'l1', something "
            "between for 'elasticnet', and C=np.inf for None",
            FutureWarning,
            stacklevel=3,
        )
        if est.penalty is None:
            C = np.inf
        elif est.penalty != "elasticnet":
            ratio = 1.0 if est.penalty == "l1" else 0.0
    ratio = 0.0 if ratio is None else float(ratio)
    if ratio > 0 and np.isfinite(C) and est.solver in BATCH and est.solver not in SPARSIFYING:
        raise UnsupportedError(
            f"solver={est.solver!r} has an L2 penalty only, and l1_ratio={ratio:g} asks for L1: take "
            "solver='proximal' (or one of 'saga', 'liblinear', 'sgd', 'minibatch', 'gd')"
        )
    return float(C), ratio
