"""What the example scripts share: where pictures go, how they look, headings of 80 columns."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt

from glassgrad import plots
from glassgrad.plots import BLUE, COLORS, GOLD, GREEN, INK, LINE, ORANGE, PAPER, PINK, SOFT, VIOLET, plane

matplotlib.rcParams.update(plots.style())

__all__ = [
    "BLUE", "COLORS", "GOLD", "GREEN", "INK", "LINE", "ORANGE", "PAPER", "PINK", "SOFT", "VIOLET", "folder", "heading",
    "plane", "save",
]  # fmt: skip


def folder(name: str, about: str | None) -> Path:
    """The folder given by --out, made if it is missing; by default examples-out/NAME."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("examples-out") / name, help="folder for the pictures")
    out: Path = parser.parse_known_args()[0].out  # a notebook's kernel has arguments of its own
    out.mkdir(parents=True, exist_ok=True)
    return out


def heading(text: str) -> None:
    """A heading, with an empty line before and after."""
    print(f"\n{text}\n{'─' * len(text)}\n")


def save(figure: Any, path: Path) -> None:
    """Write a picture, and say where; a notebook also shows it."""
    figure.savefig(path)
    print(f"\npicture: {path}")
    shell = sys.modules.get("IPython")
    if shell is not None and shell.get_ipython() is not None:
        shell.display.display(figure)
        plt.close(figure)  # or it would be shown once more
