"""`glassgrad train`: the main job, from data to a model and a report page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassgrad import optim
from glassgrad.cli import common
from glassgrad.cli.digits import train_digits
from glassgrad.cli.settings import Settings, share_or_rows, widths

DATA = ("digits",)
_FILE, _MODEL, _RUN = "The file", "The model", "The run"


@common.shown
def train(
    name: Annotated[str, typer.Argument(metavar="DATA", help="A file of your own, or digits.", show_default=False)],
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="The column to predict.", show_default=False, rich_help_panel=_FILE),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            help="A column whose words are to be learned from; repeat it.", show_default=False, rich_help_panel=_FILE
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="A column to leave out; repeat it.", show_default=False, rich_help_panel=_FILE),
    ] = None,
    as_: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            metavar="COLUMN=KIND",
            help="What a column is: number, category, flag, date, text or drop; repeat it.",
            show_default="guessed",
            rich_help_panel=_FILE,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="classification, regression or counts.", show_default="guessed from the target", rich_help_panel=_FILE
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="The IDX file with the labels of images.", show_default="the one beside them", rich_help_panel=_FILE
        ),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of a file of text.", rich_help_panel=_FILE)] = "utf-8",
    held_out: Annotated[
        str, typer.Option(help="Share of the rows that is held out, or how many rows.", rich_help_panel=_FILE)
    ] = "0.25",
    split: Annotated[
        str,
        typer.Option(help="random: rows drawn, in each class its share. last: the last rows.", rich_help_panel=_FILE),
    ] = "random",
    model: Annotated[
        str, typer.Option("--model", "-m", help="auto, perceptron, logistic or mlp.", rich_help_panel=_MODEL)
    ] = "auto",
    hidden: Annotated[
        list[str] | None,
        typer.Option(
            help="Units of the hidden layers, such as 64 or 128,64; none for no layer.",
            show_default="as suits",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(help="Of the hidden units, such as relu or tanh.", show_default="relu", rich_help_panel=_MODEL),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="What is minimised: a distribution, such as gaussian, laplace or poisson.",
            show_default="as suits the target",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    class_weight: Annotated[
        str | None,
        typer.Option(
            help="How much classes count: balanced, or spam=5,ham=1.", show_default="all alike", rich_help_panel=_MODEL
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Passes over the rows, at the most.", show_default="as suits", rich_help_panel=_RUN),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="The learning rate.", show_default="as suits", rich_help_panel=_RUN)
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            "--batch",
            min=1,
            help="Rows in a step; 1 is stochastic.",
            show_default="as suits",
            rich_help_panel=_RUN,
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            help=f"How gradients change the weights: {', '.join(optim.OPTIMIZERS)}.",
            show_default="as suits",
            rich_help_panel=_RUN,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="End when the held-out loss has not fallen for so many epochs, and put the best weights back. "
            "With a file, a tenth of the rows to learn from is set aside for it.",
            show_default="as suits",
            rich_help_panel=_RUN,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bits.", rich_help_panel=_RUN)] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder to write to.",
            show_default="NAME-model, or the next free name",
            rich_help_panel=_RUN,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the model in the output folder.", rich_help_panel=_RUN)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say only how good it is and where it went.", rich_help_panel=_RUN)
    ] = False,
    diagnose: Annotated[
        bool,
        typer.Option("--diagnose", help="Look for what ails the network, its data, its run.", rich_help_panel=_RUN),
    ] = False,
    debug: common.Debug = False,
) -> None:
    """Learn from a file, and write a model and a report page.

    DATA is a file of yours: CSV, TSV, Parquet, NPZ, or images as IDX, plain or gzipped. Part of its rows is held out.
    Each column is prepared as it needs, the model is chosen, learns, and is judged on the rows it never saw; all of
    it is said and can be told otherwise. Or DATA is [bold]digits[/bold], the 1,797 handwritten digits that come with
    scikit-learn. An output folder is never overwritten unless you say so.

    [bold]Examples[/bold]

    glassgrad train houses.csv --target price

    glassgrad train SMSSpamCollection --target Label --text SMS

    glassgrad train t10k-images-idx3-ubyte.gz --held-out 2000 --split last

    glassgrad train digits --hidden 128,32 --epochs 60 --patience 10
    """
    settings = Settings(
        data=name, target=target, text=tuple(text or ()), drop=tuple(drop or ()), as_=tuple(as_ or ()), task=task,
        model=model,
        hidden=widths(hidden), activation=activation, loss=loss, epochs=epochs, rate=rate, batch_size=batch_size,
        optimizer=optimizer, patience=patience, class_weight=class_weight, seed=seed, held_out=share_or_rows(held_out),
        split=split, labels=labels, encoding=encoding, output=output, overwrite=overwrite, quiet=quiet,
        diagnose=diagnose,
    )  # fmt: skip
    if name in DATA:
        train_digits(settings)
    elif not name:
        raise common.UsageError("DATA is the name of a file, or digits")
    elif Path(name).exists() or Path(name).suffix or len(Path(name).parts) > 1:
        from glassgrad.cli.learning import train_file

        train_file(settings)
    else:
        raise common.UsageError(
            f"there is no file {name!r}, and no data set {name!r} either: the built-in one is {' or '.join(DATA)}"
        )
