"""Networks on disk: what comes back, what is refused, and what is said of damaged files."""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pytest

from glassgrad import distributions, nn, storage
from glassgrad.errors import DataError, OperandError, UnknownNameError, UnsupportedError


class Residual(nn.Layer):
    def __init__(self, n, inner):
        self.n = n
        self.inner = inner
        self.scale = nn.weight((n,), nn.Constant(1.0))

    def forward(self, x):
        return x + self.scale * self.inner(x)


def every_layer():
    return nn.Sequential(
        nn.Linear(6, 8, seed=1), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 8, bias=False, seed=2), nn.LeakyReLU(0.2),
        nn.PReLU(8), nn.PReLU(), nn.RandomizedReLU(), nn.ELU(0.5), nn.Sequential(nn.Tanh(), nn.Sigmoid()),
        nn.Linear(8, 8, seed=3), nn.Maxout(2), nn.AbsoluteValue(), nn.HardTanh(-2.0, 2.0), nn.Softplus(), nn.Identity(),
        nn.RadialBasis(4, 5, seed=4), nn.Linear(5, 3, seed=5), nn.Softmax(),
    )  # fmt: skip


def test_every_layer_comes_back_bit_for_bit(tmp_path):
    net = every_layer()
    net.freeze("0.*")
    folder = storage.save(net, tmp_path / "model", distributions.NegativeBinomial(3.0), {"classes": ["a", "b"]})
    model = storage.load(folder)
    x = np.random.default_rng(0).standard_normal((7, 6)).astype(np.float32)
    assert np.array_equal(net(x).value, model.net(x).value)
    assert [(n, p.frozen) for n, p in net.named_parameters()] == [
        (n, p.frozen) for n, p in model.net.named_parameters()
    ]
    assert model.loss == distributions.NegativeBinomial(3.0)
    assert model.info == {"classes": ["a", "b"]}
    assert sorted(p.name for p in folder.iterdir()) == ["model.json", "weights.safetensors"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]
    before = model.net[0].W.value
    model.net.initialise(99)
    assert np.array_equal(model.net[0].W.value, before)


def test_float64_scalars_and_a_layer_used_twice(tmp_path):
    shared = nn.Linear(3, 3, dtype=np.float64, seed=0)
    net = nn.Sequential(shared, nn.PReLU(dtype=np.float64), shared)
    again = storage.load(storage.save(net, tmp_path / "m")).net
    assert again[0] is again[2]
    assert again[0].W.dtype == np.float64
    assert again.count() == net.count()


def test_layers_of_ones_own_come_back_when_their_classes_are_given(tmp_path):
    net = nn.Sequential(Residual(3, nn.Sequential(nn.Linear(3, 3), nn.ReLU())))
    net.initialise(4)
    folder = storage.save(net, tmp_path / "m")
    again = storage.load(folder, layers=[Residual]).net
    x = np.ones((2, 3), np.float32)
    assert np.array_equal(net(x).value, again(x).value)
    with pytest.raises(UnknownNameError, match="no layer 'Residual'"):
        storage.load(folder)
    with pytest.raises(OperandError, match="takes classes"):
        storage.load(folder, layers=[Residual(3, nn.ReLU())])


def test_what_cannot_be_described_is_refused_when_saved(tmp_path):
    class Hidden(nn.Layer):
        def __init__(self, size):
            self.W = nn.weight((size,), nn.Zeros())

    class Function(nn.Layer):
        def __init__(self, function):
            self.function = function
            self.W = nn.weight((2,), nn.Zeros())

    class Mine(distributions.Gaussian):
        pass

    with pytest.raises(UnsupportedError, match=r"does not keep as an attribute; add self\.size = size"):
        storage.save(Hidden(3), tmp_path / "a")
    with pytest.raises(UnsupportedError, match="argument 'function' is"):
        storage.save(Function(np.tanh), tmp_path / "a")
    changed = nn.Linear(3, 2)
    changed.n_in = 4
    with pytest.raises(UnsupportedError, match="cannot be stored"):
        storage.save(changed, tmp_path / "a")
    with pytest.raises(UnsupportedError, match="distribution of your own"):
        storage.save(nn.Linear(3, 2), tmp_path / "a", loss=Mine())
    with pytest.raises(DataError, match="info holds what JSON cannot"):
        storage.save(nn.Linear(3, 2), tmp_path / "a", info={"x": float("nan")})
    with pytest.raises(OperandError, match=r"save\(\) takes a network"):
        storage.save({"W": 1}, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unless_told(tmp_path):
    first, second = nn.Linear(2, 2, seed=1), nn.Linear(3, 1, seed=2)
    folder = storage.save(first, tmp_path / "m")
    (folder / "report.html").write_text("mine")
    with pytest.raises(DataError, match=r"exists and is not empty; choose another folder.*overwrite=True"):
        storage.save(second, folder)
    assert storage.load(folder).net.count() == 6
    storage.save(second, folder, overwrite=True)
    assert storage.load(folder).net.count() == 4
    assert (folder / "report.html").read_text() == "mine"
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="is a file"):
        storage.save(second, tmp_path / "file", overwrite=True)
    (tmp_path / "empty").mkdir()
    storage.save(second, tmp_path / "empty")
    storage.save(second, tmp_path / "a" / "b" / "c")


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    folder = storage.save(nn.Linear(2, 2, seed=1), tmp_path / "m")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        storage.save(nn.Linear(3, 1, seed=2), folder, overwrite=True)
    with pytest.raises(OSError, match="disk full"):
        storage.save(nn.Linear(3, 1, seed=2), tmp_path / "n")
    assert storage.load(folder).net.count() == 6
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


