"""read: a user's own file as a table, with where it came from and what was found."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.data import archives, delimited, idx, sources
from glassgrad.displays import Shown
from glassgrad.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]
MOST_NAMED = 2_000
"""Columns up to which those of a matrix are named by their places, and looked at one by one."""
_FEATURES = ("x", "data", "images", "features")
_TARGETS = ("y", "label", "labels", "target", "targets")


@dataclasses.dataclass(frozen=True, eq=False)
class Table(Shown):
    """Rows of a file: columns by name, or an array where they have no names; a matrix is both.

    Attributes
    ----------
    source : str
        The file.
    format : str
        "csv", "tsv", "text", "parquet", "npz" or "idx".
    frame : pandas.DataFrame or None
        The columns by name. Those of a matrix X with at most 2,000 columns are named "X 0", "X 1", ….
    array : ndarray or None
        Rows of numbers, shape (rows, …), for example images of shape (rows, 28, 28).
    labels : ndarray or None
        What stands beside an array, one a row.
    target : str or None
        The column to predict, if one was named; for an array, the name of `labels`.
    notes : tuple of str
        What was found while reading.
    """

    source: str
    format: str
    frame: pd.DataFrame | None = None
    array: Array | None = None
    labels: Array | None = None
    target: str | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frame) if self.frame is not None else len(self._rows())

    def __repr__(self) -> str:
        return f"<Table {self.source}: {self.summary()}>"

    def _rows(self) -> Array:
        if self.array is None:
            raise DataError(f"{self.source}: a table has a frame or an array, and this one has neither")
        return self.array

    @property
    def images(self) -> Array | None:
        """The array, where each of its rows is a picture (two axes, or three with colours)."""
        return self.array if self.array is not None and self.array.ndim in (3, 4) else None

    @property
    def columns(self) -> list[str]:
        """The names of the columns; those of an array are its target only."""
        if self.frame is not None:
            return list(self.frame.columns)
        return [self.target] if self.labels is not None and self.target else []

    def summary(self) -> str:
        """What it holds, in a few words."""
        rows = f"{len(self):,} row{'s' * (len(self) != 1)}"
        if self.frame is not None:
            return f"{rows}, {len(self.frame.columns):,} column{'s' * (len(self.frame.columns) != 1)}"
        array = self._rows()
        what = "images" if self.images is not None else "rows"
        size = " × ".join(map(str, array.shape[1:]))
        return f"{len(self):,} {what} of {size} numbers ({array.dtype})" + (
            f", labelled by {self.target!r}" if self.labels is not None else ", without labels"
        )

    def take(self, rows: Any) -> Table:
        """Some of the rows, by their numbers, a mask or a slice."""
        chosen = rows if isinstance(rows, slice) else np.asarray(rows)
        return dataclasses.replace(
            self,
            frame=None if self.frame is None else self.frame.iloc[chosen],
            array=None if self.array is None else self.array[chosen],
            labels=None if self.labels is None else self.labels[chosen],
        )

    def column(self, name: str) -> Any:
        """A column by its name: a pandas Series, or the labels of an array.

        Raises
        ------
        DataError
            When there is none; names near to it are suggested.
        """
        if self.frame is not None:
            if name not in self.frame.columns:
                known_column(name, self.columns, self.source)
            return self.frame[name]
        if self.labels is None:
            raise DataError(
                f"{self.source} holds no labels; name the file that does (labels=…, --labels FILE), "
                "or put them into the NPZ file beside X as y"
            )
        if name != self.target:
            raise DataError(f"{self.source} has no column {name!r}; its labels are named {self.target!r}")
        return self.labels

    def with_target(self, name: str | None = None) -> Table:
        """The same rows but for those that lack the target; a note says how many.

        Raises
        ------
        DataError
            When there is no such column, or it is missing in all rows.
        """
        import pandas as pd

        name = name or self.target
        if name is None:
            if self.frame is None:
                self.column("")
            raise DataError(f"name the column of {self.source} to predict; there are: {_listed(self.columns)}")
        missing = np.asarray(pd.isna(self.column(name)))
        if missing.all():
            raise DataError(f"{self.source}: the target {name!r} is missing in all {len(self):,} rows")
        if not missing.any():
            return dataclasses.replace(self, target=name)
        count = int(missing.sum())
        note = f"{count:,} of {len(self):,} rows left out: their target {name!r} is missing"
        return dataclasses.replace(self.take(~missing), target=name, notes=(*self.notes, note))


def read(
    path: str | os.PathLike[str],
    target: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    encoding: str = "utf-8",
    separator: str | None = None,
    header: bool = True,
    as_text: Sequence[str] = (),
) -> Table:
    r"""Read a file: CSV, TSV, Parquet, NPZ or IDX, plain or gzipped.

    The format is told by the name, or by the content where the name says nothing. Nothing that is in a file
    is run.

    Parameters
    ----------
    path : path
        The file.
    target : str, optional
        The column to predict. It must be there; rows that lack it are left out, which a note says.
    labels : path, optional
        The IDX file with the labels of images. By default the one beside them whose name belongs to theirs:
        `t10k-labels-idx1-ubyte.gz` to `t10k-images-idx3-ubyte.gz`.
    encoding : str
        Of CSV and TSV files.
    separator : str, optional
        What separates fields of text; by default whichever of comma, tab, semicolon and bar fits the first lines.
    header : bool
        Whether the first line of text names the columns; without, they are "column 1", "column 2", ….
    as_text : sequence of str
        Columns to read as text even where they hold numbers, so that "01" stays apart from "1".

    Returns
    -------
    Table
        `frame` holds columns by name; `array` and `labels` hold images and other rows without names.

    Raises
    ------
    DataError
        When there is no such file or column, or the file is empty, damaged, ragged, or not in that encoding;
        the message says where, and what to do.

    Examples
    --------
    >>> import tempfile, pathlib, glassgrad as gg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "people.csv"
    ...     _ = path.write_text("name,age,member\nAda,36,yes\nAlan,,no\n")
    ...     table = gg.data.read(path, target="member")
    >>> table.frame["age"].tolist(), table.notes
    ([36.0, nan], ('fields are separated by a comma',))
    """
    file = sources.found(path)
    try:
        table = _read(file, target, labels, encoding, separator, header, as_text)
    except MemoryError:
        raise DataError(f"{file} does not fit into this machine's memory") from None
    return table if target is None else table.with_target(target)


def _read(
    file: Path,
    target: str | None,
    labels: str | os.PathLike[str] | None,
    encoding: str,
    separator: str | None,
    header: bool,
    as_text: Sequence[str],
) -> Table:
    where, data = str(file), sources.content(file)
    kind = sources.format_of(file, data)
    if labels is not None and kind != "idx":
        raise DataError(f"a file of labels belongs to IDX images, and {where} is {kind.upper()}")
    if kind == "idx":
        return _images(file, data, labels)
    if kind == "npz":
        return _arrays(archives.read_npz(data, where), where, target)
    if kind == "parquet":
        return Table(where, kind, archives.read_parquet(data, where))
    tab = "\t" if kind == "tsv" else None
    frame, notes = delimited.read_text(data, where, encoding, separator or tab, header, as_text)
    return Table(where, kind, frame, notes=tuple(notes))


def known_column(name: str, columns: Sequence[str], where: str, listed: str = "it has") -> None:
    """Refuse a name that no column has; the names nearest to it are suggested."""
    import difflib

    if name in columns:
        return
    lower = {str(c).lower(): c for c in columns}
    near = difflib.get_close_matches(str(name).lower(), list(lower), n=3)
    hint = f"; did you mean {' or '.join(repr(lower[n]) for n in near)}?" if near else ""
    raise DataError(f"{where} has no column {name!r}{hint}; {listed}: {_listed(columns) or 'none'}")


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def _images(file: Path, data: bytes, labels: str | os.PathLike[str] | None) -> Table:
    array = idx.decode(data, str(file))
    if array.ndim < 2:
        raise DataError(
            f"{file} holds one number a row, as files of labels do; name the file of images, its labels are found"
        )
    beside = idx.labels_beside(file) if labels is None else sources.found(labels)
    if beside is None:
        note = "no file of labels stands beside it under a name that belongs to it"
        return Table(str(file), "idx", array=array, notes=(note,))
    codes = idx.read_labels(beside, len(array))
    return Table(str(file), "idx", None, array, codes, "label", (f"labels from {beside}",))


def _arrays(arrays: Mapping[str, Array], where: str, target: str | None) -> Table:
    """An NPZ file as a table: arrays of one axis are columns; one of more axes holds rows without names."""
    import pandas as pd

    shapes = ", ".join(f"{name} {a.shape}" for name, a in list(arrays.items())[:12])
    if any(a.ndim == 0 for a in arrays.values()) or len({len(a) for a in arrays.values()}) != 1:
        raise DataError(
            f"{where} holds arrays that differ in their number of rows: {shapes}; "
            "one file holds one set of rows, for example numpy.savez(…, X=X_train, y=y_train)"
        )
    if not len(next(iter(arrays.values()))):
        raise DataError(f"{where} is empty: {shapes}")
    flat = {n: a.reshape(len(a)) for n, a in arrays.items() if a.size == len(a) and (a.ndim == 1 or _is(n, _TARGETS))}
    wide = {name: a for name, a in arrays.items() if name not in flat}
    if not wide:
        return Table(where, "npz", pd.DataFrame({str(n): _column(a) for n, a in flat.items()}))
    named = [name for name in wide if _is(name, _FEATURES)] if len(wide) > 1 else list(wide)
    if len(named) != 1:
        raise DataError(f"{where} holds several arrays with columns: {shapes}; name the one to learn from X")
    array = wide[named[0]]
    if array.dtype.kind not in "fiub" or not array.size:
        raise DataError(f"{where}, array {named[0]!r}, needs numbers, and has shape {array.shape} of {array.dtype}")
    usual = [name for name in flat if _is(name, _TARGETS)] or list(flat)
    name = target if target is not None else usual[0] if len(usual) == 1 else None
    if name is not None:
        known_column(name, list(flat), where)
    unused = [n for n in arrays if n not in (named[0], name)]
    notes = [f"rows are those of the array {named[0]!r}"] + ([f"not used: {_listed(unused)}"] if unused else [])
    labels = None if name is None else _column(flat[name])
    return Table(where, "npz", named_columns(array, named[0], labels, name), array, labels, name, tuple(notes))


def named_columns(array: Array, name: str, labels: Array | None = None, target: str | None = None) -> Any:
    """The columns of a matrix as a frame, the labels beside them; None where it has more axes, or is too wide."""
    import pandas as pd

    if array.ndim != 2 or array.shape[1] > MOST_NAMED:
        return None
    frame = pd.DataFrame(array, columns=[f"{name} {i}" for i in range(array.shape[1])])
    return frame if labels is None or target is None else frame.assign(**{target: labels})


def _is(name: str, usual: Sequence[str]) -> bool:
    return name.lower() in usual


def _column(array: Array) -> Array:
    """An array of one axis as a column; bytes become text."""
    return np.char.decode(array, "latin-1") if array.dtype.kind == "S" else array
