"""Sound training raises no alarm, before, during and after it."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import data, distributions, nn, optim
from glassgrad.estimators import LogisticRegression, MLPClassifier, MLPRegressor
from glassgrad.train import Trainer
from glassgrad.worked.ill import network

SEEDS = (0, 1)


def alarms(trainer, X, y, epochs, validation=None):
    """What is said before training, after a quarter of it, and at its end, with held-out rows and without."""
    said = [gg.diagnose(trainer, X, y)]
    trainer.fit(X, y, epochs=max(1, epochs // 4))
    said.append(gg.diagnose(trainer))
    trainer.fit(X, y, epochs=epochs, validation=validation)
    said += [gg.diagnose(trainer), gg.diagnose(trainer, validation=validation)]
    return [d.codes for d in said if not d]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("unit", "optimizer", "hidden"),
    [
        (nn.ReLU, optim.SGD(0.1), (64,)),
        (nn.Tanh, optim.Adam(3e-3), (64, 32)),
        (nn.Sigmoid, optim.SGD(0.02, momentum=0.9), (32,)),
        (nn.LeakyReLU, optim.Adam(3e-3), (32,)),
        (nn.ReLU, optim.SGD(0.1), ()),
    ],
)
def test_digits(seed, unit, optimizer, hidden):
    X, X_held, y, y_held = data.split(*data.digits(), seed=seed, stratify=True)
    trainer = Trainer(network(64, *hidden, 10, unit=unit), distributions.Categorical(), optimizer, seed=seed)
    assert alarms(trainer, X, y, 12, (X_held, y_held)) == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("unit", [nn.Tanh, nn.ReLU])
def test_xor(seed, unit):
    net = network(2, 8, 1, unit=unit)
    trainer = Trainer(net, distributions.Bernoulli(), optim.Adam(0.05), batch_size=None, seed=seed)
    assert alarms(trainer, *data.xor(), 300) == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("unit", [nn.Tanh, nn.ReLU])
def test_regression(seed, unit):
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True, scaled=False)
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), ((y - y.mean()) / y.std())[:, None]
    X, X_held, y, y_held = data.split(X, y, seed=seed)
    trainer = Trainer(network(10, 16, 1, unit=unit), distributions.Gaussian(), optim.Adam(1e-3), seed=seed)
    assert alarms(trainer, X, y, 30, (X_held, y_held)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_spam(seed, shared_data):
    from sklearn.feature_extraction.text import CountVectorizer

    lines = (shared_data / "SMSSpamCollection").read_text(encoding="utf-8").splitlines()
    labels, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
    X = CountVectorizer(min_df=2).fit_transform(texts).astype(np.float32)
    y = (np.array(labels) == "spam").astype(np.float32)[:, None]
    order = np.random.default_rng(seed).permutation(len(y))
    rows, held = order[:4000], order[4000:]
    trainer = Trainer(network(X.shape[1], 16, 1), distributions.Bernoulli(), optim.Adam(1e-3), seed=seed)
    assert alarms(trainer, X[rows], y[rows], 4, (X[held], y[held])) == []


@pytest.mark.parametrize(
    "estimator",
    [
        MLPClassifier((32,), max_iter=30, random_state=0),
        MLPClassifier((32,), solver="lbfgs", max_iter=30, random_state=0),
        LogisticRegression(max_iter=200),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_classifiers_and_their_own_labels(estimator):
    X, X_held, y, y_held = data.split(*data.digits(), seed=0, stratify=True)
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    estimator.fit(X, names[y])
    assert gg.diagnose(estimator, X, names[y], validation=(X_held, names[y_held])).codes == ()
    with pytest.raises(gg.errors.DataError, match="not met in fit"):
        gg.diagnose(estimator, X, np.where(y == 1, "ten", names[y]))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_regressors_and_two_classes():
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    X, y = X / X.std(axis=0), (y - y.mean()) / y.std()
    assert gg.diagnose(MLPRegressor(hidden_layer_sizes=(16,), max_iter=60, random_state=0).fit(X, y), X, y).codes == ()
    two = np.where(y > 0, "more", "less")
    assert gg.diagnose(LogisticRegression().fit(X, two), X, two).codes == ()
