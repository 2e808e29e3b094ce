"""The native engine against the NumPy engine: the same graph, the same rows, the same losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import distributions, nn, optim, train

RNG = np.random.default_rng(3)
X = RNG.normal(size=(100, 6)).astype(np.float32)
LABELS = RNG.integers(0, 4, 100)
VALUES = RNG.normal(size=(100, 2)).astype(np.float32)
OPTIMISERS: dict[str, Any] = {
    "sgd": lambda: optim.SGD(0.05),
    "momentum": lambda: optim.SGD(0.05, momentum=0.9),
    "nesterov": lambda: optim.SGD(0.05, momentum=0.9, nesterov=True),
    "adagrad": lambda: optim.AdaGrad(0.05),
    "rmsprop": lambda: optim.RMSProp(0.01),
    "adam": lambda: optim.Adam(0.01),
    "adamw": lambda: optim.AdamW(0.01),
    "schedule": lambda: optim.SGD(optim.Cosine(0.1, steps=100)),
    "clipped": lambda: optim.SGD(0.1, clip_norm=0.5, weight_decay=0.01),
}
LAYERS: dict[str, Any] = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "leaky": nn.LeakyReLU, "elu": nn.ELU,
    "softplus": nn.Softplus, "abs": nn.AbsoluteValue, "hardtanh": nn.HardTanh, "prelu": nn.PReLU,
    "maxout": lambda: nn.Maxout(2), "dropout": lambda: nn.Dropout(0.2),
}  # fmt: skip


def trainer(engine: str, layer: str = "tanh", optimiser: str = "sgd", labels: bool = True, **options: Any) -> Any:
    width = 4 if layer == "maxout" else 8
    net = nn.Sequential(nn.Linear(6, 8), LAYERS[layer](), nn.Linear(width, 4 if labels else 2))
    loss = distributions.Categorical() if labels else distributions.Gaussian()
    return train.Trainer(net, loss, OPTIMISERS[optimiser](), engine=engine, **{"batch_size": 16, **options})


def compared(make: Any, run: Any, tolerance: float = 2e-4) -> None:
    first, second = make("numpy"), make("native")
    a, b = run(first), run(second)
    np.testing.assert_allclose(b.loss, a.loss, rtol=tolerance, atol=1e-6)
    for p, q in zip(first.net.parameters(), second.net.parameters(), strict=True):
        np.testing.assert_allclose(q.value, p.value, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("optimiser", sorted(OPTIMISERS))
def test_every_optimiser(optimiser: str, labels: bool, sampling: Any) -> None:
    y = LABELS if labels else VALUES
    compared(
        lambda engine: trainer(engine, optimiser=optimiser, labels=labels),
        lambda t: t.steps(X, y, n=30, sampling=sampling),
    )


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_every_layer(layer: str) -> None:
    compared(lambda engine: trainer(engine, layer), lambda t: t.steps(X, LABELS, n=20, sampling="shuffle"))


@pytest.mark.parametrize("batch", [1, 7, 100, None])
def test_batches_of_every_size_and_the_short_last_one(batch: Any) -> None:
    compared(lambda engine: trainer(engine, batch_size=batch), lambda t: t.fit(X, LABELS, 3, validation=(X, LABELS)))


def test_weighted_rows_and_frozen_parameters() -> None:
    weight = RNG.random(100)
    compared(lambda engine: trainer(engine), lambda t: t.fit(X, LABELS, 3, sample_weight=weight))

    def frozen(engine: str) -> Any:
        made = trainer(engine)
        made.net.freeze("0.*")
        return made

    compared(frozen, lambda t: t.fit(X, LABELS, 3))


def test_the_same_seed_gives_the_same_bits() -> None:
    runs = []
    for _ in range(2):
        t = trainer("native")
        history = t.steps(X, LABELS, n=50, sampling="replacement")
        runs.append((history.loss, [p.value for p in t.net.parameters()]))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    for a, b in zip(runs[0][1], runs[1][1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_stretches_cut_anywhere_give_the_same_bits() -> None:
    whole, cut = trainer("native"), trainer("native")
    whole.steps(X, LABELS, n=20, sampling="replacement")
    for n in (1, 7, 12):
        cut.steps(X, LABELS, n=n, sampling="replacement")
    for a, b in zip(whole.net.parameters(), cut.net.parameters(), strict=True):
        np.testing.assert_array_equal(a.value, b.value)


@pytest.mark.parametrize("batch", [64, 61])
def test_any_number_of_threads_gives_the_same_bits(batch: int) -> None:
    wide = RNG.normal(size=(200, 128)).astype(np.float32)
    found = []
    for threads in (1, 2, 3, 8):
        net = nn.Sequential(nn.Linear(128, 160), nn.Tanh(), nn.Linear(160, 130), nn.ReLU(), nn.Linear(130, 2))
        t = train.Trainer(
            net, distributions.Gaussian(), optim.Adam(0.01), batch_size=batch, engine="native", threads=threads
        )
        history = t.steps(wide, wide[:, :2], n=8, sampling="replacement")
        found.append([history.loss, *[p.value for p in net.parameters()]])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_index_out_of_range_in_a_loss_is_an_error_and_changes_nothing() -> None:
    def loss(output: Any, y: Any) -> Any:
        return -np.mean(np.take_along_axis(output, y[:, None], axis=1))

    wrong = np.where(np.arange(100) == 37, 9, LABELS)
    for engine in ("numpy", "native"):
        net = nn.Sequential(nn.Linear(6, 4))
        t = train.Trainer(net, loss, optim.SGD(0.1), batch_size=100, engine=engine)
        t.steps(X, LABELS, n=2, sampling="shuffle")
        before = [p.value.copy() for p in net.parameters()]
        with pytest.raises(IndexError, match="out of bounds"):
            t.steps(X, wrong, n=2, sampling="shuffle")
        for a, p in zip(before, net.parameters(), strict=True):
            np.testing.assert_array_equal(a, p.value)


def test_programs_for_ever_new_numbers_of_rows_do_not_pile_up() -> None:
    t, reference = trainer("native"), trainer("numpy")
    for n in range(1, 101):
        t.evaluate(X[:n], LABELS[:n])
    assert 32 <= len(t.engine._programs) <= 64
    t = trainer("native")
    for n in range(1, 101):
        np.testing.assert_allclose(t.outputs(X[:n]), reference.outputs(X[:n]), rtol=1e-5, atol=1e-6)
    assert len(t.engine._programs) == 3  # of 1, 8 and 64 rows
