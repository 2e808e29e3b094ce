"""Sparse matrices in CSR form: products that walk over the stored values of each row.

A row's dot products stay in registers until its last stored value, several sums side by side; a transposed product
adds each stored value times a row to another row, and passes over rows of zeros. All columns of a row are looked at
before the first is used: where one is out of range the row is left out, and that is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from glassgrad.native.emit import I64, type_of, vector
from glassgrad.native.indexing import Indexing
from glassgrad.native.lowering import FLOATS, converted
from glassgrad.native.steps import Single
from glassgrad.native.views import View

_SUMS = 8  # side by side: four keep an adder busy, and loads come late
_VECTORS = 8  # of a row of the dense matrix that are taken at once
_SIDE = 4  # of them that one turn of a loop adds to


class Sparse(Indexing):
    """Walks over sparse matrices."""

    def csr_rows(self, step: Single) -> None:
        """The row of every stored value, as often as the row has values."""
        b, (ends,), out = self.b, step.reads, self.plan.views[step.gate.serial]
        kind, nnz = type_of(out.dtype), b.index(out.size)
        self.cleared(out)

        def each(i: Any, start: Any, stop: Any) -> None:
            with b.loop(start, stop) as k:
                b.store(i if out.dtype.itemsize == 8 else b.narrow(i, kind), self._address(out, (1,), (k,)))

        self._rows(ends, nnz, each)

    def csr_matmul(self, step: Single) -> None:
        """A sparse matrix times a dense one."""
        out, (data, columns, ends, x) = self.plan.views[step.gate.serial], step.reads
        (_, width), turned = step.gate.params["shape"], step.gate.params["transposed"]
        self.cleared(out)  # also where a row is left out
        if out.size:
            (self._scattered if turned else self._dotted)(data, columns, ends, x, out, width)

    def csr_add(self, step: Single) -> None:
        """A transposed sparse matrix times a dense one, added to a third; in place where the plan says so."""
        out, (x, data, columns, ends, y) = self.plan.views[step.gate.serial], step.reads
        if x != out:
            self.copied(x, out)
        if out.size:
            self._scattered(data, columns, ends, y, out, step.gate.params["shape"][1])

    # what both kinds of products share

    def _rows(self, ends: View, nnz: Any, body: Callable[[Any, Any, Any], None]) -> None:
        """``body(row, start, stop)`` for each row; row pointers that go back, or too far, are kept in and noted."""
        b = self.b
        first = self.between(self.whole(self._address(ends, (), ()), ends), b.index(0), nnz)

        def each(i: Any, values: list[Any]) -> list[Any]:
            stop = self.whole(self._address(ends, ends.strides, (b.add(i, b.index(1)),)), ends)
            stop = self.between(stop, values[0], nnz)
            body(i, values[0], stop)
            return [stop]

        b.carry(0, ends.shape[0] - 1, 1, [first], each)

    def _inside(self, columns: View, start: Any, stop: Any, width: int) -> Any:
        """What follows in the with-statement runs if a row's columns are inside; it is noted where not."""
        b, kind = self.b, type_of(columns.dtype)
        lanes = self.target.vector_bytes // columns.dtype.itemsize if columns.strides == (1,) else 1

        def largest(x: Any, y: Any) -> Any:  # of numbers without a sign: a negative one is very large
            return b.select(b.compare(">", x, y, signed=False), x, y)

        def seen(k: Any, values: list[Any]) -> list[Any]:
            found = b.load(self._address(columns, columns.strides, (k,)), values[0].type)
            return [largest(values[0], found)]

        whole = self._whole(start, stop, lanes)
        (most,) = b.carry(start, whole, lanes, [b.const(0, vector(kind, lanes))], seen)
        if lanes > 1:
            left = b.first_lanes(b.sub(stop, whole), lanes)
            last = b.load_masked(self._address(columns, columns.strides, (whole,)), most.type, left)
            most = b.across(largest(most, last), largest)
        most = most if columns.dtype.itemsize == 8 else b.widen(most, I64, signed=False)
        greatest = min(width - 1, int(np.iinfo(columns.dtype).max))
        inside = b.compare("<=", most, b.index(greatest), signed=False) if width else b.compare("==", start, stop)
        self.note(b.xor(inside, b.truth(True)))
        return b.when(inside)

    def _whole(self, start: Any, stop: Any, step: int) -> Any:
        """Where the last whole group of `step` numbers ends; `step` is a power of two."""
        b = self.b
        return b.add(start, b.both(b.sub(stop, start), b.index(-step)))

    def _blocks(self, count: int, lanes: int) -> Iterator[tuple[Any, list[tuple[int, int, Any]]]]:
        """Blocks of columns of the dense side: where each begins, and its vectors (offset, lanes, mask).

        Blocks of the largest size are walked over by a loop, and the rest follows.
        """
        b = self.b
        most = lanes * _VECTORS
        whole = count - count % most
        if whole:
            with b.loop(0, whole, most) as start:
                yield start, [(j * lanes, lanes, None) for j in range(_VECTORS)]
        rest = count - whole
        if rest:
            vectors: list[tuple[int, int, Any]] = [(j * lanes, lanes, None) for j in range(rest // lanes)]
            left = rest % lanes
            while lanes > 1 and left.bit_count() <= 2 and left:  # two halves cost less than a mask
                lanes //= 2
                if lanes <= left:
                    vectors.append((rest - left, lanes, None))
                    left -= lanes
            if left:
                vectors.append((rest - left, lanes, b.first_lanes(left, lanes)))
            yield whole, vectors

    def _column(self, columns: View, k: Any) -> Any:
        """The column of a stored value, known to be inside."""
        return self.whole(self._address(columns, columns.strides, (k,)), columns)

    def _value(self, data: View, k: Any, out: View) -> Any:
        """A stored value in the dtype of the result."""
        found = self._read(self._address(data, data.strides, (k,)), data, 1)
        return converted(self.b, found, data.dtype, out.dtype)

    def _added(self, x: Any, y: Any, to: Any, out: View) -> Any:
        """X times y, added to a sum: rounded once where the CPU can."""
        b = self.b
        return b.fma(x, y, to) if self.target.fma and out.dtype in FLOATS else b.add(b.mul(x, y), to)

    def _walk(self, x: View, out: View) -> tuple[int, int, int, int]:
        """Columns of the dense sides, numbers from one to the next in each, and lanes of a vector."""
        wide = len(x.shape) == 2
        count, near, far = (x.shape[1], x.strides[1], out.strides[1]) if wide else (1, 1, 1)
        if count == 1:
            near = far = 1
        return count, near, far, self._lanes([x.dtype, out.dtype], count) if near == far == 1 else 1

    def _dotted(self, data: View, columns: View, ends: View, x: View, out: View, width: int) -> None:
        """Each row of the result at once: what its stored values gather from the rows of x."""
        b, kind = self.b, type_of(out.dtype)
        count, near, far, lanes = self._walk(x, out)

        def row(i: Any, start: Any, stop: Any) -> None:
            with self._inside(columns, start, stop, width):
                dotted(i, start, stop)

        def dotted(i: Any, start: Any, stop: Any) -> None:
            for begin, vectors in self._blocks(count, lanes):
                place = b.at(self._address(out, out.strides[:1], (i,)), self._times(begin, far), kind)
                side = max(1, _SUMS // len(vectors))
                side = 1 << (side.bit_length() - 1)

                def taken(k: Any, sums: list[Any], begin: Any = begin, vectors: Any = vectors) -> list[Any]:
                    value = self._value(data, k, out)
                    source = self._address(x, x.strides[:1], (self._column(columns, k),))
                    source = b.at(source, self._times(begin, near), type_of(x.dtype))
                    after = []
                    for (offset, width, mask), total in zip(vectors, sums, strict=True):
                        given = self._read(b.at(source, offset * near, type_of(x.dtype)), x, width, mask)
                        given = converted(b, given, x.dtype, out.dtype)
                        after.append(self._added(given, b.splat(value, width), total, out))
                    return after

                def some(k: Any, sums: list[Any], side: int = side, n: int = len(vectors), taken: Any = taken) -> list:
                    return [
                        after for j in range(side)
                        for after in taken(b.add(k, b.index(j)), sums[j * n : (j + 1) * n])
                    ]  # fmt: skip

                zeros = [b.const(0, vector(kind, width)) for _, width, _ in vectors]
                whole = self._whole(start, stop, side)
                sums = b.carry(start, whole, side, zeros * side, some)
                while len(sums) > len(vectors):
                    half = len(sums) // 2
                    sums = [b.add(one, other) for one, other in zip(sums[:half], sums[half:], strict=True)]
                sums = b.carry(whole, stop, 1, sums, taken) if side > 1 else sums
                for (offset, _, mask), total in zip(vectors, sums, strict=True):
                    self._write(total, b.at(place, offset * far, kind), out, mask)

        self._rows(ends, b.index(data.size), row)

    def _scattered(self, data: View, columns: View, ends: View, y: View, out: View, width: int) -> None:
        """Each stored value times its row of y, added to the row of the result that it names."""
        b, kind = self.b, type_of(out.dtype)
        count, near, far, lanes = self._walk(y, out)

        def row(i: Any, start: Any, stop: Any) -> None:
            for begin, vectors in self._blocks(count, lanes):
                source = b.at(self._address(y, y.strides[:1], (i,)), self._times(begin, near), type_of(y.dtype))
                given = []
                for offset, wide, mask in vectors:
                    found = self._read(b.at(source, offset * near, type_of(y.dtype)), y, wide, mask)
                    given.append(converted(b, found, y.dtype, out.dtype))

                def add(k: Any, begin: Any = begin, vectors: Any = vectors, given: Any = given) -> None:
                    value = self._value(data, k, out)
                    place = self._address(out, out.strides[:1], (self._column(columns, k),))
                    place = b.at(place, self._times(begin, far), kind)
                    for (offset, wide, mask), factor in zip(vectors, given, strict=True):
                        here = b.at(place, offset * far, kind)
                        total = self._read(here, out, wide, mask)
                        self._write(self._added(factor, b.splat(value, wide), total, out), here, out, mask)

                some = [b.compare("!=", x, b.const(0, x.type)) for x in given]
                moves = [b.across(x, b.either) for x in some]
                while len(moves) > 1:
                    moves = [b.either(moves[0], moves[1]), *moves[2:]]
                side = max(1, _SIDE // len(vectors))
                with b.when(moves[0]), self._inside(columns, start, stop, width):
                    whole = self._whole(start, stop, side)
                    with b.loop(start, whole, side) as k:
                        for j in range(side):
                            add(b.add(k, b.index(j)))
                    if side > 1:
                        with b.loop(whole, stop) as k:
                            add(k)

        self._rows(ends, b.index(data.size), row)
