"""What is to be shown: a tensor, a graph, or a function and its arguments; and where its gradients start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.errors import OperandError, ShapeError, describe
from glassgrad.graphs import Graph, trace
from glassgrad.tensors import Tensor
from glassgrad.wire import next_serial


def asked(x: Any, args: Sequence[Any], upstream: ArrayLike | None, verb: str) -> tuple[Graph, Tensor, Any]:
    """The graph of a tensor, a graph or a function at its arguments; the output whose gradients are shown, their start.

    Parameters
    ----------
    x : Tensor, Graph or callable
        What is to be shown.
    args : sequence
        The arguments of a function.
    upstream : array_like, optional
        The gradient the sweep starts with; by default what `backward()` was given, or ones.
    verb : str
        What is being done, for messages.

    Returns
    -------
    tuple
        The graph, its first output that a gradient can reach, and the start: None where there is none to have.

    Raises
    ------
    OperandError, ShapeError
        For what is no graph, arguments for what is no function, or an upstream gradient of another shape.
    """
    if args and isinstance(x, Tensor | Graph):
        kind = "a tensor" if isinstance(x, Tensor) else "a graph"
        raise OperandError(f"{verb} takes arguments after a function only, and got {len(args)} after {kind}")
    if isinstance(x, Tensor):
        graph = Graph([x])
    elif isinstance(x, Graph):
        graph = x
    elif callable(x):
        start = next_serial()
        graph = trace(x, *args)
        last = graph.outputs[0] if len(graph.outputs) == 1 else None
        if last is not None and last.op is not None and last.serial > start and not last.name:
            last.named(_name_of(x, {w.name for w in graph.wires}))
    else:
        raise OperandError(f"{verb} takes a tensor, a graph, or a function and its arguments, got {type(x).__name__}")
    if not graph.outputs:
        raise OperandError(f"there is nothing to {verb}: the graph has no output")
    output = next((w for w in graph.outputs if w.active), graph.outputs[0])
    return graph, output, _start(output, upstream)


def _name_of(f: Callable[..., Any], taken: set[str | None]) -> str:
    name = str(getattr(f, "__name__", "f"))
    name = name if name.isidentifier() else "f"
    while name in taken:
        name += "'"
    return name


def _start(output: Tensor, upstream: ArrayLike | None) -> Any:
    """The gradient that the sweep starts with; None where there is none to have."""
    if output.dtype.kind != "f" or not output.active or output.parts is not None:
        return None
    if upstream is None:
        upstream = output.grad if output.grad is not None else np.ones(output.shape, output.dtype)
    g = np.asarray(upstream, output.dtype)
    if g.shape != output.shape:
        raise ShapeError(f"the upstream gradient has shape {g.shape}, {describe(output)} has {output.shape}")
    return g[()]
