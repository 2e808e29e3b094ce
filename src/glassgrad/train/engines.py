"""The engines by name."""

from __future__ import annotations

from collections.abc import Callable

from glassgrad.errors import UnsupportedError, unknown
from glassgrad.train.engine import Engine, NumpyEngine


def _native() -> Engine:
    try:
        from glassgrad.train.native_engine import NativeEngine  # imports the compiler, so only when it is asked for
    except ImportError as error:
        raise UnsupportedError(
            f"there is no machine code without llvmlite ({error}); engine='numpy' trains the same graph without"
        ) from error
    return NativeEngine()


ENGINES: dict[str, Callable[[], Engine]] = {"numpy": NumpyEngine, "native": _native}
"""What runs a training step: machine code, or NumPy gate by gate, the oracle of the first."""


def engine_named(name: str) -> Engine:
    """A new engine of this name.

    Raises
    ------
    UnknownNameError
        When there is none; the message lists those there are.
    """
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    return ENGINES[name]()
