"""Moving a panel of a matrix to where the tiles of a product find it side by side."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from glassgrad.native.builder import Builder
from glassgrad.native.emit import I32, I64, POINTER, Code, bytes_of, element_of, ir, lanes_of, suffix, vector


def copy_panel(
    b: Builder, source: Any, step: int, target: Any, count: Any, kinds: Sequence[tuple[Any, Any]], lanes: int
) -> None:
    """Copy `count` rows, `step` numbers apart, to rows that touch.

    Parameters
    ----------
    kinds : sequence of (type, mask)
        The vectors of a row; lanes outside a mask become 0.
    lanes : int
        Room for each vector.
    """
    element = element_of(kinds[0][0])
    with b.loop(0, count) as i:
        row = b.at(source, b.ir.mul(i, b.index(step)), element)
        place = b.at(target, b.ir.mul(i, b.index(len(kinds) * lanes)), element)
        for j, (kind, mask) in enumerate(kinds):
            x = load(b, b.at(row, j * lanes, element), kind, mask)
            b.store(x, b.at(place, j * lanes, element), align=lanes * bytes_of(element))


def load(b: Builder, address: Any, kind: Any, mask: Any) -> Any:
    """Read a vector, of which only the lanes of the mask are there."""
    return b.load(address, kind) if mask is None else b.load_masked(address, kind, mask)


def store(b: Builder, x: Any, address: Any, mask: Any) -> None:
    """Write the lanes of the mask of a vector."""
    if mask is None:
        b.store(x, address)
    else:
        b.store_masked(x, address, mask)


def transposer(code: Code, element: Any, lanes: int) -> Any:
    """The function ``(source, source_step, target, target_step, rows, columns)`` that writes a transposed matrix.

    Each is in the module once. It goes through the matrix in bands of so many rows as fill 16 bytes, and
    `target_step` is a multiple of that; `target` has room for a multiple of `lanes` rows. What it writes beyond
    the matrix is arbitrary.
    """
    name = f"transpose.{suffix(vector(element, lanes))}"
    known = code.module.globals.get(name)
    if known is not None:
        return known
    function = code.function(name, [POINTER, I64, POINTER, I64, I64, I64], exported=False)
    function.attributes.add("noinline")
    b = Builder(code, function)
    source, source_step, target, target_step, rows, columns = function.args
    kind, band = vector(element, lanes), band_of(element, lanes)
    with b.loop(0, rows, band) as i:
        last = b.ir.sub(b.ir.sub(rows, i), b.index(1))
        starts = []
        for r in range(band):
            # a row that is not there is read as the last that is
            inside = b.ir.icmp_signed("<", b.index(r), last)
            row = b.ir.add(i, b.select(inside, b.index(r), last))
            starts.append(b.at(source, b.ir.mul(row, source_step), element))
        with b.loop(0, columns, lanes) as j:
            mask = b.first_lanes(b.ir.sub(columns, j), lanes) if lanes > 1 else None
            read = [load(b, b.at(start, j, element), kind, mask) for start in starts]
            place = b.at(b.at(target, b.ir.mul(j, target_step), element), i, element)
            for x in transposed(b, read):
                b.store(x, place)
                place = b.at(place, target_step, element)
    b.finish()
    return function


def band_of(element: Any, lanes: int) -> int:
    """Rows that the transposer takes at once."""
    return min(lanes, 16 // bytes_of(element))


def transposed(b: Builder, rows: Sequence[Any]) -> list[Any]:
    """The columns of some rows of numbers: as many rows as fill 16 bytes, or as they have lanes."""
    lanes, piece = lanes_of(rows[0].type), len(rows)
    if lanes == 1:
        return list(rows)
    columns = _interleaved(b, rows, piece)
    if lanes == piece:
        return columns
    starts = range(0, lanes, piece)
    return [shuffle(b, columns[c], columns[c], range(s, s + piece)) for s in starts for c in range(piece)]


def _interleaved(b: Builder, rows: Sequence[Any], piece: int) -> list[Any]:
    """Transpose squares of 16 bytes, those of all lanes at once."""
    lanes, width, state = lanes_of(rows[0].type), 1, list(rows)
    # after each step state[c + width * g] holds column c of the group g of 2 * width rows
    while width < piece:
        after = []
        for g in range(piece // (2 * width)):
            x, y = state[2 * g * width : (2 * g + 1) * width], state[(2 * g + 1) * width : (2 * g + 2) * width]
            for low, high in zip(x, y, strict=True):
                for half in (0, 1):
                    picks = []
                    for base in range(0, lanes, piece):
                        for unit in range(piece // (2 * width)):
                            first = base + half * piece // 2 + unit * width
                            picks += [*range(first, first + width), *range(lanes + first, lanes + first + width)]
                    after.append(shuffle(b, low, high, picks))
        state, width = after, 2 * width
    return state


def totals(b: Builder, vectors: Sequence[Any]) -> Any:
    """The sums of the lanes of each vector, side by side; each in the order of `Builder.total`.

    There are 1, 2, 4, … vectors, no more than each has lanes.
    """
    if len(vectors) == 1:
        return b.total(vectors[0])
    state, lanes = list(vectors), lanes_of(vectors[0].type)
    group = lanes
    while group > 1:
        group //= 2
        low, high = _halves(lanes, group, min(len(state), 2))
        if len(state) > 1:
            pairs = zip(state[::2], state[1::2], strict=True)
            state = [b.add(shuffle(b, x, y, low), shuffle(b, x, y, high)) for x, y in pairs]
        else:
            x, lanes = state[0], lanes // 2
            state = [b.add(shuffle(b, x, x, low), shuffle(b, x, x, high))]
    return state[0]


def _halves(lanes: int, group: int, vectors: int) -> tuple[list[int], list[int]]:
    """The lanes of the lower and of the upper halves of pieces of two groups."""
    starts = range(0, vectors * lanes, 2 * group)
    low = [lane for s in starts for lane in range(s, s + group)]
    return low, [lane + group for lane in low]


def shuffle(b: Builder, x: Any, y: Any, picks: Sequence[int]) -> Any:
    """Chosen lanes of two vectors; those of the second are counted after those of the first."""
    return b.ir.shuffle_vector(x, y, _lanes(tuple(picks)))


def splat(b: Builder, x: Any, lanes: int) -> Any:
    """One number in every lane."""
    if lanes == 1:
        return x
    undefined, zeros = _undefined(x.type, lanes)
    return b.ir.shuffle_vector(b.ir.insert_element(undefined, x, _ZERO), undefined, zeros)


_ZERO = ir.Constant(I32, 0)


@functools.cache
def _lanes(picks: tuple[int, ...]) -> Any:
    """Numbers of lanes; a constant remembers its text, and writing that takes long."""
    return ir.Constant(vector(I32, len(picks)), list(picks))


@functools.cache
def _undefined(element: Any, lanes: int) -> tuple[Any, Any]:
    return ir.Constant(vector(element, lanes), ir.Undefined), ir.Constant(vector(I32, lanes), None)
