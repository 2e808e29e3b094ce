"""Tables as text: CSV and TSV, checked line by line and read by pandas."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from glassgrad.data.written import writing
from glassgrad.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = (",", "\t", ";", "|")
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "<NA>", "?")
"""What stands for a missing value in any column."""
_MISSING_NUMBERS = frozenset({"None", "none", "NONE", "-", "--", ".", "..", "missing", "unknown", "Unknown", "na"})
"""What stands for a missing value in a column that otherwise holds numbers."""
MOST_COLUMNS = 100_000
_NAMED = {",": "a comma", "\t": "a tab", ";": "a semicolon", "|": "a bar", " ": "a space"}
_LOOKED_AT, _FEW = 20, 10
_NUMBER = re.compile(r"[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?")


def read_text(
    data: bytes,
    where: str,
    encoding: str = "utf-8",
    separator: str | None = None,
    header: bool = True,
    as_text: Sequence[str] = (),
) -> tuple[pd.DataFrame, list[str]]:
    """A table from delimited text, and notes of what was found out about it.

    Quotes are read as quotes where that fits: a text in quotes may hold separators and line breaks, and a
    doubled quote in it is one quote. Where quotes stand in the middle of texts, or, among tabs, where reading them
    so would join lines that have the right number of fields each, they are letters like any other.

    Raises
    ------
    DataError
        When it is empty, not text in that encoding, ragged, or its header does not name the columns.
    """
    text = _decoded(data, where, encoding)
    first = next((line for line in io.StringIO(text) if line.strip()), None)
    if first is None:
        raise DataError(f"{where} is empty: it holds white space only")
    if separator is None:
        separator = _guessed_separator(text, first)
    elif len(separator) != 1 or separator in '"\n':
        raise DataError(f"a separator is one character, such as ',' or a tab, not {separator!r}")
    quoting, rows, top = _layout(text, separator, where)
    notes = [f"fields are separated by {_NAMED.get(separator, repr(separator))}"]
    if quoting == csv.QUOTE_NONE and '"' in text:
        notes.append("quotes are letters: they do not enclose fields")
    names = _names(top, where) if header else [f"column {i + 1}" for i in range(len(top))]
    if header and rows < 2:
        raise DataError(f"{where} has a header and no rows below it")
    if header and all(map(_is_number, top)):
        notes.append("the first line, taken as names, holds numbers only: is a header missing?")
    frame = _parsed(text, separator, quoting, names, header, as_text, where)
    if len(frame) != rows - header:
        raise DataError(
            f"{where} cannot be read as a table: {rows - header:,} rows are there, {len(frame):,} were read"
        )
    return _numbers_found(frame, separator, as_text, notes), notes


def _decoded(data: bytes, where: str, encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise DataError(f"there is no encoding {encoding!r}; common ones: utf-8, latin-1, cp1252, utf-16") from None
    if name == "utf-8":
        name = "utf-8-sig"
        if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise DataError(f"{where} is text in UTF-16; read it with the encoding utf-16")
    try:
        text = data.decode(name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if data.count(b"\0", 0, 4096):
            raise DataError(f"{where} is not a table of text: it holds binary data") from None
        hint = "latin-1 or cp1252" if name.startswith("utf-8") else "utf-8"
        raise DataError(
            f"{where}, line {line}: byte 0x{data[error.start]:02x} at position {error.start:,} is not {encoding}; "
            f"give the encoding of the file (encoding=…, --encoding …), perhaps {hint}"
        ) from None
    except UnicodeError as error:
        raise DataError(f"{where} is not text in {encoding}: {error}") from None
    except (LookupError, TypeError, AttributeError, ValueError):
        raise DataError(f"{encoding!r} is not an encoding of text; common ones: utf-8, latin-1, cp1252") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{where} is not a table of text: it holds binary data (a zero byte in line {line})")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _guessed_separator(text: str, first: str) -> str:
    """The character that cuts the first lines into equally many fields, as many as there are."""
    lines = [line for line, _ in zip(io.StringIO(text), range(10 * _LOOKED_AT), strict=False) if line.strip()]

    def fit(separator: str) -> tuple[bool, int]:
        with contextlib.suppress(csv.Error):
            counts = [len(row) for row in csv.reader(lines[:_LOOKED_AT], delimiter=separator)]
            return len(set(counts)) == 1, counts[0]
        return False, first.count(separator) + 1

    present = [s for s in SEPARATORS if s in first]
    return max(present, key=fit) if present else ","


@contextlib.contextmanager
def _long_fields(longest: int) -> Iterator[None]:
    """Fields longer than the `csv` module's own limit."""
    before = csv.field_size_limit(max(longest, csv.field_size_limit()))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _layout(text: str, separator: str, where: str) -> tuple[Any, int, list[str]]:
    """How quotes are to be read, the number of rows with the header, and the header's fields.

    Raises
    ------
    DataError
        When rows have different numbers of fields.
    """
    if '"' not in text:
        plain = _Walk(text, separator, csv.QUOTE_NONE)
        plain.check(where)
        return csv.QUOTE_NONE, plain.rows, plain.top
    with _long_fields(len(text) + 1):
        strict = _Walk(text, separator, csv.QUOTE_MINIMAL, strict=True)
        if strict.whole and not (separator == "\t" and strict.joined):
            return csv.QUOTE_MINIMAL, strict.rows, strict.top
        plain = _Walk(text, separator, csv.QUOTE_NONE)
        if plain.whole:
            return csv.QUOTE_NONE, plain.rows, plain.top
        if strict.whole:
            return csv.QUOTE_MINIMAL, strict.rows, strict.top
        loose = _Walk(text, separator, csv.QUOTE_MINIMAL)
        loose.check(where)
        if "unexpected end" in strict.failed:
            raise DataError(f"{where}, line {strict.at}: a quote is opened and never closed")
        return csv.QUOTE_MINIMAL, loose.rows, loose.top


