"""MLPRegressor: scikit-learn's contract, its numbers, and what goes beyond it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPRegressor as Theirs
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from glassgrad import distributions
from glassgrad.errors import DataError, OperandError, UnknownNameError
from glassgrad.estimators import MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL: dict[str, Any] = {"hidden_layer_sizes": 8, "max_iter": 30}
X, Y = load_diabetes(return_X_y=True)
X, SCALED = StandardScaler().fit_transform(X), (Y - Y.mean()) / Y.std()
COUNTS = np.random.default_rng(0).poisson(np.exp(0.4 * X[:, 2] - 0.3 * X[:, 3] + 0.5))
LINEAR: dict[str, Any] = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "max_iter": 1000, "tol": 1e-8}


@parametrize_with_checks([
    MLPRegressor(max_iter=100),
    MLPRegressor(**SMALL, solver="lbfgs", activation=["elu"]),
    MLPRegressor("laplace", **SMALL, solver="adamw", learning_rate_init=0.05, activation="prelu"),
])  # fmt: skip
def test_the_contract(estimator, check) -> None:
    check(estimator)


def test_parameters_are_scikit_learns_first_with_their_defaults() -> None:
    theirs, ours = Theirs().get_params(), MLPRegressor().get_params()
    assert {name: ours[name] for name in theirs} == theirs


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_diabetes_is_predicted_as_theirs_does(solver: str) -> None:
    settings: dict[str, Any] = {"hidden_layer_sizes": 20, "solver": solver, "alpha": 3.0, "max_iter": 150}
    ours = [cross_val_score(MLPRegressor(**settings, random_state=s), X, SCALED, cv=3).mean() for s in range(3)]
    theirs = [cross_val_score(Theirs(**settings, random_state=s), X, SCALED, cv=3).mean() for s in range(3)]
    assert np.mean(ours) > np.mean(theirs) - 0.04


def test_without_hidden_layers_it_is_least_squares() -> None:
    model = MLPRegressor(**LINEAR).fit(X, SCALED)
    solution, *_ = np.linalg.lstsq(np.c_[X, np.ones(len(X))], SCALED, rcond=None)
    np.testing.assert_allclose(np.r_[model.coefs_[0][:, 0], model.intercepts_[0]], solution, atol=1e-3)
    assert model.loss_ == pytest.approx(0.5 * np.mean((model.predict(X) - SCALED) ** 2))


def test_poisson_is_theirs_and_that_of_the_linear_model() -> None:
    ours, theirs = MLPRegressor("poisson", **LINEAR).fit(X, COUNTS), Theirs("poisson", **LINEAR).fit(X, COUNTS)
    glm = PoissonRegressor(alpha=0, max_iter=1000, tol=1e-9).fit(X, COUNTS)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=5e-3)
    np.testing.assert_allclose(ours.coefs_[0][:, 0], glm.coef_, atol=1e-3)
    assert ours.out_activation_ == "exp"
    assert MLPRegressor("poisson", **SMALL).fit(X, COUNTS + 0.5).predict(X).min() > 0  # any rate from 0 serves
    with pytest.raises(DataError, match="not below 0"):
        ours.fit(X, COUNTS - 1)


@pytest.mark.parametrize(
    "loss", ["negative_binomial", distributions.NegativeBinomial(3.0), "absolute_error", "laplace"]
)
def test_other_distributions(loss: Any) -> None:
    y = COUNTS if "egative" in str(loss) else SCALED
    model = MLPRegressor(loss, 10, solver="adam", learning_rate_init=0.02, max_iter=60, random_state=0).fit(X, y)
    output = model.network()(X).value
    assert model.loss_ == pytest.approx(float(model.distribution_.loss(output, y[:, None])), abs=0.05)
    assert model.score(X, y) > 0.25


def test_the_absolute_error_does_not_mind_outliers() -> None:
    y = X[:, 0].copy()
    y[::10] += 100
    fits = [MLPRegressor(loss, **LINEAR | {"max_iter": 3000}).fit(X, y) for loss in ("absolute_error", "squared_error")]
    errors = [np.abs(fit.predict(X) - X[:, 0]).mean() for fit in fits]
    assert errors[0] < 0.2 < 5 < errors[1]


def huber(output: Any, y: Any, weight: Any = None) -> Any:
    away = np.abs(output - y)
    cost = np.where(away < 1, 0.5 * away**2, away - 0.5)
    return np.mean(cost) if weight is None else np.sum(cost[:, 0] * weight) / np.sum(weight)


def test_a_loss_of_ones_own_with_weights() -> None:
    weight = np.where(np.arange(len(X)) % 2, 1.0, 0.25)
    settings: dict[str, Any] = {"hidden_layer_sizes": 8, "solver": "lbfgs", "max_iter": 80, "random_state": 0}
    model = MLPRegressor(huber, **settings).fit(X, SCALED, sample_weight=weight)
    assert model.score(X, SCALED) > 0.5
    again = MLPRegressor(huber, **settings).fit(X, SCALED, sample_weight=4 * weight)
    assert model.score(X[1::2], SCALED[1::2]) > model.score(X[::2], SCALED[::2])
    np.testing.assert_allclose(model.loss_, again.loss_, rtol=0.05)
    with pytest.raises(OperandError, match="no gradient path"):
        MLPRegressor(lambda output, y: np.mean(np.sign(output) * 0), **settings).fit(X, SCALED)


def test_several_outputs_a_row() -> None:
    both = np.c_[SCALED, -SCALED, X[:, 0]]
    model = MLPRegressor(hidden_layer_sizes=20, solver="lbfgs", max_iter=200, random_state=0).fit(X, both)
    assert model.predict(X).shape == both.shape
    assert model.n_outputs_ == 3
    assert model.score(X, both) > 0.6
    assert model.loss_ == pytest.approx(0.5 * ((model.predict(X) - both) ** 2).sum(axis=1).mean(), abs=1e-3)


def test_early_stopping_partial_fit_and_target_transforms() -> None:
    model = MLPRegressor(hidden_layer_sizes=20, early_stopping=True, learning_rate_init=0.02, random_state=0)
    model.fit(X, SCALED)
    assert model.n_iter_ < 200
    assert model.best_validation_score_ == max(model.validation_scores_)
    going_on = MLPRegressor(hidden_layer_sizes=20, learning_rate_init=0.02, random_state=0)
    for _ in range(30):
        going_on.partial_fit(X, SCALED)
    assert going_on.score(X, SCALED) > 0.5
    wrapped = TransformedTargetRegressor(
        MLPRegressor(**SMALL, solver="lbfgs", random_state=0), transformer=StandardScaler()
    )
    assert wrapped.fit(X, Y).score(X, Y) > 0.5
    with pytest.raises(DataError, match="too small"):
        MLPRegressor(early_stopping=True, validation_fraction=0.01).fit(X[:60], SCALED[:60])


def test_float32_is_kept_and_weights_count() -> None:
    small = X.astype(np.float32)
    model = MLPRegressor(**SMALL).fit(small, SCALED)
    assert model.predict(small).dtype == model.coefs_[0].dtype == np.float32
    weight = np.random.default_rng(1).integers(0, 3, len(X))
    once, twice = (
        MLPRegressor(**LINEAR | {"hidden_layer_sizes": 4, "max_iter": 30}, activation="tanh", random_state=0).fit(
            A, y, w
        )
        for A, y, w in (
            (X, SCALED, weight),
            (np.repeat(X, weight, axis=0), np.repeat(SCALED, weight), None),
        )
    )
    np.testing.assert_allclose(once.predict(X), twice.predict(X), atol=1e-5)


@pytest.mark.parametrize("loss", ["log_loss", "bernoulli", distributions.Categorical()])
def test_losses_of_classes_are_refused(loss: Any) -> None:
    with pytest.raises(UnknownNameError):
        MLPRegressor(loss).fit(X, SCALED)
