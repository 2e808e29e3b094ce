"""Training by an optimiser that takes all rows and searches along lines: L-BFGS."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.optim import LBFGS
from glassgrad.train.engine import Memory, layer_key
from glassgrad.train.loop import Run

Array = np.ndarray[Any, Any]
NO_STEPS = "an iteration of L-BFGS searches along a line, which is no step of one graph"
"""Why its iterations cannot be replayed."""


class FullBatchRun(Run):
    """One call of `fit` or `steps` with L-BFGS: an epoch, or a step, is one of its iterations."""

    def _trace(self) -> None:
        """Trace and compile the graph of loss and gradients."""
        started = time.perf_counter()
        self.history.keep_replay(NO_STEPS)
        self.graph = self.graphs(len(self.plan.rows))
        self.engine.ready(self.graph)
        self.plan.ready()
        self.history.compile_seconds = time.perf_counter() - started
        self.evaluations = 0

    def _work(self) -> list[tuple[Graph, int]]:
        return [(self.graph, self.evaluations)]

    def _train(self) -> None:
        optimizer: LBFGS = self.trainer.optimizer
        most = min(self.plan.total, optimizer.max_iterations)
        batch = self.plan.rows.take(None)
        key = layer_key(self.trainer.key, self.start)  # the same draws all along: a search needs a fixed function
        frozen = [p.value for p in self.frozen]
        clock = time.perf_counter()

        def value_and_grad(params: list[Any]) -> tuple[Any, list[Any]]:
            self.evaluations += 1
            out = self.engine.run(self.graph, [*params, *batch, self.start, key, *frozen])
            return out[0], out[1:]

        def iteration(number: int, loss: float, params: list[Any]) -> bool:
            nonlocal clock
            before = self.memory.arrays
            self.losses = np.array([loss])
            self.memory.latest = (self.start + number, params)
            self.history.add_losses(self.losses)
            self.history.step_seconds += time.perf_counter() - clock
            for hook in self.watched:
                hook.on_steps(self.trainer, self.history, 1, loss)
            stop = False
            if self.plan.epochs:
                if self.plan.measured:
                    self._measure(before, params)
                self._keep()
                stop = self._epoch_end(loss)
            clock = time.perf_counter()
            return stop

        found, info = dataclasses.replace(optimizer, max_iterations=most).minimize(
            value_and_grad, self.memory.arrays, iteration
        )
        self.memory = Memory(self.memory.step, found)
        if self.history.stopped is None and info.iterations < self.plan.total:
            reached = not info.converged and info.iterations == optimizer.max_iterations
            self.history.stopped = "converged" if info.converged else "max_iterations" if reached else info.message
