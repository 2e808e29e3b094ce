"""What a gate computes, and what it hands back, as trees: read from its record, and checked with its numbers.

A gate's record says its formula and its local gradients in LaTeX; that is the one place for them. Where a
record says less than a tree needs (what moves numbers, sums of products by labels), the gate's rule is
recorded on tensors and the gates of that graph are read instead. What even that does not open, or what the
numbers contradict (a tie, a kink), is named: the gate's vector-Jacobian product.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.op import Explanation, Op
from glassgrad.ops import COMPOSITIONS, OPS
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, constant, tensor
from glassgrad.views import formulas
from glassgrad.views.derivation import algebra as a
from glassgrad.views.derivation import matrices as m
from glassgrad.views.derivation.functions import FUNCTIONS
from glassgrad.views.derivation.reading import read, speaks_of
from glassgrad.views.derivation.tree import Applied, Backward, Expr, Symbol, evaluate, summed_to

FEW = 12
"""Graphs of rules of more gates than this are not opened."""

Values = Mapping[Symbol, Any]


@dataclass(frozen=True)
class Gate:
    """A gate, or a group of gates that is read as one: its record, its wires, and the axes it runs over.

    ``op`` is None for a group, which has no rule of its own.
    """

    name: str
    explain: Explanation
    kind: str
    wire: Any
    operands: tuple[Any, ...]
    op: Op | None
    axes: tuple[int, ...] | None = None
    keepdims: bool = False
    count: Callable[[int], Expr] = a.number

    @classmethod
    def of(cls, wire: Any, count: Callable[[int], Expr] = a.number) -> Gate:
        """The gate that made a wire; `count` writes how many elements there are."""
        op, axis = wire.op, wire.params.get("axis")
        axes = axis if op.kind == "reduce" and isinstance(axis, tuple) else None
        return cls(
            op.name, op.explain, op.kind, wire, wire.operands, op, axes, bool(wire.params.get("keepdims", False)), count
        )  # fmt: skip

    @property
    def matrices(self) -> bool:
        """Whether formulas are of whole matrices, and not of their elements."""
        return self.explain.pattern == "mixes" and self.axes is None

    @property
    def letters(self) -> list[str]:
        """The letters of its formulas."""
        count = len(self.operands)
        return ["x", "y", "z"][:count] if self.op is None else formulas.letters(self.op, count)

    def names(self, xs: Sequence[Expr]) -> dict[str, Expr]:
        """What the letters stand for."""
        names = dict(zip(self.letters, xs, strict=False))
        if self.axes is not None:
            names["n"] = self.count(math.prod(self.operands[0].shape[i] for i in self.axes))
        return names

    @property
    def kept(self) -> tuple[int, ...]:
        """The result's shape with the axes it runs over kept."""
        return tuple(1 if i in (self.axes or ()) else n for i, n in enumerate(self.operands[0].shape))


def agrees(e: Expr, values: Values, expected: Any, shape: Sequence[int]) -> bool:
    """Whether a tree has this shape and this value, to the precision of its dtype."""
    if e.shape != tuple(shape):
        return False
    try:
        found = evaluate(e, values)
    except (ValueError, TypeError, IndexError, KeyError, np.linalg.LinAlgError):
        return False
    return close(found, expected)


