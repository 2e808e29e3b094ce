"""Costs from distributions: choose p(y | x), and the negative log-likelihood follows."""

from typing import Any

from glassgrad.distributions.base import Distribution
from glassgrad.distributions.beta_bernoulli import BetaBernoulli
from glassgrad.distributions.classes import Bernoulli, Categorical
from glassgrad.distributions.continuous import Gaussian, Laplace
from glassgrad.distributions.counts import NegativeBinomial, Poisson
from glassgrad.errors import unknown

DISTRIBUTIONS: dict[str, type[Distribution]] = {
    kind.name: kind for kind in (Gaussian, Bernoulli, Categorical, Laplace, Poisson, NegativeBinomial, BetaBernoulli)
}
"""Every distribution by name."""


def named(name: str, **settings: Any) -> Distribution:
    """A distribution by its name.

    Parameters
    ----------
    name : str
        One of `DISTRIBUTIONS`.
    **settings
        Its parameters, such as ``total_count``.

    Raises
    ------
    UnknownNameError
        Lists the names that exist.

    Examples
    --------
    >>> from glassgrad import distributions
    >>> distributions.named("negative_binomial", total_count=3)
    NegativeBinomial(total_count=3)
    """
    if name not in DISTRIBUTIONS:
        raise unknown("distribution", name, DISTRIBUTIONS)
    return DISTRIBUTIONS[name](**settings)


__all__ = [
    "DISTRIBUTIONS", "Bernoulli", "BetaBernoulli", "Categorical", "Distribution", "Gaussian", "Laplace",
    "NegativeBinomial", "Poisson", "named",
]  # fmt: skip
