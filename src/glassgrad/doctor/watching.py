"""Doctor: a diagnosis now and then during training."""

from __future__ import annotations

from typing import Any

from glassgrad.doctor.case import of_trainer
from glassgrad.doctor.examination import examined
from glassgrad.doctor.findings import Diagnosis
from glassgrad.errors import DataError
from glassgrad.train import Callback, History
from glassgrad.train.callbacks import warn
from glassgrad.train.inputs import positive


class Doctor(Callback):
    """Examines a network before its first step, after epochs 1, 2, 4, 8, …, and at the end.

    Warns with a `train.TrainingWarning` when an illness is first seen. Training itself stays the same, bit for bit.

    Parameters
    ----------
    every : int, optional
        Examine after every so many epochs instead.
    warn : bool
        Whether to warn.

    Attributes
    ----------
    diagnoses : list of (int, Diagnosis)
        Each with the number of epochs after which it was made.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.xor()
    >>> net = gg.nn.Sequential(gg.nn.Linear(2, 8), gg.nn.Tanh(), gg.nn.Linear(8, 1))
    >>> trainer = gg.train.Trainer(net, gg.distributions.Bernoulli(), gg.optim.Adam(0.05))
    >>> doctor = gg.Doctor()
    >>> history = trainer.fit(X, y, epochs=50, callbacks=[doctor])
    >>> [epoch for epoch, _ in doctor.diagnoses], doctor.diagnosis.healthy
    ([0, 1, 2, 4, 8, 16, 32, 50], True)
    """

    def __init__(self, every: int | None = None, warn: bool = True) -> None:
        self.every = None if every is None else positive(every, "every")
        self.warn = warn
        self.diagnoses: list[tuple[int, Diagnosis]] = []
        self._known: set[str] = set()

    @property
    def diagnosis(self) -> Diagnosis:
        """The last one."""
        if not self.diagnoses:
            raise DataError("there is no diagnosis yet: pass this doctor to fit, callbacks=[doctor]")
        return self.diagnoses[-1][1]

    def on_start(self, trainer: Any, history: History, steps: int) -> None:
        """Look before the first step."""
        self.diagnoses, self._known = [], set()
        self._examine(trainer, history)

    def on_epoch(self, trainer: Any, history: History) -> None:
        """Look after some epochs."""
        n = len(history.epoch)
        if n % self.every == 0 if self.every else n & (n - 1) == 0:
            self._examine(trainer, history)

    def on_end(self, trainer: Any, history: History) -> None:
        """Look once more, also where training broke off."""
        if self.diagnoses and (self.diagnoses[-1][0] != len(history.epoch) or history.stopped == "diverged"):
            self._examine(trainer, history)

    def _examine(self, trainer: Any, history: History) -> None:
        found = examined(of_trainer(trainer, None, None, None, history, None, ()))
        self.diagnoses.append((len(history.epoch), found))
        new = [f for f in found.findings if f.code not in self._known]
        self._known |= {f.code for f in new}
        if self.warn and new:
            told = "; ".join(f"{f.code}: {f.what}" for f in new)
            when = f"after epoch {history.epoch[-1]}" if history.epoch else "before the first step"
            warn(f"{when}, {told}. gg.diagnose(trainer) says what to try")
