"""Values as JSON and arrays: numbers, text, lists, dicts, arrays, networks, distributions, schedules.

What JSON cannot say has a word beside it: ``{"tuple": […]}``, ``{"float": "inf"}``, ``{"array": "coef_"}``, and so on.
Nothing else is taken, functions least of all, and reading makes only what is listed here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from glassgrad import nn, optim
from glassgrad.distributions import Distribution
from glassgrad.errors import DataError, UnsupportedError, unknown
from glassgrad.storage.layers import describe, describe_loss, rebuild, rebuild_loss

Array = np.ndarray[Any, Any]
_DEEPEST = 50
_NUMBERS = "biuf"
_LONGEST_TEXT = 1 << 28  # characters of an array of text, whose elements are all as long as the longest
_ODD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_SETTINGS = {
    name: kind
    for name, kind in vars(optim).items()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind is not optim.Optimizer
}
"""Schedules and optimisers, which are dataclasses."""


def pack(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """A value as JSON can hold it; its arrays go into `arrays`, under names that begin with `name`.

    Raises
    ------
    UnsupportedError
        For what is not plain data, with `name` and what to do.

    Examples
    --------
    >>> arrays = {}
    >>> pack({"C": np.inf, "sizes": (64, 32), "w": np.zeros(2)}, "model", arrays)
    {'dict': [['C', {'float': 'inf'}], ['sizes', {'tuple': [64, 32]}], ['w', {'array': 'model.w'}]]}
    >>> list(arrays)
    ['model.w']
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in _NUMBERS:
        return {"number": pack(value.item(), name, arrays), "dtype": str(value.dtype)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(float(value))}
    if isinstance(value, np.str_):
        return str(value)
    if isinstance(value, list):
        return [pack(part, f"{name}.{i}", arrays) for i, part in enumerate(value)]
    if isinstance(value, tuple):
        return {"tuple": [pack(part, f"{name}.{i}", arrays) for i, part in enumerate(value)]}
    if isinstance(value, dict):
        pairs = [
            (k, v, f"{name}.{k}" if isinstance(k, str) else f"{name}.{i}") for i, (k, v) in enumerate(value.items())
        ]
        return {"dict": [[pack(k, place, arrays), pack(v, place, arrays)] for k, v, place in pairs]}
    if isinstance(value, np.ndarray):
        return _packed_array(value, name, arrays)
    if isinstance(value, nn.Layer):
        entry, weights = describe(value)
        arrays |= {f"{name}/{part}": w for part, w in weights.items()}
        return {"network": entry, "weights": name}
    if isinstance(value, Distribution):
        return {"distribution": describe_loss(value)}
    if isinstance(value, np.random.RandomState):
        return {"random_state": pack(value.get_state(legacy=False), name, arrays)}
    if _SETTINGS.get(type(value).__name__) is type(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(cast(Any, value))}
        return {"settings": type(value).__name__, "fields": pack(fields, name, arrays)}
    what = "a function" if callable(value) else f"{value!r:.60}"
    raise UnsupportedError(
        f"cannot store {name}: it is {what}, and a model on disk is plain data: numbers, text, arrays, lists, dicts, "
        "and glassgrad's own layers, distributions and schedules"
    )


def _packed_array(value: Array, name: str, arrays: dict[str, Array]) -> Any:
    """An array of numbers goes among the arrays; one of words or objects is listed."""
    if value.dtype.kind in _NUMBERS and value.dtype.itemsize <= 8:
        while name in arrays:
            name += "'"
        arrays[name] = value.astype(value.dtype.newbyteorder("="), copy=False)
        return {"array": name}
    if value.dtype.kind in "UO":
        listed = [pack(part, f"{name}.{i}", arrays) for i, part in enumerate(value.ravel().tolist())]
        return {"listed": listed, "shape": list(value.shape), "kind": value.dtype.kind}
    raise UnsupportedError(f"cannot store {name}: it is an array of {value.dtype}; numbers and text can be stored")


def unpack(
    entry: Any, arrays: Mapping[str, Array], known: Mapping[str, type[nn.Layer]], file: str = "the file", depth: int = 0
) -> Any:
    """The value that `pack` made this of; `known` are the layers that may be made.

    Raises
    ------
    DataError, UnknownNameError
        When this is no value, or names an array or a layer that is not there.
    """
    if entry is None or isinstance(entry, bool | int | float | str):
        return entry
    if depth > _DEEPEST:
        raise DataError("its values are nested too deeply")

    def inner(part: Any) -> Any:
        return unpack(part, arrays, known, file, depth + 1)

    if isinstance(entry, list):
        return [inner(part) for part in entry]
    kind = next(iter(entry), None) if isinstance(entry, dict) else None
    readers: dict[Any, Callable[[], Any]] = {
        "float": lambda: _ODD[entry["float"]],
        "number": lambda: _number(inner(entry["number"]), entry["dtype"]),
        "tuple": lambda: tuple(inner(part) for part in _list(entry["tuple"])),
        "dict": lambda: {inner(k): inner(v) for k, v in _list(entry["dict"])},
        "array": lambda: _array(entry["array"], arrays),
        "listed": lambda: _listed([inner(part) for part in _list(entry["listed"])], entry["shape"], entry["kind"]),
        "network": lambda: _network(entry, arrays, known, file),
        "distribution": lambda: rebuild_loss(entry["distribution"]),
        "random_state": lambda: _random_state(inner(entry["random_state"])),
        "settings": lambda: _settings(entry["settings"], inner(entry["fields"])),
    }
    if kind not in readers:
        raise DataError(f"{entry!r:.60} is no value")
    return readers[kind]()


def _list(entry: Any) -> list[Any]:
    if not isinstance(entry, list):
        raise DataError(f"{entry!r:.60} is no list")
    return entry


def _number(value: Any, dtype: Any) -> Any:
    kind = np.dtype(dtype)
    if kind.kind not in _NUMBERS or not isinstance(value, bool | int | float):
        raise DataError(f"{value!r:.60} is no number of the dtype {dtype!r:.20}")
    return kind.type(value)


def _array(name: Any, arrays: Mapping[str, Array]) -> Array:
    if not isinstance(name, str) or name not in arrays:
        raise DataError(f"its array {name!r:.60} is missing")
    return arrays[name]


def _listed(parts: list[Any], shape: Any, kind: Any) -> Array:
    if kind == "U":
        if not all(isinstance(part, str) for part in parts):
            raise DataError("an array of text holds something else")
        if len(parts) * max(map(len, parts), default=0) > _LONGEST_TEXT:
            raise DataError("an array of text is far longer than names need")
        found = np.array(parts, dtype=np.str_)
    else:
        found = np.empty(len(parts), object)
        found[:] = parts
    return found.reshape(_list(shape))


def _network(
    entry: Mapping[str, Any], arrays: Mapping[str, Array], known: Mapping[str, type[nn.Layer]], file: str
) -> nn.Layer:
    if not isinstance(entry["network"], dict):
        raise DataError(f"{entry['network']!r:.60} is no network")
    prefix = f"{entry['weights']}/"
    weights = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
    return rebuild(entry["network"], weights, known, file)


def _random_state(state: Any) -> np.random.RandomState:
    made = np.random.RandomState()
    made.set_state(state)
    return made


def _settings(name: Any, fields: Any) -> Any:
    if not isinstance(name, str) or name not in _SETTINGS:
        raise unknown("schedule or optimiser", f"{name}", _SETTINGS)
    if not isinstance(fields, dict):
        raise DataError(f"the settings of {name} are no dict")
    return _SETTINGS[name](**fields)
