"""A preparation in ONNX makes the same features of the same columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glassgrad.data import Preparation
from glassgrad.errors import UnsupportedError
from glassgrad.exchange.tables import columns_of
from glassgrad.exchange.written import Output, write_function

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def people(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 12, n).round(1)
    age[::7] = np.nan
    town = rng.choice(["Bonn", "Köln", "Aachen"], n).astype(object)
    town[::9] = None
    frame = pd.DataFrame({"age": age, "income": 1e6 + rng.normal(size=n), "town": town, "floor": rng.integers(0, 3, n)})
    frame["member"] = rng.random(n) < 0.4
    frame["car"] = rng.choice(["vw", "audi"], n)
    frame.loc[3:3, "car"] = "rolls"
    return frame


def fed(preparation: Preparation, frame: pd.DataFrame) -> dict[str, Any]:
    """A frame as the ONNX model takes it."""
    columns = {}
    for column in preparation.used:
        cells = frame[column.name]
        if column.kind == "category":
            text = ["" if pd.isna(c) else str(c) for c in cells]
            columns[column.name] = np.array(text, object)[:, None]
        else:
            columns[column.name] = cells.to_numpy(np.float64)[:, None]
    return columns


def session(preparation: Preparation) -> Any:
    inputs, f = columns_of(preparation)
    model = write_function(f, inputs, [Output("features")], False, "")
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def test_numbers_flags_and_categories() -> None:
    kinds = {"age": "number", "income": "number", "town": "category", "floor": "category", "member": "flag"}
    preparation = Preparation.fit(people(), kinds={**kinds, "car": "category"})
    assert {"age missing", "town missing", "floor = 2", "member", "car other"} <= set(preparation.feature_names)
    ran = session(preparation)
    assert [i.name for i in ran.get_inputs()] == ["age", "income", "town", "floor", "member", "car"]
    for n in (1, 7, 60):
        frame = people(n, seed=n)
        got = ran.run(None, fed(preparation, frame))[0]
        np.testing.assert_allclose(got, preparation.transform(frame), rtol=1e-6, atol=1e-6)
        assert got.dtype == np.float32


@pytest.mark.filterwarnings("ignore::glassgrad.errors.DataWarning")
def test_values_that_are_new_and_cells_that_are_missing_for_the_first_time() -> None:
    frame = people().dropna(ignore_index=True)
    preparation = Preparation.fit(frame, kinds={"town": "category", "member": "flag", "floor": "number"})
    odd = frame.head(4).copy()
    odd["member"] = odd["member"].astype(object)
    odd.loc[0, ["town", "car"]] = ["Paris", "fiat"]
    odd.loc[1, ["age", "town", "member"]] = [np.nan, None, None]
    odd.loc[2, "income"] = 1e300
    got = session(preparation).run(None, fed(preparation, odd))[0]
    np.testing.assert_allclose(got, preparation.transform(odd), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["bytes", "shares", "numbers"])
def test_arrays_without_names(kind: str) -> None:
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (9, 4, 3)).astype(np.uint8) if kind == "bytes" else rng.random((9, 4, 3))
    array = array * 1e4 + 5e7 if kind == "numbers" else array
    preparation = Preparation.fit(array)
    ran = session(preparation)
    (given,) = ran.get_inputs()
    dtype = {"tensor(float)": np.float32, "tensor(double)": np.float64}[given.type]
    got = ran.run(None, {given.name: array.astype(dtype)})[0]
    np.testing.assert_allclose(got, preparation.transform(array), rtol=1e-6, atol=1e-6)


def test_text_and_dates_are_refused_with_the_reason() -> None:
    frame = people()
    frame["note"] = ["free money " * (i % 3 + 1) for i in range(60)]
    frame["day"] = [f"2024-03-{i % 28 + 1:02d}" for i in range(60)]
    for columns, told in ((["age", "note"], {"text": ["note"]}), (["age", "day"], {})):
        with pytest.raises(
            UnsupportedError, match=r"the column '(note|day)' \((text|date|words)\): it cannot take text"
        ):
            columns_of(Preparation.fit(frame[columns], **told))
