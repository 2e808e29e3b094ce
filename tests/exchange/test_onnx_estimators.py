"""Estimators in onnxruntime: labels, probabilities and means are those of `predict` and `predict_proba`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import glassgrad as gg
from glassgrad.data import Preparation, read
from glassgrad.errors import DataError, UnsupportedError
from glassgrad.estimators import (
    LogisticRegression,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
    PreparedModel,
    RBFFeatures,
    save,
)
from glassgrad.estimators.networks import NAMES as NAMES_OF_UNITS
from glassgrad.exchange import to_onnx
from glassgrad.exchange.heads import head_of

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = (1, 7, 1000)
NAMES = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])


def run(model: Any, x: Any, name: str = "X") -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {name: x})


@functools.cache
def digits() -> tuple[Any, Any]:
    return gg.data.digits()


def fitted(kind: type[Any], y: Any, rows: int = 400, dtype: str = "float32", **settings: Any) -> Any:
    return kind(random_state=0, **settings).fit(digits()[0][:rows].astype(dtype), y[:rows])


def classifies_alike(model: Any, dtype: str = "float32") -> None:
    X = digits()[0].astype(dtype)
    exported = to_onnx(model)
    assert [o.name for o in exported.graph.output] == ["label", "probabilities"]
    for n in ROWS:
        label, shares = run(exported, X[:n])
        want = model.predict(X[:n])
        assert label.shape == want.shape
        assert np.mean(label == want) == 1
        assert shares.dtype == dtype
        np.testing.assert_allclose(shares, model.predict_proba(X[:n]), rtol=1e-5, atol=1e-5)


NUMBERS = digits()[1]
TARGETS: dict[str, Any] = {
    "two names": np.where(NUMBERS > 4, "large", "small"), "ten names": NAMES[NUMBERS], "numbers": NUMBERS + 10,
    "truth": NUMBERS > 4, "labels": (NUMBERS[:, None] // [1, 2, 4] % 2),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", TARGETS)
def test_mlp_classifiers(target: str, dtype: str) -> None:
    model = fitted(MLPClassifier, TARGETS[target], dtype=dtype, hidden_layer_sizes=(16,), max_iter=5)
    classifies_alike(model, dtype)


@pytest.mark.parametrize("target", [t for t in TARGETS if t != "labels"])
@pytest.mark.parametrize("settings", [{}, {"fit_intercept": False}, {"solver": "sgd", "average": True}], ids=str)
def test_logistic_regressions(target: str, settings: dict[str, Any]) -> None:
    for dtype in ("float32", "float64"):
        classifies_alike(fitted(LogisticRegression, TARGETS[target], dtype=dtype, max_iter=20, **settings), dtype)


@pytest.mark.parametrize("unit", NAMES_OF_UNITS)
def test_mlp_classifiers_of_all_hidden_units(unit: str) -> None:
    settings = {"hidden_layer_sizes": (12, 8), "dropout": 0.2, "max_iter": 2, "engine": "numpy"}
    classifies_alike(fitted(MLPClassifier, NAMES[NUMBERS], activation=[unit, "relu"], **settings))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "poisson", "negative_binomial"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_mlp_regressors(loss: str, outputs: int) -> None:
    X, y = load_diabetes(return_X_y=True)
    y = np.round(y / 20) if outputs == 1 else np.round(y[:, None] / [20, 40])
    model = MLPRegressor(loss, (8,), max_iter=5, random_state=0, engine="numpy").fit(X, y)
    for n in ROWS:
        (mean,) = run(to_onnx(model), X[:n])
        want = model.predict(X[:n])
        assert mean.shape == (min(n, len(X)), outputs)
        np.testing.assert_allclose(mean, want.reshape(mean.shape), rtol=1e-5, atol=1e-5)


def test_classes_keep_their_kind() -> None:
    X, y = digits()
    for classes, dtype in (([3.0, 4.0], float), ([1, 2], np.int8), (["α", "βγ"], object)):
        named = np.array(classes, dtype)[(y > 4).astype(int)]
        model = LogisticRegression(max_iter=5).fit(X[:99], named[:99])
        label = run(to_onnx(model), X[:99])[0]
        np.testing.assert_array_equal(label, model.predict(X[:99]))
    model.classes_ = np.array([b"a", b"b"])
    with pytest.raises(UnsupportedError, match="the classes are bytes, and in ONNX they are all text or all numbers"):
        to_onnx(model)


def test_a_pipeline_takes_what_its_first_step_takes() -> None:
    X, y = digits()
    model = make_pipeline(StandardScaler(), MLPClassifier((16,), random_state=0, max_iter=5)).fit(
        X[:400], NAMES[y[:400]]
    )
    label, shares = run(to_onnx(model), X[:50])
    np.testing.assert_array_equal(label, model.predict(X[:50]))
    np.testing.assert_allclose(shares, model.predict_proba(X[:50]), rtol=1e-5, atol=1e-5)
    assert "StandardScaler" in head_of(model).about


def test_float64_weights_in_float32() -> None:
    X, y = digits()
    model = fitted(MLPClassifier, NAMES[y], dtype="float64", hidden_layer_sizes=(16,), max_iter=5)
    label, shares = run(to_onnx(model, dtype="float32"), X)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares, model.predict_proba(X.astype(float)), rtol=1e-4, atol=1e-5)
    assert np.mean(label == model.predict(X.astype(float))) > 0.999


def people(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    frame = pd.DataFrame({"age": rng.normal(40, 12, n), "town": rng.choice(["Bonn", "Köln", "Aachen"], n)})
    frame["rent"] = 300 + 10 * frame["age"] + 200 * (frame["town"] == "Köln") + rng.normal(0, 30, n)
    frame["member"] = np.where(frame["age"] + 20 * (frame["town"] == "Bonn") > 45, "yes", "no")
    return frame


def columns(frame: pd.DataFrame) -> dict[str, Any]:
    return {"age": frame[["age"]].to_numpy(), "town": frame[["town"]].to_numpy(object)}


def opened(model: Any) -> Any:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def test_a_classifier_with_the_preparation_of_its_table() -> None:
    preparation = Preparation.fit(people(300), target="member", drop=["rent"])
    model = LogisticRegression().fit(preparation.transform(people(300)), people(300)["member"])
    ran = opened(to_onnx(model, preparation=preparation))
    assert [i.name for i in ran.get_inputs()] == ["age", "town"]
    for n in ROWS:
        label, shares = ran.run(None, columns(people(n)))
        X = preparation.transform(people(n))
        np.testing.assert_array_equal(label, model.predict(X))
        np.testing.assert_allclose(shares, model.predict_proba(X), rtol=1e-5, atol=1e-6)
    assert np.mean(label == people(1000)["member"]) > 0.9


def test_a_regressor_with_its_preparation_puts_out_the_targets_own_numbers() -> None:
    preparation = Preparation.fit(people(300), target="rent", drop=["member"])
    assert preparation.target is not None
    X, y = preparation.transform(people(300)), preparation.target.encode(people(300)["rent"])
    model = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0, engine="numpy").fit(X, y)
    (rent,) = opened(to_onnx(model, preparation=preparation)).run(None, columns(people(1000)))
    want = preparation.target.decode(model.predict(preparation.transform(people(1000))))
    np.testing.assert_allclose(rent[:, 0], want, rtol=1e-5)
    assert np.mean(np.abs(rent[:, 0] - people(1000)["rent"])) < 40


def test_images_of_a_file_go_in_as_they_are(shared_data: Path) -> None:
    table = read(shared_data / "t10k-images-idx3-ubyte.gz")
    assert table.array is not None
    preparation = Preparation.fit(table.array[:1000])
    y = np.asarray(table.column(str(table.target)))
    model = LogisticRegression(max_iter=10).fit(preparation.transform(table.array[:1000]), y[:1000])
    label, shares = run(to_onnx(model, preparation=preparation), table.array[:2000].astype(np.float32))
    X = preparation.transform(table.array[:2000])
    np.testing.assert_array_equal(label, model.predict(X))
    np.testing.assert_allclose(shares, model.predict_proba(X), rtol=1e-5, atol=1e-5)
    assert np.mean(label[1000:] == y[1000:2000]) > 0.8


@pytest.mark.parametrize("target", [t for t in TARGETS if t != "labels"])
@pytest.mark.parametrize("settings", [{}, {"fit_intercept": False, "average": True}], ids=str)
def test_perceptrons(target: str, settings: dict[str, Any]) -> None:
    model = fitted(Perceptron, TARGETS[target], **settings)
    exported = to_onnx(model)
    assert [o.name for o in exported.graph.output] == ["label", "scores"]
    X = digits()[0]
    for n in ROWS:
        label, scores = run(exported, X[:n])
        np.testing.assert_array_equal(label, model.predict(X[:n]))
        np.testing.assert_allclose(scores, model.decision_function(X[:n]), rtol=1e-5, atol=1e-4)
    zero = np.zeros((1, 64), np.float32)  # a tie counts as plus
    model.intercept_ = np.zeros_like(model.intercept_)
    np.testing.assert_array_equal(run(to_onnx(model), zero)[0], model.predict(zero))


def test_models_on_disk(tmp_path: Path) -> None:
    """What `glassgrad train`, `estimators.save` and `storage.save` write."""
    rows = people(300)
    preparation = Preparation.fit(rows, target="member", drop=["rent"])
    model = LogisticRegression().fit(preparation.transform(rows), rows["member"])
    prepared = PreparedModel(model, preparation)
    label, _ = opened(to_onnx(prepared.save(tmp_path / "people"))).run(None, columns(rows))
    np.testing.assert_array_equal(label, prepared.predict(rows))
    assert to_onnx(prepared) == to_onnx(str(tmp_path / "people"))
    assert to_onnx(save(model, tmp_path / "model.glassgrad")) == to_onnx(model)
    net, loss = gg.nn.Linear(4, 3, seed=0), gg.distributions.Categorical()
    assert to_onnx(gg.storage.save(net, tmp_path / "net", loss=loss)) == to_onnx(net, distribution=loss)
    with pytest.raises(DataError):
        to_onnx(tmp_path / "nowhere")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_radial_basis_features_alone_and_before_a_classifier(dtype: str) -> None:
    X, y = digits()
    X = X.astype(dtype)
    generic = RBFFeatures(30, random_state=0).fit(X[:300])
    (found,) = run(to_onnx(generic), X[:1000])
    assert found.dtype == dtype
    np.testing.assert_allclose(found, generic.transform(X[:1000]), rtol=1e-5, atol=1e-6)
    model = make_pipeline(generic, StandardScaler(), LogisticRegression(max_iter=50)).fit(X[:300], NAMES[y[:300]])
    classifies_alike(model, dtype)
