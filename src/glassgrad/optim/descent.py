"""SGD: gradient descent, plain, with momentum, and Nesterov's."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from glassgrad.errors import DataError
from glassgrad.optim.base import Optimizer, Schedule, State
from glassgrad.parameters import Parameter


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: w ← w − η g. Whether it is batch, mini-batch or stochastic depends on the batch.

    With momentum μ: v ← μ v + g, w ← w − η v; Nesterov's goes along g + μ v.

    Parameters
    ----------
    rate : float or callable
        The learning rate η.
    momentum : float
        Share of the last direction that is kept, below 1.
    nesterov : bool
        Look ahead along the momentum; needs momentum.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import optim
    >>> sgd, p = optim.SGD(0.1, momentum=0.9), np.array([1.0])
    >>> state = sgd.init(p)
    >>> for step in range(2):
    ...     p, state = sgd.update(p, np.array([1.0]), state, step)
    >>> print(p.round(3))
    [0.71]
    """

    rate: float | Schedule | Parameter = 1e-3
    _: KW_ONLY
    momentum: float = field(default=0.0, metadata={"range": (0.0, 1.0)})
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise DataError("SGD: nesterov=True needs a momentum above 0")

    def slots(self) -> int:
        """The velocity, where there is momentum."""
        return 1 if self.momentum else 0

    def direction(self, g: Any, p: Any, state: State, step: Any) -> tuple[Any, State]:
        """Along g, v, or g + μ v."""
        if not self.momentum:
            return g, ()
        velocity = self.momentum * state[0] + g
        return (g + self.momentum * velocity if self.nesterov else velocity), (velocity,)
