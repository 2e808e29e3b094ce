"""What a picture says of every wire and gate: values, gradients, the parts that add up, verdicts of a check."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.reports import Check, GradientReport
from glassgrad.views.picture.links import End, Inside, Strand, connected, inline
from glassgrad.views.picture.tree import Item, tree
from glassgrad.views.table import Builder, Handed, Row


class Facts:
    """Reads one graph for its picture; rows are made when they are asked for, and kept.

    Parameters
    ----------
    graph : Graph
        What is drawn.
    output : Tensor
        Where the reverse sweep starts, and `upstream` what it starts with; None for no gradients.
    report : GradientReport, optional
        Whose verdicts the gates are marked with.
    """

    def __init__(self, graph: Graph, output: Any, upstream: Any, report: GradientReport | None = None) -> None:
        self.graph, self.output, self.upstream = graph, output, upstream
        self.builder = Builder(graph, output, upstream)
        self.root = tree(graph)
        self.insides: Mapping[Item, Inside] = connected(graph, self.root)
        self._rows: dict[Item, Row] = {}
        self._leaves: dict[int, Row] = {}
        self._added: dict[tuple[Item, int], list[Any]] = {}
        self._strands = {
            (inside.item, strand.wire.serial): strand for inside in self.insides.values() for strand in inside.strands
        }
        self._inputs = {w.serial for w in graph.inputs}
        self._checks: dict[str, list[Check]] = {}
        for check in report.checks if report is not None else ():
            self._checks.setdefault(check.name, []).append(check)

    @property
    def valued(self) -> bool:
        """Whether the wires have values; those of a traced graph have shapes only."""
        return self.builder.valued

    def row(self, item: Item) -> Row:
        """The row of a gate or of a folded box."""
        found = self._rows.get(item)
        if found is None:
            with np.errstate(all="ignore"):
                made = self.builder.gate(item.gates[0]) if item.kind == "gate" else self.builder.group(item.row)
            found = self._rows[item] = made
        return found

    def leaf(self, wire: Any) -> Row:
        """The row of a wire that comes from outside."""
        found = self._leaves.get(wire.serial)
        if found is None:
            found = self._leaves[wire.serial] = self.builder.leaf(wire)
        return found

    def gradient(self, wire: Any) -> Any:
        """The gradient on a wire, None where there is none to have."""
        return self.builder.gradient(wire)

    def handed(self, item: Item, socket: int) -> Handed:
        """What an item hands back through one of its sockets."""
        if item.kind != "gate":
            serial = item.inputs[socket].serial
            return next(h for h in self.row(item).handed if h.wire.serial == serial)
        shown = [h for h in self.row(item).handed if not self.unseen(h.wire)]
        return shown[socket]

    def unseen(self, wire: Any) -> bool:
        """Whether a wire is a number inside a formula."""
        return inline(wire) and (self.root, wire.serial) not in self._strands

    def is_leaf(self, wire: Any) -> bool:
        """Whether a wire comes into the graph from outside."""
        return wire.op is None or wire.serial in self._inputs

    def added(self, box: Item, wire: Any) -> list[Any]:
        """The gradients that add up on a wire where it branches in a box; none where at most one comes back."""
        key = box, wire.serial
        found = self._added.get(key)
        if found is None:
            strand = self._strands.get(key)
            parts = self.parts(strand, box) if strand is not None and len(strand.targets) > 1 else []
            given = [part for part in parts if part is not None and not isinstance(part, list)]
            found = self._added[key] = given if len(given) > 1 else []
        return found

    def parts(self, strand: Strand, box: Item) -> list[Any]:
        """The gradients that come back to a wire from where it goes in this box; None for those that bring none."""
        return [self.part(end, socket, box) for end, socket in strand.targets]

    def part(self, end: End, socket: int, box: Item) -> Any:
        """The gradient that comes back from one end of a wire."""
        if end.item is not None:
            found = self.handed(end.item, socket)
            return None if found.reason else found.gradient
        outer = box.parent
        strand = self._strands.get((outer, end.wire.serial)) if outer is not None else None
        given = [] if strand is None or outer is None else [p for p in self.parts(strand, outer) if p is not None]
        if outer is self.root and end.wire is self.output and self.upstream is not None:
            given.append(self.upstream)
        return sum(given[1:], start=given[0]) if given and not isinstance(given[0], list) else None

    def checks(self, item: Item) -> list[Check]:
        """What a gradient check found at the gates of an item."""
        return [c for gate in item.gates for c in self._checks.get(self.graph.name(gate), ())]

    def verdict(self, item: Item) -> tuple[str, str]:
        """Whether an item is "right", "wrong" or was not checked (""); and the error of what is wrong, in words."""
        checks = self.checks(item)
        bad = [c for c in checks if c.verdict in ("wrong", "not finite")]
        if not checks:
            return "", ""
        if not bad:
            return "right", ""
        worst = max(bad, key=lambda c: c.error if math.isfinite(c.error) else math.inf)
        said = f"off by {100 * worst.error:.2g} %" if worst.verdict == "wrong" else "not finite"
        return "wrong", said
