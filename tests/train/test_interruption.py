"""Ctrl-C ends native training promptly and keeps what was learned, however many steps there were to be."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from glassgrad.train.engine import Rows
from glassgrad.train.loop import Plan

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
    assert process.stdout.readline() == "begun\n"
    time.sleep(1.0)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    stopped, steps, losses, counted, finite, before, after, ended, shown = json.loads(out)
    assert ended - sent < 10  # a piece takes some 0.15 s, and all steps far more than this; others may use the cores
    assert stopped == "interrupted"
    assert "ended early: interrupted" in shown
    assert steps == losses == counted
    assert 0 < steps < 10**8
    assert finite
    assert after < before


def test_any_number_of_steps_is_planned_at_once() -> None:
    rows = Rows(np.zeros((4, 2)), np.zeros(4))
    plan = Plan(rows, 4, "replacement", 10**15, epochs=False)
    assert list(itertools.islice(plan.lengths, 3)) == [1000, 1000, 1000]
    assert sum(Plan(rows, 4, "replacement", 2500, epochs=False).lengths) == 2500
