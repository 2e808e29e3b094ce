"""What is done to one column: fitted on training rows, plain data, applied the same way ever after."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glassgrad.data import cells
from glassgrad.displays import Shown
from glassgrad.errors import DataError, DataWarning, warn

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]
MOST_CATEGORIES = 100
FEWEST_ROWS = 2
FARTHEST = 1e6
"""Deviations from the mean beyond which a number is taken for this many, so that it stays finite in float32."""
LARGEST = 1 << 28
"""Numbers in a row of an array."""
MISSING_NUMBERS = ("mean", "median")


@dataclasses.dataclass(frozen=True)
class Column(Shown):
    """One column of a table and what becomes of it.

    Attributes
    ----------
    name : str
        The column.
    """

    kind: ClassVar[str] = ""
    name: str

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns of X that come of it."""
        return ()

    def apply(self, column: pd.Series) -> Any:
        """The columns of X for these rows: float32, dense or CSR."""
        raise NotImplementedError

    def said(self) -> str:
        """What is done with it."""
        raise NotImplementedError

    def checked(self) -> Column:
        """Itself, if its numbers fit together, as those of a damaged description need not.

        Raises
        ------
        DataError
            When they do not.
        """
        return self


@dataclasses.dataclass(frozen=True)
class Ignored(Column):
    """A column of which nothing can be learned."""

    kind: ClassVar[str] = "left out"
    reason: str

    def said(self) -> str:
        """Why."""
        return self.reason


@dataclasses.dataclass(frozen=True)
class Number(Column):
    """A number x becomes (x − mean) / scale; a missing one, the fill, and a flag says so."""

    kind: ClassVar[str] = "number"
    mean: float
    scale: float
    fill: float
    missing: int
    fill_name: str = "mean"

    @classmethod
    def fit(cls, column: pd.Series, fill: str = "mean") -> Number | Ignored:
        """Mean and standard deviation of what is there; constant columns are left out, unless cells are missing."""
        values = cells.numbers(column)
        return cls.of(str(column.name), values, fill)

    @classmethod
    def of(cls, name: str, values: Array, fill: str = "mean") -> Number | Ignored:
        """The same for numbers, missing ones NaN."""
        known = values[~np.isnan(values)]
        missing = len(values) - len(known)
        if not len(known):
            return Ignored(name, "every value is missing")
        if known.min() == known.max() and not missing:
            return Ignored(name, f"always {known[0]:g}")
        big = max(float(np.abs(known).max()), 1e-300)
        small = known / big
        mean, scale = float(small.mean()) * big, float(small.std()) * big
        filled = float(np.median(known)) if fill == "median" else mean
        return cls(name, mean, scale if scale > 0 else 1.0, filled, missing, fill)

    def checked(self) -> Number:
        """Itself, if it has a scale."""
        if not self.scale > 0 or self.missing < 0 or self.fill_name not in MISSING_NUMBERS:
            raise DataError(f"column {self.name!r} of the preparation is damaged: a scale is above 0")
        return self

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The number, and whether it is missing."""
        return (f"{self.name} (scaled)", *([f"{self.name} missing"] if self.missing else []))

    def scaled(self, values: Array) -> Array:
        """Numbers, missing ones NaN, as columns of X."""
        gone = np.isnan(values)
        known = np.where(gone, self.fill, values)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = known / self.scale - self.mean / self.scale
        scaled = np.clip(np.nan_to_num(scaled, nan=0.0), -FARTHEST, FARTHEST)
        return np.column_stack([scaled, gone] if self.missing else [scaled]).astype(np.float32)

    def apply(self, column: pd.Series) -> Array:
        """The scaled number, and the flag where some were missing in training."""
        values = cells.numbers(column)
        if not self.missing and (gone := int(np.isnan(values).sum())):
            tell_missing(self.name, gone, f"{cells.shown(self.fill)}")
        return self.scaled(values)

    def said(self) -> str:
        """The numbers behind it."""
        missing = f"; {self.missing:,} missing: taken as the {self.fill_name} {cells.shown(self.fill)}, and flagged"
        return f"scaled: mean {cells.shown(self.mean)}, deviation {cells.shown(self.scale)}" + (
            missing if self.missing else ""
        )


@dataclasses.dataclass(frozen=True)
class Flag(Column):
    """Truth: 1 or 0; a missing one the share of ones, and a flag says so."""

    kind: ClassVar[str] = "flag"
    share: float
    missing: int

    @classmethod
    def fit(cls, column: pd.Series) -> Flag | Ignored:
        """The share of ones in training."""
        values = cells.truths(column)
        known = values[~np.isnan(values)]
        if not len(known) or (known.min() == known.max() and len(known) == len(values)):
            return Ignored(str(column.name), f"always {bool(known[0])}" if len(known) else "every value is missing")
        return cls(str(column.name), float(known.mean()), len(values) - len(known))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The flag, and whether it is missing."""
        return (self.name, *([f"{self.name} missing"] if self.missing else []))

    def apply(self, column: pd.Series) -> Array:
        """1 and 0."""
        values = cells.truths(column)
        gone = np.isnan(values)
        if not self.missing and gone.any():
            tell_missing(self.name, gone.sum(), f"{self.share:.4g}")
        known = np.where(gone, self.share, values)
        return np.column_stack([known, gone] if self.missing else [known]).astype(np.float32)

    def said(self) -> str:
        """The share behind it."""
        missing = f"; {self.missing:,} missing: flagged" if self.missing else ""
        return f"true is 1, false 0; {self.share:.0%} are true{missing}"


