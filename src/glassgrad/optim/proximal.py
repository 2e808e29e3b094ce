"""Smooth loss plus λ Σ |w|: proximal steps find which weights are zero, Newton steps move the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.displays import Shown
from glassgrad.errors import ShapeError
from glassgrad.optim.newton import NOISE, conjugate_gradients, good_step
from glassgrad.optim.search import Array, FlatProblem, Product, SearchInfo, ValueAndGrad, Watcher, at_least

_LINE = 30  # evaluations along one line at most


@dataclass(frozen=True)
class ProximalNewton(Shown):
    """Minimises f(w) + Σ λ |w| by proximal gradient steps, each followed by a Newton step among the other weights.

    The proximal step w ← sign(u) max(|u| − tλ, 0), u = w − t f'(w), decides which weights are zero and the signs of
    the others. Within those signs the penalty is linear, so conjugate gradients find a Newton step there; a weight
    that it would carry across zero stays at zero (as in Chen, Curtis, Robinson, "A reduced-space algorithm for
    minimizing ℓ1-regularized convex functions", SIAM J. Optim. 27, 2017). Every step lowers the objective.

    Parameters
    ----------
    max_iterations : int
        At most so many pairs of steps.
    max_inner : int
        At most so many products with the Hessian in a Newton step.
    tolerance : float
        Ends when no element of the smallest subgradient is larger.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import optim
    >>> def value_and_grad(params):
    ...     (w,) = params
    ...     return 0.5 * np.sum((w - [3.0, 0.5]) ** 2), [w - [3.0, 0.5]]
    >>> product = lambda params, direction: direction
    >>> (w,), info = optim.ProximalNewton().minimize(value_and_grad, product, [np.zeros(2)], penalties=[1.0])
    >>> print(w, info.converged)
    [2. 0.] True
    """

    max_iterations: int = 100
    max_inner: int = 100
    tolerance: float = 1e-7

    def __post_init__(self) -> None:
        at_least("ProximalNewton", self, {"max_iterations": 1, "max_inner": 1, "tolerance": 0})

    def minimize(
        self,
        value_and_grad: ValueAndGrad,
        product: Product,
        params: Sequence[Any],
        penalties: Sequence[float],
        callback: Watcher | None = None,
    ) -> tuple[list[Any], SearchInfo]:
        """Find parameters of low objective.

        Parameters
        ----------
        value_and_grad : callable
            The smooth part: a list of arrays in; its value and a list of gradients out.
        product : callable
            ``product(params, direction)``: the Hessian of the smooth part times `direction`, as lists of arrays.
        params : sequence of arrays
            Where to start. Shapes and dtypes are kept.
        penalties : sequence of float
            λ for each of the arrays; 0 for those that are not penalised.
        callback : callable, optional
            Called after each iteration with its number (from 1), the objective and the parameters; ends the
            search by returning True.

        Returns
        -------
        params : list of arrays
        info : SearchInfo
            Its losses are values of the whole objective.

        Raises
        ------
        DataError
            When the loss is not finite at the start.
        ShapeError
            When there are not as many penalties as parameters.
        """
        if len(penalties) != len(params):
            raise ShapeError(f"ProximalNewton: {len(params)} parameters, and {len(penalties)} penalties")
        problem = FlatProblem("ProximalNewton", value_and_grad, params)
        l1 = problem.flat([np.full(np.shape(p), weight) for p, weight in zip(params, penalties, strict=True)])
        w, (value, g) = problem.start, problem.first()
        t = self._first_length(problem, product, w, subgradient(w, g, l1))
        losses: list[float] = []
        message, converged = "the most iterations are done", False
        while True:
            rest = subgradient(w, g, l1)
            if not rest.size or np.abs(rest).max() <= self.tolerance:
                message, converged = "no element of the smallest subgradient is larger than the tolerance", True
                break
            if len(losses) >= self.max_iterations:
                break
            near = self._proximal(problem, w, value, g, l1, t)
            if near is None:
                message = "no step lowers the objective any more"
                break
            before = value + float(l1 @ np.abs(w))
            w, value, g, t = near
            w, value, g = self._newton(problem, product, w, value, g, l1)
            losses.append(value + float(l1 @ np.abs(w)))
            if losses[-1] >= before and np.abs(subgradient(w, g, l1)).max() >= np.abs(rest).max():
                message = "no step lowers the objective any more"
                break
            if callback is not None and callback(len(losses), losses[-1], problem.arrays(w)):
                message = "stopped by the callback"
                break
            t *= 2
        total = value + float(l1 @ np.abs(w))
        return problem.arrays(w), SearchInfo(total, len(losses), problem.evaluations, converged, message, losses)

    def _first_length(self, problem: FlatProblem, product: Product, w: Array, along: Array) -> float:
        """The length that is best along the steepest way if the loss is quadratic."""
        size = float(along @ along)
        if size == 0:
            return 1.0
        curvature = float(along @ problem.product(product, w)(along))
        return size / curvature if curvature > np.finfo(np.float64).eps * size else 1.0

    def _proximal(
        self, problem: FlatProblem, w: Array, value: float, g: Array, l1: Array, t: float
    ) -> tuple[Array, float, Array, float] | None:
        """A proximal step, shortened until the quadratic that it minimises lies above the loss.

        Where rounding hides that, the gradients at both ends show it, for a loss that is convex.
        """
        for _ in range(_LINE):
            there = soft_threshold(w - t * g, t * l1)
            step = there - w
            new, new_g = problem.evaluate(there)
            bend = float(step @ step) / (2 * t)
            close = abs(new - value) <= NOISE * abs(value) and float((new_g - g) @ step) <= bend
            if np.isfinite(new) and (close or new <= value + float(g @ step) + bend):
                return there, new, new_g, t
            t /= 2
        return None

    def _newton(
        self, problem: FlatProblem, product: Product, w: Array, value: float, g: Array, l1: Array
    ) -> tuple[Array, float, Array]:
        """A Newton step among the weights that are not zero, which keep their signs or become zero."""
        free = (w != 0) | (l1 == 0)
        signs = np.sign(w)
        slope = np.where(free, g + l1 * signs, 0)
        size = float(np.linalg.norm(slope))
        if size == 0:
            return w, value, g
        times = problem.product(product, w)
        tolerance = min(0.1, np.sqrt(size)) * size
        step = conjugate_gradients(lambda v: np.where(free, times(v), 0), slope, tolerance, self.max_inner)
        length, total = 1.0, value + float(l1 @ np.abs(w))
        for _ in range(_LINE):
            there = w + length * step
            there = np.where((l1 > 0) & (there * signs < 0), 0, there)
            new, new_g = problem.evaluate(there)
            moved = there - w
            before, after = float(slope @ moved), float((new_g + l1 * signs) @ moved)
            if before < 0 and good_step(total, new + float(l1 @ np.abs(there)), before, after):
                return there, new, new_g
            length /= 2
        return w, value, g


def soft_threshold(u: Array, least: Array | float) -> Array:
    """sign(u) max(|u| − least, 0): what minimises ½ (w − u)² + least |w|."""
    return np.sign(u) * np.maximum(np.abs(u) - least, 0)


def subgradient(w: Array, g: Array, l1: Array) -> Array:
    """The smallest element of the subgradient of f + Σ λ |w| where f has the gradient g; 0 at the minimum."""
    return np.where(w != 0, g + l1 * np.sign(w), soft_threshold(g, l1))
