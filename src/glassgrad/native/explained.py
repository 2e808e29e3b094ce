"""What a compiled program is made of: its kernels, their work, and the share of the machine's peak they can reach.

The prediction is a roofline: a kernel takes as long as its arithmetic or its memory, whichever is slower. The
measurement is one: the program is run on ones.
"""

from __future__ import annotations

import dataclasses
import math
import textwrap
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.costs import flops_of
from glassgrad.native.peak import peak
from glassgrad.native.plan import Plan
from glassgrad.native.steps import Call
from glassgrad.native.target import Target
from glassgrad.native.views import View
from glassgrad.wire import Wire

_TEXT = 44  # columns of a kernel's words, of 80
_SECONDS, _RUNS = 0.02, 5


@dataclasses.dataclass(frozen=True, slots=True)
class Kernel:
    """The work of one step of a plan.

    Attributes
    ----------
    text : str
        What it does.
    gates : list
        The gates it holds.
    flops, bytes : int
        Floating-point operations, and bytes that it reads and writes.
    call : bool
        Whether it is a call of NumPy and no machine code.
    """

    text: str
    gates: list[Any]
    flops: int
    bytes: int
    call: bool

    def seconds(self, target: Target, top: float, dtype: str, room: int) -> float:
        """How long it takes at least, if arithmetic runs at most at `top`, from memory of that size."""
        products = sum(flops_of(g) for g in self.gates if g.op.kind == "contract")
        rest = (self.flops - products) * (2 if target.fma else 1)  # the peak counts a multiplication and an addition
        a_cycle = target.flops_per_cycle(dtype)
        return max(products + rest, self.bytes * a_cycle / target.bytes_per_cycle(room)) / top


def gates_of(step: Any) -> list[Any]:
    """The gates that a step holds, whatever kind of step it is, in the order they were made."""
    found: dict[int, Any] = {}
    for field in dataclasses.fields(step):
        value = getattr(step, field.name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Wire) and item.op is not None:
                found[item.serial] = item
            elif dataclasses.is_dataclass(item) and not isinstance(item, type):
                found |= {gate.serial: gate for gate in gates_of(item)}
    return [found[serial] for serial in sorted(found)]


def kernels(plan: Plan) -> list[Kernel]:
    """The kernels of a plan, in the order they run."""
    found = []
    for step in plan.steps:
        gates = gates_of(step)
        written = [plan.views[g.serial] for g in gates if g.serial in plan.views]
        written = [view for view in written if plan.buffers[view.buffer].kind != "register"]
        written += [getattr(step, "write")] if hasattr(step, "write") else []  # noqa: B009 some kinds of steps have it
        moved = sum(_bytes(view) for view in (*plan.reads(step), *written))
        flops = sum(flops_of(g) for g in gates)
        found.append(Kernel(step.text(plan.graph), gates, flops, moved, isinstance(step, Call)))
    return found


def _bytes(view: View) -> int:
    """Bytes behind a view; what is repeated is read once."""
    return math.prod(n for n, stride in zip(view.shape, view.strides, strict=True) if stride) * view.dtype.itemsize


def explained(plan: Plan, target: Target, seconds: float, run: Callable[[list[Any]], Any]) -> str:
    """A table of the kernels, and what of the machine's peak they could reach and do reach.

    Parameters
    ----------
    plan : Plan
        What was compiled.
    target : Target
        For which CPU.
    seconds : float
        How long compiling took.
    run : callable
        Runs it on arrays of its inputs' shapes and dtypes.
    """
    graph, made = plan.graph, kernels(plan)
    dtype = next((str(g.dtype) for g in reversed(graph.gates) if g.dtype in (np.float32, np.float64)), "float64")
    buffers = sum(b.bytes for b in plan.buffers if b.kind not in ("arena", "register"))
    room, top = plan.arena + buffers, peak(dtype)
    least = [k.seconds(target, top, dtype, room) for k in made]
    calls = sum(k.call for k in made)
    beside = f" and {_count(calls, 'call')} of NumPy" if calls else ""
    lines = [
        f"{_count(len(graph.gates), 'gate')} in {_count(len(made) - calls, 'kernel')}{beside}",
        f"compiled in {seconds:.2f} s for {target.name}",
        f"memory {room:,} bytes, of these {plan.arena:,} in the arena that kernels share",
        "",
        f"{'':>3}  {'kernel':<{_TEXT}}{'operations':>12}{'bytes':>12}{'≤ peak':>7}",
    ]
    for i, (kernel, at_least) in enumerate(zip(made, least, strict=True)):
        words = textwrap.wrap(kernel.text, _TEXT - 1, break_on_hyphens=False)
        share = "–" if kernel.call else f"{_share(kernel.flops, at_least, top):.0%}"
        lines.append(f"{i:>3}  {words[0]:<{_TEXT}}{kernel.flops:>12,}{kernel.bytes:>12,}{share:>7}")
        lines += [f"{'':>3}  {line}" for line in words[1:]]
    flops, whole = sum(k.flops for k in made), sum(least)
    lines.append(f"{'':>3}  {'all':<{_TEXT}}{flops:>12,}{sum(k.bytes for k in made):>12,}")
    lines += ["", f"peak       {top / 1e9:,.3g} GFLOP/s in {dtype} on one thread, measured in a matrix product"]
    lines.append(f"predicted  at least {_time(whole)} a call, at most {_share(flops, whole, top):.1%} of peak")
    try:
        taken = _timed(graph.inputs, run)
    except Exception as error:  # ones are no good input of every gate
        lines.append(f"measured   nothing: on ones it fails with {type(error).__name__}")
    else:
        lines.append(f"measured   {_time(taken)} a call, its start included, {_share(flops, taken, top):.1%} of peak")
    return "\n".join(lines)


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def _share(flops: int, seconds: float, top: float) -> float:
    """Of the peak."""
    return flops / seconds / top if seconds > 0 else 0.0


def _timed(inputs: list[Any], run: Callable[[list[Any]], Any]) -> float:
    """Seconds of a run on ones (whole numbers, which may be indices, are zeros); the least of several."""
    values = [(np.ones if w.dtype.kind in "fb" else np.zeros)(w.shape, w.dtype)[()] for w in inputs]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        run(values)
        times = max(1, int(_SECONDS / _RUNS / (time.perf_counter() - started)))
        best = math.inf
        for _ in range(_RUNS):
            started = time.perf_counter()
            for _ in range(times):
                run(values)
            best = min(best, (time.perf_counter() - started) / times)
    return best


def _time(seconds: float) -> str:
    """In the unit that suits."""
    for name, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns"
