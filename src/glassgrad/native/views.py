"""A View: the elements of a buffer that a wire is made of. Reshaping, transposing and slicing move nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides, in elements, of an array whose last axis lies closest."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


@dataclass(frozen=True, slots=True)
class View:
    """Element ``i, j, …`` is number ``offset + i * strides[0] + j * strides[1] + …`` of a buffer."""

    buffer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie side by side, in order."""
        return all(n == 1 or s == t for n, s, t in zip(self.shape, self.strides, row_major(self.shape), strict=True))

    def reshape(self, shape: tuple[int, ...]) -> View | None:
        """The same elements in another shape; None where they would have to move."""
        if self.contiguous:
            return replace(self, shape=shape, strides=row_major(shape))
        kept = [(n, s) for n, s in zip(self.shape, self.strides, strict=True) if n != 1]
        if [n for n in shape if n != 1] != [n for n, _ in kept]:
            return None
        steps = iter(s for _, s in kept)
        return replace(self, shape=shape, strides=tuple(next(steps) if n != 1 else 0 for n in shape))

    def transpose(self, axes: tuple[int, ...]) -> View:
        """The axes in another order."""
        return replace(self, shape=tuple(self.shape[a] for a in axes), strides=tuple(self.strides[a] for a in axes))

    def broadcast(self, shape: tuple[int, ...]) -> View:
        """Repeated along new axes and along axes of one element."""
        extra = len(shape) - len(self.shape)
        strides = (0,) * extra + tuple(
            0 if n == 1 and m != 1 else s for n, m, s in zip(self.shape, shape[extra:], self.strides, strict=True)
        )
        return replace(self, shape=shape, strides=strides)

    def slice(self, index: Sequence[Any]) -> View:
        """A basic index in normal form: whole numbers, triples ``(start, stop, step)``, None for a new axis."""
        shape, strides, offset, axis = [], [], self.offset, 0
        for entry in index:
            if entry is None:
                shape.append(1)
                strides.append(0)
                continue
            n, s = self.shape[axis], self.strides[axis]
            if isinstance(entry, tuple):
                places = range(*slice(*entry).indices(n))
                shape.append(len(places))
                strides.append(s * places.step)
                offset += s * places.start if len(places) else 0
            else:
                offset += s * (entry % n)
            axis += 1
        return replace(
            self,
            shape=(*shape, *self.shape[axis:]),
            strides=(*strides, *self.strides[axis:]),
            offset=offset,
        )

    def matrix(self) -> tuple[bool, int] | None:
        """How the last two axes are stored: whether by columns, and how many numbers from one row to the next.

        None where neither rows nor columns lie side by side.
        """
        (rows, columns), (down, across) = self.shape[-2:], self.strides[-2:]
        if (across == 1 or columns == 1) and (down >= columns or rows == 1):
            return False, max(down, columns) if rows > 1 else columns
        if (down == 1 or rows == 1) and (across >= rows or columns == 1):
            return True, max(across, rows) if columns > 1 else rows
        return None


def collapse(shape: tuple[int, ...], strides: Sequence[tuple[int, ...]]) -> tuple[list[int], list[list[int]]]:
    """Merge neighbouring axes that all of these views walk through in one stride, and drop axes of one element."""
    sizes: list[int] = []
    merged: list[list[int]] = [[] for _ in strides]
    for axis, n in enumerate(shape):
        if n == 1:
            continue
        if sizes and all(m[-1] == s[axis] * n for m, s in zip(merged, strides, strict=True)):
            sizes[-1] *= n
            for m, s in zip(merged, strides, strict=True):
                m[-1] = s[axis]
            continue
        sizes.append(n)
        for m, s in zip(merged, strides, strict=True):
            m.append(s[axis])
    return sizes, merged
