"""Numbers: how values and gradients are written, short enough for a table."""

from __future__ import annotations

from typing import Any

import numpy as np

FULL = 6
"""Arrays of up to this many numbers are written out; larger ones are summarised."""


def number(x: Any) -> str:
    """One number with four significant digits; whole numbers in full up to a million.

    Examples
    --------
    >>> number(0.73105857863), number(-4.0), number(1e-7), number(True)
    ('0.7311', '-4', '1e-07', 'True')
    """
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    x = float(x)
    if x == 0:
        return "0"
    if x.is_integer() and abs(x) < 1e6:
        return str(int(x))
    return f"{x:.4g}"


def array(x: Any) -> str:
    """A value or gradient: numbers in full where there are few, else least, mean and greatest.

    Examples
    --------
    >>> import numpy as np
    >>> array(np.array([[0.1, 0.5], [-0.3, 0.8]]))
    '[[0.1 0.5] [-0.3 0.8]]'
    >>> array(np.arange(5000.0))
    'min 0  mean 2500  max 4999'
    """
    x = np.asarray(x)
    if x.ndim == 0:
        return number(x[()])
    if x.size <= FULL:
        return _nested(x)
    if x.dtype.kind == "b":
        return f"{np.count_nonzero(x)} of {x.size} true"
    bad = x.size - np.count_nonzero(np.isfinite(x))
    if bad:
        return f"{bad} of {x.size} not finite"
    if x.min() == x.max():
        return f"all {number(x.flat[0])}"
    return f"min {number(x.min())}  mean {number(np.mean(x, dtype=np.float64))}  max {number(x.max())}"


def _nested(x: Any) -> str:
    return "[" + " ".join(number(e) if x.ndim == 1 else _nested(e) for e in x) + "]"


def shape(x: tuple[int, ...]) -> str:
    """A shape as it is said: ``4096``, ``64×100``.

    Examples
    --------
    >>> shape((64, 100)), shape(())
    ('64×100', '1')
    """
    return "×".join(str(n) for n in x) or "1"
