"""What is known of a CPU: the only place in glassgrad that has facts of one."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.errors import UnsupportedError, unknown

LLVM = threading.RLock()
"""Held by whoever calls LLVM, and by a process that forks: its child finds no lock of LLVM's taken for ever."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=LLVM.acquire, after_in_parent=LLVM.release, after_in_child=LLVM.release)


@dataclass(frozen=True)
class Target:
    """A CPU, as far as kernels are shaped for it.

    Attributes
    ----------
    name : str
        What people call it, e.g. ``x86-64-avx2``.
    triple : str
        LLVM's name of architecture, vendor and system.
    cpu : str
        LLVM's name of the CPU, which sets how instructions are scheduled.
    features : str
        What it has and what it lacks, as LLVM writes it: ``+fma,-avx512f``.
    vector_bytes : int
        Width of the vectors that kernels are to use.
    registers : int
        How many such vectors it holds at once.
    fma : bool
        Whether one instruction multiplies and adds with one rounding.
    l1_bytes, l2_bytes : int
        Sizes of one core's data caches.

    Examples
    --------
    >>> target = named("x86-64-avx2")
    >>> target.lanes("float32"), target.lanes("float64"), target.registers
    (8, 4, 16)
    """

    name: str
    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int
    fma: bool
    l1_bytes: int
    l2_bytes: int

    def lanes(self, dtype: Any) -> int:
        """How many numbers of a dtype one vector holds."""
        return self.vector_bytes // np.dtype(dtype).itemsize

    def flops_per_cycle(self, dtype: Any) -> int:
        """What one core can do at most: two vectors a cycle, multiplied and added where one instruction does both."""
        return 2 * self.lanes(dtype) * (2 if self.fma else 1)

    def bytes_per_cycle(self, room: int) -> int:
        """What one core reads at most of so much memory: two vectors from its first cache, one from its second."""
        if room <= self.l1_bytes:
            return 2 * self.vector_bytes
        return self.vector_bytes if room <= self.l2_bytes else 8

    @property
    def key(self) -> str:
        """All of it as one text, for keys of caches."""
        return "|".join(str(field) for field in astuple(self))

    @property
    def give_way(self) -> str:
        """The system's function that lets other threads run on this core."""
        return "SwitchToThread" if "windows" in self.triple else "sched_yield"

    @property
    def architecture(self) -> str:
        """The first part of the triple under its usual name: ``x86_64`` or ``aarch64``."""
        first = self.triple.split("-")[0]
        return {"amd64": "x86_64", "arm64": "aarch64"}.get(first, first)


_V3 = "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe"
_V4 = f"{_V3},+avx512bw,+avx512cd,+avx512dq,+avx512f,+avx512vl,-prefer-256-bit"
_LINUX = "unknown-linux-gnu"
_KB = 1024

NAMED = {
    target.name: target
    for target in (
        Target("x86-64-avx512", f"x86_64-{_LINUX}", "x86-64-v4", _V4, 64, 32, True, 32 * _KB, 1024 * _KB),
        Target("x86-64-avx2", f"x86_64-{_LINUX}", "x86-64-v3", _V3, 32, 16, True, 32 * _KB, 256 * _KB),
        Target("x86-64-sse2", f"x86_64-{_LINUX}", "x86-64", "+sse2", 16, 16, False, 32 * _KB, 256 * _KB),
        Target("aarch64-neon", f"aarch64-{_LINUX}", "generic", "+neon", 16, 32, True, 64 * _KB, 512 * _KB),
    )
}
"""CPUs that can be named, those with the widest vectors first."""

_OTHER = Target("generic", "", "", "", 16, 16, False, 32 * _KB, 256 * _KB)
_OVERRIDES = {"prefer-256-bit": False}  # LLVM would halve the 64-byte vectors that kernels are written in


def named(name: str) -> Target:
    """A CPU by its name; its cache sizes are typical ones.

    Examples
    --------
    >>> named("aarch64-neon").lanes("float32")
    4
    """
    if name not in NAMED:
        raise unknown("target", name, NAMED)
    return NAMED[name]


