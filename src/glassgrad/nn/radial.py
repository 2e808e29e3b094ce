"""RadialBasis: units that answer to inputs near their centre."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.nn.initialisers import Constant, Initialiser, Normal
from glassgrad.nn.layer import Layer, as_dtype, weight, wrong_width
from glassgrad.nn.linear import sizes
from glassgrad.parameters import Parameter


class RadialBasis(Layer):
    """h_i = exp(−‖x − W_{:,i}‖² / σ_i²): 1 at the centre of unit i, near 0 far from it.

    Parameters
    ----------
    n_in, n_out : int
        Numbers in, and units.
    centres : initialiser
        Of W, shape ``(n_in, n_out)``; N(0, 1) by default.
    widths : initialiser
        Of sigma, shape ``(n_out,)``; 1 by default.
    dtype : dtype
        float32 by default.
    seed : int, optional
        Draw now, from this seed. By default the layer is drawn with its network.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import nn
    >>> layer = nn.RadialBasis(2, 3, seed=0)
    >>> centre = layer.W.value[:, 1]
    >>> print(layer(centre).value[1])
    1.0
    """

    W: Parameter
    sigma: Parameter

    def __init__(
        self,
        n_in: int,
        n_out: int,
        centres: Initialiser = Normal(),  # noqa: B008 a frozen record
        widths: Initialiser = Constant(1.0),  # noqa: B008 a frozen record
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
    ) -> None:
        sizes(self, n_in, n_out)
        self.n_in, self.n_out = int(n_in), int(n_out)
        self.W = weight((n_in, n_out), centres, dtype)
        self.sigma = weight((n_out,), widths, dtype)
        if seed is not None:
            self.initialise(seed)

    def forward(self, x: Any) -> Any:
        """Closeness to each centre, between 0 and 1."""
        if not x.shape or x.shape[-1] != self.n_in:
            raise wrong_width(self, x, f"rows of {self.n_in} numbers", self.W)
        away = np.expand_dims(as_dtype(x, self.W.dtype), -1) - self.W
        return np.exp(-np.sum(np.square(away), axis=-2) / np.square(self.sigma))

    def settings(self) -> str:
        """Widths."""
        return f"{self.n_in}, {self.n_out}"
