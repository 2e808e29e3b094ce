"""Loops over elements, with the sums over what they compute: one nest for each `Loop` of a plan.

Axes that are kept lie outside, those that are summed over inside. Vectors run along one axis, the *lane* axis. If it is
kept, each lane has a sum of its own; if it is summed over, the lanes of a sum are added up at its end. Each number is
read, and each gate computed, as far outside as the axes that it depends on allow. Along the lane axis and along one
*row* axis several elements are taken at once, so that additions need not wait for each other; in which order
a sum is added up hangs on the shapes alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from glassgrad.native.emit import type_of, vector
from glassgrad.native.lowering import computed, given, weight
from glassgrad.native.matmul_pack import totals
from glassgrad.native.nest_axes import Key, collapsed, spread
from glassgrad.native.steps import Loop
from glassgrad.native.views import View
from glassgrad.native.walks import Walks

_BUSY = 4  # sums side by side that keep an adder busy
_CODE = 240  # instructions of gates that one turn of the innermost loop may hold
_SUMS = 12  # registers for sums
_SHORT = 3  # vectors of a row that are written without a loop


class Nest:
    """Writes one loop."""

    def __init__(self, walks: Walks, loop: Loop) -> None:
        self.walks, self.b, self.loop = walks, walks.b, loop
        plan = walks.plan
        self.views: dict[Key, View] = {("read", s): v for s, v in loop.reads.items()}
        self.views |= {("write", g.serial): plan.views[g.serial] for g in loop.stored}
        self.views |= {("fold", f.serial): spread(plan.views[f.serial], f) for f in loop.folds}
        axes = collapsed(loop, self.views)
        kept, summed = [a for a in axes if not a.summed], [a for a in axes if a.summed]
        lane = next((a for a in reversed(axes) if set(a.strides.values()) <= {0, 1}), axes[-1] if axes else None)
        self.axes = [
            *sorted(kept, key=lambda a: a is lane),
            *sorted(summed, key=lambda a: a is lane),
        ]
        self.first = len(kept)  # where the axes that are summed over begin
        self.lane = next((i for i, a in enumerate(self.axes) if a is lane), -1)
        self.across = lane is not None and lane.summed
        dtypes = [v.dtype for v in self.views.values()] + [g.dtype for g in loop.gates]
        plain = lane is not None and set(lane.strides.values()) <= {0, 1}
        self.lanes = walks._lanes(dtypes, lane.size) if plain and lane is not None else 1
        self._absorb()
        self._depend()
        self._widths()
        self.rows, self.chunks = 1, [(0, None)]

    # what is known before anything is written

    def _absorb(self) -> None:
        """Products that are only summed are added to the sum in one operation."""
        stored = {g.serial for g in self.loop.stored}
        used = [x.serial for g in self.loop.gates for x in g.operands]
        wanted = [f.operands[0] for f in self.loop.folds if f.op.name in ("sum", "mean")]
        others = {f.operands[0].serial for f in self.loop.folds if f.op.name not in ("sum", "mean")}
        self.absorbed = {
            x.serial: x
            for x in wanted
            if x.op is not None and x.op.name in ("multiply", "square") and self.loop.has(x)
            and x.serial not in stored and x.serial not in used and x.serial not in others
        }  # fmt: skip

    def _depend(self) -> None:
        """How many axes, from outside, each value needs to be known, and whether it differs along lanes and rows."""
        self.row = self.first - 1 if self.across else len(self.axes) - 1
        if not self.loop.folds or self.row == self.lane or (not self.across and self.row < self.first):
            self.row = -1
        self.depth: dict[int, int] = {}
        self.varies: dict[int, tuple[bool, bool]] = {}
        for serial in self.loop.reads:
            steps = [a.strides["read", serial] != 0 for a in self.axes]
            self.depth[serial] = max((i + 1 for i, on in enumerate(steps) if on), default=0)
            self.varies[serial] = (self.row >= 0 and steps[self.row], self.lane >= 0 and steps[self.lane])
        for g in self.loop.gates:
            known = [x.serial for x in g.operands if x.serial in self.depth]
            self.depth[g.serial] = max((self.depth[s] for s in known), default=0)
            self.varies[g.serial] = (any(self.varies[s][0] for s in known), any(self.varies[s][1] for s in known))

    def _widths(self) -> None:
        """How many rows and vectors are taken at once."""
        self.at_once, self.side = 1, 1
        folds, heavy = len(self.loop.folds), max(1, sum(weight(g) for g in self.loop.gates))
        if not folds or self.lane < 0:
            return
        vectors = math.ceil(self.axes[self.lane].size / self.lanes)
        rows = self.axes[self.row].size if self.row >= 0 else 1
        if self.across:
            long = min(vectors, _SHORT)
            for n in (2, 4, 8):
                if n <= min(rows, self.lanes) and n * folds <= 16 and n * heavy * long <= _CODE and n * vectors <= 32:
                    self.at_once = n
            while self.at_once * self.side < _BUSY and vectors >= 2 * self.side and heavy * self.side * 2 <= _CODE:
                self.side *= 2
            return
        for n in (2, 3, 4):
            if n <= vectors and n * folds <= _SUMS and n * heavy <= _CODE:
                self.side = n
        while (
            self.side * self.at_once < _BUSY and rows >= 4 * self.at_once
            and 2 * self.side * self.at_once * folds <= _SUMS and 2 * self.side * self.at_once * heavy <= _CODE
        ):  # fmt: skip
            self.at_once *= 2

    # the nest

    def write(self) -> None:
        """Write all of it."""
        at = {k: self.b.at(self.walks.base(v), v.offset, type_of(v.dtype)) for k, v in self.views.items()}
        self._level(0, at, {})

    def _level(self, d: int, at: dict[Key, Any], values: dict[Any, Any]) -> None:
        """What is inside the first `d` axes, all of them kept."""
        self._compute(d, at, values)
        if d == self.first and self.loop.folds:
            sums = self._fold(d, at, values, self._zeros())
            self._end(at, sums)
        elif d == len(self.axes):
            self._store(at, values)
        elif d == self.lane:
            self._lane_axis(d, at, values)
        elif d == self.row and self.at_once > 1:
            self._row_axis(d, at, values)
        else:
            start, stop = self._cut(d, self.axes[d].size)
            with self.b.loop(start, stop) as i:
                self._level(d + 1, self._moved(d, at, i), dict(values))

    def _lane_axis(self, d: int, at: dict[Key, Any], values: dict[Any, Any]) -> None:
        """Groups of vectors, and then the rest, the last of it under a mask."""
        n, step = self.axes[d].size, self.lanes * self.side
        groups = n // step
        if groups == 1:
            with self._taking(chunks=self._vectors(step)), self._last(d, self._shared(d)):
                self._level(d + 1, at, dict(values))
        elif groups:
            start, stop = self._cut(d, groups, step)
            with self._taking(chunks=self._vectors(step)), self.b.loop(start, stop, step) as i:
                self._level(d + 1, self._moved(d, at, i), dict(values))
        if n % step:
            with self._taking(chunks=self._vectors(n % step)), self._last(d, self._shared(d)):
                self._level(d + 1, self._moved(d, at, groups * step), dict(values))

    def _row_axis(self, d: int, at: dict[Key, Any], values: dict[Any, Any]) -> None:
        """Groups of rows, and then the rest one by one."""
        n, step = self.axes[d].size, self.at_once
        start, stop = self._cut(d, n // step, step)
        with self._taking(rows=step), self.b.loop(start, stop, step) as i:
            self._level(d + 1, self._moved(d, at, i), dict(values))
        if n % step:
            with self._last(d, self._shared(d)), self.b.loop(n - n % step, n) as i:
                self._level(d + 1, self._moved(d, at, i), dict(values))

    def _shared(self, d: int) -> bool:
        return d == 0 and self.walks.team is not None and self.walks.shared

    def _cut(self, d: int, n: int, step: int = 1) -> tuple[Any, Any]:
        """From where to where along an axis of `n` pieces; threads share the outermost one."""
        if not self._shared(d):
            return 0, n * step
        team, wide = self.walks.team, self.b.index(step)
        assert team is not None
        start, stop = team.share(n)
        return (start, stop) if step == 1 else (self.b.mul(start, wide), self.b.mul(stop, wide))

    @contextmanager
    def _last(self, d: int, shared: bool) -> Iterator[None]:
        """What one thread does, if threads share the axis."""
        if not shared:
            yield
            return
        assert self.walks.team is not None
        with self.walks.team.last():
            yield

    @contextmanager
    def _taking(self, rows: int | None = None, chunks: list[Any] | None = None) -> Iterator[None]:
        """So many rows or these vectors at once, inside."""
        before = self.rows, self.chunks
        self.rows, self.chunks = rows or self.rows, chunks or self.chunks
        yield
        self.rows, self.chunks = before

    def _vectors(self, count: int) -> list[tuple[int, Any]]:
        """Vectors that hold so many elements: where each starts, and a mask where it is not full."""
        full, rest = divmod(count, self.lanes)
        chunks: list[tuple[int, Any]] = [(i * self.lanes, None) for i in range(full)]
        return chunks + ([(full * self.lanes, self.b.first_lanes(rest, self.lanes))] if rest else [])

    def _moved(self, d: int, at: dict[Key, Any], i: Any) -> dict[Key, Any]:
        """The addresses at place `i` of an axis."""
        steps = self.axes[d].strides
        return {
            k: self.b.at(a, self.walks._times(i, steps[k]), type_of(self.views[k].dtype)) if steps[k] else a
            for k, a in at.items()
        }

    # values

    def _copies(self, serial: int) -> list[tuple[int, int]]:
        """The rows and vectors of a value that differ."""
        by_row, by_lane = self.varies[serial]
        return [(r, c) for r in range(self.rows if by_row else 1) for c in range(len(self.chunks) if by_lane else 1)]

    def _value(self, values: dict[Any, Any], serial: int, r: int, c: int) -> Any:
        by_row, by_lane = self.varies[serial]
        return values[serial, r if by_row else 0, c if by_lane else 0]

    def _place(self, at: dict[Key, Any], key: Key, r: int, c: int) -> Any:
        """The address of a row and vector of those that are taken at once."""
        offset = (r * self.axes[self.row].strides[key] if r else 0) + (
            self.chunks[c][0] * self.axes[self.lane].strides[key] if c else 0
        )
        return self.b.at(at[key], offset, type_of(self.views[key].dtype))

    def _compute(self, d: int, at: dict[Key, Any], values: dict[Any, Any]) -> None:
        """Read and compute what needs the first `d` axes and no other."""
        walks = self.walks
        for serial, view in self.loop.reads.items():
            if self.depth[serial] == d:
                for r, c in self._copies(serial):
                    address = self._place(at, ("read", serial), r, c)
                    if self.varies[serial][1]:
                        x = walks._read(address, view, self.lanes, self.chunks[c][1])
                    else:
                        x = self.b.splat(walks._read(address, view, 1), self.lanes)
                    values[serial, r, c] = x
        for g in self.loop.gates:
            if self.depth[g.serial] == d and g.serial not in self.absorbed:
                for r, c in self._copies(g.serial):
                    values[g.serial, r, c] = computed(self.b, g, self._operands(g, values, r, c), self.lanes)

    def _operands(self, g: Any, values: dict[Any, Any], r: int, c: int) -> dict[int, Any]:
        return {x.serial: self._value(values, x.serial, r, c) for x in g.operands if x.serial in self.varies}

    def _store(self, at: dict[Key, Any], values: dict[Any, Any]) -> None:
        for g in self.loop.stored:
            for r in range(self.rows):
                for c, (_, mask) in enumerate(self.chunks):
                    address = self._place(at, ("write", g.serial), r, c)
                    x = self._value(values, g.serial, r, c)
                    self.walks._write(x, address, self.views["write", g.serial], mask)

    # sums

    def _zeros(self) -> list[Any]:
        """What the sums start from: for each fold, row and vector."""
        count = (self.rows if self.across else self.at_once) * (self.side if self.across else len(self.chunks))
        return [self.b.const(_start(f), vector(type_of(f.dtype), self.lanes)) for f in self.loop.folds] * count

    def _number(self, fold: int, r: int, c: int) -> int:
        side = self.side if self.across else len(self.chunks)
        return (r * side + c) * len(self.loop.folds) + fold

    def _fold(self, d: int, at: dict[Key, Any], values: dict[Any, Any], sums: list[Any]) -> list[Any]:
        """Add what is inside the first `d` axes to the sums."""
        if d > self.first:
            self._compute(d, at, values)
        if d == len(self.axes):
            self._store(at, values)
            return self._joined(values, sums)
        n = self.axes[d].size
        if d == self.lane:
            step, take = self.lanes * self.side, lambda count: self._taking(chunks=self._vectors(count))
        elif d == self.row:
            step, take = self.at_once, lambda count: self._taking(rows=count)
        else:
            step, take = 1, lambda count: self._taking()

        def inside(i: Any, sums: list[Any], count: int) -> list[Any]:
            with take(count):
                return self._fold(d + 1, self._moved(d, at, i), dict(values), sums)

        whole = n - n % step
        if d == self.lane and math.ceil(n / self.lanes) <= _SHORT:
            for i in range(0, whole, step):
                sums = inside(i, sums, step)
        elif whole:
            sums = self.b.carry(0, whole, step, sums, lambda i, v: inside(i, v, step))
        return inside(whole, sums, n % step) if n % step else sums

    def _joined(self, values: dict[Any, Any], sums: list[Any]) -> list[Any]:
        b, sums = self.b, list(sums)
        for f, gate in enumerate(self.loop.folds):
            x, join = gate.operands[0], self.walks.operation(gate.op.name)
            for r in range(self.rows):
                for c, (_, mask) in enumerate(self.chunks):
                    i = self._number(f, r, c)
                    if x.serial in self.absorbed:
                        after = self._multiplied(x, self._operands(x, values, r, c), sums[i])
                    else:
                        after = join(sums[i], self._value(values, x.serial, r, c))
                    # lanes outside a row that is summed over hold no number of it
                    sums[i] = b.select(mask, after, sums[i]) if mask is not None and self.across else after
        return sums

    def _multiplied(self, gate: Any, values: dict[int, Any], to: Any) -> Any:
        """A product added to a sum."""
        b = self.b
        if not self.walks.target.fma:
            return b.add(to, computed(b, gate, values, self.lanes))
        x, *y = given(b, gate, values, self.lanes)
        return b.fma(x, y[0] if y else x, to)

    def _end(self, at: dict[Key, Any], sums: list[Any]) -> None:
        """Join the sums that ran side by side, and store the results."""
        for f, gate in enumerate(self.loop.folds):
            join, key = self.walks.operation(gate.op.name), ("fold", gate.serial)
            if self.across:
                each = [_pairs(join, [sums[self._number(f, r, c)] for c in range(self.side)]) for r in range(self.rows)]
                self._across_lanes(gate, key, at, each)
                continue
            for c, (_, mask) in enumerate(self.chunks):
                total = _pairs(join, [sums[self._number(f, r, c)] for r in range(self.at_once)])
                self.walks._write(self._mean(gate, total), self._place(at, key, 0, c), self.views[key], mask)

    def _across_lanes(self, gate: Any, key: Key, at: dict[Key, Any], each: list[Any]) -> None:
        b, wide = self.b, self.lanes > 1
        side_by_side = self.row >= 0 and self.axes[self.row].strides[key] == 1
        if wide and gate.op.name in ("sum", "mean") and (len(each) == 1 or side_by_side):
            b.store(self._mean(gate, totals(b, each)), at[key])
            return
        for r, x in enumerate(each):
            one = b.across(x, self.walks.operation(gate.op.name))
            b.store(self._mean(gate, one), self._place(at, key, r, 0))

    def _mean(self, gate: Any, total: Any) -> Any:
        x = gate.operands[0]
        count = math.prod(x.shape[a] for a in gate.params["axis"]) if gate.op.name == "mean" else 1
        return total if count == 1 else self.b.div(total, self.b.const(count, total.type))


def _start(fold: Any) -> float:
    return {"max": -math.inf, "min": math.inf}.get(fold.op.name, 0.0)


def _pairs(join: Callable[[Any, Any], Any], xs: Sequence[Any]) -> Any:
    """All joined, halves first."""
    xs = list(xs)
    while len(xs) > 1:
        half = len(xs) // 2
        xs = [join(x, y) for x, y in zip(xs[:half], xs[half : 2 * half], strict=True)] + xs[2 * half :]
    return xs[0]
