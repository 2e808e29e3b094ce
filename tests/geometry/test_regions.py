"""Regions are counted exactly: against brute force over all patterns, linear programmes, and the network itself."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors, nn
from glassgrad.geometry import bounds, line_regions, plane_regions, regions

TINY = 1e-9

# Brute force: every pattern of states on paper is written as inequalities, and kept where its corners span something.


def widths_of(net):
    return [layer.n_out for layer in net if isinstance(layer, nn.Linear)]


def states_of(unit, width):
    """All states that the units of one layer can have, one a row."""
    pieces = {nn.HardTanh: 3, nn.Maxout: getattr(unit, "pieces", 0)}.get(type(unit), 2)
    groups = width // unit.pieces if isinstance(unit, nn.Maxout) else width
    return np.array(list(itertools.product(range(pieces), repeat=groups)), int).reshape(-1, groups)


def through(unit, z, s):
    """Inequalities ≥ 0 and outputs of units in states s; z has shape (patterns, units, d + 1)."""
    one = np.zeros(z.shape[-1])
    one[-1] = 1.0
    if isinstance(unit, nn.Maxout):
        groups = z.reshape(len(z), -1, unit.pieces, z.shape[-1])
        best = np.take_along_axis(groups, s[:, :, None, None], axis=2)
        gaps = best - groups
        earlier = np.arange(unit.pieces) < s[:, :, None]  # the first of equals is the largest
        tied = (np.abs(gaps) < TINY).all(axis=-1) & earlier
        gaps[tied] = -one
        own = np.arange(unit.pieces) == s[:, :, None]
        gaps[own] = one
        return gaps.reshape(len(z), -1, z.shape[-1]), best[:, :, 0]
    if isinstance(unit, nn.HardTanh):
        low, high = unit.low * one, unit.high * one
        below, above = z - low, z - high
        picked = s[..., None]
        first = np.where(picked == 0, -below, below)
        second = np.where(picked == 2, above, -above)
        out = np.where(picked == 0, low, np.where(picked == 2, high, z))
        return np.concatenate([first, second], axis=1), out
    on = s[..., None] == 1
    never = (np.abs(z) < TINY).all(axis=-1, keepdims=True) & on  # a unit that is zero everywhere is off
    slope = {nn.ReLU: 0.0, nn.AbsoluteValue: -1.0, nn.LeakyReLU: getattr(unit, "slope", 0.0)}
    below = slope[type(unit)] if type(unit) in slope else unit.a.value[:, None]
    return np.where(never, -one, np.where(on, z, -z)), np.where(on, z, below * z)


def on_paper(net, low, high):
    """Inequalities, map and states of all patterns."""
    d = len(low)
    layers = list(net)
    widths = widths_of(net)
    hidden = [states_of(unit, width) for unit, width in zip(layers[1::2], widths, strict=False)]
    choice = np.array(list(itertools.product(*(range(len(s)) for s in hidden))), int)
    forms = np.broadcast_to(np.eye(d, d + 1), (len(choice), d, d + 1))
    walls = []
    for k in range(d):
        wall = np.zeros((2, d + 1))
        wall[:, k], wall[:, -1] = (1, -1), (-low[k], high[k])
        walls.append(wall)
    rows = [np.broadcast_to(np.vstack(walls), (len(choice), 2 * d, d + 1))]
    for i, layer in enumerate(layers):
        if i % 2 == 0:
            forms = np.einsum("pid,ij->pjd", forms, np.asarray(layer.W.value, float))
            forms = forms.copy()
            forms[..., -1] += layer.b.value
        else:
            more, forms = through(layer, forms, hidden[i // 2][choice[:, i // 2]])
            rows.append(more)
    states = [tuple(tuple(hidden[k][c[k]].tolist()) for k in range(len(hidden))) for c in choice]
    return np.concatenate(rows, axis=1), forms, states


def corners(rows):
    """For each set of inequalities the crossings of two that satisfy all, nan elsewhere: (sets, pairs, d)."""
    d = rows.shape[-1] - 1
    size = np.linalg.norm(rows[..., :-1], axis=-1, keepdims=True)
    rows = rows / np.where(size > TINY, size, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if d == 1:
            points = -rows[..., 1:] / rows[..., :1]
        else:
            i, j = np.triu_indices(rows.shape[1], 1)
            points = np.cross(rows[:, i], rows[:, j])
            points = points[..., :2] / np.where(np.abs(points[..., 2:]) > TINY, points[..., 2:], np.nan)
    values = np.einsum("pkd,pmd->pkm", np.nan_to_num(points, nan=1e9), rows[..., :-1]) + rows[:, None, :, -1]
    good = (values > -TINY).all(axis=-1) & np.isfinite(points).all(axis=-1)
    return np.where(good[..., None], points, np.nan)


def spread(points):
    """How many dimensions the points span."""
    points = points[~np.isnan(points).any(axis=1)]
    if len(points) < 2:
        return 0
    scale = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return int((scale > 1e-8).sum())


def brute(net, low, high):
    """Patterns that have an inside, the number of linear regions, the number of maps."""
    rows, maps, states = on_paper(net, low, high)
    found = corners(rows)
    inside = [p for p in range(len(rows)) if spread(found[p]) == len(low)]
    parent = {p: p for p in inside}

    def root(p):
        return p if parent[p] == p else root(parent[p])

    different: list[int] = []
    for p in inside:
        if not any(np.allclose(maps[p], maps[q], atol=1e-9) for q in different):
            different.append(p)
    for p, q in itertools.combinations(inside, 2):
        if np.allclose(maps[p], maps[q], atol=1e-9):
            shared = corners(np.concatenate([rows[p], rows[q]])[None])[0]
            shared = shared[~np.isnan(shared).any(axis=1)]
            if spread(shared) == len(low) - 1 and (len(low) == 2 or len(shared)):
                parent[root(p)] = root(q)
    return {states[p] for p in inside}, len({root(p) for p in inside}), len(different)


def drawn(rng, inputs, layers):
    """A float64 network with weights and biases from a normal distribution; layers: (units, kind)."""
    parts, before = [], inputs
    for units, kind in layers:
        layer = nn.Linear(before, units * (kind.pieces if isinstance(kind, nn.Maxout) else 1), dtype=np.float64)
        parts += [layer, kind]
        before = units
    net = nn.Sequential(*parts, nn.Linear(before, 2, dtype=np.float64))
    for p in net.parameters():
        p.value = rng.normal(0, 1 if p.ndim == 2 else 0.5, p.shape)
    return net


def compare(net, low, high):
    found = regions(net, low, high)
    patterns, linear, maps = brute(net, low, high)
    assert {cell.pattern for cell in found.cells} == patterns
    assert (found.activation, found.linear, found.maps) == (len(patterns), linear, maps)
    assert found.linear <= found.activation <= found.bound
    return found


SHAPES = [(3,), (5,), (7,), (2, 2), (3, 3), (4, 3), (2, 2, 2), (5, 2), (3, 2, 2), (1, 4)]


@pytest.mark.parametrize("inputs", [1, 2])
def test_counts_of_relu_networks_are_those_of_brute_force(rng, inputs):
    """120 networks, 60 in each dimension."""
    for _ in range(6):
        for shape in SHAPES:
            found = compare(drawn(rng, inputs, [(n, nn.ReLU()) for n in shape]), (-2.0,) * inputs, (1.5,) * inputs)
            assert found.bound <= bounds(shape, inputs).upper


KINDS = [
    [(4, nn.LeakyReLU(0.1)), (3, nn.LeakyReLU(0.1))], [(4, nn.AbsoluteValue()), (3, nn.AbsoluteValue())],
    [(3, nn.HardTanh())], [(2, nn.HardTanh(-0.5, 1.0)), (2, nn.HardTanh())], [(3, nn.Maxout(3))],
    [(2, nn.Maxout(2)), (2, nn.Maxout(3))], [(3, nn.PReLU(3, dtype=np.float64)), (3, nn.ReLU())],
    [(2, nn.HardTanh()), (2, nn.Maxout(2)), (2, nn.ReLU())],
]  # fmt: skip


@pytest.mark.parametrize("inputs", [1, 2])
@pytest.mark.parametrize("layers", KINDS, ids=lambda layers: "-".join(type(kind).__name__ for _, kind in layers))
def test_counts_of_other_units_are_those_of_brute_force(rng, inputs, layers):
    """80 networks."""
    for _ in range(5):
        compare(drawn(rng, inputs, layers), (-1.5,) * inputs, (2.0,) * inputs)


def test_patterns_are_those_that_a_linear_programme_finds_room_for(rng):
    from scipy.optimize import linprog

    for shape in [(6,), (3, 3), (2, 2, 2)]:
        net = drawn(rng, 2, [(n, nn.ReLU()) for n in shape])
        rows, _, states = on_paper(net, (-1.0, -1.0), (1.0, 1.0))
        roomy = set()
        for inequalities, state in zip(rows, states, strict=True):
            norm = np.linalg.norm(inequalities[:, :2], axis=1, keepdims=True)
            A = np.hstack([-inequalities[:, :2], norm])  # the largest disc inside
            best = linprog([0, 0, -1], A, inequalities[:, 2], bounds=[(None, None)] * 2 + [(0, 1)])
            if best.success and best.x[2] > 1e-9:
                roomy.add(state)
        assert {cell.pattern for cell in regions(net).cells} == roomy


def test_regions_fill_the_box_exactly_and_say_what_the_network_says(rng):
    for layers in [[(8, nn.ReLU()), (8, nn.ReLU())], *KINDS]:
        net = drawn(rng, 2, layers)
        found = regions(net, (-2, -1), (1, 2.5))
        assert sum(cell.shape.size() for cell in found.cells) == Fraction(3) * Fraction(7, 2)
        for cell in found.cells:
            x = cell.corners.mean(axis=0)
            np.testing.assert_allclose(cell.slope @ x + cell.offset, net(x[None]).value[0], atol=1e-11)
        seen = rng.uniform((-2, -1), (1, 2.5), (2000, 2))
        outputs = np.stack([seen @ cell.slope.T + cell.offset for cell in found.cells])
        gaps = np.abs(outputs - net(seen).value).max(axis=2).min(axis=0)
        assert gaps.max() < 1e-11


def test_a_wide_network_on_a_line_is_straight_between_its_breakpoints(rng):
    X, _ = gg.data.digits()
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 10)).initialise(1)
    for p in net.parameters():
        if p.ndim == 1:
            p.value = rng.normal(0, 0.3, p.shape).astype(np.float32)
    found = line_regions(net, X[0], X[1])
    knots = np.concatenate([[0], found.breakpoints, [1]])
    assert found.linear == len(knots) - 1 > 15
    a, b = X[0].astype(np.float64), X[1].astype(np.float64)

    def outputs(t):
        x = a + np.asarray(t)[:, None] * (b - a)
        for layer in net:
            x = x @ layer.W.value.astype(float) + layer.b.value if isinstance(layer, nn.Linear) else np.maximum(x, 0)
        return x

    t = rng.uniform(0, 1, 500)
    values = outputs(knots)
    between = np.column_stack([np.interp(t, knots, column) for column in values.T])
    np.testing.assert_allclose(between, outputs(t), atol=1e-12)
    slopes = np.diff(values, axis=0) / np.diff(knots)[:, None]
    assert (np.abs(np.diff(slopes, axis=0)).max(axis=1) > 1e-9).all()


def test_the_plane_through_three_inputs_has_the_line_between_two_of_them_in_it():
    X, _ = gg.data.digits()
    net = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10)).initialise(2)
    plane, line = plane_regions(net, X[3], X[4], X[5], 0, 1), line_regions(net, X[3], X[4])
    assert sum(cell.shape.size() for cell in plane.cells) == 1
    on_edge = {cell.pattern for cell in plane.cells if (cell.corners[:, 1] == 0).sum() == 2}
    assert on_edge == {cell.pattern for cell in line.cells}


# Degenerate networks


def by_hand(W, b=None, v=None, kind=None):
    W = np.asarray(W, float).T
    return nn.Sequential(
        gg.geometry.hand.linear(W, np.zeros(W.shape[1]) if b is None else b), kind or nn.ReLU(),
        gg.geometry.hand.linear(np.ones((W.shape[1], 1)) if v is None else np.reshape(v, (-1, 1)), [0.0]),
    )  # fmt: skip


def test_lines_that_coincide_or_run_alongside_or_meet_in_one_point():
    cases = [
        ([[1, 0], [2, 0], [-1, 0]], None, 2, 2),  # three times one line
        ([[1, 0], [1, 0], [1, 0]], [0.0, 0.5, -0.5], 4, 4),  # parallel
        ([[1, 0], [0, 1], [1, 1], [1, -1]], None, 8, 8),  # all through the origin
        ([[1, 0], [0, 1], [1, 1]], [0.0, 0.0, -1.0], 5, 5),  # the third meets the others on the edge of the box
        ([[1, 0], [0, 1], [1, 1]], [-0.5, 0.0, -0.5], 6, 6),  # three through (½, 0)
        ([[1, 1]], [-2.0], 1, 1),  # touches the corner of the box only
        ([[1, 0]], [-1.0], 1, 1),  # runs along its edge
        ([[0, 0], [1, 0]], [1.0, 0.0], 2, 2),  # a unit that is always on
        ([[0, 0], [0, 0]], None, 1, 1),  # all weights zero
        ([[1, 1], [1, -1]], None, 4, 4),  # through the corners of the box
    ]
    for W, b, activation, linear in cases:
        found = regions(by_hand(W, b))
        assert (found.activation, found.linear) == (activation, linear), W
        assert sum(cell.shape.size() for cell in found.cells) == 4


def test_activation_regions_with_one_map_are_one_linear_region():
    """relu(x) − relu(−x) = x: two patterns, one map. And a dead output: any patterns, one map."""
    found = regions(by_hand([[1, 0], [-1, 0]], v=[1, -1]))
    assert (found.activation, found.linear, found.maps) == (2, 1, 1)
    found = regions(by_hand([[1, 0], [0, 1], [1, 1]], v=[0, 0, 0]))
    assert (found.activation, found.linear, found.maps) == (6, 1, 1)


def test_linear_regions_apart_may_have_one_map():
    """A box function is 0 left and right of it."""
    net = by_hand([[1], [1], [1], [1]], [0.75, 0.5, -0.5, -0.75], v=[4, -4, -4, 4])
    found = regions(net)
    assert (found.activation, found.linear, found.maps) == (5, 5, 4)
    np.testing.assert_array_equal(found.breakpoints, [-0.75, -0.5, 0.5, 0.75])
    two = regions(by_hand([[1, 0], [-1, 0], [0, 1]], [-0.5, -0.5, 0.0], v=[1, 1, 0]))
    assert (two.activation, two.linear, two.maps) == (6, 3, 3)


def test_corners_that_touch_are_no_neighbours():
    """relu(|x + y| − |x − y|) is zero on two opposite quadrants, and 2x, 2y, −2x, −2y between them."""
    two = by_hand([[1, 1], [-1, -1], [1, -1], [-1, 1]], v=[1, 1, -1, -1])
    found = regions(nn.Sequential(*two, nn.ReLU()))
    assert (found.activation, found.linear, found.maps) == (8, 6, 5)


def test_tiny_differences_count():
    """Two units whose lines are one unit in the last place apart make three regions, and floats cannot tell."""
    b = np.array([-0.1, -np.nextafter(0.1, 1)])
    assert regions(by_hand([[1, 0], [1, 0]], b)).activation == 3
    assert regions(by_hand([[1], [1]], b)).activation == 3


def test_networks_are_read_from_trainers_and_estimators():
    from glassgrad.estimators import LogisticRegression, MLPClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    model = MLPClassifier((6,), max_iter=200, tol=0.1, random_state=0).fit(X, y)
    found = regions(model, -2, 2)
    assert found.linear == regions(model.net_, -2, 2).linear > 3
    assert regions(LogisticRegression().fit(X, y)).linear == 1
    net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.ReLU(), nn.Linear(4, 1))
    trainer = gg.train.Trainer(net.initialise(0), gg.distributions.Bernoulli(), gg.optim.SGD(0.1))
    assert regions(trainer).linear == regions(net).linear
    with pytest.raises(errors.OperandError, match="dict has no network"):
        regions({})


def test_what_cannot_be_counted_is_refused_with_a_way_out():
    def net(n, *layers):
        return nn.Sequential(nn.Linear(n, 4), *layers).initialise(0)

    with pytest.raises(errors.UnsupportedError, match=r"1\.Tanh is not known to be made of straight pieces"):
        regions(net(2, nn.Tanh()))
    with pytest.raises(errors.ShapeError, match="line_regions"):
        regions(net(3, nn.ReLU()))
    with pytest.raises(errors.DataError, match="empty"):
        regions(net(2, nn.ReLU()), 1, 1)
    with pytest.raises(errors.DataError, match="more than 3 activation regions after hidden layer 1"):
        regions(net(2, nn.ReLU()), limit=3)
    with pytest.raises(errors.ShapeError, match="a is one input of the network"):
        line_regions(net(3, nn.ReLU()), [1, 2], [1, 2, 3])
    with pytest.raises(errors.DataError, match="same input"):
        line_regions(net(3, nn.ReLU()), [1, 2, 3], [1, 2, 3])
    with pytest.raises(errors.DataError, match="on one line"):
        plane_regions(net(3, nn.ReLU()), [0, 0, 0], [1, 2, 3], [-2, -4, -6])
    with pytest.raises(errors.DataError, match="before any Linear layer"):
        regions(nn.Sequential(nn.ReLU(), nn.Linear(2, 2)))
    broken = net(2, nn.ReLU())
    broken[0].b.value = np.array([0, np.nan, 0, 0], np.float32)
    with pytest.raises(errors.DataError, match="not finite"):
        regions(broken)


def test_the_network_may_be_nested_and_have_layers_that_do_nothing():
    flat = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 1)).initialise(3)
    nested = nn.Sequential(nn.Sequential(*flat[:2]), nn.Identity(), nn.Dropout(0.3), flat[2])
    assert regions(nested).text() == regions(flat).text()
    assert regions(flat[0]).linear == 1


def test_settings_are_rounded_as_the_network_rounds_them():
    """0.1 in float32 is not 0.1 in float64: the slope of a leaky unit is that of the network's numbers."""
    net = nn.Sequential(nn.Linear(1, 1), nn.LeakyReLU(0.1)).initialise(0)
    net[0].W.value = np.ones((1, 1), np.float32)
    assert regions(net).cells[0].slope[0, 0] == float(np.float32(0.1))
