"""Elbows and exact pieces of networks of one input, and how they move while a network learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import geometry, nn
from glassgrad.errors import DataError, OperandError, ShapeError, UnknownNameError, UnsupportedError
from glassgrad.estimators import MLPRegressor

UNITS = {
    "relu": nn.ReLU, "abs": nn.AbsoluteValue, "leaky": lambda: nn.LeakyReLU(0.2),
    "prelu": lambda: nn.PReLU(12, -0.5, dtype=np.float64), "randomised": nn.RandomizedReLU,
    "hard tanh": lambda: nn.HardTanh(-0.5, 2), "maxout": lambda: nn.Maxout(2), "maxout of 3": lambda: nn.Maxout(3),
}  # fmt: skip


def drawn(rng: np.random.Generator, kinds: list[str]) -> nn.Sequential:
    """A network of 12 units a layer, with weights and biases from N(0, 1), and two outputs."""
    layers: list[nn.Layer] = []
    width = 1
    for kind in kinds:
        unit = UNITS[kind]()
        layers += [nn.Linear(width, 12, dtype=np.float64), unit, nn.Dropout(0.5)]
        width = 12 // (unit.pieces if isinstance(unit, nn.Maxout) else 1)
    net = nn.Sequential(*layers, nn.Linear(width, 2, dtype=np.float64))
    for layer in net:
        if isinstance(layer, nn.Linear):
            layer.W.value, layer.b.value = rng.normal(size=layer.W.shape), rng.normal(size=layer.n_out)
    return net


def shallow(w: Any, b: Any, v: Any, c: float = 0.0) -> nn.Sequential:
    """x ↦ Σ v max(0, w x + b) + c."""
    net = nn.Sequential(nn.Linear(1, len(w), dtype=np.float64), nn.ReLU(), nn.Linear(len(w), 1, dtype=np.float64))
    net[0].W.value, net[0].b.value = np.array([w], float), np.array(b, float)
    net[2].W.value, net[2].b.value = np.array(v, float)[:, None], np.array([c])
    return net


@pytest.mark.parametrize("kind", UNITS)
def test_pieces_are_the_network(kind: str) -> None:
    rng = np.random.default_rng(list(UNITS).index(kind))
    for depth in (1, 2, 3):
        net = drawn(rng, [kind, *rng.choice(list(UNITS), depth - 1)])
        found = geometry.pieces(net)
        breaks = found.breakpoints
        assert len(breaks) >= 6
        assert (np.diff(breaks) > 0).all()
        x = np.concatenate([rng.uniform(-4, 4, 300), 100 * rng.normal(size=100), breaks])
        y = net(x[:, None]).value
        np.testing.assert_allclose(found(x), y, rtol=1e-10, atol=1e-11 * np.abs(y).max())
        middles = (breaks[1:] + breaks[:-1])[np.diff(breaks) > 1e-7] / 2
        for j in range(2):
            slope = gg.grad(lambda x, j=j, net=net: np.sum(net(x)[:, j]))(middles[:, None]).value[:, 0]
            np.testing.assert_allclose(found.slope(middles)[:, j], slope, rtol=1e-9, atol=1e-9 * np.abs(slope).max())


def test_every_breakpoint_is_one() -> None:
    """Where the slope is the same on both sides there is none, whatever the hidden units do."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        found = geometry.pieces(drawn(rng, ["relu", "abs"]))
        assert (np.abs(np.diff(found.slopes, axis=0)).max(axis=1) > 0).all()
    silent = geometry.pieces(shallow([1, 2], [-1, -4], [3, 0]))
    assert silent.breakpoints.tolist() == [1.0]
    assert silent.places.tolist() == [0.0, 1.0, 2.0]
    cancelled = geometry.pieces(shallow([1, 1, 1], [-1, -1, -2], [3, -3, 1]))
    assert cancelled.breakpoints.tolist() == [2.0]
    assert geometry.pieces(shallow([0, 0], [1, -1], [2, 5], 1)).slopes.tolist() == [[0.0]]


def test_units_that_bend_at_one_place_make_one_breakpoint() -> None:
    scales = np.array([1, 3, 7, 0.1, 1e-3])
    found = geometry.elbows(shallow(scales, -scales / 3, np.ones(5)))
    assert len(set(found.position.tolist())) == 1
    assert len(found) == 5
    np.testing.assert_allclose(found.change, scales.sum())
    np.testing.assert_allclose(found.position, 1 / 3, rtol=1e-15)


