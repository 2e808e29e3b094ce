"""A network of one input learns: its elbows and slopes at every look, its errors on training and held-out rows.

The workload *elbows*: a 1-w-1 ReLU network learns a noisy zigzag of ten pieces, once with the output layer alone, so
that elbows stay where they were drawn, and once, from the same start, with all layers, so that they move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from glassgrad import nn
from glassgrad.data import zigzag
from glassgrad.errors import OperandError, UnsupportedError, unknown
from glassgrad.geometry.elbow_pictures import run_picture
from glassgrad.geometry.hand import relu_network
from glassgrad.geometry.lines import Pieces, pieces
from glassgrad.optim import SGD
from glassgrad.train import Trainer

Array = np.ndarray[Any, Any]
Trained = Literal["output", "all"]
ELBOW_WIDTHS = (10, 20, 40)
ELBOW_RATES: dict[Trained, float] = {"output": 0.2, "all": 0.02}
_WORDS = {"output": "output layer only", "all": "all layers"}


@dataclass(frozen=True, eq=False)
class ElbowRun:
    """What became of the elbows and slopes of a 1-w-1 ReLU network while it learned.

    Attributes
    ----------
    title : str
        What was trained.
    steps : int array of shape (k,)
        Steps taken at each look, from 0.
    W, b, v : float64 arrays of shape (k, w)
        Weights and biases of the hidden units, and their weights in the output, at each look.
    c : float64 array of shape (k,)
        The bias of the output.
    train_error, test_error : float64 arrays of shape (k,)
        The loss on the rows that were learned from, and on held-out rows (NaN where there are none).
    X, y : arrays of shape (n, 1)
        The rows.
    """

    title: str
    steps: Array
    W: Array
    b: Array
    v: Array
    c: Array
    train_error: Array
    test_error: Array
    X: Array
    y: Array

    @property
    def positions(self) -> Array:
        """The elbows −b/w, of shape (k, w); NaN for a unit of weight 0, which has none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.W == 0, np.nan, -self.b / self.W)

    @property
    def slopes(self) -> Array:
        """The slope w v that each unit adds to the function on its active side, of shape (k, w)."""
        return self.W * self.v

    @property
    def dead(self) -> Array:
        """Which units are active on none of the rows, at each look; bool, of shape (k, w)."""
        ends = np.array([self.X.min(), self.X.max()], np.float64)
        return np.all(ends[:, None, None] * self.W + self.b <= 0, axis=0, keepdims=True)[0]

    def function(self, look: int = -1) -> Pieces:
        """The network at a look, as its exact pieces."""
        layers = [(self.W[look][None], self.b[look]), (self.v[look][:, None], self.c[look][None])]
        return pieces(relu_network(layers, np.float64))

    def picture(self, look: int = -1) -> Any:
        """The run as a matplotlib figure: the function with its elbows at a look, its slope, errors, elbows."""
        return run_picture(self, look)

    def text(self) -> str:
        """How far the elbows moved, how many units died, and the errors."""
        first, last = self.positions[0], self.positions[-1]
        inside = (self.X.min() <= last) & (last <= self.X.max())
        moved = np.nanmedian(np.abs(last - first))
        best = int(np.argmin(self.test_error)) if np.isfinite(self.test_error).all() else None
        lines = [
            f"{self.title}: {self.steps[-1]:,} steps",
            f"  elbows      {inside.sum()} of {len(last)} inside, moved by {moved:.3g} in the median, "
            f"{_count(self.dead[-1].sum(), 'dead unit')}",
            f"  train error {self.train_error[0]:.4g} → {self.train_error[-1]:.4g}",
        ]
        if best is not None:
            lowest = f", lowest {self.test_error[best]:.4g} at step {self.steps[best]:,}"
            lines.append(f"  test error  {self.test_error[0]:.4g} → {self.test_error[-1]:.4g}{lowest}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<ElbowRun: {self.title}, {len(self.steps)} looks in {self.steps[-1]} steps>"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def watch_elbows(
    trainer: Trainer,
    X: ArrayLike,
    y: ArrayLike,
    steps: int,
    look_every: int = 1_000,
    held_out: tuple[ArrayLike, ArrayLike] | None = None,
    title: str = "",
) -> ElbowRun:
    """Train a 1-w-1 ReLU network, and look at its elbows, slopes and errors every so many steps.

    There are more looks before the first of these, after 10, 20, 40, … steps: elbows move most in the beginning.

    Parameters
    ----------
    trainer : Trainer
        Of a ``Sequential(Linear(1, w), ReLU(), Linear(w, 1))``, its layers frozen or not.
    X, y : arrays of shape (n, 1)
        What is learned; each step draws its rows with replacement.
    steps, look_every : int
        Steps to take, and how many between two looks.
    held_out : (X, y), optional
        Rows for the test error.
    title : str
        What the run is called.

    Returns
    -------
    ElbowRun

    Raises
    ------
    UnsupportedError
        For other networks.

    Examples
    --------
    >>> import glassgrad as gg
    >>> X, y = gg.data.zigzag(pieces=4)
    >>> net = gg.nn.Sequential(gg.nn.Linear(1, 8), gg.nn.ReLU(), gg.nn.Linear(8, 1))
    >>> trainer = gg.train.Trainer(net, gg.distributions.Gaussian(), gg.optim.SGD(0.05))
    >>> run = gg.geometry.watch_elbows(trainer, X, y, steps=60, look_every=20)
    >>> run.steps.tolist(), run.positions.shape
    ([0, 10, 20, 40, 60], (5, 8))
    """
    net = trainer.net
    layers: list[Any] = list(net) if isinstance(net, nn.Sequential) else []
    kinds = [type(layer) for layer in layers]
    if kinds != [nn.Linear, nn.ReLU, nn.Linear] or layers[0].n_in != 1 or layers[2].n_out != 1:
        raise UnsupportedError(
            "elbows are watched in Sequential(Linear(1, w), ReLU(), Linear(w, 1)); for a network of any depth, "
            "geometry.elbows(net) between calls of trainer.steps()"
        )
    if steps < 1 or look_every < 1:
        raise OperandError(f"steps and look_every are whole numbers from 1, not {steps} and {look_every}")
    first, _, last = layers
    early = [n for n in (10 * 2**k for k in range(12)) if n < min(look_every, steps)]
    looks = sorted({*early, *range(0, steps, look_every), steps})
    weights, errors = [], []
    for before, now in zip([0, *looks], looks, strict=False):
        if now > before:
            trainer.steps(X, y, now - before, sampling="replacement")
        width = first.n_out
        biases = [np.zeros(n) if layer.b is None else layer.b.value for layer, n in ((first, width), (last, 1))]
        weights.append([np.array(p, np.float64).ravel() for p in (first.W.value, biases[0], last.W.value, biases[1])])
        rows = [(X, y)] if held_out is None else [(X, y), held_out]
        errors.append([trainer.evaluate(*part)["loss"] for part in rows])
    W, b, v, c = (np.stack(part) for part in zip(*weights, strict=True))
    train, *test = np.array(errors).T
    unknown_ = np.full(len(looks), np.nan)
    return ElbowRun(
        title, np.array(looks), W, b, v, c[:, 0], train, test[0] if test else unknown_, np.array(X), np.array(y)
    )


def elbow_start(width: int, seed: int) -> list[tuple[Array, Array]]:
    """First weights and biases of a 1-w-1 network: weights from N(0, 1 / fan-in), elbows evenly drawn from [0, 1].

    Returns
    -------
    list of (W, b)
        float32, the hidden layer and the output; the output's bias is 0.

    Examples
    --------
    >>> from glassgrad.geometry import elbow_start
    >>> (W, b), _ = elbow_start(10, seed=0)
    >>> bool(((0 <= -b / W) & (-b / W <= 1)).all())
    True
    """
    rng = np.random.default_rng((seed, 2))
    W, v = ((rng.normal(size=s) / np.sqrt(s[0])).astype(np.float32) for s in ((1, width), (width, 1)))
    places = np.random.default_rng((seed, 5)).uniform(size=width)
    return [(W, (-W[0] * places).astype(np.float32)), (v, np.zeros(1, np.float32))]


def squared_error(output: Any, y: Any) -> Any:
    """The mean of the squares."""
    return np.mean(np.square(output - y))


def elbow_run(
    width: int = 20,
    trained: Trained = "all",
    steps: int = 150_000,
    look_every: int = 1_000,
    rate: float | None = None,
    seed: int | None = None,
    engine: str = "native",
) -> ElbowRun:
    """One run of the workload *elbows*: a 1-w-1 ReLU network learns a zigzag of ten pieces from 200 noisy points.

    Each step draws 40 points with replacement. The elbows start inside [0, 1], where the points are.

    Parameters
    ----------
    width : int
        Hidden units.
    trained : {"all", "output"}
        What learns: all layers, or the output layer only, so that elbows stay where they are.
    steps, look_every : int
        Steps to take, and how many between two looks.
    rate : float, optional
        Learning rate: 0.2 for the output layer, 0.02 for all, unless told.
    seed : int, optional
        Of noise and first weights, the width unless told: both ways of training have the same.
    engine : {"native", "numpy"}
        What runs the steps.

    Returns
    -------
    ElbowRun

    Examples
    --------
    >>> import glassgrad as gg
    >>> run = gg.geometry.elbow_run(10, "output", steps=200, look_every=100)
    >>> bool((run.positions[0] == run.positions[-1]).all()), bool(run.train_error[-1] < run.train_error[0])
    (True, True)
    """
    if trained not in ELBOW_RATES:
        raise unknown("way to train", trained, ELBOW_RATES)
    seed = width if seed is None else seed
    net = relu_network(elbow_start(width, seed), np.float32)
    if trained == "output":
        net[0].freeze()
    trainer = Trainer(net, squared_error, SGD(ELBOW_RATES[trained] if rate is None else rate), 40, engine=engine)
    title = f"{width} units, {_WORDS[trained]}"
    held_out = zigzag(seed=seed, held_out=True)
    return watch_elbows(trainer, *zigzag(seed=seed), steps, look_every, held_out, title)


def elbow_runs(
    widths: Sequence[int] = ELBOW_WIDTHS, steps: int = 150_000, look_every: int = 1_000, engine: str = "native"
) -> list[ElbowRun]:
    """All runs of the workload *elbows*: for each width the output layer alone, then all layers from the same start.

    Examples
    --------
    >>> import glassgrad as gg
    >>> [run.title for run in gg.geometry.elbow_runs([10], steps=10, look_every=10)]
    ['10 units, output layer only', '10 units, all layers']
    """
    return [elbow_run(width, what, steps, look_every, engine=engine) for width in widths for what in ELBOW_RATES]
