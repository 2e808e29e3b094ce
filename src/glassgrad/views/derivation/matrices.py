"""Makers of trees of whole arrays: matrix products, transposes, sums over axes; and trees with parts replaced."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from glassgrad.ops import OPS
from glassgrad.views.derivation import algebra as a
from glassgrad.views.derivation.tree import Applied, Expr, is_row

RESHAPE = OPS["reshape"]


def product(*factors: Expr) -> Expr:
    """A matrix product; vectors are columns, a transposed vector is a row. Scalars go in front."""
    scalars: list[Expr] = []
    chain: list[Expr] = []
    stack = list(reversed(factors))
    while stack:
        f = stack.pop()
        if f.kind == "product":
            stack.extend(reversed(f.args))
        elif not f.shape:
            scalars.append(f)
        elif f.kind == "mul" and any(not x.shape for x in f.args):
            scalars += [x for x in f.args if not x.shape]
            stack.append(a.mul(*(x for x in f.args if x.shape)))
        elif is_row(f) and f.args[0].kind == "mul" and any(not x.shape for x in f.args[0].args):
            scalars += [x for x in f.args[0].args if not x.shape]
            chain.append(transpose(a.mul(*(x for x in f.args[0].args if x.shape))))
        else:
            chain.append(f)
    if not chain:
        return a.mul(*scalars)
    core = chain[0] if len(chain) == 1 else Expr("product", tuple(chain), _product_shape(chain))
    return a.mul(*scalars, core) if scalars else core


def _product_shape(chain: Sequence[Expr]) -> tuple[int, ...]:
    first, last = chain[0], chain[-1]
    column = len(last.shape) == 1
    if is_row(first) and column:
        return ()
    lead = first.shape if len(first.shape) == 1 else first.shape[-2:-1]
    batch = np.broadcast_shapes(*[f.shape[:-2] for f in chain])
    return (*batch, *lead) if column else (*batch, *lead, last.shape[-1])


def transpose(e: Expr) -> Expr:
    """The transpose; a product's factors change places, scalars stay in front."""
    if not e.shape:
        return e
    if e.kind == "transpose":
        return e.args[0]
    if e.kind == "inverse":
        return inverse(transpose(e.args[0]))
    if e.kind == "product" and len(e.shape) < 3:
        return product(*(transpose(f) for f in reversed(e.args)))
    if e.kind == "ones" and len(e.shape) == 2:
        return a.ones(e.shape[::-1])
    if e.kind == "mul" and any(not x.shape for x in e.args):
        inner = transpose(a.mul(*(x for x in e.args if x.shape)))
        return a.mul(*(x for x in e.args if not x.shape), inner)
    shape = (1, *e.shape) if len(e.shape) == 1 else (*e.shape[:-2], e.shape[-1], e.shape[-2])
    return Expr("transpose", (e,), shape)


def inverse(e: Expr) -> Expr:
    """The inverse of a matrix."""
    return e.args[0] if e.kind == "inverse" else Expr("inverse", (e,), e.shape)


def reduce(name: str, e: Expr, axes: tuple[int, ...], keepdims: bool = False) -> Expr:
    """A sum, maximum or minimum over axes. Scalars come out of a sum, and the sum of products is a product."""
    axes = tuple(sorted(axes))
    if not axes:
        return e
    shape = tuple(1 if i in axes else n for i, n in enumerate(e.shape) if keepdims or i not in axes)
    if not shape:
        e = _unshaped(e)
        axes = tuple(range(len(e.shape)))
    if name == "sum":
        scalars, arrays = ([], [e]) if e.kind != "mul" else _apart(e)
        if all(x.kind == "ones" for x in arrays):
            count = math.prod(e.shape[i] for i in axes)
            return a.mul(*scalars, a.number(count), a.ones(shape))
        if scalars:
            return a.mul(*scalars, reduce("sum", a.mul(*arrays), axes, keepdims))
        if e.kind == "fn" and e.data[0] == "onehot" and axes == (len(e.shape) - 1,):
            return a.ones(shape)
        if len(e.shape) == 1 and not keepdims and e.kind == "mul" and all(x.shape == e.shape for x in arrays):
            return product(transpose(arrays[0]), a.mul(*arrays[1:]))
    return Expr("reduce", (e,), shape, (name, axes, keepdims))


def _apart(e: Expr) -> tuple[list[Expr], list[Expr]]:
    return [x for x in e.args if not x.shape], [x for x in e.args if x.shape]


def sum_to(e: Expr, shape: tuple[int, ...]) -> Expr:
    """A gradient in the shape of its variable: summed over what was broadcast."""
    extra = len(e.shape) - len(shape)
    if extra > 0:
        e = reduce("sum", e, tuple(range(extra)))
    inner = tuple(i for i, n in enumerate(shape) if n == 1 and len(e.shape) == len(shape) and e.shape[i] != 1)
    return a.spread(reduce("sum", e, inner, keepdims=True), shape)


def reshape(e: Expr, shape: Sequence[int]) -> Expr:
    """The same elements in another shape."""
    shape = tuple(shape)
    if e.shape == shape:
        return e
    scalars, arrays = _apart(e) if e.kind == "mul" else ([], [e])
    if all(f.kind == "ones" or not f.shape for f in arrays):
        return a.spread(
            a.mul(*scalars, *(f for f in arrays if not f.shape)) if scalars or not e.shape else a.ONE, shape
        )
    if scalars:
        return a.mul(*scalars, reshape(a.mul(*arrays), shape))
    if e.kind == "gate" and e.data.op is RESHAPE:
        return reshape(e.args[0], shape)
    if _alone(e):
        return rebuilt(e, (reshape(e.args[0], shape), *e.args[1:]))
    return Expr("gate", (e,), shape, Applied(RESHAPE, {"shape": shape}))


def _alone(e: Expr) -> bool:
    """Whether this acts on each element of one array alone: a power or function of it."""
    return (e.kind == "pow" and not e.args[1].shape) or (
        e.kind == "fn" and len(e.args) == 1 and e.data[1] is None and e.shape == e.args[0].shape
    )


def _unshaped(e: Expr) -> Expr:
    """The same elements, in the shape they had before they were reshaped."""
    if e.kind == "gate" and e.data.op is RESHAPE:
        return _unshaped(e.args[0])
    return rebuilt(e, (_unshaped(e.args[0]), *e.args[1:])) if _alone(e) else e


def substitute(e: Expr, known: Mapping[Expr, Expr]) -> Expr:
    """The tree with some subtrees replaced, simplified again on the way up."""
    done: dict[Expr, Expr] = {}

    def walk(node: Expr) -> Expr:
        if node not in done:
            found = known.get(node)
            if found is None:
                args = tuple(walk(x) for x in node.args)
                found = node if args == node.args else rebuilt(node, args)
            done[node] = found
        return done[node]

    return walk(e)


def rebuilt(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """The same kind of node of other operands."""
    maker = _MAKERS.get(node.kind)
    if maker is not None:
        return maker(*args)
    if node.kind == "fn":
        return a.fn(node.data[0], *args, axes=node.data[1], keepdims=node.data[2])
    if node.kind == "compare":
        return a.compare(node.data, *args)
    if node.kind == "reduce":
        return reduce(node.data[0], args[0], node.data[1], node.data[2])
    if node.kind == "gate" and node.data.op is RESHAPE:
        return reshape(args[0], node.shape)
    return Expr(node.kind, args, node.shape, node.data)


_MAKERS: dict[str, Callable[..., Expr]] = {
    "add": a.add, "mul": a.mul, "pow": a.power, "product": product, "transpose": transpose, "inverse": inverse,
}  # fmt: skip
