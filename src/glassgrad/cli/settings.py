"""What was asked of `glassgrad train`, checked, and the command that asks for it again."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassgrad.cli.common import UsageError
from glassgrad.errors import DataError, unknown

MODELS = ("auto", "perceptron", "logistic", "mlp")
SPLITS = ("random", "last")
HELD_OUT = 0.25


@dataclass(frozen=True)
class Settings:
    """One training run as it was asked for; None where what suits is to be taken."""

    data: str
    target: str | None = None
    text: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    as_: tuple[str, ...] = ()
    task: str | None = None
    model: str = "auto"
    hidden: tuple[int, ...] | None = None
    activation: str | None = None
    loss: str | None = None
    epochs: int | None = None
    rate: float | None = None
    batch_size: int | None = None
    optimizer: str | None = None
    patience: int | None = None
    class_weight: str | None = None
    seed: int = 0
    held_out: float | int = HELD_OUT
    split: str = "random"
    labels: Path | None = None
    encoding: str = "utf-8"
    output: Path | None = None
    overwrite: bool = False
    quiet: bool = False
    diagnose: bool = False

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise DataError(f"--rate is a number above 0, and is {self.rate:g}")
        if self.seed >= 1 << 32:
            raise DataError(f"--seed goes up to 4294967295, and is {self.seed}")
        for name, value, known in (("model", self.model, MODELS), ("split", self.split, SPLITS)):
            if value not in known:
                raise unknown(name, value, known)

    def asked(self) -> dict[str, Any]:
        """The options that were given, by their names on the command line, without where the output goes."""
        usual, given = type(self)(self.data), {}
        for name, value in vars(self).items():
            if value != getattr(usual, name) and name not in ("output", "overwrite", "quiet", "diagnose"):
                given["--" + name.strip("_").replace("_", "-")] = value
        return given

    def command(self) -> str:
        """The command that makes this run again."""
        words = ["glassgrad", "train", self.data]
        for option, value in self.asked().items():
            words += [w for v in (value if isinstance(value, tuple) else [value]) for w in (option, str(v))]
        return shlex.join(words)


def share_or_rows(text: str) -> float | int:
    """How much is held out: a share between 0 and 1, or a number of rows from 2 up.

    Examples
    --------
    >>> share_or_rows("0.25"), share_or_rows("2000")
    (0.25, 2000)
    """
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        value = math.nan
    if 0 < value < 1:
        return value
    if 2 <= value < 1 << 53 and value == int(value):
        return int(value)
    raise DataError(f"--held-out is a share between 0 and 1, or a number of rows from 2 up, and is {text}")


def widths(texts: list[str] | None) -> tuple[int, ...] | None:
    """Units of the hidden layers, from "64,64", or from "64" and "64"; () from "none".

    Examples
    --------
    >>> widths(["128,32"]), widths(["8", "4"]), widths(["none"])
    ((128, 32), (8, 4), ())
    """
    if texts is None or not texts:
        return None
    parts = [part.strip() for text in texts for part in text.strip("()[] ").split(",") if part.strip()]
    if parts == ["none"]:
        return ()
    try:
        found = tuple(int(part) for part in parts)
    except ValueError:
        found = (0,)
    if not found or not all(0 < n <= 1 << 20 for n in found):
        raise UsageError(f"--hidden is numbers of units such as 64 or 128,64, not '{','.join(texts)}'")
    return found


def weights_of_classes(text: str | None, classes: tuple[Any, ...]) -> Any:
    """`class_weight` from "balanced", or from "spam=5,ham=1".

    Examples
    --------
    >>> weights_of_classes("spam=5", ("ham", "spam"))
    {'ham': 1.0, 'spam': 5.0}
    """
    if text is None or text == "balanced":
        return text
    found: dict[Any, float] = dict.fromkeys(classes, 1.0)
    names = {str(c): c for c in classes}
    for part in text.split(","):
        name, equals, number = part.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not equals or not 0 <= weight < math.inf:
            raise UsageError(f"--class-weight is 'balanced', or class=weight,…, such as spam=5,ham=1; not '{text}'")
        if name.strip() not in names:
            raise unknown("class", name.strip(), names)
        found[names[name.strip()]] = weight
    return found


def kinds_of_columns(texts: tuple[str, ...]) -> dict[str, str]:
    """What columns are, from "zip=category".

    Examples
    --------
    >>> kinds_of_columns(("zip=category", "a=b=number"))
    {'zip': 'category', 'a=b': 'number'}
    """
    found = {}
    for text in texts:
        name, equals, kind = text.rpartition("=")
        if not equals or not name or not kind:
            raise UsageError(f"--as is COLUMN=KIND, such as zip=category, not '{text}'")
        found[name] = kind
    return found
