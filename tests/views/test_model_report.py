"""The report of an estimator: every part where it belongs, whole, escaped, right in its numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from glassgrad.views.model_report import ModelReport, precision_recall, reliability
from glassgrad.views.report_plots import Curve, histogram, plot, points
from glassgrad.views.report_tables import class_table, confusion_table, counts_bars, telling_bars
from glassgrad.views.scores import ClassScores, NumberScores
from glassgrad.views.telling import Telling

EVIL = '<script>alert("x")</script> & more'


@pytest.fixture
def spam(rng):
    y = rng.integers(0, 2, 300)
    p1 = np.clip(0.3 + 0.4 * y + rng.normal(0, 0.2, 300), 0.001, 0.999)
    p = np.stack([1 - p1, p1], axis=1)
    return y, p.argmax(axis=1), p


def report(y, said, p, names, **more):
    scores = ClassScores.of(y, said, names, p)
    return ModelReport("t", "lead", {"held-out accuracy": "1"}, scores, y, said, p, **more)


def test_every_part_is_there_and_nothing_is_fetched(spam, Page):
    made = report(
        *spam, ["ham", "spam"], curves={"loss": [1.0, 0.5, 0.2], "mistakes": [30.0, 10.0, 3.0]},
        found=[Telling("spam", (("free", 4.0), ("meeting", -3.0)))], data=[("file", "mail.csv")],
        columns=[(f"c{i}", "number") for i in range(100)], counts=[("ham", 100), ("spam", 50)], network="Linear(3, 1)",
        graph="graph(x):", made={"command": "glassgrad train mail.csv"}, notes=["odd"],
    )  # fmt: skip
    html = made.html()
    page = Page(html)
    for part in ("Held out", "precision", "Confusion", "Probabilities", "Precision and recall", "Reliability",
                 "Most telling features", "free", "−3", "Loss", "Mistakes", "The data", "Classes", "and 40 more",
                 "The model", "One training step", "How it was made", "Odd."):  # fmt: skip
        assert part in page.text, part
    assert not re.search(r"https?://|<script|@import|url\(", html)
    assert "None" not in page.text
    assert "nan" not in page.text


def test_text_is_escaped(spam, Page):
    y, said, p = spam
    html = ModelReport(
        EVIL, EVIL, {EVIL: EVIL}, ClassScores.of(y, said, [EVIL, EVIL + "2"], p), y, said, p, {}, data=[(EVIL, EVIL)],
        found=[Telling(EVIL, ((EVIL, 1.0),))], columns=[(EVIL, EVIL)], counts=[(EVIL, 3)], network=EVIL, graph=EVIL,
        made={EVIL: EVIL}, notes=[EVIL],
    ).html()  # fmt: skip
    assert "<script" not in html
    Page(html)


def test_numbers_have_points_and_residuals(rng, Page):
    y = rng.normal(size=200)
    said = y + rng.normal(0, 0.1, 200)
    html = ModelReport("t", "", {"R²": "1"}, NumberScores.of(y, said), y, said).html()
    page = Page(html)
    assert "Residuals" in page.text
    assert "Predicted and actual" in page.text
    assert "Confusion" not in page.text
    assert len([a for tag, a in page.tags if tag == "circle" and a.get("class") == "f0"]) == 200


def test_pictures_show_what_was_misread_and_the_first_layer(rng, spam, Page):
    y, said, p = spam
    X = rng.integers(0, 255, (300, 4, 3)).astype(np.uint8)
    page = Page(report(y, said, p, ["a", "b"], X=X, first=rng.normal(size=(4, 3, 7))).html())
    missed = int((y != said).sum())
    assert f"Misread: {missed} of 300" in page.text
    assert sum(tag == "img" for tag, _ in page.tags) == min(missed, 48) + 7
    right = Page(report(y, y, p, ["a", "b"], X=X).html())
    assert "Every held-out picture was read right." in right.text


def test_the_curve_of_precision_is_scikit_learns(spam):
    y, _, p = spam
    html = precision_recall(y, p, ["ham", "spam"])
    assert f"average precision {average_precision_score(y, p[:, 1]):.3f}" in html
    assert html.count("<polyline") == 1
    many = np.random.default_rng(0).integers(0, 12, 400)
    q = np.random.default_rng(1).dirichlet(np.ones(12), 400)
    html = precision_recall(many, q, [f"c{i}" for i in range(12)])
    assert html.count("<polyline") == 6
    assert "the 6 hardest of 12 classes" in html
    assert "nothing to draw" in precision_recall(np.zeros(5, int), p[:5], ["a", "b"])


def test_reliability_is_the_share_that_happened(spam):
    y, _, p = spam
    html = reliability(y, p, ["ham", "spam"])
    order = np.argsort(p[:, 1], kind="stable")
    groups = np.array_split(order, 10)
    for g in groups:
        assert f"on average\nhappened {y[g].mean():.1%}\n{len(g)} rows" in html
    sure = np.stack([1 - y, y], axis=1).astype(float)
    assert "mean gap 0.0" in reliability(y, sure, ["a", "b"])
    assert "p of the class that is said" in reliability(y, np.c_[p, 0 * p[:, 0]], ["a", "b", "c"])


@pytest.mark.parametrize(
    "values",
    [[], [0.0], [1.0, 1.0], [-1e300, 1e300], [np.nan, 1.0], [np.inf, -np.inf], [1e-300, 2e-300], list(range(5000))],
)
def test_plots_survive_odd_values(values, Page):
    x = np.array(values, float)
    for html in (
        plot("t", [Curve("a", x, x)], ("x", "y"), diagonal=True), points("t", x, x[::-1], ("x", "y")),
        histogram("t", x, "x"), plot("t", [Curve("", x, np.zeros(len(x)), dots=True)], ("x", "y")),
    ):  # fmt: skip
        numbers = re.findall(r'\s(?:x|y|cx|cy|x1|x2|y1|y2|width|height)="([^"]*)"', html)
        assert all(np.isfinite(float(n)) and -1000 <= float(n) <= 1000 for n in numbers)
        Page(html)


def test_a_histogram_counts_every_value(rng):
    values = rng.normal(size=500)
    html = histogram("t", values, "x")
    assert sum(int(n) for n in re.findall(r": ([\d,]+) rows", html)) == 500
    edges = [float(a) for a in re.findall(r"<title>(-?[\d.e-]+) to", html)]
    assert any(abs(e) < 1e-3 for e in edges)


def test_tables_count_and_bars_are_in_proportion():
    counts = np.array([[199, 1], [0, 3]])
    html = confusion_table(counts, ["a", "b"], "is", "was", "said")
    assert "99.5%" in html  # not 100 %: one was missed
    assert "100%" in html
    widths = [float(w) for w in re.findall(r"width:([\d.]+)%", counts_bars([("a", 10), ("b", 5)]))]
    assert widths == [100.0, 50.0]
    bars = telling_bars([Telling("a", (("x", 4.0), ("y", -1.0)))])
    assert re.findall(r'class="(for|against)".*?width:([\d.]+)%', bars) == [("for", "100.0"), ("against", "25.0")]
    assert "No feature has a weight" in telling_bars([Telling("a", ())])
    many = ClassScores.of(np.arange(60), np.arange(60), [f"c{i}" for i in range(60)])
    assert "The 40 most frequent of 60 classes" in class_table(many, 40)
