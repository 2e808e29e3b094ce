"""The built-in data sets and the split."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from glassgrad import data
from glassgrad.errors import DataError


def test_digits_are_scikit_learns_divided_by_16():
    X, y = data.digits()
    theirs = load_digits()
    assert X.dtype == np.float32
    assert y.dtype == np.int64
    assert np.array_equal(X * 16, theirs.data)
    assert np.array_equal(y, theirs.target)
    assert X.min() == 0
    assert X.max() == 1
    assert X.flags.c_contiguous


def test_xor():
    X, y = data.xor()
    assert X.dtype == y.dtype == np.float32
    assert y.shape == (4, 1)
    assert np.array_equal(np.logical_xor(X[:, 0], X[:, 1]), y[:, 0])


def test_split_holds_out_a_quarter_and_keeps_proportions():
    X, y = data.digits()
    X_, Xv, y_, yv = data.split(X, y, seed=3, stratify=True)
    assert len(Xv) == len(yv) == 450
    assert len(X_) == len(y_) == 1347
    assert np.abs(np.bincount(yv) / 450 - np.bincount(y) / len(y)).max() < 0.002
    rows = {row.tobytes() for row in X}
    assert {row.tobytes() for row in np.concatenate([X_, Xv])} == rows


def test_split_depends_on_its_seed_only():
    X, y = data.digits()
    assert all(np.array_equal(a, b) for a, b in zip(data.split(X, y, seed=1), data.split(X, y, seed=1), strict=True))
    assert not np.array_equal(data.split(X, y, seed=1)[1], data.split(X, y, seed=2)[1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: data.split(np.ones((3, 1)), np.ones(2)), r"X and y need one row an example each.*\(3, 1\) and \(2,\)"),
        (lambda: data.split(np.ones((3, 1)), np.ones(3), held_out=1.5), "held_out is the fraction.*1.5"),
        (lambda: data.split(np.ones((3, 1)), np.ones(3), seed=-1), "seed of a split"),
        (lambda: data.split(np.ones((3, 1)), np.ones(3), seed="a"), "a seed is a whole number, not str"),
        (lambda: data.split(np.ones((3, 1)), [0, 0, 1], stratify=True), "cannot hold out 0.25 of 3 rows"),
    ],
)
def test_split_messages(call, words):
    with pytest.raises(DataError, match=words):
        call()
