"""L-BFGS: a full-batch optimiser that estimates curvature and searches along each line for a good step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glassgrad.displays import Shown
from glassgrad.optim.search import FlatProblem, SearchInfo, ValueAndGrad, Watcher, at_least

LBFGSInfo = SearchInfo


@dataclass(frozen=True)
class LBFGS(Shown):
    """Limited-memory BFGS with a line search, as SciPy has it (L-BFGS-B), in float64.

    Parameters
    ----------
    max_iterations : int
        At most so many iterations.
    max_evaluations : int, optional
        At most about so many values and gradients; by default 1.25 times `max_iterations`, at least 20 more.
    memory : int
        Pairs of steps and gradients that the curvature is estimated from.
    tolerance : float
        Ends when no element of the gradient is larger.
    loss_tolerance : float
        Ends when an iteration lowers the loss by a smaller share than this.
    weight_decay : float
        λ of the penalty ½ λ ‖w‖².
    line_search_steps : int
        At most so many evaluations along one line.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import optim
    >>> def value_and_grad(params):
    ...     (w,) = params
    ...     return np.sum((w - 3) ** 2), [2 * (w - 3)]
    >>> (w,), info = optim.LBFGS().minimize(value_and_grad, [np.zeros(2)])
    >>> print(w.round(4), info.converged)
    [3. 3.] True
    """

    max_iterations: int = 100
    max_evaluations: int | None = None
    memory: int = 10
    tolerance: float = 1e-7
    loss_tolerance: float = 1e-12
    weight_decay: float = 0.0
    line_search_steps: int = 20

    def __post_init__(self) -> None:
        lows = {"max_iterations": 1, "memory": 1, "tolerance": 0, "loss_tolerance": 0, "line_search_steps": 1}
        at_least("LBFGS", self, lows)

    def minimize(
        self, value_and_grad: ValueAndGrad, params: Sequence[Any], callback: Watcher | None = None
    ) -> tuple[list[Any], SearchInfo]:
        """Find parameters of low loss.

        Parameters
        ----------
        value_and_grad : callable
            A list of arrays in; the loss and a list of gradients out.
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
        from scipy import optimize

        problem = FlatProblem("LBFGS", value_and_grad, params, self.weight_decay)
        cached = [problem.first()]  # scipy asks for the start again
        losses: list[float] = []

        def record(intermediate_result: Any) -> None:
            losses.append(float(intermediate_result.fun))
            if callback is not None and callback(len(losses), losses[-1], problem.arrays(intermediate_result.x)):
                raise StopIteration

        most = self.max_evaluations or max(self.max_iterations + 20, self.max_iterations * 5 // 4)
        found = optimize.minimize(
            lambda flat: cached.pop() if cached else problem.evaluate(flat),
            problem.start,
            jac=True,
            method="L-BFGS-B",
            callback=record,
            options={
                "maxiter": self.max_iterations, "maxfun": most, "maxcor": self.memory, "gtol": self.tolerance,
                "ftol": self.loss_tolerance, "maxls": self.line_search_steps,
            },
        )  # fmt: skip
        info = SearchInfo(
            float(found.fun), int(found.nit), int(found.nfev), bool(found.success), str(found.message), losses
        )
        return problem.arrays(found.x), info
