"""What stands in a picture: gates, boxes of gates and the wires from outside, each with its labels and its size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.views import formulas, numbers
from glassgrad.views.picture.arrays import described, drawn
from glassgrad.views.picture.facts import Facts
from glassgrad.views.picture.links import End, Inside
from glassgrad.views.picture.marks import Mark, bounds, circle, rect, stroke, text
from glassgrad.views.picture.measure import shortened, text_width
from glassgrad.views.picture.style import PATTERN_COLORS
from glassgrad.views.picture.tree import Item

PITCH = 18.0
"""From one socket to the next."""
BESIDE = 5.0
"""From a wire to what is written along it."""
NAME = 150.0
"""The most room that a name gets."""
PLUS = 7.0
"""The radius of the circle in which gradients add."""
FEW = 3
"""Up to so many parts of a gradient are written out as a sum."""

SYMBOLS = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@", "maximum": "max", "minimum": "min",
    "exp": "exp", "sum": "Σ", "relu": "ReLU", "sigmoid": "σ", "identity": "copy", "stop_gradient": "stop",
    "transpose": "xᵀ", "einsum": "einsum", "softplus": "softplus", "broadcast_to": "broadcast", "cast": "cast",
    "mean": "mean", "reciprocal": "1/x",
}  # fmt: skip
"""What is written into a gate where that is not its formula."""
_COMMUTE = ("add", "multiply", "maximum", "minimum")
_INFIX = ("add", "subtract", "multiply", "divide")


@dataclass(eq=False, slots=True)
class Tail:
    """What stands at the right of a socket, along the wire: marks from where the wire leaves, and their width."""

    marks: list[Mark] = field(default_factory=list)
    width: float = 0.0
    up: float = field(init=False)
    down: float = field(init=False)

    def __post_init__(self) -> None:
        """Set how far it reaches above and below the wire."""
        _, top, _, self.down = bounds(self.marks)
        self.up = -top


@dataclass(eq=False, slots=True)
class Node:
    """One thing in a box, folded: its face, the sockets at its left and right, and what is written beside them.

    ``entries`` are the marks before each socket at the left, which need `inset` pixels; ``tails`` what stands behind
    each socket at the right, ``open_tails`` the same while the box stands open. ``ins`` and ``outs`` are the heights
    of the sockets above (negative) or below the node's line.
    """

    end: End
    face: list[Mark] = field(default_factory=list)
    width: float = 0.0
    entries: list[Tail] = field(default_factory=list)
    inset: float = 0.0
    tails: list[Tail] = field(default_factory=list)
    open_tails: list[Tail] = field(default_factory=list)
    ins: list[float] = field(default_factory=list)
    outs: list[float] = field(default_factory=list)
    _reach: tuple[float, float] | None = None

    @property
    def item(self) -> Item | None:
        """The gate or box that it is; None for a wire."""
        return self.end.item

    @property
    def wires(self) -> list[Any]:
        """The wires behind the sockets at the right."""
        return self.end.item.outputs if self.end.item is not None else [self.end.wire]

    @property
    def commutes(self) -> bool:
        """Whether it is a gate whose two wires may be plugged in either way."""
        item = self.end.item
        return item is not None and not item.items and len(self.ins) == 2 and item.gates[0].op.name in _COMMUTE

    def socket(self, wire: Any) -> int:
        """The number of the socket at the right that a wire comes from."""
        return next(i for i, w in enumerate(self.wires) if w is wire)

    def out(self, wire: Any) -> float:
        """The height of that socket."""
        return self.outs[self.socket(wire)]

    @property
    def tail(self) -> float:
        """Room that the tails need."""
        return max((t.width for t in self.tails), default=0.0)

    @property
    def open_tail(self) -> float:
        """Room that the tails need while the box stands open."""
        return max((t.width for t in self.open_tails), default=0.0)

    def reach(self) -> tuple[float, float]:
        """How far it reaches above and below its line, folded."""
        if self._reach is None:
            self._reach = self._measured()
        return self._reach

    def _measured(self) -> tuple[float, float]:
        _, top, _, bottom = bounds(self.face)
        ups, downs = [-top], [bottom]
        for y, mark in [*zip(self.ins, self.entries, strict=True), *zip(self.outs, self.tails, strict=True)]:
            ups.append(mark.up - y)
            downs.append(mark.down + y)
        return max(ups), max(downs)


Order = tuple[list[int], list[int]]
"""The numbers of the sockets at the left and at the right, from top to bottom."""


def node(facts: Facts, inside: Inside, end: End, order: Order | None = None) -> Node:
    """One end of a box as it is drawn; `order` is that of its sockets where it is not the items' own."""
    made = Node(end)
    if end.item is not None:
        item = end.item
        _item(facts, inside, made, item, order or (list(range(len(item.inputs))), list(range(len(item.outputs)))))
    elif end.kind == "leaf":
        _leaf(facts, inside, made, end.wire)
    elif end.kind == "in":
        made.tails, made.outs = [_branch(facts, inside, end.wire, 6.0)], [0.0]
    else:
        made.entries, made.ins = [Tail()], [0.0]
    return made


