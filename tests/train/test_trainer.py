"""Training: equal to plain loops, repeatable, and able to learn what the lectures say it can."""

from __future__ import annotations

import contextlib
import copy
import pickle

import numpy as np
import pytest

from glassgrad import data, distributions, nn, optim, train
from glassgrad.errors import DataError, OperandError, UnknownNameError, UnsupportedError
from glassgrad.ops import random


def squares(output, y):
    return np.sum((output - y) ** 2)


def small(seed=None):
    layers = [nn.Linear(3, 5, dtype=np.float64, seed=seed), nn.Tanh(), nn.Linear(5, 2, dtype=np.float64, seed=seed)]
    return nn.Sequential(*layers)


def rows(n=10, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 2))


def weights(trainer):
    return np.concatenate([p.value.ravel() for p in trainer.net.parameters()])


def test_s22_the_twenty_line_network_equals_the_plain_loop_at_every_step():
    rng = np.random.default_rng(22)
    x, y = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
    w1, w2 = rng.standard_normal((1000, 100)), rng.standard_normal((100, 10))
    layers = [nn.Linear(1000, 100, bias=False, dtype=np.float64), nn.Sigmoid()]
    net = nn.Sequential(*layers, nn.Linear(100, 10, bias=False, dtype=np.float64))
    net[0].W.value, net[2].W.value = w1, w2
    trainer = train.Trainer(net, squares, optim.SGD(1e-4), batch_size=None)
    history = trainer.fit(x, y, epochs=2000)

    losses = np.empty(2000)
    for t in range(2000):
        h = 1 / (1 + np.exp(-x.dot(w1)))
        y_pred = h.dot(w2)
        losses[t] = np.square(y_pred - y).sum()
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h.T.dot(grad_y_pred)
        grad_h = grad_y_pred.dot(w2.T)
        grad_w1 = x.T.dot(grad_h * h * (1 - h))
        w1 -= 1e-4 * grad_w1
        w2 -= 1e-4 * grad_w2
    np.testing.assert_allclose(history.loss, losses, rtol=1e-9)
    assert 2e4 < losses[0] < 5e4
    assert history.loss[-1] < 10
    np.testing.assert_allclose(net[0].W.value, w1, rtol=1e-6, atol=1e-9)


def test_s12_a_linear_model_can_do_no_better_on_xor_than_one_half():
    X, y = data.xor()
    net = nn.Linear(2, 1, dtype=np.float64)
    trainer = train.Trainer(net, distributions.Gaussian(), optim.SGD(0.5), batch_size=None)
    trainer.fit(X, y, epochs=500, monitor=False)
    np.testing.assert_allclose(net.W.value, 0, atol=1e-9)
    np.testing.assert_allclose(net.b.value, 0.5, atol=1e-9)
    np.testing.assert_allclose(trainer.outputs(X), 0.5, atol=1e-9)


@pytest.mark.parametrize("unit", [nn.Tanh, nn.ReLU])
def test_s12_xor_is_learned(unit):
    X, y = data.xor()
    bias = nn.Constant(0.1)
    net = nn.Sequential(nn.Linear(2, 8, bias_init=bias), unit(), nn.Linear(8, 1))
    trainer = train.Trainer(net, distributions.Bernoulli(), optim.Adam(0.02), batch_size=None)
    trainer.fit(X, y, epochs=600)
    certainty = distributions.Bernoulli().mean(trainer.outputs(X))
    assert np.abs(certainty - y).max() < 0.1
    assert trainer.predict(X).tolist() == [0, 1, 1, 0]
    assert trainer.evaluate(X, y)["accuracy"] == 1


def test_digits_reach_97_percent_with_the_default_seed_and_on_average():
    X, y = data.digits()
    found = []
    for seed in range(5):
        X_, Xv, y_, yv = data.split(X, y, seed=seed, stratify=True)
        trainer = train.digits_trainer(seed)
        trainer.fit(X_, y_, train.DIGITS_EPOCHS)
        found.append(trainer.evaluate(Xv, yv)["accuracy"])
    assert found[0] >= 0.97
    assert np.mean(found) >= 0.97


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    X, y = data.digits()

    def run(seed):
        net = nn.Sequential(nn.Linear(64, 16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 10))
        trainer = train.Trainer(net, distributions.Categorical(), optim.Adam(0.01), seed=seed)
        history = trainer.fit(X, y, 2, validation=(X[:50], y[:50]))
        return weights(trainer), history

    (w1, h1), (w2, h2), (w3, h3) = run(7), run(7), run(8)
    assert np.array_equal(w1, w2)
    assert np.array_equal(h1.loss, h2.loss)
    assert h1.validation_loss == h2.validation_loss
    assert h1.update_ratio == h2.update_ratio
    assert not np.array_equal(w1, w3)
    assert h1.loss[0] != h3.loss[0]


