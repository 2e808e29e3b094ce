"""What a plan is made of: buffers, and the steps that read and write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.native.matmul_plan import Product
from glassgrad.native.views import View


@dataclass(slots=True)
class Buffer:
    """Memory of a wire: an input's, a constant's, an output's, a call's result, or a place in the arena."""

    size: int
    dtype: np.dtype[Any]
    kind: str
    value: Any = None
    offset: int = 0

    @property
    def bytes(self) -> int:
        """Room it takes, in bytes."""
        return self.size * self.dtype.itemsize


@dataclass(slots=True)
class Loop:
    """Elementwise gates of one shape in one loop nest.

    Attributes
    ----------
    gates : list
        What is computed for each element, in order.
    reads : dict
        For wires from elsewhere, by serial number: the view that is read, as large as the loop.
    stored : list
        The gates whose results leave the loop.
    folds : list
        Sums, maxima and minima of values that the loop computes or reads, all over the same axes.
    """

    shape: tuple[int, ...]
    gates: list[Any] = field(default_factory=list)
    reads: dict[int, View] = field(default_factory=dict)
    stored: list[Any] = field(default_factory=list)
    folds: list[Any] = field(default_factory=list)

    def has(self, wire: Any) -> bool:
        """Whether the loop computes this wire for each element."""
        return any(g is wire for g in self.gates)

    def text(self, graph: Graph) -> str:
        """The step in one line."""
        parts = [g.op.name for g in self.gates] + [f"{g.op.name} over {folded(g)}" for g in self.folds]
        return f"loop over {self.shape}: {', '.join(parts)}"


def folded(gate: Any) -> tuple[int, ...]:
    """The axes of more than one element that a reduction goes over."""
    shape = gate.operands[0].shape
    return tuple(a for a in gate.params["axis"] if shape[a] != 1)


@dataclass(slots=True)
class Copy:
    """Elements moved into rows, for what cannot read them where they are."""

    read: View
    write: View

    def text(self, graph: Graph) -> str:
        """The step in one line."""
        return f"copy of {self.read.shape} into rows"


@dataclass(slots=True)
class Single:
    """A gate that is a step of its own, with a writer of its own; `reads` are its operands."""

    gate: Any
    reads: list[View]

    def text(self, graph: Graph) -> str:
        """The step in one line."""
        shapes = ", ".join(str(v.shape) for v in self.reads)
        return f"{self.gate.op.name}, {shapes} to {self.gate.shape}"


@dataclass(slots=True)
class Multiply:
    """A matrix product.

    Attributes
    ----------
    gate : Wire
        Its result.
    product : Product
        Shapes and transpositions.
    left, right : View
        Its two matrices.
    then : Loop, optional
        What is done to the numbers of the result while they are in registers.
    keep : bool
        Whether the result itself is stored.
    """

    gate: Any
    product: Product
    left: View
    right: View
    then: Loop | None = None
    keep: bool = True

    def text(self, graph: Graph) -> str:
        """The step in one line."""
        turned = [" transposed" if t else "" for t in (self.product.transpose_a, self.product.transpose_b)]
        after = "" if self.then is None else f", then {', '.join(g.op.name for g in self.then.gates)}"
        return f"product of {self.left.shape}{turned[0]} and {self.right.shape}{turned[1]}{after}"


@dataclass(slots=True)
class Stack:
    """Matrix products of one shape, one for each place in the axes before the last two."""

    gate: Any
    product: Product
    left: View
    right: View

    def text(self, graph: Graph) -> str:
        """The step in one line."""
        return f"stack of products of {self.left.shape} and {self.right.shape}"


@dataclass(slots=True)
class Call:
    """A gate that runs as its own NumPy forward."""

    gate: Any

    def text(self, graph: Graph) -> str:
        """The step in one line."""
        return f"call of NumPy: {self.gate.op.name} -> {graph.name(self.gate)}"


Step = Loop | Copy | Single | Multiply | Stack | Call
