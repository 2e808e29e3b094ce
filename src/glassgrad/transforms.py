"""Functions of functions: grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp.

Each takes a function written in NumPy and returns a function. Arguments may be arrays, tensors, or
nested dicts, lists, tuples and dataclasses of them. Plain arrays in, plain arrays out; where a
tensor is involved (as argument, or caught from outside), the result is a tensor of that graph, so
that transforms nest and gradients of gradients, of any order, are gradients like any other.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from glassgrad.errors import GradientError, OperandError, ShapeError, describe, spec_text
from glassgrad.graphs import argument_names, positions
from glassgrad.ops import arithmetic
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, constant, record, tensor
from glassgrad.trees import flatten
from glassgrad.wire import marked, next_serial, threads, topological


def fresh(x: Any, name: str) -> Tensor:
    """An input of a transform: a new wire, linked to the outer graph where `x` is a tensor of one."""
    if isinstance(x, Tensor):
        linked = record(arithmetic.identity, (x,), {})
        linked.name, linked.active = x.name or name, True
        wire = linked
    else:
        wire = tensor(float(x) if type(x) is int else x, name)
    if wire.dtype.kind != "f":
        raise OperandError(
            f"cannot differentiate with respect to {describe(wire)}: only floating numbers have gradients; "
            f"convert with .astype(float), or leave it out of argnums"
        )
    return wire


class _Call:
    """One call of a function on fresh wires: what went in, what came out."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int], kwargs: Mapping[str, Any]):
        names = argument_names(f, len(args))
        wrapped = list(args)
        self.inputs: list[Tensor] = []
        self.sizes: list[int] = []
        self.rebuilds: list[Callable[..., Any]] = []
        self.linked = False
        self.start = next_serial()
        arrays = {id(a): n for i, (a, n) in enumerate(zip(args, names, strict=True)) if i not in argnums}
        with marked(enabled=True, names={**(threads.recording.names or {}), **arrays}):
            for i in argnums:
                leaves, leaf_names, rebuild = flatten(args[i], names[i])
                self.linked |= any(isinstance(leaf, Tensor) for leaf in leaves)
                wires = [fresh(leaf, n) for leaf, n in zip(leaves, leaf_names, strict=True)]
                wrapped[i] = rebuild(wires)
                self.inputs += wires
                self.sizes.append(len(wires))
                self.rebuilds.append(rebuild)
            self.result = f(*wrapped, **kwargs)

    def sweep(self, upstream: Mapping[Any, Any]) -> list[Any]:
        """Gradients for the inputs: arrays, or tensors where the graph reaches beyond the inputs."""
        outer = self.linked or self.reaches_out(upstream)
        keep = threads.recording.enabled and (outer or any(isinstance(g, Tensor) for g in upstream.values()))
        seeds = {w: _plain(g) if not keep else g for w, g in upstream.items()}
        gradients = sweep(seeds, self.inputs, record=keep)
        return _separate([_given(gradients.get(w.serial), w) for w in self.inputs], seeds.values())

    def reaches_out(self, outputs: Any, more: Sequence[Any] = ()) -> bool:
        """Whether a gradient path leads beyond this call, to a tensor that was there before it."""
        below = topological(outputs, stop=[*self.inputs, *more], active=True)
        return any(w.op is None and w.serial < self.start for w in below)

    def group(self, leaves: Sequence[Any], single: bool) -> Any:
        """Put one leaf for each input back into the form of the arguments."""
        it = iter(leaves)
        trees = [r([next(it) for _ in range(n)]) for r, n in zip(self.rebuilds, self.sizes, strict=True)]
        return trees[0] if single else tuple(trees)

    def out(self, x: Any) -> Any:
        """A result as the caller should see it: the tensor where it belongs to an outer graph, else its value."""
        if not isinstance(x, Tensor):
            return x
        outer = self.linked or x._value is None or self.reaches_out([x])
        return x if outer and threads.recording.enabled else x.value


def _given(g: Any, wire: Tensor) -> Any:
    """A gradient as the caller sees it: zeros where no path reaches the wire, scalars as scalars."""
    if g is None:
        g = np.zeros(wire.shape, wire.dtype)
    if isinstance(g, Tensor):
        return g
    if g.ndim == 0:
        return g[()]
    return g.copy() if g.base is not None or not g.flags.writeable else g


def _separate(gradients: list[Any], upstream: Any) -> list[Any]:
    """The gradients, each an array of its own: writing to one changes no other, nor the caller's upstream."""
    seen = {id(g) for g in upstream}
    result = []
    for g in gradients:
        result.append(g.copy() if isinstance(g, np.ndarray) and id(g) in seen else g)
        seen.add(id(g))
    return result


