"""One step of a linear model as a graph: scores, loss, and the update of scaled weights and their running sum.

Inputs are the state, then the batch, step and key; outputs what is noted, then the state after the step:

    V        W = s·V: of shape (features, outputs) for sparse rows, so that all of a feature lies side by side, and
             turned, (outputs, features), for dense ones, which are as long
    b        the bias
    s        the scale, with L2 only
    passed   Σ s over the steps so far, for the average
    U        Σ passed · ΔV, so that Σ W over the steps is passed·V − U, though each step adds to few places only
    b_sum    Σ b over the steps
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.distributions import Distribution
from glassgrad.errors import OperandError
from glassgrad.graphs import Graph
from glassgrad.op import Spec
from glassgrad.ops.sparse import SparseSpec
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, traced
from glassgrad.train.step_graphs import batch_wires, check_loss, takes_weights
from glassgrad.wire import group, marked

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class LinearStep:
    """The settings of `Online` that its graph hangs on."""

    loss: Distribution | Callable[..., Any]
    noted: Callable[..., Any] | None
    rate: float | Callable[[Any], Any]
    l2: float
    l1: float
    bias_rate: float
    dtype: np.dtype[Any]

    def mean(self, loss: Any, z: Any, y: Any, *weight: Any) -> Any:
        """The mean over rows of a distribution's weighted costs, or what a function returns."""
        if not isinstance(loss, Distribution):
            return loss(z, y, *weight) if weight and takes_weights(loss) else loss(z, y)
        costs = loss.nll(z, y)
        return np.mean(weight[0] * costs) if weight else np.mean(costs)

    def update(self, state: Mapping[str, Tensor], x: Any, dz: Any, step: Any) -> dict[str, Any]:
        """What a step leaves of its state."""
        rate: Any = self.rate(step) if callable(self.rate) else self.rate
        after: dict[str, Any] = {}
        length: Any = rate  # of the step of V
        if self.l2:
            after["s"] = state["s"] * (1 - rate * self.l2)
            length = rate / after["s"]
        slope = dz.T @ x if isinstance(x, Tensor) else x.T @ dz
        after["V"] = state["V"] - self._number(length) * slope
        shrink = self.l1 and isinstance(x, Tensor)  # on sparse rows it is done between stretches
        if shrink:
            least = self._number(length * self.l1)
            after["V"] = np.sign(after["V"]) * np.maximum(np.abs(after["V"]) - least, 0)
        if "b" in state:
            after["b"] = state["b"] - self._number(rate * self.bias_rate) * np.sum(dz, axis=0)
        if "U" in state:
            passed = state["passed"]
            after["passed"] = passed + (after["s"] if self.l2 else 1.0)
            if shrink:
                after["U"] = state["U"] + self._number(passed) * (after["V"] - state["V"])
            else:
                after["U"] = state["U"] - self._number(passed * length) * slope
            if "b" in state:
                after["b_sum"] = state["b_sum"] + after["b"].astype(np.float64)
        return after

    def _number(self, x: Any) -> Any:
        """A number in the dtype of the weights; Python numbers are so already."""
        return x.astype(self.dtype) if hasattr(x, "astype") else x


def online_graph(model: LinearStep, arrays: Mapping[str, Array], specs: Sequence[Spec | SparseSpec]) -> Graph:
    """The graph of a step.

    Parameters
    ----------
    model : LinearStep
        Loss, rate and penalties.
    arrays : mapping of str to array
        The state, of these shapes and dtypes.
    specs : sequence of Spec or SparseSpec
        Those of the batch.

    Raises
    ------
    OperandError, ShapeError
        Where the loss is not one number, or has no gradient.
    """
    with marked(enabled=True):
        state = {name: traced(x.shape, x.dtype, name, active=name in ("V", "b")) for name, x in arrays.items()}
        (x, y, *weight), batch = batch_wires(specs)
        step, key = traced((), np.dtype(np.int64), "step"), traced((2,), np.dtype(np.uint32), "key")
        with group("forward"):
            z = x @ (state["V"].T if isinstance(x, Tensor) else state["V"])
            z = z * state["s"].astype(model.dtype) if "s" in state else z
            z = z + state["b"] if "b" in state else z
        with group("loss"):
            cost = model.mean(model.loss, z, y, *weight)
        check_loss(cost, model.loss)
        if cost.dtype.kind != "f" or not cost.active:
            raise OperandError("the loss has no gradient path to the output it is handed")
        cost.name = cost.name or "loss"
        with group("backward"):
            dz = sweep({cost: cost.dtype.type(1)}, [z], record=True)[z.serial]
        note = cost
        if model.noted is not None:
            with group("noted"):
                note = model.mean(model.noted, z, y, *weight)
            check_loss(note, model.noted)
        with group("update"):
            after = model.update(state, x, dz, step)
    return Graph([note, *[after[name] for name in state]], [*state.values(), *batch, step, key])
