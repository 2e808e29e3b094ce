"""Online against the same steps written by hand, one row at a time."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from glassgrad.distributions import Bernoulli, Categorical, Gaussian
from glassgrad.errors import DataError, OperandError, ShapeError, UnsupportedError
from glassgrad.optim import StepDecay
from glassgrad.train.online import Online

Array = np.ndarray[Any, Any]
ENGINES = ("native", "numpy")


def criterion(z: Any, y: Any) -> Any:
    """The multiclass perceptron's: by how much the best class exceeds the right one."""
    own = np.take_along_axis(z, np.expand_dims(y, -1), axis=-1)
    return np.mean(np.max(z, axis=-1) - own[:, 0])


def mistakes(z: Any, y: Any) -> Any:
    return np.mean(np.where(np.argmax(z, axis=-1) == y, 0.0, 1.0))


def decaying(step: Any) -> Any:
    return 0.1 / (1 + 0.01 * step)


def softmax_slope(z: Array, y: Array) -> Array:
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p - np.eye(z.shape[1])[y]


def by_hand(
    X: Array, y: Array, weight: Array, outputs: int, l2: float, l1: float, batch: int, epochs: int
) -> tuple[Array, Array, Array, Array]:
    """Weights, bias and their means, of softmax regression with weights that decay and are truncated every step."""
    W, b = np.zeros((X.shape[1], outputs)), np.zeros(outputs)
    sums, step = [np.zeros_like(W), np.zeros_like(b)], 0
    for _ in range(epochs):
        for i in range(0, len(X), batch):
            x, rate = X[i : i + batch], decaying(step)
            slope = softmax_slope(x @ W + b, y[i : i + batch]) * weight[i : i + batch, None] / len(x)
            W, b = W * (1 - rate * l2) - rate * x.T @ slope, b - rate * slope.sum(axis=0)
            W = np.sign(W) * np.maximum(np.abs(W) - rate * l1, 0)
            sums, step = [sums[0] + W, sums[1] + b], step + 1
    return W, b, sums[0] / step, sums[1] / step


