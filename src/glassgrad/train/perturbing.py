"""PerturbationTrainer: the trainer's loop around a step that never goes backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad import nn
from glassgrad.distributions import Distribution
from glassgrad.errors import OperandError, UnsupportedError
from glassgrad.graphs import Graph
from glassgrad.ops import random
from glassgrad.optim import SGD, Optimizer
from glassgrad.train.history import History
from glassgrad.train.inputs import positive
from glassgrad.train.perturbation import Perturbation, perturbation_graph, traced_pass
from glassgrad.train.rows import Features, Rows
from glassgrad.train.trainer import Trainer

Array = np.ndarray[Any, Any]


class PerturbationTrainer(Trainer):
    """Fits a network without backpropagation: something changes at random, and what helps is kept or followed.

    Everything else is as in `Trainer`, whose loop runs the method's step: machine code, callbacks, held-out rows,
    and the same seed gives the same bits.

    Parameters
    ----------
    net, loss, batch_size, seed, threads, engine, metrics
        As for `Trainer`; a step takes all rows unless told.
    method : Perturbation
        `HillClimbing` and `SingleWeight` keep what helps; `ParallelWeights` and `Activations` estimate the gradient.
    optimizer : Optimizer, optional
        What follows the estimate, `optim.SGD(0.01)` by default. Methods that keep what helps need none.

    Raises
    ------
    OperandError
        When `method` is none, or is given an optimiser that it does not use.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.xor()
    >>> net = gg.nn.Sequential(gg.nn.Linear(2, 8), gg.nn.Tanh(), gg.nn.Linear(8, 1))
    >>> trainer = gg.train.PerturbationTrainer(net, gg.distributions.Bernoulli(), gg.train.HillClimbing(0.1))
    >>> history = trainer.steps(X, y, 2000)
    >>> trainer.predict(X).ravel().tolist()
    [0, 1, 1, 0]
    """

    def __init__(
        self,
        net: nn.Layer,
        loss: Distribution | Callable[..., Any],
        method: Perturbation,
        optimizer: Optimizer | None = None,
        batch_size: int | None = None,
        seed: int = 0,
        threads: int | None = None,
        engine: str = "native",
        metrics: Mapping[str, Callable[[Array, Array], float]] | None = None,
    ) -> None:
        if not isinstance(method, Perturbation):
            hint = f"; write {method.__name__}()" if isinstance(method, type) else ""
            raise OperandError(f"method is e.g. train.HillClimbing() or train.Activations(), not {method!r}{hint}")
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise OperandError(
                f"an estimated gradient is followed by one of gg.optim, such as optim.SGD(0.1), not {optimizer!r}; a "
                "search along lines, as in L-BFGS, needs more than an estimate"
            )
        if optimizer is not None and not method.estimates:
            raise OperandError(f"{type(method).__name__} keeps what helps and follows no gradient: leave optimizer out")
        self.method, self.follower = method, optimizer or SGD(0.01)
        super().__init__(net, loss, self.follower, batch_size, seed, threads, engine, metrics)

    def fit(self, *args: Any, monitor: bool = False, **settings: Any) -> History:
        """Train for some passes over the data, as `Trainer.fit`; updates are judged only with ``monitor=True``.

        A step that keeps nothing is no sign of a wrong rate here.
        """
        return super().fit(*args, monitor=monitor, **settings)

    def estimates(self, X: Features, y: ArrayLike, n: int, sample_weight: ArrayLike | None = None) -> dict[str, Array]:
        """Estimates of the gradient at the weights as they are, each from draws of its own.

        Parameters
        ----------
        X, y, sample_weight : array_like
            The rows, all of which every estimate takes.
        n : int
            How many.

        Returns
        -------
        dict of str to array
            For each trained parameter, an array of shape ``(n, *shape)``.

        Raises
        ------
        UnsupportedError
            When the method keeps what helps and estimates nothing.

        Examples
        --------
        >>> import glassgrad as gg
        >>> X, y = gg.data.xor()
        >>> net = gg.nn.Linear(2, 1, seed=0)
        >>> trainer = gg.train.PerturbationTrainer(net, gg.distributions.Bernoulli(), gg.train.ParallelWeights())
        >>> trainer.estimates(X, y, 5)["W"].shape
        (5, 2, 1)
        """
        if not self.method.estimates:
            raise UnsupportedError(f"{type(self.method).__name__} estimates no gradient: it keeps what helps")
        n, rows = positive(n, "n"), self.rows(X, y, sample_weight)
        graph = perturbation_graph(
            self.net, self.loss, self.method, self.follower, self.trainable, self.frozen, (), rows.specs(len(rows)),
            update=False,
        )  # fmt: skip
        given = [p.value for _, p in self.trainable], rows.take(None), [p.value for _, p in self.frozen]
        found = [
            self.engine.run(graph, [*given[0], *given[1], 0, random.fold_in(self.key, i), *given[2]])[1:]
            for i in range(n)
        ]
        return {
            name: np.stack(parts) for (name, _), parts in zip(self.trainable, zip(*found, strict=True), strict=True)
        }

    def perturbed(self, X: Features, y: ArrayLike) -> int:
        """How many numbers a perturbation changes at once: weights, or what layers put out for a row."""
        rows = self.rows(X, y)
        return self.method.perturbed(traced_pass(self.net, self.loss, self.trainable, self.frozen, rows.specs(1))[0])

    def step_graph(self, data: Rows, rows: int, optimizer: Optimizer | None = None) -> Graph:
        """The graph of a step on `rows` rows of such data, traced when first asked for."""
        names = tuple(name for name, _ in self.trainable)
        specs = data.specs(rows)
        key = ("perturbed", *specs, names)
        if optimizer is None and key in self._graphs:
            return self._graphs[key]
        if not names:
            raise OperandError("every parameter of the network is frozen, so there is nothing to train; net.unfreeze()")
        graph = perturbation_graph(
            self.net, self.loss, self.method, optimizer or self.follower, self.trainable, self.frozen,
            self._state_arrays(optimizer), specs,
        )  # fmt: skip
        if optimizer is None:
            self._graphs[key] = graph
        return graph
