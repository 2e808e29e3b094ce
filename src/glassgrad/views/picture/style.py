"""The look of pictures drawn as SVG: one palette, light and dark, that touches nothing outside a picture.

Every rule is written under ``.gg-picture``, the class of the outermost element, so that a picture in a notebook
leaves the notebook as it is. Notebooks and editors that choose dark or light themselves are followed; elsewhere the
system's wish counts.
"""

from __future__ import annotations

from collections.abc import Mapping

FONT = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", "Noto Sans", "DejaVu Sans", sans-serif'
MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace'

LIGHT: Mapping[str, str] = {
    "paper": "#fbfaf7", "card": "#ffffff", "ink": "#1d2127", "soft": "#5d6570", "line": "#e3e0d8", "faint": "#f1eee7",
    "wire": "#8d95a0", "value": "#0b7a5c", "gradient": "#c62f3b", "good": "37, 99, 205", "bad": "214, 84, 10",
    "blue": "#2563cd", "orange": "#c2560c", "green": "#0f8a6a", "violet": "#8b4bc8", "gold": "#977400",
    "pink": "#c2327a", "teal": "#1f7d94", "grey": "#6b7380",
}  # fmt: skip
"""The colours on a light ground; ``good`` and ``bad`` are red, green and blue, for any opacity."""
DARK: Mapping[str, str] = {
    "paper": "#14171b", "card": "#1b1f25", "ink": "#e7e5df", "soft": "#a0a7b1", "line": "#31363f", "faint": "#242930",
    "wire": "#7b8490", "value": "#55d3ae", "gradient": "#ff8288", "good": "90, 150, 255", "bad": "255, 128, 50",
    "blue": "#7fb0ff", "orange": "#ffa061", "green": "#55d3ae", "violet": "#c99bff", "gold": "#e5c24f",
    "pink": "#ff8fc0", "teal": "#6fcbe0", "grey": "#9aa3af",
}  # fmt: skip
"""The colours on a dark ground."""

PATTERN_COLORS: Mapping[str, str] = {
    "distributes": "blue", "switches": "violet", "routes": "gold", "scales": "teal", "moves": "grey",
    "mixes": "orange", "sums": "pink", "draws": "green", "blocks": "grey",
}  # fmt: skip
"""The colour of each pattern in the backward flow."""


def _variables(palette: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in palette.items())


def palettes(root: str = ".gg-picture") -> str:
    """CSS variables of both palettes for the element `root`: the reader's choice, then the notebook's."""
    light, dark = _variables(LIGHT), _variables(DARK)
    return (
        f"{root} {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ {root} {{ {dark} }} }}\n"
        f'[data-jp-theme-light="true"] {root}, .vscode-light {root} {{ {light} }}\n'
        f'[data-jp-theme-light="false"] {root}, .vscode-dark {root} {{ {dark} }}\n'
    )


_RULES = """
& text { font-family: FONT; font-variant-numeric: tabular-nums; fill: var(--ink); }
& .paper { fill: var(--paper); }
& .wire { fill: none; stroke: var(--wire); stroke-width: 1.4; }
& .wire.still { stroke-dasharray: 2 3; }
& .value { fill: var(--value); } & .gradient { fill: var(--gradient); } & .soft { fill: var(--soft); }
& .middle { text-anchor: middle; } & .end { text-anchor: end; } & .strong { font-weight: 600; }
& .cool { fill: rgb(var(--good)); } & .warm { fill: rgb(var(--bad)); }
"""
_COLORS = "".join(f"& .c-{color} {{ --own: var(--{color}); }}\n" for color in sorted(set(PATTERN_COLORS.values())))


def rules(text: str, root: str = ".gg-picture") -> str:
    """Rules written with & for the picture's outermost element."""
    return text.replace("&", root).replace("FONT", FONT).replace("MONO", MONO)


def css(more: str = "") -> str:
    """The style sheet of a picture: palettes, what all pictures share, and `more` rules of its own kind.

    Parameters
    ----------
    more : str
        Rules whose selectors start with ``&``, which stands for the picture's outermost element.

    Examples
    --------
    >>> ".gg-picture .mine { fill: var(--ink); }" in css("& .mine { fill: var(--ink); }")
    True
    """
    return palettes() + rules(_RULES + _COLORS + more)
