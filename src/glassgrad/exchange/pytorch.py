"""Weights as PyTorch names and lays them out, and back: ``0.weight`` is ``0.W`` transposed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.errors import DataError, OperandError, ShapeError, UnsupportedError

Array = np.ndarray[Any, Any]

FORMS: dict[type[nn.Layer], tuple[tuple[str, str, bool], ...]] = {
    nn.Linear: (("W", "weight", True), ("b", "bias", False)),
    nn.PReLU: (("a", "weight", False),),
}
"""For each layer that PyTorch has too: our parameter, its name there, and whether it is transposed there."""

_PLACED = re.compile(r"(\d+)\.(weight|bias)")


def network_of(model: Any) -> nn.Layer:
    """A network itself, or that of a fitted estimator."""
    if isinstance(model, nn.Layer):
        return model
    if not hasattr(model, "network"):
        raise OperandError(f"a network or a fitted estimator is needed, not {type(model).__name__}")
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(model)
    return model.network()


def to_torch_state_dict(model: Any, *, tensors: bool = True) -> dict[str, Any]:
    """The weights of a network as PyTorch's ``load_state_dict`` takes them.

    They fit a ``torch.nn.Sequential`` with the same layers at the same places: Linear for Linear, PReLU for
    PReLU, and for hidden units without parameters whatever computes the same.

    Parameters
    ----------
    model : nn.Layer or estimator
        A network of layers that PyTorch has too, or a fitted estimator with such a network.
    tensors : bool
        Tensors of PyTorch, which then has to be installed; False gives NumPy arrays.

    Returns
    -------
    dict
        Names such as ``0.weight`` to copies of the numbers, in the network's dtype.

    Raises
    ------
    UnsupportedError
        When a layer has parameters and PyTorch has no such layer, or PyTorch is not installed.

    Examples
    --------
    >>> import glassgrad as gg
    >>> net = gg.nn.Sequential(gg.nn.Linear(4, 8, seed=0), gg.nn.ReLU(), gg.nn.Linear(8, 3, seed=1))
    >>> state = gg.exchange.to_torch_state_dict(net, tensors=False)
    >>> {name: array.shape for name, array in state.items()}
    {'0.weight': (8, 4), '0.bias': (8,), '2.weight': (3, 8), '2.bias': (3,)}
    """
    arrays = {name: _theirs(p.value, turned) for name, p, turned in _slots(network_of(model))}
    if not tensors:
        return arrays
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        raise UnsupportedError(
            "PyTorch is not installed; install it, or take NumPy arrays with to_torch_state_dict(model, tensors=False)"
        ) from None
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def from_torch_state_dict(
    state: Mapping[str, Any], model: Any = None, *, activation: Callable[[], nn.Layer] = nn.ReLU
) -> Any:
    """Weights of a PyTorch model in a network of ours.

    Parameters
    ----------
    state : mapping of str to tensor or array
        What ``torch_model.state_dict()`` gives; PyTorch need not be installed for arrays.
    model : nn.Layer or estimator, optional
        What the weights are put into: a network, or a fitted MLPClassifier or MLPRegressor. They are cast to
        its dtype. By default a network is made from the names and shapes, for a ``torch.nn.Sequential`` of
        Linear and PReLU with at most one hidden unit without parameters between two of them.
    activation : callable
        Makes that hidden unit, which the state does not name.

    Returns
    -------
    nn.Layer or estimator
        `model`, or the new network.

    Raises
    ------
    DataError, ShapeError
        When names or shapes do not fit, or numbers are not finite; nothing is changed then.
    UnsupportedError
        When the network cannot be told from the names.

    Examples
    --------
    >>> import glassgrad as gg
    >>> net = gg.nn.Sequential(gg.nn.Linear(4, 8, seed=0), gg.nn.Tanh(), gg.nn.Linear(8, 3, seed=1))
    >>> state = gg.exchange.to_torch_state_dict(net, tensors=False)
    >>> gg.exchange.from_torch_state_dict(state, activation=gg.nn.Tanh)
    Sequential(Linear(4, 8), Tanh(), Linear(8, 3))
    """
    arrays = {str(name): _array(str(name), value) for name, value in state.items()}
    if model is None:
        net = model = _built(arrays, activation)
    elif isinstance(model, nn.Layer):
        net = model
    else:
        net = network_of(model)
        if getattr(model, "net_", None) is not net:
            raise UnsupportedError(f"weights are put into a network or a fitted MLP, not a {type(model).__name__}")
    slots = list(_slots(net))
    missing, unknown = [n for n, *_ in slots if n not in arrays], sorted(set(arrays) - {n for n, *_ in slots})
    if missing or unknown:
        lacks = f"the state lacks {', '.join(missing[:6])}" if missing else ""
        extra = f"the network has no {', '.join(unknown[:6])}" if unknown else ""
        raise DataError("; ".join(filter(None, (lacks, extra))))
    values = []
    for name, p, turned in slots:
        ours = arrays[name].T if turned else arrays[name]
        if ours.size != np.prod(p.shape, dtype=int) or (p.shape and ours.shape != p.shape):
            raise ShapeError(f"{name} has the shape {arrays[name].shape}, and {p.name} of the network is {p.shape}")
        values.append(np.ascontiguousarray(ours, p.dtype).reshape(p.shape))
    for (_, p, _), value in zip(slots, values, strict=True):
        p.value = value
    return model


def _slots(net: nn.Layer, prefix: str = "") -> Iterator[tuple[str, Any, bool]]:
    """Each parameter with its name in PyTorch, and whether it is transposed there."""
    net.parameters()  # draws what is not drawn yet
    form = next((form for kind, form in FORMS.items() if isinstance(net, kind)), None)
    if form is not None:
        for ours, theirs, turned in form:
            if getattr(net, ours) is not None:
                yield prefix + theirs, getattr(net, ours), turned
        return
    for name, part in net._children():
        if not isinstance(part, nn.Layer):
            raise UnsupportedError(
                f"{net.title} has the parameter {name}, and PyTorch has no such layer; Linear and PReLU it has"
            )
        yield from _slots(part, f"{prefix}{name}.")


def _theirs(value: Array, turned: bool) -> Array:
    return np.array(value.T if turned else np.atleast_1d(value), order="C")


def _array(name: str, value: Any) -> Array:
    """One entry of a state as an array."""
    for step in ("detach", "cpu"):
        value = getattr(value, step)() if hasattr(value, step) else value
    try:
        array = np.asarray(value)
    except TypeError as error:
        raise DataError(f"{name} cannot become an array: {error}; cast it with .float()") from None
    if array.dtype.kind != "f":
        raise DataError(f"{name} holds {array.dtype}, and weights are floating numbers")
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds numbers that are not finite")
    return array


def _built(arrays: Mapping[str, Array], activation: Callable[[], nn.Layer]) -> nn.Sequential:
    """A network from names and shapes."""
    found: dict[int, dict[str, Array]] = {}
    for name, array in arrays.items():
        match = _PLACED.fullmatch(name)
        if match is None:
            raise UnsupportedError(f"the network cannot be told from the name {name!r}{_HAND_OVER}")
        found.setdefault(int(match[1]), {})[match[2]] = array
    if not found:
        raise DataError("the state is empty")
    layers: list[nn.Layer] = []
    width: int | None = None
    for place in sorted(found):
        if place > len(layers):
            if not layers or place > len(layers) + 1:
                raise UnsupportedError(
                    f"what stands before layer {place} cannot be told: it has no parameters{_HAND_OVER}"
                )
            layers.append(activation())
        layer = _layer(place, **found[place])
        if isinstance(layer, nn.Linear):
            if width not in (None, layer.n_in):
                raise ShapeError(f"layer {place} takes {layer.n_in} numbers, and the one before it gives {width}")
            width = layer.n_out
        layers.append(layer)
    return nn.Sequential(*layers)


_HAND_OVER = "; make the network and hand it over: from_torch_state_dict(state, net)"


def _layer(place: int, weight: Array | None = None, bias: Array | None = None) -> nn.Layer:
    if weight is not None and weight.ndim == 2:
        n_out, n_in = weight.shape
        return nn.Linear(n_in, n_out, bias=bias is not None, dtype=weight.dtype)
    if weight is not None and weight.ndim == 1 and bias is None:
        return nn.PReLU(None if weight.size == 1 else weight.size, dtype=weight.dtype)
    raise UnsupportedError(f"layer {place} is neither Linear nor PReLU{_HAND_OVER}")
