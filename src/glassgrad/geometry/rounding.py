"""What rounding can add to the output of a ReLU network: a proven bound, stage by stage.

The model is the usual one (Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3): every operation is
exact up to a factor 1 + δ with |δ| ≤ u, and a sum of n products, added in whatever order, fused or not, up to factors
1 + γₙ with γₙ = n u / (1 − n u).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad import nn
from glassgrad.errors import DataError
from glassgrad.geometry.hand import relu_network

Array = np.ndarray[Any, Any]
_OFF = 8  # a stored parameter is within so many u of the exact one, relative to its scale


@dataclass(frozen=True)
class Stage:
    """x W + b, with a ReLU behind it except in the last stage of a network.

    Attributes
    ----------
    W, b : float64 arrays
        Weights ``(n_in, n_out)`` and biases.
    scale : (array, array), optional
        What W and b were computed from in a few operations, as sums of absolute values: a difference of large numbers
        has their rounding error. By default |W| and |b|.
    top : float
        No output after the ReLU is greater, which the inputs' ranges alone may not say.
    active : int, optional
        At most so many of the inputs are above zero at the same time, also when each is off by less than ½.
    """

    W: Array
    b: Array
    scale: tuple[Array, Array] | None = None
    top: float = np.inf
    active: int | None = None


def network(stages: Sequence[Stage], dtype: DTypeLike) -> nn.Sequential:
    """The stages as Linear and ReLU layers."""
    return relu_network([(stage.W, stage.b) for stage in stages], dtype)


def rounding(stages: Sequence[Stage], low: Array, high: Array, dtype: DTypeLike) -> float:
    """How far the computed output can be from the exact one, for inputs of this dtype between `low` and `high`.

    Of a stage with exact inputs x, computed ones x̂ with |x̂ − x| ≤ e and sizes |x| ≤ m, parameters that are stored
    within 8u of their scales s, and k products in a sum, the output is off by at most
    Σ |w| e + γ₍ₖ₊₁₂₎ (Σ s (m + e) + s_b); a ReLU adds nothing, since |max(0, a) − max(0, b)| ≤ |a − b|.

    Returns
    -------
    float
        The bound on the largest of the outputs. Numbers too small for the dtype's normal range count as such.

    Raises
    ------
    DataError
        When the sums are so long that the bound says nothing.
    """
    info: Any = np.finfo(np.dtype(dtype).name)
    u, tiny = float(info.eps) / 2, float(info.smallest_normal)
    error = np.zeros(len(low))
    for i, stage in enumerate(stages):
        scale, scale_b = stage.scale or (np.abs(stage.W), np.abs(stage.b))
        size = np.maximum(np.abs(low), np.abs(high)) + error
        most = stage.active if stage.active and error.max() < 0.5 else len(stage.W)
        terms = min(most, int(np.count_nonzero(stage.W, axis=0).max())) + 4 + _OFF
        if terms * u >= 0.1:
            raise DataError(f"sums of {terms} products in {np.dtype(dtype)} have no bound: use dtype=np.float64")
        gamma = terms * u / (1 - terms * u)
        carried = _largest(np.abs(stage.W) * error[:, None], most)
        new = carried + gamma * (_largest(scale * size[:, None], most) + scale_b) + terms * tiny
        above, below = np.maximum(stage.W, 0), np.minimum(stage.W, 0)
        low, high = low @ above + high @ below + stage.b, high @ above + low @ below + stage.b
        if i < len(stages) - 1:
            low, high = np.clip(low, 0, stage.top), np.clip(high, 0, stage.top)
        error = new
    return float(error.max())


def _largest(terms: Array, most: int) -> Array:
    """For each column the sum of its greatest terms."""
    if most >= len(terms):
        return terms.sum(axis=0)
    return np.partition(terms, len(terms) - most, axis=0)[-most:].sum(axis=0)
