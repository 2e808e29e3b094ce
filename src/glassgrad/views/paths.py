"""Paths: the gradient of one number as a sum over the ways from it to the loss."""

from __future__ import annotations

import html
import operator
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from glassgrad.errors import GradientError, OperandError, describe, spec_text
from glassgrad.graphs import Graph
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor
from glassgrad.views import formulas
from glassgrad.views.elements import flat
from glassgrad.views.numbers import number
from glassgrad.views.routes import Routes

LIMIT = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One gate on a path: from which number to which, and how fast the second moves with the first.

    ``wire`` and ``index`` say what is arrived at, ``formula`` is the local derivative in the names of the operands,
    where one is written down.
    """

    wire: str
    index: tuple[int, ...]
    gate: str
    local: float
    formula: str
    location: Any

    @property
    def name(self) -> str:
        """The wire's name, with the position for arrays."""
        return element(self.wire, self.index)


@dataclass(frozen=True, slots=True)
class Path:
    """One way from a parameter to the loss, and the product of the local derivatives along it."""

    start: str
    steps: tuple[Step, ...]
    product: float

    @property
    def wires(self) -> tuple[str, ...]:
        """The names of all wires passed, from the parameter to the loss."""
        return (self.start, *(step.name for step in self.steps))

    @property
    def local(self) -> tuple[float, ...]:
        """The local derivatives along the way; their product is `product`."""
        return tuple(step.local for step in self.steps)

    def __str__(self) -> str:
        return " ".join(self.parts)

    @property
    def parts(self) -> list[str]:
        """The path in words that belong together: the start, then an arrow with its local derivative and a wire."""
        return [self.start, *(f"─{_signed(number(s.local))}→ {s.name}" for s in self.steps)]


