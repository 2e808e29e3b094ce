"""What is to be predicted: guessed, encoded, decoded; and rows held out."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.model_selection import train_test_split

from glassgrad import data
from glassgrad.data import Target
from glassgrad.data.plain import plain, rebuilt
from glassgrad.errors import DataError, DataWarning, UnknownNameError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("y", "kind", "reason"),
    [
        (["a", "b", "a"], "classification", "2 different texts"),
        ([True, False, None], "classification", "2 different truth values"),
        ([0, 1, 1, 0], "classification", "whole numbers with 2 different values"),
        ([-1.0, 1.0, None], "classification", "whole numbers with 2 different values"),
        (list(range(10)) * 5, "classification", "whole numbers with 10 different values"),
        ([0.5, 1.0, 2.0], "regression", "numbers with 3 different values"),
        ([3, 1, 2], "regression", "whole numbers with 3 different values"),
        ([*range(12)] * 9 + [12], "counts", "whole numbers from 0 to 12"),  # a tail
        ([*range(12)] * 9, "classification", "12 different"),
        ([*range(9)] * 9 + [9], "classification", "10 different"),
        (RNG.integers(25, 350, 400), "regression", "whole numbers"),
        (RNG.poisson(12, 2000), "regression", "whole numbers"),  # no zero among them
        (RNG.negative_binomial(1, 0.05, 2000), "counts", "whole numbers from 0 to"),
        (list(range(30)), "regression", "whole numbers with 30"),
        (pd.Series([1, 2, 2, 1], dtype="Int64"), "classification", "whole numbers with 2"),
        (pd.Series(pd.Categorical(["x", "y", "x"])), "classification", "2 different texts"),
    ],
)
def test_tasks_are_guessed(y, kind, reason):
    found = data.guess_task(y)
    assert found.kind == kind
    assert reason in found.reason


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([None, None], "is missing in every row"),
        ([], "is missing in every row"),
        (["spam"] * 3, "is 'spam' in every row: there is one class only"),
        ([2.5, 2.5], "is '2.5' in every row"),
        ([f"text {i}" for i in range(50)], "holds 50 different texts in 50 rows, such as 'text 0': too many classes"),
        ([f"${i},000" for i in range(50)], "too many classes .*numbers are wanted without signs"),
        ([f"c{i % 1200}" for i in range(5000)], "1,200 (different texts|classes).*at most 1,000"),
    ],
)
def test_targets_that_cannot_be_learned(y, words):
    with pytest.raises(DataError, match=words):
        data.guess_task(y)
    with pytest.raises(DataError, match=words if y and y[0] is not None else "missing|no rows"):
        Target.fit(y)


@pytest.mark.parametrize(
    ("y", "classes", "codes"),
    [
        (["spam", "ham", "spam"], ("ham", "spam"), [1, 0, 1]),
        ([10, 9, 2, 10] * 2, (2, 9, 10), [2, 1, 0, 2] * 2),
        ([-1.0, 1.0, 1.0], (-1, 1), [0, 1, 1]),
        ([True, False, True], (False, True), [1, 0, 1]),
        (["True", "False", "True"], ("False", "True"), [1, 0, 1]),
        (["2", "10", "2"], ("10", "2"), [1, 0, 1]),
    ],
)
def test_classes_become_codes_and_come_back(y, classes, codes):
    target = Target.fit(y)
    assert target.classes == classes
    assert [type(c) for c in target.classes] == [type(c) for c in classes]
    found = target.encode(y)
    assert found.dtype == np.int64
    assert found.tolist() == codes
    assert target.decode(found).tolist() == y
    assert rebuilt(Target, json.loads(json.dumps(plain(target))), "the target").checked() == target
    assert all(str(c) in target.said() for c in classes)


def test_numbers_are_scaled_and_come_back():
    y = np.array([1000.0, 2000, 4000.5])
    target = Target.fit(y)
    found = target.encode(y)
    assert found.dtype == np.float32
    assert abs(found.mean()) < 1e-6
    assert found.std() == pytest.approx(1, abs=1e-6)
    assert np.allclose(target.decode(found), y)
    assert "standard deviation" in target.said()
    huge = Target.fit([1e308, -1e308, 0.0])
    assert np.isfinite(huge.encode([1e308, -1e308])).all()


def test_counts_stay_as_they_are():
    target = Target.fit([0, 3, 1], task="counts")
    assert target.encode([5, 0]).tolist() == [5, 0]
    assert target.decode([1.5]).tolist() == [1.5]
    for wrong in ([0, -1], [0, 1.5]):
        with pytest.raises(DataError, match=r"counts are whole numbers from 0 up, and the target 'y' is .* in row 2"):
            Target.fit(wrong, task="counts")


def test_targets_that_do_not_fit():
    target = Target.fit(["ham", "spam"], name="Label")
    with pytest.raises(DataError, match="'spma' in row 2 is none of the 2 classes of 'Label'; the nearest is 'spam'"):
        target.encode(["ham", "spma"])
    with pytest.raises(DataError, match="the target 'Label' is missing in 1 of 2 rows, first in row 2; leave them out"):
        target.encode(["ham", None])
    assert target.known(["ham", None, "spma", "spam"]).tolist() == [True, False, False, True]
    with pytest.raises(UnknownNameError, match=r"no task 'clasification'\. Did you mean 'classification'"):
        Target.fit([1, 2], task="clasification")
    with pytest.raises(DataError, match="'y' needs numbers, and holds 'a' in row 1"):
        Target.fit(["a", "b"], task="regression")
    with pytest.raises(DataError, match="'y' holds inf in row 2"):
        Target.fit([1.5, np.inf, 3])
    with pytest.raises(DataError, match="1,500 classes; at most 1,000"):
        Target.fit(list(range(1500)), task="classification")
    assert Target.fit([1.5, 2.5, 1.5], task="classification").classes == ("1.5", "2.5")


@pytest.mark.parametrize("field", [{"task": "x"}, {"scale": 0.0}, {"classes": ["a"]}, {"classes": []}, {"mean": None}])
def test_damaged_targets_are_refused(field):
    with pytest.raises(DataError, match="target"):
        rebuilt(Target, {**plain(Target.fit(["a", "b"])), **field}, "the target").checked()


# Held out


def test_rows_are_held_out_as_scikit_learn_draws_them():
    for labels in (None, np.arange(40) % 2):
        rows, held_out = data.split_rows(40, 0.25, seed=5, labels=labels)
        theirs = train_test_split(np.arange(40), test_size=0.25, random_state=5, stratify=labels)
        assert np.array_equal(rows, theirs[0])
        assert np.array_equal(held_out, theirs[1])
    assert len(data.split_rows(40, 7)[1]) == 7


def test_the_last_rows_can_be_held_out():
    rows, held_out = data.split_rows(10, 0.25, how="last")
    assert rows.tolist() == list(range(7))
    assert held_out.tolist() == [7, 8, 9]
    X, Xv, y, yv = data.split(np.arange(10)[:, None], np.arange(10), 2, how="last")
    assert y.tolist() == X.ravel().tolist() == list(range(8))
    assert yv.tolist() == Xv.ravel().tolist() == [8, 9]


def test_sparse_rows_stay_sparse():
    X = sparse.random_array((20, 6), density=0.4, format="coo", rng=np.random.default_rng(0))
    y = np.arange(20) % 2
    X_, Xv, y_, yv = data.split(X, y, seed=2, stratify=True)
    rows, held_out = data.split_rows(20, seed=2, labels=y)
    assert X_.format == Xv.format == "csr"
    assert np.array_equal(X_.toarray(), X.toarray()[rows])
    assert np.array_equal(Xv.toarray(), X.toarray()[held_out])
    assert np.array_equal(yv, y[held_out])
    assert np.array_equal(y_, y[rows])


def test_a_class_too_rare_to_be_in_both_parts():
    labels = ["a"] * 9 + ["b"]
    with pytest.raises(DataError, match=r"cannot hold out 0\.25 of 10 rows"):
        data.split_rows(10, 0.25, labels=labels)
    with pytest.warns(DataWarning, match="1 class has one row only, which is learned from"):
        rows, held_out = data.split_rows(10, 0.25, labels=labels, lenient=True)
    assert sorted([*rows, *held_out]) == list(range(10))
    assert len(held_out) == 3
    assert 9 in rows
    with pytest.warns(DataWarning, match="2 classes have one row only, which are learned from"):
        rows, held_out = data.split_rows(22, 4, labels=["a", "b"] * 10 + ["c", "d"], lenient=True)
    assert {20, 21} < set(rows.tolist())
    assert [sum(i % 2 for i in held_out), len(held_out)] == [2, 4]
    with pytest.warns(DataWarning, match="a class is too rare .* without regard"):
        rows, held_out = data.split_rows(9, 2, labels=list("aabbccdde"), lenient=True)
    assert sorted([*rows, *held_out]) == list(range(9))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.split_rows(10, 0.25, labels=["a", "b"] * 5, lenient=True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"held_out": 0}, "cannot hold out 0 of 10 rows"),
        ({"held_out": 10}, "cannot hold out 10 of 10 rows: both parts need at least one row"),
        ({"held_out": 1.0}, "held_out is the fraction"),
        ({"held_out": True}, "held_out is the fraction"),
        ({"held_out": "a"}, "held_out is the fraction"),
        ({"held_out": float("nan")}, "held_out is the fraction"),
        ({"rows": 1}, "cannot hold out 0.25 of 1 rows"),
    ],
)
def test_splits_that_cannot_be_made(settings, words):
    with pytest.raises(DataError, match=words):
        data.split_rows(**{"rows": 10, **settings})
    with pytest.raises(UnknownNameError, match=r"no way to hold out 'lst'\. Did you mean 'last'"):
        data.split_rows(10, how="lst")
