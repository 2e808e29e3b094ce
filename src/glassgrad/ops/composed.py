"""Functions composed from gates, each one named group in a graph: softmax, logsumexp, norm and others.

They are computed so that nothing overflows, and their gradients are those of the exact function.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from glassgrad.errors import DataError, OperandError, ShapeError, UnsupportedError
from glassgrad.op import Case, composition, shaped
from glassgrad.ops.arithmetic import stop_gradient
from glassgrad.ops.normal import as_dtype, axes_of, axis_of, count_of, kept, known, mistake, refuse


def _floating(x: Any) -> Any:
    x = shaped(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _shifted(name: str, x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """`x` less its largest element, and that element: a finite one, so that infinities keep their sign."""
    if 0 in [x.shape[i] for i in axes]:
        raise mistake(ShapeError, f"{name} of no elements does not exist", x)
    top = stop_gradient(np.max(x, axis=axes, keepdims=True))
    limit = float(np.finfo(x.dtype).max)
    return x - np.clip(top, -limit, limit), top


def _axis_cases(rng: np.random.Generator) -> list[Case]:
    rows = [((3,), -1), ((2, 3), -1), ((2, 3), 0), ((2, 2, 2), (0, 2)), ((2, 2), None), ((2, 1), 1)]
    return [((rng.normal(size=s),), {"axis": a}) for s, a in rows]


def _sum_cases(rng: np.random.Generator) -> list[Case]:
    return [(xs, {**params, "keepdims": k}) for xs, params in _axis_cases(rng) for k in (False, True)]


@composition(
    r"\frac{e^{x_{i}}}{\sum_{j} e^{x_{j}}}", "raises one share at the cost of the others", _axis_cases,
    derivative=(r"\mathrm{softmax}(x) \odot (g - \sum g \odot \mathrm{softmax}(x))",),
)  # fmt: skip
def softmax(x: Any, axis: Any = -1) -> Any:
    """Shares that are positive and sum to one along an axis.

    Parameters
    ----------
    x : Tensor or array_like
        Scores of any size.
    axis : int or tuple of int or None
        Axes over which the shares sum to one.

    Returns
    -------
    Tensor or ndarray
        Shares, in the shape of `x`.

    Examples
    --------
    >>> import glassgrad as gg
    >>> print(gg.softmax(gg.tensor([1000.0, 1000.0])).value)
    [0.5 0.5]
    """
    x = _floating(x)
    axes = axes_of(axis, x)
    e = np.exp(_shifted("softmax", x, axes)[0])
    return e / np.sum(e, axis=axes, keepdims=True)


@composition(
    r"x_{i} - \ln \sum_{j} e^{x_{j}}", "pulls the score up and the others down by their shares", _axis_cases,
    derivative=(r"g - \mathrm{softmax}(x) \odot \sum g",),
)  # fmt: skip
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Logarithm of `softmax`, exact also where a share is too small for a number.

    Examples
    --------
    >>> import glassgrad as gg
    >>> print(gg.log_softmax(gg.tensor([0.0, 1000.0])).value)
    [-1000.     0.]
    """
    x = _floating(x)
    axes = axes_of(axis, x)
    shifted = _shifted("log_softmax", x, axes)[0]
    return shifted - np.log(np.sum(np.exp(shifted), axis=axes, keepdims=True))


