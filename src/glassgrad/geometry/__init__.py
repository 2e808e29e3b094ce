"""What networks of straight pieces look like: elbows, regions, networks by construction, losses over weights."""

from __future__ import annotations

from glassgrad.geometry.constructing import box_network, constructed, step_network, units_for
from glassgrad.geometry.construction import Construction
from glassgrad.geometry.depths import DepthStudy, depth_study, folded_sawtooth
from glassgrad.geometry.measuring import Measured
from glassgrad.geometry.modulus import Hoelder, Modulus
from glassgrad.geometry.widths import WidthStudy, width_study

__all__ = [
    "Construction", "DepthStudy", "Hoelder", "Measured", "Modulus", "WidthStudy", "box_network", "constructed",
    "depth_study", "folded_sawtooth", "step_network", "units_for", "width_study",
]  # fmt: skip
