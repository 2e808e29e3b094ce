"""The rows of a batch: gathered into a step's inputs, dense or sparse, and asked for some steps ahead."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from glassgrad.native.draws import Each
from glassgrad.native.emit import I64, type_of, vector
from glassgrad.native.loops import Writer
from glassgrad.native.math import Math
from glassgrad.native.team import Team
from glassgrad.native.views import View

_FEW = 4  # rows of a batch whose memory is asked for ahead: of more, loads overlap anyway
_AHEAD = 4  # steps
_LINE = 64  # bytes that come at once
_LONGEST = 4096  # bytes of a row: what comes next in a longer one is foreseen


def ask_ahead(
    b: Math, columns: list[tuple[View, Any]], sparse: bool, batch: int, order: Any, step: Any, count: Any
) -> None:
    """Where a step takes few rows from anywhere, ask for the memory of those that a later step will take."""
    if batch > _FEW:
        return
    last = b.sub(b.mul(count, b.index(batch)), b.index(1))

    def row(j: Any, ahead: int) -> Any:
        place = b.add(b.mul(b.add(step, b.index(ahead)), b.index(batch)), j)
        return b.load(b.at(order, b.minimum(place, last), I64), I64)

    def lines(several: list[tuple[Any, Any]], first: Any, stop: Any) -> None:
        with b.loop(first, stop, max(1, _LINE // max(element.bytes for _, element in several))) as i:
            for source, element in several:
                b.ask_for(b.at(source, i, element))
        for source, element in several:
            b.ask_for(b.at(source, b.sub(stop, b.index(1)), element))

    with b.loop(0, batch) as j:
        soon = row(j, _AHEAD)
        if sparse:
            ends, starts = columns[2]
            kind = type_of(ends.dtype)
            b.ask_for(b.at(starts, row(j, 2 * _AHEAD), kind))
            place = b.at(starts, soon, kind)
            first, stop = (b.load(b.at(place, i, kind), kind) for i in range(2))
            if ends.dtype.itemsize < 8:
                first, stop = b.widen(first, I64), b.widen(stop, I64)
            lines([(source, type_of(view.dtype)) for view, source in columns[:2]], first, stop)
        for view, source in columns[3:] if sparse else columns:
            element, width = type_of(view.dtype), view.size // batch
            start = b.mul(soon, b.index(width))
            lines([(source, element)], start, b.add(start, b.index(min(width, _LONGEST // element.bytes))))


def gather(b: Math, writer: Writer, columns: list[tuple[View, Any]], rows: Each, batch: int, team: Team | None) -> None:
    """Copy the chosen rows of some columns into the step's inputs; a team shares the rows."""

    def copied(j: Any, row: Any) -> None:
        for view, source in columns:
            element, width = type_of(view.dtype), view.size // batch
            here, there = (
                b.at(x, b.mul(i, b.index(width)), element) for x, i in ((writer.base(view), j), (source, row))
            )
            copy_numbers(b, there, here, element, width, max(1, writer.target.vector_bytes // view.dtype.itemsize))

    if columns:
        rows(copied, team)


def gather_stored(
    b: Math, writer: Writer, columns: list[tuple[View, Any]], rows: Each, batch: int, team: Team | None
) -> None:
    """Put what the chosen sparse rows store side by side into the step's CSR arrays, as far as there is room.

    One row alone is read where it lies.
    """
    *moved, (ends, starts) = columns
    kind, room = type_of(ends.dtype), b.index(columns[0][0].size)

    def bounds(row: Any) -> tuple[Any, Any]:
        """Where a row begins, and how much it stores."""
        first, stop = (writer.whole(b.at(b.at(starts, row, kind), i, kind), ends) for i in range(2))
        return first, b.sub(stop, first)

    def ended(j: Any, place: Any) -> None:
        number = place if ends.dtype.itemsize == 8 else b.narrow(place, kind)
        b.store(number, b.at(writer.base(ends), j, kind))

    def alone(j: Any, row: Any) -> None:
        first, count = bounds(row)
        for view, source in moved:
            writer.bases[view.buffer] = b.at(source, first, type_of(view.dtype))
        with alone_in(team):
            ended(0, b.index(0))
            ended(1, b.minimum(count, room))

    if batch == 1:
        rows(alone, None)
        return
    full = b.room(I64)
    b.store(b.index(0), full)

    def copied(j: Any, row: Any) -> None:
        (first, count), done = bounds(row), b.load(full, I64)
        ended(j, done)
        count = b.minimum(count, b.sub(room, done))
        for view, source in moved:
            element = type_of(view.dtype)
            lanes = max(1, writer.target.vector_bytes // view.dtype.itemsize)
            copy_some(b, b.at(source, first, element), b.at(writer.base(view), done, element), element, count, lanes)
        b.store(b.add(done, count), full)

    with alone_in(team):
        rows(copied, None)
        ended(batch, b.load(full, I64))


def alone_in(team: Team | None) -> AbstractContextManager[Any]:
    """What the first thread does for all."""
    return nullcontext() if team is None else team.first()


def copy_numbers(b: Math, source: Any, place: Any, element: Any, n: int, lanes: int) -> None:
    """Copy n neighbouring numbers."""
    while lanes > 1 and lanes // 2 >= n:
        lanes //= 2
    kind, whole = vector(element, lanes), n - n % lanes
    if whole:
        with b.loop(0, whole, lanes) as i:
            b.store(b.load(b.at(source, i, element), kind), b.at(place, i, element))
    if n % lanes:
        rest = b.first_lanes(n % lanes, lanes)
        x = b.load_masked(b.at(source, whole, element), kind, rest)
        b.store_masked(x, b.at(place, whole, element), rest)


def copy_some(b: Math, source: Any, place: Any, element: Any, count: Any, lanes: int) -> None:
    """Copy neighbouring numbers, as many as is known only when it runs."""
    whole, kind = b.both(count, b.index(-lanes)), vector(element, lanes)
    with b.loop(b.index(0), whole, lanes) as i:
        b.store(b.load(b.at(source, i, element), kind), b.at(place, i, element))
    if lanes > 1:
        rest = b.first_lanes(b.sub(count, whole), lanes)
        b.store_masked(b.load_masked(b.at(source, whole, element), kind, rest), b.at(place, whole, element), rest)
