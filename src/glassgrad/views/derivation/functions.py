"""The functions that formulas speak of: how each is written, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.ops import OPS
from glassgrad.ops.composed import log_softmax, logsumexp, softmax


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its name in LaTeX and in text, what SymPy calls it, and NumPy's way to compute it.

    ``sympy`` has ``{0}``, ``{1}`` where the arguments go; it is empty where the function is none of
    single numbers. ``over``: it runs along axes, which `run` takes as ``axis`` (and ``keepdims``).
    """

    latex: str
    text: str
    sympy: str
    run: Callable[..., Any]
    over: bool = False


def _named(latex: str, sympy: str, run: Callable[..., Any], text: str = "") -> Function:
    return Function(latex, text or latex.strip("\\").removeprefix("mathrm{").rstrip("}"), sympy, run)


FUNCTIONS: dict[str, Function] = {
    "ln": _named(r"\ln", "log({0})", np.log),
    "log_2": _named(r"\log_{2}", "log({0}, 2)", np.log2, "log₂"),
    "log_10": _named(r"\log_{10}", "log({0}, 10)", np.log10, "log₁₀"),
    **{name: _named(f"\\{name}", f"{name}({{0}})", getattr(np, name)) for name in ("sin", "cos", "tan")},
    **{name: _named(f"\\{name}", f"{name}({{0}})", getattr(np, name)) for name in ("sinh", "cosh", "tanh")},
    "cot": _named(r"\cot", "cot({0})", lambda x: np.cos(x) / np.sin(x)),
    "sec": _named(r"\sec", "sec({0})", lambda x: 1 / np.cos(x)),
    "csc": _named(r"\csc", "csc({0})", lambda x: 1 / np.sin(x)),
    "arcsin": _named(r"\arcsin", "asin({0})", np.arcsin),
    "arccos": _named(r"\arccos", "acos({0})", np.arccos),
    "arctan": _named(r"\arctan", "atan({0})", np.arctan),
    "arsinh": _named(r"\mathrm{arsinh}", "asinh({0})", np.arcsinh),
    "arcosh": _named(r"\mathrm{arcosh}", "acosh({0})", np.arccosh),
    "artanh": _named(r"\mathrm{artanh}", "atanh({0})", np.arctanh),
    "erf": _named(r"\mathrm{erf}", "erf({0})", OPS["erf"].forward),
    "sign": _named(r"\mathrm{sign}", "sign({0})", np.sign),
    "abs": _named(r"\mathrm{abs}", "Abs({0})", np.abs),
    "floor": _named(r"\mathrm{floor}", "floor({0})", np.floor),
    "ceil": _named(r"\mathrm{ceil}", "ceiling({0})", np.ceil),
    "max": _named(r"\max", "Max({0}, {1})", np.maximum),
    "min": _named(r"\min", "Min({0}, {1})", np.minimum),
    "atan2": _named(r"\mathrm{atan2}", "atan2({0}, {1})", np.arctan2),
    "sigma": Function(r"\sigma", "σ", "(1/(1 + exp(-({0}))))", OPS["sigmoid"].forward),
    "softplus": _named(r"\mathrm{softplus}", "log(1 + exp({0}))", OPS["softplus"].forward),
    "det": _named(r"\det", "", np.linalg.det),
    "softmax": Function(r"\mathrm{softmax}", "softmax", "", softmax, over=True),
    "log_softmax": Function(r"\mathrm{log\,softmax}", "log softmax", "", log_softmax, over=True),
    "logsumexp": Function(r"\mathrm{logsumexp}", "logsumexp", "", logsumexp, over=True),
    "onehot": Function(
        r"\mathrm{onehot}", "onehot", "", lambda y, axis: np.asarray(y)[..., None] == np.arange(axis[0]), over=True
    ),
    "norm": Function("", "", "", np.linalg.norm, over=True),
}  # fmt: skip
"""Every function by the name that formulas give it."""
