"""From a user's own file to predictions, as a user meets it: what is printed, written, refused."""

from __future__ import annotations

import copy
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import glassgrad
from glassgrad import nn, storage
from glassgrad.cli import app
from glassgrad.cli.settings import Settings, share_or_rows, weights_of_classes, widths
from glassgrad.errors import DataError, GlassgradError
from glassgrad.estimators import PreparedModel


def invoke(*args: object):
    return CliRunner().invoke(app, [str(a) for a in args], prog_name="glassgrad")


def done(*args: object):
    """What a command that ends well printed."""
    shown = invoke(*args)
    assert shown.exit_code == 0, shown.output + shown.stderr
    return shown


def people(rows: int = 400, seed: int = 0) -> list[dict[str, object]]:
    """A table with holes, categories and an identifier, and two targets that depend on them."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(rows):
        age, sex, city = (
            int(rng.integers(18, 80)),
            rng.choice(["female", "male"]),
            rng.choice(["Oslo", "Bergen", "Århus"]),
        )
        price = 100 + 3 * age + 50 * (sex == "male") + 20 * (city == "Oslo") + rng.normal(0, 5)
        missing = rng.random() < 0.1
        found.append(
            {
                "id": f"c{i:05d}", "age": "" if missing else age, "sex": sex, "city": city,
                "price": round(float(price), 2), "member": "yes" if age + 20 * (city == "Oslo") > 55 else "no",
            }
        )  # fmt: skip
    return found


def write(path, rows, separator=","):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def table(here):
    return write(here / "people.csv", people())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model that tells members, to be predicted with."""
    folder = tmp_path_factory.mktemp("trained")
    write(folder / "people.csv", people())
    done(
        "train",
        folder / "people.csv",
        "--target",
        "member",
        "--model",
        "logistic",
        "--drop",
        "price",
        "-o",
        folder / "m",
    )
    return folder / "m"


def test_a_strangers_file_becomes_predictions_and_a_report_in_three_commands(here, table):
    shown = done("train", "people.csv", "--target", "member")
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "warning" not in shown.stderr
    for words in (
        "read     people.csv: 400 rows, 6 columns", "target   member: 2 classes", "300 rows to learn from, 100 held",
        "an identifier", "missing", "model    ", "trained  ", "gradient checked", "precision    recall", "confusion",
        "most telling", "for yes: ", "written to people-model: model.json, weights.safetensors, report.html",
    ):  # fmt: skip
        assert words in shown.output, words
    accuracy = float(re.search(r"held-out accuracy (\d+\.\d+)%", shown.output)[1])
    assert accuracy >= 85
    page = (here / "people-model" / "report.html").read_text(encoding="utf-8")
    for words in ("member from people.csv", "Confusion", "Reliability", "Precision and recall", "Most telling", "age"):
        assert words in page, words
    new = [{k: v for k, v in row.items() if k != "member"} for row in people(50, seed=1)]
    write(here / "new.csv", new)
    said = done("predict", "people-model", "new.csv", "-o", "out.csv").output
    assert said == "written to out.csv: 50 rows\n"
    out = read(here / "out.csv")
    assert list(out[0]) == ["row", "id", "member", "p(no)", "p(yes)"]
    assert [(r["row"], r["id"]) for r in out] == [(str(i + 1), row["id"]) for i, row in enumerate(new)]
    right = [r["member"] == row["member"] for r, row in zip(out, people(50, seed=1), strict=True)]
    assert np.mean(right) >= 0.85
    assert all(abs(float(r["p(no)"]) + float(r["p(yes)"]) - 1) < 1e-4 for r in out)
    told = done("inspect", "people-model").output
    for words in ("predicts member: 2 classes", "made by  glassgrad train people.csv --target member", "Linear",
                  "parameters", "age", f"held out: accuracy {accuracy:.2f}%", "for yes: "):  # fmt: skip
        assert words in told, words
    assert max(map(len, told.splitlines())) <= 80


def test_a_number_is_predicted_with_its_errors(here, table):
    shown = done("train", "people.csv", "--target", "price", "--drop", "member", "--epochs", "60")
    r2 = float(re.search(r"held-out R² (-?\d+\.\d+)", shown.output)[1])
    assert r2 > 0.8
    assert "this model   always the mean" in shown.output
    assert "numbers" in shown.output
    page = (here / "people-model" / "report.html").read_text(encoding="utf-8")
    assert "Residuals" in page
    assert "Confusion" not in page
    assert "R²" in done("predict", "people-model", "people.csv", "-o", "out.csv").output
    predicted = np.array([float(r["predicted price"]) for r in read(here / "out.csv")])
    actual = np.array([float(r["price"]) for r in people()])
    assert np.corrcoef(predicted, actual)[0, 1] > 0.9
    assert "R²" in done("inspect", "people-model").output


