"""How matplotlib pictures look: colours, and a style that holds only while a picture is being made.

`matplotlib` is imported when a picture is first asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

BLUE, ORANGE, GREEN, VIOLET, GOLD, PINK = "#2563cd", "#d0560c", "#0f8a6a", "#8b4bc8", "#b08900", "#c2327a"
COLORS = (BLUE, ORANGE, GREEN, VIOLET, GOLD, PINK)
"""The colours of curves, in order."""
INK, SOFT, LINE, PAPER = "#1d2127", "#5d6570", "#d9d5cb", "#fbfaf7"
"""Text, lesser text, frames, the ground."""
COOL, PLAIN, WARM = "#b9ccee", "#ffffff", "#efc3a8"
"""Pale tints of the ground: towards 0, undecided, towards 1."""

Array = np.ndarray[Any, Any]
P = ParamSpec("P")
R = TypeVar("R")


def style() -> dict[Any, Any]:
    """Matplotlib's settings for our pictures."""
    from cycler import cycler

    return {
        "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "axes.facecolor": "white", "axes.edgecolor": LINE,
        "axes.labelcolor": SOFT, "axes.titlecolor": INK, "axes.titlelocation": "left", "axes.titlesize": 11,
        "axes.titleweight": "bold", "axes.titlepad": 8, "axes.spines.top": False, "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=COLORS), "xtick.color": SOFT, "ytick.color": SOFT,
        "font.size": 10, "lines.linewidth": 1.8, "grid.color": "#ece8df", "legend.frameon": False,
        "figure.constrained_layout.use": True, "savefig.dpi": 150,
    }  # fmt: skip


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Let a function that makes a picture run under our style, which ends with it."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib

        with matplotlib.rc_context(style()):
            return draw(*args, **kwargs)

    return drawn


def figure(rows: int = 1, columns: int = 1, size: tuple[float, float] | None = None, **options: Any) -> tuple[Any, Any]:
    """A figure with its axes that no window manager knows of: it is freed like any other object.

    `size` is in inches; by default 4.6 by 3.4 for each of the axes. Options are those of `Figure.subplots`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=size or (4.6 * columns, 3.4 * rows))
    FigureCanvasAgg(made)
    return made, made.subplots(rows, columns, **options)


def embedded(picture: Any) -> str:
    """A figure as an HTML image that holds its own data, for notebooks and reports."""
    import base64
    import io

    file = io.BytesIO()
    picture.savefig(file, format="png", dpi=110)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img alt="" style="max-width:100%" src="data:image/png;base64,{data}">'


def plane(low: tuple[float, float], high: tuple[float, float], n: int = 200) -> tuple[Array, Array, Array]:
    """A grid of n × n points: two matrices of coordinates, and all points as rows, float32."""
    xs, ys = np.meshgrid(np.linspace(low[0], high[0], n), np.linspace(low[1], high[1], n))
    return xs, ys, np.column_stack([xs.ravel(), ys.ravel()]).astype(np.float32)
