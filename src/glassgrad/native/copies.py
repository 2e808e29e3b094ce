"""Numbers moved from one view to another, and what is made of that: joining, putting among zeros."""

from __future__ import annotations

from typing import Any

from glassgrad.native.emit import type_of, vector
from glassgrad.native.lowering import BOOL, converted
from glassgrad.native.steps import Single
from glassgrad.native.views import View, collapse
from glassgrad.native.walks import Walks
from glassgrad.ops.normal import part_of


class Copies(Walks):
    """Walks that move numbers."""

    def copied(self, read: View, write: View) -> None:
        """Write a view's numbers to a view of the same shape, in its dtype."""
        b = self.b
        sizes, (source_steps, place_steps) = collapse(read.shape, [read.strides, write.strides])
        inner = sizes[-1] if sizes else 1
        near, far = (source_steps[-1], place_steps[-1]) if sizes else (0, 0)
        lanes = self._lanes([read.dtype, write.dtype], inner) if far == 1 and near in (0, 1) else 1
        elements = type_of(read.dtype), type_of(write.dtype)

        def body(places: list[Any]) -> None:
            source = self._address(read, source_steps[:-1], places)
            place = self._address(write, place_steps[:-1], places)
            same = converted(b, self._read(source, read, 1), read.dtype, write.dtype) if near == 0 else None

            def at(i: Any, width: int, mask: Any) -> None:
                if same is not None:
                    x = b.splat(same, width)
                else:
                    x = self._read(b.at(source, self._times(i, near), elements[0]), read, width, mask)
                    x = converted(b, x, read.dtype, write.dtype)
                self._write(x, b.at(place, self._times(i, far), elements[1]), write, mask)

            self._along(inner, lanes, at, alone=len(sizes) <= 1)

        if read.size:
            self._nest(sizes[:-1], body)

    def cleared(self, view: View) -> None:
        """Zeros in all of a view whose numbers lie side by side."""
        b, element, place = self.b, type_of(view.dtype), self._address(view, (), ())

        def at(i: Any, width: int, mask: Any) -> None:
            zero = b.truth(False, width) if view.dtype == BOOL else b.const(0, vector(element, width))
            self._write(zero, b.at(place, i, element), view, mask)

        if view.size:
            self._along(view.size, self._lanes([view.dtype], view.size), at, alone=True)

    def embed(self, step: Single) -> None:
        """The operand in its place, zeros around."""
        out = self.plan.views[step.gate.serial]
        self.cleared(out)
        self.copied(step.reads[0], out.slice(step.gate.params["index"]))

    def concatenate(self, step: Single) -> None:
        """Operands one after the other along an axis."""
        out, axis, start = self.plan.views[step.gate.serial], step.gate.params["axis"], 0
        for read in step.reads:
            stop = start + read.shape[axis]
            self.copied(read, out.slice(part_of(start, stop, 1, axis, len(out.shape))))
            start = stop
