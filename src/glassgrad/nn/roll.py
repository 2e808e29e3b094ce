"""Roll: the parameters of a network by name, looked for again only where its layers have changed."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from glassgrad.nn.layer import Layer, changes
from glassgrad.parameters import Parameter


class Roll:
    """What `Layer.named_parameters` says, at the price of a look at what could have changed it.

    That is any attribute of any layer, which `changes` counts, and the lists and dicts that layers hold.

    Attributes
    ----------
    named : list of (str, Parameter)
        Every parameter with its path.
    parameters : list of Parameter
        The same without names.
    dtype : dtype
        What the network computes in.
    by_rows : bool
        Whether each row's output depends on that row alone: so it is where all layers are those of `glassgrad.nn`.

    Examples
    --------
    >>> from glassgrad import nn
    >>> net = nn.Sequential(nn.Linear(2, 3))
    >>> roll = Roll(net)
    >>> [name for name, _ in roll.current().named]
    ['0.W', '0.b']
    >>> net.scale = nn.weight((3,), nn.Constant(1.0))
    >>> [name for name, _ in roll.current().named]
    ['0.W', '0.b', 'scale']
    """

    def __init__(self, net: Layer) -> None:
        self._net = net
        self._seen: int | None = None
        self._held: list[tuple[Any, tuple[Any, ...]]] = []
        self.named: list[tuple[str, Parameter]] = []
        self.parameters: list[Parameter] = []
        self.dtype = np.dtype(np.float32)
        self.by_rows = False

    def __reduce__(self) -> Any:
        return (type(self), (self._net,))

    def current(self) -> Roll:
        """The roll itself, brought up to date."""
        if self._seen != changes.latest or not all(_same(held, parts) for held, parts in self._held):
            seen = changes.latest  # before looking: what changes meanwhile is looked for again
            layers = [self._net, *[layer for _, layer in self._net.named_layers()]]
            self._held = [pair for x in layers for pair in _held(x)]
            self.by_rows = all(type(x).__module__.startswith("glassgrad.nn.") for x in layers)
            self.named = self._net.named_parameters()
            self.parameters = [p for _, p in self.named]
            self.dtype = np.result_type(*[p.dtype for p in self.parameters])
            self._seen = seen
        return self


def _held(layer: Layer) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The lists and dicts that a layer holds, at any depth, with what is in them."""
    pending, known = list(vars(layer).values()), set[int]()
    while pending:
        part = pending.pop()
        if isinstance(part, dict | list | tuple) and id(part) not in known:
            known.add(id(part))
            if not isinstance(part, tuple):
                yield part, _parts(part)
            pending += part.values() if isinstance(part, dict) else part


def _parts(held: Any) -> tuple[Any, ...]:
    return (*held, *held.values()) if isinstance(held, dict) else tuple(held)


def _same(held: Any, parts: tuple[Any, ...]) -> bool:
    now = _parts(held)
    return len(now) == len(parts) and all(map(operator.is_, now, parts))
