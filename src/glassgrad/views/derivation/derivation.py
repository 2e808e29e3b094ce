"""Derivation: the steps of a gradient as data, as text, LaTeX and HTML, and as something to compute with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.errors import GradientError, unknown
from glassgrad.graphs import Graph
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, tensor
from glassgrad.views.derivation import layout
from glassgrad.views.derivation.build import Made
from glassgrad.views.derivation.rules import close
from glassgrad.views.derivation.sizes import Sizes
from glassgrad.views.derivation.styles import LATEX, TEXT
from glassgrad.views.derivation.sympy import Sympy
from glassgrad.views.derivation.tree import Expr, Symbol, evaluate
from glassgrad.views.derivation.writing import Writer


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a derivation.

    Attributes
    ----------
    kind : str
        ``"name"`` (a name for something in between), ``"chain"`` (one step of the chain rule), ``"result"``
        (a gradient with the steps put into one another) or ``"where"`` (the same under a condition).
    name : str
        The wire that is named, or that the gradient is taken by.
    tree : Expr
        The right-hand side.
    shape : tuple of int
        Its shape.
    text, latex : str
        The equation.
    sizes : str
        The sizes of the factors of a matrix product and of the result, ``(m×1)(1×h) = m×h``.
    through : tuple of str
        The wires the chain rule went through.
    note : str
        What else there is to say.
    """

    kind: str
    name: str
    tree: Expr
    shape: tuple[int, ...]
    text: str
    latex: str
    sizes: str
    through: tuple[str, ...] = ()
    note: str = ""


