"""MLPClassifier: scikit-learn's contract, its numbers, and what goes beyond it."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import glassgrad as gg
from glassgrad import nn, optim
from glassgrad.errors import DataError, GradientError, OperandError, UnknownNameError
from glassgrad.estimators import MLPClassifier
from glassgrad.op import Op

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL: dict[str, Any] = {"hidden_layer_sizes": 8, "max_iter": 30}
FAST: dict[str, Any] = {
    "hidden_layer_sizes": (64, 64), "solver": "sgd", "learning_rate_init": 0.1, "batch_size": 32, "max_iter": 50,
}  # fmt: skip
DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS = (DIGITS / 16).astype(np.float32)
X, HELD, Y, HELD_Y = train_test_split(DIGITS, LABELS, stratify=LABELS, random_state=0)
CANCER, SICK = load_breast_cancer(return_X_y=True)
CANCER = StandardScaler().fit_transform(CANCER)


@pytest.mark.filterwarnings("ignore:batch_size=200 is more")
@parametrize_with_checks([
    MLPClassifier(max_iter=100),
    MLPClassifier(**SMALL, solver="lbfgs", activation=["tanh"]),
    MLPClassifier(
        **SMALL, solver="nesterov", learning_rate="adaptive", activation="maxout", learning_rate_init=0.05,
        batch_size=200,
    ),
])  # fmt: skip
def test_the_contract(estimator, check) -> None:
    check(estimator)


def test_parameters_are_scikit_learns_first_with_their_defaults() -> None:
    theirs, ours = Theirs().get_params(), MLPClassifier().get_params()
    assert {name: ours[name] for name in theirs} == theirs


# the same numbers as scikit-learn's


def in_place_of(theirs: Theirs, **settings: Any) -> MLPClassifier:
    """Ours with the weights of a fitted one of theirs."""
    ours = MLPClassifier(**(theirs.get_params() | {"max_iter": 1} | settings)).fit(X, Y)
    for layer, W, b in zip(ours.net_.layers()[::2], theirs.coefs_, theirs.intercepts_, strict=True):
        layer.W.value, layer.b.value = W, b
    return ours


def test_equal_weights_predict_equally() -> None:
    theirs = Theirs(20, max_iter=5, random_state=0).fit(X, Y)
    ours = in_place_of(theirs)
    np.testing.assert_allclose(ours.predict_proba(HELD), theirs.predict_proba(HELD), atol=2e-6)
    np.testing.assert_allclose(ours.predict_log_proba(HELD), np.log(theirs.predict_proba(HELD)), rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(ours.predict(HELD), theirs.predict(HELD))
    assert (ours.n_layers_, ours.n_outputs_, ours.out_activation_) == (3, 10, "softmax")


@pytest.mark.parametrize("weighted", [False, True])
def test_one_step_from_the_same_weights_is_theirs(weighted: bool) -> None:
    """One full batch: gradient, penalty and momentum agree."""
    A = X[:300].astype(np.float64)
    weight = np.random.default_rng(0).uniform(0.5, 2, 300) if weighted else None
    settings: dict[str, Any] = {
        "hidden_layer_sizes": 12, "solver": "sgd", "batch_size": 300, "learning_rate_init": 0.5, "alpha": 3.0,
        "activation": "tanh", "warm_start": True,
    }  # fmt: skip
    theirs, ours = Theirs(**settings, max_iter=1, random_state=0), MLPClassifier(**settings, max_iter=1, random_state=0)
    theirs.fit(A, Y[:300], weight)
    ours.fit(A, Y[:300], weight)
    for layer, W, b in zip(ours.net_.layers()[::2], theirs.coefs_, theirs.intercepts_, strict=True):
        layer.W.value, layer.b.value = W, b
    theirs.set_params(max_iter=5).fit(A, Y[:300], weight)
    ours.set_params(max_iter=5).fit(A, Y[:300], weight)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_[-5:], rtol=1e-9)
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-12)


def test_lbfgs_finds_what_theirs_finds() -> None:
    settings: dict[str, Any] = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 1.0, "max_iter": 500, "tol": 1e-7}
    ours, theirs = MLPClassifier(**settings).fit(CANCER, SICK), Theirs(**settings).fit(CANCER, SICK)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=2e-3)


def test_accuracy_on_digits_is_theirs() -> None:
    ours = [MLPClassifier(**FAST, random_state=seed).fit(X, Y).score(HELD, HELD_Y) for seed in range(4)]
    theirs = [Theirs(**FAST, random_state=seed).fit(X, Y).score(HELD, HELD_Y) for seed in range(4)]
    assert np.mean(ours) >= np.mean(theirs) - 0.005


@pytest.mark.parametrize("rate", ["constant", "invscaling", "adaptive"])
def test_schedules_by_name(rate: str) -> None:
    settings: dict[str, Any] = {
        "hidden_layer_sizes": 16, "solver": "sgd", "learning_rate": rate, "learning_rate_init": 0.3, "max_iter": 60,
        "batch_size": 100, "random_state": 1, "n_iter_no_change": 2, "tol": 1e-2 if rate == "adaptive" else 0,
        "momentum": 0.0,
    }  # fmt: skip
    ours, theirs = MLPClassifier(**settings).fit(X, Y), Theirs(**settings).fit(X, Y)
    if rate == "adaptive":
        assert ours.n_iter_ == theirs.n_iter_ == 60 or abs(ours.n_iter_ - theirs.n_iter_) < 20
        assert float(ours._trainer[2].value) < 0.3
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.25, abs=0.02)


# classes, labels, weights


def test_two_classes_with_names() -> None:
    names = np.array(["well", "ill"])[SICK]
    model = MLPClassifier(**SMALL, solver="lbfgs", random_state=0).fit(CANCER, names)
    assert model.classes_.tolist() == ["ill", "well"]
    assert model.score(CANCER, names) > 0.98
    proba, score = model.predict_proba(CANCER), model.decision_function(CANCER)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(CANCER) == "well", score > 0)
    assert (model.n_outputs_, model.out_activation_) == (1, "logistic")


def test_several_labels_a_row() -> None:
    A, labels = make_multilabel_classification(200, 10, n_classes=4, random_state=0)
    ours = MLPClassifier(30, solver="lbfgs", max_iter=100, random_state=0).fit(A, labels)
    theirs = Theirs(30, solver="lbfgs", max_iter=100, random_state=0).fit(A, labels)
    assert ours.predict(A).shape == ours.predict_proba(A).shape == (200, 4)
    assert ours.score(A, labels) >= theirs.score(A, labels) - 0.05
    with pytest.raises(DataError, match="labels are one a row"):
        ours.fit(A, labels + 1.5 * labels[:, ::-1])


@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_a_weight_of_two_is_a_row_twice(solver: str) -> None:
    A, y = CANCER[:150, :6], SICK[:150]
    counts = np.random.default_rng(0).integers(0, 4, 150)
    settings: dict[str, Any] = {"hidden_layer_sizes": 4, "activation": "tanh", "random_state": 0, "max_iter": 40}
    one = MLPClassifier(**settings, solver=solver, batch_size=1000 if solver == "lbfgs" else "auto")
    batch = {"batch_size": int(counts.sum())} if solver == "sgd" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weighted = clone(one).set_params(**batch).fit(A, y, sample_weight=counts)
        repeated = clone(one).set_params(**batch).fit(np.repeat(A, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.predict_proba(A), repeated.predict_proba(A), atol=1e-5)


def test_class_weights_are_row_weights() -> None:
    rare = np.r_[np.flatnonzero(SICK == 1)[:200], np.flatnonzero(SICK == 0)[:20]]
    A, y = CANCER[rare, :3], SICK[rare]
    settings: dict[str, Any] = {"hidden_layer_sizes": 4, "solver": "lbfgs", "random_state": 0, "max_iter": 60}
    plain = MLPClassifier(**settings).fit(A, y)
    fair = MLPClassifier(**settings, class_weight="balanced").fit(A, y)
    same = MLPClassifier(**settings).fit(A, y, sample_weight=np.where(y == 1, 220 / 400, 220 / 40))
    np.testing.assert_allclose(fair.predict_proba(A), same.predict_proba(A), atol=1e-6)
    assert (fair.predict(A) == 0).sum() > (plain.predict(A) == 0).sum()


# beyond scikit-learn


@pytest.mark.parametrize(
    "activation",
    ["abs", "leaky", "prelu", "rrelu", "elu", "maxout", "sigmoid", "softplus", "hardtanh", "rbf", nn.LeakyReLU(0.3)],
    ids=str,
)
def test_every_hidden_unit_learns_digits(activation: Any) -> None:
    rate = 0.02 if activation == "rbf" else 0.01
    model = MLPClassifier(48, activation, learning_rate_init=rate, max_iter=25, batch_size=50, random_state=0)
    assert model.fit(X, Y).score(HELD, HELD_Y) > (0.8 if activation == "rbf" else 0.93)


def test_an_activation_and_a_dropout_for_each_layer() -> None:
    model = MLPClassifier((16, 8), ["tanh", "relu"], dropout=[0.2, 0.0], max_iter=3, random_state=0).fit(X, Y)
    assert [type(layer).__name__ for layer in model.net_] == ["Linear", "Tanh", "Dropout", "Linear", "ReLU", "Linear"]
    with pytest.raises(DataError, match="activation has 3 entries, and there are 2"):
        model.set_params(activation=["tanh"] * 3).fit(X, Y)


def test_dropout_keeps_the_gap_small() -> None:
    few, some = X[:150], Y[:150]
    plain = MLPClassifier(100, max_iter=60, batch_size=30, learning_rate_init=0.005, tol=0, random_state=0)
    with_holes = clone(plain).set_params(dropout=0.5).fit(few, some)
    plain.fit(few, some)
    assert with_holes.loss_ > 3 * plain.loss_  # in training; in use there are no holes
    assert with_holes.score(HELD, HELD_Y) > plain.score(HELD, HELD_Y) - 0.02
    np.testing.assert_array_equal(with_holes.predict_proba(HELD), with_holes.predict_proba(HELD))


@pytest.mark.parametrize(
    "solver", ["nesterov", "adamw", "rmsprop", "adagrad", optim.Adam(0.01), optim.LBFGS(60)], ids=str
)
def test_every_solver_learns(solver: Any) -> None:
    rate = {"nesterov": 0.1, "adagrad": 0.05}.get(solver if isinstance(solver, str) else "", 0.01)
    model = MLPClassifier(32, solver=solver, learning_rate_init=rate, max_iter=20, random_state=0).fit(X, Y)
    assert model.score(HELD, HELD_Y) > 0.93


def test_adamw_decays_its_weights_apart_from_the_gradient() -> None:
    sizes = [
        np.linalg.norm(MLPClassifier(16, solver="adamw", alpha=a, max_iter=10, random_state=0).fit(X, Y).coefs_[0])
        for a in (0.0, 1.0)
    ]
    assert sizes[1] < 0.95 * sizes[0]


def test_a_schedule_and_a_clipped_norm() -> None:
    schedule = optim.Cosine(0.2, steps=100)
    model = MLPClassifier(16, solver="sgd", learning_rate=schedule, clip_norm=0.5, max_iter=30, random_state=0)
    before = model.fit(X, Y).coefs_[0]
    model.set_params(warm_start=True, max_iter=1, learning_rate=lambda step: 0.0 * step)
    np.testing.assert_array_equal(model.fit(X, Y).coefs_[0], before)  # a rate of zero changes nothing


def brier(output: Any, y: Any) -> Any:
    shares = np.exp(output - np.max(output, axis=1, keepdims=True))
    return np.mean(np.sum((shares / np.sum(shares, axis=1, keepdims=True) - y) ** 2, axis=1))


def test_a_loss_of_ones_own() -> None:
    model = MLPClassifier(32, loss=brier, learning_rate_init=0.01, max_iter=25, random_state=0).fit(X, Y)
    assert model.score(HELD, HELD_Y) > 0.95
    proba = model.predict_proba(X)
    penalty = 0.5 * model.alpha / 200 * sum((W**2).sum() for W in model.coefs_)
    assert model.loss_ == pytest.approx(((proba - np.eye(10)[Y]) ** 2).sum(axis=1).mean() + penalty, rel=0.2)


def test_a_loss_whose_gradient_is_wrong_is_refused_and_its_gate_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from glassgrad.ops import OPS

    rules = OPS["tanh"].gradients
    wrong = lambda g, out, x: 1.01 * g * (1 - out * out)  # noqa: E731
    object.__setattr__(OPS["tanh"], "gradients", (wrong,))
    try:
        with pytest.raises(GradientError, match=r"MLPClassifier: the gradient of the loss bent .* tanh"):
            MLPClassifier(4, loss=bent).fit(X, Y)
    finally:
        object.__setattr__(OPS["tanh"], "gradients", rules)
    assert isinstance(OPS["tanh"], Op)
    MLPClassifier(4, loss=bent, max_iter=1).fit(X, Y)


def bent(output: Any, y: Any) -> Any:
    return np.mean((np.tanh(output) - y) ** 2)


@pytest.mark.parametrize(
    ("loss", "error", "says"),
    [
        ("poisson", UnknownNameError, "log_loss"),
        (lambda output: np.mean(output), OperandError, "output, y"),
        (lambda output, y: np.mean(np.log(output - output)), GradientError, "finite"),
        (gg.distributions.Categorical, OperandError, "distribution"),
        (3, OperandError, "loss"),
    ],
)
def test_losses_that_make_no_sense(loss: Any, error: type, says: str) -> None:
    with pytest.raises(error, match=says), np.errstate(all="ignore"):
        MLPClassifier(4, loss=loss).fit(X[:50], Y[:50])


# held-out rows


def test_early_stopping_puts_the_best_weights_back() -> None:
    model = MLPClassifier(
        32, early_stopping=True, learning_rate_init=0.05, n_iter_no_change=4, max_iter=200, random_state=0
    )
    model.fit(X[:200], Y[:200], X_val=HELD, y_val=HELD_Y)
    assert model.n_iter_ < 200
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_) == pytest.approx(model.score(HELD, HELD_Y))
    assert model.best_loss_ is None


@pytest.mark.parametrize("scoring", ["loss", "f1_macro", lambda est, A, y: -float(np.mean(est.predict(A) != y))])
def test_scores_of_ones_own(scoring: Any) -> None:
    settings: dict[str, Any] = {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 40, "scoring": scoring}
    model = MLPClassifier(16, **settings, learning_rate_init=0.03, random_state=0).fit(X, Y, X_val=HELD, y_val=HELD_Y)
    if scoring == "loss":
        assert model.best_validation_score_ == -min(model.validation_loss_curve_)
    else:
        assert model.best_validation_score_ == max(model.validation_scores_) > -0.1


def test_held_out_rows_are_a_share_of_the_rows() -> None:
    model = MLPClassifier(16, early_stopping=True, validation_fraction=0.2, max_iter=5, random_state=3).fit(X, Y)
    again = MLPClassifier(16, early_stopping=True, validation_fraction=0.2, max_iter=5, random_state=3).fit(X, Y)
    assert model.validation_scores_ == again.validation_scores_
    assert model.t_ == 5 * (len(X) - int(np.ceil(0.2 * len(X))))
    with pytest.raises(DataError, match="go together"):
        MLPClassifier(4).fit(X, Y, X_val=X)


def test_callbacks_see_every_epoch_and_can_end_training(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[float] = []

    def enough(trainer: Any, history: Any) -> bool:
        seen.append(history.train_loss[-1])
        return len(seen) == 4

    model = MLPClassifier(8, callbacks=[enough], verbose=True, max_iter=50).fit(X, Y)
    assert seen == model.loss_curve_
    assert model.n_iter_ == 4
    assert "steps/s" in capsys.readouterr().err


# going on, copying, composing


def test_partial_fit_goes_on_and_keeps_the_optimisers_state() -> None:
    model = MLPClassifier(16, early_stopping=True, learning_rate_init=0.01, random_state=0)
    for _ in range(15):
        model.partial_fit(X, Y, classes=np.arange(10))
    assert model.score(HELD, HELD_Y) > 0.93
    assert len(model.loss_curve_) == 15
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.partial_fit(X, Y).coefs_[0], model.partial_fit(X, Y).coefs_[0])
    assert model.t_ == 16 * len(X)
    with pytest.raises(DataError, match="not there before"):
        model.partial_fit(X, Y + 1)
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'"):
        MLPClassifier(solver="lbfgs").partial_fit(X, Y)


def test_warm_start_goes_on_from_the_weights() -> None:
    model = MLPClassifier(16, warm_start=True, max_iter=10, random_state=0).fit(X, Y)
    loss = model.loss_
    net = model.net_
    assert model.fit(X, Y).loss_ < loss
    assert model.net_ is net
    assert model.set_params(warm_start=False).fit(X, Y).loss_ == loss
    with pytest.raises(DataError, match="not there before"):
        model.set_params(warm_start=True).fit(X, Y + 1)


def test_the_dtype_of_the_rows_is_kept() -> None:
    for dtype in (np.float32, np.float64):
        model = MLPClassifier(8, max_iter=2).fit(X.astype(dtype), Y)
        assert {W.dtype for W in model.coefs_ + model.intercepts_} == {np.dtype(dtype)}
        assert model.predict_proba(HELD.astype(dtype)).dtype == dtype


def test_the_same_seed_gives_the_same_bits_with_programs_that_others_left() -> None:
    first = MLPClassifier(**FAST, random_state=5).fit(X, Y)
    MLPClassifier(**(FAST | {"learning_rate_init": 0.02}), alpha=0.1, random_state=6).fit(X, Y)
    again = MLPClassifier(**FAST, random_state=5).fit(X, Y)
    assert first.loss_curve_ == again.loss_curve_
    for a, b in zip(first.coefs_, again.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(first.predict_proba(HELD), again.predict_proba(HELD))


def test_the_numpy_engine_agrees() -> None:
    settings = FAST | {"max_iter": 3, "random_state": 0}
    native, plain = MLPClassifier(**settings).fit(X, Y), MLPClassifier(**settings, engine="numpy").fit(X, Y)
    np.testing.assert_allclose(native.loss_curve_, plain.loss_curve_, rtol=1e-4)


def test_an_order_that_stays() -> None:
    model = MLPClassifier(8, solver="sgd", shuffle=False, batch_size=100, max_iter=3, random_state=0).fit(X, Y)
    theirs = Theirs(8, solver="sgd", shuffle=False, batch_size=100, max_iter=3, random_state=0).fit(X, Y)
    assert len(model.loss_curve_) == len(theirs.loss_curve_)
    assert model.loss_curve_ == clone(model).fit(X, Y).loss_curve_


def test_grids_pipelines_calibration_importance() -> None:
    model = make_pipeline(StandardScaler(), MLPClassifier(8, solver="lbfgs", max_iter=30, random_state=0))
    assert cross_val_score(model, CANCER, SICK).mean() > 0.95
    grid = GridSearchCV(model, {"mlpclassifier__alpha": [1e-4, 1.0, 100.0]}, n_jobs=2).fit(CANCER, SICK)
    assert grid.best_params_["mlpclassifier__alpha"] < 100
    calibrated = CalibratedClassifierCV(model, cv=2).fit(CANCER, SICK)
    np.testing.assert_allclose(calibrated.predict_proba(CANCER).sum(axis=1), 1)
    found = permutation_importance(grid.best_estimator_, CANCER, SICK, n_repeats=1, random_state=0)
    assert found.importances_mean.max() > 0


def test_threads_of_one_process_fit_at_the_same_time() -> None:
    joblib = pytest.importorskip("joblib")
    alone = [MLPClassifier(**FAST | {"max_iter": 5}, random_state=seed).fit(X, Y).loss_curve_ for seed in range(4)]
    fits = (
        joblib.delayed(lambda s: MLPClassifier(**FAST | {"max_iter": 5}, random_state=s).fit(X, Y))(s) for s in range(4)
    )
    together = joblib.Parallel(n_jobs=2, backend="threading")(fits)
    assert [model.loss_curve_ for model in together] == alone


def test_sparse_rows_stay_sparse_and_learn_the_same() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    settings: dict[str, Any] = {"hidden_layer_sizes": 16, "max_iter": 5, "random_state": 0}
    dense = MLPClassifier(**settings).fit(X, Y)
    thin = MLPClassifier(**settings).fit(sparse.csr_matrix(X), Y)
    np.testing.assert_allclose(thin.loss_curve_, dense.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(thin.predict_proba(sparse.csr_matrix(HELD)), dense.predict_proba(HELD), atol=1e-3)
    assert "x.indices" in {wire.name for wire in pickle.loads(pickle.dumps(thin)).graph().verify().inputs}


def test_metadata_routing_takes_weights_and_held_out_rows() -> None:
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier(8, max_iter=5).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        weight = np.where(Y == 3, 2.0, 1.0)
        assert len(cross_val_score(model, X, Y, params={"sample_weight": weight}, cv=2)) == 2


# looking inside


def test_network_graph_and_explanations() -> None:
    model = MLPClassifier(8, max_iter=2, alpha=0.1).fit(X, Y)
    assert model.network() is model.net_
    graph = model.graph().verify()
    assert [wire.name for wire in graph.inputs][-3:] == ["key", "learning_rate", "alpha"]
    assert "penalty" in str(graph)
    again = pickle.loads(pickle.dumps(model))
    assert [wire.op for wire in again.graph().wires] == [wire.op for wire in graph.wires]
    np.testing.assert_array_equal(again.predict_proba(HELD), model.predict_proba(HELD))


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"hidden_layer_sizes": (4, 0)}, DataError, "hidden_layer_sizes"),
        ({"activation": "gelu"}, UnknownNameError, "relu"),
        ({"activation": 3}, OperandError, "activation"),
        ({"solver": "newton"}, UnknownNameError, "lbfgs"),
        ({"solver": 3}, OperandError, "solver"),
        ({"learning_rate": "fast"}, UnknownNameError, "constant"),
        ({"learning_rate": 0.1}, OperandError, "learning_rate_init"),
        ({"learning_rate_init": 0}, DataError, "above 0"),
        ({"alpha": -1}, DataError, "alpha"),
        ({"alpha": "much"}, OperandError, "alpha"),
        ({"max_iter": 0}, DataError, "max_iter"),
        ({"max_iter": 1.5}, OperandError, "whole"),
        ({"batch_size": 0}, DataError, "batch_size"),
        ({"n_iter_no_change": 0}, DataError, "n_iter_no_change"),
        ({"dropout": 1.0}, DataError, "rate lies"),
        ({"dropout": "half"}, OperandError, "dropout"),
        ({"scoring": 3, "early_stopping": True}, OperandError, "scoring"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        MLPClassifier(**settings).fit(X, Y)


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_what_has_not_converged_says_so() -> None:
    for solver in ("adam", "lbfgs"):
        with pytest.warns(ConvergenceWarning, match="max_iter=2"):
            MLPClassifier(4, solver=solver, max_iter=2).fit(X, Y)
    with pytest.warns(UserWarning, match="batch_size=5000 is more"):
        MLPClassifier(4, batch_size=5000, max_iter=500, tol=1.0).fit(X, Y)


def test_a_loss_that_reads_what_has_changed_is_traced_anew() -> None:
    factor = [1.0]

    def loss(output: Any, y: Any) -> Any:
        return factor[0] * np.mean((output - y) ** 2)

    settings: dict[str, Any] = {"hidden_layer_sizes": 4, "max_iter": 1, "batch_size": len(X), "alpha": 0}
    one = MLPClassifier(**settings, loss=loss, random_state=0).fit(X, Y).loss_
    factor[0] = 3.0
    assert MLPClassifier(**settings, loss=loss, random_state=0).fit(X, Y).loss_ == pytest.approx(3 * one, rel=1e-5)
