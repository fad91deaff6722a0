"""The report's sentences and figures in words: the terminal and the page say the same thing in the same way."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graft.data.dataset import Skipped
from graft.decoding.formats import SHOWN_AS
from graft.results.facts import Facts, JournalEffect
from graft.results.figures import (
    ClassFigures,
    FalseAlarms,
    Forecast,
    GroupEffect,
    Interval,
    Judged,
    MultiLabelFigures,
    ReportRecord,
    Unknown,
)

NO_FIGURE = "–"
NOTHING = 0.0005
"""A gain that would be shown as 0.0 points."""
NBSP = "\u00a0"
EASY = 0.95
"""From this accuracy on, a task that the nearest neighbour solves as well is called easy."""
_BASELINES = {"majority": "commonest class", "nearest": "nearest neighbour", "tf-idf": "TF-IDF + logistic"}
EXCERPT = 300
"""No more characters of a text are shown than this."""
_JOINERS = "\u200d\ufe0e\ufe0f"
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


def excerpt(text: str, most: int = EXCERPT) -> str:
    """The beginning of a text on one line, safe to show: cut between words where one ends near, and marked so."""
    text = clean(" ".join(text.split()))
    if len(text) <= most:
        return text
    end = most
    while end and (unicodedata.combining(text[end]) or text[end] in _JOINERS or text[end - 1] == _JOINERS[0]):
        end -= 1
    space = text.rfind(" ", 0, end + 1)
    return text[: space if space >= most * 3 // 4 else end or most].rstrip() + "…"


def known(*figures: float | None) -> bool:
    """Whether all of these are numbers; what was never scored is ``nan`` or ``None``."""
    return all(figure is not None and math.isfinite(figure) for figure in figures)


def measured(score: Interval) -> bool:
    """Whether there is an interval around the figure; a baseline has none."""
    return known(score.value, score.low, score.high) and score.low < score.high


def spread(score: Interval) -> str:
    """The interval around a figure; nothing where there is none."""
    return span(score.low, score.high) if measured(score) else ""


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


def fixed(value: float | None, digits: int = 3) -> str:
    """A figure with so many decimals: ``0.942``."""
    return NO_FIGURE if value is None or not known(value) else f"{value:.{digits}f}"


def points(gain: float) -> str:
    """A difference in percentage points: ``+1.2``."""
    shown = f"{100 * gain:+.1f}" if math.isfinite(gain) else NO_FIGURE
    return "0.0" if shown in ("+0.0", "-0.0") else shown.replace("-", "−")


def amount(n: int, modality: str) -> str:
    """``1 photo``, ``1,200 texts``; an unknown modality has items."""
    return f"{n:,} {noun(modality, n)}"


def noun(modality: str, n: int = 2) -> str:
    """What ``n`` items of the modality are called: photo, texts, recordings; an unknown modality has items."""
    return SHOWN_AS.get(modality, ("item", "items"))[n != 1]


def things(modality: str) -> str:
    """What the items are, in the plural: photos, texts, recordings."""
    return noun(modality)


def baselines(report: ReportRecord) -> list[tuple[str, Interval]]:
    """The baselines by the names that they are shown with; they have no interval."""
    called = _BASELINES | ({"majority": "commonest labels"} if report.multi_label else {})
    return [(called.get(key, key), Interval(value, value, value)) for key, value in report.baselines.items()]


def made(report: Facts) -> str:
    """``minilm-l6 · openvino · logistic head 58 KB``."""
    head = " ".join(part for part in (report.head.kind, "head", size(report.head.bytes)) if part)
    return " · ".join(clean(part) for part in (report.encoder, report.backend, head) if part)


def brought(report: ReportRecord) -> str:
    """``1,200 texts in 6 classes``; where an item may bear several labels, ``with 6 labels``."""
    n = len(report.classes)
    kinds = f"with {n} labels" if report.multi_label else f"in {n} classes"
    return f"{amount(report.n_items, report.modality)} {kinds}"


def journal(found: JournalEffect) -> str:
    """``12 relabelled, 3 dropped, 2 could not be matched``: what a journal did to the data."""
    parts = [
        f"{n:,} {done}"
        for n, done in (
            (found.relabelled, "relabelled"),
            (found.dropped, "dropped"),
            (found.kept, "kept"),
            (found.unsure, "unsure"),
            (found.unmatched, "could not be matched"),
        )
        if n
    ]
    return ", ".join(parts) or "no decisions"


def brief(value: float) -> str:
    """Few digits: ``12``, ``0.351``, ``1,234``, ``2.5e-4``, ``2.5e12``."""
    if not known(value):
        return NO_FIGURE
    if value == 0 or 0.01 <= abs(value) < 1e12:
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def size(n: int) -> str:
    """``58 KB`` (thousands of bytes), ``1.2 MB``; nothing where it is not known."""
    if n <= 0:
        return ""
    if n >= 999_500:
        return f"{n / 1e6:.1f}{NBSP}MB"
    return f"{max(n, 100) / 1e3:.{1 if n < 9_950 else 0}f}{NBSP}KB"


def duration(seconds: float) -> str:
    """``0.8 s``, ``12 s``, ``2 min 5 s``, ``1 h 10 min``; nothing where it is not known."""
    if not known(seconds) or seconds < 0:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f}{NBSP}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{NBSP}s"
    large, small, units = (*divmod(whole, 60), ("min", "s"))
    if whole >= 3600:
        large, small, units = (*divmod(round(whole / 60), 60), ("h", "min"))
    return f"{large}{NBSP}{units[0]}" + (f" {small}{NBSP}{units[1]}" if small else "")


def score_name(report: ReportRecord) -> str:
    """What the headline figure is called: accuracy, or the exact match where items bear several labels."""
    return "Exact match" if report.multi_label else "Accuracy"


def kinds(report: ReportRecord) -> str:
    """What the items are sorted into: classes, or labels where an item may bear several."""
    return "Labels" if report.multi_label else "Classes"


def label(report: ReportRecord, given: str) -> str:
    """A label as given; of an item that bears several, each of them, and of one that bears none, that."""
    return ", ".join(given.split("|")) if given and report.multi_label else given or "no label"


def headline(report: ReportRecord) -> str:
    """The score as a count out of a hundred, with its interval."""
    score = report.score
    if not known(score.value, score.low, score.high):
        return f"There is no score: too few {things(report.modality)} were left to judge by."
    about, low, high = (round(100 * figure) for figure in (score.value, score.low, score.high))
    right = "be given exactly the right labels" if report.multi_label else "be named rightly"
    return (
        f"Out of 100 new {things(report.modality)} about {about} would {right}; "
        f"between {low} and {high}, 95{NBSP}% sure.{_unjudged(report)}"
    )


def _unjudged(report: ReportRecord) -> str:
    """How many of a hundred the score does not speak of."""
    if report.judged_by_test or report.unjudged <= 0:
        return ""
    share, kind = max(1, round(100 * report.unjudged)), kinds(report).lower()
    return f" {share} of the 100 would be of {kind} that could not be judged: at worst all wrong, at best all right."


def scores(report: ReportRecord) -> list[tuple[str, Interval]]:
    """The model's scores by the names that they are shown with, that of the headline first."""
    if report.test is None:
        return [("this model", report.accuracy)]
    both = [("cross-validated", report.accuracy), (f"test split, {report.n_test:,}", report.test)]
    return both[::-1] if report.judged_by_test else both