def host(override: str | None = None) -> Target:
    """The CPU that is running, or what a named one would be on this system.

    Parameters
    ----------
    override : str, optional
        A name: code for that CPU, with this system's conventions and this machine's cache sizes.

    Examples
    --------
    >>> host().vector_bytes in (16, 32, 64)
    True
    """
    here = _detected_host()
    if override is None:
        return here
    other = named(override)
    if other.architecture != here.architecture:
        raise UnsupportedError(f"{override} is another architecture than this machine's, {here.triple}")
    return replace(other, triple=here.triple, l1_bytes=here.l1_bytes, l2_bytes=here.l2_bytes)


@functools.cache
def _detected_host() -> Target:
    """LLVM's word on the CPU that is running."""
    from llvmlite import binding

    with LLVM:
        features = binding.get_host_cpu_features()
        return detected(binding.get_process_triple(), binding.get_host_cpu_name(), features, *cache_sizes())


def detected(
    triple: str, cpu: str, features: Mapping[str, bool], l1_bytes: int | None = None, l2_bytes: int | None = None
) -> Target:
    """A CPU from what LLVM says of it: it is like the widest named one whose features it all has."""
    bare = replace(_OTHER, name=cpu or "generic", triple=triple, cpu=cpu)
    like = _OTHER
    for candidate in NAMED.values():
        # every 64-bit Arm has NEON and some systems name no features; x86-64 likewise always has SSE2
        baseline = candidate.name in ("aarch64-neon", "x86-64-sse2")
        if candidate.architecture == bare.architecture and (baseline or not lacking(candidate, features)):
            like = candidate
            break
    flags = {**features, **{name: on for name, on in _OVERRIDES.items() if bare.architecture == "x86_64"}}
    return replace(
        bare,
        features=",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(flags.items())),
        vector_bytes=like.vector_bytes,
        registers=like.registers,
        fma=like.fma,
        l1_bytes=l1_bytes or like.l1_bytes,
        l2_bytes=l2_bytes or like.l2_bytes,
    )


def lacking(target: Target, features: Mapping[str, bool]) -> list[str]:
    """The features that a target counts on and that are not there."""
    wanted = [flag[1:] for flag in target.features.split(",") if flag.startswith("+")]
    return [name for name in wanted if not features.get(name, False)]


def obstacle(target: Target) -> str:
    """Why machine code for a target cannot run in this process; empty where it can."""
    here = _detected_host()
    if target == here:
        return ""
    if target.triple != here.triple:
        return f"it is code for {target.triple}, and this process is {here.triple}"
    missing = lacking(target, {flag[1:]: flag[0] == "+" for flag in here.features.split(",") if flag})
    # a system that names no features has what its architecture always has
    return f"this CPU lacks {', '.join(missing)}" if missing and here.features else ""


def cache_sizes(folder: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> tuple[int | None, int | None]:
    """Bytes of one core's first and second data cache, where the system tells."""
    read = _macos_size if sys.platform == "darwin" else functools.partial(_linux_size, folder)
    return read(1), read(2)


def _linux_size(folder: Path, level: int) -> int | None:
    """From the files in which Linux describes each cache."""
    for index in sorted(folder.glob("index*")):
        try:
            found, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
            if found == str(level) and kind in ("Data", "Unified"):
                return int(size.rstrip("KM")) * {"K": _KB, "M": _KB * _KB}.get(size[-1], 1) or None
        except (OSError, ValueError, IndexError):
            continue
    return None


def _macos_size(level: int) -> int | None:
    """From the system's table of facts; Macs with two kinds of cores say it of the fast ones first."""
    name = {1: "l1dcachesize", 2: "l2cachesize"}[level]
    for key in (f"hw.perflevel0.{name}", f"hw.{name}"):
        value, length = ctypes.c_int64(0), ctypes.c_size_t(8)
        found = ctypes.CDLL(None).sysctlbyname(key.encode(), ctypes.byref(value), ctypes.byref(length), None, 0)
        if found == 0 and value.value > 0:
            return value.value
    return None
