"""Threads that run machine code side by side: kept alive between calls, and as many as pay."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_MOST = 1024  # threads of all crews together: each call has as many as it asks for, since they wait for each other
_LOOK, _AGAIN = 20e-3, 0.25  # seconds that a try takes, and after which the others are tried again at the latest
_pools: list[ThreadPoolExecutor] = []
R = TypeVar("R")


def cores() -> int:
    """How many cores this process may use: at most ``OMP_NUM_THREADS``, which joblib sets for its workers."""
    found = len(_allowed()) or os.cpu_count() or 1
    named = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(found, int(named)) if named.isdecimal() and int(named) > 0 else found


class _Callers:
    """How many threads run machine code now: those of a program that has its own share the cores."""

    def __init__(self) -> None:
        self.count, self._lock = 0, threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.count += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self.count -= 1


_callers = _Callers()


def _allowed() -> list[int]:
    """The numbers of the cores that the calling thread may use, where the system tells."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def together(work: Callable[[int], None], size: int) -> None:
    """Run ``work(0)`` to ``work(size - 1)`` at the same time, and return when all are done, whatever happens.

    With more than one none is the caller's: the keyboard may interrupt it before its part has begun, and the
    others would wait for it for ever.
    """
    with _callers:
        if size == 1:
            work(0)
        else:
            _side_by_side(work, size)


def aside(work: Callable[[], R]) -> Future[R] | None:
    """Begin some work on a thread of its own; None, and nothing begun, where no core is free for it."""
    return _pool().submit(work) if cores() > _callers.count + 1 else None


def _pool() -> ThreadPoolExecutor:
    if not _pools:
        _pools.append(ThreadPoolExecutor(_MOST, thread_name_prefix="glassgrad"))
    return _pools[0]


def _side_by_side(work: Callable[[int], None], size: int) -> None:
    pool = _pool()
    allowed, begun, ended, done = _allowed(), itertools.count(), itertools.count(1), threading.Event()

    def part() -> None:
        number = next(begun)
        if number < size:
            try:
                _place(number, allowed)
                work(number)
            finally:
                if next(ended) == size:
                    done.set()

    interrupted, handed = None, False
    while not done.is_set():
        try:
            if not handed:  # an interruption leaves open how many were: parts too many find nothing to do
                for _ in range(size):
                    pool.submit(part)
                handed = True
            done.wait()
        except BaseException as error:  # passed on once nobody needs anybody any more
            interrupted = error
    if interrupted is not None:
        raise interrupted


def _place(number: int, allowed: list[int]) -> None:
    """A core for each thread: those that wait for each other by spinning may otherwise be left on one for long."""
    if allowed:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {allowed[number % len(allowed)]})


class Pace:
    """How many threads to run on, found by trying: none is slower than one where other programs need the cores.

    Parameters
    ----------
    most : int
        Threads that there can be.
    fixed : bool
        Whether to use them all, whatever it takes.

    Examples
    --------
    >>> pace = Pace(2, fixed=True)
    >>> pace.next(1000)
    (2, 1000)
    """

    def __init__(self, most: int, fixed: bool) -> None:
        self.sizes = [most] if fixed or most == 1 else [most, 1]
        self._step: dict[int, float] = {}  # seconds of a step, as far as is known
        self._tried: dict[int, list[tuple[float, float]]] = {}  # of the trial under way: seconds, and those of a step
        self._sure: set[int] = set()
        self._spent, self._rest, self._chosen = 0.0, 2 * _LOOK, 0

    def next(self, count: int) -> tuple[int, int]:
        """Threads, and steps to take with them, of `count` that are left."""
        if len(self.sizes) == 1:
            return self.sizes[0], count
        if self.sizes[0] * (_callers.count + 1) > max(cores(), self.sizes[0]):  # others of this process run as well
            return 1, min(count, max(1, int(2 * _LOOK / self._step[1]))) if 1 in self._step else 1
        for size in self.sizes:
            if size not in self._sure:  # in pieces, so that a bad try ends soon
                some = _LOOK / 2 / min(self._step.values()) if size in self._step else 1
                return size, min(count, max(1, int(some)))
        best = self._best()
        return best, min(count, max(1, int(self._rest / self._step[best])))

    def took(self, size: int, count: int, seconds: float) -> None:
        """Note what some steps took."""
        if len(self.sizes) == 1:
            return
        if size not in self._step:  # the first one finds everything cold
            self._step[size] = seconds / count
            return
        if size not in self._sure:
            tried = self._tried[size] = [*self._tried.get(size, ()), (seconds, seconds / count)]
            if len(tried) > 1 and sum(s for s, _ in tried) >= _LOOK / 2:
                self._step[size] = min(each for _, each in tried)  # what disturbs can only make it longer
                self._sure.add(size)
                self._tried[size] = []
        elif seconds >= _LOOK / 2:
            self._step[size] = seconds / count
        if len(self._sure) < len(self.sizes):
            return
        best = self._best()
        if best != self._chosen:  # what has changed may change again soon
            self._chosen, self._spent, self._rest = best, 0.0, 2 * _LOOK
        self._spent += seconds
        if best != self.sizes[0] and self._spent >= self._rest:
            self._spent, self._rest = 0.0, min(2 * self._rest, _AGAIN)
            self._sure = {best}  # more may be worth it by now

    def _best(self) -> int:
        return min(self._step, key=lambda size: self._step[size])


def _forget() -> None:
    """A child has no threads but its own."""
    _pools.clear()
    _callers.__init__()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
