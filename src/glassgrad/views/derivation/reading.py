r"""Reads the LaTeX of a gate's record, ``\frac{1}{2\sqrt{x}}``, into a tree of the operands it speaks of."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from glassgrad.views.derivation import algebra as a
from glassgrad.views.derivation import matrices as m
from glassgrad.views.derivation.functions import FUNCTIONS
from glassgrad.views.derivation.tree import Expr

_TOKEN = re.compile(r"\s+|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|.")
_SPACE = ("\\,", "\\ ", "\\;", "\\left", "\\right", "\\cdot", "\\odot", "\\times")
_RELATIONS = {"<": "<", ">": ">", "=": "=", "\\le": "≤", "\\ge": "≥", "\\ne": "≠"}
_CONSTANTS = {"\\pi": "π"}
_END = {")": "(", "}": "{", "]": "[", "|": "|", "\\rVert": "\\lVert", "\\rfloor": "\\lfloor", "\\rceil": "\\lceil"}


class NotReadError(Exception):
    """The formula is not of the kind that is read here."""


class _Reader:
    """Reads from left to right. In a formula of matrices, factors side by side are a matrix product."""

    def __init__(
        self, latex: str, names: Mapping[str, Expr], matrices: bool, axes: tuple[int, ...] | None, keepdims: bool
    ) -> None:
        self.tokens = [t for t in _TOKEN.findall(latex) if not t.isspace() and t not in _SPACE]
        self.at, self.names, self.matrices, self.axes, self.keepdims = 0, names, matrices, axes, keepdims

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise NotReadError(f"{expected or 'more'} was expected, not {token!r}")
        self.at += 1
        return token

    def sum(self) -> Expr:
        terms = []
        while True:
            sign = 1
            while self.peek() in ("+", "-"):
                sign = -sign if self.take() == "-" else sign
            term = self.term()
            terms.append(term if sign == 1 else a.neg(term))
            if self.peek() not in ("+", "-"):
                return a.add(*terms) if len(terms) > 1 else terms[0]

    def term(self) -> Expr:
        factors = [self.power()]
        while self.peek() == "/" or self.begins():
            if self.peek() == "/":
                self.take()
                factors[-1] = a.divide(factors[-1], self.power())
            else:
                factors.append(self.power())
        if len(factors) == 1:
            return factors[0]
        return m.product(*factors) if self.matrices else a.mul(*factors)

    def begins(self) -> bool:
        """Whether another factor stands here."""
        token = self.peek()
        return bool(token) and token not in ("+", "-", ",", "^", "&", *_RELATIONS, *_END)

    def power(self) -> Expr:
        base, euler = self.base(), self.tokens[self.at - 1] == "e"
        if self.peek() != "^":
            return base
        self.take()
        if euler:
            return a.exp(self.group())
        return self.raised(base)

    def raised(self, base: Expr) -> Expr:
        if self.tokens[self.at : self.at + 3] == ["{", "\\top", "}"]:
            self.at += 3
            return m.transpose(base)
        if self.tokens[self.at : self.at + 4] == ["{", "-", "\\top", "}"]:
            self.at += 4
            return m.inverse(m.transpose(base))
        if self.matrices:
            if self.tokens[self.at : self.at + 4] == ["{", "-", "1", "}"]:
                self.at += 4
                return m.inverse(base)
            raise NotReadError("a power of a matrix")
        return a.power(base, self.group())

    def group(self) -> Expr:
        if self.peek() != "{":
            token = self.take()
            if token in self.names:
                return self.names[token]
            if token.isdigit():
                self.tokens[self.at - 1 : self.at] = list(token)
                return a.number(int(self.tokens[self.at - 1]))
            raise NotReadError(token)
        return self.inside("{", "}")

    def inside(self, start: str, end: str) -> Expr:
        self.take(start)
        inner = self.sum()
        self.take(end)
        return inner

    def base(self) -> Expr:
        token = self.peek()
        if token in self.names:
            self.at += 1
            return self.names[token]
        if token in ("(", "{"):
            return self.inside(token, ")" if token == "(" else "}")
        if token == "[":
            return self.condition()
        self.take()
        if token[0].isdigit():
            return a.number(float(token) if "." in token else int(token))
        if token == "e":
            return a.E
        if token in _CONSTANTS:
            return a.number(math.pi)
        if token == "|":
            return self.closed("abs", "|")
        if token == "\\lfloor":
            return self.closed("floor", "\\rfloor")
        if token == "\\lceil":
            return self.closed("ceil", "\\rceil")
        if token == "\\lVert":
            inner = self.sum()
            self.take("\\rVert")
            return a.fn("norm", inner, axes=self.axes, keepdims=self.keepdims)
        if token in ("\\frac", "\\tfrac"):
            top = self.group()
            return a.divide(top, self.group())
        if token == "\\sqrt":
            return a.power(self.group(), a.divide(a.ONE, a.number(2)))
        if token == "\\sum":
            if self.axes is None:
                raise NotReadError("a sum over no axes")
            return m.reduce("sum", self.term(), self.axes, self.keepdims)
        return self.function(token)

    def closed(self, name: str, end: str) -> Expr:
        inner = self.sum()
        self.take(end)
        return a.fn(name, inner)

    def condition(self) -> Expr:
        self.take("[")
        if self.peek() == "\\lnot":
            self.take()
            relations, operands = ["not"], [self.sum()]
        else:
            relations, operands = [], [self.sum()]
            while self.peek() in _RELATIONS:
                relations.append(_RELATIONS[self.take()])
                operands.append(self.sum())
        self.take("]")
        return a.compare(tuple(relations), *operands)

    def function(self, token: str) -> Expr:
        name = token[1:]
        if name == "mathrm":
            self.take("{")
            name = ""
            while self.peek() != "}":
                name += self.take()
            self.take("}")
        if name == "log" and self.peek() == "_":
            self.take()
            base = self.group()
            name = f"log_{base.data}"
        if name not in FUNCTIONS or (FUNCTIONS[name].over and self.axes is None):
            raise NotReadError(token)
        exponent = None
        if self.peek() == "^":
            self.take()
            exponent = self.group()
        called = self.applied(name)
        return called if exponent is None else a.power(called, exponent)

    def applied(self, name: str) -> Expr:
        """A function of what follows: operands in parentheses, or one factor without."""
        if self.peek() != "(":
            inner = self.base()
            if name in ("max", "min"):
                if self.axes is None:
                    raise NotReadError(name)
                return m.reduce(name, inner, self.axes, self.keepdims)
            return a.fn(name, inner)
        self.take("(")
        operands = [self.sum()]
        while self.peek() == ",":
            self.take()
            operands.append(self.sum())
        self.take(")")
        if FUNCTIONS[name].over:
            return a.fn(name, *operands, axes=self.axes, keepdims=self.keepdims)
        return a.fn(name, *operands)


def speaks_of(latex: str, letter: str) -> bool:
    r"""Whether a letter stands in a formula by itself, and not in a name such as ``\sigma``.

    Examples
    --------
    >>> speaks_of(r"\sigma(x)", "g"), speaks_of(r"g\, y^{\top}", "g")
    (False, True)
    """
    plain = re.sub(r"\\mathrm\{[^}]*\}", "", latex)
    return letter in _TOKEN.findall(plain)


def read(
    latex: str,
    names: Mapping[str, Expr],
    matrices: bool = False,
    axes: tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Expr | None:
    r"""The tree of a formula, or None where it speaks of more than trees can say.

    Parameters
    ----------
    latex : str
        A formula as gates' records have them.
    names : mapping of str to Expr
        What its letters stand for.
    matrices : bool
        Whether factors side by side are a matrix product, and ``x^{-1}`` an inverse.
    axes : tuple of int, optional
        What ``\sum`` and ``\max x`` run over, and functions such as softmax.
    keepdims : bool
        Whether they keep those axes.

    Examples
    --------
    >>> from glassgrad.views.derivation import algebra
    >>> x = algebra.symbol("x")
    >>> read(r"1 + \tan^{2} x", {"x": x}) == algebra.power(algebra.fn("sec", x), algebra.number(2))
    True
    """
    reader = _Reader(latex, names, matrices, axes, keepdims)
    try:
        tree = reader.sum()
        if reader.peek():
            return None
    except (NotReadError, ValueError, IndexError):
        return None
    return tree
