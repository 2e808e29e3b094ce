"""A batch in shards: the same loss and gradients to rounding, and the same bits whoever computes them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from glassgrad import distributions, nn, optim, train
from glassgrad.errors import DataError, OperandError
from glassgrad.op import Spec
from glassgrad.ops import random
from glassgrad.train.shards import shard_bounds, shard_key, shard_shares, tree_sum
from glassgrad.train.step_graphs import gradient_graph

RNG = np.random.default_rng(11)
X = RNG.normal(size=(90, 6)).astype(np.float32)
LABELS = RNG.integers(0, 4, 90)
VALUES = RNG.normal(size=(90, 2)).astype(np.float32)
WEIGHT = RNG.random(90).astype(np.float32) + 0.1
OPTIMISERS: dict[str, Any] = {
    "sgd": lambda: optim.SGD(0.1), "momentum": lambda: optim.SGD(0.05, momentum=0.9), "adam": lambda: optim.Adam(0.01),
    "adamw": lambda: optim.AdamW(0.01), "rmsprop": lambda: optim.RMSProp(0.01), "adagrad": lambda: optim.AdaGrad(0.05),
    "clipped": lambda: optim.SGD(0.1, clip_norm=0.5), "lbfgs": lambda: optim.LBFGS(max_iterations=6),
}  # fmt: skip


def mean_squares(output: Any, y: Any) -> Any:
    return np.mean(np.square(output - y))


def trainer(shards: int = 1, loss: Any = None, optimizer: Any = None, rate: float = 0.0, **settings: Any) -> Any:
    made = loss or distributions.Categorical()
    outputs = 4 if isinstance(made, distributions.Categorical) else 2
    net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Dropout(rate), nn.Linear(8, outputs))
    return train.Trainer(net, made, optimizer or optim.SGD(0.1), **({"batch_size": 30, "shards": shards} | settings))


def weights(t: Any) -> Any:
    return np.concatenate([p.value.ravel() for p in t.net.parameters()])


def test_where_a_batch_is_cut() -> None:
    for rows in range(1, 40):
        for shards in range(1, 12):
            bounds = shard_bounds(rows, shards)
            assert [b[0] for b in bounds] == [0, *[b[1] for b in bounds[:-1]]]
            assert bounds[-1][1] == rows
            sizes = [stop - start for start, stop in bounds]
            assert len(sizes) == min(rows, shards)
            assert max(sizes) - min(sizes) <= 1 <= min(sizes)
            assert sum(shard_shares(bounds)) == pytest.approx(1)


@pytest.mark.parametrize("engine", train.ENGINES)
def test_one_shard_is_the_step_without_shards(engine: str) -> None:
    one, none = trainer(1, engine=engine, rate=0.3), trainer(engine=engine, rate=0.3)
    np.testing.assert_array_equal(one.fit(X, LABELS, 2).loss, none.fit(X, LABELS, 2).loss)
    np.testing.assert_array_equal(weights(one), weights(none))
    assert [g.op.name for g in one.graph().gates] == [g.op.name for g in none.graph().gates]
    assert "sum of shards" not in one.graph().text(fold=True)


@pytest.mark.parametrize("engine", train.ENGINES)
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("loss", ["categorical", "gaussian"])
@pytest.mark.parametrize("shards", [2, 3, 4, 7, 100])
def test_shards_find_the_loss_and_gradient_of_the_whole(shards: int, loss: str, weight: Any, engine: str) -> None:
    y = LABELS if loss == "categorical" else VALUES
    found = []
    for count in (1, shards):
        t = trainer(count, distributions.named(loss), engine=engine)
        found.append((t.fit(X, y, 2, sample_weight=weight).loss, weights(t)))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=2e-6)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimiser", sorted(OPTIMISERS))
def test_every_optimiser_on_both_engines(optimiser: str) -> None:
    found = []
    for engine, shards in (("numpy", 1), ("numpy", 4), ("native", 4)):
        t = trainer(shards, mean_squares, OPTIMISERS[optimiser](), engine=engine)
        found.append((t.fit(X, VALUES, 3).loss, weights(t)))
    for loss, final in found[1:]:
        np.testing.assert_allclose(loss, found[0][0], rtol=1e-4)
        np.testing.assert_allclose(final, found[0][1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", [32, 30])
def test_any_number_of_threads_gives_the_same_bits(size: int) -> None:
    wide = np.random.default_rng(2).normal(size=(128, 160)).astype(np.float32)
    found = []
    for threads in (1, 2, 3, 8):
        net = nn.Sequential(nn.Linear(160, 130), nn.ReLU(), nn.Dropout(0.1), nn.Linear(130, 2))
        t = train.Trainer(net, distributions.Gaussian(), optim.Adam(0.01), size, threads=threads, shards=4)
        found.append([t.steps(wide, wide[:, :2], n=6).loss, *[p.value for p in net.parameters()]])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("rows", [30, 32])
def test_workers_that_share_the_shards_find_the_same_bits(rows: int, workers: int, weight: Any) -> None:
    t = trainer(4, optimizer=optim.LBFGS(), rate=0.25, engine="numpy")  # its graph gives gradients
    data = t.rows(X[:rows], LABELS[:rows], None if weight is None else weight[:rows])
    params, key = t.memory().arrays, train.engine.layer_key(t.key, 0)
    expected = t.engine.run(t.step_graph(data, rows), [*params, *data.take(None), 0, key])

    bounds = shard_bounds(rows, 4)
    shares = shard_shares(bounds, data.weight)

    def found_by(worker: int) -> list[Any]:
        """Each worker's own part of the tree, computed from its rows alone."""
        mine = range(4 * worker // workers, 4 * (worker + 1) // workers)
        parts = []
        for i in mine:
            part = data.take(np.arange(*bounds[i]))
            specs = [Spec(column.shape, column.dtype) for column in part[:2]]
            graph = gradient_graph(t.net, t.loss, t.trainable, [], *specs, weight is not None)
            out = t.engine.run(graph, [*params, *part, 0, shard_key(key, i, 4)])
            parts.append([shares[i] * x for x in out])
        return [tree_sum(column) for column in zip(*parts, strict=True)]

    whole = [tree_sum(column) for column in zip(*[found_by(w) for w in range(workers)], strict=True)]
    for a, b in zip(whole, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_shards_draw_each_from_a_key_of_their_own() -> None:
    same = np.repeat(X[:1], 4, axis=0)
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 1))
    seen = []

    def loss(output: Any, y: Any) -> Any:
        return np.mean(output * y)

    for i in range(4):  # the weight's gradient is the mean of y · x with holes: y picks one row
        t = train.Trainer(net, loss, optim.LBFGS(), None, shards=4, engine="numpy")
        graph = t.step_graph(t.rows(same, np.eye(4, dtype=np.float32)[:, i : i + 1]), 4)
        values = [*t.memory().arrays, same, np.eye(4, dtype=np.float32)[:, i : i + 1], 0, random.key(5)]
        gradient = graph.run(*values)[1]
        seen.append(tuple(np.ravel(gradient) != 0))
        kept = random.bernoulli(random.fold_in(random.fold_in(random.key(5), i), 0), 0.5, (1, 6))
        assert seen[-1] == tuple(kept[0])
    assert len(set(seen)) > 1


