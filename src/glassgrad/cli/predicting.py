"""`glassgrad predict`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassgrad.cli import common


@common.shown
def predict(
    model: Annotated[Path, typer.Argument(help="What glassgrad train wrote: a folder or a file.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="Rows like those the model learned from.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="CSV file to write; - is the output.", show_default="the output"),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="The IDX file with the labels of images.", show_default="the one beside them"),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of a file of text.")] = "utf-8",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings.")] = False,
    debug: common.Debug = False,
) -> None:
    """Predict the rows of a file, and write them as CSV.

    The rows are prepared as those were that the model learned from; columns it did not use may be missing. The output
    has the number of the row in the file, the columns that identify it, the prediction, and the probability of each
    class. Where the file has the target as well, the predictions are scored.

    [bold]Examples[/bold]

    glassgrad predict houses-model new-houses.csv -o prices.csv

    glassgrad predict SMSSpamCollection-model messages.tsv
    """
    from glassgrad.cli.predictions import write_predictions

    write_predictions(model, file, output, labels, encoding, overwrite, quiet)
