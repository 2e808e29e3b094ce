"""RBFFeatures: scikit-learn's contract, its kernel's numbers, XOR made linear."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import glassgrad as gg
from glassgrad.errors import DataError, OperandError, ShapeError, UnknownNameError
from glassgrad.estimators import LogisticRegression, RBFFeatures

X, Y = load_digits(return_X_y=True)
X = X / 16


@parametrize_with_checks([RBFFeatures(), RBFFeatures(3, centers="rows", gamma=0.5)])
def test_the_contract(estimator, check) -> None:
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("centers", ["kmeans", "rows"])
def test_features_are_the_kernel_between_rows_and_centres(dtype: type, centers: str) -> None:
    A = X[:300].astype(dtype)
    made = RBFFeatures(20, centers=centers, random_state=0).fit(A)
    found = made.transform(A)
    assert found.dtype == dtype
    assert made.gamma_ == pytest.approx(1 / (64 * A.var()), rel=1e-5)
    np.testing.assert_allclose(
        found, rbf_kernel(A, made.centers_, made.gamma_), rtol=1e-4 if dtype == np.float32 else 1e-9
    )
    if centers == "rows":
        assert all(any(np.array_equal(c, row) for row in A) for c in made.centers_)


def test_xor_becomes_linear() -> None:
    A, y = gg.data.xor()
    model = make_pipeline(RBFFeatures(centers=A, gamma=2.0), LogisticRegression(C=100.0)).fit(A, y.ravel())
    assert model.score(A, y.ravel()) == 1
    assert LogisticRegression(C=100.0).fit(A, y.ravel()).score(A, y.ravel()) < 1


def test_digits_are_told_apart_better_than_by_their_pixels() -> None:
    A, B, a, b = train_test_split(X, Y, stratify=Y, random_state=0)
    linear = LogisticRegression(max_iter=300).fit(A, a).score(B, b)
    model = make_pipeline(RBFFeatures(300, random_state=0), LogisticRegression(C=100.0, max_iter=300)).fit(A, a)
    assert model.score(B, b) > linear


def test_names_tables_graph_and_copies() -> None:
    pytest.importorskip("pandas")
    made = RBFFeatures(4, random_state=1).set_output(transform="pandas")
    frame = made.fit_transform(X[:50])
    assert list(frame.columns) == ["rbffeatures0", "rbffeatures1", "rbffeatures2", "rbffeatures3"]
    again = clone(made).fit(X[:50])
    np.testing.assert_array_equal(again.centers_, made.centers_)
    assert made.network() is made.layer_
    graph = made.graph().verify()
    np.testing.assert_allclose(graph.run(made.layer_.W.value, made.layer_.sigma.value, X[:1])[0], frame.to_numpy()[:1])


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"gamma": 0}, DataError, "above 0"),
        ({"gamma": None}, OperandError, "scale"),
        ({"gamma": "auto"}, UnknownNameError, "scale"),
        ({"centers": "grid"}, UnknownNameError, "kmeans"),
        ({"centers": [[1.0, 2.0]]}, ShapeError, r"\(1, 2\)"),
        ({"centers": np.full((1, 64), np.nan)}, DataError, "finite"),
        ({"n_centers": 0}, DataError, "n_centers"),
    ],
)
def test_settings_that_make_no_sense(settings: dict, error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        RBFFeatures(**settings).fit(X[:20])
