"""Constant folding: gates whose operands are all plain data are computed once, here.

Inputs, parameters and what depends on them are left alone, so random gates fold only where their key is
plain data too. A result of more than `LARGEST` elements is kept only where it takes no more memory than
its operands do. A gate that fails on its constants stays, and fails when the graph is run, as it would
have. Folded values are those that `graph.run` computes, to the bit and in the same memory layout, since a
product of transposed matrices may differ in the last bit from that of a copy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.ops import OPS
from glassgrad.ops.view import broadcast_shape
from glassgrad.passes.rewrite import Pass, Rewriter, rewritten

LARGEST = 1 << 16


class _Folder:
    """Holds the value of every constant wire met so far, and how many elements that takes in memory.

    A repeated constant and a gate of several outputs have a value too, but stay wires: it is what they
    go into that is folded.
    """

    def __init__(self) -> None:
        self.held: dict[int, tuple[Any, int]] = {}

    def step(self, rewriter: Rewriter, wire: Any, operands: tuple[Any, ...]) -> Any:
        """The constant in place of a gate on constants."""
        op, held = wire.op, self.held
        if op is None:
            if rewriter.is_constant(wire):
                held[wire.serial] = wire._value, math.prod(wire.shape)
            return None
        known = [held.get(x.serial) for x in wire.operands]
        if not known or None in known or OPS.get(op.name) is not op:
            return None
        specs = wire.parts if wire.parts is not None else (wire,)
        cost, memory = sum(math.prod(s.shape) for s in specs), sum(k[1] for k in known if k is not None)
        repeats = op is broadcast_shape
        if cost > max(LARGEST, memory) and not repeats:
            return None
        try:
            value = op.forward(*[k[0] for k in known if k is not None], **wire.params)
        except Exception:
            return None
        values = value if wire.parts is not None else (value,)
        if [(np.shape(v), np.asarray(v).dtype) for v in values] != [(s.shape, s.dtype) for s in specs]:
            return None
        held[wire.serial] = value, memory if repeats else cost
        return None if repeats or wire.parts is not None else rewriter.constant(np.array(value))


def _fold(graph: Graph) -> Graph:
    with np.errstate(all="ignore"):
        return rewritten(graph, lambda: _Folder().step)


fold_constants = Pass("constants", "computes once what depends on constants only", _fold)
