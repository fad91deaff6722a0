"""``graft index``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graft.cli.options import NAMES_OF_ENCODERS, How, encoder_option, how_options, prompt_option
from graft.cli.output import shown
from graft.cli.paths import Command, InputPath, Output, guard_outputs
from graft.cli.reading import reading_options
from graft.cli.search import show_skipped


@click.command(name="index", cls=Command)
@click.argument("data", type=InputPath())
@click.option("-o", "--output", type=Output("model"), required=True, help="The folder to write.")
@encoder_option(help=f"{NAMES_OF_ENCODERS}; a saved model, for its encoder.")
@prompt_option
@reading_options
@how_options(overwrite="Replace an index that is there already.", cache=True)
def command(
    data: str,
    output: Path,
    recipe: dict[str, Any],
    reading: dict[str, Any],
    how: How,
) -> int:
    """Embed DATA once and keep the vectors in a folder, for graft search and graft predict --index.

    DATA: as for graft search. Texts are kept in the index themselves; files are named, and read where they lie.
    """
    from graft import bundle
    from graft.reading.collection import read_collection
    from graft.similarity import Index

    bundle.check_free(output, how.overwrite, "index")
    with how.progress() as progress:
        dataset = read_collection(data, progress=progress, **reading)
        guard_outputs(dataset)
        index = Index.of(dataset, **recipe, cache=how.cache, progress=progress)
        index.save(output, overwrite=how.overwrite)
    found = {"index": str(output), "n_items": len(index), "skipped": [one.to_dict() for one in index.skipped]}
    how.show(lambda: found, [f"Index   {shown(output)}    {len(index):,} items"])
    show_skipped(index.skipped)
    return 0
