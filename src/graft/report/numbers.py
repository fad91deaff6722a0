"""The report of a model of numbers, for a terminal and as a page, and the score of one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from graft.heads.regressor import LEVEL
from graft.report import charts, html, steps, text, words
from graft.report.exhibits import Exhibits, gather
from graft.report.markup import Html, element
from graft.report.report import ShownScores, TaskReport
from graft.report.terminal import Lines, bounded, draw, grid, item_name, page_width, room_of
from graft.results.figures import CurvePoint, Judged
from graft.results.prediction import near
from graft.results.regression import JudgedNumber, NumberRecord, NumberScore, NumberScores

HARDEST = 4
"""So many of the hardest items are named in a terminal."""
LIKE_THESE = "like those that it learned from"


@dataclass(frozen=True, kw_only=True)
class NumberReport(NumberRecord, TaskReport):
    """What a fit to numbers found."""

    measure: ClassVar[str] = "errors"
    classes: ClassVar[tuple[str, ...]] = ()

    def __str__(self) -> str:
        return render(self)

    @property
    def summary(self) -> str:
        """What was fitted and how good it is, in a few words."""
        r2, mae = words.fixed(self.score.r2.value), words.brief(self.score.mae.value)
        return f"numbers, {self.encoder}, R² {r2}, mean error {mae}"

    @property
    def score(self) -> NumberScore:
        """What the headline speaks of: the given test split where there is one, else cross-validation."""
        return self.test or self

    def page(self) -> str:
        """One self-contained HTML page."""
        return page_of(self)


@dataclass(frozen=True, kw_only=True)
class NumberEvaluation(NumberScores, ShownScores):
    """A model's score on items whose numbers are known; ``report`` is what ``to_html`` shows."""

    report: NumberReport | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        lines = [
            f"{name} {value}, 95 % interval {low} to {high}" + (f"  ({self.n_items} items, {self.split})" * first)
            for first, (name, value, low, high) in zip((True, False, False, False), _figures(self), strict=True)
        ]
        return "\n".join([*lines, *self._notes()])

    def page(self) -> str:
        """One self-contained HTML page."""
        return page_of(self._known(), evaluated=True)


def headline(report: NumberRecord | NumberReport, score: NumberScore) -> str:
    """The mean error with its interval, and how far off nine of ten are at most."""
    mae, held, most = score.mae, score.interval_coverage, words.brief(score.margin)
    within = "9 of 10"
    if words.known(held.high) and held.high < LEVEL:  # what the model promised did not hold here
        within = f"only {words.percent(held.value)} of them"
    return (
        f"New {words.things(report.modality)} would be off by {words.brief(mae.value)} on average, between "
        f"{words.brief(mae.low)} and {words.brief(mae.high)}, 95{words.NBSP}% sure; {within} by at most {most}."
    )


def coverage(score: NumberScore) -> str:
    """Whether the prediction intervals hold, as measured."""
    held = score.interval_coverage
    between = f" (between {words.span(held.low, held.high)}{words.NBSP}%)" if words.measured(held) else ""
    asked = (
        f"Asked to hold the number 90{words.NBSP}% of the time, intervals of ±{words.NBSP}{words.brief(score.margin)}"
    )
    return f"{asked} did {words.percent(held.value)}{between}."


def errors(report: NumberReport) -> list[tuple[str, str, str]]:
    """The mean errors, that of the headline first, those of the baselines last: name, value, interval."""
    found = [("cross-validated" if report.test else "this model", report.mae)]
    if report.test:
        found.insert(0, (f"test split, {report.n_test:,}", report.test.mae))
    rows = [(name, words.brief(mae.value), f"{words.brief(mae.low)}–{words.brief(mae.high)}") for name, mae in found]
    called = {"mean": "mean number", "nearest": "nearest neighbour"}
    return [*rows, *((called.get(name, name), words.brief(value), "") for name, value in report.baselines.items())]


def squared(score: NumberScore) -> str:
    """The error in which large ones weigh more."""
    value, low, high = (words.brief(figure) for figure in (score.rmse.value, score.rmse.low, score.rmse.high))
    return f"Root mean squared error {value}, between {low} and {high}."


def doubt(report: NumberReport) -> str:
    """A sentence where the error is not clearly below a baseline, else nothing."""
    mean = report.baselines.get("mean", math.nan)
    if words.known(mean) and report.mae.high >= mean:
        return "That is not clearly better than always naming the mean number."
    return ""


def grown(report: NumberReport) -> str:
    """Where the learning curve starts and ends."""
    first, *_, last = report.learning_curve
    return f"Mean error {words.brief(first.mae)} after {first.n:,}, {words.brief(last.mae)} after {last.n:,}."


def verdict(judged: JudgedNumber) -> str:
    """What the model said of one item, beside its number."""
    value, between = _predicted(judged)
    return f"given {_given(judged)}, predicted {value} {between}"


def _predicted(judged: JudgedNumber) -> tuple[str, str]:
    """The number that the model said, and its interval."""
    value, low, high = (near(number, judged.high - judged.value) for number in (judged.value, judged.low, judged.high))
    return value, f"({low} to {high})"


