"""Tables of the report pages: confusion, scores of classes, columns of a file, weights as bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from glassgrad.views.scores import ClassScores, share, short
from glassgrad.views.telling import Telling

Array = np.ndarray[Any, Any]
_BARS = 10


def confusion_table(counts: Array, names: Sequence[str], corner: str, was: str, said: str) -> str:
    """How often each class (row) was taken for each class (column), with its heading and explanation."""
    totals = counts.sum(axis=1)
    most = max(int((counts - np.diag(np.diag(counts))).max()), 1)
    labels = [escape(short(name, 16)) for name in names]
    rows = [
        f"<tr><th class=corner>{escape(corner)}</th>"
        + "".join(f"<th scope=col>{label}</th>" for label in labels)
        + "<th scope=col>right</th></tr>"
    ]
    for i, name in enumerate(names):
        cells = []
        for j, other in enumerate(names):
            n = int(counts[i, j])
            if not n:
                cells.append("<td class=zero>0</td>")
            elif i == j:
                cells.append(
                    f'<td class=right style="background:rgba(var(--good),{0.45 * n / totals[i]:.2f})">{n}</td>'
                )
            else:
                alpha = 0.2 + 0.4 * n / most
                told = escape(f"{name} read as {other}", quote=True)
                cells.append(f'<td title="{told}" style="background:rgba(var(--bad),{alpha:.2f})">{n}</td>')
        right = _right(int(counts[i, i]), int(totals[i]))
        rows.append(f"<tr><th scope=row>{labels[i]}</th>{''.join(cells)}<td class=share>{right}</td></tr>")
    return (
        f"<h2>Confusion</h2>\n<p>Held-out examples: each row is a class {escape(was)}, each column what "
        f'{escape(said)}. Blue is right, orange is wrong.</p>\n<div class="scroll"><table class="confusion">'
        f"{''.join(rows)}</table></div>"
    )


def _right(n: int, rows: int) -> str:
    """A share of whole per cent, which are a hundred only where all are right."""
    if not rows:
        return "–"
    return f"{n / rows:.0%}" if n == rows or n / rows < 0.995 else f"{math.floor(1000 * n / rows) / 10:.1f}%"


def class_table(scores: ClassScores, most: int) -> str:
    """Precision, recall and F1 of each class, the most frequent first where there are more than `most`."""
    order = range(len(scores.classes))
    if len(scores.classes) > most:
        order = np.argsort(-scores.counts.sum(axis=1), kind="stable")[:most]
    rows = ["<tr><th>class</th><th>precision</th><th>recall</th><th>F1</th><th>rows</th></tr>"]
    for i in order:
        shares = "".join(f"<td>{share(float(x[i]))}</td>" for x in (scores.precision, scores.recall, scores.f1))
        name = escape(short(scores.classes[i], 40))
        rows.append(f"<tr><th scope=row>{name}</th>{shares}<td>{int(scores.counts[i].sum()):,}</td></tr>")
    more = f" The {most} most frequent of {len(scores.classes)} classes." if len(scores.classes) > most else ""
    return (
        '<p class="note">Precision: of the rows said to be of a class, how many are. Recall: of the rows of a class, '
        f'how many were found.{more}</p>\n<div class="scroll"><table class="plain">{"".join(rows)}</table></div>'
    )


def columns_table(rows: Sequence[tuple[str, str]]) -> str:
    """Two columns: what, and what was done with it."""
    cells = "".join(f"<tr><th scope=row>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows)
    return f'<div class="scroll"><table class="plain words">{cells}</table></div>'


def counts_bars(rows: Sequence[tuple[str, int]]) -> str:
    """How many rows each class has, as bars."""
    total, most = sum(n for _, n in rows), max(n for _, n in rows)
    bars = [
        f'<li><span>{escape(short(name, 40))}</span><i style="width:{100 * n / most:.1f}%"></i>'
        f"<b>{n:,} <small>{share(n / total)}</small></b></li>"
        for name, n in rows
    ]
    return f'<ol class="bars counts">{"".join(bars)}</ol>'


def telling_bars(found: Sequence[Telling]) -> str:
    """Weights of the features that tell most, a card for each output: those for it, then those against it."""
    cards = []
    for telling in found:
        top = max((abs(v) for _, v in telling.features), default=1.0)
        bars = [
            f'<li class="{"for" if v > 0 else "against"}"><span>{escape(short(name, 60))}</span>'
            f'<i style="width:{100 * abs(v) / top:.1f}%"></i><b>{f"{v:+.3g}".replace("-", "−")}</b></li>'
            for name, v in telling.most(_BARS)
        ]
        inner = f'<ol class="bars">{"".join(bars)}</ol>' if bars else '<p class="none">No feature has a weight.</p>'
        cards.append(f'<figure class="chart"><h3>{escape(short(telling.name, 60))}</h3>{inner}</figure>')
    return f'<div class="charts">{"".join(cards)}</div>'
