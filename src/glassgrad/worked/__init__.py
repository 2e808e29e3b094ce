"""Worked examples of the lectures, each a small function with its numbers, in one table by name.

``EXAMPLES["add-mul"].text()`` is what ``glassgrad explain add-mul`` prints.
"""

from __future__ import annotations

from glassgrad.errors import unknown
from glassgrad.worked import (
    bugs,
    chain,
    constructions,
    derivatives,
    differences,
    first,
    likelihoods,
    networks,
    patients,
    perturbed,
    shapes,
)
from glassgrad.worked.record import Example

EXAMPLES: dict[str, Example] = {
    example.name: example
    for module in (
        first,
        chain,
        differences,
        bugs,
        derivatives,
        networks,
        patients,
        likelihoods,
        constructions,
        shapes,
        perturbed,
    )
    for example in module.EXAMPLES
}
"""Every worked example by its name, in the order of the rows of the sources."""


def example(name: str) -> Example:
    """The worked example of this name.

    Raises
    ------
    UnknownNameError
        Where there is none; the message lists those there are.

    Examples
    --------
    >>> from glassgrad import worked
    >>> f = worked.example("add-mul").build()
    >>> print(f.value)
    -12.0
    """
    if name not in EXAMPLES:
        raise unknown("worked example", name, EXAMPLES)
    return EXAMPLES[name]


def listing() -> str:
    """The names and titles of all examples, a line each."""
    return "\n".join(f"{e.name:<24}{e.row:<5}{e.title}" for e in EXAMPLES.values())


__all__ = ["EXAMPLES", "Example", "example", "listing"]
