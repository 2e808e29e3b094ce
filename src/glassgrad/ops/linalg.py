"""Gates of linear algebra on the last two axes: inverse, pseudo-inverse, solving, determinants.

Each is a LAPACK call a matrix, through NumPy. Integers become float64, float32 stays float32,
float16 is refused as in NumPy. Factorisations stand in ``factor.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from glassgrad.errors import OperandError, ShapeError, UnsupportedError
from glassgrad.op import Case, Explanation, Op, Spec, answers, composition, promote, shaped


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Any
    logabsdet: Any


def transpose(x: Any) -> Any:
    """The last two axes swapped."""
    return np.swapaxes(x, -1, -2)


def floating(*specs: Any) -> np.dtype[Any]:
    """The dtype LAPACK computes in: float32 or float64."""
    dtype = promote(*specs)
    if dtype == np.float16:
        raise OperandError("linear algebra is done in float32 or float64, not float16; use x.astype(np.float32)")
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


def matrix(name: str, x: Any) -> tuple[tuple[int, ...], int, int]:
    """Shape of the stack, rows and columns; or an error."""
    if len(x.shape) < 2:
        raise ShapeError(f"{name} takes a matrix or a stack of matrices, not shape {tuple(x.shape)}")
    return tuple(x.shape[:-2]), x.shape[-2], x.shape[-1]


def square(name: str, x: Any) -> tuple[tuple[int, ...], int]:
    """Shape of the stack and size of square matrices; or an error."""
    batch, m, n = matrix(name, x)
    if m != n:
        raise ShapeError(f"{name} takes square matrices, not {m} × {n} (shape {tuple(x.shape)})")
    return batch, n


def lapack(hint: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Say what to do when LAPACK refuses a matrix."""

    def decorate(forward: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(forward)
        def run(*operands: Any, **params: Any) -> Any:
            try:
                return forward(*operands, **params)
            except np.linalg.LinAlgError as error:
                raise np.linalg.LinAlgError(f"{error}; {hint}") from error

        return run

    return decorate


def well_conditioned(*shapes: tuple[int, ...], add: float = 2.5) -> Callable[[np.random.Generator], list[Case]]:
    """Well-conditioned square matrices: normal draws plus a multiple of the identity."""
    return lambda rng: [((rng.normal(size=s) * 0.6 + add * np.eye(s[-1]),), {}) for s in shapes]


def spread(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], list[Case]]:
    """Matrices of full rank whose eigenvalues or singular values lie well apart."""

    def one(rng: np.random.Generator, s: tuple[int, ...]) -> Any:
        diagonal = np.eye(s[-2], s[-1]) * (1 + 1.5 * np.arange(s[-1]))
        return diagonal + 0.25 * rng.normal(size=s)

    return lambda rng: [((one(rng, s),), {}) for s in shapes]


def one_matrix(name: str) -> Callable[..., Spec]:
    """Shape rule of a gate from square matrices to matrices of the same size."""

    def shape(x: Any) -> Spec:
        batch, n = square(name, x)
        return Spec((*batch, n, n), floating(x))

    return shape


_SINGULAR = "a singular matrix has no inverse; np.linalg.pinv gives the least-squares one"

inv = Op(
    "inv",
    shape=one_matrix("inv"),
    forward=lapack(_SINGULAR)(np.linalg.inv),
    gradients=(lambda g, out, x: -np.matmul(np.matmul(transpose(out), g), transpose(out)),),
    explain=Explanation(
        "x^{-1}", "the upstream gradient between two transposed inverses, negated", "mixes",
        (r"-x^{-\top} g\, x^{-\top}",),
    ),
    cases=well_conditioned((2, 2), (3, 3), (2, 2, 2), (1, 1)),
    kind="library",
    numpy=(np.linalg.inv,),
)  # fmt: skip


