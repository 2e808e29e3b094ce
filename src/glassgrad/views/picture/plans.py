"""Where everything stands: each box is planned once, folded, and makes room for what is opened in it.

Opening a box keeps all orders. Its column becomes as wide as it needs, and whatever stands lower or level moves
down by what it needs above and below; nothing can meet that did not meet before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from glassgrad.views.picture.facts import Facts
from glassgrad.views.picture.lines import heights
from glassgrad.views.picture.nodes import Node, Order, node
from glassgrad.views.picture.ranks import Body, Net, Ranked, ranked
from glassgrad.views.picture.tree import Item

APART = 14.0
"""The least distance between neighbours of a column."""
GAP, WIDE = 26.0, 84.0
"""Between columns: at least, and where wires have far to go."""
WALL, TITLE, FLOOR = 16.0, 30.0, 14.0
"""Room inside an open box: at its sides, above and below."""
SMALL = 300
"""The inside of a box of up to so many gates decides in which order wires are plugged into it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a wire between two columns; sockets are −1 where it passes."""

    strand: int
    a: int
    out: int
    b: int
    socket: int


@dataclass(eq=False)
class Plan:
    """A box with everything in it folded.

    ``column`` and ``line`` give column and height of every node, and after them of every place where a wire passes;
    ``gaps`` are the distances before each column but the first.
    """

    box: Item
    nodes: list[Node]
    column: list[int]
    line: list[float]
    gaps: list[float]
    pieces: list[Piece]
    wires: list[Any]

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self.gaps) + 1


@dataclass(eq=False, slots=True)
class Size:
    """A node as it stands now: its width, its reach above and below its line, where wires are plugged in."""

    width: float
    up: float
    down: float
    ins: list[float]
    outs: list[float]
    inside: Placed | None = None


@dataclass(eq=False)
class Placed:
    """A box as it stands now, opened.

    Attributes
    ----------
    x, y : list of float
        Left edge and line of every node, then of every place where a wire passes.
    left, right : list of float
        The edges of the columns.
    top, bottom, middle : float
        The extent of all of it, and the line that continues the line of the box outside.
    """

    plan: Plan
    sizes: list[Size]
    x: list[float]
    y: list[float]
    left: list[float]
    right: list[float]
    top: float
    bottom: float
    middle: float
    ins: list[float] = field(default_factory=list)
    outs: list[float] = field(default_factory=list)

    @property
    def width(self) -> float:
        """From the first column to the last."""
        return self.right[-1] if self.right else 0.0


class Planner:
    """Plans the boxes of a graph, each when it is first asked for."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.plans: dict[Item, Plan] = {}

    def plan(self, box: Item) -> Plan:
        """The plan of one box."""
        found = self.plans.get(box)
        if found is None:
            found = self.plans[box] = self._plan(box)
        return found

    def _plan(self, box: Item) -> Plan:
        inside = self.facts.insides[box]
        nodes = [node(self.facts, inside, end, self._order(end.item)) for end in inside.ends]
        number = {id(end): i for i, end in enumerate(inside.ends)}
        nets, bodies = [], []
        for made in nodes:
            up, down = made.reach()
            kind = made.end.kind
            bodies.append(Body(max(up, 8.0), max(down, 8.0), {"in": -1, "out": 1}.get(kind, 0), kind == "leaf"))
        for strand in inside.strands:
            source = number[id(strand.source)]
            targets = [(number[id(end)], socket) for end, socket in strand.targets]
            nets.append(
                Net(source, nodes[source].out(strand.wire), [(t, nodes[t].ins[socket]) for t, socket in targets])
            )
        made = ranked(bodies, nets)
        _exchange(made, nodes)
        line = heights(made, APART)
        pieces: list[Piece] = []
        far = [0.0] * len(made.columns)
        for s in made.segments:
            strand = inside.strands[s.net]
            out = nodes[s.a].socket(strand.wire) if s.a < len(nodes) else -1
            pieces.append(Piece(s.net, s.a, out, s.b, strand.targets[s.target][1] if s.target >= 0 else -1))
            climb = abs(line[s.a] + s.off_a - line[s.b] - s.off_b)
            far[made.column[s.b]] = max(far[made.column[s.b]], climb)
        gaps = [min(WIDE, GAP + 0.12 * climb) for climb in far[1:]]
        return Plan(box, nodes, made.column, line, gaps, pieces, [s.wire for s in inside.strands])

    def _order(self, item: Item | None) -> Order | None:
        """The order of a box's sockets, as the wires arrive inside it."""
        if item is None or not item.items or len(item.gates) > SMALL:
            return None
        placed = self.place(item, lambda _: False)
        return (
            sorted(range(len(placed.ins)), key=placed.ins.__getitem__),
            sorted(range(len(placed.outs)), key=placed.outs.__getitem__),
        )

    def place(self, box: Item, opened: Callable[[Item], bool]) -> Placed:
        """A box with its inside as it is now.

        Parameters
        ----------
        box : Item
            What is opened.
        opened : callable
            Whether an item inside stands open too.
        """
        plan = self.plan(box)
        sizes = [self.size(made, opened) for made in plan.nodes]
        widths = [0.0] * plan.columns
        for i, size in enumerate(sizes):
            widths[plan.column[i]] = max(widths[plan.column[i]], size.width)
        left = [0.0, *accumulate(w + gap for w, gap in zip(widths[:-1], plan.gaps, strict=True))]
        right = [a + w for a, w in zip(left, widths, strict=True)]
        y = _moved(plan, sizes)
        x = [left[c] for c in plan.column]
        for i, (made, size) in enumerate(zip(plan.nodes, sizes, strict=True)):
            if made.end.kind == "leaf":
                x[i] = right[plan.column[i]] - size.width
        top = min((y[i] - s.up for i, s in enumerate(sizes)), default=0.0)
        bottom = max((y[i] + s.down for i, s in enumerate(sizes)), default=0.0)
        top, bottom = min([top, *y]), max([bottom, *y])
        walls = {(made.end.kind, made.end.wire.serial): y[i] for i, made in enumerate(plan.nodes) if made.item is None}
        middle = walls["out", box.outputs[0].serial] if box.outputs and box.parent is not None else (top + bottom) / 2
        placed = Placed(plan, sizes, x, y, left, right, top, bottom, middle)
        if box.parent is not None:
            placed.ins = [walls["in", w.serial] - middle for w in box.inputs]
            placed.outs = [walls["out", w.serial] - middle for w in box.outputs]
        return placed

    def size(self, made: Node, opened: Callable[[Item], bool]) -> Size:
        """A node as it stands now: folded, or with its inside."""
        item = made.item
        if item is None or not item.items or not opened(item):
            up, down = made.reach()
            return Size(made.inset + made.width + made.tail, up, down, made.ins, made.outs)
        inner = self.place(item, opened)
        up, down = inner.middle - inner.top + TITLE, inner.bottom - inner.middle + FLOOR
        ends = [*zip(inner.ins, made.entries, strict=True), *zip(inner.outs, made.open_tails, strict=True)]
        up = max([up, *(tail.up - y for y, tail in ends)])
        down = max([down, *(tail.down + y for y, tail in ends)])
        width = made.inset + max(inner.width + 2 * WALL, made.width) + made.open_tail
        return Size(width, up, down, inner.ins, inner.outs, inner)