@pytest.mark.parametrize("engine", train.ENGINES)
def test_dropout_in_shards_is_the_same_on_both_engines(engine: str) -> None:
    runs = [trainer(4, rate=0.4, engine=name) for name in ("numpy", engine)]
    losses = [t.steps(X, LABELS, n=12).loss for t in runs]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


def test_a_loss_that_is_no_mean_over_rows_is_refused() -> None:
    def total(output: Any, y: Any) -> Any:
        return np.sum((output - y) ** 2)

    def weighted(output: Any, y: Any, weight: Any) -> Any:
        return np.mean(weight * np.mean((output - y) ** 2, axis=1))

    def right(output: Any, y: Any, weight: Any) -> Any:
        return np.sum(weight * np.mean((output - y) ** 2, axis=1)) / np.sum(weight)

    t = trainer(4, total)
    before = weights(t)
    for use in (lambda: t.fit(X, VALUES, 1), lambda: t.steps(X, VALUES, n=1), lambda: t.step(X, VALUES)):
        with pytest.raises(OperandError, match=r"shards=4 needs a loss that is the mean over rows, and total is not"):
            use()
    np.testing.assert_array_equal(weights(t), before)
    with pytest.raises(OperandError, match=re.escape("Σ weight · loss of a row / Σ weight, and weighted is not")):
        trainer(4, weighted).fit(X, VALUES, 1, sample_weight=WEIGHT)
    trainer(4, right).fit(X, VALUES, 1, sample_weight=WEIGHT)
    trainer(1, total).fit(X, VALUES, 1)
    with pytest.raises(DataError, match="shards is a whole number from 1 up"):
        trainer(0)


def test_the_graph_shows_each_shard_and_their_sum() -> None:
    t = trainer(3)
    graph = t.graph(30, X, LABELS).verify()
    folded = graph.text(fold=True)
    for name in ("shard 0(", "shard 1(", "shard 2(", "sum of shards("):
        assert name in folded
    assert graph.outputs[0].name == "loss"
    assert "x, start" not in folded
    assert [w.name for w in graph.inputs][4:] == ["x", "y", "step", "key"]
