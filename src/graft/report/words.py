"""The report's sentences and figures in words: the terminal and the page say the same thing in the same way."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from graft.report.content import ClassFigures, Forecast, Interval, Judged, Report

NO_FIGURE = "–"
NOTHING = 0.0005
"""A gain that would be shown as 0.0 points."""
NBSP = "\u00a0"
EASY = 0.95
"""From this accuracy on, a task that the nearest neighbour solves as well is called easy."""
_NOUNS = {"image": ("photo", "photos"), "text": ("text", "texts"), "audio": ("recording", "recordings")}
_BASELINES = {"majority": "commonest class", "nearest": "nearest neighbour"}
# Control characters could drive a terminal, direction overrides reorder a page, lone surrogates cannot be encoded.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Confusion:
    """``n`` of the ``of`` judged items of ``label`` were called ``predicted``."""

    label: str
    predicted: str
    n: int
    of: int


def clean(text: str) -> str:
    """A label or file name that can be shown: whatever could drive a terminal or reorder a line becomes U+FFFD."""
    return _UNSAFE.sub("\ufffd", text)


def known(*figures: float | None) -> bool:
    """Whether all of these are numbers; what was never scored is ``nan`` or ``None``."""
    return all(figure is not None and math.isfinite(figure) for figure in figures)


def measured(score: Interval) -> bool:
    """Whether there is an interval around the figure; a baseline has none."""
    return known(score.value, score.low, score.high) and score.low < score.high


def percent(share: float | None, digits: int = 1) -> str:
    """``0.942`` as ``94.2 %``, never rounded up to 100 or down to 0."""
    if share is None or not math.isfinite(share):
        return NO_FIGURE
    return f"{_percentage(share, digits)}{NBSP}%"


def span(low: float | None, high: float | None, digits: int = 1) -> str:
    """An interval in per cent, without the sign: ``90.1–96.9``."""
    if low is None or high is None or not known(low, high):
        return NO_FIGURE
    return f"{_percentage(low, digits)}–{_percentage(high, digits)}"


def points(gain: float) -> str:
    """A difference in percentage points: ``+1.2``."""
    shown = f"{100 * gain:+.1f}" if math.isfinite(gain) else NO_FIGURE
    return "0.0" if shown in ("+0.0", "-0.0") else shown.replace("-", "−")


def amount(n: int, modality: str) -> str:
    """``1 photo``, ``1,200 texts``; an unknown modality has items."""
    one, many = _NOUNS.get(modality, ("item", "items"))
    return f"{n:,} {one if n == 1 else many}"


def things(modality: str) -> str:
    """What the items are, in the plural: photos, texts, recordings."""
    return _NOUNS.get(modality, ("item", "items"))[1]


def baseline(name: str) -> str:
    """How a baseline is called."""
    return _BASELINES.get(name, name)


def headline(report: Report) -> str:
    """The score as a count out of a hundred, with its interval."""
    score = report.accuracy
    if not known(score.value, score.low, score.high):
        return f"There is no score: too few {things(report.modality)} were left to judge by."
    about, low, high = (round(100 * figure) for figure in (score.value, score.low, score.high))
    return (
        f"Out of 100 new {things(report.modality)} about {about} would be named rightly; "
        f"between {low} and {high}, 95{NBSP}% sure."
    )


def doubt(report: Report) -> str:
    """A sentence where the score is not clearly above a baseline, else nothing."""
    score = report.accuracy
    reached = [name for name, value in report.baselines.items() if known(value, score.low) and value >= score.low]
    if not reached:
        return ""
    if "majority" in reached:
        return "That is not clearly better than always naming the commonest class."
    if reached == ["nearest"] and report.baselines["nearest"] >= score.value:
        easy = ": this task is easy for the encoder" if score.value >= EASY else ""
        return f"The single nearest neighbour does as well{easy}."
    return f"The interval reaches down to the baseline ({' and '.join(baseline(name) for name in reached)})."


def origin(report: Report) -> str:
    """Which items the score speaks of, and how its interval was come by."""
    return " ".join(_sentence(part) for part in (report.judged_on, report.accuracy.method) if part)


def confusions(report: Report) -> list[Confusion]:
    """All mistakes by pair of classes, the most frequent first."""
    pairs = [
        Confusion(label, report.classes[j], n, sum(row))
        for i, (label, row) in enumerate(zip(report.classes, report.confusion, strict=True))
        for j, n in enumerate(row)
        if n and i != j
    ]
    return sorted(pairs, key=lambda pair: (-pair.n, pair.of, pair.label, pair.predicted))


def worst_first(report: Report) -> list[tuple[str, ClassFigures]]:
    """The classes from the lowest recall to the highest; those that were never scored come last."""
    return sorted(
        report.per_class.items(), key=lambda row: (not row[1].n, row[1].recall if known(row[1].recall) else 2.0, row[0])
    )


def confidence(report: Report) -> str:
    """How far the confidences can be believed."""
    calibration = report.calibration
    if not known(calibration.ece):
        return "It could not be measured how far the confidence can be believed."
    n = sum(entry.n for entry in calibration.bins)
    lean = sum(entry.n * (entry.confidence - entry.accuracy) for entry in calibration.bins if entry.n) / max(n, 1)
    tone = ""
    if abs(lean) >= 0.01:
        tone = ", mostly too sure of itself" if lean > 0 else ", mostly too modest"
    return f"Off by {100 * calibration.ece:.1f} points on average{tone} (ECE {calibration.ece:.3f})."


def sets(report: Report) -> str:
    """What the prediction sets hold, as measured."""
    found = report.sets
    if found.complete:
        wanted = percent(found.level, 0)
        return f"Too few {things(report.modality)} to calibrate sets for {wanted}: every class is returned."
    few = ""
    if found.short:
        whose, them = ("1 class has", "it") if found.short == 1 else (f"{found.short} classes have", "them")
        few = f" {whose} too few {things(report.modality)} for that, and every set holds {them}."
    return (
        f"Asked to hold the true class {percent(found.level, 0)} of the time, they did {percent(found.coverage)}, "
        f"with {_number(found.mean_size)} classes on average.{few}"
    )


def unknown(report: Report) -> str:
    """How often an item of a known class would be called unknown."""
    found = report.unknown
    if found.rate == 0:
        return "No threshold was asked for: nothing is called unknown."
    if not known(found.rate, found.threshold):
        return "No threshold could be set: nothing was held out."
    return (
        f"{percent(found.rate)} of {things(report.modality)} of these classes would be called unknown "
        f"(threshold {found.threshold:.3g})."
    )


def growth(report: Report) -> str:
    """Where the learning curve starts and ends."""
    curve = [point for point in report.learning_curve if known(point.accuracy)]
    if not curve:
        return ""
    first, last = curve[0], curve[-1]
    if len(curve) == 1:
        return f"{percent(last.accuracy)} after {last.n:,}"
    return f"{percent(first.accuracy)} after {first.n:,}, {percent(last.accuracy)} after {last.n:,}"


def outlook(forecast: Forecast, name: Callable[[str], str] = clean) -> str:
    """``20 more of bees: about +1.2 points (between +0.2 and +2.4)``; ``name`` shows the label."""
    whom = "every class" if forecast.label == "all" else name(forecast.label)
    between = (
        f" (between {points(forecast.low)} and {points(forecast.high)})" if known(forecast.low, forecast.high) else ""
    )
    if known(forecast.low, forecast.high) and max(abs(forecast.low), abs(forecast.gain), abs(forecast.high)) < NOTHING:
        return f"{forecast.extra} more of {whom}: no gain to be expected"
    return f"{forecast.extra} more of {whom}: about {points(forecast.gain)} points{between}"


def verdict(judged: Judged, name: Callable[[str], str] = clean) -> str:
    """What the model said of one item, beside the label that was given; ``name`` shows the labels."""
    sure = f"{percent(judged.confidence, 0)} sure"
    if judged.predicted == judged.label:
        return f"{name(judged.label)}, and predicted so, but only {sure}"
    return f"given {name(judged.label)}, predicted {name(judged.predicted)}, {sure}"


def overfit(report: Report) -> str:
    """How much better the model is on what it learned from than on what was held out."""
    gap = report.overfit_gap
    if not known(gap):
        return ""
    if gap < 0.0005:
        return "It is no better on what it learned from than on held-out items."
    return f"It is {100 * gap:.1f} points better on what it learned from than on held-out items."


def skipped_kinds(report: Report) -> str:
    """``2 truncated, 1 empty``; nothing where the kinds are not known."""
    kinds = Counter(entry.code.replace("_", " ") for entry in report.skipped if entry.code != "bad_item")
    return ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())


def timings(report: Report) -> str:
    """``2.2 s in all: read 0.04, embed 1.3, fit 0.22``."""
    spent = {name: seconds for name, seconds in report.seconds.items() if known(seconds)}
    total = spent.pop("total", None)
    steps = ", ".join(f"{clean(name)}{NBSP}{_brief(seconds)}" for name, seconds in spent.items())
    whole = f"{_brief(total)}{NBSP}s in all" if total is not None else "Seconds" if steps else ""
    return ": ".join(part for part in (whole, steps) if part)


def cache(report: Report) -> str:
    """How many embeddings came from the cache."""
    hits, misses = report.cache.get("hits", 0), report.cache.get("misses", 0)
    return f"{hits:,} of {hits + misses:,} embeddings came from the cache" if hits + misses else ""


def _percentage(share: float, digits: int) -> str:
    shown = f"{100 * share:.{digits}f}"
    whole = float(shown)
    if digits and ((whole == 100 and share < 1) or (whole == 0 and share > 0)):
        return f"{100 * share:.{digits + 1}f}"
    return "100" if whole == 100 else shown


def _brief(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 1 else f"{seconds:,.1f}"


def _number(value: float) -> str:
    return f"{value:.2f}" if known(value) else NO_FIGURE


def _sentence(text: str) -> str:
    text = clean(text).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
