"""A model on disk: JSON and arrays, as a folder or as one file, never pickle.

A folder has ``model.json`` and ``weights.safetensors``; one file, ``NAME.glassgrad`` or ``NAME.safetensors``, is
safetensors with the JSON among its metadata. Digests tie JSON and arrays together and find damage of either.
Reading executes nothing that is in the files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from glassgrad.errors import DataError
from glassgrad.files import replace_file, write_folder

Array = np.ndarray[Any, Any]
WEIGHTS, MODEL = "weights.safetensors", "model.json"
SUFFIXES = (".glassgrad", ".safetensors")
"""How the name of a model in one file ends."""
LONGEST = 1 << 24
"""Bytes that the JSON of a network needs at the most."""
_KEY = "glassgrad"  # of the JSON among the metadata of one file


def is_one_file(path: Path) -> bool:
    """Whether a model of this name is one file, and not a folder."""
    return path.suffix in SUFFIXES


def write(
    path: Path, kind: str, version: int, content: Mapping[str, Any], arrays: Mapping[str, Array], overwrite: bool
) -> Path:
    """Write a model, complete or not at all.

    Parameters
    ----------
    path : Path
        A folder, or one file if its name ends so (see `SUFFIXES`).
    kind, version
        What is stored, such as "glassgrad network", and the version of its description.
    content : mapping
        The description, as JSON can hold it.
    arrays : mapping of str to array
        The numbers, of any dtype that safetensors has.
    overwrite : bool
        Whether a model that is there is replaced. Other files in a folder stay.

    Raises
    ------
    DataError
        When something of this name exists, unless `overwrite`.
    """
    from safetensors.numpy import save as to_bytes

    refuse_to_overwrite(path, overwrite)
    plain = {name: np.ascontiguousarray(a).reshape(np.shape(a)) for name, a in arrays.items()}
    document: dict[str, Any] = {"format": kind, "version": version, **content}
    if is_one_file(path):
        document["weights"] = {"sha256": _digest(plain)}
        document["sha256"] = _fingerprint(document)
        text = json.dumps(document, allow_nan=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, to_bytes(plain, metadata={_KEY: text}), lambda: refuse_to_overwrite(path, overwrite))
        return path
    weights = to_bytes(plain)
    document["weights"] = {"file": WEIGHTS, "sha256": hashlib.sha256(weights).hexdigest()}
    document["sha256"] = _fingerprint(document)
    text = json.dumps(document, indent=2, allow_nan=False)
    write_folder(path, {WEIGHTS: weights, MODEL: text.encode()}, lambda: refuse_to_overwrite(path, overwrite))
    return path


def read(path: Path, kind: str, version: int, longest: int = LONGEST) -> tuple[dict[str, Any], dict[str, Array]]:
    """The description and the arrays of a model.

    Parameters
    ----------
    path : Path
        Where `write` put it.
    kind : str
        What is expected.
    version : int
        The newest version that is known.
    longest : int
        Bytes of JSON that are still believed.

    Raises
    ------
    DataError
        When files are missing, damaged, edited, of a newer version, of another kind, or do not belong together.
    """
    if path.is_file():
        return _read_file(path, kind, version, longest)
    text = _content(path / MODEL, path, longest)
    document = _checked(text, path / MODEL, kind, version)
    file = path / WEIGHTS
    content = _content(file, path, None)
    if hashlib.sha256(content).hexdigest() != document["weights"].get("sha256"):
        raise DataError(
            f"{file} is not the file that {MODEL} was written with: it is damaged or cut short, "
            "or the two are of different models; store the model again"
        )
    _check_fingerprint(document, path / MODEL)
    return document, _arrays(content, file)


def kind_of(path: Path, longest: int = LONGEST) -> str | None:
    """What is stored there, as its description says it; None where that cannot be read."""
    try:
        text = _text(path.read_bytes(), path, longest) if path.is_file() else _content(path / MODEL, path, longest)
        document = _parsed(text, path)
    except (DataError, OSError):
        return None
    kind = document.get("format") if isinstance(document, dict) else None
    return kind if isinstance(kind, str) else None


def plain_info(info: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a user wants kept beside a model, as JSON gives it back."""
    try:
        return json.loads(json.dumps(dict(info or {}), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise DataError(f"info holds what JSON cannot: {error}; use text, finite numbers, lists and dicts") from error


def refuse_to_overwrite(path: Path, overwrite: bool) -> None:
    """Raise `DataError` where writing would lose something that nobody said may go."""
    if is_one_file(path):
        if path.is_dir():
            raise DataError(f"{path} is a folder; a model of this name is one file")
        if path.exists() and not overwrite:
            raise DataError(f"{path} exists; choose another name, or replace the model with overwrite=True")
        return
    if path.exists() and not path.is_dir():
        raise DataError(f"{path} is a file; a model is stored in a folder, or in a file *.glassgrad")
    if not overwrite and path.is_dir() and any(path.iterdir()):
        raise DataError(
            f"{path} exists and is not empty; choose another folder, or replace the model with overwrite=True"
        )


# Reading


def _read_file(path: Path, kind: str, version: int, longest: int) -> tuple[dict[str, Any], dict[str, Array]]:
    """A model in one file."""
    content = _content(path, path, None)
    document = _checked(_text(content, path, longest), path, kind, version)
    arrays = _arrays(content, path)
    if _digest(arrays) != document["weights"].get("sha256"):
        raise DataError(f"{path} is damaged: its numbers are not those that were written; store the model again")
    _check_fingerprint(document, path)
    return document, arrays


def _text(content: bytes, path: Path, longest: int) -> bytes:
    """The JSON among the metadata of a safetensors file: eight bytes of length, then the header."""
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > len(content) - 8:
        raise DataError(f"{path} is damaged or cut short, or is no model that glassgrad stored")
    if size > 2 * longest:
        raise DataError(f"{path} has a description of {size:,} bytes, far more than a model needs")
    header = _parsed(content[8 : 8 + size], path)
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise DataError(f"{path} is not a model that glassgrad stored: it has no description")
    return text.encode()


def _parsed(text: bytes, file: Path) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is damaged: it is not JSON ({error})") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _checked(text: bytes, file: Path, kind: str, newest: int) -> dict[str, Any]:
    """The JSON of a model, with its frame checked."""
    document = _parsed(text, file)
    if not isinstance(document, dict) or document.get("format") != kind:
        other = document.get("format") if isinstance(document, dict) else None
        said = f", but a {other}" if isinstance(other, str) and other.startswith("glassgrad ") else ""
        raise DataError(f"{file} is not a {kind.removeprefix('glassgrad ')} that glassgrad stored{said:.60}")
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DataError(f"{file} is damaged: its version is {version!r:.20}")
    if version > newest:
        raise DataError(
            f"{file} has version {version}, and this glassgrad reads up to {newest}: install a newer glassgrad"
        )
    if not isinstance(document.get("weights"), dict):
        raise DataError(f"{file} is damaged: its 'weights' is missing or wrong")
    return document


def _check_fingerprint(document: dict[str, Any], file: Path) -> None:
    """Whether the description is the one that was written, where it has a digest."""
    if document.get("sha256", _fingerprint(document)) != _fingerprint(document):
        raise DataError(
            f"{file} is damaged: it is not what was written; store the model again, or, if it was edited on purpose, "
            "take its last entry 'sha256' out"
        )


def _fingerprint(document: Mapping[str, Any]) -> str:
    """A digest of what a description says, however it is laid out."""
    rest = {name: value for name, value in document.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode("utf-8", "backslashreplace")).hexdigest()


def _digest(arrays: Mapping[str, Array]) -> str:
    """A digest of arrays with their names, dtypes and shapes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        a = arrays[name]
        digest.update(f"{name!r} {a.dtype.str} {a.shape}\n".encode("utf-8", "backslashreplace"))
        digest.update(np.ascontiguousarray(a).tobytes())
    return digest.hexdigest()


def _arrays(content: bytes, file: Path) -> dict[str, Array]:
    """The arrays of a safetensors file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        return from_bytes(content)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise DataError(f"{file} is damaged: {error}") from error


def _content(file: Path, path: Path, limit: int | None) -> bytes:
    """The bytes of one file of a model."""
    if not file.is_file():
        what = "there is no such folder or file" if not path.exists() else f"it has no {file.name}"
        raise DataError(f"{path} does not hold a model: {what}")
    try:
        if limit is not None and file.stat().st_size > limit:
            raise DataError(f"{file} has {file.stat().st_size:,} bytes, far more than a description of a model needs")
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error}") from error
