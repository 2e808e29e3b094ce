"""The graphs a trainer runs: one training step, and the network forward.

A training step is one graph, so it can be looked at, verified, and compiled later:

    inputs   trainable parameters, optimiser state, x, y, (weight), step, key, frozen parameters
    outputs  loss, new trainable parameters, new optimiser state

Sparse rows x are three inputs, the CSR arrays x.data, x.indices and x.indptr.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.distributions import Distribution
from glassgrad.errors import OperandError, ShapeError, spec_text
from glassgrad.graphs import Graph
from glassgrad.op import Spec
from glassgrad.ops.sparse import SparseRows, SparseSpec
from glassgrad.optim import Optimizer
from glassgrad.parameters import Parameter
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, constant, traced
from glassgrad.train.callbacks import warn
from glassgrad.train.penalty import L2
from glassgrad.train.shards import shard_bounds, shard_key, shard_shares, tree_sum
from glassgrad.wire import group, marked, topological

Parameters = Sequence[tuple[str, Parameter]]
States = Sequence[Sequence[Any]]


def batch_loss(loss: Any, output: Any, y: Any, weight: Any = None) -> Any:
    """The loss of a batch, by a distribution or a function ``(output, y)`` or ``(output, y, weight)``."""
    if isinstance(loss, Distribution):
        return loss.loss(output, y, weight)
    return loss(output, y) if weight is None else loss(output, y, weight)


def takes_weights(loss: Any) -> bool:
    """Whether a loss can weight its rows."""
    if isinstance(loss, Distribution):
        return True
    try:
        inspect.signature(loss).bind(None, None, None)
    except TypeError:
        return False
    except ValueError:
        return True  # no signature to be had: the call itself will tell
    return True


def wires_of(spec: Spec | SparseSpec, name: str) -> tuple[Any, list[Tensor]]:
    """A column of a batch: what a network is handed, and the inputs of the graph that it is made of."""
    if isinstance(spec, Spec):
        wire = traced(spec.shape, spec.dtype, name)
        return wire, [wire]
    data, indices, indptr = [traced(s.shape, s.dtype, f"{name}.{part}") for part, s in spec.arrays]
    return SparseRows(data, indices, indptr, spec.shape), [data, indices, indptr]


def batch_wires(specs: Sequence[Spec | SparseSpec]) -> tuple[list[Any], list[Tensor]]:
    """The columns of a batch, x, y and perhaps weight: what network and loss are handed, and a graph's inputs."""
    columns, inputs = zip(
        *[wires_of(s, name) for s, name in zip(specs, ("x", "y", "weight"), strict=False)], strict=True
    )
    return list(columns), [wire for wires in inputs for wire in wires]


class _Step:
    """Forward and backward of one batch, traced: its inputs, the loss, the gradients of what is trained."""

    def __init__(
        self, net: nn.Layer, loss: Any, trainable: Parameters, frozen: Parameters, x: Spec | SparseSpec, y: Spec,
        weighted: bool, shards: int, penalty: L2 | None = None,
    ) -> None:  # fmt: skip
        self.net, self.loss, self.parameters = net, loss, [p for _, p in trainable]
        weights = [Spec((x.shape[0],), x.dtype)] if weighted else []
        columns, inputs = batch_wires([x, y, *weights])
        weight = columns[2] if weighted else None
        self.step, key = traced((), np.dtype(np.int64), "step"), traced((2,), np.dtype(np.uint32), "key")
        self.batch = [*inputs, self.step, key, *[p for _, p in frozen]]
        before = _drawn()
        bounds = shard_bounds(x.shape[0], shards)
        if len(bounds) == 1:
            self.cost, self.gradients = self._shard(columns, key)
        else:
            costs, gradients = [], []
            for i, (start, stop) in enumerate(bounds):
                with group(f"shard {i}"):
                    part = [column[start:stop] for column in columns]
                    cost, slopes = self._shard(part, shard_key(key, i, len(bounds)), i == 0)
                costs.append(cost)
                gradients.append(slopes)
            with group("sum of shards"):
                shares = shard_shares(bounds, weight)
                self.cost = _shared(costs, shares)
                self.gradients = [_shared(slopes, shares) for slopes in zip(*gradients, strict=True)]
        if penalty is not None:
            self.cost, self.gradients = penalty.added(self.cost, self.gradients, trainable, x.shape[0], weight)
        self.cost.name = self.cost.name or "loss"
        if not np.array_equal(_drawn(), before):
            warn(
                "the network or the loss draws from np.random: it is traced once, so these draws stay the same in "
                "every step; a layer that draws anew in each takes its key from nn.next_key(), as nn.Dropout does"
            )

    def _shard(self, columns: Sequence[Tensor], key: Any, first: bool = True) -> tuple[Tensor, list[Any]]:
        """The loss of some rows and its gradients."""
        x, y, *weight = columns
        with nn.training(key):
            output = self.net(x)
            with group("loss"):
                cost = batch_loss(self.loss, output, y, *weight)
        check_loss(cost, self.loss)
        if cost.dtype.kind != "f" or not cost.active:
            raise OperandError(f"loss {_name(self.loss)} has no gradient path to a trainable parameter of the network")
        if first:
            _warn_of_pairs(output, y, cost)
        swept = sweep({cost: cost.dtype.type(1)}, self.parameters, record=True)
        gradients = [swept.get(p.serial) for p in self.parameters]
        return cost, [
            np.zeros(p.shape, p.dtype) if g is None else g for g, p in zip(gradients, self.parameters, strict=True)
        ]


