"""``graft predict``."""

from __future__ import annotations

import io
import os
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from graft.cli.answers import WRITERS, Layout, PredictedRow, format_of, to_file
from graft.cli.options import Caching, How, how_options, log_asked, log_options
from graft.cli.output import progress_bar, say, shown
from graft.cli.paths import Command, InputPath, Mixed, ModelPath, OutputFile, guard_outputs
from graft.cli.reading import items_of_stdin
from graft.errors import GraftError, UsageError

if TYPE_CHECKING:
    from graft.data.items import Item
    from graft.job import Reading
    from graft.model import Model
    from graft.monitoring.keeping import LogKeeper
    from graft.reading.table import Record
    from graft.similarity import Index

Rows = Iterator[tuple["Item", "Record"]]
NEIGHBOURS = 5
"""So many look-alikes are shown where no number is asked for."""


@click.command(name="predict", cls=Command)
@click.argument("model", type=ModelPath())
@click.argument("inputs", nargs=-1, required=True, type=Mixed())
@click.option("--top", type=click.IntRange(min=1), help="Show only the K most probable classes.")
@click.option("-o", "--output", type=OutputFile("data"), help="Write the answers: .csv, .tsv, .json or .jsonl.")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="Print one JSON object a line, as they come.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--item-column", help="The column of texts, where a table names it unusually.")
@click.option(
    "--index", "index_folder", type=InputPath(Path), help="Show what is most like each input in this index, too."
)
@click.option("--neighbours", type=click.IntRange(min=1), help="How many look-alikes of each; 5 if not given.")
@log_options
@click.option("--why", is_flag=True, help="Say what of each input speaks for its answer: squares, words or moments.")
@click.option("--strict", is_flag=True, help="Exit with 1 when an input could not be answered.")
@how_options(json="Print one JSON list.", overwrite="Replace a file that is there already.", cache=True, download=True)
def command(
    model: Path,
    inputs: tuple[str, ...],
    top: int | None,
    output: Path | None,
    how: How,
    as_jsonl: bool,
    as_csv: bool,
    item_column: str | None,
    index_folder: Path | None,
    neighbours: int | None,
    log: dict[str, Any],
    why: bool,
    strict: bool,
) -> int:
    """Name the class of INPUTS: files, folders, archives; for a model of texts also tables, or texts themselves.

    - is what stdin lists: a path on each line, or a text on each line for a model of texts, or the bytes of one file.
    A file of answers keeps the columns of the tables that the inputs come from.
    """
    from graft.job import Reading
    from graft.model import load

    kind = _format(output, {"json": how.as_json, "jsonl": as_jsonl, "csv": as_csv})
    if neighbours and index_folder is None:
        raise UsageError("There is no index to find neighbours in.", "Give one: --index DIR (graft index makes it).")
    if why and kind in ("csv", "tsv"):
        raise UsageError("A table has no room for --why.", "Use --json, --jsonl or a file of these.")
    logged = log_asked(**log)
    fitted = load(model, allow_download=how.allow_download)
    if top and not fitted.classes:
        raise UsageError(f"{model} predicts numbers, which have no ranks.", "Leave --top out.")
    keeper = None
    if logged is not None:
        ordered = not _without_order(inputs, fitted.report.modality)
        keeper = logged.keeper(model, fitted.classes, fitted.classifier, _warn, ordered=ordered)
    _bring(inputs)
    read_by = Reading(item_column=item_column, remembered=dict(fitted.report.columns or {}))
    rows = _rows(inputs, fitted.report.modality, read_by)
    index = None
    if index_folder is not None:
        from graft.similarity import Index

        index = Index.load(index_folder, exact=True, allow_download=how.allow_download)
        index.check_of(fitted.encoder)
    layout = Layout(
        fitted.classes,
        top,
        answers=fitted.task.prediction.columns,
        neighbours=(neighbours or NEIGHBOURS) if index_folder else 0,
    )
    if output is not None:
        if fitted.report.modality == "text":  # a table's rows are in memory anyway, and its columns stand above them
            known = list(rows)
            columns = dict.fromkeys(column for _, cells in known for column in cells if column is not None)
            rows, layout = iter(known), replace(layout, columns=tuple(columns))
        rows = _guarded(rows)
    count = _Count()
    answers = count.of(_answers(fitted, rows, how.cache, index, layout.neighbours, keeper, why=why))
    if output is None:
        WRITERS[kind](answers, layout, sys.stdout)
    else:
        to_file(answers, layout, output)
        say(f"Answers {shown(output)}    {count.done:,} inputs")
    return count.tell(strict=strict)


