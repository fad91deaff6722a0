"""The findings for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table

from graft.cleaning.issue_table import IssueTable
from graft.cleaning.label_errors import FEW
from graft.cleaning.quality import KINDS
from graft.evaluation.doubt import why_nothing_is_held_out
from graft.report import words
from graft.report.terminal import Lines, draw, grid, page_width, room_of, shorten, shorten_front, shorten_middle

SHOWN = 5
"""So many of each kind are named; the table and the editor have all."""


def render(findings: IssueTable, width: int | None = None) -> str:
    """The findings as lines of at most ``width`` columns (60 to 100; by default what the terminal has)."""
    width = page_width(width)
    return draw(_title(findings), _sections(findings, room_of(width)), width)


def _title(findings: IssueTable) -> Lines:
    classes = words.count(len(findings.classes), "class", "classes")
    brought = f" {words.amount(len(findings), findings.dataset.modality)} in {classes}"
    if findings.skipped:
        brought += f", {len(findings.skipped):,} skipped"
    return f" {words.clean(findings.dataset.name)}", brought


def _sections(findings: IssueTable, room: int) -> Iterator[tuple[str, Lines]]:
    yield "Labels", (*_labels(findings, room), "")
    yield "Outliers", (*_outliers(findings, room), "")
    yield "Copies", (*_copies(findings, room), "")
    if quality := [kind for kind in KINDS if kind in findings.kinds and findings[f"is_{kind}_issue"].any()]:
        yield "Quality", (*_quality(findings, quality, room), "")
    if findings.cues:
        yield "Cues", (*(words.clean(cue.sentence) for cue in findings.cues[:SHOWN]), "")
    if findings.skipped:
        yield "Skipped", (*_skipped(findings, room), "")
    if findings.dataset.warnings:
        yield "Warnings", (*map(words.clean, findings.dataset.warnings[:SHOWN]), "")


def _labels(findings: IssueTable, room: int) -> Iterator[RenderableType]:
    if not findings["is_label_judged"].any():
        yield f"Not judged: {_why_not(findings)}."
        return
    rows = findings.issues("label")
    share = words.percent(len(rows) / len(findings))
    if not len(rows):
        yield "No label looks wrong."
    else:
        yield f"{words.count(len(rows), 'label is', 'labels are')} probably wrong ({share})."
        yield _label_table(findings, rows[:SHOWN].tolist(), room)
        yield from _more(len(rows))
    if few := findings.too_few():
        named = ", ".join(words.clean(label) for label in few[:SHOWN]) + (", ..." if len(few) > SHOWN else "")
        yield f"Too few items to judge: {named}."


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
    longest = max(cell_len(words.clean(label)) for label in findings.classes)
    label_room = min(max(8, room // 5), longest)
    cells = [
        (
            f"{findings['label_score'][row]:.2f}",
            *(shorten_middle(words.clean(findings[c][row]), label_room) for c in ("given_label", "predicted_label")),
            _name(findings, row, max(16, room - 2 * label_room - 14)),
        )
        for row in rows
    ]
    return grid(("right", "left", "left", "fold"), cells, ("score", "given", "probably", ""))


def _outliers(findings: IssueTable, room: int) -> Iterator[RenderableType]:
    rows = findings.issues("outlier")
    if not len(rows):
        yield "Nothing is far from all the rest."
        return
    yield f"{words.amount(len(rows), findings.dataset.modality)} unlike all the others: perhaps none of the classes."
    scores = findings["outlier_score"]
    named = [(f"{scores[row]:.2f}", _name(findings, row, room - 6)) for row in rows[:SHOWN].tolist()]
    yield grid(("right", "fold"), named)
    yield from _more(len(rows))


def _copies(findings: IssueTable, room: int) -> Iterator[RenderableType]:
    sets = findings.duplicates
    if not sets:
        yield "No copies."
        return
    n = sum(len(entry.rows) for entry in sets)
    yield f"{words.count(len(sets), 'set', 'sets')} of copies or near-copies, {n:,} items in all."
    contrary = [entry for entry in sets if entry.across_labels]
    for what, found in (
        ("with equal content under different labels", [entry for entry in contrary if entry.exact]),
        ("with near-copies under different labels", [entry for entry in contrary if not entry.exact]),
        ("on both sides of a split: they flatter the test score", [entry for entry in sets if entry.across_splits]),
    ):
        if found:
            inside = sum(len(entry.rows) for entry in found)
            yield f"{words.count(len(found), 'set', 'sets')} of {inside:,} items {what}"
    for entry in sets[:SHOWN]:
        names = [_name(findings, row, room // 2 - 2) for row in list(entry.rows)[:2]]
        rest = f" and {len(entry.rows) - 2} more" if len(entry.rows) > 2 else ""
        yield f"{' = '.join(names)}{rest}"
    yield from _more(len(sets))


def _quality(findings: IssueTable, kinds: Sequence[str], room: int) -> Iterator[RenderableType]:
    said = {kind: shorten(KINDS[kind].words.split(":")[0], room - 30) for kind in kinds}
    rest = room - max(map(cell_len, said.values())) - 10
    found = {kind: findings.issues(kind) for kind in kinds}
    rows = [(f"{len(found[kind]):,}", said[kind], _name(findings, int(found[kind][0]), rest)) for kind in kinds]
    yield grid(("right", "left", "fold"), rows)


def _skipped(findings: IssueTable, room: int) -> Iterator[RenderableType]:
    for entry in findings.skipped[:SHOWN]:
        yield f"{shorten_front(words.clean(entry.path), room // 2)}  {words.clean(entry.reason)}"
    yield from _more(len(findings.skipped))


def _name(findings: IssueTable, row: int, room: int) -> str:
    name = findings.dataset.items[int(row)].name
    if findings.dataset.modality == "text":
        return shorten(words.excerpt(name), room)
    return shorten_front(words.clean(name), room)


def _more(n: int) -> Iterator[RenderableType]:
    if n > SHOWN:
        yield f"and {n - SHOWN:,} more"