@pytest.fixture
def stored(tmp_path):
    return storage.save(nn.Sequential(nn.Linear(4, 3, seed=0), nn.ReLU()), tmp_path / "m", distributions.Categorical())


def edit(folder, change):
    path = folder / "model.json"
    document = json.loads(path.read_text())
    document.pop("sha256", None)
    change(document)
    path.write_text(json.dumps(document))


def test_every_cut_and_every_flipped_byte_of_the_weights_is_noticed(stored):
    path = stored / "weights.safetensors"
    content = path.read_bytes()
    for size in range(0, len(content), 7):
        path.write_bytes(content[:size])
        with pytest.raises(DataError, match="damaged or cut short"):
            storage.load(stored)
    for place in range(0, len(content), 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DataError, match="damaged"):
            storage.load(stored)


def test_every_cut_of_the_description_is_noticed(stored):
    path = stored / "model.json"
    content = path.read_bytes()
    for size in range(0, len(content) - 1, 11):
        path.write_bytes(content[:size])
        with pytest.raises(DataError, match="damaged"):
            storage.load(stored)


def deep(document):
    inner = {"layer": "ReLU", "arguments": {}}
    for _ in range(300):
        inner = {"layer": "Sequential", "layers": [inner]}
    document["architecture"] = inner


def linear(**arguments):
    def change(document):
        document["architecture"]["layers"][0]["arguments"] = arguments

    return change


def first(entry):
    def change(document):
        document["architecture"]["layers"][0] = entry

    return change


def top(**fields):
    return lambda document: document.update(fields)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (top(version=2), "version 2, and this glassgrad reads up to 1: install a newer"),
        (top(version="1"), "version is '1'"),
        (top(version=0), "version is 0"),
        (top(format="other"), "not a network that glassgrad stored"),
        (top(architecture=[]), "'architecture' is missing or wrong"),
        (top(frozen=["nothing"]), "frozen parameters names others"),
        (top(frozen=[["0.W"]]), "model.json does not describe"),
        (top(info=3), "'info' is missing or wrong"),
        (top(loss={"name": "gaussian", "settings": {"a": 1}}), "does not describe a network"),
        (top(loss={"name": "gaussian", "settings": {"a": [1]}}), "settings of its distribution"),
        (top(loss=3), "settings of its distribution"),
        (deep, "nested too deeply"),
        (linear(n_in=4, n_out=2), "its layers have 10 numbers and weights.safetensors holds 15"),
        (linear(n_in=2, n_out=5), r"0.b is|0.W is float32\[2, 5\]"),
        (linear(n_in=4, n_out=3, dtype="float64"), "0.W is float64"),
        (linear(n_in=10**15, n_out=10**15), "too large for a layer"),
        (linear(n_in=10**9, n_out=10**9), "its layers have"),
        (linear(n_in=-4, n_out=3), "widths are whole numbers"),
        (linear(n_in="4", n_out=3), "widths are whole numbers"),
        (linear(n_in=4, n_out=3, weight="__import__('os')"), "does not describe"),
        (linear(n_in=4, n_out=3, evil=1), "arguments of Linear are not those it takes"),
        (linear(n_in=4), "does not describe"),
        (linear(n_in=4, n_out=3, dtype="nonsense"), "does not describe"),
        (first({"layer": "Sequential"}), "without its list of layers"),
        (first({"same": 0}), "same as number 0, which is not before it"),
        (first({"same": 7}), "same as number 7"),
        (first("ReLU"), "is no layer"),
    ],
)
def test_hostile_descriptions(stored, change, words):
    edit(stored, change)
    with pytest.raises(DataError, match=words):
        storage.load(stored)


@pytest.mark.parametrize("name", ["os.system", "Layer", "Initialiser", "weight", "__builtins__", 3, None])
def test_only_layers_can_be_named(stored, name):
    edit(stored, first({"layer": name, "arguments": {}}))
    with pytest.raises((UnknownNameError, DataError), match=r"there is no layer|does not describe"):
        storage.load(stored)


