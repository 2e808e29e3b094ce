"""The reverse sweep over wires. Gradients add at branches; broadcasting is undone here, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from glassgrad.errors import GradientError, StaleError, spec_text
from glassgrad.op import At
from glassgrad.ops.parts import part
from glassgrad.wire import Wire, threads


def sweep(
    upstream: Mapping[Wire, Any],
    inputs: Iterable[Wire] = (),
    record: bool = False,
    met: list[Wire] | None = None,
) -> dict[int, Any]:
    """Backpropagation: gradients of everything below the outputs, in one walk from last to first.

    A wire's serial number is larger than its operands'. So the wire with the largest number among those
    that a gradient has reached has received all it will ever receive, and is the next to hand it on.

    Parameters
    ----------
    upstream : mapping of Wire to array or tensor
        Where the sweep starts, and the gradient it starts with there.
    inputs : iterable of Wire
        Wires the sweep does not go beyond.
    record : bool
        Hand the rules tensors, so that the gradient is itself a graph that can be printed,
        differentiated again and compiled; otherwise hand them arrays.
    met : list, optional
        Is given the wires that a gradient reached, and the gates it could not pass.

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
    gradients: dict[int, Any] = {w.serial: g for w, g in upstream.items()}
    ends = {w.serial for w in inputs}
    left = [(-w.serial, w) for w in upstream if w.active]
    heapify(left)
    seen: list[Wire] = [] if met is None else met
    recording = threads.recording
    outer = recording.origin
    try:
        while left:
            serial, wire = heappop(left)
            serial = -serial
            seen.append(wire)
            op: Any = wire.op
            if op is None or serial in ends:
                continue
            operands, rules, params = wire.operands, op.rules, wire.params
            g = gradients[serial]
            if record:
                recording.origin = wire
                out: Any = wire
                xs = [x._value if x.weak else x for x in operands]
            else:
                out, xs = wire._value, [x._value for x in operands]
            if wire.parts is not None:
                g = tuple([np.zeros(s.shape, s.dtype) if a is None else a for a, s in zip(g, wire.parts, strict=True)])
                out = tuple([part(wire, index=i) for i in range(len(wire.parts))]) if record else out
            if rules is None:
                rules = [partial(op.gradients, i) for i in range(len(operands))]
            for i, x in enumerate(operands):
                if x.changed > serial:
                    raise _stale(x, wire)
                if not x.active:
                    if x.op is not None:
                        seen.append(x)
                    continue
                rule = rules[i]
                if rule is None:
                    seen.append(x)
                    continue
                gx: Any = rule(g, out, *xs, **params) if params else rule(g, out, *xs)
                number = x.serial
                known = gradients.get(number)
                if known is None:
                    if x.op is None:
                        seen.append(x)
                    else:
                        heappush(left, (-number, x))
                if type(gx) is At:
                    slots = gradients.setdefault(number, [None] * len(x.parts))
                    slots[gx.index] = gx.g if slots[gx.index] is None else slots[gx.index] + gx.g
                    continue
                if gx.dtype is not x.dtype or gx.shape != x.shape:
                    gx = fit(gx, x, wire)
                gradients[number] = gx if known is None else known + gx
    finally:
        recording.origin = outer
    return gradients


def _stale(x: Wire, wire: Wire) -> StaleError:
    """The error for a parameter that got a new value since a gate used it."""
    return StaleError(
        f"parameter '{x.name}' got a new value after {wire.op.name if wire.op else '?'} used it, so its gradient "
        "would mix old numbers with new; compute the loss again before backward()",
        wire.location,
    )


def fit(gx: Any, x: Wire, wire: Wire) -> Any:
    """Give a gradient the shape and dtype of its operand: sum over what was broadcast, cast back."""
    got, want = gx.shape, x.shape
    if got != want:
        extra = len(got) - len(want)
        if extra > 0:
            gx = np.add.reduce(gx, axis=0 if extra == 1 else tuple(range(extra)))
            got = gx.shape
        if got != want:
            if len(got) != len(want) or any(n != m and m != 1 for n, m in zip(got, want, strict=True)):
                gx = _enlarged(gx, x, wire)
            else:
                inner = tuple([i for i, (n, m) in enumerate(zip(got, want, strict=True)) if n != m])
                gx = np.add.reduce(gx, axis=inner, keepdims=True)
    return gx if gx.dtype == x.dtype else gx.astype(x.dtype)


def _enlarged(gx: Any, x: Wire, wire: Wire) -> Any:
    """A gradient that is the same for many elements of its operand, spread over them."""
    index = [y.serial for y in wire.operands].index(x.serial)
    try:
        return np.broadcast_to(gx, x.shape)
    except ValueError:
        raise GradientError(
            f"the gradient rule of gate '{wire.op.name if wire.op else '?'}' for operand {index} returned "
            f"{spec_text(gx)}, which does not fit the operand, {spec_text(x)}",
            wire.location,
        ) from None
