"""What all commands share: errors as one message, the width of the terminal, the list of worked examples."""

from __future__ import annotations

import functools
import inspect
import os
import shutil
import textwrap
import traceback
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

import glassgrad
from glassgrad.errors import GlassgradError, reason

WRONG = 1
"""Exit code where a check found something wrong, or training failed."""
MISTAKE = 2
"""Exit code for a mistake in what was asked."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


class UsageError(GlassgradError, ValueError):
    """Something on the command line that cannot be done; the message says what can."""


def shown(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose errors are shown as one message, without a traceback unless asked for."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            raise  # typer ends quietly, as `head` expects
        except (GlassgradError, OSError) as error:
            if kwargs.get("debug"):
                typer.echo(traceback.format_exc(), err=True, nl=False)
            fail(_as_option(_told(error)), MISTAKE)
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)

    run.__doc__ = _flowing(inspect.cleandoc(command.__doc__ or ""))
    return run


def _told(error: Exception) -> str:
    """What an error says, with its line where that is in a file of the user's: not in what started the command."""
    location = error.location if isinstance(error, GlassgradError) else None
    if location is None:
        return str(error)
    above = {frame.f_code.co_filename for frame, _ in traceback.walk_stack(None)}
    ours = location.filename.startswith(os.path.dirname(glassgrad.__file__) + os.sep)
    return reason(error) if ours or location.filename in above else str(error)


def _as_option(message: str) -> str:
    """An error that names the library's argument, with the option of the command line."""
    return message.replace("say overwrite=True", "replace it with --overwrite").replace("overwrite=True", "--overwrite")


def _flowing(text: str) -> str:
    """Help text with one line a paragraph, so that the terminal alone decides where lines break."""
    return "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in text.split("\n\n"))


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong and end."""
    typer.secho("error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(message, err=True)
    raise typer.Exit(code)


def warn(message: str) -> None:
    """Say what may be wrong and go on."""
    typer.secho("warning: ", fg="yellow", bold=True, nl=False, err=True)
    typer.echo(message, err=True)


def width() -> int:
    """Characters in a line: the terminal's, at most 120; 80 where there is no terminal."""
    return max(44, min(shutil.get_terminal_size((80, 24)).columns, 120))


def written(path: object, files: str) -> None:
    """Say where a command wrote: on one line, or two where that would be wider than the terminal."""
    line = f"written to {path}: {files}"
    typer.echo(line if len(line) <= width() else f"written to {path}:\n  {files}")


def field(name: str, text: str, first: int = 9) -> str:
    """A line "name     text", wrapped with the text under itself."""
    lines = textwrap.wrap(text, max(width() - first, 20), break_long_words=True) or [""]
    return "\n".join(f"{name if i == 0 else '':<{first}}{line}" for i, line in enumerate(lines))
