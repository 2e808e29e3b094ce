"""What is composed from views: stack, pad, roll, tile, repeat, diagonals and triangles."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError, UnsupportedError
from glassgrad.op import Case, answers, composition, shaped
from glassgrad.ops.cases import drawn
from glassgrad.ops.normal import axes_of, axis_of, mistake, part_of, refuse, shape_of
from glassgrad.ops.view import broadcast_shape, embed, sliced

_JOIN = "hands each operand its own part of the upstream gradient"


def _of_lists(*rows: tuple[tuple[tuple[int, ...], ...], dict[str, Any]]) -> Any:
    """Cases of functions that take a list of arrays, given by their shapes."""

    def make(rng: np.random.Generator) -> list[Case]:
        return [(([rng.normal(size=s) for s in shapes],), params) for shapes, params in rows]

    return make


@answers(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Each array with at least one axis; several come back as a tuple."""
    xs = [shaped(x) for x in arys]
    done = tuple(x if x.shape else np.reshape(x, (1,)) for x in xs)
    return done[0] if len(done) == 1 else done


@answers(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Each array with at least two axes, new ones in front; several come back as a tuple."""
    xs = [shaped(x) for x in arys]
    done = tuple(x if len(x.shape) > 1 else np.reshape(x, (1, *(x.shape or (1,)))) for x in xs)
    return done[0] if len(done) == 1 else done


@composition(r"(x, y, \ldots)", _JOIN, _of_lists((((2,), (2,)), {"axis": 1}), (((), (), ()), {})), (np.stack,))
def stack(arrays: Sequence[Any], axis: int = 0, out: Any = None) -> Any:
    """Arrays of one shape joined along a new axis.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.stack([gg.tensor(1.0), gg.tensor(2.0)]).value)
    [1. 2.]
    """
    refuse("np.stack", out=out)
    xs = [shaped(x) for x in arrays]
    if not xs:
        raise mistake(ShapeError, "there is nothing to join: np.stack needs at least one array")
    if any(tuple(x.shape) != tuple(xs[0].shape) for x in xs):
        raise mistake(ShapeError, "np.stack needs arrays of one shape", *xs)
    return np.concatenate([np.expand_dims(x, axis) for x in xs], axis=axis)


@composition(r"(x; y; \ldots)", _JOIN, _of_lists((((2,), (1, 2)), {}), (((1, 2), (2, 2)), {})), (np.vstack,))
def vstack(tup: Sequence[Any]) -> Any:
    """Arrays joined as rows.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.vstack([gg.tensor([1.0, 2.0]), np.zeros((3, 2))]).shape
    (4, 2)
    """
    return np.concatenate([atleast_2d(x) for x in tup], axis=0)


@composition(r"(x, y, \ldots)", _JOIN, _of_lists((((2,), ()), {}), (((2, 1), (2, 2)), {})), (np.hstack,))
def hstack(tup: Sequence[Any]) -> Any:
    """Arrays joined along the second axis, or the first where they have only one.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.hstack([gg.tensor([[1.0], [2.0]]), np.zeros((2, 3))]).shape
    (2, 4)
    """
    xs = [atleast_1d(x) for x in tup]
    return np.concatenate(xs, axis=0 if xs and len(xs[0].shape) == 1 else 1)


@composition(
    r"(x, y, \ldots)", _JOIN, _of_lists((((2,), (2,)), {}), (((2,), (2, 2)), {})), (np.column_stack,)
)  # fmt: skip
def column_stack(tup: Sequence[Any]) -> Any:
    """Arrays joined as columns.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.column_stack([gg.tensor([1.0, 2.0]), np.zeros(2)]).shape
    (2, 2)
    """
    xs = [shaped(x) for x in tup]
    columns = [x if len(x.shape) > 1 else np.reshape(x, (math.prod(x.shape), 1)) for x in xs]
    return np.concatenate(columns, axis=1)


_PADS = [
    (((3,),), {"pad_width": 2}), (((2, 2),), {"pad_width": ((0, 1), (2, 0)), "constant_values": 3.0}),
    (((3,),), {"pad_width": (1, 4), "mode": "edge"}), (((3,),), {"pad_width": 4, "mode": "reflect"}),
    (((2, 2),), {"pad_width": ((1, 0), (0, 3)), "mode": "symmetric"}), (((3,),), {"pad_width": 4, "mode": "wrap"}),
]  # fmt: skip


@composition(r"\mathrm{pad}(x)", "cuts the padding off the upstream gradient", drawn(*_PADS), (np.pad,))
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """An array with a border: constant, or filled by "edge", "reflect", "symmetric" or "wrap".

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.pad(gg.tensor([1.0, 2.0]), 1).value)
    [0. 1. 2. 0.]
    """
    array = shaped(array)
    try:
        widths = [shape_of(pair) for pair in np.broadcast_to(pad_width, (len(array.shape), 2))]
    except ValueError:
        widths = [(-1, -1)]
    if any(n < 0 for pair in widths for n in pair):
        raise mistake(ShapeError, f"pad_width must be a pair (before, after) for each axis, not {pad_width}", array)
    if mode == "constant":
        places = tuple((before, before + n, 1) for (before, _), n in zip(widths, array.shape, strict=True))
        shape = tuple(before + n + after for (before, after), n in zip(widths, array.shape, strict=True))
        x = embed(array, index=places, shape=shape)
        if not np.any(constant_values):
            return x
        return x + np.pad(np.zeros(array.shape, array.dtype), widths, constant_values=constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise mistake(
            UnsupportedError, f"np.pad has no mode '{mode}' here: use constant, edge, reflect, symmetric or wrap", array
        )
    for axis, (before, after) in enumerate(widths):
        if before or after:
            places = np.pad(np.arange(array.shape[axis]), (before, after), mode=mode)  # pyright: ignore[reportCallIssue, reportArgumentType]
            array = np.take(array, places, axis=axis)
    return array


_ROLLS = [
    (((4,),), {"shift": 1}), (((2, 3),), {"shift": -2}), (((2, 3),), {"shift": 4, "axis": 1}),
    (((2, 3),), {"shift": (1, 2), "axis": (0, 1)}), (((3,),), {"shift": 3, "axis": 0}),
]  # fmt: skip


@composition(r"x_{(i - s) \bmod n}", "rolls the upstream gradient back", drawn(*_ROLLS), (np.roll,))
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved along an axis; those that fall off the end come in at the start.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.roll(gg.tensor([1.0, 2.0, 3.0]), 1).value)
    [3. 1. 2.]
    """
    a = shaped(a)
    if axis is None:
        return np.reshape(roll(np.reshape(a, (math.prod(a.shape),)), sum(shape_of(shift)), 0), a.shape)
    axes = [axis_of(i, a) for i in (axis if isinstance(axis, tuple | list) else (axis,))]
    pairs = np.broadcast_arrays(shape_of(shift), axes)
    shifts = dict.fromkeys(axes, 0)
    for step, i in zip(*(pair.tolist() for pair in pairs), strict=True):
        shifts[i] += step
    x = a
    for i, step in shifts.items():
        n = x.shape[i]
        if n and step % n:
            cut, ndim = n - step % n, len(x.shape)
            ends = sliced(x, index=part_of(cut, n, 1, i, ndim)), sliced(x, index=part_of(0, cut, 1, i, ndim))
            x = np.concatenate(ends, axis=i)
    return x