def _given(judged: JudgedNumber) -> str:
    """The number as it was given, however much larger than its interval it is."""
    return f"{judged.given:{',' if 1e4 <= abs(judged.given) < 1e12 else ''}}".removesuffix(".0")


def render(report: NumberReport, width: int | None = None) -> str:
    """The report as lines of at most ``width`` columns, as ``graft.report.text.render`` does it."""
    width = page_width(width)
    return draw(text.title(report, _brought(report), width), _sections(report, room_of(width)), width)


def _brought(report: NumberReport) -> str:
    return f"{words.amount(report.n_items, report.modality)}, a number for each"


def _sections(report: NumberReport, room: int) -> Iterator[tuple[str, Lines]]:
    score, note = report.score, doubt(report)
    figure = f"{words.fixed(score.r2.value)}   {_spread(score)}"
    yield "R²", (figure, headline(report, score), *([note] if note else []), "")
    table = grid(("left", "right", "right"), errors(report))
    yield "Mean error", (table, squared(score), _origin(report), "")
    yield "Intervals", [coverage(score)]
    yield "Unknown", [words.unknown(report.unknown, report.modality, LIKE_THESE)]
    yield "Learning", (grown(report), _overfit(report), "")
    listed = []
    for judged in score.hardest[:HARDEST]:
        called = item_name(judged.path, report.modality, bounded(room - 34, 16, 48))
        listed.append(f"{called}  {verdict(judged)}")
    yield "Hardest", (*listed, "")
    yield from text.about_the_fit(report, room)


def page_of(report: NumberReport, *, evaluated: bool = False) -> str:
    """The whole page; see ``graft.report.page.document`` for what it may do."""
    shown = [Judged(one.path, _given(one), "", math.nan, math.nan) for one in report.score.hardest]
    exhibits = gather(report, shown)
    score, sections = f"R² {words.fixed(report.score.r2.value)}", _page_sections(report, exhibits, shown, evaluated)
    return html.whole(report, score, _brought(report), sections, exhibits, evaluated)


def _page_sections(
    report: NumberReport, exhibits: Exhibits, shown: Sequence[Judged], evaluated: bool
) -> Iterator[Html]:
    score = report.score
    r2, origin = words.fixed(score.r2.value), element("p", _origin(report), class_="quiet")
    yield html.headline("R²", r2, _spread(score), headline(report, score), doubt(report), origin)
    yield from html.notes(report)
    if not evaluated and (asked := steps.use(report)):
        yield html.section("use", "Use this model", [], html.step_list([asked]))
    prose = ["A point for each held-out item. On the dashed line a number is predicted as given; the band is the "]
    prose += [f"90{words.NBSP}% prediction interval. ", coverage(score)]
    yield html.section("predicted", "Predicted and given", prose, charts.scatter(score.predicted, score.margin))
    if not evaluated:
        prose = ["Beside what takes no learning. ", squared(score)]
        yield html.section("errors", "Mean error", prose, html.figures(errors(report)))
    prose = [f"Held-out {words.things(report.modality)} whose number was missed by most. Some may carry a wrong one."]
    cards = (exhibits.card(one, _said(judged)) for one, judged in zip(shown, score.hardest, strict=True))
    yield html.section("hardest", "Hardest examples", prose, exhibits.gallery(cards))
    if not evaluated:
        curve = [CurvePoint(point.n, point.mae, point.low, point.high) for point in report.learning_curve]
        yield html.section("learning", "Learning curve", [_overfit(report)], charts.error_curve(curve, "mean error"))
        said = element("p", words.unknown(report.unknown, report.modality, LIKE_THESE))
        yield html.section("unknown", "Unknown", [], said)
    yield from html.ending(report, evaluated=evaluated)


def _said(judged: JudgedNumber) -> list[Html | str]:
    value, between = _predicted(judged)
    return ["given ", _given(judged), element("br"), "predicted ", element("strong", value), f" {between}"]


def _figures(score: NumberScore) -> list[tuple[str, str, str, str]]:
    """Each figure with its interval: name, value, low, high."""
    return [
        (name, shown(found.value), shown(found.low), shown(found.high))
        for name, found, shown in (
            ("R²", score.r2, words.fixed),
            ("mean absolute error", score.mae, words.brief),
            ("root mean squared error", score.rmse, words.brief),
            ("interval coverage", score.interval_coverage, words.percent),
        )
    ]


def _spread(score: NumberScore) -> str:
    """The interval of R²; of numbers that are all the same there is no variance to explain."""
    if not words.known(score.r2.low, score.r2.high):
        return "all numbers are the same"
    return f"95{words.NBSP}% interval {words.fixed(score.r2.low)}–{words.fixed(score.r2.high)}"


def _origin(report: NumberReport) -> str:
    parts = [report.test.mae.method if report.test else "", report.judged_on, report.mae.method]
    return " ".join(words.sentence(part) for part in parts if part)


def _overfit(report: NumberReport) -> str:
    gap = report.overfit_gap
    return f"On what it learned from it is off by {words.brief(gap)} less." if words.known(gap) and gap > 0 else ""
