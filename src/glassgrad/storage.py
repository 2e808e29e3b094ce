"""Networks on disk: a folder with `weights.safetensors` and `model.json`.

The JSON holds the architecture as plain data: names of layers and the arguments they were made with.
Loading makes layers of glassgrad (and of the classes it is handed) by these names, and executes
nothing that is in the files. A digest in the JSON ties the two files together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np

from glassgrad import distributions, nn
from glassgrad.errors import DataError, GlassgradError, OperandError, UnsupportedError, reason, unknown
from glassgrad.files import write_folder

FORMAT = "glassgrad network"
VERSION = 1
WEIGHTS, MODEL = "weights.safetensors", "model.json"
_LONGEST_JSON = 1 << 24
_DEEPEST = 100
_LARGEST = 1 << 31
_DRAWN = ("seed",)  # arguments that only say how first values are drawn, which the stored values replace


@dataclasses.dataclass(frozen=True)
class Model:
    """What a folder holds.

    Attributes
    ----------
    net : nn.Layer
        The network, with its weights; what was frozen is frozen.
    loss : Distribution or None
        The distribution it was trained with, if it was stored.
    info : dict
        What else was stored about it.
    """

    net: nn.Layer
    loss: distributions.Distribution | None = None
    info: dict[str, Any] = dataclasses.field(default_factory=dict)


def save(
    net: nn.Layer,
    folder: str | os.PathLike[str],
    loss: distributions.Distribution | None = None,
    info: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a network into a folder, complete or not at all.

    Parameters
    ----------
    net : nn.Layer
        The network. Layers of your own can be stored when they keep the arguments of their ``__init__`` in
        attributes of the same names.
    folder : path
        Made if it is not there.
    loss : Distribution, optional
        What the network was trained with, so that predictions can be made of its outputs.
    info : mapping, optional
        Anything else worth keeping, as JSON can hold it.
    overwrite : bool
        Replace a network that is in the folder. Other files in it stay.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError
        When the folder exists and is not empty, unless `overwrite`.
    UnsupportedError
        When a layer cannot be described by plain data.

    Examples
    --------
    >>> import tempfile, pathlib, glassgrad as gg
    >>> net = gg.nn.Sequential(gg.nn.Linear(4, 3, seed=0), gg.nn.ReLU())
    >>> with tempfile.TemporaryDirectory() as there:
    ...     folder = gg.storage.save(net, pathlib.Path(there) / "model")
    ...     again = gg.storage.load(folder).net
    >>> bool((again[0].W.value == net[0].W.value).all())
    True
    """
    from safetensors.numpy import save as to_bytes

    if not isinstance(net, nn.Layer):
        raise OperandError(f"save() takes a network, an nn.Layer, not a {type(net).__name__}")
    path = Path(folder)
    _refuse_to_overwrite(path, overwrite)
    named = net.named_parameters()
    weights = to_bytes({name: np.ascontiguousarray(p.value).reshape(p.shape) for name, p in named})
    document = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": _described(net),
        "frozen": [name for name, p in named if p.frozen],
        "loss": None if loss is None else _described_loss(loss),
        "info": _plain_info(info),
        "weights": {"file": WEIGHTS, "sha256": hashlib.sha256(weights).hexdigest()},
    }
    text = json.dumps(document, indent=2, allow_nan=False)
    _prove(net, document)
    write_folder(path, {WEIGHTS: weights, MODEL: text.encode()}, lambda: _refuse_to_overwrite(path, overwrite))
    return path


def load(folder: str | os.PathLike[str], layers: Iterable[type[nn.Layer]] = ()) -> Model:
    """Read a network back.

    Parameters
    ----------
    folder : path
        Where `save` put it.
    layers : iterable of classes
        Your own layer classes, if the network has any: only these and glassgrad's own are made.

    Returns
    -------
    Model
        With the attributes net, loss and info.

    Raises
    ------
    DataError
        When files are missing, damaged, of a newer version, or do not belong together.
    UnknownNameError
        When the network has a layer that is not known here.
    """
    path, known = Path(folder), _known(layers)
    document = _read_document(path)
    weights = _read_weights(path, document)
    try:
        net = _built(document["architecture"], known, [], 0)
        total = sum(w.size for w in weights.values())
        if net.count() != total:
            raise DataError(f"its layers have {net.count():,} numbers and {WEIGHTS} holds {total:,}")
        _assign(net, weights, document["frozen"])
        loss = None if document.get("loss") is None else _built_loss(document["loss"])
    except (GlassgradError, TypeError, ValueError, KeyError, MemoryError, OverflowError, AttributeError) as error:
        if isinstance(error, LookupError) and isinstance(error, GlassgradError):
            raise
        raise DataError(f"{path / MODEL} does not describe a network: {reason(error)}") from error
    return Model(net, loss, document.get("info") or {})


# Architecture as plain data


