"""Charts of one number against another: curves, points and histograms, as plain SVG in the page's colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from glassgrad.views.report_charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Scale,
    linear_axis,
    path,
    plain,
    tick,
)  # fmt: skip

Array = np.ndarray[Any, Any]
NARROW = "\u202f%"
"""A per cent sign that stays on the line of its number."""
_POINTS, _BINS = 1500, 25
_RIGHT, _FOOT = WIDTH - RIGHT, HEIGHT - BOTTOM


@dataclass(frozen=True)
class Curve:
    """One line of a plot: what it is called, its points, what each point tells, and the number of its colour."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    tips: Sequence[str] = ()
    colour: int = 0
    dots: bool = False


def plot(
    title: str,
    curves: Sequence[Curve],
    labels: tuple[str, str],
    *,
    ends: tuple[tuple[float, float], tuple[float, float]] | None = None,
    shown: Callable[[float], str] = plain,
    diagonal: bool = False,
    note: str = "",
) -> str:
    """Curves of y over x.

    Parameters
    ----------
    title : str
        What is drawn.
    curves : sequence of Curve
        Points that are not finite are left out.
    labels : (x, y)
        What the axes are.
    ends : ((x low, x high), (y low, y high)), optional
        Of the axes; by default those of the points.
    shown : callable
        How a number on an axis is written.
    diagonal : bool
        Whether there is a dashed line where y equals x.
    note : str
        What stands under the title.

    Examples
    --------
    >>> plot("recall", [Curve("spam", [0, 1], [1, 0])], ("recall", "precision")).startswith("<figure")
    True
    """
    finite = [_finite(curve) for curve in curves]
    xs, ys = ([float(v) for points in finite for v in points[i]] for i in (0, 1))
    if not xs:
        return _figure(title, note, '<p class="none">There is nothing to draw.</p>')
    (x_low, x_high), (y_low, y_high) = ends or ((min(xs), max(xs)), (min(ys), max(ys)))
    parts, across, up = _frame((x_low, x_high), (y_low, y_high), labels, shown)
    if diagonal:
        parts.append(_diagonal(across, up))
    tips = []
    for curve, (x, y) in zip(curves, finite, strict=True):
        places = [(across(a), up(b)) for a, b in zip(x, y, strict=True)]
        if len(places) > 1:
            parts += path(curve.colour, list(places))
        told = list(curve.tips) or [
            f"{labels[0]} {shown(a)}\n{labels[1]} {shown(b)}" for a, b in zip(x, y, strict=True)
        ]
        if curve.dots or len(places) == 1:
            parts += [f'<circle class="c{curve.colour} dot" cx="{a:.1f}" cy="{b:.1f}" r="2.5"/>' for a, b in places]
        for (a, b), text in zip(places, told, strict=True):
            words = escape(f"{curve.name}\n{text}" if curve.name else text)
            tips.append(f'<circle class="tip" cx="{a:.1f}" cy="{b:.1f}" r="7"><title>{words}</title></circle>')
    named = [curve for curve in curves if curve.name]
    legend = "".join(f'<li><i class="k{curve.colour}"></i>{escape(curve.name)}</li>' for curve in named)
    label = escape(f"{title}: {labels[1]} over {labels[0]}", quote=True)
    return _figure(title, note, _svg(label, [*parts, *tips]), legend)


def points(title: str, x: Array, y: Array, labels: tuple[str, str], *, note: str = "") -> str:
    """Predicted over actual numbers as points, with a dashed line where they are equal; at most 1,500 of them."""
    keep = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    keep = keep[np.unique(np.linspace(0, len(keep) - 1, min(_POINTS, len(keep))).astype(int))] if len(keep) else keep
    if not len(keep):
        return _figure(title, note, '<p class="none">There is nothing to draw.</p>')
    x, y = np.asarray(x, np.float64)[keep], np.asarray(y, np.float64)[keep]
    ends = (float(min(x.min(), y.min())), float(max(x.max(), y.max())))
    parts, across, up = _frame(ends, ends, labels, plain)
    parts.append(_diagonal(across, up))
    size = 3 if len(keep) < 300 else 2
    parts += [
        f'<circle class="f0" cx="{across(float(a)):.1f}" cy="{up(float(b)):.1f}" r="{size}">'
        f"<title>{labels[0]} {plain(float(a))}, {labels[1]} {plain(float(b))}</title></circle>"
        for a, b in zip(x, y, strict=True)
    ]
    return _figure(title, note, _svg(escape(f"{title}: {labels[1]} over {labels[0]}", quote=True), parts))


