"""Bugs of backpropagation with which the loss falls all the same, and the check that catches each.

One network is written out by hand: h = tanh(XW + b), s = h + tanh(hU), ŷ = sV + c, with half the squared error. Each
step of its backward pass that people get wrong is a function of its own, so that a bug is another function.
"""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import plots
from glassgrad.data import digits
from glassgrad.differences import numerical_gradient
from glassgrad.tensors import Tensor
from glassgrad.worked.record import Example

Array = np.ndarray[Any, Any]
Weights = dict[str, Array]
ROWS, UNITS, STEPS, RATE = 200, 8, 800, 0.01
_CHECKED = 20  # rows on which gradients are checked
WRONG = 1e-5
"""Relative error above which a gradient is wrong; right ones come to about 1e-9."""


def slope_of_tanh(z: Array) -> Array:
    """tanh′ from its own output."""
    return 1 - z**2


def branches_added(first: Array, second: Array) -> Array:
    """What a wire gets that goes to two places."""
    return first + second


def bias_summed(delta: Array) -> Array:
    """A bias is used by every row."""
    return delta.sum(axis=0)


def delta_as_it_is(delta: Array) -> Array:
    """δ of the hidden layer."""
    return delta


def mean_over_rows(error: Array) -> Array:
    """δ of the output, where the loss is a mean."""
    return error / len(error)


def branches_overwritten(first: Array, second: Array) -> Array:
    """The gradient that comes last replaces the other."""
    return second


def visited_too_early(first: Array, second: Array) -> Array:
    """Without a topological order h hands on what it has before the second branch has come back."""
    return first


def slope_forgotten(z: Array) -> Array:
    """The gate is passed as if it were straight."""
    return np.ones_like(z)


def slope_misread(z: Array) -> Array:
    """As one of the lectures has it in print."""
    return (1 - z) ** 2


def bias_forgotten(delta: Array) -> Array:
    """Biases stay where they began."""
    return np.zeros(delta.shape[1])


def delta_turned(delta: Array) -> Array:
    """Y - ŷ and ŷ - y mixed up on the way down."""
    return -delta


def sum_over_rows(error: Array) -> Array:
    """The loss is divided by N, its gradient is not."""
    return error


@dataclass(frozen=True)
class Rules:
    """The steps of the backward pass that can be wrong."""

    slope: Callable[[Array], Array] = slope_of_tanh
    join: Callable[[Array, Array], Array] = branches_added
    bias: Callable[[Array], Array] = bias_summed
    hidden: Callable[[Array], Array] = delta_as_it_is
    error: Callable[[Array], Array] = mean_over_rows


RIGHT = Rules()


@dataclass(frozen=True)
class Bug:
    """One mistake: its name, what it is, and the rule that it puts in the place of the right one."""

    name: str
    title: str
    rules: Rules
    rate: float = RATE

    @property
    def lines(self) -> tuple[str, str]:
        """The right line and the wrong one."""
        pairs = [(getattr(RIGHT, n), getattr(self.rules, n)) for n in vars(RIGHT)]
        right, wrong = next((a, b) for a, b in pairs if a is not b)
        return _line(right), _line(wrong)


BUGS = (
    Bug("overwritten", "a gradient overwritten, not added, where a wire branches", Rules(join=branches_overwritten)),
    Bug("no-order", "no topological order: a wire hands on before all has come back", Rules(join=visited_too_early)),
    Bug("no-slope", "the slope of the unit, σ′, forgotten", Rules(slope=slope_forgotten)),
    Bug("no-bias", "the gradient of the bias forgotten", Rules(bias=bias_forgotten)),
    Bug("wrong-sign", "the sign of δ turned in the hidden layer", Rules(hidden=delta_turned)),
    Bug("no-mean", "1/N missing", Rules(error=sum_over_rows), rate=RATE / ROWS),
    Bug("misread-slope", "(1 - z)² for 1 - z²", Rules(slope=slope_misread)),
)
"""The bugs, in the order in which they are shown."""


def _line(rule: Callable[..., Any]) -> str:
    return inspect.getsource(rule).strip().splitlines()[-1].strip().removeprefix("return ")


def start(seed: int = 0) -> Weights:
    """First weights."""
    rng = np.random.default_rng(seed)
    shapes = {"W": (64, UNITS), "b": (UNITS,), "U": (UNITS, UNITS), "V": (UNITS, 10), "c": (10,)}
    return {n: rng.normal(size=shape) / np.sqrt(shape[0]) if len(shape) == 2 else np.full(shape, 0.1)
            for n, shape in shapes.items()}  # fmt: skip


def loss(weights: Weights, X: Array, y: Array) -> float:
    """Half the squared error, the mean over rows."""
    return float(np.mean(np.sum((_forward(weights, X)[-1] - y) ** 2, axis=1)) / 2)


def _forward(weights: Weights, X: Array) -> tuple[Array, Array, Array, Array]:
    h = np.tanh(X @ weights["W"] + weights["b"])
    t = np.tanh(h @ weights["U"])
    s = h + t
    return h, t, s, s @ weights["V"] + weights["c"]


