"""Training mode: the random key that layers such as Dropout draw from."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from glassgrad.ops import random
from glassgrad.wire import marked, threads


def training(key: Any) -> AbstractContextManager[None]:
    """Run layers as in training: Dropout and RandomizedReLU draw from this key inside.

    The n-th draw inside has the key ``fold_in(key, n)``, so the same key gives the same bits. Outside,
    these layers act as in use.

    Parameters
    ----------
    key : int or uint32[2]
        A seed, or a random key (an array, or a tensor where a graph takes it as an input).

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import nn
    >>> drop, x = nn.Dropout(0.5), np.ones(4, np.float32)
    >>> print(drop(x))
    [1. 1. 1. 1.]
    >>> with nn.training(1):
    ...     print(sorted({float(v) for v in drop(np.ones(100, np.float32))}))
    [0.0, 2.0]
    """
    return marked(key=random.key(key) if isinstance(key, int) else key, draws=0)


def next_key() -> Any:
    """The key for the next layer that draws, or None outside training."""
    if threads.recording.key is None:
        return None
    threads.recording.draws += 1
    return random.fold_in(threads.recording.key, threads.recording.draws - 1)
