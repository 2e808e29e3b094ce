"""Sizes as a teacher writes them: ``"h×d"`` in, numbers to trace with, and the letters back out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from glassgrad.errors import OperandError


def parse(text: str) -> tuple[str, ...]:
    """The sizes in a text such as ``"h×d"``, ``"N, 3"`` or ``""`` (a single number).

    Raises
    ------
    OperandError
        Where a size is neither a whole number nor a name.

    Examples
    --------
    >>> parse("h×d"), parse("(N, 3)"), parse("")
    (('h', 'd'), ('N', '3'), ())
    """
    sizes = tuple(part for part in re.split(r"[×*,\s]+", text.strip().strip("()[]")) if part)
    for size in sizes:
        if not (size.isdigit() or size.isidentifier()):
            raise OperandError(f"'{size}' is no size in {text!r}: write sizes as in 'h×d', 'N, 3' or '' for a number")
    return sizes


class Sizes:
    """Letters for sizes, and the numbers that stand for them while a function is traced.

    Each letter stands for a prime, so that a product of sizes can be told from its number.

    Parameters
    ----------
    texts : iterable of str
        The sizes of all arguments.
    start : int
        The primes are above this.

    Attributes
    ----------
    numbers : dict
        The number for each letter.
    constants : set of int
        Serial numbers of the constants that are made of sizes (``np.sum(x) / len(x)``).
    """

    def __init__(self, texts: Iterable[str] = (), start: int = 101) -> None:
        sizes = [size for text in texts for size in parse(text)]
        fixed = [int(size) for size in sizes if size.isdigit()]
        primes = (p for p in _primes(start) if not any(n % p == 0 for n in fixed if n))
        letters = dict.fromkeys(size for size in sizes if not size.isdigit())
        self.numbers: Mapping[str, int] = {letter: next(primes) for letter in letters}
        self.constants: set[int] = set()
        self._letters = {n: letter for letter, n in self.numbers.items()}

    def shape(self, text: str) -> tuple[int, ...]:
        """The shape to trace with."""
        return tuple(int(size) if size.isdigit() else self.numbers[size] for size in parse(text))

    def size(self, n: int) -> str:
        """One size: its letter, a product of letters, or the number."""
        found = self.factors(n)
        if found is None:
            return str(n)
        rest, letters = found
        return "·".join([*([str(rest)] if rest > 1 else []), *letters])

    def text(self, shape: Sequence[int]) -> str:
        """A shape: ``h×d``; a vector is a column, ``d×1``; a single number is nothing."""
        sizes = [self.size(n) for n in shape]
        return "×".join([*sizes, "1"] if len(sizes) == 1 else sizes)

    def factors(self, n: int) -> tuple[int, list[str]] | None:
        """A number that is a product of sizes: what else is in it, and their letters; None where there are none."""
        found, rest = [], n
        for p, letter in self._letters.items():
            while rest and rest % p == 0:
                found.append(letter)
                rest //= p
        return (rest, found) if found else None


def _primes(n: int) -> Iterator[int]:
    while True:
        if all(n % k for k in range(2, math.isqrt(n) + 1)):
            yield n
        n += 2
