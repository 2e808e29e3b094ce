"""Evidence: a few numbers as a small picture, in characters and as SVG."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np

from glassgrad.views.report_charts import percent, plain
from glassgrad.views.scores import short

_MOST, _POINTS = 8, 48  # bars in a picture, points of a line
_BLOCKS, _STEPS = " ▏▎▍▌▋▊▉█", "▁▂▃▄▅▆▇█"
_WIDTH, _LABEL, _VALUE, _ROW, _TOP = 460, 150, 84, 22, 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """Numbers with labels, as bars or as a line.

    Attributes
    ----------
    title : str
        What is drawn.
    labels : tuple of str
        One for each value.
    values : tuple of float
    marked : frozenset of int
        The values that are the trouble.
    shape : {"bars", "line"}
    log : bool
        Whether lengths go with the logarithm.
    shares : bool
        Whether values are shares, written in per cent.
    """

    title: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    marked: frozenset[int] = frozenset()
    shape: Literal["bars", "line"] = "bars"
    log: bool = False
    shares: bool = False

    def text(self, width: int = 80) -> list[str]:
        """The picture in lines of characters."""
        return self._line_text(width) if self.shape == "line" else self._bars_text(width)

    def svg(self) -> str:
        """The picture as SVG, coloured by the classes of the report pages' style."""
        inner, height = self._line_svg() if self.shape == "line" else self._bars_svg()
        said = escape(f"{self.title}: {', '.join(self._written(i) for i in self._shown())}", quote=True)
        return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{said}">{inner}</svg>'

    def _shown(self) -> list[int]:
        """The values that are drawn: all, or those that are marked and some around, in their order."""
        n = len(self.values)
        if self.shape == "line":
            return sorted({round(i) for i in np.linspace(0, n - 1, min(n, _POINTS))}) if n else []
        if n <= _MOST:
            return list(range(n))
        chosen = sorted(self.marked)[:_MOST]
        rest = [i for i in range(n) if i not in self.marked]
        return sorted([*chosen, *rest[: _MOST - len(chosen)]])

    def _more(self) -> int:
        return len(self.values) - len(self._shown()) if self.shape == "bars" else 0

    def _written(self, i: int) -> str:
        return f"{self.labels[i]} {self._number(self.values[i])}"

    def _number(self, value: float) -> str:
        return percent(float(f"{value:.3g}")) if self.shares else plain(float(f"{value:.3g}"))

    def _lengths(self) -> list[float]:
        """How long each value is drawn, from 0 to 1; what is not finite is drawn in full."""
        shown = [self.values[i] for i in self._shown()]
        finite = [v for v in shown if math.isfinite(v)]
        if self.log:
            positive = [math.log10(v) for v in finite if v > 0]
            low, high = (min(positive) - 0.5, max(positive)) if positive else (0.0, 1.0)
            lengths = [
                (math.log10(v) - low) / (high - low) if v > 0 and math.isfinite(v) else float(v > 0) for v in shown
            ]
        else:
            low = min([0.0, *finite]) if self.shape == "bars" else min(finite, default=0.0)
            high = 1.0 if self.shares and self.shape == "bars" else max(finite, default=1.0)
            span = high - low or 1.0
            lengths = [(v - low) / span if math.isfinite(v) else 1.0 for v in shown]
        return [min(max(x, 0.0), 1.0) for x in lengths]

    def _bars_text(self, width: int) -> list[str]:
        shown = self._shown()
        labels = [short(self.labels[i], 22) for i in shown]
        left = max((len(label) for label in labels), default=0)
        room = max(8, min(32, width - left - 18))
        lines = []
        for i, label, length in zip(shown, labels, self._lengths(), strict=True):
            mark = "◀" if i in self.marked else ""
            lines.append(f"{label:<{left}}  {_bar(length, room)}  {self._number(self.values[i])} {mark}".rstrip())
        more = self._more()
        return [self.title, *lines, *([f"and {more:,} more"] if more else [])]

    def _line_text(self, width: int) -> list[str]:
        shown, lengths = self._shown(), self._lengths()
        drawn = "".join(_STEPS[min(int(x * len(_STEPS)), len(_STEPS) - 1)] for x in lengths)
        ends = f"{self._number(self.values[shown[0]])} … {self._number(self.values[shown[-1]])}"
        return [self.title, f"{drawn[: width - len(ends) - 2]}  {ends}"]

    def _bars_svg(self) -> tuple[str, int]:
        parts, room = [], _WIDTH - _LABEL - _VALUE
        for row, (i, length) in enumerate(zip(self._shown(), self._lengths(), strict=True)):
            y, colour = _TOP + row * _ROW, 1 if i in self.marked else 0
            text = escape(short(self.labels[i], 22))
            wide = max(length * room, 1.5)
            parts.append(
                f'<text class="left" x="{_LABEL - 8}" y="{y + 15}">{text}</text>'
                f'<rect class="groove" x="{_LABEL}" y="{y + 4}" width="{room}" height="14" rx="3"/>'
                f'<rect class="f{colour}" x="{_LABEL}" y="{y + 4}" width="{wide:.1f}" height="14" rx="3"/>'
                f'<text x="{_LABEL + room + 8}" y="{y + 15}">{escape(self._number(self.values[i]))}</text>'
            )
        rows = len(self._shown())
        if self._more():
            parts.append(f'<text x="{_LABEL}" y="{_TOP + rows * _ROW + 15}">and {self._more():,} more</text>')
            rows += 1
        return "".join(parts), 2 * _TOP + rows * _ROW

    def _line_svg(self) -> tuple[str, int]:
        shown, lengths = self._shown(), self._lengths()
        high, left, right = 96, 62, _WIDTH - 74
        step = (right - left) / max(len(shown) - 1, 1)
        points = [(left + k * step, 10 + (1 - x) * (high - 34)) for k, x in enumerate(lengths)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        ends = [
            f'<text class="{side}" x="{x + shift:.1f}" y="{min(max(y + 4, 12), high - 22):.1f}">'
            f"{escape(self._number(self.values[i]))}</text>"
            for side, shift, (x, y), i in (("left", -8, points[0], shown[0]), ("", 8, points[-1], shown[-1]))
        ]
        dots = [
            f'<circle class="c1 dot" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
            for (x, y), i in zip(points, shown, strict=True)
            if i in self.marked
        ]
        below = [
            f'<text x="{left}" y="{high - 4}">{escape(self.labels[shown[0]])}</text>',
            f'<text class="left" x="{right}" y="{high - 4}">{escape(self.labels[shown[-1]])}</text>',
        ]
        base = f'<line class="grid" x1="{left}" x2="{right}" y1="{high - 20}" y2="{high - 20}"/>'
        return "".join([base, f'<polyline class="c0" points="{drawn}"/>', *dots, *ends, *below]), high


def _bar(length: float, room: int) -> str:
    """A bar of characters, to an eighth of one.

    Examples
    --------
    >>> _bar(0.5, 4)
    '██  '
    """
    eighths = round(length * room * 8)
    eighths = max(eighths, 1) if length > 0 else eighths
    return ("█" * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")).ljust(room)


def bars(title: str, rows: Sequence[tuple[str, float]], marked: Sequence[int] = (), log: bool = False) -> Evidence:
    """Bars of (label, value)."""
    labels, values = tuple(name for name, _ in rows), tuple(float(v) for _, v in rows)
    return Evidence(title, labels, values, frozenset(marked), log=log)


def shares(title: str, rows: Sequence[tuple[str, float]], marked: Sequence[int] = (), log: bool = False) -> Evidence:
    """Bars of (label, share), in per cent."""
    return dataclasses.replace(bars(title, rows, marked, log), shares=True)


def curve(title: str, values: Sequence[float], label: str = "epoch", log: bool = False) -> Evidence:
    """A line of values counted from 1."""
    labels = tuple(f"{label} {i + 1}" for i in range(len(values)))
    return Evidence(title, labels, tuple(float(v) for v in values), shape="line", log=log)
