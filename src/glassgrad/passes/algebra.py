"""Rules on numbers. Each gives the same bits for every operand, infinities and zeros with their sign included.

The exceptions are powers of a wire without axes, where NumPy calls `pow` and not `square` or
`reciprocal`: those differ in the last bit at times. What is not exact is not here: no x·0, x − x, x / x,
no sums in another order; and x + 0 is x only where x cannot be −0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassgrad.op import Op
from glassgrad.ops import elementwise
from glassgrad.ops.arithmetic import (
    absolute,
    add,
    divide,
    identity,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    reciprocal,
    relu,
    sqrt,
    square,
    stop_gradient,
    subtract,
    where,
)
from glassgrad.ops.logic import cast
from glassgrad.ops.reduce import sum_axes
from glassgrad.passes.rewrite import Rewriter, Rule

_NEVER_MINUS_ZERO = (
    square, absolute, elementwise.exp, elementwise.exp2, elementwise.cosh, elementwise.sigmoid, elementwise.softplus,
    sum_axes,
)  # fmt: skip


def _pass_on(r: Rewriter, out: Any, x: Any) -> Any:
    return x


def _float(out: Any) -> bool:
    return out.dtype.kind == "f"


def _minus_zero(number: Any) -> bool:
    return math.copysign(1.0, float(number)) < 0


def _opposite(r: Rewriter, x: Any) -> Any:
    """The wire that `x` is the negative of, in floating numbers; None where it is of nothing."""
    return x.operands[0] if _float(x) and r.made_by(x, negative) else None


def _minus(r: Rewriter, x: Any) -> Any:
    """The constant −c of a constant of one number c, in floating arithmetic; None where `x` is not one."""
    c = r.number(x)
    if type(c) is int and c:
        return r.constant(-c)
    if c is None or np.asarray(c).dtype.kind != "f":
        return None
    return r.constant(-c)


def _add(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    for a, b in ((x, y), (y, x)):
        c = r.number(b)
        if c is not None and c == 0 and (not _float(out) or _minus_zero(c) or r.made_by(a, *_NEVER_MINUS_ZERO)):
            return r.fit(a, out)
        opposite = _opposite(r, b)
        if opposite is not None:
            return r.gate(subtract, a, opposite)
    return None


def _subtract(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    c = r.number(y)
    if c is not None and c == 0 and (not _float(out) or not _minus_zero(c)):
        return r.fit(x, out)
    opposite = _opposite(r, y)
    return None if opposite is None else r.gate(add, x, opposite)


def _times(op: Op, r: Rewriter, out: Any, a: Any, b: Any) -> Any:
    """What multiplication by b and division by b have in common."""
    c = r.number(b)
    if c is not None and c == 1:
        return r.fit(a, out)
    if c is not None and c == -1 and _float(out):
        same = r.fit(a, out)
        return None if same is None else r.gate(negative, same)
    before = _opposite(r, a)
    if before is not None:
        behind, minus = _opposite(r, b), _minus(r, b)
        if behind is not None:
            return r.gate(op, before, behind)
        if minus is not None:
            return r.fit(r.gate(op, before, minus), out)
    return None


def _multiply(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    found = _times(multiply, r, out, x, y)
    return _times(multiply, r, out, y, x) if found is None else found


def _divide(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    found = _times(divide, r, out, x, y)
    if found is None:
        minus, behind = _minus(r, x), _opposite(r, y)
        if minus is not None and behind is not None:
            return r.fit(r.gate(divide, minus, behind), out)
    return found


def _negative(r: Rewriter, out: Any, x: Any) -> Any:
    if r.made_by(x, negative):
        return x.operands[0]
    if _float(out) and r.made_by(x, multiply, divide):
        a, b = x.operands
        left, right = _minus(r, a), _minus(r, b)
        if left is not None:
            return r.fit(r.gate(x.op, left, b), out)
        if right is not None:
            return r.fit(r.gate(x.op, a, right), out)
    return None


def _even(op: Op) -> Rule:
    """A function of the size of a number: it does not feel the sign."""

    def rule(r: Rewriter, out: Any, x: Any) -> Any:
        opposite = _opposite(r, x)
        return None if opposite is None else r.gate(op, opposite)

    return rule


def _power(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    """What NumPy itself does for an array to the power of a number; see the module about wires without axes."""
    c = r.number(y) if r.is_constant(y) and y.shape == () else None
    if c is None or x.dtype != out.dtype:
        return None
    if c == 1:
        return x
    if c == 2:
        return r.gate(square, x) if x.dtype.kind != "b" else None
    if not _float(out):
        return None
    if c == 0:
        return r.fit(r.constant(np.ones((), out.dtype)), out)
    if c == -1:
        return r.gate(reciprocal, x)
    # pow(−0, ½) is +0 and pow(−∞, ½) is +∞, which is what NumPy gives for a single number
    return r.gate(sqrt, x) if c == 0.5 and x.shape != () else None


def _where(r: Rewriter, out: Any, c: Any, x: Any, y: Any) -> Any:
    truth = r.number(c)
    chosen = x if x is y or (truth is not None and truth) else None if truth is None else y
    if chosen is None:
        return None
    if chosen.dtype != out.dtype or chosen.weak:
        if chosen.weak:
            chosen = r.constant(np.asarray(chosen._value, out.dtype))
        else:
            chosen = r.gate(cast, chosen, dtype=out.dtype)
    return r.fit(chosen, out)


def _same(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    return r.fit(x, out) if x is y else None


def _again(op: Op) -> Rule:
    """A gate that changes nothing the second time."""
    return lambda r, out, x: x if r.made_by(x, op) else None


NUMBER_RULES: dict[Op, tuple[Rule, ...]] = {
    identity: (_pass_on,),
    stop_gradient: (_pass_on,),
    add: (_add,),
    subtract: (_subtract,),
    multiply: (_multiply,),
    divide: (_divide,),
    negative: (_negative,),
    power: (_power,),
    square: (_even(square),),
    absolute: (_even(absolute), _again(absolute)),
    relu: (_again(relu),),
    where: (_where,),
    maximum: (_same,),
    minimum: (_same,),
}
"""What is tried on arithmetic."""
