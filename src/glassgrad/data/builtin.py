"""The built-in data sets. Each returns (X, y), one row an example."""

from __future__ import annotations

from typing import Any

import numpy as np

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
