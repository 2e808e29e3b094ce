"""Layer: the base of every layer. It finds, counts, names, draws and freezes the parameters below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike

from glassgrad.displays import Shown
from glassgrad.errors import OperandError, ShapeError, describe, spec_text, unknown
from glassgrad.nn.initialisers import Initialiser
from glassgrad.nn.table import table
from glassgrad.op import shaped
from glassgrad.ops import random
from glassgrad.parameters import Parameter
from glassgrad.wire import Wire, group, marked, next_serial


@dataclass(frozen=True)
class Undrawn:
    """A parameter that has a shape and an initialiser, and no value yet."""

    shape: tuple[int, ...]
    initialiser: Initialiser
    dtype: np.dtype[Any]
    frozen: bool = False  # so that counting need not draw


def weight(shape: tuple[int, ...], initialiser: Initialiser, dtype: DTypeLike = np.float32) -> Parameter:
    """Declare a parameter of a layer: assigned to an attribute, it is drawn when the network is initialised.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    initialiser : callable
        One of `glassgrad.nn`'s initialisers, or a function ``(key, shape, dtype) -> array``.
    dtype : dtype
        float32 by default.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import nn
    >>> class Scale(nn.Layer):
    ...     def __init__(self, n):
    ...         self.s = nn.weight((n,), nn.Constant(2.0))
    ...
    ...     def forward(self, x):
    ...         return x * self.s
    >>> print(Scale(3)(np.ones(3, np.float32)).value)
    [2. 2. 2.]
    """
    kind = np.dtype(dtype)
    if kind.kind != "f":
        raise OperandError(f"a parameter learns and so must be floating, not {kind}")
    if any(n < 0 for n in shape):
        raise ShapeError(f"a parameter cannot have the shape {shape}")
    return cast(Parameter, Undrawn(tuple(shape), initialiser, kind))


class _Changes:
    """The serial number of the latest change of an attribute of any layer."""

    __slots__ = ("latest",)

    def __init__(self) -> None:
        self.latest = 0


changes = _Changes()


class _Notes:
    """What a layer knows of its parts: the order they were set in, initialisers, the layer above.

    ``marks`` has, for a parameter with a provisional value, the serial number of that value: while the
    parameter still holds it, `initialise` draws it anew. ``holds``: there are layers inside.
    """

    __slots__ = ("holds", "label", "marks", "order", "parent", "weights")

    def __init__(self) -> None:
        self.order: dict[str, None] = {}
        self.weights: dict[str, Undrawn] = {}
        self.marks: dict[str, int] = {}
        self.parent: Layer | None = None
        self.label = ""
        self.holds = False


class Layer(Shown):
    """A function with parameters. Subclass it to make your own.

    Set parameters (`glassgrad.Parameter` or `nn.weight`) and other layers as attributes, also in lists
    and dicts, and define ``forward``. Calling the layer runs it as one named group of the graph.

    Parameters declared with `nn.weight` are drawn by `initialise`, which a trainer calls with its seed.
    A network used before that draws provisional values, as `initialise(0)` would; looking at a network
    therefore never changes what a seed gives. What has been drawn with a seed or assigned stays.

    Examples
    --------
    >>> import numpy as np
    >>> from glassgrad import nn
    >>> class Residual(nn.Layer):
    ...     def __init__(self, n):
    ...         self.inner = nn.Linear(n, n)
    ...
    ...     def forward(self, x):
    ...         return x + np.tanh(self.inner(x))
    >>> net = Residual(3)
    >>> [name for name, _ in net.named_parameters()], net.count()
    (['inner.W', 'inner.b'], 12)
    """

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes, in NumPy functions and other layers."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, x): define it")

    def __call__(self, *inputs: Any) -> Any:
        """Run `forward` as one named group of the graph; lists and numbers become arrays."""
        inputs = tuple([shaped(x) if isinstance(x, list | tuple | int | float) else x for x in inputs])
        notes = self._notes
        if notes.holds and not notes.label:  # a whole network is no group: folding a graph shows its layers
            return self.forward(*inputs)
        with group(self.group_name):
            return self.forward(*inputs)

    def settings(self) -> str:
        """The arguments the layer was made with, as its repr shows them."""
        return ""

    # Parameters

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """Every parameter below this layer with its path, such as ``0.W``; shared ones once.

        Where this layer is the outermost, the paths become the parameters' names.
        """
        self._root()._provide()
        self._provide()
        found = [(path, cast(Parameter, part)) for path, _, _, part in self._slots()]
        if self._notes.parent is None:
            self._name()
        return found

    def parameters(self) -> list[Parameter]:
        """Every parameter below this layer, shared ones once."""
        return [p for _, p in self.named_parameters()]

    def count(self, trainable: bool = False) -> int:
        """How many numbers the parameters hold; with `trainable`, without the frozen ones."""
        parts = [part for *_, part in self._slots()]
        return sum(int(np.prod(p.shape, dtype=np.int64)) for p in parts if not (trainable and p.frozen))

    def initialise(self, seed: int = 0, again: bool = False) -> Layer:
        """Draw the parameters that are declared and neither drawn with a seed nor assigned yet.

        The key of a parameter is ``fold_in(key(seed), i)`` for the i-th parameter of this layer, so the
        same seed gives the same bits.

        Parameters
        ----------
        seed : int
            Where all randomness comes from.
        again : bool
            Draw also what has been drawn or assigned: start over.

        Examples
        --------
        >>> from glassgrad import nn
        >>> a, b = nn.Linear(2, 2).initialise(3), nn.Linear(2, 2, seed=3)
        >>> bool((a.W.value == b.W.value).all())
        True
        """
        base = random.key(seed)
        for i, (_, owner, name, _) in enumerate(list(self._slots())):
            owner._draw(name, base, i, again=again, provisional=False)
        self._root()._name()
        return self

    def freeze(self, *patterns: str) -> Layer:
        """Leave parameters out of gradients and updates: those whose path matches a pattern, or all.

        Examples
        --------
        >>> from glassgrad import nn
        >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        >>> net.freeze().unfreeze("2.*").count(trainable=True)  # the output layer only
        8
        """
        return self._set_frozen(patterns, True)

    def unfreeze(self, *patterns: str) -> Layer:
        """Let parameters learn again: those whose path matches a pattern, or all."""
        return self._set_frozen(patterns, False)

    def _set_frozen(self, patterns: tuple[str, ...], frozen: bool) -> Layer:
        named = self.named_parameters()
        for pattern in patterns or ("*",):
            chosen = [p for path, p in named if fnmatchcase(path, pattern)]
            if not chosen and patterns:
                raise unknown("parameter that matches", pattern, [path for path, _ in named])
            for p in chosen:
                p.frozen = frozen
        return self

    # Layers

    def layers(self) -> list[Layer]:
        """The layers directly below this one."""
        return [part for _, part in self._children() if isinstance(part, Layer)]

    def named_layers(self) -> list[tuple[str, Layer]]:
        """Every layer below this one with its path, outer before inner."""
        found: list[tuple[str, Layer]] = []
        seen = {id(self)}

        def walk(layer: Layer, prefix: str) -> None:
            for name, part in layer._children():
                if isinstance(part, Layer) and id(part) not in seen:
                    seen.add(id(part))
                    found.append((prefix + name, part))
                    walk(part, f"{prefix}{name}.")

        walk(self, "")
        return found

    @property
    def title(self) -> str:
        """Path in the outermost layer, and kind: ``0.Linear``."""
        path = next((path for path, layer in self._root().named_layers() if layer is self), "")
        return f"{path}.{type(self).__name__}" if path else type(self).__name__

    @property
    def group_name(self) -> str:
        """What the group of its gates is called in a graph: place in the layer above, and kind."""
        label = self._notes.label
        return f"{label}.{type(self).__name__}" if label else type(self).__name__

    def __repr__(self) -> str:
        inner = self.settings() or ", ".join(repr(layer) for layer in self.layers())
        return f"{type(self).__name__}({inner})"

    def __str__(self) -> str:
        if not self.layers():
            return repr(self)
        return table(self)

    # How parts are kept

    @property
    def _notes(self) -> _Notes:
        notes = vars(self).get("_notes")
        if notes is None:
            notes = vars(self)["_notes"] = _Notes()
        return notes

    def __setattr__(self, name: str, value: Any) -> None:
        notes = self._notes
        held = isinstance(vars(self).get(name), Parameter) or name in notes.weights
        if held and value is not None and not isinstance(value, Parameter | Undrawn):
            raise OperandError(f"{self.title}.{name} is a parameter; give it numbers with layer.{name}.value = …")
        notes.order[name] = None
        notes.marks.pop(name, None)
        if isinstance(value, Undrawn):
            notes.weights[name] = value
            vars(self).pop(name, None)
        else:
            notes.weights.pop(name, None)
            object.__setattr__(self, name, value)
            self._adopt(_parts(name, value))
        changes.latest = next_serial()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        changes.latest = next_serial()

    def __getattr__(self, name: str) -> Any:
        notes = vars(self).get("_notes")
        if notes is None or name not in notes.weights:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        self._root()._provide()
        self._provide()
        return vars(self)[name]

    def _adopt(self, parts: Iterator[tuple[str, Any]]) -> None:
        for name, part in parts:
            if isinstance(part, Layer):
                part._notes.parent, part._notes.label = self, name
                self._notes.holds = True
            elif part.name is None:
                part.name = name

    def _children(self) -> Iterator[tuple[str, Any]]:
        """Layers, parameters and undrawn parameters directly below, with names, in the order they were set."""
        notes, held = self._notes, vars(self)
        for name in notes.order:
            if name in held:
                yield from _parts(name, held[name])
            elif name in notes.weights:
                yield name, notes.weights[name]

    def _slots(self, prefix: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Layer, str, Any]]:
        """Path, owner, name in the owner, and the parameter (drawn or not), each once."""
        seen = set() if seen is None else seen
        if id(self) in seen:
            return
        seen.add(id(self))
        for name, part in self._children():
            if isinstance(part, Layer):
                yield from part._slots(f"{prefix}{name}.", seen)
            elif id(part) not in seen:
                seen.add(id(part))
                yield prefix + name, self, name, part

    def _root(self) -> Layer:
        layer = self
        while layer._notes.parent is not None:
            layer = layer._notes.parent
        return layer

    def _name(self) -> None:
        for path, _, _, part in self._slots():
            if isinstance(part, Parameter):
                part.name = path

    def _provide(self) -> None:
        """Give undrawn parameters provisional values."""
        missing = [(i, owner, name) for i, (_, owner, name, p) in enumerate(self._slots()) if isinstance(p, Undrawn)]
        for i, owner, name in missing:
            owner._draw(name, random.key(0), i, again=False, provisional=True)
        if missing:
            self._root()._name()

    def _draw(self, name: str, base: Any, index: int, again: bool, provisional: bool) -> None:
        notes = self._notes
        plan, p = notes.weights.get(name), vars(self).get(name)
        if plan is None or (p is not None and notes.marks.get(name) != p.changed and not again):
            return
        value = plan.initialiser(random.fold_in(base, index), plan.shape, plan.dtype)
        if p is not None:
            p.value = value
        else:
            with marked(group=None, origin=None):
                p = vars(self)[name] = Parameter(np.asarray(value, plan.dtype), name)
            p.changed = 0 if not provisional else next_serial()
            changes.latest = next_serial()
        notes.marks.pop(name, None)
        if provisional:
            notes.marks[name] = p.changed


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The layers and parameters in an attribute, with names: ``blocks.0`` in a list."""
    if isinstance(value, Layer | Parameter):
        yield name, value
    elif isinstance(value, Undrawn):
        raise OperandError(f"{name}: give each nn.weight an attribute of its own")
    elif isinstance(value, list | tuple):
        for i, part in enumerate(value):
            yield from _parts(f"{name}.{i}", part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _parts(f"{name}.{key}", part)


def as_dtype(x: Any, dtype: Any) -> Any:
    """`x` in the dtype that a layer computes in."""
    return x if x.dtype == dtype else x.astype(dtype)


def wrong_width(layer: Layer, x: Any, needs: str, parameter: Parameter | None = None) -> ShapeError:
    """The error for an input that a layer cannot take: the layer, its parameter, the input, the user's line."""
    got = describe(x) if isinstance(x, Wire) else f"(an array): {spec_text(x)}"
    own = "" if parameter is None else f"\n  {describe(parameter)}"
    return ShapeError(f"{layer.title} takes {needs}, and got shape {tuple(x.shape)}\n  {got}{own}")
