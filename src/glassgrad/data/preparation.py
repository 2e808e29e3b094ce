"""Preparation: from the rows of a table to a matrix of numbers, the same way in training and ever after."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.data.columns import MISSING_NUMBERS, Category, Column, Flag, Ignored, Number, Pixels
from glassgrad.data.dates import Date
from glassgrad.data.delimited import checked_names
from glassgrad.data.guess import guess_column
from glassgrad.data.plain import plain, rebuilt
from glassgrad.data.tables import Table, known_column, named_columns
from glassgrad.data.targets import Target
from glassgrad.data.words import Words
from glassgrad.displays import Shown
from glassgrad.errors import DataError, OperandError, unknown

if TYPE_CHECKING:
    pass

Array = np.ndarray[Any, Any]
FORMAT = "glassgrad preparation"
VERSION = 1
_COLUMNS = {kind.kind: kind for kind in (Ignored, Number, Flag, Category, Date, Words, Pixels)}
KINDS = ("number", "flag", "category", "date", "text", "drop")
_ARRAY = "rows"


@dataclasses.dataclass(frozen=True)
class Preparation(Shown):
    r"""What is done with each column of a table, fitted on training rows only.

    Numbers get mean 0 and deviation 1; a missing one becomes the mean (or median) and a column says which were
    missing. Categories become one column a value, rare values share one; dates become numbers; columns named as
    text become words and flags. Images of bytes are divided by 255. Columns of which nothing can be learned, such
    as identifiers and constants, are left out. `report` says all of it.

    Make one with `Preparation.fit`. It is plain data: `to_plain` and `from_plain` carry it over JSON.

    Attributes
    ----------
    columns : tuple of Column
        What becomes of each column, in order.
    target : Target or None
        What is to be predicted.
    source : str
        The file it was fitted on.

    Examples
    --------
    >>> import tempfile, pathlib, glassgrad as gg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "people.csv"
    ...     _ = path.write_text("age,sex,member\n20,f,yes\n40,m,no\n,m,yes\n30,f,no\n")
    ...     table = gg.data.read(path, target="member")
    >>> prep = gg.data.Preparation.fit(table)
    >>> prep.feature_names
    ['age (scaled)', 'age missing', 'sex = f', 'sex = m']
    >>> print(prep.transform(table)[:2].round(2))
    [[-1.22  0.    1.    0.  ]
     [ 1.22  0.    0.    1.  ]]
    >>> prep.target.classes, prep.target.encode(table.column("member")).tolist()
    (('no', 'yes'), [1, 0, 1, 0])
    """

    columns: tuple[Column, ...]
    target: Target | None = None
    source: str = ""

    @classmethod
    def fit(
        cls,
        rows: Any,
        target: str | None = None,
        text: Sequence[str] = (),
        drop: Sequence[str] = (),
        kinds: Mapping[str, str] | None = None,
        task: str | None = None,
        missing: str = "mean",
    ) -> Preparation:
        """The preparation that fits training rows.

        Parameters
        ----------
        rows : Table, pandas.DataFrame or array
            Training rows.
        target : str, optional
            The column to predict; by default the table's.
        text : sequence of str
            Columns whose words become features.
        drop : sequence of str
            Columns to leave out.
        kinds : mapping, optional
            What a column is, where the guess is wrong: "number", "flag", "category", "date", "text" or "drop".
        task : str, optional
            "classification", "regression" or "counts"; by default guessed from the target.
        missing : str
            What a missing number becomes: the "mean" or the "median".

        Raises
        ------
        DataError
            When there is no such column, a column is not what it was said to be, a number is infinite, the target
            cannot be learned, or no column is left to learn from.
        """
        if missing not in MISSING_NUMBERS:
            raise unknown("way to fill missing numbers", missing, MISSING_NUMBERS)
        table = _table(rows)
        if not len(table):
            raise DataError(f"{table.source} has no rows to learn from")
        target = target or table.target
        told = {**(kinds or {}), **dict.fromkeys(text, "text"), **dict.fromkeys(drop, "drop")}
        _check_told(table, told, target)
        found = None if target is None else Target.fit(table.column(target), target, task)
        if table.array is not None and (table.frame is None or (table.array.dtype == np.uint8 and not told)):
            return cls(
                (Pixels.fit(table.array, "pixel" if table.images is not None else "column"),), found, table.source
            )
        columns = tuple(_fitted(table, told, target, missing))
        if all(isinstance(column, Ignored) for column in columns):
            told = {**dict.fromkeys(_identifiers(table, told, target), "number"), **told}
            columns = tuple(_fitted(table, told, target, missing))
        return cls(columns, found, table.source)._checked()

    def _checked(self) -> Preparation:
        if all(isinstance(column, Ignored) for column in self.columns):
            why = "; ".join(f"{c.name}: {c.said()}" for c in self.columns[:8])
            raise DataError(
                f"no column of {self.source or 'the table'} is left to learn from" + (f": {why}" if why else "")
            )
        return self

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that become features."""
        return tuple(column for column in self.columns if not isinstance(column, Ignored))

    @property
    def feature_names(self) -> list[str]:
        """A name for each column of X."""
        return [name for column in self.used for name in column.feature_names]

    @property
    def as_text(self) -> list[str]:
        """Columns that `read` must read as text, as they were in training: its argument of the same name."""
        kept = [c.name for c in self.used if isinstance(c, Words) or (isinstance(c, Category) and not c.numeric)]
        textual = self.target is not None and any(isinstance(c, str) for c in self.target.classes)
        return kept + ([self.target.name] if self.target is not None and textual else [])

    @property
    def images(self) -> bool:
        """Whether it takes rows of an array, without names."""
        return isinstance(self.columns[0], Pixels)

    def transform(self, rows: Any) -> Any:
        """The matrix X of some rows.

        Parameters
        ----------
        rows : Table, pandas.DataFrame or array
            With the columns that were used in training; others do not matter.

        Returns
        -------
        ndarray or scipy.sparse.csr_matrix
            float32, one row each; sparse where text is among the columns.

        Raises
        ------
        DataError
            When columns are missing, or a cell is not what its column holds: the row and the cell are named.

        Warns
        -----
        DataWarning
            When categories, or missing cells, were not met in training: how many, and what was done.
        """
        table = _table(rows)
        first = self.columns[0]
        if isinstance(first, Pixels):
            if table.array is None:
                raise DataError(
                    f"{table.source} has named columns, and the model was trained on rows without names: IDX or NPZ"
                )
            return first.apply(table.array)
        if table.frame is None:
            raise DataError(f"{table.source} holds rows without names, and these columns are needed: {self._needed()}")
        self._complete(table)
        parts = [column.apply(table.column(column.name)) for column in self.used]
        if any(isinstance(column, Words) for column in self.used):
            from scipy import sparse

            return sparse.csr_matrix(sparse.hstack([sparse.csr_matrix(part) for part in parts], format="csr"))
        X = np.empty((len(table), sum(part.shape[1] for part in parts)), np.float32)
        at = 0
        for part in parts:
            X[:, at : at + part.shape[1]] = part
            at += part.shape[1]
        return X

    def _needed(self) -> str:
        names = [repr(column.name) for column in self.used]
        return ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")

    def _complete(self, table: Table) -> None:
        """Refuse a table that lacks columns."""
        there = set(table.columns)
        lacking = [column.name for column in self.used if column.name not in there]
        if len(lacking) == 1:
            others = [c for c in table.columns if c not in {u.name for u in self.used}]
            known_column(lacking[0], others, table.source, "columns that the model does not need")
        elif lacking:
            shown = ", ".join(map(repr, lacking[:10])) + (
                f" and {len(lacking) - 10:,} more" if len(lacking) > 10 else ""
            )
            raise DataError(
                f"{table.source} lacks {len(lacking):,} of the {len(self.used):,} columns that the model was trained "
                f"on: {shown}"
            )

    def described(self) -> list[tuple[str, str, str]]:
        """Each column's name, what it is, and what is done with it."""
        return [(column.name, column.kind, column.said()) for column in self.columns]

    def report(self, width: int = 80, most: int = 40) -> list[str]:
        """What is done with each column, as lines of text.

        Parameters
        ----------
        width : int
            Characters in a line.
        most : int
            Columns to say it of; the rest is counted.
        """
        rows = self.described()
        shown = rows[:most]
        first = min(max((len(name) for name, _, _ in shown), default=0), 20)
        second = max((len(kind) for _, kind, _ in shown), default=0)
        lines = []
        for name, kind, said in shown:
            lead = f"{name if len(name) <= first else name[: first - 1] + '…':{first}}  {kind:{second}}  "
            lines += textwrap.wrap(
                said, max(width, len(lead) + 20), initial_indent=lead, subsequent_indent=" " * len(lead)
            )
        if rest := rows[most:]:
            counts = {kind: sum(k == kind for _, k, _ in rest) for kind in dict.fromkeys(k for _, k, _ in rest)}
            lines.append(
                f"… and {len(rest):,} more columns: " + ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
            )
        return lines

    def to_plain(self) -> dict[str, Any]:
        """All of it as what JSON can hold."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "source": self.source,
            "columns": [{"kind": column.kind, **plain(column)} for column in self.columns],
            "target": None if self.target is None else plain(self.target),
        }

    @classmethod
    def from_plain(cls, document: Any) -> Preparation:
        """The preparation that `to_plain` described.

        Raises
        ------
        DataError
            When the description is damaged, or of a newer version.
        """
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise DataError("this does not describe a preparation")
        version = document.get("version")
        if type(version) is int and version > VERSION:
            raise DataError(
                f"the preparation is of version {version}, made by a newer glassgrad; this one reads up to {VERSION}: "
                "upgrade it"
            )
        columns, source = document.get("columns"), document.get("source")
        if version != VERSION or not isinstance(columns, list) or not columns or not isinstance(source, str):
            raise DataError("the description of the preparation is damaged")
        found = tuple(_column(entry, f"column {i + 1}") for i, entry in enumerate(columns))
        if sum(isinstance(column, Pixels) for column in found) not in (0, 1) or (
            any(isinstance(column, Pixels) for column in found) and len(found) != 1
        ):
            raise DataError("the description of the preparation is damaged: an array stands beside columns")
        checked_names([column.name for column in found], "the description of the preparation")
        target = document.get("target")
        told = None if target is None else rebuilt(Target, target, "the target").checked()
        return cls(found, told, source)._checked()


def _table(rows: Any) -> Table:
    """A table of whatever holds rows."""
    import pandas as pd

    if isinstance(rows, Table):
        return rows
    if hasattr(rows, "to_pandas"):
        rows = rows.to_pandas()
    if isinstance(rows, pd.DataFrame):
        frame = rows.set_axis([str(name) for name in rows.columns], axis="columns")
        checked_names(list(frame.columns), "the table")
        return Table("the table", "frame", frame)
    if isinstance(rows, np.ndarray) and rows.ndim > 1:
        return Table("the array", "array", named_columns(rows, "X"), rows)
    raise OperandError(f"rows come as a Table, a DataFrame or an array of two axes or more, not {type(rows).__name__}")


def _check_told(table: Table, told: Mapping[str, str], target: str | None) -> None:
    """Refuse what was said of columns that are not there."""
    if told and table.frame is None:
        raise DataError(f"{table.source} holds rows of numbers without names, so there is no column to name")
    for name, kind in told.items():
        known_column(name, table.columns, table.source)
        if kind not in KINDS:
            raise unknown("kind of column", kind, KINDS)
        if name == target:
            raise DataError(f"{name!r} is the column to predict, so it cannot be used as {kind}")


def _fitted(table: Table, told: Mapping[str, str], target: str | None, missing: str) -> Iterator[Column]:
    """What becomes of each column of a frame."""
    several = sum(kind == "text" for kind in told.values()) > 1
    for name in table.columns:
        if name == target:
            continue
        column = table.column(name)
        kind, reason = (told[name], "") if name in told else guess_column(column)
        if kind == "text":
            yield Words.fit(column, several)
        elif kind == "number":
            yield Number.fit(column, missing)
        elif kind == "flag":
            yield Flag.fit(column)
        elif kind == "category":
            yield Category.fit(column)
        elif kind == "date":
            yield Date.fit(column)
        else:
            yield Ignored(name, reason or "as told")


def _identifiers(table: Table, told: Mapping[str, str], target: str | None) -> list[str]:
    """The numbers that seem to name the rows: where there is nothing else, they are what to learn from."""
    names = [name for name in table.columns if name != target and name not in told]
    return [name for name in names if guess_column(table.column(name)).kind == "identifier"]


def _column(entry: Any, where: str) -> Column:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in _COLUMNS:
        raise DataError(f"{where} of the preparation is of no known kind: {str(kind)[:40]!r}")
    fields = {name: value for name, value in entry.items() if name != "kind"}
    return rebuilt(_COLUMNS[kind], fields, f"{where} of the preparation").checked()
