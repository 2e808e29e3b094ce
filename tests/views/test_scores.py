"""Scores as data and as text, and which features tell most."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics

from glassgrad import nn
from glassgrad.errors import DataError
from glassgrad.views import scores, telling
from glassgrad.views.scores import ClassScores, NumberScores
from glassgrad.views.telling import Telling


def drawn(rng, classes, rows=200):
    y = rng.integers(0, classes, rows)
    said = np.where(rng.random(rows) < 0.7, y, rng.integers(0, classes, rows))
    p = rng.dirichlet(np.ones(classes), rows)
    return y, said, p


@pytest.mark.parametrize("classes", [2, 3, 10, 30])
def test_scores_of_classes_are_scikit_learns(rng, classes):
    y, said, p = drawn(rng, classes)
    names = [f"class {i}" for i in range(classes)]
    found = ClassScores.of(y, said, names, p)
    labels = np.arange(classes)
    precision, recall, f1, rows = metrics.precision_recall_fscore_support(y, said, labels=labels, zero_division=np.nan)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.f1, f1)
    assert found.counts.sum(axis=1).tolist() == rows.tolist()
    assert found.accuracy == metrics.accuracy_score(y, said)
    assert found.log_loss == pytest.approx(metrics.log_loss(y, p, labels=labels))
    assert f"{found.accuracy:.2%}" in found.summary()
    again = scores.from_plain(json.loads(json.dumps(found.to_plain(), allow_nan=False)))
    assert isinstance(again, ClassScores)
    assert again.classes == found.classes
    assert (again.counts == found.counts).all()
    assert again.log_loss == found.log_loss


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    "names",
    [
        ["a", "b"], ["benign tumour of some kind", "malignant tumour of some kind"], [str(i) for i in range(20)],
        [f"a rather long name, number {i}" for i in range(12)], [f"c{i}" for i in range(40)], ["", "two\nlines"],
    ],
)  # fmt: skip
def test_lines_fit_and_hold_every_count(rng, names, width):
    y, said, _ = drawn(rng, len(names), 3000)
    found = ClassScores.of(y, said, names)
    lines = found.lines(width)
    assert max(map(len, lines)) <= width
    assert all("\n" not in line for line in lines)
    table = [line for line in lines if line.startswith("confusion")]
    if table:
        rows = lines[lines.index(table[0]) + 2 :]
        cells = [[int(c.replace(",", "").replace("·", "0")) for c in row.split()[-len(names) :]] for row in rows]
        assert cells == found.counts.tolist()
        heads = lines[lines.index(table[0]) + 1].split()
        assert len(set(heads)) == len(heads) or " " in "".join(names)
    else:
        most = int((found.counts - np.diag(np.diag(found.counts))).max())
        assert any(line.split()[0] == f"{most:,}" for line in lines if " taken for " in line)


def test_a_class_that_was_never_met_or_said_has_no_share():
    found = ClassScores.of([0, 0, 1], [0, 1, 1], ["a", "b", "c"])
    assert np.isnan(found.precision[2])
    assert np.isnan(found.recall[2])
    assert "–" in "\n".join(found.lines())
    assert found.usual == ("a", 2 / 3)


def test_scores_of_numbers_are_scikit_learns(rng):
    y = rng.normal(10, 3, 100)
    said = y + rng.normal(size=100)
    found = NumberScores.of(y, said)
    assert found.r2 == pytest.approx(metrics.r2_score(y, said))
    assert found.mae == pytest.approx(metrics.mean_absolute_error(y, said))
    assert found.rmse == pytest.approx(metrics.root_mean_squared_error(y, said))
    assert found.rmse_of_mean == pytest.approx(y.std())
    assert scores.from_plain(json.loads(json.dumps(found.to_plain()))) == found
    same = NumberScores.of([1.0, 1.0], [1.0, 2.0])
    assert "undefined" in same.summary()
    assert json.dumps(same.to_plain(), allow_nan=False)


@pytest.mark.parametrize(
    "entry",
    [
        {}, {"kind": "classes"}, {"kind": "classes", "classes": ["a"], "counts": [[1, 2]], "loss": None},
        {"kind": "classes", "classes": ["a", "b"], "counts": [[1, -2], [0, 1]], "loss": None},
        {"kind": "classes", "classes": ["a", "b"], "counts": [[0, 0], [0, 0]], "loss": None},
        {"kind": "classes", "classes": [1, 2], "counts": [[1, 0], [0, 1]], "loss": None},
        {"kind": "numbers", "rows": "x"}, {"kind": "numbers", "evil": 1}, {"kind": "other", "rows": 1},
        {"kind": "classes", "classes": ["a"], "counts": [[10**30]], "loss": "x"},
    ],
)  # fmt: skip
def test_damaged_scores_are_refused(entry):
    with pytest.raises(DataError, match="scores are damaged"):
        scores.from_plain(entry)
    for wrong in ({}, 3, {"name": "a", "features": [1]}, {"name": "a", "features": [["b", "x"]]}):
        with pytest.raises(DataError, match="telling features are damaged"):
            telling.from_plain(wrong)


def test_no_rows_have_no_scores():
    for make in (lambda: ClassScores.of([], [], ["a", "b"]), lambda: NumberScores.of([], [])):
        with pytest.raises(DataError, match="no row to score"):
            make()


def test_a_linear_model_tells_by_its_weights(rng):
    net = nn.Linear(50, 3, seed=0)
    W, names = np.asarray(net.W.value), [f"f{j}" for j in range(50)]
    found = telling.telling(net, np.zeros((2, 50), np.float32), names, ["a", "b", "c"], top=5)
    assert [t.name for t in found] == ["a", "b", "c"]
    for k, each in enumerate(found):
        order = np.argsort(-W[:, k])
        assert [name for name, _ in each.features] == [f"f{j}" for j in [*order[:5], *order[-5:]]]
    one = telling.telling(nn.Linear(4, 1, seed=0), np.zeros((2, 4), np.float32), names[:4], ["no", "yes"], top=5)
    assert [t.name for t in one] == ["yes"]
    assert len(one[0].features) == 4
    assert telling.from_plain(json.loads(json.dumps(one[0].to_plain()))) == one[0]


def test_a_network_tells_by_its_mean_slopes(rng):
    from scipy import sparse

    net = nn.Sequential(
        nn.Linear(4, 16, seed=0, dtype=np.float64), nn.Tanh(), nn.Linear(16, 2, seed=1, dtype=np.float64)
    )
    X = rng.normal(size=(300, 4))
    got, step = telling.effects(net, X), 1e-6
    for j in range(4):
        ahead, behind = X.copy(), X.copy()
        ahead[:, j] += step
        behind[:, j] -= step
        slope = (net(ahead).value - net(behind).value).mean(axis=0) / (2 * step)
        np.testing.assert_allclose(got[j], slope, rtol=1e-6)
    np.testing.assert_allclose(telling.effects(net, sparse.csr_matrix(X)), got)


def test_lines_of_telling_features_fit():
    long = Telling("spam " * 20, tuple((f"a feature of a long name {i}", 10.0 - i) for i in range(20)))
    for width in (60, 80):
        lines = long.lines(width)
        assert len(lines) == 2
        assert max(map(len, lines)) <= width
    assert Telling("a", ()).lines() == []