def _plain(g: Any) -> Any:
    return g._value if isinstance(g, Tensor) else g


def _one(x: Tensor) -> Any:
    return x.dtype.type(1)


def _scalar(result: Any, what: str) -> Any:
    """The scalar output of a function, or an error that says what to use instead."""
    if not isinstance(result, Tensor):
        if not np.isscalar(result) and not (isinstance(result, np.ndarray) and result.shape == ()):
            raise OperandError(f"{what} needs a function that returns one number, got {type(result).__name__}")
        result = constant(result)
    if result.shape != ():
        raise ShapeError(
            f"{what} needs a function that returns one number, got {describe(result)}; "
            f"take the mean or sum, or use gg.jacobian or gg.vjp"
        )
    if result.dtype.kind != "f":
        raise GradientError(f"{what}: the result is {spec_text(result)}, which has no gradient")
    return result


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function that returns the value of `f` and its gradient, in one pass forward and one backward.

    Parameters
    ----------
    f : callable
        Returns one number (with `has_aux`, a pair of that and anything).
    argnums : int or sequence of int
        Which positional arguments to differentiate by.
    has_aux : bool
        `f` returns ``(loss, more)``; the result is then ``((loss, more), gradient)``.

    Returns
    -------
    callable
        Same arguments as `f`; returns ``(value, gradient)``. The gradient has the form of the
        argument, or is a tuple for several `argnums`; each part has its variable's shape and dtype.
        What `f` does not depend on gets zeros.

    Raises
    ------
    OperandError, ShapeError
        For integer arguments or a function that does not return one number.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> value, gradient = gg.value_and_grad(lambda w: np.sum(w**2))(np.array([1.0, 2.0]))
    >>> print(value, gradient)
    5.0 [2. 4.]
    """

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = _Call(f, args, positions(argnums, args), kwargs)
        result, aux = call.result if has_aux else (call.result, None)
        loss = _scalar(result, "grad")
        gradients = call.sweep({loss: _one(loss)})
        value = call.out(loss)
        if has_aux:
            leaves, _, rebuild = flatten(aux)
            value = (value, rebuild([call.out(x) for x in leaves]))
        return value, call.group(gradients, not np.iterable(argnums))

    return run


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of `f`; see `value_and_grad` for the parameters.

    Examples
    --------
    >>> import glassgrad as gg
    >>> cube = lambda x: x**3
    >>> print(gg.grad(cube)(2.0), gg.grad(gg.grad(cube))(2.0))
    12.0 12.0
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return run


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Run `f`, and return its result with the function that pulls an upstream gradient back through it.

    Parameters
    ----------
    f : callable
        Returns arrays, or a tree of them.
    *primals : arrays or trees
        Where to run it.

    Returns
    -------
    out : the result of `f`
    pullback : callable
        Upstream gradient, of the form of `out`, in; a tuple with one gradient for each primal out.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> out, pullback = gg.vjp(np.sin, np.array([0.0, 1.0]))
    >>> print(pullback(np.ones(2))[0])
    [1.         0.54030231]
    """
    call = _Call(f, primals, range(len(primals)), {})
    leaves, _, rebuild = flatten(call.result)
    outs = [x if isinstance(x, Tensor) else constant(x) for x in leaves]

    def pullback(g: Any) -> tuple[Any, ...]:
        return call.group(call.sweep(_upstream(outs, g)), single=False)

    return rebuild([call.out(x) for x in outs]), pullback


