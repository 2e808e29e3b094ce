"""Routes: the graph of single numbers between a parameter and a loss; its paths counted, summed, found in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any

import numpy as np

from glassgrad.errors import GradientError, OperandError
from glassgrad.graphs import Graph
from glassgrad.views.elements import links, size, stops, touched
from glassgrad.views.numbers import number

Array = np.ndarray[Any, Any]

MOST = 5_000_000
"""The most local derivatives between a parameter and a loss that are looked at."""
EXACT = 2.0**62
"""Counts below this are kept in machine words."""


def reach(graph: Graph, start: Any, mask: Array) -> tuple[dict[int, Array], list[tuple[Any, str]]]:
    """Which numbers of which wires depend on the marked ones of a wire, and the gates that no gradient passes.

    Returns
    -------
    masks : dict
        Serial number of a wire to its marks.
    stopped : list of pairs
        A gate behind which nothing is marked, and why no gradient passes it.
    """
    masks, stopped = {start.serial: mask}, []
    for gate in graph.gates:
        if gate.serial <= start.serial:
            continue
        for i, x in enumerate(gate.operands):
            if x.serial not in masks:
                continue
            reason = stops(gate, i)
            if reason:
                stopped.append((gate, reason))
                continue
            found = touched(gate, i, masks[x.serial])
            if found.any():
                masks[gate.serial] = masks[gate.serial] | found if gate.serial in masks else found
    return masks, stopped


@dataclass(frozen=True, slots=True)
class _Stage:
    """All edges through one operand of one gate: where they start, where they end, and their local derivatives."""

    gate: Any
    operand: int
    starts: Array
    ends: Array
    local: Array


class Routes:
    """Every path from one number to a loss, as a graph of single numbers.

    Parameters
    ----------
    graph : Graph
        A graph whose only output is the loss, a single number.
    wire : Wire
        Where paths start.
    k : int
        Which of its numbers, counted in C order.

    Attributes
    ----------
    count, open : int
        How many paths there are, and along how many every local derivative is other than 0.
    total : float
        The sum over all paths of the product of their local derivatives.

    Raises
    ------
    OperandError
        Where there are more local derivatives than can be looked at.
    GradientError
        Where one of them is not finite.
    """

    def __init__(self, graph: Graph, wire: Any, k: int) -> None:
        self.graph, loss = graph, graph.outputs[0]
        masks, self.stopped = reach(graph, wire, np.arange(size(wire)) == k)
        on_way = [w for w in graph.wires if w.serial in masks]
        offsets = np.cumsum([0, *map(size, on_way)])
        self.offset = {w.serial: int(n) for w, n in zip(on_way, offsets, strict=False)}
        self.wires, self.offsets = on_way, offsets
        self.start = self.offset[wire.serial] + k
        self.goal = self.offset.get(loss.serial, -1)
        self.stages = self._stages(masks, wire)
        self._summed()

    def _stages(self, masks: dict[int, Array], wire: Any) -> list[_Stage]:
        stages, edges = [], 0
        for gate in self.wires:
            if gate is wire:
                continue
            for i, x in enumerate(gate.operands):
                if x.serial not in masks or stops(gate, i):
                    continue
                with np.errstate(all="ignore"):
                    found = links(gate, i, masks[x.serial], masks[gate.serial])
                self._finite(gate, x, found.local)
                edges += found.local.size
                if edges > MOST:
                    raise OperandError(
                        f"between {self.graph.name(wire)} and {self.graph.name(self.graph.outputs[0])} stand more than "
                        f"{number(MOST)} local derivatives; compute the loss from fewer rows"
                    )
                starts, ends = found.operands + self.offset[x.serial], found.results + self.offset[gate.serial]
                stages.append(_Stage(gate, i, starts, ends, found.local))
        return stages

    def _finite(self, gate: Any, x: Any, local: Array) -> None:
        bad = local[~np.isfinite(local)]
        if bad.size:
            raise GradientError(
                f"a sum over paths needs finite local derivatives, and that of {self.graph.name(gate)} = "
                f"{gate.op.name}(…) by {self.graph.name(x)} is {number(bad[0])}; gg.why says where that comes from",
                gate.location,
            )

    def _summed(self) -> None:
        """Count and sum by going once over all edges, from the loss back; and find how large a product can become."""
        n = int(self.offsets[-1])
        self.sums, self.best = np.zeros(n), np.full(n, -np.inf)
        about = np.zeros(n)
        for array, value in ((self.sums, 1.0), (self.best, 0.0), (about, 1.0)):
            array[self.goal : self.goal + 1 if self.goal >= 0 else 0] = value
        for stage in reversed(self.stages):
            np.add.at(self.sums, stage.starts, stage.local * self.sums[stage.ends])
            np.add.at(about, stage.starts, about[stage.ends])
            np.maximum.at(self.best, stage.starts, _log(stage.local) + self.best[stage.ends])
        self.counts = self._counted(about, every=True)
        self.total = float(self.sums[self.start])
        self.count = int(self.counts[self.start])
        self.open = int(self._counted(about, every=False)[self.start])

    def _counted(self, about: Array, every: bool) -> Array:
        """The number of paths from each number to the loss; exact, in Python's integers where words are too short."""
        counts = np.zeros(about.size, np.int64 if about.max(initial=0) < EXACT else object)
        if self.goal >= 0:
            counts[self.goal] = 1
        for stage in reversed(self.stages):
            kept = slice(None) if every else stage.local != 0
            np.add.at(counts, stage.starts[kept], counts[stage.ends[kept]])
        return counts

    def largest(self) -> Iterator[list[tuple[Any, int, int, int, float]]]:
        """The paths one after another, those whose product is largest in magnitude first.

        Each is a list of edges: gate, which operand, the number it starts from and the one it ends at (each
        counted within its wire), local derivative. The search knows the largest product that any way on from a
        number still has, which `_summed` found. So the best way on loses nothing, the next best a known amount, and
        paths come in order without one being taken up too early (D. Eppstein, "Finding the k shortest paths", 1998).
        """
        if not self.count:
            return
        starts = np.concatenate([s.starts for s in self.stages] or [np.zeros(0, int)])
        ends = np.concatenate([s.ends for s in self.stages] or [np.zeros(0, int)])
        local = np.concatenate([s.local for s in self.stages] or [np.zeros(0)])
        stage = np.repeat(np.arange(len(self.stages)), [s.local.size for s in self.stages])
        order = np.argsort(starts, kind="stable")
        bounds = np.searchsorted(starts[order], np.arange(self.counts.size + 1))
        ahead = _log(local) + self.best[ends]
        ranked: dict[int, Array] = {}

        def ways(node: int) -> Array:
            """The edges from a number, those that can still lead to the largest product first."""
            if node not in ranked:
                edges = order[bounds[node] : bounds[node + 1]]
                edges = edges[self.counts[ends[edges]] > 0]
                ranked[node] = edges[np.argsort(-ahead[edges], kind="stable")]
            return ranked[node]

        heap: list[tuple[float, int, int, int, Any]] = []

        def take_up(size: float, node: int, rank: int, before: Any) -> None:
            """Put a way on the heap; of two that promise the same, the one put there later is followed first."""
            if rank < ways(node).size:
                heappush(heap, (-size, -next(turn), node, rank, before))

        if self.start == self.goal:
            yield []
            return
        turn = count()
        take_up(float(self.best[self.start]), self.start, 0, None)
        while heap:
            size, _, node, rank, before = heappop(heap)
            size, edges = -size, ways(node)
            edge = int(edges[rank])
            if rank + 1 < edges.size:
                lost = ahead[edge] - ahead[edges[rank + 1]] if ahead[edge] > -np.inf else 0.0
                take_up(size - float(lost), node, rank + 1, before)
            link = (edge, before)
            if ends[edge] != self.goal:
                take_up(size, int(ends[edge]), 0, link)
                continue
            path = []
            while link is not None:
                edge, link = link
                s = self.stages[stage[edge]]
                x = s.gate.operands[s.operand]
                from_, to = starts[edge] - self.offset[x.serial], ends[edge] - self.offset[s.gate.serial]
                path.append((s.gate, s.operand, int(from_), int(to), float(local[edge])))
            yield path[::-1]


def _log(x: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.log(np.abs(x))
