"""Separable or not, the largest margin, and the bound on a perceptron's mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.svm import LinearSVC

import glassgrad as gg
from glassgrad.errors import DataError, ShapeError
from glassgrad.estimators import separation
from glassgrad.estimators.separability import Question, UndecidedError
from glassgrad.train import criteria
from glassgrad.train.online import Online

Array = np.ndarray[Any, Any]
XOR = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])


def attained(X: Array, codes: Array, W: Array, bias: bool = True) -> float:
    """The margin that W of length one has, row by row and class by class."""
    F = np.c_[X, np.ones(len(X))] if bias else X
    assert np.linalg.norm(W) == pytest.approx(1)
    if W.shape[1] == 1:
        return float(np.min((2 * codes - 1) * (F @ W[:, 0])))
    scores = F @ W
    own = scores[np.arange(len(F)), codes][:, None]
    others = np.ones_like(scores, bool)
    others[np.arange(len(F)), codes] = False
    return float((own - scores)[others].min())


def test_the_margin_of_a_few_points_by_hand() -> None:
    found = separation([[0.0], [2.0]], [0, 1], fit_intercept=False)
    assert not found.separable  # a row of zeros is on neither side
    assert (found.margin, found.weights, found.mistake_bound) == (0.0, None, np.inf)
    found = separation([[-3.0], [2.0]], ["a", "b"], fit_intercept=False)
    assert (found.margin, found.radius, found.mistake_bound) == (2.0, 3.0, (3 / 2) ** 2)
    found = separation([[0.0], [1.0], [3.0]], [0, 0, 1])  # between 1 and 3, the bias as a feature: w ∝ (1, −2)
    np.testing.assert_allclose(found.weights, np.array([[1.0], [-2.0]]) / np.sqrt(5), rtol=1e-9)
    assert found.margin == pytest.approx(1 / np.sqrt(5))
    assert found.radius == pytest.approx(np.sqrt(10))


def test_the_largest_margin_is_that_of_a_hard_support_vector_machine() -> None:
    X, y = gg.data.digits()
    for one, other in ((3, 8), (1, 7)):
        which = (y == one) | (y == other)
        A, codes = X[which].astype(float), (y[which] == other).astype(int)
        found = separation(A, codes)
        assert attained(A, codes, found.weights) == pytest.approx(found.margin, rel=1e-9)
        machine = LinearSVC(C=1e6, loss="hinge", fit_intercept=False, max_iter=200_000, random_state=0, tol=1e-8)
        w = machine.fit(np.c_[A, np.ones(len(A))], codes).coef_.T
        theirs = attained(A, codes, w / np.linalg.norm(w))
        assert theirs <= found.margin * (1 + 1e-9)
        assert theirs == pytest.approx(found.margin, rel=1e-2)


def test_no_other_weights_have_a_larger_margin_with_several_classes(rng: np.random.Generator) -> None:
    """Of the support vectors, those with a price, the weights are a mixture: that is what optimal means."""
    from scipy.optimize import nnls

    X, y = gg.data.digits()
    X, y = X[:300].astype(float), y[:300]
    found = separation(X, y)
    W = found.weights
    assert attained(X, y, W) == pytest.approx(found.margin, rel=1e-9)
    question = Question(X, y, 10, bias=True)
    pairs = [(i, k) for i in range(300) for k in range(10) if k != y[i]]
    vectors = question.vectors(*np.array(pairs).T).toarray()
    support = vectors[vectors @ W.ravel() < found.margin * (1 + 1e-6)]
    shares, left = nnls(support.T, W.ravel() * found.margin)
    assert left < 1e-6 * found.margin
    assert shares.sum() == pytest.approx(1, rel=1e-6)
    for _ in range(20):
        near = W + 0.01 * rng.normal(size=W.shape)
        assert attained(X, y, near / np.linalg.norm(near)) < found.margin


def test_what_cannot_be_separated() -> None:
    assert not separation(XOR, [0, 0, 1, 1]).separable
    assert separation(np.c_[XOR, XOR[:, 0] * XOR[:, 1]], [0, 0, 1, 1]).separable  # with the product as a feature
    assert not separation([[1.0, 2.0], [1.0, 2.0], [0.0, 1.0]], [0, 1, 1]).separable  # the same row twice
    middle = [[1.0], [2.0], [3.0]]
    assert separation(middle, [0, 1, 2]).separable  # the one in the middle, by its bias
    assert not separation(middle, [0, 1, 0]).separable


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
def test_nearly_separable_is_told_from_separable(gap: float) -> None:
    line = np.array([[0.0, 0.0], [1.0, 1.0], [0.5, 0.5 + gap], [2.0, 3.0]])
    assert separation(line, [0, 0, 1, 1]).separable
    across = np.r_[line, [[0.5, 0.5 - gap]]]
    assert not separation(across, [0, 0, 1, 1, 1]).separable
    assert separation([[0.0], [1 - gap], [1 + gap], [2.0]], [0, 0, 1, 1]).separable
    assert not separation([[0.0], [1 + gap], [1 - gap], [2.0]], [0, 0, 1, 1]).separable


def test_one_wrong_label_among_many(rng: np.random.Generator) -> None:
    X = rng.normal(size=(3000, 20))
    y = (X @ rng.normal(size=20) > 0).astype(int)
    found = separation(X, y)
    assert attained(X, y, found.weights) == pytest.approx(found.margin, rel=1e-9)
    y[np.argmax(np.abs(X @ found.weights[:-1, 0]))] ^= 1
    assert not separation(X, y).separable


def test_features_of_very_different_size(rng: np.random.Generator) -> None:
    plain = rng.normal(size=(200, 3))
    y = (plain.sum(axis=1) > 0).astype(int)
    found = separation(plain * [1e-6, 1, 1e6], y)
    assert found.separable
    assert found.margin > 0
    y[:2] ^= 1
    assert not separation(plain * [1e-6, 1, 1e6], y).separable


def test_sparse_and_single_precision_rows_give_the_same(rng: np.random.Generator) -> None:
    X = rng.normal(size=(80, 30)) * (rng.random((80, 30)) < 0.2)
    for y in ((X @ rng.normal(size=30) > 0.1).astype(int), (X @ rng.normal(size=(30, 3))).argmax(axis=1)):
        dense, csr = separation(X, y), separation(sparse.csr_array(X), y)
        assert dense.separable
        assert csr.margin == pytest.approx(dense.margin, rel=1e-7)
        assert csr.radius == pytest.approx(dense.radius, rel=1e-12)
        assert separation(X.astype(np.float32), y).margin == pytest.approx(dense.margin, rel=1e-5)


def test_weights_of_rows_scale_them() -> None:
    X, codes = np.array([[-3.0], [2.0], [5.0]]), np.array([0, 1, 0])
    weighted = Question(X, codes, 2, False, np.array([1.0, 4.0, 0.0])).separation()
    assert (weighted.margin, weighted.radius) == (3.0, 8.0)


def test_given_up_before_an_answer() -> None:
    X, y = gg.data.digits()
    with pytest.raises(UndecidedError, match="given up"):
        Question(X, y % 2, 2, True).separator(limit=1)


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="one class only"):
        separation([[1.0], [2.0]], [1, 1])
    with pytest.raises(ShapeError, match="a class a row"):
        separation([[1.0], [2.0]], [1, 1, 2])


def until_right(model: Online, X: Array, y: Array, times: int = 30, most: int = 40) -> int:
    """Mistakes until a pass has none; several passes are one call."""
    model.W, model.b = np.zeros_like(model.W), np.zeros_like(model.b)
    rows, total = model.rows(np.tile(X, (times, 1)), np.tile(y, times)), 0
    for _ in range(most):
        found = model.epoch(rows, shuffle=False)
        total += int(found.sum())
        if not found[-len(X) :].any():
            return total
    raise AssertionError("it did not end")


@pytest.mark.parametrize(("features", "problems"), [(1, 250), (2, 250), (4, 250), (7, 250)])
def test_the_bound_holds_on_a_thousand_separable_problems(
    features: int, problems: int, rng: np.random.Generator
) -> None:
    model = Online(features, 1, criteria.perceptron, 1.0, dtype=np.float64, noted=criteria.mistakes)
    near = 0.0
    for _ in range(problems):
        X = rng.normal(size=(int(rng.integers(2, 25)), features)) * rng.uniform(0.1, 10)
        score = X @ rng.normal(size=features) + rng.normal()
        y = (score > 0).astype(int)
        X = X[np.abs(score) > 0.03 * np.abs(score).max()]  # so that each ends soon
        y = y[np.abs(score) > 0.03 * np.abs(score).max()]
        if len(np.unique(y)) < 2:
            X, y = np.r_[np.ones((1, features)), -np.ones((1, features))], np.array([0, 1])
        found = separation(X, y)
        assert found.separable
        assert attained(X, y, found.weights) == pytest.approx(found.margin, rel=1e-9)
        made = until_right(model, X, y)
        assert made <= found.mistake_bound
        near = max(near, made / found.mistake_bound)
    assert near > 0.05  # the bound says something


def test_the_bound_of_several_classes_holds(rng: np.random.Generator) -> None:
    model = Online(3, 4, criteria.perceptron, 1.0, dtype=np.float64, noted=criteria.mistakes)
    for _ in range(100):
        X = rng.normal(size=(20, 3))
        scores = X @ rng.normal(size=(3, 4)) + rng.normal(size=4)
        first, second = np.sort(scores, axis=1)[:, -1], np.sort(scores, axis=1)[:, -2]
        y = scores.argmax(axis=1)[first - second > 0.1]
        X = X[first - second > 0.1]
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 4:
            continue
        found = separation(X, codes)
        assert 1 <= until_right(model, X, codes) <= found.mistake_bound == 2 * (found.radius / found.margin) ** 2


@pytest.mark.parametrize("classes", [2, 3])
def test_many_features_are_taken_by_products_of_rows(
    classes: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = sparse.random_array((60, 900), density=0.02, rng=rng, format="csr")
    X = sparse.vstack([X, X[:5]], format="csr")  # rows that come twice leave the products without full rank
    y = np.append(np.arange(60) % classes, np.arange(5) % classes)
    found = separation(X, y)
    monkeypatch.setattr("glassgrad.estimators.separability._WIDE", np.inf)
    plain = separation(X, y)
    assert found.separable
    assert found.margin == pytest.approx(plain.margin, rel=1e-7)
    assert attained(X.toarray(), y, found.weights) == pytest.approx(found.margin, rel=1e-9)
