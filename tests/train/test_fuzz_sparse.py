"""Sparse rows in every state that a user can bring them into, through everything that takes them.

Every call ends in what the NumPy engine finds, or in an exception, also where positions lead outside, which SciPy's
own loops follow. The calls run in a process of their own, which says each before it makes it.
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
from scipy import sparse

import glassgrad as gg
from glassgrad import distributions, nn, optim, train
from glassgrad.estimators import LogisticRegression, MLPClassifier, Perceptron
from glassgrad.ops.sparse import csr_add, csr_matmul
from glassgrad.train.online import Online

CALLS, FORMS, WIDTH, ROWS = 200, 7, 6, 9  # few forms of rows, so that little is compiled
WILD = [-1, -(10**8), WIDTH, 10**8, 2**31 - 1, -(2**31)]
FORMATS = ["csr", "csr", "csr", "csc", "coo", "lil", "dok", "dia", "bsr"]


def announce(*parts: Any) -> None:
    """Say what comes next, at once: nothing may be left in a buffer when the process ends."""
    os.write(1, (" ".join(map(str, parts)) + "\n").encode())


def matrix(rng: np.random.Generator, rows: int = ROWS) -> Any:
    """Rows with columns out of order and repeated, stored zeros, and rows that store nothing."""
    rng = np.random.default_rng(rng.integers(FORMS))
    stored = rng.integers(0, WIDTH + 1, rows) * (rng.random(rows) < 0.7)
    ends = np.concatenate([[0], np.cumsum(stored)])
    if rng.random() < 0.1:
        ends[:] = 0
    positions = [np.int32, np.int64][rng.integers(2)]
    data = np.round(rng.normal(size=ends[-1]), 1).astype(rng.choice(np.array(["f", "d", "e", "q", "?", "f", "d"])))
    made = sparse.csr_array((data.astype(np.float64), rng.integers(0, WIDTH, ends[-1]), ends), shape=(rows, WIDTH))
    made = made if rng.random() < 0.5 else sparse.csr_matrix(made)
    made.data, made.indices, made.indptr = data, made.indices.astype(positions), made.indptr.astype(positions)
    return made


def spread(a: Any) -> Any:
    return np.repeat(a, 2)[::2]


def read_only(a: Any) -> Any:
    a = a.copy()
    a.flags.writeable = False
    return a


def roomy(a: Any) -> Any:
    return np.concatenate([a, np.full(5, 10**6 if a.dtype.kind == "i" else 7).astype(a.dtype)])


def reformed(rng: np.random.Generator, X: Any) -> Any:
    """The same rows in arrays of another form, or in another format."""
    kind = FORMATS[rng.integers(len(FORMATS))]
    if kind != "csr":
        X.data = X.data.astype(np.float64)
        return X.asformat(kind)
    form = [np.copy, spread, read_only, lambda a: a.astype(a.dtype.newbyteorder("S")), roomy][rng.integers(5)]
    for name in ("data", "indices", *([] if form is roomy else ["indptr"])):
        setattr(X, name, form(getattr(X, name)))
    return X


def spoilt(rng: np.random.Generator, X: Any) -> Any:
    """Positions that lead outside, or arrays that do not fit together; at times by luck nothing is wrong."""
    wild = int(rng.choice(WILD))
    if X.format == "coo":
        X.coords = tuple([np.where(rng.random(len(c)) < 0.5, wild, c).astype(np.int32) for c in X.coords])
    elif X.format == "dia":
        X.offsets = np.full(int(rng.integers(1, 4)), wild, np.int32)
    elif X.format == "lil":
        row = int(rng.integers(X.shape[0]))
        X.rows[row], X.data[row] = [[wild], [1, 2, wild], None, ["a"]][rng.integers(4)], [1.0] * int(rng.integers(99))
    elif X.format == "dok":
        X._dict[(wild, 0)] = 1.0
    else:
        kind, place = int(rng.integers(7)), int(rng.integers(len(X.indptr)))
        X.indices, X.indptr = X.indices.copy(), X.indptr.copy()
        if kind <= 1 and len(X.indices):
            X.indices[rng.integers(len(X.indices))] = wild
        elif kind == 2:
            X.indptr[place] = wild
        elif kind == 3:
            X.indptr[1:-1], X.indptr[-1] = wild, 0
        elif kind == 4:
            X.indptr[1:4], X.indptr[4:] = (2**31 - 1, -(2**31), -1), 0  # whose differences overflow
        elif kind == 5:
            name = ["data", "indices", "indptr"][rng.integers(3)]
            setattr(X, name, getattr(X, name)[: rng.integers(3)])
        else:
            dtypes = np.array(["u1", "u4", "u8", "i1", "i2", "i8", "f8"])
            X.indptr, X.indices = (a.astype(rng.choice(dtypes)) for a in (X.indptr, X.indices))
    return X


def spoilt_later(rng: np.random.Generator, X: Any) -> None:
    """What is stored is changed where it lies, after it was checked."""
    for array in (X.indices, X.indptr):
        if rng.random() < 0.4 and array.flags.writeable and len(array):
            array[rng.integers(len(array))] = rng.choice(WILD)


def parameters(t: train.Trainer) -> list[Any]:
    return [p.value for p in t.net.parameters()]


Use = Callable[[str, Any, np.ndarray, np.random.Generator], Any]


def online(engine: str, X: Any, y: Any, rng: np.random.Generator, late: bool = False) -> Any:
    setting = [{}, {"batch_size": 4}, {"batch_size": None}, {"l2": 0.1, "average": True}, {"l1": 0.01}][rng.integers(5)]
    model = Online(WIDTH, 3, distributions.Categorical(), 0.1, engine=engine, dtype=np.float64, **setting)
    rows = model.rows(X, y)
    found = [model.epoch(rows)]
    if late:
        spoilt_later(rng, rows.X if rng.random() < 0.5 else X)
    return [*found, model.epoch(rows), model.W, model.b, model.scores(X)]


def trained(engine: str, X: Any, y: Any, rng: np.random.Generator) -> Any:
    size = [1, 4, None][rng.integers(3)]
    optimizer: Any = [optim.SGD(0.1), optim.Adam(0.01), optim.LBFGS(max_iterations=3)][rng.integers(3)]
    sampling: Any = ["shuffle", "order", "replacement"][rng.integers(3)]
    net = nn.Sequential(nn.Linear(WIDTH, 3, dtype=np.float64))
    t = train.Trainer(net, distributions.Categorical(), optimizer, batch_size=size, engine=engine)
    if rng.random() < 0.5 or isinstance(optimizer, optim.LBFGS):
        t.fit(X, y, 2, validation=(X, y), callbacks=[lambda *_: spoilt_later(rng, X)] if rng.random() < 0.3 else ())
    else:
        t.steps(X, y, 5, sampling=sampling)
    return [*parameters(t), t.outputs(X), t.evaluate(X, y)["loss"]]


def predicted(engine: str, X: Any, y: Any, rng: np.random.Generator) -> Any:
    net = nn.Sequential(nn.Linear(WIDTH, 3, dtype=np.float64))
    t = train.Trainer(net, distributions.Categorical(), optim.SGD(0.1), engine=engine)
    return [t.outputs(X), t.evaluate(X, y)["loss"]]


def estimated(engine: str, X: Any, y: Any, rng: np.random.Generator) -> Any:
    solver = ["lbfgs", "newton-cg", "sgd", "minibatch", "gd"][rng.integers(5)]
    which = int(rng.integers(3))
    made: Any = (
        LogisticRegression(solver=solver, max_iter=3, random_state=0, engine=engine),
        Perceptron(max_iter=3, engine=engine, average=bool(rng.integers(2))),
        MLPClassifier((3,), max_iter=2, random_state=0, batch_size=4, engine=engine),
    )[which]
    whole = np.arange(ROWS * WIDTH, dtype=np.float64).reshape(ROWS, WIDTH) % 7 / 7
    labels = np.arange(ROWS) % 3
    if rng.random() < 0.5:
        made.fit(X, y)
    elif which:
        made.partial_fit(sparse.csr_matrix(whole), labels, classes=[0, 1, 2])
        made.partial_fit(X, y)
    else:
        made.fit(whole, labels)
    scores = made.predict_proba(X) if which == 2 else made.decision_function(X)
    return [scores, made.predict(X), *([made.margin_ > 1e-6] if which == 1 and hasattr(made, "margin_") else [])]


def gates(engine: str, X: Any, y: Any, rng: np.random.Generator) -> Any:
    """The gates themselves, which take any three arrays."""
    if not hasattr(X, "indptr"):
        X = matrix(rng)
    data, indices, ends = X.data, X.indices, X.indptr
    shape = (ROWS, WIDTH)
    x, g, turned = rng.normal(size=(WIDTH, 2)), rng.normal(size=(ROWS, 2)), bool(rng.integers(2))

    def f(data: Any, x: Any, g: Any, indices: Any, ends: Any) -> Any:
        product = csr_matmul(data, indices, ends, g if turned else x, shape=shape, transposed=turned)
        return product * 2, csr_add(x, data, indices, ends, g, shape=shape)

    if engine == "native":
        return list(gg.compile(f)(data, x, g, indices, ends))
    return list(f(data, x, g, indices, ends))


def multiplied(engine: str, X: Any, y: Any, rng: np.random.Generator) -> Any:
    x = rng.normal(size=(WIDTH, 2))
    return [gg.sparse_matmul(X, x), gg.data.split(X, y)[0].toarray()]


USES: dict[str, Use] = {
    "online": online, "late": lambda *args: online(*args, late=True), "trained": trained, "predicted": predicted,
    "estimated": estimated, "gates": gates, "multiplied": multiplied,
}  # fmt: skip


def outcome(use: Use, engine: str, seed: int, state: str) -> Any:
    """What a use gives, or the exception that ends it; each engine has rows of its own."""
    rng = np.random.default_rng(seed)
    X = reformed(rng, matrix(rng))
    X = spoilt(rng, X) if state == "spoilt" else X
    y = np.concatenate([[0, 1, 2], rng.integers(0, 3, ROWS - 3)])
    try:
        return [np.asarray(z, np.float64) for z in use(engine, X, y, rng)]
    except Exception as error:  # any exception will do, a crash will not
        return error


def fuzz(seed: int, calls: int) -> Counter[str]:
    rng, counts = np.random.default_rng(seed), Counter[str]()
    names = list(USES)
    for _ in range(calls):
        name, state, own = (
            names[rng.integers(len(names))],
            ["whole", "spoilt"][rng.integers(2)],
            int(rng.integers(1 << 30)),
        )
        announce(name, state, own)
        native, numpy = (outcome(USES[name], engine, own, state) for engine in ("native", "numpy"))
        if isinstance(native, Exception):
            assert type(native) is type(numpy), f"{native!r} where NumPy gives {numpy!r}"
            counts[f"error {name}"] += 1
            if state == "whole" and name not in ("late", "trained", "gates", "multiplied"):
                raise native
            continue
        assert isinstance(numpy, list), f"{native} where NumPy gives {numpy!r}"
        for a, b in zip(native, numpy, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
        counts[f"result {name}"] += 1
    return counts


def test_every_state_of_sparse_rows_ends_in_numpys_result_or_an_exception(tmp_path: Path) -> None:
    environment = {**os.environ, "GLASSGRAD_CACHE_DIR": str(tmp_path), "MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", __file__], capture_output=True, text=True, env=environment, check=False
    )
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, f"ended with {done.returncode} after the call {last}:\n{done.stderr[-3000:]}"
    for kind in USES:
        for end in ("result", "error"):
            assert f"{end} {kind}" in last[0], f"no call of {kind} ended in a {end}: the fuzzing has lost its teeth"


def main() -> None:
    """Make the calls, and say last how they ended."""
    warnings.simplefilter("ignore")
    seed, calls = (int(x) for x in sys.argv[1:3]) if sys.argv[1:] else (5, CALLS)
    with np.errstate(all="ignore"):
        announce(dict(fuzz(seed, calls)))


if __name__ == "__main__":
    main()
