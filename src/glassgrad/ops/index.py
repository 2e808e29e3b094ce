"""Gates that look elements up: gather and scatter_add, take, sort, search, one_hot; and NumPy's indexing.

An index is data, not a parameter: gather takes its index arrays as operands. Its ``template`` is a
basic index in normal form (see `normal`) in which "array" stands where an index array goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.errors import (
    OperandError,
    ShapeError,
    UnsupportedError,
    ValueMissingError,
)
from glassgrad.op import Case, Explanation, Op, Spec, answers, composition, shaped
from glassgrad.ops.normal import WHOLE, axis_of, entry_of, is_mask, kept, known, mistake, numpy_index, parse, refuse
from glassgrad.ops.view import broadcast_shape, embed, sliced

_INDEX = "a position is a whole number, not differentiable"


def _fill(template: Any, indices: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index as NumPy takes it, its arrays put in."""
    arrays = iter(indices)
    return tuple(next(arrays) if entry == "array" else entry for entry in numpy_index(template))


def _taken(shape: tuple[int, ...], indices: tuple[Any, ...], template: Any) -> tuple[int, ...]:
    """The shape that an advanced index takes out of an array, by NumPy's rules."""
    for i in indices:
        if i.dtype.kind not in "iu":
            raise OperandError(f"an index must hold whole numbers, not {i.dtype}")
    try:
        common = np.broadcast_shapes(*[tuple(i.shape) for i in indices])
    except ValueError:
        shapes = ", ".join(str(tuple(i.shape)) for i in indices)
        raise ShapeError(f"index arrays of shapes {shapes} do not broadcast") from None
    advanced = [k for k, entry in enumerate(template) if entry == "array" or isinstance(entry, int)]
    sizes: list[int] = []
    front, axis = 0, 0
    for k, entry in enumerate(template):
        if k == advanced[0] and advanced[-1] - advanced[0] == len(advanced) - 1:
            front = len(sizes)
        if entry is None:
            sizes.append(1)
            continue
        if isinstance(entry, tuple):
            sizes.append(len(range(*slice(*entry).indices(shape[axis]))))
        axis += 1
    return (*sizes[:front], *common, *sizes[front:], *shape[axis:])


def _scattered(x: Any, *indices: Any, template: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, x.dtype)
    np.add.at(out, _fill(template, indices), x)
    return out


def _scattered_shape(x: Any, *indices: Any, template: Any, shape: tuple[int, ...]) -> Spec:
    if _taken(shape, indices, template) != tuple(x.shape):
        raise ShapeError(
            f"values of shape {tuple(x.shape)} do not fit the index, which takes {_taken(shape, indices, template)}"
        )
    return Spec(shape, x.dtype)


def _index_cases(rng: np.random.Generator) -> list[tuple[tuple[int, ...], tuple[Any, ...], Any]]:
    """Shapes, index arrays and templates: repeats, negatives, mixed with slices, new axes and numbers."""
    i, j, k = np.array([0, 2, 0]), np.array([[1], [-1]]), np.array([1, 0])
    return [
        ((3,), (i,), ("array",)),
        ((3, 2), (i,), ("array", WHOLE)),
        ((2, 3), (j,), (WHOLE, "array")),
        ((3, 2), (i, np.array([1, 1, 0])), ("array", "array")),
        ((2, 3), (j, i), ("array", "array")),
        ((2, 3, 2), (k, k), ("array", (0, 3, 2), "array")),
        ((2, 3, 2), (k,), (1, WHOLE, "array")),
        ((2, 2, 2), (k,), (WHOLE, 0, "array")),
        ((2, 3), (k,), (None, "array", (2, None, -1))),
        ((3,), (np.array(1),), ("array",)),
        ((3,), (np.zeros((0,), int),), ("array",)),
    ]


def _gather_cases(rng: np.random.Generator) -> list[Case]:
    return [((rng.normal(size=s), *i), {"template": t}) for s, i, t in _index_cases(rng)]


def _scatter_cases(rng: np.random.Generator) -> list[Case]:
    return [
        ((rng.normal(size=_taken(s, i, t)), *i), {"template": t, "shape": s}) for s, i, t in _index_cases(rng)
    ]  # fmt: skip


