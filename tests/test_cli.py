"""The command line as a user meets it: what is printed, what is written, what an error looks like."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import glassgrad
from glassgrad import storage, worked
from glassgrad.cli import app, folders
from glassgrad.cli.common import UsageError
from glassgrad.op import Op

START = [sys.executable, "-W", "error", "-c", "from glassgrad.cli import main; main()"]
QUICK = ["train", "digits", "--epochs", "2"]


def invoke(*args: str):
    return CliRunner().invoke(app, list(args), prog_name="glassgrad")


def environment() -> dict[str, str]:
    source = str(Path(glassgrad.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": source, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}


def started(*args: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [*START, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        env=environment(), **options,
    )  # fmt: skip


def test_the_version_and_the_commands_are_shown():
    assert invoke("--version").output == f"glassgrad {glassgrad.__version__}\n"
    page = invoke("--help").output
    assert all(word in page for word in ("train", "explain", "check", "--version"))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("train", ["--epochs", "--seed", "--hidden", "--batch-size", "--rate", "--optimizer", "--patience",
                   "--held-out", "--output", "--overwrite", "--quiet",
                   "--diagnose", "--debug", "glassgrad train digits"]),
        ("explain", ["--list", "--fold", "--open", "--width", "--derive", "--latex", "glassgrad explain add-mul"]),
        ("check", ["--shape", "--seed", "--order", "--tolerance", "glassgrad check all"]),
    ],
)  # fmt: skip
def test_help_is_complete_and_fits_80_columns(here, command, words):
    shown = invoke(command, "--help")
    assert shown.exit_code == 0
    assert all(word in shown.output for word in words)
    assert max(map(len, shown.output.splitlines())) <= 80


def test_the_main_job(here):
    shown = invoke("train", "digits")
    assert shown.exit_code == 0
    accuracy = float(re.search(r"held-out accuracy (\d+\.\d+)%", shown.output)[1])
    assert accuracy >= 97
    assert re.search(r"gradient checked: \d+ gates agree with finite differences", shown.output)
    assert "confusion" in shown.output
    assert "steps/s" in shown.output
    assert "updates" in shown.output
    assert "\x1b" not in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80
    folder = here / "digits-model"
    assert sorted(p.name for p in folder.iterdir()) == ["model.json", "report.html", "weights.safetensors"]
    model = storage.load(folder)
    _, X_held, _, y_held = glassgrad.data.split(*glassgrad.data.digits(), seed=0, stratify=True)
    assert model.loss is not None
    hit = float(np.mean(model.loss.predict(model.net(X_held).value) == y_held))
    assert 100 * hit == pytest.approx(accuracy, abs=0.01)
    assert model.info["held_out_accuracy"] == pytest.approx(hit)
    assert model.info["command"] == "glassgrad train digits"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Misread" in page
    assert "<polyline" in page
    assert "graph(" in page


def test_a_second_run_takes_the_next_name_and_repeats_bit_for_bit(here):
    first, second = invoke(*QUICK), invoke(*QUICK)
    assert "digits-model exists and is left as it is" in second.output
    assert "digits-model-2" in second.output
    assert first.exit_code == second.exit_code == 0
    for name in ("weights.safetensors", "model.json"):
        assert (here / "digits-model" / name).read_bytes() == (here / "digits-model-2" / name).read_bytes()
    assert "written to digits-model-3" in invoke(*QUICK, "--seed", "1").output
    other = (here / "digits-model-3" / "weights.safetensors").read_bytes()
    assert other != (here / "digits-model" / "weights.safetensors").read_bytes()


def test_a_folder_that_was_asked_for_is_never_overwritten_silently(here):
    (here / "mine").mkdir()
    (here / "mine" / "notes.txt").write_text("keep")
    refused = invoke(*QUICK, "-o", "mine")
    assert refused.exit_code == 2
    assert "mine exists and is not empty" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert [p.name for p in (here / "mine").iterdir()] == ["notes.txt"]
    assert invoke(*QUICK, "-o", "mine", "--overwrite").exit_code == 0
    assert (here / "mine" / "notes.txt").read_text() == "keep"
    assert (here / "mine" / "model.json").is_file()
    assert invoke(*QUICK, "-o", "new/deep").exit_code == 0
    (here / "file").write_text("x")
    assert "is a file" in invoke(*QUICK, "-o", "file").stderr


def test_a_folder_that_is_filled_in_the_meantime_loses_nothing(here, monkeypatch):
    taken = folders.take

    def take(*args):
        folder = taken(*args)
        (folder.path / "other.txt").write_text("another program")
        return folder

    monkeypatch.setattr(folders, "take", take)
    shown = invoke(*QUICK, "-o", "mine")
    assert shown.exit_code == 0
    assert "written to mine-2" in shown.output
    assert [p.name for p in (here / "mine").iterdir()] == ["other.txt"]


def test_taking_a_folder(here):
    first, second = folders.take(None, "m", False), folders.take(None, "m", False)
    assert (first.path.name, second.path.name, second.instead_of) == ("m", "m-2", Path("m"))
    second.give_up()
    assert not second.path.exists()
    (first.path / "kept").write_text("")
    first.give_up()
    assert first.path.exists()
    assert folders.take(None, "m", True).path == Path("m")
    with pytest.raises(UsageError, match="not empty"):
        folders.take(Path("m"), "m", False)


def test_settings_are_used_and_written_down(here):
    args = ["--hidden", "12", "--hidden", "7", "--optimizer", "adam", "--rate", "0.01", "--batch-size", "50"]
    shown = invoke(*QUICK, *args, "--held-out", "0.5", "--seed", "3", "--patience", "1")
    assert "64-12-7-10" in shown.output
    assert "898 examples to learn from, 899 held out" in shown.output
    info = storage.load(here / "digits-model").info
    for word in [*args, "--seed", "3", "--patience", "--held-out"]:
        assert word in info["command"].split()
    page = (here / "digits-model" / "report.html").read_text(encoding="utf-8")
    assert "Adam(rate=0.01), 50 examples in a step" in page


def test_quiet_says_only_how_good_it_is_and_where_it_went(here):
    shown = invoke(*QUICK, "--quiet", "-o", "m")
    assert [line.split(" ")[0] for line in shown.output.splitlines()] == ["held-out", "written"]


def test_a_rate_that_ruins_everything_is_said(here):
    shown = invoke(*QUICK, "--rate", "1000", "-o", "bad")
    assert "warning:" in shown.stderr
    assert shown.exit_code in (0, 1)
    assert json.loads((here / "bad" / "model.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "iris"], "there is no file 'iris', and no data set 'iris' either"),
        (["train", "digits", "--optimizer", "sdg"], "Did you mean 'sgd'"),
        (["train", "digits", "--held-out", "1"], "between 0 and 1"),
        (["train", "digits", "--held-out", "0.001"], "cannot hold out"),
        (["train", "digits", "--rate", "nan"], "--rate is a number above 0"),
        (["train", "digits", "--rate", "-1"], "--rate is a number above 0"),
        (["train", "digits", "--seed", "99999999999"], "--seed goes up to 4294967295"),
        (["train", "digits", "--optimizer", "lbfgs", "--rate", "1"], "has no --rate"),
        (["explain", "ad-mul"], "Did you mean 'add-mul'"),
        (["check", "ad-mul"], "There are: add-mul, "),
        (["check", "add-mul", "--shape", "3"], "--shape is for a function of your own"),
        (["check", "add-mul", "--tolerance", "0"], "--tolerance lies between 0 and 1"),
        (["check", "missing.py:f"], "there is no file missing.py"),
    ],
)
def test_mistakes_are_one_message_without_a_traceback(here, args, message):
    shown = invoke(*args)
    assert shown.exit_code == 2
    assert message in shown.stderr
    assert shown.stderr.startswith("error: ")
    assert "Traceback" not in shown.stderr
    assert "dataclasses.py" not in shown.stderr
    assert list(here.iterdir()) == []
    assert "Traceback" in invoke(*args, "--debug").stderr


def test_options_out_of_range_are_refused(here):
    for args in (["--epochs", "0"], ["--hidden", "0"], ["--batch-size", "0"], ["--seed", "-1"], ["--patience", "0"]):
        assert invoke("train", "digits", *args).exit_code == 2
    assert invoke("train").exit_code == 2
    assert invoke("nothing").exit_code == 2


def test_a_wrong_gradient_stops_the_main_job(here, monkeypatch):
    honest = Op.rule

    def rule(op, i):
        return (lambda *a, **k: 1.001 * honest(op, i)(*a, **k)) if op.name == "relu" else honest(op, i)

    monkeypatch.setattr(Op, "rule", rule)
    shown = invoke(*QUICK)
    assert shown.exit_code == 1
    assert "gradient of the network is wrong" in shown.stderr
    assert "the rule of relu" in shown.stderr
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", list(worked.EXAMPLES))
def test_every_worked_example_is_written_out(here, name):
    shown = invoke("explain", name)
    assert shown.exit_code == 0
    assert worked.EXAMPLES[name].title in shown.output


def test_examples_are_listed_folded_and_set_to_a_width(here):
    assert invoke("explain", "--list").output == worked.listing() + "\n"
    assert invoke("explain").output.startswith(worked.listing())
    folded, opened = (invoke("explain", "categorical-cost", o).output for o in ("--fold", "--open"))
    assert "exp" in opened
    assert len(opened) > len(folded)
    for width in ("60", "100"):
        assert max(map(len, invoke("explain", "add-mul", "--width", width).output.splitlines())) <= int(width)


def test_the_doctor_is_asked_after_training(here):
    shown = invoke(*QUICK, "--quiet", "--diagnose")
    assert shown.exit_code == 0, shown.output
    assert "diagnosis of a 64-" in shown.output
    assert re.search(r"no alarm: \d\d illnesses were looked for", shown.output)
    assert "--diagnose" not in (here / "digits-model" / "report.html").read_text(encoding="utf-8")


def test_a_derivation_is_written_as_a_page(here):
    args = ("explain", "two-layer", "--derive")
    assert invoke(*args, "--html", "two.html").exit_code == 0
    assert "<math" in (here / "two.html").read_text(encoding="utf-8")
    assert invoke(*args, "--html", "two.html").exit_code == 2
    assert invoke(*args, "--html", "two.html", "--overwrite").exit_code == 0
    odd = invoke(*args, "--svg", "two.svg")
    assert odd.exit_code == 2
    assert "written as a page" in odd.output


def test_worked_examples_are_derived(here):
    shown = invoke("explain", "two-layer", "--derive")
    assert shown.exit_code == 0
    assert "∂ℓ/∂W1 = ((1 − x2²) ⊙ (W2ᵀ x4)) xᵀ                          [(2×1)(1×2) = 2×2]" in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80
    assert max(map(len, invoke("explain", "two-layer", "--derive", "--width", "60").output.splitlines())) <= 60
    assert invoke("explain", "add-mul", "--latex").output.startswith("\\begin{aligned}")


def test_worked_examples_are_checked(here):
    shown = invoke("check", "sigmoid-neuron", "--order", "2")
    assert shown.exit_code == 0
    assert "order 2" in shown.output
    assert "agree with finite differences" in shown.output
    every = invoke("check", "all")
    assert every.exit_code == 0
    assert all(name in every.output for name in worked.EXAMPLES)
    assert invoke("check").output.startswith(worked.listing())


MODULE = """
from __future__ import annotations
from dataclasses import dataclass
import numpy as np
import glassgrad as gg
from beside import scale

