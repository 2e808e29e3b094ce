"""The report page of an estimator that learned from a user's own file: data, preparation, curves, scores, weights."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.views.report_charts import COLOURS, Line, chart, ink, percent, signed
from glassgrad.views.report_page import head, made, page, write_page
from glassgrad.views.report_plots import Curve, histogram, plot, points
from glassgrad.views.report_tables import class_table, columns_table, confusion_table, counts_bars, telling_bars
from glassgrad.views.scores import MOST_CLASSES, ClassScores, Scores, share, short
from glassgrad.views.telling import Telling

Array = np.ndarray[Any, Any]
_BINS, _THINNED, _MISSED, _UNITS, _CARDS, _COLUMNS = 10, 150, 48, 128, 12, 60
_UNIT = ((0.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True)
class ModelReport:
    """What an estimator learned, as one HTML file.

    Parameters
    ----------
    title, lead : str
        What stands on top, and a sentence under it.
    figures : mapping of str to str
        Numbers that stand out; the first most.
    scores : ClassScores or NumberScores
        On the held-out rows.
    y, said : arrays of shape (rows,)
        What is right and what was predicted: codes of classes, or numbers.
    probabilities : array of shape (rows, classes), optional
        What the model said, where it gives probabilities.
    curves : mapping of str to sequence of float
        What was noted for each pass: "loss", "loss on rows set aside", "mistakes", "score on rows set aside".
    found : sequence of Telling
        The features that tell most.
    linear : bool
        Whether these are the weights of a linear model; else mean slopes.
    data, columns : sequences of (str, str)
        What was read; what was done with each column.
    counts : sequence of (str, int)
        The rows of each class.
    X : array, optional
        Held-out rows that are pictures, of shape (rows, height, width); what was misread is drawn.
    first : array, optional
        The first layer's weights, of shape (height, width, units), drawn where rows are pictures.
    network, graph : str
        The layers, and the graph of a training step, as text.
    made : mapping of str to str
        How to make it again.
    notes : sequence of str
        Warnings.
    """

    title: str
    lead: str
    figures: Mapping[str, str]
    scores: Scores
    y: Array
    said: Array
    probabilities: Array | None = None
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    found: Sequence[Telling] = ()
    linear: bool = True
    data: Sequence[tuple[str, str]] = ()
    columns: Sequence[tuple[str, str]] = ()
    counts: Sequence[tuple[str, int]] = ()
    X: Array | None = None
    first: Array | None = None
    network: str = ""
    graph: str = ""
    made: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def html(self) -> str:
        """The whole page."""
        of_classes = self._of_classes(self.scores) if isinstance(self.scores, ClassScores) else [self._of_numbers()]
        return page(
            self.title,
            [
                head(self.title, self.lead, "", self.notes, self.figures),
                *of_classes,
                self._telling(),
                self._pictures(),
                self._learning(),
                self._data(),
                self._network(),
                made(self.made),
            ],
        )

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, complete or not at all; a file of this name is replaced."""
        return write_page(path, self.html())

    # Classes

    def _of_classes(self, scores: ClassScores) -> list[str]:
        parts = [f"<h2>Held out</h2>\n{class_table(scores, 2 * MOST_CLASSES)}"]
        if len(scores.classes) <= MOST_CLASSES:
            parts.append(
                confusion_table(scores.counts, scores.classes, "is ↓ said →", "as it is in the file", "the model said")
            )
        if self.probabilities is not None:
            parts.append(self._probabilities(scores, np.asarray(self.probabilities, np.float64)))
        return parts

    def _probabilities(self, scores: ClassScores, p: Array) -> str:
        figures = [precision_recall(self.y, p, scores.classes), reliability(self.y, p, scores.classes)]
        return f'<h2>Probabilities</h2>\n<div class="charts">{"".join(figures)}</div>'

    # Numbers

    def _of_numbers(self) -> str:
        y, said = np.asarray(self.y, np.float64), np.asarray(self.said, np.float64)
        figures = [
            points("Predicted and actual", y, said, ("actual", "predicted"), note="dashed: predicted = actual"),
            histogram("Residuals", said - y, "predicted − actual", note="dashed: no error"),
        ]
        lines = "\n".join(self.scores.lines())
        return f'<h2>Held out</h2>\n<pre>{escape(lines)}</pre>\n<div class="charts">{"".join(figures)}</div>'

    # What was learned

    def _telling(self) -> str:
        if not self.found or self.X is not None:
            return ""
        how = (
            "The weights of the linear model, the largest first: blue speaks for, orange against."
            if self.linear
            else "How much the output moves with each feature, the mean slope over some held-out rows: blue for, "
            "orange against. A network bends, so this is its direction on the whole and not in every row."
        )
        more = f" The first {_CARDS} of {len(self.found)}." if len(self.found) > _CARDS else ""
        return f"<h2>Most telling features</h2>\n<p>{how}{more}</p>\n{telling_bars(self.found[:_CARDS])}"

    def _pictures(self) -> str:
        parts = []
        if self.X is not None and isinstance(self.scores, ClassScores):
            parts.append(self._missed(self.X, self.scores.classes))
        if self.first is not None:
            top = float(np.quantile(np.abs(self.first), 0.995)) or 1.0
            units = [
                f'<img alt="weights of unit {j}" title="unit {j}" src="{signed(self.first[:, :, j], top)}">'
                for j in range(min(self.first.shape[2], _UNITS))
            ]
            more = f" The first {_UNITS} of {self.first.shape[2]} are shown." if self.first.shape[2] > _UNITS else ""
            parts.append(
                "<h2>What the first layer looks for</h2>\n<p>Each picture is one unit's weights on the pixels: orange "
                f"counts for the unit, blue against it; full colour from ±{top:.2g}.{more}</p>\n"
                f'<div class="weights">{"".join(units)}</div>'
            )
        return "\n".join(parts)

    def _missed(self, X: Array, names: Sequence[str]) -> str:
        y, said = np.asarray(self.y), np.asarray(self.said)
        rows = np.flatnonzero(said != y)
        p = self.probabilities
        if p is not None:
            rows = rows[np.argsort(-p[rows, said[rows]], kind="stable")]
        title = f"<h2>Misread: {len(rows):,} of {len(y):,}</h2>"
        if not len(rows):
            return f"{title}\n<p>Every held-out picture was read right.</p>"
        top = float(np.max(X, initial=0)) or 1.0
        figures = []
        for i in rows[:_MISSED]:
            is_, was = short(names[int(y[i])], 12), short(names[int(said[i])], 12)
            sure = f"<br><span>p = {share(float(p[i, said[i]]))}</span>" if p is not None else ""
            figures.append(
                f'<figure><img class="ink" alt="a picture of {escape(is_)}" src="{ink(X[i], top)}">'
                f"<figcaption>{escape(is_)} read as <b>{escape(was)}</b>{sure}</figcaption></figure>"
            )
        more = f" The first {_MISSED} are shown." if len(rows) > _MISSED else ""
        first = "The surest mistakes come first." if p is not None else ""
        return f'{title}\n<p>{first}{more}</p>\n<div class="missed">{"".join(figures)}</div>'

    # How it came about

    def _learning(self) -> str:
        curves = {name: list(values) for name, values in self.curves.items() if len(values) > 1}
        figures = []
        losses = [name for name in ("loss", "loss on rows set aside") if name in curves]
        if losses:
            lines = [Line(name, curves[name], i) for i, name in enumerate(losses)]
            long = max(len(line.values) for line in lines)
            lines = [Line(n.name, [*n.values, *[float("nan")] * (long - len(n.values))], n.colour) for n in lines]
            positive = all(v > 0 for line in lines for v in line.values if np.isfinite(v))
            figures.append(chart("Loss", list(range(1, long + 1)), lines, log=positive, label="pass"))
        for name in ("mistakes", "score on rows set aside"):
            if name in curves:
                x = list(range(1, len(curves[name]) + 1))
                title = name[:1].upper() + name[1:]
                figures.append(chart(title, x, [Line(name, curves[name], 0)], label="pass"))
        return f'<h2>Learning</h2>\n<div class="charts">{"".join(figures)}</div>' if figures else ""

    def _data(self) -> str:
        parts = [f"<h2>The data</h2>\n{columns_table(self.data)}"] if self.data else []
        if self.counts:
            shown = sorted(self.counts, key=lambda row: -row[1])[:MOST_CLASSES]
            more = f", the most frequent {len(shown)} of {len(self.counts)}" if len(self.counts) > len(shown) else ""
            parts.append(f"<h3>Classes{more}</h3>\n{counts_bars(shown)}")
        if self.columns:
            rows = list(self.columns)
            if len(rows) > _COLUMNS:
                rows = [*rows[:_COLUMNS], ("…", f"and {len(rows) - _COLUMNS:,} more")]
            parts.append(f"<h2>What was done with each column</h2>\n{columns_table(rows)}")
        return "\n".join(parts)

    def _network(self) -> str:
        parts = [f"<h2>The model</h2>\n<pre>{escape(self.network)}</pre>"] if self.network else []
        if self.graph:
            parts.append(
                "<details><summary>One training step as a graph: forward, backward and update</summary>"
                f"<pre>{escape(self.graph)}</pre></details>"
            )
        return "\n".join(parts)


