"""``graft predict``."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from graft.cli.output import progress_bar, to_json
from graft.cli.paths import Command, Input, Mixed
from graft.errors import GraftError, UsageError

if TYPE_CHECKING:
    from graft.data.dataset import Item
    from graft.model import Model
    from graft.prediction import Prediction

FORMATS = ("text", "json", "jsonl", "csv")


@click.command(name="predict", cls=Command)
@click.argument("model", type=Input(Path))
@click.argument("inputs", nargs=-1, required=True, type=Mixed())
@click.option("--top", type=click.IntRange(min=1), help="Show only the K most probable classes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="Print one JSON object a line, as they come.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--item-column", help="The column of texts, where a table names it unusually.")
@click.option("--strict", is_flag=True, help="Exit with 1 when an input could not be answered.")
def command(
    model: Path,
    inputs: tuple[str, ...],
    top: int | None,
    as_json: bool,
    as_jsonl: bool,
    as_csv: bool,
    item_column: str | None,
    strict: bool,
) -> int:
    """Name the class of INPUTS: files, folders, zips; for a model of texts also tables of them, or texts themselves.

    - is what stdin lists: a path on each line, or a text on each line for a model of texts, or the bytes of one file.
    """
    from graft.model import load

    chosen = [name for name, wanted in zip(FORMATS[1:], (as_json, as_jsonl, as_csv), strict=True) if wanted]
    if len(chosen) > 1:
        raise UsageError(f"Two formats were asked for: {', '.join(chosen)}.", "Give one of --json, --jsonl, --csv.")
    fitted = load(model)
    done = bad = 0

    def predictions() -> Iterator[Prediction]:
        nonlocal done, bad
        with progress_bar(quiet=sys.stdout.isatty()) as progress:  # there the answers themselves show how far it is
            for prediction in fitted.stream(_items(inputs, fitted.report.modality, item_column)):
                done += 1
                bad += prediction.error is not None
                progress("predict", done, 0)
                yield prediction

    WRITERS[chosen[0] if chosen else "text"](predictions(), fitted, top)
    if not done:
        click.echo("There were no files among the inputs.", err=True)
    elif bad == done:
        none = "The one input could not" if done == 1 else f"None of the {done:,} inputs could"
        click.echo(f"{none} be answered.", err=True)
    return 1 if bad and strict else 0


def _items(inputs: tuple[str, ...], modality: str, item_column: str | None) -> Iterator[Item]:
    from graft.data.formats import sniff
    from graft.data.items import MAX_ITEM_BYTES, Memory, Text

    for name in inputs:
        if name != "-":
            yield from _found_at(name, modality, item_column)
            continue
        stream = cast("io.BufferedReader", sys.stdin.buffer)
        head = stream.peek(32)
        if modality != "text" and sniff(head[:32]):
            yield Memory(stream.read(MAX_ITEM_BYTES + 1), "stdin")
            continue
        for line in stream:
            if modality == "text" and line.strip():
                yield Text(line.decode(errors="replace").strip())
            elif path := line.decode(errors="surrogateescape").rstrip("\r\n"):
                yield from _found_at(path, modality, item_column)


def _found_at(name: str, modality: str, item_column: str | None) -> Iterator[Item]:
    from graft.data.inputs import gather
    from graft.data.items import Broken
    from graft.data.listing import printable

    try:
        yield from gather([name], modality, item_column=item_column)
    except GraftError as error:
        yield Broken(printable(name), "unreadable", error.message, error.hint)


def _write_json(predictions: Iterable[Prediction], model: Model, top: int | None) -> None:
    before = "["
    for prediction in predictions:
        click.echo(before + to_json(prediction.to_dict(top)), nl=False)
        before = ",\n "
    click.echo("[]" if before == "[" else "]")


def _write_jsonl(predictions: Iterable[Prediction], model: Model, top: int | None) -> None:
    for prediction in predictions:
        click.echo(to_json(prediction.to_dict(top)))


def _write_csv(predictions: Iterable[Prediction], model: Model, top: int | None) -> None:
    """A column for each class; with ``top`` two for each rank."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    ranks = range(1, min(top, len(model.classes)) + 1) if top else ()
    columns = [f"{what}_{rank}" for rank in ranks for what in ("label", "score")] if top else list(model.classes)
    writer.writerow(["input", "label", "confidence", "unknown", "set", "error", *columns])
    for p in predictions:
        if p.error is not None:
            writer.writerow([p.input, "", "", "", "", p.error.message, *[""] * len(columns)])
            continue
        ranked = [cell for label, score in p.top(top) for cell in (label, f"{score:.6g}")]
        figures = ranked if top else [f"{p.scores[label]:.6g}" for label in columns]
        unknown = str(p.unknown).lower()
        writer.writerow([p.input, p.label, f"{p.confidence:.6g}", unknown, "|".join(p.set), "", *figures])


def _write_text(predictions: Iterable[Prediction], model: Model, top: int | None) -> None:
    from graft.report.terminal import Rows
    from graft.report.words import clean

    rows = replace(Rows.of(model.classes, least=7), width=None)  # an answer is never shortened
    for p in predictions:
        if p.error is not None:
            skipped = click.style(rows.named("skipped"), fg="red")
            click.echo(f"{skipped}          {clean(p.error.message)} {clean(p.error.hint)}".rstrip())
            continue
        label = click.style(rows.named(_named(p)), bold=True)
        note = click.style(f"  ({doubt})", dim=True) if (doubt := _doubt(p)) else ""
        ranking = "  " + ", ".join(f"{name} {score:.0%}" for name, score in p.top(top)) if top else ""
        click.echo(f"{label}  {p.confidence:>6.1%}  {clean(p.input)}{clean(ranking)}{note}")


def _named(p: Prediction) -> str:
    """The class, or all labels where there may be several."""
    return p.label if p.labels is None else ", ".join(p.labels) or "no label"


def _doubt(p: Prediction) -> str:
    from graft.report.words import clean

    if p.unknown:
        return "perhaps none of the classes" if p.labels is None else "perhaps unlike all that it learned from"
    if p.labels is not None or len(p.set) < 2:
        return ""
    return clean("could be " + " or ".join(p.set[:5]) + (" ..." if len(p.set) > 5 else ""))


WRITERS = {"text": _write_text, "json": _write_json, "jsonl": _write_jsonl, "csv": _write_csv}
