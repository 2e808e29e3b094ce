"""What networks look like as functions: elbows that move, space folded, regions decided, and a V."""

from __future__ import annotations

import functools
import textwrap
from typing import Any

import numpy as np

from glassgrad import geometry
from glassgrad.geometry import CheckError, ElbowRun, Folding
from glassgrad.geometry.elbow_pictures import elbow_picture
from glassgrad.ops.arithmetic import relu
from glassgrad.ops.elementwise import sigmoid
from glassgrad.tensors import Tensor
from glassgrad.worked.record import Example

L_SHAPE = (((0, 0), (2, 0), (2, 1), (0, 1)), ((0, 0), (1, 0), (1, 2), (0, 2)))
"""Two boxes that are together no convex polygon."""


def one_unit(x: Any, w: Any, b: Any, v: Any) -> Tensor:
    """A hidden unit with one input bends the network's function once, at x = -b/w, its elbow.

    Training the output layer only moves no elbow. Training all layers moves them, and the fit is better for it.
    """
    return (relu(w * x + b) * v).named("y")


@functools.cache
def _runs() -> tuple[ElbowRun, ...]:
    return tuple(geometry.elbow_runs())


def _elbows(out: Tensor, width: int) -> str:
    said = (
        "Six runs on a noisy zigzag of ten pieces: 10, 20 and 40 units, 150,000 steps each, first the output layer "
        "only, then from the same start all layers."
    )
    return "\n\n".join([textwrap.fill(said, width), *map(str, _runs())])


def folded_twice(x: Any) -> Tensor:
    """An absolute value folds its input: what the next layer does, it does on both halves at once.

    So the pieces multiply from layer to layer, where units side by side only add theirs.
    """
    return np.abs(np.abs(x) - 0.5).named("y")


@functools.cache
def _folding() -> Folding:
    return geometry.folding((4, 4, 3), 2)


def _folded(out: Tensor, width: int) -> str:
    made = _folding()
    found = geometry.regions(made.net, (0, 0), (1, 1))
    return f"{made}\n\nCounted, in whole numbers:\n\n{found}"


def half_plane(x: Any, w: Any, b: Any) -> Tensor:
    """A threshold unit parts the plane in two; units of a second layer want several halves at once: a convex polygon.

    A third layer wants any of several polygons, so it can have every region with straight sides.
    """
    return sigmoid(np.sum(x * w) + b).named("y")


@functools.cache
def _decided() -> tuple[tuple[str, geometry.DecisionRegions], ...]:
    made = {
        "one unit: a half-plane": geometry.half_plane((1, 1), -1.5),
        "two layers: a convex polygon": geometry.polygon_network(L_SHAPE[0]),
        "three layers: a union": geometry.union_network(L_SHAPE),
    }
    return tuple((name, geometry.decision_regions(net, (-0.5, -0.5), (2.5, 2.5))) for name, net in made.items())


def _decisions(out: Tensor, width: int) -> str:
    return "\n\n".join(f"{name}\n{found}" for name, found in _decided())


def smooth(x: Any, w: Any) -> Tensor:
    """A numerical gradient is wrong in two ways: a large step cuts the curve short, a small one drowns in rounding.

    Between the two lies the best step: about ε^(1/2) for one-sided differences, ε^(1/3) for central ones.
    """
    return np.sum(np.tanh(x * w) ** 2).named("f")


_AT = (np.array([0.4, -1.1, 0.7]), np.array([1.5, 0.3, -0.8]))


@functools.cache
def _v() -> CheckError:
    def f(x: Any, w: Any) -> Any:
        return np.sum(np.tanh(x * w) ** 2)

    return geometry.check_error(f, *_AT)


def _picture_of_decisions() -> Any:
    return _decided()[-1][1].picture(title="Three layers: a union of two boxes")


EXAMPLES = (
    Example(
        "check-error", "The error of a numerical gradient against its step", "S5", smooth,
        {"x": _AT[0], "w": _AT[1]}, lambda out, width: str(_v()), picture=lambda: _v().picture(),
    ),
    Example(
        "decision-regions", "From half-planes to unions", "S18", half_plane,
        {"x": [1.0, 1.0], "w": [1.0, 1.0], "b": -1.5}, _decisions, picture=_picture_of_decisions,
    ),
    Example(
        "folding", "Space folded by three layers, its linear regions counted", "S18", folded_twice, {"x": 0.8}, _folded,
        picture=lambda: _folding().picture(),
    ),
    Example(
        "elbows", "Elbows that move while a network learns", "S21", one_unit, {"x": 0.5, "w": 2.0, "b": -0.4, "v": 1.5},
        _elbows, picture=lambda: elbow_picture(_runs()),
    ),
)  # fmt: skip
