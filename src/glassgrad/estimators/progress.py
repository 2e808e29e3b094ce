"""Iterations watched: the loss of each, held-out rows, when to end, and what the user's own functions say."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.distributions import Distribution

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class HeldOut:
    """Rows that are not learned from, with their loss under a linear model."""

    X: Any
    y: Array
    weight: Array | None
    distribution: Distribution

    def loss(self, params: Sequence[Array]) -> float:
        """The mean of −log p over the rows."""
        z = np.asarray(self.X @ params[0])
        z = z + params[1] if len(params) > 1 else z
        return float(self.distribution.loss(z, self.y, self.weight))


@dataclass
class Progress:
    """Called after each iteration with its number (from 1), the loss and the parameters; returns True to end.

    Parameters
    ----------
    held_out : HeldOut or None
        Rows whose loss is noted after each iteration.
    patience : int or None
        Ends when so many iterations in a row have not improved the loss by `tol`. None to go on.
    by_held_out : bool
        Whether that is the loss of the held-out rows.
    tol : float
        What counts as an improvement.
    verbose : bool or int
        Print each iteration.
    callbacks : sequence of callables
        Called with the number of the iteration and the parameters; True ends.

    Attributes
    ----------
    losses, held_out_losses : list of float
        One an iteration.
    best : list of arrays or None
        Where the held-out rows decide, the parameters with the lowest loss on them.
    stopped : str or None
        Why it ended.
    """

    held_out: HeldOut | None = None
    patience: int | None = None
    by_held_out: bool = False
    tol: float = 1e-4
    verbose: bool | int = False
    callbacks: Sequence[Callable[[int, Sequence[Array]], Any]] = ()
    losses: list[float] = field(default_factory=list)
    held_out_losses: list[float] = field(default_factory=list)
    best: list[Array] | None = None
    stopped: str | None = None
    _least: float = np.inf
    _waited: int = 0

    def __call__(self, number: int, loss: float, params: Sequence[Array]) -> bool:
        """Note an iteration."""
        self.losses.append(loss)
        if self.held_out is not None:
            self.held_out_losses.append(self.held_out.loss(params))
        if self.verbose:
            held = "" if self.held_out is None else f", held out {self.held_out_losses[-1]:.6g}"
            sys.stdout.write(f"iteration {number}: loss {loss:.6g}{held}\n")
        if self.patience is not None:
            self._compare(self.held_out_losses[-1] if self.by_held_out else loss, params)
        for callback in self.callbacks:
            if callback(number, params):
                self.stopped = "callback"
        return self.stopped is not None

    def _compare(self, loss: float, params: Sequence[Array]) -> None:
        """Whether an iteration is better than those before."""
        if self.by_held_out and not loss >= self._least:
            self.best = [p.copy() for p in params]
        self._waited = 0 if loss <= self._least - self.tol else self._waited + 1
        self._least = min(self._least, loss)
        if self.patience is not None and self._waited >= self.patience:
            self.stopped = "no improvement"
