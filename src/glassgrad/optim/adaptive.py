"""Optimisers that scale each element by the size of its gradients so far: AdaGrad, RMSProp, Adam, AdamW."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from glassgrad.optim.base import Optimizer, Schedule, State, match
from glassgrad.parameters import Parameter

_BELOW_ONE = {"range": (0.0, 1.0)}


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """s ← s + g², w ← w − η g / (√s + ε): rare features learn fast (Duchi et al., 2011)."""

    rate: float | Schedule | Parameter = 1e-2
    _: KW_ONLY
    epsilon: float = 1e-10

    def slots(self) -> int:
        """The sum of squares."""
        return 1

    def direction(self, g: Any, p: Any, state: State, step: Any) -> tuple[Any, State]:
        """Along g / (√s + ε)."""
        total = state[0] + g * g
        return g / (np.sqrt(total) + self.epsilon), (total,)


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """s ← α s + (1 − α) g², w ← w − η g / (√s + ε); with momentum μ, v ← μ v + g / (√s + ε) (Hinton, 2012)."""

    rate: float | Schedule | Parameter = 1e-2
    _: KW_ONLY
    alpha: float = field(default=0.99, metadata=_BELOW_ONE)
    epsilon: float = 1e-8
    momentum: float = field(default=0.0, metadata=_BELOW_ONE)

    def slots(self) -> int:
        """The mean square, and the velocity where there is momentum."""
        return 2 if self.momentum else 1

    def direction(self, g: Any, p: Any, state: State, step: Any) -> tuple[Any, State]:
        """Along g / (√s + ε), or the velocity."""
        square = self.alpha * state[0] + (1 - self.alpha) * (g * g)
        way = g / (np.sqrt(square) + self.epsilon)
        if not self.momentum:
            return way, (square,)
        velocity = self.momentum * state[1] + way
        return velocity, (square, velocity)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Means of g and of g², both corrected for their start at 0: w ← w − η m̂ / (√v̂ + ε) (Kingma and Ba, 2015).

    Parameters
    ----------
    rate : float or callable
        The learning rate η.
    beta1, beta2 : float
        Share of the last means of g and g² that is kept.
    epsilon : float
        ε.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import optim
    >>> adam, p = optim.Adam(0.1), np.array([1.0, 1.0])
    >>> p, state = adam.update(p, np.array([5.0, -0.01]), adam.init(p), 0)
    >>> print(p.round(4))
    [0.9 1.1]
    """

    rate: float | Schedule | Parameter = 1e-3
    _: KW_ONLY
    beta1: float = field(default=0.9, metadata=_BELOW_ONE)
    beta2: float = field(default=0.999, metadata=_BELOW_ONE)
    epsilon: float = 1e-8

    def slots(self) -> int:
        """The means of g and g²."""
        return 2

    def direction(self, g: Any, p: Any, state: State, step: Any) -> tuple[Any, State]:
        """Along m̂ / (√v̂ + ε)."""
        m = self.beta1 * state[0] + (1 - self.beta1) * g
        v = self.beta2 * state[1] + (1 - self.beta2) * (g * g)
        # the corrections are one number each: to multiply by their reciprocals saves two divisions an element
        m_scale = match(1 / (1 - self.beta1 ** (step + 1)), p)
        v_scale = match(1 / np.sqrt(1 - self.beta2 ** (step + 1)), p)
        return (m * m_scale) / (np.sqrt(v) * v_scale + self.epsilon), (m, v)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with the decay apart from the gradient: w ← (1 − η λ) w first (Loshchilov and Hutter, 2019)."""

    weight_decay: float = field(default=1e-2, kw_only=True)

    def update(self, p: Any, g: Any, state: State, step: Any) -> tuple[Any, State]:
        """One step of one parameter."""
        shrunk = p * (1 - match(self.rate_at(step), p) * self.weight_decay) if self.weight_decay else p
        return self._moved(shrunk, g, state, step)
