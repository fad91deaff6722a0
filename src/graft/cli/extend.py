"""``graft extend``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import shown
from graft.cli.paths import Command, InputPath, Output, OutputFile
from graft.cli.reading import read_data, read_like, reading_options
from graft.cli.saving import named_after, show_and_save


@click.command(name="extend", cls=Command)
@click.argument("model", type=InputPath(Path))
@click.argument("data", type=InputPath())
@click.option("-o", "--output", type=Output("model"), help="The new model's folder. [default: MODEL's name + -2]")
@click.option("--old", type=InputPath(), help="The data of the first fit, where the cache has lost their embeddings.")
@reading_options
@click.option("--report", "report_file", type=OutputFile(), help="Write the report as one HTML file, with examples.")
@how_options(
    json="Print the report as JSON.", overwrite="Replace a model or report that is there already.", download=True
)
def command(
    model: Path,
    data: str,
    output: Path | None,
    old: str | None,
    report_file: Path | None,
    how: How,
    reading: dict[str, Any],
) -> int:
    """Give MODEL the classes of DATA, and say what happened to its old ones.

    The embeddings of the old items come from the cache; the items themselves are not needed. MODEL stays as it is.
    """
    from graft import bundle
    from graft.model import Stopwatch, extend, load

    target = output or named_after(model, "-2")
    bundle.check_free(target, how.overwrite)
    fitted = load(model, allow_download=how.allow_download)
    clock = Stopwatch()
    with how.progress() as progress:
        with clock.timing("read"):
            dataset = read_like(fitted, data, reading, progress=progress)
        reading["modality"] = dataset.modality
        again = None if old is None else read_data(old, progress=progress, min_classes=1, **reading)
        extended = extend(fitted, dataset, old=again, progress=progress, clock=clock)
    return show_and_save(extended, target, report_file, how, f"{shown(model)} stays as it is.")
