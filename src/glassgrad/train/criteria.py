"""The perceptron's criterion: costs and mistakes of scores, where only rows that are wrong teach.

With one output a row the label is 1 where the score is at least 0, and 0 elsewhere: a tie counts as 1, as in the
lecture. With several outputs it is the first of the best scores. The costs are functions for `Online` and `Trainer`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.errors import ShapeError, describe, spec_text
from glassgrad.op import shaped
from glassgrad.wire import Wire


def labels(scores: Any) -> Any:
    """The label that each row of scores stands for, shape ``(rows,)``.

    Examples
    --------
    >>> from glassgrad.train.criteria import labels
    >>> print(labels([[0.0], [-1.0]]), labels([[0.0, 0.0], [1.0, 2.0]]))
    [1 0] [0 1]
    """
    scores = shaped(scores)
    if scores.shape[-1] == 1:
        return np.where(scores[:, 0] >= 0, 1, 0)
    return np.argmax(scores, axis=-1)


def wrong(scores: Any, y: Any) -> Any:
    """For each row, whether its label is another than `y`: the perceptron's mistakes."""
    scores, y = _pair(scores, y)
    return labels(scores) != y


def mistakes(scores: Any, y: Any) -> Any:
    """The share of rows that are mistakes; of one row, 1 or 0."""
    return np.mean(np.where(wrong(scores, y), 1.0, 0.0))


def perceptron(scores: Any, y: Any, weight: Any = None) -> Any:
    """How far the scores of mistaken rows are on the wrong side, as a mean over all rows.

    A descent step of rate 1 on one row is the perceptron's update (Rosenblatt, 1958). With one output, a mistake
    moves the weights by +x where the label is 1 and by −x where it is 0. With several, the weights of the right
    class move by +x and those of the class that was said by −x. Without a mistake nothing moves; a tie that is a
    mistake costs nothing, but moves them in full.

    Parameters
    ----------
    scores : Tensor or array_like
        What a linear model puts out, shape ``(rows, outputs)``.
    y : Tensor or array_like
        Whole numbers, shape ``(rows,)``: 0 or 1 for one output, else the number of the class.
    weight : Tensor or array_like, optional
        How much each row counts, shape ``(rows,)``; it makes the step of its row so much longer.

    Raises
    ------
    ShapeError
        Where scores and labels do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> import glassgrad as gg
    >>> from glassgrad.train.criteria import perceptron
    >>> print(gg.grad(perceptron)(np.array([[0.0]]), np.array([0])))
    [[1.]]
    >>> print(gg.grad(perceptron)(np.array([[0.0, 3.0, 1.0]]), np.array([2])))
    [[ 0.  1. -1.]]
    """
    scores, y = _pair(scores, y)
    if scores.shape[-1] == 1:
        side = (1 - 2 * y).astype(scores.dtype)
        costs = np.where(labels(scores) != y, side * scores[:, 0], 0)
    else:
        said = np.expand_dims(np.argmax(scores, axis=-1), -1)
        of_said, of_right = (np.take_along_axis(scores, k, axis=-1)[:, 0] for k in (said, np.expand_dims(y, -1)))
        costs = of_said - of_right
    return np.mean(costs) if weight is None else np.mean(shaped(weight).astype(scores.dtype) * costs)


def _pair(scores: Any, y: Any) -> tuple[Any, Any]:
    scores, y = shaped(scores), shaped(y)
    if len(scores.shape) != 2 or tuple(y.shape) != tuple(scores.shape[:1]):
        one, other = (describe(x) if isinstance(x, Wire) else spec_text(x) for x in (scores, y))
        raise ShapeError(
            f"the perceptron takes scores of shape (rows, outputs) and a label a row, not {one} and {other}"
        )
    return scores, y if y.dtype.kind in "iu" else y.astype(np.int64)
