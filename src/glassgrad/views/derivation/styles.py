"""How mathematics looks: on a line of text, and in LaTeX. `mathml` has the third style."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

from glassgrad.views.derivation.functions import Function

SUM, PRODUCT, FUNCTION, ATOM = range(4)
"""How strongly something binds: ``a + b``, ``a b``, ``sin a``, ``a``."""

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma",
    "Phi", "Psi", "Omega", "ell",
)  # fmt: skip
LETTERS = dict(zip("αβγδεζηθικλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩℓ", GREEK, strict=True))
SYMBOLS = {name: letter for letter, name in LETTERS.items()}


def name_parts(name: str) -> tuple[str, str, bool]:
    """A name as base, index, and whether the base wears a hat: ``W1`` is W with 1, ``yhat`` is ŷ, ``0.b`` b with 0.

    Examples
    --------
    >>> name_parts("W1"), name_parts("z_y"), name_parts("yhat"), name_parts("0.b")
    (('W', '1', False), ('z', 'y', False), ('y', '', True), ('b', '0', False))
    """
    layered = re.fullmatch(r"(\d+)\.([^\W\d_])", name)
    if layered is not None:
        return layered[2], layered[1], False
    if name.startswith("ŷ"):
        return "y", name[1:].lstrip("_"), True
    found = re.fullmatch(r"([^\W\d_]+)_?(\d+|(?<=_)\w+)?", name)
    if found is None:
        return name, "", False
    base, index = found[1], found[2] or ""
    if len(base) == 4 and base.endswith("hat"):
        return base[0], index, True
    return base, index, False


def number_text(value: Any) -> tuple[str, str]:
    """A number as numerator and denominator; the second is empty where decimals are shorter.

    Examples
    --------
    >>> number_text(Fraction(1, 2)), number_text(Fraction(5, 2)), number_text(Fraction(2, 3)), number_text(1e-9)
    (('1', '2'), ('2.5', ''), ('2', '3'), ('1e-09', ''))
    """
    if isinstance(value, Fraction):
        short = f"{float(value):.6g}"
        exact = Fraction(short) == value
        if (value.numerator in (1, -1) and value.denominator < 10) or not exact:
            return str(value.numerator), str(value.denominator)
        return short, ""
    return (str(value), "") if isinstance(value, int) and abs(value) < 10**15 else (f"{float(value):.6g}", "")


class Style:
    """What a style has to say: how each thing looks, from strings that are written already.

    ``flat``: there is only a line, so that fractions need brackets. ``deltas``: names whose gradient is written
    δ. The rest are methods: ``number``,
    ``constant``, ``name``, ``partial(of, name)``, ``one`` (a column of ones), ``brackets``; ``sum`` of pairs
    (negative, text), ``negative``, ``scalars`` (factors side by side), ``times`` (an upstream gradient),
    ``hadamard``, ``chain`` (a matrix product), ``fraction``, ``root``, ``exponent``, ``raised``, ``lowered``,
    ``transposed``; ``function``, ``word``, ``pair``, ``applied`` (sin x), ``called`` (max(x, y)), ``total`` (Σ),
    ``norm``, ``bars``, ``inner``, ``axes``, ``indexed``, ``condition``, ``shape``, ``equals``.
    """

    flat = True

    def __init__(self, sizes: Any, deltas: Collection[str] = ()) -> None:
        self.sizes, self.deltas = sizes, deltas

    def shape(self, shape: Sequence[int]) -> str:
        """A shape."""
        return self.sizes.text(shape)


_RAISED = dict(
    zip(
        "0123456789+-−abcdefghijklmnoprstuvwxyz⊤",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ", strict=True,
    )
)  # fmt: skip
_SHARES = {(1, 2): "½", (1, 3): "⅓", (2, 3): "⅔", (1, 4): "¼"}


class _Text(Style):
    """A line of Unicode."""

    def number(self, value: Any) -> str:
        top, bottom = number_text(value)
        if not bottom:
            return top.replace("-", "−") if value < 0 else top
        negative, top = top.startswith("-"), top.lstrip("-")
        share = _SHARES.get((int(top), int(bottom)), f"{top}/{bottom}")
        return f"−{share}" if negative else share

    def constant(self, name: str) -> str:
        return name

    def name(self, name: str) -> str:
        base, index, _ = name_parts(name)
        return f"{base}{index}" if "." in name and index else name

    def partial(self, of: str, name: str) -> str:
        return f"δ_{self.name(name)}" if name in self.deltas else f"∂{self.name(of)}/∂{self.name(name)}"

    def one(self) -> str:
        return "𝟏"

    def brackets(self, text: str) -> str:
        return f"({text})"

    def sum(self, parts: list[tuple[bool, str]]) -> str:
        first = ("−" if parts[0][0] else "") + parts[0][1]
        return first + "".join(f" {'−' if negative else '+'} {text}" for negative, text in parts[1:])

    def negative(self, text: str) -> str:
        return f"−{text}"

    def scalars(self, texts: list[str]) -> str:
        line = _held(texts[0]) if len(texts) > 1 else texts[0]
        for text in texts[1:]:
            close = _is_number(line) and text[0].isalpha() and (len(text) == 1 or not text[1].isalpha())
            line += text if close else f" · {text}" if text[0] in "0123456789" else f" {text}"
        return line

    def times(self, first: str, upstream: str) -> str:
        return f"{first} · {upstream}"

    def hadamard(self, texts: list[str]) -> str:
        return " ⊙ ".join(map(_held, texts)) if len(texts) > 1 else texts[0]

    def chain(self, texts: list[str]) -> str:
        return ("" if len(texts) == 2 and (texts[0] == "𝟏" or texts == ["𝟏", "𝟏ᵀ"]) else " ").join(texts)

    def fraction(self, top: str, bottom: str) -> str:
        return f"{top}/{bottom}"

    def root(self, inner: str) -> str:
        return f"√{inner}"

    def exponent(self, text: str) -> str:
        if len(text) <= 3 and all(c in _RAISED for c in text):
            return "".join(_RAISED[c] for c in text)
        return f"^{text}" if text.isalnum() else f"^({text})"

    def raised(self, base: str, exponent: str) -> str:
        return base + exponent

    def lowered(self, base: str, index: str) -> str:
        return f"{base}_{index}" if index.isalnum() else f"{base}[{index}]"

    def transposed(self, base: str) -> str:
        return f"{base}ᵀ"

    def function(self, function: Function) -> str:
        return function.text

    def word(self, name: str) -> str:
        return name

    def pair(self, first: str, second: str) -> str:
        return f"{first},{second}"

    def applied(self, head: str, x: str) -> str:
        return f"{head} {x}"

    def called(self, head: str, xs: list[str]) -> str:
        return f"{head}({', '.join(xs)})"

    def total(self) -> str:
        return "Σ"

    def norm(self, inner: str) -> str:
        return f"‖{inner}‖"

    def bars(self, inner: str) -> str:
        return f"|{inner}|"

    def inner(self, x: str, y: str) -> str:
        return f"⟨{x}, {y}⟩"

    def axes(self, axes: Sequence[int]) -> str:
        return f"axis {', '.join(map(str, axes))}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"

    def indexed(self, base: str, index: str) -> str:
        return f"{base}[{index}]"

    def condition(self, relations: list[str], xs: list[str]) -> str:
        if relations == ["¬"]:
            return f"[¬{xs[0]}]"
        return f"[{''.join(x + (f' {r} ' if r else '') for x, r in zip(xs, [*relations, ''], strict=True))}]"

    def equals(self, left: str, right: str) -> str:
        return f"{left} = {right}"


def _escaped(text: str) -> str:
    return re.sub(r"([_#%&$])", r"\\\1", text)


def _held(text: str) -> str:
    """A fraction in brackets, beside which something else stands."""
    depth = 0
    for c in text:
        depth += (c in "([⟨") - (c in ")]⟩")
        if c == "/" and not depth and not re.fullmatch(r"−?\d+/\d+", text):
            return f"({text})"
    return text


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[\d.½⅓¼⅔]+", text) is not None


class _Latex(Style):
    """LaTeX that MathJax, KaTeX and matplotlib's mathtext read."""

    flat = False

    def number(self, value: Any) -> str:
        top, bottom = number_text(value)
        if not bottom:
            mantissa, e, exponent = top.partition("e")
            return mantissa + (rf" \cdot 10^{{{int(exponent)}}}" if e else "")
        negative, top = top.startswith("-"), top.lstrip("-")
        return rf"{'-' if negative else ''}\frac{{{top}}}{{{bottom}}}"

    def constant(self, name: str) -> str:
        return {"π": r"\pi"}.get(name, name)

    def name(self, name: str) -> str:
        base, index, hat = name_parts(name)
        if base in GREEK:
            written = f"\\{base}"
        elif base in LETTERS:
            written = f"\\{LETTERS[base]}"
        elif len(base) == 1:
            written = base
        else:
            written = self.word(base)
        written = rf"\hat{{{written}}}" if hat else written
        if not index:
            return written
        return f"{written}_{{{index}}}" if len(index) == 1 or index.isdigit() else rf"{written}_{{\mathrm{{{index}}}}}"

    def partial(self, of: str, name: str) -> str:
        if name in self.deltas:
            return rf"\delta_{{{self.name(name)}}}"
        return rf"\frac{{\partial {self.name(of)}}}{{\partial {self.name(name)}}}"

    def one(self) -> str:
        return r"\mathbf{1}"

    def brackets(self, text: str) -> str:
        return rf"\left({text}\right)"

    def sum(self, parts: list[tuple[bool, str]]) -> str:
        first = ("-" if parts[0][0] else "") + parts[0][1]
        return first + "".join(f" {'-' if negative else '+'} {text}" for negative, text in parts[1:])

    def negative(self, text: str) -> str:
        return f"-{text}"

    def times(self, first: str, upstream: str) -> str:
        return rf"{first} \cdot {upstream}"

    def scalars(self, texts: list[str]) -> str:
        line = texts[0]
        for text in texts[1:]:
            line += rf" \cdot {text}" if text[0].isdigit() else rf"\, {text}"
        return line

    def hadamard(self, texts: list[str]) -> str:
        return r" \odot ".join(texts)

    def chain(self, texts: list[str]) -> str:
        return r"\, ".join(texts)

    def fraction(self, top: str, bottom: str) -> str:
        return rf"\frac{{{top}}}{{{bottom}}}"

    def root(self, inner: str) -> str:
        return rf"\sqrt{{{inner}}}"

    def exponent(self, text: str) -> str:
        return text.replace("⊤", r"\top")

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def lowered(self, base: str, index: str) -> str:
        return f"{base}_{{{index}}}"

    def transposed(self, base: str) -> str:
        return rf"{base}^{{\top}}"

    def function(self, function: Function) -> str:
        return function.latex

    def word(self, name: str) -> str:
        return rf"\mathrm{{{_escaped(name)}}}"

    def pair(self, first: str, second: str) -> str:
        return f"{first},{second}"

    def applied(self, head: str, x: str) -> str:
        return f"{head} {x}"

    def called(self, head: str, xs: list[str]) -> str:
        inside = r",\, ".join(xs)
        return rf"{head}\left({inside}\right)"

    def total(self) -> str:
        return r"\sum"

    def norm(self, inner: str) -> str:
        return rf"\left\| {inner} \right\|"

    def bars(self, inner: str) -> str:
        return rf"\left| {inner} \right|"

    def inner(self, x: str, y: str) -> str:
        return rf"\left\langle {x},\, {y} \right\rangle"

    def axes(self, axes: Sequence[int]) -> str:
        inside = r",\ ".join(map(str, axes))
        return rf"\mathrm{{{'axis' if len(axes) == 1 else 'axes'}}}\ {inside}"

    def indexed(self, base: str, index: str) -> str:
        inside = index.replace("→", r"\to ")
        return rf"{base}[\mathrm{{{inside}}}]"

    def shape(self, shape: Sequence[int]) -> str:
        return self.sizes.text(shape).replace("×", r" \times ").replace("·", r" \cdot ")

    def condition(self, relations: list[str], xs: list[str]) -> str:
        if relations == ["¬"]:
            return rf"[\neg {xs[0]}]"
        signs = {"≤": r"\leq", "≥": r"\geq", "≠": r"\neq"}
        parts = (x + (f" {signs.get(r, r)} " if r else "") for x, r in zip(xs, [*relations, ""], strict=True))
        return f"[{''.join(parts)}]"

    def equals(self, left: str, right: str) -> str:
        return f"{left} = {right}"


TEXT, LATEX = _Text, _Latex
"""A line of Unicode, and LaTeX."""
