"""Makers of trees element by element, which simplify as they build: like terms collected, powers joined."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from glassgrad.views.derivation.tree import Expr, Symbol

E = Expr("constant", data="e")
_LONGEST = 1000
"""The largest denominator of a fraction that a float is taken to stand for."""


def number(value: Any) -> Expr:
    """A number: exact where a short fraction is what the float stands for, and by name where it is π, e or ln 2."""
    if isinstance(value, bool | np.bool_):
        value = int(value)
    if isinstance(value, Fraction | int):
        exact = Fraction(value)
        return Expr("number", data=int(exact) if exact.denominator == 1 else exact)
    value = float(value)
    if not math.isfinite(value):
        return Expr("number", data=value)
    exact = Fraction(value).limit_denominator(_LONGEST)
    if float(exact) == value:
        return number(exact)
    return _famous(value) or Expr("number", data=value)


def _famous(value: float) -> Expr | None:
    """π, e, or the logarithm or root of a short number, where the value is that number's to the last bit."""
    if value in (math.pi, math.e):
        return Expr("constant", data="π" if value == math.pi else "e")
    if abs(value) < 20:
        inside = float(f"{math.exp(value):.3g}")
        if inside > 0 and math.log(inside) == value:
            return fn("ln", number(inside))
    inside = float(f"{value * value:.3g}")
    if value > 0 and math.sqrt(inside) == value:
        return power(number(inside), number(Fraction(1, 2)))
    return None


ZERO, ONE = Expr("number", data=0), Expr("number", data=1)


def symbol(name: str, shape: Sequence[int] = (), of: str = "") -> Expr:
    """The value of a wire, or the gradient of ``of`` with respect to it."""
    return Expr("symbol", (), tuple(shape), Symbol(name, of))


def ones(shape: Sequence[int]) -> Expr:
    """An array of ones; the number 1 where there are no axes."""
    return Expr("ones", (), tuple(shape)) if shape else ONE


def is_number(e: Expr, value: Any = None) -> bool:
    """Whether this is a number (this number)."""
    return e.kind == "number" and (value is None or e.data == value)


def _shape(args: Iterable[Expr]) -> tuple[int, ...]:
    return np.broadcast_shapes(*[a.shape for a in args])


def split(e: Expr) -> tuple[Any, tuple[Expr, ...]]:
    """A term as its number and its other factors."""
    if e.kind == "number":
        return e.data, ()
    if e.kind == "mul":
        first = e.args[0]
        return (first.data, e.args[1:]) if first.kind == "number" else (1, e.args)
    return 1, (e,)


def _join(coefficient: Any, factors: tuple[Expr, ...]) -> Expr:
    if not factors:
        return number(coefficient)
    if coefficient == 1 and len(factors) == 1:
        return factors[0]
    args = factors if coefficient == 1 else (number(coefficient), *factors)
    return Expr("mul", args, _shape(factors))


def add(*terms: Expr) -> Expr:
    """A sum, element by element. Like terms are collected; a positive term goes first."""
    shape = _shape(terms)
    found: dict[Any, list[Any]] = {}
    for coefficient, factors in _terms(terms):
        entry = found.setdefault(frozenset(_counted(factors)), [0, factors])
        entry[0] = entry[0] + coefficient
    kept = [_join(c, factors) for c, factors in found.values() if c != 0]
    if not kept:
        return spread(ZERO, shape)
    leading = next((i for i, t in enumerate(kept) if not _negative(t)), 0)
    kept = [kept[leading], *kept[:leading], *kept[leading + 1 :]]
    if kept[0].kind == "number" and len(kept) > 1 and not any(map(_negative, kept)):
        kept = [*kept[1:], kept[0]]
    if len(kept) == 1:
        return spread(kept[0], shape)
    return spread(_identity(kept) or _factored(kept) or Expr("add", tuple(kept), _shape(kept)), shape)


