"""Matrix products: right for every awkward shape, and never a number read or written outside their matrices."""

from __future__ import annotations

import ctypes
import itertools
import mmap
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from glassgrad.native.builder import Builder
from glassgrad.native.emit import Code
from glassgrad.native.jit import Library, compile_ir, verify_ir
from glassgrad.native.matmul import Kernel, product
from glassgrad.native.matmul_plan import Product, Tiling, tiling
from glassgrad.native.matmul_tiles import Epilogue, Place
from glassgrad.native.target import Target, host, lacking, named

HERE = host()
SIZES = (1, 2, 3, 5, 7, 8, 10, 15, 16, 17, 31, 33, 64, 100, 129)
TRANSPOSED = ((False, False), (False, True), (True, False), (True, True))
GUARD = 4


def fenced(size: int, dtype: str) -> np.ndarray:
    """An array that ends where memory ends: to touch what follows would end the process. Before it are NaNs."""
    page, itemsize = mmap.PAGESIZE, np.dtype(dtype).itemsize
    usable = -(-(size + GUARD) * itemsize // page) * page
    memory = mmap.mmap(-1, usable + page)
    if sys.platform == "linux":
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        assert ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(start + usable), page, 0) == 0
    room = np.frombuffer(memory, dtype, usable // itemsize)
    room[:] = np.nan
    return room[room.size - size :]


def untouched(array: np.ndarray) -> bool:
    """Whether the NaNs before a fenced array are still there."""
    room = array.base
    assert isinstance(room, np.ndarray)
    return bool(np.isnan(room[: room.size - array.size]).all())


class Matrix:
    """Rows in fenced memory, with NaNs between them where the row is longer than the matrix is wide."""

    def __init__(self, rows: int, columns: int, step: int, dtype: str) -> None:
        self.memory = fenced((rows - 1) * step + columns, dtype)
        self.view = np.lib.stride_tricks.as_strided(
            self.memory, (rows, columns), (step * self.memory.itemsize, self.memory.itemsize)
        )
        self.address = self.memory.ctypes.data

    def between(self) -> np.ndarray:
        """The numbers that are not of the matrix."""
        inside = np.zeros(self.memory.size, bool)
        np.lib.stride_tricks.as_strided(
            inside, self.view.shape, [s // self.memory.itemsize for s in self.view.strides]
        )[:] = True
        return self.memory[~inside]


def operands(p: Product, seed: int = 0) -> tuple[Matrix, Matrix, Matrix]:
    """A, B and C, filled with random numbers; C with NaN."""
    rng = np.random.default_rng(seed)
    a = Matrix(*((p.k, p.m) if p.transpose_a else (p.m, p.k)), p.lda, p.dtype)
    b = Matrix(*((p.n, p.k) if p.transpose_b else (p.k, p.n)), p.ldb, p.dtype)
    a.view[:] = rng.normal(size=a.view.shape)
    b.view[:] = rng.normal(size=b.view.shape)
    return a, b, Matrix(p.m, p.n, p.ldc, p.dtype)


def wanted(p: Product, a: Matrix, b: Matrix) -> tuple[np.ndarray, np.ndarray]:
    """The product in double precision, and how far off a sum may be."""
    x, y = a.view.astype(float), b.view.astype(float)
    x, y = x.T if p.transpose_a else x, y.T if p.transpose_b else y
    return x @ y, (p.k + 1) * np.finfo(p.dtype).eps * (np.abs(x) @ np.abs(y))


def scratch(kernel: Kernel) -> tuple[np.ndarray, int]:
    """Memory that starts at a multiple of 64 and ends where it says; kept alive by the first."""
    memory = fenced(-(-kernel.scratch_bytes // 64) * 16, "f4")
    memory[:] = np.nan
    return memory, memory.ctypes.data


def run(library: Library, kernel: Kernel, *arrays: Any, piece: Sequence[int] = ()) -> None:
    memory, address = scratch(kernel)
    pointers = [x.address if isinstance(x, Matrix) else x.ctypes.data for x in arrays]
    types = [ctypes.c_void_p] * (len(pointers) + 1) + [ctypes.c_int64] * len(piece)
    library.function(kernel.function.name, None, types)(*pointers, address, *piece)
    assert untouched(memory)


def compiled(kernels: Callable[[Code], Any], target: Target = HERE) -> tuple[Any, Library]:
    """Kernels and the library they are in."""
    code = Code()
    made = kernels(code)
    return made, compile_ir(str(code), target, cache=False, opt=1, on_slow=None)


def check(shapes: Sequence[Product], target: Target = HERE) -> None:
    kernels, library = compiled(lambda code: [product(code, target, p) for p in shapes], target)
    for p, kernel in zip(shapes, kernels, strict=True):
        a, b, c = operands(p)
        run(library, kernel, a, b, c)
        exact, allowed = wanted(p, a, b)
        assert (np.abs(c.view - exact) <= allowed).all(), (p, kernel.way)
        assert np.isnan(c.between()).all(), p
        assert all(untouched(x.memory) for x in (a, b, c)), p


def shapes(dtype: str, count: int, seed: int) -> list[Product]:
    """Shapes drawn from all there are, a third of them with rows that do not touch."""
    draw = random.Random(f"{dtype} {seed}")
    found = []
    for m, n, k in draw.sample(list(itertools.product(SIZES, repeat=3)), count):
        p = Product(m, n, k, dtype, *draw.choice(TRANSPOSED))
        if draw.random() < 1 / 3:
            p = replace(p, lda=p.lda + draw.choice((0, 1, 5)), ldb=p.ldb + draw.choice((0, 3)), ldc=p.ldc + 2)
        found.append(p)
    return found


# right numbers


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_awkward_shapes(dtype: str, seed: int) -> None:
    check(shapes(dtype, 32, seed))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", TRANSPOSED)
def test_tiny_shapes(dtype: str, transposed: tuple[bool, bool]) -> None:
    sizes = (1, 2, 4, 9)
    check([Product(m, n, k, dtype, *transposed) for m, n, k in itertools.product(sizes, repeat=3)][::3])


@pytest.mark.parametrize(
    "p",
    [
        Product(128, 512, 784),
        Product(128, 200, 512, transpose_b=True),
        Product(300, 130, 70, "float64", transpose_a=True),
        Product(70, 130, 3001),
        Product(70, 67, 9001, transpose_b=True),
        Product(1, 300, 500),
        Product(500, 1, 300, ldc=3),
        Product(500, 1, 300),
        Product(500, 3, 200),
    ],
    ids=str,
)
def test_large_shapes(p: Product) -> None:
    check([p])


def test_summands_in_blocks() -> None:
    small = replace(HERE, l2_bytes=2**14, l1_bytes=2**12)
    ps = [Product(40, 70, 1000), Product(40, 70, 1000, "float64", transpose_b=True), Product(33, 10, 5000)]
    assert any(tiling(p, small).block < p.k for p in ps)
    check(ps, small)


def test_every_way_of_one_shape() -> None:
    from glassgrad.native.matmul_plan import _ways

    p = Product(37, 41, 29, transpose_b=True)
    ways = list(_ways(p, HERE))
    ways = random.Random(3).sample(ways, min(16, len(ways)))
    kernels, library = compiled(lambda code: [product(code, HERE, p, way=way) for way in ways])
    for kernel in kernels:
        a, b, c = operands(p)
        run(library, kernel, a, b, c)
        exact, allowed = wanted(p, a, b)
        assert (np.abs(c.view - exact) <= allowed).all(), kernel.way


def test_special_numbers() -> None:
    p = Product(17, 18, 19)
    kernel, library = compiled(lambda code: product(code, HERE, p))
    a, b, c = operands(p)
    a.view[3, 4], a.view[5, 6], b.view[7, 8] = np.nan, np.inf, -np.inf
    run(library, kernel, a, b, c)
    with np.errstate(invalid="ignore"):
        expected = a.view.astype(float) @ b.view.astype(float)
    assert np.array_equal(np.isnan(c.view), np.isnan(expected))
    assert np.array_equal(c.view[np.isinf(expected)], expected[np.isinf(expected)])


# other CPUs


@pytest.mark.parametrize("name", ["x86-64-avx512", "x86-64-avx2", "x86-64-sse2"])
def test_other_cpus_by_hand(name: str) -> None:
    if HERE.architecture != "x86_64" or lacking(
        named(name), {f[1:]: f[0] == "+" for f in HERE.features.split(",") if f}
    ):
        pytest.skip(f"this machine is not {name}")
    check([*shapes("float32", 10, 7), *shapes("float64", 10, 8), Product(128, 100, 300)], host(name))


@pytest.mark.parametrize("name", ["x86-64-avx512", "x86-64-avx2", "aarch64-neon"])
def test_code_for_any_cpu_verifies(name: str) -> None:
    target, code = named(name), Code()
    for p in [*shapes("float32", 10, 9), *shapes("float64", 10, 10)]:
        product(code, target, p)
    verify_ir(str(code), target)


def test_tiles_fit_the_registers() -> None:
    for name in ("x86-64-avx512", "x86-64-avx2", "x86-64-sse2", "aarch64-neon"):
        target = named(name)
        for p in shapes("float32", 200, 11):
            way = tiling(p, target)
            assert way.rows * way.width * way.chains + min(way.rows, way.width) < target.registers, (name, p, way)


# epilogues


def relu(b: Builder, x: Any) -> Any:
    return b.select(b.compare(">", x, b.const(0.0, x.type)), x, b.const(0.0, x.type))


def bias_relu(b: Builder, x: Any, place: Place, arrays: Sequence[Any]) -> Any:
    z = b.add(x, place.along_columns(arrays[1]))
    place.store(z, arrays[2])
    return relu(b, z)


FUSED = (
    (20, 30, 40),
    (33, 10, 64),
    (4, 8, 2),
    (1, 50, 1),
    (50, 1, 20),
    (1, 1, 7),
    (64, 100, 129),
    (40, 1, 1),
)


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bias_and_activation(dtype: str, heavy: bool) -> None:
    epilogue = Epilogue("bias relu", bias_relu, arrays=2, heavy=heavy)
    ps = [Product(*shape, dtype, ldc=shape[1] + step) for shape in FUSED for step in (0, 2)]
    kernels, library = compiled(lambda code: [product(code, HERE, p, epilogue) for p in ps])
    for p, kernel in zip(ps, kernels, strict=True):
        a, b, c = operands(p)
        bias, z = Matrix(1, p.n, p.n, dtype), Matrix(p.m, p.n, p.ldc, dtype)
        bias.view[:] = np.linspace(-2, 2, p.n)
        run(library, kernel, a, b, c, bias, z)
        exact, allowed = wanted(p, a, b)
        assert (np.abs(z.view - (exact + bias.view)) <= allowed + np.finfo(dtype).eps * 4).all(), p
        assert np.array_equal(c.view, np.maximum(z.view, 0)), p
        assert np.isnan(c.between()).all()
        assert np.isnan(z.between()).all()
        assert untouched(z.memory)


@pytest.mark.parametrize("heavy", [False, True])
def test_update_without_storing_the_gradient(heavy: bool) -> None:
    def update(b: Builder, g: Any, place: Place, arrays: Sequence[Any]) -> None:
        weights, velocity = arrays[1:]
        v = b.fma(b.const(0.5, g.type), place.load(velocity), g)
        place.store(v, velocity)
        place.store(b.fma(b.const(-0.25, g.type), v, place.load(weights)), weights)

    epilogue = Epilogue("momentum", update, arrays=2, keep=False, heavy=heavy)
    ps = [Product(*shape, transpose_a=True) for shape in FUSED]
    kernels, library = compiled(lambda code: [product(code, HERE, p, epilogue) for p in ps])
    for p, kernel in zip(ps, kernels, strict=True):
        a, b, c = operands(p)
        weights, velocity = (Matrix(p.m, p.n, p.ldc, p.dtype) for _ in range(2))
        weights.view[:], velocity.view[:] = 1, 2
        run(library, kernel, a, b, c, weights, velocity)
        exact, allowed = wanted(p, a, b)
        assert np.isnan(c.memory).all()
        assert (np.abs(velocity.view - (exact + 1)) <= allowed + 1e-6).all(), p
        np.testing.assert_allclose(weights.view, 1 - velocity.view / 4, rtol=1e-5, atol=1e-6)


def test_one_number_for_each_row() -> None:
    epilogue = Epilogue("rows", lambda b, x, place, arrays: b.mul(x, place.along_rows(arrays[1])), arrays=1)
    ps = [Product(20, 30, 8), Product(30, 1, 8), Product(5, 3, 64, transpose_b=True)]
    kernels, library = compiled(lambda code: [product(code, HERE, p, epilogue) for p in ps])
    for p, kernel in zip(ps, kernels, strict=True):
        a, b, c = operands(p)
        weight = Matrix(1, p.m, p.m, p.dtype)
        weight.view[:] = np.arange(p.m)
        run(library, kernel, a, b, c, weight)
        exact, allowed = wanted(p, a, b)
        assert (np.abs(c.view - exact * weight.view.T) <= (allowed + 1e-6) * (1 + weight.view.T)).all(), p


def test_an_epilogue_that_stores_nothing_has_one_block() -> None:
    small = replace(HERE, l2_bytes=2**14, l1_bytes=2**12)
    p = Product(40, 70, 1000)
    assert tiling(p, small).block < p.k
    epilogue = Epilogue("copy", lambda b, x, place, arrays: place.store(x, arrays[1]), arrays=1, keep=False)
    kernel, library = compiled(lambda code: product(code, small, p, epilogue), small)
    a, b, c = operands(p)
    out = Matrix(p.m, p.n, p.n, p.dtype)
    run(library, kernel, a, b, c, out)
    exact, allowed = wanted(p, a, b)
    assert (np.abs(out.view - exact) <= allowed).all()
    assert np.isnan(c.memory).all()


def test_equal_products_share_a_function() -> None:
    code, p = Code(), Product(20, 30, 40)
    first = product(code, HERE, p)
    assert product(code, HERE, Product(20, 30, 40, ldc=30)).function is first.function
    fused = product(code, HERE, p, Epilogue("a", bias_relu, arrays=2))
    assert fused.function is not first.function
    assert product(code, HERE, p, Epilogue("a", lambda *_: None, arrays=2)).function is fused.function
    assert product(code, HERE, p, pieces=True).function is not first.function


# pieces

CUT = (
    Product(128, 100, 64),
    Product(64, 300, 200, transpose_b=True),
    Product(300, 70, 33, transpose_a=True),
    Product(129, 1, 50),
    Product(1, 129, 50),
    Product(50, 1, 31, transpose_a=True),
    Product(7, 3, 100, transpose_b=True),
    Product(100, 3, 100, "float64"),
    Product(2, 2, 2),
)


def test_pieces_give_the_same_bits() -> None:
    kernels, library = compiled(
        lambda code: [(product(code, HERE, p), product(code, HERE, p, pieces=True)) for p in CUT]
    )
    for p, (whole, cut) in zip(CUT, kernels, strict=True):
        a, b, c = operands(p)
        run(library, whole, a, b, c)
        expected = c.view.copy()
        for count in (1, 2, 3, 8):
            c.view[:] = np.nan
            for piece in cut.pieces(count):
                run(library, cut, a, b, c, piece=piece)
            assert np.array_equal(c.view, expected), (p, count)


def test_any_cut_gives_the_same_bits_and_writes_only_its_piece() -> None:
    kernels, library = compiled(lambda code: [product(code, HERE, p, pieces=True) for p in CUT])
    draw = random.Random(1)
    for p, kernel in zip(CUT, kernels, strict=True):
        a, b, c = operands(p)
        run(library, kernel, a, b, c, piece=(0, p.m, 0, p.n))
        expected = c.view.copy()
        for _ in range(6):
            marks = []
            for total, step in ((p.m, kernel.row_step), (p.n, kernel.column_step)):
                places = sorted({*range(0, total, step), total})
                marks += sorted(draw.choices(places, k=2))
            c.view[:] = np.nan
            run(library, kernel, a, b, c, piece=marks)
            mine = np.zeros((p.m, p.n), bool)
            mine[marks[0] : marks[1], marks[2] : marks[3]] = True
            assert np.array_equal(c.view[mine], expected[mine]), (p, marks)
            assert np.isnan(c.view[~mine]).all(), (p, marks)


def test_pieces_cover_c_once() -> None:
    code = Code()
    for p in CUT:
        kernel = product(code, HERE, p, pieces=True)
        for count in range(1, 10):
            seen = np.zeros((p.m, p.n), int)
            pieces = kernel.pieces(count)
            assert 1 <= len(pieces) <= count
            for top, bottom, left, right in pieces:
                assert bottom > top
                assert right > left
                seen[top:bottom, left:right] += 1
            assert (seen == 1).all()


# what is refused


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        ((0, 2, 2), "at least one"),
        ((2, 2, 0), "at least one"),
        ((2, 3, 4, "float32", False, False, 3), "lda"),
        ((2, 3, 4, "float32", False, True, 0, 3), "ldb"),
        ((2, 3, 4, "float32", False, False, 0, 0, 2), "ldc"),
    ],
)
def test_impossible_products(shape: tuple, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Product(*shape)


def test_a_tiling_says_what_it_needs() -> None:
    way = tiling(Product(128, 512, 784), named("x86-64-avx512"))
    assert isinstance(way, Tiling)
    assert way.pack == "copy"
    assert way.scratch == way.block * way.vectors * way.lanes
    assert tiling(Product(4, 8, 2), named("x86-64-avx512")).straight
