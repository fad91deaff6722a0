"""``graft tune``."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import say, shown
from graft.cli.paths import Command, InputPath, Output, OutputFile
from graft.cli.reading import read_like, reading_options
from graft.cli.saving import named_after
from graft.errors import BundleError, GateError, GraftError, OutputExists, UsageError

if TYPE_CHECKING:
    from graft.report import Report
    from graft.tuning.tuning import Tuned

LIVE_EVERY = 5.0
"""Seconds between two lines that say where the run stands."""


@click.command(name="tune", cls=Command)
@click.argument("model", type=InputPath(Path))
@click.argument("data", type=InputPath())
@click.option("-o", "--output", type=Output("model"), help="The new model's folder. [default: MODEL's name + -tuned]")
@click.option("--method", default="blocks", show_default=True, help="blocks, full, lora, pairs or partway.")
@click.option("--no-flips", "flips", flag_value=False, default=True, help="Left and right matter: mirror no pictures.")
@click.option("--epochs", type=click.IntRange(1), help="How often every item is seen. [default: as METHOD has it]")
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), help="Seconds for everything, about.")
@click.option("--force", is_flag=True, help="Ship the tuned model, whatever the gate says.")
@click.option("--require-better", is_flag=True, help="Exit with 3 when the tuned model is not better.")
@click.option("--seed", type=int, help="Every random choice follows from it. [default: that of MODEL]")
@reading_options
@click.option("--report", "report_file", type=OutputFile(), help="Write the report as one HTML file, with curves.")
@how_options(
    json="Print the outcome as JSON.",
    overwrite="Replace a model or report that is there already.",
    cache="Embed anew, and keep nothing.",
    download=True,
)
def command(
    model: Path,
    data: str,
    output: Path | None,
    require_better: bool,
    reading: dict[str, Any],
    report_file: Path | None,
    how: How,
    **wanted: Any,
) -> int:
    """Fine-tune MODEL's encoder on DATA, and ship it only if it is better.

    Whether it is, is told by items that are set aside before. MODEL stays as it is.
    """
    from graft import bundle
    from graft.encoders.hub.fetch import staying_here
    from graft.model import load
    from graft.report import verdict
    from graft.results.facts import plain
    from graft.tuning.tuning import tune

    target = output or named_after(model, "-tuned")
    bundle.check_free(target, how.overwrite)
    if report_file and report_file.resolve() == target.resolve():
        raise UsageError(f"The model and its report would both be {target}.", "Give the report another name.")
    fitted = load(model, allow_download=how.allow_download)
    checkpoint = target.resolve().with_name(f".{target.name}.tune")
    with how.progress() as progress:
        dataset = read_like(fitted, data, reading, progress=progress)
        with staying_here(f"{model} was made with", unless=how.allow_download):  # its weights may be gone
            note = _Notes(quiet=how.as_json)
            tuned = tune(
                fitted, dataset, **wanted, cache=how.cache, checkpoint=checkpoint, progress=progress, note=note
            )
    if not how.as_json:
        assert tuned.model.report.tuning is not None
        say(verdict.render(tuned.model.report.tuning, tuned.model.report.modality, skipped=tuned.skipped))
    report = _save(tuned, target, checkpoint, model.resolve().parent, overwrite=how.overwrite)
    if not how.as_json:
        say(f"Model   {shown(target)}    {'tuned' if tuned.shipped else 'as it was'}; {tuned.seconds:.0f} s")
    if report_file:
        report = replace(report, report=str(report_file))
        report.to_html(report_file, overwrite=how.overwrite)
    refusal = None
    if require_better and not tuned.better:
        refusal = GateError(tuned.reason, "Add items, or try another method.")
    skipped = {"n_skipped": len(tuned.skipped), "skipped": plain(tuned.skipped)}
    found = plain(report.tuning) | skipped | {"model": report.model, "report": report.report}
    return how.show(lambda: found, [f"Report  {shown(report_file)}"] if report_file else [], refusal)


def _save(tuned: Tuned, target: Path, checkpoint: Path, spare: Path, *, overwrite: bool) -> Report:
    """Save the model and forget the runs; a tuned one that cannot be saved as ``target`` is saved elsewhere first.

    Args:
        tuned: What came of it.
        target: Where the model should be.
        checkpoint: Begins the names of the runs' files.
        spare: A folder where there may be room.
        overwrite: Whether a model that is there may be replaced.

    Raises:
        BundleError: It cannot be saved there; says where it is instead.
        OutputExists: Another is there by now; likewise.
    """
    from graft.tuning.kept import forget, places

    try:
        report = tuned.model.save(target, overwrite=overwrite).report
    except (BundleError, OutputExists) as error:
        if place := tuned.shipped and _saved_elsewhere(spare, tuned, target.name):
            forget(checkpoint)
            raise type(error)(
                f"{error.message} It was saved as {place} instead.", "Move it where it should be."
            ) from None
        if places(checkpoint):
            hint = f"{error.hint} The runs are kept: the same command goes on from there."
            raise type(error)(error.message, hint) from None
        raise
    forget(checkpoint)  # not before: whatever stops the work here costs nothing
    return report


def _saved_elsewhere(spare: Path, tuned: Tuned, name: str) -> Path | None:
    """Where the model has been saved: in a folder that may have room, or among the temporary files."""
    place = spare / f"{name.removesuffix('.graft')}-{secrets.token_hex(4)}.graft"
    with suppress(GraftError):
        tuned.model.save(place)
        return place
    with suppress(GraftError, OSError):
        # A folder that only its owner can open: a bundle tells of the items that it was made of.
        place = Path(tempfile.mkdtemp(prefix="graft-")) / name
        tuned.model.save(place)
        return place
    return None


class _Notes:
    """Sentences on stderr; where the run stands only if somebody watches, and not too often."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._said = 0.0

    def __call__(self, text: str, *, live: bool = False) -> None:
        if self._quiet or (live and not (sys.stderr.isatty() and time.monotonic() - self._said > LIVE_EVERY)):
            return
        if live:
            self._said = time.monotonic()
        safe = "\n".join(map(shown, text.split("\n")))
        sys.stderr.write(f"{safe}\n")  # which a bar makes room for; click.echo writes past it, into the bar's line