def _exchange(made: Ranked, nodes: list[Node]) -> None:
    """Plug the two wires of an add, mul, max or min gate in the way they arrive, so that they do not cross."""
    place = {v: i for column in made.columns for i, v in enumerate(column)}
    for v, one in enumerate(nodes):
        ends = made.left[v]
        if one.commutes and len(ends) == 2:
            (u, s), (w, t) = ends
            arrive = (place[u], s.off_a) < (place[w], t.off_a)
            if u != w and arrive != (s.off_b < t.off_b):
                one.ins.reverse()
                s.off_b, t.off_b = t.off_b, s.off_b


def _moved(plan: Plan, sizes: list[Size]) -> list[float]:
    """The lines of a plan, moved apart where boxes stand open."""
    above: dict[float, float] = {}
    below: dict[float, float] = {}
    for i, size in enumerate(sizes):
        if size.inside is not None:
            y = round(plan.line[i], 3)
            up, down = plan.nodes[i].reach()
            above[y] = max(above.get(y, 0.0), size.up - up)
            below[y] = max(below.get(y, 0.0), size.down - down)
    if not above:
        return list(plan.line)
    keys = sorted(above)
    ups, downs = ([0.0, *accumulate(side[key] for key in keys)] for side in (above, below))
    lines = [round(y, 3) for y in plan.line]
    return [y + ups[bisect_right(keys, r)] + downs[bisect_left(keys, r)] for y, r in zip(plan.line, lines, strict=True)]
