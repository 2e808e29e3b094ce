"""Output folders: nothing that exists is ever overwritten unless that was asked for."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from glassgrad.cli.common import UsageError

_TRIES = 10_000


@dataclass
class Folder:
    """A folder that was taken before the work began, so that no two runs take the same one.

    ``instead_of`` is the name that was taken already; ``made`` whether the folder is new.
    """

    path: Path
    made: bool
    overwrite: bool = False
    instead_of: Path | None = None

    def give_up(self) -> None:
        """Leave no empty folder behind."""
        if self.made:
            with contextlib.suppress(OSError):
                self.path.rmdir()  # fails, rightly, where something is in it


def take(asked: Path | None, default: str, overwrite: bool) -> Folder:
    """The folder to write to.

    A folder that was asked for is used if it is empty or new, or with `overwrite`. Otherwise the default
    name is taken, or the first of default-2, default-3, … that is free.

    Raises
    ------
    UsageError
        When the folder that was asked for has something in it.
    """
    path = Path(default) if asked is None else asked
    if asked is None and not overwrite:
        return next_free(path)
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; -o names a folder")
    if path.is_dir():
        if any(path.iterdir()) and not overwrite:
            raise UsageError(
                f"{path} exists and is not empty: choose another folder with -o, or replace the model in it with "
                "--overwrite"
            )
        return Folder(path, False, overwrite)
    path.mkdir(parents=True)
    return Folder(path, True, overwrite)


def next_free(path: Path) -> Folder:
    """A new folder of this name, or of this name with the first number that is free."""
    for n in range(1, _TRIES):
        candidate = path if n == 1 else path.with_name(f"{path.name}-{n}")
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            continue
        return Folder(candidate, True, instead_of=None if n == 1 else path)
    raise UsageError(f"{path} and {_TRIES - 2:,} numbered names after it exist; choose a folder with -o")
