"""What a column is, and what is to be predicted, guessed from its values; with the reason in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassgrad.data import cells
from glassgrad.displays import Shown
from glassgrad.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MOST_CLASSES = 1000
FEW = 20
"""Different whole numbers up to which a target is taken for classes."""
_FEW_TAILED = 10  # as many though one is seen once: counts and sizes have tails
_IDENTIFIER = re.compile(
    r"(?i:id|ids|index|idx|key|uuid|guid|rowid|row|no|nr|unnamed: 0|column 1)|.*(?:_id|_ID|Id|ID)"
    r"|.+[-_ ](?i:nr|no|id|number)\.?"
)


class Guess(NamedTuple):
    """What something is taken for, and why."""

    kind: str
    reason: str
    _repr_html_ = Shown._repr_html_


def guess_column(column: pd.Series) -> Guess:
    """Number, category, flag or date; "identifier", a number that names the rows; or "ignored": nothing to learn from.

    Parameters
    ----------
    column : pandas.Series
        Its index holds the rows' places in the file.
    """
    import pandas as pd

    kind = column.dtype.kind
    if kind in "iuf":
        return _number(column)
    if kind == "c":
        return Guess("ignored", "it holds complex numbers")
    known = column.dropna()
    if not len(known):
        return Guess("ignored", "every value is missing")
    if kind == "b":
        return _unless_constant(column, Guess("flag", "true or false"))
    if kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype):
        return _unless_constant(column, Guess("date", "times"))
    if kind == "m":
        return _unless_constant(column, Guess("number", "stretches of time, in seconds"))
    if column.dtype != object:
        return _text(known)
    types = set(map(type, known))
    odd = [found for found in types if issubclass(found, list | dict | set | tuple | bytes | np.ndarray)]
    if odd:
        return Guess("ignored", f"it holds values of type {odd[0].__name__}")
    if types <= {bool, np.bool_}:
        return _unless_constant(column, Guess("flag", "true or false"))
    if str not in types and _all_numbers(known):  # decimal fractions, integers beyond 64 bits
        return _unless_constant(column, Guess("number", "numbers"))
    return _text(known)


def _number(column: pd.Series) -> Guess:
    """A number, unless it counts the rows or names them; those that never change are found when it is fitted."""
    if column.dtype.kind in "iu" and len(column) > 2 and not column.isna().any():
        values, places = column.to_numpy(), column.index
        distinct = len(np.unique(values)) == len(values)
        if distinct and _IDENTIFIER.fullmatch(str(column.name)):
            return Guess("identifier", "an identifier: whole numbers, each once")
        if distinct and places.dtype.kind == "i":
            ahead = values.astype(np.float64) - places.to_numpy()
            if np.ptp(ahead) == 0 and ahead[0] in (0, 1):
                return Guess("identifier", "an identifier: it counts the rows")
    return Guess("number", "numbers")


def _text(known: pd.Series) -> Guess:
    values = cells.texts(known)
    _, counts = cells.counted(values)
    if len(counts) == 1:
        return Guess("ignored", f"always {str(values[0])[:30]!r}")
    if cells.date_layout(known) is not None:
        return Guess("date", "dates")
    if counts.max() == 1 and len(counts) > 2:
        spaces = sum(" " in value for value in values) > len(values) / 2
        advice = "; to learn from its words name it as text (--text)" if spaces else ", an identifier"
        return Guess("ignored", f"every value is different{advice}")
    if len(counts) > FEW and len(counts) > 0.5 * len(values) and np.mean([v.count(" ") for v in values]) >= 2:
        return Guess(
            "ignored",
            f"{len(counts):,} different texts in {len(values):,} rows; to learn from their words name it "
            "as text (--text)",
        )
    return Guess("category", f"{len(counts):,} different values")


def _unless_constant(column: pd.Series, otherwise: Guess) -> Guess:
    """Missing cells are a value of their own."""
    if column.nunique(dropna=False) == 1:
        return Guess("ignored", f"always {column.iloc[0]}")
    return otherwise


def guess_task(y: Any) -> Guess:
    """Whether a target holds classes, counts, or numbers: "classification", "counts" or "regression".

    Text and truth values are classes. So are whole numbers with at most 20 different values, each seen twice or
    more in the mean (of more than 10, each at all), and any two values. Other whole numbers from 0 up, small in the
    mean and with zeros among them, are counts. Everything else is a number.

    Parameters
    ----------
    y : array_like
        Missing values do not count.

    Returns
    -------
    Guess
        With the attributes kind and reason.

    Raises
    ------
    DataError
        When all is missing or the same, or there are too many classes.

    Examples
    --------
    >>> import glassgrad as gg
    >>> gg.data.guess_task(["ham", "spam", "ham"])
    Guess(kind='classification', reason='2 different texts')
    >>> gg.data.guess_task([0.5, 1.25, 3.0]).kind
    'regression'
    """
    import pandas as pd

    column = y if isinstance(y, pd.Series) else pd.Series(np.asarray(y).tolist(), name="y")
    known = column.dropna()
    if not len(known):
        raise DataError(f"the target {column.name!r} is missing in every row")
    numeric = known.dtype.kind in "iuf" or (
        known.dtype == object and not known.map(lambda v: isinstance(v, str | bool)).any() and _all_numbers(known)
    )
    distinct = known.nunique() if numeric else len(cells.counted(cells.texts(known))[0])
    if distinct == 1:
        raise DataError(
            f"the target {column.name!r} is {cells.texts(known.head(1))[0]!r} in every row: there is one class only, "
            "nothing to predict"
        )
    if not numeric:
        return _classes(known, distinct)
    values = cells.numbers(known)
    whole = bool((values == np.round(values)).all())
    seen_once = distinct > _FEW_TAILED and int(np.unique(values, return_counts=True)[1].min()) == 1
    if whole and (distinct == 2 or (distinct <= FEW and len(values) >= 2 * distinct and not seen_once)):
        return Guess("classification", f"whole numbers with {distinct} different values")
    if whole and values.min() == 0 and values.mean() <= 100 and distinct <= len(values) / 2:
        return Guess("counts", f"whole numbers from 0 to {values.max():,.0f}")
    what = "whole numbers" if whole else "numbers"
    return Guess("regression", f"{what} with {distinct:,} different values")


def _all_numbers(known: pd.Series) -> bool:
    import pandas as pd

    return not np.asarray(pd.isna(pd.to_numeric(known, errors="coerce"))).any()


def _classes(known: pd.Series, distinct: int) -> Guess:
    what = "truth values" if set(map(type, known)) <= {bool, np.bool_} else "texts"
    if distinct > MOST_CLASSES or (distinct > FEW and distinct > len(known) / 2):
        example = str(known.iloc[0])[:40]
        number = re.fullmatch(r"\W*[\d.,' ]*\d\W*", example)
        advice = "numbers are wanted without signs and thousands separators" if number else "is it the column you mean?"
        raise DataError(
            f"the target {known.name!r} holds {distinct:,} different {what} in {len(known):,} rows, such as "
            f"{example!r}: too many classes (at most {MOST_CLASSES:,}, with two rows each in the mean); {advice}"
        )
    return Guess("classification", f"{distinct} different {what}")
