"""The report for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table

from graft.report import new_classes, runs, timings, words
from graft.report.matrix import not_easy
from graft.report.terminal import (
    Lines,
    bounded,
    draw,
    grid,
    page_width,
    room_of,
    shorten,
    shorten_front,
    shorten_middle,
    skipped_lines,
    unbroken,
)
from graft.results.facts import Facts
from graft.results.figures import ClassesAdded, Interval, Judged, ReportRecord

ALL_CLASSES = 12
"""Up to this many classes are all shown; of more, the ``WORST`` ones."""
WORST = 10
WARNINGS = 5
"""So many are shown."""
_SPARKS = "▁▂▃▄▅▆▇█"


def render(report: ReportRecord, width: int | None = None) -> str:
    """The report as lines of at most ``width`` columns (60 to 100; by default what the terminal has)."""
    width = page_width(width)
    return draw(title(report, words.brought(report), width), _sections(report, room_of(width)), width)


def title(report: Facts, brought: str, width: int) -> Lines:
    """What stands above the report of any task: its name, what made it, and what the items are, ``brought``."""
    made = words.made(report)
    if report.n_test:
        brought += f", {report.n_test:,} of them for the test"
    if report.n_skipped:
        brought += f", {report.n_skipped:,} skipped"
    room = max(12, width - cell_len(made) - 3)
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True, overflow="ellipsis")
    table.add_row(f" {shorten(words.clean(report.name), room)}", unbroken(made))
    return table, f" {brought}"


def _sections(report: ReportRecord, room: int) -> Iterator[tuple[str, Lines]]:
    """Headings and what stands beside them, ``room`` columns wide; a blank line follows where one is called for."""
    yield words.score_name(report), _score(report, room)
    if report.multi is not None:
        yield "All labels", (grid(("left", "right", "fold"), words.multi_label(report.multi)), "")
    yield words.kinds(report), (_classes(report, room), _class_note(report), "")
    if report.added is not None:
        yield "New classes", (*_added(report.added, room), "")
    if report.confusion:
        yield "Confused", (*_confusions(report, room), "")
    yield "Confidence", (words.confidence(report),)
    if report.sets is not None:
        yield "Sets", (words.sets(report),)
    yield "Unknown", (words.unknown(report.unknown, report.modality),)
    yield "Learning", (*_learning(report, room), "")
    if not_easy(report):
        shown = _hardest_texts(report, room) if report.modality == "text" else [_hardest(report, room)]
        yield "Hardest", (*shown, "")
    yield from about_the_fit(report, room)


def about_the_fit(report: Facts, room: int) -> Iterator[tuple[str, Lines]]:
    """The sections that end the report of any task."""
    if report.tuning is not None:
        yield "Tuning", (words.clean(report.tuning.reason), runs.spent(report.tuning), "")
    if report.journal is not None:
        yield "Journal", (words.journal(report.journal), "")
    if report.n_skipped:
        yield "Skipped", (*skipped_lines(report.skipped, report.modality, room, report.n_skipped), "")
    if report.warnings:
        more = len(report.warnings) - WARNINGS
        rest = [f"and {more} more"] if more > 0 else []
        yield "Warnings", (*map(words.clean, report.warnings[:WARNINGS]), *rest, "")
    yield "Time", [line for line in (timings.timings(report), timings.cache(report)) if line]


def _score(report: ReportRecord, room: int) -> Iterator[RenderableType]:
    score, between = report.score, ""
    if words.known(score.value, score.low, score.high):
        between = f"   95{words.NBSP}% interval {words.span(score.low, score.high)}"
    yield words.percent(score.value) + between
    yield words.headline(report)
    if doubt := words.doubt(report):
        yield doubt
    yield ""
    rows = [*words.scores(report), *words.baselines(report)]
    line = bounded(room - max(len(label) for label, _ in rows) - 22, 8, 32)
    yield grid(
        ("left", "left", "right", "right"),
        [
            (words.clean(label), _line(score, line), words.percent(score.value), words.spread(score))
            for label, score in rows
        ],
    )
    if origin := words.origin(report):
        yield origin
    for said in words.beside(report):
        yield from ("", said)
    yield ""


def _line(score: Interval, width: int) -> str:
    """A scale from 0 to 100 % with the figure as a dot and its interval as a heavy line."""
    if not words.known(score.value):
        return "─" * width
    low, high = (score.low, score.high) if words.measured(score) else (score.value, score.value)
    first, dot, last = (min(max(round(share * (width - 1)), 0), width - 1) for share in (low, score.value, high))
    cells = ["━" if first <= cell <= last else "─" for cell in range(width)]
    cells[dot] = "●" if words.measured(score) else "○"
    return "".join(cells)


def _bar(share: float, width: int) -> str:
    """A bar from 0 to 100 % in half cells."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2) if words.known(share) else 0
    full, half = divmod(halves, 2)
    return "━" * full + "╸" * half + "─" * (width - full - half)


