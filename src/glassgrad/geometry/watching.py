"""Regions while a network learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassgrad import nn
from glassgrad.errors import DataError
from glassgrad.geometry import region_plots
from glassgrad.geometry.counting import Regions
from glassgrad.train import Callback, History


class RegionWatch(Callback):
    """A callback that counts regions before training and after every so many epochs.

    Parameters
    ----------
    look : callable
        Given the network, its regions: ``lambda net: regions(net, -1, 1)``, or those on a line between two rows.
    every : int
        Epochs from one count to the next. The last epoch is counted too.

    Attributes
    ----------
    epochs : list of int
        When was counted; 0 is before the first step.
    found : list of Regions
        What was found.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.xor()
    >>> net = gg.nn.Sequential(gg.nn.Linear(2, 8), gg.nn.ReLU(), gg.nn.Linear(8, 1))
    >>> trainer = gg.train.Trainer(net, gg.distributions.Bernoulli(), gg.optim.Adam(0.05), batch_size=None)
    >>> watch = gg.geometry.RegionWatch(lambda net: gg.geometry.regions(net, -1, 2), every=50)
    >>> history = trainer.fit(X, y, epochs=100, callbacks=[watch])
    >>> print(watch)
    epoch  linear regions  activation regions
        0              16                  16
       50              21                  21
      100              20                  20
    """

    def __init__(self, look: Callable[[nn.Layer], Regions], every: int = 1) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise DataError(f"every is a whole number of epochs from 1 up, and is {every!r}")
        self.look, self.every = look, every
        self.epochs: list[int] = []
        self.found: list[Regions] = []

    def on_start(self, trainer: Any, history: History, steps: int) -> None:
        """Count what training starts from."""
        self._count(trainer)

    def on_epoch(self, trainer: Any, history: History) -> None:
        """Count, if it is time."""
        if trainer.epoch_count % self.every == 0:
            self._count(trainer)

    def on_end(self, trainer: Any, history: History) -> None:
        """Count what training came to."""
        self._count(trainer)

    def _count(self, trainer: Any) -> None:
        if not self.epochs or self.epochs[-1] != trainer.epoch_count:
            self.epochs.append(trainer.epoch_count)
            self.found.append(self.look(trainer.net))

    def text(self) -> str:
        """The counts, a line for each time."""
        lines = [f"{'epoch':>5}  {'linear regions':>14}  {'activation regions':>18}"]
        for epoch, found in zip(self.epochs, self.found, strict=True):
            lines.append(f"{epoch:>5,}  {found.linear:>14,}  {found.activation:>18,}")
        return "\n".join(lines)

    def picture(self, most: int = 4) -> Any:
        """The matplotlib figure: the regions at up to so many epochs, above how many there are at each."""
        if not self.found:
            raise DataError("nothing was counted yet: hand this to trainer.fit(X, y, epochs, callbacks=[watch])")
        return region_plots.draw_watch(self, most)

    def _repr_png_(self) -> bytes | None:
        return region_plots.png(self.picture()) if self.found else None

    def __str__(self) -> str:
        return self.text()
