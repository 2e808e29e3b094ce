"""Shards: a batch in fixed pieces, whose gradients are summed over a fixed tree.

Where a batch is cut depends on its rows and the number of shards only, and so does the order of the sum. So
with the same shards any number of workers gives the same bits, whoever computes which of them:

    bounds = shard_bounds(rows, shards)
    worker   loss and gradients of its rows of the batch, drawing from `shard_key`; times their shares
    all      `tree_sum` of what came of each shard, in the order of the shards
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.errors import OperandError
from glassgrad.ops import random

Array = np.ndarray[Any, Any]


def shard_bounds(rows: int, shards: int) -> list[tuple[int, int]]:
    """Where each shard of a batch starts and stops; a batch of fewer rows than shards has as many as rows.

    Examples
    --------
    >>> shard_bounds(10, 4)
    [(0, 2), (2, 5), (5, 7), (7, 10)]
    >>> shard_bounds(2, 4)
    [(0, 1), (1, 2)]
    """
    count = min(rows, shards)
    return [(i * rows // count, (i + 1) * rows // count) for i in range(count)]


def shard_shares(bounds: Sequence[tuple[int, int]], weight: Any = None) -> list[Any]:
    """How much each shard counts: its share of the rows or, where rows have weights, of their sum."""
    if weight is None:
        rows = bounds[-1][1]
        return [(stop - start) / rows for start, stop in bounds]
    sums = [np.sum(weight[start:stop]) for start, stop in bounds]
    total = tree_sum(sums)
    return [part / total for part in sums]


def shard_key(key: Any, shard: int, shards: int) -> Any:
    """What layers that draw, such as Dropout, draw from in a shard; alone it has the step's own key."""
    return key if shards == 1 else random.fold_in(key, shard)


def tree_sum(parts: Sequence[Any]) -> Any:
    """The sum of neighbours, then of these sums, and so on: the same order whoever adds.

    Examples
    --------
    >>> tree_sum(["a", "b", "c", "d", "e"])
    'abcde'
    """
    level = list(parts)
    while len(level) > 1:
        pairs = [level[i] + level[i + 1] for i in range(0, len(level) - 1, 2)]
        level = pairs + level[2 * len(pairs) :]
    return level[0]


def check_mean(loss: Callable[..., Any], shards: int, output: Array, y: Array, weight: Array | None) -> None:
    """Prove on some rows that a loss is the mean of its shards' losses, each by its share.

    Raises
    ------
    OperandError
        Where it is not, as for a sum over rows: shards would train something else.
    """
    rng = np.random.default_rng(0)
    output = output + 0.1 * rng.standard_normal(output.shape).astype(output.dtype)  # away from losses of zero

    def part(start: int, stop: int) -> float:
        columns = [output, y] if weight is None else [output, y, weight]
        return float(loss(*[column[start:stop] for column in columns]))

    bounds = shard_bounds(len(output), shards)
    with np.errstate(all="ignore"):
        whole = part(0, len(output))
        shares = shard_shares(bounds, weight)
        mean = float(sum(share * part(*bound) for share, bound in zip(shares, bounds, strict=True)))
    tolerance = 1000 * float(np.finfo(output.dtype).eps)
    if np.isfinite(whole) and not np.isclose(whole, mean, rtol=tolerance, atol=tolerance * max(1e-3, abs(whole))):
        name = getattr(loss, "__name__", type(loss).__name__)
        what = "the mean over rows" if weight is None else "Σ weight · loss of a row / Σ weight"
        raise OperandError(
            f"shards={shards} needs a loss that is {what}, and {name} is not: of {len(output)} rows it is {whole:.6g}, "
            f"and its shards' mean is {mean:.6g}; divide by the {'rows' if weight is None else 'sum of the weights'} "
            "in it, e.g. with np.mean, or leave shards at 1"
        )