def _item(facts: Facts, inside: Inside, made: Node, item: Item, order: Order) -> None:
    box = item.kind != "gate"
    for socket in range(len(item.inputs)):
        made.entries.append(_entry(facts, inside, item, socket))
    made.inset = max((e.width for e in made.entries), default=0.0)
    made.tails = [_label(facts, inside, w) for w in item.outputs]
    made.open_tails = [_branch(facts, inside, w, 4.0) for w in item.outputs] if box else []
    made.ins = _sockets([(max(PITCH / 2, e.up + 2), max(PITCH / 2, e.down + 2)) for e in made.entries], order[0])
    made.outs = _sockets([(t.up + 4, t.down + 4) for t in made.tails], order[1])
    height = max([40.0, *(2 * abs(y) + PITCH for y in (*made.ins, *(made.outs if len(made.outs) > 1 else ())))])
    made.face, made.width = (_box if box else _gate)(facts, item, height)
    verdict, error = facts.verdict(item)
    if verdict:
        sign, css = ("✓", "right") if verdict == "right" else ("✗", "wrong")
        x, y = made.width - 1, -height / 2
        made.face += [circle(x, y, 8, f"badge {css}"), text(x, y + 4, sign, "middle badge-text", 11)]
    if error:
        made.face.append(text(made.width / 2, height / 2 + 14, error, "middle wrong-text", 10))


def _sockets(rooms: list[tuple[float, float]], order: list[int]) -> list[float]:
    """Heights of sockets that need so much room above and below each, around the line; one alone is on the line."""
    at = -sum(up + down for up, down in rooms) / 2
    heights = [0.0] * len(rooms)
    for socket in order if len(rooms) > 1 else ():
        up, down = rooms[socket]
        heights[socket] = at + up
        at += up + down
    return heights


def symbol(facts: Facts, item: Item) -> str:
    """What is written into a gate: a sign, a short formula, or the gate's name."""
    gate = item.gates[0]
    op, operands = gate.op, gate.operands
    numbered = [numbers.number(x._value) if facts.unseen(x) else "" for x in operands]
    if len(operands) == 2 and op.name in _INFIX and sum(map(bool, numbered)) == 1:
        sign = SYMBOLS[op.name]
        first, second = numbered
        commutes = op.name in ("add", "multiply")
        return f"{sign} {second or first}" if second or commutes else f"{first} {sign} x"
    if op.name in SYMBOLS:
        return SYMBOLS[op.name]
    if len(item.inputs) == 1:
        written = formulas.formula(op, [n or "x" for n in numbered])
        if len(written) <= 9 and not written.startswith(op.name):
            return written
    return op.name


def _gate(facts: Facts, item: Item, height: float) -> tuple[list[Mark], float]:
    pattern = item.gates[0].op.explain.pattern
    said = shortened(symbol(facts, item), 15, NAME)
    width = max(text_width(said, 15) + 18, text_width(pattern, 9.5) + 14, 44.0)
    css = f"gate c-{PATTERN_COLORS[pattern]}"
    marks = [
        rect(0, -height / 2, width, height, css, 9),
        text(width / 2, 1.5, said, "middle strong" if len(said) == 1 else "middle", 15),
        text(width / 2, 14, pattern, f"middle pattern c-{PATTERN_COLORS[pattern]}", 9.5),
    ]
    return marks, width


def _box(facts: Facts, item: Item, height: float) -> tuple[list[Mark], float]:
    said = shortened(item.title, 12.5, 1.6 * NAME)
    count = f"{item.count:,} gate{'' if item.count == 1 else 's'}"
    width = max(text_width(said, 12.5, bold=True), text_width(count, 10)) + 26
    height = max(height, 42.0)
    behind = [
        rect(d, -height / 2 + d, width, height, "group behind", 9) for d in ((6, 3) if item.kind != "group" else (3,))
    ]
    return [
        *behind,
        rect(0, -height / 2, width, height, "group", 9),
        text(width / 2, -1, said, "middle strong", 12.5),
        text(width / 2, 13, count, "middle soft", 10),
    ], width


