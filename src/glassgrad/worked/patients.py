"""The doctor: a unit that no row can wake, and what the doctor says of planted illnesses."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from glassgrad.doctor import ILLNESSES
from glassgrad.tensors import Tensor
from glassgrad.worked.ill import PLANTED
from glassgrad.worked.record import Example

_SHOWN = "dead-units"
_TOLD = ("unscaled-inputs", "loss-cuts-gradients", "zero-weights", "exploding-gradients", "large-updates")


def dead_unit(x: Any, w: Any, b: Any) -> Tensor:
    """A ReLU whose bias is so low that it is off for every row: its gradient is zero, so it never learns again.

    The doctor finds such units, and two dozen other illnesses, in a network, its data and its run.
    """
    return np.mean(np.maximum(0.0, x * w + b) ** 2)


def _diagnoses(out: Tensor, width: int) -> str:
    lines = [PLANTED[_SHOWN](0).text(width), "", "Others that were planted, and what was found first:", ""]
    for code in _TOLD:
        found = PLANTED[code](0).findings[0]
        lines += textwrap.wrap(f"{found.code}: {found.what}", width, initial_indent="  ", subsequent_indent="      ")
    lines += ["", *textwrap.wrap(f"Looked for: {', '.join(ILLNESSES)}.", width, break_on_hyphens=False)]
    return "\n".join(lines)


EXAMPLES = (
    Example(
        "doctor", "A dead unit, and what the doctor says", "S11", dead_unit,
        {"x": [0.5, 1.0, -2.0], "w": 1.5, "b": -10.0}, _diagnoses,
    ),
)  # fmt: skip
