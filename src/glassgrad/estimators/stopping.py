"""When training ends: scikit-learn's rule, best weights, the adaptive rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.parameters import Parameter
from glassgrad.train import Callback, History

_LEAST_RATE = 1e-6


class Convergence(Callback):
    """Ends training when the loss, or a score of held-out rows, has not improved by `tol` for some epochs.

    As in scikit-learn, more than `patience` epochs in a row end it; with an adaptive rate they divide the rate by
    five instead, until it is 10⁻⁶. Where a score of held-out rows counts, the best weights are put back.

    Parameters
    ----------
    tol : float
        By how much the loss has to fall, or the score to rise.
    patience : int or inf
        Epochs in a row without such an improvement that are borne.
    score : callable, optional
        Gives the score of the held-out rows now, from the history; more is better.
    rate : Parameter, optional
        The learning rate, where it adapts.
    """

    def __init__(
        self, tol: float, patience: float, score: Callable[[History], float] | None, rate: Parameter | None
    ) -> None:
        self.tol, self.patience, self.score, self.rate = tol, patience, score, rate
        self.best_loss, self.best_score = np.inf, -np.inf
        self.scores: list[float] = []
        self._waited, self._snapshot = 0, None

    def epochs_ahead(self, history: History) -> int:
        """As many as have to pass at the least before it can end."""
        return 1 if self.score is not None else int(min(self.patience + 1 - self._waited, 1 << 20))

    def on_epoch(self, trainer: Any, history: History) -> str | None:
        """Compare with the best so far."""
        if self.score is not None:
            now = self.score(history)
            self.scores.append(now)
            improved = now >= self.best_score + self.tol
            if now > self.best_score:
                self.best_score, self._snapshot = now, trainer.snapshot()
        else:
            now = history.train_loss[-1]
            improved = now <= self.best_loss - self.tol
            self.best_loss = min(self.best_loss, now)
        self._waited = 0 if improved else self._waited + 1
        if self._waited <= self.patience:
            return None
        if self.rate is None or float(self.rate.value) <= _LEAST_RATE:
            return "no improvement"
        self.rate.value = self.rate.value / 5
        self._waited = 0
        return None

    def on_end(self, trainer: Any, history: History) -> None:
        """Put the best weights back."""
        if self._snapshot is not None and history.stopped != "interrupted":
            trainer.restore(self._snapshot)
