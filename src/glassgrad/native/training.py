"""A whole stretch of training as one native function: draw rows, gather them, take the step, note the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.native.batches import alone_in, ask_ahead, copy_numbers, gather, gather_stored
from glassgrad.native.draws import Each, fold_in, integers, listed, room
from glassgrad.native.emit import F64, I64, POINTER, Code, type_of
from glassgrad.native.loops import Writer
from glassgrad.native.math import Math
from glassgrad.native.plan import Plan
from glassgrad.native.target import Target
from glassgrad.native.team import Team
from glassgrad.native.views import View

_LARGE = 16384  # numbers of a batch that are worth cutting among threads


@dataclass(frozen=True, slots=True)
class Feed:
    """Where the inputs of a step graph come from.

    ``columns``: pairs (number of the input, slot of the table that holds all rows). ``step``: the number of the
    input that is the step; the next one is the key that layers draw from. ``loss``: the number of the output that
    is the loss. ``carried``: pairs (output, input) that the next step starts from. ``sparse``: the first three
    columns are the CSR arrays data, indices and indptr.
    """

    columns: tuple[tuple[int, int], ...]
    step: int
    loss: int
    carried: tuple[tuple[int, int], ...]
    sparse: bool = False


def write_training(
    code: Code, name: str, plan: Plan, target: Target, feed: Feed, batch: int, drawn: bool, threads: int,
    whole: bool = False,
) -> int:  # fmt: skip
    """Write ``name(table, count, first, order, n, key, losses, thread, size, counter)``.

    It takes `count` steps from step number `first` on. `key` holds two keys, of two 32-bit words each: that of the
    rows, and that of layers that draw. Rows are drawn from `n`, or read from `order`, `batch` numbers a step; `whole`
    takes all rows in each step, where they lie. `size` threads, `threads` at most, run it side by side.

    Returns
    -------
    int
        Bytes of scratch memory that it needs behind the arena.
    """
    function = code.function(name, [POINTER, I64, I64, POINTER, I64, POINTER, POINTER, I64, I64, POINTER])
    table, count, first, order, n, key, losses, thread, size, counter = function.args
    b = Math(code, function)
    team = Team(b, thread, size, threads, counter, target.give_way) if threads > 1 else None
    writer = Writer(b, table, plan, target, team)
    steps = range(len(plan.steps))
    writer.touch(steps)
    inputs = [plan.views[w.serial] for w in plan.graph.inputs]
    outputs = [plan.views[w.serial] for w in plan.graph.outputs]
    for view in (*inputs, *outputs):
        writer.base(view)
    columns = [(inputs[i], b.load(b.at(table, slot, POINTER), POINTER)) for i, slot in feed.columns]
    if whole:
        writer.bases |= {view.buffer: source for view, source in columns}
    lanes = max(1, target.vector_bytes // 8)
    places = b.room(I64, room(batch, lanes))
    word = type_of(np.uint32)
    words = [b.widen(b.load(b.at(key, i, word), word), I64, signed=False) for i in range(4)]
    layers = inputs[feed.step + 1].buffer
    draws = any(view.buffer == layers for step in plan.steps for view in plan.reads(step))
    moved = [into for out, into in feed.carried if out not in plan.replaced]
    if team is not None:  # as the step before leaves it
        team.before((), [writer.place(inputs[into]) for into in moved], False)
    with b.loop(0, count) as s:
        number = b.add(first, s)
        if drawn:
            rows = integers(b, fold_in(b, (words[0], words[1]), number), n, batch, places, lanes)
            _fetch(b, writer, columns, feed.sparse, rows, batch, team)
        elif not whole:
            ask_ahead(b, columns, feed.sparse, batch, order, s, count)
            rows = listed(b, batch, b.at(order, b.mul(s, b.index(batch)), I64))
            _fetch(b, writer, columns, feed.sparse, rows, batch, team)
        with alone_in(team):
            b.store(number, writer.base(inputs[feed.step]))
            if draws:
                for i, part in enumerate(fold_in(b, (words[2], words[3]), number)):
                    b.store(b.narrow(part, word), b.at(writer.base(inputs[feed.step + 1]), i, word))
        if team is not None:
            team.before((), [writer.place(view) for view, _ in columns if not whole], True)
            team.before((), [writer.place(inputs[feed.step + i]) for i in range(2)], False)
        writer.write(steps)
        if team is not None:
            team.wait()
        with alone_in(team):
            cost, kind = outputs[feed.loss], type_of(outputs[feed.loss].dtype)
            loss = b.load(b.at(writer.base(cost), cost.offset, kind), kind)
            b.store(b.convert(loss, F64), b.at(losses, s, F64))
            for out, into in feed.carried:
                if out not in plan.replaced:
                    _move(b, writer, outputs[out], inputs[into], target)
        if team is not None:
            team.before((), [writer.place(inputs[into]) for into in moved], False)
    b.finish()
    return writer.scratch


def _fetch(
    b: Math, writer: Writer, columns: list[tuple[View, Any]], sparse: bool, rows: Each, batch: int, team: Team | None
) -> None:
    """Put the chosen rows of all columns into the step's inputs; a team shares large ones."""
    stored = columns[:3] if sparse else []
    dense = columns[len(stored) :]
    large = [c for c in dense if team is not None and c[0].size >= _LARGE]
    gather(b, writer, large, rows, batch, team)
    if stored:
        gather_stored(b, writer, stored, rows, batch, team)
    with alone_in(team):
        gather(b, writer, [c for c in dense if c not in large], rows, batch, None)


def _move(b: Math, writer: Writer, source: View, place: View, target: Target) -> None:
    """Copy an output over the input that the next step reads."""
    element = type_of(source.dtype)
    start = b.at(writer.base(source), source.offset, element)
    copy_numbers(
        b, start, writer.base(place), element, source.size, max(1, target.vector_bytes // source.dtype.itemsize)
    )
