"""glassgrad: a backpropagation engine you can see through.

Write a function in NumPy; glassgrad records its computational graph, runs it forward and backward,
shows every value and gradient on every wire, and proves each gradient numerically.

Default dtypes are NumPy's: Python floats make float64 tensors, arrays keep their dtype, and a Python
number beside a float32 array becomes float32. The layers of `glassgrad.nn` are float32 unless told.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassgrad import (
        data,
        distributions,
        doctor,
        errors,
        exchange,
        geometry,
        nn,
        ops,
        optim,
        storage,
        train,
        worked,
    )
    from glassgrad.checkpoints import checkpoint
    from glassgrad.checks import check_gradient
    from glassgrad.compiler import Compiled, compile
    from glassgrad.costs import Cost, cost
    from glassgrad.custom import gate
    from glassgrad.differences import numerical_gradient
    from glassgrad.doctor.examination import diagnose
    from glassgrad.doctor.findings import Diagnosis
    from glassgrad.doctor.watching import Doctor
    from glassgrad.graphs import Graph, trace
    from glassgrad.ops import random
    from glassgrad.ops.arithmetic import relu, stop_gradient
    from glassgrad.ops.circular import cot, csc, sec
    from glassgrad.ops.composed import log_softmax, logsumexp, one_hot, softmax
    from glassgrad.ops.elementwise import erf, sigmoid, softplus
    from glassgrad.ops.index import scatter_add
    from glassgrad.ops.sparse import sparse_matmul
    from glassgrad.parameters import Parameter
    from glassgrad.reports import Check, GradientReport
    from glassgrad.tensors import Tensor, constant, tensor
    from glassgrad.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
    from glassgrad.views.derivation import Derivation, derive
    from glassgrad.views.paths import paths
    from glassgrad.views.picture.drawing import Picture, draw
    from glassgrad.views.reasons import why
    from glassgrad.views.text import explain
    from glassgrad.wire import no_grad

__version__ = "0.1.0"

_WHERE = {
    "checkpoints": ("checkpoint",),
    "checks": ("check_gradient",),
    "compiler": ("Compiled", "compile"),
    "costs": ("Cost", "cost"),
    "custom": ("gate",),
    "differences": ("numerical_gradient",),
    "doctor.examination": ("diagnose",),
    "doctor.findings": ("Diagnosis",),
    "doctor.watching": ("Doctor",),
    "graphs": ("Graph", "trace"),
    "ops.arithmetic": ("relu", "stop_gradient"),
    "ops.circular": ("cot", "csc", "sec"),
    "ops.composed": ("log_softmax", "logsumexp", "one_hot", "softmax"),
    "ops.elementwise": ("erf", "sigmoid", "softplus"),
    "ops.index": ("scatter_add",),
    "ops.sparse": ("sparse_matmul",),
    "parameters": ("Parameter",),
    "reports": ("Check", "GradientReport"),
    "tensors": ("Tensor", "constant", "tensor"),
    "transforms": ("grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"),
    "views.derivation": ("Derivation", "derive"),
    "views.paths": ("paths",),
    "views.reasons": ("why",),
    "views.picture.drawing": ("Picture", "draw"),
    "views.text": ("explain",),
    "wire": ("no_grad",),
}
_HOME = {name: module for module, names in _WHERE.items() for name in names}
_MODULES = {
    "data": "data", "distributions": "distributions", "doctor": "doctor", "errors": "errors", "exchange": "exchange",
    "geometry": "geometry", "nn": "nn", "ops": "ops", "optim": "optim", "random": "ops.random", "storage": "storage",
    "train": "train", "worked": "worked",
}  # fmt: skip

__all__ = [
    "Check", "Compiled", "Cost", "Derivation", "Diagnosis", "Doctor", "GradientReport", "Graph", "Parameter", "Picture",
    "Tensor", "check_gradient", "checkpoint", "compile", "constant", "cost", "cot", "csc", "data", "derive", "diagnose",
    "distributions", "doctor", "draw", "erf", "errors", "exchange", "explain", "gate", "geometry", "grad", "hessian",
    "hvp", "jacobian", "jvp", "log_softmax", "logsumexp", "nn", "no_grad", "numerical_gradient", "one_hot", "ops",
    "optim", "paths", "random", "relu", "scatter_add", "sec", "sigmoid", "softmax", "softplus", "sparse_matmul",
    "stop_gradient", "storage", "tensor", "trace", "train", "value_and_grad", "vjp", "why", "worked",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is first asked for: the package starts quickly."""
    if name in _MODULES:
        value: Any = importlib.import_module(f"glassgrad.{_MODULES[name]}")
    elif name in _HOME:
        value = getattr(importlib.import_module(f"glassgrad.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'glassgrad' has no attribute '{name}'; it has: {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