def _described(net: nn.Layer) -> dict[str, Any]:
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


def _described_loss(loss: distributions.Distribution) -> dict[str, Any]:
    """A distribution as its name and its settings."""
    if distributions.DISTRIBUTIONS.get(loss.name) is not type(loss):
        raise UnsupportedError(f"{type(loss).__name__} is a distribution of your own; store the network without loss=")
    return {"name": loss.name, "settings": dataclasses.asdict(loss)}


def _plain_info(info: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        return json.loads(json.dumps(dict(info or {}), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise DataError(f"info holds what JSON cannot: {error}; use text, finite numbers, lists and dicts") from error


def _prove(net: nn.Layer, document: dict[str, Any]) -> None:
    """Make the network again from its description, and refuse to store one that would not come back."""
    classes = {type(layer).__name__: type(layer) for layer in [net, *[layer for _, layer in net.named_layers()]]}
    again = _built(json.loads(json.dumps(document["architecture"])), classes, [], 0)
    want = [(name, p.shape, p.dtype) for name, p in net.named_parameters()]
    got = [(name, p.shape, p.dtype) for name, p in again.named_parameters()]
    if want != got:
        raise UnsupportedError(
            "this network cannot be stored: made again from the arguments of its layers it has the parameters "
            f"{[name for name, *_ in got]}, not {[name for name, *_ in want]}; was a layer changed after it was made?"
        )


def _known(layers: Iterable[type[nn.Layer]]) -> dict[str, type[nn.Layer]]:
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


def _built_loss(entry: Any) -> distributions.Distribution:
    """The distribution that an entry describes."""
    settings = entry.get("settings") if isinstance(entry, dict) else None
    if not isinstance(settings, dict) or not all(isinstance(v, bool | int | float | str) for v in settings.values()):
        raise DataError("the settings of its distribution are not plain data")
    return distributions.named(str(entry.get("name")), **settings)


def _assign(net: nn.Layer, weights: Mapping[str, Any], frozen: Any) -> None:
    """Put stored weights into a network; names, shapes and dtypes have to be those of its parameters."""
    named = dict(net.named_parameters())
    if set(named) != set(weights):
        odd = sorted(set(named) ^ set(weights))
        raise DataError(f"its parameters are not those in {WEIGHTS}: {', '.join(odd[:4])}")
    for name, p in named.items():
        stored = weights[name]
        if stored.shape != p.shape or stored.dtype != p.dtype:
            raise DataError(f"{name} is {p.dtype}{list(p.shape)} and {WEIGHTS} has {stored.dtype}{list(stored.shape)}")
        p.value = stored
    if not isinstance(frozen, list) or not all(name in named for name in frozen):
        raise DataError("its list of frozen parameters names others than the network has")
    for name in frozen:
        named[name].frozen = True


# Files


def _refuse_to_overwrite(path: Path, overwrite: bool) -> None:
    if path.exists() and not path.is_dir():
        raise DataError(f"{path} is a file; a network is stored in a folder")
    if not overwrite and path.is_dir() and any(path.iterdir()):
        raise DataError(
            f"{path} exists and is not empty; choose another folder, or replace the network with overwrite=True"
        )


def _read_document(path: Path) -> dict[str, Any]:
    """The JSON of a network, with its frame checked."""
    file = path / MODEL
    content = _content(path, MODEL, _LONGEST_JSON)
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is damaged: it is not JSON ({error})") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError(f"{file} is not a network that glassgrad stored")
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DataError(f"{file} is damaged: its version is {version!r:.20}")
    if version > VERSION:
        raise DataError(
            f"{file} has version {version}, and this glassgrad reads up to {VERSION}: install a newer glassgrad"
        )
    for name, kind in (("architecture", dict), ("weights", dict), ("frozen", list), ("info", dict)):
        if not isinstance(document.get(name), kind):
            raise DataError(f"{file} is damaged: its '{name}' is missing or wrong")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _read_weights(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    """The stored arrays, if the file is the one the JSON was written with."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    content = _content(path, WEIGHTS, None)
    if hashlib.sha256(content).hexdigest() != document["weights"].get("sha256"):
        raise DataError(
            f"{path / WEIGHTS} is not the file that {MODEL} was written with: it is damaged or cut short, "
            "or the two are of different networks; store the network again"
        )
    try:
        return from_bytes(content)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise DataError(f"{path / WEIGHTS} is damaged: {error}") from error


def _content(path: Path, name: str, limit: int | None) -> bytes:
    file = path / name
    if not file.is_file():
        what = "there is no such folder" if not path.is_dir() else f"it has no {name}"
        raise DataError(f"{path} does not hold a network: {what}")
    if limit is not None and file.stat().st_size > limit:
        raise DataError(f"{file} has {file.stat().st_size:,} bytes, far more than a description of a network needs")
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error}") from error
