"""Text: `explain` writes the table of a graph, values and gradients on every wire, for a terminal."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.displays import Shown
from glassgrad.errors import unknown
from glassgrad.op import PATTERNS
from glassgrad.views import numbers
from glassgrad.views.asked import asked
from glassgrad.views.table import Fold, Handed, Row, Table, build

INDENT = "  → "
ADDS = "  + "
NARROW = 44
LEAST = 24


class Explained(Shown):
    """The table of a graph: ``str()`` writes it, `rows` holds its numbers.

    Attributes
    ----------
    rows : list of Row
        Inputs first, then every gate (or folded group) with its value, its gradient, and for each
        operand the local gradient, the upstream gradient and their product.
    """

    def __init__(self, table: Table, width: int | None = None) -> None:
        self.table, self.width = table, width

    @property
    def rows(self) -> list[Row]:
        """One row a wire, operands before results."""
        return self.table.rows

    def __getitem__(self, name: str) -> Row:
        """The row of the wire of this name."""
        try:
            return self.table.by_name[name]
        except KeyError:
            raise unknown("wire", name, self.table.by_name) from None

    def text(self, width: int | None = None) -> str:
        """The table as text, at most `width` characters wide (by default the terminal's width, 80 where unknown)."""
        return _Page(self.table, max(NARROW, width or self.width or _terminal())).text()

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__


def explain(
    x: Any,
    *args: Any,
    upstream: ArrayLike | None = None,
    fold: Fold = None,
    unfold: str | Iterable[str] = (),
    width: int | None = None,
) -> Explained:
    """Every wire of a graph with its value and its gradient, and the arithmetic that made the gradient.

    Values run downwards from the inputs, gradients upwards from the result. Under each gate stands,
    for each operand, local gradient × upstream gradient = the gradient handed to that operand; a
    wire that is used several times adds up what its branches hand back.

    Parameters
    ----------
    x : Tensor, Graph or callable
        A result, a graph, or a function, which is run on `args`.
    *args : arrays, tensors or trees of them
        Arguments of the function.
    upstream : array_like, optional
        Gradient to start with. By default that of the tensor's own last ``backward()``; without one,
        1, or ones for an array, which gives the gradient of its sum.
    fold : bool, str, names or callable, optional
        Which named groups (layers, softmax, …) become one row: all, none, those of these names, or
        those for which ``fold(group)`` is true. By default all, in graphs of more than 40 gates.
    unfold : str or names
        Groups that stay open.
    width : int, optional
        Characters in a line; by default the terminal's, or 80.

    Returns
    -------
    Explained
        Prints as the table; ``.rows`` and ``explained["name"]`` hold the numbers.

    Raises
    ------
    OperandError, ShapeError
        For something that is no graph, or an upstream gradient of another shape than the result.

    Examples
    --------
    >>> import glassgrad as gg
    >>> x, y, z = gg.tensor(-2.0, "x"), gg.tensor(5.0, "y"), gg.tensor(-4.0, "z")
    >>> q = (x + y).named("q")
    >>> table = gg.explain((q * z).named("f"))
    >>> print(table["q"].value, table["q"].gradient, table["f"].pattern)
    3.0 -4.0 switches
    """
    graph, output, start = asked(x, args, upstream, "explain")
    return Explained(build(graph, output, start, fold, unfold), width)


def _terminal() -> int:
    return min(shutil.get_terminal_size((80, 24)).columns, 120)


class _Page:
    """Lays one table out in columns: wire, gate, value, gradient, pattern, line."""

    def __init__(self, table: Table, width: int) -> None:
        self.table, self.width = table, width
        rows, handed = table.rows, [h for r in table.rows for h in r.handed]
        self.files = {os.path.basename(r.location.filename) for r in rows if r.location is not None}
        cells = [numbers.number(v) for r in rows for v in self.scalars(r)]
        self.number = min(max([8, *map(len, cells)]), 11)
        self.line = max([4, *(len(self.source(r)) for r in rows)]) if self.files else 0
        self.pattern, fixed = 13, 2 * self.number + 6
        if width - fixed - self.line - self.pattern - 4 < LEAST:
            self.line = 0
        if width - fixed - self.pattern - 2 < LEAST:
            self.pattern = 0
        fixed += sum(column + 2 for column in (self.pattern, self.line) if column)
        free = width - fixed
        gate = max([10, *(len(r.gate) for r in rows), *(len(h.derivative) for h in handed)])
        most = max(free - gate, free * 3 // 5)
        wire = [len(head) for r in rows if len(head := self.head(r)) <= most]
        self.wire = min(max([12, *wire, *(len(INDENT + h.to) for h in handed)]), most)
        self.gate = min(gate, free - self.wire)
        self.end = self.wire + 2 + self.gate + 1 + 2 * self.number + 3
        self.rule = min(width, self.end + fixed - 2 * self.number - 6)

    @staticmethod
    def scalars(row: Row) -> list[Any]:
        """The numbers that stand in the value and gradient columns for this row and its operands."""
        found = [row.value, row.gradient] if row.wire.parts is None and row.shape == () else []
        for h in row.handed:
            if _is_number(h.local) and _is_number(h.upstream) and _is_number(h.gradient):
                found += [h.local, h.upstream]
        return [v for v in found if v is not None]

    @staticmethod
    def head(row: Row) -> str:
        return f"{row.name} = {row.formula}" if row.formula else row.name

    def source(self, row: Row) -> str:
        """Where the user's line is; only its number where all lines stand in one file."""
        if row.location is None:
            return ""
        if len(self.files) == 1:
            return f"L{row.location.lineno}"
        return f"{os.path.basename(row.location.filename)}:{row.location.lineno}"[-16:]

    def text(self) -> str:
        lines = [*self.title(), ""]
        lines.append(self.columns("wire", "gate", "value", "gradient", "pattern", "line" if self.line else ""))
        if any(h.gradient is not None for r in self.table.rows for h in r.handed):
            lines.append(self.columns(INDENT + "operand", "derivative", "local ×", "upstream", "= handed down"))
        lines.append("─" * self.rule)
        for row in self.table.rows:
            lines += self.row(row)
        patterns = dict.fromkeys(r.wire.op.explain.pattern for r in self.table.rows if r.kind == "gate")
        if patterns:
            lines.append("─" * self.rule)
            for pattern in patterns:
                lines += _wrapped(f"{pattern}: {PATTERNS[pattern]}", self.width, "  ", first="")
        return "\n".join(line.rstrip() for line in lines)

    def title(self) -> list[str]:
        table = self.table
        inputs = sum(r.kind in ("input", "parameter") for r in table.rows)
        gates = f"{table.gates} gate{'' if table.gates == 1 else 's'}"
        where = f" · {next(iter(self.files))}" if len(self.files) == 1 else ""
        lines = [f"{table.output}: {gates}, {inputs} input{'' if inputs == 1 else 's'}{where}"]
        if table.reason:
            lines.append(f"no gradient path to {table.output}: {table.reason}")
        elif not table.valued:
            lines.append("traced: shapes and formulas, no numbers")
        elif table.upstream is not None and not np.all(np.asarray(table.upstream) == 1):
            lines.append(f"starts with upstream gradient {numbers.array(table.upstream)}")
        elif table.upstream is not None and np.ndim(table.upstream):
            lines.append(f"starts with ones: gradients of the sum of {table.output}")
        if table.not_finite:
            lines.append(f"the first value that is not finite is on wire {table.not_finite}")
        return [part for line in lines for part in _wrapped(line, self.width, "  ", first="")]

    def columns(self, wire: str, gate: str, value: str, gradient: str, pattern: str = "", line: str = "") -> str:
        """One line of the table."""
        text = f"{_cut(wire, self.wire):<{self.wire}}  {_cut(gate, self.gate):<{self.gate}}"
        text += f" {value:>{self.number}}   {gradient:>{self.number}}"
        if self.pattern:
            text += f"  {_cut(pattern, self.width - self.end - 2):<{self.pattern}}"
            text += f"  {line}" if line and self.line else ""
        elif pattern.startswith("=") and self.end + len(pattern) < self.width:
            text += f" {pattern}"
        return text

    def row(self, row: Row) -> list[str]:
        """The lines of one wire."""
        head, lines = self.head(row), []
        if len(head) > self.wire:
            lines += _wrapped(head, self.width, "    ", first="")
            head = ""
        pattern = row.pattern or ("no path" if row.note else "")
        if row.wire.parts is None and row.shape == ():
            value, gradient = (numbers.number(v) if v is not None else "" for v in (row.value, row.gradient))
            lines.append(self.columns(head, row.gate, value, gradient, pattern, self.source(row)))
        else:
            line = self.columns(head, row.gate, "", "", pattern, self.source(row))
            middle = _shape(row.wire)
            lines.append(f"{line[: self.end - len(middle)]}{middle}{line[self.end :]}")
            if row.wire.parts is None and row.value is not None:
                lines += self.detail("    value", numbers.array(row.value))
            if row.wire.parts is None and row.gradient is not None:
                lines += self.detail("    gradient", numbers.array(row.gradient))
        if row.note:
            lines += self.detail("", row.note)
        for handed in row.handed:
            lines += self.hand(handed)
        if row.branches:
            lines += self.branches(row)
        return lines

    def detail(self, head: str, text: str) -> list[str]:
        """A line with a head in the wire column and free text after it."""
        if len(head) <= self.wire and len(text) <= self.width - self.wire - 2:
            return [f"{head:<{self.wire}}  {text}"]
        if len(head) + 2 + len(text) <= self.width and head:
            return [f"{head}  {text}"]
        return [
            *([_cut(head, self.width)] if head.strip() else []),
            *_wrapped(text, self.width, " " * 8, first=" " * 6),
        ]

    def hand(self, handed: Handed) -> list[str]:
        """What one operand is handed."""
        to = INDENT + handed.to
        if handed.reason:
            return self.detail(to, f"no gradient: {handed.reason}")
        said = "  ".join(t for t in (handed.derivative, handed.jacobian) if t)
        if handed.gradient is None:
            return self.detail(to, said) if said else []
        trio = (handed.local, handed.upstream, handed.gradient)
        if all(_is_number(n) for n in trio):
            local, upstream, gradient = (numbers.number(n) for n in trio)
            room = len(handed.derivative) <= self.gate and len(to) <= self.wire
            if room and (self.pattern or self.end + 3 + len(gradient) < self.width):
                text = self.columns(to, handed.derivative, local, upstream, f"= {gradient}")
                times = self.end - self.number - 3
                return [f"{text[:times]} ×{text[times + 2 :]}"]
            name = f"{handed.derivative} = " if handed.derivative not in ("", local) else ""
            return self.detail(to, f"{name}{local} × {upstream} = {gradient}")
        plain = handed.derivative == ("1" if handed.local is None else _numbers(handed.local))
        if plain and (handed.local is not None or not handed.jacobian) and not handed.jacobian.startswith("used"):
            said = ""
        lines = self.detail(to, said) if said else []
        for text in self.product(handed):
            lines += self.detail("" if lines else to, text)
        return lines

    def product(self, handed: Handed) -> list[str]:
        """The arithmetic of an operand that is an array, in as few lines as it fits on."""
        gradient = numbers.array(handed.gradient)
        if handed.local is None or isinstance(handed.upstream, list):
            return [f"= {gradient}"]
        local, upstream = _numbers(handed.local), _numbers(handed.upstream)
        if any(text.startswith("min ") for text in (local, upstream, gradient)):
            return [f"= {gradient}"] if local == "1" else [f"local {local}", f"= {gradient}"]
        each = ""
        if np.size(handed.gradient) > 1 and local[0] != "[" and upstream[0] != "[":
            gradient, each = _numbers(handed.gradient), " for each number"
        line = f"{local} × {upstream} = {gradient}{each}"
        if len(line) <= self.width - self.wire - 2:
            return [line]
        return [f"{local} × {upstream}", f"= {gradient}"]

    def branches(self, row: Row) -> list[str]:
        """The sum over the branches of a wire that goes to several places."""
        gradients = [g for _, g in row.branches]
        names = [name for name, _ in row.branches]
        times = {name: f"{name} (twice)" if names.count(name) == 2 else name for name in names}
        head = f"{ADDS}from {', '.join(times.values())}"
        if any(g is None or isinstance(g, list) or np.size(g) > numbers.FULL for g in gradients):
            return self.detail(head, "gradients add")
        text = " + ".join(_signed(numbers.array(g)) for g in gradients)
        return self.detail(head, f"{text} = {numbers.array(row.gradient)}")


def _is_number(x: Any) -> bool:
    return x is not None and not isinstance(x, list | tuple) and np.ndim(x) == 0


def _numbers(x: Any) -> str:
    """Numbers in a product; an array of equal numbers is that number."""
    x = np.asarray(x)
    return numbers.number(x.flat[0]) if x.size and np.all(x == x.flat[0]) else numbers.array(x)


def _shape(wire: Any) -> str:
    """The shape of an array (and its dtype, unless float64), or how many results a gate has."""
    if wire.parts is not None:
        return f"{len(wire.parts)} results"
    dtype = "" if wire.dtype == np.float64 else f"{wire.dtype}, "
    return f"{dtype}shape {numbers.shape(wire.shape)}"


def _signed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def _wrapped(text: str, width: int, indent: str, first: str) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=indent, initial_indent=first)
