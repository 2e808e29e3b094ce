"""Schedules of the learning rate, on numbers and on wires."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import optim

SCHEDULES = {
    "step": (optim.StepDecay(0.4, every=3, factor=0.5), lambda t: 0.4 * 0.5 ** (t // 3)),
    "cosine": (
        optim.Cosine(0.4, steps=8, floor=0.1),
        lambda t: 0.1 + 0.15 * (1 + np.cos(np.pi * min(t, 8) / 8)),
    ),
    "warm-up": (optim.WarmUp(4, 0.4), lambda t: 0.4 * min(1, (t + 1) / 4)),
    "warm-up, then cosine": (
        optim.WarmUp(4, optim.Cosine(0.4, steps=8)),
        lambda t: 0.4 * min(1, (t + 1) / 4) * 0.5 * (1 + np.cos(np.pi * min(max(t - 4, 0), 8) / 8)),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_values(name):
    schedule, expected = SCHEDULES[name]
    graph = gg.trace(schedule, np.array(0), values=False).verify()
    for t in range(15):
        for step in (t, np.int64(t), np.array(t)):
            np.testing.assert_allclose(schedule(step), expected(t), rtol=1e-14, atol=1e-16)
        np.testing.assert_allclose(graph.run(np.array(t))[0], expected(t), rtol=1e-14, atol=1e-16)


def test_a_function_is_a_schedule():
    p, _ = optim.SGD(lambda step: 1.0 / (step + 1)).update(np.array([1.0]), np.array([1.0]), (), 3)
    assert p.item() == 0.75
