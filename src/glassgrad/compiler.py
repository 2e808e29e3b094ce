"""From a function to machine code: trace → sweep → passes → plan → emit → jit → run.

The graph that is looked at is the graph that is compiled: `Compiled.graph` prints as any other, and
what does not compile runs as the gate's own NumPy forward, between stretches of machine code;
`Compiled.explain` lists it.
"""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad import passes
from glassgrad.displays import Shown, Text
from glassgrad.errors import OperandError
from glassgrad.graphs import Graph, argument_names
from glassgrad.leaves import accepted
from glassgrad.native import jit
from glassgrad.native.builder import tell
from glassgrad.native.crew import Pace, cores, together
from glassgrad.native.emit import I64, POINTER, Code
from glassgrad.native.explained import explained
from glassgrad.native.fingerprint import fingerprint
from glassgrad.native.loops import Writer, work
from glassgrad.native.math import Math
from glassgrad.native.plan import Plan
from glassgrad.native.room import Room, address, seen, side_by_side
from glassgrad.native.steps import Call, Single
from glassgrad.native.target import Target, host
from glassgrad.native.team import Team
from glassgrad.native.views import View
from glassgrad.parameters import Parameter
from glassgrad.tensors import Tensor, constant, traced
from glassgrad.trees import flatten, form

_WORTH = 20_000_000  # operations of a call that is worth several threads: waking them takes a tenth of a millisecond


