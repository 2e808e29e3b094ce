"""The room a program works in: an arena, a table of addresses, and places of its own for small inputs and outputs.

What is known of a room is known once: later runs write only what has changed into the table. A small input is
copied to its place, which is cheaper than asking where it lies, whatever its strides and byte order; a small
output is written to its place and copied out.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError
from glassgrad.native.plan import ALIGN, Plan
from glassgrad.native.views import View
from glassgrad.parameters import Parameter

SMALL = 4096
"""Bytes up to which an input or output has a place in the room."""

_at, _addressof = ctypes.c_char.from_buffer, ctypes.addressof


def aligned(count: int) -> Any:
    """An array of bytes that starts where a vector register is read from at once."""
    raw = np.empty(count + ALIGN, np.uint8)
    skip = -address(raw) % ALIGN
    return raw[skip : skip + count]


def zeros(size: int, dtype: Any) -> Any:
    """So many zeros, where a vector register is read from at once."""
    made = aligned(size * dtype.itemsize).view(dtype)
    made[:] = 0
    return made


def address(array: Any) -> int:
    """Where an array's numbers lie."""
    if array.flags.carray and array.nbytes:
        return _addressof(_at(array))  # a tenth of the time
    return array.__array_interface__["data"][0]


def side_by_side(value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A value as machine code reads it: this shape and dtype, aligned, element after element."""
    if type(value) is not np.ndarray or value.dtype is not dtype or not value.flags.carray:
        value = np.require(value, dtype, ["C", "A"])
    if value.shape != shape:
        raise ShapeError(f"a compiled program takes an array of shape {shape} here, not {value.shape}")
    return value


def seen(view: View, flat: Any) -> Any:
    """A view's numbers as a NumPy array, without a copy."""
    item = flat.dtype.itemsize
    shown: Any = np.ndarray(view.shape, flat.dtype, flat, view.offset * item, tuple([s * item for s in view.strides]))
    shown.flags.writeable = False
    return shown


class Room:
    """The memory of one run at a time.

    Attributes
    ----------
    table : array
        Addresses: of the arena, then of each buffer; last a word for indices out of range.
    start : int
        Where the table lies.
    arrays : list
        For each buffer its array, flat, where that stays the same from run to run; of a parameter the last value.
    places : list of (int, array)
        The inputs that have a place in the room: the input's number, and its place in the input's shape.
    results : list
        For each output an array that shows it in the room, or None where it is elsewhere.
    """

    __slots__ = ("_arena", "arrays", "places", "results", "start", "table")

    def __init__(self, plan: Plan, scratch: int) -> None:
        self._arena = aligned(plan.arena + scratch)
        self.table = np.zeros(len(plan.buffers) + 2, np.uintp)
        self.table[0], self.start = address(self._arena), address(self.table)
        self.arrays: list[Any] = [None] * len(plan.buffers)
        changing = {plan.views[w.serial].buffer for w in plan.graph.wires if isinstance(w, Parameter)}
        small = [
            i for i, b in enumerate(plan.buffers)
            if b.kind in ("input", "output") and b.bytes <= SMALL and i not in changing
        ]  # fmt: skip
        room = [-(-plan.buffers[i].bytes // ALIGN) * ALIGN for i in small]
        block, offset = aligned(sum(room)), 0
        for i, size in zip(small, room, strict=True):
            buffer = plan.buffers[i]
            self.arrays[i] = block[offset : offset + buffer.bytes].view(buffer.dtype)
            offset += size
        for i, buffer in enumerate(plan.buffers):
            if buffer.kind == "arena":
                self.arrays[i] = self._arena[buffer.offset : buffer.offset + buffer.bytes].view(buffer.dtype)
            elif buffer.kind == "constant" and i not in changing:
                self.arrays[i] = buffer.value.reshape(-1)
            if self.arrays[i] is not None and buffer.kind != "arena":
                self.table[i + 1] = address(self.arrays[i])
        inputs = [(k, w.shape, self.arrays[plan.views[w.serial].buffer]) for k, w in enumerate(plan.graph.inputs)]
        self.places = [(k, flat.reshape(shape)) for k, shape, flat in inputs if flat is not None]
        self.results = [self._result(plan.views.get(w.serial)) for w in plan.graph.outputs]

    def _result(self, view: View | None) -> Any:
        flat = None if view is None else self.arrays[view.buffer]
        return None if view is None or flat is None else seen(view, flat)
