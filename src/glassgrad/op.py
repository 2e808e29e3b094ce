"""Op: one frozen record holds all that is known of one gate; dispatch by a hook of the operand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, ParamSpec, TypeVar

import numpy as np

from glassgrad.displays import Shown
from glassgrad.errors import ShapeError

Pattern = Literal["distributes", "switches", "routes", "scales", "moves", "mixes", "sums", "draws", "blocks"]
Kind = Literal["elementwise", "reduce", "scan", "view", "gather", "contract", "generator", "library"]
Case = tuple[tuple[Any, ...], dict[str, Any]]

PATTERNS: dict[str, str] = {
    "distributes": "passes the upstream gradient to every operand (an add gate)",
    "switches": "hands each operand the upstream gradient times the other (a mul gate)",
    "routes": "sends the upstream gradient to the chosen operand only (a max gate)",
    "scales": "multiplies the upstream gradient by the local slope",
    "moves": "rearranges the upstream gradient as it rearranged the values",
    "mixes": "every input feels every output: the upstream gradient times a Jacobian never built",
    "sums": "spreads the upstream gradient back over what was summed",
    "draws": "random numbers: nothing to learn here",
    "blocks": "no gradient passes",
}


@dataclass(frozen=True, slots=True)
class Spec:
    """Shape and dtype of a wire. ``weak``: a Python number, which takes the dtype of its partner."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    weak: bool = False


@dataclass(frozen=True, slots=True)
class At:
    """A gradient for one output of a gate that has several: what the rule of `part` returns."""

    index: int
    g: Any


@dataclass(frozen=True, slots=True)
class Explanation(Shown):
    """What a gate is, for people.

    ``formula`` is LaTeX in the operands x, y, z; ``derivative`` has the local gradient for each
    operand that has one; ``role`` says in words what the gate does to the upstream gradient.
    """

    formula: str
    role: str
    pattern: Pattern = "scales"
    derivative: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Op(Shown):
    """All that is known of one gate.

    Parameters
    ----------
    name : str
        The gate's name in graphs and messages.
    shape : callable
        Specs of the operands and the static parameters in, the result's `Spec` out (a tuple of
        them for several outputs). Raises `ShapeError`. It is also the verifier of graphs.
    forward : callable
        Arrays in, array out (a tuple for several outputs). Never writes to its operands.
    gradients : tuple
        One rule ``(g, out, *operands, **params)`` an operand, in NumPy, so that it computes on
        arrays and records on tensors; or a string: the reason why this operand has no gradient.
        A single callable ``(index, g, out, *operands, **params)`` serves any number of operands.
    explain : Explanation
        The gate in words and formulas.
    cases : callable
        A random generator in, pairs (operands, params) out, on which tests prove the record.
    kind : str
        Loop shape: how the gate runs over its arrays.
    numpy : tuple
        The NumPy functions this gate answers for tensors, called as NumPy calls them.
    lower : callable, optional
        For elementwise gates that compile: ``(b, *operands)`` writes the gate on numbers or vectors with
        the builder `b` (``native/math.py``) and returns the result. All operands come in one dtype.
    flops : callable, optional
        Operands' specs, result's spec and params in, floating-point operations out; by default
        one an element of the larger side, none for views.
    """

    name: str
    shape: Callable[..., Any]
    forward: Callable[..., Any]
    gradients: tuple[Any, ...] | Callable[..., Any]
    explain: Explanation
    cases: Callable[[np.random.Generator], Iterable[Case]]
    kind: Kind = "elementwise"
    numpy: tuple[Any, ...] = ()
    flops: Callable[..., int] | None = None
    lower: Callable[..., Any] | None = None
    rules: tuple[Any, ...] | None = field(init=False, repr=False)
    blocks: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Set `rules`, the gradients with None for a reason (None for a gate of any number of operands).

        And `blocks`: whether some operand has a reason instead of a rule.
        """
        each = None if callable(self.gradients) else tuple(r if callable(r) else None for r in self.gradients)
        object.__setattr__(self, "rules", each)
        object.__setattr__(self, "blocks", each is not None and None in each)

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Run on arrays, or record on tensors: the operands are asked."""
        for x in operands:
            record = getattr(type(x), "__gate__", None)
            if record is not None:
                return record(self, operands, params)
        return self.forward(*operands, **params)

    def rule(self, index: int) -> Callable[..., Any] | str:
        """The gradient rule of one operand, or the reason why there is none."""
        if callable(self.gradients):
            return functools.partial(self.gradients, index)
        return self.gradients[index]

    def __repr__(self) -> str:
        return f"<gate {self.name}>"


