"""Pictures of regions show what was counted."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors, nn
from glassgrad.geometry import RegionWatch, decision_regions, folding, line_regions, region_plots, regions
from glassgrad.geometry.exact import neighbours


@pytest.fixture
def net(rng):
    made = nn.Sequential(nn.Linear(2, 10), nn.ReLU(), nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 1)).initialise(0)
    for p in made.parameters():
        if p.ndim == 1:
            p.value = rng.normal(0, 0.4, p.shape).astype(np.float32)
    return made


def test_every_region_is_drawn_and_neighbours_differ(net):
    found = regions(net, -2, 2)
    polygons, *lines = found.picture().axes[0].collections
    assert len(polygons.get_paths()) == found.activation
    assert len(lines) == 2  # a colour for each hidden layer
    shapes, labels = [cell.shape for cell in found.cells], [cell.region for cell in found.cells]
    tints = region_plots.tints(shapes, labels)
    pairs = [(i, j) for i, j in neighbours(shapes) if labels[i] != labels[j]]
    assert len(pairs) > found.linear
    assert [(i, j) for i, j in pairs if tints[i] == tints[j]] == []


def test_a_line_between_two_digits_has_a_tick_for_each_bend_and_the_digits_below():
    X, _ = gg.data.digits()
    found = line_regions(nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10)).initialise(0), X[0], X[1])
    curves, strip = found.picture().axes
    assert len(curves.lines) == 10 + found.activation - 1
    assert strip.images[0].get_array().shape == (8, 9 * 9 - 1)


def test_the_boundary_of_a_decision_is_where_the_output_is_zero(net):
    found = decision_regions(net, -2, 2)
    made = found.picture(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1]))
    boundary = made.axes[0].collections[-1].get_segments()
    assert len(boundary) > 5
    points = np.array([point for ends in boundary for point in (*ends, ends.mean(axis=0))], np.float32)
    assert np.abs(net(points).value).max() < 1e-5
    assert found._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("inputs", [1, 2])
def test_a_folding_is_drawn_before_and_after_each_fold(inputs):
    made = folding([4, 4, 3], inputs)
    axes = made.picture().axes
    assert len(axes) == 3
    assert [axis.get_title(loc="left") for axis in axes] == ["the input", "after one fold", "after 2 folds"]
    assert f"{made.activation:,} regions" in axes[0].get_xlabel()


def test_regions_are_watched_while_a_network_learns(net):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (80, 2)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.float32)[:, None]
    before = regions(net, -1, 1).linear
    watch = RegionWatch(lambda part: regions(part, -1, 1), every=4)
    with pytest.raises(errors.DataError, match="nothing was counted yet"):
        watch.picture()
    trainer = gg.train.Trainer(net, gg.distributions.Bernoulli(), gg.optim.Adam(0.02), engine="numpy")
    trainer.fit(X, y, epochs=10, callbacks=[watch])
    assert watch.epochs == [0, 4, 8, 10]
    assert watch.found[0].linear == before
    assert watch.found[-1].linear == regions(net, -1, 1).linear != before
    assert len(str(watch).splitlines()) == 5
    assert len(watch.picture(most=3).axes) == 4
    with pytest.raises(errors.DataError, match="every is a whole number"):
        RegionWatch(lambda part: regions(part), every=0)
