"""Preparation: what becomes of each kind of column, what is refused, and that it is plain data."""

from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from glassgrad import data
from glassgrad.data import Preparation
from glassgrad.errors import DataError, DataWarning, GlassgradError, OperandError, UnknownNameError


def again(prep):
    """Through JSON and back."""
    return Preparation.from_plain(json.loads(json.dumps(prep.to_plain(), allow_nan=False)))


def kinds(prep):
    return {name: kind for name, kind, _ in prep.described()}


def said(prep):
    return {name: what for name, _, what in prep.described()}


# Real data


@pytest.fixture(scope="module")
def messages():
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "SMSSpamCollection"
    if not path.is_file():
        pytest.skip("the folder ../shared/data with real data is missing")
    return data.read(path, target="Label")


def test_every_message_is_read(messages):
    assert len(messages) == 5574
    assert messages.frame["Label"].value_counts().to_dict() == {"ham": 4827, "spam": 747}
    assert messages.frame["SMS"].iloc[-1] == "Rofl. Its true to its name"
    assert messages.frame["SMS"].str.count('"').sum() > 100


def test_words_and_flags_of_messages_tell_spam(messages):
    rows, held_out = data.split_rows(len(messages), seed=0, labels=messages.frame["Label"])
    train, test = messages.take(rows), messages.take(held_out)
    prep = Preparation.fit(train, text=["SMS"])
    X, y = prep.transform(train), prep.target.encode(train.column("Label"))
    assert sparse.issparse(X)
    assert X.format == "csr"
    assert X.dtype == np.float32
    assert X.shape == (len(train), len(prep.feature_names))
    model = LogisticRegression(max_iter=300).fit(X, y)
    assert model.score(prep.transform(test), prep.target.encode(test.column("Label"))) > 0.98
    assert again(prep) == prep
    assert (again(prep).transform(test) != prep.transform(test)).nnz == 0


def test_messages_that_are_not_named_as_text_are_left_out_with_advice(messages):
    with pytest.raises(DataError, match=r"no column .* is left to learn from: SMS: .*different texts.*--text"):
        Preparation.fit(messages)


def test_digits_become_pixels_between_0_and_1(shared_data):
    table = data.read(shared_data / "t10k-images-idx3-ubyte.gz").take(slice(0, 500))
    prep = Preparation.fit(table)
    X = prep.transform(table)
    assert (X.shape, X.dtype, X.min(), X.max()) == ((500, 784), np.float32, 0, 1)
    assert np.array_equal(X, table.array.reshape(500, -1).astype(np.float32) / 255)
    assert prep.target.task == "classification"
    assert prep.target.classes == tuple(range(10))
    assert prep.feature_names[28 * 3 + 14] == "pixel 3, 14"
    assert prep.images
    assert again(prep) == prep
    with pytest.raises(DataError, match="rows have the shape \\(4, 4\\), and in training they had \\(28, 28\\)"):
        prep.transform(np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(DataError, match="was trained on rows without names"):
        prep.transform(pd.DataFrame({"a": [1]}))


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, load_diabetes])
def test_tables_of_numbers_are_scaled_as_scikit_learn_does_it(load):
    frame = load(as_frame=True).frame
    prep = Preparation.fit(frame, target="target")
    expected = StandardScaler().fit_transform(frame.drop(columns="target"))
    X = prep.transform(frame)
    assert X.dtype == np.float32
    assert np.allclose(X, expected, atol=2e-6)
    assert prep.feature_names == [f"{name} (scaled)" for name in frame.columns[:-1]]
    assert prep.target.task == ("regression" if load is load_diabetes else "classification")
    assert again(prep) == prep


# Kinds of columns


FRAME = pd.DataFrame(
    {
        "id": [11, 12, 15, 13, 17, 19],
        "name": ["Ada L", "Alan T", "Eve", "Bob", "Max", "Tim"],
        "age": [20.0, 40, np.nan, 30, 30, 30],
        "sex": ["f", "m", "m", "f", None, "f"],
        "member": [True, False, True, True, False, False],
        "joined": ["2024-01-31", "2024-02-01", "2024-02-29", "2025-01-01", "2024-06-01", "2024-07-01"],
        "planet": ["earth"] * 6,
        "gone": [None] * 6,
    }
)


