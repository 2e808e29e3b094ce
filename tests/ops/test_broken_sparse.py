"""Sparse matrices whose arrays someone has changed: refused before SciPy's loops or machine code follow them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import glassgrad as gg
from glassgrad import distributions
from glassgrad.errors import DataError
from glassgrad.estimators import LogisticRegression, MLPClassifier, Perceptron
from glassgrad.ops.sparse import csr_of
from glassgrad.train import native_engine
from glassgrad.train.online import Online

ROWS, WIDTH = 40, 30
Y = np.arange(ROWS) % 3


def rows(form: str = "csr") -> Any:
    rng = np.random.default_rng(0)
    made = sparse.csr_matrix(np.where(rng.random((ROWS, WIDTH)) < 0.2, 1.0, 0.0)).asformat(form)
    return sparse.dia_matrix((np.ones((3, WIDTH)), [0, 1, 2]), shape=(ROWS, WIDTH)) if form == "dia" else made


def wild(X: Any) -> None:
    X.indices[:] = -(10**8)


def holed(X: Any) -> None:
    """SciPy's own check looks at nothing where nothing seems to be stored."""
    X.indptr[1:-1], X.indptr[-1] = 10**9, 0


def wrapped(X: Any) -> None:
    """Whose differences overflow, and so look as if they only grew."""
    X.indptr[1:4], X.indptr[4:] = (2**31 - 1, -(2**31), -1), 5


def unsigned(X: Any) -> None:
    X.indptr = X.indptr.astype(np.uint32)
    X.indptr[3] = 2**31


def halves(X: Any) -> None:
    X.indices = X.indices + 0.5


def short(X: Any) -> None:
    X.data = X.data[:3]


def fewer(X: Any) -> None:
    X.offsets = X.offsets[:1]


def far(X: Any) -> None:
    X.coords[0][:] = 10**8


def longer(X: Any) -> None:
    X.data[3] = [1.0] * 10**6


def aside(X: Any) -> None:
    X.rows[3], X.data[3] = [10**9], [1.0]


def beyond(X: Any) -> None:
    X._dict[(10**8, 3)] = 1.0


BROKEN = [
    ("csr", wild), ("csr", holed), ("csr", wrapped), ("csr", unsigned), ("csr", halves), ("csr", short),
    ("csc", wild), ("csc", wrapped), ("bsr", wild), ("coo", far), ("dia", fewer), ("lil", longer), ("lil", aside),
    ("dok", beyond),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:ind:UserWarning")
@pytest.mark.parametrize(("form", "spoil"), BROKEN)
def test_a_broken_matrix_of_any_format_is_refused(form: str, spoil: Callable[[Any], None]) -> None:
    good = rows(form)
    np.testing.assert_array_equal(csr_of(good).toarray(), good.toarray())
    spoil(good)
    with pytest.raises(DataError, match="X is a broken sparse matrix: "):
        csr_of(good, "X")


def test_what_was_checked_stays_so_and_the_users_matrix_as_it_was() -> None:
    X = rows()
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    held = dict(vars(X))
    made = csr_of(X)
    assert vars(X) == held
    assert np.shares_memory(made.indices, X.indices)
    X.indptr[2] = 10**6
    X.data = X.data[:1]
    assert made.indptr.max() == made.nnz == len(made.data)


def fitted(kind: Any) -> Any:
    return kind().fit(np.eye(3, WIDTH), [0, 1, 2])


TAKERS: dict[str, Callable[[Any], Any]] = {
    "scores": lambda X: Online(WIDTH, 3, distributions.Categorical(), 0.1).scores(X),
    "sparse_matmul": lambda X: gg.sparse_matmul(X, np.ones((WIDTH, 2))),
    "split": lambda X: gg.data.split(X, Y),
    "predict": lambda X: fitted(LogisticRegression).predict(X),
    "perceptron predicts": lambda X: fitted(Perceptron).predict(X),
    "fit": lambda X: LogisticRegression().fit(X, Y),
    "network": lambda X: MLPClassifier((2,)).fit(X, Y),
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize(("form", "spoil"), [("csr", wild), ("csr", holed), ("csc", wild), ("coo", far)])
def test_what_takes_sparse_rows_looks_first(taker: str, form: str, spoil: Callable[[Any], None]) -> None:
    X = rows(form)
    spoil(X)
    with pytest.raises(DataError, match="broken sparse matrix"):
        TAKERS[taker](X)


def test_rows_that_turn_bad_after_a_perceptron_has_learned_from_them() -> None:
    X, y = rows(), (np.asarray(rows().sum(axis=1)).ravel() > 3).astype(int)
    model = Perceptron(tol=None, max_iter=2, average=True).fit(X, y)
    model._learned_from(model._rows, from_zero=True)  # nothing is known yet
    X.indices[5] = -(10**8)
    with pytest.raises(DataError, match="broken sparse matrix"):
        _ = model.margin_


def test_a_perceptron_leaves_rows_out_of_order_and_repeated_as_they_are() -> None:
    """Also where they cannot be written to, as joblib hands them to its workers."""
    data, indices, ends = np.array([1.0, 2, 3, 4, 5]), np.array([1, 0, 2, 2, 0]), np.array([0, 2, 4, 5])
    X = sparse.csr_matrix((data, indices, ends), shape=(3, 3))
    for array in (X.data, X.indices, X.indptr):
        array.flags.writeable = False
    model = Perceptron().fit(X, [0, 1, 0])
    dense = Perceptron(intercept_scaling=0.1).fit(X.toarray(), [0, 1, 0])
    assert model.margin_ == pytest.approx(dense.margin_)
    assert X.indices.tolist() == [1, 0, 2, 2, 0]


def test_two_threads_with_one_model_are_never_in_the_same_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int] = []
    met: list[bool] = []
    original = native_engine.NativeEngine._turn

    def watched(self: Any, loop: Any, *others: Any) -> None:
        met.append(loop.at in inside)
        inside.append(loop.at)
        time.sleep(0.005)
        original(self, loop, *others)
        inside.remove(loop.at)

    model = Online(WIDTH, 3, distributions.Categorical(), 0.1)
    few, many = (model.rows(X, y) for X, y in ((rows()[:3], Y[:3]), (rows(), Y)))
    model.epoch(few)
    monkeypatch.setattr(native_engine.NativeEngine, "_turn", watched)
    threads = [threading.Thread(target=model.epoch, args=(some,)) for some in (few, many, few, many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(met) >= 4
    assert not any(met)


def test_row_pointers_of_another_dtype_than_columns_never_reach_machine_code() -> None:
    model = Online(WIDTH, 3, distributions.Categorical(), 0.1)
    some = model.rows(rows(), Y)
    some.X.indptr = some.X.indptr.astype(np.int64)
    with pytest.raises(DataError, match="indptr has been changed"):
        model.epoch(some)
