"""Models fitted by scikit-learn, as ours: equal predictions, and training goes on."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import linear_model, neural_network
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError

import glassgrad as gg
from glassgrad.errors import OperandError, UnsupportedError
from glassgrad.estimators import load, save
from glassgrad.exchange import from_sklearn, to_onnx

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DIGITS, NUMBERS = gg.data.digits()
NAMES = np.array(list("abcdefghij"))
TARGETS: dict[str, Any] = {
    "two": np.where(NUMBERS > 4, "large", "small"), "ten": NAMES[NUMBERS], "labels": NUMBERS[:, None] // [1, 2, 4] % 2,
}  # fmt: skip


def alike(ours: Any, theirs: Any, X: Any = DIGITS) -> None:
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    for method in ("predict_proba", "decision_function"):
        if hasattr(theirs, method):
            np.testing.assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X), rtol=1e-5, atol=1e-6)
    assert ours.n_features_in_ == theirs.n_features_in_


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("target", TARGETS)
def test_mlp_classifier(target: str, activation: str, dtype: str) -> None:
    X, y = DIGITS.astype(dtype), TARGETS[target]
    theirs = neural_network.MLPClassifier((12, 8), activation, max_iter=3, random_state=0).fit(X[:300], y[:300])
    ours = from_sklearn(theirs)
    alike(ours, theirs, X)
    assert [w.dtype for w in ours.coefs_] == [np.dtype(dtype)] * 3
    for a, b in zip([*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True):
        np.testing.assert_array_equal(a, b)
    assert (ours.n_iter_, ours.t_, ours.n_layers_, ours.out_activation_) == (
        theirs.n_iter_, theirs.t_, theirs.n_layers_, theirs.out_activation_,
    )  # fmt: skip
    np.testing.assert_array_equal(ours.loss_curve_, theirs.loss_curve_)


@pytest.mark.parametrize("target", TARGETS)
def test_an_mlp_goes_on_learning_from_where_it_was(target: str) -> None:
    y = TARGETS[target]
    theirs = neural_network.MLPClassifier((16,), max_iter=30, random_state=0).fit(DIGITS[:600], y[:600])
    ours = from_sklearn(theirs).set_params(warm_start=True, max_iter=5)
    ours.fit(DIGITS[:600], y[:600])
    assert ours.loss_curve_[0] < 1.2 * theirs.loss_curve_[-1]
    assert ours.loss_curve_[-1] < theirs.loss_curve_[-1]
    again = from_sklearn(theirs)
    before = again.loss_curve_[-1]
    for _ in range(3):
        again.partial_fit(DIGITS[:600], y[:600])
    assert again.loss_curve_[-1] < before
    assert len(again.loss_curve_) == 33


def test_a_step_of_ours_is_a_step_of_theirs() -> None:
    """One batch of plain gradient descent from the same weights gives the same weights."""
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1, "batch_size": 64, "shuffle": False}
    X, y = DIGITS[:64].astype(float), NAMES[NUMBERS[:64]]
    theirs = neural_network.MLPClassifier((8,), "tanh", random_state=1, alpha=0.1, **settings)
    theirs.partial_fit(X, y, classes=NAMES)
    ours = from_sklearn(theirs)
    theirs.partial_fit(X, y)
    ours.partial_fit(X, y)
    for a, b in zip([*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_mlp_regressor(loss: str, outputs: int) -> None:
    X, y = load_diabetes(return_X_y=True)
    y = y[:, None] / [100.0, 50.0][:outputs]
    theirs = neural_network.MLPRegressor(loss, (8,), max_iter=20, random_state=0).fit(X, y if outputs > 1 else y[:, 0])
    ours = from_sklearn(theirs)
    assert ours.predict(X).shape == theirs.predict(X).shape
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)
    target = y if outputs > 1 else y[:, 0]
    before = ours.score(X, target)
    assert ours.set_params(warm_start=True, learning_rate_init=0.01).fit(X, target).score(X, target) > before
    if loss == "squared_error":
        again = from_sklearn(theirs).partial_fit(X, target).loss_curve_
        np.testing.assert_allclose(again[-1], again[-2], rtol=0.05)


LINEAR: dict[str, Any] = {
    "logistic": linear_model.LogisticRegression(max_iter=50),
    "newton, no intercept": linear_model.LogisticRegression(solver="newton-cg", fit_intercept=False, C=0.3),
    "l1": linear_model.LogisticRegression(solver="saga", l1_ratio=1, C=0.2, max_iter=30),
    "perceptron": linear_model.Perceptron(max_iter=5, random_state=0),
    "perceptron with a penalty": linear_model.Perceptron(penalty="elasticnet", max_iter=5, random_state=0),
    "sgd perceptron": linear_model.SGDClassifier(loss="perceptron", max_iter=5, random_state=0),
    "sgd averaged perceptron": linear_model.SGDClassifier(
        loss="perceptron", learning_rate="constant", eta0=1.0, average=True, max_iter=5, random_state=0
    ),
    "sgd log loss": linear_model.SGDClassifier(loss="log_loss", max_iter=5, random_state=0),
    "sgd averaged log loss": linear_model.SGDClassifier(
        loss="log_loss", penalty="l1", learning_rate="constant", eta0=0.1, average=True, max_iter=5, random_state=0
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", ["two", "ten"])
@pytest.mark.parametrize("name", LINEAR)
def test_linear_models(name: str, target: str, dtype: str) -> None:
    X, y = DIGITS.astype(dtype), TARGETS[target]
    theirs = clone(LINEAR[name]).fit(X[:500], y[:500])
    if "log loss" in name and target == "ten":
        with pytest.raises(UnsupportedError, match="one against the rest"):
            from_sklearn(theirs)
        return
    ours = from_sklearn(theirs)
    assert type(ours).__name__ == ("Perceptron" if "perceptron" in name else "LogisticRegression")
    alike(ours, theirs, X)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    assert ours.fit_intercept == theirs.fit_intercept


def test_a_logistic_regression_that_goes_on_is_at_its_end_already() -> None:
    theirs = linear_model.LogisticRegression(max_iter=1000, tol=1e-8).fit(DIGITS[:500].astype(float), NUMBERS[:500])
    ours = from_sklearn(theirs).set_params(warm_start=True, tol=1e-4)
    ours.fit(DIGITS[:500].astype(float), NUMBERS[:500])
    assert ours.n_iter_[0] <= 1
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


def test_gradient_descents_go_on() -> None:
    X, y = DIGITS[:500], TARGETS["two"][:500]
    for name in ("sgd log loss", "sgd perceptron", "perceptron"):
        theirs = clone(LINEAR[name]).fit(X[:100], y[:100])
        ours = from_sklearn(theirs)
        before = ours.t_
        for _ in range(5):
            ours.partial_fit(X, y)
        assert ours.t_ == before + 2500
        assert ours.score(X, y) > max(theirs.score(X, y), 0.85)


def test_a_penalty_of_sgd_is_that_of_the_objective() -> None:
    theirs = linear_model.SGDClassifier(loss="log_loss", alpha=0.01, max_iter=7, tol=None).fit(DIGITS, TARGETS["two"])
    ours = from_sklearn(theirs)
    np.testing.assert_allclose(ours.C, 1 / (0.01 * len(DIGITS)))
    unpenalised = linear_model.SGDClassifier(loss="log_loss", penalty=None, max_iter=7, tol=None)
    assert np.isinf(from_sklearn(unpenalised.fit(DIGITS, TARGETS["two"])).C)
    with pytest.raises(UnsupportedError, match="loss='hinge'"):
        from_sklearn(linear_model.SGDClassifier(max_iter=5).fit(DIGITS[:99], TARGETS["two"][:99]))


def test_settings_and_feature_names_are_carried_over() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(DIGITS[:100], columns=[f"pixel {i}" for i in range(64)])
    theirs = neural_network.MLPClassifier(4, alpha=0.3, max_iter=2, early_stopping=True).fit(frame, NUMBERS[:100])
    ours = from_sklearn(theirs)
    assert list(ours.feature_names_in_) == list(frame.columns)
    assert {k: v for k, v in ours.get_params().items() if k in theirs.get_params()} == theirs.get_params()
    assert ours.best_validation_score_ == theirs.best_validation_score_
    np.testing.assert_array_equal(ours.predict(frame), theirs.predict(frame))
    assert not hasattr(clone(ours), "net_")


def test_what_has_no_equal_is_refused() -> None:
    X, y = DIGITS[:100], NUMBERS[:100]
    with pytest.raises(UnsupportedError, match=r"RandomForestClassifier has no equal here; .*MLPClassifier"):
        from_sklearn(RandomForestClassifier(2).fit(X, y))
    with pytest.raises(NotFittedError):
        from_sklearn(linear_model.LogisticRegression())
    with pytest.raises(OperandError, match="not the class Perceptron"):
        from_sklearn(linear_model.Perceptron)
    with pytest.raises(OperandError, match="not ndarray"):
        from_sklearn(X)


KINDS: dict[str, Any] = {
    **LINEAR,
    "mlp": neural_network.MLPClassifier((6,), max_iter=2, early_stopping=True, random_state=0),
    "mlp regressor": neural_network.MLPRegressor(hidden_layer_sizes=(6,), max_iter=2, random_state=0),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_came_over_is_pickled_stored_and_exported_like_any_other(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    y = NUMBERS / 2 if "regressor" in name else TARGETS["two"]
    theirs = clone(KINDS[name]).fit(DIGITS[:200], y[:200])
    ours = from_sklearn(theirs)
    for again in (pickle.loads(pickle.dumps(ours)), load(save(ours, tmp_path / "model"))):
        np.testing.assert_array_equal(again.predict(DIGITS), ours.predict(DIGITS))
        assert repr(again) == repr(ours)
    assert to_onnx(ours).graph.output[0].name in ("label", "variable")
    assert len(ours.network().parameters()) in (1, 2, 4)