class Paths:
    """The gradient of one number, path by path: a sequence of `Path`, largest products first.

    Attributes
    ----------
    parameter, loss : str
        What the gradient is by, and of what.
    gradient : float
        The gradient that the engine's reverse sweep gives.
    count, open : int
        How many paths there are, and how many of them have a product other than 0 for want of a zero factor.
    listed : list of Path
        The largest.
    rest : float
        What all paths that are not listed amount to, so that the listed products and it sum to the gradient.
    """

    def __init__(
        self, parameter: str, loss: str, gradient: float, total: float, count: int, open_: int, listed: Sequence[Path],
        reason: str = "",
    ) -> None:  # fmt: skip
        self.parameter, self.loss, self.gradient, self.total = parameter, loss, gradient, total
        self.count, self.open, self.listed, self.reason = count, open_, list(listed), reason
        self.rest = total - sum(p.product for p in self.listed) if self.further else 0.0

    @property
    def further(self) -> int:
        """How many paths are not listed."""
        return self.count - len(self.listed)

    def __len__(self) -> int:
        return len(self.listed)

    def __iter__(self) -> Iterator[Path]:
        return iter(self.listed)

    def __getitem__(self, k: int) -> Path:
        return self.listed[k]

    @property
    def head(self) -> str:
        """What is summed, in a line."""
        what = f"∂{self.loss}/∂{self.parameter}"
        if not self.count:
            return f"{what} = 0: there is no path from {self.parameter} to {self.loss}"
        ways = "one path" if self.count == 1 else f"the sum over {counted(self.count)} paths"
        shut = self.count - self.open
        if shut:
            ways += (
                ", which is shut" if self.count == 1 else f", {counted(shut)} of them shut (a local derivative is 0)"
            )
        return f"{what} = {number(self.gradient)}, {ways}"

    @property
    def remainder(self) -> str:
        """What is not listed, in a line; empty where all is."""
        if not self.further:
            return ""
        paths = "one further path" if self.further == 1 else f"{counted(self.further)} further paths, together"
        return f"… {paths}{':' if self.further == 1 else ''} {number(self.rest)}"

    def text(self, width: int = 80) -> str:
        """The paths as lines of at most `width` characters."""
        lines = textwrap.wrap(self.head, width, subsequent_indent="  ")
        if self.reason:
            lines += textwrap.wrap(self.reason, width, initial_indent="  ", subsequent_indent="  ")
        if not self.count:
            return "\n".join(lines)
        products = [number(p.product) for p in self.listed]
        column = max([7, len(number(self.gradient)), *map(len, products)])
        indent = " " * (column + 3)
        title = "path, with the local derivative of each step"
        title = title if column + 3 + len(title) <= width else "path"
        lines += ["", f"{'product':>{column}}   {title}", "─" * width]
        for product, path in zip(products, self.listed, strict=True):
            lines += _filled(f"{product:>{column}}   ", path.parts, indent, width)
        if self.further:
            lines += textwrap.wrap(self.remainder, width, initial_indent=indent, subsequent_indent=indent)
        lines += ["─" * width, f"{number(self.gradient):>{column}}   = ∂{self.loss}/∂{self.parameter}"]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table for a notebook; the formula and the line of a local derivative show under the pointer."""
        rows = "".join(
            f"<tr><td>{number(p.product)}</td><td><b>{html.escape(p.start)}</b>{''.join(map(_step, p.steps))}</td></tr>"
            for p in self.listed
        )
        if self.further:
            rows += f"<tr><td></td><td class='more'>{self.remainder}</td></tr>"
        what = html.escape(f"= ∂{self.loss}/∂{self.parameter}")
        foot = f"<tfoot><tr><td>{number(self.gradient)}</td><td>{what}</td></tr></tfoot>" if self.count else ""
        reason = f"<p>{html.escape(self.reason)}</p>" if self.reason else ""
        table = f"<table><tbody>{rows}</tbody>{foot}</table>" if self.count else ""
        return f"<div class='gg-paths'>{_STYLE}<p>{html.escape(self.head)}</p>{reason}{table}</div>"


_STYLE = """<style>
.gg-paths { color-scheme: light dark; --ink: #1d2127; --soft: #5d6570; --line: #d9d5cb; --mark: #2563cd;
  color: var(--ink); font: 14px/1.5 ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) {
  .gg-paths { --ink: #e7e5df; --soft: #a0a7b1; --line: #31363f; --mark: #7fb0ff; }
}
.gg-paths p { margin: 0 0 .5em; }
.gg-paths table { border-collapse: collapse; font-variant-numeric: tabular-nums; color: inherit; }
.gg-paths td { padding: .35em 1em .35em 0; text-align: left; vertical-align: baseline; border: 0; background: none; }
.gg-paths td:first-child { text-align: right; white-space: nowrap; }
.gg-paths tbody td { border-top: 1px solid var(--line); }
.gg-paths tfoot td { border-top: 2px solid var(--soft); font-weight: 600; }
.gg-paths .step { display: inline-block; white-space: nowrap; }
.gg-paths .arrow { display: inline-block; min-width: 2.6em; margin: 0 .45em; padding: 0 .35em; text-align: center;
  color: var(--mark); font-size: .82em; line-height: 1.2; border-bottom: 1px solid var(--mark); vertical-align: .3em; }
.gg-paths .arrow::after { content: "▸"; position: relative; float: right; margin-right: -.62em; top: .56em; }
.gg-paths b { font-weight: 600; }
.gg-paths .more { color: var(--soft); }
</style>"""


def _step(step: Step) -> str:
    """One step in HTML."""
    said = " · ".join(t for t in (step.gate, step.formula, str(step.location or "")) if t)
    return (
        f"<span class='step'><span class='arrow' title='{html.escape(said, quote=True)}'>{number(step.local)}</span>"
        f"<b>{html.escape(step.name)}</b></span>"
    )


def _signed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _filled(first: str, parts: list[str], indent: str, width: int) -> list[str]:
    """Parts put side by side, in as many lines as they need."""
    lines, line = [], first
    for part in parts:
        if len(line) + 1 + len(part) > width and line.strip() and line not in (first, indent + "  "):
            lines.append(line.rstrip())
            line = indent + "  "
        line += part + " "
    return [*lines, line.rstrip()]


def counted(n: int) -> str:
    """A count in full, or its size where it is too long to be read."""
    return f"{n:,}" if n < 10**15 else f"about {n:.2e}" if n < 10**300 else f"about 10^{len(str(n)) - 1}"


def element(name: str, index: tuple[int, ...]) -> str:
    """The name of one number of a wire."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


def position(wire: Any, index: Any, name: str) -> int:
    """Which number of a wire, counted in C order, an index names; a number needs none.

    Raises
    ------
    OperandError
        Where an array comes without an index, or the index is not one of its numbers.
    """
    if index is None:
        if int(np.prod(wire.shape, dtype=int)) == 1:
            return 0
        example = "0" if len(wire.shape) == 1 else str((0,) * len(wire.shape))
        raise OperandError(f"{name} holds {spec_text(wire)}: say which of its numbers, for instance index={example}")
    try:
        numbers = tuple(map(operator.index, index if isinstance(index, tuple | list) else (index,)))
    except TypeError:
        raise OperandError(f"index is one whole number for each axis of {name}, not {index!r}") from None
    if len(numbers) != len(wire.shape) or any(not -n <= k < n for k, n in zip(numbers, wire.shape, strict=True)):
        raise OperandError(f"{name} is {spec_text(wire)}, and has no number at index {numbers}")
    return (
        int(np.ravel_multi_index([k % n for k, n in zip(numbers, wire.shape, strict=True)], wire.shape))
        if numbers
        else 0
    )


def found(loss: Any, w: Any, what: str) -> tuple[Graph, Any]:
    """The graph of a loss, and a wire of it, given as itself or by its name.

    Raises
    ------
    OperandError
        Where one of the two is no tensor.
    GradientError
        Where the loss has no gradient at all, or is no single number.
    """
    if not isinstance(loss, Tensor):
        raise OperandError(f"gg.{what} takes the tensor of a loss, got {type(loss).__name__}")
    _ = loss.value
    if loss.shape != () and loss.size != 1:
        raise GradientError(
            f"gg.{what} starts from a single number, and {describe(loss)} is an array; sum it, or index it"
        )
    graph = Graph([loss])
    if isinstance(w, str):
        w = graph.wire(w)
    if not isinstance(w, Tensor):
        raise OperandError(f"gg.{what} takes a tensor or the name of a wire, got {type(w).__name__}")
    return graph, w


def paths(loss: Tensor, w: Tensor | str, index: Any = None, *, limit: int = LIMIT) -> Paths:
    """The gradient of one number as a table of paths from it to the loss.

    A path goes from number to number through the graph. Its product, of the local derivatives it meets, is how fast
    the loss moves along it alone; the products of all paths sum to the gradient, which is the chain rule of several
    variables. Arrays are taken apart: a path passes single numbers of them. The paths are counted without being
    walked, and those of the largest products are found in order, so that it does not matter how many there are.

    Parameters
    ----------
    loss : Tensor
        A single number.
    w : Tensor or str
        A wire that the loss was computed from, or its name: a parameter, an input, or one in between.
    index : int or tuple of int, optional
        Which number of `w`, where it is an array.
    limit : int
        How many paths are listed; the others are one line.

    Returns
    -------
    Paths
        Prints as the table, in a notebook too; a sequence of `Path` with the numbers.

    Raises
    ------
    OperandError
        For an array without an index, or a graph too large to take apart.
    GradientError
        When the loss is no single number, or a local derivative is not finite.

    Notes
    -----
    The sum over paths is due to F. L. Bauer, "Computational graphs and rounding error", 1974. Counts and sums take one
    pass over the edges from the loss back; a backward pass is that very pass, over arrays.

    Examples
    --------
    >>> import glassgrad as gg
    >>> w1, w2 = gg.tensor(2.0, "w1"), gg.tensor(3.0, "w2")
    >>> c, t = (w1**3).named("c"), (3 * w1).named("t")
    >>> g = ((c * w2).named("p") + t).named("g")
    >>> print(gg.paths(g, w1).text(60))
    ∂g/∂w1 = 39, the sum over 2 paths
    <BLANKLINE>
    product   path, with the local derivative of each step
    ────────────────────────────────────────────────────────────
         36   w1 ─12→ c ─3→ p ─1→ g
          3   w1 ─3→ t ─1→ g
    ────────────────────────────────────────────────────────────
         39   = ∂g/∂w1
    """
    graph, wire = found(loss, w, "paths")
    name = graph.names.get(wire.serial) or wire.name or "w"
    k = position(wire, index, name)
    at = tuple(int(n) for n in np.unravel_index(k, wire.shape)) if wire.shape else ()
    title, goal = element(name, at), graph.name(loss)
    if wire.serial not in graph.names or not (loss.active and wire.active):
        return Paths(title, goal, 0.0, 0.0, 0, 0, ())
    routes = Routes(graph, wire, k)
    gradient = sweep({loss: np.ones(loss.shape, loss.dtype)[()]}, [wire]).get(wire.serial)
    engine = 0.0 if gradient is None else float(flat(wire, gradient)[k])
    listed = [_path(graph, title, edges) for edges in islice(routes.largest(), max(int(limit), 0))]
    reason = ""
    return Paths(title, goal, engine, routes.total, routes.count, routes.open, listed, reason)


def _path(graph: Graph, start: str, edges: list[tuple[Any, int, int, int, float]]) -> Path:
    steps = []
    for gate, i, _, to, local in edges:
        index = tuple(int(n) for n in np.unravel_index(to, gate.shape)) if gate.shape and gate.parts is None else ()
        names = [graph.name(x) for x in gate.operands]
        formula = formulas.derivative(gate.op, i, names, graph.name(gate))
        steps.append(Step(graph.name(gate), index, gate.op.name, local, formula, gate.location))
    return Path(start, tuple(steps), float(np.prod([s.local for s in steps])))
