"""Expressions as trees: numbers, symbols, sums, products, powers, functions, matrix products, gates.

A tree follows NumPy: what acts element by element broadcasts. A matrix product (``product``) follows
mathematics: a vector is a column, and ``transpose`` of one is a row.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from glassgrad.op import Op
from glassgrad.views.derivation.functions import FUNCTIONS

CONSTANTS = {"e": float(np.e), "π": float(np.pi)}
RELATIONS = {
    "<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal, "=": np.equal, "≠": np.not_equal,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expr:
    """One node: its kind, what it is made of, the shape of its value, and what the kind needs beside.

    Kinds: ``number`` (data: int, Fraction or float), ``constant`` (e, π), ``symbol`` (`Symbol`), ``ones``,
    ``add``, ``mul`` and ``pow`` (element by element), ``fn`` (a name of `FUNCTIONS`, axes, keepdims),
    ``compare`` (relations between the operands; none of one operand, ``not`` of one), ``product``,
    ``transpose``, ``inverse``, ``reduce`` (sum, max or min; axes; keepdims), ``gate`` (`Applied`), ``vjp``
    (`Backward`).
    """

    kind: str
    args: tuple[Expr, ...] = ()
    shape: tuple[int, ...] = ()
    data: Any = None
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.kind, self.args, self.shape, self.data)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def size(self) -> int:
        """Leaves of the tree."""
        return sum(a.size for a in self.args) if self.args else 1

    def symbols(self) -> set[Symbol]:
        """Every symbol that stands in the tree."""
        if self.kind == "symbol":
            return {self.data}
        return set().union(*(a.symbols() for a in self.args))

    def walk(self) -> Any:
        """Every node, results before operands."""
        yield self
        for a in self.args:
            yield from a.walk()


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name: of a wire's value, or (``of`` is not empty) the gradient of ``of`` with respect to it."""

    name: str
    of: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Applied:
    """A gate with its static parameters, and which of its outputs is meant where it has several."""

    op: Op
    params: Mapping[str, Any]
    index: int | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return (type(self), self.op.name, repr(sorted(self.params.items())), self.index)


@dataclass(frozen=True, eq=False, slots=True)
class Backward(Applied):
    """The rule of a gate for operand ``index``: a vector-Jacobian product.

    ``slots`` says which outputs of a gate with several have a gradient, ``to`` the operand's shape.
    """

    slots: tuple[int, ...] | None = None
    to: tuple[int, ...] = ()

    def _key(self) -> tuple[Any, ...]:
        return (*Applied._key(self), self.slots)


def is_row(e: Expr) -> bool:
    """Whether this is a vector set on its side."""
    return e.kind == "transpose" and len(e.args[0].shape) == 1


def evaluate(e: Expr, values: Mapping[Symbol, Any]) -> Any:
    """The value of a tree with these values for its symbols, by NumPy."""
    with np.errstate(all="ignore"):
        return _evaluate(e, values, {})


def _evaluate(e: Expr, values: Mapping[Symbol, Any], known: dict[Expr, Any]) -> Any:
    if e not in known:
        if e.kind == "symbol":
            return values[e.data]
        known[e] = _RUN[e.kind](e, [_evaluate(a, values, known) for a in e.args])
    return known[e]


def _counted(x: Any) -> Any:
    """A truth value as the number 0 or 1."""
    return x * 1.0 if np.asarray(x).dtype.kind == "b" else x


def _add(e: Expr, xs: list[Any]) -> Any:
    return functools.reduce(operator.add, map(_counted, xs))


def _mul(e: Expr, xs: list[Any]) -> Any:
    return functools.reduce(operator.mul, map(_counted, xs))


def _pow(e: Expr, xs: list[Any]) -> Any:
    exponent = e.args[1].data
    if isinstance(exponent, int):
        return np.square(xs[0]) if exponent == 2 else np.power(np.asarray(xs[0], np.float64), exponent)
    if e.args[0].kind == "constant" and e.args[0].data == "e":
        return np.exp(xs[1])
    return np.sqrt(xs[0]) if exponent == Fraction(1, 2) else np.power(np.asarray(xs[0], np.float64), xs[1])


def _function(e: Expr, xs: list[Any]) -> Any:
    name, axes, keepdims = e.data
    function = FUNCTIONS[name]
    if not function.over:
        return function.run(*xs)
    if name in ("softmax", "log_softmax", "onehot"):
        return function.run(xs[0], axis=axes)
    if name == "norm":
        return np.sqrt(np.sum(np.square(xs[0]), axis=axes, keepdims=keepdims))
    return function.run(xs[0], axis=axes, keepdims=keepdims)


def _compare(e: Expr, xs: list[Any]) -> Any:
    if not e.data:
        return xs[0] != 0
    if e.data == ("not",):
        return xs[0] == 0
    holds: Any = True
    for relation, x, y in zip(e.data, xs, xs[1:], strict=False):
        holds = holds & RELATIONS[relation](x, y)
    return holds


def _product(e: Expr, xs: list[Any]) -> Any:
    total = functools.reduce(operator.matmul, (x[:, None] if np.ndim(x) == 1 else np.asarray(x) for x in xs))
    return np.reshape(total, e.shape) if len(e.shape) < 2 else total


def _transpose(e: Expr, xs: list[Any]) -> Any:
    x = np.asarray(xs[0])
    return x[None, :] if x.ndim == 1 else np.swapaxes(x, -1, -2)


def _reduce(e: Expr, xs: list[Any]) -> Any:
    name, axes, keepdims = e.data
    return {"sum": np.sum, "max": np.max, "min": np.min}[name](xs[0], axis=axes, keepdims=keepdims)


def _gate(e: Expr, xs: list[Any]) -> Any:
    out = e.data.op.forward(*xs, **e.data.params)
    return out if e.data.index is None else out[e.data.index]


def summed_to(g: np.ndarray[Any, Any], shape: tuple[int, ...]) -> Any:
    """A gradient in the shape of its variable: summed over what was broadcast, repeated where one stands for many."""
    extra = g.ndim - len(shape)
    if extra > 0:
        g = np.sum(g, axis=tuple(range(extra)))
    inner = tuple(i for i, n in enumerate(shape) if n == 1 and g.ndim == len(shape) and g.shape[i] != 1)
    return np.broadcast_to(np.sum(g, axis=inner, keepdims=True) if inner else g, shape)


def _vjp(e: Expr, xs: list[Any]) -> Any:
    backward = e.data
    count = 1 if backward.slots is None else len(backward.slots)
    gs, operands = xs[:count], xs[count:]
    out = backward.op.forward(*operands, **backward.params)
    g: Any = np.asarray(gs[0])[()]
    if backward.slots is not None:
        g = tuple(
            gs[backward.slots.index(i)] if i in backward.slots else np.zeros_like(part) for i, part in enumerate(out)
        )
    found = backward.op.rule(backward.index)(g, out, *operands, **backward.params)
    return summed_to(np.asarray(found), backward.to)


_RUN: dict[str, Any] = {
    "number": lambda e, xs: np.float64(e.data),
    "constant": lambda e, xs: np.float64(CONSTANTS[e.data]),
    "ones": lambda e, xs: np.ones(e.shape),
    "add": _add, "mul": _mul, "pow": _pow, "fn": _function, "compare": _compare, "product": _product,
    "transpose": _transpose, "inverse": lambda e, xs: np.linalg.inv(xs[0]), "reduce": _reduce, "gate": _gate,
    "vjp": _vjp,
}  # fmt: skip
