"""IR text in, machine code out: the only place that runs LLVM's compiler.

LLVM's objects live here only as long as one call, all under one lock; what remains is a `Library`, whose
memory is given back when the last of its functions is gone. A process that forks waits for the compilation
under way, so that its child finds LLVM at rest and can compile on its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import re
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import glassgrad
from glassgrad.errors import GlassgradError, unknown
from glassgrad.native import cache as disk
from glassgrad.native.outline import Outline, headed, outline_of, taken_apart
from glassgrad.native.target import LLVM, Target, host, obstacle

SLOW = 1.0
"""Seconds of compilation after which it is said that it goes on."""

# What MCJIT is known to load everywhere: code and constants may lie anywhere in memory.
_MODEL = {"codemodel": "jitdefault", "jit": True}
# Our code is written in vectors, unrolled, with the conditions of loops behind them, and repeats little. LLVM's own
# pipeline takes eight times as long as these passes and hardly makes it faster.
_PASSES = ("instruction_combine", "simplify_cfg")
_AROUND = 4

Source = str | Callable[[], str]
"""IR text, or what writes it."""

_released: deque[tuple[Any, Any]] = deque()


class CompileError(GlassgradError, RuntimeError):
    """Text that LLVM does not accept, or code that cannot run here: a fault of glassgrad, not of its user."""


class Library:
    """Machine code in memory, and the functions in it.

    Attributes
    ----------
    functions : tuple of str
        The names that can be called.
    target : Target
        The CPU it is for.
    from_cache : bool
        Whether the machine code was read from disk.
    seconds : float
        What it took to compile it, or to read it, and to load it.
    size : int
        Bytes of the object, machine code and constants.
    """

    def __init__(
        self, source: Source, outline: Outline, target: Target, opt: int, content: bytes, from_cache: bool,
        started: float,
    ) -> None:  # fmt: skip
        self.functions = outline.defined
        self.target, self.from_cache, self.size = target, from_cache, len(content)
        self._source, self._opt = source, opt
        with LLVM:
            engine, context = _loaded(content, target, outline.elsewhere)
            self._addresses = {name: int(engine.get_function_address(name)) for name in self.functions}
        # At exit the code stays: a thread may still be in it.
        weakref.finalize(self, _release, engine, context).atexit = False
        self.seconds = time.perf_counter() - started

    def address(self, name: str) -> int:
        """Where a function starts; it is there as long as the library is."""
        if name not in self._addresses:
            raise unknown("function", name, self.functions)
        return self._addresses[name]

    def function(self, name: str, restype: Any = None, argtypes: Sequence[Any] = ()) -> Callable[..., Any]:
        """A function to call from Python, which keeps the library alive and runs without the GIL.

        Parameters
        ----------
        name : str
            Its name in the IR.
        restype : ctypes type, optional
            What it returns; None for nothing.
        argtypes : sequence of ctypes types
            What it takes. Nothing is known of what pointers point to: to pass the right ones is the
            caller's duty.
        """
        function = ctypes.CFUNCTYPE(restype, *argtypes)(self.address(name))
        setattr(function, "library", self)  # noqa: B010 keeps it alive; ctypes declares no such attribute
        return function

    @functools.cached_property
    def text(self) -> str:
        """The IR that it was compiled from; written when asked for, if the machine code was found on disk."""
        return self._source if isinstance(self._source, str) else self._source()

    @functools.cached_property
    def ir(self) -> str:
        """LLVM's intermediate representation after its optimisations, made when asked for."""
        return optimised(self.text, self.target, self._opt)

    @functools.cached_property
    def assembly(self) -> str:
        """The machine code as text, made when asked for."""
        return assembly(self.text, self.target, self._opt)

    def __repr__(self) -> str:
        return f"<Library {', '.join(self.functions)} for {self.target.name}, {self.size} bytes>"


def say_slow(lines: int) -> None:
    """Say on the standard error stream that a compilation goes on."""
    if sys.stderr is not None:
        sys.stderr.write(f"glassgrad: still compiling ({lines} lines); kept for the next time where there is a cache\n")
        sys.stderr.flush()


