"""Every gate, one record each, and the functions composed from them, under NumPy's names.

`OPS` and `COMPOSITIONS` hold them by name; `NUMPY` says what answers a NumPy function that is
called on a tensor (a reduction method of a ufunc has a pair as key).
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from glassgrad.op import Composition, Op
from glassgrad.ops import (
    arithmetic,
    axes,
    circular,
    composed,
    contract,
    elementwise,
    factor,
    index,
    linalg,
    logic,
    parts,
    plain,
    products,
    random,
    rearrange,
    reduce,
    scan,
    sparse,
    view,
)

MODULES: tuple[ModuleType, ...] = (
    arithmetic, elementwise, logic, reduce, scan, view, axes, rearrange, index, contract, products, linalg, factor,
    sparse, random, composed, circular, parts, plain,
)  # fmt: skip


def _own(module: ModuleType) -> list[Any]:
    """What a module defines itself, each thing once."""
    things = {id(v): v for v in vars(module).values()}
    return [v for v in things.values() if isinstance(v, Op) or getattr(v, "__module__", None) == module.__name__]


def _tables() -> tuple[dict[str, Op], dict[str, Composition], dict[Any, Callable[..., Any]]]:
    ops: dict[str, Op] = {}
    compositions: dict[str, Composition] = {}
    numpy: dict[Any, Callable[..., Any]] = {}
    for module in MODULES:
        for thing in _own(module):
            if isinstance(thing, Op):
                if ops.setdefault(thing.name, thing) is not thing:
                    raise NameError(f"two gates are called '{thing.name}'")
            elif hasattr(thing, "composition"):
                compositions[thing.composition.name] = thing.composition
            for function in getattr(thing, "numpy", ()):
                if numpy.setdefault(function, thing) is not thing:
                    raise NameError(f"two functions answer {function}")
    return ops, compositions, numpy


OPS, COMPOSITIONS, NUMPY = _tables()