class Derivation:
    """The gradient of a graph as mathematics; ``print`` writes it, a notebook shows it.

    Attributes
    ----------
    steps : list of Step
        Names forward, then the chain rule backward, then the results.
    output : str
        The name of what is differentiated.
    deltas : frozenset of str
        The names whose gradients are written δ.
    """

    def __init__(self, graph: Graph, output: Tensor, made: Made, sizes: Sizes, delta: bool = False) -> None:
        self.graph, self.made, self.sizes, self._output = graph, made, sizes, output
        self.output = made.title
        self.deltas = frozenset(made.definitions if delta else ())
        self._text, self._latex = Writer(TEXT(sizes, self.deltas)), Writer(LATEX(sizes, self.deltas))
        self.steps = [
            *(self._step("name", name, tree) for name, tree in made.definitions.items()),
            *(self._step("chain", name, tree) for name, tree in made.gradients.items()),
            *(self._step("result", name, tree) for name, tree in made.closed.items()),
            *(self._step("where", name, tree, note) for name, (tree, note) in made.remarks.items()),
        ]

    def _step(self, kind: str, name: str, tree: Expr, note: str = "") -> Step:
        left = Expr("symbol", data=Symbol(name) if kind == "name" else Symbol(name, self.made.of))
        text, latex = (
            w.style.equals(w.write(left), w.write(tree)) for w in (self._text, self._latex)
        )  # fmt: skip
        through = self.made.through.get(name, []) if kind == "chain" else []
        named = sorted({e.data.op.name for e in tree.walk() if e.kind == "vjp"})
        if named and kind == "chain":
            note = f"the vector-Jacobian product of {' and '.join(named)}, named and not opened"
        return Step(
            kind, name, tree, tree.shape, text, latex, layout.dimensions(tree, self.sizes), tuple(through), note
        )

    @property
    def text(self) -> str:
        """The derivation in Unicode, 80 characters wide."""
        return layout.text(self)

    def written(self, width: int) -> str:
        """The derivation in Unicode, at most `width` characters wide where no single term is longer."""
        return layout.text(self, width)

    @property
    def latex(self) -> str:
        r"""The derivation in LaTeX: one ``aligned`` environment for each part."""
        return layout.latex(self)

    @property
    def html(self) -> str:
        """The derivation as a page of its own, in MathML, light and dark."""
        from glassgrad.views.derivation.page import page

        return page(self)

    def _repr_html_(self) -> str:
        from glassgrad.views.derivation.page import fragment

        return fragment(self)

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def gradient(self, name: str) -> Expr:
        """The tree of the gradient by an input, in the names of the forward steps.

        Raises
        ------
        UnknownNameError
            Where nothing that was asked for has this name.
        """
        if name not in self.made.closed:
            raise unknown("input", name, self.made.closed)
        return self.made.closed[name]

    def sympy(self, name: str) -> str:
        """The gradient by an input as a line that SymPy reads; vectors are columns.

        Names are as they are, with ``_`` for what cannot stand in a name: ``0.W`` is ``_0_W``.

        Matrices are explicit ones (``sympy.Matrix``): products are ``*``, products element by element
        ``.multiply_elementwise``, functions ``.applyfunc``. The names in between are put in.

        Raises
        ------
        UnknownNameError
            Where nothing that was asked for has this name.
        UnsupportedError
            Where it holds an array of three or more axes, or a gate that SymPy has no word for.

        Examples
        --------
        >>> import glassgrad as gg, numpy as np
        >>> gg.derive(lambda x: np.sin(3 * x), 0.5).sympy("x")
        '3*cos(3*x)'
        """
        return Sympy(self.made.definitions).write(self.gradient(name))

    def evaluate(self, **values: Any) -> dict[str, Any]:
        """Compute the gradients from the formulas, by NumPy, and compare them with the engine's.

        Parameters
        ----------
        **values : array_like
            Values of the inputs by name; those not given are the ones it was derived at.

        Returns
        -------
        dict
            The gradient by each input that was asked for.

        Raises
        ------
        GradientError
            Where a formula does not give the gradient that backpropagation gives: at a kink or tie.
        UnknownNameError
            Where there is no input of a name.

        Examples
        --------
        >>> import glassgrad as gg
        >>> d = gg.derive(lambda x: x**3 + 2 * x, 1.0)
        >>> float(d.evaluate(x=2.0)["x"])
        14.0
        """
        for name in values:
            if name not in self.made.inputs:
                raise unknown("input", name, self.made.inputs)
        known = self._known(values)
        found = {}
        for name, tree in self.made.definitions.items():
            known[Symbol(name)] = evaluate(tree, known)
        for name, tree in self.made.gradients.items():
            known[Symbol(name, self.made.of)] = evaluate(tree, known)
        expected = self._expected(known)
        for name, tree in self.made.closed.items():
            found[name] = np.array(np.broadcast_to(evaluate(tree, known), tree.shape), np.float64)[()]
            step = known[Symbol(name, self.made.of)]
            if not (close(found[name], expected[name]) and close(step, expected[name])):
                raise GradientError(
                    f"the formula for ∂{self.made.of}/∂{name} gives {_short(found[name])} here, and backpropagation "
                    f"{_short(expected[name])}: at a kink or tie a formula has no value; derive it at these values"
                )
        return found

    def _known(self, values: Mapping[str, Any]) -> dict[Symbol, Any]:
        """The symbols that need no computing: inputs and constants, and where the walk back starts."""
        known = {s: v for s, v in self.made.values.items() if not s.of and s.name not in self.made.definitions}
        for name, value in values.items():
            old = np.asarray(known[Symbol(name)])
            known[Symbol(name)] = np.broadcast_to(np.asarray(value, old.dtype), old.shape).copy()[()]
        if self.made.seed.kind == "symbol":
            known[self.made.seed.data] = np.ones(self.made.seed.shape)
        return known

    def _expected(self, known: Mapping[Symbol, Any]) -> dict[str, Any]:
        """The engine's gradients, of the same gates run again."""
        wires: dict[int, Any] = {}
        names = {tree.data.name: serial for serial, tree in self.made.leaves.items()}
        for wire in self.graph.wires:
            leaf = self.made.leaves.get(wire.serial)
            if wire.op is None:
                value = wire._value if leaf is None else np.asarray(known[leaf.data], wire.dtype)[()]
                wires[wire.serial] = value if wire.weak else tensor(value) if wire.active else value
            elif wire.op.name == "part":
                wires[wire.serial] = wires[wire.operands[0].serial][wire.params["index"]]
            else:
                wires[wire.serial] = wire.op(*[wires[x.serial] for x in wire.operands], **wire.params)
        out = wires[self._output.serial]
        asked = {name: wires[names[name]] for name in self.made.closed}
        if not isinstance(out, Tensor) or not out.active:
            return {name: np.zeros(w.shape) for name, w in asked.items()}
        with np.errstate(all="ignore"):
            found = sweep({out: np.ones(out.shape, out.dtype)[()]}, asked.values())
        return {name: found.get(w.serial, np.zeros(w.shape, w.dtype)) for name, w in asked.items()}


def _short(value: Any) -> str:
    from glassgrad.views.numbers import array

    return array(np.asarray(value))
