import numpy as np
import pytest

from graft.tuning.batches import COMPANY, Samples, epoch_batches, parts


@pytest.mark.parametrize("in_company", [False, True])
def test_every_row_is_seen_once_in_batches_of_nearly_equal_size(in_company: bool) -> None:
    y = np.random.default_rng(0).integers(0, 5, 103)
    batches = epoch_batches(y, 25, seed=1, epoch=0, in_company=in_company)
    assert sorted(np.concatenate(batches)) == list(range(103))
    assert {len(batch) for batch in batches} == {20, 21}


def test_the_order_follows_from_seed_and_epoch() -> None:
    y = np.zeros(50, np.int64)
    order = [np.concatenate(epoch_batches(y, 10, seed, epoch)) for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert np.array_equal(order[0], order[1])
    assert not np.array_equal(order[0], order[2])
    assert not np.array_equal(order[0], order[3])


def test_rows_in_company_have_their_own_class_beside_them() -> None:
    y = np.repeat(np.arange(40), 8)
    order = np.concatenate(epoch_batches(y, 32, seed=0, epoch=0, in_company=True))
    assert (y[order].reshape(-1, COMPANY) == y[order][::COMPANY, None]).all()
    assert len(set(y[order[:32]])) > 4  # and others to be told from


def test_parts_hold_no_more_than_goes_through_at_once() -> None:
    ten = Samples(range(10), np.zeros(10, np.int64))
    assert [len(places) for places in parts(ten, np.arange(10), 4)] == [4, 3, 3]
    assert [len(places) for places in parts(ten, np.array([7, 1, 2]), 4)] == [3]


def test_items_of_like_length_go_together() -> None:
    rows = Samples(range(6), np.zeros(6, np.int64), sizes=np.array([9, 1, 8, 2, 7, 3]))
    chosen = np.array([0, 1, 2, 3])
    first, second = parts(rows, chosen, 2)
    assert chosen[first].tolist() == [1, 3]
    assert chosen[second].tolist() == [2, 0]
