"""Values and gradients against JAX and PyTorch, where they are installed (``pip install ".[bench]"``).

Where the libraries differ at a tie or kink, glassgrad's convention is stated by a test of its own.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

Function = Callable[..., Any]


def arrays(*shapes: tuple[int, ...], low: float = -1.5, high: float = 1.5, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(low, high, s) for s in shapes]


def positive(*shapes: tuple[int, ...], low: float = 0.3) -> list[np.ndarray]:
    return arrays(*shapes, low=low, high=2.0)


def definite(n: int = 3) -> list[np.ndarray]:
    (a,) = arrays((n, n))
    return [a @ a.T + n * np.eye(n)]


def spread(n: int = 3, m: int | None = None) -> list[np.ndarray]:
    """A matrix whose eigenvalues and singular values are far apart."""
    m = n if m is None else m
    return [np.eye(n, m) * (1 + 2 * np.arange(m)) + 0.2 * arrays((n, m))[0]]


MASK = np.array([[True, False, True], [False, True, True]])
PLACES = np.array([0, 2, 0, 1])

# `np` is NumPy for glassgrad and jax.numpy for JAX; `x` has what NumPy's namespace lacks
TABLE: dict[str, tuple[Function, list[np.ndarray]]] = {
    "add": (lambda np, x, a, b: a + b, arrays((2, 3), (3,))),
    "subtract": (lambda np, x, a, b: a - b, arrays((2, 1), (1, 3))),
    "multiply": (lambda np, x, a, b: a * b, arrays((), (2, 2))),
    "divide": (lambda np, x, a, b: a / b, positive((2, 3), (2, 1))),
    "power": (lambda np, x, a, b: a**b, positive((2, 3), (3,))),
    "cube": (lambda np, x, a: a**3, arrays((3,))),
    "power of a number": (lambda np, x, a: 2.0**a, arrays((3,))),
    "negative": (lambda np, x, a: -a, arrays((3,))),
    "sqrt": (lambda np, x, a: np.sqrt(a), positive((3,))),
    "square": (lambda np, x, a: np.square(a), arrays((3,))),
    "reciprocal": (lambda np, x, a: np.reciprocal(a), positive((3,))),
    "arctan2": (lambda np, x, a, b: np.arctan2(a, b), arrays((2, 3), (3,))),
    "logaddexp": (lambda np, x, a, b: np.logaddexp(a, b), arrays((2, 3), (3,))),
    "hypot": (lambda np, x, a, b: np.sqrt(a * a + b * b), arrays((3,), (3,))),
    "maximum": (lambda np, x, a, b: np.maximum(a, b), arrays((2, 3), (3,))),
    "minimum": (lambda np, x, a, b: np.minimum(a, b), arrays((2, 3), (3,))),
    "where": (lambda np, x, a, b: np.where(MASK, a, b), arrays((2, 3), (3,))),
    "clip": (lambda np, x, a: np.clip(a, -0.5, 0.5), arrays((2, 3))),
    "abs": (lambda np, x, a: np.abs(a), arrays((3,))),
    "sum": (lambda np, x, a: np.sum(a, axis=1, keepdims=True), arrays((2, 3))),
    "mean": (lambda np, x, a: np.mean(a, axis=(0, 2)), arrays((2, 3, 2))),
    "prod": (lambda np, x, a: np.prod(a, axis=0), arrays((2, 3))),
    "prod with a zero": (lambda np, x, a: np.prod(a), [np.array([2.0, 0.0, 5.0])]),
    "max": (lambda np, x, a: np.max(a, axis=1), arrays((2, 3))),
    "min": (lambda np, x, a: np.min(a), arrays((2, 3))),
    "ptp": (lambda np, x, a: np.max(a, axis=0) - np.min(a, axis=0), arrays((4, 2))),
    "var": (lambda np, x, a: np.var(a, axis=1, ddof=1), arrays((2, 3))),
    "std": (lambda np, x, a: np.std(a), arrays((2, 3))),
    "norm": (lambda np, x, a: np.linalg.norm(a, axis=1), arrays((2, 3))),
    "1-norm": (lambda np, x, a: np.linalg.norm(a, ord=1, axis=1), arrays((2, 3))),
    "cumsum": (lambda np, x, a: np.cumsum(a, axis=1), arrays((2, 3))),
    "diff": (lambda np, x, a: np.diff(a, axis=1), arrays((2, 4))),
    "average": (lambda np, x, a: np.average(a, axis=1, weights=np.array([1.0, 2.0, 4.0])), arrays((2, 3))),
    "softmax": (lambda np, x, a: x.softmax(a, axis=-1), arrays((2, 3))),
    "log_softmax": (lambda np, x, a: x.log_softmax(a, axis=0), arrays((2, 3))),
    "logsumexp": (lambda np, x, a: x.logsumexp(a, axis=1), arrays((2, 3))),
    "sigmoid": (lambda np, x, a: x.sigmoid(a), [np.array([-40.0, -1.0, 0.0, 2.0, 40.0])]),
    "softplus": (lambda np, x, a: x.softplus(a), [np.array([-40.0, -1.0, 0.0, 2.0, 40.0])]),
    "erf": (lambda np, x, a: x.erf(a), arrays((4,))),
    "relu": (lambda np, x, a: x.relu(a), arrays((4,))),
    "reshape": (lambda np, x, a: np.reshape(a, (3, -1)), arrays((2, 3))),
    "transpose": (lambda np, x, a: np.transpose(a, (2, 0, 1)), arrays((2, 3, 4))),
    "swapaxes": (lambda np, x, a: np.swapaxes(a, 0, 1), arrays((2, 3))),
    "moveaxis": (lambda np, x, a: np.moveaxis(a, 0, -1), arrays((2, 3, 2))),
    "broadcast_to": (lambda np, x, a: np.broadcast_to(a, (2, 3)), arrays((3,))),
    "slice": (lambda np, x, a: a[1:, ::-1], arrays((3, 3))),
    "index": (lambda np, x, a: a[..., -1], arrays((2, 3))),
    "concatenate": (lambda np, x, a, b: np.concatenate([a, b, a], axis=1), arrays((2, 1), (2, 2))),
    "stack": (lambda np, x, a, b: np.stack([a, b], axis=1), arrays((2, 2), (2, 2))),
    "split": (lambda np, x, a: np.split(a, [1], axis=1)[1], arrays((2, 3))),
    "pad": (lambda np, x, a: np.pad(a, ((1, 0), (0, 2))), arrays((2, 2))),
    "pad edge": (lambda np, x, a: np.pad(a, 1, mode="edge"), arrays((2, 2))),
    "flip": (lambda np, x, a: np.flip(a, 1), arrays((2, 3))),
    "roll": (lambda np, x, a: np.roll(a, 2, axis=1), arrays((2, 3))),
    "tile": (lambda np, x, a: np.tile(a, (2, 2)), arrays((2, 1))),
    "repeat": (lambda np, x, a: np.repeat(a, 2, axis=0), arrays((2, 2))),
    "diagonal": (lambda np, x, a: np.diagonal(a), arrays((3, 3))),
    "trace": (lambda np, x, a: np.trace(a), arrays((3, 3))),
    "tril": (lambda np, x, a: np.tril(a, -1), arrays((3, 3))),
    "triu": (lambda np, x, a: np.triu(a), arrays((2, 3))),
    "take": (lambda np, x, a: np.take(a, PLACES, axis=1), arrays((2, 3))),
    "gather": (lambda np, x, a: a[PLACES], arrays((3, 2))),
    "sort": (lambda np, x, a: np.sort(a, axis=0), arrays((3, 2))),
    "take_along_axis": (lambda np, x, a: np.take_along_axis(a, np.array([[1], [0]]), 1), arrays((2, 3))),
    "scatter_add": (lambda np, x, a, b: x.scatter_add(a, PLACES, b), arrays((3,), (4,))),
    "matmul": (lambda np, x, a, b: a @ b, arrays((2, 3), (3, 2))),
    "matmul of vectors": (lambda np, x, a, b: a @ b, arrays((3,), (3,))),
    "matmul batched": (lambda np, x, a, b: a @ b, arrays((2, 1, 2, 3), (3, 3, 2))),
    "dot": (lambda np, x, a, b: np.dot(a, b), arrays((2, 3), (3,))),
    "outer": (lambda np, x, a, b: np.outer(a, b), arrays((2,), (3,))),
    "inner": (lambda np, x, a, b: np.inner(a, b), arrays((2, 3), (4, 3))),
    "tensordot": (lambda np, x, a, b: np.tensordot(a, b, axes=([0, 1], [1, 0])), arrays((2, 3), (3, 2, 2))),
    "einsum": (lambda np, x, a, b: np.einsum("bij,bjk->bik", a, b), arrays((2, 2, 3), (2, 3, 1))),
    "einsum diagonal": (lambda np, x, a: np.einsum("ii->i", a), arrays((3, 3))),
    "einsum of three": (lambda np, x, a, b, c: np.einsum("i,ij,j->", a, b, c), arrays((2,), (2, 3), (3,))),
    "kron": (lambda np, x, a, b: np.kron(a, b), arrays((2, 1), (2, 2))),
    "inv": (lambda np, x, a: np.linalg.inv(a), definite()),
    "solve": (lambda np, x, a, b: np.linalg.solve(a, b), definite() + arrays((3, 2))),
    "det": (lambda np, x, a: np.linalg.det(a), definite()),
    "slogdet": (lambda np, x, a: np.linalg.slogdet(a)[1], definite()),
    "cholesky": (lambda np, x, a: np.linalg.cholesky((a + a.T) / 2), definite()),
    "eigvalsh": (lambda np, x, a: np.linalg.eigh((a + a.T) / 2)[0], spread()),
    "singular values": (lambda np, x, a: np.linalg.svd(a, full_matrices=False)[1], spread(3, 2)),
    "qr": (lambda np, x, a: np.abs(np.linalg.qr(a)[1]), spread(3, 2)),
    "pinv": (lambda np, x, a: np.linalg.pinv(a), spread(3, 2)),
    "layer norm": (
        lambda np, x, a: (a - np.mean(a, axis=1, keepdims=True)) / np.sqrt(np.var(a, axis=1, keepdims=True) + 1e-5),
        arrays((2, 4)),
    ),
    "attention": (
        lambda np, x, q, k, v: x.softmax(q @ np.swapaxes(k, -1, -2) / 2.0, axis=-1) @ v,
        arrays((2, 3, 4), (2, 3, 4), (2, 3, 2)),
    ),
    "cross entropy": (
        lambda np, x, z: -np.mean(np.take_along_axis(x.log_softmax(z, axis=-1), np.array([[1], [0]]), 1)),
        arrays((2, 3)),
    ),
}
for _name in ("exp", "exp2", "expm1", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"):
    TABLE[_name] = (lambda np, x, a, name=_name: getattr(np, name)(a), arrays((2, 2), low=-0.9, high=0.9))
for _name in ("arcsinh", "arctanh"):
    TABLE[_name] = (lambda np, x, a, name=_name: getattr(np, name)(a), arrays((2, 2), low=-0.9, high=0.9))
for _name in ("log", "log1p", "log2", "log10"):
    TABLE[_name] = (lambda np, x, a, name=_name: getattr(np, name)(a), positive((2, 2)))


def weights_like(out: Any) -> np.ndarray:
    return np.random.default_rng(1).normal(size=np.shape(out))


def ours(f: Function, xs: list[np.ndarray]) -> tuple[Any, Any, Any]:
    """Value, gradients of a weighted sum, and a Hessian-vector product by the first argument."""
    value, pullback = gg.vjp(lambda *a: f(np, gg, *a), *xs)
    u = weights_like(value)
    second = gg.hvp(lambda a: np.sum(f(np, gg, a, *xs[1:]) * u), xs[0], np.ones_like(xs[0]))
    return value, pullback(u), second


@pytest.fixture(scope="module")
def jax() -> Iterator[Any]:
    with warnings.catch_warnings():
        # JAX's own imports may deprecate what they use, and only they can change it
        warnings.simplefilter("ignore", DeprecationWarning)
        jax = pytest.importorskip("jax")
        before = jax.config.read("jax_enable_x64")
        jax.config.update("jax_enable_x64", True)
        yield jax
        jax.config.update("jax_enable_x64", before)


@pytest.fixture(scope="module")
def torch() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def beside_jax(jax: Any) -> Any:
    """What NumPy's namespace lacks, under glassgrad's names."""
    nn = jax.nn
    return SimpleNamespace(
        softmax=nn.softmax, log_softmax=nn.log_softmax, sigmoid=nn.sigmoid, softplus=nn.softplus, relu=nn.relu,
        logsumexp=jax.scipy.special.logsumexp, erf=jax.scipy.special.erf,
        scatter_add=lambda a, i, v: a.at[i].add(v),
    )  # fmt: skip


def close(a: Any, b: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", TABLE)
def test_jax(name: str, jax: Any, beside_jax: Any) -> None:
    f, xs = TABLE[name]
    value, gradients, second = ours(f, xs)
    u = weights_like(value)

    def theirs(*a: Any) -> Any:
        out = f(jax.numpy, beside_jax, *a)
        return jax.numpy.sum(out * u), out

    def both(*a: Any) -> Any:
        return jax.value_and_grad(theirs, argnums=tuple(range(len(xs))), has_aux=True)(*a)

    def slope(a: Any) -> Any:
        return jax.grad(theirs, has_aux=True)(a, *xs[1:])[0]

    def everything(*a: Any) -> Any:
        return both(*a), jax.jvp(slope, (a[0],), (jax.numpy.ones_like(a[0]),))[1]

    ((_, out), slopes), product = jax.jit(everything)(*[jax.numpy.asarray(x) for x in xs])
    close(value, out)
    for g, s in zip(gradients, slopes, strict=True):
        close(g, s)
    close(second, product, 1e-8)


TORCH: dict[str, Function] = {
    "add": lambda t, a, b: a + b,
    "divide": lambda t, a, b: a / b,
    "power": lambda t, a, b: a**b,
    "arctan2": lambda t, a, b: t.atan2(a, b),
    "logaddexp": lambda t, a, b: t.logaddexp(a, b),
    "maximum": lambda t, a, b: t.maximum(a, b),
    "where": lambda t, a, b: t.where(t.as_tensor(MASK), a, b),
    "clip": lambda t, a: t.clamp(a, -0.5, 0.5),
    "mean": lambda t, a: t.mean(a, (0, 2)),
    "prod": lambda t, a: t.prod(a, 0),
    "prod with a zero": lambda t, a: t.prod(a),
    "max": lambda t, a: t.amax(a, 1),
    "var": lambda t, a: t.var(a, 1, correction=1),
    "norm": lambda t, a: t.linalg.norm(a, dim=1),
    "cumsum": lambda t, a: t.cumsum(a, 1),
    "softmax": lambda t, a: t.softmax(a, -1),
    "log_softmax": lambda t, a: t.log_softmax(a, 0),
    "logsumexp": lambda t, a: t.logsumexp(a, 1),
    "sigmoid": lambda t, a: t.sigmoid(a),
    "softplus": lambda t, a: t.nn.functional.softplus(a, threshold=1000),
    "erf": lambda t, a: t.erf(a),
    "relu": lambda t, a: t.relu(a),
    "transpose": lambda t, a: a.permute(2, 0, 1),
    "concatenate": lambda t, a, b: t.cat([a, b, a], 1),
    "take": lambda t, a: a[:, t.as_tensor(PLACES)],
    "sort": lambda t, a: t.sort(a, 0).values,
    "scatter_add": lambda t, a, b: a.index_add(0, t.as_tensor(PLACES), b),
    "matmul batched": lambda t, a, b: a @ b,
    "tensordot": lambda t, a, b: t.tensordot(a, b, dims=([0, 1], [1, 0])),
    "einsum": lambda t, a, b: t.einsum("bij,bjk->bik", a, b),
    "inv": lambda t, a: t.linalg.inv(a),
    "solve": lambda t, a, b: t.linalg.solve(a, b),
    "det": lambda t, a: t.linalg.det(a),
    "cholesky": lambda t, a: t.linalg.cholesky((a + a.T) / 2),
    "eigvalsh": lambda t, a: t.linalg.eigvalsh((a + a.T) / 2),
    "singular values": lambda t, a: t.linalg.svdvals(a),
    "attention": lambda t, q, k, v: t.softmax(q @ k.transpose(-1, -2) / 2.0, -1) @ v,
    "exp": lambda t, a: t.exp(a),
    "tanh": lambda t, a: t.tanh(a),
    "log1p": lambda t, a: t.log1p(a),
}


@pytest.mark.parametrize("name", TORCH)
def test_torch(name: str, torch: Any) -> None:
    f, xs = TABLE[name]
    value, gradients, second = ours(f, xs)
    wires = [torch.tensor(x, requires_grad=True) for x in xs]
    out = TORCH[name](torch, *wires)
    close(value, out.detach())
    total = torch.sum(out * torch.as_tensor(weights_like(value)))
    slopes = torch.autograd.grad(total, wires, create_graph=True)
    for g, s in zip(gradients, slopes, strict=True):
        close(g, s.detach())
    if slopes[0].requires_grad:
        (product,) = torch.autograd.grad(slopes[0].sum(), wires[0], allow_unused=True)
        if product is not None:
            close(second, product, 1e-8)


# ties and kinks


def slope(f: Function, *xs: Any) -> list[Any]:
    return [g.tolist() for g in gg.grad(lambda *a: np.sum(f(*a)), tuple(range(len(xs))))(*map(np.asarray, xs))]


def test_conventions_at_ties_and_kinks() -> None:
    """glassgrad's own: stated here, and compared with the peers below."""
    assert slope(gg.relu, [-1.0, 0.0, 1.0]) == [[0.0, 0.0, 1.0]]
    assert slope(np.abs, [-1.0, 0.0, 1.0]) == [[-1.0, 0.0, 1.0]]
    assert slope(np.maximum, [1.0, 2.0], [1.0, 1.0]) == [[0.5, 1.0], [0.5, 0.0]]
    assert slope(np.minimum, [1.0, 2.0], [1.0, 1.0]) == [[0.5, 0.0], [0.5, 1.0]]
    assert slope(np.max, [3.0, 1.0, 3.0]) == [[0.5, 0.0, 0.5]]
    assert slope(np.min, [1.0, 1.0, 1.0, 2.0]) == [[1 / 3, 1 / 3, 1 / 3, 0.0]]
    assert slope(lambda a: np.clip(a, 0.0, 1.0), [-0.5, 0.0, 1.0, 1.5]) == [[0.0, 1.0, 1.0, 0.0]]
    assert slope(np.linalg.norm, [0.0, 0.0]) == [[0.0, 0.0]]
    assert slope(np.std, [2.0, 2.0]) == [[0.0, 0.0]]
    assert slope(lambda a: np.sort(a)[0], [1.0, 1.0]) == [[1.0, 0.0]]
    assert slope(np.sign, [0.0, 2.0]) == [[0.0, 0.0]]
    assert slope(np.round, [0.5, 2.2]) == [[0.0, 0.0]]
    assert slope(lambda a: a**0, [0.0, 2.0]) == [[0.0, 0.0]]
    assert slope(lambda a: a**2, [0.0]) == [[0.0]]


