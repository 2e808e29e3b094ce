"""How mathematics looks in MathML, which browsers set without a library: the style `MATHML`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from glassgrad.views.derivation.functions import Function
from glassgrad.views.derivation.styles import SYMBOLS, Style, name_parts, number_text


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _operator(sign: str, extra: str = "") -> str:
    return f"<mo{extra}>{escape(sign)}</mo>"


def _word(text: str) -> str:
    """A name of letters, upright."""
    return f'<mi mathvariant="normal">{escape(text)}</mi>' if len(text) == 1 else f"<mi>{escape(text)}</mi>"


def _above(base: str, exponent: str) -> str:
    """A base with an exponent, which stands over the base's index where it has one."""
    if base.startswith("<msub>") and base.endswith("</msub>") and _one_element(base, "msub"):
        return f"<msubsup>{base[6:-7]}{exponent}</msubsup>"
    return f"<msup>{_row(base)}{exponent}</msup>"


def _one_element(text: str, tag: str) -> bool:
    """Whether a text that starts and ends with a tag is one element of it."""
    depth = 0
    for found in re.finditer(f"</?{tag}>", text):
        depth += -1 if found[0].startswith("</") else 1
        if not depth:
            return found.end() == len(text)
    return False


_THIN = '<mspace width="0.17em"></mspace>'


class _MathML(Style):
    """MathML, inside ``<math>``."""

    flat = False

    def number(self, value: Any) -> str:
        top, bottom = number_text(value)
        sign = _operator("−") if top.startswith("-") else ""
        top = top.lstrip("-")
        if bottom:
            return _row(sign, f"<mfrac><mn>{top}</mn><mn>{bottom}</mn></mfrac>")
        mantissa, e, exponent = top.partition("e")
        if e:
            power = f"<msup><mn>10</mn><mn>{int(exponent)}</mn></msup>".replace("<mn>-", "<mn>−")
            return _row(sign, f"<mn>{mantissa}</mn>", _operator("·"), power)
        return _row(sign, f"<mn>{top}</mn>") if sign else f"<mn>{top}</mn>"

    def constant(self, name: str) -> str:
        return f"<mi>{name}</mi>"

    def name(self, name: str) -> str:
        base, index, hat = name_parts(name)
        written = f"<mi>{escape(SYMBOLS.get(base, base))}</mi>"
        if hat:
            written = f"<mover>{written}<mo>^</mo></mover>"
        if not index:
            return written
        return f"<msub>{written}{f'<mn>{index}</mn>' if index.isdigit() else _word(index)}</msub>"

    def partial(self, of: str, name: str) -> str:
        if name in self.deltas:
            return f"<msub><mi>δ</mi>{self.name(name)}</msub>"
        curly = "<mi>∂</mi>"
        return f"<mfrac>{_row(curly, self.name(of))}{_row(curly, self.name(name))}</mfrac>"

    def one(self) -> str:
        return "<mn>𝟏</mn>"

    def brackets(self, text: str) -> str:
        return _row(_operator("("), text, _operator(")"))

    def sum(self, parts: list[tuple[bool, str]]) -> str:
        first = [_operator("−", ' form="prefix"')] if parts[0][0] else []
        rest = [part for negative, text in parts[1:] for part in (_operator("−" if negative else "+"), text)]
        return _row(*first, parts[0][1], *rest)

    def negative(self, text: str) -> str:
        return _row(_operator("−", ' form="prefix"'), text)

    def times(self, first: str, upstream: str) -> str:
        return _row(first, _operator("·"), upstream)

    def scalars(self, texts: list[str]) -> str:
        line = texts[0]
        for text in texts[1:]:
            line += (_operator("·") if text.startswith("<mn>") and not text.startswith("<mn>𝟏") else _THIN) + text
        return _row(line)

    def hadamard(self, texts: list[str]) -> str:
        return _row(_operator("⊙").join(texts))

    def chain(self, texts: list[str]) -> str:
        return _row(_THIN.join(texts))

    def fraction(self, top: str, bottom: str) -> str:
        return f"<mfrac>{_row(top)}{_row(bottom)}</mfrac>"

    def root(self, inner: str) -> str:
        return f"<msqrt>{inner}</msqrt>"

    def exponent(self, text: str) -> str:
        return _row(_operator("−"), _operator("⊤")) if text == "-⊤" else text

    def raised(self, base: str, exponent: str) -> str:
        return _above(base, _row(exponent))

    def lowered(self, base: str, index: str) -> str:
        return f"<msub>{_row(base)}{_row(index)}</msub>"

    def transposed(self, base: str) -> str:
        return _above(base, _operator("⊤"))

    def function(self, function: Function) -> str:
        return _word(function.text)

    def word(self, name: str) -> str:
        return _word(name)

    def pair(self, first: str, second: str) -> str:
        return _row(first, _operator(","), second)

    def applied(self, head: str, x: str) -> str:
        return _row(head, _THIN, x)

    def called(self, head: str, xs: list[str]) -> str:
        return _row(head, _operator("("), _operator(",").join(xs), _operator(")"))

    def total(self) -> str:
        return '<mo largeop="false">∑</mo>'

    def norm(self, inner: str) -> str:
        return _row(_operator("‖"), inner, _operator("‖"))

    def bars(self, inner: str) -> str:
        return _row(_operator("|"), inner, _operator("|"))

    def inner(self, x: str, y: str) -> str:
        return _row(_operator("⟨"), x, _operator(","), y, _operator("⟩"))

    def axes(self, axes: Sequence[int]) -> str:
        return f"<mtext>{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}</mtext>"

    def indexed(self, base: str, index: str) -> str:
        return _row(base, f"<mtext>[{escape(index)}]</mtext>")

    def shape(self, shape: Sequence[int]) -> str:
        return f"<mtext>{self.sizes.text(shape)}</mtext>"

    def condition(self, relations: list[str], xs: list[str]) -> str:
        if relations == ["¬"]:
            return _row(_operator("["), _operator("¬"), xs[0], _operator("]"))
        parts = [part for x, r in zip(xs, [*relations, ""], strict=False) for part in (x, _operator(r) if r else "")]
        return _row(_operator("["), *parts, _operator("]"))

    def equals(self, left: str, right: str) -> str:
        return _row(left, _operator("="), right)


MATHML = _MathML
"""MathML."""
