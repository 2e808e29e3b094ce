"""The exceptions, and how a message is made: wire names, shapes, the user's own line."""

from __future__ import annotations

import linecache
import os
import sys
import warnings
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any, NoReturn

import numpy as np

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_WORKED = os.path.join(_PACKAGE, "worked") + os.sep
_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_LIBRARIES = tuple(
    f"{os.sep}site-packages{os.sep}{name}{os.sep}" for name in ("numpy", "scipy", "sklearn", "pandas", "joblib")
)


class Location:
    """Where in the user's file a gate was asked for; resolved only when it is shown."""

    __slots__ = ("code", "lasti")

    def __init__(self, code: CodeType, lasti: int) -> None:
        self.code, self.lasti = code, lasti

    @property
    def filename(self) -> str:
        """Path of the file."""
        return self.code.co_filename

    @property
    def _position(self) -> tuple[int | None, int | None, int | None, int | None]:
        for i, position in enumerate(self.code.co_positions()):
            if i == self.lasti // 2:
                return position
        return (self.code.co_firstlineno, None, None, None)

    @property
    def lineno(self) -> int:
        """Line number, counted from 1."""
        return self._position[0] or self.code.co_firstlineno

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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Location) and (self.code, self.lasti) == (other.code, other.lasti)

    def __hash__(self) -> int:
        return hash((id(self.code), self.lasti))

    def __str__(self) -> str:
        return f"{os.path.basename(self.filename)}:{self.lineno}"

    def __repr__(self) -> str:
        return f"<Location {self}>"


def _is_ours(frame: FrameType) -> bool:
    """Whether a frame runs code of glassgrad, of a library below it or of Python's own, and not a user's.

    The worked examples of the package count as a user's.
    """
    filename = frame.f_code.co_filename
    if filename == "<string>":  # a method that Python wrote for a dataclass, ours or a user's
        return str(frame.f_globals.get("__name__", "")).startswith("glassgrad.")
    if filename.startswith(_STANDARD) and f"{os.sep}site-packages{os.sep}" not in filename:
        ours = True
    elif filename.startswith(_PACKAGE):
        ours = not filename.startswith(_WORKED)
    else:
        ours = any(library in filename for library in _LIBRARIES)
    OURS[filename] = ours
    return ours


OURS: dict[str, bool] = {}
"""Whether a file holds code of ours; filled as files are met."""
_getframe = sys._getframe


def user_frame(depth: int = 1) -> FrameType | None:
    """The innermost frame that runs a user's code; `depth` frames are known not to."""
    frame = _getframe(depth)
    while frame is not None:
        ours = OURS.get(frame.f_code.co_filename)
        if ours is False or (ours is None and not _is_ours(frame)):
            return frame
        frame = frame.f_back
    return None


def user_location() -> Location | None:
    """The user's line that is running."""
    frame = user_frame(2)
    return None if frame is None else Location(frame.f_code, frame.f_lasti)