@composition(
    r"\ln \sum_{j} e^{x_{j}}", "hands on the upstream gradient in shares, the softmax", _sum_cases,
    derivative=(r"\mathrm{softmax}(x)",),
)  # fmt: skip
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Logarithm of the sum of exponentials, over all axes or some; -inf where every element is.

    Raises
    ------
    ShapeError
        When there is no element to sum.

    Examples
    --------
    >>> import glassgrad as gg
    >>> print(gg.logsumexp(gg.tensor([1000.0, 1000.0])).value)
    1000.6931471805599
    """
    x = _floating(x)
    axes = axes_of(axis, x)
    shifted, top = _shifted("logsumexp", x, axes)
    total = np.sum(np.exp(shifted), axis=axes, keepdims=True)
    result = np.log(np.where(total == 0, 1, total)) + top
    return result if keepdims else np.squeeze(result, axis=axes)


@composition(r"\frac{1}{n} \sum (x - \bar{x})^{2}", "pulls each element away from the mean", _sum_cases, (np.var,))
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    correction: float | None = None,
) -> Any:
    """Variance, over all axes or some, divided by ``n - ddof``.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.var(gg.tensor([1.0, 2.0, 6.0]), ddof=1).value)
    7.0
    """
    refuse("np.var", out=out, where=where)
    a = as_dtype(a, dtype)
    axes = axes_of(axis, a)
    count = count_of("var", a, axes, ddof if correction is None else correction)
    return np.sum(np.square(a - np.mean(a, axis=axes, keepdims=True)), axis=axes, keepdims=keepdims) / count


def safe_root(x: Any) -> Any:
    """Square root whose gradient is 0 where `x` is 0, instead of infinite."""
    zero = x == 0
    return np.where(zero, 0, np.sqrt(np.where(zero, 1, x)))


@composition(r"\sqrt{\mathrm{var}\,x}", "pulls each element away from the mean", _sum_cases, (np.std,))
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    correction: float | None = None,
) -> Any:
    """Standard deviation, over all axes or some; its gradient is 0 where all elements are equal.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.std(gg.tensor([1.0, 3.0])).value)
    1.0
    """
    refuse("np.std", out=out, where=where)
    ddof = ddof if correction is None else correction
    return safe_root(np.var(as_dtype(a, dtype), axis=axis, ddof=ddof, keepdims=keepdims))


def _average_cases(rng: np.random.Generator) -> list[Case]:
    rows = [
        ((3,), None, (3,)),
        ((2, 3), None, (2, 3)),
        ((2, 3), 1, (3,)),
        ((2, 3), 0, (2, 3)),
        ((2, 3), (1, 0), (3, 2)),
    ]
    return [((rng.normal(size=s),), {"axis": a, "weights": rng.uniform(0.5, 2, w)}) for s, a, w in rows]


@composition(r"\frac{\sum w x}{\sum w}", "hands on the upstream gradient by weight", _average_cases, (np.average,))
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """Weighted mean; the weights have the shape of `a`, or of the axes that are averaged.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.average(gg.tensor([1.0, 4.0]), weights=[2.0, 1.0]).value)
    2.0
    """
    refuse("np.average", returned=returned)
    a = shaped(a)
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    weights, axes = shaped(weights), axes_of(axis, a)
    if tuple(weights.shape) != tuple(a.shape):
        if axis is None or tuple(weights.shape) != tuple(a.shape[i] for i in axes):
            raise mistake(ShapeError, "weights must have the shape of what is averaged, or of its axes", a, weights)
        ranks = sorted(range(len(axes)), key=axes.__getitem__)
        others = tuple(i for i in range(len(a.shape)) if i not in axes)
        weights = np.reshape(np.transpose(weights, ranks), kept(a.shape, others))
    total = np.sum(a * weights, axis=axes, keepdims=keepdims)
    return total / np.sum(np.broadcast_to(weights, a.shape), axis=axes, keepdims=keepdims)


@composition(r"\max x - \min x", "routes to the largest, and negated to the smallest", _sum_cases, (np.ptp,))
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """Range: the largest element less the smallest, over all axes or some.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.ptp(gg.tensor([1.0, 5.0, 3.0])).value)
    4.0
    """
    refuse("np.ptp", out=out)
    a = shaped(a)
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


def _norm_cases(rng: np.random.Generator) -> list[Case]:
    rows: list[tuple[tuple[int, ...], dict[str, Any]]] = [
        ((3,), {}), ((2, 3), {}), ((2, 2, 2), {}), ((3,), {"ord": 1}), ((3,), {"ord": np.inf}),
        ((3,), {"ord": -np.inf}), ((3,), {"ord": 3}), ((2, 3), {"axis": 1}),
        ((2, 3), {"axis": 0, "keepdims": True}), ((2, 3), {"ord": "fro"}), ((2, 3), {"ord": 1}),
        ((2, 3), {"ord": np.inf}), ((2, 2, 3), {"ord": 1, "axis": (0, 2), "keepdims": True}), ((2, 3), {"ord": -1}),
    ]  # fmt: skip
    return [((rng.uniform(0.3, 2, s) * rng.choice([-1, 1], s),), params) for s, params in rows]


@composition(
    r"\lVert x \rVert", "scales by the direction of x; 0 at the zero vector", _norm_cases, (np.linalg.norm,),
    (r"\frac{x}{\lVert x \rVert}",),
)  # fmt: skip
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Length of vectors or size of matrices: 2 by default, Frobenius for matrices; also 1, inf and any power.

    At the zero vector, where the length has a kink, the gradient is 0.

    Raises
    ------
    UnsupportedError
        For matrix norms of singular values: take them from ``np.linalg.svd``.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> x = gg.tensor([3.0, 4.0])
    >>> f = np.linalg.norm(x)
    >>> f.backward()
    >>> print(f.value, x.grad)
    5.0 [0.6 0.8]
    """
    x = _floating(x)
    axes = axes_of(tuple(axis) if isinstance(axis, list) else axis, x)
    if axis is None and ord is None:
        return safe_root(np.sum(np.square(x), axis=axes, keepdims=keepdims))
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes[0], keepdims)
    if len(axes) != 2:
        raise mistake(ShapeError, f"a norm with ord or axis is taken over one or two axes, not {len(axes)}", x)
    if ord is None or ord == "fro":
        return safe_root(np.sum(np.square(x), axis=axes, keepdims=keepdims))
    if ord in (1, -1, np.inf, -np.inf):
        row, column = axes if ord in (1, -1) else axes[::-1]
        sums = np.sum(np.abs(x), axis=row, keepdims=True)
        result = (np.max if ord > 0 else np.min)(sums, axis=column, keepdims=True)
        return result if keepdims else np.squeeze(result, axis=axes)
    if ord in (2, -2, "nuc"):
        raise mistake(UnsupportedError, f"the matrix norm ord={ord!r} is made of singular values: use np.linalg.svd", x)
    raise mistake(OperandError, f"there is no matrix norm ord={ord!r}: use 'fro', 1, -1, np.inf or -np.inf", x)


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if not isinstance(ord, int | float | np.number):
        raise mistake(OperandError, f"there is no vector norm ord={ord!r}: use a number, np.inf or -np.inf", x)
    power = float(ord)
    if power == 2:
        return safe_root(np.sum(np.square(x), axis=axis, keepdims=keepdims))
    size = np.abs(x)
    if power == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if power == 0:
        return np.sum((x != 0).astype(x.dtype), axis=axis, keepdims=keepdims)
    if np.isinf(power):
        return (np.max if power > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    total = np.sum(size**power, axis=axis, keepdims=keepdims)
    zero = total == 0
    return np.where(zero, 0, np.where(zero, 1, total) ** (1 / power))


def _diff_cases(rng: np.random.Generator) -> list[Case]:
    rows = [((4,), {}), ((2, 3), {"axis": 0}), ((2, 4), {"n": 2}), ((3,), {"n": 0})]
    return [((rng.normal(size=s),), params) for s, params in rows]


@composition(r"x_{i+1} - x_{i}", "adds to one neighbour, subtracts from the other", _diff_cases, (np.diff,))
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences between neighbours along an axis, taken `n` times.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.diff(gg.tensor([1.0, 4.0, 9.0])).value)
    [3. 5.]
    """
    a = shaped(a)
    before = (slice(None),) * axis_of(axis, a)
    for _ in range(n):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a


def _one_hot_cases(rng: np.random.Generator) -> list[Case]:
    return [
        ((np.array(labels),), {"num_classes": 3, "dtype": dtype})
        for labels in (1, [0, 2], [[2, 1], [0, 0]])
        for dtype in ("float32", "float64")
    ]


@composition("[y = k]", "no gradient passes to labels", _one_hot_cases)
def one_hot(labels: Any, num_classes: int, dtype: Any = np.float32) -> Any:
    """Rows with a 1 at each label and 0 elsewhere; float32 unless told.

    Parameters
    ----------
    labels : Tensor or array_like of integers
        Class of each row, from 0 to ``num_classes - 1``.
    num_classes : int
        Length of a row.
    dtype : dtype
        Dtype of the result.

    Returns
    -------
    Tensor or ndarray
        The shape of `labels`, and an axis of `num_classes` at the end.

    Raises
    ------
    DataError
        When a label is out of range.

    Examples
    --------
    >>> import glassgrad as gg
    >>> print(gg.one_hot([0, 2], 3))
    [[1. 0. 0.]
     [0. 0. 1.]]
    """
    labels, count = shaped(labels), operator.index(num_classes)
    if labels.dtype.kind not in "iu":
        raise mistake(OperandError, f"labels must be whole numbers, not {labels.dtype}: cast them first", labels)
    values = known(labels)
    if values is not None and values.size and not 0 <= values.min() <= values.max() < count:
        wrong = values.min() if values.min() < 0 else values.max()
        raise mistake(DataError, f"label {wrong} is out of range: {count} classes are 0 to {count - 1}", labels)
    return (np.expand_dims(labels, -1) == np.arange(count)).astype(dtype)
