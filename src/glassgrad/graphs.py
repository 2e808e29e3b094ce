"""Graph: the gates between inputs and outputs, readable, verifiable, and run gate by gate by NumPy."""

from __future__ import annotations

import inspect
import operator
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.displays import Shown, rendered
from glassgrad.errors import OperandError, ShapeError, spec_text, unknown
from glassgrad.op import Spec
from glassgrad.tensors import Tensor, constant, tensor, traced
from glassgrad.trees import flatten
from glassgrad.wire import Group, Wire, topological


class Graph(Shown):
    """The gates between inputs and outputs.

    Parameters
    ----------
    outputs : sequence of Tensor
        What the graph computes.
    inputs : sequence of Tensor, optional
        What it is computed from; by default every leaf that is not a plain constant, in the order made.

    Attributes
    ----------
    wires : list of Wire
        All wires, operands before results.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x, y = gg.tensor(3.0, "x"), gg.tensor(4.0, "y")
    >>> print(gg.Graph([(x * y).named("f")]))
    graph(x: float64, y: float64):
      f: float64 = multiply(x, y)  # ...:1
      return f
    """

    def __init__(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor] | None = None) -> None:
        self.outputs: list[Tensor] = list(outputs)
        given = list(inputs or ())
        self.wires: list[Any] = topological([*self.outputs, *given], stop=given)
        if inputs is None:
            inputs = [w for w in self.wires if w.op is None and (w.active or w._value is None)]
        self.inputs: list[Tensor] = list(inputs)
        self._out = {w.serial for w in self.outputs}
        self._names: dict[int, str] | None = None
        self._program: _Program | None = None
        self._consumers: dict[int, list[Any]] | None = None

    @property
    def gates(self) -> list[Any]:
        """The wires that a gate of this graph made."""
        inputs = {w.serial for w in self.inputs}
        return [w for w in self.wires if w.op is not None and w.serial not in inputs]

    @property
    def names(self) -> Mapping[int, str]:
        """A name for every wire, unique in this graph: the user's, or the gate's with a number."""
        if self._names is None:
            taken: set[str] = {w.name for w in self.wires if w.name}
            used: set[str] = set()
            counts: dict[str, int] = {}
            self._names = {}
            for wire in self.wires:
                name = wire.name
                if not name or name in used:
                    stem = name or (wire.op.name if wire.op is not None else "const")
                    while not name or name in taken or name in used:
                        counts[stem] = counts.get(stem, 0) + 1
                        name = f"{stem}_{counts[stem]}"
                used.add(name)
                self._names[wire.serial] = name
        return self._names

    def name(self, wire: Wire) -> str:
        """The name of a wire in this graph; Python numbers are their own names."""
        return repr(wire._value) if wire.weak and wire.op is None and not wire.name else self.names[wire.serial]

    def wire(self, name: str) -> Any:
        """The wire of this name."""
        for wire in self.wires:
            if self.names[wire.serial] == name:
                return wire
        raise unknown("wire", name, self.names.values())

    def consumers(self) -> dict[int, list[Any]]:
        """For every wire's serial number, the gates it goes into (twice where it goes in twice)."""
        result: dict[int, list[Any]] = {w.serial: [] for w in self.wires}
        for gate in self.gates:
            for x in gate.operands:
                result[x.serial].append(gate)
        return result

    def rows(self, fold: bool | Callable[[Group], bool] = False) -> list[Row]:
        """The gates in order, with groups folded into one row each where `fold` says so."""
        folds = fold if callable(fold) else (lambda group: bool(fold))
        rows: dict[int, Row] = {}
        for gate in self.gates:
            path = gate.group.path if gate.group is not None else ()
            folded = next((group for group in path if folds(group)), None)
            key = gate.serial if folded is None else folded.serial
            rows.setdefault(key, Row(folded, [])).gates.append(gate)
        return sorted(rows.values(), key=lambda row: row.gates[-1].serial)

    def results(self, row: Row) -> list[Any]:
        """The wires of a row that go out: used by another row, or an output of the graph."""
        if self._consumers is None:
            self._consumers = self.consumers()
        inside = {g.serial for g in row.gates}
        return [
            g
            for g in row.gates
            if g.serial in self._out or any(user.serial not in inside for user in self._consumers[g.serial])
        ]

    def verify(self) -> Graph:
        """Run every gate's shape rule again, and check that operands come before results.

        Raises
        ------
        ShapeError
            Where a wire's shape or dtype is not what its gate's rule says.
        """
        seen = {w.serial for w in self.wires if w.op is None} | {w.serial for w in self.inputs}
        for gate in self.gates:
            missing = [x for x in gate.operands if x.serial not in seen]
            if missing:
                raise ShapeError(f"{self.name(gate)} comes before its operand {missing[0].name or missing[0].serial}")
            spec = gate.op.shape(*gate.operands, **gate.params)
            got = gate.parts if gate.parts is not None else gate.spec
            for said, is_ in zip(*[s if isinstance(s, tuple) else (s,) for s in (spec, got)], strict=True):
                if (said.shape, said.dtype) != (is_.shape, is_.dtype):
                    raise ShapeError(
                        f"{self.name(gate)} = {gate.op.name}(…) is {spec_text(is_)}, "
                        f"but its shape rule says {spec_text(said)}"
                    )
            seen.add(gate.serial)
        return self

    def run(self, *values: Any) -> list[Any]:
        """Compute the outputs from new values of the inputs, gate by gate, with NumPy.

        Arrays that come back share no memory with those that went in.

        Raises
        ------
        ShapeError, OperandError
            When a value does not have its input's shape, or cannot be cast to its dtype.
        """
        fitted = self.fitted(values)
        if self._program is None:
            self._program = _Program(self)
        return self._program.run(fitted)

    def fitted(self, values: Sequence[Any]) -> list[Any]:
        """Values for the inputs, one each, of their shapes, and cast to their dtypes; the errors are those of `run`."""
        if len(values) != len(self.inputs):
            raise OperandError(f"the graph has {len(self.inputs)} inputs and got {len(values)} values")
        return [_fit(v, w, self.name(w)) for v, w in zip(values, self.inputs, strict=True)]

    def text(self, fold: bool | Callable[[Group], bool] = False) -> str:
        """The graph as lines, one a gate (or one a folded group)."""
        named = [f"{self.name(w)}: {spec_text(w)}" for w in self.inputs]
        lines = _wrapped("graph(", named, "):", 6)
        for row in self.rows(fold):
            last = row.gates[-1]
            made = [g for g in self.results(row) if g.parts is None] or [last]
            left = ", ".join(f"{self.name(g)}: {spec_text(g)}" for g in made)
            operands = ", ".join(self.name(x) for x in row.operands())
            if row.group is None:
                params = "".join(f", {k}={_short(v)}" for k, v in last.params.items())
                right = f"{last.op.name}({operands}{params})"
            else:
                right = f"{row.group.name}({operands})  [{len(row.gates)} gates]"
            where = f"  # {last.location}" if last.location is not None and last.origin is None else ""
            lines.append(f"  {left} = {right}{where}")
        lines += _wrapped("  return ", [self.name(w) for w in self.outputs], "", 9)
        return "\n".join(lines)

    def to_svg(self, **settings: Any) -> str:
        """The graph as a picture, an SVG file; `settings` are those of `glassgrad.draw`.

        Examples
        --------
        >>> import glassgrad as gg
        >>> x, y = gg.tensor(3.0, "x"), gg.tensor(4.0, "y")
        >>> gg.Graph([x * y]).to_svg()[:4]
        '<svg'
        """
        return rendered("to_svg", self, **settings)

    def __str__(self) -> str:
        return self.text(fold=len(self.gates) > 40)

    def __repr__(self) -> str:
        return f"<Graph of {len(self.gates)} gates, {len(self.inputs)} inputs, {len(self.outputs)} outputs>"

    def __len__(self) -> int:
        return len(self.gates)


