"""The example scripts run as a user runs them, save their pictures, and print figures that are right."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if not path.name.startswith("_"))


def run(script: Path, out: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), "--out", str(out)], capture_output=True, text=True, check=False,
        timeout=300, encoding="utf-8", cwd=out.parent,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def xor(text: str) -> None:
    assert "w = [0 0]  b = 0.5" in text
    assert "so it answers 0.5 to all four; loss ½·(½)² = 0.1250" in text
    by_hand = re.findall(r"^  (\[. .\]) +(\S+)  (\S+) +(\S+) +(\d)$", text, re.MULTILINE)
    assert by_hand[:4] == [
        ("[0 0]", "0.00", "0.00", "0.00", "0"), ("[0 1]", "1.00", "0.00", "1.00", "1"),
        ("[1 0]", "1.00", "0.00", "1.00", "1"), ("[1 1]", "2.00", "1.00", "0.00", "0"),
    ]  # fmt: skip
    assert len(by_hand) == 8
    assert all(float(output) == pytest.approx(float(target), abs=0.02) for *_, output, target in by_hand)
    (found,) = re.findall(r"(\d+) of 20 random starts", text)
    assert 1 <= int(found) <= 19


def logistic(text: str) -> None:
    assert text.count("[0.5  0.25]") == 2  # (1 − σ(0)) (1, ½), by hand and by the engine
    lines = dict(re.findall(r"^  (most likely|turned left|turned right) +0 of 80 wrong.* (\S+)$", text, re.MULTILINE))
    assert len(lines) == 3
    assert max(lines, key=lambda name: float(lines[name])) == "most likely"
    (difference,) = re.findall(r"largest difference (\S+)", text)
    assert float(difference) < 1e-14
    (score,) = re.findall(r"iterations\): ([\d.]+)% of held-out", text)
    assert float(score) > 95
    rates = [tuple(map(float, row)) for row in re.findall(r"^ +(\S+) +(\S+) +(\S+)%$", text, re.MULTILINE)]
    assert [rate for rate, *_ in rates] == [0.001, 0.01, 0.1, 1, 10, 100]
    assert all(a[2] < b[2] for a, b in itertools.pairwise(rates))
    best = min(rates, key=lambda row: row[1])
    assert best not in (rates[0], rates[-1])
    (held, end, inside) = re.findall(r"passes, (-[\d.]+); after 400 passes it is (-[\d.]+),\n.*: (-[\d.]+)\.", text)[0]
    assert float(end) < float(held) < float(inside)


def without_backpropagation(text: str) -> None:
    ways = re.findall(r"^([a-z ]+?) +([\d,]+) +([\d,]+) +(\S+) +([\d.,]+) +\S+$", text, re.MULTILINE)
    assert [way[0] for way in ways] == [
        "backpropagation", "one weight at a time", "hill climbing", "all weights in parallel", "activations only",
    ]  # fmt: skip
    assert all(float(way[4].replace(",", "")) > 1 for way in ways[1:])
    rows = re.findall(r"^  (?:all weights|activations, \d+ rows) +([\d. ]+)$", text, re.MULTILINE)
    cosines = [[float(c) for c in row.split()] for row in rows]
    assert all(a > b for row in cosines for a, b in itertools.pairwise(row))
    for width, found in zip((4, 16, 64, 256), cosines[0], strict=True):
        assert found == pytest.approx((2 / 3.14159 / (75 * width + 10)) ** 0.5, rel=0.25)
    assert all(a > b > c for b, a, c in zip(cosines[2], cosines[1], cosines[0], strict=True))


def features(text: str) -> None:
    rows = re.findall(r"^  (.+?) +([\d,]+) +([\d,]+) +([\d.]+)% +[\d.]+$", text, re.MULTILINE)
    assert [(int(count), int(learned.replace(",", ""))) for _, count, learned, _ in rows] == [
        (2, 3), (10, 11), (100, 101), (3, 4), (24, 2 * 24 + 24 + 24 * 24 + 24 + 24 + 1),
    ]  # fmt: skip
    plain, few, *good = [float(score) for *_, score in rows]
    assert plain < 75
    assert few < 90
    assert min(good) > 97


def perceptron(text: str) -> None:
    assert "score 3, at least 0, so it is spam" in text
    passes = [
        tuple(map(int, row)) for row in re.findall(r"^ +(\d+) +(\d+) +(\d+) +[\d.]+% +[\d.]+%$", text, re.MULTILINE)
    ]
    assert [row[2] for row in passes] == list(itertools.accumulate(row[1] for row in passes))
    assert passes[-1][1] == 0
    radius, margin, bound, made = (
        float(found.replace(",", "")) for found in re.findall(r"^  .*: {3,}([\d.,]+)$", text, re.MULTILINE)
    )
    assert made == passes[-1][2] <= bound == pytest.approx((radius / margin) ** 2, rel=1e-3)
    plain, averaged = (float(found) for found in re.findall(r"([\d.]+)% in the mean", text))
    assert averaged > plain + 2
    assert "no linear classifier gets all of these" in text


def hidden_units(text: str) -> None:
    gaps = [float(gap) for gap in re.findall(r"([\d.e+-]+) apart$", text, re.MULTILINE)]
    assert gaps[:3] == [0, 0, 0]
    assert gaps[3] < 1e-15
    rows = dict(re.findall(r"^  ([A-Za-z0-9 ]+?) +([\d.]+)% +[\d.]+% +[\d.]+$", text, re.MULTILINE))
    assert len(rows) == 11
    assert min(float(score) for name, score in rows.items() if name != "sigmoid") > 94


def costs(text: str) -> None:
    gaps = [float(gap) for gap in re.findall(r"([\d.e+-]+) apart$", text, re.MULTILINE)]
    assert len(gaps) == 4
    assert max(gaps) < 1e-13
    assert re.search(r"^ +1000 +0 +inf +1000 +1$", text, re.MULTILINE)
    assert re.search(r"^ +-12 +6.1e-06 +-6.1e-06 +-1$", text, re.MULTILINE)
    found = re.search(r"found exp\(([\d.]+) \+ ([\d.]+) x₁ - ([\d.]+) x₂\)", text)
    assert found is not None
    for number, right in zip(map(float, found.groups()), (0.5, 1.5, 1.0), strict=True):
        assert number == pytest.approx(right, abs=0.05)


CHECKS: dict[str, Callable[[str], None]] = {
    "perceptron": perceptron, "xor": xor, "logistic": logistic, "features": features,
    "without_backpropagation": without_backpropagation, "hidden_units": hidden_units, "costs": costs,
}  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_script_tells_its_story(script, tmp_path):
    out = tmp_path / "pictures"
    text = run(script, out)
    pictures = list(out.glob("*.png"))
    assert pictures
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 20_000 for path in pictures)
    for path in pictures:
        assert path.name in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("picture: ")) <= 80
    assert text == "\n".join(line.rstrip() for line in text.split("\n"))
    CHECKS.get(script.stem, lambda text: None)(text)


def test_every_check_has_its_script():
    assert set(CHECKS) <= {path.stem for path in SCRIPTS}


def test_without_out_the_pictures_go_to_a_folder_that_git_ignores():
    ignored = (FOLDER.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "examples-out/" in ignored
    (where,) = re.findall(r'Path\("([\w-]+)"\) / name', (FOLDER / "_story.py").read_text(encoding="utf-8"))
    assert f"{where}/" in ignored


def test_each_has_a_notebook_of_the_same_code():
    spec = importlib.util.spec_from_file_location("_notebooks", FOLDER / "_notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    for script in SCRIPTS:
        there = script.with_suffix(".ipynb")
        assert there.read_text(encoding="utf-8") == writer.notebook(script), "run python examples/_notebooks.py"
        cells = json.loads(there.read_text(encoding="utf-8"))["cells"]
        code = [line for cell in cells if cell["cell_type"] == "code" for line in "".join(cell["source"]).splitlines()]
        said = [line for line in script.read_text(encoding="utf-8").splitlines() if line.strip()]
        told = [line for line in code if line.strip()]
        assert set(told) <= set(said)
        assert len(told) > 0.8 * len(said) - 10


def test_a_notebook_runs_in_a_kernel_and_shows_its_pictures(tmp_path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel has one that shows pictures
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    book = nbformat.read(FOLDER / "xor.ipynb", 4)
    nbformat.validate(book)
    for name in ("_story.py", "xor.ipynb"):
        shutil.copy(FOLDER / name, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own libraries
        nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [out["data"] for cell in book.cells for out in cell.get("outputs", ()) if "data" in out]
    assert sum("image/png" in data for data in shown) == 1
