"""Thin products: matrices of one row, one column or one summand, as multiplications and sums.

A loop then computes them beside what comes before and after: the outer product of a gradient and an input goes
straight into the update of the weights. An outer product is exact; the sums are added up in another order.
"""

from __future__ import annotations

from typing import Any

from glassgrad.graphs import Graph
from glassgrad.op import Op
from glassgrad.ops.arithmetic import multiply
from glassgrad.ops.contract import matmul
from glassgrad.ops.reduce import sum_axes
from glassgrad.ops.view import reshape_to, transpose_axes
from glassgrad.passes.rewrite import Pass, Rewriter, Rule, simplified

LARGEST = 4096
"""Multiplications up to which a product with a vector is written as a sum: larger ones have kernels."""


def _thin(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    if out.dtype.kind != "f" or x.dtype != y.dtype or max(len(x.shape), len(y.shape)) > 2 or 0 in (*x.shape, *y.shape):
        return None
    m, n, k = (x.shape[0] if len(x.shape) == 2 else 1), (y.shape[1] if len(y.shape) == 2 else 1), x.shape[-1]
    if k == 1 and len(x.shape) == len(y.shape) == 2:
        return r.gate(multiply, x, y)
    if min(m, n) > 1 or m * n * k > LARGEST:
        return None
    # the matrix as it is stored, with the axis that is summed over, and the vector along that axis
    matrix, vector, axis = (x, y, 1) if n == 1 and len(x.shape) == 2 else (y, x, 0)
    if len(matrix.shape) == 1:
        total = r.gate(sum_axes, r.gate(multiply, x, y), axis=(0,), keepdims=False)
        return r.gate(reshape_to, total, shape=out.shape)
    if r.made_by(matrix, transpose_axes):
        matrix, axis = matrix.operands[0], 1 - axis
    along = r.gate(reshape_to, vector, shape=(k, 1) if axis == 0 else (1, k))
    total = r.gate(sum_axes, r.gate(multiply, matrix, along), axis=(axis,), keepdims=False)
    return r.gate(reshape_to, total, shape=out.shape)


RULES: dict[Op, tuple[Rule, ...]] = {matmul: (_thin,)}


def _rewrite(graph: Graph) -> Graph:
    return simplified(graph, RULES)


thin_products = Pass("thin", "writes thin products as multiplications and sums", _rewrite)
