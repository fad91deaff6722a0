"""``graft label-next``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graft.cli.options import How, how_options
from graft.cli.output import pasted, say, show_json, shown
from graft.cli.paths import Command, InputPath, Mixed
from graft.errors import UsageError

if TYPE_CHECKING:
    from graft.labelling import Shortlist, Suggestion
    from graft.report.terminal import RowLayout


@click.command(name="label-next", cls=Command)
@click.argument("model", type=InputPath(Path))
@click.argument("inputs", nargs=-1, required=True, type=Mixed())
@click.option("-n", "number", type=click.IntRange(min=1), default=20, show_default=True, help="How many to choose.")
@click.option("--item-column", help="The column of texts, where a table names it unusually.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table with an empty column for the labels.")
@how_options(cache=True)
def command(
    model: Path,
    inputs: tuple[str, ...],
    number: int,
    item_column: str | None,
    how: How,
    as_csv: bool,
) -> int:
    """Choose, of the unlabelled INPUTS, those whose labels would help MODEL most.

    INPUTS are files, folders and zips; for a model of texts also tables of them, or texts themselves.
    """
    from graft.labelling import label_next
    from graft.model import load
    from graft.reading.inputs import gather
    from graft.run import Run

    if how.as_json and as_csv:
        raise UsageError("Two formats were asked for: json, csv.", "Give one of --json, --csv.")
    fitted = load(model)
    if as_csv and fitted.report.modality != "text":
        _refuse_zips(inputs)
    with how.progress() as progress:
        items = gather(
            inputs,
            fitted.report.modality,
            item_column=item_column,
            remembered=fitted.report.columns,
            run=Run(progress=progress),
        )
        found = label_next(fitted, items, number, cache=how.cache, progress=progress)
    if how.as_json:
        show_json(found.to_dict())
    elif as_csv:
        _write_csv(found)
    else:
        _write_text(found, model, several=fitted.report.multi_label)
    answered = found.n_items or found.n_labelled or found.n_copies
    return 1 if found.skipped and not answered else 0


def _refuse_zips(inputs: Sequence[str]) -> None:
    from graft.reading.inputs import is_archive

    if zipped := next((name for name in inputs if is_archive(Path(name))), None):
        raise UsageError(
            f"--csv names files, and those in {zipped} have no path of their own: graft extend would not find them.",
            "Unpack it, and give the folder.",
        )


def _write_csv(found: Shortlist) -> None:
    """A manifest that ``graft.read`` takes once its labels are filled in; rows without one are skipped.

    Paths are absolute, so that the table may lie anywhere. Texts that are not all files stand in it themselves.
    """
    from graft.cells import TableWriter
    from graft.data.items import File
    from graft.decoding.encoding import read_text

    paths = [str(entry.item.path.resolve()) for entry in found if isinstance(entry.item, File)]
    named = len(paths) == len(found)
    items = paths if named else [read_text(entry.item.read()) for entry in found]
    writer = TableWriter(sys.stdout)
    writer.writerow(["path" if named else "text", "label", "predicted", "confidence", "reason"])
    for item, entry in zip(items, found, strict=True):
        writer.writerow([item, "", entry.predicted, f"{entry.confidence:.3f}", entry.reason])
    _write_rest(found)


def _write_text(found: Shortlist, model: Path, *, several: bool) -> None:
    from graft.report.terminal import RowLayout

    rows = RowLayout.of((_guess(entry) for entry in found), least=7)
    digits = len(str(len(found)))
    for rank, entry in enumerate(found, 1):
        say(_line(f"{rank:>{digits}}", entry, rows))
    _write_rest(found)
    if found:
        _write_advice(model, several=several)


def _line(rank: str, entry: Suggestion, rows: RowLayout) -> str:
    row = f"{rank}  {click.style(rows.named(_guess(entry)), bold=True)}  {entry.confidence:>6.1%}  "
    name, reason = rows.rest(click.unstyle(row), entry.item, entry.item.name, f"  ({entry.reason})")
    return f"{row}{name}{click.style(reason, dim=True)}"


def _guess(entry: Suggestion) -> str:
    return entry.predicted or "no label"


def _write_advice(model: Path, *, several: bool) -> None:
    """What to do with the list, on stderr; the command stands in one piece, so that it can be copied."""
    from graft.report.terminal import page_width

    advice = (
        "The label is the model's guess. Put each file into a folder named after its true class, or fill in the table "
        "that --csv prints. Then "
    ) + ("fit a model to all items:" if several else "extend the model:")
    again = f"{pasted('fit')} DATA" if several else pasted("extend", model, "labelled.csv")
    say(f"\n{click.wrap_text(advice, page_width())}\n\n  {again}", err=True)


def _write_rest(found: Shortlist) -> None:
    """What became of the other items, on stderr."""
    for skipped in found.skipped:
        say(f"skipped: {shown(skipped.path)}: {shown(skipped.reason)}", err=True)
    counts: Sequence[tuple[int, str]] = (
        (found.n_labelled, "labelled already"),
        (found.n_copies, "copies of others"),
        (len(found.skipped), "skipped"),
    )
    rest = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    chosen = (
        f"{len(found):,} of {found.n_items:,} items without a label" if found.n_items else "Nothing is left to label"
    )
    say("; ".join(filter(None, (chosen, rest))) + ".", err=True)
