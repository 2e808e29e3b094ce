"""The orders in which epochs take the rows: several short ones are drawn together, a long one while steps run."""

from __future__ import annotations

import functools
import os
from concurrent.futures import Future
from typing import Any

import numpy as np

from glassgrad.native.crew import aside
from glassgrad.ops import random

Array = np.ndarray[Any, Any]
_TOGETHER = 1 << 16  # rows whose orders are drawn at once
_LONG = 1 << 14  # rows whose order takes long enough, about a millisecond, to be worth another thread
_ORDER = 1  # what is folded into the trainer's key

Drawn = tuple[Any, int, Array]
"""What orders were drawn for, the first epoch, and one row for each epoch from there on."""


class Orders:
    """The orders of a trainer's epochs. They hang on its key and the number of the epoch, not on when they are drawn.

    Examples
    --------
    >>> import numpy as np
    >>> orders, key = Orders(), np.array([1, 2], np.uint32)
    >>> later = orders.of(key, 5, epoch=3, ahead=2)
    >>> bool(np.all(later == Orders().of(key, 5, epoch=3)))
    True
    """

    def __init__(self) -> None:
        self._known: Drawn | None = None
        self._foreseen: tuple[int, Future[Drawn]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_known": self._known, "_foreseen": None}

    def of(self, key: Array, n: int, epoch: int, ahead: int = 1) -> Array:
        """The order of `n` rows in an epoch; those of so many epochs, itself included, are needed soon."""
        found = self._holding(key, n, epoch)
        if found is None and self._foreseen is not None:
            process, future = self._foreseen
            self._foreseen = None
            if process == os.getpid():  # a child has none of its parent's threads
                self._known = future.result()
                found = self._holding(key, n, epoch)
        if found is None:
            found = self._known = _drawn(key, n, epoch, max(1, min(ahead, _TOGETHER // n)))
        return found[2][epoch - found[1]]

    def foresee(self, key: Array, n: int, epoch: int) -> None:
        """Begin to draw the order of an epoch that probably comes next, beside the caller, if that is worth it."""
        if n >= _LONG and self._foreseen is None and self._holding(key, n, epoch) is None:
            future = aside(functools.partial(_drawn, key, n, epoch, 1))
            self._foreseen = None if future is None else (os.getpid(), future)

    def _holding(self, key: Array, n: int, epoch: int) -> Drawn | None:
        known = self._known
        if known is None or known[0] != (key.tobytes(), n) or not 0 <= epoch - known[1] < len(known[2]):
            return None
        return known


def _drawn(key: Array, n: int, epoch: int, count: int) -> Drawn:
    epochs = np.arange(epoch, epoch + count, dtype=np.uint64)
    keys = random.derived_keys(random.fold_in(key, _ORDER), epochs, 1)
    return (key.tobytes(), n), epoch, random.permutations(keys, n)
