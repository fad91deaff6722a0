"""What to do with a report: how its model is used, and what would make it better, each with a command to copy."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from graft.report import words
from graft.results.facts import Facts
from graft.results.figures import Forecast, ReportRecord

SURE = 0.9
"""An item that is called something else with this confidence may carry a wrong label."""
WORTH = 0.01
"""A gain that is worth naming: one percentage point."""
_ASKED = {
    "image": ("photos, folders or zips of them", "PHOTO.jpg"),
    "text": ("texts, or tables of them", '"YOUR TEXT"'),
    "audio": ("recordings, folders or zips of them", "RECORDING.wav"),
}
"""By modality: what a model takes, and how it stands in a command."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do: why, in a sentence, and the command for it."""

    why: str
    command: str


def use(report: Facts) -> Step | None:
    """How the model is asked, where it has been saved."""
    if not report.model:
        return None
    what, example = _ASKED.get(report.modality, _ASKED["image"])
    return Step(f"Give it {what}:", f"graft predict {_quoted(report.model)} {example}")


def ahead(report: ReportRecord) -> list[Step]:
    """What would help most, the surest first."""
    return [*_labels(report), *_growth(report)]


def suspects(report: ReportRecord) -> int:
    """How many of the items that the report knows were called something else with confidence."""
    shown = {judged.path: judged for judged in (*report.hardest, *report.mistakes)}
    return sum(judged.predicted != judged.label and judged.confidence >= SURE for judged in shown.values())


def _labels(report: ReportRecord) -> Iterator[Step]:
    n = suspects(report)
    if n and not report.multi_label:
        look = "label looks" if n == 1 else "labels look"
        yield Step(
            f"{n:,} {look} wrong: held-out {words.things(report.modality)} that were called something else with at "
            f"least {words.percent(SURE, 0)} confidence. Go through them:",
            f"graft clean {_data(report)} --app",
        )


def _growth(report: ReportRecord) -> Iterator[Step]:
    gains = [forecast for forecast in report.forecast if words.known(forecast.gain) and forecast.low > 0]
    best: Forecast | None = max(gains, key=lambda forecast: forecast.gain, default=None)
    if best is None or best.gain < WORTH or not report.model:
        return
    yield Step(
        f"{words.outlook(best)}. Of {words.things(report.modality)} without a label, choose those that help most:",
        f"graft label-next {_quoted(report.model)} UNLABELLED",
    )


def _data(report: ReportRecord) -> str:
    """The data as they were given, where that is known."""
    return _quoted(str(report.inputs.paths[0])) if report.inputs.paths else "DATA"


def _quoted(text: str) -> str:
    return shlex.quote(words.clean(text))
