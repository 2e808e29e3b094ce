"""Anything by its fields: optimisers, distributions, schedules, settings; and text as it is read."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from glassgrad.views import numbers
from glassgrad.views.notebook.frame import Html, block, frame, grid, joined, pairs, plural, shape, words

_LONG = 200
_ITEMS = 12


def record(x: Any) -> str:
    """The fields of an object with what they hold, and what its class is for."""
    fields = fields_of(x)
    return frame(type(x).__name__, "", purpose(x), pairs({name: short(value) for name, value in fields.items()}))


def text(x: Any) -> str:
    """Lines as they are."""
    return frame("", "", block(str(x)))


def fields_of(x: Any) -> dict[str, Any]:
    """What an object is told: the fields of a dataclass or named tuple, else its public attributes that hold data."""
    if dataclasses.is_dataclass(x):
        return {f.name: getattr(x, f.name) for f in dataclasses.fields(x) if f.repr}
    if hasattr(x, "_asdict"):
        return x._asdict()
    names = [n for n in getattr(type(x), "__slots__", ()) if n != "__weakref__"] or list(getattr(x, "__dict__", ()))
    return {n: v for n in names if not n.startswith("_") and not callable(v := getattr(x, n, None))}


def purpose(x: Any) -> Html:
    """The first paragraph of the class's docstring, where somebody wrote one."""
    said = inspect.getdoc(type(x)) or ""
    said = " ".join(said.split("\n\n")[0].split()).replace("``", "").replace("`", "")
    return words(said) if said and not said.startswith(f"{type(x).__name__}(") else Html("")


def short(x: Any) -> Any:
    """What a field holds, in one cell."""
    if isinstance(x, Html):
        return x
    if isinstance(x, np.ndarray):
        return f"{numbers.array(x)}  ({shape(x)})" if x.size and x.dtype.kind in "biuf" else shape(x)
    if isinstance(x, bool | np.bool_) or x is None:
        return str(x)
    if isinstance(x, float | np.floating):
        return numbers.number(x)
    if isinstance(x, int | np.integer):
        return f"{int(x):,}"
    if isinstance(x, str):
        return cut(x)
    if isinstance(x, Mapping):
        shown = [f"{key}: {short(value)}" for key, value in list(x.items())[:_ITEMS]]
        return cut(", ".join(shown) + (", …" if len(x) > _ITEMS else "")) or "none"
    if isinstance(x, list | tuple) and not hasattr(x, "_fields"):
        return _items(x)
    if callable(x) and hasattr(x, "__name__"):
        return f"{x.__name__}(…)"
    return cut(repr(x))


def _items(x: Any) -> Any:
    """A list: one line each where they are objects of ours, else one line."""
    if not x:
        return "none"
    if dataclasses.is_dataclass(x[0]):
        names = list(fields_of(x[0]))
        rows = [[short(fields_of(item).get(name)) for name in names] for item in x[:_ITEMS]]
        more = words(f"and {plural(len(x) - _ITEMS, 'more')[:-1]}") if len(x) > _ITEMS else ""
        return joined([grid(names, rows), more])
    shown = ", ".join(str(short(item)) for item in x[:_ITEMS])
    return cut(shown + (f", … {len(x):,} in all" if len(x) > _ITEMS else ""))


def cut(said: str) -> str:
    """Text that fits into a cell."""
    said = " ".join(said.split())
    return said if len(said) <= _LONG else said[: _LONG - 1] + "…"