def test_counts_and_other_losses(here):
    rng = np.random.default_rng(0)
    rows = [{"x": round(x, 3), "n": int(rng.poisson(np.exp(1 + x)))} for x in rng.normal(size=300)]
    write(here / "counts.csv", rows)
    shown = done("train", "counts.csv", "--target", "n", "--task", "counts", "--epochs", 40)
    assert "loss poisson" in shown.output
    assert float(re.search(r"held-out R² (-?\d+\.\d+)", shown.output)[1]) > 0.5
    shown = done("train", "counts.csv", "--target", "n", "--task", "regression", "--loss", "laplace", "--epochs", 40)
    assert "loss laplace" in shown.output
    assert "counts-model-2" in shown.output


@pytest.mark.parametrize("model", ["perceptron", "logistic", "mlp"])
def test_every_model_learns_goes_to_disk_and_repeats_itself(here, table, model):
    first, second = (
        done("train", "people.csv", "--target", "member", "-m", model, "-q", "-o", n) for n in ("a", "b.glassgrad")
    )
    lines = [shown.output.splitlines() for shown in (first, second)]
    assert lines[0][0] == lines[1][0]
    assert lines[1][1] == "written to b.glassgrad"
    a, b = PreparedModel.load(here / "a"), PreparedModel.load(here / "b.glassgrad")
    X = a.preparation.transform(_frame())
    assert np.array_equal(a.predicted(X), b.predicted(X))
    assert float(re.search(r"accuracy (\d+\.\d+)%", first.output)[1]) > 80
    assert a.info["scores"]["kind"] == "classes"
    assert "member" in done("inspect", "b.glassgrad").output


def _frame():
    import pandas as pd

    return pd.DataFrame(people(20, seed=3)).replace("", np.nan).infer_objects()


def test_options_are_used_and_written_down(here, table):
    shown = done(
        "train", "people.csv", "-t", "member", "--hidden", "8,4", "--activation", "tanh", "--optimizer", "sgd",
        "--rate", "0.1", "--batch", "16", "--epochs", "5", "--held-out", "80", "--split", "last", "--drop", "price",
        "--as", "sex=category", "--class-weight", "yes=2", "--seed", "3", "-o", "m",
    )  # fmt: skip
    for words in (
        "-8-4-2",
        "sgd at 0.1, tanh, 5 epochs",
        "--hidden was given",
        "320 rows to learn from, 80 held out: the last",
    ):
        assert words in " ".join(shown.output.split()), words
    command = json.loads((here / "m" / "model.json").read_text(encoding="utf-8"))["info"]["command"]
    for words in ("--target member", "--hidden 8 --hidden 4", "--batch-size 16", "--as sex=category",
                  "--class-weight yes=2", "--held-out 80", "--split last", "--seed 3"):  # fmt: skip
        assert words in command, words
    estimator = PreparedModel.load(here / "m").estimator
    assert estimator.hidden_layer_sizes == (8, 4)
    assert estimator.class_weight == {"no": 1.0, "yes": 2.0}


def test_quiet_says_only_how_good_it_is_and_where_it_went(here, table):
    shown = done("train", "people.csv", "--target", "member", "-m", "logistic", "-q")
    assert [line.split(" ")[0] for line in shown.output.splitlines()] == ["held-out", "written"]


def test_words_are_learned_from(here):
    rng = np.random.default_rng(0)
    spam, ham = (
        ["free money now", "win a prize", "call now to win"],
        ["see you at home", "lunch tomorrow?", "ok, at the park"],
    )
    rows = []
    for _ in range(200):
        bad = bool(rng.random() < 0.4)
        text = f"{rng.choice(spam if bad else ham)} {rng.choice(['today', 'please', 'soon'])}"
        rows.append({"label": "spam" if bad else "ham", "message": text})
    write(here / "mail.tsv", rows, "\t")
    shown = done("train", "mail.tsv", "--target", "label", "--text", "message")
    assert "there is text" in " ".join(shown.output.split())
    assert "held-out accuracy 100.00%" in shown.output
    assert 'word "' in shown.output
    write(here / "new.tsv", [{"message": "free prize, win money now"}, {"message": "lunch at home tomorrow?"}], "\t")
    assert [r.split(",")[1] for r in done("predict", "mail-model", "new.tsv").output.splitlines()] == [
        "label",
        "spam",
        "ham",
    ]


