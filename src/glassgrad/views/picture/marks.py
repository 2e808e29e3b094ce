"""The few things that pictures are made of, each with the room it takes: text, rectangles, circles, paths, images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from glassgrad.views.picture.measure import text_width


@dataclass(frozen=True, slots=True)
class Mark:
    """Something drawn: its box (left, top, right, bottom), and how it is written as SVG."""

    left: float
    top: float
    right: float
    bottom: float
    svg: str

    def moved(self, x: float, y: float) -> Mark:
        """The same mark elsewhere."""
        inner = f'<g transform="translate({figure(x)},{figure(y)})">{self.svg}</g>'
        return Mark(self.left + x, self.top + y, self.right + x, self.bottom + y, inner)


def figure(x: float) -> str:
    """A coordinate: one decimal at most."""
    text = f"{x:.1f}"
    return text[:-2] if text.endswith(".0") else text


def text(x: float, y: float, said: str, css: str = "", size: float = 12.0, before: str = "") -> Mark:
    """A line of text whose baseline begins at (x, y); at its middle or end with the class "middle" or "end".

    `before` is said before it in a softer colour.
    """
    classes = css.split()
    width = text_width(before + said, size, "strong" in classes)
    left = x - width / 2 if "middle" in classes else x - width if "end" in classes else x
    kind = f' class="{css}"' if css else ""
    first = f'<tspan class="soft">{safe(before)}</tspan>' if before else ""
    svg = f'<text x="{figure(x)}" y="{figure(y)}" font-size="{figure(size)}"{kind}>{first}{safe(said)}</text>'
    return Mark(left, y - 0.8 * size, left + width, y + 0.24 * size, svg)


def rect(x: float, y: float, width: float, height: float, css: str, radius: float = 0.0, more: str = "") -> Mark:
    """A rectangle; `more` is further attributes."""
    rounded = f' rx="{figure(radius)}"' if radius else ""
    svg = (
        f'<rect x="{figure(x)}" y="{figure(y)}" width="{figure(width)}" height="{figure(height)}"{rounded} '
        f'class="{css}"{more}/>'
    )
    return Mark(x, y, x + width, y + height, svg)


def circle(x: float, y: float, radius: float, css: str) -> Mark:
    """A circle around (x, y)."""
    svg = f'<circle cx="{figure(x)}" cy="{figure(y)}" r="{figure(radius)}" class="{css}"/>'
    return Mark(x - radius, y - radius, x + radius, y + radius, svg)


def stroke(x1: float, y1: float, x2: float, y2: float, css: str) -> Mark:
    """A straight line."""
    svg = f'<path d="M{figure(x1)} {figure(y1)}L{figure(x2)} {figure(y2)}" class="{css}"/>'
    return Mark(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2), svg)


def image(x: float, y: float, width: float, height: float, href: str) -> Mark:
    """A small picture of pixels, stretched without smoothing."""
    svg = (
        f'<image x="{figure(x)}" y="{figure(y)}" width="{figure(width)}" height="{figure(height)}" '
        f'preserveAspectRatio="none" style="image-rendering:pixelated" href="{href}"/>'
    )
    return Mark(x, y, x + width, y + height, svg)


def safe(said: str) -> str:
    """Text for XML: escaped, and without the characters that XML cannot hold."""
    kept = "".join(c if c.isprintable() or c == " " else "\N{REPLACEMENT CHARACTER}" for c in said)
    return escape(kept, quote=True)


def bounds(marks: Iterable[Mark]) -> tuple[float, float, float, float]:
    """The box around marks; (0, 0, 0, 0) around none."""
    found = list(marks)
    if not found:
        return 0.0, 0.0, 0.0, 0.0
    return (
        min(m.left for m in found), min(m.top for m in found),
        max(m.right for m in found), max(m.bottom for m in found),
    )  # fmt: skip
