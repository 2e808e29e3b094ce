"""A CPU is a row of facts: detected, named, or set by hand."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from glassgrad.errors import UnknownNameError, UnsupportedError
from glassgrad.native import target as targets
from glassgrad.native.target import NAMED, detected, host, named, obstacle

AVX2 = ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
AVX512 = (*AVX2, "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl")
LINUX = "x86_64-unknown-linux-gnu"


@pytest.mark.parametrize(
    ("triple", "features", "vector_bytes", "registers", "fma"),
    [
        (LINUX, AVX512, 64, 32, True),
        (LINUX, (*AVX512, "prefer-256-bit"), 64, 32, True),
        (LINUX, [f for f in AVX512 if f != "avx512vl"], 32, 16, True),
        (LINUX, AVX2, 32, 16, True),
        (LINUX, [f for f in AVX2 if f != "fma"], 16, 16, False),
        (LINUX, ["sse2"], 16, 16, False),
        ("amd64-pc-windows-msvc", AVX2, 32, 16, True),
        ("aarch64-unknown-linux-gnu", ["neon", "fullfp16"], 16, 32, True),
        ("arm64-apple-darwin24.1.0", [], 16, 32, True),
        ("riscv64-unknown-linux-gnu", ["v"], 16, 16, False),
    ],
)
def test_detection(triple: str, features: list[str], vector_bytes: int, registers: int, fma: bool) -> None:
    found = detected(triple, "some-cpu", dict.fromkeys(features, True))
    assert (found.vector_bytes, found.registers, found.fma) == (vector_bytes, registers, fma)
    assert (found.name, found.cpu, found.triple) == ("some-cpu", "some-cpu", triple)
    assert ("-prefer-256-bit" in found.features) == (found.architecture == "x86_64")
    assert "+prefer-256-bit" not in found.features
    assert found.l1_bytes > 0
    assert found.l2_bytes > found.l1_bytes


def test_what_a_cpu_lacks_is_not_counted_on() -> None:
    """A feature may be listed as absent."""
    found = detected(LINUX, "old", {**dict.fromkeys(AVX512, False), "sse2": True})
    assert found.vector_bytes == 16
    assert "-avx2" in found.features.split(",")


def test_the_host() -> None:
    here = host()
    assert here is host()
    assert here.vector_bytes in (16, 32, 64)
    assert here.triple
    assert here.cpu
    assert 4 * 1024 <= here.l1_bytes <= here.l2_bytes <= 1 << 30
    assert obstacle(here) == ""
    if platform.machine().lower() in ("x86_64", "amd64", "aarch64", "arm64"):
        assert here.architecture in ("x86_64", "aarch64")


@pytest.mark.parametrize("name", NAMED)
def test_named(name: str) -> None:
    target = named(name)
    assert target.name == name
    assert target.lanes("float32") == 2 * target.lanes("float64") == target.vector_bytes // 4
    assert target.lanes("int64") == target.vector_bytes // 8
    assert target.architecture in ("x86_64", "aarch64")


def test_keys_tell_targets_apart() -> None:
    keys = {target.key for target in NAMED.values()}
    assert len(keys) == len(NAMED)
    assert host().key == host().key


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'x86-64-avx2'") as caught:
        named("x86-64-avx")
    assert all(name in str(caught.value) for name in NAMED)


def test_a_named_cpu_on_this_system() -> None:
    here = host()
    for name in NAMED:
        if named(name).architecture == here.architecture:
            other = host(name)
            assert (other.triple, other.l1_bytes, other.l2_bytes) == (here.triple, here.l1_bytes, here.l2_bytes)
            assert (other.vector_bytes, other.features) == (named(name).vector_bytes, named(name).features)
        else:
            with pytest.raises(UnsupportedError, match="another architecture"):
                host(name)


def test_what_stands_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    old = detected(LINUX, "old", {"sse2": True, "avx2": False})
    monkeypatch.setattr(targets, "_detected_host", lambda: old)
    assert obstacle(named("x86-64-sse2")) == ""
    assert "lacks avx, avx2, bmi" in obstacle(named("x86-64-avx2"))
    assert "aarch64" in obstacle(named("aarch64-neon"))
    monkeypatch.setattr(targets, "_detected_host", lambda: detected("arm64-apple-darwin24", "apple-m1", {}))
    assert obstacle(host()) == ""
    assert obstacle(host("aarch64-neon")) == ""
    assert "arm64-apple-darwin24" in obstacle(named("aarch64-neon"))


def test_cache_sizes_from_the_files_of_linux(tmp_path: Path) -> None:
    rows = [("1", "Instruction", "64K"), ("1", "Data", "48K"), ("2", "Unified", "2M"), ("3", "Unified", "32768K")]
    for i, row in enumerate(rows):
        (tmp_path / f"index{i}").mkdir()
        for name, text in zip(("level", "type", "size"), row, strict=True):
            (tmp_path / f"index{i}" / name).write_text(f"{text}\n")
    assert targets._linux_size(tmp_path, 1) == 48 * 1024
    assert targets._linux_size(tmp_path, 2) == 2 * 1024 * 1024
    assert targets._linux_size(tmp_path, 4) is None


@pytest.mark.parametrize("size", ["", "K", "many", "0K"])
def test_cache_sizes_that_make_no_sense_are_not_taken(tmp_path: Path, size: str) -> None:
    (tmp_path / "index0").mkdir()
    for name, text in (("level", "1"), ("type", "Data"), ("size", size)):
        (tmp_path / "index0" / name).write_text(text)
    assert targets._linux_size(tmp_path, 1) is None
    assert targets._linux_size(tmp_path / "missing", 1) is None
