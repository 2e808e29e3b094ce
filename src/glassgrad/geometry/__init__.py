"""What networks of straight pieces look like: elbows, regions, networks by construction, losses over weights."""

from __future__ import annotations

from glassgrad.geometry.bends import Elbows, elbows
from glassgrad.geometry.constructing import box_network, constructed, step_network, units_for
from glassgrad.geometry.construction import Construction
from glassgrad.geometry.counting import Cell, Regions, line_regions, plane_regions, regions
from glassgrad.geometry.decisions import DecisionRegions, Part, decision_regions
from glassgrad.geometry.depths import DepthStudy, depth_study, folded_sawtooth
from glassgrad.geometry.elbow_pictures import elbow_picture
from glassgrad.geometry.folds import Folding, fold, folding
from glassgrad.geometry.hand import Step
from glassgrad.geometry.limits import Bounds, bounds, serra, zaslavsky
from glassgrad.geometry.lines import Pieces, pieces
from glassgrad.geometry.measuring import Measured
from glassgrad.geometry.modulus import Hoelder, Modulus
from glassgrad.geometry.polygons import half_plane, polygon_network, union_network
from glassgrad.geometry.steps import CheckError, check_error
from glassgrad.geometry.watching import RegionWatch
from glassgrad.geometry.widths import WidthStudy, width_study
from glassgrad.geometry.zigzag_run import (
    ELBOW_RATES,
    ELBOW_WIDTHS,
    ElbowRun,
    elbow_run,
    elbow_runs,
    elbow_start,
    watch_elbows,
)

__all__ = [
    "Bounds", "Cell", "CheckError", "Construction", "DecisionRegions", "DepthStudy", "ELBOW_RATES", "ELBOW_WIDTHS",
    "ElbowRun", "Elbows", "Folding", "Hoelder", "Measured", "Modulus", "Part", "Pieces", "RegionWatch", "Regions",
    "Step", "WidthStudy", "bounds", "box_network", "check_error", "constructed", "decision_regions", "depth_study",
    "elbow_picture", "elbow_run", "elbow_runs", "elbow_start", "elbows", "fold", "folded_sawtooth", "folding",
    "half_plane", "line_regions", "pieces", "plane_regions", "polygon_network", "regions", "serra", "step_network",
    "union_network", "units_for", "watch_elbows", "width_study", "zaslavsky",
]  # fmt: skip
