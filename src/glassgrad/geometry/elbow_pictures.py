"""Pictures of elbow runs: the function and its elbows, slopes, errors, and elbows against step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad import plots
from glassgrad.errors import OperandError
from glassgrad.geometry.bends import ticks

if TYPE_CHECKING:
    from glassgrad.geometry.zigzag_run import ElbowRun

OUTPUT, ALL = plots.ORANGE, plots.BLUE


@plots.styled
def run_picture(run: ElbowRun, look: int = -1) -> Any:
    """One run: the function with its elbows at a look, its slope, the errors, and the elbows over training."""
    figure, ((top, errors), (below, paths)) = plots.figure(2, 2, (11.4, 6.8), width_ratios=(5, 4))
    _function(top, run, look, plots.BLUE)
    top.set(title=f"{run.title}: step {run.steps[look]:,}", xlabel="x")
    top.legend(loc="upper right", ncols=3, fontsize=9)
    low, high = _range(run)
    function = run.function(look)
    inside = function.breakpoints[(function.breakpoints > low) & (function.breakpoints < high)]
    ends = np.array([low, *inside, high])
    below.axhline(0, color=plots.LINE, lw=1)
    below.stairs(function.slope((ends[1:] + ends[:-1]) / 2)[:, 0], ends, baseline=None, color=plots.BLUE, lw=1.8)
    below.set(title="Slope of the function", xlabel="x", xlim=(low, high))
    _errors(errors, run, plots.BLUE)
    errors.set(title="Errors", xlabel="step")
    errors.legend(loc="upper right", fontsize=9)
    _paths(paths, run)
    paths.set(title="Elbows while it learns, stronger where steeper", xlabel="step", ylabel="x")
    figure.get_layout_engine().set(hspace=0.06, wspace=0.04)
    return figure


@plots.styled
def elbow_picture(runs: Sequence[ElbowRun]) -> Any:
    """Runs two by two, the output layer alone and all layers: functions, elbows over training, errors.

    Parameters
    ----------
    runs : sequence of ElbowRun
        As `elbow_runs` returns them.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OperandError
        When they are not pairs.

    Examples
    --------
    >>> import glassgrad as gg
    >>> figure = gg.geometry.elbow_picture(gg.geometry.elbow_runs([10], steps=20, look_every=10))
    >>> [axes.get_title('left') for axes in figure.axes[:2]]
    ['10 units, output layer only', '10 units, all layers']
    """
    if not runs or len(runs) % 2:
        raise OperandError(f"elbow_picture takes runs in pairs, as elbow_runs returns them; got {len(runs)}")
    pairs = list(zip(runs[::2], runs[1::2], strict=True))
    size = (4.4 * len(pairs) + 0.4, 11.2)
    figure, grid = plots.figure(4, len(pairs), size, squeeze=False, height_ratios=(4, 4, 4, 3.4), sharey="row")
    for column, (output, every) in enumerate(pairs):
        for row, (run, color) in enumerate(((output, OUTPUT), (every, ALL))):
            _function(grid[row, column], run, -1, color)
            grid[row, column].set(title=run.title)
        _paths(grid[2, column], every)
        grid[2, column].set(title="Elbows, all layers, stronger where steeper", xlabel="step")
        _errors(grid[3, column], output, OUTPUT)
        _errors(grid[3, column], every, ALL)
        grid[3, column].set(title="Errors", xlabel="step")
    grid[2, 0].set_ylabel("x")
    grid[0, 0].legend(loc="upper left", ncols=3, fontsize=8, bbox_to_anchor=(0, 1.0), borderaxespad=0.2)
    for text, color in (("output layer only", OUTPUT), ("all layers", ALL)):
        grid[3, -1].plot([], color=color, label=text)
    for text, style in (("on the rows learned from", "-"), ("on held-out rows", ":")):
        grid[3, -1].plot([], style, color=plots.SOFT, label=text)
    grid[3, -1].legend(*_last(grid[3, -1], 4), loc="upper right", fontsize=8)
    figure.get_layout_engine().set(hspace=0.05, wspace=0.04)
    return figure


def _last(axes: Any, count: int) -> tuple[list[Any], list[str]]:
    """The legend's entries that were named last."""
    handles, names = axes.get_legend_handles_labels()
    return handles[-count:], names[-count:]


def _range(run: ElbowRun) -> tuple[float, float]:
    low, high = float(run.X.min()), float(run.X.max())
    room = 0.02 * (high - low)
    return low - room, high + room


def _function(axes: Any, run: ElbowRun, look: int, color: str) -> None:
    """The rows, the function, and its elbows as ticks at the foot."""
    low, high = _range(run)
    function = run.function(look)
    x = np.array([low, *function.breakpoints[(function.breakpoints > low) & (function.breakpoints < high)], high])
    axes.plot(run.X[:, 0], run.y[:, 0], ".", color=plots.SOFT, ms=5, mew=0, alpha=0.5, label="rows")
    axes.plot(x, function(x)[:, 0], color=color, label="network", lw=2)
    positions = run.positions[look]
    shown = positions[(positions >= low) & (positions <= high)]
    ticks(axes, shown, plots.INK, label="elbows")
    bottom, top = run.y.min(), run.y.max()
    axes.set(xlim=(low, high), ylim=(bottom - 0.2 * (top - bottom), top + 0.25 * (top - bottom)))


def _errors(axes: Any, run: ElbowRun, color: str) -> None:
    axes.plot(run.steps, run.train_error, color=color, label="rows learned from", lw=1.5)
    axes.plot(run.steps, run.test_error, ":", color=color, label="held-out rows", lw=1.5)
    axes.set(yscale="log")
    axes.yaxis.set_major_locator(_ticker().LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(_ticker().NullLocator())
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    axes.set_xlim(0, run.steps[-1])
    axes.xaxis.set_major_locator(_ticker().MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(_thousands)


def _paths(axes: Any, run: ElbowRun) -> None:
    """Each elbow's way, the stronger the steeper its unit ends up; a unit that is dead in the end is grey."""
    low, high = _range(run)
    positions, dead = run.positions.copy(), run.dead
    positions[1:][run.W[1:] * run.W[:-1] <= 0] = np.nan  # it went through infinity: no line between
    largest = np.abs(run.slopes[-1]).max() or 1.0
    for unit in range(positions.shape[1]):
        strength = 0.3 + 0.7 * min(1.0, abs(run.slopes[-1, unit]) / largest)
        color = plots.SOFT if dead[-1, unit] else plots.BLUE
        axes.plot(run.steps, positions[:, unit], color=color, lw=1.2, alpha=strength)
    axes.set(ylim=(low, high))
    _by_step(axes, run)


def _by_step(axes: Any, run: ElbowRun) -> None:
    """Steps on an axis that is linear up to the first look and logarithmic from there: most happens early."""
    first = max(float(run.steps[1]), 1.0)
    axes.set_xscale("symlog", linthresh=first, linscale=0.4)
    axes.set_xlim(0, run.steps[-1])
    tens = 10.0 ** np.arange(np.ceil(np.log10(first)), np.log10(run.steps[-1]) + 1e-9)
    axes.set_xticks([0, *tens], [_thousands(x) for x in [0, *tens]])
    axes.xaxis.set_minor_locator(_ticker().NullLocator())


def _thousands(steps: float, _: Any = None) -> str:
    return f"{steps / 1000:g}k" if steps >= 1000 else f"{steps:g}"


def _ticker() -> Any:
    from matplotlib import ticker

    return ticker
