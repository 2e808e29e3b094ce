"""Numbers as people write them: 1,234.50 and 1.234,50, with a sign of currency or per cent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

_SIGN = r"[€$£¥₹%]|EUR|USD|GBP|CHF"
_CELL = re.compile(rf"([+\-−]?)\s*({_SIGN}|)\s*([+\-−]?)(\d[\d.,'’\s]*|[.,]\d+)\s*({_SIGN}|)")
_POINT, _COMMA = re.compile(r"\d*\.?\d*"), re.compile(r"\d*,?\d*")
_THOUSANDS = {  # separator: what it looks like
    ",": re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?"),
    ".": re.compile(r"[1-9]\d{0,2}(\.\d{3})+(,\d*)?"),
    "'": re.compile(r"[1-9]\d{0,2}('\d{3})+([.,]\d*)?"),
    " ": re.compile(r"[1-9]\d{0,2}( \d{3})+([.,]\d*)?"),
}
_NAMED = {",": "a comma", ".": "a point", "'": "an apostrophe", " ": "a space"}


class Writing(NamedTuple):
    """How the numbers of a column are written.

    Attributes
    ----------
    sign : str
        Of currency or per cent, in each cell; or "".
    thousands : str
        What stands between thousands; or "".
    comma : bool
        Whether a comma stands before decimals.
    """

    sign: str
    thousands: str
    comma: bool

    def said(self) -> str:
        """In words, after "numbers"."""
        parts = [f"with {self.sign}"] if self.sign else []
        if self.thousands:
            parts.append(f"thousands separated by {_NAMED[self.thousands]}")
        if self.comma:
            parts.append("a decimal comma" if parts else "with a decimal comma")
        text = ", ".join(parts)
        return f"numbers{' ' if text.startswith('with') else ', ' * bool(text)}{text}"

    def values(self, column: Any) -> pd.Series:
        """A column of such texts as numbers; missing cells are NaN."""
        import pandas as pd

        plain = column.map(lambda cell: _plain(cell, self), na_action="ignore")
        return pd.Series(pd.to_numeric(plain), column.index)


def writing(texts: Sequence[str], separator: str) -> Writing | None:
    """How a column's numbers are written; None where a text is none, or more than one way would fit.

    Parameters
    ----------
    texts : sequence of str
        The different values of the column that are not missing.
    separator : str
        What separates the fields of the file. Files with semicolons have decimal commas: 1,234 is a thousand and
        more in files with commas, and between 1 and 2 in files with semicolons.
    """
    signs, bare = set(), []
    for text in texts:
        found = _CELL.fullmatch(text.strip())
        if found is None or (found[1] and found[3]) or (found[2] and found[5]):
            return None
        signs.add(found[2] or found[5])
        bare.append(_unspaced(found[4]))
    if len(signs) != 1 or not bare:
        return None
    sign = signs.pop()
    for thousands, comma in _ways(bare, separator):
        grouped = _THOUSANDS.get(thousands)
        plain = _COMMA if comma else _POINT
        if grouped and not any(map(grouped.fullmatch, bare)):
            continue
        if thousands == " " and len(set(map(len, bare))) == 1:
            continue  # numbers of telephones, accounts
        if all(plain.fullmatch(b) or (grouped and _fits(grouped, b, comma)) for b in bare):
            return Writing(sign, thousands, comma and any("," in b for b in bare))
    return None


def _ways(bare: Sequence[str], separator: str) -> list[tuple[str, bool]]:
    """What separates thousands, and whether decimals follow a comma: the likely first."""
    english, european = (("", False), (",", False), ("'", False), (" ", False)), ((".", True), (" ", True), ("'", True))
    both = any("," in b and "." in b for b in bare)
    if separator == ",":  # "1,2" in quotes may be a list
        return [*english, *(european if both or any(" " in b for b in bare) else ())]
    decimals: tuple[tuple[str, bool], ...] = (("", True),)
    if separator == ";":
        return [*decimals, *european, *english]
    commas = [b for b in bare if "," in b]
    if commas and all(map(_THOUSANDS[","].fullmatch, commas)):
        return [*english, *decimals, *european]
    return [*decimals, *european, *english]


def _fits(grouped: re.Pattern[str], text: str, comma: bool) -> bool:
    found = grouped.fullmatch(text)
    return found is not None and (not found[2] or found[2][0] == ("," if comma else "."))


def _unspaced(text: str) -> str:
    """Any space as the plain one, any apostrophe too."""
    return re.sub(r"\s", " ", text.strip()).replace("’", "'")


def _plain(cell: object, how: Writing) -> str:
    found = _CELL.fullmatch(str(cell).strip())
    assert found is not None
    text = _unspaced(found[4]).replace(how.thousands, "") if how.thousands else _unspaced(found[4])
    return ("-" if (found[1] or found[3]) in ("-", "−") else "") + (text.replace(",", ".") if how.comma else text)
