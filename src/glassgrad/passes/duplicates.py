"""Common subexpressions: gates of one kind on the same operands with the same parameters are one gate.

A random gate is a function of its key, so draws of one key are merged and draws of two keys are not.
Constants that are equal to the bit are one constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.ops.arithmetic import add, multiply
from glassgrad.ops.logic import equal, logical_and, logical_or, not_equal
from glassgrad.passes.rewrite import Pass, Rewriter, rewritten

LARGEST = 1 << 20
"""Constants of more bytes are not compared."""

_EITHER_WAY = frozenset((add, multiply, equal, not_equal, logical_and, logical_or))
"""Gates whose operands may change places without changing a bit."""


def _plain(value: Any) -> Any:
    """A static parameter as a key: 1, 1.0 and True are told apart, and so are 0.0 and −0.0; dtypes are not."""
    if isinstance(value, tuple):
        return tuple([_plain(v) for v in value])
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(value).str
    if isinstance(value, float):
        return float, value.hex()
    return type(value), value


class _Finder:
    """Holds the first wire of every kind."""

    def __init__(self) -> None:
        self.first: dict[Any, Any] = {}

    def step(self, rewriter: Rewriter, wire: Any, operands: tuple[Any, ...]) -> Any:
        """The wire that computes the same as this one, if there is one."""
        try:
            key = self.key(rewriter, wire, operands)
            if key is None:
                return None
            first = self.first.setdefault(key, wire)
        except TypeError:  # a user's own gate may have parameters that cannot be compared
            return None
        return None if first is wire else rewriter.now(first)

    def key(self, rewriter: Rewriter, wire: Any, operands: tuple[Any, ...]) -> Any:
        """What two wires that compute the same have in common."""
        op = wire.op
        if op is None:
            if not rewriter.is_constant(wire) or wire.name:
                return None
            if wire.weak:
                return type(wire._value), _plain(wire._value)
            value = np.asarray(wire._value)
            return None if value.nbytes > LARGEST else (value.dtype.str, value.shape, value.tobytes())
        serials = [x.serial for x in operands]
        if op in _EITHER_WAY:
            serials.sort()
        params = wire.params
        said = [(k, np.dtype(v).str if k == "dtype" else _plain(v)) for k, v in sorted(params.items())]
        return op, *serials, *said


def _merge(graph: Graph) -> Graph:
    return rewritten(graph, lambda: _Finder().step)


merge_duplicates = Pass("duplicates", "computes once what is computed twice", _merge)
