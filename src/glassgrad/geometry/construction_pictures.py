"""Pictures of constructions: the function, the network, and the error against its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.plots import BLUE, COOL, GOLD, INK, LINE, ORANGE, SOFT, figure, styled
from glassgrad.views.numbers import number

if TYPE_CHECKING:
    from glassgrad.geometry.construction import Construction

Array = np.ndarray[Any, Any]
_SHOWN = 60  # ramps; more of them would be a wash of colour


@styled
def construction_picture(made: Construction) -> Any:
    """Two panels for an interval, three for a rectangle."""
    return _interval(made) if made.target.dims == 1 else _rectangle(made)


def _interval(made: Construction) -> Any:
    low, high = float(made.target.low[0]), float(made.target.high[0])
    knots = made.plan.marks[0]
    x = np.unique(np.concatenate([np.linspace(low, high, 2001), knots[(knots >= low) & (knots <= high)]]))
    f, net = made.target(x), made(x)
    picture, (left, right) = figure(1, 2, sharex=True)
    for ax in (left, right):
        _shade(ax, made)
        ax.set_xlabel("x")
        ax.margins(x=0)
    left.plot(x, f, color=BLUE, label="f")
    left.plot(x, net, color=ORANGE, lw=1.3, label=f"network, {made.units:,} ReLUs")
    left.set_title(f"By {made.by}")
    left.margins(y=0.12)
    right.plot(x, net - f, color=INK, lw=1.0, label="net − f")
    for sign in (1, -1):
        right.axhline(
            sign * made.sup, color=GOLD, ls="--", lw=1.3, label=f"±{number(made.sup)}, proven" if sign > 0 else None
        )
    outside = (net - f)[made.outside(x)]
    most = 1.35 * max(made.sup, float(np.max(np.abs(outside))), 1e-12)
    inside = float(np.max(np.abs(net - f)))
    right.set_ylim(-most if inside < 20 * most else -1.1 * inside, most if inside < 20 * most else 1.1 * inside)
    right.set_title(f"Error; the bound holds {made.norm}")
    for ax in (left, right):
        ax.legend(loc="upper right", ncols=2, fontsize=9)
        bottom, top = ax.get_ylim()
        ax.set_ylim(bottom, top + 0.16 * (top - bottom))  # room for the legend
    return picture


def _shade(ax: Any, made: Construction) -> None:
    """Ramps as bands behind the curves."""
    ramps = made.plan.ramps[0]
    if 0 < len(ramps) <= _SHOWN:
        for p, q in ramps:
            ax.axvspan(p, q, color=COOL, alpha=0.45, lw=0, zorder=0)


def _rectangle(made: Construction) -> Any:
    (a, c), (b, d) = made.target.low, made.target.high
    xs, ys = np.meshgrid(np.linspace(a, b, 241), np.linspace(c, d, 241))
    f, net = made.target(xs, ys), made(xs, ys)
    error = np.where(made.outside(xs, ys), np.abs(net - f), np.nan)
    picture, axes = figure(1, 3, (12.6, 3.7), sharey=True)
    span = {"vmin": min(f.min(), net.min()), "vmax": max(f.max(), net.max())}
    panels = (
        ("f", f, "cividis", span),
        (f"By {made.by}, {made.units:,} ReLUs", net, "cividis", span),
        (
            f"|net − f| ≤ {number(made.sup)} {'outside ramps' if made.ramps else 'everywhere'}",
            error,
            "magma",
            {"vmin": 0, "vmax": made.sup},
        ),
    )
    for ax, (title, values, colours, limits) in zip(axes, panels, strict=True):
        image = ax.pcolormesh(xs, ys, values, cmap=colours, shading="nearest", rasterized=True, **limits)
        picture.colorbar(image, ax=ax, shrink=0.86, pad=0.02).outline.set_edgecolor(LINE)
        ax.set_title(title, fontsize=10)
        ax.set_aspect("equal")
        ax.set_xlabel("x")
        ax.tick_params(colors=SOFT)
    axes[0].set_ylabel("y")
    return picture
