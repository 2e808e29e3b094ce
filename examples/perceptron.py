"""The perceptron: it learns from its mistakes only, and there is a bound on how many it can make.

Spam among text messages (or, without ../shared/data, threes among eights): mistakes in each pass against the bound,
the words that tell most, what averaging the weights does where labels are wrong, and rows that no line separates.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _story import BLUE, GREEN, INK, ORANGE, SOFT, folder, heading, save
from sklearn.feature_extraction.text import CountVectorizer

import glassgrad as gg
from glassgrad.estimators import NotSeparableWarning, Perceptron

SMS = Path(__file__).resolve().parents[2] / "shared" / "data" / "SMSSpamCollection"


def messages():
    """Counts of words of 4,000 messages and of the others; 1 is spam."""
    lines = SMS.read_text(encoding="utf-8").splitlines()[1:]
    labels, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
    order = np.random.default_rng(0).permutation(len(lines))
    y, (learn, held) = np.array([label == "spam" for label in labels]).astype(int), np.split(order, [4000])
    counter = CountVectorizer(token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    X = counter.fit_transform([texts[i] for i in learn])
    words = [f'"{word}"' for word in counter.get_feature_names_out()]
    return X, y[learn], counter.transform([texts[i] for i in held]), y[held], words, ("message", "ham", "spam")


def digits():
    """Pixels of eights and threes; 1 is a three."""
    X, y = gg.data.digits()
    X, y = X[(y == 3) | (y == 8)], y[(y == 3) | (y == 8)]
    X, X_held, y, y_held = gg.data.split(X, (y == 3).astype(int), seed=0, stratify=True)
    pixels = [f"pixel {i // 8},{i % 8}" for i in range(64)]
    return X, y, X_held, y_held, pixels, ("digit", "an eight", "a three")


out = folder("perceptron", __doc__)

heading("A message is a vector of counts, its score a weighted sum")
weights, features = {"bias": -3, "free": 4, "money": 2}, {"bias": 1, "free": 1, "money": 1}
print('  "free money"   ' + "  +  ".join(f"{weights[k]}·{features[k]} ({k})" for k in weights))
score = sum(weights[k] * features[k] for k in weights)
print(f"  score {score}, at least 0, so it is spam")

X, y, X_held, y_held, names, (thing, no, yes) = messages() if SMS.is_file() else digits()
heading(f"{X.shape[0]:,} {thing}s, {X.shape[1]:,} features: mistakes in each pass")
model = Perceptron(tol=None).fit(X, y, X_val=X_held, y_val=y_held)
averaged = Perceptron(tol=None, average=True).fit(X, y, X_val=X_held, y_val=y_held)
print(f"  {'pass':>6}{'mistakes':>11}{'in all':>9}{'held out':>12}{'averaged':>11}")
total = model.mistakes_.cumsum()
for i, (made, so_far) in enumerate(zip(model.mistakes_, total, strict=True)):
    print(
        f"  {i + 1:>6}{made:>11}{so_far:>9}{model.validation_scores_[i]:>12.2%}{averaged.validation_scores_[i]:>11.2%}"
    )
print("\n  A pass without a mistake: the perceptron has found a separator, and stops.")

heading("Why it had to stop: the bound (R/δ)²")
radius = np.sqrt(model.mistake_bound_) * model.margin_
for what, number in (
    (f"R, the longest {thing}", f"{radius:.3f}"),
    ("δ, the margin of the best separator", f"{model.margin_:.5f}"),
    ("mistakes it can make, (R/δ)²", f"{model.mistake_bound_:,.0f}"),
    ("mistakes it made", f"{total[-1]:,}"),
):
    print(f"  {what + ':':<40}{number:>10}")

heading("What it has learned")
order = np.argsort(averaged.coef_[0])
print(f"  says {yes}: {', '.join(names[i] for i in order[:-6:-1])}")
print(f"  says {no}: {', '.join(names[i] for i in order[:5])}")
said = averaged.predict(X_held)
precision, recall = np.mean(y_held[said == 1] == 1), np.mean(said[y_held == 1] == 1)
print(f"  held out: {averaged.score(X_held, y_held):.2%} right; {precision:.1%} of what it calls {yes} is {yes},")
print(f"  and it finds {recall:.1%} of it")

heading("One label in ten is wrong: average the weights, and stop in time")
flipped = np.where(np.random.default_rng(1).random(len(y)) < 0.1, 1 - y, y)
curves = {}
print("  held out:")
for name, average in (("plain", False), ("averaged", True)):
    noisy = Perceptron(tol=None, max_iter=30, average=average)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 30 passes are not enough, and are not meant to be
        noisy.fit(X, flipped, X_val=X_held, y_val=y_held)
    curves[name] = noisy.validation_scores_
    print(
        f"  {name:<10}{curves[name].mean():>6.2%} in the mean of all passes, {curves[name][-1]:.2%} after the last,\n"
        f"{'':<12}{curves[name].max():.2%} at best (pass {noisy.best_iter_})"
    )

heading("Rows that no line separates: a linear program proves it")
few = np.argsort(-np.abs(averaged.coef_[0]))[:5]
with warnings.catch_warnings(record=True) as said_so:
    warnings.simplefilter("always")
    Perceptron().fit(X[:, few], y)
reason = next(w for w in said_so if w.category is NotSeparableWarning)
print("  With the 5 most telling features only:")
print("  NotSeparableWarning: " + str(reason.message).split(", so")[0].replace(" (", "\n  ("))

figure, (first, second) = plt.subplots(1, 2, figsize=(11, 4.4))
passes = np.arange(1, len(total) + 1)
first.axhline(model.mistake_bound_, color=ORANGE, ls="--", lw=1.4)
first.annotate(f"the bound (R/δ)² = {model.mistake_bound_:,.0f}", (passes[0], model.mistake_bound_), (0, 6),
               textcoords="offset points", color=ORANGE)  # fmt: skip
first.plot(passes, total, color=INK, marker="o", ms=4)
first.annotate(f"{total[-1]:,} mistakes in all", (passes[-1], total[-1]), (0, 9), textcoords="offset points",
               color=INK, ha="right")  # fmt: skip
first.bar(passes, model.mistakes_, color=BLUE, alpha=0.75, width=0.6)
middle = np.sqrt(total[-1] * model.mistakes_[-4:].max())
first.text(passes[-1], middle, "in each pass", color=BLUE, ha="right")
first.set(yscale="log", xlabel="pass", title="Mistakes end, as the bound says")
first.set_ylim(0.8, model.mistake_bound_ * 4)
first.set_xticks(passes)
for (name, curve), color in zip(curves.items(), (SOFT, GREEN), strict=True):
    second.plot(range(1, len(curve) + 1), 100 * curve, color=color, label=f"{name} weights")
    best = int(np.argmax(curve))
    second.plot(best + 1, 100 * curve[best], "o", color=color)
second.legend(loc="lower right")
second.set(xlabel="pass", ylabel="held-out accuracy, %", title="One label in ten is wrong: averaging helps")
save(figure, out / "perceptron.png")
