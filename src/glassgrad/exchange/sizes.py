"""Graphs whose first axis may have any number of rows: sizes as a straight line in that number.

A graph is traced for fixed shapes. Traced for three numbers of rows, gate by gate, it shows which sizes (of
wires, and in the parameters of gates) are the same in all of them and which grow with the rows: each such
size is ``times · rows + plus``, found from two traces and proved by the third.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.errors import UnsupportedError
from glassgrad.graphs import Graph, trace
from glassgrad.op import Spec

COUNTS = (13, 23, 37)
"""Numbers of rows that a function is traced for: unlikely widths, so that no other size is taken for them."""


@dataclass(frozen=True, slots=True)
class Size:
    """A size that depends on the number of rows: ``times · rows + plus``."""

    times: int
    plus: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """The constant 0, 1, 2, … along the one axis that is not 1."""

    dims: tuple[int | Size, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A constant number that grows with the rows."""

    size: Size
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A constant that is the same in every row."""

    one: np.ndarray[Any, Any]
    dims: tuple[int | Size, ...]


@dataclass(frozen=True)
class OpenGraph:
    """A graph with the sizes that it has for any number of rows.

    Attributes
    ----------
    graph : Graph
        The graph for one number of rows.
    dims : dict
        For every wire's serial number its shape: numbers and `Size`.
    params : dict
        For every gate's serial number its parameters, with `Size` where they depend on the rows.
    constants : dict
        For every leaf that is no input its value: an array, `Count`, `Number` or `Repeated`.
    """

    graph: Graph
    dims: dict[int, tuple[int | Size, ...]]
    params: dict[int, dict[str, Any]]
    constants: dict[int, Any]


def closed(graph: Graph) -> OpenGraph:
    """A graph with the shapes it has."""
    inputs = {w.serial for w in graph.inputs}
    return OpenGraph(
        graph,
        {w.serial: tuple(w.shape) for w in graph.wires},
        {w.serial: w.params for w in graph.gates},
        {w.serial: _value(w) for w in graph.wires if w.op is None and w.serial not in inputs},
    )


def opened(f: Callable[..., Any], columns: Sequence[tuple[tuple[int, ...], Any]]) -> OpenGraph:
    """The graph of a function for any number of rows.

    Parameters
    ----------
    f : callable
        A function of arrays whose first axis are the rows.
    columns : sequence of (shape, dtype)
        What each argument is: the shape of one row, and the dtype.

    Raises
    ------
    UnsupportedError
        Where the function does something else for other numbers of rows, or holds a constant that depends on them.

    Examples
    --------
    >>> import numpy as np
    >>> graph = opened(lambda x: np.reshape(x, (-1, 2)), [((6,), np.float32)])
    >>> graph.dims[graph.graph.outputs[0].serial]
    (Size(times=3, plus=0), 2)
    """
    graphs = [trace(f, *[Spec((n, *shape), np.dtype(t)) for shape, t in columns], values=False) for n in COUNTS]
    first = graphs[0]
    orders = [_ordered(graph) for graph in graphs]
    if len({_outline(g, order) for g, order in zip(graphs, orders, strict=True)}) > 1:
        raise UnsupportedError(
            "the function takes other gates for other numbers of rows, so there is no one graph for all of them; "
            "write it without asking for the number of rows"
        )
    inputs = {w.serial for w in first.inputs}
    dims: dict[int, tuple[int | Size, ...]] = {}
    params: dict[int, dict[str, Any]] = {}
    constants: dict[int, Any] = {}
    for wires in zip(*orders, strict=True):
        wire = wires[0]
        name = first.name(wire)
        dims[wire.serial] = _line([tuple(w.shape) for w in wires], name)
        if wire.serial in inputs:
            continue
        if wire.op is None:
            constants[wire.serial] = _constant([_value(w) for w in wires], dims[wire.serial], name)
        else:
            params[wire.serial] = {k: _line([w.params[k] for w in wires], name) for k in wire.params}
    return OpenGraph(first, dims, params, constants)


def _value(wire: Any) -> np.ndarray[Any, Any]:
    return np.asarray(wire._value)


def _ordered(graph: Graph) -> list[Any]:
    """Inputs, then gates as they were made, each after the leaves that it is the first to use."""
    found = {w.serial: w for w in graph.inputs}
    for gate in [*graph.gates, *graph.outputs]:
        found.update({x.serial: x for x in (*gate.operands, gate) if x.serial not in found})
    return list(found.values())


def _outline(graph: Graph, order: Sequence[Any]) -> tuple[Any, ...]:
    """The gates of a graph and what goes into what."""
    places = {w.serial: i for i, w in enumerate(order)}
    wires = tuple((None if w.op is None else w.op.name, tuple(places[x.serial] for x in w.operands)) for w in order)
    return (wires, tuple(places[w.serial] for w in graph.outputs))


def _line(values: Sequence[Any], name: str) -> Any:
    """What several traces say of one thing, each number of it as a line in the number of rows."""
    first = values[0]
    if isinstance(first, tuple) and all(isinstance(v, tuple) and len(v) == len(first) for v in values):
        return tuple(_line(parts, name) for parts in zip(*values, strict=True))
    if all(type(v) is type(first) and v == first for v in values):
        return first
    if all(type(v) is int for v in values):
        times, left = divmod(values[1] - values[0], COUNTS[1] - COUNTS[0])
        plus = values[0] - times * COUNTS[0]
        if not left and values[2] == times * COUNTS[2] + plus:
            return Size(times, plus)
    raise UnsupportedError(
        f"{name} depends on the number of rows as {', '.join(map(str, values))} for {', '.join(map(str, COUNTS))} "
        "rows do, which is no straight line"
    )


def _constant(values: Sequence[np.ndarray[Any, Any]], dims: tuple[int | Size, ...], name: str) -> Any:
    """A constant that is the same for any number of rows, or what it is in terms of them."""
    first = values[0]
    if not any(isinstance(d, Size) for d in dims):
        if all(v.tobytes() == first.tobytes() for v in values):
            return first
        numbers = [v.item() for v in values if not v.shape]
        if numbers and all(float(n).is_integer() for n in numbers):
            line = _line([int(n) for n in numbers], name)
            return Number(line, first.dtype)
    elif all(v.size == max(v.shape) and np.array_equal(v.ravel(), np.arange(v.size)) for v in values):
        return Count(dims)
    else:
        one = first[tuple(slice(0, 1) if isinstance(d, Size) else slice(None) for d in dims)]
        if all(np.array_equal(np.broadcast_to(one, v.shape), v) for v in values):
            return Repeated(one, dims)
    raise UnsupportedError(f"the constant {name} depends on the number of rows, which is known only when it is run")
