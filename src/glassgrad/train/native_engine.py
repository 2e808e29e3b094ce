"""The native engine: stretches of training steps as one call of machine code."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad import passes
from glassgrad.compiler import Program, address, aligned
from glassgrad.graphs import Graph
from glassgrad.native import jit
from glassgrad.native.emit import Code
from glassgrad.native.plan import Plan
from glassgrad.native.steps import Call
from glassgrad.native.target import host
from glassgrad.native.training import Feed, write_training
from glassgrad.ops import random
from glassgrad.train.engine import DRAWS, REPLACEMENT, Memory, NumpyEngine, Rows, Sampling, Stretch

Array = np.ndarray[Any, Any]
_MOST_ROWS = 1 << 22  # row numbers handed over at once, when they are not drawn in machine code


class _Loop:
    """The compiled loop around one step graph, and the memory it works in."""

    def __init__(self, graph: Graph, columns: int, drawn: bool, threads: int | None) -> None:
        graph = passes.run(graph)
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
        self.batch = int(graph.inputs[carried].shape[0])
        base = len(self.plan.buffers) + 2
        feed = Feed(tuple((carried + k, base + k) for k in range(columns)), step, 0, pairs)
        code, target = Code(), host()
        self.threads = threads or 1
        scratch = write_training(code, "train", self.plan, target, feed, self.batch, drawn, self.threads)
        self.ir = str(code)
        self.library = jit.compile_ir(self.ir, target)
        word, pointer = ctypes.c_int64, ctypes.c_void_p
        self.call = self.library.function(
            "train", None, [pointer, word, word, pointer, word, pointer, pointer, word, pointer]
        )
        self._arena = aligned(self.plan.arena + scratch)
        self.arrays: list[Any] = []
        self.table = np.zeros(base + columns, np.uintp)
        self.table[0] = address(self._arena)
        for i, buffer in enumerate(self.plan.buffers):
            kept = buffer.kind in ("constant", "arena", "register")
            self.arrays.append(buffer.value if kept else np.zeros(buffer.size, buffer.dtype))
            if self.arrays[i] is not None:
                self.table[i + 1] = address(self.arrays[i])
        self.inputs = [self.arrays[self.plan.views[w.serial].buffer] for w in graph.inputs]
        self.shapes = [w.shape for w in graph.inputs]
        self.frozen = range(step + 2, len(graph.inputs))
        self.columns = base


class NativeEngine(NumpyEngine):
    """Draws, gathers, goes forward and backward, updates and notes the loss in one native call a stretch.

    A step graph with a gate that does not compile (`Compiled.explain` names them) runs step by step, its
    other gates compiled.
    """

    name, interruptible = "native", False

    def __init__(self) -> None:
        super().__init__()
        self._loops: dict[Any, tuple[Graph, _Loop]] = {}
        self._programs: dict[int, tuple[Graph, Program]] = {}

    def prepare(self, graph: Graph, rows: Rows, sampling: Sampling) -> None:
        """Compile the loop around a step's graph."""
        if not self._loop(graph, rows, sampling == "replacement").compiles:
            self._program(graph)

    def steps(self, graphs: Callable[[int], Graph], memory: Memory, stretch: Stretch, losses: Array) -> None:
        """Take the steps of a stretch, as few native calls as it has batch sizes in a row."""
        done = 0
        while done < stretch.count:
            batch, count, order = self._run_of(stretch, done, memory.step)
            loop = self._loop(graphs(batch), stretch.rows, order is None)
            run = loop.compiles and self._advance(loop, memory, stretch, order, count, losses[done : done + count])
            if not run:  # or an index was out of range: gate by gate, NumPy says which
                rest = replace(stretch, first=stretch.first + done, count=count)
                super().steps(graphs, memory, rest, losses[done : done + count])
            done += count

    def run(self, graph: Graph, values: Sequence[Any]) -> list[Array]:
        """Run a graph once, compiled."""
        program = self._program(graph)
        cast = [np.asarray(v, w.dtype) for v, w in zip(values, graph.inputs, strict=True)]
        with np.errstate(all="ignore"):
            return [np.asarray(x) for x in program.run(cast)]

    def _program(self, graph: Graph) -> Program:
        if id(graph) not in self._programs:
            self._programs[id(graph)] = (graph, Program(graph))
        return self._programs[id(graph)][1]

    def _loop(self, graph: Graph, rows: Rows, drawn: bool) -> _Loop:
        key = (id(graph), drawn)
        if key not in self._loops:
            columns = 2 if rows.weight is None else 3
            self._loops[key] = (graph, _Loop(graph, columns, drawn, self.threads))
        return self._loops[key][1]

    def _run_of(self, stretch: Stretch, done: int, step: int) -> tuple[int, int, Array | None]:
        """Steps of one batch size in a row from here: rows a step, how many steps, and their rows in order.

        No order: the rows are drawn in machine code.
        """
        n, size, left = len(stretch.rows), stretch.batch_size, stretch.count - done
        if stretch.sampling == "replacement":
            return size, left, None
        if size >= n:
            count = min(left, max(1, _MOST_ROWS // n))
            return n, count, np.tile(np.arange(n), count)
        a_pass, index = -(-n // size), stretch.first + done
        place = index % a_pass
        if place == a_pass - 1 and n % size:
            rows = self._rows(stretch, index, step)
            assert rows is not None
            return n % size, 1, np.ascontiguousarray(rows)
        count = min(left, n // size - place)
        self._rows(stretch, index, step)  # makes the epoch's permutation, where it is new
        assert self._epoch is not None
        return size, count, np.ascontiguousarray(self._epoch[1][place * size : (place + count) * size])

    def _advance(
        self, loop: _Loop, memory: Memory, stretch: Stretch, order: Array | None, count: int, losses: Array
    ) -> bool:
        """Run the compiled loop; False, and nothing changed, where an index was out of range."""
        step, arrays = memory.latest
        for place, value in zip(loop.inputs, arrays, strict=False):
            place[:] = np.asarray(value).reshape(-1)
        for place, value in zip(loop.frozen, stretch.frozen, strict=True):
            loop.inputs[place][:] = np.asarray(value).reshape(-1)
        columns = [np.ascontiguousarray(c) for c in stretch.rows.take(None)]
        for k, column in enumerate(columns):
            loop.table[loop.columns + k] = address(column)
        key = np.concatenate([random.fold_in(stretch.key, purpose) for purpose in (REPLACEMENT, DRAWS)])
        found, counter = np.empty(count), np.zeros(1, np.int64)

        def work(thread: int) -> None:
            loop.call(
                loop.table.ctypes.data, count, step, None if order is None else address(order), len(stretch.rows),
                address(key), address(found), thread, address(counter),
            )  # fmt: skip

        team = [threading.Thread(target=work, args=(i,)) for i in range(1, loop.threads)]
        for thread in team:
            thread.start()
        work(0)
        for thread in team:
            thread.join()
        if loop.table[loop.columns - 1]:
            loop.table[loop.columns - 1] = 0
            return False
        losses[:] = found
        after = [loop.inputs[i].reshape(loop.shapes[i]).copy()[()] for i in range(loop.carried)]
        memory.latest = (step + count, after)
        return True
