"""Einstein sums and stacks of matrices as what they are made of: transposed matrices, products, sums.

A product of two matrices is summed in an order of its own in any case, on every machine, and so is what
these rules make.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.graphs import Graph
from glassgrad.op import Op
from glassgrad.ops.arithmetic import multiply
from glassgrad.ops.contract import einsum_terms, matmul
from glassgrad.ops.logic import cast
from glassgrad.ops.normal import WHOLE
from glassgrad.ops.reduce import sum_axes
from glassgrad.ops.view import reshape_to, sliced, transpose_axes
from glassgrad.passes.rewrite import Pass, Rewriter, Rule, simplified

Term = tuple[str, Any]
"""The labels of an operand's axes, and the operand."""


def _matmul(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    """A stack of matrices times one matrix is one product."""
    if len(x.shape) > 2 and len(y.shape) <= 2 and math.prod(out.shape):
        rows = r.gate(reshape_to, x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
        return r.gate(reshape_to, r.gate(matmul, rows, y), shape=out.shape)
    return None


def _einsum(r: Rewriter, out: Any, *operands: Any, subscripts: str) -> Any:
    """Two operands at a time, in the order that NumPy takes them."""
    if out.dtype == bool:
        return None
    inputs, output = subscripts.split("->")
    sizes: dict[str, int] = {}
    for labels, x in zip(inputs.split(","), operands, strict=True):
        for label, n in zip(labels, x.shape, strict=True):
            sizes[label] = n if sizes.get(label, 1) == 1 else sizes[label]
    terms = [
        _plain(r, labels, _as(r, x, out.dtype), sizes) for labels, x in zip(inputs.split(","), operands, strict=True)
    ]
    for places in _order(terms, output, sizes):
        chosen = [terms[i] for i in places]
        terms = [term for i, term in enumerate(terms) if i not in places]
        made = chosen[0]
        for n, other in enumerate(chosen[1:], 2):
            kept = {*output, *"".join(labels for labels, _ in [*terms, *chosen[n:]])}
            made = _pair(r, made, other, kept, sizes)
        terms.append(made)
    labels, x = _summed(r, terms[0], set(output))
    return _ordered(r, (labels, x), output)


def _as(r: Rewriter, x: Any, dtype: Any) -> Any:
    return x if x.dtype == dtype else r.gate(cast, x, dtype=str(dtype))


def _plain(r: Rewriter, labels: str, x: Any, sizes: dict[str, int]) -> Term:
    """An operand with each label once, without the axes of one element that are repeated to another's size."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:  # a diagonal: every (n + 1)-th element of both axes in one
            first = labels.index(label)
            second = labels.index(label, first + 1)
            others = [i for i in range(len(labels)) if i not in (first, second)]
            n, rest = x.shape[first], tuple(x.shape[i] for i in others)
            x = r.gate(transpose_axes, x, axes=(*others, first, second))
            x = r.gate(reshape_to, x, shape=(*rest, n * n))
            x = r.gate(sliced, x, index=(*[WHOLE] * len(rest), (0, n * n, n + 1)))
            labels = "".join(labels[i] for i in others) + label
    kept = [i for i, label in enumerate(labels) if x.shape[i] == sizes[label]]
    if len(kept) < len(labels):
        x = r.gate(reshape_to, x, shape=tuple(x.shape[i] for i in kept))
    return "".join(labels[i] for i in kept), x


def _order(terms: Sequence[Term], output: str, sizes: dict[str, int]) -> list[tuple[int, ...]]:
    """Which operands are multiplied after each other: their places, and the result goes to the end."""
    if len(terms) < 3:
        return [tuple(range(len(terms)))]
    wanted = f"{','.join(labels for labels, _ in terms)}->{output}"
    shapes = [np.broadcast_to(0.0, [sizes[label] for label in labels]) for labels, _ in terms]
    return [tuple(sorted(places)) for places in np.einsum_path(wanted, *shapes, optimize="greedy")[0][1:]]


def _pair(r: Rewriter, left: Term, right: Term, kept: set[str], sizes: dict[str, int]) -> Term:
    """The product of two operands, summed over the labels that nothing else has."""
    left, right = _summed(r, left, kept | set(right[0])), _summed(r, right, kept | set(left[0]))
    both = [c for c in left[0] if c in right[0]]
    stack, summed = "".join(c for c in both if c in kept), "".join(c for c in both if c not in kept)
    rows, columns = ("".join(c for c in labels if c not in both) for labels, _ in (left, right))
    if not summed or (stack and not rows and not columns):
        labels = stack + rows + columns + summed
        factors = [_beside(r, term, labels) for term in (left, right)]
        return _summed(r, (labels, r.gate(multiply, *factors)), kept)
    shape = [tuple(sizes[c] for c in part) for part in (stack, rows, columns, summed)]
    m, n, k = (math.prod(part) for part in shape[1:])
    x = r.gate(reshape_to, _ordered(r, left, stack + rows + summed), shape=(*shape[0], m, k))
    y = r.gate(reshape_to, _ordered(r, right, stack + summed + columns), shape=(*shape[0], k, n))
    made = r.gate(reshape_to, r.gate(matmul, x, y), shape=(*shape[0], *shape[1], *shape[2]))
    return stack + rows + columns, made


def _summed(r: Rewriter, term: Term, kept: set[str]) -> Term:
    """An operand summed over the labels that are not kept."""
    labels, x = term
    axes = tuple(i for i, c in enumerate(labels) if c not in kept)
    if not axes:
        return term
    return "".join(c for c in labels if c in kept), r.gate(sum_axes, x, axis=axes, keepdims=False)


def _ordered(r: Rewriter, term: Term, labels: str) -> Any:
    """An operand with its axes in this order."""
    axes = tuple(term[0].index(c) for c in labels)
    return term[1] if axes == tuple(range(len(axes))) else r.gate(transpose_axes, term[1], axes=axes)


def _beside(r: Rewriter, term: Term, labels: str) -> Any:
    """An operand with axes of one element where others have a label."""
    x = _ordered(r, term, "".join(c for c in labels if c in term[0]))
    sizes = iter(x.shape)
    shape = tuple(next(sizes) if c in term[0] else 1 for c in labels)
    return x if shape == x.shape else r.gate(reshape_to, x, shape=shape)


RULES: dict[Op, tuple[Rule, ...]] = {matmul: (_matmul,), einsum_terms: (_einsum,)}


def _products(graph: Graph) -> Graph:
    return simplified(graph, RULES)


products = Pass("products", "sees Einstein sums and stacks as products of matrices", _products)
