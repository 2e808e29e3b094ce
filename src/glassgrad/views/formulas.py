"""Formulas: a gate's LaTeX on one line of plain text, with the names of its wires; the table of derivatives."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.op import Explanation, Op
from glassgrad.ops.circular import cot, csc, sec

_RAISED = dict(zip("0123456789+-n⊤", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀ", strict=True))
_LOWERED = dict(zip("0123456789aijkn", "₀₁₂₃₄₅₆₇₈₉ₐᵢⱼₖₙ", strict=True))
_FUNCTIONS = (
    "max", "min", "exp", "ln", "log", "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan",
    "sinh", "cosh", "tanh", "det", "arg",
)  # fmt: skip
_SYMBOLS = {
    **{name: name for name in _FUNCTIONS},
    "sigma": "σ", "pi": "π", "sum": "Σ", "prod": "Π", "infty": "∞", "le": "≤", "ge": "≥", "ne": "≠", "land": "∧",
    "lor": "∨", "lnot": "¬", "oplus": "⊕", "otimes": "⊗", "mid": "|", "&": "&", "#": "#", "{": "{", "}": "}",
    "top": "⊤", "to": "→",
    "ldots": "…", "cdots": "…", "cdot": "·", "times": "×", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
    "langle": "⟨", "rangle": "⟩", "lVert": "‖", "rVert": "‖", "bigvee": "any", "bigwedge": "all", "bmod": "mod",
    "sim": "~", "circ": "∘", "odot": "⊙", "partial": "∂", "ell": "ℓ", "alpha": "α", "beta": "β", "delta": "δ",
    "eta": "η", "phi": "φ", "Phi": "Φ", "lambda": "λ", "mu": "μ", "left": "", "right": "", ",": " ", " ": " ", ";": " ",
}  # fmt: skip
_TEXT = ("mathrm", "text", "mathbin", "mathrel", "operatorname", "mathbf", "boldsymbol")
_TOKEN = re.compile(r"\\([A-Za-z]+|.)|([A-Za-z])|(\d+(?:\.\d+)?)|(\s+)|(.)")
_ATOM = re.compile(
    r"[\w.∞]+′?[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀ₀₁₂₃₄₅₆₇₈₉ₐᵢⱼₖₙ]*|\w+\([^()]*\)|\([^()]*\)|\|[^|]*\||√\w+|√\([^()]*\)"
    r"|(?:sin|cos|tan|sinh|cosh|ln) \w+"
)


def _is_atom(text: str) -> bool:
    return _ATOM.fullmatch(text) is not None


def _wrap(text: str) -> str:
    return text if _is_atom(text) else f"({text})"


@functools.lru_cache(1024)
def _tokens(latex: str) -> tuple[str, ...]:
    return tuple(m.group(0) for m in _TOKEN.finditer(latex))


class _Reader:
    """Reads LaTeX from left to right into plain text."""

    def __init__(self, latex: str, names: Mapping[str, str]) -> None:
        self.tokens = list(_tokens(latex))
        self.at, self.names = 0, names

    def until(self, end: str | None) -> str:
        """Everything up to a closing brace, or to the end."""
        parts: list[str] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token == end:
                self.at += 1
                break
            if token in "^_" and parts:
                self.at += 1
                base = parts.pop()
                parts.append(self.raised(base) if token == "^" else self.lowered(base))
            else:
                part = self.one()
                if len(part) > 1 and part[0].isalpha() and parts and parts[-1][-1:].isalpha() and token[0] == "\\":
                    parts.append(" ")
                parts.append(part)
        text = re.sub(r"\s+", " ", "".join(parts)).strip()
        return re.sub(r"(?<=[⌊⌈⟨¬]) | (?=[⌋⌉⟩])|(?<=^‖) | (?=‖$)", "", text)

    def one(self) -> str:
        """One token, or one group in braces."""
        token = self.tokens[self.at]
        self.at += 1
        if token == "{":
            return self.until("}")
        if token == "'":
            return "′"
        if not token.startswith("\\"):
            return self.names.get(token, token) if token.isalpha() else (" " if token.isspace() else token)
        command = token[1:]
        if command in ("frac", "tfrac"):
            if len(self.tokens[self.at]) > 1 and self.tokens[self.at].isdigit():
                self.tokens[self.at : self.at + 1] = list(self.tokens[self.at])
            return self.fraction(self.one(), self.one())
        if command == "sqrt":
            return f"√{_wrap(self.one())}"
        if command == "bar":
            return f"{self.one()}̄"
        if command in _TEXT:
            self.at += 1
            start = self.at
            while self.tokens[self.at] != "}":
                self.at += 1
            self.at += 1
            text = "".join(self.tokens[start : self.at - 1]).removeprefix("\\")
            return text if command != "mathrm" else text.strip()
        return _SYMBOLS.get(command, command)

    def fraction(self, top: str, bottom: str) -> str:
        sums = re.search(r" [-+] ", top) is not None
        return f"{f'({top})' if sums else top}/{_wrap(bottom)}"

    def raised(self, base: str) -> str:
        power = self.one()
        less = re.fullmatch(r"\(?(-?\d+)\)?-1", power)
        if less:
            power = str(int(less[1]) - 1)
        if power == "1":
            return base
        if all(c in _RAISED for c in power):
            if not _is_atom(base) and base not in ("⟩", "|", ")", "]"):
                base = f"({base})"
            return base + "".join(_RAISED[c] for c in power)
        return f"{base}^{_wrap(power)}"

    def lowered(self, base: str) -> str:
        index = self.one()
        if all(c in _LOWERED for c in index):
            return base + "".join(_LOWERED[c] for c in index)
        return f"{base}[{index}]" if base.isalnum() else f"{base}({index}){' ' if base in 'ΣΠ' else ''}"


def plain(latex: str, names: Mapping[str, str] | None = None) -> str:
    r"""LaTeX of the kind that explanations hold, as one line of text.

    Parameters
    ----------
    latex : str
        For instance ``\frac{1}{2\sqrt{x}}``.
    names : mapping of str to str, optional
        What to write for single letters, ``{"x": "w0"}``.

    Examples
    --------
    >>> plain(r"\frac{1}{2\sqrt{x}}", {"x": "u"})
    '1/(2√u)'
    >>> plain("x^{2} + e^{-x}")
    'x² + e^(-x)'
    """
    return _Reader(latex, names or {}).until(None)


@functools.lru_cache(1024)
def letters(op: Op, count: int) -> list[str]:
    """The letters an operation's formulas use for its operands: the names its gradient rules give them."""
    rules = op.gradients if isinstance(op.gradients, tuple) else ()
    for rule in rules:
        if callable(rule):
            try:
                found = [p.name for p in inspect.signature(rule).parameters.values() if p.kind is not p.KEYWORD_ONLY]
            except ValueError:
                continue
            found = [name for name in found[2:] if len(name) == 1]
            if len(found) >= count:
                return found[:count]
    return ["x", "y", "z"][:count]


