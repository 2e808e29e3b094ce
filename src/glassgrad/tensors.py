"""Tensor: a wire with NumPy's operators and protocols, .value, .grad and .backward(); Parameter.

Default dtypes: what NumPy gives. Python floats become float64, integers int64, and a Python number
beside a float32 array takes float32. Complex numbers are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from glassgrad import ops
from glassgrad.errors import (
    GlassgradError,
    GradientError,
    OperandError,
    ShapeError,
    UnsupportedError,
    ValueMissingError,
    at,
    describe,
    gate_failure,
    refuse,
    spec_text,
    user_location,
)
from glassgrad.op import Op, Spec
from glassgrad.operators import Operators
from glassgrad.ops import arithmetic, parts
from glassgrad.sweep import sweep
from glassgrad.wire import NO_PARAMS, grouped, next_serial, recording

RENDERERS: dict[str, Callable[..., Any]] = {}
"""How a tensor or graph shows itself, by method name; filled by the package, so nothing here imports a view."""


def _accepted(value: Any, name: str | None) -> np.ndarray[Any, Any]:
    """`value` as an array of real numbers, or an error that says what was wrong with it."""
    try:
        array = np.asarray(value)
    except GlassgradError:
        raise
    except (ValueError, TypeError) as error:
        raise OperandError(f"{_called(name)} is not an array of numbers: {error}{at(user_location())}") from error
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        what = {"c": "complex numbers are", "O": "Python objects are", "U": "text is", "S": "text is"}.get(
            array.dtype.kind, f"{array.dtype} is"
        )
        hint = {"c": "; differentiate real and imaginary part as two real arrays"}.get(array.dtype.kind, "")
        raise OperandError(
            f"{what} not supported ({_called(name)} is {type(value).__name__} of dtype {array.dtype}): "
            f"glassgrad takes bool, integers, float16, float32 and float64{hint}{at(user_location())}"
        )
    return array


def _called(name: str | None) -> str:
    return f"'{name}'" if name else "an operand"


def _leaf(
    cls: type[Any],
    value: Any,
    shape: Any,
    dtype: Any,
    name: str | None = None,
    active: bool = False,
    weak: bool = False,
) -> Any:
    """A wire that no gate made."""
    t = object.__new__(cls)
    t.op, t.operands, t.params, t.parts = None, (), NO_PARAMS, None
    t.shape, t.dtype, t.weak = shape, dtype, weak
    t.name, t.location, t.group, t.origin = name, None, recording.group, recording.origin
    t.active, t.changed, t._value, t._grad = active, 0, value, None
    t.serial = next_serial()
    return t


_NUMPY = ops.NUMPY
_NUMBERS: dict[tuple[type, Any], Tensor] = {}


def constant(x: Any, name: str | None = None) -> Tensor:
    """An operand that is not a tensor, as a leaf without gradient. Python numbers stay weak; arrays are copied."""
    kind = type(x)
    if kind is float or kind is int or kind is bool:
        number = _NUMBERS.get((kind, x)) if x else None  # 0.0 and -0.0 are equal, but not the same
        if number is None:
            number = _leaf(Tensor, x, (), np.dtype(kind), weak=True)
            if len(_NUMBERS) < 4096:
                _NUMBERS[kind, x] = number
        return number if name is None else number.detach().named(name)
    if name is None and recording.names is not None:
        name = recording.names.get(id(x))
    array = x if kind is np.ndarray and x.dtype.kind == "f" else _accepted(x, name)
    if array.flags.writeable:
        array = array.copy(order="K")
        array.setflags(write=False)
    return _leaf(Tensor, array, array.shape, array.dtype, name)


def traced(shape: Sequence[int], dtype: DTypeLike, name: str | None = None, active: bool = False) -> Tensor:
    """A leaf with shape and dtype only: what a function is handed when its graph is traced."""
    return _leaf(Tensor, None, tuple(shape), np.dtype(dtype), name, active)


def record(op: Op, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Run a gate on wires and put its result on a new wire (one for each output)."""
    state, rules = recording, op.rules
    if rules is not None and len(rules) != len(operands):
        raise OperandError(f"{op.name} takes {len(rules)} operand(s), got {len(operands)}{at(user_location())}")
    values, active, known = [], False, True
    for x in operands:
        if type(x) is not Tensor and not isinstance(x, Tensor):
            return record(op, tuple([x if isinstance(x, Tensor) else constant(x) for x in operands]), params)
        if x.active:
            active = True
        value = x._value
        if value is None:
            known = False
        values.append(value)
    parts_ = None
    if known:
        try:
            value: Any = op.forward(*values, **params) if params else op.forward(*values)
        except Exception as error:
            raise gate_failure(op, operands, params, error) from error
        if type(value) is not np.ndarray and not isinstance(value, np.generic):
            if type(value) is tuple:
                parts_ = tuple([Spec(v.shape, v.dtype) for v in value])
            else:
                value = _accepted(value, op.name)
        spec = value if parts_ is None else parts_[0]
    else:
        try:
            spec = op.shape(*operands, **params)
        except Exception as error:
            raise gate_failure(op, operands, params, error) from error
        value = None
        if type(spec) is tuple:
            parts_ = spec
            spec = spec[0]
    if not state.enabled:
        if parts_ is None:
            return _leaf(Tensor, value, spec.shape, spec.dtype)
        each = (None,) * len(parts_) if value is None else value
        return tuple([_leaf(Tensor, v, s.shape, s.dtype) for v, s in zip(each, parts_, strict=True)])
    if active and op.blocks:
        active = any(x.active and r is not None for x, r in zip(operands, rules or (), strict=True))
    origin, dtype = state.origin, spec.dtype
    t = object.__new__(Tensor)
    t.op = op
    t.operands = operands
    t.params = params
    t.parts = parts_
    t.shape = spec.shape if parts_ is None else ()
    t.dtype = dtype
    t.weak = False
    t.active = active and dtype.kind == "f"
    t.name = None
    t.group = state.group
    t.origin = origin
    t.location = user_location(3) if origin is None else origin.location
    t.changed = 0
    t._value = value
    t._grad = None
    t.serial = next_serial()
    if parts_ is None:
        return t
    return tuple(record(parts.part, (t,), {"index": i}) for i in range(len(parts_)))


