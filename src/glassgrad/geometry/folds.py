"""Space folded by ReLU layers, so that every cut of a later layer is made in all sheets at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from glassgrad import nn
from glassgrad.errors import DataError
from glassgrad.geometry import region_plots
from glassgrad.geometry.counting import regions
from glassgrad.geometry.hand import linear
from glassgrad.geometry.limits import bounds

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Folding:
    """A ReLU network that folds the unit cube again and again, and then cuts the sheets; made by `folding`.

    Attributes
    ----------
    net : nn.Sequential
        It takes points of [0, 1]ᵈ and has one output.
    widths, inputs
        Hidden layers, and d.
    folds : tuple of int
        In how many pieces each layer but the last folds each axis.
    activation, linear : int
        Activation and linear regions in the cube, by the formula: Π_{l<L} p_lᵈ · Σ_{j ≤ d} C(n_L, j) with
        p_l = ⌊n_l / d⌋ of Montúfar, Pascanu, Cho and Bengio (2014, Theorem 4). `linear` is the same, and None where
        sheets are cut by at most d units: all of them are off in some region then, which merges across the folds.
    """

    net: nn.Sequential
    widths: tuple[int, ...]
    inputs: int
    folds: tuple[int, ...]
    activation: int
    linear: int | None

    def folded(self, x: ArrayLike, layers: int) -> Array:
        """Where points of the cube lie after so many folds.

        Parameters
        ----------
        x : array of shape (rows, inputs)
        layers : int
            From 0 to ``len(folds)``.

        Returns
        -------
        array of shape (rows, inputs)
        """
        x = np.asarray(x, np.float64)
        for p in self.folds[:layers]:
            x = fold(x, p)
        return x

    def text(self) -> str:
        """What was built, what it counts, beside what a single layer of as many units could have."""
        d, units = self.inputs, sum(self.widths)
        cuts = math.prod(p**d for p in self.folds)
        layers = "-".join(map(str, self.widths))
        one = bounds([units], d).upper
        return "\n".join([
            f"folding network, {d} input{'s' * (d != 1)}, hidden layers {layers}",
            f"  {cuts:,} sheets, each cut in {self.activation // cuts:,}: {self.activation:,} regions of [0, 1]"
            + ("" if d == 1 else f"^{d}"),
            f"  one layer of all {units} units: at most {one:,}",
        ])  # fmt: skip

    def picture(self) -> Any:
        """The matplotlib figure: the regions of the interval or the square before and after each fold.

        Raises
        ------
        ShapeError
            For more than two inputs.
        """
        return region_plots.draw_folding(self, regions(self.net, 0, 1))

    def _repr_png_(self) -> bytes:
        return region_plots.png(self.picture())

    def __str__(self) -> str:
        return self.text()


def folding(widths: Sequence[int], inputs: int = 2, dtype: DTypeLike = np.float64) -> Folding:
    """The network of Montúfar et al. (2014) whose linear regions multiply with every layer.

    Each layer but the last folds every axis of [0, 1]ᵈ in p = ⌊units / d⌋ pieces of equal length, each of which it
    stretches to [0, 1]: the zigzag p x − 2 relu(p x − 1) + 2 relu(p x − 2) − …. Its weights are whole numbers, so no
    fold is out of place. Units that are left over stay off. The last layer's hyperplanes are in general position, all
    their crossings are inside the cube (by Vieta's formulas: the hyperplanes are Σ tᵏ xₖ = tᵈ, so d of them cross in
    the elementary symmetric functions of their t), and where there are more than d of them, they face such that nowhere
    all units are off.

    Parameters
    ----------
    widths : sequence of int
        Units of each hidden layer, none but the last below `inputs`.
    inputs : int
        The dimension d; any, though `regions` counts in one and two.
    dtype : dtype
        Of the network.

    Raises
    ------
    DataError
        For a layer that is too narrow to fold all axes.

    Examples
    --------
    >>> import glassgrad as gg
    >>> made = gg.geometry.folding([4, 4, 3])
    >>> print(made)
    folding network, 2 inputs, hidden layers 4-4-3
      16 sheets, each cut in 7: 112 regions of [0, 1]^2
      one layer of all 11 units: at most 67
    >>> gg.geometry.regions(made.net, 0, 1).linear
    112
    """
    widths = tuple(widths)
    count = bounds(widths, inputs).attained
    if count is None:
        raise DataError(
            f"folding needs at least {inputs} units in every hidden layer but the last, one for each input, and a last "
            f"one to cut the sheets; the widths are {', '.join(map(str, widths)) or 'none'}"
        )
    folds = tuple(n // inputs for n in widths[:-1])
    layers: list[nn.Layer] = []
    before = np.eye(inputs)  # from what comes in to the point that is folded next
    for n, p in zip(widths, folds, strict=False):
        W, b, after = np.zeros((inputs, n)), np.zeros(n), np.zeros((n, inputs))
        for axis in range(inputs):
            units = np.arange(axis * p, (axis + 1) * p)
            W[axis, units] = p
            b[units] = -np.arange(p)
            after[units, axis] = [1.0 if j == 0 else 2.0 * (-1) ** j for j in range(p)]
        layers += [linear(before @ W, b, dtype), nn.ReLU()]
        before = after
    W, b, v = _cuts(widths[-1], inputs)
    layers += [linear(before @ W, b, dtype), nn.ReLU(), linear(v[:, None], np.zeros(1), dtype)]
    whole = widths[-1] > inputs or max(folds, default=1) == 1
    return Folding(nn.Sequential(*layers), widths, inputs, folds, count, count if whole else None)


def fold(x: ArrayLike, pieces: int) -> Array:
    """[0, 1] folded in so many pieces, each stretched to [0, 1]: a zigzag, number by number.

    Examples
    --------
    >>> import glassgrad as gg
    >>> gg.geometry.fold([0.0, 0.25, 0.5, 0.75, 1.0], 2).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    up = np.asarray(x, np.float64) * pieces
    piece = np.minimum(np.floor(up), pieces - 1)
    return np.where(piece % 2 == 0, up - piece, piece + 1 - up)


def _cuts(n: int, d: int) -> tuple[Array, Array, Array]:
    """Weights, biases and read-out of the last hidden layer: n hyperplanes in general position within the cube.

    The hyperplanes are Σ_k tᵏ y_k = tᵈ with |t| ≤ 1: |y_k| ≤ C(d, k) where d of them cross. The cube's x is put there
    by y_k = 2.5 C(d, k) (x_k − ½), which leaves the crossings within 1/2.5 of the middle. Unit i is on where
    its sign times Σ tᵏ y_k − tᵈ is positive: that polynomial in t has at most d sign changes and ends below zero, so
    "all off" cannot be where the signs alternate n − 1 ≥ d times and the last is negative.
    """
    t = np.linspace(-1, 1, n + 2)[1:-1] if n > 1 else np.array([0.5])
    signs = -((-1.0) ** np.arange(n))[::-1]
    stretch = np.array([2.5 * math.comb(d, k) for k in range(d)])
    W = (t[None, :] ** np.arange(d)[:, None]) * stretch[:, None]
    b = -W.sum(axis=0) / 2 - t**d
    golden = (1 + math.sqrt(5)) / 2
    v = 1 + np.arange(1, n + 1) * golden % 1  # no two sums of some of these are alike
    return W * signs, b * signs, v
