"""Whether the fields of a report that was read from a file hold what they promise."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import graft
from graft.report import Report
from graft.results.facts import plain, restored


@dataclass(frozen=True)
class Inner:
    share: float
    n: int = 0


@dataclass(frozen=True)
class Outer:
    name: str
    whole: int
    inner: Inner
    each: tuple[Inner, ...] = ()
    pair: tuple[str, int] = ("a", 1)
    by_name: Mapping[str, float] = None  # type: ignore[assignment]
    maybe: Inner | None = None
    either: int | None = 1
    anything: Any = None
    on: bool = False


GOOD = Outer("a", 3, Inner(0.5), (Inner(1), Inner(float("nan"))), ("b", 2), {"x": 1})


@pytest.mark.parametrize(
    "changes",
    [{}, {"maybe": Inner(0.1)}, {"either": None}, {"anything": object()}, {"inner": Inner(None)}],  # type: ignore[arg-type]
)
def test_what_fits_is_let_through(changes: Mapping[str, Any]) -> None:
    values = plain(replace(GOOD, **changes))

    assert plain(restored(Outer, values)) == values


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": 3}, "report.name is '3' and not a text"),
        ({"whole": 3.5}, "report.whole is '3.5' and not a whole number"),
        ({"whole": -1}, "report.whole"),
        ({"whole": True}, "report.whole"),
        ({"whole": None}, "report.whole"),
        ({"inner": [1]}, "report.inner"),
        ({"inner": Inner("1")}, "report.inner.share is '1' and not a number"),
        ({"each": (Inner(1), Inner(True))}, r"report.each\[1\].share"),
        ({"each": 3}, "report.each"),
        ({"pair": ("a",)}, "report.pair"),
        ({"pair": ("a", "b")}, r"report.pair\[1\]"),
        ({"by_name": {"x": "y"}}, "report.by_name.x"),
        ({"by_name": {"x": [1]}}, "report.by_name"),
        ({"by_name": [1]}, "report.by_name"),
        ({"maybe": 3}, "report.maybe"),
        ({"either": 1.5}, "report.either"),
        ({"on": 1}, "report.on"),
    ],
)
def test_what_does_not_fit_is_named(changes: Mapping[str, Any], where: str) -> None:
    with pytest.raises(ValueError, match=where):
        restored(Outer, plain(replace(GOOD, **changes)))


def test_a_report_of_a_fit_is_what_it_promises(model: graft.Model) -> None:
    found = model.report.to_dict()

    assert Report.from_dict(found).to_dict() == found


def test_what_is_not_saved_stays_out_of_what_is_written(model: graft.Model, tmp_path: Path) -> None:
    report = replace(model.report, whys=dict.fromkeys(model.report.items, "why"))

    assert report.items
    assert report.inputs.paths
    assert {"items", "whys", "inputs"}.isdisjoint(report.to_dict())
    model.save(tmp_path / "doors.graft")
    written = json.loads((tmp_path / "doors.graft" / "report.json").read_text())
    assert {"items", "whys", "inputs"}.isdisjoint(written)


def test_the_report_behind_an_evaluation_stays_out_of_its_json(model: graft.Model, photos: Path) -> None:
    evaluation = model.evaluate(graft.read(photos))

    assert evaluation.report is not None
    assert "report" not in evaluation.to_dict()