def test_torch_has_the_same_conventions(torch: Any) -> None:
    def theirs(f: Function, *xs: Any) -> list[Any]:
        wires = [torch.tensor(x, requires_grad=True) for x in xs]
        return [g.tolist() for g in torch.autograd.grad(torch.sum(f(*wires)), wires)]

    pairs: list[tuple[Function, Function, list[Any]]] = [
        (gg.relu, torch.relu, [[-1.0, 0.0, 1.0]]),
        (np.abs, torch.abs, [[-1.0, 0.0, 1.0]]),
        (np.maximum, torch.maximum, [[1.0, 2.0], [1.0, 1.0]]),
        (np.minimum, torch.minimum, [[1.0, 2.0], [1.0, 1.0]]),
        (np.max, torch.amax, [[3.0, 1.0, 3.0]]),
        (lambda a: np.clip(a, 0.0, 1.0), lambda a: torch.clamp(a, 0.0, 1.0), [[-0.5, 0.0, 1.0, 1.5]]),
        (np.linalg.norm, torch.linalg.norm, [[0.0, 0.0]]),
    ]
    for mine, other, xs in pairs:
        assert slope(mine, *xs) == theirs(other, *xs)


def test_jax_shares_ties_too(jax: Any) -> None:
    """JAX differs at 0 of the absolute value, where it has slope 1, and at the bounds of clip, where it has a half."""

    def theirs(f: Function, *xs: Any) -> list[Any]:
        arrays = [jax.numpy.asarray(x) for x in xs]
        return [np.asarray(g).tolist() for g in jax.grad(lambda *a: f(*a).sum(), tuple(range(len(xs))))(*arrays)]

    jnp = jax.numpy
    assert slope(gg.relu, [-1.0, 0.0, 1.0]) == theirs(jax.nn.relu, [-1.0, 0.0, 1.0])
    assert slope(np.maximum, [1.0, 2.0], [1.0, 1.0]) == theirs(jnp.maximum, [1.0, 2.0], [1.0, 1.0])
    assert slope(np.minimum, [1.0, 2.0], [1.0, 1.0]) == theirs(jnp.minimum, [1.0, 2.0], [1.0, 1.0])
    assert slope(np.max, [3.0, 1.0, 3.0]) == theirs(jnp.max, [3.0, 1.0, 3.0])


