"""From a function to machine code: trace → sweep → passes → plan → emit → jit → run.

The graph that is looked at is the graph that is compiled: `Compiled.graph` prints as any other, and
what does not compile runs as the gate's own NumPy forward, between stretches of machine code;
`Compiled.explain` lists it.
"""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad import passes
from glassgrad.errors import OperandError
from glassgrad.graphs import Graph, argument_names
from glassgrad.native import jit
from glassgrad.native.emit import POINTER, Code
from glassgrad.native.explained import explained
from glassgrad.native.loops import Writer
from glassgrad.native.math import Math
from glassgrad.native.plan import ALIGN, Plan
from glassgrad.native.steps import Call
from glassgrad.native.target import Target, host
from glassgrad.native.views import View
from glassgrad.parameters import Parameter
from glassgrad.tensors import Tensor, constant, traced
from glassgrad.trees import flatten


class Program:
    """One graph for one set of shapes, compiled.

    Attributes
    ----------
    graph : Graph
        What is run, after the passes.
    plan : Plan
        Its kernels and buffers.
    ir : str
        The LLVM IR.
    snapshots : list
        Each pass with the gates before and after it.
    seconds : float
        What compiling took.
    """

    def __init__(self, graph: Graph, target: Target | None = None) -> None:
        start = time.perf_counter()
        self.snapshots: list[Any] = []
        self.graph = passes.run(graph, snapshots=self.snapshots)
        self.plan = Plan(self.graph)
        self.target = host() if target is None else target
        code = Code()
        self._parts: list[Any] = []
        self.scratch = 0
        for part in self.plan.segments():
            if isinstance(part, list):
                name = f"part{len(self._parts)}"
                function = code.function(name, [POINTER])
                b = Math(code, function)
                writer = Writer(b, function.args[0], self.plan, self.target)
                writer.write(part)
                b.finish()
                self.scratch = max(self.scratch, writer.scratch)
                self._parts.append(name)
            else:
                self._parts.append(part)
        self.ir = str(code)
        if any(isinstance(p, str) for p in self._parts):
            self.library = jit.compile_ir(self.ir, self.target)
            self._parts = [
                self.library.function(p, None, [ctypes.c_void_p]) if isinstance(p, str) else p for p in self._parts
            ]
        self._inputs = [self.plan.views[w.serial].buffer for w in self.graph.inputs]
        self._leaves = {self.plan.views[w.serial].buffer: w for w in self.graph.wires if isinstance(w, Parameter)}
        self._rooms: list[tuple[Any, Any]] = []
        self.seconds = time.perf_counter() - start

    def _room(self) -> tuple[Any, Any]:
        """An arena and a table of addresses, used again by later calls; each thread that runs has its own."""
        if self._rooms:
            return self._rooms.pop()
        arena = aligned(self.plan.arena + self.scratch)
        table = np.zeros(len(self.plan.buffers) + 2, np.uintp)
        table[0] = address(arena)
        return arena, table

    def run(self, values: list[Any]) -> list[Any]:
        """Run on arrays of the inputs' shapes and dtypes."""
        plan = self.plan
        arena, table = self._room()
        arrays: list[Any] = [None] * len(plan.buffers)
        tuples: dict[int, Any] = {}
        for place, value in zip(self._inputs, values, strict=True):
            arrays[place] = np.ascontiguousarray(value)
        for i, buffer in enumerate(plan.buffers):
            if buffer.kind == "constant":
                wire = self._leaves.get(i)
                arrays[i] = buffer.value if wire is None else np.ascontiguousarray(wire.value)
            elif buffer.kind == "output":
                arrays[i] = np.empty(buffer.size, buffer.dtype)
            elif buffer.kind == "arena":
                arrays[i] = arena[buffer.offset : buffer.offset + buffer.bytes].view(buffer.dtype)
            if arrays[i] is not None and buffer.kind != "arena":
                table[i + 1] = address(arrays[i])
        for part in self._parts:
            if isinstance(part, Call):
                self._call(part.gate, arrays, tuples, table)
            else:
                part(table.ctypes.data)
        if table[-1]:
            table[-1] = 0
            return self.graph.run(*values)  # an index is out of range: NumPy's own error says which
        found = [self._out(w, arrays) for w in self.graph.outputs]
        self._rooms.append((arena, table))
        return found

    def _array(self, view: View, arrays: list[Any]) -> Any:
        """A view's numbers as a NumPy array, without a copy."""
        flat = arrays[view.buffer].reshape(-1)
        item = flat.dtype.itemsize
        seen = np.lib.stride_tricks.as_strided(
            flat[view.offset :], view.shape, tuple(s * item for s in view.strides), writeable=False
        )
        return seen if view.shape else seen[()]

    def _operand(self, x: Any, arrays: list[Any], tuples: dict[int, Any]) -> Any:
        if x.parts is not None:
            return tuples[x.serial]
        return x._value if x.op is None and x.weak else self._array(self.plan.views[x.serial], arrays)

    def _call(self, gate: Any, arrays: list[Any], tuples: dict[int, Any], table: Any) -> None:
        """Run one gate's own forward."""
        result = gate.op.forward(*[self._operand(x, arrays, tuples) for x in gate.operands], **gate.params)
        if gate.parts is not None:
            tuples[gate.serial] = tuple(np.array(r) for r in result)
            return
        place = self.plan.views[gate.serial].buffer
        arrays[place] = np.array(result, dtype=gate.dtype, order="C")  # a copy: the arena is used again
        table[place + 1] = address(arrays[place])

    def _out(self, wire: Any, arrays: list[Any]) -> Any:
        """An output as an array of the caller's own."""
        view = self.plan.views.get(wire.serial)
        if view is None:
            return np.asarray(wire._value)[()]
        if self.plan.buffers[view.buffer].kind == "output" and view.contiguous and not view.offset:
            flat = arrays[view.buffer]
            if flat.size == view.size:
                return flat.reshape(view.shape) if view.shape else flat.reshape(())[()]
        return np.array(self._array(view, arrays))[()]


