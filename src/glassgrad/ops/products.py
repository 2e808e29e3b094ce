"""NumPy's products, composed from matrix products and Einstein sums: dot, inner, outer, tensordot, kron."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError
from glassgrad.op import answers, composition, shaped
from glassgrad.ops.cases import drawn
from glassgrad.ops.contract import LETTERS, einsum_terms, matmul, no_out


@answers(np.dot)
def dot(a: Any, b: Any, out: None = None) -> Any:
    """NumPy's dot: a matrix product; for more axes, the last of `a` with the second last of `b`.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.dot(gg.tensor([1.0, 2.0]), [3.0, 4.0]).value)
    11.0
    """
    no_out("dot", out)
    x, y = shaped(a), shaped(b)
    if not x.shape or not y.shape:
        return np.multiply(x, y)
    if len(y.shape) <= 2:
        return matmul(x, y)
    return tensordot(x, y, (-1, -2))


@composition(
    r"\sum_i x_i y_i", "each operand receives upstream times the other", drawn((((2, 3), (3, 2)), {})), (np.vdot,)
)
def vdot(a: Any, b: Any, /) -> Any:
    """Scalar product of all elements, whatever the shapes.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.vdot(gg.tensor([[1.0, 2.0]]), [[3.0], [4.0]]).value)
    11.0
    """
    return matmul(np.reshape(shaped(a), (-1,)), np.reshape(shaped(b), (-1,)))


@answers(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """Sum of products over the last axis of both.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.inner(gg.tensor([[1.0, 2.0], [0.0, 1.0]]), [3.0, 4.0]).value)
    [11.  4.]
    """
    x, y = shaped(a), shaped(b)
    if not x.shape or not y.shape:
        return np.multiply(x, y)
    if len(y.shape) == 1:
        return matmul(x, y)
    return tensordot(x, y, (-1, -1))


@composition(
    r"x_i y_j",
    "each operand receives the upstream gradient summed against the other",
    drawn((((3,), (2,)), {}), (((2, 2), (3,)), {})),
    (np.outer, np.linalg.outer),
)
def outer(a: Any, b: Any, out: None = None) -> Any:
    """Every element of `a` times every element of `b`, as a matrix.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.outer(gg.tensor([1.0, 2.0]), [3.0, 4.0]).value)
    [[3. 4.]
     [6. 8.]]
    """
    no_out("outer", out)
    return np.multiply(np.reshape(shaped(a), (-1, 1)), np.reshape(shaped(b), (1, -1)))


def _axes(axes: Any, x: Any, y: Any) -> tuple[list[int], list[int]]:
    """The axes that tensordot sums over, counted from the left."""
    pair = axes if isinstance(axes, Iterable) else (range(len(x.shape) - axes, len(x.shape)), range(axes))
    left, right = ([int(i) for i in np.atleast_1d(one)] for one in pair)
    for which, z in ((left, x), (right, y)):
        for i in which:
            if not -len(z.shape) <= i < len(z.shape):
                raise ShapeError(f"tensordot over axis {i} of an operand of shape {tuple(z.shape)}")
    left, right = [i % len(x.shape) for i in left], [i % len(y.shape) for i in right]
    sizes = [x.shape[i] for i in left], [y.shape[i] for i in right]
    if sizes[0] != sizes[1] or len(set(left)) < len(left) or len(set(right)) < len(right):
        raise ShapeError(
            f"tensordot of {tuple(x.shape)} over axes {left} and {tuple(y.shape)} over axes {right}: "
            "the axes must pair up, each once, with equal sizes"
        )
    return left, right


@answers(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes.

    Parameters
    ----------
    a, b : array_like
        The operands.
    axes : int or pair
        How many last axes of `a` meet first axes of `b`, or the axes of each by number.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.tensordot(gg.tensor(np.ones((2, 3))), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    x, y = shaped(a), shaped(b)
    left, right = _axes(axes, x, y)
    if len(x.shape) + len(y.shape) > len(LETTERS):
        raise ShapeError(f"tensordot of more than {len(LETTERS)} axes in all")
    first = list(LETTERS[: len(x.shape)])
    second = list(LETTERS[len(x.shape) : len(x.shape) + len(y.shape)])
    for i, j in zip(left, right, strict=True):
        second[j] = first[i]
    result = [c for c in first if c not in second] + [c for c in second if c not in first]
    return einsum_terms(x, y, subscripts=f"{''.join(first)},{''.join(second)}->{''.join(result)}")


@composition(
    r"\sum_i x_{\cdots i} y_{\cdots i}",
    "each operand receives upstream times the other",
    drawn((((2, 3), (3,)), {}), (((3,), (3,)), {}), (((3, 2), (3, 1)), {"axis": 0})),
    (np.vecdot, np.linalg.vecdot),
)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Scalar products along one axis, broadcast over the others.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.vecdot(gg.tensor([[1.0, 2.0], [0.0, 1.0]]), [3.0, 4.0]).value)
    [11.  4.]
    """
    x, y = shaped(x1), shaped(x2)
    if not x.shape or not y.shape or x.shape[axis] != y.shape[axis]:
        raise ShapeError(f"vecdot of {tuple(x.shape)} and {tuple(y.shape)}: axis {axis} must have one size in both")
    return np.sum(np.moveaxis(x, axis, -1) * np.moveaxis(y, axis, -1), axis=-1)


@composition(
    r"x \otimes y",
    "each operand receives the upstream blocks summed against the other",
    drawn((((2, 2), (1, 3)), {}), (((2,), (2, 2)), {}), (((3,), ()), {})),
    (np.kron,),
)
def kron(a: Any, b: Any) -> Any:
    """Kronecker product: every element of `a` times all of `b`, as blocks.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.kron(gg.tensor([1.0, 2.0]), [1.0, 10.0]).value)
    [ 1. 10.  2. 20.]
    """
    x, y = shaped(a), shaped(b)
    n = max(len(x.shape), len(y.shape))
    left, right = ((1,) * (n - len(z.shape)) + tuple(z.shape) for z in (x, y))
    blocks = np.multiply(
        np.reshape(x, [size for i in left for size in (i, 1)]), np.reshape(y, [size for i in right for size in (1, i)])
    )
    return np.reshape(blocks, tuple(i * j for i, j in zip(left, right, strict=True)))


@answers(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any], *, out: None = None) -> Any:
    """Product of several matrices as one Einstein sum, in an order that needs few multiplications.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.linalg.multi_dot([gg.tensor(np.ones((2, 3))), np.ones((3, 4)), np.ones(4)]).shape
    (2,)
    """
    no_out("multi_dot", out)
    chain = [shaped(x) for x in arrays]
    terms = [LETTERS[i : i + 2] for i in range(len(chain))]
    for i in (0, -1):
        if chain and len(chain[i].shape) == 1:
            terms[i] = terms[i][1 + i]
    if len(chain) < 2 or any(len(t) != len(x.shape) for t, x in zip(terms, chain, strict=False)):
        shapes = ", ".join(str(tuple(x.shape)) for x in chain)
        raise ShapeError(f"multi_dot takes two matrices or more, the first and last may be vectors; given {shapes}")
    ends = "".join(c for c in terms[0] + terms[-1] if "".join(terms).count(c) == 1)
    return einsum_terms(*chain, subscripts=f"{','.join(terms)}->{ends}")
