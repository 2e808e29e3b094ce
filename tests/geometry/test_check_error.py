"""The V of numerical gradients: its two slopes, its lowest point, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from glassgrad import errors, geometry

AT = np.array([0.4, -1.1, 0.7]), np.array([1.5, 0.3, -0.8])


def f(x, w):
    return np.sum(np.tanh(x * w) ** 2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("way", "power"), [("one-sided", 1), ("central", 2)])
def test_truncation_grows_with_its_power_and_rounding_falls_with_the_step(dtype, way, power):
    found = geometry.check_error(f, *AT, points=121)
    best, error = found.best(dtype, way)
    theory = found.theory(dtype, way)
    assert theory / 30 < best < theory * 30
    assert error < 100 * np.finfo(dtype).eps ** (power / (power + 1))
    errors_, steps = found.errors[dtype, way], found.steps
    right = (steps > 3 * theory) & (steps < 0.03)
    if right.sum() > 5:
        assert np.polyfit(np.log(steps[right]), np.log(errors_[right]), 1)[0] == pytest.approx(power, abs=0.25)
    if dtype == "float64":
        left = (steps > 1e-14) & (steps < theory / 10)
        assert np.polyfit(np.log(steps[left]), np.log(errors_[left] + 1e-18), 1)[0] == pytest.approx(-1, abs=0.3)


def test_other_arguments_and_pictures():
    by_w = geometry.check_error(f, *AT, argnum=1, seed=3)
    assert by_w.best()[1] < 1e-9
    assert len(by_w.picture().axes) == 2
    assert max(map(len, str(by_w).splitlines())) <= 80
    assert geometry.check_error(lambda x: x**3, 2.0).best()[1] < 1e-9


def test_what_has_no_relative_error_is_refused():
    with pytest.raises(errors.GradientError, match="the derivative along the direction is 0"):
        geometry.check_error(lambda x: np.sum(x * 0.0), AT[0])
    with pytest.raises(errors.OperandError, match="argnum is 2"):
        geometry.check_error(f, *AT, argnum=2)
