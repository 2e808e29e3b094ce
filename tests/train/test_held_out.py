"""Held-out scores as graphs that the engine runs: equal to the eager ones, in chunks, traced once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from glassgrad import distributions, nn, optim, train
from glassgrad.errors import DataError, ShapeError

RNG = np.random.default_rng(7)
ROWS = 9000  # three chunks
X = RNG.normal(size=(ROWS, 3)).astype(np.float32)
WEIGHT = RNG.random(ROWS) ** 4
TARGETS: dict[str, Any] = {
    "categorical": RNG.integers(0, 4, ROWS),
    "bernoulli": RNG.integers(0, 2, ROWS),
    "gaussian": RNG.normal(size=(ROWS, 2)),
    "laplace": RNG.normal(size=ROWS),
    "poisson": RNG.integers(0, 9, ROWS),
}
X[5000:] *= 3  # chunks differ


def trainer(loss: Any, outputs: int, **settings: Any) -> train.Trainer:
    net = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.5), nn.Tanh(), nn.Linear(5, outputs))
    return train.Trainer(net, loss, optim.SGD(0.1), **settings)


def eager(t: Any, x: Any, y: Any, weight: Any = None) -> dict[str, float]:
    output = t.outputs(x).astype(np.float64)
    found = {"loss": float(t.loss.loss(output, y, weight))}
    accuracy = t.loss.accuracy(output, y)
    return found if accuracy is None else found | {"accuracy": accuracy}


@pytest.mark.parametrize("engine", train.ENGINES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_scores_are_the_eager_ones_also_over_chunks(name: str, weighted: bool, engine: str) -> None:
    y = TARGETS[name]
    loss = distributions.named(name)
    t = trainer(loss, loss.outputs(y), engine=engine)
    for rows in (1, 100, 4096, ROWS):
        weight = WEIGHT[:rows] if weighted else None
        found, expected = t.evaluate(X[:rows], y[:rows], weight), eager(t, X[:rows], y[:rows], weight)
        assert found.keys() == expected.keys()
        assert ("accuracy" in found) == (name in ("categorical", "bernoulli"))
        assert found["loss"] == pytest.approx(expected["loss"], rel=2e-6)
        assert found.get("accuracy") == pytest.approx(expected.get("accuracy"), abs=1.1 / rows if rows > 4096 else 0)


@pytest.mark.parametrize("engine", train.ENGINES)
def test_one_hot_targets_and_several_labels_a_row(engine: str) -> None:
    hot = np.eye(4)[TARGETS["categorical"]]
    t = trainer(distributions.Categorical(), 4, engine=engine)
    assert t.evaluate(X, hot)["accuracy"] == pytest.approx(t.evaluate(X, TARGETS["categorical"])["accuracy"])
    several = RNG.integers(0, 2, (ROWS, 3))
    t = trainer(distributions.Bernoulli(), 3, engine=engine)
    assert t.evaluate(X, several)["accuracy"] == pytest.approx(np.mean(t.predict(X) == several))


@pytest.mark.parametrize("engine", train.ENGINES)
def test_a_function_gets_all_rows_at_once(engine: str) -> None:
    def total(output: Any, y: Any) -> Any:
        return np.sum((output - y) ** 2) + np.max(output)

    def weighted(output: Any, y: Any, weight: Any) -> Any:
        return np.sum(weight * np.sum((output - y) ** 2, axis=1))

    y = TARGETS["gaussian"].astype(np.float32)
    t = trainer(total, 2, engine=engine, metrics={"most": lambda output, y: float(output.max())})
    found = t.evaluate(X, y)
    output = t.outputs(X).astype(np.float64)
    assert found["loss"] == pytest.approx(total(output, y), rel=1e-5)
    assert found["most"] == output.max()
    t = trainer(weighted, 2, engine=engine)
    expected = weighted(t.outputs(X).astype(np.float64), y, WEIGHT)
    assert t.evaluate(X, y, WEIGHT)["loss"] == pytest.approx(expected, rel=1e-5)


def test_scores_are_traced_once_and_compiled_once_for_each_size(monkeypatch: pytest.MonkeyPatch) -> None:
    traced = []
    loss = distributions.Categorical()
    nll = distributions.Categorical.nll
    monkeypatch.setattr(
        distributions.Categorical, "nll", lambda self, o, y: [traced.append(o.shape), nll(self, o, y)][1]
    )
    t = trainer(loss, 4, engine="native")
    y = TARGETS["categorical"]
    history = t.fit(X[:64], y[:64], 5, validation=(X, y))
    assert sorted(traced) == [(32, 4), (ROWS - 2 * 4096, 4), (4096, 4)]  # a step, and two sizes of chunks
    assert len(history.validation_loss) == len(history.validation_accuracy) == 5
    first = t.evaluate(X, y)
    assert (first["loss"], first["accuracy"]) == (history.validation_loss[-1], history.validation_accuracy[-1])
    assert len(traced) == 3


@dataclass(frozen=True)
class OnPaper(distributions.Gaussian):
    """A distribution whose accuracy needs numbers."""

    def accuracy(self, output: Any, y: Any) -> float:
        return float(sum(1 for a, b in zip(output, y, strict=True) if abs(float(a[0]) - float(b[0])) < 1) / len(y))


@pytest.mark.parametrize("engine", train.ENGINES)
def test_an_accuracy_that_no_graph_can_hold_is_called_with_arrays(engine: str) -> None:
    y = TARGETS["gaussian"]
    t = trainer(OnPaper(), 2, engine=engine)
    output = t.outputs(X)
    assert t.evaluate(X, y)["accuracy"] == np.mean(np.abs(output[:, 0] - y[:, 0]) < 1)


@pytest.mark.parametrize("engine", train.ENGINES)
def test_a_frozen_network_can_be_evaluated_and_mistakes_are_said_as_ever(engine: str) -> None:
    t = trainer(distributions.Categorical(), 4, engine=engine)
    t.net.freeze()
    y = TARGETS["categorical"]
    assert t.evaluate(X, y)["loss"] == pytest.approx(eager(t, X, y)["loss"])
    with pytest.raises(DataError, match="labels go from 0 to 3"):
        t.evaluate(X, y + 1)
    with pytest.raises(ShapeError, match="the network does not take"):
        t.evaluate(X[:, :2], y)

    def picked(output: Any, y: Any) -> Any:
        return -np.mean(np.take_along_axis(output, y[:, None], axis=1))

    with pytest.raises(IndexError, match="out of bounds"):
        trainer(picked, 4, engine=engine).evaluate(X, np.where(np.arange(ROWS) == 37, 9, y))
    for wrong, words in ((lambda output, y: output - y, "one number"), (lambda output, y: 3.0, "does not depend")):
        with pytest.raises((ShapeError, TypeError), match=words):
            trainer(wrong, 2, engine=engine).evaluate(X, TARGETS["gaussian"])
