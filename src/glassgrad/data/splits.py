"""Splitting a data set into a part to learn from and a part that is held out."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.errors import DataError

Array = np.ndarray[Any, Any]


def split(
    X: ArrayLike, y: ArrayLike, held_out: float = 0.25, seed: int = 0, stratify: bool = False
) -> tuple[Array, Array, Array, Array]:
    """Shuffle a data set and hold part of it out, through scikit-learn's `train_test_split`.

    Parameters
    ----------
    X, y : array_like
        One row an example.
    held_out : float
        Fraction of the rows that is held out, between 0 and 1.
    seed : int
        The same seed gives the same split. From 0 to 2³² − 1.
    stratify : bool
        Keep the proportions of the labels `y` in both parts.

    Returns
    -------
    X, X_held_out, y, y_held_out : arrays
        In the order scikit-learn's users are used to.

    Raises
    ------
    DataError
        When lengths differ, a part would be empty, or a label is too rare to be stratified.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, X_held_out, y, y_held_out = gg.data.split(*gg.data.digits(), seed=0, stratify=True)
    >>> len(X), len(X_held_out)
    (1347, 450)
    """
    from sklearn.model_selection import train_test_split

    rows, labels = np.asarray(X), np.asarray(y)
    if rows.ndim == 0 or labels.ndim == 0 or len(rows) != len(labels):
        raise DataError(f"X and y need one row an example each, and have shapes {rows.shape} and {labels.shape}")
    if not 0 < held_out < 1:
        raise DataError(f"held_out is the fraction of rows to hold out, between 0 and 1, and is {held_out}")
    try:
        seed = operator.index(seed)
    except TypeError:
        raise DataError(f"a seed is a whole number, not {type(seed).__name__}") from None
    if not 0 <= seed < 1 << 32:
        raise DataError(f"the seed of a split lies between 0 and 2**32 - 1, and {seed} does not")
    try:
        parts = train_test_split(
            rows, labels, test_size=held_out, random_state=seed, stratify=labels if stratify else None
        )
    except ValueError as error:
        raise DataError(f"cannot hold out {held_out:g} of {len(rows)} rows: {error}") from error
    X_, X_held_out, y_, y_held_out = (np.asarray(part) for part in parts)
    return X_, X_held_out, y_, y_held_out
