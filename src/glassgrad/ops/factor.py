"""Gates that factor the last two axes: Cholesky, QR, symmetric eigenvalues, singular values.

Each is a LAPACK call a matrix, through NumPy. Integers become float64, float32 stays float32,
float16 is refused as in NumPy. `cholesky` and `eigh` act on the symmetric part (x + xᵀ)/2, where
NumPy reads one triangle only: a symmetric matrix gives the same result, and the gradient is
symmetric and agrees with a perturbation of single elements. The signs of the columns of Q, U, V
and of eigenvectors are those LAPACK chose; gradients hold them fixed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassgrad.errors import ShapeError, UnsupportedError
from glassgrad.op import Explanation, Op, Spec, answers, composition, shaped
from glassgrad.ops.linalg import (
    floating,
    lapack,
    matrix,
    one_matrix,
    solve,
    spread,
    square,
    transpose,
    well_conditioned,
)


class EighResult(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """What `qr` returns."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """What `svd` returns."""

    U: Any
    S: Any
    Vh: Any


def _symmetric(x: Any) -> Any:
    return (x + transpose(x)) / 2


def _cholesky_rule(g: Any, out: Any, x: Any) -> Any:
    upper = transpose(out)
    inner = np.matmul(upper, g) * _half_triangle(x.shape[-1], out.dtype)
    return _symmetric(transpose(solve(upper, transpose(solve(upper, inner)))))


def _half_triangle(n: int, dtype: Any) -> Any:
    """Ones below the diagonal, halves on it."""
    return np.tri(n, dtype=dtype) - np.eye(n, dtype=dtype) / 2


cholesky_lower = Op(
    "cholesky",
    shape=one_matrix("cholesky"),
    forward=lapack("only such matrices have a Cholesky factor; adding a small multiple of np.eye(n) often helps")(
        lambda x: np.linalg.cholesky(_symmetric(x))
    ),
    gradients=(_cholesky_rule,),
    explain=Explanation(
        r"L,\ L L^{\top} = \tfrac{1}{2}(x + x^{\top})", "the lower half of Lᵀg between two inverse factors", "mixes",
        (r"\mathrm{sym}(L^{-\top} \Phi(L^{\top} g) L^{-1})",),
    ),
    cases=well_conditioned((2, 2), (3, 3), (2, 2, 2), (1, 1), add=4),
    kind="library",
)  # fmt: skip


@answers(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """Triangular factor of a positive definite matrix; acts on its symmetric part (x + xᵀ)/2.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.linalg.cholesky(gg.tensor([[4.0, 2.0], [2.0, 2.0]])).value)
    [[2. 0.]
     [1. 1.]]
    """
    factor = cholesky_lower(shaped(a))
    return transpose(factor) if upper else factor


def _qr_shape(x: Any) -> tuple[Spec, Spec]:
    batch, m, n = matrix("qr", x)
    if m < n:
        raise ShapeError(
            f"qr of {m} × {n} (shape {tuple(x.shape)}): gradients are known where there are at least as many rows "
            "as columns; for a wide matrix factor its transpose"
        )
    return Spec((*batch, m, n), floating(x)), Spec((*batch, n, n), floating(x))


def _qr_forward(x: Any) -> Any:
    _qr_shape(x)
    return tuple(np.linalg.qr(x))


def _qr_rule(g: Any, out: Any, x: Any) -> Any:
    q, r = out
    inner = np.matmul(r, transpose(g[1])) - np.matmul(transpose(g[0]), q)
    half = inner * _half_triangle(x.shape[-1], r.dtype)
    mirrored = half + transpose(half)
    return transpose(solve(r, transpose(g[0] + np.matmul(q, mirrored))))


qr_pair = Op(
    "qr",
    shape=_qr_shape,
    forward=_qr_forward,
    gradients=(_qr_rule,),
    explain=Explanation(
        r"Q, R,\ Q R = x", "turns by Q and solves against R", "mixes",
        (r"(g_Q + Q\,\mathrm{copyltu}(R g_R^{\top} - g_Q^{\top} Q)) R^{-\top}",),
    ),
    cases=spread((2, 2), (3, 2), (2, 3, 2), (4, 3), (1, 1)),
    kind="library",
)  # fmt: skip


@answers(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> QRResult:
    """Orthonormal columns Q times an upper triangle R, for matrices with at least as many rows as columns.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> q, r = np.linalg.qr(gg.tensor(np.ones((3, 1))))
    >>> q.shape, r.shape
    ((3, 1), (1, 1))
    """
    if mode != "reduced":
        raise UnsupportedError(f"qr of tensors has mode='reduced' only, not {mode!r}; for R take np.linalg.qr(x).R")
    return QRResult(*qr_pair(shaped(a)))


def _over_gaps(x: Any, gaps: Any) -> Any:
    """The quotient x / gaps. 0/0 counts as 0 (nothing asks for that slope); anything else over 0 stays infinite."""
    idle = (gaps == 0) & (x == 0)
    return np.where(idle, 0, x) / np.where(idle, 1, gaps)


def _differences(w: Any) -> Any:
    """w_j − w_i as a matrix."""
    return np.expand_dims(w, -2) - np.expand_dims(w, -1)


def _eigh_shape(x: Any) -> tuple[Spec, Spec]:
    batch, n = square("eigh", x)
    return Spec((*batch, n), floating(x)), Spec((*batch, n, n), floating(x))


def _eigh_rule(g: Any, out: Any, x: Any) -> Any:
    w, v = out
    eye = np.eye(x.shape[-1], dtype=v.dtype)
    turned = np.matmul(transpose(v), g[1]) * (1 - eye)
    inner = _over_gaps(turned, _differences(w)) + np.expand_dims(g[0], -2) * eye
    return _symmetric(np.matmul(np.matmul(v, inner), transpose(v)))


eigh_pair = Op(
    "eigh",
    shape=_eigh_shape,
    forward=lambda x: tuple(np.linalg.eigh(_symmetric(x))),
    gradients=(_eigh_rule,),
    explain=Explanation(
        r"w, V,\ V \mathrm{diag}(w) V^{\top} = \tfrac{1}{2}(x + x^{\top})",
        "turned into the eigenvectors' frame, divided by the gaps between eigenvalues, turned back", "mixes",
        (r"V (\mathrm{diag}(g_w) + \tfrac{V^{\top} g_V}{w_j - w_i}) V^{\top}",),
    ),
    cases=spread((2, 2), (3, 3), (2, 2, 2), (1, 1)),
    kind="library",
)  # fmt: skip


@answers(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix; acts on the symmetric part (x + xᵀ)/2.

    Eigenvectors of equal eigenvalues have no gradient: it comes out infinite or NaN, not wrong.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> w, v = np.linalg.eigh(gg.tensor([[2.0, 0.0], [0.0, 1.0]]))
    >>> print(w.value)
    [1. 2.]
    """
    if UPLO not in ("L", "U", "l", "u"):
        raise UnsupportedError(f"eigh: UPLO is 'L' or 'U', not {UPLO!r}; both mean the symmetric part here")
    return EighResult(*eigh_pair(shaped(a)))


