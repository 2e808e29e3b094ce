"""Parameter: the one leaf that learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.errors import OperandError, ShapeError, describe
from glassgrad.leaves import accepted, called, leaf
from glassgrad.tensors import Tensor
from glassgrad.wire import next_serial


class Parameter(Tensor):
    """A leaf that learns: named, freezable, the one kind of tensor whose value can be replaced.

    Parameters
    ----------
    value : array_like
        First value; copied. Must be floating.
    name : str, optional
        Name in graphs and messages.
    frozen : bool
        A frozen parameter gets no gradient and no update.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> w = gg.Parameter(np.array([1.0, 2.0]), "w")
    >>> np.sum(w**2).backward()
    >>> w.value = w.value - 0.25 * w.grad
    >>> print(w.value)
    [0.5 1. ]
    """

    __slots__ = ("_frozen",)
    _frozen: bool

    def __new__(cls, value: ArrayLike, name: str | None = None, frozen: bool = False) -> Parameter:
        """Copy the first value; see the class."""
        array = np.array(accepted(value, name))
        if array.dtype.kind != "f":
            raise OperandError(f"a parameter learns and so must be floating; {called(name)} is {array.dtype}")
        array.setflags(write=False)
        self = leaf(cls, array, array.shape, array.dtype, name, not frozen)
        self._frozen = frozen
        return self

    @property
    def value(self) -> Any:
        """The current numbers, read-only. Assign a new array of the same shape to replace them."""
        return self._value

    @value.setter
    def value(self, new: ArrayLike) -> None:
        if type(new) is np.ndarray and new.dtype is self.dtype:
            array = new.copy()
        else:
            array = accepted(new, self.name).astype(self.dtype)
        if array.shape != self.shape:
            raise ShapeError(f"parameter {describe(self)} cannot take a value of shape {array.shape}")
        array.setflags(write=False)
        self._value = array
        self.changed = next_serial()

    @property
    def frozen(self) -> bool:
        """Whether the parameter is left out of gradients and updates."""
        return self._frozen

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        self._frozen, self.active = bool(frozen), not frozen

    def __repr__(self) -> str:
        return "parameter" + super().__repr__()[len("tensor") :]

    def __reduce__(self) -> Any:
        return (type(self), (self._value, self.name, self._frozen))
