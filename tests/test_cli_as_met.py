"""What a newcomer with a file of their own met: sums of money, rare classes, counts, long names."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from glassgrad.cli import app
from glassgrad.estimators import PreparedModel


def invoke(*args: str):
    return CliRunner().invoke(app, list(args), prog_name="glassgrad")


def done(*args: str) -> str:
    shown = invoke(*args)
    assert shown.exit_code == 0, shown.output + shown.stderr
    assert not [line for line in shown.stdout.splitlines() if len(line) > 80]
    return shown.stdout + shown.stderr


def test_a_spreadsheet_with_semicolons_and_euros(here) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.uniform(20, 140, 80)
    rents = [f"{12 * s + 200:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".") for s in sizes]
    rows = [
        f"{10_000 + 7 * i};{s:.1f}".replace(".", ",") + f";{r} €"
        for i, (s, r) in enumerate(zip(sizes, rents, strict=True))
    ]
    name = "mieten-aus-der-tabelle-die-einen-sehr-langen-namen-hat"
    (here / f"{name}.csv").write_text("\r\n".join(["Kunden-Nr.;Größe;Miete", *rows]), encoding="utf-8-sig")
    said = done("train", f"{name}.csv", "--target", "Miete", "--epochs", "150")
    assert "Miete: numbers with €, thousands separated by a point, a decimal comma" in " ".join(said.split())
    assert "Kunden-Nr.  left out  an identifier" in said
    assert f"written to {name}-model:\n  model.json, weights.safetensors, report.html" in said
    (here / "new.csv").write_text("Größe\n100\n", encoding="utf-8")
    predicted = float(done("predict", f"{name}-model", "new.csv").splitlines()[1].split(",")[1])
    assert predicted == pytest.approx(1400, rel=0.2)
    (here / "bad.csv").write_text("Groesse\n100\n", encoding="utf-8")
    refused = invoke("predict", f"{name}-model", "bad.csv").stderr
    assert "no column 'Größe'" in refused
    assert "columns that the model does not need: Groesse" in refused


def test_classes_with_one_row_are_learned_from(here) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{c + rng.normal(0, 0.3):.3f},{'abc'[c]}" for c in rng.integers(0, 3, 400)] + ["5,odd"]
    (here / "rare.csv").write_text("\n".join(["x,kind", *rows]))
    said = done("train", "rare.csv", "--target", "kind", "-m", "mlp", "--patience", "3", "--epochs", "10")
    assert "each class its share" in " ".join(said.split())
    assert "warning: 1 class has one row only, which is learned from and not held out" in said
    model = PreparedModel.load(here / "rare-model")
    assert list(model.target.classes) == ["a", "b", "c", "odd"]
    assert repr(model) == "<PreparedModel: MLPClassifier of 1 feature for 'kind'>"


def test_a_loss_of_counts_makes_a_target_counts(here) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 2, 120)
    rows = [f"{a:.3f},{n}" for a, n in zip(x, rng.poisson(np.exp(x)), strict=True)]
    (here / "visits.csv").write_text("\n".join(["x,visits", *rows]))
    said = done("train", "visits.csv", "--target", "visits", "--loss", "poisson", "--epochs", "5")
    assert "counts; as --loss poisson wants" in said
    refused = invoke("train", "visits.csv", "--target", "visits", "--loss", "poisson", "--task", "regression")
    assert refused.exit_code == 2
    assert "--loss poisson is for counts, and --task regression was given; take --task counts" in refused.stderr


def test_messages_name_the_options_of_the_command_line(here) -> None:
    pytest.importorskip("onnx")
    rows = [f"{i % 7},{i % 2}" for i in range(40)]
    (here / "t.csv").write_text("\n".join(["x,y", *rows]))
    done("train", "t.csv", "--target", "y", "-m", "logistic")
    done("export", "t-model")
    refused = invoke("export", "t-model")
    assert refused.exit_code == 2
    assert "t-model.onnx exists; name another file, or replace it with --overwrite" in refused.stderr
    shown = done("inspect", "t-model")
    assert shown.count("parameters") == 1
