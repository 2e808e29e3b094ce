"""Functions of functions: grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp, checkpoint.

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

from glassgrad.errors import GradientError, OperandError, ShapeError, at, describe, spec_text, user_location
from glassgrad.graphs import argument_names
from glassgrad.op import Explanation, Op, Spec, shaped
from glassgrad.ops import arithmetic
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, constant, record, tensor
from glassgrad.trees import flatten
from glassgrad.wire import marked, next_serial, recording, topological


def _fresh(x: Any, name: str) -> Tensor:
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
            f"convert with .astype(float), or leave it out of argnums{at(user_location())}"
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
        arrays = {id(a): n for i, (a, n) in enumerate(zip(args, names, strict=True)) if i not in argnums}
        with marked(enabled=True, names={**(recording.names or {}), **arrays}):
            for i in argnums:
                leaves, leaf_names, rebuild = flatten(args[i], names[i])
                self.linked |= any(isinstance(leaf, Tensor) for leaf in leaves)
                wires = [_fresh(leaf, n) for leaf, n in zip(leaves, leaf_names, strict=True)]
                wrapped[i] = rebuild(wires)
                self.inputs += wires
                self.sizes.append(len(wires))
                self.rebuilds.append(rebuild)
            self.result = f(*wrapped, **kwargs)

    def sweep(self, upstream: Mapping[Any, Any]) -> list[Any]:
        """Gradients for the inputs: arrays, or tensors where the graph reaches beyond the inputs."""
        own = {w.serial for w in self.inputs}
        order = topological(upstream, stop=self.inputs, active=True)
        outer = self.linked or any(w.op is None and w.serial not in own for w in order)
        keep = recording.enabled and (outer or any(isinstance(g, Tensor) for g in upstream.values()))
        seeds = {w: _plain(g) if not keep else g for w, g in upstream.items()}
        gradients = sweep(seeds, self.inputs, record=keep)
        return [_given(gradients.get(w.serial), w) for w in self.inputs]

    def group(self, leaves: Sequence[Any], single: bool) -> Any:
        """Put one leaf for each input back into the form of the arguments."""
        it = iter(leaves)
        trees = [r([next(it) for _ in range(n)]) for r, n in zip(self.rebuilds, self.sizes, strict=True)]
        return trees[0] if single else tuple(trees)

    def out(self, x: Any) -> Any:
        """A result as the caller should see it: the tensor where it belongs to an outer graph, else its value."""
        if not isinstance(x, Tensor):
            return x
        own = {w.serial for w in self.inputs}
        below = topological([x], stop=self.inputs, active=True)
        outer = self.linked or x._value is None or any(w.op is None and w.serial not in own for w in below)
        return x if outer and recording.enabled else x.value


def _given(g: Any, wire: Tensor) -> Any:
    """A gradient as the caller sees it: zeros where no path reaches the wire, scalars as scalars."""
    if g is None:
        g = np.zeros(wire.shape, wire.dtype)
    return g if isinstance(g, Tensor) else g[()]


def _plain(g: Any) -> Any:
    return g._value if isinstance(g, Tensor) else g


def _nums(argnums: int | Sequence[int], args: Sequence[Any]) -> list[int]:
    nums = [argnums] if isinstance(argnums, int) else list(argnums)
    for n in nums:
        if not -len(args) <= n < len(args):
            raise OperandError(
                f"argnums={argnums} asks for argument {n}, but {len(args)} were given{at(user_location())}"
            )
    return [n % len(args) for n in nums]


def _one(x: Tensor) -> Any:
    return x.dtype.type(1)


def _scalar(result: Any, what: str) -> Any:
    """The scalar output of a function, or an error that says what to use instead."""
    if not isinstance(result, Tensor):
        array = np.asarray(result)
        if array.dtype == object or array.shape != ():
            raise OperandError(
                f"{what} needs a function that returns one number, got {type(result).__name__}{at(user_location())}"
            )
        result = constant(result)
    if result.shape != ():
        raise ShapeError(
            f"{what} needs a function that returns one number, got {describe(result)}; "
            f"take the mean or sum, or use gg.jacobian or gg.vjp{at(user_location())}"
        )
    if result.dtype.kind != "f":
        raise GradientError(f"{what}: the result is {spec_text(result)}, which has no gradient{at(user_location())}")
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
        call = _Call(f, args, _nums(argnums, args), kwargs)
        result, aux = call.result if has_aux else (call.result, None)
        loss = _scalar(result, "grad")
        gradients = call.sweep({loss: _one(loss)})
        value = call.out(loss)
        if has_aux:
            leaves, _, rebuild = flatten(aux)
            value = (value, rebuild([call.out(x) for x in leaves]))
        return value, call.group(gradients, isinstance(argnums, int))

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
        raise ShapeError(f"{len(outs)} outputs need as many upstream gradients, got {len(gs)}{at(user_location())}")
    upstream: dict[Any, Any] = {}
    for out, one in zip(outs, gs, strict=True):
        one = one if isinstance(one, Tensor) else np.asarray(one, dtype=out.dtype)
        if tuple(one.shape) != out.shape:
            raise ShapeError(
                f"the upstream gradient has shape {tuple(one.shape)}, the output {out.shape}{at(user_location())}"
            )
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
        raise ShapeError(f"{len(primals)} primals need as many tangents, got {len(tangents)}{at(user_location())}")
    call = _Call(f, primals, range(len(primals)), {})
    leaves, _, rebuild = flatten(call.result)
    outs = [x if isinstance(x, Tensor) else constant(x) for x in leaves]
    directions = flatten(list(tangents))[0]
    if len(directions) != len(call.inputs):
        raise ShapeError(f"the tangents do not have the form of the primals{at(user_location())}")
    for x, t in zip(call.inputs, directions, strict=True):
        if np.shape(t) != x.shape:
            raise ShapeError(f"the tangent of {describe(x)} has shape {np.shape(t)}{at(user_location())}")
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
        own = {w.serial for w in (*call.inputs, *used)}
        below = topological([total], stop=[*call.inputs, *used], active=True)
        outer = call.linked or any(isinstance(t, Tensor) for t in directions)
        outer = outer or any(w.op is None and w.serial not in own for w in below)
        moved = sweep({total: _one(total)}, used, record=outer and recording.enabled)
    out_tangents = [_given(None if p is None else moved.get(p.serial), x) for x, p in zip(outs, probes, strict=True)]
    return rebuild([call.out(x) for x in outs]), rebuild(out_tangents)


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
        call = _Call(f, args, _nums(argnums, args), kwargs)
        leaves, _, rebuild = flatten(call.result)
        outs = [x if isinstance(x, Tensor) else constant(x) for x in leaves]
        rows = [_jacobian_rows(call, out) for out in outs]
        return rebuild([call.group(r, isinstance(argnums, int)) for r in rows])

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
    """Hessian of `f` by its first argument, times `v`, at the cost of a few gradients.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> print(gg.hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.ones(2)))
    [ 6. 12.]
    """
    vs = flatten(v)[0]

    def slope(x: Any) -> Any:
        gradients = flatten(grad(f)(x, *args))[0]
        return sum((np.sum(g * c) for g, c in zip(gradients, vs, strict=True)), start=cast(Any, 0.0))

    return grad(slope)(x)


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which keeps none of its inner values and computes them again going backward.

    Trades time for memory: a graph of it holds inputs and output only. Tensors and parameters that
    `f` catches from outside receive their gradients as well.

    Parameters
    ----------
    f : callable
        Takes arrays or tensors (or trees of them) and returns one tensor.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> f = gg.checkpoint(lambda x: np.sum(np.sin(np.exp(x))))
    >>> np.allclose(gg.grad(f)(np.ones(2)), gg.grad(lambda x: np.sum(np.sin(np.exp(x))))(np.ones(2)))
    True
    """

    @functools.wraps(f)
    def run(*args: Any) -> Any:
        leaves, _, rebuild = flatten(list(args))
        if not any(isinstance(x, Tensor) for x in leaves) or not recording.enabled:
            return f(*args)
        start, key, draws = next_serial(), recording.key, recording.draws
        given = [x if isinstance(x, Tensor) else constant(x) for x in leaves]
        inner = [record(arithmetic.identity, (x,), {}) for x in given]
        out = f(*rebuild(inner))
        if not isinstance(out, Tensor):
            raise OperandError(f"checkpoint needs a function that returns one tensor{at(user_location())}")
        below = topological([out], stop=inner)
        own = {w.serial for w in inner}
        caught: list[Any] = [
            w for w in below if w.serial not in own and (w.serial < start or w.op is None) and w.active
        ]
        op = _checkpoint_op(f, rebuild, len(inner), caught, out, (key, draws))
        return record(op, (*given, *caught), {})

    return run


