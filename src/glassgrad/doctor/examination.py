"""diagnose: all signs of one case, as a diagnosis."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.doctor.case import Case, of_estimator, of_trainer
from glassgrad.doctor.dependence import dependence_signs
from glassgrad.doctor.findings import Diagnosis, Finding, ordered
from glassgrad.doctor.gradient_signs import gradient_signs
from glassgrad.doctor.input_signs import input_signs
from glassgrad.doctor.label_signs import label_signs
from glassgrad.doctor.loss_signs import loss_signs
from glassgrad.doctor.run_signs import breakdown_signs, outcome_signs, update_signs
from glassgrad.doctor.thresholds import at
from glassgrad.doctor.unit_signs import unit_signs
from glassgrad.optim import LBFGS
from glassgrad.train import History, Learner
from glassgrad.train.rows import Features

Signs = Callable[[Case], Iterator[Finding]]
OF_DATA: tuple[Signs, ...] = (input_signs, label_signs, dependence_signs)
OF_NETWORK: tuple[Signs, ...] = (loss_signs, unit_signs, gradient_signs, update_signs, outcome_signs)


def diagnose(
    subject: Any,
    X: Features | None = None,
    y: ArrayLike | None = None,
    *,
    validation: tuple[Features, ArrayLike] | None = None,
    history: History | None = None,
    sample_weight: ArrayLike | None = None,
    feature_names: Sequence[str] = (),
) -> Diagnosis:
    """Look for what is wrong with a network, its data and its training.

    At most 1,000 rows, spread evenly, go through the network and back once, gate by gate, and three steps are tried
    on a copy. The trainer stays as it is, bit for bit, and nothing is drawn.

    Parameters
    ----------
    subject : Trainer or estimator
        A trainer, before or after training, or a fitted `MLPClassifier`, `MLPRegressor` or `LogisticRegression`.
    X, y : array_like, optional
        The rows to learn from; by default those that a trainer trained on last. X may be sparse.
    validation : (X, y), optional
        Held-out rows: with them, overfitting and labels that cannot be learned are told with more certainty.
    history : History, optional
        What `fit` returned; by default that of the trainer's last call.
    sample_weight : array_like, optional
        How much each row counts in the loss.
    feature_names : sequence of str
        What features are called.

    Returns
    -------
    Diagnosis
        Falsy if anything is wrong; printing it says what, in which layer, and what to try.

    Raises
    ------
    DataError, ShapeError, OperandError
        When the data do not fit the network, or are not to be had.
    UnsupportedError
        When the subject is nothing that learns by gradients.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.xor()
    >>> net = gg.nn.Sequential(gg.nn.Linear(2, 8, weight=gg.nn.Zeros()), gg.nn.Tanh(), gg.nn.Linear(8, 1))
    >>> trainer = gg.train.Trainer(net, gg.distributions.Bernoulli(), gg.optim.SGD(0.1))
    >>> gg.diagnose(trainer, X, y).codes[0]
    'zero-weights'
    """
    make = of_trainer if isinstance(subject, Learner) else of_estimator
    case = make(subject, X, y, validation, history, sample_weight, feature_names)
    return examined(case)


def examined(case: Case) -> Diagnosis:
    """The diagnosis of a case."""
    with np.errstate(all="ignore"):
        found = list(breakdown_signs(case))
        signs = OF_DATA if not case.probe.finite else (*OF_DATA, *OF_NETWORK)
        found += itertools.chain.from_iterable(sign(case) for sign in signs)
    return Diagnosis(_subject(case), ordered(found), len(case.probe.rows), dict(_unseen(case)))


def _unseen(case: Case) -> Iterator[tuple[str, str]]:
    if not case.probe.finite:
        yield "units, gradients and updates", "the numbers are not finite"
    if case.held is None and not (case.history is not None and case.history.validation_loss):
        yield "held-out rows", "pass validation=(X, y)"
    if len(case.probe.rows) < at("tested rows"):
        yield "whether labels depend on features", f"fewer than {at('tested rows'):.0f} rows"
    if not case.trained:
        yield "sizes of updates", "the optimizer that was used is not known"
    elif isinstance(case.trainer.optimizer, LBFGS):
        yield "sizes of updates", "L-BFGS searches along lines and has no rate"


def _subject(case: Case) -> str:
    widths = [p.shape for _, p in case.trainer.net.named_parameters() if len(p.shape) == 2]
    chained = all(a[1] == b[0] for a, b in itertools.pairwise(widths))
    layers = "-".join(str(n) for n in (widths[0][0], *(w[1] for w in widths))) if widths and chained else ""
    name = f"a {layers} network" if layers else f"a network of {case.trainer.net.count():,} parameters"
    epochs = case.trainer.epoch_count or (len(case.history.epoch) if case.history is not None else 0)
    when = "before training" if not case.experienced else f"after {epochs} epochs" if epochs > 1 else "after 1 epoch"
    if case.experienced and not epochs:
        when = f"after {case.trainer.step_count:,} steps"
    return f"{name} {when}"
