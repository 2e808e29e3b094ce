"""What the example scripts share: where pictures go, how they look, headings of 80 columns."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

BLUE, ORANGE, GREEN, VIOLET, GOLD, PINK = "#2563cd", "#d0560c", "#0f8a6a", "#8b4bc8", "#b08900", "#c2327a"
INK, SOFT, LINE, PAPER = "#1d2127", "#5d6570", "#d9d5cb", "#fbfaf7"
COLORS = (BLUE, ORANGE, GREEN, VIOLET, GOLD, PINK)

matplotlib.rcParams.update(
    {
        "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "axes.facecolor": "white", "axes.edgecolor": LINE,
        "axes.labelcolor": SOFT, "axes.titlecolor": INK, "axes.titlelocation": "left", "axes.titlesize": 11,
        "axes.titleweight": "bold", "axes.titlepad": 8, "axes.spines.top": False, "axes.spines.right": False,
        "axes.prop_cycle": matplotlib.cycler(color=COLORS), "xtick.color": SOFT, "ytick.color": SOFT,
        "font.size": 10, "lines.linewidth": 1.8, "grid.color": "#ece8df", "legend.frameon": False,
        "figure.constrained_layout.use": True, "savefig.dpi": 150,
    }
)  # fmt: skip


def folder(name: str, about: str | None) -> Path:
    """The folder given by --out, made if it is missing; by default examples-out/NAME."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("examples-out") / name, help="folder for the pictures")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    return out


def heading(text: str) -> None:
    """A heading, with an empty line before and after."""
    print(f"\n{text}\n{'─' * len(text)}\n")


def save(figure: Any, path: Path) -> None:
    """Write a picture, and say where."""
    figure.savefig(path)
    print(f"\npicture: {path}")


def plane(low: tuple[float, float], high: tuple[float, float], n: int = 200) -> tuple[Any, Any, Any]:
    """A grid of points: two matrices of coordinates, and all points as rows."""
    xs, ys = np.meshgrid(np.linspace(low[0], high[0], n), np.linspace(low[1], high[1], n))
    return xs, ys, np.column_stack([xs.ravel(), ys.ravel()]).astype(np.float32)