def close(found: Any, expected: Any) -> bool:
    """Whether two values are equal to the precision of the second's dtype."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return False
    if expected.dtype.kind != "f":
        return bool(np.array_equal(found, expected))
    tolerance = math.sqrt(float(np.finfo(expected.dtype).eps)) * 10
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(np.max(finite, initial=0))
    return bool(np.allclose(found, expected, tolerance, tolerance * scale + 1e-14, equal_nan=True))


def forward(gate: Gate, xs: Sequence[Expr], values: Values) -> Expr:
    """What a gate computes from these operands; a call of the gate where its record has no formula to read."""
    for make in (_structural, _written):
        found = _attempt(lambda make=make: make(gate, xs))
        if found is not None and agrees(found, values, gate.wire._value, gate.wire.shape):
            return found
    assert gate.op is not None, "a group is only folded where its formula is read"
    return Expr("gate", tuple(xs), gate.wire.shape, Applied(gate.op, gate.wire.params))


def _attempt(make: Callable[[], Any]) -> Any:
    """What is made, or None where shapes do not fit what a formula says of matrices."""
    try:
        return make()
    except (ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError):
        return None


def _structural(gate: Gate, xs: Sequence[Expr]) -> Expr | None:
    if gate.name == "reshape":
        return m.reshape(xs[0], gate.wire.shape)
    if gate.name == "broadcast_to":
        return a.spread(xs[0], gate.wire.shape)
    if gate.name == "gather":
        chosen = _chosen(gate, xs)
        return None if chosen is None else m.reduce("sum", a.mul(chosen, xs[0]), (1,), True)
    return None


def _chosen(gate: Gate, xs: Sequence[Expr]) -> Expr | None:
    """Which element of each row is taken, as rows with a 1 there; None where it is not one of each row."""
    if len(xs) != 3 or len(xs[0].shape) != 2 or gate.wire.shape != (xs[0].shape[0], 1):
        return None
    return a.fn("onehot", m.reshape(xs[2], xs[0].shape[:1]), axes=xs[0].shape[1:])


def _written(gate: Gate, xs: Sequence[Expr]) -> Expr | None:
    """The formula of the record."""
    latex = gate.explain.formula
    if gate.op is None and gate.name in FUNCTIONS and gate.axes is not None:
        return a.fn(gate.name, xs[0], axes=gate.axes, keepdims=gate.keepdims)
    if gate.explain.pattern == "blocks":
        return read(f"[{latex}]", gate.names(xs)) if gate.wire.dtype.kind == "b" else None
    if gate.kind == "contract":
        return _contracted(gate, xs, lambda names: read(latex, names, True))
    matrices = gate.matrices or gate.name == "transpose"
    for part in (latex, *latex.split(" = ")):
        found = read(part, gate.names(xs), matrices, gate.axes, gate.keepdims)
        if found is not None:
            return found
    return None


def _contracted(gate: Gate, xs: Sequence[Expr], make: Callable[[dict[str, Expr]], Expr | None]) -> Expr | None:
    """A product in which NumPy takes a vector on the left as a row."""
    if len(xs) != 2:
        return None
    row = len(xs[0].shape) == 1
    found = make(gate.names([m.transpose(xs[0]) if row else xs[0], xs[1]]))
    return m.transpose(found) if found is not None and row and len(found.shape) == 2 else found


def gradient(gate: Gate, i: int, xs: Sequence[Expr], out: Expr, g: Expr, values: Values) -> Expr:
    """What a gate hands back to operand ``i``, given the upstream gradient.

    The rule is linear in the upstream gradient: it is tried with random numbers in its place, so that one
    that left it out would be found out also where it is 1.
    """
    x, wire = gate.operands[i], gate.wire
    upstream = a.symbol("upstream", wire.shape, "gate")
    drawn = np.asarray(np.random.default_rng(i).normal(size=wire.shape), wire.dtype)[()]
    given: Values = ChainMap({upstream.data: drawn}, values)  # pyright: ignore[reportArgumentType]
    expected = _handed(gate, i, drawn)
    for make in (_local, _recorded):
        found = _attempt(lambda make=make: make(gate, i, xs, out, upstream, given))
        if found is not None:
            found = _attempt(lambda found=found: m.sum_to(found, x.shape))
        if found is not None and agrees(found, given, expected, x.shape):
            return m.substitute(found, {upstream: g})
    return vector_jacobian(gate, i, xs, [g])


def _handed(gate: Gate, i: int, upstream: Any) -> Any:
    """The numbers that a gate hands back to operand ``i``, by its rule, or a group's by the sweep."""
    wire, x = gate.wire, gate.operands[i]
    with np.errstate(all="ignore"):
        if gate.op is None:
            return sweep({wire: upstream}, gate.operands).get(x.serial, np.zeros(x.shape))
        found = gate.op.rule(i)(upstream, wire._value, *[y._value for y in wire.operands], **wire.params)  # pyright: ignore[reportCallIssue]
    return summed_to(np.asarray(found), x.shape)


def vector_jacobian(
    gate: Gate, i: int, xs: Sequence[Expr], gs: Sequence[Expr], slots: tuple[int, ...] | None = None
) -> Expr:
    """The gate's rule, named and not opened."""
    shape = gate.operands[i].shape
    return Expr("vjp", (*gs, *xs), shape, Backward(gate.op or gate.wire.op, gate.wire.params, i, slots, shape))


def _local(gate: Gate, i: int, xs: Sequence[Expr], out: Expr, g: Expr, values: Values) -> Expr | None:
    """The local gradient of the record times the upstream gradient."""
    rules = gate.explain.derivative
    latex = rules[i] if i < len(rules) else rules[0] if len(rules) == 1 else ""
    if gate.name == "gather" and i == 0:
        chosen = _chosen(gate, xs)
        return None if chosen is None else a.mul(chosen, g)
    if not latex or gate.kind in ("view", "gather", "scan"):
        return None
    if gate.kind == "contract":
        return _product_rule(gate, i, xs, g, latex)
    if gate.axes is not None:
        g = m.reshape(g, gate.kept) if gate.operands[0].shape != gate.wire.shape else g
    names = gate.names(xs)
    if speaks_of(latex, "g"):
        return read(latex, {**names, "g": g}, gate.matrices, gate.axes, True)
    local = read(latex, names, gate.matrices, gate.axes, True)
    return None if local is None else a.mul(local, g)


def _product_rule(gate: Gate, i: int, xs: Sequence[Expr], g: Expr, latex: str) -> Expr | None:
    """The rule of a matrix product, with vectors on the left as rows and then set upright again."""
    row, column = len(xs[0].shape) == 1, len(xs[1].shape) == 1
    if len(gate.wire.shape) != 2 - row - column and (row or column):
        return None
    upright = m.transpose(g) if row and not column else g
    found = read(latex, {**gate.names([m.transpose(xs[0]) if row else xs[0], xs[1]]), "g": upright}, True)
    return m.transpose(found) if found is not None and row and i == 0 else found


