"""Bets on ranks: what they cost while nothing changes, and how soon they tell that something did."""

import numpy as np
import pytest

from graft.monitoring.betting import RISES, SHIFTS, moved, ranks, shifted


def test_ranks_count_what_came_before_and_break_ties_by_chance() -> None:
    pool, scores = np.array([1.0, 2.0, 3.0]), np.array([2.5, 0.0, 2.5, 2.5])
    found = ranks(pool, scores, np.array([0.5, 0.5, 0.5, 0.999]))
    assert np.allclose(found, [2.5 / 4, 0.5 / 5, (3 + 0.5 * 2) / 6, (3 + 0.999 * 3) / 7])
    many = np.random.default_rng(0).standard_normal(1500)
    whole = ranks(many[:100], many[100:], np.full(1400, 0.5))
    assert np.allclose(whole[900], ((many[:1000] < many[1000]).sum() + 0.5) / 1001)  # across blocks


@pytest.mark.parametrize("reference", [30, 200])
def test_the_capital_seldom_grows_while_nothing_changes(reference: int) -> None:
    chance, largest = np.random.default_rng(0), []
    for _ in range(400):
        pool, scores = np.split(chance.standard_normal(reference + 400), [reference])
        u = ranks(pool, scores, chance.random(400))
        largest.append([shifted(u, reference, SHIFTS).max(), shifted(u, reference, RISES, late=False).max(),
                        moved(u, reference, 0.2).max()])  # fmt: skip
    passed = (np.array(largest) >= np.log(10)).mean(axis=0)
    assert (passed <= 0.1 + 3 * 0.015).all()  # Ville: at most one in ten
    assert (passed >= 0.01).all()  # and the bets are no waste


@pytest.mark.parametrize("begins", [0, 400])
def test_a_change_is_found_soon_whenever_it_begins(begins: int) -> None:
    chance, found = np.random.default_rng(1), []
    for _ in range(20):
        pool, scores = np.split(chance.standard_normal(150 + begins + 150), [150])
        scores[begins:] += 1
        capital = shifted(ranks(pool, scores, chance.random(len(scores))), 150, SHIFTS)
        found.append(np.argmax(capital > np.log(1000)) if capital.max() > np.log(1000) else 10**6)
    assert np.median(found) - begins < 60


def test_the_capital_so_far_does_not_depend_on_what_comes_later() -> None:
    chance = np.random.default_rng(2)
    pool, scores, jitter = chance.standard_normal(50), chance.standard_normal(900), chance.random(900)
    whole, part = (shifted(ranks(pool, scores[:n], jitter[:n]), 50, SHIFTS) for n in (900, 700))
    assert np.allclose(whole[:700], part)
