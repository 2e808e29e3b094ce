"""Decision regions: half-planes from one unit, convex polygons from two layers, unions from three; exactly."""

from __future__ import annotations

import numpy as np
import pytest

from glassgrad import errors, nn
from glassgrad.geometry import decision_regions, half_plane, polygon_network, union_network

SQUARE = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
TRIANGLE = [(0.25, 0.25), (0.75, 0.25), (0.5, 0.875)]
ABOVE = [(0.25, 0.75), (0.75, 0.75), (0.5, 1.375)]


def inside(points, corners):
    """Which points are inside a polygon: by how often a ray to the right meets its sides."""
    x, y = points.T
    odd = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        meets = (y0 > y) != (y1 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            odd ^= meets & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return odd


def polygon(rng, n):
    """Corners on an ellipse, in order."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, n))
    around = np.column_stack([np.cos(angles), np.sin(angles)]) * rng.uniform(0.2, 0.6, 2)
    return around + rng.uniform(-0.4, 0.4, 2)


def test_one_unit_is_a_half_plane():
    found = decision_regions(half_plane([1.0, 0.0], -0.5))
    (part,) = found.of(1)
    assert part.convex
    assert part.size == 1.0
    assert found.share(1) == 0.25


def test_two_layers_are_a_convex_polygon_with_the_given_corners(rng):
    for n in range(3, 9):
        corners = polygon(rng, n)
        for way in (corners, corners[::-1]):
            net = polygon_network(way)
            points = rng.uniform(-1, 1, (3000, 2))
            np.testing.assert_array_equal(net(points).value[:, 0] > 0, inside(points, corners))
        found = decision_regions(net, -1.2, 1.2)
        (part,) = found.of(1)
        assert part.convex
        x, y = corners.T
        area = np.abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
        np.testing.assert_allclose(part.size, area, rtol=1e-12)
        assert not found.of(0)[0].convex


def test_three_layers_are_a_union():
    apart = decision_regions(union_network([SQUARE, ABOVE]), -1, 2)
    assert [part.convex for part in apart.of(1)] == [True, True]
    assert [part.size for part in apart.of(1)] == [1.0, 0.15625]
    joined = decision_regions(union_network([SQUARE, TRIANGLE]))
    (part,) = joined.of(1)
    assert not part.convex
    ring = decision_regions(union_network([
        [(-0.75, 0.5), (0.75, 0.5), (0.75, 0.75), (-0.75, 0.75)], [(-0.75, -0.75), (0.75, -0.75), (0.75, -0.5),
        (-0.75, -0.5)], [(-0.75, -0.75), (-0.5, -0.75), (-0.5, 0.75), (-0.75, 0.75)], [(0.5, -0.75), (0.75, -0.75),
        (0.75, 0.75), (0.5, 0.75)],
    ]))  # fmt: skip
    assert len(ring.of(1)) == 1
    assert len(ring.of(0)) == 2  # outside, and the hole
    assert ring.of(1)[0].size == 1.25


def test_unions_of_random_polygons_are_what_the_point_test_says(rng):
    for _ in range(5):
        polygons = [polygon(rng, int(rng.integers(3, 7))) for _ in range(3)]
        points = rng.uniform(-1, 1, (3000, 2))
        wanted = np.any([inside(points, corners) for corners in polygons], axis=0)
        np.testing.assert_array_equal(union_network(polygons)(points).value[:, 0] > 0, wanted)


def test_relu_polygons_contain_theirs_and_stay_within_the_margin():
    margin = 0.01
    net = polygon_network(SQUARE, units="relu", margin=margin)
    grown = decision_regions(net)
    (part,) = grown.of(1)
    assert part.convex
    assert 1.0 < part.size <= (1 + 2 * margin) ** 2
    np.testing.assert_allclose(net(np.array([[0.5, 0.5], [0.0, 0.0], [0.5 + margin, 0.0]])).value.ravel(), [1, 1, 0])
    both = decision_regions(union_network([SQUARE, ABOVE], units="relu", margin=1e-4), -1, 2)
    assert len(both.of(1)) == 2
    assert abs(both.share(1) - 1.15625 / 9) < 1e-3


def test_the_box_is_shared_out_and_the_network_agrees(rng):
    for outputs in (1, 3):
        net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, outputs)).initialise(4)
        found = decision_regions(net, -2, 2)
        assert sum(part.size for part in found.parts) == pytest.approx(16, abs=1e-12)
        for part in found.parts:
            for cell in part.cells:
                out = net(cell.corners.mean(axis=0)[None].astype(np.float32)).value[0]
                assert part.label == (int(out[0] > 0) if outputs == 1 else int(out.argmax()))


def test_an_estimators_classes_are_named():
    from glassgrad.estimators import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 2))
    y = np.array(["ash", "beech", "oak"])[np.argmax(X @ [[1, -1, 0], [0, 0.5, 1]], axis=1)]
    model = LogisticRegression().fit(X, y)
    found = decision_regions(model, -3, 3)
    assert found.labels == ("ash", "beech", "oak")
    assert all(part.convex for part in found.parts)  # a linear classifier's classes are convex
    centres = np.array([part.cells[0].corners.mean(axis=0) for part in found.parts])
    assert model.predict(centres).tolist() == [part.label for part in found.parts]


def test_what_is_no_polygon_is_refused():
    with pytest.raises(errors.DataError, match="not convex"):
        polygon_network([(0, 0), (2, 0), (0.5, 0.5), (0, 2)])
    star = [(np.cos(4 * np.pi * k / 5), np.sin(4 * np.pi * k / 5)) for k in range(5)]
    with pytest.raises(errors.DataError, match="not convex"):
        polygon_network(star)
    with pytest.raises(errors.ShapeError, match="polygon 1 has three corners or more"):
        union_network([SQUARE, [(0, 0), (1, 1)]])
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'relu'"):
        polygon_network(SQUARE, units="rellu")
    with pytest.raises(errors.DataError, match="margin is a positive number"):
        polygon_network(SQUARE, units="relu", margin=0)
    with pytest.raises(errors.DataError, match="there is no polygon"):
        union_network([])
    with pytest.raises(errors.DataError, match="not zero"):
        half_plane([0.0, 0.0])
    with pytest.raises(errors.ShapeError, match="one or two inputs"):
        decision_regions(nn.Sequential(nn.Linear(3, 1)))
