"""The settings of a multilayer perceptron: checked, and made into an optimiser, a schedule, a penalty, a loss."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Hashable
from numbers import Integral, Real
from typing import Any

import numpy as np

from glassgrad import optim
from glassgrad.checks import check_gradient
from glassgrad.errors import DataError, GradientError, OperandError, reason, unknown
from glassgrad.parameters import Parameter

SOLVERS = ("lbfgs", "sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad")
_DESCENT = ("sgd", "nesterov")
_RATES = ("constant", "invscaling", "adaptive")
_NUMBERS: dict[str, tuple[type, float, float]] = {  # kind, least, most
    "alpha": (Real, 0, np.inf), "learning_rate_init": (Real, 0, np.inf), "power_t": (Real, 0, np.inf),
    "max_iter": (Integral, 1, np.inf), "tol": (Real, 0, np.inf), "momentum": (Real, 0, 1),
    "validation_fraction": (Real, 0, 1), "beta_1": (Real, 0, 1), "beta_2": (Real, 0, 1),
    "epsilon": (Real, 0, np.inf), "max_fun": (Integral, 1, np.inf),
}  # fmt: skip


def check(est: Any) -> None:
    """Refuse settings that make no sense, each with what it may be.

    Raises
    ------
    DataError, OperandError, UnknownNameError
        With the name of the setting.
    """
    who = type(est).__name__
    for name, (kind, low, high) in _NUMBERS.items():
        value = getattr(est, name)
        if isinstance(value, bool) or not isinstance(value, kind):
            word = "whole number" if kind is Integral else "number"
            raise OperandError(f"{who}: {name} is a {word}, not {value!r}")
        if not low <= float(value) <= high:
            limits = f"from {low:g}" + ("" if high == np.inf else f" to {high:g}")
            raise DataError(f"{who}: {name} goes {limits}, and is {value}")
    if est.learning_rate_init == 0:
        raise DataError(f"{who}: learning_rate_init is above 0, and is 0: nothing would be learned")
    for name in ("batch_size", "n_iter_no_change"):
        value = getattr(est, name)
        free = "auto" if name == "batch_size" else np.inf
        if value != free and (isinstance(value, bool) or not isinstance(value, Integral) or value < 1):
            raise DataError(f"{who}: {name} is a whole number from 1 up, or {free!r}, not {value!r}")
    if isinstance(est.solver, str) and est.solver not in SOLVERS:
        raise unknown("solver", est.solver, SOLVERS)
    if not isinstance(est.solver, str | optim.Optimizer | optim.LBFGS):
        raise OperandError(f"{who}: solver is one of {', '.join(SOLVERS)}, or one of gg.optim, not {est.solver!r}")
    if isinstance(est.learning_rate, str) and est.learning_rate not in _RATES:
        raise unknown("learning_rate", est.learning_rate, _RATES)
    if not isinstance(est.learning_rate, str) and not callable(est.learning_rate):
        raise OperandError(
            f"{who}: learning_rate is one of {', '.join(_RATES)}, or a schedule such as optim.Cosine(0.1, 1000), not "
            f"{est.learning_rate!r}; a number goes to learning_rate_init"
        )


def is_full_batch(est: Any) -> bool:
    """Whether the solver takes all rows in each iteration."""
    return est.solver == "lbfgs" or isinstance(est.solver, optim.LBFGS)


def optimizer_of(est: Any, steps: int, rows: int, dtype: Any) -> tuple[Any, Parameter | None, Hashable]:
    """The optimiser, the learning rate where it can change, and what tells its programs apart.

    Parameters
    ----------
    est : estimator
        With the settings.
    steps, rows : int
        Of one pass over the data.
    dtype : dtype
        Of the network.
    """
    solver = est.solver
    if isinstance(solver, optim.Optimizer | optim.LBFGS):
        return solver, None, ("own", repr(solver)) if _plain(solver) else None
    if solver == "lbfgs":
        most = {"max_iterations": est.max_iter, "max_evaluations": est.max_fun}
        return optim.LBFGS(**most, tolerance=est.tol, loss_tolerance=_SCIPYS), None, "lbfgs"
    changing: Parameter | None = None
    rate: Any
    if not isinstance(est.learning_rate, str):
        rate = est.learning_rate
    elif est.learning_rate == "invscaling" and solver in _DESCENT:
        rate = optim.InverseScaling(est.learning_rate_init, steps, rows, est.power_t)
    else:
        rate = changing = Parameter(np.array(est.learning_rate_init, dtype), "learning_rate", frozen=True)
    settings: dict[str, Any] = {}
    if solver in _DESCENT:
        settings["momentum"] = float(est.momentum)
        settings["nesterov"] = bool(est.momentum) and (solver == "nesterov" or bool(est.nesterovs_momentum))
    elif solver in ("adam", "adamw"):
        settings = {"beta1": est.beta_1, "beta2": est.beta_2, "epsilon": est.epsilon}
    else:
        settings["epsilon"] = est.epsilon
    if solver == "adamw":
        settings |= {"weight_decay": 0.0, "groups": {"*W": {"weight_decay": float(est.alpha)}}}
    name = "sgd" if solver in _DESCENT else solver
    made = optim.named(name, rate=rate, clip_norm=est.clip_norm, **settings)
    kind = (name, repr(sorted(settings.items())), est.clip_norm, None if changing is not None else rate)
    return made, changing, kind if changing is not None or type(rate) in _KNOWN else None


_SCIPYS = 2.220446049250313e-09  # SciPy's own limit on the fall of the loss, which scikit-learn leaves as it is


_KNOWN = (optim.StepDecay, optim.Cosine, optim.InverseScaling)  # schedules that are nothing but their numbers


def _plain(solver: Any) -> bool:
    """Whether an optimiser's repr says all of it: numbers and nothing else, of a class of glassgrad's."""
    values = [getattr(solver, f.name) for f in dataclasses.fields(solver) if f.name != "groups"]
    values += [value for settings in getattr(solver, "groups", {}).values() for value in settings.values()]
    ours = type(solver).__module__.startswith("glassgrad.")
    return ours and all(value is None or isinstance(value, int | float) for value in values)


def prove(loss: Callable[..., Any], outputs: int, y: Any, who: str) -> None:
    """Check the gradient of a user's loss numerically, on a few rows.

    Raises
    ------
    GradientError
        When a gate's rule is wrong, with its name, or when the loss is not one finite number.
    """
    rows = y[: min(len(y), 3)].astype(np.float64) if y.dtype.kind == "f" else y[: min(len(y), 3)]
    drawn = np.random.default_rng(0).normal(size=(len(rows), outputs))
    try:
        report = check_gradient(lambda output: loss(output, rows), drawn, elements=8)
    except GradientError as error:
        raise GradientError(f"{who}: the loss {_name(loss)} was checked on {len(rows)} rows: {reason(error)}") from None
    if not report:
        gates = ", ".join(report.wrong_gates) or "the whole function"
        raise GradientError(
            f"{who}: the gradient of the loss {_name(loss)} is wrong; the rule of {gates} does not agree with finite "
            f"differences\n{report}"
        )


def takes(loss: Callable[..., Any]) -> None:
    """Refuse what cannot be called as ``loss(output, y)``."""
    try:
        inspect.signature(loss).bind(None, None)
    except TypeError as error:
        raise OperandError(f"a loss is a function (output, y), perhaps with a third for weights: {error}") from None
    except ValueError:
        return  # no signature to be had: the call itself will tell


def _name(loss: Any) -> str:
    return getattr(loss, "__name__", type(loss).__name__)
