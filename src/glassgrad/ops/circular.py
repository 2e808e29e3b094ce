"""The circular functions that NumPy leaves out, composed from those it has: cot, sec, csc."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.op import composition, shaped
from glassgrad.ops.cases import unary


@composition(r"\cot x = \frac{\cos x}{\sin x}", "scales by −1/sin²x", unary(0.4, 2.6), derivative=(r"-\csc^{2} x",))
def cot(x: Any) -> Any:
    """Cotangent: cos x / sin x.

    Examples
    --------
    >>> import glassgrad as gg
    >>> print(round(gg.cot(gg.tensor(0.5)).item(), 4))
    1.8305
    """
    x = shaped(x)
    return np.cos(x) / np.sin(x)


@composition(r"\sec x = \frac{1}{\cos x}", "scales by sec x tan x", unary(-1.2, 1.2), derivative=(r"\sec x \tan x",))
def sec(x: Any) -> Any:
    """Secant: 1 / cos x.

    Examples
    --------
    >>> import glassgrad as gg
    >>> print(gg.sec(gg.tensor(0.0)).value)
    1.0
    """
    return 1 / np.cos(shaped(x))


@composition(r"\csc x = \frac{1}{\sin x}", "scales by −csc x cot x", unary(0.4, 2.6), derivative=(r"-\csc x \cot x",))
def csc(x: Any) -> Any:
    """Cosecant: 1 / sin x.

    Examples
    --------
    >>> import glassgrad as gg
    >>> print(round(gg.csc(gg.tensor(0.5)).item(), 4))
    2.0858
    """
    return 1 / np.sin(shaped(x))
