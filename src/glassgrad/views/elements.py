"""Elements: the numbers of a graph one by one, which depends on which, and the local derivatives between them.

A wire's numbers are counted in C order; those of a gate with several results one result after another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.errors import GlassgradError, OperandError
from glassgrad.op import At
from glassgrad.sweep import fit
from glassgrad.transforms import jvp

Array = np.ndarray[Any, Any]

MOST = 20_000_000
"""The largest part of one Jacobian, in numbers, that is looked at."""
FORWARD = 4
"""How many times a derivative along one direction costs more than a gradient, about."""


@dataclass(frozen=True, slots=True)
class Links:
    """What of a gate's result depends on what of one operand: positions in both, and the local derivatives."""

    results: Array
    operands: Array
    local: Array


def size(wire: Any) -> int:
    """How many numbers a wire holds."""
    specs = wire.parts if wire.parts is not None else (wire,)
    return sum(int(np.prod(s.shape, dtype=int)) for s in specs)


def flat(wire: Any, x: Any) -> Array:
    """A wire's value or gradient as one row of float64; a slot without gradient is zeros."""
    if wire.parts is None:
        return np.ravel(np.asarray(x, np.float64))
    zeros = [np.zeros(s.shape) if slot is None else slot for slot, s in zip(x, wire.parts, strict=True)]
    return np.concatenate([np.ravel(np.asarray(slot, np.float64)) for slot in zeros])


def rule(gate: Any, i: int, g: Any, values: list[Any] | None = None, out: Any = None) -> Any:
    """What a gate's rule for one operand returns for an upstream gradient; by default at its recorded values."""
    if gate.parts is not None:
        g = tuple(np.zeros(s.shape, s.dtype) if slot is None else slot for slot, s in zip(g, gate.parts, strict=True))
    if values is None:
        values, out = [x._value for x in gate.operands], gate._value
    return gate.op.rule(i)(g, out, *values, **gate.params)


def handed(gate: Any, i: int, g: Any) -> Any:
    """What a gate hands one operand, in the operand's shape; one slot of a list where that has several parts."""
    given = rule(gate, i, g)
    x = gate.operands[i]
    if isinstance(given, At):
        return [given.g if k == given.index else None for k in range(len(x.parts))]
    return fit(np.asarray(given), x, gate)[()]


def stops(gate: Any, i: int) -> str:
    """Why no gradient passes from a gate to one operand; empty where one does."""
    found = gate.op.rule(i)
    if isinstance(found, str):
        return found
    if gate.dtype.kind != "f":
        return f"it makes {gate.dtype}, and only floating numbers have gradients"
    return ""


def is_elementwise(gate: Any, x: Any) -> bool:
    """Whether each number of the result depends on one number of each operand, at the same place."""
    return gate.op.kind == "elementwise" and gate.parts is None and x.parts is None


def slopes(gate: Any, i: int) -> Array:
    """The diagonal of an elementwise gate's Jacobian for one operand, in the shape of the result."""
    local = np.asarray(rule(gate, i, np.ones(gate.shape, gate.dtype)[()]))
    return np.broadcast_to(local, gate.shape)


def touched(gate: Any, i: int, mask: Array) -> Array:
    """Which numbers of a gate's result depend on the marked ones of an operand, whatever the values are.

    Both marks are rows of truth values. What depends on what shows at ones, where no product has a factor 0 and
    every element is the largest; for linear algebra, which is singular there, at the recorded values as well.
    A gate that cannot be run on ones is taken to depend on everything.
    """
    x = gate.operands[i]
    if is_elementwise(gate, x):
        return np.ravel(np.broadcast_to(mask.reshape(x.shape), gate.shape))
    if gate.op.name == "part":
        return mask[_part(gate)]
    if mask.any():
        at = [_ones(gate), *([_values(gate)] if gate.op.kind == "library" else [])]
        columns = [_column(gate, i, mask, values) for values in at]
        return np.any([np.ones(size(gate), bool) if c is None else c != 0 for c in columns], axis=0)
    return np.zeros(size(gate), bool)


