"""Files are written aside, synced and renamed: a reader never sees half of one, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO


def replace_file(path: Path, content: bytes, before_moving: Callable[[], None] | None = None) -> None:
    """Write one file, complete or not at all; a file of this name is replaced.

    `before_moving` may refuse, when all is written and nothing is changed yet.
    """
    descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _fill(file, content)
        os.chmod(aside, 0o666 & ~_umask())
        if before_moving is not None:
            before_moving()
        os.replace(aside, path)
    finally:
        Path(aside).unlink(missing_ok=True)


def write_folder(path: Path, files: Mapping[str, bytes], before_moving: Callable[[], None]) -> None:
    """Write files of a folder, all complete before the first is moved into place.

    `before_moving` may refuse, when all is written and nothing is changed yet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        for name, content in files.items():
            with open(aside / name, "xb") as file:
                _fill(file, content)
        before_moving()
        if path.exists():
            for name in files:
                os.replace(aside / name, path / name)
        else:
            aside.chmod(0o777 & ~_umask())
            os.rename(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _fill(file: BinaryIO, content: bytes) -> None:
    """Write and sync."""
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def _umask() -> int:
    """The permissions that new files are not to have."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
