"""find_rate: a learning rate by trying many, on a copy of the training state."""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.displays import Shown
from glassgrad.errors import DataError, UnsupportedError
from glassgrad.optim import LBFGS
from glassgrad.train.engine import Stretch
from glassgrad.train.inputs import positive
from glassgrad.train.trainer import Trainer

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Rising:
    """A schedule that goes from `low` to `high` in equal ratios."""

    low: float
    high: float
    steps: int

    def __call__(self, step: Any) -> Any:
        slope = math.log(self.high / self.low) / (self.steps - 1)
        return np.exp(np.multiply(step, slope) + math.log(self.low))


@dataclass(frozen=True, eq=False)
class RateSearch(Shown):
    """What a search for a learning rate found.

    Attributes
    ----------
    rates, losses : arrays
        The rates tried, one a step, up to where training broke down, and the loss of each step.
    suggestion : float
        The rate at which the smoothed loss fell fastest.
    """

    rates: Array
    losses: Array
    suggestion: float

    def __repr__(self) -> str:
        return f"<RateSearch of {len(self.rates)} rates, suggested {self.suggestion:.2g}>"

    def __str__(self) -> str:
        shown = np.unique(np.linspace(0, len(self.rates) - 1, min(len(self.rates), 12)).round().astype(int))
        lines = [f"{'rate':>10}{'loss':>12}"] + [f"{self.rates[i]:>10.3g}{self.losses[i]:>12.4g}" for i in shown]
        return "\n".join([*lines, f"suggested rate: {self.suggestion:.2g}"])


def find_rate(
    trainer: Trainer,
    X: ArrayLike,
    y: ArrayLike,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
    sample_weight: ArrayLike | None = None,
) -> RateSearch:
    """Try learning rates from `low` to `high`, one a step, and suggest one.

    Training starts from the trainer's current weights with a fresh optimiser state, and is thrown away:
    the trainer stays as it is. Parameter groups with a rate of their own keep it.

    Parameters
    ----------
    trainer : Trainer
        With the network, loss, optimiser and batch size to find a rate for.
    X, y, sample_weight : array_like
        As for `Trainer.fit`. Batches are drawn with replacement.
    low, high : float
        First and last rate.
    steps : int
        How many rates to try, at least 10.

    Returns
    -------
    RateSearch

    Examples
    --------
    >>> import glassgrad as gg
    >>> net = gg.nn.Sequential(gg.nn.Linear(64, 10))
    >>> trainer = gg.train.Trainer(net, gg.distributions.Categorical(), gg.optim.SGD(0.1))
    >>> search = gg.train.find_rate(trainer, *gg.data.digits(), low=1e-4)
    >>> 1e-3 < search.suggestion < 10
    True
    """
    steps = positive(steps, "steps")
    if steps < 10:
        raise DataError(f"steps is {steps}; at least 10 rates are needed to see where the loss falls")
    if not 0 < low < high < math.inf:
        raise DataError(f"rates go from low to high with 0 < low < high, and low is {low}, high {high}")
    if isinstance(trainer.optimizer, LBFGS):
        raise UnsupportedError(f"{type(trainer.optimizer).__name__} has no learning rate: it searches along lines")
    schedule = _Rising(float(low), float(high), steps)
    optimizer = dataclasses.replace(trainer.optimizer, rate=schedule)
    data = trainer.rows(X, y, sample_weight)
    size = min(trainer.batch_size or len(data), len(data))
    graphs = functools.lru_cache(functools.partial(trainer.step_graph, data, optimizer=optimizer))
    losses, memory = np.empty(steps), trainer.memory(optimizer)
    sampling = "shuffle" if size == len(data) else "replacement"
    frozen = [p.value for _, p in trainer.frozen]
    trainer.engine.steps(graphs, memory, Stretch(data, frozen, size, sampling, trainer.key, 0, 0, steps), losses)
    rates = np.asarray(schedule(np.arange(steps)))
    end = _breakdown(losses)
    return RateSearch(rates[:end], losses[:end], _steepest(rates[:end], losses[:end]))


def _breakdown(losses: Array) -> int:
    """How many steps went well: until the loss is not finite, or on average far above where it started."""
    width = max(len(losses) // 20, 5)
    mean = np.convolve(np.nan_to_num(losses, nan=np.inf, posinf=np.inf), np.full(width, 1 / width), "valid")
    bad = np.concatenate([np.zeros(width - 1, bool), ~(mean <= 4 * mean[0])]) | ~np.isfinite(losses)
    return max(int(np.argmax(bad)) if bad.any() else len(losses), 2)


def _steepest(rates: Array, losses: Array) -> float:
    """The rate where the loss, smoothed over a tenth of the steps, falls fastest by the logarithm of the rate.

    The fall is measured over a tenth of the steps as well: from one step to the next, the noise of the batches
    would fall faster than anything that is learned.
    """
    width = max(len(losses) // 20, 1)
    smooth = np.convolve(np.pad(losses, width, mode="edge"), np.full(2 * width + 1, 1 / (2 * width + 1)), "valid")
    places = np.arange(max(int(np.argmin(smooth)), 1) + 1)
    fall = smooth[np.maximum(places - width, 0)] - smooth[np.minimum(places + width, places[-1])]
    return float(rates[int(np.argmax(fall))])
