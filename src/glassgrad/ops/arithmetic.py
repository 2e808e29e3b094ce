"""Gates of arithmetic: + − × ÷, powers and roots, absolute value, maximum and minimum, where, clip.

Where a function has a kink the rules follow one convention: relu and absolute value have slope 0
at 0, maximum and minimum share the upstream gradient equally between tied operands, and clip
passes it where ``low <= x <= high``. Dtypes follow NumPy 2: Python numbers are weak. Python's operators
run the forward pass: on arrays they are NumPy's, and on single numbers five times as fast.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from glassgrad.op import Explanation, Op, Spec, answers, broadcast, promote, same_shape, ufunc_shape
from glassgrad.ops.cases import PAIRS, binary, unary

add = Op(
    "add",
    shape=ufunc_shape(np.add),
    forward=operator.add,
    gradients=(lambda g, out, x, y: g, lambda g, out, x, y: g),
    explain=Explanation("x + y", "hands the upstream gradient to both operands unchanged", "distributes", ("1", "1")),
    lower=lambda b, x, y: b.add(x, y),
    cases=binary(),
    numpy=(np.add,),
)
subtract = Op(
    "subtract",
    shape=ufunc_shape(np.subtract),
    forward=operator.sub,
    gradients=(lambda g, out, x, y: g, lambda g, out, x, y: -g),
    explain=Explanation("x - y", "hands on the upstream gradient, negated to the second", "distributes", ("1", "-1")),
    lower=lambda b, x, y: b.sub(x, y),
    cases=binary(),
    numpy=(np.subtract,),
)
multiply = Op(
    "multiply",
    shape=ufunc_shape(np.multiply),
    forward=operator.mul,
    gradients=(lambda g, out, x, y: g * y, lambda g, out, x, y: g * x),
    explain=Explanation("x y", "each operand receives upstream times the other operand", "switches", ("y", "x")),
    lower=lambda b, x, y: b.mul(x, y),
    cases=binary(),
    numpy=(np.multiply,),
)
divide = Op(
    "divide",
    shape=ufunc_shape(np.divide),
    forward=operator.truediv,
    gradients=(lambda g, out, x, y: g / y, lambda g, out, x, y: -g * out / y),
    explain=Explanation(
        r"\frac{x}{y}", "the divided learns upstream over y, the divisor minus x over y²", "switches",
        (r"\frac{1}{y}", r"-\frac{x}{y^2}"),
    ),
    lower=lambda b, x, y: b.div(x, y),
    cases=binary(-2, 2, 0.5, 2),
    numpy=(np.divide,),
)  # fmt: skip
negative = Op(
    "negative",
    shape=ufunc_shape(np.negative),
    forward=operator.neg,
    gradients=(lambda g, out, x: -g,),
    explain=Explanation("-x", "turns the sign of the upstream gradient", "scales", ("-1",)),
    lower=lambda b, x: b.neg(x),
    cases=unary(),
    numpy=(np.negative,),
)
identity = Op(
    "identity",
    shape=same_shape,
    forward=lambda x: x,
    gradients=(lambda g, out, x: g,),
    explain=Explanation("x", "passes value and gradient unchanged", "distributes", ("1",)),
    lower=lambda b, x: x,
    cases=unary(),
    kind="view",
    numpy=(np.positive, np.copy, np.conjugate, np.real),
)
stop_gradient = Op(
    "stop_gradient",
    shape=same_shape,
    forward=lambda x: x,
    gradients=("stopped by stop_gradient",),
    explain=Explanation(r"\mathrm{stop}(x)", "passes the value, and no gradient", "blocks"),
    lower=lambda b, x: x,
    cases=unary(),
    kind="view",
)


def _less_one(y: Any) -> Any:
    """The exponent of y·x^(y−1), moved off 0·x^(−1) where y is 0."""
    if isinstance(y, int | float):
        return y - 1 if y != 0 else 1
    return np.where(y == 0, 1, y - 1)


def _power(x: Any, y: Any) -> Any:
    """Python's ``**``; of truth values it is not what NumPy's function is."""
    return np.power(x, y) if getattr(x, "dtype", None) == np.bool_ else x**y


power = Op(
    "power",
    shape=ufunc_shape(np.power),
    forward=_power,
    gradients=(
        lambda g, out, x, y: g * (x + x) if type(y) is int and y == 2 else g * (y * x ** _less_one(y)),
        lambda g, out, x, y: g * out * np.log(np.where(x == 0, 1, x)),
    ),
    explain=Explanation(
        "x^{y}", "scales by y times one power less; the exponent by the logarithm of the base", "scales",
        ("y x^{y-1}", r"x^{y} \ln x"),
    ),
    lower=lambda b, x, y: b.pow(x, y),
    cases=binary(0.3, 2, -2, 3),
    numpy=(np.power,),
)  # fmt: skip
sqrt = Op(
    "sqrt",
    shape=ufunc_shape(np.sqrt),
    forward=np.sqrt,
    gradients=(lambda g, out, x: g / (2 * out),),
    explain=Explanation(r"\sqrt{x}", "scales by half the inverse root", "scales", (r"\frac{1}{2\sqrt{x}}",)),
    lower=lambda b, x: b.sqrt(x),
    cases=unary(0.3, 3),
    numpy=(np.sqrt,),
)
square = Op(
    "square",
    shape=ufunc_shape(np.square),
    forward=np.square,
    gradients=(lambda g, out, x: g * (x + x),),
    explain=Explanation("x^{2}", "scales by twice the value", "scales", ("2 x",)),
    lower=lambda b, x: b.mul(x, x),
    cases=unary(),
    numpy=(np.square,),
)
reciprocal = Op(
    "reciprocal",
    shape=ufunc_shape(np.reciprocal),
    forward=np.reciprocal,
    gradients=(lambda g, out, x: -g * (out * out),),
    explain=Explanation(r"\frac{1}{x}", "scales by minus the squared output", "scales", (r"-\frac{1}{x^{2}}",)),
    lower=lambda b, x: b.div(b.const(1, x.type), x),
    cases=unary(0.4, 2),
    numpy=(np.reciprocal,),
)
absolute = Op(
    "absolute",
    shape=ufunc_shape(np.absolute),
    forward=operator.abs,
    gradients=(lambda g, out, x: g * np.sign(x),),
    explain=Explanation(r"\left|x\right|", "keeps or turns the sign; slope 0 at 0", "scales", (r"\mathrm{sign}\,x",)),
    lower=lambda b, x: b.abs(x),
    cases=unary(0.2, 2),
    numpy=(np.absolute,),
)
copysign = Op(
    "copysign",
    shape=ufunc_shape(np.copysign),
    forward=np.copysign,
    gradients=(
        lambda g, out, x, y: g * np.sign(x) * np.copysign(1, y),
        "only the sign of y counts, and that is constant between jumps",
    ),
    explain=Explanation(
        r"\left|x\right| \mathrm{sign}\,y", "keeps or turns the sign; slope 0 at 0", "scales",
        (r"\mathrm{sign}\,x\ \mathrm{sign}\,y",),
    ),
    lower=lambda b, x, y: b.copysign(x, y),
    cases=binary(0.2, 2, -2, 2),
    numpy=(np.copysign,),
)  # fmt: skip
sign = Op(
    "sign",
    shape=ufunc_shape(np.sign),
    forward=np.sign,
    gradients=("sign is constant between jumps",),
    explain=Explanation(r"\mathrm{sign}\,x", "constant between jumps", "blocks"),
    lower=lambda b, x: b.sign(x),
    cases=unary(),
    numpy=(np.sign,),
)
relu = Op(
    "relu",
    shape=ufunc_shape(np.positive),
    forward=lambda x: np.maximum(x, 0),
    gradients=(lambda g, out, x: g * (out > 0),),
    explain=Explanation(r"\max(0, x)", "an open or a shut door for the upstream gradient", "routes", (r"[x > 0]",)),
    lower=lambda b, x: b.maximum(x, b.const(0, x.type)),
    cases=unary(),
)


def _share(g: Any, out: Any, x: Any, y: Any) -> Any:
    """The part of the upstream gradient for x: all where x was chosen, half where x and y tie."""
    return g * np.where(x == y, 0.5, x == out).astype(out.dtype)


maximum = Op(
    "maximum",
    shape=ufunc_shape(np.maximum),
    forward=np.maximum,
    gradients=(lambda g, out, x, y: _share(g, out, x, y), lambda g, out, x, y: _share(g, out, y, x)),
    explain=Explanation(
        r"\max(x, y)", "sends the upstream gradient to the larger; a tie shares it", "routes",
        (r"[x > y]", r"[y > x]"),
    ),
    lower=lambda b, x, y: b.maximum(x, y),
    cases=binary(),
    numpy=(np.maximum,),
)  # fmt: skip
minimum = Op(
    "minimum",
    shape=ufunc_shape(np.minimum),
    forward=np.minimum,
    gradients=(lambda g, out, x, y: _share(g, out, x, y), lambda g, out, x, y: _share(g, out, y, x)),
    explain=Explanation(
        r"\min(x, y)", "sends the upstream gradient to the smaller; a tie shares it", "routes",
        (r"[x < y]", r"[y < x]"),
    ),
    lower=lambda b, x, y: b.minimum(x, y),
    cases=binary(),
    numpy=(np.minimum,),
)  # fmt: skip


def _where_cases(rng: np.random.Generator) -> Any:
    return [((rng.random(s) < 0.5, rng.normal(size=s), rng.normal(size=t)), {}) for s, t in PAIRS]


where = Op(
    "where",
    shape=lambda c, x, y: Spec(broadcast(c, x, y), promote(x, y)),
    forward=np.where,
    gradients=(
        "a condition is true or false, not differentiable",
        lambda g, out, c, x, y: np.where(c, g, 0),
        lambda g, out, c, x, y: np.where(c, 0, g),
    ),
    explain=Explanation(
        r"x \text{ where } c \text{ else } y", "sends the upstream gradient to the chosen operand", "routes",
        ("", "[c]", r"[\lnot c]"),
    ),
    lower=lambda b, c, x, y: b.select(c, x, y),
    cases=_where_cases,
    numpy=(np.where,),
)  # fmt: skip


def _clip_cases(rng: np.random.Generator) -> Any:
    return [((rng.normal(size=s), rng.uniform(-1, -0.5, t), rng.uniform(0.5, 1, t)), {}) for s, t in PAIRS]


clip_between = Op(
    "clip",
    shape=lambda x, y, z: Spec(broadcast(x, y, z), promote(x, y, z)),
    forward=np.clip,
    gradients=(
        lambda g, out, x, y, z: g * ((x >= y) & (x <= z)),
        lambda g, out, x, y, z: g * (x < y),
        lambda g, out, x, y, z: g * (x > z),
    ),
    explain=Explanation(
        r"\min(\max(x, y), z)", "lets the gradient through inside the bounds, stops it outside", "routes",
        (r"[y \le x \le z]", "[x < y]", "[x > z]"),
    ),
    lower=lambda b, x, y, z: b.minimum(b.maximum(x, y), z),
    cases=_clip_cases,
)  # fmt: skip


@answers(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Keep `x` between two bounds; a bound that is None does not bind.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.clip(gg.tensor([-2.0, 0.5, 2.0]), 0, 1).value)
    [0.  0.5 1. ]
    """
    low, high = a_min if min is None else min, a_max if max is None else max
    if low is None and high is None:
        return identity(x)
    if low is None:
        return minimum(x, high)
    if high is None:
        return maximum(x, low)
    return clip_between(x, low, high)
