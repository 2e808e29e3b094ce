"""The reverse sweep over wires. Gradients add at branches; broadcasting is undone here, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from glassgrad.errors import GradientError, StaleError, spec_text
from glassgrad.op import At
from glassgrad.ops.parts import part
from glassgrad.wire import Wire, recording


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
        Is filled with the wires the sweep meets, by serial number; no gradient goes through those that
        are not active.

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
    met = {} if wires is None else wires
    met.update({w.serial: w for w in upstream if w.active})
    ends = {w.serial for w in inputs}
    left = [-serial for serial, w in met.items() if w.op is not None and serial not in ends]
    heapify(left)
    outer = recording.origin
    try:
        while left:
            serial = -heappop(left)
            wire = met[serial]
            op: Any = wire.op
            if record:
                recording.origin = wire
            xs = []
            for x in wire.operands:
                if x.changed > serial:
                    raise _stale(x, wire)
                xs.append(x if record and not x.weak else x._value)
                if x.serial not in met and (x.active or x.op is not None):
                    met[x.serial] = x
                    if x.active and x.op is not None and x.serial not in ends:
                        heappush(left, -x.serial)
            if serial not in gradients:
                continue
            g, out = gradients[serial], wire if record else wire._value
            if wire.parts is not None:
                g = tuple(
                    [np.zeros(s.shape, s.dtype) if one is None else one for one, s in zip(g, wire.parts, strict=True)]
                )
                out = tuple([part(wire, index=i) for i in range(len(wire.parts))]) if record else out
            rules, params = op.rules, wire.params
            for i, x in enumerate(wire.operands):
                if not x.active:
                    continue
                if rules is None:
                    gx: Any = op.gradients(i, g, out, *xs, **params)
                elif rules[i] is None:
                    continue
                else:
                    gx = rules[i](g, out, *xs, **params) if params else rules[i](g, out, *xs)
                if type(gx) is At:
                    slots = gradients.setdefault(x.serial, [None] * len(x.parts))
                    slots[gx.index] = gx.g if slots[gx.index] is None else slots[gx.index] + gx.g
                    continue
                if gx.dtype is not x.dtype or gx.shape != x.shape:
                    gx = fit(gx, x, wire, i)
                known = gradients.get(x.serial)
                gradients[x.serial] = gx if known is None else known + gx
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


def fit(gx: Any, x: Wire, wire: Wire, index: int) -> Any:
    """Give a gradient the shape and dtype of its operand: sum over what was broadcast, cast back."""
    got, want = gx.shape, x.shape
    if got != want:
        extra = len(got) - len(want)
        if extra > 0:
            gx = np.add.reduce(gx, axis=0 if extra == 1 else tuple(range(extra)))
            got = gx.shape
        if got != want:
            if len(got) != len(want) or any(n != m and m != 1 for n, m in zip(got, want, strict=True)):
                gx = _enlarged(gx, x, wire, index)
            else:
                inner = tuple([i for i, (n, m) in enumerate(zip(got, want, strict=True)) if n != m])
                gx = np.add.reduce(gx, axis=inner, keepdims=True)
    return gx if gx.dtype == x.dtype else gx.astype(x.dtype)


def _enlarged(gx: Any, x: Wire, wire: Wire, index: int) -> Any:
    """A gradient that is the same for many elements of its operand, spread over them."""
    try:
        return np.broadcast_to(gx, x.shape)
    except ValueError:
        raise GradientError(
            f"the gradient rule of gate '{wire.op.name if wire.op else '?'}' for operand {index} returned "
            f"{spec_text(gx)}, which does not fit the operand, {spec_text(x)}",
            wire.location,
        ) from None
