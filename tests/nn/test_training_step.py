"""Layers, distributions and optimisers together: one training step as one graph."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import distributions, nn, optim
from glassgrad.ops import random
from glassgrad.sweep import sweep
from glassgrad.tensors import traced


def step_graph(net, loss, optimizer, x, y):
    """Parameters, state, data, step number and key in; loss, new parameters and new state out."""
    names, params = zip(*[(n, p) for n, p in net.named_parameters() if not p.frozen], strict=True)
    states = [
        [traced(s.shape, s.dtype, f"{n}.state") for s in optimizer.init(p)] for n, p in zip(names, params, strict=True)
    ]
    xs = traced(x.shape, x.dtype, "x"), traced(y.shape, y.dtype, "y")
    step, key = traced((), np.int64, "step"), traced((2,), np.uint32, "key")
    with nn.training(key):
        cost = loss.loss(net(xs[0]), xs[1])
    found = sweep({cost: np.float32(1)}, params, record=True)
    new, new_states = optimizer.apply(
        names, params, [found[p.serial] for p in params], [tuple(s) for s in states], step
    )
    flat = [s for group in states for s in group]
    return gg.Graph(
        [cost, *new, *[s for group in new_states for s in group]], [*params, *flat, *xs, step, key]
    ).verify()


def run(graph, net, optimizer, x, y, steps):
    params = [p for p in net.parameters() if not p.frozen]
    values = [p.value for p in params]
    values += [s for p in params for s in optimizer.init(p)]
    losses = []
    for step in range(steps):
        loss, *values = graph.run(*values, x, y, np.int64(step), random.fold_in(random.key(0), step))
        losses.append(loss)
    return losses, values


RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 5)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


@pytest.mark.parametrize(
    "unit",
    [nn.ReLU(), nn.Tanh(), nn.PReLU(16), nn.RandomizedReLU(), nn.Maxout(2), nn.ELU(), nn.Dropout(0.1), nn.Softplus()],
    ids=repr,
)
def test_a_network_learns(unit):
    width = 8 if isinstance(unit, nn.Maxout) else 16
    hidden = [nn.Tanh()] if isinstance(unit, nn.Dropout) else []
    net = nn.Sequential(nn.Linear(5, 16), *hidden, unit, nn.Linear(width, 2)).initialise(0)
    optimizer = optim.Adam(0.03, clip_norm=5.0, groups={"*.b": {"weight_decay": 0.0}}, weight_decay=1e-4)
    graph = step_graph(net, distributions.Categorical(), optimizer, X, Y)
    losses, values = run(graph, net, optimizer, X, Y, 150)
    assert np.mean(losses[-10:]) < 0.5 * losses[0]
    assert {v.dtype for v in values} == {np.dtype(np.float32)}
    assert losses == run(graph, net, optimizer, X, Y, 150)[0]


def test_the_graph_does_what_eager_steps_do():
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2)).initialise(0)
    loss, optimizer = distributions.Categorical(), optim.SGD(optim.Cosine(0.5, 20), momentum=0.9)
    losses, values = run(step_graph(net, loss, optimizer, X, Y), net, optimizer, X, Y, 10)
    names, params = zip(*net.named_parameters(), strict=True)
    states = [optimizer.init(p) for p in params]
    for step in range(10):
        with nn.training(random.fold_in(random.key(0), step)):
            cost = loss.loss(net(X), Y)
        cost.backward()
        assert cost.value == losses[step]
        new, states = optimizer.apply(names, [p.value for p in params], [p.grad for p in params], states, step)
        for p, value in zip(params, new, strict=True):
            p.value = value
    for p, value in zip(params, values, strict=False):
        np.testing.assert_array_equal(p.value, value)


def test_the_output_layer_only():
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)).initialise(0)
    net.freeze().unfreeze("2.*")
    before = np.array(net[0].W.value)
    optimizer = optim.SGD(0.5)
    graph = step_graph(net, distributions.Categorical(), optimizer, X, Y)
    assert [w.name for w in graph.inputs[:2]] == ["2.W", "2.b"]
    losses, _ = run(graph, net, optimizer, X, Y, 100)
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(net[0].W.value, before)