def test_unknown_distribution(stored):
    edit(stored, top(loss={"name": "cauchy", "settings": {}}))
    with pytest.raises(UnknownNameError, match="no distribution 'cauchy'"):
        storage.load(stored)


def test_weights_that_are_no_safetensors_and_have_the_right_digest(stored):
    for junk in (b"", b"junk", b"\xff" * 100, (2**62).to_bytes(8, "little") + b"{}"):
        (stored / "weights.safetensors").write_bytes(junk)
        digest = hashlib.sha256(junk).hexdigest()
        edit(stored, top(weights={"file": "weights.safetensors", "sha256": digest}))
        with pytest.raises(DataError, match=r"weights.safetensors is damaged"):
            storage.load(stored)


def test_missing_and_senseless_files(stored, tmp_path):
    with pytest.raises(DataError, match="there is no such folder or file"):
        storage.load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"it has no model\.json"):
        storage.load(tmp_path)
    (stored / "model.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="damaged: it is not JSON"):
        storage.load(stored)
    (stored / "model.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="damaged: it is not JSON"):
        storage.load(stored)
    (stored / "model.json").write_text('{"format": NaN}')
    with pytest.raises(DataError, match="damaged: it is not JSON"):
        storage.load(stored)
    (stored / "model.json").write_bytes(b" " * ((1 << 24) + 1))
    with pytest.raises(DataError, match="far more than a description"):
        storage.load(stored)


def same(a, b) -> bool:
    """Whether two networks have the same kinds of layers and the same numbers."""
    pairs = zip(a.named_parameters(), b.named_parameters(), strict=True)
    return repr(a) == repr(b) and all(n == m and np.array_equal(p.value, q.value) for (n, p), (m, q) in pairs)


def test_one_file_holds_a_whole_network(tmp_path):
    net = every_layer()
    for name in ("m.glassgrad", "deep/m.safetensors"):
        path = storage.save(net, tmp_path / name, distributions.Categorical(), {"classes": ["ä", "b"]})
        model = storage.load(path)
        assert same(net, model.net)
        assert (model.loss, model.info) == (distributions.Categorical(), {"classes": ["ä", "b"]})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "m.glassgrad"]
    with pytest.raises(DataError, match=r"m\.glassgrad exists; choose another name.*overwrite=True"):
        storage.save(nn.Linear(2, 2), tmp_path / "m.glassgrad")
    assert same(storage.load(tmp_path / "m.glassgrad").net, net)
    small = nn.Linear(2, 2, seed=0)
    storage.save(small, tmp_path / "m.glassgrad", overwrite=True)
    assert same(storage.load(tmp_path / "m.glassgrad").net, small)
    (tmp_path / "folder.glassgrad").mkdir()
    with pytest.raises(DataError, match="is a folder; a model of this name is one file"):
        storage.save(small, tmp_path / "folder.glassgrad", overwrite=True)


def test_every_cut_and_every_flipped_bit_of_one_file_is_noticed(tmp_path):
    net = nn.Sequential(nn.Linear(2, 2, seed=0), nn.ReLU())
    path = storage.save(net, tmp_path / "m.glassgrad", distributions.Categorical())
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(DataError):
            storage.load(path)
    survived = 0
    for place in range(len(content)):
        for bit in (0, 5):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
            try:
                again = storage.load(path)
            except DataError:
                continue
            survived += 1
            assert same(again.net, net)
            assert again.loss == distributions.Categorical()
    assert survived < len(content) / 20  # in spaces between the words, and in the names of digests


def test_every_flipped_bit_of_a_description_is_noticed(stored):
    path, net = stored / "model.json", storage.load(stored).net
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        try:
            assert same(storage.load(stored).net, net)
        except DataError:
            continue


def test_a_description_edited_by_hand_is_refused_until_its_digest_is_taken_out(stored):
    path = stored / "model.json"
    document = json.loads(path.read_text())
    document["info"] = {"accuracy": 1.0}
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"it is not what was written.*take its last entry 'sha256' out"):
        storage.load(stored)
    del document["sha256"]
    path.write_text(json.dumps(document))
    assert storage.load(stored).info == {"accuracy": 1.0}


@pytest.mark.parametrize(
    "junk", [b"", b"abc", b"\xff" * 64, (2**40).to_bytes(8, "little") + b"{}", b"\2" + b"\0" * 7 + b"{}"]
)
def test_junk_for_one_file(tmp_path, junk):
    path = tmp_path / "m.glassgrad"
    path.write_bytes(junk)
    with pytest.raises(DataError, match=r"damaged or cut short|no description|not JSON"):
        storage.load(path)
