"""What a gradient costs: floating-point operations and bytes, counted on the graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from glassgrad.displays import Shown
from glassgrad.graphs import Graph, positions, trace
from glassgrad.transforms import value_and_grad
from glassgrad.trees import flatten
from glassgrad.wire import Wire


@dataclass(frozen=True, slots=True)
class Work(Shown):
    """Floating-point operations, bytes read and written, and runs of the function."""

    flops: int
    bytes: int
    passes: int = 1

    def times(self, n: int) -> Work:
        """The same work, n times over."""
        return Work(self.flops * n, self.bytes * n, self.passes * n)


@dataclass(frozen=True, slots=True)
class Cost(Shown):
    """What the value and the gradient of a function cost, each way.

    Attributes
    ----------
    numbers : int
        How many numbers the gradient is taken by.
    forward : Work
        One run of the function.
    backward : Work
        Forward and backward pass together: all the gradients there are.
    one_sided, central : Work
        The same gradients by finite differences: n + 1 and 2n runs.
    """

    numbers: int
    forward: Work
    backward: Work
    one_sided: Work
    central: Work

    def __str__(self) -> str:
        rows = [
            ("forward", self.forward),
            ("forward and backward", self.backward),
            ("one-sided differences", self.one_sided),
            ("central differences", self.central),
        ]
        head = f"{'':<24}{'runs':>8}{'flops':>14}{'bytes':>14}{'flops / forward':>18}"
        lines = [head, "─" * len(head)]
        for name, work in rows:
            ratio = work.flops / self.forward.flops if self.forward.flops else math.nan
            lines.append(f"{name:<24}{work.passes:>8,}{work.flops:>14,}{work.bytes:>14,}{ratio:>18,.1f}")
        lines.append(f"for the gradient by {self.numbers:,} numbers")
        return "\n".join(lines)


def flops_of(gate: Wire) -> int:
    """Floating-point operations of one gate: its record's own count, or one for each element it works on."""
    op = gate.op
    if op is None:
        return 0
    if op.flops is not None:
        return int(op.flops(*gate.operands, gate, **gate.params))
    if op.kind in ("view", "gather"):
        return 0
    result = sum(math.prod(s.shape) for s in gate.parts) if gate.parts is not None else math.prod(gate.shape)
    return max([result, *(math.prod(x.shape) for x in gate.operands)]) if op.kind != "elementwise" else result


def bytes_of(gate: Wire) -> int:
    """Bytes a gate reads and writes; none for a view, which moves nothing."""
    if gate.op is None or gate.op.kind == "view":
        return 0
    outs = gate.parts if gate.parts is not None else (gate,)
    return sum(math.prod(s.shape) * s.dtype.itemsize for s in (*outs, *gate.operands))


def work_of(graph: Graph) -> Work:
    """The work of one run of a graph."""
    return Work(sum(flops_of(g) for g in graph.gates), sum(bytes_of(g) for g in graph.gates))


def cost(f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] = 0) -> Cost:
    """Count what `f` and its gradient cost, by backpropagation and by finite differences.

    Parameters
    ----------
    f : callable
        Returns one number.
    *args : arrays or trees of them
        Where; only shapes and dtypes matter.
    argnums : int or sequence of int
        Which arguments the gradient is taken by.

    Returns
    -------
    Cost
        Counted on the graphs, not measured: the same on every machine.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> c = gg.cost(lambda W, x: np.sum((W @ x) ** 2), np.ones((4, 4)), np.ones(4))
    >>> c.numbers, c.one_sided.passes, c.central.passes
    (16, 17, 32)
    """
    forward = work_of(trace(f, *args, values=False))
    backward = work_of(trace(value_and_grad(f, argnums), *args, values=False))
    chosen = [args[i] for i in positions(argnums, args)]
    n = sum(math.prod(getattr(leaf, "shape", ())) for arg in chosen for leaf in flatten(arg)[0])
    return Cost(n, forward, backward, forward.times(n + 1), forward.times(2 * n))
