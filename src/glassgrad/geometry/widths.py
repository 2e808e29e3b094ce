"""Error against width: networks that learn a function, beside those that are made, and the bound of the latter."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.errors import DataError
from glassgrad.geometry.constructing import made_of, target_of, units_of
from glassgrad.geometry.construction import Construction
from glassgrad.geometry.measuring import measured
from glassgrad.geometry.modulus import continuity
from glassgrad.geometry.students import learned
from glassgrad.geometry.study_pictures import width_picture
from glassgrad.geometry.target import Target
from glassgrad.plots import embedded
from glassgrad.train.inputs import positive
from glassgrad.views.numbers import number

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class WidthStudy:
    """The largest error of learned and of made networks, for several widths; printing it shows a table.

    Attributes
    ----------
    widths : tuple of int
        ReLUs.
    made : list of Construction or None
        For each width the interpolation with as many ReLUs, or as few less as there are; None below the least.
    constructed : array of shape (widths,)
        Their largest measured errors; nan where there is none.
    learned : array of shape (widths, seeds)
        The largest measured errors of networks with one hidden layer, trained from several seeds.
    networks : list of lists of callables
        The learned networks as functions of arrays, for each width and seed.
    """

    target: Target
    widths: tuple[int, ...]
    made: list[Construction | None]
    constructed: Array
    learned: Array
    steps: int
    networks: list[list[Callable[..., Array]]] = field(repr=False)

    @property
    def bounds(self) -> Array:
        """The proven bounds of the made networks."""
        return np.array([np.nan if made is None else made.sup for made in self.made])

    def picture(self) -> Any:
        """A matplotlib figure: error against width; on an interval also the functions at one width."""
        return width_picture(self)

    def __str__(self) -> str:
        lines = [
            f"largest |f - net|, {self.learned.shape[1]} seeds each, {self.steps:,} steps of Adam",
            "",
            f"{'':>6} │ {'made':^22} │ {'learned':^32}",
            f"{'ReLUs':>6} │ {'proven':>10}  {'measured':>10} │ {'best':>10} {'median':>10} {'worst':>10}",
            "─" * 7 + "┼" + "─" * 24 + "┼" + "─" * 33,
        ]
        for width, bound, made, errors in zip(self.widths, self.bounds, self.constructed, self.learned, strict=True):
            cells = [number(x) if np.isfinite(x) else "" for x in (bound, made)]
            found = [number(x) for x in (errors.min(), np.median(errors), errors.max())]
            lines.append(f"{width:>6} │ {cells[0]:>10}  {cells[1]:>10} │ " + " ".join(f"{x:>10}" for x in found))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>{embedded(self.picture())}"


def width_study(
    f: Callable[..., Any],
    low: float | Sequence[float] = 0.0,
    high: float | Sequence[float] = 1.0,
    *,
    lipschitz: float | None = None,
    modulus: Any = None,
    widths: Sequence[int] = (4, 8, 16, 32, 64, 128),
    seeds: int = 5,
    steps: int = 20_000,
    rate: float = 0.01,
) -> WidthStudy:
    """Let networks of one hidden layer learn a function, and compare them with those made for it.

    That a wide enough network can approximate f says nothing of what training finds. The made networks keep their
    proven bounds; the learned ones have none, and depend on the seed, but may put their elbows where f bends.

    Parameters
    ----------
    f, low, high, lipschitz, modulus
        As for `constructed`.
    widths : sequence of int
        ReLUs in the hidden layer. On a rectangle the made network has them in two.
    seeds : int
        Networks of each width.
    steps, rate
        Of Adam, on 64 of 1,025 values on an interval, or of 49 × 49 on a rectangle; the rate falls along a cosine.

    Returns
    -------
    WidthStudy

    Examples
    --------
    >>> from glassgrad import geometry
    >>> study = geometry.width_study(abs, -1, 1, lipschitz=1, widths=(4, 16), seeds=2, steps=500)
    >>> bool((study.constructed <= study.bounds).all()), study.learned.shape
    (True, (2, 2))
    """
    target = target_of(f, low, high, continuity(lipschitz, modulus), "interpolation", (), np.float64)
    if not widths or any(positive(w, "widths") > 10_000 for w in widths):
        raise DataError(f"widths are whole numbers from 1 to 10,000, at least one, and not {widths!r}")
    made = [_within(target, width) for width in widths]
    target.check(max((m.cells for m in made if m is not None), default=(1,) * target.dims))
    networks = [
        [learned(target, width, positive(steps, "steps"), rate, seed) for seed in range(positive(seeds, "seeds"))]
        for width in widths
    ]
    marks = next((m.plan.marks for m in made[::-1] if m is not None), (np.empty(0),) * target.dims)
    errors = [[measured(target, net, marks, np.float64).sup for net in row] for row in networks]
    found = np.array([np.nan if m is None else m.measure().sup for m in made])
    return WidthStudy(target, tuple(widths), made, found, np.array(errors), steps, networks)


def _within(target: Target, units: int) -> Construction | None:
    """The interpolation with the most cells, as many along each axis, and at most so many ReLUs."""
    n = 0
    while units_of((n + 1,) * target.dims, "interpolation") <= units:
        n += 1
    return made_of(target, (n,) * target.dims, "interpolation", 0.1, np.float64) if n else None
