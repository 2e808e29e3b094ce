"""Smooth gates on single numbers: exponentials, logarithms, circular and hyperbolic functions, σ.

Integers become floating as in NumPy (int64 to float64); float32 stays float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassgrad.op import Explanation, Op, ufunc_shape
from glassgrad.ops.cases import binary, unary

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
_LN2, _LN10 = math.log(2), math.log(10)


def _function(
    ufunc: np.ufunc, gradient: Any, formula: str, derivative: str, role: str, low: float = -2, high: float = 2
) -> Op:
    """The record of a NumPy function of one number."""
    return Op(
        ufunc.__name__,
        shape=ufunc_shape(ufunc),
        forward=ufunc,
        gradients=(gradient,),
        explain=Explanation(formula, role, "scales", (derivative,)),
        cases=unary(low, high),
        numpy=(ufunc,),
        lower=lambda b, x: getattr(b, ufunc.__name__)(x),
    )


exp = _function(np.exp, lambda g, out, x: g * out, "e^{x}", "e^{x}", "scales by its own output")
exp2 = _function(
    np.exp2, lambda g, out, x: g * (out * _LN2), "2^{x}", r"2^{x} \ln 2", "scales by its output times ln 2"
)
expm1 = _function(np.expm1, lambda g, out, x: g * (out + 1), "e^{x} - 1", "e^{x}", "scales by its output plus one")
log = _function(np.log, lambda g, out, x: g / x, r"\ln x", r"\frac{1}{x}", "scales by one over the input", 0.3, 3)
log1p = _function(
    np.log1p, lambda g, out, x: g / (1 + x), r"\ln(1 + x)", r"\frac{1}{1 + x}", "scales by 1/(1 + x)", -0.6, 2
)
log2 = _function(
    np.log2, lambda g, out, x: g / (x * _LN2), r"\log_2 x", r"\frac{1}{x \ln 2}", "scales by 1/(x ln 2)", 0.3, 3
)
log10 = _function(
    np.log10, lambda g, out, x: g / (x * _LN10), r"\log_{10} x", r"\frac{1}{x \ln 10}", "scales by 1/(x ln 10)", 0.3, 3
)
sin = _function(np.sin, lambda g, out, x: g * np.cos(x), r"\sin x", r"\cos x", "scales by the cosine")
cos = _function(np.cos, lambda g, out, x: -g * np.sin(x), r"\cos x", r"-\sin x", "scales by minus the sine")
tan = _function(
    np.tan,
    lambda g, out, x: g * (1 + out * out),
    r"\tan x",
    r"1 + \tan^{2} x",
    "scales by one plus its square",
    -1.2,
    1.2,
)
arcsin = _function(
    np.arcsin, lambda g, out, x: g / np.sqrt((1 - x) * (1 + x)), r"\arcsin x", r"\frac{1}{\sqrt{1 - x^{2}}}",
    "scales by 1/√(1 − x²)", -0.8, 0.8,
)  # fmt: skip
arccos = _function(
    np.arccos, lambda g, out, x: -g / np.sqrt((1 - x) * (1 + x)), r"\arccos x", r"-\frac{1}{\sqrt{1 - x^{2}}}",
    "scales by −1/√(1 − x²)", -0.8, 0.8,
)  # fmt: skip
arctan = _function(
    np.arctan, lambda g, out, x: g / (1 + x * x), r"\arctan x", r"\frac{1}{1 + x^{2}}", "scales by 1/(1 + x²)"
)
sinh = _function(np.sinh, lambda g, out, x: g * np.cosh(x), r"\sinh x", r"\cosh x", "scales by cosh x")
cosh = _function(np.cosh, lambda g, out, x: g * np.sinh(x), r"\cosh x", r"\sinh x", "scales by sinh x")
arcsinh = _function(
    np.arcsinh, lambda g, out, x: g / np.sqrt(x * x + 1), r"\mathrm{arsinh}\, x", r"\frac{1}{\sqrt{x^{2} + 1}}",
    "scales by 1/√(x² + 1)",
)  # fmt: skip
arccosh = _function(
    np.arccosh, lambda g, out, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)), r"\mathrm{arcosh}\, x",
    r"\frac{1}{\sqrt{x^{2} - 1}}", "scales by 1/√(x² − 1)", 1.3, 3,
)  # fmt: skip
arctanh = _function(
    np.arctanh, lambda g, out, x: g / ((1 - x) * (1 + x)), r"\mathrm{artanh}\, x", r"\frac{1}{1 - x^{2}}",
    "scales by 1/(1 − x²)", -0.8, 0.8,
)  # fmt: skip
tanh = _function(
    np.tanh, lambda g, out, x: g - g * out * out, r"\tanh x", r"1 - \tanh^{2} x", "scales by one minus its square"
)
logaddexp = Op(
    "logaddexp",
    shape=ufunc_shape(np.logaddexp),
    forward=np.logaddexp,
    gradients=(lambda g, out, x, y: g * sigmoid(x - y), lambda g, out, x, y: g * sigmoid(y - x)),
    explain=Explanation(
        r"\ln(e^{x} + e^{y})", "shares the upstream gradient as a softmax of two", "scales",
        (r"\sigma(x - y)", r"\sigma(y - x)"),
    ),
    lower=lambda b, x, y: b.logaddexp(x, y),
    cases=binary(),
    numpy=(np.logaddexp,),
)  # fmt: skip
arctan2 = Op(
    "arctan2",
    shape=ufunc_shape(np.arctan2),
    forward=np.arctan2,
    gradients=(lambda g, out, x, y: g * y / (x * x + y * y), lambda g, out, x, y: -g * x / (x * x + y * y)),
    explain=Explanation(
        r"\mathrm{atan2}(x, y)", "turns with the angle", "scales",
        (r"\frac{y}{x^{2} + y^{2}}", r"-\frac{x}{x^{2} + y^{2}}"),
    ),
    lower=lambda b, x, y: b.arctan2(x, y),
    cases=binary(0.3, 2),
    numpy=(np.arctan2,),
)  # fmt: skip
hypot = Op(
    "hypot",
    shape=ufunc_shape(np.hypot),
    forward=np.hypot,
    gradients=(lambda g, out, x, y: g * x / out, lambda g, out, x, y: g * y / out),
    explain=Explanation(
        r"\sqrt{x^{2} + y^{2}}", "scales by the direction", "scales",
        (r"\frac{x}{\sqrt{x^{2} + y^{2}}}", r"\frac{y}{\sqrt{x^{2} + y^{2}}}"),
    ),
    lower=lambda b, x, y: b.hypot(x, y),
    cases=binary(0.3, 2),
    numpy=(np.hypot,),
)  # fmt: skip


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _erf(x: Any) -> Any:
    from scipy import special

    return special.erf(x)


sigmoid = Op(
    "sigmoid",
    shape=ufunc_shape(np.exp),
    forward=_sigmoid,
    gradients=(lambda g, out, x: g * (out * (1 - out)),),
    explain=Explanation(
        r"\sigma(x) = \frac{1}{1 + e^{-x}}", "scales by σ(1 − σ), at most a quarter", "scales",
        (r"\sigma(x)\,(1 - \sigma(x))",),
    ),
    lower=lambda b, x: b.sigmoid(x),
    cases=unary(-3, 3),
)  # fmt: skip
softplus = Op(
    "softplus",
    shape=ufunc_shape(np.exp),
    forward=lambda x: np.logaddexp(x, 0),
    gradients=(lambda g, out, x: g * sigmoid(x),),
    explain=Explanation(r"\ln(1 + e^{x})", "scales by the sigmoid of its input", "scales", (r"\sigma(x)",)),
    lower=lambda b, x: b.softplus(x),
    cases=unary(-3, 3),
)
erf = Op(
    "erf",
    shape=ufunc_shape(np.exp),
    forward=_erf,
    gradients=(lambda g, out, x: g * (_TWO_OVER_ROOT_PI * np.exp(-x * x)),),
    explain=Explanation(
        r"\mathrm{erf}(x)", "scales by the bell curve", "scales", (r"\frac{2}{\sqrt{\pi}} e^{-x^{2}}",)
    ),
    lower=lambda b, x: b.erf(x),
    cases=unary(),
)
