"""Intervals and convex polygons cut by straight lines in whole numbers: what is counted here has no rounding.

A **form** is an affine function (a, c) of t, or (a, b, c) of s and t, in whole numbers: it is zero on a point or on a
line, and only its sign matters, so it may be scaled. Every corner is where two forms that bound the shape are zero,
in homogeneous whole numbers (X, W) or (X, Y, W) with W > 0. A cut makes new corners from such forms and never from
corners, so numbers do not grow however often a shape is cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Form = tuple[int, ...]
Tag = tuple[int, int] | None
"""The hidden layer and the unit whose boundary a side lies on; None for the edge of what is looked at."""


def primitive(form: Sequence[int]) -> Form:
    """The form without the common factor of its numbers."""
    common = math.gcd(*form)
    return tuple(form) if common <= 1 else tuple(n // common for n in form)


@dataclass(frozen=True, eq=False)
class Shape:
    """An interval, or a convex polygon counterclockwise.

    Attributes
    ----------
    corners : tuple of forms
        Homogeneous points. Of an interval, the lower and the upper end.
    sides : tuple of forms
        Zero on side i, which starts at corner i (of an interval: is corner i), and positive inside.
    tags : tuple
        Where each side came from.
    """

    corners: tuple[Form, ...]
    sides: tuple[Form, ...]
    tags: tuple[Tag, ...]

    def values(self, form: Form) -> list[int]:
        """The form's values at the corners, each times a positive number."""
        if len(form) == 2:
            a, c = form
            return [a * x + c * w for x, w in self.corners]
        a, b, c = form
        return [a * x + b * y + c * w for x, y, w in self.corners]

    def split(self, form: Form, tag: Tag, values: Sequence[int] | None = None) -> tuple[Shape | None, Shape | None]:
        """The parts where the form is positive and where it is negative; None for one without an inside."""
        values = self.values(form) if values is None else values
        above, below = max(values) > 0, min(values) < 0
        if not (above and below):
            return (self, None) if above else (None, self)
        form = primitive(form)
        opposite = tuple(-n for n in form)
        cut = _cut_interval if len(form) == 2 else _cut_polygon
        return cut(self, form, tag, values), cut(self, opposite, tag, [-v for v in values])

    @property
    def points(self) -> Array:
        """The corners as float64, shape (corners, dimension)."""
        return np.array([[x / corner[-1] for x in corner[:-1]] for corner in self.corners])

    def exact_points(self) -> list[tuple[Fraction, ...]]:
        """The corners as fractions."""
        return [tuple(Fraction(x, corner[-1]) for x in corner[:-1]) for corner in self.corners]

    def size(self) -> Fraction:
        """Length or area."""
        points = self.exact_points()
        return points[1][0] - points[0][0] if len(points[0]) == 1 else area(points)


def area(points: Sequence[tuple[Fraction, ...]]) -> Fraction:
    """The area inside corners that go around counterclockwise."""
    ahead = [*points[1:], points[0]]
    twice = sum((p[0] * q[1] - q[0] * p[1] for p, q in zip(points, ahead, strict=True)), Fraction(0))
    return twice / 2


def hull(points: Sequence[tuple[Fraction, ...]]) -> list[tuple[Fraction, ...]]:
    """The corners of the smallest convex polygon around some points, counterclockwise (Andrew's monotone chain)."""
    ordered = sorted(set(points))

    def chain(run: Sequence[tuple[Fraction, ...]]) -> list[tuple[Fraction, ...]]:
        kept: list[tuple[Fraction, ...]] = []
        for p in run:
            while len(kept) > 1 and _turn(kept[-2], kept[-1], p) <= 0:
                kept.pop()
            kept.append(p)
        return kept[:-1]

    return chain(ordered) + chain(ordered[::-1])


