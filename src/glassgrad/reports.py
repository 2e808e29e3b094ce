"""What a gradient check found, as numbers and as a table."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from glassgrad.displays import Shown
from glassgrad.errors import GradientError

Verdict = Literal["ok", "wrong", "kink crossed", "not finite"]


@dataclass(frozen=True, slots=True)
class Check(Shown):
    """One gradient compared with finite differences.

    ``part`` is what was checked ("gate", "input", "forward mode" or "order 2"), ``name`` the wire,
    ``gate`` its gate, ``operand`` the operand's name; ``error`` the relative error at the worst
    element, ``index`` that element, ``analytic`` and ``numerical`` its two values there, ``step``
    the step of the difference.
    """

    part: str
    name: str
    gate: str
    operand: str
    error: float
    index: tuple[int, ...]
    analytic: float
    numerical: float
    step: float
    verdict: Verdict
    location: Any = None


@dataclass(frozen=True)
class GradientReport(Shown):
    """What `check_gradient` found; falsy if anything is wrong.

    Attributes
    ----------
    checks : list of Check
        One entry a gate and operand, and one an input of the whole graph.
    tolerance : float
        Largest relative error that passes.
    skipped : int
        Gates left out of a very large graph, drawn at random with the seed.
    graph : Graph or None
        What was checked, in float64; `gg.draw` marks its gates right or wrong.
    """

    checks: list[Check]
    tolerance: float
    skipped: int = 0
    graph: Any = field(default=None, repr=False, compare=False)
    bad: list[Check] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bad", [c for c in self.checks if c.verdict in ("wrong", "not finite")])

    def __bool__(self) -> bool:
        return not self.bad

    @property
    def wrong_gates(self) -> list[str]:
        """Names of the gates whose own rule is wrong, each once."""
        return list(dict.fromkeys(c.gate for c in self.bad if c.part != "input"))

    @property
    def worst(self) -> Check | None:
        """The check with the largest relative error."""
        return max(self.checks, key=lambda c: c.error if c.error == c.error else math.inf, default=None)

    def raise_if_wrong(self) -> None:
        """Raise a `GradientError` with the report's text if anything is wrong."""
        if not self:
            raise GradientError(str(self))

    def __repr__(self) -> str:
        found = "all right" if self else f"{len(self.bad)} wrong"
        return f"<GradientReport of {len(self.checks)} checks, {found}>"

    def __str__(self) -> str:
        head = f"{'part':<13}{'wire':<16}{'gate':<14}{'operand':<13}{'rel. error':<11}verdict"
        lines = [head, "─" * 80]
        for c in self.bad + [c for c in self.checks if c not in self.bad]:
            lines.append(
                f"{c.part:<13}{_cut(c.name, 15):<16}{_cut(c.gate, 13):<14}{_cut(c.operand, 12):<13}"
                f"{c.error:<11.1e}{c.verdict}"
            )
            if c.verdict != "ok":
                element = f" element {c.index}:" if c.index else ""
                said = f"  └{element} analytic {c.analytic:.7g}, numerical {c.numerical:.7g}"
                where = f"at {c.location}" if c.location is not None else ""
                lines += [f"{said} {where}"] if len(said) + len(where) < 80 else [said, f"    {where}"]
        if self:
            kinks = sum(c.verdict == "kink crossed" for c in self.checks)
            worst = max((c.error for c in self.checks if c.verdict == "ok"), default=0.0)
            lines.append(f"all {len(self.checks) - kinks} gradients agree with finite differences, worst {worst:.1e}")
            if kinks:
                lines.append(f"{kinks} more sit on a kink, between its two slopes")
        elif self.wrong_gates:
            lines.append(f"wrong: the rule of {', '.join(self.wrong_gates)}")
        else:
            lines.append("wrong, though every gate alone is right: the function does not repeat itself")
        if self.skipped:
            lines.append(f"{self.skipped} gates were left out of the check; raise max_gates to include them")
        return "\n".join(lines)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
