"""Newton's method whose steps conjugate gradients find: only products of the Hessian with vectors are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.displays import Shown
from glassgrad.optim.search import Array, FlatProblem, Product, SearchInfo, ValueAndGrad, Watcher, at_least

_DECREASE = 1e-4  # share of what the slope promises that a step must bring
NOISE = 1e-10
"""Relative change of a loss below which slopes decide whether a step was good."""


@dataclass(frozen=True)
class NewtonCG(Shown):
    """Newton's method with conjugate gradients and a line search, in float64.

    Each step solves H d = −g only as far as is worth it: until the residual is min(½, √‖g‖) of the gradient
    (Nocedal and Wright, "Numerical Optimization", 2006, algorithm 7.1). Near the solution the full step is taken
    and the error is about squared each time.

    Parameters
    ----------
    max_iterations : int
        At most so many steps.
    max_inner : int
        At most so many products with the Hessian in a step.
    tolerance : float
        Ends when no element of the gradient is larger.
    line_search_steps : int
        At most so many evaluations along one line.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import optim
    >>> def value_and_grad(params):
    ...     (w,) = params
    ...     return np.sum(np.cosh(w - 3)), [np.sinh(w - 3)]
    >>> def product(params, direction):
    ...     return [np.cosh(params[0] - 3) * direction[0]]
    >>> (w,), info = optim.NewtonCG().minimize(value_and_grad, product, [np.zeros(2)])
    >>> print(w.round(4), info.converged)
    [3. 3.] True
    """

    max_iterations: int = 100
    max_inner: int = 200
    tolerance: float = 1e-7
    line_search_steps: int = 30

    def __post_init__(self) -> None:
        at_least("NewtonCG", self, {"max_iterations": 1, "max_inner": 1, "tolerance": 0, "line_search_steps": 1})

    def minimize(
        self, value_and_grad: ValueAndGrad, product: Product, params: Sequence[Any], callback: Watcher | None = None
    ) -> tuple[list[Any], SearchInfo]:
        """Find parameters of low loss.

        Parameters
        ----------
        value_and_grad : callable
            A list of arrays in; the loss and a list of gradients out.
        product : callable
            ``product(params, direction)``: the Hessian at `params` times `direction`, as lists of arrays.
        params : sequence of arrays
            Where to start. Shapes and dtypes are kept.
        callback : callable, optional
            Called after each iteration with its number (from 1), the loss and the parameters; ends the
            search by returning True.

        Returns
        -------
        params : list of arrays
        info : SearchInfo

        Raises
        ------
        DataError
            When the loss is not finite at the start.
        """
        problem = FlatProblem("NewtonCG", value_and_grad, params)
        w, (value, g) = problem.start, problem.first()
        losses: list[float] = []
        message, converged = "the most iterations are done", False
        while True:
            if not g.size or np.abs(g).max() <= self.tolerance:
                message, converged = "no element of the gradient is larger than the tolerance", True
                break
            if len(losses) >= self.max_iterations:
                break
            size = float(np.linalg.norm(g))
            step = conjugate_gradients(problem.product(product, w), g, min(0.5, np.sqrt(size)) * size, self.max_inner)
            found = self._line(problem, w, value, g, step)
            if found is None or (found[1] >= value and np.abs(found[2]).max() >= np.abs(g).max()):
                message = "no step lowers the loss any more"
                break
            w, value, g = found
            losses.append(value)
            if callback is not None and callback(len(losses), value, problem.arrays(w)):
                message = "stopped by the callback"
                break
        info = SearchInfo(value, len(losses), problem.evaluations, converged, message, losses)
        return problem.arrays(w), info

    def _line(
        self, problem: FlatProblem, w: Array, value: float, g: Array, step: Array
    ) -> tuple[Array, float, Array] | None:
        """The first of the points w + d, w + d/2, … that is low enough; None where none is."""
        slope, length = float(g @ step), 1.0
        for _ in range(self.line_search_steps):
            there = w + length * step
            new, new_g = problem.evaluate(there)
            if good_step(value, new, length * slope, length * float(new_g @ step)):
                return there, new, new_g
            length /= 2
        return None


def good_step(value: float, new: float, slope: float, new_slope: float) -> bool:
    """Whether a step brings its share of what the slope promises.

    Where losses differ by no more than rounding, the slope at the new point decides instead (Hager and Zhang,
    SIAM J. Optim. 16, 2005): `slope` and `new_slope` are the gradients at both ends times the step.
    """
    if not np.isfinite(new):
        return False
    if new <= value + _DECREASE * slope:
        return True
    return new <= value + NOISE * abs(value) and new_slope <= (2 * _DECREASE - 1) * slope


def conjugate_gradients(product: Callable[[Array], Array], g: Array, tolerance: float, most: int) -> Array:
    """Solve H d = −g roughly.

    Parameters
    ----------
    product : callable
        Multiplies a vector with H.
    g : array
        The gradient.
    tolerance : float
        Ends when ‖H d + g‖ is no larger.
    most : int
        At most so many products.

    Returns
    -------
    array
        A direction in which the loss falls; −g where the curvature along it is not positive.
    """
    d, residual = np.zeros_like(g), g.copy()
    along, size = -g, float(g @ g)
    for _ in range(most):
        if size <= tolerance * tolerance:
            break
        curved = product(along)
        curvature = float(along @ curved)
        if not curvature > 3 * np.finfo(np.float64).eps * float(along @ along):  # flat or bent down
            return d if d.any() else -g
        length = size / curvature
        d += length * along
        residual += length * curved
        size, before = float(residual @ residual), size
        along = -residual + (size / before) * along
    return d
