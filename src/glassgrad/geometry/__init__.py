"""Networks as geometry: what they can be built to do, with proof."""

from __future__ import annotations

from glassgrad.geometry.constructing import box_network, constructed, step_network, units_for
from glassgrad.geometry.construction import Construction, Measured
from glassgrad.geometry.modulus import Hoelder, Modulus

__all__ = ["Construction", "Hoelder", "Measured", "Modulus", "box_network", "constructed", "step_network", "units_for"]