class Program:
    """One graph for one set of shapes, compiled.

    Attributes
    ----------
    graph : Graph
        What is run, after the passes.
    plan : Plan
        Its kernels and buffers.
    snapshots : list
        Each pass with the gates before and after it.
    seconds : float
        What compiling took.
    """

    def __init__(self, graph: Graph, target: Target | None = None, threads: int | None = None) -> None:
        start = time.perf_counter()
        self.snapshots: list[Any] = []
        self.graph = passes.run(graph, passes.NATIVE, self.snapshots)
        self.plan = Plan(self.graph)
        self.target = host() if target is None else target
        most = threads or (cores() if work(self.plan.steps) >= _WORTH else 1)
        self._parts: list[Any] = []
        self.scratch = 0
        stretches: dict[str, list[int]] = {}
        for part in self.plan.segments():
            if isinstance(part, list):
                stretches[f"part{len(self._parts)}"] = part
            self._parts.append(part if isinstance(part, Call) else f"part{len(self._parts)}")
        known = fingerprint(self.graph)
        if stretches:
            key = None if known is None else f"program {most}\n{known}"
            self.library = jit.compile_ir(lambda: self._written(stretches, most), self.target, key=key)
            self.scratch = self.library.function("scratch", ctypes.c_int64)()
            types = [ctypes.c_void_p, *([ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p] if most > 1 else [])]
            pace = Pace(most, fixed=threads is not None)
            loaded = {p: self.library.function(p, None, types) for p in stretches}
            side = loaded if most == 1 else {p: _Together(f, pace) for p, f in loaded.items()}
            self._parts = [side[p] if isinstance(p, str) else p for p in self._parts]
        graph, plan = self.graph, self.plan
        self.pure = not any(isinstance(p, Call) for p in self._parts)
        buffers = [plan.views[w.serial].buffer for w in graph.inputs]
        self._leaves = [
            (plan.views[w.serial].buffer, w)
            for w in graph.wires
            if isinstance(w, Parameter) and plan.views[w.serial].buffer not in buffers
        ]
        self._indexed = any(isinstance(s, Single) for s in plan.steps)  # what may find an index out of range
        self._rooms: list[Room] = []
        first = self._room()
        self._inputs = list(zip(buffers, graph.inputs, strict=True))
        self._far = [(k, i) for k, i in enumerate(buffers) if first.arrays[i] is None]
        self._fresh: list[tuple[int, tuple[int, ...], Any]] = []
        self._outputs = [(*self._source(w, shown), w) for w, shown in zip(graph.outputs, first.results, strict=True)]
        self._looked_at = not self.pure or any(view is not None for view, _, _ in self._outputs)
        self._rooms.append(first)
        self.seconds = time.perf_counter() - start

    @property
    def ir(self) -> str:
        """The LLVM IR; empty where nothing compiles."""
        return self.library.text if hasattr(self, "library") else ""

    def _written(self, stretches: Mapping[str, list[int]], most: int) -> str:
        """The IR: each stretch of steps as ``name(table)``, or ``name(table, thread, size, counter)``."""
        code, room = Code(), 0
        for name, steps in stretches.items():
            function = code.function(name, [POINTER, *([I64, I64, POINTER] if most > 1 else [])])
            b = Math(code, function)
            table, *threads = function.args
            team = Team(b, threads[0], threads[1], most, threads[2], self.target.give_way) if threads else None
            writer = Writer(b, table, self.plan, self.target, team)
            writer.write(steps)
            b.finish()
            room = max(room, writer.scratch)
        tell(code, "scratch", room)
        return str(code)

    def _source(self, wire: Any, shown: Any) -> tuple[View | None, int]:
        """Where an output comes from: a view of an array known only when run, or the number of a fresh array.

        −1 for neither: it lies in the room, or is a constant.
        """
        view = self.plan.views.get(wire.serial)
        if shown is not None or view is None:
            return None, -1
        buffer = self.plan.buffers[view.buffer]
        taken = any(place == view.buffer for place, _, _ in self._fresh)
        if buffer.kind != "output" or taken or not view.contiguous or view.size != buffer.size:
            return view, -1
        self._fresh.append((view.buffer, view.shape, view.dtype))
        return None, len(self._fresh) - 1

    def _room(self) -> Room:
        """A room that nobody is in; each thread that runs has its own."""
        try:
            return self._rooms.pop()
        except IndexError:
            return Room(self.plan, self.scratch)

    def run(self, values: Sequence[Any]) -> list[Any]:
        """Run on arrays of the inputs' shapes; what has another dtype is cast."""
        if len(values) != len(self._inputs):
            raise OperandError(f"the program has {len(self._inputs)} inputs and got {len(values)} values")
        room = self._room()
        known, table = room.arrays, room.table
        arrays = known.copy() if self._looked_at else known
        held: list[Any] = []  # what machine code reads where it lies has to live until the end
        for k, place in room.places:
            place[...] = values[k]
        for k, i in self._far:
            if known[i] is not values[k]:
                held.append(self._point(room, arrays, k, values[k]))
        for i, wire in self._leaves:
            if known[i] is not wire.value:
                known[i] = arrays[i] = side_by_side(wire.value, wire.shape, wire.dtype)
                table[i + 1] = address(known[i])
        for i, shape, dtype in self._fresh:
            there = np.empty(shape, dtype)
            table[i + 1] = address(there)
            held.append(there)
            if self._looked_at:
                arrays[i] = there
        if self.pure:
            for part in self._parts:
                part(room.start)
        else:
            self._mixed(arrays, room)
        if self._indexed and table[-1]:
            table[-1] = 0
            self._rooms.append(room)
            with np.errstate(all="ignore"):
                return self.graph.run(*values)  # an index is out of range: NumPy's own error says which
        fresh = len(held) - len(self._fresh)
        found: list[Any] = []
        for shown, (view, number, wire) in zip(room.results, self._outputs, strict=True):
            if shown is not None:
                found.append(shown.copy() if shown.shape else shown[()])
            elif number >= 0:
                found.append(held[fresh + number])
            else:
                found.append(np.array(wire._value if view is None else seen(view, arrays[view.buffer].reshape(-1)))[()])
        self._rooms.append(room)
        return found

    def _point(self, room: Room, arrays: list[Any], k: int, value: Any) -> Any:
        """Have machine code read an input where it lies; of a parameter that is remembered."""
        i, wire = self._inputs[k]
        there = side_by_side(value, wire.shape, wire.dtype)
        room.table[i + 1] = address(there)
        if isinstance(wire, Parameter):
            room.arrays[i] = there
        if self._looked_at:
            arrays[i] = there
        return there

    def _mixed(self, arrays: list[Any], room: Room) -> None:
        """Machine code, and calls of NumPy in between."""
        tuples: dict[int, Any] = {}
        for part in self._parts:
            if isinstance(part, Call):
                self._call(part.gate, arrays, tuples, room.table)
            else:
                part(room.start)

    def _operand(self, x: Any, arrays: list[Any], tuples: dict[int, Any]) -> Any:
        if x.parts is not None:
            return tuples[x.serial]
        if x.op is None and x.weak:
            return x._value
        view = self.plan.views[x.serial]
        return seen(view, arrays[view.buffer].reshape(-1))[()]

    def _call(self, gate: Any, arrays: list[Any], tuples: dict[int, Any], table: Any) -> None:
        """Run one gate's own forward."""
        result = gate.op.forward(*[self._operand(x, arrays, tuples) for x in gate.operands], **gate.params)
        if gate.parts is not None:
            tuples[gate.serial] = tuple(np.array(r) for r in result)
            return
        place = self.plan.views[gate.serial].buffer
        arrays[place] = np.array(result, dtype=gate.dtype, order="C")  # a copy: the arena is used again
        table[place + 1] = address(arrays[place])


class _Together:
    """A stretch of machine code that threads run side by side, as many as pay."""

    def __init__(self, function: Callable[..., Any], pace: Pace) -> None:
        self._function, self._pace = function, pace

    def __call__(self, table: int) -> None:
        size, _ = self._pace.next(1)
        counter, started = np.zeros(1, np.int64), time.perf_counter()
        together(lambda thread: self._function(table, thread, size, address(counter)), size)
        self._pace.took(size, 1, time.perf_counter() - started)


