"""The gradient of a graph as mathematics: `derive` and what it returns."""

from glassgrad.views.derivation.derivation import Derivation, Step
from glassgrad.views.derivation.deriving import derive

__all__ = ["Derivation", "Step", "derive"]
