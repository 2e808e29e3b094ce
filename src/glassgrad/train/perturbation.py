"""Learning without backpropagation: change something at random, and see whether the loss falls.

Each method is a step graph like that of backpropagation, with the same inputs and outputs, so the same loop runs it:
a clean pass forward, one or more passes in which something is perturbed, and what follows from the two losses. None
of them goes backward through the network.

The ideas are those of the lecture (S19, and S11's hill climbing). Perturbing all weights in parallel is known as
simultaneous perturbation (Spall 1992) or weight perturbation, perturbing activations as node perturbation (Werfel,
Xie and Seung 2005, "Learning curves for stochastic gradient descent in linear feedforward networks").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from glassgrad import nn
from glassgrad.displays import Shown
from glassgrad.distributions import Distribution
from glassgrad.errors import DataError, OperandError
from glassgrad.graphs import Graph
from glassgrad.op import Spec
from glassgrad.ops import random
from glassgrad.ops.sparse import SparseSpec
from glassgrad.optim import Optimizer
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, constant, traced
from glassgrad.train.inputs import positive
from glassgrad.train.step_graphs import Parameters, States, batch_loss, batch_wires, check_loss
from glassgrad.wire import Group, group, marked, threads, topological

_OWN = 1 << 40
"""Folded into a step's key for the perturbations; layers that draw fold in 0, 1, 2, …"""


class Pass:
    """The clean forward pass of a batch, traced, and the same again with something changed.

    Attributes
    ----------
    parameters : list of Parameter
        What is learned.
    cost : Tensor
        The loss.
    rows, share : Tensor or None
        The loss of each row, where a distribution gives it, and how much each row counts in `cost`.
    key : Tensor
        What perturbations are drawn from.
    """

    def __init__(
        self,
        net: nn.Layer,
        loss: Any,
        trainable: Parameters,
        columns: Sequence[Any],
        inputs: Sequence[Tensor],
        key: Any,
    ) -> None:
        self.net, self.parameters = net, [p for _, p in trainable]
        self.key = random.fold_in(key, _OWN)
        self.rows: Any = None
        self.share: Any = None
        x, y, *weight = columns
        with nn.training(key):
            output = net(x)
            with group("loss"):
                if isinstance(loss, Distribution) and type(loss).loss is Distribution.loss:
                    self.rows = loss.nll(output, y)
                    self.cost = loss.averaged(self.rows, *weight)
                    self.share = weight[0] / np.sum(weight[0]) if weight else 1 / self.rows.shape[0]
                else:
                    self.cost = batch_loss(loss, output, y, *weight)
        check_loss(self.cost, loss)
        self.cost.name = self.cost.name or "loss"
        self.wires = topological([self.cost], stop=inputs)

    def with_weights(self, weights: Sequence[Any]) -> Any:
        """The loss with other weights."""
        return self._again({p.serial: w for p, w in zip(self.parameters, weights, strict=True)}, {})[self.cost.serial]

    def with_noise(self, noise: Mapping[int, Any]) -> dict[int, Any]:
        """What every wire becomes when something is added on some; all by their serial numbers."""
        return self._again({}, noise)

    def _again(self, instead: Mapping[int, Any], noise: Mapping[int, Any]) -> dict[int, Any]:
        """Every gate once more that something changed reaches: other wires in place of some, noise on others."""
        new: dict[int, Any] = dict(instead)
        copies: dict[Group | None, Group | None] = {None: threads.recording.group}
        for wire in self.wires:
            if wire.serial in new:
                continue
            op: Any = wire.op
            operands = [new[x.serial] for x in wire.operands]
            if wire.serial not in noise and all(a is b for a, b in zip(operands, wire.operands, strict=True)):
                new[wire.serial] = wire
                continue
            with marked(group=_copied(wire.group, copies)):
                made = op(*operands, **wire.params)
                made = made if wire.parts is None else made[0].operands[0]
                new[wire.serial] = made + noise[wire.serial] if wire.serial in noise else made
        return new

    def activities(self) -> list[tuple[Any, list[Any]]]:
        """The wires whose perturbation teaches, each with the parameters that act on it directly.

        For a parameter inside a layer that is what the layer puts out, else the result of the gate that takes it.
        """
        names = {layer.group_name for layer in (self.net, *[part for _, part in self.net.named_layers()])}
        last: dict[Group, Any] = {}
        for wire in self.wires:
            if wire.op is not None:
                last |= dict.fromkeys(wire.group.path if wire.group is not None else (), wire)
        found: dict[int, tuple[Any, list[Any]]] = {}
        known = {p.serial: p for p in self.parameters}
        for wire in self.wires:
            for p in {x.serial: known[x.serial] for x in wire.operands if x.serial in known}.values():
                path = wire.group.path if wire.group is not None else ()
                layer = next((g for g in reversed(path) if g.name in names), None)
                place = wire if layer is None else last[layer]
                taught = found.setdefault(place.serial, (place, []))[1]
                if not any(p is q for q in taught):
                    taught.append(p)
        return [found[serial] for serial in sorted(found)]


