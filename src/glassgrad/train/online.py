"""Online: a linear model that learns row by row, or a few rows at a time, from dense or sparse rows.

One step is one graph, which the engines run in a loop: ``z = s·(x V) + b``, its loss, and the update
``s' = s (1 − r λ)``, ``V' = V − (r / s') xᵀ dL/dz``, ``b' = b − r Σ dL/dz``. The weights are W = s V, so that L2
shrinks one number instead of all weights (Shalev-Shwartz, Singer, Srebro, "Pegasos", ICML 2007; Bottou,
"Stochastic gradient descent tricks", 2012), and a step on sparse rows touches only the features that they store.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from glassgrad.displays import Shown
from glassgrad.distributions import Categorical, Distribution
from glassgrad.errors import DataError, GlassgradError, OperandError, ShapeError, UnsupportedError, reason
from glassgrad.graphs import Graph
from glassgrad.ops import random
from glassgrad.ops.sparse import csr_of
from glassgrad.train import inputs
from glassgrad.train.engine import Memory, Stretch
from glassgrad.train.engines import engine_named
from glassgrad.train.online_graph import LinearStep, online_graph
from glassgrad.train.rows import Rows
from glassgrad.train.step_graphs import takes_weights

Array = np.ndarray[Any, Any]
_SMALL = 1e-6  # where the scale is that small it is multiplied into V
_SMALL_AVERAGED = 1e-2  # and where V is summed up, which costs digits
_RARELY = 4  # a truncation touches all weights: as many as that many steps
_MOST_STEPS = 1 << 20  # between two times that the average is taken out


class Online(Shown):
    """A linear model trained by stochastic gradient steps.

    Parameters
    ----------
    features, outputs : int
        Numbers in and out, a row.
    loss : Distribution or callable
        A distribution, or a function ``(output, y)`` or ``(output, y, weight)`` that returns the mean over the rows
        of the batch. Outputs have the shape ``(rows, outputs)``. A distribution's loss is the mean over the rows of
        weight · nll, so a weight w makes a row's step w times as long.
    rate : float or callable
        Learning rate, or a schedule: a function of the step, counted from 0, in NumPy functions.
    l2 : float
        λ of the penalty ½ λ ‖W‖². The bias is not penalised.
    l1 : float
        λ of the penalty λ Σ |W|, by truncated gradients (Langford, Li, Zhang, JMLR 2009): weights move towards 0 and
        stay there. On dense rows after every step; on sparse rows after every K steps, and at the end of a pass, by
        what these steps add up to, K being 4 · features ÷ stored values a step: so a step costs what its rows store.
    average : bool
        Keep the mean of W and b over all steps, each as it is after its update.
    fit_intercept : bool
        Whether there is a bias.
    bias_rate : float
        The bias learns at `bias_rate` times the rate: c² makes it the weight of a feature that is c in every row.
    batch_size : int or None
        Rows in a step; None for all.
    dtype : dtype
        float32 or float64: of the weights, and what rows are cast to.
    seed : int
        Of the order of the rows.
    engine : {"native", "numpy"}
        What runs the steps, see `Trainer`.
    threads : int, optional
        Threads of the native engine; any number gives the same bits.
    noted : callable, optional
        A function like `loss` whose number is noted for each step instead of the loss.

    Attributes
    ----------
    step_count, epoch_count : int
        Steps and passes that were taken so far.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import distributions
    >>> from glassgrad.train.online import Online
    >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [1.0, 3.0]]), np.array([0, 1, 1, 0])
    >>> model = Online(2, 1, distributions.Bernoulli(), rate=0.5, dtype=np.float64)
    >>> losses = [model.epoch(X, y).mean() for _ in range(20)]
    >>> losses[-1] < losses[0], (model.scores(X)[:, 0] > 0).tolist()
    (np.True_, [False, True, True, False])
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        loss: Distribution | Callable[..., Any],
        rate: float | Callable[[Any], Any],
        *,
        l2: float = 0.0,
        l1: float = 0.0,
        average: bool = False,
        fit_intercept: bool = True,
        bias_rate: float = 1.0,
        batch_size: int | None = 1,
        dtype: DTypeLike = np.float32,
        seed: int = 0,
        engine: str = "native",
        threads: int | None = None,
        noted: Callable[..., Any] | None = None,
    ) -> None:
        self.features, self.outputs = inputs.positive(features, "features"), inputs.positive(outputs, "outputs")
        if isinstance(loss, type) or not (isinstance(loss, Distribution) or callable(loss)):
            raise OperandError(f"loss is a distribution or a function (output, y), not {loss!r}")
        for name, number in (("l2", l2), ("l1", l1), ("bias_rate", bias_rate)):
            if not 0 <= number < np.inf:
                raise DataError(f"{name} is a number from 0 up, and is {number}")
        if not callable(rate) and not 0 < rate < np.inf:
            raise DataError(f"rate is a positive number or a schedule, and is {rate}")
        self.loss, self.rate, self.noted = loss, rate, noted
        self.l2, self.l1, self.average, self.fit_intercept = float(l2), float(l1), bool(average), bool(fit_intercept)
        self.bias_rate = float(bias_rate)
        self.batch_size = None if batch_size is None else inputs.positive(batch_size, "batch_size")
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise OperandError(f"dtype is float32 or float64, not {self.dtype}")
        self.key = random.key(seed)
        self.engine = engine_named(engine)
        self.engine.threads = None if threads is None else inputs.positive(threads, "threads")
        self.step_count = self.epoch_count = 0
        self._W = np.zeros((self.features, self.outputs), self.dtype)
        self._b = np.zeros(self.outputs, self.dtype)
        self._sums: tuple[Array, Array] | None = None  # of W and b over the steps, in float64
        self._graphs: dict[Any, Graph] = {}
        self._seen: tuple[Rows, int] | None = None

    def __repr__(self) -> str:
        return f"<Online of {self.features:,} features, {self.outputs:,} outputs, {self.step_count:,} steps taken>"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_graphs": {}, "_seen": None}  # traced again when they are needed

    @property
    def W(self) -> Array:
        """The weights, shape ``(features, outputs)``; assign to start from others."""
        return self._W

    @W.setter
    def W(self, value: ArrayLike) -> None:
        self._W = self._given(value, (self.features, self.outputs), "W")

    @property
    def b(self) -> Array:
        """The bias, shape ``(outputs,)``; zeros where none is fitted."""
        return self._b

    @b.setter
    def b(self, value: ArrayLike) -> None:
        self._b = self._given(value, (self.outputs,), "b")

    def _given(self, value: ArrayLike, shape: tuple[int, ...], name: str) -> Array:
        array = np.array(value, self.dtype)
        if array.shape != shape:
            raise ShapeError(f"{name} has the shape {shape}, and {array.shape} is given")
        return array

    @property
    def averaged(self) -> tuple[Array, Array]:
        """The mean of W and of b over all steps so far, each as it was after the step's update.

        Before the first step, W and b as they are.

        Raises
        ------
        UnsupportedError
            Without ``average=True``.
        """
        if not self.average:
            raise UnsupportedError("the mean of the weights is kept where average=True is given")
        if self._sums is None:
            return self._W, self._b
        W, b = (np.asarray(total / self.step_count, self.dtype) for total in self._sums)
        return W, b

    def rows(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Rows:
        """Data as `epoch` takes them, checked once for any number of epochs; rows of weight zero are left out.

        Raises
        ------
        DataError, ShapeError, OperandError
            With the argument, the first bad place, and what to do.
        """
        x = inputs.features(X, self.dtype)
        if len(x.shape) != 2 or x.shape[1] != self.features:
            raise ShapeError(f"X has the shape {x.shape}, and the model takes rows of {self.features} features")
        target = inputs.targets(y, x.shape[0], self.dtype)
        if isinstance(self.loss, Distribution):
            try:
                self.loss.check_targets(target, self.outputs)
            except GlassgradError as error:
                raise type(error)(f"y: {reason(error)}") from error
            if isinstance(self.loss, Categorical) and target.ndim == 1:
                target = target.astype(np.int64, copy=False)
        weight = None
        if sample_weight is not None:
            if not takes_weights(self.loss):
                raise UnsupportedError("the loss is a function (output, y); give it a third parameter to take weights")
            weight = inputs.weights(sample_weight, x.shape[0], self.dtype)
            if not weight.all():
                x, target, weight = x[weight > 0], target[weight > 0], weight[weight > 0]
        return Rows(x, target, weight)

    def epoch(
        self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None, shuffle: bool = True
    ) -> Array:
        """One pass over the rows.

        Parameters
        ----------
        X : array_like, SciPy sparse matrix or Rows
            Rows of features; or what `rows` made of all three, so that data are checked once.
        y : array_like
            Targets, one row each.
        sample_weight : array_like, optional
            How much each row counts.
        shuffle : bool
            Whether the rows come in a new order, which hangs on the seed and the number of the pass.

        Returns
        -------
        ndarray
            What each step noted: its loss before the update, or `noted`.

        Raises
        ------
        DataError
            Where rate · l2 reaches 1, which would turn the weights around.
        """
        rows = X if isinstance(X, Rows) else self.rows(X, _needed(y), sample_weight)
        size = min(self.batch_size or len(rows), len(rows))
        steps = -(-len(rows) // size)
        self._seen = rows, size
        found = np.empty(steps)
        decay = self._decay(steps)
        done = 0
        while done < steps:
            count = self._stretch(rows, size, decay, done, steps - done)
            state = self._state(rows.sparse)
            memory = Memory(self.step_count, list(state.values()))
            order: Any = "shuffle" if shuffle else "order"
            stretch = Stretch(rows, (), size, order, self.key, self.epoch_count, done, count)
            before = self.step_count
            try:
                self.engine.steps(functools.partial(self._graph, rows), memory, stretch, found[done : done + count])
            finally:
                self.step_count = memory.step
                self._keep(dict(zip(state, memory.arrays, strict=True)), rows, before)
            done += count
        self.epoch_count += 1
        return found

    def scores(self, X: Any, averaged: bool = False) -> Array:
        """``X @ W + b`` for dense rows or a SciPy sparse matrix; with the averaged weights where asked."""
        W, b = self.averaged if averaged else (self._W, self._b)
        return np.asarray((csr_of(X, "X") if hasattr(X, "tocsr") else X) @ W) + b

    def graph(self) -> Graph:
        """The graph of the step that was run last: forward, backward and update.

        Raises
        ------
        DataError
            Before the first epoch, when the shapes of the data are not known.
        """
        if self._seen is None:
            raise DataError("the shapes of the data are not known yet: run an epoch first")
        return self._graph(*self._seen)

    # stretches: what runs without Python in between

    def _decay(self, steps: int) -> Array | None:
        """−log of what is left of the scale after 0, 1, … steps of a pass; None without L2."""
        if not self.l2:
            return None
        number = self.step_count + np.arange(steps)
        rate = self.rate(number) if callable(self.rate) else self.rate
        kept = np.broadcast_to(1 - np.asarray(rate, np.float64) * self.l2, (steps,))
        if not (kept > 0).all():
            place = int(np.argmin(kept > 0))
            raise DataError(
                f"rate · l2 is {1 - kept[place]:g} at step {self.step_count + place}: from 1 on a step turns the "
                "weights around; take a smaller rate or l2"
            )
        return np.concatenate([[0.0], -np.cumsum(np.log(kept))])

    def _stretch(self, rows: Rows, size: int, decay: Array | None, done: int, left: int) -> int:
        """Steps until the scale is small, the average is taken out, or weights of sparse rows are truncated."""
        count = min(left, _MOST_STEPS)
        if decay is not None:
            least = _SMALL_AVERAGED if self.average else _SMALL
            count = min(count, max(1, int(np.searchsorted(decay, decay[done] - np.log(least))) - done))
        return min(count, self._every(rows, size)) if self.l1 else count

    def _every(self, rows: Rows, size: int) -> int:
        """After how many steps weights are truncated outside the graph; for dense rows that is inside."""
        if not rows.sparse:
            return _MOST_STEPS
        return max(1, int(_RARELY * self.features * len(rows) / max(1, rows.X.nnz * size)))

    def _state(self, sparse: bool) -> dict[str, Array]:
        """What a step changes, by name, as a stretch begins."""
        one, V = np.ones((), np.float64), self._W if sparse else np.ascontiguousarray(self._W.T)
        state: dict[str, Array] = {"V": V}
        if self.fit_intercept:
            state["b"] = self._b
        if self.l2:
            state["s"] = one
        if self.average:
            state["passed"] = 0 * one
            state["U"] = np.zeros_like(V)
            if self.fit_intercept:
                state["b_sum"] = np.zeros(self.outputs, np.float64)
        return state

    def _keep(self, state: dict[str, Array], rows: Rows, before: int) -> None:
        """Take weights and sums out of what a stretch left, the scale multiplied in."""
        steps = self.step_count - before
        s = float(state["s"]) if self.l2 else 1.0
        V, U = (x if rows.sparse else np.ascontiguousarray(x.T) for x in (state["V"], state.get("U", state["V"])))
        W = V
        if s != 1:
            W = np.asarray(V * s, self.dtype)
        truncated: Any = W
        if self.l1 and rows.sparse and steps:
            rate = self.rate(before + np.arange(steps)) if callable(self.rate) else self.rate
            least = self.l1 * float(np.broadcast_to(np.asarray(rate, np.float64), (steps,)).sum())
            truncated = np.sign(W) * np.maximum(np.abs(W) - least, 0)
        if self.average and steps:
            passed = float(state["passed"])
            total: Any = passed * V.astype(np.float64) - U
            if truncated is not W:  # the last step counts as it is after that
                total += truncated - W
            b_total = state["b_sum"] if self.fit_intercept else steps * self._b.astype(np.float64)
            sums = self._sums or (np.zeros(W.shape, np.float64), np.zeros(self.outputs, np.float64))
            self._sums = sums[0] + total, sums[1] + b_total
        self._W, self._b = truncated, state.get("b", self._b)

    def _model(self) -> LinearStep:
        return LinearStep(self.loss, self.noted, self.rate, self.l2, self.l1, self.bias_rate, self.dtype)

    def _graph(self, rows: Rows, size: int) -> Graph:
        """The graph of a step on `size` such rows, traced when first asked for."""
        specs = rows.specs(size)
        key = tuple(specs)
        if key not in self._graphs:
            self._graphs[key] = online_graph(self._model(), self._state(rows.sparse), specs)
        return self._graphs[key]


def _needed(y: Any) -> Any:
    if y is None:
        raise OperandError("epoch(X, y) needs the targets y, unless X is what `rows` made")
    return y
