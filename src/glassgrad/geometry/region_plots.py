"""How regions are drawn: neighbours in different tints, boundaries in the colour of the layer that bends there."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.geometry.exact import Shape, neighbours
from glassgrad.plots import COLORS, GREEN, INK, ORANGE, SOFT, VIOLET, figure, styled

if TYPE_CHECKING:
    from glassgrad.geometry.counting import Cell, Regions
    from glassgrad.geometry.decisions import DecisionRegions
    from glassgrad.geometry.folds import Folding
    from glassgrad.geometry.watching import RegionWatch

Array = np.ndarray[Any, Any]
TINTS = ("#dbe6f7", "#f8e3d3", "#d7eee5", "#e9def5", "#f4ebc8", "#f6dae7", "#d6eef3", "#e6ead2")
"""Pale grounds, more than four: neighbours can differ."""
LAYERS = (INK, ORANGE, VIOLET, GREEN, *COLORS)
"""Boundaries: of the first hidden layer, the second, and so on."""
FAINT = "#b9bcc4"
"""Boundaries that are not what is to be seen."""
PIXELS = (64, 784)
"""Inputs that are shown as square pictures."""


def png(made: Any) -> bytes:
    """A figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    made.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


@styled
def draw_regions(found: Regions, title: str | None = None) -> Any:
    """The figure of regions: filled polygons in two dimensions, the outputs between breakpoints in one."""
    if found.dimension == 1:
        pictured = len(found.anchors) == 2 and found.anchors[0].size in PIXELS
        made, axes = figure(2 if pictured else 1, 1, (7.2, 4.6 if pictured else 3.6), squeeze=False,
                            height_ratios=[4, 1] if pictured else None)  # fmt: skip
        between(axes[0, 0], found, title)
        if pictured:
            _strip(axes[1, 0], found.anchors)
        return made
    made, axis = figure(size=(5.4, 5.0))
    plane_of(axis, found, title)
    legend(made, found)
    return made


def plane_of(axis: Any, found: Regions, title: str | None = None) -> None:
    """Draw two-dimensional regions on axes that there are."""
    fill(axis, found.cells, tints([cell.shape for cell in found.cells], [cell.region for cell in found.cells]))
    borders(axis, found.cells)
    frame(axis, found.low, found.high)
    axis.set_title(f"{found.linear:,} linear regions" if title is None else title)
    if found.anchors:
        for name, at in zip("abc", ((0, 0), (1, 0), (0, 1)), strict=True):
            axis.plot(*at, "o", color=INK, ms=4)
            axis.annotate(name, at, (5, 5), textcoords="offset points", color=INK, weight="bold")


def frame(axis: Any, low: Sequence[float], high: Sequence[float]) -> None:
    """The edges of a box of equal scales."""
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    for spine in axis.spines.values():
        spine.set_visible(True)


def legend(made: Any, found: Regions) -> None:
    """Whose boundaries have which colour, below a figure."""
    from matplotlib.lines import Line2D

    layers = sorted({side[0] for cell in found.cells for side in cell.sides if side is not None})
    if layers:
        lines = [Line2D([], [], color=LAYERS[k % len(LAYERS)], label=f"bends in hidden layer {k + 1}") for k in layers]
        made.legend(handles=lines, loc="outside lower center", ncols=min(len(lines), 3), fontsize=9, labelcolor=SOFT)


def fill(axis: Any, cells: Sequence[Cell], colors: Sequence[Any]) -> None:
    """Polygons in their colours, each a hair larger than it is, so that no ground shows between them."""
    from matplotlib.collections import PolyCollection

    axis.add_collection(
        PolyCollection([cell.corners for cell in cells], facecolors=colors, edgecolors=colors, linewidths=0.4)
    )


def borders(axis: Any, cells: Sequence[Cell], width: float = 1.2, layers: Sequence[Any] = LAYERS) -> None:
    """The sides of polygons, in the colour of the hidden layer that bends there; earlier layers above later ones."""
    from matplotlib.collections import LineCollection

    sides: dict[int, list[Array]] = {}
    for cell in cells:
        corners = cell.corners
        for k, side in enumerate(cell.sides):
            if side is not None:
                sides.setdefault(side[0], []).append(corners[[k, (k + 1) % len(corners)]])
    thin = 1 if len(cells) < 400 else 0.6
    for layer, parts in sides.items():
        color, wide = layers[layer % len(layers)], thin * width / (1 + 0.25 * layer)
        axis.add_collection(
            LineCollection(parts, colors=color, linewidths=wide, zorder=3 - layer / 99, capstyle="round")
        )


