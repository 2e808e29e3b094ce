"""LogisticRegression: scikit-learn's contract, its coefficients, and what goes beyond it."""

from __future__ import annotations

import gzip
import pickle
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import linear_model
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import glassgrad as gg
from glassgrad.errors import DataError, GlassgradError, OperandError, UnsupportedError
from glassgrad.estimators import LogisticRegression
from glassgrad.optim import InverseTime, StepDecay

ONCE = "weighting a row once and repeating it are different steps of a stochastic gradient"
EXACT = {"tol": 1e-9, "max_iter": 2000}


def expected_failures(estimator) -> dict[str, str]:
    """The checks that a stochastic gradient cannot pass; `test_what_weights_mean_…` stands in for them."""
    if estimator.solver != "sgd":
        return {}
    return {f"check_sample_weight_equivalence_on_{kind}_data": ONCE for kind in ("dense", "sparse")}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        LogisticRegression(),
        LogisticRegression(solver="newton-cg", C=0.1, class_weight="balanced"),
        LogisticRegression(solver="proximal", l1_ratio=0.5),
        LogisticRegression(solver="sgd", average=True),
        LogisticRegression(solver="gd"),
    ],
    expected_failed_checks=expected_failures,
)
def test_the_contract(estimator, check) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def blobs():
    """Rows of five features of different size, their classes among three, and weights."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(240, 5)) * [1, 2, 0.5, 3, 1] + [0, 1, 0, -1, 0]
    y = (X @ rng.normal(size=(5, 3)) / 2 + rng.gumbel(size=(240, 3))).argmax(axis=1)
    return X, y, rng.random(240) + 0.1


def agree(ours, theirs, atol=1e-5) -> None:
    """The same coefficients; biases of several classes up to what all have in common, which changes nothing."""
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=atol)
    shift = (theirs.intercept_ - ours.intercept_).mean() if len(ours.intercept_) > 1 else 0
    np.testing.assert_allclose(ours.intercept_ + shift, theirs.intercept_, atol=atol)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "settings",
    [{}, {"C": 0.01, "fit_intercept": False}, {"class_weight": "balanced", "C": 5}, {"class_weight": {0: 3, 1: 0.2}},
     {"C": np.inf}],
    ids=str,
)  # fmt: skip
def test_coefficients_are_scikit_learns(blobs, solver, classes, settings) -> None:
    X, y, weight = blobs
    y = np.minimum(y, classes - 1)
    if classes == 3 and isinstance(settings.get("class_weight"), dict):
        settings = {**settings, "class_weight": {**settings["class_weight"], 2: 1.0}}
    theirs = linear_model.LogisticRegression(solver="newton-cg", **EXACT, **settings)
    for w in (None, weight):
        agree(LogisticRegression(solver=solver, **EXACT, **settings).fit(X, y, w), theirs.fit(X, y, w))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("l1_ratio", [0.4, 1.0])
def test_l1_and_elastic_net_are_scikit_learns(blobs, classes, l1_ratio) -> None:
    X, y, weight = blobs
    X, y = StandardScaler().fit_transform(X), np.minimum(y, classes - 1)
    settings = {"l1_ratio": l1_ratio, "C": 0.05}
    theirs = linear_model.LogisticRegression(solver="saga", tol=1e-8, max_iter=5000, **settings).fit(X, y, weight)
    for solver in ("proximal", "saga"):
        ours = LogisticRegression(solver=solver, tol=1e-9, **settings).fit(X, y, weight)
        agree(ours, theirs)
        np.testing.assert_array_equal(ours.coef_ == 0, np.abs(theirs.coef_) < 1e-9)
        assert (ours.coef_ == 0).any()


def test_scikit_learns_other_names_are_taken(blobs) -> None:
    X, y, _ = blobs
    best = LogisticRegression(**EXACT).fit(X, y)
    for solver in ("newton-cholesky", "sag", "saga", "liblinear", "proximal"):
        agree(LogisticRegression(solver=solver, intercept_scaling=2.0, **EXACT).fit(X, y), best)
    with pytest.warns(FutureWarning, match="penalty is deprecated"):
        old = LogisticRegression("l1", solver="liblinear", C=0.1).fit(X, y)
    agree(LogisticRegression(l1_ratio=1.0, solver="saga", C=0.1).fit(X, y), old, atol=0)
    with pytest.warns(FutureWarning, match="penalty is deprecated"):
        old = LogisticRegression(penalty=None, **EXACT).fit(X, y)
    agree(LogisticRegression(C=np.inf, **EXACT).fit(X, y), old, atol=0)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("settings", [{}, {"solver": "newton-cg"}, {"solver": "proximal", "l1_ratio": 1.0, "C": 0.1}])
def test_sparse_rows_give_what_dense_ones_give(blobs, classes, settings) -> None:
    X, y, weight = blobs
    X, y = np.where(np.abs(X) > 1, X, 0), np.minimum(y, classes - 1)
    dense = LogisticRegression(**EXACT, **settings).fit(X, y, weight)
    for make in (sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix):
        found = LogisticRegression(**EXACT, **settings).fit(make(X), y, weight)
        agree(found, dense)
        np.testing.assert_allclose(found.predict_proba(make(X)), dense.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("settings", [
    {"solver": "lbfgs"}, {"solver": "newton-cg"}, {"solver": "proximal", "l1_ratio": 0.5, "C": 0.1}, {"solver": "gd"},
])  # fmt: skip
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weighting_equals_repeating(blobs, settings) -> None:
    X, y, _ = blobs
    count = np.random.default_rng(1).integers(0, 4, len(y))
    extra = {"max_iter": 30} if settings["solver"] == "gd" else EXACT
    once = LogisticRegression(**settings, **extra).fit(X, y, count)
    often = LogisticRegression(**settings, **extra).fit(np.repeat(X, count, axis=0), np.repeat(y, count))
    np.testing.assert_allclose(once.coef_, often.coef_, atol=1e-6)
    np.testing.assert_allclose(once.intercept_, often.intercept_, atol=1e-6)


@pytest.mark.parametrize("solver", ["sgd", "minibatch"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_weights_mean_to_a_stochastic_gradient(blobs, solver) -> None:
    X, y, weight = blobs
    settings = {"solver": solver, "batch_size": 1 if solver == "sgd" else 7, "max_iter": 3, "random_state": 0}
    some = np.where(np.arange(len(y)) % 3 == 0, 0, weight)
    zero = LogisticRegression(**settings).fit(X, y, some)
    left = LogisticRegression(**settings).fit(X[some > 0], y[some > 0], some[some > 0])
    np.testing.assert_array_equal(zero.coef_, left.coef_)  # weight zero: as if the row were not there
    constant = {**settings, "learning_rate": "constant"}
    one = LogisticRegression(**constant, eta0=0.01, C=1.0).fit(X, y, weight)
    scaled = LogisticRegression(**constant, eta0=0.0025, C=0.25).fit(X, y, 4 * weight)
    np.testing.assert_allclose(one.coef_, scaled.coef_, rtol=1e-9)  # four times the weight, a quarter of the rate
    if solver == "sgd":  # a row of weight w takes a step w times as long
        doubled = LogisticRegression(**constant, eta0=0.01, C=np.inf).fit(X, y, np.full(len(y), 2.0))
        faster = LogisticRegression(**constant, eta0=0.02, C=np.inf).fit(X, y)
        np.testing.assert_allclose(doubled.coef_, faster.coef_, rtol=1e-9)


@pytest.mark.parametrize("settings", [
    {"solver": "sgd", "average": True}, {"solver": "minibatch", "batch_size": 16}, {"solver": "gd", "max_iter": 400},
    {"solver": "sgd", "learning_rate": StepDecay(0.02, every=2000, factor=0.5)},
])  # fmt: skip
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_gradient_descents_come_near_the_least_cost(blobs, settings) -> None:
    X, y, weight = blobs
    for rows in (X, sparse.csr_matrix(X)):
        best = LogisticRegression(C=0.1).fit(rows, y, weight)
        found = LogisticRegression(C=0.1, random_state=0, **settings).fit(rows, y, weight)
        assert found.loss_curve_[-1] < found.loss_curve_[0]
        again = LogisticRegression(C=0.1, warm_start=True, max_iter=1)
        again.classes_, again.coef_, again.intercept_ = found.classes_, found.coef_, found.intercept_
        assert found.score(X, y) >= best.score(X, y) - 0.03
        assert objective(found, X, y, weight, 0.1) < best.loss_curve_[-1] + 0.02


def objective(model, X, y, weight, C) -> float:
    costs = -model.predict_log_proba(X)[np.arange(len(y)), y]
    return (weight @ costs + (model.coef_**2).sum() / 2 / C) / weight.sum()


def test_the_loss_curve_ends_at_the_objective(blobs) -> None:
    X, y, weight = blobs
    for settings in ({}, {"solver": "newton-cg"}):
        model = LogisticRegression(C=0.1, **settings).fit(X, y, weight)
        np.testing.assert_allclose(model.loss_curve_[-1], objective(model, X, y, weight, 0.1), rtol=1e-12)
        assert len(model.loss_curve_) == model.n_iter_[0]
        assert model.n_iter_.dtype == np.int32


def test_l1_truncates_the_weights_of_a_stochastic_gradient(blobs) -> None:
    X, y, _ = blobs
    noise = np.random.default_rng(0).normal(size=(len(y), 20))
    X = np.hstack([X, noise])
    model = LogisticRegression(solver="sgd", l1_ratio=1.0, C=0.02, random_state=0, average=False, max_iter=200)
    model.fit(X, y)
    assert (model.coef_ == 0).mean() > 0.3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_rows_is_kept(blobs, dtype) -> None:
    X, y, _ = blobs
    model = LogisticRegression().fit(X.astype(dtype), y)
    for a in (model.coef_, model.intercept_, model.predict_proba(X.astype(dtype)), model.decision_function(X[:3])):
        assert a.dtype == (dtype if a.shape[0] != 3 or a is model.coef_ or a is model.intercept_ else np.float64)
    theirs = linear_model.LogisticRegression().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X.astype(dtype)), theirs.predict_proba(X), atol=2e-3)


def test_probabilities(blobs) -> None:
    X, y, _ = blobs
    for labels in (y, np.minimum(y, 1)):
        model = LogisticRegression(C=1e4, max_iter=1000).fit(X, labels)
        p = model.predict_proba(X)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p, atol=1e-12)
        np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
        assert np.isfinite(model.predict_log_proba(1e4 * X)).all()


def test_names_of_columns_and_of_classes(blobs) -> None:
    X, y, _ = blobs
    frame = pd.DataFrame(X, columns=list("abcde"))
    names = np.array(["cat", "dog", "eel"])[y]
    model = LogisticRegression().fit(frame, names)
    assert list(model.feature_names_in_) == list("abcde")
    assert list(model.classes_) == ["cat", "dog", "eel"]
    assert set(model.predict(frame)) <= set(names)
    assert model.score(frame, names) > 0.6


def test_the_network_and_the_graph_can_be_opened(blobs) -> None:
    X, y, _ = blobs
    for labels in (y, np.minimum(y, 1)):
        model = LogisticRegression().fit(X, labels)
        z = model.network()(gg.tensor(X)).value
        np.testing.assert_allclose(z[:, 0] if z.shape[1] == 1 else z, model.decision_function(X), rtol=1e-12)
        assert "matmul" in str(model.graph())
        assert "matmul" in str(pickle.loads(pickle.dumps(model)).graph())
    step = LogisticRegression(solver="sgd", max_iter=2000, random_state=0).fit(X, y).graph()
    assert "V" in str(step)


def test_what_is_stored_makes_the_estimator_again(blobs) -> None:
    X, y, _ = blobs
    model = LogisticRegression(solver="newton-cg").fit(X, y)
    copy = LogisticRegression(**model.get_params())
    for name in LogisticRegression.stored:
        if hasattr(model, name):
            setattr(copy, name, getattr(model, name))
    np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
    assert str(copy.network()) == str(model.network())
    with pytest.raises(DataError, match="fit it again"):
        copy.graph()


def test_a_warm_start_needs_few_iterations_more(blobs) -> None:
    X, y, _ = blobs
    model = LogisticRegression(warm_start=True).fit(X, y)
    first = model.n_iter_[0]
    assert model.fit(X, y).n_iter_[0] <= 1 < first
    assert model.fit(X, np.minimum(y, 1)).coef_.shape == (1, 5)  # other classes: from zero


def test_the_engines_agree(blobs) -> None:
    X, y, weight = blobs
    for settings in ({}, {"solver": "newton-cg"}, {"solver": "sgd", "max_iter": 2, "random_state": 3}):
        with pytest.warns(ConvergenceWarning) if "max_iter" in settings else nullcontext():
            native = LogisticRegression(**settings).fit(X, y, weight)
        with pytest.warns(ConvergenceWarning) if "max_iter" in settings else nullcontext():
            plain = LogisticRegression(engine="numpy", **settings).fit(X, y, weight)
        np.testing.assert_allclose(native.coef_, plain.coef_, rtol=1e-7)


def test_the_same_seed_gives_the_same_bits_whatever_the_threads(blobs) -> None:
    X, y, _ = blobs
    for settings in ({}, {"solver": "minibatch", "batch_size": 20, "learning_rate": "constant"}):
        found = [LogisticRegression(random_state=5, n_jobs=n, **settings).fit(X, y).coef_ for n in (None, 1, 2)]
        assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()


def test_partial_fit_is_a_pass_of_fit(blobs) -> None:
    X, y, weight = blobs
    settings = {"solver": "minibatch", "batch_size": 10, "random_state": 0, "average": True}
    with pytest.warns(ConvergenceWarning):
        whole = LogisticRegression(max_iter=3, **settings).fit(X, y, weight)
    part = LogisticRegression(**settings)
    for _ in range(3):
        part.partial_fit(X, y, classes=[0, 1, 2], sample_weight=weight)
        part = pickle.loads(pickle.dumps(part))
    np.testing.assert_array_equal(part.coef_, whole.coef_)
    assert part.n_iter_[0] == len(part.loss_curve_) == 3
    assert part.t_ == 3 * 24


def test_partial_fit_says_what_it_needs(blobs) -> None:
    X, y, _ = blobs
    assert not hasattr(LogisticRegression(), "partial_fit")
    model = LogisticRegression(solver="sgd")
    with pytest.raises(DataError, match="classes"):
        model.partial_fit(X, y)
    model.partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    with pytest.raises(DataError, match="in the first call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(DataError, match="class 7 in row 1"):
        model.partial_fit(X[:2], [0, 7])
    with pytest.raises(UnsupportedError, match="balanced"):
        model.set_params(class_weight="balanced").partial_fit(X, y)


def test_held_out_rows_are_watched(blobs) -> None:
    X, y, weight = blobs
    train, out = slice(0, 160), slice(160, None)
    for settings in ({}, {"solver": "minibatch", "batch_size": 40, "random_state": 0, "tol": 1e-3}):
        model = LogisticRegression(**settings)
        model.fit(X[train], y[train], X_val=X[out], y_val=y[out], sample_weight_val=weight[out])
        assert len(model.validation_loss_curve_) == model.n_iter_[0]
        costs = -model.predict_log_proba(X[out])[np.arange(80), y[out]]
        np.testing.assert_allclose(model.validation_loss_curve_[-1], weight[out] @ costs / weight[out].sum(), rtol=1e-9)


def test_early_stopping_takes_the_best_weights(blobs) -> None:
    X, y, _ = blobs
    rng = np.random.default_rng(0)
    X = np.hstack([X, rng.normal(size=(len(y), 60))])  # enough to overfit
    model = LogisticRegression(C=np.inf, early_stopping=True, n_iter_no_change=3, random_state=1, max_iter=200)
    model.fit(X[:120], y[:120], X_val=X[120:], y_val=y[120:])
    curve = model.validation_loss_curve_
    assert model.n_iter_[0] < 50
    assert np.argmin(curve) < len(curve) - 1
    costs = -model.predict_log_proba(X[120:])[np.arange(120), y[120:]]
    np.testing.assert_allclose(costs.mean(), min(curve), rtol=1e-9)
    split = LogisticRegression(early_stopping=True, random_state=1).fit(X, y)  # rows held out by itself
    assert len(split.validation_loss_curve_) == split.n_iter_[0]


def test_callbacks_see_every_iteration_and_can_end_it(blobs) -> None:
    X, y, _ = blobs
    for solver in ("lbfgs", "newton-cg", "proximal", "gd"):
        seen = []

        def watch(model, iteration, seen=seen):
            seen.append((iteration, model.score(X, y), len(model.loss_curve_)))
            return iteration == 3

        model = LogisticRegression(solver=solver, callbacks=[watch]).fit(X, y)
        assert [s[0] for s in seen] == [s[2] for s in seen] == [1, 2, 3]
        assert seen[-1][1] == model.score(X, y)


def test_verbose_prints_each_iteration(blobs, capsys) -> None:
    X, y, _ = blobs
    model = LogisticRegression(verbose=1).fit(X, y, X_val=X, y_val=y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_[0]
    assert lines[0].startswith("iteration 1: loss ")
    assert "held out" in lines[0]


def test_data_that_can_be_separated_have_no_answer_without_a_penalty() -> None:
    X, y = np.array([[-2.0], [-1.0], [1.0], [3.0]]), np.array([0, 0, 1, 1])
    for solver in ("lbfgs", "newton-cg"):
        with pytest.warns(ConvergenceWarning, match="grow without bound"):
            LogisticRegression(C=np.inf, solver=solver).fit(X, y)
    sizes = [abs(LogisticRegression(C=C).fit(X, y).coef_[0, 0]) for C in (0.01, 1, 100)]
    assert sizes[0] < sizes[1] < sizes[2]  # a finite C gives a clear preference
    with pytest.warns(ConvergenceWarning, match="grow without bound"):
        LogisticRegression(C=np.inf).fit(np.eye(3), [0, 1, 2])
    LogisticRegression(C=np.inf).fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])  # cannot be: no warning


def test_too_few_iterations_are_said(blobs) -> None:
    X, y, _ = blobs
    for solver in ("lbfgs", "newton-cg", "proximal", "sgd"):
        with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
            model = LogisticRegression(solver=solver, max_iter=2).fit(X, y)
        assert model.n_iter_[0] == 2


def test_no_iterations_leave_the_start(blobs) -> None:
    X, y, _ = blobs
    model = LogisticRegression(max_iter=0).fit(X, y)
    assert not model.coef_.any()
    np.testing.assert_allclose(model.predict_proba(X), 1 / 3)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"l1_ratio": 0.5}, UnsupportedError, "solver='proximal'"),
        ({"C": 0.0}, ValueError, "'C' parameter"),
        ({"solver": "adam"}, ValueError, "'solver' parameter"),
        ({"batch_size": 0}, ValueError, "'batch_size'"),
        ({"solver": "sgd", "eta0": 1e300}, DataError, "smaller"),
    ],
)
def test_settings_that_make_no_sense(blobs, settings, error, text) -> None:
    X, y, _ = blobs
    with pytest.raises(error, match=text), np.errstate(all="ignore"):
        LogisticRegression(**settings).fit(X, y)


def test_data_that_make_no_sense(blobs) -> None:
    X, y, _ = blobs
    with pytest.raises(DataError, match="one class only: 1"):
        LogisticRegression().fit(X, np.ones(len(y), int))
    with pytest.raises(OperandError, match="y_val"):
        LogisticRegression().fit(X, y, X_val=X)
    with pytest.raises(GlassgradError, match="y_val has the class 9"):
        LogisticRegression().fit(X, y, X_val=X[:2], y_val=[0, 9])
    with pytest.raises(DataError, match="sample_weight is zero"):
        LogisticRegression().fit(X, y, np.zeros(len(y)))


def test_it_works_in_a_pipeline_and_a_grid_search_of_two_processes(blobs) -> None:
    X, y, _ = blobs
    model = make_pipeline(StandardScaler(), LogisticRegression())
    search = GridSearchCV(model, {"logisticregression__C": [0.01, 1.0]}, cv=3, n_jobs=2).fit(X, y)
    theirs = GridSearchCV(
        make_pipeline(StandardScaler(), linear_model.LogisticRegression()), search.param_grid, cv=3
    ).fit(X, y)
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], atol=0.01)
    assert (
        clone(search.best_estimator_).get_params()["logisticregression__C"]
        == search.best_params_["logisticregression__C"]
    )


def test_the_digits() -> None:
    X, X_test, y, y_test = gg.data.split(*gg.data.digits(), stratify=True)
    ours = LogisticRegression(max_iter=500).fit(X, y)
    theirs = linear_model.LogisticRegression(max_iter=500).fit(X, y)
    assert ours.coef_.dtype == X.dtype == np.float32
    assert ours.score(X_test, y_test) >= theirs.score(X_test, y_test) - 0.005
    sgd = LogisticRegression(solver="sgd", average=True, random_state=0, max_iter=200).fit(X, y)
    assert sgd.score(X_test, y_test) > 0.93


def test_mnist_in_float32(shared_data) -> None:
    def read(name, skip):
        return np.frombuffer(gzip.decompress((shared_data / name).read_bytes()), np.uint8, offset=skip)

    X = read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32)[:4000] / 255
    y = read("t10k-labels-idx1-ubyte.gz", 8)[:4000]
    with pytest.warns(ConvergenceWarning):
        ours = LogisticRegression(max_iter=15).fit(X[:3000], y[:3000])
    with pytest.warns(ConvergenceWarning):
        theirs = linear_model.LogisticRegression(max_iter=15).fit(X[:3000], y[:3000])
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=5e-3)
    assert abs(ours.score(X[3000:], y[3000:]) - theirs.score(X[3000:], y[3000:])) <= 0.005


def test_a_rate_that_falls_with_time() -> None:
    rate = InverseTime(0.5, decay=0.1)
    np.testing.assert_allclose(rate(np.array([0, 10])), [0.5, 0.25])
    with pytest.raises(DataError, match="decay"):
        InverseTime(0.5, decay=-1)
