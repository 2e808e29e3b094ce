"""Case: what is examined, made from a trainer or a fitted estimator, its data and its history."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.distributions import Bernoulli, Categorical, Gaussian
from glassgrad.doctor.probe import Probe, probe, spread
from glassgrad.doctor.sites import Site, sites
from glassgrad.doctor.thresholds import at
from glassgrad.errors import DataError, OperandError, UnsupportedError
from glassgrad.optim import SGD
from glassgrad.train import History, Learner, Rows, Trainer

Array = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """One network with its loss, data and history, and what a probe of it showed.

    Attributes
    ----------
    trainer : Learner
        With network, loss and optimiser.
    trained : bool
        Whether the optimiser is the one that training used.
    rows : Rows
        All rows to learn from.
    held : Rows or None
        Held-out rows.
    history : History or None
        Of the last training.
    features, classes : sequence of str
        Their names; empty where they have none.
    """

    trainer: Learner
    trained: bool
    rows: Rows
    held: Rows | None = None
    history: History | None = None
    features: Sequence[str] = ()
    classes: Sequence[str] = ()

    @functools.cached_property
    def probe(self) -> Probe:
        """Some rows to learn from, forward and backward."""
        return probe(self.trainer.net, self.trainer.loss, spread(self.rows, int(at("rows"))))

    @functools.cached_property
    def sites(self) -> list[Site]:
        """The layers' units."""
        return sites(self.probe)

    @functools.cached_property
    def held_probe(self) -> Probe | None:
        """Some held-out rows, forward."""
        if self.held is None:
            return None
        return probe(self.trainer.net, self.trainer.loss, spread(self.held, int(at("rows"))))

    @property
    def experienced(self) -> bool:
        """Whether steps were taken."""
        return self.trainer.step_count > 0 or (self.history is not None and bool(self.history.epoch))

    @functools.cached_property
    def labels(self) -> Array | None:
        """All labels as whole numbers, one a row, where there is one; else None."""
        loss, y = self.trainer.loss, self.rows.y
        if isinstance(loss, Categorical):
            return y.astype(np.int64) if y.ndim == 1 else np.argmax(y, axis=-1) if _is_one_hot(y) else None
        if isinstance(loss, Bernoulli) and y.reshape(len(y), -1).shape[1] == 1:
            return y.reshape(len(y)).astype(np.int64)
        return None

    @property
    def numbers(self) -> Array | None:
        """All targets as float64 of shape (rows, targets) where they are quantities; else None."""
        if isinstance(self.trainer.loss, Categorical | Bernoulli):
            return None
        y = self.rows.y
        whole = y.dtype.kind in "iub" and not isinstance(self.trainer.loss, Gaussian)
        return None if whole else y.reshape(len(y), -1).astype(np.float64)

    def feature(self, i: int) -> str:
        """The name of a feature."""
        return self.features[i] if i < len(self.features) else f"feature {i}"

    def label(self, i: int) -> str:
        """The name of a class."""
        return str(self.classes[i]) if i < len(self.classes) else f"class {i}"

    def skill(self, seen: Probe) -> float | None:
        """The share of the best constant answer's loss that the network saves on such rows; None where unknown."""
        least = constant_loss(self.trainer.loss, seen.rows)
        return None if not least else 1.0 - float(seen.cost.value) / least


def constant_loss(loss: Any, rows: Rows) -> float | None:
    """The least loss that one answer for all rows can have; None where it is not known how to find it.

    Examples
    --------
    >>> from glassgrad import distributions
    >>> rows = Rows(np.zeros((4, 1)), np.array([0, 1, 1, 1]))
    >>> round(constant_loss(distributions.Categorical(), rows), 4)
    0.5623
    """
    y = rows.y.reshape(len(rows), -1).astype(np.float64)
    weight = rows.weight
    if isinstance(loss, Categorical):
        if rows.y.ndim == 1:
            y = np.eye(int(rows.y.max()) + 1)[rows.y.astype(np.int64)]
        p = np.average(y, axis=0, weights=weight)
        return float(-np.sum(p * np.log(np.where(p > 0, p, 1.0))))
    if isinstance(loss, Bernoulli):
        p = np.average(y, axis=0, weights=weight)
        entropy = p * np.log(np.where(p > 0, p, 1.0)) + (1 - p) * np.log(np.where(p < 1, 1 - p, 1.0))
        return float(-np.sum(entropy))
    if isinstance(loss, Gaussian):
        mean = np.average(y, axis=0, weights=weight)
        return float(np.sum(np.average((y - mean) ** 2, axis=0, weights=weight)) / 2)
    return None