@dataclasses.dataclass(frozen=True)
class Category(Column):
    """One column of X for each value seen often enough: 1 where it stands, else 0.

    Values too rare for that share one column, "other", which also takes values that are new. Where no value was
    rare there is no such column, and a new value is 0 in all. Missing is a value like any other.

    Attributes
    ----------
    values : tuple of str
        Those with a column of their own.
    rare : tuple of str
        Those that share one.
    missing : int
        How many were missing in training.
    numeric : bool
        Whether the values were read as numbers.
    """

    kind: ClassVar[str] = "category"
    values: tuple[str, ...]
    rare: tuple[str, ...]
    missing: int
    numeric: bool = False

    @classmethod
    def fit(cls, column: pd.Series, most: int = MOST_CATEGORIES, fewest: int = FEWEST_ROWS) -> Category | Ignored:
        """The values that at least `fewest` rows have, at most `most` of them."""
        name, found = str(column.name), cells.texts(column)
        values, counts = cells.counted(found)
        missing = len(found) - int(counts.sum())
        if len(values) + bool(missing) < 2:
            return Ignored(name, f"always {values[0][:30]!r}" if values else "every value is missing")
        order = np.argsort(-counts, kind="stable")
        kept = {int(i) for i in order[:most] if counts[i] >= fewest}
        if not kept:
            return Ignored(name, f"{len(values):,} different values, each seen less than {fewest} times")
        chosen = tuple(value for i, value in enumerate(values) if i in kept)
        rare = tuple(value for i, value in enumerate(values) if i not in kept)
        return cls(name, chosen, rare, missing, column.dtype.kind in "iufb")

    def checked(self) -> Category:
        """Itself, if no value stands twice."""
        values = (*self.values, *self.rare)
        if not self.values or len(set(values)) < len(values) or self.missing < 0:
            raise DataError(f"column {self.name!r} of the preparation is damaged: its values do not differ")
        return self

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each value."""
        return (
            *(f"{self.name} = {value}" for value in self.values),
            *([f"{self.name} other"] if self.rare else []),
            *([f"{self.name} missing"] if self.missing else []),
        )

    def apply(self, column: pd.Series) -> Array:
        """One-hot rows; a warning counts the values that are new."""
        width = len(self.values) + bool(self.rare) + bool(self.missing)
        other = len(self.values) if self.rare else width
        places: dict[str | None, int] = {value: i for i, value in enumerate(self.values)}
        places |= dict.fromkeys(self.rare, other)
        if self.missing:
            places[None] = width - 1
        found = cells.texts(column)
        self._tell([value for value in found if value not in places])
        codes = [places.get(value, other if value is not None else width) for value in found]
        rows = np.zeros((len(found), width + 1), np.float32)
        rows[np.arange(len(found)), codes] = 1
        return rows[:, :width]

    def _tell(self, new: list[str | None]) -> None:
        """Warn of values that were not met in training."""
        known = [value for value in new if value is not None]
        if distinct := sorted(set(known)):
            shown = ", ".join(repr(value[:30]) for value in distinct[:3]) + (", …" if len(distinct) > 3 else "")
            rows = f"{len(known):,} row{'s' * (len(known) != 1)}"
            warn(
                f"column {self.name!r}: {len(distinct):,} value{'s' * (len(distinct) != 1)} not seen in training "
                f"({shown}), in {rows}; taken as {'other' if self.rare else 'none of the known ones'}",
                DataWarning,
            )
        if gone := len(new) - len(known):
            tell_missing(self.name, gone, "none of the known values")

    def said(self) -> str:
        """The values behind it."""
        shown = ", ".join(value[:20] for value in self.values[:6]) + (", …" if len(self.values) > 6 else "")
        several = len(self.values) > 1
        one_hot = f"a column for {f'each of {len(self.values)} values: ' if several else ''}{shown}"
        rare = (
            f"; {len(self.rare):,} rare value{'s' * (len(self.rare) != 1)} and new ones: 'other'" if self.rare else ""
        )
        return one_hot + rare + (f"; {self.missing:,} missing: a value of its own" if self.missing else "")


@dataclasses.dataclass(frozen=True)
class Pixels(Column):
    """Rows of an array without names: divided by the largest value its dtype can hold (255), or scaled as a whole.

    Attributes
    ----------
    shape : tuple of int
        Of one row.
    mean, scale : float
        A number x becomes (x − mean) / scale.
    """

    kind: ClassVar[str] = "array"
    shape: tuple[int, ...]
    mean: float
    scale: float

    @classmethod
    def fit(cls, array: Array, name: str = "pixel") -> Pixels:
        """Bytes are divided by 255; numbers within 0 to 1 stay; others get mean 0 and deviation 1 over all."""
        _finite(array)
        low, high = float(array.min()), float(array.max())
        if low == high:
            raise DataError(f"all numbers of the array are {low:g}: there is nothing to learn from")
        if array.dtype == np.uint8:
            return cls(name, array.shape[1:], 0.0, 255.0)
        if low >= 0 and high <= 1:
            return cls(name, array.shape[1:], 0.0, 1.0)
        big = max(abs(low), abs(high))
        small = array.astype(np.float64) / big
        return cls(name, array.shape[1:], float(small.mean()) * big, float(small.std()) * big)

    def checked(self) -> Pixels:
        """Itself, if it has a scale, and rows a shape."""
        if not self.scale > 0 or not self.shape or min(self.shape) < 1 or math.prod(self.shape) > LARGEST:
            raise DataError("the array of the preparation is damaged: rows need a shape, and numbers a scale")
        return self

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Every pixel by its place."""
        return tuple(f"{self.name} {', '.join(map(str, place))}" for place in np.ndindex(self.shape))

    def apply(self, column: Any) -> Array:
        """The rows flat, as float32."""
        array = np.asarray(column)
        if array.shape[1:] != self.shape:
            raise DataError(f"rows have the shape {array.shape[1:]}, and in training they had {self.shape}")
        _finite(array)
        flat = array.reshape(len(array), -1)
        if self.mean == 0:
            return flat.astype(np.float32) / np.float32(self.scale)
        return np.clip((flat.astype(np.float64) - self.mean) / self.scale, -FARTHEST, FARTHEST).astype(np.float32)

    def said(self) -> str:
        """The numbers behind it."""
        shape = " × ".join(map(str, self.shape))
        if self.mean == 0:
            return f"{shape} numbers" + ("" if self.scale == 1 else f", divided by {self.scale:g}")
        return f"{shape} numbers, scaled: mean {cells.shown(self.mean)}, deviation {cells.shown(self.scale)}"


def _finite(array: Array) -> None:
    if array.dtype.kind not in "fiub":
        raise DataError(f"an array of {array.dtype} does not hold numbers")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        at = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
        raise DataError(f"the array holds {array[at]} in row {at[0] + 1:,}, place {tuple(map(int, at[1:]))}")


def tell_missing(name: str, count: int, taken: str) -> None:
    """Warn of missing cells in a column that had none in training."""
    warn(f"column {name!r}: {count:,} missing, and none was in training; taken as {taken}", DataWarning)
