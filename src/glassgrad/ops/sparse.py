"""Gates of a SciPy sparse matrix times a dense one. In a graph the matrix is its three CSR arrays.

The stored values may be a tensor with a gradient; where they stand (`indices`, `indptr`) is fixed. Only the values
from ``indptr[0]`` to ``indptr[-1]`` count: a batch of sparse rows lies in arrays that have room for a fuller one.
Dtypes meet as in NumPy: float32 values with a float32 operand give float32.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.errors import DataError, NoAttributeError, OperandError, ShapeError, UnsupportedError
from glassgrad.op import Case, Explanation, Op, Spec, promote, shaped

_POSITIONS = (np.dtype(np.int32), np.dtype(np.int64))
_WHERE = "positions in a sparse matrix are integers, not differentiable"


def csr_of(matrix: Any, name: str = "the sparse matrix") -> Any:
    """A SciPy sparse matrix of any format as CSR, once it is known that all it stores stands inside.

    SciPy's loops follow the positions that a matrix holds wherever they lead, its conversions too, and whoever has
    the matrix can have changed them. Values and columns are those of the matrix where it is CSR already; the row
    pointers are a copy, which stays as it was checked.

    Raises
    ------
    DataError
        Where a position is outside, or what is stored does not fit together.
    """
    from scipy import sparse

    if not sparse.issparse(matrix):
        return matrix.tocsr()
    try:
        made = _intact(matrix).tocsr()
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise DataError(f"{name} is a broken sparse matrix: {error}") from error
    if matrix.format == "csr":
        made.indptr = made.indptr.copy()
    return made


def _intact(matrix: Any) -> Any:
    """The same matrix as an object of its own, which shares the arrays, checked; SciPy checks when it makes one."""
    if matrix.format in ("coo", "dia"):
        places = matrix.coords if matrix.format == "coo" else matrix.offsets
        return type(matrix)((matrix.data, places), shape=matrix.shape)
    own = copy.copy(matrix)
    if own.format == "lil":
        if not len(own.rows) == len(own.data) == own.shape[0] or any(map(_differ, own.rows, own.data)):
            raise ValueError("rows and data differ in length")
        own = own.tocsr()
    if own.format != "dok":
        for name in ("indices", "indptr"):
            places = np.asarray(getattr(own, name))
            if places.ndim != 1 or places.dtype.kind not in "iu":
                raise ValueError(f"{name} are not integers with one axis")
            setattr(own, name, places if places.dtype in _POSITIONS else places.astype(np.int64))
        ends = own.indptr
        if not len(ends) or ends[0] != 0 or (ends[1:] < ends[:-1]).any():  # differences could overflow
            raise ValueError("indptr must begin with 0 and be a non-decreasing sequence")
        own.check_format(full_check=True)
    return own


def _differ(columns: Any, values: Any) -> bool:
    return len(columns) != len(values)


def _csr_rows_shape(indptr: Any, nnz: int) -> Spec:
    if len(indptr.shape) != 1 or indptr.dtype.kind not in "iu":
        raise ShapeError(f"csr_rows takes CSR row pointers, integers with one axis, not {indptr.dtype}{indptr.shape}")
    return Spec((nnz,), indptr.dtype)


def _csr_rows(indptr: Any, nnz: int) -> Any:
    rows = np.zeros(nnz, indptr.dtype)
    used = np.repeat(np.arange(len(indptr) - 1, dtype=indptr.dtype), np.diff(indptr))
    rows[indptr[0] : indptr[-1]] = used
    return rows


csr_rows = Op(
    "csr_rows",
    shape=_csr_rows_shape,
    forward=_csr_rows,
    gradients=(_WHERE,),
    explain=Explanation(r"\text{row of each stored value}", "writes out the row of every stored value", "blocks"),
    cases=lambda rng: [
        ((np.array([0, 2, 2, 3]),), {"nnz": 3}), ((np.array([0, 0]),), {"nnz": 0}),
        ((np.array([1, 2, 4]),), {"nnz": 6}),
    ],
    kind="gather",
)  # fmt: skip


def _check_csr(data: Any, indices: Any, indptr: Any, shape: tuple[int, int]) -> None:
    m, n = shape
    if len(data.shape) != 1 or tuple(data.shape) != tuple(indices.shape) or tuple(indptr.shape) != (m + 1,):
        raise ShapeError(
            f"a CSR matrix of {m} × {n} needs as many values as column indices and {m + 1} row pointers; "
            f"given {tuple(data.shape)}, {tuple(indices.shape)} and {tuple(indptr.shape)}"
        )
    if indices.dtype.kind not in "iu" or indptr.dtype.kind not in "iu":
        raise OperandError(f"CSR indices are integers, not {indices.dtype} and {indptr.dtype}")


def _csr_matmul_shape(data: Any, indices: Any, indptr: Any, x: Any, shape: tuple[int, int], transposed: bool) -> Spec:
    _check_csr(data, indices, indptr, shape)
    rows, columns = shape[::-1] if transposed else shape
    if len(x.shape) not in (1, 2) or x.shape[0] != columns:
        raise ShapeError(
            f"a sparse matrix of {rows} × {columns} multiplies a vector of {columns} or a matrix with {columns} rows, "
            f"not shape {tuple(x.shape)}"
        )
    return Spec((rows, *x.shape[1:]), promote(data, x))


def _csr_matmul(data: Any, indices: Any, indptr: Any, x: Any, shape: tuple[int, int], transposed: bool) -> Any:
    from scipy import sparse

    spec = _csr_matmul_shape(data, indices, indptr, x, shape, transposed)
    first, last = int(indptr[0]), int(indptr[-1])
    if not 0 <= first <= last <= len(data):
        raise DataError(f"indptr goes from {first} to {last}, and {len(data)} values are stored")
    ends = indptr.astype(np.int64) - first
    matrix = csr_of(sparse.csr_array((data[first:last], indices[first:last], ends), shape=shape))
    return np.asarray((matrix.T if transposed else matrix) @ x).astype(spec.dtype, copy=False)


def _csr_values_rule(
    g: Any, out: Any, data: Any, indices: Any, indptr: Any, x: Any, shape: tuple[int, int], transposed: bool
) -> Any:
    """One product of a row of g and a row of x for each stored value; the dense product is never built."""
    rows = csr_rows(indptr, nnz=data.shape[0])
    here, there = (indices, rows) if transposed else (rows, indices)
    place = np.arange(data.shape[0])
    counts = (place >= indptr[0]) & (place < indptr[-1])  # what is stored beyond may name any column
    products = np.take(g, np.where(counts, here, 0), axis=0) * np.take(x, np.where(counts, there, 0), axis=0)
    return np.where(counts, products if len(x.shape) == 1 else np.sum(products, axis=1), 0)


def _cases(rng: np.random.Generator) -> list[Case]:
    indices, indptr = np.array([0, 2, 1, 2]), np.array([0, 2, 2, 4])
    cases: list[Case] = []
    for transposed in (False, True):
        for tail in ((), (2,), (1,)):
            operands = (rng.normal(size=4), indices, indptr, rng.normal(size=(3, *tail)))
            cases.append((operands, {"shape": (3, 3), "transposed": transposed}))
    wide = (rng.normal(size=3), np.array([3, 0, 1]), np.array([0, 1, 3]))
    cases.append(((*wide, rng.normal(size=(4, 2))), {"shape": (2, 4), "transposed": False}))
    cases.append(((*wide, rng.normal(size=2)), {"shape": (2, 4), "transposed": True}))
    repeated = (rng.normal(size=3), np.array([1, 1, 0]), np.array([0, 2, 3]))
    cases.append(((*repeated, rng.normal(size=(2, 2))), {"shape": (2, 2), "transposed": False}))
    roomy = (rng.normal(size=6), np.array([9, 1, 0, 2, -1, 5]), np.array([1, 3, 4]))
    for transposed, rows in ((False, 3), (True, 2)):
        cases.append(((*roomy, rng.normal(size=(rows, 2))), {"shape": (2, 3), "transposed": transposed}))
    return cases


csr_matmul = Op(
    "csr_matmul",
    shape=_csr_matmul_shape,
    forward=_csr_matmul,
    gradients=(
        _csr_values_rule,
        _WHERE,
        _WHERE,
        lambda g, out, data, indices, indptr, x, shape, transposed: csr_matmul(
            data, indices, indptr, g, shape=shape, transposed=not transposed
        ),
    ),
    explain=Explanation(
        r"A x", "the dense operand receives Aᵀ times upstream, a stored value its row of g times its row of x", "mixes",
        (r"g_{i}\cdot x_{j}", "", "", r"A^{\top} g"),
    ),
    cases=_cases,
    kind="contract",
    flops=lambda data, indices, indptr, x, out, **_: 2 * data.shape[0] * math.prod(x.shape[1:]),
)  # fmt: skip


def _csr_add_shape(x: Any, data: Any, indices: Any, indptr: Any, g: Any, shape: tuple[int, int]) -> Spec:
    added = _csr_matmul_shape(data, indices, indptr, g, shape, True)
    if tuple(x.shape) != added.shape:
        raise ShapeError(f"to an array of shape {tuple(x.shape)} no product of shape {added.shape} can be added")
    return Spec(added.shape, promote(x, data, g))


def _csr_add(x: Any, data: Any, indices: Any, indptr: Any, g: Any, shape: tuple[int, int]) -> Any:
    spec = _csr_add_shape(x, data, indices, indptr, g, shape)
    return (x + _csr_matmul(data, indices, indptr, g, shape, True)).astype(spec.dtype, copy=False)


def _csr_add_cases(rng: np.random.Generator) -> list[Case]:
    """Those of a transposed product, each added to something."""
    products = [(operands, params["shape"]) for operands, params in _cases(rng) if params["transposed"]]
    return [
        ((rng.normal(size=(shape[1], *g.shape[1:])), *matrix, g), {"shape": shape}) for (*matrix, g), shape in products
    ]


csr_add = Op(
    "csr_add",
    shape=_csr_add_shape,
    forward=_csr_add,
    gradients=(
        lambda g, out, x, data, indices, indptr, y, shape: g,
        lambda g, out, x, data, indices, indptr, y, shape: _csr_values_rule(
            g, out, data, indices, indptr, y, shape, True
        ),
        _WHERE,
        _WHERE,
        lambda g, out, x, data, indices, indptr, y, shape: csr_matmul(
            data, indices, indptr, g, shape=shape, transposed=False
        ),
    ),
    explain=Explanation(
        r"x + A^{\top} y", "passes upstream on; y receives A times upstream, a stored value its row of y times its row "
        "of upstream", "mixes", ("1", r"y_{i}\cdot g_{j}", "", "", r"A g"),
    ),
    cases=_csr_add_cases,
    kind="contract",
    flops=lambda x, data, indices, indptr, y, out, **_: 2 * data.shape[0] * math.prod(y.shape[1:]),
)  # fmt: skip
"""What an update of weights by a gradient of sparse rows becomes: it touches only the features that they store."""


@dataclass(frozen=True, slots=True)
class SparseSpec:
    """Shape and dtype of sparse rows in a graph, with room for so many stored values."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    room: int
    index: np.dtype[Any]

    @property
    def arrays(self) -> tuple[tuple[str, Spec], ...]:
        """The CSR arrays by name."""
        sizes = ("data", self.room, self.dtype), ("indices", self.room, self.index), ("indptr", self.shape[0] + 1, None)
        return tuple((name, Spec((size,), self.index if kind is None else kind)) for name, size, kind in sizes)


