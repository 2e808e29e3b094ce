"""In a notebook every object shows itself: well-formed, with its figures, in styles that touch nothing else."""

from __future__ import annotations

import importlib
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import glassgrad as gg
from glassgrad import data, displays, distributions, estimators, nn, optim, train
from glassgrad.estimators import LogisticRegression, PreparedModel

MODULES = (
    "glassgrad", "glassgrad.data", "glassgrad.distributions", "glassgrad.estimators", "glassgrad.nn", "glassgrad.ops",
    "glassgrad.optim", "glassgrad.storage", "glassgrad.train", "glassgrad.worked", "glassgrad.views",
)  # fmt: skip
PLAIN = {"no_grad", "Engine"}
"""A with-statement and a protocol, of which nobody holds an object."""


def shown(x: Any) -> str:
    """The words of an object's HTML, after a look at its form and at its styles."""
    html = x._repr_html_()
    tree = ElementTree.fromstring(re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))  # HTML's, not XML's
    assert tree.get("class") == "gg-show"
    for style in tree.iter("style"):
        text = re.sub(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}", r"\1", style.text or "")
        for selectors in re.findall(r"([^{}]+)\{", text):
            assert all(".gg-" in selector for selector in selectors.split(",")), selectors
        style.text = ""
    assert "http" not in re.sub(r"xmlns=\S+", "", html)
    return " ".join("".join(tree.itertext()).split())


def holds(x: Any, *figures: str) -> None:
    words = shown(x)
    for figure in figures:
        assert figure in words, (figure, words[:1500])


def chain() -> gg.Tensor:
    x, y, z = gg.tensor(-2.0, "x"), gg.tensor(5.0, "y"), gg.tensor(-4.0, "z")
    f = ((x + y).named("q") * z).named("f")
    f.backward()
    return f


def loss(w: Any, X: Any, y: Any) -> Any:
    return np.mean((np.tanh(X @ w) - y) ** 2)


def numbers() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((3, 2)), rng.standard_normal((5, 3)), rng.standard_normal((5, 2))


def test_nothing_public_lacks_a_display() -> None:
    seen = 0
    for module in map(importlib.import_module, MODULES):
        for name in getattr(module, "__all__", dir(module)):
            cls = getattr(module, name)
            if not isinstance(cls, type) or issubclass(cls, BaseException) or name in PLAIN:
                continue
            if cls.__module__.startswith("glassgrad"):
                seen += 1
                assert hasattr(cls, "_repr_html_"), f"{module.__name__}.{name} shows nothing"
                assert cls.__repr__ is not object.__repr__, f"{module.__name__}.{name} has no repr"
    assert seen > 80


def test_every_renderer_exists_and_says_what_it_shows() -> None:
    for table in displays.RENDERERS.values():
        for place in table.values():
            module, _, function = place.partition(":")
            assert getattr(importlib.import_module(f"glassgrad.views.{module}"), function).__doc__


def test_a_class_of_a_user_that_is_called_like_ours_is_shown_by_its_own_base() -> None:
    class History(nn.Layer):
        def forward(self, x: Any) -> Any:
            return x

    holds(History(), "History()", "no parameters")


def test_tensors_and_graphs() -> None:
    f = chain()
    holds(f, "tensor f", "made by multiply", "-12", "x + y", "distributes", "-4 × 1 = -4")
    holds(f.operands[0].operands[0], "tensor x", "float64", "-2", "-4")
    holds(gg.explain(f), "2 gates, 3 inputs", "switches", "3 × 1 = 3")
    holds(gg.Graph([f]), "2 gates, 3 inputs, 1 output", "multiply(q, z)")
    holds(gg.trace(loss, *numbers(), values=False), "traced, without values", "matmul(X, w)")
    holds(gg.Parameter(np.ones((64, 10), np.float32), "W", frozen=True), "parameter W", "float32, 64 × 10", "frozen")
    holds(gg.tensor([[1.5, np.nan]], "odd"), "1.5", "nan")
    holds(gg.tensor(np.zeros((0, 3))), "empty")
    holds(gg.tensor([1.0, 2.0], "<b>&"), "tensor <b>&")


def test_gradients_that_add_and_gradients_that_are_stopped() -> None:
    x = gg.tensor(3.0, "x")
    holds(gg.explain(x * x + gg.stop_gradient(x)), "+ from multiply_1", "3 + 3", "no gradient:")


def test_a_check_shows_what_is_right_and_what_is_wrong() -> None:
    holds(gg.check_gradient(loss, *numbers()), "✓ 17 gradients agree", "matmul_1", "forward mode")
    bad = gg.Check("gate", "y", "sinus", "x", 0.7, (1,), 0.25, 0.5, 1e-6, "wrong")
    report = gg.GradientReport([bad, gg.Check("input", "x", "", "", 1e-9, (), 1.0, 1.0, 1e-6, "ok")], 1e-5)
    holds(report, "✗ wrong: the rule of sinus", "0.25 against 0.5 at (1,)", "7.0e-01")
    assert repr(report) == "<GradientReport of 2 checks, 1 wrong>"


def test_costs_and_compiled_functions() -> None:
    cost = gg.cost(loss, *numbers())
    holds(cost, "of the gradient by 6 numbers", f"{cost.forward.flops:,}", f"{cost.central.flops:,}")
    fast = gg.compile(loss)
    holds(fast, "no program yet")
    fast(*numbers())
    holds(fast, "loss · 1 program", "w: float64, 3 × 2", "kernel")
    assert repr(fast) == "<Compiled loss, 1 program>"
    told = fast.explain()
    holds(told, "GFLOP/s")
    assert repr(told) == str(told)


