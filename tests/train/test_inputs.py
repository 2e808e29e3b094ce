"""What is wrong with data is said: the argument, the first bad place, what to do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from glassgrad import distributions, nn, optim, train
from glassgrad.errors import DataError, OperandError, ShapeError

X = np.zeros((5, 3))
LABELS = np.array([0, 1, 1, 0, 1])


def changed(array, place, value):
    array = np.array(array, dtype=object if isinstance(value, str) else None)
    array[place] = value
    return array


class Frame:
    """A table with named columns, as data frames are."""

    columns = ("age", "height", "town")

    def __init__(self, table):
        self.table = np.asarray(table)

    def __array__(self, dtype=None, copy=None):
        return self.table if dtype is None else self.table.astype(dtype)


def trainer(loss=None):
    return train.Trainer(nn.Linear(3, 2), loss or distributions.Categorical(), optim.SGD(0.1))


CASES = [
    (
        np.zeros(5),
        LABELS,
        ShapeError,
        r"X needs the shape \(rows, features\) and has shape \(5,\); use X.reshape\(-1, 1\)",
    ),
    (3.0, LABELS, ShapeError, r"X needs the shape \(rows, features\)"),
    (np.zeros((0, 3)), [], DataError, r"X is empty \(shape \(0, 3\)\); at least one row"),
    (np.zeros((5, 0)), LABELS, DataError, "X is empty"),
    (
        np.zeros((5, 4)),
        LABELS,
        ShapeError,
        r"X has the shape \(5, 4\), which the network does not take: .*rows of 3 numbers",
    ),
    (changed(X, (2, 1), np.nan), LABELS, DataError, r"X has nan at row 2, column 1; fill such values in"),
    (
        changed(changed(X, (4, 0), np.inf), (3, 2), -np.inf),
        LABELS,
        DataError,
        r"X has -inf at row 3, column 2 \(2 values",
    ),
    (Frame(changed(X, (2, 1), np.nan)), LABELS, DataError, r"X has nan at row 2, column 1 \('height'\)"),
    (changed(X, (1, 2), "Oslo"), LABELS, DataError, "X is not numeric: 'Oslo' at row 1, column 2; turn text"),
    (Frame(changed(X, (1, 2), "Oslo")), LABELS, DataError, r"'Oslo' at row 1, column 2 \('town'\)"),
    (np.full((5, 3), "a"), LABELS, DataError, "X is not numeric: 'a' at row 0, column 0"),
    (changed(X, (0, 2), 1e300), LABELS, DataError, r"X has 1e\+300 at row 0, column 2, which does not fit float32"),
    (X + 1j, LABELS, DataError, "X holds complex numbers"),
    (X.astype("datetime64[s]"), LABELS, DataError, "X holds datetime64"),
    ([[1, 2, 3], [4, 5]], [0, 1], DataError, "X is not a table of numbers .do its rows differ in length"),
    (X, sparse.csr_matrix(LABELS[:, None]), OperandError, r"y is a sparse matrix.*y.toarray\(\)"),
    (
        sparse.csr_matrix(changed(X, (2, 1), np.inf)),
        LABELS,
        DataError,
        "X has inf at row 2, column 1, which is not fin",
    ),
    (
        sparse.csr_matrix(changed(X, (2, 1), 1e99)),
        LABELS,
        DataError,
        r"X has 1e\+99 at row 2, column 1.*not fit float32",
    ),
    (sparse.csr_matrix(X[:, :2]), LABELS, ShapeError, r"X has the shape \(5, 2\), which the network does not take"),
    (sparse.csr_matrix(X[:0]), LABELS, DataError, "X is empty"),
    (sparse.csr_matrix(X), LABELS[:4], ShapeError, "X has 5 rows and y has 4 rows"),
    (X, LABELS[:4], ShapeError, "X has 5 rows and y has 4 rows; each row of X needs one of y"),
    (X, 1, ShapeError, "y has no rows: it is a single number"),
    (X, changed(LABELS, 3, 2), DataError, "y: categorical: labels go from 0 to 1.*row 3 has 2"),
    (X, changed(LABELS, 3, -1), DataError, "labels go from 0 to 1.*row 3 has -1"),
    (X, LABELS + 0.5, DataError, "labels are whole numbers"),
    (X, changed(LABELS.astype(float), 4, np.nan), DataError, "y has nan at row 4"),
    (X, ["cat", "dog", "dog", "cat", "cow"], DataError, "y is not numeric: 'cat' at row 0"),
]


@pytest.mark.parametrize(("x", "y", "error", "words"), CASES)
def test_what_is_wrong_is_said_and_nothing_has_changed(x, y, error, words):
    learner = trainer()
    before = learner.snapshot().weights["W"]
    with pytest.raises(error, match=words):
        learner.fit(x, y, 1)
    assert np.array_equal(learner.net.W.value, before)
    assert learner.step_count == 0


def test_targets_of_other_distributions():
    with pytest.raises(DataError, match=r"y: bernoulli: targets are 0 or 1.*row 1"):
        trainer(distributions.Bernoulli()).fit(X, [[0, 1], [0, 2], [0, 0], [1, 1], [0, 0]], 1)
    with pytest.raises(DataError, match="y: gaussian: these targets need 1 outputs a row, and the network has 2"):
        trainer(distributions.Gaussian()).fit(X, np.zeros(5), 1)


@pytest.mark.parametrize(
    ("weight", "error", "words"),
    [
        (np.ones(4), ShapeError, r"sample_weight needs one number a row, shape \(5,\), and has shape \(4,\)"),
        ([1, 1, -1, 1, 1], DataError, "sample_weight cannot be negative, and is -1 at row 2"),
        (np.zeros(5), DataError, "sample_weight is zero for every row"),
        ([1, 1, np.nan, 1, 1], DataError, "sample_weight has nan at row 2"),
    ],
)
def test_weights(weight, error, words):
    with pytest.raises(error, match=words):
        trainer().fit(X, LABELS, 1, sample_weight=weight)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"epochs": 0}, DataError, "epochs is a whole number from 1 up, and is 0"),
        ({"epochs": 1.5}, OperandError, "epochs is a whole number from 1 up, not 1.5"),
        ({"patience": 3}, DataError, "patience watches the held-out loss: pass validation="),
        ({"patience": 0, "validation": (X, LABELS)}, DataError, "patience is a whole number"),
        ({"validation": X}, OperandError, "validation is a pair"),
        ({"validation": (X[:, :2], LABELS)}, ShapeError, r"validation X has the shape \(5, 2\)"),
        ({"validation": (X, LABELS[:2])}, ShapeError, "validation X has 5 rows and validation y has 2"),
        ({"callbacks": [3]}, OperandError, "a callback is a function"),
        ({"monitor": 3}, OperandError, "monitor is True or False"),
        ({"progress": 3}, OperandError, "progress is True, False or a rich console"),
    ],
)
def test_arguments_of_fit(settings, error, words):
    with pytest.raises(error, match=words):
        trainer().fit(X, LABELS, **({"epochs": 1} | settings))


def test_predicting_checks_its_rows():
    with pytest.raises(ShapeError, match="rows of 3 numbers"):
        trainer().predict(np.zeros((2, 4)))
    with pytest.raises(DataError, match="X has nan at row 1"):
        trainer().outputs(changed(X, (1, 0), np.nan))


def test_a_tensor_is_not_data():
    from glassgrad.tensors import tensor

    with pytest.raises(OperandError, match=r"use \.value"):
        trainer().fit(tensor(X, "X"), LABELS, 1)
