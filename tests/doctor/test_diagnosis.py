"""What a diagnosis shows, its errors, and the doctor that watches training."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.doctor import ILLNESSES, THRESHOLDS
from glassgrad.doctor.evidence import bars, curve, shares
from glassgrad.worked.ill import PLANTED, network, rows, trainer


def test_a_diagnosis_as_text_has_eighty_columns_and_all_that_was_found():
    diagnosis = PLANTED["dead-units"](0)
    text = str(diagnosis)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.splitlines()[:2] == [
        "diagnosis of a 64-32-10 network before training, on 400 rows",
        f"{len(diagnosis.findings)} alarms: {', '.join(diagnosis.codes)}",
    ]
    assert "32 of the 32 units of 1.ReLU are off on every row." in text
    assert re.search(r"1\.ReLU  █+  100 % ◀", text)
    assert "bias_init=nn.Constant(0.1)" in text
    assert "mend dead-units first" in text


@pytest.mark.filterwarnings("ignore::glassgrad.train.TrainingWarning")
@pytest.mark.parametrize("code", PLANTED)
def test_every_diagnosis_fits_eighty_columns_and_is_well_formed_html(code):
    diagnosis = PLANTED[code](0)
    assert max(len(line) for line in diagnosis.text().splitlines()) <= 80
    section = ET.fromstring(diagnosis.section())
    assert len(section.findall(".//svg")) == len(diagnosis.findings)
    words = " ".join(section.itertext())
    for finding in diagnosis.findings:
        assert finding.code in words
        assert set(finding.illness.remedies) == set(ILLNESSES[finding.code].remedies)


def test_a_healthy_diagnosis_is_true_and_a_page_fetches_nothing():
    X, _, y, _ = rows(0)
    healthy, ill = gg.diagnose(trainer(network(64, 32, 10), 0), X, y), PLANTED["zero-weights"](0)
    assert healthy
    assert healthy.codes == ()
    assert str(healthy).splitlines()[1] == f"no alarm: {len(ILLNESSES)} illnesses were looked for"
    assert not ill
    assert not re.search(r"https?://", ill.html().replace('xmlns="http://www.w3.org/2000/svg"', ""))
    assert ill._repr_html_().count("<svg") == len(ill.findings)


def test_every_threshold_has_a_reason_and_is_used():
    import inspect

    from glassgrad.doctor import (
        case,
        dependence,
        examination,
        gradient_signs,
        input_signs,
        label_signs,
        loss_signs,
        run_signs,
        unit_signs,
    )  # fmt: skip

    modules = case, dependence, examination, gradient_signs, input_signs, label_signs, loss_signs, run_signs, unit_signs
    source = "".join(inspect.getsource(module) for module in modules)
    for name, threshold in THRESHOLDS.items():
        assert f'at("{name}")' in source or f"at('{name}')" in source, name
        assert len(threshold.why) > 20


def test_pictures_in_characters():
    assert bars("b", [("a", 1.0), ("bb", 2.0)], [1]).text(80)[1:] == [
        "a   ████████████████                  1",
        "bb  ████████████████████████████████  2 ◀",
    ]
    assert shares("s", [("a", 0.5)]).text(80)[1] == "a  ████████████████                  50 %"
    assert curve("c", [1.0, 2.0, 3.0]).text(80)[1] == "▁▅█  1 … 3"
    many = bars("m", [(f"f{i}", float(i)) for i in range(20)], [19]).text(80)
    assert len(many) == 10
    assert many[-2].startswith("f19")
    assert many[-1] == "and 12 more"


@pytest.mark.parametrize("values", [[np.nan, np.inf, 1.0], [0.0, 0.0], [-1.0, 1.0], [1e-300, 1e300]])
@pytest.mark.parametrize("log", [False, True])
def test_pictures_of_odd_numbers(values, log):
    for picture in (bars('<odd> & "bars"', [(f"<{v}>", v) for v in values], [0], log), curve("odd", values, log=log)):
        assert picture.text(80)
        for rect in ET.fromstring(picture.svg()).findall("rect"):
            assert 0 <= float(rect.attrib["width"]) <= 460


def test_what_cannot_be_examined_is_refused_or_said():
    X, _, y, _ = rows(0)
    made = trainer(network(64, 8, 10), 0)
    with pytest.raises(gg.errors.DataError, match="has not trained yet"):
        gg.diagnose(made)
    with pytest.raises(gg.errors.OperandError, match="X and y together"):
        gg.diagnose(made, X)
    with pytest.raises(gg.errors.OperandError, match="validation is a pair"):
        gg.diagnose(made, X, y, validation=X)
    with pytest.raises(gg.errors.ShapeError, match="X"):
        gg.diagnose(made, X[:, :5], y)
    with pytest.raises(gg.errors.UnsupportedError, match="not Perceptron"):
        gg.diagnose(_perceptron(X, y), X, y)
    with pytest.raises(gg.errors.UnsupportedError, match="not str"):
        gg.diagnose("net")
    few = gg.diagnose(made, X[:20], y[:20])
    assert few.unseen["whether labels depend on features"] == "fewer than 50 rows"


def _perceptron(X, y):
    from glassgrad.estimators import Perceptron

    return Perceptron(random_state=0).fit(X, y)


def test_at_most_a_thousand_rows_are_run_and_none_is_drawn():
    X, y = gg.data.digits()
    first, second = (gg.diagnose(trainer(network(64, 8, 10), 0), X, y) for _ in range(2))
    assert first.rows == second.rows == 1000


@pytest.mark.filterwarnings("ignore::glassgrad.train.TrainingWarning")  # of the symptoms that follow
def test_the_doctor_watches_and_warns_once():
    X, _, y, _ = rows(0)
    made, doctor = trainer(network(64, 32, 10, bias_init=gg.nn.Constant(-10.0)), 0), gg.Doctor()
    with pytest.warns(gg.train.TrainingWarning, match="before the first step, dead-units: 32 of the 32") as told:
        made.fit(X, y, epochs=5, callbacks=[doctor], monitor=False)
    assert sum("dead-units:" in str(w.message) for w in told) == 1
    assert [epoch for epoch, _ in doctor.diagnoses] == [0, 1, 2, 4, 5]
    assert doctor.diagnosis.codes[0] == "dead-units"


def test_training_that_is_watched_is_the_same_training():
    X, _, y, _ = rows(2)
    runs = []
    for callbacks in ([], [gg.Doctor(every=1)]):
        made = trainer(network(64, 16, 10), 2)
        history = made.fit(X, y, epochs=3, callbacks=callbacks)
        runs.append((history.loss, made.snapshot().weights))
        assert made.history is history
    assert (runs[0][0] == runs[1][0]).all()
    assert all((runs[0][1][name] == runs[1][1][name]).all() for name in runs[0][1])


def test_a_run_that_diverges_is_told_with_its_cause():
    X, _, y, _ = rows(0)
    made = trainer(network(64, 32, 1), 0, gg.distributions.Gaussian(), gg.optim.SGD(50.0))
    with pytest.warns(gg.train.TrainingWarning, match="training stopped"):
        made.fit(X, y[:, None].astype(np.float32), epochs=5)
    diagnosis = gg.diagnose(made)
    assert diagnosis.codes[0] == "large-updates"
    assert "diverged" in diagnosis
    assert diagnosis.findings[-1].evidence.shape == "line"