class _Walk:
    """A walk over the lines of a table that counts the fields of each.

    Attributes
    ----------
    rows : int
        Rows that are not blank, the header among them.
    top : list of str
        The fields of the first.
    joined : bool
        Whether a field goes over the end of a line.
    wrong : list of (line, fields)
        Rows with another number of fields than the first.
    failed : str
        What the `csv` module could not read, in the row that begins at line `at`.
    """

    def __init__(self, text: str, separator: str, quoting: Any, strict: bool = False) -> None:
        self.rows, self.top, self.joined, self.separator = 0, [], False, separator
        self.wrong: list[tuple[int, int]] = []
        self.failed, self.at = "", 0
        if quoting == csv.QUOTE_NONE:
            self._lines(text)
        else:
            self._records(text, strict)

    def _lines(self, text: str) -> None:
        cuts = -1
        for number, line in enumerate(io.StringIO(text), 1):
            count = line.count(self.separator)
            if not count and not line.strip():
                continue
            if cuts < 0:
                cuts, self.top = count, line.rstrip("\n").split(self.separator)
            self.rows += 1
            if count != cuts:
                self.wrong.append((number, count + 1))

    def _records(self, text: str, strict: bool) -> None:
        reader = csv.reader(
            io.StringIO(text), delimiter=self.separator, strict=strict, skipinitialspace=self.separator in ",;"
        )
        before = 0
        try:
            for row in reader:
                start, before = before + 1, reader.line_num
                if not row or (len(row) == 1 and not row[0].strip() and before == start):
                    continue
                self.joined |= before > start
                if not self.rows:
                    self.top = row
                self.rows += 1
                if len(row) != len(self.top):
                    self.wrong.append((start, len(row)))
        except csv.Error as error:
            self.failed, self.at = f"line {reader.line_num}: {error}", before + 1

    @property
    def whole(self) -> bool:
        """Whether every row has as many fields as the first."""
        return not self.wrong and not self.failed

    def check(self, where: str) -> None:
        """Refuse ragged rows."""
        if self.failed:
            raise DataError(f"{where}, {self.failed}: a quote is not closed")
        if not self.wrong:
            return
        line, fields = self.wrong[0]
        columns, several = len(self.top), len(self.wrong) > 1
        separator = _NAMED.get(self.separator, repr(self.separator))
        raise DataError(
            f"{where}, line {line}: {fields} field{'s' * (fields != 1)}, where the header has {columns}"
            + (f" ({len(self.wrong):,} of {self.rows - 1:,} rows differ)" if several else "")
            + (
                f"; a text that holds {separator} must stand in quotes"
                if fields > columns
                else f"; an empty field still needs its separator ({separator})"
            )
        )


