"""What networks of straight pieces look like: elbows, regions, networks by construction, losses over weights."""

from __future__ import annotations

from glassgrad.geometry.constructing import box_network, constructed, step_network, units_for
from glassgrad.geometry.construction import Construction
from glassgrad.geometry.counting import Cell, Regions, line_regions, plane_regions, regions
from glassgrad.geometry.decisions import DecisionRegions, Part, decision_regions
from glassgrad.geometry.depths import DepthStudy, depth_study, folded_sawtooth
from glassgrad.geometry.folds import Folding, fold, folding
from glassgrad.geometry.hand import Step
from glassgrad.geometry.limits import Bounds, bounds, serra, zaslavsky
from glassgrad.geometry.measuring import Measured
from glassgrad.geometry.modulus import Hoelder, Modulus
from glassgrad.geometry.polygons import half_plane, polygon_network, union_network
from glassgrad.geometry.watching import RegionWatch
from glassgrad.geometry.widths import WidthStudy, width_study

__all__ = [
    "Bounds", "Cell", "Construction", "DecisionRegions", "DepthStudy", "Folding", "Hoelder", "Measured", "Modulus",
    "Part", "RegionWatch", "Regions", "Step", "WidthStudy", "bounds", "box_network", "constructed", "decision_regions",
    "depth_study", "fold", "folded_sawtooth", "folding", "half_plane", "line_regions", "plane_regions",
    "polygon_network", "regions", "serra", "step_network", "union_network", "units_for", "width_study", "zaslavsky",
]  # fmt: skip
