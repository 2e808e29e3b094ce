"""Sums with a gradient of sparse rows become additions to few places, and mean what they did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import glassgrad as gg
from glassgrad import passes
from glassgrad.ops.sparse import csr_matmul
from glassgrad.passes.dead import drop_dead
from glassgrad.passes.sparse import sparse_updates

RNG = np.random.default_rng(0)
MATRIX: Any = sparse.random_array((4, 9), density=0.3, rng=RNG, format="csr")
W, G, RATE = RNG.normal(size=(9, 2)), RNG.normal(size=(4, 2)), np.float64(0.3)


def slope(g: Any) -> Any:
    """Aᵀ g."""
    return csr_matmul(MATRIX.data, MATRIX.indices, MATRIX.indptr, g, shape=MATRIX.shape, transposed=True)


REWRITTEN = {
    "step": lambda w, g, r: w - 0.1 * slope(g),
    "wire": lambda w, g, r: w - r * slope(g),
    "right": lambda w, g, r: w - slope(g) * r,
    "plain": lambda w, g, r: w - slope(g),
    "sum": lambda w, g, r: w + r * slope(g),
    "first": lambda w, g, r: r * slope(g) + w,
    "negative": lambda w, g, r: w - -(r * slope(g)),
    "minus": lambda w, g, r: w + -slope(g),
    "two": lambda w, g, r: (w - r * slope(g)) * (w + 2.0 * slope(g)),
}
KEPT = {
    "turned": lambda w, g, r: g - r * csr_matmul(
        MATRIX.data, MATRIX.indices, MATRIX.indptr, w, shape=MATRIX.shape, transposed=False
    ),
    "factors": lambda w, g, r: w - w * slope(g),
    "repeated": lambda w, g, r: w[:1] - r * slope(g),
    "narrow": lambda w, g, r: w.astype(np.float32) - slope(g),
    "from": lambda w, g, r: slope(g) - w,
    "broadcast": lambda w, g, r: w @ w.T - slope(g[:, 0]),
}  # fmt: skip


def gates(graph: gg.Graph) -> list[str]:
    return [w.op.name for w in graph.gates]


@pytest.mark.parametrize("name", REWRITTEN)
def test_what_is_rewritten_means_the_same(name: str) -> None:
    graph = gg.trace(REWRITTEN[name], W, G, RATE, values=False)
    after = passes.run(graph, (sparse_updates, drop_dead))
    assert "csr_matmul" not in gates(after)
    assert gates(after).count("csr_add") == (2 if name == "two" else 1)
    np.testing.assert_allclose(after.run(W, G, RATE)[0], graph.run(W, G, RATE)[0], rtol=1e-13)
    assert passes.run(after, (sparse_updates,)) is after


@pytest.mark.parametrize("name", KEPT)
def test_what_is_no_such_update_is_left_alone(name: str) -> None:
    graph = gg.trace(KEPT[name], W, G, RATE, values=False)
    assert sparse_updates(graph) is graph
