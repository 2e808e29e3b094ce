"""The table of a graph: for every wire its value and gradient, and the arithmetic that made the gradient.

Data only: `glassgrad.views.text` writes it down, and other views can read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.errors import no_path
from glassgrad.graphs import Graph
from glassgrad.graphs import Row as Gates
from glassgrad.op import PATTERNS, At
from glassgrad.ops import COMPOSITIONS, OPS
from glassgrad.sweep import fit, sweep
from glassgrad.views import formulas, numbers
from glassgrad.wire import Group

Fold = bool | str | Iterable[str] | Callable[[Group], bool] | None

MANY = 40
"""Graphs of more gates than this are folded unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What a gate hands to one operand: local gradient × upstream = gradient.

    ``local`` is the local gradient: a number, the diagonal of an elementwise gate's Jacobian (in the
    result's shape), the one row of a gate whose result is one number, or None where the Jacobian is
    a full matrix that nobody builds. ``derivative`` is its formula, in which ``g`` is upstream.
    ``reason`` says why nothing is handed down, where that is so.
    """

    to: str
    wire: Any
    derivative: str = ""
    local: Any = None
    upstream: Any = None
    gradient: Any = None
    jacobian: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One wire: an input, the result of a gate, or the result of a folded group of gates.

    ``kind`` is "input", "parameter", "constant", "gate" or "group"; ``pattern`` what happens to the
    gradient here, ``meaning`` the same in words; ``branches`` the consumers whose gradients add up
    on this wire, with what each hands back.
    """

    name: str
    kind: str
    gate: str
    formula: str
    wire: Any
    value: Any
    gradient: Any
    pattern: str
    meaning: str
    handed: tuple[Handed, ...] = ()
    branches: tuple[tuple[str, Any], ...] = ()
    note: str = ""
    gates: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the wire, and so of its gradient."""
        return self.wire.shape

    @property
    def location(self) -> Any:
        """The user's line that asked for it."""
        return self.wire.location


@dataclass(frozen=True)
class Table:
    """Every row of a graph, operands before results."""

    rows: list[Row]
    output: str
    upstream: Any
    gates: int
    reason: str = ""
    valued: bool = True
    not_finite: str = ""
    by_name: dict[str, Row] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {row.name: row for row in self.rows})


def folding(fold: Fold, unfold: str | Iterable[str], gates: int) -> Callable[[Group], bool]:
    """Which groups become one row: all, none, those named, or (None) all in a graph of many gates."""
    opened = {unfold} if isinstance(unfold, str) else set(unfold)
    if callable(fold):
        return lambda group: fold(group) and group.name not in opened
    if fold is None or isinstance(fold, bool):
        every = gates > MANY if fold is None else fold
        return lambda group: every and group.name not in opened
    names = {fold} if isinstance(fold, str) else set(fold)
    return lambda group: group.name in names and group.name not in opened


def build(graph: Graph, output: Any, upstream: Any, fold: Fold = None, unfold: str | Iterable[str] = ()) -> Table:
    """The table of a graph, with the gradients of one of its outputs.

    Parameters
    ----------
    graph : Graph
        Whose gates.
    output : Tensor
        Where the reverse sweep starts.
    upstream : array or None
        What it starts with; None for a table without gradients.
    fold, unfold
        See `glassgrad.explain`.
    """
    return Builder(graph, output, upstream).table(folding(fold, unfold, len(graph.gates)))


