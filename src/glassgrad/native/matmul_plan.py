"""How a matrix product of known shape is cut: into register tiles, panels and blocks that fit the caches.

Nothing here is code for a CPU yet. A rough count of cycles, with one `Target` behind it, chooses among the tilings.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np

from glassgrad.native.target import Target


@dataclass(frozen=True)
class Product:
    """C = A·B for matrices of known shape, whose rows lie in memory one after the other.

    Attributes
    ----------
    m, n, k : int
        C is m × n; k numbers are summed for each of its elements.
    dtype : str
        ``"float32"`` or ``"float64"``.
    transpose_a, transpose_b : bool
        Whether A is stored as k × m, and B as n × k.
    lda, ldb, ldc : int
        Numbers from one stored row to the next; 0 where the rows touch.

    Examples
    --------
    >>> Product(128, 512, 784).flops
    102760448
    >>> Product(784, 512, 128, transpose_a=True).lda
    784
    """

    m: int
    n: int
    k: int
    dtype: str = "float32"
    transpose_a: bool = False
    transpose_b: bool = False
    lda: int = 0
    ldb: int = 0
    ldc: int = 0

    def __post_init__(self) -> None:
        if min(self.m, self.n, self.k) < 1:
            raise ValueError(f"a compiled product has at least one row, column and summand: {self}")
        widths = {
            "lda": self.m if self.transpose_a else self.k,
            "ldb": self.k if self.transpose_b else self.n,
            "ldc": self.n,
        }
        for name, width in widths.items():
            if (getattr(self, name) or width) < width:
                raise ValueError(f"{name} is less than the {width} numbers of a row: {self}")
            object.__setattr__(self, name, getattr(self, name) or width)

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * self.m * self.n * self.k


@dataclass(frozen=True)
class Tiling:
    """One way to compute a product.

    Two forms. *outer*: a tile of C, `rows` × `columns`, stays in registers while k runs; a number of A meets
    vectors of a row of B. *inner*: vectors run along k, and the lanes of each are added up at the end.
    A column (n = 1) is computed as a row, transposed: `swapped`.

    Attributes
    ----------
    m, n, k : int
        The shape, after swapping.
    a, b : tuple of int
        Numbers from one row of A to the next and from one summand to the next; from one summand of B to the
        next and from one column to the next.
    c : int
        Numbers from one row of C to the next.
    lanes : int
        Width of the vectors.
    rows, columns : int
        Of one tile.
    chains : int
        Sums that run side by side for each element, to hide how long one addition takes; part of the order in
        which an element is summed, and so the same in every tile.
    pack : str
        What is done to B before: ``""`` nothing; ``"copy"`` or ``"transpose"``, panel by panel, into the scratch
        memory.
    block : int
        Summands between two packings; k if all at once.
    """

    form: str
    swapped: bool
    m: int
    n: int
    k: int
    a: tuple[int, int]
    b: tuple[int, int]
    c: int
    lanes: int
    rows: int
    columns: int
    chains: int = 1
    pack: str = ""
    block: int = 0

    @property
    def vectors(self) -> int:
        """Vectors side by side in a tile of the outer form."""
        return ceil(self.columns / self.lanes)

    @property
    def scratch(self) -> int:
        """Numbers of scratch memory."""
        if not self.pack:
            return 0
        if self.form == "inner":
            return up(self.k, self.lanes) * up(self.n, self.lanes)
        depth = up(self.block, self.lanes) if self.pack == "transpose" else self.block
        return depth * self.vectors * self.lanes

    @property
    def straight(self) -> bool:
        """Whether the whole product is so small that it is written without a loop."""
        steps = self.k if self.form == "outer" else ceil(self.k / self.lanes)
        tiles = ceil(self.m / self.rows) * ceil(self.n / self.columns)
        return not self.pack and tiles * self.rows * self.width * steps <= 64

    @property
    def width(self) -> int:
        """Accumulators of one row of a tile."""
        return self.vectors if self.form == "outer" else self.columns


def up(x: int, to: int) -> int:
    """Rounded up to a multiple."""
    return -(-x // to) * to


def power(x: int) -> int:
    """The least power of two that is not less."""
    return 1 << (x - 1).bit_length()


@functools.lru_cache(maxsize=1024)
def tiling(product: Product, target: Target) -> Tiling:
    """The way that should take the fewest cycles."""
    return min(_ways(product, target), key=lambda way: cost(way, target))


# Rough facts of today's cores: instructions a cycle, and how long a fused multiply-add takes.
_FMAS, _LOADS, _LATENCY = 2, 2, 4
_PIPES = _FMAS * _LATENCY


def cost(way: Tiling, target: Target) -> float:
    """About how many cycles a way takes."""
    inner = way.form == "inner"
    steps = ceil(way.k / way.lanes) if inner else way.k
    # what tile after tile reads again comes more slowly where it outgrows the first cache
    reused = ((way.columns + way.rows) * 4 / 3 if inner else way.columns) * way.k * target.vector_bytes / way.lanes
    far = 2.5 if reused > target.l1_bytes * 3 / 4 else 1.0
    total, size = 0.0, 0
    for rows, n_rows in _cuts(way.m, way.rows):
        for columns, n_columns in _cuts(way.n, way.columns):
            width = columns if inner else ceil(columns / way.lanes)
            sums = rows * width
            step = max(sums / _FMAS, (rows + width * far) / _LOADS, _LATENCY / way.chains)
            step += (rows + width) / 32
            folds = columns - 1 + log2(way.lanes / power(columns)) if inner else width
            ending = rows * folds * 1.5 + sums * way.chains / 2
            total += n_rows * n_columns * (steps * step + ending + 8)
            size += sums * 2 + rows * 4
    if not (inner or way.pack) and way.k * way.n * target.vector_bytes / way.lanes > target.l1_bytes:
        # short stretches of a row, far apart, come slowly from the outer caches
        total += 2 * way.k * ceil(way.n / way.columns)
    if way.pack == "copy":
        total += way.k * ceil(way.n / way.lanes) * 1.5
    elif way.pack == "transpose":
        total += up(way.k, way.lanes) * up(way.n, way.lanes) * 8 / way.lanes
    # between equals, the one with less code to compile
    return total * (1 + size / 16384)


def _cuts(total: int, step: int) -> list[tuple[int, int]]:
    """Sizes of the pieces and how many there are."""
    full, rest = divmod(total, step)
    return [(size, count) for size, count in ((step, full), (rest, int(rest > 0))) if count]


def _ways(p: Product, target: Target) -> Iterator[Tiling]:
    """What is worth considering."""
    a = (1, p.lda) if p.transpose_a else (p.lda, 1)
    b = (1, p.ldb) if p.transpose_b else (p.ldb, 1)
    m, n, c = p.m, p.n, p.ldc
    # a column, contiguous in memory, is a row
    swapped = n == 1 and m > 1 and p.ldc == 1
    if swapped:
        m, n, a, b, c = 1, m, (0, b[0]), (a[1], a[0]), 1
    base = {"swapped": swapped, "m": m, "n": n, "k": p.k, "a": a, "b": b, "c": c, "block": p.k}
    yield from _outer(base, p, target)
    yield from _inner(base, p, target)


def _outer(base: dict, p: Product, target: Target) -> Iterator[Tiling]:
    m, n, k = base["m"], base["n"], base["k"]
    lanes = min(target.lanes(p.dtype), power(n))
    along = base["b"][1] == 1 or n == 1
    for vectors in range(1, min(ceil(n / lanes), target.registers - 3) + 1):
        if vectors > 4 and m > 2:
            break
        most = (target.registers - 1 - vectors) // vectors
        for rows in range(1, min(m, most, 16) + 1):
            way = Tiling(
                form="outer",
                lanes=lanes,
                rows=rows,
                columns=min(n, vectors * lanes),
                chains=_chains(rows * vectors, k, target),
                **base,
            )
            yield from _packed(way, along, p, target)


def _packed(way: Tiling, along: bool, p: Product, target: Target) -> Iterator[Tiling]:
    """With B as it is, or packed."""
    size = np.dtype(p.dtype).itemsize
    if along and not _outgrows(way, size, target):
        yield way
        return
    block = way.k
    if way.chains == 1:
        most = max(64, target.l2_bytes // 2 // (way.vectors * way.lanes * size))
        block = up(ceil(way.k / ceil(way.k / most)), 8) if way.k > most else way.k
    yield replace(way, pack="copy" if along else "transpose", block=block)


def _outgrows(way: Tiling, size: int, target: Target) -> bool:
    """Whether a panel of B is read too often, from too far, to be left where it is."""
    if ceil(way.m / way.rows) < 4:
        return False
    panel = way.k * way.vectors * way.lanes * size
    dense = way.b[0] <= way.vectors * way.lanes
    return panel > target.l1_bytes // 2 and not dense


def _inner(base: dict, p: Product, target: Target) -> Iterator[Tiling]:
    n, k = base["n"], base["k"]
    if base["a"][1] != 1 and k > 1:
        return
    direct = base["b"][0] == 1 or k == 1
    if not direct and n > 7:
        return
    lanes = min(target.lanes(p.dtype), power(k))
    for columns in {n, 16, 8, 4, 2, 1}:
        if columns > n or power(columns) > lanes:
            continue
        most = (target.registers - 2) // (columns + 1)
        for rows in range(1, min(base["m"], most, 8) + 1):
            yield Tiling(
                form="inner",
                lanes=lanes,
                rows=rows,
                columns=columns,
                chains=_chains(rows * columns, ceil(k / lanes), target),
                pack="" if direct else "transpose",
                **base,
            )


def _chains(sums: int, steps: int, target: Target) -> int:
    """Enough sums side by side to keep the pipes full, where registers and summands allow."""
    chains = 1
    while sums * chains < _PIPES and 2 * sums * chains <= target.registers // 2 and 4 * chains <= steps:
        chains *= 2
    return chains
