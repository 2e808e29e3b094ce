"""What a model says of the rows of a file, as CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import typer

from glassgrad import data
from glassgrad.cli import common
from glassgrad.cli.runs import collected
from glassgrad.data import Table
from glassgrad.estimators import PreparedModel
from glassgrad.files import replace_file
from glassgrad.views.scores import ClassScores, NumberScores, Scores

Array = np.ndarray[Any, Any]
_MOST_PROBABILITIES = 50
"""So many classes have a column of probabilities each; of more, only the probability of the class that is said."""


def write_predictions(
    model: Path, file: Path, output: Path | None, labels: Path | None, encoding: str, overwrite: bool, quiet: bool
) -> None:
    """Predict the rows of `file`; write them, and say how good they are where the file tells.

    `output` is None or "-" for the output stream.
    """
    to_output = output is None or str(output) == "-"
    if output is not None and not to_output:
        _refuse_to_overwrite(output, overwrite)
    notes: list[str] = []
    loaded = PreparedModel.load(model)
    with collected(notes):
        table = data.read(file, labels=labels, encoding=encoding, as_text=_there(loaded, file, encoding))
        X = loaded.preparation.transform(table)
        predicted, probabilities = loaded.predicted(X), loaded.probabilities(X)
    said = "".join(_lines(loaded, table, predicted, probabilities))
    if output is None or to_output:
        sys.stdout.write(said)
    else:
        replace_file(output, said.encode(), lambda: _refuse_to_overwrite(output, overwrite))
    scores = _scores(loaded, table, predicted, probabilities, notes)
    for note in notes:
        common.warn(note)
    if quiet:
        return
    if scores is not None:
        typer.echo(f"{scores.summary()}, where the file has {loaded.target.name!r}", err=to_output)
    if not to_output:
        typer.echo(f"written to {output}: {len(table):,} row{'s' * (len(table) != 1)}")


def _refuse_to_overwrite(output: Path, overwrite: bool) -> None:
    if output.is_dir():
        raise common.UsageError(f"{output} is a folder; -o names a file")
    if output.exists() and not overwrite:
        raise common.UsageError(f"{output} exists: choose another name with -o, or replace it with --overwrite")


def _there(model: PreparedModel, file: Path, encoding: str) -> list[str]:
    """The columns to be read as text, as far as the file has them."""
    wanted = model.preparation.as_text
    if not wanted:
        return []
    known = data.read(file, encoding=encoding).columns
    return [name for name in wanted if name in known]


def _lines(model: PreparedModel, table: Table, predicted: Array, probabilities: Array | None) -> Iterator[str]:
    """The rows of the CSV file, its header first."""
    import csv
    import io

    columns: dict[str, Any] = {"row": np.arange(1, len(table) + 1)}
    if table.frame is not None:
        columns |= {name: table.column(name).astype(object).to_numpy() for name in _identifiers(model, table)}
    name = model.target.name
    columns[f"predicted {name}" if name in table.columns or name in columns else name] = predicted
    if probabilities is not None:
        if probabilities.shape[1] <= _MOST_PROBABILITIES:
            columns |= {f"p({c})": probabilities[:, k] for k, c in enumerate(model.target.classes)}
        else:
            columns["p"] = probabilities.max(axis=1)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    yield text.getvalue()
    for row in zip(*columns.values(), strict=True):
        text.seek(0)
        text.truncate()
        writer.writerow([f"{v:.6g}" if isinstance(v, float | np.floating) else "" if v is None else v for v in row])
        yield text.getvalue()


def _identifiers(model: PreparedModel, table: Table) -> list[str]:
    """Columns that say which row it is."""
    used = {column.name for column in model.preparation.used}
    told = [n for n, _, said in model.preparation.described() if n not in used and "identifier" in said]
    return [name for name in told if name in table.columns]


def _scores(
    model: PreparedModel, table: Table, predicted: Array, probabilities: Array | None, notes: list[str]
) -> Scores | None:
    """How good the predictions are, where the file has the target."""
    target = model.target
    if table.frame is None:
        actual = table.labels
    else:
        actual = table.column(target.name) if target.name in table.columns else None
    if actual is None:
        return None
    good = target.known(actual)
    if not good.all():
        n = int(np.count_nonzero(~good))
        their = "row is not scored: its" if n == 1 else "rows are not scored: their"
        notes.append(f"{n:,} {their} target is missing or no class of the model")
    if not good.any():
        return None
    y = target.encode(actual[good])
    if target.task != "classification":
        return NumberScores.of(target.decode(y), predicted[good])
    names = [str(c) for c in target.classes]
    p = None if probabilities is None else probabilities[good]
    return ClassScores.of(y, target.encode(predicted[good]), names, p)
