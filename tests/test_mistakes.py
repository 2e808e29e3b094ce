"""Every mistake of the sources: the right form shown by a numerical gradient or a counter-example."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import distributions, nn, optim


def tanh_network(x, W1, w2, y):
    """Half the squared error of a tanh network with one output."""
    return 0.5 * (np.tanh(x @ W1) @ w2 - y) ** 2


@pytest.fixture
def network(rng):
    return rng.normal(size=3), rng.normal(size=(3, 2)), rng.normal(size=2), 1.5


def test_tanh_delta_has_one_minus_z_squared_not_the_square_of_one_minus_z(network):
    x, W1, w2, y = network
    z = np.tanh(x @ W1)
    delta = z @ w2 - y
    numerical = gg.numerical_gradient(lambda W1: tanh_network(x, W1, w2, y), W1)
    right = np.outer(x, (1 - z**2) * w2 * delta)
    printed = np.outer(x, (1 - z) ** 2 * w2 * delta)
    np.testing.assert_allclose(right, numerical, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(right, gg.grad(tanh_network, argnums=1)(x, W1, w2, y), rtol=1e-12)
    assert np.all(np.abs(printed - numerical) > 0.05 * np.abs(numerical))


def test_output_delta_is_prediction_minus_target(network):
    x, W1, w2, y = network
    z = np.tanh(x @ W1)
    numerical = gg.numerical_gradient(lambda w2: tanh_network(x, W1, w2, y), w2)
    right, printed = (z @ w2 - y) * z, (y - z @ w2) * z
    np.testing.assert_allclose(right, numerical, rtol=1e-6, atol=1e-9)
    before = tanh_network(x, W1, w2, y)
    assert tanh_network(x, W1, w2 - 0.01 * right, y) < before < tanh_network(x, W1, w2 - 0.01 * printed, y)


def test_eta_is_the_learning_rate_and_weight_decay_a_penalty():
    w, no_gradient = np.array([1.0, -2.0]), np.zeros(2)

    def step(optimizer, g):
        (new,), _ = optimizer.apply(["w"], [w], [g], [optimizer.init(w)], 0)
        return new

    np.testing.assert_array_equal(step(optim.SGD(0.5), no_gradient), w)
    decayed = step(optim.SGD(0.5, weight_decay=0.1), no_gradient)
    penalty = gg.numerical_gradient(lambda w: 0.5 * 0.1 * np.sum(w**2), w)
    np.testing.assert_allclose(decayed, w - 0.5 * penalty, rtol=1e-9)
    g = np.array([0.3, 0.4])
    np.testing.assert_allclose(step(optim.SGD(0.5), g), w - 0.5 * g, rtol=1e-12)


def test_the_cost_is_minus_the_expected_log_likelihood():
    z, y = np.array([[0.3], [-1.2], [0.7]]), np.array([[1.0], [0.0], [0.0]])

    def mean_log_likelihood(z):
        p = 1 / (1 + np.exp(-z))
        return np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    cost = distributions.Bernoulli().loss
    assert cost(z, y) == pytest.approx(-mean_log_likelihood(z), rel=1e-12)
    g = gg.numerical_gradient(lambda z: cost(z, y), z)
    assert mean_log_likelihood(z - 0.1 * g) > mean_log_likelihood(z)
    g_printed = gg.numerical_gradient(mean_log_likelihood, z)
    assert mean_log_likelihood(z - 0.1 * g_printed) < mean_log_likelihood(z)


def test_absolute_value_is_the_rectifier_with_a_minus_one():
    def rectifier(z, a):
        return np.maximum(0, z) + a * np.minimum(0, z)

    z = np.linspace(-2, 2, 9)
    np.testing.assert_array_equal(rectifier(z, -1), np.abs(z))
    np.testing.assert_array_equal(rectifier(z, 1), z)
    np.testing.assert_array_equal(nn.AbsoluteValue()(z), rectifier(z, -1))


def pieces(f, n):
    """Linear pieces of f on [0, 1], of which each is at least 1/n long: runs of equal slope between grid points."""
    slopes = np.array([gg.grad(f)((i + 0.5) / n) for i in range(n)])
    return 1 + np.count_nonzero(np.diff(slopes))


def folded(x, n, layers):
    """n units a layer fold [0, 1] n times onto itself, again and again."""
    for _ in range(layers):
        wave = n * x
        for k in range(1, n):
            wave = wave + (-1) ** k * 2 * n * gg.relu(x - k / n)
        x = wave
    return x


@pytest.mark.parametrize(("n", "layers"), [(2, 1), (2, 4), (3, 3), (4, 2)])
def test_number_of_regions_reaches_the_lower_bound(n, layers):
    # Montúfar et al.: at least (n/d)^((l−1)d) n^d up to a constant; here d = 1, met exactly
    assert pieces(lambda x: folded(x, n, layers), n**layers) == n ** (layers - 1) * n


def test_number_of_regions_is_not_bounded_above_by_the_printed_formula():
    # d = 2 inputs and n = 2 units: C(n, d)^(d(l−1)) n^d is 4 at every depth, so O(…) would say that depth adds
    # nothing; two units that fold one of the inputs make 2^l regions, more than any multiple of 4
    d = n = 2
    counts = []
    for layers in range(1, 8):
        printed = math.comb(n, d) ** (d * (layers - 1)) * n**d
        right = (n / d) ** ((layers - 1) * d) * n**d
        assert printed == 4
        counted = pieces(lambda x, layers=layers: folded(np.stack([x, 0 * x])[0], n, layers), 2**layers)
        counts.append(counted / printed)
        assert counted >= right / 4
    assert counts[-1] == 32
    assert all(b == 2 * a for a, b in itertools.pairwise(counts))


def test_radial_basis_measures_the_distance_to_its_template():
    unit = nn.RadialBasis(2, 3, dtype=np.float64, seed=0)
    W = unit.W.value
    for i in range(3):
        template = W[:, i]
        assert unit(template).value[i] == 1
        away = unit(template + np.array([0.3, -0.2])).value[i]
        np.testing.assert_allclose(away, np.exp(-np.sum(np.square([0.3, -0.2])) / unit.sigma.value[i] ** 2))
        printed = np.exp(-np.sum((template @ template) ** 2) / unit.sigma.value[i] ** 2)
        assert printed < 1


@pytest.mark.parametrize("x", [0.4, 1.37, -2.0])
def test_one_over_x_has_slope_minus_one_over_x_squared(x):
    numerical = gg.numerical_gradient(np.reciprocal, x)
    assert numerical == pytest.approx(-1 / x**2, rel=1e-7)
    assert gg.grad(np.reciprocal)(x) == pytest.approx(-1 / x**2, rel=1e-12)
    assert abs(numerical - -1 / x) > 0.1


def test_leaky_slope_is_a_parameter_one_hundredth_by_default():
    z = np.array([-2.0, 3.0])
    np.testing.assert_allclose(nn.LeakyReLU()(z), [-0.02, 3])
    np.testing.assert_allclose(nn.LeakyReLU(0.1)(z), [-0.2, 3])
    for slope in (0.01, 0.1):
        unit = nn.LeakyReLU(slope)
        assert gg.numerical_gradient(lambda x, unit=unit: np.sum(unit(x)), z) == pytest.approx([slope, 1])


def test_the_x_of_the_squared_norm_is_two_tenths():
    W = np.array([[0.1, 0.5], [-0.3, 0.8]])
    np.testing.assert_allclose(W @ [0.2, 0.4], [0.22, 0.26], rtol=1e-12)
    assert np.all(np.abs(W @ [0.22, 0.4] - [0.22, 0.26]) > 1e-3)


def test_maxout_divides_into_groups_of_k():
    z = np.array([1.0, 5.0, -3.0, -4.0, 0.0, 2.0])
    np.testing.assert_array_equal(nn.Maxout(2)(z), [5, -3, 2])
    np.testing.assert_array_equal(nn.Maxout(3)(z), [5, 2])
    # groups of k make width / k outputs; k groups would make k outputs whatever the width
    assert nn.Maxout(2)(np.zeros(100)).shape == (50,)
    x = np.linspace(-1, 1, 5)
    np.testing.assert_array_equal(nn.Maxout(2)(np.stack([x, -x], axis=-1))[:, 0], np.abs(x))
    np.testing.assert_array_equal(nn.Maxout(2)(np.stack([x, 0 * x], axis=-1))[:, 0], np.maximum(x, 0))


def test_the_forward_pass_counts_layers_not_weights(rng):
    net = nn.Sequential(
        nn.Linear(3, 4, seed=1, dtype=np.float64), nn.Sigmoid(), nn.Linear(4, 4, seed=2, dtype=np.float64),
        nn.Sigmoid(), nn.Linear(4, 1, seed=3, dtype=np.float64),
    )  # fmt: skip
    linear = [layer for layer in net if isinstance(layer, nn.Linear)]

    def forward(x, count):
        h = x
        for k in range(count):
            a = h @ linear[k].W.value + linear[k].b.value
            h = 1 / (1 + np.exp(-a)) if k < count - 1 else a
        return h

    x = rng.normal(size=3)
    assert (len(linear), net.count()) == (3, 41)
    np.testing.assert_allclose(forward(x, len(linear)), net(x).value, rtol=1e-12)
    with pytest.raises(IndexError):
        forward(x, net.count())


def test_the_odds_grow_exponentially_and_the_probability_saturates():
    w_red, w_blue = 1.2, -0.4
    x = np.arange(0.0, 9.0)
    p = np.exp(w_red * x) / (np.exp(w_red * x) + np.exp(w_blue * x))
    odds = p / (1 - p)
    np.testing.assert_allclose(odds[1:] / odds[:-1], np.exp(w_red - w_blue), rtol=1e-6)
    gains = np.diff(p)
    assert np.all(p < 1)
    assert np.all(np.diff(gains) < 0)

    def probability(x):
        return gg.softmax(np.stack([w_red * x, w_blue * x]))[0]

    slopes = [gg.numerical_gradient(probability, float(v)) for v in x]
    assert slopes[0] == pytest.approx((w_red - w_blue) / 4, rel=1e-6)
    assert slopes[-1] < 1e-4


@pytest.mark.parametrize("epsilon", [0.04, 4.0])
def test_steepest_direction_has_length_root_epsilon(epsilon):
    a = gg.numerical_gradient(lambda w: 3 * w[0] + 4 * w[1], np.zeros(2))
    right, printed = math.sqrt(epsilon) * a / np.linalg.norm(a), epsilon * a / np.linalg.norm(a)
    angles = np.linspace(0, 2 * np.pi, 3601)
    circle = math.sqrt(epsilon) * np.column_stack([np.cos(angles), np.sin(angles)])
    assert right @ right == pytest.approx(epsilon, rel=1e-9)
    assert right @ a == pytest.approx((circle @ a).max(), rel=1e-6)
    assert printed @ a != pytest.approx((circle @ a).max(), rel=0.1)
    assert printed @ right == pytest.approx(np.linalg.norm(printed) * np.linalg.norm(right))


def perceptron(X, y, epochs=100):
    """Binary perceptron from zero, a tie counts as +1; the weights and the number of mistakes."""
    w, mistakes = np.zeros(X.shape[1]), 0
    for _ in range(epochs):
        for x, target in zip(X, y, strict=True):
            if (1 if w @ x >= 0 else -1) != target:
                w, mistakes = w + target * x, mistakes + 1
    return w, mistakes


def test_mistake_bound_is_met_with_equality_by_one_point():
    point = np.array([[3.0, 4.0]])
    R = np.linalg.norm(point)
    separator = -point[0] / R
    delta = -1 * (separator @ point[0])
    assert delta == R
    _, mistakes = perceptron(point, [-1])
    bound = (R / delta) ** 2
    assert mistakes == 1 == bound
    assert not mistakes < bound


def test_mistake_bound_holds_on_separable_points(rng):
    separator = np.array([0.6, 0.8])
    X = rng.uniform(-3, 3, size=(200, 2))
    X = X[np.abs(X @ separator) > 0.3]
    y = np.where(X @ separator > 0, 1, -1)
    _, mistakes = perceptron(X, y)
    assert 1 <= mistakes <= (np.linalg.norm(X, axis=1).max() / np.min(y * (X @ separator))) ** 2


def test_binary_as_multiclass_shares_the_decision_and_moves_both_weight_vectors(rng):
    X = rng.normal(size=(30, 3))
    y = np.where(X @ [1.0, -2.0, 0.5] > 0, 1, -1)
    binary, both = np.zeros(3), {1: np.zeros(3), -1: np.zeros(3)}
    mistakes = 0
    for x, target in zip(X, y, strict=True):
        guess = 1 if binary @ x >= 0 else -1
        assert guess == (1 if both[1] @ x >= both[-1] @ x else -1)
        if guess != target:
            mistakes += 1
            binary = binary + target * x
            both[target], both[-target] = both[target] + x, both[-target] - x
    assert mistakes > 1
    assert np.all(both[-1] != 0)
    np.testing.assert_allclose(both[1] - both[-1], 2 * binary, rtol=1e-12)


def test_the_gradient_by_w_ij_has_x_j():
    W, x = np.array([[0.1, 0.5], [-0.3, 0.8]]), np.array([0.2, 0.4])
    q = W @ x
    numerical = gg.numerical_gradient(lambda W: np.sum((W @ x) ** 2), W)
    np.testing.assert_allclose(2 * np.outer(q, x), numerical, rtol=1e-6)
    printed = 2 * (q * x)[:, None] * np.ones((2, 2))
    assert np.abs(printed - numerical).max() > 0.05


def units(x, phi, width, rng):
    """The outputs of random units on the points x, one column a unit, and a constant."""
    return np.column_stack([phi(x[:, None] * rng.normal(size=width) + rng.normal(size=width)), np.ones(len(x))])


def least_error(features, target):
    return np.abs(features @ np.linalg.lstsq(features, target, rcond=None)[0] - target).max()


def test_universality_needs_a_unit_that_is_no_polynomial(rng):
    # any sum of squares of affine functions is a parabola, whose third difference is 0; that of x³ at -1, -1/3,
    # 1/3, 1 is 16/9, and the weights of a third difference add up to 8, so some point is off by 2/9 or more
    x = np.array([-1, -1 / 3, 1 / 3, 1])
    assert np.diff(x**3, n=3) == pytest.approx(16 / 9)
    dense = np.linspace(-1, 1, 201)
    dense = np.union1d(dense, x)
    for width in (3, 30, 300):
        features = units(dense, np.square, width, rng)
        assert np.abs(np.diff(features[np.isin(dense, x)], n=3, axis=0)).max() < 1e-9
        assert least_error(features, dense**3) >= 2 / 9 - 1e-6
    assert least_error(units(dense, np.tanh, 300, rng), dense**3) < 1e-6


def test_universality_holds_on_a_compact_set_only():
    # n ReLUs interpolate x² on [0, 1] to within 1/(4n²), yet far outside every such network is a straight line
    n = 50
    knots = np.arange(n) / n
    slopes = np.diff(np.append(knots, 1.0) ** 2) * n
    steps = np.diff(slopes, prepend=0)

    def network(x):
        return np.maximum(x[:, None] - knots, 0) @ steps

    inside, outside = np.linspace(0, 1, 1001), np.array([1e2, 1e3])
    assert np.abs(network(inside) - inside**2).max() <= 1 / (4 * n**2) + 1e-12
    assert np.all(np.abs(network(outside) - outside**2) > 0.9 * outside**2)
    # Hornik's theorem asks for a bounded unit, and this one is not: Leshno's covers it
    assert network(outside)[1] > 1e3
