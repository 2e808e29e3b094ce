"""How high everything stands: wires straight where they can be, bodies midway between what they are connected with.

Brandes and Köpf, "Fast and simple horizontal coordinate assignment" (2001), turned by a quarter, with sockets:
bodies that a wire joins are moved so that the wire is straight, wherever on the body it is plugged in. Four
assignments, each as far up or down as its order allows, are averaged; every order and distance that all four keep,
the average keeps.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf

from glassgrad.views.picture.ranks import Ranked, Segment


def heights(made: Ranked, gap: float) -> list[float]:
    """The y of the line of every body and every passing wire.

    Parameters
    ----------
    made : Ranked
        Columns in order.
    gap : float
        The least distance between neighbours of a column.
    """
    if not made.bodies:
        return []
    crossed = _conflicts(made)
    results = [_assign(made, gap, crossed, leftward, down) for leftward in (False, True) for down in (False, True)]
    spans = [max(ys) - min(ys) for ys in results]
    narrow = results[spans.index(min(spans))]
    low, high = min(narrow), max(narrow)
    for n, ys in enumerate(results):
        move = high - max(ys) if n % 2 else low - min(ys)
        results[n] = [y + move for y in ys]
    ys = [(a[1] + a[2]) / 2 for a in map(sorted, zip(*results, strict=True))]
    _settle(made, gap, ys)
    return ys


def _conflicts(made: Ranked) -> set[int]:
    """Segments that cross a trunk, by id: they give way, so that trunks are straight."""
    position = {v: i for column in made.columns for i, v in enumerate(column)}
    found: set[int] = set()
    for column in made.columns[1:]:
        trunks: list[tuple[int, int]] = []
        others: list[tuple[int, int, Segment]] = []
        for v in column:
            for u, s in made.left[v]:
                if u >= made.places and v >= made.places:
                    trunks.append((position[u], position[v]))
                else:
                    others.append((position[u], position[v], s))
        for a, b, s in others:
            if any((a < c) != (b < d) and a != c and b != d for c, d in trunks):
                found.add(id(s))
    return found


def _assign(made: Ranked, gap: float, crossed: set[int], leftward: bool, down: bool) -> list[float]:
    """One of the four: aligned with the left or right neighbours, as far up or down as it goes."""
    columns = [list(reversed(c)) for c in made.columns] if down else made.columns
    sign = -1.0 if down else 1.0
    root, shift = _aligned(made, columns, crossed, leftward, sign)
    return [sign * y for y in _compact(made, columns, gap, root, shift, down)]


def _aligned(
    made: Ranked, columns: list[list[int]], crossed: set[int], leftward: bool, sign: float
) -> tuple[list[int], list[float]]:
    """Blocks of bodies joined by straight wires: each body's block, and how far it stands from the block's line."""
    count = len(made.bodies)
    root, shift, taken = list(range(count)), [0.0] * count, [False] * count
    position = [0] * count
    for column in columns:
        for i, v in enumerate(column):
            position[v] = i
    near = made.right if leftward else made.left
    for column in reversed(columns) if leftward else columns:
        limit = -1
        for v in column:
            ends = sorted(
                ((position[u], sign * (s.off_b if leftward else s.off_a), u, s) for u, s in near[v]),
                key=lambda end: end[:2],
            )
            if not ends:
                continue
            middle = (len(ends) - 1) // 2
            for at, _, u, s in (ends[middle], ends[len(ends) // 2]):
                if at > limit and not taken[u] and id(s) not in crossed:
                    off_u, off_v = (s.off_b, s.off_a) if leftward else (s.off_a, s.off_b)
                    root[v], taken[u], limit = root[u], True, at
                    shift[v] = shift[u] + sign * (off_u - off_v)
                    break
    return root, shift


def _compact(
    made: Ranked, columns: list[list[int]], gap: float, root: list[int], shift: list[float], down: bool
) -> list[float]:
    """Blocks as far up as their order allows, then down to what they are followed by."""
    after: dict[int, list[tuple[int, float]]] = {}
    waits: dict[int, int] = {}
    for column in columns:
        for v, w in pairwise(column):
            a, b = made.bodies[v], made.bodies[w]
            apart = (a.up + b.down if down else a.down + b.up) + gap + shift[v] - shift[w]
            after.setdefault(root[v], []).append((root[w], apart))
            waits[root[w]] = waits.get(root[w], 0) + 1
    blocks = set(root)
    ready = [b for b in blocks if not waits.get(b)]
    at = dict.fromkeys(blocks, 0.0)
    ordered: list[int] = []
    while ready:
        block = ready.pop()
        ordered.append(block)
        for other, apart in after.get(block, ()):
            at[other] = max(at[other], at[block] + apart)
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
    for block in reversed(ordered):
        if after.get(block):
            at[block] = max(at[block], min(at[other] - apart for other, apart in after[block]))
    return [at[root[v]] + shift[v] for v in range(len(root))]


def _settle(made: Ranked, gap: float, ys: list[float]) -> None:
    """Move leaves towards what they go into, within the room that the rest of their column leaves them.

    In each stretch of leaves, neighbours that want the same room share it evenly (isotonic regression).
    """
    for column in reversed(made.columns):
        at = 0
        while at < len(column):
            end = at
            while end < len(column) and made.bodies[column[end]].leaf and made.right[column[end]]:
                end += 1
            if end > at:
                _share(made, gap, ys, column, at, end)
            at = end + 1


def _share(made: Ranked, gap: float, ys: list[float], column: list[int], at: int, end: int) -> None:
    """The places of one stretch of leaves of a column."""
    offsets, wishes = [0.0], []
    for v, w in zip(column[at : end - 1], column[at + 1 : end], strict=True):
        offsets.append(offsets[-1] + made.bodies[v].down + made.bodies[w].up + gap)
    for v, offset in zip(column[at:end], offsets, strict=True):
        near = [ys[u] + s.off_b - s.off_a for u, s in made.right[v]]
        wishes.append(sum(near) / len(near) - offset)
    pools: list[tuple[float, int]] = []
    for wish in wishes:
        pools.append((wish, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, m), (b, n) = pools[-2:]
            pools[-2:] = [((a * m + b * n) / (m + n), m + n)]
    low, high = -inf, inf
    first, last = column[at], column[end - 1]
    if at:
        low = ys[column[at - 1]] + made.bodies[column[at - 1]].down + gap + made.bodies[first].up
    if end < len(column):
        high = ys[column[end]] - made.bodies[column[end]].up - gap - made.bodies[last].down - offsets[-1]
    places = [min(max(wish, low), high) for wish, n in pools for _ in range(n)]
    for v, offset, place in zip(column[at:end], offsets, places, strict=True):
        ys[v] = place + offset
