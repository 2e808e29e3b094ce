"""Signs in the run: sizes of updates, losses over the epochs, held-out rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.doctor.case import Case, constant_loss
from glassgrad.doctor.evidence import Evidence, bars, curve, shares
from glassgrad.doctor.findings import Finding
from glassgrad.doctor.probe import spread
from glassgrad.doctor.thresholds import at
from glassgrad.optim import Optimizer
from glassgrad.train import NumpyEngine, Stretch
from glassgrad.views.numbers import number
from glassgrad.views.scores import share

Array = np.ndarray[Any, Any]
_STEPS = 3
_LOOKED = 8  # epochs of a history at least, before its trend is judged


def update_signs(case: Case) -> Iterator[Finding]:
    """Steps that are too large or too small for the weights."""
    trainer = case.trainer
    if not case.trained or not isinstance(trainer.optimizer, Optimizer):
        return
    ratios = _noted(case) or _tried(case)
    if not ratios:
        return
    worst = max if _ran_away(case) else min  # one step is enough for that; else it has to last
    lasting = {name: worst(values[-_STEPS:]) for name, values in ratios.items()}
    high = at("large update") * (1 if case.experienced else at("first steps"))
    rows = list(lasting.items())
    large = [i for i, (_, v) in enumerate(rows) if v > high]
    title = "share of its size that a step changes a matrix"
    if large:
        name, value = max(rows, key=lambda row: row[1])
        yield Finding(
            "large-updates", f"each step changes {name} by {_percent(value)} of its size",
            shares(title, rows, large, log=True), units=len(large) / len(rows),
        )  # fmt: skip
    most = {name: max(values) for name, values in ratios.items()}
    if max(most.values()) < at("small update") and _unlearned(case):
        rows = list(most.items())
        name, value = max(rows, key=lambda row: row[1])
        yield Finding(
            "small-updates", f"no step changes a matrix by more than {_percent(value)} of its size ({name})",
            shares(title, rows, range(len(rows)), log=True), units=1.0,
        )  # fmt: skip


def _ran_away(case: Case) -> bool:
    return case.history is not None and case.history.stopped == "diverged"


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _noted(case: Case) -> dict[str, list[float]]:
    """Update sizes of weight matrices that training noted, where it noted enough."""
    found = {} if case.history is None else case.history.update_ratio
    names = [name for name, p in case.trainer.trainable if len(p.shape) >= 2]
    return {name: found[name] for name in names if len(found.get(name, ())) >= _STEPS}


def _tried(case: Case) -> dict[str, list[float]]:
    """Update sizes of a few steps that are taken on a copy of the training state, gate by gate."""
    trainer, engine = case.trainer, NumpyEngine()
    rows = spread(case.rows, int(at("rows")))
    size = min(trainer.batch_size or len(rows), len(rows))
    memory, found = trainer.memory(), {}
    frozen, per_epoch = [p.value for _, p in trainer.frozen], -(-len(rows) // size)
    matrices = [(i, name) for i, (name, p) in enumerate(trainer.trainable) if len(p.shape) >= 2]
    for k in range(_STEPS):
        before = memory.arrays
        stretch = Stretch(rows, frozen, size, "shuffle", trainer.key, k // per_epoch, k % per_epoch, 1)
        engine.steps(lambda n: trainer.step_graph(rows, n), memory, stretch, np.empty(1))
        for i, name in matrices:
            old, new = np.asarray(before[i], np.float64), np.asarray(memory.arrays[i], np.float64)
            size_, change = float(np.linalg.norm(old)), float(np.linalg.norm(new - old))
            ratio = 0.0 if size_ == 0 else change / size_
            found.setdefault(name, []).append(ratio if np.isfinite(ratio) else np.inf)  # it ran away
    return found


def _unlearned(case: Case) -> bool:
    """Whether small steps are an illness here: where nothing was learned yet, and not where all was."""
    skill = case.skill(case.probe)
    if skill is not None:
        return skill < 0.5
    losses = [] if case.history is None else case.history.train_loss
    return not case.experienced or (len(losses) > 1 and losses[-1] > 0.9 * losses[0])


def breakdown_signs(case: Case) -> Iterator[Finding]:
    """Numbers that ran away."""
    probe = case.probe
    bad = [(n, p) for n, p in case.trainer.net.named_parameters() if not np.isfinite(p.value).all()]
    diverged = _ran_away(case)
    if probe.finite and not diverged:
        return
    if bad:
        name, p = bad[0]
        what = f"{name} has {int((~np.isfinite(p.value)).sum()):,} numbers that are not finite"
    elif diverged:
        what = "training stopped because the loss ran away, and went back to the last good weights"
    else:
        what = f"the loss of the rows is {probe.cost.value}"
    yield Finding("diverged", what, _losses(case), rows=1.0 if not probe.finite else None)


def _losses(case: Case) -> Evidence:
    history = case.history
    if history is not None and len(history.loss):
        finite = np.abs(np.nan_to_num(history.loss, nan=0.0, posinf=0.0, neginf=0.0))
        log = bool((finite > 0).all() and finite.max() > 100 * finite.min())
        return curve("loss of each step, up to the end", history.loss[-2000:].tolist(), "step", log)
    sizes = [(n, float(np.sqrt(np.mean(np.square(p.value, dtype=np.float64)))))
             for n, p in case.trainer.net.named_parameters()]  # fmt: skip
    return bars("size of parameters", sizes, [i for i, (_, v) in enumerate(sizes) if not np.isfinite(v)])


def outcome_signs(case: Case) -> Iterator[Finding]:
    """What came of training."""
    if not case.experienced:
        return
    probe = case.probe
    output = np.asarray(probe.output.value, np.float64)
    if len(output) > 1 and np.ptp(output, axis=0).max() <= 1e-6 * max(float(np.abs(output).max()), 1e-30):
        rows = [(f"output {i}", float(v)) for i, v in enumerate(np.std(output, axis=0))]
        yield Finding(
            "constant-output", f"all {len(output):,} rows get the same answer",
            bars("deviation between rows", rows, range(len(rows))), rows=1.0,
        )  # fmt: skip
    skill, cost = case.skill(probe), float(probe.cost.value)
    history = case.history
    waited = history is not None and len(history.epoch) >= at("epochs") and not 0 < history.steps < at("steps")
    if skill is not None and skill < at("learned") and history is not None and waited:
        yield Finding(
            "stalled",
            f"after {len(history.epoch)} epochs the loss is {number(cost)}; one answer for all rows would have "
            f"{number(cost / (1 - skill))}",
            curve("loss over the epochs", history.train_loss),
        )  # fmt: skip
    yield from _overfitting(case, skill)


def _overfitting(case: Case, skill: float | None) -> Iterator[Finding]:
    seen = case.held_probe
    held = None if seen is None else case.skill(seen)
    if seen is not None and held is not None and skill is not None and len(seen.rows) >= at("few rows"):
        if skill - held > at("overfit gap") * max(skill, 0.1) and skill > at("learned"):
            yield Finding(
                "overfitting",
                f"the loss saves {share(skill, 0)} of the best constant answer's on rows learned from, and "
                + (f"{share(held, 0)} on held-out rows" if held > 0 else "nothing on held-out rows"),
                bars(
                    "loss", [("learned from", float(case.probe.cost.value)), ("held out", float(seen.cost.value))], [1]
                ),
            )
        return
    history = case.history
    if history is None or history.stopped == "patience" or len(history.validation_loss) < _LOOKED:
        return
    losses = history.validation_loss
    best = int(np.argmin(losses))
    lately = float(np.mean(losses[-3:]))
    whole = constant_loss(case.trainer.loss, case.rows) or history.train_loss[0]
    if (
        lately > at("overfit rise") * losses[best]
        and lately - losses[best] > at("overfit loss") * whole
        and history.train_loss[-1] < history.train_loss[best]
    ):
        yield Finding(
            "overfitting",
            f"the held-out loss was lowest in epoch {history.epoch[best]}, {number(losses[best])}, and has risen to "
            f"{number(lately)} while the loss of the rows learned from went on falling",
            curve("held-out loss over the epochs", losses),
        )  # fmt: skip