def tints(shapes: Sequence[Shape], labels: Sequence[Any]) -> list[str]:
    """A tint for each shape: one for each label, and where it can be none that a neighbour of another label has."""
    touching: dict[Any, set[Any]] = {label: set() for label in labels}
    for i, j in neighbours(shapes):
        if labels[i] != labels[j]:
            touching[labels[i]].add(labels[j])
            touching[labels[j]].add(labels[i])
    chosen: dict[Any, int] = {}
    used = [0] * len(TINTS)
    for label in sorted(touching, key=lambda label: -len(touching[label])):
        taken = {chosen[other] for other in touching[label] if other in chosen}
        free = [k for k in range(len(TINTS)) if k not in taken] or list(range(len(TINTS)))
        chosen[label] = min(free, key=lambda k: used[k])
        used[chosen[label]] += 1
    return [TINTS[chosen[label]] for label in labels]


def between(axis: Any, found: Regions, title: str | None = None, outputs: int = 10) -> None:
    """Draw one-dimensional regions: the outputs, straight between ticks where hidden layers bend."""
    ends = np.array([cell.corners[:, 0] for cell in found.cells])
    values = np.array([cell.corners @ cell.slope.T + cell.offset for cell in found.cells])
    for k in range(min(values.shape[-1], outputs)):
        axis.plot(ends.ravel(), values[..., k].ravel(), color=COLORS[k % len(COLORS)], lw=1.6)
    starts = [i for i, cell in enumerate(found.cells) if i == 0 or cell.region != found.cells[i - 1].region]
    for number, (i, j) in enumerate(zip(starts, [*starts[1:], len(found.cells)], strict=True)):
        axis.axvspan(ends[i, 0], ends[j - 1, 1], color=TINTS[number % 2], alpha=0.55, lw=0, zorder=0)
    for cell in found.cells[:-1]:
        tag = cell.sides[1]
        if tag is not None:
            color = LAYERS[tag[0] % len(LAYERS)]
            axis.plot([cell.corners[1, 0]] * 2, [0, 0.045], color=color, lw=1.3, transform=axis.get_xaxis_transform())
    axis.set_xlim(found.low[0], found.high[0])
    axis.set_title(f"{found.linear:,} linear regions" if title is None else title)
    axis.set_xlabel("t, from a to b" if found.anchors else "x")
    axis.set_ylabel("output" if values.shape[-1] == 1 else "outputs")


def _strip(axis: Any, anchors: Sequence[Array], steps: int = 9) -> None:
    """What lies on the way from one picture to another."""
    side = math.isqrt(anchors[0].size)
    shown = [anchors[0] + t * (anchors[1] - anchors[0]) for t in np.linspace(0, 1, steps)]
    gap = np.full((side, 1), np.nan)
    row = np.hstack([part for image in shown for part in (image.reshape(side, side), gap)][:-1])
    axis.imshow(row, cmap="gray_r", interpolation="nearest")
    axis.set_axis_off()


@styled
def draw_decisions(found: DecisionRegions, points: Any = None, labels: Any = None, title: str | None = None) -> Any:
    """The figure of decision regions, with points of known classes."""
    made, axis = figure(size=(5.0, 4.9))
    decisions_of(axis, found, points, labels, title)
    from matplotlib.patches import Patch

    patches = [Patch(color=_class_tint(k), label=str(label)) for k, label in enumerate(found.labels)]
    made.legend(handles=patches, loc="outside lower center", ncols=min(len(patches), 6), fontsize=9, labelcolor=SOFT)
    return made


def decisions_of(
    axis: Any, found: DecisionRegions, points: Any = None, labels: Any = None, title: str | None = None
) -> None:
    """Draw decision regions on axes that there are: what they are made of in faint lines, where they end in ink."""
    order = {label: k for k, label in enumerate(found.labels)}
    cells = [cell for part in found.parts for cell in part.cells]
    colors = [_class_tint(order[part.label]) for part in found.parts for _ in part.cells]
    if found.regions.dimension == 1:
        for cell, color in zip(cells, colors, strict=True):
            axis.axvspan(*cell.corners[:, 0], color=color, lw=0)
        axis.set(xlim=(found.regions.low[0], found.regions.high[0]), yticks=[])
    else:
        fill(axis, cells, colors)
        borders(axis, cells, 0.7, (FAINT,))
        _boundary(axis, found)
        frame(axis, found.regions.low, found.regions.high)
    if points is not None:
        codes = np.array([order[label] for label in np.asarray(labels).tolist()])
        for k in range(len(order)):
            axis.plot(*np.asarray(points)[codes == k].T, "o", ms=3, color=_class_color(k), mec="white", mew=0.4)
    if title is not None:
        axis.set_title(title)


def _boundary(axis: Any, found: DecisionRegions) -> None:
    """Where the decision changes: the sides between cells of different parts, as far as they are shared."""
    from matplotlib.collections import LineCollection

    cells = [(cell, part.label) for part in found.parts for cell in part.cells]
    shared = []
    for i, j in neighbours([cell.shape for cell, _ in cells]):
        (one, label), (other, another) = cells[i], cells[j]
        if label != another:
            shared.append(_overlap(one, other))
    axis.add_collection(LineCollection(shared, colors=INK, linewidths=1.5, zorder=3, capstyle="round"))


