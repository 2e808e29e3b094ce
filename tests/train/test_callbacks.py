"""Early stopping, the monitor, callbacks, interruption, divergence, the progress bar, the printed history."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from glassgrad import distributions, nn, optim, train
from glassgrad.ops import random
from glassgrad.train import Callback, History, Monitor, TrainingWarning


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 4)).astype(np.float32)
    return X, (X @ np.array([[1.0], [-2.0], [0.5], [0.0]])).astype(np.float32)


def make(optimizer=None, **settings):
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
    return train.Trainer(net, distributions.Gaussian(), optimizer or optim.SGD(0.05), **({"batch_size": 8} | settings))


def weights(trainer):
    return np.concatenate([p.value.ravel() for p in trainer.net.parameters()])


class Recorder(Callback):
    def __init__(self):
        self.calls, self.weights, self.steps = [], [], 0

    def on_start(self, trainer, history, steps):
        self.calls.append(("start", steps))

    def on_steps(self, trainer, history, steps, loss):
        self.steps += steps

    def on_epoch(self, trainer, history):
        self.calls.append(("epoch", history.epoch[-1]))
        self.weights.append(weights(trainer))

    def on_end(self, trainer, history):
        self.calls.append(("end", history.steps))


def test_callbacks_see_each_epoch_with_its_weights(rows):
    recorder, trainer = Recorder(), make()
    trainer.fit(*rows, 3, callbacks=[recorder])
    assert recorder.calls == [("start", 15), ("epoch", 1), ("epoch", 2), ("epoch", 3), ("end", 15)]
    assert np.array_equal(recorder.weights[-1], weights(trainer))
    assert not np.array_equal(recorder.weights[0], recorder.weights[1])
    assert recorder.steps == 15


def test_looking_at_the_progress_does_not_change_a_bit(rows):
    plain, watched = make(), make()
    plain.fit(*rows, 5)
    watched.fit(*rows, 5, callbacks=[Recorder()])
    assert np.array_equal(weights(plain), weights(watched))


def test_a_function_can_stop_training_and_say_why(rows):
    history = make().fit(*rows, 10, callbacks=[lambda trainer, history: len(history.epoch) == 2])
    assert history.stopped == "callback"
    assert history.epoch == [1, 2]
    history = make().fit(*rows, 10, callbacks=[lambda trainer, history: "good enough"])
    assert history.stopped == "good enough"


def test_patience_stops_and_puts_the_best_weights_back(rows):
    X, y = rows
    seen: list[np.ndarray] = []

    def keep(trainer, history):
        seen.append(weights(trainer))

    trainer = make(optim.Adam(0.05))
    noise = np.random.default_rng(0).standard_normal((10, 1))
    history = trainer.fit(X, y, 300, validation=(X[:10], y[:10] + noise), patience=4, callbacks=[keep])
    assert history.stopped == "patience"
    assert history.best_epoch is not None
    assert len(history.epoch) == history.best_epoch + 4
    assert np.array_equal(weights(trainer), seen[history.best_epoch - 1])
    assert trainer.evaluate(X[:10], y[:10] + noise)["loss"] == min(history.validation_loss)


def test_the_best_weights_are_put_back_also_when_training_ends_by_itself(rows):
    X, y = rows
    trainer = make(optim.SGD(1e-6))
    history = trainer.fit(X, -y, 5, validation=(X, y), patience=100, monitor=False)
    assert history.stopped is None
    assert trainer.evaluate(X, y)["loss"] == min(history.validation_loss)


@pytest.mark.parametrize("progress", [False, True])
def test_an_interruption_returns_what_was_learned(rows, progress, capsys):
    X, y = rows

    class Interrupted(Callback):
        def on_epoch(self, trainer, history):
            if len(history.epoch) == 3:
                raise KeyboardInterrupt

    trainer, three = make(), make()
    history = trainer.fit(X, y, 100, callbacks=[Interrupted()], progress=progress)
    three.fit(X, y, 3)
    assert history.stopped == "interrupted"
    assert history.steps == 15
    assert np.array_equal(weights(trainer), weights(three))
    trainer.fit(X, y, 1)
    three.fit(X, y, 1)
    assert np.array_equal(weights(trainer), weights(three))


def test_an_interruption_within_an_epoch_keeps_the_last_finished_step_of_numpy(rows):
    X, y = rows
    trainer, seven = make(engine="numpy"), make(engine="numpy")  # the other asks for a graph once a stretch
    run = trainer.engine.steps

    def steps(graphs, memory, stretch, losses):
        def interrupting(n):
            if memory.step == 7:
                raise KeyboardInterrupt
            return graphs(n)

        run(interrupting, memory, stretch, losses)

    trainer.engine.steps = steps
    history = trainer.fit(X, y, 10, validation=(X, y), patience=5)
    reference = seven.steps(X, y, 7, sampling="shuffle")
    assert history.stopped == "interrupted"
    assert history.steps == 7 == trainer.step_count
    assert np.array_equal(history.loss, reference.loss)
    assert np.array_equal(weights(trainer), weights(seven))
    assert trainer.epoch_count == 2


def test_an_error_in_a_callback_keeps_the_weights_in_step(rows):
    def fail(trainer, history):
        raise RuntimeError("mine")

    trainer, one = make(), make()
    with pytest.raises(RuntimeError, match="mine"):
        trainer.fit(*rows, 5, callbacks=[fail])
    one.fit(*rows, 1)
    assert np.array_equal(weights(trainer), weights(one))
    assert trainer.step_count == 5


def test_divergence_is_said_and_goes_back_to_finite_weights(rows):
    trainer = make(optim.SGD(1e30))
    with pytest.warns(TrainingWarning, match="at step .*learning rate is probably too large") as caught:
        history = trainer.fit(*rows, 20)
    assert history.stopped == "diverged"
    assert np.isfinite(weights(trainer)).all()
    assert caught[0].filename == __file__
    with pytest.warns(TrainingWarning, match="went back"):
        assert make(optim.SGD(1e30)).steps(*rows, 50).stopped == "diverged"


def test_the_monitor_warns_of_updates_that_are_too_large(rows):
    trainer = make(optim.AdamW(0.5, weight_decay=1.0))
    with pytest.warns(TrainingWarning, match=r"each step changes '\d\.W' by .*% of its size.*try a tenth") as caught:
        trainer.fit(*rows, 8)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_the_monitor_warns_of_updates_that_are_too_small(rows):
    with pytest.warns(TrainingWarning, match="nothing much is learned; try a rate a hundred times") as caught:
        make(optim.SGD(1e-9)).fit(*rows, 5)
    assert len(caught) == 1


def test_the_monitor_can_be_turned_off_and_given_other_bounds(rows):
    make(optim.SGD(1e-9)).fit(*rows, 5, monitor=False)
    with pytest.warns(TrainingWarning):
        make().fit(*rows, 5, monitor=False, callbacks=[Monitor(high=1e-4)])


def test_the_update_ratio_is_that_of_the_last_step_with_a_full_batch(rows):
    X, y = rows
    trainer, other = make(batch_size=16), make(batch_size=16)
    history = trainer.fit(X, y, 2)
    assert {name: len(ratios) for name, ratios in history.update_ratio.items()} == dict.fromkeys(
        ("0.W", "0.b", "2.W", "2.b"), 2
    )
    order = random.permutation(random.fold_in(random.fold_in(random.key(0), 1), 0), 40)
    other.step(X[order[:16]], y[order[:16]])
    before = other.net[0].W.value
    other.step(X[order[16:32]], y[order[16:32]])
    change = np.linalg.norm(other.net[0].W.value - before)
    assert history.update_ratio["0.W"][0] == pytest.approx(change / np.linalg.norm(before), rel=1e-4)


def test_the_progress_bar_shows_loss_accuracy_speed_and_time_left(rows):
    X, _ = rows
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=140)
    net = nn.Linear(4, 2)
    trainer = train.Trainer(net, distributions.Categorical(), optim.SGD(0.1))
    y = (X[:, 0] > 0).astype(int)
    trainer.fit(X, y, 3, validation=(X, y), progress=console)
    shown = stream.getvalue()
    assert "100%" in shown
    assert "loss 0." in shown
    assert "held-out accuracy" in shown
    assert "steps/s" in shown
    assert "00:00" in shown


def test_the_history_prints_within_80_columns(rows):
    X, y = rows

    def worst(output, y):
        return np.abs(output - y).max()

    history = make(metrics={"the worst error of all": worst}).fit(X, y, 30, validation=(X, y))
    lines = str(history).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 18
    assert lines[0].split()[0] == "epoch"
    assert "150 steps" in str(history)
    assert f"* lowest held-out loss: epoch {history.best_epoch}" in lines
    assert "loss" in str(make().steps(X, y, 5))
    assert repr(history) == "<History of 150 steps, 30 epochs>"
    assert str(History()).startswith("0 steps")
    assert history.seconds >= history.step_seconds > 0
    assert history.compile_seconds > 0
    assert history.steps_per_second > 0