_TILES = [(((2,),), {"reps": 2}), (((2, 1),), {"reps": (1, 3)}), (((2,),), {"reps": (2, 2)}), (((1, 2),), {"reps": 2})]


@composition(r"(x, x, \ldots)", "sums the upstream gradient over the copies", drawn(*_TILES), (np.tile,))
def tile(A: Any, reps: Any) -> Any:
    """The whole array repeated along its axes, as tiles.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.tile(gg.tensor([1.0, 2.0]), 2).value)
    [1. 2. 1. 2.]
    """
    A, counts = shaped(A), shape_of(reps)
    ndim = max(len(counts), len(A.shape))
    counts = (1,) * (ndim - len(counts)) + counts
    sizes = (1,) * (ndim - len(A.shape)) + tuple(A.shape)
    single = tuple(n for size in sizes for n in (1, size))
    copies = tuple(n for count, size in zip(counts, sizes, strict=True) for n in (count, size))
    whole = tuple(count * size for count, size in zip(counts, sizes, strict=True))
    return np.reshape(np.broadcast_to(np.reshape(A, single), copies), whole)


_REPEATS = [
    (((2,),), {"repeats": 2}), (((2, 2),), {"repeats": 3, "axis": 0}), (((2, 2),), {"repeats": 2}),
    (((3,),), {"repeats": [1, 0, 2], "axis": 0}),
]  # fmt: skip


@composition(
    r"(x_{1}, x_{1}, x_{2}, \ldots)", "sums the upstream gradient over the copies", drawn(*_REPEATS), (np.repeat,)
)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated, a fixed number of times or a number of its own.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.repeat(gg.tensor([1.0, 2.0]), 2).value)
    [1. 1. 2. 2.]
    """
    a = shaped(a)
    if axis is None:
        a, axis = np.reshape(a, (math.prod(a.shape),)), 0
    axis = axis_of(axis, a)
    counts = shape_of(repeats)
    if len(counts) == 1:
        copied = (*a.shape[: axis + 1], counts[0], *a.shape[axis + 1 :])
        result = (*a.shape[:axis], a.shape[axis] * counts[0], *a.shape[axis + 1 :])
        return np.reshape(np.broadcast_to(np.expand_dims(a, axis + 1), copied), result)
    if len(counts) != a.shape[axis]:
        raise mistake(ShapeError, f"np.repeat needs one count or {a.shape[axis]}, not {len(counts)}", a)
    return np.take(a, np.repeat(np.arange(a.shape[axis]), counts), axis=axis)


_DIAGONALS = [
    (((2, 3),), {}), (((3, 2),), {"offset": 1}), (((3, 2),), {"offset": -1}), (((2, 2, 3),), {"axis1": 2, "axis2": 0}),
    (((2, 2),), {"offset": 2}),
]  # fmt: skip


@composition(r"x_{ii}", "puts the upstream gradient on the diagonal of zeros", drawn(*_DIAGONALS), (np.diagonal,))
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Diagonal over two axes, as the last axis of the result.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.diagonal(gg.tensor([[1.0, 2.0], [3.0, 4.0]])).value)
    [1. 4.]
    """
    a = shaped(a)
    if len(a.shape) < 2:
        raise mistake(ShapeError, "a diagonal needs at least two axes", a)
    i, j = axes_of((axis1, axis2), a)
    x = np.moveaxis(a, (i, j), (-2, -1))
    n, m = x.shape[-2:]
    flat = np.reshape(x, (*x.shape[:-2], n * m))
    count = max(0, min(n, m - offset) if offset >= 0 else min(n + offset, m))
    start = (offset if offset >= 0 else -offset * m) if count else 0
    stop = start + (count - 1) * (m + 1) + 1 if count else 0
    return sliced(flat, index=part_of(start, stop, m + 1, len(flat.shape) - 1, len(flat.shape)))


