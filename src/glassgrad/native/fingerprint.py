"""Graphs as text that says all the machine code depends on: two graphs of one text need to be compiled once only.

Names, source lines and the values of constants and parameters do not matter; which wires are the same does.
"""

from __future__ import annotations

from typing import Any

from glassgrad.graphs import Graph
from glassgrad.ops import OPS


def fingerprint(graph: Graph) -> str | None:
    """The text of a graph; None where it has a gate of the user's own, of which nothing is known.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> one, other = (gg.trace(lambda x: x * np.exp(x), np.ones(n), values=False) for n in (3, 4))
    >>> fingerprint(one) == fingerprint(other)
    False
    """
    numbers: dict[int, int] = {}
    lines = []
    for wire in (*graph.inputs, *graph.wires):
        if wire.serial in numbers:
            continue
        numbers[wire.serial] = len(numbers)
        if len(numbers) <= len(graph.inputs):
            lines.append(f"input {_spec(wire)}")
        elif wire.op is None:
            lines.append(f"{'number ' + repr(wire._value) if wire.weak else 'constant'} {_spec(wire)}")
        elif OPS.get(wire.op.name) is not wire.op:
            return None
        else:
            specs = [_spec(s) for s in (wire.parts if wire.parts is not None else (wire,))]
            params = [f"{name}={value!r}" for name, value in sorted(wire.params.items())]
            operands = [numbers[x.serial] for x in wire.operands]
            lines.append(f"{wire.op.name} {operands} {params} {specs}")
    return "\n".join([*lines, f"return {[numbers[w.serial] for w in graph.outputs]}"])


def _spec(x: Any) -> str:
    return f"{x.dtype.str}{list(x.shape)}"
