"""What runs as a call of NumPy: the complete list, here and in docs/compiled.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad import passes
from glassgrad.graphs import Graph
from glassgrad.native.plan import Plan
from glassgrad.native.steps import Call
from glassgrad.ops import OPS
from glassgrad.tensors import constant, traced

CALLS = frozenset(
    ("argsort", "cholesky", "cofactor", "det", "eigh", "inv", "permutation", "pinv", "qr", "searchsorted", "slogdet",
     "solve", "svd")
)  # fmt: skip
"""The gates that may be calls: those of LAPACK, and those that sort."""
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "compiled.md"


def called(name: str) -> bool:
    """Whether some case of the gate, on float64, is a call of NumPy."""
    for xs, params in OPS[name].cases(np.random.default_rng(0)):
        wires = [traced(np.shape(x), np.asarray(x).dtype) if np.asarray(x).size else constant(x) for x in xs]
        out: Any = OPS[name](*wires, **params)
        outs = list(out) if isinstance(out, tuple) else [out]
        plan = Plan(passes.run(Graph(outs, [w for w in wires if w.op is None and w._value is None])))
        if any(isinstance(step, Call) and 0 not in step.gate.shape for step in plan.steps):
            return True
    return False


def test_only_these_gates_are_calls() -> None:
    assert {name for name in OPS if name != "part" and called(name)} == CALLS


def test_the_document_lists_what_is_called() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    table = [line for line in text.split("## Called")[1].splitlines() if line.startswith("|")]
    assert set(re.findall(r"`(\w+)`", "\n".join(table))) == CALLS
