"""What training costs: floating-point operations counted on the graphs, and how fast they were done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glassgrad.costs import flops_of, work_of
from glassgrad.displays import Shown
from glassgrad.graphs import Graph
from glassgrad.wire import topological


@dataclass(frozen=True, slots=True)
class TrainingCost(Shown):
    """The work of a run; printing it takes one line.

    Attributes
    ----------
    forward : int
        Floating-point operations from a full batch to its loss, counted on the graph.
    step : int
        Those of the whole step: forward, backward and update. For L-BFGS of one loss with its gradients.
    total : int
        Those of all steps of the run.
    seconds : float
        What the steps took.
    dtype : str
        In which they were computed.
    threads : int or None
        On how many threads; None where NumPy itself chose.
    """

    forward: int
    step: int
    total: int
    seconds: float
    dtype: str
    threads: int | None

    @property
    def ratio(self) -> float:
        """The whole step ÷ its forward pass."""
        return self.step / self.forward if self.forward else 0.0

    @property
    def flops_per_second(self) -> float:
        """Floating-point operations a second, in the steps."""
        return self.total / self.seconds if self.seconds > 0 else 0.0

    @property
    def share_of_peak(self) -> float:
        """That ÷ what as many threads reach in a matrix product on this machine, measured when first asked for."""
        from glassgrad.native.peak import peak  # imports the compiler, so only when it is asked for

        return self.flops_per_second / peak(self.dtype, self.threads or 1)

    def __str__(self) -> str:
        text = f"{self.step:,} operations a step ({self.ratio:.1f} × forward)"
        if self.seconds > 0:
            text += f", {self.flops_per_second / 1e9:,.3g} GFLOP/s"
            text += "" if self.threads is None else f", {self.share_of_peak:.1%} of peak"
        return text


def training_cost(work: Sequence[tuple[Graph, int]], seconds: float, threads: int | None) -> TrainingCost:
    """Count the work of some steps.

    Parameters
    ----------
    work : sequence of (Graph, int)
        The step graphs that were run, that of a full batch first, and how often.
    seconds : float
        How long.
    threads : int or None
        On how many threads; None where NumPy chose.
    """
    graph = work[0][0]
    loss, inputs = graph.outputs[0], {w.serial for w in graph.inputs}
    forward = sum(flops_of(w) for w in topological([loss], stop=graph.inputs) if w.serial not in inputs)
    counted = [(work_of(g).flops, times) for g, times in work]
    total = sum(flops * times for flops, times in counted)
    return TrainingCost(forward, counted[0][0], total, seconds, str(loss.dtype), threads)
