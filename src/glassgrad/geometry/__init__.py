"""What networks of straight pieces look like: elbows, regions, networks by construction, losses over weights."""

from __future__ import annotations

from glassgrad.geometry.counting import Cell, Regions, line_regions, plane_regions, regions
from glassgrad.geometry.decisions import DecisionRegions, Part, decision_regions
from glassgrad.geometry.folds import Folding, fold, folding
from glassgrad.geometry.hand import Step
from glassgrad.geometry.limits import Bounds, bounds, serra, zaslavsky
from glassgrad.geometry.polygons import half_plane, polygon_network, union_network
from glassgrad.geometry.watching import RegionWatch

__all__ = [
    "Bounds", "Cell", "DecisionRegions", "Folding", "Part", "RegionWatch", "Regions", "Step", "bounds",
    "decision_regions", "fold", "folding", "half_plane", "line_regions", "plane_regions", "polygon_network", "regions",
    "serra", "union_network", "zaslavsky",
]  # fmt: skip
