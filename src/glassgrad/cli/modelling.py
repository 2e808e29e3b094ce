"""Which estimator suits a file, and how it is set up, said in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import optim
from glassgrad.cli.common import UsageError
from glassgrad.cli.runs import console
from glassgrad.cli.settings import Settings, weights_of_classes
from glassgrad.data import Preparation, Target
from glassgrad.estimators import LogisticRegression, MLPClassifier, MLPRegressor, Perceptron
from glassgrad.train import Callback, History
from glassgrad.train.callbacks import ProgressBar

Array = np.ndarray[Any, Any]

_FEW_ROWS = 300
_IMAGE_EPOCHS, _TABLE_EPOCHS, _IMAGE_UNITS, _TABLE_UNITS = 20, 300, (512,), (64,)
_IMAGE_STEPS = 5000
_DROPOUT, _IMAGE_RATE, _TABLE_RATE, _PATIENCE = 0.5, 2e-3, 1e-3, 20
_SET_ASIDE = 0.1
_NETWORK_ONLY = ("hidden", "activation", "loss", "optimizer")
_NAMES = {"perceptron": "an averaged perceptron", "logistic": "logistic regression", "mlp": "a network"}


@dataclass(frozen=True)
class Data:
    """What is known of the rows to learn from."""

    rows: int
    features: int
    images: bool
    text: bool
    target: Target

    @classmethod
    def of(cls, preparation: Preparation, X: Any) -> Data:
        """Of the matrix that a preparation made."""
        assert preparation.target is not None
        return cls(X.shape[0], X.shape[1], preparation.images, hasattr(X, "tocsr"), preparation.target)


@dataclass(frozen=True)
class Choice:
    """An estimator to be fitted, what it is called, why it was chosen, and how it is set up.

    `passes` is how many it takes where nothing else is to end it; None where it ends when it has converged.
    """

    estimator: Any
    name: str
    why: str
    how: str
    passes: int | None = None

    def said(self) -> str:
        """All of it in a sentence."""
        return f"{self.name} ({self.how}){': ' if self.why else ''}{self.why}"


OF_COUNTS = ("poisson", "negative_binomial")
"""Losses of counts, which are not scaled."""


def choose(settings: Settings, data: Data) -> Choice:
    """The estimator that was asked for, or the one that suits the data.

    Raises
    ------
    UsageError
        When options do not go together.
    """
    classify = data.target.task == "classification"
    model, why = settings.model, "as told"
    asked = [name for name in _NETWORK_ONLY if getattr(settings, name) is not None and name != "optimizer"]
    if model == "auto":
        model, why = ("mlp", f"--{asked[0]} was given") if asked else _suits(data, classify)
    if not classify and model != "mlp":
        raise UsageError(
            f"--model {model} tells classes apart, and {data.target.name!r} is to be predicted as a number "
            f"({data.target.reason}); take --model mlp, or --task classification"
        )
    if settings.loss in OF_COUNTS and data.target.task != "counts":
        raise UsageError(
            f"--loss {settings.loss} is for counts, and --task {data.target.task} was given; take --task counts"
        )
    if not classify and settings.class_weight:
        raise UsageError(f"--class-weight is for classes, and {data.target.name!r} is predicted as a number")
    if model != "mlp":
        for name in asked:
            raise UsageError(f"--{name} is for --model mlp; {_NAMES[model]} has none")
    made = {"mlp": _network, "logistic": _logistic, "perceptron": _perceptron}[model]
    estimator, name, how = made(settings, data)
    fixed = model == "mlp" and not estimator.early_stopping and estimator.solver != "lbfgs"
    return Choice(estimator, name, why, how, estimator.max_iter if fixed else None)


def _suits(data: Data, classify: bool) -> tuple[str, str]:
    """A model, and why."""
    if not classify:
        return "mlp", "a number is to be predicted"
    if data.images:
        return "mlp", "the rows are images"
    if data.text:
        return "logistic", "there is text, whose words are many and each say little"
    if data.features > data.rows:
        return "logistic", f"there are more features than rows ({data.features:,} and {data.rows:,})"
    if data.rows < _FEW_ROWS:
        return "logistic", f"there are few rows ({data.rows:,})"
    return "mlp", f"there are rows enough to learn features from ({data.rows:,})"


def _perceptron(settings: Settings, data: Data) -> tuple[Any, str, str]:
    if settings.optimizer is not None or settings.batch_size not in (None, 1):
        raise UsageError("a perceptron learns row by row by its own rule: it has no --optimizer and no --batch-size")
    early: dict[str, Any] = {}
    if settings.patience is not None:
        early = {"early_stopping": True, "validation_fraction": _SET_ASIDE, "n_iter_no_change": settings.patience}
    epochs = settings.epochs or 50
    estimator = Perceptron(
        average=True, max_iter=epochs, eta0=settings.rate or 1.0, random_state=settings.seed,
        class_weight=weights_of_classes(settings.class_weight, data.target.classes), **early,
    )  # fmt: skip
    return estimator, _NAMES["perceptron"], f"at most {epochs} passes"


def _logistic(settings: Settings, data: Data) -> tuple[Any, str, str]:
    weight = weights_of_classes(settings.class_weight, data.target.classes)
    strength = 10.0 if data.text else 1.0
    shared: dict[str, Any] = {"C": strength, "class_weight": weight, "random_state": settings.seed}
    steps = settings.rate is not None or settings.batch_size is not None
    if settings.optimizer not in (None, "sgd" if steps else "lbfgs"):
        raise UsageError(
            f"logistic regression learns by lbfgs, or by sgd with --rate or --batch-size, not {settings.optimizer}"
        )
    if not steps:
        if settings.patience is not None:
            raise UsageError("--patience watches epochs, and L-BFGS has none; add --batch-size, or take --model mlp")
        estimator = LogisticRegression(max_iter=settings.epochs or 1000, **shared)
        return estimator, _NAMES["logistic"], f"L-BFGS, C = {strength:g}"
    batch = settings.batch_size or 32
    early: dict[str, Any] = {}
    if settings.patience is not None:
        early = {"early_stopping": True, "validation_fraction": _SET_ASIDE, "n_iter_no_change": settings.patience}
    rate: dict[str, Any] = {} if settings.rate is None else {"learning_rate": "constant", "eta0": settings.rate}
    estimator = LogisticRegression(
        solver="sgd" if batch == 1 else "minibatch", batch_size=batch, max_iter=settings.epochs or 50, **rate, **shared,
        **early,
    )  # fmt: skip
    return estimator, _NAMES["logistic"], f"{batch} row{'s' * (batch > 1)} a step, C = {strength:g}"


def _network(settings: Settings, data: Data) -> tuple[Any, str, str]:
    classify = data.target.task == "classification"
    hidden = settings.hidden
    if hidden is None:
        hidden = _IMAGE_UNITS if data.images else _TABLE_UNITS
    batch = min(settings.batch_size or 32, data.rows)
    few = math.ceil(_IMAGE_STEPS * batch / data.rows)  # epochs that few images need
    epochs = settings.epochs or (min(max(_IMAGE_EPOCHS, few), _TABLE_EPOCHS) if data.images else _TABLE_EPOCHS)
    patience = settings.patience
    if patience is None and not data.images and settings.epochs is None and data.rows >= 50:
        patience = _PATIENCE
    solver = settings.optimizer or "adam"
    rate = settings.rate or (_IMAGE_RATE if data.images else _TABLE_RATE) if solver != "sgd" else settings.rate or 0.05
    activation = settings.activation or "relu"
    dropout = _DROPOUT if data.images and hidden else 0.0
    learned = data.rows - (int(_SET_ASIDE * data.rows) if patience is not None else 0)
    options: dict[str, Any] = {
        "hidden_layer_sizes": hidden, "activation": activation, "solver": solver, "learning_rate_init": rate,
        "batch_size": batch, "max_iter": epochs, "random_state": settings.seed, "dropout": dropout,
        "early_stopping": patience is not None, "validation_fraction": _SET_ASIDE,
        "n_iter_no_change": patience if patience is not None else epochs, "scoring": "loss",
    }  # fmt: skip
    if solver == "lbfgs":
        if settings.rate is not None or settings.batch_size is not None:
            raise UsageError("lbfgs takes all rows and searches along a line: it has no --rate and no --batch-size")
        options |= {"dropout": 0.0, "early_stopping": False}
        dropout, patience = 0.0, None
    elif data.images and settings.rate is None and patience is None:
        options["learning_rate"] = optim.Cosine(rate, epochs * -(-learned // batch))
    if settings.loss is not None:
        options["loss"] = settings.loss
    elif data.target.task == "counts":
        options["loss"] = "poisson"
    if classify:
        options["class_weight"] = weights_of_classes(settings.class_weight, data.target.classes)
    estimator = (MLPClassifier if classify else MLPRegressor)(**options)
    sizes = "-".join(str(n) for n in (data.features, *hidden, len(data.target.classes) if classify else 1))
    parts = [f"{solver}" + (f" at {rate:g}" if solver != "lbfgs" else "")]
    parts += [activation] if hidden else []
    parts += [f"dropout {dropout:g}"] if dropout else []
    parts += [f"loss {options['loss']}"] if "loss" in options else []
    parts += [f"at most {epochs} epochs, patience {patience}"] if patience is not None else [f"{epochs} epochs"]
    return estimator, f"{_NAMES['mlp']} {sizes}", ", ".join(parts)


class _Ending(Callback):
    """Remembers why training ended."""

    stopped: str | None = None

    def epochs_ahead(self, history: History) -> int:
        """Any number: it only looks at the end."""
        return 1 << 20

    def on_end(self, trainer: Any, history: History) -> None:
        """Note why."""
        self.stopped = history.stopped


def fitted(estimator: Any, X: Any, y: Array, bar: bool) -> bool:
    """Fit an estimator, with a bar if asked for; whether it was interrupted and keeps what it learned until then."""
    if not isinstance(estimator, MLPClassifier | MLPRegressor):
        estimator.fit(X, y)
        return False
    ending = _Ending()
    estimator.set_params(callbacks=[ending, *([ProgressBar(console())] if bar else [])])
    try:
        estimator.fit(X, y)
    finally:
        estimator.set_params(callbacks=None)
    return ending.stopped == "interrupted"
