"""Signs in the features: what the first layer is fed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.doctor.case import Case
from glassgrad.doctor.evidence import bars, shares
from glassgrad.doctor.findings import Finding
from glassgrad.doctor.sites import is_product
from glassgrad.doctor.thresholds import at
from glassgrad.views.numbers import number
from glassgrad.views.scores import share

Array = np.ndarray[Any, Any]
_SHOWN = 4  # of the features that are in order, for comparison


def input_signs(case: Case) -> Iterator[Finding]:
    """Features that are badly scaled or say nothing."""
    size, mean, spread = feature_sizes(case)
    yield from _scale(case, size, mean, spread)
    if case.rows.sparse or len(case.probe.rows) < at("few rows"):
        return  # what few rows do not have, others may
    constant = np.flatnonzero(spread == 0)
    if len(constant) >= at("constant features") * len(size):
        part = len(constant) / len(size)
        some = ", ".join(case.feature(int(i)) for i in constant[:4]) + (", …" if len(constant) > 4 else "")
        yield Finding(
            "constant-features",
            f"{len(constant):,} of {len(size):,} features have one value in all rows that were looked at: {some}",
            shares("share of the features", [("one value", part), ("others", 1 - part)], [0]), units=part,
        )  # fmt: skip


def feature_sizes(case: Case) -> tuple[Array, Array, Array]:
    """Root mean square, mean and deviation of each number that the first layer is fed, float64.

    The first is of what is not zero, so that a rare flag or word is as large as a common one.
    """
    probe = case.probe
    if case.rows.sparse:
        X, n = probe.rows.X, len(probe.rows)
        mean = np.asarray(X.sum(axis=0), np.float64).ravel() / n
        square = np.asarray(X.multiply(X).sum(axis=0), np.float64).ravel()
        filled = np.asarray((X != 0).sum(axis=0), np.float64).ravel()
        return np.sqrt(square / np.maximum(filled, 1)), mean, np.sqrt(np.maximum(square / n - mean**2, 0))
    X = _first_fed(case)
    mean, spread = X.mean(axis=0), X.std(axis=0)
    spread = np.where(np.ptp(X, axis=0) == 0, 0.0, spread)
    return np.sqrt((X**2).sum(axis=0) / np.maximum((X != 0).sum(axis=0), 1)), mean, spread


def _first_fed(case: Case) -> Array:
    """What the first matrix product is fed, where the network prepares its rows itself; else the rows."""
    probe = case.probe
    n = len(probe.rows)
    for wire in probe.net_wires:
        if is_product(wire):
            fed = [x for x in wire.operands if not x.active and x.shape[:1] == (n,)]
            if fed:
                return np.asarray(fed[0]._value, np.float64).reshape(n, -1)
    return probe.rows.X.reshape(n, -1).astype(np.float64)


def _scale(case: Case, size: Array, mean: Array, spread: Array) -> Iterator[Finding]:
    moving = spread > 0
    if not moving.any():
        return
    usual = float(np.median(size[moving]))
    large = moving & (size > at("large input"))
    unequal = moving & (size > at("unequal inputs") * usual) & (size > 1)
    offset = moving & (np.abs(mean) > 1) & (np.abs(mean) > at("offset") * spread)
    small = moving & (size < at("small input")) if size[moving].max() < at("small input") else np.zeros_like(moving)
    bad = np.flatnonzero(large | unequal | offset | small)
    if not len(bad):
        return
    worst = int(bad[np.argmax(np.abs(np.log(size[bad])))])
    name = case.feature(worst)
    if large[worst] or unequal[worst]:
        what = f"{name} has the size {number(size[worst])}, where a half of all features are below {number(usual)}"
        if not unequal[worst]:
            what = f"{name} has the size {number(size[worst])}; a first layer expects about 1"
    elif offset[worst]:
        what = f"{name} is {number(mean[worst])} ± {number(spread[worst])}: its mean hides its differences"
    else:
        what = f"the largest feature, {name}, has the size {number(size[moving].max())}; a first layer expects about 1"
    if len(bad) > 1:
        what += f"; {len(bad):,} of {len(size):,} features ({share(len(bad) / len(size), 0)}) are badly scaled"
    others = [int(i) for i in np.flatnonzero(moving) if i not in set(bad.tolist())][:_SHOWN]
    shown = [*bad[np.argsort(-np.abs(np.log(size[bad])), kind="stable")].tolist()[:_SHOWN], *others]
    rows = [(case.feature(i), float(size[i])) for i in shown]
    marked = range(len(shown) - len(others))
    yield Finding(
        "unscaled-inputs", what, bars("size of features (root mean square)", rows, marked, log=True),
        units=len(bad) / len(size),
    )  # fmt: skip
