"""What looks at training from outside: early stopping, the update monitor, the progress bar.

A callback is an object with any of the methods of `Callback`, or a plain function
``on_epoch(trainer, history)``. They run between the steps, never within.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad import errors
from glassgrad.displays import Shown
from glassgrad.errors import OperandError
from glassgrad.train.history import History
from glassgrad.train.inputs import positive

USUAL = (1e-3, 1e-2)
"""A step should change a weight matrix by about this share of its size."""
TOO_SMALL, TOO_LARGE = USUAL[0] / 100, 10 * USUAL[1]
"""Beyond these shares something is wrong."""


class TrainingWarning(UserWarning):
    """Training that runs but is probably not what was meant."""


def warn(text: str) -> None:
    """A `TrainingWarning` at the user's own line."""
    errors.warn(text, TrainingWarning)


class Callback(Shown):
    """Base of callbacks; override what is needed.

    Examples
    --------
    >>> import glassgrad as gg
    >>> class Enough(gg.train.Callback):
    ...     def on_epoch(self, trainer, history):
    ...         return history.train_loss[-1] < 0.1
    """

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if not name.startswith("_"))
        return f"{type(self).__name__}({told})"

    def on_start(self, trainer: Any, history: History, steps: int) -> None:
        """Before the first of `steps` steps."""

    def on_steps(self, trainer: Any, history: History, steps: int, loss: float) -> None:
        """A few times a second: `steps` more are done, the last with this loss."""

    def on_epoch(self, trainer: Any, history: History) -> bool | str | None:
        """After each epoch, with the parameters up to date. True ends training; a text also says why."""

    def on_end(self, trainer: Any, history: History) -> None:
        """After the last step, also after an interruption or an error."""

    def epochs_ahead(self, history: History) -> int:
        """How many epochs can be taken before `on_epoch` has to see the parameters and may end training.

        Where every callback can wait and nothing is held out, `on_epoch` is called for several epochs in a row, with
        the parameters of the last; that saves time where epochs are short.
        """
        return 1


class _Function(Callback):
    """A plain function as a callback."""

    def __init__(self, function: Callable[[Any, History], Any]) -> None:
        self.function = function

    def on_epoch(self, trainer: Any, history: History) -> bool | str | None:
        return self.function(trainer, history)


def as_callback(callback: Any) -> Callback:
    """A callback object from an object or a plain function."""
    if isinstance(callback, Callback):
        return callback
    if callable(callback) and not isinstance(callback, type):
        return _Function(callback)
    raise OperandError(f"a callback is a function (trainer, history) or a train.Callback object, not {callback!r}")


class Patience(Callback):
    """Early stopping: ends training when the held-out loss has not fallen for some epochs.

    Whatever ends training, the weights and optimiser state of the best epoch are put back; only after an
    interruption the weights stay those of the last finished step.

    Parameters
    ----------
    epochs : int
        How many epochs in a row without a new lowest held-out loss end training.
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = positive(epochs, "patience")
        self._best, self._waited, self._snapshot = np.inf, 0, None

    def on_start(self, trainer: Any, history: History, steps: int) -> None:
        """Forget the run before."""
        self._best, self._waited, self._snapshot = np.inf, 0, None

    def on_epoch(self, trainer: Any, history: History) -> str | None:
        """Keep the weights if they are the best so far; stop if none were for too long."""
        if history.validation_loss[-1] < self._best:
            self._best, self._waited, self._snapshot = history.validation_loss[-1], 0, trainer.snapshot()
            return None
        self._waited += 1
        return "patience" if self._waited >= self.epochs else None

    def on_end(self, trainer: Any, history: History) -> None:
        """Put the best weights back."""
        if self._snapshot is not None and history.stopped != "interrupted":
            trainer.restore(self._snapshot)


class Monitor(Callback):
    """Compares updates with weights: one step should change a weight matrix by about 0.1 to 1 %.

    Warns once, with a `TrainingWarning`, when a matrix changed by more than `high` in three epochs in a
    row, or when in a first fit no step that was looked at changed any matrix by as much as `low`. Biases
    and other vectors often start at zero: they are recorded in `history.update_ratio` but not judged.

    Parameters
    ----------
    low, high : float
        The bounds as ratios |Δw| / |w|: by default a hundredth of 0.1 %, and ten times 1 %.
    """

    def __init__(self, low: float = TOO_SMALL, high: float = TOO_LARGE) -> None:
        self.low, self.high = low, high
        self._fresh, self._warned = False, False

    def on_start(self, trainer: Any, history: History, steps: int) -> None:
        """Forget the run before."""
        self._fresh, self._warned = trainer.step_count == 0, False

    def on_epoch(self, trainer: Any, history: History) -> None:
        """Warn when updates have been too large."""
        if self._warned or len(history.epoch) < 3:
            return
        recent = {n: min(history.update_ratio[n][-3:]) for n in self._judged(trainer, history)}
        name = max(recent, key=lambda n: recent[n], default=None)
        if name is not None and recent[name] > self.high:
            self._warn(
                f"each step changes '{name}' by {recent[name]:.0%} of its size, where 0.1 to 1 % is usual: "
                "the learning rate is probably too large; try a tenth of it, or train.find_rate(trainer, X, y)"
            )

    def on_end(self, trainer: Any, history: History) -> None:
        """Warn when no update was large enough."""
        largest = {n: max(history.update_ratio[n], default=0.0) for n in self._judged(trainer, history)}
        if self._warned or not self._fresh or len(history.epoch) < 3 or not largest:
            return
        name = max(largest, key=lambda n: largest[n])
        if largest[name] < self.low:
            self._warn(
                f"no step that was looked at changed a weight matrix by more than {largest[name]:.1g} of its size "
                f"('{name}'), where 0.001 to 0.01 is usual: nothing much is learned; try a rate a hundred times as "
                "large, or train.find_rate(trainer, X, y), and look whether gradients vanish"
            )

    def _judged(self, trainer: Any, history: History) -> list[str]:
        return [name for name, p in trainer.trainable if len(p.shape) >= 2 and name in history.update_ratio]

    def _warn(self, text: str) -> None:
        self._warned = True
        warn(text)


class ProgressBar(Callback):
    """A bar in the terminal: loss, held-out accuracy, steps per second and time left.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to draw; by default the error stream, so that printed output stays clean.
    """

    def __init__(self, console: Any = None) -> None:
        self.console = console
        self._bar: Any = None
        self._task: Any = None

    def on_start(self, trainer: Any, history: History, steps: int) -> None:
        """Draw the empty bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            BarColumn(bar_width=None), TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[loss]}{task.fields[held_out]}"), TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(compact=True), console=self.console or Console(stderr=True),
        )  # fmt: skip
        self._task = self._bar.add_task("training", total=steps, loss="", held_out="", speed="")
        self._bar.start()

    def on_steps(self, trainer: Any, history: History, steps: int, loss: float) -> None:
        """Move on."""
        speed = f"{history.steps_per_second:,.0f} steps/s"
        self._bar.update(self._task, advance=steps, loss=f"loss {loss:.4f}", speed=speed)

    def on_epoch(self, trainer: Any, history: History) -> None:
        """Show how well the held-out rows are predicted."""
        if history.validation_accuracy:
            self._bar.update(self._task, held_out=f"  held-out accuracy {history.validation_accuracy[-1]:.2%}")
        elif history.validation_loss:
            self._bar.update(self._task, held_out=f"  held-out loss {history.validation_loss[-1]:.4f}")

    def on_end(self, trainer: Any, history: History) -> None:
        """Leave the finished bar."""
        if self._bar is not None:
            self._bar.stop()
