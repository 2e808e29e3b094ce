"""The steps of a plan as code: loops, products, copies, gathers. A gate's ``lower`` is what happens inside."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from glassgrad.native.emit import I8, I64, POINTER, type_of
from glassgrad.native.epilogues import epilogue
from glassgrad.native.lowering import weight
from glassgrad.native.math import Math
from glassgrad.native.matmul import Kernel, product
from glassgrad.native.nests import Nest
from glassgrad.native.plan import ALIGN
from glassgrad.native.steps import Copy, Gather, Loop, Multiply, folded
from glassgrad.native.views import collapse
from glassgrad.native.walks import Walks

_LARGE_PRODUCT, _LARGE = 500_000, 200_000  # operations, instructions times numbers: about five microseconds


def is_large(step: Any) -> bool:
    """Whether a step is worth cutting among threads."""
    if isinstance(step, Multiply):
        return step.product.flops >= _LARGE_PRODUCT
    if isinstance(step, Loop):
        axes = folded(step.folds[0]) if step.folds else ()
        kept = math.prod(n for a, n in enumerate(step.shape) if a not in axes)
        return _instructions(step) >= _LARGE and kept >= 64
    return False


def work(steps: Iterable[Any]) -> int:
    """About how many operations the steps take that threads can share."""
    large = [step for step in steps if is_large(step)]
    return sum(step.product.flops if isinstance(step, Multiply) else _instructions(step) for step in large)


def _instructions(loop: Loop) -> int:
    return math.prod(loop.shape) * (sum(weight(g) for g in loop.gates) + len(loop.folds))


class Writer(Walks):
    """Writes the steps of a plan into a function."""

    def touch(self, steps: Sequence[int]) -> None:
        """Read the addresses of all buffers that these steps use, before any loop.

        And find how much scratch memory one thread needs: it has its own, the same for all its products, since
        another thread may still be busy with the product before.
        """
        for i in steps:
            step = self.plan.steps[i]
            for view in (*self.plan.reads(step), *self.plan.writes(step, stored=True)):
                self.base(view)
            if isinstance(step, Multiply):
                needed = self._kernel(step, self.team is not None and is_large(step))[0].scratch_bytes
                self.room = max(self.room, -(-needed // ALIGN) * ALIGN)

    @property
    def scratch(self) -> int:
        """Bytes of scratch memory behind the arena."""
        return self.room * (1 if self.team is None else self.team.most)

    def write(self, steps: Sequence[int]) -> None:
        """Write the steps, in order."""
        self.touch(steps)
        for i in steps:
            step = self.plan.steps[i]
            self.shared = self.team is not None and is_large(step)
            if self.team is None:
                self._step(step)
                continue
            reads, writes = self.plan.reads(step), self.plan.writes(step, stored=True)
            self.team.before([self.place(v) for v in reads], [self.place(v) for v in writes], self.shared)
            with nullcontext() if self.shared else self.team.first():
                self._step(step)

    def _step(self, step: Any) -> None:
        if isinstance(step, Loop):
            Nest(self, step).write()
        elif isinstance(step, Gather):
            self._gather(step)
        elif isinstance(step, Multiply):
            self._multiply(step)
        elif isinstance(step, Copy):
            self._copy(step)

    def _copy(self, step: Copy) -> None:
        views = [step.read, step.write]
        sizes, strides = collapse(step.read.shape, [v.strides for v in views])
        element = type_of(step.read.dtype)

        def at(places: list[Any]) -> None:
            source, place = (self._address(v, s, places) for v, s in zip(views, strides, strict=True))
            self.b.store(self.b.load(source, element), place)

        self._nest(sizes, at)

    # matrix products

    def _kernel(self, step: Multiply, shared: bool) -> tuple[Kernel, list[int]]:
        """The kernel of a product with what it does to its numbers, and the buffers that this takes."""
        then, buffers = epilogue(self.plan, step)
        return product(self.b.code, self.target, step.product, then, pieces=shared, builder=Math), buffers

    def _multiply(self, step: Multiply) -> None:
        """Call the kernel of these shapes. A thread's scratch memory lies behind the arena; all its kernels share it.

        The pieces of a shared product are the same whatever the number of threads.
        """
        b, team = self.b, self.team
        kernel, buffers = self._kernel(step, self.shared)
        x, y = (self._address(v, (), ()) for v in (step.left, step.right))
        out = self._address(self.plan.views[step.gate.serial], (), ()) if step.keep else x
        more = [self.bases[buffer] for buffer in buffers]
        scratch = b.at(b.load(b.at(self.table, 0, POINTER), POINTER), self.plan.arena, I8)
        if team is None or not self.shared:
            kernel.call(b, x, y, out, more, scratch)
            return
        scratch = b.at(scratch, self._times(team.thread, self.room), I8)
        for i, piece in enumerate(kernel.pieces(team.most)):
            with team.turn(i):
                kernel.call(b, x, y, out, more, scratch, tuple(map(b.index, piece)))

    # gathering and scattering

    def _gather(self, step: Gather) -> None:
        """Read, or add to, the places that the indices name.

        An index outside the array is moved inside, and noted at the end of the table: whoever called the
        code then raises the error. Memory beyond the array is never touched.
        """
        b, out = self.b, self.plan.views[step.gate.serial]
        element = type_of(out.dtype)
        if step.scatter:
            with b.loop(0, out.size) as i:
                b.store(b.const(0, element), b.at(self.base(out), i, element))
        here, there = (step.read, out) if step.scatter else (out, step.read)
        sizes, strides = collapse(here.shape, [here.strides, *[i.strides for i in step.indices]])

        def at(places: list[Any]) -> None:
            near = self._address(here, strides[0], places)
            far = self._address(there, (), ())
            for index, steps, n, stride in zip(step.indices, strides[1:], there.shape, there.strides, strict=True):
                kind = type_of(index.dtype)
                place = b.load(self._address(index, steps, places), kind)
                place = place if index.dtype.itemsize == 8 else b.widen(place, I64)
                place = b.select(b.compare("<", place, b.index(0)), b.add(place, b.index(n)), place)
                inside = b.minimum(b.maximum(place, b.index(0)), b.index(n - 1))
                self._note(b.compare("!=", place, inside))
                far = b.at(far, self._times(inside, stride), element)
            if step.scatter:
                b.store(b.add(b.load(far, element), b.load(near, element)), far)
            else:
                b.store(b.load(far, element), near)

        self._nest(sizes, at)

    def _note(self, wrong: Any) -> None:
        """Set the flag at the end of the table where a condition holds."""
        b, flag = self.b, self.b.at(self.table, len(self.plan.buffers) + 1, I64)
        with b.when(wrong):
            b.store(b.index(1), flag)
