"""Gates that rearrange: reshape, transpose, broadcast_to, slice and embed, concatenate and split.

No number is computed here; the upstream gradient is moved back the way the values came.
`rearrange` has what is composed from them: stack, pad, roll, tile, repeat, diagonal and others.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError
from glassgrad.op import Explanation, Op, Spec, answers, promote, shaped
from glassgrad.ops.cases import drawn
from glassgrad.ops.normal import (
    WHOLE,
    Normal,
    axes_of,
    axis_of,
    indexed,
    mistake,
    numpy_index,
    part_of,
    refuse,
    shape_of,
)


def _reshaped(x: Any, shape: tuple[int, ...]) -> Spec:
    if math.prod(x.shape) != math.prod(shape):
        has, wants = math.prod(x.shape), math.prod(shape)
        raise ShapeError(f"cannot reshape {tuple(x.shape)} ({has} elements) into {shape} ({wants} elements)")
    return Spec(shape, x.dtype)


def _broadcasted(x: Any, shape: tuple[int, ...]) -> Spec:
    try:
        fits = np.broadcast_shapes(x.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"cannot broadcast {tuple(x.shape)} to {shape}: aligned on the right, each size must be equal or 1"
        )
    return Spec(shape, x.dtype)


reshape_to = Op(
    "reshape",
    shape=_reshaped,
    forward=lambda x, shape: np.reshape(x, shape),
    gradients=(lambda g, out, x, shape: np.reshape(g, x.shape),),
    explain=Explanation(r"\mathrm{reshape}(x)", "gives the upstream gradient the old shape back", "moves", ("1",)),
    cases=drawn(
        (((6,),), {"shape": (2, 3)}), (((2, 3),), {"shape": (3, 1, 2)}), (((),), {"shape": (1, 1)}),
        (((1, 1),), {"shape": ()}), (((2, 0),), {"shape": (0, 3)}),
    ),
    kind="view",
)  # fmt: skip
transpose_axes = Op(
    "transpose",
    shape=lambda x, axes: Spec(tuple(x.shape[i] for i in axes), x.dtype),
    forward=lambda x, axes: np.transpose(x, axes),
    gradients=(lambda g, out, x, axes: np.transpose(g, sorted(range(len(axes)), key=axes.__getitem__)),),
    explain=Explanation(r"x^{\top}", "transposes the upstream gradient back", "moves", ("1",)),
    cases=drawn(
        (((2, 3),), {"axes": (1, 0)}), (((2, 1, 3),), {"axes": (2, 0, 1)}), (((3,),), {"axes": (0,)}),
        (((),), {"axes": ()}),
    ),
    kind="view",
)  # fmt: skip
broadcast_shape = Op(
    "broadcast_to",
    shape=_broadcasted,
    forward=lambda x, shape: np.broadcast_to(x, shape),
    # the sweep sums over what was broadcast, for every gate
    gradients=(lambda g, out, x, shape: g,),
    explain=Explanation(
        r"\mathrm{broadcast}(x)", "sums the upstream gradient over the copies", "distributes", ("1",)
    ),
    cases=drawn(
        (((3,),), {"shape": (2, 3)}), (((2, 1),), {"shape": (2, 3)}), (((),), {"shape": (2, 2)}),
        (((1, 3),), {"shape": (2, 2, 3)}), (((2,),), {"shape": (2,)}),
    ),
    kind="view",
)  # fmt: skip


def _embedded(g: Any, index: Normal, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, g.dtype)
    out[numpy_index(index)] = g
    return out


def _embedded_shape(x: Any, index: Normal, shape: tuple[int, ...]) -> Spec:
    if indexed(shape, index) != tuple(x.shape):
        raise ShapeError(f"shape {tuple(x.shape)} does not fit into {indexed(shape, index)}, index {index} of {shape}")
    return Spec(shape, x.dtype)


_INDICES: tuple[tuple[tuple[int, ...], Normal], ...] = (
    ((3,), (1,)),
    ((4,), ((0, 3, 2),)),
    ((4,), ((3, None, -2),)),
    ((2, 3), (WHOLE, (1, 3, 1))),
    ((2, 3), (None, 1, WHOLE, None)),
    ((2, 3), (WHOLE, (2, 2, 1))),
    ((2, 3), ()),
    ((), (None,)),
)

sliced = Op(
    "slice",
    shape=lambda x, index: Spec(indexed(x.shape, index), x.dtype),
    forward=lambda x, index: x[numpy_index(index)],
    gradients=(lambda g, out, x, index: embed(g, index=index, shape=tuple(x.shape)),),
    explain=Explanation("x[i:j]", "puts the upstream gradient back in its place among zeros", "moves", ("1",)),
    cases=lambda rng: [((rng.normal(size=s),), {"index": i}) for s, i in _INDICES],
    kind="view",
)
embed = Op(
    "embed",
    shape=_embedded_shape,
    forward=_embedded,
    gradients=(lambda g, out, x, index, shape: sliced(g, index=index),),
    explain=Explanation(
        r"0 \ldots x \ldots 0", "takes its part of the upstream gradient; the zeros around learn nothing", "moves",
        ("1",),
    ),
    cases=lambda rng: [((rng.normal(size=indexed(s, i)),), {"index": i, "shape": s}) for s, i in _INDICES],
    kind="view",
)  # fmt: skip


def _joined(*xs: Any, axis: int) -> Spec:
    first = tuple(xs[0].shape)
    for x in xs:
        if len(x.shape) != len(first) or any(
            n != m for i, (n, m) in enumerate(zip(x.shape, first, strict=True)) if i != axis
        ):
            shapes = ", ".join(str(tuple(x.shape)) for x in xs)
            raise ShapeError(
                f"cannot concatenate along axis {axis}: all other sizes must be equal, and shapes are {shapes}"
            )
    total = sum(x.shape[axis] for x in xs)
    return Spec((*first[:axis], total, *first[axis + 1 :]), promote(*xs))


def _own_part(index: int, g: Any, out: Any, *xs: Any, axis: int) -> Any:
    start = sum(x.shape[axis] for x in xs[:index])
    part = part_of(start, start + xs[index].shape[axis], 1, axis, len(g.shape))
    return sliced(g, index=part)


concatenate_axis = Op(
    "concatenate",
    shape=_joined,
    forward=lambda *xs, axis: np.concatenate(xs, axis=axis),
    gradients=_own_part,
    explain=Explanation(r"(x, y, \ldots)", "hands each operand its own part of the upstream gradient", "moves", ("1",)),
    cases=drawn(
        (((2,), (3,)), {"axis": 0}), (((2, 1), (2, 2), (2, 1)), {"axis": 1}), (((1, 2), (2, 2)), {"axis": 0}),
        (((0, 2), (1, 2)), {"axis": 0}), (((3,),), {"axis": 0}),
    ),
    kind="view",
)  # fmt: skip


def _split_shapes(x: Any, axis: int, cuts: tuple[int, ...]) -> tuple[Spec, ...]:
    n = x.shape[axis]
    sizes = [b - a for a, b in zip((0, *cuts), (*cuts, n), strict=True)]
    return tuple(Spec((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype) for size in sizes)


split_at = Op(
    "split",
    shape=_split_shapes,
    forward=lambda x, axis, cuts: tuple(np.split(x, cuts, axis)),
    gradients=(lambda g, out, x, axis, cuts: np.concatenate(g, axis=axis),),
    explain=Explanation(r"x \to (x_{1}, x_{2}, \ldots)", "joins the upstream gradients of the parts", "moves", ("1",)),
    cases=drawn(
        (((5,),), {"axis": 0, "cuts": (2, 3)}), (((2, 3),), {"axis": 1, "cuts": (1,)}),
        (((2, 2),), {"axis": 0, "cuts": ()}), (((3,),), {"axis": 0, "cuts": (0, 3)}),
    ),
    kind="view",
)  # fmt: skip


@answers(np.reshape)
def reshape(a: Any, shape: Any = None, order: str = "C", *, copy: bool | None = None) -> Any:
    """The same elements in another shape; one size may be -1, which means "what is left".

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.reshape(gg.tensor([1.0, 2.0, 3.0, 4.0]), (2, -1)).value)
    [[1. 2.]
     [3. 4.]]
    """
    refuse("np.reshape", order=None if order == "C" else order)
    a = shaped(a)
    sizes = shape_of(shape)
    if -1 in sizes:
        at = sizes.index(-1)
        others = math.prod(sizes[:at] + sizes[at + 1 :])
        size = math.prod(a.shape)
        if others <= 0 or size % others:
            raise mistake(ShapeError, f"cannot reshape {tuple(a.shape)} ({size} elements) into {sizes}", a)
        sizes = (*sizes[:at], size // others, *sizes[at + 1 :])
    return a if sizes == tuple(a.shape) else reshape_to(a, shape=sizes)


@answers(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """All elements in one row.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.ravel(gg.tensor([[1.0, 2.0], [3.0, 4.0]])).value)
    [1. 2. 3. 4.]
    """
    return reshape(a, (math.prod(shaped(a).shape),), order)


@answers(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    """The axes in another order, reversed by default.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.transpose(gg.tensor(np.ones((2, 3)))).shape
    (3, 2)
    """
    a = shaped(a)
    order = tuple(range(len(a.shape)))[::-1] if axes is None else axes_of(tuple(axes), a)
    if len(order) != len(a.shape):
        raise mistake(ShapeError, f"transpose needs each of {len(a.shape)} axes once, not {axes}", a)
    return transpose_axes(a, axes=order)


@answers(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """The array repeated to fill a larger shape, without copying.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.broadcast_to(gg.tensor([1.0, 2.0]), (2, 2)).value)
    [[1. 2.]
     [1. 2.]]
    """
    return broadcast_shape(shaped(array), shape=shape_of(shape))


@answers(np.concatenate)
def concatenate(
    arrays: Sequence[Any], /, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """Arrays joined along an axis they have; flattened first where axis is None.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.concatenate([gg.tensor([1.0]), np.array([2.0, 3.0])]).value)
    [1. 2. 3.]
    """
    refuse("np.concatenate", out=out)
    xs = [shaped(x) for x in arrays]
    if not xs:
        raise mistake(ShapeError, "there is nothing to join: np.concatenate needs at least one array")
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    if not xs[0].shape:
        raise mistake(ShapeError, "scalars cannot be concatenated: use np.stack", *xs)
    if dtype is not None:
        xs = [x if x.dtype == np.dtype(dtype) else x.astype(dtype) for x in xs]
    return concatenate_axis(*xs, axis=axis_of(axis, xs[0]))


@answers(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """An array cut into equal sections, or before each of the given indices.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> x, y = np.split(gg.tensor([1.0, 2.0, 3.0]), [1])
    >>> print(x.value, y.value)
    [1.] [2. 3.]
    """
    ary = shaped(ary)
    if not hasattr(indices_or_sections, "__len__"):
        n, sections = ary.shape[axis_of(axis, ary)], operator.index(indices_or_sections)
        if sections < 1 or n % sections:
            raise mistake(ShapeError, f"{n} does not divide into {sections} equal sections: use np.array_split", ary)
    return array_split(ary, indices_or_sections, axis)


@answers(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As `split`, but sections may differ by one in size.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> [x.shape for x in np.array_split(gg.tensor([1.0, 2.0, 3.0]), 2)]
    [(2,), (1,)]
    """
    ary = shaped(ary)
    axis = axis_of(axis, ary)
    n = ary.shape[axis]
    if hasattr(indices_or_sections, "__len__"):
        given = shape_of(tuple(indices_or_sections))
        cuts = [i if i >= 0 else i + n for i in given]
        cuts = [0 if i < 0 else n if i > n else i for i in cuts]
    else:
        sections = operator.index(indices_or_sections)
        if sections < 1:
            raise mistake(ShapeError, f"the number of sections must be at least 1, not {sections}", ary)
        each, extra = divmod(n, sections)
        cuts = [each * i + (i if i < extra else extra) for i in range(1, sections)]
    if cuts == sorted(cuts):
        return list(split_at(ary, axis=axis, cuts=tuple(cuts)))
    starts, stops = [0, *cuts], [*cuts, n]
    return [sliced(ary, index=part_of(a, b, 1, axis, len(ary.shape))) for a, b in zip(starts, stops, strict=True)]
