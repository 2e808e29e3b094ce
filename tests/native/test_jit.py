"""IR text in, machine code out."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad.errors import GlassgradError, UnknownNameError
from glassgrad.native import jit
from glassgrad.native import target as targets
from glassgrad.native.jit import CompileError, assembly, compile_ir, optimised, verify_ir
from glassgrad.native.target import NAMED, host, lacking, named, obstacle

TWICE = """
define double @twice(double %x) {
  %y = fadd double %x, %x
  ret double %y
}
"""

WIDE = """
define void @double(ptr %p) {
entry:
  %x = load <16 x float>, ptr %p, align 4
  %y = fadd <16 x float> %x, %x
  store <16 x float> %y, ptr %p, align 4
  ret void
}
"""
SCALE = """
define void @scale(ptr %p, i64 %n, float %a) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %at = getelementptr float, ptr %p, i64 %i
  %x = load float, ptr %at, align 4
  %y = fmul float %x, %a
  store float %y, ptr %at, align 4
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}
"""

MEET = """
define i64 @meet(ptr %count, i64 %patience) {
entry:
  %before = atomicrmw add ptr %count, i64 1 seq_cst
  br label %wait
wait:
  %i = phi i64 [ 0, %entry ], [ %next, %wait ]
  %here = load atomic i64, ptr %count seq_cst, align 8
  %both = icmp uge i64 %here, 2
  %next = add i64 %i, 1
  %late = icmp uge i64 %next, %patience
  %done = or i1 %both, %late
  br i1 %done, label %end, label %wait
end:
  ret i64 %here
}
"""


def vectors(lanes: int) -> str:
    """A multiplication and addition of one vector of floats with itself."""
    v = f"<{lanes} x float>"
    return f"""
declare {v} @llvm.fma.v{lanes}f32({v}, {v}, {v})
define void @square_and_add(ptr %p) {{
  %x = load {v}, ptr %p, align 4
  %y = call {v} @llvm.fma.v{lanes}f32({v} %x, {v} %x, {v} %x)
  store {v} %y, ptr %p, align 4
  ret void
}}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSGRAD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("GLASSGRAD_CACHE", raising=False)


def run(script: str) -> str:
    """What a script prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_function_of_numbers() -> None:
    library = compile_ir(TWICE)
    assert library.functions == ("twice",)
    assert library.function("twice", ctypes.c_double, [ctypes.c_double])(21.0) == 42.0
    assert library.seconds > 0
    assert library.size > 0
    assert library.target == host()
    assert "twice" in repr(library)


@pytest.mark.parametrize("opt", [0, 1, 2, 3])
def test_a_function_of_memory(opt: int) -> None:
    x = np.arange(100, dtype=np.float32)
    scale = compile_ir(SCALE, opt=opt).function("scale", None, [ctypes.c_void_p, ctypes.c_int64, ctypes.c_float])
    scale(x.ctypes.data, 100, 0.5)
    np.testing.assert_array_equal(x, np.arange(100, dtype=np.float32) / 2)


def test_names_of_all_kinds() -> None:
    text = """
@table = private constant [2 x i64] [i64 3, i64 4]
define internal i64 @hidden() { ret i64 1 }
define private i64 @"also hidden"() { ret i64 2 }
define dso_local i64 @"with space"() {
  %x = load i64, ptr getelementptr ([2 x i64], ptr @table, i64 0, i64 1)
  ret i64 %x
}
define { i64, i64 } @plain.name-1$(ptr %f) #0 { ret { i64, i64 } zeroinitializer }
attributes #0 = { nounwind }
"""
    library = compile_ir(text)
    assert library.functions == ("with space", "plain.name-1$")
    assert library.function("with space", ctypes.c_int64)() == 4
    with pytest.raises(UnknownNameError, match="with space"):
        library.address("hidden")


def test_functions_of_the_process_can_be_called() -> None:
    text = """
