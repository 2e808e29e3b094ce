"""Hidden units: what each one does to a number, and to its gradient.

A unit that is flat stops the gradient; one that is straight lets it through. Maxout over two numbers gives back the
absolute value, ReLU and PReLU exactly, and tanh is a sigmoid stretched and moved: tanh z = 2σ(2z) - 1.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from _story import BLUE, ORANGE, SOFT, folder, heading, save

import glassgrad as gg
from glassgrad import distributions, nn, optim, train

UNITS = {
    "ReLU": nn.ReLU(), "absolute value": nn.AbsoluteValue(), "leaky ReLU": nn.LeakyReLU(0.1),
    "PReLU": nn.PReLU(slope=0.25), "ELU": nn.ELU(), "softplus": nn.Softplus(), "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(), "hard tanh": nn.HardTanh(),
}  # fmt: skip


def slopes(unit: nn.Layer, z: np.ndarray) -> np.ndarray:
    """How fast the unit's answer grows at each z."""
    return gg.grad(lambda z: np.sum(unit(z)))(gg.tensor(z)).value


def maxout(first: tuple[float, float]) -> nn.Sequential:
    """One number in, the larger of two multiples of it out."""
    net = nn.Sequential(nn.Linear(1, 2, dtype=np.float64), nn.Maxout(2))
    net[0].W.value, net[0].b.value = np.array([first]), np.zeros(2)
    return net


def learner(unit: nn.Layer, seed: int) -> train.Trainer:
    """Two hidden layers of such units; maxout makes one number of two."""
    wide = 2 if isinstance(unit, nn.Maxout) else 1
    net = nn.Sequential(nn.Linear(64, 32 * wide), unit, nn.Linear(32, 32 * wide), unit, nn.Linear(32, 10))
    return train.Trainer(net, distributions.Categorical(), optim.SGD(0.02, momentum=0.9), batch_size=32, seed=seed)


out = folder("hidden_units", __doc__)
z = np.linspace(-3, 3, 601)

heading("Identities, at 601 numbers from -3 to 3")
column = z[:, None]
for name, pair, unit in (
    ("max(z, -z) = |z|", (1.0, -1.0), nn.AbsoluteValue()),
    ("max(z, 0) = ReLU", (1.0, 0.0), nn.ReLU()),
    ("max(z, z/4) = PReLU with a = 1/4", (1.0, 0.25), nn.PReLU(slope=0.25, dtype=np.float64)),
):
    print(f"  {name:<38}{np.abs((maxout(pair)(column) - unit(column)).value).max():>10.1e} apart")
print(f"  {'tanh z = 2σ(2z) - 1':<38}{np.abs(np.tanh(z) - (2 * gg.sigmoid(2 * z) - 1)).max():>10.1e} apart")

heading("The same network with each of them: digits, two layers of 32, 20 epochs")
X, X_held, y, y_held = gg.data.split(*gg.data.digits(), held_out=0.25, seed=0, stratify=True)
print(f"  {'unit':<18}{'held-out, mean of three':>25}{'worst':>10}{'seconds of steps':>18}")
for name, unit in (UNITS | {"randomised ReLU": nn.RandomizedReLU(), "maxout of 2": nn.Maxout(2)}).items():
    seconds, right = 0.0, []
    for seed in range(3):
        trainer = learner(unit, seed)
        seconds += trainer.fit(X, y, epochs=20, monitor=False).step_seconds
        right.append(float(np.mean(trainer.predict(X_held) == y_held)))
    print(f"  {name:<18}{100 * np.mean(right):>24.2f}%{100 * min(right):>9.2f}%{seconds / 3:>18.3f}")

figure, axes = plt.subplots(3, 3, figsize=(10.5, 8.2), sharex=True)
for place, (name, unit) in zip(axes.flat, UNITS.items(), strict=True):
    place.axhline(0, color=SOFT, lw=0.7)
    place.axvline(0, color=SOFT, lw=0.7)
    place.plot(z, unit(gg.tensor(z)).value, color=BLUE)
    place.plot(z, slopes(unit, z), color=ORANGE, lw=1.3, ls="--")
    place.set(title=name, ylim=(-1.4, 3.1), xlim=(-3, 3))
figure.supxlabel("z", color=SOFT)
figure.suptitle("Blue: the unit's answer; orange, dashed: its slope, by which it multiplies the upstream gradient",
                x=0.01, ha="left", color=SOFT, fontsize=10)  # fmt: skip
save(figure, out / "hidden_units.png")
