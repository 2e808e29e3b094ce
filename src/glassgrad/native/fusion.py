"""Products take in the loop that follows them: what it computes is done while their numbers are in registers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glassgrad.native.steps import Loop, Multiply, Step
from glassgrad.native.views import View


def fuse_products(steps: list[Step], views: Mapping[int, View], readers: Mapping[int, list[Step]]) -> None:
    """Move products to where the first loop reads them, element by element, and that part of the loop into them.

    Parameters
    ----------
    steps : list
        In the order they run; it is changed.
    views : mapping
        Where each wire is.
    readers : mapping
        For each buffer the steps that read it, in order; a graph's outputs are read by None.
    """
    products = [s for s in steps if isinstance(s, Multiply)]
    for m in reversed(products):  # where a loop reads two, the one computed last takes it in
        near = readers.get(views[m.gate.serial].buffer, [])
        loop = near[0] if near else None
        if not isinstance(loop, Loop) or m.gate.serial not in loop.reads:
            continue
        part, folds = _part(loop, m.gate)
        if not part or not _fits(part, m, loop, views):
            continue
        read_elsewhere = {g.serial for g in part if _others(readers.get(views[g.serial].buffer, []), loop)}
        if any(f.operands[0].serial not in {*read_elsewhere, m.gate.serial} for f in folds):
            continue  # the sum would be the only reason to store what it adds up
        steps.pop(_index(steps, m))
        _take(steps, m, loop, part, folds, views)


def _index(steps: list[Step], step: Step) -> int:
    return next(i for i, s in enumerate(steps) if s is step)


def _others(near: list[Any], loop: Loop) -> bool:
    return any(s is not loop for s in near)


def _part(loop: Loop, gate: Any) -> tuple[list[Any], list[Any]]:
    """The gates and folds of a loop that share values with those that read `gate`."""
    inside = {g.serial for g in loop.gates}
    group = {g.serial: {g.serial} for g in loop.gates}
    first: set[int] | None = None
    for g in loop.gates:
        joined = [group[x.serial] for x in g.operands if x.serial in inside]
        if any(x is gate for x in g.operands):
            joined += [] if first is None else [first]
        members = group[g.serial].union(*joined)
        for serial in members:
            group[serial] = members
        if any(x is gate for x in g.operands) or (first is not None and first & members):
            first = members
    chosen = first or set()
    folds = [f for f in loop.folds if f.operands[0] is gate or f.operands[0].serial in chosen]
    return [g for g in loop.gates if g.serial in chosen], folds


def _fits(part: list[Any], m: Multiply, loop: Loop, views: Mapping[int, View]) -> bool:
    """Whether the loop walks over the product as it is computed, and over all else in whole vectors or not at all."""
    if loop.reads[m.gate.serial] != views[m.gate.serial] or not views[m.gate.serial].contiguous:
        return False
    lane = next((a for a in range(len(loop.shape) - 1, -1, -1) if loop.shape[a] != 1), None)
    if lane is None:
        return True
    reads = [loop.reads[x.serial] for g in part for x in g.operands if x.serial in loop.reads]
    return all(v.strides[lane] in (0, 1) for v in reads)


def _take(
    steps: list[Step], m: Multiply, loop: Loop, part: list[Any], folds: list[Any], views: Mapping[int, View]
) -> None:
    taken = {g.serial for g in part}
    m.then = _loop(loop, part, [], views)
    m.then.reads.pop(m.gate.serial)
    rest = [g for g in loop.gates if g.serial not in taken]
    moved = {f.serial for f in folds}
    left = [f for f in loop.folds if f.serial not in moved]
    place = _index(steps, loop)
    steps.insert(place, m)
    if folds:
        steps.insert(place + 1, _loop(loop, [], folds, views))
    after = _loop(loop, rest, left, views)
    loop.gates, loop.folds, loop.reads = after.gates, after.folds, after.reads
    if not rest and not left:
        steps.pop(_index(steps, loop))


def _loop(loop: Loop, gates: list[Any], folds: list[Any], views: Mapping[int, View]) -> Loop:
    """Some gates and folds of a loop as a loop of their own, which reads what they need."""
    inside = {g.serial for g in gates}
    needed = [x for g in (*gates, *folds) for x in g.operands if x.serial not in inside and x.serial in views]
    reads = {x.serial: loop.reads.get(x.serial, views[x.serial]) for x in needed}
    return Loop(loop.shape, gates, reads, [], folds)
