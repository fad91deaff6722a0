"""``graft collect``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import pasted, shown
from graft.cli.paths import Command, InputPath, Output
from graft.errors import UsageError

if TYPE_CHECKING:
    from graft.collecting import Collected


@click.command(name="collect", cls=Command)
@click.argument("queries", nargs=-1, metavar="[QUERY]...")
@click.option("-o", "--output", required=True, type=Output("model"), help="The folder, new or collected before.")
@click.option("--per-class", type=click.IntRange(1, 100_000), default=100, show_default=True,
              help="How many good pictures a class is to have.")  # fmt: skip
@click.option("--provider", type=click.Choice(["ddgs", "urls", "pages"]),
              help="Where pictures come from: web search, lists of addresses, saved pages.")  # fmt: skip
@click.option("--from", "source", type=InputPath(Path), help="The list or lists, or the saved page or pages.")
@click.option("--label", "labels", multiple=True, metavar="QUERY=NAME", help="What the class of a query is called.")
@click.option("--region", default="", help="Country and language of the web search, such as de-de.")
@click.option("--safe-search", type=click.Choice(["on", "moderate", "off"]), default="moderate", show_default=True,
              help="Of the web search.")  # fmt: skip
@click.option("--licence",
              type=click.Choice(["public", "share", "share-commercially", "modify", "modify-commercially"]),
              help="Only what the search site believes to allow this.")  # fmt: skip
@click.option("--min-side", type=click.IntRange(1, 10_000), default=64, show_default=True,
              help="The least width and height in pixels.")  # fmt: skip
@click.option("--max-mb", type=click.FloatRange(0.001, 500), default=20, show_default=True, help="The largest file.")
@click.option("--delay", type=click.FloatRange(0, 3600), default=0.5, show_default=True,
              help="Seconds between two requests to a host.")  # fmt: skip
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help="Seconds after which no more is fetched.")
@how_options()
def command(
    queries: tuple[str, ...],
    output: Path,
    labels: tuple[str, ...],
    licence: str | None,
    max_mb: float,
    how: How,
    **wanted: Any,
) -> int:
    """Fetch pictures into a folder for each QUERY. To run it again goes on where it ended."""
    from graft.collecting import Limits, collect

    with how.progress() as progress:
        collected = collect(
            queries,
            output,
            labels=_names(labels),
            licence=licence or "",
            limits=Limits(max_bytes=int(max_mb * 1e6)),
            progress=progress,
            **wanted,
        )
    return how.show(collected.to_dict, _summary(collected))


def _names(labels: tuple[str, ...]) -> dict[str, str]:
    """The labels by query.

    Raises:
        UsageError: One is not of the form ``QUERY=NAME``.
    """
    names = {}
    for label in labels:
        query, equals, name = label.rpartition("=")
        if not equals or not query or not name.strip():
            raise UsageError(
                f"The label {label!r} is not of the form QUERY=NAME.", "For example --label 'open door=open'."
            )
        names[query] = name.strip()
    return names


def _summary(collected: Collected) -> Iterator[str]:
    """What became of each class, and what to do next."""
    yield f"{shown(collected.folder)}:"
    width = max(map(len, collected.classes))
    for label, counts in collected.classes.items():
        parts = [f"{counts.new} new"]
        if counts.duplicates:
            parts.append(f"{counts.duplicates} duplicates dropped")
        if counts.elsewhere:
            parts.append(f"{counts.elsewhere} dropped as another class has them")
        parts += [
            f"{verb}: {_reasons(by)}" for verb, by in (("refused", counts.refused), ("failed", counts.failed)) if by
        ]
        yield f"  {shown(label):{width}}  {counts.kept} of {collected.per_class}  ({', '.join(parts)})"
    yield from (f"Warning: {shown(problem)}" for problem in collected.problems)
    few = any(counts.kept < collected.per_class for counts in collected.classes.values())
    if collected.stopped:
        yield "Time is up; the same command goes on from here."
    elif few:
        yield "Nothing more was found. Other words find other pictures; --label puts them into the same class."
    yield f"Where each came from: {shown(collected.manifest)}"
    if any(counts.kept for counts in collected.classes.values()):
        yield "Pictures belong to those who made them: heed their licences."
        yield f"Next: {pasted('clean', collected.folder)}, then {pasted('fit', collected.folder)}"


def _reasons(by: Counter[str]) -> str:
    return ", ".join(f"{n} {shown(reason.replace('_', ' '))}" for reason, n in by.most_common())
