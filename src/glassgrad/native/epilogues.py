"""What a product does to its numbers while they are in registers: the gates of the loop that it took in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glassgrad.native.emit import lanes_of
from glassgrad.native.lowering import compute_dtypes, computed, weight
from glassgrad.native.matmul_tiles import Epilogue, Place
from glassgrad.native.plan import Plan
from glassgrad.native.steps import Multiply
from glassgrad.native.views import View
from glassgrad.native.walks import read, write
from glassgrad.ops import OPS

_HEAVY = 12  # instructions a number from which they are written once, in a loop over rows


def epilogue(plan: Plan, step: Multiply) -> tuple[Epilogue | None, list[int]]:
    """The epilogue of a product, and the buffers it reads and writes, in the order of its further arrays."""
    loop = step.then
    if loop is None:
        return None, []
    reads = dict(loop.reads)
    writes = {g.serial: plan.views[g.serial] for g in loop.stored}
    buffers = list(dict.fromkeys(v.buffer for v in (*reads.values(), *writes.values())))
    steps = {v: _steps(v, step) for v in (*reads.values(), *writes.values())}

    def act(b: Any, x: Any, place: Place, arrays: Sequence[Any]) -> Any:
        values, lanes = {step.gate.serial: x}, lanes_of(x.type)
        for serial, view in reads.items():
            address, along = place.address(arrays[1 + buffers.index(view.buffer)], view.offset, steps[view], view.dtype)
            width, mask = (lanes, place.mask) if along else (1, None)
            values[serial] = read(b, address, view.dtype, width, mask)
            if not along:
                values[serial] = b.splat(values[serial], lanes)
        for g in loop.gates:
            values[g.serial] = computed(b, g, values, lanes)
        for serial, view in writes.items():
            address, _ = place.address(arrays[1 + buffers.index(view.buffer)], view.offset, steps[view], view.dtype)
            write(b, values[serial], address, view.dtype, place.mask)
        return x

    heavy = sum(weight(g) for g in loop.gates) >= _HEAVY
    return Epilogue(_key(step, buffers, steps, writes), act, len(buffers), step.keep, heavy), buffers


def _steps(view: View, step: Multiply) -> tuple[int, int]:
    """Numbers from one row and one column of the product to the next."""
    if len(view.strides) == 2:
        return view.strides[0], view.strides[1]
    stride = view.strides[0] if view.strides else 0
    return (stride, 0) if step.product.m > 1 else (0, stride)


def _key(step: Multiply, buffers: list[int], steps: dict[View, Any], writes: dict[int, View]) -> Any:
    """All that the code depends on: products alike share a kernel."""
    loop = step.then
    assert loop is not None
    numbers = {step.gate.serial: 0}

    def said(v: View) -> Any:
        return buffers.index(v.buffer), v.offset, steps[v], str(v.dtype)

    for serial in (*loop.reads, *[g.serial for g in loop.gates]):
        numbers[serial] = len(numbers)
    gates = [
        (
            g.op.name if OPS.get(g.op.name) is g.op else f"{g.op.name} {id(g.op)}",
            [numbers.get(x.serial, (x._value, str(x.dtype))) for x in g.operands],
            [str(d) for d in compute_dtypes(g) or ()],
            str(g.dtype),
        )
        for g in loop.gates
    ]
    return [said(v) for v in loop.reads.values()], gates, [(numbers[s], said(v)) for s, v in writes.items()]
