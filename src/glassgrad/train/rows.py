"""Rows: the examples to learn from, dense or sparse, and how a batch of them enters a graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.displays import Shown
from glassgrad.errors import DataError
from glassgrad.op import Spec
from glassgrad.ops.sparse import SparseSpec

Array = np.ndarray[Any, Any]
_CHUNK = 4096
_SIZES = (1, 8, 64, 512, _CHUNK)  # numbers of rows that predicting has programs for


class SparseMatrix(Protocol):
    """A SciPy sparse matrix or array of any format."""

    def tocsr(self, copy: bool = ...) -> Any:
        """The same in CSR form."""
        ...


Features = ArrayLike | SparseMatrix
"""What networks are fed."""


@dataclass(frozen=True, slots=True)
class Rows(Shown):
    """The examples, checked: x, y and perhaps a weight, one row each.

    Parameters
    ----------
    X : array or SciPy CSR matrix
        Features. A batch of sparse rows enters a graph as its three CSR arrays, which have room for the fullest
        batch there can be.
    y : array
        Targets.
    weight : array, optional
        How much each row counts.
    drawn : bool
        Whether a batch may hold a row several times.
    """

    X: Any
    y: Array
    weight: Array | None = None
    drawn: bool = False
    _rooms: dict[int, int] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return self.X.shape[0]

    def __repr__(self) -> str:
        kind = "sparse " if self.sparse else ""
        return f"<{len(self):,} {kind}Rows of {' × '.join(map(str, self.X.shape[1:]))} numbers>"

    @property
    def sparse(self) -> bool:
        """Whether X is a SciPy CSR matrix."""
        return is_sparse(self.X)

    @property
    def columns(self) -> list[Any]:
        """X, y and perhaps weight."""
        return [self.X, self.y] if self.weight is None else [self.X, self.y, self.weight]

    @property
    def arrays(self) -> list[Array]:
        """All rows as arrays: those of X, one or CSR's three, y, and perhaps weight."""
        return [*_arrays(self.X), *self.columns[1:]]

    def check(self) -> None:
        """Look once more that a sparse X's row pointers stay inside what it stores, before machine code follows them.

        Raises
        ------
        DataError
            When someone has changed them since.
        """
        if not self.sparse:
            return
        ends, stored = self.X.indptr, min(len(self.X.data), len(self.X.indices))
        if (
            ends.dtype != self.X.indices.dtype
            or len(ends) != len(self) + 1
            or ends[0] != 0
            or ends[-1] > stored
            or (ends[1:] < ends[:-1]).any()
        ):
            raise DataError("X is a broken sparse matrix: its indptr has been changed since it was checked")

    def part(self, start: int, stop: int) -> Rows:
        """Consecutive rows."""
        weight = None if self.weight is None else self.weight[start:stop]
        return Rows(self.X[start:stop], self.y[start:stop], weight, self.drawn)

    def drawing(self, drawn: bool) -> Rows:
        """The same rows, drawn with replacement or not."""
        return self if drawn == self.drawn else replace(self, drawn=drawn, _rooms={})

    def room(self, size: int) -> int:
        """Stored values for which there is room in a batch of `size` sparse rows.

        Rounded up to a power of two, so that other data of about the same kind run on the same machine code; but
        all rows in their order take what they take.
        """
        if size not in self._rooms:
            self._rooms[size] = self._most(size)
        return self._rooms[size]

    def _most(self, size: int) -> int:
        stored = np.diff(self.X.indptr)
        if size == len(self) and not self.drawn:
            return int(self.X.indptr[-1])
        if self.drawn or size > len(stored):
            most = size * int(stored.max())
        else:
            most = int(np.partition(stored, len(stored) - size)[len(stored) - size :].sum(dtype=np.int64))
        return rounded(most)

    def specs(self, size: int) -> list[Spec | SparseSpec]:
        """Shapes and dtypes of a batch of `size` rows."""
        specs: list[Spec | SparseSpec] = [Spec((size, *column.shape[1:]), column.dtype) for column in self.columns]
        if self.sparse:
            specs[0] = SparseSpec((size, self.X.shape[1]), self.X.dtype, self.room(size), self.X.indices.dtype)
        return specs

    def take(self, rows: Array | None) -> list[Array]:
        """Some rows, or all in their order, as a graph's inputs: x, y and weight."""
        if rows is None:
            return self.arrays
        rest = [column.take(rows, axis=0) for column in self.columns[1:]]
        if not self.sparse:
            return [self.X.take(rows, axis=0), *rest]
        return [*padded(self.X[rows], self.room(len(rows)), self.X.indices.dtype), *rest]


def is_sparse(X: Any) -> bool:
    """Whether checked features are a SciPy CSR matrix."""
    return not isinstance(X, np.ndarray)


def features_spec(X: Any) -> Spec | SparseSpec:
    """What a batch of all these rows is in a graph, with room rounded up."""
    if is_sparse(X):
        return SparseSpec(X.shape, X.dtype, rounded(int(X.indptr[-1])), X.indices.dtype)
    return Spec(X.shape, X.dtype)


def features_arrays(X: Any) -> list[Array]:
    """These rows as the inputs of a graph for `features_spec`."""
    return padded(X, rounded(int(X.indptr[-1])), X.indices.dtype) if is_sparse(X) else [X]


def chunks(rows: int) -> list[tuple[int, int]]:
    """Consecutive rows, from and to, at most so many that memory stays bounded."""
    return [(i, min(i + _CHUNK, rows)) for i in range(0, rows, _CHUNK)]


def sized(X: Any) -> Iterator[tuple[Any, int]]:
    """Consecutive rows in pieces of a few usual sizes, the last perhaps filled up; and how many rows of each count."""
    start, rows = 0, X.shape[0]
    while start < rows:
        left = rows - start
        size = next(s for s in _SIZES if left <= s or s == _CHUNK)
        if left <= size // 2:
            size = _SIZES[_SIZES.index(size) - 1]
        piece = X[start : start + size]
        count = piece.shape[0]
        yield _filled(piece, size) if count < size else piece, count
        start += count


def _filled(X: Any, rows: int) -> Any:
    """These rows, and empty ones or zeros up to so many."""
    if is_sparse(X):
        X = X.copy()
        X.resize((rows, X.shape[1]))
        return X
    return np.concatenate([X, np.zeros((rows - len(X), *X.shape[1:]), X.dtype)])


def rounded(count: int) -> int:
    """The next power of two."""
    return 1 << max(0, count - 1).bit_length()


def padded(X: Any, room: int, index: np.dtype[Any]) -> list[Array]:
    """The CSR arrays of a matrix with zeros behind, up to so many stored values."""
    data, indices, indptr = _arrays(X)
    values, places = np.zeros(room, data.dtype), np.zeros(room, index)
    values[: len(data)], places[: len(indices)] = data, indices
    return [values, places, indptr.astype(index, copy=False)]


def _arrays(X: Any) -> list[Array]:
    if not is_sparse(X):
        return [X]
    stored = X.indptr[-1]
    return [X.data[:stored], X.indices[:stored], X.indptr]
