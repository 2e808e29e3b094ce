"""The exceptions, and how a message is made: wire names, shapes, the user's own line."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Sequence
from types import CodeType
from typing import Any, NoReturn

import numpy as np

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_WORKED = os.path.join(_PACKAGE, "worked") + os.sep
_LIBRARIES = tuple(f"{os.sep}site-packages{os.sep}{name}{os.sep}" for name in ("numpy", "scipy", "sklearn"))


class GlassgradError(Exception):
    """Base of every error that glassgrad raises on purpose."""


class ShapeError(GlassgradError, ValueError):
    """Shapes that do not fit together."""


class OperandError(GlassgradError, TypeError):
    """An operand of a type or dtype that a gate cannot take."""


class GateError(GlassgradError, ValueError):
    """A gate that failed on the values it was given, such as the inverse of a singular matrix."""


class SingularError(GateError, np.linalg.LinAlgError):
    """A matrix that has no inverse, is not positive definite, or whose decomposition did not converge."""


class IndexRangeError(GlassgradError, IndexError):
    """An index outside the array."""


class ValueMissingError(GlassgradError, TypeError):
    """A number was asked of a tensor that has shape and dtype only (it is being traced)."""


class GradientError(GlassgradError, ValueError):
    """A gradient that does not exist, or a gradient rule that is wrong."""


class StaleError(GlassgradError, RuntimeError):
    """A parameter was changed after the loss that is differentiated was computed."""


class DataError(GlassgradError, ValueError):
    """Data that cannot be learned from: empty, not finite, labels out of range."""


class UnknownNameError(GlassgradError, KeyError):
    """A name that does not exist; the message lists the names that do."""

    def __str__(self) -> str:
        return str(self.args[0])


class UnsupportedError(GlassgradError, TypeError):
    """A NumPy function or option that tensors do not answer; the message says what does."""


class Location:
    """Where in the user's file a gate was asked for; resolved only when it is shown."""

    __slots__ = ("_code", "_lasti")

    def __init__(self, code: CodeType, lasti: int) -> None:
        self._code, self._lasti = code, lasti

    @property
    def filename(self) -> str:
        """Path of the file."""
        return self._code.co_filename

    @property
    def _position(self) -> tuple[int | None, int | None, int | None, int | None]:
        for i, position in enumerate(self._code.co_positions()):
            if i == self._lasti // 2:
                return position
        return (self._code.co_firstlineno, None, None, None)

    @property
    def lineno(self) -> int:
        """Line number, counted from 1."""
        return self._position[0] or self._code.co_firstlineno

    @property
    def text(self) -> str:
        """The whole source line, stripped; empty where the source is not to be had."""
        return linecache.getline(self.filename, self.lineno).strip()

    @property
    def expression(self) -> str:
        """The part of the line that made the gate, e.g. ``x + y`` of ``f = (x + y) * z``."""
        start, end, left, right = self._position
        line = linecache.getline(self.filename, self.lineno)
        if start != end or left is None or right is None or not line.isascii():
            return line.strip()
        return line[left:right]

    def __str__(self) -> str:
        return f"{os.path.basename(self.filename)}:{self.lineno}"

    def __repr__(self) -> str:
        return f"<Location {self}>"


def _is_ours(filename: str) -> bool:
    if filename.startswith(_PACKAGE):
        return not filename.startswith(_WORKED)
    return any(library in filename for library in _LIBRARIES)


_ours: dict[str, bool] = {}
_locations: dict[tuple[int, int], Location] = {}  # a location holds its code object, so the id stays its own


def user_location(depth: int = 1) -> Location | None:
    """Location of the innermost frame outside glassgrad and the libraries it is called through.

    The worked examples inside the package count as a user's. `depth`: so many frames are known to be ours.
    """
    frame = sys._getframe(depth)
    while frame is not None:
        code = frame.f_code
        filename = code.co_filename
        ours = _ours.get(filename)
        if ours is None:
            ours = _ours[filename] = _is_ours(filename)
        if not ours:
            key = (id(code), frame.f_lasti)
            location = _locations.get(key)
            if location is None:
                if len(_locations) > 100_000:
                    _locations.clear()
                location = _locations[key] = Location(code, frame.f_lasti)
            return location
        frame = frame.f_back
    return None


def at(location: Location | None) -> str:
    """The tail of a message that quotes the user's line, or nothing where it is unknown."""
    if location is None:
        return ""
    return f"\n  at {location.filename}:{location.lineno}\n    {location.text}"


def spec_text(x: Any) -> str:
    """Dtype and shape as they are written everywhere: ``float64[2, 3]``, ``float64`` for a scalar."""
    shape = ", ".join(str(n) for n in x.shape)
    return f"{x.dtype}[{shape}]" if x.shape else str(x.dtype)


def unknown(kind: str, name: str, known: Any) -> UnknownNameError:
    """An error for a name that does not exist; it lists those that do and the nearest."""
    import difflib

    known = [str(k) for k in known]
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return UnknownNameError(f"there is no {kind} '{name}'.{hint} There are: {', '.join(known)}.")


def describe(x: Any) -> str:
    """A wire in a message: its name, or where it came from."""
    if x.name:
        return f"{x.name}: {spec_text(x)}"
    if x.op is None:
        return f"(a Python {x.dtype.name} number)" if x.weak else f"(an array): {spec_text(x)}"
    where = f" at {x.location}: {x.location.expression}" if x.location else ""
    return f"({x.op.name}{where}): {spec_text(x)}"


def gate_failure(op: Any, wires: Sequence[Any], params: dict[str, Any], error: Exception) -> Exception:
    """The error of a gate with its operands' names and shapes and the user's line.

    Where the gate's shape rule knows better than NumPy what is wrong, its words are used.
    """
    if not isinstance(error, GlassgradError):
        try:
            op.shape(*wires, **params)
        except GlassgradError as reason:
            error = reason
        except Exception:
            pass  # the shape rule knows no better: NumPy's own words stand
    kinds: tuple[tuple[type[Exception], type[Exception]], ...] = (
        (GlassgradError, type(error)),
        (np.linalg.LinAlgError, SingularError),
        (IndexError, IndexRangeError),
        (TypeError, OperandError),
        (ValueError, GateError),
    )
    kind = next((ours for usual, ours in kinds if isinstance(error, usual)), None)
    if kind is None:
        return error
    names = ", ".join(w.name or "…" for w in wires)
    lines = "".join(f"\n  {describe(w)}" for w in wires)
    return kind(f"{op.name}({names}): {error}{lines}{at(user_location())}")


def refuse(x: Any, what: str, hint: str) -> NoReturn:
    """Refuse to turn a tensor into something that has lost its gradient."""
    raise OperandError(
        f"{what} of a tensor ({describe(x)}) would silently cut its gradient; {hint}{at(user_location())}"
    )
