"""XOR: what no linear model can say, two hidden units make easy.

A linear model answers ½ to everything. A hidden layer moves the four points so that a line can part them: first made
by hand, then learned.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from _story import BLUE, GREEN, INK, ORANGE, SOFT, folder, heading, plane, save
from matplotlib.colors import LinearSegmentedColormap

import glassgrad as gg
from glassgrad import distributions, nn, optim, train


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))


def trained(net: nn.Layer, steps: int, optimizer, seed: int = 0) -> tuple[nn.Layer, np.ndarray]:
    trainer = train.Trainer(net, distributions.Gaussian(), optimizer, batch_size=None, seed=seed)
    return net, trainer.steps(X, y, steps, sampling="shuffle").loss


def rows(net: nn.Layer) -> None:
    hidden, output = (part(X).value for part in (net[:2], net))
    print(f"  {'x':<8}{'hidden units':>18}{'output':>10}{'target':>8}")
    for x, h, o, t in zip(X, hidden, output[:, 0], y[:, 0], strict=True):
        print(f"  {x.astype(int)!s:<8}{f'{h[0]:.2f}  {h[1]:.2f}':>18}{o:>10.2f}{t:>8.0f}")


def points(axes, at, title: str) -> None:
    """The four inputs, wherever they are now; where two fall on one point, both are named."""
    spots: dict[tuple, list[int]] = {}
    for i, place in enumerate(at):
        spots.setdefault(tuple(np.round(place, 2).tolist()), []).append(i)
    for spot, members in spots.items():
        axes.scatter(*spot, s=150, color=ORANGE if y[members[0], 0] else BLUE, edgecolor="white", lw=1.5, zorder=3)
        label = " and ".join(f"({X[i, 0]:.0f},{X[i, 1]:.0f})" for i in members)
        axes.annotate(label, spot, (0, 11), textcoords="offset points", ha="center", color=INK, zorder=4, bbox=LABEL)
    axes.set(title=title)


def shade(axes, answer, low, high) -> None:
    """An answer between 0 (blue) and 1 (orange) at every point, and the line where it is ½."""
    xs, ys, at = plane(low, high)
    values = np.clip(answer(at).reshape(xs.shape), 0, 1)
    axes.imshow(values, extent=(low[0], high[0], low[1], high[1]), origin="lower", cmap=ANSWERS, vmin=0, vmax=1)
    if np.ptp(values) > 0.1:
        axes.contour(xs, ys, values, [0.5], colors=[SOFT], linewidths=1.2, linestyles="--")
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))


out = folder("xor", __doc__)
ANSWERS = LinearSegmentedColormap.from_list("answers", ["#b9ccee", "white", "#efc3a8"])
LABEL = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
X, y = gg.data.xor()

heading("A linear model")
linear, _ = trained(nn.Linear(2, 1), 20, optim.LBFGS(), seed=1)
w, b = linear.W.value.ravel().round(4) + 0.0, round(linear.b.value.item(), 4)
print(f"  least squares, from a random start:  w = [{w[0]:g} {w[1]:g}]  b = {b:g}")
print(f"  so it answers {b:g} to all four; loss ½·(½)² = {np.mean((linear(X).value - y) ** 2) / 2:.4f}")

heading("Two ReLU units made by hand")
made = network()
made[0].W.value, made[0].b.value = np.ones((2, 2)), np.array([0.0, -1.0])
made[2].W.value, made[2].b.value = np.array([[1.0], [-2.0]]), np.zeros(1)
rows(made)

heading("Two ReLU units that learn")
runs = [trained(network(), 1500, optim.Adam(0.02), seed) for seed in range(20)]
solved = [i for i, (_, losses) in enumerate(runs) if losses[-1] < 1e-3]
print(f"  {len(solved)} of 20 random starts find a solution; the others end where a unit is dead or")
print("  stuck, and answer some rows as badly as a line. Seed", solved[0], "found:\n")
learned = runs[solved[0]][0]
rows(learned)

figure, axes = plt.subplots(2, 3, figsize=(11.5, 7.8))
corner, far = (-0.6, -0.6), (1.6, 1.6)
for place, net, title in (
    (axes[0, 0], linear, "A linear model says ½ everywhere"), (axes[0, 1], made, "By hand: input space"),
    (axes[1, 1], learned, "Learned: input space"),
):  # fmt: skip
    shade(place, lambda at, net=net: net(at).value, corner, far)
    points(place, X, title)
    place.set(xlabel="x₁", ylabel="x₂", xticks=[0, 1], yticks=[0, 1])
for place, net, title in ((axes[0, 2], made, "By hand: hidden space"), (axes[1, 2], learned, "Learned: hidden space")):
    hidden = net[:2](X).value
    middle, reach = (hidden.min(axis=0) + hidden.max(axis=0)) / 2, 0.9 * np.ptp(hidden, axis=0).max()
    shade(place, lambda at, net=net: net[2](at).value, middle - reach, middle + reach)
    points(place, hidden, title)
    place.set(xlabel="h₁", ylabel="h₂")
for i, (_, losses) in enumerate(runs):
    axes[1, 0].plot(losses, color=GREEN if i in solved else SOFT, alpha=0.9 if i in solved else 0.35, lw=1.3)
axes[1, 0].axhline(0.125, color=INK, lw=1, ls=":")
axes[1, 0].text(1500, 0.14, "linear model: ⅛", ha="right", color=INK)
axes[1, 0].set(title=f"{len(solved)} of 20 starts learn it", xlabel="step", ylabel="loss", yscale="log", ylim=(1e-6, 2))
axes[1, 0].set_box_aspect(1)
figure.suptitle("Orange: 1, blue: 0, dashed: where the answer is ½", x=0.01, ha="left", color=SOFT, fontsize=10)
figure.get_layout_engine().set(wspace=0.06, hspace=0.06)
save(figure, out / "xor.png")
