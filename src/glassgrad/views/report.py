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
from glassgrad.files import replace_file
from glassgrad.train import History, Trainer
from glassgrad.views.report_charts import COLOURS, Line, chart, ink, percent, signed
from glassgrad.views.report_style import STYLE

Array = np.ndarray[Any, Any]
USUAL = (1e-3, 1e-2)
"""A step should change a weight matrix by about this share of its size."""
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
        body = [self._head(), self._curves(), *self._classes(), self._weights(), self._network(), self._made()]
        return "\n".join(
            [
                "<!doctype html>",
                '<html lang="en">',
                "<head>",
                '<meta charset="utf-8">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                '<meta http-equiv="Content-Security-Policy" '
                "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">",
                f"<title>{escape(self.title)}</title>",
                f"<style>{STYLE}</style>",
                "</head>",
                "<body>",
                "<main>",
                *(part for part in body if part),
                "</main>",
                "</body>",
                "</html>",
                "",
            ]
        )

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, complete or not at all; a file of this name is replaced."""
        path = Path(path)
        replace_file(path, self.html().encode())
        return path

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
        cells = [
            f"<div{' class=first' if i == 0 else ''}><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>"
            for i, (k, v) in enumerate(figures.items())
        ]
        lead = f'<p class="lead">{escape(self.lead)}</p>' if self.lead else ""
        ended = _ENDED.get(history.stopped, history.stopped) if history.stopped else ""
        told = f'<p class="told">{escape(_sentence(ended))}</p>' if ended else ""
        told += "".join(f'<p class="warning">{escape(_sentence(note))}</p>' for note in self.notes)
        return f'<header><h1>{escape(self.title)}</h1>{lead}</header>\n{told}<dl class="figures">{"".join(cells)}</dl>'

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
            parts.append(_confusion(confusion(y, said, probabilities.shape[1])))
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
            parts.append(f"<p>{escape(_sentence(self.checked))}</p>")
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

    def _made(self) -> str:
        if not self.made:
            return ""
        rows = [
            f"<dt>{escape(k)}</dt><dd>{f'<code>{escape(v)}</code>' if k == 'command' else escape(v)}</dd>"
            for k, v in self.made.items()
        ]
        return f'<h2>How it was made</h2>\n<dl class="made">{"".join(rows)}</dl>'


def confusion(y: ArrayLike, said: ArrayLike, classes: int) -> Array:
    """How often each class (row) was taken for each class (column).

    Examples
    --------
    >>> print(confusion([0, 1, 1], [0, 0, 1], 2))
    [[1 0]
     [1 1]]
    """
    from sklearn.metrics import confusion_matrix

    return np.asarray(confusion_matrix(np.asarray(y), np.asarray(said), labels=np.arange(classes)))


def _confusion(counts: Array) -> str:
    classes = range(len(counts))
    totals = counts.sum(axis=1)
    most = max(int((counts - np.diag(np.diag(counts))).max()), 1)
    rows = [
        "<tr><th class=corner>written ↓ read →</th>"
        + "".join(f"<th scope=col>{j}</th>" for j in classes)
        + "<th scope=col>right</th></tr>"
    ]
    for i in classes:
        cells = []
        for j in classes:
            n = int(counts[i, j])
            if not n:
                cells.append("<td class=zero>0</td>")
            elif i == j:
                cells.append(
                    f'<td class=right style="background:rgba(var(--good),{0.45 * n / totals[i]:.2f})">{n}</td>'
                )
            else:
                alpha = 0.2 + 0.4 * n / most
                cells.append(f'<td title="{i} read as {j}" style="background:rgba(var(--bad),{alpha:.2f})">{n}</td>')
        share = f"{counts[i, i] / totals[i]:.0%}" if totals[i] else "–"
        rows.append(f"<tr><th scope=row>{i}</th>{''.join(cells)}<td class=share>{share}</td></tr>")
    return (
        "<h2>Confusion</h2>\n<p>Held-out examples: each row is a class as it was written, each column what the network "
        f'read. Blue is right, orange is wrong.</p>\n<div class="scroll"><table class="confusion">{"".join(rows)}'
        "</table></div>"
    )


def _filled(values: Sequence[float], count: int) -> list[float]:
    """One value an epoch, also where an interruption came between two records of the last one."""
    return [*values, *[float("nan")] * count][:count]


def _positive(lines: Sequence[Line]) -> bool:
    """Whether a logarithmic axis can show all finite values."""
    return all(v > 0 for line in lines for v in line.values if np.isfinite(v))


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _without_places(text: str) -> str:
    """A graph's text without the source lines, which here are those of the page's maker."""
    return "\n".join(line.split("  # ")[0] for line in text.splitlines())