def doubt(report: ReportRecord) -> str:
    """A sentence where the score is not clearly above a baseline, else nothing."""
    score, judged = report.accuracy, max(1 - report.unjudged, 1e-9)  # baselines are those of the judged items too
    reached = [n for n, value in report.baselines.items() if known(value, score.low) and value >= score.low / judged]
    if not reached:
        return ""
    if "majority" in reached:
        commonest = "giving the commonest labels" if report.multi_label else "naming the commonest class"
        return f"That is not clearly better than always {commonest}."
    if "tf-idf" in reached and report.baselines["tf-idf"] >= score.value:
        return (
            "TF-IDF with logistic regression does as well: the words alone tell the classes apart, without the encoder."
        )
    if reached == ["nearest"] and report.baselines["nearest"] >= score.value:
        easy = ": this task is easy for the encoder" if score.value >= EASY else ""
        return f"The single nearest neighbour does as well{easy}."
    return f"The interval reaches down to the baseline ({' and '.join(_BASELINES.get(n, n) for n in reached)})."


def origin(report: ReportRecord) -> str:
    """Which items the score speaks of, and how its interval was come by."""
    test = report.score.method if report.judged_by_test else ""
    return " ".join(sentence(part) for part in (test, report.judged_on, report.accuracy.method) if part)


