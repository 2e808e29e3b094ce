"""Optimisers: pure functions of (parameter, gradient, state, step), and schedules of the learning rate.

The dtype of a parameter is kept. L-BFGS, NewtonCG and ProximalNewton, which need the whole batch, stand apart.
"""

from typing import Any

from glassgrad.errors import unknown
from glassgrad.optim.adaptive import AdaGrad, Adam, AdamW, RMSProp
from glassgrad.optim.base import Optimizer, Schedule, State, clip, global_norm
from glassgrad.optim.descent import SGD
from glassgrad.optim.lbfgs import LBFGS, LBFGSInfo
from glassgrad.optim.newton import NewtonCG
from glassgrad.optim.proximal import ProximalNewton
from glassgrad.optim.schedules import Cosine, InverseScaling, InverseTime, StepDecay, WarmUp
from glassgrad.optim.search import SearchInfo

OPTIMIZERS: dict[str, type[Any]] = {
    "sgd": SGD, "adagrad": AdaGrad, "rmsprop": RMSProp, "adam": Adam, "adamw": AdamW, "lbfgs": LBFGS,
}  # fmt: skip
"""Every optimiser by name."""


def named(name: str, **settings: Any) -> Any:
    """An optimiser by its name.

    Examples
    --------
    >>> from glassgrad import optim
    >>> optim.named("sgd", rate=0.1).rate
    0.1
    """
    if name not in OPTIMIZERS:
        raise unknown("optimiser", name, OPTIMIZERS)
    return OPTIMIZERS[name](**settings)


__all__ = [
    "LBFGS", "OPTIMIZERS", "SGD", "AdaGrad", "Adam", "AdamW", "Cosine", "InverseScaling", "InverseTime", "LBFGSInfo",
    "NewtonCG", "Optimizer", "ProximalNewton", "RMSProp", "Schedule", "SearchInfo", "State", "StepDecay", "WarmUp",
    "clip", "global_norm", "named",
]  # fmt: skip
