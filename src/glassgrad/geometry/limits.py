"""How many linear regions a network of some widths can have at most, and how many some network of these widths has."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from glassgrad.errors import DataError, OperandError


def zaslavsky(units: int, inputs: int, pieces: int = 2) -> int:
    """The most regions that one layer cuts its inputs into: Σ C(units, j) (pieces − 1)ʲ over j ≤ inputs.

    Of `units` hyperplanes in general position every j meet in a flat of dimension inputs − j (Zaslavsky, 1975). A
    unit with more pieces, one behind the other, has pieces − 1 parallel hyperplanes, of which a flat takes one; the
    same sum is the sharp bound of maxout units over so many pieces (Montúfar, Ren and Zhang, 2022).

    Examples
    --------
    >>> import glassgrad as gg
    >>> [gg.geometry.zaslavsky(n, 2) for n in range(6)]
    [1, 2, 4, 7, 11, 16]
    """
    return sum(math.comb(units, j) * (pieces - 1) ** j for j in range(min(units, inputs) + 1))


@dataclass(frozen=True)
class Bounds:
    """What is known of the largest number of regions of networks with such hidden layers.

    Attributes
    ----------
    widths, inputs, pieces
        The hidden layers, the inputs, and the pieces of a hidden unit: 2 of ReLU, 3 of HardTanh, k of Maxout(k).
    patterns : int
        Patterns of states on paper: pieces to the power of the units.
    product : int
        Layer by layer Zaslavsky's count, inside the dimension that the layers before leave (Montúfar, 2017):
        Π_l Σ_{j ≤ d_l} C(n_l, j) (pieces − 1)ʲ with d_l = min(inputs, n_1, …, n_{l−1}).
    sharper : int or None
        For ReLU, which also loses the dimensions of its inactive units (Serra, Tjandraatmadja and Ramalingam, 2018,
        Theorem 1): Σ Π_l C(n_l, j_l) over 0 ≤ j_l ≤ min(inputs, n_1 − j_1, …, n_{l−1} − j_{l−1}, n_l).
    attained : int or None
        For ReLU, the regions of `folding` (Montúfar, Pascanu, Cho and Bengio, 2014): Π_{l<L} ⌊n_l / d⌋ᵈ · Σ_{j ≤ d}
        C(n_L, j). None where a layer but the last is narrower than the input.
    """

    widths: tuple[int, ...]
    inputs: int
    pieces: int
    patterns: int
    product: int
    sharper: int | None
    attained: int | None

    @property
    def upper(self) -> int:
        """The smallest of the upper bounds."""
        return min(self.patterns, self.product, self.product if self.sharper is None else self.sharper)

    def text(self) -> str:
        """The bounds, a line each."""
        layers = "-".join(map(str, self.widths))
        rows = [("patterns on paper", self.patterns), ("Zaslavsky, layer by layer (Montúfar 2017)", self.product)]
        rows += [("Serra et al. 2018", self.sharper)] if self.sharper is not None else []
        rows += [("some network has (Montúfar et al. 2014)", self.attained)] if self.attained is not None else []
        head = f"regions of {self.inputs} input{'s' * (self.inputs != 1)} and hidden layers {layers}"
        wide = max(len(f"{n:,}") for _, n in rows)
        return "\n".join([head, *(f"  {'at most ' if i < len(rows) - (self.attained is not None) else 'at least'}"
                                  f"  {n:>{wide},}  {name}" for i, (name, n) in enumerate(rows))])  # fmt: skip

    def __str__(self) -> str:
        return self.text()


def bounds(widths: Sequence[int], inputs: int, pieces: int = 2) -> Bounds:
    """What is known of the largest number of linear regions of networks with such hidden layers.

    Parameters
    ----------
    widths : sequence of int
        Units of each hidden layer.
    inputs : int
        Of the network; or the dimension of the line or plane through its inputs.
    pieces : int
        Pieces of a hidden unit: 2 of ReLU and the like, 3 of HardTanh, k of Maxout(k). The figures for ReLU alone are
        given where it is 2.

    Raises
    ------
    OperandError, DataError
        For what is no whole number, or out of range.

    Examples
    --------
    >>> import glassgrad as gg
    >>> print(gg.geometry.bounds([3, 3, 3], inputs=2))
    regions of 2 inputs and hidden layers 3-3-3
      at most   512  patterns on paper
      at most   343  Zaslavsky, layer by layer (Montúfar 2017)
      at most   208  Serra et al. 2018
      at least    7  some network has (Montúfar et al. 2014)
    """
    widths = tuple(widths)
    for name, n, least in [*(("a width", n, 1) for n in widths), ("inputs", inputs, 1), ("pieces", pieces, 2)]:
        if isinstance(n, bool) or not isinstance(n, int):
            raise OperandError(f"{name} is a whole number, not {n!r}")
        if n < least:
            raise DataError(f"{name} is at least {least}, and is {n}")
    relu = pieces == 2
    return Bounds(
        widths, inputs, pieces, pieces ** sum(widths), product([(n, pieces, False) for n in widths], inputs),
        serra(widths, inputs) if relu else None, _attained(widths, inputs) if relu else None,
    )  # fmt: skip


def product(layers: Sequence[tuple[int, int, bool]], inputs: int) -> int:
    """Zaslavsky's count layer by layer, for layers of (units, pieces, whether all pieces are flat)."""
    total, room = 1, inputs
    for units, pieces, flat in layers:
        total *= zaslavsky(units, room, pieces)
        room = 0 if flat else min(room, units)  # flat pieces leave one point of each region
    return total


def upper_bound(layers: Sequence[tuple[int, int, bool]], inputs: int, relu: bool) -> int:
    """The smallest upper bound that holds for such layers; `relu`: all of them are ReLU."""
    found = product(layers, inputs)
    return min(found, serra([units for units, *_ in layers], inputs)) if relu else found


def serra(widths: Sequence[int], inputs: int) -> int:
    """The bound of Serra et al. (2018, Theorem 1) for ReLU: a region where many units are off has few dimensions left.

    Examples
    --------
    >>> import glassgrad as gg
    >>> gg.geometry.serra([5, 7], inputs=1)  # one dimension: the product of the widths plus one, which is sharp
    48
    """
    widths = tuple(widths)

    @functools.cache
    def regions(layer: int, room: int) -> int:
        if layer == len(widths):
            return 1
        n = widths[layer]
        return sum(math.comb(n, j) * regions(layer + 1, min(room, n - j)) for j in range(min(room, n) + 1))

    return regions(0, inputs)


def _attained(widths: Sequence[int], inputs: int) -> int | None:
    if not widths or min(widths[:-1], default=inputs) < inputs:
        return None
    folds = math.prod((n // inputs) ** inputs for n in widths[:-1])
    return folds * zaslavsky(widths[-1], inputs)
