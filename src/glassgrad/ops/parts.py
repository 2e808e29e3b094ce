"""One output of a gate that has several."""

from __future__ import annotations

from glassgrad.op import At, Explanation, Op

part = Op(
    "part",
    shape=lambda x, index: x.parts[index],
    forward=lambda x, index: x[index],
    gradients=(lambda g, out, x, index: At(index, g),),
    explain=Explanation("x_{i}", "hands the upstream gradient to one output of the gate before", "moves", ("1",)),
    cases=lambda rng: [],
    kind="view",
)
