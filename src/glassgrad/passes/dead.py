"""Dead code: wires that no output needs, and elements that no output needs.

A graph holds only what its outputs reach, so wires go by themselves. Elements go where a slice takes a
part of what was just put together: a slice of a slice takes once, a slice of one piece of a concatenation
takes from that piece, a slice of what was embedded takes it back, and one part of a split is a slice,
whatever becomes of the others. All of it only moves numbers, and is exact.
"""

from __future__ import annotations

from typing import Any

from glassgrad.graphs import Graph
from glassgrad.op import Op
from glassgrad.ops.normal import WHOLE, Normal, part_of
from glassgrad.ops.parts import part
from glassgrad.ops.view import concatenate_axis, embed, sliced, split_at
from glassgrad.passes.rewrite import Pass, Rewriter, Rule, simplified


def _part(r: Rewriter, out: Any, x: Any, index: int) -> Any:
    if not r.made_by(x, split_at):
        return None
    (whole,), axis = x.operands, x.params["axis"]
    cuts = (0, *x.params["cuts"], whole.shape[axis])
    return r.gate(sliced, whole, index=part_of(cuts[index], cuts[index + 1], 1, axis, len(whole.shape)))


def _slice(r: Rewriter, out: Any, x: Any, index: Normal) -> Any:
    if r.made_by(x, embed) and x.params["index"] == index:
        return x.operands[0]
    if None in index:
        return None
    if r.made_by(x, sliced) and None not in x.params["index"]:
        given = x.operands[0]
        return r.gate(sliced, given, index=_normal(_then(_taken(given.shape, x.params["index"]), index), given.shape))
    if r.made_by(x, concatenate_axis):
        return _from_piece(r, x, index)
    return None


def _from_piece(r: Rewriter, x: Any, index: Normal) -> Any:
    """A slice of a concatenation that lies inside one piece, taken from there."""
    axis = x.params["axis"]
    taken = _taken(x.shape, index)
    along = taken[axis]
    places = (along,) if isinstance(along, int) else (along[0], along[-1]) if along else None
    if places is None:
        return None
    start = 0
    for piece in x.operands:
        n = piece.shape[axis]
        if all(start <= i < start + n for i in places):
            if piece.dtype != x.dtype:
                return None
            taken[axis] = (
                along - start if isinstance(along, int) else range(along.start - start, along.stop - start, along.step)
            )
            return r.gate(sliced, piece, index=_normal(taken, piece.shape))
        start += n
    return None


def _taken(shape: tuple[int, ...], index: Normal) -> list[int | range]:
    """What a basic index without new axes takes of each axis: one position, or a range of them."""
    entries = (*index, *((WHOLE,) * (len(shape) - len(index))))
    return [
        entry if isinstance(entry, int) else range(n)[slice(*(entry or WHOLE))]
        for n, entry in zip(shape, entries, strict=True)
    ]


def _then(taken: list[int | range], index: Normal) -> list[int | range]:
    """What is left of each axis after a second index."""
    left = iter(index)
    result: list[int | range] = []
    for some in taken:
        entry = WHOLE if isinstance(some, int) else next(left, WHOLE)
        if isinstance(some, int):
            result.append(some)
        else:
            result.append(some[entry] if isinstance(entry, int) else some[slice(*(entry or WHOLE))])
    return result


def _normal(taken: list[int | range], shape: tuple[int, ...]) -> Normal:
    """A basic index from positions and ranges."""
    entries: list[Any] = []
    for some, n in zip(taken, shape, strict=True):
        if isinstance(some, int):
            entries.append(some)
        elif some == range(n):
            entries.append(WHOLE)
        elif not some:
            entries.append((0, 0, 1))
        else:
            entries.append((some.start, some.stop if some.stop >= 0 else None, some.step))
    return tuple(entries)


RULES: dict[Op, tuple[Rule, ...]] = {part: (_part,), sliced: (_slice,)}


def _drop(graph: Graph) -> Graph:
    return simplified(graph, RULES)


drop_dead = Pass("dead", "drops wires and elements that no output needs", _drop)
