"""A user's own gate: a forward function and its gradient rules, checked when it is defined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from glassgrad.checks import check_gradient
from glassgrad.errors import GradientError, OperandError, ShapeError, reason
from glassgrad.op import Explanation, Op, Spec


def gate(
    forward: Callable[..., Any],
    gradients: Sequence[Callable[..., Any] | str] | Callable[..., Any],
    *,
    name: str | None = None,
    shape: Callable[..., Any] | None = None,
    example: Sequence[Any] | None = None,
    formula: str = "f(x)",
    role: str = "a gate of your own",
    tolerance: float = 1e-6,
) -> Op:
    """Define a gate with its own gradient; a wrong rule is refused here, not found in training.

    Parameters
    ----------
    forward : callable
        Arrays in, one array out. Keyword arguments are static parameters.
    gradients : callable or sequence of callables
        One rule an operand, ``(g, out, *operands, **params)``: the upstream gradient `g` and the
        result `out` in, the gradient for that operand out. Written in NumPy functions, so that it
        can be differentiated again. A string instead of a rule says why there is no gradient.
    name : str, optional
        The gate's name; by default the function's.
    shape : callable, optional
        Specs of the operands in, the result's `Spec` out, for tracing without values. By default
        `forward` is run on ones of the operands' shapes.
    example : sequence of arrays, optional
        Operands to check the rules at, order 1 and 2. By default, arrays of shape (2, 3) drawn N(0, 1).
    formula, role : str
        LaTeX and words for explanations.
    tolerance : float
        Largest relative error of the check.

    Returns
    -------
    Op
        Call it on arrays or tensors, like any gate.

    Raises
    ------
    GradientError
        When a rule disagrees with finite differences; the message shows where and by how much.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> def sigma(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> swish = gg.gate(
    ...     lambda x: x * sigma(x), lambda g, out, x: g * (sigma(x) + out * (1 - sigma(x))), name="swish"
    ... )
    >>> print(gg.grad(swish)(0.0))
    0.5
    """
    rules: tuple[Any, ...] = (gradients,) if callable(gradients) else tuple(gradients)
    if not rules or not all(callable(r) or isinstance(r, str) for r in rules):
        raise OperandError("gradients must be one rule an operand, or the reason why there is none")
    name = name or str(getattr(forward, "__name__", "gate"))

    def run(*xs: Any, **params: Any) -> Any:
        out = forward(*xs, **params)
        if isinstance(out, tuple | list):
            raise OperandError(f"gate '{name}' must return one array, got {type(out).__name__}")
        return np.asarray(out)[()] if np.ndim(out) == 0 else np.asarray(out)

    def tried(*specs: Any, **params: Any) -> Spec:
        out = run(*[np.ones(s.shape, s.dtype) for s in specs], **params)
        return Spec(out.shape, out.dtype)

    def cases(rng: np.random.Generator) -> Any:
        operands = example if example is not None else [rng.normal(size=(2, 3)) for _ in rules]
        return [(tuple(np.asarray(x) for x in operands), {})]

    op = Op(
        name,
        shape=shape or tried,
        forward=run,
        gradients=rules,
        explain=Explanation(formula, role, "scales"),
        cases=cases,
        kind="library",
    )
    operands = cases(np.random.default_rng(0))[0][0]
    if len(operands) != len(rules):
        raise ShapeError(f"gate '{name}' has {len(rules)} rules and {len(operands)} example operands")
    if all(isinstance(r, str) for r in rules):
        return op
    learn = [i for i, x in enumerate(operands) if x.dtype.kind == "f" and callable(rules[i])]

    def alone(*xs: Any) -> Any:
        full = list(operands)
        for i, x in zip(learn, xs, strict=True):
            full[i] = x
        return cast(Any, op)(*full)

    try:
        report = check_gradient(alone, *[operands[i] for i in learn], order=2, tolerance=tolerance)
    except Exception as error:
        raise GradientError(
            f"gate '{name}' could not be checked: {reason(error)}\n"
            f"hand it example operands it can run on: gg.gate(…, example=(x, y))"
        ) from error
    if not report:
        raise GradientError(f"the gradient of gate '{name}' is wrong\n{report}")
    return op
