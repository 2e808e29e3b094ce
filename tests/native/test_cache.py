"""Objects on disk: found again, never trusted when damaged or planted, never in the way."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.native import cache
from glassgrad.native.fingerprint import fingerprint
from glassgrad.native.jit import Library, compile_ir

posix = pytest.mark.skipif(os.name != "posix", reason="this system has no permission bits")


def text(n: int) -> str:
    return f"define i64 @answer() {{\n  ret i64 {n}\n}}\n"


def compiled(n: int) -> Library:
    """A library that answers as it was told to, wherever it came from."""
    library = compile_ir(text(n))
    assert library.function("answer", ctypes.c_int64)() == n
    return library


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test's own."""
    monkeypatch.setenv("GLASSGRAD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("GLASSGRAD_CACHE", raising=False)
    return tmp_path / "cache" / "objects"


def only_file(place: Path) -> Path:
    (file,) = place.iterdir()
    return file


def test_a_second_time_is_read_from_disk(place: Path) -> None:
    assert not compiled(1).from_cache
    assert compiled(1).from_cache
    assert not compiled(2).from_cache
    assert len(list(place.iterdir())) == 2
    assert not compile_ir(text(1), opt=0).from_cache
    assert not compile_ir(text(1), cache=False).from_cache


@posix
def test_only_the_owner_may_look(place: Path) -> None:
    compiled(1)
    assert [path.stat().st_mode & 0o777 for path in (place.parent, place)] == [0o700, 0o700]
    assert only_file(place).stat().st_mode & 0o777 == 0o600


def flipped(content: bytes) -> bytes:
    middle = len(content) * 3 // 4
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def damaged_key(content: bytes) -> bytes:
    return content.replace(content.split(b"\n")[1], b"0" * 64, 1)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut in the header": lambda content: content[:50],
    "header only": lambda content: b"\n".join(content.split(b"\n")[:3]) + b"\n",
    "cut at the end": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "one bit": flipped,
    "another key": damaged_key,
    "another format": lambda content: content.replace(b"object 1", b"object 0", 1),
    "zeros": lambda content: bytes(len(content)),
    "no header": lambda content: content.split(b"\n", 3)[3],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_compiled_again_and_replaced(place: Path, damage: Callable[[bytes], bytes]) -> None:
    compiled(1)
    file = only_file(place)
    content = file.read_bytes()
    file.write_bytes(damage(content))
    assert not compiled(1).from_cache
    assert file.read_bytes() == content
    assert compiled(1).from_cache


def test_a_file_under_another_name_is_not_loaded(place: Path) -> None:
    """A sound object of another program would run, and answer wrongly."""
    compiled(1)
    first = only_file(place)
    compiled(2)
    (second,) = set(place.iterdir()) - {first}
    second.write_bytes(first.read_bytes())
    assert not compiled(2).from_cache
    assert compiled(2).from_cache


@posix
@pytest.mark.parametrize("mode", [0o622, 0o660])
def test_a_file_that_others_can_write_is_not_loaded(place: Path, mode: int) -> None:
    compiled(1)
    only_file(place).chmod(mode)
    assert not compiled(1).from_cache
    assert only_file(place).stat().st_mode & 0o777 == 0o600


@posix
def test_links_and_pipes_are_not_opened(place: Path, tmp_path: Path) -> None:
    compiled(1)
    file = only_file(place)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert not compiled(1).from_cache
    assert not file.is_symlink()
    file.unlink()
    os.mkfifo(file)
    assert not compiled(1).from_cache
    assert compiled(1).from_cache


@posix
def test_an_unreadable_file_is_replaced(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(1)
    file, usual = only_file(place), os.open

    def refused(path: os.PathLike[str] | str, *rest: int, **more: int) -> int:
        if Path(path) == file:
            raise PermissionError(13, "not yours")
        return usual(path, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refused)
        assert not compiled(1).from_cache
    assert compiled(1).from_cache


def test_a_folder_in_the_place_of_a_file_changes_nothing(place: Path) -> None:
    compiled(1)
    file = only_file(place)
    file.unlink()
    file.mkdir()
    assert not compiled(1).from_cache
    assert list(place.iterdir()) == [file]


@posix
@pytest.mark.parametrize("level", ["folder", "parent"])
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_is_not_used(place: Path, level: str, mode: int) -> None:
    compiled(1)
    (place if level == "folder" else place.parent).chmod(mode)
    with pytest.warns(RuntimeWarning, match="can be written by other users") as caught:
        assert not compiled(1).from_cache
    assert len(caught) == 1
    assert not compiled(1).from_cache  # and is not warned of again: warnings are errors here
    compiled(2)
    assert len(list(place.iterdir())) == 1


@posix
def test_a_folder_that_others_can_read_is_used(place: Path) -> None:
    compiled(1)
    place.chmod(0o755)
    place.parent.chmod(0o755)
    assert compiled(1).from_cache


@posix
def test_a_folder_of_another_user_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(1)
    monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert not compiled(1).from_cache
    assert len(list(place.iterdir())) == 1


@pytest.mark.parametrize("value", ["0", "false", "OFF"])
def test_doing_without(place: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GLASSGRAD_CACHE", value)
    compiled(1)
    assert not compiled(1).from_cache
    assert not place.parent.exists()


@pytest.mark.parametrize("where", ["a file", "below a file", "too long"])
def test_a_place_that_cannot_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    path = {"a file": "file", "below a file": "file/cache", "too long": "x" * 300}[where]
    monkeypatch.setenv("GLASSGRAD_CACHE_DIR", str(tmp_path / path))
    assert not compiled(1).from_cache
    assert not compiled(1).from_cache


@pytest.mark.parametrize("call", ["mkdir", "mkstemp", "fsync", "replace", "scandir"])
def test_a_disk_that_cannot_be_written(place: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def fails(*rest: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr({"mkdir": Path, "mkstemp": cache.tempfile}.get(call, os), call, fails)
        assert not compiled(1).from_cache
    assert all(path.suffix == ".object" for path in place.parent.rglob("*.*"))
    compiled(1)
    assert compiled(1).from_cache


@posix
def test_a_disk_that_is_full_in_the_middle_of_a_file(place: Path) -> None:
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
        "from glassgrad.native.jit import compile_ir\n"
        f"library = compile_ir({text(7)!r})\n"
        "import ctypes\n"
        "sys.exit(library.function('answer', ctypes.c_int64)())\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], timeout=300, check=False)
    assert done.returncode == 7
    assert list(place.iterdir()) == []


def test_what_was_used_the_longest_ago_goes_first(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(0)
    size = only_file(place).stat().st_size
    monkeypatch.setattr(cache, "LIMIT", 8 * size)
    names: dict[int, Path] = {0: only_file(place)}
    for n in range(1, 8):
        compiled(n)
        (names[n],) = set(place.iterdir()) - set(names.values())
    for n, path in names.items():
        os.utime(path, (1e9 + n, 1e9 + n))
    assert compiled(0).from_cache  # which makes it the latest
    foreign = place / "notes.txt"
    foreign.write_text("x" * 10 * size)
    os.utime(foreign, (1, 1))
    aside = [place / f"{age}.aside" for age in ("old", "new")]
    for path, when in zip(aside, (time.time() - 7200, time.time()), strict=True):
        path.write_text("left by a process that was killed, or being written")
        os.utime(path, (when, when))
    compiled(8)
    left = set(place.iterdir())
    assert not left & {names[1], names[2]}
    assert {names[0], names[7], foreign, aside[1]} <= left
    assert aside[0] not in left
    objects = [path for path in left if path.suffix == ".object"]
    assert len(objects) <= 6
    assert compiled(8).from_cache


def test_two_processes_at_once(place: Path) -> None:
    script = (
        "import ctypes\n"
        "from glassgrad.native.jit import compile_ir\n"
        "for n in range(60):\n"
        "    library = compile_ir('define i64 @answer() {\\n  ret i64 %d\\n}\\n' % n)\n"
        "    assert library.function('answer', ctypes.c_int64)() == n\n"
    )
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", script]) for _ in range(3)]
    assert [process.wait(timeout=300) for process in running] == [0, 0, 0]
    assert len(list(place.iterdir())) == 60
    assert all(path.suffix == ".object" for path in place.iterdir())
    assert all(compiled(n).from_cache for n in range(60))


@pytest.mark.parametrize(
    ("system", "variable", "below"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache"),
        ("darwin", "", "Library/Caches"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_where_each_system_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, variable: str, below: str
) -> None:
    monkeypatch.delenv("GLASSGRAD_CACHE_DIR")
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    if variable:
        monkeypatch.setenv(variable, "not/absolute")
    assert cache.folder() == tmp_path / below / "glassgrad" / "objects"
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "named"))
        assert cache.folder() == tmp_path / "named" / "glassgrad" / "objects"


def test_nobody_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GLASSGRAD_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", nowhere)
    assert cache.folder() is None
    assert not compiled(1).from_cache


def test_a_key_saves_writing_and_is_as_good_as_the_text() -> None:
    written: list[int] = []

    def source() -> str:
        written.append(1)
        return text(7)

    first = compile_ir(source, key="a")
    second = compile_ir(source, key="a")
    assert (first.from_cache, second.from_cache, len(written)) == (False, True, 1)
    assert (second.functions, second.size) == (first.functions, first.size)
    assert second.text == text(7)
    assert len(written) == 2  # written when asked for
    assert not compile_ir(source, key="b").from_cache  # another key is another code


def test_a_graph_is_found_again_whatever_its_names_and_values() -> None:
    def program(f: Any, *args: Any) -> Any:
        compiled = gg.compile(f)
        return compiled(*args), compiled.programs[-1].library

    x = np.arange(5.0)
    one, first = program(lambda x: np.exp(x * 0.5) + np.ones(5), x)
    other, _ = program(lambda y: np.exp(y * 0.5) + np.full(5, 3.0) * np.array([1.0, 1, 1, 1, 2]), x)
    again, third = program(lambda z: np.exp(z * 0.5) + np.ones(5), 2 * x)
    half, fourth = program(lambda x: np.exp(x * 0.25) + np.ones(5), x)
    assert (first.from_cache, third.from_cache, fourth.from_cache) == (False, True, False)
    np.testing.assert_allclose(again, np.exp(x) + 1)
    np.testing.assert_allclose(half, np.exp(x / 4) + 1)
    np.testing.assert_allclose(one, np.exp(x / 2) + 1)
    np.testing.assert_allclose(other, np.exp(x / 2) + np.array([3.0, 3, 3, 3, 6]))
    assert "define" in third.text


def test_gates_of_the_users_own_have_no_fingerprint() -> None:
    double = gg.gate(lambda x: 2 * x, (lambda g, out, x: 2 * g,), name="double", example=[np.ones(2)])
    assert fingerprint(gg.trace(double, np.ones(2), values=False)) is None
    sums = [gg.trace(f, np.ones((2, 2)), values=False) for f in (lambda x: np.sum(x, 0), lambda x: np.sum(x, 1))]
    assert fingerprint(sums[0]) != fingerprint(sums[1])