# random networks

UNITS: tuple[tuple[str, Function, Function], ...] = (
    ("tanh", np.tanh, lambda t: t.tanh),
    ("sigmoid", gg.sigmoid, lambda t: t.sigmoid),
    ("relu", gg.relu, lambda t: t.relu),
    ("softplus", gg.softplus, lambda t: t.nn.functional.softplus),
    ("elu", lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), lambda t: t.nn.functional.elu),
    ("erf", lambda z: z * 0.5 * (1 + gg.erf(z / np.sqrt(2.0))), lambda t: t.nn.functional.gelu),
)


def network(seed: int) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[int], np.ndarray, np.ndarray]:
    """Weights, units, a batch and labels of a network of random depth and widths."""
    rng = np.random.default_rng(seed)
    widths = [int(n) for n in rng.integers(1, 7, size=int(rng.integers(2, 6)))] + [3]
    layers = [(rng.normal(size=(n, m)) / np.sqrt(n), 0.1 * rng.normal(size=m)) for n, m in itertools.pairwise(widths)]
    units = rng.integers(len(UNITS), size=len(layers) - 1).tolist()
    return layers, units, rng.normal(size=(5, widths[0])), rng.integers(3, size=5)


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_against_torch(seed: int, torch: Any) -> None:
    layers, units, X, y = network(seed)

    def loss(layers: Any) -> Any:
        z = X
        for i, (W, b) in enumerate(layers):
            z = z @ W + b
            if i < len(units):
                z = UNITS[units[i]][1](z)
        return -np.mean(np.sum(gg.log_softmax(z) * gg.one_hot(y, 3, np.float64), axis=-1))

    value, gradients = gg.value_and_grad(loss)(layers)
    wires = [tuple(torch.tensor(v, requires_grad=True) for v in layer) for layer in layers]
    z = torch.as_tensor(X)
    for i, (W, b) in enumerate(wires):
        z = z @ W + b
        if i < len(units):
            z = UNITS[units[i]][2](torch)(z)
    theirs = torch.nn.functional.cross_entropy(z, torch.as_tensor(y))
    theirs.backward()
    close(value, theirs.detach(), 1e-12)
    for layer, wire in zip(gradients, wires, strict=True):
        for g, w in zip(layer, wire, strict=True):
            close(g, w.grad, 1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_step_of_a_network_in_both_dtypes(dtype: Any, torch: Any) -> None:
    """The eager xor step: forward, backward, gradient descent; float32 stays float32."""
    rng = np.random.default_rng(3)
    W1, W2 = rng.normal(size=(2, 8)).astype(dtype), rng.normal(size=(8, 1)).astype(dtype)
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype), np.array([[0], [1], [1], [0]], dtype)
    w1, w2 = gg.Parameter(W1), gg.Parameter(W2)
    t1, t2 = torch.tensor(W1, requires_grad=True), torch.tensor(W2, requires_grad=True)
    for _ in range(5):
        np.mean((np.tanh(X @ w1) @ w2 - y) ** 2).backward()
        for w in (w1, w2):
            w.value = w.value - dtype(0.1) * w.grad
        torch.mean((torch.tanh(torch.as_tensor(X) @ t1) @ t2 - torch.as_tensor(y)) ** 2).backward()
        with torch.no_grad():
            for t in (t1, t2):
                t -= 0.1 * t.grad
                t.grad = None
    for w, t in ((w1, t1), (w2, t2)):
        assert w.value.dtype == dtype
        close(w.value, t.detach(), 1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_hessians_of_random_networks_against_jax(seed: int, jax: Any) -> None:
    layers, _, X, _ = network(seed)
    flat = np.concatenate([v.ravel() for layer in layers for v in layer])

    def loss(np: Any, theta: Any) -> Any:
        z, at = X, 0
        for W, b in layers:
            z = np.tanh(z @ np.reshape(theta[at : at + W.size], W.shape) + theta[at + W.size : at + W.size + b.size])
            at += W.size + b.size
        return np.mean(z**2)

    rng = np.random.default_rng(seed)
    v = rng.normal(size=flat.shape)
    product = gg.hvp(lambda theta: loss(np, theta), flat, v)
    slope = jax.grad(lambda theta: loss(jax.numpy, theta))
    theirs = jax.jit(lambda theta, v: jax.jvp(slope, (theta,), (v,))[1])(flat, v)
    close(product, theirs, 1e-10)