def formula(op: Op, names: Sequence[str]) -> str:
    """What a gate computes, in the names of its operands: ``w0 x0``, ``1/d``, ``σ(a)``."""
    return written(op.name, op.explain, letters(op, len(names)), names)


def written(name: str, explain: Explanation, symbols: Sequence[str], names: Sequence[str]) -> str:
    """A formula in the names of the operands; as a call of `name` where it speaks of elements."""
    latex = explain.formula
    left, equals, right = latex.partition(" = ")
    if equals and explain.pattern != "blocks":
        latex = left if "x" in left else right
    if any(f"{symbol}_" in latex for symbol in symbols) and name != "part":
        return f"{name}({', '.join(names)})"
    return plain(latex, dict(zip(symbols, (_signed(n, i) for i, n in enumerate(names)), strict=False)))


def _signed(name: str, index: int) -> str:
    return f"({name})" if name.startswith("-") and index else name


def derivative(op: Op, index: int, names: Sequence[str], result: str = "g") -> str:
    """The local gradient for one operand, in the names of the operands; empty where none is written down.

    Where a formula speaks of the upstream gradient (of a matrix product), that is ``∇`` and the
    name of the result.
    """
    rules = op.explain.derivative
    if not rules:
        return ""
    latex = rules[index] if index < len(rules) else rules[0] if len(rules) == 1 else ""
    return plain(latex, {**dict(zip(letters(op, len(names)), names, strict=False)), "g": f"∇{result}"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table of derivatives.

    ``formula`` and ``derivative`` are LaTeX in u, v, w (functions of x) and their derivatives u', v',
    w'; ``f`` computes the formula at x with gates, ``closed`` the derivative as it is written.
    """

    name: str
    formula: str
    derivative: str
    f: Callable[[Any], Any]
    closed: Callable[[float], float]


A, N = 2.5, 3
"""The constants a and n of the table of derivatives."""


def u(x: Any) -> Any:
    """The inner function u of the table: x² + ½."""
    return x**2 + 0.5


def v(x: Any) -> Any:
    """The inner function v of the table: x³ + 1."""
    return x**3 + 1


def w(x: Any) -> Any:
    """The inner function w of the table: √x."""
    return np.sqrt(x)


def _u(x: float) -> float:
    return 2 * x


def _v(x: float) -> float:
    return 3 * x**2


def _w(x: float) -> float:
    return 1 / (2 * math.sqrt(x))


RULES: tuple[Rule, ...] = (
    Rule("constant", "a", "0", lambda x: A, lambda x: 0.0),
    Rule("x", "x", "1", lambda x: x, lambda x: 1.0),
    Rule("au", "a u", "a u'", lambda x: A * u(x), lambda x: A * _u(x)),
    Rule("u+v-w", "u + v - w", "u' + v' - w'", lambda x: u(x) + v(x) - w(x), lambda x: _u(x) + _v(x) - _w(x)),
    Rule("uv", "u v", "u v' + v u'", lambda x: u(x) * v(x), lambda x: u(x) * _v(x) + v(x) * _u(x)),
    Rule(
        "u/v", r"\frac{u}{v}", r"\frac{u'}{v} - \frac{u v'}{v^2}",
        lambda x: u(x) / v(x), lambda x: _u(x) / v(x) - u(x) * _v(x) / v(x) ** 2,
    ),
    Rule("u^n", "u^n", r"n\, u^{n-1} u'", lambda x: u(x) ** N, lambda x: N * u(x) ** (N - 1) * _u(x)),
    Rule(
        "sqrt u", r"\sqrt{u}", r"\frac{u'}{2\sqrt{u}}",
        lambda x: np.sqrt(u(x)), lambda x: _u(x) / (2 * math.sqrt(u(x))),
    ),
    Rule("1/u", r"\frac{1}{u}", r"-\frac{u'}{u^2}", lambda x: np.reciprocal(u(x)), lambda x: -_u(x) / u(x) ** 2),
    Rule(
        "1/u^n", r"\frac{1}{u^n}", r"-\frac{n u'}{u^{n+1}}",
        lambda x: 1 / u(x) ** N, lambda x: -N / u(x) ** (N + 1) * _u(x),
    ),
    Rule("f(u)", "f(u)", "f'(u) u'", lambda x: np.tanh(u(x)), lambda x: (1 - math.tanh(u(x)) ** 2) * _u(x)),
    Rule("ln u", r"\ln u", r"\frac{u'}{u}", lambda x: np.log(u(x)), lambda x: _u(x) / u(x)),
    Rule(
        "log_a u", r"\log_a u", r"\frac{u'}{u \ln a}",
        lambda x: np.log(u(x)) / math.log(A), lambda x: _u(x) / (u(x) * math.log(A)),
    ),
    Rule("e^u", "e^u", "e^u u'", lambda x: np.exp(u(x)), lambda x: math.exp(u(x)) * _u(x)),
    Rule("a^u", "a^u", r"a^u \ln a\, u'", lambda x: A ** u(x), lambda x: A ** u(x) * math.log(A) * _u(x)),
    Rule(
        "u^v", "u^v", r"v\, u^{v-1} u' + \ln u\, u^v v'",
        lambda x: u(x) ** v(x),
        lambda x: v(x) * u(x) ** (v(x) - 1) * _u(x) + math.log(u(x)) * u(x) ** v(x) * _v(x),
    ),
    Rule("sin u", r"\sin u", r"\cos u\, u'", lambda x: np.sin(u(x)), lambda x: math.cos(u(x)) * _u(x)),
    Rule("cos u", r"\cos u", r"-\sin u\, u'", lambda x: np.cos(u(x)), lambda x: -math.sin(u(x)) * _u(x)),
    Rule("tan u", r"\tan u", r"\sec^2 u\, u'", lambda x: np.tan(u(x)), lambda x: _u(x) / math.cos(u(x)) ** 2),
    Rule("cot u", r"\cot u", r"-\csc^2 u\, u'", lambda x: cot(u(x)), lambda x: -_u(x) / math.sin(u(x)) ** 2),
    Rule(
        "sec u", r"\sec u", r"\sec u \tan u\, u'",
        lambda x: sec(u(x)), lambda x: math.tan(u(x)) / math.cos(u(x)) * _u(x),
    ),
    Rule(
        "csc u", r"\csc u", r"-\csc u \cot u\, u'",
        lambda x: csc(u(x)), lambda x: -_u(x) / (math.sin(u(x)) * math.tan(u(x))),
    ),
)  # fmt: skip
"""The table of derivatives, each rule with its formula and a function to differentiate."""
