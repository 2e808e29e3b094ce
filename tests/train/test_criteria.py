"""The perceptron's cost: the rule of the lecture is one descent step on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ShapeError
from glassgrad.train import criteria
from glassgrad.train.online import Online

Array = np.ndarray[Any, Any]


def test_two_classes_move_the_score_only_where_the_row_is_a_mistake() -> None:
    scores, y = np.array([[2.0], [-2.0], [2.0], [-2.0], [0.0], [0.0]]), np.array([1, 1, 0, 0, 1, 0])
    np.testing.assert_array_equal(criteria.wrong(scores, y), [False, True, True, False, False, True])
    np.testing.assert_allclose(criteria.perceptron(scores, y), (2 + 2) / 6)
    slope = gg.grad(criteria.perceptron)(scores, y) * 6
    np.testing.assert_array_equal(slope[:, 0], [0, -1, 1, 0, 0, 1])


def test_several_classes_move_the_right_one_and_the_one_that_was_said() -> None:
    scores = np.array([[0.0, 3.0, 1.0], [0.0, 3.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [-1.0, 2.0, 2.0]])
    y = np.array([2, 1, 0, 1, 2])
    np.testing.assert_array_equal(criteria.labels(scores), [1, 1, 0, 0, 1])
    slope = gg.grad(criteria.perceptron)(scores, y) * 5
    np.testing.assert_array_equal(slope, [[0, 1, -1], [0, 0, 0], [0, 0, 0], [1, -1, 0], [0, 1, -1]])
    assert criteria.mistakes(scores, y) == pytest.approx(3 / 5)


@pytest.mark.parametrize("outputs", [1, 4])
def test_gradients_are_right_away_from_ties(outputs: int, rng: np.random.Generator) -> None:
    scores, y = rng.normal(size=(20, outputs)), rng.integers(0, max(2, outputs), 20)
    weight = rng.uniform(size=20)
    assert gg.check_gradient(lambda z: criteria.perceptron(z, y), scores)
    assert gg.check_gradient(lambda z: criteria.perceptron(z, y, weight), scores)
    numerical = gg.numerical_gradient(lambda z: criteria.perceptron(z, y, weight), scores)
    np.testing.assert_allclose(gg.grad(criteria.perceptron)(scores, y, weight), numerical, atol=1e-8)


def by_hand(X: Array, y: Array, outputs: int) -> tuple[Array, list[bool]]:
    """One pass of the rules as the lecture has them; the bias is the last feature."""
    W, wrong = np.zeros((X.shape[1] + 1, outputs)), []
    for f, label in zip(np.c_[X, np.ones(len(X))], y, strict=True):
        if outputs == 1:
            said = int(f @ W[:, 0] >= 0)
            W[:, 0] += (label - said) * f
        else:
            said = int(np.argmax(f @ W))
            if said != label:
                W[:, label] += f
                W[:, said] -= f
        wrong.append(said != label)
    return W, wrong


@pytest.mark.parametrize("engine", ["native", "numpy"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_steps_are_the_rule_exactly(outputs: int, engine: str, rng: np.random.Generator) -> None:
    X, y = rng.integers(-2, 3, (60, 3)).astype(float), rng.integers(0, max(2, outputs), 60)  # with many ties
    model = Online(3, outputs, criteria.perceptron, 1.0, dtype=np.float64, engine=engine, noted=criteria.mistakes)
    found = model.epoch(X, y, shuffle=False)
    W, wrong = by_hand(X, y, outputs)
    np.testing.assert_array_equal(found, wrong)
    np.testing.assert_array_equal(np.r_[model.W, model.b[None]], W)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ShapeError, match=r"float64\[2, 1\] and int64\[3\]"):
        criteria.perceptron(np.zeros((2, 1)), np.zeros(3, np.int64))
    with pytest.raises(ShapeError, match="a label a row"):
        criteria.mistakes(np.zeros(2), np.zeros(2, np.int64))
