"""Gates that reduce axes: sum, max, min, any, all, argmax, argmin, cumsum; and what is made of them.

Ties share: where several elements are the maximum, each receives an equal part of the upstream
gradient. Dtypes follow NumPy: sums of integers are int64, means of integers float64, and float32
stays float32.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError
from glassgrad.op import Case, Explanation, Op, Spec, answers, composition, shaped, spread
from glassgrad.ops.normal import as_dtype, axes_of, axis_of, count_of, kept, refuse

_INDEX = "a position is a whole number, not differentiable"
_TRUTH = "a truth value is not differentiable"


@functools.cache
def summed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype NumPy sums in: small integers and truth values become the platform's integer."""
    return np.add.reduce(np.zeros(1, dtype)).dtype


def _spread(g: Any, out: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """What was reduced, back in the shape of `x`."""
    if g.shape and not keepdims:
        g = np.reshape(g, kept(x.shape, axis))
    return spread(g, x.shape)


def _share(g: Any, out: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The upstream gradient, in equal parts to the elements that were chosen (a NaN chooses itself)."""
    if not keepdims:
        g, out = (np.reshape(v, kept(x.shape, axis)) for v in (g, out))
    chosen = ((x == out) | (x != x)).astype(out.dtype)
    return g * (chosen / np.sum(chosen, axis=axis, keepdims=True))


def _cases(rng: np.random.Generator) -> list[Case]:
    rows = [((), ()), ((3,), (0,)), ((2, 3), (0, 1)), ((2, 3), (1,)), ((2, 1, 2), (0, 2)), ((2, 3), ())]
    return [((rng.normal(size=s),), {"axis": a, "keepdims": k}) for s, a in rows for k in (False, True)]


def _one_axis(rng: np.random.Generator) -> list[Case]:
    rows = [((3,), None), ((2, 3), None), ((2, 3), 0), ((2, 2, 3), 2)]
    return [((rng.normal(size=s),), {"axis": a, "keepdims": k}) for s, a in rows for k in (False, True)]


def _chosen_shape(x: Any, axis: tuple[int, ...], keepdims: bool) -> Spec:
    if 0 in [x.shape[i] for i in axis]:
        raise ShapeError(f"there is no largest or smallest of no elements: shape {tuple(x.shape)}, axes {axis}")
    return Spec(kept(x.shape, axis, keepdims), x.dtype)


def _position_shape(x: Any, axis: int | None, keepdims: bool) -> Spec:
    axes = tuple(range(len(x.shape))) if axis is None else (axis,)
    return Spec(_chosen_shape(x, axes, keepdims).shape, np.dtype(np.intp))


sum_axes = Op(
    "sum",
    shape=lambda x, axis, keepdims: Spec(kept(x.shape, axis, keepdims), summed(x.dtype)),
    forward=np.add.reduce,
    gradients=(_spread,),
    explain=Explanation(r"\sum x", "hands the upstream gradient to every element that was summed", "sums", ("1",)),
    cases=_cases,
    kind="reduce",
)


def _count(x: Any, axis: tuple[int, ...]) -> int:
    return math.prod([x.shape[i] for i in axis])


def _mean(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Half precision is summed in float32 and whole numbers in float64, as NumPy does."""
    if x.dtype.char == "e":
        return (np.add.reduce(x, axis=axis, dtype=np.float32, keepdims=keepdims) / _count(x, axis)).astype(x.dtype)
    if x.dtype.kind != "f":
        return np.add.reduce(x, axis=axis, dtype=np.float64, keepdims=keepdims) / _count(x, axis)
    return np.add.reduce(x, axis=axis, keepdims=keepdims) / _count(x, axis)


def _mean_shape(x: Any, axis: tuple[int, ...], keepdims: bool) -> Spec:
    if not _count(x, axis):
        raise ShapeError(f"the mean of no elements does not exist: shape {tuple(x.shape)}, axes {axis}")
    return Spec(kept(x.shape, axis, keepdims), x.dtype if x.dtype.kind == "f" else np.dtype(np.float64))


mean_axes = Op(
    "mean",
    shape=_mean_shape,
    forward=_mean,
    gradients=(lambda g, out, x, axis, keepdims: _spread(g / _count(x, axis), out, x, axis, keepdims),),
    explain=Explanation(
        r"\frac{1}{n} \sum x", "hands every element an equal part of the upstream gradient", "sums", (r"\frac{1}{n}",)
    ),
    cases=_cases,
    kind="reduce",
)
max_axes = Op(
    "max",
    shape=_chosen_shape,
    forward=lambda x, axis, keepdims: np.maximum.reduce(x, axis=axis, keepdims=keepdims),
    gradients=(lambda g, out, x, axis, keepdims: _share(g, out, x, axis, keepdims),),
    explain=Explanation(
        r"\max x", "sends the upstream gradient to the largest element; ties share it", "routes",
        (r"[x = \max x]",),
    ),
    cases=_cases,
    kind="reduce",
)  # fmt: skip
min_axes = Op(
    "min",
    shape=_chosen_shape,
    forward=lambda x, axis, keepdims: np.minimum.reduce(x, axis=axis, keepdims=keepdims),
    gradients=(lambda g, out, x, axis, keepdims: _share(g, out, x, axis, keepdims),),
    explain=Explanation(
        r"\min x", "sends the upstream gradient to the smallest element; ties share it", "routes",
        (r"[x = \min x]",),
    ),
    cases=_cases,
    kind="reduce",
)  # fmt: skip
any_axes = Op(
    "any",
    shape=lambda x, axis, keepdims: Spec(kept(x.shape, axis, keepdims), np.dtype(bool)),
    forward=lambda x, axis, keepdims: np.logical_or.reduce(x, axis=axis, keepdims=keepdims),
    gradients=(_TRUTH,),
    explain=Explanation(r"\bigvee x", "tells whether any element is true", "blocks"),
    cases=_cases,
    kind="reduce",
)
all_axes = Op(
    "all",
    shape=lambda x, axis, keepdims: Spec(kept(x.shape, axis, keepdims), np.dtype(bool)),
    forward=lambda x, axis, keepdims: np.logical_and.reduce(x, axis=axis, keepdims=keepdims),
    gradients=(_TRUTH,),
    explain=Explanation(r"\bigwedge x", "tells whether every element is true", "blocks"),
    cases=_cases,
    kind="reduce",
)
argmax_axis = Op(
    "argmax",
    shape=_position_shape,
    forward=lambda x, axis, keepdims: np.argmax(x, axis=axis, keepdims=keepdims),
    gradients=(_INDEX,),
    explain=Explanation(r"\arg\max x", "tells where the largest element stands, the first of a tie", "blocks"),
    cases=_one_axis,
    kind="reduce",
)
argmin_axis = Op(
    "argmin",
    shape=_position_shape,
    forward=lambda x, axis, keepdims: np.argmin(x, axis=axis, keepdims=keepdims),
    gradients=(_INDEX,),
    explain=Explanation(r"\arg\min x", "tells where the smallest element stands, the first of a tie", "blocks"),
    cases=_one_axis,
    kind="reduce",
)


def _ordered(axis: Any, a: Any) -> tuple[int, ...]:
    """The axes to reduce over, in order."""
    return tuple(range(len(a.shape))) if axis is None else tuple(sorted(axes_of(axis, a)))


def _over(gate: Op, a: Any, axis: Any, keepdims: Any, **options: Any) -> Any:
    """Run a reduction with axes and options as NumPy takes them."""
    if [option for option in options.values() if option is not None]:
        refuse(f"np.{gate.name}", **options)
    a = shaped(a)
    return gate(a, axis=_ordered(axis, a), keepdims=bool(keepdims))


@answers(np.sum)
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """Sum of the elements, over all axes or some.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> x = gg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> print(np.sum(x, axis=0).value)
    [4. 6.]
    """
    if out is not None or initial is not None or where is not None:
        refuse("np.sum", out=out, initial=initial, where=where)
    a = shaped(a) if dtype is None else as_dtype(a, dtype)
    return sum_axes(a, axis=_ordered(axis, a), keepdims=bool(keepdims))


@answers(np.max, np.amax)
def max(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Any:
    """Largest element, over all axes or some; tied elements share the gradient equally.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> x = gg.tensor([1.0, 3.0, 3.0])
    >>> np.max(x).backward()
    >>> print(x.grad)
    [0.  0.5 0.5]
    """
    return _over(max_axes, a, axis, keepdims, out=out, initial=initial, where=where)


@answers(np.min, np.amin)
def min(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Any:
    """Smallest element, over all axes or some; tied elements share the gradient equally.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.min(gg.tensor([[1.0, 2.0], [3.0, 0.0]]), axis=1).value)
    [1. 0.]
    """
    return _over(min_axes, a, axis, keepdims, out=out, initial=initial, where=where)


@answers(np.any)
def any(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = None) -> Any:
    """Whether any element is true, over all axes or some; no gradient.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.any(gg.tensor([1.0, -2.0]) < 0).value)
    True
    """
    return _over(any_axes, a, axis, keepdims, out=out, where=where)


@answers(np.all)
def all(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = None) -> Any:
    """Whether every element is true, over all axes or some; no gradient.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.all(gg.tensor([1.0, -2.0]) < 0).value)
    False
    """
    return _over(all_axes, a, axis, keepdims, out=out, where=where)


@answers(np.argmax)
def argmax(a: Any, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Any:
    """Position of the largest element along one axis, or of all when flattened; no gradient.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.argmax(gg.tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1).value)
    [1 0]
    """
    refuse("np.argmax", out=out)
    a = shaped(a)
    return argmax_axis(a, axis=None if axis is None else axis_of(axis, a), keepdims=bool(keepdims))


@answers(np.argmin)
def argmin(a: Any, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Any:
    """Position of the smallest element along one axis, or of all when flattened; no gradient.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.argmin(gg.tensor([3.0, 1.0, 2.0])).value)
    1
    """
    refuse("np.argmin", out=out)
    a = shaped(a)
    return argmin_axis(a, axis=None if axis is None else axis_of(axis, a), keepdims=bool(keepdims))


@answers(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = None
) -> Any:
    """Arithmetic mean, over all axes or some; float64 for integers.

    Raises
    ------
    ShapeError
        For the mean of no elements, which NumPy gives as NaN.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> x = gg.tensor([1.0, 2.0, 6.0])
    >>> m = np.mean(x)
    >>> m.backward()
    >>> print(m.value, x.grad)
    3.0 [0.33333333 0.33333333 0.33333333]
    """
    if out is not None or where is not None:
        refuse("np.mean", out=out, where=where)
    a = shaped(a) if dtype is None else as_dtype(a, dtype)
    axes = _ordered(axis, a)
    count_of("mean", a, axes)
    return mean_axes(a, axis=axes, keepdims=bool(keepdims))


def _product(x: Any) -> Any:
    """Product over the last axis, as a tree of multiplications by halves."""
    while (n := x.shape[-1]) > 1:
        half = n // 2
        paired = x[..., :half] * x[..., half : 2 * half]
        x = np.concatenate([paired, x[..., 2 * half :]], axis=-1) if n % 2 else paired
    return x[..., 0]


@composition(r"\prod x", "hands each element upstream times the product of the others", _cases, (np.prod,))
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """Product of the elements, over all axes or some, by a tree that divides by nothing: zeros are exact.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> x = gg.tensor([2.0, 0.0, 5.0])
    >>> np.prod(x).backward()
    >>> print(x.grad)
    [ 0. 10.  0.]
    """
    refuse("np.prod", out=out, initial=initial, where=where)
    a = as_dtype(a, summed(shaped(a).dtype) if dtype is None else dtype)
    axes = axes_of(axis, a)
    left = kept(a.shape, axes, False)
    final = kept(a.shape, axes, bool(keepdims))
    count = math.prod(a.shape[i] for i in axes)
    if count == 0:
        return 1 + np.sum(a, axis=axes, keepdims=keepdims)
    order = (*(i for i in range(len(a.shape)) if i not in axes), *axes)
    return np.reshape(_product(np.reshape(np.transpose(a, order), (*left, count))), final)


def _method(function: Any, name: str) -> Any:
    """The ``reduce`` method of a ufunc: as the function, but over axis 0 unless told."""

    def reduce(array: Any, axis: Any = 0, **options: Any) -> Any:
        return function(array, axis=axis, **options)

    reduce.__name__ = reduce.__qualname__ = name
    return reduce


add_reduce = answers((np.add, "reduce"))(_method(sum, "add_reduce"))
multiply_reduce = answers((np.multiply, "reduce"))(_method(prod, "multiply_reduce"))
maximum_reduce = answers((np.maximum, "reduce"))(_method(max, "maximum_reduce"))
minimum_reduce = answers((np.minimum, "reduce"))(_method(min, "minimum_reduce"))
