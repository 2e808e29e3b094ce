"""The workloads: networks with their data and first weights, drawn from a seed. Nothing here runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Start = list[tuple[Array, Array]]

ACTIVATIONS = (
    "identity", "relu", "abs", "leaky_relu", "prelu", "elu", "sigmoid", "tanh", "softplus", "hard_tanh", "softmax",
    "maxout",
)  # fmt: skip
SEED = 0  # of every trainer
LEAKY_SLOPE, PRELU_START, PIECES = 0.01, 0.25, 2
CHECKED = 32  # steps whose losses are compared, so their rows are the ones glassgrad draws


@dataclass(frozen=True, eq=False)
class Network:
    """Training of one fully connected network on rows drawn with replacement; mean squared error, float32.

    Parameters
    ----------
    name, family : str
        ``xor-sgd`` and ``xor``.
    widths : sequence of int
        Inputs, the outputs of each linear layer. After "maxout", the next layer sees half as many.
    activations : sequence of str
        One between each two linear layers.
    batch : int
        Rows a step.
    optimizer : str
        "sgd", plain, or "adam", with its usual constants.
    rate : float
        Learning rate.
    fixed : int
        How many of the first linear layers do not learn.
    examples : int
        Rows that are drawn from.
    drawn : int
        For how many steps peers get their rows beforehand; then they start over.
    """

    name: str
    family: str
    widths: Sequence[int]
    activations: Sequence[str]
    batch: int
    optimizer: str = "sgd"
    rate: float = 1e-3
    fixed: int = 0
    examples: int = 512
    drawn: int = 16384
    seed: int = 0

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Fan-in and fan-out of each linear layer."""
        fans = [self.widths[0]]
        for width, activation in zip(self.widths[1:-1], self.activations, strict=True):
            fans.append(width // PIECES if activation == "maxout" else width)
        return list(zip(fans, self.widths[1:], strict=True))

    @cached_property
    def data(self) -> tuple[Array, Array]:
        """X and Y, from N(0, 1)."""
        rng = np.random.default_rng((self.seed, 1))
        sizes = ((self.examples, self.widths[0]), (self.examples, self.widths[-1]))
        return rng.normal(size=sizes[0]).astype(np.float32), rng.normal(size=sizes[1]).astype(np.float32)

    @cached_property
    def first_weights(self) -> list[Array]:
        """Drawn from N(0, 1 / fan-in)."""
        rng = np.random.default_rng((self.seed, 2))
        return [(rng.normal(size=s) / np.sqrt(s[0])).astype(np.float32) for s in self.shapes]

    def start(self) -> Start:
        """New arrays of the first weights, and of biases, 0."""
        return [(W.copy(), np.zeros(W.shape[1], np.float32)) for W in self.first_weights]

    @cached_property
    def indices(self) -> Array:
        """The rows of each step, for peers: at first those that glassgrad's trainer draws, then any."""
        from glassgrad import random

        key = random.fold_in(random.key(SEED), 2)
        first = [random.integers(random.fold_in(key, t), self.examples, (self.batch,)) for t in range(CHECKED)]
        rest = np.random.default_rng((self.seed, 3)).integers(
            0, self.examples, (self.drawn - CHECKED, self.batch), dtype=np.int32
        )
        return np.concatenate([np.asarray(first, np.int32), rest])

    def describe(self) -> str:
        """Widths, activations and batch in a few characters."""
        kinds = list(dict.fromkeys(self.activations))
        return f"{'-'.join(map(str, self.widths))} {' '.join(kinds)}, {self.batch}".replace(" ,", ",")


@dataclass(frozen=True, eq=False)
class Elbows(Network):
    """One of the six runs of *elbows*, as `glassgrad.geometry.elbow_run` trains them."""

    STEPS = 150_000
    LOOK_EVERY = 1_000

    @cached_property
    def data(self) -> tuple[Array, Array]:
        """200 points of the zigzag with noise."""
        from glassgrad.data import zigzag

        return zigzag(self.examples, seed=self.seed)

    @cached_property
    def held_out(self) -> tuple[Array, Array]:
        """200 points between the others."""
        from glassgrad.data import zigzag

        return zigzag(self.examples, seed=self.seed, held_out=True)

    @cached_property
    def first_weights(self) -> list[Array]:
        """As the package draws them."""
        return [W for W, _ in self.start()]

    def start(self) -> Start:
        """The elbows, at −b / w, start inside [0, 1]."""
        from glassgrad.geometry import elbow_start

        return elbow_start(self.widths[1], self.seed)


def named() -> list[Network]:
    """The five networks, each with SGD and with Adam."""
    table = {
        "xor": ((2, 8, 1), ("tanh",), 4),
        "relu1d": ((1, 50, 1), ("relu",), 1),
        "cs231n": ((1000, 100, 10), ("sigmoid",), 64),
        "digits": ((64, 64, 10), ("relu",), 32),
        "mnist": ((784, 512, 512, 10), ("relu", "relu"), 128),
    }
    return [
        Network(f"{name}-{optimizer}", name, *sizes, optimizer=optimizer)
        for name, sizes in table.items()
        for optimizer in ("sgd", "adam")
    ]


def elbows(drawn: int = 16384) -> list[Elbows]:
    """The six runs: three widths, the output layer alone and then all layers from the same start."""
    from glassgrad.geometry import ELBOW_RATES, ELBOW_WIDTHS

    return [
        Elbows(f"elbows-{width}-{what}", "elbows", (1, width, 1), ("relu",), 40, rate=rate,
               fixed=int(what == "output"), examples=200, drawn=drawn, seed=width)
        for width in ELBOW_WIDTHS
        for what, rate in ELBOW_RATES.items()
    ]  # fmt: skip


def drawn_networks(count: int = 20, seed: int = 0) -> list[Network]:
    """Networks of shapes drawn at random: depth 1–8, widths 3–700, batch 1–300, all activations.

    Sizes are drawn evenly on a logarithmic scale, so that small ones are as frequent as large ones.
    """
    rng = np.random.default_rng(seed)

    def size(low: int, high: int) -> int:
        return int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))

    made = []
    for i in range(count):
        depth = int(rng.integers(1, 9))
        activations = [str(rng.choice(ACTIVATIONS)) for _ in range(depth - 1)]
        widths = [size(3, 700) for _ in range(depth + 1)]
        for j, activation in enumerate(activations):
            if activation == "maxout":
                widths[j + 1] += widths[j + 1] % PIECES
        optimizer = ("sgd", "adam")[i % 2]
        made.append(
            Network(f"drawn-{i:02d}-{optimizer}", "drawn", widths, activations, size(1, 300), optimizer, seed=i)
        )
    return made


