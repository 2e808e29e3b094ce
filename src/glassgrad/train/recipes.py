"""Settings that are known to work, for the built-in data."""

from __future__ import annotations

from glassgrad import nn
from glassgrad.distributions import Categorical
from glassgrad.optim import SGD
from glassgrad.train.trainer import Trainer

DIGITS_EPOCHS = 40
"""Passes over the digits that `digits_trainer` is made for."""


def digits_trainer(seed: int = 0, engine: str = "native", threads: int | None = None) -> Trainer:
    """A 64-64-10 network for `data.digits`, with a loss, an optimiser and a batch size that suit it.

    Parameters
    ----------
    seed, engine, threads
        As for `Trainer`.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, X_held_out, y, y_held_out = gg.data.split(*gg.data.digits(), seed=0, stratify=True)
    >>> trainer = gg.train.digits_trainer(seed=0)
    >>> history = trainer.fit(X, y, epochs=gg.train.DIGITS_EPOCHS)
    >>> trainer.evaluate(X_held_out, y_held_out)["accuracy"] > 0.97
    True
    """
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = SGD(0.05, momentum=0.9)
    return Trainer(net, Categorical(), optimizer, batch_size=32, seed=seed, engine=engine, threads=threads)
