"""derive: from a function, a tensor or a graph to the derivation of its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from glassgrad.errors import OperandError, ValueMissingError, unknown
from glassgrad.graphs import Graph, argument_names, trace
from glassgrad.ops.arithmetic import identity
from glassgrad.tensors import Tensor
from glassgrad.trees import flatten
from glassgrad.views.derivation.build import Builder
from glassgrad.views.derivation.derivation import Derivation
from glassgrad.views.derivation.sizes import Sizes

_RANGES = ((-1.5, 1.5), (0.4, 1.6), (0.1, 0.9), (1.1, 2.0))
"""Where values are drawn from when only sizes are given: the first of these at which all is finite."""


def derive(
    f: Any, *args: Any, wrt: str | Iterable[str] | None = None, fold: bool = True, delta: bool = False
) -> Derivation:
    """The analytic gradient, derived as a teacher writes it: names, sizes, the chain rule, the result.

    Everything in between gets a name (the one given with ``.named()``, else q1, q2, …) unless it is a
    short polynomial inside a longer one. The local gradients are those of the gates' records, read as
    formulas; each was compared with what the gate's rule computes before it was written down. A gate whose
    rule is no formula has its vector-Jacobian product named, ``J_qr(A)ᵀ g``, and the step says so.

    Parameters
    ----------
    f : callable, Tensor or Graph
        A function, which is run on `args`; a result; or a graph of one output.
    *args : arrays, trees of them, or sizes
        Where to derive. A text gives sizes instead of values, ``"m×n"``, ``"n"``, ``""`` for a number: the
        letters then stand in the formulas, and values are drawn to check them with.
    wrt : str or names, optional
        The inputs to differentiate by; by default all that a gradient can reach.
    fold : bool
        Whether groups with a derivative of their own (σ, softmax, logsumexp, …) are one step each.
    delta : bool
        Write the recursion of the δ: δ_a for the gradient by a, that of an activation put into it.

    Returns
    -------
    Derivation
        Prints as text; ``.latex``, ``.html``, ``.steps``, ``.evaluate()``, ``.sympy()``.

    Raises
    ------
    OperandError
        For something that is no graph, a size that is none, or a function of which no finite value was found.
    UnknownNameError
        Where `wrt` names no input.

    Notes
    -----
    Vectors are columns: NumPy's ``x @ W`` of a vector is written Wᵀ x. ⊙ is the product element by
    element, 𝟏 a column of ones, so that a bias added to each row of X W is written 𝟏bᵀ. For an array as
    result, ℓ is any function of it, and its gradient by the result is given.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(gg.derive(lambda W, x: np.sum((W @ x) ** 2), "m×n", "n"))
    Forward: a name for everything in between
      q1 = W x                                                    [(m×n)(n×1) = m×1]
      ℓ = ‖q1‖²
    <BLANKLINE>
    Backward: the chain rule, step by step, from ℓ to W, x
      ∂ℓ/∂q1 = 2q1                                                             [m×1]
      ∂ℓ/∂W = (∂ℓ/∂q1) xᵀ                                         [(m×1)(1×n) = m×n]
      ∂ℓ/∂x = (∂q1/∂x)ᵀ ∂ℓ/∂q1
            = Wᵀ ∂ℓ/∂q1                                           [(n×m)(m×1) = n×1]
    <BLANKLINE>
    Put together
      ∂ℓ/∂W = 2q1 xᵀ                                              [(m×1)(1×n) = m×n]
      ∂ℓ/∂x = 2 Wᵀ q1                                             [(n×m)(m×1) = n×1]
    """
    sizes = Sizes()
    if isinstance(f, Graph):
        graph = f
    elif isinstance(f, Tensor):
        graph = Graph([f])
    elif callable(f):
        graph, sizes = _traced(f, args)
    else:
        raise OperandError(f"derive takes a function, a tensor or a graph, not {type(f).__name__}")
    if len(graph.outputs) != 1:
        raise OperandError(f"derive takes one output, and this has {len(graph.outputs)}: derive them one by one")
    output: Any = graph.outputs[0]
    if any(w._value is None for w in graph.wires):
        raise ValueMissingError("this graph has no values to check formulas with: derive the function itself")
    if output.op is None:
        output = identity(output)
        graph = Graph([output], graph.inputs)
    if not isinstance(output, Tensor) or output.dtype.kind != "f":
        raise OperandError(f"the result has dtype {getattr(output, 'dtype', type(output))}, which has no gradient")
    asked = _asked(graph, wrt)
    made = Builder(graph, output, asked, _title(f, graph), sizes, fold, delta).made()
    return Derivation(graph, output, made, sizes, delta)


def _asked(graph: Graph, wrt: str | Iterable[str] | None) -> list[Any]:
    """The inputs to differentiate by."""
    if wrt is None:
        return [w for w in graph.inputs if w.active]
    inputs = {graph.name(w): w for w in graph.inputs}
    names = [wrt] if isinstance(wrt, str) else list(wrt)
    for name in names:
        if name not in inputs:
            raise unknown("input", name, inputs)
        if not inputs[name].active:
            raise OperandError(f"input {name} has dtype {inputs[name].dtype}, and no gradient")
    return [inputs[name] for name in names]


def _title(f: Any, graph: Graph) -> str:
    """What the result is called where it has no name of its own."""
    name = getattr(f, "__name__", "")
    taken = {w.name for w in graph.wires}
    wished = [name] if name.isidentifier() and len(name) <= 2 else []
    arrays = any(w.shape for w in graph.inputs)
    wished += ["ℓ"] if arrays and not graph.outputs[0].shape else ["f"]
    return next(n for n in (*wished, "ℓ", "f", "loss", "result", "out_") if n not in taken)


def _traced(f: Callable[..., Any], args: Sequence[Any]) -> tuple[Graph, Sizes]:
    """The graph of a function at values, or at values drawn for sizes."""
    leaves = [flatten(arg, name)[0] for arg, name in zip(args, argument_names(f, len(args)), strict=True)]
    texts = [leaf for found in leaves for leaf in found if isinstance(leaf, str)]
    if not texts:
        return trace(f, *args), Sizes()
    sizes, others = Sizes(texts), Sizes(texts, 211)
    for low, high in _RANGES:
        graph, again = (_drawn_graph(f, args, s, low, high) for s in (sizes, others))
        if all(np.all(np.isfinite(w._value)) for w in graph.wires if w.parts is None):
            sizes.constants = _changing(graph, again)
            return graph, sizes
    raise OperandError("no values were found at which the function is finite: derive it at values of your own")


def _drawn_graph(f: Callable[..., Any], args: Sequence[Any], sizes: Sizes, low: float, high: float) -> Graph:
    """The graph at values drawn between two numbers."""
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        return trace(f, *(_drawn(arg, sizes, rng, low, high) for arg in args))


def _changing(graph: Graph, again: Graph) -> set[int]:
    """Single numbers that are others where the sizes are: they are made of sizes, and no number of the user's."""
    if [w.op for w in graph.gates] != [w.op for w in again.gates]:
        return set()
    gates = zip(graph.gates, again.gates, strict=True)
    pairs = ((x, y) for w, v in gates for x, y in zip(w.operands, v.operands, strict=True))
    return {x.serial for x, y in pairs if x.op is None and x.shape == y.shape == () and x._value != y._value}


def _drawn(arg: Any, sizes: Sizes, rng: np.random.Generator, low: float, high: float) -> Any:
    """An argument with values for its sizes."""
    leaves, _, rebuild = flatten(arg)
    return rebuild([rng.uniform(low, high, sizes.shape(x))[()] if isinstance(x, str) else x for x in leaves])
