"""Looking elements up by arrays of positions, and adding to the places that they name.

An index outside the array is moved inside, and noted: whoever called the code then raises NumPy's own error.
Memory beyond the array is never touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.native.copies import Copies
from glassgrad.native.emit import I64, type_of
from glassgrad.native.lowering import BOOL
from glassgrad.native.steps import Single
from glassgrad.native.views import View, collapse
from glassgrad.ops.normal import WHOLE


class Indexing(Copies):
    """Walks that go where arrays of whole numbers say."""

    def index(self, step: Single) -> None:
        """Gather, or add up in the order of `np.add.at`."""
        b, out = self.b, self.plan.views[step.gate.serial]
        source, *given = step.reads
        adds = step.gate.op.name == "scatter_add"
        if adds:
            self.cleared(out)
        here, there = (source, out) if adds else (out, source)
        element = type_of(out.dtype)
        origin, beside, indices = _spread(there, step.gate.params["template"], given)
        sizes, strides = collapse(here.shape, [here.strides, beside, *[i.strides for i, _, _ in indices]])
        rows = bool(sizes) and not any(s[-1] for s in strides[2:])  # one place for all of the innermost axis
        outer = len(sizes) - rows
        inner, near, far = (sizes[-1], strides[0][-1], strides[1][-1]) if rows else (1, 0, 0)
        lanes = self._lanes([out.dtype], inner) if near == far == 1 else 1

        def body(places: list[Any]) -> None:
            first = self._address(here, strides[0][:outer], places)
            place = self._address(origin, strides[1][:outer], places)
            for (index, n, stride), steps in zip(indices, strides[2:], strict=True):
                position = self.whole(self._address(index, steps[:outer], places), index)
                place = b.at(place, self._times(self.inside(position, n), stride), element)

            def at(i: Any, width: int, mask: Any) -> None:
                mine = b.at(first, self._times(i, near), element)
                other = b.at(place, self._times(i, far), element)
                x = self._read(mine if adds else other, here, width, mask)
                if adds:
                    total = self._read(other, there, width, mask)
                    x = b.either(total, x) if out.dtype == BOOL else b.add(total, x)
                self._write(x, other if adds else mine, here, mask)

            self._along(inner, lanes, at, alone=False)

        if here.size:
            self._nest(sizes[:outer], body)

    def whole(self, address: Any, view: View) -> Any:
        """A whole number of a view as one of 64 bits."""
        b = self.b
        x = b.load(address, type_of(view.dtype))
        return x if view.dtype.itemsize == 8 else b.widen(x, I64, view.dtype.kind == "i")

    def inside(self, position: Any, n: int) -> Any:
        """A position along an axis of n elements, counted from the end where negative, and never outside."""
        b = self.b
        position = b.select(b.compare("<", position, b.index(0)), b.add(position, b.index(n)), position)
        return self.between(position, b.index(0), b.index(n - 1))

    def between(self, x: Any, low: Any, high: Any) -> Any:
        """A whole number kept between two; it is noted where it was not."""
        b = self.b
        kept = b.minimum(b.maximum(x, low), high)
        self.note(b.compare("!=", x, kept))
        return kept


def _spread(there: View, template: Any, given: list[View]) -> tuple[View, tuple[int, ...], list[tuple[View, int, int]]]:
    """What an advanced index looks at, by NumPy's rules.

    Returns
    -------
    origin : View
        Where its first element is, all index arrays being 0.
    beside : tuple of int
        Numbers from one element to the next along each axis of the result; 0 along those of the index arrays.
    indices : list of (View, int, int)
        Each index array over all axes of the result, with the size and the stride of the axis it is for.
    """
    origin = there.slice(tuple(WHOLE if entry == "array" else entry for entry in template))
    advanced = [k for k, entry in enumerate(template) if entry == "array" or isinstance(entry, int)]
    together = advanced[-1] - advanced[0] == len(advanced) - 1
    basic: list[int] = []
    arrays: list[int] = []
    front, axis = 0, 0
    for k, entry in enumerate(template):
        if together and k == advanced[0]:
            front = len(basic)
        if not isinstance(entry, int):
            (arrays if entry == "array" else basic).append(axis)
            axis += 1
    basic += range(axis, len(origin.shape))
    common = np.broadcast_shapes(*[i.shape for i in given])
    shape = (*[origin.shape[a] for a in basic[:front]], *common, *[origin.shape[a] for a in basic[front:]])
    strides = [origin.strides[a] for a in basic]
    beside = (*strides[:front], *[0] * len(common), *strides[front:])
    kept = (None,) * (len(basic) - front)
    indices = [
        (
            i.broadcast(common).slice((*[WHOLE] * len(common), *kept)).broadcast(shape),
            origin.shape[a],
            origin.strides[a],
        )
        for i, a in zip(given, arrays, strict=True)
    ]
    return origin, beside, indices
