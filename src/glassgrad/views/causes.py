"""Causes: what one gate does to a gradient that passes it, in words: it shuts, saturates, cancels, or breaks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.views.elements import Array, flat, is_elementwise, size
from glassgrad.views.numbers import number

SATURATING = {
    "sigmoid": "σ′", "tanh": "tanh′", "erf": "erf′", "softplus": "softplus′", "exp": "exp′", "arctan": "arctan′",
    "expm1": "expm1′", "exp2": "exp2′", "logaddexp": "slope of logaddexp",
}  # fmt: skip
"""Gates that flatten towards an end, and how their slope is written."""
LOGARITHMS = ("log", "log2", "log10", "log1p")


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason: its code, the sentence's second half, and the wire where it happens."""

    code: str
    text: str
    wire: Any


def where(gate: Any) -> str:
    """A gate in a sentence: what it is, its name, its line."""
    name = f" ({gate.name})" if gate.name else ""
    return f"{gate.op.name}{name}" + (f" at {gate.location}" if gate.location is not None else "")


def extent(gate: Any, places: Array, marked: int) -> str:
    """How much of a result is meant: for all 32 rows; empty for one number."""
    n, shape = places.size, gate.shape
    if n == 1:
        return " where a gradient arrives" if marked > 1 else ""
    what = f" for all {n:,} numbers"
    if len(shape) == 2:
        rows, columns = np.unique(places // shape[1]).size, np.unique(places % shape[1]).size
        if n == rows * columns and columns == 1:
            what = f" for all {rows:,} rows"
        elif n == rows * columns and rows > 1:
            what = f" for all {rows:,} rows and {columns:,} columns"
    return what + (" that a gradient reaches" if n < marked else "")


def at(gate: Any, i: int, places: Array) -> Array:
    """The numbers of one operand of an elementwise gate that stand behind these numbers of the result."""
    return np.ravel(np.broadcast_to(gate.operands[i]._value, gate.shape))[places]


def slope(graph: Graph, gate: Any, i: int, places: Array, local: Array, marked: int) -> Cause:
    """Why an elementwise gate scales a gradient as it does, at these places of its result."""
    op, name = gate.op.name, where(gate)
    all_ = extent(gate, places, marked)
    k = int(np.argmax(np.abs(local)))
    x, d = number(at(gate, i, places)[k]), number(local[k])
    dead = local[k] == 0
    others = [graph.name(o) for j, o in enumerate(gate.operands) if j != i]
    if op == "relu" and dead:
        return Cause("off", f"{name} is off{all_ or f': its input is {x}'}", gate)
    if op in SATURATING and abs(local[k]) < 1:
        most = "" if places.size == 1 else ", at most"
        return Cause(
            "saturated", f"{name} is saturated{all_}: {SATURATING[op]}({x}) = {d}{most}".removesuffix(","), gate
        )
    if op == "where" and dead:
        return Cause("other branch", f"{name} chose the other branch{all_}", gate)
    if op in ("maximum", "minimum") and dead:
        return Cause("other branch", f"{name} chose the other operand, {others[0]},{all_}".rstrip(","), gate)
    if op == "clip" and dead:
        bounds = " and ".join(number(at(gate, j, places)[k]) for j in (1, 2))
        return Cause("clipped", f"{name} is at its bound{all_}: {x} is not between {bounds}", gate)
    if op == "multiply":
        return Cause("times zero" if dead else "factor", f"{name} multiplies by {others[0]}, which is {d}{all_}", gate)
    if op == "divide" and i == 0:
        by = number(at(gate, 1, places)[k])
        return Cause("factor", f"{name} divides by {others[0]}, which is {by}{all_}", gate)
    if op == "divide" and dead:
        return Cause(
            "times zero", f"{name} divides {others[0]}, which is 0{all_}, so that the divisor does not matter", gate
        )
    return Cause("flat" if dead else "factor", f"{name} has slope {d} at {x}{all_}", gate)


def factors(graph: Graph, gate: Any, i: int, local: Array, upstream: Array) -> Cause:
    """Why a gate that adds up many products hands back nothing: a factor of each is 0."""
    name = where(gate)
    if gate.op.kind == "reduce":
        return Cause("other branch", f"{name} chose other elements", gate)
    others = ", ".join(graph.name(o) for j, o in enumerate(gate.operands) if j != i and o.dtype.kind == "f")
    if not others:
        return Cause("flat", f"the local derivatives of {name} are 0", gate)
    if not np.any(local):
        many = "the number of" if local.size == 1 else f"all {local.size:,} numbers of"
        is_ = "is" if local.size == 1 else "are"
        return Cause("times zero", f"{name} multiplies by {others}, and {many} it that count here {is_} 0", gate)
    text = f"in each of the {local.size:,} products that {name} adds up, {others} or what arrives from behind is 0"
    return Cause("times zero", text, gate)


def scaled(graph: Graph, gate: Any, i: int, factor: float) -> Cause:
    """What a gate that is not elementwise scales a gradient by."""
    name = where(gate)
    if gate.op.name == "mean":
        n = size(gate.operands[i]) // max(size(gate), 1)
        return Cause("factor", f"{name} divides by {n:,}", gate)
    others = [o for j, o in enumerate(gate.operands) if j != i and o.dtype.kind == "f" and o.parts is None]
    if others and gate.op.kind == "contract":
        most = max(float(np.max(np.abs(o._value), initial=0.0)) for o in others)
        names = ", ".join(graph.name(o) for o in others)
        return Cause("factor", f"{name} multiplies by {names}, whose numbers are at most {number(most)}", gate)
    return Cause("factor", f"{name} scales it by {number(factor)}", gate)


def cancelling(what: str, terms: Array, wire: Any, left: float) -> Cause:
    """Terms that add up to nothing, or to next to nothing."""
    if terms.size == 2:
        said = " and ".join(f"{'+' if t > 0 else '-'}{number(abs(t))}" for t in terms)
    else:
        said = f"{terms.size:,} terms, +{number(terms[terms > 0].sum())} and -{number(-terms[terms < 0].sum())}"
    rest = "cancel" if left == 0 else f"all but cancel: {number(left)} is left"
    return Cause("cancels", f"{what} hand back {said}, which {rest}", wire)


def birth(graph: Graph, wire: Any) -> Cause:
    """Why a wire is the first to hold a number that is not finite."""
    value = flat(wire, wire._value)
    bad = ~np.isfinite(value)
    kind = "NaN" if np.isnan(value).any() else "inf"
    if wire.op is None:
        n = int(bad.sum())
        of = f" ({n:,} of {value.size:,} numbers)" if value.size > 1 else ""
        return Cause("bad data", f"{graph.name(wire)} itself holds {kind}{of}", wire)
    name, op = where(wire), wire.op.name
    k = np.flatnonzero(bad)[:1]
    x = float(at(wire, 0, k)[0]) if is_elementwise(wire, wire.operands[0]) else np.nan
    if op in LOGARITHMS:
        edge = -1.0 if op == "log1p" else 0.0
        if x == edge:
            return Cause("log of 0", f"{name} takes the logarithm of 0, which is {number(value[k[0]])}", wire)
        return Cause("log of a negative", f"{name} takes the logarithm of {number(x - edge)}, which is NaN", wire)
    if op in ("divide", "reciprocal") and float(at(wire, len(wire.operands) - 1, k)[0]) == 0:
        top = number(x) if op == "divide" else "1"
        return Cause("division by 0", f"{name} divides {top} by 0, which is {number(value[k[0]])}", wire)
    if op in ("sqrt", "power") and x < 0:
        what = "the root of" if op == "sqrt" else "a broken power of"
        return Cause("root of a negative", f"{name} takes {what} {number(x)}, which is NaN", wire)
    if kind == "inf":
        from_ = f" of {number(x)}" if np.isfinite(x) else ""
        return Cause("overflow", f"{name}{from_} is more than {wire.dtype} can hold", wire)
    return Cause("not finite", f"{name} makes {kind} of finite numbers", wire)


def broken(gate: Any, i: int, places: Array, local: Array, upstream: Array) -> Cause:
    """Why an elementwise gate with finite operands hands back what is not finite, at these places of its result."""
    name = where(gate)
    endless = ~np.isfinite(local)
    if not endless.any():
        return Cause("overflow", f"{name} hands back more than {gate.dtype} can hold", gate)
    unused = endless & (upstream == 0)
    k = int(np.flatnonzero(unused if unused.any() else endless)[0])
    x = number(at(gate, i, places)[k])
    if unused.any():
        return Cause(
            "0·∞",
            f"0·∞ in {name}: its result is not used where its operand is {x}, so 0 arrives there, but its slope is ∞; "
            f"replace the operand before the gate where it is not used: {gate.op.name}(np.where(used, x, 1.0))",
            gate,
        )
    return Cause("infinite slope", f"{name} has slope {number(local[k])} at {x}", gate)
