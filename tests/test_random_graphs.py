"""Thousands of random graphs: gradients against finite differences, mode against mode, dtype against dtype.

A graph is drawn as a list of whole numbers, one a gate, so that hypothesis shrinks a failure to few gates.
`draw_program` turns it into a NumPy function: it looks at the values while it chooses, and so keeps away
from kinks and singular points, and the function it returns does not look at values any more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

import glassgrad as gg
from glassgrad.exchange.written import UNSAID

Function = Callable[..., Any]
Move = Callable[[np.random.Generator, Any, list[Any]], tuple[Function, tuple[int, ...]] | None]

SHAPES = ((), (1,), (3,), (4,), (2, 3), (3, 1), (1, 4), (2, 2, 3))
LARGEST = 48
MARGIN = 1e-2
"""How far from a kink or tie the operands of a gate that has one must be."""


def one(f: Function) -> Move:
    """A gate on one operand, wherever it stands."""
    return lambda rng, x, pool: (f, ())


SMOOTH: dict[str, Move] = {
    "positive": one(np.positive),
    "negative": one(np.negative),
    "sin": one(np.sin),
    "cos": one(np.cos),
    "tan": one(lambda x: np.tan(np.tanh(x))),
    "arctan": one(np.arctan),
    "arcsin": one(lambda x: np.arcsin(0.9 * np.sin(x))),
    "arccos": one(lambda x: np.arccos(0.9 * np.cos(x + 0.3))),
    "tanh": one(np.tanh),
    "sinh": one(lambda x: np.sinh(np.tanh(x))),
    "cosh": one(lambda x: np.cosh(np.tanh(x))),
    "arcsinh": one(np.arcsinh),
    "arccosh": one(lambda x: np.arccosh(1.2 + x * x)),
    "arctanh": one(lambda x: np.arctanh(0.9 * np.tanh(x))),
    "exp": one(lambda x: np.exp(np.tanh(x))),
    "exp2": one(lambda x: np.exp2(np.sin(x))),
    "expm1": one(lambda x: np.expm1(np.sin(x))),
    "log": one(lambda x: np.log(x * x + 0.5)),
    "log1p": one(lambda x: np.log1p(np.square(x))),
    "log2": one(lambda x: np.log2(1.5 + np.sin(x))),
    "log10": one(lambda x: np.log10(1.5 + np.cos(x))),
    "sqrt": one(lambda x: np.sqrt(x**2 + 0.3)),
    "cube": one(lambda x: np.tanh(x) ** 3),
    "base": one(lambda x: 1.7 ** np.sin(x)),
    "reciprocal": one(lambda x: np.reciprocal(x * x + 0.7)),
    "one_over": one(lambda x: 1 / (2.0 + np.sin(x))),
    "sigmoid": one(gg.sigmoid),
    "softplus": one(gg.softplus),
    "erf": one(gg.erf),
    "stop": one(lambda x: x + gg.stop_gradient(np.ones(x.shape)) * x),
}


def clear(*margins: Any) -> bool:
    """Whether every distance from a kink is large enough."""
    return all(np.size(m) == 0 or float(np.min(np.abs(m))) > MARGIN for m in margins)


def kinked(f: Function, margin: Function) -> Move:
    return lambda rng, x, pool: (f, ()) if clear(margin(x)) else None


KINKED: dict[str, Move] = {
    "absolute": kinked(np.abs, lambda x: x),
    "relu": kinked(gg.relu, lambda x: x),
    "clip": kinked(lambda x: np.clip(x, -0.5, 0.7), lambda x: np.minimum(abs(x + 0.5), abs(x - 0.7))),
    "where": kinked(lambda x: np.where(x > 0.1, x * x, np.sin(x)), lambda x: x - 0.1),
    "power": kinked(lambda x: np.abs(x) ** 1.5, lambda x: x),
}


def partner(rng: np.random.Generator, x: Any, pool: list[Any]) -> int | None:
    """Another value of the pool that broadcasts with `x` to something small."""
    fitting = []
    for i, y in enumerate(pool):
        try:
            shape = np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            continue
        if math.prod(shape) <= LARGEST:
            fitting.append(i)
    return int(rng.choice(fitting)) if fitting else None


def two(f: Function, margin: Function | None = None) -> Move:
    """A gate on two operands that broadcast."""

    def move(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
        i = partner(rng, x, pool)
        if i is None or (margin is not None and not clear(margin(x, pool[i]))):
            return None
        return f, (i,)

    return move


PAIRED: dict[str, Move] = {
    "add": two(np.add),
    "subtract": two(np.subtract),
    "multiply": two(np.multiply),
    "divide": two(lambda x, y: x / (y * y + 0.6)),
    "power_of": two(lambda x, y: (x * x + 0.4) ** np.tanh(y)),
    "arctan2": two(lambda x, y: np.arctan2(x, y * y + 0.5)),
    "hypot": two(lambda x, y: np.hypot(x, y * y + 0.5)),
    "logaddexp": two(np.logaddexp),
    "remainder": two(
        lambda x, y: np.remainder(x, y * y + 0.8),
        lambda x, y: np.minimum(x % (y * y + 0.8), y * y + 0.8 - x % (y * y + 0.8)),
    ),
    "maximum": two(np.maximum, np.subtract),
    "minimum": two(np.minimum, np.subtract),
    "choose": two(lambda x, y: np.where(x < y, x, 0.5 * y), np.subtract),
    "clip_between": two(
        lambda x, y: np.clip(x, np.sin(y) - 1.1, np.cos(y) + 1.1),
        lambda x, y: np.minimum(abs(x - np.sin(y) + 1.1), abs(x - np.cos(y) - 1.1)),
    ),
    "kron_like": two(lambda x, y: np.multiply(np.sin(x), y) - 0.5),
}


def an_axis(rng: np.random.Generator, x: Any, longer_than: int = 0) -> int | None:
    axes = [i - len(x.shape) * int(rng.integers(2)) for i, n in enumerate(x.shape) if n > longer_than]
    return int(rng.choice(axes)) if axes else None


def along(f: Function, longer_than: int = 0, margin: Function | None = None) -> Move:
    """A gate ``f(x, axis)``."""

    def move(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
        axis = an_axis(rng, x, longer_than)
        if axis is None or (margin is not None and not clear(margin(x, axis))):
            return None
        return (lambda x, axis=axis: f(x, axis)), ()

    return move


def reduced(f: Function, margin: Function | None = None) -> Move:
    """A reduction ``f(x, axis=, keepdims=)`` over one axis, several or all."""

    def move(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
        n = len(x.shape)
        chosen = sorted(rng.permutation(n)[: rng.integers(1, n + 1)].tolist()) if n else []
        axis = None if not n or rng.random() < 0.3 else chosen[0] if len(chosen) == 1 else tuple(chosen)
        keepdims = bool(rng.integers(2))
        if margin is not None and not clear(margin(x, axis)):
            return None
        return (lambda x: f(x, axis=axis, keepdims=keepdims)), ()

    return move


def gap(x: Any, axis: Any) -> Any:
    """The distance between the two largest, and the two smallest, of what is reduced."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(a % x.ndim for a in axes)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    rows = np.sort(x.transpose(*rest, *axes).reshape(math.prod(x.shape[i] for i in rest), -1), axis=-1)
    if rows.shape[-1] < 2:
        return 1.0
    return np.minimum(rows[:, -1] - rows[:, -2], rows[:, 1] - rows[:, 0])


