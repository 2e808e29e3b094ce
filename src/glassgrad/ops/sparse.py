"""Gates of a SciPy sparse matrix times a dense one. In a graph the matrix is its three CSR arrays.

The stored values may be a tensor with a gradient; where they stand (`indices`, `indptr`) is fixed.
Dtypes meet as in NumPy: float32 values with a float32 operand give float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassgrad.errors import OperandError, ShapeError
from glassgrad.op import Case, Explanation, Op, Spec, promote, shaped

_WHERE = "positions in a sparse matrix are integers, not differentiable"


def _csr_rows_shape(indptr: Any, nnz: int) -> Spec:
    if len(indptr.shape) != 1 or indptr.dtype.kind not in "iu":
        raise ShapeError(f"csr_rows takes CSR row pointers, integers with one axis, not {indptr.dtype}{indptr.shape}")
    return Spec((nnz,), indptr.dtype)


csr_rows = Op(
    "csr_rows",
    shape=_csr_rows_shape,
    forward=lambda indptr, nnz: np.repeat(np.arange(len(indptr) - 1, dtype=indptr.dtype), np.diff(indptr)),
    gradients=(_WHERE,),
    explain=Explanation(r"\text{row of each stored value}", "writes out the row of every stored value", "blocks"),
    cases=lambda rng: [((np.array([0, 2, 2, 3]),), {"nnz": 3}), ((np.array([0, 0]),), {"nnz": 0})],
    kind="gather",
)


def _csr_matmul_shape(data: Any, indices: Any, indptr: Any, x: Any, shape: tuple[int, int], transposed: bool) -> Spec:
    m, n = shape
    if len(data.shape) != 1 or tuple(data.shape) != tuple(indices.shape) or tuple(indptr.shape) != (m + 1,):
        raise ShapeError(
            f"a CSR matrix of {m} × {n} needs as many values as column indices and {m + 1} row pointers; "
            f"given {tuple(data.shape)}, {tuple(indices.shape)} and {tuple(indptr.shape)}"
        )
    if indices.dtype.kind not in "iu" or indptr.dtype.kind not in "iu":
        raise OperandError(f"CSR indices are integers, not {indices.dtype} and {indptr.dtype}")
    rows, columns = (n, m) if transposed else (m, n)
    if len(x.shape) not in (1, 2) or x.shape[0] != columns:
        raise ShapeError(
            f"a sparse matrix of {rows} × {columns} multiplies a vector of {columns} or a matrix with {columns} rows, "
            f"not shape {tuple(x.shape)}"
        )
    return Spec((rows, *x.shape[1:]), promote(data, x))


def _csr_matmul(data: Any, indices: Any, indptr: Any, x: Any, shape: tuple[int, int], transposed: bool) -> Any:
    from scipy import sparse

    spec = _csr_matmul_shape(data, indices, indptr, x, shape, transposed)
    matrix = sparse.csr_array((data, indices, indptr), shape=shape)
    matrix.check_format(full_check=True)  # SciPy's product trusts its indices: a wild one would read stray memory
    return np.asarray((matrix.T if transposed else matrix) @ x).astype(spec.dtype, copy=False)


def _csr_values_rule(
    g: Any, out: Any, data: Any, indices: Any, indptr: Any, x: Any, shape: tuple[int, int], transposed: bool
) -> Any:
    """One product of a row of g and a row of x for each stored value; the dense product is never built."""
    rows = csr_rows(indptr, nnz=data.shape[0])
    here, there = (indices, rows) if transposed else (rows, indices)
    products = np.take(g, here, axis=0) * np.take(x, there, axis=0)
    return products if len(x.shape) == 1 else np.sum(products, axis=1)


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
    csr = matrix.tocsr()
    csr.check_format(full_check=True)
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
