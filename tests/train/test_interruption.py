"""Ctrl-C ends native training promptly and keeps what was learned, however many steps there were to be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from glassgrad import distributions, nn, optim, train
from glassgrad.train import loop
from glassgrad.train.engine import Rows
from glassgrad.train.full_batch import FullBatchRun
from glassgrad.train.loop import Plan, Run

PROGRAM = """
import json, signal, sys, time
import numpy as np
from glassgrad import distributions, nn, optim, train

signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands on that it is ignored
widths, batch, call = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
X = rng.normal(size=(512, widths[0])).astype(np.float32)
y = np.sin(X[:, :1])
layers = [part for a, b in zip(widths, widths[1:]) for part in (nn.Linear(a, b), nn.Tanh())]
net = nn.Sequential(*layers[:-1])
trainer = train.Trainer(net, distributions.Gaussian(), optim.SGD(0.01), batch)
before = trainer.evaluate(X, y)["loss"]
run = trainer.engine.steps


def steps(*arguments):
    if trainer.engine.steps is steps:
        trainer.engine.steps = run
        print("begun", flush=True)
    run(*arguments)


trainer.engine.steps = steps
kwargs = {"n": 10**8} if call == "steps" else {"epochs": 10**6}
history = getattr(trainer, call)(X, y, **kwargs)
ended = time.time()
after = trainer.evaluate(X, y)["loss"]
losses = history.loss
print(json.dumps([
    history.stopped, history.steps, len(losses), trainer.step_count, bool(np.isfinite(losses).all()), before, after,
    ended, str(history),
]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process alone")
@pytest.mark.parametrize("call", ["steps", "fit"])
@pytest.mark.parametrize(("widths", "batch"), [((2, 8, 1), 4), ((64, 256, 256, 1), 128)])
def test_ctrl_c_is_prompt_and_keeps_what_was_learned(widths: tuple[int, ...], batch: int, call: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps([widths, batch, call])],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        time.sleep(1.0)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, err
    stopped, steps, losses, counted, finite, before, after, ended, shown = json.loads(out)
    assert ended - sent < 10  # a piece takes some 0.15 s, and all steps far more than this; others may use the cores
    assert stopped == "interrupted"
    assert "ended early: interrupted" in shown
    assert steps == losses == counted
    assert 0 < steps < 10**8
    assert finite
    assert after < before


@pytest.mark.parametrize("optimizer", [optim.SGD(0.1), optim.LBFGS()])
@pytest.mark.parametrize("call", ["steps", "fit"])
@pytest.mark.parametrize("engine", train.ENGINES)
@pytest.mark.parametrize(("batch", "between"), [(4, 0.0), (5, 1e9)])
def test_an_interruption_at_any_line_leaves_whole_steps_and_their_losses(
    batch: int, between: float, engine: str, call: str, optimizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_BETWEEN_UPDATES", between)  # pieces of a step, or of as many as there are
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(12, 2)), rng.normal(size=(12, 1))
    t = train.Trainer(nn.Linear(2, 1, dtype=np.float64), distributions.Gaussian(), optimizer, batch, engine=engine)
    begun = t.snapshot()
    files = tuple(os.path.join("train", name) for name in ("loop.py", "engine.py", "native_engine.py", "full_batch.py"))
    left = 0

    def lines(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(files):
            return None
        left -= event == "line"
        if left == 0 and event == "line":
            raise KeyboardInterrupt
        return lines

    for kind in (Run, FullBatchRun):

        def traced(self: Any, original: Any = kind._train) -> None:
            before = sys.gettrace()
            sys.settrace(lines)
            try:
                original(self)
            finally:
                sys.settrace(before)

        monkeypatch.setattr(kind, "_train", traced)

    def run(line: int, call: str, n: int) -> tuple[Any, Any]:
        nonlocal left
        left = line
        t.restore(begun)
        t.step_count = t.epoch_count = 0
        history = t.fit(X, y, n) if call == "fit" else t.steps(X, y, n, sampling="shuffle")
        return history, [p.value for p in t.net.parameters()]

    n = 2 if call == "fit" and isinstance(optimizer, optim.SGD) else 6  # epochs of three steps
    whole, _ = run(0, call, n)
    after = [list(begun.weights.values()), *[run(0, "steps", n)[1] for n in range(1, whole.steps + 1)]]
    line = stopped = 0
    while True:
        line += 1
        history, weights = run(line, call, n)
        if history.stopped != "interrupted":
            break
        stopped += 0 < history.steps < whole.steps
        assert history.steps == len(history.loss) == t.step_count, line
        np.testing.assert_array_equal(history.loss, whole.loss[: history.steps], str(line))
        for a, b in zip(weights, after[history.steps], strict=True):
            np.testing.assert_array_equal(a, b, str(line))
    assert stopped > 20


def test_any_number_of_steps_is_planned_at_once() -> None:
    rows = Rows(np.zeros((4, 2)), np.zeros(4))
    plan = Plan(rows, 4, "replacement", 10**15, epochs=False)
    assert plan.length(0, None) == plan.length(0, 1.0) == 1000
    assert plan.length(0, 1e-7) == 200_000  # steps are looked at together where they are short
    assert plan.length(10**15 - 7, 1e-7) == 7
    assert Plan(rows, 4, "replacement", 2500, epochs=True).length(0, 1e-7) == plan.per_epoch
