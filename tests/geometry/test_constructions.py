"""Networks by construction: measured errors stay below proven bounds, which are no larger than they must be."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors, geometry
from glassgrad.geometry.polylines import polyline
from glassgrad.geometry.target import Target


def broken_line(rng, low, high):
    """A random piecewise linear function, and its greatest slope."""
    knots = np.sort(rng.uniform(low, high, rng.integers(2, 30)))
    knots = np.unique(np.concatenate([[low], knots, [high]]))
    values = np.cumsum(rng.normal(size=len(knots)) * np.append(0, np.diff(knots)))
    slope = np.abs(np.diff(values) / np.diff(knots)).max()
    return lambda x: np.interp(x, knots, values), geometry.Hoelder(float(slope) * (1 + 1e-9))


def waves(rng, low, high):
    a, w, p = rng.normal(size=(3, rng.integers(1, 6)))
    w *= 20 / (high - low)
    return lambda x: np.sin(np.multiply.outer(x, w) + p) @ a, geometry.Hoelder(float(np.sum(np.abs(a * w))))


def roots(rng, low, high):
    """|x − c|^α has the modulus t^α."""
    alpha = float(rng.uniform(0.2, 0.9))
    a, c = rng.normal(size=4), rng.uniform(low, high, 4)
    return (
        lambda x: np.abs(np.subtract.outer(x, c)) ** alpha @ a,
        geometry.Hoelder(float(np.abs(a).sum()), alpha),
    )


def own_modulus(rng, low, high):
    """A wave whose modulus is said as a function, that may or may not be called concave."""
    f, known = waves(rng, low, high)
    most = 2 * float(np.abs(f(np.linspace(low, high, 5000))).max()) + known(1e-3 * (high - low))
    return f, geometry.Modulus(lambda t: np.minimum(known(t), most), concave=bool(rng.integers(2)))


def waves_2d(rng, low, high):
    a, p = rng.normal(size=(2, 4))
    w = rng.normal(size=(2, 4)) * 6 / np.max(high - low)
    return (
        lambda x, y: np.sin(np.multiply.outer(x, w[0]) + np.multiply.outer(y, w[1]) + p) @ a,
        geometry.Hoelder(float(np.sum(np.abs(a) * np.linalg.norm(w, axis=0)))),
    )


def cones_2d(rng, low, high):
    """The least and greatest of some functions s ‖x − c‖ + b are as steep as the steepest of them."""
    s, b = rng.uniform(-3, 3, 5), rng.normal(size=5)
    c = rng.uniform(low[:, None], high[:, None], (2, 5))

    def f(x, y):
        heights = s * np.hypot(np.subtract.outer(x, c[0]), np.subtract.outer(y, c[1])) + b
        return np.minimum(heights[..., :3].max(axis=-1), heights[..., 3:].max(axis=-1))

    return f, geometry.Hoelder(float(np.abs(s).max()))


def roots_2d(rng, low, high):
    alpha = float(rng.uniform(0.3, 0.9))
    a, c = rng.normal(size=3), rng.uniform(low[:, None], high[:, None], (2, 3))
    return (
        lambda x, y: np.hypot(np.subtract.outer(x, c[0]), np.subtract.outer(y, c[1])) ** alpha @ a,
        geometry.Hoelder(float(np.abs(a).sum()), alpha),
    )


ON_INTERVALS = (broken_line, waves, roots, own_modulus)
ON_RECTANGLES = (waves_2d, cones_2d, roots_2d)


def never_above(made, points):
    found = made.measure(points)
    assert found.sup <= made.sup
    assert found.l1 <= made.l1
    if made.everywhere is not None:
        x = [np.linspace(a, b, points) for a, b in zip(made.target.low, made.target.high, strict=True)]
        x = [axis.astype(made.dtype).astype(np.float64) for axis in x]
        grid = np.meshgrid(*x, indexing="ij")
        assert np.abs(made(*grid) - made.target(*grid)).max() <= made.everywhere
    return found.sup / made.sup


@pytest.mark.parametrize("block", range(4))
def test_measured_errors_on_intervals_never_pass_the_bound(block):
    """100 random functions in all, of four kinds, in both dtypes, by all three ways, far from 0 and near it."""
    shares = []
    for seed in range(25):
        rng = np.random.default_rng([block, seed])
        low = float(rng.choice([0.0, -1.0, 100.0]))
        high = low + float(rng.uniform(0.5, 8))
        f, modulus = ON_INTERVALS[block](rng, low, high)
        by = ("interpolation", "steps", "boxes")[seed % 3]
        made = geometry.constructed(
            f, low, high, modulus=modulus, n=int(rng.integers(1, 60)), by=by, ramp=float(rng.uniform(0.02, 0.9)),
            dtype=(np.float64, np.float32)[seed % 2],
        )  # fmt: skip
        shares.append(never_above(made, 1000))
    assert max(shares) > 0.15  # the bounds say something


@pytest.mark.parametrize("block", range(3))
def test_measured_errors_on_rectangles_never_pass_the_bound(block):
    """102 random functions in all."""
    shares = []
    for seed in range(34):
        rng = np.random.default_rng([10 + block, seed])
        low = rng.choice([0.0, -1.0, 20.0], 2)
        high = low + rng.uniform(0.5, 3, 2)
        f, modulus = ON_RECTANGLES[block](rng, low, high)
        made = geometry.constructed(
            f, low, high, modulus=modulus, n=rng.integers(1, 9, 2).tolist(), by=("interpolation", "boxes")[seed % 2],
            ramp=float(rng.uniform(0.02, 0.9)), dtype=(np.float64, np.float32)[seed // 2 % 2],
        )  # fmt: skip
        shares.append(never_above(made, 40))
    assert max(shares) > 0.3


@pytest.mark.parametrize("by", ["steps", "boxes"])
def test_functions_that_jump_are_bounded_outside_the_ramps(by):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        smooth, modulus = waves(rng, 0, 3)
        jumps = np.sort(rng.uniform(0.1, 2.9, 3))
        heights = rng.normal(size=4) * 3

        def f(x, jumps=jumps, heights=heights, smooth=smooth):
            return smooth(x) + heights[np.searchsorted(jumps, x)]

        made = geometry.constructed(f, 0, 3, modulus=modulus, n=40, by=by, jumps=jumps)
        never_above(made, 2000)
        assert made.everywhere is None
        with pytest.raises(errors.DataError, match="f varies more than was said"):
            geometry.constructed(f, 0, 3, modulus=modulus, n=40, by=by)


def test_a_jump_at_the_very_end_is_seen():
    with pytest.raises(errors.DataError, match="f varies more than was said"):
        geometry.constructed(lambda x: x % 1, 0, 3, lipschitz=1, jumps=[1, 2], by="steps", n=30)
    made = geometry.constructed(lambda x: x % 1, 0, 2.5, lipschitz=1, jumps=[1, 2], by="steps", n=30)
    never_above(made, 1000)


def test_without_the_check_a_wrong_constant_passes_its_bound(monkeypatch):
    """What the 200 functions show can fail: with half the constant it does."""
    monkeypatch.setattr(Target, "check", lambda self, cells: None)
    tent = geometry.constructed(lambda x: np.abs((8 * x) % 2 - 1), 0, 1, lipschitz=4, n=4)
    assert tent.measure().sup > 1.9 * tent.sup


def test_the_bounds_of_interpolation_are_attained():
    """By tents over single pieces, and by cones over the middles of diagonals."""
    tents = geometry.constructed(lambda x: np.abs((8 * x) % 2 - 1), 0, 1, lipschitz=8, n=4)
    assert tents.measure().sup == pytest.approx(tents.sup, rel=1e-9)
    cone = geometry.constructed(lambda x, y: np.hypot(x - 0.125, y - 0.125), (0, 0), (1, 1), lipschitz=1, n=4)
    assert cone.measure().sup == pytest.approx(cone.sup, rel=1e-9)
    steps = geometry.constructed(lambda x: x, 0, 1, lipschitz=1, n=4, by="steps")
    assert steps.measure().sup == pytest.approx(steps.sup, rel=1e-9)
    assert steps.l1 == pytest.approx(0.25 / 4 + 3 * 0.025 / 4 * 0.25)
    boxes = geometry.constructed(lambda x, y: (x + y) / np.sqrt(2), (0, 0), (1, 1), lipschitz=1, n=4, by="boxes")
    assert boxes.measure().sup == pytest.approx(boxes.sup, rel=1e-9)


def test_a_step_from_two_and_a_box_from_four():
    step, box = geometry.step_network(0.25, 0.125), geometry.box_network(-0.25, 0.5, 0.125)
    assert [(layer.W.value.tolist(), layer.b.value.tolist()) for layer in (step.net[0], step.net[2])] == [
        ([[1.0, 1.0]], [-0.25, -0.375]), ([[8.0], [-8.0]], [0.0]),
    ]  # fmt: skip
    assert box.net[2].W.value.ravel().tolist() == [8.0, -8.0, -8.0, 8.0]
    for made, units, l1 in ((step, 2, 0.0625), (box, 4, 0.125)):
        assert made.units == units == made.net[0].W.shape[1]
        assert made.l1 == pytest.approx(l1)
        assert made.measure().sup <= made.sup < 1e-12
        assert made.measure().l1 == pytest.approx(l1, rel=1e-3)
    x = np.linspace(-1, 1, 33)
    np.testing.assert_array_equal(step(x), np.clip((x - 0.25) * 8, 0, 1))
    np.testing.assert_array_equal(box(x), np.clip((0.375 - np.abs(x)) * 8, 0, 1))


def test_boxes_and_steps_are_the_same_function_and_boxes_need_twice_the_units():
    def f(x):
        return np.sin(5 * x)

    steps, boxes = (geometry.constructed(f, 0, 2, lipschitz=5, n=20, by=by) for by in ("steps", "boxes"))
    x = np.linspace(0, 2, 999)
    np.testing.assert_allclose(steps(x), boxes(x), atol=1e-12)
    assert (steps.units, boxes.units) == (38, 80)


def test_hats_interpolate_and_are_linear_on_triangles(rng):
    values = rng.normal(size=(5, 4))
    made = geometry.constructed(
        lambda x, y: values[np.rint(x).astype(int), np.rint(y).astype(int)], (0, 0), (4, 3), n=(4, 3),
        modulus=lambda t: 10.0 + t,
    )  # fmt: skip
    i, j = np.meshgrid(np.arange(5.0), np.arange(4.0), indexing="ij")
    np.testing.assert_allclose(made(i, j), values, atol=1e-13)
    s, t = np.sort(rng.uniform(size=(2, 50)), axis=0)
    for a, b in ((0, 0), (3, 2), (1, 2)):
        corner = values[a, b], values[a + 1, b], values[a + 1, b + 1]
        np.testing.assert_allclose(made(a + t, b + s), (1 - t) * corner[0] + (t - s) * corner[1] + s * corner[2])


def test_units_for_is_enough_and_one_cell_less_is_not():
    for by in ("interpolation", "steps", "boxes"):
        for error in (0.3, 0.07, 0.011):
            units = geometry.units_for(error, 0, 2, modulus=geometry.Hoelder(1.5, 0.7), by=by)
            made = geometry.constructed(
                lambda x: 1.5 * np.abs(x - 0.3) ** 0.7, 0, 2, modulus=geometry.Hoelder(1.5, 0.7), error=error, by=by
            )
            assert units <= made.units <= 1.004 * units  # rounding may need a few cells more
            assert made.sup <= error
            less = geometry.constructed(
                lambda x: 1.5 * np.abs(x - 0.3) ** 0.7, 0, 2, modulus=geometry.Hoelder(1.5, 0.7),
                n=made.cells[0] - 1, by=by,
            )  # fmt: skip
            assert less.sup > error * (1 - 1e-6)
    made = geometry.constructed(lambda x, y: x - y, (0, 0), (4, 1), lipschitz=np.sqrt(2), error=0.201)
    assert made.cells == (20, 5)
    assert made.units == geometry.units_for(0.201, (0, 0), (4, 1), lipschitz=np.sqrt(2))


def exactly(made, x):
    """A one-layer construction's value in rational arithmetic, from knots and values."""
    (t,), values = made.plan.marks, made.plan.values
    k = int(np.clip(np.searchsorted(t, x) - 1, 0, len(t) - 2))
    a, b, fa, fb = (Fraction(float(v)) for v in (t[k], t[k + 1], values[k], values[k + 1]))
    return fa + (fb - fa) * (Fraction(float(x)) - a) / (b - a)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_is_bounded_and_the_bound_covers_it(dtype):
    """Against rational arithmetic, where rounding is a large part of the bound in float32: 2,000 pieces."""
    made = geometry.constructed(lambda x: np.sin(40 * x), 3, 4, lipschitz=40, n=2000, dtype=dtype)
    x = np.linspace(3, 4, 4001).astype(dtype).astype(np.float64)[:: 4 if dtype is np.float64 else 1]
    off = max(abs(float(exactly(made, a)) - b) for a, b in zip(x, made(x), strict=True))
    assert 0 < off <= made.rounding
    assert (made.rounding > made.plan.sup) == (dtype is np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_machine_code_keeps_the_bound_too(dtype):
    """It adds in another order than NumPy, which the bound on rounding allows for."""
    lines = geometry.constructed(np.sin, 3, 9, lipschitz=1, n=100, dtype=dtype)
    hats = geometry.constructed(np.hypot, (-1, -1), (1, 1), lipschitz=1, n=6, dtype=dtype)
    for made in (lines, hats):
        sides = [np.linspace(a, b, 61) for a, b in zip(made.target.low, made.target.high, strict=True)]
        grid = [c.ravel().astype(dtype) for c in np.meshgrid(*sides)]
        out = gg.compile(made.net)(np.column_stack(grid))[:, 0]
        assert out.dtype == dtype
        exact = made.target(*(c.astype(np.float64) for c in grid))
        assert np.abs(out - exact).max() <= made.sup
        assert np.abs(out - made(*grid)).max() <= 2 * made.rounding


def test_an_error_that_rounding_forbids_is_refused():
    with pytest.raises(errors.DataError, match=r"use dtype=np\.float64"):
        geometry.constructed(np.sin, 0, 6, lipschitz=1, error=1e-4, dtype=np.float32)
    with pytest.raises(errors.DataError, match="closer than float32 can tell"):
        geometry.constructed(np.sin, 1000, 1001, lipschitz=1, n=20_000, dtype=np.float32)
    with pytest.raises(errors.DataError, match="take fewer"):
        geometry.constructed(lambda x, y: x, (0, 0), (1, 1), lipschitz=1, n=300)


@pytest.mark.parametrize("place", [0.5, 1 / 3, 0.123456])
def test_a_jump_anywhere_contradicts_every_constant(place):
    with pytest.raises(errors.DataError, match=r"f varies more than was said.*jumps=\[…\]") as found:
        geometry.constructed(lambda x: np.where(x > place, 1.0, 0.0), lipschitz=1e6, n=4)
    assert f"f({place - 5e-6:.5f}"[:7] in str(found.value)
    with pytest.raises(errors.DataError, match="f varies more than was said"):
        geometry.constructed(lambda x, y: np.where(x - y > place, 1.0, 0.0), (0, 0), (1, 1), lipschitz=1e4, n=4)


def test_constants_that_are_a_little_too_small_are_contradicted():
    for w in (1.0, 3.7, 50.0):
        geometry.constructed(lambda x, w=w: np.sin(w * x), 0, 2, lipschitz=w, n=5)
        with pytest.raises(errors.DataError, match="Give a greater constant"):
            geometry.constructed(lambda x, w=w: np.sin(w * x), 0, 2, lipschitz=w * 0.99, n=5)
    with pytest.raises(errors.DataError, match="allows"):
        geometry.constructed(lambda x: np.sqrt(np.abs(x - 0.7)), 0, 1, modulus=geometry.Hoelder(1, 0.6), n=5)
    with pytest.raises(errors.DataError, match="allows"):
        geometry.constructed(np.hypot, (-1, -1), (1, 1), lipschitz=0.99, n=5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "without it no bound can be proven"),
        ({"lipschitz": 1, "modulus": abs}, "given once"),
        ({"lipschitz": -1, "n": 3}, "finite and not negative"),
        ({"modulus": geometry.Modulus(lambda t: -t), "n": 3}, "not negative"),
        ({"modulus": lambda t: np.sin(9 * t) + 2, "n": 3}, "never falls"),
        ({"modulus": lambda t: 1.0, "n": 3}, "returns as many numbers"),
        ({"modulus": 3.0, "n": 3}, "modulus is a function"),
        ({"lipschitz": 1}, "give n="),
        ({"lipschitz": 1, "n": 0}, "whole number from 1"),
        ({"lipschitz": 1, "n": 2.5}, "whole number from 1"),
        ({"lipschitz": 1, "error": 0}, "positive number"),
        ({"lipschitz": 1, "error": 1e-9}, "more than 2,000,000 cells"),
        ({"lipschitz": 1, "n": 3, "by": "magic"}, "there is no construction 'magic'"),
        ({"lipschitz": 1, "n": 3, "ramp": 1.0}, "between 0 and 1"),
        ({"lipschitz": 1, "n": 3, "dtype": int}, "float32 or float64"),
        ({"lipschitz": 1, "n": 3, "low": 2}, "low has to be below high"),
        ({"lipschitz": 1, "n": 3, "low": (0, 0)}, "two pairs for a rectangle"),
        ({"lipschitz": 1, "n": 3, "jumps": [0.5]}, "a continuous network cannot jump"),
        ({"lipschitz": 1, "n": 3, "jumps": [1.5], "by": "steps"}, "jumps lie inside the interval"),
        ({"lipschitz": 1, "n": 3, "f": lambda x: 1 / (x - x)}, "f is not finite at"),
        ({"lipschitz": 1, "n": 3, "f": lambda x, y: x}, "f is called with 1 array"),
        ({"lipschitz": 1, "n": 3, "f": float}, "np.vectorize"),
        ({"lipschitz": 1, "n": 3, "f": lambda x: x[:2]}, "one number for each point"),
    ],
)
def test_mistakes_are_told(arguments, message):
    given = {"f": np.sin, **arguments}
    with np.errstate(all="ignore"), pytest.raises(errors.GlassgradError, match=message):
        geometry.constructed(given.pop("f"), **given)