def _classes(report: ReportRecord, room: int) -> Table:
    rows = words.worst_first(report)
    rows = rows if len(rows) <= ALL_CLASSES else rows[:WORST]
    counts = max(len(f"{figures.n:,}") for _, figures in rows)
    free = room - counts - 36  # what the figures and the gaps between the columns leave for the label and its bar
    labels = min(max(cell_len(words.clean(label)) for label, _ in rows), max(8, free - 8))
    bar = bounded(free - labels, 6, 24)
    cells = [
        (
            shorten_middle(words.clean(label), labels),
            _bar(figures.recall, bar),
            words.percent(figures.recall),
            words.span(figures.recall_low, figures.recall_high, 0) if figures.n else words.NO_FIGURE,
            words.percent(figures.precision),
            f"{figures.n:,}",
        )
        for label, figures in rows
    ]
    heads = ("label" if report.multi_label else "class", "", "recall", f"95{words.NBSP}%", "precision", "n")
    return grid(("left", "left", "right", "right", "right", "right"), cells, heads)


def _class_note(report: ReportRecord) -> str:
    n = len(report.per_class)
    order = "Worst first." if n <= ALL_CLASSES else f"The {WORST} worst of {n} {words.kinds(report).lower()}."
    return order + (f" Macro F1 {report.macro_f1:.3f}." if words.known(report.macro_f1) else "")


def _added(found: ClassesAdded, room: int) -> Iterator[RenderableType]:
    yield new_classes.added(found, lambda label: shorten_middle(words.clean(label), max(8, room // 2)))
    changed = [
        (words.clean(label), change) for label, change in new_classes.losses(found) if new_classes.changed(change)
    ]
    if not changed:
        return
    shown = changed if len(changed) <= ALL_CLASSES else changed[:WORST]
    longest = min(max(cell_len(label) for label, _ in shown), max(8, room - 42))
    rows = []
    for label, change in shown:
        before, after, _, lost, n = new_classes.change_of(change)
        rows.append((shorten_middle(label, longest), before, after, lost, n))
    heads = ("recall", "before", "after", "lost to new", "n")
    yield grid(("left", "right", "right", "right", "right"), rows, heads)
    if rest := len(changed) - len(shown):
        yield f"and {rest:,} more that changed"


def _confusions(report: ReportRecord, room: int) -> Iterator[str]:
    pairs = words.confusions(report)
    if not pairs:
        judged = any(any(row) for row in report.confusion)
        yield "No mistakes on held-out items." if judged else "Nothing was judged."
    half = max(8, (room - 26) // 2)
    for pair in pairs[:3]:
        label, predicted = (shorten_middle(words.clean(text), half) for text in (pair.label, pair.predicted))
        yield f"{label} taken for {predicted}: {pair.n:,} of {pair.of:,}"
    if rest := sum(pair.n for pair in pairs[3:]):
        yield f"and {rest:,} more {'mistake' if rest == 1 else 'mistakes'} between other pairs"


def _learning(report: ReportRecord, room: int) -> Iterator[str]:
    if growth := words.growth(report):
        accuracies = [point.accuracy for point in report.learning_curve if words.known(point.accuracy)]
        yield f"{_sparkline(accuracies)}  {growth}"
    else:
        yield words.no_growth(report)
    for forecast in report.forecast[:3]:
        yield words.outlook(forecast, lambda label: shorten_middle(words.clean(label), max(8, room - 52)))
    if overfit := words.overfit(report):
        yield overfit


def _sparkline(values: list[float]) -> str:
    """From 0 to 100 %, whatever the values: a small gain looks small."""
    steps = len(_SPARKS) - 1
    return "".join(_SPARKS[round(min(max(value, 0.0), 1.0) * steps)] for value in values)


def _hardest(report: ReportRecord, room: int) -> Table:
    shown = not_easy(report)[:4]
    longest = max(cell_len(words.clean(judged.path)) for judged in shown)
    path = min(longest, max(16, room * 2 // 5))
    half = (room - path - 33) // 2
    if half < 14:  # one label a line reads better than two stumps on one
        half = room - path - 14
    rows = [(shorten_front(words.clean(judged.path), path), _verdict(report, judged, half)) for judged in shown]
    return grid(("left", "fold"), rows)


def _hardest_texts(report: ReportRecord, room: int) -> Iterator[RenderableType]:
    """Each text on lines of its own, where one that runs from right to left reorders nothing else."""
    half = (room - 35) // 2 if room >= 63 else room - 16
    for judged in not_easy(report)[:4]:
        yield shorten(words.excerpt(judged.path), 2 * room - 12)
        yield grid(("left", "fold"), [("", _verdict(report, judged, half))])


def _verdict(report: ReportRecord, judged: Judged, room: int) -> str:
    """What was said of an item, with labels of at most ``room`` columns."""
    return words.verdict(judged, lambda label: shorten_middle(words.clean(words.label(report, label)), room))