def histogram(title: str, values: Array, label: str, *, note: str = "") -> str:
    """How often numbers fall into each of some equal ranges, with zero among their ends."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return _figure(title, note, '<p class="none">There is nothing to draw.</p>')
    counts, edges = np.histogram(values, _edges(values))
    parts, across, up = _frame((edges[0], edges[-1]), (0.0, float(counts.max())), (label, "rows"), plain)
    for n, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if n:
            x0, x1, y = across(low), across(high), up(float(n))
            parts.append(
                f'<rect class="f0" x="{x0 + 0.5:.1f}" width="{max(x1 - x0 - 1, 0.5):.1f}" y="{y:.1f}" '
                f'height="{_FOOT - y:.1f}"><title>{plain(low)} to {plain(high)}: {n:,} rows</title></rect>'
            )
    if edges[0] < 0 < edges[-1]:
        parts.append(f'<line class="mark" x1="{across(0.0):.1f}" x2="{across(0.0):.1f}" y1="{TOP}" y2="{_FOOT}"/>')
    return _figure(title, note, _svg(escape(f"{title}: rows over {label}", quote=True), parts))


def _finite(curve: Curve) -> tuple[Array, Array]:
    x, y = np.asarray(curve.x, np.float64), np.asarray(curve.y, np.float64)
    good = np.isfinite(x) & np.isfinite(y)
    return x[good], y[good]


def _edges(values: Array) -> Array:
    low, high = float(values.min()), float(values.max())
    if high <= low:
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    step = (high - low) / _BINS
    if low < 0 < high:
        return step * np.arange(np.floor(low / step), np.ceil(high / step) + 1)
    return np.linspace(low, high, _BINS + 1)


def _frame(
    x_ends: tuple[float, float], y_ends: tuple[float, float], labels: tuple[str, str], shown: Callable[[float], str]
) -> tuple[list[str], Scale, Scale]:
    """Grid, ticks and labels, and the scales of both axes."""
    x_low, x_high, x_ticks = linear_axis(list(x_ends), None)
    y_low, y_high, y_ticks = linear_axis(list(y_ends), None)
    across, up = Scale(x_low, x_high, LEFT, _RIGHT), Scale(y_low, y_high, _FOOT, TOP)
    parts = [tick(up(t), shown(t)) for t in y_ticks]
    every = 1 if max(len(shown(t)) for t in x_ticks) * len(x_ticks) <= 34 else 2
    parts += [_below(across(t), shown(t)) for t in x_ticks[::every]]
    parts.append(f'<text class="axis" x="{(LEFT + _RIGHT) / 2}" y="{HEIGHT - 3}">{escape(labels[0])}</text>')
    middle = (TOP + _FOOT) / 2
    parts.append(f'<text class="axis" transform="translate(11 {middle:.0f}) rotate(-90)">{escape(labels[1])}</text>')
    return parts, across, up


def _below(x: float, text: str) -> str:
    """A number under the axis; at its right end it ends where the axis does."""
    kind, x = ("left", _RIGHT + 8.0) if x > _RIGHT - 12 else ("axis", x)
    return f'<text class="{kind}" x="{x:.1f}" y="{_FOOT + 16}">{escape(text)}</text>'


def _diagonal(across: Scale, up: Scale) -> str:
    low, high = max(across.low, up.low), min(across.high, up.high)
    return f'<line class="mark" x1="{across(low):.1f}" x2="{across(high):.1f}" y1="{up(low):.1f}" y2="{up(high):.1f}"/>'


def _svg(label: str, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _figure(title: str, note: str, inner: str, legend: str = "") -> str:
    head = f"<h3>{escape(title)}</h3>" + (f'<p class="note">{escape(note.replace(" %", NARROW))}</p>' if note else "")
    return f'<figure class="chart">{head}{f"<ul class=legend>{legend}</ul>" if legend else ""}{inner}</figure>'