def backward(weights: Weights, X: Array, y: Array, rules: Rules = RIGHT) -> Weights:
    """The gradient by hand, by these rules."""
    h, t, s, out = _forward(weights, X)
    delta = rules.error(out - y)
    ds = delta @ weights["V"].T
    dt = rules.slope(t) * ds
    dh = rules.hidden(rules.slope(h) * rules.join(ds, dt @ weights["U"].T))
    return {"W": X.T @ dh, "b": rules.bias(dh), "U": h.T @ dt, "V": s.T @ delta, "c": rules.bias(delta)}


@functools.cache
def data() -> tuple[Array, Array]:
    """Some digits, and a 1 among zeros for each."""
    X, y = digits()
    return X[:ROWS].astype(np.float64), np.eye(10)[y[:ROWS]]


@functools.cache
def trained(rules: Rules, rate: float) -> tuple[float, ...]:
    """The loss before each step, and at the end."""
    weights, (X, y), losses = start(), data(), []
    for _ in range(STEPS):
        losses.append(loss(weights, X, y))
        weights = {n: w - rate * backward(weights, X, y, rules)[n] for n, w in weights.items()}
    return (*losses, loss(weights, X, y))


def errors(rules: Rules) -> dict[str, float]:
    """For each array of weights: how far the gradient by these rules is from the numerical one, relative to both."""
    weights, (X, y) = start(), data()
    X, y = X[:_CHECKED], y[:_CHECKED]
    analytic = backward(weights, X, y, rules)
    found = {}
    for name, w in weights.items():
        numeric = numerical_gradient(lambda v, name=name: loss({**weights, name: v}, X, y), w)
        size = np.linalg.norm(analytic[name]) + np.linalg.norm(numeric)
        found[name] = float(np.linalg.norm(analytic[name] - numeric) / size) if size else 0.0
    return found


def branching(h: Any, u: Any, y: Any) -> Tensor:
    """A number that goes to two places gets two gradients, and they add: forget that, and most things still learn.

    Below, seven bugs of a backward pass written by hand: with each of them the loss falls, and a numerical gradient
    gives each of them away.
    """
    return np.square(h + np.tanh(h * u) - y) / 2


def gallery(out: Tensor, width: int) -> str:
    """Every bug: the line, what training makes of it, and what the check says."""
    right = trained(RIGHT, RATE)
    lines = textwrap.wrap(
        f"{ROWS} digits, h = tanh(XW + b), s = h + tanh(hU), ŷ = sV + c, {STEPS} steps. By the right rules the loss "
        f"falls from {right[0]:.3f} to {right[-1]:.3f}, and its gradient is {max(errors(RIGHT).values()):.0e} from the "
        "numerical one.", width,
    )  # fmt: skip
    for number, bug in enumerate(BUGS, 1):
        losses, off, (good, bad) = trained(bug.rules, bug.rate), errors(bug.rules), bug.lines
        wrong = ", ".join(f"{n} {100 * e:.0f} %" for n, e in off.items() if e > WRONG)
        lines += ["", *textwrap.wrap(f"{number}  {bug.title}", width, subsequent_indent="   ")]
        lines += [f"   right  {good}", f"   wrong  {bad}"]
        lines += [f"   loss   {losses[0]:.3f} → {losses[-1]:.3f}: it falls all the same"]
        lines += textwrap.wrap(f"   check  wrong by {wrong}", width, subsequent_indent="          ")
    return "\n".join(lines)


@plots.styled
def picture() -> Any:
    """A small curve for each bug, beside that of the right gradient."""
    figure, axes = plots.figure(2, 4, (13, 6), sharex=True, sharey=True)
    right = trained(RIGHT, RATE)
    for place, bug, color in zip(axes.flat, BUGS, (*plots.COLORS, plots.BLUE), strict=False):
        place.plot(right, color=plots.SOFT, lw=1.2, ls="--")
        place.plot(trained(bug.rules, bug.rate), color=color)
        good, bad = bug.lines
        place.set(title=bug.name.replace("-", " "), ylim=(0, 1.6))
        place.text(0.97, 0.95, f"{good}\nwrong: {bad}", transform=place.transAxes, ha="right", va="top", fontsize=8,
                   color=plots.INK, family="monospace")  # fmt: skip
        worst = max(errors(bug.rules).values())
        place.text(0.97, 0.66, f"check: {100 * worst:.0f} % off", transform=place.transAxes, ha="right", fontsize=9,
                   color=plots.ORANGE)  # fmt: skip
    last = axes.flat[-1]
    last.plot(right, color=plots.SOFT, lw=1.2, ls="--")
    last.set_title("the right gradient")
    last.text(0.97, 0.95, f"check: {max(errors(RIGHT).values()):.0e}", transform=last.transAxes, ha="right", va="top",
              fontsize=9, color=plots.GREEN)  # fmt: skip
    figure.suptitle("Dashed: by the right gradient", x=0.01, ha="left", color=plots.SOFT, fontsize=10)
    figure.supxlabel("step", color=plots.SOFT)
    figure.supylabel("loss", color=plots.SOFT)
    return figure


EXAMPLES = (
    Example(
        "bugs", "Seven bugs with which the loss falls anyway", "S5", branching, {"h": 0.5, "u": 2.0, "y": 2.0}, gallery,
        picture=picture,
    ),
)  # fmt: skip
