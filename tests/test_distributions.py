"""Costs from distributions: against scipy.stats, at extreme outputs, and for wrong targets."""

import numpy as np
import pytest
from scipy import special, stats

import glassgrad as gg
from glassgrad import distributions as d
from glassgrad.errors import DataError, OperandError, ShapeError, UnknownNameError

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(6, 2)) * 2
BITS = RNG.integers(0, 2, size=(6, 2))
COUNTS = RNG.integers(0, 8, size=(6, 2))
REALS = RNG.normal(size=(6, 2))


def sigma(z):
    return special.expit(z)


def beta_bernoulli(z, y):
    alpha, beta = np.logaddexp(z[:, 0::2], 0), np.logaddexp(z[:, 1::2], 0)
    return stats.betabinom.logpmf(y, 1, alpha, beta)


CASES = {
    "gaussian": (d.Gaussian(), Z, REALS, lambda z, y: stats.norm.logpdf(y, z)),
    "laplace": (d.Laplace(), Z, REALS, lambda z, y: stats.laplace.logpdf(y, z)),
    "bernoulli": (d.Bernoulli(), Z, BITS, lambda z, y: stats.bernoulli.logpmf(y, sigma(z))),
    "poisson": (d.Poisson(), Z, COUNTS, lambda z, y: stats.poisson.logpmf(y, np.exp(z))),
    "negative_binomial": (d.NegativeBinomial(2.5), Z, COUNTS, lambda z, y: stats.nbinom.logpmf(y, 2.5, 1 - sigma(z))),
    "beta_bernoulli": (d.BetaBernoulli(), RNG.normal(size=(6, 4)) * 2, BITS, beta_bernoulli),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_scipy_up_to_a_constant_of_the_output(name):
    """−log p at two outputs differs as scipy's does: what is left out does not depend on the output."""
    kind, z, y, logp = CASES[name]
    other = z[::-1] * 0.7 + 0.1
    ours = d.Distribution.nll(kind, z, y) if name != "beta_bernoulli" else kind.nll(z, y)
    np.testing.assert_allclose(
        kind.nll(z, y) - kind.nll(other, y), -(logp(z, y) - logp(other, y)).sum(axis=1), rtol=1e-9, atol=1e-10
    )
    assert ours.shape == (6,)
    if name in ("bernoulli", "beta_bernoulli"):
        np.testing.assert_allclose(kind.nll(z, y), -logp(z, y).sum(axis=1), rtol=1e-9)


def test_categorical_agrees_with_scipy():
    z, y = RNG.normal(size=(6, 3)), np.array([0, 2, 1, 1, 0, 2])
    p = special.softmax(z, axis=1)
    expected = [-stats.multinomial.logpmf(np.eye(3)[k], 1, row) for k, row in zip(y, p, strict=True)]
    kind = d.Categorical()
    np.testing.assert_allclose(kind.nll(z, y), expected)
    np.testing.assert_allclose(kind.nll(z, y), special.logsumexp(z, axis=1) - z[np.arange(6), y])
    np.testing.assert_allclose(kind.nll(z, np.eye(3)[y]), expected)
    np.testing.assert_allclose(kind.nll(z, np.eye(3, dtype=int)[y]), expected)
    np.testing.assert_allclose(kind.nll(z, p), stats.entropy(p, axis=1))
    np.testing.assert_allclose(kind.nll(z, y.astype(float)), expected)
    np.testing.assert_allclose(kind.mean(z), p)
    np.testing.assert_array_equal(kind.predict(z), z.argmax(1))
    two = np.array([True, False])
    np.testing.assert_allclose(kind.nll(z[:2, :2], two), kind.nll(z[:2, :2], two.astype(int)))


def test_formulas_of_the_sources():
    """Row S13."""
    z, y = gg.tensor(Z, "z"), BITS
    np.testing.assert_allclose(d.Gaussian().nll(Z, REALS), 0.5 * np.sum((REALS - Z) ** 2, axis=1))
    np.testing.assert_allclose(d.Bernoulli().nll(Z, y), np.logaddexp(0, (1 - 2 * y) * Z).sum(axis=1))
    d.Bernoulli().loss(z, y).backward()
    np.testing.assert_allclose(z.grad, (sigma(Z) - y) / 6, rtol=1e-12)
    d.Gaussian().loss(z, REALS).backward()
    np.testing.assert_allclose(z.grad, (Z - REALS) / 6, rtol=1e-12)


def test_softmax_gradient_is_shares_minus_truth():
    z = gg.tensor(RNG.normal(size=(4, 3)), "z")
    y = np.array([0, 2, 1, 1])
    d.Categorical().loss(z, y).backward()
    np.testing.assert_allclose(z.grad, (special.softmax(z.value, axis=1) - np.eye(3)[y]) / 4, atol=1e-15)


EXTREME = np.array([[-1000.0, 1000.0], [1000.0, -1000.0], [1000.0, 1000.0], [-1000.0, -1000.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*CASES, "categorical"])
def test_extreme_outputs_are_finite(name, dtype):
    kind = d.named(name)
    z = gg.tensor(EXTREME.astype(dtype), "z")
    for y in (np.zeros((4, 2)), np.ones((4, 2))):
        target = y[:, 0].astype(int) if name in ("categorical", "beta_bernoulli") else y
        loss = kind.loss(z, target)
        assert loss.dtype == dtype
        loss.backward()
        assert np.isfinite(loss.value)
        assert np.all(np.isfinite(z.grad))
        assert z.grad.dtype == dtype
        assert np.all(np.isfinite(kind.mean(z.value)))
        kind.predict(z.value)


@pytest.mark.parametrize("name", [*CASES, "categorical"])
def test_gradients_against_central_differences(name):
    kind, z, y, _ = CASES.get(name, (d.Categorical(), RNG.normal(size=(6, 3)), np.array([0, 2, 1, 1, 0, 2]), None))
    analytic, h = gg.grad(lambda z: kind.loss(z, y))(z), 1e-6
    numeric = np.zeros_like(z)
    for place in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[place] = h
        numeric[place] = (kind.loss(z + step, y) - kind.loss(z - step, y)) / (2 * h)
    np.testing.assert_allclose(analytic, numeric, atol=1e-8, rtol=1e-6)


def test_poisson_second_derivative_is_the_rate():
    z = np.array([-2.0, 0.3, 29.0])
    second = gg.grad(lambda z: np.sum(gg.grad(lambda z: np.sum(d.Poisson().nll(z, np.ones(3))))(z)))(z)
    np.testing.assert_allclose(second, np.exp(z))


def test_log_softplus_is_exact_everywhere():
    from glassgrad.distributions.beta_bernoulli import _log_softplus

    z = np.concatenate([np.linspace(-40, 40, 801), [-12.0, -12.0 - 1e-9, -700.0]])
    expected = np.log(np.log1p(np.exp(np.longdouble(z)))).astype(float)
    np.testing.assert_allclose(_log_softplus(z), expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(_log_softplus(np.float32(z)), np.float32(expected), rtol=2e-5, atol=1e-6)


def test_means():
    np.testing.assert_allclose(d.Poisson().mean(Z), np.exp(Z))
    np.testing.assert_allclose(d.NegativeBinomial(3.0).mean(Z), stats.nbinom.mean(3.0, 1 - sigma(Z)))
    np.testing.assert_allclose(d.Bernoulli().mean(Z), sigma(Z))
    np.testing.assert_array_equal(d.Gaussian().predict(Z), Z)
    alpha, beta = np.logaddexp(Z[:, :1], 0), np.logaddexp(Z[:, 1:], 0)
    np.testing.assert_allclose(d.BetaBernoulli().mean(Z), alpha / (alpha + beta))


def test_predictions_and_accuracy():
    z = np.array([[2.0], [-1.0], [0.5]])
    assert d.Bernoulli().predict(z).tolist() == [1, 0, 1]
    assert d.Bernoulli().accuracy(z, [1, 0, 0]) == pytest.approx(2 / 3)
    assert d.Bernoulli().accuracy(z, [[1], [0], [0]]) == pytest.approx(2 / 3)
    assert d.Categorical().accuracy(np.eye(3), [0, 1, 1]) == pytest.approx(2 / 3)
    assert d.Categorical().accuracy(np.eye(3), np.eye(3)) == 1
    assert d.BetaBernoulli().accuracy([[2.0, 0.0], [0.0, 2.0]], [1, 1]) == 0.5
    assert d.Gaussian().accuracy(z, z) is None


def test_one_output_a_row_needs_no_second_axis():
    """(n, 1) against (n,) must not broadcast to (n, n)."""
    z = np.array([[1.0], [2.0], [4.0]])
    np.testing.assert_allclose(d.Gaussian().nll(z, [1.0, 1.0, 1.0]), [0, 0.5, 4.5])
    np.testing.assert_allclose(d.Gaussian().nll(z[:, 0], [1.0, 1.0, 1.0]), [0, 0.5, 4.5])
    np.testing.assert_allclose(d.BetaBernoulli().nll(np.zeros((3, 2)), [0, 1, 1]), np.log(2))


def test_weighted_rows():
    z, y, w = np.array([1.0, 2.0, 4.0]), np.ones(3), np.array([1.0, 0.0, 3.0])
    assert d.Gaussian().loss(z, y, w) == pytest.approx((0 * 1 + 4.5 * 3) / 4)
    assert d.Gaussian().loss(z, y, np.ones(3)) == pytest.approx(d.Gaussian().loss(z, y))
    loss = d.Gaussian().loss(gg.tensor(z.astype(np.float32)), y, w)
    assert loss.dtype == np.float32
    with pytest.raises(ShapeError, match="weights have shape"):
        d.Gaussian().loss(z, y, w[:2])


@pytest.mark.parametrize("name", [*CASES, "categorical"])
def test_traced_losses_run_on_new_numbers(name):
    kind, z, y, _ = CASES.get(name, (d.Categorical(), RNG.normal(size=(6, 3)), np.array([0, 2, 1, 1, 0, 2]), None))
    graph = gg.trace(lambda z, y: kind.loss(z, y), z, y, values=False).verify()
    np.testing.assert_allclose(graph.run(z * 0.5, y)[0], kind.loss(z * 0.5, y))


def test_outputs_needed():
    assert d.Gaussian().outputs(np.zeros(5)) == 1
    assert d.Bernoulli().outputs(np.zeros((5, 3))) == 3
    assert d.BetaBernoulli().outputs(np.zeros((5, 3))) == 6
    assert d.Categorical().outputs(np.array([0, 4, 2])) == 5
    assert d.Categorical().outputs(np.array([0, 4, 2], np.uint8)) == 5
    assert d.Categorical().outputs(np.array([True, False])) == 2
    assert d.Categorical().outputs(np.array([], int)) == 0
    assert d.Categorical().outputs(np.eye(3)) == 3


@pytest.mark.parametrize(
    ("kind", "y", "n_outputs", "says"),
    [
        (d.Categorical(), [0, 1, 10], 10, r"labels go from 0 to 9.*row 2 has 10"),
        (d.Categorical(), [0, -1], 3, "row 1 has -1"),
        (d.Categorical(), [0, 1.5], 3, "whole numbers"),
        (d.Categorical(), [[0.5, 0.4]], 2, "sum to 1"),
        (d.Categorical(), [[1.5, -0.5]], 2, "not negative"),
        (d.Categorical(), [[0], [1]], 2, "ravel"),
        (d.Categorical(), ["a", "b"], 2, "must be numbers"),
        (d.Categorical(), [], 2, "no targets"),
        (d.Gaussian(), np.zeros((0, 3)), 3, "no targets"),
        (d.Gaussian(), [1.0, np.nan, np.inf], 1, r"finite, and row 1 has nan \(2 such\)"),
        (d.Gaussian(), [[1.0, 2.0]], 3, "need 2 outputs a row, and the network has 3"),
        (d.Bernoulli(), [[0, 1], [0, 2]], 2, "row 1, column 1 has 2"),
        (d.Bernoulli(), [0.5], 1, "0 or 1"),
        (d.BetaBernoulli(), [0, 1], 1, "need 2 outputs"),
        (d.BetaBernoulli(), [0, 3], 2, "0 or 1"),
        (d.Poisson(), [1, -1], 1, "counts"),
        (d.Poisson(), [1.5], 1, "counts"),
        (d.NegativeBinomial(), [-2], 1, "counts"),
    ],
)
def test_targets_that_cannot_be_learned(kind, y, n_outputs, says):
    with pytest.raises(DataError, match=says) as error:
        kind.check_targets(y, n_outputs)
    assert kind.name in str(error.value)
    assert "test_distributions.py" in str(error.value)


def test_targets_that_can():
    d.Categorical().check_targets([0, 1, 2], 3)
    d.Categorical().check_targets([2.0, 0.0], 3)
    d.Categorical().check_targets(np.eye(3), 3)
    d.Bernoulli().check_targets([True, False], 1)
    d.Poisson().check_targets([[0, 4.0]], 2)
    d.BetaBernoulli().check_targets([0, 1], 2)
    d.Gaussian().check_targets(np.zeros((2, 3)))


def test_messages_of_losses():
    with pytest.raises(ShapeError, match=r"\(2, 3\).*\(2, 2\)"):
        d.Gaussian().nll(np.zeros((2, 3)), np.zeros((2, 2)))
    with pytest.raises(ShapeError, match="one label a row"):
        d.Categorical().nll(np.zeros((2, 3)), np.zeros(3, int))
    with pytest.raises(DataError, match="labels go from 0 to 2"):
        d.Categorical().nll(np.zeros((2, 3)), [0, 3])
    with pytest.raises(DataError, match="row 0 has -1"):
        d.Categorical().nll(gg.tensor(np.zeros((2, 3)), "scores"), [-1, 2])
    with pytest.raises(OperandError, match="whole numbers"):
        d.Categorical().nll(np.zeros((2, 3)), [0.5, 1.0])
    with pytest.raises(ShapeError, match="pairs"):
        d.BetaBernoulli().nll(np.zeros((2, 3)), [0, 1])
    with pytest.raises(DataError, match="total_count"):
        d.NegativeBinomial(0)


def test_names():
    assert isinstance(d.named("poisson"), d.Poisson)
    assert d.named("negative_binomial", total_count=4).total_count == 4
    with pytest.raises(UnknownNameError, match=r"'poison'\. Did you mean 'poisson'\?.*gaussian"):
        d.named("poison")


def test_an_own_distribution():
    class Exponential(d.Distribution):
        name = "exponential"

        def terms(self, output, y):
            return y * np.exp(output) - output

    np.testing.assert_allclose(Exponential().nll([0.0, 1.0], [2.0, 1.0]), [2, np.e - 1])


def test_the_cost_is_minus_the_expected_log_likelihood():
    """The lecture prints J = E log p: going down on that would make the data less likely."""
    z, y = np.zeros((3, 1)), np.array([[1], [1], [0]])
    down = gg.grad(lambda z: d.Bernoulli().loss(z, y))(z)
    better = z - 0.5 * down
    assert stats.bernoulli.logpmf(y, sigma(better)).sum() > stats.bernoulli.logpmf(y, sigma(z)).sum()
    assert stats.bernoulli.logpmf(y, sigma(z + 0.5 * down)).sum() < stats.bernoulli.logpmf(y, sigma(z)).sum()


def test_delta_of_an_output_unit():
    """The lecture prints δ = y − ŷ with the update w − η δ z; it is ŷ − y."""
    delta = gg.grad(lambda out: d.Gaussian().loss(out, np.array([[2.0]])))(np.array([[3.0]]))
    assert delta.item() == 3.0 - 2.0
