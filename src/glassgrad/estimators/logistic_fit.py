"""The solvers of logistic regression: from checked data to weights and bias."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from glassgrad.distributions import Distribution
from glassgrad.errors import DataError
from glassgrad.estimators.logistic_settings import BATCH
from glassgrad.estimators.objective import BlockForm, Objective, one_blas_thread
from glassgrad.estimators.progress import Progress
from glassgrad.optim import LBFGS, InverseTime, NewtonCG, ProximalNewton
from glassgrad.train.online import Online

Array = np.ndarray[Any, Any]

_SAMPLE = 2000  # rows from which the curvature of the cost is estimated
_MINIBATCH = 200
_SLOWER = 10  # passes after which the rate is at most half of what it was


@dataclass(frozen=True)
class Problem:
    """What is to be fitted: data, and C Σ wᵢ lossᵢ + (1 − ratio)/2 ‖W‖² + ratio ‖W‖₁."""

    X: Any
    y: Array
    weight: Array | None
    distribution: Distribution
    outputs: int
    C: float
    ratio: float
    fit_intercept: bool

    def penalties(self, total: float) -> tuple[float, float]:
        """λ of ½ ‖W‖² and of ‖W‖₁ where the cost is divided by C and `total`."""
        return (1 - self.ratio) / (self.C * total), self.ratio / (self.C * total)

    @property
    def rows(self) -> int:
        """How many rows count."""
        return self.X.shape[0] if self.weight is None else int(np.count_nonzero(self.weight))


def solve(
    problem: Problem, est: Any, start: Sequence[Array], progress: Progress, threads: int | None
) -> tuple[list[Array], int, BlockForm]:
    """Fit by a solver that takes all rows at once.

    Returns
    -------
    params : list of arrays
    iterations : int
    form : BlockForm
        Has the graph that was run.
    """
    total = float(problem.rows if problem.weight is None else problem.weight.sum(dtype=np.float64))
    l2, l1 = problem.penalties(total)
    objective = Objective(
        problem.X, problem.y, problem.weight, problem.distribution, problem.outputs, l2=l2,
        fit_intercept=problem.fit_intercept, engine=est.engine, threads=threads,
    )  # fmt: skip
    if est.max_iter == 0:
        return list(start), 0, objective.form
    settings: dict[str, Any] = {"max_iterations": est.max_iter, "tolerance": est.tol}
    value, product = objective.value_and_gradient, objective.hessian_product
    with one_blas_thread(est.engine):
        if l1:
            penalties = [l1, 0.0][: len(start)]
            params, info = ProximalNewton(**settings).minimize(value, product, start, penalties, progress)
        elif BATCH[est.solver] == "lbfgs":
            search = LBFGS(
                **settings, loss_tolerance=64 * np.finfo(float).eps, line_search_steps=50, max_evaluations=15_000
            )
            params, info = search.minimize(value, start, progress)
        else:
            params, info = NewtonCG(**settings).minimize(value, product, start, progress)
    if not l2 and (separates(objective, params, problem) or not np.isfinite(params[0]).all()):
        warnings.warn(
            "the classes are separated without a mistake and C=np.inf penalises nothing: the larger the weights, the "
            "better, so they grow without bound and these are only where the search ended; a finite C gives a clear "
            "answer",
            ConvergenceWarning,
            stacklevel=3,
        )
    elif not info.converged and progress.stopped is None:
        float32 = " The data are float32; float64 goes further." if problem.X.dtype == np.float32 else ""
        hint = (
            "Increase max_iter, or scale the features." if info.iterations >= est.max_iter
            else f"The gradient is above tol={est.tol:g}.{float32}"
        )  # fmt: skip
        warnings.warn(
            f"solver {est.solver} failed to converge after {info.iterations} iteration(s): {info.message}. {hint}",
            ConvergenceWarning,
            stacklevel=3,
        )
    return params, info.iterations, objective.form


def separates(objective: Objective, params: Sequence[Array], problem: Problem) -> bool:
    """Whether every row that counts has a score on its class's side, which proves that the classes can be separated."""
    objective.value_and_gradient(params)
    z = objective.scores()
    if problem.outputs == 1:
        right = np.where(problem.y > 0, z[:, 0] > 0, z[:, 0] < 0)
    else:
        own = np.take_along_axis(z, problem.y[:, None], axis=1)
        right = (z < own).sum(axis=1) == problem.outputs - 1
    return bool(right.all() if problem.weight is None else right[problem.weight > 0].all())


