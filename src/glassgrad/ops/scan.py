"""Gates that run along an axis: running sums, and running products composed from multiplications."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.op import Explanation, Op, Spec, answers, composition, shaped
from glassgrad.ops.cases import drawn
from glassgrad.ops.normal import as_dtype, axis_of, refuse
from glassgrad.ops.reduce import summed

cumsum_axis = Op(
    "cumsum",
    shape=lambda x, axis: Spec(tuple(x.shape), summed(x.dtype)),
    forward=lambda x, axis: np.add.accumulate(x, axis=axis, dtype=summed(x.dtype)),
    gradients=(lambda g, out, x, axis: np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis),),
    explain=Explanation(
        r"y_{i} = \sum_{j \le i} x_{j}", "sums the upstream gradient from each element to the end", "sums",
        (r"[j \le i]",),
    ),
    cases=lambda rng: [((rng.normal(size=s),), {"axis": a}) for s, a in (((3,), 0), ((2, 3), 0), ((2, 1, 3), 2))],
    kind="scan",
)  # fmt: skip


@answers(np.cumsum)
def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """Running sum along an axis, or of all elements when flattened.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.cumsum(gg.tensor([1.0, 2.0, 3.0])).value)
    [1. 3. 6.]
    """
    refuse("np.cumsum", out=out)
    a = as_dtype(a, dtype)
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    return cumsum_axis(a, axis=axis_of(axis, a))


@composition(
    r"\prod_{j \le i} x_{j}", "as the product, for each element's row up to it",
    drawn((((3,),), {}), (((2, 3),), {"axis": 0}), (((2, 1, 5),), {"axis": 2})), (np.cumprod,),
)  # fmt: skip
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """Running product along an axis, or of all elements when flattened, by doubling: zeros are exact.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.cumprod(gg.tensor([2.0, 3.0, 4.0])).value)
    [ 2.  6. 24.]
    """
    refuse("np.cumprod", out=out)
    a = as_dtype(a, summed(shaped(a).dtype) if dtype is None else dtype)
    x = np.reshape(a, (-1,)) if axis is None else np.moveaxis(a, axis_of(axis, a), -1)
    step = 1
    while step < x.shape[-1]:
        x = np.concatenate([x[..., :step], x[..., step:] * x[..., :-step]], axis=-1)
        step *= 2
    return x if axis is None else np.moveaxis(x, -1, axis)