class Tensor(Operators):
    """A wire of a computational graph that acts like a NumPy array.

    Made by `gg.tensor`, or by computing with tensors. Its array is never changed: a tensor made
    from an array copies it. `np.exp(t)`, `t @ w`, `t[1:]` and the rest of NumPy work as on arrays
    and record gates; follow `.value` for the numbers and `.grad` for the gradient.
    """

    __slots__ = ()
    __hash__ = object.__hash__
    __gate__ = staticmethod(record)
    __group__ = staticmethod(grouped)

    @property
    def value(self) -> Any:
        """The numbers on this wire: a read-only array, or a NumPy scalar.

        Raises
        ------
        ValueMissingError
            When the tensor is being traced and has a shape and dtype only.
        """
        value = self._value
        if value is None:
            raise ValueMissingError(
                f"{describe(self)} has no value: the function is being traced, with shapes and dtypes only. "
                "Use np.where for a choice that depends on values, or run it without compiling"
                f"{at(user_location())}"
            )
        if isinstance(value, np.ndarray) and value.flags.writeable:
            value.setflags(write=False)
        return value

    @property
    def grad(self) -> Any:
        """Gradient of the last loss `backward()` was called on; None before, and for constants."""
        return self._grad

    def backward(self, g: ArrayLike | None = None) -> None:
        """Run backpropagation from this wire: sets `.grad` on every wire it was computed from.

        Calling it again changes nothing, since gradients are overwritten and not added up; to
        differentiate the sum of two losses, add them.

        Parameters
        ----------
        g : array_like, optional
            Upstream gradient, of this wire's shape. Needed unless the wire is a scalar.

        Raises
        ------
        GradientError
            When there is no gradient path, or no upstream gradient for an array.

        Examples
        --------
        >>> import glassgrad as gg
        >>> x, y, z = gg.tensor(-2.0, "x"), gg.tensor(5.0, "y"), gg.tensor(-4.0, "z")
        >>> f = (x + y) * z
        >>> f.backward()
        >>> print(x.grad, y.grad, z.grad)
        -4.0 -4.0 3.0
        """
        if self.dtype.kind != "f" or not self.active:
            raise GradientError(f"there is no gradient path to {describe(self)}: {no_path(self)}{at(user_location())}")
        if g is None:
            if self.shape != ():
                raise GradientError(
                    f"backward() starts at a scalar, and {describe(self)} is an array; "
                    f"sum it, or hand backward() an upstream gradient of its shape{at(user_location())}"
                )
            g = self.dtype.type(1)
        else:
            g = np.asarray(g, self.dtype)
            if g.shape != self.shape:
                raise ShapeError(
                    f"the upstream gradient has shape {g.shape}, {describe(self)} has {self.shape}{at(user_location())}"
                )
        if self._value is None:
            _ = self.value
        wires: dict[int, Any] = {}
        gradients = sweep({self: g}, wires=wires)
        for serial, wire in wires.items():
            wire._grad = gradients.get(serial) if wire.parts is None else None

    def detach(self) -> Tensor:
        """A constant with this wire's value, outside the graph."""
        return _leaf(Tensor, self._value, self.shape, self.dtype, self.name, weak=self.weak)

    def named(self, name: str) -> Tensor:
        """Name this wire, for graphs, tables and messages; returns the wire itself."""
        self.name = name
        return self

    # Python's and NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            target = _NUMPY.get(ufunc)
            if not kwargs and type(target) is Op:
                return record(target, inputs, NO_PARAMS)
        else:
            target = _NUMPY.get((ufunc, method))
        call = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        if target is None:
            raise UnsupportedError(
                f"{call} is not a gate that tensors know; use .value where no gradient is needed, "
                f"or define it with gg.gate(forward, gradients){at(user_location())}"
            )
        if kwargs.pop("out", None) is not None:
            raise UnsupportedError(
                f"{call} cannot write into an array (out=, or an in-place operator such as +=): tensors are "
                f"immutable; bind the result to a name instead{at(user_location())}"
            )
        if isinstance(target, Op) and kwargs:
            raise UnsupportedError(f"{call} of tensors takes no {', '.join(kwargs)}={at(user_location())}")
        return target(*inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target = _NUMPY.get(func) or _PLAIN.get(func)
        if target is None:
            name = f"{func.__module__}.{func.__name__}".replace("numpy", "np")
            raise UnsupportedError(
                f"{name} is not supported on tensors; use .value where no gradient is needed, "
                f"or define it with gg.gate(forward, gradients){at(user_location())}"
            )
        try:
            return target(*args, **kwargs)
        except TypeError as error:
            if isinstance(error, GlassgradError) or "argument" not in str(error):
                raise
            raise UnsupportedError(f"np.{func.__name__} of tensors: {error}{at(user_location())}") from error

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return ops

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(
            self,
            "turning into a NumPy array",
            "use .value for its numbers, np.stack([...]) to join tensors, gg.sparse_matmul(csr, t) for a SciPy matrix",
        )

    def __repr__(self) -> str:
        name = f", name='{self.name}'" if self.name else ""
        made = f", {self.op.name}" if self.op is not None else ""
        if self._value is None:
            return f"tensor({spec_text(self)}, no value{name}{made})"
        body = np.array2string(np.asarray(self._value), separator=", ", prefix="tensor(")
        dtype = "" if self.weak or self.dtype in (np.float64, np.int64, np.bool_) else f", dtype={self.dtype}"
        return f"tensor({body}{dtype}{name}{made})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __reduce__(self) -> Any:
        if self.op is not None:
            raise OperandError(f"{describe(self)} is the result of a gate and cannot be copied or pickled; use .value")
        return (_rebuild, (self._value, self.spec, self.name, self.active))

    def _show(self, method: str) -> Any:
        renderer = RENDERERS.get(method)
        return None if renderer is None else renderer(self)

    def _repr_html_(self) -> Any:
        return self._show("_repr_html_")


def _rebuild(value: Any, spec: Spec, name: str | None, active: bool) -> Tensor:
    return _leaf(Tensor, value, spec.shape, spec.dtype, name, active, spec.weak)


def no_path(wire: Any) -> str:
    """Why no gradient can flow back from this wire, in words."""
    if wire.dtype.kind != "f":
        made = f"; {wire.op.name} gives no gradient" if wire.op is not None else ""
        return f"it holds {wire.dtype}, and only floating numbers have gradients{made}"
    if wire.op is None:
        return "it is a constant" if not getattr(wire, "frozen", False) else "the parameter is frozen"
    reasons = [r for r in (wire.op.rule(i) for i in range(len(wire.operands))) if isinstance(r, str)]
    return reasons[0] if reasons else "it was computed from constants only"


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
        array = np.array(_accepted(value, name))
        if array.dtype.kind != "f":
            raise OperandError(
                f"a parameter learns and so must be floating; {_called(name)} is {array.dtype}{at(user_location())}"
            )
        array.setflags(write=False)
        self = _leaf(cls, array, array.shape, array.dtype, name, not frozen)
        self._frozen = frozen
        return self

    @property
    def value(self) -> Any:
        """The current numbers, read-only. Assign a new array of the same shape to replace them."""
        return self._value

    @value.setter
    def value(self, new: ArrayLike) -> None:
        array = new if type(new) is np.ndarray else _accepted(new, self.name)
        if array.shape != self.shape:
            raise ShapeError(
                f"parameter {describe(self)} cannot take a value of shape {array.shape}{at(user_location())}"
            )
        array = _accepted(array, self.name).astype(self.dtype) if array.dtype is not self.dtype else array.copy()
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


def tensor(data: ArrayLike, name: str | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """A tensor from numbers: a leaf of the graph that gradients are computed for.

    Parameters
    ----------
    data : array_like
        Numbers; copied. Python floats become float64, as in NumPy; arrays keep their dtype.
    name : str, optional
        Name in graphs, tables and messages.
    dtype : dtype, optional
        Dtype to convert to.

    Returns
    -------
    Tensor
        A leaf. Floating tensors receive gradients, integers and truth values do not.

    Raises
    ------
    OperandError
        For complex numbers, objects or text.

    Examples
    --------
    >>> import glassgrad as gg
    >>> gg.tensor([1.0, 2.0], "x")
    tensor([1., 2.], name='x')
    """
    if isinstance(data, Tensor):
        result = identity(data) if dtype is None else data.astype(dtype)
        return result.named(name) if name else result
    array = np.array(_accepted(data, name), dtype=dtype)
    _accepted(array, name)
    array.setflags(write=False)
    return _leaf(Tensor, array[()], array.shape, array.dtype, name, array.dtype.kind == "f")


identity = arithmetic.identity


def _zeros_like(x: Any, dtype: DTypeLike | None = None, shape: Any = None, fill: Any = 0) -> np.ndarray[Any, Any]:
    return np.full(x.shape if shape is None else shape, fill, dtype or x.dtype)


_PLAIN: dict[Any, Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: len(a.shape),
    np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
    np.zeros_like: _zeros_like,
    np.empty_like: _zeros_like,
    np.ones_like: lambda a, dtype=None, shape=None: _zeros_like(a, dtype, shape, 1),
    np.full_like: lambda a, fill_value, dtype=None, shape=None: _zeros_like(a, dtype, shape, fill_value),
    np.iscomplexobj: lambda x: False,
    np.isrealobj: lambda x: True,
    np.result_type: lambda *xs: np.result_type(*[x.dtype if isinstance(x, Tensor) else x for x in xs]),
    np.allclose: lambda a, b, **options: np.allclose(_numbers(a), _numbers(b), **options),
    np.array_equal: lambda a, b, **options: np.array_equal(_numbers(a), _numbers(b), **options),
}
"""NumPy functions of shape, dtype or truth, which need no gate."""


def _numbers(x: Any) -> Any:
    return x.value if isinstance(x, Tensor) else x
