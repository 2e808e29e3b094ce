"""`glassgrad export`: a model on disk as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassgrad.cli import common


@common.shown
def export(
    model: Annotated[Path, typer.Argument(help="A model on disk: a folder or a file.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write.", show_default="the model's name with .onnx"),
    ] = None,
    single: Annotated[bool, typer.Option("--float32", help="Write a float64 model in float32.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    debug: common.Debug = False,
) -> None:
    """Write a model as ONNX, which other programs run without glassgrad.

    A model that `glassgrad train` wrote takes the columns of the table and prepares them itself: numbers, categories
    and flags. Words and dates cannot be prepared in ONNX. It needs the package onnx.

    [bold]Examples[/bold]

    glassgrad export houses-model

    glassgrad export model.glassgrad -o model.onnx --float32
    """
    from glassgrad.exchange import to_onnx

    path = Path(f"{model.name}.onnx") if output is None else output
    made = to_onnx(model, dtype="float32" if single else None, path=path, overwrite=overwrite)
    takes, gives = (", ".join(value.name for value in values) for values in (made.graph.input, made.graph.output))
    typer.echo(f"{common.field('takes', takes)}\n{common.field('gives', gives)}")
    common.written(path, f"ONNX, opset {made.opset_import[0].version}")
