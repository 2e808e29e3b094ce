"""The penalty in a step's graph, settings that change without a new program, epochs taken together, workshops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import distributions, nn, optim, train
from glassgrad.ops import philox, random
from glassgrad.parameters import Parameter
from glassgrad.train import L2, Callback, Trainer
from glassgrad.train.workshop import _MOST, Workshop, Workshops

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 6)).astype(np.float32)
Y = rng.integers(0, 3, 50)


def made(optimizer: Any = None, engine: str = "native", batch: int | None = 16, **settings: Any) -> Trainer:
    net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    chosen = optim.SGD(0.5) if optimizer is None else optimizer
    return Trainer(net, distributions.Categorical(), chosen, batch_size=batch, engine=engine, seed=1, **settings)


def weights(trainer: Trainer) -> list[np.ndarray]:
    return [p.value for p in trainer.net.parameters()]


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_with_a_penalty_is_a_step_with_decay_by_the_rows(weighted: bool, shards: int) -> None:
    weight = rng.uniform(0.5, 2, 50).astype(np.float32) if weighted else None
    total = float(weight.sum()) if weighted else 50
    strength = Parameter(np.float32(4.0), "strength", frozen=True)
    ours = made(batch=None, penalty=L2(strength), shards=shards)
    groups = {"*W": {"weight_decay": 4.0 / total}}
    decayed = made(optim.SGD(0.5, groups=groups), batch=None, shards=shards)
    squares = sum(float((w**2).sum()) for w in weights(ours) if w.ndim == 2)
    losses = [t.step(X, Y, weight) for t in (ours, decayed)]
    assert losses[0] - losses[1] == pytest.approx(2.0 * squares / total, rel=1e-4)
    for a, b in zip(weights(ours), weights(decayed), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert ours.evaluate(X, Y)["loss"] == pytest.approx(decayed.evaluate(X, Y)["loss"], rel=1e-5)


def test_a_short_batch_counts_the_penalty_by_its_own_rows() -> None:
    native, plain = made(penalty=L2(1.0)), made(penalty=L2(1.0), engine="numpy")
    np.testing.assert_allclose(
        native.fit(X, Y, 3, monitor=False).loss, plain.fit(X, Y, 3, monitor=False).loss, rtol=1e-4
    )


def test_lbfgs_takes_a_penalty() -> None:
    trainer = made(optim.LBFGS(200), batch=None, penalty=L2(5.0))
    history = trainer.fit(X, Y, 200)
    squares = sum(float((w**2).sum()) for w in weights(trainer) if w.ndim == 2)
    assert history.train_loss[-1] == pytest.approx(trainer.evaluate(X, Y)["loss"] + 2.5 * squares / 50, rel=1e-3)


def test_a_rate_that_is_a_parameter_changes_without_a_new_program() -> None:
    rate = Parameter(np.float32(0.5), "rate", frozen=True)
    trainer, fixed = made(optim.SGD(rate)), made()
    trainer.fit(X, Y, 2)
    fixed.fit(X, Y, 2)
    for a, b in zip(weights(trainer), weights(fixed), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    programs, before = len(trainer.engine._loops), weights(trainer)  # type: ignore[attr-defined]
    rate.value = 0.0
    trainer.fit(X, Y, 2)
    assert all(np.array_equal(a, b) for a, b in zip(weights(trainer), before, strict=True))
    assert len(trainer.engine._loops) == programs  # type: ignore[attr-defined]
    assert [wire.name for wire in trainer.graph().inputs][-1] == "rate"


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_rows_in_their_order(engine: str) -> None:
    ordered, by_hand = made(engine=engine), made(engine=engine)
    ordered.fit(X, Y, 2, sampling="order")
    for _ in range(2):
        for start in range(0, 50, 16):
            by_hand.step(X[start : start + 16], Y[start : start + 16])
    for a, b in zip(weights(ordered), weights(by_hand), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


class Waits(Callback):
    """Looks at every fourth epoch only."""

    def __init__(self, ahead: int) -> None:
        self.ahead, self.steps, self.losses = ahead, [], []

    def epochs_ahead(self, history: Any) -> int:
        return self.ahead

    def on_epoch(self, trainer: Any, history: Any) -> None:
        self.steps.append(trainer.step_count)
        self.losses.append(history.train_loss[-1])


@pytest.mark.parametrize("rows", [48, 50])
def test_epochs_taken_together_are_the_same_epochs(rows: int) -> None:
    each, together, free = Waits(1), Waits(4), made()
    a, b = made(), made()
    one = a.fit(X[:rows], Y[:rows], 10, callbacks=[each])
    two = b.fit(X[:rows], Y[:rows], 10, callbacks=[together], monitor=False)
    three = free.fit(X[:rows], Y[:rows], 10, monitor=False)
    assert one.train_loss == two.train_loss == three.train_loss == each.losses == together.losses
    per = -(-rows // 16)
    assert each.steps == [per * i for i in range(1, 11)]
    assert together.steps == [per * i for i in (4, 4, 4, 4, 8, 8, 8, 8, 10, 10)]
    assert one.update_ratio
    assert not two.update_ratio
    assert a.epoch_count == b.epoch_count == free.epoch_count == 10
    for x, y, z in zip(weights(a), weights(b), weights(free), strict=True):
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(x, z)


def test_permutations_drawn_together_are_those_drawn_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = random.split(random.key(3), 4)
    for n in (1, 2, 7, 1000, 5000):
        found = random.permutations(keys, n)
        np.testing.assert_array_equal(found, [random.permutation(key, n) for key in keys])
    words = philox.long_words_of_each(keys, 1000)
    words[1] = words[1, 0] ^ (words[1] & np.uint64(0xFF))  # upper halves that are equal
    monkeypatch.setattr(random, "long_words_of_each", lambda keys, n: words)
    np.testing.assert_array_equal(random.permutations(keys, 1000), np.argsort(words, axis=1, kind="stable"))


def test_a_workshop_serves_one_learner_after_the_other() -> None:
    waiting = Workshops()
    first = waiting.take("kind", "native")
    one, other = (
        made(optim.SGD(Parameter(np.float32(0.1), "r", frozen=True))),
        made(optim.SGD(Parameter(np.float32(0.5), "r", frozen=True))),
    )
    one.use(first)
    one.fit(X, Y, 2)
    waiting.put("kind", first)
    assert waiting.take("kind", "numpy") is not first
    assert waiting.take("kind", "native") is first
    graphs, loops = dict(first.graphs), len(first.engine._loops)  # type: ignore[attr-defined]
    other.use(first)
    other.fit(X, Y, 2)
    assert first.graphs == graphs
    assert len(first.engine._loops) == loops
    fresh = made()
    fresh.fit(X, Y, 2)
    for a, b in zip(weights(other), weights(fresh), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_workshops_that_wait_are_few() -> None:
    waiting = Workshops()
    for i in range(_MOST + 5):
        waiting.put(i, Workshop(train.NumpyEngine()))
    assert sum(map(len, waiting._idle.values())) == _MOST
    assert (0, "numpy") not in waiting._idle
    waiting.put(None, Workshop(train.NumpyEngine()))
    assert sum(map(len, waiting._idle.values())) == _MOST


def test_outputs_are_those_of_the_rows_whatever_their_number() -> None:
    many = rng.normal(size=(700, 6)).astype(np.float32)
    trainer = made()
    whole = trainer.outputs(many)
    for n in (1, 2, 5, 8, 9, 33, 64, 300, 512, 513):
        np.testing.assert_allclose(trainer.outputs(many[:n]), whole[:n], rtol=1e-5, atol=1e-6)


class Centred(nn.Layer):
    """A layer of one's own whose rows depend on each other."""

    def __init__(self) -> None:
        self.inner = nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.inner(x - np.mean(x, axis=0))


def test_rows_that_depend_on_each_other_stay_together() -> None:
    trainer = Trainer(Centred(), distributions.Categorical(), optim.SGD(0.1))
    W, b = weights(trainer)
    np.testing.assert_allclose(trainer.outputs(X[:9]), (X[:9] - X[:9].mean(axis=0)) @ W + b, rtol=1e-4, atol=1e-6)
