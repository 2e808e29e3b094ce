"""The linear algebra extension of the array API standard.

Most names are NumPy's, answered by `glassgrad.ops`; written here is what acts on the last two axes
where NumPy's acts on the first, and the norms.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError, describe
from glassgrad.namespace.common import answered, numpy, wire
from glassgrad.ops.normal import axes_of, axis_of, kept
from glassgrad.tensors import Tensor

ANSWERED = (
    "cholesky", "det", "eigh", "eigvalsh", "inv", "matmul", "matrix_power", "matrix_transpose", "outer", "pinv", "qr",
    "slogdet", "solve", "svd", "svdvals", "tensordot", "vecdot",
)  # fmt: skip

globals().update({name: answered(f"linalg.{name}") for name in ANSWERED})


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """Cross products along an axis of length 3.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([1.0, 0.0, 0.0])
    >>> print(x.__array_namespace__().linalg.cross(x, [0.0, 1.0, 0.0]).value)
    [0. 0. 1.]
    """
    x, y = wire(x1), wire(np.asarray(x2) if isinstance(x2, list | tuple) else x2)
    if any(z.shape[axis_of(axis, z)] != 3 for z in (x, y)):
        raise ShapeError(f"a cross product needs axis {axis} of length 3\n  {describe(x)}\n  {describe(y)}")
    x, y = numpy.moveaxis(x, axis, -1), numpy.moveaxis(y, axis, -1)
    after, last = [1, 2, 0], [2, 0, 1]
    product = x[..., after] * y[..., last] - x[..., last] * y[..., after]
    return numpy.moveaxis(product, -1, axis)


def diagonal(x: Any, /, *, offset: int = 0) -> Tensor:
    """Diagonal of the last two axes."""
    return numpy.diagonal(wire(x), offset, -2, -1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """Sum of the diagonal of the last two axes."""
    return numpy.trace(wire(x), offset, -2, -1, dtype)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """Size of the matrices in the last two axes: 'fro', 'nuc', 1, 2, inf, -1, -2, -inf.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> print(x.__array_namespace__().linalg.matrix_norm(x, ord="nuc").value)
    7.0
    """
    x = wire(x)
    if ord not in (2, -2, "nuc"):
        return numpy.linalg.norm(x, "fro" if ord is None else ord, (-2, -1), keepdims)
    reduce = numpy.sum if ord == "nuc" else numpy.max if ord == 2 else numpy.min
    size = reduce(numpy.linalg.svdvals(x), axis=-1)
    return numpy.reshape(size, (*x.shape[:-2], 1, 1)) if keepdims else size


def matrix_rank(x: Any, /, *, rtol: Any = None) -> Tensor:
    """How many singular values are larger than `rtol` times the largest; no gradient."""
    s = numpy.linalg.svdvals(wire(x))
    if rtol is None:
        rtol = max(x.shape[-2:]) * np.finfo(s.dtype).eps
    limit = numpy.max(s, axis=-1, keepdims=True) * numpy.expand_dims(wire(rtol), -1)
    return numpy.count_nonzero(s > limit, axis=-1)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """Length of vectors over one axis, several or all; `ord` is a number, inf or -inf.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> print(x.__array_namespace__().linalg.vector_norm(x).value)
    5.0
    """
    x = wire(x)
    axes = axes_of(axis, x)
    rest = kept(x.shape, axes, False)
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    rows = numpy.reshape(numpy.transpose(x, order), (*rest, math.prod(x.shape[i] for i in axes)))
    return numpy.reshape(numpy.linalg.norm(rows, ord, -1), kept(x.shape, axes, keepdims))
