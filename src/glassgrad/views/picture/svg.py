"""A placed graph as SVG: boxes in boxes, wires between them, a title and a legend."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glassgrad.op import PATTERNS
from glassgrad.views.picture.marks import Mark, bounds, circle, figure, rect, safe, stroke, text
from glassgrad.views.picture.measure import shortened, text_width
from glassgrad.views.picture.nodes import Node, Tail
from glassgrad.views.picture.plans import FLOOR, TITLE, WALL, Placed, Planner, Size
from glassgrad.views.picture.style import PATTERN_COLORS, css
from glassgrad.views.picture.tree import Item

MARGIN = 20.0
LEAST = 440.0
"""No picture is narrower than this inside its margins."""

RULES = """
& .gate { fill: var(--card); stroke: var(--own); stroke-width: 1.5; }
& .pattern { fill: var(--own); }
& .group { fill: var(--card); stroke: var(--ink); stroke-width: 1.3; }
& .group.behind { fill: var(--faint); stroke: var(--wire); stroke-width: 1; }
& .open { fill: var(--ink); fill-opacity: .035; stroke: var(--wire); stroke-width: 1; stroke-dasharray: 5 4; }
& .leaf { fill: var(--faint); stroke: var(--wire); stroke-width: 1; }
& .leaf.parameter { stroke: var(--green); stroke-width: 1.6; } & .leaf.constant { stroke-dasharray: 3 3; }
& .plus { fill: var(--card); stroke: var(--gradient); stroke-width: 1.4; }
& .plus-sign { stroke: var(--gradient); stroke-width: 1.4; }
& .arrow { fill: var(--wire); }
& .cell { stroke: var(--line); stroke-width: .7; } & .frame { fill: none; stroke: var(--wire); stroke-width: .6; }
& .odd { fill: var(--pink); } & .odd-text { fill: var(--pink); }
& .badge.right { fill: var(--green); } & .badge.wrong { fill: var(--gradient); } & .badge-text { fill: var(--card); }
& .wrong-text { fill: var(--gradient); }
& .dot { fill: var(--own); }
& .title { font-weight: 600; }
"""
"""The style of graphs, beside what all pictures share."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole SVG file, and its measures: what is above and below the graph, and how narrow it may be."""

    svg: str
    width: float
    height: float
    head: float
    deep: float
    least: float


def sheet(planner: Planner, opened: Callable[[Item], bool], title: str, note: str, live: bool = False) -> Sheet:
    """The picture of a graph.

    Parameters
    ----------
    planner : Planner
        Who plans its boxes.
    opened : callable
        Which boxes stand open.
    title, note : str
        What stands above it.
    live : bool
        Write every box both folded and open, and name the elements, for a script.
    """
    placed = planner.place(planner.facts.root, opened)
    entries = _entries(planner)
    least = max(LEAST, text_width(title, 15, bold=True), text_width(note, 11.5), *(width for _, width in entries))
    legend, deep = _flowing(entries, max(placed.width, least))
    head = 52.0 if note else 34.0
    width = max(placed.width, least) + 2 * MARGIN
    height = head + placed.bottom - placed.top + deep + 3 * MARGIN
    named = (' data-n="graph"', ' data-n="legend"') if live else ("", "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="gg-picture" viewBox="0 0 {figure(width)} {figure(height)}" '
        f'width="{figure(width)}" height="{figure(height)}" role="img">',
        f"<title>{safe(title)}</title>",
        f"<style>{css(RULES)}</style>",
        f'<rect class="paper" width="{figure(width)}" height="{figure(height)}"/>',
        text(MARGIN, MARGIN + 12, title, "title strong", 15).svg,
        text(MARGIN, MARGIN + 31, note, "soft", 11.5).svg if note else "",
        f'<g{named[0]} transform="translate({figure(MARGIN)},{figure(head + MARGIN - placed.top)})">'
        f"{Writer(planner, opened, live).box(placed)}</g>",
        f'<g{named[1]} class="legend" transform="translate({figure(MARGIN)},{figure(height - MARGIN - deep)})">'
        f"{''.join(m.svg for m in legend)}</g>",
        "</svg>",
    ]
    return Sheet("\n".join(part for part in parts if part), width, height, head, deep, least)


