"""Writes trees: what stands where, and where brackets go. How it looks is the style's: text, LaTeX, MathML."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from glassgrad.views.derivation import algebra as a
from glassgrad.views.derivation import matrices as m
from glassgrad.views.derivation.functions import FUNCTIONS
from glassgrad.views.derivation.styles import ATOM, FUNCTION, PRODUCT, SUM
from glassgrad.views.derivation.tree import Expr

_HALF = Fraction(1, 2)


class Writer:
    """Writes trees in one style.

    Parameters
    ----------
    style : Style
        How numbers, names, fractions and brackets look.
    """

    def __init__(self, style: Any) -> None:
        self.style = style

    def write(self, e: Expr, least: int = SUM) -> str:
        """A tree, in brackets where it binds less than `least`."""
        text, level = self.node(e)
        return text if level >= least else self.style.brackets(text)

    def base(self, e: Expr) -> str:
        """A tree that something is set above: a fraction is in brackets there."""
        text = self.write(e, ATOM)
        fraction = (
            e.kind == "symbol" and bool(e.data.of) and e.data.name not in self.style.deltas and not self.style.flat
        )
        return self.style.brackets(text) if fraction or e.kind == "pow" else text

    def node(self, e: Expr) -> tuple[str, int]:
        """A tree and how strongly it binds."""
        return getattr(self, f"_{e.kind}")(e)

    # leaves

    def _number(self, e: Expr) -> tuple[str, int]:
        text = self.style.number(e.data)
        return text, SUM if e.data < 0 else PRODUCT if self.style.flat and "/" in text else ATOM

    def _constant(self, e: Expr) -> tuple[str, int]:
        return self.style.constant(e.data), ATOM

    def _symbol(self, e: Expr) -> tuple[str, int]:
        if e.data.of:
            fraction = self.style.flat and e.data.name not in self.style.deltas
            return self.style.partial(e.data.of, e.data.name), PRODUCT if fraction else ATOM
        return self.style.name(e.data.name), ATOM

    def _ones(self, e: Expr) -> tuple[str, int]:
        if len(e.shape) == 2 and e.shape[0] == 1:
            return self.style.transposed(self.style.one()), ATOM
        if len(e.shape) == 2 and e.shape[1] != 1:
            return self.style.chain([self.style.one(), self.style.transposed(self.style.one())]), PRODUCT
        return self.style.one(), ATOM

    # sums and products

    def _add(self, e: Expr) -> tuple[str, int]:
        parts: list[tuple[bool, str]] = []
        for term in e.args:
            coefficient, _ = a.split(term)
            negative = coefficient < 0
            parts.append((negative, self.fitted(a.neg(term) if negative else term, e.shape, PRODUCT)))
        return self.style.sum(parts), SUM

    def _mul(self, e: Expr) -> tuple[str, int]:
        coefficient, factors = a.split(e)
        if coefficient == 0:
            return self.style.number(0), ATOM
        if coefficient < 0:
            return self.style.negative(self.write(a.mul(a.number(-coefficient), *factors), PRODUCT)), SUM
        arrays = [f for f in factors if f.shape and f.kind != "ones"]
        inner = a.mul(*arrays).shape if arrays else e.shape
        if len(e.shape) == 2 and inner != e.shape and inner != (1,):
            scalars = [f for f in factors if not f.shape]
            spread = self.fitted(a.mul(*arrays), e.shape, PRODUCT)
            lead = [self._line(e, a.number(coefficient), scalars)] if scalars or coefficient != 1 else []
            return self.style.scalars([*lead, spread]), PRODUCT
        coefficient = Fraction(coefficient) if not isinstance(coefficient, float) else coefficient
        over = [f for f in factors if not _inverted(f)]
        under = [a.power(f.args[0], a.neg(f.args[1])) for f in factors if _inverted(f)]
        if not under:
            return self._line(e, a.number(coefficient), over), PRODUCT
        top, bottom = (coefficient, 1) if isinstance(coefficient, float) else coefficient.as_integer_ratio()
        joined = a.mul(a.number(bottom), *under)
        outer = [f for f in over if _outside(f)]
        inner = [f for f in over if not _outside(f)] if len(outer) < len(over) or not over else []
        if top == 1 and not inner:
            numerator = self.style.number(1)
        else:
            numerator = self._line(e, a.number(top), inner, FUNCTION if self.style.flat else SUM)
            if self.style.flat and any("fn" in (f.kind, f.args and f.args[0].kind) for f in inner):
                numerator = numerator if numerator.endswith(")") and len(inner) == 1 else self.style.brackets(numerator)
        denominator = self.fitted(joined, e.shape, ATOM if self.style.flat else SUM)
        fraction = self.style.fraction(numerator, denominator)
        if not outer:
            return fraction, PRODUCT
        rest = self._line(e, a.ONE, outer)
        if e.shape and any(f.shape for f in (*inner, *under)) and any(f.shape for f in outer):
            return self.style.hadamard([fraction, self.style.brackets(rest) if len(outer) > 1 else rest]), PRODUCT
        return self.style.scalars([fraction, rest]), PRODUCT

    def _line(self, e: Expr, coefficient: Expr, factors: list[Expr], alone: int = SUM) -> str:
        """Factors side by side: numbers, then single numbers by name, then arrays with ⊙ between them."""
        scalars = [f for f in factors if not f.shape]
        arrays = [f for f in factors if f.shape]
        if len(factors) == 1 and coefficient == a.ONE:
            return self.fitted(factors[0], e.shape, max(alone, PRODUCT))
        scalars.sort(key=_place)
        texts = [self.write(coefficient, PRODUCT)] if coefficient != a.ONE else []
        upstream = [f for f in scalars if f.kind == "symbol" and f.data.of]
        texts += [self.write(f, ATOM if arrays else FUNCTION) for f in scalars if f not in upstream]
        lead = self.style.scalars(texts) if texts else ""
        for i, f in enumerate(upstream):
            text = self.write(f, FUNCTION if arrays or i < len(upstream) - 1 else PRODUCT)
            lead = self.style.times(lead, text) if lead else text
        if not arrays:
            return lead
        level = FUNCTION if len(arrays) > 1 else PRODUCT
        written = [self.fitted(f, e.shape, level) for f in arrays]
        line = self.style.hadamard(written)
        return self.style.scalars([lead, line]) if lead else line

    def fitted(self, e: Expr, shape: tuple[int, ...], least: int) -> str:
        """An operand beside a matrix: a vector on every row is 𝟏bᵀ, a column on every column is c𝟏ᵀ."""
        if len(shape) != 2 or e.shape == shape or not e.shape or e.shape == (1,):
            return self.write(e, least)
        column = len(e.shape) == 2 and e.shape[1] == 1
        one = self.style.one()
        if column:
            least_here = PRODUCT if e.kind in ("product", "reduce") else ATOM
            text = self.style.chain([self.write(e, least_here), self.style.transposed(one)])
        elif len(e.shape) == 1:
            text = self.style.chain([one, self.write(m.transpose(e), FUNCTION)])
        else:
            text = self.style.chain([one, self.write(e, ATOM)])
        return text if least <= PRODUCT else self.style.brackets(text)

    def _pow(self, e: Expr) -> tuple[str, int]:
        base, exponent = e.args
        if exponent.kind == "number" and exponent.data < 0:
            return self._mul(Expr("mul", (e,), e.shape))
        if exponent.kind == "number" and exponent.data == _HALF:
            return self.style.root(self.write(base, ATOM if self.style.flat else SUM)), ATOM
        if exponent.kind == "number" and isinstance(exponent.data, Fraction):
            written = self.style.exponent(
                self.style.fraction(*map(self.style.number, exponent.data.as_integer_ratio()))
            )
        else:
            written = self.style.exponent(self.write(exponent))
        if base.kind == "fn" and len(base.args) == 1 and _whole(exponent) and base.data[0] not in ("abs", "norm"):
            return self.call(base, written)
        return self.style.raised(self.base(base), written), ATOM

    # functions

    def _fn(self, e: Expr) -> tuple[str, int]:
        return self.call(e)

    def call(self, e: Expr, exponent: str = "") -> tuple[str, int]:
        """A function of its operands: without brackets where the operand is one name."""
        name, axes, _ = e.data
        if name == "norm":
            return self.style.norm(self.write(e.args[0])), ATOM
        if name == "abs":
            return self.style.bars(self.write(e.args[0])), ATOM
        head = self.style.function(FUNCTIONS[name])
        x = e.args[0]
        if axes is not None and name != "onehot" and not _usual(x.shape, axes):
            head = self.style.lowered(head, self.style.axes(axes))
        if exponent:
            head = self.style.raised(head, exponent)
        bare = len(e.args) == 1 and x.kind in ("symbol", "number") and not (x.kind == "symbol" and x.data.of)
        if bare and name not in ("sigma", "sign") and not FUNCTIONS[name].over:
            return self.style.applied(head, self.write(x, ATOM)), FUNCTION
        return self.style.called(head, [self.write(arg) for arg in e.args]), ATOM

    def _compare(self, e: Expr) -> tuple[str, int]:
        if e.data == ("not",):
            return self.style.condition(["¬"], [self.write(e.args[0], ATOM)]), ATOM
        return self.style.condition(list(e.data), [self.write(x) for x in e.args]), ATOM

    # matrices

    def _product(self, e: Expr) -> tuple[str, int]:
        last = len(e.args) - 1
        texts = [self.write(f, PRODUCT if i == last and f.kind == "symbol" else ATOM) for i, f in enumerate(e.args)]
        return self.style.chain(texts), PRODUCT

    def _transpose(self, e: Expr) -> tuple[str, int]:
        return self.style.transposed(self.base(e.args[0])), ATOM

    def _inverse(self, e: Expr) -> tuple[str, int]:
        inner = e.args[0]
        if inner.kind == "transpose":
            return self.style.raised(self.write(inner.args[0], ATOM), self.style.exponent("-⊤")), ATOM
        return self.style.raised(self.write(inner, ATOM), self.style.exponent(self.write(a.number(-1)))), ATOM

    def _reduce(self, e: Expr) -> tuple[str, int]:
        name, axes, keepdims = e.data
        inner = e.args[0]
        every = len(axes) == len(inner.shape)
        if name == "sum" and every:
            return self._total(inner)
        if name == "sum" and len(inner.shape) == 2:
            one = self.style.one()
            if axes == (1,):
                return self.style.chain([self.write(inner, ATOM), one]), PRODUCT
            if keepdims:
                return self.style.chain([self.style.transposed(one), self.write(inner, ATOM)]), PRODUCT
            return self.style.chain([self.style.transposed(self.base(inner)), one]), PRODUCT
        head = self.style.total() if name == "sum" else self.style.function(FUNCTIONS[name])
        if not every:
            head = self.style.lowered(head, self.style.axes(axes))
        return self.style.called(head, [self.write(inner)]), ATOM

    def _total(self, inner: Expr) -> tuple[str, int]:
        """A sum of everything: a squared norm, an inner product, or a sum."""
        if inner.kind == "pow" and a.is_number(inner.args[1], 2):
            two = self.style.exponent(self.style.number(2))
            return self.style.raised(self.style.norm(self.write(inner.args[0])), two), ATOM
        if inner.kind == "mul" and len(inner.args) == 2 and all(f.shape == inner.shape for f in inner.args):
            return self.style.inner(*(self.write(f) for f in inner.args)), ATOM
        return self.style.applied(self.style.total(), self.write(inner, FUNCTION)), PRODUCT

    # gates

    def _gate(self, e: Expr) -> tuple[str, int]:
        op, params = e.data.op, e.data.params
        if op.name == "reshape":
            return self._reshaped(e)
        if op.name == "slice":
            return self.style.indexed(self.write(e.args[0], ATOM), index_text(params["index"])), ATOM
        head = self.style.word(op.name)
        if e.data.index is not None:
            head = self.style.lowered(head, self.style.number(e.data.index + 1))
        if op.name == "embed":
            head = self.style.indexed(head, index_text(params["index"]))
        elif isinstance(params.get("axis"), int):
            head = self.style.lowered(head, self.style.axes((params["axis"],)))
        elif "subscripts" in params:
            head = self.style.indexed(head, params["subscripts"].replace("->", "→"))
        return self.style.called(head, [self.write(x) for x in e.args]), ATOM

    def _reshaped(self, e: Expr) -> tuple[str, int]:
        """A vector as a column is the vector; as a row, its transpose."""
        x = e.args[0]
        if e.shape == (*x.shape, 1) or x.shape == (*e.shape, 1):
            return self.node(x)
        if len(x.shape) == 1 and e.shape == (1, *x.shape):
            return self.style.transposed(self.write(x, ATOM)), ATOM
        if len(x.shape) == 2 and x.shape == (1, *e.shape):
            return self.style.transposed(self.write(x, ATOM)), ATOM
        head = self.style.lowered(self.style.word("reshape"), self.style.shape(e.shape))
        return self.style.called(head, [self.write(x)]), ATOM

    def _vjp(self, e: Expr) -> tuple[str, int]:
        count = 1 if e.data.slots is None else len(e.data.slots)
        gs, xs = e.args[:count], e.args[count:]
        name = self.style.word(e.data.op.name)
        if len(xs) > 1:
            name = self.style.pair(name, self.style.number(e.data.index + 1))
        jacobian = self.style.lowered(self.style.name("J"), name)
        at = self.style.transposed(self.style.called(jacobian, [self.write(x) for x in xs]))
        if gs == (a.ONE,):
            return at, ATOM
        if count == 1:
            return self.style.chain([at, self.write(gs[0], PRODUCT if gs[0].kind == "symbol" else ATOM)]), PRODUCT
        return self.style.called(at, [self.write(g) for g in gs]), PRODUCT


def _inverted(f: Expr) -> bool:
    return f.kind == "pow" and f.args[1].kind == "number" and f.args[1].data < 0


def _outside(f: Expr) -> bool:
    """Factors that stand beside a fraction, not on it: gradients, functions, sums, products of matrices."""
    if f.kind in ("add", "reduce"):
        return bool(f.shape)
    return (f.kind == "symbol" and bool(f.data.of)) or f.kind in ("product", "vjp", "ones", "compare")


def _place(f: Expr) -> tuple[int, str]:
    """Names in the order of the alphabet, then powers and sums; functions last, where they take nothing in."""
    base = f.args[0] if f.kind == "pow" and f.args[1].kind == "number" else f
    if base.kind == "symbol":
        return 0, base.data.name
    if base.kind == "fn" and base.data[0] == "sigma":
        return 2, ""
    place = {"constant": 1, "pow": 2, "add": 3, "fn": 5}.get(base.kind, 4)
    return place, ""


def _whole(e: Expr) -> bool:
    return e.kind == "number" and isinstance(e.data, int) and e.data > 0


def _usual(shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Whether a function runs over the last axis, or over all: that needs no word."""
    return len(axes) == len(shape) or axes == (len(shape) - 1,)


def index_text(index: Any) -> str:
    """A basic index as it is written in brackets.

    Examples
    --------
    >>> index_text(((1, 3, 1), 0, (None, None, None)))
    '1:3, 0, :'
    """
    texts = []
    for part in index:
        if part is None:
            texts.append("None")
        elif isinstance(part, tuple):
            start, stop, step = part
            ends = ":".join("" if n is None else str(n) for n in (start, stop))
            texts.append(ends if step in (None, 1) else f"{ends}:{step}")
        else:
            texts.append(str(part))
    return ", ".join(texts)
