"""Width against depth at equal numbers of parameters: adding width does not do what adding depth does."""

from __future__ import annotations

import functools
import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.data import digits, split
from glassgrad.distributions import Categorical, Gaussian
from glassgrad.errors import DataError, unknown
from glassgrad.geometry.construction import Construction
from glassgrad.geometry.modulus import Hoelder
from glassgrad.geometry.plan import Plan
from glassgrad.geometry.polylines import NO_RAMPS
from glassgrad.geometry.rounding import Stage
from glassgrad.geometry.students import parameters, student, taught, widest
from glassgrad.geometry.study_pictures import depth_picture
from glassgrad.geometry.target import Target
from glassgrad.plots import embedded
from glassgrad.train.inputs import positive
from glassgrad.views.numbers import number

Array = np.ndarray[Any, Any]
PIECES = 16
"""Of the sawtooth that students learn."""


def sawtooth(x: Any, pieces: int = PIECES) -> Any:
    """Straight pieces that run from 0 up to 1 and down again, so many between 0 and 1; plain NumPy.

    Examples
    --------
    >>> print(sawtooth(np.array([0, 0.25, 0.5, 0.75, 1]), 2))
    [0.  0.5 1.  0.5 0. ]
    """
    return 1 - np.abs((np.asarray(x) * pieces) % 2 - 1)


def folded_sawtooth(folds: int, dtype: DTypeLike = np.float64) -> Construction:
    """The sawtooth of 2ᵏ pieces from k hidden layers of two ReLUs, exactly: each layer folds the interval once.

    A fold is the tent 2 max(0, x) − 4 max(0, x − ½), which lays [½, 1] upon [0, ½] and stretches both to [0, 1]; what
    comes after sees every piece twice (Telgarsky, 2016). A network with one hidden layer of w ReLUs has at most w + 1
    straight pieces, each of which meets the height ½ at most once, or lies on it. So with w + 1 < 2ᵏ there is a piece
    of the sawtooth on which it does not cross ½, and at one end of that piece its error is at least ½.

    Parameters
    ----------
    folds : int
        k, from 1 to 20.
    dtype : dtype
        Of the network.

    Returns
    -------
    Construction
        On [0, 1], with a bound for rounding only.

    Examples
    --------
    >>> from glassgrad import geometry
    >>> folded = geometry.folded_sawtooth(4)
    >>> folded.units, folded.net.count()
    (8, 25)
    >>> print(folded(np.array([0, 1 / 16, 2 / 16, 0.5])))
    [0. 1. 0. 0.]
    """
    if positive(folds, "folds") > 20:
        raise DataError(f"{folds} folds make {2**folds:,} pieces: take at most 20")
    bias, pieces = np.array([0.0, -0.5]), 2**folds
    first = Stage(np.ones((1, 2)), bias, top=1.0)
    again = Stage(np.array([[2.0, 2.0], [-4.0, -4.0]]), bias, top=1.0)
    last = Stage(np.array([[2.0], [-4.0]]), np.zeros(1))
    knots = np.linspace(0, 1, pieces + 1)
    target = Target(functools.partial(sawtooth, pieces=pieces), np.zeros(1), np.ones(1), Hoelder(float(pieces)))
    stages = (first, *[again] * (folds - 1), last)
    plan = Plan(stages, 0.0, 0.0, 0.0, (NO_RAMPS,), (knots,), np.ones(1), "folds are exact")
    return Construction(target, plan, "folds", (pieces,), np.dtype(dtype))


@dataclass(frozen=True, eq=False)
class Shape:
    """How networks of one shape did.

    Attributes
    ----------
    budget, depth, width, parameters : int
        Numbers allowed, hidden layers, ReLUs in each, numbers used.
    rate : float
        The best of the rates that were tried.
    errors : array of shape (seeds,)
        On points or rows that were not learned from.
    """

    budget: int
    depth: int
    width: int
    parameters: int
    rate: float
    errors: Array


@dataclass(frozen=True, eq=False)
class DepthStudy:
    """Networks of equal numbers of parameters and different depth, on one task; printing it shows a table.

    Attributes
    ----------
    task, measure : str
        What is learned, and what the errors are.
    shapes : list of Shape
        By budget, then by depth.
    """

    task: str
    measure: str
    shapes: list[Shape]
    steps: int

    def picture(self) -> Any:
        """A matplotlib figure: error against parameters, a line for each depth."""
        return depth_picture([self])

    def __str__(self) -> str:
        seeds = len(self.shapes[0].errors)
        head = f"{'parameters':>10} {'hidden layers':>14} {'ReLUs':>6} │ {'best':>9} {'median':>9} {'worst':>9}"
        lines = [f"{self.task}: {self.measure}", f"{seeds} seeds, {self.steps:,} steps of Adam", "", head]
        budget = None
        for s in self.shapes:
            if s.budget != budget:
                lines.append("─" * 33 + "┼" + "─" * 31)
            budget = s.budget
            found = [number(x) for x in (s.errors.min(), np.median(s.errors), s.errors.max())]
            row = f"{s.parameters:>10,} {s.depth:>9} × {s.width:<4}{s.depth * s.width:>5} │"
            lines.append(row + "".join(f" {x:>9}" for x in found))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>{embedded(self.picture())}"