def _entries(planner: Planner) -> list[tuple[list[Mark], float]]:
    """What colours and places mean, each with its width."""
    facts = planner.facts
    entries: list[tuple[list[Mark], float]] = []
    if facts.valued:
        entries.append(_entry(text(0, 0, "value above a wire", "value", 11)))
        if facts.builder.gradients:
            entries.append(_entry(text(0, 0, "gradient below", "gradient", 11)))
            if any(len(s.targets) > 1 for inside in facts.insides.values() for s in inside.strands):
                plus = [
                    circle(6, -4, 6, "plus"), stroke(3, -4, 9, -4, "plus-sign"), stroke(6, -7, 6, -1, "plus-sign"),
                ]  # fmt: skip
                entries.append(_entry(text(17, 0, "a wire that branches adds up its gradients", "soft", 11), *plus))
    used = dict.fromkeys(gate.op.explain.pattern for gate in facts.graph.gates)
    for pattern in used:
        dot = rect(0, -9, 10, 10, f"dot c-{PATTERN_COLORS[pattern]}", 3)
        entries.append(_entry(text(15, 0, f"{pattern}: {PATTERNS[pattern]}", "soft", 11), dot))
    return entries


def _flowing(entries: list[tuple[list[Mark], float]], room: float) -> tuple[list[Mark], float]:
    """The entries in lines of at most `room` pixels, and how deep they are."""
    marks: list[Mark] = []
    x, y = 0.0, 11.0
    for entry, width in entries:
        if x and x + width > room:
            x, y = 0.0, y + 18
        marks += [m.moved(x, y) for m in entry]
        x += width + 22
    return marks, (y + 6 if entries else 0.0)


def _entry(*marks: Mark) -> tuple[list[Mark], float]:
    return list(marks), bounds(marks)[2]


class Writer:
    """Writes boxes and what they hold; both folded and open, and with names, where a script is to change them."""

    def __init__(self, planner: Planner, opened: Callable[[Item], bool], live: bool = False) -> None:
        self.planner, self.opened, self.live = planner, opened, live

    def box(self, placed: Placed) -> str:
        """What a box holds: wires, and over them the nodes."""
        number = placed.plan.box.number
        wires = "".join(self.wire(placed, n, *drawn) for n, drawn in enumerate(paths(placed)))
        nodes = [
            f'<g class="node{" is-open" if self.live and size.inside is not None else ""}"'
            f'{self.named(f"{number}-{i}")} transform="translate({figure(placed.x[i])},{figure(placed.y[i])})">'
            f"{self.node(made, size)}</g>"
            for i, (made, size) in enumerate(zip(placed.plan.nodes, placed.sizes, strict=True))
            if self.live or made.face or any(tail.marks for tail in made.tails)
        ]
        return f'<g class="wires"{self.named(f"w{number}")}>{wires}</g>{"".join(nodes)}'

    def named(self, name: str) -> str:
        """The attribute by which the script finds an element."""
        return f' data-n="{name}"' if self.live else ""

    def wire(self, placed: Placed, number: int, line: str, arrows: str) -> str:
        """One wire of a box, with an arrow wherever it goes into something."""
        wire: Any = placed.plan.wires[number]
        still = "" if wire.active else " still"
        made = f'<path class="wire{still}" d="{line}"/>' if line or self.live else ""
        made += f'<path class="arrow" d="{arrows}"/>' if arrows or self.live else ""
        if not self.live:
            return made
        source = self.sources.get(wire.serial, "")
        return f'<g data-w="{number}" data-c="{source}">{made}</g>' if line else ""

    @functools.cached_property
    def sources(self) -> dict[int, str]:
        """For every wire, by serial number, the name of the gate or leaf that it comes from."""
        found: dict[int, str] = {}
        for box in self.planner.facts.insides:
            for i, made in enumerate(self.planner.plan(box).nodes):
                if made.end.kind == "leaf" or (made.item is not None and not made.item.items):
                    found |= {wire.serial: f"{box.number}-{i}" for wire in made.wires}
        return found

    def node(self, made: Node, size: Size) -> str:
        """One node at its place: what is written before it, its face or its inside, what is written behind it."""
        before = "".join(
            self.shifted(entry, 0, y, "entry", n)
            for n, (entry, y) in enumerate(zip(made.entries, size.ins, strict=True))
        )
        item, inner = made.item, size.inside
        if not self.live:
            return before + (self.face(made) if inner is None else self.inside(made, size, inner))
        parts = [before, f'<g class="face">{self.face(made)}</g>']
        if item is not None and item.items:
            if inner is None:
                size = self.planner.size(made, lambda other: other is item or self.opened(other))
                inner = size.inside
                assert inner is not None
            parts.append(f'<g class="inside">{self.inside(made, size, inner)}</g>')
        return "".join(parts)

    def face(self, made: Node) -> str:
        """A node that is folded, with what is written behind it."""
        face = "".join(m.svg for m in made.face)
        if made.inset and face:
            face = f'<g transform="translate({figure(made.inset)},0)">{face}</g>'
        behind = "".join(
            self.shifted(t, made.inset + made.width, y, "", n)
            for n, (t, y) in enumerate(zip(made.tails, made.outs, strict=True))
        )
        return f"{'' if self.live else self.tip(made)}{face}{behind}"

    def inside(self, made: Node, size: Size, inner: Placed) -> str:
        """An open box: its frame with its name, and in it what it holds."""
        assert made.item is not None
        width = size.width - made.inset - made.open_tail
        top = inner.top - inner.middle - TITLE
        height = inner.bottom - inner.top + TITLE + FLOOR
        frame = rect(made.inset, top, width, height, "open", 12)
        said = shortened(made.item.title, 11.5, (width - 24) / 1.27)
        name = text(made.inset + 12, top + 17, said, "name strong soft", 11.5)
        shift = f'transform="translate({figure(made.inset + WALL)},{figure(-inner.middle)})"'
        behind = "".join(
            self.shifted(t, made.inset + width, y, "tail", n)
            for n, (t, y) in enumerate(zip(made.open_tails, size.outs, strict=True))
        )
        return f"{frame.svg}{name.svg}<g {shift}>{self.box(inner)}</g>{behind}"

    def shifted(self, tail: Tail, x: float, y: float, kind: str, number: int) -> str:
        """What stands beside a socket, at its place."""
        if not tail.marks:
            return ""
        named = f' class="{kind}" data-s="{number}"' if self.live and kind else ""
        return f'<g{named} transform="translate({figure(x)},{figure(y)})">{"".join(m.svg for m in tail.marks)}</g>'

    def tip(self, made: Node) -> str:
        """What a browser shows when the pointer rests on a node."""
        if made.item is None:
            return ""
        row = self.planner.facts.row(made.item)
        said = f"{row.name} = {row.formula}" if row.formula else row.name
        where = f" ({row.location})" if row.location is not None else ""
        return f"<title>{safe(said + (f': {row.meaning}' if row.meaning else '') + where)}</title>"


