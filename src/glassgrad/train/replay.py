"""Replay: any step of a run, taken again from the nearest weights that were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassgrad.errors import DataError
from glassgrad.graphs import Graph
from glassgrad.parameters import Parameter
from glassgrad.train.engine import Engine, Memory, NumpyEngine, Stretch
from glassgrad.train.kept import Kept
from glassgrad.valued import valued

Array = np.ndarray[Any, Any]


@dataclass(eq=False)
class Replay:
    """All that the steps of a run hang on.

    Parameters
    ----------
    engine : Engine
        What took the steps; it takes them again, from the same rows with the same keys, so with the same bits.
    graphs : mapping of int to Graph
        The graph of a step for each number of rows.
    names : sequence of str
        Of the trained parameters.
    start : int
        Steps that the trainer had taken before.
    kept : Kept
        Weights and optimiser state that steps started from.
    """

    engine: Engine
    graphs: Mapping[int, Graph]
    names: Sequence[str]
    start: int
    kept: Kept
    _stretches: list[Stretch] = field(default_factory=list)

    def note(self, stretch: Stretch, arrays: Sequence[Array]) -> None:
        """Steps that are about to be taken, and the weights and optimiser state they start from."""
        last = self._stretches[-1] if self._stretches else None
        if last is None or any(a is not b for a, b in zip(last.frozen, stretch.frozen, strict=True)):
            self._stretches.append(stretch)  # else they hang on the same as the steps before
        self.kept.offer(stretch.first, arrays)

    def arrays(self, step: int, losses: Array) -> Sequence[Array]:
        """Weights and optimiser state that step `step` started from.

        Raises
        ------
        DataError
            When the steps on the way have another loss than they had: the rows have been changed since.
        """
        first, arrays = self.kept.before(step)
        return self._taken(first, step, arrays, losses)

    def graph(self, step: int, losses: Array) -> Graph:
        """The graph of a step with its values; the errors are those of `arrays`."""
        arrays = self.arrays(step, losses)
        self._taken(step, step + 1, arrays, losses)  # by the engine, to see that it still is the same step
        stretch, _ = self._stretch(step)
        memory = Memory(self.start + step, arrays)
        size, values = NumpyEngine().inputs(memory, replace(stretch, count=1), 0)
        made = valued(self.graphs[size], values)
        for i, wire in enumerate(made.inputs):
            if isinstance(wire, Parameter):
                wire.frozen = i >= len(self.names)
        return made

    def _taken(self, first: int, stop: int, arrays: Sequence[Array], losses: Array) -> Sequence[Array]:
        """What some steps make of the arrays they start from."""
        memory = Memory(self.start + first, arrays)
        while first < stop:
            stretch, end = self._stretch(first)
            count = min(stop, end) - first
            found, known = np.empty(count), losses[first : first + count]
            self.engine.steps(self.graphs.__getitem__, memory, replace(stretch, count=count), found)
            same = (found == known) | (np.isnan(found) & np.isnan(known))
            if not same.all():
                place = int(np.argmin(same))
                raise DataError(
                    f"step {first + place} had the loss {known[place]:.9g}, and taken again it has {found[place]:.9g}: "
                    "the rows of X or y have been changed since they were trained on; train on copies, X.copy(), to "
                    "look at the steps later"
                )
            first += count
        return memory.arrays

    def _stretch(self, step: int) -> tuple[Stretch, int]:
        """The stretch from step `step` on, and where one begins that hangs on something else."""
        ends = [stretch.first for stretch in self._stretches[1:]]
        place = sum(end <= step for end in ends)
        stretch = replace(self._stretches[place], first=step)
        return stretch, ends[place] if place < len(ends) else np.iinfo(np.int64).max