def test_every_kind_of_column():
    prep = Preparation.fit(FRAME)
    assert kinds(prep) == {
        "id": "left out", "name": "left out", "age": "number", "sex": "category", "member": "flag", "joined": "date",
        "planet": "left out", "gone": "left out",
    }  # fmt: skip
    assert prep.feature_names == [
        "age (scaled)", "age missing", "sex = f", "sex = m", "sex missing", "member", "joined: days elapsed",
        "joined: year", "joined: month", "joined: day of week",
    ]  # fmt: skip
    X = prep.transform(FRAME)
    age = np.array([20, 40, 30, 30, 30, 30.0])
    assert np.allclose(X[:, 0], (age - 30) / np.std([20, 40, 30, 30, 30]))
    assert X[:, 1].tolist() == [0, 0, 1, 0, 0, 0]
    assert X[:, 2:5].tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert X[:, 5].tolist() == [1, 0, 1, 1, 0, 0]
    days = pd.to_datetime(FRAME["joined"])
    for at, part in ((6, (days - days.min()).dt.days), (7, days.dt.year), (8, days.dt.month), (9, days.dt.day_of_week)):
        assert np.allclose(X[:, at], StandardScaler().fit_transform(part.to_numpy(float)[:, None])[:, 0], atol=1e-5)
    assert "identifier" in said(prep)["id"]
    assert "every value is different" in said(prep)["name"]
    assert said(prep)["planet"] == "always 'earth'"
    assert said(prep)["gone"] == "every value is missing"


def test_the_report_fits_a_terminal():
    for frame, width in ((FRAME, 80), (FRAME.rename(columns={"age": "a" * 70}), 60)):
        lines = Preparation.fit(frame).report(width)
        assert all(len(line) <= width for line in lines)
        assert "scaled: mean 30, deviation 6.325; 1 missing" in " ".join(" ".join(lines).split())
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 50)))
    assert Preparation.fit(wide).report(most=7)[-1] == "… and 43 more columns: 43 number"
    assert len(Preparation.fit(wide).report(most=7)) == 8


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3, 4, 5], "left out"),  # counts the rows
        ([0, 1, 2, 3, 4], "left out"),
        ([2, 3, 4, 5, 6], "number"),
        ([1, 2, 3, 4, 4], "number"),
        ([1.5, 2, 3, 4, 4], "number"),
        ([7, 7, 7, 7, 7], "left out"),
        ([7, None, 7, 7, 7], "number"),  # whether it is missing may tell something
        ([True, None, True, True, True], "flag"),
        ([1 << 70, 2, 3, 4, 4], "number"),
        (["a", "a", "b", "b", "c"], "category"),
        (["a", "b", "c", "d", "e"], "left out"),
        (["2024-01-01", "2024-01-02", None, "2024-01-02", "2024-01-03"], "date"),
        (["3/14/2024", "12/31/2024", "1/1/2025", "1/1/2025", None], "date"),
        (["31.12.2024", "1.1.2025", "1.1.2025", None, None], "date"),
        (["2024-01-01", "soon", "soon", "soon", None], "category"),
        ([[1], [2], [3], [4], [5]], "left out"),
        ([1j, 2j, 3j, 4j, 5j], "left out"),
        ([b"x", b"y", b"x", b"y", b"y"], "left out"),
        (["a", 1, "a", 1, None], "category"),
        (list(pd.to_timedelta([1, 2, 3, 3, 4], unit="h")), "number"),
        (list(pd.date_range("2024", periods=5, tz="Europe/Berlin")), "date"),
        (list(pd.array([1, None, 5, 5, 5], dtype="Int64")), "number"),
    ],
)
def test_what_a_column_is_taken_for(values, kind):
    frame = pd.DataFrame({"x": values, "other": [1.5, 2.5, 1.0, 3.0, 1.0]})
    prep = Preparation.fit(frame)
    assert kinds(prep)["x"] == kind
    X = prep.transform(frame)
    assert np.isfinite(X).all()
    assert np.array_equal(again(prep).transform(frame), X)


