"""What the example scripts share: where pictures go, how they look, headings of 80 columns."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

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
