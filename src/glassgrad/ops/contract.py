"""Gates that contract: matrix products and Einstein sums. ``products.py`` composes NumPy's other products from them.

Operands of two dtypes meet in NumPy's common dtype: float32 with float32 stays float32.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.errors import ShapeError, UnsupportedError
from glassgrad.op import Case, Explanation, Op, Spec, answers, promote, shaped
from glassgrad.ops.cases import drawn

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _matmul_shape(x: Any, y: Any) -> Spec:
    if not x.shape or not y.shape:
        raise ShapeError(
            f"matmul takes no scalars, and was given {tuple(x.shape)} @ {tuple(y.shape)}; multiply with * instead"
        )
    rows, columns = x.shape[-2:-1], y.shape[-1:] if len(y.shape) > 1 else ()
    if x.shape[-1] != y.shape[-min(2, len(y.shape))]:
        raise ShapeError(
            f"matmul of {tuple(x.shape)} and {tuple(y.shape)}: the last size of the left ({x.shape[-1]}) "
            f"must equal the {'second last' if len(y.shape) > 1 else 'only'} size of the right "
            f"({y.shape[-min(2, len(y.shape))]})"
        )
    try:
        batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"matmul of {tuple(x.shape)} and {tuple(y.shape)}: the sizes before the matrices, "
            f"{tuple(x.shape[:-2])} and {tuple(y.shape[:-2])}, do not broadcast"
        ) from None
    return Spec((*batch, *rows, *columns), promote(x, y))


def _product(x: Any, y: Any) -> Any:
    """`np.matmul`; two matrices go to `ndarray.dot`, which computes the same with half the overhead."""
    return x.dot(y) if type(x) is type(y) is np.ndarray and x.ndim == y.ndim == 2 else np.matmul(x, y)


def _matmul_left(g: Any, out: Any, x: Any, y: Any) -> Any:
    if type(g) is type(y) is np.ndarray and g.ndim == y.ndim == x.ndim == 2:
        return g.dot(y.T)
    m, n = len(x.shape), len(y.shape)
    if m == 2 and n == 2:
        return np.matmul(g, y.T)
    if n == 1:
        return g * y if m == 1 else np.expand_dims(g, -1) * y
    if m == 1:
        return np.squeeze(np.matmul(np.expand_dims(g, -2), np.swapaxes(y, -1, -2)), -2)
    return np.matmul(g, np.swapaxes(y, -1, -2))


def _matmul_right(g: Any, out: Any, x: Any, y: Any) -> Any:
    if type(g) is type(x) is np.ndarray and g.ndim == x.ndim == y.ndim == 2:
        return x.T.dot(g)
    m, n = len(x.shape), len(y.shape)
    if m == 2 and n == 2:
        return np.matmul(x.T, g)
    if m == 1:
        return g * x if n == 1 else np.expand_dims(x, 1) * np.expand_dims(g, -2)
    if n == 1:
        return np.squeeze(np.matmul(np.swapaxes(x, -1, -2), np.expand_dims(g, -1)), -1)
    if n == 2:
        rows = math.prod(x.shape[:-1])
        return np.matmul(np.reshape(x, (rows, x.shape[-1])).T, np.reshape(g, (rows, g.shape[-1])))
    return np.matmul(np.swapaxes(x, -1, -2), g)


matmul = Op(
    "matmul",
    shape=_matmul_shape,
    forward=_product,
    gradients=(_matmul_left, _matmul_right),
    explain=Explanation(
        "x y", "each operand receives the upstream gradient times the other, transposed", "mixes",
        (r"g\, y^{\top}", r"x^{\top} g"),
    ),
    cases=drawn(
        (((2, 3), (3, 2)), {}),
        (((3,), (3,)), {}),
        (((3,), (3, 2)), {}),
        (((2, 3), (3,)), {}),
        (((2, 2, 3), (3, 2)), {}),
        (((2, 3), (2, 3, 2)), {}),
        (((2, 1, 2, 2), (3, 2, 1)), {}),
        (((2,), (3, 2, 2)), {}),
        (((3, 2, 2), (2,)), {}),
        (((2, 0), (0, 3)), {}),
    ),
    kind="contract",
    numpy=(np.matmul, np.linalg.matmul),
    flops=lambda x, y, out, **_: 2 * math.prod(out.shape) * x.shape[-1],
)  # fmt: skip


def _sizes(terms: Sequence[str], operands: Sequence[Any]) -> dict[str, int]:
    """Size of every label; a size of 1 broadcasts, as in NumPy."""
    sizes: dict[str, int] = {}
    for term, x in zip(terms, operands, strict=True):
        for label, size in zip(term, x.shape, strict=True):
            if sizes.setdefault(label, size) == 1:
                sizes[label] = size
    return sizes


def _einsum_shape(*operands: Any, subscripts: str) -> Spec:
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        raise ShapeError(f"einsum '{subscripts}' names {len(terms)} operands and was given {len(operands)}")
    for term, x in zip(terms, operands, strict=True):
        if len(term) != len(x.shape):
            raise ShapeError(
                f"einsum '{subscripts}': '{term}' names {len(term)} axes, its operand has shape {tuple(x.shape)}"
            )
    sizes = _sizes(terms, operands)
    for term, x in zip(terms, operands, strict=True):
        for i, (label, size) in enumerate(zip(term, x.shape, strict=True)):
            if size not in (1, sizes[label]) or x.shape[term.index(label)] != x.shape[i]:
                other = sizes[label] if size not in (1, sizes[label]) else x.shape[term.index(label)]
                raise ShapeError(
                    f"einsum '{subscripts}': label '{label}' has size {size} in '{term}' of shape "
                    f"{tuple(x.shape)}, and {other} elsewhere"
                )
    return Spec(tuple(sizes[label] for label in output), promote(*operands))


def _einsum_rule(index: int, g: Any, out: Any, *operands: Any, subscripts: str) -> Any:
    """The gradient of an Einstein sum is one: the upstream gradient with the other operands.

    A label repeated in the operand (a diagonal) is renamed, and the identity matrix ties the new
    name to the old; a label that nothing else carries (it was summed alone) is carried by ones.
    """
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    x, term = operands[index], terms[index]
    parts = [(output, g)] + [(terms[i], y) for i, y in enumerate(operands) if i != index]
    free = (c for c in LETTERS if c not in subscripts)
    target = ""
    for label, size in zip(term, x.shape, strict=True):
        if label in target:
            fresh = next(free)
            parts.append((label + fresh, np.eye(size, dtype=g.dtype)))
            label = fresh
        target += label
    for label, size in zip(target, x.shape, strict=True):
        carried = {n for t, y in parts for c, n in zip(t, y.shape, strict=True) if c == label}
        if not carried or (size != 1 and carried == {1}):
            parts.append((label, np.ones(size, g.dtype)))
    return einsum_terms(*(y for _, y in parts), subscripts=f"{','.join(t for t, _ in parts)}->{target}")


def _einsum_flops(*specs: Any, subscripts: str) -> int:
    inputs, _ = subscripts.split("->")
    operands = specs[:-1]
    return 2 * math.prod(_sizes(inputs.split(","), operands).values()) * max(1, len(operands) - 1)


def _einsum_forward(*operands: Any, subscripts: str) -> Any:
    return np.einsum(subscripts, *operands, optimize=len(operands) > 1)


def _einsum_cases(rng: np.random.Generator) -> list[Case]:
    rows = (
        ("ij,jk->ik", (2, 3), (3, 2)),
        ("ij->ji", (2, 3)),
        ("ii->i", (3, 3)),
        ("ii->", (3, 3)),
        ("iij->j", (2, 2, 3)),
        ("iii->i", (2, 2, 2)),
        ("ij->", (2, 3)),
        ("ij,k->i", (2, 3), (2,)),
        ("ij,ij->j", (2, 3), (2, 3)),
        ("ij,ij->ij", (1, 3), (2, 1)),
        ("i,i->", (1,), (3,)),
        ("ii,i,ij->j", (2, 2), (2,), (2, 3)),
        (",i->i", (), (3,)),
        ("abi,bij->abj", (2, 1, 2), (3, 2, 2)),
        ("i,i,i->", (3,), (3,), (3,)),
    )
    return [(tuple(rng.normal(size=s) for s in shapes), {"subscripts": subscripts}) for subscripts, *shapes in rows]


einsum_terms = Op(
    "einsum",
    shape=_einsum_shape,
    forward=_einsum_forward,
    gradients=_einsum_rule,
    explain=Explanation(
        r"\sum_{\text{labels not in the result}} x\, y \cdots",
        "each operand receives the Einstein sum of the upstream gradient and the others", "mixes",
    ),
    cases=_einsum_cases,
    kind="contract",
    flops=_einsum_flops,
)  # fmt: skip


def explicit_subscripts(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> str:
    """Subscripts in full: no spaces, a label for each axis of an ellipsis, the result named.

    Examples
    --------
    >>> from glassgrad.ops.contract import explicit_subscripts
    >>> explicit_subscripts("...ij, jk", [(5, 2, 3), (3, 4)])
    'aij,jk->aik'
    """
    text = subscripts.replace(" ", "")
    if not re.fullmatch(r"(?:[a-zA-Z]|\.\.\.|,)*(?:->(?:[a-zA-Z]|\.\.\.)*)?", text):
        raise ShapeError(
            f"einsum subscripts {subscripts!r}: write letters, commas, '...' and one '->', as in 'ij,jk->ik'"
        )
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise ShapeError(f"einsum {subscripts!r} names {len(terms)} operands and was given {len(shapes)}")
    spans: list[int] = []
    for term, shape in zip(terms, shapes, strict=True):
        span = len(shape) - len(term.replace("...", ""))
        if term.count("...") > 1 or span < 0 or (span > 0 and "..." not in term):
            raise ShapeError(
                f"einsum {subscripts!r}: '{term}' must name the {len(shape)} axes of shape {tuple(shape)} one by one"
            )
        spans.append(span)
    letters = [c for c in LETTERS if c not in text]
    if max(spans, default=0) > len(letters):
        raise ShapeError(f"einsum {subscripts!r}: more than {len(LETTERS)} axes in all")
    hidden = "".join(letters[: max(spans, default=0)])
    terms = [t.replace("...", hidden[len(hidden) - n :]) for t, n in zip(terms, spans, strict=True)]
    if arrow:
        if hidden and "..." not in output:
            raise ShapeError(f"einsum {subscripts!r}: the result must carry '...' too; to sum those axes, name them")
        result = output.replace("...", hidden)
    else:
        labels = "".join(terms)
        result = hidden + "".join(sorted(c for c in set(labels) - set(hidden) if labels.count(c) == 1))
    for c in result:
        if result.count(c) > 1 or c not in "".join(terms):
            what = "twice" if result.count(c) > 1 else "and no operand has it"
            raise ShapeError(f"einsum {subscripts!r}: the result names '{c}' {what}")
    return f"{','.join(terms)}->{result}"


@answers(np.einsum)
def einsum(subscripts: str, *operands: Any, out: None = None, optimize: Any = True) -> Any:
    """Einstein summation: products of axes that share a label, summed over labels not in the result.

    Parameters
    ----------
    subscripts : str
        NumPy's string form, as ``"ij,jk->ik"``; ellipsis, repeated labels and an implicit result work.
    *operands : array_like
        One for each comma-separated term.
    out : None
        Not supported: tensors are immutable.
    optimize : bool or str
        Taken as NumPy takes it and not needed: the order of products is always optimised.

    Examples
    --------
    >>> import glassgrad as gg, numpy as np
    >>> print(np.einsum("ii", gg.tensor([[1.0, 2.0], [3.0, 4.0]])).value)
    5.0
    """
    if not isinstance(subscripts, str):
        raise UnsupportedError(
            "einsum of tensors takes its subscripts as a string, np.einsum('ij,jk->ik', x, y), "
            "and not as lists of axis numbers between the operands"
        )
    no_out("einsum", out)
    arrays = tuple(shaped(x) for x in operands)
    return einsum_terms(*arrays, subscripts=explicit_subscripts(subscripts, [tuple(x.shape) for x in arrays]))


def no_out(name: str, out: Any) -> None:
    """Refuse an array to write the result into."""
    if out is not None:
        raise UnsupportedError(f"{name} of tensors takes no out=: tensors are immutable; use the returned tensor")
