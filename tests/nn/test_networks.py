"""Networks made of layers: the worked networks of the sources, parameters, freezing, seeds, tables, messages."""

import copy
import pickle

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import OperandError, ShapeError, UnknownNameError


def digits():
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def test_xor_by_hand():
    """Row S12."""
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    net[0].W.value, net[0].b.value = [[1, 1], [1, 1]], [0, -1]
    net[2].W.value, net[2].b.value = [[1], [-2]], [0]
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(net[:2](x).value, [[0, 0], [1, 0], [1, 0], [2, 1]])
    np.testing.assert_array_equal(net(x).value, [[0], [1], [1], [0]])


def test_a_linear_model_of_xor_says_one_half_everywhere():
    """Row S12: the least squares solution is w = 0, b = ½; its gradient is 0 there."""
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
    layer = nn.Linear(2, 1, dtype=np.float64)
    layer.W.value, layer.b.value = np.zeros((2, 1)), [0.5]
    out = layer(x)
    np.mean((out - y) ** 2).backward()
    np.testing.assert_array_equal(out.value, np.full((4, 1), 0.5))
    np.testing.assert_allclose(layer.W.grad, 0, atol=1e-16)
    np.testing.assert_allclose(layer.b.grad, 0, atol=1e-16)
    best = np.linalg.lstsq(np.c_[x, np.ones(4)], y, rcond=None)[0]
    np.testing.assert_allclose(best.ravel(), [0, 0, 0.5], atol=1e-15)


def test_three_layer_sigmoid_network():
    """Row S23: 3-4-4-1, against plain NumPy; one neuron alone, and a whole layer at once."""
    net = nn.Sequential(
        nn.Linear(3, 4, dtype=np.float64), nn.Sigmoid(), nn.Linear(4, 4, dtype=np.float64), nn.Sigmoid(),
        nn.Linear(4, 1, dtype=np.float64),
    ).initialise(0)  # fmt: skip
    for p in net.parameters():
        p.value = np.random.default_rng(1).normal(size=p.shape)

    def f(z):
        return 1.0 / (1.0 + np.exp(-z))

    x = np.array([0.5, -1.0, 2.0])
    w1, b1, w2, b2, w3, b3 = [p.value for p in net.parameters()]
    h1 = f(x @ w1 + b1)
    h2 = f(h1 @ w2 + b2)
    np.testing.assert_allclose(net(x).value, h2 @ w3 + b3, rtol=1e-14)
    np.testing.assert_allclose(net[:2](x).value, h1, rtol=1e-14)
    for j in range(4):
        rate = 1.0 / (1.0 + np.exp(-(np.sum(x * w1[:, j]) + b1[j])))
        np.testing.assert_allclose(net[:2](x).value[j], rate, rtol=1e-14)


def test_linear_gradients():
    layer = nn.Linear(3, 2, dtype=np.float64, seed=0)
    rng = np.random.default_rng(0)
    x, g = gg.tensor(rng.normal(size=(5, 3)), "x"), rng.normal(size=(5, 2))
    layer(x).backward(g)
    np.testing.assert_allclose(layer.W.grad, x.value.T @ g)
    np.testing.assert_allclose(layer.b.grad, g.sum(0))
    np.testing.assert_allclose(x.grad, g @ layer.W.value.T)


def test_float32_unless_told():
    net = digits()
    assert {p.dtype for p in net.parameters()} == {np.dtype(np.float32)}
    for x in (np.ones((2, 64)), np.ones((2, 64), np.int64), np.ones((2, 64), bool), [[1] * 64] * 2):
        assert net(x).dtype == np.float32
    assert nn.Linear(2, 2, dtype=np.float64)(np.ones((1, 2), np.float32)).dtype == np.float64
    assert nn.Linear(2, 2, dtype=np.float16, seed=0)(np.ones((1, 2))).dtype == np.float16
    with pytest.raises(OperandError, match="must be floating"):
        nn.Linear(2, 2, dtype=np.int32)


def test_paths_counts_and_names():
    net = digits()
    assert net.count() == 64 * 64 + 64 + 64 * 10 + 10
    assert [name for name, _ in net.named_parameters()] == ["0.W", "0.b", "2.W", "2.b"]
    assert [p.name for p in net.parameters()] == ["0.W", "0.b", "2.W", "2.b"]
    net[2].named_parameters()
    assert net[2].W.name == "2.W"
    assert net[2].title == "2.Linear"
    assert [path for path, _ in net.named_layers()] == ["0", "1", "2"]
    assert len(net) == 3
    assert list(net) == net.layers() == [net[0], net[1], net[2]]
    assert net[-1] is net[2]
    assert nn.Linear(2, 2, bias=False).count() == 4


