"""Objects on disk: what was compiled once is loaded the next time.

An object is machine code that will be run, so the cache trusts nobody but its owner. The folder is made
for the owner alone, and a folder or file that another user owns or can write to is not used. Whoever can
write the owner's files could as well change the owner's programs: against them no cache can help. Against
damage (a full disk, a crash, a file cut short or copied to another name) each file carries its own key and
a digest of all it holds, and what does not agree is compiled again and replaced.

Files are written aside, synced and renamed, so of two processes that write at once the later one wins and
a reader sees the whole of one or of the other. Where writing fails nothing is lost but time.

``GLASSGRAD_CACHE_DIR`` names another folder, ``GLASSGRAD_CACHE=0`` does without.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
import time
import warnings
from pathlib import Path

LIMIT = 256 * 1024 * 1024
"""Bytes that the folder may hold; the files that were used the longest ago go first."""

_MAGIC = b"glassgrad object 1\n"
_SUFFIX = ".object"
_ASIDE = ".aside"
_FORGOTTEN = 3600.0  # seconds after which a file written aside belongs to nobody
_POSIX = os.name == "posix"  # elsewhere the user's own folder is guarded by the system's access lists
_warned: set[Path] = set()
_sizes: dict[Path, int] = {}


def folder() -> Path | None:
    """Where objects are kept, as the environment says now; None where nothing is to be kept."""
    if os.environ.get("GLASSGRAD_CACHE", "1").strip().lower() in ("0", "false", "no", "off"):
        return None
    named = os.environ.get("GLASSGRAD_CACHE_DIR")
    try:
        return (Path(named).expanduser() if named else _user_folder() / "glassgrad") / "objects"
    except RuntimeError:  # nobody's home
        return None


def _user_folder() -> Path:
    """Where this system keeps what can be made again."""
    variable, usual = {
        "win32": ("LOCALAPPDATA", ("AppData", "Local")),
        "darwin": ("", ("Library", "Caches")),
    }.get(sys.platform, ("XDG_CACHE_HOME", (".cache",)))
    named = Path(os.environ.get(variable, "")) if variable else Path()
    return named if named.is_absolute() else Path.home().joinpath(*usual)


def read(key: str) -> bytes | None:
    """The object of a key; None where there is none that can be trusted."""
    place = folder()
    if place is None:
        return None
    path = place / f"{key}{_SUFFIX}"
    try:
        if not _trusted(place):
            return None
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or _complaint(facts):
                return None
            content = file.read()
    except OSError:
        return None
    head = _head(key, content[len(_head(key, b"")) :])
    if not content.startswith(head):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return content[len(head) :]


def write(key: str, content: bytes) -> None:
    """Keep the object of a key; where that fails, it is not kept."""
    place = folder()
    if place is None:
        return
    try:
        for made in (place.parent, place):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _trusted(place):
            return
        content = _head(key, content) + content
        descriptor, aside = tempfile.mkstemp(prefix=key[:16], suffix=_ASIDE, dir=place)  # for the owner only
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, place / f"{key}{_SUFFIX}")
        except OSError:
            os.unlink(aside)
            raise
        _limit(place, len(content))
    except OSError:
        return


def _head(key: str, content: bytes) -> bytes:
    """What stands before an object in its file; always of the same length."""
    start = _MAGIC + f"{key}\n".encode()
    return start + f"{hashlib.sha256(start + content).hexdigest()}\n".encode()


def _trusted(place: Path) -> bool:
    """Whether only the owner can have written here; if not, say so once. An error where nothing is here."""
    for path in (place.parent, place):
        facts = os.stat(path)
        if not stat.S_ISDIR(facts.st_mode):
            raise NotADirectoryError(str(path))
        complaint = _complaint(facts)
        if complaint:
            if path not in _warned:
                _warned.add(path)
                warnings.warn(
                    f"compiled code is not kept: {path} {complaint}. Make it yours alone (mode 700), or name "
                    "another folder in GLASSGRAD_CACHE_DIR; GLASSGRAD_CACHE=0 does without and without this warning.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return False
    return True


def _complaint(facts: os.stat_result) -> str:
    """Who else can have written a file or folder; empty if nobody."""
    if not _POSIX:
        return ""
    if facts.st_uid != os.geteuid():
        return "belongs to another user"
    return "can be written by other users" if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


def _limit(place: Path, more: int) -> None:
    """Remove what was used the longest ago, once the folder has outgrown its limit."""
    if place in _sizes:
        _sizes[place] += more
        if _sizes[place] <= LIMIT:
            return
    found: list[tuple[float, int, str]] = []
    with os.scandir(place) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                facts = entry.stat(follow_symlinks=False)
                if entry.name.endswith(_SUFFIX):
                    found.append((facts.st_mtime, facts.st_size, entry.path))
                elif entry.name.endswith(_ASIDE) and time.time() - facts.st_mtime > _FORGOTTEN:
                    os.unlink(entry.path)
    total = sum(size for _, size, _ in found)
    goal = total if total <= LIMIT else LIMIT * 3 // 4
    for _, size, path in sorted(found):
        if total <= goal:
            break
        with contextlib.suppress(OSError):
            os.unlink(path)
            total -= size
    _sizes[place] = total
