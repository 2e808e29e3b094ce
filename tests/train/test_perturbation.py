"""Learning without backpropagation: estimates have the gradient as mean and the noise of theory; costs are counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import distributions, nn, optim, train
from glassgrad.costs import work_of

ESTIMATES = [train.ParallelWeights(1e-4), train.Activations(1e-4)]
METHODS = [
    (train.HillClimbing(0.1), None),
    (train.SingleWeight(0.7), None),
    (train.ParallelWeights(), optim.SGD(0.3)),
    (train.Activations(), optim.SGD(0.5)),
]
NAMES = [type(method).__name__ for method, _ in METHODS]


def network(*widths: int, dtype=np.float64, seed: int = 3, unit=nn.Tanh) -> nn.Sequential:
    layers: list[nn.Layer] = []
    for n_in, n_out in itertools.pairwise(widths):
        layers += [nn.Linear(n_in, n_out, dtype=dtype), unit()]
    return nn.Sequential(*layers[:-1]).initialise(seed)  # type: ignore[return-value]


def gradient(trainer, X, y, weight=None) -> dict[str, np.ndarray]:
    """By backpropagation."""
    graph = train.gradient_graph(
        trainer.net, trainer.loss, trainer.trainable, trainer.frozen,
        *[gg.op.Spec(a.shape, a.dtype) for a in (X, y)], weight is not None,
    )  # fmt: skip
    columns = [X, y] if weight is None else [X, y, weight]
    values = [p.value for _, p in trainer.trainable], [p.value for _, p in trainer.frozen]
    out = graph.run(*values[0], *columns, 0, trainer.key, *values[1])
    return {name: g for (name, _), g in zip(trainer.trainable, out[1:], strict=True)}


def agrees(estimates, exact) -> None:
    """The mean of the estimates is the gradient, to five standard errors of each number."""
    for name, g in exact.items():
        found = estimates[name]
        error = found.std(axis=0) / np.sqrt(len(found))
        assert np.all(np.abs(found.mean(axis=0) - g) <= 5 * error + 1e-4 * np.abs(g).max() + 1e-7), name
        assert np.all(error > 0) or name.endswith("b"), name


def squared(output, y):
    return np.mean((output - y) ** 2)


def squared_weighted(output, y, weight):
    return np.sum(weight[:, None] * (output - y) ** 2) / np.sum(weight)


@pytest.mark.parametrize("method", ESTIMATES, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("loss", [distributions.Categorical(), squared], ids=["categorical", "function"])
def test_the_mean_of_the_estimates_is_the_gradient(method, loss, rng):
    X, y = rng.normal(size=(6, 3)), rng.integers(0, 2, 6)
    if loss is squared:
        y = rng.normal(size=(6, 2))
    trainer = train.PerturbationTrainer(network(3, 4, 2), loss, method)
    agrees(trainer.estimates(X, y, 4000), gradient(trainer, X, y))


@pytest.mark.parametrize("method", ESTIMATES, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("loss", [distributions.Gaussian(), squared_weighted], ids=["gaussian", "function"])
def test_weights_of_rows_count(method, loss, rng):
    X, y, weight = rng.normal(size=(4, 2)), rng.normal(size=(4, 1)), np.array([1.0, 3.0, 0.5, 2.0])
    trainer = train.PerturbationTrainer(network(2, 3, 1), loss, method)
    found = trainer.estimates(X, y, 3000, sample_weight=weight)
    agrees(found, gradient(trainer, X, y, weight))


class Residual(nn.Layer):
    """A layer used twice, a path around it, and weights of its own beside."""

    def __init__(self) -> None:
        self.inner = nn.Linear(3, 3, dtype=np.float64)
        self.out = nn.Linear(3, 1, dtype=np.float64)
        self.scale = nn.weight((3,), nn.Constant(0.7), dtype=np.float64)

    def forward(self, x):
        h = np.tanh(self.inner(x))
        h = h + np.tanh(self.inner(h)) * self.scale
        return self.out(h)


@pytest.mark.parametrize("method", ESTIMATES, ids=lambda m: type(m).__name__)
def test_any_network(method, rng):
    net = Residual().initialise(1)
    X, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 1))
    trainer = train.PerturbationTrainer(net, distributions.Gaussian(), method)
    agrees(trainer.estimates(X, y, 4000), gradient(trainer, X, y))
    assert trainer.perturbed(X, y) == (3 + 3 + 3 + 1 if isinstance(method, train.Activations) else net.count())


@pytest.mark.parametrize("method", ESTIMATES, ids=lambda m: type(m).__name__)
def test_layers_that_draw_keep_their_draws_in_the_perturbed_pass(method, rng):
    """Otherwise the losses would differ by what Dropout does, a thousand times as much as by the perturbation."""
    net = nn.Sequential(nn.Linear(3, 8, dtype=np.float64), nn.Dropout(0.5), nn.Linear(8, 1, dtype=np.float64))
    net.initialise(0)
    X, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 1))
    trainer = train.PerturbationTrainer(net, distributions.Gaussian(), method)
    largest = max(float(np.abs(g).max()) for g in trainer.estimates(X, y, 50).values())
    assert largest < 100


def test_the_noise_of_both_estimates_in_a_linear_layer_is_what_theory_says(rng):
    """Signs: the variances add up to (n − 1)‖g‖², n the numbers that are perturbed; row by row for activations."""
    n_in, n_out, rows, draws = 12, 5, 3, 4000
    X, y = rng.normal(size=(rows, n_in)), rng.normal(size=(rows, n_out))
    net = nn.Linear(n_in, n_out, dtype=np.float64, seed=0)
    error = (X @ net.W.value + net.b.value - y) / rows  # δ of the mean of ½‖·‖²
    noise = {}
    for method in ESTIMATES:
        trainer = train.PerturbationTrainer(net, distributions.Gaussian(), method)
        exact, found = gradient(trainer, X, y), trainer.estimates(X, y, draws)
        np.testing.assert_allclose(exact["W"], X.T @ error, rtol=1e-12)
        noise[type(method)] = sum(float(np.sum((found[k] - exact[k]) ** 2)) / draws for k in exact)
    square = np.sum((X.T @ error) ** 2) + np.sum(error.sum(axis=0) ** 2)
    n = n_in * n_out + n_out
    by_row = np.sum((1 + np.sum(X**2, axis=1)) * np.sum(error**2, axis=1)) * (n_out - 1)
    assert noise[train.ParallelWeights] == pytest.approx((n - 1) * square, rel=0.1)
    assert noise[train.Activations] == pytest.approx(by_row, rel=0.1)


def test_for_one_row_the_ratio_of_the_noises_is_weights_to_activations(rng):
    n_in, n_out, draws = 20, 4, 3000
    X, y = rng.normal(size=(1, n_in)), rng.normal(size=(1, n_out))
    net = nn.Linear(n_in, n_out, bias=False, dtype=np.float64, seed=0)
    noise = []
    for method in ESTIMATES:
        trainer = train.PerturbationTrainer(net, distributions.Gaussian(), method)
        exact, found = gradient(trainer, X, y)["W"], trainer.estimates(X, y, draws)["W"]
        noise.append(float(np.mean(np.sum((found - exact) ** 2, axis=(1, 2)))))
    assert noise[0] / noise[1] == pytest.approx((n_in * n_out - 1) / (n_out - 1), rel=0.1)


@pytest.mark.parametrize("kind", [train.ParallelWeights, train.Activations])
def test_averaging_directions_divides_the_noise(kind, rng):
    X, y = rng.normal(size=(2, 6)), rng.normal(size=(2, 3))
    net = nn.Linear(6, 3, dtype=np.float64, seed=0)
    noise = []
    for directions in (1, 4):
        trainer = train.PerturbationTrainer(net, distributions.Gaussian(), kind(1e-4, directions))
        noise.append(trainer.estimates(X, y, 2000)["W"].var(axis=0).sum())
    assert noise[0] / noise[1] == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize(("method", "optimizer"), METHODS, ids=NAMES)
def test_every_method_learns_xor(method, optimizer):
    X, y = gg.data.xor()
    trainer = train.PerturbationTrainer(
        network(2, 8, 1, dtype=np.float32), distributions.Bernoulli(), method, optimizer
    )
    trainer.steps(X, y, 5000)
    np.testing.assert_array_equal(trainer.predict(X).ravel(), y.ravel())
    assert trainer.evaluate(X, y)["loss"] < 0.05


@pytest.mark.parametrize(
    ("method", "optimizer"),
    [
        (train.HillClimbing(), None), (train.SingleWeight(0.5), None), (train.ParallelWeights(), optim.SGD(0.03)),
        (train.Activations(), optim.SGD(0.3)),
    ],
    ids=NAMES,
)  # fmt: skip
def test_every_method_learns_digits(method, optimizer):
    X, y = (part[:300] for part in gg.data.digits())
    net = network(64, 12, 10, dtype=np.float32)
    trainer = train.PerturbationTrainer(net, distributions.Categorical(), method, optimizer)
    history = trainer.steps(X, y, 3000)
    assert history.loss[-1] < 0.6 * history.loss[0]
    assert trainer.evaluate(X, y)["accuracy"] > 0.75


@pytest.mark.parametrize(("method", "optimizer"), METHODS[:2], ids=NAMES[:2])
def test_what_is_kept_never_raises_the_loss_of_all_rows(method, optimizer):
    X, y = gg.data.xor()
    trainer = train.PerturbationTrainer(network(2, 4, 1), distributions.Bernoulli(), method, optimizer)
    loss = trainer.steps(X, y, 500, sampling="shuffle").loss
    assert np.all(np.diff(loss) <= 1e-12)
    assert np.any(np.diff(loss) == 0)
    assert np.any(np.diff(loss) < 0)


def test_one_weight_at_a_time_changes_one_weight():
    X, y = gg.data.xor()
    trainer = train.PerturbationTrainer(network(2, 4, 1), distributions.Bernoulli(), train.SingleWeight(0.5), seed=1)
    changed, where = [], set()
    for _ in range(200):
        before = np.concatenate([p.value.ravel() for _, p in trainer.trainable])
        trainer.step(X, y)
        after = np.concatenate([p.value.ravel() for _, p in trainer.trainable])
        moved = np.flatnonzero(before != after)
        changed.append(len(moved))
        where |= set(moved.tolist())
    assert set(changed) == {0, 1}
    assert len(where) > 10  # of 17


@pytest.mark.parametrize(("method", "optimizer"), METHODS, ids=NAMES)
def test_same_seed_same_bits_on_any_number_of_threads_and_numpy_agrees(method, optimizer):
    X, y = (part[:64] for part in gg.data.digits())
    found = []
    for seed, threads, engine in [(0, 1, "native"), (0, 2, "native"), (0, None, "numpy"), (1, 1, "native")]:
        net = network(64, 6, 10, seed=0)
        trainer = train.PerturbationTrainer(
            net, distributions.Categorical(), method, optimizer, 16, seed, threads, engine
        )
        trainer.steps(X, y, 40)
        found.append(np.concatenate([p.value.ravel() for p in net.parameters()]))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], found[2], rtol=1e-6, atol=1e-9)
    assert not np.array_equal(found[0], found[3])


def test_the_step_is_one_graph_that_is_run_and_counted():
    X, y = gg.data.xor()
    trainer = train.PerturbationTrainer(
        network(2, 3, 1), distributions.Bernoulli(), train.Activations(), batch_size=None
    )
    history = trainer.steps(X, y, 7, sampling="shuffle")
    graph = trainer.graph().verify()
    assert [w.name for w in graph.inputs] == ["0.W", "0.b", "2.W", "2.b", "x", "y", "step", "key"]
    assert {"perturbed pass", "correlate", "update"} <= {row.group.name for row in graph.rows(True) if row.group}
    assert history.cost is not None
    assert history.cost.total == 7 * work_of(graph).flops


def test_epochs_held_out_rows_and_frozen_layers_work_as_in_any_trainer():
    X, Xv, y, yv = gg.data.split(*gg.data.digits(), stratify=True)
    net = network(64, 8, 10, dtype=np.float32)
    net.freeze("0.*")
    before = net[0].W.value.copy()
    trainer = train.PerturbationTrainer(net, distributions.Categorical(), train.Activations(), optim.Adam(0.02), 32)
    history = trainer.fit(X, y, epochs=4, validation=(Xv, yv), patience=3)
    assert history.validation_loss[-1] < history.validation_loss[0]
    np.testing.assert_array_equal(net[0].W.value, before)
    assert trainer.perturbed(X, y) == 10


def test_the_comparison_starts_everybody_from_the_same_weights_and_leaves_them():
    X, y = gg.data.xor()
    net = network(2, 8, 1, dtype=np.float32)
    trainer = train.Trainer(net, distributions.Bernoulli(), optim.SGD(0.5), batch_size=None)
    before = [p.value.copy() for p in net.parameters()]
    found = train.without_backpropagation(trainer, X, y, steps=60)
    for p, value in zip(net.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.value, value)
    assert trainer.step_count == 0
    assert (found.rows, found.weights, found.activities) == (4, 33, 9)
    base = found.backpropagation
    assert (base.steps, base.passes) == (60, 60)
    assert base.flops == 60 * work_of(trainer.graph(4, X, y)).flops
    assert found.start == pytest.approx(trainer.evaluate(X, y)["loss"], rel=1e-6)
    assert len(found.ways) == 4
    for way, method in zip(found.ways, (*METHODS[1::-1], *METHODS[2:]), strict=True):
        assert way.title == method[0].title
        assert way.reached
        assert way.loss <= found.target < found.start
        assert way.losses[0] == pytest.approx(found.start, rel=1e-6)
        assert way.passes == 2 * way.steps
        assert way.flops > base.flops
    assert max(map(len, str(found).splitlines())) <= 80
    assert "33 weights" in str(found)
    assert found.noise[0].ratio == pytest.approx(32, rel=0.5)


def test_the_comparison_says_who_did_not_get_there():
    X, y = (part[:100] for part in gg.data.digits())
    trainer = train.Trainer(network(64, 8, 10, dtype=np.float32), distributions.Categorical(), optim.SGD(0.5))
    found = train.without_backpropagation(trainer, X, y, steps=40, limit=50, methods=[train.SingleWeight()])
    (way,) = found.ways
    assert not way.reached
    assert (way.steps, way.passes) == (50, 100)
    assert way.loss > found.target
    assert "> not reached" in str(found)
    assert found.noise == []


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: train.HillClimbing(0.0), gg.errors.DataError, "size is a number above 0, and is 0.0"),
        (lambda: train.Activations("a"), gg.errors.OperandError, "size is a number above 0"),
        (lambda: train.ParallelWeights(0.1, 0), gg.errors.DataError, "directions is a whole number from 1 up"),
        (lambda: made(train.HillClimbing), gg.errors.OperandError, r"write HillClimbing\(\)"),
        (lambda: made(train.HillClimbing(), optim.SGD(0.1)), gg.errors.OperandError, "leave optimizer out"),
        (lambda: made(train.Activations(), optim.LBFGS()), gg.errors.OperandError, "needs more than an estimate"),
        (lambda: made(train.SingleWeight()).estimates([[0, 1]], [1], 3), gg.errors.UnsupportedError, "keeps what"),
    ],
)  # fmt: skip
def test_mistakes(make, error, words):
    with pytest.raises(error, match=words):
        make()


def made(method, optimizer=None) -> train.PerturbationTrainer:
    return train.PerturbationTrainer(nn.Linear(2, 1), distributions.Bernoulli(), method, optimizer)


def test_mistakes_of_the_comparison():
    X, y = gg.data.xor()
    net = nn.Linear(2, 1, dtype=np.float64, seed=0)
    with pytest.raises(gg.errors.UnsupportedError, match="L-BFGS"):
        train.without_backpropagation(train.Trainer(net, distributions.Bernoulli(), optim.LBFGS()), X, y)
    trainer = train.Trainer(net, distributions.Bernoulli(), optim.SGD(1e6))
    with pytest.raises(gg.errors.DataError, match="does not lower the loss"):
        train.without_backpropagation(trainer, X, y, steps=3)
    with pytest.raises(gg.errors.OperandError, match="methods are"):
        train.without_backpropagation(trainer, X, y, methods=[train.HillClimbing])  # type: ignore[list-item]


@pytest.mark.parametrize(("method", "optimizer"), METHODS, ids=NAMES)
def test_sparse_rows_stay_sparse_and_learn_the_same(method, optimizer, rng):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    X = rng.normal(size=(20, 9)) * (rng.random((20, 9)) < 0.3)
    y, found = rng.integers(0, 2, 20), []
    for rows in (X, scipy_sparse.csr_matrix(X)):
        net = network(9, 4, 2)
        trainer = train.PerturbationTrainer(net, distributions.Categorical(), method, optimizer)
        trainer.steps(rows, y, 30)
        found.append(np.concatenate([p.value.ravel() for p in net.parameters()]))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6, atol=1e-9)


def test_a_rate_that_falls_is_scaled_as_a_whole():
    X, y = gg.data.xor()
    optimizer = optim.SGD(falling)
    trainer = train.Trainer(network(2, 8, 1, dtype=np.float32), distributions.Bernoulli(), optimizer)
    found = train.without_backpropagation(trainer, X, y, steps=20, methods=[train.Activations()])
    assert found.ways[0].setting.startswith("rate × ")
    assert found.ways[0].reached


def falling(step):
    return 0.5 * np.exp(-0.01 * step)


def test_a_penalty_is_not_compared():
    trainer = train.Trainer(network(2, 3, 1), distributions.Bernoulli(), optim.SGD(0.1), penalty=train.L2(0.1))
    with pytest.raises(gg.errors.UnsupportedError, match="without penalty"):
        train.without_backpropagation(trainer, *gg.data.xor())