gather = Op(
    "gather",
    shape=lambda x, *indices, template: Spec(_taken(x.shape, indices, template), x.dtype),
    forward=lambda x, *indices, template: x[_fill(template, indices)],
    gradients=lambda index, g, out, x, *indices, template: scatter(
        g, *indices, template=template, shape=tuple(x.shape)
    ),
    explain=Explanation("x[i]", "adds the upstream gradient up where it was looked up", "routes", ("1",)),
    cases=_gather_cases,
    kind="gather",
)
scatter = Op(
    "scatter_add",
    shape=_scattered_shape,
    forward=_scattered,
    gradients=lambda index, g, out, x, *indices, template, shape: gather(g, *indices, template=template),
    explain=Explanation(
        r"y[i] \mathrel{+}= x", "hands each value the upstream gradient of the place it was added to", "routes", ("1",)
    ),
    cases=_scatter_cases,
    kind="gather",
)


def getitem(x: Any, index: Any) -> Any:
    """``x[index]`` with NumPy's rules: slices, integers, ..., None, and arrays of integers or truth values.

    Raises
    ------
    IndexRangeError
        When an index is outside the array, or of a wrong kind.
    ValueMissingError
        For a mask that has no value because it is traced.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x = gg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> print(x[:, -1].value, x[x > 1].value)
    [2. 4.] [2. 3. 4.]
    """
    x = shaped(x)
    template, arrays = parse(index, x)
    return gather(x, *arrays, template=template) if arrays else sliced(x, index=template)


def scatter_add(x: Any, index: Any, values: Any) -> Any:
    """``x`` with values added at an index; where places repeat, all are added. Nothing is changed in place.

    Parameters
    ----------
    x : Tensor or array_like
        What is added to.
    index : index
        Anything ``x[index]`` takes.
    values : Tensor or array_like
        What is added; broadcasts to the shape of ``x[index]``.

    Returns
    -------
    Tensor or ndarray
        The sum, in the shape and dtype of `x`.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(gg.scatter_add(gg.tensor(np.zeros(3)), [0, 2, 0], [1.0, 2.0, 3.0]).value)
    [4. 0. 2.]
    """
    x, values = shaped(x), shaped(values)
    template, arrays = parse(index, x)
    if values.dtype != x.dtype:
        if not np.can_cast(values.dtype, x.dtype, "same_kind"):
            raise mistake(OperandError, f"{values.dtype} cannot be added to {x.dtype}: cast one first", x, values)
        values = values.astype(x.dtype)
    taken = _taken(x.shape, arrays, template) if arrays else sliced.shape(x, index=template).shape
    if tuple(values.shape) != taken:
        broadcast_shape.shape(values, shape=taken)
        values = broadcast_shape(values, shape=taken)
    if arrays:
        return x + scatter(values, *arrays, template=template, shape=tuple(x.shape))
    return x + embed(values, index=template, shape=tuple(x.shape))


@answers(np.take)
def take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Any:
    """Elements at the given positions along an axis, or of all elements when flattened.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.take(gg.tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0], axis=0).value)
    [[3. 4.]
     [3. 4.]
     [1. 2.]]
    """
    refuse("np.take", out=out)
    a = shaped(a)
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    axis = axis_of(axis, a)
    i = entry_of(indices, a) if indices is not None else None
    if i is None or i is Ellipsis or isinstance(i, slice) or is_mask(i):
        raise mistake(OperandError, f"np.take needs whole numbers, not {indices!r}", a)
    n = a.shape[axis]
    if mode == "wrap":
        i = np.remainder(i, n)
    elif mode == "clip":
        i = np.clip(i, 0, n - 1)
    elif mode != "raise":
        raise mistake(UnsupportedError, f"np.take has no mode '{mode}': use raise, wrap or clip", a)
    return getitem(a, (slice(None),) * axis + (i,))


def _along_cases(rng: np.random.Generator) -> list[Case]:
    i, j = np.array([[0, 2], [1, 1]]), np.array([[1, 0, 1]])
    return [
        ((rng.normal(size=(2, 3)), i), {"axis": 1}),
        ((rng.normal(size=(2, 3)), j), {"axis": 0}),
        ((rng.normal(size=(3,)), np.array([2, 2])), {"axis": None}),
    ]


