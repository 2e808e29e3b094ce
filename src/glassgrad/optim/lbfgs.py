"""L-BFGS: a full-batch optimiser that estimates curvature and searches along each line for a good step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.errors import DataError, ShapeError

ValueAndGrad = Callable[[list[Any]], tuple[Any, Sequence[Any]]]


@dataclass(frozen=True)
class LBFGSInfo:
    """How a minimisation went: the last loss, counts, why it ended, and the loss after every iteration."""

    loss: float
    iterations: int
    evaluations: int
    converged: bool
    message: str
    losses: list[float] = field(repr=False)


@dataclass(frozen=True)
class LBFGS:
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

    def __post_init__(self) -> None:
        for name, low in (("max_iterations", 1), ("memory", 1), ("tolerance", 0), ("loss_tolerance", 0)):
            if not getattr(self, name) >= low:
                raise DataError(f"LBFGS: {name} must be at least {low}")

    def minimize(
        self,
        value_and_grad: ValueAndGrad,
        params: Sequence[Any],
        callback: Callable[[int, float, list[Any]], bool | None] | None = None,
    ) -> tuple[list[Any], LBFGSInfo]:
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
        info : LBFGSInfo

        Raises
        ------
        DataError
            When the loss is not finite at the start.
        """
        from scipy import optimize

        starts = [np.asarray(getattr(p, "value", p)) for p in params]
        cuts = np.cumsum([p.size for p in starts])[:-1]

        def arrays(flat: Any) -> list[Any]:
            pieces = zip(np.split(flat, cuts), starts, strict=True)
            return [piece.reshape(p.shape).astype(p.dtype) for piece, p in pieces]

        def evaluate(flat: Any) -> tuple[float, Any]:
            value, gradients = value_and_grad(arrays(flat))
            if len(gradients) != len(starts):
                raise ShapeError(f"LBFGS: {len(starts)} parameters, and {len(gradients)} gradients")
            g = np.concatenate([np.zeros(0), *[_plain(x).astype(np.float64).ravel() for x in gradients]])
            loss = float(_plain(value)) + 0.5 * self.weight_decay * float(flat @ flat)
            return loss, g + self.weight_decay * flat

        start = np.concatenate([np.zeros(0), *[p.astype(np.float64).ravel() for p in starts]])
        first = evaluate(start)
        if not np.isfinite(first[0]) or not np.all(np.isfinite(first[1])):
            raise DataError("LBFGS: the loss or its gradient is not finite at the start")
        cached = [first]  # scipy asks for the start again
        losses: list[float] = []

        def record(intermediate_result: Any) -> None:
            losses.append(float(intermediate_result.fun))
            if callback is not None and callback(len(losses), losses[-1], arrays(intermediate_result.x)):
                raise StopIteration

        most = self.max_evaluations or max(self.max_iterations + 20, self.max_iterations * 5 // 4)
        found = optimize.minimize(
            lambda flat: cached.pop() if cached else evaluate(flat),
            start,
            jac=True,
            method="L-BFGS-B",
            callback=record,
            options={
                "maxiter": self.max_iterations, "maxfun": most, "maxcor": self.memory,
                "gtol": self.tolerance, "ftol": self.loss_tolerance,
            },
        )  # fmt: skip
        info = LBFGSInfo(
            float(found.fun), int(found.nit), int(found.nfev), bool(found.success), str(found.message), losses
        )
        return arrays(found.x), info


def _plain(x: Any) -> Any:
    return np.asarray(getattr(x, "value", x))
