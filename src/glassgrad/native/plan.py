"""From a graph to kernels over buffers: which gates run in one loop, which in no code at all, where results lie.

Gates that only look at numbers in another way (reshape, transpose, slice, broadcast) become views. Elementwise
gates of one shape that can run together become one loop, with the sums over what they compute; a product takes
in the loop that follows it (``fusion.py``). What does not compile runs as a call of the gate's own forward,
between two stretches of machine code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.native.fusion import fuse_products
from glassgrad.native.lowering import KNOWN, lowers, stands_alone
from glassgrad.native.matmul_plan import Product
from glassgrad.native.steps import Buffer, Call, Copy, Loop, Multiply, Single, Stack, Step, folded
from glassgrad.native.views import View, row_major
from glassgrad.ops.normal import WHOLE, part_of

ALIGN = 64
_VIEWS = ("identity", "stop_gradient", "reshape", "transpose", "slice", "broadcast_to")
_REDUCTIONS = ("sum", "mean", "max", "min")


class Plan:
    """The kernels of a graph in order, and the buffers they read and write.

    Attributes
    ----------
    steps : list
        Loops, products, copies, calls, in the order they run.
    buffers : list of Buffer
        All memory.
    views : dict
        For every wire's serial number, where its numbers are.
    arena : int
        Bytes of room for what lives between two steps only; places are used again.
    replaced : set of int
        The outputs that are written over the input they replace.

    Parameters
    ----------
    graph : Graph
        What to plan.
    replaces : sequence of pairs of int
        Outputs that may be written over an input (a new parameter over the old), where nobody needs the old
        numbers any more.
    """

    def __init__(self, graph: Graph, replaces: Sequence[tuple[int, int]] = ()) -> None:
        self.graph = graph
        self.steps: list[Step] = []
        self.buffers: list[Buffer] = []
        self.views: dict[int, View] = {}
        self.made: dict[int, int] = {}  # buffer -> step that writes it
        inputs = {w.serial for w in graph.inputs}
        for wire in graph.inputs:
            self._own(wire, "input")
        for wire in _early_first(graph):
            if wire.serial in inputs or (wire.op is None and wire.weak and wire.operands == ()):
                continue
            if wire.op is None:
                self._own(wire, "constant", np.ascontiguousarray(wire._value))
            else:
                self._gate(wire)
        fuse_products(self.steps, self.views, self._readers())
        self.made = {v.buffer: i for i, step in enumerate(self.steps) for v in self.writes(step)}
        self.replaced = {out for out, into in replaces if self._replace(graph.outputs[out], graph.inputs[into])}
        self._outputs()
        self._store()
        self._places()

    # which step a gate becomes

    def _own(self, wire: Any, kind: str, value: Any = None) -> View:
        """A new buffer for a wire."""
        self.buffers.append(Buffer(math.prod(wire.shape), wire.dtype, kind, value))
        view = View(len(self.buffers) - 1, tuple(wire.shape), row_major(wire.shape), 0, wire.dtype)
        self.views[wire.serial] = view
        return view

    def _gate(self, gate: Any) -> None:
        name = gate.op.name
        if name == "split":
            return  # its parts are views
        if name in _VIEWS or (name == "part" and gate.operands[0].op.name == "split"):
            self.views[gate.serial] = self._viewed(gate)
        elif gate.parts is not None or name == "part":
            self._call(gate)
        elif gate.op.kind == "elementwise" and lowers(gate):
            self._elementwise(gate)
        elif name in _REDUCTIONS and gate.dtype in (np.float32, np.float64) and gate.operands[0].dtype == gate.dtype:
            self._fold(gate)
        elif name == "matmul" and self._multiplies(gate):
            self._multiply(gate)
        elif name == "matmul" and self._multiplies(gate, stacked=True):
            self._stack(gate)
        elif stands_alone(gate):
            self.steps.append(Single(gate, [self._seen(x) for x in gate.operands]))
            self.made[self._own(gate, "arena").buffer] = len(self.steps) - 1
        else:
            self._call(gate)

    def _seen(self, x: Any) -> View:
        """Where an operand's numbers are; a Python number gets a place in memory."""
        if x.serial in self.views:
            return self.views[x.serial]
        self._own(x, "constant", np.array(x._value, x.dtype))
        return self.views.pop(x.serial)

    def _multiplies(self, gate: Any, stacked: bool = False) -> bool:
        """Whether a product is one of two vectors or matrices of one floating dtype, or of stacks of them."""
        x, y = gate.operands
        return (
            gate.dtype in (np.float32, np.float64) and x.dtype in KNOWN and y.dtype in KNOWN
            and (stacked or (len(x.shape) <= 2 and len(y.shape) <= 2)) and 0 not in (*x.shape, *y.shape)
        )  # fmt: skip

    def _multiply(self, gate: Any) -> None:
        """A product, of matrices whose rows or columns lie side by side."""
        left, right = self._factors(gate)
        if len(left.shape) == 1:
            left = left.slice((None,))
        if len(right.shape) == 1:
            right = right.slice(((None, None, None), None))
        (left, turned_left, lda), (right, turned_right, ldb) = self._matrix(left), self._matrix(right)
        product = Product(
            left.shape[0], right.shape[1], left.shape[1], str(gate.dtype), turned_left, turned_right, lda, ldb
        )
        self.steps.append(Multiply(gate, product, left, right))
        self.made[self._own(gate, "arena").buffer] = len(self.steps) - 1

    def _matrix(self, view: View) -> tuple[View, bool, int]:
        """A matrix as it is stored: the view, whether it is stored by columns, numbers from row to row."""
        lies = view.matrix()
        return (view, *lies) if lies is not None else (self._rows(view), False, view.shape[-1])

    def _stack(self, gate: Any) -> None:
        """Products of matrices, one for each place in the axes before; those that are broadcast are read again."""
        stack = tuple(gate.shape[: len(gate.shape) - sum(len(x.shape) > 1 for x in gate.operands)])
        left, right = self._factors(gate)
        if len(left.shape) == 1:
            left = left.slice((None,))
        if len(right.shape) == 1:
            right = right.slice((WHOLE, None))
        (left, turned_left, lda), (right, turned_right, ldb) = self._matrix(left), self._matrix(right)
        product = Product(
            left.shape[-2], right.shape[-1], left.shape[-1], str(gate.dtype), turned_left, turned_right, lda, ldb
        )
        left, right = (v.broadcast((*stack, *v.shape[-2:])) for v in (left, right))
        self.steps.append(Stack(gate, product, left, right))
        self.made[self._own(gate, "arena").buffer] = len(self.steps) - 1

    def _factors(self, gate: Any) -> list[View]:
        """The operands of a product, in its dtype."""
        views = [self._seen(x) for x in gate.operands]
        return [v if v.dtype == gate.dtype else self._rows(v, gate.dtype) for v in views]

    def _rows(self, view: View, dtype: Any = None) -> View:
        """The same numbers copied into rows of their own, in their dtype unless told."""
        dtype = view.dtype if dtype is None else dtype
        self.buffers.append(Buffer(view.size, dtype, "arena"))
        rows = View(len(self.buffers) - 1, view.shape, row_major(view.shape), 0, dtype)
        self.steps.append(Copy(view, rows))
        self.made[rows.buffer] = len(self.steps) - 1
        return rows

    def _call(self, gate: Any) -> None:
        self.steps.append(Call(gate))
        if gate.parts is None:
            self.made[self._own(gate, "result").buffer] = len(self.steps) - 1

    def _viewed(self, gate: Any) -> View:
        params, name = gate.params, gate.op.name
        if name == "part":
            split = gate.operands[0]
            view, axis, i = self._seen(split.operands[0]), split.params["axis"], params["index"]
            ends = [0, *split.params["cuts"], view.shape[axis]]
            return view.slice(part_of(ends[i], ends[i + 1], 1, axis, len(view.shape)))
        view = self._seen(gate.operands[0])
        if name == "transpose":
            return view.transpose(params["axes"])
        if name == "broadcast_to":
            return view.broadcast(params["shape"])
        if name == "slice":
            return view.slice(params["index"])
        if name == "reshape":
            moved = view.reshape(params["shape"])
            if moved is None:
                moved = self._rows(view).reshape(params["shape"])
            assert moved is not None
            return moved
        return view

    def _elementwise(self, gate: Any) -> None:
        """Join the latest loop of this shape, unless an operand is ready only after it."""
        shape = tuple(gate.shape)
        place, loop = self._loop(shape, gate.operands)
        for x in gate.operands:
            if not loop.has(x) and x.serial in self.views:
                loop.reads[x.serial] = self.views[x.serial].broadcast(shape)
        loop.gates.append(gate)
        self.made[self._own(gate, "arena").buffer] = place

    def _fold(self, gate: Any) -> None:
        """Join the loop that computes what is summed, or the latest of its shape; all its sums go over its axes."""
        x = gate.operands[0]
        place, loop = self._loop(tuple(x.shape), (x,), folded(gate))
        if not loop.has(x):
            loop.reads[x.serial] = self.views[x.serial]
        loop.folds.append(gate)
        self.made[self._own(gate, "arena").buffer] = place

    def _loop(self, shape: tuple[int, ...], operands: Sequence[Any], axes: Any = None) -> tuple[int, Loop]:
        """The latest loop of a shape, if the operands are ready there and its sums go over these axes; or a new one."""
        for place in range(len(self.steps) - 1, -1, -1):
            loop = self.steps[place]
            if isinstance(loop, Loop) and loop.shape == shape:
                alike = axes is None or not loop.folds or folded(loop.folds[0]) == axes
                if alike and all(self._ready(x, place) for x in operands):
                    return place, loop
                break
        new = Loop(shape)
        self.steps.append(new)
        return len(self.steps) - 1, new

    def _ready(self, x: Any, place: int) -> bool:
        """Whether an operand can be read in the loop at `place`."""
        if x.serial not in self.views:
            return True
        loop = self.steps[place]
        if isinstance(loop, Loop) and loop.has(x):
            return True
        return self.made.get(self.views[x.serial].buffer, -1) < place

    # what is kept, and where

    def _replace(self, out: Any, into: Any) -> bool:
        """Write an output over an input, if all that read the input have done so by then, element by element.

        What is added to few places of the input is so written there and nowhere else.
        """
        view, old = self.views.get(out.serial), self.views[into.serial]
        place = self.made.get(view.buffer, -1) if view is not None else -1
        step = self.steps[place] if place >= 0 else None
        loop = step.then if isinstance(step, Multiply) else step
        adds = isinstance(step, Single) and out.op.name == "csr_add" and step.gate is out and step.reads[0] == old
        if view is None or step is None or not (adds or (isinstance(loop, Loop) and loop.has(out))):
            return False
        if adds and any(read.buffer == old.buffer for read in self.reads(step)[1:]):
            return False
        if view.shape != old.shape or view.dtype != old.dtype:
            return False
        for i, other in enumerate(self.steps):
            for read in self.reads(other):
                if read.buffer == view.buffer:
                    return False
                if read.buffer == old.buffer and (i > place or (i == place and read != old)):
                    return False
        if isinstance(step, Multiply) and old.buffer in (step.left.buffer, step.right.buffer):
            return False
        self.buffers[view.buffer].kind = "register"
        self.views[out.serial] = old
        return True

    def _outputs(self) -> None:
        """An output that fills a buffer of its own is written where the caller gets it; others are copied out."""
        taken: set[int] = set()
        for wire in self.graph.outputs:
            view = self.views.get(wire.serial)
            if view is None or view.buffer in taken:
                continue
            buffer = self.buffers[view.buffer]
            if buffer.kind == "arena" and view.contiguous and view.offset == 0 and view.size == buffer.size:
                buffer.kind = "output"
                taken.add(view.buffer)

    def _store(self) -> None:
        """What no other step reads, and is no output, stays in registers."""
        needed: set[int] = {self.views[w.serial].buffer for w in self.graph.outputs if w.serial in self.views}
        for step in self.steps:
            needed |= {v.buffer for v in self.reads(step)}
        for step in self.steps:
            if isinstance(step, Multiply):
                step.keep = step.then is None or self._needed(step.gate, needed)
            loop = step.then if isinstance(step, Multiply) else step
            if isinstance(loop, Loop):
                loop.stored = [g for g in loop.gates if self._needed(g, needed)]

    def _needed(self, gate: Any, needed: set[int]) -> bool:
        buffer = self.views[gate.serial].buffer
        if buffer not in needed:
            self.buffers[buffer].kind = "register"
        return buffer in needed

    def reads(self, step: Step) -> list[View]:
        """The views a step reads from memory."""
        if isinstance(step, Loop):
            return list(step.reads.values())
        if isinstance(step, Call):
            return [self.views[x.serial] for x in step.gate.operands if x.serial in self.views]
        if isinstance(step, Single):
            return step.reads
        if isinstance(step, Stack):
            return [step.left, step.right]
        if isinstance(step, Multiply):
            return [step.left, step.right, *([] if step.then is None else step.then.reads.values())]
        return [step.read]

    def writes(self, step: Step, stored: bool = False) -> list[View]:
        """The views a step computes, or only those that it writes to memory."""
        if isinstance(step, Copy):
            return [step.write]
        if isinstance(step, Loop):
            return [self.views[g.serial] for g in (*(step.stored if stored else step.gates), *step.folds)]
        made = [self.views[step.gate.serial]] if step.gate.serial in self.views else []
        if isinstance(step, Multiply):
            after = [] if step.then is None else self.writes(step.then, stored)
            return [*(made if step.keep or not stored else []), *after]
        return made

    def _readers(self) -> dict[int, list[Any]]:
        """For each buffer the steps that read it, in order; last, for an output, None."""
        found: dict[int, list[Any]] = {}
        for step in self.steps:
            for view in self.reads(step):
                found.setdefault(view.buffer, []).append(step)
        for wire in self.graph.outputs:
            if wire.serial in self.views:
                found.setdefault(self.views[wire.serial].buffer, []).append(None)
        return found

    def _places(self) -> None:
        """Places in the arena, each used again after the last step that reads it."""
        last: dict[int, int] = {}
        for i, step in enumerate(self.steps):
            for view in self.reads(step):
                last[view.buffer] = i
        for wire in self.graph.outputs:
            if wire.serial in self.views:
                last[self.views[wire.serial].buffer] = len(self.steps)
        born: dict[int, list[int]] = {}
        for buffer, i in self.made.items():
            if self.buffers[buffer].kind == "arena":
                born.setdefault(i, []).append(buffer)
        free: list[tuple[int, int]] = []  # (offset, bytes)
        live: list[tuple[int, int, int]] = []  # (last step, offset, bytes)
        self.arena = 0
        for i in range(len(self.steps)):
            for end, offset, room in [entry for entry in live if entry[0] < i]:
                live.remove((end, offset, room))
                free.append((offset, room))
            for buffer in born.get(i, ()):
                room = max(ALIGN, -(-self.buffers[buffer].bytes // ALIGN) * ALIGN)
                fits = [f for f in free if f[1] >= room]
                if fits:
                    offset, had = min(fits, key=lambda f: f[1])
                    free.remove((offset, had))
                    if had > room:
                        free.append((offset + room, had - room))
                else:
                    offset = self.arena
                    self.arena += room
                self.buffers[buffer].offset = offset
                live.append((last.get(buffer, i), offset, room))

    def segments(self) -> list[list[int] | Call]:
        """Stretches of machine code (the numbers of their steps), and the calls between them."""
        parts: list[list[int] | Call] = []
        for i, step in enumerate(self.steps):
            if isinstance(step, Call):
                parts.append(step)
            elif parts and isinstance(parts[-1], list):
                parts[-1].append(i)
            else:
                parts.append([i])
        return parts


def _early_first(graph: Graph) -> list[Any]:
    """The wires of a graph in order, but single numbers that hang on inputs only before all else.

    So that what uses them, such as the factors of Adam's step, need not wait for them.
    """
    early = {w.serial for w in graph.inputs}
    for w in graph.wires:
        alone = w.op is None or (w.op.kind == "elementwise" and w.parts is None and w.shape == ())
        if alone and all(x.serial in early for x in w.operands):
            early.add(w.serial)
    return sorted(graph.wires, key=lambda w: w.serial not in early)
