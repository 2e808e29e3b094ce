"""How wide text is, known without a font: never less than what a browser will need."""

from __future__ import annotations

import unicodedata

_WIDTHS = {
    character: width
    for width, characters in (
        (0.28, "'ijl"), (0.3, "IJ"), (0.32, " ,.·"), (0.34, "/:;\\|"), (0.36, "f"), (0.38, "-"),
        (0.41, "()[]t⁰¹²³⁴⁵⁶⁷⁸⁹"),
        (0.42, "⁺⁻ⁿᵀ₀₁₂₃₄₅₆₇₈₉ₐᵢⱼₖₙℓ"), (0.42, "!r"), (0.46, '"'), (0.5, "*_`‖"), (0.54, "?sz"), (0.56, "Lc"),
        (0.58, "Fk"), (0.6, "vxy"), (0.62, "PTYaeo"), (0.64, "$0123456789ESbdghnpqu{}"), (0.66, "K"), (0.7, "ABCRVXZ"),
        (0.74, "U"), (0.76, "HN"), (0.78, "&DG"), (0.8, "OQ"), (0.82, "w"), (0.84, "#+<=>^~×−→←✓✗≤≥≠"), (0.88, "M"),
        (0.96, "%"), (0.98, "m"), (1.0, "@W…"),
    )
    for character in characters
}  # fmt: skip
"""Widths in units of the font size: those of DejaVu Sans, the widest of the fonts a browser may take, rounded up."""
_OTHER = 0.86
_BOLD = 1.27


def text_width(text: str, size: float, bold: bool = False) -> float:
    """An upper bound of the width of a line of text, in pixels.

    Parameters
    ----------
    text : str
        One line.
    size : float
        Font size in pixels.
    bold : bool
        Whether it is set in bold.

    Examples
    --------
    >>> text_width("0.7311", 10)
    35.2
    """
    total = sum(_WIDTHS[c] if c in _WIDTHS else _unusual(c) for c in text)
    return round(total * size * (_BOLD if bold else 1.0), 3)


def _unusual(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    return 1.05 if unicodedata.east_asian_width(character) in "WF" else _OTHER


def shortened(text: str, size: float, room: float) -> str:
    """The text, or as much of its beginning and end as fits into `room` pixels, with … between.

    Examples
    --------
    >>> shortened("a_very_long_name_of_a_wire", 10, 100)
    'a_very_lo…f_a_wire'
    """
    if text_width(text, size) <= room:
        return text
    left = len(text) - 1
    while left > 1:
        tail = left // 2
        made = f"{text[: left - tail]}…{text[len(text) - tail :] if tail else ''}"
        if text_width(made, size) <= room:
            return made
        left -= 1
    return text[:1] + "…"
