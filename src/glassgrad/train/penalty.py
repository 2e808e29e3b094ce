"""L2: what large weights cost in training, beside the loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from glassgrad.displays import Shown
from glassgrad.parameters import Parameter
from glassgrad.sweep import sweep
from glassgrad.wire import group


@dataclass(frozen=True)
class L2(Shown):
    """½ · strength · Σ‖w‖² / rows: scikit-learn's penalty of a batch, where rows may be the sum of their weights.

    A batch of all rows then minimises the mean loss plus ½ · strength · Σ‖w‖² / rows; each smaller batch counts the
    penalty anew. (`weight_decay` of an optimiser is the plain ½ λ ‖w‖², whatever the rows.)

    Parameters
    ----------
    strength : float or Parameter
        How much the weights count. A frozen parameter can change without a new program.
    names : tuple of str
        Patterns on the names of the parameters that count: by default the weights of linear layers.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> w = gg.Parameter(np.array([3.0, 4.0]))
    >>> print(gg.train.L2(2.0).cost([("0.W", w)], 5).value)
    5.0
    """

    strength: float | Parameter
    names: tuple[str, ...] = ("*W",)

    def held(self) -> Iterator[tuple[str, Parameter]]:
        """The settings that are parameters."""
        if isinstance(self.strength, Parameter):
            yield "penalty", self.strength

    def cost(self, parameters: Sequence[tuple[str, Parameter]], rows: Any) -> Any:
        """The penalty for a batch of so many rows; 0 where no parameter counts."""
        counted = [p for name, p in parameters if any(fnmatchcase(name, pattern) for pattern in self.names)]
        if not counted:
            return 0.0
        squares = [np.sum(np.square(p)) for p in counted]
        return sum(squares[1:], squares[0]) * (0.5 * self.strength / rows)

    def added(
        self, cost: Any, gradients: Sequence[Any], parameters: Any, rows: int, weight: Any
    ) -> tuple[Any, list[Any]]:
        """A loss and its gradients with the penalty; nothing is added where no parameter counts."""
        with group("penalty"):
            own = self.cost(parameters, rows if weight is None else np.sum(weight))
            if isinstance(own, float):
                return cost, list(gradients)
            trained = [p for _, p in parameters]
            swept = sweep({own: own.dtype.type(1)}, trained, record=True)
            slopes = [swept.get(p.serial) for p in trained]
            return cost + own, [g if s is None else g + s for g, s in zip(gradients, slopes, strict=True)]
