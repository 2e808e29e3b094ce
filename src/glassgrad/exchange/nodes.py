"""Writes ONNX nodes: values with NumPy's operators, constants, casts, and shapes that depend on the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassgrad.errors import UnsupportedError
from glassgrad.exchange.sizes import Count, Number, Repeated, Size

OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
"""ONNX 1.13's operators: what onnxruntime reads from 1.14 on."""

Dims = tuple[int | Size, ...]


def onnx_module() -> Any:
    """The package onnx, or an error that says how to get it."""
    try:
        import onnx
    except ImportError:
        raise UnsupportedError('writing ONNX needs the package onnx: pip install "glassgrad[onnx]"') from None
    return onnx


def _as(array: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """A constant in another dtype; what is too large for a narrower one becomes its largest number."""
    if dtype.kind == array.dtype.kind == "f" and dtype.itemsize < array.dtype.itemsize:
        limit = float(np.finfo(dtype).max)
        array = np.where(np.isfinite(array), np.clip(array, -limit, limit), array)
    return array.astype(dtype, copy=False)


@dataclass(frozen=True, eq=False)
class Value:
    """One value of an ONNX graph; Python's operators write nodes. Numbers take the dtype of their partner."""

    writer: Writer = field(repr=False)
    name: str
    dtype: np.dtype[Any]
    dims: Dims = ()
    array: np.ndarray[Any, Any] | None = field(default=None, repr=False)  # of a constant

    def _binary(self, op: str, other: Any, swapped: bool = False, dtype: Any = None) -> Value:
        y = other if isinstance(other, Value) else self.writer.constant(np.asarray(other, self.dtype))
        x, y = (y, self) if swapped else (self, y)
        return self.writer.node(op, x, y, dtype=self.dtype if dtype is None else dtype)

    def __add__(self, other: Any) -> Value:
        return self._binary("Add", other)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Value:
        return self._binary("Mul", other)

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Value:
        return self._binary("Sub", other)

    def __rsub__(self, other: Any) -> Value:
        return self._binary("Sub", other, swapped=True)

    def __truediv__(self, other: Any) -> Value:
        return self._binary("Div", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._binary("Div", other, swapped=True)

    def __pow__(self, other: Any) -> Value:
        return self._binary("Pow", other)

    def __rpow__(self, other: Any) -> Value:
        return self._binary("Pow", other, swapped=True)

    def __neg__(self) -> Value:
        return self.apply("Neg")

    def __abs__(self) -> Value:
        return self.apply("Abs")

    def __lt__(self, other: Any) -> Value:
        return self._binary("Less", other, dtype=bool)

    def __gt__(self, other: Any) -> Value:
        return self._binary("Greater", other, dtype=bool)

    def __le__(self, other: Any) -> Value:
        return self._binary("LessOrEqual", other, dtype=bool)

    def __ge__(self, other: Any) -> Value:
        return self._binary("GreaterOrEqual", other, dtype=bool)

    def equals(self, other: Any) -> Value:
        """Where two values are equal."""
        return self._binary("Equal", other, dtype=bool)

    def maximum(self, other: Any) -> Value:
        """The larger of two."""
        return self._binary("Max", other)

    def minimum(self, other: Any) -> Value:
        """The smaller of two."""
        return self._binary("Min", other)

    def apply(self, op: str, **attributes: Any) -> Value:
        """A node with one operand and a result of the same dtype."""
        return self.writer.node(op, self, dtype=self.dtype, **attributes)

    def cast(self, dtype: Any) -> Value:
        """In another dtype."""
        dtype = self.writer.dtype(dtype)
        if dtype == self.dtype:
            return self
        if self.array is not None:
            return self.writer.constant(_as(self.array, dtype), self.name.split(":")[0])
        to = onnx_module().helper.np_dtype_to_tensor_dtype(dtype)
        return replace(self.writer.node("Cast", self, dtype=dtype, to=to), dims=self.dims)


class Writer:
    """The nodes and constants of an ONNX graph that is being written.

    Parameters
    ----------
    single : bool
        Write float64 as float32.
    """

    def __init__(self, single: bool = False) -> None:
        self.single = single
        self.nodes: list[Any] = []
        self.initialisers: dict[str, Any] = {}
        self.group = ""  # what the names of new nodes begin with
        self.column: Value | None = None  # an input that has a row for each row
        self._rows: Value | None = None
        self._constants: dict[Any, Value] = {}
        self._taken: set[str] = set()

    def dtype(self, dtype: Any) -> np.dtype[Any]:
        """The dtype that this one is written as."""
        dtype = np.dtype(dtype)
        return np.dtype(np.float32) if self.single and dtype == np.float64 else dtype

    def fresh(self, stem: str) -> str:
        """A name that is not taken yet, and now is."""
        name, n = stem, 1
        while name in self._taken:
            name, n = f"{stem}:{n}", n + 1
        self._taken.add(name)
        return name

    def constant(self, array: Any, name: str = "const") -> Value:
        """A constant; the same bits are stored once."""
        array = np.asarray(array)
        if array.dtype.kind in "fiub":
            array = _as(array, self.dtype(array.dtype))
        text = array.dtype.kind in "OU"
        key = (array.dtype.str, array.shape, tuple(array.ravel().tolist()) if text else array.tobytes())
        if key not in self._constants:
            onnx = onnx_module()
            fresh = self.fresh(name)
            if text:
                parts = [str(s).encode() for s in array.ravel()]
                tensor = onnx.helper.make_tensor(fresh, onnx.TensorProto.STRING, array.shape, parts)
            else:
                tensor = onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), fresh)
            self.initialisers[fresh] = tensor
            self._constants[key] = Value(self, fresh, array.dtype, array.shape, array)
        return self._constants[key]

    def node(self, op: str, *operands: Value, dtype: Any, domain: str = "", **attributes: Any) -> Value:
        """One node with one result."""
        return self.several(op, operands, (dtype,), domain, **attributes)[0]

    def several(
        self, op: str, operands: Sequence[Value], dtypes: Sequence[Any], domain: str = "", **attributes: Any
    ) -> list[Value]:
        """One node with several results."""
        names = [self.fresh(f"{self.group}{op.lower()}") for _ in dtypes]
        made = onnx_module().helper.make_node(
            op, [x.name for x in operands], names, name=names[0], domain=domain, **attributes
        )
        self.nodes.append(made)
        return [Value(self, n, self.dtype(t)) for n, t in zip(names, dtypes, strict=True)]

    def where(self, condition: Value, x: Any, y: Any) -> Value:
        """`x` where the condition holds, else `y`; a number takes the dtype of the other."""
        like = x if isinstance(x, Value) else y
        x, y = (v if isinstance(v, Value) else self.constant(np.asarray(v, like.dtype)) for v in (x, y))
        return self.node("Where", condition, x, y, dtype=like.dtype)

    # Shapes

    def whole(self, numbers: Sequence[int]) -> Value:
        """A vector of whole numbers."""
        return self.constant(np.array(numbers, np.int64), "sizes")

    def sizes(self, dims: Sequence[int | Size]) -> Value:
        """A vector of sizes, counted when the graph is run where they depend on the rows."""
        if not any(isinstance(d, Size) for d in dims):
            return self.whole([d for d in dims if not isinstance(d, Size)])
        return self.node("Concat", *[self._size(d) for d in dims], dtype=np.int64, axis=0)

    def _size(self, size: int | Size) -> Value:
        if not isinstance(size, Size):
            return self.whole([size])
        n = self.rows if size.times == 1 else self.rows * size.times
        return n + size.plus if size.plus else n

    def _scalar(self, size: Size) -> Value:
        return self.node("Squeeze", self._size(size), self.whole([0]), dtype=np.int64)

    @property
    def rows(self) -> Value:
        """The number of rows, as a vector of one number, taken from `column`."""
        if self._rows is None:
            if self.column is None:
                raise UnsupportedError("a size depends on the number of rows, and the graph has no input to count them")
            shape = self.node("Shape", self.column, dtype=np.int64)
            self._rows = self.node("Slice", shape, self.whole([0]), self.whole([1]), dtype=np.int64)
        return self._rows

    def reshape(self, x: Value, dims: Dims) -> Value:
        """The same elements in another shape; one size that depends on the rows is what is left."""
        sizes = [-1 if isinstance(d, Size) else d for d in dims]
        vector = self.whole(sizes) if sizes.count(-1) <= 1 and 0 not in sizes else self.sizes(dims)
        made = self.node("Reshape", x, vector, dtype=x.dtype, allowzero=1)
        return replace(made, dims=dims)

    def transpose(self, x: Value, axes: Sequence[int]) -> Value:
        """The axes in another order."""
        if list(axes) == sorted(axes):
            return x
        made = self.node("Transpose", x, dtype=x.dtype, perm=list(axes))
        return replace(made, dims=tuple(x.dims[i] for i in axes) if x.dims else ())

    def expand(self, x: Value, dims: Dims) -> Value:
        """Repeated to fill a larger shape."""
        return replace(self.node("Expand", x, self.sizes(dims), dtype=x.dtype), dims=dims)

    def leaf(self, value: Any, name: str) -> Value:
        """A constant of an `OpenGraph`."""
        if isinstance(value, Number):
            return self._scalar(value.size).cast(value.dtype)
        if isinstance(value, Count):
            limit = self._scalar(next(d for d in value.dims if isinstance(d, Size)))
            start, step = self.constant(np.int64(0)), self.constant(np.int64(1))
            return self.reshape(self.node("Range", start, limit, step, dtype=np.int64), value.dims)
        if isinstance(value, Repeated):
            return self.expand(self.constant(value.one, name), value.dims)
        return self.constant(value, name)
