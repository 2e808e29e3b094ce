"""Loops over the axes of views, and how values are read from them and written to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.native.builder import Builder
from glassgrad.native.emit import I8, I64, POINTER, type_of, vector
from glassgrad.native.math import Math
from glassgrad.native.plan import Plan
from glassgrad.native.target import Target
from glassgrad.native.team import Place, Team
from glassgrad.native.views import View

_BOOL = np.dtype(bool)


class Walks:
    """Walks over the memory of a plan, in a function that is being written.

    `table` is the table of the buffers' addresses: the arena's first, then one for each buffer.
    """

    def __init__(self, b: Math, table: Any, plan: Plan, target: Target, team: Team | None = None) -> None:
        self.b, self.table, self.plan, self.target, self.team = b, table, plan, target, team
        self.shared = False
        self.bases: dict[int, Any] = {}
        self.room = 0

    def place(self, view: View) -> Place:
        """The memory of a view's buffer; places in the arena are used by several."""
        buffer = self.plan.buffers[view.buffer]
        if buffer.kind == "arena":
            return "arena", buffer.offset, buffer.offset + buffer.bytes
        return view.buffer, 0, 1

    def base(self, view: View) -> Any:
        """The address of a view's buffer."""
        if view.buffer not in self.bases:
            buffer, b = self.plan.buffers[view.buffer], self.b
            slot = 0 if buffer.kind == "arena" else view.buffer + 1
            address = b.load(b.at(self.table, slot, POINTER), POINTER)
            self.bases[view.buffer] = b.at(address, buffer.offset, I8) if not slot else address
        return self.bases[view.buffer]

    def _lanes(self, dtypes: Sequence[np.dtype[Any]], inner: int) -> int:
        """Lanes that fill a vector register with the widest of the dtypes, no more than the axis can use."""
        widest = max((d.itemsize for d in dtypes if d != _BOOL), default=1)
        lanes = max(1, self.target.vector_bytes // widest)
        while lanes > 1 and lanes // 2 >= inner:
            lanes //= 2
        return lanes

    def _nest(self, sizes: Sequence[int], body: Callable[[list[Any]], None]) -> None:
        """Loops over the axes, the last one innermost."""
        cut = self.team.share(sizes[0]) if self.team is not None and self.shared and sizes else None

        def go(depth: int, places: list[Any]) -> None:
            if depth == len(sizes):
                body(places)
                return
            start, stop = cut if cut is not None and not depth else (0, sizes[depth])
            with self.b.loop(start, stop) as i:
                go(depth + 1, [*places, i])

        go(0, [])

    def _along(self, n: int, lanes: int, body: Callable[[Any, int, Any], None], alone: bool) -> None:
        """``body(i, lanes, mask)`` along one axis: whole vectors, then the rest under a mask.

        `alone`: there is no other loop around, so a team cuts this one.
        """
        whole = n - n % lanes
        if alone and self.team is not None and self.shared:
            start, stop = self.team.share(whole // lanes)
            wide = self.b.index(lanes)
            with self.b.loop(self.b.mul(start, wide), self.b.mul(stop, wide), lanes) as i:
                body(i, lanes, None)
            if n % lanes:
                with self.team.last():
                    body(whole, lanes, self.b.first_lanes(n % lanes, lanes))
            return
        if whole == lanes:
            body(0, lanes, None)
        elif whole:
            with self.b.loop(0, whole, lanes) as i:
                body(i, lanes, None)
        if n % lanes:
            body(whole, lanes, self.b.first_lanes(n % lanes, lanes))

    def operation(self, name: str) -> Callable[[Any, Any], Any]:
        """How a reduction joins two values."""
        b = self.b
        return {"sum": b.add, "mean": b.add, "max": b.maximum, "min": b.minimum}[name]

    def _times(self, i: Any, stride: int) -> Any:
        if isinstance(i, int):
            return i * stride
        return i if stride == 1 else self.b.mul(i, self.b.index(stride))

    def _address(self, view: View, strides: Sequence[int], places: Sequence[Any]) -> Any:
        """The address of the element at these places of the outer axes."""
        b, element = self.b, type_of(view.dtype)
        address = b.at(self.base(view), view.offset, element)
        for place, stride in zip(places, strides, strict=False):
            if stride:
                address = b.at(address, self._times(place, stride), element)
        return address

    def _read(self, address: Any, view: View, width: int, mask: Any = None) -> Any:
        """A value of a view, or a vector of neighbours."""
        return read(self.b, address, view.dtype, width, mask)

    def note(self, wrong: Any) -> None:
        """Set the flag at the end of the table where a condition holds: the program then runs as NumPy does."""
        b, flag = self.b, self.b.at(self.table, len(self.plan.buffers) + 1, I64)
        with b.when(wrong):
            b.store(b.index(1), flag)

    def _write(self, x: Any, address: Any, view: View, mask: Any = None) -> None:
        write(self.b, x, address, view.dtype, mask)


def read(b: Builder, address: Any, dtype: np.dtype[Any], width: int, mask: Any = None) -> Any:
    """A value, or a vector of neighbours; truth values are stored as bytes and held as bits."""
    kind = vector(type_of(dtype), width)
    x = b.load(address, kind) if mask is None else b.load_masked(address, kind, mask)
    return b.compare("!=", x, b.const(0, kind)) if dtype == _BOOL else x


def write(b: Builder, x: Any, address: Any, dtype: np.dtype[Any], mask: Any) -> None:
    """Write a value, or the lanes of a mask of a vector."""
    if dtype == _BOOL:
        x = b.widen(x, type_of(dtype), signed=False)
    if mask is None:
        b.store(x, address)
    else:
        b.store_masked(x, address, mask)
