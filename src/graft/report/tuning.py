"""The page's section on tuning: why it ships or not, what was changed, and curves of all runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from graft.report import charts, runs, words
from graft.report.charts import Curve
from graft.report.markup import Content, Html, element, folded, scrolled, table
from graft.results.history import Epoch, History, Tuning

_RATES = {"head": "dotted", "topmost part": "", "lowest part": "ahead"}
_COLUMNS: Sequence[tuple[str, Callable[[Epoch], str]]] = (
    ("epoch", lambda epoch: str(epoch.number)),
    ("training loss", lambda epoch: words.fixed(epoch.loss, 4)),
    ("validation loss", lambda epoch: words.fixed(epoch.validation_loss, 4)),
    ("accuracy", lambda epoch: words.percent(epoch.validation_accuracy)),
    ("lowest rate", lambda epoch: words.brief(_of_part(epoch, "lowest part"))),
    ("topmost rate", lambda epoch: words.brief(_of_part(epoch, "topmost part"))),
    ("head's rate", lambda epoch: words.brief(_of_part(epoch, "head"))),
    ("time", lambda epoch: words.duration(epoch.seconds) or words.NO_FIGURE),
)


def shown(tuning: Tuning) -> Content:
    """All that stands beside the section's heading."""
    said = [runs.trained(tuning), runs.spent(tuning)]
    return [
        element("p", tuning.reason, class_="lead"),
        _table("outcome", ("", "accuracy", "log loss"), runs.compared(tuning)),
        (element("p", sentence) for sentence in said if sentence),
        [element("h3", "Runs"), _runs(tuning)] if tuning.runs else None,
        element("div", _figures(tuning), class_="curves"),
        _notes(tuning),
        _epochs(tuning),
    ]


def _runs(tuning: Tuning) -> Html:
    heads = ("run", "epochs", "kept", "validation loss", "an epoch", "in all", "ended")
    return scrolled(_table("runs", heads, runs.runs(tuning)), "Runs")


def _figures(tuning: Tuning) -> Iterator[Html]:
    """Losses, rates and times, those of which anything was measured."""
    validation = _lines(tuning, lambda run: [(each.number, each.validation_loss) for each in run.epochs], marked=True)
    training = _lines(tuning, lambda run: [(each.number, each.loss) for each in run.passes])
    seconds = _lines(tuning, lambda run: [(each.number, each.seconds) for each in run.passes])
    rates = [
        Curve(f"{part} of {name}", [(each.number, _of_part(each, part)) for each in run.epochs], kind)
        for name, run in runs.named(tuning)
        for part, kind in _RATES.items()
    ]
    dots = (
        "The dot is the epoch whose weights were kept."
        if len(tuning.runs) == 1
        else "A line for each trial; the dots are the epochs whose weights were kept."
    )
    yield from _figure_of("Validation log loss", validation, note=dots)
    yield from _figure_of("Training loss", training)
    yield from _figure_of("Learning rates", rates, [(kind, part) for part, kind in _RATES.items()], from_zero=True)
    yield from _figure_of("Seconds for each epoch", seconds, from_zero=True)


def _lines(
    tuning: Tuning, points: Callable[[History], Sequence[tuple[int, float]]], marked: bool = False
) -> list[Curve]:
    return [Curve(name, points(run), marked=run.best if marked else None) for name, run in runs.named(tuning)]


def _figure_of(
    title: str,
    lines: Sequence[Curve],
    keys: Sequence[tuple[str, str]] = (),
    note: str = "",
    from_zero: bool = False,
) -> Iterator[Html]:
    if not any(line.shown for line in lines):
        return
    legend = [element("span", charts.key(kind), name) for kind, name in keys]
    below = element("p", legend, note, class_="keys quiet") if legend or note else None
    yield element("figure", element("figcaption", title), charts.by_epoch(lines, title, from_zero), below)


def _notes(tuning: Tuning) -> Content:
    said = runs.notes(tuning)
    if not said:
        return None
    return [element("h3", "What else happened"), element("ul", (element("li", note) for note in said), class_="plain")]


def _epochs(tuning: Tuning) -> Html | None:
    if not tuning.runs:
        return None
    heads = [head for head, _ in _COLUMNS]
    tables: list[Content] = []
    for name, run in runs.named(tuning):
        rows = [[column(epoch) for _, column in _COLUMNS] for epoch in run.epochs]
        tables += [element("h3", name), scrolled(_table("epochs", heads, rows), f"Epochs of {name}")]
    return folded("All figures", tables)


def _table(kind: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """The first column names the row, in the others are figures."""
    return table(f"tuning {kind}", [(heads[0], ""), *((head, "number") for head in heads[1:])], rows)


def _of_part(epoch: Epoch, part: str) -> float:
    """The rate of the head, of the topmost trained part, or of the lowest; ``nan`` where there is none."""
    rates = epoch.rates
    place = {"head": -1, "topmost part": -2, "lowest part": 0}[part]
    if not rates or (part != "head" and len(rates) < 2):
        return math.nan
    return rates[place]
