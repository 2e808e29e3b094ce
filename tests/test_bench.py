"""The benchmark: every peer that is installed finds glassgrad's losses, and the report says what was measured."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PEERS = {"PyTorch": "torch", "JAX step": "jax", "JAX loop": "jax", "scikit-learn": "sklearn", "NumPy by hand": "numpy"}


@pytest.fixture(autouse=True)
def _bench_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))


def makers(kind: str, workload: Any, label: str) -> Any:
    from bench import peers

    if label in PEERS:
        pytest.importorskip(PEERS[label])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of imports of others
        return peers.makers(kind, workload, label)[label]


def network(**changed: Any) -> Any:
    from bench import workloads

    made = {"widths": (3, 6, 4, 2), "activations": ("tanh", "tanh"), "batch": 5, "drawn": 40} | changed
    return workloads.Network("small", "small", **made)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("label", [*PEERS, "glassgrad numpy"])
def test_peers_find_the_same_losses(label: str, optimizer: str) -> None:
    from bench import sections, workloads
    from bench.peers import ours

    w = network(optimizer=optimizer, rate=1e-2)
    sections.right_losses(makers("training", w, label)(), ours.losses(w, workloads.CHECKED))


@pytest.mark.parametrize("label", ["PyTorch", "JAX loop", "NumPy by hand"])
def test_every_activation_is_the_same_everywhere(label: str) -> None:
    from bench import sections, workloads
    from bench.peers import ours

    kinds = workloads.ACTIVATIONS
    w = network(widths=(3, *[6] * len(kinds), 2), activations=kinds, rate=1e-2)
    sections.right_losses(makers("training", w, label)(), ours.losses(w, workloads.CHECKED))


@pytest.mark.parametrize("label", ["PyTorch", "JAX loop", "NumPy by hand"])
def test_layers_that_are_fixed(label: str) -> None:
    from bench import sections, workloads
    from bench.peers import ours

    w = workloads.elbows(drawn=40)[0]
    sections.right_losses(makers("training", w, label)(), ours.losses(w, workloads.CHECKED))


def test_a_wrong_loss_is_noticed() -> None:
    from bench import sections, workloads
    from bench.measure import Row, Settings, prepared
    from bench.peers import ours

    w = network()
    losses = ours.losses(w, workloads.CHECKED)
    row = Row("small", "Training")
    made = prepared(
        row,
        {"wrong": lambda: ours.Trained(network(rate=0.1), "numpy"), "right": lambda: ours.Trained(w, "numpy")},
        lambda run: sections.right_losses(run, losses),
        Settings(),
    )
    assert list(made) == ["right"]
    assert "wrong result" in row.failed["wrong"]


@pytest.mark.parametrize("label", ["PyTorch", "JAX", "NumPy by hand"])
def test_general_functions_agree(label: str) -> None:
    from bench import functions, measure

    for f in functions.functions():
        value, gradients = makers("gradient", f, "glassgrad eager")()[1]()
        if label == "JAX":
            pytest.importorskip("jax")
        found, slopes = makers("gradient", f, label)()[1]()
        measure.close(found, value)
        for slope, expected in zip(slopes, gradients, strict=True):
            measure.close(slope, expected)


def test_drawn_networks_cover_what_is_said() -> None:
    from bench import workloads

    drawn = workloads.drawn_networks()
    assert len(drawn) == 20
    assert all(2 <= len(w.widths) <= 9 and 1 <= w.batch <= 300 for w in drawn)
    assert all(3 <= width <= 700 for w in drawn for width in w.widths)
    assert {a for w in drawn for a in w.activations} == set(workloads.ACTIVATIONS)
    assert [w.describe() for w in drawn] == [w.describe() for w in workloads.drawn_networks()]


def test_report_has_ratios_and_reasons() -> None:
    from bench import report
    from bench.measure import Result, Row, Settings

    row = Row("xor-sgd", "Training", "2-8-1")
    row.results = {
        "glassgrad numpy": Result(2e-6, 1e-6, 3e-6, 3),
        "JAX loop": Result(4e-6, 4e-6, 4e-6, 3),
        "PyTorch": Result(2e-4, 2e-4, 2e-4, 3, note="scaled up from 3% of the steps"),
    }
    row.left_out, row.failed = {"scikit-learn": "has none"}, {"torch.compile": "RuntimeError: no compiler"}
    data = json.loads(report.as_json([row], Settings(), 60.0))
    (entry,) = data["rows"]
    assert np.isclose(entry["ratios"]["glassgrad numpy"]["PyTorch"], 100)
    assert entry["best"]["glassgrad numpy"][0] == "JAX loop"
    assert np.isclose(data["means"]["Training"]["glassgrad numpy"]["geometric mean"], 2)
    assert data["machine"]["cores"] >= 1
    text = report.as_markdown([row], Settings(), 60.0, ["elbows-job"])
    assert "| JAX loop | **2** |" in text
    for reason in ("has none", "no compiler", "scaled up from 3%", "elbows-job"):
        assert reason in text
    assert str(Path(__file__).parents[1]) not in text + json.dumps(data)


def test_first_steps_are_measured_of_every_kind_of_network() -> None:
    from bench import sections, workloads

    names = [item.name for item in sections.items() if item.name.startswith("first-")]
    kinds = [f"{name}-sgd" for name in ("xor", "relu1d", "cs231n", "digits", "mnist")]
    assert names == [f"first-{name}" for name in (*kinds, "elbows-40-all", workloads.deepest().name)]
    assert len(workloads.deepest().widths) == max(len(w.widths) for w in workloads.drawn_networks())


def test_a_first_step_counts_compiling_and_no_import(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import startup

    loaded: list[str] = []
    load = startup.importlib.import_module
    monkeypatch.setattr(startup.importlib, "import_module", lambda name, *a: [loaded.append(name), load(name, *a)][1])
    maker = startup._maker("glassgrad native", "xor-sgd")
    assert {"llvmlite.binding", "glassgrad.train.native_engine"} <= set(loaded)
    assert maker()(1) > 0
    loaded.clear()
    startup._maker("glassgrad numpy", "xor-sgd")
    assert not any(name.startswith("llvmlite") for name in loaded)
    with startup.caches() as where:
        task = {"task": "first", "label": "glassgrad native", "network": "xor-sgd"}
        assert startup.child(task, where)["seconds"] > 0
        assert list(Path(where["GLASSGRAD_CACHE_DIR"]).rglob("*.object"))  # empty at first, and found by the second


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import __main__ as command
    from bench import measure, peers

    monkeypatch.setattr(peers, "LABELS", {"numpy_hand": peers.LABELS["numpy_hand"]})
    monkeypatch.setattr(command, "QUICK", measure.Settings(0.002, 2, quick=True))
    assert command.main(["--only", "xor-sgd,predict-digits-1", "--quick", "--out", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "report.json").read_text())["rows"]
    assert [row["name"] for row in rows] == ["xor-sgd", "predict-digits-1"]
    assert all({"NumPy by hand", "glassgrad numpy"} <= row["results"].keys() for row in rows)
    assert (tmp_path / "report.md").read_text() in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main(["--only", "nothing-like-this"])
    assert "--list" in capsys.readouterr().err


def _small_fit(**changed: Any) -> Any:
    from bench import fits
    from sklearn.linear_model import LogisticRegression

    from glassgrad import estimators

    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)).astype(np.float32)
    data = fits.Data(X[:150], (X @ [1.0, -2.0, 0.5] > 0)[:150], X[150:], (X @ [1.0, -2.0, 0.5] > 0)[150:])
    made = {"ours": estimators.LogisticRegression, "theirs": LogisticRegression} | changed
    return fits.Fit("fit-small", "small", lambda: data, **made)


def test_whole_fits_are_timed_after_they_are_judged() -> None:
    from bench import fits
    from bench.measure import Settings

    (row,) = fits.fit(_small_fit(seeds=2), Settings(rounds=2))
    assert not row.failed
    accuracies = [float(x) for x in re.findall(r"([\d.]+) %", row.what)]
    assert len(accuracies) == 2
    assert min(accuracies) > 90
    assert {label: result.blocks for label, result in row.results.items()} == {
        fits.PEER: 2, fits.LABEL: 2, fits.FIRST: 1
    }  # fmt: skip


def test_a_fit_that_is_less_accurate_is_noticed() -> None:
    from bench import fits
    from bench.measure import Settings

    from glassgrad import estimators

    def idle() -> Any:
        return estimators.LogisticRegression(C=1e-9, fit_intercept=False, class_weight={False: 1, True: 0})

    (row,) = fits.fit(_small_fit(ours=idle), Settings(rounds=1))
    assert "accuracy" in row.failed[fits.LABEL]
    assert fits.LABEL not in row.results


def test_every_fit_has_a_name_and_data_of_its_kind() -> None:
    from bench import fits

    names = [work.name for work in fits.fits()]
    assert len(set(names)) == len(names) == 11
    data = fits.digits()
    assert data.X.dtype == np.float32
    assert data.X.shape == (1347, 64)
