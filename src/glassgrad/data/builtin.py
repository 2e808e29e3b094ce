"""The built-in data sets. Each returns (X, y), one row an example."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.errors import DataError

Array = np.ndarray[Any, Any]


def digits() -> tuple[Array, Array]:
    """Scikit-learn's 1,797 handwritten digits: 8 × 8 pixels between 0 and 1, and labels 0 to 9.

    Nothing is downloaded: the set comes with scikit-learn.

    Returns
    -------
    X : float32 array of shape (1797, 64)
        Pixels, the original 0 to 16 divided by 16, which is exact.
    y : int64 array of shape (1797,)

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.digits()
    >>> X.shape, float(X.max()), y[:5].tolist()
    ((1797, 64), 1.0, [0, 1, 2, 3, 4])
    """
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (np.asarray(X) / 16).astype(np.float32), np.asarray(y).astype(np.int64)


def xor() -> tuple[Array, Array]:
    """The exclusive or: four rows of two bits, and 1 where exactly one of them is set.

    Returns
    -------
    X : float32 array of shape (4, 2)
    y : float32 array of shape (4, 1)

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.xor()
    >>> X.tolist(), y.ravel().tolist()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0])
    """
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    return X, np.array([[0], [1], [1], [0]], np.float32)


def zigzag(
    n: int = 200, noise: float = 0.1, seed: int = 0, pieces: int = 10, held_out: bool = False
) -> tuple[Array, Array]:
    """A noisy zigzag on [0, 1] between 0 and 1, one number in and one out.

    Parameters
    ----------
    n : int
        Rows, evenly spaced from 0 to 1.
    noise : float
        Standard deviation of what is added to each target.
    seed : int
        Of the noise.
    pieces : int
        Straight pieces; their slopes are ± as many.
    held_out : bool
        The n places between the others, with noise of their own: rows to test on.

    Returns
    -------
    X : float32 array of shape (n, 1)
    y : float32 array of shape (n, 1)

    Raises
    ------
    DataError
        Where there are fewer than two rows or one piece, or the noise is negative.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.zigzag(5, noise=0, pieces=4)
    >>> X.ravel().tolist(), y.ravel().tolist()
    ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 1.0, 0.0, 1.0, 0.0])
    """
    if n < 2 or pieces < 1 or not noise >= 0:
        raise DataError(f"zigzag needs n ≥ 2, pieces ≥ 1 and noise ≥ 0; got n={n}, pieces={pieces}, noise={noise}")
    x = (np.arange(n) + 0.5) / n if held_out else np.linspace(0, 1, n)
    y = 1 - np.abs((pieces * x) % 2 - 1)
    y = y + np.random.default_rng((seed, 4 if held_out else 1)).normal(scale=noise, size=n)
    return x[:, None].astype(np.float32), y[:, None].astype(np.float32)
