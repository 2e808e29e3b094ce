"""Each bug lets the loss fall, and a numerical gradient catches it; the right backward pass it lets pass."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import worked
from glassgrad.worked import bugs

TOUCHED = {
    "overwritten": {"W", "b"}, "no-order": {"W", "b"}, "no-slope": {"W", "b", "U"}, "no-bias": {"b", "c"},
    "wrong-sign": {"W", "b"}, "no-mean": {"W", "b", "U", "V", "c"}, "misread-slope": {"W", "b", "U"},
}  # fmt: skip


def test_the_right_gradient_is_that_of_the_engine_and_of_differences():
    weights, (X, y) = bugs.start(), bugs.data()

    def loss(w):
        h = np.tanh(X @ w["W"] + w["b"])
        return np.mean(np.sum(((h + np.tanh(h @ w["U"])) @ w["V"] + w["c"] - y) ** 2, axis=1)) / 2

    engine, by_hand = gg.grad(loss)(weights), bugs.backward(weights, X, y)
    for name in weights:
        np.testing.assert_allclose(by_hand[name], engine[name], rtol=1e-9, atol=1e-12)
    assert max(bugs.errors(bugs.RIGHT).values()) < bugs.WRONG / 100


@pytest.mark.parametrize("bug", bugs.BUGS, ids=lambda bug: bug.name)
def test_the_loss_falls_and_the_check_catches_it(bug):
    losses = bugs.trained(bug.rules, bug.rate)
    assert losses[-1] < losses[0] / 2
    assert {name for name, error in bugs.errors(bug.rules).items() if error > bugs.WRONG} == TOUCHED[bug.name]
    right, wrong = bug.lines
    assert right != wrong


def test_the_gallery_is_told_and_drawn():
    text = worked.example("bugs").text(80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("it falls all the same") == text.count("check  wrong by") == len(bugs.BUGS) == 7
    assert "wrong  (1 - z) ** 2" in text
    assert len(bugs.picture().axes) == 8
