"""The search for a learning rate."""

from __future__ import annotations

import numpy as np
import pytest

from glassgrad import data, distributions, nn, optim, train
from glassgrad.errors import DataError, UnsupportedError


def digits(optimizer):
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    return train.Trainer(net, distributions.Categorical(), optimizer)


def test_it_suggests_a_rate_that_learns_and_leaves_the_trainer_untouched():
    X, y = data.digits()
    trainer, fresh = digits(optim.SGD(0.1, momentum=0.9)), digits(optim.SGD(0.1, momentum=0.9))
    found = train.find_rate(trainer, X, y)
    assert np.all(np.diff(found.rates) > 0)
    assert found.rates[0] == pytest.approx(1e-6)
    assert len(found.rates) == len(found.losses)
    assert np.isfinite(found.losses).all()
    assert 5e-3 < found.suggestion < 0.5
    assert "suggested rate" in str(found)
    assert max(map(len, str(found).splitlines())) <= 80
    assert trainer.step_count == 0
    assert np.array_equal(trainer.fit(X, y, 1).loss, fresh.fit(X, y, 1).loss)
    learned = digits(optim.SGD(found.suggestion, momentum=0.9))
    assert learned.fit(X, y, 3).train_loss[-1] < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_the_noise_of_small_batches_is_not_taken_for_learning(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 5))
    y = X @ [1.0, -2.0, 0.5, 0.0, 3.0]
    net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    trainer = train.Trainer(net, distributions.Gaussian(), optim.SGD(0.1), seed=seed)
    assert 5e-3 < train.find_rate(trainer, X, y).suggestion < 0.2


def test_it_stops_where_training_breaks_down():
    X, y = data.digits()
    found = train.find_rate(digits(optim.SGD(0.1)), X, y, high=1e6)
    assert found.rates[-1] < 1e5


def test_it_repeats_itself():
    X, y = data.digits()
    a, b = (train.find_rate(digits(optim.Adam()), X, y, steps=50) for _ in range(2))
    assert np.array_equal(a.losses, b.losses)
    assert a.suggestion == b.suggestion


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"low": 0.0}, "0 < low < high"), ({"low": 2.0, "high": 1.0}, "0 < low < high"), ({"steps": 3}, "at least 10")],
)
def test_messages(settings, words):
    with pytest.raises(DataError, match=words):
        train.find_rate(digits(optim.SGD(0.1)), *data.digits(), **settings)


def test_lbfgs_has_no_rate():
    with pytest.raises(UnsupportedError, match="no learning rate"):
        train.find_rate(digits(optim.LBFGS()), *data.digits())