class Block(nn.Layer):
    def __init__(self, n):
        self.scale = gg.Parameter(np.ones(n, np.float32))
        self.steps = [nn.Linear(n, n), nn.Tanh()]
        self.more = {"out": nn.Linear(n, n, bias=False)}
        self.shift = nn.weight((n,), nn.Constant(0.5))
        self.note = "not a parameter"

    def forward(self, x):
        for step in self.steps:
            x = step(x)
        return x * self.scale + self.more["out"](x) + self.shift


def test_own_layers():
    net = nn.Sequential(Block(3), nn.ReLU(), Block(3))
    names = ["scale", "steps.0.W", "steps.0.b", "more.out.W", "shift"]
    assert [n for n, _ in net.named_parameters()] == [f"{i}.{n}" for i in (0, 2) for n in names]
    assert net.count() == 2 * (3 + 12 + 9 + 3)
    out = net(np.ones((2, 3), np.float32))
    assert [g.name for g in out.group.path] == ["2.Block"]
    np.sum(out).backward()
    assert all(p.grad is not None for p in net.parameters())
    groups = {"/".join(g.name for g in w.group.path) for w in gg.Graph([out]).gates}
    assert {"0.Block", "0.Block/steps.0.Linear", "0.Block/more.out.Linear", "1.ReLU"} <= groups
    assert net[2].steps[0].title == "2.steps.0.Linear"
    assert "2.steps.0.Linear" in str(net)


def test_graphs_fold_by_layer():
    out = digits()(gg.tensor(np.ones((3, 64), np.float32), "x"))
    text = gg.Graph([out]).text(fold=True)
    assert [part in text for part in ("0.Linear(x, 0.W, 0.b)", "1.ReLU(", "2.Linear(")] == [True] * 3


def test_own_layer_without_forward():
    class Empty(nn.Layer):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no forward"):
        Empty()(np.ones(2))


def test_shared_parameters_and_layers_count_once():
    a = nn.Linear(3, 3)
    net = nn.Sequential(a, nn.Tanh(), a)
    assert net.count() == 12
    b = nn.Linear(3, 3)
    b.W = a.W
    tied = nn.Sequential(a, b).initialise(4)
    assert tied.count() == 15
    assert tied[1].W is tied[0].W
    assert [n for n, _ in tied.named_parameters()] == ["0.W", "0.b", "1.b"]


def test_same_seed_same_bits_and_every_parameter_its_own_key():
    a, b, c = digits().initialise(7), digits().initialise(7), digits().initialise(8)
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_array_equal(p.value, q.value)
    assert not np.array_equal(a[0].W.value, c[0].W.value)
    twins = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)).initialise(0)
    assert not np.array_equal(twins[0].W.value, twins[1].W.value)


def test_the_key_of_a_parameter():
    from glassgrad.ops import random

    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5, weight=nn.HeNormal())).initialise(11)
    expected = nn.HeNormal()(random.fold_in(random.key(11), 2), (4, 5), np.float32)
    np.testing.assert_array_equal(net[1].W.value, expected)


def test_looking_does_not_change_what_a_seed_gives():
    looked, fresh = digits(), digits().initialise(3)
    first = np.array(looked[2].W.value)
    looked(np.ones((1, 64), np.float32))
    str(looked)
    looked.freeze("0.*")
    np.testing.assert_array_equal(first, digits().initialise(0)[2].W.value)
    looked.initialise(3)
    np.testing.assert_array_equal(looked[2].W.value, fresh[2].W.value)
    np.testing.assert_array_equal(looked[0].W.value, fresh[0].W.value)
    assert looked[0].W.frozen


def test_what_was_drawn_or_assigned_stays():
    net = nn.Sequential(nn.Linear(2, 2, seed=5), nn.Linear(2, 2), nn.Linear(2, 2))
    own = np.array(net[0].W.value)
    net[1].W.value = np.eye(2)
    net.initialise(9)
    np.testing.assert_array_equal(net[0].W.value, own)
    np.testing.assert_array_equal(net[1].W.value, np.eye(2))
    drawn = np.array(net[2].W.value)
    net.initialise(10)
    np.testing.assert_array_equal(net[2].W.value, drawn)
    net.initialise(10, again=True)
    assert not np.array_equal(net[2].W.value, drawn)
    assert not np.array_equal(net[1].W.value, np.eye(2))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"])
def test_copies_keep_their_weights(copied):
    net = digits()
    x = np.ones((2, 64), np.float32)
    before = np.array(net(x).value)
    net[2].b.value = net[2].b.value + 1
    twin = copied(net)
    twin.initialise(12)
    np.testing.assert_array_equal(twin(x).value, before + 1)
    twin[2].b.value = np.zeros(10)
    np.testing.assert_array_equal(net(x).value, before + 1)
    undrawn = copied(digits())
    np.testing.assert_array_equal(undrawn.initialise(2)[0].W.value, digits().initialise(2)[0].W.value)


