"""Words and flags of a text as features (row S8): counts of words, weighted, and what a message looks like."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glassgrad.data import cells
from glassgrad.data.columns import Column
from glassgrad.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]
MOST_WORDS = 50_000
_FLAT = 1e-9  # deviation of a flag that says nothing
TOKENS = r"(?u)\b\w+\b"
_PHONE = re.compile(r"(?<!\w)\+?\d[\d\- ]{5,}\d(?!\w)|(?<!\w)\d{5}(?!\w)")
_URL = re.compile(r"(?i)\bhttps?://|\bwww\.|\b[\w-]+\.(?:com|net|org|info|biz|co\.\w\w)\b")
_MONEY = re.compile(r"[$£€¥¢]")


def _counted(pattern: str) -> Any:
    found = re.compile(pattern)
    return lambda text: np.log1p(len(found.findall(text)))


_FLAGS = {
    "length": lambda text: np.log1p(len(text)),
    "digits": _counted(r"\d"),
    "capitals": lambda text: sum(c.isupper() for c in text) / max(sum(c.isalpha() for c in text), 1),
    "exclamation marks": _counted("!"),
    "currency sign": lambda text: float(_MONEY.search(text) is not None),
    "phone number": lambda text: float(_PHONE.search(text) is not None),
    "web address": lambda text: float(_URL.search(text) is not None),
}
"""Numbers of characters as log(1 + n), capitals as their share of the letters, the rest 1 or 0."""


@dataclasses.dataclass(frozen=True)
class Words(Column):
    """Which words and pairs of words stand in a text, and flags of how it is written.

    A word is 1 where the text has it, however often, else 0, so that a linear model's score is the sum of the
    weights of the words that are there. (On the SMS collection, weighting by rarity, counting, or scaling a text's
    words to length 1 are not better.) A flag is divided by its deviation.

    Attributes
    ----------
    words : tuple of str
        The vocabulary: what at least two training texts have.
    flags : tuple of str
        Their names.
    scales : tuple of float
        Their deviations.
    several : bool
        Whether there are more columns of text, so that names say which one.
    """

    kind: ClassVar[str] = "text"
    words: tuple[str, ...]
    flags: tuple[str, ...]
    scales: tuple[float, ...]
    several: bool = False

    @classmethod
    def fit(cls, column: pd.Series, several: bool = False) -> Words:
        """The vocabulary of training texts.

        Raises
        ------
        DataError
            When no word stands in two of them.
        """
        texts = _texts(column)
        counter = _counter(max_features=MOST_WORDS, min_df=2)
        try:
            counter.fit(texts)
        except ValueError as error:
            raise DataError(
                f"column {column.name!r} has no word that stands in two of its {len(texts):,} texts, so there is "
                "nothing to learn from its words"
            ) from error
        flags = _flags(texts)
        scales = flags.std(axis=0)
        words = tuple(counter.get_feature_names_out().tolist())
        names = tuple(name for name, scale in zip(_FLAGS, scales, strict=True) if scale > _FLAT)
        return cls(str(column.name), words, names, tuple(float(scale) for scale in scales if scale > _FLAT), several)

    def checked(self) -> Words:
        """Itself, if its words differ and each flag has a scale."""
        flags = len(self.flags) == len(self.scales) == len(set(self.flags)) and set(self.flags) <= set(_FLAGS)
        if not self.words or len(set(self.words)) < len(self.words) or not flags or min(self.scales, default=1) <= 0:
            raise DataError(f"column {self.name!r} of the preparation is damaged: its words and flags do not fit")
        return self

    @property
    def feature_names(self) -> tuple[str, ...]:
        """`word "free"`, `words "free entry"`, `SMS: digits`."""
        of = f" in {self.name}" if self.several else ""
        words = [f'word{"s" * (" " in word)} "{word}"{of}' for word in self.words]
        return (*words, *(f"{self.name}: {flag}" for flag in self.flags))

    def apply(self, column: pd.Series) -> Any:
        """A CSR matrix of float32: the words, then the flags."""
        from scipy import sparse

        texts = _texts(column)
        words = _counter(vocabulary=self.words).transform(texts)
        places = [list(_FLAGS).index(name) for name in self.flags]
        flags = sparse.csr_matrix(_flags(texts)[:, places] / np.array(self.scales))
        return sparse.hstack([words, flags], format="csr", dtype=np.float32)

    def said(self) -> str:
        """How many words."""
        pairs = sum(" " in word for word in self.words)
        return f"{len(self.words) - pairs:,} words, {pairs:,} pairs of words; flags: {', '.join(self.flags)}"


def _counter(**settings: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    as_features: Any = np.float32
    return CountVectorizer(ngram_range=(1, 2), binary=True, token_pattern=TOKENS, dtype=as_features, **settings)


def _texts(column: pd.Series) -> list[str]:
    return ["" if text is None else text for text in cells.texts(column)]


def _flags(texts: list[str]) -> Array:
    return np.array([[flag(text) for flag in _FLAGS.values()] for text in texts], np.float64).reshape(-1, len(_FLAGS))
