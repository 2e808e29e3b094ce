"""Networks by construction: a step and a box from ReLUs, any function from them, and what depth adds."""

from __future__ import annotations

import functools
import textwrap
from typing import Any

import numpy as np

from glassgrad import geometry
from glassgrad.geometry.depths import DepthStudy
from glassgrad.ops.arithmetic import relu
from glassgrad.plots import INK, figure, styled
from glassgrad.tensors import Tensor
from glassgrad.worked.record import Example

RAMP = 0.25


def box(x: Any, left: Any, right: Any, ramp: Any) -> Tensor:
    """Two ReLUs make a step, one minus the other: 0, then a ramp, then 1. Two steps make a box.

    A step cannot be made exactly: a sum of ReLUs is continuous. It is exact outside the ramp, and the area between
    the two is half the ramp, as small as the ramp is made.
    """
    up = ((relu(x - left + ramp) - relu(x - left)) / ramp).named("up")
    down = ((relu(x - right) - relu(x - right - ramp)) / ramp).named("down")
    return (up - down).named("box")


def _box(out: Tensor, width: int) -> str:
    made = (geometry.step_network(0.0, RAMP), geometry.box_network(0.0, 0.5, RAMP))
    return "\n\n".join(["The same as layers, with what is proven of them:", *map(str, made)])


@styled
def box_picture() -> Any:
    """The ReLUs that make a step, and those that make a box."""
    picture, axes = figure(1, 2, sharex=True, sharey=True)
    made = (geometry.step_network(0.0, RAMP), geometry.box_network(0.0, 0.5, RAMP))
    for ax, one, title in zip(axes, made, ("A step from two ReLUs", "A box from four"), strict=True):
        x = np.linspace(-1, 1, 801)
        hidden, weights = one.plan.stages[0], one.plan.stages[1].W[:, 0]
        for i, w in enumerate(weights):
            b = hidden.b[i]
            inside = "x" if b == 0 else f"x {'−' if b < 0 else '+'} {abs(b):g}"
            label = f"{'−' if w < 0 else '+'} {abs(w):g} max(0, {inside})"
            ax.plot(x, w * np.maximum(0, x + b), lw=1.1, ls="--", label=label)
        ax.plot(x, one(x), color=INK, lw=2.4, label="their sum")
        ax.set_ylim(-1.7, 2.4)
        ax.set_title(title)
        ax.set_xlabel("x")
        ax.legend(fontsize=8, loc="upper left")
    return picture


def bumpy(x: Any) -> Any:
    """A function with slopes up to 3.5 that no polygon fits exactly."""
    return np.sin(3 * x) + 0.5 * np.abs(x - 1)


def line(x: Any, knots: Any, weights: Any, start: Any) -> Tensor:
    """Any function of which it is known how steep it can be is met by one hidden layer, without training.

    Each ReLU bends the line at one knot. With values of f at n + 1 knots the network runs through all of them, and
    between two it is off by at most L h/2: L is f's Lipschitz constant, h the distance of the knots.
    """
    h = relu(x - knots).named("h")
    return (h @ weights + start).named("net")


_KNOTS = np.linspace(0, 4, 5)
_VALUES = bumpy(_KNOTS)
_BENDS = np.diff(np.concatenate([[0.0], np.diff(_VALUES)]))


@functools.cache
def _study() -> geometry.WidthStudy:
    return geometry.width_study(bumpy, 0, 4, lipschitz=3.5, widths=(4, 8, 16, 32, 64), seeds=3)


def _universality(out: Tensor, width: int) -> str:
    made = [
        geometry.constructed(bumpy, 0, 4, lipschitz=3.5, error=0.1, by=by) for by in ("interpolation", "steps", "boxes")
    ]
    units = ", ".join(f"{one.units} by {one.by}" for one in made)
    asked = "How many ReLUs prove |f - net| ≤ 0.1 for f = sin 3x + |x - 1| / 2 on [0, 4], with slopes of at most 3.5:"
    learned = (
        "That a network can represent f does not mean that training finds it. Networks of one hidden layer that learn "
        "the same f, beside those that are made:"
    )
    parts = [textwrap.fill(asked, width), units, str(made[0]), textwrap.fill(learned, width), str(_study())]
    return "\n\n".join(parts)


def fold(x: Any) -> Tensor:
    """A layer of two ReLUs folds [0, 1] in the middle; all that follows sees both halves as one.

    Three layers fold three times: 8 straight pieces from 6 ReLUs, and each further layer doubles them. One hidden
    layer needs a ReLU for each piece.
    """
    for i in range(1, 4):
        x = (2 * relu(x) - 4 * relu(x - 0.5)).named(f"fold {i}")
    return x


@functools.cache
def _depths() -> tuple[DepthStudy, DepthStudy]:
    return (
        geometry.depth_study("sawtooth", (1, 4), (300, 600)),
        geometry.depth_study("digits", (1, 4), (1000, 2000), seeds=3, steps=1500),
    )


def _depth(out: Tensor, width: int) -> str:
    learned = (
        "What training makes of it: networks of about as many parameters each, as wide as their depth allows, on a "
        "sawtooth that can be folded, and on digits, where nothing is to fold. On the first, depth does what width "
        "does not; on the second the widest do best. Each shape of the first is shown with the better of two rates."
    )
    ends = (
        "Made by folding, a sawtooth of 16 pieces takes 4 layers of 2 ReLUs, 25 parameters. One hidden layer with "
        "fewer than 15 ReLUs misses it by ½ or more somewhere, whatever its weights: it has fewer than 16 straight "
        "pieces, so on some piece of the sawtooth it stays on one side of ½."
    )
    pieces = [textwrap.fill(ends, width), str(geometry.folded_sawtooth(4)), textwrap.fill(learned, width)]
    return "\n\n".join([*pieces, *map(str, _depths())])


def _depth_picture() -> Any:
    from glassgrad.geometry.study_pictures import depth_picture

    return depth_picture(_depths())


EXAMPLES = (
    Example(
        "step-and-box", "A step from two ReLUs, a box from four", "S17", box,
        {"x": [-0.5, -0.125, 0.25, 0.625, 1.0], "left": 0.0, "right": 0.5, "ramp": RAMP}, _box, picture=box_picture,
    ),
    Example(
        "universality", "Any function, by construction, with a bound", "S17", line,
        {"x": [[0.5], [2.5]], "knots": _KNOTS[:4], "weights": _BENDS, "start": _VALUES[0]}, _universality,
        picture=lambda: _study().picture(),
    ),
    Example(
        "width-and-depth", "Width against depth at equal parameters", "S18", fold, {"x": 0.3}, _depth,
        picture=_depth_picture,
    ),
)  # fmt: skip