class Compiled:
    """A compiled function; made by `glassgrad.compile`.

    A call with new shapes or dtypes compiles a new program, which is kept.
    """

    def __init__(self, f: Callable[..., Any], target: Target | None = None) -> None:
        functools.update_wrapper(self, f)
        self._f, self._target = f, target
        self._programs: dict[Any, tuple[Program, Any]] = {}

    def __call__(self, *args: Any) -> Any:
        """Run on arrays, numbers, or trees of them; returns what the function returns, as arrays."""
        program, rebuild, values = self._program(args)
        return rebuild(program.run(values))

    def _program(self, args: tuple[Any, ...]) -> tuple[Program, Any, list[Any]]:
        leaves, names, tree = flatten(list(args))
        values = [_plain(leaf) for leaf in leaves]
        key = (len(args), *names, *[(v.shape, v.dtype) for v in values])
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

    def explain(self) -> str:
        """What runs as machine code, in which kernels, what runs as calls, and how near it comes to the peak.

        The program is timed for that, so a call takes some hundredths of a second.
        """
        program = self._last()
        return explained(program.plan, program.target, program.seconds, program.run)


def _plain(leaf: Any) -> Any:
    """An argument as an array."""
    value = np.asarray(leaf.value if isinstance(leaf, Tensor) else leaf)
    return constant(value)._value if value.dtype.kind not in "fiub" else value


def aligned(count: int) -> Any:
    """An array of bytes that starts where a vector register is read from at once."""
    raw = np.empty(count + ALIGN, np.uint8)
    skip = -address(raw) % ALIGN
    return raw[skip : skip + count]


def address(array: Any) -> int:
    """Where an array's numbers lie."""
    return array.__array_interface__["data"][0]


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