def test_nothing_is_overwritten_silently(here, table):
    train = ("train", "people.csv", "--target", "member", "-m", "logistic", "-q")
    done(*train)
    assert "people-model exists and is left as it is\nwritten to people-model-2" in done(*train).output
    for name, words in (("people-model", "exists and is not empty"), ("people.csv", "is a file; -o names a folder")):
        refused = invoke(*train, "-o", name)
        assert refused.exit_code == 2
        assert words in refused.stderr
    done(*train, "-o", "people-model", "--overwrite")
    done(*train, "-o", "m.glassgrad")
    refused = invoke(*train, "-o", "m.glassgrad")
    assert (refused.exit_code, "m.glassgrad exists: choose another name" in refused.stderr) == (2, True)
    done(*train, "-o", "m.glassgrad", "--overwrite")
    done("predict", "m.glassgrad", "people.csv", "-o", "out.csv", "-q")
    refused = invoke("predict", "m.glassgrad", "people.csv", "-o", "out.csv")
    assert (refused.exit_code, "out.csv exists: choose another name" in refused.stderr) == (2, True)
    done("predict", "m.glassgrad", "people.csv", "-o", "out.csv", "--overwrite")


B = ["--target", "b", "--held-out", "2"]
GOOD = "a,b\n" + "1,x\n2,y\n" * 5
NUMBERS = "a,b\n1,1.5\n2,2.5\n3,7.25\n4,1\n"
TRAIN = [
    ("missing.csv", "", ["--target", "a"], "there is no file missing.csv"),
    ("", "", ["--target", "a"], "DATA is the name of a file, or digits"),
    ("t.csv", "", ["--target", "a"], "t.csv is empty"),
    ("t.csv", "a,b\n", ["--target", "a"], "no rows"),
    ("t.csv", "age,b\n1,x\n2,y\n", ["--target", "agee"], "has no column 'agee'; did you mean 'age'?"),
    ("t.csv", "a,b\n1,x\n2,y\n", [], "name the column of t.csv to predict; there are: a, b"),
    ("t.csv", "a,b\n1,x\n2,x\n3,x\n", B, "there is one class only"),
    ("t.csv", "a,b\n1,\n2,\n3,\n", B, "target 'b' is missing in all 3 rows"),
    ("t.csv", "a,b\n,x\n,y\n,x\n,y\n", B, "no column of t.csv is left to learn from"),
    ("t.csv", "a,b\n1,x\n2,y,3\n", B, "line 3: 3 fields, where the header has 2"),
    ("t.csv", "a,b\n1,x\n2\n", B, "line 3: 1 field, where the header has 2"),
    ("t.csv", b"a,b\n1,\xe5\n2,y\n", B, "--encoding"),
    ("t.csv", "a,b\n1,x\ninf,y\n3,x\n4,y\n5,x\n6,y\n", [*B, "--split", "last"], "inf in row 2"),
    ("t.csv", "a,b\n" + "".join(f"{i},t{i}\n" for i in range(1500)), B, "too many classes"),
    ("t.csv", "a,b\n1,x\nold,y\n3,x\n4,y\n", [*B, "--as", "a=number", "--split", "last"], "holds 'old' in row 2"),
    ("t.csv", GOOD, [*B, "--as", "a=nmber"], "There are: number, flag"),
    ("t.csv", GOOD, [*B, "--as", "number"], "--as is COLUMN=KIND"),
    ("t.csv", GOOD, [*B, "--text", "c"], "has no column 'c'"),
    ("t.csv", GOOD, [*B, "--drop", "c"], "has no column 'c'"),
    ("t.csv", GOOD, [*B, "--model", "svm"], "There are: auto, perceptron, logistic, mlp"),
    ("t.csv", GOOD, [*B, "--split", "first"], "There are: random, last"),
    ("t.csv", GOOD, [*B, "--held-out", "50"], "cannot hold out 50 of 10 rows"),
    ("t.csv", GOOD, [*B, "--held-out", "half"], "--held-out is a share between 0 and 1"),
    ("t.csv", GOOD, [*B, "--hidden", "many"], "--hidden is numbers of units"),
    ("t.csv", GOOD, [*B, "--rate", "-1"], "--rate is a number above 0"),
    ("t.csv", NUMBERS, [*B, "-m", "logistic"], "--model logistic tells classes apart"),
    ("t.csv", NUMBERS, [*B, "--class-weight", "balanced"], "--class-weight is for classes"),
    ("t.csv", GOOD, [*B, "-m", "logistic", "--hidden", "4"], "--hidden is for --model mlp"),
    ("t.csv", GOOD, [*B, "--class-weight", "z=3"], "There are: x, y"),
    ("t.csv", GOOD, [*B, "--class-weight", "x"], "class=weight"),
    ("t.csv", GOOD, [*B, "-m", "perceptron", "--batch", "8"], "learns row by row"),
    ("t.csv", GOOD, [*B, "-m", "mlp", "--activation", "rleu"], "rleu"),
    ("t.csv", GOOD, [*B, "-m", "mlp", "--optimizer", "adm"], "adm"),
    ("t.npz", b"PK\x03\x04junk", ["--target", "y"], "t.npz"),
    ("t.parquet", b"PAR1junk", ["--target", "y"], "t.parquet"),
    ("t.csv.gz", b"\x1f\x8b\x08\x00junk", ["--target", "y"], "t.csv.gz"),
    ("t-images-idx3-ubyte", b"\x00\x00\x08\x03\x7f\xff\xff\xff\x00\x00\x00\x1c\x00", [], "t-images-idx3-ubyte"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "args", "message"), TRAIN, ids=[f"{i}-{row[3][:30]}" for i, row in enumerate(TRAIN)]
)
def test_bad_input_is_one_message_with_exit_code_2(here, name, content, args, message):
    if content != "" or name == "t.csv":
        (here / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    shown = invoke("train", name, *args)
    assert shown.exit_code == 2, shown.output
    assert message in " ".join(shown.stderr.split())
    assert "error: " in shown.stderr
    assert "Traceback" not in shown.stderr
    assert "\n  at " not in shown.stderr
    assert [p.name for p in here.iterdir()] == ([name] if content != "" or name == "t.csv" else [])


def test_a_million_columns_end_in_a_message_or_a_model(here):
    (here / "wide.csv").write_text(
        ",".join(f"c{i}" for i in range(10**6)) + "\n" + "\n".join("1," * (10**6 - 1) + str(i % 2) for i in range(4))
    )
    shown = invoke("train", "wide.csv", "--target", "c999999")
    assert shown.exit_code == 2
    assert "column" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_new_categories_and_a_missing_class_are_told_and_go_on(here, trained):
    rows = people(20, seed=2)
    for row in rows[:3]:
        row["city"] = "Paris"
    rows[5]["member"] = "maybe"
    write(here / "new.csv", rows)
    shown = done("predict", trained, "new.csv", "-o", "out.csv")
    assert "warning: column 'city': 1 value not seen in training ('Paris'), in 3 rows" in " ".join(shown.stderr.split())
    assert "1 row is not scored: its target is missing or no class of the model" in " ".join(shown.stderr.split())
    assert re.search(r"accuracy \d+\.\d+% \(\d+ of 19\)", shown.output)
    assert len(read(here / "out.csv")) == 20


def test_predictions_go_to_the_output_and_what_is_said_of_them_elsewhere(here, trained, table):
    shown = invoke("predict", trained, "people.csv")
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) == 401
    assert "accuracy" in shown.stderr
    assert shown.stdout == invoke("predict", trained, "people.csv", "-o", "-", "-q").stdout


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"age": 3, "sex": "male"}], "new.csv has no column 'city'"),
        ([{"height": 3}], "new.csv lacks 3 of the 3 columns that the model was trained on: 'age', 'sex', 'city'"),
        ([{"age": "old", "sex": "male", "city": "Oslo"}], "column 'age' needs numbers, and holds 'old' in row 1"),
        ([{"age": "inf", "sex": "male", "city": "Oslo"}], "inf in row 1"),
    ],
)
def test_rows_that_the_model_cannot_take(here, trained, rows, message):
    write(here / "new.csv", rows)
    shown = invoke("predict", trained, "new.csv", "-o", "out.csv")
    assert shown.exit_code == 2
    assert message in " ".join(shown.stderr.split())
    assert not (here / "out.csv").exists()