def compile_ir(
    source: Source,
    target: Target | None = None,
    cache: bool = True,
    opt: int = 2,
    on_slow: Callable[[int], None] | None = say_slow,
    key: str | None = None,
) -> Library:
    """Compile IR text and load it.

    Parameters
    ----------
    source : str or callable
        LLVM's intermediate representation, or what writes it. Its triple and data layout are replaced by the
        target's.
    target : Target, optional
        The CPU to compile for, by default this one.
    cache : bool
        Whether machine code may be read from and kept on disk.
    opt : int
        From 0, no pass and code as it comes, to 3, LLVM's own pipeline, which takes several times as long as 2.
    on_slow : callable, optional
        Called once with the number of lines, from another thread, if compiling takes longer than `SLOW`.
    key : str, optional
        Says all that the IR depends on but the target and glassgrad itself. It is then written only where
        nothing is found on disk.

    Raises
    ------
    CompileError
        If LLVM refuses the text, or if the code cannot run here.

    Examples
    --------
    >>> import ctypes
    >>> library = compile_ir('''
    ... define double @twice(double %x) {
    ...   %y = fadd double %x, %x
    ...   ret double %y
    ... }
    ... ''', cache=False)
    >>> library.functions
    ('twice',)
    >>> library.function("twice", ctypes.c_double, [ctypes.c_double])(21.0)
    42.0
    """
    started = time.perf_counter()
    target = host() if target is None else target
    reason = obstacle(target)
    if reason:
        raise CompileError(f"machine code for {target.name} cannot run here: {reason}")
    text = source if isinstance(source, str) else source() if key is None or not cache else None
    name = _key(("text", text) if text is not None else ("graph", _sources(), key), target, opt) if cache else ""
    found = disk.read(name) if cache else None
    if found is not None:
        outline, content = taken_apart(found)
        return Library(source if text is None else text, outline, target, opt, content, True, started)
    if text is None:
        text = source() if callable(source) else source
    outline = outline_of(text)
    with _said_if_slow(text, on_slow), _module(text, target, opt, run=True) as (module, machine):
        content = bytes(machine.emit_object(module))
    library = Library(text, outline, target, opt, content, False, started)
    if cache:
        disk.write(name, outline.before(content))
    return library


def verify_ir(text: str, target: Target | None = None) -> None:
    """Let LLVM parse and verify IR text for any target, without compiling it.

    Examples
    --------
    >>> from glassgrad.native.target import named
    >>> verify_ir("define void @nothing() { ret void }", named("aarch64-neon"))
    """
    with _module(text, target or host(), 0, run=False):
        pass


def optimised(text: str, target: Target | None = None, opt: int = 2) -> str:
    """IR text after LLVM's optimisations for any target."""
    with _module(text, target or host(), opt, run=True) as (module, _):
        return str(module)


def assembly(text: str, target: Target | None = None, opt: int = 2) -> str:
    """The machine code of IR text for any target, as text."""
    with _module(text, target or host(), opt, run=True) as (module, machine):
        return machine.emit_assembly(module)


def _key(source: tuple[Any, ...], target: Target, opt: int) -> str:
    """The name under which an object is kept: everything it depends on."""
    import llvmlite

    versions = (glassgrad.__version__, llvmlite.__version__, *_llvm(target).llvm_version_info)
    return hashlib.sha256(
        "\0".join([*map(str, versions), str(opt), repr((_MODEL, _PASSES)), target.key, *map(str, source)]).encode()
    ).hexdigest()


@functools.cache
def _sources() -> str:
    """The state of glassgrad's own files, which write the IR: sizes and times."""
    files = sorted(Path(glassgrad.__file__).parent.rglob("*.py")) if glassgrad.__file__ else []
    facts = [(str(f), s.st_size, s.st_mtime_ns) for f in files for s in [f.stat()]]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _llvm(target: Target) -> Any:
    """LLVM, ready for a target."""
    _ready(target.architecture == host().architecture)
    from llvmlite import binding

    return binding


@functools.cache
def _ready(native: bool) -> None:
    """Have LLVM set up the code generators that are needed: all of them takes longer."""
    from llvmlite import binding

    with LLVM:
        if native:
            binding.initialize_native_target()
            binding.initialize_native_asmprinter()
        else:
            binding.initialize_all_targets()
            binding.initialize_all_asmprinters()


def _machine(llvm: Any, target: Target, opt: int) -> Any:
    """LLVM's code generator for a target."""
    reloc = "static" if target.architecture == "x86_64" else "default"
    return llvm.Target.from_triple(target.triple).create_target_machine(
        target.cpu, target.features, opt, reloc=reloc, **_MODEL
    )