def _solve_shape(x: Any, y: Any) -> Spec:
    batch, n = square("solve", x)
    if not y.shape or y.shape[0 if len(y.shape) == 1 else -2] != n:
        raise ShapeError(
            f"solve of {tuple(x.shape)} and {tuple(y.shape)}: the right side needs {n} rows "
            "(NumPy 2 takes it as a vector only if it has one axis)"
        )
    try:
        batch = np.broadcast_shapes(batch, y.shape[:-2])
    except ValueError:
        raise ShapeError(f"solve of {tuple(x.shape)} and {tuple(y.shape)}: the stacks do not broadcast") from None
    return Spec((*batch, n, *(y.shape[-1:] if len(y.shape) > 1 else ())), floating(x, y))


def _solve_right(g: Any, out: Any, x: Any, y: Any) -> Any:
    if len(y.shape) == 1:
        return np.squeeze(solve(transpose(x), np.expand_dims(g, -1)), -1)
    return solve(transpose(x), g)


def _solve_left(g: Any, out: Any, x: Any, y: Any) -> Any:
    right = _solve_right(g, out, x, y)
    if len(y.shape) == 1:
        return -(np.expand_dims(right, -1) * np.expand_dims(out, -2))
    return -np.matmul(right, transpose(out))


def _solve_cases(rng: np.random.Generator) -> list[Case]:
    pairs = (
        ((2, 2), (2,)), ((3, 3), (3, 2)), ((2, 2, 2), (2,)), ((2, 2, 2), (2, 1)), ((2, 2), (3, 2, 1)),
        ((2, 1, 2, 2), (3, 2, 1)),
    )  # fmt: skip
    return [((rng.normal(size=s) * 0.6 + 2.5 * np.eye(s[-1]), rng.normal(size=t)), {}) for s, t in pairs]


solve = Op(
    "solve",
    shape=_solve_shape,
    forward=lapack("these equations have no unique solution; np.linalg.pinv(x) @ y solves them by least squares")(
        np.linalg.solve
    ),
    gradients=(_solve_left, _solve_right),
    explain=Explanation(
        "x^{-1} y", "solves the transposed equations for the upstream gradient", "mixes",
        (r"-x^{-\top} g\, (x^{-1} y)^{\top}", r"x^{-\top} g"),
    ),
    cases=_solve_cases,
    kind="library",
    numpy=(np.linalg.solve,),
)  # fmt: skip


def _column(g: Any) -> Any:
    """A number for each matrix, made to broadcast against the matrices."""
    return np.expand_dims(g, (-1, -2))


def _cofactor(x: Any) -> Any:
    u, s, vh = np.linalg.svd(x)
    n = s.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)
    sign = np.round(np.linalg.det(u) * np.linalg.det(vh))
    return (u * (others * sign[..., None])[..., None, :]) @ vh


def _cofactor_rule(g: Any, out: Any, x: Any) -> Any:
    transposed = transpose(inv(x))
    total = np.sum(g * out, axis=(-1, -2), keepdims=True)
    return total * transposed - np.matmul(np.matmul(transposed, transpose(g)), out)


cofactor = Op(
    "cofactor",
    shape=one_matrix("cofactor"),
    forward=_cofactor,
    gradients=(_cofactor_rule,),
    explain=Explanation(
        r"\det(x)\, x^{-\top}", "the slope of the determinant; it exists for singular matrices too", "mixes",
        (r"\langle g, c\rangle x^{-\top} - x^{-\top} g^{\top} c",),
    ),
    cases=well_conditioned((2, 2), (3, 3), (2, 2, 2), (1, 1)),
    kind="library",
)  # fmt: skip


def _det_shape(x: Any) -> Spec:
    return Spec(square("det", x)[0], floating(x))


det = Op(
    "det",
    shape=_det_shape,
    forward=np.linalg.det,
    gradients=(lambda g, out, x: _column(g) * cofactor(x),),
    explain=Explanation(r"\det x", "scales the cofactors", "mixes", (r"g \det(x)\, x^{-\top}",)),
    cases=well_conditioned((2, 2), (3, 3), (2, 2, 2), (1, 1)),
    kind="library",
    numpy=(np.linalg.det,),
)


def _slogdet_shape(x: Any) -> tuple[Spec, Spec]:
    one = Spec(square("slogdet", x)[0], floating(x))
    return one, one