def links(gate: Any, i: int, mask: Array, reached: Array) -> Links:
    """What of a gate's result depends on the marked numbers of an operand, and with which local derivatives.

    A number that the result depends on only at other values (behind a shut ReLU, beside a factor 0) is there with
    its local derivative, 0; of linear algebra and of a user's own gates only what is not 0 here. Jacobians are found
    row by row with the gate's own rule, or column by column in forward mode, whichever is less work.

    Parameters
    ----------
    gate : Wire
        The result of a gate.
    i : int
        Which operand.
    mask, reached : arrays of bool
        The numbers of the operand to start from, and those of the result they reach; see `touched`.

    Raises
    ------
    OperandError
        Where this is more than can be looked at.
    """
    x = gate.operands[i]
    if is_elementwise(gate, x):
        places = np.broadcast_to(np.arange(size(x)).reshape(x.shape), gate.shape).ravel()
        results = np.flatnonzero(mask[places])
        return Links(results, places[results], np.ravel(slopes(gate, i)).astype(np.float64)[results])
    if gate.op.name == "part":
        operands = np.arange(size(x))[_part(gate)]
        results = np.flatnonzero(mask[operands])
        return Links(results, operands[results], np.ones(results.size))
    rows, columns = np.flatnonzero(reached), np.flatnonzero(mask)
    if not rows.size or not columns.size:
        return Links(rows[:0], columns[:0], np.zeros(0))
    if rows.size * columns.size > MOST:
        raise OperandError(
            f"{gate.op.name} connects {columns.size:,} numbers with {rows.size:,}, which is more than can be listed; "
            "compute the loss from fewer rows",
            gate.location,
        )
    ones = None if gate.op.kind == "library" else _ones(gate)
    found: list[tuple[Array, Array, Array]] = []
    if gate.parts is not None or rows.size <= FORWARD * columns.size:
        for k in rows:
            g = _one_hot(gate, int(k))
            local = flat(x, handed(gate, i, g))[columns]
            there = local != 0 if ones is None else (local != 0) | (_row(gate, i, g, ones)[columns] != 0)
            found.append((np.full(np.count_nonzero(there), k), columns[there], local[there]))
    else:
        for k in columns:
            one = np.arange(mask.size) == k
            local = _column(gate, i, one, _values(gate))
            if local is None:
                raise OperandError(f"{gate.op.name} has no forward mode at these values", gate.location)
            pattern = None if ones is None else _column(gate, i, one, ones)
            there = np.flatnonzero((local != 0) | (local if pattern is None else pattern).astype(bool))
            found.append((there, np.full(there.size, k), local[there]))
    results, operands, locals_ = (np.concatenate(part) for part in zip(*found, strict=True))
    return Links(results, operands, locals_.astype(np.float64))


def terms(gate: Any, i: int, k: int, g: Array) -> tuple[Array, Array]:
    """The sum that makes one number of an operand's gradient: local derivatives, and upstream gradients."""
    x = gate.operands[i]
    mask = np.arange(size(x)) == k
    if is_elementwise(gate, x) or gate.op.name == "part" or gate.parts is not None:
        found = links(gate, i, mask, np.ones(size(gate), bool))
        return found.local, g[found.results]
    column = _column(gate, i, mask, _values(gate))
    there = np.flatnonzero(touched(gate, i, mask))
    return (np.zeros(0) if column is None else column[there]), g[there]


def _values(gate: Any) -> tuple[list[Any], Any]:
    return [x._value for x in gate.operands], gate._value


def _ones(gate: Any) -> tuple[list[Any], Any] | None:
    """Operands of ones, at which what depends on what shows; whole numbers (positions, say) stay as they are."""
    values = [
        np.ones(x.shape, x.dtype)[()] if x.dtype.kind == "f" and x.parts is None and not x.weak else x._value
        for x in gate.operands
    ]
    try:
        with np.errstate(all="ignore"):
            return values, gate.op.forward(*values, **gate.params)
    except (ValueError, ArithmeticError, GlassgradError):
        return None


def _row(gate: Any, i: int, g: Any, at: tuple[list[Any], Any]) -> Array:
    try:
        given = rule(gate, i, g, *at)
    except (ValueError, ArithmeticError, GlassgradError):
        return np.ones(size(gate.operands[i]))
    return flat(gate.operands[i], fit(np.asarray(given), gate.operands[i], gate))


def _column(gate: Any, i: int, mask: Array, at: tuple[list[Any], Any] | None) -> Array | None:
    """How the result moves when the marked numbers of an operand move by 1; None where that cannot be computed."""
    if at is None:
        return None
    values, x = at[0], gate.operands[i]
    direction = mask.reshape(x.shape).astype(x.dtype)[()]
    apply: Callable[[Any], Any] = lambda t: gate.op(*values[:i], t, *values[i + 1 :], **gate.params)  # noqa: E731
    try:
        with np.errstate(all="ignore"):
            _, moved = jvp(apply, (values[i],), (direction,))
    except (ValueError, ArithmeticError, GlassgradError):
        return None
    return flat(gate, moved)


def _part(gate: Any) -> slice:
    """Where one of several results stands among all of them."""
    sizes = [int(np.prod(s.shape, dtype=int)) for s in gate.operands[0].parts]
    index = gate.params["index"]
    return slice(sum(sizes[:index]), sum(sizes[: index + 1]))


def _one_hot(gate: Any, k: int) -> Any:
    """The upstream gradient that asks for one number of a gate's result."""
    specs = gate.parts if gate.parts is not None else (gate,)
    made = []
    for s in specs:
        n = int(np.prod(s.shape, dtype=int))
        made.append((np.arange(n) == k).astype(s.dtype if s.dtype.kind == "f" else np.float64).reshape(s.shape)[()])
        k -= n
    return tuple(made) if gate.parts is not None else made[0]
