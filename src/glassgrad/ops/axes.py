"""Axes exchanged, moved, dropped and added, by the gates of `view`."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.errors import ShapeError
from glassgrad.op import Spec, answers, shaped
from glassgrad.ops.normal import axes_of, axis_of, mistake
from glassgrad.ops.view import reshape_to, transpose_axes


@answers(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """The last two axes swapped."""
    return swapaxes(x, -1, -2)


@answers(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes swapped.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.swapaxes(gg.tensor(np.ones((2, 3, 4))), 0, 2).shape
    (4, 3, 2)
    """
    a = shaped(a)
    order = list(range(len(a.shape)))
    i, j = axis_of(axis1, a), axis_of(axis2, a)
    order[i], order[j] = j, i
    return transpose_axes(a, axes=tuple(order))


@answers(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Some axes moved to new places, the others kept in order.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.moveaxis(gg.tensor(np.ones((2, 3, 4))), 0, -1).shape
    (3, 4, 2)
    """
    a = shaped(a)
    here, there = axes_of(source, a), axes_of(destination, a)
    if len(here) != len(there):
        raise mistake(ShapeError, f"moveaxis needs as many destinations as sources: {source} to {destination}", a)
    order = [i for i in range(len(a.shape)) if i not in here]
    for place, axis in sorted(zip(there, here, strict=True)):
        order.insert(place, axis)
    return transpose_axes(a, axes=tuple(order))


@answers(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """Axes of size 1 removed: all of them, or those named.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.squeeze(gg.tensor(np.ones((1, 3, 1)))).shape
    (3,)
    """
    a = shaped(a)
    axes = tuple(i for i, n in enumerate(a.shape) if n == 1) if axis is None else axes_of(axis, a)
    if any(a.shape[i] != 1 for i in axes):
        raise mistake(ShapeError, f"cannot squeeze axis {axis}: its size is not 1", a)
    return reshape_to(a, shape=tuple(n for i, n in enumerate(a.shape) if i not in axes))


@answers(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """New axes of size 1, at the given places of the result.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> np.expand_dims(gg.tensor([1.0, 2.0]), 1).shape
    (2, 1)
    """
    a = shaped(a)
    count = len(axis) if isinstance(axis, tuple | list) else 1
    whole = Spec((1,) * (len(a.shape) + count), a.dtype)
    axes = axes_of(tuple(axis) if isinstance(axis, list) else axis, whole)
    sizes = iter(a.shape)
    return reshape_to(a, shape=tuple(1 if i in axes else next(sizes) for i in range(len(whole.shape))))
