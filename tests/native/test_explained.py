"""What is said of a compiled program: every gate in one kernel, its work, and honest shares of the peak."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.costs import work_of
from glassgrad.native.explained import Kernel, gates_of, kernels
from glassgrad.native.plan import Plan
from glassgrad.native.target import host, named


def network(W: Any, V: Any, X: Any, y: Any) -> Any:
    return np.mean((np.maximum(X @ W, 0) @ V - y) ** 2)


def compiled(dtype: Any = np.float32) -> Any:
    fast = gg.compile(gg.value_and_grad(network, argnums=(0, 1)))
    fast(*[np.ones(shape, dtype) for shape in ((48, 32), (32, 8), (64, 48), (64, 8))])
    return fast


def test_every_gate_that_computes_is_in_one_kernel() -> None:
    program = compiled().programs[0]
    held = [g.serial for kernel in kernels(program.plan) for g in kernel.gates]
    assert len(held) == len(set(held))
    views = {"reshape", "transpose", "broadcast_to", "slice", "identity", "stop_gradient"}
    assert {g.serial for g in program.graph.gates if g.op.name not in views} == set(held)
    assert sum(k.flops for k in kernels(program.plan)) == work_of(program.graph).flops


def test_steps_of_any_kind_are_read_by_what_they_hold() -> None:
    a, b, c = (gg.tensor(2.0, "a") * k for k in (2, 3, 4))

    @dataclass
    class Inner:
        gates: list[Any] = field(default_factory=list)

    @dataclass
    class Outer:
        gate: Any
        then: Inner | None
        stored: list[Any]

    step: Any = Outer(b, Inner([a, c]), [c])
    assert [g.serial for g in gates_of(step)] == [a.serial, b.serial, c.serial]
    alone: Any = Outer(b, None, [])
    assert gates_of(alone) == [b]


def test_bytes_count_what_is_repeated_once() -> None:
    a, b = gg.trace(lambda x, y: x + y, np.ones((10, 4)), np.ones(4), values=False).inputs
    (kernel,) = kernels(Plan(gg.Graph([a + b], [a, b])))
    assert (kernel.flops, kernel.bytes) == (40, 8 * (40 + 4 + 40))


def test_the_text_is_a_table_of_80_columns_that_adds_up() -> None:
    fast = compiled()
    text = fast.explain()
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [re.match(r" *(\d+)  .* ([\d,]+) +([\d,]+) +(\d+%|–)$", line) for line in lines]
    found = [[int(n.replace(",", "")) for n in row.groups()[:3]] for row in rows if row]
    (total,) = [line.split()[1:] for line in lines if line.strip().startswith("all ")]
    assert [f"{sum(row[i] for row in found):,}" for i in (1, 2)] == total
    assert [row[0] for row in found] == list(range(len(fast.programs[0].plan.steps)))
    (arena,) = re.findall(r"these ([\d,]+) in the arena", text)
    assert int(arena.replace(",", "")) == fast.programs[0].plan.arena
    predicted = float(re.findall(r"at most ([\d.]+)% of peak", text)[0])
    measured = float(re.findall(r"included, ([\d.]+)% of peak", text)[0])
    assert 0 < predicted <= 100
    assert 0 < measured < 120
    assert "in float32 on one thread" in text
    assert "in float64" in compiled(np.float64).explain()


def test_more_memory_and_narrower_vectors_lower_what_is_predicted() -> None:
    target, small = named("x86-64-avx512"), named("x86-64-sse2")
    kernel = Kernel("loop", [], 1000, 8000, call=False)
    times = [kernel.seconds(target, 1e9, "float32", room) for room in (1 << 10, 1 << 18, 1 << 30)]
    assert times == sorted(times)
    assert times[0] < times[2]
    assert target.flops_per_cycle("float32") == 2 * target.flops_per_cycle("float64") == 64
    assert small.flops_per_cycle("float32") == 8
    assert host().bytes_per_cycle(1) >= host().bytes_per_cycle(1 << 40) > 0


def test_what_fails_on_ones_is_not_measured_and_calls_are_named() -> None:
    fast = gg.compile(lambda a: np.linalg.inv(a) @ np.exp(a))
    fast(np.eye(4))
    text = fast.explain()
    assert re.search(r"^\d+ gates in \d+ kernels? and 1 call of NumPy$", text, re.MULTILINE)
    assert re.search(r"call of NumPy: inv -> inv_1 .* –$", text, re.MULTILINE)
    assert "measured   nothing: on ones it fails with LinAlgError" in text
    with pytest.raises(TypeError, match="nothing is compiled yet"):
        gg.compile(np.exp).explain()
