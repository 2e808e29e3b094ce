"""Linear: every output is a weighted sum of the inputs, plus a bias."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.errors import DataError
from glassgrad.nn.initialisers import GlorotUniform, Initialiser, Zeros
from glassgrad.nn.layer import Layer, as_dtype, weight, wrong_width
from glassgrad.parameters import Parameter


def sizes(layer: Layer, n_in: int, n_out: int) -> None:
    """Refuse widths that are not positive whole numbers."""
    for n in (n_in, n_out):
        if not isinstance(n, int | np.integer) or n < 1:
            raise DataError(f"{type(layer).__name__}({n_in}, {n_out}): widths are whole numbers from 1")


class Linear(Layer):
    """y = x W + b, with W of shape ``(n_in, n_out)``.

    Inputs of another dtype are cast to the layer's.

    Parameters
    ----------
    n_in, n_out : int
        Numbers in and out, a row.
    bias : bool
        Whether there is a b.
    weight, bias_init : initialiser
        Glorot uniform and zeros by default; `Constant(0.1)` suits the bias of ReLU units.
    dtype : dtype
        float32 by default.
    seed : int, optional
        Draw now, from this seed. By default the layer is drawn with its network.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import nn
    >>> layer = nn.Linear(3, 2, seed=0)
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 2)
    """

    W: Parameter
    b: Parameter | None

    def __init__(
        self,
        n_in: int,
        n_out: int,
        bias: bool = True,
        weight: Initialiser = GlorotUniform(),  # noqa: B008 a frozen record
        bias_init: Initialiser = Zeros(),  # noqa: B008 a frozen record
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
    ) -> None:
        sizes(self, n_in, n_out)
        self.n_in, self.n_out = int(n_in), int(n_out)
        self.W = _declare((n_in, n_out), weight, dtype)
        self.b = _declare((n_out,), bias_init, dtype) if bias else None
        if seed is not None:
            self.initialise(seed)

    def forward(self, x: Any) -> Any:
        """Weighted sums, x W + b."""
        if not x.shape or x.shape[-1] != self.n_in:
            raise wrong_width(self, x, f"rows of {self.n_in} numbers", self.W)
        y = as_dtype(x, self.W.dtype) @ self.W
        return y if self.b is None else y + self.b

    def settings(self) -> str:
        """Widths, and whether the bias is missing."""
        return f"{self.n_in}, {self.n_out}" + ("" if self._has_bias else ", bias=False")

    @property
    def _has_bias(self) -> bool:
        return "b" in self._notes.weights or vars(self).get("b") is not None


_declare = weight
