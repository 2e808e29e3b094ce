"""What a construction consists of before it is a network: stages, and how far they are from the function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.errors import DataError
from glassgrad.geometry.rounding import Stage

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Plan:
    """A network with exact arithmetic, and what is proven of it.

    Attributes
    ----------
    stages : tuple of Stage
        Linear maps with ReLUs in between.
    sup : float
        |f − network| is at most this outside the ramps.
    everywhere : float or None
        The same also inside the ramps, where something is proven there.
    l1 : float
        ∫ |f − network| is at most this, ramps included.
    ramps : tuple of arrays of shape (m, 2)
        For each axis the intervals in which steps rise, none for an interpolation.
    marks : tuple of arrays
        For each axis the knots of the network.
    values : array
        The values of f it was made from.
    reason : str
        Where the bound comes from, in a line.
    """

    stages: tuple[Stage, ...]
    sup: float
    everywhere: float | None
    l1: float
    ramps: tuple[Array, ...]
    marks: tuple[Array, ...]
    values: Array
    reason: str


def rounded(x: Any, dtype: DTypeLike) -> Array:
    """The nearest numbers of a dtype, as float64."""
    return np.asarray(x, np.float64).astype(dtype).astype(np.float64)


def rising(knots: Array, dtype: DTypeLike) -> Array:
    """Knots rounded to a dtype, in which they must stay apart."""
    knots = rounded(knots, dtype)
    if np.any(np.diff(knots) <= 0):
        raise DataError(
            f"{len(knots)} knots between {knots[0]:g} and {knots[-1]:g} are closer than {np.dtype(dtype)} can tell: "
            "take fewer cells, wider ramps, or dtype=np.float64"
        )
    return knots
