"""What a page says of a gate or wire that was clicked: formula, local × upstream = gradient, source line, checks."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from glassgrad.errors import Location
from glassgrad.views import numbers
from glassgrad.views.picture.facts import Facts
from glassgrad.views.picture.tree import Item
from glassgrad.views.table import Handed, Row

Line = tuple[str, str, str]
"""A kind ("value", "gradient", "soft", "" …), a heading and a text."""


def card(facts: Facts, item: Item | None, wire: Any = None) -> list[Line]:
    """The lines of one card; the first is its title."""
    row = facts.row(item) if item is not None else facts.leaf(wire)
    title = f"{row.name} = {row.formula}" if row.formula else row.name
    lines: list[Line] = [("title", "", title)]
    if item is not None and item.kind in ("repeat", "piece"):
        lines[0] = ("title", "", item.title)
    gates = f", {item.count:,} gates" if item is not None and item.items else ""
    lines.append(("soft", "", f"{row.gate}{gates}" + (f": {row.meaning}" if row.meaning else "")))
    lines += _numbers(row)
    lines += [line for handed in row.handed for line in _handed(handed)]
    lines += _checks(facts, item)
    if row.note:
        lines.append(("soft", "", row.note))
    if row.location is not None:
        where, said = _source(row.location)
        lines.append(("source", where, said))
    return lines


def _numbers(row: Row) -> list[Line]:
    wire = row.wire
    if wire.parts is not None:
        return [("soft", "results", str(len(wire.parts)))]
    lines: list[Line] = []
    if row.value is not None:
        lines.append(("value", "value", numbers.array(row.value)))
    if row.gradient is not None:
        lines.append(("gradient", "gradient", numbers.array(row.gradient)))
    shape = f"shape {numbers.shape(wire.shape)}, " if wire.shape else ""
    return [*lines, ("soft", "", f"{shape}{wire.dtype}")]


def _handed(handed: Handed) -> list[Line]:
    """What is handed back to one operand."""
    head = f"→ {handed.to}"
    if handed.reason:
        return [("", head, f"no gradient: {handed.reason}")]
    if handed.gradient is None or isinstance(handed.gradient, list):
        return [("", head, handed.derivative)] if handed.derivative else []
    given = numbers.array(handed.gradient)
    if handed.local is None or isinstance(handed.upstream, list):
        said = f"= {given}"
    else:
        said = f"{numbers.array(handed.local)} × {numbers.array(handed.upstream)} = {given}"
    lines: list[Line] = []
    local = handed.local
    plain = local is not None and np.ndim(local) == 0 and handed.derivative == numbers.array(local)
    if handed.derivative and not plain:
        lines.append(("", head, f"local gradient {handed.derivative}"))
        head = ""
    lines.append(("gradient", head, said))
    if handed.jacobian:
        lines.append(("soft", "", handed.jacobian))
    return lines


def _checks(facts: Facts, item: Item | None) -> list[Line]:
    """What the gradient check found at a gate; of a box, what is wrong in it."""
    checks = facts.checks(item) if item is not None else []
    if item is not None and item.items:
        checks = [c for c in checks if c.verdict in ("wrong", "not finite")]
    return [
        (
            "wrong" if c.verdict in ("wrong", "not finite") else "right",
            f"{c.part} {c.operand}".strip(),
            f"{c.verdict}: analytic {c.analytic:.7g}, numerical {c.numerical:.7g}, relative error {c.error:.1e}",
        )
        for c in checks
    ]


@functools.lru_cache(4096)
def _source(location: Location) -> tuple[str, str]:
    return str(location), location.text