def _terms(terms: Iterable[Expr]) -> Iterable[tuple[Any, tuple[Expr, ...]]]:
    """Terms as (number, factors), sums inside sums opened."""
    for term in terms:
        coefficient, factors = split(term)
        inner = factors[0] if len(factors) == 1 else None
        if inner is not None and inner.kind == "add":
            yield from ((coefficient * c, f) for c, f in _terms(inner.args))
        elif coefficient != 0:
            yield coefficient, factors


def _counted(factors: tuple[Expr, ...]) -> Iterable[tuple[Expr, int]]:
    return ((f, factors.count(f)) for f in factors)


def _negative(e: Expr) -> bool:
    coefficient, _ = split(e)
    return coefficient < 0


def _identity(terms: list[Expr]) -> Expr | None:
    """1 + tan² u = sec² u."""
    if len(terms) == 2 and ONE in terms:
        other = terms[1 - terms.index(ONE)]
        if other.kind == "pow" and is_number(other.args[1], 2) and other.args[0].kind == "fn":
            inner = other.args[0]
            if inner.data[0] == "tan":
                return power(fn("sec", *inner.args), number(2))
    return None


def _factored(terms: list[Expr]) -> Expr | None:
    """What all terms share in front, of numbers where it is no polynomial: xˣ ln x + xˣ = xˣ (ln x + 1).

    Of arrays, it is a number by which all are multiplied: A/N − B/N = (A − B)/N.
    """
    shape = _shape(terms)
    shared = [f for f in split(terms[0])[1] if all(f in split(t)[1] for t in terms[1:])]
    common = [f for f in shared if (not f.shape if shape else _transcendental(f))]
    coefficients = [abs(split(t)[0]) for t in terms]
    scale = coefficients[0] if shape and len(set(coefficients)) == 1 else 1
    if any(t.shape != shape for t in terms) or (not common and scale == 1):
        return None
    rest = []
    for term in terms:
        coefficient, factors = split(term)
        left = list(factors)
        for f in common:
            left.remove(f)
        rest.append(_join(number(coefficient / Fraction(scale)).data, tuple(left)))
    return mul(number(scale), *common, add(*rest))


def _transcendental(e: Expr) -> bool:
    return (e.kind == "pow" and e.args[1].kind != "number") or (e.kind == "fn" and not e.shape)


def descending(e: Expr) -> Expr:
    """A sum of monomials with the highest degree first, 4x³ + 2x; anything else as it is."""
    degrees = {t: _degree(t) for t in e.args} if e.kind == "add" else {}
    if not degrees or None in degrees.values() or _negative(max(e.args, key=lambda t: degrees[t] or 0)):
        return e
    return Expr("add", tuple(sorted(e.args, key=lambda t: -(degrees[t] or 0))), e.shape)


def _degree(term: Expr) -> int | None:
    """The degree of a monomial; None of anything else."""
    total = 0
    for f in split(term)[1]:
        base, exponent = (f.args[0], f.args[1].data) if f.kind == "pow" else (f, 1)
        if base.kind != "symbol" or not isinstance(exponent, int) or exponent < 0:
            return None
        total += exponent
    return total


def mul(*factors: Expr) -> Expr:
    """A product, element by element. Numbers go first, powers of one base are joined, ones disappear."""
    coefficient: Any = 1
    exponents: dict[Expr, Expr] = {}
    shape = _shape(factors)
    stack = list(reversed(factors))
    while stack:
        f = stack.pop()
        if f.kind == "mul":
            stack.extend(reversed(f.args))
        elif f.kind == "number":
            coefficient = coefficient * f.data
        elif f.kind != "ones":
            base, exponent = (f.args[0], f.args[1]) if f.kind == "pow" else (f, ONE)
            known = exponents.get(base)
            exponents[base] = exponent if known is None else add(known, exponent)
    if coefficient == 0:
        return spread(ZERO, shape)
    _join_circular(exponents)
    made: list[Expr] = []
    for base, exponent in exponents.items():
        joined = power(base, exponent)
        c, inner = split(joined)
        coefficient = coefficient * c
        made += [f for f in inner if f.kind != "ones"]
    made.sort(key=lambda f: bool(f.shape))
    if not made:
        return spread(number(coefficient), shape)
    return spread(_join(number(coefficient).data if coefficient != 1 else 1, tuple(made)), shape)


