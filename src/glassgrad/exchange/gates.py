"""What ONNX says for each gate: elementwise gates, reductions, contractions; `layout.py` has the rest.

A rule is handed the `Writer`, the result that is wanted, and the operands; it returns a `Value`. Where ONNX has
no function that keeps NumPy's digits (expm1, log1p, …), the rule is composed so that it does. onnxruntime has no
float64 kernel for the functions in `SINGLE`: these are computed in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from glassgrad.exchange.nodes import Dims, Value, Writer
from glassgrad.op import Spec, promote


@dataclass(frozen=True)
class Result:
    """What a gate's value has to be: its dtype and shape, and the specs of the operands."""

    dtype: np.dtype[Any]
    dims: Dims
    specs: tuple[Spec, ...]


Rule = Callable[..., Any]
SINGLE = ("Acos", "Asin", "Atan", "Det", "Erf")


def cast_alike(f: Callable[..., Value]) -> Rule:
    """A rule on operands in the dtype of the result."""
    return lambda w, out, *xs, **params: f(*[x.cast(out.dtype) for x in xs], **params)


def _common(f: Callable[..., Value]) -> Rule:
    """A rule on operands in the dtype in which they meet."""

    def rule(w: Writer, out: Result, *xs: Value, **params: Any) -> Value:
        dtype = promote(*out.specs)
        return f(*[x.cast(np.int64 if dtype == np.bool_ else dtype) for x in xs], **params)

    return rule


def _truths(op: str) -> Rule:
    """A rule on truth values, which other operands become."""
    return lambda w, out, *xs: w.node(op, *[x.cast(bool) for x in xs], dtype=bool)


def _either(numbers: Callable[..., Value], truths: str) -> Rule:
    """A rule on numbers, and an operator for truth values."""

    def rule(w: Writer, out: Result, *xs: Value) -> Value:
        return (_truths(truths) if out.dtype == np.bool_ else cast_alike(numbers))(w, out, *xs)

    return rule


def _function(op: str) -> Rule:
    """One of ONNX's functions of one number; in float32 where onnxruntime has no float64 kernel."""

    def rule(x: Value) -> Value:
        if op in SINGLE and x.dtype == np.float64:
            return x.cast(np.float32).apply(op).cast(np.float64)
        return x.apply(op)

    return cast_alike(rule)


def _whole_or(floating: Callable[[Value], Value]) -> Rule:
    """A rule that leaves whole numbers as they are."""
    return cast_alike(lambda x: floating(x) if x.dtype.kind == "f" else x)


def _exp(x: Value) -> Value:
    return x.apply("Exp")


def _log(x: Value) -> Value:
    return x.apply("Log")


def _sqrt(x: Value) -> Value:
    return x.apply("Sqrt")


def _log1p(x: Value) -> Value:
    """ln(1 + x) with all digits: what rounding took from 1 + x is put back as a factor (Kahan)."""
    w, u = x.writer, x + 1
    grown = u - 1
    small, high = grown.equals(0), u.equals(math.inf)
    odd = w.node("Or", small, high, dtype=bool)
    return w.where(small, x, w.where(high, u, _log(u) * (x / w.where(odd, 1, grown))))


def _expm1(x: Value) -> Value:
    """eˣ − 1 with all digits (Kahan)."""
    w, u = x.writer, _exp(x)
    less = u - 1
    small, low, high = u.equals(1), less.equals(-1), u.equals(math.inf)
    odd = w.node("Or", w.node("Or", small, low, dtype=bool), high, dtype=bool)
    return w.where(odd, w.where(small, x, less), less * (x / _log(w.where(odd, 2, u))))


def _softplus(x: Value) -> Value:
    return x.maximum(0) + _log1p(_exp(-abs(x)))


def _logaddexp(x: Value, y: Value) -> Value:
    w, same = x.writer, x.equals(y)  # two infinities have no difference
    gap = w.where(same, 0, abs(x - w.where(same, x, y)))
    return x.maximum(y) + _log1p(_exp(-gap))


def _sinh(x: Value) -> Value:
    u = _expm1(abs(x))
    return x.apply("Sign") * (u + u / (u + 1)) * 0.5