class _Leaves:
    """Tensors for trees, to record a rule on."""

    def __init__(self) -> None:
        self.known: dict[int, Expr] = {}

    def __call__(self, value: Any, tree: Expr) -> Any:
        made = tensor(value) if np.asarray(value).dtype.kind == "f" else constant(value)
        self.known[made.serial] = tree
        return made

    def operands(self, wire: Any, xs: Sequence[Expr]) -> list[Any]:
        """The operands of a gate; Python numbers as they are."""
        return [x._value if x.weak else self(x._value, tree) for x, tree in zip(wire.operands, xs, strict=True)]


def _recorded(gate: Gate, i: int, xs: Sequence[Expr], out: Expr, g: Expr, values: Values) -> Expr | None:
    """The gate's rule recorded on tensors, and what its gates compute."""
    if gate.op is None:
        return None
    wire, leaf = gate.wire, _Leaves()
    rule: Any = gate.op.rule(i)
    result = rule(leaf(values[g.data], g), leaf(wire._value, out), *leaf.operands(wire, xs), **wire.params)
    return opened(result, leaf.known, values) if isinstance(result, Tensor) else None


def parts_gradient(gate: Gate, i: int, xs: Sequence[Expr], gs: Mapping[int, Expr], values: Values) -> Expr:
    """What a gate of several outputs hands back to operand ``i``, given the gradients of some of them."""
    assert gate.op is not None
    wire, leaf = gate.wire, _Leaves()
    rng = np.random.default_rng(i)
    stands: dict[Expr, Expr] = {}
    given: dict[Symbol, Any] = {}
    tensors, arrays, outs = [], [], []
    for k, value in enumerate(wire._value):
        value = np.asarray(value)
        drawn = np.asarray(rng.normal(size=value.shape) if k in gs else np.zeros(value.shape), value.dtype)[()]
        tree = a.spread(a.ZERO, value.shape) if k not in gs else a.symbol(f"upstream{k}", value.shape, "gate")
        if k in gs:
            stands[tree], given[tree.data] = gs[k], drawn
        arrays.append(drawn)
        tensors.append(leaf(drawn, tree))
        outs.append(leaf(value, Expr("gate", tuple(xs), value.shape, Applied(gate.op, wire.params, k))))
    with np.errstate(all="ignore"):
        rule: Any = gate.op.rule(i)
        expected = summed_to(
            np.asarray(rule(tuple(arrays), wire._value, *[x._value for x in wire.operands], **wire.params)),
            gate.operands[i].shape,
        )
    every: Values = ChainMap(given, values)  # pyright: ignore[reportArgumentType]
    result = _attempt(lambda: rule(tuple(tensors), tuple(outs), *leaf.operands(wire, xs), **wire.params))
    found = opened(result, leaf.known, every, FEW // 2) if isinstance(result, Tensor) else None
    if found is not None and agrees(found, every, expected, gate.operands[i].shape):
        return m.substitute(found, stands)
    order = tuple(sorted(gs))
    return vector_jacobian(gate, i, xs, [gs[k] for k in order], order)


def opened(result: Tensor, known: dict[int, Expr], values: Values, few: int = FEW) -> Expr | None:
    """The tree of a small graph over wires whose trees are known; None where it is large or has unknown leaves."""
    wires = [w for w in Graph([result]).wires if w.serial not in known]
    if len(wires) > few or any(w.parts is not None for w in wires):
        return None
    for w in wires:
        if w.op is None:
            if w.shape and not (w.dtype.kind == "f" and np.all(w._value == 1)):
                return None
            known[w.serial] = a.ones(w.shape) if w.shape else a.number(w._value)
        else:
            known[w.serial] = forward(Gate.of(w), [known[x.serial] for x in w.operands], values)
    return known[result.serial]


def folded(row: Any, xs: Sequence[Expr], values: Values) -> Gate | None:
    """A group of gates as one gate, by its own record or by that of the gate whose name it bears.

    None where there is no such record with a derivative, or where its numbers are not those of the group.
    """
    name, operands, result = row.group.name, tuple(row.operands()), row.gates[-1]
    record = COMPOSITIONS.get(name) or OPS.get(name)
    if record is None or len(operands) != 1 or not record.explain.derivative or result.parts is not None:
        return None
    axes = [g.params["axis"] for g in row.gates if g.op.kind == "reduce" and isinstance(g.params.get("axis"), tuple)]
    kept = len(result.shape) == len(operands[0].shape)
    gate = Gate(
        name, record.explain, "reduce" if axes else "elementwise", result, operands, None,
        axes[-1] if axes else None, kept,
    )  # fmt: skip
    found = _attempt(lambda: _written(gate, xs))
    if found is None or not agrees(found, values, result._value, result.shape):
        return None
    if not result.active or not operands[0].active:
        return gate
    upstream = a.symbol("upstream", result.shape, "gate")
    return None if gradient(gate, 0, xs, found, upstream, values).kind == "vjp" else gate
