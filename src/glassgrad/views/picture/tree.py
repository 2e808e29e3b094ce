"""What is drawn in one box: groups in groups, repeated layers, and long runs of gates cut into pieces.

Every item is a stretch of gates that follow one another in the graph's order. So items of one box never wait for
each other in a circle, and any of them can be folded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from glassgrad.graphs import Graph
from glassgrad.graphs import Row as Gates
from glassgrad.ops import COMPOSITIONS
from glassgrad.views.table import MANY
from glassgrad.wire import Group

MOST = 120
"""A box with more items than this is cut into pieces."""
PIECE = 40
"""About so many items, or pieces, a cut box holds."""
PERIOD = 64
"""The longest repeated stretch that is looked for."""


class Item:
    """A gate, or a box of items: a group, a repeated stretch ("repeat"), or a piece of a long run ("piece").

    Attributes
    ----------
    title : str
        The group's name, ``Linear · ReLU ×3``, or the first and last wire of a piece.
    gates : list of Wire
        All gates in it, in order; a gate of several outputs is followed by its parts.
    items : list of Item
        What stands in the box; empty for a gate.
    group : Group
        The group folded here; for repeats and pieces one made for them.
    inputs, outputs : list of Wire
        The wires that come in from outside, and those that go out; filled by `connected`.
    """

    __slots__ = ("depth", "gates", "group", "inputs", "items", "kind", "number", "outputs", "parent", "title")

    def __init__(self, kind: str, title: str, gates: list[Any], items: list[Item], group: Group | None = None) -> None:
        self.kind, self.title, self.gates, self.items = kind, title, gates, items
        self.group = group if group is not None or kind == "gate" else Group(title, None)
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.parent: Item | None = None
        self.depth = self.number = 0

    @property
    def row(self) -> Gates:
        """The gates of a box as one row of the graph."""
        return Gates(self.group, self.gates)

    @property
    def count(self) -> int:
        """How many gates, parts of one gate not counted."""
        return sum(gate.op.name != "part" for gate in self.gates)


def tree(graph: Graph) -> Item:
    """The whole graph as one item."""
    paths = [(gate, gate.group.path if gate.group is not None else ()) for gate in graph.gates]
    items = _nested(paths, 0)
    signs = _Signs()
    root = Item("graph", "", graph.gates, items)
    stack = [root]
    numbered = 0
    while stack:
        item = stack.pop()
        item.number = numbered
        numbered += 1
        if item.kind in ("graph", "group"):
            kept = _repeats(item.items, signs)
            item.items = _cut(kept, lambda low, high, kept=kept: _span(graph, kept[low - 1], kept[high - 1]))
        for inner in item.items:
            inner.parent, inner.depth = item, item.depth + 1
        stack.extend(reversed(item.items))
    return root


def _span(graph: Graph, first: Item, last: Item) -> str:
    """What a piece of a long run is called: its first and its last wire."""
    return f"{graph.name(first.gates[0])} … {graph.name(last.gates[-1])}"


def walk(item: Item) -> Iterable[Item]:
    """An item and everything in it, boxes before what they hold."""
    stack = [item]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(reversed(found.items))


def _nested(paths: Sequence[tuple[Any, tuple[Group, ...]]], depth: int) -> list[Item]:
    """Items of one box: its own gates, and its groups, each from gates that follow one another."""
    items: list[Item] = []
    start = 0
    while start < len(paths):
        gate, path = paths[start]
        end = start + 1
        if len(path) <= depth:
            if gate.op.name == "part" and items and items[-1].gates[0] is gate.operands[0]:
                items[-1].gates.append(gate)
            else:
                items.append(Item("gate", gate.op.name, [gate], []))
        else:
            while end < len(paths) and paths[end][1][depth : depth + 1] == path[depth : depth + 1]:
                end += 1
            inner = _nested(paths[start:end], depth + 1)
            group = path[depth]
            if len(inner) == 1 and inner[0].kind == "gate":
                items.append(inner[0])
            elif len(inner) == 1:
                items.append(Item("group", group.name, inner[0].gates, inner[0].items, group))
            else:
                items.append(Item("group", group.name, [g for i in inner for g in i.gates], inner, group))
        start = end
    return items


class _Signs:
    """Numbers that are equal for items that do the same: gates on the same shapes, boxes of the same items."""

    def __init__(self) -> None:
        self.known: dict[Any, int] = {}

    def __call__(self, item: Item) -> int:
        if item.kind == "gate":
            gate = item.gates[0]
            said: Any = (gate.op.name, gate.shape, gate.dtype.str, len(gate.operands))
        else:
            said = (_bare(item.title), tuple(self(inner) for inner in item.items))
        return self.known.setdefault(said, len(self.known))


def _bare(name: str) -> str:
    """A layer's name without its place: ``0.Linear`` is Linear."""
    return re.sub(r"^\d+\.", "", name)


def _repeats(items: list[Item], signs: Callable[[Item], int]) -> list[Item]:
    """The items with repeated stretches as one item each, the longest first."""
    n = len(items)
    if n < 2:
        return items
    sign = [signs(item) for item in items]
    same = {p: _matches(sign, p) for p in range(1, min(PERIOD, n // 2) + 1)}
    result: list[Item] = []
    at = 0
    while at < n:
        covered, period = 0, 0
        for p, runs in same.items():
            times = runs[at] // p + 1 if at + p < n else 1
            if times > 1 and times * p > covered and _worth(items[at : at + p], times):
                covered, period = times * p, p
        if covered == n:
            return items
        if not covered:
            result.append(items[at])
            at += 1
            continue
        result.append(_repeat(items[at : at + covered], period))
        at += covered
    return result


def _matches(sign: list[int], period: int) -> list[int]:
    """For every place, how many places from there on are like those `period` later."""
    runs = [0] * (len(sign) - period + 1)
    for i in range(len(sign) - period - 1, -1, -1):
        runs[i] = runs[i + 1] + 1 if sign[i] == sign[i + period] else 0
    return runs


def _worth(block: list[Item], times: int) -> bool:
    """Layers are folded when they come twice; single gates when there are many of them in a row."""
    layers = any(item.kind == "group" and _bare(item.title) not in COMPOSITIONS for item in block)
    return layers or (times > 2 and times * sum(len(item.gates) for item in block) >= MANY)


def _repeat(items: list[Item], period: int) -> Item:
    times = len(items) // period
    names = [_bare(item.title) for item in items[:period]]
    shown = " · ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]}"
    if period > 1 and len(items) > MOST:
        items = [
            _piece(items[i : i + period], f"step {i // period + 1} of {times}") for i in range(0, len(items), period)
        ]
    cut = _cut(items, lambda low, high: f"steps {low} – {high}")
    return Item("repeat", f"{shown} ×{times}", [g for item in items for g in item.gates], cut)


def _piece(items: list[Item], title: str) -> Item:
    return Item("piece", title, [g for item in items for g in item.gates], items)


def _cut(items: list[Item], title: Callable[[int, int], str]) -> list[Item]:
    """At most `MOST` items: more are cut into pieces, and those again, until every box is small."""
    ends = [(i, i) for i in range(1, len(items) + 1)]
    while len(items) > MOST:
        size = max(PIECE, math.isqrt(len(items)) + 1) if len(items) <= PIECE * PIECE else PIECE
        starts = range(0, len(items), size)
        spans = [(ends[i][0], ends[min(i + size, len(ends)) - 1][1]) for i in starts]
        items = [_piece(items[i : i + size], title(*span)) for i, span in zip(starts, spans, strict=True)]
        ends = spans
    return items