def _overlap(one: Cell, other: Cell) -> Array:
    """The stretch that two neighbouring polygons share: the two middle corners of the sides on one line."""
    lines = {tuple(-n for n in side): k for k, side in enumerate(other.shape.sides)}
    k = next(k for k, side in enumerate(one.shape.sides) if side in lines)
    p, q = one.corners, other.corners
    m = lines[one.shape.sides[k]]
    ends = np.array([p[k], p[(k + 1) % len(p)], q[m], q[(m + 1) % len(q)]])
    return ends[np.argsort(ends @ (ends[1] - ends[0]))[1:3]]


def _class_color(k: int) -> str:
    return COLORS[k % len(COLORS)]


def _class_tint(k: int) -> str:
    return TINTS[k % len(TINTS)]


@styled
def draw_folding(made: Folding, found: Regions) -> Any:
    """The figure of a folding network: the square before and after each fold, regions that come to lie on each other.

    Each panel has the regions where they lie after so many folds, in the tint of the piece they end on.
    """
    steps = len(made.folds) + 1
    drawn, axes = figure(1, steps, (3.6 * steps, 4.1), squeeze=False)
    colors = tints([cell.shape for cell in found.cells], [cell.pattern[-1] for cell in found.cells])
    for step, axis in enumerate(axes[0]):
        corners = [made.folded(cell.corners, step) for cell in found.cells]
        (_sheets if made.inputs == 2 else _zigzag)(axis, made, corners, colors, step)
        axis.set_title({0: "the input", 1: "after one fold"}.get(step, f"after {step} folds"))
        here = made.activation // math.prod(p**made.inputs for p in made.folds[:step])
        axis.set_xlabel(f"{here:,} regions, " + ("folded next" if step + 1 < steps else "cut by the last layer"))
    return drawn


def _sheets(axis: Any, made: Folding, corners: Sequence[Array], colors: Sequence[str], step: int) -> None:
    """Where the regions of the square lie after some folds, and the next fold's creases."""
    from matplotlib.collections import LineCollection, PolyCollection

    axis.add_collection(PolyCollection(corners, facecolors=colors, edgecolors=INK, linewidths=0.45))
    for p in made.folds[step : step + 1]:
        creases = [[(k / p, 0), (k / p, 1)] for k in range(1, p)] + [[(0, k / p), (1, k / p)] for k in range(1, p)]
        axis.add_collection(LineCollection(creases, colors=ORANGE, linewidths=1.8, linestyles=(0, (4, 2)), zorder=4))
    frame(axis, (0, 0), (1, 1))
    axis.set(xticks=[0, 1], yticks=[0, 1])


def _zigzag(axis: Any, made: Folding, corners: Sequence[Array], colors: Sequence[str], step: int) -> None:
    """Where the points of the interval lie after some folds, over where they were."""
    start = np.concatenate([[0.0], np.linspace(0, 1, math.prod(made.folds[:step]) + 1)])
    axis.plot(start, made.folded(start[:, None], step)[:, 0], color=INK, lw=1.4)
    for ends, color in zip(corners, colors, strict=True):
        axis.axhspan(*np.sort(ends[:, 0]), color=color, lw=0, zorder=0)
    for p in made.folds[step : step + 1]:
        for k in range(1, p):
            axis.axhline(k / p, color=ORANGE, ls=(0, (4, 2)), lw=1.6)
    axis.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 1], yticks=[0, 1])


@styled
def draw_watch(watch: RegionWatch, most: int = 4) -> Any:
    """The figure of regions over training: some of them, evenly chosen, above how many there are at each epoch."""
    shown = sorted({round(k) for k in np.linspace(0, len(watch.found) - 1, min(most, len(watch.found)))})
    made, axes = figure(2, len(shown), (3.3 * len(shown), 5.6), squeeze=False, height_ratios=[1.7, 1])
    for axis, k in zip(axes[0], shown, strict=True):
        found, title = watch.found[k], f"epoch {watch.epochs[k]:,}: {watch.found[k].linear:,}"
        if found.dimension == 2:
            plane_of(axis, found, title)
        else:
            between(axis, found, title)
    grid = axes[1, 0].get_gridspec()
    for axis in axes[1]:
        axis.remove()
    below = made.add_subplot(grid[1, :])
    below.plot(watch.epochs, [found.linear for found in watch.found], "o-", ms=3, color=COLORS[0])
    below.plot(
        np.array(watch.epochs)[shown], [watch.found[k].linear for k in shown], "o", ms=7, mfc="none", color=ORANGE
    )
    below.set(xlabel="epoch", title="linear regions", ylim=(0, None))
    legend(made, watch.found[-1])
    return made