P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Composition(Shown):
    """What is known of a function composed from gates: one named group in a graph."""

    name: str
    explain: Explanation
    cases: Callable[[np.random.Generator], Iterable[Case]]


def _group_hook(args: tuple[Any, ...]) -> Any:
    """The hook of the first argument, or member of a list among them, that can open a group."""
    members = (part for x in args for part in (x if isinstance(x, list | tuple) else (x,)))
    hooks = (getattr(type(part), "__group__", None) for part in members)
    return next((hook for hook in hooks if hook is not None), None)


def composition(
    formula: str,
    role: str,
    cases: Callable[[np.random.Generator], Iterable[Case]],
    numpy: tuple[Any, ...] = (),
    derivative: tuple[str, ...] = (),
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function of gates one named group, which a graph can fold or open.

    ``derivative`` is what the group's gates hand back together, where there is a formula for that: written as
    in `Explanation`; in a group that runs over an axis, sums in it run over that axis too.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = function.__name__

        @functools.wraps(function)
        def grouped(*args: P.args, **kwargs: P.kwargs) -> R:
            group = getattr(type(args[0]), "__group__", None) if args else None
            if group is None:
                group = _group_hook(args)
                if group is None:
                    return function(*args, **kwargs)
            recording = group(name)
            try:
                return function(*args, **kwargs)
            finally:
                recording.group = recording.group.parent

        grouped.composition = Composition(name, Explanation(formula, role, derivative=derivative), cases)  # pyright: ignore[reportAttributeAccessIssue]
        grouped.numpy = numpy  # pyright: ignore[reportAttributeAccessIssue]
        return grouped

    return decorate


def answers(*functions: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function as the one that answers these NumPy functions for tensors."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        function.numpy = functions  # pyright: ignore[reportFunctionMemberAccess]
        return function

    return decorate


def shaped(x: Any) -> Any:
    """`x` itself where it has a shape and dtype, else as a NumPy array."""
    return x if hasattr(x, "shape") and hasattr(x, "dtype") else np.asarray(x)


def spread(g: Any, shape: tuple[int, ...]) -> Any:
    """`np.broadcast_to`, without its overhead where a single number is spread over an array."""
    if isinstance(g, np.generic) and shape:
        return np.ndarray(shape, g.dtype, g, 0, (0,) * len(shape))
    return g if g.shape == shape else np.broadcast_to(g, shape)


def promote(*specs: Any) -> np.dtype[Any]:
    """NumPy 2's promotion; Python numbers are weak."""
    return np.result_type(*[s.dtype.type(0).item() if getattr(s, "weak", False) else s.dtype for s in specs])


def broadcast(*specs: Any) -> tuple[int, ...]:
    """The common shape of the operands, or a `ShapeError` that shows them aligned on the right."""
    try:
        return np.broadcast_shapes(*[s.shape for s in specs])
    except ValueError:
        shapes = " and ".join(str(tuple(s.shape)) for s in specs)
        raise ShapeError(
            f"shapes {shapes} do not broadcast: aligned on the right, each pair of sizes must be equal or 1"
        ) from None


def ufunc_shape(ufunc: np.ufunc) -> Callable[..., Spec]:
    """Shape rule of an elementwise gate: broadcast, with the dtype NumPy's ufunc would give."""

    def shape(*specs: Any, **_: Any) -> Spec:
        numbers = {"i": int, "f": float}  # NumPy has weak Python numbers of these kinds only: True is a NumPy bool
        inputs = [numbers.get(s.dtype.kind, s.dtype) if getattr(s, "weak", False) else s.dtype for s in specs]
        if all(isinstance(i, type) for i in inputs):
            inputs = [s.dtype for s in specs]
        dtype = ufunc.resolve_dtypes((*inputs, *([None] * ufunc.nout)))[-1]  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]
        return Spec(broadcast(*specs), dtype)

    return shape


def same_shape(spec: Any, **_: Any) -> Spec:
    """Shape rule of a gate that keeps shape and dtype."""
    return Spec(tuple(spec.shape), spec.dtype)
