"""Preparation on real data: messages, digits, tables of numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from glassgrad import data


@pytest.fixture(scope="module")
def messages(request):
    from pathlib import Path

    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "SMSSpamCollection"
    if not path.is_file():
        pytest.skip("the folder ../shared/data with real data is missing")
    return data.read(path, target="Label")


def test_every_message_is_read(messages):
    assert len(messages) == 5574
    assert messages.frame["Label"].value_counts().to_dict() == {"ham": 4827, "spam": 747}
    assert messages.frame["SMS"].iloc[-1] == "Rofl. Its true to its name"
    assert messages.frame["SMS"].str.count('"').sum() > 100


def test_words_and_flags_of_messages_tell_spam(messages):
    rows, held_out = data.split_rows(len(messages), seed=0, labels=messages.frame["Label"])
    train, test = messages.take(rows), messages.take(held_out)
    prep = data.Preparation.fit(train, text=["SMS"])
    X, y = prep.transform(train), prep.target.encode(train.column("Label"))
    assert sparse.issparse(X)
    assert X.dtype == np.float32
    assert X.shape == (len(train), len(prep.feature_names))
    model = LogisticRegression(max_iter=300).fit(X, y)
    assert model.score(prep.transform(test), prep.target.encode(test.column("Label"))) > 0.98
    again = data.Preparation.from_plain(json.loads(json.dumps(prep.to_plain())))
    assert again == prep
    assert (again.transform(test) != prep.transform(test)).nnz == 0
