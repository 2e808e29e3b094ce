"""Tensor: a wire with NumPy's operators and protocols, .value, .grad and .backward(); Parameter.

Default dtypes: what NumPy gives. Python floats become float64, integers int64, and a Python number
beside a float32 array takes float32. Complex numbers are refused.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from glassgrad import ops
from glassgrad.displays import Shown
from glassgrad.errors import (
    OURS,
    GlassgradError,
    GradientError,
    OperandError,
    ShapeError,
    UnsupportedError,
    ValueMissingError,
    describe,
    gate_failure,
    no_path,
    refuse,
    spec_text,
    unanswered,
    user_frame,
)
from glassgrad.leaves import accepted, changeable, leaf
from glassgrad.op import Op, Spec
from glassgrad.operators import Operators
from glassgrad.ops import arithmetic, parts
from glassgrad.sweep import sweep
from glassgrad.wire import NO_PARAMS, next_serial, open_group, threads, topological

NAMESPACE = "glassgrad.namespace"
"""The module of the array API standard, which stands above this one and is imported when code asks for it."""


_NUMPY = ops.NUMPY
_new, _getframe = object.__new__, sys._getframe
_NUMBERS: dict[type, dict[Any, Tensor]] = {int: {}, float: {}, bool: {}}


def constant(x: Any, name: str | None = None) -> Tensor:
    """Data as a leaf without gradient: what an operand that is not a tensor becomes.

    Parameters
    ----------
    x : array_like
        Numbers; an array is copied, unless it is read-only. A Python number stays weak: it takes the
        dtype of its partner.
    name : str, optional
        Name in graphs and messages.

    Examples
    --------
    >>> import glassgrad as gg
    >>> gg.constant([1.0, 2.0], "x").active
    False
    """
    kind = type(x)
    if kind is int or kind is float or kind is bool:
        # 0.0 and -0.0 are equal, but not the same; so are 1 and 1.0, hence a cache for each kind.
        number = _NUMBERS[kind].get(x) if x else None
        if number is None:
            number = leaf(Tensor, x, (), np.dtype(kind), weak=True)
            if len(_NUMBERS[kind]) < 4096:
                _NUMBERS[kind][x] = number
        return number if name is None else number.detach().named(name)
    if isinstance(x, Tensor):
        return x.detach() if name is None else x.detach().named(name)
    if name is None and threads.recording.names is not None:
        name = threads.recording.names.get(id(x))
    array = accepted(x, name)
    if changeable(array):
        array = array.copy()
    return leaf(Tensor, array, array.shape, array.dtype, name)


def traced(shape: Sequence[int], dtype: DTypeLike, name: str | None = None, active: bool = False) -> Tensor:
    """A leaf with shape and dtype only: what a function is handed when its graph is traced."""
    return leaf(Tensor, None, tuple(shape), np.dtype(dtype), name, active)


def record(op: Op, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Run a gate on wires and put its result on a new wire (one for each output)."""
    state, rules = threads.recording, op.rules
    if rules is not None and len(rules) != len(operands):
        raise OperandError(f"{op.name} takes {len(rules)} operand(s), got {len(operands)}")
    values: list[Any] = []
    active, known = False, True
    for i, x in enumerate(operands):
        if type(x) is not Tensor and not isinstance(x, Tensor):
            x = constant(x)
            operands = (operands[0], x) if i == 1 and len(operands) == 2 else (*operands[:i], x, *operands[i + 1 :])
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
                value = accepted(value, op.name)
        spec: Any = value if parts_ is None else parts_[0]
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
            return leaf(Tensor, value, spec.shape, spec.dtype)
        each: Any = (None,) * len(parts_) if value is None else value
        return tuple([leaf(Tensor, v, s.shape, s.dtype) for v, s in zip(each, parts_, strict=True)])
    if active and op.blocks:
        active = any(x.active and r is not None for x, r in zip(operands, rules or (), strict=True))
    origin, dtype = state.origin, spec.dtype
    t = _new(Tensor)
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
    if origin is None:
        frame = _getframe(2)
        if OURS.get(frame.f_code.co_filename) is not False:
            frame = user_frame(3)
        if frame is None:
            t._code, t._lasti = None, 0
        else:
            t._code = frame.f_code
            t._lasti = frame.f_lasti
    else:
        t._code, t._lasti = origin._code, origin._lasti
    t.changed = 0
    t._value = value
    t._grad = None
    t.serial = next_serial()
    if parts_ is None:
        return t
    return tuple(record(parts.part, (t,), {"index": i}) for i in range(len(parts_)))


