"""`glassgrad inspect`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassgrad.cli import common


@common.shown
def inspect(
    model: Annotated[Path, typer.Argument(help="A model on disk: a folder or a file.", show_default=False)],
    columns: Annotated[int, typer.Option(min=1, help="Columns to tell of, at the most.")] = 40,
    debug: common.Debug = False,
) -> None:
    """Show a model: its layers and parameters, the preparation, held-out scores, and the most telling features.

    It takes what `glassgrad train` wrote, and what `estimators.save` and `storage.save` write.

    [bold]Examples[/bold]

    glassgrad inspect SMSSpamCollection-model

    glassgrad inspect model.glassgrad
    """
    from glassgrad.cli.inspections import show_model

    show_model(model, columns)