def _copied(of: Group | None, copies: dict[Group | None, Group | None]) -> Group | None:
    """A group of the clean pass as one of the pass that is traced."""
    if of not in copies:
        assert of is not None
        copies[of] = Group(of.name, _copied(of.parent, copies))
    return copies[of]


@dataclass(frozen=True)
class Perturbation(Shown):
    """How to learn without going backward. The base of the four methods.

    Parameters
    ----------
    size : float
        How large a perturbation is: the standard deviation of what is added to a number.
    """

    size: float
    title: ClassVar[str] = ""
    estimates: ClassVar[bool] = False
    """Whether it estimates a gradient, which an optimiser then follows; else it keeps what helps."""

    def __post_init__(self) -> None:
        if isinstance(self.size, bool) or not isinstance(self.size, int | float | np.number):
            raise OperandError(f"{type(self).__name__}: size is a number above 0, not {self.size!r}")
        if not 0 < self.size < math.inf:
            raise DataError(f"{type(self).__name__}: size is a number above 0, and is {self.size}")

    @property
    def passes(self) -> int:
        """Forward passes in a step."""
        return 2

    def perturbed(self, forward: Pass) -> int:
        """How many numbers change at once."""
        return sum(math.prod(p.shape) for p in forward.parameters)

    def kept(self, forward: Pass) -> list[Any]:
        """The weights after a step of a method that keeps what helps: some others, where their loss is lower."""
        proposals = self.neighbour(forward.parameters, forward.key)
        with group("perturbed pass"):
            cost = forward.with_weights(proposals)
        with group("keep what helps"):
            better = np.less(cost, forward.cost)
            return [np.where(better, new, p) for new, p in zip(proposals, forward.parameters, strict=True)]

    def neighbour(self, parameters: Sequence[Any], key: Any) -> list[Any]:
        """Weights near these."""
        raise NotImplementedError(f"{type(self).__name__} has no neighbour(self, parameters, key): define it")

    def gradients(self, forward: Pass) -> list[Any]:
        """An estimate of the gradient by each parameter."""
        raise NotImplementedError(f"{type(self).__name__} has no gradients(self, forward): define it")


@dataclass(frozen=True)
class HillClimbing(Perturbation):
    """All weights change at random; they stay so if the loss of the batch is lower.

    Examples
    --------
    >>> from glassgrad import train
    >>> train.HillClimbing(size=0.1).passes
    2
    """

    size: float = 0.03
    title: ClassVar[str] = "hill climbing"

    def neighbour(self, parameters: Sequence[Any], key: Any) -> list[Any]:
        """Normal noise on every weight."""
        return [p + self.size * _normal(random.fold_in(key, i), p.shape, p.dtype) for i, p in enumerate(parameters)]