def test_identifiers_are_found_in_part_of_the_rows_too():
    """What counts the rows of a file counts those of a random part of it."""
    frame = pd.DataFrame({"number": np.arange(1, 101), "year": np.arange(1900, 2000), "x": np.arange(100) % 7})
    rows, _ = data.split_rows(100, seed=1)
    assert kinds(Preparation.fit(frame.iloc[rows])) == {"number": "left out", "year": "number", "x": "number"}


def test_what_seems_to_name_the_rows_is_learned_from_where_there_is_nothing_else():
    frame = pd.DataFrame({"x": np.arange(10), "y": np.arange(10) ** 2.5, "name": list("abcdefghij")})
    assert kinds(Preparation.fit(frame, target="y")) == {"x": "number", "name": "left out"}
    assert kinds(Preparation.fit(frame.assign(z=[1.5, 2] * 5), target="y"))["x"] == "left out"
    with pytest.raises(DataError, match=r"no column of .* is left"):
        Preparation.fit(frame, target="y", drop=["x"])


def test_what_a_column_is_can_be_told():
    prep = Preparation.fit(FRAME, drop=["member"], kinds={"id": "number", "age": "category"})
    assert kinds(prep)["member"] == "left out"
    assert said(prep)["member"] == "as told"
    assert kinds(prep)["id"] == "number"
    assert [name for name in prep.feature_names if name.startswith("age")] == ["age = 30", "age other", "age missing"]
    for wrong, words in (
        ({"kinds": {"age": "nmber"}}, "no kind of column 'nmber'. Did you mean 'number'"),
        ({"missing": "mode"}, "no way to fill missing numbers 'mode'"),
    ):
        with pytest.raises(UnknownNameError, match=words):
            Preparation.fit(FRAME, **wrong)
    for wrong, words in (
        ({"drop": ["agee"]}, "has no column 'agee'; did you mean 'age'"),
        ({"target": "age", "text": ["age"]}, "'age' is the column to predict, so it cannot be used as text"),
        ({"kinds": {"name": "number"}}, "column 'name' needs numbers, and holds 'Ada L' in row 1 .6 such cells"),
        ({"kinds": {"sex": "date"}}, "column 'sex' needs dates, .*'f'"),
        ({"kinds": {"sex": "flag"}}, "column 'sex' needs true or false, and holds 'm' in row 2"),
        ({"text": ["planet"], "kinds": {"name": "text"}}, "column 'name' has no word that stands in two"),
    ):
        with pytest.raises(DataError, match=words):
            Preparation.fit(FRAME, **wrong)


def test_missing_numbers_can_become_the_median():
    frame = pd.DataFrame({"x": [0, 1, 100, np.nan]})
    assert Preparation.fit(frame, missing="median").columns[0].fill == 1
    assert Preparation.fit(frame).columns[0].fill == pytest.approx(101 / 3)


