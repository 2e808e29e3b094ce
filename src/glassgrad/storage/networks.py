"""A network on disk."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from glassgrad import distributions, nn
from glassgrad.displays import Shown
from glassgrad.errors import DataError, GlassgradError, OperandError, reason
from glassgrad.storage import documents
from glassgrad.storage.documents import MODEL, WEIGHTS
from glassgrad.storage.layers import BROKEN, describe, describe_loss, known_layers, rebuild, rebuild_loss

FORMAT = "glassgrad network"
VERSION = 1


@dataclasses.dataclass(frozen=True)
class Model(Shown):
    """What was stored.

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
    """Write a network into a folder, or into one file, complete or not at all.

    Parameters
    ----------
    net : nn.Layer
        The network. Layers of your own can be stored when they keep the arguments of their ``__init__`` in
        attributes of the same names.
    folder : path
        Made if it is not there. A name that ends in ``.glassgrad`` or ``.safetensors`` is one file.
    loss : Distribution, optional
        What the network was trained with, so that predictions can be made of its outputs.
    info : mapping, optional
        Anything else worth keeping, as JSON can hold it.
    overwrite : bool
        Replace a network that is there. Other files in a folder stay.

    Returns
    -------
    Path
        The folder or file.

    Raises
    ------
    DataError
        When the folder exists and is not empty, or the file exists, unless `overwrite`.
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
    if not isinstance(net, nn.Layer):
        raise OperandError(f"save() takes a network, an nn.Layer, not a {type(net).__name__}")
    path = Path(folder)
    documents.refuse_to_overwrite(path, overwrite)
    entry, weights = describe(net)
    content = {**entry, "loss": None if loss is None else describe_loss(loss), "info": documents.plain_info(info)}
    return documents.write(path, FORMAT, VERSION, content, weights, overwrite)


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
    path, known = Path(folder), known_layers(layers)
    document, weights = documents.read(path, FORMAT, VERSION)
    file, holds = (path / MODEL, WEIGHTS) if path.is_dir() else (path, path.name)
    try:
        if not isinstance(document.get("info"), dict):
            raise DataError("its 'info' is missing or wrong")
        net = rebuild(document, weights, known, holds)
        loss = None if document.get("loss") is None else rebuild_loss(document["loss"])
    except BROKEN as error:
        if isinstance(error, LookupError) and isinstance(error, GlassgradError):
            raise
        raise DataError(f"{file} does not describe a network: {reason(error)}") from error
    return Model(net, loss, document["info"])