@dataclass(frozen=True)
class SingleWeight(Perturbation):
    """One weight, drawn at random, changes at random; it stays so if the loss of the batch is lower.

    Examples
    --------
    >>> from glassgrad import train
    >>> train.SingleWeight(size=0.5).passes
    2
    """

    size: float = 0.3
    title: ClassVar[str] = "one weight at a time"

    def perturbed(self, forward: Pass) -> int:
        """One."""
        return 1

    def neighbour(self, parameters: Sequence[Any], key: Any) -> list[Any]:
        """Normal noise on one weight of all."""
        counts = [math.prod(p.shape) for p in parameters]
        chosen = random.integers(random.fold_in(key, 0), sum(counts), ())
        change = self.size * _normal(random.fold_in(key, 1), (), np.float64)
        found, start = [], 0
        for p, count in zip(parameters, counts, strict=True):
            places = np.arange(start, start + count).reshape(p.shape)
            found.append(p + np.where(np.equal(places, chosen), change.astype(p.dtype), p.dtype.type(0)))
            start += count
        return found


@dataclass(frozen=True)
class ParallelWeights(Perturbation):
    """All weights change by ± size at once; each weight's change, correlated with that of the loss, is its gradient.

    With signs ξ of all n weights, the estimate is ξ (L(w + size ξ) − L(w)) / size. Its mean is the gradient (to order
    size²), but every weight's share is buried in the noise of the n − 1 others: the variances add up to (n − 1) |g|².

    Parameters
    ----------
    size : float
    directions : int
        Perturbed passes in a step, whose estimates are averaged.

    Examples
    --------
    >>> from glassgrad import train
    >>> train.ParallelWeights(directions=4).passes
    5
    """

    size: float = 1e-3
    directions: int = 1
    title: ClassVar[str] = "all weights in parallel"
    estimates: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self.directions, "directions")

    @property
    def passes(self) -> int:
        """The clean pass, and one for each direction."""
        return 1 + self.directions

    def gradients(self, forward: Pass) -> list[Any]:
        """Signs, correlated with the change of the loss."""
        return _mean([self._one(forward, random.fold_in(forward.key, i)) for i in range(self.directions)])

    def _one(self, forward: Pass, key: Any) -> list[Any]:
        parameters = forward.parameters
        with group("perturbed pass"):
            signs = [_signs(random.fold_in(key, i), p.shape, p.dtype) for i, p in enumerate(parameters)]
            cost = forward.with_weights([p + self.size * s for p, s in zip(parameters, signs, strict=True)])
        with group("correlate"):
            slope = (cost - forward.cost) / self.size
            return [slope.astype(p.dtype) * s for p, s in zip(parameters, signs, strict=True)]


@dataclass(frozen=True)
class Activations(ParallelWeights):
    """Only what layers put out is perturbed, for each row anew; weights follow by their layer's own rule, δ x.

    Of a layer with m units, the signs ξ of a row give δ = ξ (ℓ′ − ℓ) / size, with that row's own losses ℓ where the
    loss is a distribution, and the batch's where it is a function. A layer's weights then get the gradient that δ at
    the layer's output makes inside this one layer. The noise is that of the perturbed units, not of all weights.

    Parameters
    ----------
    size : float
    directions : int
        Perturbed passes in a step, whose estimates are averaged.

    Examples
    --------
    >>> from glassgrad import train
    >>> train.Activations().passes
    2
    """

    title: ClassVar[str] = "activations only"

    def perturbed(self, forward: Pass) -> int:
        """What layers with weights put out, a row."""
        return sum(math.prod(wire.shape[1:]) for wire, _ in forward.activities())

    def _one(self, forward: Pass, key: Any) -> list[Any]:
        places = forward.activities()
        with group("perturbed pass"):
            signs = [_signs(random.fold_in(key, i), wire.shape, wire.dtype) for i, (wire, _) in enumerate(places)]
            new = forward.with_noise({wire.serial: self.size * s for (wire, _), s in zip(places, signs, strict=True)})
        walls = [wire for wire, _ in places]
        found: dict[int, Any] = {}
        for (wire, taught), sign in zip(places, signs, strict=True):
            with group("correlate"):
                if forward.rows is not None and wire.shape[:1] == forward.rows.shape:
                    change = (new[forward.rows.serial] - forward.rows) * forward.share
                    change = change.reshape(wire.shape[:1] + (1,) * (len(wire.shape) - 1))
                else:
                    change = new[forward.cost.serial] - forward.cost
                delta = (change / self.size).astype(wire.dtype) * sign
            ends = [w for w in walls if w is not wire]
            for p, g in zip(taught, _local(wire, delta, taught, ends), strict=True):
                found[p.serial] = g if p.serial not in found else found[p.serial] + g
        return [found[p.serial] if p.serial in found else np.zeros(p.shape, p.dtype) for p in forward.parameters]


