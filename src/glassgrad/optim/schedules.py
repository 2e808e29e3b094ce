"""Schedules: the learning rate as a function of the step, counted from 0.

They are written in NumPy functions, so a step may be a number, an array or a wire of a graph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.displays import Shown
from glassgrad.errors import DataError
from glassgrad.optim.base import Schedule


def _at_least_one(name: str, steps: int) -> None:
    if steps < 1:
        raise DataError(f"{name} must be at least 1, and is {steps}")


@dataclass(frozen=True)
class StepDecay(Shown):
    """`rate`, multiplied by `factor` after every `every` steps.

    Examples
    --------
    >>> from glassgrad import optim
    >>> schedule = optim.StepDecay(1.0, every=10, factor=0.5)
    >>> [float(schedule(step)) for step in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """

    rate: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _at_least_one("StepDecay: every", self.every)

    def __call__(self, step: Any) -> Any:
        """Learning rate of a step."""
        return self.rate * self.factor ** (step // self.every)


@dataclass(frozen=True)
class InverseTime(Shown):
    """``rate / (1 + decay · step)``: what the theory of stochastic gradients asks for, with decay = rate · λ.

    λ is how strongly the cost is curved at the least, such as that of an L2 penalty (Bottou, "Stochastic gradient
    descent tricks", 2012).

    Examples
    --------
    >>> from glassgrad import optim
    >>> schedule = optim.InverseTime(0.5, decay=0.1)
    >>> [float(schedule(step)) for step in (0, 10, 90)]
    [0.5, 0.25, 0.05]
    """

    rate: float
    decay: float

    def __post_init__(self) -> None:
        if not self.decay >= 0:
            raise DataError(f"InverseTime: decay is a number from 0 up, and is {self.decay}")

    def __call__(self, step: Any) -> Any:
        """Learning rate of a step."""
        return self.rate / (1.0 + self.decay * step)


@dataclass(frozen=True)
class Cosine(Shown):
    """From `rate` down to `floor` along half a cosine, over `steps` steps; then it stays.

    Examples
    --------
    >>> from glassgrad import optim
    >>> schedule = optim.Cosine(1.0, steps=100)
    >>> [round(float(schedule(step)), 3) for step in (0, 50, 100, 200)]
    [1.0, 0.5, 0.0, 0.0]
    """

    rate: float
    steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        _at_least_one("Cosine: steps", self.steps)

    def __call__(self, step: Any) -> Any:
        """Learning rate of a step."""
        turn = np.cos(np.minimum(step, self.steps) * (math.pi / self.steps))
        return self.floor + (self.rate - self.floor) * (0.5 * (1 + turn))


@dataclass(frozen=True)
class WarmUp(Shown):
    """Up in a straight line over `steps` steps, then as `then`, whose own steps begin there.

    Parameters
    ----------
    steps : int
        The rate of step ``steps - 1`` is the full one.
    then : float or callable
        A rate, or another schedule.

    Examples
    --------
    >>> from glassgrad import optim
    >>> schedule = optim.WarmUp(4, then=0.8)
    >>> [round(float(schedule(step)), 3) for step in (0, 1, 3, 50)]
    [0.2, 0.4, 0.8, 0.8]
    """

    steps: int
    then: float | Schedule

    def __post_init__(self) -> None:
        _at_least_one("WarmUp: steps", self.steps)

    def __call__(self, step: Any) -> Any:
        """Learning rate of a step."""
        full = self.then(np.maximum(step - self.steps, 0)) if callable(self.then) else self.then
        return full * np.minimum((step + 1) / self.steps, 1.0)


@dataclass(frozen=True)
class InverseScaling(Shown):
    """scikit-learn's "invscaling": ``rate / (1 + rows seen) ** power``, anew after each pass over the rows.

    Parameters
    ----------
    rate : float
        At the start.
    steps, rows : int
        Of one pass.
    power : float
        How fast the rate falls.

    Examples
    --------
    >>> from glassgrad import optim
    >>> schedule = optim.InverseScaling(1.0, steps=10, rows=99)
    >>> [float(schedule(step)) for step in (0, 9, 10)]
    [1.0, 1.0, 0.1]
    """

    rate: float
    steps: int
    rows: int
    power: float = 0.5

    def __post_init__(self) -> None:
        _at_least_one("InverseScaling: steps", self.steps)

    def __call__(self, step: Any) -> Any:
        """Learning rate of a step."""
        return self.rate / (1.0 + (step // self.steps) * self.rows) ** self.power
