"""What is measured in a process of its own: imports, first steps, whole jobs, peak memory.

``python -m bench.startup '{"task": "import", "module": "numpy"}'`` prints one line of JSON. At the top only
the standard library is imported, so that imports can be timed.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_LATE = {"glassgrad native": ("llvmlite.binding", "glassgrad.train.native_engine")}  # imported only when needed


class ChildError(Exception):
    """A process of its own failed; the message is its last line."""


@contextlib.contextmanager
def caches() -> Iterator[dict[str, str]]:
    """An environment in which every cache on disk is empty, at first."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = dict(os.environ)
        found |= {
            "XDG_CACHE_HOME": folder, "LOCALAPPDATA": folder, "GLASSGRAD_CACHE_DIR": f"{folder}/glassgrad",
            "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor",
            "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }  # fmt: skip
        if sys.platform == "darwin":  # there the user's caches lie under the home folder, and nowhere else
            found |= {"HOME": folder, "PYTHONUSERBASE": os.environ.get("PYTHONUSERBASE", str(Path.home() / ".local"))}
        yield found


def child(task: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """Do a task in a new process."""
    from bench.peers import NoEqualError

    done = subprocess.run(
        [sys.executable, "-m", "bench.startup", json.dumps(task)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ChildError((done.stderr.strip().splitlines() or ["no message"])[-1][:200])
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if "left_out" in answer:
        raise NoEqualError(answer["left_out"])
    return answer


def _import(task: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        importlib.import_module(task["module"])
    except ImportError as error:
        return {"left_out": str(error)}
    return {"seconds": time.perf_counter() - started}


def _first(task: dict[str, Any]) -> dict[str, Any]:
    """Make and take one step, and take away what one of the next costs."""
    make = _maker(task["label"], task["network"])
    times = [time.perf_counter()]
    run = make()
    for _ in range(10):
        run(1)
        times.append(time.perf_counter())
    first, *later = (b - a for a, b in itertools.pairwise(times))
    return {"seconds": first - min(later)}


def _import_late(label: str) -> None:
    """What the libraries of a label import only when they are used: imports are not counted."""
    for library in _LATE.get(label, ()):
        importlib.import_module(library)


def _maker(label: str, network: str) -> Any:
    """A maker whose library is imported and whose data are in memory."""
    from bench import workloads
    from bench.peers import makers

    w = workloads.network_named(network)
    _ = w.data, w.indices, w.first_weights
    _import_late(label)
    return makers("training", w, label)[label]


def _job(task: dict[str, Any]) -> dict[str, Any]:
    """All six runs of *elbows*, each cut off at its share of the budget and then scaled up."""
    from bench import workloads
    from bench.peers import makers

    label, seconds, done = task["label"], 0.0, 0
    _import_late(label)
    parts = workloads.elbows(workloads.Elbows.STEPS)
    stretches = parts[0].STEPS // parts[0].LOOK_EVERY
    ways = []
    for part in parts:
        _ = part.data, part.held_out, part.first_weights
        found = makers("training", part, label)
        if label not in found:
            found = makers("drawing", part, label)
        ways.append(found[label])
    for part, make in zip(parts, ways, strict=True):
        times = [time.perf_counter()]
        run = make()
        while len(times) <= stretches:
            run(part.LOOK_EVERY)
            for X, Y in (part.data, part.held_out):
                float(((run.outputs(X) - Y) ** 2).mean())
            times.append(time.perf_counter())
            if len(times) > 3 and times[-1] - times[1] > task["budget"] / len(parts):
                break
        first, rest = times[1] - times[0], (times[-1] - times[1]) / (len(times) - 2)
        seconds += first + rest * (stretches - 1)
        done += len(times) - 1
    whole = stretches * len(parts)
    return {"seconds": seconds, "note": "" if done == whole else f"scaled up from {done / whole:.0%} of the steps"}


def _memory(task: dict[str, Any]) -> dict[str, Any]:
    """Train, and ask for the most memory that was ever in use."""
    _maker(task["label"], task["network"])()(task["steps"])
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return {"seconds": 1024 * int(line.split()[1])}
    try:
        import resource
    except ImportError as error:
        return {"left_out": str(error)}
    return {"seconds": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)}


_TASKS = {"import": _import, "first": _first, "job": _job, "memory": _memory}


def main() -> None:
    """Do the task of the command line."""
    task = json.loads(sys.argv[1])
    try:
        answer = _TASKS[task["task"]](task)
    except Exception as error:
        if type(error).__name__ != "NoEqualError":  # its class is not imported here before imports are timed
            raise
        answer = {"left_out": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
