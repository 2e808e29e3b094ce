"""History: what happened in a training run, step by step and epoch by epoch."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.displays import Shown
from glassgrad.errors import DataError, OperandError, UnsupportedError
from glassgrad.graphs import Graph
from glassgrad.train.meter import TrainingCost, training_cost
from glassgrad.train.replay import Replay
from glassgrad.wire import topological

Array = np.ndarray[Any, Any]
SHOWN = 12
"""Epochs of a table, spread evenly."""


@dataclass(eq=False)
class History(Shown):
    """The record of one call of `fit` or `steps`; printing it shows a small table.

    Attributes
    ----------
    loss : array
        The loss of every step before its update; for L-BFGS after each iteration.
    steps : int
        Number of steps taken.
    epoch : list of int
        Number of each epoch that was finished, counted from 1 since the trainer was made.
    train_loss : list of float
        For each epoch, the mean of its steps' losses, each weighted by its number of rows.
    validation_loss, validation_accuracy : list of float
        On the held-out rows at each epoch's end; empty without validation, the second also for
        losses that do not classify.
    metrics : dict of str to list of float
        The trainer's own metrics on the held-out rows.
    update_ratio : dict of str to list of float
        For each trained parameter, |Δw| / |w| of one step in each epoch: the last step with a full batch.
    seconds : float
        Wall time of the whole call, evaluation and callbacks included.
    compile_seconds : float
        The part of it that went into tracing and compiling the graphs of the steps.
    step_seconds : float
        The part of it that went into training steps.
    stopped : str or None
        Why it ended early: "patience", "interrupted", "diverged", "callback" or what a callback said; for
        L-BFGS "converged" or "max_iterations". Else None.
    best_epoch : int or None
        The epoch with the lowest held-out loss.
    cost : TrainingCost or None
        Operations of a step, gradient ÷ forward, GFLOP/s and share of this machine's peak; None before the end.
    """

    epoch: list[int] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    update_ratio: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    compile_seconds: float = 0.0
    step_seconds: float = 0.0
    stopped: str | None = None
    _losses: list[Array] = field(default_factory=list, repr=False)
    _cost: TrainingCost | Callable[[], TrainingCost] | None = field(default=None, repr=False)
    _replay: Replay | str = field(default="no trainer made this history", repr=False)

    def __getstate__(self) -> dict[str, Any]:
        gone = "a history that was copied or read from disk has its losses and times, and not the rows"
        return {**vars(self), "_cost": self.cost, "_replay": gone}  # counted now: graphs cannot be pickled

    @property
    def loss(self) -> Array:
        """The loss of every step before its update; for L-BFGS after each iteration."""
        if len(self._losses) != 1:
            self._losses = [np.concatenate([np.empty(0), *self._losses])]
        return self._losses[0]

    @property
    def steps(self) -> int:
        """Number of steps taken."""
        return sum(len(part) for part in self._losses)

    @property
    def steps_per_second(self) -> float:
        """Training steps a second, without tracing, evaluation and callbacks."""
        return self.steps / self.step_seconds if self.step_seconds > 0 else 0.0

    @property
    def best_epoch(self) -> int | None:
        """The epoch with the lowest held-out loss, the first of equals."""
        if not self.validation_loss:
            return None
        return self.epoch[int(np.argmin([np.inf if np.isnan(v) else v for v in self.validation_loss]))]

    @property
    def cost(self) -> TrainingCost | None:
        """What the steps cost, counted when first asked for; None before the end, and where no step was taken."""
        if callable(self._cost):
            self._cost = self._cost()
        return self._cost

    def count_cost(self, work: Sequence[tuple[Graph, int]], threads: int | None) -> None:
        """Keep what `cost` is counted on: the step graphs and how often each was run."""
        self._cost = functools.partial(training_cost, work, self.step_seconds, threads)

    def add_losses(self, losses: Array) -> None:
        """Append the losses of some steps."""
        self._losses.append(np.array(losses, np.float64))

    @property
    def kept(self) -> list[int]:
        """The steps before which weights and optimiser state were kept; any other is replayed from the nearest."""
        return list(self._replay.kept.steps) if isinstance(self._replay, Replay) else []

    def keep_replay(self, replay: Replay | str) -> None:
        """Keep what `graph_at` and `weights_at` take steps again from, or why they cannot."""
        self._replay = replay

    def graph_at(self, step: int, whole: bool = True) -> Graph:
        """The graph of one training step with the values that were on its wires.

        The engine takes the steps from the nearest kept weights up to this one again, on the same rows and with the
        same draws, so with the same bits; then NumPy runs the step's graph gate by gate.

        Parameters
        ----------
        step : int
            As an index into `loss`: from 0, or from −1 backwards.
        whole : bool
            The whole step: forward, backward and update, whose outputs are the loss, the new parameters and the new
            optimiser state. Without, the forward part up to the loss with the inputs it depends on, which
            `gg.explain` and pictures differentiate themselves.

        Raises
        ------
        DataError
            When there is no such step, or the rows have been changed since.
        UnsupportedError
            When it cannot be taken again: the history was read from disk, or belongs to L-BFGS.

        Examples
        --------
        >>> import glassgrad as gg
        >>> X, y = gg.data.xor()
        >>> net = gg.nn.Sequential(gg.nn.Linear(2, 3, seed=0), gg.nn.Tanh(), gg.nn.Linear(3, 1, seed=1))
        >>> trainer = gg.train.Trainer(net, gg.distributions.Bernoulli(), gg.optim.Adam(0.05), batch_size=2)
        >>> history = trainer.steps(X, y, 100)
        >>> graph = history.graph_at(57)
        >>> bool(abs(graph.outputs[0].value - history.loss[57]) < 1e-6)
        True
        >>> gg.explain(history.graph_at(57, whole=False))["0.W"].gradient.shape
        (2, 3)
        """
        step = self._number(step, self.steps - 1)
        graph = self._replayed().graph(step, self.loss)
        if whole:
            return graph
        used = {wire.serial for wire in topological(graph.outputs[:1])}
        return Graph(graph.outputs[:1], [wire for wire in graph.inputs if wire.serial in used])

    def weights_at(self, step: int) -> dict[str, Array]:
        """The trained parameters as they were before a step, by name; errors as for `graph_at`.

        Parameters
        ----------
        step : int
            From 0, the weights that training began with, to `steps`, those after the last step.
        """
        step = self._number(step, self.steps)
        replay = self._replayed()
        found = replay.arrays(step, self.loss)
        return {name: np.array(array) for name, array in zip(replay.names, found, strict=False)}

    def _number(self, step: Any, last: int) -> int:
        try:
            number = operator.index(step)
        except TypeError:
            raise OperandError(f"a step is a whole number, not {step!r}") from None
        number = number + self.steps if number < 0 else number
        if not 0 <= number <= last:
            raise DataError(f"there is no step {step}: {self.steps} were taken; ask for one from 0 to {last}")
        return number

    def _replayed(self) -> Replay:
        if isinstance(self._replay, str):
            raise UnsupportedError(f"no step can be taken again: {self._replay}")
        return self._replay

    def __str__(self) -> str:
        lines = _table(self) if self.epoch else []
        loss = self.loss
        rate = f", {self.steps_per_second:,.0f} steps/s" if self.step_seconds > 0 else ""
        lines.append(f"{self.steps:,} steps in {self.seconds:.2f} s{rate}")
        if len(loss) and not self.epoch:
            lines[-1] += f", loss {loss[0]:.4g} → {loss[-1]:.4g}"
        if self.cost is not None:
            lines.append(str(self.cost))
        if self.best_epoch is not None:
            lines.append(f"* lowest held-out loss: epoch {self.best_epoch}")
        if self.stopped is not None:
            lines.append(f"ended early: {self.stopped}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<History of {self.steps} steps, {len(self.epoch)} epochs>"


def columns_of(history: History) -> dict[str, list[float]]:
    """The numbers of the epochs, by what they are."""
    columns: dict[str, list[float]] = {"train loss": history.train_loss}
    if history.validation_loss:
        columns["held-out loss"] = history.validation_loss
    if history.validation_accuracy:
        columns["accuracy"] = history.validation_accuracy
    return columns | dict(list(history.metrics.items())[:2])


def shown_epochs(history: History) -> list[int]:
    """The places of the epochs that a table shows: of many a few, spread evenly, with the best among them."""
    count, best = len(history.epoch), history.best_epoch
    shown = {round(i) for i in np.linspace(0, count - 1, min(count, SHOWN))}
    return sorted(shown | {i for i in range(count) if history.epoch[i] == best})


def _table(history: History) -> list[str]:
    """One line for each epoch that is shown."""
    columns, best = columns_of(history), history.best_epoch
    lines = [f"{'epoch':>6}" + "".join(f"{name[:12] if name in history.metrics else name:>14}" for name in columns)]
    for i in shown_epochs(history):
        cells = "".join(
            f"{values[i]:>14.4%}" if n == "accuracy" else f"{values[i]:>14.5g}" for n, values in columns.items()
        )
        lines.append(f"{history.epoch[i]:>6}{cells}" + (" *" if history.epoch[i] == best else ""))
    return lines
