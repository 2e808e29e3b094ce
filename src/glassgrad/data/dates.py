"""Dates as numbers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glassgrad.data import cells
from glassgrad.data.columns import Column, Ignored, Number, tell_missing
from glassgrad.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]
_PARTS = ("elapsed", "year", "month", "weekday", "hour")
_UNITS = {"elapsed": "days elapsed", "year": "year", "month": "month", "weekday": "day of week", "hour": "hour"}
_SECONDS = 86_400.0


@dataclasses.dataclass(frozen=True)
class Date(Column):
    """A date becomes scaled numbers: days elapsed since 1970, year, month, day of the week (Monday 0), hour.

    Those that are the same in all training rows are left out.
    """

    kind: ClassVar[str] = "date"
    layout: str
    parts: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    missing: int

    @classmethod
    def fit(cls, column: pd.Series) -> Date | Ignored:
        """Mean and standard deviation of each part."""
        name, layout = str(column.name), _layout(column)
        values = _numbers_of(cells.times(column, layout))
        found = {part: Number.of(name, values[part]) for part in _PARTS}
        kept = {part: number for part, number in found.items() if isinstance(number, Number) and _varies(values[part])}
        if not kept:
            return Ignored(name, "always the same time" if isinstance(found["elapsed"], Number) else "no dates in it")
        return cls(
            name, layout, tuple(kept), tuple(n.mean for n in kept.values()), tuple(n.scale for n in kept.values()),
            next(iter(kept.values())).missing,
        )  # fmt: skip

    def checked(self) -> Date:
        """Itself, if its parts are known and each has a scale."""
        fit = len(self.parts) == len(self.means) == len(self.scales) == len(set(self.parts)) > 0
        if not fit or not set(self.parts) <= set(_PARTS) or min(self.scales) <= 0 or self.missing < 0:
            raise DataError(f"column {self.name!r} of the preparation is damaged: its parts do not fit together")
        if self.layout not in cells.LAYOUTS:
            raise DataError(f"column {self.name!r} of the preparation is damaged: dates are not written so")
        return self

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each part."""
        return tuple(f"{self.name}: {_UNITS[part]}" for part in self.parts) + (
            (f"{self.name} missing",) * (self.missing > 0)
        )

    def apply(self, column: pd.Series) -> Array:
        """The scaled parts; a missing date is the mean, and flagged where some were missing in training."""
        values = _numbers_of(cells.times(column, self.layout))
        gone = np.isnan(values["elapsed"])
        if not self.missing and gone.any():
            tell_missing(self.name, gone.sum(), "the mean date")
        parts = [
            Number(self.name, mean, scale, mean, 0).scaled(values[part])
            for part, mean, scale in zip(self.parts, self.means, self.scales, strict=True)
        ]
        return np.column_stack([*parts, gone] if self.missing else parts).astype(np.float32)

    def said(self) -> str:
        """The parts behind it."""
        missing = f"; {self.missing:,} missing: the mean, and flagged" if self.missing else ""
        return f"scaled numbers: {', '.join(_UNITS[part] for part in self.parts)}{missing}"


def _varies(values: Array) -> bool:
    return bool(np.nanmin(values) < np.nanmax(values))


def _layout(column: pd.Series) -> str:
    if column.dtype.kind == "M" or hasattr(column.dtype, "tz"):
        return "ISO8601"
    layout = cells.date_layout(column)
    if layout is None:
        known = column.dropna()
        raise DataError(
            f"column {column.name!r} needs dates, such as 2024-03-14, 14.3.2024 or 3/14/2024, all written alike"
            + (f"; it holds {str(known.iloc[0])[:40]!r}" if len(known) else "")
        )
    return layout


def _numbers_of(times: Any) -> dict[str, Array]:
    """The parts of dates as float64; NaN where there is none."""
    seconds = times.to_numpy(dtype="datetime64[s]")
    elapsed = np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64).astype(np.float64))
    return {
        "elapsed": elapsed / _SECONDS,
        "year": times.dt.year.to_numpy(np.float64),
        "month": times.dt.month.to_numpy(np.float64),
        "weekday": times.dt.day_of_week.to_numpy(np.float64),
        "hour": times.dt.hour.to_numpy(np.float64),
    }
