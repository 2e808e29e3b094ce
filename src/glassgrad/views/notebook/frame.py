"""What everything that shows in a notebook is made of: a heading, tables, lists and notes, in styles of their own.

All rules stand under the class of the outermost element, so nothing else in the notebook changes. Ground and text
follow the notebook's own light or dark.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from glassgrad.views import numbers
from glassgrad.views.chart_style import CHARTS
from glassgrad.views.picture.style import palettes, rules
from glassgrad.views.report_charts import signed

Array = np.ndarray[Any, Any]
ROOT = ".gg-show"
_MAP = 96  # numbers along each side of a heat map; of more, some
_RULES = """
& {
  --c0: var(--blue); --c1: var(--orange); --c2: var(--green); --c3: var(--violet); --c4: var(--gold);
  --c5: var(--pink); --band: rgba(15, 138, 106, .16); --tint: rgba(128, 136, 148, .12);
  color: var(--ink); background: none; font: 13px/1.45 FONT; font-variant-numeric: tabular-nums;
  max-width: 62rem; margin: 2px 0 4px; text-align: left;
}
& .head { display: flex; flex-wrap: wrap; gap: 0 .7em; align-items: baseline; margin: 0 0 5px; }
& .head b { font-size: 14px; font-weight: 650; } & .head span { color: var(--soft); }
& .good { color: rgb(var(--good)); } & .bad { color: rgb(var(--bad)); }
& .value { color: var(--value); } & .gradient { color: var(--gradient); } & .soft { color: var(--soft); }
& p { margin: 4px 0; max-width: 46rem; } & p.soft { font-size: 12px; }
& .wide { overflow-x: auto; max-width: 100%; }
& table.t { border-collapse: collapse; border: none; margin: 2px 0 6px; font-size: 12.5px; color: var(--ink); }
& table.t tbody tr, & table.t thead tr, & table.t tbody tr:hover { background: none; }
& table.t th, & table.t td {
  text-align: left; vertical-align: top; padding: 2px 14px 2px 0; border: none; white-space: nowrap;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; color: inherit; max-width: none;
}
& table.t td.value { color: var(--value); } & table.t td.gradient { color: var(--gradient); }
& table.t td.soft { color: var(--soft); }
& table.t thead th { color: var(--soft); font-weight: 500; background: none; }
& table.t tbody th { font-weight: 600; } & table.t tr.sub td, & table.t tr.sub th { border-bottom: none; }
& table.t tr.under td { border-bottom: none; color: var(--soft); padding-top: 0; }
& table.t tr.last td { border-bottom: 1px solid var(--line); }
& table.t .r { text-align: right; } & table.t .w { white-space: normal; min-width: 12rem; max-width: 34rem; }
& table.t tr.sum td, & table.t tr.sum th { font-weight: 600; border-bottom: none; }
& table.numbers td { text-align: right; padding: 2px 7px; border: none; }
& code { font: 12px MONO; color: inherit; background: none; padding: 0; }
& pre {
  font: 12px/1.45 MONO; color: var(--ink); background: var(--tint); border: none; border-radius: 6px; margin: 4px 0;
  padding: 8px 10px; overflow-x: auto; white-space: pre;
}
& details { margin: 4px 0; } & summary { cursor: pointer; color: var(--soft); }
& .side { display: flex; flex-wrap: wrap; gap: 6px 18px; align-items: flex-start; } & .side > * { min-width: 0; }
& img.map { image-rendering: pixelated; border: 1px solid var(--line); margin: 2px 0; display: block; max-width: 100%; }
& img.ink { image-rendering: pixelated; width: 42px; height: 42px; margin: 0; }
& .pictures { display: flex; flex-wrap: wrap; gap: 4px; text-align: center; }
& figure { margin: 0; } & figcaption { font-size: 11px; color: var(--soft); text-align: center; }
& .bar { display: inline-block; height: 8px; border-radius: 2px; background: var(--blue); vertical-align: baseline; }
& h3 { font-size: 12.5px; font-weight: 600; margin: 0; color: var(--ink); }
& .note { color: var(--soft); font-size: 12px; }
@media (prefers-color-scheme: dark) { & img.ink { filter: invert(1); } }
[data-jp-theme-light="true"] & img.ink, .vscode-light & img.ink { filter: none; }
[data-jp-theme-light="false"] & img.ink, .vscode-dark & img.ink { filter: invert(1); }
"""
_CHARTS = """
& .charts { grid-template-columns: repeat(auto-fit, minmax(16rem, 21rem)); margin: 2px 0 6px; }
& .chart { background: none; padding: .5rem .6rem .3rem; }
"""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def joined(parts: Iterable[str]) -> Html:
    """Pieces of HTML one after the other."""
    return Html("".join(parts))


def cell(x: Any) -> str:
    """What stands in a cell: HTML as it is, anything else as its text."""
    return x if isinstance(x, Html) else escape(str(x), quote=True)


@functools.cache
def style() -> str:
    """The style sheet, all of it under `ROOT`."""
    return palettes(ROOT) + rules(_RULES + CHARTS + _CHARTS, ROOT)


def frame(title: Any, about: Any, *body: str) -> str:
    """What is shown: a heading with a few words beside it, and what follows."""
    beside = f"<span>{cell(about)}</span>" if about else ""
    head = f'<div class="head"><b>{cell(title)}</b>{beside}</div>' if title else ""
    return f'<div class="{ROOT[1:]}"><style>{style()}</style>{head}{"".join(body)}</div>'


def grid(head: Sequence[Any], rows: Sequence[Sequence[Any]], columns: str = "", last: bool = False) -> Html:
    """A table.

    Parameters
    ----------
    head : sequence
        What stands above the columns; empty for none.
    rows : sequence of sequences
        The cells: `Html`, or anything that is written as its text.
    columns : str
        A letter for each column: "l" to the left, "r" to the right, "w" to the left and wrapped.
    last : bool
        Whether the last row is a sum.
    """
    kinds = columns or "l" * max((len(row) for row in rows), default=len(head))

    def line(cells: Sequence[Any], heading: bool) -> str:
        parts = []
        for i, (x, kind) in enumerate(zip(cells, kinds, strict=False)):
            tag = "th" if heading or i == 0 else "td"
            mark = f' class="{kind}"' if kind != "l" else ""
            parts.append(f"<{tag}{mark}>{cell(x)}</{tag}>")
        return "".join(parts)

    top = f"<thead><tr>{line(head, heading=True)}</tr></thead>" if head else ""
    marks = [""] * (len(rows) - 1) + [' class="sum"' if last else ""]
    body = [f"<tr{mark}>{line(row, heading=False)}</tr>" for row, mark in zip(rows, marks, strict=False)]
    return Html(f'<div class="wide"><table class="t">{top}<tbody>{"".join(body)}</tbody></table></div>')


def pairs(items: Mapping[str, Any]) -> Html:
    """Names and what they stand for."""
    return grid((), [(name, value) for name, value in items.items()], "lw") if items else Html("")


def words(text: Any, kind: str = "soft") -> Html:
    """A line of words."""
    return Html(f'<p class="{kind}">{cell(text)}</p>')


def marked(text: Any, kind: str) -> Html:
    """Words inside a line, of the kind "good", "bad", "value", "gradient" or "soft"."""
    return Html(f'<span class="{kind}">{cell(text)}</span>')


def block(text: Any) -> Html:
    """Lines as they are written."""
    return Html(f"<pre>{cell(text)}</pre>")


def folded(summary: Any, *body: str) -> Html:
    """What is seen after a click."""
    return Html(f"<details><summary>{cell(summary)}</summary>{''.join(body)}</details>")


def side_by_side(*parts: str) -> Html:
    """Beside each other where there is room."""
    return Html(f'<div class="side">{"".join(f"<div>{part}</div>" for part in parts if part)}</div>')


def charts(*figures: str) -> Html:
    """Charts beside each other."""
    return Html(f'<div class="charts">{"".join(figures)}</div>')


def plural(n: int, what: str) -> str:
    """How many of what: ``1 gate``, ``1,200 gates``."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def shape(x: Any) -> str:
    """Dtype and shape in a few words: ``float32, 64 × 32``."""
    return f"{x.dtype}, {' × '.join(map(str, x.shape))}" if x.shape else str(x.dtype)


def heat(x: Any) -> Html:
    """Numbers as a picture: orange above zero, blue below; of a long side, evenly spread rows or columns."""
    array = np.asarray(x, np.float64)
    array = array.reshape(array.shape[0], -1) if array.ndim > 1 else array.reshape(1, -1)
    array = array[:: -(-array.shape[0] // _MAP), :: -(-array.shape[1] // _MAP)]
    finite = np.abs(array[np.isfinite(array)])
    top = float(finite.max()) if finite.size else 0.0
    pixel = min(10, max(2, 240 // max(array.shape)))
    height, width = (max(4, pixel * n) for n in array.shape)
    told = f"from {numbers.number(-top)} (blue) to {numbers.number(top)} (orange)"
    return Html(
        f'<img class="map" alt="heat map" title="{told}" width="{width}" height="{height}" src="{signed(array, top)}"/>'
    )
