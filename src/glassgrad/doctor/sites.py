"""Sites: where a network has units. Between two matrix products, every gate acts on each number alone."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.doctor.probe import Probe
from glassgrad.parameters import Parameter
from glassgrad.sweep import sweep
from glassgrad.wire import Wire, topological

Array = np.ndarray[Any, Any]
_LINEAR = ("add", "subtract", "negative", "identity", "cast")
_SCALING = ("multiply", "divide")
_ONE_SIDED = ("relu", "maximum", "minimum", "where", "absolute")
_LOCAL = ("exp", "expm1")


@dataclass(frozen=True, eq=False)
class Site:
    """The units of one layer: a matrix product, and the gates behind it up to the next one.

    Attributes
    ----------
    name : str
        What the layer is called.
    product : Wire
        The matrix product, of shape (rows, units).
    block : tuple of Wire
        The gates that act on each of its numbers alone, the product first.
    exits : tuple of Wire
        Those of them that go on to other gates, or out.
    weight : Parameter or None
        What the rows are multiplied with.
    last : bool
        Whether the network's output is among the exits.
    mixed : bool
        Whether other gates than matrix products and views follow, such as the sum of a softmax.
    products : tuple of Wire
        All matrix products of the network.
    """

    name: str
    product: Wire
    block: tuple[Wire, ...]
    exits: tuple[Wire, ...]
    weight: Parameter | None
    last: bool
    mixed: bool
    products: tuple[Wire, ...]

    @functools.cached_property
    def slope(self) -> Array:
        """For each row and unit, how much of an upstream gradient passes the block: the slope behind the product."""
        with np.errstate(all="ignore"):
            gradients = sweep({w: np.ones(w.shape, w.dtype) for w in self.exits}, self.products)
        found = gradients.get(self.product.serial)
        return np.zeros(self.product.shape) if found is None else np.asarray(found)

    @property
    def gates(self) -> tuple[str, ...]:
        """The names of the gates behind the product through which gradients flow."""
        return tuple(w.op.name for w in self.block[1:] if w.active and w.op is not None)

    @property
    def affine(self) -> bool:
        """Whether nothing in the block bends."""
        return all(_is_affine(w) for w in self.block[1:] if w.active)

    @property
    def one_sided(self) -> bool:
        """Whether units have an off side, as ReLU has, where no gradient is no illness unless it is on every row."""
        return any(name in _ONE_SIDED for name in self.gates)

    @property
    def judged(self) -> bool:
        """Whether its units can be told alive from their slopes."""
        ends = {w.op.name for w in self.exits if w.op is not None}
        return not self.affine and not self.mixed and not ends & set(_LOCAL)

    @property
    def values(self) -> Array:
        """What the units put out, of shape (rows, units)."""
        return _flat(self.exits[-1]._value)

    @property
    def before(self) -> Array:
        """What comes into the units: the product with what was added to it."""
        added = self.product
        for wire in self.block[1:]:
            if (
                wire.active
                and wire.op is not None
                and wire.op.name in _LINEAR
                and any(x is added for x in wire.operands)
            ):
                added = wire
            else:
                break
        return _flat(added._value)


def _flat(value: Any) -> Array:
    value = np.asarray(value)
    return value.reshape(len(value), -1)


def _is_affine(wire: Wire) -> bool:
    assert wire.op is not None
    if wire.op.name in _LINEAR:
        return True
    moving = [x for x in wire.operands if x.shape == wire.shape and x.active]
    return wire.op.name in _SCALING and len(moving) == 1 and moving[0] is wire.operands[0]


def is_product(wire: Wire) -> bool:
    """Whether a matrix product made this wire."""
    return wire.op is not None and (wire.op.kind == "contract" or wire.op.name == "csr_matmul")


def sites(probe: Probe) -> list[Site]:
    """The sites of a network, in the order of the graph."""
    rows, wires = len(probe.rows), probe.net_wires
    products = [w for w in wires if is_product(w) and w.active and w.shape[:1] == (rows,) and len(w.shape) > 1]
    consumers: dict[int, list[Wire]] = {w.serial: [] for w in wires}
    for wire in wires:
        for x in wire.operands:
            if x.serial in consumers and wire.op is not None:
                consumers[x.serial].append(wire)
    return [_site(probe, product, tuple(products), wires, consumers) for product in products]


def _site(
    probe: Probe, product: Wire, products: tuple[Wire, ...], wires: list[Wire], consumers: dict[int, list[Wire]]
) -> Site:
    members = {product.serial: product}
    for wire in wires:
        if (
            wire.op is not None and (wire.op.kind == "elementwise" or wire.op.name == "identity")
            and wire.shape == product.shape and any(x.serial in members for x in wire.operands)
        ):  # fmt: skip
            members[wire.serial] = wire
    output, block = probe.output, tuple(members.values())
    leaving = {
        w.serial: [user for user in consumers[w.serial] if user.serial not in members] for w in block if w.active
    }
    exits = tuple(w for w in block if w.active and (leaving[w.serial] or w is output))
    beyond = [user for users in leaving.values() for user in users]
    mixed = any(
        user.op is not None and user.op.kind not in ("contract", "view") and not is_product(user) for user in beyond
    )
    weights = [x for x in product.operands if isinstance(x, Parameter)]
    below = topological([x for x in product.operands if x.shape[:1] != product.shape[:1]])
    weight = weights[-1] if weights else next((w for w in below if isinstance(w, Parameter)), None)
    last = bool(exits) and exits[-1] is output
    exits = exits or (product,)
    return Site(_named(exits[-1], weight), product, block, exits, weight, last, mixed, products)


def _named(wire: Wire, weight: Parameter | None) -> str:
    """The outermost group of a wire, else the weights' name, else the user's line."""
    if wire.group is not None:
        return wire.group.path[0].name
    if weight is not None and weight.name:
        return weight.name
    return str(wire.location or "a layer")
