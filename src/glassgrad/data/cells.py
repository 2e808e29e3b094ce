"""The cells of a column as numbers, text, truth values or times; a cell that is none is named."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]
_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1"}), frozenset({"false", "f", "no", "n", "0"})
_BIG = 2.0**53


def shown(value: float) -> str:
    """A number for people: four digits, and all digits before the point."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def place(column: Any, i: int) -> str:
    """The i-th cell's row, counted from 1 as it stood in the file."""
    label = column.index[i]
    return f"row {label + 1:,}" if isinstance(label, int | np.integer) else f"row {label!r}"


def numbers(column: pd.Series) -> Array:
    """A column as float64; missing cells are NaN.

    Raises
    ------
    DataError
        When a cell is not a number, or is infinite.
    """
    import pandas as pd

    kind = column.dtype.kind
    if kind == "m":
        column = column.dt.total_seconds()
    elif kind not in "iufb":
        dates = kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype)
        found = pd.Series(np.nan, column.index) if dates else pd.to_numeric(column, errors="coerce")
        lost = np.flatnonzero(np.asarray(pd.isna(found)) & ~np.asarray(pd.isna(column)))
        if len(lost):
            more = f" ({len(lost):,} such cells)" if len(lost) > 1 else ""
            raise DataError(
                f"column {column.name!r} needs numbers, and holds {str(column.iloc[lost[0]])[:40]!r} in "
                f"{place(column, lost[0])}{more}"
            )
        column = pd.Series(found, column.index, name=column.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an extended float beyond float64 becomes infinite
        array = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    infinite = np.flatnonzero(np.isinf(array))
    if len(infinite):
        more = f" ({len(infinite):,} such cells)" if len(infinite) > 1 else ""
        raise DataError(
            f"column {column.name!r} holds {array[infinite[0]]:g} in {place(column, infinite[0])}{more}; "
            "replace it by a number, or leave the cell empty if it is missing"
        )
    return array


def texts(column: pd.Series) -> Array:
    """A column as text, trimmed; missing cells are None. A whole number is written without a point."""
    import pandas as pd

    gone = np.asarray(pd.isna(column)) if len(column) else np.zeros(0, bool)
    if column.dtype.kind in "iub":
        found = np.asarray(column.to_numpy(dtype=object, na_value=None)).astype(str).astype(object)
    else:
        found = np.array([_text(cell) for cell in column.to_numpy(dtype=object, na_value=None)] or [], object)
    found[gone] = None
    return found


def counted(found: Array) -> tuple[list[str], Array]:
    """The different values of what `texts` returns, in order, without missing ones; and how often each stands there."""
    import pandas as pd

    counts = pd.Series(found, dtype=object).value_counts(sort=False).sort_index()
    return [str(value) for value in counts.index], counts.to_numpy()


def is_none(found: Array) -> Array:
    """Which cells of what `texts` returns are missing."""
    return np.array([cell is None for cell in found], bool)


def _text(cell: Any) -> str:
    if type(cell) is str:
        return cell.strip()
    if isinstance(cell, float | np.floating) and abs(cell) < _BIG and cell == int(cell):
        return str(int(cell))
    return str(cell).strip()


def truths(column: pd.Series) -> Array:
    """A column of truth values as 1 and 0; missing cells are NaN.

    Raises
    ------
    DataError
        When a cell is neither true nor false, yes nor no, 1 nor 0.
    """
    out = np.full(len(column), np.nan)
    for i, cell in enumerate(texts(column)):
        if cell is None:
            continue
        word = cell.lower()
        if word not in _TRUE and word not in _FALSE:
            raise DataError(
                f"column {column.name!r} needs true or false, and holds {cell[:40]!r} in {place(column, i)}"
            )
        out[i] = word in _TRUE
    return out


_DATES = (
    (re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?"), "ISO8601"),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), "%d.%m.%Y"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), "%m/%d/%Y"),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}"), "%Y/%m/%d"),
)


LAYOUTS = (*(layout for _, layout in _DATES), "%d/%m/%Y")
"""The ways in which dates are written."""


def date_layout(column: pd.Series) -> str | None:
    """How the dates of a column of text are written; None where they are none.

    Dates as in 3/14/2024 have the month first, unless a number above 12 stands there.
    """
    known = column.dropna()
    if not any(pattern.fullmatch(_text(cell)) for cell in known.iloc[:1] for pattern, _ in _DATES):
        return None
    cells = [cell for cell in texts(known) if cell]
    for pattern, layout in _DATES:
        if pattern.fullmatch(cells[0]) is None:
            continue
        for candidate in (layout, "%d/%m/%Y") if layout == "%m/%d/%Y" else (layout,):
            if all(pattern.fullmatch(cell) for cell in cells) and not _times(cells, candidate).isna().any():
                return candidate
    return None


def _times(cells: Any, layout: str) -> Any:
    import pandas as pd

    return pd.to_datetime(pd.Series(cells, dtype=object), format=layout, errors="coerce", utc=True)


def times(column: pd.Series, layout: str) -> Any:
    """A column of dates as pandas times without a zone (UTC); missing cells are NaT.

    Raises
    ------
    DataError
        When a cell is not a date written in that way.
    """
    import pandas as pd

    if column.dtype.kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype):
        found = (
            column if getattr(column.dtype, "tz", None) is None else column.dt.tz_convert("UTC").dt.tz_localize(None)
        )
        return found.reset_index(drop=True)
    cells = texts(column)
    found = _times(cells, layout)
    lost = np.flatnonzero(found.isna().to_numpy() & ~is_none(cells))
    if len(lost):
        how = "such as 2024-03-14" if layout == "ISO8601" else f"written as {layout}"
        raise DataError(
            f"column {column.name!r} needs dates {how}, and holds {cells[lost[0]][:40]!r} in {place(column, lost[0])}"
        )
    return found.dt.tz_localize(None)
