"""Networks that learn beside networks that are made: error against width, and width against depth."""

from __future__ import annotations

import numpy as np
import pytest

from glassgrad import errors, geometry
from glassgrad.geometry.depths import sawtooth
from glassgrad.geometry.students import learned, parameters, student, widest
from glassgrad.geometry.target import Target


def bumpy(x):
    return np.sin(3 * x) + 0.5 * np.abs(x - 1)


@pytest.fixture(scope="module")
def widths():
    return geometry.width_study(bumpy, 0, 4, lipschitz=3.5, widths=(2, 8, 64), seeds=3)


def test_made_networks_keep_their_bounds_and_wider_ones_learn_better(widths):
    assert np.isnan(widths.bounds[0])  # two ReLUs are used up by the ends
    assert [made.units for made in widths.made[1:]] == [8, 64]
    assert (widths.constructed[1:] <= widths.bounds[1:]).all()
    median = np.median(widths.learned, axis=1)
    assert widths.learned.shape == (3, 3)
    assert median[2] < 0.2 < median[1] < median[0]
    assert len({*widths.learned[1]}) == 3  # each seed is another network


def test_learned_networks_are_functions_of_the_given_scale():
    """Scaling in training is undone in the weights."""
    far = Target(lambda x: 1000 * bumpy(x - 70) - 5000, np.array([70.0]), np.array([74.0]), geometry.Hoelder(3500.0))
    near = Target(bumpy, np.array([0.0]), np.array([4.0]), geometry.Hoelder(3.5))
    x = np.linspace(0, 4, 101)
    a, b = (learned(t, 16, 2000, 0.01, seed=1)(x + shift) for t, shift in ((far, 70), (near, 0)))
    np.testing.assert_allclose((a + 5000) / 1000, b, atol=0.02)


def test_rectangles_have_studies_too():
    study = geometry.width_study(np.hypot, (-1, -1), (1, 1), lipschitz=1, widths=(7, 92), seeds=1, steps=2000)
    assert study.made[0] is None
    assert study.made[1].cells == (7, 7)
    assert study.constructed[1] <= study.bounds[1]
    assert study.learned[1, 0] < 0.2
    assert len(study.picture().axes) == 1


def test_parameters_are_counted_and_budgets_kept():
    for inputs, outputs, budget in ((1, 1, 300), (64, 10, 2000)):
        for depth in (1, 2, 3, 4):
            width = widest(inputs, depth, outputs, budget)
            assert student(inputs, width, depth, outputs).count() == parameters(inputs, width, depth, outputs) <= budget
            assert parameters(inputs, width + 1, depth, outputs) > budget


@pytest.fixture(scope="module")
def depths():
    return geometry.depth_study("sawtooth", (1, 4), (600,), seeds=3, rates=(0.003,))


def test_depth_does_on_the_sawtooth_what_width_does_not(depths):
    flat, deep = depths.shapes
    assert (flat.parameters, deep.parameters) == (598, 586)
    assert np.median(deep.errors) < 0.05 < np.median(flat.errors)
    wider = geometry.depth_study("sawtooth", (1,), (1200,), seeds=2, rates=(0.003,)).shapes[0]
    assert wider.errors.min() > np.median(deep.errors)


def test_the_rate_with_the_lower_median_is_shown():
    study = geometry.depth_study("sawtooth", (1,), (100,), seeds=2, steps=300, rates=(1e-6, 0.01))
    assert study.shapes[0].rate == 0.01


def test_depth_does_not_help_on_the_digits():
    flat, deep = geometry.depth_study("digits", (1, 4), (1000,), seeds=3, steps=1500).shapes
    assert np.median(flat.errors) < np.median(deep.errors)
    assert np.median(flat.errors) < 0.08


def test_the_folded_sawtooth_is_exact_and_too_narrow_layers_are_half_off(rng):
    folded = geometry.folded_sawtooth(6)
    x = np.arange(2**12 + 1) / 2**12
    np.testing.assert_array_equal(folded(x), sawtooth(x, 64))
    assert (folded.units, folded.net.count()) == (12, 4 + 6 * 5 + 3)
    assert folded.measure().sup <= folded.sup < 1e-8
    best = []  # of polylines with 15 pieces: none comes nearer than ½ to 16 pieces
    ends = np.linspace(0, 1, 17)
    for _ in range(300):
        knots = np.sort(np.concatenate([[0, 1], rng.choice(ends[1:-1], 14, replace=False)]))
        off = np.interp(ends, knots, sawtooth(knots, 16)) - sawtooth(ends, 16)
        best.append(np.abs(off).max())
    assert min(best) >= 0.5


def test_studies_are_told_and_shown(widths, depths):
    for study, panels in ((widths, 2), (depths, 1)):
        assert max(map(len, str(study).splitlines())) <= 80
        assert study._repr_html_().count("data:image/png;base64,") == 1
        assert len(study.picture().axes) == panels
    assert f"{np.median(depths.shapes[0].errors):.4g}" in str(depths)
    assert f"{widths.bounds[2]:.4g}" in str(widths)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: geometry.depth_study("xor"), "there is no task 'xor'"),
        (lambda: geometry.depth_study("digits", budgets=(50,)), "50 parameters are too few for 1 hidden layers on 64"),
        (lambda: geometry.depth_study(seeds=0), "seeds"),
        (lambda: geometry.depth_study(steps=-1), "steps"),
        (lambda: geometry.width_study(np.sin, lipschitz=1, widths=()), "at least one"),
        (lambda: geometry.width_study(np.sin, lipschitz=1, widths=(0,)), "widths"),
        (lambda: geometry.width_study(np.sign, -1, 1, lipschitz=1), "f varies more"),
        (lambda: geometry.folded_sawtooth(0), "folds"),
        (lambda: geometry.folded_sawtooth(21), "at most 20"),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(errors.GlassgradError, match=message):
        call()
