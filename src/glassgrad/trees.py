"""Nested dicts, lists, tuples and dataclasses of arrays, taken apart into leaves and put together again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from glassgrad.op import Spec


def flatten(tree: Any, name: str = "") -> tuple[list[Any], list[str], Callable[[Iterable[Any]], Any]]:
    """Take a tree apart.

    Parameters
    ----------
    tree : dict, list, tuple, named tuple, dataclass instance, None, or a leaf
        Anything else is a leaf, also the `Spec` of an array. Dict entries keep their order.
    name : str
        Name of the whole, from which leaves get theirs: ``params.W``, ``layers[0].b``.

    Returns
    -------
    leaves : list
        The leaves, in order.
    names : list of str
        A name for each leaf.
    rebuild : callable
        Puts a list of new leaves together in the same form.

    Examples
    --------
    >>> leaves, names, rebuild = flatten({"W": 1.0, "b": [2.0, 3.0]}, "p")
    >>> leaves, names
    ([1.0, 2.0, 3.0], ['p.W', 'p.b[0]', 'p.b[1]'])
    >>> rebuild([10, 20, 30])
    {'W': 10, 'b': [20, 30]}
    """
    leaves: list[Any] = []
    names: list[str] = []
    build = _walk(tree, name, leaves, names)
    return leaves, names, lambda new: build(iter(new))


def form(tree: Any) -> Any:
    """What a tree is besides its leaves, as a key: trees of one form are taken apart and put together alike.

    Examples
    --------
    >>> form([1.0, None]) == form([2.0, None]), form([1.0]) == form((1.0,))
    (True, False)
    """
    if isinstance(tree, dict):
        return (dict, *[(k, form(v)) for k, v in tree.items()])
    if type(tree) in (list, tuple) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return (type(tree), *map(form, tree))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type | Spec):
        return (type(tree), *[form(getattr(tree, f.name)) for f in dataclasses.fields(tree) if f.init])
    return tree is None


def _walk(tree: Any, name: str, leaves: list[Any], names: list[str]) -> Callable[[Any], Any]:
    """Collect the leaves of one node; what comes back rebuilds it from an iterator of new leaves."""
    if tree is None:
        return lambda new: None
    dot = f"{name}." if name else ""
    if isinstance(tree, dict):
        entries = {k: _walk(v, f"{dot}{k}", leaves, names) for k, v in tree.items()}
        return lambda new: {k: build(new) for k, build in entries.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        kind = type(tree)
        fields = [_walk(v, f"{dot}{k}", leaves, names) for k, v in zip(kind._fields, tree, strict=True)]  # pyright: ignore[reportAttributeAccessIssue]
        return lambda new: kind(*[build(new) for build in fields])
    if type(tree) in (list, tuple):
        kind = type(tree)
        items = [_walk(v, f"{name}[{i}]", leaves, names) for i, v in enumerate(tree)]
        return lambda new: kind([build(new) for build in items])
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type | Spec):
        entries = {
            f.name: _walk(getattr(tree, f.name), f"{dot}{f.name}", leaves, names)
            for f in dataclasses.fields(tree)
            if f.init
        }
        return lambda new: dataclasses.replace(tree, **{k: build(new) for k, build in entries.items()})
    leaves.append(tree)
    names.append(name)
    return lambda new: next(new)
