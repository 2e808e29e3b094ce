"""Line charts and small pictures for the report page: plain SVG and PNG, coloured by the page's style."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
WIDTH, HEIGHT = 340, 230
LEFT, RIGHT, TOP, BOTTOM = 60, 12, 10, 36
COLOURS = 6
"""So many colours the style knows for lines."""
_DECADES = 5  # of a logarithmic axis; what lies lower is drawn at its foot


@dataclass(frozen=True)
class Line:
    """One line of a chart: what it is called, its values, and the number of its colour."""

    name: str
    values: Sequence[float]
    colour: int = 0


def plain(value: float) -> str:
    """A number on an axis."""
    return f"{value:.4g}"


def percent(value: float) -> str:
    """A share on an axis."""
    return f"{100 * value:.4g} %"


def chart(
    title: str,
    x: Sequence[int],
    lines: Sequence[Line],
    *,
    log: bool = False,
    shown: Callable[[float], str] = plain,
    band: tuple[float, float] | None = None,
    marked: int | None = None,
    note: str = "",
    label: str = "epoch",
) -> str:
    """A figure with one or more lines over the epochs.

    Parameters
    ----------
    title : str
        What is drawn.
    x : sequence of int
        The epochs.
    lines : sequence of Line
        With one value an epoch; values that are not finite (or not positive on a logarithmic axis) leave a gap.
    log : bool
        Whether the axis is logarithmic.
    shown : callable
        How a value is written.
    band : (low, high), optional
        A range that is shaded.
    marked : int, optional
        An epoch that gets a mark.
    note : str
        What stands under the title.
    label : str
        What the horizontal axis counts.

    Examples
    --------
    >>> chart("loss", [1, 2], [Line("train", [0.5, 0.25])]).startswith("<figure")
    True
    """
    kept = [[v if math.isfinite(v) and (v > 0 or not log) else None for v in line.values] for line in lines]
    values = [v for line in kept for v in line if v is not None]
    head = f"<h3>{escape(title)}</h3>" + (f'<p class="note">{note}</p>' if note else "")
    if not values:
        return f'<figure class="chart">{head}<p class="none">There is nothing to draw.</p></figure>'
    low, high, ticks = _log_axis(values, band) if log else linear_axis(values, band)
    across = Scale(min(x), max(x), LEFT, WIDTH - RIGHT)
    up = Scale(low, high, HEIGHT - BOTTOM, TOP, log)
    parts = [_band(up, band)] if band else []
    parts += [tick(up(t), shown(t)) for t in ticks]
    parts += [_below(across(t), str(t)) for t in _whole_ticks(min(x), max(x))]
    parts.append(f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 3}">{escape(label)}</text>')
    if marked is not None and marked in x and len(x) > 1:
        at = across(marked)
        parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    for line, points in zip(lines, kept, strict=True):
        parts += path(line.colour, [(across(e), None if v is None else up(v)) for e, v in zip(x, points, strict=True)])
    parts += _tips(across, x, lines, shown, label)
    legend = "".join(f'<li><i class="k{line.colour}"></i>{escape(line.name)}</li>' for line in lines)
    said = escape(f"{title}: {', '.join(line.name for line in lines)}", quote=True)
    return (
        f'<figure class="chart">{head}<ul class="legend">{legend}</ul>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">{"".join(parts)}</svg></figure>'
    )


class Scale:
    """From values to places in the picture."""

    def __init__(self, low: float, high: float, start: float, end: float, log: bool = False) -> None:
        self.log, self.start, self.end = log, start, end
        self.low, self.high = (math.log10(low), math.log10(high)) if log else (low, high)

    def __call__(self, value: float) -> float:
        """The place of a value."""
        value = math.log10(value) if self.log else value
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def linear_axis(values: list[float], band: tuple[float, float] | None) -> tuple[float, float, list[float]]:
    """Ends and ticks of a linear axis."""
    low, high = min([*values, *(band or ())]), max([*values, *(band or ())])
    if high <= low:
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    step = _nice((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return first * step, last * step, [n * step for n in range(first, last + 1)]


def _log_axis(values: list[float], band: tuple[float, float] | None) -> tuple[float, float, list[float]]:
    """Ends and ticks of a logarithmic axis: powers of ten, with 2 and 5 between where there is room."""
    low, high = min([*values, *(band or ())]), max([*values, *(band or ())])
    low = min([max(low, high / 10**_DECADES), *(band or ())])
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    fine = [m * 10.0**n for n in range(first, last + 1) for m in (1, 2, 5)]
    start = max([t for t in fine if t <= low * (1 + 1e-9)], default=fine[0])
    end = min([t for t in fine if t >= high * (1 - 1e-9)], default=fine[-1])
    if end <= start:
        start, end = start / 2, end * 2
    powers = [10.0**n for n in range(first, last + 1)]
    between = [t for t in fine if start <= t <= end]
    ticks = between if len(between) <= 6 else [t for t in powers if start <= t <= end]
    return start, end, ticks[:: max(1, math.ceil(len(ticks) / 9))]


def _nice(step: float) -> float:
    """The next larger of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= step * (1 - 1e-9))


