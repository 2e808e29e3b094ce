"""From a graph to the steps of a derivation: names for what is in between, then the chain rule backward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.graphs import Graph, Row
from glassgrad.sweep import sweep
from glassgrad.views.derivation import algebra as a
from glassgrad.views.derivation import matrices as m
from glassgrad.views.derivation import rules
from glassgrad.views.derivation.remarks import remarks
from glassgrad.views.derivation.rules import Gate
from glassgrad.views.derivation.sizes import Sizes
from glassgrad.views.derivation.tree import Applied, Expr, Symbol
from glassgrad.wire import Group

SHORT = 6
"""A formula of more symbols than this gets a name of its own."""
LONGEST = 60
"""A gradient of more symbols than this is left in the gradients before it."""
_POLYNOMIAL = ("add", "subtract", "multiply", "negative", "power", "square", "identity", "cast")
_LINEAR = ("add", "subtract", "negative", "multiply", "divide", "identity", "cast", "sum", "mean", "transpose")


@dataclass(frozen=True)
class Made:
    """What was derived, as trees.

    ``definitions`` are the names and what they stand for, in order; ``gradients`` the steps backward, each
    with the wires that the chain rule went ``through``; ``closed`` the gradients of what was asked for, with
    the steps put into one another; ``remarks`` simpler forms of them that hold under a condition. ``values``
    has the number of every symbol, ``leaves`` the inputs and constants by serial number; ``title`` is what the
    result is called, ``of`` what the gradients are of, ``seed`` what the walk back starts with.
    """

    inputs: dict[str, Expr]
    asked: list[str]
    definitions: dict[str, Expr]
    gradients: dict[str, Expr]
    through: dict[str, list[str]]
    closed: dict[str, Expr]
    remarks: dict[str, tuple[Expr, str]]
    values: dict[Symbol, Any]
    leaves: dict[int, Expr]
    title: str
    of: str
    seed: Expr


class Builder:
    """Walks one graph forward, naming, and backward, by the chain rule."""

    def __init__(
        self, graph: Graph, output: Any, asked: Sequence[Any], title: str, sizes: Sizes, fold: bool, delta: bool
    ) -> None:
        self.graph, self.output, self.asked, self.sizes = graph, output, asked, sizes
        self.fold, self.delta = fold, delta
        self.upstream = np.ones(output.shape, output.dtype)[()]
        with np.errstate(all="ignore"):
            self.grads = sweep({output: self.upstream}, graph.inputs)
        self.users = graph.consumers()
        self.trees: dict[int, Expr] = {}
        self.names: dict[int, str] = {}
        self.values: dict[Symbol, Any] = {}
        self.definitions: dict[str, Expr] = {}
        self.gates: list[tuple[Gate, tuple[Expr, ...]]] = []
        self.taken = {w.name for w in graph.wires if w.name} | {title, *sizes.numbers}
        self.values.update({Symbol(letter): np.float64(n) for letter, n in sizes.numbers.items()})
        self.title = output.name or title
        self.counters: dict[str, int] = {}
        self.tried: dict[int, bool] = {}
        self.members: dict[int, list[Any]] = {}
        for gate in graph.gates:
            for group in gate.group.path if gate.group is not None else ():
                self.members.setdefault(group.serial, []).append(gate)

    def made(self) -> Made:
        """The whole derivation."""
        self.forward()
        gradients, through = self.backward()
        scalar = all(w.shape == () for w in self.graph.wires)
        closed = self.closed(gradients, scalar)
        leaves = {w.serial: self.trees[w.serial] for w in self.graph.wires if w.op is None and w.serial in self.names}
        inputs = {self.names[w.serial]: self.trees[w.serial] for w in self.graph.inputs if w.serial in self.names}
        return Made(
            inputs, [self.names[w.serial] for w in self.asked], self.definitions,
            gradients, through, closed, remarks(closed, self.definitions), self.values, leaves, self.title, self.of,
            self.seed,
        )  # fmt: skip

    @property
    def of(self) -> str:
        """What gradients are of: the result, or whatever number comes after an array."""
        return "ℓ" if self.output.shape else self.title

    @property
    def seed(self) -> Expr:
        """The gradient that the walk starts with: 1, or that of whatever comes after an array."""
        return a.symbol(self.title, self.output.shape, self.of) if self.output.shape else a.ONE

    # forward: names

    def forward(self) -> None:
        """A tree for every wire, and a name for those that get one."""
        rows = self.graph.rows(self.folds if self.fold else False)
        self.results = {row.gates[-1].serial: row for row in rows}
        self.inner = {w.serial for row in rows for w in row.gates[:-1]}
        self.into: dict[int, list[Any]] = {}
        for row in rows:
            operands = row.operands() if row.group is not None else row.gates[0].operands
            for x in operands:
                self.into.setdefault(x.serial, []).append(row.gates[-1])
        for wire in self.graph.wires:
            if wire.op is None or wire.serial not in self.results:
                if wire.serial not in self.inner:
                    self.leaf(wire)
            else:
                self.result(self.results[wire.serial])

    def folds(self, group: Group) -> bool:
        """Groups of a record whose numbers agree become one gate."""
        if group.serial not in self.tried:
            self.tried[group.serial] = self.fits(group)
        return self.tried[group.serial]

    def fits(self, group: Group) -> bool:
        """Whether a group has a record of one operand whose numbers are those of its gates."""
        row = Row(group, self.members[group.serial])
        operands = row.operands()
        if len(self.graph.results(row)) != 1:
            return False
        if len(operands) != 1:
            return False
        x = a.symbol("x", operands[0].shape)
        return rules.folded(row, [x], {x.data: operands[0]._value}) is not None

    def count(self, n: float) -> Expr:
        """A number; in letters where it is a size, or a product of sizes, that has some, or one over that."""
        for value, exponent in ((n, 1), (1 / n if n else n, -1)):
            found = self.sizes.factors(round(value)) if abs(value - round(value)) < 1e-9 * abs(value) else None
            if found is not None:
                letters = (a.symbol(letter) for letter in found[1])
                return a.power(a.mul(a.number(found[0]), *letters), a.number(exponent))
        return a.number(n)

    def leaf(self, wire: Any) -> None:
        """An input keeps its name; a constant is its number, or is named if it is an array."""
        inputs = {w.serial for w in self.graph.inputs}
        if wire.serial not in inputs and not wire.shape and not wire.name:
            count = self.count if wire.serial in self.sizes.constants else a.number
            self.trees[wire.serial] = count(wire._value)
        elif wire.serial not in inputs and not wire.name and wire.dtype.kind == "f" and np.all(wire._value == 1):
            self.trees[wire.serial] = a.ones(wire.shape)
        else:
            self.name(wire, wire.name or self.fresh("c"))

    def name(self, wire: Any, name: str) -> Expr:
        """Give a wire a name."""
        tree = a.symbol(name, wire.shape)
        self.trees[wire.serial], self.names[wire.serial], self.values[tree.data] = tree, name, wire._value
        return tree

    def fresh(self, stem: str) -> str:
        """A name that nothing has yet."""
        while True:
            self.counters[stem] = self.counters.get(stem, 0) + 1
            name = f"{stem}{self.counters[stem]}"
            if name not in self.taken:
                self.taken.add(name)
                return name

    def result(self, row: Any) -> None:
        """The wire that a gate, or a folded group, makes."""
        wire = row.gates[-1]
        if wire.parts is not None:
            return
        if row.group is not None:
            xs = [self.trees[x.serial] for x in row.operands()]
            gate = rules.folded(row, xs, self.values)
            assert gate is not None
        else:
            gate = Gate.of(wire, self.count)
            if wire.op.name == "part":
                self.part(wire)
                return
            xs = [self.trees[x.serial] for x in wire.operands]
        tree = rules.forward(gate, xs, self.values)
        self.gates.append((gate, tuple(xs)))
        self.keep(wire, tree, gate)

    def keep(self, wire: Any, tree: Expr, gate: Gate) -> None:
        """Name the wire, or leave its tree to stand inside the next."""
        if wire is not self.output and self.inlined(wire, tree, gate):
            self.trees[wire.serial] = tree
            return
        name = self.title if wire is self.output else wire.name
        if not name or name in self.definitions:
            name = self.fresh("q")
        self.name(wire, name)
        self.definitions[name] = tree

    def part(self, wire: Any) -> None:
        """One output of a gate that has several."""
        parent = wire.operands[0]
        xs = tuple(self.trees[x.serial] for x in parent.operands)
        applied = Applied(parent.op, parent.params, wire.params["index"])
        gate = Gate.of(wire)
        self.gates.append((gate, xs))
        self.keep(wire, Expr("gate", xs, wire.shape, applied), gate)

    def inlined(self, wire: Any, tree: Expr, gate: Gate) -> bool:
        """Whether a teacher would leave this unnamed: a short polynomial or linear term inside a longer one."""
        users = self.into.get(wire.serial, [])
        if wire.name or len(users) != 1 or tree.size > SHORT:
            return False
        user = Gate.of(users[0]) if self.results[users[0].serial].group is None else None
        if user is None:
            return tree.size <= 2 and gate.kind == "view"
        if wire.dtype.kind != "f" or not wire.active:
            return True
        name, into = gate.name, user.name
        if name in ("transpose", "broadcast_to") or (name == "reshape" and tree.size <= 1):
            return True
        if name == "negative" and tree.size <= 2:
            return True
        if into in ("sum", "mean"):
            return name in ("square", "power", "multiply") and tree.kind in ("pow", "mul")
        if name in ("sum", "mean"):
            return into in ("multiply", "divide", "negative", "add", "subtract") and not wire.shape
        if name == "matmul":
            return into in ("add", "subtract", "negative")
        simple = all(x.kind in ("symbol", "number") for x in tree.args)
        if into in ("add", "subtract", "multiply", "negative"):
            return name in _POLYNOMIAL or (not wire.shape and simple) or name in _LINEAR
        return into in ("divide", "power", "square") and tree.kind in ("fn", "pow") and simple and not wire.shape

    # backward: the chain rule

    def backward(self) -> tuple[dict[str, Expr], dict[str, list[str]]]:
        """The gradient of every named wire, from the output to the inputs."""
        wanted = self.wanted()
        sums: dict[int, list[Expr]] = {self.output.serial: [self.seed]}
        slots: dict[int, dict[int, list[Expr]]] = {}
        ways: dict[int, list[str]] = {}
        gradients: dict[str, Expr] = {}
        through: dict[str, list[str]] = {}
        if self.output.shape:
            self.values[self.seed.data] = self.upstream
        known = self.recognised()
        for gate, xs in reversed(self.gates):
            wire = gate.wire
            if wire.serial not in wanted or wire.serial not in sums:
                continue
            g = self.settled(wire, sums, ways, gradients, through, known)
            if wire.op.name == "part" and gate.op is wire.op:
                self.hand_part(gate, xs, g, slots, sums, ways, wanted)
                continue
            for i, x in enumerate(gate.operands):
                if x.serial not in wanted or (gate.op is not None and isinstance(gate.op.rule(i), str)):
                    continue
                piece = rules.gradient(gate, i, xs, self.trees[wire.serial], g, self.values)
                sums.setdefault(x.serial, []).append(piece)
                ways.setdefault(x.serial, []).extend(self.way(wire, ways))
        for wire in self.asked:
            if wire.serial not in sums:
                sums[wire.serial] = [a.spread(a.ZERO, wire.shape)]
            self.settled(wire, sums, ways, gradients, through, known)
        return gradients, through

    def wanted(self) -> set[int]:
        """Wires on a way from what is asked for to the output."""
        asked = {w.serial for w in self.asked}
        for wire in self.graph.wires:
            if wire.active and any(x.serial in asked for x in wire.operands):
                asked.add(wire.serial)
        return asked

    def recognised(self) -> dict[Expr, Expr]:
        """Formulas that have a name already: tanh(a) is z."""
        return {
            tree: a.symbol(name, tree.shape)
            for name, tree in self.definitions.items()
            if name != self.title and tree.kind not in ("number", "symbol", "ones") and name in self.names.values()
        }

    def settled(
        self, wire: Any, sums: dict[int, list[Expr]], ways: dict[int, list[str]], gradients: dict[str, Expr],
        through: dict[str, list[str]], known: dict[Expr, Expr],
    ) -> Expr:  # fmt: skip
        """What has reached a wire, added up; where the wire has a name, its gradient gets one."""
        pieces = sums[wire.serial]
        total = m.substitute(a.add(*reversed(pieces)) if len(pieces) > 1 else pieces[0], known)
        name = self.names.get(wire.serial)
        if name is None or wire is self.output or (self.delta and self.activation(name)):
            return total
        found = a.symbol(name, wire.shape, self.of)
        self.values[found.data] = self.grads.get(wire.serial, np.zeros(wire.shape, wire.dtype)[()])
        gradients[name] = total
        through[name] = list(dict.fromkeys(reversed(ways.get(wire.serial, []))))
        return found

    def activation(self, name: str) -> bool:
        """Whether this is a unit's activation, whose gradient the δ of what goes into it takes in."""
        tree = self.definitions.get(name)
        if tree is None or tree.kind != "fn" or tree.data[1] is not None:
            return False
        return any(x.kind == "symbol" for x in tree.args)

    def way(self, wire: Any, ways: dict[int, list[str]]) -> list[str]:
        """The named wires that a gradient came through: the wire itself, or where its own came from."""
        name = self.names.get(wire.serial)
        return [name] if name is not None else ways.get(wire.serial, [])

    def hand_part(
        self, gate: Gate, xs: tuple[Expr, ...], g: Expr, slots: dict[int, dict[int, list[Expr]]],
        sums: dict[int, list[Expr]], ways: dict[int, list[str]], wanted: set[int],
    ) -> None:  # fmt: skip
        """Collect the gradients of a gate's outputs; with the last of them, hand them on together."""
        parent = gate.operands[0]
        mine = slots.setdefault(parent.serial, {})
        mine[gate.wire.params["index"]] = [g]
        ways.setdefault(parent.serial, []).extend(self.way(gate.wire, ways))
        parts = [w for w in self.users[parent.serial] if w.serial in sums and w.serial in wanted]
        if len(mine) < len(parts):
            return
        whole = Gate.of(parent)
        gs = {k: found[0] for k, found in mine.items()}
        for i, x in enumerate(parent.operands):
            if x.serial in wanted and callable(whole.op and whole.op.rule(i)):
                sums.setdefault(x.serial, []).append(rules.parts_gradient(whole, i, xs, gs, self.values))
                ways.setdefault(x.serial, []).extend(ways[parent.serial])

    # results: one step put into the other

    def closed(self, gradients: dict[str, Expr], scalar: bool) -> dict[str, Expr]:
        """The gradients of what is asked for, without those in between; of numbers, without any names."""
        steps = {a.symbol(n, t.shape, self.of): t for n, t in gradients.items()}
        done = _put_together(steps)
        names = _put_together({a.symbol(n, t.shape): t for n, t in self.definitions.items()} if scalar else {})
        result = {}
        for wire in self.asked:
            found = a.symbol(self.names[wire.serial], wire.shape, self.of)
            tree = done[found] if done[found] != found else steps[found]
            full = a.descending(m.substitute(tree, names))
            result[self.names[wire.serial]] = full if full.size <= LONGEST else tree
        return result


def _put_together(steps: dict[Expr, Expr]) -> dict[Expr, Expr]:
    """Every symbol as a tree without the symbols before it; left as it is where that grows long."""
    done: dict[Expr, Expr] = {}
    for symbol, tree in steps.items():
        found = m.substitute(tree, done)
        done[symbol] = found if found.size <= LONGEST else symbol
    return done