def _names(top: list[str], where: str) -> list[str]:
    """The header's names; a column without one is named by its place."""
    return checked_names([name.strip() or f"column {i + 1}" for i, name in enumerate(top)], where)


def checked_names(names: list[str], where: str) -> list[str]:
    """The names of columns, if there are not too many, and each has its own.

    Raises
    ------
    DataError
        When there are more than `MOST_COLUMNS`, or a name stands twice.
    """
    if len(names) > MOST_COLUMNS:
        raise DataError(
            f"{where} has {len(names):,} columns, and at most {MOST_COLUMNS:,} are read; a wide matrix of numbers fits "
            "an NPZ file: numpy.savez(…, X=…, y=…)"
        )
    places: dict[str, list[int]] = {}
    for i, name in enumerate(names, 1):
        places.setdefault(name, []).append(i)
    repeated = {name: at for name, at in places.items() if len(at) > 1}
    if repeated:
        name, at = next(iter(repeated.items()))
        more = f" (and {len(repeated) - 1} more names)" if len(repeated) > 1 else ""
        headless = all(map(_is_number, names))
        advice = "the first line holds numbers only: put a line of names above it" if headless else ""
        raise DataError(
            f"{where}: the name {name!r} stands over several columns: {', '.join(map(str, at[:8]))}{more}; "
            + (advice or "give each a name of its own")
        )
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parsed(
    text: str, separator: str, quoting: Any, names: list[str], header: bool, as_text: Sequence[str], where: str
) -> pd.DataFrame:
    import pandas as pd

    settings: dict[str, Any] = {
        "sep": separator, "quoting": quoting, "names": names, "header": 0 if header else None, "index_col": False,
        "na_values": list(MISSING), "keep_default_na": False, "low_memory": False,
        "skipinitialspace": separator in ",;", "dtype": {name: "str" for name in as_text if name in names},
    }  # fmt: skip
    try:
        return pd.read_csv(io.StringIO(text), **settings)
    except (ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        raise DataError(f"{where} cannot be read as a table: {str(error).strip()}") from error


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(map(repr, words))} stand{'s' * (len(words) == 1)} for"


def _numbers_found(frame: pd.DataFrame, separator: str, as_text: Sequence[str], notes: list[str]) -> pd.DataFrame:
    """Columns of text that hold numbers, but for words for "missing" or ways to write them, as numbers."""
    import pandas as pd

    changed: dict[str, Any] = {}
    for name, dtype in frame.dtypes.items():
        if dtype.kind in "iufb" or name in as_text:
            continue
        column = frame[name].dropna().unique().tolist()
        words = sorted(_MISSING_NUMBERS.intersection(t for t in column if isinstance(t, str)))
        texts = [t for t in column if t not in words]
        if not texts or not all(isinstance(t, str) for t in texts):
            continue
        column = frame[name].where(~frame[name].isin(words)) if words else frame[name]
        if words and all(map(_is_number, texts)):
            changed[name] = pd.to_numeric(column)
            notes.append(f"{name}: {_listed(words)} missing numbers")
        elif (how := writing(texts, separator)) is not None:
            changed[name] = how.values(column)
            notes.append(f"{name}: {how.said()}" + (f"; {_listed(words)} missing" if words else ""))
        elif separator != "," and all(_NUMBER.fullmatch(t.strip()) for t in texts):
            changed[name] = pd.to_numeric(column.str.strip().str.replace(",", "."))
            notes.append(f"{name}: numbers with a decimal comma")
        elif len(texts) > _FEW and sum(map(_is_number, texts)) > len(texts) / 2:
            odd = next(t for t in texts if not _is_number(t))
            notes.append(f"{name}: most cells are numbers, but not all, such as {odd[:30]!r}: taken as text")
    return frame.assign(**changed) if changed else frame
