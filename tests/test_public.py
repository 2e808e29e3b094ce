"""What a stranger meets: names, signatures, docstrings with examples, and a package that starts quickly."""

from __future__ import annotations

import doctest
import inspect
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.op import Op
from glassgrad.ops import MODULES

HEAVY = ("scipy", "sklearn", "matplotlib", "rich", "typer", "torch", "jax", "safetensors", "llvmlite", "pandas")
FUNCTIONS = [
    name for name in gg.__all__ if callable(getattr(gg, name)) and not isinstance(getattr(gg, name), type)
]  # fmt: skip
CLASSES = [name for name in gg.__all__ if isinstance(getattr(gg, name), type)]


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


TIMED = """
import time, numpy
start = time.perf_counter()
import glassgrad
print(time.perf_counter() - start)
"""


def test_import_costs_at_most_150_milliseconds_beyond_numpy() -> None:
    """The least of several fresh interpreters: only what the import itself needs is in it."""
    seconds: list[float] = []
    for _ in range(20):
        seconds.append(float(python(TIMED)))
        if len(seconds) >= 3 and min(seconds) <= 0.15:
            break
    assert min(seconds) <= 0.15


USED = f"""
import sys, json, numpy as np
import glassgrad as gg
at_import = [m for m in {HEAVY!r} if m in sys.modules]
w, X, y = np.ones((3, 2)), np.ones((4, 3)), np.zeros((4, 2))
def loss(w, X, y):
    return np.mean((np.tanh(X @ w) - y) ** 2) + gg.logsumexp(w)
gg.grad(loss)(w, X, y)
gg.hvp(lambda w: loss(w, X, y), w, w)
gg.jacobian(np.sin)(np.ones(2))
gg.check_gradient(loss, w, X, y)
gg.cost(loss, w, X, y)
str(gg.trace(loss, w, X, y))
x = gg.tensor([1.0, 2.0], "x")
np.sum(np.exp(x) * x).backward()
gg.Parameter(np.ones(2)).value = np.zeros(2)
gg.softmax(x), gg.relu(x), gg.one_hot([1, 0], 2), gg.random.normal(gg.random.key(0), (3,))
print(json.dumps([at_import, [m for m in {HEAVY!r} if m in sys.modules]]))
"""


def test_heavy_modules_wait_until_they_are_used() -> None:
    at_import, after_use = json.loads(python(USED))
    assert at_import == []
    assert after_use == []


def test_every_public_name_resolves() -> None:
    for name in gg.__all__:
        assert getattr(gg, name) is not None
        assert name in dir(gg)
    assert len(set(gg.__all__)) == len(gg.__all__)
    with pytest.raises(AttributeError, match="'glassgrad' has no attribute 'tensro'"):
        _ = gg.tensro
    assert gg.__version__.count(".") == 2


def test_star_import_gives_every_name() -> None:
    names = json.loads(python("from glassgrad import *; import json; print(json.dumps(sorted(dir())))"))
    assert set(gg.__all__) <= set(names)


def signature(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("tensor", ["data", "name", "dtype"]),
        ("grad", ["f", "argnums", "has_aux"]),
        ("value_and_grad", ["f", "argnums", "has_aux"]),
        ("vjp", ["f", "primals"]),
        ("jvp", ["f", "primals", "tangents"]),
        ("jacobian", ["f", "argnums"]),
        ("hessian", ["f", "argnums"]),
        ("hvp", ["f", "x", "v", "args"]),
        ("checkpoint", ["f"]),
        ("no_grad", []),
        ("gate", ["forward", "gradients", "name"]),
        ("check_gradient", ["f", "args", "order"]),
        ("numerical_gradient", ["f", "args", "argnums", "method"]),
        ("cost", ["f", "args"]),
        ("Graph", ["outputs", "inputs"]),
        ("trace", ["f", "args", "values"]),
        ("Parameter", ["value", "name", "frozen"]),
        ("softmax", ["x", "axis"]),
        ("log_softmax", ["x", "axis"]),
        ("logsumexp", ["x", "axis", "keepdims"]),
        ("one_hot", ["labels", "num_classes", "dtype"]),
        ("scatter_add", ["x", "index", "values"]),
        ("sparse_matmul", ["matrix", "x"]),
    ],
)
def test_signatures_are_a_contract(name: str, parameters: list[str]) -> None:
    found = signature(getattr(gg, name))
    assert found[: len(parameters)] == parameters