def test_batches_follow_the_stated_order_and_the_short_last_batch_is_included():
    X, y = rows(10)
    trainer = train.Trainer(small(1), squares, optim.SGD(0.001), batch_size=4, seed=5)
    other = small(1)
    plain = train.Trainer(other, squares, optim.SGD(0.001), batch_size=None)
    history = trainer.fit(X, y, 2)
    losses = []
    for epoch in range(2):
        order = random.permutation(random.fold_in(random.fold_in(random.key(5), 1), epoch), 10)
        losses += [plain.step(X[order[i : i + 4]], y[order[i : i + 4]]) for i in (0, 4, 8)]
    assert history.loss.tolist() == losses
    assert history.steps == 6
    assert np.array_equal(weights(trainer), weights(plain))
    assert history.train_loss[0] == pytest.approx((4 * losses[0] + 4 * losses[1] + 2 * losses[2]) / 10)


def test_rows_drawn_with_replacement_follow_the_stated_draws():
    X, y = rows(10)
    trainer = train.Trainer(small(1), squares, optim.SGD(0.001), batch_size=4, seed=5)
    plain = train.Trainer(small(1), squares, optim.SGD(0.001))
    history = trainer.steps(X, y, 5)
    drawn = random.fold_in(random.key(5), 2)
    chosen = [random.integers(random.fold_in(drawn, t), 10, (4,)) for t in range(5)]
    assert history.loss.tolist() == [plain.step(X[c], y[c]) for c in chosen]
    assert history.epoch == []


def test_stochastic_and_batch_gradient():
    X, y = rows(6)
    stochastic = train.Trainer(small(1), squares, optim.SGD(0.001), batch_size=1)
    assert stochastic.fit(X, y, 2).steps == 12
    batch = train.Trainer(small(1), squares, optim.SGD(0.001), batch_size=None)
    assert batch.fit(X, y, 2).steps == 2
    assert train.Trainer(small(1), squares, optim.SGD(0.001), batch_size=100).fit(X, y, 2).steps == 2


def test_two_fits_go_on_as_one():
    X, y = rows(10)
    once = train.Trainer(small(1), squares, optim.Adam(0.01), batch_size=4)
    twice = train.Trainer(small(1), squares, optim.Adam(0.01), batch_size=4)
    whole = once.fit(X, y, 4)
    parts = twice.fit(X, y, 2), twice.fit(X, y, 2)
    assert np.array_equal(whole.loss, np.concatenate([p.loss for p in parts]))
    assert np.array_equal(weights(once), weights(twice))
    assert parts[1].epoch == [3, 4]


def test_shuffled_steps_are_the_steps_of_epochs():
    X, y = rows(10)
    a = train.Trainer(small(1), squares, optim.SGD(0.001), batch_size=4)
    b = train.Trainer(small(1), squares, optim.SGD(0.001), batch_size=4)
    assert a.fit(X, y, 400).loss.tolist() == b.steps(X, y, 1200, sampling="shuffle").loss.tolist()
    assert a.epoch_count == b.epoch_count == 400


def test_frozen_parameters_stay_and_the_graph_has_them_as_inputs_only():
    X, y = rows()
    net = small(1)
    before = [p.value for p in net.parameters()]
    net.freeze("0.*")
    trainer = train.Trainer(net, squares, optim.SGD(0.01, momentum=0.9), batch_size=None)
    trainer.fit(X, y, 3)
    after = [p.value for p in net.parameters()]
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [True, True, False, False]
    graph = trainer.graph().verify()
    assert len(graph.outputs) == 1 + 2 + 2
    assert [w.name for w in graph.inputs][-2:] == ["0.W", "0.b"]
    net.unfreeze()
    trainer.fit(X, y, 1)
    assert not np.array_equal(net[0].W.value, before[0])


def test_a_graph_of_a_step_is_a_function_of_its_inputs_alone():
    X, y = rows()
    trainer = train.Trainer(small(1), squares, optim.Adam(0.01), batch_size=4, engine="numpy")  # as graph.run
    graph = trainer.graph(4, X, y).verify()
    given = {w.serial for w in graph.inputs}
    assert not [w for w in graph.wires if w.op is None and w.active and w.serial not in given]
    inputs = trainer.memory().arrays
    out = graph.run(*inputs, X[:4], y[:4], 0, random.key(0))
    assert out[0] == trainer.step(X[:4], y[:4])
    assert np.array_equal(out[1], trainer.net[0].W.value)