def confusions(report: ReportRecord) -> list[Confusion]:
    """All mistakes by pair of classes, the most frequent first; a multi-label report has no confusion matrix."""
    if not report.confusion:
        return []
    pairs = [
        Confusion(label, report.classes[j], n, sum(row))
        for i, (label, row) in enumerate(zip(report.classes, report.confusion, strict=True))
        for j, n in enumerate(row)
        if n and i != j
    ]
    return sorted(pairs, key=lambda pair: (-pair.n, pair.of, pair.label, pair.predicted))


def worst_first(report: ReportRecord) -> list[tuple[str, ClassFigures]]:
    """The classes from the lowest recall to the highest; those that were never scored come last."""
    return sorted(
        report.per_class.items(), key=lambda row: (not row[1].n, row[1].recall if known(row[1].recall) else 2.0, row[0])
    )


def confidence(report: ReportRecord) -> str:
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


def sets(report: ReportRecord) -> str:
    """What the prediction sets hold, as measured; nothing where there are none."""
    found = report.sets
    if found is None:
        return ""
    if found.complete:
        wanted = percent(found.level, 0)
        return f"Too few {things(report.modality)} to calibrate sets for {wanted}: every class is returned."
    few = ""
    if found.short:
        whose, them = ("1 class has", "it") if found.short == 1 else (f"{found.short} classes have", "them")
        few = f" {whose} too few {things(report.modality)} for that, and every set holds {them}."
    return (
        f"Asked to hold the true class {percent(found.level, 0)} of the time, they did {percent(found.coverage)}, "
        f"with {fixed(found.mean_size, 2)} classes on average.{few}"
    )


def unknown(found: Unknown, modality: str, such: str = "of these classes") -> str:
    """How often an item of a known class would be called unknown; ``such`` says which items."""
    if found.asked == 0:
        return "No threshold was asked for: nothing is called unknown."
    if not known(found.asked, found.threshold):
        return "No threshold could be set: nothing was held out."
    rate, asked = found.rate, f"{percent(found.asked)} were asked for"
    whom, at = f"of {things(modality)} {such}", f"threshold {found.threshold:.3g}"
    if not measured(rate):
        return f"A threshold was set to call {percent(found.asked)} {whom} unknown; it was not measured ({at})."
    between = f"between {span(rate.low, rate.high)}{NBSP}%"
    return f"{percent(rate.value)} {whom} would be called unknown, measured out of fold ({between}; {asked}; {at})."


def beside(report: ReportRecord) -> list[str]:
    """The sentences that belong to the score where the data have groups or a negative class."""
    said = [
        groups(report.groups, report.modality) if report.groups is not None else "",
        false_alarms(report.false_alarms, report.modality) if report.false_alarms is not None else "",
    ]
    return [sentence for sentence in said if sentence]


def count(n: int, one: str, many: str) -> str:
    """``1 class``, ``1,200 classes``."""
    return f"{n:,} {one if n == 1 else many}"


def groups(found: GroupEffect, modality: str) -> str:
    """What holding out whole groups took from the score, which random folds would have claimed."""
    if not known(found.accuracy, found.ignoring):
        return ""
    said = (
        f"New groups: {percent(found.accuracy)}, with each of the {found.n:,} groups held out whole. "
        f"Had {things(modality)} of one group stood on both sides of the split, "
        f"the score would have looked like {percent(found.ignoring)}"
    )
    if not known(found.drop, found.low, found.high):
        return f"{said}."
    between = f"between {points(found.low)} and {points(found.high)}"
    if found.low <= 0:
        return f"{said}: no clear difference ({points(found.drop)} points, {between})."
    return f"{said}: {points(found.drop).removeprefix('+')} points too much ({between})."


def false_alarms(found: FalseAlarms, modality: str = "") -> str:
    """How often the negative class was taken for another, with its 95 % interval, and how much of it was judged."""
    label, said = clean(found.label), []
    if known(found.per_hour, found.hours) and found.hours > 0:
        heard = f"{_per_hour(found.hours)} hours" if found.hours >= 1 else duration(3600 * found.hours)
        between = f"{_per_hour(found.low)} to {_per_hour(found.high)}; " if known(found.low, found.high) else ""
        said.append(f"{_per_hour(found.per_hour)} an hour of {label} ({between}{heard} judged)")
    if known(found.per_thousand, found.per_thousand_low, found.per_thousand_high) and found.of:
        between = f"{found.per_thousand_low:.0f} to {found.per_thousand_high:.0f}; {found.of:,} judged"
        of = things(modality) if said else f"{things(modality)} of {label}"
        said.append(f"{found.per_thousand:.0f} of 1,000 {of} would be taken for another class ({between})")
    return f"False alarms: {'; '.join(said)}." if said else ""