def test_a_polyline_is_the_same_from_every_base(rng):
    knots, values = np.cumsum(rng.uniform(0.1, 1, 9)), rng.normal(size=9)
    x = np.linspace(-1, 12, 301)
    for base in range(9):
        hidden, out = polyline(knots, values, base)
        y = np.maximum(x[:, None] @ hidden.W + hidden.b, 0) @ out.W + out.b
        np.testing.assert_allclose(y[:, 0], np.interp(x, knots, values), atol=1e-12)


def test_it_is_told_and_shown(monkeypatch):
    monkeypatch.setattr("glassgrad.geometry.measuring._POINTS", {1: 400, 2: 40})
    for made in (
        geometry.step_network(),
        geometry.constructed(np.sin, 0, 6, lipschitz=1, n=9, by="boxes", dtype=np.float32),
        geometry.constructed(np.hypot, (0, 0), (1, 2), lipschitz=1, n=(2, 3)),
        geometry.constructed(np.hypot, (0, 0), (1, 2), lipschitz=1, n=(2, 3), by="boxes"),
    ):
        text = str(made)
        assert max(map(len, text.splitlines())) <= 80
        assert f"{made.units} ReLUs" in text
        assert made.norm in text
        assert made._repr_html_().count("data:image/png;base64,") == 1
        assert len(made.picture().axes) == (2 if made.target.dims == 1 else 6)
