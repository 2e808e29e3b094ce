"""Trainer: fits a network to data with an optimiser, on an engine.

Networks are float32 unless told, and data are cast to the network's dtype; labels stay whole numbers.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.errors import DataError, OperandError, UnsupportedError, unknown
from glassgrad.graphs import Graph
from glassgrad.optim import LBFGS, Optimizer
from glassgrad.train import inputs
from glassgrad.train.callbacks import Callback, Monitor, Patience, ProgressBar, as_callback
from glassgrad.train.engine import SAMPLINGS, Sampling, Stretch
from glassgrad.train.full_batch import NO_STEPS, FullBatchRun
from glassgrad.train.history import History
from glassgrad.train.learner import Learner
from glassgrad.train.loop import Plan, Run
from glassgrad.train.rows import Features, Rows


class Trainer(Learner):
    """Fits a network to data.

    Everything random hangs on `seed`: the network's first weights (where it has none yet), the order
    of the rows, dropout. The same seed gives the same bits. Calling `fit` again goes on where the
    last call ended: ten epochs twice are twenty.

    Network, loss and rate are traced once for each size of batch, with shapes and without values, and the graph
    is what runs: choices that depend on values are made by `np.where`, and what Python computes beside the graph,
    such as draws of `np.random`, stays the same in every step.

    Parameters
    ----------
    net : nn.Layer
        The network. Its unfrozen parameters are trained.
    loss : Distribution or callable
        A distribution, whose negative log-likelihood is the loss, or a function ``(output, y)`` that
        returns one number; with a third parameter it can take weights.
    optimizer : Optimizer
        How gradients change the parameters.
    batch_size : int or None
        Rows in a step: None for all (batch gradient), 1 for the stochastic gradient. The last batch of an
        epoch may be short. L-BFGS always takes all rows.
    seed : int
        From 0 to 2⁶⁴ − 1.
    threads : int, optional
        Threads of the native engine, one unless told; they share each large step, and any number gives
        the same bits. The NumPy engine runs on NumPy's own threads, whatever is said here.
    engine : {"native", "numpy"}
        What runs the steps: machine code, a stretch of steps in one call, or NumPy, gate by gate, which needs
        no compiler. Both run the same graph on the same rows, and differ by rounding only.
    metrics : mapping of str to callable, optional
        Functions ``(output, y)`` on arrays that return a number, computed by `evaluate` and for held-out rows.
    shards : int
        In how many pieces each batch is cut, whose gradients are summed over a fixed tree. With the same
        shards any number of workers gives the same bits. Other shards add in another order and draw dropout anew.
    penalty : L2, optional
        What large weights cost in training, counted once a batch whatever its shards; `evaluate` leaves it out.

    Attributes
    ----------
    step_count, epoch_count : int
        Steps and epochs that were taken so far.
    history : History or None
        What the last call of `fit` or `steps` returned.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.xor()
    >>> net = gg.nn.Sequential(gg.nn.Linear(2, 8), gg.nn.Tanh(), gg.nn.Linear(8, 1))
    >>> trainer = gg.train.Trainer(net, gg.distributions.Bernoulli(), gg.optim.Adam(0.05), batch_size=None)
    >>> history = trainer.fit(X, y, epochs=200)
    >>> trainer.predict(X).ravel().tolist()
    [0, 1, 1, 0]
    """

    def fit(
        self,
        X: Features,
        y: ArrayLike,
        epochs: int,
        validation: tuple[Features, ArrayLike] | None = None,
        patience: int | None = None,
        sample_weight: ArrayLike | None = None,
        callbacks: Iterable[Callback | Callable[[Trainer, History], Any]] = (),
        progress: Any = False,
        sampling: Sampling = "shuffle",
        monitor: bool = True,
        keep_every: int | None = None,
    ) -> History:
        """Train for some passes over the data.

        Parameters
        ----------
        X, y : array_like
            Examples and targets, one row each. Data frames are taken as arrays. X may be a SciPy sparse matrix where
            the first layer is Linear: a step then works on what its rows store.
        epochs : int
            Passes over the data. For L-BFGS, iterations, and at most its `max_iterations`.
        validation : (X, y), optional
            Held-out rows, evaluated after each epoch.
        patience : int, optional
            End training when the held-out loss has not fallen for so many epochs, and put the best
            weights back.
        sample_weight : array_like, optional
            How much each row counts; rows of weight zero are left out.
        callbacks : iterable
            `Callback` objects, or functions ``(trainer, history)`` called after each epoch; True ends training.
        progress : bool or rich.console.Console
            Show a progress bar, on the error stream or on this console.
        sampling : "shuffle", "order" or "replacement"
            Each epoch a new order of the rows, or always that in which they lie, or each step rows drawn anew.
        monitor : bool
            Compare an update of each epoch with the weights (`History.update_ratio`), and warn where it is far too
            large or too small for them (see `Monitor`). Without, and where nobody looks, epochs run on undisturbed.
        keep_every : int, optional
            Keep weights and optimiser state after each so many steps, from which `History.graph_at` and
            `History.weights_at` replay the others. By default a few are kept where steps pause anyway: at most 32,
            spread evenly, of at most 64 MB.

        Returns
        -------
        History

        Raises
        ------
        DataError, ShapeError
            When the data cannot be learned from. Nothing has changed then.
        """
        epochs = inputs.positive(epochs, "epochs")
        rows = self.rows(X, y, sample_weight)
        evaluate: Any = None
        held: Any = None
        if validation is not None:
            if not isinstance(validation, tuple | list) or len(validation) != 2:
                raise OperandError("validation is a pair (X, y) of held-out rows, such as data.split returns")
            held = self.rows(*validation, names=("validation X", "validation y"))
            evaluate = functools.partial(self._evaluate, held)
        if callable(callbacks) or isinstance(callbacks, Callback):
            raise OperandError("callbacks is a list: write callbacks=[…] around it")
        hooks = [as_callback(c) for c in callbacks]
        if patience is not None:
            if validation is None:
                raise DataError("patience watches the held-out loss: pass validation=(X_held_out, y_held_out) with it")
            hooks.insert(0, Patience(patience))
        if not isinstance(monitor, bool | np.bool_):
            raise OperandError(f"monitor is True or False, not {monitor!r}; a train.Monitor goes among the callbacks")
        if monitor and isinstance(self.optimizer, Optimizer):
            hooks.insert(0, Monitor())
        plan = self._plan(rows, sampling, epochs, evaluate=evaluate, keep_every=keep_every)
        if evaluate is not None:
            plan = dataclasses.replace(plan, ready=functools.partial(self._ready, held))
        if not any(isinstance(hook, Monitor) for hook in hooks):
            plan = dataclasses.replace(plan, measured=bool(monitor))
        return self._run(plan, hooks, progress)

    def steps(
        self,
        X: Features,
        y: ArrayLike,
        n: int,
        sampling: Sampling | None = None,
        sample_weight: ArrayLike | None = None,
        progress: Any = False,
        keep_every: int | None = None,
    ) -> History:
        """Train for a number of steps, with nothing in between.

        Parameters
        ----------
        X, y, sample_weight, progress, keep_every
            As in `fit`.
        n : int
            Number of steps. For L-BFGS, iterations, and at most its `max_iterations`.
        sampling : "replacement" or "shuffle" or "order", optional
            Rows drawn anew for each step, the default, or one pass after another, shuffled or not; a new call
            starts a new pass.

        Returns
        -------
        History
            With the loss of each step, and no epochs.
        """
        n = inputs.positive(n, "n")
        rows = self.rows(X, y, sample_weight)
        if sampling is None:
            sampling = "replacement" if isinstance(self.optimizer, Optimizer) else "shuffle"
        return self._run(self._plan(rows, sampling, n, epochs=False, keep_every=keep_every), [], progress)

    def step(self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Train one step on exactly these rows; the loss before the update."""
        if isinstance(self.optimizer, LBFGS):
            raise UnsupportedError("L-BFGS has no single step: use fit() or steps(), whose iterations take all rows")
        rows = self.rows(X, y, sample_weight)
        memory, losses = self.memory(), np.empty(1)
        frozen = [p.value for _, p in self.frozen]
        stretch = Stretch(rows, frozen, len(rows), "shuffle", self.key, self.epoch_count, 0, 1)
        self.engine.steps(self._grapher(rows), memory, stretch, losses)
        self.keep(memory)
        return float(losses[0])

    def graph(self, rows: int | None = None, X: Features | None = None, y: ArrayLike | None = None) -> Graph:
        """The one graph of a training step: forward, backward and update.

        Parameters
        ----------
        rows : int, optional
            Rows in the batch; by default the trainer's batch size.
        X, y : array_like, optional
            Data of the shape that is to be trained on. Needed before the first training.

        Examples
        --------
        >>> import glassgrad as gg
        >>> X, y = gg.data.xor()
        >>> trainer = gg.train.Trainer(gg.nn.Linear(2, 1), gg.distributions.Bernoulli(), gg.optim.SGD(0.1))
        >>> graph = trainer.graph(4, X, y).verify()
        >>> [wire.name for wire in graph.inputs]
        ['W', 'b', 'x', 'y', 'step', 'key']
        """
        if X is not None and y is not None:
            self._seen = (seen := self.rows(X, y), min(self.batch_size or len(seen), len(seen)))
        elif X is not None or y is not None:
            raise OperandError("graph() needs X and y together, or neither")
        if self._seen is None:
            raise DataError("the shapes of the data are not known yet: call graph(X=X, y=y), or train first")
        data, size = self._seen
        return self._grapher(data)(size if rows is None else inputs.positive(rows, "rows"))

    def _plan(
        self, rows: Rows, sampling: Sampling, n: int, epochs: bool = True, evaluate: Any = None,
        keep_every: int | None = None,
    ) -> Plan:  # fmt: skip
        """What `n` epochs, or `n` steps, are."""
        if keep_every is not None:
            keep_every = inputs.positive(keep_every, "keep_every", "; None keeps a few")
        if sampling not in SAMPLINGS:
            raise unknown("sampling", sampling, SAMPLINGS)
        size = min(self.batch_size or len(rows), len(rows))
        if isinstance(self.optimizer, LBFGS):
            size = len(rows)
            if sampling == "replacement":
                raise UnsupportedError("L-BFGS takes all rows in each iteration: leave sampling at 'shuffle'")
            if keep_every is not None:
                raise UnsupportedError(f"keep_every: {NO_STEPS}")
        rows = rows.drawing(sampling == "replacement")
        self._seen = (rows, size)
        total = -(-len(rows) // size) * n if epochs else n
        return Plan(rows, size, sampling, total, epochs, evaluate, keep_every=keep_every)

    def _run(self, plan: Plan, hooks: list[Callback], progress: Any) -> History:
        """Train as planned."""
        if progress is not False and progress is not None:
            if progress is not True and not hasattr(progress, "print"):
                raise OperandError(f"progress is True, False or a rich console, not {progress!r}")
            hooks.append(ProgressBar(None if progress is True else progress))
        kind = Run if isinstance(self.optimizer, Optimizer) else FullBatchRun
        self.history = kind(self, self.engine, self._grapher(plan.rows), plan, hooks).go()
        return self.history
