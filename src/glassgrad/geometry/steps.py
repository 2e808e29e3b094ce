"""The error of a numerical gradient against its step: a V, truncation on one side and rounding on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import plots
from glassgrad.errors import GradientError, OperandError
from glassgrad.leaves import accepted
from glassgrad.transforms import grad

Array = np.ndarray[Any, Any]
DTYPES = ("float64", "float32")
WAYS = {"one-sided": 1, "central": 2}
"""How differences are taken, and with which power of the step their truncation grows."""


@dataclass(frozen=True, eq=False)
class CheckError:
    """How wrong numerical gradients are, by the step they take.

    Attributes
    ----------
    steps : float64 array of shape (k,)
        Steps, relative to 1, from small to large.
    errors : mapping of (dtype, way) to float64 array of shape (k,)
        |numerical - analytic| / |analytic| of the derivative along a direction; dtype is "float64" or "float32", way
        is "one-sided" or "central".
    """

    steps: Array
    errors: Mapping[tuple[str, str], Array]

    def best(self, dtype: str = "float64", way: str = "central") -> tuple[float, float]:
        """The step with the least error, and that error."""
        errors = self.errors[dtype, way]
        place = int(np.nanargmin(errors))
        return float(self.steps[place]), float(errors[place])

    @staticmethod
    def theory(dtype: str = "float64", way: str = "central") -> float:
        """The step at which truncation and rounding are about equal: ε^(1/2) one-sided, ε^(1/3) central."""
        return float(np.finfo(dtype).eps) ** (1 / (WAYS[way] + 1))

    def text(self) -> str:
        """Best steps and errors, beside those of theory."""
        lines = [f"{'dtype':<10}{'differences':<13}{'best step':>11}{'by theory':>11}{'least error':>13}", "─" * 58]
        for dtype, way in self.errors:
            step, error = self.best(dtype, way)
            lines.append(f"{dtype:<10}{way:<13}{step:>11.1e}{self.theory(dtype, way):>11.1e}{error:>13.1e}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<CheckError at {len(self.steps)} steps>"

    @plots.styled
    def picture(self) -> Any:
        """The V of each dtype: error against step, both on logarithmic axes."""
        made, axes = plots.figure(1, len(DTYPES), sharey=True)
        for place, dtype in zip(axes, DTYPES, strict=True):
            for way, color in zip(WAYS, plots.COLORS, strict=False):
                errors = np.maximum(self.errors[dtype, way], 1e-17)
                place.loglog(self.steps, errors, color=color, label=way)
                place.axvline(self.theory(dtype, way), color=color, lw=0.9, ls=":")
            place.set(title=dtype, xlabel="step", ylim=(1e-14, 30))
            place.grid(visible=True)
        axes[0].set(ylabel="relative error")
        axes[0].legend(loc="lower left")
        made.suptitle("Right of the dotted lines the truncation of the difference, left of them rounding",
                      x=0.01, ha="left", color=plots.SOFT, fontsize=10)  # fmt: skip
        return made


def check_error(f: Callable[..., Any], *args: Any, argnum: int = 0, points: int = 61, seed: int = 0) -> CheckError:
    """The error of one-sided and central differences of `f`, for steps from 1e-15 to 1.

    The derivative is taken along one drawn direction of unit length, in float64 and in float32, and compared with
    backpropagation in float64.

    Parameters
    ----------
    f : callable
        A function of arrays, in NumPy, that returns one number.
    *args : array_like
        Where; all are cast to each dtype.
    argnum : int
        The argument to differentiate by.
    points : int
        How many steps, in equal ratios.
    seed : int
        Of the direction.

    Raises
    ------
    OperandError
        Where there is no such argument.
    GradientError
        Where the derivative along the direction is zero or not finite, so that no relative error exists.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import geometry
    >>> found = geometry.check_error(lambda x: np.sum(np.sin(x) * np.exp(x)), np.array([0.3, 1.2, -0.7]))
    >>> found.best("float64", "central")[1] < 1e-9 < found.best("float64", "one-sided")[1] < 1e-6
    True
    """
    if not 0 <= argnum < len(args):
        raise OperandError(f"argnum is {argnum}, and the function is given {len(args)} arguments")
    wide = [accepted(x, None).astype(np.float64) for x in args]
    x = wide[argnum]
    direction = np.random.default_rng(seed).normal(size=x.shape)
    direction = np.asarray(direction / np.linalg.norm(direction))
    right = float(np.sum(np.asarray(grad(f, argnums=argnum)(*wide)) * direction))
    if right == 0 or not np.isfinite(right):
        raise GradientError(f"the derivative along the direction is {right:g}: try another seed, or another place")
    steps = np.logspace(-15, 0, points)
    errors = {}
    for dtype in DTYPES:
        at = _along(f, [a.astype(dtype) for a in wide], argnum, np.asarray(direction, dtype))
        with np.errstate(all="ignore"):
            here = at(0.0)
            one = [float(at(h) - here) / h for h in steps]
            two = [float(at(h) - at(-h)) / (2 * h) for h in steps]
        for way, found in zip(WAYS, (one, two), strict=True):
            errors[dtype, way] = np.abs(np.array(found) - right) / abs(right)
    return CheckError(steps, errors)


def _along(f: Callable[..., Any], args: list[Array], argnum: int, direction: Array) -> Callable[[float], Any]:
    """`f` at so many steps along a direction, all in the dtype of the arrays."""

    def at(step: float) -> Any:
        moved = np.asarray(args[argnum] + direction.dtype.type(step) * direction)
        return np.asarray(f(*args[:argnum], moved, *args[argnum + 1 :]))[()]

    return at