REDUCED: dict[str, Move] = {
    "sum": reduced(np.sum),
    "mean": reduced(np.mean),
    "prod": reduced(lambda x, **k: np.prod(np.sin(x) + 1.2, **k)),
    "max": reduced(np.max, gap),
    "min": reduced(np.min, gap),
    "ptp": reduced(np.ptp, gap),
    "var": reduced(np.var),
    "std": reduced(np.std, lambda x, axis: np.std(x, axis)),
    "logsumexp": reduced(gg.logsumexp),
    "softmax": along(gg.softmax),
    "log_softmax": along(gg.log_softmax),
    "cumsum": along(np.cumsum),
    "diff": along(lambda x, axis: np.diff(x, axis=axis), 1),
    "norm": along(lambda x, axis: np.linalg.norm(x, axis=axis), 0, lambda x, axis: np.linalg.norm(x, axis=axis)),
    "sort": along(lambda x, axis: np.sort(x, axis=axis), 0, lambda x, axis: np.diff(np.sort(x, axis=axis), axis=axis)),
    "average": along(lambda x, axis: np.average(x, axis=axis, weights=1.0 + np.arange(x.shape[axis]))),
}


def reshaped(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    n = x.size
    a = int(rng.choice([d for d in range(1, n + 1) if n % d == 0]))
    shape = [(n,), (a, -1), (-1, a), (1, a, n // a)][int(rng.integers(4))]
    return (lambda x: np.reshape(x, shape)), ()


def transposed(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    order = tuple(rng.permutation(len(x.shape)).tolist())
    return (lambda x: np.transpose(x, order)), ()


def exchanged(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    i, j = an_axis(rng, x), an_axis(rng, x)
    if i is None or j is None:
        return None
    return (lambda x: np.swapaxes(x, i, j)) if rng.integers(2) else (lambda x: np.moveaxis(x, i, j)), ()


def sliced(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    index: list[Any] = []
    for n in x.shape:
        start, step = int(rng.integers(n)), int(rng.choice([1, 2, -1, -2]))
        index.append([slice(None), slice(start, None, step), slice(None, None, step), start - n][int(rng.integers(4))])
    extra = [(), (None,), (..., None)][int(rng.integers(3))]
    return (lambda x: x[(*index, *extra)]), ()


def grown(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    if x.size * 2 > LARGEST:
        return None
    if rng.integers(2):
        return (lambda x: np.broadcast_to(x, (2, *x.shape))), ()
    return (lambda x: np.expand_dims(x, 0)), ()


def joined(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    axis = an_axis(rng, x)
    same = [i for i, y in enumerate(pool) if y.shape == x.shape and 2 * x.size <= LARGEST]
    if not same:
        return None
    if axis is None or rng.integers(2):
        return (lambda x, y: np.stack([x, y, x][: 1 + int(2 * x.size <= LARGEST)], axis=-1)), (int(rng.choice(same)),)
    return (lambda x, y: np.concatenate([y, x], axis=axis)), (int(rng.choice(same)),)


def cut(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    axis = an_axis(rng, x, 1)
    if axis is None:
        return None

    def f(x: Any) -> Any:
        first, second = np.split(x, [1], axis=axis)
        return np.sin(first) + np.sum(second, axis=axis, keepdims=True)

    return f, ()


def padded(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    if not x.shape or math.prod(n + 2 for n in x.shape) > LARGEST:
        return None
    mode = str(rng.choice(["constant", "edge", "wrap"]))
    return (lambda x: np.pad(x, 1, mode=mode)), ()


def turned(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    axis = an_axis(rng, x)
    if axis is None:
        return None
    shift = int(rng.integers(-3, 4))
    return [
        (lambda x: np.flip(x, axis), ()),
        (lambda x: np.roll(x, shift, axis=axis), ()),
        (lambda x: np.roll(x, shift), ()),
    ][int(rng.integers(3))]


def copied(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    axis = an_axis(rng, x)
    if axis is None or 2 * x.size > LARGEST:
        return None
    return (lambda x: np.repeat(x, 2, axis=axis)) if rng.integers(2) else (lambda x: np.tile(x, 2)), ()


def triangle(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    if len(x.shape) < 2:
        return None
    k, f = int(rng.integers(-1, 2)), [np.tril, np.triu][int(rng.integers(2))]
    if rng.random() < 0.3:
        return (lambda x: np.diagonal(x)), ()
    return (lambda x: f(x, k)), ()


def looked_up(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    axis = an_axis(rng, x)
    if axis is None:
        return None
    n = x.shape[axis]
    places = rng.integers(-n, n, size=int(rng.integers(1, 4)))
    mask = rng.random(x.shape) < 0.6
    if x.size * 3 > LARGEST or not mask.any():
        return None
    twice = 2 * places[:, None] // 2
    return [
        (lambda x: np.take(x, places, axis=axis), ()),
        (lambda x: np.moveaxis(x, axis, 0)[twice], ()),
        (lambda x: x[mask], ()),
        (lambda x: gg.scatter_add(np.sin(x), (..., [0, 0]), 0.5 * x[..., :1]), ()),
        (lambda x: np.take_along_axis(x, np.zeros((*x.shape[:-1], 2), int), axis=-1), ()),
    ][int(rng.integers(5))]


MOVED: dict[str, Move] = {
    "reshape": reshaped,
    "ravel": one(np.ravel),
    "squeeze": one(np.squeeze),
    "transpose": transposed,
    "swapaxes": exchanged,
    "slice": sliced,
    "broadcast_to": grown,
    "concatenate": joined,
    "split": cut,
    "pad": padded,
    "roll": turned,
    "tile": copied,
    "tril": triangle,
    "take": looked_up,
}


def product(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    if not x.shape:
        return None
    w = rng.normal(size=(x.shape[-1], int(rng.integers(1, 4)))) / x.shape[-1]
    if x.size // x.shape[-1] * w.shape[1] > LARGEST:
        return None
    return [
        (lambda x: x @ w, ()),
        (lambda x: x @ w[:, 0], ()),
        (lambda x: np.matmul(w.T, np.expand_dims(np.sin(x), -1)), ()),
        (lambda x: np.dot(x, w), ()),
        (lambda x: np.tensordot(x, w, axes=([-1], [0])), ()),
        (lambda x: np.einsum("...i,ij->...j", x, w), ()),
    ][int(rng.integers(6))]


def with_itself(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    if not x.shape or x.size // x.shape[-1] > 6 or x.shape[-1] > 6:
        return None
    n, m = x.size // x.shape[-1], x.shape[-1]
    return [
        (lambda x: np.reshape(x, (n, m)) @ np.reshape(x, (n, m)).T / m, ()),
        (lambda x: np.einsum("ij,ik->jk", np.reshape(x, (n, m)), np.sin(np.reshape(x, (n, m)))) / n, ()),
        (lambda x: np.outer(np.ravel(x)[:4], np.cos(np.ravel(x)[:3])), ()),
        (lambda x: np.inner(np.reshape(x, (n, m)), np.tanh(np.reshape(x, (n, m)))) / m, ()),
        (lambda x: np.vdot(x, np.cos(x)) / (n * m), ()),
        (lambda x: np.einsum("i,i,j->ij", np.ravel(x)[:3], np.sin(np.ravel(x)[:3]), np.ravel(x)[:2]), ()),
    ][int(rng.integers(6))]


def solved(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    n = min(3, x.size)

    def matrix(x: Any) -> Any:
        row = np.ravel(x)[:n]
        return np.outer(np.sin(row), np.cos(row)) + 3.0 * np.eye(n)

    return [
        (lambda x: np.linalg.solve(matrix(x), np.ravel(x)[:n]), ()),
        (lambda x: np.linalg.inv(matrix(x)), ()),
        (lambda x: np.linalg.det(matrix(x)) / 30, ()),
        (lambda x: np.linalg.slogdet(matrix(x))[1], ()),
        (lambda x: np.linalg.cholesky(matrix(x) @ matrix(x).T), ()),
    ][int(rng.integers(5))]


def factored(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    n = min(3, x.size)
    apart = np.diag([1.0, 4.0, 9.0][:n])

    def symmetric(x: Any) -> Any:
        row = np.ravel(x)[:n]
        return 0.3 * np.outer(np.sin(row), np.sin(row)) + apart

    def tall(x: Any) -> Any:
        row = np.ravel(x)[:n]
        return (0.3 * np.outer(np.sin(row), np.cos(row)) + apart)[:, :2]

    # eigenvectors and singular vectors are told up to their sign, which squares do not show
    return [
        (lambda x: np.linalg.eigh(symmetric(x))[0], ()),
        (lambda x: np.square(np.linalg.eigh(symmetric(x))[1]), ()),
        (lambda x: np.linalg.svd(tall(x), full_matrices=False)[1], ()),
        (lambda x: np.square(np.linalg.svd(tall(x), full_matrices=False)[0]), ()),
        (lambda x: np.linalg.qr(tall(x))[1], ()),
        (lambda x: np.linalg.pinv(tall(x)), ()),
    ][int(rng.integers(6))]


def sparse_product(rng: np.random.Generator, x: Any, pool: list[Any]) -> Any:
    n = x.size
    csr = sparse.csr_array((rng.random((3, n)) < 0.5) * rng.normal(size=(3, n)))
    fixed, stored = rng.normal(size=n), min(n, csr.nnz)
    if rng.integers(2) or not stored:
        return (lambda x: gg.sparse_matmul(csr, np.ravel(x))), ()
    places = np.arange(csr.nnz) % n
    return (lambda x: gg.sparse_matmul(csr, fixed, values=np.ravel(x)[places])), ()


CONTRACTED: dict[str, Move] = {
    "matmul": product,
    "gram": with_itself,
    "linalg": solved,
    "factor": factored,
    "sparse": sparse_product,
}
FAMILIES = (SMOOTH, KINKED, PAIRED, REDUCED, MOVED, CONTRACTED)


class Program:
    """A function of arrays or tensors, and the point at which it was drawn."""

    def __init__(self, point: list[Any], steps: list[Any], ends: list[Any]) -> None:
        self.point, self.steps, self.ends = point, steps, ends

    def outputs(self, *inputs: Any) -> list[Any]:
        """The values that no step uses."""
        pool = list(inputs)
        for _, f, operands in self.steps:
            pool.append(f(*[pool[i] for i in operands]))
        return [pool[i] for i, _ in self.ends]

    def __call__(self, *inputs: Any) -> Any:
        """A weighted sum of the outputs."""
        total: Any = 0.0
        for out, (_, weights) in zip(self.outputs(*inputs), self.ends, strict=True):
            total = total + np.sum(out * weights.astype(out.dtype))
        return total

    def __repr__(self) -> str:
        steps = "; ".join(f"{name}{list(operands)}" for name, _, operands in self.steps)
        return f"<{[x.shape for x in self.point]}: {steps}>"


def draw_program(seed: int, numbers: list[int]) -> Program:
    """One gate for each number; after a gate whose values are large, arctan brings them back."""
    rng = np.random.default_rng(seed)
    pool: list[Any] = [rng.uniform(-1.5, 1.5, SHAPES[i]) for i in rng.integers(len(SHAPES), size=rng.integers(1, 4))]
    point, steps, used = list(pool), [], set()

    def append(name: str, f: Function, operands: tuple[int, ...]) -> None:
        pool.append(np.asarray(f(*[pool[i] for i in operands])))
        steps.append((name, f, operands))
        used.update(operands)

    for number in numbers:
        drawn = np.random.default_rng((seed, number))
        family = FAMILIES[number % len(FAMILIES)]
        name = list(family)[number // len(FAMILIES) % len(family)]
        # the newest value as a rule, so that graphs grow deep; an old one at times, so that they branch
        i = len(pool) - 1 if drawn.random() < 0.6 else int(drawn.integers(len(pool)))
        made = family[name](drawn, pool[i], pool)
        f, others = (np.sin, ()) if made is None else made
        append(name if made is not None else "sin", f, (i, *others))
        if pool[-1].size > LARGEST or np.max(np.abs(pool[-1]), initial=0) > 4:
            append("arctan", np.arctan if pool[-1].size <= LARGEST else np.mean, (len(pool) - 1,))
    ends = [(i, rng.normal(size=v.shape)) for i, v in enumerate(pool) if i not in used]
    return Program(point, steps, ends)


programs = st.builds(
    draw_program, st.integers(0, 2**16), st.lists(st.integers(0, 10_000), min_size=1, max_size=9)
)  # fmt: skip


def directions(program: Program, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=x.shape) for x in program.point]


def inner(xs: Any, ys: Any) -> float:
    return float(sum(np.sum(np.asarray(x) * np.asarray(y)) for x, y in zip(xs, ys, strict=True)))


def norm(xs: Any) -> float:
    return math.sqrt(inner(xs, xs))


def slope(f: Callable[[list[Any]], Any], point: list[Any], direction: list[Any], h: float = 1e-3) -> Any:
    """The derivative along a direction: central differences of two steps, extrapolated (error of order h⁴)."""

    def difference(h: float) -> Any:
        up = f([x + h * d for x, d in zip(point, direction, strict=True)])
        down = f([x - h * d for x, d in zip(point, direction, strict=True)])
        return (up - down) / (2 * h)

    return (4 * difference(h / 2) - difference(h)) / 3


def every(program: Program) -> tuple[int, ...]:
    return tuple(range(len(program.point)))


def assert_slopes_agree(found: float, f: Function, program: Program, v: list[Any], size: float) -> None:
    """Smaller steps are tried before a slope is called wrong; what is compared is relative to `size`."""
    errors = []
    for h in (1e-3, 1e-4, 1e-5):
        expected = slope(f, program.point, v, h)
        errors.append(abs(found - expected) / max(1.0, size))
        if errors[-1] < 1e-7:
            return
    assert min(errors) < 1e-6, f"{program}: {found} is not {expected}; errors {errors}"


@settings(max_examples=3000)
@given(programs)
def test_gradients_equal_finite_differences(program: Program) -> None:
    value, gradients = gg.value_and_grad(program, every(program))(*program.point)
    assert math.isclose(value, program(*program.point), rel_tol=1e-12, abs_tol=1e-12)
    assert [g.shape for g in gradients] == [x.shape for x in program.point]
    v = directions(program, 1)
    size = norm(gradients) * norm(v)
    assert_slopes_agree(inner(gradients, v), lambda xs: program(*xs), program, v, size)


@settings(max_examples=300)
@given(programs)
def test_each_element_of_a_gradient_equals_its_finite_difference(program: Program) -> None:
    gradients = gg.grad(program, every(program))(*program.point)
    numerical = gg.numerical_gradient(program, *program.point, argnums=every(program))
    for g, n in zip(gradients, numerical, strict=True):
        np.testing.assert_allclose(g, n, rtol=1e-4, atol=1e-5 * max(1.0, norm(gradients)))


@settings(max_examples=600)
@given(programs)
def test_second_derivatives_equal_differences_of_the_gradient(program: Program) -> None:
    v, u = directions(program, 2), directions(program, 3)

    def weighted(xs: list[Any]) -> float:
        return inner(gg.grad(program, every(program))(*xs), u)

    product = gg.hvp(lambda xs: program(*xs), program.point, v)
    size = norm(product) * norm(u)
    assert_slopes_agree(inner(product, u), weighted, program, v, size)
    other = gg.hvp(lambda xs: program(*xs), program.point, u)
    assert math.isclose(inner(product, u), inner(other, v), rel_tol=1e-9, abs_tol=1e-9 * max(1.0, size))


@settings(max_examples=600)
@given(programs)
def test_forward_and_reverse_mode_are_transposed(program: Program) -> None:
    """⟨u, J v⟩ = ⟨Jᵀ u, v⟩."""
    v = directions(program, 4)
    out, tangent = gg.jvp(program.outputs, program.point, v)
    again, pullback = gg.vjp(program.outputs, *program.point)
    rng = np.random.default_rng(5)
    u = [rng.normal(size=np.shape(o)) for o in out]
    for a, b, plain in zip(out, again, program.outputs(*program.point), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, plain, rtol=1e-12, atol=1e-12)
    pulled = pullback(u)
    left, right = inner(u, tangent), inner(pulled, v)
    assert abs(left - right) <= 1e-11 * max(1.0, norm(u) * norm(tangent), norm(pulled) * norm(v)), program


@settings(max_examples=600)
@given(programs)
def test_a_graph_traced_without_values_gives_the_same_bits(program: Program) -> None:
    def both(*xs: Any) -> Any:
        return gg.value_and_grad(program, every(program))(*xs)

    value, gradients = both(*program.point)
    graph = gg.trace(both, *program.point, values=False).verify()
    assert all(w._value is None for w in graph.inputs)
    for got, want in zip(graph.run(*program.point), (value, *gradients), strict=True):
        np.testing.assert_array_equal(got, want)
        assert np.shape(got) == np.shape(want)


@settings(max_examples=300)
@given(programs)
def test_backward_sets_what_grad_returns_and_checkpointing_changes_nothing(program: Program) -> None:
    gradients = gg.grad(program, every(program))(*program.point)
    wires = [gg.tensor(x) for x in program.point]
    program(*wires).backward()
    again = [gg.tensor(x) for x in program.point]
    gg.checkpoint(program)(*again).backward()
    for wire, other, g in zip(wires, again, gradients, strict=True):
        if wire.grad is None:
            assert not np.any(g)
            continue
        np.testing.assert_array_equal(wire.grad, g)
        np.testing.assert_array_equal(other.grad, g)


@settings(max_examples=600)
@given(programs)
def test_float32_is_close_to_float64(program: Program) -> None:
    value, gradients = gg.value_and_grad(program, every(program))(*program.point)
    narrow = [x.astype(np.float32) for x in program.point]
    got, slopes = gg.value_and_grad(program, every(program))(*narrow)
    scale = max(1.0, norm(gradients), abs(float(value)))
    assert abs(float(got) - float(value)) < 2e-3 * scale
    for g, s in zip(gradients, slopes, strict=True):
        assert s.dtype == np.float32
        np.testing.assert_allclose(s, g, atol=5e-3 * scale, rtol=5e-3)


def test_every_kind_of_gate_is_drawn() -> None:
    rng = np.random.default_rng(0)
    drawn = {
        name for seed in range(300) for name, _, _ in draw_program(seed, rng.integers(10_000, size=9).tolist()).steps
    }
    assert drawn >= {name for family in FAMILIES for name in family}


@settings(max_examples=200)
@given(programs)
def test_machine_code_equals_numpy(program: Program) -> None:
    """Values and gradients in float64, and in float32 for every third number of steps."""
    both = gg.value_and_grad(program, every(program))
    dtype = np.float32 if len(program.steps) % 3 == 0 else np.float64
    point = [x.astype(dtype) for x in program.point]
    value, gradients = both(*point)
    got, slopes = gg.compile(both)(*point)
    close = 1e-10 if dtype == np.float64 else 1e-5
    scale = max(1.0, norm(gradients), abs(float(value)))
    assert abs(float(got) - float(value)) <= close * scale
    for g, s in zip(gradients, slopes, strict=True):
        assert (np.shape(s), s.dtype) == (g.shape, g.dtype)
        np.testing.assert_allclose(s, g, rtol=close, atol=close * scale)


@settings(max_examples=100)
@given(programs)
def test_onnxruntime_equals_numpy(program: Program) -> None:
    """Values and gradients, where ONNX has words for all gates."""
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    graph = gg.trace(gg.value_and_grad(program, every(program)), *program.point, values=False)
    assume(not {gate.op.name for gate in graph.gates} & set(UNSAID))
    model = gg.exchange.to_onnx(graph)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    point = [np.asarray(x) for x in program.point]
    inputs = {x.name: value for x, value in zip(session.get_inputs(), point, strict=True)}
    for got, want in zip(session.run(None, inputs), graph.run(*point), strict=True):
        assert (got.shape, got.dtype) == (np.shape(want), want.dtype)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