@dataclass
class Settings:
    rate: float = 1.0

wrong = gg.gate(lambda x: x * x, lambda g, out, x: 2.001 * g * x, name="almost", tolerance=0.01)

def loss(w, X, y):
    return np.mean((np.tanh(X @ w) - y) ** 2) * scale

def bad(x):
    return np.sum(wrong(x))

def lone(x, y=2.0):
    import later
    return x * y * later.one

def fails(x):
    return {}["no"]

def many(*xs):
    return sum(np.sum(x) for x in xs)

number = 3
"""


@pytest.fixture
def own(here):
    (here / "own.py").write_text(MODULE)
    (here / "beside.py").write_text("scale = 2.0\n")
    (here / "later.py").write_text("one = 1.0\n")
    yield here
    for name in ("beside", "later", "checked_own", "checked_refused", "checked_broken"):
        sys.modules.pop(name, None)


def test_a_function_of_the_users_is_checked(own):
    shown = invoke("check", "own.py:loss", "--shape", "3", "--shape", "5,3", "--shape", "(5,)")
    assert shown.exit_code == 0, shown.stderr
    assert "matmul" in shown.output
    assert invoke("check", f"{own / 'own.py'}:lone").exit_code == 0
    assert invoke("check", "own.py:lone", "--shape", "2x2", "--shape", "()").exit_code == 0
    assert invoke("check", "own.py:many", "--shape", "2", "--shape", "3").exit_code == 0
    assert str(own) not in sys.path


def test_a_wrong_rule_of_the_users_ends_with_code_1(own):
    shown = invoke("check", "own.py:bad", "--shape", "3")
    assert shown.exit_code == 1
    assert "wrong: the rule of almost" in shown.output
    (own / "refused.py").write_text(MODULE.replace(", tolerance=0.01", ""))
    shown = invoke("check", "refused.py:bad", "--shape", "3")
    assert shown.exit_code == 1
    assert "almost" in shown.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["own.py:los"], "Did you mean 'loss'"),
        (["own.py"], "say which function: own.py:FUNCTION; there are: loss, bad, lone, fails, many"),
        (["own.py:number"], "is a int, not a function"),
        (["own.py:loss", "--shape", "3"], "takes w, X, y: give --shape once for each (3 needed, 1 given)"),
        (["own.py:many"], "takes no argument"),
        (["own.py:lone", "--shape", "3,b"], "whole numbers such as 3"),
        (["own.py:lone", "--shape", "0"], "sizes from 1 up"),
        (["own.py:fails"], "KeyError: 'no'"),
        (["own.py:loss", "--shape", "3", "--shape", "5,2", "--shape", "5"], "matmul"),
        (["broken.py:f"], "broken.py cannot be imported: ZeroDivisionError"),
    ],
)
def test_mistakes_around_the_users_file(own, args, message):
    (own / "broken.py").write_text("x = 1\ny = x / 0\n")
    shown = invoke("check", *args)
    assert shown.exit_code == 2
    assert message in shown.stderr
    assert "Traceback" not in shown.stderr


def test_no_terminal_means_no_colours_and_no_bar(tmp_path):
    process = started(*QUICK, cwd=tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert err == ""
    assert "\x1b" not in out
    assert "━" not in out
    assert len(out.splitlines()) < 25


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process alone")
def test_ctrl_c_keeps_what_was_learned(tmp_path):
    process = started("train", "digits", "--epochs", "100000", cwd=tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("gradient checked"):
            break
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted after" in err
    assert "what was learned until then is kept" in err
    assert "written to digits-model" in out
    assert "Traceback" not in err
    model = storage.load(tmp_path / "digits-model")
    assert model.info["ended"] == "interrupted"
    assert model.info["steps"] > 0
    assert "Interrupted from the keyboard" in (tmp_path / "digits-model" / "report.html").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_a_closed_pipe_is_no_error(tmp_path):
    command = " ".join(f"'{word}'" for word in [*START, "explain", "sigmoid-neuron"])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1"], capture_output=True, text=True, env=environment(), cwd=tmp_path
    )
    assert done.stdout.startswith("A neuron")
    assert done.stderr == ""


def test_a_console_without_unicode_still_works(tmp_path):
    process = subprocess.run(
        [*START, "explain", "sigmoid-neuron"], capture_output=True, cwd=tmp_path,
        env={**environment(), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert process.returncode == 0
    assert b"A neuron" in process.stdout
    assert process.stderr == b""


@pytest.mark.parametrize("words", [("explain", "nope"), ("check", "no.py:f"), ("train", "nope")])
def test_a_mistake_on_the_command_line_shows_no_line_of_code(here, words):
    process = started(*words)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.startswith("error: there is no")
    assert "\n  at " not in said


def test_a_mistake_in_the_users_file_shows_its_line(here):
    (here / "mine.py").write_text("import numpy as np\n\n\ndef f(w):\n    return np.fft.fft(w)\n")
    process = started("check", "mine.py:f", "--shape", "3", cwd=here)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "mine.py:5" in said