def test_rare_values_share_a_column_and_new_ones_are_counted():
    train = pd.DataFrame({"c": ["a"] * 3 + ["b"] * 2 + ["x", "y"], "d": ["u", "v"] * 3 + ["v"]})
    prep = Preparation.fit(train)
    assert prep.feature_names == ["c = a", "c = b", "c other", "d = u", "d = v"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert prep.transform(train)[:, :3].tolist() == [[1, 0, 0]] * 3 + [[0, 1, 0]] * 2 + [[0, 0, 1]] * 2
    new = pd.DataFrame({"c": ["new", "a", "new", "newer", "x"], "d": ["u", "w", None, "v", "w"]})
    with pytest.warns(DataWarning) as caught:
        X = prep.transform(new)
    assert [str(w.message) for w in caught] == [
        "column 'c': 2 values not seen in training ('new', 'newer'), in 3 rows; taken as other",
        "column 'd': 1 value not seen in training ('w'), in 2 rows; taken as none of the known ones",
        "column 'd': 1 missing, and none was in training; taken as none of the known values",
    ]
    assert X[:, :3].tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
    assert X[:, 3:].tolist() == [[1, 0], [0, 0], [0, 0], [0, 1], [0, 0]]


def test_many_categories_are_limited():
    train = pd.DataFrame({"c": np.repeat(np.arange(300), np.r_[np.full(200, 2), np.full(100, 3)]).astype(str)})
    prep = Preparation.fit(train, kinds={"c": "category"})
    assert len(prep.feature_names) == 101
    assert prep.transform(train).sum(1).tolist() == [1] * len(train)


def test_missing_where_none_was_in_training_is_filled_and_said():
    prep = Preparation.fit(pd.DataFrame({
        "n": [1.0, 2, 2], "f": [True, False, False], "d": ["2024-01-01", "2024-02-02", "2024-02-02"],
    }))  # fmt: skip
    with pytest.warns(DataWarning) as caught:
        X = prep.transform(pd.DataFrame({"n": [None], "f": [None], "d": [None]}))
    assert [str(w.message).split(",")[0] for w in caught] == [f"column {c!r}: 1 missing" for c in "nfd"]
    assert np.allclose(X, [[0, 1 / 3] + [0] * (X.shape[1] - 2)], atol=1e-6)
    assert caught[0].filename == __file__


def test_a_column_read_as_numbers_here_and_as_text_there_means_the_same(tmp_path):
    """01 and 1 stay apart, whole numbers beside missing ones do not become 1.0."""
    train, new = tmp_path / "train.csv", tmp_path / "new.csv"
    train.write_text("code,grade,y\n01,1,a\n1,2,b\n01,1,a\nx,,b\n1,2,a\nx,1,a\n")
    new.write_text("code,grade\n01,1\n1,2\n")
    table = data.read(train, target="y")
    prep = Preparation.fit(table, kinds={"grade": "category"})
    assert prep.as_text == ["code", "y"]
    X = prep.transform(data.read(new, as_text=prep.as_text))
    assert [prep.feature_names[i] for i in np.flatnonzero(X[0])] == ["code = 01", "grade = 1"]
    assert [prep.feature_names[i] for i in np.flatnonzero(X[1])] == ["code = 1", "grade = 2"]


def test_columns_that_are_missing_or_of_another_kind():
    prep = Preparation.fit(FRAME)
    with pytest.raises(DataError, match="has no column 'age'; did you mean 'Age'"):
        prep.transform(FRAME.rename(columns={"age": "Age"}))
    with pytest.raises(DataError, match="lacks 2 of the 4 columns that the model was trained on: 'age', 'sex'"):
        prep.transform(FRAME.drop(columns=["age", "sex"]))
    for column, value, words in (
        ("age", "old", "column 'age' needs numbers, and holds 'old' in row 2"),
        ("age", np.inf, "column 'age' holds inf in row 2; replace it"),
        ("member", "maybe", "column 'member' needs true or false, and holds 'maybe' in row 2"),
        ("joined", "soon", "column 'joined' needs dates such as 2024-03-14, and holds 'soon' in row 2"),
    ):
        wrong = FRAME.astype({"age": object, "member": object})
        wrong.loc[1, column] = value
        with pytest.raises(DataError, match=words):
            prep.transform(wrong.iloc[::-1])
    assert prep.transform(FRAME.drop(columns=["id", "planet"]).assign(extra=1)[::-1]).shape == (6, 10)
    with pytest.raises(OperandError, match="rows come as a Table, a DataFrame or an array"):
        prep.transform([[1, 2]])
    with pytest.raises(DataError, match="holds rows without names, and these columns are needed: 'age'"):
        prep.transform(np.ones((2, 3, 3)))


def test_infinite_values_are_refused_with_their_place():
    frame = pd.DataFrame({"x": [1.0, np.inf, 2, -np.inf], "y": [1, 2, 2, 1]})
    with pytest.raises(DataError, match=r"column 'x' holds inf in row 2 \(2 such cells\)"):
        Preparation.fit(frame)
    assert kinds(Preparation.fit(frame, drop=["x"])) == {"x": "left out", "y": "number"}
    X = np.arange(12.0).reshape(3, 2, 2)
    X[1, 0, 1] = np.nan
    with pytest.raises(DataError, match=r"the array holds nan in row 2, place \(0, 1\)"):
        Preparation.fit(X)


def test_numbers_far_away_stay_finite():
    for values in ([1e308, -1e308, 5], [1e-320, 2e-320, 0], [1e300, 1e300 * (1 + 1e-15), 1e300]):
        prep = Preparation.fit(pd.DataFrame({"x": values}))
        assert np.isfinite(prep.transform(pd.DataFrame({"x": [*values, 1e308, -1e308, 0]}))).all()


def test_tables_without_anything_to_learn_from():
    with pytest.raises(DataError, match="no column of the table is left to learn from: a: always 1"):
        Preparation.fit(pd.DataFrame({"a": [1, 1], "y": [0, 1]}), target="y")
    with pytest.raises(DataError, match="has no rows"):
        Preparation.fit(FRAME[:0])
    with pytest.raises(DataError, match="the name 'a' stands over several columns"):
        Preparation.fit(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]))
    with pytest.raises(DataError, match="all numbers of the array are 0"):
        Preparation.fit(np.zeros((3, 2), np.uint8))


