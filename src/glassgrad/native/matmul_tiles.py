"""The register tiles of a matrix product, and what is done to a finished one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from glassgrad.native.builder import Builder
from glassgrad.native.emit import bytes_of, lanes_of, type_of, vector
from glassgrad.native.matmul_pack import load, splat, store, totals
from glassgrad.native.matmul_plan import Tiling, power


class Place:
    """Where in C some finished numbers stand, side by side; handed to an `Epilogue`.

    Attributes
    ----------
    lanes : int
        How many numbers there are; some may be outside C, and are neither read nor written.
    """

    def __init__(self, b: Builder, way: Tiling, element: Any, row: Any, column: Any, lanes: int, mask: Any) -> None:
        self.b, self.way, self.element, self.lanes, self.mask = b, way, element, lanes, mask
        self.row, self.column = row, column

    def load(self, array: Any) -> Any:
        """The numbers that stand there in an array which has C's shape and layout."""
        return load(self.b, self._address(array), vector(self.element, self.lanes), self.mask)

    def store(self, x: Any, array: Any) -> None:
        """Write numbers there into an array which has C's shape and layout."""
        store(self.b, x, self._address(array), self.mask)

    def address(self, array: Any, offset: int, steps: tuple[int, int], dtype: Any) -> tuple[Any, bool]:
        """Where an array has the numbers that belong there, and whether they are side by side or one for all.

        Parameters
        ----------
        offset : int
            The array's first number that belongs to C.
        steps : tuple of int
            Numbers from one row and from one column of C to the next; along the vectors 0 or 1.
        """
        b, element = self.b, type_of(dtype)
        down, along = reversed(steps) if self.way.swapped else steps
        address = b.at(b.at(array, offset, element), times(b, self.row, down), element)
        return b.at(address, times(b, self.column, along), element), along != 0

    def along_columns(self, array: Any) -> Any:
        """One number for each column of C, such as a bias."""
        return self._splat(array, 0) if self.way.swapped else self._side_by_side(array)

    def along_rows(self, array: Any) -> Any:
        """One number for each row of C, such as a weight of each example."""
        return self._side_by_side(array) if self.way.swapped else self._splat(array, self.row)

    def _address(self, array: Any) -> Any:
        b = self.b
        return b.at(b.at(array, times(b, self.row, self.way.c), self.element), self.column, self.element)

    def _splat(self, array: Any, at: Any) -> Any:
        return splat(self.b, self.b.load(self.b.at(array, at, self.element), self.element), self.lanes)

    def _side_by_side(self, array: Any) -> Any:
        address = self.b.at(array, self.column, self.element)
        return load(self.b, address, vector(self.element, self.lanes), self.mask)


@dataclass(frozen=True)
class Epilogue:
    """What is done to each number of C when its sum is complete, and before it is stored.

    Attributes
    ----------
    key : hashable
        Says what it does: kernels of the same product and the same key are shared.
    write : callable
        ``write(b, x, place, arrays)`` is handed numbers of C as a vector, and returns what is stored there
        instead. `arrays` are the addresses of C and of the further arrays; `place` reads and writes them.
    arrays : int
        How many further arrays there are; the kernel takes their addresses after C's.
    keep : bool
        Whether C is stored. If not, C is neither read nor written, and `write` returns nothing.
    heavy : bool
        Whether it takes many instructions, as tanh does: they are then written once, in a loop.
    """

    key: Hashable
    write: Callable[[Builder, Any, Place, Sequence[Any]], Any] = field(compare=False)
    arrays: int = 0
    keep: bool = True
    heavy: bool = False


def times(b: Builder, x: Any, by: int) -> Any:
    """The product of a Python or 64-bit number and a Python number."""
    return x * by if isinstance(x, int) else b.ir.mul(x, b.index(by))


def plus(b: Builder, x: Any, y: Any) -> Any:
    """The sum of two Python or 64-bit numbers."""
    if isinstance(x, int) and isinstance(y, int):
        return x + y
    x, y = (b.index(z) if isinstance(z, int) else z for z in (x, y))
    return b.ir.add(x, y)


