"""Costs that follow from a choice of distribution, with gradients that are errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.ops.composed import logsumexp, softmax
from glassgrad.ops.elementwise import sigmoid, softplus
from glassgrad.tensors import Tensor
from glassgrad.views.numbers import array, number
from glassgrad.views.text import explain
from glassgrad.worked.record import Example


def gaussian(yhat: Any, y: Any) -> Tensor:
    """p(y|x) = N(y; ŷ, I): the negative log-likelihood is ½‖y - ŷ‖² and a constant.

    Its gradient by the output is the error ŷ - y.
    """
    r = (y - yhat).named("r")
    return (0.5 * np.sum(np.square(r))).named("nll")


def bernoulli(z: Any, y: Any) -> Tensor:
    """p(y|x) with p(1|x) = σ(z): the negative log-likelihood is softplus((1 - 2y) z), which cannot overflow.

    Its gradient by z is the error σ(z) - y: it only saturates where the answer is already right.
    """
    s = (1 - 2 * y).named("s")
    m = (s * z).named("m")
    return softplus(m).named("nll")


def categorical(z: Any, y: Any) -> Tensor:
    """p(y|x) = softmax(z)_y: the negative log-likelihood is logsumexp(z) - z_y.

    Its gradient by z is the error softmax(z) - onehot(y): the right class is pushed up, the others
    down, each by its share.
    """
    total = logsumexp(z).named("total")
    score = np.sum(z * y).named("z_y")
    return (total - score).named("nll")


def _gaussian(out: Tensor, width: int) -> str:
    t = explain(out)
    return (
        f"ŷ - y               {array(t['yhat'].value - t['y'].value)}\ngradient on yhat    {array(t['yhat'].gradient)}"
    )


def _bernoulli(out: Tensor, width: int) -> str:
    t = explain(out)
    z, y = t["z"].value, t["y"].value
    p = sigmoid(z)
    return (
        f"-log p(y|x) = -log(1 - σ(z))    {number(-np.log(1 - p))}\n"
        f"σ(z) - y                        {number(p - y)}\n"
        f"gradient on z                   {number(t['z'].gradient)}"
    )


def _categorical(out: Tensor, width: int) -> str:
    t = explain(out)
    p = softmax(t["z"].value)
    return (
        f"softmax(z)        {array(p)}\nsoftmax(z) - y    {array(p - t['y'].value)}\n"
        f"gradient on z     {array(t['z'].gradient)}"
    )


EXAMPLES = (
    Example(
        "gaussian-cost", "Gaussian output: half the squared error", "S13", gaussian,
        {"yhat": [1.5, -0.5], "y": [1.0, 0.5]}, more=_gaussian,
    ),
    Example(
        "bernoulli-cost", "Sigmoid output: softplus((1 - 2y) z)", "S14", bernoulli,
        {"z": 2.0, "y": 0.0}, more=_bernoulli,
    ),
    Example(
        "categorical-cost", "Softmax output: logsumexp(z) - z_y", "S14", categorical,
        {"z": [2.0, 1.0, -1.0], "y": [0.0, 1.0, 0.0]}, more=_categorical, fold="logsumexp",
    ),
)  # fmt: skip
