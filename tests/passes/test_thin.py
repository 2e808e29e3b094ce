"""Products with a vector as multiplications and sums: the same numbers, written where loops can take them in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import passes
from glassgrad.passes.sparse import sparse_updates
from glassgrad.passes.thin import LARGEST, thin_products

RNG = np.random.default_rng(0)


def rewritten(f: Any, *args: Any) -> tuple[gg.Graph, list[str]]:
    """The graph after the pass, and its gates; the values are as before."""
    graph = thin_products(gg.trace(f, *args, values=False)).verify()
    np.testing.assert_allclose(graph.run(*args)[0], f(*args), rtol=1e-13, atol=1e-13)
    return graph, [gate.op.name for gate in graph.gates]


SHAPES = [
    ((7, 1), (1, 5)), ((1, 6), (6, 4)), ((5, 6), (6, 1)), ((1, 6), (6, 1)), ((6,), (6, 4)), ((5, 6), (6,)),
    ((6,), (6,)), ((1, 1), (1, 1)), ((1,), (1, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_every_kind_of_thin_product(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    x, y = RNG.normal(size=left), RNG.normal(size=right)
    _, gates = rewritten(lambda x, y: x @ y, x, y)
    assert "matmul" not in gates
    assert ("sum" in gates) == (left[-1] > 1 or len(left) == 1)
    if x.ndim == y.ndim == 2:  # matrices that are stored the other way round
        assert "matmul" not in rewritten(lambda a, y: a.T @ y, x.T.copy(), y)[1]
        assert "matmul" not in rewritten(lambda x, b: x @ b.T, x, y.T.copy())[1]


def test_a_transposed_matrix_is_summed_along_its_own_rows() -> None:
    h, g = RNG.normal(size=(8, 5)), RNG.normal(size=(8, 1))
    graph, gates = rewritten(lambda h, g: h.T @ g, h, g)
    assert "transpose" not in gates
    assert next(gate for gate in graph.gates if gate.op.name == "sum").params["axis"] == (0,)


def test_what_has_a_kernel_or_no_numbers_stays() -> None:
    for x, y in (
        (RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2))),
        (RNG.normal(size=(1, LARGEST)), RNG.normal(size=(LARGEST, 2))),
        (RNG.normal(size=(2, 3, 1)), RNG.normal(size=(2, 1, 4))),
        (np.zeros((0, 1)), np.zeros((1, 3))),
    ):
        assert rewritten(lambda x, y: x @ y, x, y)[1] == ["matmul"]
    graph = gg.trace(lambda x, y: x @ y, np.ones((3, 1), int), np.ones((1, 3), int), values=False)
    assert thin_products(graph) is graph


def test_only_the_compiler_uses_it() -> None:
    assert thin_products not in passes.PASSES
    assert (*passes.PASSES, thin_products, sparse_updates) == passes.NATIVE
