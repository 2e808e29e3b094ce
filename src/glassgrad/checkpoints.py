"""Checkpoints in a graph: parts that compute their inner values again instead of keeping them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.errors import GradientError, OperandError
from glassgrad.op import Explanation, Op, Spec, shaped
from glassgrad.ops import arithmetic
from glassgrad.sweep import sweep
from glassgrad.tensors import Tensor, constant, record
from glassgrad.transforms import fresh
from glassgrad.trees import flatten
from glassgrad.wire import marked, next_serial, threads, topological


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which keeps none of its inner values and computes them again going backward.

    Trades time for memory: a graph of it holds inputs and output only. Tensors and parameters that
    `f` catches from outside receive their gradients as well.

    Parameters
    ----------
    f : callable
        Takes arrays or tensors (or trees of them) and returns one tensor, the same one each time it is called.

    Raises
    ------
    GradientError
        Going backward, when `f` gives another result than it gave going forward: it depends on numbers that
        have changed in between, or draws some of its own.

    Examples
    --------
    >>> import numpy as np, glassgrad as gg
    >>> f = gg.checkpoint(lambda x: np.sum(np.sin(np.exp(x))))
    >>> np.allclose(gg.grad(f)(np.ones(2)), gg.grad(lambda x: np.sum(np.sin(np.exp(x))))(np.ones(2)))
    True
    """
    name = getattr(f, "__name__", "f")

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        leaves, _, rebuild = flatten(list(args))
        if not any(isinstance(x, Tensor) for x in leaves) or not threads.recording.enabled:
            return f(*args, **kwargs)
        start, key, draws = next_serial(), threads.recording.key, threads.recording.draws
        given = [x if isinstance(x, Tensor) else constant(x) for x in leaves]
        inner = [record(arithmetic.identity, (x,), {}) for x in given]
        out = f(*rebuild(inner), **kwargs)
        if not isinstance(out, Tensor):
            raise OperandError("checkpoint needs a function that returns one tensor")
        below = topological([out], stop=inner)
        own = {w.serial for w in inner}
        caught: list[Any] = [
            w for w in below if w.serial not in own and (w.serial < start or w.op is None) and w.active
        ]
        called = functools.partial(f, **kwargs) if kwargs else f
        op = _checkpoint_op(called, f"checkpoint({name})", rebuild, len(inner), caught, out, (key, draws))
        return record(op, (*given, *caught), {})

    return run


def _checkpoint_op(
    f: Callable[..., Any],
    name: str,
    rebuild: Any,
    count: int,
    caught: list[Any],
    out: Tensor,
    drawing: tuple[Any, int],
) -> Op:
    """A gate that stands for one call of a checkpointed function.

    A sweep asks for the gradient of one operand after another: the first time, it computes them all.
    """
    spec, made, first = out.spec, out.serial, [] if out._value is None else [out._value]
    del out  # the gate keeps none of the wires inside
    done: dict[str, Any] = {}

    def again(xs: Sequence[Any]) -> tuple[list[Tensor], Tensor]:
        with marked(enabled=True, key=drawing[0], draws=drawing[1]):
            inputs = [fresh(x, "x") if shaped(x).dtype.kind == "f" else constant(x) for x in xs[:count]]
            return inputs, f(*rebuild(inputs))

    def forward(*xs: Any) -> Any:
        return first.pop() if first else again(xs)[1]._value

    def gradients(index: int, g: Any, before: Any, *xs: Any) -> Any:
        if done.get("g") is not g or index <= done["index"]:
            inputs, result = again(xs)
            if not any(w.changed > made for w in caught):  # else the sweep says that a parameter was changed
                _check_repeated(result, before, name)
            record_ = any(isinstance(x, Tensor) for x in (g, *xs))
            swept = sweep({result: g}, [*inputs, *caught], record=record_)
            done.update(g=g, gradients=[swept.get(w.serial) for w in (*inputs, *caught)])
        done["index"] = index
        found = done["gradients"][index]
        return np.zeros(shaped(xs[index]).shape, shaped(xs[index]).dtype) if found is None else found

    return Op(
        name,
        shape=lambda *specs: Spec(spec.shape, spec.dtype),
        forward=forward,
        gradients=gradients,
        explain=Explanation(r"f(x)", "computes its inner values again going backward", "mixes"),
        cases=lambda rng: [],
        kind="library",
    )


def _check_repeated(result: Tensor, before: Any, name: str) -> None:
    """Raise a `GradientError` where a function gives another result than it gave going forward."""
    old, new = before._value if isinstance(before, Tensor) else before, result._value
    if old is None or new is None or np.size(old) == 0:
        return
    slack = float(np.sqrt(np.finfo(result.dtype).eps))
    with np.errstate(all="ignore"):
        if np.shape(new) == np.shape(old) and np.allclose(new, old, slack, slack * np.max(np.abs(old)), equal_nan=True):
            return
    raise GradientError(
        f"{name} gave another result when it was computed again going backward: arrays it uses were changed after "
        "it ran, or it draws random numbers of its own; hand both over as arguments"
    )
