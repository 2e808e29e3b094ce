"""What optimisers share that take all rows and search along lines: parameters as one vector, and how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.displays import Shown
from glassgrad.errors import DataError, ShapeError

Array = np.ndarray[Any, Any]
ValueAndGrad = Callable[[list[Any]], tuple[Any, Sequence[Any]]]
"""A list of arrays in; the loss and a list of gradients out."""

Product = Callable[[list[Any], list[Any]], Sequence[Any]]
"""The Hessian at some parameters times a direction; both are lists of arrays, and so is the result."""

Watcher = Callable[[int, float, list[Any]], bool | None]
"""Called after each iteration with its number (from 1), the loss and the parameters; True ends the search."""


@dataclass(frozen=True)
class SearchInfo(Shown):
    """How a minimisation went: the last loss, counts, why it ended, and the loss after every iteration."""

    loss: float
    iterations: int
    evaluations: int
    converged: bool
    message: str
    losses: list[float] = field(repr=False)


class FlatProblem:
    """A loss of several arrays as a function of one vector in float64.

    Parameters
    ----------
    name : str
        Of the optimiser, for messages.
    value_and_grad : callable
        See `ValueAndGrad`.
    params : sequence of arrays
        Where to start. Shapes and dtypes are kept.
    weight_decay : float
        λ of the penalty ½ λ ‖w‖².

    Attributes
    ----------
    start : array
        The parameters as a vector.
    evaluations : int
        How often the loss was asked for.
    """

    def __init__(
        self, name: str, value_and_grad: ValueAndGrad, params: Sequence[Any], weight_decay: float = 0.0
    ) -> None:
        self._name, self._asked, self._decay = name, value_and_grad, weight_decay
        self._forms = [plain(p) for p in params]
        self._cuts = np.cumsum([p.size for p in self._forms])[:-1]
        self.start = self.flat(self._forms)
        self.evaluations = 0

    def flat(self, arrays: Sequence[Any]) -> Array:
        """Arrays as one vector in float64."""
        if len(arrays) != len(self._forms):
            raise ShapeError(f"{self._name}: {len(self._forms)} parameters, and {len(arrays)} gradients")
        return np.concatenate([np.zeros(0), *[plain(x).astype(np.float64).ravel() for x in arrays]])

    def arrays(self, flat: Array) -> list[Any]:
        """A vector as the arrays that the parameters are."""
        pieces = zip(np.split(flat, self._cuts), self._forms, strict=True)
        return [piece.reshape(p.shape).astype(p.dtype) for piece, p in pieces]

    def evaluate(self, flat: Array) -> tuple[float, Array]:
        """The loss and its gradient, penalty included."""
        self.evaluations += 1
        value, gradients = self._asked(self.arrays(flat))
        loss, g = float(plain(value)), self.flat(gradients)
        if self._decay:
            return loss + 0.5 * self._decay * float(flat @ flat), g + self._decay * flat
        return loss, g

    def first(self) -> tuple[float, Array]:
        """The loss and its gradient at the start.

        Raises
        ------
        DataError
            When they are not finite.
        """
        value, g = self.evaluate(self.start)
        if not np.isfinite(value) or not np.isfinite(g).all():
            raise DataError(f"{self._name}: the loss or its gradient is not finite at the start")
        return value, g

    def product(self, product: Product, flat: Array) -> Callable[[Array], Array]:
        """A function that multiplies a vector with the Hessian at `flat`."""
        here = self.arrays(flat)

        def times(v: Array) -> Array:
            along = self.flat(product(here, self.arrays(v)))
            return along + self._decay * v if self._decay else along

        return times


def plain(x: Any) -> Array:
    """The array of a tensor, or of whatever NumPy makes one of."""
    return np.asarray(getattr(x, "value", x))


def at_least(name: str, settings: Any, lows: Mapping[str, float]) -> None:
    """Raise `DataError` for a setting below its least value."""
    for setting, low in lows.items():
        value = getattr(settings, setting)
        if not value >= low:
            raise DataError(f"{name}: {setting} must be at least {low}, and is {value}")
