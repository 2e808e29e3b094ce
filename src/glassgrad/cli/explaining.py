"""`glassgrad explain`: worked examples, every value and gradient written out."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from glassgrad import worked
from glassgrad.cli import common
from glassgrad.files import replace_file
from glassgrad.views.picture.drawing import refuse_to_replace


@common.shown
def explain(
    name: Annotated[str | None, typer.Argument(help="Name of a worked example.", show_default=False)] = None,
    names: Annotated[bool, typer.Option("--list", help="List the worked examples.")] = False,
    fold: Annotated[
        bool | None,
        typer.Option(
            "--fold/--open",
            help="Show each named group (softmax, mean, a layer) as one row, or open all of them.",
            show_default="as suits the example",
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(min=44, help="Characters in a line.", show_default="the terminal's"),
    ] = None,
    derive: Annotated[
        bool, typer.Option("--derive", help="Derive its gradient as mathematics, by the chain rule, step by step.")
    ] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Derive it, as LaTeX.")] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Draw the example into this file, as an image.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            help="Draw it into this file, as a page: boxes open, gates explain themselves.",
            show_default=False,
        ),
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option("--png", help="Draw it as pixels, where the example has a figure.", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    debug: common.Debug = False,
) -> None:
    """Write out a worked example: every wire with its value and its gradient, and how the gradient came about.

    Without a name, the examples are listed.

    [bold]Examples[/bold]

    glassgrad explain

    glassgrad explain add-mul

    glassgrad explain sigmoid-neuron --width 100

    glassgrad explain categorical-cost --open

    glassgrad explain two-layer --derive

    glassgrad explain sigmoid-neuron --svg neuron.svg --html neuron.html
    """
    files = {ending: file for ending, file in ((".svg", svg), (".html", html), (".png", png)) if file is not None}
    if files and name is None:
        raise common.UsageError("name the worked example that is to be drawn; glassgrad explain lists them")
    if names or name is None:
        typer.echo(worked.listing())
        if not names:
            typer.echo("\nglassgrad explain NAME writes one of them out, e.g. glassgrad explain add-mul")
        return
    example = worked.example(name)
    if fold is not None:
        example = dataclasses.replace(example, fold=fold)
    if derive or latex:
        _derive(example, latex, width or common.width(), files, overwrite)
    elif files:
        _draw(example, files, overwrite)
    else:
        typer.echo(example.text(width or common.width()))


def _derive(example: worked.Example, latex: bool, width: int, files: dict[str, Path], overwrite: bool) -> None:
    """Write out a derivation, or put it into a page."""
    if set(files) - {".html"}:
        raise common.UsageError("a derivation is printed, or written as a page with --html")
    found = example.derivation()
    if not files:
        typer.echo(found.latex if latex else found.written(width))
        return
    file = files[".html"]
    _refuse(file, ".html", overwrite)
    replace_file(file, found.html.encode(), lambda: refuse_to_replace(file, overwrite))
    common.written(file, example.title)


def _refuse(file: Path, ending: str, overwrite: bool) -> None:
    """Refuse a file of another ending, or one that is there."""
    if file.suffix.lower() != ending:
        raise common.UsageError(f"--{ending[1:]} writes a file *{ending}, not {file.name}")
    refuse_to_replace(file, overwrite)


def _draw(example: worked.Example, files: dict[str, Path], overwrite: bool) -> None:
    """Draw an example into files, none of which is written where one cannot be."""
    for ending, file in files.items():
        if ending == ".png" and example.picture is None:
            raise common.UsageError(f"{example.name} is drawn as its graph, which is written with --svg or --html")
        _refuse(file, ending, overwrite)
    picture = example.draw()
    for file in files.values():
        common.written(picture.save(file, overwrite), example.title)
