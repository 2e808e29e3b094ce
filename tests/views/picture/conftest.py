"""The geometry of a picture, read from its SVG: boxes of faces and labels, points on wires."""

from __future__ import annotations

import functools
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib
import numpy as np
import pytest
from matplotlib.ft2font import FT2Font, LoadFlags

_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass
class _Box:
    """Something drawn: its kind ("face", "label", "cell", "frame", "paper"), text, node, and edges."""

    kind: str
    said: str
    node: int
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box, slack: float = 0.2) -> bool:
        return (
            self.left < other.right - slack
            and other.left < self.right - slack
            and self.top < other.bottom - slack
            and other.top < self.bottom - slack
        )

    def holds(self, other: _Box, slack: float = 0.2) -> bool:
        return (
            self.left - slack <= other.left
            and other.right <= self.right + slack
            and self.top - slack <= other.top
            and other.bottom <= self.bottom + slack
        )


@functools.cache
def _font(bold: bool) -> FT2Font:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    font = FT2Font(os.path.join(matplotlib.get_data_path(), "fonts", "ttf", name))
    font.set_size(1000, 72)
    return font


@functools.cache
def _measured(said: str, bold: bool = False) -> float:
    """The width of text set in DejaVu Sans, in units of the font size, by the font's own numbers."""
    font = _font(bold)
    known = font.get_charmap()
    return sum(
        font.load_char(ord(c), flags=LoadFlags.NO_HINTING).linearHoriAdvance / 65536 / 1000
        for c in said
        if ord(c) in known
    )


class _Drawing:
    """An SVG file as boxes and wires, in the coordinates of the whole."""

    def __init__(self, svg: str) -> None:
        self.root = ET.fromstring(svg)
        self.boxes: list[_Box] = []
        self.wires: list[list[tuple[float, float]]] = []
        self.texts: list[str] = []
        _, _, width, height = map(float, self.root.attrib["viewBox"].split())
        self.paper = _Box("paper", "", -1, 0.0, 0.0, width, height)
        self._nodes = 0
        self._read(self.root, 0.0, 0.0, -1)

    def of(self, kind: str) -> list[_Box]:
        return [b for b in self.boxes if b.kind == kind]

    def _read(self, element: ET.Element, x: float, y: float, node: int) -> None:
        css = element.attrib.get("class", "").split()
        if "transform" in element.attrib:
            dx, dy = map(float, _NUMBER.findall(element.attrib["transform"]))
            x, y = x + dx, y + dy
        if "node" in css:
            node = self._nodes
            self._nodes += 1
        tag = element.tag.removeprefix(_SVG)

        def get(name: str) -> float:
            return float(element.attrib.get(name, 0.0))

        if tag == "rect" and "behind" not in css and "paper" not in css:
            kind = "face" if {"gate", "leaf", "group"} & set(css) else "frame" if "open" in css else "cell"
            left, top = x + get("x"), y + get("y")
            self.boxes.append(_Box(kind, "", node, left, top, left + get("width"), top + get("height")))
        elif tag == "image":
            left, top = x + get("x"), y + get("y")
            self.boxes.append(_Box("cell", "", node, left, top, left + get("width"), top + get("height")))
        elif tag == "circle":
            r = get("r")
            self.boxes.append(
                _Box("circle", "", node, x + get("cx") - r, y + get("cy") - r, x + get("cx") + r, y + get("cy") + r)
            )
        elif tag == "text":
            said, size = "".join(element.itertext()), get("font-size")
            self.texts.append(said)
            width = _measured(said, "strong" in css) * size
            left = x + get("x") - (width / 2 if "middle" in css else width if "end" in css else 0.0)
            base = y + get("y")
            self.boxes.append(_Box("label", said, node, left, base - 0.75 * size, left + width, base + 0.2 * size))
        elif tag == "path" and "wire" in css:
            self.wires.append([(px + x, py + y) for px, py in _points(element.attrib["d"])])
        for inner in element:
            self._read(inner, x, y, node)


def _points(path: str) -> list[tuple[float, float]]:
    """Points along a path of M, H, L and C."""
    found: list[tuple[float, float]] = []
    x = y = 0.0
    for command, rest in re.findall(r"([MHCL])([^MHCL]*)", path):
        n = [float(v) for v in _NUMBER.findall(rest)]
        if command == "M":
            x, y = n
            found.append((x, y))
        elif command == "H":
            steps = max(2, int(abs(n[0] - x) / 4))
            found += [(x + (n[0] - x) * i / steps, y) for i in range(1, steps + 1)]
            x = n[0]
        else:
            a, b, c = (n[0], n[1]), (n[2], n[3]), (n[4], n[5])
            for i in range(1, 25):
                t = i / 24
                u = 1 - t
                found.append(
                    tuple(
                        u**3 * p + 3 * u * u * t * q + 3 * u * t * t * r + t**3 * s
                        for p, q, r, s in zip((x, y), a, b, c, strict=True)
                    )
                )
            x, y = c
    return found


def _faults(drawing: _Drawing) -> list[str]:
    """What is wrong with a picture: things that overlap, leave the paper, or wires through boxes and text."""
    faces, frames = drawing.of("face"), drawing.of("frame")
    labels = [b for b in drawing.of("label") if b.node >= 0]
    cells, circles = drawing.of("cell"), drawing.of("circle")
    wrong = [f"{b.kind} {b.said} leaves the paper" for b in drawing.boxes if not drawing.paper.holds(b)]

    def clash(a: _Box, b: _Box) -> None:
        wrong.append(f"{a.kind} {a.said!r} of node {a.node} meets {b.kind} {b.said!r} of node {b.node}")

    for i, a in enumerate(faces):
        for b in faces[i + 1 :]:
            if a.meets(b):
                clash(a, b)
        for b in (*labels, *cells):
            if a.meets(b) and not (a.node == b.node and a.holds(b, 1.0)) and b.said not in ("✓", "✗"):
                clash(a, b)
        for frame in frames:
            if a.meets(frame) and not frame.holds(a):
                clash(a, frame)
    for i, a in enumerate(frames):
        for b in frames[i + 1 :]:
            if a.meets(b) and not (a.holds(b) or b.holds(a)):
                clash(a, b)
    for i, a in enumerate(labels):
        for b in labels[i + 1 :]:
            if a.meets(b):
                clash(a, b)
        for b in (*cells, *circles):
            if a.meets(b) and not b.holds(a, 1.5):
                clash(a, b)
    solid = [(b, 1.6) for b in faces] + [(b, 0.5) for b in (*labels, *cells)]
    left, top, right, bottom = np.array(
        [(b.left + m, b.top + m, b.right - m, b.bottom - m) for b, m in solid] or [(1, 1, 0, 0)]
    ).T
    for wire in drawing.wires:
        x, y = np.array(wire).T[..., None]
        inside = np.any((left < x) & (x < right) & (top < y) & (y < bottom), axis=0)
        hit = [solid[k][0] for k in np.flatnonzero(inside)]
        wrong += [f"a wire runs through {b.kind} {b.said!r} of node {b.node}" for b in hit]
    return wrong


@pytest.fixture
def Drawing() -> type[_Drawing]:
    return _Drawing


@pytest.fixture
def faults() -> Callable[[_Drawing], list[str]]:
    return _faults


@pytest.fixture
def measured() -> Callable[..., float]:
    return _measured
