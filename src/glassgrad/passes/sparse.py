"""Updates by a gradient of sparse rows: ``W − c·(Aᵀ g)`` adds ``Aᵀ (−c·g)`` to W, in the few rows that A stores.

The factor is multiplied into the small side, so the last bits differ.
"""

from __future__ import annotations

from typing import Any

from glassgrad.graphs import Graph
from glassgrad.op import Op
from glassgrad.ops.arithmetic import add, multiply, negative, subtract
from glassgrad.ops.sparse import csr_add, csr_matmul
from glassgrad.passes.rewrite import Pass, Rewriter, Rule, simplified


def _product(r: Rewriter, x: Any, sign: int) -> tuple[int, Any, Any] | None:
    """Sign, factor (or None) and product of a transposed sparse matrix, of which a wire is made."""
    if r.made_by(x, csr_matmul):
        return (sign, None, x) if x.params["transposed"] else None
    if r.made_by(x, negative):
        return _product(r, x.operands[0], -sign)
    if r.made_by(x, multiply):
        for factor, product in (x.operands, x.operands[::-1]):
            if factor.shape == () and r.made_by(product, csr_matmul) and product.params["transposed"]:
                return sign, factor, product
    return None


def _added(r: Rewriter, out: Any, x: Any, y: Any, sign: int) -> Any:
    found = _product(r, y, sign)
    if found is None or out.dtype.kind != "f" or tuple(x.shape) != tuple(out.shape):
        return None
    sign, factor, product = found
    if tuple(product.shape) != tuple(out.shape):
        return None
    *matrix, g = product.operands
    if any(z is not None and not z.weak and z.dtype != out.dtype for z in (x, g, product, factor)):
        return None
    g = g if factor is None else r.gate(multiply, factor, g)
    g = r.gate(negative, g) if sign < 0 else g
    return r.gate(csr_add, x, *matrix, g, shape=product.params["shape"])


def _subtract(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    return _added(r, out, x, y, -1)


def _add(r: Rewriter, out: Any, x: Any, y: Any) -> Any:
    found = _added(r, out, x, y, 1)
    return found if found is not None else _added(r, out, y, x, 1)


RULES: dict[Op, tuple[Rule, ...]] = {subtract: (_subtract,), add: (_add,)}


def _rewrite(graph: Graph) -> Graph:
    return simplified(graph, RULES)


sparse_updates = Pass("sparse", "adds gradients of sparse rows to the few rows that they touch", _rewrite)
