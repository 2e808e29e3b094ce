"""The loop shapes, each written once: elementwise, reduce, copy. A gate's ``lower`` is what happens inside."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from glassgrad.native.emit import I8, POINTER, type_of, vector
from glassgrad.native.lowering import BOOL, compute_dtypes, computed, converted
from glassgrad.native.matmul import product
from glassgrad.native.plan import ALIGN
from glassgrad.native.singles import Singles
from glassgrad.native.steps import Copy, Loop, Multiply, Reduction, Single, Stack
from glassgrad.native.views import View, collapse, row_major

_LARGE_PRODUCT, _LARGE = 2_000_000, 30_000  # floating-point operations, elements: about ten microseconds


def is_large(step: Any) -> bool:
    """Whether a step is worth cutting among threads."""
    if isinstance(step, Multiply):
        return step.product.flops >= _LARGE_PRODUCT
    if isinstance(step, Loop):
        return math.prod(step.shape) * len(step.gates) >= _LARGE
    if isinstance(step, Single):
        return step.gate.op.kind == "generator" and math.prod(step.gate.shape) >= _LARGE
    if isinstance(step, Reduction):
        return step.read.size >= _LARGE and step.gate.shape != () and math.prod(step.gate.shape) >= 64
    return False


class Writer(Singles):
    """Writes the steps of a plan into a function."""

    def touch(self, steps: Sequence[int]) -> None:
        """Read the addresses of all buffers that these steps use, before any loop.

        And find how much scratch memory one thread needs: it has its own, the same for all its products, since
        another thread may still be busy with the product before.
        """
        for i in steps:
            step = self.plan.steps[i]
            for view in self._touched(step):
                self.base(view)
            if isinstance(step, Multiply | Stack):
                pieces = self.team is not None and is_large(step)
                needed = product(self.b.code, self.target, step.product, pieces=pieces).scratch_bytes
                self.room = max(self.room, -(-needed // ALIGN) * ALIGN)

    @property
    def scratch(self) -> int:
        """Bytes of scratch memory behind the arena."""
        return self.room * (1 if self.team is None else self.team.size)

    def write(self, steps: Sequence[int]) -> None:
        """Write the steps, in order."""
        self.touch(steps)
        for i in steps:
            step = self.plan.steps[i]
            self.shared = self.team is not None and is_large(step)
            if self.team is None:
                self._step(step)
                continue
            reads = self.plan.reads(step)
            writes = self._touched(step)[len(reads) :]
            self.team.before([self.place(v) for v in reads], [self.place(v) for v in writes], self.shared)
            with nullcontext() if self.shared else self.team.only(0):
                self._step(step)

    def _step(self, step: Any) -> None:
        if isinstance(step, Loop):
            self._loop(step)
        elif isinstance(step, Reduction):
            self._reduce(step)
        elif isinstance(step, Single):
            self.single(step)
        elif isinstance(step, Multiply):
            self._multiply(step)
        elif isinstance(step, Stack):
            self._stack(step)
        elif isinstance(step, Copy):
            self.copied(step.read, step.write)

    def _touched(self, step: Any) -> list[View]:
        views = self.plan.reads(step)
        if isinstance(step, Loop):
            return views + [self.plan.views[g.serial] for g in step.stored]
        return [*views, step.write if isinstance(step, Copy) else self.plan.views[step.gate.serial]]

    # elementwise

    def _loop(self, loop: Loop) -> None:
        reads = dict(loop.reads)
        writes = {g.serial: self.plan.views[g.serial] for g in loop.stored}
        views = [*reads.values(), *writes.values()]
        sizes, strides = collapse(loop.shape, [v.strides for v in views])
        steps = dict(zip([("r", s) for s in reads] + [("w", s) for s in writes], strides, strict=True))
        dtypes = [v.dtype for v in views] + [g.dtype for g in loop.gates]
        inner = sizes[-1] if sizes else 1
        plain = all(s[-1] in (0, 1) for s in strides) if sizes else True
        lanes = self._lanes(dtypes, inner) if plain else 1

        def body(outer: list[Any]) -> None:
            fixed = {key: self._address(views[i], step[:-1], outer) for i, (key, step) in enumerate(steps.items())}
            still = {
                s: self._read(fixed["r", s], v, 1) for s, v in reads.items() if not sizes or steps["r", s][-1] == 0
            }

            def at(i: Any, width: int, mask: Any) -> None:
                b = self.b
                values: dict[int, Any] = {}
                for s, v in reads.items():
                    if s in still:
                        values[s] = b.splat(still[s], width)
                    else:
                        address = b.at(fixed["r", s], self._times(i, steps["r", s][-1]), type_of(v.dtype))
                        values[s] = self._read(address, v, width, mask)
                for g in loop.gates:
                    values[g.serial] = self._compute(g, values, width)
                for s, v in writes.items():
                    step = steps["w", s][-1] if sizes else 0
                    address = b.at(fixed["w", s], self._times(i, step), type_of(v.dtype))
                    self._write(values[s], address, v, mask)

            self._along(inner, lanes, at, alone=len(sizes) <= 1)

        self._nest(sizes[:-1], body)

    def _compute(self, gate: Any, values: dict[int, Any], width: int) -> Any:
        """One gate on register values."""
        b, given = self.b, []
        dtypes = compute_dtypes(gate)
        assert dtypes is not None
        for x, dtype in zip(gate.operands, dtypes, strict=True):
            if x.op is None and x.weak:
                given.append(
                    b.truth(bool(x._value), width)
                    if dtype == BOOL
                    else b.const(x._value, vector(type_of(dtype), width))
                )
            else:
                given.append(converted(b, values[x.serial], x.dtype, dtype))
        if gate.op.name == "cast":
            return converted(b, given[0], dtypes[0], gate.dtype)
        return computed(b, gate, gate.op.lower(b, *given), dtypes)

    # reductions

    def _reduce(self, step: Reduction) -> None:
        gate, read = step.gate, step.read
        axes = gate.params["axis"]
        out = self.plan.views[gate.serial]
        kept = [a for a in range(len(read.shape)) if a not in axes]
        zero = tuple(0 for _ in axes)
        outer_shape = tuple(read.shape[a] for a in kept)
        outer = collapse(outer_shape, [tuple(read.strides[a] for a in kept), row_major(outer_shape)])
        inner = collapse(tuple(read.shape[a] for a in axes), [tuple(read.strides[a] for a in axes), zero])
        (outer_sizes, (outer_read, outer_write)), (inner_sizes, (inner_read, _)) = outer, inner
        dtype, element = gate.dtype, type_of(gate.dtype)
        b = self.b
        start, join = self._operation(gate.op.name)
        count = math.prod(read.shape[a] for a in axes) if gate.op.name == "mean" else 1

        def divided(total: Any) -> Any:
            return total if count == 1 else b.div(total, b.const(count, total.type))

        across = (bool(inner_sizes) and inner_read[-1] == 1) or not outer_sizes or outer_read[-1] != 1
        if across:  # the summed axis lies closest: lanes are parts of one sum
            lanes = self._lanes([dtype], inner_sizes[-1]) if inner_sizes and inner_read[-1] == 1 else 1

            def one(places: list[Any]) -> None:
                source = self._address(read, outer_read, places)
                total = self._fold(source, read, inner_sizes, inner_read, lanes, start, join)
                if lanes > 1:
                    total = self._extreme(total, join) if gate.op.name in ("max", "min") else b.total(total)
                b.store(divided(total), self._address(out, outer_write, places))

            self._nest(outer_sizes, one)
            return
        lanes = self._lanes([dtype], outer_sizes[-1])  # a kept axis lies closest: each lane is a sum of its own

        def many(places: list[Any]) -> None:
            source = self._address(read, outer_read[:-1], places)
            result = self._address(out, outer_write[:-1], places)

            def at(i: Any, width: int, mask: Any) -> None:
                total = self._fold(
                    b.at(source, i, element), read, inner_sizes, inner_read, width, start, join, mask, False
                )
                self._write(divided(total), b.at(result, i, element), out, mask)

            self._along(outer_sizes[-1], lanes, at, alone=len(outer_sizes) <= 1)

        self._nest(outer_sizes[:-1], many)

    def _operation(self, name: str) -> tuple[float, Callable[[Any, Any], Any]]:
        b = self.b
        return {
            "sum": (0.0, b.add),
            "mean": (0.0, b.add),
            "max": (-math.inf, b.maximum),
            "min": (math.inf, b.minimum),
        }[name]

    def _extreme(self, x: Any, join: Callable[[Any, Any], Any]) -> Any:
        """Largest or smallest of the lanes, by halves."""
        lanes = x.type.count
        while lanes > 1:
            half = lanes // 2
            x, lanes = join(self.b.part(x, 0, half), self.b.part(x, half, half)), half
        return x

    def _fold(
        self, source: Any, read: View, sizes: list[int], strides: list[int], lanes: int, start: float,
        join: Callable[[Any, Any], Any], mask: Any = None, closest: bool = True,
    ) -> Any:  # fmt: skip
        """Join all elements over `sizes` into one value of `lanes` lanes.

        `closest`: the last of the axes is the one that the lanes walk along; otherwise each lane has its own sum.
        """
        b, element = self.b, type_of(read.dtype)
        kind = vector(element, lanes)
        first = b.const(start, kind)

        def nest(address: Any, depth: int, value: Any) -> Any:
            if depth == len(sizes):
                x = self._read(address, read, lanes, mask)
                return join(value, x)
            n, step = sizes[depth], strides[depth]
            if depth == len(sizes) - 1 and closest and lanes > 1:
                whole = n - n % lanes
                if whole:
                    (value,) = b.carry(
                        0,
                        whole,
                        lanes,
                        [value],
                        lambda i, v: [join(v[0], self._read(b.at(address, i, element), read, lanes))],
                    )
                if n % lanes:
                    rest = b.first_lanes(n % lanes, lanes)
                    x = self._read(b.at(address, whole, element), read, lanes, rest)
                    value = join(value, b.select(rest, x, first))
                return value
            (value,) = b.carry(
                0, n, 1, [value], lambda i, v: [nest(b.at(address, self._times(i, step), element), depth + 1, v[0])]
            )
            return value

        if 0 in sizes:
            return first
        return nest(source, 0, first)

    # matrix products

    def _multiply(self, step: Multiply) -> None:
        """Call the kernel of these shapes. Its scratch memory lies behind the arena; all kernels share it."""
        b = self.b
        kernel = product(b.code, self.target, step.product, pieces=self.shared)
        pieces = kernel.pieces(self.team.size) if self.team is not None and self.shared else [()]
        x, y, out = (self._address(v, (), ()) for v in (step.left, step.right, self.plan.views[step.gate.serial]))
        arena = b.load(b.at(self.table, 0, POINTER), POINTER)
        for i, piece in enumerate(pieces):
            with self.team.only(i) if self.team is not None and self.shared else nullcontext():
                scratch = b.at(arena, self.plan.arena + i * self.room, I8)
                kernel.call(b, x, y, out, [], scratch, tuple(map(b.index, piece)))

    def _stack(self, step: Stack) -> None:
        """Call the kernel of one product for each place in the stack."""
        b, out = self.b, self.plan.views[step.gate.serial]
        kernel = product(b.code, self.target, step.product)
        stack = step.left.shape[:-2]
        scratch = b.at(b.load(b.at(self.table, 0, POINTER), POINTER), self.plan.arena, I8)
        each = step.product.m * step.product.n
        outer = tuple(s * each for s in row_major(stack))
        sizes, strides = collapse(stack, [step.left.strides[:-2], step.right.strides[:-2], outer])

        def at(places: list[Any]) -> None:
            views = (step.left, step.right, out)
            x, y, z = (self._address(v, s, places) for v, s in zip(views, strides, strict=True))
            kernel.call(b, x, y, z, [], scratch)

        self._nest(sizes, at)
