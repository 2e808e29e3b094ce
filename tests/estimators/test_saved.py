"""Estimators on disk: what comes back, what is refused, and what is said of damaged and hostile files."""

from __future__ import annotations

import copy
import json
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import ClassifierMixin, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from glassgrad import distributions, estimators, nn, optim
from glassgrad.errors import DataError, OperandError, UnsupportedError
from glassgrad.estimators import saved
from glassgrad.estimators.base import NetworkEstimator, classes_and_codes, features, features_and_targets
from glassgrad.storage.values import pack, unpack


class Nearest(ClassifierMixin, NetworkEstimator):
    """The class whose mean is nearest, written as a linear layer."""

    stored: ClassVar = ("classes_", "net_", "rates_", "loss_", "n_iter_")

    def __init__(self, shrink=0.0, schedule=None, class_weight=None, sizes=(3,), random_state=None):
        self.shrink = shrink
        self.schedule = schedule
        self.class_weight = class_weight
        self.sizes = sizes
        self.random_state = random_state

    def fit(self, X, y):
        X, y = features_and_targets(self, X, y, reset=True)
        self.classes_, codes = classes_and_codes(self, y)
        means = np.stack([X[codes == i].mean(axis=0) for i in range(len(self.classes_))])
        linear = nn.Linear(X.shape[1], len(means), dtype=X.dtype)
        linear.W.value = 2 * (1 - self.shrink) * means.T
        linear.b.value = -np.sum(means**2, axis=1)
        self.net_, self.loss_, self.n_iter_ = linear, distributions.Categorical(), np.int64(1)
        self.rates_ = [np.linspace(0, 1, 3), {"last": np.float32(0.5), 3: (np.nan, -np.inf, None, True)}]
        return self

    def network(self):
        return self.net_

    def predict(self, X):
        return self.classes_[np.argmax(self.net_(features(self, X, reset=False)).value, axis=1)]


OWN = [Nearest]


@pytest.fixture
def table():
    pandas = pytest.importorskip("pandas")
    X = np.random.default_rng(0).normal(size=(30, 4))
    y = np.array(["ham", "spam", "eggs"])[np.arange(30) % 3]
    X[np.arange(30), np.arange(30) % 3] += 3
    return pandas.DataFrame(X, columns=["a", "b", "c", "längd"]), y


@pytest.fixture
def fitted(table):
    settings = {"schedule": optim.WarmUp(5, optim.Cosine(0.1, 50)), "class_weight": {"ham": 2.0}}
    return Nearest(shrink=0.1, **settings, random_state=np.random.RandomState(3)).fit(*table)