class Tensor(Operators, Shown):
    """A wire of a computational graph that acts like a NumPy array.

    Made by `gg.tensor`, or by computing with tensors. Its array is never changed: a tensor made
    from an array copies it. `np.exp(t)`, `t @ w`, `t[1:]` and the rest of NumPy work as on arrays
    and record gates; follow `.value` for the numbers and `.grad` for the gradient.
    """

    __slots__ = ()
    __hash__ = object.__hash__
    __gate__ = staticmethod(record)
    __group__ = staticmethod(open_group)

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
                "Use np.where for a choice that depends on values"
            )
        if isinstance(value, np.ndarray) and value.flags.writeable:
            value.setflags(write=False)
        return value

    @property
    def grad(self) -> Any:
        """Gradient of the last loss `backward()` was called on, read-only; None before, and for constants."""
        g = self._grad
        if type(g) is np.ndarray:
            g.setflags(write=False)
        return g

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
            raise GradientError(f"there is no gradient path to {describe(self)}: {no_path(self)}")
        if g is None:
            if self.shape != ():
                raise GradientError(
                    f"backward() starts at a scalar, and {describe(self)} is an array; "
                    f"sum it, or hand backward() an upstream gradient of its shape"
                )
            g = self.dtype.type(1)
        else:
            g = np.array(g.value if isinstance(g, Tensor) else g, self.dtype)
            if g.shape != self.shape:
                raise ShapeError(f"the upstream gradient has shape {g.shape}, {describe(self)} has {self.shape}")
        if self._value is None:
            _ = self.value
        met: list[Any] = []
        gradients = sweep({self: g}, met=met)
        blocked = []
        for wire in met:
            wire._grad = found = gradients.get(wire.serial)
            if found is None:
                blocked.append(wire)
            elif wire.parts is not None:
                wire._grad = None
        for wire in topological(blocked):
            if wire.serial not in gradients:
                wire._grad = None

    def detach(self) -> Tensor:
        """A constant with this wire's value, outside the graph."""
        return leaf(Tensor, self._value, self.shape, self.dtype, self.name, weak=self.weak)

    def named(self, name: str) -> Tensor:
        """Name this wire, for graphs, tables and messages; returns the wire itself."""
        self.name = name
        return self

    # Python's and NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            target = _NUMPY.get(ufunc)
            if not kwargs and isinstance(target, Op):
                return record(target, inputs, NO_PARAMS)
        else:
            target = _NUMPY.get((ufunc, method))
        if target is None:
            raise unanswered(ufunc, "" if method == "__call__" else method)
        call = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        if kwargs.pop("out", None) is not None:
            raise UnsupportedError(
                f"{call} cannot write into an array (out=, or an in-place operator such as +=): tensors are "
                f"immutable; bind the result to a name instead"
            )
        if isinstance(target, Op) and kwargs:
            raise UnsupportedError(f"{call} of tensors takes no {', '.join(kwargs)}=")
        return target(*inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target = _NUMPY.get(func)
        if target is None:
            raise unanswered(func)
        try:
            return target(*args, **kwargs)
        except TypeError as error:
            if isinstance(error, GlassgradError) or "argument" not in str(error):
                raise
            raise UnsupportedError(f"np.{func.__name__} of tensors: {error}") from error

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return importlib.import_module(NAMESPACE).for_version(api_version)

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(
            self,
            "turning into a NumPy array",
            "use .value for its numbers, np.stack([...]) to join tensors, gg.sparse_matmul(csr, t) for a SciPy matrix, "
            "column.to_numpy() for pandas",
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


def _rebuild(value: Any, spec: Spec, name: str | None, active: bool) -> Tensor:
    return leaf(Tensor, value, spec.shape, spec.dtype, name, active, spec.weak)


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
    array = np.array(accepted(data, name), dtype=dtype)
    accepted(array, name)
    array.setflags(write=False)
    return leaf(Tensor, array[()], array.shape, array.dtype, name, array.dtype.kind == "f")


identity = arithmetic.identity
