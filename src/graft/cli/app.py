"""``graft app``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import pasted
from graft.cli.paths import Command, InputPath, ModelPath, Output, guard_outputs
from graft.cli.reading import as_flags, reading_options
from graft.errors import UsageError

if TYPE_CHECKING:
    from graft.similarity import Index


@click.command(name="app", cls=Command)
@click.argument("model", type=ModelPath())
@click.option("--data", type=InputPath(), help="What it was fitted to: the most alike are shown beside each answer.")
@click.option("--index", "folder", type=InputPath(Path), help="The same, indexed: graft index DATA --encoder MODEL.")
@click.option(
    "--corrections",
    type=Output("data"),
    default=Path("corrections"),
    show_default=True,
    help="Where items go that were answered wrongly, as data for graft fit.",
)
@click.option("--no-corrections", is_flag=True, help="Keep none.")
@click.option("--port", type=click.IntRange(0, 65535), help="Of the page; 0 takes a free one. [default: 7860, or free]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the page listens; this machine only.")
@click.option("--behind", default="", metavar="ADDRESS", help="What a proxy shows: https://example.org/try/.")
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the browser.")
@reading_options
@how_options(json="Print the address as JSON.", cache=True, download=True)
def command(
    model: Path,
    data: str | None,
    folder: Path | None,
    corrections: Path,
    no_corrections: bool,
    port: int | None,
    host: str,
    behind: str,
    open_browser: bool,
    how: How,
    reading: dict[str, Any],
) -> None:
    """Try MODEL in a web page: photos, texts, the camera, the microphone; why; corrections.

    Everything stays on this machine, and nothing is asked of any other. Ctrl-C ends the page.
    """
    from graft.app import TryPage, check_installed, serve
    from graft.model import load
    from graft.similarity import Index

    check_installed("The page")
    if data and folder:
        raise UsageError("Both --data and --index were given.", "Give one of them.")
    if not data and (given := [*as_flags(reading)]):
        raise UsageError(f"{given[0]} says how data are read, and none are given.", "Give --data DATA.")
    if port is not None:
        TryPage.check_port(host, port)  # before data are embedded, which may take minutes
    fitted = load(model, allow_download=how.allow_download)
    index = Index.load(folder, exact=True, cache=how.cache, allow_download=how.allow_download) if folder else None
    if data:
        index = _indexed(data, {**reading, "modality": fitted.report.modality}, model, how)
    page = TryPage(
        fitted,
        index=index,
        corrections=None if no_corrections else corrections,
        port=port,
        host=host,
        behind=behind,
    )
    kept = page.corrections

    def learned() -> str:
        return f"Learn from what was corrected: {pasted('fit', kept.path)}" if kept and kept.read() else ""

    serve(page, learned, open_browser=open_browser, as_json=how.as_json)


def _indexed(data: str, reading: Mapping[str, Any], model: Path, how: How) -> Index:
    """The training items, embedded as the model does it."""
    from graft.reading.collection import read_collection
    from graft.similarity import Index

    with how.progress() as progress:
        dataset = read_collection(data, progress=progress, **reading)
        guard_outputs(dataset)
        # A test part was kept from the model: nothing of it was learned.
        learned = [row for row, part in enumerate(dataset.splits) if part != "test"]
        return Index.of(dataset.select(learned), encoder=str(model), exact=True, cache=how.cache, progress=progress)