def _shared(parts: Sequence[Any], shares: Sequence[Any]) -> Any:
    """What the shards found, each times its share, added over the tree."""
    return tree_sum([share * part for share, part in zip(shares, parts, strict=True)])


def _drawn() -> Any:
    """Where NumPy's global generator stands."""
    _, words, place, *_ = np.random.get_state()  # noqa: NPY002 it is looked at, not drawn from
    return [*words, place]


def _warn_of_pairs(output: Any, y: Tensor, cost: Tensor) -> None:
    """Warn where a loss combines outputs (rows, 1) with targets (rows,): that makes every pair of them."""
    rows = y.shape[:1]
    if rows == (1,) or y.shape != rows or output.shape != (*rows, 1):
        return
    for wire in topological([cost], stop=[output, y]):
        shapes = [x.shape for x in wire.operands]
        if wire.shape == rows * 2 and output.shape in shapes and rows in shapes:
            warn(
                f"the loss combines outputs of shape {output.shape} with targets of shape {y.shape}, which makes all "
                f"{rows[0]} × {rows[0]} pairs of them: take output[:, 0], or y[:, None]"
            )
            return


def training_graph(
    net: nn.Layer,
    loss: Any,
    optimizer: Optimizer,
    trainable: Parameters,
    frozen: Parameters,
    states: States,
    x: Spec | SparseSpec,
    y: Spec,
    weighted: bool,
    shards: int = 1,
    penalty: L2 | None = None,
) -> Graph:
    """One step of training as one graph: forward, backward and update.

    Parameters
    ----------
    net, loss, optimizer
        As the trainer has them.
    trainable, frozen : sequences of (name, Parameter)
        What the step updates, and what it only reads.
    states : sequence of sequences of arrays
        The optimiser's state of each trainable parameter.
    x, y : Spec
        Shape and dtype of the batch.
    weighted : bool
        Whether rows have weights.
    shards : int
        In how many pieces the batch is cut, see `train.shards`.
    penalty : L2, optional
        What large weights cost.
    """  # fmt: skip
    names = [name for name, _ in trainable]
    parameters = [p for _, p in trainable]
    with marked(enabled=True):
        made = _Step(net, loss, trainable, frozen, x, y, weighted, shards, penalty)
        state_wires = [
            tuple(traced(s.shape, s.dtype, f"{name}.state{i}") for i, s in enumerate(state))
            for name, state in zip(names, states, strict=True)
        ]
        with group("update"):
            updated, new_states = optimizer.apply(names, parameters, made.gradients, state_wires, made.step)
    outputs = [made.cost, *updated, *[s for state in new_states for s in state]]
    return _graph(outputs, [*parameters, *[s for state in state_wires for s in state], *made.batch])


def gradient_graph(
    net: nn.Layer, loss: Any, trainable: Parameters, frozen: Parameters, x: Spec | SparseSpec, y: Spec,
    weighted: bool, shards: int = 1, penalty: L2 | None = None,
) -> Graph:  # fmt: skip
    """Forward and backward without an update, for optimisers that search along a line.

    Inputs are those of a training step without the state, outputs the loss and the gradients.
    """
    with marked(enabled=True):
        made = _Step(net, loss, trainable, frozen, x, y, weighted, shards, penalty)
    return _graph([made.cost, *made.gradients], [*[p for _, p in trainable], *made.batch])


def _graph(outputs: Sequence[Any], inputs: Sequence[Tensor]) -> Graph:
    return Graph([w if isinstance(w, Tensor) else constant(w) for w in outputs], inputs)


def forward_graph(net: nn.Layer, parameters: Parameters, x: Spec | SparseSpec) -> Graph:
    """The network in use, not in training: inputs are all parameters and x, the output is the network's."""
    x_wire, inputs = wires_of(x, "x")
    with marked(enabled=True, key=None):
        output = network_output(net, x_wire)
    return Graph([output], [*[p for _, p in parameters], *inputs])


def network_output(net: nn.Layer, x: Any) -> Tensor:
    """What a network makes of a wire, which has to be one wire."""
    output = net(x)
    if not isinstance(output, Tensor):
        raise OperandError(f"the network returned {type(output).__name__}; a layer's forward returns one array")
    return output


def check_loss(cost: Any, loss: Any) -> None:
    """A loss is one number, computed from what it is handed."""
    name = _name(loss)
    if not isinstance(cost, Tensor):
        raise OperandError(
            f"loss {name} returned {type(cost).__name__}, which does not depend on the network; "
            "write it in NumPy functions of (output, y)"
        )
    if cost.shape != ():
        raise ShapeError(
            f"loss {name} returned {spec_text(cost)}; it has to be one number: take np.mean or np.sum of it"
        )


def _name(loss: Any) -> str:
    return getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__)
