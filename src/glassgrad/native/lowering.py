"""Which elementwise gates compile, and in which dtype each of their operands is handed to the gate."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from glassgrad.native.builder import Builder
from glassgrad.native.emit import VOID, Code, type_of, vector
from glassgrad.native.math import Math
from glassgrad.op import Op, promote

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_WHOLE = (np.dtype(np.int32), np.dtype(np.int64))
_BOOL = np.dtype(bool)
_INTEGER_GATES = frozenset(
    ("add", "subtract", "multiply", "negative", "maximum", "minimum", "where", "square", "absolute", "clip",
     "bitwise_and", "bitwise_or", "bitwise_xor", "identity", "sign", "relu")
)  # fmt: skip
_LOGIC = frozenset(("logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor"))


def compute_dtypes(gate: Any) -> list[np.dtype[Any]] | None:
    """The dtype in which each operand enters the gate, as NumPy computes it; None where it does not compile."""
    name, out, operands = gate.op.name, gate.dtype, gate.operands
    if name == "cast":
        known = (*_FLOATS, *_WHOLE, _BOOL)
        source = operands[0].dtype
        lossy = source in _FLOATS and out in _WHOLE  # outside the range, C and NumPy promise nothing
        return [source] if source in known and out in known and not lossy else None
    if name == "where":
        inner = [_BOOL, out, out]
        return inner if out in (*_FLOATS, *_WHOLE, _BOOL) else None
    if out == _BOOL:
        if name in _LOGIC:
            return [_BOOL] * len(operands)
        met = promote(*operands)
        return [met] * len(operands) if met in (*_FLOATS, *_WHOLE) else None
    if out in _FLOATS or (out in _WHOLE and name in _INTEGER_GATES):
        return [out] * len(operands)
    return None


@functools.cache
def _written(op: Op, dtypes: tuple[np.dtype[Any], ...]) -> int | None:
    """How many instructions a gate's `lower` takes for these dtypes, tried once on a function thrown away, or None."""
    code = Code()
    function = code.function("trial", [type_of(d) for d in dtypes if d != _BOOL], VOID)
    b = Math(code, function)
    given = iter(function.args)
    try:
        lower: Any = op.lower
        lower(b, *[b.truth(True) if d == _BOOL else next(given) for d in dtypes])
    except (AttributeError, NotImplementedError):
        return None
    return str(code).count(" = ")


def lowers(gate: Any) -> bool:
    """Whether this elementwise gate compiles for its operands' dtypes."""
    if any(x.dtype not in (*_FLOATS, *_WHOLE, _BOOL) for x in gate.operands):
        return False
    dtypes = compute_dtypes(gate)
    if dtypes is None:
        return False
    return gate.op.name == "cast" or (gate.op.lower is not None and _written(gate.op, tuple(dtypes)) is not None)


def weight(gate: Any) -> int:
    """About how many instructions a gate that compiles takes for each number or vector."""
    dtypes = compute_dtypes(gate)
    return 1 if dtypes is None or gate.op.name == "cast" else max(1, _written(gate.op, tuple(dtypes)) or 1)


def given(b: Builder, gate: Any, values: Mapping[int, Any], lanes: int) -> list[Any]:
    """The operands of a gate as it takes them, from the values of wires by serial number."""
    found, dtypes = [], compute_dtypes(gate)
    assert dtypes is not None
    for x, dtype in zip(gate.operands, dtypes, strict=True):
        if x.op is None and x.weak:
            constant = dtype == _BOOL
            found.append(
                b.truth(bool(x._value), lanes) if constant else b.const(x._value, vector(type_of(dtype), lanes))
            )
        else:
            found.append(converted(b, values[x.serial], x.dtype, dtype))
    return found


def computed(b: Builder, gate: Any, values: Mapping[int, Any], lanes: int) -> Any:
    """A gate on registers of `lanes` numbers."""
    operands = given(b, gate, values, lanes)
    if gate.op.name == "cast":
        dtypes = compute_dtypes(gate)
        assert dtypes is not None
        return converted(b, operands[0], dtypes[0], gate.dtype)
    return gate.op.lower(b, *operands)


def converted(b: Builder, x: Any, source: np.dtype[Any], target: np.dtype[Any]) -> Any:
    """A value of one dtype as another, as NumPy converts."""
    if source == target:
        return x
    kind = type_of(target)
    if target == _BOOL:
        return b.compare("!=", x, b.const(0, x.type))
    if source == _BOOL:
        return b.select(x, b.const(1, b.like(x, kind)), b.const(0, b.like(x, kind)))
    if source in _FLOATS:
        return b.convert(x, kind) if target in _FLOATS else b.to_int(x, kind)
    if target in _FLOATS:
        return b.to_float(x, kind)
    return b.widen(x, kind) if target.itemsize > source.itemsize else b.narrow(x, kind)
