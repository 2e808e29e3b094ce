"""The peak of this machine: what its cores do in a product whose matrices lie in their caches, measured."""

from __future__ import annotations

import ctypes
import functools
import threading
import time
from typing import Any

import numpy as np

from glassgrad.native.builder import Builder
from glassgrad.native.emit import I64, POINTER, Code
from glassgrad.native.jit import compile_ir
from glassgrad.native.matmul import product
from glassgrad.native.matmul_plan import Product
from glassgrad.native.target import host

_SIDE = 96  # three matrices of it fit a second cache, in float64 too
_SECONDS = 0.02
_RUNS = 8  # of which the best counts: others may use the cores meanwhile
_ALIGN = 64


@functools.cache
def peak(dtype: str = "float32", threads: int = 1) -> float:
    """Floating-point operations a second that a compiled matrix product reaches, measured once in a process.

    Parameters
    ----------
    dtype : str
        ``"float32"`` or ``"float64"``.
    threads : int
        How many run side by side, each with matrices of its own.

    Raises
    ------
    CompileError
        Where no machine code can be made.

    Examples
    --------
    >>> peak("float64") > 1e8
    True
    """
    run, scratch = _kernel(dtype)
    rooms = [_room(dtype, scratch) for _ in range(threads)]
    flops = Product(_SIDE, _SIDE, _SIDE, dtype).flops
    run(*rooms[0][0], 1)
    started = time.perf_counter()
    run(*rooms[0][0], 4)
    times = max(1, int(4 * _SECONDS / _RUNS / (time.perf_counter() - started)))
    return max(threads * times * flops / _together(run, rooms, times) for _ in range(_RUNS))


def _kernel(dtype: str) -> tuple[Any, int]:
    """A function ``(a, b, c, scratch, times)``, and the bytes of scratch memory it needs."""
    code, target = Code(), host()
    kernel = product(code, target, Product(_SIDE, _SIDE, _SIDE, dtype))
    again = code.function("again", [POINTER] * 4 + [I64])
    b = Builder(code, again)
    x, y, out, scratch, times = again.args
    with b.loop(0, times):
        kernel.call(b, x, y, out, [], scratch)
    b.finish()
    library = compile_ir(str(code), target)
    return library.function("again", None, [ctypes.c_void_p] * 4 + [ctypes.c_int64]), kernel.scratch_bytes


def _room(dtype: str, scratch: int) -> tuple[list[int], Any]:
    """Addresses of three matrices of zeros and scratch memory, aligned, and what keeps them."""
    size = -(-_SIDE * _SIDE * np.dtype(dtype).itemsize // _ALIGN) * _ALIGN
    memory = np.zeros(3 * size + scratch + _ALIGN, np.uint8)
    start = memory.ctypes.data + -memory.ctypes.data % _ALIGN
    return [start + i * size for i in range(4)], memory


def _together(run: Any, rooms: list[tuple[list[int], Any]], times: int) -> float:
    """Seconds until all threads have run, counted from when all have started."""
    if len(rooms) == 1:
        started = time.perf_counter()
        run(*rooms[0][0], times)
        return time.perf_counter() - started
    line = threading.Barrier(len(rooms) + 1)

    def work(places: list[int]) -> None:
        line.wait()
        run(*places, times)
        line.wait()

    team = [threading.Thread(target=work, args=(places,)) for places, _ in rooms]
    for thread in team:
        thread.start()
    line.wait()
    started = time.perf_counter()
    line.wait()
    seconds = time.perf_counter() - started
    for thread in team:
        thread.join()
    return seconds
