"""How well a network does on some rows: loss and accuracy as graphs, and the scores of chunks put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.distributions import Distribution
from glassgrad.graphs import Graph
from glassgrad.op import Spec
from glassgrad.ops.sparse import SparseSpec
from glassgrad.parameters import Parameter
from glassgrad.tensors import Tensor, traced
from glassgrad.train.step_graphs import batch_loss, check_loss, network_output, wires_of
from glassgrad.wire import group, marked


def score_graph(
    net: nn.Layer,
    loss: Distribution,
    parameters: Sequence[tuple[str, Parameter]],
    x: Spec | SparseSpec,
    y: Spec,
    weighted: bool,
) -> Graph:
    """The network in use with its loss: inputs are all parameters, x, y and perhaps weight.

    Outputs are the loss, what the network puts out and, where the distribution writes it in gates, the accuracy.
    """
    (x_wire, inputs), columns = wires_of(x, "x"), _columns(x, y, weighted)
    with marked(enabled=True, key=None):
        output = network_output(net, x_wire)
        cost = _cost(loss, output, columns)
        with group("accuracy"):
            accuracy = _accuracy(loss, output, columns[0])
    return Graph([cost, output, *accuracy], [*[p for _, p in parameters], *inputs, *columns])


def loss_graph(loss: Any, output: Spec, y: Spec, weighted: bool) -> Graph:
    """A loss alone, of all rows at once: what a function does with them is not known."""
    wire, columns = traced(output.shape, output.dtype, "output"), _columns(output, y, weighted)
    with marked(enabled=True, key=None):
        cost = _cost(loss, wire, columns)
    return Graph([cost], [wire, *columns])


def weighted_mean(values: Sequence[Any], shares: Any) -> float:
    """The mean of chunks' means, each by its rows or weights, in float64."""
    if len(values) == 1:
        return float(values[0])
    return float(np.average(np.array(values, np.float64), weights=np.array(shares, np.float64)))


def _columns(x: Spec | SparseSpec, y: Spec, weighted: bool) -> list[Tensor]:
    """The wires of y and weight."""
    y_wire = traced(y.shape, y.dtype, "y")
    return [y_wire, traced(x.shape[:1], x.dtype, "weight")] if weighted else [y_wire]


def _cost(loss: Any, output: Tensor, columns: Sequence[Tensor]) -> Tensor:
    with group("loss"):
        cost = batch_loss(loss, output, *columns)
    check_loss(cost, loss)
    cost.name = cost.name or "loss"
    return cost


def _accuracy(loss: Distribution, output: Tensor, y: Tensor) -> list[Tensor]:
    """The accuracy as a wire; nothing where there is none, or where it needs values."""
    try:
        accuracy: Any = loss.accuracy(output, y)
    except Exception:  # a user's own may do with arrays what no wire can: then it is called with arrays
        return []
    return [accuracy] if isinstance(accuracy, Tensor) else []
