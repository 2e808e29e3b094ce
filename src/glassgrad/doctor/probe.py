"""Probe: some rows once through a network and back, with every value and every gradient kept."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.ops.sparse import SparseRows
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, constant
from glassgrad.train.rows import Rows
from glassgrad.train.step_graphs import batch_loss, check_loss, network_output
from glassgrad.wire import Wire, group, marked, topological

Array = np.ndarray[Any, Any]
_CSR = ("data", "indices", "indptr")


def spread(rows: Rows, most: int) -> Rows:
    """At most so many rows, spread evenly over all of them: nothing is drawn, so nothing is disturbed."""
    if len(rows) <= most:
        return rows
    places = np.linspace(0, len(rows) - 1, most).round().astype(np.int64)
    weight = None if rows.weight is None else rows.weight[places]
    return dataclasses.replace(rows, X=rows.X[places], y=rows.y[places], weight=weight, _rooms={})


@dataclasses.dataclass(frozen=True, eq=False)
class Probe:
    """What was seen.

    Attributes
    ----------
    net, loss, rows
        What was run.
    x : Tensor or SparseRows
        The rows as a wire.
    output, cost : Tensor
        What the network put out, and the loss.
    gradients : dict
        Serial number of a wire to the gradient of the loss by it; a wire that no gradient reaches is not in it.
    """

    net: nn.Layer
    loss: Any
    rows: Rows
    x: Any
    output: Tensor
    cost: Tensor
    gradients: dict[int, Any]

    @functools.cached_property
    def net_wires(self) -> list[Wire]:
        """The wires from the rows to the output, operands before results."""
        return topological([self.output], stop=self.inputs)

    @property
    def inputs(self) -> list[Wire]:
        """The rows' own wires."""
        return list(self.x.wires) if isinstance(self.x, SparseRows) else [self.x]

    @property
    def finite(self) -> bool:
        """Whether loss and parameters are finite."""
        values = [self.cost.value, *(p.value for p in self.net.parameters())]
        return all(bool(np.isfinite(v).all()) for v in values)

    def gradient(self, wire: Wire) -> Array:
        """The gradient of the loss by a wire, zeros where none reaches it."""
        found = self.gradients.get(wire.serial)
        return np.zeros(wire.shape, wire.dtype) if found is None else np.asarray(found)


def probe(net: nn.Layer, loss: Any, rows: Rows) -> Probe:
    """Run network and loss forward and backward on these rows, the network as in use: nothing is drawn.

    The network and its parameters stay as they are, gradients that were computed before as well.
    """
    with marked(enabled=True, key=None), np.errstate(all="ignore"):
        x = rows_wire(rows)
        output = network_output(net, x)
        with group("loss"):
            cost = batch_loss(loss, output, *[constant(column) for column in rows.columns[1:]])
        check_loss(cost, loss)
        gradients = sweep({cost: cost.dtype.type(1)}) if cost.active else {}
    return Probe(net, loss, rows, x, output, cost, gradients)


def rows_wire(rows: Rows) -> Any:
    """The features of rows as what a network is handed."""
    if not rows.sparse:
        return constant(rows.X, "x")
    data, indices, indptr = [constant(a, f"x.{n}") for a, n in zip(rows.arrays[:3], _CSR, strict=True)]
    return SparseRows(data, indices, indptr, rows.X.shape)
