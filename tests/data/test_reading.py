"""data.read: every format, and every way in which a file can be wrong."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import struct
import sys
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassgrad import data
from glassgrad.data import delimited
from glassgrad.errors import DataError

TABLE = "name,age,city\nAda,36,London\nAlan,,Cambridge\n"


def made(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def frame_of(tmp_path, content, name="table.csv", **settings):
    frame = data.read(made(tmp_path, content, name), **settings).frame
    assert frame is not None
    return frame


def refused(tmp_path, content, words, name="table.csv", **settings):
    """The message, which names the file."""
    path = made(tmp_path, content, name)
    with pytest.raises(DataError, match=words) as caught:
        data.read(path, **settings)
    assert name in caught.value.reason or "encoding" in caught.value.reason
    return caught.value.reason


# Delimited text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", TABLE),
        ("t.tsv", TABLE.replace(",", "\t")),
        ("t.csv", TABLE.replace(",", ";")),
        ("t.txt", TABLE.replace(",", "|")),
        ("t", TABLE.replace(",", "\t")),
        ("t.csv", TABLE.replace("\n", "\r\n")),
        ("t.csv", TABLE.replace("\n", "\r")),
        ("t.csv", TABLE.rstrip("\n")),
        ("t.csv", "\n" + TABLE.replace("\n", "\n\n")),
        ("t.csv", codecs.BOM_UTF8 + TABLE.encode()),
        ("t.csv", '"name","age","city"\n"Ada","36","London"\n"Alan","","Cambridge"\n'),
        ("t.csv", TABLE.replace(",", ", ")),
        ("t.csv.gz", gzip.compress(TABLE.encode(), mtime=0)),
        ("t.tsv.gz", gzip.compress(TABLE.replace(",", "\t").encode(), mtime=0)),
        ("t.csv", gzip.compress(TABLE.encode(), mtime=0)),
    ],
)
def test_text_in_all_its_spellings(tmp_path, name, content):
    frame = frame_of(tmp_path, content, name)
    assert list(frame.columns) == ["name", "age", "city"]
    assert frame["name"].tolist() == ["Ada", "Alan"]
    assert frame["city"].tolist() == ["London", "Cambridge"]
    assert frame["age"].iloc[0] == 36
    assert np.isnan(frame["age"].iloc[1])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('a,b\n"x, y",2\n"He said ""hi""",3\n', ["x, y", 'He said "hi"']),
        ('a,b\n"over\ntwo lines",2\n"x",3\n', ["over\ntwo lines", "x"]),
        ('a,b\n"one, comma\nand, more",2\n"x",3\n', ["one, comma\nand, more", "x"]),
        ('b,a\n1,"multi\nline, text"\n2,"x"\n', ["multi\nline, text", "x"]),
        ('a\tb\n"open\t1\nshut"\t2\n', ['"open', 'shut"']),
        ('a\tb\n"in ""tabs"""\t1\nx\t2\n', ['in "tabs"', "x"]),
        ('a\tb\nsaid "so"\t1\n"half\t2\n', ['said "so"', '"half']),
        ('a,b\n5" nail,1\nx,2\n', ['5" nail', "x"]),
    ],
)
def test_quotes_enclose_fields_only_where_that_fits(tmp_path, content, expected):
    assert frame_of(tmp_path, content, "t.txt")["a"].tolist() == expected


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=("Cs", "Cc"))), st.integers(-5, 5)), min_size=1, max_size=8
    )
)
def test_what_pandas_writes_is_read(rows):
    """Any text, quotes and separators in it, comes back; white space at the ends may go."""
    written = pd.DataFrame(rows, columns=["text", "number"])
    frame, _ = delimited.read_text(written.to_csv(index=False).encode(), "t.csv", as_text=["text"])
    expected = [None if t in delimited.MISSING else t.lstrip(" ") for t in written["text"]]
    found = [None if pd.isna(t) else t for t in frame["text"]]
    assert [t or None for t in found] == [None if t in (None, *delimited.MISSING) else t for t in expected]
    assert frame["number"].tolist() == written["number"].tolist()


