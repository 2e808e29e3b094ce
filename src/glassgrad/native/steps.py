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
    """Elementwise gates of one shape in one loop nest; `stored` are the gates whose results leave it."""

    shape: tuple[int, ...]
    gates: list[Any] = field(default_factory=list)
    reads: dict[int, View] = field(default_factory=dict)
    stored: list[Any] = field(default_factory=list)

    def text(self, graph: Graph) -> str:
        """The step in one line."""
        return f"loop over {self.shape}: {', '.join(g.op.name for g in self.gates)}"


@dataclass(slots=True)
class Reduction:
    """Sum, max or min over some axes."""

    gate: Any
    read: View

    def text(self, graph: Graph) -> str:
        """The step in one line."""
        return f"{self.gate.op.name} of {self.read.shape} over axes {self.gate.params['axis']}"


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
    """A matrix product; `product` knows shapes and transpositions, `reads` are its two matrices."""

    gate: Any
    product: Product
    left: View
    right: View

    def text(self, graph: Graph) -> str:
        """The step in one line."""
        turned = [" transposed" if t else "" for t in (self.product.transpose_a, self.product.transpose_b)]
        return f"product of {self.left.shape}{turned[0]} and {self.right.shape}{turned[1]}"


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


Step = Loop | Reduction | Copy | Single | Multiply | Stack | Call
