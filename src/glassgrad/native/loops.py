"""The steps of a plan as code: loops, products, copies, gathers. A gate's ``lower`` is what happens inside."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from glassgrad.native.emit import I8, POINTER
from glassgrad.native.epilogues import epilogue
from glassgrad.native.lowering import weight
from glassgrad.native.math import Math
from glassgrad.native.matmul import Kernel, product
from glassgrad.native.nests import Nest
from glassgrad.native.plan import ALIGN
from glassgrad.native.singles import Singles
from glassgrad.native.steps import Copy, Loop, Multiply, Single, Stack, folded
from glassgrad.native.views import collapse, row_major

_LARGE_PRODUCT, _LARGE = 500_000, 200_000  # operations, instructions times numbers: about five microseconds
_DRAW = 30  # instructions of one random number


def is_large(step: Any) -> bool:
    """Whether a step is worth cutting among threads."""
    if isinstance(step, Multiply):
        return step.product.flops >= _LARGE_PRODUCT
    if isinstance(step, Loop):
        axes = folded(step.folds[0]) if step.folds else ()
        kept = math.prod(n for a, n in enumerate(step.shape) if a not in axes)
        return _instructions(step) >= _LARGE and kept >= 64
    if isinstance(step, Single):
        return step.gate.op.kind == "generator" and _instructions(step) >= _LARGE
    return False


def work(steps: Iterable[Any]) -> int:
    """About how many operations the steps take that threads can share."""
    large = [step for step in steps if is_large(step)]
    return sum(step.product.flops if isinstance(step, Multiply) else _instructions(step) for step in large)


def _instructions(step: Loop | Single) -> int:
    if isinstance(step, Single):
        return math.prod(step.gate.shape) * _DRAW
    return math.prod(step.shape) * (sum(weight(g) for g in step.gates) + len(step.folds))


class Writer(Singles):
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
            if isinstance(step, Multiply | Stack):
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
        elif isinstance(step, Single):
            self.single(step)
        elif isinstance(step, Multiply):
            self._multiply(step)
        elif isinstance(step, Stack):
            self._stack(step)
        elif isinstance(step, Copy):
            self.copied(step.read, step.write)

    # matrix products

    def _kernel(self, step: Multiply | Stack, shared: bool) -> tuple[Kernel, list[int]]:
        """The kernel of a product with what it does to its numbers, and the buffers that this takes."""
        then, buffers = epilogue(self.plan, step) if isinstance(step, Multiply) else (None, [])
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

    def _stack(self, step: Stack) -> None:
        """Call the kernel of one product for each place in the stack."""
        b, out = self.b, self.plan.views[step.gate.serial]
        kernel, _ = self._kernel(step, False)
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
