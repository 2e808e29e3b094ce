"""A traced graph again, with a value on every wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.leaves import leaf
from glassgrad.parameters import Parameter
from glassgrad.tensors import Tensor, tensor


def valued(graph: Graph, values: Sequence[Any]) -> Graph:
    """The same gates on new wires that hold their values, computed gate by gate with NumPy.

    Names, groups, source lines and origins stay; parameters among the inputs are parameters again. The graph that is
    given does not change.

    Parameters
    ----------
    graph : Graph
        Traced, with or without values.
    values : sequence of array_like
        One for each input, of its shape; copied, and cast to its dtype.

    Raises
    ------
    ShapeError, OperandError
        As `Graph.run` does: when values and inputs do not fit each other.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> traced = gg.trace(lambda w, x: np.sum(w * x), np.zeros(2), np.zeros(2), values=False)
    >>> print(valued(traced, [np.array([1.0, 2.0]), np.array([3.0, 4.0])]).outputs[0].value)
    11.0
    """
    new: dict[int, Any] = {
        wire.serial: _input(wire, value) for wire, value in zip(graph.inputs, graph.fitted(values), strict=True)
    }
    with np.errstate(all="ignore"):  # overflow gives inf, which can be seen on its wire
        for wire in graph.wires:
            if wire.serial not in new:
                new[wire.serial] = wire if wire.op is None else _gate(wire, new)
    return Graph([new[w.serial] for w in graph.outputs], [new[w.serial] for w in graph.inputs])


def _input(wire: Any, value: Any) -> Tensor:
    """An input with its value."""
    if isinstance(wire, Parameter):
        return Parameter(value, wire.name, wire.frozen)
    made = tensor(value, wire.name, wire.dtype)
    made.active = wire.active
    return made


def _gate(wire: Any, new: dict[int, Any]) -> Any:
    """The gate that made a wire, run on the new operands."""
    operands = tuple([new[x.serial] for x in wire.operands])
    value = wire.op.forward(*[x._value for x in operands], **wire.params)
    made = leaf(Tensor, value, wire.shape, wire.dtype, wire.name, wire.active)
    made.op, made.operands, made.params, made.parts = wire.op, operands, wire.params, wire.parts
    made.group, made._code, made._lasti = wire.group, wire._code, wire._lasti
    made.origin = None if wire.origin is None else new.get(wire.origin.serial, wire.origin)
    return made