def multi_label(found: MultiLabelFigures) -> list[tuple[str, str, str]]:
    """Each figure of a multi-label task: what it is called, how much it is, and what it means."""
    return [
        ("micro F1", fixed(found.micro_f1), "F1 over all decisions on a label; frequent labels count most"),
        ("macro F1", fixed(found.macro_f1), "mean F1 of the labels; each label counts the same"),
        ("mean average precision", fixed(found.mean_average_precision), "how well each label's scores rank the items"),
        ("Hamming loss", fixed(found.hamming_loss), "share of all decisions on a label that are wrong"),
        ("exact match", percent(found.exact_match), "share of items whose labels are all right and complete"),
        ("labels per item", fixed(found.labels_per_item, 2), "as given, on average"),
    ]


def growth(report: ReportRecord) -> str:
    """Where the learning curve starts and ends."""
    curve = [point for point in report.learning_curve if known(point.accuracy)]
    if not curve:
        return ""
    first, last = curve[0], curve[-1]
    if len(curve) == 1:
        return f"{percent(last.accuracy)} after {last.n:,}"
    return f"{percent(first.accuracy)} after {first.n:,}, {percent(last.accuracy)} after {last.n:,}"


def no_growth(report: ReportRecord) -> str:
    """Why there is no learning curve."""
    if report.tuning is not None and report.tuning.shipped:
        return "There is no learning curve: each of its points would take a tuning of its own."
    return f"There are too few {things(report.modality)} for a learning curve."


def outlook(forecast: Forecast, name: Callable[[str], str] = clean) -> str:
    """``20 more of bees: about +1.2 points (between +0.2 and +2.4)``; ``name`` shows the label."""
    whom = "every class" if forecast.label == "all" else name(forecast.label)
    found = known(forecast.low, forecast.high)
    between = f" (between {points(forecast.low)} and {points(forecast.high)})" if found else ""
    if not known(forecast.gain):
        return f"{forecast.extra} more of {whom} first: there are too few of it to say anything"
    if found and max(abs(forecast.low), abs(forecast.gain), abs(forecast.high)) < NOTHING:
        return f"{forecast.extra} more of {whom}: no gain to be expected"
    return f"{forecast.extra} more of {whom}: about {points(forecast.gain)} points{between}"


def verdict(judged: Judged, name: Callable[[str], str] = clean) -> str:
    """What the model said of one item, beside the label that was given; ``name`` shows the labels."""
    sure = f"{percent(judged.confidence, 0)} sure"
    if judged.predicted == judged.label:
        return f"{name(judged.label)}, and predicted so, but only {sure}"
    return f"given {name(judged.label)}, predicted {name(judged.predicted)}, {sure}"


def overfit(report: ReportRecord) -> str:
    """How much better the model is on what it learned from than on what was held out."""
    gap = report.overfit_gap
    if not known(gap):
        return ""
    if gap < 0.0005:
        return "It is no better on what it learned from than on held-out items."
    return f"It is {100 * gap:.1f} points better on what it learned from than on held-out items."


def unusable(n: int, skipped: Sequence[Skipped], modality: str) -> str:
    """``3 photos could not be used: 2 truncated, 1 empty``, of those whose kinds are known."""
    kinds = Counter(entry.code.replace("_", " ") for entry in skipped if entry.code != "bad_item")
    told = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    return f"{amount(n, modality)} could not be used" + (f": {told}" if told else "")


def _percentage(share: float, digits: int) -> str:
    shown = f"{100 * share:.{digits}f}"
    whole = float(shown)
    if digits and ((whole == 100 and share < 1) or (whole == 0 and share > 0)):
        return f"{100 * share:.{digits + 1}f}"
    return "100" if whole == 100 else shown


def _per_hour(value: float) -> str:
    return f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def sentence(text: str) -> str:
    """A text as a sentence: a capital first, a full stop last."""
    text = clean(text).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
