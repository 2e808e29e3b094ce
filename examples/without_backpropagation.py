"""Learning without backpropagation: four ways, and what each costs for the same drop in loss.

Perturb one weight and keep what helps; climb by random steps; perturb all weights and correlate; perturb only what the
units put out. Every method runs on the same machine code as backpropagation, from the same weights.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from _story import COLORS, GOLD, GREEN, INK, SOFT, VIOLET, folder, heading, save

import glassgrad as gg
from glassgrad import distributions, nn, optim, train
from glassgrad.train import Activations, ParallelWeights

WIDTHS, BATCHES = (4, 16, 64, 256), (10, 100)


def digits_trainer(width: int) -> train.Trainer:
    net = nn.Sequential(nn.Linear(64, width), nn.Tanh(), nn.Linear(width, 10)).initialise(0)
    return train.Trainer(net, distributions.Categorical(), optim.SGD(0.5), batch_size=None)


def cosine(method, width: int, rows: int) -> float:
    """Of the angle between one estimate of the gradient and the gradient, the mean of 200."""
    base = digits_trainer(width)
    estimating = train.PerturbationTrainer(base.net, base.loss, method)
    found = estimating.estimates(X[:rows], y[:rows], 200)
    estimates = np.concatenate([part.reshape(200, -1) for part in found.values()], axis=1)
    exact = gg.grad(lambda ws: base.loss.loss(np.tanh(X[:rows] @ ws[0] + ws[1]) @ ws[2] + ws[3], y[:rows]))
    g = np.concatenate([part.ravel() for part in exact([p.value for p in base.net.parameters()])])
    return float(np.mean(estimates @ g / np.linalg.norm(estimates, axis=1) / np.linalg.norm(g)))


out = folder("without_backpropagation", __doc__)
X, y = gg.data.digits()
rows = 100

heading(f"The price of the same drop in loss: {rows} digits, a 64-32-10 network")
found = train.without_backpropagation(digits_trainer(32), X[:rows], y[:rows], steps=60)
print(found)

heading("How well one estimate knows the gradient: its cosine")
series = [(ParallelWeights(), 100), *((Activations(), batch) for batch in reversed(BATCHES))]
names = ["all weights", *(f"activations, {batch} rows" for batch in reversed(BATCHES))]
angles = np.array([[cosine(method, width, batch) for width in WIDTHS] for method, batch in series])
print(f"  {'hidden units':<24}" + "".join(f"{width:>10}" for width in WIDTHS))
for name, line in zip(names, angles, strict=True):
    print(f"  {name:<24}" + "".join(f"{value:>10.3f}" for value in line))
print("\n  A cosine c means that about 1/c² estimates have to be averaged to point as")
print("  well as backpropagation does at once. With n weights it is about 0.8/√n.")

figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 4.8), width_ratios=(1.25, 1))
for way, color in zip((found.backpropagation, *found.ways), (INK, *COLORS), strict=False):
    each = way.flops / way.steps
    left.plot((way.at + 1) * each, way.losses, color=color, label=way.title)
    left.plot((way.steps + 1) * each, way.loss, "o", color=color)
left.axhline(found.target, color=SOFT, lw=1, ls=":")
left.set(xscale="log", yscale="log", xlabel="operations", ylabel="loss of all rows")
left.set(title="The same weights at the start, the same loss at the end")
left.legend(loc="lower left", bbox_to_anchor=(0, 0.12))
left.text(0.02, 0.04, "dotted: 60 steps of backpropagation", transform=left.transAxes, color=SOFT)
for name, line, color in zip(names, angles, (GREEN, VIOLET, GOLD), strict=True):
    right.plot(WIDTHS, line, "o-", color=color)
    right.annotate(name, (WIDTHS[0], line[0]), (4, 8), textcoords="offset points", color=color)
bound = np.sqrt(2 / np.pi / np.array([74 * width + width + 10 for width in WIDTHS]))
right.plot(WIDTHS, bound, ":", color=INK, lw=3)
right.text(WIDTHS[0], bound[-1], "dotted: 0.8/√n for n weights", color=INK)
right.set(xscale="log", yscale="log", ylim=(3e-3, 0.8), xlabel="hidden units", ylabel="cosine with the gradient")
right.set_xticks(WIDTHS, [str(width) for width in WIDTHS])
right.minorticks_off()
right.set(title="One estimate says less, the more is perturbed")
save(figure, out / "without_backpropagation.png")
