"""Signs in the targets: labels that cannot be learned, missing, rare, or far from unit size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.distributions import Categorical
from glassgrad.doctor.case import Case
from glassgrad.doctor.evidence import bars, shares
from glassgrad.doctor.findings import Finding
from glassgrad.doctor.thresholds import at
from glassgrad.views.numbers import number
from glassgrad.views.scores import share

Array = np.ndarray[Any, Any]
_COMPARED = 20_000  # rows among which equal ones are looked for


def label_signs(case: Case) -> Iterator[Finding]:
    """What is odd about the targets."""
    labels, numbers = case.labels, case.numbers
    if labels is not None:
        yield from _classes(case, labels)
    if numbers is not None:
        yield from _sizes(numbers)
    yield from _conflicts(case, labels, numbers)


def _classes(case: Case, labels: Array) -> Iterator[Finding]:
    outputs = case.probe.output.shape[1] if isinstance(case.trainer.loss, Categorical) else 2
    counts = np.bincount(labels, minlength=outputs)
    present = np.flatnonzero(counts)
    rows = [(case.label(int(i)), float(counts[i])) for i in range(len(counts))]
    if len(present) == 1:
        yield Finding(
            "constant-labels", f"all {len(labels):,} rows are {case.label(int(present[0]))}",
            bars("rows of each class", rows, present.tolist()), rows=1.0,
        )  # fmt: skip
    missing = np.flatnonzero(counts == 0)
    if isinstance(case.trainer.loss, Categorical) and len(missing) and len(labels) >= at("tested rows"):
        some = ", ".join(case.label(int(i)) for i in missing[:4]) + (", …" if len(missing) > 4 else "")
        yield Finding(
            "classes-missing", f"the network has {outputs} outputs, and of {len(missing)} there is no row: {some}",
            bars("rows of each class", rows, missing.tolist()), units=len(missing) / outputs,
        )  # fmt: skip
    if len(present) > 1:
        most, least = present[np.argmax(counts[present])], present[np.argmin(counts[present])]
        ratio = counts[most] / counts[least]
        if ratio > at("imbalance"):
            yield Finding(
                "class-imbalance",
                f"{case.label(int(most))} has {ratio:,.0f} times the rows of {case.label(int(least))}, of which there "
                f"are {counts[least]:,}",
                bars("rows of each class", rows, np.flatnonzero(counts < counts[most] / at("imbalance")).tolist()),
                rows=float(counts[least] / len(labels)),
            )


def _sizes(numbers: Array) -> Iterator[Finding]:
    size, spread = np.sqrt(np.mean(numbers**2, axis=0)), np.std(numbers, axis=0)
    names = [f"target {i}" for i in range(len(size))] if len(size) > 1 else ["target"]
    if not spread.any():
        yield Finding(
            "constant-labels", f"all {len(numbers):,} rows have the target {number(numbers[0, 0])}",
            bars("deviation of the targets", list(zip(names, spread.tolist(), strict=True)), range(len(size))),
            rows=1.0,
        )  # fmt: skip
        return
    bad = np.flatnonzero((size > at("large target")) | ((size < at("small target")) & (spread > 0)))
    if len(bad):
        worst = int(bad[np.argmax(np.abs(np.log(size[bad])))])
        compared = [*((names[i], float(size[i])) for i in bad[:6]), ("a fresh network's output", 1.0)]
        yield Finding(
            "unscaled-targets",
            f"{names[worst]} is {number(numbers[:, worst].mean())} ± {number(spread[worst])}; a fresh network puts out "
            "about 1",
            bars("size (root mean square)", compared, range(len(compared) - 1), log=True), units=len(bad) / len(size),
        )  # fmt: skip


def _conflicts(case: Case, labels: Array | None, numbers: Array | None) -> Iterator[Finding]:
    """Rows that are equal, and whose targets are not."""
    if case.rows.sparse or len(case.rows) < 2:
        return
    step = -(-len(case.rows) // _COMPARED)
    X = np.ascontiguousarray(case.rows.X[::step]).reshape(len(case.rows.X[::step]), -1)
    keys = X.view(np.dtype((np.void, X.dtype.itemsize * X.shape[1]))).ravel()
    _, group, counts = np.unique(keys, return_inverse=True, return_counts=True)
    if len(counts) == len(X):
        return
    if labels is not None:
        y = labels[::step]
        table = np.zeros((len(counts), int(y.max()) + 1))
        np.add.at(table, (group, y), 1)
        lost, mixed = float((counts - table.max(axis=1)).sum() / len(y)), (table > 0).sum(axis=1) > 1
        told = f"no model can be right on more than {share(1 - lost)} of them"
        limit = lost
    elif numbers is not None:
        y = numbers[::step]
        means = np.stack([np.bincount(group, column) / counts for column in y.T], axis=1)
        within = np.mean((y - means[group]) ** 2)
        total = np.mean((y - y.mean(axis=0)) ** 2)
        limit = float(within / total) if total > 0 else 0.0
        mixed = np.bincount(group, ((y - means[group]) ** 2).sum(axis=1)) > 1e-12 * max(total, 1e-300)
        told = f"no model can explain more than {share(1 - limit)} of the differences"
    else:
        return
    if limit < at("conflicting rows"):
        return
    affected = float(counts[mixed].sum() / len(X))
    same, single = (float(counts[kind].sum() / len(X)) for kind in (~mixed & (counts > 1), counts == 1))
    parts = [("equal, other label", affected), ("equal, same label", same), ("single", single)]
    yield Finding(
        "conflicting-labels",
        f"{share(affected)} of the rows have an equal row with another label: {told}",
        shares("rows", parts, [0]), rows=affected,
    )  # fmt: skip
