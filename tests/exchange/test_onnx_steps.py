"""scikit-learn's own preparing steps, alone and one after the other, as ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from glassgrad.errors import OperandError, UnsupportedError
from glassgrad.exchange import to_onnx
from glassgrad.exchange.steps import STEPS

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def run(model: Any, x: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": x})


def rows(n: int = 50, missing: bool = False) -> Any:
    x = np.random.default_rng(n).normal(3, 2, (n, 4))
    if missing:
        x[::5, 1] = x[::7, 3] = np.nan
    return x


SETTINGS = [
    StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False), MinMaxScaler((-1, 2)),
    MinMaxScaler(clip=True), MaxAbsScaler(), RobustScaler(), RobustScaler(with_centering=False),
    RobustScaler(with_scaling=False), Normalizer("l1"), Normalizer("l2"), Normalizer("max"), SimpleImputer(),
    SimpleImputer(strategy="median", add_indicator=True), SimpleImputer(strategy="constant", fill_value=-1.0),
    PCA(2), PCA(3, whiten=True), make_pipeline(SimpleImputer(), "passthrough", StandardScaler(), PCA(2), Normalizer()),
]  # fmt: skip


@pytest.mark.parametrize("step", SETTINGS, ids=str)
def test_a_step_does_the_same(step: Any) -> None:
    missing = "Imputer" in str(step)
    step.fit(rows(missing=missing))
    for n in (1, 7, 1000):
        x = 2 * rows(n, missing)
        np.testing.assert_allclose(run(to_onnx(step), x)[0], step.transform(x), rtol=1e-9, atol=1e-9)
        narrow = x.astype(np.float32)
        np.testing.assert_allclose(run(to_onnx(step, narrow), narrow)[0], step.transform(narrow), rtol=1e-4, atol=1e-5)


def test_every_known_step_is_tried() -> None:
    tried = {type(step).__name__ for step in SETTINGS} - {"Pipeline"}
    assert tried == set(STEPS)


def test_steps_that_are_unknown_or_not_fitted() -> None:
    x = rows()
    with pytest.raises(UnsupportedError, match="does not know the step SelectKBest; it knows MaxAbsScaler"):
        to_onnx(SelectKBest(k=2).fit(x, x[:, 0] > 3))
    with pytest.raises(NotFittedError):
        to_onnx(make_pipeline(StandardScaler(), PCA()))
    with pytest.raises(OperandError, match="not the class PCA"):
        to_onnx(PCA)
    with pytest.raises(OperandError, match="not dict"):
        to_onnx({})
    with pytest.raises(UnsupportedError, match="NaN as missing only"):
        to_onnx(SimpleImputer(missing_values=0).fit(x))