declare double @cos(double)
define double @f(double %x) {
  %y = call double @cos(double %x)
  ret double %y
}
"""
    f = compile_ir(text).function("f", ctypes.c_double, [ctypes.c_double])
    assert f(1.0) == np.cos(1.0)


def test_a_function_keeps_its_library_alive() -> None:
    library = compile_ir(TWICE)
    alive = weakref.ref(library)
    twice = library.function("twice", ctypes.c_double, [ctypes.c_double])
    del library
    gc.collect()
    assert alive() is not None
    assert twice(1.0) == 2.0
    del twice
    gc.collect()
    assert alive() is None


def test_ir_and_assembly_are_there_also_from_disk() -> None:
    first, second = compile_ir(SCALE), compile_ir(SCALE)
    assert (first.from_cache, second.from_cache) == (False, True)
    assert first.ir == second.ir
    assert first.assembly == second.assembly
    assert "define void @scale" in first.ir
    assert "scale:" in first.assembly
    assert first.target.triple in first.ir


def test_a_header_is_replaced_by_the_targets() -> None:
    header = 'target triple = "unknown-unknown-unknown"\ntarget datalayout = ""\n'
    for text in (header + TWICE, header.split("\n")[0] + TWICE, f"; a comment first\n{header}{TWICE}"):
        assert text.count("target") in (1, 2)
        result = optimised(text, named("aarch64-neon"))
        assert result.count("target triple") == result.count("target datalayout") == 1
        assert 'target triple = "aarch64-unknown-linux-gnu"' in result
        assert compile_ir(text).function("twice", ctypes.c_double, [ctypes.c_double])(2.0) == 4.0


def test_reading_from_disk_is_much_faster_than_compiling() -> None:
    cold = min(compile_ir(SCALE, cache=False).seconds for _ in range(3))
    compile_ir(SCALE)
    warm = [compile_ir(SCALE) for _ in range(5)]
    assert all(library.from_cache for library in warm)
    assert 3 * min(library.seconds for library in warm) < cold


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (TWICE.replace("fadd double", "fadd float"), "defined with type 'double'", "%y = fadd float %x, %x"),
        (TWICE.replace("ret double %y", "ret double %z"), "undefined value '%z'", "ret double %z"),
        ("define void @f(i1 %c) {\n  br i1 %c, label %a, label %b\na:\n  %x = add i32 1, 2\n  br label %b\n"
         "b:\n  %y = add i32 %x, 1\n  ret void\n}", "does not dominate", "%x = add i32 1, 2"),
        ("nonsense", "expected top-level entity", "nonsense"),
    ],
)  # fmt: skip
def test_text_that_llvm_refuses(text: str, message: str, line: str) -> None:
    for attempt in (compile_ir, verify_ir, optimised, assembly):
        with pytest.raises(CompileError) as caught:
            attempt(text)
        assert message in caught.value.reason
        assert any(shown.startswith(">") and shown.endswith(line) for shown in caught.value.reason.splitlines())
    assert isinstance(caught.value, GlassgradError)
    assert isinstance(caught.value, RuntimeError)
    assert compile_ir(TWICE).function("twice", ctypes.c_double, [ctypes.c_double])(1.0) == 2.0


@pytest.mark.parametrize(
    ("declared", "used"),
    [
        ("declare i64 @nowhere_to_be_found()", "call i64 @nowhere_to_be_found()"),
        ('declare i64 @"nowhere_to_be_found"(ptr)', 'call i64 @"nowhere_to_be_found"(ptr null)'),
        ("@nowhere_to_be_found = external global i64", "load i64, ptr @nowhere_to_be_found"),
    ],
)
def test_what_is_nowhere_is_an_error_and_not_the_end(declared: str, used: str) -> None:
    text = f"{declared}\ndefine i64 @f() {{\n  %x = {used}\n  ret i64 %x\n}}\n"
    verify_ir(text)
    with pytest.raises(CompileError, match="there is no nowhere_to_be_found"):
        compile_ir(text)


def test_memory_that_must_not_be_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    from llvmlite import binding

    def denied() -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(binding, "check_jit_execution", denied)
    jit._executable.cache_clear()
    with pytest.raises(CompileError, match="Permission denied"):
        compile_ir(TWICE)
    monkeypatch.undo()
    assert compile_ir(TWICE, cache=False).functions == ("twice",)


def test_code_for_another_cpu_is_not_run() -> None:
    other = next(target for target in NAMED.values() if target.architecture != host().architecture)
    verify_ir(TWICE, other)
    with pytest.raises(CompileError, match="cannot run here"):
        compile_ir(TWICE, other)


@pytest.mark.parametrize("name", ["x86-64-avx2", "x86-64-sse2"])
def test_a_smaller_cpu_set_by_hand_runs_here(name: str) -> None:
    if host().architecture != "x86_64":
        pytest.skip("this machine is no x86-64")
    target = host(name)
    if obstacle(target):
        pytest.skip(obstacle(target))
    lanes = target.lanes("float32")
    library = compile_ir(vectors(lanes), target)
    x = np.arange(lanes, dtype=np.float32)
    library.function("square_and_add", None, [ctypes.c_void_p])(x.ctypes.data)
    np.testing.assert_array_equal(x, np.arange(lanes) ** 2 + np.arange(lanes))
    assert ("ymm" in library.assembly) == (lanes == 8)
    assert "zmm" not in library.assembly
    assert not compile_ir(vectors(lanes), host("x86-64-sse2"), opt=3).from_cache


@pytest.mark.parametrize(
    ("name", "register"), [("aarch64-neon", "v0.4s"), ("x86-64-avx2", "ymm0"), ("x86-64-avx512", "zmm0")]
)
def test_every_named_target_is_compiled_for(name: str, register: str) -> None:
    target = named(name)
    text = vectors(target.lanes("float32"))
    verify_ir(text, target)
    result = assembly(text, target)
    assert register in result
    assert "fmla" in result or "vfmadd" in result
    assert target.triple in optimised(text, target)


def test_the_host_keeps_its_widest_vectors() -> None:
    """LLVM prefers to halve them on some CPUs."""
    here = host()
    if here.vector_bytes != 64:
        pytest.skip("this CPU has no 64-byte vectors")
    assert not lacking(named("x86-64-avx512"), {flag[1:]: flag[0] == "+" for flag in here.features.split(",")})
    assert "zmm" in assembly(WIDE)


def test_long_compilations_say_so(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    compile_ir(SCALE, cache=False)
    assert capfd.readouterr().err == ""
    monkeypatch.setattr(jit, "SLOW", 0.0)
    compile_ir(SCALE)
    said = capfd.readouterr().err
    assert said.count("still compiling") == said.count("\n") == 1
    lines: list[int] = []
    compile_ir(SCALE, cache=False, on_slow=lines.append)
    assert lines == [SCALE.count("\n") + 1]
    compile_ir(SCALE)  # read from disk
    compile_ir(SCALE, cache=False, on_slow=None)
    assert capfd.readouterr().err == ""


def test_two_threads_are_in_native_code_at_once() -> None:
    """Each waits for the other inside: were the GIL held, the second could not come."""
    meet = compile_ir(MEET).function("meet", ctypes.c_int64, [ctypes.c_void_p, ctypes.c_int64])
    count = np.zeros(1, np.int64)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(meet(count.ctypes.data, 10**10))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2, 2]


def test_threads_compile_side_by_side() -> None:
    wrong: list[object] = []

    def work(first: int) -> None:
        try:
            for n in range(first, first + 15):
                text = TWICE.replace("fadd double %x, %x", f"fadd double %x, {n}.0")
                for _ in range(2):
                    f = compile_ir(text, opt=n % 4).function("twice", ctypes.c_double, [ctypes.c_double])
                    if f(0.5) != n + 0.5:
                        wrong.append(n)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_llvm_is_called_under_one_lock() -> None:
    """A process may fork at any other moment: LLVM's own lock must then be free, or the child waits for ever."""
    from llvmlite import binding

    calls: list[bool] = []
    lock: Any = jit.LLVM

    def entered() -> None:
        calls.append(lock._is_owned())

    def left() -> None:
        pass

    targets._detected_host.cache_clear()
    jit._ready.cache_clear()
    binding.ffi.register_lock_callback(entered, left)
    try:
        host()
        for _ in range(2):
            library = compile_ir(SCALE)
            assert library.ir
            assert library.assembly
            del library
            gc.collect()
        verify_ir(TWICE, named("aarch64-neon"))
        for wrong in ("nonsense", "define i64 @f() {\n  %x = add i64 %x, 1\n  ret i64 %x\n}"):
            with pytest.raises(CompileError):
                compile_ir(wrong)
        gc.collect()
    finally:
        binding.ffi.unregister_lock_callback(entered, left)
    assert len(calls) > 50
    assert all(calls)


