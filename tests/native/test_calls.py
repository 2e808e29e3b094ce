"""Calls of compiled code: where inputs and outputs lie, threads, forks, and memory given back."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import distributions, errors, nn, optim, train
from glassgrad.compiler import Program
from glassgrad.native.room import SMALL, address, aligned


@pytest.mark.parametrize("count", [0, 1, SMALL // 8 - 1, SMALL // 8, SMALL // 8 + 1, 5000])
def test_inputs_and_outputs_of_every_size(count: int, rng: np.random.Generator) -> None:
    compiled = gg.compile(lambda x: (x * 2, x, x[::-1], np.sum(x), x * 2))
    for _ in range(3):
        x = rng.normal(size=count)
        kept = x.copy()
        found = compiled(x)
        for got, want in zip(found, (x * 2, x, x[::-1], np.sum(x), x * 2), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12)
        for got in found[:3]:
            got[...] = 7.0
        np.testing.assert_array_equal(x, kept)
        np.testing.assert_allclose(found[4], kept * 2)  # no memory is shared with another output
        assert all(f.flags.writeable for f in found if isinstance(f, np.ndarray))


@pytest.mark.parametrize("count", [3, 2000])
def test_inputs_however_they_lie(count: int, rng: np.random.Generator) -> None:
    compiled = gg.compile(lambda x: np.tanh(x) * 2)
    x = rng.normal(size=(2, count))
    frozen = x.copy()
    frozen.flags.writeable = False
    unaligned = np.frombuffer(b"x" + x.tobytes(), x.dtype, offset=1).reshape(x.shape)
    for given in (x, x[::-1], x[:, ::-1], np.asfortranarray(x), frozen, unaligned, x.astype(">f8"), x[:1].repeat(2, 0)):
        np.testing.assert_allclose(compiled(given), np.tanh(given) * 2, rtol=1e-12)
    assert len({p.graph.inputs[0].shape for p in compiled.programs}) == len(compiled.programs) == 1


@pytest.mark.parametrize("count", [3, 2000])
def test_parameters_are_read_where_they_are_now(count: int) -> None:
    w = gg.Parameter(np.ones(count), "w")
    compiled = gg.compile(lambda x: (w * x, w))
    for number in range(1, 5):
        w.value = np.full(count, float(number))
        for _ in range(2):
            product, same = compiled(np.full(count, 2.0))
            np.testing.assert_array_equal(product, np.full(count, 2.0 * number))
            np.testing.assert_array_equal(same, w.value)
            same[:] = -1.0
    gc.collect()
    np.testing.assert_array_equal(compiled(np.ones(count))[0], np.full(count, 4.0))


def test_a_program_refuses_what_has_another_shape() -> None:
    x = gg.tensor(np.zeros((40, 40)), "x")
    program = Program(gg.Graph([x * 2], [x]))
    with pytest.raises(errors.ShapeError, match=r"takes an array of shape \(40, 40\) here, not \(20, 40\)"):
        program.run([np.zeros((20, 40))])
    with pytest.raises(errors.OperandError, match="has 1 inputs and got 2"):
        program.run([np.zeros((40, 40))] * 2)
    np.testing.assert_array_equal(program.run([np.ones((40, 40), np.float32)])[0], np.full((40, 40), 2.0))


def test_trees_of_different_kinds_do_not_share_a_program() -> None:
    compiled = gg.compile(lambda t: t)
    one = np.ones(2)
    for tree in ([one], (one,), {"0": one}, {0: one}, [one, None], [], None, {}, ([one], one), (one, [one])):
        for _ in range(2):
            found = compiled(tree)
            assert type(found) is type(tree)
            assert str(found) == str(tree)
    pair = gg.compile(lambda a, b: (a, b))
    assert [type(t) for t in pair([one], (one,))] == [list, tuple]
    assert [type(t) for t in pair((one,), [one])] == [tuple, list]


def test_numbers_and_tensors_are_arguments_too() -> None:
    compiled = gg.compile(lambda x, y: x * y)
    for x, y in [(2.0, 3.0), (np.float64(2), 3.0), (np.float32(2), np.float32(3)), (2, 3), (gg.tensor(2.0), 3.0)]:
        for _ in range(2):
            assert compiled(x, y) == 6
    w = gg.Parameter(np.full(3, 2.0))
    assert compiled(w, np.arange(3.0)).tolist() == [0, 2, 4]
    w.value = np.full(3, 5.0)
    assert compiled(w, np.arange(3.0)).tolist() == [0, 5, 10]
    for _ in range(2):
        with pytest.raises(errors.OperandError, match="masked array"):
            compiled(np.ma.masked_array(np.ones(3)), 1.0)


def test_addresses() -> None:
    assert all(address(aligned(n)) % 64 == 0 for n in (1, 100))
    a = np.arange(10.0)
    frozen = a.copy()
    frozen.flags.writeable = False
    for array in (a, a[3:], frozen, np.zeros(0), a.view(np.uint8)[1:9].view(np.float64)):
        assert address(array) == array.ctypes.data


def in_threads(work: Any, count: int) -> None:
    """Run `work(0)`, `work(1)`, … side by side, and raise what one of them raised."""
    failed: list[BaseException] = []

    def guarded(i: int) -> None:
        try:
            work(i)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


@pytest.mark.parametrize("count", [4, 3000])
def test_threads_that_share_a_program_get_their_own_numbers(count: int) -> None:
    compiled = gg.compile(gg.value_and_grad(lambda x: np.sum(np.tanh(x) ** 2)))
    inputs = [np.full(count, 0.1 * (i + 1)) for i in range(4)]
    wanted = [compiled(x) for x in inputs]

    def work(i: int) -> None:
        for _ in range(300):
            value, gradient = compiled(inputs[i])
            assert value == wanted[i][0]
            np.testing.assert_array_equal(gradient, wanted[i][1])

    in_threads(work, 4)


def make_trainer(seed: int) -> train.Trainer:
    net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 2))
    return train.Trainer(net, distributions.Gaussian(), optim.Adam(0.01), batch_size=8, seed=seed, engine="native")


def test_trainers_in_threads_of_their_own_find_what_they_find_alone() -> None:
    X = np.random.default_rng(5).normal(size=(50, 3)).astype(np.float32)
    alone, beside = [make_trainer(s) for s in (1, 2)], [make_trainer(s) for s in (1, 2)]

    def job(trainer: train.Trainer) -> None:
        for n in (1, 40, 7):
            trainer.steps(X, X[:, :2], n=n)
            trainer.predict(X)
        trainer.fit(X, X[:, :2], 3, validation=(X[:9], X[:9, :2]))

    for trainer in alone:
        job(trainer)
    in_threads(lambda i: job(beside[i]), 2)
    for a, b in zip(alone, beside, strict=True):
        np.testing.assert_array_equal(a.predict(X), b.predict(X))


def run(script: str, folder: Path, *options: str) -> str:
    """What a script prints in a process of its own, with a cache of its own."""
    environment = {**os.environ, "GLASSGRAD_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, *options, "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_forked_child_compiles_runs_and_trains_on_its_own(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    script = """