def equal(a, b) -> bool:
    """Whether two values are the same, dtypes and kinds too."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        same = type(a) is type(b) and a.dtype.kind == b.dtype.kind and a.shape == b.shape
        return (
            same
            and (a.dtype.kind in "UO" or a.dtype == b.dtype)
            and all(map(equal, a.ravel().tolist(), b.ravel().tolist()))
        )
    if isinstance(a, nn.Layer):
        pairs = zip(a.named_parameters(), b.named_parameters(), strict=True)
        return repr(a) == repr(b) and all(n == m and equal(p.value, q.value) for (n, p), (m, q) in pairs)
    if isinstance(a, np.random.RandomState):
        return equal(a.get_state(legacy=False), b.get_state(legacy=False))
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    return a == b or (a != a and b != b)


def same(a, b) -> bool:
    """Whether two estimators are of one kind, with the same parameters and the same fitted attributes."""
    names = [n for n in (*type(a).stored, "n_features_in_", "feature_names_in_") if hasattr(a, n)]
    return (
        type(a) is type(b)
        and equal(a.get_params(deep=False), b.get_params(deep=False))
        and all(hasattr(b, n) and equal(getattr(a, n), getattr(b, n)) for n in names)
    )


@pytest.mark.parametrize("name", ["folder", "one.glassgrad", "one.safetensors"])
def test_a_fitted_estimator_comes_back(tmp_path, fitted, table, name):
    path = estimators.save(fitted, tmp_path / name, {"by": "me"})
    again = estimators.load(path, estimators=OWN)
    assert same(fitted, again)
    assert (again.predict(table[0]) == fitted.predict(table[0])).all()
    assert again.feature_names_in_.tolist() == ["a", "b", "c", "längd"]
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with pytest.raises(DataError, match="exists"):
        estimators.save(fitted, path)
    estimators.save(fitted, path, overwrite=True)


VALUES = [
    None, True, -3, 2.5, np.nan, np.inf, -np.inf, "text", "", [], (), {}, [1, [2, (3,)]], {"a": {1: None}}, {2.5: "x"},
    np.float32(0.1), np.bool_(True), np.int8(-3), np.float64(np.inf), np.arange(6).reshape(2, 3),
    np.zeros((0, 3), np.float32), np.float16([1.5]), np.array(5), np.array([True, False]), np.array(["a", "längre"]),
    np.array([["x"], ["y"]], object), np.array([1, "b", None], object), np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    distributions.NegativeBinomial(2.0), optim.StepDecay(0.1, 5), optim.Adam(0.01), nn.Linear(2, 3, seed=0),
    nn.Sequential(nn.Linear(2, 2, seed=1), nn.PReLU()),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda v: f"{type(v).__name__}-{v!r:.12}")
def test_values_come_back_as_they_were(value):
    from glassgrad.storage.layers import known_layers

    arrays = {}
    entry = json.loads(json.dumps(pack(value, "v", arrays), allow_nan=False))
    assert equal(value, unpack(entry, arrays, known_layers(())))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.tanh, "is a function"), (lambda x: x, "is a function"), (object(), "it is <object"), ({1, 2}, "plain data"),
        (np.array([1j]), "an array of complex128"), (np.array(["2020-01-01"], "M8[D]"), "array of datetime64"),
        ([1, {"a": np.tanh}], r"cannot store v\.1\.a: it is a function"), (1j, "plain data"),
    ],
)  # fmt: skip
def test_what_is_no_plain_data_is_refused(value, words):
    with pytest.raises(UnsupportedError, match=words):
        pack(value, "v", {})


def test_what_cannot_be_stored_says_what_to_do(tmp_path, fitted):
    fitted.set_params(schedule=lambda step: 0.1 / (1 + step))
    with pytest.raises(UnsupportedError, match=r"parameters\.schedule: it is a function(.|\n)*set_params\(schedule="):
        estimators.save(fitted, tmp_path / "m")
    with pytest.raises(NotFittedError):
        estimators.save(Nearest(), tmp_path / "m")
    with pytest.raises(OperandError, match=r"of glassgrad\.estimators can be stored, not dict"):
        estimators.save({}, tmp_path / "m")
    with pytest.raises(DataError, match="info holds what JSON cannot"):
        estimators.save(fitted.set_params(schedule=None), tmp_path / "m", info={"x": np.tanh})
    assert list(tmp_path.iterdir()) == []


def test_only_known_estimators_are_made(tmp_path, fitted):
    path = estimators.save(fitted, tmp_path / "m")
    with pytest.raises(DataError, match=r"there is no estimator 'Nearest'"):
        estimators.load(path)
    document = json.loads((path / "model.json").read_text())
    for name in ("NetworkEstimator", "BaseEstimator", "os.system", None, 3):
        write(path, {**document, "estimator": name})
        with pytest.raises(DataError, match="there is no estimator"):
            estimators.load(path, estimators=OWN)
    with pytest.raises(DataError, match="there is no such folder or file"):
        estimators.load(tmp_path / "nowhere")


def test_a_network_is_no_estimator_and_newer_versions_are_named(tmp_path, fitted):
    from glassgrad import storage

    net = storage.save(nn.Linear(2, 2), tmp_path / "net")
    with pytest.raises(DataError, match=r"is not a estimator that glassgrad stored, but a glassgrad network"):
        estimators.load(net)
    path = estimators.save(fitted, tmp_path / "m")
    document = json.loads((path / "model.json").read_text())
    write(path, {**document, "version": 2})
    with pytest.raises(DataError, match="version 2, and this glassgrad reads up to 1: install a newer glassgrad"):
        estimators.load(path, estimators=OWN)


def write(folder, document):
    """A description as someone hostile would leave it: without the digest that would give the edit away."""
    document = {name: value for name, value in document.items() if name != "sha256"}
    (folder / "model.json").write_text(json.dumps(document))


def test_every_cut_and_flipped_bit_gives_an_error_or_an_equal_model(tmp_path, fitted):
    path = estimators.save(fitted, tmp_path / "m.glassgrad")
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for size in rng.choice(len(content), 200, replace=False):
        path.write_bytes(content[:size])
        with pytest.raises(DataError):
            estimators.load(path, estimators=OWN)
    survived = 0
    for place in rng.choice(len(content), 600, replace=False):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << int(rng.integers(8))]) + content[place + 1 :])
        try:
            again = estimators.load(path, estimators=OWN)
        except DataError:
            continue
        survived += 1
        assert same(fitted, again)
    assert survived < 60


ODD = [None, True, -1, 0, 10**30, 1e308, "", "x", [], {}, [[]], {"array": "rates_.0"}, {"array": "none"}, {"tuple": 3},
       {"dict": [[[], 1]]}, {"number": 1, "dtype": "O"}, {"number": 1, "dtype": "M8[ns]"}, {"float": "1"}, {"odd": 1},
       {"listed": ["a"], "shape": [-1, 0], "kind": "U"}, {"listed": [1], "shape": [1], "kind": "U"},
       {"settings": "SGD", "fields": {"dict": [["rate", "fast"]]}}, {"network": 3, "weights": "net_"},
       {"random_state": {"dict": []}}, {"distribution": {"name": "cauchy", "settings": {}}}]  # fmt: skip


def places(entry, path=()):
    """Every place in a document."""
    yield path
    pairs = entry.items() if isinstance(entry, dict) else enumerate(entry) if isinstance(entry, list) else ()
    for key, value in pairs:
        yield from places(value, (*path, key))


def test_random_edits_give_an_error_or_a_model_and_never_anything_else(tmp_path, fitted, table):
    path = estimators.save(fitted, tmp_path / "m")
    document = json.loads((path / "model.json").read_text())
    every = [p for p in places(document) if p]
    rng = np.random.default_rng(1)
    loaded = 0
    for _ in range(800):
        edited = copy.deepcopy(document)
        for _ in range(int(rng.integers(1, 3))):
            *above, last = every[int(rng.integers(len(every)))]
            spot = edited
            try:
                for key in above:
                    spot = spot[key]
                if rng.random() < 0.2:
                    del spot[last]
                else:
                    spot[last] = ODD[int(rng.integers(len(ODD)))]
            except (KeyError, IndexError, TypeError):
                continue  # the first edit took this place away
        write(path, edited)
        try:
            estimators.load(path, estimators=OWN)
        except DataError:
            continue
        loaded += 1
    assert 20 < loaded < 600


def test_parts_that_do_not_fit_together_are_refused(tmp_path, fitted):
    path = estimators.save(fitted, tmp_path / "m")
    document = json.loads((path / "model.json").read_text())

    def edited(**changes):
        write(path, {**document, "fitted": {**document["fitted"], **changes}})
        return pytest.raises(DataError, match=r"whose parts fit together|does not describe")

    for changes in (
        {"n_features_in_": 5}, {"n_features_in_": 10**12}, {"n_features_in_": -1}, {"n_features_in_": True},
        {"classes_": {"listed": ["a", "b"], "shape": [2], "kind": "U"}}, {"net_": 3}, {"predict": 3}, {"__class__": 3},
        {"n_features_in_": "4"}, {"net_": {"distribution": {"name": "gaussian", "settings": {}}}},
    ):  # fmt: skip
        with edited(**changes):
            estimators.load(path, estimators=OWN)


def test_a_classifier_without_its_classes_is_refused(tmp_path):
    model = estimators.MLPClassifier((3,), max_iter=2, n_iter_no_change=3, random_state=0)
    with pytest.warns(ConvergenceWarning):
        path = estimators.save(model.fit(np.eye(4, dtype=np.float32), [0, 1, 0, 1]), tmp_path / "m")
    document = json.loads((path / "model.json").read_text())
    del document["fitted"]["classes_"]
    write(path, document)
    with pytest.raises(DataError, match="it classifies, and its classes are missing"):
        estimators.load(path)


REAL = [
    lambda: estimators.LogisticRegression(max_iter=20, tol=0.1),
    lambda: estimators.LogisticRegression(solver="minibatch", max_iter=3, batch_size=16, class_weight="balanced"),
    lambda: estimators.Perceptron(max_iter=5, average=True, tol=None),
    lambda: estimators.MLPClassifier((8,), max_iter=3, n_iter_no_change=3, random_state=0, batch_size=16),
    lambda: estimators.MLPClassifier((8, 6), activation=["prelu", "maxout"], dropout=0.2, max_iter=2, random_state=0,
                                     learning_rate=optim.StepDecay(0.01, 5), n_iter_no_change=2),
    lambda: estimators.MLPRegressor(loss="laplace", hidden_layer_sizes=(5,), max_iter=3, random_state=1),
    lambda: estimators.MLPRegressor(distributions.NegativeBinomial(2.0), (5,), max_iter=3, random_state=1),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::glassgrad.estimators.NotSeparableWarning")
@pytest.mark.parametrize("make", REAL, ids=range(len(REAL)))
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_estimator_of_the_package_comes_back_whole(tmp_path, make, classes, dtype):
    rng = np.random.default_rng(0)
    X, codes = rng.normal(size=(60, 5)).astype(dtype), np.arange(60) % classes
    X[np.arange(60), codes] += 2
    model = make()
    model.fit(X, codes.astype(float) if is_regressor(model) else np.array(["a", "b", "c"])[codes])
    again = estimators.load(estimators.save(model, tmp_path / "m.glassgrad"))
    assert same(model, again)
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            got = getattr(again, method)(X)
            assert got.dtype == getattr(model, method)(X).dtype
            assert (got == getattr(model, method)(X)).all()
    assert str(again.network()) == str(model.network())
    if is_classifier(model):
        assert (again.classes_ == model.classes_).all()


def test_every_estimator_of_the_package_can_be_made_by_name():
    public = [getattr(estimators, n) for n in estimators.__all__]
    kinds = {k for k in public if isinstance(k, type) and issubclass(k, NetworkEstimator)}
    assert kinds <= set(saved._own())
    assert Nearest not in saved._own()
