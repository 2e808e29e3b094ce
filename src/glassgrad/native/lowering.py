"""Which gates compile: elementwise ones, with the dtype in which each operand enters, and those that stand alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from glassgrad.native.builder import Builder
from glassgrad.native.emit import VOID, Code, type_of, vector
from glassgrad.native.math import Math
from glassgrad.op import Op, promote

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
WHOLE = tuple(np.dtype(f"{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8))
BOOL = np.dtype(bool)
KNOWN = (*FLOATS, *WHOLE, BOOL)
_UNSIGNED = tuple(d for d in WHOLE if d.kind == "u")
_INTEGER_GATES = frozenset(
    ("add", "subtract", "multiply", "negative", "maximum", "minimum", "where", "square", "absolute", "clip",
     "bitwise_and", "bitwise_or", "bitwise_xor", "identity", "sign", "relu", "invert", "left_shift", "right_shift",
     "floor_divide", "remainder")
)  # fmt: skip
_SIGNLESS = frozenset(
    ("add", "subtract", "multiply", "negative", "where", "square", "bitwise_and", "bitwise_or", "bitwise_xor",
     "identity", "invert", "left_shift", "equal", "not_equal")
)  # fmt: skip
_LOGIC = frozenset(
    ("logical_and", "logical_or", "logical_xor", "logical_not", "bitwise_and", "bitwise_or", "bitwise_xor", "invert")
)  # fmt: skip
_OF_FLOATS = frozenset(("isfinite", "isinf", "isnan", "signbit"))


def compute_dtypes(gate: Any) -> list[np.dtype[Any]] | None:
    """The dtype in which each operand enters the gate, as NumPy computes it; None where it does not compile.

    Unsigned numbers of up to 32 bits are computed as signed ones of 64, which hold them all.
    """
    name, out, operands = gate.op.name, gate.dtype, gate.operands
    if name == "cast":
        return [operands[0].dtype]
    if name == "where":
        return [BOOL, out, out]
    if out == BOOL:
        if name in _LOGIC:
            return [BOOL] * len(operands)
        met = promote(*operands)
        if met in FLOATS and any(x.dtype == np.uint64 for x in operands) and name not in _OF_FLOATS:
            return None  # NumPy compares whole numbers of both kinds exactly
        met = np.dtype(np.float64) if name in _OF_FLOATS and met not in FLOATS else met
        met = np.dtype(np.int8) if met == BOOL else _computed(name, met)
        return None if met is None else [met] * len(operands)
    inner = out if out in FLOATS or name in _INTEGER_GATES else None
    inner = None if inner is None else _computed(name, inner)
    return None if inner is None else [inner] * len(operands)


def _computed(name: str, dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The dtype to compute in for numbers of this one."""
    if dtype not in _UNSIGNED or name in _SIGNLESS:
        return dtype
    return np.dtype(np.int64) if dtype.itemsize < 8 else None


@functools.cache
def _written(op: Op, dtypes: tuple[np.dtype[Any], ...]) -> int | None:
    """How many instructions a gate's `lower` takes for these dtypes, tried once on a function thrown away, or None."""
    code = Code()
    function = code.function("trial", [type_of(d) for d in dtypes if d != BOOL], VOID)
    b = Math(code, function)
    given = iter(function.args)
    try:
        lower: Any = op.lower
        lower(b, *[b.truth(True) if d == BOOL else next(given) for d in dtypes])
    except (AttributeError, NotImplementedError):
        return None
    return str(code).count(" = ")


def lowers(gate: Any) -> bool:
    """Whether this elementwise gate compiles for its operands' dtypes."""
    if any(x.dtype not in KNOWN for x in (gate, *gate.operands)):
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
            constant = dtype == BOOL
            found.append(
                b.truth(bool(x._value), lanes) if constant else b.const(x._value, vector(type_of(dtype), lanes))
            )
        else:
            found.append(converted(b, values[x.serial], x.dtype, dtype))
    return found


def computed(b: Builder, gate: Any, values: Mapping[int, Any], lanes: int) -> Any:
    """A gate on registers of `lanes` numbers."""
    operands, dtypes = given(b, gate, values, lanes), compute_dtypes(gate)
    assert dtypes is not None
    if gate.op.name == "cast":
        return converted(b, operands[0], dtypes[0], gate.dtype)
    x, inner = gate.op.lower(b, *operands), dtypes[-1]
    return x if gate.dtype == BOOL or inner == gate.dtype else converted(b, x, inner, gate.dtype)


def converted(b: Builder, x: Any, source: np.dtype[Any], target: np.dtype[Any]) -> Any:
    """A value of one dtype as another, as NumPy converts."""
    if source == target:
        return x
    kind = type_of(target)
    if target == BOOL:
        return b.compare("!=", x, b.const(0, x.type))
    if source == BOOL:
        return b.select(x, b.const(1, b.like(x, kind)), b.const(0, b.like(x, kind)))
    signed = (target if source in FLOATS else source).kind == "i"
    if source in FLOATS:
        return b.convert(x, kind) if target in FLOATS else b.to_int(x, kind, signed)
    if target in FLOATS:
        return b.to_float(x, kind, signed)
    if target.itemsize == source.itemsize:
        return x
    return b.widen(x, kind, signed) if target.itemsize > source.itemsize else b.narrow(x, kind)


# gates that are a step of their own

_DRAWS = frozenset(("bits", "uniform", "normal", "integers", "fold_in", "split_key"))
_FOLDS = frozenset(("sum", "mean", "max", "min", "any", "all", "argmax", "argmin"))
_MOVES = frozenset(("embed", "concatenate"))


def stands_alone(gate: Any) -> bool:
    """Whether a gate that is not elementwise compiles as a step of its own."""
    name, operands = gate.op.name, gate.operands
    if any(x.dtype not in KNOWN or x.parts is not None for x in (gate, *operands)):
        return False
    if name in _DRAWS or name in _FOLDS or name in _MOVES or name == "cumsum":
        return True
    if name == "matmul":
        return gate.dtype not in FLOATS or 0 in (*operands[0].shape, *operands[1].shape)
    if name in ("gather", "scatter_add"):
        empty = any(0 in i.shape for i in operands[1:])
        return empty or (0 not in operands[0].shape and 0 not in gate.shape)
    if name in ("csr_matmul", "csr_add"):
        stored = operands[name == "csr_add"]
        return gate.dtype != BOOL and (0 in stored.shape or 0 not in gate.params["shape"])
    return name == "csr_rows" and operands[0].shape != (0,)
