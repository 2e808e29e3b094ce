"""Optimizer: what every update rule shares: rate, weight decay, clipping, groups.

Every rule is a pure function of (parameter, gradient, state, step), written in NumPy functions, so it
computes on arrays, and records on tensors what a training step's graph is made of. The names and
formulas are PyTorch's, and so are the defaults where it has them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Self

import numpy as np

from glassgrad.displays import Shown
from glassgrad.errors import DataError, OperandError, unknown
from glassgrad.parameters import Parameter

Schedule = Callable[[Any], Any]
"""The learning rate as a function of the step, counted from 0, in NumPy functions."""

State = tuple[Any, ...]
_SHARED = ("groups", "clip_norm", "clip_value")


def match(x: Any, p: Any) -> Any:
    """A number in the dtype of the parameter, so that float32 stays float32; Python numbers are weak already."""
    return x.astype(p.dtype) if hasattr(x, "astype") else x


@dataclass(frozen=True, kw_only=True)
class Optimizer(Shown):
    """The base of every optimiser. A subclass defines ``slots`` and ``direction``.

    Parameters
    ----------
    rate : float, callable or Parameter
        Learning rate, or a schedule: a function of the step, counted from 0. A frozen parameter is read anew
        whenever training goes on, so that the rate can change without a new program.
    weight_decay : float
        λ of the penalty ½ λ ‖w‖² on every parameter: adds λ w to its gradient.
    clip_value : float, optional
        Keeps every element of every gradient between ±clip_value.
    clip_norm : float, optional
        Scales all gradients together so that their common norm is at most this (after clip_value).
    groups : mapping of str to mapping
        Pattern on parameter names to the settings that differ there; where several match, the last
        one counts: ``{"2.*": {"rate": 0.01}, "*.b": {"weight_decay": 0.0}}``.
    """

    rate: float | Schedule | Parameter = 1e-3
    weight_decay: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            low, high = f.metadata.get("range", (0.0, np.inf))
            x = getattr(self, f.name)
            if isinstance(x, str) or (isinstance(x, bool) and not isinstance(f.default, bool)):
                raise OperandError(f"{type(self).__name__}: {f.name} must be a number, and is {x!r}")
            if isinstance(x, int | float | np.number) and not isinstance(x, bool) and not (low <= x < high):
                limits = f"from {low:g}" + ("" if high == np.inf else f" to below {high:g}")
                raise DataError(f"{type(self).__name__}: {f.name} must be {limits}, and is {x}")
        known = [f.name for f in dataclasses.fields(self) if f.name not in _SHARED]
        for pattern, overrides in self.groups.items():
            for name in overrides:
                if name in _SHARED:
                    raise OperandError(f"group '{pattern}': {name} acts on all parameters together")
                if name not in known:
                    raise unknown(f"setting of {type(self).__name__}", name, known)
            dataclasses.replace(self, groups={}, **overrides)

    def slots(self) -> int:
        """How many arrays of the parameter's shape the state has."""
        return 0

    def direction(self, g: Any, p: Any, state: State, step: Any) -> tuple[Any, State]:
        """Which way to go: ``new p = p − rate · direction``; and the new state."""
        raise NotImplementedError(f"{type(self).__name__} has no direction(self, g, p, state, step): define it")

    def fresh(self, p: Any) -> State:
        """The first state, for so many slots; zeros by default."""
        kinds = [self, *(self._with(overrides) for overrides in self.groups.values())]
        return tuple(np.zeros(p.shape, p.dtype) for _ in range(max(kind.slots() for kind in kinds)))

    def init(self, p: Any) -> State:
        """The state of a parameter before the first step."""
        return self.fresh(p)

    def rate_at(self, step: Any) -> Any:
        """The learning rate at a step, counted from 0."""
        return self.rate(step) if callable(self.rate) else self.rate

    def held(self) -> Iterator[tuple[str, Parameter]]:
        """The settings that are parameters, by name: what a training step reads beside the network's own."""
        for f in dataclasses.fields(self):
            if isinstance(x := getattr(self, f.name), Parameter):
                yield f.name, x

    def update(self, p: Any, g: Any, state: State, step: Any) -> tuple[Any, State]:
        """One step of one parameter.

        Parameters
        ----------
        p, g : arrays or tensors
            Parameter and gradient.
        state : tuple
            From `init` or the step before.
        step : int, array or tensor
            Number of the step, from 0.

        Returns
        -------
        new_p, new_state

        Examples
        --------
        >>> import numpy as np
        >>> from glassgrad import optim
        >>> p, state = optim.SGD(0.5).update(np.array([1.0]), np.array([0.2]), (), 0)
        >>> print(p)
        [0.9]
        """
        if self.weight_decay:
            g = g + self.weight_decay * p
        return self._moved(p, g, state, step)

    def _moved(self, p: Any, g: Any, state: State, step: Any) -> tuple[Any, State]:
        used = self.slots()
        way, new = self.direction(g, p, state[:used], step)
        return p - match(self.rate_at(step), p) * way, (*new, *state[used:])

    def apply(
        self, names: Sequence[str], params: Sequence[Any], gradients: Sequence[Any], states: Sequence[State], step: Any
    ) -> tuple[list[Any], list[State]]:
        """One step of all parameters: clip the gradients, then update each by its group's settings.

        Returns
        -------
        new_params, new_states : lists
        """
        gradients = clip(gradients, self.clip_value, self.clip_norm)
        new_params, new_states = [], []
        for name, p, g, state in zip(names, params, gradients, states, strict=True):
            new_p, new_state = self.member(name).update(p, g, state, step)
            new_params.append(new_p)
            new_states.append(new_state)
        return new_params, new_states

    def member(self, name: str) -> Self:
        """The optimiser with the settings of the groups that a parameter belongs to."""
        if not self.groups:
            return self
        overrides: dict[str, Any] = {}
        for pattern, settings in self.groups.items():
            if fnmatchcase(name, pattern):
                overrides |= settings
        return self._with(overrides)

    def check_groups(self, names: Sequence[str]) -> None:
        """Raise `UnknownNameError` for a group whose pattern matches none of these parameter names."""
        for pattern in self.groups:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise unknown("parameter that matches the group", pattern, names)

    def _with(self, overrides: Mapping[str, Any]) -> Self:
        return dataclasses.replace(self, groups={}, **overrides)


def clip(gradients: Sequence[Any], value: float | None = None, norm: float | None = None) -> list[Any]:
    """Gradients kept small: each element between ±value, then all scaled together to a norm of at most `norm`.

    As PyTorch's ``clip_grad_value_`` and ``clip_grad_norm_``: the scale is norm / (‖g‖ + 10⁻⁶), at most 1.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import optim
    >>> print(optim.clip([np.array([3.0, -4.0])], norm=1.0)[0].round(3))
    [ 0.6 -0.8]
    """
    clipped = list(gradients)
    if value is not None:
        clipped = [np.clip(g, -value, value) for g in clipped]
    if norm is not None and clipped:
        scale = np.minimum(norm / (global_norm(clipped) + 1e-6), 1.0)
        clipped = [g * match(scale, g) for g in clipped]
    return clipped


def global_norm(gradients: Sequence[Any]) -> Any:
    """√ of the sum of all squares of all gradients.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import optim
    >>> print(optim.global_norm([np.array([3.0]), np.array([4.0])]))
    5.0
    """
    total = np.sum(np.square(gradients[0]))
    for g in gradients[1:]:
        total = total + np.sum(np.square(g))
    return np.sqrt(total)
