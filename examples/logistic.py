"""Logistic regression: probabilities by maximum likelihood.

The gradient by hand beside the engine's, what separable data prefer, softmax on digits, how the learning rate is
chosen, and when to stop.
"""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
from _story import BLUE, COLORS, GREEN, INK, ORANGE, SOFT, folder, heading, save
from sklearn.exceptions import ConvergenceWarning

import glassgrad as gg
from glassgrad import distributions, nn, optim, train
from glassgrad.estimators import LogisticRegression

RATES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def likelihood(w, F, y):
    """The mean of log p(y|x); F has a feature that is 1, the bias."""
    p = sigma(F @ w)
    return np.mean(np.log(np.where(y == 1, p, 1 - p)))


out = folder("logistic", __doc__)

heading("The gradient of one row is (y - σ(w·f)) f")
F, y = np.array([[1.0, 0.5], [1.0, 2.0], [1.0, -1.0]]), np.array([1.0, 0.0, 0.0])
w = np.array([-0.5, 1.0])
print(f"  {'f':<12}{'y':>4}{'σ(w·f)':>10}   {'by hand':<20}the engine")
for f, target in zip(F, y, strict=True):
    by_hand, engine = (target - sigma(f @ w)) * f, gg.grad(likelihood)(w, f[None], np.array([target]))
    assert np.allclose(by_hand, engine)
    print(f"  {f!s:<12}{target:>4.0f}{sigma(f @ w):>10.4f}   {by_hand.round(4)!s:<20}{engine.round(4)}")

heading("Separable data have a clear preference all the same")
rng = np.random.default_rng(5)
cloud = np.concatenate([rng.normal([-1, -0.6], 0.5, (40, 2)), rng.normal([1, 0.9], 0.5, (40, 2))])
side = np.repeat([0, 1], 40)
best = LogisticRegression(C=10.0).fit(cloud, side)
length, angle = np.linalg.norm(best.coef_), np.arctan2(best.coef_[0, 1], best.coef_[0, 0])


def separator(turn):
    """Weights as long as the best's, turned, with the line in the middle of the gap; and how wide that is."""
    direction = np.array([np.cos(angle + turn), np.sin(angle + turn)])
    z = cloud @ direction
    low, high = z[side == 0].max(), z[side == 1].min()
    return length * np.array([-(low + high) / 2, *direction]), high - low


lines = {"most likely": np.array([*best.intercept_, *best.coef_[0]])}
for name, way in (("turned left", 1), ("turned right", -1)):
    turns = [turn for turn in np.linspace(0, way, 200) if separator(turn)[1] > 0.02]
    lines[name] = separator(turns[-1])[0]
with_bias = np.column_stack([np.ones(len(cloud)), cloud])
for name, weights in lines.items():
    errors = int(np.sum((with_bias @ weights > 0) != side))
    print(f"  {name:<16}{errors} of {len(side)} wrong, mean log-likelihood {likelihood(weights, with_bias, side):8.4f}")

heading("Softmax on digits: f (1 - P) for the right class, -f P for the others")
X, X_held, d, d_held = gg.data.split(*gg.data.digits(), held_out=0.5, seed=0, stratify=True)
W, row = rng.normal(size=(64, 10)) / 8, X[0].astype(np.float64)
scores = np.exp(row @ W)
P, right = scores / scores.sum(), np.arange(10) == d[0]
engine = -gg.grad(lambda W: distributions.Categorical().loss(row[None] @ W, d[:1]))(W)
by_hand = row[:, None] * np.where(right, 1 - P, -P)
print(f"  by hand and by the engine, 64×10 numbers: largest difference {np.abs(by_hand - engine).max():.1e}")
model = LogisticRegression().fit(X, d)
print(
    f"  fitted (L-BFGS, {model.n_iter_[0]} iterations): {model.score(X_held, d_held):.1%} of held-out digits are right"
)

heading("Choosing the learning rate: try several")
print(f"  {'rate':>8}{'loss after 20 passes':>24}{'one step changes the weights by':>36}")
curves = {}
for rate in RATES:
    trainer = train.Trainer(nn.Linear(64, 10), distributions.Categorical(), optim.SGD(rate), batch_size=50)
    history = trainer.fit(X, d, epochs=20, monitor=False, callbacks=[train.Monitor(0, np.inf)])
    curves[rate] = history.train_loss
    print(f"  {rate:>8g}{history.train_loss[-1]:>24.4f}{np.median(history.update_ratio['W']):>36.2%}")
good = min(curves, key=lambda rate: curves[rate][-1])
print(f"\n  Start where a step changes the weights by 0.1 to 1 %, and try its neighbours:\n  here {good:g} is best.")

heading("Stop when the held-out likelihood falls")
few = LogisticRegression(solver="minibatch", C=np.inf, batch_size=10, learning_rate="constant", eta0=0.5, tol=0.0,
                         max_iter=400, n_iter_no_change=1000, random_state=0)  # fmt: skip
warnings.simplefilter("ignore", ConvergenceWarning)  # it is to go on for too long
few.fit(X[:100], d[:100], X_val=X_held, y_val=d_held)
inside, held = -np.array(few.loss_curve_), -np.array(few.validation_loss_curve_)
top = int(held.argmax())
print("  100 digits to learn from. The log-likelihood of the held-out ones is highest")
print(f"  after {top + 1} passes, {held[top]:.3f}; after {len(held)} passes it is {held[-1]:.3f},")
print(f"  while that of the 100 still rises: {inside[-1]:.3f}.")

figure, (first, second, third) = plt.subplots(1, 3, figsize=(13, 4.4))
first.scatter(*cloud.T, c=np.where(side, ORANGE, BLUE), s=22, edgecolor="white", lw=0.6)
at = np.array([-3.5, 3.5])
for (name, (c, a, b)), color in zip(lines.items(), (INK, GREEN, SOFT), strict=True):
    label = f"{name}: {likelihood(np.array([c, a, b]), with_bias, side):.3f}"
    first.plot(at, -(a * at + c) / b, color=color, ls="-" if name == "most likely" else "--", label=label)
first.set(xlim=(-2.6, 2.6), ylim=(-3.9, 2.4), title="Three lines without a mistake", xlabel="x₁", ylabel="x₂")
first.legend(title="log-likelihood", loc="lower left", fontsize=9)
for (rate, curve), color in zip(curves.items(), COLORS, strict=True):
    second.plot(range(1, 21), curve, color=color, label=f"{rate:g}")
second.set(
    yscale="log", title="Too small, right, too large", xlabel="pass", ylabel="mean -log p", xticks=(1, 5, 10, 15, 20)
)
second.legend(title="rate", ncols=3, fontsize=9)
third.plot(range(1, len(inside) + 1), inside, color=BLUE, label="100 digits learned from")
third.plot(range(1, len(held) + 1), held, color=GREEN, label="held-out digits")
third.plot(top + 1, held[top], "o", color=GREEN)
third.annotate("stop here", (top + 1, held[top]), (0, 10), textcoords="offset points", ha="center", color=GREEN)
third.set(
    xscale="log", ylim=(-1.2, 0.05), title="The held-out likelihood falls again", xlabel="pass", ylabel="mean log p"
)
third.legend(loc="lower right", fontsize=9)
save(figure, out / "logistic.png")
