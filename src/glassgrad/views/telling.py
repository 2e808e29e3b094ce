"""Which features tell most: the weights of a linear model, the mean slopes of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.errors import DataError
from glassgrad.tensors import tensor
from glassgrad.views.scores import short

Array = np.ndarray[Any, Any]
_ROWS = 512
"""Rows over which slopes are averaged."""


@dataclass(frozen=True)
class Telling:
    """What speaks for one output and what against it.

    Attributes
    ----------
    name : str
        The class, or the number that is predicted.
    features : tuple of (str, float)
        Names with weights, from the one that speaks most for it to the one that speaks most against it.

    Examples
    --------
    >>> telling = Telling("spam", (("free", 4.0), ("money", 2.0), ("meeting", -3.0)))
    >>> telling.most(1)
    [('free', 4.0), ('meeting', -3.0)]
    >>> telling.lines()
    ['for spam: free +4, money +2', 'against spam: meeting -3']
    """

    name: str
    features: tuple[tuple[str, float], ...]

    def most(self, top: int) -> list[tuple[str, float]]:
        """At most `top` that speak for it, then at most `top` that speak against it, the strongest last."""
        for_it, against = ([f for f in self.features if (f[1] > 0) == positive] for positive in (True, False))
        return [*for_it[:top], *(against[-top:] if top else [])]

    def lines(self, width: int = 80) -> list[str]:
        """One line for what speaks for it and one for what speaks against it, as many as fit."""
        parts = {
            f"for {short(self.name)}": [f for f in self.features if f[1] > 0],
            f"against {short(self.name)}": [f for f in reversed(self.features) if f[1] < 0],
        }
        return [_line(f"{head}:", features, width) for head, features in parts.items() if features]

    def to_plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"name": self.name, "features": [list(f) for f in self.features]}


def _line(text: str, features: Sequence[tuple[str, float]], width: int) -> str:
    for i, (name, value) in enumerate(features):
        part = f"{',' if i else ''} {short(name, 28)} {value:+.2g}"
        if len(text) + len(part) > width:
            break
        text += part
    return text


def from_plain(entry: Any) -> Telling:
    """What `Telling.to_plain` gave this of.

    Raises
    ------
    DataError
        When this is nothing of the kind.
    """
    try:
        return Telling(str(entry["name"]), tuple((str(name), float(value)) for name, value in entry["features"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"its most telling features are damaged: {error}") from error


def effects(net: nn.Layer, X: Any) -> Array:
    """How much each output moves with each feature: shape (features, outputs).

    For a linear layer these are its weights; otherwise the slopes ∂output/∂feature, averaged over up to 512 rows
    that lie evenly in X.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import nn
    >>> layer = nn.Linear(2, 1)
    >>> layer.W.value = [[3.0], [-1.0]]
    >>> effects(layer, np.zeros((4, 2), np.float32)).ravel().tolist()
    [3.0, -1.0]
    """
    if isinstance(net, nn.Linear):
        return np.asarray(net.W.value, np.float64)
    some = X[np.unique(np.linspace(0, X.shape[0] - 1, min(_ROWS, X.shape[0])).astype(int))]
    rows = np.asarray(some.toarray() if hasattr(some, "toarray") else some).reshape(some.shape[0], -1)
    rows = rows.astype(net.parameters()[0].dtype)
    columns = []
    outputs = np.asarray(net(rows[:1]).value).shape[-1]
    for k in range(outputs):
        x = tensor(rows, "x")
        np.sum(net(x)[:, k]).backward()
        columns.append(np.zeros(rows.shape[1]) if x.grad is None else np.asarray(x.grad, np.float64).mean(axis=0))
    return np.stack(columns, axis=1)


def telling(net: nn.Layer, X: Any, names: Sequence[str], outputs: Sequence[str], top: int = 20) -> list[Telling]:
    """The features that tell most, for each output.

    Parameters
    ----------
    net : nn.Layer
        The fitted network.
    X : array or CSR matrix
        Rows as the network takes them; features of one size each, so that weights can be compared.
    names : sequence of str
        The features.
    outputs : sequence of str
        The classes, or the name of the number. Two classes that share one output are told as the second class.
    top : int
        How many features to keep for each output, and how many against it.
    """
    weights = effects(net, X)
    if weights.shape[1] == 1 and len(outputs) == 2:
        outputs = outputs[1:]
    found = []
    for k, output in enumerate(outputs):
        w = weights[:, k]
        order = np.argsort(-w, kind="stable")
        kept = np.unique(np.r_[np.arange(len(w))[:top], np.arange(len(w))[len(w) - top if len(w) > top else 0 :]])
        found.append(Telling(str(output), tuple((str(names[j]), float(w[j])) for j in order[kept] if w[j])))
    return found