def _turn(p: Sequence[Fraction], q: Sequence[Fraction], r: Sequence[Fraction]) -> Fraction:
    """Positive where the way p, q, r turns left."""
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def box(low: Sequence[Fraction], high: Sequence[Fraction]) -> Shape:
    """The interval or rectangle between two points."""
    sides = []
    for k, (least, most) in enumerate(zip(low, high, strict=True)):
        for bound, sign in ((least, 1), (most, -1)):
            form = [0] * (len(low) + 1)
            form[k], form[-1] = sign * bound.denominator, -sign * bound.numerator
            sides.append(tuple(form))
    if len(low) == 1:
        corners = tuple((bound.numerator, bound.denominator) for bound in (low[0], high[0]))
        return Shape(corners, tuple(sides), (None, None))
    left, right, bottom, top = sides
    around = (bottom, right, top, left)
    return Shape(tuple(_meet(around[i - 1], around[i]) for i in range(4)), around, (None,) * 4)


def _meet(f: Form, g: Form) -> Form:
    """Where two lines cross."""
    x, y, w = f[1] * g[2] - f[2] * g[1], f[2] * g[0] - f[0] * g[2], f[0] * g[1] - f[1] * g[0]
    return primitive((x, y, w) if w > 0 else (-x, -y, -w))


def _cut_interval(shape: Shape, form: Form, tag: Tag, values: Sequence[int]) -> Shape:
    a, c = form
    at = (-c, a) if a > 0 else (c, -a)
    keep = 0 if values[0] > 0 else 1
    corners: list[Form] = [at, at]
    sides, tags = [form, form], [tag, tag]
    corners[keep], sides[keep], tags[keep] = shape.corners[keep], shape.sides[keep], shape.tags[keep]
    return Shape(tuple(corners), tuple(sides), tuple(tags))


def _cut_polygon(shape: Shape, form: Form, tag: Tag, values: Sequence[int]) -> Shape:
    """The part where the form is positive, for one that is negative somewhere too (Sutherland and Hodgman, 1974)."""
    corners: list[Form] = []
    sides: list[Form] = []
    tags: list[Tag] = []

    def add(corner: Form, side: Form, its: Tag) -> None:
        corners.append(corner)
        sides.append(side)
        tags.append(its)

    ahead = [*values[1:], values[0]]
    for corner, side, its, v, w in zip(shape.corners, shape.sides, shape.tags, values, ahead, strict=True):
        if v > 0:
            add(corner, side, its)
            if w < 0:
                add(_meet(side, form), form, tag)
        elif v == 0:
            add(corner, *((side, its) if w > 0 else (form, tag)))
        elif w > 0:
            add(_meet(side, form), side, its)
    return Shape(tuple(corners), tuple(sides), tuple(tags))


def neighbours(shapes: Sequence[Shape]) -> list[tuple[int, int]]:
    """The pairs of shapes that share a side, or a part of one that is longer than a point.

    Shapes do not overlap. Corners may lie inside sides of others.
    """
    ends: dict[Form, list[tuple[Any, Any, int, int]]] = {}
    for i, shape in enumerate(shapes):
        interval = len(shape.corners[0]) == 2
        for k, (side, tag) in enumerate(zip(shape.sides, shape.tags, strict=True)):
            if tag is None:
                continue
            sign = 1 if next(n for n in side if n) > 0 else -1
            along = 0 if interval or side[1] else 1
            start, end = shape.corners[k], shape.corners[k if interval else (k + 1) % len(shape.corners)]
            p, q = Fraction(start[along], start[-1]), Fraction(end[along], end[-1])
            line = tuple(sign * n for n in side)
            ends.setdefault(line, []).append((min(p, q), max(p, q), sign, i))
    found = []
    for line, parts in ends.items():
        one, other = ([part for part in sorted(parts) if part[2] == sign] for sign in (1, -1))
        j = 0
        for low, high, _, i in one:
            while j < len(other) and other[j][1] <= low and len(line) > 2:
                j += 1
            k = j
            while k < len(other) and (other[k][0] < high or len(line) == 2):
                found.append((i, other[k][3]))
                k += 1
    return found
