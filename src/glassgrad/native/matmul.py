"""Matrix products, each a function specialised to its shapes.

    code = Code()
    def add_bias(b, x, place, arrays):
        return b.add(x, place.along_columns(arrays[1]))

    kernel = product(code, target, Product(128, 512, 784), Epilogue("bias", add_bias, arrays=1))
    kernel.call(b, A, B, C, [bias], scratch)

An element of C is always summed in the same order, whatever piece of C a call computes.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from glassgrad.native.builder import Builder
from glassgrad.native.emit import I64, POINTER, Code, type_of
from glassgrad.native.matmul_pack import copy_panel, transposer
from glassgrad.native.matmul_plan import Product, Tiling, tiling
from glassgrad.native.matmul_tiles import Epilogue, Tiles, times
from glassgrad.native.target import Target


@dataclass(frozen=True)
class Kernel:
    """A function in the module that computes one product.

    Its arguments are the addresses of A, B, C and of the arrays of the epilogue, that of the scratch memory, and,
    if it computes pieces, the first row, the row after the last, the first column and the column after the last.

    Attributes
    ----------
    function : ir.Function
        Returns nothing. No two of its arrays overlap.
    way : Tiling
        How it goes about it.
    scratch_bytes : int
        Size of the scratch memory, which starts at a multiple of 64 and is not shared between threads; where it
        is 0 any address will do.
    row_step, column_step : int
        A piece starts at multiples of these, and ends at one or at the end of C.
    """

    function: Any
    product: Product
    way: Tiling
    scratch_bytes: int
    row_step: int
    column_step: int

    def call(
        self, b: Builder, x: Any, y: Any, out: Any, arrays: Sequence[Any], scratch: Any, piece: Sequence[Any] = ()
    ) -> None:
        """Write a call: out = x·y.

        Parameters
        ----------
        x, y, out : pointer
            Addresses of A, B and C.
        arrays : sequence of pointer
            Those of the epilogue.
        scratch : pointer
            Memory of its own.
        piece : sequence of int or 64-bit values
            One of `pieces`, if the kernel was made with `pieces`.
        """
        ends = [b.index(end) if isinstance(end, int) else end for end in piece]
        b.ir.call(self.function, [x, y, out, *arrays, scratch, *ends])

    def pieces(self, count: int) -> list[tuple[int, int, int, int]]:
        """C cut into at most `count` pieces of about equal size: rows and columns from and to.

        Into columns or into rows, whichever makes the largest piece smaller. Rows are dearer where B is packed, which
        then every piece does for itself.
        """
        m, n, lanes = self.product.m, self.product.n, self.way.lanes
        columns = [(0, m, *ends) for ends in _ends(n, self.column_step, count)]
        rows = [(*ends, 0, n) for ends in _ends(m, self.row_step, count)]
        again = {"": 0.0, "copy": 3.0, "transpose": 16.0}[self.way.pack] / m
        wide = max(ceil((stop - start) / lanes) for _, _, start, stop in columns) / ceil(n / lanes)
        high = max(stop - start for start, stop, _, _ in rows) / m + again * (1 - 1 / len(rows))
        return columns if wide <= high else rows


def _ends(total: int, step: int, count: int) -> list[tuple[int, int]]:
    """Ranges of whole steps."""
    steps = ceil(total / step)
    count = min(count, steps)
    marks = [min(total, steps * i // count * step) for i in range(count + 1)]
    return list(itertools.pairwise(marks))


def product(
    code: Code,
    target: Target,
    shape: Product,
    epilogue: Epilogue | None = None,
    pieces: bool = False,
    builder: Callable[[Code, Any], Builder] = Builder,
    way: Tiling | None = None,
) -> Kernel:
    """The function in `code` that computes a product; it is written only once.

    Parameters
    ----------
    code : Code
        The module.
    target : Target
        The CPU that tiles and blocks are fitted to.
    shape : Product
        What is multiplied.
    epilogue : Epilogue, optional
        What is done to the result before it is stored.
    pieces : bool
        Whether the function takes a range of rows and columns.
    builder : callable
        What the epilogue is handed to write with: a `Builder` that knows more functions.
    way : Tiling, optional
        How to go about it, instead of what is found best.
    """
    way = tiling(shape, target) if way is None else way
    if epilogue is not None and not epilogue.keep and way.block < way.k:
        way = replace(way, block=way.k)
    words = repr(
        (
            shape,
            way,
            None if epilogue is None else (epilogue.key, epilogue.arrays, epilogue.keep, epilogue.heavy),
            pieces,
        )
    )
    kind = ("t" if shape.transpose_a else "n") + ("t" if shape.transpose_b else "n")
    name = f"product.{shape.m}x{shape.n}x{shape.k}.{kind}.{hashlib.sha256(words.encode()).hexdigest()[:12]}"
    function = code.module.globals.get(name)
    if function is None:
        arrays = 4 + (epilogue.arrays if epilogue else 0)
        function = code.function(name, [POINTER] * arrays + [I64] * (4 * pieces))
        _Writer(builder(code, function), target, shape, way, epilogue, pieces).write()
    steps = (way.columns, 1) if way.swapped else (way.rows, way.columns)
    return Kernel(function, shape, way, way.scratch * np.dtype(shape.dtype).itemsize, *steps)


class _Writer:
    """Writes the loops over panels, blocks and tiles."""

    def __init__(
        self, b: Builder, target: Target, shape: Product, way: Tiling, epilogue: Epilogue | None, pieces: bool
    ) -> None:
        self.b, self.way, self.element = b, way, type_of(shape.dtype)
        arguments = list(b.function.args)
        limits: list[Any] = [None, None]
        self.once: Any = None
        if pieces:
            arguments, ends = arguments[:-4], arguments[-4:]
            limits = [(ends[0], ends[1]), (ends[2], ends[3])]
            if way.swapped:
                self.once, limits = limits[1], [None, limits[0]]
        self.rows, self.columns = limits
        self.a, self.b_matrix, *arrays, self.scratch = arguments
        if way.swapped:
            self.a, self.b_matrix = self.b_matrix, self.a
        self.tiles = Tiles(b, way, shape.dtype, arrays, epilogue, target.fma)

    def write(self) -> None:
        """The whole body."""
        way = self.way
        with self._reaching(self.once, 0):
            if way.form == "inner":
                self._inner()
            else:
                for column, columns in self._span(way.n, way.columns, self.columns):
                    self._panel(column, columns)
        self.b.finish()

    def _inner(self) -> None:
        b, way = self.b, self.way
        matrix, step = self.b_matrix, way.b[1]
        if way.pack:
            step = -(-way.k // way.lanes) * way.lanes
            move = transposer(b.code, self.element, way.lanes)
            sizes = [b.index(x) for x in (way.b[0], step, way.k, way.n)]
            b.ir.call(move, [matrix, sizes[0], self.scratch, *sizes[1:]])
            matrix = self.scratch
        for column, columns in self._span(way.n, way.columns, self.columns):
            here = b.at(matrix, times(b, column, step), self.element)
            for row, rows in self._span(way.m, way.rows, self.rows):
                a = b.at(self.a, times(b, row, way.a[0]), self.element)
                self.tiles.inner(a, here, (way.a[0], step), (row, column), (rows, columns))

    def _panel(self, column: Any, columns: int) -> None:
        """Some columns of C."""
        b, way = self.b, self.way
        here = b.at(self.b_matrix, times(b, column, way.b[1]), self.element)
        if way.block >= way.k:
            self._block(self.a, here, column, columns, (way.k, True, True))
            return
        blocks = ceil(way.k / way.block)
        with b.loop(0, blocks) as i:
            last = b.ir.icmp_signed("==", i, b.index(blocks - 1))
            count = b.select(last, b.index(way.k - (blocks - 1) * way.block), b.index(way.block))
            k = times(b, i, way.block)
            a = b.at(self.a, times(b, k, way.a[1]), self.element)
            panel = b.at(here, times(b, k, way.b[0]), self.element)
            first = b.ir.icmp_signed("==", i, b.index(0))
            self._block(a, panel, column, columns, (count, first, last))

    def _block(self, a: Any, panel: Any, column: Any, columns: int, ks: tuple[Any, Any, Any]) -> None:
        """Some summands of some columns of C."""
        b, way = self.b, self.way
        kinds = self.tiles.kinds(columns)
        count = b.index(ks[0]) if isinstance(ks[0], int) else ks[0]
        if way.pack == "copy":
            copy_panel(b, panel, way.b[0], self.scratch, count, kinds, way.lanes)
        elif way.pack:
            move = transposer(b.code, self.element, way.lanes)
            sizes = [b.index(way.b[1]), b.index(len(kinds) * way.lanes), b.index(columns), count]
            b.ir.call(move, [panel, sizes[0], self.scratch, *sizes[1:]])
        panel = self.scratch if way.pack else panel
        for row, rows in self._span(way.m, way.rows, self.rows):
            here = b.at(a, times(b, row, way.a[0]), self.element)
            self.tiles.outer(here, panel, (row, column), (rows, columns), ks)

    def _span(self, total: int, step: int, limits: Any) -> Iterator[tuple[Any, int]]:
        """Go through rows or columns: where each tile starts and how many it holds. Loops are opened around it."""
        b = self.b
        full = total - total % step
        if limits is None and (self.way.straight or full == step):
            yield from ((i, step) for i in range(0, full, step))
        elif full:
            start, stop = limits or (0, full)
            with b.loop(start, self._least(stop, full) if limits else full, step) as i:
                yield i, step
        if full < total:
            with self._reaching(limits, full):
                yield full, total - full

    def _least(self, x: Any, most: int) -> Any:
        b = self.b
        return b.select(b.ir.icmp_signed("<", x, b.index(most)), x, b.index(most))

    def _reaching(self, limits: Sequence[Any] | None, least: int) -> Any:
        """On condition that a range starts no later than at some place and reaches beyond it."""
        if limits is None:
            return nullcontext()
        b, mark = self.b, self.b.index(least)
        return b.when(b.both(b.ir.icmp_signed("<=", limits[0], mark), b.ir.icmp_signed(">", limits[1], mark)))
