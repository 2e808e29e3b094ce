"""Threads side by side in one function: who does what, and where they wait for each other.

Every thread runs the same code. A large step is cut among them, a small one is the first thread's; a barrier
stands only where one thread needs what another has made. What is computed for an element does not depend on
the cut, so the bits are the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from glassgrad.native.builder import Builder
from glassgrad.native.emit import I32, I64

_SPINS = 3000  # about ten microseconds

Place = tuple[Any, int, int]
"""A stretch of memory: whose, from which byte, to which."""


class Team:
    """The threads that run a function.

    Parameters
    ----------
    b : Builder
        Writes the function.
    thread, size : i64 values
        The number of the thread that runs, and how many there are.
    most : int
        How many there may be, and into how many pieces large steps are cut.
    counter : pointer
        64 bits that are 0 when the function starts, shared by all.
    give_way : str
        The system's function that lets other threads run; see `Target.give_way`.
    """

    def __init__(self, b: Builder, thread: Any, size: Any, most: int, counter: Any, give_way: str) -> None:
        self.b, self.thread, self.size, self.most = b, thread, size, most
        self.counter, self.give_way = counter, give_way
        self.passed = b.room(I64)
        b.store(b.index(0), self.passed)
        self.pending: list[tuple[Place, bool, bool]] = []

    def share(self, n: int) -> tuple[Any, Any]:
        """The part of `n` items that the running thread does: from, to."""
        b = self.b
        start = b.ir.sdiv(b.mul(self.thread, b.index(n)), self.size)
        return start, b.ir.sdiv(b.mul(b.add(self.thread, b.index(1)), b.index(n)), self.size)

    def first(self) -> AbstractContextManager[Any]:
        """What follows in the with-statement is the first thread's."""
        return self.b.when(self.b.compare("==", self.thread, self.b.index(0)))

    def last(self) -> AbstractContextManager[Any]:
        """What follows is the last thread's."""
        return self.b.when(self.b.compare("==", self.thread, self.b.sub(self.size, self.b.index(1))))

    def turn(self, piece: int) -> AbstractContextManager[Any]:
        """What follows is done by the thread whose turn this piece is."""
        b, number = self.b, self.b.index(piece)
        round_ = b.ir.sdiv(number, self.size)
        return b.when(b.compare("==", self.thread, b.sub(number, b.mul(round_, self.size))))

    def before(self, reads: Iterable[Place], writes: Iterable[Place], shared: bool) -> None:
        """Note what a step touches; wait first if another thread may have made or may still need it."""
        touched = [(p, False, shared) for p in reads] + [(p, True, shared) for p in writes]
        if any(_conflict(old, new) for old in self.pending for new in touched):
            self.wait()
        self.pending += touched

    def wait(self) -> None:
        """Go on when all threads are here."""
        self.pending.clear()
        with self.b.when(self.b.compare(">", self.size, self.b.index(1))):
            self._meet()

    def _meet(self) -> None:
        b = self.b
        b.ir.atomic_rmw("add", self.counter, b.index(1), "acq_rel")
        goal = b.add(b.load(self.passed, I64), self.size)
        b.store(goal, self.passed)
        block = b.ir.block
        spin, rest, on = (b.function.append_basic_block(n) for n in ("spin", "rest", "on"))
        b.ir.branch(spin)
        b.ir.position_at_end(spin)
        turns = b.ir.phi(I64)
        turns.add_incoming(b.index(0), block)
        seen = b.ir.load_atomic(self.counter, "acquire", 8, typ=I64)
        with_patience = b.add(turns, b.index(1))
        b.ir.cbranch(b.ir.icmp_signed(">=", seen, goal), on, rest)
        b.ir.position_at_end(rest)
        with b.when(b.compare(">", with_patience, b.index(_SPINS))):  # another program may need this core
            b.ir.call(b.code.intrinsic(self.give_way, I32, []), [])
        turns.add_incoming(with_patience, b.ir.block)
        b.ir.branch(spin)
        b.ir.position_at_end(on)


def _conflict(old: tuple[Place, bool, bool], new: tuple[Place, bool, bool]) -> bool:
    """Whether two touches of memory, one of them writing, may be by different threads."""
    (whose, start, stop), writes, shared = old
    (other, start2, stop2), writes2, shared2 = new
    return whose == other and start < stop2 and start2 < stop and (writes or writes2) and (shared or shared2)