def edited(trained, here, change):
    folder = here / "edited"
    folder.mkdir()
    for file in trained.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    del document["sha256"]
    change(document)
    (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), "version 2, and this glassgrad reads up to 1: install a newer glassgrad"),
        (lambda d: d["preparation"].update(version=2), "version 2"),
        (lambda d: d["preparation"]["columns"].pop(1), "its preparation makes"),
        (lambda d: d["preparation"]["target"].update(classes=["a", "b"]), "are not the same"),
        (lambda d: d.pop("preparation"), "does not describe a preparation"),
        (lambda d: d.pop("info"), "its 'info' is missing"),
        (lambda d: d["fitted"].pop("coef_"), "whose parts fit together"),
        (lambda d: d.update(estimator="Evil"), "there is no estimator 'Evil'"),
        (lambda d: d["info"].update(scores={"kind": "classes"}), "its scores are damaged"),
        (lambda d: d["info"].update(telling=[3]), "telling features are damaged"),
    ],
)
def test_models_that_are_damaged_newer_or_hostile(here, trained, change, message):
    shown = invoke("inspect", edited(trained, here, change))
    assert shown.exit_code == 2
    assert message in " ".join(shown.stderr.split())
    assert "Traceback" not in shown.stderr


def test_every_flipped_bit_of_a_model_gives_an_error_or_an_equal_model(here, trained, table):
    model = PreparedModel.load(trained)
    path = model.save(here / "m.glassgrad")
    content, rng = path.read_bytes(), np.random.default_rng(0)
    want, X = None, model.preparation.transform(_frame())
    want = model.probabilities(X)
    for place in rng.choice(len(content), 150, replace=False):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << int(rng.integers(8))]) + content[place + 1 :])
        try:
            again = PreparedModel.load(path)
        except DataError:
            continue
        assert np.array_equal(again.probabilities(again.preparation.transform(_frame())), want)
    for size in rng.choice(len(content), 50, replace=False):
        path.write_bytes(content[:size])
        with pytest.raises(DataError):
            PreparedModel.load(path)


