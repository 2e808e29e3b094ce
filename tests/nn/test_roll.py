"""The roll of a network says what `named_parameters` says, whatever has been done to its layers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import distributions, nn, optim, train
from glassgrad.nn.roll import Roll


class Held(nn.Layer):
    """Layers and parameters in attributes, lists and dicts."""

    def __init__(self) -> None:
        self.first = nn.Linear(3, 3)
        self.blocks = [nn.Linear(3, 3), [nn.Linear(3, 3)]]
        self.heads = {"a": nn.Linear(3, 2), "b": nn.Linear(3, 2)}
        self.scale = nn.weight((2,), nn.Constant(1.0))
        self.later = None
        self.loop = [nn.Linear(3, 3)]

    def forward(self, x: Any) -> Any:
        x = self.first(x)
        for block in (self.blocks[0], *self.blocks[1]):
            x = block(x)
        return self.heads["a"](x) * self.scale


def own(n: int = 3) -> gg.Parameter:
    return gg.Parameter(np.ones((n, n), np.float32))


CHANGES: dict[str, Callable[[Held], Any]] = {
    "attribute": lambda net: setattr(net, "later", nn.Linear(2, 2)),
    "declared": lambda net: setattr(net, "more", nn.weight((1,), nn.Constant(0.0))),
    "parameter": lambda net: setattr(net.first, "W", own()),
    "undrawn again": lambda net: setattr(net.first, "W", nn.weight((3, 3), nn.Constant(0.0))),
    "deep in a list": lambda net: setattr(net.blocks[1][0], "W", own()),
    "list entry": lambda net: net.blocks.__setitem__(0, nn.Linear(3, 3)),
    "list longer": lambda net: net.blocks.append(nn.Linear(1, 1)),
    "list in a list": lambda net: net.blocks[1].append(nn.Linear(1, 1)),
    "list shorter": lambda net: net.loop.pop(),
    "dict entry": lambda net: net.heads.__setitem__("a", nn.Linear(3, 2)),
    "dict key": lambda net: net.heads.__setitem__("c", nn.Linear(3, 2)),
    "dict order": lambda net: net.heads.__setitem__("a", net.heads.pop("a")),
    "deleted": lambda net: delattr(net, "scale"),
    "without": lambda net: setattr(net.first, "b", None),
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_changes_are_seen(name: str) -> None:
    net = Held()
    net.initialise(1)
    roll = Roll(net)
    kept = roll.current().named
    assert roll.current().named is kept
    CHANGES[name](net)
    found = roll.current()
    expected = net.named_parameters()
    assert [n for n, _ in found.named] == [n for n, _ in expected]
    assert all(p is q for (_, p), (_, q) in zip(found.named, expected, strict=True))
    assert all(p is q for p, (_, q) in zip(found.parameters, found.named, strict=True))


def test_a_copy_has_a_roll_of_its_own() -> None:
    roll = Roll(Held().initialise(1))
    before = roll.current().parameters
    for other in (copy.deepcopy(roll), pickle.loads(pickle.dumps(roll))):
        assert all(p is not q for p, q in zip(other.current().parameters, before, strict=True))


def test_a_list_that_holds_itself_ends() -> None:
    net = nn.Linear(2, 2)
    entries: list[Any] = []
    roll = Roll(net)
    vars(net)["entries"] = entries
    entries.append(entries)
    assert len(roll.current().parameters) == 2


@pytest.mark.parametrize("engine", ["numpy", "native"])
def test_predictions_follow_the_network(engine: str) -> None:
    net = Held()
    trainer = train.Trainer(net, distributions.Gaussian(), optim.SGD(0.1), engine=engine)
    X = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    trainer.predict(X)

    def check() -> None:
        np.testing.assert_allclose(trainer.predict(X), np.asarray(net(X).value), rtol=1e-4, atol=1e-5)

    net.first.W.value = np.eye(3)
    check()
    for change in ("parameter", "deep in a list", "list entry", "dict entry"):
        CHANGES[change](net)
        net.named_parameters()
        check()
    trainer.steps(X, X[:, :2], n=3)
    check()
    trainer.restore(trainer.snapshot())
    net.initialise(5, again=True)
    check()
