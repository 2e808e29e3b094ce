"""A picture as a page: every box folded and open, a card for every gate and wire, a script that opens and closes."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import Any

from glassgrad.views.picture.cards import card
from glassgrad.views.picture.nodes import Node, Tail
from glassgrad.views.picture.plans import FLOOR, TITLE, WALL, Plan, Planner
from glassgrad.views.picture.script import SCRIPT
from glassgrad.views.picture.style import rules
from glassgrad.views.picture.svg import MARGIN, Sheet, sheet
from glassgrad.views.picture.tree import Item, walk

_KINDS = {"item": 0, "leaf": 1, "in": 2, "out": 3}

_STYLE = """
& { position: relative; color: var(--ink); background: var(--paper); font-family: FONT; }
& .gg-stage { overflow: auto; }
&.gg-page { display: flex; flex-direction: column; height: 100vh; }
&.gg-page .gg-stage { flex: 1; min-height: 0; }
&.is-live .gg-stage { overflow: hidden; cursor: grab; touch-action: none; user-select: none; }
&.is-live svg { display: block; width: 100%; height: 100%; }
& .node > .inside, & .node.is-open > .face { display: none; } & .node.is-open > .inside { display: inline; }
&.is-live .node { cursor: pointer; outline: none; } &.is-live .node.is-open { cursor: grab; }
&.is-live .name { cursor: pointer; }
& .node:focus-visible > .face > rect, & .node.is-told > .face > rect { stroke-width: 3; }
& .node.is-told > .inside > .open { stroke-width: 2; }
& .hit { fill: none; stroke: transparent; stroke-width: 11; cursor: pointer; }
& .wires > g:hover .wire { stroke: var(--ink); stroke-width: 2.4; }
& .gg-bar { display: none; position: absolute; right: 12px; top: 12px; gap: 6px; z-index: 1; }
&.is-live .gg-bar { display: flex; }
& button { font: 12.5px FONT; color: var(--ink); background: var(--card); border: 1px solid var(--line);
  border-radius: 7px; padding: 4px 9px; cursor: pointer; }
& button:hover { border-color: var(--wire); }
& .gg-card { position: absolute; right: 12px; bottom: 12px; width: min(25rem, calc(100% - 24px)); max-height: 70%;
  overflow: auto; box-sizing: border-box; background: var(--card); border: 1px solid var(--line); border-radius: 11px;
  padding: 11px 15px; font-size: 13px; line-height: 1.5; box-shadow: 0 6px 24px rgba(0, 0, 0, .16); z-index: 1; }
& .gg-card[hidden] { display: none; }
& .gg-card button { float: right; border: 0; font-size: 17px; padding: 0 4px; background: none; }
& .gg-card p { margin: 3px 0; overflow-wrap: anywhere; color: var(--ink); } & .gg-card b { font-weight: 600; }
& .gg-card .k-title { font-size: 15px; font-weight: 600; margin-bottom: 4px; }
& .gg-card .k-soft { color: var(--soft); }
& .gg-card .k-value { color: var(--value); } & .gg-card .k-gradient { color: var(--gradient); }
& .gg-card .k-wrong { color: var(--gradient); font-weight: 600; } & .gg-card .k-right { color: var(--green); }
& .gg-card .k-source { font: 12px MONO; border-top: 1px solid var(--line); padding-top: 6px; margin-top: 8px; }
"""


def page(planner: Planner, opened: Callable[[Item], bool], title: str, note: str) -> str:
    """A whole page: one file that needs nothing beside it."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">",
            f"<title>{escape(title)}</title>",
            "<style>body { margin: 0; }</style>",
            "</head>",
            "<body>",
            fragment(planner, opened, title, note, "gg-page"),
            "</body>",
            "</html>",
            "",
        ]
    )


def fragment(planner: Planner, opened: Callable[[Item], bool], title: str, note: str, kind: str = "gg-cell") -> str:
    """The part of a page that is the picture; a notebook shows it as it is."""
    made = sheet(planner, opened, title, note, live=True)
    data = json.dumps(_data(planner, opened, made), ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")
    buttons = (("open", "unfold all"), ("fold", "fold all"), ("fit", "fit"), ("more", "+"), ("less", "−"))
    bar = "".join(f'<button type="button" data-do="{do}">{said}</button>' for do, said in buttons)
    return (
        f'<div class="gg-picture gg-live {kind}">\n<style>{rules(_STYLE, ".gg-live")}</style>\n'
        f'<div class="gg-bar">{bar}</div>\n<div class="gg-stage">\n{made.svg}\n</div>\n'
        '<aside class="gg-card" hidden=""></aside>\n'
        f'<script type="application/json">{data}</script>\n'
        f"<script>{SCRIPT}</script>\n</div>"
    )


def _data(planner: Planner, opened: Callable[[Item], bool], made: Sheet) -> dict[str, Any]:
    """All that the script needs: the plans of all boxes, the cards of all nodes."""
    boxes = [item for item in walk(planner.facts.root) if item.items or item.parent is None]
    cards = {}
    for box in boxes:
        for i, one in enumerate(planner.plan(box).nodes):
            if one.end.kind in ("item", "leaf"):
                cards[f"{box.number}-{i}"] = card(planner.facts, one.item, one.end.wire)
    return {
        "boxes": {box.number: _plan(planner.plan(box)) for box in boxes},
        "open": [box.number for box in boxes if box.parent is not None and opened(box)],
        "cards": cards, "wall": WALL, "title": TITLE, "floor": FLOOR, "margin": MARGIN,
        "head": made.head, "deep": made.deep, "least": made.least, "size": [made.width, made.height],
    }  # fmt: skip


def _plan(plan: Plan) -> dict[str, Any]:
    """A plan as the script reads it: the numbers of `Node` by single letters."""
    number = {(n.end.kind, n.end.wire.serial): i for i, n in enumerate(plan.nodes) if n.item is None}
    top = plan.box.parent is None
    return {
        "nodes": [_node(plan, i, made) for i, made in enumerate(plan.nodes)],
        "places": [[c, round(y, 3)] for c, y in zip(plan.column, plan.line, strict=True)][len(plan.nodes) :],
        "gaps": [round(gap, 2) for gap in plan.gaps],
        "pieces": [[p.strand, p.a, p.out, p.b, p.socket] for p in plan.pieces],
        "ins": [] if top else [number["in", w.serial] for w in plan.box.inputs],
        "outs": [] if top else [number["out", w.serial] for w in plan.box.outputs],
    }


def _node(plan: Plan, i: int, made: Node) -> dict[str, Any]:
    up, down = made.reach()
    said = {
        "c": plan.column[i], "y": round(plan.line[i], 3), "i": round(made.inset, 2), "w": round(made.width, 2),
        "t": round(made.tail, 2), "o": round(made.open_tail, 2), "u": round(up, 2), "d": round(down, 2),
        "n": [round(y, 2) for y in made.ins], "m": [round(y, 2) for y in made.outs], "k": _KINDS[made.end.kind],
    }  # fmt: skip
    if made.item is not None and made.item.items:
        said |= {"b": made.item.number, "e": _reach(made.entries), "q": _reach(made.open_tails)}
    return said


def _reach(tails: list[Tail]) -> list[list[float]]:
    return [[round(t.up, 2), round(t.down, 2)] for t in tails]