ODD = [None, True, -1, 0, 10**30, 1e308, "", "x", [], {}, [[]], {"array": "coef_"}, {"tuple": 3}, {"float": "nan"},
       {"number": 1, "dtype": "O"}, {"listed": ["a"], "shape": [-1, 0], "kind": "U"}]  # fmt: skip


def places(entry, path=()):
    """Every place in a document."""
    yield path
    pairs = entry.items() if isinstance(entry, dict) else enumerate(entry) if isinstance(entry, list) else ()
    for key, value in pairs:
        yield from places(value, (*path, key))


@pytest.mark.filterwarnings("ignore::glassgrad.errors.DataWarning")
def test_random_edits_of_a_model_give_an_error_of_ours_or_predictions(here, trained):
    folder = edited(trained, here, lambda document: None)
    document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    every = [path for path in places(document) if path and path[0] != "info"]
    rng, predicted, refused = np.random.default_rng(0), 0, 0
    for _ in range(250):
        changed = copy.deepcopy(document)
        *above, last = every[int(rng.integers(len(every)))]
        spot = changed
        for key in above:
            spot = spot[key]
        if rng.random() < 0.2:
            del spot[last]
        else:
            spot[last] = ODD[int(rng.integers(len(ODD)))]
        (folder / "model.json").write_text(json.dumps(changed), encoding="utf-8")
        try:
            model = PreparedModel.load(folder)
        except DataError:
            refused += 1
            continue
        try:
            assert len(model.predict(_frame())) == 20
            predicted += 1
        except GlassgradError:
            refused += 1
    assert predicted > 20
    assert refused > 20


def test_other_models_are_inspected_too(here, trained):
    from glassgrad import estimators

    net = storage.save(nn.Sequential(nn.Linear(4, 3, seed=0), nn.ReLU()), here / "net", info={"by": "me"})
    told = " ".join(done("inspect", net).output.split())
    assert all(words in told for words in ("a network", "by me", "0.Linear", "15"))
    path = estimators.save(PreparedModel.load(trained).estimator, here / "e.glassgrad")
    told = done("inspect", path).output
    assert all(words in told for words in ("LogisticRegression", "classes  no, yes", "Linear"))
    refused = invoke("predict", net, "people.csv")
    assert refused.exit_code == 2
    assert "is not a model that glassgrad stored, but a glassgrad network" in " ".join(refused.stderr.split())
    assert invoke("inspect", here / "nothing").exit_code == 2


