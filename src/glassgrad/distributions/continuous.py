"""Distributions of quantities: Gaussian and Laplace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from glassgrad.distributions.base import Distribution


@dataclass(frozen=True)
class Gaussian(Distribution):
    """N(output, 1): ½ (y − output)², summed over the outputs of a row.

    Examples
    --------
    >>> from glassgrad import distributions
    >>> print(distributions.Gaussian().nll([[1.0, 2.0]], [[1.0, 5.0]]))
    [4.5]
    """

    name: ClassVar[str] = "gaussian"

    def terms(self, output: Any, y: Any) -> Any:
        """½ (output − y)²."""
        return 0.5 * np.square(output - y)


@dataclass(frozen=True)
class Laplace(Distribution):
    """Laplace with centre `output` and scale 1: |y − output|, which large errors move less."""

    name: ClassVar[str] = "laplace"

    def terms(self, output: Any, y: Any) -> Any:
        """|output − y|."""
        return np.abs(output - y)
