"""The table of a network: layers, settings, shapes and counts, within 80 columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassgrad.nn.layer import Layer

WIDTH = 80


HEAD = ("layer", "settings", "parameters", "count")


def table(net: Layer) -> str:
    """One line a layer, and the sum; frozen parameters are counted apart."""
    return _text([HEAD, *rows_of(net)])


def rows_of(net: Layer) -> list[tuple[str, ...]]:
    """The table under its `HEAD`: each layer with its settings, its parameters with their shapes, and their count."""
    rows: list[tuple[str, ...]] = []
    own: dict[int, list[tuple[str, Any]]] = {}
    for _, owner, name, part in net._slots():
        own.setdefault(id(owner), []).append((name, part))
    for path, layer in [("", net), *net.named_layers()]:
        parts = own.get(id(layer), [])
        if not parts and layer.layers():
            continue
        title = f"{path}.{type(layer).__name__}" if path else type(layer).__name__
        shapes = ", ".join(f"{name} {_shape(p)}" + (" frozen" if p.frozen else "") for name, p in parts)
        count = sum(math.prod(p.shape) for _, p in parts)
        rows.append((title, layer.settings(), shapes, f"{count:,}" if parts else ""))
    dtypes = sorted({str(p.dtype) for parts in own.values() for _, p in parts})
    total, learns = net.count(), net.count(trainable=True)
    kinds = ", ".join(dtypes) + ("" if learns == total else f"; {learns:,} learn")
    rows.append(("in all", "", kinds, f"{total:,}"))
    return rows


def _shape(p: Any) -> str:
    return str(tuple(p.shape))


def _text(rows: list[tuple[str, ...]]) -> str:
    """Columns two spaces apart, the last one to the right; the widest of the others gives way."""
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    while sum(widths) + 6 > WIDTH:
        widest = max(range(3), key=lambda i: widths[i])
        widths[widest] -= 1
    lines = []
    for row in rows:
        cells = [_cut(cell, width).ljust(width) for cell, width in zip(row[:3], widths, strict=False)]
        lines.append("  ".join([*cells, row[3].rjust(widths[3])]).rstrip())
    return "\n".join(lines)


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"
