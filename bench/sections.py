"""The sections of the benchmark: for each workload, whom to run, what is right, and a row of results."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import startup
from bench.fits import fit, fits
from bench.functions import functions
from bench.measure import Row, Settings, close, prepared, repeated, say, summary, timed
from bench.peers import NoEqualError, makers, ours
from bench.workloads import (
    CHECKED,
    Array,
    Elbows,
    Function,
    Network,
    Prediction,
    deepest,
    drawn_networks,
    elbows,
    named,
    predictions,
)

_RUNS = (1, 1, 1, 1, 1, 1, 9, 1, 15, 1)  # steps of the calls that are checked: one at a time, and several
_VALUE = ", value alone"


@dataclass(frozen=True)
class Item:
    """Something to measure, and whether a quick run does."""

    name: str
    family: str
    run: Callable[[Settings], list[Row]]
    brief: bool = True


def right_losses(run: Callable[[int], float], losses: Array) -> None:
    """An AssertionError unless single steps, also after longer runs, have the losses they should."""
    step = 0
    for n in _RUNS:
        loss = run(n)
        step += n
        if n == 1:
            close(loss, losses[step - 1], 1e-3 * (1 + step / 8))  # rounding grows from step to step


def train(w: Network, settings: Settings, section: str = "Training") -> list[Row]:
    """One step of a network."""
    row = Row(w.name, section, w.describe())
    losses = ours.losses(w, CHECKED)
    row.results = timed(prepared(row, makers("training", w), lambda run: right_losses(run, losses), settings), settings)
    return [row]


def predict(p: Prediction, settings: Settings) -> list[Row]:
    """One call of predict."""
    row = Row(p.name, "Prediction", f"{'-'.join(map(str, p.network.widths))}, {p.rows} row{'s' * (p.rows > 1)}")
    expected = ours.outputs(p)
    made = prepared(row, makers("prediction", p), lambda call: close(call(), expected), settings)
    row.results = timed({label: repeated(call) for label, call in made.items()}, settings)
    return [row]


def differentiate(f: Function, settings: Settings) -> list[Row]:
    """One call of a function's value and gradient; of glassgrad and JAX also its value alone, to compare the two."""
    row = Row(f.name, "Value and gradient", " ".join(str(a.shape) for a in f.arguments[: f.inputs]))
    found = makers("gradient", f)
    value, gradients = found[ours.PREFIX + "eager"]()[1]()

    def check(calls: Any) -> None:
        got, slopes = calls[1]()
        close(calls[0](), value)
        close(got, value)
        for slope, expected in zip(slopes, gradients, strict=True):
            close(slope, expected)

    made = prepared(row, found, check, settings)
    runs = {label: repeated(calls[1]) for label, calls in made.items()}
    forward = [label for label in made if label.startswith((ours.PREFIX, "JAX"))]
    runs |= {label + _VALUE: repeated(made[label][0]) for label in forward}
    results = timed(runs, settings)
    row.results = {label: results[label] for label in made}
    row.forward = {label: results[label + _VALUE].seconds for label in forward}
    return [row]


def elbow_steps(settings: Settings) -> list[Row]:
    """The steps of *elbows*: each of the six runs in turn; the time of one step, on the mean of the six."""
    parts = elbows()
    row = Row("elbows-steps", "Elbows", "1-10-1, 1-20-1, 1-40-1, output layer and all, 40: one step, mean of six")
    expected = [ours.losses(part, CHECKED) for part in parts]
    each = [makers("training", part) for part in parts]

    def maker(label: str) -> Callable[[], Any]:
        return lambda: [found[label]() for found in each]

    def check(runs: Any) -> None:
        for run, losses in zip(runs, expected, strict=True):
            right_losses(run, losses)

    made = prepared(row, {label: maker(label) for label in each[0]}, check, settings)

    def together(runs: Any) -> Callable[[int], None]:
        def run(n: int) -> None:
            for one in runs:
                one(n)

        return run

    row.results = timed({label: together(runs) for label, runs in made.items()}, settings)
    for result in row.results.values():
        result.seconds, result.low, result.high = (x / len(parts) for x in (result.seconds, result.low, result.high))
    return [row]


def elbow_job(settings: Settings) -> list[Row]:
    """The whole job of *elbows*, each time in a new process with empty caches; imports are not counted."""
    row = Row("elbows-job", "Elbows", f"all six runs of {Elbows.STEPS:,} steps, a look every {Elbows.LOOK_EVERY:,}")
    labels = [label for label in makers("training", elbows()[0]) if label not in settings.without]
    row.left_out |= {label: why for label, why in settings.without.items() if label not in labels}
    with contextlib.suppress(ImportError):
        from bench.peers import jax_peer

        labels.append(jax_peer.DRAWING)
        labels.remove(jax_peer.STEP)
    _children(row, labels, settings, lambda label: {"task": "job", "label": label, "budget": settings.job})
    return [row]


