"""The frame of a report: one HTML file that needs nothing beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from glassgrad.files import replace_file
from glassgrad.views.report_style import STYLE


def page(title: str, body: Iterable[str]) -> str:
    """A whole page of these parts."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">",
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            *(part for part in body if part),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def write_page(path: str | os.PathLike[str], html: str) -> Path:
    """Write a page, complete or not at all; a file of this name is replaced."""
    path = Path(path)
    replace_file(path, html.encode("utf-8", "replace"))
    return path


def head(title: str, lead: str, told: str, notes: Sequence[str], figures: Mapping[str, str]) -> str:
    """Title, a sentence under it, how it ended, warnings, and the figures that count; the first figure stands out."""
    cells = [
        f"<div{' class=first' if i == 0 else ''}><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>"
        for i, (k, v) in enumerate(figures.items())
    ]
    below = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    said = f'<p class="told">{escape(sentence(told))}</p>' if told else ""
    said += "".join(f'<p class="warning">{escape(sentence(note))}</p>' for note in notes)
    return f'<header><h1>{escape(title)}</h1>{below}</header>\n{said}<dl class="figures">{"".join(cells)}</dl>'


def made(rows: Mapping[str, str]) -> str:
    """How to make it again: ``rows["command"]`` is set as code."""
    if not rows:
        return ""
    cells = [
        f"<dt>{escape(k)}</dt><dd>{f'<code>{escape(v)}</code>' if k == 'command' else escape(v)}</dd>"
        for k, v in rows.items()
    ]
    return f'<h2>How it was made</h2>\n<dl class="made">{"".join(cells)}</dl>'


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
