"""How much a function can vary: Lipschitz constants, Hölder's condition, moduli of continuity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.errors import DataError, OperandError
from glassgrad.views.numbers import number

Array = np.ndarray[Any, Any]
_PIECES = 64  # of the upper sum that stands for an integral


class Continuity:
    """|f(x) − f(y)| ≤ ω(‖x − y‖) for all x and y, with a function ω that never falls.

    Attributes
    ----------
    concave : bool
        Whether ω is concave, which makes bounds smaller.
    """

    concave: bool

    def values(self, distance: Array) -> Any:
        """ω of distances, as the subclass says."""
        raise NotImplementedError

    def __call__(self, distance: Any) -> Any:
        """ω of a distance, or of an array of them."""
        found = np.asarray(self.values(np.asarray(distance, np.float64)), np.float64)
        if found.shape != np.shape(distance):
            raise OperandError("a modulus ω takes an array of distances and returns as many numbers")
        if not np.all(np.isfinite(found)) or np.any(found < 0):
            raise DataError(f"a modulus of continuity is finite and not negative: ω({distance}) = {found}")
        return float(found) if found.ndim == 0 else found

    def checked(self, longest: float) -> Continuity:
        """Itself, or an error where ω falls somewhere between 0 and the longest distance."""
        at = np.linspace(0, longest, _PIECES + 1)
        values = self(at)
        falls = np.flatnonzero(np.diff(values) < -1e-12 * values.max())
        if len(falls):
            i = falls[0]
            raise DataError(
                f"a modulus of continuity never falls, and ω({number(at[i])}) = {number(values[i])} is more than "
                f"ω({number(at[i + 1])}) = {number(values[i + 1])}"
            )
        return self

    def spread(self, radius: float) -> float:
        """Bounds Σ λᵢ |f(x) − f(vᵢ)| for weights λᵢ of sum 1 with Σ λᵢ ‖x − vᵢ‖ ≤ r and each ‖x − vᵢ‖ ≤ 2r.

        Each term is at most ω(‖x − vᵢ‖). Where ω is concave, Jensen's inequality makes the sum at most
        ω(Σ λᵢ ‖x − vᵢ‖) ≤ ω(r); else it is at most the largest term, ω(2r).
        """
        return self(radius if self.concave else 2 * radius)

    def mean(self, radius: float) -> float:
        """Bounds the mean of ω(|t|) over −r ≤ t ≤ r: by an upper sum, since ω never falls."""
        return float(np.mean(self(radius * np.arange(1, _PIECES + 1) / _PIECES)))


@dataclass(frozen=True)
class Modulus(Continuity):
    """|f(x) − f(y)| ≤ ω(‖x − y‖), with a function ω of your own.

    Parameters
    ----------
    omega : callable
        ω, from an array of distances to an array: 0 or more, and never falling.
    concave : bool
        Whether ω is concave, which makes bounds smaller. It is taken on trust.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import geometry
    >>> root = geometry.Modulus(np.sqrt, concave=True)
    >>> root(0.25), root.spread(0.25)
    (0.5, 0.5)
    """

    omega: Callable[[Any], Any]
    concave: bool = False

    def values(self, distance: Array) -> Any:
        """The given ω."""
        return self.omega(distance)

    def __str__(self) -> str:
        return "|f(x) - f(y)| ≤ ω(|x - y|)"


@dataclass(frozen=True)
class Hoelder(Continuity):
    """|f(x) − f(y)| ≤ C ‖x − y‖^α, with 0 < α ≤ 1; α = 1 is Lipschitz's condition.

    Parameters
    ----------
    constant, exponent : float
        C and α.

    Examples
    --------
    >>> from glassgrad import geometry
    >>> geometry.Hoelder(2.0, 0.5)(0.25)
    1.0
    """

    constant: float
    exponent: float = 1.0
    concave = True

    def __post_init__(self) -> None:
        if not (np.isfinite(self.constant) and self.constant >= 0):
            raise DataError(f"a Lipschitz or Hölder constant is finite and not negative, and not {self.constant!r}")
        if not 0 < self.exponent <= 1:
            raise DataError(f"a Hölder exponent lies in (0, 1], and {self.exponent!r} does not")

    def values(self, distance: Array) -> Any:
        """C t^α."""
        return self.constant * distance**self.exponent

    def mean(self, radius: float) -> float:
        """C r^α / (α + 1), exactly."""
        return self(radius) / (self.exponent + 1)

    def __str__(self) -> str:
        if not self.constant:
            return "constant"
        power = "" if self.exponent == 1 else f"^{number(self.exponent)}"
        return f"|f(x) - f(y)| ≤ {number(self.constant)} |x - y|{power}"


def continuity(lipschitz: float | None, modulus: Any) -> Continuity:
    """What was given of the two: a constant, a `Modulus` or `Hoelder`, or a function ω."""
    if (lipschitz is None) == (modulus is None):
        raise OperandError(
            "how much f can vary is given once: lipschitz=L, or modulus=geometry.Hoelder(C, α), or modulus=ω; "
            "without it no bound can be proven"
        )
    if lipschitz is not None:
        return Hoelder(float(lipschitz))
    if isinstance(modulus, Continuity):
        return modulus
    if not callable(modulus):
        raise OperandError(f"modulus is a function of distances, or geometry.Hoelder(C, α), and not {modulus!r}")
    return Modulus(modulus)
