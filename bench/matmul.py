"""Matrix products of a network's step on one core, glassgrad against NumPy's BLAS, interleaved in one run.

OPENBLAS_NUM_THREADS=1 taskset -c 0 python bench/matmul.py
"""

from __future__ import annotations

import ctypes
import itertools
import os
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is first imported

import numpy as np

from glassgrad.native.builder import Builder
from glassgrad.native.emit import I64, POINTER, Code
from glassgrad.native.jit import compile_ir
from glassgrad.native.matmul import product
from glassgrad.native.matmul_plan import Product
from glassgrad.native.target import host

NETWORKS = {
    "xor": (4, (2, 8, 1)),
    "relu1d": (1, (1, 50, 1)),
    "elbows": (40, (1, 40, 1)),
    "cs231n": (64, (1000, 100, 10)),
    "digits": (32, (64, 64, 10)),
    "mnist": (128, (784, 512, 512, 10)),
    "single row": (1, (64, 64, 10)),
}
SQUARES = (256, 512)
SECONDS = 0.25


def products(batch: int, widths: tuple[int, ...], dtype: str) -> list[tuple[str, Product]]:
    """Those of one step: each layer forward, and the gradients of its weights and, but for the first, its input."""
    found = []
    for layer, (into, out) in enumerate(itertools.pairwise(widths), 1):
        found.append((f"{layer} forward", Product(batch, out, into, dtype)))
        found.append((f"{layer} weights", Product(into, out, batch, dtype, transpose_a=True)))
        if layer > 1:
            found.append((f"{layer} input", Product(batch, into, out, dtype, transpose_b=True)))
    return found


def compiled(p: Product) -> tuple[Callable[..., None], int, str]:
    """A function ``(a, b, c, scratch, times)``, bytes of scratch memory, and the form of the kernel."""
    code, target = Code(), host()
    kernel = product(code, target, p)
    kernel.function.attributes.add("noinline")
    again = code.function("again", [POINTER] * 4 + [I64])
    b = Builder(code, again)
    x, y, out, scratch, times = again.args
    with b.loop(0, times):
        kernel.call(b, x, y, out, [], scratch)
    b.finish()
    library = compile_ir(str(code), target, cache=False)
    function = library.function("again", None, [ctypes.c_void_p] * 4 + [ctypes.c_int64])
    way = kernel.way
    return function, kernel.scratch_bytes, f"{way.form} {way.rows}×{way.columns} {way.pack}".strip()


def measured(p: Product) -> tuple[float, float, str]:
    """Seconds of glassgrad and of BLAS, the best of many short runs that take turns."""
    function, size, form = compiled(p)
    rng = np.random.default_rng(0)
    stored = [rng.normal(size=(p.k, p.m) if p.transpose_a else (p.m, p.k)).astype(p.dtype)]
    stored.append(rng.normal(size=(p.n, p.k) if p.transpose_b else (p.k, p.n)).astype(p.dtype))
    x, y = stored[0].T if p.transpose_a else stored[0], stored[1].T if p.transpose_b else stored[1]
    ours, theirs, memory = np.empty((p.m, p.n), p.dtype), np.empty((p.m, p.n), p.dtype), np.zeros(size + 64, np.uint8)
    scratch = memory.ctypes.data + -memory.ctypes.data % 64
    pointers = [stored[0].ctypes.data, stored[1].ctypes.data, ours.ctypes.data, scratch]
    times = max(1, int(2e7 / p.flops)) if p.flops > 1e4 else 20_000
    few = min(times, 50)
    best = [np.inf, np.inf]
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        function(*pointers, times)
        middle = time.perf_counter()
        for _ in range(few):
            np.matmul(x, y, out=theirs)
        best = [
            min(best[0], (middle - start) / times),
            min(best[1], (time.perf_counter() - middle) / few),
        ]
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)
    return best[0], best[1], form


def main() -> None:
    """Print one line a product."""
    print("| network | product | m × n × k | tile | ns | GFLOP/s | BLAS | times BLAS |")
    print("|---|---|---|---|---|---|---|---|")
    rows = [(name, *row) for name, (batch, widths) in NETWORKS.items() for row in products(batch, widths, "float32")]
    for n in SQUARES:
        for ta, tb in ((False, False), (False, True), (True, False)):
            rows.append((f"{n}³", f"{'Aᵀ' if ta else 'A'}·{'Bᵀ' if tb else 'B'}", Product(n, n, n, "float32", ta, tb)))
        rows.append((f"{n}³", "float64", Product(n, n, n, "float64")))
    for network, name, p in rows:
        ours, theirs, form = measured(p)
        print(
            f"| {network} | {name} | {p.m}×{p.n}×{p.k} | {form} | {ours * 1e9:.1f} | {p.flops / ours / 1e9:.0f} "
            f"| {p.flops / theirs / 1e9:.0f} | {theirs / ours:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
