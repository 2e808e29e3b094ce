"""Do labels depend on features? Asked of two simple learners that predict each row from all others.

The first is ridge regression, whose predictions without a row follow from one solution with all (Allen's PRESS,
Technometrics 1974); the second the mean of the five nearest rows. What both miss, few data would show.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.doctor.case import Case
from glassgrad.doctor.evidence import bars
from glassgrad.doctor.findings import Finding
from glassgrad.doctor.thresholds import at
from glassgrad.views.numbers import number

Array = np.ndarray[Any, Any]
_NEIGHBOURS, _RIDGE = 5, 0.1


def dependence_signs(case: Case) -> Iterator[Finding]:
    """Labels that neither learner, nor the network on held-out rows, predicts better than chance."""
    y = _targets(case)
    rows = case.probe.rows
    if y is None or len(rows) < at("tested rows") or not np.ptp(y, axis=0).any():
        return
    seen = case.held_probe
    skill = None if seen is None else case.skill(seen)
    if skill is not None and skill > at("learned"):
        return
    found = dependence(rows.X, y)
    least = at("deviations") / np.sqrt(len(y))
    if max(found.values()) > least:
        return
    compared = [*found.items(), ("what chance can reach", float(least))]
    what = (
        f"predicted from the other rows, labels correlate {number(max(0.0, *found.values()))} with what they are, and "
        f"chance alone reaches {number(least)}"
    )
    if seen is not None:
        what += "; the network does not predict held-out rows either"
    yield Finding("unlearnable-labels", what, bars("correlation with the labels", compared, [0, 1]), rows=1.0)


def dependence(X: Any, y: Array) -> dict[str, float]:
    """Correlations of targets with their predictions from the other rows, by each of the two learners.

    Parameters
    ----------
    X : array of shape (rows, …), or SciPy CSR matrix
    y : array of shape (rows, targets)

    Examples
    --------
    >>> X = np.linspace(-1, 1, 60)[:, None]
    >>> found = dependence(X, X**2)
    >>> found["ridge regression"] < 0.1, found["nearest rows"] > 0.9
    (True, True)
    """
    products = _products(X)
    y = y - y.mean(axis=0)
    n = len(y)
    shift = _RIDGE * max(float(np.trace(products)) / n, 1e-12)
    hat = np.linalg.solve(products + shift * np.eye(n), products)
    left = 1 - np.diag(hat)[:, None]
    ridge = y - (y - hat @ y) / np.maximum(left, 1e-9)
    square = np.diag(products)
    distance = square[:, None] + square - 2 * products
    np.fill_diagonal(distance, np.inf)
    nearest = np.argpartition(distance, min(_NEIGHBOURS, n - 2), axis=1)[:, :_NEIGHBOURS]
    return {"ridge regression": _correlation(ridge, y), "nearest rows": _correlation(y[nearest].mean(axis=1), y)}


def _products(X: Any) -> Array:
    """Inner products of all pairs of rows, features at unit deviation; those of a sparse matrix stay as they are."""
    if not isinstance(X, np.ndarray):
        return np.asarray((X @ X.T).toarray(), np.float64)
    flat = X.reshape(len(X), -1).astype(np.float64)
    flat = flat - flat.mean(axis=0)
    spread = flat.std(axis=0)
    flat = flat / np.where(spread > 0, spread, 1.0)
    return flat @ flat.T


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    sizes = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.sum(a * b)) / sizes if sizes > 0 else 0.0


def _targets(case: Case) -> Array | None:
    """The targets of the probed rows as columns of numbers: classes as flags."""
    y = case.probe.rows.y
    if case.labels is not None:
        codes = y if y.ndim == 1 else np.argmax(y, axis=1) if y.shape[1] > 1 else y[:, 0]
        flags = np.eye(int(codes.max()) + 1)[codes.astype(np.int64)]
        return flags[:, flags.any(axis=0)]
    return y.reshape(len(y), -1).astype(np.float64)
