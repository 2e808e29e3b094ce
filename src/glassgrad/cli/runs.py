"""What training runs share: warnings kept for a good moment, the proof of the gradient, versions."""

from __future__ import annotations

import contextlib
import platform
import warnings
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any

import numpy as np
import typer

from glassgrad import __version__, nn
from glassgrad.checks import check_gradient
from glassgrad.cli import common
from glassgrad.distributions import Distribution
from glassgrad.doctor import diagnose
from glassgrad.errors import UnsupportedError, reason
from glassgrad.graphs import Graph
from glassgrad.reports import GradientReport
from glassgrad.tensors import tensor

Array = np.ndarray[Any, Any]


@contextlib.contextmanager
def collected(notes: list[str]) -> Iterator[None]:
    """Keep warnings until there is a good moment to show them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            notes += [text for text in dict.fromkeys(str(w.message) for w in caught) if text not in notes]


def console() -> Any:
    """Where a progress bar is drawn: the error stream, so that printed output stays clean."""
    from rich.console import Console

    return Console(stderr=True)


def proof(net: nn.Layer, loss: Distribution, X: Array, y: Array) -> tuple[GradientReport, str]:
    """The gradient check of the loss on some rows, and its graph as text."""
    cost = loss.loss(net(tensor(X, "x")), tensor(y, "y")).named("loss")
    graph = Graph([cost])
    for wire in graph.wires:
        wire.location = None  # the line that asked for it is not the user's
    return check_gradient(cost), graph.text(fold=True)


def proved(report: GradientReport) -> str:
    """What a gradient check that passed found, in a line."""
    gates = len({c.name for c in report.checks if c.part == "gate"})
    worst = report.worst.error if report.worst is not None else 0.0
    how = f"worst relative error {worst:.0e}" if worst else "to within rounding"
    return f"gradient checked: {gates} gates agree with finite differences, {how}"


def versions() -> dict[str, str]:
    """What a run was made with."""
    return {
        "versions": f"glassgrad {__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"scikit-learn {metadata.version('scikit-learn')}",
        "machine": f"{platform.system()} {platform.machine()}",
    }


def diagnosed(
    subject: Any, X: Any, y: Any, validation: tuple[Any, Any] | None = None, feature_names: Sequence[str] = ()
) -> None:
    """Print what the doctor says of a trainer or an estimator."""
    try:
        found = diagnose(subject, X, y, validation=validation, feature_names=feature_names)
    except UnsupportedError as error:
        common.warn(f"no diagnosis: {reason(error)}")
    else:
        typer.echo(f"\n{found.text(common.width())}\n")