def test_sample_weight_of_whole_numbers_repeats_rows_and_zero_leaves_out():
    X, y = data.digits()
    X, y = X[:6], y[:6]

    def run(X, y, weight=None):
        trainer = train.Trainer(nn.Linear(64, 10, dtype=np.float64), distributions.Categorical(), optim.SGD(0.1), None)
        return trainer.fit(X, y, 5, sample_weight=weight), weights(trainer)

    repeated = np.array([0, 0, 1, 2, 2, 2])
    (h1, w1), (h2, w2) = run(X[repeated], y[repeated]), run(X, y, [2, 1, 3, 0, 0, 0])
    np.testing.assert_allclose(h1.loss, h2.loss, rtol=1e-12)
    np.testing.assert_allclose(w1, w2, rtol=1e-12)


def test_a_loss_function_takes_weights_only_with_a_third_parameter():
    X, y = rows()
    trainer = train.Trainer(small(1), squares, optim.SGD(0.001))
    with pytest.raises(UnsupportedError, match="third parameter"):
        trainer.fit(X, y, 1, sample_weight=np.ones(10))

    def weighted(output, y, weight):
        return np.sum(np.expand_dims(weight, 1) * (output - y) ** 2)

    history = train.Trainer(small(1), weighted, optim.SGD(0.001), None).fit(X, y, 1, sample_weight=np.full(10, 2.0))
    trainer = train.Trainer(small(1), squares, optim.SGD(0.001), None)
    assert history.loss[0] == pytest.approx(2 * trainer.fit(X, y, 1).loss[0])


def test_lbfgs_takes_all_rows_and_epochs_are_iterations():
    X, y = rows(20)
    trainer = train.Trainer(small(1), distributions.Gaussian(), optim.LBFGS(), batch_size=4)
    history = trainer.fit(X, y, 30, validation=(X, y))
    assert history.steps == 30 == len(history.epoch)
    assert history.stopped is None
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert trainer.evaluate(X, y)["loss"] == pytest.approx(history.loss[-1])
    assert len(trainer.graph().outputs) == 5
    more = trainer.fit(X, y, 10_000)
    assert more.stopped == "max_iterations"
    assert more.steps == 100


def test_lbfgs_stops_where_nothing_is_left_to_gain():
    X, y = data.xor()
    net = nn.Linear(2, 1, dtype=np.float64)
    trainer = train.Trainer(net, distributions.Gaussian(), optim.LBFGS())
    history = trainer.steps(X, y, 50)
    assert history.stopped == "converged"
    np.testing.assert_allclose(net.W.value, 0, atol=1e-6)
    with pytest.raises(UnsupportedError, match="all rows"):
        trainer.steps(X, y, 5, sampling="replacement")
    with pytest.raises(UnsupportedError, match="no single step"):
        trainer.step(X, y)


def test_metrics_and_predictions_of_a_function():
    X, y = rows()

    def worst(output, y):
        return np.abs(output - y).max()

    trainer = train.Trainer(small(1), squares, optim.SGD(0.001), metrics={"worst": worst})
    history = trainer.fit(X, y, 2, validation=(X, y))
    assert trainer.evaluate(X, y)["worst"] == worst(trainer.predict(X), y) == history.metrics["worst"][-1]
    assert history.validation_accuracy == []


def test_data_frames_and_lists_are_taken_as_arrays():
    class Frame:
        columns = ("a", "b", "c")

        def __init__(self, table):
            self.table = table

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.table, dtype)

    X, y = rows()
    a = train.Trainer(small(1), squares, optim.SGD(0.001)).fit(X, y, 1)
    b = train.Trainer(small(1), squares, optim.SGD(0.001)).fit(Frame(X.astype(object)), y.tolist(), 1)
    assert np.array_equal(a.loss, b.loss)


