"""Perceptron: the lecture's rule, its bound, averages, held-out rows, and what scikit-learn's users expect."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Perceptron as Theirs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import glassgrad as gg
from glassgrad.errors import DataError, NoAttributeError, ShapeError
from glassgrad.estimators import NotSeparableWarning, Perceptron, load, save, separation

Array = np.ndarray[Any, Any]
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def digits() -> tuple[Array, Array]:
    return gg.data.digits()


@pytest.fixture(scope="module")
def pair(digits: tuple[Array, Array]) -> tuple[Array, Array]:
    """Threes and eights."""
    X, y = digits
    which = (y == 3) | (y == 8)
    return X[which], y[which]


def noisy(seed: int, rows: int = 300, features: int = 20, classes: int = 2) -> tuple[Array, Array]:
    """Rows of which every seventh has the label of chance."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features))
    y = (X @ np.random.default_rng(99).normal(size=(features, classes))).argmax(axis=1)
    wrong = rng.random(rows) < 1 / 7
    return X, np.where(wrong, rng.integers(0, classes, rows), y)


def same(one: Perceptron, other: Perceptron, rtol: float = 1e-9) -> None:
    for name in ("coef_", "intercept_", "last_coef_", "last_intercept_"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=rtol, atol=1e-12)


def test_free_money_scores_three_and_is_spam() -> None:
    messages = pd.DataFrame({"free": [1, 0, 2, 0], "money": [1, 0, 1, 1], "friend": [0, 1, 0, 1]})
    model = Perceptron(max_iter=1, tol=None, warm_start=True).fit(
        messages, ["spam", "ham", "spam", "ham"], coef_init=[[4, 2, -3]], intercept_init=[-3]
    )
    assert model.mistakes_.tolist() == [0]
    free_money = messages[:1]
    assert model.decision_function(free_money).tolist() == [3]  # −3 + 4·1 + 2·1
    assert model.predict(free_money).tolist() == ["spam"]
    assert model.feature_names_in_.tolist() == ["free", "money", "friend"]


def test_a_tie_counts_as_the_second_class() -> None:
    model = Perceptron(max_iter=1, tol=None, shuffle=False, fit_intercept=False).fit([[1.0], [-1.0]], [1, 0])
    assert model.mistakes_.tolist() == [1]  # the first row is a tie and right, the second a tie and wrong
    np.testing.assert_array_equal(model.coef_, [[1.0]])
    assert model.predict([[0.0]]).tolist() == [1]


@pytest.mark.parametrize("sign", [1, -1])
def test_one_point_meets_the_bound_with_equality(sign: int) -> None:
    X, y = np.array([[3.0, 4.0], [-3.0, -4.0]]), np.array([0, 1])[::sign]
    model = Perceptron(fit_intercept=False, shuffle=False).fit(X, y)
    assert model.margin_ == pytest.approx(5)
    assert model.mistakes_.sum() == 1 == pytest.approx(model.mistake_bound_)
    assert model.mistakes_[-1] == 0
    assert model.separable_ is True


def test_the_bound_holds_on_real_digits(digits: tuple[Array, Array], pair: tuple[Array, Array]) -> None:
    two = Perceptron().fit(*pair)
    assert two.score(*pair) == 1
    assert 1 < two.mistakes_.sum() <= two.mistake_bound_ < np.inf
    assert two.margin_ == pytest.approx(separation(*pair).margin)
    X, y = digits[0][:200], digits[1][:200]
    ten = Perceptron(tol=None).fit(X, y)
    assert ten.mistakes_[-1] == 0
    assert ten.mistakes_.sum() <= ten.mistake_bound_ < np.inf
    assert ten.coef_.shape == (10, 64)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    weighted = Perceptron(tol=None).fit(X, y, sample_weight=weight)
    assert weighted.mistakes_.sum() <= weighted.mistake_bound_ != ten.mistake_bound_
    assert weighted.margin_ == pytest.approx(ten.margin_)


def test_no_bound_is_claimed_where_none_is_known(pair: tuple[Array, Array]) -> None:
    assert Perceptron(penalty="l2", alpha=1e-6).fit(*pair).mistake_bound_ == np.inf
    model = Perceptron(warm_start=True).fit(*pair)
    assert model.mistake_bound_ < np.inf
    again = model.fit(*pair)
    assert again.mistakes_.tolist() == [0]
    assert again.mistake_bound_ == np.inf
    assert again.separable_
    again.partial_fit(*pair)
    with pytest.raises(NoAttributeError, match=r"separation\(X, y\)"):
        _ = again.margin_
    with pytest.raises(NotFittedError):
        _ = Perceptron().margin_


