"""Which wires run in which box: from what, to what, and through which walls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from glassgrad.graphs import Graph
from glassgrad.views.picture.tree import Item, walk


@dataclass(eq=False, slots=True)
class End:
    """Something that stands in a box and wires are plugged into: an item, a wire from outside the graph, a wall.

    ``kind`` is "item", "leaf", "in" (where a wire comes through the left wall) or "out".
    """

    kind: str
    wire: Any = None
    item: Item | None = None


@dataclass(eq=False, slots=True)
class Strand:
    """One wire inside one box: where it comes from and which ends it goes to, each with the number of the socket."""

    wire: Any
    source: End
    targets: list[tuple[End, int]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Inside:
    """What a box holds: ends in topological order, and the wires between them."""

    item: Item
    ends: list[End] = field(default_factory=list)
    strands: list[Strand] = field(default_factory=list)


def inline(wire: Any) -> bool:
    """Whether a wire is a number that is written into the formula of its gate and not drawn."""
    return wire.op is None and not wire.name and not wire.active and wire.shape == () and wire._value is not None


def connected(graph: Graph, root: Item) -> dict[Item, Inside]:
    """The inside of every box; fills the `inputs` and `outputs` of all items."""
    return _Linker(graph, root).insides


class _Linker:
    """Runs every wire from the gate that made it, up and down through the walls, to the gates that use it."""

    def __init__(self, graph: Graph, root: Item) -> None:
        self.insides = {item: Inside(item) for item in walk(root) if item.items or item is root}
        self.made: dict[int, Item] = {}
        self.ends: dict[tuple[Item, int], End] = {}
        self.strands: dict[tuple[Item, int], Strand] = {}
        self.given: set[tuple[Item, int]] = set()
        gates = [item for item in walk(root) if item.kind == "gate"]
        for item in gates:
            for wire in item.gates:
                self.made[wire.serial] = item
        for item in self.insides:
            for inner in item.items:
                self.ends[inner, 0] = End("item", item=inner)
        outer = {w.serial for w in graph.inputs if not hasattr(w, "frozen")}
        homes: dict[int, Item] = {}
        for item in gates:
            for x in item.gates[0].operands:
                if x.serial not in self.made and not (inline(x) and x.serial not in outer):
                    home = root if x.serial in outer else item.parent or root
                    homes[x.serial] = _common(homes.get(x.serial, home), home)
        for wire in (*graph.inputs, *graph.outputs):
            if wire.serial not in self.made:
                homes.setdefault(wire.serial, root)
        self.leaves = {w.serial: w for w in graph.wires if w.serial in homes}
        self.homes = homes
        for item in gates:
            drawn = [x for x in item.gates[0].operands if x.serial in self.made or x.serial in homes]
            for x in drawn:
                item.inputs.append(x)
                self.run(x, item, len(item.inputs) - 1)
        for wire in graph.outputs:
            if wire.serial in self.made:
                self.lead_out(wire, root)
        for serial, home in homes.items():
            self.strand(home, self.leaves[serial])
        self.gather()

    def run(self, x: Any, item: Item, socket: int) -> None:
        """From an operand to a gate: out of the boxes it was made in, into those the gate stands in."""
        maker = self.made.get(x.serial)
        home = self.homes[x.serial] if maker is None else maker.parent
        assert home is not None
        assert item.parent is not None
        meeting = _common(home, item.parent)
        end = self.ends[item, 0]
        box = item.parent
        while box is not meeting:
            known = (box, x.serial) in self.strands
            strand = self.strand(box, x)
            strand.targets.append((end, socket))
            if known:
                return
            box.inputs.append(x)
            end, socket = self.ends[box, 0], len(box.inputs) - 1
            assert box.parent is not None
            box = box.parent
        if maker is not None:
            self.lead_out(x, meeting)
        self.strand(meeting, x).targets.append((end, socket))

    def lead_out(self, x: Any, goal: Item) -> None:
        """Let a wire out of every box between where it is made and `goal`."""
        item = self.made[x.serial]
        self.give(item, x)
        while item.parent is not None and item.parent is not goal:
            box = item.parent
            if self.give(box, x):
                out = self.ends[box, -x.serial] = End("out", x)
                self.strand(box, x).targets.append((out, 0))
            item = box
        self.strand(goal, x)

    def give(self, item: Item, x: Any) -> bool:
        """Note that a wire goes out of an item; whether that was not known."""
        new = (item, x.serial) not in self.given
        if new:
            self.given.add((item, x.serial))
            item.outputs.append(x)
        return new

    def strand(self, box: Item, x: Any) -> Strand:
        """The strand of a wire in a box, made when first asked for."""
        found = self.strands.get((box, x.serial))
        if found is None:
            found = self.strands[box, x.serial] = Strand(x, self.source(box, x))
        return found

    def source(self, box: Item, x: Any) -> End:
        """Where a wire comes from in a box: an item of it, the wire itself if it is a leaf there, or the left wall."""
        item = self.made.get(x.serial)
        if item is None and self.homes[x.serial] is box:
            end = self.ends[box, x.serial] = End("leaf", x)
            return end
        while item is not None and item.parent is not None:
            if item.parent is box:
                return self.ends[item, 0]
            item = item.parent
        end = self.ends[box, x.serial] = End("in", x)
        return end

    def gather(self) -> None:
        """The ends of every box in topological order: walls and leaves, items, walls at the right."""
        first: dict[Item, list[End]] = {box: [] for box in self.insides}
        last: dict[Item, list[End]] = {box: [] for box in self.insides}
        for (box, key), end in self.ends.items():
            if key:
                (last if end.kind == "out" else first)[box].append(end)
        for box, inside in self.insides.items():
            first[box].sort(key=lambda end: (end.kind == "leaf", end.wire.serial))
            inside.ends = [*first[box], *(self.ends[inner, 0] for inner in box.items), *last[box]]
        for (box, _), strand in self.strands.items():
            self.insides[box].strands.append(strand)


def _common(a: Item, b: Item) -> Item:
    """The innermost box that holds both boxes."""
    while a is not b:
        if a.depth >= b.depth:
            assert a.parent is not None
            a = a.parent
        else:
            assert b.parent is not None
            b = b.parent
    return a