def test_long_fields_are_read_and_the_limit_of_csv_is_left_alone(tmp_path):
    import csv

    before = csv.field_size_limit()
    assert len(frame_of(tmp_path, f'a,b\n"{"x" * 300_000}",1\n')["a"].iloc[0]) == 300_000
    assert csv.field_size_limit() == before


def test_missing_numbers_and_decimal_commas_are_understood_and_noted(tmp_path):
    table = data.read(made(tmp_path, "a,b,c\n1,None,None\n2,3,x\n?,-,y\n"))
    assert table.frame is not None
    assert table.frame["a"].dtype == table.frame["b"].dtype == np.float64
    assert table.frame["c"].tolist() == ["None", "x", "y"]
    assert any("b: '-', 'None' stand for missing numbers" in note for note in table.notes)
    table = data.read(made(tmp_path, "a;b\n1,5;x\n-2,25;y\n"))
    assert table.frame is not None
    assert table.frame["a"].tolist() == [1.5, -2.25]
    assert any("decimal comma" in note for note in table.notes)


def test_text_stays_text_when_told(tmp_path):
    assert frame_of(tmp_path, "a,b\n01,2\n02,3\n")["a"].tolist() == [1, 2]
    assert frame_of(tmp_path, "a,b\n01,2\n02,3\n", as_text=["a", "absent"])["a"].tolist() == ["01", "02"]


