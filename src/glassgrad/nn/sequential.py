"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, overload

from glassgrad.errors import OperandError
from glassgrad.nn.layer import Layer


class Sequential(Layer):
    """Layers run one after the other. It can be indexed, sliced, iterated and measured like a list.

    Parameters
    ----------
    *layers : Layer
        In the order they run. Parameters are called by place: ``0.W``.

    Examples
    --------
    >>> from glassgrad import nn
    >>> net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    >>> print(net)
    layer     settings  parameters           count
    0.Linear  64, 64    W (64, 64), b (64,)  4,160
    1.ReLU
    2.Linear  64, 10    W (64, 10), b (10,)    650
    in all              float32              4,810
    """

    _layers: tuple[Layer, ...]

    def __init__(self, *layers: Layer) -> None:
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                hint = "; write ReLU(), not ReLU" if isinstance(layer, type) else ""
                hint = "; hand layers over one by one: Sequential(*layers)" if isinstance(layer, list | tuple) else hint
                raise OperandError(f"Sequential is made of layers, and number {i} is {_name(layer)}{hint}")
        self._layers = layers

    def forward(self, x: Any) -> Any:
        """The last layer's output."""
        for layer in self._layers:
            x = layer(x)
        return x

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            part = object.__new__(type(self))
            object.__setattr__(part, "_layers", self._layers[index])
            part._notes.holds = True
            part._notes.parent = self  # the layers stay this network's: their names do not change
            return part
        return self._layers[index]

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def _children(self) -> Iterator[tuple[str, Any]]:
        for i, layer in enumerate(self._layers):
            yield str(i), layer
        for name, part in super()._children():
            if not name.startswith("_layers."):
                yield name, part

    def _adopt(self, parts: Iterator[tuple[str, Any]]) -> None:
        super()._adopt((name.removeprefix("_layers."), part) for name, part in parts)


def _name(x: Any) -> str:
    return f"the class {x.__name__}" if isinstance(x, type) else f"a {type(x).__name__}"