def test_networks_and_their_parts() -> None:
    net = nn.Sequential(nn.Linear(4, 3, seed=0), nn.Tanh(), nn.Linear(3, 2, seed=1))
    net[0].freeze()
    holds(net, "23 parameters, 8 learn", "0.Linear", "1.Tanh", "(4, 3) frozen", "in all")
    holds(nn.Linear(2, 2, weight=nn.Constant(0.25), seed=0), "Linear(2, 2)", "6 parameters", "0.25")
    for unit in (nn.ELU(), nn.ReLU(), nn.Sigmoid(), nn.HardTanh(), nn.RandomizedReLU()):
        assert "polyline" in unit._repr_html_()
    for unit in (nn.Softmax(), nn.Maxout(2), nn.PReLU(3), nn.Dropout(0.5)):
        assert shown(unit)
    holds(nn.HeNormal(), "HeNormal", "gain")
    holds(distributions.NegativeBinomial(2.5), "NegativeBinomial", "2.5")
    holds(optim.SGD(0.1, momentum=0.9), "SGD", "rate", "0.1", "momentum", "0.9")
    holds(optim.Cosine(0.5, 40), "Cosine", "40")


def test_training() -> None:
    X, y = data.xor()
    net = nn.Sequential(nn.Linear(2, 4, seed=0), nn.Tanh(), nn.Linear(4, 1, seed=1))
    trainer = train.Trainer(net, distributions.Bernoulli(), optim.Adam(0.05), batch_size=2, seed=9)
    history = trainer.fit(X, y, 30, validation=(X, y))
    last, best = history.validation_loss[-1], history.best_epoch
    holds(history, "60 steps in", "held-out accuracy", f"{last:.5g}", f"lowest held-out loss: epoch {best}", "30")
    assert history._repr_html_().count("<svg") == 2
    steps = trainer.steps(X, y, 500)
    holds(steps, "500 steps", f"loss {steps.loss[0]:.4g} → {steps.loss[-1]:.4g}", "the mean of every")
    holds(train.History(), "0 steps")
    holds(trainer, "560 steps taken in", "Bernoulli", "Adam", "17", "native, one thread")
    assert repr(trainer) == "<Trainer of 17 parameters by Adam, 560 steps taken>"
    holds(history.graph_at(3), "16 inputs", "every value and gradient")
    holds(gg.explain(history.graph_at(3, whole=False)), "0.W", "2.b", "loss")
    search = train.find_rate(trainer, X, y, steps=30)
    holds(search, f"suggested rate: {search.suggestion:.2g}")
    holds(train.Patience(3), "Patience", "epochs", "3")
    holds(trainer.snapshot(), "Snapshot", "weights", "0.W")
    hill = train.PerturbationTrainer(nn.Linear(2, 1, seed=0), distributions.Bernoulli(), train.HillClimbing(0.1))
    holds(hill, "PerturbationTrainer", "HillClimbing")
    assert repr(train.Patience(3)) == "Patience(epochs=3)"


def test_a_diverged_history_shows_that() -> None:
    net = nn.Linear(2, 1, seed=0)
    trainer = train.Trainer(net, lambda output, y: np.mean((output - y) ** 2), optim.SGD(1e6), batch_size=None)
    X, y = data.xor()
    with pytest.warns(train.TrainingWarning):
        history = trainer.steps(X, y, 60)
    holds(history, "ended early: diverged")


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> data.Table:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"age": rng.integers(18, 80, 40), "sex": list("fm") * 20, "note": ["<i>&"] * 40, "member": ["no", "yes"] * 20}
    )
    path = tmp_path_factory.mktemp("members") / "members.csv"
    frame.to_csv(path, index=False)
    return data.read(path, target="member")


def test_a_users_own_data(members: data.Table) -> None:
    assert members.frame is not None
    holds(members, "40 rows, 4 columns", "member target", "<i>&", str(members.frame["age"].iloc[5]), "and 34 rows more")
    prep = data.Preparation.fit(members)
    holds(prep, "3 columns of", "3 features", "a column for each of 2 values", "2 classes to tell apart")
    holds(prep.columns[0], "Number", "mean")
    holds(data.Guess("number", "whole numbers"), "kind", "number", "reason", "whole numbers")
    assert prep.target is not None
    holds(prep.target, "member", "classification", "no, yes")
    model = LogisticRegression().fit(prep.transform(members), members.column("member"))
    holds(PreparedModel(model, prep, {"made": "here"}), "LogisticRegression", "made", "here", "settings")
    assert "<style" in model._repr_html_()  # scikit-learn's own
    X, y = data.digits()
    pictures = data.Table("digits.npz", "npz", array=X.reshape(-1, 8, 8), labels=y, target="label")
    holds(pictures, "1,797 images")
    assert pictures._repr_html_().count("data:image/png") == 10


def test_all_worked_examples_show_themselves() -> None:
    names = list(gg.worked.EXAMPLES)
    for name in names:
        example = gg.worked.example(name)
        holds(example, example.title, f"glassgrad explain {name}")


def test_estimators_show_as_scikit_learn_does() -> None:
    for name in estimators.__all__:
        cls = getattr(estimators, name)
        if isinstance(cls, type) and hasattr(cls, "get_params"):
            assert name in cls()._repr_html_()
