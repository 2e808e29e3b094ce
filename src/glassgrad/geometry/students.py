"""ReLU networks that learn a function, for studies of width and depth: how they start, how they are trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.distributions import Distribution, Gaussian
from glassgrad.geometry.measuring import evaluate
from glassgrad.geometry.rounding import Stage, network
from glassgrad.geometry.target import Target
from glassgrad.optim import Adam, Cosine
from glassgrad.train import Trainer

Array = np.ndarray[Any, Any]
_SAMPLES = {1: 1025, 2: 49}  # a side
_SPREAD = nn.Uniform(-1.0, 1.0)


def student(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    """Hidden ReLU layers of one width, and a linear output, not drawn yet.

    Weights start as He's; first biases between −1 and 1, which spreads the elbows of the first layer over inputs of
    that range. With biases of zero all would start at the origin, to the harm of networks of one layer most.
    """
    layers: list[nn.Layer] = []
    for i in range(depth):
        bias = nn.Zeros() if i else _SPREAD
        layers += [nn.Linear(width if i else inputs, width, weight=nn.HeNormal(), bias_init=bias), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def parameters(inputs: int, width: int, depth: int, outputs: int) -> int:
    """How many numbers a student has."""
    return (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs


def widest(inputs: int, depth: int, outputs: int, budget: int) -> int:
    """The greatest width whose parameters stay within a budget; 0 where there is none.

    Examples
    --------
    >>> [widest(1, depth, 1, 1200) for depth in (1, 2, 3, 4)]
    [399, 32, 23, 19]
    """
    width = 0
    while parameters(inputs, width + 1, depth, outputs) <= budget:
        width += 1
    return width


def taught(
    net: nn.Sequential,
    loss: Distribution,
    X: Array,
    y: Array,
    steps: int,
    rate: float,
    seed: int,
    engine: str = "native",
) -> Trainer:
    """A trainer after so many steps of Adam on 64 rows, with a rate that falls to 0 along a cosine."""
    trainer = Trainer(net, loss, Adam(Cosine(rate, steps)), batch_size=64, seed=seed, engine=engine)
    trainer.steps(X, y, steps)
    return trainer


def learned(target: Target, width: int, steps: int, rate: float, seed: int) -> Callable[..., Array]:
    """A network of one hidden layer that learned a function from its values on a grid.

    It learns with inputs and outputs scaled to a range of about 1, and the scaling then becomes part of its weights.
    """
    sides = [np.linspace(a, b, _SAMPLES[target.dims]) for a, b in zip(target.low, target.high, strict=True)]
    grid = np.meshgrid(*sides, indexing="ij")
    middle, half = (target.low + target.high) / 2, (target.high - target.low) / 2
    X = (np.column_stack([c.ravel() for c in grid]) - middle) / half
    y = target(*grid).reshape(-1, 1)
    centre, size = y.mean(), y.std() or 1.0
    net = student(target.dims, width, 1, 1)
    taught(net, Gaussian(), X, (y - centre) / size, steps, rate, seed)
    (W1, b1), (W2, b2) = ([p.value.astype(np.float64) for p in (net[i].W, net[i].b)] for i in (0, 2))
    W1 = W1 / half[:, None]
    scaled = network([Stage(W1, b1 - middle @ W1), Stage(W2 * size, b2 * size + centre)], np.float64)
    return lambda *coordinates: evaluate(scaled, *coordinates)
