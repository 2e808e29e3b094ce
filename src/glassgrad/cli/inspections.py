"""What a model on disk is, what it does with data, and how good it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from glassgrad import nn, storage
from glassgrad.cli import common
from glassgrad.cli.learning import show_telling
from glassgrad.estimators import PreparedModel
from glassgrad.estimators.prepared import stored_model
from glassgrad.views import scores, telling


def show_model(model: Path, columns: int) -> None:
    """Print all of it; `columns` of the preparation at the most."""
    found = stored_model(model)
    if isinstance(found, storage.Model):
        _network(found, model)
    elif isinstance(found, PreparedModel):
        _prepared(found, model, columns)
    else:
        typer.echo(common.field("model", f"{model}: {type(found).__name__}"))
        _estimator(found)


def _prepared(model: PreparedModel, path: Path, columns: int) -> None:
    """What `glassgrad train FILE` wrote."""
    info = model.info
    typer.echo(common.field("model", f"{path}: {_text(info, 'model') or type(model.estimator).__name__}"))
    typer.echo(common.field("predicts", model.target.said()))
    if _text(info, "command"):
        typer.echo(common.field("made by", _text(info, "command")))
    typer.echo("columns")
    for line in model.preparation.report(common.width() - 2, columns):
        typer.echo(f"  {line}")
    _estimator(model.estimator)
    if isinstance(info.get("scores"), dict):
        found = scores.from_plain(info["scores"])
        typer.echo(f"\nheld out: {found.summary()}")
        typer.echo("\n".join(found.lines(common.width())))
    told = info.get("telling")
    if isinstance(told, list):
        show_telling([telling.from_plain(entry) for entry in told])


def _estimator(estimator: Any) -> None:
    """The settings that are not the usual ones, and the layers."""
    usual = type(estimator)().get_params(deep=False)
    set_ = {k: v for k, v in estimator.get_params(deep=False).items() if repr(v) != repr(usual[k])}
    told = ", ".join(f"{k}={v!r:.60}" for k, v in set_.items()) or "the usual ones"
    typer.echo(common.field("settings", f"{type(estimator).__name__}: {told}"))
    if hasattr(estimator, "classes_"):
        shown = ", ".join(str(c) for c in estimator.classes_[:20])
        typer.echo(common.field("classes", shown + (", …" if len(estimator.classes_) > 20 else "")))
    _layers(estimator.network())


def _network(model: storage.Model, path: Path) -> None:
    """What `storage.save` wrote."""
    typer.echo(common.field("model", f"{path}: a network"))
    if model.loss is not None:
        typer.echo(common.field("loss", repr(model.loss)))
    for name, value in model.info.items():
        if isinstance(value, str | int | float):
            typer.echo(common.field(name, str(value), max(9, len(name) + 1)))
    _layers(model.net)


def _layers(net: nn.Layer) -> None:
    typer.echo(f"\n{net}")
    if not isinstance(net, nn.Sequential):  # its table counts them
        typer.echo(f"{net.count():,} parameters")


def _text(info: Mapping[str, Any], name: str) -> str:
    value = info.get(name)
    return value if isinstance(value, str) else ""
