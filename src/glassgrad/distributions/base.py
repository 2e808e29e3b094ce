"""Distribution: choose p(y | x), and the cost follows, the negative log-likelihood of the targets.

Every distribution reads the numbers that a network puts out (its last layer stays linear) and gives
−log p(y | x), one number a row, without constants that do not depend on the output. All are computed
so that nothing overflows: an output of ±1000 gives a finite loss and gradient, also in float32.
Targets are cast to the dtype of the output.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from glassgrad.displays import Shown
from glassgrad.errors import DataError, ShapeError, describe, spec_text
from glassgrad.op import shaped
from glassgrad.wire import Wire


def value_of(x: Any) -> Any:
    """The numbers of an array or a wire; None while a function is traced."""
    return x._value if isinstance(x, Wire) else x


def called(x: Any) -> str:
    """An array or wire in a message."""
    return describe(x) if isinstance(x, Wire) else f"(an array): {spec_text(x)}"


def mismatch(name: str, output: Any, y: Any, hint: str) -> ShapeError:
    """The error for outputs and targets that do not fit together."""
    return ShapeError(
        f"{name}: the output has shape {tuple(output.shape)} and the targets {tuple(y.shape)}; {hint}"
        f"\n  output {called(output)}\n  targets {called(y)}"
    )


def cast_to(x: Any, output: Any) -> Any:
    """`x` in the dtype of the output."""
    return x if x.dtype == output.dtype else x.astype(output.dtype)


def sum_rows(x: Any) -> Any:
    """The sum over everything but rows."""
    return np.sum(x, axis=tuple(range(1, len(x.shape)))) if len(x.shape) > 1 else x


def bad_targets(distribution: str, problem: str) -> DataError:
    """The error for targets that cannot be learned."""
    return DataError(f"{distribution}: {problem}")


@dataclass(frozen=True)
class Distribution(Shown):
    """p(y | x) with parameters read from a network's output. The base of all; subclass it for your own.

    A subclass defines ``terms(output, y)``: −log p of every target on its own, in NumPy functions and
    gates, for an output and targets of one shape.
    """

    name: ClassVar[str] = ""

    def terms(self, output: Any, y: Any) -> Any:
        """−log p(y | x) of each target, from output and targets of one shape and dtype."""
        raise NotImplementedError(f"{type(self).__name__} has no terms(self, output, y): define it")

    def nll(self, output: Any, y: Any) -> Any:
        """−log p(y | x), one number a row (the first axis); targets of one row add up.

        Parameters
        ----------
        output : Tensor or array_like
            What the network puts out, shape ``(rows, outputs)`` or ``(rows,)``.
        y : Tensor or array_like
            Targets, of the same shape; ``(rows,)`` serves one output a row.

        Raises
        ------
        ShapeError
            When they do not fit together.
        """
        output, y = self._pair(shaped(output), shaped(y))
        return sum_rows(self.terms(output, y))

    def loss(self, output: Any, y: Any, weight: Any = None) -> Any:
        """The mean of `nll` over the rows; with `weight`, one number a row, Σ w·nll / Σ w.

        Examples
        --------
        >>> from glassgrad import distributions
        >>> print(distributions.Gaussian().loss([[1.0], [3.0]], [1.0, 1.0]))
        1.0
        """
        return self.averaged(self.nll(output, y), weight)

    def averaged(self, nll: Any, weight: Any = None) -> Any:
        """The mean of one number a row, each row with its weight: how `loss` comes from `nll`."""
        if weight is None:
            return np.mean(nll)
        weight = shaped(weight)
        if tuple(weight.shape) != tuple(nll.shape):
            raise ShapeError(
                f"{self.name}: there are {nll.shape} rows, and the weights have shape {tuple(weight.shape)}"
            )
        weight = cast_to(weight, nll)
        return np.sum(weight * nll) / np.sum(weight)

    def mean(self, output: Any) -> Any:
        """The mean of y, of the output's shape."""
        return shaped(output)

    def predict(self, output: Any) -> Any:
        """The best guess of y: here the mean."""
        return self.mean(output)

    def accuracy(self, output: Any, y: Any) -> Any:
        """Share of targets that `predict` hits; None where targets are quantities and not classes.

        A wire while a function is traced, so that it can be compiled with the loss.
        """
        return None

    def outputs(self, targets: Any) -> int:
        """How many numbers a network has to put out for these targets."""
        targets = shaped(targets)
        return int(targets.shape[-1]) if len(targets.shape) > 1 else 1

    def check_targets(self, y: Any, n_outputs: int | None = None) -> None:
        """Raise `DataError` for targets that cannot be learned, with what is wrong and where.

        Parameters
        ----------
        y : array_like
            All targets.
        n_outputs : int, optional
            How many numbers the network puts out.
        """
        y = self._numbers(y)
        needed = self.outputs(y)
        if n_outputs is not None and needed != n_outputs:
            raise bad_targets(self.name, f"these targets need {needed} outputs a row, and the network has {n_outputs}")
        self._check_values(y)

    def _check_values(self, y: Any) -> None:
        """Raise `DataError` for values that y cannot have."""

    def _numbers(self, y: Any) -> Any:
        y = np.asarray(value_of(y))
        if y.dtype.kind not in "fiub":
            raise bad_targets(self.name, f"targets must be numbers, not {y.dtype}; number the classes from 0")
        if y.shape == () or y.size == 0:
            raise bad_targets(self.name, f"there are no targets (shape {y.shape})")
        if y.dtype.kind == "f":
            self._all(np.isfinite(y), y, "targets must be finite")
        return y

    def _all(self, good: Any, y: Any, rule: str) -> None:
        """Raise `DataError` that shows the first target for which `good` is false."""
        if not np.all(good):
            where = np.argwhere(~good)[0]
            place = f"row {where[0]}" + (f", column {where[1]}" if len(where) > 1 else "")
            bad = y[tuple(where)]
            raise bad_targets(self.name, f"{rule}, and {place} has {bad} ({int(np.sum(~good))} such)")

    def _pair(self, output: Any, y: Any) -> tuple[Any, Any]:
        """Output and targets in one shape and dtype."""
        if output.dtype.kind != "f":
            output = output.astype(np.float64)
        if len(output.shape) == len(y.shape) + 1 and output.shape[-1] == 1:
            y = np.expand_dims(y, -1)
        if tuple(output.shape) != tuple(y.shape):
            raise mismatch(
                self.name, output, y, "they must be equal (or one output a row, and targets without that axis)"
            )
        return output, cast_to(y, output)


def flat(x: Any) -> Any:
    """Without the last axis where that has length one."""
    return x[..., 0] if len(x.shape) > 1 and x.shape[-1] == 1 else x


def hits(predicted: Any, y: Any) -> Any:
    """Share of predictions that equal the targets: a number, or a wire while a function is traced."""
    predicted, y = shaped(predicted), shaped(y)
    if not y.size:
        return math.nan
    share = np.mean(np.where(np.reshape(predicted, y.shape) == y, 1.0, 0.0))
    number = value_of(share)
    return share if number is None else float(number)