@composition("x[i]", "adds the upstream gradient up where it was looked up", _along_cases, (np.take_along_axis,))
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """Elements of each row (along `axis`) at positions that are given for each row.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> x = gg.tensor([[3.0, 1.0], [2.0, 4.0]])
    >>> print(np.take_along_axis(x, np.array([[1], [0]]), axis=1).value)
    [[1.]
     [2.]]
    """
    arr, indices = shaped(arr), shaped(indices)
    if axis is None:
        arr, axis = np.reshape(arr, (-1,)), 0
    axis = axis_of(axis, arr)
    if len(indices.shape) != len(arr.shape) or indices.dtype.kind not in "iu":
        raise mistake(
            ShapeError if indices.dtype.kind in "iu" else OperandError,
            "np.take_along_axis needs whole numbers with as many axes as the array",
            arr,
            indices,
        )
    places = [
        indices if i == axis else np.reshape(np.arange(n), kept((n,) * len(arr.shape), _others(i, len(arr.shape))))
        for i, n in enumerate(arr.shape)
    ]
    return gather(arr, *places, template=("array",) * len(places))


def _others(axis: int, ndim: int) -> tuple[int, ...]:
    return tuple(i for i in range(ndim) if i != axis)


argsort_axis = Op(
    "argsort",
    shape=lambda x, axis: Spec(tuple(x.shape), np.dtype(np.intp)),
    forward=lambda x, axis: np.argsort(x, axis=axis, kind="stable"),
    gradients=(_INDEX,),
    explain=Explanation(r"\mathrm{argsort}\,x", "tells the order of the elements; ties keep theirs", "blocks"),
    cases=lambda rng: [((rng.normal(size=s),), {"axis": a}) for s, a in (((3,), 0), ((2, 3), 0), ((2, 3), 1))],
    kind="library",
)
search = Op(
    "searchsorted",
    shape=lambda x, y, side: Spec(tuple(y.shape), np.dtype(np.intp)),
    forward=lambda x, y, side: np.searchsorted(x, y, side=side),
    gradients=(_INDEX, _INDEX),
    explain=Explanation(r"\#\{i : x_{i} < y\}", "tells where values belong in a sorted row", "blocks"),
    cases=lambda rng: [
        ((np.sort(rng.normal(size=4)), rng.normal(size=s)), {"side": d})
        for s in ((), (3,), (2, 2))
        for d in ("left", "right")
    ],
    kind="library",
)


@answers(np.argsort)
def argsort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Any:
    """Positions that would sort along an axis; always stable; no gradient.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.argsort(gg.tensor([3.0, 1.0, 2.0])).value)
    [1 2 0]
    """
    refuse("np.argsort", order=order)
    a = shaped(a)
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    return argsort_axis(a, axis=axis_of(axis, a))


def _sort_cases(rng: np.random.Generator) -> list[Case]:
    return [((rng.normal(size=s),), {"axis": a}) for s, a in (((3,), -1), ((2, 3), 0), ((2, 3), None), ((2, 1, 2), 2))]


@composition(
    r"\mathrm{sort}\,x", "hands the upstream gradient back to where each element stood", _sort_cases, (np.sort,)
)
def sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Any:
    """Elements in rising order along an axis.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.sort(gg.tensor([3.0, 1.0, 2.0])).value)
    [1. 2. 3.]
    """
    refuse("np.sort", order=order)
    a = shaped(a)
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    return take_along_axis(a, argsort(a, axis), axis)


@answers(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Positions at which values belong in a sorted row; no gradient.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.searchsorted(gg.tensor([1.0, 2.0, 3.0]), 2.5).value)
    2
    """
    refuse("np.searchsorted", sorter=sorter)
    a, v = shaped(a), shaped(v)
    if len(a.shape) != 1 or side not in ("left", "right"):
        raise mistake(ShapeError, "np.searchsorted needs one sorted row, and side 'left' or 'right'", a, v)
    return search(a, v, side=side)


@answers(np.nonzero)
def nonzero(a: Any) -> tuple[Any, ...]:
    """Positions of the elements that are not zero, one array for each axis; needs values; no gradient.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.nonzero(gg.tensor([0.0, 3.0, 4.0]))
    (array([1, 2]),)
    """
    a = shaped(a)
    values = known(a)
    if values is None:
        message = "how many elements are not zero is not known while the function is traced: use np.where"
        raise mistake(ValueMissingError, message, a)
    if not values.shape:
        raise mistake(ShapeError, "np.nonzero needs at least one axis", a)
    return np.nonzero(values)
