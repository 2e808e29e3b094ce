"""What every pass is made of: a walk that rebuilds a graph, and looks at each gate on the way.

A pass never changes the graph it is given. It makes new wires, which keep the name, source line, group
and origin of those they stand for; inputs, parameters and constants stay the same objects.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassgrad.errors import ShapeError, spec_text
from glassgrad.graphs import Graph
from glassgrad.op import Op, Spec
from glassgrad.ops.view import broadcast_shape
from glassgrad.parameters import Parameter
from glassgrad.tensors import Tensor, constant, traced

Rule = Callable[..., Any]
"""``(rewriter, out, *operands, **params)``: the wire to use instead of this gate, whose result has the spec
`out`; or None, where the rule does not apply."""

Step = Callable[["Rewriter", Any, tuple[Any, ...]], Any]
"""``(rewriter, wire, operands)``: the wire to use instead of `wire`, given its new operands; or None."""


@dataclass(frozen=True)
class Pass:
    """A step of the compiler from graph to graph: called with a graph, it returns one that computes the same.

    Attributes
    ----------
    name : str
        Name in snapshots.
    summary : str
        What it does, in a line.
    rewrite : callable
        Graph in, graph out; the very same graph where there is nothing to do.
    """

    name: str
    summary: str
    rewrite: Callable[[Graph], Graph]

    def __call__(self, graph: Graph) -> Graph:
        """The graph after this pass."""
        return self.rewrite(graph)


class Snapshot(NamedTuple):
    """What one pass made of a graph: its name, the graph after it, the gates before and after, the time taken."""

    name: str
    graph: Graph
    before: int
    after: int
    seconds: float


class Rewriter:
    """Rebuilds a graph wire by wire; what rules and steps are handed. See `rewritten`."""

    def __init__(self, graph: Graph, rules: Mapping[Op, tuple[Rule, ...]]) -> None:
        self.graph = graph
        self.rules = rules
        self._inputs = {w.serial for w in graph.inputs}
        self._new: dict[int, Any] = {}
        self._own: set[int] = set()
        self._scalars: dict[int, Any] = {}
        self._wire: Any = None

    def finds(self, step: Step) -> bool:
        """Whether `step` has anything to say about any wire; nothing is copied."""
        self._new = {w.serial: w for w in self.graph.wires}
        for wire in self.graph.wires:
            if wire.serial not in self._inputs:
                self._wire = wire
                instead = step(self, wire, wire.operands)
                if instead is not None:
                    return True
        return False

    def walk(self, step: Step) -> Graph:
        """The graph after `step` has seen every wire that is not an input, operands before results."""
        new = self._new
        for wire in self.graph.wires:
            if wire.serial in self._inputs:
                new[wire.serial] = wire
                continue
            self._wire = wire
            operands = tuple([new[x.serial] for x in wire.operands])
            instead = step(self, wire, operands)
            if instead is None:
                new[wire.serial] = wire if wire.op is None else self._copied(wire, operands)
                continue
            new[wire.serial] = instead = self._fitting(instead, wire)
            if instead.serial in self._own:
                instead.name = instead.name or wire.name
                if instead._value is None:
                    instead._value = wire._value
        return Graph([new[w.serial] for w in self.graph.outputs], self.graph.inputs)

    # asked by rules

    def now(self, wire: Any) -> Any:
        """What stands for a wire of the graph that is rebuilt, once the walk has passed it."""
        return self._new[wire.serial]

    def made_by(self, x: Any, *ops: Op) -> bool:
        """Whether one of these gates made a wire, inside the graph: nobody looks behind its inputs."""
        return x.op in ops and x.serial not in self._inputs

    def is_constant(self, x: Any) -> bool:
        """Whether a wire is plain data: a leaf that is no input, cannot be learned and cannot change."""
        return (
            x.op is None
            and x._value is not None
            and not x.active
            and x.serial not in self._inputs
            and not isinstance(x, Parameter)
        )

    def scalar(self, x: Any) -> Any:
        """The constant of one number that `x` is full of, to the bit and in its dtype; None where it is not."""
        while self.made_by(x, broadcast_shape):
            x = x.operands[0]
        if not self.is_constant(x):
            return None
        if x.shape == ():
            return x
        if x.serial not in self._scalars:
            first = _repeated(np.asarray(x._value))
            self._scalars[x.serial] = None if first is None else self.constant(first)
        return self._scalars[x.serial]

    def number(self, x: Any) -> Any:
        """The one number that `x` is full of, or None."""
        scalar = self.scalar(x)
        return None if scalar is None else scalar._value

    # used by rules to make wires

    def constant(self, value: Any) -> Tensor:
        """A constant; a Python number is weak."""
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        made = constant(value)
        if not made.weak:
            self._mark(made, self._wire)
            self._own.add(made.serial)
        return made

    def gate(self, op: Op, *operands: Any, **params: Any) -> Any:
        """The result of a gate, or what the rules put in its place."""
        xs = tuple([x if isinstance(x, Tensor) else constant(x) for x in operands])
        out = op.shape(*xs, **params)
        instead = self.apply(op, out, xs, params)
        if instead is not None:
            return self._fitting(instead, out)
        active = out.dtype.kind == "f" and any(x.active for x in xs)
        return self._made(op, xs, params, out, active=active)

    def apply(self, op: Op, out: Any, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """What the first rule that applies puts in place of a gate; None where none does."""
        for rule in self.rules.get(op, ()):
            instead = rule(self, out, *operands, **params)
            if instead is not None:
                return instead
        return None

    def fit(self, x: Any, out: Any) -> Any:
        """`x` repeated to the shape of `out`, or None where its dtype is another."""
        if x.dtype != out.dtype:
            return None
        return x if x.shape == out.shape else self.gate(broadcast_shape, x, shape=out.shape)

    def _copied(self, wire: Any, operands: tuple[Any, ...]) -> Any:
        made = self._made(wire.op, operands, wire.params, wire, wire.name, wire.active)
        made.parts, made._value = wire.parts, wire._value
        return made

    def _made(
        self, op: Op, operands: tuple[Any, ...], params: Any, out: Any, name: str | None = None, active: bool = False
    ) -> Any:
        made: Any = traced(out.shape, out.dtype, name, active)
        made.op, made.operands, made.params = op, operands, params
        self._mark(made, self._wire)
        self._own.add(made.serial)
        return made

    def _mark(self, made: Any, wire: Any) -> None:
        """Give a new wire the group, source line and origin of the one that is being rewritten."""
        made.group, made._code, made._lasti, origin = wire.group, wire._code, wire._lasti, wire.origin
        if origin is not None:
            now = self._new.get(origin.serial)
            origin = origin if now is None or now.op is None else now
        made.origin = origin

    def _fitting(self, instead: Any, out: Any) -> Any:
        """Make sure that what replaces a wire has its shape and dtype, and is weak only where that is."""
        if instead.shape != out.shape or instead.dtype != out.dtype:
            raise ShapeError(f"a pass would put {spec_text(instead)} in place of {spec_text(out)}")
        strong = instead.weak and not out.weak
        return self.constant(np.asarray(instead._value, out.dtype)) if strong else instead


def rewritten(graph: Graph, make_step: Callable[[], Step], rules: Mapping[Op, tuple[Rule, ...]] | None = None) -> Graph:
    """The graph after a step has seen every wire; the graph itself, not a copy, where it changes nothing.

    Parameters
    ----------
    graph : Graph
        What is rebuilt.
    make_step : callable
        Makes the step: once to look whether there is anything to do, and again to do it.
    rules : mapping of Op to rules, optional
        What is tried, in order, on every gate that a rule asks for with `Rewriter.gate`.
    """
    if not Rewriter(graph, rules or {}).finds(make_step()):
        return graph
    return Rewriter(graph, rules or {}).walk(make_step())


def simplified(graph: Graph, rules: Mapping[Op, tuple[Rule, ...]]) -> Graph:
    """The graph after the rules have been tried on every gate, operands first."""

    def step(rewriter: Rewriter, wire: Any, operands: tuple[Any, ...]) -> Any:
        if wire.op not in rules:
            return None
        out = Spec(wire.shape, wire.dtype)
        return rewriter.apply(wire.op, out, operands, wire.params)

    return rewritten(graph, lambda: step, rules)


def size(x: Any) -> int:
    """The number of elements of a wire or spec."""
    return math.prod(x.shape)


def _repeated(array: np.ndarray[Any, Any]) -> Any:
    """The element that all elements equal to the bit, in an array of no axes; None where they do not."""
    if array.size == 0 or array.dtype.char == "g":
        return None
    flat = np.ascontiguousarray(array).reshape(-1)
    bits = flat.view(np.dtype(f"u{array.dtype.itemsize}"))
    if bits[0] != bits[-1] or not (bits == bits[0]).all():
        return None
    return flat[:1].copy().reshape(())
