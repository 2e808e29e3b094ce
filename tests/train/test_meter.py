"""What a run cost: operations counted on its graphs, and the share of what the machine can do."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from glassgrad import distributions, nn, optim, train
from glassgrad.costs import work_of
from glassgrad.native import jit
from glassgrad.native import peak as peaks
from glassgrad.train.step_graphs import forward_graph

RNG = np.random.default_rng(1)
X = RNG.normal(size=(100, 32)).astype(np.float32)
Y = RNG.normal(size=(100, 8)).astype(np.float32)


def trainer(optimizer: Any = None, **settings: Any) -> train.Trainer:
    net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 8))
    return train.Trainer(net, distributions.Gaussian(), optimizer or optim.SGD(0.01), **({"batch_size": 16} | settings))


def products(rows: int) -> int:
    """Operations of the forward products, by hand."""
    return 2 * rows * (32 * 64 + 64 * 8)


def test_operations_are_those_of_the_graph_that_is_shown() -> None:
    t = trainer()
    cost = t.steps(X, Y, n=10).cost
    assert cost is not None
    assert cost.step == work_of(t.graph()).flops
    network = work_of(forward_graph(t.net, t.net.named_parameters(), t.graph().wire("x").spec)).flops
    assert products(16) < network < cost.forward < 1.1 * products(16)
    assert cost.total == 10 * cost.step
    assert 2.2 < cost.ratio < 2.4  # both products a layer backward, but none for the gradient of x
    assert cost.ratio == cost.step / cost.forward


def test_short_batches_count_what_they_are() -> None:
    t = trainer()
    cost = t.fit(X, Y, 3).cost
    assert cost is not None
    short = work_of(t.graph(4)).flops
    assert 0 < short < cost.step == work_of(t.graph(16)).flops
    assert cost.total == 18 * cost.step + 3 * short


def test_speed_is_of_the_steps_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    history = trainer().steps(X, Y, n=10)
    cost = history.cost
    assert cost is not None
    assert (cost.seconds, cost.dtype, cost.threads) == (history.step_seconds, "float32", 1)
    assert cost.flops_per_second == pytest.approx(cost.total / history.step_seconds)
    asked = []
    monkeypatch.setattr(peaks, "peak", lambda *a: asked.append(a) or 4 * cost.flops_per_second)
    assert cost.share_of_peak == pytest.approx(0.25)
    assert f"{cost.step:,} operations a step ({cost.ratio:.1f} × forward), " in str(cost)
    assert str(history).splitlines()[1] == str(cost)
    assert str(cost).endswith("GFLOP/s, 25.0% of peak")
    assert set(asked) == {("float32", 1)}


def test_nothing_is_measured_while_training_and_nothing_compiled_for_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: Any) -> float:
        raise AssertionError("the peak was measured")

    monkeypatch.setattr(peaks, "peak", never)
    shown = []
    for engine in train.ENGINES:
        history = trainer(engine=engine).fit(X, Y, 2, callbacks=[lambda trainer, history: shown.append(str(history))])
    assert len(shown) == 4
    assert not any("operations" in text for text in shown)
    history = trainer(engine="numpy").steps(X, Y, n=3)
    assert "operations a step" in str(history)
    assert "peak" not in str(history)


@pytest.mark.parametrize("engine", train.ENGINES)
def test_lbfgs_counts_every_evaluation(engine: str) -> None:
    t = trainer(optim.LBFGS(max_iterations=5), engine=engine)
    history = t.fit(X, Y, 5)
    cost = history.cost
    assert cost is not None
    assert cost.step == work_of(t.graph()).flops
    assert cost.total % cost.step == 0
    assert cost.total // cost.step > history.steps == 5


@pytest.mark.parametrize("copied", [lambda h: pickle.loads(pickle.dumps(h)), copy.deepcopy])
def test_a_history_can_be_copied_with_its_cost(copied: Any) -> None:
    history = trainer(engine="numpy").fit(X, Y, 2)
    again = copied(history)
    assert again.cost == history.cost
    assert np.array_equal(again.loss, history.loss)
    assert train.History().cost is None


def test_more_threads_reach_more_or_are_at_least_measured() -> None:
    one, two = peaks.peak("float64", 1), peaks.peak("float64", 2)
    assert min(one, two) > 1e8
    assert peaks.peak("float64", 1) == one  # once in a process
    assert peaks.peak("float32", 1) > one


@pytest.mark.parametrize("optimizer", [None, optim.LBFGS(max_iterations=3)])
def test_compiling_is_over_before_the_steps_begin(optimizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, during = [], []
    compile_ir = jit.compile_ir
    monkeypatch.setattr(jit, "compile_ir", lambda *a, **o: [compiled.append(1), compile_ir(*a, **o)][1])

    class Watch(train.Callback):
        def on_start(self, trainer: Any, history: Any, steps: int) -> None:
            during.append(len(compiled))

    history = trainer(optimizer).fit(X, Y, 3, validation=(X, Y), callbacks=[Watch()])
    assert during == [len(compiled)]
    assert len(compiled) == (2 if optimizer else 3)  # full and short batches, or the gradient; held-out rows
    assert history.seconds >= history.compile_seconds + history.step_seconds
