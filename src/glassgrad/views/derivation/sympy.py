"""Writes trees as lines that SymPy reads. Nothing is imported: SymPy is the reader's."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from glassgrad.errors import UnsupportedError
from glassgrad.views.derivation import algebra as a
from glassgrad.views.derivation.functions import FUNCTIONS
from glassgrad.views.derivation.tree import Expr

_RELATIONS = {"<": "<", ">": ">", "≤": "<=", "≥": ">="}


class Sympy:
    """Lines for SymPy: numbers, and explicit matrices in which a vector is a column.

    Parameters
    ----------
    definitions : mapping of str to Expr
        What names in between stand for; they are put in.
    """

    def __init__(self, definitions: Mapping[str, Expr]) -> None:
        self.definitions = definitions

    def write(self, e: Expr) -> str:
        """A tree as one line."""
        if len(e.shape) > 2:
            raise UnsupportedError(f"SymPy has no arrays of {len(e.shape)} axes in its matrix algebra")
        method = getattr(self, f"_{e.kind}", None)
        if method is None:
            raise UnsupportedError(f"SymPy has no word for {e.data.op.name if e.kind in ('gate', 'vjp') else e.kind}")
        return method(e)

    def factor(self, e: Expr) -> str:
        """A tree as a factor: sums and negatives in brackets."""
        text = self.write(e)
        bare = e.kind in ("fn", "pow", "constant") or (e.kind == "number" and isinstance(e.data, int) and e.data >= 0)
        return text if bare or text.isidentifier() else f"({text})"

    def _number(self, e: Expr) -> str:
        if isinstance(e.data, Fraction):
            return f"Rational({e.data.numerator}, {e.data.denominator})"
        return repr(e.data)

    def _constant(self, e: Expr) -> str:
        return {"e": "E", "π": "pi"}[e.data]

    def _symbol(self, e: Expr) -> str:
        if e.data.of:
            raise UnsupportedError(f"∂{e.data.of}/∂{e.data.name} is a step that was too long to put in")
        tree = self.definitions.get(e.data.name)
        if tree is None:
            return "".join(c if c.isalnum() else "_" for c in f"{'_' * e.data.name[:1].isdigit()}{e.data.name}")
        return self.write(tree) if tree.kind == "symbol" else f"({self.write(tree)})"

    def _ones(self, e: Expr) -> str:
        return f"ones({', '.join(map(str, _matrix(e.shape)))})"

    def fitted(self, e: Expr, shape: tuple[int, ...]) -> str:
        """An operand in the shape of the result."""
        if e.shape == shape:
            return self.factor(e)
        rows, columns = _matrix(shape)
        if not e.shape or all(n == 1 for n in e.shape):
            number = self.factor(e) if not e.shape else f"({self.write(e)})[0]"
            return f"{number}*ones({rows}, {columns})"
        if len(shape) == 2 and len(e.shape) == 1:
            return f"ones({rows}, 1)*{self.factor(e)}.T"
        if e.shape[-1] == 1:
            return f"{self.factor(e)}*ones(1, {columns})"
        return f"ones({rows}, 1)*{self.factor(e)}"

    def _add(self, e: Expr) -> str:
        line = ""
        for term in e.args:
            coefficient, _ = a.split(term)
            if coefficient < 0:
                inner = a.neg(term)
                line += f" - {self._term(inner, e.shape)}" if line else f"-{self._term(inner, e.shape)}"
            else:
                line += f" + {self._term(term, e.shape)}" if line else self._term(term, e.shape)
        return line

    def _term(self, e: Expr, shape: tuple[int, ...]) -> str:
        return self.write(e) if e.shape == shape and e.kind != "add" else self.fitted(e, shape)

    def _mul(self, e: Expr) -> str:
        scalars = [self.factor(f) for f in e.args if not f.shape]
        arrays = [self.fitted(f, e.shape) for f in e.args if f.shape]
        if arrays:
            first, *rest = arrays
            first = first if first.isidentifier() or not rest else f"({first})"
            scalars.append(first + "".join(f".multiply_elementwise({f})" for f in rest))
        return "*".join(scalars)

    def _pow(self, e: Expr) -> str:
        base, exponent = e.args
        if not e.shape:
            if base.kind == "constant" and base.data == "e":
                return f"exp({self.write(exponent)})"
            return f"{self.factor(base)}**{self.factor(exponent)}"
        if exponent.shape:
            if base.shape:
                raise UnsupportedError("SymPy's matrices have no powers element by element with arrays above")
            return f"{self.factor(exponent)}.applyfunc(lambda t: {self.factor(base)}**t)"
        return f"{self.factor(base)}.applyfunc(lambda t: t**{self.factor(exponent)})"

    def _fn(self, e: Expr) -> str:
        template = FUNCTIONS[e.data[0]].sympy
        if e.data[0] == "softmax" and len(e.shape) == 1:
            inner = self.write(e.args[0])
            return f"(lambda v: v/sum(v))(({inner}).applyfunc(exp))"
        if e.data[0] == "logsumexp" and not e.shape:
            return f"log(sum(({self.write(e.args[0])}).applyfunc(exp)))"
        if e.data[0] == "norm" and not e.shape:
            return f"sqrt(sum(({self.write(e.args[0])}).applyfunc(lambda t: t**2)))"
        if not template:
            raise UnsupportedError(f"SymPy's matrices have no {e.data[0]}")
        if not e.shape:
            return template.format(*(self.write(x) for x in e.args))
        varying = [x for x in e.args if x.shape]
        if len(varying) != 1 or varying[0].shape != e.shape:
            raise UnsupportedError(f"SymPy's matrices have no {e.data[0]} of two arrays")
        texts = ["t" if x.shape else self.write(x) for x in e.args]
        return f"({self.write(varying[0])}).applyfunc(lambda t: {template.format(*texts)})"

    def _compare(self, e: Expr) -> str:
        varying = [x for x in e.args if x.shape]
        if len(e.data) != 1 or e.data[0] not in _RELATIONS or len(varying) > 1:
            raise UnsupportedError("SymPy's matrices have no such condition")
        left, right = ("t" if x.shape else self.write(x) for x in e.args)
        test = f"Piecewise((1, {left} {_RELATIONS[e.data[0]]} {right}), (0, True))"
        return test if not varying else f"({self.write(varying[0])}).applyfunc(lambda t: {test})"

    def _product(self, e: Expr) -> str:
        line = "*".join(self.factor(f) for f in e.args)
        return line if e.shape else f"({line})[0]"

    def _transpose(self, e: Expr) -> str:
        return f"{self.factor(e.args[0])}.T"

    def _inverse(self, e: Expr) -> str:
        return f"{self.factor(e.args[0])}.inv()"

    def _reduce(self, e: Expr) -> str:
        name, axes, keepdims = e.data
        inner = e.args[0]
        if name != "sum":
            raise UnsupportedError(f"SymPy's matrices have no {name}")
        rows, columns = _matrix(inner.shape)
        if len(axes) == len(inner.shape):
            total = f"sum({self.write(inner)})"
            return total if not e.shape else f"{total}*ones(1, 1)"
        if axes == (1,):
            return f"{self.factor(inner)}*ones({columns}, 1)"
        row = f"ones(1, {rows})*{self.factor(inner)}"
        return row if keepdims else f"({row}).T"

    def _gate(self, e: Expr) -> Any:
        if e.data.op.name == "reshape":
            return f"Matrix({', '.join(map(str, _matrix(e.shape)))}, list({self.write(e.args[0])}))"
        raise UnsupportedError(f"SymPy has no word for {e.data.op.name}")


def _matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    rows, columns = (*shape, 1, 1)[:2]
    return rows, columns
