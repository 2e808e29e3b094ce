"""The cost of a linear model over all rows, read block by block, as the solvers that take all rows minimise it.

Value and gradient of a block are one graph, products with the Hessian another; the engine runs them for block after
block, so that a block's rows are read from memory once and used from the cache, on several threads. What the blocks
give is added in float64 in their order: the bits are the same for any number of threads.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.distributions import Distribution
from glassgrad.graphs import Graph, trace
from glassgrad.native.crew import Pace, cores, together
from glassgrad.op import Spec
from glassgrad.ops.sparse import csr_matmul
from glassgrad.train.engine import Engine
from glassgrad.train.engines import engine_named
from glassgrad.transforms import grad, jvp, value_and_grad, vjp

Array = np.ndarray[Any, Any]

_CACHE = 900_000  # bytes of a block of dense rows: together with all else in a core's second cache
_STORED = 1 << 19  # stored values of a block of sparse rows
_ROWS = 2048  # dense rows of a block at most: sums within a block are in the dtype of the rows
_PIECES = 16  # sums that threads make side by side
_WORTH = 20_000_000  # operations of an evaluation that is worth several threads


@dataclass(frozen=True, slots=True)
class BlockForm:
    """All that the graphs hang on; graphs of one form are traced and compiled once."""

    distribution: Distribution
    features: int
    outputs: int
    rows: int
    dtype: str
    fit_intercept: bool
    stored: int | None  # stored values that a block of sparse rows has room for; None for dense rows
    index: str
    engine: str

    @property
    def turned(self) -> bool:
        """Whether weights are outputs × features: few outputs would leave lanes of the registers empty otherwise."""
        return self.stored is None and self.outputs > 1

    def given(self, params: Sequence[Array]) -> list[Array]:
        """Weights (features × outputs) and bias as the graphs take them, and back."""
        return [np.ascontiguousarray(params[0].T), *params[1:]] if self.turned else list(params)

    def graph(self) -> Graph:
        """Value and gradient of a block, as it is run."""
        return _prepared(self, _value_and_gradient)[0]

    def columns(self) -> list[Spec]:
        """Shapes of a block: the rows' features, targets, weights."""
        real = np.dtype(self.dtype)
        if self.stored is None:
            x = [Spec((self.rows, self.features), real)]
        else:
            index = np.dtype(self.index)
            x = [Spec((self.stored,), real), Spec((self.stored,), index), Spec((self.rows + 1,), index)]
        return [*x, Spec((self.rows,), real if self.outputs == 1 else np.dtype(np.int64)), Spec((self.rows,), real)]

    def parameters(self) -> list[Spec]:
        """Shapes of the weights, and of the bias where there is one."""
        real = np.dtype(self.dtype)
        weights = Spec((self.outputs, self.features) if self.turned else (self.features, self.outputs), real)
        return [weights, Spec((self.outputs,), real)] if self.fit_intercept else [weights]

    def scores(self, params: Sequence[Any], x: Sequence[Any]) -> Any:
        """What the linear layer puts out for a block."""
        if self.turned:
            z = (params[0] @ x[0].T).T
        elif self.stored is None:
            z = x[0] @ params[0]
        else:
            z = csr_matmul(*x, params[0], shape=(self.rows, self.features), transposed=False)
        return z + params[1] if self.fit_intercept else z

    def cost(self, z: Any, y: Any, weight: Any) -> Any:
        """Σ w · −log p(y | z), added in float64."""
        return np.sum((weight * self.distribution.nll(z, y)).astype(np.float64))


def _value_and_gradient(form: BlockForm) -> Graph:
    """Parameters and a block in; its summed cost, the gradients, and the scores out."""

    def value(params: list[Any], columns: list[Any]) -> Any:
        *x, y, weight = columns
        z = form.scores(params, x)
        return form.cost(z, y, weight), z

    def run(params: list[Any], columns: list[Any]) -> Any:
        (cost, z), slopes = value_and_grad(lambda p: value(p, columns), has_aux=True)(params)
        return [cost, *slopes, z]

    return trace(run, form.parameters(), form.columns(), values=False)


