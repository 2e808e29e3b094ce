"""Why a gradient is absent, zero, tiny, huge, not finite or ordinary: each cause is named with its gate."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import GradientError, OperandError

SMALL, NEVER = np.float32(1e-30), np.array(False)


def w(value, name="w"):
    return gg.tensor(value, name)


def times(h, n, f):
    for _ in range(n):
        h = f(h)
    return h


def frozen():
    p = gg.Parameter(2.0, "p")
    p.frozen = True
    return p


def layer(bias):
    X, W = np.random.default_rng(0).normal(size=(32, 3)), w(np.ones((3, 4)))
    return W, np.mean(gg.relu(X @ W + bias))


def of(x, f):
    return gg.why(f(x), x)


CASES = {
    "off": (lambda: of(w(-3.0), lambda x: np.sum(gg.relu(x * gg.tensor([1.0, 2.0])))), "zero", "off", "for all 2 n"),
    "off in a layer": (lambda: gg.why(*layer(-100.0)[::-1]), "zero", "off", "is off for all 32 rows and 4 columns"),
    "saturated": (lambda: of(w(-38.0), gg.sigmoid), "tiny", "saturated", "σ′(-38) = 3.139e-17"),
    "where": (lambda: of(w(2.0), lambda x: np.where(NEVER, x, 1.0)), "zero", "other branch", "where at"),
    "maximum": (lambda: of(w(2.0), lambda x: np.maximum(x, 5.0)), "zero", "other branch", "the other operand, 5.0"),
    "clip": (lambda: of(w(9.0), lambda x: np.clip(x, 0, 1)), "zero", "clipped", "9 is not between 0 and 1"),
    "stop_gradient": (lambda: of(w(9.0), lambda x: gg.stop_gradient(x) * 2.0), "absent", "stopped", "lets none pass"),
    "argmax": (lambda: of(w([1.0, 2.0]), lambda x: np.argmax(x) * 1.0), "absent", "blocked", "a whole number"),
    "comparison": (lambda: of(w(1.0), lambda x: (x > 0) * 1.0), "absent", "blocked", "greater at"),
    "integer": (lambda: of(w(3, "n"), lambda x: w(2.0) * x), "absent", "integer", "it holds int64"),
    "frozen": (lambda: of(frozen(), lambda x: x * w(1.0)), "absent", "frozen", "p.frozen = False"),
    "no path": (lambda: gg.why(w(1.0) * 2.0, w(2.0, "w2")), "absent", "no path", "no path leads from w2"),
    "log of 0": (lambda: of(w(0.0), np.log), "not finite", "log of 0", "takes the logarithm of 0"),
    "log of a negative": (lambda: of(w(-2.0), lambda x: x * np.log(x)), "not finite", "log of a negative", "thm of -2"),
    "division by 0": (lambda: of(w(0.0), lambda x: 1.0 / x), "not finite", "division by 0", "divides 1 by 0"),
    "root": (lambda: of(w(-1.0), np.sqrt), "not finite", "root of a negative", "the root of -1"),
    "infinite slope": (lambda: of(w(0.0), np.sqrt), "not finite", "infinite slope", "has slope inf at 0"),
    "overflow": (lambda: of(w(1000.0), np.exp), "not finite", "overflow", "more than float64 can hold"),
    "0·∞": (lambda: of(w(0.0), lambda x: np.where(NEVER, np.sqrt(x), 0.0) + x), "not finite", "0·∞", "np.where("),
    "bad data": (lambda: of(w(1.0), lambda x: np.sum(x * w([1.0, np.nan], "x"))), "not finite", "bad data", "(1 of 2"),
    "cancels": (lambda: of(w(3.0), lambda x: x * 2.0 - x * 2.0), "zero", "cancels", "+2 and -2, which cancel"),
    "times zero": (lambda: of(w(3.0), lambda x: x * gg.tensor(0.0, "b")), "zero", "times zero", "by b, which is 0"),
    "underflow": (lambda: of(w(SMALL), lambda x: x * SMALL * SMALL), "zero", "underflow",
                  "less than float32 can hold"),
    "shrinks": (lambda: of(w(1.0), lambda x: times(x, 40, lambda h: np.sin(h * 0.2))), "tiny", "shrinks",
                "a product of 40 factors of about 0.2"),
    "grows": (lambda: of(w(0.1), lambda x: times(x, 20, lambda h: h * 3.0)), "huge", "grows", "20 factors of about 3"),
    "ordinary": (lambda: of(w(2.0), lambda x: x * x), "ordinary", "ordinary", "is ordinary: 4"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_each_cause_is_named(name):
    ask, kind, reason, words = CASES[name]
    answer = ask()
    assert (answer.kind, answer.reason) == (kind, reason)
    assert words in answer
    assert answer.endswith(".")
    assert str(answer) == repr(answer)
    assert answer.wire


def test_the_kind_is_that_of_the_engines_gradient():
    rng = np.random.default_rng(3)
    for _ in range(40):
        W, loss = layer(float(rng.choice([-100, -1.0, 0.0, 2.0])))
        loss.backward()
        most = float(np.abs(W.grad).max())
        kind = "zero" if most == 0 else "tiny" if most < 1e-7 else "huge" if most > 1e4 else "ordinary"
        assert gg.why(loss, W).kind == kind


def test_one_number_of_a_wire_is_asked_about():
    x = w([1.0, -1.0])
    loss = np.sum(gg.relu(x))
    assert gg.why(loss, x, 0).kind == "ordinary"
    assert (gg.why(loss, x, 1).kind, gg.why(loss, x, 1).reason) == ("zero", "off")


def test_mistakes_and_copies():
    x = w([1.0, 2.0])
    with pytest.raises(GradientError, match="single number"):
        gg.why(x * 2.0, x)
    with pytest.raises(OperandError):
        gg.why(3.0, x)
    answer = gg.why(np.sum(x), x)
    again = pickle.loads(pickle.dumps(answer))
    assert (again, again.kind, again.reason) == (answer, answer.kind, answer.reason)