def _children(row: Row, labels: list[str], settings: Settings, task: Callable[[str], dict[str, Any]]) -> None:
    """Time something in new processes, in turn."""
    seconds: dict[str, list[float]] = {}
    notes: dict[str, str] = {}
    for _ in range(settings.starts):
        for label in [name for name in labels if name not in row.failed and name not in row.left_out]:
            try:
                with startup.caches() as where:
                    answer = startup.child(task(label), where)
            except NoEqualError as error:
                row.left_out[label] = str(error)
            except startup.ChildError as error:
                row.failed[label] = str(error)
            else:
                seconds.setdefault(label, []).append(answer["seconds"])
                notes[label] = answer.get("note", "")
    row.results = {label: summary(found, note=notes[label]) for label, found in seconds.items()}


def imports(settings: Settings) -> list[Row]:
    """What importing costs, each in a new process."""
    row = Row("import", "Import", "a new process, until the import is done")
    modules = {
        "glassgrad": "glassgrad", "glassgrad.train": "glassgrad.train", "NumPy": "numpy", "PyTorch": "torch",
        "JAX": "jax", "scikit-learn": "sklearn.neural_network",
    }  # fmt: skip
    _children(row, list(modules), settings, lambda label: {"task": "import", "module": modules[label]})
    return [row]


def first_step(w: Network, settings: Settings) -> list[Row]:
    """From data in memory to the end of the first step: with empty caches, and in a second process."""
    rows = [Row(f"first-{w.name}-{what}", "First step", f"{w.describe()}: {what}") for what in ("cold", "disk")]
    found = makers("training", w)
    labels = [label for label in found if label.startswith(ours.PREFIX) or label in ("JAX loop", "torch.compile")]
    for row in rows:
        row.left_out |= {label: settings.without[label] for label in labels if label in settings.without}
    seconds: dict[str, list[list[float]]] = {}
    for _ in range(settings.starts):
        for label in [name for name in labels if name not in rows[0].left_out | rows[0].failed]:
            task = {"task": "first", "label": label, "network": w.name}
            try:
                with startup.caches() as where:
                    times = [startup.child(task, where)["seconds"] for _ in rows]
            except NoEqualError as error:
                rows[0].left_out[label] = rows[1].left_out[label] = str(error)
            except startup.ChildError as error:
                rows[0].failed[label] = rows[1].failed[label] = str(error)
            else:
                seconds.setdefault(label, []).append(times)
    for i, row in enumerate(rows):
        row.results = {label: summary([times[i] for times in found]) for label, found in seconds.items()}
    return rows


def memory(settings: Settings) -> list[Row]:
    """The peak memory of a process that trains *mnist*; the unit is bytes."""
    row = Row("memory-mnist", "Memory", "peak of a process that trains mnist, imports included")
    labels = [x for x in makers("training", named()[-1]) if x not in settings.without and x != "JAX step"]
    task = {"task": "memory", "network": "mnist-sgd", "steps": 20}
    _children(row, labels, settings, lambda label: task | {"label": label})
    return [row]


def items() -> Iterator[Item]:
    """Everything there is to measure."""
    for w in named():
        brief = w.optimizer == "sgd" or w.family in ("xor", "mnist")
        yield Item(w.name, w.family, lambda s, w=w: train(w, s), brief)
    yield Item("elbows-steps", "elbows", elbow_steps)
    yield Item("elbows-job", "elbows", elbow_job)
    for i, w in enumerate(drawn_networks()):
        yield Item(w.name, w.family, lambda s, w=w: train(w, s, "Networks drawn at random"), i < 3)
    for p in predictions():
        yield Item(p.name, "predict", lambda s, p=p: predict(p, s))
    for f in functions():
        yield Item(f.name, "functions", lambda s, f=f: differentiate(f, s))
    for work in fits():
        yield Item(work.name, "fits", lambda s, work=work: fit(work, s), not work.slow)
    yield Item("import", "start-up", imports)
    for w in [*(w for w in named() if w.optimizer == "sgd"), elbows()[-1], deepest()]:
        brief = w.family in ("xor", "drawn")
        yield Item(f"first-{w.name}", "start-up", lambda s, w=w: first_step(w, s), brief)
    yield Item("memory-mnist", "memory", memory, False)


def measure(chosen: list[Item], settings: Settings) -> tuple[list[Row], list[str]]:
    """Measure the items one after another; the rows, and the names of those for which no time was left."""
    rows: list[Row] = []
    begun = time.perf_counter()
    for i, item in enumerate(chosen):
        started = time.perf_counter()
        if started - begun > settings.limit:
            return rows, [left.name for left in chosen[i:]]
        rows += item.run(settings)
        say(f"[{i + 1}/{len(chosen)}] {item.name}, {time.perf_counter() - started:.1f} s")
        for label, why in rows[-1].failed.items():
            say(f"    {label}: {why}")
    return rows, []