def _whole_ticks(low: int, high: int) -> list[int]:
    """Some of the epochs, the first among them."""
    step = max(1, int(_nice(max(high - low, 1) / 5)))
    return [low, *(n for n in range((low // step + 1) * step, high + 1, step) if n - low > step / 2)]


def tick(y: float, text: str) -> str:
    """A line of the grid, and its number to the left."""
    return (
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="left" x="{LEFT - 6}" y="{y + 4:.1f}">{escape(text)}</text>'
    )


def _below(x: float, text: str) -> str:
    return f'<text class="axis" x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}">{text}</text>'


def _band(up: Scale, band: tuple[float, float]) -> str:
    top, bottom = up(band[1]), up(band[0])
    return f'<rect class="band" x="{LEFT}" width="{WIDTH - LEFT - RIGHT}" y="{top:.1f}" height="{bottom - top:.1f}"/>'


def path(colour: int, points: list[tuple[float, float | None]]) -> list[str]:
    """A line with gaps; a lone point is a dot."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    parts = []
    for run in runs:
        if len(run) == 1:
            parts.append(f'<circle class="c{colour} dot" cx="{run[0][0]:.1f}" cy="{run[0][1]:.1f}" r="3"/>')
        elif run:
            parts.append(f'<polyline class="c{colour}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in run)}"/>')
    return parts


def _tips(
    across: Scale, x: Sequence[int], lines: Sequence[Line], shown: Callable[[float], str], label: str
) -> list[str]:
    """What the mouse tells above each epoch."""
    width = (WIDTH - LEFT - RIGHT) / max(len(x) - 1, 1)
    tips = []
    for i, epoch in enumerate(x):
        text = "\n".join([f"{label} {epoch}", *(f"{line.name}: {shown(line.values[i])}" for line in lines)])
        tips.append(
            f'<rect class="tip" x="{across(epoch) - width / 2:.1f}" width="{width:.1f}" '
            f'y="{TOP}" height="{HEIGHT - TOP - BOTTOM}"><title>{escape(text)}</title></rect>'
        )
    return tips


def png(pixels: Array) -> str:
    """A picture as an address that holds it.

    Parameters
    ----------
    pixels : uint8 array of shape (height, width, 4)
        Red, green, blue and how opaque.

    Examples
    --------
    >>> png(np.zeros((1, 1, 4), np.uint8))[:30]
    'data:image/png;base64,iVBORw0K'
    """
    height, width = pixels.shape[:2]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, 4 * width)], axis=1)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode("ascii")


def ink(picture: Array, top: float) -> str:
    """A picture in shades of black on nothing: 0 is empty, `top` is full."""
    shade = np.clip(np.nan_to_num(picture, nan=0.0) / (top or 1.0), 0, 1)
    pixels = np.zeros((*picture.shape, 4), np.uint8)
    pixels[..., 3] = np.round(255 * shade)
    return png(pixels)


def signed(picture: Array, top: float) -> str:
    """A picture of numbers of both signs: orange above zero, blue below, nothing at zero, full at `top`."""
    picture = np.nan_to_num(picture, nan=0.0)
    pixels = np.zeros((*picture.shape, 4), np.uint8)
    pixels[..., :3] = np.where(picture[..., None] > 0, (226, 103, 24), (47, 111, 222))
    pixels[..., 3] = np.round(255 * np.clip(np.abs(picture) / (top or 1.0), 0, 1))
    return png(pixels)
