"""Whether a linear classifier can get every row right, by how much, and what that means for the perceptron.

A row f of class c is right where W puts it on the positive side of what belongs to it: for two classes y f · w > 0
with y = ±1; for more, by Kesler's construction (Duda and Hart, 1973, section 5.12), (w_c − w_k) · f > 0 for every
other class k, which is a vector with f in block c and −f in block k. So both are one question: is there a W with
a · W > 0 for all these vectors a? A linear program answers it. The largest margin of a W of length one is the
distance of the origin from the convex hull of the vectors, a problem of least squares with numbers that are not
negative. Both are solved on few vectors, to which those that the answer gets most wrong are added, until none is.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.displays import Shown
from glassgrad.errors import DataError, ShapeError
from glassgrad.ops.sparse import csr_of

Array = np.ndarray[Any, Any]
_CHUNK = 1 << 20  # numbers of X looked at together in float64
_FIRST = 256  # vectors to begin with, and to add at a time
_ZERO = 1e-9  # a margin that is so small beside the length of the rows is none
_NEAR = 1e-6  # a point of the hull that is so near to the origin, in units of R, leaves it to the linear program
_WIDE = 4  # so many times more features than vectors, and vectors are taken by their products with each other
_GAP = 1e-9  # between the margin found and the most that it can be, as a share
_EXACT = 1e-12  # a row is right where rounding cannot have made it so


class UndecidedError(RuntimeError):
    """A linear program was given up before it had an answer."""


@dataclass(frozen=True)
class Separation(Shown):
    """What a linear classifier can do on some rows.

    Attributes
    ----------
    separable : bool
        Whether one gets every row right.
    margin : float
        δ: how far the worst row is on the right side of the best one; 0 where none is right everywhere. The bias
        is the weight of a feature that is 1, and W, bias included, has the length one (over all classes together).
    radius : float
        R: the length of the longest row, the feature of the bias included.
    weights : ndarray or None
        The best W, shape ``(features, outputs)``, with the bias as its last row; None where there is none.
    outputs : int
        1 for two classes, else their number.
    """

    separable: bool
    margin: float
    radius: float
    weights: Array | None = field(repr=False)
    outputs: int

    @property
    def mistake_bound(self) -> float:
        """The most mistakes that a perceptron makes before it gets every row right, whatever their order.

        (R / δ)² with one output (Novikoff, 1962). With more, a mistake adds a vector a with f in one block and −f
        in another to W, so 2 (R / δ)²: of the best U, U · W grows by at least δ with each of M mistakes, so
        M δ ≤ U · W ≤ ‖W‖. And ‖W + a‖² = ‖W‖² + 2 W · a + ‖a‖² ≤ ‖W‖² + 2 R², since the row was wrong, W · a ≤ 0,
        and ‖a‖² = 2 ‖f‖². So M² δ² ≤ 2 M R². Where nothing separates the rows there is no bound: infinity.
        """
        if not self.separable:
            return np.inf
        return (1 if self.outputs == 1 else 2) * (self.radius / self.margin) ** 2


def separation(X: Any, y: ArrayLike, fit_intercept: bool = True) -> Separation:
    """Decide whether a linear classifier gets every row right, and find the one with the largest margin.

    Parameters
    ----------
    X : array_like or SciPy sparse matrix
        Rows of features, shape ``(rows, features)``.
    y : array_like
        The class of each row; at least two differ.
    fit_intercept : bool
        Whether there is a bias: a further feature that is 1 in every row.

    Returns
    -------
    Separation

    Notes
    -----
    A margin below 1e-9 of the length of the rows counts as none, since nothing that computes in float64 can tell.

    Examples
    --------
    >>> from glassgrad.estimators.separability import separation
    >>> found = separation([[0.0], [1.0], [3.0]], [0, 0, 1])
    >>> print(found.separable, round(found.margin, 4), round(found.mistake_bound, 3))
    True 0.4472 50.0
    >>> print(separation([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]], [0, 0, 1, 1]).separable)  # XOR
    False
    """
    X = csr_of(X, "X") if hasattr(X, "tocsr") else np.asarray(X)
    if len(X.shape) != 2 or np.shape(y) != X.shape[:1]:
        raise ShapeError(f"X needs the shape (rows, features) and y a class a row, not {X.shape} and {np.shape(y)}")
    classes, codes = np.unique(np.asarray(y), return_inverse=True)
    if len(classes) < 2:
        raise DataError("y has one class only, so there is nothing to tell apart")
    return Question(X, codes, len(classes), float(fit_intercept)).separation()


class Question:
    """Rows of which is asked whether some W is right for all.

    Parameters
    ----------
    X : array or CSR matrix
        Rows of features.
    codes : array
        The number of each row's class.
    classes : int
        How many classes there are.
    bias : float
        The feature behind the bias, the same in each row; 0 for none.
    weight : array, optional
        What each row is multiplied by; rows with 0 are left out.
    """

    def __init__(self, X: Any, codes: Array, classes: int, bias: float, weight: Array | None = None) -> None:
        self.X, self.codes, self.bias, self.weight = X, codes, bias, weight
        if weight is not None and not weight.all():
            self.X, self.codes, self.weight = X[weight > 0], codes[weight > 0], weight[weight > 0]
        self.outputs = 1 if classes == 2 else classes
        self.features = X.shape[1] + (bias > 0)

    @functools.cached_property
    def radius(self) -> float:
        """R: the length of the longest row."""
        return float(self._lengths().max())

    def separation(self, start: Array | None = None) -> Separation:
        """All that there is to know; `start` is a W to begin with."""
        W = self.separator(start)
        if W is None:
            return Separation(False, 0.0, self.radius, None, self.outputs)
        W, margin = self.widest(W)
        return Separation(True, margin, self.radius, W, self.outputs)

    def least(self, W: Array) -> tuple[Array, Array]:
        """How far each row is on the right side, the least over the other classes; and which that is."""
        W = W.reshape(self.features, self.outputs)
        if self.outputs == 1:
            score = self._scores(W)[:, 0]
            return (2 * self.codes - 1) * score, np.zeros(len(score), np.int64)
        score = self._scores(W)
        rows = np.arange(len(score))
        own = score[rows, self.codes]
        score[rows, self.codes] = -np.inf
        other = score.argmax(axis=1)
        return own - score[rows, other], other

    def vectors(self, rows: Array, others: Array) -> Any:
        """The vectors a of some rows, each against another class, as a CSR matrix."""
        from scipy import sparse

        some: Any = sparse.csr_array(self.X[rows]).astype(np.float64)
        if self.bias:
            some = sparse.hstack([some, np.full((len(rows), 1), self.bias)], format="csr")
        if self.weight is not None:
            some = sparse.csr_array(some.multiply(self.weight[rows, None]))
        if self.outputs == 1:
            return sparse.csr_array(some.multiply((2 * self.codes[rows] - 1)[:, None]))
        number, K = some.indptr, self.outputs
        row = np.repeat(np.arange(len(rows)), np.diff(number))
        at = some.indices.astype(np.int64) * K
        own, other = at + self.codes[rows][row], at + others[row]
        entries = np.concatenate([some.data, -some.data]), (np.concatenate([row, row]), np.concatenate([own, other]))
        return sparse.csr_array(entries, shape=(len(rows), self.features * K))

    def separator(self, start: Array | None = None, limit: int | None = None) -> Array | None:
        """A W that gets every row right, or None where a linear program proves that there is none.

        The nearest point of the hull is such a W unless it is the origin; only there is the program needed.

        Parameters
        ----------
        start : array, optional
            A W to begin with, shape ``(features, outputs)``.
        limit : int, optional
            The most points of the hull that are looked at; the program gets 100 times as many iterations.

        Raises
        ------
        UndecidedError
            When it was given up.
        """
        W = np.zeros(self.features * self.outputs) if start is None else np.asarray(start, np.float64).ravel()
        known, distance = _Chosen(), np.inf
        while True:
            side, others = self.least(W)
            if self._right(W, side):
                return W.reshape(self.features, self.outputs)
            if not known.add(side / self._scaled_lengths, others):
                break
            _spend(limit, known.rounds, "points of the hull")
            W, before = self._nearest(known), distance
            distance = float(np.linalg.norm(W))
            if distance <= _NEAR or distance >= before:
                break
        return self._program(known, None if limit is None else 100 * limit)

    def _program(self, known: _Chosen, limit: int | None) -> Array | None:
        """As `separator`: maximise t with a · W ≥ t · ‖a‖ for the vectors a.

        Every weight is in [−1, 1], in units in which no feature is larger than 1 in size.
        """
        from scipy import sparse
        from scipy.optimize import linprog

        size = self.features * self.outputs
        units = np.repeat(self._units, self.outputs)
        cost = np.append(np.zeros(size), -1.0)
        bounds = np.append(np.tile([-1.0, 1.0], (size, 1)), [[0.0, np.sqrt(size)]], axis=0)
        options: dict[str, Any] = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        while True:
            A: Any = sparse.csr_array(self.vectors(*known.pairs).multiply(units))
            norms = np.sqrt(np.asarray(A.multiply(A).sum(axis=1)).ravel())
            if not norms.all():
                return None  # a row of zeros is on neither side
            A = sparse.hstack([-A.multiply(1 / norms[:, None]), np.ones((A.shape[0], 1))], format="csc")
            if limit is not None:
                _spend(limit, 1, "iterations")
                options["maxiter"] = limit
            found = linprog(cost, A, np.zeros(len(norms)), bounds=bounds, method="highs", options=options)
            if found.x is None or found.status != 0:
                raise UndecidedError(f"the linear program has no answer: {found.message}")
            if -found.fun <= _ZERO:
                return None
            limit = None if limit is None else limit - found.nit
            W = found.x[:-1] * units
            side, others = self.least(W)
            if self._right(W, side):
                return W.reshape(self.features, self.outputs)
            if not known.add(side / self._scaled_lengths, others):
                return None  # right as far as the program can tell, but by no more than rounding

    def widest(self, W: Array) -> tuple[Array, float]:
        """Of all W of length one the one with the largest margin, and that margin, from any that is right everywhere.

        The margin is the one that this W has, so it is never too large.
        """
        W = W.ravel() / np.linalg.norm(W)
        best, margin, known, most = W, 0.0, _Chosen(), np.inf
        while True:
            side, others = self.least(W)
            if side.min() > margin:
                best, margin = W, float(side.min())
            if not known.add(side, others):
                break
            nearest, before = self._nearest(known), most
            most = float(np.linalg.norm(nearest)) * self.radius
            if most <= margin * (1 + _GAP) or most >= before:  # found, or as near as rounding lets it come
                break
            W = nearest / np.linalg.norm(nearest)
        return best.reshape(self.features, self.outputs), margin

    def _right(self, W: Array, side: Array) -> bool:
        """Whether every row is right, by more than rounding can do."""
        length = float(np.linalg.norm(W.reshape(self.features, -1) / self._units[:, None]))
        return length > 0 and bool((side > _EXACT * length * self._scaled_lengths).all())

    def _nearest(self, known: _Chosen) -> Array:
        """The point nearest to the origin in the hull of the chosen vectors, in units of R; the others are forgotten.

        Least squares of A p = 0 and Σ p = 1 with p ≥ 0 have p = s q, q the shares of that point (Lawson and Hanson,
        "Solving least squares problems", 1974, chapter 23).
        """
        from scipy.optimize import nnls

        A = self.vectors(*known.pairs).T / self.radius
        count = A.shape[1]
        reduced = A.toarray() if A.shape[0] <= _WIDE * count else _root((A.T @ A).toarray())
        system = np.vstack([reduced, np.ones(count)])
        shares, _ = nnls(system, np.append(np.zeros(len(reduced)), 1.0), maxiter=100 * count)
        known.keep(shares > 0)
        return np.asarray(A @ (shares / shares.sum()))

    @functools.cached_property
    def _units(self) -> Array:
        """What brings each feature, that of the bias included, to the size 1 at most."""
        if hasattr(self.X, "tocsr"):
            own = abs(self.X.copy())  # SciPy adds up what is stored twice, where it lies
            largest = own.max(axis=0).toarray().ravel().astype(np.float64)
        else:
            largest = np.max([np.abs(part).max(axis=0) for part in self._parts()], axis=0)
        largest = np.append(largest, [self.bias] if self.bias else [])
        return 1 / np.where(largest > 0, largest, 1.0)

    @functools.cached_property
    def _scaled_lengths(self) -> Array:
        """The lengths of the rows in those units; never 0."""
        return np.maximum(self._lengths(self._units), np.finfo(float).tiny)

    def _lengths(self, units: Array | None = None) -> Array:
        squared = np.ones(self.features) if units is None else units**2
        own = self.bias**2 * squared[-1] if self.bias else 0.0
        if hasattr(self.X, "tocsr"):
            squares = self.X.astype(np.float64).power(2) @ squared[: self.X.shape[1]]
        else:
            squares = np.concatenate([part**2 @ squared[: self.X.shape[1]] for part in self._parts()])
        lengths = np.sqrt(squares + own)
        return lengths if self.weight is None else lengths * self.weight

    def _scores(self, W: Array) -> Array:
        """The scores f · W of each row in float64."""
        weights, bias = (W[:-1], self.bias * W[-1]) if self.bias else (W, 0.0)
        if hasattr(self.X, "tocsr"):
            scores = np.asarray(self.X @ weights)
        else:
            scores = np.concatenate([part @ weights for part in self._parts()])
        scores = scores + bias
        return scores if self.weight is None else scores * self.weight[:, None]

    def _parts(self) -> list[Array]:
        step = max(1, _CHUNK // self.X.shape[1])
        return [np.asarray(self.X[i : i + step], np.float64) for i in range(0, self.X.shape[0], step)]


def _root(G: Array) -> Array:
    """A matrix B with Bᵀ B = G, which is positive but for directions that are 0: Cholesky's, with pivots."""
    from scipy.linalg import get_lapack_funcs

    (pstrf,) = get_lapack_funcs(("pstrf",), (G,))
    factor, order, rank, _ = pstrf(G)
    root = np.empty((rank, len(G)))
    root[:, order - 1] = np.triu(factor)[:rank]
    return root


def _spend(limit: int | None, spent: int, what: str) -> None:
    if limit is not None and spent > limit:
        raise UndecidedError(f"given up after {limit} {what}")


class _Chosen:
    """The vectors that a problem is solved on: pairs of a row and another class."""

    def __init__(self) -> None:
        self.rows, self.others = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.rounds = 0

    @property
    def pairs(self) -> tuple[Array, Array]:
        """Rows, and the class that each is held against."""
        return self.rows, self.others

    def add(self, side: Array, others: Array) -> int:
        """Take in the worst of the rows that are not yet there against that class; how many are new."""
        self.rounds += 1
        have = set(zip(self.rows.tolist(), self.others.tolist(), strict=True))
        count = min(len(side), max(_FIRST, len(self.rows) // 2))
        worst = np.argpartition(side, count - 1)[:count]
        new = [(row, other) for row, other in zip(worst.tolist(), others[worst].tolist(), strict=True)
               if (row, other) not in have]  # fmt: skip
        if new:
            rows, classes = np.array(new, np.int64).T
            self.rows, self.others = np.append(self.rows, rows), np.append(self.others, classes)
        return len(new)

    def keep(self, which: Array) -> None:
        """Forget the others."""
        self.rows, self.others = self.rows[which], self.others[which]
