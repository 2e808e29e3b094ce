"""What networks of straight pieces look like: elbows, regions, networks by construction, losses over weights."""

from glassgrad.geometry.bends import Elbows, elbows
from glassgrad.geometry.elbow_pictures import elbow_picture
from glassgrad.geometry.lines import Pieces, pieces
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
    "ELBOW_RATES",
    "ELBOW_WIDTHS",
    "ElbowRun",
    "Elbows",
    "Pieces",
    "elbow_picture",
    "elbow_run",
    "elbow_runs",
    "elbow_start",
    "elbows",
    "pieces",
    "watch_elbows",
]
