"""Sparse rows in training: as dense ones in every number, and touching no more than they store."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from glassgrad import distributions, nn, optim, passes, train
from glassgrad.checks import check_gradient
from glassgrad.costs import flops_of
from glassgrad.errors import DataError, ShapeError, UnsupportedError
from glassgrad.native.emit import Code
from glassgrad.native.jit import verify_ir
from glassgrad.native.plan import Plan
from glassgrad.native.steps import Call, Loop, Single
from glassgrad.native.target import named
from glassgrad.native.training import Feed, write_training
from glassgrad.ops.sparse import SparseRows, csr_add, csr_matmul
from glassgrad.train.online import Online
from glassgrad.train.rows import Rows

Array = np.ndarray[Any, Any]
ENGINES = ("native", "numpy")
WIDTH = 30


def awkward(rows: int = 61) -> Any:
    """Rows with repeated columns, stored zeros, columns out of order, one full row, and rows that store nothing."""
    rng = np.random.default_rng(3)
    stored = rng.integers(0, 7, rows)
    stored[[0, 5, rows - 1]] = 0
    stored[7] = WIDTH
    indptr = np.concatenate([[0], np.cumsum(stored)])
    data = rng.normal(size=indptr[-1])
    data[::9] = 0
    matrix = sparse.csr_matrix((data, rng.integers(0, WIDTH, indptr[-1]), indptr), shape=(rows, WIDTH))
    assert not matrix.has_canonical_format
    return matrix


X = awkward()
LABELS = np.random.default_rng(4).integers(0, 3, X.shape[0])
WEIGHTS = np.random.default_rng(5).uniform(0.1, 2, X.shape[0])


def network(outputs: int = 3, dtype: Any = np.float64) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(WIDTH, 9, dtype=dtype), nn.Tanh(), nn.Dropout(0.2), nn.Linear(9, outputs, dtype=dtype)
    )


def trainer(engine: str = "native", optimizer: Any = None, **options: Any) -> train.Trainer:
    settings = {"batch_size": 8, "seed": 2, **options}
    return train.Trainer(network(), distributions.Categorical(), optimizer or optim.SGD(0.1), engine=engine, **settings)


def equal(one: train.Trainer, other: train.Trainer) -> None:
    for p, q in zip(one.net.parameters(), other.net.parameters(), strict=True):
        np.testing.assert_allclose(p.value, q.value, rtol=1e-9, atol=1e-12)


# the linear model


SETTINGS: list[tuple[int, int | None, dict[str, Any]]] = [
    (1, 1, {}), (3, 1, {}), (5, 1, {}), (11, 1, {}), (1, 1, {"l2": 0.01, "average": True}), (5, 1, {"average": True}),
    (3, 1, {"l2": 3.0}), (11, 9, {"l2": 0.01, "average": True}), (1, 9, {}), (5, None, {"l2": 0.01, "average": True}),
]  # fmt: skip


@pytest.mark.parametrize(("outputs", "batch", "settings"), SETTINGS)
def test_online_learns_from_sparse_rows_what_it_learns_from_dense_ones(outputs: int, batch: Any, settings: Any) -> None:
    loss = distributions.Categorical() if outputs > 1 else distributions.Bernoulli()
    y = LABELS % max(outputs, 2)
    models = [
        Online(WIDTH, outputs, loss, 0.1, dtype=np.float64, batch_size=batch, engine=engine, **settings)
        for engine in ("native", "numpy", "native")
    ]
    for _ in range(2):
        noted = [m.epoch(x, y, WEIGHTS) for m, x in zip(models, (X, X, X.toarray()), strict=True)]
        for found in noted[:2]:
            np.testing.assert_allclose(found, noted[2], rtol=1e-10)
    for m in models[:2]:
        np.testing.assert_allclose(m.W, models[2].W, atol=1e-13)
        np.testing.assert_allclose(m.b, models[2].b, atol=1e-13)
        np.testing.assert_allclose(m.scores(X), models[2].scores(X.toarray()), atol=1e-12)
        if settings.get("average"):
            for mine, other in zip(m.averaged, models[2].averaged, strict=True):
                np.testing.assert_allclose(mine, other, atol=1e-12)


@pytest.mark.parametrize("positions", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_of_values_and_indices(positions: Any, dtype: Any) -> None:
    matrix = X.astype(dtype)
    matrix.indices, matrix.indptr = matrix.indices.astype(positions), matrix.indptr.astype(positions)
    models = [Online(WIDTH, 3, distributions.Categorical(), 0.1, dtype=dtype, engine=e) for e in ENGINES]
    native, numpy = [m.epoch(matrix, LABELS) for m in models]
    np.testing.assert_allclose(native, numpy, rtol=1e-4 if dtype == np.float32 else 1e-11)
    assert models[0].W.dtype == dtype
    assert models[0]._graph(models[0].rows(matrix, LABELS), 1).wire("x.indices").dtype == positions


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_store_nothing_at_all(engine: str) -> None:
    empty = sparse.csr_matrix((9, WIDTH), dtype=np.float32)
    for batch in (1, 4, None):
        model = Online(WIDTH, 3, distributions.Categorical(), 0.1, batch_size=batch, engine=engine)
        assert model.epoch(empty, LABELS[:9])[0] == pytest.approx(np.log(3), rel=1e-6)
        assert (model.W == 0).all()
        assert model.b.any()
    one = Online(1, 1, distributions.Bernoulli(), 0.5, engine=engine)
    one.epoch(sparse.csr_matrix([[2.0]]), [1])
    np.testing.assert_allclose([one.W[0, 0], one.b[0]], [0.5, 0.25], rtol=1e-6)


@pytest.mark.parametrize("form", ["csc", "coo", "lil"])
def test_other_formats_become_csr(form: str) -> None:
    models = [Online(WIDTH, 3, distributions.Categorical(), 0.1) for _ in range(2)]
    models[0].epoch(X, LABELS)
    models[1].epoch(X.asformat(form), LABELS)
    np.testing.assert_allclose(models[0].W, models[1].W, rtol=1e-4, atol=1e-6)


def test_truncated_gradients_on_sparse_rows() -> None:
    """Between stretches of K steps, by what K steps add up to: so also with numbers written by hand."""
    model = Online(WIDTH, 1, distributions.Gaussian(), 0.05, l1=0.02, dtype=np.float64, average=True)
    y = np.asarray(X[:, 3].toarray())[:, 0]
    model.epoch(X, y, shuffle=False)
    every = int(4 * WIDTH * len(y) / X.nnz)
    assert 1 < every < len(y)
    dense, W, b, total = X.toarray(), np.zeros(WIDTH), 0.0, np.zeros(WIDTH)
    for i, row in enumerate(dense):
        slope = row @ W + b - y[i]
        W, b = W - 0.05 * slope * row, b - 0.05 * slope
        if (i + 1) % every == 0 or i + 1 == len(y):
            steps = every if (i + 1) % every == 0 else len(y) % every
            W = np.sign(W) * np.maximum(np.abs(W) - 0.05 * 0.02 * steps, 0)
        total = total + W
    np.testing.assert_allclose(model.W[:, 0], W, atol=1e-13)
    np.testing.assert_allclose(model.averaged[0][:, 0], total / len(y), atol=1e-13)
    assert 0 < (model.W == 0).sum() < WIDTH


def test_what_a_step_costs_is_what_its_rows_store() -> None:
    """Counted on the compiled step: nothing in it is as large as the weights, and those are written in place."""
    rows = Rows(X.astype(np.float32), LABELS)
    several: list[dict[str, Any]] = [{}, {"l2": 0.01}, {"l2": 0.01, "average": True}]
    for settings in several:
        model = Online(WIDTH, 3, distributions.Categorical(), 0.1, **settings)
        graph = passes.run(model._graph(rows, 1), passes.NATIVE)
        pairs = [(i + 1, i) for i in range(len(graph.outputs) - 1)]
        plan = Plan(graph, pairs)
        assert not [s for s in plan.steps if isinstance(s, Call)]
        weights = WIDTH * 3
        assert all(np.prod(s.shape) < weights for s in plan.steps if isinstance(s, Loop))
        large = [s.gate.op.name for s in plan.steps if isinstance(s, Single) and np.prod(s.gate.shape) >= weights]
        assert large == ["csr_add"] * (1 + ("average" in settings))
        in_place = {graph.inputs[into].name for out, into in pairs if out in plan.replaced}
        assert {w.name for w in graph.inputs} & {"V", "U"} <= in_place
        stored = rows.room(1)
        assert sum(flops_of(g) for g in graph.gates if g.op.name.startswith("csr")) == 2 * 3 * stored * (1 + len(large))


def test_plain_steps_of_a_network_write_its_first_weights_in_place() -> None:
    t = trainer(batch_size=4)
    graph = passes.run(t.graph(4, X, LABELS), passes.NATIVE)
    pairs = [(i + 1, i) for i in range(len(graph.outputs) - 1)]
    plan = Plan(graph, pairs)
    first = next(i for i, w in enumerate(graph.inputs) if w.name == "0.W")
    assert first + 1 in plan.replaced
    assert all(np.prod(s.shape) < WIDTH * 9 for s in plan.steps if isinstance(s, Loop))


def test_a_perceptron_without_a_mistake_changes_nothing() -> None:
    def criterion(z: Any, y: Any) -> Any:
        return np.mean(np.maximum(0, (1 - 2 * y) * z[:, 0]))

    model = Online(WIDTH, 1, criterion, 1.0)
    model.b = [1.0]
    assert not model.epoch(X, np.ones(X.shape[0], int)).any()
    assert (model.W == 0).all()


# networks


@pytest.mark.parametrize("options", [{}, {"batch_size": 1}, {"batch_size": None}, {"shards": 3}])
@pytest.mark.parametrize("weighted", [False, True])
def test_networks_learn_from_sparse_rows_what_they_learn_from_dense_ones(options: Any, weighted: bool) -> None:
    weight = np.where(np.arange(len(LABELS)) % 7, WEIGHTS, 0) if weighted else None
    trainers = [trainer(engine, **options) for engine in ("native", "numpy", "native")]
    data = X, X, X.toarray()
    found = [t.fit(x, LABELS, 3, sample_weight=weight) for t, x in zip(trainers, data, strict=True)]
    for history in found[:2]:
        np.testing.assert_allclose(history.loss, found[2].loss, rtol=1e-9)
    for t in trainers[:2]:
        equal(t, trainers[2])
        np.testing.assert_allclose(t.outputs(X), trainers[2].outputs(X.toarray()), rtol=1e-9)
        np.testing.assert_array_equal(t.predict(X), trainers[2].predict(X.toarray()))
        assert t.evaluate(X, LABELS) == pytest.approx(trainers[2].evaluate(X.toarray(), LABELS))


@pytest.mark.parametrize(
    "optimizer", [optim.Adam(0.01), optim.SGD(0.1, momentum=0.9), optim.SGD(0.1, weight_decay=0.1)]
)
def test_every_optimiser_takes_sparse_rows(optimizer: Any) -> None:
    one, other = trainer(optimizer=optimizer), trainer(optimizer=optimizer)
    one.steps(X, LABELS, 20)
    other.steps(X.toarray(), LABELS, 20)
    equal(one, other)


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_drawn_with_replacement(engine: str) -> None:
    one, other = trainer(engine, batch_size=61), trainer(engine, batch_size=61)
    one.fit(X, LABELS, 3, sampling="replacement")
    other.fit(X.toarray(), LABELS, 3, sampling="replacement")
    equal(one, other)


def test_lbfgs_held_out_rows_and_patience() -> None:
    def net() -> train.Trainer:
        plain = nn.Sequential(nn.Linear(WIDTH, 3, dtype=np.float64))
        return train.Trainer(plain, distributions.Categorical(), optim.LBFGS(max_iterations=20), batch_size=None)

    one, other = net(), net()
    first = one.fit(X, LABELS, 10, validation=(X[:20], LABELS[:20]))
    second = other.fit(X.toarray(), LABELS, 10, validation=(X[:20].toarray(), LABELS[:20]))
    np.testing.assert_allclose(first.validation_loss, second.validation_loss, rtol=1e-6)
    equal_loss = one.evaluate(X, LABELS)["loss"], other.evaluate(X.toarray(), LABELS)["loss"]
    assert equal_loss[0] == pytest.approx(equal_loss[1], rel=1e-6)
    third = trainer().fit(X, LABELS, 20, validation=(X[:20], LABELS[:20]), patience=1, progress=False)
    assert len(third.validation_loss) == len(third.train_loss)


def test_a_loss_that_is_a_function() -> None:
    def squares(output: Any, y: Any) -> Any:
        return np.mean((output[:, 0] - y) ** 2)

    models = [train.Trainer(network(1), squares, optim.SGD(0.01), seed=1, shards=2) for _ in range(2)]
    for t, x in zip(models, (X, X.toarray()), strict=True):
        t.fit(x, LABELS, 2, validation=(x, LABELS))
    equal(*models)
    assert models[0].evaluate(X, LABELS) == pytest.approx(models[1].evaluate(X.toarray(), LABELS))


def test_many_rows_are_predicted_in_chunks() -> None:
    tall = sparse.vstack([X] * 150, format="csr")
    t = trainer()
    np.testing.assert_allclose(t.outputs(tall)[-61:], t.outputs(X), rtol=1e-9)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    one, many = trainer(threads=1, batch_size=32), trainer(threads=3, batch_size=32)
    np.testing.assert_array_equal(one.fit(X, LABELS, 2).loss, many.fit(X, LABELS, 2).loss)
    for p, q in zip(one.net.parameters(), many.net.parameters(), strict=True):
        np.testing.assert_array_equal(p.value, q.value)


def test_the_graph_of_a_step_can_be_read_and_checked() -> None:
    t = trainer()
    graph = t.graph(4, X, LABELS).verify()
    assert [w.name for w in graph.inputs][-6:] == ["x.data", "x.indices", "x.indptr", "y", "step", "key"]
    matrix = X[:6].tocsr()

    def loss(W: Any, values: Any) -> Any:
        x = SparseRows(values, matrix.indices, matrix.indptr, matrix.shape)
        return np.sum(np.tanh(x @ W) ** 2) + np.sum((x.T @ np.ones((6, 2))) * W)

    rng = np.random.default_rng(0)
    assert check_gradient(loss, rng.normal(size=(WIDTH, 2)), matrix.data)


def test_other_layers_say_that_they_need_dense_rows() -> None:
    for first in (nn.ReLU(), nn.RadialBasis(WIDTH, 4), nn.Dropout(0.5)):
        last = nn.Linear(4 if isinstance(first, nn.RadialBasis) else WIDTH, 3)
        t = train.Trainer(nn.Sequential(first, last), distributions.Categorical(), optim.SGD(0.1))
        with pytest.raises(UnsupportedError, match=r"sparse.*toarray\(\)"):
            t.fit(X, LABELS, 1)
    with pytest.raises(ShapeError, match="takes rows of 30"):
        trainer().fit(X[:, :5], LABELS, 1)


def test_broken_matrices_are_refused_and_nothing_has_changed() -> None:
    model = Online(WIDTH, 3, distributions.Categorical(), 0.1)
    for place in (-1, WIDTH, 2**31 - 1):
        broken = X.copy()
        broken.indices[4] = place
        with pytest.raises(DataError, match="broken sparse matrix"):
            model.epoch(broken, LABELS)
    holed = X.copy()
    holed.data[3] = np.nan
    with pytest.raises(DataError, match="X has nan at row"):
        model.epoch(holed, LABELS)
    assert (model.W == 0).all()


@pytest.mark.parametrize("place", [-1, WIDTH, 2**31 - 1])
def test_an_index_that_turns_bad_later_touches_no_stray_memory(place: int) -> None:
    """Rows that are checked once, and spoilt after: machine code leaves the step out, and SciPy says what is wrong."""
    model = Online(WIDTH, 3, distributions.Categorical(), 0.1)
    rows = model.rows(X.copy(), LABELS)
    model.epoch(rows)
    before = model.W.copy()
    rows.X.indices[20] = place
    with pytest.raises(ValueError, match="indices"):
        model.epoch(rows, shuffle=False)
    rows.X.indices[20] = 0
    rows.X.indptr[9] = 10**6
    for engine in (model, Online(WIDTH, 3, distributions.Categorical(), 0.1, engine="numpy")):
        with pytest.raises(DataError, match="indptr has been changed"):
            engine.epoch(rows, shuffle=False)
    assert np.isfinite(before).all()


# gates


def test_an_update_in_place_equals_one_that_is_not() -> None:
    rng = np.random.default_rng(1)
    matrix = X[:9].tocsr()
    W, g = rng.normal(size=(WIDTH, 4)), rng.normal(size=(9, 4))
    arrays = matrix.data, matrix.indices, matrix.indptr
    np.testing.assert_allclose(csr_add(W, *arrays, g, shape=matrix.shape), W + matrix.toarray().T @ g)
    np.testing.assert_allclose(
        csr_matmul(*arrays, W, shape=matrix.shape, transposed=False), matrix.toarray() @ W, atol=1e-14
    )


@pytest.mark.parametrize("name", ["aarch64-neon", "x86-64-avx512", "x86-64-avx2", "x86-64-sse2"])
@pytest.mark.parametrize("threads", [1, 4])
def test_the_ir_of_a_sparse_step_verifies_for_every_target(name: str, threads: int) -> None:
    model = Online(WIDTH, 5, distributions.Categorical(), 0.1, l2=0.1, average=True)
    graph = passes.run(model._graph(model.rows(X, LABELS), 2), passes.NATIVE)
    carried = len(graph.outputs) - 1
    pairs = tuple((i + 1, i) for i in range(carried))
    plan, code = Plan(graph, pairs), Code()
    base = len(plan.buffers) + 2
    feed = Feed(tuple((carried + k, base + k) for k in range(4)), carried + 4, 0, pairs, sparse=True)
    write_training(code, "train", plan, named(name), feed, 2, False, threads)
    verify_ir(str(code), named(name))
