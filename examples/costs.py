"""A cost is chosen by choosing a distribution: J is the mean of -log p(y | x).

A Gaussian gives half the squared error, a Bernoulli softplus((1 - 2y) z), a categorical logsumexp(z) - z of the right
class. With its own distribution an output unit never saturates where it is wrong, whatever z is, and nothing overflows.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from _story import BLUE, GREEN, INK, ORANGE, SOFT, folder, heading, save
from scipy import stats

import glassgrad as gg
from glassgrad import distributions, nn, optim, train


def apart(distribution, output, y, log_p) -> float:
    """How far the cost is from -log p, once a constant that no weight changes is taken off."""
    off = np.asarray(distribution.nll(output, y)) + log_p
    return float(np.ptp(off))


def squared(z, y):
    """Half the squared error of a sigmoid."""
    return (gg.sigmoid(z) - y) ** 2 / 2


out = folder("costs", __doc__)
rng = np.random.default_rng(0)

heading("Choose p(y | x); the cost follows")
z, n = rng.normal(0, 2, (50, 1)), 50
flags, whole, real = rng.integers(0, 2, (n, 1)), rng.poisson(3, (n, 1)), rng.normal(0, 2, (n, 1))
scores, classes = rng.normal(0, 2, (n, 4)), rng.integers(0, 4, n)
print(f"  {'p(y | x)':<16}{'the cost of an output z':<34}{'against SciPy':>16}")
for name, text, off in (
    ("Gaussian", "½ (z - y)²", apart(distributions.Gaussian(), z, real, stats.norm.logpdf(real, z)[:, 0])),
    ("Bernoulli", "softplus((1 - 2y) z)",
     apart(distributions.Bernoulli(), z, flags, stats.bernoulli.logpmf(flags, gg.sigmoid(z))[:, 0])),
    ("categorical", "logsumexp(z) - z_y",
     apart(distributions.Categorical(), scores, classes, np.log(gg.softmax(scores)[np.arange(n), classes]))),
    ("Poisson", "exp(z) - y z",
     apart(distributions.Poisson(), z, whole, (stats.poisson.logpmf(whole, np.exp(z)) + np.log(
         [[float(np.prod(np.arange(1, k + 1)))] for k in whole[:, 0]]))[:, 0])),
):  # fmt: skip
    print(f"  {name:<16}{text:<34}{off:>10.1e} apart")

heading("Nothing overflows: a sure answer that is wrong")
print(f"  {'z':>8}{'y':>4}{'-log(1 - σ(z)), as written':>30}{'Bernoulli':>12}{'its gradient':>15}")
for value in (1.0, 30.0, 40.0, 1000.0):
    with np.errstate(divide="ignore"):
        naive = -np.log(1 - gg.sigmoid(np.float64(value)))
    cost, slope = gg.value_and_grad(lambda z: distributions.Bernoulli().loss(z, np.zeros((1, 1))))(np.array([[value]]))
    print(f"  {value:>8g}{0:>4}{naive:>30.6g}{float(cost):>12.6g}{slope.item():>15.6g}")

heading("The wrong cost is deaf where the answer is worst")
print("  A unit that says σ(z) for a row whose answer is 1; how much the cost tells it:\n")
print(f"  {'z':>8}{'σ(z)':>10}{'squared error':>18}{'Bernoulli':>14}")
for value in (-12.0, -6.0, -3.0, 0.0, 3.0):
    half, full = (gg.grad(cost)(np.array([[value]])).item() for cost in (
        lambda z: np.sum(squared(z, 1.0)), lambda z: distributions.Bernoulli().loss(z, np.ones((1, 1)))))  # fmt: skip
    print(f"  {value:>8g}{float(gg.sigmoid(np.float64(value))):>10.2g}{half:>18.2g}{full:>14.2g}")

heading("Counts are no Gaussian numbers")
X = rng.uniform(-1, 1, (4000, 2))
y = rng.poisson(np.exp(0.5 + 1.5 * X[:, :1] - X[:, 1:])).astype(float)
fitted = {}
for name, distribution in (("Poisson", distributions.Poisson()), ("Gaussian", distributions.Gaussian())):
    net = nn.Linear(2, 1, dtype=np.float64)
    train.Trainer(net, distribution, optim.LBFGS(), seed=0).fit(X, y, epochs=100)
    fitted[name] = net
w, b = fitted["Poisson"].W.value.ravel(), fitted["Poisson"].b.value.item()
print(f"  drawn with the rate exp(0.50 + 1.50 x₁ - 1.00 x₂),\n  found exp({b:.2f} + {w[0]:.2f} x₁ - {-w[1]:.2f} x₂)")
least = fitted["Gaussian"](X).value.min()
print(f"  the Gaussian's line expects as little as {least:.2f} events, which cannot happen")

figure, axes = plt.subplots(1, 3, figsize=(12, 3.9))
zs = np.linspace(-6, 6, 400)
for y_, color in ((1, BLUE), (0, ORANGE)):
    each = distributions.Bernoulli().nll(zs[:, None], np.full((len(zs), 1), y_))
    axes[0].plot(zs, each, color=color, label=f"y = {y_}")
    axes[0].plot(zs, squared(zs, y_), color=color, ls="--", lw=1.2)
axes[0].set(title="Cost of an output z", xlabel="z", ylim=(0, 5))
axes[0].plot([], [], color=SOFT, ls="--", lw=1.2, label="squared error of σ(z)")
axes[0].legend(loc="upper center")
axes[1].plot(zs, gg.sigmoid(zs) - 1, color=BLUE, label="Bernoulli: σ(z) - y")
axes[1].plot(zs, gg.grad(lambda z: np.sum(squared(z, 1.0)))(zs), color=BLUE, ls="--", lw=1.2, label="squared error")
axes[1].set(title="Gradient where y = 1", xlabel="z")
axes[1].legend(loc="lower right")
at = np.column_stack([np.linspace(-1, 1, 200), np.zeros(200)])
near = np.abs(X[:, 1]) < 0.1
axes[2].scatter(X[near, 0], y[near, 0], s=9, color=SOFT, alpha=0.5, lw=0)
axes[2].plot(at[:, 0], np.exp(fitted["Poisson"](at).value), color=GREEN, label="Poisson")
axes[2].plot(at[:, 0], fitted["Gaussian"](at).value, color=INK, ls="--", lw=1.2, label="Gaussian")
axes[2].axhline(0, color=SOFT, lw=0.7)
axes[2].set(title="Counts, where x₂ is about 0", xlabel="x₁", ylabel="events")
axes[2].legend(loc="upper left")
save(figure, out / "costs.png")
