"""Dataclasses as plain data, which JSON can hold, and back, with every type checked."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from typing import Any

from glassgrad.errors import DataError


def plain(record: Any) -> dict[str, Any]:
    """The fields of a dataclass as JSON can hold them."""
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


@functools.cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def rebuilt(kind: type[Any], found: Any, where: str) -> Any:
    """The dataclass again.

    Raises
    ------
    DataError
        When a field is missing, unknown, or of another type than it is declared with.
    """
    hints = _hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    if not isinstance(found, dict) or set(found) != set(names):
        have = sorted(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise DataError(f"{where} needs the fields {', '.join(names)}, and has {have}")
    return kind(**{name: _value(found[name], hints[name], f"{where}, {name}") for name in names})


def _value(value: Any, hint: Any, where: str) -> Any:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        for choice in inside:
            if choice is type(None) and value is None:
                return None
            if choice is not type(None) and type(value) is choice:
                return value
    elif origin is tuple:
        if isinstance(value, list):
            return tuple(_value(part, inside[0], where) for part in value)
    elif hint is float:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    elif type(value) is hint:
        return value
    raise DataError(f"{where}: {str(value)[:60]!r} is not what belongs there ({getattr(hint, '__name__', hint)})")
