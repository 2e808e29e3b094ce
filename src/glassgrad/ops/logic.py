"""Gates whose result is a truth value, a step or another dtype: comparisons, logic, bits, rounding, casts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassgrad.errors import OperandError
from glassgrad.op import Explanation, Op, Spec, answers, shaped, ufunc_shape
from glassgrad.ops.cases import PAIRS, SHAPES, Cases, binary, unary

_COMPARED = "a comparison is true or false, not differentiable"
_LOGIC = "logic has no gradient"
_STEPS = "rounding is constant between jumps"
_BITS = "bits are shifted, which is no function of real numbers"


def _bits(count: int) -> Cases:
    if count == 1:
        return lambda rng: [((rng.random(s) < 0.5,), {}) for s in SHAPES]
    return lambda rng: [((rng.random(s) < 0.5, rng.random(t) < 0.5), {}) for s, t in PAIRS]


def _shifts(rng: np.random.Generator) -> Any:
    return [((rng.integers(0, 50, s), rng.integers(0, 4, t)), {}) for s, t in PAIRS]


def _step(ufunc: np.ufunc, formula: str, role: str, reason: str, cases: Cases, lower: Any = None) -> Op:
    """The record of a gate that is constant between jumps."""
    return Op(
        ufunc.__name__,
        shape=ufunc_shape(ufunc),
        forward=ufunc,
        gradients=(reason,) * ufunc.nin,
        explain=Explanation(formula, role, "blocks"),
        cases=cases,
        numpy=(ufunc,),
        lower=lower,
    )


def _compared(how: str) -> Any:
    return lambda b, x, y: b.compare(how, x, y)


equal = _step(np.equal, "x = y", "compares", _COMPARED, binary(), _compared("=="))
not_equal = _step(np.not_equal, r"x \ne y", "compares", _COMPARED, binary(), _compared("!="))
less = _step(np.less, "x < y", "compares", _COMPARED, binary(), _compared("<"))
less_equal = _step(np.less_equal, r"x \le y", "compares", _COMPARED, binary(), _compared("<="))
greater = _step(np.greater, "x > y", "compares", _COMPARED, binary(), _compared(">"))
greater_equal = _step(np.greater_equal, r"x \ge y", "compares", _COMPARED, binary(), _compared(">="))
isfinite = _step(np.isfinite, r"|x| < \infty", "tests for finite", _COMPARED, unary(), lambda b, x: b.finite(x))
isnan = _step(np.isnan, r"x \ne x", "tests for not-a-number", _COMPARED, unary(), lambda b, x: b.compare("!=", x, x))
isinf = _step(
    np.isinf, r"|x| = \infty", "tests for infinite", _COMPARED, unary(),
    lambda b, x: b.compare("==", b.abs(x), b.const(math.inf, x.type)),
)  # fmt: skip
logical_and = _step(np.logical_and, r"x \land y", "both", _LOGIC, _bits(2), lambda b, x, y: b.both(x, y))
logical_or = _step(np.logical_or, r"x \lor y", "either", _LOGIC, _bits(2), lambda b, x, y: b.either(x, y))
logical_xor = _step(np.logical_xor, r"x \oplus y", "one but not both", _LOGIC, _bits(2), lambda b, x, y: b.xor(x, y))
logical_not = _step(np.logical_not, r"\lnot x", "not", _LOGIC, _bits(1), lambda b, x: b.invert(x))
bitwise_and = _step(np.bitwise_and, r"x \mathbin{\&} y", "both", _LOGIC, _bits(2), lambda b, x, y: b.both(x, y))
bitwise_or = _step(np.bitwise_or, r"x \mid y", "either", _LOGIC, _bits(2), lambda b, x, y: b.either(x, y))
bitwise_xor = _step(np.bitwise_xor, r"x \oplus y", "one but not both", _LOGIC, _bits(2), lambda b, x, y: b.xor(x, y))
invert = _step(np.invert, r"\lnot x", "not", _LOGIC, _bits(1), lambda b, x: b.invert(x))
left_shift = _step(
    np.left_shift, r"x \cdot 2^{y}", "shifts bits to the left", _BITS, _shifts, lambda b, x, y: b.shifted_left(x, y)
)
right_shift = _step(
    np.right_shift, r"\lfloor x / 2^{y} \rfloor", "shifts bits to the right", _BITS, _shifts,
    lambda b, x, y: b.shifted_right(x, y),
)  # fmt: skip
signbit = _step(
    np.signbit, "x < 0", "tests for a minus sign, that of -0 too", _COMPARED, unary(), lambda b, x: b.sign_bit(x)
)
floor = _step(np.floor, r"\lfloor x \rfloor", "rounds down", _STEPS, unary(), lambda b, x: b.floor(x))
ceil = _step(np.ceil, r"\lceil x \rceil", "rounds up", _STEPS, unary(), lambda b, x: b.ceil(x))
trunc = _step(np.trunc, r"\mathrm{trunc}\,x", "rounds towards 0", _STEPS, unary(), lambda b, x: b.trunc(x))
rint = _step(
    np.rint, r"\mathrm{round}\,x", "rounds to the nearest, ties to even", _STEPS, unary(), lambda b, x: b.rint(x)
)
floor_divide = _step(
    np.floor_divide, r"\lfloor x / y \rfloor", "divides and rounds down", _STEPS, binary(-2, 2, 0.5, 2),
    lambda b, x, y: b.floor_divide(x, y),
)  # fmt: skip
remainder = Op(
    "remainder",
    shape=ufunc_shape(np.remainder),
    forward=np.remainder,
    gradients=(lambda g, out, x, y: g, lambda g, out, x, y: -g * np.floor(x / y)),
    explain=Explanation(
        r"x \bmod y", "passes the gradient to x; y feels how often it fits", "scales",
        ("1", r"-\lfloor x / y \rfloor"),
    ),
    lower=lambda b, x, y: b.remainder(x, y),
    cases=binary(0.1, 2, 2.1, 3),
    numpy=(np.remainder,),
)  # fmt: skip
nextafter = Op(
    "nextafter",
    shape=ufunc_shape(np.nextafter),
    forward=np.nextafter,
    gradients=(lambda g, out, x, y: g, "y says only which neighbour of x is taken"),
    explain=Explanation(
        r"\mathrm{nextafter}(x, y)", "takes the next number in floating point, and passes the gradient to x", "moves",
        ("1",),
    ),
    lower=lambda b, x, y: b.next_after(x, y),
    cases=binary(),
    numpy=(np.nextafter,),
)  # fmt: skip


def _real(dtype: Any) -> np.dtype[Any]:
    dtype = np.dtype(dtype)
    if dtype.kind not in "biuf":
        raise OperandError(f"tensors hold bool, integers and floating numbers, and cannot become {dtype}")
    return dtype


cast = Op(
    "cast",
    shape=lambda x, dtype: Spec(tuple(x.shape), _real(dtype)),
    forward=lambda x, dtype: np.asarray(x).astype(_real(dtype)),
    gradients=(lambda g, out, x, dtype: g,),
    explain=Explanation("x", "changes the dtype; the gradient is cast back", "moves", ("1",)),
    cases=lambda rng: [
        ((rng.normal(size=s),), {"dtype": d})
        for s, d in (((), "float64"), ((3,), "float64"), ((2, 3), "int64"), ((3,), "bool"))
    ],
)


@answers(np.round, np.around)
def round(x: Any, decimals: int = 0) -> Any:
    """Round to the given number of decimals, ties to even; no gradient passes.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.round(gg.tensor([0.5, 1.26]), 1).value)
    [0.5 1.3]
    """
    x = shaped(x)
    if x.dtype.kind in "iu" and decimals >= 0:
        return np.positive(x)
    if decimals == 0:
        return rint(x)
    scale = 10.0**decimals
    result = rint(x * scale) / scale
    return result.astype(x.dtype) if x.dtype.kind in "iu" else result


@answers(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """How many elements are not zero, over all axes or some; no gradient passes.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.count_nonzero(gg.tensor([[1.0, 0.0], [2.0, 3.0]]), axis=0).value)
    [2 1]
    """
    return np.sum(np.not_equal(shaped(a), 0), axis=axis, keepdims=keepdims)
