"""The reverse sweep over wires. Gradients add at branches; broadcasting is undone here, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from glassgrad.errors import GradientError, StaleError, at, spec_text
from glassgrad.op import At, Op
from glassgrad.ops.parts import part
from glassgrad.wire import Wire, marked


def sweep(
    upstream: Mapping[Wire, Any],
    inputs: Iterable[Wire] = (),
    record: bool = False,
    wires: dict[int, Wire] | None = None,
) -> dict[int, Any]:
    """Backpropagation: gradients of everything below the outputs, in one walk from last to first.

    A wire's serial number is larger than its operands', so taking the largest wire that is left,
    always, meets every wire after all that it went into.

    Parameters
    ----------
    upstream : mapping of Wire to array or tensor
        Where the sweep starts, and the gradient it starts with there.
    inputs : iterable of Wire
        Wires the sweep does not go beyond.
    record : bool
        Hand the rules tensors, so that the gradient is itself a graph that can be printed,
        differentiated again and compiled; otherwise hand them arrays.

    wires : dict, optional
        Is filled with the wires the sweep meets, by serial number.

    Returns
    -------
    dict
        Serial number of a wire to its gradient. A wire that no gradient reaches is not in it.

    Raises
    ------
    GradientError
        When a rule returns a gradient that does not fit its operand.
    StaleError
        When a parameter got a new value after the graph was computed.
    """
    stop = {w.serial for w in inputs}
    wires = {} if wires is None else wires
    wires.update({w.serial: w for w in upstream if w.active})
    gradients: dict[int, Any] = {w.serial: g for w, g in upstream.items()}
    left = [-w.serial for w in upstream if w.active and w.op is not None and w.serial not in stop]
    heapify(left)
    while left:
        serial = -heappop(left)
        wire = wires[serial]
        op: Any = wire.op
        operands = wire.operands
        for x in operands:
            if x.changed > serial:
                raise StaleError(
                    f"parameter '{x.name}' got a new value after {op.name} used it, so its gradient would mix old "
                    f"numbers with new; compute the loss again before backward(){at(wire.location)}"
                )
            if x.active and x.serial not in wires:
                wires[x.serial] = x
                if x.op is not None and x.serial not in stop:
                    heappush(left, -x.serial)
        if serial not in gradients:
            continue
        if record:
            with marked(origin=wire):
                _pull(wire, op, gradients, wire, [x._value if x.weak else x for x in operands])
        else:
            _pull(wire, op, gradients, wire._value, [x._value for x in operands])
    return gradients


def _pull(wire: Wire, op: Op, gradients: dict[int, Any], out: Any, xs: list[Any]) -> None:
    """One gate: its upstream gradient, times the local gradient, added to each operand's gradient."""
    g, rules, params = gradients[wire.serial], op.rules, wire.params
    if wire.parts is not None:
        if out is wire:
            out = tuple(part(wire, index=i) for i in range(len(wire.parts)))
        g = tuple(np.zeros(s.shape, s.dtype) if slot is None else slot for slot, s in zip(g, wire.parts, strict=True))
    for i, x in enumerate(wire.operands):
        if not x.active:
            continue
        if rules is None:
            gx: Any = op.gradients(i, g, out, *xs, **params)  # pyright: ignore[reportCallIssue] callable where rules is None
        elif rules[i] is None:
            continue
        else:
            gx = rules[i](g, out, *xs, **params) if params else rules[i](g, out, *xs)
        serial = x.serial
        if type(gx) is At:
            slots = gradients.setdefault(serial, [None] * len(x.parts))
            slots[gx.index] = gx.g if slots[gx.index] is None else slots[gx.index] + gx.g
            continue
        if gx.dtype is not x.dtype or gx.shape != x.shape:
            gx = fit(gx, x, wire, i)
        gradients[serial] = gradients[serial] + gx if serial in gradients else gx


def fit(gx: Any, x: Wire, wire: Wire, index: int) -> Any:
    """Give a gradient the shape and dtype of its operand: sum over what was broadcast, cast back."""
    if gx.shape != x.shape and len(gx.shape) == len(x.shape) + 1 and gx.shape[1:] == x.shape:
        gx = np.add.reduce(gx, axis=0)
    elif gx.shape != x.shape:
        extra = len(gx.shape) - len(x.shape)
        aligned = (1,) * extra + x.shape
        if extra < 0 or any(n != m and m != 1 for n, m in zip(gx.shape, aligned, strict=True)):
            try:
                gx = np.broadcast_to(gx, x.shape)
            except ValueError:
                raise GradientError(
                    f"the gradient rule of gate '{wire.op.name if wire.op else '?'}' for operand {index} returned "
                    f"{spec_text(gx)}, which does not fit the operand, {spec_text(x)}{at(wire.location)}"
                ) from None
        else:
            if extra:
                gx = np.add.reduce(gx, axis=tuple(range(extra)))
            inner = tuple(i for i, (n, m) in enumerate(zip(gx.shape, x.shape, strict=True)) if n != m)
            if inner:
                gx = np.add.reduce(gx, axis=inner, keepdims=True)
    return gx if gx.dtype == x.dtype else gx.astype(x.dtype)