def _cosh(x: Value) -> Value:
    u = _exp(abs(x))
    return (u + 1 / u) * 0.5


def _arcsinh(x: Value) -> Value:
    a = abs(x)
    return x.apply("Sign") * _log1p(a + a * a / (1 + _sqrt(a * a + 1)))


def _arccosh(x: Value) -> Value:
    u = x - 1
    return _log1p(u + _sqrt(u * (u + 2)))


def _arctanh(x: Value) -> Value:
    a = abs(x)
    return x.apply("Sign") * _log1p(2 * a / (1 - a)) * 0.5


def _arctan(x: Value) -> Value:
    return x.cast(np.float32).apply("Atan").cast(x.dtype)


def _arctan2(y: Value, x: Value) -> Value:
    """The angle of (x, y): arctan of the flatter ratio, turned into its octant."""
    w, steep = x.writer, abs(y) > abs(x)
    low, high = abs(x).minimum(abs(y)), abs(x).maximum(abs(y))
    ratio = w.where(high.equals(0), 0, low / w.where(high.equals(0), 1, high))
    angle = _arctan(ratio)
    angle = w.where(steep, math.pi / 2 - angle, angle)
    angle = w.where(_signbit(x), math.pi - angle, angle)
    return w.where(_signbit(y), -angle, angle)


def _hypot(x: Value, y: Value) -> Value:
    w, a, b = x.writer, abs(x), abs(y)
    high = a.maximum(b)
    unit = w.where(high.equals(0), 1, high)
    return high * _sqrt((a / unit) * (a / unit) + (b / unit) * (b / unit))


def _signbit(x: Value) -> Value:
    """Below zero, or −0, whose inverse is −∞."""
    if x.dtype.kind != "f":
        return x < 0
    zero = x.equals(0)
    return x.writer.where(zero, 1 / x, x) < 0


def _copysign(x: Value, y: Value) -> Value:
    return x.writer.where(_signbit(y), -abs(x), abs(x))


def _trunc(x: Value) -> Value:
    return x.apply("Sign") * abs(x).apply("Floor")


def _remainder(x: Value, y: Value) -> Value:
    """The remainder has the sign of the divisor, as Python's."""
    if x.dtype.kind in "iu":
        return x.writer.node("Mod", x, y, dtype=x.dtype)
    w = x.writer
    left = w.node("Mod", x, y, dtype=x.dtype, fmod=1)
    turned = w.node("Xor", left < 0, y < 0, dtype=bool)
    away = w.node("And", turned, w.node("Not", left.equals(0), dtype=bool), dtype=bool)
    return w.where(away, left + y, left)


def _floor_divide(x: Value, y: Value) -> Value:
    quotient = (x - _remainder(x, y)) / y
    return quotient.apply("Round") if x.dtype.kind == "f" else quotient


def _finite(w: Writer, x: Value) -> Value:
    x = x if x.dtype.kind == "f" else x.cast(np.float32)
    return abs(x) < math.inf


def _tested(op: str) -> Rule:
    """A test of a floating number."""
    return lambda w, out, x: w.node(op, x if x.dtype.kind == "f" else x.cast(np.float32), dtype=bool)


def _not_equal(x: Value, y: Value) -> Value:
    return x.writer.node("Not", x.equals(y), dtype=bool)


def _where(w: Writer, out: Result, condition: Value, x: Value, y: Value) -> Value:
    return w.where(condition.cast(bool), x.cast(out.dtype), y.cast(out.dtype))


# Reductions