def _hessian_product(form: BlockForm) -> Graph:
    """A direction, the scores, and a block in; Xᵀ (∂²cost/∂z² · (X v)) out, which is the Hessian times v."""

    def run(direction: list[Any], z: Any, columns: list[Any]) -> Any:
        *x, y, weight = columns
        moved, pull = vjp(lambda p: form.scores(p, x), direction)
        slope = grad(lambda z: form.cost(z, y, weight))
        return pull(jvp(slope, (z,), (moved,))[1])[0]

    scores = Spec((form.rows, form.outputs), np.dtype(form.dtype))
    return trace(run, form.parameters(), scores, form.columns(), values=False)


@functools.lru_cache(maxsize=32)
def _prepared(form: BlockForm, make: Callable[[BlockForm], Graph]) -> tuple[Graph, Engine]:
    """A graph and the engine that has compiled it, for runs in threads of our own."""
    engine = engine_named(form.engine)
    engine.threads = 1
    graph = make(form)
    engine.ready(graph)
    return graph, engine


def one_blas_thread(engine: str) -> AbstractContextManager[Any]:
    """BLAS on one thread while machine code has the cores: its threads keep spinning for a while after every call.

    That would slow down what runs next on all cores severalfold, and BLAS is left little to do. With engine="numpy"
    BLAS does the work, and keeps its threads.
    """
    return _blas().limit(limits=1, user_api="blas") if engine == "native" else nullcontext()


