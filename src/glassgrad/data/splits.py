"""Splitting a data set into a part to learn from and a part that is held out."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.errors import DataError, DataWarning, unknown, warn

Array = np.ndarray[Any, Any]
HOW = ("random", "last")


def split(
    X: Any,
    y: ArrayLike,
    held_out: float = 0.25,
    seed: int = 0,
    stratify: bool = False,
    how: str = "random",
) -> tuple[Any, Any, Array, Array]:
    """Hold part of a data set out: rows drawn by scikit-learn's `train_test_split`, or the last ones.

    Parameters
    ----------
    X : array_like or SciPy sparse matrix
        One row an example. A sparse matrix stays sparse (CSR).
    y : array_like
        One row an example.
    held_out : float or int
        Fraction of the rows that is held out, between 0 and 1; or a number of rows.
    seed : int
        The same seed gives the same split. From 0 to 2³² − 1.
    stratify : bool
        Keep the proportions of the labels `y` in both parts.
    how : str
        "random" shuffles the rows; "last" holds the last ones out and leaves the order alone.

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
    rows, labels = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X), np.asarray(y)
    if rows.ndim == 0 or labels.ndim == 0 or rows.shape[0] != len(labels):
        raise DataError(f"X and y need one row an example each, and have shapes {rows.shape} and {labels.shape}")
    learned, held = split_rows(len(labels), held_out, seed, labels if stratify else None, how)
    return rows[learned], rows[held], labels[learned], labels[held]


def split_rows(
    rows: int,
    held_out: float = 0.25,
    seed: int = 0,
    labels: ArrayLike | None = None,
    how: str = "random",
    lenient: bool = False,
) -> tuple[Array, Array]:
    """The numbers of the rows to learn from and of those held out; for tables: `table.take(numbers)`.

    Parameters
    ----------
    rows : int
        How many there are.
    held_out : float or int
        Fraction of the rows that is held out, between 0 and 1; or a number of rows.
    seed : int
        The same seed gives the same split. From 0 to 2³² − 1.
    labels : array_like, optional
        Keep their proportions in both parts.
    how : str
        "random" shuffles the rows; "last" holds the last ones out and leaves the order alone.
    lenient : bool
        Where a label is too rare to be in both parts, warn: its row is learned from; or, with as many labels as
        rows to hold out, rows are drawn without regard to labels.

    Returns
    -------
    rows, held_out_rows : int64 arrays

    Raises
    ------
    DataError
        When a part would be empty, or a label is too rare.

    Examples
    --------
    >>> import glassgrad as gg
    >>> [part.tolist() for part in gg.data.split_rows(5, held_out=2, how="last")]
    [[0, 1, 2], [3, 4]]
    """
    from sklearn.model_selection import train_test_split

    if how not in HOW:
        raise unknown("way to hold out", how, HOW)
    count = _count(rows, held_out)
    try:
        seed = operator.index(seed)
    except TypeError:
        raise DataError(f"a seed is a whole number, not {type(seed).__name__}") from None
    if not 0 <= seed < 1 << 32:
        raise DataError(f"the seed of a split lies between 0 and 2**32 - 1, and {seed} does not")
    if how == "last":
        return np.arange(rows - count), np.arange(rows - count, rows)
    try:
        parts = train_test_split(np.arange(rows), test_size=count, random_state=seed, stratify=labels)
    except ValueError as error:
        if not lenient or labels is None:
            raise DataError(f"cannot hold out {held_out:g} of {rows} rows: {error}") from error
        return _without_rare(rows, count, seed, np.asarray(labels))
    return np.asarray(parts[0]), np.asarray(parts[1])


def _without_rare(rows: int, count: int, seed: int, labels: Array) -> tuple[Array, Array]:
    """Labels that stand once are learned from, the others have their share in both parts, where there is room."""
    from sklearn.model_selection import train_test_split

    _, where, counts = np.unique(labels, return_inverse=True, return_counts=True)
    often = np.flatnonzero(counts[where.ravel()] > 1)
    if len(often) < rows and int((counts > 1).sum()) <= min(count, len(often) - count):
        learned, held = train_test_split(often, test_size=count, random_state=seed, stratify=labels[often])
        alone = rows - len(often)
        text = "1 class has one row only, which is" if alone == 1 else f"{alone:,} classes have one row only, which are"
        warn(f"{text} learned from and not held out: it is too rare to be in both parts", DataWarning)
        return np.r_[np.asarray(learned), np.setdiff1d(np.arange(rows), often)], np.asarray(held)
    warn("a class is too rare to be in both parts, so rows were held out without regard to classes", DataWarning)
    return split_rows(rows, count, seed)


def _count(rows: int, held_out: float) -> int:
    """How many rows are held out."""
    whole = isinstance(held_out, int | np.integer) and not isinstance(held_out, bool)
    if not whole and not (isinstance(held_out, float | np.floating) and 0 < held_out < 1):
        raise DataError(
            f"held_out is the fraction of rows to hold out, between 0 and 1, or a number of rows, and is {held_out!r}"
        )
    count = int(held_out) if whole else math.ceil(held_out * rows)
    if not 0 < count < rows:
        raise DataError(f"cannot hold out {held_out:g} of {rows} rows: both parts need at least one row")
    return count