import os, sys, warnings
import numpy as np
import glassgrad as gg
from glassgrad import distributions, nn, optim, train
warnings.simplefilter("ignore", DeprecationWarning)  # Python's, about forking with threads
X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
def trainer():
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    return train.Trainer(net, distributions.Gaussian(), optim.SGD(0.1), engine="native")
fast = gg.compile(lambda x: np.sum(np.exp(x)))
made = trainer()
made.steps(X, X[:, :2], n=20)
fast(X)
child = os.fork()
good = np.isclose(fast(X), np.exp(X).sum(), rtol=1e-5)  # what was compiled before
good &= np.isclose(gg.compile(lambda x: np.sum(np.tanh(x) ** 3))(X), (np.tanh(X) ** 3).sum(), rtol=1e-4, atol=1e-4)
made.steps(X, X[:, :2], n=20)
fresh = trainer()
fresh.steps(X, X[:, :2], n=40)
good &= np.isfinite(made.predict(X)).all() and np.isfinite(fresh.predict(X)).all()
if child == 0:
    os._exit(0 if good else 1)
assert good and os.waitpid(child, 0)[1] == 0
print("done")
"""
    assert run(script, tmp_path) == "done\n"


def test_what_is_dropped_gives_its_code_back() -> None:
    compiled = gg.compile(lambda x: x * 3)
    compiled(np.ones(2))
    library = weakref.ref(compiled.programs[0].library)
    made = make_trainer(1)
    made.predict(np.zeros((2, 3)))
    engine = weakref.ref(made.engine)
    del compiled, made
    gc.collect()
    assert library() is None
    assert engine() is None


def test_a_thousand_compilations_do_not_fill_memory(tmp_path: Path) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system does not tell how much memory a process has in use")
    script = """
import os
import numpy as np
import glassgrad as gg
from glassgrad.native import jit
kept = jit.compile_ir
jit.compile_ir = lambda source, target, key=None: kept(source, target, cache=False)
def used():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
x = np.ones(3)
for n in range(1000):
    if n == 300:
        before = used()
    assert gg.compile(lambda x: x * (n + 2) + 1)(x)[0] == n + 3
print(used() - before)
"""
    assert float(run(script, tmp_path)) < 15
