"""`glassgrad explain`: worked examples, every value and gradient written out."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from glassgrad import worked
from glassgrad.cli import common


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
    """
    if names or name is None:
        typer.echo(worked.listing())
        if not names:
            typer.echo("\nglassgrad explain NAME writes one of them out, e.g. glassgrad explain add-mul")
        return
    example = worked.example(name)
    if fold is not None:
        example = dataclasses.replace(example, fold=fold)
    if derive or latex:
        found = example.derivation()
        typer.echo(found.latex if latex else found.written(width or common.width()))
        return
    typer.echo(example.text(width or common.width()))
