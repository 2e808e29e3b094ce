"""Columns and their order: inputs at the left, results at the right, with few wires that cross.

The layered drawing of Sugiyama, Tagawa and Toda (1981). A wire that passes a column does so at a place of its own
in it; all consumers of a wire share one trunk, from which their branches leave.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

SWEEPS = 8
"""How often the columns are ordered from left to right and back."""
SWITCHES = 200
"""Up to this many places in a drawing, neighbours are also tried the other way round."""


@dataclass(slots=True)
class Body:
    """What is to be placed: how far it reaches above and below its line, and where it belongs.

    ``edge`` is −1 for what must stand in the first column, 1 for the last; ``leaf`` for what comes from outside and
    stands beside what uses it.
    """

    up: float
    down: float
    edge: int = 0
    leaf: bool = False


@dataclass(slots=True)
class Net:
    """A wire: the body it comes from, those it goes to, each with the offset from the body's line."""

    source: int
    offset: float
    targets: list[tuple[int, float]]


@dataclass(slots=True)
class Segment:
    """A piece of a wire between two columns; ``target`` is the number of the net's target, −1 on the trunk."""

    net: int
    a: int
    off_a: float
    b: int
    off_b: float
    target: int


@dataclass
class Ranked:
    """Bodies, and after them the places of passing wires, in columns, each from top to bottom."""

    bodies: list[Body]
    column: list[int]
    columns: list[list[int]]
    segments: list[Segment]
    places: int
    left: list[list[tuple[int, Segment]]] = field(default_factory=list)
    right: list[list[tuple[int, Segment]]] = field(default_factory=list)


def ranked(bodies: Sequence[Body], nets: Sequence[Net], passing: float = 5.0) -> Ranked:
    """Give every body a column and a place in it.

    Parameters
    ----------
    bodies : sequence of Body
        In topological order: a wire goes from a body to later ones.
    nets : sequence of Net
        The wires.
    passing : float
        How much room above and below its line a passing wire gets.
    """
    column = _columns(bodies, nets)
    every = list(bodies)
    segments: list[Segment] = []
    for number, net in enumerate(nets):
        by_column: dict[int, list[int]] = {}
        for t, (target, _) in enumerate(net.targets):
            by_column.setdefault(column[target], []).append(t)
        at, offset = net.source, net.offset
        for c in range(column[net.source] + 1, max(by_column, default=0) + 1):
            for t in by_column.get(c, ()):
                segments.append(Segment(number, at, offset, *net.targets[t], t))
            if c < max(by_column):
                every.append(Body(passing, passing))
                column.append(c)
                segments.append(Segment(number, at, offset, len(every) - 1, 0.0, -1))
                at, offset = len(every) - 1, 0.0
    columns: list[list[int]] = [[] for _ in range(max(column, default=-1) + 1)]
    for i, c in enumerate(column):
        columns[c].append(i)
    made = Ranked(every, column, columns, segments, len(bodies))
    made.left = [[] for _ in every]
    made.right = [[] for _ in every]
    for s in segments:
        made.right[s.a].append((s.b, s))
        made.left[s.b].append((s.a, s))
    _order(made)
    return made


def _columns(bodies: Sequence[Body], nets: Sequence[Net]) -> list[int]:
    """As far left as operands allow; what hangs on leaves alone moves right, beside what uses it."""
    sources: list[list[int]] = [[] for _ in bodies]
    users: list[list[int]] = [[] for _ in bodies]
    for net in nets:
        for target, _ in net.targets:
            sources[target].append(net.source)
            users[net.source].append(target)
    column = [0] * len(bodies)
    free = [False] * len(bodies)
    for v, body in enumerate(bodies):
        column[v] = max((column[u] + 1 for u in sources[v]), default=0)
        free[v] = body.edge == 0 and all(free[u] for u in sources[v])
    for v in range(len(bodies) - 1, -1, -1):
        if free[v] and users[v]:
            column[v] = min(column[u] for u in users[v]) - 1
    last = max((c for c, body in zip(column, bodies, strict=True) if body.edge != 1), default=-1) + 1
    column = [last if body.edge == 1 else c for c, body in zip(column, bodies, strict=True)]
    used = sorted(set(column))
    number = {c: i for i, c in enumerate(used)}
    return [number[c] for c in column]


def _order(made: Ranked) -> None:
    """Barycentres from left to right and back; the best of what was seen is kept, then neighbours are switched."""
    position = [0] * len(made.bodies)
    _number(made.columns, position)
    best, fewest = [list(c) for c in made.columns], crossings(made, position)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        leftward = sweep % 2 == 1
        near, walk = (made.right, made.columns[-2::-1]) if leftward else (made.left, made.columns[1:])
        for column in walk:
            _sort(made, column, near, position, leftward)
        found = crossings(made, position)
        if found < fewest:
            best, fewest = [list(c) for c in made.columns], found
    made.columns[:] = best
    _number(made.columns, position)
    if fewest and len(made.bodies) <= SWITCHES:
        _switch(made, position)


def _number(columns: list[list[int]], position: list[int]) -> None:
    for column in columns:
        for i, v in enumerate(column):
            position[v] = i


def _sort(
    made: Ranked, column: list[int], near: list[list[tuple[int, Segment]]], position: list[int], leftward: bool
) -> None:
    """Sort a column by the mean place of what its bodies are connected with on one side."""
    key: dict[int, float] = {}
    for v in column:
        at = [_place(made, u, s.off_b if leftward else s.off_a, position) for u, s in near[v]]
        key[v] = sum(at) / len(at) if at else float(position[v])
    column.sort(key=key.__getitem__)
    for i, v in enumerate(column):
        position[v] = i


def _place(made: Ranked, body: int, offset: float, position: list[int]) -> float:
    """A socket's place in its column: the body's, and a part of one by its offset."""
    b = made.bodies[body]
    return position[body] + 0.9 * offset / (b.up + b.down + 1.0)


def crossings(made: Ranked, position: list[int]) -> int:
    """How many pairs of segments cross."""
    between: dict[int, list[tuple[float, float]]] = {}
    for s in made.segments:
        ends = (_place(made, s.a, s.off_a, position), _place(made, s.b, s.off_b, position))
        between.setdefault(made.column[s.a], []).append(ends)
    total = 0
    for ends in between.values():
        seen: list[float] = []
        for _, b in sorted(ends):
            total += len(seen) - bisect_left(seen, b + 1e-9)
            insort(seen, b)
    return total


def _switch(made: Ranked, position: list[int]) -> None:
    """Exchange neighbours wherever that removes crossings, until nothing is gained."""
    for _ in range(10):
        gained = False
        for column in made.columns:
            for i in range(len(column) - 1):
                v, w = column[i], column[i + 1]
                now = _pair(made, v, w, position)
                if now and _pair(made, w, v, position) < now:
                    column[i], column[i + 1] = w, v
                    position[v], position[w] = i + 1, i
                    gained = True
        if not gained:
            return


def _pair(made: Ranked, upper: int, lower: int, position: list[int]) -> int:
    """Crossings between the segments of two bodies of a column, when `upper` stands above `lower`."""
    total = 0
    for near, leftward in ((made.left, False), (made.right, True)):
        above = [_place(made, u, s.off_b if leftward else s.off_a, position) for u, s in near[upper]]
        below = [_place(made, u, s.off_b if leftward else s.off_a, position) for u, s in near[lower]]
        total += sum(a > b + 1e-9 for a in above for b in below)
    return total