@contextlib.contextmanager
def _module(text: str, target: Target, opt: int, run: bool) -> Iterator[tuple[Any, Any]]:
    """IR text parsed, verified and, if so wished, optimised; and the code generator for it.

    Nothing of it is left in memory afterwards.
    """
    llvm = _llvm(target)
    with LLVM, contextlib.ExitStack() as stack:
        stack.callback(_free)
        context = stack.enter_context(llvm.create_context())
        machine = stack.enter_context(_machine(llvm, target, opt))
        with machine.target_data as layout:
            text = headed(text, machine.triple, str(layout))
        try:
            module = stack.enter_context(llvm.parse_assembly(text, context))
        except RuntimeError as error:
            raise _refused(text, str(error)) from None
        try:
            module.verify()
        except RuntimeError as error:
            raise _refused(str(module), str(error)) from None
        if run and opt:
            _run_passes(llvm, stack, module, machine, opt, "alwaysinline" in text)
        yield module, machine


def _run_passes(llvm: Any, stack: contextlib.ExitStack, module: Any, machine: Any, opt: int, inlines: bool) -> None:
    """Let LLVM improve a module."""
    options = stack.enter_context(llvm.create_pipeline_tuning_options(speed_level=opt))
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    options.loop_interleaving = False
    builder = stack.enter_context(llvm.create_pass_builder(machine, options))
    if opt > 2:
        passes = builder.getModulePassManager()
    else:
        passes = llvm.create_new_module_pass_manager()
        for name in ("always_inliner", *_PASSES) if inlines else _PASSES:
            getattr(passes, f"add_{name}_pass")()
    try:
        passes.run(module, builder)
    finally:
        # closing it would free nothing: of its two bases, the one without a destructor comes first
        llvm.newpassmanagers.NewPassManager._dispose(passes)
        passes.detach()


def _refused(text: str, message: str) -> CompileError:
    """An error with LLVM's words and the numbered lines that they are about."""
    lines = text.splitlines()
    said = re.search(r":(\d+):\d+: error", message)
    wrong = {line.strip() for line in message.splitlines()} - {""}
    at = int(said[1]) if said else next((n for n, line in enumerate(lines, 1) if line.strip() in wrong), 0)
    shown = "".join(
        f"\n{'>' if n == at else ' '} {n:5} {lines[n - 1]}"
        for n in range(max(1, at - _AROUND), min(len(lines), at + _AROUND) + 1)
        if at
    )
    return CompileError(f"LLVM refuses what glassgrad wrote for it; please report this.\n{message.strip()}{shown}")


@functools.cache
def _executable(llvm: Any) -> None:
    """Refuse, where the system forbids memory that is executed: LLVM would end the process."""
    try:
        llvm.check_jit_execution()
    except OSError as error:
        raise CompileError(f"machine code cannot be made here: {error.strerror}") from None


def _loaded(content: bytes, target: Target, needed: Sequence[str]) -> tuple[Any, Any]:
    """An object in memory, linked and ready to run, with what it must not outlive."""
    llvm = _llvm(target)
    with LLVM:
        _free()
        _executable(llvm)
        if target.give_way in needed:
            system = ctypes.CDLL("kernel32" if os.name == "nt" else None)
            llvm.add_symbol(target.give_way, ctypes.cast(getattr(system, target.give_way), ctypes.c_void_p).value)
        # LLVM would end the process where one is missing
        missing = [name for name in needed if not name.startswith("llvm.") and not llvm.address_of_symbol(name)]
        if missing:
            raise CompileError(f"there is no {', '.join(missing)} to link to in this process")
        context = llvm.create_context()
        bare = Target("", target.triple, "", "", 0, 0, False, 0, 0)  # nothing is generated: features would only cost
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly("", context), _machine(llvm, bare, 0))
        engine.add_object_file(llvm.ObjectFileRef.from_data(content))
        engine.finalize_object()
        return engine, context


def _release(engine: Any, context: Any) -> None:
    """Give a library's memory back, now or when LLVM is done with what it is doing."""
    _released.append((engine, context))
    _free()


def _free() -> None:
    """Give back what can be given back without waiting: this runs while Python collects garbage."""
    if LLVM.acquire(blocking=False):
        try:
            while _released:
                engine, context = _released.popleft()
                engine.close()
                context.close()
        finally:
            LLVM.release()


@contextlib.contextmanager
def _said_if_slow(text: str, on_slow: Callable[[int], None] | None) -> Iterator[None]:
    """Call a function once if what happens inside takes long."""
    if on_slow is None:
        yield
        return
    timer = threading.Timer(SLOW, on_slow, [text.count("\n") + 1])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