@functools.cache
def _blas() -> Any:
    import scipy.optimize  # noqa: F401 so that SciPy's BLAS is there to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class Objective:
    """(Σ wᵢ −log p(yᵢ | xᵢ W + b)) / Σ wᵢ + ½ λ ‖W‖², its gradient, and products with its Hessian.

    Parameters
    ----------
    X : ndarray or SciPy CSR matrix
        float32 or float64, shape ``(n, features)``.
    y : ndarray
        Targets as the distribution takes them: 0 or 1 for one output, else numbers of classes.
    weight : ndarray or None
        How much each row counts.
    distribution : Distribution
        Bernoulli or Categorical.
    outputs : int
        Scores of a row.
    l2 : float
        λ. The bias is not penalised.
    fit_intercept : bool
        Whether there is a bias.
    engine : {"native", "numpy"}
        What runs the graphs.
    threads : int, optional
        By default as many as pay.

    Attributes
    ----------
    form : BlockForm
        What the graphs hang on.
    total : float
        Σ w.
    """

    def __init__(
        self,
        X: Any,
        y: Array,
        weight: Array | None,
        distribution: Distribution,
        outputs: int,
        *,
        l2: float = 0.0,
        fit_intercept: bool = True,
        engine: str = "native",
        threads: int | None = None,
    ) -> None:
        n, features = X.shape
        sparse = not isinstance(X, np.ndarray)
        self.l2, self.total = float(l2), float(n if weight is None else np.sum(weight, dtype=np.float64))
        per_row = X.nnz / max(n, 1) if sparse else features
        rows = _block_rows(n, per_row, features, sparse, X.dtype.itemsize)
        starts = range(0, n, rows)
        stored, index = None, "i4"
        if sparse:
            most = max(int(X.indptr[min(start + rows, n)] - X.indptr[start]) for start in starts)
            stored, index = 1 << max(4, (most - 1).bit_length()), X.indices.dtype.str
        self.form = BlockForm(distribution, features, outputs, rows, X.dtype.str, fit_intercept, stored, index, engine)
        target = y.astype(X.dtype if outputs == 1 else np.int64, copy=False)
        weights = np.ones(n, X.dtype) if weight is None else weight.astype(X.dtype, copy=False)
        self._n = n
        self._blocks = [
            [*(_sparse_rows(X, s, rows, stored) if stored else [_padded(X[s : s + rows], rows)]),
             _padded(target[s : s + rows], rows), _padded(weights[s : s + rows], rows)]
            for s in starts
        ]  # fmt: skip
        self._graph, self._engine = _prepared(self.form, _value_and_gradient)
        work = 4 * n * per_row * outputs
        most = cores() if threads is None else threads
        self._pace = Pace(most if work >= _WORTH else 1, fixed=threads is not None)
        self._scores: tuple[list[Array], list[Array]] | None = None  # of all rows, and the parameters they are of

    def value_and_gradient(self, params: Sequence[Array]) -> tuple[float, list[Array]]:
        """The objective, and its gradient by weights and bias in float64."""
        graph, engine = self._graph, self._engine
        scores: list[Any] = [None] * len(self._blocks)
        given = self.form.given(params)

        def block(number: int) -> list[Array]:
            *sums, scores[number] = engine.run(graph, [*given, *self._blocks[number]])
            return sums

        cost, *gradients = self._summed(block)
        self._scores = scores, [p.copy() for p in params]
        W = params[0].astype(np.float64)
        gradients = [g / self.total for g in self.form.given(gradients)]
        if self.l2:
            gradients[0] += self.l2 * W
        return float(cost) / self.total + 0.5 * self.l2 * float(np.vdot(W, W)), gradients

    def hessian_product(self, params: Sequence[Array], direction: Sequence[Array]) -> list[Array]:
        """The Hessian at `params` times a direction, in float64."""
        graph, engine = _prepared(self.form, _hessian_product)
        if self._scores is None or not all(map(np.array_equal, self._scores[1], params)):
            self.value_and_gradient(params)
        scores = self._scores[0] if self._scores else []
        given = self.form.given(direction)

        def block(number: int) -> list[Array]:
            return engine.run(graph, [*given, scores[number], *self._blocks[number]])

        products = [p / self.total for p in self.form.given(self._summed(block))]
        if self.l2:
            products[0] += self.l2 * direction[0].astype(np.float64)
        return products

    def scores(self) -> Array:
        """The scores of all rows at the parameters that were evaluated last, shape ``(n, outputs)``."""
        return np.concatenate(self._scores[0] if self._scores else [])[: self._n]

    def _summed(self, block: Callable[[int], list[Array]]) -> list[Array]:
        """What `block` gives for all blocks, added in float64 in the same order whatever runs them."""
        count = len(self._blocks)
        size = -(-count // _PIECES)
        pieces: list[Any] = [None] * -(-count // size)
        turns = itertools.count()

        def work(_: int) -> None:
            while (piece := next(turns)) < len(pieces):
                pieces[piece] = _sum(block(k) for k in range(piece * size, min(piece * size + size, count)))

        threads, _ = self._pace.next(1)
        started = time.perf_counter()
        together(work, threads)
        self._pace.took(threads, 1, time.perf_counter() - started)
        return _sum(pieces)


def _sum(parts: Any) -> list[Array]:
    """The sum of lists of arrays, in float64."""
    total: list[Array] = []
    for arrays in parts:
        if not total:
            total = [np.array(a, np.float64) for a in arrays]
        else:
            for sum_, a in zip(total, arrays, strict=True):
                sum_ += a
    return total


def _block_rows(n: int, per_row: float, features: int, sparse: bool, item: int) -> int:
    """Rows of a block: a power of two, so that data of about one size share their machine code."""
    fit = max(_STORED, 4 * features) / max(per_row, 1) if sparse else _CACHE / max(per_row * item, 1)
    fit = min(max(fit, 32), 8 * _ROWS if sparse else _ROWS)
    few = max(64, 2 ** math.ceil(math.log2(max(n / 8, 1))))  # what is added to the last block stays small
    return min(2 ** int(math.log2(fit)), few)


def _padded(a: Array, size: int) -> Array:
    """An array with zeros behind, so that it has this length; itself where it has."""
    return a if len(a) == size else np.concatenate([a, np.zeros((size - len(a), *a.shape[1:]), a.dtype)])


def _sparse_rows(X: Any, start: int, rows: int, stored: int) -> list[Array]:
    """Values, columns and row ends of some rows of a CSR matrix, where possible without a copy."""
    ends = X.indptr[start : start + rows + 1]
    first = int(ends[0])
    ends = (ends - first).astype(X.indices.dtype)
    ends = np.concatenate([ends, np.full(rows + 1 - len(ends), ends[-1], ends.dtype)])
    return [*(_padded(a[first : first + stored], stored) for a in (X.data, X.indices)), ends]