def test_rows_that_nothing_separates_are_said_to_be_so() -> None:
    X = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    with pytest.warns(NotSeparableWarning, match="a linear program proves it") as caught:
        model = Perceptron().fit(X, [0, 0, 1, 1])
    assert caught[0].filename == __file__
    assert (model.separable_, model.margin_, model.mistake_bound_) == (False, 0.0, np.inf)
    assert issubclass(NotSeparableWarning, ConvergenceWarning)
    with pytest.warns(NotSeparableWarning):
        Perceptron().fit(*noisy(0, classes=3))
    line = np.array([[0.0], [0.5 - 1e-6], [0.5 + 1e-6], [1.0]])
    with pytest.warns(ConvergenceWarning, match="did not suffice") as caught:  # separable, but only just
        barely = Perceptron(max_iter=20, n_iter_no_change=30).fit(line, [0, 0, 1, 1])
    assert not issubclass(caught[0].category, NotSeparableWarning)
    assert barely.separable_
    assert barely.mistakes_[-1] > 0


@quiet
def test_averaged_beats_plain_on_noisy_rows() -> None:
    better = {2: [], 4: []}
    for classes, seed in [(2, s) for s in range(8)] + [(4, s) for s in range(8)]:
        X, y = noisy(seed, classes=classes)
        X_new, y_new = noisy(1000 + seed, rows=2000, classes=classes)
        plain, mean = (Perceptron(max_iter=10, average=a).fit(X, y).score(X_new, y_new) for a in (False, True))
        better[classes].append(mean - plain)
    assert np.mean(better[2]) > 0.03
    assert np.mean(better[4]) > 0.03


@quiet
def test_the_average_is_that_of_the_weights_after_each_row() -> None:
    X, y = noisy(3, rows=40, features=3)
    model = Perceptron(average=True, shuffle=False, max_iter=2, tol=None).fit(X, y)
    w, total = np.zeros(4), np.zeros(4)
    for f, label in zip(np.tile(np.c_[X, np.ones(40)], (2, 1)), np.tile(y, 2), strict=True):
        w += (label - int(f @ w >= 0)) * f
        total += w
    np.testing.assert_allclose(np.r_[model.coef_[0], model.intercept_], total / 80, rtol=1e-10)
    np.testing.assert_allclose(np.r_[model.last_coef_[0], model.last_intercept_], w, rtol=1e-10)


@quiet
def test_held_out_rows_are_scored_and_the_best_weights_come_back() -> None:
    X, y = noisy(5, rows=150, features=60)
    X_val, y_val = noisy(6, rows=1000, features=60)
    free = Perceptron(max_iter=30, n_iter_no_change=30).fit(X, y, X_val=X_val, y_val=y_val)
    curve = free.validation_scores_
    assert len(curve) == free.n_iter_ == len(free.mistakes_)
    assert curve[-1] == pytest.approx(free.score(X_val, y_val))
    assert free.best_iter_ == np.argmax(curve) + 1
    assert curve[-1] < curve.max()  # it learned too long
    for average in (False, True):
        stopped = Perceptron(early_stopping=True, average=average).fit(X, y, X_val=X_val, y_val=y_val)
        assert stopped.score(X_val, y_val) == pytest.approx(stopped.validation_scores_.max())
        assert stopped.n_iter_ >= stopped.best_iter_
    weight = (y_val == 1).astype(float)
    one = Perceptron(max_iter=2, tol=None).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    assert one.validation_scores_[-1] == pytest.approx(one.score(X_val[y_val == 1], y_val[y_val == 1]))
    cut = Perceptron(early_stopping=True, validation_fraction=0.2).fit(X, y)
    assert cut.t_ == 1 + cut.n_iter_ * 120


@quiet
@pytest.mark.parametrize("settings", [{}, {"average": True}, {"penalty": "l2"}, {"penalty": "elasticnet"}])
@pytest.mark.parametrize("classes", [2, 3])
def test_engines_agree_and_sparse_rows_equal_dense_ones(settings: dict[str, Any], classes: int) -> None:
    X, y = noisy(7, rows=60, features=8, classes=classes)
    X = np.where(np.abs(X) > 0.7, X, 0)
    native, numpy = (Perceptron(max_iter=3, tol=None, engine=e, **settings).fit(X, y) for e in ("native", "numpy"))
    assert native.mistakes_.tolist() == numpy.mistakes_.tolist()
    same(native, numpy)
    if settings.get("penalty") != "elasticnet":  # of sparse rows weights are truncated at other times
        csr = Perceptron(max_iter=3, tol=None, intercept_scaling=1.0, **settings).fit(sparse.csr_array(X), y)
        assert csr.mistakes_.tolist() == native.mistakes_.tolist()
        same(csr, native)
        np.testing.assert_array_equal(csr.predict(sparse.csr_matrix(X)), native.predict(X))