def _upstream(outs: Sequence[Tensor], g: Any) -> dict[Any, Any]:
    """Match upstream gradients with the outputs they are for; an output given twice adds."""
    gs, _, _ = flatten(g)
    if len(gs) != len(outs):
        raise ShapeError(f"{len(outs)} outputs need as many upstream gradients, got {len(gs)}")
    upstream: dict[Any, Any] = {}
    for out, one in zip(outs, gs, strict=True):
        one = one if isinstance(one, Tensor) else np.asarray(one, dtype=out.dtype)
        if tuple(one.shape) != out.shape:
            raise ShapeError(f"the upstream gradient has shape {tuple(one.shape)}, the output {out.shape}")
        if out.dtype.kind == "f":
            upstream[out] = one if out not in upstream else upstream[out] + one
    return upstream


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Forward mode: the result of `f`, and how it moves when the primals move along the tangents.

    Derived from the reverse rules: the pullback is linear in its upstream gradient u, and the
    gradient by u of ⟨pullback(u), tangents⟩ is the derivative along the tangents (J. Townsend,
    "A new trick for calculating Jacobian vector products", 2017).

    Parameters
    ----------
    f : callable
        Returns arrays, or a tree of them.
    primals, tangents : sequences
        One entry an argument; a tangent has the form of its primal.

    Returns
    -------
    out, tangent
        Both of the form that `f` returns.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> out, tangent = gg.jvp(np.sin, (0.0,), (2.0,))
    >>> print(out, tangent)
    0.0 2.0
    """
    if len(primals) != len(tangents):
        raise ShapeError(f"{len(primals)} primals need as many tangents, got {len(tangents)}")
    call = _Call(f, primals, range(len(primals)), {})
    leaves, _, rebuild = flatten(call.result)
    outs = [x if isinstance(x, Tensor) else constant(x) for x in leaves]
    directions = _directions(call.inputs, [describe(x) for x in call.inputs], list(tangents))
    with marked(enabled=True):
        probes = [tensor(np.zeros(x.shape, x.dtype), "u") if x.dtype.kind == "f" else None for x in outs]
        seeds: dict[Any, Any] = {}
        for out, probe in zip(outs, probes, strict=True):
            if probe is not None:
                seeds[out] = probe if out not in seeds else seeds[out] + probe
        pulled = sweep(seeds, call.inputs, record=True)
        total: Any = 0.0
        for x, t in zip(call.inputs, directions, strict=True):
            g = pulled.get(x.serial)
            if g is not None:
                total = total + np.sum(g * (t if isinstance(t, Tensor) else np.asarray(t, x.dtype)))
    used = [p for p in probes if p is not None]
    moved: dict[int, Any] = {}
    if isinstance(total, Tensor) and total.active:
        outer = call.linked or any(isinstance(t, Tensor) for t in directions) or call.reaches_out([total], used)
        moved = sweep({total: _one(total)}, used, record=outer and threads.recording.enabled)
    out_tangents = [_given(None if p is None else moved.get(p.serial), x) for x, p in zip(outs, probes, strict=True)]
    return rebuild([call.out(x) for x in outs]), rebuild(out_tangents)


def _directions(xs: Sequence[Any], names: Sequence[str], tree: Any) -> list[Any]:
    """The leaves of a tree of tangents: one for each primal, of its shape."""
    directions = flatten(tree)[0]
    if len(directions) != len(xs):
        raise ShapeError("the tangents do not have the form of the primals")
    for x, name, t in zip(xs, names, directions, strict=True):
        if np.shape(t) != np.shape(x):
            raise ShapeError(f"the tangent of {name} has shape {np.shape(t)}, and needs {np.shape(x)}")
    return directions


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns all partial derivatives of all outputs of `f`, one sweep an output.

    Returns
    -------
    callable
        For an output of shape O and an argument of shape I, an array of shape O + I; trees as in `grad`.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> print(gg.jacobian(lambda x: x**2)(np.array([1.0, 2.0])))
    [[2. 0.]
     [0. 4.]]
    """

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, positions(argnums, args), kwargs)
        leaves, _, rebuild = flatten(call.result)
        outs = [x if isinstance(x, Tensor) else constant(x) for x in leaves]
        rows = [_jacobian_rows(call, out) for out in outs]
        return rebuild([call.group(r, not np.iterable(argnums)) for r in rows])

    return run


def _jacobian_rows(call: _Call, out: Tensor) -> list[Any]:
    """For each input, the Jacobian of one output: gradients of its elements, stacked."""
    n = math.prod(out.shape)
    swept = [call.sweep({out: np.eye(1, n, k, dtype=out.dtype).reshape(out.shape)[()]}) for k in range(n)]
    stacked = []
    for i, x in enumerate(call.inputs):
        if n == 0:
            stacked.append(np.zeros(out.shape + x.shape, x.dtype))
        elif out.shape == ():
            stacked.append(swept[0][i])
        else:
            stacked.append(np.reshape(np.stack([s[i] for s in swept]), out.shape + x.shape))
    return stacked


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns all second derivatives of `f`, a function of one number.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> print(gg.hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0])))
    [[ 6.  0.]
     [ 0. 12.]]
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], x: Any, v: Any, *args: Any) -> Any:
    """Hessian of `f` by its first argument, times `v` of the form of `x`, at the cost of a few gradients.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> print(gg.hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.ones(2)))
    [ 6. 12.]
    """
    xs, names, _ = flatten(x, argument_names(f, 1)[0])
    vs = _directions(xs, names, v)

    def slope(x: Any) -> Any:
        gradients = flatten(grad(f)(x, *args))[0]
        return sum((np.sum(g * c) for g, c in zip(gradients, vs, strict=True)), start=cast(Any, 0.0))

    return grad(slope)(x)