def _join_circular(exponents: dict[Expr, Expr]) -> None:
    """The quotient sin u / cos u is tan u, and the other way round cot u."""
    for base in list(exponents):
        if base in exponents and base.kind == "fn" and base.data[0] in ("sin", "cos"):
            name, other = ("tan", "cos") if base.data[0] == "sin" else ("cot", "sin")
            below = fn(other, *base.args)
            if is_number(exponents[base], 1) and is_number(exponents.get(below, ZERO), -1):
                del exponents[base], exponents[below]
                exponents[fn(name, *base.args)] = ONE


def spread(e: Expr, shape: Sequence[int]) -> Expr:
    """The same values in a larger shape: times an array of ones."""
    shape = tuple(shape)
    if e.shape == shape:
        return e
    if is_number(e, 1):
        return ones(shape)
    coefficient, factors = split(e)
    factors = tuple(f for f in factors if f.kind != "ones")
    if _shape(factors) == shape or (coefficient == 1 and not factors):
        return _join(coefficient, factors or (ones(shape),))
    return Expr("mul", (*([] if coefficient == 1 else [number(coefficient)]), *factors, ones(shape)), shape)


def neg(e: Expr) -> Expr:
    """The negative."""
    return mul(number(-1), e)


def sub(x: Expr, y: Expr) -> Expr:
    """A difference."""
    return add(x, neg(y))


def divide(x: Expr, y: Expr) -> Expr:
    """A quotient, element by element."""
    return mul(x, power(y, number(-1)))


def power(base: Expr, exponent: Expr) -> Expr:
    """A power, element by element."""
    if is_number(exponent, 0):
        return ones(_shape((base, exponent)))
    if is_number(exponent, 1):
        return base
    whole = exponent.kind == "number" and isinstance(exponent.data, int)
    if base.kind == "number" and exponent.kind == "number":
        exact = _number_power(base.data, exponent.data)
        if exact is not None:
            return number(exact)
    if base.kind == "compare" and whole and exponent.data > 0:
        return base
    if base.kind == "ones":
        return ones(_shape((base, exponent)))
    if base.kind == "pow" and whole:
        return power(base.args[0], mul(base.args[1], exponent))
    if base.kind == "mul" and whole:
        return mul(*(power(f, exponent) for f in base.args))
    return Expr("pow", (base, exponent), _shape((base, exponent)))


def _number_power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, int) and abs(exponent) < 64 and base != 0:
        return base**exponent if isinstance(base, float) else Fraction(base) ** exponent
    return None


def exp(e: Expr) -> Expr:
    """The exponential: a power of e."""
    return power(E, e)


def fn(name: str, *args: Expr, axes: tuple[int, ...] | None = None, keepdims: bool = False) -> Expr:
    """A function of `FUNCTIONS`; those that run along axes are told which."""
    x = args[0]
    shape = _shape(args)
    if axes is not None and name in ("logsumexp", "norm"):
        shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes)
    if name == "det":
        shape = x.shape[:-2]
    if name == "onehot":
        shape = (*x.shape, *(axes or ()))
    if name == "ln" and x.kind == "constant" and x.data == "e":
        return ONE
    if name == "ln" and x.kind == "add" and len(x.args) == 2 and ONE in x.args:
        inner = x.args[1 - x.args.index(ONE)]
        if inner.kind == "pow" and inner.args[0] == E:
            return fn("softplus", inner.args[1])
    if name in ("sin", "tan", "tanh", "sinh", "sign") and x.kind == "mul" and split(x)[0] == -1:
        return neg(fn(name, neg(x)))
    return Expr("fn", tuple(args), shape, (name, axes, keepdims))


def compare(relations: tuple[str, ...], *args: Expr) -> Expr:
    """1 where the relations hold, else 0."""
    if not relations and args[0].kind == "compare":
        return args[0]
    return Expr("compare", tuple(args), _shape(args), relations)
