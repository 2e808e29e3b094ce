"""Trainers, histories and searches in notebooks."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.train.history import SHOWN, History, columns_of, shown_epochs
from glassgrad.views import numbers
from glassgrad.views.notebook.frame import (
    Html,
    block,
    charts,
    folded,
    frame,
    grid,
    joined,
    marked,
    pairs,
    plural,
    words,
)
from glassgrad.views.notebook.networks import network_table
from glassgrad.views.notebook.records import purpose, short
from glassgrad.views.report_charts import Line, chart, percent
from glassgrad.views.report_plots import Curve, plot

_POINTS = 200  # of a curve over the steps


def history(x: History) -> str:
    """The curves, some epochs as a table, and what the steps cost."""
    rate = f", {x.steps_per_second:,.0f} steps/s" if x.step_seconds > 0 else ""
    about = f"{plural(x.steps, 'step')} in {x.seconds:.2f} s{rate}"
    body = []
    if x.stopped is not None:
        body.append(words(f"ended early: {x.stopped}", "bad" if x.stopped == "diverged" else ""))
    if x.epoch:
        body += [charts(*_curves(x)), _epochs(x)]
    elif x.steps:
        loss = x.loss
        body += [charts(_steps(loss)), words(f"loss {loss[0]:.4g} → {loss[-1]:.4g}", "")]
    if x.cost is not None:
        body.append(words(x.cost))
    if x.kept:
        body.append(words("graph_at(step) draws any of the steps with its values, weights_at(step) gives its weights"))
    return frame("history", about, *body)


def _curves(x: History) -> list[str]:
    lines = [Line("train", x.train_loss, 0)]
    if x.validation_loss:
        lines.append(Line("held out", x.validation_loss, 1))
    known = [v for line in lines for v in line.values if np.isfinite(v)]
    log = bool(known) and min(known) > 0 and max(known) > 10 * min(known)
    figures = [chart("Loss", x.epoch, lines, log=log, marked=x.best_epoch)]
    if x.validation_accuracy:
        accuracy = [Line("held out", x.validation_accuracy, 1)]
        figures.append(chart("Accuracy", x.epoch, accuracy, shown=percent, marked=x.best_epoch))
    return figures


def _steps(loss: Any) -> str:
    """The loss over the steps; of many steps the mean of each of equal stretches."""
    ends = np.unique(np.linspace(0, len(loss), min(len(loss), _POINTS) + 1).astype(int))
    with np.errstate(all="ignore"):
        means = np.add.reduceat(loss, ends[:-1]) / np.diff(ends)
    known = means[np.isfinite(means)]
    log = bool(known.size and known.min() > 0 and known.max() > 10 * known.min())
    note = f"the mean of every {round(len(loss) / len(means)):,} steps" if len(means) < len(loss) else ""
    return chart("Loss", [int(e) for e in ends[:-1]], [Line("train", means.tolist())], log=log, note=note, label="step")


def _epochs(x: History) -> Html:
    columns, best = columns_of(x), x.best_epoch
    chosen = shown_epochs(x)
    rows = [
        [
            marked(f"{x.epoch[i]} ★", "good") if x.epoch[i] == best else str(x.epoch[i]),
            *[percent(v[i]) if name == "accuracy" else f"{v[i]:.5g}" for name, v in columns.items()],
        ]
        for i in chosen
    ]
    notes = []
    if best is not None:
        notes.append(f"★ lowest held-out loss: epoch {best}")
    if len(chosen) < len(x.epoch):
        notes.append(f"{len(chosen)} of {len(x.epoch):,} epochs, about {SHOWN} spread evenly")
    head = ["epoch", *["held-out accuracy" if name == "accuracy" else name for name in columns]]
    return joined([grid(head, rows, "l" + "r" * len(columns)), *[words(note) for note in notes]])


def learner(x: Any) -> str:
    """What is trained, how, how far it is, and the network."""
    about = f"{plural(x.step_count, 'step')} taken" + (f" in {plural(x.epoch_count, 'epoch')}" if x.epoch_count else "")
    settings: dict[str, Any] = {
        "loss": short(x.loss),
        "optimizer": short(x.optimizer),
        "batch size": "all rows" if x.batch_size is None else f"{x.batch_size:,}",
        "engine": f"{x.engine.name}, {'one thread' if x.threads is None else plural(x.threads, 'thread')}",
        "seed": str(x.seed),
    }
    if hasattr(x, "method"):
        settings = {"method": short(x.method), **settings}
    if x.penalty is not None:
        settings["penalty"] = short(x.penalty)
    if x.shards > 1:
        settings["shards"] = str(x.shards)
    if x.metrics:
        settings["metrics"] = ", ".join(x.metrics)
    return frame(type(x).__name__, about, pairs(settings), network_table(x.net))


def rates(x: Any) -> str:
    """The loss over the rates that were tried."""
    exponents = np.log10(x.rates)
    tips = [f"rate {rate:.3g}\nloss {numbers.number(loss)}" for rate, loss in zip(x.rates, x.losses, strict=True)]
    curve = Curve("", exponents.tolist(), np.asarray(x.losses, np.float64).tolist(), tips)
    figure = plot("Loss", [curve], ("rate, as a power of ten", "loss"), note="one step at each rate")
    table = grid(
        ("rate", "loss"), [(f"{r:.3g}", numbers.number(v)) for r, v in zip(x.rates, x.losses, strict=True)], "rr"
    )
    said = marked(f"suggested rate: {x.suggestion:.2g}", "good")
    return frame("learning rate", said, charts(figure), folded(f"{len(x.rates)} rates", table))


def comparison(x: Any) -> str:
    """The tables of a comparison."""
    return frame("without backpropagation", "", purpose(x), block(x))
