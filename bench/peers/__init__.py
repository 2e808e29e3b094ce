"""The peers, one a file. Each says how its own users would write a workload, and nothing of how it is timed.

A peer's file has up to three functions, ``training(network)``, ``prediction(prediction)`` and
``gradient(function)``, each of which gives a maker for every way to run it, by label. A maker sets up and
returns what is called: a `Training`, a function without arguments that gives the outputs, or the pair
(value, value and gradient) of such functions. It raises `NoEqualError` where the peer has no such thing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol

LABELS = {
    "numpy_hand": ("NumPy by hand",),
    "pytorch": ("PyTorch", "torch.compile"),
    "jax_peer": ("JAX", "JAX step", "JAX loop", "JAX drawing"),
    "sklearn_peer": ("scikit-learn",),
}


class NoEqualError(Exception):
    """The peer has no equivalent of the workload; the message says why."""


class Training(Protocol):
    """A network in training."""

    def __call__(self, n: int) -> float:
        """Take `n` steps and wait for them; the loss of the last, before its update."""
        ...

    def outputs(self, X: Any) -> Any:
        """The network's outputs, NumPy in and out."""
        ...


Makers = dict[str, Callable[[], Any]]


def makers(kind: str, workload: Any, only: str | None = None) -> Makers:
    """The makers of all peers for a workload, glassgrad's first; those of peers not installed raise `NoEqualError`.

    With `only`, those of the file that has this label, and no other peer is imported.
    """
    found: Makers = {}
    if only is None or only.startswith("glassgrad"):
        found |= getattr(importlib.import_module("bench.peers.ours"), kind)(workload)
    for name, labels in LABELS.items():
        if only is not None and only not in labels:
            continue
        try:
            module = importlib.import_module(f"bench.peers.{name}")
        except ImportError as error:
            found |= dict.fromkeys(labels, _absent(str(error)))
            continue
        if hasattr(module, kind):
            found |= getattr(module, kind)(workload)
    return found


def _absent(why: str) -> Callable[[], Any]:
    def make() -> Any:
        raise NoEqualError(why)

    return make