def test_elbows_of_one_hidden_layer() -> None:
    rng = np.random.default_rng(1)
    w, b, v = rng.normal(size=(3, 30))
    found = geometry.elbows(shallow(w, b, v))
    order = np.argsort(found.unit)
    np.testing.assert_allclose(found.position[order], -b / w, rtol=1e-14)
    np.testing.assert_allclose(found.change[order, 0], np.abs(w) * v, rtol=1e-9, atol=1e-12)
    assert set(found.states.values()) == {"bends"}


def test_units_that_do_not_bend_are_named() -> None:
    net = shallow([1, -2, 0, 0, 1, -1], [-0.25, 1, -1, 2, 3, -3], [3, 1, 1, 1, 1, 1])
    found = geometry.elbows(net, 0, 1)
    assert found.states == {
        (1, 0): "bends", (1, 1): "bends", (1, 2): "dead", (1, 3): "flat", (1, 4): "straight", (1, 5): "dead",
    }  # fmt: skip
    assert (found.dead, found.flat, found.straight) == ([(1, 2), (1, 5)], [(1, 3)], [(1, 4)])
    assert "6 hidden units, 2 elbows in [0, 1]; 2 dead, 1 flat, 1 straight" in str(found)
    everywhere = geometry.elbows(net)
    assert sorted(everywhere.position.tolist()) == [-3, -3, 0.25, 0.5]
    assert everywhere.dead == [(1, 2)]


def test_elbows_of_deeper_layers() -> None:
    """A hat on [0, 1] of height 1, and a unit behind it that is active above ½: two elbows, at ¼ and ¾."""
    hat = shallow([2, 2, 2], [0, -1, -2], [1, -2, 1])
    net = nn.Sequential(*hat, nn.ReLU(), nn.Linear(1, 1, dtype=np.float64))
    net[2].b.value, net[4].W.value, net[4].b.value = np.array([-0.5]), np.array([[3.0]]), np.zeros(1)
    found = geometry.elbows(net)
    second = found.layer == 3
    assert found.position[second].tolist() == [0.25, 0.75]
    assert found.change[second].ravel().tolist() == [6.0, 6.0]
    assert geometry.pieces(net).slopes.ravel().tolist() == [0, 6, -6, 0]


def test_estimators_and_trainers_are_read_too() -> None:
    X, y = gg.data.zigzag(60, pieces=3)
    model = MLPRegressor(hidden_layer_sizes=(6,), solver="lbfgs", random_state=0, max_iter=500).fit(X, y.ravel())
    x = np.linspace(-1, 2, 50, dtype=np.float32)
    np.testing.assert_allclose(geometry.pieces(model)(x)[:, 0], model.predict(x[:, None]), atol=1e-5)
    trainer = gg.train.Trainer(model.net_, gg.distributions.Gaussian(), gg.optim.SGD(0.1))
    assert geometry.pieces(trainer).breakpoints.tolist() == geometry.pieces(model).breakpoints.tolist()


def test_what_has_no_elbows_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"Tanh.* is not made of straight pieces"):
        geometry.pieces(nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1)))
    with pytest.raises(ShapeError, match="takes 2 numbers and is fed 1"):
        geometry.elbows(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))
    with pytest.raises(DataError, match="from 1 to 0 is empty"):
        geometry.elbows(shallow([1], [0], [1]), 1, 0)
    with pytest.raises(OperandError, match="net is a network"):
        geometry.pieces(np.zeros(3))


def test_runs_are_those_of_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same start, data and steps, in native and in NumPy, and cut at other places."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    from bench import workloads
    from bench.peers import ours

    for w in workloads.elbows()[:2]:
        what = w.name.rpartition("-")[2]
        trainer = ours.trainer(w, "native")
        trainer.steps(*w.data, 300, sampling="replacement")
        run = geometry.elbow_run(10, what, steps=300, look_every=100)
        for layer, (W, b) in ((0, (run.W, run.b)), (2, (run.v, run.c[:, None]))):
            assert np.array_equal(W[-1], trainer.net[layer].W.value.ravel())
            assert np.array_equal(b[-1], trainer.net[layer].b.value)
        X, y = w.held_out
        assert run.test_error[-1] == pytest.approx(float(np.mean((trainer.outputs(X) - y) ** 2)), rel=1e-5)
        np.testing.assert_allclose(run.function()(X[:, 0]), trainer.outputs(X), atol=1e-5)
        by_hand = geometry.elbow_run(10, what, steps=300, look_every=100, engine="numpy")
        np.testing.assert_allclose(run.positions, by_hand.positions, atol=1e-3)