@pytest.fixture(scope="module")
def data() -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(100, 7)), rng.integers(0, 3, 100), rng.uniform(0.1, 2, 100)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("l2", "l1", "batch"), [(0, 0, 1), (0.01, 0, 1), (0, 0.01, 8), (3.0, 0.003, 1), (1e-3, 1e-3, 7)]
)
def test_steps_are_those_written_by_hand(engine: str, l2: float, l1: float, batch: int, data: Any) -> None:
    X, y, weight = data
    model = Online(
        7, 3, Categorical(), decaying, l2=l2, l1=l1, average=True, batch_size=batch, dtype=np.float64, engine=engine
    )
    for _ in range(3):
        model.epoch(X, y, weight, shuffle=False)
    W, b, mean_W, mean_b = by_hand(X, y, weight, 3, l2, l1, batch, 3)
    assert model.step_count == 3 * -(-100 // batch)
    np.testing.assert_allclose(model.W, W, atol=1e-13)
    np.testing.assert_allclose(model.b, b, atol=1e-13)
    np.testing.assert_allclose(model.averaged[0], mean_W, atol=1e-11)
    np.testing.assert_allclose(model.averaged[1], mean_b, atol=1e-13)
    if l1 > 0.005:
        assert (model.W == 0).any()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_perceptron_notes_its_mistakes(engine: str, data: Any) -> None:
    X, y, _ = data
    model = Online(7, 3, criterion, 1.0, dtype=np.float64, engine=engine, noted=mistakes)
    found = model.epoch(X, y, shuffle=False)
    W, b, wrong = np.zeros((7, 3)), np.zeros(3), []
    for x, label in zip(X, y, strict=True):
        z = x @ W + b
        wrong.append(float(np.argmax(z) != label))
        shares = (z == z.max()) / (z == z.max()).sum()  # of equal scores, as conventions.md has it
        slope = shares - np.eye(3)[label]
        W, b = W - np.outer(x, slope), b - slope
    np.testing.assert_array_equal(found, wrong)
    np.testing.assert_allclose(model.W, W, atol=1e-12)


def test_engines_agree_on_the_order_of_the_rows(data: Any) -> None:
    X, y, _ = data
    models = [Online(7, 3, Categorical(), 0.1, batch_size=9, seed=5, engine=engine) for engine in ENGINES]
    native, numpy = [np.concatenate([m.epoch(X, y) for _ in range(3)]) for m in models]
    np.testing.assert_allclose(native, numpy, rtol=1e-4)
    assert models[0].W.dtype == np.float32
    again = Online(7, 3, Categorical(), 0.1, batch_size=9, seed=5)
    assert (np.concatenate([again.epoch(X, y) for _ in range(3)]) == native).all()
    other = Online(7, 3, Categorical(), 0.1, batch_size=9, seed=6)
    assert (np.concatenate([other.epoch(X, y) for _ in range(3)]) != native).any()


def test_a_weight_makes_the_step_longer_and_zero_leaves_the_row_out(data: Any) -> None:
    X, y, _ = data
    weighted = Online(7, 3, Categorical(), 0.1, dtype=np.float64)
    weighted.epoch(X, y, np.where(np.arange(100) % 2, 2.0, 0.0), shuffle=False)
    doubled = Online(7, 3, Categorical(), 0.2, dtype=np.float64)
    doubled.epoch(X[1::2], y[1::2], shuffle=False)
    np.testing.assert_allclose(weighted.W, doubled.W, rtol=1e-12)
    assert weighted.step_count == 50


@pytest.mark.parametrize("l2", [0.1, 2.0])
def test_averages_of_float32_keep_their_digits_where_weights_decay_fast(l2: float, data: Any) -> None:
    X, y, _ = data
    exact, coarse = (Online(7, 3, Categorical(), 0.1, l2=l2, average=True, dtype=d) for d in (np.float64, np.float32))
    for model in (exact, coarse):
        for _ in range(5):
            model.epoch(X, y)
    for one, other in zip(exact.averaged, coarse.averaged, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.abs(one).max())


def test_a_copy_through_pickle_goes_on_where_the_original_is(data: Any) -> None:
    X, y, _ = data
    model = Online(7, 3, Categorical(), decaying, l2=0.01, average=True, dtype=np.float64)
    model.epoch(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.epoch(X, y), model.epoch(X, y))
    np.testing.assert_array_equal(copy.averaged[0], model.averaged[0])


def test_warm_start_scores_and_graph(data: Any) -> None:
    X, y, _ = data
    model = Online(7, 1, Bernoulli(), StepDecay(0.5, every=100), l2=1e-3, fit_intercept=False)
    with pytest.raises(DataError, match="run an epoch first"):
        model.graph()
    model.W = np.ones((7, 1))
    np.testing.assert_allclose(model.scores(X), X.sum(axis=1, keepdims=True), rtol=1e-6)
    losses = [model.epoch(X, y == 1).mean() for _ in range(5)]
    assert losses[-1] < losses[0]
    graph = model.graph().verify()
    assert [w.name for w in graph.inputs] == ["V", "s", "x", "y", "step", "key"]
    assert (model.b == 0).all()


def test_one_number_to_predict(data: Any) -> None:
    X, _, _ = data
    y = X @ np.arange(7.0) + 2
    model = Online(7, 1, Gaussian(), 0.05, dtype=np.float64)
    for _ in range(30):
        model.epoch(X, y)
    np.testing.assert_allclose(model.W[:, 0], np.arange(7), atol=1e-6)
    np.testing.assert_allclose(model.b, 2, atol=1e-6)


def test_bad_input_is_named(data: Any) -> None:
    X, y, weight = data
    model = Online(7, 3, Categorical(), 0.1)
    with pytest.raises(ShapeError, match="takes rows of 7 features"):
        model.epoch(X[:, :6], y)
    with pytest.raises(DataError, match="row 3"):
        model.epoch(X, np.where(np.arange(100) == 3, 7, y))
    with pytest.raises(OperandError, match="needs the targets"):
        model.epoch(X)
    with pytest.raises(ShapeError, match=r"W has the shape \(7, 3\)"):
        model.W = np.ones((3, 7))
    with pytest.raises(UnsupportedError, match="average=True"):
        _ = model.averaged
    with pytest.raises(UnsupportedError, match="third parameter"):
        Online(7, 3, criterion, 0.1).epoch(X, y, weight)
    with pytest.raises(DataError, match="at step 10"):
        Online(7, 3, Categorical(), lambda t: np.where(t < 10, 0.5, 2.0), l2=0.5).epoch(X, y)
    wrong: list[tuple[dict[str, Any], str]] = [({"l2": -1.0}, "l2 is a number"), ({"batch_size": 0}, "batch_size")]
    for bad, message in wrong:
        with pytest.raises(DataError, match=message):
            Online(7, 3, Categorical(), 0.1, **bad)
    with pytest.raises(DataError, match="rate is a positive"):
        Online(7, 3, Categorical(), 0.0)
    assert model.step_count == 0
    assert (model.W == 0).all()
