"""A user's own data in notebooks: tables, targets, preparations, and models that hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.data import Preparation, Table, Target
from glassgrad.views.notebook.frame import Html, cell, folded, frame, grid, joined, pairs, plural, words
from glassgrad.views.notebook.records import cut, short
from glassgrad.views.report_charts import ink

_ROWS, _COLUMNS, _PICTURES, _FEATURES = 6, 10, 10, 24
_LONGEST = 48


def table(x: Table) -> str:
    """The first rows, or the first pictures, and what was found while reading."""
    about = [x.summary(), x.format]
    if x.target is not None:
        about.append(f"to predict: {x.target}")
    notes = [words(note) for note in x.notes]
    if x.frame is not None:
        body = _frame(x)
    elif x.images is not None and x.images.ndim == 3:
        body = _pictures(x)
    else:
        assert x.array is not None
        rows = x.array[:_ROWS].reshape(min(_ROWS, len(x)), -1)
        body = grid((), [[str(i), *[short(v) for v in row[:_COLUMNS]], "…"] for i, row in enumerate(rows)])
    return frame(x.source, " · ".join(about), body, *notes)


def _frame(x: Table) -> Html:
    assert x.frame is not None
    some = x.frame.iloc[:_ROWS, :_COLUMNS]
    names = [str(c) for c in some.columns]
    head = ["", *[joined([cell(n), Html(' <span class="good">target</span>')]) if n == x.target else n for n in names]]
    rows = [[str(i), *[_short(some.iat[i, j]) for j in range(len(names))]] for i in range(len(some))]
    numeric = ["r" if some.dtypes.iloc[j].kind in "biuf" else "l" for j in range(len(names))]
    left = [
        plural(n - most, what) for n, most, what in (
            (len(x.frame), _ROWS, "row"), (len(x.frame.columns), _COLUMNS, "column"),
        ) if n > most
    ]  # fmt: skip
    more = words(f"and {' and '.join(left)} more") if left else ""
    return joined([grid(head, rows, "l" + "".join(numeric)), more])


def _pictures(x: Table) -> Html:
    assert x.images is not None
    top = float(np.max(x.images[:_PICTURES])) if len(x) else 1.0
    labels = [""] * _PICTURES if x.labels is None else [str(v) for v in x.labels[:_PICTURES]]
    figures = [
        f'<figure><img class="ink" alt="row {i}" src="{ink(picture, top)}"/>'
        f"<figcaption>{cell(label)}</figcaption></figure>"
        for i, (picture, label) in enumerate(zip(x.images[:_PICTURES], labels, strict=False))
    ]
    return Html(f'<div class="pictures">{"".join(figures)}</div>')


def target(x: Target) -> str:
    """What is to be predicted, and as what."""
    found: dict[str, Any] = {"task": x.task}
    if x.reason:
        found["because"] = x.reason
    if x.task == "classification":
        found["classes"] = short(x.classes)
    elif x.task == "regression":
        found |= {"mean": f"{x.mean:.6g}", "scale": f"{x.scale:.6g}"}
    return frame("target", x.name, pairs(found))


def preparation(x: Preparation) -> str:
    """What becomes of each column."""
    return frame("preparation", _features(x), *_prepared(x))


def _features(x: Preparation) -> str:
    return f"{plural(len(x.columns), 'column')} of {x.source or 'a table'} → {plural(len(x.feature_names), 'feature')}"


def _prepared(x: Preparation) -> list[Html]:
    rows = [(c.name, c.kind, c.said(), f"{len(c.feature_names):,}") for c in x.columns[:_FEATURES]]
    body = [grid(("column", "is", "and becomes", "features"), rows, "llwr")]
    if len(x.columns) > _FEATURES:
        body.append(words(f"and {plural(len(x.columns) - _FEATURES, 'column')} more"))
    if x.target is not None:
        body.append(words(f"to predict: {x.target.said()}", ""))
    return body


def prepared(x: Any) -> str:
    """The estimator with its settings, and the preparation of its data."""
    estimator = x.estimator
    told = {name: short(value) for name, value in estimator.get_params(deep=False).items()}
    scores = {name: short(value) for name, value in x.info.items() if isinstance(value, str | int | float)}
    return frame(
        type(estimator).__name__, _features(x.preparation), pairs(scores), *_prepared(x.preparation),
        folded("settings", pairs(told)),
    )  # fmt: skip


def _short(value: Any) -> str:
    said = cut(str(value))
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