class Compiled(Shown):
    """A compiled function; made by `glassgrad.compile`.

    A call with new shapes or dtypes compiles a new program, which is kept.
    """

    def __init__(self, f: Callable[..., Any], target: Target | None = None) -> None:
        functools.update_wrapper(self, f)
        self._f, self._target = f, target
        self._programs: dict[Any, tuple[Program, Any]] = {}
        self._known: dict[Any, tuple[Program, Any]] = {}  # the same, by what `_quick` says of the arguments

    def __call__(self, *args: Any) -> Any:
        """Run on arrays, numbers, or trees of them; returns what the function returns, as arrays."""
        values: list[Any] = []
        key: list[Any] = []
        quick = _quick(args, values, key)
        known = self._known.get(tuple(key)) if quick else None
        if known is None:
            program, rebuild, plain = self._program(args)
            if quick and all(a is b or type(a) in _NUMBERS for a, b in zip(values, plain, strict=True)):
                self._known[tuple(key)] = program, rebuild
            return rebuild(program.run(plain))
        program, rebuild = known
        return rebuild(program.run(values))

    def __repr__(self) -> str:
        name, count = getattr(self, "__name__", "a function"), len(self._programs)
        return f"<Compiled {name}, {count} program{'' if count == 1 else 's'}>"

    def _program(self, args: tuple[Any, ...]) -> tuple[Program, Any, list[Any]]:
        leaves, names, tree = flatten(list(args))
        values = [_plain(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
        key = (form(args), *names, *[(v.shape, v.dtype) for v in values])
        if key not in self._programs:
            shown = [
                n
                for arg, name in zip(args, argument_names(self._f, len(args)), strict=True)
                for n in flatten(arg, name)[1]
            ]
            wires = [
                traced(v.shape, v.dtype, name, active=v.dtype.kind == "f")
                for v, name in zip(values, shown, strict=True)
            ]
            out, _, rebuild = flatten(self._f(*tree(wires)))
            graph = Graph([x if isinstance(x, Tensor) else constant(x) for x in out], wires)
            self._programs[key] = (Program(graph, self._target), rebuild)
        program, rebuild = self._programs[key]
        return program, rebuild, values

    @property
    def programs(self) -> list[Program]:
        """The programs compiled so far, one for each set of shapes."""
        return [program for program, _ in self._programs.values()]

    def _last(self) -> Program:
        if not self._programs:
            raise OperandError("nothing is compiled yet: shapes are known from the first call; call it once")
        return self.programs[-1]

    @property
    def graph(self) -> Graph:
        """The graph that is run, of the program compiled last."""
        return self._last().graph

    @property
    def ir(self) -> str:
        """The LLVM IR of the program compiled last."""
        return self._last().ir

    def explain(self) -> Text:
        """What runs as machine code, in which kernels, what runs as calls, and how near it comes to the peak.

        The program is timed for that, so a call takes some hundredths of a second.
        """
        program = self._last()
        return Text(explained(program.plan, program.target, program.seconds, program.run))


_NUMBERS = (float, np.float64, np.float32)


def _plain(leaf: Any, name: str) -> Any:
    """An argument as an array."""
    return np.asarray(accepted(leaf.value if isinstance(leaf, Tensor) else leaf, name))


def _quick(tree: Any, values: list[Any], key: list[Any]) -> bool:
    """Take the arguments of a call apart in one pass: their leaves, and a key that tells calls of one program.

    False where there is something that only `flatten` knows.
    """
    for x in tree:
        kind = type(x)
        if kind is Tensor or kind is Parameter:
            x = x.value
            kind = type(x)
        if kind is np.ndarray:
            values.append(x)
            key += (x.shape, x.dtype)
        elif kind in _NUMBERS:
            values.append(x)
            key.append(kind)
        elif kind is dict:
            key += (dict, len(x), *x)
            if not _quick(x.values(), values, key):
                return False
        elif kind is list or kind is tuple:
            key += (kind, len(x))
            if not _quick(x, values, key):
                return False
        else:
            return False
    return True


def compile(f: Callable[..., Any], target: Target | None = None) -> Compiled:
    """Compile a function written in NumPy, or a transform of one, to machine code.

    The function is traced once for each set of shapes and dtypes, without values; so it must not choose
    with Python's ``if`` by numbers (use `np.where`). Gates that do not compile run as their own NumPy
    forward in between: `Compiled.explain` lists them.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or trees of them.
    target : Target, optional
        The CPU to compile for; by default this one.

    Returns
    -------
    Compiled
        Call it as `f`. It has `.ir`, `.graph` and `.explain()`.

    Raises
    ------
    ValueMissingError
        When the function asks for the value of a tensor while it is traced.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> fast = gg.compile(gg.value_and_grad(lambda w: np.sum(np.tanh(w) ** 2)))
    >>> value, gradient = fast(np.zeros(3))
    >>> print(value, gradient)
    0.0 [0. 0. 0.]
    """
    return Compiled(f, target)