def test_what_weights_of_rows_do(pair: tuple[Array, Array]) -> None:
    X, y = pair[0].astype(float), pair[1]
    ones, weight = np.ones(len(y)), np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    same(Perceptron().fit(X, y), Perceptron().fit(X, y, sample_weight=ones))
    kept = weight > 0
    same(Perceptron().fit(X, y, sample_weight=weight), Perceptron().fit(X[kept], y[kept], sample_weight=weight[kept]))
    tripled = Perceptron().fit(X, y, sample_weight=3 * ones)
    same(tripled, Perceptron(eta0=3.0).fit(X, y))  # a weight is a rate
    by_class = Perceptron(class_weight={3: 2.0, 8: 0.5}).fit(X, y)
    same(by_class, Perceptron().fit(X, y, sample_weight=np.where(y == 3, 2.0, 0.5)))
    scaled = [Perceptron(fit_intercept=False, shuffle=False, max_iter=2, tol=None) for _ in range(2)]
    scaled[0].fit(X, y, sample_weight=weight)
    scaled[1].fit(X * weight[:, None], y, sample_weight=(weight > 0).astype(float))  # and a longer row
    same(scaled[0], scaled[1])


@quiet
def test_part_by_part_is_pass_by_pass() -> None:
    X, y = noisy(1, classes=3)
    for average in (False, True):
        whole = Perceptron(max_iter=3, tol=None, average=average).fit(X, y)
        part = Perceptron(average=average)
        for number in range(3):
            part.partial_fit(X, y, classes=[0, 1, 2])
            if number == 0:
                part = pickle.loads(pickle.dumps(part))
            if number == 1:  # from nothing but what is stored
                restored = Perceptron(**part.get_params())
                for name in Perceptron.stored:
                    if hasattr(part, name):
                        setattr(restored, name, getattr(part, name))
                np.testing.assert_array_equal(restored.predict(X), part.predict(X))
                part = restored
        assert part.mistakes_.tolist() == whole.mistakes_.tolist()
        assert part.t_ == whole.t_
        same(part, whole)


def test_float32_stays_and_tables_are_taken(pair: tuple[Array, Array]) -> None:
    X, y = pair
    assert X.dtype == np.float32
    model = Perceptron().fit(X, y)
    assert model.coef_.dtype == model.decision_function(X).dtype == np.float32
    names = [f"pixel {i}" for i in range(64)]
    frame = Perceptron().fit(pd.DataFrame(X, columns=names), y)
    same(frame, model)
    assert frame.feature_names_in_[3] == "pixel 3"
    same(Perceptron().fit(pl.DataFrame(X, schema=names), pl.Series(y)), model)
    held = Perceptron(early_stopping=True).fit(pd.DataFrame(X, columns=names), y, X_val=pd.DataFrame(X, columns=names),
                                              y_val=y)  # fmt: skip
    assert held.validation_scores_[-1] == held.score(pd.DataFrame(X, columns=names), y)


def test_it_works_where_estimators_work(pair: tuple[Array, Array]) -> None:
    X, y = pair
    search = GridSearchCV(
        make_pipeline(StandardScaler(), Perceptron(n_iter_no_change=3)),
        {"perceptron__average": [False, True], "perceptron__eta0": [0.5, 1]}, cv=3,
    ).fit(X, y)  # fmt: skip
    assert search.best_score_ > 0.95
    assert cross_val_score(Perceptron(average=True), X, y, cv=3).mean() > 0.95
    ours, theirs = Perceptron().fit(X[::2], y[::2]), Theirs().fit(X[::2], y[::2])
    assert ours.score(X[1::2], y[1::2]) > theirs.score(X[1::2], y[1::2]) - 0.03
    with sklearn.config_context(enable_metadata_routing=True):
        asked = Perceptron().set_fit_request(sample_weight=True, X_val=True, y_val=True)
        assert "sample_weight" in str(asked.get_metadata_routing())
    copied = copy.deepcopy(ours)
    np.testing.assert_array_equal(copied.predict(X), ours.predict(X))
    assert not hasattr(clone(ours), "coef_")


