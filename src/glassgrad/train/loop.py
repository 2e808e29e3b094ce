"""The training loop: stretches of steps on the engine, and between them evaluation and callbacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.train.callbacks import Callback, warn
from glassgrad.train.engine import Engine, Memory, Sampling, Stretch
from glassgrad.train.history import History
from glassgrad.train.inputs import all_finite
from glassgrad.train.kept import Kept
from glassgrad.train.replay import Replay
from glassgrad.train.rows import Rows

Array = np.ndarray[Any, Any]
_LEAST_STEPS = 1000
_MOST_STEPS = 50_000  # between two looks, where nobody wants one
_BETWEEN_LOOKS = 0.02  # seconds between two looks at what was learned, where steps are short
_BETWEEN_UPDATES = 0.15  # seconds between two looks at the progress


@dataclass(frozen=True)
class Plan:
    """What one call of `fit` or `steps` is going to do.

    ``total`` steps; ``epochs``: whether to evaluate and call back after each pass over the rows; ``ready``: what
    has to be done before `evaluate` can run; ``measured``: whether one update of each epoch is compared with the
    weights; ``keep_every``: after how many steps weights are kept, a few where nobody said.
    """

    rows: Rows
    batch_size: int
    sampling: Sampling
    total: int
    epochs: bool
    evaluate: Callable[[], dict[str, float]] | None = None
    ready: Callable[[], None] = lambda: None
    measured: bool = True
    keep_every: int | None = None

    @property
    def per_epoch(self) -> int:
        """Steps in one pass over the rows."""
        return -(-len(self.rows) // self.batch_size)

    def length(self, done: int, step_seconds: float | None, ahead: int = 1) -> int:
        """Steps until the next look at what was learned: some epochs, or what takes long enough to be worth a look."""
        length = self.per_epoch * ahead if self.epochs else max(self.per_epoch, _LEAST_STEPS)
        if step_seconds and not self.epochs:
            length = max(length, int(_BETWEEN_LOOKS / step_seconds))
        return min(length, self.total - done)

    @property
    def looked_at(self) -> int:
        """The step of an epoch whose update is compared with the weights: the last with a full batch."""
        short = self.sampling != "replacement" and len(self.rows) % self.batch_size > 0
        return max(self.per_epoch - 1 - short, 0)


class Run:
    """One call of `fit` or `steps`, while it lasts."""

    def __init__(
        self, trainer: Any, engine: Engine, graphs: Callable[[int], Graph], plan: Plan, hooks: Sequence[Callback]
    ) -> None:
        self.trainer, self.engine, self.graphs, self.plan, self.hooks = trainer, engine, graphs, plan, hooks
        self.history = History()
        self.traced: dict[int, Graph] = {}
        self.losses: Array = np.empty(0)  # of the piece that runs
        self.memory: Memory = trainer.memory()
        self.kept: Any = None
        self.start, self.epoch = self.memory.step, trainer.epoch_count
        self.names = [name for name, _ in trainer.trainable]
        self.replay = Replay(engine, self.traced, self.names, self.start, Kept(plan.keep_every))
        self.frozen = [p for _, p in trainer.frozen]
        self.watched = [h for h in hooks if type(h).on_steps is not Callback.on_steps]
        self.cut = bool(self.watched) or not engine.interruptible
        self.piece = self._steps_in(trainer.step_seconds) if self.cut else plan.total

    def go(self) -> History:
        """Train. An interruption from the keyboard ends it and keeps what was learned."""
        history, trainer = self.history, self.trainer
        started = time.perf_counter()
        begun: list[Callback] = []
        try:
            self._trace()
            for hook in self.hooks:
                begun.append(hook)
                hook.on_start(trainer, history, self.plan.total)
            self._train()
        except KeyboardInterrupt:
            history.stopped = "interrupted"
        finally:
            self._keep()
            trainer.epoch_count = self.epoch + -(-(self.memory.step - self.start) // self.plan.per_epoch)
            missing = self.memory.step - self.start - history.steps
            if missing:  # interrupted after a piece was done, and before its losses were noted
                history.add_losses(self.losses[:missing])
            history.seconds = time.perf_counter() - started
            if history.steps:
                history.count_cost(self._work(), self.engine.used)
            for hook in begun:
                hook.on_end(trainer, history)
        return history

    def _keep(self) -> None:
        """Put what was learned into the trainer, once, unless a callback may have changed it since."""
        if self.kept is not self.memory.latest or self.hooks:
            self.trainer.keep(self.memory)
            self.kept = self.memory.latest

    def _trace(self) -> None:
        """Trace and compile the graphs that will be needed, before the clock of the steps runs."""
        started = time.perf_counter()
        self.history.keep_replay(self.replay)
        n, size = len(self.plan.rows), self.plan.batch_size
        for rows in {size, n % size} if self.plan.sampling != "replacement" else {size}:
            if rows:
                self.traced[rows] = self.graphs(rows)
                self.engine.prepare(self.traced[rows], self.plan.rows, self.plan.sampling)
        self.plan.ready()
        self.history.compile_seconds = time.perf_counter() - started

    def _work(self) -> list[tuple[Graph, int]]:
        """The graphs of the steps, that of a full batch first, and how often each was run."""
        n, size = len(self.plan.rows), self.plan.batch_size
        short = self.history.steps // self.plan.per_epoch if n % size in self.traced else 0
        full = [(self.traced[size], self.history.steps - short)]
        return [*full, (self.traced[n % size], short)] if short else full

    def _train(self) -> None:
        done = 0
        while done < self.plan.total:
            length = self.plan.length(done, self.trainer.step_seconds, self._ahead())
            if self._pass(done, length):
                break
            done += length

    def _ahead(self) -> int:
        """Epochs until somebody has to look."""
        if self.plan.measured or self.plan.evaluate is not None:
            return 1
        most = max(1, _MOST_STEPS // self.plan.per_epoch)
        return max(1, min([most, *[hook.epochs_ahead(self.history) for hook in self.hooks]]))

    def _pass(self, done: int, length: int) -> bool:
        """Take some steps, look at what came of them, and say whether to stop."""
        before = self.memory.arrays
        pieces = [self._advance(first, count) for first, count in self._pieces(done, length)]
        losses = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        if not self._is_finite(losses):
            self._give_up(losses, before)
            return True
        self._keep()
        ended = [self._epoch_end(mean) for mean in (self._means(losses) if self.plan.epochs else ())]
        return any(ended)

    def _epoch_end(self, train_loss: float) -> bool:
        """Evaluate, call back, and say whether to stop."""
        history, trainer, plan = self.history, self.trainer, self.plan
        found = {} if plan.evaluate is None else plan.evaluate()
        trainer.epoch_count += 1
        history.epoch.append(trainer.epoch_count)
        history.train_loss.append(train_loss)
        if found:
            history.validation_loss.append(found.pop("loss"))
            if "accuracy" in found:
                history.validation_accuracy.append(found.pop("accuracy"))
            for name, value in found.items():
                history.metrics.setdefault(name, []).append(value)
        for hook in self.hooks:
            said = hook.on_epoch(trainer, history)
            if said:
                history.stopped = said if isinstance(said, str) else "callback"
        return history.stopped is not None

    def _pieces(self, done: int, length: int) -> Iterator[tuple[int, int]]:
        """Cut a pass where the progress is looked at, and around the step whose update is measured."""
        place, end = done, done + length
        looked_at = done + self.plan.looked_at if self.plan.epochs and self.plan.measured else -1
        while place < end:
            stop = self.replay.kept.cut(place, min(place + self.piece, end))
            if place < looked_at:
                stop = min(stop, looked_at)
            elif place == looked_at:
                stop = place + 1
            yield place, stop - place
            place = stop

    def _advance(self, first: int, count: int) -> Array:
        """Run one piece on the engine; its losses."""
        plan, trainer, memory, history = self.plan, self.trainer, self.memory, self.history
        losses, start, before = np.empty(count), memory.step, memory.arrays
        self.losses, frozen = losses, [p.value for p in self.frozen]
        stretch = Stretch(plan.rows, frozen, plan.batch_size, plan.sampling, trainer.key, self.epoch, first, count)
        self.replay.note(stretch, before)
        started = time.perf_counter()
        try:
            self.engine.steps(self.graphs, memory, stretch, losses)
        finally:
            seconds = time.perf_counter() - started
            history.step_seconds += seconds
            history.add_losses(losses[: memory.step - start])
        if plan.epochs and plan.measured and first % plan.per_epoch == plan.looked_at:
            self._measure(before, memory.arrays)
        if self.cut:
            trainer.step_seconds = max(seconds, 1e-9) / count
            self.piece = min(2 * self.piece, self._steps_in(trainer.step_seconds))
            for hook in self.watched:
                hook.on_steps(trainer, history, count, float(losses[-1]))
        return losses

    def _steps_in(self, seconds: float | None) -> int:
        """Steps between two looks at the progress, from what one takes; one where it is not known."""
        return max(1, int(_BETWEEN_UPDATES / seconds)) if seconds else 1

    def _measure(self, before: Sequence[Array], after: Sequence[Array]) -> None:
        """Record |Δw| / |w| of one step for each parameter."""
        for name, old, new in zip(self.names, before, after, strict=False):
            change = float(np.linalg.norm(np.subtract(new, old, dtype=np.float64)))
            size = float(np.linalg.norm(np.asarray(old, np.float64)))
            ratio = change / size if size > 0 else (np.inf if change > 0 else 0.0)
            self.history.update_ratio.setdefault(name, []).append(ratio)

    def _means(self, losses: Array) -> list[float]:
        """The mean loss of each epoch, each step by its rows."""
        n, size = len(self.plan.rows), self.plan.batch_size
        rows = np.full(self.plan.per_epoch, size)
        if self.plan.sampling != "replacement" and n % size:
            rows[-1] = n % size
        return np.average(losses.reshape(-1, len(rows)), axis=1, weights=rows).tolist()

    def _is_finite(self, losses: Array) -> bool:
        weights = self.memory.arrays[: len(self.names)]
        return all_finite(losses) and all(map(all_finite, weights))

    def _give_up(self, losses: Array, before: Sequence[Array]) -> None:
        """The loss is not finite: go back to the last weights that are known to be good, and say so."""
        bad = ~np.isfinite(losses)
        place = int(np.argmax(bad)) if bad.any() else len(losses) - 1
        step = self.memory.step - len(losses) + place
        what = f"the loss became {losses[place]}" if bad.any() else "a weight became infinite or not a number"
        self.memory.latest = (self.memory.step, before)
        self.history.stopped = "diverged"
        warn(
            f"{what} at step {step}: training stopped and went back to the weights of {len(losses)} steps before its "
            "end. The learning rate is probably too large: try a tenth of it, train.find_rate(trainer, X, y), or "
            "clip_norm=1.0 in the optimizer; scale features to about -1 to 1"
        )
