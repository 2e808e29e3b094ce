"""Gates whose result is a truth value, a step or another dtype: comparisons, logic, rounding, casts."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.op import Explanation, Op, Spec, answers, ufunc_shape
from glassgrad.ops.cases import PAIRS, SHAPES, Cases, binary, unary

_COMPARED = "a comparison is true or false, not differentiable"
_LOGIC = "logic has no gradient"
_STEPS = "rounding is constant between jumps"


def _bits(count: int) -> Cases:
    if count == 1:
        return lambda rng: [((rng.random(s) < 0.5,), {}) for s in SHAPES]
    return lambda rng: [((rng.random(s) < 0.5, rng.random(t) < 0.5), {}) for s, t in PAIRS]


def _step(ufunc: np.ufunc, formula: str, role: str, reason: str, cases: Cases) -> Op:
    """The record of a gate that is constant between jumps."""
    return Op(
        ufunc.__name__,
        shape=ufunc_shape(ufunc),
        forward=ufunc,
        gradients=(reason,) * ufunc.nin,
        explain=Explanation(formula, role, "blocks"),
        cases=cases,
        numpy=(ufunc,),
    )


equal = _step(np.equal, "x = y", "compares", _COMPARED, binary())
not_equal = _step(np.not_equal, r"x \ne y", "compares", _COMPARED, binary())
less = _step(np.less, "x < y", "compares", _COMPARED, binary())
less_equal = _step(np.less_equal, r"x \le y", "compares", _COMPARED, binary())
greater = _step(np.greater, "x > y", "compares", _COMPARED, binary())
greater_equal = _step(np.greater_equal, r"x \ge y", "compares", _COMPARED, binary())
isfinite = _step(np.isfinite, r"|x| < \infty", "tests for finite", _COMPARED, unary())
isnan = _step(np.isnan, r"x \ne x", "tests for not-a-number", _COMPARED, unary())
isinf = _step(np.isinf, r"|x| = \infty", "tests for infinite", _COMPARED, unary())
logical_and = _step(np.logical_and, r"x \land y", "both", _LOGIC, _bits(2))
logical_or = _step(np.logical_or, r"x \lor y", "either", _LOGIC, _bits(2))
logical_xor = _step(np.logical_xor, r"x \oplus y", "one but not both", _LOGIC, _bits(2))
logical_not = _step(np.logical_not, r"\lnot x", "not", _LOGIC, _bits(1))
bitwise_and = _step(np.bitwise_and, r"x \mathbin{\&} y", "both", _LOGIC, _bits(2))
bitwise_or = _step(np.bitwise_or, r"x \mid y", "either", _LOGIC, _bits(2))
bitwise_xor = _step(np.bitwise_xor, r"x \oplus y", "one but not both", _LOGIC, _bits(2))
invert = _step(np.invert, r"\lnot x", "not", _LOGIC, _bits(1))
floor = _step(np.floor, r"\lfloor x \rfloor", "rounds down", _STEPS, unary())
ceil = _step(np.ceil, r"\lceil x \rceil", "rounds up", _STEPS, unary())
trunc = _step(np.trunc, r"\mathrm{trunc}\,x", "rounds towards 0", _STEPS, unary())
rint = _step(np.rint, r"\mathrm{round}\,x", "rounds to the nearest, ties to even", _STEPS, unary())
floor_divide = _step(
    np.floor_divide, r"\lfloor x / y \rfloor", "divides and rounds down", _STEPS, binary(-2, 2, 0.5, 2)
)
remainder = Op(
    "remainder",
    shape=ufunc_shape(np.remainder),
    forward=np.remainder,
    gradients=(lambda g, out, x, y: g, lambda g, out, x, y: -g * np.floor(x / y)),
    explain=Explanation(
        r"x \bmod y", "passes the gradient to x; y feels how often it fits", "scales",
        ("1", r"-\lfloor x / y \rfloor"),
    ),
    cases=binary(0.1, 2, 2.1, 3),
    numpy=(np.remainder,),
)  # fmt: skip
cast = Op(
    "cast",
    shape=lambda x, dtype: Spec(tuple(x.shape), np.dtype(dtype)),
    forward=lambda x, dtype: np.asarray(x).astype(dtype),
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
    if decimals == 0:
        return rint(x)
    scale = 10.0**decimals
    return rint(x * scale) / scale