def online(problem: Problem, est: Any, seed: int, threads: int | None) -> Online:
    """The model of the solvers that take some rows at a time, with nothing learned yet."""
    n = problem.rows
    l2, l1 = problem.penalties(n)
    size = {"sgd": est.batch_size or 1, "minibatch": est.batch_size or _MINIBATCH, "gd": n}[est.solver]
    size = min(size, n)
    rate: Any = est.learning_rate
    if not callable(rate):
        first = est.eta0 or 1 / (_curvature(problem, size) + l2)
        decay = 0.0 if rate == "constant" or size == n else max(first * l2, size / (_SLOWER * n))
        rate = InverseTime(first, decay) if decay else first
    return Online(
        problem.X.shape[1], problem.outputs, problem.distribution, rate, l2=l2, l1=l1, average=est.average,
        fit_intercept=problem.fit_intercept, batch_size=None if est.solver == "gd" else size, dtype=problem.X.dtype,
        seed=seed, engine=est.engine, threads=threads,
    )  # fmt: skip


def _curvature(problem: Problem, size: int) -> float:
    """About how strongly the cost of a batch of `size` rows is curved at the most.

    A row's cost is curved by at most ¼ ‖(x, 1)‖² with one output, ½ with more; that of all rows by as much of the
    largest eigenvalue of the mean of x xᵀ. A batch lies between (Gower et al., "SGD: general analysis and improved
    rates", ICML 2019).
    """
    counts = np.arange(problem.X.shape[0]) if problem.weight is None else np.flatnonzero(problem.weight)
    some = counts[:: max(1, len(counts) // _SAMPLE)]
    X, n = problem.X[some].astype(np.float64), len(some)
    weight = np.ones(n) if problem.weight is None else problem.weight[some].astype(np.float64)
    bias = float(problem.fit_intercept)
    squares = np.asarray(X.multiply(X).sum(axis=1) if hasattr(X, "multiply") else (X * X).sum(axis=1)).ravel() + bias
    most = float((weight * squares).mean())
    share = 0.25 if problem.outputs == 1 else 0.5
    if size == 1 or most == 0:
        return share * max(most, 1e-12)
    v = np.asarray(X.T @ weight) / n  # the mean row has much of the first eigenvector
    tail, largest = bias, most
    v = v if v.any() else np.ones(X.shape[1])
    for _ in range(20):
        length = np.sqrt(v @ v + tail * tail)
        v, tail = v / length, tail / length
        along = weight * (np.asarray(X @ v) + bias * tail)
        v, tail = np.asarray(X.T @ along) / n, bias * along.sum() / n
        largest = np.sqrt(v @ v + tail * tail)
    all_rows = problem.rows
    part = (all_rows * (size - 1)) / (size * (all_rows - 1)) if all_rows > 1 else 1.0
    return share * float(part * largest + (1 - part) * most)


def learn(model: Online, problem: Problem, est: Any, progress: Progress, passes: int) -> int:
    """Passes over the data until progress ends or all are done; how many they were.

    Raises
    ------
    DataError
        When the weights are no numbers any more.
    """
    rows = model.rows(problem.X, problem.y, problem.weight)
    per_weight = 1.0 if problem.weight is None else problem.rows / float(problem.weight.sum(dtype=np.float64))
    for number in range(1, passes + 1):
        cost = float(model.epoch(rows).mean())
        params = weights_of(model, est)
        if not np.isfinite(params[0]).all():
            raise DataError(
                f"solver={est.solver!r} has diverged in pass {number}: take a smaller eta0, or scale the features"
            )
        W = params[0].astype(np.float64)
        cost += 0.5 * model.l2 * float(np.vdot(W, W)) + model.l1 * float(np.abs(W).sum())
        if progress(number, cost * per_weight, params):
            return number
    if passes > 1:
        warnings.warn(
            f"solver {est.solver} has not converged in max_iter={passes} passes: the loss still falls by more than "
            f"tol={est.tol:g}. Increase max_iter, or scale the features.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return passes


def weights_of(model: Online, est: Any) -> list[Array]:
    """Weights and bias as they are used: averaged where that is asked for."""
    W, b = model.averaged if est.average else (model.W, model.b)
    return [W, b] if est.fit_intercept else [W]