def _reduced(op: str, w: Writer, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value:
    if not axis:
        return x
    return w.node(op, x, w.whole(axis), dtype=x.dtype, keepdims=int(keepdims))


def _reduction(op: str) -> Rule:
    def rule(w: Writer, out: Result, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value:
        narrow = out.dtype == np.bool_
        return _reduced(op, w, x.cast(np.int32 if narrow else out.dtype), axis, keepdims).cast(out.dtype)

    return rule


def _all(w: Writer, out: Result, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value:
    wrong = w.node("Not", x.cast(bool), dtype=bool).cast(np.int32)
    return w.node("Not", _reduced("ReduceMax", w, wrong, axis, keepdims).cast(bool), dtype=bool)


def _any(w: Writer, out: Result, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value:
    return _reduced("ReduceMax", w, x.cast(bool).cast(np.int32), axis, keepdims).cast(bool)


def _position(op: str) -> Rule:
    def rule(w: Writer, out: Result, x: Value, axis: int | None, keepdims: bool) -> Value:
        x = x.cast(np.int32) if x.dtype == bool else x
        if axis is not None and out.specs[0].shape:
            return w.node(op, x, dtype=np.int64, axis=axis, keepdims=int(keepdims))
        flat = w.node("Reshape", x, w.whole([-1]), dtype=x.dtype)
        return w.reshape(w.node(op, flat, dtype=np.int64, axis=0, keepdims=1), out.dims)

    return rule


def _cumsum(w: Writer, out: Result, x: Value, axis: int) -> Value:
    return w.node("CumSum", x.cast(out.dtype), w.constant(np.int64(axis)), dtype=out.dtype)


# Contractions


def _einsum(w: Writer, out: Result, *xs: Value, subscripts: str) -> Value:
    """ONNX's Einsum, two operands at a time, each with its diagonals taken and its broadcast axes left out."""
    inputs, output = subscripts.split("->")
    wide: set[str] = set()
    for term, spec in zip(inputs.split(","), out.specs, strict=True):
        wide |= {c for c, n in zip(term, spec.shape, strict=True) if n != 1}
    parts: list[tuple[str, Value]] = []
    for term, spec, given in zip(inputs.split(","), out.specs, xs, strict=True):
        x = given.cast(out.dtype)
        narrow = [i for i, (c, n) in enumerate(zip(term, spec.shape, strict=True)) if n == 1 and c in wide]
        if narrow:
            x = w.node("Squeeze", x, w.whole(narrow), dtype=x.dtype)
            term = "".join(c for i, c in enumerate(term) if i not in narrow)
        while len(set(term)) < len(term):
            term, x = _diagonal(w, term, x)
        parts.append((term, x))

    def joined(left: tuple[str, Value], right: tuple[str, Value]) -> tuple[str, Value]:
        later = output + "".join(t for t, _ in parts[seen[0] :])
        seen[0] += 1
        kept = "".join(dict.fromkeys(c for c in left[0] + right[0] if c in later))
        return kept, _sum_of(w, kept, left, right)

    seen = [2]
    term, x = reduce(joined, parts)
    return x if term == output else _sum_of(w, output, (term, x))


def _sum_of(w: Writer, kept: str, *parts: tuple[str, Value]) -> Value:
    equation = f"{','.join(t for t, _ in parts)}->{kept}"
    return w.node("Einsum", *[x for _, x in parts], dtype=parts[0][1].dtype, equation=equation)


def _diagonal(w: Writer, term: str, x: Value) -> tuple[str, Value]:
    """The first label that occurs twice, once: the other axis is tied to it by the identity matrix."""
    label = next(c for c in term if term.count(c) > 1)
    first = term.index(label)
    second = term.index(label, first + 1)
    rest = [i for i in range(len(term)) if i not in (first, second)]
    moved = w.transpose(x, [*rest, first, second])
    shape = w.node("Shape", moved, dtype=np.int64)
    square = w.node("Slice", shape, w.whole([-2]), w.whole([2**31 - 1]), dtype=np.int64)
    zeros = w.node("Expand", w.constant(np.zeros((1, 1), x.dtype)), square, dtype=x.dtype)
    tied = moved * w.node("EyeLike", zeros, dtype=x.dtype)
    made = w.node("ReduceSum", tied, w.whole([len(term) - 1]), dtype=x.dtype, keepdims=0)
    return "".join(term[i] for i in rest) + label, made


GATES: dict[str, Rule] = {
    "add": _either(lambda x, y: x + y, "Or"),
    "subtract": cast_alike(lambda x, y: x - y),
    "multiply": _either(lambda x, y: x * y, "And"),
    "divide": cast_alike(lambda x, y: x / y),
    "negative": cast_alike(lambda x: -x),
    "identity": lambda w, out, x: x,
    "stop_gradient": lambda w, out, x: x,
    "power": cast_alike(lambda x, y: x**y),
    "sqrt": cast_alike(_sqrt),
    "square": cast_alike(lambda x: x * x),
    "reciprocal": cast_alike(lambda x: 1 / x),
    "absolute": lambda w, out, x: x if out.dtype == np.bool_ else abs(x),
    "copysign": cast_alike(_copysign),
    "sign": _function("Sign"),
    "relu": cast_alike(lambda x: x.maximum(0)),
    "maximum": _either(Value.maximum, "Or"),
    "minimum": _either(Value.minimum, "And"),
    "where": _where,
    "clip": cast_alike(lambda x, low, high: x.maximum(low).minimum(high)),
    "exp": cast_alike(_exp),
    "exp2": cast_alike(lambda x: 2**x),
    "expm1": cast_alike(_expm1),
    "log": cast_alike(_log),
    "log1p": cast_alike(_log1p),
    "log2": cast_alike(lambda x: _log(x) / math.log(2)),
    "log10": cast_alike(lambda x: _log(x) / math.log(10)),
    "sin": _function("Sin"),
    "cos": _function("Cos"),
    "tan": cast_alike(lambda x: x.apply("Sin") / x.apply("Cos")),
    "arcsin": _function("Asin"),
    "arccos": _function("Acos"),
    "arctan": _function("Atan"),
    "arctan2": cast_alike(_arctan2),
    "sinh": cast_alike(_sinh),
    "cosh": cast_alike(_cosh),
    "tanh": _function("Tanh"),
    "arcsinh": cast_alike(_arcsinh),
    "arccosh": cast_alike(_arccosh),
    "arctanh": cast_alike(_arctanh),
    "erf": _function("Erf"),
    "sigmoid": _function("Sigmoid"),
    "softplus": cast_alike(_softplus),
    "logaddexp": cast_alike(_logaddexp),
    "hypot": cast_alike(_hypot),
    "equal": _common(Value.equals),
    "not_equal": _common(_not_equal),
    "less": _common(lambda x, y: x < y),
    "less_equal": _common(lambda x, y: x <= y),
    "greater": _common(lambda x, y: x > y),
    "greater_equal": _common(lambda x, y: x >= y),
    "isfinite": lambda w, out, x: _finite(w, x),
    "isnan": _tested("IsNaN"),
    "isinf": _tested("IsInf"),
    "signbit": lambda w, out, x: _signbit(x),
    "logical_and": _truths("And"),
    "logical_or": _truths("Or"),
    "logical_xor": _truths("Xor"),
    "logical_not": _truths("Not"),
    "bitwise_and": _either(lambda x, y: x.writer.node("BitwiseAnd", x, y, dtype=x.dtype), "And"),
    "bitwise_or": _either(lambda x, y: x.writer.node("BitwiseOr", x, y, dtype=x.dtype), "Or"),
    "bitwise_xor": _either(lambda x, y: x.writer.node("BitwiseXor", x, y, dtype=x.dtype), "Xor"),
    "invert": _either(lambda x: x.apply("BitwiseNot"), "Not"),
    "left_shift": cast_alike(lambda x, y: x * 2**y),
    "right_shift": cast_alike(lambda x, y: _floor_divide(x, 2**y)),
    "floor": _whole_or(lambda x: x.apply("Floor")),
    "ceil": _whole_or(lambda x: x.apply("Ceil")),
    "trunc": _whole_or(_trunc),
    "rint": _whole_or(lambda x: x.apply("Round")),
    "floor_divide": cast_alike(_floor_divide),
    "remainder": cast_alike(_remainder),
    "cast": lambda w, out, x, dtype: x.cast(dtype),
    "sum": _reduction("ReduceSum"),
    "mean": _reduction("ReduceMean"),
    "max": _reduction("ReduceMax"),
    "min": _reduction("ReduceMin"),
    "any": _any,
    "all": _all,
    "argmax": _position("ArgMax"),
    "argmin": _position("ArgMin"),
    "cumsum": _cumsum,
    "matmul": cast_alike(lambda x, y: x.writer.node("MatMul", x, y, dtype=x.dtype)),
    "einsum": _einsum,
    "det": _function("Det"),
}
"""For each gate that ONNX can say, how."""