def precision_recall(y: Array, p: Array, names: Sequence[str]) -> str:
    """Precision over recall as the threshold falls: of the second of two classes, or of each of a few.

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> "average precision 1.000" in precision_recall(np.array([0, 1, 1]), p, ["ham", "spam"])
    True
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    y = np.asarray(y)
    present = [k for k in range(len(names)) if (y == k).any() and not (y == k).all()]
    if len(names) == 2:
        present = present[-1:]
    hardest = sorted(present, key=lambda k: average_precision_score(y == k, p[:, k]))[:COLOURS]
    curves = []
    for i, k in enumerate(sorted(hardest)):
        precision, recall, at = precision_recall_curve(y == k, p[:, k])
        keep = np.unique(np.linspace(0, len(at) - 1, min(_THINNED, len(at))).astype(int))
        average = average_precision_score(y == k, p[:, k])
        tips = [f"from p = {at[j]:.3g}\nprecision {precision[j]:.1%}\nrecall {recall[j]:.1%}" for j in keep]
        keep_all = np.append(keep, len(at))
        name = f"{short(names[k])}, average precision {average:.3f}"
        tips.append("nothing is said to be of this class")
        curves.append(Curve(name, recall[keep_all], precision[keep_all], tips, i))
    few = f"the {len(curves)} hardest of {len(names)} classes" if len(present) > len(curves) else ""
    return plot("Precision and recall", curves, ("recall", "precision"), ends=_UNIT, shown=percent, note=few)


def reliability(y: Array, p: Array, names: Sequence[str]) -> str:
    """How often the model is right where it says so: probabilities in ten groups of equal size.

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> "Reliability" in reliability(np.array([0, 1]), p, ["ham", "spam"])
    True
    """
    y = np.asarray(y)
    if len(names) == 2:
        said, hit, what = p[:, 1], (y == 1).astype(float), f"p({short(names[1], 16)})"
    else:
        said, hit, what = p.max(axis=1), (p.argmax(axis=1) == y).astype(float), "p of the class that is said"
    order = np.argsort(said, kind="stable")
    groups = [g for g in np.array_split(order, min(_BINS, len(order))) if len(g)]
    means = [float(said[g].mean()) for g in groups]
    shares = [float(hit[g].mean()) for g in groups]
    tips = [
        f"{what} {m:.1%} on average\nhappened {s:.1%}\n{len(g):,} rows"
        for m, s, g in zip(means, shares, groups, strict=True)
    ]
    error = sum(len(g) * abs(m - s) for m, s, g in zip(means, shares, groups, strict=True)) / len(y)
    note = f"ten groups of equal size; dashed: said = happened; mean gap {share(error)}"
    curve = Curve("", means, shares, tips, 0, dots=True)
    return plot("Reliability", [curve], (what, "happened"), ends=_UNIT, shown=percent, diagonal=True, note=note)
