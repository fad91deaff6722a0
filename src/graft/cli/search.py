"""``graft search``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import NAMES_OF_ENCODERS, How, encoder_option, how_options, prompt_option
from graft.cli.output import say, shown
from graft.cli.paths import Command, InputPath, Mixed, OutputFile, guard_outputs
from graft.cli.reading import as_flags, items_of_stdin, reading_options
from graft.errors import UsageError
from graft.files import expanded

if TYPE_CHECKING:
    from graft.data.dataset import Item, Skipped
    from graft.report.terminal import RowLayout
    from graft.similarity import Match, SearchResult

BAR = 10
"""Columns of a bar for the similarity 1."""
SHOWN = 5
"""So many skipped items are named."""
FEW = 1_000
"""So many queries are sooner compared with every item than a graph is built for them."""


def _a_number(context: click.Context, parameter: click.Parameter, value: float) -> float:
    """A range lets NaN through, of which every comparison is false."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number from -1 to 1.", context, parameter)
    return value


@click.command(name="search", cls=Command)
@click.argument("data", type=InputPath())
@click.argument("queries", nargs=-1, required=True, type=Mixed())
@click.option("-n", "--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many to show.")
@click.option(
    "--min-similarity",
    type=click.FloatRange(-1, 1),
    default=-1.0,
    callback=_a_number,
    help="Show only what is at least so alike.",
)
@encoder_option(help=f"{NAMES_OF_ENCODERS}; a saved model, for its encoder.")
@prompt_option
@click.option("--exact/--graph", default=None, help="Compare with every item, or walk a graph of neighbours.")
@reading_options
@click.option("--html", "page", type=OutputFile(), help="Write what was found as one HTML file, too.")
@how_options(overwrite="Replace a page that is there already.", cache=True, download=True)
def command(
    data: str,
    queries: tuple[str, ...],
    top: int,
    min_similarity: float,
    recipe: dict[str, Any],
    reading: dict[str, Any],
    exact: bool | None,
    page: Path | None,
    how: How,
) -> int:
    """Show the items of DATA that are most like each of QUERIES.

    DATA: as for graft fit, but labels are not needed: any folder or zip of files, a table of texts, a file with a text
    on each line; or what graft index has written. QUERIES: files of the same kind; for texts also a text itself. - is
    what stdin holds: a text on each line, or the bytes of one file.
    """
    from graft.bundle import is_index
    from graft.reading.collection import read_collection
    from graft.report.writing import write
    from graft.similarity import Index

    with how.progress() as progress:
        saved = is_index(expanded(data))
        asked = {name: value for name, value in recipe.items() if value != "auto"}
        if saved and (given := as_flags(asked | reading)):
            raise UsageError(
                f"{data} is an index, which was read and embedded already: {given[0]} has no effect.", "Leave it out."
            )
        index = (
            Index.load(data, cache=how.cache, progress=progress, allow_download=how.allow_download) if saved else None
        )
        dataset = index.dataset if index else read_collection(data, progress=progress, **reading)
        guard_outputs(dataset)
        items = list(_queries(queries, dataset.modality))
        if not items:
            raise UsageError("There is no query: stdin is empty.", "Write a text on each line.")
        index = index or Index.of(dataset, **recipe, cache=how.cache, progress=progress)
        if exact is None:  # a graph takes minutes to build, so that it is for many queries only
            exact = index.exact or len(items) <= FEW
        index.exact = exact
        found = index.search_many(items, top, min_similarity=min_similarity)
    if len(found) == 1 and found[0].error is not None:
        raise found[0].error
    if page:
        from graft.similarity.page import render

        write(render(found, dataset.modality, dataset.name, items), page, overwrite=how.overwrite)
    how.show(lambda: [one.to_dict() for one in found], _lines(found))
    show_skipped(index.skipped)
    return 1 if all(one.error is not None for one in found) else 0


def _queries(queries: Sequence[str], modality: str) -> Iterator[Item]:
    from graft.data.items import File, Text
    from graft.data.kinds import is_path
    from graft.data.listing import printable

    for query in queries:
        if query == "-":
            yield from items_of_stdin(modality)
        elif modality == "text" and not is_path(query):
            yield Text(query)
        else:
            yield File(Path(query), printable(query))


def _lines(found: Sequence[SearchResult]) -> Iterator[str]:
    from graft.report.terminal import RowLayout, shorten
    from graft.report.words import excerpt

    for place, one in enumerate(found):
        rows = RowLayout.of(match.label for match in one.matches)
        if len(found) > 1:
            heading = excerpt(one.heading)
            heading = heading if rows.width is None else shorten(heading, rows.width)
            yield ("\n" if place else "") + click.style(heading, bold=True)
        if one.error is not None:
            yield f"{click.style('skipped', fg='red')}  {shown(one.error.message)} {shown(one.error.hint)}".rstrip()
        elif not one.matches:
            yield "Nothing is so alike."
        yield from (_line(match, rows) for match in one.matches)


def _line(match: Match, rows: RowLayout) -> str:
    full = round(BAR * max(0.0, match.similarity))
    bar = click.style("\u2588" * full, fg="cyan") + click.style("\u2591" * (BAR - full), dim=True)
    label = f"  {click.style(rows.named(match.label), bold=True)}" if rows.label else ""
    row = f"{match.rank:>3}  {bar} {match.similarity:>6.3f}{label}  "
    same = "  (the same content)" if match.same else ""
    name, note = rows.rest(click.unstyle(row), match.item, match.name, same)
    return f"{row}{name}{click.style(note, dim=True)}"


def show_skipped(skipped: Sequence[Skipped]) -> None:
    """Name some of what could not be read, on stderr."""
    if not skipped:
        return
    say(f"{len(skipped):,} skipped:", err=True)
    for one in skipped[:SHOWN]:
        say(f"  {shown(one.path)}: {shown(one.reason)}", err=True)
    if len(skipped) > SHOWN:
        say(f"  and {len(skipped) - SHOWN:,} more", err=True)
