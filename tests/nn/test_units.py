"""Every hidden unit of row S15 against plain NumPy, and the facts about them."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import DataError, ShapeError

Z = np.array([[-3.0, -0.7, 0.2, 1.9], [2.5, -0.1, 0.6, -1.4]])


def sigma(z):
    return 1 / (1 + np.exp(-z))


UNITS = [
    (nn.ReLU(), np.maximum(Z, 0), Z > 0),
    (nn.AbsoluteValue(), np.abs(Z), np.sign(Z)),
    (nn.LeakyReLU(), np.where(Z > 0, Z, 0.01 * Z), np.where(Z > 0, 1, 0.01)),
    (nn.LeakyReLU(0.1), np.where(Z > 0, Z, 0.1 * Z), np.where(Z > 0, 1, 0.1)),
    (nn.PReLU(dtype=np.float64), np.where(Z > 0, Z, 0.25 * Z), np.where(Z > 0, 1, 0.25)),
    (nn.RandomizedReLU(0.1, 0.3), np.where(Z > 0, Z, 0.2 * Z), np.where(Z > 0, 1, 0.2)),
    (nn.ELU(), np.where(Z > 0, Z, np.exp(Z) - 1), np.where(Z > 0, 1, np.exp(Z))),
    (nn.ELU(2.0), np.where(Z > 0, Z, 2 * (np.exp(Z) - 1)), np.where(Z > 0, 1, 2 * np.exp(Z))),
    (nn.Sigmoid(), sigma(Z), sigma(Z) * (1 - sigma(Z))),
    (nn.Tanh(), np.tanh(Z), 1 - np.tanh(Z) ** 2),
    (nn.Softplus(), np.log(1 + np.exp(Z)), sigma(Z)),
    (nn.HardTanh(), np.clip(Z, -1, 1), np.abs(Z) <= 1),
    (nn.HardTanh(-0.5, 2.0), np.clip(Z, -0.5, 2), (Z >= -0.5) & (Z <= 2)),
    (nn.Identity(), Z, np.ones_like(Z)),
]


@pytest.mark.parametrize(("unit", "value", "slope"), UNITS, ids=lambda x: repr(x) if isinstance(x, nn.Layer) else "")
def test_value_and_slope(unit, value, slope):
    z = gg.tensor(Z, "z")
    out = unit(z)
    np.sum(out).backward()
    np.testing.assert_allclose(out.value, value, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(z.grad, slope, rtol=1e-12, atol=1e-15)
    assert out.group.name == type(unit).__name__


@pytest.mark.parametrize("unit", [u for u, _, _ in UNITS] + [nn.Softmax(), nn.Maxout(2)], ids=repr)
def test_float32_stays_float32_and_extremes_are_finite(unit):
    x = gg.tensor(np.array([[-1000, 1000, -1e-30, 1e-30]], np.float32))
    if isinstance(unit, nn.PReLU):
        unit = nn.PReLU()
    out = unit(x)
    np.sum(out).backward()
    assert out.dtype == np.float32
    assert np.all(np.isfinite(out.value))
    assert np.all(np.isfinite(x.grad))


def slope_at_zero(unit):
    return float(gg.grad(lambda z: np.sum(unit(z)))(np.zeros(1))[0])


def test_slopes_at_zero():
    assert slope_at_zero(nn.ReLU()) == 0
    assert slope_at_zero(nn.AbsoluteValue()) == 0
    assert slope_at_zero(nn.LeakyReLU(0.3)) == 0.3
    assert slope_at_zero(nn.ELU(0.5)) == 0.5


def test_absolute_value_is_the_rectifier_with_a_of_minus_one():
    """The lecture prints a = 1, which gives the identity."""

    def rectifier(a):
        return np.maximum(0, Z) + a * np.minimum(0, Z)

    np.testing.assert_array_equal(nn.AbsoluteValue()(Z), rectifier(-1))
    np.testing.assert_array_equal(nn.LeakyReLU(-1)(Z), rectifier(-1))
    np.testing.assert_array_equal(rectifier(1), Z)


def test_leaky_slope_default():
    assert nn.LeakyReLU().slope == 0.01


def test_tanh_is_a_stretched_sigmoid():
    np.testing.assert_allclose(nn.Tanh()(Z), 2 * nn.Sigmoid()(2 * Z) - 1, rtol=1e-14)


@pytest.mark.parametrize(
    ("second", "unit"),
    [(-1.0, nn.AbsoluteValue()), (0.0, nn.ReLU()), (0.25, nn.PReLU(dtype=np.float64))],
    ids=["absolute value", "ReLU", "PReLU"],
)
def test_maxout_over_two_is(second, unit):
    n = Z.shape[1]
    linear = nn.Linear(n, 2 * n, dtype=np.float64)
    weights = np.zeros((n, 2 * n))
    weights[np.arange(n), 2 * np.arange(n)] = 1
    weights[np.arange(n), 2 * np.arange(n) + 1] = second
    linear.W.value = weights
    maxout = nn.Sequential(linear, nn.Maxout(2))
    np.testing.assert_array_equal(maxout(Z).value, unit(Z).value if isinstance(unit, nn.PReLU) else unit(Z))


def test_maxout_takes_groups_of_k_not_k_groups():
    x = np.arange(6.0)
    np.testing.assert_array_equal(nn.Maxout(2)(x), [1, 3, 5])
    np.testing.assert_array_equal(nn.Maxout(3)(x), [2, 5])
    assert nn.Maxout(2)(np.zeros((5, 3, 8))).shape == (5, 3, 4)
    with pytest.raises(ShapeError, match="multiple of pieces=4"):
        nn.Maxout(4)(x)


def test_maxout_shares_a_tie():
    assert gg.grad(lambda x: np.sum(nn.Maxout(2)(x)))(np.ones(2)).tolist() == [0.5, 0.5]


def test_softmax_unit():
    shares = nn.Softmax()(Z)
    np.testing.assert_allclose(shares, np.exp(Z) / np.exp(Z).sum(-1, keepdims=True))


def test_prelu_learns_its_slope():
    unit = nn.PReLU(4, slope=0.5, dtype=np.float64)
    out = unit(Z)
    np.sum(out).backward()
    np.testing.assert_allclose(unit.a.grad, np.minimum(Z, 0).sum(0))
    one = nn.PReLU(dtype=np.float64)
    np.sum(one(Z)).backward()
    np.testing.assert_allclose(one.a.grad, np.minimum(Z, 0).sum())
    with pytest.raises(ShapeError, match=r"PReLU takes rows of 3 numbers"):
        nn.PReLU(3)(Z)


def test_randomised_slopes_are_drawn_in_training_and_fixed_in_use():
    unit, x = nn.RandomizedReLU(0.1, 0.5), -np.ones((50, 40))
    np.testing.assert_allclose(unit(x), -0.3)
    with nn.training(1):
        first, second = unit(x), unit(x)
    with nn.training(1):
        again = unit(x)
    assert -0.5 <= first.min() < -0.49
    assert -0.11 < first.max() <= -0.1
    assert abs(first.mean() + 0.3) < 0.01
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again)
    with nn.training(1):
        np.testing.assert_array_equal(unit(-x), -x)
    with nn.training(1):
        assert unit(x.astype(np.float32)).dtype == np.float32


def test_radial_basis_measures_the_distance_to_its_centre():
    """The lecture prints ‖W_{:,i} x‖², which is no distance."""
    layer = nn.RadialBasis(3, 2, dtype=np.float64, seed=1)
    layer.sigma.value = np.array([0.5, 2.0])
    x = np.random.default_rng(0).normal(size=(4, 3))
    w, s = layer.W.value, layer.sigma.value
    expected = [[np.exp(-np.sum((row - w[:, i]) ** 2) / s[i] ** 2) for i in range(2)] for row in x]
    np.testing.assert_allclose(layer(x).value, expected, rtol=1e-12)
    np.testing.assert_allclose(layer(w[:, 1]).value[1], 1)
    with pytest.raises(ShapeError, match="RadialBasis takes rows of 3"):
        layer(np.zeros((4, 2)))


def test_radial_basis_gradient():
    layer = nn.RadialBasis(2, 3, dtype=np.float64, seed=1)
    x, h = np.array([[0.3, -0.4], [1.0, 0.2]]), 1e-6
    np.sum(layer(x)).backward()
    for p in layer.parameters():
        analytic, kept = np.array(p.grad), np.array(p.value)
        numeric = np.zeros_like(kept)
        for place in np.ndindex(kept.shape):
            for sign in (1, -1):
                moved = kept.copy()
                moved[place] += sign * h
                p.value = moved
                numeric[place] += sign * np.sum(layer(x).value) / (2 * h)
        p.value = kept
        np.testing.assert_allclose(analytic, numeric, atol=1e-8)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout_keeps_the_mean(rate):
    x = gg.tensor(np.ones((200, 100), np.float32))
    drop = nn.Dropout(rate)
    with nn.training(3):
        out = drop(x)
    kept = out.value != 0
    assert abs(kept.mean() - (1 - rate)) < 0.01
    np.testing.assert_allclose(out.value[kept], 1 / (1 - rate), rtol=1e-6)
    np.sum(out).backward()
    np.testing.assert_array_equal(x.grad, out.value)
    assert out.dtype == np.float32
    assert drop(x) is x


def test_dropout_draws_differ_by_place_and_key():
    drop, x = nn.Dropout(0.5), np.ones(64)
    net = nn.Sequential(nn.Dropout(0.5), nn.Identity())
    with nn.training(0):
        first, second = drop(x), drop(x)
    with nn.training(1):
        other = drop(x)
    with nn.training(0):
        np.testing.assert_array_equal(net(x), first)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)
    with nn.training(0):
        np.testing.assert_array_equal(nn.Dropout(0)(x), x)


def test_dropout_records_its_key_as_an_input_of_the_graph():
    from glassgrad.ops import random

    def step(key, x):
        with nn.training(key):
            return nn.Dropout(0.5)(x)

    x = np.ones((4, 8), np.float32)
    graph = gg.trace(step, random.key(0), x, values=False)
    for seed in (0, 1):
        with nn.training(seed):
            expected = nn.Dropout(0.5)(x)
        np.testing.assert_array_equal(graph.run(random.key(seed), x)[0], expected)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nn.Dropout(1.0), "rate lies between"),
        (lambda: nn.Dropout(-0.1), "rate lies between"),
        (lambda: nn.Maxout(0), "whole number from 1"),
        (lambda: nn.RandomizedReLU(0.5, 0.1), "above high"),
        (lambda: nn.HardTanh(1, -1), "above high"),
        (lambda: nn.Linear(0, 2), "whole numbers from 1"),
        (lambda: nn.Linear(2, 2.5), "whole numbers from 1"),
    ],
)
def test_settings_out_of_range_are_refused(make, says):
    with pytest.raises(DataError, match=says) as error:
        make()
    assert "test_units.py" in str(error.value)


def test_spreads_of_initialisers_are_not_negative():
    for make in (lambda: nn.Normal(std=-1.0), lambda: nn.Uniform(1, 0), lambda: nn.HeNormal(gain=-1)):
        with pytest.raises(DataError, match="must not be negative"):
            make()
