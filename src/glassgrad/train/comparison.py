"""What learning without backpropagation costs: every method, from the same weights, down to the same loss."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.costs import work_of
from glassgrad.displays import Shown
from glassgrad.errors import DataError, OperandError, UnsupportedError
from glassgrad.op import Spec
from glassgrad.optim import LBFGS
from glassgrad.parameters import Parameter
from glassgrad.train.engines import engine_named
from glassgrad.train.inputs import positive
from glassgrad.train.perturbation import Activations, HillClimbing, ParallelWeights, Perturbation, SingleWeight
from glassgrad.train.perturbing import PerturbationTrainer
from glassgrad.train.rows import Features
from glassgrad.train.step_graphs import gradient_graph
from glassgrad.train.trainer import Trainer
from glassgrad.train.workshop import Workshop

Array = np.ndarray[Any, Any]
METHODS = (SingleWeight(), HillClimbing(), ParallelWeights(), Activations())
"""The four methods, as the lecture meets them."""

_SIZES = (1 / 3, 1.0, 3.0)  # of perturbations that are kept, beside the method's own
_RATES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)  # beside that of backpropagation
_PIECE = 2000  # steps between two looks at the loss
_SHOWN = 400  # losses kept of a curve
_AGAIN = 2  # runs of backpropagation for the clock, which so few steps do not warm


@dataclass(frozen=True, eq=False)
class Way(Shown):
    """How one method did.

    Attributes
    ----------
    title, setting : str
        The method, and the best of the settings tried: a perturbation's size or a rate; none for backpropagation.
    steps : int
        Steps until the loss was reached, or all that were allowed.
    reached : bool
        Whether it was.
    loss : float
        The loss at the end.
    passes : int
        Forward passes of all rows; for backpropagation one a step, beside which it goes backward once.
    flops : int
        Floating-point operations, counted on the step's graph.
    seconds : float
        What the steps took.
    at, losses : arrays
        Steps, and the loss before them: the curve.
    """

    title: str
    setting: str
    steps: int
    reached: bool
    loss: float
    passes: int
    flops: int
    seconds: float
    at: Array = field(repr=False)
    losses: Array = field(repr=False)


@dataclass(frozen=True, eq=False)
class Noise(Shown):
    """How well one estimate knows the gradient g.

    Attributes
    ----------
    title : str
        The method.
    perturbed : str
        What is perturbed at once.
    ratio : float
        Σ variances ÷ ‖g‖², over all weights, measured.
    cosine : float
        Of the angle between one estimate and g, the mean.
    """

    title: str
    perturbed: str
    ratio: float
    cosine: float


@dataclass(frozen=True, eq=False)
class Comparison(Shown):
    """What `without_backpropagation` found; printing it shows two tables.

    Attributes
    ----------
    start, target : float
        The loss of all rows that every method starts from, and the one it has to reach.
    rows, weights, activities : int
        Rows in a step, weights that learn, and what layers put out for a row: the numbers that can be perturbed.
    backpropagation : Way
    ways : list of Way
        One for each method.
    noise : list of Noise
        One for each method that estimates the gradient.
    """

    start: float
    target: float
    rows: int
    weights: int
    activities: int
    backpropagation: Way
    ways: list[Way]
    noise: list[Noise]

    def way(self, title: str) -> Way:
        """The way of this title."""
        return next(w for w in (self.backpropagation, *self.ways) if w.title == title)

    def __str__(self) -> str:
        base = self.backpropagation
        head = (
            f"{'loss ' + format(self.start, '.4f') + ' → ' + format(self.target, '.4f'):<25}{'steps':>9}"
            f"{'forward':>10}{'operations':>12}{'÷ backprop':>12}{'seconds':>9}"
        )
        lines = [head, "─" * 77]
        for way in (base, *self.ways):
            mark = "" if way.reached else "> "
            ratio = way.flops / base.flops
            lines.append(
                f"{way.title:<25}{mark + format(way.steps, ','):>9}{way.passes:>10,}{way.flops:>12.3g}"
                f"{mark + format(ratio, ',.0f' if ratio >= 10 else '.1f'):>12}{way.seconds:>9.2g}"
            )
        missed = [f"  {w.title} ended at {w.loss:.4f}" for w in self.ways if not w.reached]
        if missed:
            lines += ["", "> not reached in as many steps as were allowed:", *missed]
        lines += [
            "",
            f"{self.rows:,} rows in every step, {self.weights:,} weights, {self.activities:,} activations a row; "
            "of each method",
            "the best setting tried: " + ", ".join(f"{w.setting}" for w in self.ways) + ".",
        ]
        if self.noise:
            lines += ["", f"{'one estimate of the gradient':<32}{'noise ÷ signal':>20}{'cosine':>10}", "─" * 62]
            lines += [f"{n.title + ', ' + n.perturbed:<38}{n.ratio:>14,.1f}{n.cosine:>10.3f}" for n in self.noise]
        return "\n".join(lines)


def without_backpropagation(
    trainer: Trainer,
    X: Features,
    y: ArrayLike,
    steps: int = 50,
    limit: int = 100_000,
    methods: Sequence[Perturbation] = METHODS,
) -> Comparison:
    """Measure what learning without backpropagation costs, for the same drop in loss.

    Backpropagation takes some steps with the trainer's optimiser, and the loss it reaches is the target. Each method
    then starts from the same weights, with several sizes of perturbation or learning rates, of which the best counts.
    Every step takes all rows. All of it runs on the trainer's engine, and the trainer stays as it is.

    Why all of them are slow: with n weights, a change of the loss says one number about n. What is kept goes the
    right way half the time and mostly sideways; an estimate of the gradient has a cosine of about 1/√n with it, so
    that it takes about n steps, or n estimates, to know what one pass backward tells exactly. Perturbing activations
    leaves the noise of as many numbers as there are units, of which there are fewer.

    Parameters
    ----------
    trainer : Trainer
        With the network, loss and optimiser to compare with.
    X, y : array_like
        Data, all of which each step takes.
    steps : int
        How many steps of backpropagation set the target.
    limit : int
        How many steps any other method may take.
    methods : sequence of Perturbation
        By default all four.

    Returns
    -------
    Comparison

    Raises
    ------
    UnsupportedError
        When the trainer's optimiser is L-BFGS, which has no steps to count, or it has a penalty.
    DataError
        When backpropagation does not lower the loss.

    Examples
    --------
    >>> import glassgrad as gg
    >>> net = gg.nn.Sequential(gg.nn.Linear(2, 8), gg.nn.Tanh(), gg.nn.Linear(8, 1))
    >>> trainer = gg.train.Trainer(net, gg.distributions.Bernoulli(), gg.optim.SGD(0.5), batch_size=None)
    >>> found = gg.train.without_backpropagation(trainer, *gg.data.xor(), steps=60)
    >>> all(way.flops > found.backpropagation.flops for way in found.ways)
    True
    """
    if isinstance(trainer.optimizer, LBFGS):
        raise UnsupportedError("L-BFGS searches along lines and has no single steps to compare: use optim.SGD or Adam")
    if trainer.penalty is not None:
        raise UnsupportedError("a penalty needs no pass to have its gradient: compare a trainer without penalty")
    for method in methods:
        if not isinstance(method, Perturbation):
            raise OperandError(f"methods are train.HillClimbing(), train.Activations() …, not {method!r}")
    return _Race(trainer, X, y, positive(steps, "steps"), positive(limit, "limit")).run(methods)


class _Race:
    """All methods, from the same weights on the same rows."""

    def __init__(self, trainer: Trainer, X: Any, y: Any, steps: int, limit: int) -> None:
        self.trainer, self.X, self.y, self.steps, self.limit = trainer, X, y, steps, limit
        self.weights = {name: p.value for name, p in trainer.trainable}
        self.optimizer: Any = trainer.optimizer

    def run(self, methods: Sequence[Perturbation]) -> Comparison:
        """Let each of them run."""
        try:
            base = self._base()
            self.target = base.loss
            ways = [self._best(method) for method in methods]
            self._back()
            noise = [self._noise(m) for m in methods if m.estimates]
        finally:
            self._back()
        rows = len(self.trainer.rows(self.X, self.y))
        count = sum(w.size for w in self.weights.values())
        return Comparison(float(base.losses[0]), self.target, rows, count, self._activities(), base, ways, noise)

    def _back(self) -> None:
        for name, p in self.trainer.trainable:
            p.value = self.weights[name]

    def _settings(self) -> dict[str, Any]:
        t = self.trainer
        return {"batch_size": None, "seed": t.seed, "threads": t.threads, "engine": t.engine.name}

    def _base(self) -> Way:
        """Backpropagation."""
        trainer = Trainer(self.trainer.net, self.trainer.loss, self.optimizer, **self._settings())
        run = functools.partial(trainer.steps, self.X, self.y, self.steps + 1, sampling="shuffle")
        first, history = trainer.snapshot(), run()
        losses, took = history.loss, [history.step_seconds]
        for _ in range(_AGAIN):
            trainer.restore(first)
            took.append(run().step_seconds)
        done = int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
        if not done:
            raise DataError(
                f"backpropagation does not lower the loss in {self.steps} steps (it starts at {losses[0]:.4g}), so "
                "there is nothing to compare: try another rate, or train.find_rate(trainer, X, y)"
            )
        seconds = min(took) * done / len(losses)
        flops = work_of(trainer.graph()).flops
        return _way("backpropagation", "", losses, done, True, 1, flops, seconds)

    def _best(self, method: Perturbation) -> Way:
        """The best setting of a method: the fewest steps to the target, else the lowest loss."""
        best: Way | None = None
        for candidate, optimizer, workshop, setting in self._candidates(method):
            most = best.steps if best is not None and best.reached else self.limit
            way = self._one(candidate, optimizer, workshop, setting, most)
            if best is None or _rank(way) > _rank(best):
                best = way
        assert best is not None
        return best

    def _candidates(self, method: Perturbation) -> Iterator[tuple[Perturbation, Any, Workshop | None, str]]:
        """The settings that are tried: sizes, or rates, which need one program only."""
        if not method.estimates:
            for factor in _SIZES:
                sized = dataclasses.replace(method, size=method.size * factor)
                yield sized, None, None, f"size {sized.size:.3g}"
            return
        rate: Any = self.optimizer.rate
        if callable(rate):
            for factor in _RATES:
                scaled = dataclasses.replace(self.optimizer, rate=functools.partial(_scaled, rate, factor))
                yield method, scaled, None, f"rate × {factor:g}"
            return
        first = float(np.asarray(getattr(rate, "value", rate)))
        held = Parameter(np.array(first), frozen=True)
        optimizer = dataclasses.replace(self.optimizer, rate=held)
        workshop = Workshop(engine_named(self.trainer.engine.name))
        for factor in _RATES:
            held.value = np.array(factor * first)
            yield method, optimizer, workshop, f"rate {factor * first:.3g}"

    def _one(self, method: Perturbation, optimizer: Any, workshop: Workshop | None, setting: str, most: int) -> Way:
        """One setting of a method, from the first weights on."""
        self._back()
        trainer = PerturbationTrainer(self.trainer.net, self.trainer.loss, method, optimizer, **self._settings())
        if workshop is not None:
            trainer.use(workshop)
        losses, seconds, done, reached = np.empty(0), 0.0, 0, False
        while done <= most and not reached:
            piece = min(_PIECE, most + 1 - done)
            history = trainer.steps(self.X, self.y, piece, sampling="shuffle")
            losses, seconds = np.concatenate([losses, history.loss]), seconds + history.step_seconds
            below = np.flatnonzero(losses[done:] <= self.target)
            if len(below):
                done, reached = done + int(below[0]), True
                break
            done += piece
            if not losses[-1] <= 10 * losses[0]:
                break
        done = min(done, len(losses) - 1)
        flops = work_of(trainer.graph()).flops
        took = seconds * done / len(losses)
        return _way(method.title, setting, losses, done, reached, method.passes, flops, took)

    def _noise(self, method: Perturbation, draws: int = 200) -> Noise:
        """The spread of a method's estimates around the gradient."""
        trainer = PerturbationTrainer(self.trainer.net, self.trainer.loss, method, **self._settings())
        found = trainer.estimates(self.X, self.y, draws)
        estimates = np.concatenate([found[name].reshape(draws, -1) for name in self.weights], axis=1, dtype=np.float64)
        g = np.concatenate([part.ravel() for part in self._gradient()], dtype=np.float64)
        square = float(g @ g)
        spread = float(np.mean(np.sum((estimates - g) ** 2, axis=1)))
        lengths = np.linalg.norm(estimates, axis=1) * np.sqrt(square)
        cosine = float(np.mean(np.divide(estimates @ g, lengths, out=np.zeros(draws), where=lengths > 0)))
        perturbed = f"{self._activities():,} a row" if isinstance(method, Activations) else f"{len(g):,} weights"
        return Noise(method.title, perturbed, spread / square if square else np.nan, cosine)

    def _gradient(self) -> list[Array]:
        """The gradient at the weights as they are, by backpropagation."""
        t, data = self.trainer, self.trainer.rows(self.X, self.y)
        x, y = data.specs(len(data))
        assert isinstance(y, Spec)
        graph = gradient_graph(t.net, t.loss, t.trainable, t.frozen, x, y, False)
        given = [*[p.value for _, p in t.trainable], *data.take(None), 0, t.key, *[p.value for _, p in t.frozen]]
        return t.engine.run(graph, given)[1:]

    def _activities(self) -> int:
        """Numbers a row that layers with weights put out."""
        trainer = PerturbationTrainer(self.trainer.net, self.trainer.loss, Activations(), **self._settings())
        return trainer.perturbed(self.X, self.y)


def _rank(way: Way) -> tuple[bool, float]:
    """What makes one setting better than another."""
    return way.reached, float(-way.steps) if way.reached else -way.loss


def _scaled(rate: Any, factor: float, step: Any) -> Any:
    return factor * rate(step)


def _way(
    title: str, setting: str, losses: Array, done: int, reached: bool, passes: int, flops: int,
    seconds: float,
) -> Way:  # fmt: skip
    at = np.unique(np.geomspace(1, done + 1, min(done + 1, _SHOWN)).round().astype(int)) - 1
    return Way(title, setting, done, reached, float(losses[done]), passes * done, flops * done, seconds, at, losses[at])