def _warn(line: str) -> None:
    say(shown(line), err=True)


def _without_order(inputs: Sequence[str], modality: str) -> bool:
    """Whether any input holds many items, which then come sorted by name or class, and not as they came about."""
    from graft.reading.inputs import is_archive

    many = (os.path.isdir, os.path.isfile) if modality == "text" else (os.path.isdir,)  # a table of texts is a file
    return any(is_archive(Path(name)) or any(holds(name) for holds in many) for name in inputs)


def _format(output: Path | None, asked: Mapping[str, bool]) -> str:
    """How the answers are to be written."""
    chosen = [name for name, wanted in asked.items() if wanted]
    if output is not None and format_of(output) not in chosen:
        chosen.append(format_of(output))
    if len(chosen) > 1:
        given = "Give one of --json, --jsonl, --csv." if output is None else "The name of the file says which."
        raise UsageError(f"Two formats were asked for: {', '.join(chosen)}.", given)
    return chosen[0] if chosen else "text"


class _Count:
    """How many inputs there were, and how many of them could not be answered."""

    def __init__(self) -> None:
        self.done = self.bad = 0

    def of(self, answers: Iterator[PredictedRow]) -> Iterator[PredictedRow]:
        """The same answers, counted as they pass."""
        with progress_bar(quiet=sys.stdout.isatty()) as progress:  # there the answers themselves show how far it is
            for answer in answers:
                self.done += 1
                self.bad += answer.prediction.error is not None
                progress("predict", self.done, 0)
                yield answer

    def tell(self, *, strict: bool) -> int:
        """Say what was not answered; the exit code, which is 1 where nothing was."""
        if not self.done:
            say("There were no files among the inputs.", err=True)
        elif self.bad == self.done:
            none = "The one input could not" if self.done == 1 else f"None of the {self.done:,} inputs could"
            say(f"{none} be answered.", err=True)
        return 1 if self.bad == self.done or (self.bad and strict) else 0


def _answers(
    fitted: Model, rows: Rows, cache: Caching, index: Index | None, n: int, keeper: LogKeeper | None, *, why: bool
) -> Iterator[PredictedRow]:
    """What is said of each item, and kept in a log, beside the cells of its row and the ``n`` most like it."""
    waiting: deque[tuple[Item, Record]] = deque()

    def items() -> Iterator[Item]:
        for item, cells in rows:
            waiting.append((item, cells))
            yield item

    for chunk in fitted.chunks(items(), cache=cache):
        answers = list(fitted.answers(chunk))
        if keeper is not None:
            keeper.keep(chunk, answers)
        found = [()] * len(answers) if index is None else [one.matches for one in index.near(chunk, n)]
        for answer, matches in zip(answers, found, strict=True):
            item, cells = waiting.popleft()
            explained = fitted.why(item) if why and answer.error is None else None
            yield PredictedRow(answer, cells, matches, explained)


def _guarded(rows: Rows) -> Rows:
    """The same rows; an output that would take the place of one of their files is refused."""
    from graft.data.guard import file_of

    for item, cells in rows:
        guard_outputs(file_of(item))
        yield item, cells


def _bring(inputs: Sequence[str]) -> None:
    """Have what lies at addresses in the cache before answers are shown; what fails says so in its place."""
    from graft.reading.remote import bring_data, is_address
    from graft.run import Run

    if addresses := [name for name in inputs if is_address(name)]:
        with progress_bar() as progress:
            for name in addresses:
                with suppress(GraftError):
                    bring_data(name, Run(progress=progress))


def _rows(inputs: Sequence[str], modality: str, columns: Reading) -> Rows:
    from graft.decoding.formats import sniff

    for name in inputs:
        if name != "-":
            yield from _found_at(name, modality, columns)
            continue
        stream = cast("io.BufferedReader", sys.stdin.buffer)
        if modality == "text" or sniff(stream.peek(32)[:32]):
            yield from ((item, {}) for item in items_of_stdin(modality))
        else:
            for line in stream:
                if path := line.decode(errors="surrogateescape").rstrip("\r\n"):
                    yield from _found_at(path, modality, columns)


def _found_at(name: str, modality: str, columns: Reading) -> Rows:
    from graft.data.items import Broken
    from graft.data.listing import printable
    from graft.reading.inputs import gather_rows

    try:
        yield from gather_rows([name], modality, columns)
    except GraftError as error:
        yield Broken(printable(name), "unreadable", error.message, error.hint), {}
