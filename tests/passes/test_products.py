"""Einstein sums and stacks of matrices become products of matrices: the same numbers, and no Einstein sum is left."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import passes

LETTERS = list("abcdef")


def passed(f: Any, *args: Any) -> gg.Graph:
    """The graph after all passes, which computes what the function does."""
    graph = gg.trace(f, *args, values=False)
    after = passes.run(graph)
    for got, want in zip(after.run(*args), graph.run(*args), strict=True):
        assert (np.shape(got), got.dtype) == (np.shape(want), want.dtype)
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-11)
    return after


def names(graph: gg.Graph) -> list[str]:
    return [w.op.name for w in graph.gates]


def drawn_sum(rng: np.random.Generator) -> tuple[str, list[Any]]:
    """Up to four operands with up to three labels each, repeated, broadcast and of no elements at times."""
    sizes = {c: int(rng.choice([0, 1, 2, 3, 4], p=[0.03, 0.17, 0.3, 0.3, 0.2])) for c in LETTERS}
    terms = ["".join(rng.choice(LETTERS, size=rng.integers(0, 4))) for _ in range(rng.integers(1, 5))]
    used = sorted(set("".join(terms)))
    output = "".join(rng.permutation([c for c in used if rng.random() < 0.5]))
    operands = []
    for term in terms:
        flat = {c: rng.random() < 0.15 for c in term}
        operands.append(rng.normal(size=[1 if flat[c] else sizes[c] for c in term]))
    return f"{','.join(terms)}->{output}", operands


@pytest.mark.parametrize("seed", range(10))
def test_random_einstein_sums(seed: int) -> None:
    rng, done = np.random.default_rng(seed), 0
    for _ in range(40):
        subscripts, operands = drawn_sum(rng)
        try:
            np.einsum(subscripts, *operands, optimize=len(operands) > 1)
        except ValueError:  # sizes of 0 and 1 met
            continue
        after = passed(lambda *xs, s=subscripts: np.einsum(s, *xs), *operands)
        assert "einsum" not in names(after), subscripts
        done += 1
    assert done > 30


def test_what_an_einstein_sum_becomes() -> None:
    x, y, z = np.ones((2, 3)), np.ones((3, 4)), np.ones((5, 2, 3))
    assert names(passed(lambda x, y: np.einsum("ij,jk->ik", x, y), x, y)) == ["matmul"]
    assert names(passed(lambda x, y: np.einsum("ij,kj->ik", x, y), x, x)) == ["transpose", "matmul"]
    assert names(passed(lambda x: np.einsum("ij->ji", x), x)) == ["transpose"]
    assert names(passed(lambda x, y: np.einsum("ij,ij->i", x, y), x, x)) == ["multiply", "sum"]
    assert names(passed(lambda x: np.einsum("ii->i", x), np.ones((3, 3)))) == ["reshape", "slice"]
    assert names(passed(lambda z, y: np.einsum("bij,bjk->bik", z, y), z, np.ones((5, 3, 4)))) == ["matmul"]
    long = passed(lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c), np.ones((9, 2)), np.ones((2, 9)), np.ones((9, 1)))
    assert [w.shape for w in long.gates if w.op.name == "matmul"] == [(2, 1), (9, 1)], "the cheap order"


def test_gradients_of_einstein_sums_are_products_too() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 4))
    after = passed(gg.grad(lambda x, y: np.sum(np.sin(np.einsum("ij,ii,ik->jk", x, y, x)))), x, y)
    assert "einsum" not in names(after)


def test_a_stack_times_one_matrix_is_one_product() -> None:
    z, w = np.arange(30.0).reshape(5, 2, 3), np.ones((3, 4))
    after = passed(lambda z, w: z @ w, z, w)
    assert [(w.op.name, w.shape) for w in after.gates] == [
        ("reshape", (10, 3)), ("matmul", (10, 4)), ("reshape", (5, 2, 4)),
    ]  # fmt: skip
    assert names(passed(lambda z, w: w.T @ np.swapaxes(z, 1, 2), z, w)).count("matmul") == 1


def test_truth_values_stay_an_einstein_sum() -> None:
    graph = gg.trace(lambda x: np.einsum("ij->i", x), np.ones((2, 2), bool), values=False)
    assert names(passes.run(graph)) == ["einsum"]
