"""Example: a small function with named wires, the numbers it is run at, and what to watch."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.displays import Shown
from glassgrad.tensors import Tensor, tensor
from glassgrad.views.derivation import Derivation, derive
from glassgrad.views.numbers import FULL, array
from glassgrad.views.picture.drawing import Picture, draw, of_figure
from glassgrad.views.text import explain


@dataclass(frozen=True)
class Example(Shown):
    """A worked example of the lectures.

    Attributes
    ----------
    name, title, row : str
        What it is called on the command line, what it shows, and its row in the list of sources.
    function : callable
        The function, in plain NumPy; its docstring says what to watch.
    values : mapping
        The numbers that its arguments start from.
    more : callable, optional
        Given the result and the width, text that follows the table.
    table : bool
        Whether the table of values and gradients is shown.
    fold
        Which groups the table folds; see `glassgrad.explain`.
    source : callable, optional
        The function whose code is shown, where `function` only calls it.
    picture : callable, optional
        Makes the matplotlib figure that this example is drawn as; without, it is drawn as its graph.
    """

    name: str
    title: str
    row: str
    function: Callable[..., Tensor]
    values: Mapping[str, Any] = field(default_factory=dict)
    more: Callable[[Tensor, int], str] | None = None
    table: bool = True
    fold: Any = None
    source: Callable[..., Tensor] | None = None
    picture: Callable[[], Any] | None = None

    def build(self) -> Tensor:
        """Run the function on fresh tensors of its values; the result holds the whole graph."""
        return self.function(**{name: tensor(value, name) for name, value in self.values.items()})

    @property
    def watch(self) -> str:
        """What to watch, in a sentence or two."""
        return inspect.cleandoc(self.function.__doc__ or "")

    def text(self, width: int = 80) -> str:
        """The example written out: what to watch, the code, the table, and what follows from it."""
        out = self.build()
        head = f"{self.title} ({self.row})"
        parts = [f"{head}\n{'═' * min(len(head), width)}", *self.prose(width), self.code(width)]
        if self.table:
            parts.append(explain(out, fold=self.fold, width=width).text())
        if self.more is not None:
            parts.append(self.more(out, width))
        return "\n\n".join(part for part in parts if part)

    def derivation(self) -> Derivation:
        """Its gradient as mathematics, each group that the table opens opened too."""
        return derive(self.build(), fold=self.fold is not False)

    def draw(self) -> Picture:
        """The example's own figure, or the picture of its graph."""
        if self.picture is not None:
            return of_figure(self.title, self.picture)
        return draw(self.build(), fold=self.fold, title=self.title)

    def prose(self, width: int) -> list[str]:
        """The paragraphs of `watch`, wrapped."""
        return [textwrap.fill(paragraph, width) for paragraph in self.watch.split("\n\n")]

    def code(self, width: int) -> str:
        """The function's body with its line numbers, and the values it is run at; nothing where there is no source."""
        function = self.source or self.function
        try:
            lines, first = inspect.getsourcelines(function)
        except OSError:
            return ""
        body = ast.parse(textwrap.dedent("".join(lines))).body[0]
        assert isinstance(body, ast.FunctionDef)
        start = body.body[1].lineno - 1
        filename = inspect.getsourcefile(function) or ""
        numbered = [
            f"  L{first + i}  {linecache.getline(filename, first + i).rstrip()[4:]}" for i in range(start, len(lines))
        ]
        at = [f"{name} = {array(np.asarray(v))}" for name, v in self.values.items() if np.size(v) <= FULL]
        where: list[str] = []
        for value in at:
            if where and len(where[-1]) + len(value) + 3 <= width:
                where[-1] += f", {value}"
            else:
                where.append(f"   {value}" if where else f"at {value}")
        return "\n".join([*numbered, *where])
