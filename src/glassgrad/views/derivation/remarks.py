"""Simpler forms of a gradient that hold under a condition: σ(z) − y where y is 0 or 1, softmax(z) − y."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from glassgrad.views.derivation import algebra as a
from glassgrad.views.derivation import matrices as m
from glassgrad.views.derivation.tree import Expr


def remarks(closed: Mapping[str, Expr], definitions: Mapping[str, Expr]) -> dict[str, tuple[Expr, str]]:
    """For each gradient that has one, its simpler form and the condition.

    Parameters
    ----------
    closed : mapping of str to Expr
        The gradients.
    definitions : mapping of str to Expr
        What the names in them stand for.
    """
    found: dict[str, tuple[Expr, str]] = {}
    signs = _sign_names(definitions)
    for name, tree in closed.items():
        met: set[str] = set()
        simpler = everywhere(m.substitute(tree, signs), lambda e, met=met: _logistic(e, met))
        if met and name not in met:
            found[name] = (simpler, f"Where {_listed(met)} is 0 or 1: the error σ(z) − {_listed(met)} goes backward")
            continue
        if any(e.kind == "fn" and e.data[0] == "softmax" for e in tree.walk()):
            simpler = everywhere(tree, lambda e, met=met: _shares(e, met))
            if met and name not in met:
                found[name] = (
                    simpler,
                    f"Where each row of {_listed(met)} sums to 1: the error softmax(z) − {_listed(met)} goes backward",
                )
    return found


def everywhere(e: Expr, rule: Callable[[Expr], Expr | None]) -> Expr:
    """The tree with every node replaced for which the rule has another, from the leaves up."""
    args = tuple(everywhere(x, rule) for x in e.args)
    node = e if args == e.args else m.rebuilt(e, args)
    found = rule(node)
    return node if found is None else found


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _flipped(e: Expr) -> Expr | None:
    """The y of 1 − 2y."""
    if e.kind != "add" or len(e.args) != 2 or a.ONE not in e.args:
        return None
    coefficient, factors = a.split(e.args[1 - e.args.index(a.ONE)])
    return factors[0] if coefficient == -2 and len(factors) == 1 and factors[0].kind == "symbol" else None


def _sign_names(definitions: Mapping[str, Expr]) -> dict[Expr, Expr]:
    """Names that stand for 1 − 2y, or for products with it: they are put in."""
    found: dict[Expr, Expr] = {}
    for name, tree in definitions.items():
        whole = m.substitute(tree, found)
        if _flipped(whole) is not None or (whole.kind == "mul" and any(_flipped(f) is not None for f in whole.args)):
            found[a.symbol(name, tree.shape)] = whole
    return found


def _logistic(e: Expr, met: set[str]) -> Expr | None:
    """(1 − 2y) σ((1 − 2y) z) = σ(z) − y for y = 0 and for y = 1."""
    if e.kind != "mul":
        return None
    for sign in e.args:
        y = _flipped(sign)
        for sigma in e.args if y is not None else ():
            if sigma.kind == "fn" and sigma.data[0] == "sigma" and sigma.args[0].kind == "mul":
                inner = list(sigma.args[0].args)
                if sign in inner:
                    inner.remove(sign)
                    others = list(e.args)
                    others.remove(sign)
                    others.remove(sigma)
                    assert y is not None
                    met.add(y.data.name)
                    return a.mul(*others, a.sub(a.fn("sigma", a.mul(*inner)), y))
    return None


def _shares(e: Expr, met: set[str]) -> Expr | None:
    """The sum over a row of y is 1."""
    if e.kind == "reduce" and e.data[0] == "sum" and e.args[0].kind == "symbol" and not e.args[0].data.of:
        y = e.args[0]
        if e.data[1] == (len(y.shape) - 1,):
            met.add(y.data.name)
            return a.ones(e.shape)
    return None