def test_a_stored_model_predicts_and_goes_on(pair: tuple[Array, Array], tmp_path: Path) -> None:
    X, y = pair
    model = Perceptron(average=True).fit(X, y)
    again = load(save(model, tmp_path / "digits.glassgrad"))
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))
    np.testing.assert_array_equal(again.mistakes_, model.mistakes_)
    assert not hasattr(again, "margin_")
    same(again.partial_fit(X, y), model.partial_fit(X, y), rtol=1e-4)


def test_the_graph_and_the_network_are_what_was_run(pair: tuple[Array, Array]) -> None:
    X, y = pair
    model = Perceptron(average=True).fit(X, y)
    graph = model.graph().verify()
    assert [w.name for w in graph.inputs][:2] == ["V", "b"]
    assert "greater_equal" in str(graph)  # the criterion
    again = pickle.loads(pickle.dumps(model)).graph()
    assert [w.op.name for w in again.gates] == [w.op.name for w in graph.gates]
    layer = model.network()
    np.testing.assert_allclose(layer(X).value[:, 0], model.decision_function(X), rtol=1e-4, atol=1e-4)


def test_showing_it_computes_nothing_large(pair: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = pair
    model = Perceptron().fit(np.tile(X, (40, 1)), np.tile(y, 40))
    with monkeypatch.context() as patch:
        patch.setattr("glassgrad.estimators.separability.Question.separator", None)  # whoever calls it fails
        assert "mistakes_" in model._repr_html_()
        assert "margin_" not in dir(model)
    small = Perceptron().fit(X, y)
    assert "margin_" in dir(small)


def test_passes_are_printed_when_asked(capsys: pytest.CaptureFixture[str], pair: tuple[Array, Array]) -> None:
    Perceptron(verbose=1, early_stopping=True).fit(*pair)
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("pass 1: ")
    assert "mistakes in 321 rows, held-out accuracy" in first


def test_bad_input_is_named(pair: tuple[Array, Array]) -> None:
    X, y = pair
    with pytest.raises(DataError, match="at least two classes"):
        Perceptron().fit(X, np.zeros(len(y)))
    with pytest.raises(DataError, match="give both, or neither"):
        Perceptron().fit(X, y, X_val=X)
    with pytest.raises(ShapeError, match="each row needs one class"):
        Perceptron().fit(X, y, X_val=X, y_val=y[:5])
    with pytest.raises(DataError, match="y_val"):
        Perceptron().fit(X, y, X_val=X, y_val=y + 1)
    with pytest.raises(ShapeError, match=r"coef_init has the shape \(3,\)"):
        Perceptron().fit(X, y, coef_init=[1, 2, 3])
    with pytest.raises(DataError, match="balanced"):
        Perceptron(class_weight="balanced").partial_fit(X, y, classes=[3, 8])
    with pytest.raises(DataError, match="among"):
        Perceptron().partial_fit(X, y + 1, classes=[3, 8])
    with pytest.raises(DataError, match="warm_start knows the classes"):
        Perceptron(warm_start=True).fit(X, y).fit(X, y + 1)
    with pytest.raises(DataError, match="grew beyond all numbers"):
        Perceptron(eta0=1e38).fit(X * 1e3, y)
    with pytest.raises(ValueError, match="'penalty' parameter"):
        Perceptron(penalty="l3").fit(X, y)


def test_the_bias_is_the_weight_of_a_feature_of_its_own_size() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 4))
    y = (X @ [1.0, -1.0, 0.5, 0.0] + 0.3 > 0).astype(int)
    for c, rows in ((0.1, sparse.csr_array(X)), (0.5, X)):
        scaled = Perceptron(max_iter=4, tol=None, intercept_scaling=None if c == 0.1 else c).fit(rows, y)
        wide = np.hstack([X, np.full((60, 1), c)])
        plain = Perceptron(max_iter=4, tol=None, fit_intercept=False).fit(wide, y)
        np.testing.assert_allclose(scaled.coef_, plain.coef_[:, :4], rtol=1e-9)
        np.testing.assert_allclose(scaled.intercept_, c * plain.coef_[:, 4], rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(scaled.mistakes_, plain.mistakes_)
        assert scaled.separable_
        assert scaled.mistake_bound_ == pytest.approx(plain.mistake_bound_, rel=1e-6)
        assert scaled.margin_ == pytest.approx(plain.margin_, rel=1e-6)
