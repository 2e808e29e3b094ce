"""The elbows of a network of one input: where each hidden unit bends, and by how much the function bends there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import plots
from glassgrad.errors import DataError
from glassgrad.geometry.lines import Passed, Pieces, number, walk

Array = np.ndarray[Any, Any]
_SHOWN = 6  # elbows of a unit in a line of text


@dataclass(frozen=True, eq=False)
class Elbows:
    """Where the hidden units of a network of one input bend, within an interval.

    Attributes
    ----------
    layer, unit : int arrays of shape (k,)
        Which unit of which layer (its place in the network) has the elbow; from left to right within a layer.
    position : float64 array of shape (k,)
        Where: −b/w in the first layer. A unit of a later layer can have several elbows.
    change : float64 array of shape (k, outputs)
        By how much the slope of the function changes there; what units that bend at one place change together.
    states : dict of (layer, unit) to str
        "bends"; "straight", on one side of its kink all along; "flat", fed a constant, which it passes on; "dead",
        with an output that never changes, so that no gradient passes: a ReLU unit that is never active.
    function : Pieces
        The function itself.
    low, high : float
        The interval.

    """

    layer: Array
    unit: Array
    position: Array
    change: Array
    states: dict[tuple[int, int], str]
    function: Pieces
    low: float
    high: float

    def named(self, state: str) -> list[tuple[int, int]]:
        """The units in this state, as (layer, unit)."""
        return [key for key, found in self.states.items() if found == state]

    @property
    def dead(self) -> list[tuple[int, int]]:
        """The units whose output never changes."""
        return self.named("dead")

    @property
    def flat(self) -> list[tuple[int, int]]:
        """The units that are fed a constant and pass it on."""
        return self.named("flat")

    @property
    def straight(self) -> list[tuple[int, int]]:
        """The units that do not bend in the interval."""
        return self.named("straight")

    def __len__(self) -> int:
        return len(self.position)

    def text(self) -> str:
        """A line for each unit."""
        counts = ", ".join(f"{len(units)} {s}" for s in ("dead", "flat", "straight") if (units := self.named(s)))
        where = "on all real numbers" if np.isinf([self.low, self.high]).all() else self._interval()
        head = f"{len(self.states)} hidden units, {len(self)} elbows {where}" + (f"; {counts}" if counts else "")
        lines = [head, "", f"{'unit':<8}{'':<10}elbows, and by how much the slope changes there", "─" * 78]
        for (layer, unit), state in self.states.items():
            mine = (self.layer == layer) & (self.unit == unit)
            parts = [
                f"{number(x)} ({', '.join(f'{c:+.3g}'.replace('-', '−') for c in change)})"
                for x, change in zip(self.position[mine], self.change[mine], strict=True)
            ]
            left = len(parts) - _SHOWN
            more = f" and {left} more" if left > 0 else ""
            said = "" if state == "bends" else state
            lines.append(f"{f'{layer}.{unit}':<8}{said:<10}{'  '.join(parts[:_SHOWN])}{more}".rstrip())
        return "\n".join(lines)

    def _interval(self) -> str:
        return f"in [{number(self.low)}, {number(self.high)}]"

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Elbows: {len(self)} of {len(self.states)} units>"

    @plots.styled
    def picture(self) -> Any:
        """The function with its slope, and a row of ticks for the elbows of each layer; a matplotlib figure."""
        ends = self.position if len(self) else self.function.places
        room = 0.1 * float(np.ptp(ends)) or 1.0
        low = ends.min() - room if np.isinf(self.low) else self.low
        high = ends.max() + room if np.isinf(self.high) else self.high
        figure = self.function.picture(low, high)
        top = figure.axes[0]
        layers = sorted({layer for layer, _ in self.states})
        for row, layer in enumerate(layers):
            color = plots.COLORS[(row + 1) % len(plots.COLORS)]
            ticks(top, self.position[self.layer == layer], color, row, f"elbows of layer {layer}")
        bottom, top_ = top.get_ylim()
        top.set_ylim(bottom - 0.07 * len(layers) * (top_ - bottom), top_)
        top.legend(loc="best")
        return figure


def ticks(axes: Any, positions: Array, color: str, row: int = 0, label: str | None = None) -> None:
    """Elbows as ticks along the foot of a picture, one row above the other."""
    axes.vlines(
        positions, 0.015 + 0.055 * row, 0.055 + 0.055 * row, transform=axes.get_xaxis_transform(), color=color, lw=1.4,
        label=label,
    )  # fmt: skip


def elbows(net: Any, low: float = -np.inf, high: float = np.inf) -> Elbows:
    """The elbows of a network of one input: for each hidden unit where it bends, and units that are dead or flat.

    Parameters
    ----------
    net : nn.Layer, Trainer or fitted MLP
        See `pieces`.
    low, high : float
        The interval that is looked at; by default all real numbers. A unit may be dead there and alive elsewhere.

    Returns
    -------
    Elbows
        Printing it shows a line for each unit; `.picture()` draws it.

    Raises
    ------
    DataError
        When the interval is empty.
    ShapeError, UnsupportedError
        For networks of more inputs, and layers that are not made of straight pieces.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> net = gg.nn.Sequential(gg.nn.Linear(1, 3), gg.nn.ReLU(), gg.nn.Linear(3, 1))
    >>> net[0].W.value, net[0].b.value = np.array([[1.0, -2.0, 0.0]]), np.array([-0.25, 1.0, -1.0])
    >>> net[2].W.value, net[2].b.value = np.array([[3.0], [1.0], [1.0]]), np.zeros(1)
    >>> print(gg.geometry.elbows(net, 0, 1))
    3 hidden units, 2 elbows in [0, 1]; 1 dead
    <BLANKLINE>
    unit              elbows, and by how much the slope changes there
    ──────────────────────────────────────────────────────────────────────────────
    1.0               0.25 (+3)
    1.1               0.5 (+2)
    1.2     dead
    """
    if not low < high:
        raise DataError(f"elbows: the interval from {low} to {high} is empty")
    line = walk(net, [0.0], [1.0])
    function = Pieces(line.t, line.values, line.slopes)
    rows: list[tuple[Array, Array, Array]] = []
    states: dict[tuple[int, int], str] = {}
    for layer in line.passed:
        place, unit = np.nonzero(layer.sections[1:] != layer.sections[:-1])
        where = layer.places[place]
        inside = (where >= low) & (where <= high)
        rows.append((np.full(inside.sum(), layer.layer), unit[inside], where[inside]))
        states |= _states(layer, low, high, set(unit[inside].tolist()))
    of, unit, position = (np.concatenate(part) for part in zip(*rows, strict=True)) if rows else np.zeros((3, 0))
    at = np.searchsorted(function.places, position)
    change = np.diff(function.between, axis=0)[at]
    return Elbows(of.astype(int), unit.astype(int), position, change, states, function, float(low), float(high))


def _states(layer: Passed, low: float, high: float, bending: set[int]) -> dict[tuple[int, int], str]:
    """What each unit of a layer does in an interval."""
    ends = np.concatenate([[-np.inf], layer.places, [np.inf]])
    seen = (ends[:-1] < high) & (ends[1:] > low)
    active, moved = (np.any(part[seen] != 0, axis=0).tolist() for part in (layer.gains, layer.slopes))
    found = {}
    for unit in range(layer.sections.shape[1]):
        state = "bends" if unit in bending else "straight" if active[unit] and moved[unit] else "flat"
        found[layer.layer, unit] = "dead" if not active[unit] else state
    return found
