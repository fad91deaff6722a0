"""``graft extend``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graft.cli.options import download_option
from graft.cli.output import progress_bar
from graft.cli.paths import Command, InputPath, Output
from graft.cli.reading import read_data, reading_options
from graft.cli.saving import show_and_save


@click.command(name="extend", cls=Command)
@click.argument("model", type=InputPath(Path))
@click.argument("data", type=InputPath())
@click.option("-o", "--output", type=Output("model"), help="The new model's folder. [default: MODEL's name + -2]")
@click.option("--old", type=InputPath(), help="The data of the first fit, where the cache has lost their embeddings.")
@reading_options
@click.option("--report", "report_file", type=Output("page"), help="Write the report as one HTML file, with examples.")
@click.option("--overwrite", is_flag=True, help="Replace a model or report that is there already.")
@download_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    model: Path,
    data: str,
    output: Path | None,
    old: str | None,
    report_file: Path | None,
    overwrite: bool,
    as_json: bool,
    allow_download: bool,
    **reading: Any,
) -> int:
    """Give MODEL the classes of DATA, and say what happened to its old ones.

    The embeddings of the old items come from the cache; the items themselves are not needed. MODEL stays as it is.
    """
    from graft import bundle
    from graft.model import Stopwatch, extend, load
    from graft.report import writing
    from graft.report.words import clean

    name = model.resolve().name.removesuffix(".graft")
    target = output or model.resolve().with_name(f"{name or 'model'}-2.graft")
    bundle.check_free(target, overwrite)
    if report_file:
        writing.check_free(report_file, overwrite=overwrite)
    fitted = load(model, allow_download=allow_download)
    clock = Stopwatch()
    with progress_bar(quiet=as_json) as progress:
        with clock.timing("read"):
            reading["modality"] = reading["modality"] or fitted.report.modality
            dataset = read_data(data, progress=progress, min_classes=1, remembered=fitted.report.columns, **reading)
        again = None if old is None else read_data(old, progress=progress, min_classes=1, **reading)
        extended = extend(fitted, dataset, old=again, progress=progress, clock=clock)
    use = f"{clean(str(model))} stays as it is."
    return show_and_save(extended, target, report_file, overwrite=overwrite, as_json=as_json, use=use)