def _local(wire: Any, delta: Any, taught: Sequence[Any], ends: Sequence[Any]) -> list[Any]:
    """What a gradient on a layer's output makes of the layer's own parameters; it goes no further than the layer."""
    swept = sweep({wire: delta}, [*taught, *ends], record=True)
    return [swept.get(p.serial, np.zeros(p.shape, p.dtype)) for p in taught]


def _mean(estimates: Sequence[Sequence[Any]]) -> list[Any]:
    """The mean of several estimates, parameter by parameter."""
    if len(estimates) == 1:
        return list(estimates[0])
    return [sum(parts[1:], parts[0]) * (1 / len(estimates)) for parts in zip(*estimates, strict=True)]


def _normal(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Normal draws; a dtype that the generator does not have is cast to."""
    kind = dtype if dtype in (np.float32, np.float64) else np.float32
    drawn = random.normal(key, shape, kind)
    return drawn if kind == dtype else drawn.astype(dtype)


def _signs(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """+1 or −1, each as likely."""
    one = np.dtype(dtype).type(1)
    return np.where(random.bernoulli(key, 0.5, shape), one, -one)


def perturbation_graph(
    net: nn.Layer, loss: Any, method: Perturbation, optimizer: Optimizer, trainable: Parameters, frozen: Parameters,
    states: States, batch: Sequence[Spec | SparseSpec], update: bool = True,
) -> Graph:  # fmt: skip
    """One step of a method as one graph: clean pass, perturbed passes, and what follows.

    Inputs and outputs are those of a training step by backpropagation, see `training_graph`. Without `update` the
    outputs are the loss and the estimated gradients, and there is no state.
    """
    names = [name for name, _ in trainable]
    with marked(enabled=True):
        forward, given, step = traced_pass(net, loss, trainable, frozen, batch)
        wires: list[tuple[Any, ...]] = []
        after: list[Any] = []
        made = method.gradients(forward) if method.estimates else method.kept(forward)
        if method.estimates and update:
            wires = [
                tuple(traced(s.shape, s.dtype, f"{name}.state{i}") for i, s in enumerate(state))
                for name, state in zip(names, states, strict=True)
            ]
            with group("update"):
                made, new_states = optimizer.apply(names, forward.parameters, made, wires, step)
            after = [s for state in new_states for s in state]
    outputs = [w if isinstance(w, Tensor) else constant(w) for w in (forward.cost, *made, *after)]
    return Graph(outputs, [*forward.parameters, *[w for state in wires for w in state], *given])


def traced_pass(
    net: nn.Layer, loss: Any, trainable: Parameters, frozen: Parameters, batch: Sequence[Spec | SparseSpec]
) -> tuple[Pass, list[Any], Tensor]:
    """The clean pass of such a batch, what a step is handed beside what it changes, and the step's number."""
    with marked(enabled=True):
        columns, inputs = batch_wires(batch)
        step, key = traced((), np.dtype(np.int64), "step"), traced((2,), np.dtype(np.uint32), "key")
        given = [*inputs, step, key, *[p for _, p in frozen]]
        return Pass(net, loss, trainable, columns, given, key), given, step
