"""The report page of a training run: one HTML file that needs nothing beside it.

Curves, confusion, what was misread, first-layer weights as pictures, the network, the update sizes,
the graph of the loss, and how to make it again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.distributions import Categorical
from glassgrad.errors import DataError
from glassgrad.train import History, Trainer
from glassgrad.train.callbacks import USUAL
from glassgrad.views.report_charts import COLOURS, Line, chart, ink, percent, signed
from glassgrad.views.report_page import head, made, page, sentence, write_page
from glassgrad.views.report_tables import confusion_table
from glassgrad.views.scores import confusion

Array = np.ndarray[Any, Any]
_MISSED, _UNITS, _CLASSES = 48, 256, 40
_ENDED = {
    "patience": "ended early: the held-out loss had stopped falling, and the best weights were put back",
    "interrupted": "interrupted from the keyboard: everything learned until then was kept",
    "diverged": "stopped because the numbers ran away, and went back to the last good weights",
    "callback": "ended early by a callback",
    "converged": "ended because the loss had converged",
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """A training run as one HTML page.

    Parameters
    ----------
    title : str
        What stands on top.
    trainer : Trainer
        After training.
    history : History
        What `fit` returned.
    X, y : array_like
        The held-out rows.
    lead : str
        A sentence under the title.
    picture : (height, width), optional
        Shape of a row where rows are pictures: what was misread and the first layer's weights are drawn.
    made : mapping of str to str
        How the run was made: the command, versions. ``made["command"]`` is set as code.
    checked : str
        What the gradient check found.
    graph : str
        The graph of the loss, as text.
    notes : sequence of str
        Warnings.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.xor()
    >>> trainer = gg.train.Trainer(gg.nn.Linear(2, 1), gg.distributions.Bernoulli(), gg.optim.SGD(0.1))
    >>> page = Report("xor", trainer, trainer.fit(X, y, epochs=2), X, y).html()
    >>> page.splitlines()[0]
    '<!doctype html>'
    """

    title: str
    trainer: Trainer
    history: History
    X: ArrayLike
    y: ArrayLike
    lead: str = ""
    picture: tuple[int, int] | None = None
    made: Mapping[str, str] = field(default_factory=dict)
    checked: str = ""
    graph: str = ""
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        width = np.asarray(self.X)[0].size
        if self.picture is not None and self.picture[0] * self.picture[1] != width:
            raise DataError(f"rows of {width} numbers are no pictures of {self.picture[0]} × {self.picture[1]}")

    def html(self) -> str:
        """The whole page."""
        body = [self._head(), self._curves(), *self._classes(), self._weights(), self._network(), made(self.made)]
        return page(self.title, body)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, complete or not at all; a file of this name is replaced."""
        return write_page(path, self.html())

    def _head(self) -> str:
        history = self.history
        found = self.trainer.evaluate(self.X, self.y)
        figures = {"held-out loss": f"{found['loss']:.3g}"}
        if "accuracy" in found:
            figures = {"held-out accuracy": f"{found['accuracy']:.2%}".replace("%", " %"), **figures}
        figures |= {
            "epochs": f"{len(history.epoch):,}", "steps": f"{history.steps:,}", "seconds": f"{history.seconds:.2f}",
            "parameters": f"{self.trainer.net.count():,}", "seed": str(self.trainer.seed),
        }  # fmt: skip
        ended = _ENDED.get(history.stopped, history.stopped) if history.stopped else ""
        return head(self.title, self.lead, ended, self.notes, figures)

    def _curves(self) -> str:
        history = self.history
        if not history.epoch:
            return '<h2>Learning</h2>\n<p class="none">No epoch was finished, so there are no curves.</p>'
        x, best = history.epoch, history.best_epoch
        losses = [Line("train", _filled(history.train_loss, len(x)), 0)]
        if history.validation_loss:
            losses.append(Line("held out", _filled(history.validation_loss, len(x)), 1))
        text = f"dashed: lowest held-out loss, epoch {best}" if best is not None else ""
        figures = [chart("Loss", x, losses, log=_positive(losses), marked=best, note=text)]
        if history.validation_accuracy:
            accuracy = Line("held out", _filled(history.validation_accuracy, len(x)), 1)
            text = f"highest {percent(round(max(history.validation_accuracy), 4))}"
            figures.append(chart("Accuracy", x, [accuracy], shown=percent, marked=best, note=text))
        if history.update_ratio:
            figures.append(self._updates(x))
        return (
            '<h2>Learning</h2>\n<p class="note">Point at an epoch to read its numbers.</p>\n'
            f'<div class="charts">{"".join(figures)}</div>'
        )

    def _updates(self, x: list[int]) -> str:
        names = [name for name, p in self.trainer.net.named_parameters() if len(p.shape) >= 2]
        ratios = {name: self.history.update_ratio[name] for name in names if name in self.history.update_ratio}
        lines = [
            Line(name, _filled(values, len(x)), i) for i, (name, values) in enumerate(list(ratios.items())[:COLOURS])
        ]
        more = f", the first {COLOURS} of {len(ratios)} matrices" if len(ratios) > COLOURS else ""
        note = f"how much one step changes a weight matrix; shaded: the usual 0.1 to 1 %{more}"
        return chart("Update size", x, lines, log=True, shown=percent, band=USUAL, note=note)

    def _classes(self) -> list[str]:
        """Confusion and what was misread, where there are classes."""
        y = np.asarray(self.y)
        if not isinstance(self.trainer.loss, Categorical) or y.ndim != 1:
            return []
        probabilities = np.asarray(self.trainer.loss.mean(self.trainer.outputs(self.X)), np.float64)
        said = np.argmax(probabilities, axis=1)
        parts = []
        if probabilities.shape[1] <= _CLASSES:
            names = [str(i) for i in range(probabilities.shape[1])]
            counts = confusion(y, said, len(names))
            parts.append(confusion_table(counts, names, "written ↓ read →", "as it was written", "the network read"))
        if self.picture is not None:
            parts.append(self._missed(y.astype(int), said, probabilities))
        return parts

    def _missed(self, y: Array, said: Array, p: Array) -> str:
        rows = np.flatnonzero(said != y)
        rows = rows[np.argsort(-p[rows, said[rows]], kind="stable")]
        head = f"<h2>Misread: {len(rows)} of {len(y)}</h2>"
        if not len(rows):
            return f"{head}\n<p>Every held-out picture was read right.</p>"
        X = np.asarray(self.X, np.float64)
        top = float(np.max(X, initial=0.0))
        figures = [
            f'<figure><img class="ink" alt="a picture of {y[i]}" src="{ink(X[i].reshape(self.picture), top)}">'
            f"<figcaption>{y[i]} read as <b>{said[i]}</b><br><span>p({said[i]}) = {p[i, said[i]]:.1%}<br>"
            f"p({y[i]}) = {p[i, y[i]]:.1%}</span></figcaption></figure>"
            for i in rows[:_MISSED]
        ]
        more = f" The first {_MISSED} are shown." if len(rows) > _MISSED else ""
        return (
            f"{head}\n<p>The surest mistakes come first: what is written, what the network read, and how probable "
            f'it found each.{more}</p>\n<div class="missed">{"".join(figures)}</div>'
        )

    def _weights(self) -> str:
        first = next(((n, p) for n, p in self.trainer.net.named_parameters() if len(p.shape) == 2), None)
        if self.picture is None or first is None or first[1].shape[0] != self.picture[0] * self.picture[1]:
            return ""
        name, W = first[0], np.asarray(first[1].value, np.float64)
        top = float(np.quantile(np.abs(W), 0.995))
        pictures = [
            f'<img alt="weights of unit {j}" title="unit {j}" src="{signed(W[:, j].reshape(self.picture), top)}">'
            for j in range(min(W.shape[1], _UNITS))
        ]
        more = f" The first {_UNITS} of {W.shape[1]} units are shown." if W.shape[1] > _UNITS else ""
        return (
            f"<h2>What the first layer looks for</h2>\n<p>Each picture is one unit's weights on the pixels, a column "
            f"of {escape(name)}: orange counts for the unit, blue against it; full colour from "
            f'±{top:.2g}.{more}</p>\n<div class="weights">{"".join(pictures)}</div>'
        )

    def _network(self) -> str:
        parts = [f"<h2>The network</h2>\n<pre>{escape(str(self.trainer.net))}</pre>"]
        if self.checked:
            parts.append(f"<p>{escape(sentence(self.checked))}</p>")
        if self.graph:
            parts.append(
                "<h2>The graph of the loss</h2>\n<p>Forward, from the examples to the loss. Backpropagation runs "
                f"through the same lines from the last to the first.</p>\n<pre>{escape(self.graph)}</pre>"
            )
        if self.trainer.step_count and self.trainer.trainable:
            step = _without_places(self.trainer.graph().text(fold=True))
            parts.append(
                "<details><summary>The whole training step: forward, backward and update</summary>"
                f"<pre>{escape(step)}</pre></details>"
            )
        return "\n".join(parts)


def _filled(values: Sequence[float], count: int) -> list[float]:
    """One value an epoch, also where an interruption came between two records of the last one."""
    return [*values, *[float("nan")] * count][:count]


def _positive(lines: Sequence[Line]) -> bool:
    """Whether a logarithmic axis can show all finite values."""
    return all(v > 0 for line in lines for v in line.values if np.isfinite(v))


def _without_places(text: str) -> str:
    """A graph's text without the source lines, which here are those of the page's maker."""
    return "\n".join(line.split("  # ")[0] for line in text.splitlines())