def test_freezing():
    net = digits().freeze().unfreeze("2.*")
    assert net.count(trainable=True) == 650
    np.sum(net(np.ones((2, 64)))).backward()
    assert not net[0].W.active
    assert net[2].W.grad is not None
    assert "W (64, 64) frozen" in str(net)
    assert "650 learn" in str(net)
    with pytest.raises(UnknownNameError, match=r"'3\.\*'.*0\.W, 0\.b, 2\.W, 2\.b"):
        net.freeze("3.*")


def test_table_fits_in_eighty_columns():
    wide = nn.Sequential(
        nn.Linear(123456, 100), nn.RandomizedReLU(), nn.RadialBasis(100, 7), nn.Dropout(0.25), nn.PReLU(7), Block(7)
    )
    text = str(wide)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert f"{wide.count():,}" in text
    assert repr(digits()) == "Sequential(Linear(64, 64), ReLU(), Linear(64, 10))"
    assert str(nn.Linear(2, 3, bias=False)) == "Linear(2, 3, bias=False)"
    assert "0 " not in str(nn.Sequential()).replace("in all", "")


def test_wrong_width_names_layer_weight_and_line():
    net = digits()
    with pytest.raises(ShapeError) as error:
        net(gg.tensor(np.ones((5, 63)), "pixels"))
    message = str(error.value)
    for part in ("0.Linear takes rows of 64 numbers", "(5, 63)", "pixels", "0.W: float32[64, 64]", "test_networks.py"):
        assert part in message
    with pytest.raises(ShapeError, match=r"Linear takes rows of 64"):
        net(3.0)


@pytest.mark.parametrize("bad", [nn.ReLU, np.tanh, [nn.ReLU()]])
def test_sequential_takes_layers(bad):
    with pytest.raises(OperandError, match="Sequential is made of layers"):
        nn.Sequential(nn.Linear(2, 2), bad)


def test_a_parameter_is_not_replaced_by_an_array():
    layer = nn.Linear(2, 2)
    with pytest.raises(OperandError, match=r"layer\.W\.value = "):
        layer.W = np.eye(2)
    layer.W = gg.Parameter(np.eye(2, dtype=np.float32))
    np.testing.assert_array_equal(layer(np.ones(2)).value, [1, 1])
    with pytest.raises(AttributeError, match="no attribute 'V'"):
        _ = layer.V


def test_parts_that_come_later():
    net = nn.Sequential(nn.Linear(2, 2))
    net.head = nn.Linear(2, 1)
    assert [n for n, _ in net.named_parameters()] == ["0.W", "0.b", "head.W", "head.b"]
    assert net.head.title == "head.Linear"


def test_traced_networks_run_again_with_new_parameters():
    net = digits()
    params = net.parameters()
    x = gg.trace(lambda x: net(x), np.zeros((2, 64), np.float32), values=False)
    graph = gg.Graph(x.outputs, [*params, *x.inputs])
    data = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)
    new = [p.value * 2 for p in params]
    for p, v in zip(params, new, strict=True):
        p.value = v
    np.testing.assert_array_equal(graph.run(*new, data)[0], net(data).value)


INITIALISERS = {
    nn.GlorotUniform(): np.sqrt(2 / 500),
    nn.GlorotNormal(): np.sqrt(2 / 500),
    nn.HeUniform(): np.sqrt(2 / 300),
    nn.HeNormal(): np.sqrt(2 / 300),
    nn.LeCunUniform(): np.sqrt(1 / 300),
    nn.LeCunNormal(): np.sqrt(1 / 300),
    nn.Normal(0.3): 0.3,
    nn.Uniform(-0.2, 0.4): 0.6 / np.sqrt(12),
    nn.HeNormal(2.0): 2 * np.sqrt(2 / 300),
}


@pytest.mark.parametrize(("initialiser", "std"), INITIALISERS.items(), ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_spread_of_initialisers(initialiser, std, dtype):
    w = nn.Linear(300, 200, weight=initialiser, dtype=dtype, seed=0).W.value
    assert w.dtype == dtype
    assert abs(w.std() / std - 1) < 0.02
    assert abs(w.mean() - (0.1 if isinstance(initialiser, nn.Uniform) else 0)) < 0.02 * std + 1e-3
    if "Uniform" in type(initialiser).__name__:
        assert np.ptp(w) <= np.sqrt(12) * std * (1 + 1e-6)


def test_constant_biases():
    assert np.all(nn.Linear(2, 3, bias_init=nn.Constant()).b.value == np.float32(0.1))
    assert np.all(nn.Linear(2, 3).b.value == 0)
    own = nn.Linear(2, 3, weight=lambda key, shape, dtype: np.arange(6.0).reshape(shape))
    np.testing.assert_array_equal(own.W.value, [[0, 1, 2], [3, 4, 5]])
