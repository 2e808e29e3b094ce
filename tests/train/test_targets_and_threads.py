"""The compiled loop on other CPUs than this one, and on any number of threads."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from glassgrad import distributions, nn, optim, passes, train
from glassgrad.native.crew import Pace
from glassgrad.native.emit import Code
from glassgrad.native.jit import verify_ir
from glassgrad.native.plan import Plan
from glassgrad.native.target import host, lacking, named
from glassgrad.native.training import Feed, write_training
from glassgrad.train import native_engine

RNG = np.random.default_rng(5)
X, VALUES, LABELS = (
    RNG.normal(size=(120, 30)).astype(np.float32), RNG.normal(size=(120, 3)).astype(np.float32), RNG.integers(0, 4, 120)
)  # fmt: skip


def trainer(engine: str = "native", wide: int = 40, labels: bool = True, **options: Any) -> train.Trainer:
    net = nn.Sequential(
        nn.Linear(30, wide),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(wide, 50),
        nn.Tanh(),
        nn.Linear(50, 4 if labels else 3),
    )
    loss = distributions.Categorical() if labels else distributions.Gaussian()
    return train.Trainer(net, loss, optim.Adam(0.01), engine=engine, **{"batch_size": 32, **options})


@pytest.mark.skipif(host().architecture != "x86_64", reason="code for another architecture")
@pytest.mark.parametrize("name", ["x86-64-avx2", "x86-64-sse2"])
def test_training_for_a_cpu_without_wider_vectors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = {flag[1:]: flag[0] == "+" for flag in host().features.split(",")}
    if lacking(named(name), here):
        pytest.skip(f"this CPU is no {name}")
    narrow = host(name)
    monkeypatch.setattr(native_engine, "host", lambda: narrow)
    for labels in (True, False):
        y = LABELS if labels else VALUES
        found = trainer(labels=labels).steps(X, y, 40)
        want = trainer("numpy", labels=labels).steps(X, y, 40)
        np.testing.assert_allclose(found.loss, want.loss, rtol=2e-4)


@pytest.mark.parametrize("name", ["aarch64-neon", "x86-64-avx512", "x86-64-avx2"])
@pytest.mark.parametrize("threads", [1, 4])
def test_the_ir_of_training_verifies_for_every_target(name: str, threads: int) -> None:
    for labels in (True, False):
        graph = passes.run(trainer(labels=labels).graph(32, X, LABELS if labels else VALUES), passes.NATIVE)
        carried = len(graph.outputs) - 1
        pairs = tuple((i + 1, i) for i in range(carried))
        plan, code = Plan(graph, pairs), Code()
        base = len(plan.buffers) + 2
        feed = Feed(((carried, base), (carried + 1, base + 1)), carried + 2, 0, pairs)
        write_training(code, "train", plan, named(name), feed, 32, True, threads)
        verify_ir(str(code), named(name))


def test_changing_the_number_of_threads_on_the_way_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_engine, "_WORTH", 0)
    monkeypatch.setattr(native_engine, "cores", lambda: 3)
    drawn, sizes = random.Random(0), set()

    def anything(self: Pace, count: int) -> tuple[int, int]:
        size = drawn.choice([1, 2, 3])
        sizes.add(size)
        return size, min(count, drawn.randint(1, 5))

    monkeypatch.setattr(Pace, "next", anything)
    wild = trainer(wide=300, batch_size=96)
    losses = wild.steps(X, LABELS, 30).loss
    monkeypatch.undo()
    alone = trainer(wide=300, batch_size=96, threads=1)
    np.testing.assert_array_equal(alone.steps(X, LABELS, 30).loss, losses)
    for a, b in zip(alone.net.parameters(), wild.net.parameters(), strict=True):
        np.testing.assert_array_equal(a.value, b.value)
    assert sizes == {1, 2, 3}