def test_polars_frames_are_taken():
    import polars as pl

    frame = FRAME[["age", "sex", "member"]]
    prep = Preparation.fit(frame)
    other = pl.from_pandas(frame)
    assert np.array_equal(prep.transform(other), prep.transform(frame))
    assert Preparation.fit(other).feature_names == prep.feature_names


def test_several_texts_and_numbers_beside_them():
    frame = pd.DataFrame(
        {
            "subject": ["free money", "hello you", "free offer", "hello"],
            "body": ["call 08452810075 NOW!", "see you", "call now at www.win.com", None],
            "size": [1.0, 2, 3, 4.5],
        }
    )
    prep = Preparation.fit(frame, text=["subject", "body"])
    X = prep.transform(frame)
    assert sparse.issparse(X)
    names = prep.feature_names
    assert {'word "free" in subject', 'word "call" in body', "body: phone number", "size (scaled)"} <= set(names)
    dense = X.toarray()
    assert dense[:, names.index('word "free" in subject')].tolist() == [1, 0, 1, 0]
    assert dense[:, names.index('word "now" in body')].tolist() == [1, 0, 1, 0]
    assert (dense[:, names.index("body: phone number")] > 0).tolist() == [True, False, False, False]
    assert (dense[:, names.index("body: web address")] > 0).tolist() == [False, False, True, False]
    assert (dense[3, [i for i, n in enumerate(names) if "body" in n]] == 0).all()
    assert again(prep) == prep
    assert prep.as_text == ["subject", "body"]


def test_a_matrix_is_looked_at_column_by_column_unless_it_holds_bytes_or_is_wide(tmp_path):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(1000, 50, 40), rng.normal(0, 0.1, 40), np.ones(40)])
    X[3, 1] = np.nan
    np.savez(tmp_path / "t.npz", X=X, y=np.arange(40) % 2)
    table = data.read(tmp_path / "t.npz")
    prep = Preparation.fit(table)
    assert prep.feature_names == ["X 0 (scaled)", "X 1 (scaled)", "X 1 missing"]
    assert prep.target.name == "y"
    assert np.array_equal(prep.transform(table), prep.transform(X))
    assert np.allclose(prep.transform(X)[:, 0], StandardScaler().fit_transform(X[:, :1])[:, 0], atol=1e-5)
    pixels = rng.integers(0, 256, (9, 4))
    prep = Preparation.fit(pixels.astype(np.uint8))
    assert prep.images
    assert np.array_equal(prep.transform(pixels), prep.transform(pixels.astype(np.uint8)))
    assert Preparation.fit(rng.normal(size=(3, 2001))).transform(np.zeros((1, 2001))).shape == (1, 2001)


