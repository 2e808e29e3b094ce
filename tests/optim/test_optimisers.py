"""Update rules against hand-written formulas, clipping, groups, decay, dtypes and graphs."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import optim
from glassgrad.errors import DataError, OperandError, UnknownNameError

RNG = np.random.default_rng(0)
START = RNG.normal(size=(3, 2))
GRADIENTS = [RNG.normal(size=(3, 2)) for _ in range(5)]


def run(optimizer, start=START, gradients=GRADIENTS):
    p, state = start, optimizer.init(start)
    for step, g in enumerate(gradients):
        p, state = optimizer.update(p, g, state, step)
    return p


def by_hand(rule, start=START, gradients=GRADIENTS):
    w, memory = start.copy(), {}
    for t, g in enumerate(gradients, start=1):
        w = rule(w, g, t, memory)
    return w


def momentum(w, g, t, m):
    m["v"] = 0.9 * m.get("v", 0) + g
    return w - 0.1 * m["v"]


def nesterov(w, g, t, m):
    m["v"] = 0.9 * m.get("v", 0) + g
    return w - 0.1 * (g + 0.9 * m["v"])


def adagrad(w, g, t, m):
    m["s"] = m.get("s", 0) + g**2
    return w - 0.1 * g / (np.sqrt(m["s"]) + 1e-10)


def rmsprop(w, g, t, m):
    m["s"] = 0.99 * m.get("s", 0) + 0.01 * g**2
    return w - 0.1 * g / (np.sqrt(m["s"]) + 1e-8)


def rmsprop_momentum(w, g, t, m):
    m["s"] = 0.99 * m.get("s", 0) + 0.01 * g**2
    m["v"] = 0.8 * m.get("v", 0) + g / (np.sqrt(m["s"]) + 1e-8)
    return w - 0.1 * m["v"]


def adam(w, g, t, m, rate=0.1):
    m["m"] = 0.9 * m.get("m", 0) + 0.1 * g
    m["v"] = 0.999 * m.get("v", 0) + 0.001 * g**2
    return w - rate * (m["m"] / (1 - 0.9**t)) / (np.sqrt(m["v"] / (1 - 0.999**t)) + 1e-8)


RULES = {
    "descent": (optim.SGD(0.1), lambda w, g, t, m: w - 0.1 * g),
    "momentum": (optim.SGD(0.1, momentum=0.9), momentum),
    "nesterov": (optim.SGD(0.1, momentum=0.9, nesterov=True), nesterov),
    "adagrad": (optim.AdaGrad(0.1), adagrad),
    "rmsprop": (optim.RMSProp(0.1), rmsprop),
    "rmsprop with momentum": (optim.RMSProp(0.1, momentum=0.8), rmsprop_momentum),
    "adam": (optim.Adam(0.1), adam),
    "adam with decay": (optim.Adam(0.1, weight_decay=0.2), lambda w, g, t, m: adam(w, g + 0.2 * w, t, m)),
    "adamw": (optim.AdamW(0.1, weight_decay=0.2), lambda w, g, t, m: adam(w * (1 - 0.1 * 0.2), g, t, m)),
    "adamw by default": (optim.AdamW(0.1), lambda w, g, t, m: adam(w * (1 - 0.1 * 0.01), g, t, m)),
    "decay": (optim.SGD(0.1, weight_decay=0.2), lambda w, g, t, m: w - 0.1 * (g + 0.2 * w)),
    "schedule": (
        optim.Adam(optim.StepDecay(0.1, every=2, factor=0.5)),
        lambda w, g, t, m: adam(w, g, t, m, rate=0.1 * 0.5 ** ((t - 1) // 2)),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_against_the_formula(name):
    optimizer, rule = RULES[name]
    np.testing.assert_allclose(run(optimizer), by_hand(rule), rtol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_float32_stays_float32(name):
    optimizer, _ = RULES[name]
    g = [g.astype(np.float32) for g in GRADIENTS]
    for steps in (range(5), [np.int64(i) for i in range(5)], [np.array(i) for i in range(5)]):
        p, state = START.astype(np.float32), optimizer.init(START.astype(np.float32))
        for step, gradient in zip(steps, g, strict=True):
            p, state = optimizer.update(p, gradient, state, step)
        assert p.dtype == np.float32
        assert all(s.dtype == np.float32 for s in state)
        np.testing.assert_allclose(p, run(optimizer), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RULES)
def test_traces_into_a_graph(name, dtype):
    """A step is gates: recorded once with shapes only, it runs for every step."""
    optimizer, _ = RULES[name]
    p = START.astype(dtype)
    states = [optimizer.init(p)]

    def step(params, gradients, states, step):
        return optimizer.apply(["w"], params, gradients, states, step)

    g = [g.astype(dtype) for g in GRADIENTS]
    graph = gg.trace(step, [p], [g[0]], states, np.array(0), values=False).verify()
    assert {w.dtype for w in graph.outputs} == {np.dtype(dtype)}
    flat = [p, *states[0]]
    eager, state = p, states[0]
    for t, gradient in enumerate(g):
        flat = graph.run(flat[0], gradient, *flat[1:], np.array(t))
        (eager,), (state,) = optimizer.apply(["w"], [eager], [gradient], [state], np.array(t))
    np.testing.assert_array_equal(flat[0], eager)


def test_inputs_are_not_written_to():
    for optimizer, _ in RULES.values():
        p, g, state = START.copy(), GRADIENTS[0].copy(), optimizer.init(START)
        optimizer.update(p, g, state, 0)
        np.testing.assert_array_equal(p, START)
        np.testing.assert_array_equal(g, GRADIENTS[0])
        assert all(np.all(s == 0) for s in state)


def test_the_learning_rate_is_not_the_weight_decay():
    """The lecture calls η the weight decay. η scales the step; λ pulls the weights towards 0."""
    w, no_slope = np.array([2.0, -3.0]), np.zeros(2)
    for rate in (0.1, 0.5):
        np.testing.assert_array_equal(optim.SGD(rate).update(w, no_slope, (), 0)[0], w)
    decayed = optim.SGD(0.1, weight_decay=0.5).update(w, no_slope, (), 0)[0]
    np.testing.assert_allclose(decayed, w * (1 - 0.1 * 0.5))
    penalty = gg.grad(lambda w: 0.5 * 0.5 * np.sum(w**2))(w)
    np.testing.assert_allclose(decayed, optim.SGD(0.1).update(w, penalty, (), 0)[0])


def test_decoupled_decay_differs_from_a_penalty_in_adam():
    a, b = optim.Adam(0.1, weight_decay=0.1), optim.AdamW(0.1, weight_decay=0.1)
    assert not np.allclose(run(a), run(b))
    np.testing.assert_allclose(run(optim.Adam(0.1)), run(optim.AdamW(0.1, weight_decay=0.0)))


def test_clipping_by_value():
    clipped = optim.clip([np.array([3.0, -0.2]), np.array([-7.0])], value=0.5)
    np.testing.assert_array_equal(clipped[0], [0.5, -0.2])
    np.testing.assert_array_equal(clipped[1], [-0.5])


def test_clipping_by_global_norm():
    gradients = [np.array([3.0, 0.0]), np.array([[4.0]])]
    clipped = optim.clip(gradients, norm=1.0)
    assert optim.global_norm(gradients) == 5
    np.testing.assert_allclose(optim.global_norm(clipped), 1, rtol=1e-6)
    np.testing.assert_allclose(clipped[0], [0.6, 0], rtol=1e-6)
    same = optim.clip(gradients, norm=10.0)
    np.testing.assert_array_equal(same[0], gradients[0])
    zero = optim.clip([np.zeros(3, np.float32)], norm=1.0)
    np.testing.assert_array_equal(zero[0], np.zeros(3))
    assert zero[0].dtype == np.float32
    mixed = optim.clip([np.full(2, 9, np.float32), np.full(2, 9.0)], norm=1.0)
    assert [g.dtype for g in mixed] == [np.float32, np.float64]


def test_clipping_in_an_optimiser():
    params, gradients = [np.zeros(2), np.zeros(1)], [np.array([30.0, 0.0]), np.array([40.0])]
    new, _ = optim.SGD(1.0, clip_norm=5.0).apply(["a", "b"], params, gradients, [(), ()], 0)
    np.testing.assert_allclose(new[0], [-3, 0], rtol=1e-6)
    np.testing.assert_allclose(new[1], [-4], rtol=1e-6)
    new, _ = optim.SGD(1.0, clip_value=1.0).apply(["a", "b"], params, gradients, [(), ()], 0)
    np.testing.assert_allclose(new[0], [-1, 0])


def test_groups():
    optimizer = optim.SGD(
        0.1, weight_decay=0.5, groups={"2.*": {"rate": 0.01, "momentum": 0.9}, "*.b": {"weight_decay": 0.0}}
    )
    names = ["0.W", "0.b", "2.W", "2.b"]
    params, gradients = [np.ones(1)] * 4, [np.ones(1)] * 4
    states = [optimizer.init(p) for p in params]
    for step in range(2):
        params, states = optimizer.apply(names, params, gradients, states, step)

    def plain(rate, decay, keep):
        w, v = 1.0, 0.0
        for _ in range(2):
            v = keep * v + 1 + decay * w
            w -= rate * v
        return w

    expected = [plain(0.1, 0.5, 0), plain(0.1, 0, 0), plain(0.01, 0.5, 0.9), plain(0.01, 0, 0.9)]
    np.testing.assert_allclose(np.ravel(params), expected)
    optimizer.check_groups(names)
    with pytest.raises(UnknownNameError, match=r"'2\.\*'.*0\.W"):
        optimizer.check_groups(["0.W", "0.b"])


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: optim.SGD(-0.1), DataError, "rate must be from 0"),
        (lambda: optim.SGD(float("nan")), DataError, "rate must be"),
        (lambda: optim.SGD(0.1, momentum=1.0), DataError, "momentum must be from 0 to below 1"),
        (lambda: optim.SGD(0.1, nesterov=True), DataError, "nesterov=True needs a momentum"),
        (lambda: optim.Adam(beta1=1.0), DataError, "beta1"),
        (lambda: optim.Adam(weight_decay=-1.0), DataError, "weight_decay"),
        (lambda: optim.Adam(groups={"*": {"speed": 1}}), UnknownNameError, "'speed'.*rate"),
        (lambda: optim.Adam(groups={"*": {"rate": -1.0}}), DataError, "rate"),
        (lambda: optim.Adam(groups={"*": {"clip_norm": 1.0}}), OperandError, "all parameters together"),
        (lambda: optim.StepDecay(0.1, every=0), DataError, "every must be at least 1"),
        (lambda: optim.Cosine(0.1, steps=0), DataError, "steps must be at least 1"),
        (lambda: optim.WarmUp(0, 0.1), DataError, "steps must be at least 1"),
        (lambda: optim.named("adma"), UnknownNameError, "Did you mean 'adam'"),
    ],
)
def test_wrong_settings(make, error, says):
    with pytest.raises(error, match=says):
        make()


def test_names():
    assert optim.named("adamw", rate=0.2) == optim.AdamW(0.2)
    assert set(optim.OPTIMIZERS) == {"sgd", "adagrad", "rmsprop", "adam", "adamw", "lbfgs"}


def test_every_rule_goes_down_a_bowl():
    for name, (optimizer, _) in RULES.items():
        p, state = np.array([1.0, -2.0]), optimizer.init(np.zeros(2))
        for step in range(200):
            p, state = optimizer.update(p, 2 * p, state, step)
        assert np.sum(p**2) < 5, name


def test_settings_are_numbers():
    with pytest.raises(OperandError, match=r"rate must be a number, and is '0\.1'"):
        optim.SGD("0.1")
    with pytest.raises(OperandError, match="momentum must be a number, and is True"):
        optim.SGD(0.1, momentum=True)
    with pytest.raises(DataError, match="rate must be from 0"):
        optim.SGD(np.float32(-1.0))
