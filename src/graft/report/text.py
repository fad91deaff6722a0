"""The report for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graft.report import runs, timings, words
from graft.report.matrix import not_easy
from graft.report.terminal import (
    bounded,
    columns,
    draw,
    heads,
    page_width,
    plain,
    room_of,
    shorten,
    shorten_front,
    shorten_middle,
    skipped_lines,
)
from graft.results.facts import Facts
from graft.results.figures import ClassesAdded, Interval, MultiLabelFigures, ReportRecord

ALL_CLASSES = 12
"""Up to this many classes are all shown; of more, the ``WORST`` ones."""
WORST = 10
_SPARKS = "▁▂▃▄▅▆▇█"


def render(report: ReportRecord, width: int | None = None, colour: bool = False) -> str:
    """The report as lines of at most ``width`` columns (60 to 100; by default what the terminal has).

    Args:
        report: What a fit found.
        width: Columns.
        colour: Whether to write the escape sequences of colours and bold type.
    """
    width = page_width(width)
    return draw(title(report, words.brought(report), width), _sections(report, room_of(width)), width, colour)


def title(report: Facts, brought: str, width: int) -> RenderableType:
    """What stands above the report of any task: its name, what made it, and what the items are, ``brought``."""
    made = words.made(report)
    if report.n_test:
        brought += f", {report.n_test:,} of them for the test"
    if report.n_skipped:
        brought += f", {report.n_skipped:,} skipped"
    room = max(12, width - cell_len(made) - 3)
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(no_wrap=True, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True, overflow="ellipsis")
    grid.add_row(Text(" " + shorten(words.clean(report.name), room), "bold"), plain(made, "dim"))
    return Group(grid, Text(" " + brought, "dim"))


def _sections(report: ReportRecord, room: int) -> Iterator[tuple[str, RenderableType]]:
    """Headings and what stands beside them, ``room`` columns wide; a blank line follows where one is called for."""
    yield words.score_name(report), Group(*_score(report, room))
    if report.multi is not None:
        yield "All labels", Group(_multi_label(report.multi), Text())
    yield words.kinds(report), Group(_classes(report, room), Text(_class_note(report), "dim"), Text())
    if report.added is not None:
        yield "New classes", Group(*_added(report.added, room), Text())
    if report.confusion:
        yield "Confused", Group(*_confusions(report, room), Text())
    yield "Confidence", plain(words.confidence(report))
    if report.sets is not None:
        yield "Sets", plain(words.sets(report))
    yield "Unknown", plain(words.unknown(report.unknown, report.modality))
    yield "Learning", Group(*_learning(report, room), Text())
    if not_easy(report):
        shown = _hardest_texts(report, room) if report.modality == "text" else [_hardest(report, room)]
        yield "Hardest", Group(*shown, Text())
    yield from about_the_fit(report, room)


def about_the_fit(report: Facts, room: int) -> Iterator[tuple[str, RenderableType]]:
    """The sections that end the report of any task."""
    if report.tuning is not None:
        told = (Text(words.clean(report.tuning.reason)), plain(runs.spent(report.tuning), "dim"))
        yield "Tuning", Group(*told, Text())
    if report.journal is not None:
        yield "Journal", Group(plain(words.journal(report.journal)), Text())
    if report.n_skipped:
        yield "Skipped", Group(*skipped_lines(report.skipped, report.modality, room, report.n_skipped), Text())
    if report.warnings:
        yield "Warnings", Group(*_warnings(report), Text())
    yield "Time", plain(_time(report), "dim")


def _score(report: ReportRecord, room: int) -> Iterator[RenderableType]:
    score = report.score
    figure = Text().append(plain(words.percent(score.value), "bold cyan"))
    if words.known(score.value, score.low, score.high):
        figure.append(plain(f"   95{words.NBSP}% interval {words.span(score.low, score.high)}"))
    yield figure
    yield plain(words.headline(report))
    if doubt := words.doubt(report):
        yield plain(doubt, "yellow")
    yield Text()
    yield _ladder(report, room)
    if origin := words.origin(report):
        yield plain(origin, "dim")
    for said in words.beside(report):
        yield Text()
        yield plain(said)
    yield Text()


def _ladder(report: ReportRecord, room: int) -> Table:
    """The score, the test score and the baselines, one below the other on the same scale."""
    rows = [*words.scores(report), *words.baselines(report)]
    grid = columns("left", "left", "right", "right")
    line = bounded(room - max(len(label) for label, _ in rows) - 22, 8, 32)
    for index, (label, score) in enumerate(rows):
        style = "cyan" if index == 0 else ""
        grid.add_row(
            plain(words.clean(label)),
            Text(_line(score, line), style),
            plain(words.percent(score.value), style),
            Text(words.spread(score), "dim"),
        )
    return grid


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
    grid = columns("left", "left", "right", "right", "right", "right")
    heads(grid, "label" if report.multi_label else "class", "", "recall", f"95{words.NBSP}%", "precision", "n")
    for label, figures in rows:
        between = words.span(figures.recall_low, figures.recall_high, 0) if figures.n else words.NO_FIGURE
        grid.add_row(
            shorten_middle(words.clean(label), labels),
            Text(_bar(figures.recall, bar), "cyan"),
            plain(words.percent(figures.recall)),
            Text(between, "dim"),
            plain(words.percent(figures.precision)),
            f"{figures.n:,}",
        )
    return grid


def _class_note(report: ReportRecord) -> str:
    n = len(report.per_class)
    order = "Worst first." if n <= ALL_CLASSES else f"The {WORST} worst of {n} {words.kinds(report).lower()}."
    return order + (f" Macro F1 {report.macro_f1:.3f}." if words.known(report.macro_f1) else "")


def _multi_label(found: MultiLabelFigures) -> Table:
    grid = columns("left", "right", fold=True)
    for called, figure, meaning in words.multi_label(found):
        grid.add_row(called, plain(figure), Text(meaning, "dim"))
    return grid


def _added(found: ClassesAdded, room: int) -> Iterator[RenderableType]:
    yield Text(words.added(found, lambda label: shorten_middle(words.clean(label), max(8, room // 2))))
    changed = [(label, change) for label, change in words.losses(found) if words.changed(change)]
    if not changed:
        return
    shown = changed if len(changed) <= ALL_CLASSES else changed[:WORST]
    longest = max(cell_len(words.clean(label)) for label, _ in shown)
    grid = columns("left", "right", "right", "right", "right")
    heads(grid, "recall", "before", "after", "lost to new", "n")
    for label, change in shown:
        before, after, _, lost, n = words.change_of(change)
        label = shorten_middle(words.clean(label), min(longest, max(8, room - 42)))
        grid.add_row(label, plain(before), plain(after), lost, n)
    yield grid
    if rest := len(changed) - len(shown):
        yield Text(f"and {rest:,} more that changed", "dim")


def _confusions(report: ReportRecord, room: int) -> Iterator[RenderableType]:
    pairs = words.confusions(report)
    if not pairs:
        judged = any(any(row) for row in report.confusion)
        yield Text("No mistakes on held-out items." if judged else "Nothing was judged.")
    half = max(8, (room - 26) // 2)
    for pair in pairs[:3]:
        label, predicted = (shorten_middle(words.clean(text), half) for text in (pair.label, pair.predicted))
        yield Text(f"{label} taken for {predicted}: {pair.n:,} of {pair.of:,}")
    if rest := sum(pair.n for pair in pairs[3:]):
        yield Text(f"and {rest:,} more {'mistake' if rest == 1 else 'mistakes'} between other pairs", "dim")


def _learning(report: ReportRecord, room: int) -> Iterator[RenderableType]:
    if growth := words.growth(report):
        accuracies = [point.accuracy for point in report.learning_curve if words.known(point.accuracy)]
        yield Text().append(f"{_sparkline(accuracies)}  ", "cyan").append(plain(growth))
    else:
        yield Text(words.no_growth(report))
    for forecast in report.forecast[:3]:
        yield plain(words.outlook(forecast, lambda label: shorten_middle(words.clean(label), max(8, room - 52))))
    if overfit := words.overfit(report):
        yield plain(overfit, "dim")


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
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for judged in shown:
        verdict = words.verdict(judged, lambda label: shorten_middle(words.clean(words.label(report, label)), half))
        grid.add_row(shorten_front(words.clean(judged.path), path), plain(verdict, "dim"))
    return grid


def _hardest_texts(report: ReportRecord, room: int) -> Iterator[RenderableType]:
    """Each text on lines of its own, where one that runs from right to left reorders nothing else."""
    half = (room - 35) // 2 if room >= 63 else room - 16
    for judged in not_easy(report)[:4]:
        yield Text(shorten(words.excerpt(judged.path), 2 * room - 12), overflow="fold")
        verdict = words.verdict(judged, lambda label: shorten_middle(words.clean(words.label(report, label)), half))
        yield Padding(plain(verdict, "dim"), (0, 0, 0, 2))


def _warnings(report: Facts) -> Iterator[RenderableType]:
    shown = report.warnings[:5]
    for warning in shown:
        yield Text(words.clean(warning), "yellow")
    if len(report.warnings) > len(shown):
        yield Text(f"and {len(report.warnings) - len(shown)} more", "dim")


def _time(report: Facts) -> str:
    return "\n".join(part for part in (timings.timings(report), timings.cache(report)) if part)
