"""Machine code is what trains unless told; NumPy is one word away, and named where there is no machine code."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from glassgrad import distributions, nn, optim, train
from glassgrad.errors import UnsupportedError
from glassgrad.native import jit

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 4)).astype(np.float32)
LABELS = RNG.integers(0, 3, 60)


def trainer(optimizer: Any = None, **settings: Any) -> train.Trainer:
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    return train.Trainer(net, distributions.Categorical(), optimizer or optim.SGD(0.1), 16, **settings)


def weights(t: train.Trainer) -> Any:
    return np.concatenate([p.value.ravel() for p in t.net.parameters()])


def test_native_is_the_default() -> None:
    assert trainer().engine.name == train.digits_trainer().engine.name == "native"
    default, native, numpy = trainer(), trainer(engine="native"), trainer(engine="numpy")
    for t in (default, native, numpy):
        t.fit(X, LABELS, 3)
    np.testing.assert_array_equal(weights(default), weights(native))
    np.testing.assert_allclose(weights(default), weights(numpy), rtol=1e-5, atol=1e-6)


def refused(*args: Any, **options: Any) -> Any:
    raise jit.CompileError("machine code cannot be made here: no permission")


def test_where_no_machine_code_can_be_made_the_other_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "compile_ir", refused)
    t = trainer()
    before = weights(t)
    for use in (lambda: t.fit(X, LABELS, 1), lambda: t.predict(X), lambda: t.step(X, LABELS)):
        with pytest.raises(jit.CompileError, match="no permission\nengine='numpy' trains the same graph"):
            use()
    np.testing.assert_array_equal(weights(t), before)
    assert trainer(engine="numpy").fit(X, LABELS, 1).steps == 4


def test_without_llvmlite_the_other_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "glassgrad.train.native_engine", None)
    with pytest.raises(UnsupportedError, match=r"without llvmlite.*engine='numpy'"):
        trainer()


@pytest.mark.parametrize("optimizer", [None, optim.LBFGS(max_iterations=5)])
def test_snapshots_and_single_steps_run_natively(optimizer: Any) -> None:
    found = []
    for engine in ("numpy", "native"):
        t = trainer(optimizer, engine=engine)
        kept = t.snapshot()
        start = weights(t)
        t.fit(X, LABELS, 2)
        if optimizer is None:
            t.step(X[:7], LABELS[:7])
        moved = weights(t)
        assert not np.array_equal(moved, start)
        t.restore(kept)
        np.testing.assert_array_equal(weights(t), start)
        t.fit(X, LABELS, 2)
        found.append(np.concatenate([moved, weights(t)]))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-5)


def test_find_rate_runs_natively_and_agrees() -> None:
    searches = [train.find_rate(trainer(engine=e), X, LABELS, low=1e-3, steps=40) for e in ("numpy", "native")]
    np.testing.assert_allclose(searches[1].losses, searches[0].losses, rtol=1e-3)
    assert searches[1].suggestion == pytest.approx(searches[0].suggestion)


def test_compiling_is_not_counted_as_steps() -> None:
    t = trainer(seed=3)
    first = t.steps(X, LABELS, n=5)
    again = t.steps(X, LABELS, n=5)
    assert first.compile_seconds > first.step_seconds
    assert again.compile_seconds < first.compile_seconds
    assert first.seconds >= first.compile_seconds + first.step_seconds
