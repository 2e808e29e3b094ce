"""What ONNX says for gates that rearrange, look up, sort and search."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.errors import UnsupportedError
from glassgrad.exchange.gates import Result, Rule
from glassgrad.exchange.nodes import Dims, Value, Writer
from glassgrad.exchange.sizes import Size
from glassgrad.ops.normal import WHOLE

_LAST, _FIRST = np.iinfo(np.int64).max, np.iinfo(np.int64).min + 1


def _reshape(w: Writer, out: Result, x: Value, shape: Dims) -> Value:
    return w.reshape(x, shape)


def _broadcast(w: Writer, out: Result, x: Value, shape: Dims) -> Value:
    return w.expand(x, shape)


def _concatenate(w: Writer, out: Result, *xs: Value, axis: int) -> Value:
    return w.node("Concat", *[x.cast(out.dtype) for x in xs], dtype=out.dtype, axis=axis)


def _split(w: Writer, out: Result, x: Value, axis: int, cuts: tuple[Any, ...]) -> list[Value]:
    edges = [0, *cuts, x.dims[axis]]
    parts = [WHOLE] * len(x.dims)
    return [_sliced(w, x, (*parts[:axis], (a, b, 1), *parts[axis + 1 :])) for a, b in itertools.pairwise(edges)]


def _sliced(w: Writer, x: Value, index: Any) -> Value:
    """A basic index: its slices, then its numbers and new axes."""
    entries = [e for e in index if e is not None]
    cut = [(axis, e) for axis, e in enumerate(entries) if e != WHOLE]
    if cut:
        starts, stops, steps = zip(*[e if isinstance(e, tuple) else (e, _after(e), 1) for _, e in cut], strict=True)
        steps = [1 if s is None else s for s in steps]
        starts = [(0 if d > 0 else _LAST) if s is None else s for s, d in zip(starts, steps, strict=True)]
        stops = [(_LAST if d > 0 else _FIRST) if s is None else s for s, d in zip(stops, steps, strict=True)]
        axes = [axis for axis, _ in cut]
        x = w.node("Slice", x, w.sizes(starts), w.sizes(stops), w.whole(axes), w.whole(steps), dtype=x.dtype)
    return _reaxed(w, x, index)


def _after(e: Any) -> Any:
    return replace(e, plus=e.plus + 1) if isinstance(e, Size) else e + 1


def _reaxed(w: Writer, x: Value, index: Any) -> Value:
    """Axes of numbers away, new axes in."""
    entries = [e for e in index if e is not None]
    gone = [axis for axis, e in enumerate(entries) if not isinstance(e, tuple)]
    if gone:
        x = w.node("Squeeze", x, w.whole(gone), dtype=x.dtype)
    left = [e for e in index if e is None or isinstance(e, tuple)]
    new = [i for i, e in enumerate(left) if e is None]
    return w.node("Unsqueeze", x, w.whole(new), dtype=x.dtype) if new else x


def _embed(w: Writer, out: Result, x: Value, index: Any, shape: Dims) -> Value:
    """Put among zeros: axis by axis, each place takes an element or the zero that is added at the end."""
    left = [e for e in index if e is None or isinstance(e, tuple)]
    new = [i for i, e in enumerate(left) if e is None]
    if new:
        x = w.node("Squeeze", x, w.whole(new), dtype=x.dtype)
    entries = [e for e in index if e is not None]
    gone = [axis for axis, e in enumerate(entries) if not isinstance(e, tuple)]
    if gone:
        x = w.node("Unsqueeze", x, w.whole(gone), dtype=x.dtype)
    for axis, e in enumerate(entries):
        if e == WHOLE:
            continue
        before, after = [0] * len(shape), [0] * len(shape)
        if isinstance(e, tuple) and e[2] in (1, None):
            before[axis] = e[0] or 0
            after[axis] = 0 if e[1] is None else _less(shape[axis], e[1])
            x = w.node("Pad", x, w.sizes([*before, *after]), w.constant(np.zeros((), x.dtype)), dtype=x.dtype)
            continue
        size = shape[axis]
        if isinstance(size, Size):
            raise UnsupportedError("rows are put among others one by one, which ONNX cannot say for any number of them")
        places = np.arange(size)[slice(*e) if isinstance(e, tuple) else slice(e, e + 1)]
        take = np.full(size, len(places), np.int64)
        take[places] = np.arange(len(places))
        after[axis] = 1
        padded = w.node("Pad", x, w.whole([*before, *after]), w.constant(np.zeros((), x.dtype)), dtype=x.dtype)
        x = w.node("Gather", padded, w.constant(take), dtype=x.dtype, axis=axis)
    return x


def _less(size: Any, stop: Any) -> Any:
    """What is left of an axis behind a slice."""
    n, m = (d if isinstance(d, Size) else Size(0, d) for d in (size, stop))
    left = Size(n.times - m.times, n.plus - m.plus)
    return left if left.times else left.plus


class _Lookup:
    """An advanced index: its arrays, and the axes of the array they look into.

    The axes are brought to the front, where GatherND and ScatterND want them.
    """

    def __init__(self, w: Writer, template: Any, indices: tuple[Value, ...], dims: Dims) -> None:
        self.w, self.template = w, template
        entries = [e for e in template if e is not None]
        entries += [WHOLE] * (len(dims) - len(entries))
        arrays = iter(indices)
        self.slices = tuple(e if isinstance(e, tuple) else WHOLE for e in entries)
        self.axes = [axis for axis, e in enumerate(entries) if not isinstance(e, tuple)]
        self.rest = [axis for axis in range(len(dims)) if axis not in self.axes]
        parts = [
            next(arrays) if entries[axis] == "array" else w.constant(np.int64(entries[axis])) for axis in self.axes
        ]
        self.common = max((len(p.dims) for p in parts), default=0)
        flat = [p.cast(np.int64) for p in parts]
        if len(flat) > 1:
            together = sum((p * 0 for p in flat[1:]), flat[0] * 0)
            shape = w.node("Shape", together, dtype=np.int64)
            flat = [w.node("Expand", p, shape, dtype=np.int64) for p in flat]
        stacked = [w.node("Unsqueeze", p, w.whole([-1]), dtype=np.int64) for p in flat]
        self.indices = w.node("Concat", *stacked, dtype=np.int64, axis=-1) if len(stacked) > 1 else stacked[0]
        places = [k for k, e in enumerate(template) if e == "array" or not (e is None or isinstance(e, tuple))]
        adjacent = places[-1] - places[0] == len(places) - 1
        self.front = sum(isinstance(e, tuple) for e in template[: places[0]]) if adjacent else 0
        news = [k for k, e in enumerate(template) if e is None]
        self.new = []
        for k in news:  # where a new axis stands in the result
            before = sum(e is None or isinstance(e, tuple) for e in template[:k])
            self.new.append(before + (self.common if (k > places[0] or not adjacent) else 0))

    def order(self) -> list[int]:
        """From (index axes, other axes) to NumPy's order of the result."""
        n, rest = self.common, len(self.rest)
        return [*range(n, n + self.front), *range(n), *range(n + self.front, n + rest)]


