"""What of a stream has changed: simulated classes of which everything is known."""

import itertools
from functools import cache

import numpy as np
import pytest

from graft.contracts import Float32
from graft.monitoring import watching
from graft.monitoring.reference import Reference
from graft.monitoring.scores import DriftScorer, DriftScores
from graft.monitoring.watching import LEAST_ITEMS, LEVELS, Drifts, watch

MEANS = 3 * np.random.default_rng(9).standard_normal((4, 24))


def drawn(n: int, seed: int, shares: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25)) -> tuple[Float32, list[str]]:
    """Items of four classes, and their names."""
    chance = np.random.default_rng(seed)
    y = chance.choice(4, n, p=shares)
    return (MEANS[y] + chance.standard_normal((n, 24))).astype(np.float32), [f"class {one}" for one in y]


@cache
def reference() -> Reference:
    return Reference.of(*drawn(240, 0))


def watched(x: Float32) -> Drifts:
    return watch(reference(), x)


def alarm(found: Drifts) -> bool:
    return found.input.changed or found.answers.changed or found.unknown.changed


def test_items_of_the_same_source_raise_no_alarm() -> None:
    alarms = [alarm(watched(drawn(300, seed)[0])) for seed in range(1, 21)]
    assert sum(alarms) <= 3  # one in twenty at most is expected


def one_after_another(seen: DriftScores) -> list[DriftScores]:
    """Every item as a stream of its own."""
    rows = range(len(seen.inputs))
    return [DriftScores(*(part[row : row + 1] for part in (seen.inputs, seen.answers, seen.strange)), seen.n_lengths)
            for row in rows]  # fmt: skip


def test_all_that_is_bet_on_shares_five_percent() -> None:
    """The capital after one item is in the mean what is laid on it; all that is laid comes to 1 in every test."""
    assert sum(LEVELS.values()) == pytest.approx(0.05)
    own = reference()
    scorer = DriftScorer.fitted(own.x[:80], own.targets[:80], own.stages, exclusive=True)
    before, now = scorer.score(own.x[80:]), scorer.score(drawn(250, 30)[0])
    chance = np.random.default_rng(0)
    laid = [sum(np.exp(bet.capital[0]) for bet in watching._fixed(before, one, chance))
            for one in one_after_another(now)]  # fmt: skip
    assert 0.4 < np.mean(laid) < 0.6
    bets = [list(watching._learned(before.inputs[:40], before, scorer.score(drawn(400, seed)[0])))
            for seed in range(31, 37)]  # fmt: skip
    assert 0.3 < np.mean([sum(np.exp(bet.capital[0]) for bet in stream) for stream in bets]) < 0.7
    laid = [sum(np.exp(bet.capital[0]) for bet in watching._answers(own, before.answers, one.answers))
            for one in one_after_another(now)]  # fmt: skip
    assert 0.8 < np.mean(laid) < 1.25


def test_a_capital_below_one_over_the_level_is_no_alarm() -> None:
    among, score = np.linspace(-1, 1, 30), np.linspace(1, 2, 40)
    for most, alarm in ((49, False), (51, True)):
        capital = np.zeros(40)
        capital[35] = np.log(most)
        found = watching._verdict([watching._Bet(capital, score, among)], 1 / 50, np.arange(30))
        assert found.changed == alarm
        assert found.p == pytest.approx(1 / most)


def test_a_direction_knows_nothing_of_what_it_is_bet_on_with() -> None:
    own = reference()
    scorer = DriftScorer.fitted(own.x[:80], own.targets[:80], own.stages, exclusive=True)
    compared, before = scorer.score(own.x[80:120]).inputs, scorer.score(own.x[120:])
    gained = []
    for seed in range(40, 50):
        for number, bet in enumerate(watching._learned(compared, before, scorer.score(drawn(300, seed)[0]))):
            gained.append(bet.capital.max() + np.log((number + 1) * (number + 2)) - np.log(0.5))
    assert np.mean(np.array(gained) > np.log(10)) < 0.2  # one in ten at most is expected


