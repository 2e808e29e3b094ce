"""What is in IR text: the functions it defines, and what it takes from elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r'@(?:"(?P<quoted>[^"]+)"|(?P<plain>[\w.$-]+))'
_DEFINED = re.compile(rf"^define (?!(?:internal|private)\b)[^@\n]*{_NAME}\(", re.MULTILINE)
_ELSEWHERE = re.compile(
    rf"^(?:declare [^@\n]*{_NAME}\(|{_NAME.replace('P<', 'P<global_')} *= *external )", re.MULTILINE
)
_HEADER = re.compile(r"^target (?:triple|datalayout) *=.*$", re.MULTILINE)
_NEXT, _END = "\x1f", b"\n"  # LLVM writes no such characters in a name


@dataclass(frozen=True)
class Outline:
    r"""The names of the functions that can be called, and of what has to be linked to.

    Examples
    --------
    >>> outline_of("declare void @far()\ndefine i32 @near() { ret i32 0 }")
    Outline(defined=('near',), elsewhere=('far',))
    """

    defined: tuple[str, ...]
    elsewhere: tuple[str, ...]

    def before(self, content: bytes) -> bytes:
        """An object with its outline in front."""
        lines = [_NEXT.join(names).encode() for names in (self.defined, self.elsewhere)]
        return _END.join([*lines, content])


def taken_apart(content: bytes) -> tuple[Outline, bytes]:
    """An outline and the object behind it, as `Outline.before` puts them together."""
    *lines, rest = content.split(_END, 2)
    defined, elsewhere = (tuple(name for name in line.decode().split(_NEXT) if name) for line in lines)
    return Outline(defined, elsewhere), rest


def outline_of(text: str) -> Outline:
    """The outline of IR text; only lines that can matter are looked at, since there are many others."""
    short = "\n".join([line for line in text.splitlines() if line.startswith(("define ", "declare ", "@"))])
    return Outline(_names(_DEFINED, short), _names(_ELSEWHERE, short))


def _names(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(next(filter(None, match.groups())) for match in pattern.finditer(text))


def headed(text: str, triple: str, layout: str) -> str:
    """IR text that starts with this triple and data layout; its lines keep their numbers where it had some."""
    lines = [f'target triple = "{triple}"', f'target datalayout = "{layout}"']
    if text.startswith("target ") or "\ntarget " in text:
        text = _HEADER.sub(lambda _: lines.pop(0) if lines else "", text)
    return "\n".join([*lines, text])
