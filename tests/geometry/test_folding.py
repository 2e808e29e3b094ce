"""Bounds on the number of regions, and the network that folds space until it has as many as the formula says."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors
from glassgrad.geometry import bounds, fold, folding, regions, serra, zaslavsky


def serra_by_its_definition(widths, inputs):
    """Σ over all (j_1, …, j_L) in J, one by one."""
    total = 0
    for js in itertools.product(*(range(n + 1) for n in widths)):
        room = inputs
        for n, j in zip(widths, js, strict=True):
            if j > min(room, n):
                break
            room = min(room, n - j)
        else:
            total += math.prod(math.comb(n, j) for n, j in zip(widths, js, strict=True))
    return total


def test_the_bound_of_serra_is_the_sum_that_it_is_defined_as(rng):
    for _ in range(60):
        widths, inputs = rng.integers(1, 6, rng.integers(1, 5)).tolist(), int(rng.integers(1, 6))
        known = bounds(widths, inputs)
        assert known.sharper == serra_by_its_definition(widths, inputs)
        assert known.sharper <= known.product
        if known.attained is not None:
            assert known.attained <= known.upper


def test_bounds_of_one_layer_are_zaslavskys():
    assert zaslavsky(4, 2) == 11
    assert zaslavsky(3, 5) == 2**3  # more inputs than units: all patterns
    assert zaslavsky(3, 1, pieces=3) == 7  # three HardTanh units: six breakpoints
    known = bounds([7], 3)
    assert known.product == known.sharper == known.attained == 1 + 7 + 21 + 35


def test_in_one_dimension_the_bound_is_the_product_of_widths_plus_one():
    assert serra([3, 4, 5], 1) == 4 * 5 * 6


@pytest.mark.parametrize("inputs", [1, 2])
def test_folding_attains_the_formula(inputs):
    for widths in [(3,), (5,), (2, 3), (3, 3), (5, 4), (4, 4, 3), (6, 5, 4), (4, 4, 4, 3), (2, 2, 3)]:
        made = folding(widths, inputs)
        formula = math.prod((n // inputs) ** inputs for n in widths[:-1]) * zaslavsky(widths[-1], inputs)
        found = regions(made.net, 0, 1)
        assert made.activation == made.linear == formula == bounds(widths, inputs).attained
        assert (found.activation, found.linear) == (formula, formula)
        assert found.activation <= found.bound <= bounds(widths, inputs).upper


def test_few_cuts_leave_regions_where_all_are_off_which_merge_across_folds():
    made = folding([4, 2], 2)
    found = regions(made.net, 0, 1)
    assert made.linear is None
    assert found.activation == made.activation == 16
    assert found.linear < 16


def test_the_folding_network_folds(rng):
    """What the second hidden layer is handed is the point folded by a zigzag written independently."""
    made = folding([6, 5, 3], 2)
    x = rng.uniform(0, 1, (50, 2))
    hidden = np.asarray(made.net[:2](x).value)
    p = 3
    signs = np.array([1.0, -2.0, 2.0])
    units = np.column_stack([hidden[:, :p] @ signs, hidden[:, p:] @ signs])
    np.testing.assert_allclose(units, made.folded(x, 1), atol=1e-12)
    np.testing.assert_allclose(fold(x, p), np.abs((p * x + 1) % 2 - 1), atol=1e-12)
    np.testing.assert_allclose(made.folded(x, 2), fold(fold(x, 3), 2), atol=1e-12)


def test_float32_counts_the_same():
    made = folding([6, 6, 4], 2, dtype=np.float32)
    assert made.net[0].W.dtype == np.float32
    assert regions(made.net, 0, 1).linear == made.activation == 9 * 9 * 11


def test_three_inputs_fold_too():
    """On a plane through the cube the network has as many regions as its own function changes slope."""
    made = folding([6, 4], 3)
    assert made.activation == 8 * zaslavsky(4, 3)
    plane = gg.geometry.plane_regions(made.net, [0, 0, 0], [1, 0, 0.3], [0, 1, 0.6], 0, 1)
    assert 8 < plane.linear <= plane.bound


def test_the_formula_of_the_slides_is_too_large():
    """O(C(n, d)^(d(l−1)) nᵈ) of the slides passes the upper bound; ((n/d)^((l−1)d) nᵈ) is what they mean."""
    n, d, layers = 6, 2, 3
    printed = math.comb(n, d) ** (d * (layers - 1)) * n**d
    right = (n / d) ** ((layers - 1) * d) * n**d
    known = bounds([n] * layers, d)
    assert printed > known.upper
    assert known.attained <= right <= known.upper
    assert regions(folding([n] * layers, d).net, 0, 1).linear == known.attained


def test_what_is_no_network_is_refused():
    with pytest.raises(errors.DataError, match="at least 2 units in every hidden layer but the last"):
        folding([1, 4], 2)
    with pytest.raises(errors.DataError, match="a width is at least 1, and is 0"):
        bounds([3, 0], 2)
    with pytest.raises(errors.OperandError, match="inputs is a whole number"):
        bounds([3], 1.5)
    with pytest.raises(errors.DataError, match="pieces is at least 2"):
        bounds([3], 1, pieces=1)
