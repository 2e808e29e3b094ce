"""Every layer, optimiser and distribution trains as one native loop, and its losses are the NumPy engine's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import distributions, nn, optim, train

RNG = np.random.default_rng(5)
X = RNG.normal(size=(64, 6))
UNITS: dict[str, Any] = {
    "Dropout": lambda dtype: nn.Dropout(0.3),
    "Linear": lambda dtype: nn.Linear(8, 8, dtype=dtype),
    "Maxout": lambda dtype: nn.Sequential(nn.Maxout(2), nn.Linear(4, 8, dtype=dtype)),
    "PReLU": lambda dtype: nn.PReLU(8, dtype=dtype),
    "RadialBasis": lambda dtype: nn.RadialBasis(8, 8, dtype=dtype),
    "Sequential": lambda dtype: nn.Sequential(nn.Tanh(), nn.Dropout(0.2), nn.Dropout(0.5)),
}
LAYERS = sorted(
    name for name, kind in vars(nn).items() if isinstance(kind, type) and issubclass(kind, nn.Layer) and name != "Layer"
)
OPTIMISERS: dict[str, Any] = {
    "sgd": lambda: optim.SGD(0.05, momentum=0.9, nesterov=True),
    "adagrad": lambda: optim.AdaGrad(0.05),
    "rmsprop": lambda: optim.RMSProp(0.01),
    "adam": lambda: optim.Adam(optim.WarmUp(5, optim.Cosine(0.02, steps=15))),
    "adamw": lambda: optim.AdamW(optim.StepDecay(0.01, every=7)),
}
COUNTS = RNG.integers(0, 6, (64, 2))
TARGETS: dict[str, Any] = {
    "gaussian": RNG.normal(size=(64, 2)),
    "laplace": RNG.normal(size=64),
    "bernoulli": RNG.integers(0, 2, (64, 2)),
    "beta_bernoulli": RNG.integers(0, 2, 64),
    "categorical": RNG.integers(0, 3, 64),
    "poisson": COUNTS,
    "negative_binomial": COUNTS,
}


def compared(dtype: Any, layer: Any, loss: Any, optimiser: Any, y: Any, **options: Any) -> None:
    """Train with both engines for 20 steps; the native one without a call."""
    losses = []
    for engine in ("numpy", "native"):
        outputs = loss.outputs(y.astype(np.int64) if y.dtype.kind in "ub" else y)
        net = nn.Sequential(nn.Linear(6, 8, dtype=dtype), layer(dtype), nn.Linear(8, outputs, dtype=dtype))
        trainer = train.Trainer(net, loss, optimiser(), batch_size=16, engine=engine)
        x, targets = X.astype(dtype), y.astype(dtype) if y.dtype.kind == "f" else y
        sampling: Any = "shuffle" if dtype == np.float64 else "replacement"
        losses.append(trainer.steps(x, targets, n=20, sampling=sampling, **options).loss)
    close = 1e-9 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(losses[1], losses[0], rtol=close, atol=close)
    loops = [loop for _, loop in trainer.engine._loops.values()]
    assert loops
    assert all(loop.compiles for loop in loops), [s.text(loop.plan.graph) for loop in loops for s in loop.plan.steps]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name: str, dtype: Any) -> None:
    layer = UNITS.get(name, lambda dtype: getattr(nn, name)())
    compared(dtype, layer, distributions.Categorical(), lambda: optim.SGD(0.05), TARGETS["categorical"])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(set(optim.OPTIMIZERS) - {"lbfgs"}))
def test_every_optimiser(name: str, dtype: Any) -> None:
    loss = distributions.Gaussian()
    compared(dtype, lambda dtype: nn.Tanh(), loss, OPTIMISERS[name], TARGETS["gaussian"])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(distributions.DISTRIBUTIONS))
def test_every_distribution(name: str, dtype: Any) -> None:
    loss = distributions.named(name)
    compared(dtype, lambda dtype: nn.Tanh(), loss, lambda: optim.SGD(0.02), TARGETS[name])
    weights = np.random.default_rng(1).random(64)
    compared(dtype, lambda dtype: nn.ReLU(), loss, lambda: optim.Adam(0.01), TARGETS[name], sample_weight=weights)


def test_labels_of_every_kind_and_rows_of_probabilities() -> None:
    labels = TARGETS["categorical"]
    rows = np.eye(3)[labels]
    for y in (labels.astype(np.uint8), labels.astype(np.int16), labels > 1, rows):
        compared(np.float64, lambda dtype: nn.Tanh(), distributions.Categorical(), lambda: optim.SGD(0.1), y)


def test_a_loss_of_rarer_gates_trains_as_one_loop() -> None:
    """Joining, splitting, looking up, sorting nothing: what stands alone stands in the loop all the same."""

    def loss(output: Any, y: Any) -> Any:
        first, second = np.split(output, [1], axis=1)
        joined = np.concatenate([second, np.cumsum(first, axis=0) / 16], axis=1)
        best = np.argmax(joined, axis=1)
        picked = np.take_along_axis(joined, best[:, None], axis=1)
        gram = np.einsum("ri,rj,ij->r", joined, joined, np.ones((2, 2)))
        wrapped = np.take(joined, np.arange(20) % 16 - 3, axis=0, mode="wrap")
        stacked = joined[:, :, None] @ joined[:, None, :]
        all_near = np.all(np.isfinite(joined)).astype(output.dtype)
        parts = np.mean(picked) + np.mean(gram) + np.mean(np.square(wrapped)) + np.mean(stacked[:, 0, 1])
        return all_near * parts + np.mean(np.square(output - y))

    losses = []
    for engine in ("numpy", "native"):
        net = nn.Sequential(nn.Linear(6, 4, dtype=np.float64), nn.Tanh(), nn.Linear(4, 2, dtype=np.float64))
        trainer = train.Trainer(net, loss, optim.SGD(0.05), batch_size=16, engine=engine)
        losses.append(trainer.steps(X, TARGETS["gaussian"], n=20, sampling="replacement").loss)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-9)
    assert all(loop.compiles for _, loop in trainer.engine._loops.values())


@pytest.mark.parametrize("width", [8, 521])
@pytest.mark.parametrize("layer", [nn.Dropout, nn.RandomizedReLU])
def test_draws_do_not_depend_on_threads_or_on_where_a_stretch_is_cut(layer: Any, width: int) -> None:
    """The wider network draws enough numbers for threads to share them."""
    found = []
    for threads, cuts in ((1, [6]), (1, [1, 2, 3]), (2, [6]), (3, [2, 4])):
        net = nn.Sequential(nn.Linear(6, width), layer(), nn.Linear(width, 2))
        trainer = train.Trainer(
            net, distributions.Gaussian(), optim.Adam(0.01), batch_size=60, engine="native", threads=threads
        )
        x, y = X.astype(np.float32), TARGETS["gaussian"].astype(np.float32)
        losses = [v for n in cuts for v in trainer.steps(x, y, n=n, sampling="replacement").loss]
        found.append([np.array(losses), *[p.value for p in net.parameters()]])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