def paths(placed: Placed) -> list[tuple[str, str]]:
    """For every wire of a box its line and its arrows, as SVG paths."""
    plan, count = placed.plan, len(placed.plan.nodes)
    lines: list[list[str]] = [[] for _ in plan.wires]
    arrows: list[list[str]] = [[] for _ in plan.wires]
    for piece in plan.pieces:
        x1, y1 = placed.left[plan.column[piece.a]], placed.y[piece.a]
        if piece.a < count:
            made, size = plan.nodes[piece.a], placed.sizes[piece.a]
            x1, y1 = placed.x[piece.a] + _start(made, size), y1 + size.outs[piece.out]
        x2, y2 = placed.left[plan.column[piece.b]], placed.y[piece.b]
        end = x2
        if piece.b < count:
            made, size = plan.nodes[piece.b], placed.sizes[piece.b]
            y2 += size.ins[piece.socket]
            end = placed.x[piece.b] + (made.inset if made.item is not None else WALL)
            if made.item is not None and size.inside is None:
                arrows[piece.strand].append(f"M{figure(end)} {figure(y2)}l-6 -3v6z")
        lines[piece.strand].append(curve(x1, y1, placed.right[plan.column[piece.a]], x2, y2, end))
    return [("".join(line), "".join(arrow)) for line, arrow in zip(lines, arrows, strict=True)]


def _start(made: Node, size: Size) -> float:
    """Where the wires of a node begin, from its left edge."""
    if made.end.kind == "in":
        return -WALL
    return size.width - made.open_tail if size.inside is not None else made.inset + made.width


def curve(x1: float, y1: float, bend: float, x2: float, y2: float, end: float) -> str:
    """Level to the end of its column, over the gap in a curve, level to its end."""
    if abs(y1 - y2) < 0.05:
        return f"M{figure(x1)} {figure(y1)}H{figure(end)}"
    middle = figure((bend + x2) / 2)
    level = f"H{figure(bend)}" if bend > x1 else ""
    last = f"H{figure(end)}" if end > x2 else ""
    return (
        f"M{figure(x1)} {figure(y1)}{level}C{middle} {figure(y1)} {middle} {figure(y2)} {figure(x2)} {figure(y2)}{last}"
    )
