"""Runs and tunings as reports keep them."""

import json
import math

import pytest

from graft.report import Report
from graft.results.history import Epoch, History

RATES = (1.23456789e-5, 2e-5, 1e-4 / 3, 1e-3)


def test_a_tuning_comes_back_from_json(tuned: Report) -> None:
    again = Report.from_dict(json.loads(json.dumps(tuned.to_dict(), allow_nan=False))).tuning

    assert repr(again) == repr(tuned.tuning)
    assert again is not None
    assert math.isnan(again.runs[0].epochs[0].loss)
    assert len(json.dumps(tuned.to_dict()["tuning"])) < 15_000


@pytest.mark.parametrize("damage", [5, {}, {"runs": [{}]}, {"before": None}, {"runs": None}, {"strange": 1}])
def test_a_damaged_tuning_is_told_as_other_damage_is(tuned: Report, damage: object) -> None:
    values = json.loads(json.dumps(tuned.to_dict()))
    values["tuning"] = {**values["tuning"], **damage} if isinstance(damage, dict) and damage else damage

    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):  # those that ``load`` answers
        Report.from_dict(values)


def test_shortened_keeps_three_rates_and_five_digits() -> None:
    epoch = Epoch(1, 9, 1 / 3, math.nan, 2 / 3, RATES, 1.23456)
    run = History(("a", "b", "c"), 7, "cpu", "f32", (epoch,), 1, 1.0, "done", 9.8765)

    [short] = run.shortened().epochs

    assert short.rates == (1.2346e-5, 3.3333e-5, 1e-3)
    assert (short.loss, short.validation_accuracy, short.seconds) == (0.33333, 0.66667, 1.23)
    assert math.isnan(short.validation_loss)
    assert run.shortened().seconds == 9.88


@pytest.mark.parametrize("rates", [(), (1e-3,), (1e-4, 1e-3)])
def test_fewer_rates_stay(rates: tuple[float, ...]) -> None:
    epoch = Epoch(0, 0, math.nan, 0.5, 0.9, rates, 0.1)
    run = History((), 7, "cpu", "f32", (epoch,), 0, 1.0, "time", 0.1)

    assert run.shortened().epochs[0].rates == rates
    assert run.passes == ()
