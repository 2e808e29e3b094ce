"""The gradient by finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from glassgrad.errors import ShapeError, spec_text, unknown
from glassgrad.graphs import positions
from glassgrad.tensors import Tensor
from glassgrad.trees import flatten

EPS = float(np.finfo(np.float64).eps)


def numerical_gradient(
    f: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] = 0,
    method: Literal["central", "forward", "backward"] = "central",
    step: float | None = None,
) -> Any:
    """The gradient of `f` by finite differences, element by element, in float64.

    Parameters
    ----------
    f : callable
        Returns one number.
    *args : arrays, numbers or trees of them
        Where.
    argnums : int or sequence of int
        Which arguments to differentiate by.
    method : {"central", "forward", "backward"}
        Central differences take 2n runs of `f` for n numbers, one-sided ones n + 1.
    step : float, optional
        Step for an element of size 1; larger elements take a proportional one. By default the cube
        root (central) or square root (one-sided) of the rounding error of float64.

    Returns
    -------
    Arrays in the form of the argument; a tuple for several `argnums`.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> print(gg.numerical_gradient(lambda w: np.sum(w**2), np.array([1.0, 2.0])).round(6))
    [2. 4.]
    """
    if method not in ("central", "forward", "backward"):
        raise unknown("method", method, ("central", "forward", "backward"))
    middle: float | None = None
    base = step if step is not None else EPS ** (1 / 3 if method == "central" else 1 / 2)
    nums = positions(argnums, args)
    wrapped = list(args)
    results = []
    for i in nums:
        leaves, _, rebuild = flatten(args[i])
        arrays = [np.array(getattr(leaf, "value", leaf), dtype=np.float64) for leaf in leaves]

        def run(rebuild: Any = rebuild, arrays: list[Any] = arrays, i: int = i) -> float:
            wrapped[i] = rebuild([a.copy() if a.ndim else a[()] for a in arrays])
            out = f(*wrapped)
            out = np.asarray(out.value if isinstance(out, Tensor) else out, dtype=np.float64)
            if out.shape != ():
                raise ShapeError(f"numerical_gradient needs a function that returns one number, got {spec_text(out)}")
            return float(out)

        if method != "central" and middle is None:
            middle = run()
        grads = [np.zeros_like(a) for a in arrays]
        for a, g in zip(arrays, grads, strict=True):
            for index in np.ndindex(a.shape):
                x = a[index]
                h = base * max(1.0, abs(x))
                high, up = (x + h, None) if method != "backward" else (x, middle)
                low, down = (x - h, None) if method != "forward" else (x, middle)
                if up is None:
                    a[index] = high
                    up = run()
                if down is None:
                    a[index] = low
                    down = run()
                a[index] = x
                g[index] = (up - down) / (high - low)
        wrapped[i] = args[i]
        results.append(rebuild([g[()] if g.ndim == 0 else g for g in grads]))
    return tuple(results) if np.iterable(argnums) else results[0]
