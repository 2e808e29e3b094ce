"""Wire: one value in a graph and the gate that made it; topological order; what is being recorded."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable
from contextlib import ContextDecorator
from types import CodeType
from typing import Any

import numpy as np

from glassgrad.errors import Location
from glassgrad.op import Op, Spec

next_serial = itertools.count(1).__next__


class Group:
    """A named set of wires made together: a composition (softmax) or a layer (``0.Linear``)."""

    __slots__ = ("name", "parent", "serial")

    def __init__(self, name: str, parent: Group | None) -> None:
        self.name, self.parent, self.serial = name, parent, next_serial()

    @property
    def path(self) -> tuple[Group, ...]:
        """From the outermost group to this one."""
        path: list[Group] = []
        group: Group | None = self
        while group is not None:
            path.append(group)
            group = group.parent
        return tuple(reversed(path))

    def __repr__(self) -> str:
        return f"<group {'/'.join(g.name for g in self.path)}>"


class Recording:
    """What new wires are marked with; one for each thread, changed only through `marked`.

    ``enabled``: whether gates are recorded. ``group``, ``origin``: see `Wire`. ``names``: the names of
    arrays (by id) that a function was called with. ``key``: the random key of the layers that draw,
    while training, and ``draws`` how many have drawn.
    """

    __slots__ = ("draws", "enabled", "group", "key", "names", "origin")

    def __init__(self) -> None:
        self.enabled = True
        self.group: Group | None = None
        self.origin: Wire | None = None
        self.names: dict[int, str] | None = None
        self.key: Any = None
        self.draws = 0


class _Threads(threading.local):
    def __init__(self) -> None:
        self.recording = Recording()


threads = _Threads()
"""``threads.recording`` is the `Recording` of the thread that asks."""


NO_PARAMS: dict[str, Any] = {}
"""The static parameters of every gate that has none."""


class Wire:
    """One value in a computational graph.

    ``op`` is the gate that made it (none for a leaf), ``operands`` the wires that went in and
    ``params`` the gate's static parameters. ``serial`` counts wires in the order they were made,
    which is a topological order. ``active``: a gradient can reach a leaf through this wire.
    ``origin``: the forward wire whose gradient rule made this one, in graphs of gradients.
    ``changed``: the serial number at which a parameter last got a new value, 0 for all else.
    """

    __slots__ = (
        "__weakref__", "_code", "_grad", "_lasti", "_value", "active", "changed", "dtype", "group", "name", "op",
        "operands", "origin", "params", "parts", "serial", "shape", "weak",
    )  # fmt: skip

    op: Op | None
    operands: tuple[Any, ...]
    params: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    weak: bool
    parts: tuple[Spec, ...] | None
    name: str | None
    group: Group | None
    origin: Wire | None
    active: bool
    serial: int
    changed: int
    _value: Any
    _grad: Any
    _code: CodeType | None
    _lasti: int

    @property
    def location(self) -> Location | None:
        """The line that asked for this wire."""
        return None if self._code is None else Location(self._code, self._lasti)

    @location.setter
    def location(self, location: Location | None) -> None:
        self._code, self._lasti = (None, 0) if location is None else (location.code, location.lasti)

    @property
    def spec(self) -> Spec:
        """Shape and dtype."""
        return Spec(self.shape, self.dtype, self.weak)


def topological(outputs: Iterable[Wire], stop: Iterable[Wire] = (), active: bool = False) -> list[Wire]:
    """Every wire below `outputs`, operands before results.

    A wire is made after its operands, so sorting by serial number is a topological order. The walk
    keeps its own stack: a million gates need no recursion.

    Parameters
    ----------
    outputs : iterable of Wire
        Where the walk starts.
    stop : iterable of Wire
        Wires that are included but not walked through.
    active : bool
        Walk only wires through which a gradient flows.
    """
    found: dict[int, Wire] = {}
    walls = {w.serial for w in stop}
    stack = [w for w in outputs if w.active or not active]
    while stack:
        wire = stack.pop()
        serial = wire.serial
        if serial in found:
            continue
        found[serial] = wire
        if serial in walls:
            continue
        for x in wire.operands:
            if (x.active or not active) and x.serial not in found:
                stack.append(x)
    return [found[serial] for serial in sorted(found)]


class marked:  # noqa: N801 used as a function in with-statements
    """Set fields of `recording` inside a with-statement, and put back what was there. Each serves one at a time."""

    __slots__ = ("marks",)

    def __init__(self, **marks: Any) -> None:
        self.marks = marks

    def __enter__(self) -> None:
        self._exchange()

    def __exit__(self, *_: object) -> None:
        self._exchange()

    def _exchange(self) -> None:
        recording = threads.recording
        for name, mark in self.marks.items():
            self.marks[name] = getattr(recording, name)
            setattr(recording, name, mark)


def group(name: str) -> marked:
    """Mark the wires made inside a with-statement as one named group."""
    return marked(group=Group(name, threads.recording.group))


def open_group(name: str) -> Recording:
    """Open a group in this thread; who opens it sets `Recording.group` back to its parent."""
    recording = threads.recording
    recording.group = Group(name, recording.group)
    return recording


class no_grad(ContextDecorator):  # noqa: N801 used as a function in with-statements
    """Compute without recording: tensors made inside are constants. Also a decorator, ``@no_grad()``.

    Examples
    --------
    >>> import glassgrad as gg
    >>> w = gg.tensor(2.0, "w")
    >>> with gg.no_grad():
    ...     y = w * 3
    >>> y.active
    False
    """

    def __init__(self) -> None:
        self._outer: list[bool] = []

    def __enter__(self) -> None:
        self._outer.append(threads.recording.enabled)
        threads.recording.enabled = False

    def __exit__(self, *_: object) -> None:
        threads.recording.enabled = self._outer.pop()

    def _recreate_cm(self) -> no_grad:
        """One for each call of a decorated function, as threads may run it at once."""
        return no_grad()
