"""Calls of compiled functions and trainers with whatever a user may hand over.

Every call ends in what NumPy finds, or in an exception. They run in a process of their own, which says each call
before it makes it, so that a crash is a failure that names the call.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import distributions, nn, optim, train
from glassgrad.trees import flatten

COMPILED, TRAINED = 4000, 1500
DTYPES = "?bBhHiIqQefdg"


class Own(np.ndarray):
    """A subclass of arrays."""


def backward(a: Any) -> Any:
    return np.ascontiguousarray(a[::-1])[::-1] if a.ndim else a


def spread(a: Any) -> Any:
    return np.broadcast_to(a[:1], a.shape) if a.ndim and len(a) else a


def second(a: Any) -> Any:
    return np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a


def swapped(a: Any) -> Any:
    return a.astype(a.dtype.newbyteorder("S"))


def read_only(a: Any) -> Any:
    a = a.copy()
    a.flags.writeable = False
    return a


def misaligned(a: Any) -> Any:
    return np.frombuffer(bytearray(b"x" + a.tobytes()), a.dtype, offset=1).reshape(a.shape) if a.size else a


def misaligned_read_only(a: Any) -> Any:
    return np.frombuffer(b"x" + a.tobytes(), a.dtype, offset=1).reshape(a.shape) if a.size else a


def masked(a: Any) -> Any:
    return np.ma.masked_array(a, np.zeros(a.shape, bool))


def structured(a: Any) -> Any:
    return np.ascontiguousarray(a).view([("f", a.dtype)]) if a.ndim else a


def first(a: Any) -> Any:
    return a.flat[0] if a.size else None


def deep(a: Any) -> Any:
    nested: Any = a
    for _ in range(70):
        nested = [nested]
    return nested


FORMS: list[Callable[[Any], Any]] = [
    lambda a: a, np.copy, backward, np.asfortranarray, spread, second, swapped, read_only, misaligned,
    misaligned_read_only, lambda a: a.view(Own), lambda a: a.T, lambda a: np.asarray(a, order="F").T.T,
    lambda a: a if a.dtype.char == "g" else gg.tensor(a), lambda a: a.tolist(),
    lambda a: memoryview(np.ascontiguousarray(a)),
]  # fmt: skip
ODD: list[Callable[[Any], Any]] = [
    masked, structured, first, lambda a: first(a).item() if a.size else None, deep, lambda a: a.astype(object),
    lambda a: a.astype(complex), lambda a: a.astype("U8"), lambda a: a.astype("S8"), lambda a: [a, a],
    lambda a: a.astype("q").view("M8[s]"), lambda a: None, lambda a: "text", lambda a: {"x": a}, lambda a: object(),
    lambda a: np.ndarray, lambda a: [[1.0, 2.0], [3.0]], lambda a: float("nan"), lambda a: 2**70, lambda a: -(2**63),
    lambda a: a.reshape(-1), lambda a: a[..., None], lambda a: a[:0] if a.ndim else a,
    lambda a: np.asmatrix(a) if a.ndim == 2 else a,
    lambda a: True, lambda a: 1j, lambda a: np.array(a, dtype=object)[()], lambda a: b"bytes", lambda a: iter([a]),
]  # fmt: skip


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, ends: bool = True) -> Any:
    """Numbers of a dtype; at times one is infinite or NaN or, with `ends`, at the end of its range."""
    drawn = rng.integers(0, 9, shape) if dtype in "BHIQ" else 4 * rng.normal(size=shape)
    a = np.asarray(drawn).astype(dtype)
    special = [np.nan, np.inf, -np.inf, -0.0, *([1e30] if ends else [])]
    if a.dtype.kind != "f":
        limits = np.iinfo(a.dtype) if a.dtype.kind in "iu" and ends else None
        special = [0, 1] if limits is None else [limits.min, limits.max]
    if a.size and rng.random() < 0.3:
        a.flat[rng.integers(a.size)] = rng.choice(special)
    return a


def form(rng: np.random.Generator, a: Any, odd: float) -> Any:
    """The same numbers in another form, or, as often as `odd` says, something else."""
    forms = ODD if rng.random() < odd else FORMS
    return forms[rng.integers(len(forms))](a)


def said(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"{type(x).__name__}({x.shape}, {x.dtype}, strides {x.strides}, at {x.ctypes.data % 64})"
    return f"{type(x).__name__} {str(x)[:60]!r}"


def announce(*parts: Any) -> None:
    """Say what comes next, at once: nothing may be left in a buffer when the process ends."""
    os.write(1, (" ".join(p if isinstance(p, str) else said(p) for p in parts) + "\n").encode())


def outcome(f: Callable[..., Any], *args: Any) -> Any:
    """What a call gives, as leaves, or the exception that ends it."""
    try:
        return [np.asarray(getattr(x, "value", x)) for x in flatten(f(*args))[0]]
    except Exception as error:  # any exception will do, a crash will not
        return error


TOLERANCE = {"float16": 2e-2, "float32": 2e-4}


def same(got: list[Any], want: Any, close: float | None = None) -> None:
    assert isinstance(want, list), f"a result where NumPy raises {want!r}: {got}"
    for a, b in zip(got, want, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), f"{a!r} {b!r}"
        tolerance = close or TOLERANCE.get(str(b.dtype), 1e-9)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def loss(x: Any) -> Any:
    return np.sum(np.tanh(x) ** 2)


# name -> function, its arguments' shapes, the dtypes of the last
FUNCTIONS: dict[str, tuple[Callable[..., Any], list[tuple[tuple[int, ...], ...]], str]] = {
    "scaled": (lambda x: x * 2 + 1, [((5,),), ((2, 3),), ((),), ((0,),), ((1100,),)], DTYPES),
    "views": (lambda x: (x.T, x[::-1], x), [((2, 3),), ((0, 3),), ((40, 33),)], "?bqfd"),
    "reduced": (lambda x: np.sum(x, axis=0), [((4, 3),), ((0, 3),), ((1100,),)], "?iefd"),
    "chosen": (lambda x, y: np.where(x > y, x, y), [((3,), (3,)), ((3,), ()), ((1100,), (1100,))], "qfd"),
    "product": (lambda x, w: x @ w, [((4, 3), (3, 2)), ((3,), (3,)), ((40, 40), (40, 40))], "ifd"),
    "taken": (lambda x, i: np.take_along_axis(x, i, axis=0) * 2, [((4,), (6,)), ((0,), (2,)), ((900,), (900,))], "iq"),
    "indexed": (lambda x, i: x[i], [((4,), (6,)), ((4, 3), (2,)), ((900,), ())], "bq"),
    "gradient": (gg.value_and_grad(loss), [((5,),), ((2, 3),), ((1100,),), ((),)], "fd"),
    "tree": (lambda p: {"a": p["w"] * 2, "b": [p["v"][0] + 1.5]}, [((3,),), ((1100,),)], "fd"),
}  # fmt: skip


def fuzz_compiled(rng: np.random.Generator) -> Counter[str]:
    """Calls of compiled functions, each compared with the function itself on plain arrays."""
    counts: Counter[str] = Counter()
    functions = {name: gg.compile(f) for name, (f, _, _) in FUNCTIONS.items()}
    names = list(FUNCTIONS)
    for number in range(COMPILED):
        name = names[rng.integers(len(names))]
        f, shapes, dtypes = FUNCTIONS[name]
        chosen = shapes[rng.integers(len(shapes))]
        made = [values(rng, s, dtypes[rng.integers(len(dtypes))] if i == len(chosen) - 1 else "fd"[rng.integers(2)])
                for i, s in enumerate(chosen)]  # fmt: skip
        args = [form(rng, a, odd=0.15) for a in made]
        if name == "tree":
            args = [{"w": args[0], "v": [args[0], None]}]
        announce(str(number), name, *(args if name != "tree" else args[0].values()))
        got = outcome(functions[name], *args)
        if isinstance(got, Exception):
            counts[f"error {name}"] += 1
            continue
        counts[f"result {name}"] += 1
        leaves, _, rebuild = flatten(args)
        plain = rebuild([np.asarray(getattr(x, "value", x)) for x in leaves])
        plain = flatten(plain)[2]([x.astype(x.dtype.newbyteorder("=")) for x in flatten(plain)[0]])
        same(got, outcome(f, *plain))
    return counts


def take_loss(output: Any, y: Any) -> Any:
    return -np.mean(np.take_along_axis(output, y[:, None], axis=1))


def square_loss(output: Any, y: Any) -> Any:
    return np.mean((output - y) ** 2)


LOSSES: dict[str, Any] = {
    "categorical": distributions.Categorical(), "gaussian": distributions.Gaussian(), "take": take_loss,
    "square": square_loss, "bernoulli": distributions.Bernoulli(),
}  # fmt: skip


def pair(name: str, dtype: Any) -> tuple[train.Trainer, train.Trainer]:
    """The same network twice, trained natively and by NumPy."""
    made = []
    for engine in ("native", "numpy"):
        net = nn.Sequential(nn.Linear(3, 4, dtype=dtype), nn.Tanh(), nn.Linear(4, 2, dtype=dtype))
        made.append(train.Trainer(net, LOSSES[name], optim.SGD(1e-3), batch_size=4, engine=engine))
    return made[0], made[1]


def fuzz_trainers(rng: np.random.Generator) -> Counter[str]:
    """Calls of native trainers, each compared with the same call of a NumPy trainer."""
    counts: Counter[str] = Counter()
    pairs = {(name, d): pair(name, d) for name in LOSSES for d in (np.float32, np.float64)}
    keys = list(pairs)
    for number in range(TRAINED):
        key = keys[rng.integers(len(keys))]
        native, other = pairs[key]
        rows = [1, 2, 4, 6][rng.integers(4)]
        what = ["predict", "outputs", "predict", "steps", "evaluate", "step"][rng.integers(6)]
        tame = what in ("steps", "step")  # huge numbers cancel in an update, and what remains is their rounding
        X = form(rng, values(rng, (rows, 3), DTYPES[rng.integers(len(DTYPES))], ends=not tame), odd=0.2)
        width = () if key[0] in ("categorical", "take") else (2,)
        y = (
            rng.integers(0, 2, (rows, *width))
            if rng.random() < 0.8
            else values(rng, (rows, *width), "q", ends=not tame)
        )
        target = form(rng, y.astype("f" if width else "q"), odd=0.1)
        given = {"predict": (X,), "outputs": (X,), "steps": (X, target, 3)}.get(what, (X, target))
        announce(str(number), key[0], str(key[1]), what, *given)

        def run(trainer: train.Trainer, what: str = what, given: Any = given) -> Any:
            found = getattr(trainer, what)(*given)
            return found.loss if what == "steps" else found

        got, want = outcome(run, native), outcome(run, other)
        if isinstance(got, Exception):
            assert type(got) is type(want), f"{got!r} where NumPy gives {want!r}"
            assert str(got) == str(want), f"{got!r} where NumPy gives {want!r}"
            counts[f"error {what}"] += 1
        else:
            counts[f"result {what}"] += 1
            same(got, want, 1e-3 if key[1] == np.float32 else 1e-8)
        for p, q in zip(native.net.parameters(), other.net.parameters(), strict=True):
            same([p.value], [q.value], 1e-3)
            q.value = p.value = np.clip(p.value, -2, 2)
    return counts


@pytest.mark.parametrize("what", ["compiled", "trainers"])
def test_every_call_ends_in_numpys_result_or_an_exception(what: str, tmp_path: Path) -> None:
    environment = {**os.environ, "GLASSGRAD_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", __file__, what],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, f"ended with {done.returncode} after the call {last}:\n{done.stderr[-3000:]}"
    kinds = {"compiled": list(FUNCTIONS), "trainers": ["predict", "outputs", "steps", "evaluate", "step"]}[what]
    for kind in kinds:
        for end in ("result", "error"):
            assert f"{end} {kind}" in last[0], f"no call of {kind} ended in a {end}: the fuzzing has lost its teeth"


def main() -> None:
    """Make the calls, and say last how they ended."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(11)
    with np.errstate(all="ignore"):
        announce(str(dict((fuzz_compiled if sys.argv[1] == "compiled" else fuzz_trainers)(rng))))


if __name__ == "__main__":
    main()
