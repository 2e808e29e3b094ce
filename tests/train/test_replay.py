"""Any step of a run can be taken again: the same rows and draws, the same bits, and a value on every wire."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import glassgrad as gg
from glassgrad import data, distributions, nn, optim, train
from glassgrad.errors import DataError, OperandError, UnsupportedError
from glassgrad.parameters import Parameter
from glassgrad.train.kept import Kept
from glassgrad.valued import valued

ROWS = 23


def rows(sparse: bool = False) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(7)
    X = rng.standard_normal((ROWS, 6)) * (rng.random((ROWS, 6)) < 0.5)
    y = (X.sum(axis=1) > 0).astype(int)
    return scipy.sparse.csr_matrix(X) if sparse else X, y


def trainer(optimizer: Any = None, **settings: Any) -> train.Trainer:
    layers = [nn.Linear(6, 5, seed=1), nn.Tanh(), nn.Dropout(0.3), nn.Linear(5, 2, seed=2)]
    settings = {"batch_size": 4, "seed": 3, **settings}
    return train.Trainer(nn.Sequential(*layers), distributions.Categorical(), optimizer or optim.Adam(0.02), **settings)


def current(model: train.Trainer) -> dict[str, np.ndarray]:
    return {name: np.array(p.value) for name, p in model.trainable}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def agrees(history: train.History, step: int) -> None:
    """The drawn step has the loss of the run, and its update leads to where the run went."""
    graph = history.graph_at(step).verify()
    assert all(wire._value is not None for wire in graph.wires)
    assert float(graph.outputs[0].value) == pytest.approx(history.loss[step], rel=2e-5)
    after = history.weights_at(step + 1)
    for wire, (name, array) in zip(graph.outputs[1:], after.items(), strict=False):
        np.testing.assert_allclose(wire.value, array, rtol=1e-4, atol=1e-6, err_msg=name)


CASES = {
    "shuffle": {},
    "order": {"sampling": "order"},
    "replacement": {"sampling": "replacement"},
    "momentum": {"optimizer": optim.SGD(0.05, momentum=0.9)},
    "a schedule": {"optimizer": optim.SGD(optim.Cosine(0.2, 60))},
    "shards": {"shards": 3},
    "sample weights": {"weighted": True},
    "sparse rows": {"sparse": True},
    "sparse rows, drawn": {"sparse": True, "sampling": "replacement"},
    "all rows": {"batch_size": None},
    "penalty": {"penalty": train.L2(0.01)},
    "NumPy": {"engine": "numpy"},
}


@pytest.mark.parametrize("case", CASES)
def test_any_step_of_a_run_is_the_step_that_was_taken(case: str) -> None:
    settings = dict(CASES[case])
    sampling, sparse = settings.pop("sampling", "shuffle"), settings.pop("sparse", False)
    weight = np.linspace(0.0, 2.0, ROWS) if settings.pop("weighted", False) else None
    model = trainer(**settings)
    X, y = rows(sparse)
    truth = [current(model)]
    history = model.fit(
        X, y, 9, sampling=sampling, sample_weight=weight, monitor=False,
        callbacks=[lambda t, h: truth.append(current(t))],
    )  # fmt: skip
    a_pass = history.steps // 9
    for epoch, known in enumerate(truth):
        assert same(history.weights_at(epoch * a_pass), known)
    for step in (0, a_pass - 1, a_pass, 4 * a_pass + 2, history.steps - 1):
        agrees(history, min(step, history.steps - 1))
    assert float(history.graph_at(-1).outputs[0].value) == float(history.graph_at(history.steps - 1).outputs[0].value)


def test_steps_between_kept_ones_have_the_bits_they_had() -> None:
    X, y = rows()
    some = trainer().steps(X, y, 200)
    every = trainer().steps(X, y, 200, keep_every=1)
    assert every.kept == list(range(200))
    assert np.array_equal(some.loss, every.loss)
    assert len(some.kept) < 20
    for step in (0, 1, 57, 199, 200):
        assert same(some.weights_at(step), every.weights_at(step))


def test_training_that_goes_on_has_a_history_of_its_own() -> None:
    X, y = rows()
    model = trainer()
    first = model.fit(X, y, 2)
    second = model.fit(X, y, 3)
    third = model.steps(X, y, 11)
    assert same(first.weights_at(first.steps), second.weights_at(0))
    assert same(second.weights_at(second.steps), third.weights_at(0))
    assert same(third.weights_at(11), current(model))
    for history, step in ((first, 7), (second, 8), (third, 10)):
        agrees(history, step)


def test_layers_that_are_frozen_since_or_unfrozen_look_as_they_were() -> None:
    X, y = rows()
    model = trainer()
    model.net[0].freeze()
    history = model.fit(X, y, 3)
    model.net[0].unfreeze()
    model.net[3].freeze()
    graph = history.graph_at(4)
    frozen = {wire.name: wire.frozen for wire in graph.inputs if isinstance(wire, Parameter)}
    assert frozen == {"3.W": False, "3.b": False, "0.W": True, "0.b": True}
    assert list(history.weights_at(3)) == ["3.W", "3.b"]
    agrees(history, 4)


def test_a_frozen_value_that_a_callback_changes_is_what_it_was_at_each_step() -> None:
    X, y = rows()
    model = trainer()
    model.net[0].freeze()

    def shrink(t: Any, history: train.History) -> None:
        model.net[0].W.value = model.net[0].W.value * 0.5

    before = model.net[0].W.value
    history = model.fit(X, y, 4, callbacks=[shrink])
    assert history.steps == 24
    for epoch in range(4):
        graph = history.graph_at(6 * epoch + 3)
        np.testing.assert_array_equal(graph.wire("0.W").value, before * np.float32(0.5**epoch))
        agrees(history, 6 * epoch + 3)


def test_patience_puts_back_weights_that_can_be_asked_for() -> None:
    X, y = rows()
    model = trainer(optim.Adam(0.2))
    history = model.fit(X, y, 60, validation=(X[::-1], 1 - y), patience=2)
    assert history.stopped == "patience"
    assert history.best_epoch is not None
    assert same(history.weights_at(history.best_epoch * 6), current(model))


def test_a_run_that_diverged_can_be_looked_at() -> None:
    X, y = rows()
    net = nn.Sequential(nn.Linear(6, 1, seed=0))
    model = train.Trainer(net, lambda output, y: np.mean((output - y) ** 2), optim.SGD(40.0), batch_size=8)
    with pytest.warns(train.TrainingWarning, match="training stopped"):
        history = model.steps(X, y[:, None], 400)
    assert history.stopped == "diverged"
    place = int(np.argmax(~np.isfinite(history.loss)))
    assert not np.isfinite(history.graph_at(place).outputs[0].value)
    agrees(history, 3)


def test_the_digits_at_any_step() -> None:
    X, y = data.digits()
    model = train.digits_trainer(X, y) if False else train.Trainer(
        nn.Sequential(nn.Linear(64, 32, seed=0), nn.ReLU(), nn.Linear(32, 10, seed=1)),
        distributions.Categorical(), optim.SGD(0.05, momentum=0.9),
    )  # fmt: skip
    history = model.fit(X, y, 4, monitor=False)
    agrees(history, 100)
    table = gg.explain(history.graph_at(100, whole=False))
    assert table["0.W"].gradient.shape == (64, 32)
    update = history.weights_at(101)["2.b"] - history.weights_at(100)["2.b"]
    assert np.abs(update).max() > 0


def test_learning_without_backpropagation_is_replayed_too() -> None:
    X, y = rows()
    net = nn.Sequential(nn.Linear(6, 3, seed=0), nn.Tanh(), nn.Linear(3, 2, seed=0))
    model = train.PerturbationTrainer(net, distributions.Categorical(), train.ParallelWeights())
    history = model.steps(X, y, 40)
    assert same(history.weights_at(40), current(model))
    agrees(history, 33)


def test_rows_that_were_changed_since_are_noticed() -> None:
    X, y = rows()
    X = X.astype(np.float32)
    history = trainer().steps(X, y, 50)
    X[:] = X[::-1].copy()
    with pytest.raises(DataError, match=r"step \d+ had the loss .* changed since"):
        history.graph_at(20)
    with pytest.raises(DataError, match="changed since"):
        history.graph_at(0)


def test_a_history_is_pickled_without_the_rows() -> None:
    X, y = rows()
    history = trainer().fit(np.tile(X, (40, 1)), np.tile(y, 40), 2)
    stored = pickle.dumps(history)
    assert len(stored) < 8000
    for other in (pickle.loads(stored), copy.deepcopy(history)):
        assert np.array_equal(other.loss, history.loss)
        with pytest.raises(UnsupportedError, match="copied or read from disk"):
            other.graph_at(0)
    assert history.graph_at(0) is not None


def test_steps_that_there_are_not_and_runs_without_steps() -> None:
    X, y = rows()
    model = trainer()
    history = model.steps(X, y, 5)
    for step in (5, -6):
        with pytest.raises(DataError, match="there is no step"):
            history.graph_at(step)
    with pytest.raises(DataError, match="from 0 to 5"):
        history.weights_at(6)
    with pytest.raises(OperandError, match="whole number"):
        history.graph_at(1.5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DataError, match="keep_every is a whole number from 1 up"):
        model.steps(X, y, 5, keep_every=0)
    with pytest.raises(UnsupportedError, match="no trainer"):
        train.History().weights_at(0)
    searching = trainer(optim.LBFGS())
    with pytest.raises(UnsupportedError, match="searches along a line"):
        searching.fit(X, y, 2).graph_at(0)
    with pytest.raises(UnsupportedError, match="keep_every"):
        searching.fit(X, y, 2, keep_every=1)


def test_what_is_kept_stays_spread_evenly_and_bounded() -> None:
    kept = Kept()
    for step in range(0, 100_000, 3):
        kept.offer(step, [np.zeros(2)])
        assert len(kept.steps) <= 32
    gaps = np.diff(kept.steps)
    assert len(kept.steps) > 16
    assert gaps.max() <= 1.1 * gaps.min()
    large = Kept()
    for step in range(100):
        large.offer(step, [np.broadcast_to(0.0, (3 << 20,))])
        assert len(large.steps) <= 2
    assert large.steps[0] == 0


def test_a_valued_graph_keeps_names_groups_lines_and_leaves_the_traced_one_alone() -> None:
    def f(w: Any, x: Any) -> Any:
        return np.sum(gg.softmax(w * x)[1:] ** 2)

    w, x = np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0])
    traced = gg.trace(f, w, x, values=False)
    graph = valued(traced, [w, x])
    assert graph.text() == traced.text()
    assert all(wire._value is None for wire in traced.inputs)
    graph.outputs[0].backward()
    np.testing.assert_allclose(graph.inputs[0].grad, gg.grad(f)(w, x), rtol=1e-12)
    with pytest.raises(OperandError, match="2 inputs"):
        valued(traced, [w])