def _leaf(facts: Facts, inside: Inside, made: Node, wire: Any) -> None:
    row = facts.leaf(wire)
    named = shortened(wire.name or ("constant" if row.kind == "constant" else row.name), 13, NAME)
    made.width = text_width(named, 13, bold=True) + 18
    made.face = [
        rect(0, -13, made.width, 26, f"leaf {row.kind}", 13),
        text(made.width / 2, 4.5, named, "middle strong", 13),
    ]
    made.tails, made.outs = [_label(facts, inside, wire, note="no path" if row.note else "")], [0.0]


def _label(facts: Facts, inside: Inside, wire: Any, note: str = "") -> Tail:
    """Along a wire: its name and value above, its gradient below, and where it branches the plus of the gradients."""
    x, y = 8.0, -BESIDE
    leaf = facts.is_leaf(wire)
    made: list[Mark] = []
    name = "" if leaf or not wire.name else shortened(wire.name, 12, NAME)
    if wire._value is None or wire.parts is not None:
        made.append(text(x, y - 1, f"{name}: {described(wire)}" if name else described(wire), "soft"))
    elif np.ndim(wire._value) == 0:
        made.append(text(x, y - 1, numbers.number(wire._value), "value", before=f"{name} = " if name else ""))
    else:
        value = drawn(wire._value, x, y, "value", above=True)
        if name:
            made.append(text(x, (bounds(value)[1] + y) / 2 + 4, f"{name} =", "soft"))
            value = [m.moved(bounds(made)[2] - x + 4, 0) for m in value]
        made += value
    parts = facts.added(inside.item, wire)
    gradient = facts.gradient(wire) if wire.parts is None else None
    if note and (gradient is None or not np.any(gradient)):
        made.append(text(x, BESIDE + 10, note, "soft", 10.5))
    elif gradient is not None:
        made += _sum(parts, gradient, x)
    right = bounds(made)[2]
    if parts:
        right = max(right + 6 + PLUS, x + 20)
        made += _plus(right)
        right += PLUS
    return Tail(made, max(right + 6, 30.0))


def _branch(facts: Facts, inside: Inside, wire: Any, x: float) -> Tail:
    """Behind a wall, where a wire branches: the gradients that add, and the plus."""
    parts = facts.added(inside.item, wire)
    if not parts:
        return Tail()
    whole = sum(parts[1:], start=parts[0])
    made = _sum(parts, whole, x + 2)
    right = bounds(made)[2] + 6 + PLUS
    return Tail([*made, *_plus(right)], right + PLUS + 4)


def _sum(parts: list[Any], gradient: Any, x: float) -> list[Mark]:
    """A gradient below a wire, as a sum where it is one of few numbers."""
    whole = drawn(gradient, x, BESIDE, "gradient", above=False)
    if not parts:
        return whole
    if len(parts) <= FEW and all(np.ndim(p) == 0 for p in parts):
        terms = [numbers.number(p) for p in parts]
        said = " + ".join(f"({t})" if t.startswith("-") and i else t for i, t in enumerate(terms))
        return [text(x, BESIDE + 11, f"{said} = {numbers.number(gradient)}", "gradient")]
    said = f"sum of {len(parts)}"
    return [*whole, text(x, bounds(whole)[3] + 10, said, "gradient", 10)]


def _plus(x: float) -> list[Mark]:
    return [
        circle(x, 0, PLUS, "plus"),
        stroke(x - 3.5, 0, x + 3.5, 0, "plus-sign"),
        stroke(x, -3.5, x, 3.5, "plus-sign"),
    ]


def _entry(facts: Facts, inside: Inside, item: Item, socket: int) -> Tail:
    """Before a socket of a wire that branches: the gradient that is handed back there."""
    wire = item.inputs[socket]
    if not facts.added(inside.item, wire):
        return Tail()
    handed = facts.handed(item, socket)
    if handed.reason or handed.gradient is None or isinstance(handed.gradient, list):
        return Tail()
    marks = drawn(handed.gradient, 4.0, 3.0, "gradient", above=False)
    return Tail(marks, bounds(marks)[2] + 10)
