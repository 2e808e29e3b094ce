"""The native engine: stretches of training steps as one call of machine code."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from glassgrad import passes
from glassgrad.compiler import Program
from glassgrad.errors import reason
from glassgrad.graphs import Graph
from glassgrad.native import jit
from glassgrad.native.builder import tell
from glassgrad.native.crew import Pace, cores, together
from glassgrad.native.emit import Code
from glassgrad.native.fingerprint import fingerprint
from glassgrad.native.loops import work
from glassgrad.native.plan import Plan
from glassgrad.native.room import address, aligned, zeros
from glassgrad.native.steps import Call
from glassgrad.native.target import host
from glassgrad.native.training import Feed, write_training
from glassgrad.train.engine import Memory, NumpyEngine, Sampling, Stretch, drawing_keys
from glassgrad.train.rows import Rows

Array = np.ndarray[Any, Any]
_WORTH = 5_000_000  # operations of a step that is worth several threads
_MOST_PROGRAMS = 64  # kept ready, one for each number of rows; a forgotten one is read from disk again
_MOST_ROWS = 1 << 22  # row numbers handed over at once, when they are not drawn in machine code


class _Loop:
    """The compiled loop around one step graph, and the memory it works in."""

    def __init__(self, graph: Graph, rows: Rows, drawn: bool, threads: int | None) -> None:
        columns = len(rows.arrays)
        graph = passes.run(graph, passes.NATIVE)
        carried = len(graph.outputs) - 1
        self.carried = carried
        pairs = tuple((i + 1, i) for i in range(carried))
        self.plan = Plan(graph, pairs)
        step = carried + columns
        self.compiles = (
            not any(isinstance(s, Call) for s in self.plan.steps) and graph.inputs[step].dtype == np.int64
            and all(w.serial in self.plan.views for w in graph.outputs)
        )  # fmt: skip
        if not self.compiles:
            return
        self.batch = _batch(graph, rows)
        whole = _all_at_once(graph, rows, drawn)
        base = len(self.plan.buffers) + 2
        feed = Feed(tuple((carried + k, base + k) for k in range(columns)), step, 0, pairs, rows.sparse)
        target, plan, batch = host(), self.plan, self.batch
        most = threads or (cores() if work(plan.steps) >= _WORTH else 1)
        self.pace = Pace(most, fixed=threads is not None)

        def written() -> str:
            code = Code()
            tell(code, "scratch", write_training(code, "train", plan, target, feed, batch, drawn, most, whole))
            return str(code)

        known = fingerprint(graph)
        key = None if known is None else f"train {feed} {batch} {drawn} {whole} {most}\n{known}"
        self.library = jit.compile_ir(written, target, key=key)
        scratch = self.library.function("scratch", ctypes.c_int64)()
        word, pointer = ctypes.c_int64, ctypes.c_void_p
        self.call = self.library.function(
            "train", None, [pointer, word, word, pointer, word, pointer, pointer, word, word, pointer]
        )
        self._arena = aligned(self.plan.arena + scratch)
        self.table = np.zeros(base + columns, np.uintp)
        self.table[0] = address(self._arena)
        self.at = address(self.table)
        self.arrays: list[Any] = []
        for i, buffer in enumerate(self.plan.buffers):
            kept = buffer.kind in ("constant", "arena", "register")
            self.arrays.append(buffer.value if kept else zeros(buffer.size, buffer.dtype))
            if self.arrays[i] is not None:
                self.table[i + 1] = address(self.arrays[i])
        self.places = [self.plan.views[w.serial].buffer for w in graph.inputs]
        self.inputs = [self.arrays[place] for place in self.places]
        self.shapes = [w.shape for w in graph.inputs]
        self.step, self.frozen = step, range(step + 2, len(graph.inputs))
        self.common = [*range(carried), step, *self.frozen]
        self.columns = base

    @property
    def ir(self) -> str:
        """The LLVM IR."""
        return self.library.text

    def share(self, other: _Loop) -> None:
        """Work on the parameters, state and number of the step that another loop around such a step works on."""
        for i in self.common:
            if self.inputs[i] is not other.inputs[i]:
                self.inputs[i] = self.arrays[self.places[i]] = other.inputs[i]
                self.table[self.places[i] + 1] = address(other.inputs[i])

    def put(self, memory: Memory, frozen: Sequence[Array]) -> None:
        """Take over parameters, optimiser state, the number of steps taken, and what is only read."""
        step, arrays = memory.latest
        for place, value in zip(self.inputs, arrays, strict=False):
            place[:] = np.asarray(value).reshape(-1)
        for i, value in zip(self.frozen, frozen, strict=True):
            self.inputs[i][:] = np.asarray(value).reshape(-1)
        self.inputs[self.step][0] = step - 1

    def get(self, memory: Memory) -> None:
        """Hand over what the steps taken have made."""
        after = [self.inputs[i].reshape(self.shapes[i]).copy()[()] for i in range(self.carried)]
        memory.latest = (int(self.inputs[self.step][0]) + 1, after)

    def look_up(self, columns: Sequence[Array]) -> None:
        """Take rows from these arrays from now on."""
        for k, column in enumerate(columns):
            self.table[self.columns + k] = address(column)
        self.table[self.columns - 1] = 0

    @property
    def lost(self) -> bool:
        """Whether an index was out of range."""
        return bool(self.table[self.columns - 1])


def _batch(graph: Graph, rows: Rows) -> int:
    """How many rows a step takes; they come behind what it carries on, their targets or weights last."""
    return int(graph.inputs[len(graph.outputs) - 2 + len(rows.arrays)].shape[0])


def _all_at_once(graph: Graph, rows: Rows, drawn: bool) -> bool:
    """Whether each step takes all rows, in their order."""
    return not drawn and _batch(graph, rows) == len(rows)


@contextlib.contextmanager
def _other_engine_named() -> Iterator[None]:
    """Where machine code cannot be made, say that there is an engine without."""
    try:
        yield
    except jit.CompileError as error:
        raise jit.CompileError(f"{reason(error)}\nengine='numpy' trains the same graph without machine code") from None


def _sizes(stretch: Stretch) -> list[int]:
    """How many rows the steps of a stretch take: full batches, and where one comes the short one of an epoch's end."""
    n, size = len(stretch.rows), stretch.batch_size
    if stretch.sampling == "replacement":
        return [size]
    if size >= n:
        return [n]
    a_pass = -(-n // size)
    place = stretch.first % a_pass
    short = n % size > 0 and place + stretch.count >= a_pass
    full = stretch.count > 1 or place < n // size
    return [size] * full + [n % size] * short


def _part(call: Callable[..., None], size: int, counter: int, thread: int) -> None:
    """What one thread of a team runs."""
    call(thread, size, counter)


def _remembered(known: dict[Any, Any], key: Any, value: Any) -> Any:
    """Keep a value, and of the others those made last."""
    while len(known) >= _MOST_PROGRAMS:
        known.pop(next(iter(known)), None)
    known[key] = value
    return value


class NativeEngine(NumpyEngine):
    """Draws, gathers, goes forward and backward, updates and notes the loss in one native call a stretch.

    A step graph with a gate that does not compile (`Compiled.explain` names them) runs step by step, its
    other gates compiled.
    """

    name, interruptible = "native", False

    def __init__(self) -> None:
        super().__init__()
        self.used: int | None = 1
        self._loops: dict[Any, tuple[Graph, _Loop]] = {}
        self._programs: dict[int, tuple[Graph, Program]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_loops": {}, "_programs": {}}  # compiled again when they are needed

    def prepare(self, graph: Graph, rows: Rows, sampling: Sampling) -> None:
        """Compile the loop around a step's graph."""
        if not self._loop(graph, rows, sampling == "replacement").compiles:
            self._program(graph)

    def ready(self, graph: Graph) -> None:
        """Compile a graph that is run alone."""
        self._program(graph)

    def steps(self, graphs: Callable[[int], Graph], memory: Memory, stretch: Stretch, losses: Array) -> None:
        """Take the steps of a stretch, as few native calls as it has batch sizes in a row."""
        stretch.rows.check()
        drawn = stretch.sampling == "replacement"
        loops = {size: self._loop(graphs(size), stretch.rows, drawn) for size in _sizes(stretch)}
        if all(loop.compiles for loop in loops.values()) and self._advance(loops, memory, stretch, losses):
            return
        super().steps(graphs, memory, stretch, losses)  # if an index was out of range, NumPy says which

    def run(self, graph: Graph, values: Sequence[Any]) -> list[Array]:
        """Run a graph once, compiled."""
        program = self._program(graph)
        if program.pure:
            return [np.asarray(x) for x in program.run(values)]
        with np.errstate(all="ignore"):
            return [np.asarray(x) for x in program.run(values)]

    def _program(self, graph: Graph) -> Program:
        found = self._programs.get(id(graph))
        if found is None:
            with _other_engine_named():
                found = _remembered(self._programs, id(graph), (graph, Program(graph, threads=self.threads)))
        return found[1]

    def _loop(self, graph: Graph, rows: Rows, drawn: bool) -> _Loop:
        # each of Python's threads has a loop of its own: two in one memory would read each other's rows
        key = (id(graph), drawn, _all_at_once(graph, rows, drawn), threading.get_ident())
        if key not in self._loops:
            with _other_engine_named():
                _remembered(self._loops, key, (graph, _Loop(graph, rows, drawn, self.threads)))
        return self._loops[key][1]

    def _run_of(self, stretch: Stretch, done: int, step: int) -> tuple[int, int, Array | None]:
        """Steps of one batch size in a row from here: rows a step, how many steps, and their rows in order.

        No order: the rows are drawn in machine code, or all of them are taken in each step.
        """
        n, size, left = len(stretch.rows), stretch.batch_size, stretch.count - done
        if stretch.sampling == "replacement":
            return size, left, None
        if size >= n:
            return n, left, None
        a_pass, index = -(-n // size), stretch.first + done
        place = index % a_pass
        if place == a_pass - 1 and n % size:
            return n % size, 1, np.ascontiguousarray(self._order(stretch, index // a_pass)[place * size :])
        epochs, full = index // a_pass, n // size
        order = self._order(stretch, epochs)[place * size : full * size]
        if not n % size and left > full - place:  # no short batch between the epochs
            ahead = min(-(-(left + place) // full), max(1, _MOST_ROWS // n))
            order = np.concatenate([order, *[self._order(stretch, epochs + i) for i in range(1, ahead)]])
        count = min(left, len(order) // size)
        return size, count, np.ascontiguousarray(order[: count * size])

    def _advance(self, loops: dict[int, _Loop], memory: Memory, stretch: Stretch, losses: Array) -> bool:
        """Run the compiled loops; False, and nothing changed, where an index was out of range."""
        columns = [np.ascontiguousarray(c) for c in stretch.rows.arrays]
        first, *others = loops.values()
        for loop in others:
            loop.share(first)
        for loop in loops.values():
            loop.look_up(columns)
        first.put(memory, stretch.frozen)
        key, step, done = drawing_keys(stretch.key), memory.step, 0
        try:
            while done < stretch.count:
                batch, count, order = self._run_of(stretch, done, step + done)
                if order is not None and stretch.sampling == "shuffle" and loops[batch].pace.sizes == [1]:
                    self._foresee(stretch, done)
                self._turn(loops[batch], step + done, order, len(stretch.rows), key, losses[done : done + count])
                done += count
        finally:  # whole steps, also after an interruption
            good = not any(loop.lost for loop in loops.values())
            if good:
                first.get(memory)
        return good

    def _foresee(self, stretch: Stretch, done: int) -> None:
        """Draw the order of the next epoch while the steps of this one run."""
        n = len(stretch.rows)
        epochs = (stretch.first + done) // -(-n // stretch.batch_size)
        self._orders.foresee(stretch.key, n, stretch.epoch + epochs + 1)

    def _turn(self, loop: _Loop, step: int, order: Array | None, rows: int, key: Array, losses: Array) -> None:
        """Run one compiled loop, a step for each loss."""
        done, count = 0, len(losses)
        counter = np.zeros(1, np.int64)
        while done < count:
            size, some = loop.pace.next(count - done)
            self.used, counter[0] = size, 0
            places = None if order is None else address(order[done * loop.batch :])
            call = functools.partial(
                loop.call, loop.at, some, step + done, places, rows, address(key), address(losses[done:])
            )
            started = time.perf_counter()
            together(functools.partial(_part, call, size, address(counter)), size)
            loop.pace.took(size, some, time.perf_counter() - started)
            done += some
