"""How answers are written: for people, as JSON, JSON lines or CSV, to stdout or into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from graft.cli.output import say, shown, to_json
from graft.errors import UsageError

if TYPE_CHECKING:
    from graft.explanation import Explanation
    from graft.results.prediction import Prediction
    from graft.similarity import Match

SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "jsonl"}
"""The formats of files."""


@dataclass(frozen=True, slots=True)
class PredictedRow:
    """A prediction, the cells of the row of a table that its input came from, what is most like it, and why."""

    prediction: Prediction
    cells: Mapping[str | None, Any] = field(default_factory=dict)
    matches: Sequence[Match] = ()
    why: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How answers are laid out.

    Attributes:
        classes: Of the model.
        top: Only so many classes of each.
        columns: Of the tables that the inputs came from; they stand first.
        answers: Columns of an answer, as its class names them.
        neighbours: How many look-alikes stand beside each answer.
    """

    classes: tuple[str, ...]
    top: int | None = None
    columns: Sequence[str] = ()
    answers: Sequence[str] = ("label", "confidence", "unknown", "set")
    neighbours: int = 0


def format_of(path: Path) -> str:
    """The format that a file's extension asks for.

    Raises:
        UsageError: It asks for none that is known.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"Answers cannot be written as {path.name}.", f"Use {', '.join(SUFFIXES)}.")
    return SUFFIXES[path.suffix.lower()]


def _write_json(answers: Iterable[PredictedRow], layout: Layout, stream: TextIO) -> None:
    before = "["
    for answer in answers:
        stream.write(before + to_json(_object(answer, layout), stream))
        before = ",\n "
    stream.write("[]\n" if before == "[" else "]\n")


def _write_jsonl(answers: Iterable[PredictedRow], layout: Layout, stream: TextIO) -> None:
    for answer in answers:
        stream.write(to_json(_object(answer, layout), stream) + "\n")
        stream.flush()  # somebody may wait for it


def _object(answer: PredictedRow, layout: Layout) -> dict[str, Any]:
    from graft.results.facts import plain

    row = {column: _plain(answer.cells.get(column)) for column in layout.columns}
    said: dict[str, Any] = plain(answer.prediction.to_dict(layout.top))
    if layout.neighbours and answer.prediction.error is None:
        said["neighbours"] = [match.to_dict() for match in answer.matches]
    if answer.why is not None:
        said["why"] = answer.why.to_dict()
    return said | ({"row": row} if row else {})


def _plain(cell: Any) -> Any:
    """A cell that JSON can hold: a number of JSON is one, anything else a text."""
    finite = isinstance(cell, float) and cell - cell == 0
    return cell if cell is None or finite or isinstance(cell, str | bool | int) else str(cell)


def _write_csv(answers: Iterable[PredictedRow], layout: Layout, stream: TextIO, delimiter: str = ",") -> None:
    """The columns of the inputs' own tables, the fixed ones, and one for each class, or with ``top`` two for a rank.

    No two columns have the same name: of those that collide, the later ones get a prefix.
    """
    from graft.cells import TableWriter, unlike

    writer = TableWriter(stream, delimiter)
    ranks = range(1, min(layout.top, len(layout.classes)) + 1) if layout.top else ()
    ranked = [f"{what}_{rank}" for rank in ranks for what in ("label", "score")]
    fixed = unlike(("input", *layout.answers, "error"), layout.columns, "predicted_")
    scores = unlike(ranked or layout.classes, (*layout.columns, *fixed), "score_")
    near = [f"{what}_{rank}" for rank in range(1, layout.neighbours + 1) for what in ("neighbour", "similarity")]
    near = unlike(near, (*layout.columns, *fixed, *scores), "index_")
    writer.writerow([*layout.columns, *fixed, *scores, *near])
    for answer in answers:
        p = answer.prediction
        cells = ["" if (cell := answer.cells.get(column)) is None else cell for column in layout.columns]
        if p.error is not None:
            empty = [""] * len(layout.answers)
            writer.writerow([*cells, p.input, *empty, p.error.message, *[""] * (len(scores) + len(near))])
            continue
        best = [cell for label, score in p.top(layout.top) for cell in (label, _brief(score))]
        figures = best if layout.top else [_brief(p.scores[label]) for label in layout.classes]
        alike = [cell for match in answer.matches for cell in (match.name, _brief(match.similarity))]
        writer.writerow([*cells, p.input, *p.cells(), "", *figures, *alike, *[""] * (len(near) - len(alike))])


def _brief(share: float) -> float:
    """Six digits, as a number: no escape is put before it."""
    return float(f"{share:.6g}")


def _write_text(answers: Iterable[PredictedRow], layout: Layout, stream: TextIO) -> None:
    from graft.report.terminal import RowLayout

    rows = replace(RowLayout.of(layout.classes, least=7), width=None)  # an answer is never shortened
    for answer in answers:
        p = answer.prediction
        if p.error is not None:
            skipped = click.style(rows.named("skipped"), fg="red")
            say(f"{skipped}          {shown(p.error.message)} {shown(p.error.hint)}".rstrip())
            continue
        said, sure = p.said
        label = click.style(rows.named(said), bold=True)
        note = click.style(f"  ({shown(p.doubt)})", dim=True) if p.doubt else ""
        ranking = "  " + ", ".join(f"{name} {score:.0%}" for name, score in p.top(layout.top)) if layout.top else ""
        say(f"{label}  {sure}  {shown(p.input)}{shown(ranking)}{note}")
        for match in answer.matches:
            named = f"{shown(match.label)}  " if match.label else ""
            say(click.style(f"    like  {match.similarity:>6.3f}  {named}{shown(match.name)}", dim=True))
        if answer.why is not None:
            from graft.cli.drawn import drawn

            say("\n".join(drawn(answer.why)))


WRITERS: dict[str, Callable[[Iterable[PredictedRow], Layout, TextIO], None]] = {
    "text": _write_text,
    "json": _write_json,
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "tsv": partial(_write_csv, delimiter="\t"),
}


def to_file(answers: Iterable[PredictedRow], layout: Layout, path: Path) -> None:
    """Write the answers in UTF-8, wholly or not at all.

    Raises:
        UsageError: The extension is of no known format.
        OSError: The disk refuses.
    """
    from graft.files import written_whole

    with written_whole(path) as stream:
        WRITERS[format_of(path)](answers, layout, stream)
