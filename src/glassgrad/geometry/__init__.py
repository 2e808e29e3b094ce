"""What networks of straight pieces look like: elbows, regions, networks by construction, losses over weights."""

from glassgrad.geometry.bends import Elbows, elbows
from glassgrad.geometry.piecewise import Pieces, pieces

__all__ = [
    "Elbows",
    "Pieces",
    "elbows",
    "pieces",
]
