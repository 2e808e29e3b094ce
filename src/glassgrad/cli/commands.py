"""The command `glassgrad`: what it is made of, and how it starts."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import Annotated

import typer

from glassgrad import __version__
from glassgrad.cli.checking import check
from glassgrad.cli.explaining import explain
from glassgrad.cli.exporting import export
from glassgrad.cli.inspecting import inspect
from glassgrad.cli.predicting import predict
from glassgrad.cli.training import train

app = typer.Typer(
    name="glassgrad",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with:  glassgrad train digits",
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"glassgrad {__version__}")
        raise typer.Exit


@app.callback()
def _glassgrad(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A backpropagation engine you can see through: train, predict, explain, and prove gradients."""


app.command("train")(train)
app.command("predict")(predict)
app.command("inspect")(inspect)
app.command("export")(export)
app.command("explain")(explain)
app.command("check")(check)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # a console that has no "→" shows "?" and goes on
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError, OSError):
                stream.reconfigure(errors="replace")
    app()