def test_a_forked_child_compiles_on_its_own() -> None:
    """Also when it was forked while another thread was compiling."""
    if not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    script = f"""
import ctypes, os, threading, warnings
from glassgrad.native.jit import compile_ir
warnings.simplefilter("ignore", DeprecationWarning)  # Python's, about forking with threads
text = {TWICE!r}
def made(n):
    f = compile_ir(text.replace("%x, %x", f"%x, {{n}}.0"), cache=n % 2 == 0)
    return f.function("twice", ctypes.c_double, [ctypes.c_double])
first = made(1)
stop = threading.Event()
def busy():
    n = 1000
    while not stop.is_set():
        made(n)
        n += 1
thread = threading.Thread(target=busy)
thread.start()
for n in range(2, 12):
    child = os.fork()
    if child == 0:
        good = first(1.0) == 2.0 and made(n)(1.0) == n + 1.0 and made(n + 100)(1.0) == n + 101.0
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert made(n + 200)(1.0) == n + 201.0
stop.set()
thread.join()
print("done")
"""
    assert run(script) == "done\n"


def test_a_thousand_compilations_do_not_fill_memory() -> None:
    pytest.importorskip("resource", reason="this system does not tell how much memory a process has used")
    script = f"""
import ctypes, resource, sys
from glassgrad.native.jit import compile_ir
text = {TWICE!r}
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
for n in range(1000):
    if n == 200:
        before = peak()
    library = compile_ir(text.replace("twice", f"twice_{{n}}").replace("%x, %x", f"%x, {{n}}.0"), cache=n % 50 == 0)
    assert library.function(f"twice_{{n}}", ctypes.c_double, [ctypes.c_double])(0.5) == n + 0.5
print((peak() - before) / 2**20)
"""
    assert float(run(script)) < 8.0