def _checkpoint_op(
    f: Callable[..., Any], rebuild: Any, count: int, caught: list[Any], out: Tensor, drawing: tuple[Any, int]
) -> Op:
    """A gate that stands for one call of a checkpointed function."""
    spec, first = out.spec, [out._value]
    done: dict[str, Any] = {}

    def again(xs: Sequence[Any]) -> tuple[list[Tensor], Tensor]:
        with marked(enabled=True, key=drawing[0], draws=drawing[1]):
            inputs = [_fresh(x, "x") if shaped(x).dtype.kind == "f" else constant(x) for x in xs[:count]]
            return inputs, f(*rebuild(inputs))

    def forward(*xs: Any) -> Any:
        return first.pop() if first else again(xs)[1]._value

    def gradients(index: int, g: Any, _out: Any, *xs: Any) -> Any:
        if done.get("g") is not g:
            inputs, result = again(xs)
            record_ = any(isinstance(x, Tensor) for x in (g, *xs))
            swept = sweep({result: g}, [*inputs, *caught], record=record_)
            done.update(g=g, gradients=[swept.get(w.serial) for w in (*inputs, *caught)])
        found = done["gradients"][index]
        return np.zeros(shaped(xs[index]).shape, shaped(xs[index]).dtype) if found is None else found

    return Op(
        f"checkpoint({getattr(f, '__name__', 'f')})",
        shape=lambda *specs: Spec(spec.shape, spec.dtype),
        forward=forward,
        gradients=gradients,
        explain=Explanation(r"f(x)", "computes its inner values again going backward", "mixes"),
        cases=lambda rng: [],
        kind="library",
    )