_DIAGS = [(((2,),), {}), (((2,),), {"k": 1}), (((2,),), {"k": -1}), (((2, 3),), {"k": 1})]


@composition(r"\mathrm{diag}(x)", "moves the upstream gradient between diagonal and row", drawn(*_DIAGS), (np.diag,))
def diag(v: Any, k: int = 0) -> Any:
    """Diagonal of a matrix, or the matrix with a row as its diagonal.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.diag(gg.tensor([1.0, 2.0])).value)
    [[1. 0.]
     [0. 2.]]
    """
    v, k = shaped(v), operator.index(k)
    if len(v.shape) == 2:
        return np.diagonal(v, k)
    if len(v.shape) != 1:
        raise mistake(ShapeError, "np.diag needs a row or a matrix", v)
    n = v.shape[0] + abs(k)
    start = k if k >= 0 else -k * n
    place = (start, start + (v.shape[0] - 1) * (n + 1) + 1, n + 1) if v.shape[0] else (0, 0, 1)
    return np.reshape(embed(v, index=(place,), shape=(n * n,)), (n, n))


@composition(r"\sum_{i} x_{ii}", "hands the upstream gradient to the diagonal", drawn(*_DIAGONALS), (np.trace,))
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    """Sum of a diagonal over two axes.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.trace(gg.tensor([[1.0, 2.0], [3.0, 4.0]])).value)
    5.0
    """
    refuse("np.trace", out=out)
    return np.sum(np.diagonal(shaped(a), offset, axis1, axis2), axis=-1, dtype=dtype)


def _triangle(name: str, m: Any, inside: Any) -> Any:
    if len(m.shape) < 2:
        raise mistake(ShapeError, f"np.{name} needs at least two axes", m)
    return np.where(inside, m, np.zeros((), m.dtype))


_TRIANGLES = [(((2, 3),), {}), (((3, 2),), {"k": 1}), (((2, 2, 2),), {"k": -1})]


@composition(r"x_{ij} [j \le i]", "lets the lower triangle of the gradient through", drawn(*_TRIANGLES), (np.tril,))
def tril(m: Any, k: int = 0) -> Any:
    """Lower triangle of the last two axes; zeros above diagonal `k`.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.tril(gg.tensor([[1.0, 2.0], [3.0, 4.0]])).value)
    [[1. 0.]
     [3. 4.]]
    """
    m = shaped(m)
    return _triangle("tril", m, np.tri(*m.shape[-2:], k=k, dtype=bool))


@composition(r"x_{ij} [j \ge i]", "lets the upper triangle of the gradient through", drawn(*_TRIANGLES), (np.triu,))
def triu(m: Any, k: int = 0) -> Any:
    """Upper triangle of the last two axes; zeros below diagonal `k`.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.triu(gg.tensor([[1.0, 2.0], [3.0, 4.0]])).value)
    [[1. 2.]
     [0. 4.]]
    """
    m = shaped(m)
    return _triangle("triu", m, ~np.tri(*m.shape[-2:], k=k - 1, dtype=bool))


@answers(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """All arrays in their common shape."""
    xs = [shaped(x) for x in args]
    try:
        shape = np.broadcast_shapes(*[tuple(x.shape) for x in xs])
    except ValueError:
        raise mistake(ShapeError, "shapes do not broadcast", *xs) from None
    return tuple(broadcast_shape(x, shape=shape) for x in xs)


@answers(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """The order of the elements reversed along the axes, all by default.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.flip(gg.tensor([1.0, 2.0, 3.0])).value)
    [3. 2. 1.]
    """
    m = shaped(m)
    axes = axes_of(axis, m)
    return sliced(m, index=tuple((None, None, -1 if i in axes else None) for i in range(len(m.shape))))


@answers(np.fliplr)
def fliplr(m: Any) -> Any:
    """Left and right exchanged: `flip` along axis 1."""
    return flip(m, 1)


@answers(np.flipud)
def flipud(m: Any) -> Any:
    """Up and down exchanged: `flip` along axis 0."""
    return flip(m, 0)