def test_columns_without_a_name_are_named_by_their_place(tmp_path):
    assert list(frame_of(tmp_path, ",x,\n0,1,2\n").columns) == ["column 1", "x", "column 3"]
    assert list(frame_of(tmp_path, "1,2\n3,4\n", header=False).columns) == ["column 1", "column 2"]
    assert any("is a header missing" in note for note in data.read(made(tmp_path, "1,2\n3,4\n")).notes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        ("\n \n", "is empty: it holds white space only"),
        ("a,b\n", "has a header and no rows below it"),
        ("a,b\n\n\n", "has a header and no rows below it"),
        ("a,b\n1,2\n3\n4,5\n", r"line 3: 1 field, where the header has 2; an empty field still needs its separator"),
        ("a,b\n1,2\n3,4,5\n4,5,6\n", r"line 3: 3 fields, where the header has 2 \(2 of 3 rows differ\); .* in quotes"),
        ('a,b\n"x\ny",2\n"z",3,4\n', "line 4: 3 fields, where the header has 2"),
        ('a,b\n1,2\n"', "line 3: a quote is opened and never closed"),
        ("a,b,a,c,b\n1,2,3,4,5\n", r"the name 'a' stands over several columns: 1, 3 \(and 1 more names\)"),
        (b"a,b\n1,\xe9\n", r"line 2: byte 0xe9 at position 6 is not utf-8; .*--encoding .* latin-1"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16.*encoding utf-16"),
        (b"a,b\n1,2\n\0,3\n", r"holds binary data \(a zero byte in line 3\)"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it holds binary data"),
    ],
)
def test_text_that_is_wrong(tmp_path, content, words):
    refused(tmp_path, content, words)


@pytest.mark.parametrize("encoding", ["nope", "rot13", "zlib", "idna", "punycode", "ascii"])
def test_encodings_that_do_not_fit(tmp_path, encoding):
    refused(tmp_path, TABLE.replace("Ada", "é"), "encoding", encoding=encoding)


def test_another_encoding(tmp_path):
    assert frame_of(tmp_path, "a,b\né,1\n".encode("latin-1"), encoding="latin-1")["a"].tolist() == ["é"]
    assert frame_of(tmp_path, "a,b\né,1\n".encode("utf-16"), encoding="utf-16")["a"].tolist() == ["é"]


def test_a_million_columns_are_refused(tmp_path):
    names = ",".join(f"c{i}" for i in range(1_000_000))
    refused(tmp_path, f"{names}\n{',' * 999_999}\n", "has 1,000,000 columns, and at most 100,000 are read; .*NPZ")


def test_separators_are_one_character(tmp_path):
    path = made(tmp_path, "a b\n1 2\n")
    for separator in ("ab", '"', "\n"):
        with pytest.raises(DataError, match="a separator is one character"):
            data.read(path, separator=separator)
    assert list(frame_of(tmp_path, "a b\n1 2\n", separator=" ").columns) == ["a", "b"]


def test_the_target_is_looked_for_and_rows_without_it_left_out(tmp_path):
    path = made(tmp_path, "name,Age\nAda,36\nAlan,\nEve,30\n")
    table = data.read(path, target="Age")
    assert (len(table), table.target) == (2, "Age")
    assert table.notes[-1] == "1 of 3 rows left out: their target 'Age' is missing"
    assert table.column("name").tolist() == ["Ada", "Eve"]
    with pytest.raises(DataError, match=r"has no column 'age'; did you mean 'Age'\?; it has: name, Age"):
        data.read(path, target="age")
    with pytest.raises(DataError, match=r"name the column .* to predict; there are: name, Age"):
        data.read(path).with_target()
    refused(tmp_path, "a,b\n1,\n2,\n", "the target 'b' is missing in all 2 rows", target="b")


# Files


def test_files_that_are_not_there(tmp_path):
    made(tmp_path, TABLE, "people.csv")
    with pytest.raises(DataError, match=r"there is no file .*peple.csv; did you mean .*people.csv\?"):
        data.read(tmp_path / "peple.csv")
    with pytest.raises(DataError, match="there is no file"):
        data.read(tmp_path / "no" / "such.csv")
    with pytest.raises(DataError, match="there is no file without a name"):
        data.read("")
    with pytest.raises(DataError, match=r"is a folder; name a file, for example .*people\.csv"):
        data.read(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_file_that_cannot_be_opened_says_why(tmp_path, monkeypatch):
    path = made(tmp_path, TABLE)

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", denied)
    with pytest.raises(DataError, match=r"cannot read .*Permission denied"):
        data.read(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("t.xlsx", "Excel workbook: save it as CSV"), ("t.pkl", "can run anything"), ("t.zip", "unpack it first")],
)
def test_files_of_other_kinds_get_advice(tmp_path, name, words):
    refused(tmp_path, TABLE, words, name)


@pytest.mark.parametrize("name", ["t.parquet", "t.npz", "t.idx"])
def test_misnamed_files(tmp_path, name):
    refused(tmp_path, TABLE, "does not begin like such a file", name)
    refused(tmp_path, b"PAR1xxxx", "holds PARQUET", "t.csv")


def test_gzip_files_that_are_damaged(tmp_path):
    whole = gzip.compress(TABLE.encode() * 50)
    refused(tmp_path, TABLE, "is named .gz and is not a gzip file", "t.csv.gz")
    refused(tmp_path, gzip.compress(b""), "is empty", "t.csv.gz")
    for length in range(2, len(whole) - 1):
        refused(tmp_path, whole[:length], "is cut off|damaged gzip", "t.csv.gz")
    broken = bytearray(whole)
    broken[len(broken) // 2] ^= 0xFF
    refused(tmp_path, bytes(broken), "damaged gzip|cut off", "t.csv.gz")


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(tmp_path):
    from glassgrad.data import sources

    path = made(tmp_path, gzip.compress(bytes(20_000_000)), "bomb.csv.gz")
    with pytest.raises(DataError, match="unpacks to more than 1,000,000 bytes"):
        sources.content(path, largest=1_000_000)


# IDX


def idx_bytes(array, code=0x08):
    header = bytes([0, 0, code, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


IMAGES = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
LABELS = np.array([3, 1, 3, 0], np.uint8)


@pytest.mark.parametrize("pair", [("a-images-idx3-ubyte", "a-labels-idx1-ubyte"), ("b-images.idx3", "b-labels.idx1")])
@pytest.mark.parametrize("packed", [(False, False), (True, False), (False, True), (True, True)])
def test_labels_are_found_beside_images(tmp_path, pair, packed):
    for name, array, pack in zip(pair, (IMAGES, LABELS), packed, strict=True):
        content = idx_bytes(array)
        made(tmp_path, gzip.compress(content) if pack else content, name + ".gz" * pack)
    table = data.read(tmp_path / (pair[0] + ".gz" * packed[0]))
    assert np.array_equal(table.array, IMAGES)
    assert table.images is table.array
    assert table.column("label").tolist() == [3, 1, 3, 0]
    part = table.take([2, 0])
    assert np.array_equal(part.array, IMAGES[[2, 0]])
    assert part.labels.tolist() == [3, 3]


def test_labels_can_be_named_or_missing(tmp_path):
    path, labels = made(tmp_path, idx_bytes(IMAGES), "pictures.idx"), made(tmp_path, idx_bytes(LABELS), "truth")
    assert data.read(path, labels=labels).labels.tolist() == [3, 1, 3, 0]
    table = data.read(path)
    assert table.labels is None
    assert "no file of labels" in table.notes[0]
    with pytest.raises(DataError, match=r"holds no labels; name the file .*--labels"):
        table.column("label")
    with pytest.raises(DataError, match="name the file of images"):
        data.read(labels)
    with pytest.raises(DataError, match="holds 3 labels, and there are 4 images"):
        data.read(path, labels=made(tmp_path, idx_bytes(LABELS[:3]), "few"))
    with pytest.raises(DataError, match="does not hold labels"):
        data.read(path, labels=path)
    with pytest.raises(DataError, match="a file of labels belongs to IDX images"):
        data.read(made(tmp_path, TABLE), labels=labels)


@pytest.mark.parametrize(("code", "dtype"), [(9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")])
def test_every_idx_dtype(tmp_path, code, dtype):
    array = (np.arange(12) - 5).astype(dtype).reshape(3, 4)
    table = data.read(made(tmp_path, idx_bytes(array, code), "x.idx"))
    assert table.array.dtype == np.dtype(dtype)
    assert np.array_equal(table.array, array)


def test_idx_files_that_are_damaged(tmp_path):
    whole = idx_bytes(IMAGES)
    for length in range(4, len(whole)):
        refused(tmp_path, whole[:length], "cut off", "x.idx")
    refused(tmp_path, whole + b"\0", "is damaged: its header announces", "x.idx")
    huge = bytes([0, 0, 8, 8]) + b"\xff" * 32 + b"\0" * 10
    refused(tmp_path, huge, "announces shape .*4294967295.* and 10 follow", "x.idx")
    refused(tmp_path, idx_bytes(IMAGES[:0]), "is empty", "x.idx")


def test_mnist_is_read(shared_data):
    table = data.read(shared_data / "t10k-images-idx3-ubyte.gz")
    assert table.array.shape == (10_000, 28, 28)
    assert table.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert table.target == "label"
    assert "10,000 images of 28 × 28" in table.summary()


# NPZ


def npz_bytes(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


X = np.arange(12.0).reshape(4, 3)


def test_npz_files(tmp_path):
    table = data.read(made(tmp_path, npz_bytes(X=X, y=np.array(list("abab"))), "t.npz"))
    assert np.array_equal(table.array, X)
    assert table.target == "y"
    assert table.column("y").tolist() == list("abab")
    table = data.read(made(tmp_path, npz_bytes(images=IMAGES, label=LABELS[:, None], id=np.arange(4)), "t.npz"))
    assert table.target == "label"
    assert table.notes[1] == "not used: id"
    assert data.read(tmp_path / "t.npz", target="id").column("id").tolist() == [0, 1, 2, 3]
    frame = frame_of(tmp_path, npz_bytes(a=np.arange(3), b=np.array([b"x", b"y", b"z"])), "t.npz")
    assert frame["b"].tolist() == ["x", "y", "z"]
    by_columns = data.read(made(tmp_path, npz_bytes(X=np.asfortranarray(X)), "t.npz"))
    assert np.array_equal(by_columns.array, X)
    assert data.read(made(tmp_path, npz_bytes(X=X.astype(">f4")), "t.npz")).array.dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": X, "y": np.array([1, "a", None, {}], object)}, "holds Python objects, which are not read"),
        ({"X": X, "y": np.arange(5)}, r"differ in their number of rows: X \(4, 3\), y \(5,\)"),
        ({"X": np.float64(3)}, "differ in their number of rows"),
        ({"X": X[:0]}, "is empty"),
        ({"a": X, "b": X}, "several arrays with columns"),
        ({"X": X.astype(str)}, "needs numbers"),
        ({"X": X * 1j}, "holds complex128"),
        ({}, "holds no arrays"),
    ],
)
def test_npz_files_that_do_not_fit(tmp_path, arrays, words):
    refused(tmp_path, npz_bytes(**arrays), words, "t.npz")


def test_no_target_of_that_name_in_an_npz_file(tmp_path):
    refused(tmp_path, npz_bytes(X=X, y=np.arange(4)), r"has no column 'Y'; did you mean 'y'", "t.npz", target="Y")


def test_a_pickle_in_an_npz_file_is_not_run(tmp_path):
    ran = []

    class Bad:
        def __reduce__(self):
            return (ran.append, (1,))

    refused(tmp_path, npz_bytes(X=np.array([Bad()], object)), "holds Python objects", "t.npz")
    assert ran == []


def test_headers_that_claim_more_than_there_is_allocate_nothing(tmp_path):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 1 << 40)})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("X.npy", stream.getvalue() + bytes(16))
    refused(tmp_path, packed.getvalue(), "announces shape", "t.npz")


@pytest.mark.parametrize("kind", ["npz", "parquet", "csv.gz", "idx"])
def test_damaged_files_give_an_error_or_a_table_and_nothing_else(tmp_path, kind):
    whole = {
        "npz": npz_bytes(X=X, y=np.arange(4)),
        "parquet": parquet_bytes(pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})),
        "csv.gz": gzip.compress(TABLE.encode()),
        "idx": idx_bytes(IMAGES),
    }[kind]
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(150):
        broken = bytearray(whole)
        for at in rng.integers(len(whole), size=rng.integers(1, 4)):
            broken[at] = rng.integers(256)
        if rng.random() < 0.3:
            del broken[rng.integers(len(broken)) :]
        path = made(tmp_path, bytes(broken), f"t.{kind}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # NumPy, of headers of Python 2
            try:
                assert len(data.read(path)) > 0
            except DataError:
                failed += 1
    assert failed > 30


# Parquet


def parquet_bytes(frame, **settings):
    stream = io.BytesIO()
    frame.to_parquet(stream, engine="pyarrow", **settings)
    return stream.getvalue()


def test_parquet_files(tmp_path):
    written = pd.DataFrame(
        {
            "n": [4, 1, 7],
            "c": pd.Categorical(["x", "y", "x"]),
            "t": pd.to_datetime(["2024-01-01", None, "2024-03-01"]),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "s": ["a", None, "c"],
        }
    )
    frame = frame_of(tmp_path, parquet_bytes(written), "t.parquet")
    assert list(frame.columns) == list(written.columns)
    assert frame["n"].tolist() == [4, 1, 7]
    kinds = [kind for _, kind, _ in data.Preparation.fit(frame).described()]
    assert kinds == ["number", "category", "date", "number", "left out"]
    named = frame_of(tmp_path, parquet_bytes(written.set_index("s")), "t.parquet")
    assert "s" in named.columns
    refused(tmp_path, parquet_bytes(written[:0]), "0 rows: there is nothing to read", "t.parquet")


def test_parquet_needs_an_extra_that_is_named(tmp_path, monkeypatch):
    path = made(tmp_path, parquet_bytes(pd.DataFrame({"a": [1]})), "t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r'pip install "glassgrad\[parquet\]"'):
        data.read(path)


def test_tables_say_what_they_hold(tmp_path):
    table = data.read(made(tmp_path, TABLE))
    assert repr(table) == f"<Table {tmp_path / 'table.csv'}: 2 rows, 3 columns>"
    assert table.format == "csv"
    assert json.dumps(table.notes) == '["fields are separated by a comma"]'
    with pytest.raises(DataError, match="has no column 'Name'; did you mean 'name'"):
        table.column("Name")
