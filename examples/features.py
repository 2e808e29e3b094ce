"""Three ways to choose features: generic, engineered, learned, on one data set.

Two spirals wind around each other. No line parts them; a line in other features does. Generic features (RBF: how close
is the point to each of many centres?) need no thought and many numbers; engineered ones need somebody who knows what a
spiral is, and then three numbers do; learned ones need more numbers and steps, and nobody who knows.
"""

from __future__ import annotations

import time

import matplotlib.pyplot as plt
import numpy as np
from _story import BLUE, ORANGE, SOFT, folder, heading, plane, save
from matplotlib.colors import LinearSegmentedColormap
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import glassgrad as gg
from glassgrad.estimators import LogisticRegression, MLPClassifier, RBFFeatures

TURNS = 1.75  # of each spiral


def spirals(n: int, noise: float, seed: int):
    """Points of two spirals, r growing with the angle, half a turn apart."""
    rng = np.random.default_rng(seed)
    r, arm = np.sqrt(rng.uniform(0.02, 1, n)), rng.integers(0, 2, n)
    angle = 2 * np.pi * TURNS * r + np.pi * arm
    X = np.column_stack([r * np.cos(angle), r * np.sin(angle)]) + rng.normal(0, noise, (n, 2))
    return X.astype(np.float32), arm


def unwound(X):
    """What one who knows the spiral asks: how far out, and at which angle once the winding is taken back."""
    r, angle = np.hypot(X[:, 0], X[:, 1]), np.arctan2(X[:, 1], X[:, 0])
    rest = angle - 2 * np.pi * TURNS * r
    return np.column_stack([r, np.cos(rest), np.sin(rest)])


def numbers(model) -> tuple[int, int]:
    """How many features the last, linear step sees, and how many numbers were learned."""
    if isinstance(model, MLPClassifier):
        return model.coefs_[-1].shape[0], model.network().count()
    linear = model[-1] if hasattr(model, "steps") else model
    return linear.coef_.shape[1], linear.network().count()


out = folder("features", __doc__)
X, X_held, y, y_held = gg.data.split(*spirals(1200, 0.03, seed=1), held_out=0.5, seed=0, stratify=True)
ways = {
    "the coordinates": LogisticRegression(),
    "generic: 10 centres": make_pipeline(RBFFeatures(10, gamma=30.0, random_state=0), LogisticRegression(C=1e4)),
    "generic: 100 centres": make_pipeline(RBFFeatures(100, gamma=30.0, random_state=0), LogisticRegression(C=1e4)),
    "engineered: r, cos, sin": make_pipeline(FunctionTransformer(unwound), LogisticRegression(C=1e4)),
    "learned: 24 + 24 tanh units": MLPClassifier(
        (24, 24), activation="tanh", learning_rate_init=0.02, batch_size=50, max_iter=2000,
        n_iter_no_change=200,
        random_state=0,
    ),
}  # fmt: skip

heading("Two spirals: one data set, three ways to choose features")
print(f"  {'features':<30}{'how many':>9}{'learned numbers':>17}{'held-out':>11}{'seconds':>10}")
scores = {}
for name, model in ways.items():
    model.fit(X, y)  # once before, so that no compiling is in the seconds
    started = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - started
    scores[name] = model.score(X_held, y_held)
    print("  {:<30}{:>9,}{:>17,}{:>11.1%}{:>10.3f}".format(name, *numbers(model), scores[name], seconds))
print("\n  What parts the classes is a line in every row: only the features differ.")
print("  Generic ones have to be many, engineered ones take insight, learned ones take")
print("  more numbers and steps, and nobody's insight.")

answers = LinearSegmentedColormap.from_list("answers", ["#b9ccee", "white", "#efc3a8"])
figure, axes = plt.subplots(1, len(ways), figsize=(14, 3.6), sharey=True)
xs, ys, at = plane((-1.25, -1.25), (1.25, 1.25))
for place, (name, model) in zip(axes, ways.items(), strict=True):
    p = model.predict_proba(at)[:, 1].reshape(xs.shape)
    place.imshow(p, extent=(-1.25, 1.25, -1.25, 1.25), origin="lower", cmap=answers, vmin=0, vmax=1)
    place.contour(xs, ys, p, [0.5], colors=[SOFT], linewidths=1)
    place.scatter(*X_held.T, c=np.where(y_held == 1, ORANGE, BLUE), s=5, lw=0)
    place.set(xticks=[], yticks=[])
    place.set_title(f"{name}\n{scores[name]:.1%} of held-out points", fontsize=9.5)
    place.spines[:].set_visible(False)
save(figure, out / "features.png")
