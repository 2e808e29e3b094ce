"""Kept: weights and optimiser state of some steps of a run, a few spread evenly or every so many."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
_MOST = 32  # kept where nobody asks for more, the first among them
_BYTES = 64 << 20  # and together no larger than this; the first is kept whatever its size


class Kept:
    """What the steps of a run started from, for some of them.

    Nothing is copied: a run replaces arrays and never writes to them.

    Parameters
    ----------
    every : int, optional
        Keep after each so many steps. Without, at most 32 moments are kept, at most 64 MB in all: when there are too
        many, every second is given up and the distance between them doubles, so they stay spread evenly however long
        the run turns out to be.

    Examples
    --------
    >>> kept = Kept()
    >>> for step in range(1000):
    ...     kept.offer(step, [np.zeros(3)])
    >>> kept.steps[:4], len(kept.steps)
    ([0, 32, 64, 96], 32)
    """

    def __init__(self, every: int | None = None) -> None:
        self.every = every
        self.due, self._gap = 0, 1
        self.steps: list[int] = []
        self._arrays: list[Sequence[Array]] = []

    def offer(self, step: int, arrays: Sequence[Array]) -> None:
        """Keep what step `step` starts from, if it is its turn; steps come in rising order."""
        if step < self.due:
            return
        self.steps.append(step)
        self._arrays.append(arrays)
        if self.every is None:
            self._thin(sum(array.nbytes for array in arrays))
        else:
            self.due = step + self.every - step % self.every

    def _thin(self, size: int) -> None:
        most = max(1, min(_MOST, _BYTES // max(size, 1)))
        while len(self.steps) > most:
            self._gap *= 2
            chosen, due = [], 0
            for i, step in enumerate(self.steps):
                if step >= due:
                    chosen.append(i)
                    due = step + self._gap
            self.steps = [self.steps[i] for i in chosen]
            self._arrays = [self._arrays[i] for i in chosen]
        self.due = self.steps[-1] + self._gap

    def cut(self, place: int, stop: int) -> int:
        """Where steps from `place` on have to end, at `stop` or before, so that what is asked for can be kept."""
        return stop if self.every is None else min(stop, place + self.every - place % self.every)

    def before(self, step: int) -> tuple[int, Sequence[Array]]:
        """The nearest kept step that is not later, and what it started from."""
        place = bisect.bisect_right(self.steps, step) - 1
        return self.steps[place], self._arrays[place]
