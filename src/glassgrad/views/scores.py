"""How good predictions are on held-out rows: of classes and of numbers, as data and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassgrad.data.cells import shown
from glassgrad.errors import DataError

Array = np.ndarray[Any, Any]
MOST_CLASSES = 20
"""So many classes have a confusion table."""
_NAME, _TOP = 24, 8


def confusion(y: ArrayLike, said: ArrayLike, classes: int) -> Array:
    """How often each class (row) was taken for each class (column).

    Examples
    --------
    >>> print(confusion([0, 1, 1], [0, 0, 1], 2))
    [[1 0]
     [1 1]]
    """
    from sklearn.metrics import confusion_matrix

    return np.asarray(confusion_matrix(np.asarray(y), np.asarray(said), labels=np.arange(classes)))


def share(part: float, digits: int = 1) -> str:
    """A share as text; a dash where there is none.

    Examples
    --------
    >>> share(0.9876), share(float("nan"))
    ('98.8 %', '–')
    """
    return f"{100 * part:.{digits}f} %" if np.isfinite(part) else "–"


@dataclass(frozen=True)
class ClassScores:
    """How well classes were told apart.

    Attributes
    ----------
    classes : tuple of str
        Their names.
    counts : int array of shape (classes, classes)
        Rows: what is; columns: what was said.
    log_loss : float or None
        Mean of −log p of the right class, if probabilities were given.

    Examples
    --------
    >>> scores = ClassScores.of([0, 0, 1, 1], [0, 0, 0, 1], ["ham", "spam"])
    >>> scores.accuracy, scores.precision.round(2).tolist(), scores.recall.tolist()
    (0.75, [0.67, 1.0], [1.0, 0.5])
    """

    classes: tuple[str, ...]
    counts: Array
    log_loss: float | None = None

    @classmethod
    def of(
        cls, y: ArrayLike, said: ArrayLike, classes: Sequence[str], probabilities: ArrayLike | None = None
    ) -> ClassScores:
        """Scores of codes `said` (and of probabilities) where codes `y` are right."""
        y, said = np.asarray(y), np.asarray(said)
        if not len(y):
            raise DataError("there is no row to score")
        loss = None
        if probabilities is not None:
            p = np.asarray(probabilities, np.float64)[np.arange(len(y)), y]
            loss = float(-np.mean(np.log(np.maximum(p, np.finfo(np.float64).tiny))))
        return cls(tuple(classes), confusion(y, said, len(classes)), loss)

    @property
    def rows(self) -> int:
        """How many rows were judged."""
        return int(self.counts.sum())

    @property
    def right(self) -> int:
        """How many of them are right."""
        return int(np.trace(self.counts))

    @property
    def accuracy(self) -> float:
        """Share of rows that are right."""
        return self.right / self.rows

    @property
    def precision(self) -> Array:
        """For each class, which share of the rows said to be it are it; NaN where it was never said."""
        return _shares(np.diag(self.counts), self.counts.sum(axis=0))

    @property
    def recall(self) -> Array:
        """For each class, which share of its rows was found; NaN where it has none."""
        return _shares(np.diag(self.counts), self.counts.sum(axis=1))

    @property
    def f1(self) -> Array:
        """Harmonic mean of precision and recall."""
        return _shares(2 * np.diag(self.counts), self.counts.sum(axis=0) + self.counts.sum(axis=1))

    @property
    def usual(self) -> tuple[str, float]:
        """The most frequent class, and the accuracy of always saying it."""
        rows = self.counts.sum(axis=1)
        return self.classes[int(np.argmax(rows))], float(rows.max() / rows.sum())

    def to_plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"kind": "classes", "classes": list(self.classes), "counts": self.counts.tolist(), "loss": self.log_loss}

    def summary(self) -> str:
        """The accuracy in one line."""
        loss = "" if self.log_loss is None else f", log-loss {self.log_loss:.4f}"
        return f"accuracy {self.accuracy:.2%} ({self.right:,} of {self.rows:,}){loss}"

    def lines(self, width: int = 80) -> list[str]:
        """A row a class, then the confusion where there are few."""
        named = max(8, min(_NAME, max(len(c) for c in self.classes), width - 41))
        lines = [f"{'class':<{named}}{'precision':>11}{'recall':>10}{'F1':>10}{'rows':>10}"]
        shown = range(len(self.classes))
        for i in shown if len(self.classes) <= MOST_CLASSES else np.argsort(-self.counts.sum(axis=1))[:MOST_CLASSES]:
            cells = [share(float(x[i])) for x in (self.precision, self.recall, self.f1)]
            rows = f"{int(self.counts[i].sum()):,}"
            lines.append(
                f"{short(self.classes[i], named):<{named}}{cells[0]:>11}{cells[1]:>10}{cells[2]:>10}{rows:>10}"
            )
        if len(self.classes) > MOST_CLASSES:
            lines.append(f"… and {len(self.classes) - MOST_CLASSES} rarer classes")
        name, alone = self.usual
        lines.append(f'always saying "{short(name, width - 42)}" would be right in {share(alone)}')
        return [*lines, "", *self._confusion(width)]

    def _confusion(self, width: int) -> list[str]:
        """The table where it fits; else the most frequent mistakes."""
        least = max(4, len(f"{self.counts.max():,}") + 2)
        longest = max(len(c) for c in self.classes)
        named = max(9, min(_NAME, longest + 1))
        if len(self.classes) <= MOST_CLASSES and named + least * len(self.classes) <= width:
            cell = max(least, min(longest + 2, (width - named) // len(self.classes)))
            heads = [short(c, cell - 1) for c in self.classes]
            if len(set(heads)) < len(heads):
                heads = [f"{i + 1}" for i in range(len(heads))]
            lines = ["confusion: a row for what it is, columns for what was said"]
            lines.append(" " * named + "".join(f"{h:>{cell}}" for h in heads))
            for i, row in enumerate(self.counts):
                cells = "".join(f"{f'{n:,}' if n else '·':>{cell}}" for n in row)
                lines.append(f"{short(self.classes[i], named - 1):<{named}}{cells}")
            return lines
        wrong = self.counts - np.diag(np.diag(self.counts))
        if not wrong.any():
            return ["no class was taken for another"]
        lines = ["most frequent mistakes"]
        for place in np.argsort(-wrong, axis=None, kind="stable")[:_TOP]:
            i, j = divmod(int(place), len(self.classes))
            if wrong[i, j]:
                a, b = (short(self.classes[k], min(_NAME, (width - 21) // 2)) for k in (i, j))
                lines.append(f"{wrong[i, j]:>8,}  {a} taken for {b}")
        return lines


@dataclass(frozen=True)
class NumberScores:
    """How close predicted numbers came.

    Attributes
    ----------
    rows : int
        How many rows were judged.
    r2 : float
        Share of the variance that is explained; 0 for always saying the mean. NaN where the numbers are all equal.
    mae, rmse : float
        Mean absolute error, and root of the mean squared error.
    mae_of_mean, rmse_of_mean : float
        The same for always saying the mean of the judged rows.

    Examples
    --------
    >>> NumberScores.of([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]).r2
    0.5
    """

    rows: int
    r2: float
    mae: float
    rmse: float
    mae_of_mean: float
    rmse_of_mean: float

    @classmethod
    def of(cls, y: ArrayLike, said: ArrayLike) -> NumberScores:
        """Scores of numbers `said` where `y` are right."""
        y, said = np.asarray(y, np.float64), np.asarray(said, np.float64)
        if not len(y):
            raise DataError("there is no row to score")
        wrong, around = said - y, y - y.mean()
        spread = float(np.mean(around**2))
        r2 = 1 - float(np.mean(wrong**2)) / spread if spread > 0 else float("nan")
        return cls(
            len(y), r2, float(np.mean(np.abs(wrong))), float(np.sqrt(np.mean(wrong**2))),
            float(np.mean(np.abs(around))), float(np.sqrt(spread)),
        )  # fmt: skip

    def to_plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        values = {k: v if np.isfinite(v) else None for k, v in vars(self).items()}
        return {"kind": "numbers", **values}

    def summary(self) -> str:
        """How close, in one line."""
        r2 = f"R² {self.r2:.4f}" if np.isfinite(self.r2) else "R² undefined (all numbers are equal)"
        rows = f"{self.rows:,} row{'s' * (self.rows != 1)}"
        return f"{r2}, mean absolute error {shown(self.mae)}, RMSE {shown(self.rmse)} ({rows})"

    def lines(self, width: int = 80) -> list[str]:
        """Errors beside those of always saying the mean."""
        return [
            f"{'':<24}{'this model':>14}{'always the mean':>18}",
            f"{'mean absolute error':<24}{shown(self.mae):>14}{shown(self.mae_of_mean):>18}",
            f"{'root mean square error':<24}{shown(self.rmse):>14}{shown(self.rmse_of_mean):>18}",
        ]


Scores = ClassScores | NumberScores


def from_plain(entry: Mapping[str, Any]) -> Scores:
    """The scores that `to_plain` gave this of.

    Raises
    ------
    DataError
        When this is no description of scores.
    """
    try:
        if entry["kind"] == "classes":
            classes, counts, loss = tuple(entry["classes"]), np.asarray(entry["counts"], np.int64), entry["loss"]
            good = all(isinstance(c, str) for c in classes) and (loss is None or isinstance(loss, float | int))
            if not good or counts.shape != (len(classes), len(classes)) or counts.min() < 0 or not counts.sum():
                raise DataError("its scores are damaged")
            return ClassScores(classes, counts, loss)
        values = {k: float("nan") if v is None else float(v) for k, v in entry.items() if k != "kind"}
        return NumberScores(**{**values, "rows": int(values["rows"])})
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"its scores are damaged: {error}") from error


def _shares(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def short(text: str, length: int = _NAME) -> str:
    """A name in at most so many characters, on one line."""
    text = " ".join(str(text).split()) or "(empty)"
    return text if len(text) <= length else text[: length - 1] + "…"
