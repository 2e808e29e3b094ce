"""Distributions of counts: Poisson and negative binomial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from glassgrad.distributions.base import Distribution, bad_targets
from glassgrad.op import shaped
from glassgrad.ops.elementwise import softplus

_RATE_LIMIT = 30.0  # log-rates: e³⁰ is 10¹³; beyond, the exponential goes on as a straight line


def _exponential(z: Any) -> Any:
    """eᶻ, which goes on as a straight line above e³⁰ and so never overflows."""
    low = np.where(z > _RATE_LIMIT, _RATE_LIMIT, z)
    return np.exp(low) * (1 + (z - low))


def _rate(z: Any) -> Any:
    """eᶻ, at most about the largest number of the dtype."""
    return np.exp(np.minimum(z, math.floor(math.log(float(np.finfo(z.dtype).max)))))


@dataclass(frozen=True)
class Poisson(Distribution):
    """Counts with the rate eᶻ, z the output: eᶻ − y z.

    Above z = 30, a rate of 10¹³, the cost goes on as a straight line, so that it never overflows.

    Parameters
    ----------
    whole : bool
        Whether targets have to be counts. Without, any y from 0 is taken: the mean is estimated well where only it
        is like Poisson's (quasi-likelihood).
    """

    whole: bool = True
    name: ClassVar[str] = "poisson"

    def terms(self, output: Any, y: Any) -> Any:
        """eᶻ − y z."""
        return _exponential(output) - y * output

    def mean(self, output: Any) -> Any:
        """The rate eᶻ."""
        return _rate(shaped(output))

    def _check_values(self, y: Any) -> None:
        if not self.whole:
            self._all(y >= 0, y, "rates are not below 0")
            return
        self._all((y >= 0) & (np.mod(y, 1) == 0), y, "counts are whole numbers from 0")


@dataclass(frozen=True)
class NegativeBinomial(Distribution):
    """Counts more spread than Poisson's: successes before `total_count` failures, each of probability σ(output).

    The mean is total_count · eᶻ, the variance the mean times (1 + eᶻ). ``total_count`` need not be whole.
    """

    total_count: float = 1.0
    name: ClassVar[str] = "negative_binomial"

    def __post_init__(self) -> None:
        if not 0 < self.total_count < math.inf:
            raise bad_targets(self.name, f"total_count is a positive number, and is {self.total_count}")

    def terms(self, output: Any, y: Any) -> Any:
        """With r = total_count: r softplus(z) + y softplus(−z)."""
        return self.total_count * softplus(output) + y * softplus(-output)

    def mean(self, output: Any) -> Any:
        """total_count · eᶻ."""
        z = shaped(output)
        room = math.floor(math.log(float(np.finfo(z.dtype).max) / max(self.total_count, 1.0)))
        return self.total_count * np.exp(np.minimum(z, room))

    def _check_values(self, y: Any) -> None:
        self._all((y >= 0) & (np.mod(y, 1) == 0), y, "counts are whole numbers from 0")
