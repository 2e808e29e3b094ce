"""Formulas in plain text."""

from __future__ import annotations

import re

import pytest

from glassgrad.ops import COMPOSITIONS, OPS
from glassgrad.views.formulas import derivative, formula, plain, written
from glassgrad.views.numbers import array, number


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\frac{1}{2\sqrt{x}}", "1/(2√x)"),
        (r"\frac{x + y}{x}", "(x + y)/x"),
        (r"-\frac{x}{y^2}", "-x/y²"),
        (r"e^{-x}", "e^(-x)"),
        (r"x^{n+1}", "xⁿ⁺¹"),
        (r"x^{\top} g", "xᵀ g"),
        (r"1 - \tanh^{2} x", "1 - tanh² x"),
        (r"\left|x\right|", "|x|"),
        (r"\lfloor x / y \rfloor", "⌊x / y⌋"),
        (r"\mathrm{sign}\,x", "sign x"),
        (r"x \text{ where } c \text{ else } y", "x where c else y"),
        (r"\tfrac12(x + y)", "1/2(x + y)"),
        (r"\log_{10} x", "log₁₀ x"),
        (r"\lVert x \rVert", "‖x‖"),
    ],
)
def test_latex_becomes_plain_text(latex, text):
    assert plain(latex) == text


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_gate_can_be_written_in_names(name):
    op = OPS[name]
    count = len(op.gradients) if isinstance(op.gradients, tuple) else 2
    names = [f"operand{i}" for i in range(count)]
    texts = [formula(op, names), *(derivative(op, i, names, "out") for i in range(count))]
    assert texts[0]
    for text in texts:
        assert not re.search(r"[\\{}]|  ", text.replace("{0, …", "").replace("}", "").replace("#{", "")), text


@pytest.mark.parametrize("name", sorted(COMPOSITIONS))
def test_every_composition_can_be_written_in_names(name):
    text = written(name, COMPOSITIONS[name].explain, "xy", ["first", "second"])
    assert text
    assert "\\" not in text


def test_powers_with_a_number_are_simplified():
    assert derivative(OPS["power"], 0, ["w", "3"]) == "3 w²"
    assert derivative(OPS["power"], 0, ["w", "2"]) == "2 w"
    assert formula(OPS["power"], ["w", "3"]) == "w³"


def test_negative_operands_stand_in_parentheses():
    assert formula(OPS["multiply"], ["x", "-1"]) == "x (-1)"
    assert formula(OPS["multiply"], ["-1", "x"]) == "-1 x"


def test_the_upstream_gradient_is_named_after_its_wire():
    assert derivative(OPS["matmul"], 0, ["W", "x"], "q") == "∇q xᵀ"
    assert derivative(OPS["matmul"], 1, ["W", "x"], "q") == "Wᵀ ∇q"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.73105857863, "0.7311"),
        (-12.0, "-12"),
        (150000.0, "150000"),
        (1e7, "1e+07"),
        (-0.0, "0"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (True, "True"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


def test_arrays():
    assert array([1.0, 0.5]) == "[1 0.5]"
    assert array([[True]]) == "[[True]]"
    assert array([0.0] * 7) == "all 0"
    assert array([float("nan")] + [1.0] * 9) == "1 of 10 not finite"
    assert array([True] * 4 + [False] * 6) == "4 of 10 true"
    assert array([]) == "[]"
