"""The axes of a loop nest: what its views move by along each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glassgrad.native.steps import Loop, folded
from glassgrad.native.views import View

Key = tuple[str, int]


@dataclass(frozen=True)
class Axis:
    """One axis of a nest, perhaps several of the arrays' axes that are walked through in one stride."""

    size: int
    summed: bool
    strides: dict[Key, int]


def spread(view: View, fold: Any) -> View:
    """A result as large as what it sums up: it does not move along the axes that are summed over."""
    shape, axes = fold.operands[0].shape, fold.params["axis"]
    if len(view.shape) == len(shape):
        strides = list(view.strides)
    else:
        left = iter(view.strides)
        strides = [0 if a in axes else next(left) for a in range(len(shape))]
    strides = [0 if a in axes else s for a, s in enumerate(strides)]
    return View(view.buffer, tuple(shape), tuple(strides), view.offset, view.dtype)


def collapsed(loop: Loop, views: dict[Key, View]) -> list[Axis]:
    """The loop's axes without those of one element; neighbours that all views walk through in one stride are one."""
    summed = folded(loop.folds[0]) if loop.folds else ()
    axes: list[Axis] = []
    for a, n in enumerate(loop.shape):
        if n == 1:
            continue
        now = Axis(n, a in summed, {k: v.strides[a] for k, v in views.items()})
        last = axes[-1] if axes else None
        if last and last.summed == now.summed and all(last.strides[k] == s * n for k, s in now.strides.items()):
            axes[-1] = Axis(last.size * n, now.summed, now.strides)
        else:
            axes.append(now)
    return axes
