"""Pictures of studies: error against width, error against parameters for several depths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.plots import BLUE, COLORS, GOLD, INK, ORANGE, figure, styled

if TYPE_CHECKING:
    from glassgrad.geometry.depths import DepthStudy
    from glassgrad.geometry.widths import WidthStudy


@styled
def width_picture(study: WidthStudy) -> Any:
    """Error against width; on an interval, beside it, f with the made and the learned network of one width."""
    flat = study.target.dims == 1
    picture, axes = figure(1, 2 if flat else 1)
    left = axes[0] if flat else axes
    widths = np.array(study.widths)
    left.plot(widths, study.bounds, color=GOLD, ls="--", label="made: proven bound")
    left.plot(widths, study.constructed, color=ORANGE, marker="s", ms=4, label="made: measured")
    left.plot(widths, np.median(study.learned, axis=1), color=BLUE, label="learned: median")
    seeds = study.learned.shape[1]
    left.plot(np.repeat(widths, seeds), study.learned.ravel(), "o", color=BLUE, ms=3.5, alpha=0.5, label="each seed")
    left.set_xscale("log", base=2)
    left.set_yscale("log")
    left.set_xticks(widths, [str(w) for w in widths])
    left.minorticks_off()
    left.set_xlabel("ReLUs")
    left.set_title("Largest |f − net|")
    left.grid(axis="y")
    left.legend(fontsize=8.5)
    if flat:
        _functions(axes[1], study)
    return picture


def _functions(ax: Any, study: WidthStudy) -> None:
    """The function and two networks, at the third of the widths, where differences can be seen."""
    i = min(2, len(study.widths) - 1)
    x = np.linspace(float(study.target.low[0]), float(study.target.high[0]), 2001)
    made, seed = study.made[i], int(np.argsort(study.learned[i])[study.learned.shape[1] // 2])
    ax.plot(x, study.target(x), color=INK, lw=3.2, alpha=0.25, label="f")
    if made is not None:
        ax.plot(x, made(x), color=ORANGE, lw=1.4, label="made")
    ax.plot(x, study.networks[i][seed](x), color=BLUE, lw=1.4, label="learned, the median seed")
    ax.margins(x=0, y=0.1)
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + 0.14 * (top - bottom))  # room for the legend
    ax.set_title(f"With {study.widths[i]} ReLUs")
    ax.set_xlabel("x")
    ax.legend(ncols=3, loc="upper right", fontsize=8.5)


@styled
def depth_picture(studies: Sequence[DepthStudy]) -> Any:
    """One panel for each study: a line for each depth, through medians, with a dot for each seed."""
    picture, axes = figure(1, len(studies), squeeze=False)
    for ax, study in zip(axes[0], studies, strict=True):
        depths = sorted({s.depth for s in study.shapes})
        for i, (color, depth) in enumerate(zip(COLORS * 4, depths, strict=False)):
            shapes = [s for s in study.shapes if s.depth == depth]
            x = np.array([s.budget for s in shapes])
            ax.plot(x, [np.median(s.errors) for s in shapes], color=color, marker="o", ms=4, label=_layers(depth))
            beside = 1.03 ** (i - (len(depths) - 1) / 2)  # so that dots of different depths stand apart
            dots = np.repeat(x * beside, len(shapes[0].errors))
            ax.plot(dots, np.concatenate([s.errors for s in shapes]), ".", color=color, ms=5, alpha=0.4)
        budgets = sorted({s.budget for s in study.shapes})
        ax.set_xscale("log", base=2)
        errors = np.concatenate([s.errors for s in study.shapes])
        if errors.min() > 0 and errors.max() > 10 * errors.min():
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=0)
        ax.set_xticks(budgets, [f"{b:,}" for b in budgets])
        ax.minorticks_off()
        ax.margins(x=0.08)
        ax.set_xlabel("parameters")
        ax.set_ylabel(study.measure)
        ax.set_title(study.task[0].upper() + study.task[1:])
        ax.grid(axis="y")
        ax.legend(fontsize=8.5)
    return picture


def _layers(depth: int) -> str:
    return f"{depth} hidden layer{'s' if depth > 1 else ''}"