def _gather(w: Writer, out: Result, x: Value, *indices: Value, template: Any) -> Value:
    if template.count("array") == 1 and all(e in ("array", WHOLE) for e in template):
        return w.node("Gather", x, indices[0].cast(np.int64), dtype=x.dtype, axis=template.index("array"))
    look = _Lookup(w, template, indices, x.dims)
    cut = _sliced(w, x, look.slices)
    cut = w.transpose(cut, [*look.axes, *look.rest])
    found = w.transpose(w.node("GatherND", cut, look.indices, dtype=x.dtype), look.order())
    return w.node("Unsqueeze", found, w.whole(look.new), dtype=x.dtype) if look.new else found


def _scatter(w: Writer, out: Result, x: Value, *indices: Value, template: Any, shape: Dims) -> Value:
    look = _Lookup(w, template, indices, shape)
    if look.new:
        x = w.node("Squeeze", x, w.whole(look.new), dtype=x.dtype)
    order = look.order()
    x = w.transpose(x, [order.index(i) for i in range(len(order))])
    cut = [_cut(n, e) for n, e in zip(shape, look.slices, strict=True)]
    moved = [*look.axes, *look.rest]
    zeros = w.expand(w.constant(np.zeros((1,) * len(shape), x.dtype)), tuple(cut[i] for i in moved))
    added = w.node("ScatterND", zeros, look.indices, x, dtype=x.dtype, reduction="add")
    back = w.transpose(added, [moved.index(i) for i in range(len(moved))])
    return _embed(w, out, back, look.slices, shape)


def _cut(size: Any, entry: Any) -> Any:
    """How many elements a slice takes of an axis."""
    if entry == WHOLE:
        return size
    if isinstance(size, Size):
        raise UnsupportedError("rows are sliced and looked up at once, which ONNX cannot undo for any number of them")
    return len(range(*slice(*entry).indices(size)))


def _argsort(w: Writer, out: Result, x: Value, axis: int) -> Value:
    """TopK keeps the order of ties."""
    x = x.cast(np.int32) if x.dtype == np.bool_ else x
    count = w.sizes([x.dims[axis]])
    return w.several("TopK", (x, count), (x.dtype, np.int64), axis=axis, largest=0, sorted=1)[1]


def _searchsorted(w: Writer, out: Result, x: Value, y: Value, side: str) -> Value:
    """How many elements of the sorted row are less (or, on the right, not more)."""
    dtype = np.result_type(x.dtype, y.dtype)
    each = w.node("Unsqueeze", y.cast(dtype), w.whole([-1]), dtype=dtype)
    below = x.cast(dtype) < each if side == "left" else x.cast(dtype) <= each
    return w.node("ReduceSum", below.cast(np.int64), w.whole([-1]), dtype=np.int64, keepdims=0)


LAYOUT: dict[str, Rule] = {
    "reshape": _reshape,
    "transpose": lambda w, out, x, axes: w.transpose(x, axes),
    "broadcast_to": _broadcast,
    "slice": lambda w, out, x, index: _sliced(w, x, index),
    "embed": _embed,
    "concatenate": _concatenate,
    "split": _split,
    "gather": _gather,
    "scatter_add": _scatter,
    "argsort": _argsort,
    "searchsorted": _searchsorted,
}
"""For each gate that rearranges and that ONNX can say, how."""