def test_methods_of_the_contract() -> None:
    for name in ("backward", "detach", "named", "item", "tolist", "astype", "reshape", "sum", "mean", "max"):
        assert callable(getattr(gg.Tensor, name))
    for name in ("value", "grad", "shape", "dtype", "T", "ndim", "size"):
        assert hasattr(gg.Tensor, name)
    assert signature(gg.Tensor.backward) == ["self", "g"]
    for name in ("run", "verify", "text", "rows", "wire", "name", "consumers"):
        assert callable(getattr(gg.Graph, name))


def test_modules_of_the_contract() -> None:
    for name in ("nn", "optim", "distributions", "train", "data", "ops", "random", "storage", "errors"):
        assert inspect.ismodule(getattr(gg, name))
    train = signature(gg.train.Trainer)
    for name in ("net", "loss", "optimizer", "batch_size", "seed", "threads", "engine"):
        assert name in train
    fit = signature(gg.train.Trainer.fit)
    for name in ("X", "y", "epochs", "validation", "patience", "sample_weight"):
        assert name in fit
    steps = signature(gg.train.Trainer.steps)
    for name in ("X", "y", "n", "sampling"):
        assert name in steps
    for name in ("loss", "seconds", "compile_seconds"):
        assert name in {f.name for f in gg.train.History.__dataclass_fields__.values()} | set(dir(gg.train.History))
    assert gg.optim.SGD(0.1).rate == 0.1
    assert gg.nn.Linear(3, 2)(np.ones((4, 3), np.float32)).dtype == np.float32


def test_the_example_of_the_first_page() -> None:
    x, y, z = gg.tensor(-2.0, "x"), gg.tensor(5.0, "y"), gg.tensor(-4.0, "z")
    f = (x + y) * z
    f.backward()
    assert (f.item(), x.grad, y.grad, z.grad) == (-12.0, -4.0, -4.0, 3.0)
    table = str(gg.explain(f))
    for word in ("x", "y", "z", "add", "multiply", "-12", "-4", "3"):
        assert word in table


def examples(thing: Any) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(inspect.getdoc(thing) or "")


@pytest.mark.parametrize("name", FUNCTIONS + CLASSES)
def test_every_public_name_has_words(name: str) -> None:
    text = inspect.getdoc(getattr(gg, name)) or ""
    assert len(text) > 40
    first = text.split("\n\n")[0]
    assert first.strip().endswith((".", ":", ";")), first


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_has_an_example(name: str) -> None:
    function = getattr(gg, name)
    if isinstance(function, Op):
        # a gate is a record: its words are its explanation, its examples its cases
        assert function.explain.formula
        assert function.explain.role
        assert list(function.cases(np.random.default_rng(0)))
        return
    assert "Examples\n--------" in (inspect.getdoc(function) or "")
    assert examples(function)


@pytest.mark.parametrize("name", ["Parameter", "Graph"])
def test_classes_that_are_made_by_users_have_an_example(name: str) -> None:
    assert examples(getattr(gg, name))


def test_public_functions_beside_the_gates_have_an_example() -> None:
    """Every function that stands for one of NumPy's, or is a composition, shows how it is used."""
    bare = [
        f"{module.__name__}.{name}"
        for module in MODULES
        for name, f in vars(module).items()
        if not module.__name__.endswith(".plain")  # questions of shape and dtype, asked through NumPy only
        and inspect.isfunction(f)
        and (hasattr(f, "numpy") or hasattr(f, "composition"))
        and not name.endswith("_reduce")
        and not examples(f)
    ]
    # one word away from a function that has one
    allowed = {"matrix_transpose", "atleast_1d", "atleast_2d", "fliplr", "flipud", "broadcast_arrays"}
    assert [name for name in bare if name.rpartition(".")[2] not in allowed] == []


def test_annotations_of_public_functions_are_whole() -> None:
    for name in FUNCTIONS:
        function = inspect.unwrap(getattr(gg, name))
        if not inspect.isfunction(function):
            continue
        hints = inspect.get_annotations(function)
        assert "return" in hints, name
        for parameter in inspect.signature(function).parameters:
            assert parameter in hints, f"{name}({parameter})"