def test_file_options_are_not_for_the_digits(here):
    refused = invoke("train", "digits", "--target", "x")
    assert refused.exit_code == 2
    assert "--target is for a file of your own" in refused.stderr


def test_what_was_asked_for_is_said_as_a_command():
    settings = Settings("a b.csv", target="y", text=("m", "n"), held_out=2000, rate=0.1)
    assert settings.command() == "glassgrad train 'a b.csv' --target y --text m --text n --rate 0.1 --held-out 2000"
    assert share_or_rows("1e3") == 1000
    for text in ("0", "1", "-3", "nan", "inf", "2.5", "x"):
        with pytest.raises(DataError, match="between 0 and 1"):
            share_or_rows(text)
    assert widths(["(64, 32)"]) == (64, 32)
    for text in ("0", "a", "", "64,-1"):
        with pytest.raises(GlassgradError):
            widths([text])
    assert weights_of_classes("balanced", ("a",)) == "balanced"
    assert weights_of_classes("1=2,0=3", (0, 1)) == {0: 3.0, 1: 2.0}


def test_images_with_labels_beside_them(here):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300).astype(np.uint8)
    X = rng.integers(0, 40, (300, 6, 5)).astype(np.uint8)
    X[np.arange(300), 2 * y] += 200
    (here / "t-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, 0, 0, 1, 44, 0, 0, 0, 6, 0, 0, 0, 5]) + X.tobytes())
    (here / "t-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 1, 44]) + y.tobytes())
    shown = done(
        "train", "t-images-idx3-ubyte", "--held-out", "100", "--split", "last", "--hidden", "16", "--epochs", "60"
    )
    assert "200 rows to learn from, 100 held out: the last rows" in " ".join(shown.output.split())
    assert float(re.search(r"held-out accuracy (\d+\.\d+)%", shown.output)[1]) > 90
    page = (here / "t-images-idx3-ubyte-model" / "report.html").read_text(encoding="utf-8")
    assert "What the first layer looks for" in page
    shown = done("predict", "t-images-idx3-ubyte-model", "t-images-idx3-ubyte", "-o", "out.csv")
    assert "of 300" in shown.output
    assert len(read(here / "out.csv")) == 300


def test_mnist_of_real_files(here, shared_data):
    shown = done(
        "train", shared_data / "t10k-images-idx3-ubyte.gz", "--held-out", 2000, "--split", "last", "--epochs", 6
    )
    assert float(re.search(r"held-out accuracy (\d+\.\d+)%", shown.output)[1]) >= 95.5
    assert "Misread" in (here / "t10k-images-idx3-ubyte-model" / "report.html").read_text(encoding="utf-8")


def test_spam_of_real_messages(here, shared_data):
    accuracies = []
    for seed in range(3):
        shown = done(
            "train",
            shared_data / "SMSSpamCollection",
            "--target",
            "Label",
            "--text",
            "SMS",
            "--seed",
            seed,
            "-o",
            f"m{seed}",
        )
        accuracies.append(float(re.search(r"held-out accuracy (\d+\.\d+)%", shown.output)[1]))
        precision, recall = re.search(r"spam +(\d+\.\d) % +(\d+\.\d) %", shown.output).groups()
        assert float(precision) > 95
        assert float(recall) > 88
    assert np.mean(accuracies) >= 98


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process alone")
def test_ctrl_c_keeps_what_a_network_learned(here, table):
    words = "from glassgrad.cli import main; main()"
    source = str(Path(glassgrad.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", words, "train", "people.csv", "--target", "price", "--epochs",
         "10000000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": source, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("model"):
            break
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "interrupted after" in err
    assert "what was learned until then is kept" in err
    assert "written to people-model" in out
    assert "Traceback" not in err
    model = PreparedModel.load(here / "people-model")
    assert model.info["scores"]["r2"] > 0.5


def test_starting_the_command_line_loads_no_heavy_library():
    heavy = ("sklearn", "pandas", "matplotlib", "scipy", "onnx")
    code = f"import sys, glassgrad.cli; print([m for m in {heavy} if m in sys.modules])"
    env = {**os.environ, "PYTHONPATH": str(Path(glassgrad.__file__).parents[1])}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert ended.stdout.strip() == "[]", ended.stderr
