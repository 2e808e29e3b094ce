"""Every illness that is planted is named, and named first; the trainer that is examined stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.doctor import ILLNESSES
from glassgrad.worked.ill import PLANTED, network, rows, trainer

FOLLOWS = {"constant-output"}
"""What is met only as a symptom."""


@pytest.mark.filterwarnings("ignore::glassgrad.train.TrainingWarning")
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("code", PLANTED)
def test_what_was_planted_is_named_first(code, seed):
    diagnosis = PLANTED[code](seed)
    assert diagnosis.codes[:1] == (code,)
    assert not diagnosis
    causes = [f.code for f in diagnosis.findings if f.follows is None]
    allowed = {"constant-labels": {"classes-missing"}, "constant-features": {"dead-units"}}
    assert set(causes[1:]) <= allowed.get(code, set())


def test_every_illness_can_be_planted():
    assert set(PLANTED) == set(ILLNESSES) - FOLLOWS


def test_the_same_answer_for_all_rows_is_a_symptom():
    X, _, y, _ = rows(0)
    made = trainer(network(64, 32, 10, bias_init=nn.Constant(-10.0)), 0)
    made.step(X, y)
    diagnosis = gg.diagnose(made, X, y)
    assert diagnosis.codes[0] == "dead-units"
    assert "constant-output" in diagnosis
    assert {f.code: f.follows for f in diagnosis.findings}["constant-output"] == "dead-units"


def test_shares_of_units_and_rows_are_those_that_were_planted():
    X, _, y, _ = rows(0)
    low = np.zeros(32, np.float32)
    low[:24] = -10
    net = network(64, 32, 10)
    net.initialise(0)
    net[0].b.value = low
    finding = gg.diagnose(trainer(net, 0), X, y).findings[0]
    z = X @ net[0].W.value + low
    assert finding.code == "dead-units"
    assert finding.units == np.mean((z <= 0).all(axis=0)) == 24 / 32
    assert finding.rows == pytest.approx(np.mean(z <= 0))
    assert finding.evidence.values == (0.75,)


def test_the_line_of_a_clipped_loss_is_named():
    what = PLANTED["loss-cuts-gradients"](0).findings[0].what
    assert "clip stops it at ill.py:" in what
    assert "p = np.clip(sigmoid(output), 1e-3, 1 - 1e-3)" in what


def test_a_hinge_stops_gradients_of_rows_that_are_right_and_is_healthy():
    X, _, y, _ = rows(0)

    def hinge(output, y):
        return np.mean(np.maximum(0.0, 1.0 - y * output[:, 0]))

    made = trainer(nn.Linear(64, 1), 0, hinge)
    made.fit(X, np.where(y < 5, 1.0, -1.0), epochs=60)
    g = np.maximum(0, 1 - np.where(y < 5, 1, -1) * made.outputs(X)[:, 0])
    assert np.mean(g == 0) > 0.5
    assert gg.diagnose(made).healthy


def test_the_reason_why_no_gradient_comes_is_that_of_the_gate():
    what = PLANTED["unused-parameters"](0).findings[0].what
    assert "no path from first.W to the loss" in what
    assert gg.ops.OPS["stop_gradient"].rule(0) in what


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_trainer_stays_as_it_was_bit_for_bit(engine, sparse):
    from scipy.sparse import csr_matrix

    X, X_held, y, y_held = rows(1)
    X, X_held = (csr_matrix(part) if sparse else part for part in (X, X_held))

    def trained(examine):
        net = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 10))
        made = gg.train.Trainer(net, gg.distributions.Categorical(), gg.optim.Adam(1e-3), seed=1, engine=engine)
        losses = []
        for _ in range(2):
            if examine:
                gg.diagnose(made, X, y, validation=(X_held, y_held))
            losses.append(made.fit(X, y, epochs=1).loss)
        return np.concatenate(losses), made.snapshot()

    (loss, kept), (other, watched) = trained(False), trained(True)
    assert (loss == other).all()
    assert all((kept.weights[name] == watched.weights[name]).all() for name in kept.weights)
    assert all(
        (a == b).all() for name in kept.states for a, b in zip(kept.states[name], watched.states[name], strict=True)
    )


def test_a_parameter_keeps_the_gradient_it_had():
    X, _, y, _ = rows(0)
    net = network(64, 8, 10)
    net.initialise(0)
    gg.distributions.Categorical().loss(net(X), y).backward()
    before = net[0].W.grad.copy()
    gg.diagnose(trainer(net, 0), X[:50], y[:50])
    assert (net[0].W.grad == before).all()
