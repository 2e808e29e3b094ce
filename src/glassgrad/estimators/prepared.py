"""An estimator with the preparation of its data: from the rows of a file to predictions, in memory and on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad import nn, storage
from glassgrad.data import Preparation, Target
from glassgrad.displays import Shown
from glassgrad.errors import DataError, UnsupportedError, reason
from glassgrad.estimators import saved
from glassgrad.estimators.base import NetworkEstimator
from glassgrad.estimators.saved import LONGEST, describe_estimator, rebuild_estimator
from glassgrad.storage import documents
from glassgrad.storage.layers import BROKEN

Array = np.ndarray[Any, Any]
FORMAT = "glassgrad model"
VERSION = 1


@dataclass(frozen=True, repr=False)
class PreparedModel(Shown):
    """A fitted estimator, and what has to be done with the rows of a file before it.

    `glassgrad train FILE` writes one, `glassgrad predict` and `glassgrad inspect` read it.

    Attributes
    ----------
    estimator : estimator
        Fitted on what `preparation` makes of rows. It predicts the target's classes, or its encoded numbers.
    preparation : Preparation
        With a target.
    info : dict
        What else was stored, as JSON can hold it: held-out scores, how it was made.

    Examples
    --------
    >>> import tempfile, pathlib, pandas as pd, glassgrad as gg
    >>> from glassgrad.estimators import LogisticRegression, PreparedModel
    >>> rows = pd.DataFrame({"age": [20, 30, 40, 50], "sex": list("fmfm"), "member": ["no", "no", "yes", "yes"]})
    >>> prep = gg.data.Preparation.fit(rows, target="member")
    >>> model = PreparedModel(LogisticRegression().fit(prep.transform(rows), rows["member"]), prep)
    >>> with tempfile.TemporaryDirectory() as there:
    ...     again = PreparedModel.load(model.save(pathlib.Path(there) / "members.glassgrad"))
    >>> again.predict(pd.DataFrame({"age": [22, 48], "sex": ["m", "m"]})).tolist()
    ['no', 'yes']
    """

    estimator: Any
    preparation: Preparation
    info: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        name = type(self.estimator).__name__
        aim = self.preparation.target
        features = len(self.preparation.feature_names)
        what = f"{name} of {features:,} feature{'s' * (features != 1)}"
        return f"<PreparedModel: {what}" + (f" for {aim.name!r}>" if aim else ">")

    @property
    def target(self) -> Target:
        """What is predicted."""
        if self.preparation.target is None:
            raise DataError("this preparation was fitted without a target")
        return self.preparation.target

    def predict(self, rows: Any) -> Array:
        """The classes or numbers of some rows.

        Parameters
        ----------
        rows : Table, pandas.DataFrame or array
            As `Preparation.transform` takes them, and with its errors and warnings.
        """
        return self.predicted(self.preparation.transform(rows))

    def predict_proba(self, rows: Any) -> Array:
        """The probability of each class of `target.classes`, a row for each row.

        Raises
        ------
        UnsupportedError
            When the estimator gives no probabilities.
        """
        found = self.probabilities(self.preparation.transform(rows))
        if found is None:
            raise UnsupportedError(f"{type(self.estimator).__name__} gives no probabilities for {self.target.name!r}")
        return found

    def predicted(self, X: Any) -> Array:
        """The classes or numbers of prepared rows."""
        found = np.asarray(self.estimator.predict(X))
        return found if self.target.task == "classification" else self.target.decode(found)

    def probabilities(self, X: Any) -> Array | None:
        """The probability of each class for prepared rows, where the estimator gives it."""
        if self.target.task != "classification" or not hasattr(self.estimator, "predict_proba"):
            return None
        return np.asarray(self.estimator.predict_proba(X))

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> Path:
        """Write the model into a folder, or into one file, complete or not at all, as `estimators.save` does."""
        path = Path(path)
        documents.refuse_to_overwrite(path, overwrite)
        entry, arrays = describe_estimator(self.estimator)
        prepared = self.preparation.to_plain()
        content = {"info": documents.plain_info(self.info), **entry, "preparation": prepared}
        return documents.write(path, FORMAT, VERSION, content, arrays, overwrite)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        layers: Iterable[type[nn.Layer]] = (),
        estimators: Iterable[type[NetworkEstimator]] = (),
    ) -> PreparedModel:
        """Read a model back, as `estimators.load` does.

        Raises
        ------
        DataError
            When files are missing, damaged, of a newer version, or do not describe a model.
        """
        path = Path(path)
        document, arrays = documents.read(path, FORMAT, VERSION, LONGEST)
        estimator = rebuild_estimator(document, arrays, path, layers, estimators)
        try:
            preparation = Preparation.from_plain(document.get("preparation"))
            info = document.get("info")
            if not isinstance(info, dict):
                raise DataError("its 'info' is missing or wrong")
            model = cls(estimator, preparation, info)
            model._prove()
        except BROKEN as error:
            raise DataError(f"{path} does not describe a model: {reason(error)}") from error
        return model

    def _prove(self) -> None:
        """Whether the parts fit together."""
        features, needed = len(self.preparation.feature_names), self.estimator.n_features_in_
        if features != needed:
            raise DataError(f"its preparation makes {features:,} features, and its estimator takes {needed:,}")
        classes = getattr(self.estimator, "classes_", None)
        if self.target.task == "classification" and (
            classes is None or [str(c) for c in np.asarray(classes).tolist()] != [str(c) for c in self.target.classes]
        ):
            raise DataError("the classes of its estimator and of its preparation are not the same")


def stored_model(path: str | os.PathLike[str]) -> NetworkEstimator | PreparedModel | storage.Model:
    """What is stored there: an estimator, one with its preparation, or a network.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    kind = documents.kind_of(Path(path), LONGEST)
    if kind == storage.FORMAT:
        return storage.load(path)
    return saved.load(path) if kind == saved.FORMAT else PreparedModel.load(path)
