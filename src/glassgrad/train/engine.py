"""Engines run the graph of a training step many times. `numpy` runs it gate by gate.

The seam is small: an engine gets a stretch of steps between which nothing needs Python, with all
randomness given as keys, so that another engine can run the very same stretch in machine code.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from glassgrad.displays import Shown
from glassgrad.graphs import Graph
from glassgrad.ops import random
from glassgrad.train.orders import Orders
from glassgrad.train.rows import Rows

Array = np.ndarray[Any, Any]
Sampling = Literal["shuffle", "order", "replacement"]
SAMPLINGS = ("shuffle", "order", "replacement")
_REPLACEMENT, _DRAWS = 2, 3  # what is folded into the trainer's key for drawn rows and layers


@dataclass(frozen=True, slots=True)
class Stretch(Shown):
    """Consecutive steps, of one epoch or of several.

    ``first`` counts the steps since the start of ``epoch``. With "shuffle" each epoch is a permutation of
    the rows, cut into batches, the last of which may be short; a batch of all rows keeps their order. With
    "order" they are cut as they lie. With "replacement" each step draws `batch_size` rows anew.
    """

    rows: Rows
    frozen: Sequence[Array]
    batch_size: int
    sampling: Sampling | Literal["order"]
    key: Array
    epoch: int
    first: int
    count: int


def drawing_keys(key: Array) -> Array:
    """The keys from which the rows of a step with replacement and, second, its layers derive theirs."""
    return np.frombuffer(_drawing_keys(key.tobytes()), key.dtype).copy()


@functools.lru_cache(maxsize=16)
def _drawing_keys(key: bytes) -> bytes:
    made = np.frombuffer(key, np.uint32)
    return b"".join(random.fold_in(made, purpose).tobytes() for purpose in (_REPLACEMENT, _DRAWS))


def layer_key(key: Array, step: int) -> Array:
    """What layers that draw, such as Dropout, draw from in a step."""
    return random.fold_in(random.fold_in(key, _DRAWS), step)


class Memory(Shown):
    """What training changes: `latest` is (number of steps taken, arrays of parameters and optimiser state).

    It is replaced as a whole after each step, so that an interruption never sees half a step.
    """

    __slots__ = ("latest",)

    def __init__(self, step: int, arrays: Sequence[Array]) -> None:
        self.latest: tuple[int, Sequence[Array]] = (step, list(arrays))

    def __repr__(self) -> str:
        return f"<Memory of {len(self.arrays)} arrays after {self.step} steps>"

    @property
    def step(self) -> int:
        """Number of steps taken since the trainer was made."""
        return self.latest[0]

    @property
    def arrays(self) -> Sequence[Array]:
        """Trainable parameters, then optimiser state."""
        return self.latest[1]


class Engine(Protocol):
    """Runs graphs."""

    name: str
    interruptible: bool  # whether the keyboard can interrupt it between two steps of a stretch
    threads: int | None  # how many to run on; None for as many as are good
    used: int | None  # how many ran last; None where NumPy chose

    def prepare(self, graph: Graph, rows: Rows, sampling: Sampling) -> None:
        """Do what must be done once for a step's graph, before the clock of the steps runs."""
        ...

    def ready(self, graph: Graph) -> None:
        """Do what must be done once for a graph that `run` is going to run."""
        ...

    def steps(self, graphs: Callable[[int], Graph], memory: Memory, stretch: Stretch, losses: Array) -> None:
        """Take the steps of a stretch: `memory` is updated, and the loss of each step written to `losses`.

        `graphs` gives the graph of a step for a number of rows. Arrays in `memory` are replaced and never
        written to.
        """
        ...

    def run(self, graph: Graph, values: Sequence[Any]) -> list[Array]:
        """Run a graph once."""
        ...


class NumpyEngine(Shown):
    """Runs a step gate by gate with NumPy, on NumPy's own threads."""

    name, interruptible = "numpy", True

    def __init__(self) -> None:
        self.threads: int | None = None
        self.used: int | None = None
        self._orders = Orders()

    def __repr__(self) -> str:
        return f"<engine {self.name}>"

    def prepare(self, graph: Graph, rows: Rows, sampling: Sampling) -> None:
        """Nothing: NumPy needs no preparation."""

    def ready(self, graph: Graph) -> None:
        """Nothing either."""

    def steps(self, graphs: Callable[[int], Graph], memory: Memory, stretch: Stretch, losses: Array) -> None:
        """Take the steps of a stretch, one run of the graph each."""
        stretch.rows.check()
        for i in range(stretch.count):
            size, values = self.inputs(memory, stretch, i)
            out = self.run(graphs(size), values)
            losses[i] = out[0]
            memory.latest = (memory.step + 1, out[1:])

    def inputs(self, memory: Memory, stretch: Stretch, i: int) -> tuple[int, list[Any]]:
        """How many rows step `i` of a stretch takes, and the values of its graph's inputs."""
        step, arrays = memory.latest
        rows = self._rows(stretch, stretch.first + i, step)
        size = len(stretch.rows) if rows is None else len(rows)
        key = layer_key(stretch.key, step)
        return size, [*arrays, *stretch.rows.take(rows), step, key, *stretch.frozen]

    def run(self, graph: Graph, values: Sequence[Any]) -> list[Array]:
        """Run a graph once, gate by gate."""
        with np.errstate(all="ignore"):  # overflow gives inf, which the caller sees
            return [np.asarray(value) for value in graph.run(*values)]

    def _rows(self, stretch: Stretch, index: int, step: int) -> Array | None:
        """The rows of one batch; None for all of them in their order."""
        n, size = len(stretch.rows), stretch.batch_size
        if stretch.sampling == "replacement":
            return random.integers(random.fold_in(drawing_keys(stretch.key)[:2], step), n, (size,))
        if size >= n:
            return None
        epochs, index = divmod(index, -(-n // size))
        return self._order(stretch, epochs)[index * size : (index + 1) * size]

    def _order(self, stretch: Stretch, epochs: int) -> Array:
        """The order of all rows, so many epochs after the stretch's first."""
        n = len(stretch.rows)
        if stretch.sampling == "order":
            return np.arange(n)
        last = (stretch.first + stretch.count - 1) // -(-n // stretch.batch_size)
        return self._orders.of(stretch.key, n, stretch.epoch + epochs, last - epochs + 1)