def of_trainer(
    trainer: Learner, X: Any, y: Any, validation: Any, history: History | None, sample_weight: Any,
    features: Sequence[str],
) -> Case:  # fmt: skip
    """The case of a trainer; without X and y, on the rows it trained on last."""
    if (X is None) != (y is None):
        raise OperandError("diagnose needs X and y together, or neither")
    if X is None:
        if trainer.seen is None:
            raise DataError("this trainer has not trained yet: pass the rows to learn from, diagnose(trainer, X, y)")
        rows = trainer.seen.drawing(False)
    else:
        rows = _rows(trainer, X, y, sample_weight)
    held = None if validation is None else _rows(trainer, *_pair(validation), names=("validation X", "validation y"))
    return Case(trainer, True, rows, held, history or trainer.history, features)


def of_estimator(
    estimator: Any, X: Any, y: Any, validation: Any, history: History | None, sample_weight: Any,
    features: Sequence[str],
) -> Case:  # fmt: skip
    """The case of a fitted estimator whose cost is a distribution of a network's outputs."""
    loss = getattr(estimator, "distribution_", None)
    if loss is None or not hasattr(estimator, "network"):
        raise UnsupportedError(
            f"diagnose takes a Trainer, or a fitted MLPClassifier, MLPRegressor or LogisticRegression, not "
            f"{type(estimator).__name__}"
        )
    if X is None or y is None:
        raise OperandError("an estimator does not keep its data: diagnose(estimator, X, y)")
    net, made = estimator.network(), vars(estimator).get("_trainer")
    known = isinstance(made, tuple) and made[0].net is net
    trainer = made[0] if known else Trainer(net, loss, SGD())
    found = np.asarray(getattr(estimator, "classes_", ()))

    def codes(labels: Any) -> Any:
        labels = np.asarray(labels)
        if not found.size or labels.ndim > 1:
            return labels if labels.ndim > 1 or isinstance(loss, Categorical) else labels.reshape(len(labels), -1)
        if not np.isin(labels, found).all():
            raise DataError("y has a class that was not met in fit")
        numbered = np.searchsorted(found, labels)
        return numbered if isinstance(loss, Categorical) else numbered.reshape(-1, 1)

    rows = _rows(trainer, X, codes(y), sample_weight)
    held = None
    if validation is not None:
        held_X, held_y = _pair(validation)
        held = _rows(trainer, held_X, codes(held_y), names=("validation X", "validation y"))
    names = features or [str(name) for name in getattr(estimator, "feature_names_in_", ())]
    return Case(trainer, known, rows, held, history or _curves(estimator), names, [str(c) for c in found])


def _curves(estimator: Any) -> History | None:
    """What an estimator noted of its training, as a history."""
    losses = [float(v) for v in np.ravel(getattr(estimator, "loss_curve_", None) or ())]
    held = [float(v) for v in np.ravel(getattr(estimator, "validation_loss_curve_", None) or ())]
    if not losses:
        return None
    stopped = "patience" if getattr(estimator, "early_stopping", False) else None
    return History(list(range(1, len(losses) + 1)), losses, held[: len(losses)], stopped=stopped)


def _rows(trainer: Learner, X: Any, y: Any, weight: Any = None, names: tuple[str, str] = ("X", "y")) -> Rows:
    """Data as the network takes them, checked; the trainer's own note of their form is put back."""
    flat = vars(trainer)["_flat_targets"]
    try:
        return trainer.rows(X, y, weight, names)
    finally:
        vars(trainer)["_flat_targets"] = flat


def _pair(validation: Any) -> tuple[Any, Any]:
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise OperandError("validation is a pair (X, y) of held-out rows, such as data.split returns")
    return validation[0], validation[1]


def _is_one_hot(y: Array) -> bool:
    return bool(((y == 0) | (y == 1)).all())