# Plain data


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(1 << 70), 1 << 70), st.floats(), st.text(max_size=8),
    st.sampled_from(["a", "b", "2024-01-01", "2024-05-05", "1", "x y z", "yes"]), st.dates(), st.datetimes(),
    st.lists(st.integers(), max_size=2), st.decimals(allow_nan=False, allow_infinity=False, places=2),
)  # fmt: skip
COLUMNS = st.one_of(
    st.lists(CELLS, min_size=6, max_size=6),
    st.lists(st.floats(allow_infinity=False), min_size=6, max_size=6),
    st.lists(st.sampled_from(["a", "b", None, "c d"]), min_size=6, max_size=6),
    st.lists(st.sampled_from([True, False, None]), min_size=6, max_size=6),
    st.lists(st.one_of(st.none(), st.datetimes()), min_size=6, max_size=6),
    st.lists(st.integers(-9, 9), min_size=6, max_size=6),
)


@settings(max_examples=120)
@given(st.lists(COLUMNS, min_size=1, max_size=4), st.lists(COLUMNS, min_size=4, max_size=4))
def test_odd_tables_are_prepared_or_refused_and_come_back_from_json(train, new):
    frame = pd.DataFrame({f"c{i}": pd.Series(values) for i, values in enumerate(train)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            prep = Preparation.fit(frame)
        except DataError:
            return
        assert again(prep) == prep
        X = prep.transform(frame)
        assert X.dtype == np.float32
        assert X.shape == (6, len(prep.feature_names))
        assert np.isfinite(X).all()
        assert np.array_equal(again(prep).transform(frame), X)
        assert len(prep.report()) >= len(train)
        try:
            X = prep.transform(pd.DataFrame({f"c{i}": pd.Series(values) for i, values in enumerate(new)}))
        except DataError:
            return
        assert np.isfinite(X).all()


def edited(document, rng):
    """A description with one value, somewhere, changed to something else, or gone."""
    document = copy.deepcopy(document)
    places = []

    def walk(part):
        for key in part if isinstance(part, dict) else range(len(part)):
            places.append((part, key))
            if isinstance(part[key], dict | list):
                walk(part[key])

    walk(document)
    part, key = places[rng.integers(len(places))]
    odd = [None, -1, 0, 1e308, float("nan"), "x", True, [], {}, [[]], [1, 1], ["x", "x"], "ISO8601", "mean"]
    if rng.random() < 0.2 and isinstance(part, dict):
        del part[key]
    else:
        part[key] = odd[rng.integers(len(odd))]
    return document


def test_damaged_descriptions_are_refused_or_work():
    frame = FRAME.assign(note=["a b", "a c", "b c", "a", "b", "a b"], many=["p", "p", "q", "q", "r", "s"])
    prep = Preparation.fit(frame, target="member", text=["note"])
    document = prep.to_plain()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(600):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            try:
                found = Preparation.from_plain(edited(document, rng))
            except DataError:
                refused += 1
                continue
            try:
                X = found.transform(frame)
                assert X.shape == (6, len(found.feature_names))
            except GlassgradError:
                pass
    assert refused > 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "does not describe a preparation"),
        ({"version": 2}, "is of version 2, made by a newer glassgrad; .* upgrade it"),
        ({"version": "1"}, "is damaged"),
        ({"columns": []}, "is damaged"),
        ({"columns": [{"kind": "evil", "name": "x"}]}, "column 1 of the preparation is of no known kind: 'evil'"),
        ({"columns": [{"kind": "left out", "name": "x"}]}, "needs the fields name, reason, and has"),
        ({"columns": [{"kind": "left out", "name": 3, "reason": ""}]}, "name: '3' is not what belongs there"),
        ({"columns": [{"kind": "left out", "name": "x", "reason": ""}]}, "no column of .* is left"),
        ({"target": {"name": "y"}}, "the target needs the fields"),
    ],
)
def test_descriptions_that_are_wrong_say_how(change, words):
    document = None if change is None else {**Preparation.fit(FRAME).to_plain(), **change}
    with pytest.raises(DataError, match=words):
        Preparation.from_plain(document)
