"""The report page: whole, self-contained, escaped, right in its numbers, and written all or nothing."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import DataError
from glassgrad.train import History
from glassgrad.views.report import Report
from glassgrad.views.report_charts import Line, chart, ink, percent, png, signed
from glassgrad.views.report_style import STYLE
from glassgrad.views.scores import confusion


@pytest.fixture(scope="module")
def run():
    X, X_held, y, y_held = gg.data.split(*gg.data.digits(), seed=0, stratify=True)
    trainer = gg.train.digits_trainer(seed=0)
    history = trainer.fit(X, y, epochs=3, validation=(X_held, y_held))
    return trainer, history, X_held, y_held


def test_the_page_is_well_formed_and_fetches_nothing(run, Page):
    html = Report("Digits", *run, picture=(8, 8), made={"command": "glassgrad train digits"}, graph="graph()").html()
    page = Page(html)
    assert not re.search(r"https?://|<script|@import|url\(", html.replace("data:image", ""))
    for tag, attributes in page.tags:
        assert not set(attributes) & {"onclick", "onload", "srcset"}
        if "src" in attributes:
            assert str(attributes["src"]).startswith("data:image/png;base64,"), tag
    assert ("meta", {"charset": "utf-8"}) in page.tags
    assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")
    assert "prefers-color-scheme: dark" in html
    assert "\n<p>\n" not in html
    assert "None" not in page.text
    assert "nan" not in page.text


def test_the_page_has_every_part_with_its_numbers(run, Page):
    trainer, history, X, y = run
    page = Page(Report("Digits", *run, picture=(8, 8), checked="gradient checked", graph="graph(x):\n  y").html())
    found = trainer.evaluate(X, y)
    missed = int((trainer.predict(X) != y).sum())
    parts = ["Loss", "Accuracy", "Update size", "Confusion", f"Misread: {missed} of {len(y)}", "4,810", "0.Linear"]
    for part in [*parts, "What the first layer looks for", "Gradient checked.", "graph(x):", "whole training step"]:
        assert part in page.text, part
    assert f"{found['accuracy']:.2%}".replace("%", " %") in page.text
    pictures = [a for tag, a in page.tags if tag == "img"]
    assert len(pictures) == 64 + min(missed, 48)
    assert f"{history.steps:,}" in page.text


def test_the_confusion_table_counts(run):
    assert confusion([0, 1, 1, 2], [0, 0, 1, 2], 3).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    trainer, _, X, y = run
    html = Report("Digits", *run).html()
    table = ElementTree.fromstring(
        re.sub(r"(class|scope)=(\w+)", r'\1="\2"', re.search(r"<table.*?</table>", html, re.S)[0])
    )
    cells = [[int(td.text) for td in row.findall("td")[:-1]] for row in table.findall("tr")[1:]]
    assert cells == confusion(y, trainer.predict(X), 10).tolist()


def test_text_is_escaped(run, Page):
    evil = '<script>alert("x")</script> & more'
    html = Report(evil, *run, lead=evil, made={evil: evil}, checked=evil, graph=evil, notes=[evil]).html()
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(") == 8  # the title is there twice, in the head and on the page
    Page(html)


@pytest.mark.parametrize(
    ("stopped", "said"),
    [
        ("interrupted", "Interrupted"),
        ("patience", "Ended early"),
        ("diverged", "Stopped"),
        ("odd <b>", "Odd &lt;b&gt;"),
    ],
)
def test_it_says_how_training_ended(run, stopped, said):
    trainer, _, X, y = run
    html = Report("Digits", trainer, History(stopped=stopped), X, y).html()
    assert said in html
    assert "No epoch was finished" in html


def test_a_history_cut_off_between_two_records_is_drawn(run, Page):
    trainer, _, X, y = run
    history = History(epoch=[1, 2], train_loss=[2.0, 1.0], validation_loss=[1.5], validation_accuracy=[0.5])
    history.update_ratio = {"0.W": [0.1, 0.2, 0.3], "2.W": []}
    Page(Report("Digits", trainer, history, X, y).html())


def test_other_losses_and_shapes_have_their_own_parts_only(Page):
    X = np.random.default_rng(0).normal(size=(20, 3))
    trainer = gg.train.Trainer(gg.nn.Linear(3, 2), gg.distributions.Gaussian(), gg.optim.SGD(0.01))
    history = trainer.fit(X, X[:, :2], epochs=2)
    page = Page(Report("Numbers", trainer, history, X, X[:, :2]).html())
    assert "Loss" in page.text
    assert "Update size" in page.text
    assert "Confusion" not in page.text
    assert "accuracy" not in page.text
    assert "Misread" not in page.text


def test_no_mistakes_are_said(Page):
    X = np.eye(2, dtype=np.float32)
    net = gg.nn.Linear(2, 2, seed=0)
    net.W.value = 9 * np.eye(2, dtype=np.float32)
    trainer = gg.train.Trainer(net, gg.distributions.Categorical(), gg.optim.SGD(0.01))
    page = Page(Report("Two", trainer, History(), X, [0, 1], picture=(1, 2)).html())
    assert "Misread: 0 of 2" in page.text
    assert "read right" in page.text


def test_a_picture_of_another_size_is_refused(run):
    with pytest.raises(DataError, match="rows of 64 numbers are no pictures of 7 × 8"):
        Report("Digits", *run, picture=(7, 8))


def test_writing_is_all_or_nothing(run, tmp_path, monkeypatch):
    report = Report("Digits", *run)
    assert report.write(tmp_path / "r.html").read_text(encoding="utf-8") == report.html()
    before = (tmp_path / "r.html").read_bytes()
    monkeypatch.setattr(Report, "html", lambda self: (_ for _ in ()).throw(RuntimeError("no page")))
    with pytest.raises(RuntimeError, match="no page"):
        report.write(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def points(html: str, colour: int) -> list[list[tuple[float, float]]]:
    found = re.findall(rf'<polyline class="c{colour}" points="([^"]*)"', html)
    return [[tuple(map(float, p.split(","))) for p in run.split()] for run in found]


def test_a_chart_draws_what_it_is_given():
    html = chart("t", [1, 2, 3], [Line("a", [1.0, 0.1, 0.01]), Line("b", [1.0, float("nan"), 2.0], 1)], log=True)
    svg = ElementTree.fromstring(re.search(r"<svg.*</svg>", html, re.S)[0])
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "t: a, b"
    (line,) = points(html, 0)
    steps = np.diff([y for _, y in line])
    assert steps[0] == pytest.approx(steps[1], abs=0.2)
    assert steps[0] > 0
    assert html.count('class="c1 dot"') == 2  # a gap on both sides leaves dots
    assert "epoch 2\na: 0.1\nb: nan" in html


@pytest.mark.parametrize(
    ("x", "values", "log"),
    [
        ([1], [0.5], False), ([1], [0.5], True), ([1, 2], [0.0, 0.0], False), ([1, 2], [3.0, 3.0], True),
        ([1, 2], [1e-12, 1e12], True), ([5, 400], [-1e5, 1e5], False), (list(range(1, 3000)), [1.0] * 2999, False),
        ([1, 2], [np.inf, -np.inf], False), ([1, 2], [0.0, -1.0], True), ([1, 2], [1e-300, 1.0], True),
    ],
)  # fmt: skip
def test_charts_survive_odd_values(x, values, log):
    html = chart("t", x, [Line("a", values)], log=log, shown=percent, band=(1e-3, 1e-2) if log else None)
    numbers = re.findall(r'\s(?:x|y|cx|cy|x1|x2|y1|y2|width|height)="([^"]*)"', html)
    assert all(np.isfinite(float(n)) and float(n) >= -1000 for n in numbers)
    assert len(re.findall('class="left"', html)) <= 10
    assert len(re.findall('class="grid"', html)) <= 10


def decoded(address: str) -> np.ndarray:
    raw = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    place, kinds = 8, {}
    while place < len(raw):
        (n,) = struct.unpack(">I", raw[place : place + 4])
        kind, body = raw[place + 4 : place + 8], raw[place + 8 : place + 8 + n]
        assert struct.unpack(">I", raw[place + 8 + n : place + 12 + n])[0] == zlib.crc32(kind + body)
        kinds[kind] = body
        place += 12 + n
    width, height = struct.unpack(">II", kinds[b"IHDR"][:8])
    rows = np.frombuffer(zlib.decompress(kinds[b"IDAT"]), np.uint8).reshape(height, 1 + 4 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 4)


def test_pictures_hold_their_pixels(rng):
    pixels = rng.integers(0, 256, (3, 5, 4)).astype(np.uint8)
    assert (decoded(png(pixels)) == pixels).all()
    assert decoded(ink(np.array([[0.0, 0.5, 2.0]]), 1.0))[0, :, 3].tolist() == [0, 128, 255]
    weights = decoded(signed(np.array([[-1.0, 0.0, 0.5, np.nan]]), 1.0))[0]
    assert weights[:, 3].tolist() == [255, 0, 128, 0]
    assert weights[0, 2] > weights[0, 0]
    assert weights[2, 0] > weights[2, 2]
    assert decoded(ink(np.zeros((2, 2)), 0.0))[..., 3].sum() == 0


def test_every_colour_of_a_line_is_in_the_style():
    for i in range(6):
        assert STYLE.count(f"--c{i}:") == 2
        assert f"svg .c{i} " in STYLE
        assert f".k{i} " in STYLE
