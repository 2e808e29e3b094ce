"""Passes: graph in, simpler graph out, which computes the same. They act after differentiation.

`PASSES` lists them in order, and `run` runs them until none finds anything more to do. They never change
the graph they are given; inputs and parameters stay the same objects, and names, source lines, groups and
origins stay on the wires, so that the graph that is compiled reads like the one that was written. How exact
a pass is stands at the top of its file: the bits are the same but for a few rules named there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from glassgrad.graphs import Graph
from glassgrad.passes.constants import fold_constants
from glassgrad.passes.dead import drop_dead
from glassgrad.passes.duplicates import merge_duplicates
from glassgrad.passes.products import products
from glassgrad.passes.rewrite import Pass, Snapshot
from glassgrad.passes.simplify import simplify
from glassgrad.passes.sparse import sparse_updates
from glassgrad.passes.thin import thin_products

__all__ = ["NATIVE", "PASSES", "Pass", "Snapshot", "run"]

PASSES: tuple[Pass, ...] = (fold_constants, products, simplify, merge_duplicates, drop_dead)
"""The passes, in the order they run."""

NATIVE: tuple[Pass, ...] = (*PASSES, thin_products, sparse_updates)
"""Those of the compiler: the last two add gates that it computes on the way, and change the order of sums."""

ROUNDS = 20
"""How often all passes run at most; two or three rounds are usual."""


def run(graph: Graph, passes: Sequence[Pass] = PASSES, snapshots: list[Snapshot] | None = None) -> Graph:
    """The graph after all passes, run in turn until every one of them has nothing more to do.

    Parameters
    ----------
    graph : Graph
        What is simplified; it is not changed.
    passes : sequence of Pass
        In the order in which they run.
    snapshots : list, optional
        Receives a `Snapshot` (name, graph, gates before, gates after, seconds) of every pass that is run.

    Returns
    -------
    Graph
        A graph of the same inputs, in the same order, and of outputs of the same shapes and dtypes;
        verified after each pass. Where there is nothing to do, it is the graph that was given.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> from glassgrad import passes
    >>> before = gg.trace(gg.value_and_grad(lambda x: np.mean(x**2)), np.ones(4), values=False)
    >>> print(passes.run(before).text())
    graph(x: float64[4]):
      square_1: float64[4] = square(x)  # ...:1
      mean_1: float64 = mean(square_1, axis=(0,), keepdims=False)  # ...:1
      add_1: float64[4] = add(x, x)
      multiply_1: float64[4] = multiply(0.25, add_1)
      return mean_1, multiply_1
    """
    idle = 0
    for number in range(ROUNDS * len(passes)):
        step = passes[number % len(passes)]
        start = time.perf_counter()
        after = step(graph)
        if after is graph:
            idle += 1
        else:
            idle = 0
            after.verify()
        if snapshots is not None:
            snapshots.append(Snapshot(step.name, after, len(graph), len(after), time.perf_counter() - start))
        graph = after
        if idle == len(passes):
            break
    return graph
