"""Learner: a network with its loss, optimiser and engine: checked data in, graphs, predictions and scores out.

Networks are float32 unless told, and data are cast to the network's dtype; labels stay whole numbers.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from glassgrad import nn
from glassgrad.displays import Shown
from glassgrad.distributions import Bernoulli, Categorical, Distribution
from glassgrad.errors import GlassgradError, OperandError, ShapeError, UnsupportedError, reason
from glassgrad.graphs import Graph
from glassgrad.nn.roll import Roll
from glassgrad.op import Spec
from glassgrad.ops import random
from glassgrad.optim import LBFGS, Optimizer
from glassgrad.parameters import Parameter
from glassgrad.train import inputs
from glassgrad.train.engine import Memory
from glassgrad.train.engines import engine_named
from glassgrad.train.history import History
from glassgrad.train.penalty import L2
from glassgrad.train.rows import Features, Rows, chunks, features_arrays, features_spec, is_sparse, sized
from glassgrad.train.scores import loss_graph, score_graph, weighted_mean
from glassgrad.train.shards import check_mean
from glassgrad.train.step_graphs import forward_graph, gradient_graph, takes_weights, training_graph
from glassgrad.train.workshop import Workshop

Array = np.ndarray[Any, Any]
Loss = Distribution | Callable[..., Any]
_PROVED = 64  # rows on which a loss shows that it is a mean


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot(Shown):
    """Weights and optimiser state at one moment, to go back to."""

    weights: Mapping[str, Array]
    states: Mapping[str, tuple[Array, ...]]


class Learner(Shown):
    """What a `Trainer` is without its loop."""

    def __init__(
        self,
        net: nn.Layer,
        loss: Loss,
        optimizer: Optimizer | LBFGS,
        batch_size: int | None = 32,
        seed: int = 0,
        threads: int | None = None,
        engine: str = "native",
        metrics: Mapping[str, Callable[[Array, Array], float]] | None = None,
        shards: int = 1,
        penalty: L2 | None = None,
    ) -> None:
        if not isinstance(net, nn.Layer):
            raise OperandError(f"net is a network, an nn.Layer such as nn.Sequential(...), not {_kind(net)}")
        if isinstance(loss, type) or not (isinstance(loss, Distribution) or callable(loss)):
            hint = f"write {loss.__name__}()" if isinstance(loss, type) else "e.g. distributions.Categorical()"
            raise OperandError(f"loss is a distribution or a function (output, y), not {_kind(loss)}; {hint}")
        if not isinstance(optimizer, Optimizer | LBFGS):
            hint = f"; write {optimizer.__name__}(...)" if isinstance(optimizer, type) else ""
            raise OperandError(f"optimizer is one of gg.optim, such as optim.SGD(0.1), not {_kind(optimizer)}{hint}")
        self.net, self.loss, self.optimizer, self.penalty = net, loss, optimizer, penalty
        parts = [part for part in (optimizer, penalty) if isinstance(part, Optimizer | L2)]
        self._held = [(name, p) for part in parts for name, p in part.held()]
        self.batch_size = (
            None if batch_size is None else inputs.positive(batch_size, "batch_size", "; None for all rows")
        )
        self.threads = (
            None if threads is None else inputs.positive(threads, "threads", "; None for as many as are good")
        )
        self.shards, self._proved = inputs.positive(shards, "shards"), False
        self._flat_targets = False
        self.engine = engine_named(engine)
        self.engine.threads = self.threads
        self.metrics = dict(metrics or {})
        self.seed, self.key = seed, random.key(seed)
        self.step_count = self.epoch_count = 0
        self.step_seconds: float | None = None  # what a step took at last, to look at the progress now and then
        self._states: dict[str, tuple[Array, ...]] = {}
        self._graphs: dict[Any, Graph] = {}
        self._seen: tuple[Rows, int] | None = None
        self.history: History | None = None
        net.initialise(seed)
        self._roll = Roll(net)
        if not net.named_parameters():
            raise OperandError("the network has no parameters, so there is nothing to train")
        if isinstance(optimizer, Optimizer):
            optimizer.check_groups([name for name, _ in net.named_parameters()])

    def use(self, workshop: Workshop) -> None:
        """Work with graphs and programs that a learner of the same kind left.

        Of one kind are learners of the same architecture, loss, optimiser and penalty, with the same settings
        where these are not frozen parameters.
        """
        self._graphs, self.engine, self.step_seconds = workshop.graphs, workshop.engine, workshop.step_seconds
        self.engine.threads = self.threads

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_graphs": {}, "history": None}  # graphs are traced again when they are needed

    @property
    def seen(self) -> Rows | None:
        """The rows that were trained on last, or whose graph was asked for; None before."""
        return None if self._seen is None else self._seen[0]

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} of {self.net.count():,} parameters by {type(self.optimizer).__name__}, "
            f"{self.step_count:,} steps taken>"
        )

    @property
    def trainable(self) -> list[tuple[str, Parameter]]:
        """The parameters that are trained, with their names."""
        return [(name, p) for name, p in self._roll.current().named if not p.frozen]

    @property
    def frozen(self) -> list[tuple[str, Parameter]]:
        """The parameters that are only read, with their names: the network's, then settings that are parameters."""
        return [*[(name, p) for name, p in self._roll.current().named if p.frozen], *self._held]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the network's parameters, which data are cast to."""
        return self._roll.current().dtype

    def outputs(self, X: Features) -> Array:
        """What the network puts out for these rows, before the distribution makes predictions of it."""
        return self._outputs(inputs.features(X, self.dtype))

    def predict(self, X: Features) -> Array:
        """Predictions: the most probable label, or the mean; the network's output where the loss is a function.

        They have the form of the targets: one number a row where the trainer has seen one-dimensional ones.
        """
        output = self.outputs(X)
        found = np.asarray(self.loss.predict(output)) if isinstance(self.loss, Distribution) else output
        return found[:, 0] if self._flat_targets and found.ndim == 2 and found.shape[1] == 1 else found

    def predict_proba(self, X: Features) -> Array:
        """The probability of each class, a row for each row of `X`.

        Raises
        ------
        UnsupportedError
            When the loss does not classify.

        Examples
        --------
        >>> import numpy as np
        >>> from glassgrad import distributions, nn, optim, train
        >>> trainer = train.Trainer(nn.Sequential(nn.Linear(2, 3)), distributions.Categorical(), optim.SGD(0.1))
        >>> trainer.predict_proba(np.zeros((1, 2))).sum().round(3)
        np.float32(1.0)
        """
        if not isinstance(self.loss, Categorical | Bernoulli):
            raise UnsupportedError(
                "predict_proba needs a loss that classifies, distributions.Categorical or Bernoulli; "
                "predict(X) gives the mean of any distribution, outputs(X) what the network puts out"
            )
        return np.asarray(self.loss.mean(self.outputs(X)))

    def evaluate(self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None) -> dict[str, float]:
        """The loss on these rows, the accuracy where the loss classifies, and the trainer's metrics.

        `sample_weight` counts for the loss; the accuracy is the share of rows that are right.
        """
        return self._evaluate(self.rows(X, y, sample_weight))

    def snapshot(self) -> Snapshot:
        """The weights and optimiser state as they are now, to go back to with `restore`."""
        weights = {name: p.value for name, p in self.net.named_parameters()}
        return Snapshot(weights, dict(self._states))

    def restore(self, snapshot: Snapshot) -> None:
        """Put the weights and optimiser state of a snapshot back. Counts of steps and epochs go on."""
        for name, p in self.net.named_parameters():
            p.value = snapshot.weights[name]
        self._states = dict(snapshot.states)

    def rows(
        self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None, names: tuple[str, str] = ("X", "y")
    ) -> Rows:
        """Data as the network takes them, checked; `names` are what messages call them.

        Raises
        ------
        DataError, ShapeError, OperandError
            With the argument, the first bad place, and what to do.
        """
        x = inputs.features(X, self.dtype, names[0])
        outputs = self._width(x, names[0])
        target = inputs.targets(y, x.shape[0], self.dtype, names[1], names[0])
        if isinstance(self.loss, Distribution):
            target = self._checked(target, outputs, names[1])
        self._flat_targets = target.ndim == 1
        weight = None
        if sample_weight is not None:
            if not takes_weights(self.loss):
                raise UnsupportedError(
                    "the loss is a function (output, y); give it a third parameter to take sample_weight"
                )
            weight = inputs.weights(sample_weight, x.shape[0], self.dtype)
            if not weight.all():
                x, target, weight = x[weight > 0], target[weight > 0], weight[weight > 0]
        return Rows(x, target, weight)

    def memory(self, optimizer: Optimizer | None = None) -> Memory:
        """What training is going to change, as an engine takes it; with fresh state for another optimiser."""
        arrays = [p.value for _, p in self.trainable]
        return Memory(self.step_count if optimizer is None else 0, [*arrays, *_flat(self._state_arrays(optimizer))])

    def keep(self, memory: Memory) -> None:
        """Put what an engine made into the parameters and the optimiser's state."""
        arrays, trainable, states = iter(memory.arrays), self.trainable, self._state_arrays()
        for _, p in trainable:
            p.value = next(arrays)
        for (name, _), state in zip(trainable, states, strict=True):
            self._states[name] = tuple([np.array(next(arrays)) for _ in state])
        self.step_count = memory.step

    def step_graph(self, data: Rows, rows: int, optimizer: Optimizer | None = None) -> Graph:
        """The graph of a step on `rows` rows of such data, traced when first asked for."""
        names = tuple(name for name, _ in self.trainable)
        x, y = data.specs(rows)[0], Spec((rows, *data.y.shape[1:]), data.y.dtype)
        key = (x, y, data.weight is None, names)
        known = self._graphs.get(key) if optimizer is None else None
        if known is not None:
            return known
        if not names:
            raise OperandError("every parameter of the network is frozen, so there is nothing to train; net.unfreeze()")
        optimizer_ = optimizer or self.optimizer
        parts = (self.trainable, self.frozen)
        if min(self.shards, rows) > 1:
            self._prove_mean(data)
        if isinstance(optimizer_, Optimizer):
            states = self._state_arrays(optimizer)
            graph = training_graph(
                self.net, self.loss, optimizer_, *parts, states, x, y, data.weight is not None, self.shards,
                self.penalty,
            )  # fmt: skip
        else:
            weighted = data.weight is not None
            graph = gradient_graph(self.net, self.loss, *parts, x, y, weighted, self.shards, self.penalty)
        if optimizer is None:
            self._graphs[key] = graph
        return graph

    def _prove_mean(self, data: Rows) -> None:
        """Once, before a batch is cut: a loss that is a function has to be a mean over rows."""
        if self._proved or isinstance(self.loss, Distribution):
            return
        some = data.part(0, min(len(data), max(self.shards, _PROVED)))
        values = [p.value for _, p in self.net.named_parameters()]
        output = self._forward(some.X).run(*values, *features_arrays(some.X))[0]
        check_mean(self.loss, self.shards, output, some.y, some.weight)
        self._proved = True

    def _grapher(self, data: Rows) -> Callable[[int], Graph]:
        return functools.partial(self.step_graph, data)

    def _state_arrays(self, optimizer: Optimizer | LBFGS | None = None) -> list[tuple[Array, ...]]:
        """The optimiser's state of each trainable parameter; new where there is none yet."""
        states = self._states if optimizer is None else {}
        optimizer = optimizer or self.optimizer
        init = optimizer.init if isinstance(optimizer, Optimizer) else _nothing
        return [states[name] if name in states else tuple(init(p.value)) for name, p in self.trainable]

    def _outputs(self, x: Any) -> Array:
        """The network's outputs, in chunks of a few sizes: so memory stays bounded, and few programs are needed."""
        roll = self._roll.current()
        values = [p.value for p in roll.parameters]
        self._width(x, "X")
        rows = x.shape[0]
        if rows == 1:
            return self.engine.run(self._forward(x), [*values, *features_arrays(x)])[0]
        pieces = sized(x) if roll.by_rows else [(x[start:stop], stop - start) for start, stop in chunks(rows)]
        found = [
            self.engine.run(self._forward(part), [*values, *features_arrays(part)])[0][:count] for part, count in pieces
        ]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _forward(self, x: Any) -> Graph:
        """The graph of the network in use on such rows."""
        key = features_spec(x) if is_sparse(x) else x.shape
        graph = self._graphs.get(key)
        if graph is None:
            graph = self._graphs[key] = forward_graph(self.net, self._roll.current().named, features_spec(x))
        return graph

    def _width(self, x: Any, name: str) -> int:
        """How many outputs the network has for such rows; an error where it does not take them."""
        try:
            output = self._forward(x if x.shape[0] == 1 else x[:1]).outputs[0]
        except ShapeError as error:
            raise ShapeError(
                f"{name} has the shape {x.shape}, which the network does not take: {reason(error)}"
            ) from error
        except UnsupportedError as error:
            if not is_sparse(x):
                raise
            raise UnsupportedError(f"{name} is sparse, and the network needs dense rows: {reason(error)}") from error
        if len(output.shape) != 2:
            raise ShapeError(f"the network puts out {output.shape[1:]} a row; a trainer needs one axis of outputs")
        return output.shape[1]

    def _checked(self, y: Array, outputs: int, name: str) -> Array:
        """Targets that the distribution accepts; numbers to be predicted in the network's dtype."""
        distribution = cast(Distribution, self.loss)
        try:
            distribution.check_targets(y, outputs)
        except GlassgradError as error:
            raise type(error)(f"{name}: {reason(error)}") from error
        return y.astype(np.int64) if isinstance(distribution, Categorical) and y.ndim == 1 else y

    def _evaluate(self, rows: Rows) -> dict[str, float]:
        """Loss, accuracy and metrics of the network as it is."""
        if not isinstance(self.loss, Distribution):
            output = self._outputs(rows.X)
            found = {"loss": float(self.engine.run(self._loss_graph(output, rows), [output, *rows.columns[1:]])[0])}
        else:
            losses, outputs, *hits = zip(*self._scores(rows), strict=True)
            sizes = [len(part) for part in outputs]
            starts = np.cumsum([0, *sizes[:-1]])
            counts = sizes if rows.weight is None else np.add.reduceat(rows.weight.astype(np.float64), starts)
            found, output = {"loss": weighted_mean(losses, counts)}, np.concatenate(outputs)
            accuracy = weighted_mean(hits[0], sizes) if hits else self.loss.accuracy(output, rows.y)
            if accuracy is not None:
                found["accuracy"] = accuracy
        with np.errstate(all="ignore"):  # overflow gives inf, which the caller sees
            for name, metric in self.metrics.items():
                found[name] = float(metric(output, rows.y))
        return found

    def _scores(self, rows: Rows) -> list[list[Array]]:
        """Loss, outputs and perhaps accuracy of each chunk of rows."""
        values = [p.value for _, p in self.net.named_parameters()]
        self._width(rows.X, "X")
        return [
            self.engine.run(self._score_graph(part), [*values, *features_arrays(part.X), *part.columns[1:]])
            for part in (rows.part(start, stop) for start, stop in chunks(len(rows)))
        ]

    def _ready(self, rows: Rows) -> None:
        """Trace and compile what `_evaluate` runs."""
        outputs = self._width(rows.X, "X")
        whole = not isinstance(self.loss, Distribution)
        for start, stop in chunks(len(rows)):
            part = rows.part(start, stop)
            self.engine.ready(self._forward(part.X) if whole else self._score_graph(part))
        if whole:
            dtype = self._forward(rows.X[:1]).outputs[0].dtype
            self.engine.ready(self._loss_graph(Spec((len(rows), outputs), dtype), rows))

    def _score_graph(self, rows: Rows) -> Graph:
        """The graph of network, loss and accuracy on such rows."""
        x, y = features_spec(rows.X), Spec(rows.y.shape, rows.y.dtype)
        key = ("score", x, y, rows.weight is None)
        if key not in self._graphs:
            known, loss = self.net.named_parameters(), cast(Distribution, self.loss)
            self._graphs[key] = score_graph(self.net, loss, known, x, y, rows.weight is not None)
        return self._graphs[key]

    def _loss_graph(self, output: Array | Spec, rows: Rows) -> Graph:
        """The graph of a loss that is a function, on so many rows."""
        specs = Spec(output.shape, output.dtype), Spec(rows.y.shape, rows.y.dtype)
        key = ("loss", *[(spec.shape, spec.dtype) for spec in specs], rows.weight is None)
        if key not in self._graphs:
            self._graphs[key] = loss_graph(self.loss, *specs, rows.weight is not None)
        return self._graphs[key]


def _nothing(p: Any) -> tuple[Array, ...]:
    return ()


def _flat(states: Iterable[Sequence[Array]]) -> list[Array]:
    return [array for state in states for array in state]


def _kind(x: Any) -> str:
    return f"the class {x.__name__}" if isinstance(x, type) else f"a {type(x).__name__}"
