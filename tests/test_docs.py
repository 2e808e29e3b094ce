"""What the documents promise: their Python runs, their commands exist, their links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import glassgrad as gg
from glassgrad.cli import app

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(gg.__file__).resolve().parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
IDS = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    return [body for found, body in BLOCK.findall(text(path)) if found == language]


def commands(path: Path) -> list[str]:
    """The lines of a document's blocks that call glassgrad."""
    return [line for body in blocks(path, "") for line in body.splitlines() if line.startswith("glassgrad ")]


def done(line: str) -> str:
    """What a command that ends well prints."""
    shown = CliRunner().invoke(app, shlex.split(line)[1:], prog_name="glassgrad")
    assert shown.exit_code == 0, f"{line}\n{shown.output}{shown.stderr}"
    return shown.output


def run(path: Path, **given: Any) -> dict[str, Any]:
    """A document's Python, block after block in one namespace."""
    names: dict[str, Any] = {"__name__": "__document__", **given}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i, block in enumerate(blocks(path, "python")):
            exec(compile(block, f"{path.name}, block {i + 1}", "exec"), names)
    return names


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tables(here, monkeypatch):
    """The files that docs/files.md speaks of."""
    import pandas as pd

    monkeypatch.setenv("COLUMNS", "80")
    rng, n = np.random.default_rng(0), 500
    area, city = rng.uniform(40, 200, n), rng.choice(["Oslo", "Bergen", "Århus"], n)
    built = rng.integers(1900, 2020, n)
    price = 50 + 2.5 * area + 80 * (city == "Oslo") + 0.3 * (built - 1900) + rng.normal(0, 12, n)
    frame = pd.DataFrame({"id": [f"h{i:04d}" for i in range(n)]})
    frame["area"] = np.where(rng.random(n) < 0.06, np.nan, area.round(1))
    frame = frame.assign(city=city, built=built, garden=rng.choice(["yes", "no"], n), price=price.round(1))
    frame.to_csv("houses.csv", index=False)
    frame[:20].drop(columns="price").to_csv("new-houses.csv", index=False)
    spam = rng.random(200) < 0.3
    texts = [f"{'WIN a free prize now!' if s else 'see you at home'} {i % 7}" for i, s in enumerate(spam)]
    pd.DataFrame({"label": np.where(spam, "spam", "ham"), "message": texts}).to_csv(
        "messages.tsv", sep="\t", index=False
    )
    return here


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if p.name != "README.md"], ids=lambda p: p.name)
def test_the_python_of_every_document_runs(path, here):
    run(path)
    text = path.read_text(encoding="utf-8")
    assert [file.name for file in here.iterdir() if file.name not in text] == []  # it writes only what it names


def test_the_python_of_the_readme_does_what_it_says(tables, capsys):
    for line in commands(ROOT / "README.md"):
        done(line)
    before = {p.name for p in tables.iterdir()}
    assert {"houses-model", "prices.csv"} <= before
    capsys.readouterr()
    names = run(ROOT / "README.md")
    printed = capsys.readouterr().out
    assert names["x"].grad is not None
    assert printed.startswith("-4.0 ")
    assert re.search(r"all \d+ gradients agree with finite differences", printed)
    assert names["history"].validation_accuracy[-1] > 0.9
    assert names["prices"].shape == (20,)
    assert {p.name for p in tables.iterdir()} - before == {"digits-net"}


def test_the_picture_in_the_readme_is_what_is_printed(here, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    (picture,) = [body for body in blocks(ROOT / "README.md", "") if "upstream" in body]
    printed = CliRunner().invoke(app, ["explain", "add-mul"], prog_name="glassgrad").output
    assert picture in printed


def test_the_commands_of_the_document_on_files_do_what_it_says(tables):
    path = ROOT / "docs" / "files.md"
    first, *others = commands(path)
    assert len(others) >= 5
    (shown,) = [body for body in blocks(path, "") if body.startswith("read ")]
    assert shown in done(first)
    for line in others:
        done(line)
    for folder in ("houses-model", "gardens", "messages-model", "robust"):
        assert {"model.json", "weights.safetensors", "report.html"} == {p.name for p in (tables / folder).iterdir()}
    assert len(text(tables / "prices.csv").splitlines()) == 21


def test_the_readme_has_two_commands():
    commands = [b.strip() for b in blocks(ROOT / "README.md", "") if "pip install" in b]
    assert commands == ["pip install . && glassgrad train digits", 'pip install ".[test]" && pytest']
    assert blocks(ROOT / "README.md", "bash") == blocks(ROOT / "README.md", "sh") == []


def test_every_command_of_the_readme_exists():
    rows = re.findall(r"^\| `glassgrad (\w+)[^`]*` \|", text(ROOT / "README.md"), re.MULTILINE)
    assert len(rows) >= 3
    listed = {command.name for command in app.registered_commands}
    assert set(rows) == listed
    for name in rows:
        page = CliRunner().invoke(app, [name, "--help"], prog_name="glassgrad")
        assert page.exit_code == 0
        assert "Usage: glassgrad" in page.output
    for line in text(ROOT / "README.md").splitlines():
        for name in re.findall(r"glassgrad (train|predict|inspect|export|explain|check) ", line):
            assert name in listed


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", text(path)):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target.split("#")[0]).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_files_that_are_named_exist(path):
    """``ops/reduce.py`` in code marks is a file of the package, or of the project."""
    for name in re.findall(r"`((?:[\w.]+/)*[\w.]+\.(?:py|md|toml))`", text(path)):
        if name not in ("file.py",):
            found = [place / name for place in (SOURCE, ROOT, path.parent) if (place / name).exists()]
            assert found or list(SOURCE.rglob(name)), f"{path.name} names {name}"


def test_the_contributed_gate_is_right():
    sinc = run(ROOT / "CONTRIBUTING.md")["sinc"]
    for xs, params in sinc.cases(np.random.default_rng(0)):
        np.testing.assert_array_equal(sinc(*xs, **params), np.sinc(*xs))
        report = gg.check_gradient(sinc, *xs, order=2)
        assert report, str(report)
        assert sinc.shape(gg.tensor(xs[0])).shape == np.shape(xs[0])


REGISTERED = """
import numpy as np, glassgrad as gg
assert gg.__file__.startswith({folder!r}), gg.__file__
x = gg.tensor(0.5, "x")
np.sinc(x).backward()
print(float(x.grad), "sinc" in str(gg.explain(np.sinc(x))))
"""


def test_the_contributed_gate_needs_one_file_and_passes_the_tests(tmp_path):
    """As CONTRIBUTING says: put into one file of ``ops``, it answers np.sinc and is proved by ``pytest -k sinc``."""
    package = tmp_path / "glassgrad"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (block,) = blocks(ROOT / "CONTRIBUTING.md", "python")
    file = package / "ops" / "elementwise.py"
    file.write_text(f"{text(file)}\n{block}", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    def python(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *args], capture_output=True, text=True, check=False, timeout=60, env=environment,
            cwd=tmp_path, encoding="utf-8",
        )  # fmt: skip

    done = python("-W", "error", "-c", REGISTERED.format(folder=str(tmp_path)))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str((np.cos(np.pi / 2) - np.sinc(0.5)) / 0.5), "True"]
    proof = ROOT / "tests" / "ops" / "test_gates.py"
    options = ("-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib", "-k", "sinc")
    done = python("-m", "pytest", *options, str(proof))
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 8