def test_labels_may_come_as_floats_or_bytes():
    X, y = data.digits()
    losses = []
    for labels in (y, y.astype(np.float64), y.astype(np.uint8)):
        trainer = train.Trainer(nn.Linear(64, 10), distributions.Categorical(), optim.SGD(0.1))
        losses.append(trainer.fit(X, labels, 1).loss)
    assert np.array_equal(losses[0], losses[1])
    assert np.array_equal(losses[0], losses[2])


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"engine": "cuda"}, UnknownNameError, "no engine 'cuda'.*numpy"),
        ({"batch_size": 0}, DataError, "batch_size is a whole number from 1 up, and is 0; None for all rows"),
        ({"batch_size": 2.5}, OperandError, "batch_size is a whole number"),
        ({"batch_size": True}, OperandError, "batch_size is a whole number"),
        ({"threads": 0}, DataError, "threads is a whole number from 1 up"),
        ({"seed": -1}, DataError, "a seed lies between"),
        ({"loss": distributions.Gaussian}, OperandError, r"write Gaussian\(\)"),
        ({"loss": "mse"}, OperandError, "loss is a distribution or a function"),
        ({"optimizer": optim.SGD}, OperandError, r"write SGD\(\.\.\.\)"),
        ({"net": np.tanh}, OperandError, "net is a network"),
        ({"net": nn.Sequential(nn.ReLU())}, OperandError, "no parameters"),
        ({"optimizer": optim.SGD(0.1, groups={"7.*": {"rate": 1.0}})}, UnknownNameError, "matches the group"),
    ],
)
def test_settings_messages(settings, error, words):
    given = {"net": small(), "loss": squares, "optimizer": optim.SGD(0.1)} | settings
    with pytest.raises(error, match=words):
        train.Trainer(**given)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda output, y: (output - y) ** 2, "has to be one number: take np.mean or np.sum"),
        (lambda output, y: np.sum(y), "no gradient path"),
        (lambda output, y: 3.0, "does not depend on the network"),
    ],
)
def test_loss_messages(loss, words):
    with pytest.raises((OperandError, ValueError), match=words):
        train.Trainer(small(), loss, optim.SGD(0.1)).fit(*rows(), 1)


def test_all_frozen_and_unknown_sampling():
    net = small()
    net.freeze()
    trainer = train.Trainer(net, squares, optim.SGD(0.1))
    with pytest.raises(OperandError, match="every parameter of the network is frozen"):
        trainer.fit(*rows(), 1)
    with pytest.raises(UnknownNameError, match=r"no sampling 'shufle'\. Did you mean 'shuffle'"):
        train.Trainer(small(), squares, optim.SGD(0.1)).fit(*rows(), 1, sampling="shufle")
    with pytest.raises(DataError, match="shapes of the data are not known"):
        train.Trainer(small(), squares, optim.SGD(0.1)).graph()


@pytest.mark.parametrize("engine", train.ENGINES)
@pytest.mark.parametrize("copied", [lambda t: pickle.loads(pickle.dumps(t)), copy.deepcopy])
def test_a_trainer_can_be_pickled_or_copied_and_goes_on(engine, copied):
    X, y = rows()
    trainer = train.Trainer(small(), distributions.Gaussian(), optim.Adam(0.01), batch_size=4, engine=engine)
    trainer.fit(X, y, epochs=2, validation=(X, y))
    again = copied(trainer)
    assert np.array_equal(again.fit(X, y, epochs=2).loss, trainer.fit(X, y, epochs=2).loss)
    assert np.array_equal(weights(again), weights(trainer))


def test_a_loss_that_pairs_every_output_with_every_target_warns():
    X, y = rows()
    for loss, warns in ((squares, True), (lambda output, y: np.mean((output[:, 0] - y) ** 2), False)):
        trainer = train.Trainer(nn.Linear(3, 1), loss, optim.SGD(1e-3), batch_size=5)
        with pytest.warns(train.TrainingWarning, match="all 5 × 5 pairs") if warns else contextlib.nullcontext():
            trainer.fit(X, y[:, 0], epochs=1)


def test_draws_of_numpy_in_a_traced_network_warn():
    class Noise(nn.Layer):
        def forward(self, x):
            return x + np.random.normal(size=x.shape)  # noqa: NPY002 what users write

    X, y = rows()
    trainer = train.Trainer(nn.Sequential(Noise(), nn.Linear(3, 2)), distributions.Gaussian(), optim.SGD(1e-3))
    with pytest.warns(train.TrainingWarning, match="the same in every step"):
        trainer.fit(X, y, epochs=1)


def test_one_callback_is_a_list_of_one():
    X, y = rows()
    trainer = train.Trainer(small(), distributions.Gaussian(), optim.SGD(1e-3))
    with pytest.raises(OperandError, match="callbacks is a list"):
        trainer.fit(X, y, epochs=1, callbacks=lambda trainer, history: None)


def test_predictions_have_the_form_of_the_targets():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3)).astype(np.float32)
    for y in (X[:, 0], X[:, :1]):
        trainer = train.Trainer(nn.Sequential(nn.Linear(3, 1)), distributions.Gaussian(), optim.SGD(0.1))
        trainer.fit(X, y, 2)
        assert trainer.predict(X).shape == y.shape


def test_probabilities_of_classes():
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    trainer = train.Trainer(nn.Sequential(nn.Linear(3, 4)), distributions.Categorical(), optim.SGD(0.1))
    shares = trainer.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(shares.argmax(axis=1), trainer.predict(X))
    regression = train.Trainer(nn.Sequential(nn.Linear(3, 1)), distributions.Gaussian(), optim.SGD(0.1))
    with pytest.raises(UnsupportedError, match="classifies"):
        regression.predict_proba(X)
