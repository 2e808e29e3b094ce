"""Networks and distributions as plain data: names of layers and the arguments they were made with.

What is read back is made of glassgrad's layers (and of the classes that are handed over) by these names.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np

from glassgrad import distributions, nn
from glassgrad.errors import DataError, GlassgradError, OperandError, UnsupportedError, unknown

Array = np.ndarray[Any, Any]
BROKEN = (GlassgradError, TypeError, ValueError, KeyError, MemoryError, OverflowError, AttributeError, IndexError)
"""What making something of a wrong description may raise."""
_DEEPEST = 100
_LARGEST = 1 << 31
_DRAWN = ("seed",)  # arguments that only say how first values are drawn, which the stored values replace


def describe(net: nn.Layer) -> tuple[dict[str, Any], dict[str, Array]]:
    """A network as plain data, and its parameters by their names.

    Raises
    ------
    UnsupportedError
        When a layer cannot be described by plain data, or would not come back as it is.
    """
    named = net.named_parameters()
    entry = {"architecture": _architecture(net), "frozen": [name for name, p in named if p.frozen]}
    _prove(net, entry["architecture"])
    return entry, {name: np.asarray(p.value) for name, p in named}


def rebuild(
    entry: Mapping[str, Any], weights: Mapping[str, Array], known: Mapping[str, type[nn.Layer]], file: str
) -> nn.Layer:
    """The network that `describe` gave this entry and these weights of; `file` is what a message calls them.

    Raises
    ------
    DataError
        When the two do not belong together, or are not of a network.
    UnknownNameError
        When the network has a layer that is not known here.
    """
    for name, kind in (("architecture", dict), ("frozen", list)):
        if not isinstance(entry.get(name), kind):
            raise DataError(f"its '{name}' is missing or wrong")
    net = _built(entry["architecture"], known, [], 0)
    total = sum(w.size for w in weights.values())
    if net.count() != total:
        raise DataError(f"its layers have {net.count():,} numbers and {file} holds {total:,}")
    _assign(net, weights, entry["frozen"], file)
    return net


def _architecture(net: nn.Layer) -> dict[str, Any]:
    """A layer as its kind and the arguments that make it again; a layer met before as its number."""
    met: dict[int, int] = {}

    def describe(layer: nn.Layer) -> dict[str, Any]:
        if id(layer) in met:
            return {"same": met[id(layer)]}
        met[id(layer)] = len(met)
        entry: dict[str, Any] = {"layer": type(layer).__name__}
        if _is_sequential(type(layer)):
            entry["layers"] = [describe(part) for part in cast(nn.Sequential, layer)]
        else:
            entry["arguments"] = {name: encode(layer, name, v) for name, v in _arguments(layer)}
        return entry

    def encode(layer: nn.Layer, name: str, value: Any) -> Any:
        if isinstance(value, nn.Layer):
            return describe(value)
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and np.isfinite(value)):
            return value
        if isinstance(value, list | tuple):
            return [encode(layer, name, part) for part in value]
        raise UnsupportedError(
            f"cannot store {layer.title}: its argument '{name}' is {value!r:.60}, and only finite "
            "numbers, text, layers and lists of them are plain data"
        )

    return describe(net)


def _is_sequential(kind: type[nn.Layer]) -> bool:
    """Whether a kind of layer is made from the layers it runs, one by one."""
    return issubclass(kind, nn.Sequential) and kind.__init__ is nn.Sequential.__init__


def _arguments(layer: nn.Layer) -> list[tuple[str, Any]]:
    """The arguments of ``__init__``, as the layer keeps them. How first values are drawn does not matter any more."""
    found: list[tuple[str, Any]] = []
    for name, parameter in inspect.signature(type(layer)).parameters.items():
        own = vars(layer)
        if name in _DRAWN or parameter.annotation in ("Initialiser", nn.Initialiser):
            continue
        if name == "dtype":
            if mine := layer.parameters():
                found.append((name, str(mine[0].dtype)))
        elif name == "bias" and isinstance(layer, nn.Linear):
            found.append((name, layer.b is not None))
        elif name in own and parameter.kind is not parameter.VAR_POSITIONAL:
            found.append((name, own[name]))
        else:
            raise UnsupportedError(
                f"cannot store {layer.title}: its __init__ takes '{name}', which it does not keep as an attribute; "
                f"add self.{name} = {name}"
            )
    return found


def describe_loss(loss: distributions.Distribution) -> dict[str, Any]:
    """A distribution as its name and its settings."""
    if distributions.DISTRIBUTIONS.get(loss.name) is not type(loss):
        raise UnsupportedError(f"{type(loss).__name__} is a distribution of your own; store the network without loss=")
    return {"name": loss.name, "settings": dataclasses.asdict(loss)}


def _prove(net: nn.Layer, architecture: dict[str, Any]) -> None:
    """Make the network again from its description, and refuse to store one that would not come back."""
    classes = {type(layer).__name__: type(layer) for layer in [net, *[layer for _, layer in net.named_layers()]]}
    again = _built(json.loads(json.dumps(architecture)), classes, [], 0)
    want = [(name, p.shape, p.dtype) for name, p in net.named_parameters()]
    got = [(name, p.shape, p.dtype) for name, p in again.named_parameters()]
    if want != got:
        raise UnsupportedError(
            "this network cannot be stored: made again from the arguments of its layers it has the parameters "
            f"{[name for name, *_ in got]}, not {[name for name, *_ in want]}; was a layer changed after it was made?"
        )


def known_layers(layers: Iterable[type[nn.Layer]]) -> dict[str, type[nn.Layer]]:
    """The layer classes that may be made, by name."""
    own = {name: kind for name, kind in vars(nn).items() if isinstance(kind, type) and issubclass(kind, nn.Layer)}
    for kind in layers:
        if not (isinstance(kind, type) and issubclass(kind, nn.Layer)):
            raise OperandError(f"layers= takes classes of layers, not {kind!r}")
        own[kind.__name__] = kind
    return own


def _built(entry: Any, known: Mapping[str, type[nn.Layer]], made: list[nn.Layer | None], depth: int) -> nn.Layer:
    """The layer that an entry describes. `made` has those before it, for layers that occur twice."""
    if depth > _DEEPEST or not isinstance(entry, dict):
        raise DataError("its architecture is nested too deeply" if depth > _DEEPEST else f"{entry!r:.60} is no layer")
    if "same" in entry:
        number = entry["same"]
        layer = made[number] if isinstance(number, int) and 0 <= number < len(made) else None
        if layer is None:
            raise DataError(f"a layer is said to be the same as number {number!r:.20}, which is not before it")
        return layer
    name = entry.get("layer")
    if not isinstance(name, str) or name not in known:
        raise unknown("layer", f"{name}", known)
    place = len(made)
    made.append(None)
    if _is_sequential(known[name]):
        parts = entry.get("layers")
        if not isinstance(parts, list):
            raise DataError("a Sequential without its list of layers")
        layer = known[name](*[_built(part, known, made, depth + 1) for part in parts])
    else:
        arguments = entry.get("arguments")
        allowed = inspect.signature(known[name]).parameters
        if not isinstance(arguments, dict) or not set(arguments) <= set(allowed):
            raise DataError(f"the arguments of {name} are not those it takes: {', '.join(allowed)}")
        layer = known[name](**{k: _decoded(v, known, made, depth + 1) for k, v in arguments.items()})
    made[place] = layer
    return layer


def _decoded(value: Any, known: Mapping[str, type[nn.Layer]], made: list[nn.Layer | None], depth: int) -> Any:
    """One argument of a layer."""
    if isinstance(value, dict):
        return _built(value, known, made, depth)
    if isinstance(value, list):
        if depth > _DEEPEST:
            raise DataError("its architecture is nested too deeply")
        return [_decoded(part, known, made, depth + 1) for part in value]
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise DataError(f"the number {value!r:.30} is too large for a layer")
    return value


def rebuild_loss(entry: Any) -> distributions.Distribution:
    """The distribution that an entry describes."""
    settings = entry.get("settings") if isinstance(entry, dict) else None
    if not isinstance(settings, dict) or not all(isinstance(v, bool | int | float | str) for v in settings.values()):
        raise DataError("the settings of its distribution are not plain data")
    return distributions.named(str(entry.get("name")), **settings)


def _assign(net: nn.Layer, weights: Mapping[str, Any], frozen: Any, file: str) -> None:
    """Put stored weights into a network; names, shapes and dtypes have to be those of its parameters."""
    named = dict(net.named_parameters())
    if set(named) != set(weights):
        odd = sorted(set(named) ^ set(weights))
        raise DataError(f"its parameters are not those in {file}: {', '.join(odd[:4])}")
    for name, p in named.items():
        stored = weights[name]
        if stored.shape != p.shape or stored.dtype != p.dtype:
            raise DataError(f"{name} is {p.dtype}{list(p.shape)} and {file} has {stored.dtype}{list(stored.shape)}")
        p.value = stored
    if not isinstance(frozen, list) or not all(name in named for name in frozen):
        raise DataError("its list of frozen parameters names others than the network has")
    for name in frozen:
        named[name].frozen = True
