"""``graft fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graft.cli.answers import format_of
from graft.cli.options import NAMES_OF_ENCODERS, How, encoder_option, given, how_options, recipe_option, recipe_options
from graft.cli.output import pasted, say, shown
from graft.cli.paths import Command, InputPath, Output, OutputFile, guard_outputs
from graft.cli.reading import read_data, reading_options
from graft.cli.saving import Step, show_and_save, write_held_out
from graft.errors import UsageError
from graft.files import expanded

_BESIDE = {"job", "output", "report_file", "why", "predictions", "overwrite", "cache", "as_json", "allow_download"}
"""What may be said beside a job."""


@click.command(name="fit", cls=Command)
@click.argument("data", type=InputPath(), required=False)
@click.option("--job", type=InputPath(Path), help="Repeat the fit of a saved model, or of its job.json; takes no DATA.")
@click.option("-o", "--output", type=Output("model"), help="The model's folder. [default: DATA's name + .graft]")
@click.option("--test", "test_data", type=InputPath(), help="Other labelled data for the final figure.")
@encoder_option(help=f"{NAMES_OF_ENCODERS}.")
@recipe_option(
    "--task", default="auto", show_default=True, help="regression for numbers; auto: a class, or labels, as DATA have."
)
@recipe_option(
    "--head", default="auto", show_default=True, help="Which head: logistic, discriminant, prototype, or auto."
)
@click.option("--journal", type=InputPath(Path), help="Decisions about the items, which are followed.")
@recipe_options
@reading_options
@click.option("--report", "report_file", type=OutputFile(), help="Write the report as one HTML file, with examples.")
@click.option("--why", is_flag=True, help="Say in the report what speaks for the answers to the hardest items.")
@click.option(
    "--predictions",
    type=OutputFile("data"),
    help="Write what was said of every held-out item: .csv, .tsv, .json, .jsonl.",
)
@how_options(
    json="Print the report as JSON.",
    overwrite="Replace a model, report or table that is there already.",
    cache=True,
    download=True,
)
def command(
    data: str | None,
    job: Path | None,
    output: Path | None,
    test_data: str | None,
    recipe: dict[str, Any],
    reading: dict[str, Any],
    journal: Path | None,
    report_file: Path | None,
    why: bool,
    predictions: Path | None,
    how: How,
) -> int:
    """Fit a model to DATA and say how good it is.

    DATA: a folder per class, a manifest (CSV, TSV, JSON, Parquet, a spreadsheet), a folder with train/ and
    test/, a zip of these, or the address of one: s3://bucket/photos/, hf:owner/name.
    """
    from graft import bundle
    from graft.model import Stopwatch, fit
    from graft.model.explaining import with_why
    from graft.recipe import Recipe
    from graft.repeating import repeat
    from graft.report.words import noun
    from graft.tasks import reading_of

    wanted = Recipe(**recipe)
    if why and report_file is None:
        raise UsageError("--why is shown in the report, and none is written.", "Give --report FILE.html.")
    data = _source(data, job)
    target = output or Path(default_name(data) if job is None else f"{job.resolve().stem}-again.graft")
    bundle.check_free(target, how.overwrite)
    if predictions:
        format_of(predictions)
    clock = Stopwatch()
    with how.progress() as progress:
        if job is not None:
            model = repeat(job, cache=how.cache, progress=progress, clock=clock, allow_download=how.allow_download)
        else:
            with clock.timing("read"):
                dataset = read_data(data, progress=progress, test=test_data, **{**reading, **reading_of(wanted)})
            model = fit(dataset, wanted, journal=journal, cache=how.cache, progress=progress, clock=clock)
        model = with_why(model, progress) if why else model
    use = f"Use it: {pasted('predict', target)} {noun(model.report.modality, 1).upper()}..."
    more: list[Step] = []
    if predictions:
        more.append(("Held out", predictions, lambda: write_held_out(model, predictions)))
    return show_and_save(model, target, report_file, how, use, more)


def _source(data: str | None, job: Path | None) -> str:
    """Where the data are; of a job, those that it names, over which nothing is written.

    Raises:
        UsageError: Something was said beside the job, which says it all.
    """
    ctx = click.get_current_context()
    if job is None:
        if data is None:
            raise click.MissingParameter(ctx=ctx, param_hint="'DATA'", param_type="argument")
        return data
    from graft import bundle
    from graft.repeating import job_of

    if more := given({one.name for one in ctx.command.params} - _BESIDE):
        raise UsageError(
            f"--job says how the model is fitted, and {', '.join(more)} was given beside it.",
            "Leave that out, or fit a model without --job.",
        )
    found = job_of(job)
    if found.plan.time_limit is not None:
        say("The tuning was given a time limit: it goes as far as time allows, which differs.", err=True)
    named = (found.reading.source, found.reading.test, found.plan.journal, found.plan.model, found.plan.old)
    read = [path for path in named if path is not None]
    say(f"The job reads {shown(', '.join(read)) or 'nothing'}", err=True)  # it may come from anybody
    if bundle.is_saved(job.resolve().parent):
        guard_outputs(job.resolve().parent)
    for path in read:
        guard_outputs(Path(path))
    return found.reading.source or ""


def default_name(data: str) -> str:
    """The data's own name with ``.graft``, in the present folder."""
    from graft.decoding.formats import bare_name
    from graft.reading.remote import is_address, name_at

    if is_address(data):
        return f"{bare_name(name_at(data)) or 'model'}.graft"
    path = expanded(data).resolve()
    stem = path.name if path.is_dir() else bare_name(path.name)
    return f"{stem or 'model'}.graft"
