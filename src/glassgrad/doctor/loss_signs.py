"""Signs in the loss: gradients that it stops, outputs that are not what it expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.distributions import Bernoulli, Categorical
from glassgrad.doctor.case import Case
from glassgrad.doctor.evidence import shares
from glassgrad.doctor.findings import Finding
from glassgrad.doctor.probe import Probe
from glassgrad.doctor.thresholds import at
from glassgrad.train.step_graphs import batch_loss
from glassgrad.views.scores import share
from glassgrad.wire import Wire, no_grad, topological

Array = np.ndarray[Any, Any]
_TRIED, _ANSWERS = 64, 8  # stuck rows that are looked at, answers that are tried on each
_BETTER = 0.9  # an answer with nine tenths of the loss or less would have been better


def loss_signs(case: Case) -> Iterator[Finding]:
    """What is wrong between output and loss."""
    yield from _probabilities(case)
    yield from _cut(case)


def _probabilities(case: Case) -> Iterator[Finding]:
    probe, loss = case.probe, case.trainer.loss
    output = np.asarray(probe.output.value, np.float64)
    between = bool(((output >= 0) & (output <= 1)).all())
    if not between or not isinstance(loss, Categorical | Bernoulli):
        return
    groups = {g.name for w in probe.net_wires[-12:] if w.group is not None for g in w.group.path}
    if isinstance(loss, Categorical):
        found = output.shape[1] > 1 and bool(np.allclose(output.sum(axis=1), 1, atol=1e-3))
        made = "are between 0 and 1 and sum to 1 in every row"
    else:
        found = "sigmoid" in groups or (probe.output.op is not None and probe.output.op.name == "sigmoid")
        made = "come from a sigmoid"
    if found:
        low, high = float(output.min()), float(output.max())
        yield Finding(
            "probabilities-as-logits",
            f"all outputs {made} (here {low:.2g} to {high:.2g}): the loss takes them for logits, so no answer "
            "can be sure",
            shares("outputs", [("least", low), ("largest", high)], [0, 1]), rows=1.0,
        )  # fmt: skip


def _cut(case: Case) -> Iterator[Finding]:
    """Rows that no gradient reaches, although another answer would have less loss."""
    probe = case.probe
    g = probe.gradient(probe.output)
    stuck = np.flatnonzero(~g.reshape(len(g), -1).any(axis=1))
    n = len(g)
    if len(stuck) < at("cut rows") * n or not probe.cost.active:
        return
    looked = stuck[:: -(-len(stuck) // _TRIED)]
    wrong = np.array([_improvable(probe, int(row)) for row in looked])
    part = float(wrong.mean()) * len(stuck) / n
    if part < at("cut rows"):
        return
    gate = _cutter(probe, looked[wrong])
    where = ""
    if gate is not None and gate.op is not None:
        where = f": {gate.op.name} stops it" + (f" at {gate.location}, {gate.location.text}" if gate.location else "")
    yield Finding(
        "loss-cuts-gradients",
        f"{len(stuck):,} of {n:,} rows get no gradient, and for {share(wrong.mean(), 0)} of these another answer would "
        f"have less loss{where}",
        shares("rows", [("no gradient, wrong", part), ("no gradient, right", len(stuck) / n - part),
                        ("gradient", 1 - len(stuck) / n)], [0]), rows=part,
    )  # fmt: skip


def _improvable(probe: Probe, row: int) -> bool:
    """Whether what the network answers elsewhere, or its opposite, would have clearly less loss on this row."""
    output = np.asarray(probe.output.value)
    some = output[:: -(-len(output) // _ANSWERS)]
    answers = [*some, *(-some), np.zeros_like(output[0])]
    columns = [column[row : row + 1] for column in probe.rows.columns[1:]]
    with no_grad(), np.errstate(all="ignore"):
        losses = [float(_plain(batch_loss(probe.loss, answer[None], *columns))) for answer in (output[row], *answers)]
    now, rest = losses[0], [x for x in losses[1:] if np.isfinite(x)]
    return bool(rest) and now - min(rest) > max((1 - _BETTER) * abs(now), 1e-6)


def _plain(x: Any) -> Any:
    return x._value if isinstance(x, Wire) else x


def _cutter(probe: Probe, rows: Array) -> Wire | None:
    """The gate of the loss at which the gradient of such rows ends: it gets one, and hands none on.

    Of several, the one nearest to the output: that is how far the gradient came.
    """
    n = len(probe.rows)
    for wire in topological([probe.cost], stop=[probe.output]):
        moving = [x for x in wire.operands if x.active and x.shape[:1] == (n,)]
        if wire.shape[:1] == (n,) and moving and wire is not probe.output:
            got = probe.gradient(wire)[rows].any()
            if got and not any(probe.gradient(x)[rows].any() for x in moving):
                return wire
    return None