class Tiles:
    """Writes the tiles of one product.

    Parameters
    ----------
    arrays : sequence
        The addresses of C and of the arrays of the epilogue.
    fma : bool
        Whether the CPU multiplies and adds in one instruction.
    """

    def __init__(
        self, b: Builder, way: Tiling, dtype: str, arrays: Sequence[Any], epilogue: Epilogue | None, fma: bool
    ) -> None:
        self.b, self.way, self.arrays, self.epilogue, self.fma = b, way, arrays, epilogue, fma
        self.element = type_of(dtype)

    def kinds(self, columns: int) -> list[tuple[Any, Any]]:
        """Type and mask of the vectors that hold so many columns.

        The last is no wider than it has to be: some CPUs take half the time for half a vector.
        """
        lanes = self.way.lanes
        full, rest = divmod(columns, lanes)
        kinds: list[tuple[Any, Any]] = [(vector(self.element, lanes), None)] * full
        if rest:
            narrow = power(rest)
            kinds.append((vector(self.element, narrow), None if narrow == rest else self.b.first_lanes(rest, narrow)))
        return kinds

    # tiles whose vectors run along the columns of C

    def outer(self, a: Any, panel: Any, at: tuple[Any, Any], size: tuple[int, int], ks: tuple[Any, Any, Any]) -> None:
        """A tile: `a` and `panel` are the addresses of its first row of A and column of B.

        Parameters
        ----------
        at, size : pair
            Row and column of C, and how many.
        ks : tuple
            How many summands, and whether they are the first and the last: Python's or one bit of code.
        """
        b, way = self.b, self.way
        (rows, columns), (count, first, last) = size, ks
        kinds = self.kinds(columns)
        chains, width = way.chains, rows * len(kinds)
        if way.straight:
            sums = self._run(a, panel, rows, kinds, 0, way.k, [None] * (width * chains))
        else:
            start = [b.const(0.0, kind) for kind, _ in kinds] * (rows * chains)
            if first is not True:
                start = self._loaded(at, rows, kinds, first)
            unroll = self._unroll(width, count)
            whole = count - count % unroll if isinstance(count, int) else count
            sums = start
            if not isinstance(whole, int) or whole > 0:
                sums = b.carry(
                    0, whole, unroll, start, lambda i, values: self._run(a, panel, rows, kinds, i, unroll, values)
                )
            if isinstance(whole, int):
                sums = self._run(a, panel, rows, kinds, whole, count - whole, sums)
        tile = [[self._joined(sums[r * len(kinds) + j :: width]) for j in range(len(kinds))] for r in range(rows)]
        masks = [mask for _, mask in kinds]
        if last is True:
            self.finish(tile, at, masks)
            return
        with b.ir.if_else(last) as (then, otherwise):
            with then:
                self.finish(tile, at, masks)
            with otherwise:
                self._stored(tile, at, masks)

    def _unroll(self, width: int, count: Any) -> int:
        """Summands in one turn of the loop: a multiple of the chains, and enough to hide the loop."""
        if not isinstance(count, int):
            return 1
        unroll = self.way.chains
        while unroll * width < 12 and 4 * unroll <= count:
            unroll *= 2
        return unroll

    def _run(self, a: Any, panel: Any, rows: int, kinds: Sequence[Any], k: Any, count: int, sums: list[Any]) -> list:
        """Add some summands, from number `k` on, to the sums."""
        b, way, sums = self.b, self.way, list(sums)
        lanes, width = way.lanes, rows * len(kinds)
        packed = bool(way.pack)
        step = len(kinds) * lanes if packed else way.b[0]
        here_a = b.at(a, times(b, k, way.a[1]), self.element)
        here_b = b.at(panel, times(b, k, step), self.element)
        align = lanes * bytes_of(self.element)
        for u in range(count):
            row = []
            for j, (kind, mask) in enumerate(kinds):
                address = b.at(here_b, u * step + j * lanes, self.element)
                row.append(b.load(address, kind, align) if packed else load(b, address, kind, mask))
            chain = u % way.chains * width
            for r in range(rows):
                x = b.load(b.at(here_a, r * way.a[0] + u * way.a[1], self.element), self.element)
                spread = {n: splat(b, x, n) for n in dict.fromkeys(lanes_of(kind) for kind, _ in kinds)}
                for j, y in enumerate(row):
                    i = chain + r * len(kinds) + j
                    sums[i] = self._added(spread[lanes_of(y.type)], y, sums[i])
        return sums

    def _added(self, x: Any, y: Any, to: Any) -> Any:
        if to is None:
            return self.b.mul(x, y)
        return self.b.fma(x, y, to) if self.fma else self.b.add(self.b.mul(x, y), to)

    def _joined(self, chains: list[Any]) -> Any:
        """The sum of chains, whose number is a power of two: halves first."""
        while len(chains) > 1:
            half = len(chains) // 2
            chains = [self.b.add(x, y) for x, y in zip(chains[:half], chains[half:], strict=True)]
        return chains[0]

    def _loaded(self, at: tuple[Any, Any], rows: int, kinds: Sequence[Any], first: Any) -> list[Any]:
        """Zeros at the first summands, else what was stored."""
        b = self.b
        before = b.ir.block
        with b.ir.if_then(b.ir.not_(first)):
            loaded = [
                self._place(at, r, j, mask, lanes_of(kind)).load(self.arrays[0])
                for r in range(rows)
                for j, (kind, mask) in enumerate(kinds)
            ]
            inside = b.ir.block
        values = []
        for x in loaded:
            phi = b.ir.phi(x.type)
            phi.add_incoming(b.const(0.0, x.type), before)
            phi.add_incoming(x, inside)
            values.append(phi)
        return values

    def _stored(self, tile: list[list[Any]], at: tuple[Any, Any], masks: Sequence[Any]) -> None:
        for r, row in enumerate(tile):
            for j, x in enumerate(row):
                self._place(at, r, j, masks[j], lanes_of(x.type)).store(x, self.arrays[0])

    # tiles whose vectors run along the summands

    def inner(
        self, a: Any, columns_at: Any, steps: tuple[int, int], at: tuple[Any, Any], size: tuple[int, int]
    ) -> None:
        """A tile: `steps` are the numbers from row to row of A and from column to column of B."""
        b, way = self.b, self.way
        rows, columns = size
        kind, lanes = vector(self.element, way.lanes), way.lanes
        full, rest = divmod(way.k, lanes)
        width = rows * columns
        # the chain of a group of summands is their number, so that the order is the same in every tile
        sums: list[Any] = [None] * (width * way.chains)
        unroll = way.chains
        while unroll * width < 8 and 4 * unroll <= full:
            unroll *= 2
        whole = 0
        if not way.straight and full > unroll:
            whole = full - full % unroll
            zero = b.const(0.0, kind)

            def body(k: Any, values: list[Any]) -> list[Any]:
                for u in range(unroll):
                    values = self._dot(a, columns_at, steps, size, plus(b, k, u * lanes), None, u, values)
                return values

            sums = b.carry(0, whole * lanes, unroll * lanes, [zero] * len(sums), body)
        for s in range(whole, full):
            sums = self._dot(a, columns_at, steps, size, s * lanes, None, s, sums)
        if rest:
            sums = self._dot(a, columns_at, steps, size, full * lanes, b.first_lanes(rest, lanes), full, sums)
        out = power(columns)
        mask = None if out == columns else b.first_lanes(columns, out)
        tile = []
        for r in range(rows):
            dots = [self._joined(sums[r * columns + c :: width]) for c in range(columns)]
            dots += [b.const(0.0, kind)] * (out - columns)
            tile.append([totals(b, dots)])
        self.finish(tile, at, [mask])

    def _dot(
        self, a: Any, columns_at: Any, steps: tuple[int, int], size: tuple[int, int], k: Any, mask: Any, turn: int,
        sums: list[Any],
    ) -> list[Any]:  # fmt: skip
        b, sums = self.b, list(sums)
        rows, columns = size
        kind = vector(self.element, self.way.lanes)
        base_a, base_b = b.at(a, k, self.element), b.at(columns_at, k, self.element)
        xs = [load(b, b.at(base_a, r * steps[0], self.element), kind, mask) for r in range(rows)]
        chain = turn % self.way.chains * rows * columns
        for c in range(columns):
            y = load(b, b.at(base_b, c * steps[1], self.element), kind, mask)
            for r in range(rows):
                i = chain + r * columns + c
                sums[i] = self._added(xs[r], y, sums[i])
        return sums

    # finished tiles

    def _place(self, at: tuple[Any, Any], r: Any, j: int, mask: Any, lanes: int) -> Place:
        b = self.b
        return Place(b, self.way, self.element, plus(b, at[0], r), plus(b, at[1], j * self.way.lanes), lanes, mask)

    def finish(self, tile: list[list[Any]], at: tuple[Any, Any], masks: Sequence[Any]) -> None:
        """Hand a tile to the epilogue and store what it returns."""
        if self.epilogue is None:
            self._stored(tile, at, masks)
        elif not self.epilogue.heavy or len(tile) == 1:
            for r, row in enumerate(tile):
                for j, x in enumerate(row):
                    self._apply(x, self._place(at, r, j, masks[j], lanes_of(x.type)))
        else:
            self._apply_in_turn(tile, at, masks)

    def _apply_in_turn(self, tile: list[list[Any]], at: tuple[Any, Any], masks: Sequence[Any]) -> None:
        """Put the tile aside, and take up its rows in a loop."""
        b, width, kind = self.b, len(tile[0]), tile[0][0].type
        aside = b.room(kind, len(tile) * width)
        for i, x in enumerate(x for row in tile for x in row):
            b.store(x, b.at(aside, i, kind))
        with b.loop(0, len(tile)) as r:
            here = b.at(aside, times(b, r, width), kind)
            for j, x in enumerate(tile[0]):
                self._apply(b.load(b.at(here, j, kind), x.type), self._place(at, r, j, masks[j], lanes_of(x.type)))

    def _apply(self, x: Any, place: Place) -> None:
        assert self.epilogue is not None
        result = self.epilogue.write(self.b, x, place, self.arrays)
        if self.epilogue.keep:
            place.store(result, self.arrays[0])
