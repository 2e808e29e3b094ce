"""Measuring: every peer is checked first, then all are timed in turn, block by block."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.peers import Makers, NoEqualError

Run = Callable[[int], Any]
_WARM = 5  # a block's share that is run before it


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    ``block``: the least seconds of a block; ``rounds``: blocks of each peer; ``job``: seconds after which a whole
    job is scaled up from the part that is done; ``starts``: how often new processes are started; ``limit``: seconds
    after which nothing more is begun; ``without``: labels that are left out, and why.
    """

    block: float = 0.2
    rounds: int = 5
    job: float = 15.0
    starts: int = 2
    limit: float = 24 * 60
    without: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False


QUICK = Settings(0.2, 3, 1.5, 1, 170.0, {"torch.compile": "left out by --quick"}, True)


@dataclass
class Result:
    """Seconds a step or call: the median of the blocks, and their quartiles."""

    seconds: float
    low: float
    high: float
    blocks: int = 1
    per_block: int = 1
    note: str = ""


@dataclass
class Row:
    """One workload: results of those that ran, and why others did not."""

    name: str
    section: str
    what: str = ""
    results: dict[str, Result] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    forward: dict[str, float] = field(default_factory=dict)


def say(text: str) -> None:
    """Progress, on the error stream."""
    print(text, file=sys.stderr, flush=True)


def summary(seconds: list[float], per_block: int = 1, note: str = "") -> Result:
    """Median and quartiles."""
    low, high = np.quantile(seconds, (0.25, 0.75))
    return Result(statistics.median(seconds), float(low), float(high), len(seconds), per_block, note)


def prepared(row: Row, makers: Makers, check: Callable[[Any], None], settings: Settings) -> dict[str, Any]:
    """What each maker made, if it computes the right thing; the rest is noted in the row."""
    made = {}
    for label, make in makers.items():
        if label in settings.without:
            row.left_out[label] = settings.without[label]
            continue
        try:
            thing = make()
            check(thing)
            made[label] = thing
        except NoEqualError as error:
            row.left_out[label] = str(error)
        except AssertionError as error:
            row.failed[label] = "wrong result: " + " ".join(str(error).split())[:200]
        except Exception as error:  # a peer that fails is a line of the table, whatever it raised
            row.failed[label] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return made


def timed(runs: Mapping[str, Run], settings: Settings) -> dict[str, Result]:
    """Time blocks of at least ``settings.block`` seconds, one peer after another, each round in another order.

    A block begins when the threads of the one before have come to rest, with a short run that is not counted.
    """
    counts = {label: _count(run, settings.block) for label, run in runs.items()}
    blocks: dict[str, list[float]] = {label: [] for label in runs}
    labels = list(runs)
    for i in range(settings.rounds):
        turn = i % max(len(labels), 1)
        for label in labels[turn:] + labels[:turn]:
            settle()
            runs[label](max(1, counts[label] // _WARM))
            started = time.perf_counter()
            runs[label](counts[label])
            blocks[label].append((time.perf_counter() - started) / counts[label])
    return {label: summary(seconds, counts[label]) for label, seconds in blocks.items()}


def settle() -> None:
    """Wait until this process does nothing: OpenBLAS's threads spin for a tenth of a second after a product."""
    for _ in range(50):
        before = time.process_time()
        time.sleep(0.01)
        if time.process_time() - before < 0.001:
            return


def _count(run: Run, block: float) -> int:
    """How many steps fill a block; finding it warms up."""
    settle()
    run(1)
    n = 1
    while True:
        started = time.perf_counter()
        run(n)
        seconds = time.perf_counter() - started
        if seconds >= block / 4:
            return max(1, int(np.ceil(n * block * 1.1 / seconds)))
        n *= 2 if seconds > block / 16 else 4


def repeated(call: Callable[[], Any]) -> Run:
    """A call as something that runs `n` times."""

    def run(n: int) -> Any:
        out = None
        for _ in range(n):
            out = call()
        return out

    return run


def close(found: Any, expected: Any, tolerance: float = 1e-3) -> None:
    """An AssertionError unless the arrays agree, to what float32 in another order of sums can."""
    expected = np.asarray(expected)
    np.testing.assert_allclose(
        np.asarray(found), expected, rtol=tolerance, atol=tolerance * max(float(np.abs(expected).max()), 1e-6)
    )
