"""Rules on shapes: views that change nothing, views of views, and repetition that need not be written out.

All are exact, except two on sums that say so. A function of one number is taken to give the bits that it
gives inside an array.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from glassgrad.op import Op
from glassgrad.ops import OPS, arithmetic
from glassgrad.ops.arithmetic import multiply
from glassgrad.ops.logic import cast
from glassgrad.ops.normal import indexed, kept
from glassgrad.ops.reduce import max_axes, min_axes, sum_axes
from glassgrad.ops.view import broadcast_shape, concatenate_axis, embed, reshape_to, sliced, transpose_axes
from glassgrad.passes.rewrite import Rewriter, Rule, size
from glassgrad.tensors import constant

_MANTISSA = {"e": 11, "f": 24, "d": 53}


def _reshape(r: Rewriter, out: Any, x: Any, shape: tuple[int, ...]) -> Any:
    if x.shape == shape:
        return x
    if r.made_by(x, reshape_to):
        return r.gate(reshape_to, x.operands[0], shape=shape)
    return _repeated_number(r, x, shape)


def _transpose(r: Rewriter, out: Any, x: Any, axes: tuple[int, ...]) -> Any:
    if axes == tuple(range(len(axes))):
        return x
    if r.made_by(x, transpose_axes):
        first = x.params["axes"]
        return r.gate(transpose_axes, x.operands[0], axes=tuple([first[i] for i in axes]))
    return _repeated_number(r, x, out.shape)


def _repeated_number(r: Rewriter, x: Any, shape: tuple[int, ...]) -> Any:
    """One number repeated to a shape, where that is what is rearranged."""
    if r.made_by(x, broadcast_shape) and size(x.operands[0]) == 1:
        return r.gate(broadcast_shape, r.gate(reshape_to, x.operands[0], shape=()), shape=shape)
    return None


def _broadcast(r: Rewriter, out: Any, x: Any, shape: tuple[int, ...]) -> Any:
    if x.shape == shape:
        return x
    if r.made_by(x, broadcast_shape) or _leads(r, x):
        return r.gate(broadcast_shape, x.operands[0], shape=shape)
    if size(x) == size(out):
        return r.gate(reshape_to, x, shape=shape)
    return None


def _leads(r: Rewriter, x: Any) -> bool:
    """Whether a wire is a reshape that puts axes of size 1 in front, which broadcasting does anyway."""
    if not r.made_by(x, reshape_to):
        return False
    given = x.operands[0].shape
    return x.shape == (1,) * (len(x.shape) - len(given)) + given


def _whole(shape: tuple[int, ...], index: Any) -> bool:
    """Whether a basic index takes every element, in order."""
    sizes = iter(shape)
    for entry in index:
        if entry is None:
            continue
        n = next(sizes)
        if (range(n)[entry : entry + 1] if isinstance(entry, int) else range(n)[slice(*entry)]) != range(n):
            return False
    return True


def _slice(r: Rewriter, out: Any, x: Any, index: Any) -> Any:
    return r.gate(reshape_to, x, shape=out.shape) if _whole(x.shape, index) else None


def _embed(r: Rewriter, out: Any, x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    fits = _whole(shape, index) and indexed(shape, index) == x.shape
    return r.gate(reshape_to, x, shape=shape) if fits else None


def _concatenate(r: Rewriter, out: Any, *xs: Any, axis: int) -> Any:
    return xs[0] if len(xs) == 1 else None


def _cast(r: Rewriter, out: Any, x: Any, dtype: Any) -> Any:
    if x.dtype == out.dtype:
        return x
    if r.made_by(x, cast):
        first = x.operands[0]
        if _holds(first.dtype, x.dtype) and (out.dtype.kind == "f" or first.dtype.kind == "b"):
            return r.gate(cast, first, dtype=dtype)
        if _holds(first.dtype, x.dtype) and first.dtype == out.dtype:
            return first
    return None


def _holds(narrow: np.dtype[Any], wide: np.dtype[Any]) -> bool:
    """Whether every number of one dtype is a number of the other."""
    if narrow.kind in "iu" and wide.kind == "f":
        return 8 * narrow.itemsize <= _MANTISSA.get(wide.char, 0)
    return np.can_cast(narrow, wide, "safe")


def _sum(r: Rewriter, out: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """A sum over axes of size 1 is the operand; over copies of a number it is the number times their count.

    The first is exact but for −0, which NumPy's sum turns into +0. The second is rounded once where a
    sum of many is rounded often, so it differs in the last bits.
    """
    if x.dtype != out.dtype:
        return None
    if all(x.shape[i] == 1 for i in axis):
        return r.gate(reshape_to, x, shape=out.shape)
    if r.made_by(x, reshape_to) and len(axis) == len(x.shape):
        source = x.operands[0]
        if [n for n in source.shape if n != 1] == [n for n in x.shape if n != 1]:
            total = r.gate(sum_axes, source, axis=tuple(range(len(source.shape))), keepdims=False)
            return r.gate(reshape_to, total, shape=out.shape)
    if not r.made_by(x, broadcast_shape):
        return None
    source = x.operands[0]
    padded = (1,) * (len(x.shape) - len(source.shape)) + source.shape
    count = math.prod(x.shape[i] for i in axis)
    exact = x.dtype.kind in "iu" or count <= 1 << _MANTISSA.get(x.dtype.char, 0)
    if not count or not exact or any(padded[i] != 1 for i in axis):
        return None
    once = r.gate(reshape_to, source, shape=kept(padded, axis, keepdims))
    number = count if x.dtype.kind in "iu" else float(count)
    return r.gate(broadcast_shape, r.gate(multiply, once, number), shape=out.shape)


def _extreme(r: Rewriter, out: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return r.gate(reshape_to, x, shape=out.shape) if all(x.shape[i] == 1 for i in axis) else None


def _elementwise(op: Op, r: Rewriter, out: Any, *xs: Any, **params: Any) -> Any:
    """Repeat what an elementwise gate gives, not what it takes; and only where nothing repeats it anyway."""
    if all(x.weak or (x.op is not None and x.op is not broadcast_shape and x.op is not reshape_to) for x in xs):
        return None
    small: list[Any] = []
    for x in xs:
        source = x
        while r.made_by(source, broadcast_shape):
            source = source.operands[0]
        if source.op is None and source.shape != ():
            number = r.scalar(source)
            source = source if number is None else number
        if source.weak and source is not x:
            source = r.constant(np.asarray(source._value, x.dtype))
        small.append(source)
    shape = np.broadcast_shapes(*[x.shape for x in small])
    if shape == out.shape:
        for i, x in enumerate(small):
            if _leads(r, x):
                others = [y.shape for j, y in enumerate(small) if j != i]
                if np.broadcast_shapes(x.operands[0].shape, *others) == shape:
                    small[i] = x.operands[0]
    elif math.prod(shape) >= math.prod(out.shape):
        return None
    small = [_weak(r, x, small) for x in small]
    if all(x is y for x, y in zip(xs, small, strict=True)):
        return None
    return r.gate(broadcast_shape, r.gate(op, *small, **params), shape=out.shape)


def _weak(r: Rewriter, x: Any, operands: list[Any]) -> Any:
    """A constant number as the Python number it equals, where another operand has its dtype anyway: that reads well."""
    if x.op is not None or x.shape != () or x.weak or x.name or x.dtype.char not in "bBhHiIlLqQefd":
        return x
    partner = any(y.dtype == x.dtype and not y.weak and not r.is_constant(y) for y in operands)
    return constant(x._value.item()) if partner and r.is_constant(x) else x


VIEW_RULES: dict[Op, tuple[Rule, ...]] = {
    reshape_to: (_reshape,),
    transpose_axes: (_transpose,),
    broadcast_shape: (_broadcast,),
    sliced: (_slice,),
    embed: (_embed,),
    concatenate_axis: (_concatenate,),
    cast: (_cast,),
    sum_axes: (_sum,),
    max_axes: (_extreme,),
    min_axes: (_extreme,),
}
"""What is tried on gates that move numbers."""

# NumPy raises to a single number in another way than to an array of them, so powers keep their operands.
SPREAD_RULES: dict[Op, Rule] = {
    op: functools.partial(_elementwise, op)
    for op in OPS.values()
    if op.kind == "elementwise" and op is not arithmetic.power
}
"""What is tried on every elementwise gate."""