@dataclass(frozen=True, eq=False)
class _Task:
    """Data to learn from and to be judged by."""

    title: str
    measure: str
    data: tuple[Array, Array]
    held_out: tuple[Array, Array]
    outputs: int
    budgets: tuple[int, ...]
    steps: int
    rates: tuple[float, ...]


def _sawtooth() -> _Task:
    x, between = np.linspace(0, 1, 1025)[:, None], (np.arange(1000)[:, None] + 0.5) / 1000
    # inputs between −1 and 1, heights between −1.5 and 1.5
    known, held_out = ((2 * t - 1, 3 * sawtooth(t) - 1.5) for t in (x, between))
    title, measure = f"sawtooth of {PIECES} pieces", "mean |f - net| between the points"
    return _Task(title, measure, known, held_out, 1, (300, 600, 1200), 20_000, (0.003, 0.01))


def _digits() -> _Task:
    X, X_held_out, y, y_held_out = split(*digits(), seed=0, stratify=True)
    measure = "share of mistakes, held out"
    return _Task("digits", measure, (X, y), (X_held_out, y_held_out), 10, (1000, 2000, 4000), 3000, (0.003,))


TASKS = {"sawtooth": _sawtooth, "digits": _digits}


def depth_study(
    task: str = "sawtooth",
    depths: Sequence[int] = (1, 2, 3, 4),
    budgets: Sequence[int] | None = None,
    seeds: int = 5,
    steps: int | None = None,
    rates: Sequence[float] | None = None,
) -> DepthStudy:
    """Train networks of different depth with equal numbers of parameters, as wide as these allow.

    On the sawtooth a layer that has learned to fold serves all pieces that are folded onto each other, so that depth
    pays; on the digits there is nothing to fold, and at so few parameters the widest network does best.

    Parameters
    ----------
    task : {"sawtooth", "digits"}
        What is learned: a sawtooth of 16 pieces, or scikit-learn's digits, a quarter held out.
    depths : sequence of int
        Hidden layers.
    budgets : sequence of int, optional
        Numbers of parameters that no network passes; by default three.
    seeds : int
        Networks of each shape.
    steps : int, optional
        Of Adam, on 64 rows.
    rates : sequence of float, optional
        Learning rates, of which each shape is shown with the one whose median error is the lowest.

    Returns
    -------
    DepthStudy

    Raises
    ------
    DataError
        When a budget is too small for a depth.

    Examples
    --------
    >>> from glassgrad import geometry
    >>> study = geometry.depth_study("sawtooth", depths=(1, 3), budgets=(300,), seeds=2, steps=200)
    >>> [(shape.depth, shape.width, shape.parameters) for shape in study.shapes]
    [(1, 99, 298), (3, 11, 298)]
    """
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    t = TASKS[task]()
    n = positive(t.steps if steps is None else steps, "steps")
    shapes = []
    for budget in t.budgets if budgets is None else budgets:
        for depth in depths:
            width = widest(t.data[0].shape[1], positive(depth, "depths"), t.outputs, positive(budget, "budgets"))
            if not width:
                raise DataError(
                    f"{budget} parameters are too few for {depth} hidden layers on {t.data[0].shape[1]} inputs"
                )
            shapes.append(_best(t, budget, depth, width, n, t.rates if rates is None else rates, seeds))
    return DepthStudy(t.title, t.measure, shapes, n)


def _best(t: _Task, budget: int, depth: int, width: int, steps: int, rates: Sequence[float], seeds: int) -> Shape:
    inputs, found = t.data[0].shape[1], []
    for rate in rates:
        errors = np.array([_error(t, depth, width, steps, rate, seed) for seed in range(positive(seeds, "seeds"))])
        count = parameters(inputs, width, depth, t.outputs)
        found.append(Shape(budget, depth, width, count, rate, errors))
    return min(found, key=lambda shape: float(np.median(shape.errors)))


def _error(t: _Task, depth: int, width: int, steps: int, rate: float, seed: int) -> float:
    """Train one network; its error on what it has not seen."""
    net = student(t.data[0].shape[1], width, depth, t.outputs)
    classes = t.outputs > 1
    trainer = taught(net, Categorical() if classes else Gaussian(), *t.data, steps, rate, seed)
    X, y = t.held_out
    off = trainer.predict(X) != y if classes else np.abs(trainer.predict(X) - y) / 3
    return float(np.mean(off))
