"""The findings for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from graft.cleaning.issue_table import IssueTable
from graft.cleaning.label_errors import FEW
from graft.cleaning.quality import KINDS
from graft.evaluation.doubt import why_nothing_is_held_out
from graft.report import words
from graft.report.terminal import columns, draw, page_width, plain, room_of, shorten, shorten_front, shorten_middle

SHOWN = 5
"""So many of each kind are named; the table and the editor have all."""


def render(findings: IssueTable, width: int | None = None, colour: bool = False) -> str:
    """The findings as lines of at most ``width`` columns (60 to 100; by default what the terminal has)."""
    width = page_width(width)
    return draw(_title(findings), _sections(findings, room_of(width)), width, colour)


def _title(findings: IssueTable) -> RenderableType:
    classes = words.count(len(findings.classes), "class", "classes")
    brought = f" {words.amount(len(findings), findings.dataset.modality)} in {classes}"
    if findings.skipped:
        brought += f", {len(findings.skipped):,} skipped"
    return Group(Text(f" {words.clean(findings.dataset.name)}", "bold"), Text(brought, "dim"))


def _sections(findings: IssueTable, room: int) -> Iterator[tuple[str, RenderableType]]:
    yield "Labels", Group(*_labels(findings, room), Text())
    yield "Outliers", Group(*_outliers(findings, room), Text())
    yield "Copies", Group(*_copies(findings, room), Text())
    if quality := [kind for kind in KINDS if kind in findings.kinds and findings[f"is_{kind}_issue"].any()]:
        yield "Quality", Group(*_quality(findings, quality, room), Text())
    if findings.cues:
        yield "Cues", Group(*(plain(words.clean(cue.sentence)) for cue in findings.cues[:SHOWN]), Text())
    if findings.skipped:
        yield "Skipped", Group(*_skipped(findings, room), Text())
    if findings.dataset.warnings:
        yield "Warnings", Group(*(Text(words.clean(w), "yellow") for w in findings.dataset.warnings[:SHOWN]), Text())


def _labels(findings: IssueTable, room: int) -> Iterator[RenderableType]:
    if not findings["is_label_judged"].any():
        yield Text(f"Not judged: {_why_not(findings)}.")
        return
    rows = findings.issues("label")
    share = words.percent(len(rows) / len(findings))
    yield plain(f"{words.count(len(rows), 'label is', 'labels are')} probably wrong ({share})." if len(rows) else
                "No label looks wrong.")  # fmt: skip
    if len(rows):
        yield _label_table(findings, rows[:SHOWN].tolist(), room)
        yield from _more(len(rows))
    if few := findings.too_few():
        named = ", ".join(words.clean(label) for label in few[:SHOWN]) + (", ..." if len(few) > SHOWN else "")
        yield Text(f"Too few items to judge: {named}.", "yellow")


def _why_not(findings: IssueTable) -> str:
    if findings.dataset.tags:
        return "items bear several labels"
    if len(findings.classes) < 2:
        return "there is one class only"
    pool = findings.pool
    if findings.labels is None:
        return f"nothing could be held out: {why_nothing_is_held_out(pool.y, pool.clusters, pool.units)}"
    if len(findings.too_few()) == len(findings.classes):
        return f"no class has {FEW} items"
    return "held-out items are named no better than by guessing, so that nothing vouches for a label"


def _label_table(findings: IssueTable, rows: Sequence[int], room: int) -> Table:
    grid = columns("right", "left", "left", fold=True)
    grid.add_row(*(Text(head, "dim") for head in ("score", "given", "probably", "")))
    longest = max(cell_len(words.clean(label)) for label in findings.classes)
    label_room = min(max(8, room // 5), longest)
    for row in rows:
        grid.add_row(
            f"{findings['label_score'][row]:.2f}",
            *(shorten_middle(words.clean(findings[c][row]), label_room) for c in ("given_label", "predicted_label")),
            Text(_name(findings, row, max(16, room - 2 * label_room - 14)), "dim"),
        )
    return grid


def _outliers(findings: IssueTable, room: int) -> Iterator[RenderableType]:
    rows = findings.issues("outlier")
    if not len(rows):
        yield Text("Nothing is far from all the rest.")
        return
    yield plain(
        f"{words.amount(len(rows), findings.dataset.modality)} unlike all the others: perhaps none of the classes."
    )
    grid = columns("right", fold=True)
    for row in rows[:SHOWN].tolist():
        grid.add_row(f"{findings['outlier_score'][row]:.2f}", Text(_name(findings, row, room - 6), "dim"))
    yield grid
    yield from _more(len(rows))


def _copies(findings: IssueTable, room: int) -> Iterator[RenderableType]:
    sets = findings.duplicates
    if not sets:
        yield Text("No copies.")
        return
    n = sum(len(entry.rows) for entry in sets)
    yield plain(f"{words.count(len(sets), 'set', 'sets')} of copies or near-copies, {n:,} items in all.")
    contrary = [entry for entry in sets if entry.across_labels]
    for what, found in (
        ("with equal content under different labels", [entry for entry in contrary if entry.exact]),
        ("with near-copies under different labels", [entry for entry in contrary if not entry.exact]),
        ("on both sides of a split: they flatter the test score", [entry for entry in sets if entry.across_splits]),
    ):
        if found:
            inside = sum(len(entry.rows) for entry in found)
            yield Text(f"{words.count(len(found), 'set', 'sets')} of {inside:,} items {what}", "yellow")
    for entry in sets[:SHOWN]:
        names = [_name(findings, row, room // 2 - 2) for row in list(entry.rows)[:2]]
        rest = f" and {len(entry.rows) - 2} more" if len(entry.rows) > 2 else ""
        yield Text(f"{' = '.join(names)}{rest}", "dim")
    yield from _more(len(sets))


def _quality(findings: IssueTable, kinds: Sequence[str], room: int) -> Iterator[RenderableType]:
    grid = columns("right", "left", fold=True)
    said = {kind: shorten(KINDS[kind].words.split(":")[0], room - 30) for kind in kinds}
    rest = room - max(map(cell_len, said.values())) - 10
    for kind, what in said.items():
        rows = findings.issues(kind)
        grid.add_row(f"{len(rows):,}", what, Text(_name(findings, int(rows[0]), rest), "dim"))
    yield grid


def _skipped(findings: IssueTable, room: int) -> Iterator[RenderableType]:
    for entry in findings.skipped[:SHOWN]:
        yield Text(f"{shorten_front(words.clean(entry.path), room // 2)}  {words.clean(entry.reason)}", "dim")
    yield from _more(len(findings.skipped))


def _name(findings: IssueTable, row: int, room: int) -> str:
    name = findings.dataset.items[int(row)].name
    if findings.dataset.modality == "text":
        return shorten(words.excerpt(name), room)
    return shorten_front(words.clean(name), room)


def _more(n: int) -> Iterator[RenderableType]:
    if n > SHOWN:
        yield Text(f"and {n - SHOWN:,} more", "dim")