def test_elbows_move_only_where_the_hidden_layer_learns() -> None:
    output, every = geometry.elbow_runs([20], steps=3000, look_every=1000)
    assert output.steps.tolist() == [0, 10, 20, 40, 80, 160, 320, 640, 1000, 2000, 3000]
    assert np.array_equal(output.positions[0], every.positions[0])
    assert (output.positions == output.positions[0]).all()
    assert ((every.positions[0] >= 0) & (every.positions[0] <= 1)).all()
    assert np.median(np.abs(every.positions[-1] - every.positions[0])) > 0.02
    for run in (output, every):
        assert run.train_error[-1] < 0.35 * run.train_error[0]
        np.testing.assert_allclose(run.slopes, run.W * run.v)
    elbows = geometry.elbows(_net(every))
    np.testing.assert_allclose(np.sort(elbows.position), np.sort(every.positions[-1]), rtol=1e-9)


def _net(run: geometry.ElbowRun) -> nn.Sequential:
    return shallow(run.W[-1], run.b[-1], run.v[-1], run.c[-1])


def test_dead_units_of_a_run_are_those_of_its_network() -> None:
    run = geometry.elbow_run(20, steps=2000, look_every=2000, rate=0.3)
    dead = geometry.elbows(_net(run), 0, 1).dead
    assert [unit for _, unit in dead] == np.flatnonzero(run.dead[-1]).tolist()
    assert dead
    assert f"{len(dead)} dead unit" in str(run)


def test_a_network_of_ones_own_is_watched() -> None:
    X, y = gg.data.zigzag(pieces=2, seed=3)
    net = nn.Sequential(nn.Linear(1, 12), nn.ReLU(), nn.Linear(12, 1))
    trainer = gg.train.Trainer(net, gg.distributions.Gaussian(), gg.optim.Adam(0.01), batch_size=20)
    run = geometry.watch_elbows(trainer, X, y, steps=250, look_every=100)
    assert run.steps.tolist() == [0, 10, 20, 40, 80, 100, 200, 250]
    assert np.isnan(run.test_error).all()
    assert run.train_error[-1] == trainer.evaluate(X, y)["loss"]
    deep = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1))
    other = gg.train.Trainer(deep, gg.distributions.Gaussian(), gg.optim.SGD(0.1))
    with pytest.raises(UnsupportedError, match=r"geometry.elbows\(net\)"):
        geometry.watch_elbows(other, X, y, 10)
    with pytest.raises(OperandError, match="whole numbers from 1"):
        geometry.watch_elbows(trainer, X, y, 0)
    with pytest.raises(UnknownNameError, match="hidden"):
        geometry.elbow_run(10, "hidden")  # type: ignore[arg-type]


def test_the_zigzag() -> None:
    X, y = gg.data.zigzag(1001, noise=0)
    slopes = np.diff(y[:, 0]) / np.diff(X[:, 0])
    np.testing.assert_allclose(np.abs(slopes), 10, rtol=1e-3)
    assert (np.diff(np.sign(slopes)) != 0).sum() == 9
    X, y = gg.data.zigzag(5000, seed=2)
    assert np.std(y - gg.data.zigzag(5000, noise=0)[1]) == pytest.approx(0.1, rel=0.05)
    assert np.isin(gg.data.zigzag(held_out=True)[0], gg.data.zigzag()[0]).sum() == 0
    with pytest.raises(DataError, match="n ≥ 2"):
        gg.data.zigzag(1)


def test_pictures_show_what_there_is() -> None:
    runs = geometry.elbow_runs([10], steps=200, look_every=100)
    figure = geometry.elbow_picture(runs)
    assert len(figure.axes) == 4
    paths = figure.axes[2]
    assert len(paths.lines) == 10
    np.testing.assert_array_equal(paths.lines[0].get_xdata(), runs[1].steps)
    with pytest.raises(OperandError, match="pairs"):
        geometry.elbow_picture(runs[:1])
    one = runs[1].picture()
    assert one.axes[0].get_title("left") == "10 units, all layers: step 200"
    shown = geometry.elbows(shallow([1, -2], [-0.25, 1], [3, 1])).picture()
    assert len(shown.axes[0].collections[0].get_segments()) == 2
