"""BetaBernoulli: yes or no, with a probability that is itself drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from glassgrad.distributions.base import Distribution, called, flat, hits, sum_rows
from glassgrad.errors import ShapeError
from glassgrad.op import shaped
from glassgrad.ops.elementwise import sigmoid, softplus


def _log_softplus(z: Any) -> Any:
    """Logarithm of softplus(z), by its series in eᶻ where that is small and softplus would lose digits or be 0."""
    small = z < -12.0
    e = np.exp(np.where(small, z, -12.0))
    series = z - e * (0.5 - (5 / 24) * e)
    return np.where(small, series, np.log(softplus(np.where(small, -12.0, z))))


@dataclass(frozen=True)
class BetaBernoulli(Distribution):
    """Yes or no with a probability drawn from Beta(α, β): p(y = 1) = α / (α + β).

    Two outputs a target, side by side: α = softplus of the first, β = softplus of the second. One
    answer a draw tells of α and β only their ratio.
    """

    name: ClassVar[str] = "beta_bernoulli"

    def _logit(self, output: Any) -> Any:
        """Logarithm of α / β."""
        if not output.shape or output.shape[-1] % 2:
            raise ShapeError(
                f"{self.name}: outputs come in pairs, α and β of each target, and the output has shape "
                f"{tuple(output.shape)}\n  output {called(output)}"
            )
        pairs = np.reshape(output, (*output.shape[:-1], output.shape[-1] // 2, 2))
        logs = _log_softplus(pairs)
        return logs[..., 0] - logs[..., 1]

    def nll(self, output: Any, y: Any) -> Any:
        """ln(α + β) − ln α where y = 1, ln(α + β) − ln β where y = 0."""
        output = shaped(output)
        logit, y = self._pair(self._logit(output if output.dtype.kind == "f" else output.astype(np.float64)), shaped(y))
        return sum_rows(self.terms(logit, y))

    def terms(self, output: Any, y: Any) -> Any:
        """softplus((1 − 2y)(ln α − ln β)), from ln α − ln β."""
        return softplus((1 - 2 * y) * output)

    def mean(self, output: Any) -> Any:
        """p(y = 1), one for each pair."""
        return sigmoid(self._logit(shaped(output)))

    def predict(self, output: Any) -> Any:
        """1 where α > β, else 0; one pair a row gives one number a row."""
        return flat(self._logit(shaped(output)) > 0).astype(np.int64)

    def accuracy(self, output: Any, y: Any) -> Any:
        """Share of labels that `predict` hits."""
        return hits(self.predict(output), y)

    def outputs(self, targets: Any) -> int:
        """Two for each target."""
        return 2 * super().outputs(targets)

    def _check_values(self, y: Any) -> None:
        self._all((y == 0) | (y == 1), y, "targets are 0 or 1")