slogdet_pair = Op(
    "slogdet",
    shape=_slogdet_shape,
    forward=lambda x: tuple(np.linalg.slogdet(x)),
    gradients=(lambda g, out, x: _column(g[1]) * transpose(inv(x)),),
    explain=Explanation(
        r"\mathrm{sign}\det x,\ \ln\left|\det x\right|", "scales the transposed inverse", "mixes", (r"g\, x^{-\top}",)
    ),
    cases=well_conditioned((2, 2), (3, 3), (2, 2, 2), (1, 1)),
    kind="library",
)


@answers(np.linalg.slogdet)
def slogdet(a: Any, /) -> SlogdetResult:
    """Sign and logarithm of the absolute value of the determinant, which does not overflow.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> sign, logdet = np.linalg.slogdet(gg.tensor([[2.0, 0.0], [0.0, -1.0]]))
    >>> print(sign.value, round(float(logdet.value), 4))
    -1.0 0.6931
    """
    return SlogdetResult(*slogdet_pair(shaped(a)))


def _pinv_shape(x: Any, rtol: float | None = None) -> Spec:
    batch, m, n = matrix("pinv", x)
    return Spec((*batch, n, m), floating(x))


def _pinv_rule(g: Any, out: Any, x: Any, rtol: float | None = None) -> Any:
    p, gt, pt = out, transpose(g), transpose(out)
    m, n = x.shape[-2:]
    result = -np.matmul(np.matmul(pt, g), pt)
    left = np.eye(m, dtype=p.dtype) - np.matmul(x, p)
    right = np.eye(n, dtype=p.dtype) - np.matmul(p, x)
    result = result + np.matmul(np.matmul(left, gt), np.matmul(p, pt))
    return result + np.matmul(np.matmul(pt, p), np.matmul(gt, right))


pinv_matrix = Op(
    "pinv",
    shape=_pinv_shape,
    forward=lambda x, rtol=None: np.linalg.pinv(x) if rtol is None else np.linalg.pinv(x, rtol=rtol),
    gradients=(_pinv_rule,),
    explain=Explanation(
        "x^{+}", "the inverse's rule, and two terms for what x does not reach; the rank is held fixed", "mixes",
        (
            r"-p^{\top} g\, p^{\top} + (1 - x p) g^{\top} p p^{\top} + p^{\top} p g^{\top} (1 - p x),\ p = x^{+}",
        ),
    ),
    cases=spread((2, 2), (3, 2), (2, 3), (2, 3, 2)),
    kind="library",
)  # fmt: skip


@answers(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Pseudo-inverse. The gradient takes the rank as fixed, as it is for a matrix of full rank.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.linalg.pinv(gg.tensor([[2.0], [0.0]])).value)
    [[0.5 0. ]]
    """
    if hermitian:
        raise UnsupportedError("pinv of tensors has no hermitian=True; leave it out, the result is the same")
    tolerance = rcond if rtol is None else rtol
    return pinv_matrix(shaped(a), rtol=None if tolerance is None else float(tolerance))


def _power_cases(rng: np.random.Generator) -> list[Case]:
    return [((rng.normal(size=(2, 2)) * 0.4 + np.eye(2),), {"n": n}) for n in (3, 1, 2, -2, 6)]


@composition("x^{n}", "the product rule over n factors", _power_cases, (np.linalg.matrix_power,))
def matrix_power(a: Any, n: int) -> Any:
    """A square matrix times itself n times, by repeated squaring; a negative n takes the inverse.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.linalg.matrix_power(gg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5).value)
    [[1. 5.]
     [0. 1.]]
    """
    x = shaped(a)
    _, size = square("matrix_power", x)
    if n < 0:
        x, n = inv(x), -n
    result = None
    while n:
        if n % 2:
            result = x if result is None else np.matmul(result, x)
        n //= 2
        if n:
            x = np.matmul(x, x)
    return np.broadcast_to(np.eye(size, dtype=x.dtype), x.shape) if result is None else np.positive(result)