@composition(
    r"w,\ x v = w v", "each eigenvalue passes its upstream gradient along its eigenvector",
    spread((2, 2), (3, 3), (2, 2, 2)), (np.linalg.eigvalsh,),
)  # fmt: skip
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues, ascending, of a symmetric matrix.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.linalg.eigvalsh(gg.tensor([[2.0, 0.0], [0.0, 1.0]])).value)
    [1. 2.]
    """
    return eigh(a, UPLO).eigenvalues


def _svd_shape(x: Any) -> tuple[Spec, Spec, Spec]:
    batch, m, n = matrix("svd", x)
    k, dtype = min(m, n), floating(x)
    return Spec((*batch, m, k), dtype), Spec((*batch, k), dtype), Spec((*batch, k, n), dtype)


def _svd_rule(g: Any, out: Any, x: Any) -> Any:
    u, s, vh = out
    gu, gs, gv = g[0], g[1], transpose(g[2])
    m, n = x.shape[-2:]
    k = min(m, n)
    gaps = _differences(s * s)
    left, right = np.matmul(transpose(u), gu), np.matmul(vh, gv)
    inner = _over_gaps(left - transpose(left), gaps) * np.expand_dims(s, -2)
    inner = inner + np.expand_dims(s, -1) * _over_gaps(right - transpose(right), gaps)
    inner = inner + np.expand_dims(gs, -2) * np.eye(k, dtype=s.dtype)
    result = np.matmul(np.matmul(u, inner), vh)
    if m > k:
        outside = gu - np.matmul(u, left)
        result = result + np.matmul(_over_gaps(outside, np.expand_dims(s, -2)), vh)
    if n > k:
        outside = transpose(gv) - np.matmul(transpose(right), vh)
        result = result + np.matmul(u, _over_gaps(outside, np.expand_dims(s, -1)))
    return result


svd_triple = Op(
    "svd",
    shape=_svd_shape,
    forward=lambda x: tuple(np.linalg.svd(x, full_matrices=False)),
    gradients=(_svd_rule,),
    explain=Explanation(
        r"U, s, V^{\top},\ U \mathrm{diag}(s) V^{\top} = x",
        "turned into the singular vectors' frame, divided by the gaps between squared singular values, turned back",
        "mixes", (r"U (\mathrm{diag}(g_s) + \cdots) V^{\top}",),
    ),
    cases=spread((2, 2), (3, 2), (2, 3), (2, 3, 2), (4, 2), (1, 3)),
    kind="library",
)  # fmt: skip


@answers(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Singular value decomposition; for tensors with ``full_matrices=False`` only.

    Singular vectors of equal singular values have no gradient: it comes out infinite or NaN, not wrong.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> u, s, vh = np.linalg.svd(gg.tensor([[3.0, 0.0], [0.0, 2.0]]), full_matrices=False)
    >>> print(s.value)
    [3. 2.]
    """
    x = shaped(a)
    if hermitian:
        raise UnsupportedError("svd of tensors has no hermitian=True; use np.linalg.eigh")
    if not compute_uv:
        return svd_triple(x)[1]
    if full_matrices and len(x.shape) > 1 and x.shape[-2] != x.shape[-1]:
        raise UnsupportedError(
            "svd of tensors: columns beyond the smaller side are arbitrary and have no gradient; "
            "use np.linalg.svd(x, full_matrices=False)"
        )
    return SVDResult(*svd_triple(x))


@composition(
    r"s,\ x = U \mathrm{diag}(s) V^{\top}", "each singular value passes its upstream gradient along u vᵀ",
    spread((2, 2), (3, 2), (2, 2, 3)), (np.linalg.svdvals,),
)  # fmt: skip
def svdvals(x: Any, /) -> Any:
    """Singular values, descending.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.linalg.svdvals(gg.tensor([[3.0, 0.0], [0.0, 2.0]])).value)
    [3. 2.]
    """
    return svd_triple(shaped(x))[1]
