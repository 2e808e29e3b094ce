"""Makers of the operands on which the tests prove a gate: drawn from a seeded generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from glassgrad.op import Case

Cases = Callable[[np.random.Generator], Iterable[Case]]

SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3), (2, 1, 2))
PAIRS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((), ()),
    ((3,), ()),
    ((), (2, 2)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((1,), (2, 3)),
    ((2, 1, 2), (3, 1)),
)


def unary(low: float = -2, high: float = 2, **params: Any) -> Cases:
    """One operand between `low` and `high`, in several shapes."""
    return lambda rng: [((rng.uniform(low, high, s),), params) for s in SHAPES]


def binary(low: float = -2, high: float = 2, low2: float | None = None, high2: float | None = None) -> Cases:
    """Two operands that broadcast in every way; the second may have a range of its own."""
    low2, high2 = low if low2 is None else low2, high if high2 is None else high2
    return lambda rng: [((rng.uniform(low, high, s), rng.uniform(low2, high2, t)), {}) for s, t in PAIRS]


def drawn(*rows: tuple[tuple[Any, ...], dict[str, Any]]) -> Cases:
    """Explicit cases. An operand given as a tuple of ints is drawn N(0, 1) in that shape; any other stays."""

    def make(rng: np.random.Generator) -> list[Case]:
        return [(tuple(rng.normal(size=x) if isinstance(x, tuple) else x for x in xs), params) for xs, params in rows]

    return make
