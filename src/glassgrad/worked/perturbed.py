"""Learning without backpropagation: what a perturbation says of the gradient, and what it costs to listen."""

from __future__ import annotations

import itertools
import textwrap
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.data import digits
from glassgrad.distributions import Categorical
from glassgrad.optim import SGD
from glassgrad.tensors import Tensor
from glassgrad.train import Comparison, Trainer, without_backpropagation
from glassgrad.transforms import grad
from glassgrad.views.numbers import array
from glassgrad.worked.record import Example

SIZE = 0.5


def neuron(w: Any, x: Any, y: Any) -> Tensor:
    """Shake all weights at once, each up or down by the same size, and multiply the change of the loss by each sign.

    One such try says next to nothing: the change is the work of all weights together. But what the other weights did
    cancels in the mean, and over all sign patterns the mean is the gradient.
    """
    yhat = (x @ w).named("ŷ")
    return (0.5 * np.sum(np.square(yhat - y))).named("L")


def patterns(w: Any, x: Any, y: Any, size: float = SIZE) -> list[tuple[Any, float, Any]]:
    """For every pattern of signs ξ: ξ, the slope (L(w + size ξ) − L(w)) / size, and the estimate slope · ξ."""

    def loss(weights: Any) -> float:
        return float(0.5 * np.sum((x @ weights - y) ** 2))

    found = []
    for signs in itertools.product((1.0, -1.0), repeat=len(w)):
        xi = np.array(signs)
        slope = (loss(w + size * xi) - loss(w)) / size
        found.append((xi, slope, slope * xi))
    return found


def comparison(width: int = 32, rows: int = 40, steps: int = 40) -> Comparison:
    """All methods on some digits, with a hidden layer of so many units."""
    X, y = digits()
    net = nn.Sequential(nn.Linear(64, width), nn.Tanh(), nn.Linear(width, 10)).initialise(0)
    trainer = Trainer(net, Categorical(), SGD(0.5), batch_size=None)
    return without_backpropagation(trainer, X[:rows], y[:rows], steps=steps)


def _written(out: Tensor, width: int) -> str:
    w, x, y = (np.array(VALUES[name]) for name in ("w", "x", "y"))
    tries = patterns(w, x, y)
    lines = [f"{'signs ξ':<20}{'(L(w + ½ξ) - L(w)) / ½':>24}    estimate: that times ξ", "─" * 78]
    lines += [f"{array(xi):<20}{slope:>24.4f}    {array(estimate)}" for xi, slope, estimate in tries]
    lines += [
        "─" * 78,
        f"{'mean of all':<48}{array(np.mean([g for *_, g in tries], axis=0))}",
        f"{'gradient':<48}{array(grad(neuron)(w, x, y))}",
    ]
    title = "40 digits, a 64-32-10 network, from the same weights down to the same loss:"
    return "\n".join([*lines, "", title, "", str(comparison()), "", textwrap.fill(_WHY, width)])


_WHY = (
    "Why all are slow: a pass forward gives one number, and there are as many unknowns as numbers that were perturbed. "
    "A change that is kept mostly points sideways. An estimate from n weights has a cosine of about 1/√n with the "
    "gradient: the rate has to be small, or n estimates averaged. Activations are fewer than weights, and each row has "
    "its own, so their noise grows with the units only, and shrinks with the rows: in narrow layers and large batches "
    "little is lost, in wide layers much. Backpropagation gives every weight its gradient, exactly, for the price of "
    "about two more passes."
)


VALUES = {"w": [0.5, -1.0, 2.0], "x": [1.0, 2.0, -0.5], "y": 1.0}

EXAMPLES = (
    Example(
        "without-backpropagation", "Learning without backpropagation, and its price", "S19", neuron, VALUES, _written,
        table=False,
    ),
)  # fmt: skip
