"""Reductions of whole numbers and truth values, the positions of extremes, running sums, products of integers.

Sums, means and extremes of floating numbers, which training is made of, are in ``loops.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.native.emit import I1, type_of, vector
from glassgrad.native.lowering import BOOL, FLOATS, converted
from glassgrad.native.steps import Single
from glassgrad.native.views import View, collapse, row_major
from glassgrad.native.walks import Walks
from glassgrad.ops.normal import WHOLE


class Folds(Walks):
    """Walks that make one number of several."""

    def fold(self, step: Single) -> None:
        """Sum, mean, max, min, any and all, in NumPy's dtypes."""
        gate, (read,), b = step.gate, step.reads, self.b
        name, axes, out = gate.op.name, gate.params["axis"], self.plan.views[gate.serial]
        inner = BOOL if name in ("any", "all") else gate.dtype
        start, join = self._joins(name, inner)
        count = math.prod(read.shape[a] for a in axes)

        def one(source: Any, sizes: Sequence[int], strides: Sequence[int]) -> Any:
            def next_one(address: Any, values: list[Any]) -> list[Any]:
                return [join(values[0], converted(b, self._read(address, read, 1), read.dtype, inner))]

            (total,) = self._carried(source, read, sizes, strides, [start], next_one)
            return b.div(total, b.const(count, total.type)) if name == "mean" else total

        self._each(read, axes, out, one)

    def position(self, step: Single) -> None:
        """Where the largest or smallest element stands, the first of a tie; a NaN wins."""
        gate, (read,), b = step.gate, step.reads, self.b
        axis, out = gate.params["axis"], self.plan.views[gate.serial]
        axes = tuple(range(len(read.shape))) if axis is None else (axis,)
        how, signed = (">" if gate.op.name == "argmax" else "<"), read.dtype.kind != "u"

        def one(source: Any, sizes: Sequence[int], strides: Sequence[int]) -> Any:
            def next_one(address: Any, values: list[Any]) -> list[Any]:
                best, where, here = values
                x = b.load(address, type_of(read.dtype))
                better = b.compare(how, x, best, signed)
                if read.dtype in FLOATS:
                    better = b.either(better, b.both(b.is_nan(x), b.compare("==", best, best)))
                after = b.add(here, b.index(1))
                return [b.select(better, x, best), b.select(better, here, where), after]

            first = [b.load(source, type_of(read.dtype)), b.index(0), b.index(0)]
            return self._carried(source, read, sizes, strides, first, next_one)[1]

        self._each(read, axes, out, one)

    def _each(
        self, read: View, axes: Sequence[int], out: View, one: Callable[[Any, Sequence[int], Sequence[int]], Any]
    ) -> None:
        """Make each number of the result by ``one(address, sizes, strides)`` of the axes that are folded."""
        kept = [a for a in range(len(read.shape)) if a not in axes]
        shape = tuple(read.shape[a] for a in kept)
        sizes, (source_steps, place_steps) = collapse(
            shape, [tuple(read.strides[a] for a in kept), row_major(shape)]
        )  # fmt: skip
        inner, (strides,) = collapse(tuple(read.shape[a] for a in axes), [tuple(read.strides[a] for a in axes)])

        def at(places: list[Any]) -> None:
            found = one(self._address(read, source_steps, places), inner, strides)
            self._write(found, self._address(out, place_steps, places), out)

        self._nest(sizes, at)

    def _carried(
        self, source: Any, read: View, sizes: Sequence[int], strides: Sequence[int], first: Sequence[Any],
        step: Callable[[Any, list[Any]], list[Any]],
    ) -> list[Any]:  # fmt: skip
        """Go through all elements in order with values in registers: ``step(address, values)`` gives the next ones."""
        b, element = self.b, type_of(read.dtype)

        def go(address: Any, depth: int, values: list[Any]) -> list[Any]:
            if depth == len(sizes):
                return step(address, values)

            def body(i: Any, now: list[Any]) -> list[Any]:
                return go(b.at(address, self._times(i, strides[depth]), element), depth + 1, now)

            return b.carry(0, sizes[depth], 1, values, body)

        return go(source, 0, list(first))

    def _joins(self, name: str, dtype: np.dtype[Any]) -> tuple[Any, Callable[[Any, Any], Any]]:
        """What a fold starts from, and how two numbers become one."""
        b = self.b
        if dtype == BOOL:
            every = name in ("all", "min")
            return b.truth(every), b.both if every else b.either
        kind = type_of(dtype)
        if name in ("sum", "mean"):
            return b.const(0, kind), b.add
        how, limit = (">", np.iinfo(dtype).min) if name == "max" else ("<", np.iinfo(dtype).max)
        signed = dtype.kind != "u"
        return b.const(int(limit), kind), lambda x, y: b.select(b.compare(how, x, y, signed), x, y)

    def cumsum(self, step: Single) -> None:
        """Running sums along an axis, added in order."""
        gate, (read,), b = step.gate, step.reads, self.b
        axis, out = gate.params["axis"], self.plan.views[gate.serial]
        others = [a for a in range(len(read.shape)) if a != axis]
        sizes, (source_steps, place_steps) = collapse(
            tuple(read.shape[a] for a in others), [tuple(v.strides[a] for a in others) for v in (read, out)]
        )
        inner = sizes[-1] if sizes else 1
        beside = (source_steps[-1], place_steps[-1]) if sizes else (0, 0)
        lanes = self._lanes([read.dtype, out.dtype], inner) if beside == (1, 1) else 1
        elements, n = (type_of(read.dtype), type_of(out.dtype)), read.shape[axis]

        def body(places: list[Any]) -> None:
            source = self._address(read, source_steps[:-1], places)
            place = self._address(out, place_steps[:-1], places)

            def at(i: Any, width: int, mask: Any) -> None:
                near = b.at(source, self._times(i, beside[0]), elements[0])
                far = b.at(place, self._times(i, beside[1]), elements[1])

                def add(k: Any, totals: list[Any]) -> list[Any]:
                    x = self._read(b.at(near, self._times(k, read.strides[axis]), elements[0]), read, width, mask)
                    total = b.add(totals[0], converted(b, x, read.dtype, out.dtype))
                    self._write(total, b.at(far, self._times(k, out.strides[axis]), elements[1]), out, mask)
                    return [total]

                b.carry(0, n, 1, [b.const(-0.0, vector(elements[1], width))], add)  # −0 leaves the first as it is

            self._along(inner, lanes, at, alone=len(sizes) <= 1)

        self._nest(sizes[:-1], body)

    def plain_product(self, step: Single) -> None:
        """A product of matrices, or of stacks of them, of whole numbers or with nothing to sum."""
        gate, b, out = step.gate, self.b, self.plan.views[step.gate.serial]
        left, right = step.reads
        vectors = len(left.shape) == 1, len(right.shape) == 1
        left = left.slice((None,)) if vectors[0] else left
        right = right.slice((WHOLE, None)) if vectors[1] else right
        stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        (rows, count), columns = left.shape[-2:], right.shape[-1]
        shape = (*stack, rows, columns)
        across, down = left.strides[-1], right.strides[-2]
        left = left.slice((*[WHOLE] * (len(left.shape) - 1), (0, 1, 1))) if count else left
        right = right.slice((*[WHOLE] * (len(right.shape) - 2), (0, 1, 1))) if count else right
        kind, truths = I1 if gate.dtype == BOOL else type_of(gate.dtype), gate.dtype == BOOL
        add, times = (b.either, b.both) if truths else (b.add, b.mul)
        views = [v.broadcast(shape) for v in (left, right)] if count else []
        sizes, strides = collapse(shape, [*[v.strides for v in views], row_major(shape)])

        def at(places: list[Any]) -> None:
            addresses = [self._address(v, s, places) for v, s in zip(views, strides, strict=False)]

            def more(k: Any, totals: list[Any]) -> list[Any]:
                given = []
                for v, address, stride in zip(views, addresses, (across, down), strict=True):
                    x = self._read(b.at(address, self._times(k, stride), type_of(v.dtype)), v, 1)
                    given.append(converted(b, x, v.dtype, gate.dtype))
                return [add(totals[0], times(*given))]

            total = b.truth(False) if truths else b.const(0, kind)
            if count:
                (total,) = b.carry(0, count, 1, [total], more)
            self._write(total, self._address(out, strides[-1], places), out)

        self._nest(sizes, at)