class GlassgradError(Exception):
    """Base of every error that glassgrad raises on purpose; its message ends with the user's own line.

    Parameters
    ----------
    reason : str
        What is wrong, with which wires and shapes, and what to do.
    location : Location, optional
        The line to show; by default, the user's line that is running.

    Attributes
    ----------
    reason : str
        The message without the line.
    """

    def __init__(self, reason: str, location: Location | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.location = user_location() if location is None else location

    def __str__(self) -> str:
        if self.location is None:
            return self.reason
        line = f"\n    {self.location.text}" if self.location.text else ""
        return f"{self.reason}\n  at {self.location.filename}:{self.location.lineno}{line}"

    def __reduce__(self) -> Any:
        return (_rebuilt, (type(self), str(self)))


def _rebuilt(kind: type[GlassgradError], message: str) -> GlassgradError:
    """An error from another process, whose line stands in its message already."""
    error = kind(message)
    error.location = None
    return error


def reason(error: BaseException) -> str:
    """What an error says, without the line."""
    return error.reason if isinstance(error, GlassgradError) else str(error)


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


class DataWarning(UserWarning):
    """Something odd about data that does not stop the work: what it is, how often, and what was done."""


class UnknownNameError(GlassgradError, KeyError):
    """A name that does not exist; the message lists the names that do."""


class UnsupportedError(GlassgradError, TypeError):
    """A NumPy function or option that tensors do not answer; the message says what does."""


class NoAttributeError(GlassgradError, AttributeError):
    """An attribute of arrays that tensors do not have; the message says what to use instead."""


def warn(text: str, kind: type[Warning]) -> None:
    """A warning at the user's own line."""
    location = user_location()
    if location is None:
        warnings.warn(text, kind, stacklevel=2)
    else:
        warnings.warn_explicit(text, kind, location.filename, location.lineno)


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


_INSTEAD = {
    "append": "np.concatenate", "apply_along_axis": "axis= of the function itself", "argpartition": "np.argsort",
    "argwhere": "np.nonzero", "astype": "x.astype", "bincount": "gg.scatter_add(np.zeros(n), index, weights)",
    "block": "np.concatenate",
    "cbrt": "np.sign(x) * np.abs(x) ** (1 / 3)", "choose": "np.where", "compress": "x[mask]",
    "cond": "the singular values of np.linalg.svd", "convolve": "np.einsum with slices of np.pad(x, …)",
    "copyto": "np.where", "correlate": "np.einsum with slices of np.pad(x, …)",
    "cov": "d @ d.T / (n - 1) with d = x - np.mean(x, axis=1, keepdims=True)",
    "cross": "x[[1, 2, 0]] * y[[2, 0, 1]] - x[[2, 0, 1]] * y[[1, 2, 0]]",
    "deg2rad": "x * (np.pi / 180)",
    "degrees": "x * (180 / np.pi)", "delete": "np.concatenate of slices", "diagflat": "np.diag",
    "digitize": "np.searchsorted", "dstack": "np.stack(…, axis=-1)", "ediff1d": "np.diff",
    "eig": "np.linalg.eigh, for symmetric matrices", "eigvals": "np.linalg.eigvalsh, for symmetric matrices",
    "erf": "gg.erf", "expit": "gg.sigmoid", "extract": "x[mask]", "fabs": "np.abs", "fill_diagonal": "np.where",
    "fix": "np.trunc", "float_power": "x ** y", "fmax": "np.maximum", "fmin": "np.minimum",
    "fmod": "x - np.trunc(x / y) * y", "gradient": "differences of slices", "heaviside": "np.where(x > 0, 1.0, 0.0)",
    "insert": "np.concatenate of slices", "interp": "np.searchsorted for the interval, and the line in it",
    "isclose": "np.abs(x - y) < tolerance", "lexsort": "np.argsort", "log_softmax": "gg.log_softmax",
    "logaddexp2": "np.logaddexp(x * c, y * c) / c with c = np.log(2)", "logsumexp": "gg.logsumexp",
    "lstsq": "np.linalg.pinv(A) @ b", "median": "the middle of np.sort(x)", "meshgrid": "x[:, None] and y[None, :]",
    "nan_to_num": "np.where(np.isnan(x), 0, x)", "nanmax": "np.max of np.where(np.isnan(x), -np.inf, x)",
    "nanmean": "np.mean(x[~np.isnan(x)])", "nanmin": "np.min of np.where(np.isnan(x), np.inf, x)",
    "nansum": "np.sum(np.where(np.isnan(x), 0, x))", "partition": "np.sort", "percentile": "elements of np.sort(x)",
    "piecewise": "np.where", "polyval": "Horner's rule in a loop", "putmask": "np.where",
    "quantile": "elements of np.sort(x)", "rad2deg": "x * (180 / np.pi)", "radians": "x * (np.pi / 180)",
    "rollaxis": "np.moveaxis", "rot90": "np.flip and np.swapaxes", "select": "np.where",
    "softmax": "gg.softmax", "trapezoid": "np.sum((y[1:] + y[:-1]) / 2 * np.diff(x))",
    "vander": "np.stack([x**i for i in range(n)], axis=-1)", "add.accumulate": "np.cumsum",
    "add.at": "gg.scatter_add", "add.outer": "x[:, None] + y", "multiply.outer": "np.outer",
    "subtract.outer": "x[:, None] - y", "linalg.matrix_rank": "np.linalg.svd",
}  # fmt: skip
"""What does the work of a function that tensors do not answer, by its NumPy or SciPy name."""


def unanswered(function: Any, method: str = "") -> UnsupportedError:
    """The error for a NumPy or SciPy function, or ufunc method, that tensors do not answer."""
    name = function.__name__ + (f".{method}" if method else "")
    if isinstance(function, np.ufunc):
        where = "np" if getattr(np, function.__name__, None) is function else "scipy.special"
    else:
        where = function.__module__.replace("numpy", "np")
    hint = _INSTEAD.get(name) or _INSTEAD.get(f"{where}.{name}".removeprefix("np."))
    use = f"use {hint}" if hint else "define it with gg.gate(forward, gradients)"
    return UnsupportedError(f"{where}.{name} is not supported on tensors; {use}, or .value where no gradient is needed")


def instead_of_attribute(name: str) -> str:
    """What to use for an attribute that tensors do not have, as the end of a message."""
    if name == "numpy":
        return "(); use .value"
    if not hasattr(np.ndarray, name):
        return ""
    hint = _INSTEAD.get(name) or (f"np.{name}" if callable(getattr(np, name, None)) else "")
    return f"; use {hint}, or .value.{name} where no gradient is needed" if hint else f"; use .value.{name}"


def no_path(wire: Any) -> str:
    """Why no gradient can flow back from this wire, in words: the nearest gate below it that stops one."""
    if wire.dtype.kind != "f":
        made = f"; {wire.op.name} gives no gradient" if wire.op is not None else ""
        return f"it holds {wire.dtype}, and only floating numbers have gradients{made}"
    if wire.op is None:
        return "it is a constant" if not getattr(wire, "frozen", False) else "the parameter is frozen"
    stack, seen = [wire], {wire.serial}
    while stack:
        x = stack.pop(0)
        for i, operand in enumerate(x.operands):
            reason = x.op.rule(i)
            if operand.active and isinstance(reason, str):
                return reason
            if operand.serial not in seen:
                seen.add(operand.serial)
                stack.append(operand)
    return "it was computed from constants only"


def gate_failure(op: Any, wires: Sequence[Any], params: dict[str, Any], error: Exception) -> Exception:
    """The error of a gate with its operands' names and shapes and the user's line.

    Where the gate's shape rule knows better than NumPy what is wrong, its words are used.
    """
    if not isinstance(error, GlassgradError):
        try:
            op.shape(*wires, **params)
        except GlassgradError as better:
            error = better
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
    return kind(f"{op.name}({names}): {reason(error)}{lines}")


def refuse(x: Any, what: str, hint: str) -> NoReturn:
    """Refuse to turn a tensor into something that has lost its gradient."""
    raise OperandError(f"{what} of a tensor ({describe(x)}) would silently cut its gradient; {hint}")