class Row:
    """One line of a graph: a gate, or a folded group of gates."""

    __slots__ = ("gates", "group")

    def __init__(self, group: Group | None, gates: list[Any]) -> None:
        self.group, self.gates = group, gates

    def operands(self) -> list[Any]:
        """The wires that come in from outside, each once (twice where one gate uses it twice)."""
        if self.group is None:
            return list(self.gates[0].operands)
        inside = {g.serial for g in self.gates}
        found = {x.serial: x for g in self.gates for x in g.operands if x.serial not in inside}
        return [x for x in found.values() if not (x.op is None and x.weak and not x.name)]


def _wrapped(start: str, names: list[str], end: str, indent: int) -> list[str]:
    """A line that lists names, broken between them where it is long."""
    line = start + ", ".join(name.replace(" ", "\0") for name in names) + end
    broken = textwrap.wrap(line, 100, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    return [part.replace("\0", " ") for part in broken]


def _short(value: Any) -> str:
    text = "".join(str(value).split("\n"))
    return text if len(text) <= 40 else text[:37] + "…"


def _fit(value: Any, wire: Tensor, name: str) -> Any:
    """A value for an input: of its shape, cast to its dtype where that loses no kind of number."""
    array = np.asarray(value)
    if array.shape != wire.shape:
        raise ShapeError(f"input {name} is {spec_text(wire)}, and got shape {array.shape}")
    if array.dtype != wire.dtype:
        if not np.can_cast(array.dtype, wire.dtype, "same_kind"):
            raise OperandError(f"input {name} is {spec_text(wire)}, and got {array.dtype}")
        array = array.astype(wire.dtype)
    return array[()] if array.ndim == 0 else array


_FRESH = ("elementwise", "reduce", "scan")
"""Kinds of gates whose result is always a new array; an einsum, of the kind contract, may be a view."""


class _Program:
    """A graph flattened into calls on numbered slots, each slot cleared after its last use."""

    def __init__(self, graph: Graph) -> None:
        slot = {w.serial: i for i, w in enumerate(graph.wires)}
        self.size = len(graph.wires)
        self.inputs = [slot[w.serial] for w in graph.inputs]
        skip = {w.serial for w in graph.inputs}
        self.leaves = [(slot[w.serial], w) for w in graph.wires if w.op is None and w.serial not in skip]
        for _, leaf in self.leaves:
            if leaf._value is None:
                raise OperandError(
                    f"the graph depends on {leaf.name or 'a traced wire'}, which is not among its inputs"
                )
        keep = {slot[w.serial] for w in graph.outputs}
        last: dict[int, int] = {}
        for n, gate in enumerate(graph.gates):
            for x in gate.operands:
                last[slot[x.serial]] = n
        frees: dict[int, list[int]] = {}
        for i, n in last.items():
            if i not in keep:
                frees.setdefault(n, []).append(i)
        self.calls = [
            (gate.op.forward, [slot[x.serial] for x in gate.operands], gate.params, slot[gate.serial], frees.get(n, ()))
            for n, gate in enumerate(graph.gates)
        ]
        self.outputs = [slot[w.serial] for w in graph.outputs]
        outs = graph.outputs
        self.shared = [
            i
            for i, w in enumerate(outs)
            if w.op is None or w.serial in skip or w.op.kind not in _FRESH or any(w is x for x in outs[:i])
        ]

    def run(self, values: list[Any]) -> list[Any]:
        slots: list[Any] = [None] * self.size
        for i, leaf in self.leaves:
            slots[i] = leaf._value
        for i, value in zip(self.inputs, values, strict=True):
            slots[i] = value
        for forward, operands, params, result, free in self.calls:
            slots[result] = forward(*[slots[i] for i in operands], **params)
            for i in free:
                slots[i] = None
        outputs = [slots[i] for i in self.outputs]
        for i in self.shared:
            outputs[i] = outputs[i].copy() if type(outputs[i]) is np.ndarray else outputs[i]
        return outputs


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of a function's positional arguments, as far as its signature tells."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "arg")
    return [names[i] if i < len(names) else f"{rest}[{i - len(names)}]" for i in range(count)]


def positions(argnums: Any, args: Sequence[Any]) -> list[int]:
    """Which arguments to differentiate by, counted from the first; an error where `argnums` does not say that."""
    try:
        if isinstance(argnums, str | bool):
            raise TypeError
        nums = [operator.index(n) for n in (argnums if np.iterable(argnums) else (argnums,))]
    except TypeError:
        raise OperandError(f"argnums is the position of an argument, or several, not {argnums!r}") from None
    for n in nums:
        if not -len(args) <= n < len(args):
            raise OperandError(f"argnums={argnums} asks for argument {n}, but {len(args)} were given by position")
    found = [n % len(args) for n in nums]
    if len(set(found)) < len(found):
        raise OperandError(f"argnums={argnums} names an argument twice")
    return found


def trace(f: Callable[..., Any], *args: Any, values: bool = True) -> Graph:
    """Record the graph of a function at these arguments.

    Parameters
    ----------
    f : callable
        A function written in NumPy.
    *args : arrays, tensors or trees of them
        Where to trace it.
    values : bool
        Keep the values, so that every wire can be looked at; without, wires have shape and dtype only,
        and the graph holds for all values of those shapes.

    Returns
    -------
    Graph
        Its inputs are the leaves of `args`, its outputs those of the result.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> print(gg.trace(lambda x: np.sum(x * x), np.ones(3)).text().splitlines()[0])
    graph(x: float64[3]):
    """
    inputs: list[Tensor] = []
    wrapped = []
    for arg, name in zip(args, argument_names(f, len(args)), strict=True):
        leaves, names, rebuild = flatten(arg, name)
        made = [_input(leaf, n, values) for leaf, n in zip(leaves, names, strict=True)]
        inputs += made
        wrapped.append(rebuild(made))
    out, _, _ = flatten(f(*wrapped))
    return Graph([w if isinstance(w, Tensor) else constant(w) for w in out], inputs)


def _input(leaf: Any, name: str, values: bool) -> Tensor:
    if isinstance(leaf, Spec):
        return traced(leaf.shape, leaf.dtype, name, active=leaf.dtype.kind == "f")
    made = tensor(leaf.value if isinstance(leaf, Tensor) else leaf, name)
    return made if values else traced(made.shape, made.dtype, name, active=made.active)
