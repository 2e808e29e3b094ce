"""Operators: a wire with Python's operators and the methods that NumPy arrays have.

Each operator is one gate. What would silently lose the gradient (float(), int(), item assignment)
is refused with the way out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.errors import (
    NoAttributeError,
    OperandError,
    ShapeError,
    ValueMissingError,
    describe,
    instead_of_attribute,
    refuse,
)
from glassgrad.ops import arithmetic, contract, index, logic, reduce, scan
from glassgrad.wire import NO_PARAMS, Wire

if TYPE_CHECKING:
    from glassgrad.tensors import Tensor

numpy: Any = np  # NumPy's stubs promise arrays; given a tensor, NumPy returns a tensor


class Operators(Wire):
    """Arithmetic, comparison, indexing and array methods of a tensor."""

    __slots__ = ()
    __hash__ = object.__hash__

    __gate__: Any

    @property
    def value(self) -> Any:
        """The numbers on this wire."""
        return self._value

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def device(self) -> str:
        """Where the numbers are: ``"cpu"``."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: None = None) -> Tensor:
        """The tensor itself; there is no other device."""
        if device != "cpu" or stream is not None:
            raise OperandError(f"tensors live on the device 'cpu', not on {device!r}")
        return cast("Tensor", self)

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return numpy.transpose(self)

    @property
    def mT(self) -> Tensor:
        """The last two axes swapped."""
        return numpy.swapaxes(self, -1, -2)

    def item(self) -> float | int | bool:
        """The single number on this wire, as a Python number."""
        value = numpy.asarray(self.value)
        if value.size != 1:
            raise ShapeError(f"item() is for a single number, and {describe(self)} has {value.size}; use .value")
        return value.item()

    def tolist(self) -> Any:
        """The numbers as nested Python lists."""
        return numpy.asarray(self.value).tolist()

    def astype(self, dtype: DTypeLike, copy: bool = True) -> Tensor:
        """The same numbers in another dtype; the gradient is cast back."""
        if np.dtype(dtype) == self.dtype and not self.weak:
            return cast("Tensor", self)
        return logic.cast(self, dtype=str(np.dtype(dtype)))

    def copy(self) -> Tensor:
        """The tensor itself: it never changes."""
        return cast("Tensor", self)

    def reshape(self, *shape: Any, order: Any = "C") -> Tensor:
        """The same numbers in another shape; one size may be -1."""
        return numpy.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order, reversed by default."""
        return numpy.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def sum(self, axis: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
        """Sum over the given axes."""
        return reduce.sum(self, axis, dtype, None, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
        """Mean over the given axes."""
        return reduce.mean(self, axis, dtype, None, keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Product over the given axes."""
        return reduce.prod(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Largest element; ties share the gradient."""
        return reduce.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Smallest element; ties share the gradient."""
        return reduce.min(self, axis=axis, keepdims=keepdims)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Variance."""
        return numpy.var(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Standard deviation."""
        return numpy.std(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Whether any element is true."""
        return reduce.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Whether all elements are true."""
        return reduce.all(self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """Index of the largest element."""
        return reduce.argmax(self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """Index of the smallest element."""
        return reduce.argmin(self, axis=axis, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Tensor:
        """Running sum."""
        return scan.cumsum(self, axis=axis)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Elements kept between two bounds."""
        return numpy.clip(self, min, max)

    def dot(self, y: Any) -> Tensor:
        """Inner product, as `np.dot`."""
        return numpy.dot(self, y)

    def ravel(self, order: Any = "C") -> Tensor:
        """All elements in one axis."""
        return numpy.ravel(self, order=order)

    def flatten(self, order: Any = "C") -> Tensor:
        """All elements in one axis."""
        return numpy.ravel(self, order=order)

    def squeeze(self, axis: Any = None) -> Tensor:
        """Without the axes of length one."""
        return numpy.squeeze(self, axis=axis)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """With two axes exchanged."""
        return numpy.swapaxes(self, axis1, axis2)

    def repeat(self, repeats: int, axis: int | None = None) -> Tensor:
        """Each element several times."""
        return numpy.repeat(self, repeats, axis=axis)

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        """Elements at integer places."""
        return numpy.take(self, indices, axis=axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The elements at equal indices."""
        return numpy.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0) -> Tensor:
        """Sum of the diagonal."""
        return numpy.trace(self, offset)

    def round(self, decimals: int = 0) -> Tensor:
        """Rounded; no gradient passes."""
        return numpy.round(self, decimals)

    def argsort(self, axis: int = -1) -> Tensor:
        """The indices that sort."""
        return numpy.argsort(self, axis=axis)

    def __add__(self, y: Any) -> Tensor:
        return self.__gate__(arithmetic.add, (self, y), NO_PARAMS)

    def __radd__(self, x: Any) -> Tensor:
        return self.__gate__(arithmetic.add, (x, self), NO_PARAMS)

    def __sub__(self, y: Any) -> Tensor:
        return self.__gate__(arithmetic.subtract, (self, y), NO_PARAMS)

    def __rsub__(self, x: Any) -> Tensor:
        return self.__gate__(arithmetic.subtract, (x, self), NO_PARAMS)

    def __mul__(self, y: Any) -> Tensor:
        return self.__gate__(arithmetic.multiply, (self, y), NO_PARAMS)

    def __rmul__(self, x: Any) -> Tensor:
        return self.__gate__(arithmetic.multiply, (x, self), NO_PARAMS)

    def __truediv__(self, y: Any) -> Tensor:
        return self.__gate__(arithmetic.divide, (self, y), NO_PARAMS)

    def __rtruediv__(self, x: Any) -> Tensor:
        return self.__gate__(arithmetic.divide, (x, self), NO_PARAMS)

    def __pow__(self, y: Any) -> Tensor:
        return self.__gate__(arithmetic.power, (self, y), NO_PARAMS)

    def __rpow__(self, x: Any) -> Tensor:
        return self.__gate__(arithmetic.power, (x, self), NO_PARAMS)

    def __matmul__(self, y: Any) -> Tensor:
        return self.__gate__(contract.matmul, (self, y), NO_PARAMS)

    def __rmatmul__(self, x: Any) -> Tensor:
        return self.__gate__(contract.matmul, (x, self), NO_PARAMS)

    def __floordiv__(self, y: Any) -> Tensor:
        return self.__gate__(logic.floor_divide, (self, y), NO_PARAMS)

    def __rfloordiv__(self, x: Any) -> Tensor:
        return self.__gate__(logic.floor_divide, (x, self), NO_PARAMS)

    def __mod__(self, y: Any) -> Tensor:
        return self.__gate__(logic.remainder, (self, y), NO_PARAMS)

    def __rmod__(self, x: Any) -> Tensor:
        return self.__gate__(logic.remainder, (x, self), NO_PARAMS)

    def __and__(self, y: Any) -> Tensor:
        return self.__gate__(logic.bitwise_and, (self, y), NO_PARAMS)

    def __rand__(self, x: Any) -> Tensor:
        return self.__gate__(logic.bitwise_and, (x, self), NO_PARAMS)

    def __or__(self, y: Any) -> Tensor:
        return self.__gate__(logic.bitwise_or, (self, y), NO_PARAMS)

    def __ror__(self, x: Any) -> Tensor:
        return self.__gate__(logic.bitwise_or, (x, self), NO_PARAMS)

    def __lshift__(self, y: Any) -> Tensor:
        return self.__gate__(logic.left_shift, (self, y), NO_PARAMS)

    def __rlshift__(self, x: Any) -> Tensor:
        return self.__gate__(logic.left_shift, (x, self), NO_PARAMS)

    def __rshift__(self, y: Any) -> Tensor:
        return self.__gate__(logic.right_shift, (self, y), NO_PARAMS)

    def __rrshift__(self, x: Any) -> Tensor:
        return self.__gate__(logic.right_shift, (x, self), NO_PARAMS)

    def __xor__(self, y: Any) -> Tensor:
        return self.__gate__(logic.bitwise_xor, (self, y), NO_PARAMS)

    def __rxor__(self, x: Any) -> Tensor:
        return self.__gate__(logic.bitwise_xor, (x, self), NO_PARAMS)

    def __lt__(self, y: Any) -> Tensor:
        return self.__gate__(logic.less, (self, y), NO_PARAMS)

    def __le__(self, y: Any) -> Tensor:
        return self.__gate__(logic.less_equal, (self, y), NO_PARAMS)

    def __gt__(self, y: Any) -> Tensor:
        return self.__gate__(logic.greater, (self, y), NO_PARAMS)

    def __ge__(self, y: Any) -> Tensor:
        return self.__gate__(logic.greater_equal, (self, y), NO_PARAMS)

    def __eq__(self, y: object) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] as in NumPy
        return self.__gate__(logic.equal, (self, y), NO_PARAMS)

    def __ne__(self, y: object) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] as in NumPy
        return self.__gate__(logic.not_equal, (self, y), NO_PARAMS)

    def __neg__(self) -> Tensor:
        return self.__gate__(arithmetic.negative, (self,), NO_PARAMS)

    def __pos__(self) -> Tensor:
        return self.__gate__(arithmetic.identity, (self,), NO_PARAMS)

    def __abs__(self) -> Tensor:
        return self.__gate__(arithmetic.absolute, (self,), NO_PARAMS)

    def __invert__(self) -> Tensor:
        return self.__gate__(logic.invert, (self,), NO_PARAMS)

    def __float__(self) -> float:
        refuse(self, "float()", "use np.sin and the like instead of math.sin, and .item() for the number")

    def __int__(self) -> int:
        if self.dtype.kind == "f":
            refuse(self, "int()", "use .item() for the number")
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            refuse(self, "indexing with", "use an integer")
        return int(self.item())

    def __complex__(self) -> complex:
        refuse(self, "complex()", "complex numbers are not supported")

    def __bool__(self) -> bool:
        if self._value is None:
            raise ValueMissingError(
                f"the truth of {describe(self)} is not known while the function is traced: "
                "use np.where(condition, a, b) instead of if"
            )
        if self.size != 1:
            raise ShapeError(f"the truth of an array is ambiguous: {describe(self)}; use .all() or .any()")
        return bool(self._value)

    def __len__(self) -> int:
        if not self.shape:
            raise OperandError(f"a scalar has no length: {describe(self)}")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not isinstance(getattr(type(self), name, None), _Missing)]

    def __getitem__(self, key: Any) -> Tensor:
        return index.getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise OperandError(
            f"tensors are immutable ({describe(self)}): use np.where(mask, a, b), or "
            f"gg.scatter_add(x, index, values) to add at places"
        )


class _Missing:
    """An attribute that arrays have and tensors have not: asking for it says what to use instead.

    One for each name, since a ``__getattr__`` would slow every attribute of every wire down.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, tensor: Any, kind: Any = None) -> Any:
        if tensor is None:
            return self
        raise NoAttributeError(f"a tensor has no .{self.name}{instead_of_attribute(self.name)}")


for _name in (*dir(np.ndarray), "numpy"):
    if not _name.startswith("_") and not hasattr(Operators, _name):
        setattr(Operators, _name, _Missing(_name))
