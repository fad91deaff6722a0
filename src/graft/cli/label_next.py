"""``graft label-next``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graft.cli.output import progress_bar, show_json
from graft.errors import UsageError

if TYPE_CHECKING:
    from graft.data.dataset import Item
    from graft.labelling import Shortlist

WIDEST_LABEL = 24
"""Columns that a label is padded to, at most."""


@click.command(name="label-next")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1, required=True)
@click.option("-n", "number", type=click.IntRange(min=1), default=20, show_default=True, help="How many to choose.")
@click.option("--item-column", help="The column of texts, where a table names it unusually.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table with an empty column for the labels.")
def command(
    model: Path, inputs: tuple[str, ...], number: int, item_column: str | None, as_json: bool, as_csv: bool
) -> None:
    """Choose, of the unlabelled INPUTS, those whose labels would help MODEL most.

    INPUTS are files, folders and zips; for a model of texts also tables of them, or texts themselves.
    """
    from graft.data.inputs import gather
    from graft.labelling import label_next
    from graft.model import load

    if as_json and as_csv:
        raise UsageError("Two formats were asked for: json, csv.", "Give one of --json, --csv.")
    fitted = load(model)
    with progress_bar(quiet=as_json) as progress:
        items = gather(inputs, fitted.report.modality, item_column=item_column)
        found = label_next(fitted, items, number, progress=progress)
    if as_json:
        show_json(found.to_dict())
    elif as_csv:
        _write_csv(found, fitted.report.modality)
    else:
        _write_text(found, model, several=fitted.report.multi_label)


def _write_csv(found: Shortlist, modality: str) -> None:
    """A manifest that ``graft.read`` takes once its labels are filled in; rows without one are skipped."""
    from graft.data.encoding import read_text
    from graft.data.items import File

    named = modality != "text" or all(isinstance(suggestion.item, File) for suggestion in found)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["path" if named else "text", "label", "predicted", "confidence", "reason"])
    for entry in found:
        item = _path_of(entry.item) if named else read_text(entry.item.read())
        writer.writerow([item, "", entry.predicted, f"{entry.confidence:.3f}", entry.reason])
    _write_rest(found)


def _path_of(item: Item) -> str:
    """Absolute, so that the table may lie anywhere; what is no file is only named."""
    from graft.data.items import File

    return str(item.path.resolve()) if isinstance(item, File) else item.name


def _write_text(found: Shortlist, model: Path, *, several: bool) -> None:
    from graft.report.words import clean

    width = min(max([7, *(len(entry.predicted) for entry in found)]), WIDEST_LABEL)
    digits = len(str(len(found)))
    for rank, entry in enumerate(found, 1):
        label = click.style(f"{clean(entry.predicted or 'no label'):<{width}}", bold=True)
        reason = click.style(f"  ({clean(entry.reason)})", dim=True)
        click.echo(f"{rank:>{digits}}  {label}  {entry.confidence:>6.1%}  {clean(entry.item.name)}{reason}")
    _write_rest(found)
    if found:
        again = "graft fit" if several else f"graft extend {model}"
        click.echo(
            f"\nThe label is the model's guess. Put each file into a folder named after its true class, or fill in the "
            f"table that --csv prints, and give that to {again}."
        )


def _write_rest(found: Shortlist) -> None:
    """What became of the other items, on stderr."""
    from graft.report.words import clean

    for skipped in found.skipped:
        click.echo(f"skipped: {clean(skipped.path)}: {clean(skipped.reason)}", err=True)
    counts: Sequence[tuple[int, str]] = (
        (found.n_labelled, "labelled already"),
        (found.n_copies, "copies of others"),
        (len(found.skipped), "skipped"),
    )
    rest = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    chosen = (
        f"{len(found):,} of {found.n_items:,} items without a label" if found.n_items else "Nothing is left to label"
    )
    click.echo("; ".join(filter(None, (chosen, rest))) + ".", err=True)
