"""The order of an epoch hangs on the key and the epoch only, whenever and by whom it is drawn."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from glassgrad.native import crew
from glassgrad.train.orders import Orders

KEY = np.array([7, 8], np.uint32)


@pytest.mark.parametrize("n", [5, 1 << 14, 70_000])
def test_orders_are_the_same_drawn_alone_together_or_beside(n):
    alone = [Orders().of(KEY, n, epoch) for epoch in range(4)]
    together, beside = Orders(), Orders()
    for epoch in range(4):
        found = beside.of(KEY, n, epoch)
        beside.foresee(KEY, n, epoch + 1)
        for order in (found, together.of(KEY, n, epoch, ahead=4 - epoch)):
            np.testing.assert_array_equal(order, alone[epoch])
        assert sorted(found.tolist()) == list(range(n))
    assert not np.array_equal(alone[0], alone[1])


def test_what_was_foreseen_in_vain_is_not_taken():
    n, orders = 1 << 14, Orders()
    orders.foresee(KEY, n, 1)
    other = KEY + np.uint32(1)
    np.testing.assert_array_equal(orders.of(other, n, 1), Orders().of(other, n, 1))
    orders.foresee(KEY, n, 5)
    np.testing.assert_array_equal(orders.of(KEY, n, 2), Orders().of(KEY, n, 2))


def test_it_waits_in_vain_for_nobody(monkeypatch):
    """A copy in another process has no thread that draws, and a machine of one core no core for it."""
    n, orders = 1 << 14, Orders()
    orders.foresee(KEY, n, 1)
    for twin in (copy.deepcopy(orders), pickle.loads(pickle.dumps(orders))):
        np.testing.assert_array_equal(twin.of(KEY, n, 1), orders.of(KEY, n, 1))
    orders.foresee(KEY, n, 3)
    monkeypatch.setattr("glassgrad.train.orders.os.getpid", lambda: -1)
    np.testing.assert_array_equal(orders.of(KEY, n, 3), Orders().of(KEY, n, 3))
    monkeypatch.setattr(crew, "cores", lambda: 1)
    assert crew.aside(lambda: 1) is None