def deepest() -> Network:
    """The deepest of the drawn networks."""
    return max(drawn_networks(), key=lambda network: len(network.widths))


def network_named(name: str) -> Network:
    """A network by its name."""
    return next(w for w in [*named(), *elbows(Elbows.STEPS), *drawn_networks()] if w.name == name)


@dataclass(frozen=True, eq=False)
class Prediction:
    """Outputs of a network for some rows, NumPy arrays in and out, called again and again."""

    name: str
    network: Network
    rows: int

    @cached_property
    def X(self) -> Array:
        """The rows."""
        size = (self.rows, self.network.widths[0])
        return np.random.default_rng(self.rows).normal(size=size).astype(np.float32)


def predictions() -> list[Prediction]:
    """Single rows and a thousand."""
    nets = {w.family: w for w in named() if w.optimizer == "sgd"}
    return [
        Prediction("predict-digits-1", nets["digits"], 1),
        Prediction("predict-digits-1000", nets["digits"], 1000),
        Prediction("predict-mnist-1000", nets["mnist"], 1000),
    ]


@dataclass(frozen=True, eq=False)
class Function:
    """A general function: its value and its gradient with respect to the first `inputs` of its arguments.

    ``make`` gets a NumPy-like namespace and the namespace's logsumexp, and gives the function; peers that
    have neither write it in their own words, under its name.
    """

    name: str
    make: Callable[[Any, Any], Callable[..., Any]]
    arguments: tuple[Array, ...]
    inputs: int