def test_the_reference_is_asked_out_of_fold() -> None:
    """Where classes are given by chance, only a head that has seen an item knows its class."""
    chance = np.random.default_rng(3)
    own = Reference.of(chance.standard_normal((240, 24)).astype(np.float32), [f"{k % 4}" for k in range(240)])
    before, _ = watching._out_of_fold(own, own.x[:1])
    assert (before.argmax(axis=1) == own.targets.argmax(axis=1)).mean() < 0.33


def test_new_items_are_as_strange_as_those_that_they_are_ranked_among() -> None:
    """Items of more numbers than there are items lie nearer to the means of their classes if these hold them."""
    x = np.random.default_rng(4).standard_normal((320, 200)).astype(np.float32)
    found = watch(Reference.of(x[:120], [f"{k % 12}" for k in range(120)]), x[120:])
    assert abs(found.strange.mean() - found.usual.mean()) < 0.5 * found.usual.std()


def test_a_shift_of_the_inputs_is_told_from_a_change_of_the_answers() -> None:
    x, _ = drawn(200, 50)
    found = watched(x + np.float32(0.5))
    assert found.input.changed
    assert not found.answers.changed
    assert found.input.found < 200
    assert found.input.p < 1e-3
    assert found.input.since < 40
    assert abs(found.input.effect) > 0.5
    mixed = watched(drawn(400, 51, (0.5, 0.2, 0.15, 0.15))[0])
    assert mixed.answers.changed
    assert mixed.answers.column == 0
    assert not mixed.input.changed
    far = watched(x + np.float32(5))
    assert far.unknown.changed
    assert far.input.changed


def test_a_late_change_is_found_and_dated() -> None:
    x, _ = drawn(700, 60)
    x[500:] += np.float32(0.7)
    found = watched(x).input
    assert found.changed
    assert 500 <= found.found < 700
    assert abs(found.since - 500) < 30


def test_the_verdict_is_a_function_of_the_order_and_never_taken_back() -> None:
    x, _ = drawn(400, 70)
    x[200:] += np.float32(0.6)
    whole = watched(x)
    parts = [watched(x[:n]) for n in range(0, 401, 25)]
    p = [part.input.p for part in parts]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(p))
    assert whole.input.found == next(part.input.found for part in parts if part.input.changed)
    assert watched(x).input.p == whole.input.p


def test_too_little_raises_no_alarm_whatever_it_is() -> None:
    alike = np.repeat(drawn(1, 80)[0] + np.float32(50), 8, axis=0)
    assert not alarm(watched(alike))
    assert not alarm(watched(alike[:0]))
    assert alarm(watched(np.repeat(alike, 5, axis=0)))
    assert LEAST_ITEMS > 8
    assert not alarm(watch(Reference.of(*drawn(10, 81)), drawn(200, 82)[0]))


@pytest.mark.parametrize("kind", ["one class", "labels", "numbers"])
def test_every_kind_of_target_can_be_watched(kind: str) -> None:
    x, labels = drawn(160, 90)
    given = {"one class": ["only"] * 160, "labels": [[label, "all"] for label in labels],
             "numbers": [float(row[:3].sum()) for row in x]}[kind]  # fmt: skip
    own = Reference.of(x, given)
    assert not alarm(watch(own, drawn(200, 91)[0]))
    shifted = drawn(200, 92)[0] + np.float32(1.5)
    assert watch(own, shifted).input.changed


def test_copies_of_the_reference_count_once() -> None:
    x, labels = drawn(40, 93)
    own = Reference.of(np.repeat(x, 5, axis=0), list(np.repeat(labels, 5)))
    assert len(own) == 40


def test_items_that_are_all_equal_are_no_error() -> None:
    same = np.ones((100, 8), np.float32)
    own = Reference.of(same + np.eye(100, 8, dtype=np.float32), ["a", "b"] * 50)
    watch(own, same)
    zeros = Reference.of(np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32), ["a", "b"] * 30)
    watch(zeros, np.zeros((50, 8), np.float32))
