"""Threads that run machine code side by side: kept alive between calls, and as many as pay."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_MOST = 1024  # threads of all crews together: each call has as many as it asks for, since they wait for each other
_LOOK, _AGAIN = 30e-3, 2.0  # seconds that a try takes, and after which the others are tried again
_pools: list[ThreadPoolExecutor] = []


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def together(work: Callable[[int], None], size: int) -> None:
    """Run ``work(0)`` to ``work(size - 1)`` at the same time, and return when all are done, whatever happens.

    With more than one none is the caller's: the keyboard may interrupt it before its part has begun, and the
    others would wait for it for ever.
    """
    if size == 1:
        work(0)
        return
    if not _pools:
        _pools.append(ThreadPoolExecutor(_MOST, thread_name_prefix="glassgrad"))
    led, interrupted = _pools[0].submit(_led, _pools[0], work, size), None
    while not led.done():
        try:
            led.exception()
        except BaseException as error:  # passed on once nobody needs anybody any more
            interrupted = error
    if interrupted is not None:
        raise interrupted
    led.result()


def _led(pool: ThreadPoolExecutor, work: Callable[[int], None], size: int) -> None:
    """Run the first part, and have others run the rest. A thread that runs wakes the others on cores that are free."""
    others = [pool.submit(work, i) for i in range(1, size)]
    work(0)
    for other in others:
        other.result()


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
        self._tried: dict[int, tuple[int, float]] = {}  # steps and seconds of the trial under way
        self._sure: set[int] = set()
        self._spent = 0.0

    def next(self, count: int) -> tuple[int, int]:
        """Threads, and steps to take with them, of `count` that are left."""
        if len(self.sizes) == 1:
            return self.sizes[0], count
        for size in self.sizes:
            if size not in self._sure:
                known = self._step.get(size)
                return size, min(count, max(1, int(_LOOK / known))) if known else 1
        best = self._best()
        return best, min(count, max(1, int(_AGAIN / self._step[best])))

    def took(self, size: int, count: int, seconds: float) -> None:
        """Note what some steps took."""
        if size not in self._step:  # the first one finds everything cold
            self._step[size] = seconds / count
            return
        steps, so_far = self._tried.get(size, (0, 0.0))
        steps, so_far = steps + count, so_far + seconds
        self._tried[size] = steps, so_far
        if so_far >= _LOOK / 2:
            self._step[size] = so_far / steps
            self._sure.add(size)
            del self._tried[size]
        self._spent += seconds
        if self._spent > _AGAIN:
            self._spent = 0.0
            self._sure &= {self._best()}  # the others may be worth it by now

    def _best(self) -> int:
        return min(self._step, key=lambda size: self._step[size])


def _forget() -> None:
    """A child has no threads but its own."""
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
