"""What is to be predicted, as numbers and back."""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.data import cells
from glassgrad.data.guess import MOST_CLASSES, guess_task
from glassgrad.displays import Shown
from glassgrad.errors import DataError, unknown

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]
TASKS = ("classification", "regression", "counts")


@dataclasses.dataclass(frozen=True)
class Target(Shown):
    """A target's classes, or its place and scale.

    Attributes
    ----------
    name : str
        Its column.
    task : str
        "classification", "regression" or "counts".
    reason : str
        Why it is taken for that.
    classes : tuple of str, int or bool
        The classes in order; a code is a place among them. Empty for numbers.
    mean, scale : float
        Numbers are encoded as (number − mean) / scale, which is easier to learn; counts stay as they are.
    """

    name: str
    task: str
    reason: str = ""
    classes: tuple[str | int | bool, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, y: Any, name: str = "y", task: str | None = None) -> Target:
        """The target that fits a column of training rows; `task` says what it is, by default it is guessed.

        Raises
        ------
        DataError
            When values are missing or infinite, there is one class only or too many, or counts are none.
        """
        column = _series(y, name)
        if task is None:
            task, reason = guess_task(column)
        elif task not in TASKS:
            raise unknown("task", task, TASKS)
        else:
            reason = "as told"
        _complete(column)
        if task == "classification":
            return cls(name, task, reason, _classes(column))
        values = cells.numbers(column)
        if len(np.unique(values)) < 2:
            raise DataError(f"the target {name!r} is {values[0]:g} in every row: there is nothing to predict")
        if task == "counts":
            wrong = np.flatnonzero((values < 0) | (values != np.round(values)))
            if len(wrong):
                raise DataError(
                    f"counts are whole numbers from 0 up, and the target {name!r} is {values[wrong[0]]:g} in "
                    f"{cells.place(column, wrong[0])}"
                )
            return cls(name, task, reason)
        big = max(float(np.abs(values).max()), 1e-300)
        mean, scale = float((values / big).mean() * big), float((values / big).std() * big)
        return cls(name, task, reason, (), mean, scale if scale > 0 else 1.0)

    def checked(self) -> Target:
        """Itself, if its parts fit together, as those of a damaged description need not."""
        if self.task not in TASKS or not self.scale > 0 or (len(set(self.classes)) < 2) == (self.task == TASKS[0]):
            raise DataError("the description of the target is damaged")
        return self

    def encode(self, y: Any) -> Array:
        """Classes as int64 codes, numbers scaled as float32.

        Raises
        ------
        DataError
            When a value is missing, is none of the classes, or is not a number.
        """
        column = _series(y, self.name)
        _complete(column)
        if self.task != "classification":
            values = cells.numbers(column)
            return (values / self.scale - self.mean / self.scale).astype(np.float32)
        codes = {_key(c): i for i, c in enumerate(self.classes)}
        keys = [_key(text) for text in cells.texts(column)]
        for i, key in enumerate(keys):
            if key not in codes:
                near = difflib.get_close_matches(key, list(codes), n=1)
                raise DataError(
                    f"{str(column.iloc[i])[:40]!r} in {cells.place(column, i)} is none of the {len(codes)} classes "
                    f"of {self.name!r}" + (f"; the nearest is {near[0]!r}" if near else "")
                )
        return np.array([codes[key] for key in keys], np.int64)

    def known(self, y: Any) -> Array:
        """Which rows have a target that `encode` takes: not missing, and one of the classes."""
        import pandas as pd

        column = _series(y, self.name)
        there = ~np.asarray(pd.isna(column))
        if self.task == "classification":
            names = {_key(c) for c in self.classes}
            there &= np.array([text is not None and _key(text) in names for text in cells.texts(column)], bool)
        return there

    def decode(self, predicted: Any) -> Array:
        """Codes as classes, scaled numbers as numbers."""
        found = np.asarray(predicted)
        if self.task == "classification":
            return np.array(self.classes, None if len({type(c) for c in self.classes}) == 1 else object)[found]
        return found.astype(np.float64) * self.scale + self.mean

    def said(self) -> str:
        """What it is, as a sentence."""
        if self.task == "classification":
            shown = ", ".join(str(c)[:20] for c in self.classes[:8]) + (", …" if len(self.classes) > 8 else "")
            return f"{self.name}: {len(self.classes)} classes to tell apart ({shown}); {self.reason}"
        if self.task == "counts":
            return f"{self.name}: counts; {self.reason}"
        mean, deviation = cells.shown(self.mean), cells.shown(self.scale)
        return f"{self.name}: numbers, mean {mean}, standard deviation {deviation}; {self.reason}"


def _series(y: Any, name: str) -> pd.Series:
    import pandas as pd

    if isinstance(y, pd.Series):
        return y
    values = np.asarray(y)
    return pd.Series(values.tolist() if values.dtype.kind in "OUS" else values, name=name)


def _complete(column: pd.Series) -> None:
    import pandas as pd

    gone = np.flatnonzero(np.asarray(pd.isna(column)))
    if len(gone):
        raise DataError(
            f"the target {column.name!r} is missing in {len(gone):,} of {len(column):,} rows, first in "
            f"{cells.place(column, gone[0])}; leave them out (table.with_target() does)"
        )
    if not len(column):
        raise DataError(f"the target {column.name!r} has no rows")


def _key(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) or str(value) in ("True", "False") else str(value)


def _classes(column: pd.Series) -> tuple[str | int | bool, ...]:
    found, _ = cells.counted(cells.texts(column))
    if len(found) < 2:
        raise DataError(f"the target {column.name!r} is {found[0]!r} in every row: there is one class only")
    if len(found) > MOST_CLASSES:
        raise DataError(
            f"the target {column.name!r} has {len(found):,} classes; at most {MOST_CLASSES:,} are told apart"
        )
    if set(found) == {"False", "True"} and not column.map(lambda v: isinstance(v, str)).any():
        return (False, True)
    if column.dtype.kind in "iuf" and all(text.lstrip("-").isdigit() for text in found):
        return tuple(sorted(int(text) for text in found))
    return tuple(found)
