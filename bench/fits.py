"""Whole fits of estimators, glassgrad's and scikit-learn's on the same rows, with the accuracy of both."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

from bench import startup
from bench.measure import Row, Settings, settle, summary
from bench.workloads import Array

LABEL, PEER = "glassgrad", "scikit-learn"
FIRST = f"{LABEL}, first fit"
TOLERANCE = 0.005
"""By how much the accuracy of a fit may be below the peer's."""


@dataclass(frozen=True)
class Data:
    """Rows to learn from, and rows to be judged by."""

    X: Any
    y: Array
    X_test: Any
    y_test: Array


@dataclass(frozen=True)
class Fit:
    """One estimator with its settings, on one data set.

    ``ours`` and ``theirs`` make an estimator that is not fitted yet; ``slow`` ones are left out of a quick run. The
    accuracy is the mean over so many ``seeds``.
    """

    name: str
    what: str
    data: Callable[[], Data]
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    slow: bool = False
    seeds: int = 1


@functools.cache
def digits() -> Data:
    """scikit-learn's digits, a quarter held out."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    return Data(X, y, X_test, y_test)


@functools.cache
def pictures() -> Data:
    """60,000 rows of 784 numbers in ten classes: a noisy mean each, so that a linear model is nearly right."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(10, 784)).astype(np.float32)
    y = rng.integers(0, 10, 65_000)
    X = 0.14 * means[y] + rng.normal(size=(len(y), 784)).astype(np.float32)
    return Data(X[:60_000], y[:60_000], X[60_000:], y[60_000:])


@functools.cache
def words(classes: int) -> Data:
    """100,000 sparse rows over 20,000 words as frequent as in texts, about 80 a row, of length one."""
    from scipy import sparse
    from sklearn.preprocessing import normalize

    rng = np.random.default_rng(classes)
    rows, width, length = 120_000, 20_000, 100
    shares = 1 / (np.arange(width) + 10.0)
    columns = np.searchsorted(np.cumsum(shares / shares.sum()), rng.random(rows * length)).clip(0, width - 1)
    # half of a row's words are those of its class, so that there is something to learn
    y = rng.integers(0, classes, rows)
    own = rng.random(rows * length) < 0.15
    columns[own] = (columns[own] // classes * classes + np.repeat(y, length)[own]) % width
    ends = np.arange(0, rows * length + 1, length)
    X = sparse.csr_matrix((np.ones(rows * length, np.float32), columns.astype(np.int32), ends), shape=(rows, width))
    X.sum_duplicates()
    X.data = np.log1p(X.data)
    X = normalize(X)
    return Data(X[:100_000], y[:100_000], X[100_000:], y[100_000:])


def fits() -> list[Fit]:
    """Everything that is fitted."""
    from sklearn import linear_model, neural_network

    from glassgrad import estimators

    small = {
        "hidden_layer_sizes": (64, 64), "solver": "sgd", "learning_rate_init": 0.1, "batch_size": 32, "max_iter": 50,
        "n_iter_no_change": 50, "random_state": 0,
    }  # fmt: skip
    large = {
        "hidden_layer_sizes": (512, 512), "batch_size": 128, "max_iter": 1, "n_iter_no_change": 5, "random_state": 0,
    }  # fmt: skip
    passes = {"max_iter": 5, "tol": None, "random_state": 0}
    newton = {"max_iter": 100, "tol": 1e-4}

    def linear(name: str, what: str, data: Callable[[], Data], slow: bool = False) -> list[Fit]:
        logistic = functools.partial(estimators.LogisticRegression, solver="sgd", **passes | {"tol": 0})
        descent = functools.partial(linear_model.SGDClassifier, loss="log_loss", **passes)
        return [
            Fit(f"fit-perceptron-{name}", f"Perceptron, {what}, 5 passes", data,
                functools.partial(estimators.Perceptron, **passes),
                functools.partial(linear_model.Perceptron, **passes), seeds=8),
            Fit(f"fit-sgd-{name}", f"logistic regression by SGD, {what}, 5 passes", data, logistic, descent, slow),
            Fit(f"fit-lbfgs-{name}", f"logistic regression by L-BFGS, {what}", data,
                functools.partial(estimators.LogisticRegression, **newton),
                functools.partial(linear_model.LogisticRegression, **newton), slow),
        ]  # fmt: skip

    return [
        Fit("fit-mlp-digits", "MLPClassifier(64, 64), SGD 0.1, batch 32, 50 epochs, 1,347×64", digits,
            functools.partial(estimators.MLPClassifier, **small),
            functools.partial(neural_network.MLPClassifier, **small), seeds=5),
        Fit("fit-mlp-pictures", "MLPClassifier(512, 512), Adam, batch 128, 1 epoch, 60,000×784", pictures,
            functools.partial(estimators.MLPClassifier, **large),
            functools.partial(neural_network.MLPClassifier, **large), slow=True, seeds=3),
        *linear("pictures", "60,000×784, 10 classes", pictures, slow=True),
        *linear("words-2", "100,000×20,000 sparse, 2 classes", functools.partial(words, 2)),
        *linear("words-5", "100,000×20,000 sparse, 5 classes", functools.partial(words, 5), slow=True),
    ]  # fmt: skip


def fit(work: Fit, settings: Settings) -> list[Row]:
    """Whole fits in turn, after a first one of each that is judged; glassgrad's first one has an empty cache."""
    row = Row(work.name, "Estimators: a whole fit", work.what)
    data = work.data()
    seconds: dict[str, list[float]] = {}
    accuracy: dict[str, float] = {}
    makers = {PEER: work.theirs, LABEL: work.ours}
    for label, make in makers.items():
        try:
            with _empty_cache():
                taken, fitted = _once(make, data)
            models = [fitted, *[_once(make, data, seed)[1] for seed in range(1, work.seeds)]]
            accuracy[label] = float(np.mean([model.score(data.X_test, data.y_test) for model in models]))
        except Exception as error:  # a peer that fails is a line of the table, whatever it raised
            row.failed[label] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        else:
            if label == LABEL:
                seconds[FIRST] = [taken]
                _once(make, data)  # so that what is compiled lies in the cache that stays
    shown = ", ".join(f"{label} {100 * found:.2f} %" for label, found in accuracy.items())
    row = dataclasses.replace(row, what=f"{work.what}; accuracy: {shown}")
    if accuracy.get(LABEL, 1.0) < accuracy.get(PEER, 0.0) - TOLERANCE:
        row.failed[LABEL] = f"wrong result: accuracy {shown}"
    running = [label for label in makers if label not in row.failed]
    for i in range(settings.rounds):
        for label in running[i % 2 :] + running[: i % 2]:
            seconds.setdefault(label, []).append(_once(makers[label], data)[0])
    row.results = {label: summary(found) for label, found in seconds.items() if label not in row.failed}
    return [row]


def _once(make: Callable[[], Any], data: Data, seed: int | None = None) -> tuple[float, Any]:
    """A fit of a new estimator: seconds, and the estimator."""
    settle()
    estimator = make() if seed is None else make().set_params(random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the passes asked for were all it got
        started = time.perf_counter()
        estimator.fit(data.X, data.y)
        return time.perf_counter() - started, estimator


@contextlib.contextmanager
def _empty_cache() -> Iterator[None]:
    """An empty cache for what glassgrad compiles, for a while."""
    name = "GLASSGRAD_CACHE_DIR"
    with startup.caches() as found, mock.patch.dict(os.environ, {name: found[name]}):
        yield
