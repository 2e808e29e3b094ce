"""Threads that run machine code together: all of them always, as many as pay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from glassgrad.native import crew
from glassgrad.native.crew import Pace, cores, together


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_every_part_runs_once_and_all_at_the_same_time(size: int) -> None:
    meeting, ran = threading.Barrier(size), []

    def work(part: int) -> None:
        meeting.wait(30)  # nobody gets past it alone
        ran.append(part)

    for _ in range(3):
        together(work, size)
    assert sorted(ran) == sorted([*range(size)] * 3)


def test_two_crews_at_once() -> None:
    done = []

    def crew_of(size: int) -> None:
        meeting = threading.Barrier(size)

        def work(part: int) -> None:
            meeting.wait(30)
            done.append(part)

        for _ in range(20):
            together(work, size)

    threads = [threading.Thread(target=crew_of, args=(3,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 2 * 20 * 3


def test_cores_are_those_the_process_may_use() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
    if hasattr(os, "sched_getaffinity"):
        before = os.sched_getaffinity(0)
        together(lambda part: None, 2)
        assert os.sched_getaffinity(0) == before  # only threads of our own have a core of their own


@pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")
def test_an_interruption_waits_for_all_and_a_child_has_threads_of_its_own() -> None:
    program = """
import os, signal, threading, time
from glassgrad.native.crew import together
ended = []
def work(part):
    time.sleep(0.3)
    ended.append(part)
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    together(work, 3)
    raise SystemExit("not interrupted")
except KeyboardInterrupt:
    assert sorted(ended) == [0, 1, 2], ended
if not (child := os.fork()):
    together(work, 2)
    os._exit(0 if sorted(ended) == [0, 0, 1, 1, 2] else 1)
assert os.waitpid(child, 0)[1] == 0
print("right")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program],
        capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert done.stdout.strip() == "right", done.stderr


def run(pace: Pace, seconds: Any, count: int) -> list[int]:
    """The threads that a pace chose for each step, where a step takes ``seconds[threads]``."""
    chosen: list[int] = []
    while len(chosen) < count:
        size, some = pace.next(count - len(chosen))
        assert 1 <= some <= count - len(chosen)
        pace.took(size, some, seconds[size] * some)
        chosen += [size] * some
    return chosen


def test_the_faster_number_of_threads_is_found() -> None:
    for fast, slow in ((2, 1), (1, 2)):
        chosen = run(Pace(2, fixed=False), {fast: 1e-3, slow: 3e-3}, 2000)
        assert chosen.count(fast) > 0.9 * len(chosen)
        assert slow in chosen  # it was tried


def test_it_is_noticed_when_the_other_becomes_the_faster_one() -> None:
    pace = Pace(2, fixed=False)
    run(pace, {2: 1e-3, 1: 2e-3}, 500)
    assert run(pace, {2: 8e-3, 1: 2e-3}, 500).count(1) > 400  # another program took a core
    assert run(pace, {2: 1e-3, 1: 2e-3}, 2000).count(2) > 1500  # and gave it back


def test_a_number_that_was_asked_for_is_kept() -> None:
    assert set(run(Pace(3, fixed=True), {3: 1.0}, 50)) == {3}
    assert Pace(1, fixed=False).next(7) == (1, 7)


def test_no_thread_stays_busy() -> None:
    together(lambda part: None, 2)
    assert crew._pools
    before = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - before < 0.1


def test_cores_are_at_most_what_the_environment_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    free = cores()
    for said, then in (("1", 1), ("1,4", 1), (str(free + 5), free), ("none", free), ("0", free), ("", free)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert cores() == then


def test_workers_of_joblib_do_not_take_more_cores_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    joblib = pytest.importorskip("joblib")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(cores)() for _ in range(4)) == [1] * 4


def test_a_thread_that_is_not_alone_runs_on_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 2)
    pace, meeting, found = Pace(2, fixed=False), threading.Barrier(2), []
    assert pace.next(1000)[0] == 2

    def work(part: int) -> None:
        meeting.wait(30)  # both are inside
        found.append(Pace(2, fixed=False).next(1000)[0])
        meeting.wait(30)

    others = [threading.Thread(target=together, args=(work, 1)) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join(30)
    assert found == [1, 1]
    assert pace.next(1000)[0] == 2
    assert Pace(2, fixed=True).next(1000) == (2, 1000)
