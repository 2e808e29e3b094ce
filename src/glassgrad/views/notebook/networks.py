"""Layers and networks in notebooks: their table, or the curve of an activation."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.errors import GlassgradError
from glassgrad.nn import activations
from glassgrad.nn.table import HEAD, rows_of
from glassgrad.tensors import Tensor
from glassgrad.transforms import grad
from glassgrad.views.notebook.frame import Html, cell, charts, frame, grid, joined, plural, shape, side_by_side
from glassgrad.views.notebook.records import purpose
from glassgrad.views.notebook.wires import numbers_of
from glassgrad.views.report_plots import Curve, plot

_FAR, _POINTS = 4.0, 161


def layer(x: nn.Layer) -> str:
    """A network as the table of its layers; one layer with its parameters or, without any, its curve."""
    count = f"{plural(x.count(), 'parameter')}" if x.named_parameters() else "no parameters"
    if x.layers():
        learns = x.count(trainable=True)
        about = count if learns == x.count() else f"{count}, {learns:,} learn"
        return frame(type(x).__name__, about, network_table(x))
    settings = x.settings()
    title = type(x).__name__ + (f"({settings})" if settings else "()")
    body = [purpose(x)]
    parts = x.named_parameters()
    if parts:
        body.append(side_by_side(*[_parameter(name, p) for name, p in parts]))
    body.append(_curve(x))
    return frame(title, count, *body)


def network_table(net: nn.Layer) -> Html:
    """One line a layer, and the sum."""
    return grid(HEAD, rows_of(net), "lwwr", last=True)


def _parameter(name: str, p: Any) -> Html:
    told = f"{name} · {shape(p)}" + (" · frozen" if p.frozen else "")
    return joined([Html(f'<div class="soft">{cell(told)}</div>'), numbers_of(p.value)])


def _curve(x: nn.Layer) -> Html:
    """What one of our hidden units makes of a number, and its slope; nothing for those that work on whole rows."""
    if type(x).__module__ != activations.__name__ or isinstance(x, nn.Softmax):
        return Html("")
    z = np.linspace(-_FAR, _FAR, _POINTS)
    try:
        y = _plain(x(z[:, None]))
        slope = _plain(grad(lambda t: np.sum(x(t)))(z[:, None]))
    except GlassgradError:  # it takes rows of another width
        return Html("")
    if y.shape != (_POINTS, 1):
        return Html("")
    lines = [
        Curve(name, z.tolist(), values[:, 0].tolist(), colour=i)
        for i, (name, values) in enumerate({"value": y, "slope": slope}.items())
    ]
    return charts(plot("", lines, ("z", "")))


def _plain(x: Any) -> Any:
    return np.asarray(x.value if isinstance(x, Tensor) else x)