class SparseRows:
    """Sparse rows in a graph: three wires that act as one matrix where it multiplies a dense one.

    ``x @ W`` and ``x.T @ g`` are gates; a slice takes some rows. All else needs dense rows and says so.

    Parameters
    ----------
    data, indices, indptr : Tensor
        The CSR arrays.
    shape : pair of int
        Rows and columns.
    """

    __slots__ = ("_turned", "data", "indices", "indptr", "name", "op", "stored", "weak")

    def __init__(self, data: Any, indices: Any, indptr: Any, shape: tuple[int, int], turned: bool = False) -> None:
        self.data, self.indices, self.indptr, self.stored, self._turned = data, indices, indptr, shape, turned
        self.name, self.op, self.weak = "x", None, False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.stored
        return (columns, rows) if self._turned else (rows, columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the stored values."""
        return self.data.dtype

    @property
    def wires(self) -> tuple[Any, Any, Any]:
        """The CSR arrays."""
        return self.data, self.indices, self.indptr

    @property
    def T(self) -> SparseRows:
        """Rows and columns exchanged."""
        return SparseRows(*self.wires, self.stored, not self._turned)

    def astype(self, dtype: Any) -> SparseRows:
        """The same with values of another dtype."""
        return SparseRows(self.data.astype(dtype), self.indices, self.indptr, self.stored, self._turned)

    def __matmul__(self, other: Any) -> Any:
        return csr_matmul(*self.wires, other, shape=self.stored, transposed=self._turned)

    def __getitem__(self, rows: Any) -> SparseRows:
        if not isinstance(rows, slice) or rows.step not in (None, 1) or self._turned:
            raise self._refusal("indexing")
        start, stop, _ = rows.indices(self.stored[0])
        stop = max(start, stop)
        return SparseRows(self.data, self.indices, self.indptr[start : stop + 1], (stop - start, self.stored[1]))

    def __getattr__(self, name: str) -> Any:
        raise NoAttributeError(str(self._refusal(f".{name}")))

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise self._refusal("an array of it")

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **_: Any) -> Any:
        raise self._refusal(f"np.{ufunc.__name__}")

    def __array_function__(self, function: Any, *_: Any) -> Any:
        raise self._refusal(f"np.{function.__name__}")

    def _refuse(self, *_: Any) -> Any:
        raise self._refusal("arithmetic")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __pow__ = __rpow__ = __neg__ = __abs__ = __rmatmul__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def _refusal(self, what: str) -> UnsupportedError:
        return UnsupportedError(
            f"x has sparse rows, which x @ W takes, as in nn.Linear, and {what} does not; "
            "where another layer comes first, use X.toarray()"
        )


def sparse_matmul(matrix: Any, x: Any, values: Any = None) -> Any:
    """A SciPy sparse matrix times a dense vector or matrix, with gradients for the dense side and the values.

    Parameters
    ----------
    matrix : scipy.sparse array or matrix
        Any format; converted to CSR.
    x : array_like or Tensor
        Vector or matrix with as many rows as `matrix` has columns.
    values : array_like or Tensor, optional
        Stored values to use in place of those of `matrix`, in the order of ``matrix.tocsr().data``;
        a tensor here receives a gradient.

    Returns
    -------
    Tensor or ndarray
        The dense product; a plain array where nothing given is a tensor.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> from scipy import sparse
    >>> a = sparse.csr_array(np.array([[0.0, 2.0], [1.0, 0.0]]))
    >>> print(gg.sparse_matmul(a, gg.tensor([3.0, 4.0])).value)
    [8. 3.]
    """
    from scipy import sparse

    if not sparse.issparse(matrix) or len(matrix.shape) != 2:
        raise OperandError(
            f"sparse_matmul takes a SciPy sparse matrix with two axes first, not {type(matrix).__name__}; "
            "a dense matrix is multiplied by x @ y"
        )
    if sparse.issparse(x) or sparse.issparse(values):
        raise OperandError("sparse_matmul takes a dense operand and dense values; call .toarray() on the sparse one")
    csr = csr_of(matrix)
    x, data = shaped(x), csr.data if values is None else shaped(values)
    for what, z in (("the sparse matrix", data), ("the dense operand", x)):
        if z.dtype.kind not in "fiub":
            raise OperandError(f"sparse_matmul: {what} holds {z.dtype}, and real numbers are needed")
    if values is not None and tuple(data.shape) != tuple(csr.data.shape):
        raise ShapeError(
            f"sparse_matmul: values of shape {tuple(data.shape)} for a matrix that stores {csr.data.shape[0]} numbers; "
            "they come in the order of matrix.tocsr().data"
        )
    shape = (int(csr.shape[0]), int(csr.shape[1]))
    return csr_matmul(data, csr.indices, csr.indptr, x, shape=shape, transposed=False)