class Builder:
    """Makes the rows of one graph, each when asked for. The wires' own ``.grad`` are read and written nowhere.

    ``gradients`` holds the gradient of every wire that the sweep from `output` reached, by serial number.
    """

    def __init__(self, graph: Graph, output: Any, upstream: Any) -> None:
        self.graph, self.output, self.upstream = graph, output, upstream
        self.valued = all(w._value is not None for w in graph.wires)
        self.gradients: dict[int, Any] = {}
        self.inside = {w.serial for w in graph.gates}
        if upstream is not None and output.active and self.valued:
            with np.errstate(all="ignore"):
                self.gradients = sweep({output: upstream}, graph.inputs)
        self.consumers = graph.consumers()

    def table(self, folds: Callable[[Group], bool]) -> Table:
        """All rows, with groups folded where `folds` says so."""
        rows: list[Row] = []
        shown: dict[int, Any] = {w.serial: w for w in self.graph.inputs}
        for gates in self.graph.rows(folds):
            with np.errstate(all="ignore"):
                row = self.gate(gates.gates[0]) if gates.group is None else self.group(gates)
            rows.append(row)
            for x in gates.operands():
                if x.serial not in self.inside and not (x.op is None and x.weak and not x.name):
                    shown[x.serial] = x
        rows = [self.leaf(shown[serial]) for serial in sorted(shown)] + rows
        return Table(
            self.branches(rows), self.graph.name(self.output), self.upstream, len(self.inside),
            "" if self.output.active else no_path(self.output), self.valued, self.first_not_finite(),
        )  # fmt: skip

    def branches(self, rows: list[Row]) -> list[Row]:
        """The rows again, those whose wire has several consumers with what each of them hands back."""
        back: dict[int, list[tuple[str, Any]]] = {}
        for row in rows:
            for handed in row.handed:
                if not handed.reason:
                    back.setdefault(handed.wire.serial, []).append((row.name, handed.gradient))
        result = []
        for row in rows:
            found = back.get(row.wire.serial, ())
            if len(found) > 1:
                leaf = row.kind in ("input", "parameter")
                row = Row(
                    row.name, row.kind, row.gate, row.formula, row.wire, row.value, row.gradient,
                    "adds at a branch" if leaf else row.pattern,
                    "used more than once: the gradients of its branches add" if leaf else row.meaning,
                    row.handed, tuple(found), row.note, row.gates,
                )  # fmt: skip
            result.append(row)
        return result

    def leaf(self, wire: Any) -> Row:
        """A wire that comes into the graph from outside."""
        inputs = {w.serial for w in self.graph.inputs}
        kind = "parameter" if hasattr(wire, "frozen") else "input" if wire.serial in inputs else "constant"
        note = ""
        floating = wire.dtype.kind == "f"
        if wire.serial in inputs and floating and self.gradients and wire.serial not in self.gradients:
            note = self.why(wire)
        gradient = self.gradient(wire) if wire.serial in inputs or wire.active else None
        return Row(self.graph.name(wire), kind, kind, "", wire, wire._value, gradient, "", "", note=note)

    def gate(self, wire: Any) -> Row:
        """One gate."""
        op, names = wire.op, [self.name(x) for x in wire.operands]
        g = self.gradients.get(wire.serial)
        handed = []
        for i, x in enumerate(wire.operands):
            if x.op is None and x.weak and not x.name:
                continue
            handed.append(self.hand(wire, i, x, g, formulas.derivative(op, i, names, self.name(wire))))
        return Row(
            self.graph.name(wire), "gate", op.name, formulas.formula(op, names), wire, wire._value,
            self.gradient(wire), op.explain.pattern, op.explain.role or PATTERNS[op.explain.pattern],
            tuple(handed), gates=1,
        )  # fmt: skip

    def hand(self, wire: Any, i: int, x: Any, g: Any, derivative: str) -> Handed:
        """Local gradient × upstream = gradient, for one operand of one gate."""
        name, rule = self.graph.name(x), wire.op.rule(i)
        if isinstance(rule, str) or not x.active:
            return Handed(name, x, derivative, reason=rule if isinstance(rule, str) else no_path(x))
        if g is None:
            reason = "" if not self.valued or self.upstream is None else f"no path from here to {self.output_name}"
            return Handed(name, x, derivative, jacobian=self.jacobian(wire, x), reason=reason)
        local = None
        if wire.parts is None and x.parts is None and (wire.op.kind == "elementwise" or wire.shape == ()):
            local = np.asarray(self.rule(wire, i, np.ones(wire.shape, wire.dtype)[()]))
            if wire.shape == () or local.shape != wire.shape:
                local = np.broadcast_to(local, wire.shape or x.shape)
            local = local[()]
        passed = self.rule(wire, i, g)
        passed = passed.g if isinstance(passed, At) else fit(np.asarray(passed), x, wire)[()]
        return Handed(name, x, derivative, local, g, passed, self.jacobian(wire, x))

    def rule(self, wire: Any, i: int, g: Any) -> Any:
        """What a gate's rule for an operand makes of an upstream gradient."""
        if wire.parts is not None:
            g = tuple(
                np.zeros(s.shape, s.dtype) if slot is None else slot for slot, s in zip(g, wire.parts, strict=True)
            )
        return wire.op.rule(i)(g, wire._value, *[x._value for x in wire.operands], **wire.params)

    def jacobian(self, wire: Any, x: Any) -> str:
        """The Jacobian that is not built, in words; nothing where it is one number or one row."""
        if wire.parts is not None or x.parts is not None or wire.shape == ():
            return ""
        n, m = _size(wire), _size(x)
        if wire.op.kind == "elementwise":
            if n == m:
                return f"diagonal Jacobian {n}×{m}, never built"
            return f"used {n // max(m, 1)} times (broadcast): gradients add"
        return f"Jacobian {n}×{m}, never built"

    def group(self, gates: Gates) -> Row:
        """One folded group: what goes in, what comes out, and what its gates hand down together."""
        assert gates.group is not None
        inside = {w.serial for w in gates.gates}
        results = [w for w in gates.gates if any(c.serial not in inside for c in self.consumers[w.serial])]
        results = results or [gates.gates[-1]]
        result, name = gates.gates[-1], gates.group.name
        operands = gates.operands()
        names = [self.graph.name(x) for x in operands]
        known = COMPOSITIONS.get(name) or OPS.get(name)
        letters = dict(zip("xyz", names, strict=False))
        if known is None:
            written, meaning, derivatives = f"{name}({', '.join(names)})", "", ()
        else:
            written = formulas.written(name, known.explain, "xyz"[: len(names)], names)
            meaning, derivatives = known.explain.role, known.explain.derivative
        locals_ = self.locals(gates, result, operands) if len(results) == 1 else {}
        handed = []
        uses: dict[int, list[tuple[Any, int]]] = {x.serial: [] for x in operands}
        for gate in gates.gates:
            for j, operand in enumerate(gate.operands):
                if operand.serial in uses:
                    uses[operand.serial].append((gate, j))
        for i, x in enumerate(operands):
            parts = [self.hand(gate, j, x, self.gradients.get(gate.serial), "") for gate, j in uses[x.serial]]
            given = [p.gradient for p in parts if not p.reason and p.gradient is not None]
            total = sum(given[1:], start=given[0]) if given else None
            written_rule = formulas.plain(derivatives[i], letters) if i < len(derivatives) else ""
            reason = "" if given or not self.gradients else parts[0].reason
            local, jacobian = locals_.get(x.serial), self.inner(gates, result, x)
            handed.append(Handed(names[i], x, written_rule, local, self.gradient(result), total, jacobian, reason))
        count = len(gates.gates)
        return Row(
            self.graph.name(result), "group", name, written, result, result._value, self.gradient(result),
            f"{count} gates" if count > 1 else "1 gate", meaning, tuple(handed), gates=count,
        )  # fmt: skip

    def locals(self, gates: Gates, result: Any, operands: list[Any]) -> dict[int, Any]:
        """The local gradients of a group, by a sweep of ones, where they are numbers or diagonals."""
        same = all(g.op.kind == "elementwise" and g.shape == result.shape for g in gates.gates)
        if self.gradients.get(result.serial) is None or not result.active or not (same or result.shape == ()):
            return {}
        found = sweep({result: np.ones(result.shape, result.dtype)[()]}, operands)
        return {x.serial: found[x.serial] for x in operands if x.serial in found and (result.shape in ((), x.shape))}

    def inner(self, gates: Gates, result: Any, x: Any) -> str:
        """The Jacobian of a group that is not built, in words."""
        if result.shape == ():
            return ""
        same = all(g.op.kind == "elementwise" and g.shape == result.shape for g in gates.gates)
        kind = "diagonal Jacobian" if same and x.shape == result.shape else "Jacobian"
        return f"{kind} {_size(result)}×{_size(x)}, never built"

    def why(self, wire: Any) -> str:
        """Why no gradient reaches an input: the gate that stops it, or that nothing uses it."""
        if not wire.active:
            return no_path(wire)
        stack, seen = [wire], set()
        while stack:
            x = stack.pop()
            for gate in self.consumers.get(x.serial, ()):
                rules = [gate.op.rule(i) for i, operand in enumerate(gate.operands) if operand.serial == x.serial]
                if isinstance(rules[0], str):
                    return f"no path to {self.output_name}: {rules[0]} ({self.graph.name(gate)})"
                if gate.serial not in seen:
                    seen.add(gate.serial)
                    stack.append(gate)
        return f"no path to {self.output_name}: nothing on the way uses it"

    @property
    def output_name(self) -> str:
        """The name of the wire where the sweep starts."""
        return self.graph.name(self.output)

    def name(self, wire: Any) -> str:
        """The name of a wire; a Python number is its own name."""
        return numbers.number(wire._value) if wire.op is None and wire.weak and not wire.name else self.graph.name(wire)

    def gradient(self, wire: Any) -> Any:
        """The gradient on a wire; zeros where the sweep passed it by, None where there can be none."""
        known = self.gradients.get(wire.serial)
        if known is None and self.gradients and wire.active and wire.parts is None:
            return np.zeros(wire.shape, wire.dtype)[()]
        return known

    def first_not_finite(self) -> str:
        """The first wire that holds NaN or infinity, where one does."""
        for wire in self.graph.wires:
            values = wire._value if wire.parts is not None else (wire._value,)
            if wire.dtype.kind == "f" and self.valued and not all(np.all(np.isfinite(v)) for v in values):
                return self.graph.name(wire)
        return ""


def _size(wire: Any) -> int:
    n = 1
    for length in wire.shape:
        n *= length
    return n
