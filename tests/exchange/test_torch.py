"""Weights to PyTorch and back: equal outputs there, the same bits here."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import DataError, OperandError, ShapeError, UnsupportedError
from glassgrad.estimators import LogisticRegression, MLPClassifier
from glassgrad.exchange import from_torch_state_dict, to_torch_state_dict


def network(dtype: str = "float32") -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(5, 8, dtype=dtype), nn.PReLU(8, dtype=dtype), nn.Linear(8, 6, bias=False, dtype=dtype),
        nn.PReLU(dtype=dtype), nn.Linear(6, 4, dtype=dtype), nn.Tanh(), nn.Linear(4, 3, dtype=dtype),
    ).initialise(3)  # fmt: skip


def same(a: nn.Layer, b: nn.Layer) -> None:
    for (name, p), (other, q) in zip(a.named_parameters(), b.named_parameters(), strict=True):
        assert name == other
        assert p.dtype == q.dtype
        np.testing.assert_array_equal(p.value, q.value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_round_trip_is_exact(dtype: str) -> None:
    net = network(dtype)
    state = to_torch_state_dict(net, tensors=False)
    assert list(state) == [
        "0.weight", "0.bias", "1.weight", "2.weight", "3.weight", "4.weight", "4.bias", "6.weight", "6.bias",
    ]  # fmt: skip
    again = from_torch_state_dict(state, activation=nn.Tanh)
    assert repr(again) == repr(net)
    same(net, again)
    filled = from_torch_state_dict(state, network(dtype).initialise(9, again=True))
    same(net, filled)
    assert not np.shares_memory(state["1.weight"], net[1].a.value)


UNITS: dict[str, tuple[Any, str]] = {
    "relu": (nn.ReLU, "ReLU()"), "tanh": (nn.Tanh, "Tanh()"), "sigmoid": (nn.Sigmoid, "Sigmoid()"),
    "softplus": (nn.Softplus, "Softplus()"), "elu": (lambda: nn.ELU(1.5), "ELU(1.5)"),
    "leaky": (lambda: nn.LeakyReLU(0.2), "LeakyReLU(0.2)"), "hardtanh": (nn.HardTanh, "Hardtanh()"),
    "softmax": (nn.Softmax, "Softmax(-1)"), "prelu": (lambda: nn.PReLU(8), "PReLU(8)"),
    "dropout": (nn.Dropout, "Dropout()"),
    "rrelu": (nn.RandomizedReLU, "RReLU()"), "identity": (nn.Identity, "Identity()"),
}  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_a_torch_model_with_these_weights_puts_out_the_same(unit: str) -> None:
    torch = pytest.importorskip("torch")
    make, theirs = UNITS[unit]
    net = nn.Sequential(nn.Linear(5, 8), make(), nn.Linear(8, 3)).initialise(4)
    model = torch.nn.Sequential(torch.nn.Linear(5, 8), eval(f"torch.nn.{theirs}"), torch.nn.Linear(8, 3)).eval()
    model.load_state_dict(to_torch_state_dict(net))
    x = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)
    with torch.no_grad():
        np.testing.assert_allclose(net(x).value, model(torch.from_numpy(x)).numpy(), rtol=1e-5, atol=1e-6)
    back = from_torch_state_dict(model.state_dict(), activation=make)
    same(back, net)


def test_a_linear_layer_alone_and_layers_inside_layers() -> None:
    assert list(to_torch_state_dict(nn.Linear(2, 3, seed=0), tensors=False)) == ["weight", "bias"]
    inner = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    net = nn.Sequential(inner, nn.Linear(3, 1)).initialise(0)
    assert list(to_torch_state_dict(net, tensors=False)) == ["0.0.weight", "0.0.bias", "1.weight", "1.bias"]


def test_the_network_goes_on_learning() -> None:
    X, y = gg.data.digits()[:2]
    net = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10)).initialise(0)
    again = from_torch_state_dict(to_torch_state_dict(net, tensors=False))
    losses = []
    for one in (net, again):
        trainer = gg.train.Trainer(one, gg.distributions.Categorical(), gg.optim.SGD(0.1), seed=1, engine="numpy")
        losses.append(trainer.fit(X[:320], y[:320], epochs=2).loss)
    np.testing.assert_array_equal(*losses)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.pop("2.bias"), DataError, "the state lacks 2.bias"),
        (lambda s: s.update({"3.weight": np.ones((2, 2))}), DataError, "the network has no 3.weight"),
        (lambda s: s.update({"0.weight": np.ones((5, 8))}), ShapeError, r"0.weight has the shape \(5, 8\)"),
        (lambda s: s.update({"0.bias": np.full(8, np.nan)}), DataError, "0.bias holds numbers that are not finite"),
        (lambda s: s.update({"0.bias": np.ones(8, int)}), DataError, "0.bias holds int64"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change: Any, error: Any, message: str) -> None:
    net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)).initialise(0)
    before = [p.value for p in net.parameters()]
    state = to_torch_state_dict(nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)).initialise(1), tensors=False)
    change(state)
    with pytest.raises(error, match=message):
        from_torch_state_dict(state, net)
    for p, value in zip(net.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.value, value)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({}, DataError, "the state is empty"),
        ({"body.0.weight": np.ones((2, 2))}, UnsupportedError, r"told from the name 'body.0.weight'; make the network"),
        ({"0.weight": np.ones((2, 2)), "3.weight": np.ones((2, 2))}, UnsupportedError, "stands before layer 3"),
        ({"1.weight": np.ones((2, 2))}, UnsupportedError, "stands before layer 1"),
        ({"0.weight": np.ones(2), "0.bias": np.ones(2)}, UnsupportedError, "neither Linear nor PReLU"),
        ({"0.weight": np.ones((3, 2)), "2.weight": np.ones((2, 4))}, ShapeError, "takes 4 numbers, .* gives 3"),
    ],
)
def test_a_network_that_cannot_be_told_from_names(state: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        from_torch_state_dict(state)


def test_layers_that_torch_lacks_and_things_that_are_no_network() -> None:
    with pytest.raises(UnsupportedError, match=r"0\.RadialBasis has the parameter W, and PyTorch has no such layer"):
        to_torch_state_dict(nn.Sequential(nn.RadialBasis(2, 3), nn.Linear(3, 1)).initialise(0), tensors=False)
    with pytest.raises(OperandError, match="a network or a fitted estimator is needed, not dict"):
        to_torch_state_dict({})


def test_without_torch_arrays_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UnsupportedError, match="tensors=False"):
        to_torch_state_dict(nn.Linear(2, 1, seed=0))


def test_fitted_mlps_hand_their_weights_over_and_take_them() -> None:
    X, y = gg.data.digits()
    settings = {"hidden_layer_sizes": (16,), "max_iter": 2, "tol": 0.0, "engine": "numpy"}
    with pytest.warns(ConvergenceWarning):
        one, other = (MLPClassifier(**settings, random_state=seed).fit(X[:300], y[:300]) for seed in (0, 1))
    assert (one.predict(X) != other.predict(X)).any()
    state = to_torch_state_dict(one, tensors=False)
    assert list(state) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert from_torch_state_dict(state, other) is other
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    linear = LogisticRegression(max_iter=200).fit(X[:300], y[:300])
    assert {k: v.shape for k, v in to_torch_state_dict(linear, tensors=False).items()} == {
        "weight": (10, 64), "bias": (10,),
    }  # fmt: skip
    with pytest.raises(UnsupportedError, match="a network or a fitted MLP, not a LogisticRegression"):
        from_torch_state_dict(to_torch_state_dict(linear, tensors=False), linear)
    with pytest.raises(NotFittedError):
        to_torch_state_dict(MLPClassifier())
